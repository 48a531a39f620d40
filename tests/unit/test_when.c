#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "core/when.h"

static struct zone
zone(const char *name)
{
	struct zone z;

	assert_int_equal(zone_find(&z, span_of(name)), RES_OK);
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

/* Thursday 1 October 2026, 14:00:00.250 in Berlin. */
static int64_t
now(void)
{
	return utc(2026, 10, 1, 12, 0, 0) + 250;
}

static struct when
read_when(const char *text)
{
	struct buf why = { .max = 0 };
	struct zone berlin = zone("Europe/Berlin");
	struct when w;

	if (when_parse(&w, span_of(text), now(), &berlin, &why) != RES_OK)
		fail_msg("\"%s\" is refused: %s", text, buf_str(&why));
	assert_int_equal(why.len, 0);
	assert_int_equal(w.at % 1000, 0);
	assert_true(w.at > now());
	buf_free(&why);
	return w;
}

static void
check(const char *text, int64_t at, const char *zone_name, bool given)
{
	struct when w = read_when(text);

	if (w.at != at)
		fail_msg("\"%s\" is read as %lld, not %lld", text, (long long)w.at, (long long)at);
	assert_string_equal(w.zone.name, zone_name);
	assert_int_equal(w.zone_given, given);
	assert_false(w.doubled);
}

static void
check_refused_at(const char *text, int64_t at, const char *reason)
{
	struct buf why = { .max = 0 };
	struct zone berlin = zone("Europe/Berlin");
	struct when w;

	if (when_parse(&w, span_of(text), at, &berlin, &why) != RES_INVALID)
		fail_msg("\"%s\" is accepted", text);
	assert_string_equal(buf_str(&why), reason);
	buf_free(&why);
}

static void
check_refused(const char *text, const char *reason)
{
	check_refused_at(text, now(), reason);
}

static void
test_a_date_and_time_is_read_in_the_zone_given(void **state)
{
	const int64_t at = utc(2026, 12, 24, 17, 0, 0);

	(void)state;
	check("2026-12-24 18:00", at, "Europe/Berlin", false);
	check("  2026-12-24   18:00\n", at, "Europe/Berlin", false);
	check("2026-12-24 18:00:05", at + 5000, "Europe/Berlin", false);
	check("2026-12-24 18:00 Europe/Berlin", at, "Europe/Berlin", true);
	check("2026-12-24 18:00 europe/BERLIN", at, "Europe/Berlin", true);
	check("2026-12-24 17:00 UTC", at, "UTC", true);
	check("2026-12-24 17:00 z", at, "UTC", true);
	check("2026-12-24 17:00Z", at, "UTC", true);
	check("2026-12-24 12:00 America/New_York", at, "America/New_York", true);
	check("2026-12-24 22:30 +05:30", at, "+05:30", true);
	check("2026-12-24 22:30+05:30", at, "+05:30", true);
	check("2026-12-24 22:30:00+0530", at, "+05:30", true);
	check("2026-12-24 07:30:00 -09:30", at, "-09:30", true);
	check("2199-12-31 23:59:59 UTC", utc(2199, 12, 31, 23, 59, 59), "UTC", true);
	check("2028-02-29 00:00 UTC", utc(2028, 2, 29, 0, 0, 0), "UTC", true);
}

static void
test_rfc_3339_is_read_and_its_fraction_is_cut(void **state)
{
	const int64_t at = utc(2026, 12, 24, 17, 0, 0);

	(void)state;
	check("2026-12-24T18:00:00+01:00", at, "+01:00", true);
	check("2026-12-24T17:00:00Z", at, "UTC", true);
	check("2026-12-24t17:00:00z", at, "UTC", true);
	check("2026-12-24T17:00:00.999999999999999999999999Z", at, "UTC", true);
	check("2026-12-24T17:00:00.5-00:00", at, "UTC", true);
	check("2026-12-24T18:00:00", at, "Europe/Berlin", false);
	check("2026-12-24T18:00", at, "Europe/Berlin", false);
	check("2026-12-24T12:00:00.1 America/New_York", at, "America/New_York", true);
}

static void
test_a_length_of_time_counts_from_now(void **state)
{
	/* now() is within a second: the next whole one counts */
	const int64_t start = utc(2026, 10, 1, 12, 0, 1);

	(void)state;
	check("in 1 second", start + 1000, "Europe/Berlin", false);
	check("in 20 minutes", start + 20 * MINUTE_MS, "Europe/Berlin", false);
	check("IN 20 Min", start + 20 * MINUTE_MS, "Europe/Berlin", false);
	check("in 5s", start + 5000, "Europe/Berlin", false);
	check("in 5 sec", start + 5000, "Europe/Berlin", false);
	check("in 90 m", start + 90 * MINUTE_MS, "Europe/Berlin", false);
	check("in 1 minute", start + MINUTE_MS, "Europe/Berlin", false);
	check("in 3 h", start + 3 * HOUR_MS, "Europe/Berlin", false);
	check("in 3hr", start + 3 * HOUR_MS, "Europe/Berlin", false);
	check("in 1 hour", start + HOUR_MS, "Europe/Berlin", false);
	check("in  2  hours", start + 2 * HOUR_MS, "Europe/Berlin", false);
	check("in 1 d", start + DAY_MS, "Europe/Berlin", false);
	check("in 1 day", start + DAY_MS, "Europe/Berlin", false);
	check("in 999999 seconds", start + 999999 * SECOND_MS, "Europe/Berlin", false);
	check("in 20 minutes Asia/Tokyo", start + 20 * MINUTE_MS, "Asia/Tokyo", true);
}

static void
test_a_day_from_now_is_24_hours_whatever_the_clocks_do(void **state)
{
	(void)state;
	/* The clocks go back on the 25th. */
	check("in 30 days", utc(2026, 10, 31, 12, 0, 1), "Europe/Berlin", false);
}

static void
test_a_doubled_hour_takes_the_first_and_says_so(void **state)
{
	(void)state;
	struct when w = read_when("2026-10-25 02:30");
	assert_true(w.doubled);
	assert_true(w.at == utc(2026, 10, 25, 0, 30, 0));
	w = read_when("2026-10-25 02:30 Europe/Berlin");
	assert_true(w.doubled);
	check("2026-10-25 02:30+01:00", utc(2026, 10, 25, 1, 30, 0), "+01:00", true);
	check("2026-10-25 03:00", utc(2026, 10, 25, 2, 0, 0), "Europe/Berlin", false);
}

static void
test_a_skipped_hour_is_refused_with_the_time_to_write(void **state)
{
	(void)state;
	check_refused("2027-03-28 02:30",
	    "the clock in Europe/Berlin jumps over 02:30 on 2027-03-28; write 03:30");
	check_refused("2027-03-28T02:00:07",
	    "the clock in Europe/Berlin jumps over 02:00:07 on 2027-03-28; write 03:00:07");
	check_refused("2027-03-14 02:30 america/new_york",
	    "the clock in America/New_York jumps over 02:30 on 2027-03-14; write 03:30");
	check_refused_at("2011-12-30 12:00 Pacific/Apia", utc(2011, 1, 1, 0, 0, 0),
	    "the clock in Pacific/Apia jumps over 12:00 on 2011-12-30; write 2011-12-31 12:00");
	check("2027-03-28 03:00", utc(2027, 3, 28, 1, 0, 0), "Europe/Berlin", false);
}

static void
test_the_past_is_refused_with_the_time_it_is(void **state)
{
	(void)state;
	check_refused("2026-10-01 13:59",
	    "2026-10-01 13:59 is in the past: it is now Thu 2026-10-01 14:00 (Europe/Berlin, "
	    "+02:00)");
	check_refused("2026-10-01 12:00 UTC",
	    "2026-10-01 12:00 is in the past: it is now Thu 2026-10-01 12:00 (UTC)");
	check_refused("2026-10-01T08:00:00-04:00",
	    "2026-10-01 08:00 is in the past: it is now Thu 2026-10-01 08:00 (-04:00)");
	check_refused("1969-12-31 23:59",
	    "1969-12-31 23:59 is in the past: it is now Thu 2026-10-01 14:00 (Europe/Berlin, "
	    "+02:00)");
	check("2026-10-01 12:00:01 UTC", utc(2026, 10, 1, 12, 0, 1), "UTC", true);
}

static void
test_this_very_instant_is_past(void **state)
{
	const int64_t at = utc(2026, 10, 1, 12, 0, 0);
	struct zone z = zone("UTC");
	struct buf why = { .max = 0 };
	struct when w;

	(void)state;
	assert_int_equal(when_parse(&w, SPAN("2026-10-01 12:00"), at, &z, &why), RES_INVALID);
	assert_int_equal(when_parse(&w, SPAN("2026-10-01 12:00"), at - 1, &z, &why), RES_OK);
	assert_int_equal(when_parse(&w, SPAN("in 1 second"), at + 999, &z, &why), RES_OK);
	assert_true(w.at > at + 999);
	buf_free(&why);
}

static void
test_a_date_without_a_time_is_refused(void **state)
{
	(void)state;
	check_refused("2026-12-24", "a time is missing: write 2026-12-24 18:00");
	check_refused("2026-12-24T", "a time is missing: write 2026-12-24 18:00");
	check_refused("2026-12-24 Europe/Berlin", "a time is missing: write 2026-12-24 18:00");
	check_refused("2026-02-30", "there is no day 2026-02-30");
}

static void
test_no_such_date_or_time_is_refused(void **state)
{
	(void)state;
	check_refused("2027-02-29 12:00", "there is no day 2027-02-29");
	check_refused("2027-13-01 12:00", "there is no day 2027-13-01");
	check_refused("2027-00-10 12:00", "there is no day 2027-00-10");
	check_refused("2027-04-31T12:00:00Z", "there is no day 2027-04-31");
	check_refused("2027-04-30 24:00", "there is no time 24:00: the last of a day is 23:59:59");
	check_refused("2027-04-30 12:60", "there is no time 12:60: the last of a day is 23:59:59");
	check_refused(
	    "2027-06-30T23:59:60Z", "there is no time 23:59:60: the last of a day is 23:59:59");
	check_refused("2200-01-01 00:00", "this is too far away: the last year is 2199");
	check_refused("9999-12-31 23:59", "this is too far away: the last year is 2199");
	check_refused("in 999999 days", "this is too far away: the last year is 2199");
}

static void
test_an_unknown_zone_is_named(void **state)
{
	(void)state;
	check_refused("2026-12-24 18:00 Europe/Berln",
	    "the time zone Europe/Berln is not known: write for example Europe/Berlin, UTC or "
	    "+02:00");
	check_refused("in 5 minutes ../../etc/passwd",
	    "the time zone ../../etc/passwd is not known: write for example Europe/Berlin, UTC or "
	    "+02:00");
	check_refused("2026-12-24 18:00 +15:00",
	    "the time zone +15:00 is not known: write for example Europe/Berlin, UTC or +02:00");
}

static void
test_counts_and_units_are_checked(void **state)
{
	(void)state;
	check_refused("in 0 minutes", "count from 1 to 999999, as in 20 minutes");
	check_refused("in 1000000 seconds", "count from 1 to 999999, as in 20 minutes");
	check_refused(
	    "in 99999999999999999999999999 days", "count from 1 to 999999, as in 20 minutes");
	check_refused("in 20", "a unit is missing: write in 20 minutes, or seconds, hours, days");
	check_refused(
	    "in 20 fortnights", "a unit is missing: write in 20 minutes, or seconds, hours, days");
}

static void
test_nothing_and_too_much_are_refused(void **state)
{
	char text[WHEN_TEXT_MAX + 2];

	(void)state;
	check_refused("",
	    "a time is missing: write for example 2026-10-02 18:00, 2026-10-02 18:00 "
	    "Europe/Berlin, "
	    "2026-10-02T18:00:00Z or in 20 minutes");
	check_refused(" \n ",
	    "a time is missing: write for example 2026-10-02 18:00, 2026-10-02 18:00 "
	    "Europe/Berlin, "
	    "2026-10-02T18:00:00Z or in 20 minutes");
	memset(text, ' ', sizeof(text));
	text[WHEN_TEXT_MAX + 1] = '\0';
	memcpy(text, "in 5 min", 8);
	check_refused(text, "a time has at most 200 characters");
	text[WHEN_TEXT_MAX] = '\0';
	check(text, utc(2026, 10, 1, 12, 5, 1), "Europe/Berlin", false);
}

static void
test_garbage_is_refused_with_examples(void **state)
{
	static const char *const bad[] = { "x", "soon", "18:00 tomorrow", "03/04/2026",
		"2026/12/24 18:00", "26-12-24 18:00", "2026-12-24 18", "2026-12-24 18:0",
		"2026-12-24 8:00", "2026-12-24 18.00", "2026-12-24 18:00:", "2026-12-24 18:00:1",
		"2026-12-24 18:00:00.", "2026-12-24 18:00:00.Z", "2026-12-24x18:00",
		"2026-12-24,18:00", "2026-12-24 18:00x", "2026-12-24 18:00Zulu",
		"2026-12-24 18:00+1", "2026-12-24T18:00:00+24:00",
		"2026-12-24 18:00Z Europe/Berlin", "2026-12-24 18:00 Europe/Berlin UTC",
		"2026-12-24 18:00 \x01", "2026-12-24 18:00 \xff",
		"2026-12-24\302\24018:00",
		"-2026-12-24 18:00", "+2026-12-24 18:00", "12026-12-24 18:00", "in",
		"in five minutes", "in -5 minutes", "in5 minutes", "in 5.5 hours x y",
		"india 5 minutes", "2026-12-24 18:00\n<script>", "2026-12-24 1800" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf why = { .max = 0 };
		struct zone z = zone("UTC");
		struct when w;
		if (when_parse(&w, span_of(bad[i]), now(), &z, &why) != RES_INVALID)
			fail_msg("\"%s\" is accepted", bad[i]);
		if (strncmp(bad[i], "in 5.5", 6) != 0)
			assert_non_null(strstr(buf_str(&why),
			    "this time is not understood: write for example 2026-10-02 18:00,"));
		for (const char *p = buf_str(&why); *p != '\0'; p++)
			assert_true(*p >= ' ' && *p <= '~');
		buf_free(&why);
	}
}

static void
test_bytes_behind_the_text_are_not_read(void **state)
{
	struct zone z = zone("UTC");
	struct buf why = { .max = 0 };
	struct when w;

	(void)state;
	assert_int_equal(
	    when_parse(&w, (struct span){ "2026-12-24 18:007", 16 }, now(), &z, &why), RES_OK);
	assert_true(w.at == utc(2026, 12, 24, 18, 0, 0));
	assert_int_equal(
	    when_parse(&w, (struct span){ "in 5 min\0", 9 }, now(), &z, &why), RES_INVALID);
	assert_int_equal(when_parse(&w, (struct span){ NULL, 0 }, now(), &z, &why), RES_INVALID);
	buf_free(&why);
}

static void
check_print(enum res (*print)(struct buf *, int64_t, const struct zone *), int64_t at,
    const char *zone_name, const char *want)
{
	struct buf out = { .max = 0 };
	struct zone z = zone(zone_name);

	assert_int_equal(print(&out, at, &z), RES_OK);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void
test_instants_are_printed_for_people(void **state)
{
	(void)state;
	check_print(when_print, utc(2026, 12, 24, 17, 0, 0), "Europe/Berlin",
	    "Thu 2026-12-24 18:00 (Europe/Berlin, +01:00)");
	check_print(when_print, utc(2026, 7, 1, 0, 0, 9), "America/St_Johns",
	    "Tue 2026-06-30 21:30:09 (America/St_Johns, -02:30)");
	check_print(when_print, utc(2026, 12, 24, 17, 0, 0), "UTC", "Thu 2026-12-24 17:00 (UTC)");
	check_print(
	    when_print, utc(2026, 12, 24, 17, 0, 0), "+02:00", "Thu 2026-12-24 19:00 (+02:00)");
}

static void
test_instants_are_printed_for_programs(void **state)
{
	struct buf out = { .max = 0 };

	(void)state;
	assert_int_equal(when_print_utc(&out, utc(2026, 12, 24, 17, 0, 0) + 999), RES_OK);
	assert_string_equal(buf_str(&out), "2026-12-24T17:00:00Z");
	buf_reset(&out);
	assert_int_equal(when_print_utc(&out, -1), RES_OK);
	assert_string_equal(buf_str(&out), "1969-12-31T23:59:59Z");
	buf_reset(&out);
	assert_int_equal(when_print_utc(&out, INT64_MAX), RES_OK);
	buf_free(&out);
}

static void
test_exact_texts_name_the_zone_where_that_is_enough(void **state)
{
	(void)state;
	check_print(when_print_exact, utc(2026, 12, 24, 17, 0, 0), "Europe/Berlin",
	    "2026-12-24 18:00 Europe/Berlin");
	check_print(
	    when_print_exact, utc(2026, 12, 24, 17, 0, 5), "+05:30", "2026-12-24 22:30:05 +05:30");
	check_print(when_print_exact, utc(2026, 10, 25, 0, 30, 0), "Europe/Berlin",
	    "2026-10-25 02:30 Europe/Berlin");
	check_print(
	    when_print_exact, utc(2026, 10, 25, 1, 30, 0), "Europe/Berlin", "2026-10-25T01:30:00Z");
}

static void
test_exact_texts_are_read_back_whatever_the_zone(void **state)
{
	static const char *const names[] = { "Europe/Berlin", "America/New_York",
		"Australia/Lord_Howe", "Africa/Casablanca", "UTC", "-09:30" };
	struct zone other = zone("Asia/Tokyo");

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		struct zone z = zone(names[i]);
		for (int64_t t = utc(2026, 10, 2, 0, 0, 0); t < utc(2028, 1, 1, 0, 0, 0);
		     t += 31 * MINUTE_MS + 7001) {
			struct buf text = { .max = 0 }, why = { .max = 0 };
			struct when w;
			assert_int_equal(when_print_exact(&text, t, &z), RES_OK);
			assert_int_equal(
			    when_parse(&w, buf_as_span(&text), now(), &other, &why), RES_OK);
			assert_true(w.zone_given);
			assert_true(w.at == t - t % 1000);
			buf_free(&text);
		}
	}
}

static void
check_wait(int64_t wait_ms, const char *want)
{
	struct buf out = { .max = 0 };

	assert_int_equal(when_print_wait(&out, wait_ms), RES_OK);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void
test_a_wait_is_told_in_its_two_largest_units(void **state)
{
	(void)state;
	check_wait(3 * DAY_MS + 4 * HOUR_MS + 5 * MINUTE_MS, "3 days 4 hours");
	check_wait(90 * SECOND_MS, "1 minute 30 seconds");
	check_wait(0, "0 seconds");
	check_wait(999, "0 seconds");
	check_wait(SECOND_MS, "1 second");
	check_wait(59 * SECOND_MS, "59 seconds");
	check_wait(MINUTE_MS, "1 minute");
	check_wait(HOUR_MS - 1, "59 minutes 59 seconds");
	check_wait(DAY_MS + HOUR_MS, "1 day 1 hour");
	check_wait(3 * DAY_MS + 5 * MINUTE_MS, "3 days");
	check_wait(400 * DAY_MS, "400 days");
	check_wait(-5 * DAY_MS, "0 seconds");
	check_wait(INT64_MAX, "106751991167 days 7 hours");
}

static void
test_printing_without_room_fails(void **state)
{
	struct zone z = zone("Europe/Berlin");

	(void)state;
	for (size_t max = 1; max < 20; max++) {
		struct buf a = { .max = max }, b = { .max = max };
		assert_int_equal(when_print(&a, now(), &z), RES_NOMEM);
		assert_int_equal(when_print_exact(&b, now(), &z), RES_NOMEM);
		buf_free(&a);
		buf_free(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_date_and_time_is_read_in_the_zone_given),
		cmocka_unit_test(test_rfc_3339_is_read_and_its_fraction_is_cut),
		cmocka_unit_test(test_a_length_of_time_counts_from_now),
		cmocka_unit_test(test_a_day_from_now_is_24_hours_whatever_the_clocks_do),
		cmocka_unit_test(test_a_doubled_hour_takes_the_first_and_says_so),
		cmocka_unit_test(test_a_skipped_hour_is_refused_with_the_time_to_write),
		cmocka_unit_test(test_the_past_is_refused_with_the_time_it_is),
		cmocka_unit_test(test_this_very_instant_is_past),
		cmocka_unit_test(test_a_date_without_a_time_is_refused),
		cmocka_unit_test(test_no_such_date_or_time_is_refused),
		cmocka_unit_test(test_an_unknown_zone_is_named),
		cmocka_unit_test(test_counts_and_units_are_checked),
		cmocka_unit_test(test_nothing_and_too_much_are_refused),
		cmocka_unit_test(test_garbage_is_refused_with_examples),
		cmocka_unit_test(test_bytes_behind_the_text_are_not_read),
		cmocka_unit_test(test_instants_are_printed_for_people),
		cmocka_unit_test(test_instants_are_printed_for_programs),
		cmocka_unit_test(test_exact_texts_name_the_zone_where_that_is_enough),
		cmocka_unit_test(test_exact_texts_are_read_back_whatever_the_zone),
		cmocka_unit_test(test_a_wait_is_told_in_its_two_largest_units),
		cmocka_unit_test(test_printing_without_room_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
