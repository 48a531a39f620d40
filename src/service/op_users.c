/* Users, as operators see them: who there are, what waits of each, and who is blocked. */
#include <string.h>

#include "core/export.h"
#include "service/operators.h"

#define USERS_MAX   100
#define PACKETS_MAX 100
#define ENDED_MAX   20
/* What is held because its sender is blocked is looked at so often. */
#define BLOCKED_MS  HOUR_MS

/* -- One user ---------------------------------------------------------------------------------- */

static void
ask(struct run *r, const char *title, const char *error)
{
	struct form *f = &r->reply->form;
	struct field *fd;

	r->reply->kind = REPLY_FORM;
	f->title = title;
	f->instructions = "Whose?  An address like romeo@example.net.";
	if (error != NULL)
		reply_again(r, title, f->instructions, error);
	r->reply->wrong = error != NULL ? "jid" : NULL;
	if ((fd = form_add(f, FIELD_TEXT, "jid", "User")) == NULL)
		return;
	fd->required = true;
	if (r->in != NULL)
		form_value(f, fd, form_get(r->in, "jid"));
}

/* False when the reply asks for it. */
static bool
get_user(struct run *r, const char *title, struct jid *user)
{
	struct span text = span_trim(span_of(r->in != NULL ? form_get(r->in, "jid") : ""));

	if (r->stage == COMMAND_ASK) {
		ask(r, title, NULL);
		return false;
	}
	if (jid_parse(user, text) == RES_OK && user->local[0] != '\0')
		return true;
	ask(r, title, "This is no address of a user: write one like romeo@example.net.");
	return false;
}

static bool
is_served(const struct service *s, const struct jid *user)
{
	const char *const *d = s->config->domains;

	while (*d != NULL && strcmp(*d, user->domain) != 0)
		d++;
	return *d != NULL;
}

static bool
show_use(struct run *r, const struct jid *user)
{
	struct service *s = r->s;
	struct store *st = s->env.store;
	struct quota_period period;
	struct quota_limit limit;
	struct quota_use use;
	struct buf text = { .max = 1024 };
	bool ok = true;

	quota_period_at(&period, r->now, &s->config->zone);
	for (int kind = KIND_IM; ok && kind < KIND_END; kind++) {
		ok = quota_limit_of(s, user, (enum packet_kind)kind, &limit) == RES_OK &&
		    st->ops->use(st, user->bare, (enum packet_kind)kind, period.day, &use) == RES_OK;
		buf_reset(&text);
		if (ok)
			quota_print(&text, &use, &limit);
		reply_row(r, packet_kind_name((enum packet_kind)kind),
		    packet_kind_name((enum packet_kind)kind), buf_str(&text));
	}
	buf_free(&text);
	return ok;
}

void
op_users_show(struct run *r)
{
	struct store *st = r->s->env.store;
	struct account account;
	struct jid user;
	int64_t waiting;
	bool stopped;
	struct form *f = &r->reply->form;

	if (!get_user(r, "Show one user", &user))
		return;
	if (st->ops->account(st, user.bare, &account) != RES_OK ||
	    st->ops->stopped(st, user.bare, &stopped) != RES_OK ||
	    st->ops->waiting(st, user.bare, &waiting) != RES_OK) {
		reply_trouble(r);
		return;
	}
	f->title = arena_printf(&f->arena, "User %s", user.bare);
	reply_row(r, "served", "Served",
	    is_served(r->s, &user) ? "yes" : "no: their domain is not one of users.domains");
	reply_row(r, "blocked", "Blocked", account.blocked ? "yes; `unblock` ends that" : "no");
	if (stopped)
		reply_row(r, "stopped", "Wants nothing sent to them",
		    "since they wrote `stop`; only they can write `start`");
	reply_row(r, "waiting", "Waiting",
	    arena_printf(&f->arena, "%lld of %lld", (long long)waiting,
		(long long)r->s->config->pending_max));
	if (!show_use(r, &user)) {
		reply_trouble(r);
		return;
	}
	reply_row(r, "zone", "Time zone", account.zone[0] != '\0' ? account.zone : "not set");
	reply_row(r, "notify", "Told of", notify_name(account.notify));
	reply_done(r, NOTE_INFO, "%s: %lld waiting%s.", user.bare, (long long)waiting,
	    account.blocked ? ", blocked" : "");
}

/* -- All of them ------------------------------------------------------------------------------- */

static bool
list_user(struct run *r, const char *jid)
{
	struct store *st = r->s->env.store;
	struct account account;
	int64_t waiting;

	if (st->ops->account(st, jid, &account) != RES_OK ||
	    st->ops->waiting(st, jid, &waiting) != RES_OK)
		return false;
	reply_plain(r, jid, NULL,
	    arena_printf(&r->reply->form.arena, "%s: %lld waiting%s", jid, (long long)waiting,
		account.blocked ? ", blocked" : ""));
	return true;
}

