/*
 * Deleting all that is stored about a user.  The wish is written down in the turn in which it is
 * accepted; the packets are deleted in steps between other work, also after a crash.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "service/state.h"

#define PAGE    200
#define WAITING 2000
#define WISHES  100
/* What is in flight is waited for. */
#define WAIT_MS (2 * SECOND_MS)

static void step(void *arg);

static void
go_on(struct service *s, int64_t wait_ms)
{
	timer_set(s->env.timers, &s->forget_timer, clock_mono(s->env.clock) + wait_ms, step, s);
}

void
forget_start(struct service *s)
{
	go_on(s, 1);
}

/* -- The steps --------------------------------------------------------------------------------- */

/* Theirs, or a notice to them, and no newer than their wish. */
static bool
is_meant(const struct service *s, const struct packet *p, const char *user, int64_t at)
{
	return p->created_at <= at &&
	    (strcmp(p->sender, user) == 0 ||
		(strcmp(p->sender, s->bot) == 0 && strcmp(p->recipient, user) == 0));
}

static bool
stop(struct service *s, struct packet *p)
{
	bool unsure = p->sent_at != 0;

	if (!settle_move(s, p, EV_CANCEL, "its sender wants it forgotten"))
		return false;
	if (!unsure && s->env.store->ops->refund(s->env.store, p) != RES_OK)
		s->broken = true;
	return true;
}

/* What waits leaves no more.  How long until it is looked at again; 0: nothing of it is left. */
static int64_t
cancel_waiting(struct service *s, const char *user, int64_t at)
{
	const struct {
		enum store_find what;
		const char *who;
	} places[] = { { FIND_WAITING, user }, { FIND_HELD, user }, { FIND_WAITING, s->bot } };
	struct store *st = s->env.store;
	bool stopped = false, left = false;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !s->broken; i++) {
		struct packets ps = { 0 };

		if (st->ops->find(st, places[i].what, places[i].who, 0, WAITING, &ps) != RES_OK)
			s->broken = true;
		for (size_t k = 0; k < ps.n && !s->broken; k++) {
			if (!is_meant(s, &ps.v[k], user, at))
				continue;
			if (stop(s, &ps.v[k]))
				stopped = true;
			else
				left = true;
		}
		packets_free(&ps);
	}
	if (stopped)
		return 1;
	return left ? WAIT_MS : 0;
}

/* A page of the finished packets of `sender`; false at the end of them. */
static bool
erase_page(struct service *s, const char *sender)
{
	struct forgetting *f = &s->forgetting;
	struct store *st = s->env.store;
	struct packets ps = { 0 };
	bool more;

	if (st->ops->finished(st, sender, &f->place, PAGE, &ps) != RES_OK)
		s->broken = true;
	more = ps.n > 0;
	for (size_t i = 0; i < ps.n && !s->broken; i++)
		if (is_meant(s, &ps.v[i], f->user, f->at)) {
			enum res res = st->ops->erase(st, ps.v[i].id);

			s->broken = s->broken || (res != RES_OK && res != RES_NOTFOUND);
		}
	packets_free(&ps);
	return more;
}

/* The next step; how long until the one after it. */
static int64_t
one_step(struct service *s)
{
	struct forgetting *f = &s->forgetting;
	int64_t wait_ms;

	switch (f->phase) {
	case FORGET_WAITING:
	case FORGET_BACK:
		/* What came with the wish, but after it, is not meant. */
		if ((wait_ms = cancel_waiting(s, f->user, f->at - 1)) > 0) {
			f->phase = FORGET_WAITING;
			return wait_ms;
		}
		break;
	case FORGET_SENT:
		if (erase_page(s, f->user))
			return 1;
		break;
	case FORGET_NOTICES:
		if (erase_page(s, s->bot))
			return 1;
		break;
	}
	f->place = (struct store_place){ 0 };
	if (f->phase++ < FORGET_BACK)
		return 1;
	if (s->env.store->ops->set_forget(s->env.store, f->user, 0) != RES_OK)
		s->broken = true;
	else
		log_note("all that was stored about %s is deleted, as they wished", f->user);
	*f = (struct forgetting){ 0 };
	return 1;
}

