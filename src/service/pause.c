#include <string.h>

#include "core/when.h"
#include "service/intake.h"

/* Write next_at, and what is done to the present occurrence. */
static bool
set_next(struct run *r, struct packet *p, int64_t next_at, const char *what)
{
	struct store *st = r->s->env.store;

	p->next_at = next_at;
	if (p->charge_day != 0 && st->ops->refund(st, p) != RES_OK)
		r->s->broken = true;
	p->charge_day = p->charge_units = 0;
	if (!r->s->broken && st->ops->edit(st, p, r->now, what) != RES_OK)
		r->s->broken = true;
	r->s->rearm = true;
	return !r->s->broken;
}

static bool
is_parked(const struct packet *p)
{
	return p->state == PACKET_SCHEDULED && p->next_at == NEVER_MS;
}

static void
done(struct run *r, const struct packet *p)
{
	struct form *f = &r->reply->form;
	struct buf due = { .max = 64 };

	when_print_utc(&due, p->due_at);
	form_value(f, form_add(f, FIELD_HIDDEN, "id", NULL), p->id);
	form_value(f, form_add(f, FIELD_HIDDEN, "due", NULL), buf_str(&due));
	buf_free(&due);
}

static void
pause_it(struct run *r, struct series *se, struct packet *p)
{
	struct store *st = r->s->env.store;

	if (se->paused) {
		reply_done(r, NOTE_INFO, "It is paused already; `resume` lets it go on.");
		return;
	}
	se->paused = true;
	if (st->ops->put_series(st, se) != RES_OK)
		r->s->broken = true;
	if (packet_next(p->state, EV_EDIT) == PACKET_ILLEGAL)
		reply_done(r, NOTE_WARN,
		    "%s is %s, and cannot be stopped any more; what follows it is paused. `resume` lets it go on.",
		    p->id, packet_state_name(p->state));
	else if (p->sent_at != 0)
		reply_done(r, NOTE_WARN,
		    "%s left once, and may have arrived: only what follows it is paused. `resume` lets it go on.",
		    p->id);
	else if (set_next(r, p, NEVER_MS, "paused by the sender"))
		reply_done(r, NOTE_INFO, "%s to %s is paused; `resume` lets it go on.", p->id,
		    p->recipient);
	done(r, p);
}

/* What fell due while it was paused is skipped. */
static void
skip(struct run *r, struct series *se, struct packet *p)
{
	struct store *st = r->s->env.store;

	se->at = se->at > r->now ? se->at : r->now;
	if (st->ops->put_series(st, se) != RES_OK)
		r->s->broken = true;
	else
		settle_move(r->s, p, EV_CANCEL, "skipped: it was paused when it was due");
}

static void
say_resumed(struct run *r, const char *series)
{
	struct series_list ss = { 0 };
	struct packets ps = { 0 };
	struct zone zone;

	if (!repeat_get(r->s, series, &ss))
		reply_done(r, NOTE_INFO,
		    "Nothing of this recurrence is left: the last one was while it was paused.");
	else if (settle_get(r->s, ss.v[0].packet, &ps)) {
		zone = zones_of_packet(r->s, &ps.v[0]);
		reply_done(r, NOTE_INFO, "Resumed: %s to %s is due ", ps.v[0].id, ps.v[0].recipient);
		when_print(&r->reply->note, ps.v[0].due_at, &zone, r->account.hours);
		buf_text(&r->reply->note, ".");
		done(r, &ps.v[0]);
	} else
		r->s->broken = true;
	packets_free(&ps);
	series_free(&ss);
}

static void
resume_it(struct run *r, struct series *se, struct packet *p)
{
	struct store *st = r->s->env.store;

	if (!se->paused) {
		reply_done(r, NOTE_INFO, "It is not paused.");
		return;
	}
	se->paused = false;
	if (st->ops->put_series(st, se) != RES_OK)
		r->s->broken = true;
	else if (is_parked(p) && p->due_at > r->now)
		set_next(r, p, p->due_at, "resumed by the sender");
	else if (is_parked(p))
		skip(r, se, p);
	say_resumed(r, se->id);
}

static void
with_series(struct run *r, const struct choice *choice, const char *refused,
    void (*what)(struct run *r, struct series *se, struct packet *p))
{
	struct packets ps = { 0 };
	struct series_list ss = { 0 };
	struct packet *p;

	if (!choose_one(r, choice, &ps))
		goto done;
	p = &ps.v[0];
	if (!repeat_get(r->s, p->series, &ss)) {
		reply_done(r, NOTE_ERROR, "%s does not repeat, so %s.", p->id, refused);
		goto done;
	}
	/* The id of an earlier occurrence means the present one. */
	if (strcmp(p->id, ss.v[0].packet) != 0) {
		if (!settle_get(r->s, ss.v[0].packet, &ps)) {
			reply_done(r, NOTE_ERROR,
			    "%s, which follows %s, is damaged and cannot be read: `cancel` ends the recurrence.",
			    ss.v[0].packet, p->id);
			goto done;
		}
		p = &ps.v[ps.n - 1];
	}
	what(r, &ss.v[0], p);
done:
	series_free(&ss);
	packets_free(&ps);
}

void
pause_begin(struct run *r)
{
	static const struct choice choice = {
		.title = "Pause a recurring message",
		.instructions = "Choose the message to pause.",
		.none = "Nothing is waiting, so there is nothing to pause.",
	};

	with_series(r, &choice,
	    "it cannot be paused: `edit` gives it another time, `cancel` stops it", pause_it);
}

void
pause_end(struct run *r)
{
	static const struct choice choice = {
		.title = "Let a paused message go on",
		.instructions = "Choose the message to resume.",
		.none = "Nothing is waiting, so there is nothing to resume.",
	};

	with_series(r, &choice, "it is not paused", resume_it);
}
