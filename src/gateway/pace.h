/*
 * How fast one gateway may be used, and whether at all: rate, requests in flight, pauses, and a
 * circuit breaker with half-open probes.  Pure: time is an argument (monotonic, ms).
 */
#ifndef LATERD_GATEWAY_PACE_H
#define LATERD_GATEWAY_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pace_limits {
	double rate;     /* requests a second, 0: no limit; at most one second's worth at once */
	size_t inflight; /* requests without an outcome, 0: no limit */
};

enum pace_result {
	PACE_GOOD,   /* it answered, whatever it said about the message */
	PACE_BAD,    /* it did not answer, or not in a way it should */
	PACE_FORGET  /* the request was never made */
};

/* Zeroed is a gateway never used. */
struct pace {
	struct pace_limits limits;
	double spent;         /* requests of the last second, as they run off at the rate */
	int64_t spent_at;
	size_t inflight;
	int failures;         /* in a row */
	int trips;            /* how often the breaker opened since it last closed */
	int64_t closed_until; /* by the breaker, Retry-After or a pause; 0: not */
	bool probing;         /* closed_until has passed: one request finds out */
	unsigned closings;    /* counted, to tell requests begun before the last one */
};

/* How many requests may begin now. */
size_t pace_room(const struct pace *p, int64_t now);
/* A request begins; only when there is room.  What it returns is for its pace_end. */
unsigned pace_begin(struct pace *p, int64_t now);
/*
 * It ended.  Five bad ends in a row, or a bad probe, close the gateway for a time that doubles from
 * 5 s to 5 minutes, jittered by `random`.  How requests end that began before it was last closed
 * says nothing any more.  True when that opened or closed it.
 */
bool pace_end(
    struct pace *p, int64_t now, unsigned begun, enum pace_result result, uint32_t random);
/* Leave it alone for so long (Retry-After, a pause), or longer if it is so; then it is probed. */
void pace_close(struct pace *p, int64_t now, int64_t wait_ms);
/* As if it had never failed. */
void pace_reopen(struct pace *p);
/* Requests may be made, now or as soon as there is room; not while a probe is under way. */
bool pace_is_open(const struct pace *p, int64_t now);
/*
 * When there will be room where there is none, without pace_end: for a timer.  INT64_MAX: there is
 * room, or only pace_end makes some.  Of a high rate several tokens are waited for.
 */
int64_t pace_next(const struct pace *p, int64_t now);

#endif
