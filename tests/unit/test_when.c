#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "when_text.h"

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
	struct zone berlin = zone_named("Europe/Berlin");
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
	struct zone berlin = zone_named("Europe/Berlin");
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
	    "the clock in Europe/Berlin jumps over 02:30 on 2027-03-28; write 2027-03-28 03:30");
	check_refused("2027-03-28T02:00:07",
	    "the clock in Europe/Berlin jumps over 02:00:07 on 2027-03-28; write 2027-03-28 "
	    "03:00:07");
	check_refused("2027-03-14 02:30 america/new_york",
	    "the clock in America/New_York jumps over 02:30 on 2027-03-14; write 2027-03-14 "
	    "03:30 America/New_York");
	check_refused_at("2011-12-30 12:00 Pacific/Apia", utc(2011, 1, 1, 0, 0, 0),
	    "the clock in Pacific/Apia jumps over 12:00 on 2011-12-30; write 2011-12-31 12:00 "
	    "Pacific/Apia");
	check("2027-03-28 03:00", utc(2027, 3, 28, 1, 0, 0), "Europe/Berlin", false);
}

static void
test_the_past_is_refused_with_the_time_it_is(void **state)
{
	(void)state;
	check_refused("2026-10-01 13:59",
	    "2026-10-01 13:59 is in the past: it is now Thu 2026-10-01 14:00 (Europe/Berlin, "
	    "+02:00); write for example 2026-10-02 13:59");
	check_refused("2026-10-01 12:00 UTC",
	    "2026-10-01 12:00 is in the past: it is now Thu 2026-10-01 12:00 (UTC); write "
	    "for example 2026-10-02 12:00 UTC");
	check_refused("2026-10-01T08:00:00-04:00",
	    "2026-10-01 08:00 is in the past: it is now Thu 2026-10-01 08:00 (-04:00); "
	    "write for example 2026-10-02 08:00 -04:00");
	check_refused("1969-12-31 23:59",
	    "1969-12-31 23:59 is in the past: it is now Thu 2026-10-01 14:00 (Europe/Berlin, "
	    "+02:00); write for example 2026-10-02 23:59");
	check("2026-10-01 12:00:01 UTC", utc(2026, 10, 1, 12, 0, 1), "UTC", true);
}

static void
test_this_very_instant_is_past(void **state)
{
	const int64_t at = utc(2026, 10, 1, 12, 0, 0);
	struct zone z = zone_named("UTC");
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
	check_refused("2026-12-24 Europe/Berlin",
	    "a time is missing: write 2026-12-24 18:00 Europe/Berlin");
	check_refused("2026-02-30",
	    "there is no day 2026-02-30: write for example 2026-10-02 18:00");
}

static void
test_no_such_date_or_time_is_refused(void **state)
{
	(void)state;
	check_refused("2027-02-29 12:00",
	    "there is no day 2027-02-29: write for example 2026-10-02 18:00");
	check_refused("2027-13-01 12:00",
	    "there is no day 2027-13-01, day and month may be exchanged: write 2027-01-13 12:00");
	check_refused("2027-00-10 12:00",
	    "there is no day 2027-00-10: write for example 2026-10-02 18:00");
	check_refused("2027-04-31T12:00:00Z",
	    "there is no day 2027-04-31: write for example 2026-10-02 18:00");
	check_refused("2027-04-30 24:00",
	    "there is no time 24:00, a day ends at 23:59:59: write for example 23:59, or 00:00 "
	    "of the next day");
	check_refused("2027-04-30 12:60",
	    "there is no time 12:60, a day ends at 23:59:59: write for example 23:59, or 00:00 "
	    "of the next day");
	check_refused("2027-06-30T23:59:60Z",
	    "there is no time 23:59:60, a day ends at 23:59:59: write for example 23:59, or "
	    "00:00 of the next day");
	check_refused("2200-01-01 00:00",
	    "this is too far away, the last year is 2199: write for example 2026-10-02 18:00");
	check_refused("9999-12-31 23:59",
	    "this is too far away, the last year is 2199: write for example 2026-10-02 18:00");
	check_refused("in 999999 days",
	    "this is too far away, the last year is 2199: write for example 2026-10-02 18:00");
}

static void
test_nothing_and_too_much_are_refused(void **state)
{
	char text[WHEN_TEXT_MAX + 2];

	(void)state;
	check_refused("",
	    "a time is missing: write for example 2026-10-02 18:00, tomorrow 9:00, fri 17:30, in "
	    "20 minutes or 2026-10-02 18:00 Europe/Berlin");
	memset(text, ' ', sizeof(text));
	text[WHEN_TEXT_MAX + 1] = '\0';
	memcpy(text, "in 5 min", 8);
	check_refused(text,
	    "a time has at most 200 characters: write for example in 20 minutes");
	text[WHEN_TEXT_MAX] = '\0';
	check(text, utc(2026, 10, 1, 12, 5, 1), "Europe/Berlin", false);
}

