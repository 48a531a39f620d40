#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "core/zone.h"

static struct zone
zone(const char *name)
{
	struct zone z;

	if (zone_find(&z, span_of(name)) != RES_OK)
		fail_msg("no zone %s", name);
	return z;
}

static int64_t
utc(int year, int month, int day, int hour, int minute, int second)
{
	struct tm tm = { .tm_year = year - 1900,
		.tm_mon = month - 1,
		.tm_mday = day,
		.tm_hour = hour,
		.tm_min = minute,
		.tm_sec = second };

	return timegm(&tm) * SECOND_MS;
}

static void
test_names_are_found_in_any_case_and_given_their_spelling(void **state)
{
	static const char *const names[][2] = {
		{ "Europe/Berlin", "Europe/Berlin" },
		{ "europe/berlin", "Europe/Berlin" },
		{ "EUROPE/BERLIN", "Europe/Berlin" },
		{ "america/argentina/buenos_aires", "America/Argentina/Buenos_Aires" },
		{ "us/eastern", "US/Eastern" },
		{ "US/Eastern", "US/Eastern" },
		{ "cet", "CET" },
		{ "est5edt", "EST5EDT" },
		{ "etc/gmt+5", "Etc/GMT+5" },
		{ "america/port-au-prince", "America/Port-au-Prince" },
		{ "utc", "UTC" },
		{ "Z", "UTC" },
		{ "z", "UTC" },
		{ "gmt", "UTC" },
		{ "+02:00", "+02:00" },
		{ "+0200", "+02:00" },
		{ "+02", "+02:00" },
		{ "-09:30", "-09:30" },
		{ "-14:00", "-14:00" },
		{ "+14", "+14:00" },
		{ "+00:00", "UTC" },
		{ "-00:00", "UTC" },
		{ "+05:45", "+05:45" },
	};

	(void)state;
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			assert_string_equal(zone(names[i][0]).name, names[i][1]);
	assert_ptr_equal(zone("US/Eastern").ical, zone("us/eastern").ical);
}

static void
test_what_is_no_zone_is_not_found(void **state)
{
	static const char *const bad[] = { "", " ", "Europe", "Europe/", "/Europe/Berlin",
		"Europe//Berlin", "Europe/Berlin/", "Europe/Berln", "../etc/passwd",
		"Europe/../../etc/passwd", "zone.tab", "tzdata.zi", "leapseconds",
		"posix/Europe/Berlin", "right/Europe/Berlin", "Right/UTC", "posixrules",
		"localtime", "a/b/c/d", "Europe/Berlin ", " Europe/Berlin", "1/2", "+", "-", "+2",
		"+02:", "+02:0", "+02:60", "+14:01", "+15", "-99", "+020", "+02000", "+02:00:00",
		"02:00", "++2", "+ 2", "Etc", "Europe/Berlin\n", "\xc3\xa4", "America/Argentina",
		"Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "%s%n",
		"Europe/Ber\tlin" };
	struct zone z;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (zone_find(&z, span_of(bad[i])) != RES_NOTFOUND)
			fail_msg("found: %s", bad[i]);
	assert_int_equal(zone_find(&z, (struct span){ NULL, 0 }), RES_NOTFOUND);
	assert_int_equal(zone_find(&z, (struct span){ "UTC\0", 4 }), RES_NOTFOUND);
	assert_int_equal(zone_find(&z, (struct span){ "Europe/Berlin\0", 14 }), RES_NOTFOUND);
}

static const char *const places[] = { "Europe/Berlin", "America/New_York", "Africa/Casablanca",
	"Asia/Kolkata", "Pacific/Apia", "Europe/Dublin", "America/Havana", "Asia/Tehran" };

static void
test_the_wall_clock_agrees_with_the_system_from_2026_to_2050(void **state)
{
	const int64_t from = utc(2026, 1, 1, 0, 0, 0) / 1000, to = utc(2051, 1, 1, 0, 0, 0) / 1000;

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct zone z = zone(places[i]);
		setenv("TZ", places[i], 1);
		tzset();
		for (time_t t = from; t < to; t += 3 * 3600 + 1) {
			struct civil c;
			struct tm tm;
			localtime_r(&t, &tm);
			zone_civil(&z, t * SECOND_MS + 999, &c);
			if (c.offset_s != tm.tm_gmtoff || c.year != tm.tm_year + 1900 ||
			    c.month != tm.tm_mon + 1 || c.day != tm.tm_mday ||
			    c.hour != tm.tm_hour || c.minute != tm.tm_min ||
			    c.second != tm.tm_sec || c.weekday != tm.tm_wday)
				fail_msg("%s differs at %lld", places[i], (long long)t);
		}
	}
	unsetenv("TZ");
	tzset();
}

