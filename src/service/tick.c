#include "base/log.h"
#include "service/state.h"

/*
 * The queue is filled to HIGH and again when it has fallen to LOW, so that memory does not grow
 * with what is due at once.
 */
#define QUEUE_HIGH 2000
#define QUEUE_LOW  500

#define PURGE_MAX  500
/* Charges are looked at for a month; two are kept. */
#define CHARGE_KEEP_MS (62 * DAY_MS)

/*
 * How many more the queue takes.  When it is full of what leaves later, what is due now still finds
 * room: it leaves at once.  Only a backlog makes it wait its turn.
 */
static size_t
room(const struct service *s, int64_t now)
{
	const struct queued *first = queue_peek(&s->queue);

	if (s->queue.n < QUEUE_HIGH)
		return QUEUE_HIGH - s->queue.n;
	return first->p.next_at > now ? QUEUE_LOW : 0;
}

static void
claim(void *arg)
{
	struct service *s = arg;
	struct packets claimed = { 0 };
	int64_t now = service_now(s), upto = s->queue.n < QUEUE_HIGH ? s->window_end : now;

	if (s->env.store->ops->claim(s->env.store, upto, room(s, now), &claimed) != RES_OK)
		s->broken = true;
	for (size_t i = 0; i < claimed.n && !s->broken; i++) {
		/* Contacts are probed now, so that their presence is known when it is wanted. */
		deliver_presence(s, claimed.v[i].recipient);
		deliver_queue(s, &claimed.v[i]);
	}
	packets_free(&claimed);
	s->rearm = true;
	if (!s->broken)
		deliver_pump(s);
}

void
tick_refill(struct service *s)
{
	if (s->full && (s->queue.n <= QUEUE_LOW || room(s, service_now(s)) > 0)) {
		s->full = false;
		s->rearm = true;
	}
}

static void
expire_held(struct service *s, int64_t now)
{
	struct packets expired = { 0 };

	if (s->env.store->ops->find(
		s->env.store, FIND_HELD_EXPIRED, NULL, now, QUEUE_LOW, &expired) != RES_OK)
		s->broken = true;
	for (size_t i = 0; i < expired.n && !s->broken; i++)
		settle_expire(s, &expired.v[i], "it could not be delivered in time");
	packets_free(&expired);
}

static void
release_held(struct service *s, int64_t now)
{
	struct packets held = { 0 };

	if (s->env.store->ops->find(
		s->env.store, FIND_HELD_RETRY, NULL, now, room(s, now), &held) != RES_OK)
		s->broken = true;
	for (size_t i = 0; i < held.n && !s->broken; i++) {
		struct packet *p = &held.v[i];
		bool online =
		    s->messenger->ops->presence(s->messenger, p->recipient) == PRESENCE_ONLINE;

		p->next_at = now;
		if (settle_move(s, p, EV_RELEASE, online ? "the recipient is online" : NULL))
			deliver_queue(s, p);
	}
	packets_free(&held);
}

static void
tick_held(void *arg)
{
	struct service *s = arg;
	int64_t now = service_now(s);

	expire_held(s, now);
	if (!s->broken)
		release_held(s, now);
	s->rearm = true;
	if (!s->broken)
		deliver_pump(s);
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

void
tick_arm(struct service *s)
{
	int64_t now = service_now(s), expiry, retry, scheduled;

	if (s->draining || service_halted(s))
		return;
	if (s->env.store->ops->next(s->env.store, &expiry, &retry, &scheduled) != RES_OK) {
		s->broken = true;
		return;
	}
	if (scheduled > s->window_end)
		scheduled = NEVER_MS; /* the next tick's */
	else if (s->queue.n <= QUEUE_LOW)
		scheduled = now;
	s->full = room(s, now) == 0 && (scheduled != NEVER_MS || retry <= now);
	if (s->full)
		scheduled = retry = NEVER_MS; /* tick_refill comes back to them */
	service_at(s, &s->claim_timer, scheduled, claim);
	service_at(s, &s->held_timer, expiry < retry ? expiry : retry, tick_held);
}

/* A page a second, until nothing is left to purge. */
static void
purge(void *arg)
{
	struct service *s = arg;
	struct quota_period oldest;
	int64_t now = service_now(s), n = 0;

	quota_period_at(&oldest, now - CHARGE_KEEP_MS, &s->config->zone);
	if (s->env.store->ops->purge(
		s->env.store, now - s->config->keep_ms, oldest.day, PURGE_MAX, &n) != RES_OK)
		s->broken = true;
	else if (n > 0)
		log_detail("purged %lld finished packets", (long long)n);
	if (n == PURGE_MAX)
		service_at(s, &s->purge_timer, now + SECOND_MS, purge);
}

static void
tick(void *arg)
{
	struct service *s = arg;
	int64_t now = service_now(s), tick_ms = s->config->tick_ms;

	s->drift = now - clock_mono(s->env.clock);
	s->window_end = (now / tick_ms + 1) * tick_ms;
	service_at(s, &s->tick_timer, s->window_end, tick);
	purge(s);
	s->rearm = true;
	if (!s->broken)
		deliver_pump(s);
}

void
tick_start(struct service *s)
{
	/* The repair begins anew with a tick. */
	if (!s->draining && !service_halted(s))
		tick(s);
}
