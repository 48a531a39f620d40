#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "core/jid.h"
#include "core/retry.h"
#include "service/operators.h"

/*
 * 64 KiB and a ping: full speed at 30 ms latency on the servers measured; deeper windows only add
 * latency.
 */
#define BATCH_BYTES ((size_t)64 << 10)
#define BATCH_MAX   1000
/* Looked at in one turn, so that the stream is never kept waiting. */
#define TURN_MAX    1000
/* A message that leaves later than this says so with <delay/>. */
#define LATE_MS     (5 * SECOND_MS)
/* The sealed text of an SMS is kept with its header. */
#define KEPT_MAX    1024
/* A probe has been answered, or silence has become an answer, by then. */
#define ASKED_MS    (11 * SECOND_MS)

static const struct retry_policy held_retry = { .first_ms = 2 * MINUTE_MS, .max_ms = HOUR_MS };

static void
pump_timer(void *arg)
{
	deliver_pump(arg);
}

void
deliver_queue(struct service *s, const struct packet *p)
{
	bool paid = packet_kind_is_paid(p->kind);
	struct packet light = *p;

	/* Large ones are read again when there is room: many may wait for a slow gateway. */
	if (paid && p->sealed.len > KEPT_MAX)
		light.sealed = (struct span){ 0 };
	struct queued *q = queued_new(&light);

	if (q == NULL || queue_push(&s->due[paid].queue, q) != RES_OK) {
		queued_free(&q);
		s->broken = true;
	}
}

int64_t
deliver_retry_ms(struct service *s, int32_t attempts)
{
	uint32_t random;

	s->env.random(&random, sizeof(random));
	return retry_wait_ms(&held_retry, attempts > 0 ? attempts - 1 : 0, random);
}

enum presence
deliver_presence(struct service *s, const char *recipient)
{
	struct messenger *m = s->messenger;
	enum presence presence = m->ops->presence(m, recipient);
	enum contact contact;

	if (presence != PRESENCE_UNKNOWN || !m->ops->ready(m))
		return presence;
	if (s->env.store->ops->contact(s->env.store, recipient, &contact, NULL) != RES_OK)
		s->broken = true;
	else if (contact == CONTACT_GRANTED)
		m->ops->watch(m, recipient);
	return m->ops->presence(m, recipient);
}

enum res
deliver_open(struct service *s, const struct packet *p, struct buf *body)
{
	struct buf aad = { 0 };
	enum res res = packet_aad(&aad, p);

	if (res == RES_OK)
		res = seal_open(s->env.seal, buf_as_span(&aad), p->sealed, body);
	buf_free(&aad);
	if (res == RES_PERMFAIL)
		log_error(
		    "packet %s: its body cannot be opened: damaged, or sealed with another key",
		    p->id);
	return res;
}

static bool
batch_add(struct service *s, struct queued *q)
{
	if (s->nbatch == s->batch_cap) {
		size_t cap = s->batch_cap == 0 ? 64 : 2 * s->batch_cap;
		struct queued **batch = reallocarray(s->batch, cap, sizeof(struct queued *));

		if (batch == NULL)
			return false;
		s->batch = batch;
		s->batch_cap = cap;
	}
	s->batch[s->nbatch++] = q;
	return true;
}

/*
 * As the sender where the server grants it and no error can be lost by it: errors of such a message
 * go to the sender's address, where we do not see them.
 */
static bool
goes_as_sender(struct service *s, const struct packet *p)
{
	struct messenger *m = s->messenger;

	/* Whom the server cannot read, it would refuse the wrapper for. */
	return m->ops->speaks_for(m, p->sender) && jid_is_assigned(p->recipient) &&
	    (p->offline == OFFLINE_SERVER || m->ops->reaches(m, p->recipient));
}

/* Takes q when it was put into the batch. */
static bool
send_one(struct service *s, struct queued *q, struct span inner, int64_t now)
{
	struct packet *p = &q->p;
	struct outgoing out = {
		.id = p->id, .sender = p->sender, .recipient = p->recipient, .inner = inner,
		.delayed_at = p->held || now - p->due_at > LATE_MS ? p->due_at : 0,
		.as_sender = goes_as_sender(s, p),
	};

	p->sent_at = now;
	p->attempts++;
	if (!settle_move(s, p, EV_SEND,
		out.as_sender ? "leaving as the sender" : "leaving from our address"))
		return false;
	pair_note(s, p, now);
	switch (s->messenger->ops->send(s->messenger, &out)) {
	case RES_OK:
		if (!p->held)
			histogram_add_ms(&s->measured.lateness[p->kind], now - p->due_at);
		if (batch_add(s, q))
			return true;
		s->broken = true;
		return false;
	case RES_INVALID:
		settle_end(s, p, EV_FAIL, "it cannot be framed as a message");
		return false;
	default:
		s->broken = true; /* the store keeps it QUEUED, and the repair takes it up again */
		return false;
	}
}

void
deliver_tell_refused(struct service *s, const struct packet *p)
{
	struct buf words = { .max = 1024 };

	buf_printf(&words,
	    "is held, and the recipient has refused to let us see when they are online, so that it would wait until it expires. Write “edit %s offline server” to leave it to their server now: that keeps it until they log in, or returns it",
	    p->id);
	notify_sender(s, p, buf_str(&words));
	buf_free(&words);
}

