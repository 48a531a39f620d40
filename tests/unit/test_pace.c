#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "gateway/pace.h"

#define NOW (5 * MINUTE_MS)

static void
begin_many(struct pace *p, int64_t now, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert_true(pace_room(p, now) > 0);
		pace_begin(p, now);
	}
}

/* One request from begin to end. */
static bool
one(struct pace *p, int64_t now, enum pace_result result)
{
	return pace_end(p, now, pace_begin(p, now), result, UINT32_MAX);
}

static void
trip(struct pace *p, int64_t now)
{
	for (int i = 0; i < 4; i++)
		assert_false(one(p, now, PACE_BAD));
	assert_true(one(p, now, PACE_BAD));
	assert_false(pace_is_open(p, now));
}

static void
test_a_new_gateway_without_limits_takes_all(void **state)
{
	struct pace p = { .failures = 0 };

	(void)state;
	assert_true(pace_is_open(&p, 0));
	assert_true(pace_room(&p, 0) > 1000000);
	assert_true(pace_next(&p, 0) == INT64_MAX);
	begin_many(&p, 0, 1000);
	assert_true(pace_room(&p, 0) > 1000000);
}

static void
test_requests_in_flight_are_bounded(void **state)
{
	struct pace p = { .limits = { .inflight = 3 } };
	unsigned begun = pace_begin(&p, NOW);

	(void)state;
	assert_int_equal(pace_room(&p, NOW), 2);
	begin_many(&p, NOW, 2);
	assert_int_equal(pace_room(&p, NOW), 0);
	assert_true(pace_is_open(&p, NOW));
	assert_true(pace_next(&p, NOW) == INT64_MAX);
	assert_false(pace_end(&p, NOW, begun, PACE_GOOD, 0));
	assert_int_equal(pace_room(&p, NOW), 1);
	p.limits.inflight = 1;
	assert_int_equal(pace_room(&p, NOW), 0);
}

static void
test_the_rate_allows_one_second_s_worth_at_once_and_then_its_pace(void **state)
{
	struct pace p = { .limits = { .rate = 5 } };
	int64_t now = NOW, next;
	size_t sent = 5;

	(void)state;
	assert_int_equal(pace_room(&p, now), 5);
	begin_many(&p, now, 5);
	assert_int_equal(pace_room(&p, now), 0);
	assert_true(pace_is_open(&p, now));
	for (; now < NOW + 10 * SECOND_MS; now = next) {
		next = pace_next(&p, now);
		assert_true(next > now && next <= now + 201);
		assert_int_equal(pace_room(&p, next - 2), 0);
		assert_int_equal(pace_room(&p, next), 1);
		pace_begin(&p, next);
		sent++;
	}
	assert_in_range(sent, 54, 56);
	assert_int_equal(pace_room(&p, now + HOUR_MS), 5);
}

static void
test_a_rate_below_one_waits_between_requests(void **state)
{
	struct pace p = { .limits = { .rate = 0.1 } };

	(void)state;
	assert_int_equal(pace_room(&p, NOW), 1);
	pace_begin(&p, NOW);
	assert_int_equal(pace_room(&p, NOW + 9990), 0);
	assert_in_range(pace_next(&p, NOW), NOW + 10000, NOW + 10002);
	assert_int_equal(pace_room(&p, pace_next(&p, NOW)), 1);
	p.limits.rate = 1e-300;
	assert_true(pace_next(&p, NOW) > NOW && pace_next(&p, NOW) <= NOW + DAY_MS);
}

static void
test_a_high_rate_gathers_requests_for_one_commit(void **state)
{
	struct pace p = { .limits = { .rate = 1000 } };

	(void)state;
	begin_many(&p, NOW, 1000);
	assert_int_equal(pace_next(&p, NOW), NOW + 50);
	assert_int_equal(pace_room(&p, NOW + 50), 50);
	p.limits.rate = 1e300;
	assert_true(pace_room(&p, NOW + 50) > 1000000);
}

static void
test_a_request_that_was_never_made_costs_no_token(void **state)
{
	struct pace p = { .limits = { .rate = 2, .inflight = 2 } };

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_false(one(&p, NOW, PACE_FORGET));
	assert_int_equal(p.inflight, 0);
	assert_int_equal(pace_room(&p, NOW), 2);
	assert_true(pace_is_open(&p, NOW));
}

