#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "service/state.h"

/*
 * Bounces from remote servers come up to 90 s after the message, those of a dead session when its
 * server gives it up: on Prosody 10 minutes after it has noticed (XEP-0198).  What comes much later
 * is about something else.
 */
#define BOUNCE_MS (30 * MINUTE_MS)
/*
 * A message left to the server is tried so often before it fails: with the backoff of deliver.c,
 * most of a day.
 */
#define TRIES_MAX 24
/* Once may be chance: they have just logged out, or their session is dead and nobody knows it yet. */
#define RETURNED_MAX 5
#define WATCH_PAGE 200
/* Senders told at once that a recipient refused; the others learn it when their message expires. */
#define REFUSED_MAX 1000

/* Nothing more is done about it, unless somebody says so. */
static bool
is_settled(enum packet_state state)
{
	return packet_is_final(state) || state == PACKET_SENT || state == PACKET_UNCERTAIN;
}

bool
settle_move(struct service *s, struct packet *p, enum packet_event ev, const char *what)
{
	int64_t now = service_now(s);
	enum packet_state to = packet_next(p->state, ev);

	if (is_settled(to))
		p->finished_at = now;
	if (to == PACKET_HELD || p->state == PACKET_HELD)
		s->rearm = true;
	switch (s->env.store->ops->move(s->env.store, p, ev, now, what)) {
	case RES_OK:
		log_detail("packet %s: %s%s%s", p->id, packet_state_name(p->state),
		    what ? ": " : "", what ? what : "");
		if (is_settled(p->state))
			s->counts.ended[p->kind][p->state]++;
		if (p->series[0] != '\0' && is_settled(p->state))
			repeat_settled(s, p);
		return true;
	case RES_NOTFOUND:
	case RES_INVALID:
		return false;
	default:
		s->broken = true;
		return false;
	}
}

static const struct {
	enum packet_state state;
	const char *words;
} end_words[] = {
	{ PACKET_FAILED, "failed" },
	{ PACKET_EXPIRED, "expired" },
	{ PACKET_UNCERTAIN, "may or may not have been sent" },
};

bool
settle_end(struct service *s, struct packet *p, enum packet_event ev, const char *what)
{
	const char *verb = packet_state_name(packet_next(p->state, ev));
	struct buf words = { .max = 2048 };

	if (!settle_move(s, p, ev, what))
		return false;
	for (size_t i = 0; i < sizeof(end_words) / sizeof(end_words[0]); i++)
		if (end_words[i].state == p->state)
			verb = end_words[i].words;
	log_note("packet %s: %s: %s", p->id, verb, what);
	buf_printf(&words, "%s: %s", verb, what);
	notify_sender(s, p, buf_str(&words));
	buf_free(&words);
	return true;
}

bool
settle_expire(struct service *s, struct packet *p, const char *what)
{
	/* A delivery report may still say what became of it. */
	if (p->sent_at != 0 && packet_kind_is_paid(p->kind))
		return settle_uncertain(s, p, "it left, but whether it was taken is not known");
	if (p->sent_at != 0)
		what = "it left, but whether it arrived is not known, and it is not sent again";
	return settle_end(s, p, EV_EXPIRE, what);
}

bool
settle_uncertain(struct service *s, struct packet *p, const char *what)
{
	struct buf words = { .max = 2048 };
	bool moved;

	buf_printf(&words,
	    "%s; it is not sent again by itself, so ask the recipient before you write it anew",
	    what);
	moved = settle_end(s, p, EV_UNKNOWN, buf_str(&words));
	buf_reset(&words);
	buf_printf(&words, "Message %s of %s may or may not have been sent: %s.", p->id, p->sender, what);
	if (moved)
		notify_admins(s, "uncertain", buf_str(&words));
	buf_free(&words);
	return moved;
}

enum res
settle_recover(struct service *s)
{
	int64_t n = 0;
	enum res res = s->env.store->ops->recover(s->env.store, service_now(s), &n);

	if (res == RES_OK && n > 0)
		log_note("took up %lld packets that were queued or in flight", (long long)n);
	return res;
}

