#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <time.h>

#include "base/clock.h"
#include "core/quota.h"

static struct zone
zone(const char *name)
{
	struct zone z;

	assert_int_equal(zone_find(&z, span_of(name)), RES_OK);
	return z;
}

static int64_t
utc(int year, int month, int day, int hour, int minute)
{
	struct tm tm = { .tm_year = year - 1900,
		.tm_mon = month - 1,
		.tm_mday = day,
		.tm_hour = hour,
		.tm_min = minute };

	return timegm(&tm) * SECOND_MS;
}

static void
check(const char *name, int64_t now, int32_t day, int32_t month, int64_t day_ends_at,
    int64_t month_ends_at)
{
	struct quota_period p;
	struct zone z = zone(name);

	quota_period_at(&p, now, &z);
	assert_int_equal(p.day, day);
	assert_int_equal(p.month, month);
	assert_true(p.day_ends_at == day_ends_at);
	assert_true(p.month_ends_at == month_ends_at);
}

static void
test_a_day_and_a_month_are_those_of_the_zone(void **state)
{
	(void)state;
	check("UTC", utc(2026, 12, 31, 23, 59), 20261231, 202612, utc(2027, 1, 1, 0, 0),
	    utc(2027, 1, 1, 0, 0));
	check("Europe/Berlin", utc(2026, 12, 31, 22, 59), 20261231, 202612,
	    utc(2026, 12, 31, 23, 0), utc(2026, 12, 31, 23, 0));
	check("Europe/Berlin", utc(2026, 12, 31, 23, 0), 20270101, 202701, utc(2027, 1, 1, 23, 0),
	    utc(2027, 1, 31, 23, 0));
	check("-09:30", utc(2026, 3, 1, 9, 29), 20260228, 202602, utc(2026, 3, 1, 9, 30),
	    utc(2026, 3, 1, 9, 30));
	check("UTC", utc(2028, 2, 28, 12, 0), 20280228, 202802, utc(2028, 2, 29, 0, 0),
	    utc(2028, 3, 1, 0, 0));
}

static void
test_days_of_23_and_25_hours_end_at_midnight(void **state)
{
	(void)state;
	check("Europe/Berlin", utc(2027, 3, 27, 23, 0), 20270328, 202703, utc(2027, 3, 28, 22, 0),
	    utc(2027, 3, 31, 22, 0));
	check("Europe/Berlin", utc(2026, 10, 24, 22, 0), 20261025, 202610, utc(2026, 10, 25, 23, 0),
	    utc(2026, 10, 31, 23, 0));
	/* In Havana the clock jumps from 00:00 to 01:00. */
	check("America/Havana", utc(2027, 3, 14, 4, 59), 20270313, 202703, utc(2027, 3, 14, 5, 0),
	    utc(2027, 4, 1, 4, 0));
	check("America/Havana", utc(2027, 3, 14, 5, 0), 20270314, 202703, utc(2027, 3, 15, 4, 0),
	    utc(2027, 4, 1, 4, 0));
}

static void
test_a_period_always_ends_after_now_and_begins_the_next(void **state)
{
	static const char *const names[] = { "Europe/Berlin", "America/Havana", "Pacific/Apia",
		"Africa/Casablanca", "+14:00" };

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		struct zone z = zone(names[i]);
		for (int64_t t = utc(2026, 1, 1, 0, 0); t < utc(2029, 1, 1, 0, 0);
		     t += 37 * MINUTE_MS) {
			struct quota_period p, next;
			quota_period_at(&p, t, &z);
			assert_true(p.day_ends_at > t && p.day_ends_at <= t + 25 * HOUR_MS);
			assert_true(
			    p.month_ends_at >= p.day_ends_at && p.month_ends_at <= t + 32 * DAY_MS);
			assert_int_equal(p.month, p.day / 100);
			quota_period_at(&next, p.day_ends_at, &z);
			assert_true(next.day > p.day);
			quota_period_at(&next, p.day_ends_at - 1, &z);
			assert_int_equal(next.day, p.day);
			quota_period_at(&next, p.month_ends_at, &z);
			assert_int_equal(next.day % 100, 1);
			assert_true(next.month > p.month);
		}
	}
}

