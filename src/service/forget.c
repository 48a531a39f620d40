/*
 * Deleting all that is stored about a user.  The wish is written down in the turn in which it is
 * accepted; the packets are deleted in steps between other work, also after a crash.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "service/state.h"

#define PAGE    200
/* Of what waits, so that nothing newer than the wish stands before it. */
#define WAITING 2000
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

/* The packet is about this user, and is older than their wish. */
static bool
is_meant(const struct packet *p, const char *user, int64_t at, bool notices)
{
	return p->created_at <= at && (!notices || strcmp(p->recipient, user) == 0);
}

/* What waits leaves no more; how many packets that have to be looked at again. */
static size_t
cancel_waiting(struct service *s, enum store_find what, const char *who, const char *user,
    int64_t at)
{
	struct packets ps = { 0 };
	size_t left = 0;
	bool notices = what == FIND_HELD;

	if (s->env.store->ops->find(s->env.store, what, who, 0, WAITING, &ps) != RES_OK)
		s->broken = true;
	for (size_t i = 0; i < ps.n && !s->broken; i++) {
		struct packet *p = &ps.v[i];
		bool unsure = p->sent_at != 0;

		if (!is_meant(p, user, at, notices) ||
		    (notices && strcmp(p->sender, s->bot) != 0))
			continue;
		left++;
		if (settle_move(s, p, EV_CANCEL, "its sender wants it forgotten") && !unsure &&
		    s->env.store->ops->refund(s->env.store, p) != RES_OK)
			s->broken = true;
	}
	packets_free(&ps);
	return left;
}

/* A page of the finished packets of `sender`; false at the end of them. */
static bool
erase_page(struct service *s, const char *sender, const char *user, int64_t at)
{
	struct store *st = s->env.store;
	struct packets ps = { 0 };
	bool notices = sender == s->bot, more;

	if (st->ops->finished(st, sender, &s->forgetting.place, PAGE, &ps) != RES_OK)
		s->broken = true;
	more = ps.n > 0;
	for (size_t i = 0; i < ps.n && !s->broken; i++)
		if (is_meant(&ps.v[i], user, at, notices)) {
			enum res res = st->ops->erase(st, ps.v[i].id);

			s->broken = s->broken || (res != RES_OK && res != RES_NOTFOUND);
		}
	packets_free(&ps);
	return more;
}

/* The next step for this user; how long until the one after it. */
static int64_t
one_step(struct service *s, const char *user, int64_t at)
{
	struct forgetting *f = &s->forgetting;

	switch (f->phase) {
	case FORGET_WAITING:
		f->waits = cancel_waiting(s, FIND_WAITING, user, user, at) > 0;
		if (cancel_waiting(s, FIND_HELD, user, user, at) > 0)
			f->waits = true;
		break;
	case FORGET_SENT:
		if (erase_page(s, user, user, at))
			return 1;
		break;
	case FORGET_NOTICES:
		if (erase_page(s, s->bot, user, at))
			return 1;
		break;
	}
	f->place = (struct store_place){ 0 };
	if (f->phase < FORGET_NOTICES) {
		f->phase++;
		return 1;
	}
	f->phase = FORGET_WAITING;
	/* What was in flight has ended by then. */
	if (f->waits)
		return WAIT_MS;
	if (s->env.store->ops->set_forget(s->env.store, user, 0) != RES_OK)
		s->broken = true;
	log_note("all that was stored about %s is deleted, as they wished", user);
	return 1;
}

static void
step(void *arg)
{
	struct service *s = arg;
	struct events wishes = { 0 };
	int64_t wait_ms = WAIT_MS;
	bool done = false;

	if (service_halted(s)) {
		go_on(s, WAIT_MS);
		return;
	}
	if (s->env.store->ops->forgets(s->env.store, 1, &wishes) != RES_OK)
		s->broken = true;
	else if (wishes.n == 0)
		done = true;
	else
		wait_ms = one_step(s, wishes.v[0].what, wishes.v[0].at);
	/* It begins anew: nothing of this turn has happened. */
	if (s->broken)
		s->forgetting = (struct forgetting){ 0 };
	if (!done)
		go_on(s, wait_ms);
	events_free(&wishes);
}

/* -- The command ------------------------------------------------------------------------------- */

static void
ask(struct run *r, const char *error)
{
	static const char title[] = "Delete all your data",
			  instructions[] =
			      "Your waiting messages are cancelled, and all that is stored about you is deleted: messages, histories, settings. This cannot be undone; `export` gives you a copy before.";
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
	reply_row(r, "waiting", "Messages that wait",
	    arena_printf(&f->arena, "%lld", (long long)waiting));
	form_value(f, form_add(f, FIELD_BOOLEAN, "confirm", "Yes, delete everything"), "0");
}

static bool
is_confirmed(struct form *in)
{
	struct span said = span_trim(span_of(form_get(in, "confirm")));

	return span_eq(said, SPAN("1")) || span_caseeq(said, SPAN("true")) ||
	    span_caseeq(said, SPAN("yes"));
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
	if (!is_confirmed(r->in)) {
		ask(r, "Nothing was deleted: say yes to it first.");
		return;
	}
	if (drop_all_series(s, user) != RES_OK || st->ops->forget_account(st, user) != RES_OK ||
	    st->ops->set_forget(st, user, r->now) != RES_OK) {
		s->broken = true;
		return;
	}
	s->forgetting = (struct forgetting){ 0 };
	cancel_waiting(s, FIND_WAITING, user, user, r->now);
	go_on(s, 1);
	reply_done(r, NOTE_INFO,
	    "Your waiting messages are cancelled, and everything is being deleted. What is in flight is deleted when it has ended; how much you have sent this month stays until the month ends, because your limits depend on it.");
}
