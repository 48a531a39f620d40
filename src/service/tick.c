#include "base/log.h"
#include "service/state.h"

/*
 * The queue is filled to HIGH and again when it has fallen to LOW, so that memory does not grow
 * with what is due at once.  Of what is paid only headers wait in memory, many, because a slow
 * gateway must not stand in the way of the others.
 */
static const struct {
	size_t low, high;
} fill[2] = { { 500, 2000 }, { 500, 20000 } };
/* Claimed in one turn. */
#define CLAIM_MAX 2000
/* What is held is released by so many at once. */
#define RELEASE_MAX 500

#define PURGE_MAX  500
/* Charges are looked at for a month; two are kept. */
#define CHARGE_KEEP_MS (62 * DAY_MS)

static size_t
queued(const struct service *s, bool paid)
{
	return paid ? dispatch_waiting(s) : s->due[false].queue.n;
}

/*
 * How many more the queue takes.  When it is full of what leaves later, what is due now still finds
 * room: it leaves at once.  Only a backlog makes it wait its turn.
 */
static size_t
room(const struct service *s, bool paid, int64_t now)
{
	const struct queued *first = queue_peek(&s->due[paid].queue);
	size_t n = queued(s, paid);

	if (n < fill[paid].high)
		return fill[paid].high - n < CLAIM_MAX ? fill[paid].high - n : CLAIM_MAX;
	return first != NULL && first->p.next_at > now ? fill[paid].low : 0;
}

static void
claim(struct service *s, bool paid)
{
	struct packets claimed = { 0 };
	int64_t now = service_now(s);
	int64_t upto = queued(s, paid) < fill[paid].high ? s->window_end : now;

	if (s->env.store->ops->claim(s->env.store, paid, upto, room(s, paid, now), &claimed) !=
	    RES_OK)
		s->broken = true;
	for (size_t i = 0; i < claimed.n && !s->broken; i++) {
		if (!repeat_charge(s, &claimed.v[i]))
			continue;
		/* Contacts are probed now, so that their presence is known when it is wanted. */
		if (!paid)
			deliver_presence(s, claimed.v[i].recipient);
		deliver_queue(s, &claimed.v[i]);
	}
	packets_free(&claimed);
	s->rearm = true;
}

static void
claim_messages(void *arg)
{
	struct service *s = arg;

	claim(s, false);
	if (!s->broken)
		deliver_pump(s);
}

static void
claim_paid(void *arg)
{
	struct service *s = arg;

	claim(s, true);
	if (!s->broken)
		dispatch_pump(s);
}

void
tick_refill(struct service *s)
{
	int64_t now = service_now(s);

	for (int paid = 0; paid < 2; paid++) {
		struct due *due = &s->due[paid];
		size_t n = queued(s, paid);

		if (due->full && (n <= fill[paid].low ||
		    (paid ? n + CLAIM_MAX <= fill[paid].high : room(s, paid, now) > 0))) {
			due->full = false;
			s->rearm = true;
		}
	}
}

static void
expire_held(struct service *s, int64_t now)
{
	struct packets expired = { 0 };

	if (s->env.store->ops->find(
		s->env.store, FIND_HELD_EXPIRED, NULL, now, RELEASE_MAX, &expired) != RES_OK)
		s->broken = true;
	for (size_t i = 0; i < expired.n && !s->broken; i++)
		settle_expire(s, &expired.v[i], "it could not be delivered in time");
	packets_free(&expired);
}

static void
release_held(struct service *s, bool paid, int64_t now)
{
	struct packets held = { 0 };
	size_t max = room(s, paid, now);
	enum store_find what = paid ? FIND_HELD_RETRY_PAID : FIND_HELD_RETRY;

	/* Each of them is written: other events have their turns in between. */
	if (paid && max > RELEASE_MAX)
		max = RELEASE_MAX;
	if (s->env.store->ops->find(s->env.store, what, NULL, now, max, &held) != RES_OK)
		s->broken = true;
	for (size_t i = 0; i < held.n && !s->broken; i++) {
		struct packet *p = &held.v[i];
		bool online = !paid &&
		    s->messenger->ops->presence(s->messenger, p->recipient) == PRESENCE_ONLINE;

		p->next_at = now;
		if (settle_move(s, p, EV_RELEASE, online ? "the recipient is online" : NULL))
			deliver_queue(s, p);
	}
	packets_free(&held);
}