/* -- The batch --------------------------------------------------------------------------------- */

static void
on_settled(void *arg)
{
	struct service *s = arg;

	s->barrier = false;
	for (size_t i = 0; i < s->nbatch; i++) {
		if (settle_move(s, &s->batch[i]->p, EV_ACCEPTED, "taken by the server"))
			notify_step(s, &s->batch[i]->p, NOTIFY_SENT, "was sent");
		queued_free(&s->batch[i]);
	}
	s->nbatch = 0;
	deliver_pump(s);
}

/*
 * What was sent since the last pong may or may not have arrived: it is sent again with the same
 * ids.
 */
static void
on_broken(void *arg)
{
	struct service *s = arg;

	s->barrier = false;
	s->able_since = 0;
	for (size_t i = 0; i < s->nbatch; i++) {
		if (settle_move(
			s, &s->batch[i]->p, EV_BROKEN, "the stream broke: to be sent again") &&
		    !s->broken && queue_push(&s->due[false].queue, s->batch[i]) == RES_OK)
			continue;
		queued_free(&s->batch[i]);
	}
	s->nbatch = 0;
}

/* -- What the messenger reports ---------------------------------------------------------------- */

void
settle_ready(struct service *s)
{
	struct events waiting = { 0 };
	char after[JID_BARE_MAX + 1] = "";
	size_t n;

	do {
		if (s->env.store->ops->contacts_waiting(
			s->env.store, after, WATCH_PAGE, &waiting) != RES_OK)
			s->broken = true;
		n = waiting.n;
		for (size_t i = 0; i < n && !s->broken; i++)
			s->messenger->ops->watch(s->messenger, waiting.v[i].what);
		if (n > 0)
			snprintf(after, sizeof(after), "%s", waiting.v[n - 1].what);
		events_free(&waiting);
	} while (n == WATCH_PAGE && !s->broken);
	if (!s->broken)
		deliver_pump(s);
}

/*
 * A store that cannot be read does not mean that there is no such packet: the report is told again.
 */
bool
settle_get(struct service *s, const char *id, struct packets *ps)
{
	enum res res = s->env.store->ops->get(s->env.store, id, ps);

	if (res != RES_OK && res != RES_NOTFOUND && res != RES_PERMFAIL)
		s->broken = true;
	return res == RES_OK;
}

/*
 * The packet of a stanza that came back or was acknowledged, if it is one that `from` can speak
 * about; it lives in ps.
 */
static struct packet *
packet_of(struct service *s, const char *id, const char *from, struct packets *ps)
{
	char canonical[PACKET_ID_LEN + 1];

	if (packet_id_parse(canonical, span_of(id)) != RES_OK || strcmp(canonical, id) != 0)
		return NULL;
	if (!settle_get(s, id, ps))
		return NULL;
	struct packet *p = &ps->v[0];
	const char *at = strchr(p->recipient, '@');

	if (strcmp(from, p->recipient) == 0 || (at != NULL && strcmp(from, at + 1) == 0))
		return p;
	return NULL;
}

static void
hold_bounced(struct service *s, struct packet *p, enum bounce bounce, const char *why)
{
	int64_t now = service_now(s);
	bool first = !p->held;
	struct buf words = { .max = 2048 };

	p->held = true;
	p->sent_at = p->finished_at = 0;
	p->next_at = now + deliver_retry_ms(s, p->attempts);
	/* Where their presence can be seen, it decides; else it is tried again now and then. */
	if (bounce == BOUNCE_AWAY &&
	    s->messenger->ops->presence(s->messenger, p->recipient) == PRESENCE_OFFLINE)
		p->next_at = now + DELIVER_LOOK_MS;
	buf_printf(&words, "held: %s", why);
	if (settle_move(s, p, EV_HOLD, buf_str(&words)) && first) {
		buf_reset(&words);
		buf_printf(&words, "could not be delivered yet (%s) and is held", why);
		notify_sender(s, p, buf_str(&words));
	}
	buf_free(&words);
}

static bool
is_online(struct service *s, const char *recipient)
{
	return s->messenger->ops->presence(s->messenger, recipient) == PRESENCE_ONLINE;
}

