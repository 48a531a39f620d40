#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "when_text.h"

#define ZONEINFO "/usr/share/zoneinfo"

/* Thursday 1 October 2026, 14:00:00.250 in Berlin. */
static int64_t
now(void)
{
	return utc(2026, 10, 1, 12, 0, 0) + 250;
}

static void
check_people(int64_t at, const char *zone_name, const char *want24, const char *want12)
{
	struct buf out = { .max = 0 };
	struct zone z = zone_named(zone_name);

	assert_int_equal(when_print(&out, at, &z, HOURS_24), RES_OK);
	assert_string_equal(buf_str(&out), want24);
	buf_reset(&out);
	assert_int_equal(when_print(&out, at, &z, HOURS_12), RES_OK);
	assert_string_equal(buf_str(&out), want12);
	buf_free(&out);
}

static void
test_instants_are_printed_for_people(void **state)
{
	(void)state;
	check_people(utc(2026, 12, 24, 17, 0, 0), "Europe/Berlin",
	    "Thu 2026-12-24 18:00 (Europe/Berlin, +01:00)",
	    "Thu 2026-12-24 6:00 pm (Europe/Berlin, +01:00)");
	check_people(utc(2026, 7, 1, 0, 0, 9), "America/St_Johns",
	    "Tue 2026-06-30 21:30:09 (America/St_Johns, -02:30)",
	    "Tue 2026-06-30 9:30:09 pm (America/St_Johns, -02:30)");
	check_people(utc(2026, 12, 24, 17, 0, 0), "UTC", "Thu 2026-12-24 17:00 (UTC)",
	    "Thu 2026-12-24 5:00 pm (UTC)");
	check_people(utc(2026, 12, 24, 17, 0, 0), "+02:00", "Thu 2026-12-24 19:00 (+02:00)",
	    "Thu 2026-12-24 7:00 pm (+02:00)");
	check_people(utc(2026, 10, 25, 1, 30, 0), "Europe/Berlin",
	    "Sun 2026-10-25 02:30 (Europe/Berlin, +01:00)",
	    "Sun 2026-10-25 2:30 am (Europe/Berlin, +01:00)");
}

static void
check_time(int hour, int minute, int second, const char *want24, const char *want12)
{
	const int64_t at = utc(2026, 12, 24, hour, minute, second) + 999;
	struct buf out = { .max = 0 };
	struct zone z = zone_named("UTC");

	assert_int_equal(when_print_time(&out, at, &z, HOURS_24), RES_OK);
	assert_string_equal(buf_str(&out), want24);
	buf_reset(&out);
	assert_int_equal(when_print_time(&out, at, &z, HOURS_12), RES_OK);
	assert_string_equal(buf_str(&out), want12);
	buf_free(&out);
}

