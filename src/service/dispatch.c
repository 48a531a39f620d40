#include <string.h>

#include "core/retry.h"
#include "service/operators.h"

/* Looked at in one turn, so that the stream is never kept waiting. */
#define TURN_MAX 1000
/*
 * Who comes so shortly before a gateway opens is the one that was to find out: what is held waits by
 * the wall clock, gateways by the monotonic one.
 */
#define ALMOST_MS 100

static const struct retry_policy paid_retry = { .first_ms = 15 * SECOND_MS, .max_ms = 5 * MINUTE_MS };

static const struct routing *
routing(const struct service *s)
{
	return &s->config->routing;
}

int64_t
dispatch_retry_ms(struct service *s, int32_t attempts)
{
	uint32_t random;

	s->env.random(&random, sizeof(random));
	return retry_wait_ms(&paid_retry, attempts > 0 ? attempts - 1 : 0, random);
}

size_t
dispatch_waiting(const struct service *s)
{
	size_t n = s->due[true].queue.n;

	for (size_t i = 0; i < GATEWAYS_MAX; i++)
		n += s->lanes[i].n;
	return n;
}

void
dispatch_clear(struct service *s)
{
	for (size_t i = 0; i < GATEWAYS_MAX; i++)
		queue_clear(&s->lanes[i]);
}

/* Its index, or GATEWAYS_MAX when it is not configured any more. */
static size_t
gateway_named(const struct service *s, const char *name)
{
	for (size_t i = 0; name != NULL && i < routing(s)->ngateways; i++)
		if (strcmp(routing(s)->gateways[i].name, name) == 0)
			return i;
	return GATEWAYS_MAX;
}

static void
hold(struct service *s, struct packet *p, int64_t next_at, const char *what)
{
	bool first = !p->held;

	p->held = true;
	p->next_at = next_at;
	settle_move(s, p, EV_HOLD, first ? what : NULL);
}

/* -- Which gateway ----------------------------------------------------------------------------- */

/*
 * What left and was not heard of may only be repeated where that cannot make two of it.
 * RES_INVALID: nowhere; RES_NOTFOUND: no gateway goes there; RES_DENIED: they may not.
 */
static enum res
path_of(struct service *s, const struct packet *p, struct route_path *path, struct buf *why)
{
	size_t same = gateway_named(s, p->gateway);

	if (p->sent_at == 0)
		return route_find(routing(s), p->kind, p->recipient, path, why);
	if (same == GATEWAYS_MAX || !routing(s)->gateways[same].repeats)
		return RES_INVALID;
	*path = (struct route_path){ .v = { same }, .n = 1 };
	return RES_OK;
}

/* No gateway is open: until one may be, and whether others wait for it already. */
struct closed {
	int64_t wait_ms; /* INT64_MAX: there is none to wait for */
	bool awaited;
};

/*
 * The first open gateway of the path behind the one that p was last refused by (its gateway; in a
 * new round NULL), or GATEWAYS_MAX.
 */
static size_t
choose(struct service *s, const struct packet *p, const struct route_path *path,
    struct closed *closed)
{
	size_t last = p->sent_at == 0 ? gateway_named(s, p->gateway) : GATEWAYS_MAX, from = 0;

	*closed = (struct closed){ .wait_ms = INT64_MAX };
	for (size_t i = 0; i < path->n; i++)
		if (path->v[i] == last)
			from = i + 1;
	for (size_t i = from; i < path->n; i++) {
		struct gateway_state state = s->gateways->ops->state(s->gateways, path->v[i]);
		uint32_t bit = (uint32_t)1 << path->v[i];

		if (state.open)
			return path->v[i];
		closed->awaited = closed->awaited || (s->missed & bit) != 0;
		s->missed |= bit;
		if (state.resumes_ms < closed->wait_ms)
			closed->wait_ms = state.resumes_ms;
	}
	return GATEWAYS_MAX;
}

/*
 * No gateway of the route takes it now: another round begins later, at its beginning.  The first
 * finds out whether one works again; the others need not hurry, they are woken when it does.
 */
static void
hold_for_round(struct service *s, struct packet *p, const struct closed *closed)
{
	int64_t wait_ms = closed->wait_ms;

	if (p->sent_at == 0)
		p->gateway = NULL;
	if (wait_ms == INT64_MAX)
		wait_ms = dispatch_retry_ms(s, p->attempts);
	else if (closed->awaited && wait_ms > ALMOST_MS)
		wait_ms += dispatch_retry_ms(s, INT32_MAX);
	hold(s, p, service_now(s) + wait_ms, "held: no gateway takes it at the moment");
}