static void
test_a_clock_that_stands_still_or_goes_back_gives_no_tokens(void **state)
{
	struct pace p = { .limits = { .rate = 2 } };

	(void)state;
	begin_many(&p, NOW, 2);
	assert_int_equal(pace_room(&p, NOW), 0);
	assert_int_equal(pace_room(&p, NOW - HOUR_MS), 0);
}

static void
test_five_failures_in_a_row_close_the_gateway(void **state)
{
	struct pace p = { .failures = 0 };

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_false(one(&p, NOW, i % 5 == 4 ? PACE_GOOD : PACE_BAD));
	trip(&p, NOW);
	assert_int_equal(pace_room(&p, NOW), 0);
	assert_int_equal(pace_next(&p, NOW), NOW + 5000);
	assert_int_equal(pace_room(&p, NOW + 4999), 0);
	assert_true(pace_is_open(&p, NOW + 5000));
}

static void
test_one_probe_finds_out_and_a_good_one_opens(void **state)
{
	struct pace p = { .limits = { .inflight = 10, .rate = 10 } };
	unsigned begun;

	(void)state;
	trip(&p, NOW);
	assert_int_equal(pace_room(&p, NOW + 5000), 1);
	begun = pace_begin(&p, NOW + 5000);
	assert_int_equal(pace_room(&p, NOW + 5000), 0);
	assert_false(pace_is_open(&p, NOW + 5000));
	assert_true(pace_next(&p, NOW + 5000) == INT64_MAX);
	assert_true(pace_end(&p, NOW + 6000, begun, PACE_GOOD, 0));
	assert_true(pace_is_open(&p, NOW + 6000));
	assert_int_equal(pace_room(&p, NOW + 6000), 10);
	/* And it takes five failures again. */
	trip(&p, NOW + 6000);
	assert_int_equal(pace_next(&p, NOW + 6000), NOW + 11000);
}

static void
test_bad_probes_double_the_wait_up_to_five_minutes(void **state)
{
	static const int64_t waits[] = { 10, 20, 40, 80, 160, 300, 300, 300 };
	struct pace p = { .failures = 0 };
	int64_t now = NOW + 5000;

	(void)state;
	trip(&p, NOW);
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		assert_int_equal(pace_room(&p, now), 1);
		assert_true(one(&p, now, PACE_BAD));
		assert_int_equal(pace_next(&p, now), now + waits[i] * SECOND_MS);
		now = pace_next(&p, now);
	}
}

static void
test_the_wait_is_jittered(void **state)
{
	struct pace p = { .failures = 4 };

	(void)state;
	assert_true(pace_end(&p, NOW, pace_begin(&p, NOW), PACE_BAD, 0));
	assert_int_equal(pace_next(&p, NOW), NOW + 2500);
}

static void
test_a_forgotten_probe_makes_room_for_another(void **state)
{
	struct pace p = { .failures = 0 };

	(void)state;
	trip(&p, NOW);
	assert_false(one(&p, NOW + 5000, PACE_FORGET));
	assert_true(pace_is_open(&p, NOW + 5000));
	assert_int_equal(pace_room(&p, NOW + 5000), 1);
	assert_true(one(&p, NOW + 5000, PACE_GOOD));
	assert_true(pace_room(&p, NOW + 5000) > 1);
}

static void
test_requests_from_before_the_closing_decide_nothing(void **state)
{
	struct pace p = { .limits = { .inflight = 20 } };
	unsigned old[4], probe;

	(void)state;
	for (int i = 0; i < 4; i++)
		old[i] = pace_begin(&p, NOW);
	trip(&p, NOW);
	assert_false(pace_end(&p, NOW, old[0], PACE_GOOD, 0));
	assert_false(pace_is_open(&p, NOW));
	probe = pace_begin(&p, NOW + 5000);
	assert_false(pace_end(&p, NOW + 5000, old[1], PACE_BAD, 0));
	assert_false(pace_end(&p, NOW + 5000, old[2], PACE_GOOD, 0));
	assert_int_equal(pace_room(&p, NOW + 5000), 0);
	assert_true(pace_end(&p, NOW + 5000, probe, PACE_GOOD, 0));
	assert_false(pace_end(&p, NOW + 5000, old[3], PACE_BAD, 0));
	assert_int_equal(p.failures, 0);
	assert_int_equal(p.inflight, 0);
}

