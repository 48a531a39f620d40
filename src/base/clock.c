#include <time.h>

#include "base/clock.h"

static int64_t
read_ms(clockid_t id)
{
	struct timespec ts = { 0, 0 };

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * SECOND_MS + ts.tv_nsec / 1000000;
}

static int64_t
system_wall_ms(void *arg)
{
	(void)arg;
	return read_ms(CLOCK_REALTIME);
}

static int64_t
system_mono_ms(void *arg)
{
	(void)arg;
	return read_ms(CLOCK_MONOTONIC);
}

const struct clock clock_system = { system_wall_ms, system_mono_ms, NULL };

int64_t
clock_wall(const struct clock *c)
{
	return c->wall_ms(c->arg);
}

int64_t
clock_mono(const struct clock *c)
{
	return c->mono_ms(c->arg);
}

/* Puts t before `next`; prev and next as the list has them. */
static void
link_before(struct timers *ts, struct timer *t, struct timer *prev, struct timer *next)
{
	t->set = ts;
	t->prev = prev;
	t->next = next;
	if (next != NULL)
		next->prev = t;
	if (prev != NULL)
		prev->next = t;
	else
		ts->first = t;
}

void
timer_set(struct timers *ts, struct timer *t, int64_t at, void (*fn)(void *), void *arg)
{
	timer_stop(t);
	t->at = at;
	t->fn = fn;
	t->arg = arg;
	link_before(ts, t, NULL, ts->first);
}

void
timer_stop(struct timer *t)
{
	if (t->set == NULL)
		return;
	if (t->next != NULL)
		t->next->prev = t->prev;
	if (t->prev != NULL)
		t->prev->next = t->next;
	else
		t->set->first = t->next;
	t->set = NULL;
	t->prev = t->next = NULL;
}

bool
timer_waits(const struct timer *t)
{
	return t->set != NULL;
}

int64_t
timers_next(const struct timers *ts)
{
	int64_t at = NEVER_MS;

	for (const struct timer *t = ts->first; t != NULL; t = t->next)
		if (t->at < at)
			at = t->at;
	return at;
}

/* The list has the latest set first, so going before equals puts those set earlier first. */
static void
insert_sorted(struct timers *due, struct timer *t)
{
	struct timer *prev = NULL, *next = due->first;

	while (next != NULL && next->at < t->at) {
		prev = next;
		next = next->next;
	}
	link_before(due, t, prev, next);
}

void
timers_run(struct timers *ts, int64_t mono)
{
	/*
	 * Those that are due move to a list of their own.  What a function sets again goes to *ts
	 * and waits for the next call; what it stops leaves whichever list it is in.
	 */
	struct timers due = { NULL };

	for (struct timer *t = ts->first, *next; t != NULL; t = next) {
		next = t->next;
		if (t->at > mono)
			continue;
		timer_stop(t);
		insert_sorted(&due, t);
	}
	while (due.first != NULL) {
		struct timer *t = due.first;
		timer_stop(t);
		t->fn(t->arg);
	}
}