static void
test_bytes_behind_the_text_are_not_read(void **state)
{
	struct zone z = zone_named("UTC");
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

static struct when
read_at(const char *text, int64_t at)
{
	struct buf why = { .max = 0 };
	struct zone berlin = zone_named("Europe/Berlin");
	struct when w;

	if (when_parse(&w, span_of(text), at, &berlin, &why) != RES_OK)
		fail_msg("\"%s\" is refused: %s", text, buf_str(&why));
	buf_free(&why);
	return w;
}

static void
test_what_depends_on_the_moment_of_reading_says_so(void **state)
{
	static const char *const fixed[] = { "2026-12-24 18:00", "2026-12-24T18:00:00Z",
		"24.12.2026 18:00", "dec 24 2026 6 pm", "noon 2026-12-24 UTC" };
	static const char *const moving[] = { "18:00", "noon", "at 8", "today 18:00",
		"tonight 20:00", "tomorrow 9:00", "fri 17:30", "next friday 17:30",
		"24.12. 18:00", "24 dec 18:00", "in 20 minutes", "2h", "now", "18:00 UTC" };

	(void)state;
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		assert_false(read_when(fixed[i]).relative);
	for (size_t i = 0; i < sizeof(moving) / sizeof(moving[0]); i++)
		assert_true(read_when(moving[i]).relative);
}

static void
test_now_is_the_next_whole_second(void **state)
{
	const int64_t at = utc(2026, 10, 1, 12, 0, 0);

	(void)state;
	assert_true(read_at("now", at).at == at + 1000);
	assert_true(read_at("now", at + 1).at == at + 1000);
	assert_true(read_at("now", at + 999).at == at + 1000);
}

static void
test_every_doubled_reading_to_come_says_so(void **state)
{
	static const char *const texts[] = { "2026-10-25 02:30", "25.10.2026 2:30", "25 oct 2:30",
		"sun 25 oct 2026 2:30 am", "at 2 on 25.10.", "2026-10-25 02:30 (Europe/Berlin)" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct when w = read_when(texts[i]);
		assert_true(w.doubled);
		assert_true(w.at < utc(2026, 10, 25, 1, 0, 0));
	}
	assert_false(read_when("2026-10-25 02:30 (Europe/Berlin, +02:00)").doubled);
	assert_false(read_when("2026-10-25 02:30 (Europe/Berlin, +01:00)").doubled);
	assert_true(read_when("2026-10-25 02:30 (Europe/Berlin, +01:00)").at ==
	    utc(2026, 10, 25, 1, 30, 0));
	assert_string_equal(
	    read_when("2026-10-25 02:30 (Europe/Berlin, +01:00)").zone.name, "Europe/Berlin");
	assert_false(read_when("2026-10-25 03:00").doubled);
	assert_false(read_when("2026-10-25 01:59:59").doubled);
}

static void
test_the_second_pass_is_taken_without_a_date_and_named_with_one(void **state)
{
	/* The clock shows 02:10 for the second time. */
	const int64_t at = utc(2026, 10, 25, 1, 10, 0);
	struct when w = read_at("2:30", at);

	(void)state;
	assert_true(w.at == utc(2026, 10, 25, 1, 30, 0));
	assert_false(w.doubled);
	check_refused_at("2026-10-25 2:30", at,
	    "2026-10-25 02:30 is in the past: it is now Sun 2026-10-25 02:10 (Europe/Berlin, "
	    "+01:00); the clock shows that time once more: write 2026-10-25 02:30 +01:00");
	assert_true(read_at("2026-10-25 02:30 +01:00", at).at == utc(2026, 10, 25, 1, 30, 0));
}

static void
test_a_bounded_reason_never_breaks_the_answer(void **state)
{
	struct zone berlin = zone_named("Europe/Berlin");

	(void)state;
	for (size_t max = 1; max < 100; max++) {
		struct buf why = { .max = max };
		struct when w;
		assert_int_equal(
		    when_parse(&w, SPAN("03/04/2027"), now(), &berlin, &why), RES_INVALID);
		assert_true(why.len <= max);
		buf_free(&why);
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
		cmocka_unit_test(test_nothing_and_too_much_are_refused),
		cmocka_unit_test(test_bytes_behind_the_text_are_not_read),
		cmocka_unit_test(test_what_depends_on_the_moment_of_reading_says_so),
		cmocka_unit_test(test_now_is_the_next_whole_second),
		cmocka_unit_test(test_every_doubled_reading_to_come_says_so),
		cmocka_unit_test(test_the_second_pass_is_taken_without_a_date_and_named_with_one),
		cmocka_unit_test(test_a_bounded_reason_never_breaks_the_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