static void
test_the_last_day_that_is_known_never_ends(void **state)
{
	(void)state;
	check("UTC", utc(2199, 12, 31, 12, 0), 21991231, 219912, NEVER_MS, NEVER_MS);
}

static enum quota_verdict
verdict(int64_t per_day, int64_t per_month, int64_t day, int64_t month, int64_t units)
{
	const struct quota_limit limit = { per_day, per_month };
	const struct quota_use use = { day, month };

	return quota_check(&limit, &use, units);
}

static void
test_what_fits_exactly_fits(void **state)
{
	(void)state;
	assert_int_equal(verdict(5, 50, 4, 40, 1), QUOTA_FITS);
	assert_int_equal(verdict(5, 50, 4, 40, 2), QUOTA_DAY_FULL);
	assert_int_equal(verdict(5, 50, 0, 49, 1), QUOTA_FITS);
	assert_int_equal(verdict(5, 50, 0, 49, 2), QUOTA_MONTH_FULL);
	assert_int_equal(verdict(5, 50, 0, 0, 5), QUOTA_FITS);
	assert_int_equal(verdict(5, 50, 0, 0, 6), QUOTA_DAY_FULL);
}

static void
test_the_month_is_named_when_both_are_full(void **state)
{
	(void)state;
	assert_int_equal(verdict(5, 50, 5, 50, 1), QUOTA_MONTH_FULL);
	assert_int_equal(verdict(0, 0, 0, 0, 1), QUOTA_MONTH_FULL);
}

static void
test_zero_allows_none_and_no_limit_allows_all(void **state)
{
	(void)state;
	assert_int_equal(verdict(0, QUOTA_NO_LIMIT, 0, 0, 1), QUOTA_DAY_FULL);
	assert_int_equal(verdict(0, QUOTA_NO_LIMIT, 0, 0, 0), QUOTA_FITS);
	assert_int_equal(
	    verdict(QUOTA_NO_LIMIT, QUOTA_NO_LIMIT, INT64_MAX, INT64_MAX, INT64_MAX), QUOTA_FITS);
	assert_int_equal(verdict(QUOTA_NO_LIMIT, 3, 0, 3, 1), QUOTA_MONTH_FULL);
}

static void
test_no_number_overflows(void **state)
{
	(void)state;
	assert_int_equal(verdict(INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, 1), QUOTA_MONTH_FULL);
	assert_int_equal(verdict(INT64_MAX, INT64_MAX, 0, 0, INT64_MAX), QUOTA_FITS);
	assert_int_equal(verdict(INT64_MAX, INT64_MAX, 1, 0, INT64_MAX), QUOTA_DAY_FULL);
	assert_int_equal(verdict(5, 5, INT64_MIN, INT64_MIN, 5), QUOTA_FITS);
	assert_int_equal(verdict(5, 5, INT64_MIN, INT64_MIN, 6), QUOTA_MONTH_FULL);
	/* A damaged limit allows none. */
	assert_int_equal(verdict(INT64_MIN, INT64_MIN, 0, 0, 1), QUOTA_MONTH_FULL);
	/* Limits that were lowered below the use. */
	assert_int_equal(verdict(5, 50, 9, 90, 1), QUOTA_MONTH_FULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_day_and_a_month_are_those_of_the_zone),
		cmocka_unit_test(test_days_of_23_and_25_hours_end_at_midnight),
		cmocka_unit_test(test_a_period_always_ends_after_now_and_begins_the_next),
		cmocka_unit_test(test_the_last_day_that_is_known_never_ends),
		cmocka_unit_test(test_what_fits_exactly_fits),
		cmocka_unit_test(test_the_month_is_named_when_both_are_full),
		cmocka_unit_test(test_zero_allows_none_and_no_limit_allows_all),
		cmocka_unit_test(test_no_number_overflows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