static void
bounced(struct service *s, const struct report *r)
{
	struct packets ps = { 0 };
	struct packet *p = packet_of(s, r->id, r->who, &ps);
	const char *why = bounce_words(span_of(r->condition));

	if (p != NULL && r->at - p->sent_at <= BOUNCE_MS &&
	    (p->state == PACKET_INFLIGHT || p->state == PACKET_SENT)) {
		enum bounce bounce =
		    bounce_for(p->offline, bounce_meaning(span_of(r->condition), span_of(r->type)));

		/* What may be held is tried until it expires. */
		if (bounce == BOUNCE_LATER && p->offline == OFFLINE_SERVER &&
		    p->attempts >= TRIES_MAX)
			bounce = BOUNCE_NEVER;
		if (bounce == BOUNCE_AWAY && p->attempts >= RETURNED_MAX && is_online(s, p->recipient)) {
			bounce = BOUNCE_NEVER;
			why = "the recipient is online, but what is sent to them is returned: they may have blocked this address";
		}
		if (bounce == BOUNCE_NEVER)
			settle_end(s, p, EV_FAIL, why);
		else {
			s->messenger->ops->doubt(s->messenger, p->recipient);
			hold_bounced(s, p, bounce, why);
		}
	}
	packets_free(&ps);
}

/*
 * The messenger will not try it as the sender again on this stream, so it leaves from our address.
 */
static void
not_allowed(struct service *s, const struct report *r)
{
	struct packets ps = { 0 };

	if (settle_get(s, r->id, &ps) &&
	    (ps.v[0].state == PACKET_INFLIGHT || ps.v[0].state == PACKET_SENT)) {
		ps.v[0].sent_at = ps.v[0].finished_at = 0;
		ps.v[0].next_at = service_now(s);
		settle_move(s, &ps.v[0], EV_HOLD,
		    "the server does not let us send as the sender: to be sent from our address");
	}
	packets_free(&ps);
}

static void
received(struct service *s, const struct report *r)
{
	struct packets ps = { 0 };
	struct packet *p = packet_of(s, r->id, r->who, &ps);

	/* Nothing can be received that never left. */
	if (p != NULL && p->sent_at != 0 &&
	    settle_move(s, p, EV_RECEIPT, "received by the recipient's client"))
		notify_step(s, p, NOTIFY_DELIVERED, "was delivered");
	packets_free(&ps);
}

static void
contact_refused(struct service *s, const char *recipient)
{
	struct packets held = { 0 };

	if (s->env.store->ops->find(s->env.store, FIND_HELD, recipient, 0, REFUSED_MAX, &held) !=
	    RES_OK)
		s->broken = true;
	for (size_t i = 0; i < held.n && !s->broken; i++)
		/* Senders of what waits for a probe are told when it is looked at again. */
		if (held.v[i].held && held.v[i].offline == OFFLINE_HOLD)
			deliver_tell_refused(s, &held.v[i]);
	packets_free(&held);
	/* What is left to the server when presence cannot be seen need not wait any more. */
	if (!s->broken)
		tick_wake(s, recipient, true);
}

static void
contact_answered(struct service *s, const struct report *r)
{
	struct store *st = s->env.store;
	enum contact before;

	if (st->ops->contact(st, r->who, &before, NULL) != RES_OK) {
		s->broken = true;
		return;
	}
	/*
	 * Only an answer to our question counts, or the end of what was granted: flipping costs
	 * nobody anything.
	 */
	enum contact answer = (enum contact)r->answer;

	if (before != CONTACT_ASKED && !(before == CONTACT_GRANTED && answer == CONTACT_REFUSED))
		return;
	if (st->ops->set_contact(st, r->who, answer, service_now(s)) != RES_OK)
		s->broken = true;
	else if (answer == CONTACT_GRANTED)
		s->messenger->ops->watch(s->messenger, r->who);
	else
		contact_refused(s, r->who);
}

/* -- Reports: kept until the turn is on disk, because nobody makes them twice ------------------ */

