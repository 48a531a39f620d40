#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/clock.h"

struct world {
	struct timers ts;
	struct timer t[5];
	char fired[64];
};

struct act {
	struct world *w;
	int i;
	void (*then)(struct world *w);
};

static void
fire(void *arg)
{
	struct act *a = arg;
	size_t len = strlen(a->w->fired);

	assert_true(len + 1 < sizeof(a->w->fired));
	a->w->fired[len] = (char)('0' + a->i);
	if (a->then != NULL)
		a->then(a->w);
}

static void
test_timers_fire_earliest_first_and_once(void **state)
{
	struct world w = { .fired = "" };
	struct act a[5];
	static const int64_t at[5] = { 30, 10, 20, 10, 31 };

	(void)state;
	for (int i = 0; i < 5; i++) {
		a[i] = (struct act){ &w, i, NULL };
		timer_set(&w.ts, &w.t[i], at[i], fire, &a[i]);
	}
	assert_int_equal(timers_next(&w.ts), 10);
	timers_run(&w.ts, 9);
	assert_string_equal(w.fired, "");
	timers_run(&w.ts, 30);
	assert_string_equal(w.fired, "1320");
	assert_false(timer_waits(&w.t[0]));
	assert_true(timer_waits(&w.t[4]));
	assert_int_equal(timers_next(&w.ts), 31);
	timers_run(&w.ts, 1000);
	timers_run(&w.ts, 2000);
	assert_string_equal(w.fired, "13204");
	assert_true(timers_next(&w.ts) == NEVER_MS);
}

static struct act again;

static void
set_again(struct world *w)
{
	timer_set(&w->ts, &w->t[0], 1, fire, &again);
}

static void
test_a_timer_set_again_by_itself_waits_for_the_next_run(void **state)
{
	struct world w = { .fired = "" };

	(void)state;
	again = (struct act){ &w, 0, set_again };
	timer_set(&w.ts, &w.t[0], 1, fire, &again);
	timers_run(&w.ts, 50);
	assert_string_equal(w.fired, "0");
	assert_true(timer_waits(&w.t[0]));
	timers_run(&w.ts, 50);
	assert_string_equal(w.fired, "00");
	timer_stop(&w.t[0]);
	assert_true(timers_next(&w.ts) == NEVER_MS);
}

static void
stop_others(struct world *w)
{
	for (int i = 1; i < 5; i++)
		timer_stop(&w->t[i]);
}

static void
test_a_function_may_stop_timers_that_are_due_and_that_are_not(void **state)
{
	struct world w = { .fired = "" };
	struct act a[5];

	(void)state;
	for (int i = 0; i < 5; i++) {
		a[i] = (struct act){ &w, i, i == 0 ? stop_others : NULL };
		timer_set(&w.ts, &w.t[i], i < 3 ? i : 100, fire, &a[i]);
	}
	timers_run(&w.ts, 50);
	assert_string_equal(w.fired, "0");
	assert_true(timers_next(&w.ts) == NEVER_MS);
}

static struct act third;

static void
postpone_third(struct world *w)
{
	timer_set(&w->ts, &w->t[2], 200, fire, &third);
}

static void
test_a_due_timer_may_be_postponed_by_an_earlier_one(void **state)
{
	struct world w = { .fired = "" };
	struct act first = { &w, 1, postpone_third };

	(void)state;
	third = (struct act){ &w, 2, NULL };
	timer_set(&w.ts, &w.t[1], 1, fire, &first);
	timer_set(&w.ts, &w.t[2], 2, fire, &third);
	timers_run(&w.ts, 50);
	assert_string_equal(w.fired, "1");
	assert_int_equal(timers_next(&w.ts), 200);
	timers_run(&w.ts, 200);
	assert_string_equal(w.fired, "12");
}

static void
test_setting_a_waiting_timer_moves_it(void **state)
{
	struct world w = { .fired = "" };
	struct act a = { &w, 3, NULL };
	struct timers other = { NULL };

	(void)state;
	timer_set(&w.ts, &w.t[3], 10, fire, &a);
	timer_set(&w.ts, &w.t[3], 40, fire, &a);
	assert_int_equal(timers_next(&w.ts), 40);
	timer_set(&other, &w.t[3], 5, fire, &a);
	assert_true(timers_next(&w.ts) == NEVER_MS);
	assert_int_equal(timers_next(&other), 5);
	timer_stop(&w.t[3]);
	timer_stop(&w.t[3]);
	assert_null(other.first);
}

static void
test_the_lists_survive_stopping_in_any_order(void **state)
{
	static const int order[3][3] = { { 0, 1, 2 }, { 2, 1, 0 }, { 1, 0, 2 } };

	(void)state;
	for (int o = 0; o < 3; o++) {
		struct world w = { .fired = "" };
		struct act a = { &w, 0, NULL };
		for (int i = 0; i < 3; i++)
			timer_set(&w.ts, &w.t[i], 10 + i, fire, &a);
		for (int i = 0; i < 3; i++) {
			timer_stop(&w.t[order[o][i]]);
			int n = 0;
			for (struct timer *t = w.ts.first; t != NULL; t = t->next)
				n++;
			assert_int_equal(n, 2 - i);
		}
	}
}

static void
test_the_systems_clocks_tell_plausible_times(void **state)
{
	(void)state;
	assert_true(clock_wall(&clock_system) > INT64_C(1700000000000));
	int64_t before = clock_mono(&clock_system);
	assert_true(before > 0);
	assert_true(clock_mono(&clock_system) >= before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timers_fire_earliest_first_and_once),
		cmocka_unit_test(test_a_timer_set_again_by_itself_waits_for_the_next_run),
		cmocka_unit_test(test_a_function_may_stop_timers_that_are_due_and_that_are_not),
		cmocka_unit_test(test_a_due_timer_may_be_postponed_by_an_earlier_one),
		cmocka_unit_test(test_setting_a_waiting_timer_moves_it),
		cmocka_unit_test(test_the_lists_survive_stopping_in_any_order),
		cmocka_unit_test(test_the_systems_clocks_tell_plausible_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