/* The oldest wish, lest anybody wait for those who wish again and again; false: there is none. */
static bool
choose(struct service *s)
{
	struct forgetting *f = &s->forgetting;
	struct events wishes = { 0 };
	const struct event *first = NULL;

	if (s->env.store->ops->forgets(s->env.store, WISHES, &wishes) != RES_OK)
		s->broken = true;
	for (size_t i = 0; i < wishes.n; i++)
		if (first == NULL || wishes.v[i].at < first->at)
			first = &wishes.v[i];
	if (first != NULL && (first->at != f->at || strcmp(first->what, f->user) != 0)) {
		*f = (struct forgetting){ .at = first->at };
		snprintf(f->user, sizeof(f->user), "%s", first->what);
	}
	events_free(&wishes);
	return first != NULL;
}

static void
step(void *arg)
{
	struct service *s = arg;
	int64_t wait_ms = WAIT_MS;

	/* Nothing of a turn that failed has happened. */
	if (service_halted(s))
		s->forgetting = (struct forgetting){ 0 };
	else if (choose(s))
		wait_ms = one_step(s);
	else if (!s->broken)
		return;
	go_on(s, wait_ms);
}

/* -- The command ------------------------------------------------------------------------------- */

static void
ask(struct run *r, const char *error)
{
	static const char title[] = "Delete all your data",
			  instructions[] =
			      "This cancels your waiting messages, and deletes all that is stored about you: messages, histories, settings. It cannot be undone; `export` gives you a copy before.";
	struct form *f = &r->reply->form;
	int64_t waiting;

	if (r->s->env.store->ops->waiting(r->s->env.store, r->who->jid.bare, &waiting) != RES_OK) {
		reply_trouble(r);
		return;
	}
	r->reply->kind = REPLY_FORM;
	f->title = title;
	f->instructions = instructions;
	if (error != NULL)
		reply_again(r, title, instructions, error);
	r->reply->wrong = error != NULL ? "confirm" : NULL;
	reply_row(r, "waiting", "Messages that wait",
	    arena_printf(&f->arena, "%lld", (long long)waiting));
	form_value(f, form_add(f, FIELD_BOOLEAN, "confirm", "Delete everything"), "0");
}

/* Nothing new comes of what repeats; with the wish, this is on disk or it is not. */
static enum res
drop_all_series(struct service *s, const char *user)
{
	struct store *st = s->env.store;
	struct series_list ss;
	enum res res;
	size_t n;

	do {
		ss = (struct series_list){ 0 };
		res = st->ops->find_series(st, SERIES_OF, user, PAGE, &ss);
		n = ss.n;
		for (size_t i = 0; i < n && res == RES_OK; i++)
			res = st->ops->drop_series(st, ss.v[i].id);
		series_free(&ss);
	} while (n > 0 && res == RES_OK);
	return res;
}

void
forget_all(struct run *r)
{
	struct service *s = r->s;
	struct store *st = s->env.store;
	const char *user = r->who->jid.bare;

	if (r->stage == COMMAND_ASK) {
		ask(r, NULL);
		return;
	}
	if (!reply_is_confirmed(r->in)) {
		ask(r, "Nothing was deleted: say yes to it first.");
		return;
	}
	if (drop_all_series(s, user) != RES_OK || st->ops->forget_account(st, user) != RES_OK ||
	    st->ops->set_forget(st, user, r->now) != RES_OK) {
		s->broken = true;
		return;
	}
	export_drop(s, user);
	cancel_waiting(s, user, r->now);
	go_on(s, 1);
	reply_done(r, NOTE_INFO,
	    "Your waiting messages are cancelled, and everything is being deleted. What is in flight is deleted when it has ended; how much you have sent this month stays until the month ends, because your limits depend on it, and so does a `stop` of yours.");
}