static void
test_every_reading_leads_back_to_its_instant(void **state)
{
	const int64_t from = utc(2026, 1, 1, 0, 0, 0), to = utc(2050, 1, 1, 0, 0, 0);

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct zone z = zone(places[i]);
		for (int64_t t = from; t < to; t += 7 * HOUR_MS) {
			struct civil c, again;
			enum zone_fit fit;
			int64_t back;
			zone_civil(&z, t, &c);
			assert_int_equal(zone_instant(&z, &c, &back, &fit), RES_OK);
			assert_int_not_equal(fit, ZONE_SKIPPED);
			if (back == t)
				continue;
			/* Only the second pass through a doubled hour is read as the first. */
			assert_int_equal(fit, ZONE_DOUBLED);
			assert_true(back < t);
			zone_civil(&z, back, &again);
			assert_int_equal(again.hour, c.hour);
			assert_int_equal(again.minute, c.minute);
			assert_true(again.offset_s > c.offset_s);
		}
	}
}

static void
check_reading(const char *name, struct civil c, enum zone_fit want_fit, int64_t want)
{
	struct zone z = zone(name);
	enum zone_fit fit;
	int64_t at;

	assert_int_equal(zone_instant(&z, &c, &at, &fit), RES_OK);
	assert_int_equal(fit, want_fit);
	assert_true(at == want);
}

static void
test_doubled_hours_give_the_first(void **state)
{
	(void)state;
	check_reading("Europe/Berlin",
	    (struct civil){ .year = 2026, .month = 10, .day = 25, .hour = 2, .minute = 30 },
	    ZONE_DOUBLED, utc(2026, 10, 25, 0, 30, 0));
	check_reading("Europe/Berlin",
	    (struct civil){ .year = 2026, .month = 10, .day = 25, .hour = 2 }, ZONE_DOUBLED,
	    utc(2026, 10, 25, 0, 0, 0));
	check_reading("Europe/Berlin",
	    (struct civil){ .year = 2026, .month = 10, .day = 25, .hour = 3 }, ZONE_ONCE,
	    utc(2026, 10, 25, 2, 0, 0));
	check_reading("Europe/Berlin",
	    (struct civil){
		.year = 2026, .month = 10, .day = 25, .hour = 1, .minute = 59, .second = 59 },
	    ZONE_ONCE, utc(2026, 10, 24, 23, 59, 59));
	check_reading("America/New_York",
	    (struct civil){ .year = 2026, .month = 11, .day = 1, .hour = 1 }, ZONE_DOUBLED,
	    utc(2026, 11, 1, 5, 0, 0));
	check_reading("Australia/Lord_Howe",
	    (struct civil){ .year = 2027, .month = 4, .day = 4, .hour = 1, .minute = 45 },
	    ZONE_DOUBLED, utc(2027, 4, 3, 14, 45, 0));
}

static void
test_skipped_hours_give_the_instant_of_the_jump(void **state)
{
	(void)state;
	check_reading("Europe/Berlin",
	    (struct civil){ .year = 2027, .month = 3, .day = 28, .hour = 2, .minute = 30 },
	    ZONE_SKIPPED, utc(2027, 3, 28, 1, 0, 0));
	check_reading("Europe/Berlin",
	    (struct civil){ .year = 2027, .month = 3, .day = 28, .hour = 2 }, ZONE_SKIPPED,
	    utc(2027, 3, 28, 1, 0, 0));
	check_reading("Europe/Berlin",
	    (struct civil){
		.year = 2027, .month = 3, .day = 28, .hour = 2, .minute = 59, .second = 59 },
	    ZONE_SKIPPED, utc(2027, 3, 28, 1, 0, 0));
	check_reading("Europe/Berlin",
	    (struct civil){ .year = 2027, .month = 3, .day = 28, .hour = 3 }, ZONE_ONCE,
	    utc(2027, 3, 28, 1, 0, 0));
	check_reading("America/Havana", (struct civil){ .year = 2027, .month = 3, .day = 14 },
	    ZONE_SKIPPED, utc(2027, 3, 14, 5, 0, 0));
	/* Samoa crossed the date line and had no 30 December 2011. */
	check_reading("Pacific/Apia",
	    (struct civil){ .year = 2011, .month = 12, .day = 30, .hour = 12 }, ZONE_SKIPPED,
	    utc(2011, 12, 30, 10, 0, 0));
	check_reading("Pacific/Apia", (struct civil){ .year = 2011, .month = 12, .day = 31 },
	    ZONE_ONCE, utc(2011, 12, 30, 10, 0, 0));
}