/* `first`: this packet was not held before, so its sender knows nothing of it yet. */
static void
ask_for_presence(struct service *s, const struct packet *p, int64_t now, bool first)
{
	struct store *st = s->env.store;
	enum contact contact;
	int64_t asked_at;

	if (st->ops->contact(st, p->recipient, &contact, &asked_at) != RES_OK) {
		s->broken = true;
		return;
	}
	if (contact == CONTACT_REFUSED) {
		if (first)
			deliver_tell_refused(s, p);
		return;
	}
	/* A request can be lost on its way; one a day is no burden. */
	if (contact == CONTACT_NONE || now - asked_at >= DELIVER_LOOK_MS) {
		struct buf words = { .max = 8192 };

		buf_printf(&words,
		    "%s has scheduled a message for you. Let me see when you are online, and I deliver it then. Write stop to me if you want no such messages.",
		    p->sender);
		s->messenger->ops->subscribe(s->messenger, p->recipient, buf_str(&words));
		buf_free(&words);
		if (st->ops->set_contact(st, p->recipient, CONTACT_ASKED, now) != RES_OK)
			s->broken = true;
	}
	if (first || contact == CONTACT_NONE)
		notify_sender(s, p,
		    "is held: the recipient, or their server where that may answer for them, was asked to let us see when they are online, and they get it when they are");
}

static const char *const held_words[PRESENCE_END] = {
	[PRESENCE_UNKNOWN] = "held: it cannot be seen whether the recipient is online",
	[PRESENCE_ASKED] = "held until a probe is answered",
	[PRESENCE_OFFLINE] = "held: the recipient is not online",
};

static const char *const dropped_words[PRESENCE_END] = {
	[PRESENCE_UNKNOWN] =
	    "it cannot be seen whether the recipient is online, and it was to be dropped unless they are",
	[PRESENCE_OFFLINE] = "the recipient is not online, and it was to be dropped then",
};

static void
hold_one(struct service *s, struct packet *p, enum presence presence, enum offline_action action,
    int64_t now)
{
	bool first = !p->held;

	/* Until a probe is answered, nobody knows whether it is held at all. */
	p->held = p->held || presence != PRESENCE_ASKED;
	p->next_at = now + (presence == PRESENCE_ASKED ? ASKED_MS : DELIVER_LOOK_MS);
	if (settle_move(s, p, EV_HOLD, first ? held_words[presence] : NULL) && action == ACTION_ASK)
		ask_for_presence(s, p, now, first);
}

/*
 * Too late is what could not leave when it was due, because we or the server were away.  Gateways
 * need no stream, so that only our own absence makes what they carry late.
 */
static bool
missed(const struct service *s, const struct packet *p, int64_t now)
{
	int64_t since = packet_kind_is_paid(p->kind) ? s->awake_since : s->able_since;

	return !p->held && strcmp(p->sender, s->bot) != 0 && p->due_at < since &&
	    now - p->due_at > s->config->late_limit_ms;
}

const char *
deliver_too_late(const struct service *s, const struct packet *p, int64_t now)
{
	if (p->expires_at != 0 && p->expires_at <= now)
		return "it could not be delivered in time";
	if (missed(s, p, now))
		return "the service was interrupted when it was due, and it would arrive too late";
	return NULL;
}

/* True when it was, or the store cannot say. */
static bool
fail_unwanted(struct service *s, struct packet *p)
{
	switch (optout_check(s, p->sender, p->recipient)) {
	case RES_OK:
		return false;
	case RES_DENIED:
		settle_end(s, p, EV_FAIL, "the recipient wants nothing sent to them by this service");
		return true;
	default:
		s->broken = true;
		return true;
	}
}

/* Takes q. */
static void
deliver_one(struct service *s, struct queued *q, int64_t now)
{
	struct packet *p = &q->p;
	const char *ended = deliver_too_late(s, p, now);
	enum presence presence = deliver_presence(s, p->recipient);
	enum offline_action action = offline_action(p->offline, presence);
	struct buf inner = { 0 };
	enum res res;

	if (ended != NULL)
		settle_expire(s, p, ended);
	else if (op_users_hold_blocked(s, p) || fail_unwanted(s, p))
		;
	else if (action == ACTION_DROP)
		settle_expire(s, p, dropped_words[presence]);
	else if (action != ACTION_SEND)
		hold_one(s, p, presence, action, now);
	else if ((res = deliver_open(s, p, &inner)) == RES_PERMFAIL)
		settle_end(s, p, EV_FAIL, "its stored text is damaged and cannot be read");
	else if (res != RES_OK)
		s->broken = true;
	else if (send_one(s, q, buf_as_span(&inner), now))
		q = NULL;
	buf_free(&inner);
	queued_free(&q);
}

void
deliver_pump(struct service *s)
{
	struct due *due = &s->due[false];
	int64_t now = service_now(s);
	struct queued *first;

	timer_stop(&due->send_timer);
	if (s->draining || s->barrier || service_halted(s) ||
	    !s->messenger->ops->ready(s->messenger))
		return;
	for (int i = 0; i < TURN_MAX && s->nbatch < BATCH_MAX; i++) {
		if ((first = queue_peek(&due->queue)) == NULL || first->p.next_at > now)
			break;
		if (s->messenger->ops->batched(s->messenger) >= BATCH_BYTES)
			break;
		deliver_one(s, queue_pop(&due->queue), now);
		if (s->broken)
			return;
	}
	tick_refill(s);
	if (s->nbatch > 0) {
		histogram_add(&s->measured.batches, (double)s->nbatch);
		s->barrier = s->messenger->ops->barrier(s->messenger) == RES_OK;
		s->broken = s->broken || !s->barrier;
	} else if ((first = queue_peek(&due->queue)) != NULL)
		service_at(s, &due->send_timer, first->p.next_at, pump_timer);
}