void
op_users_list(struct run *r)
{
	struct store *st = r->s->env.store;
	struct events users = { 0 };
	const char *after = r->in != NULL ? form_get(r->in, "after") : "";
	size_t n = 0;
	bool ok = st->ops->senders(st, after, USERS_MAX, &users) == RES_OK;

	r->reply->form.title = "Users";
	for (size_t i = 0; ok && i < users.n; i++)
		if (strcmp(users.v[i].what, r->s->bot) != 0) {
			ok = list_user(r, arena_text(&r->reply->form.arena, users.v[i].what));
			n++;
		}
	if (!ok)
		reply_trouble(r);
	else if (n == 0)
		reply_done(r, NOTE_INFO, "Nobody%s has packets or settings here.",
		    *after != '\0' ? " after that" : "");
	else
		reply_done(r, NOTE_INFO, "%zu user%s.", n, n == 1 ? "" : "s");
	if (ok && users.n == USERS_MAX)
		buf_printf(&r->reply->note, " There may be more: write `users %s`.",
		    users.v[users.n - 1].what);
	events_free(&users);
}

/* -- The packets of one ------------------------------------------------------------------------- */

static void
add_packet(struct run *r, const struct packet *p)
{
	struct zone zone = zones_of_packet(r->s, p);
	struct buf line = { .max = 8192 };

	buf_printf(&line, "%s: ", p->id);
	when_print(&line, p->due_at, &zone, r->account.hours);
	buf_printf(&line, " %s to %s, %s", packet_kind_name(p->kind), p->recipient,
	    packet_state_name(p->state));
	if (p->gateway != NULL)
		buf_printf(&line, ", %s", p->gateway);
	reply_plain(r, arena_text(&r->reply->form.arena, p->id), NULL, buf_str(&line));
	buf_free(&line);
}

void
op_users_packets(struct run *r)
{
	struct store *st = r->s->env.store;
	struct packets ps = { 0 }, ended = { 0 };
	struct jid user;
	int64_t waiting;

	if (!get_user(r, "Show the packets of one user", &user))
		return;
	if (st->ops->find(st, FIND_WAITING, user.bare, 0, PACKETS_MAX, &ps) != RES_OK ||
	    st->ops->find(st, FIND_FINISHED, user.bare, 0, ENDED_MAX, &ended) != RES_OK ||
	    st->ops->waiting(st, user.bare, &waiting) != RES_OK) {
		reply_trouble(r);
		goto done;
	}
	r->reply->form.title = arena_printf(&r->reply->form.arena, "Packets of %s", user.bare);
	for (size_t i = 0; i < ps.n; i++)
		add_packet(r, &ps.v[i]);
	for (size_t i = 0; i < ended.n; i++)
		add_packet(r, &ended.v[i]);
	reply_done(r, NOTE_INFO, "%s: %lld waiting", user.bare, (long long)waiting);
	if (waiting > (int64_t)ps.n)
		buf_printf(&r->reply->note, "; the %zu soonest are shown", ps.n);
	if (ended.n > 0)
		buf_printf(&r->reply->note, "; then the last %zu that were sent or have ended", ended.n);
	buf_text(&r->reply->note, ".");
done:
	packets_free(&ended);
	packets_free(&ps);
}

/* -- Who is blocked ---------------------------------------------------------------------------- */

static void
set_blocked(struct run *r, const struct jid *user, bool blocked)
{
	struct service *s = r->s;
	struct store *st = s->env.store;
	struct account account;
	int64_t n;

	if (st->ops->account(st, user->bare, &account) != RES_OK) {
		reply_trouble(r);
		return;
	}
	if (strcmp(user->bare, s->bot) == 0) {
		reply_done(r, NOTE_ERROR, "%s is this service itself.", user->bare);
		return;
	}
	if (account.blocked == blocked) {
		reply_done(r, NOTE_INFO, "%s is %s already.", user->bare,
		    blocked ? "blocked" : "not blocked");
		return;
	}
	account.blocked = blocked;
	/* Whose what is held is not indexed, and all of it may be looked at. */
	if (st->ops->set_account(st, user->bare, &account) != RES_OK ||
	    (!blocked && st->ops->wake(st, NULL, OFFLINE_END, r->now, &n) != RES_OK)) {
		s->broken = true;
		return;
	}
	s->rearm = true;
	if (blocked)
		reply_done(r, NOTE_INFO,
		    "%s is blocked: nothing more of theirs is taken, and what is due is held until it expires. `unblock` ends that.",
		    user->bare);
	else
		reply_done(r, NOTE_INFO, "%s is not blocked any more: what was held because of it leaves.",
		    user->bare);
}

void
op_users_block(struct run *r)
{
	struct jid user;

	if (get_user(r, "Block a user", &user))
		set_blocked(r, &user, true);
}

void
op_users_unblock(struct run *r)
{
	struct jid user;

	if (get_user(r, "Unblock a user", &user))
		set_blocked(r, &user, false);
}

bool
op_users_hold_blocked(struct service *s, struct packet *p)
{
	struct account account;
	bool first = !p->held;

	if (s->env.store->ops->account(s->env.store, p->sender, &account) != RES_OK)
		s->broken = true;
	else if (account.blocked) {
		p->held = true;
		p->next_at = service_now(s) + BLOCKED_MS;
		settle_move(s, p, EV_HOLD,
		    first ? "held: the operator has blocked its sender" : NULL);
		return true;
	}
	return s->broken;
}