static void
test_a_reading_that_is_no_date_is_refused(void **state)
{
	static const struct civil bad[] = {
		{ .year = 2026, .month = 2, .day = 29 },
		{ .year = 2026, .month = 2, .day = 31 },
		{ .year = 2026, .month = 4, .day = 31 },
		{ .year = 2100, .month = 2, .day = 29 },
		{ .year = 2026, .month = 0, .day = 1 },
		{ .year = 2026, .month = 13, .day = 1 },
		{ .year = 2026, .month = 1, .day = 0 },
		{ .year = 2026, .month = 1, .day = 32 },
		{ .year = 2026, .month = 1, .day = -1 },
		{ .year = 2026, .month = 1, .day = 1, .hour = 24 },
		{ .year = 2026, .month = 1, .day = 1, .hour = -1 },
		{ .year = 2026, .month = 1, .day = 1, .minute = 60 },
		{ .year = 2026, .month = 1, .day = 1, .second = 60 },
		{ .year = 1969, .month = 12, .day = 31 },
		{ .year = 2200, .month = 1, .day = 1 },
		{ .year = INT32_MAX, .month = INT32_MAX, .day = INT32_MAX },
		{ .year = INT32_MIN, .month = 1, .day = 1 },
	};
	struct zone z = zone("UTC");
	enum zone_fit fit;
	int64_t at = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(zone_instant(&z, &bad[i], &at, &fit), RES_INVALID);
	assert_int_equal(at, 7);
	check_reading("UTC", (struct civil){ .year = 2028, .month = 2, .day = 29 }, ZONE_ONCE,
	    utc(2028, 2, 29, 0, 0, 0));
}

static void
test_the_bounds_of_the_years_are_read(void **state)
{
	(void)state;
	check_reading("UTC", (struct civil){ .year = 1970, .month = 1, .day = 1 }, ZONE_ONCE, 0);
	check_reading("+14:00", (struct civil){ .year = 1970, .month = 1, .day = 1 }, ZONE_ONCE,
	    -14 * HOUR_MS);
	check_reading("Europe/Berlin", (struct civil){ .year = 1970, .month = 1, .day = 1 },
	    ZONE_ONCE, -HOUR_MS);
	check_reading("Europe/Berlin",
	    (struct civil){
		.year = 2199, .month = 12, .day = 31, .hour = 23, .minute = 59, .second = 59 },
	    ZONE_ONCE, utc(2199, 12, 31, 22, 59, 59));
}

static void
test_fixed_offsets_move_the_clock_and_never_change(void **state)
{
	struct civil c;
	struct zone z = zone("-09:30");

	(void)state;
	zone_civil(&z, utc(2026, 7, 1, 0, 0, 0), &c);
	assert_int_equal(c.year, 2026);
	assert_int_equal(c.month, 6);
	assert_int_equal(c.day, 30);
	assert_int_equal(c.hour, 14);
	assert_int_equal(c.minute, 30);
	assert_int_equal(c.offset_s, -34200);
	assert_int_equal(c.weekday, 2);
}

static void
test_no_instant_is_too_far_to_be_read(void **state)
{
	static const int64_t far[] = { INT64_MIN, INT64_MIN / 1000, -1, 0, INT64_MAX / 1000,
		INT64_MAX };
	struct zone zones[] = { zone("UTC"), zone("+14"), zone("Europe/Berlin") };
	struct civil c;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < sizeof(far) / sizeof(far[0]); k++)
			zone_civil(&zones[i], far[k], &c);
	zone_civil(&zones[0], -1, &c);
	assert_int_equal(c.year, 1969);
	assert_int_equal(c.second, 59);
}

static void
test_two_hundred_conversions_take_no_time(void **state)
{
	struct timespec start, end;
	struct civil c;

	(void)state;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	for (int i = 0; i < 200; i++) {
		struct zone z = zone(i % 2 ? "europe/berlin" : "America/New_York");
		enum zone_fit fit;
		int64_t at;
		zone_civil(&z, utc(2026, 1, 1, 0, 0, 0) + i * DAY_MS, &c);
		assert_int_equal(zone_instant(&z, &c, &at, &fit), RES_OK);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	int64_t ms = (end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000;
	assert_true(ms < 200);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_are_found_in_any_case_and_given_their_spelling),
		cmocka_unit_test(test_what_is_no_zone_is_not_found),
		cmocka_unit_test(test_the_wall_clock_agrees_with_the_system_from_2026_to_2050),
		cmocka_unit_test(test_every_reading_leads_back_to_its_instant),
		cmocka_unit_test(test_doubled_hours_give_the_first),
		cmocka_unit_test(test_skipped_hours_give_the_instant_of_the_jump),
		cmocka_unit_test(test_a_reading_that_is_no_date_is_refused),
		cmocka_unit_test(test_the_bounds_of_the_years_are_read),
		cmocka_unit_test(test_fixed_offsets_move_the_clock_and_never_change),
		cmocka_unit_test(test_no_instant_is_too_far_to_be_read),
		cmocka_unit_test(test_two_hundred_conversions_take_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
