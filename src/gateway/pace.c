#include <assert.h>
#include <limits.h>

#include "base/clock.h"
#include "core/retry.h"
#include "gateway/pace.h"

#define FAILURES_MAX 5
/* With a high rate, so many milliseconds' worth of requests begin together: one commit for all. */
#define GATHER_MS 50
/* A rate so low that its next request is further away is looked at again then. */
#define FAR_MS DAY_MS
/* Sums of fractions miss a whole number by a little. */
#define NEARLY 1e-6

static const struct retry_policy breaker = { 5 * SECOND_MS, 5 * MINUTE_MS };

static double
spent_now(const struct pace *p, int64_t now)
{
	double spent = p->spent;

	if (now > p->spent_at)
		spent -= p->limits.rate * (double)(now - p->spent_at) / (double)SECOND_MS;
	return spent > 0 ? spent : 0;
}

static double
burst(const struct pace *p)
{
	return p->limits.rate > 1 ? p->limits.rate : 1;
}

static size_t
tokens(const struct pace *p, int64_t now)
{
	double left;

	if (p->limits.rate <= 0)
		return SIZE_MAX;
	left = burst(p) - spent_now(p, now) + NEARLY;
	if (left < 1)
		return 0;
	return left < (double)UINT32_MAX ? (size_t)left : UINT32_MAX;
}

static bool
inflight_is_full(const struct pace *p)
{
	return p->limits.inflight != 0 && p->inflight >= p->limits.inflight;
}

size_t
pace_room(const struct pace *p, int64_t now)
{
	size_t room = tokens(p, now);

	if (inflight_is_full(p) || !pace_is_open(p, now))
		return 0;
	if (p->limits.inflight != 0 && p->limits.inflight - p->inflight < room)
		room = p->limits.inflight - p->inflight;
	return p->closed_until != 0 && room > 1 ? 1 : room;
}

static void
spend(struct pace *p, int64_t now, double requests)
{
	if (p->limits.rate <= 0)
		return;
	p->spent = spent_now(p, now) + requests;
	p->spent_at = now;
}

unsigned
pace_begin(struct pace *p, int64_t now)
{
	spend(p, now, 1);
	p->inflight++;
	p->probing = p->closed_until != 0;
	return p->closings;
}

static void
shut(struct pace *p, int64_t until)
{
	if (until > p->closed_until)
		p->closed_until = until;
	p->probing = false;
	p->failures = 0;
	p->closings++;
}

bool
pace_end(struct pace *p, int64_t now, unsigned begun, enum pace_result result, uint32_t random)
{
	bool probe = p->probing;

	assert(p->inflight > 0);
	p->inflight--;
	if (result == PACE_FORGET)
		spend(p, now, -1);
	if (begun != p->closings)
		return false;
	if (result == PACE_FORGET) {
		p->probing = false;
		return false;
	}
	if (result == PACE_GOOD) {
		pace_reopen(p);
		return probe;
	}
	if (!probe && ++p->failures < FAILURES_MAX)
		return false;
	shut(p, now + retry_wait_ms(&breaker, p->trips, random));
	if (p->trips < INT_MAX)
		p->trips++;
	return true;
}

void
pace_close(struct pace *p, int64_t now, int64_t wait_ms)
{
	if (wait_ms > 0)
		shut(p, wait_ms < NEVER_MS - now ? now + wait_ms : NEVER_MS);
}

void
pace_reopen(struct pace *p)
{
	p->failures = p->trips = 0;
	p->closed_until = 0;
	p->probing = false;
}

bool
pace_is_open(const struct pace *p, int64_t now)
{
	return p->closed_until <= now && !p->probing;
}

int64_t
pace_next(const struct pace *p, int64_t now)
{
	double wait_ms;

	if (p->closed_until > now)
		return p->closed_until;
	if (p->probing || inflight_is_full(p) || tokens(p, now) > 0)
		return INT64_MAX;
	wait_ms = (spent_now(p, now) - burst(p) + 1) * (double)SECOND_MS / p->limits.rate;
	if (wait_ms > (double)FAR_MS)
		return now + FAR_MS;
	/* Rounded up. */
	return now + (wait_ms < GATHER_MS ? GATHER_MS : (int64_t)wait_ms + 1);
}