static void
test_a_pause_is_kept_whatever_else_is_answered(void **state)
{
	struct pace p = { .failures = 0 };
	unsigned other = pace_begin(&p, NOW);

	(void)state;
	pace_close(&p, NOW, 30 * MINUTE_MS);
	assert_false(pace_is_open(&p, NOW));
	pace_close(&p, NOW, 5 * SECOND_MS);
	pace_close(&p, NOW, 0);
	pace_close(&p, NOW, -1);
	assert_false(pace_end(&p, NOW, other, PACE_GOOD, 0));
	assert_int_equal(pace_next(&p, NOW), NOW + 30 * MINUTE_MS);
	assert_int_equal(pace_room(&p, NOW + 30 * MINUTE_MS), 1);
	pace_close(&p, NOW, INT64_MAX);
	assert_true(pace_next(&p, NOW) == INT64_MAX);
	assert_false(pace_is_open(&p, NOW + 1000 * DAY_MS));
}

static void
test_a_pause_during_a_probe_outlasts_it(void **state)
{
	struct pace p = { .failures = 0 };
	unsigned probe;

	(void)state;
	trip(&p, NOW);
	probe = pace_begin(&p, NOW + 5000);
	pace_close(&p, NOW + 5000, 60000);
	assert_false(pace_end(&p, NOW + 5001, probe, PACE_GOOD, 0));
	assert_false(pace_is_open(&p, NOW + 5001));
	assert_int_equal(pace_next(&p, NOW + 5001), NOW + 65000);
}

static void
test_reopening_forgets_failures_and_keeps_what_is_in_flight(void **state)
{
	struct pace p = { .limits = { .inflight = 3 } };
	unsigned old = pace_begin(&p, NOW);

	(void)state;
	trip(&p, NOW);
	pace_reopen(&p);
	assert_true(pace_is_open(&p, NOW));
	assert_int_equal(pace_room(&p, NOW), 2);
	assert_false(pace_end(&p, NOW, old, PACE_BAD, 0));
	trip(&p, NOW);
	assert_int_equal(pace_next(&p, NOW), NOW + 5000);
}

static void
test_half_open_still_keeps_the_limits(void **state)
{
	struct pace p = { .limits = { .rate = 1, .inflight = 1 } };
	unsigned old = pace_begin(&p, NOW);

	(void)state;
	pace_close(&p, NOW, 100);
	assert_int_equal(pace_next(&p, NOW), NOW + 100);
	assert_int_equal(pace_room(&p, NOW + 5000), 0);
	pace_end(&p, NOW + 100, old, PACE_GOOD, 0);
	assert_int_equal(pace_room(&p, NOW + 100), 0);
	assert_in_range(pace_next(&p, NOW + 100), NOW + 1000, NOW + 1001);
	assert_int_equal(pace_room(&p, NOW + 1001), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_new_gateway_without_limits_takes_all),
		cmocka_unit_test(test_requests_in_flight_are_bounded),
		cmocka_unit_test(test_the_rate_allows_one_second_s_worth_at_once_and_then_its_pace),
		cmocka_unit_test(test_a_rate_below_one_waits_between_requests),
		cmocka_unit_test(test_a_high_rate_gathers_requests_for_one_commit),
		cmocka_unit_test(test_a_request_that_was_never_made_costs_no_token),
		cmocka_unit_test(test_a_clock_that_stands_still_or_goes_back_gives_no_tokens),
		cmocka_unit_test(test_five_failures_in_a_row_close_the_gateway),
		cmocka_unit_test(test_one_probe_finds_out_and_a_good_one_opens),
		cmocka_unit_test(test_bad_probes_double_the_wait_up_to_five_minutes),
		cmocka_unit_test(test_the_wait_is_jittered),
		cmocka_unit_test(test_a_forgotten_probe_makes_room_for_another),
		cmocka_unit_test(test_requests_from_before_the_closing_decide_nothing),
		cmocka_unit_test(test_a_pause_is_kept_whatever_else_is_answered),
		cmocka_unit_test(test_a_pause_during_a_probe_outlasts_it),
		cmocka_unit_test(test_reopening_forgets_failures_and_keeps_what_is_in_flight),
		cmocka_unit_test(test_half_open_still_keeps_the_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
