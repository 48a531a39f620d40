/* Clocks as values, and timers that run on whatever clock they are given. */
#ifndef LATERD_BASE_CLOCK_H
#define LATERD_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* wall_ms: UTC, ms since 1970, for due and expiry.  mono_ms: never goes back, for timeouts. */
struct clock {
	int64_t (*wall_ms)(void *arg);
	int64_t (*mono_ms)(void *arg);
	void *arg;
};

int64_t clock_wall(const struct clock *c);
int64_t clock_mono(const struct clock *c);
/* The machine's clocks. */
extern const struct clock clock_system;

#define SECOND_MS ((int64_t)1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)
#define NEVER_MS  INT64_MAX

/*
 * A few timers (a handful a module): setting and stopping are O(1), finding the next is O(n).  A
 * timer fires once, at or after its instant; its function may set or stop any timer, itself
 * included.  Zeroed structures are empty.
 */
struct timer {
	int64_t at; /* monotonic, ms */
	void (*fn)(void *arg);
	void *arg;
	struct timers *set; /* where it waits; NULL when it does not */
	struct timer *prev, *next;
};

struct timers {
	struct timer *first;
};

/* (Re)arms t, which stays the caller's and must outlive its wait. */
void timer_set(struct timers *ts, struct timer *t, int64_t at, void (*fn)(void *), void *arg);
void timer_stop(struct timer *t);
bool timer_waits(const struct timer *t);
/* The earliest instant any timer waits for; NEVER_MS when none does. */
int64_t timers_next(const struct timers *ts);
/* Fires all that are due at `mono`, earliest first, each at most once a call. */
void timers_run(struct timers *ts, int64_t mono);

#endif