#define REPORTS_BYTES ((size_t)1 << 20)
/* There are never more of these than attempts in flight. */
#define AWAITED_BYTES ((size_t)32 << 20)

static struct report *
keep(struct service *s, const struct report *r)
{
	struct reports *kept = &s->reports;
	struct report *copy;

	kept->arena.max = r->awaited ? AWAITED_BYTES : REPORTS_BYTES;
	kept->arena.failed = false;
	copy = arena_alloc(&kept->arena, sizeof(*copy));
	if (copy == NULL)
		return NULL;
	*copy = (struct report){
		.tell = r->tell,
		.at = r->at,
		.answer = r->answer,
		.awaited = r->awaited,
		.id = arena_text(&kept->arena, r->id),
		.who = arena_text(&kept->arena, r->who),
		.condition = arena_text(&kept->arena, r->condition),
		.type = arena_text(&kept->arena, r->type),
		.words = arena_text(&kept->arena, r->words),
	};
	if (kept->arena.failed)
		return NULL;
	*(kept->last != NULL ? kept->last : &kept->first) = copy;
	kept->last = &copy->next;
	return copy;
}

void
settle_report(struct service *s, const struct report *r)
{
	if (keep(s, r) == NULL && service_halted(s) && !s->reports.lost) {
		s->reports.lost = true;
		log_error(
		    "the store has been out of order for so long that news of messages is lost");
	}
	if (!service_halted(s))
		r->tell(s, r);
}

void
settle_tell_again(struct service *s)
{
	struct reports kept = s->reports;

	s->reports = (struct reports){ 0 };
	for (const struct report *r = kept.first; r != NULL; r = r->next)
		settle_report(s, r);
	arena_free(&kept.arena);
}

void
settle_forget_reports(struct service *s)
{
	arena_free(&s->reports.arena);
	s->reports = (struct reports){ 0 };
}

/* Neither needs to be kept: the repair asks the messenger itself, and looks at all that is held. */
static void
on_ready(void *arg)
{
	struct service *s = arg;

	s->able_since = service_now(s);
	if (!service_halted(s))
		settle_ready(s);
}

static void
on_presence(void *arg, const char *recipient, enum presence value)
{
	struct service *s = arg;

	if (!s->draining && !service_halted(s))
		tick_wake(s, recipient, value == PRESENCE_ONLINE);
}

static void
on_bounced(void *arg, const char *id, const char *from, struct span condition, struct span type)
{
	struct arena words = { 0 };

	settle_report(arg,
	    &(struct report){ .tell = bounced,
		.at = service_now(arg),
		.id = id,
		.who = from,
		.condition = arena_span(&words, condition),
		.type = arena_span(&words, type) });
	arena_free(&words);
}

static void
on_not_allowed(void *arg, const char *id)
{
	settle_report(arg, &(struct report){ .tell = not_allowed, .id = id });
}

static void
on_received(void *arg, const char *id, const char *from)
{
	settle_report(arg, &(struct report){ .tell = received, .id = id, .who = from });
}

static void
on_contact(void *arg, const char *recipient, enum contact answer)
{
	settle_report(
	    arg, &(struct report){ .tell = contact_answered, .who = recipient, .answer = (int)answer });
}

static void
tell_twin(struct service *s, const struct report *r)
{
	(void)r;
	notify_admins(s, "twin",
	    "The server has another connection with this service's address, and divides what comes in between both: messages, answers and presence get lost. Stop the other one, or give it an address of its own; if there is none, it is an old connection of ours that the server has not given up yet.");
}

static void
on_twin(void *arg)
{
	settle_report(arg, &(struct report){ .tell = tell_twin });
}

static void
on_failed(void *arg)
{
	((struct service *)arg)->broken = true;
}

const struct messenger_events service_messenger_events = {
	.ready = on_ready,
	.broken = on_broken,
	.settled = on_settled,
	.presence = on_presence,
	.bounced = on_bounced,
	.not_allowed = on_not_allowed,
	.received = on_received,
	.may_relay = pair_may_relay,
	.twin = on_twin,
	.contact = on_contact,
	.client_clock = zones_client_clock,
	.slot = export_slot,
	.failed = on_failed,
};