static void
pump(struct service *s)
{
	s->rearm = true;
	if (!s->broken)
		deliver_pump(s);
	if (!s->broken)
		dispatch_pump(s);
}

static void
tick_held(void *arg)
{
	struct service *s = arg;
	int64_t now = service_now(s);

	expire_held(s, now);
	for (int paid = 0; paid < 2; paid++)
		if (!s->broken)
			release_held(s, paid, now);
	pump(s);
}

void
tick_wake(struct service *s, const char *recipient, bool online)
{
	struct store *st = s->env.store;
	struct packets held = { 0 };
	int64_t n = 0;

	/* Most presence is about people for whom nothing is held: those cost no write. */
	if (st->ops->find(st, FIND_HELD, recipient, 0, 1, &held) != RES_OK)
		s->broken = true;
	else if (held.n > 0 &&
	    st->ops->wake(st, recipient, online ? OFFLINE_END : OFFLINE_DROP, service_now(s), &n) !=
		RES_OK)
		s->broken = true;
	packets_free(&held);
	if (n > 0 && !s->broken)
		tick_held(s);
}

/* Arms the claims of one class; the instant at which what it has held is looked at. */
static int64_t
arm_class(struct service *s, bool paid, const struct store_next *next)
{
	struct due *due = &s->due[paid];
	int64_t now = service_now(s), scheduled = next->scheduled[paid];
	int64_t retry = next->held_retry[paid];

	if (scheduled > s->window_end)
		scheduled = NEVER_MS; /* the next tick's */
	else if (queued(s, paid) <= fill[paid].low)
		scheduled = now;
	/* tick_refill comes back to what there is no room for. */
	due->full = room(s, paid, now) == 0 && (scheduled != NEVER_MS || retry <= now);
	if (due->full)
		scheduled = retry = NEVER_MS;
	service_at(s, &due->claim_timer, scheduled, paid ? claim_paid : claim_messages);
	return retry;
}

void
tick_arm(struct service *s)
{
	struct store_next next;
	int64_t held;

	if (s->draining || service_halted(s))
		return;
	if (s->env.store->ops->next(s->env.store, &next) != RES_OK) {
		s->broken = true;
		return;
	}
	held = next.held_expiry;
	for (int paid = 0; paid < 2; paid++) {
		int64_t retry = arm_class(s, paid, &next);

		held = retry < held ? retry : held;
	}
	service_at(s, &s->held_timer, held, tick_held);
}

/* A page a second, until nothing is left to purge. */
static void
purge(void *arg)
{
	struct service *s = arg;
	struct quota_period oldest;
	int64_t now = service_now(s), n = 0, pairs = 0;

	quota_period_at(&oldest, now - CHARGE_KEEP_MS, &s->config->zone);
	if (s->env.store->ops->purge(
		s->env.store, now - s->config->keep_ms, oldest.day, PURGE_MAX, &n) != RES_OK)
		s->broken = true;
	else if (n > 0)
		log_detail("purged %lld finished packets", (long long)n);
	if (s->env.store->ops->purge_pairs(
		s->env.store, pair_horizon(now), PURGE_MAX, &pairs) != RES_OK)
		s->broken = true;
	if (n == PURGE_MAX || pairs == PURGE_MAX)
		service_at(s, &s->purge_timer, now + SECOND_MS, purge);
}

static void tick(struct service *s);

static void
on_tick(void *arg)
{
	struct service *s = arg;

	histogram_add_ms(&s->measured.tick_lag, clock_mono(s->env.clock) - s->tick_timer.at);
	tick(s);
}

static void
tick(struct service *s)
{
	int64_t now = service_now(s), tick_ms = s->config->tick_ms;

	s->drift = now - clock_mono(s->env.clock);
	s->window_end = (now / tick_ms + 1) * tick_ms;
	service_at(s, &s->tick_timer, s->window_end, on_tick);
	purge(s);
	medium_sweep(s);
	notify_missed(s);
	notify_look(s);
	pump(s);
}

void
tick_start(struct service *s)
{
	/* The repair begins anew with a tick. */
	if (!s->draining && !service_halted(s))
		tick(s);
}
