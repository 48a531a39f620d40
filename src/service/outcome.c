/* What became of attempts by gateways: their answers, and the delivery reports that follow. */
#include <string.h>

#include "base/log.h"
#include "service/operators.h"

/* Attempts without an outcome that are looked at in one turn after a start. */
#define RECOVER_PAGE 500

static void
print_words(struct buf *out, const char *what, const char *gateway, const char *words)
{
	buf_printf(out, "%s %s", what, gateway);
	if (words != NULL && *words != '\0')
		buf_printf(out, ": %s", words);
}

static void
accepted(struct service *s, struct packet *p, const struct report *r)
{
	struct buf words = { .max = 2048 };

	p->gateway_ref = r->condition;
	print_words(&words, "taken by", r->who, r->words);
	if (settle_move(s, p, EV_ACCEPTED, buf_str(&words)))
		notify_step(s, p, NOTIFY_SENT, "was sent");
	buf_free(&words);
}

/* An attempt that repeats one without an outcome: dispatch.c sees to these times. */
static bool
is_repetition(const struct packet *p)
{
	return p->sent_at < p->next_at;
}

static void
refused(struct service *s, struct packet *p, const struct report *r)
{
	struct buf words = { .max = 2048 };

	print_words(&words, "refused by", r->who, r->words);
	if (is_repetition(p)) {
		buf_text(&words, "; but it had left before, and whether it was taken then is not known");
		settle_uncertain(s, p, buf_str(&words));
	} else {
		p->sent_at = 0;
		settle_end(s, p, EV_FAIL, buf_str(&words));
	}
	buf_free(&words);
}

/* What may have been taken already must not go elsewhere. */
static void
hold_for_same(struct service *s, struct packet *p, const char *words)
{
	p->held = true;
	p->next_at = service_now(s) + dispatch_retry_ms(s, p->attempts);
	settle_move(s, p, EV_HOLD, words);
}

static void
not_processed(struct service *s, struct packet *p, const struct report *r)
{
	struct buf words = { .max = 2048 };

	print_words(&words, "not taken by", r->who, r->words);
	if (is_repetition(p))
		hold_for_same(s, p, buf_str(&words));
	else
		dispatch_next(s, p, buf_str(&words));
	buf_free(&words);
}

static bool
repeats(const struct service *s, const char *gateway)
{
	const struct routing *routing = &s->config->routing;

	for (size_t i = 0; gateway != NULL && i < routing->ngateways; i++)
		if (strcmp(routing->gateways[i].name, gateway) == 0)
			return routing->gateways[i].repeats;
	return false;
}

static void
unknown(struct service *s, struct packet *p, const struct report *r)
{
	struct buf words = { .max = 2048 };

	print_words(&words, "no outcome from", r->who, r->words);
	if (repeats(s, p->gateway)) {
		buf_text(&words, "; to be repeated at the same gateway");
		hold_for_same(s, p, buf_str(&words));
	} else
		settle_uncertain(s, p, buf_str(&words));
	buf_free(&words);
}

static void (*const outcomes[])(struct service *s, struct packet *p, const struct report *r) = {
	[OUTCOME_ACCEPTED] = accepted,
	[OUTCOME_PERMANENT] = refused,
	[OUTCOME_NOT_PROCESSED] = not_processed,
	[OUTCOME_UNKNOWN] = unknown,
};

static void
tell_outcome(struct service *s, const struct report *r)
{
	struct packets ps = { 0 };

	if (op_gateways_tested(s, r->id, (enum outcome)r->answer, r->condition, r->words))
		;
	/* A report may have been faster, and then says more. */
	else if (settle_get(s, r->id, &ps) && ps.v[0].state == PACKET_INFLIGHT &&
	    ps.v[0].gateway != NULL && strcmp(ps.v[0].gateway, r->who) == 0)
		outcomes[r->answer](s, &ps.v[0], r);
	packets_free(&ps);
	if (r->answer == OUTCOME_ACCEPTED || r->answer == OUTCOME_PERMANENT)
		dispatch_heard(s, r->who);
	if (!s->broken)
		dispatch_pump(s);
}

static void
on_outcome(void *arg, const char *id, const char *gateway, enum outcome outcome, const char *ref,
    const char *words)
{
	settle_report(arg,
	    &(struct report){ .tell = tell_outcome,
		.id = id,
		.who = gateway,
		.condition = ref != NULL && *ref != '\0' ? ref : NULL,
		.words = words,
		.answer = (int)outcome,
		.awaited = true });
}

/* -- Delivery reports -------------------------------------------------------------------------- */

/* Reports come late, twice and out of order: only the life of a packet says what they change. */
static void
apply_report(struct service *s, struct packet *p, const struct report *r)
{
	static const enum packet_event events[] = {
		[REPORT_TAKEN] = EV_ACCEPTED,
		[REPORT_DELIVERED] = EV_RECEIPT,
		[REPORT_FAILED] = EV_FAIL,
	};
	struct buf words = { .max = 2048 };

	if (packet_next(p->state, events[r->answer]) == PACKET_ILLEGAL)
		return;
	print_words(&words, "delivery report of", r->who, r->words);
	switch (r->answer) {
	case REPORT_TAKEN:
		if (settle_move(s, p, EV_ACCEPTED, buf_str(&words)))
			notify_step(s, p, NOTIFY_SENT, "was sent");
		break;
	case REPORT_DELIVERED:
		if (settle_move(s, p, EV_RECEIPT, buf_str(&words)))
			notify_step(s, p, NOTIFY_DELIVERED, "was delivered");
		break;
	default:
		settle_end(s, p, EV_FAIL, buf_str(&words));
	}
	buf_free(&words);
}