/* Takes q, which is QUEUED and due. */
static void
dispatch_one(struct service *s, struct queued *q, int64_t now)
{
	struct packet *p = &q->p;
	const char *ended = deliver_too_late(s, p, now);
	struct route_path path;
	struct buf why = { .max = 1024 };
	struct closed closed = { .wait_ms = INT64_MAX };
	size_t i;

	if (ended != NULL)
		settle_expire(s, p, ended);
	else
		switch (path_of(s, p, &path, &why)) {
		case RES_OK:
			i = choose(s, p, &path, &closed);
			if (i == GATEWAYS_MAX)
				hold_for_round(s, p, &closed);
			else if (queue_push(&s->lanes[i], q) == RES_OK)
				q = NULL;
			else
				s->broken = true;
			break;
		case RES_NOTFOUND:
			/* A slip in the configuration must not cost what waits. */
			hold_for_round(s, p, &closed);
			break;
		case RES_INVALID:
			settle_uncertain(s, p,
			    "it left, but whether it was taken is not known, and its gateway cannot tell");
			break;
		default:
			settle_end(s, p, EV_FAIL, buf_str(&why));
		}
	buf_free(&why);
	queued_free(&q);
}

void
dispatch_next(struct service *s, struct packet *p, const char *words)
{
	struct route_path path = { .n = 0 };
	struct buf why = { .max = 1024 };
	struct closed closed;
	struct queued *q;

	p->sent_at = 0;
	if (path_of(s, p, &path, &why) == RES_OK && choose(s, p, &path, &closed) != GATEWAYS_MAX &&
	    !s->draining) {
		if (settle_move(s, p, EV_UNTAKEN, words)) {
			p->sealed = (struct span){ 0 };
			q = queued_new(p);
			if (q == NULL)
				s->broken = true;
			else
				dispatch_one(s, q, service_now(s));
		}
	} else {
		/* Another round: as soon as one of them is open again, if all are closed. */
		p->gateway = NULL;
		if (choose(s, p, &path, &closed) != GATEWAYS_MAX || closed.wait_ms == INT64_MAX)
			closed.wait_ms = dispatch_retry_ms(s, p->attempts);
		p->held = true;
		p->next_at = service_now(s) + closed.wait_ms;
		settle_move(s, p, EV_HOLD, words);
	}
	buf_free(&why);
}

void
dispatch_heard(struct service *s, const char *gateway)
{
	size_t i = gateway_named(s, gateway);
	uint32_t bit = i < GATEWAYS_MAX ? (uint32_t)1 << i : 0;
	int64_t n = 0;

	if ((s->missed & bit) == 0)
		return;
	s->missed &= ~bit;
	if (s->env.store->ops->wake_paid(s->env.store, service_now(s), &n) != RES_OK)
		s->broken = true;
	s->rearm = true;
}

/* -- To the gateway ---------------------------------------------------------------------------- */

/* It cannot leave any more; if it did before, that is not the whole truth. */
static void
end_unsendable(struct service *s, struct packet *p, const char *why)
{
	if (p->sent_at != 0)
		settle_uncertain(s, p,
		    "it left, but whether it was taken is not known, and it cannot be repeated");
	else
		settle_end(s, p, EV_FAIL, why);
}

/*
 * The first time it leaves, or again since its last attempt had no outcome: is_repetition in
 * outcome.c tells them apart by these times, whatever was done to the clock meanwhile.
 */
static void
stamp(struct packet *p, int64_t now)
{
	if (p->sent_at == 0) {
		p->sent_at = now;
		if (p->next_at > now)
			p->next_at = now;
	} else if (p->next_at <= p->sent_at)
		p->next_at = p->sent_at + 1;
}

/* It is written for gateway i, and leaves when the turn is committed. */
static void
submit(struct service *s, size_t i, struct packet *p, struct span body)
{
	struct submission sub = {
		.id = p->id, .recipient = p->recipient, .kind = p->kind, .body = body,
		.created_at = p->created_at, .expires_at = p->expires_at,
	};
	const char *name = routing(s)->gateways[i].name;
	struct buf words = { .max = 2048 };
	bool again = p->sent_at != 0;

	p->gateway = name;
	p->gateway_ref = NULL;
	stamp(p, service_now(s));
	p->attempts++;
	buf_printf(&words, "leaving through %s", name);
	if (!settle_move(s, p, EV_SEND, buf_str(&words)))
		goto done;
	buf_reset(&words);
	switch (s->gateways->ops->submit(s->gateways, i, &sub, &words)) {
	case RES_OK:
		if (!p->held)
			histogram_add_ms(
			    &s->measured.lateness[p->kind], service_now(s) - p->due_at);
		break;
	case RES_INVALID:
		p->sent_at = again ? p->sent_at : 0;
		end_unsendable(s, p, buf_str(&words));
		break;
	default:
		/* One that cannot be written now must not stop the others. */
		if (!again) {
			p->sent_at = 0;
			p->gateway = NULL;
		}
		hold(s, p, service_now(s) + dispatch_retry_ms(s, p->attempts),
		    "held: there was no memory to write its request");
	}
done:
	buf_free(&words);
}