static void
test_the_twelve_hour_clock_begins_at_twelve(void **state)
{
	(void)state;
	check_time(0, 0, 0, "00:00", "12:00 am");
	check_time(0, 59, 59, "00:59:59", "12:59:59 am");
	check_time(1, 0, 0, "01:00", "1:00 am");
	check_time(11, 59, 0, "11:59", "11:59 am");
	check_time(12, 0, 0, "12:00", "12:00 pm");
	check_time(12, 0, 1, "12:00:01", "12:00:01 pm");
	check_time(13, 5, 0, "13:05", "1:05 pm");
	check_time(23, 59, 59, "23:59:59", "11:59:59 pm");
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
check_exact(int64_t at, const char *zone_name, const char *want)
{
	struct buf out = { .max = 0 };
	struct zone z = zone_named(zone_name);

	assert_int_equal(when_print_exact(&out, at, &z), RES_OK);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void
test_exact_texts_name_the_zone_where_that_is_enough(void **state)
{
	(void)state;
	check_exact(
	    utc(2026, 12, 24, 17, 0, 0), "Europe/Berlin", "2026-12-24 18:00 Europe/Berlin");
	check_exact(utc(2026, 12, 24, 17, 0, 5), "+05:30", "2026-12-24 22:30:05 +05:30");
	check_exact(utc(2026, 10, 25, 0, 30, 0), "Europe/Berlin", "2026-10-25 02:30 Europe/Berlin");
	check_exact(utc(2026, 10, 25, 1, 30, 0), "Europe/Berlin", "2026-10-25T01:30:00Z");
}

/* -- What is printed is read back -------------------------------------------------------------- */

static void
check_read(const struct buf *text, int64_t at, const struct zone *reader)
{
	struct buf why = { .max = 0 };
	struct when w;

	if (when_parse(&w, buf_as_span(text), now(), reader, &why) != RES_OK)
		fail_msg("\"%s\" is refused: %s", buf_str(text), buf_str(&why));
	if (w.at != at - at % SECOND_MS)
		fail_msg("\"%s\" is read %lld ms beside", buf_str(text), (long long)(w.at - at));
	assert_true(w.zone_given);
	assert_false(w.relative);
	buf_free(&why);
}

static void
check_round(int64_t at, const struct zone *z)
{
	struct zone reader = zone_named("Asia/Tokyo");
	struct buf text = { .max = 0 };

	for (int hours = HOURS_24; hours < HOURS_END; hours++) {
		assert_int_equal(when_print(&text, at, z, (enum hours)hours), RES_OK);
		check_read(&text, at, &reader);
		buf_reset(&text);
	}
	assert_int_equal(when_print_exact(&text, at, z), RES_OK);
	check_read(&text, at, &reader);
	buf_reset(&text);
	assert_int_equal(when_print_utc(&text, at), RES_OK);
	check_read(&text, at, z);
	buf_free(&text);
}

static int32_t
offset_at(const struct zone *z, int64_t at)
{
	struct civil c;

	zone_civil(z, at, &c);
	return c.offset_s;
}

/* Both sides of a change of the clock between the two, and both passes through what is doubled. */
static void
check_change(const struct zone *z, int64_t from, int64_t to)
{
	static const int minutes[] = { -121, -90, -61, -60, -59, -30, -15, -1, 0, 1, 15, 29, 30, 45,
		59, 60, 90, 121 };
	const int32_t before = offset_at(z, from);

	while (to - from > SECOND_MS) {
		int64_t middle = from + (to - from) / 2;
		middle -= middle % SECOND_MS;
		if (offset_at(z, middle) == before)
			from = middle;
		else
			to = middle;
	}
	for (size_t i = 0; i < sizeof(minutes) / sizeof(minutes[0]); i++)
		check_round(to + minutes[i] * MINUTE_MS, z);
	check_round(to - SECOND_MS, z);
}

static size_t
check_zone(const struct zone *z)
{
	const int64_t end = utc(2028, 1, 1, 0, 0, 0);
	size_t changes = 0;

	for (int64_t t = utc(2026, 10, 2, 0, 0, 0); t < end; t += 7 * DAY_MS)
		if (offset_at(z, t) != offset_at(z, t + 7 * DAY_MS)) {
			check_change(z, t, t + 7 * DAY_MS);
			changes++;
		}
	for (int64_t t = utc(2026, 10, 2, 0, 0, 0); t < end; t += 67 * DAY_MS + 5 * HOUR_MS + 1007)
		check_round(t, z);
	return changes;
}

/* The names of zones and links in the list that tzdata installs. */
static bool
next_name(FILE *list, char *name, size_t size)
{
	char line[512], path[600], one[256], two[256];

	while (fgets(line, sizeof(line), list) != NULL) {
		if (sscanf(line, "Z %255s", one) == 1)
			snprintf(name, size, "%s", one);
		else if (sscanf(line, "L %255s %255s", two, one) == 2)
			snprintf(name, size, "%s", one);
		else
			continue;
		/* Old names may be packed apart. */
		snprintf(path, sizeof(path), ZONEINFO "/%s", name);
		if (access(path, R_OK) == 0 && strcmp(name, "Factory") != 0)
			return true;
	}
	return false;
}

static void
test_what_is_printed_is_read_back_in_every_zone(void **state)
{
	FILE *list = fopen(ZONEINFO "/tzdata.zi", "r");
	size_t zones = 0, changes = 0;
	char name[256];

	(void)state;
	assert_non_null(list);
	while (next_name(list, name, sizeof(name))) {
		struct zone z = zone_named(name);
		changes += check_zone(&z);
		zones++;
	}
	fclose(list);
	print_message("%zu zones, %zu changes of a clock\n", zones, changes);
	assert_true(zones >= 300 && changes >= 300);
}

static void
test_what_is_printed_is_read_back_at_every_offset(void **state)
{
	(void)state;
	for (int minutes = -14 * 60; minutes <= 14 * 60; minutes += 15) {
		int size = minutes < 0 ? -minutes : minutes;
		char name[16];
		snprintf(name, sizeof(name), "%c%02d:%02d", minutes < 0 ? '-' : '+', size / 60,
		    size % 60);
		struct zone z = zone_named(name);
		check_round(utc(2026, 12, 31, 23, 59, 59) + 999, &z);
		check_round(utc(2028, 2, 29, 12, 0, 0), &z);
	}
}

static void
test_every_minute_of_a_day_is_read_back(void **state)
{
	struct zone z = zone_named("America/New_York");

	(void)state;
	for (int64_t t = utc(2026, 11, 1, 0, 0, 0); t < utc(2026, 11, 2, 0, 0, 0); t += MINUTE_MS)
		check_round(t, &z);
}

/* -- Lengths of time --------------------------------------------------------------------------- */

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
	struct zone z = zone_named("Europe/Berlin");

	(void)state;
	for (size_t max = 1; max < 20; max++) {
		struct buf a = { .max = max }, b = { .max = max };
		assert_int_equal(when_print(&a, now(), &z, HOURS_12), RES_NOMEM);
		assert_int_equal(when_print_exact(&b, now(), &z), RES_NOMEM);
		buf_free(&a);
		buf_free(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_instants_are_printed_for_people),
		cmocka_unit_test(test_the_twelve_hour_clock_begins_at_twelve),
		cmocka_unit_test(test_instants_are_printed_for_programs),
		cmocka_unit_test(test_exact_texts_name_the_zone_where_that_is_enough),
		cmocka_unit_test(test_what_is_printed_is_read_back_in_every_zone),
		cmocka_unit_test(test_what_is_printed_is_read_back_at_every_offset),
		cmocka_unit_test(test_every_minute_of_a_day_is_read_back),
		cmocka_unit_test(test_a_wait_is_told_in_its_two_largest_units),
		cmocka_unit_test(test_printing_without_room_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