/*
 * Nothing can be reported of what never left.  But of one that an operator wants sent again, its URL
 * was made known when it left before: when the phone has it, it need not leave once more.
 */
static bool
may_speak_of(const struct packet *p, const struct report *r)
{
	if (p->sent_at != 0)
		return p->gateway != NULL && strcmp(p->gateway, r->who) == 0;
	return r->id != NULL && r->answer == REPORT_DELIVERED && p->revision == 0 && p->held;
}

static void
tell_report(struct service *s, const struct report *r)
{
	struct packets ps = { 0 };
	struct store *st = s->env.store;
	enum res res = r->id != NULL ? st->ops->get(st, r->id, &ps)
				     : st->ops->get_ref(st, r->who, r->condition, &ps);

	if (res != RES_OK && res != RES_NOTFOUND && res != RES_PERMFAIL)
		s->broken = true;
	for (size_t i = 0; res == RES_OK && i < ps.n; i++) {
		struct packet *p = &ps.v[i];

		if (packet_kind_is_paid(p->kind) && may_speak_of(p, r))
			apply_report(s, p, r);
	}
	packets_free(&ps);
}

/*
 * A report may be faster than the answer that says what the gateway calls the message.
 */
static bool
may_be_early(struct service *s, const struct delivery_report *r)
{
	struct packets ps = { 0 };
	bool early = r->id == NULL && r->ref != NULL &&
	    s->gateways->ops->inflight(s->gateways) > 0 &&
	    s->env.store->ops->get_ref(s->env.store, r->gateway, r->ref, &ps) == RES_NOTFOUND;

	packets_free(&ps);
	return early;
}

static enum res
on_reported(void *arg, const struct delivery_report *r)
{
	struct service *s = arg;

	if (may_be_early(s, r))
		return RES_TEMPFAIL;
	if (r->id != NULL || r->ref != NULL)
		settle_report(s,
		    &(struct report){ .tell = tell_report,
			.id = r->id,
			.who = r->gateway,
			.condition = r->ref,
			.words = r->words,
			.answer = (int)r->state });
	/* It is not on disk: whoever reports may try again. */
	if (service_halted(s))
		s->broken = true;
	return RES_OK;
}

/* -- After a start ----------------------------------------------------------------------------- */

/*
 * We ended while requests were on their way.  Where a repetition cannot make two messages of one it
 * is made; else nobody knows, and a person decides.
 */
enum res
outcome_recover(struct service *s)
{
	struct store *st = s->env.store;
	struct packets ps = { 0 };
	size_t n, uncertain = 0;

	do {
		if (st->ops->find(st, FIND_ATTEMPTED, NULL, 0, RECOVER_PAGE, &ps) != RES_OK)
			s->broken = true;
		n = ps.n;
		for (size_t i = 0; i < n && !s->broken; i++)
			if (repeats(s, ps.v[i].gateway)) {
				ps.v[i].next_at = service_now(s);
				settle_move(s, &ps.v[i], EV_RECOVER,
				    "interrupted before the outcome was known; to be repeated at the same gateway");
			} else if (settle_uncertain(s, &ps.v[i],
				     "the service was interrupted before its gateway had answered"))
				uncertain++;
		packets_free(&ps);
	} while (n > 0 && !s->broken);
	if (uncertain > 0)
		log_warn("%zu messages were on their way to a gateway when we ended: they may or may not have been sent",
		    uncertain);
	return s->broken ? RES_TEMPFAIL : RES_OK;
}

/* -- The gateways themselves ------------------------------------------------------------------- */

static void
on_room(void *arg)
{
	dispatch_pump(arg);
}

static void
tell_trouble(struct service *s, const struct report *r)
{
	struct buf text = { .max = 1024 }, cause = { .max = 64 };

	buf_printf(&text,
	    "Gateway %s is closed %s: what is due waits, or goes through another gateway of its route. It is tried again by itself, and at once after `gateway %s resume` or a reload. The reason: %s",
	    r->who,
	    r->answer != 0 ? "and needs somebody to look at it" : "for now, since it fails", r->who,
	    r->words != NULL && *r->words != '\0' ? r->words : "it does not say");
	/* That it needs somebody must not be lost behind its being away. */
	buf_printf(&cause, "%s%s", r->who, r->answer != 0 ? " needs somebody" : "");
	notify_admins(s, buf_str(&cause), buf_str(&text));
	buf_free(&cause);
	buf_free(&text);
}

static void
on_trouble(void *arg, const char *gateway, bool halted, const char *words)
{
	settle_report(arg,
	    &(struct report){
		.tell = tell_trouble, .who = gateway, .words = words, .answer = halted });
}

const struct gateways_events service_gateways_events = {
	.outcome = on_outcome,
	.room = on_room,
	.trouble = on_trouble,
	.reported = on_reported,
	.fetched = medium_fetched,
	.uploaded = export_uploaded,
};