/* Gateway i does not take it, but another of the route may. */
static void
pass_on(struct service *s, size_t i, struct packet *p)
{
	struct queued *q;

	p->gateway = routing(s)->gateways[i].name;
	p->sealed = (struct span){ 0 };
	q = queued_new(p);
	if (q == NULL)
		s->broken = true;
	else
		dispatch_one(s, q, service_now(s));
}

/* The limits are looked at again: they may have changed since it was scheduled. */
static void
submit_checked(struct service *s, size_t i, struct packet *p)
{
	struct arena arena = { 0 };
	struct buf body = { .max = (size_t)16 << 20 }, why = { .max = 1024 };
	struct route_path path;
	struct load load;
	size_t at = 0;
	enum res res = deliver_open(s, p, &body);

	if (res == RES_OK)
		res = load_of(&load, p->kind, buf_as_span(&body), &arena);
	if (res == RES_PERMFAIL || res == RES_INVALID)
		end_unsendable(s, p, "its stored text is damaged and cannot be read");
	else if (res != RES_OK)
		s->broken = true;
	else if (load_path(s, &load, p->recipient, &path, &why) != RES_OK)
		end_unsendable(s, p, buf_str(&why));
	else {
		while (at < path.n && path.v[at] != i)
			at++;
		if (at < path.n)
			submit(s, i, p, buf_as_span(&body));
		else if (p->sent_at != 0)
			end_unsendable(s, p, NULL);
		else
			pass_on(s, i, p);
	}
	buf_free(&body);
	buf_free(&why);
	arena_free(&arena);
}

static void
leave_or_expire(struct service *s, size_t i, struct packet *p)
{
	const char *ended = deliver_too_late(s, p, service_now(s));

	if (ended != NULL)
		settle_expire(s, p, ended);
	else if (!op_users_hold_blocked(s, p))
		submit_checked(s, i, p);
}

/* Takes q: the first of lane i. */
static void
leave(struct service *s, size_t i, struct queued *q)
{
	struct packets ps = { 0 };

	if (q->p.sealed.len > 0)
		leave_or_expire(s, i, &q->p);
	/* One that was edited meanwhile waits for a time of its own. */
	else if (settle_get(s, q->p.id, &ps) && ps.v[0].state == PACKET_QUEUED &&
	    ps.v[0].revision == q->p.revision)
		leave_or_expire(s, i, &ps.v[0]);
	packets_free(&ps);
	queued_free(&q);
}

/* A gateway that was closed: what waits for it goes elsewhere, or is held. */
static size_t
empty_lane(struct service *s, size_t i, size_t max, int64_t now)
{
	struct queue closed = s->lanes[i];
	size_t n = 0;

	s->lanes[i] = (struct queue){ 0 };
	for (; n < max && closed.n > 0 && !s->broken; n++)
		dispatch_one(s, queue_pop(&closed), now);
	while (closed.n > 0 && !s->broken)
		if (queue_push(&s->lanes[i], queue_pop(&closed)) != RES_OK)
			s->broken = true;
	queue_clear(&closed);
	return n;
}

/* How many packets it has looked at. */
static size_t
pump_lane(struct service *s, size_t i, size_t max, int64_t now)
{
	struct gateway_state state;
	size_t n = 0;

	/* Not all that is looked at leaves: the room is what the gateway says each time. */
	for (; n < max && s->lanes[i].n > 0 && !s->broken; n++) {
		state = s->gateways->ops->state(s->gateways, i);
		if (!state.open && n == 0)
			return empty_lane(s, i, max, now);
		if (!state.open || state.room == 0)
			break;
		leave(s, i, queue_pop(&s->lanes[i]));
	}
	return n;
}

static void
pump_timer(void *arg)
{
	dispatch_pump(arg);
}

void
dispatch_pump(struct service *s)
{
	struct due *due = &s->due[true];
	int64_t now = service_now(s);
	struct queued *first = NULL;
	size_t n = 0;

	timer_stop(&due->send_timer);
	if (s->draining || service_halted(s))
		return;
	while (n < TURN_MAX && !s->broken && (first = queue_peek(&due->queue)) != NULL &&
	    first->p.next_at <= now) {
		dispatch_one(s, queue_pop(&due->queue), now);
		n++;
	}
	for (size_t i = 0; i < GATEWAYS_MAX && n < TURN_MAX && !s->broken; i++)
		n += pump_lane(s, i, TURN_MAX - n, now);
	if (s->broken)
		return;
	tick_refill(s);
	first = queue_peek(&due->queue);
	if (n >= TURN_MAX)
		service_at(s, &due->send_timer, now, pump_timer);
	else if (first != NULL)
		service_at(s, &due->send_timer, first->p.next_at, pump_timer);
}

void
dispatch_again(struct service *s)
{
	struct queue *due = &s->due[true].queue;

	for (size_t i = 0; i < GATEWAYS_MAX; i++)
		while (s->lanes[i].n > 0 && !s->broken) {
			struct queued *q = queue_pop(&s->lanes[i]);

			if (queue_push(due, q) != RES_OK) {
				queued_free(&q);
				s->broken = true;
			}
		}
}
