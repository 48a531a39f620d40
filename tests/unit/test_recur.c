#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/parse.h"
#include "core/recur.h"

#define MIN_MS (15 * MINUTE_MS)

static struct zone
zone(const char *name)
{
	struct zone z;

	if (zone_find(&z, span_of(name)) != RES_OK)
		fail_msg("no zone %s", name);
	return z;
}

static struct civil
start_of(const char *text)
{
	struct civil c;

	if (recur_start_parse(&c, text) != RES_OK)
		fail_msg("no start %s", text);
	return c;
}

static int64_t
utc(const char *text)
{
	struct civil c = start_of(text);
	struct tm tm = { .tm_year = c.year - 1900, .tm_mon = c.month - 1, .tm_mday = c.day,
		.tm_hour = c.hour, .tm_min = c.minute, .tm_sec = c.second };

	return timegm(&tm) * SECOND_MS;
}

static struct recur
parse(const char *rule, const char *place, const char *start)
{
	struct buf why = { .max = 1000 };
	struct zone z = zone(place);
	struct civil c = start_of(start);
	struct recur r;

	if (recur_parse(&r, span_of(rule), &z, &c, MIN_MS, &why) != RES_OK)
		fail_msg("%s: %s", rule, buf_str(&why));
	assert_int_equal(why.len, 0);
	buf_free(&why);
	return r;
}

/* -- Starts and presets ------------------------------------------------------------------------ */

static void
test_a_start_is_printed_and_read_back(void **state)
{
	static const char *const bad[] = { "", "2026-11-23", "2026-11-23T09:00",
		"2026-11-23T09:00:00Z", "2026-11-23 09:00:00", "2026-02-30T09:00:00",
		"2026-11-23T24:00:00",
		"2026-11-23T09:60:00", "2026-11-23T09:00:60", "2026-13-01T09:00:00",
		"2026-00-01T09:00:00", "2026-01-00T09:00:00", "1969-12-31T09:00:00",
		"2200-01-01T00:00:00", "26-11-23T09:00:00", "2026-1-23T09:00:00",
		" 2026-11-23T09:00:00", "2026-11-23T09:00:00 ", "x", "2100-02-29T00:00:00" };
	static const char *const good[] = { "1970-01-01T00:00:00", "2199-12-31T23:59:59",
		"2028-02-29T09:05:07", "2026-11-23T09:00:00" };
	char text[RECUR_START_LEN + 1];
	struct civil c;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		c = start_of(good[i]);
		recur_start_print(text, &c);
		assert_string_equal(text, good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (recur_start_parse(&c, bad[i]) != RES_PERMFAIL)
			fail_msg("read: %s", bad[i]);
	c = (struct civil){ .year = INT32_MAX, .month = -1, .day = 99 };
	recur_start_print(text, &c);
	assert_string_equal(text, "");
}

static void
test_presets_are_rules_of_their_start(void **state)
{
	static const struct {
		const char *start, *word, *rule;
	} presets[] = {
		{ "2026-11-23T09:00:00", "no", "" },
		{ "2026-11-23T09:00:00", "daily", "FREQ=DAILY" },
		{ "2026-11-23T09:00:00", "WeekDays", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR" },
		{ "2026-11-23T09:00:00", "weekly", "FREQ=WEEKLY" },
		{ "2026-11-28T09:00:00", "monthly", "FREQ=MONTHLY" },
		{ "2026-11-29T09:00:00", "monthly", "FREQ=MONTHLY;BYMONTHDAY=28,29;BYSETPOS=-1" },
		{ "2026-11-30T09:00:00", "monthly",
		    "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1" },
		{ "2026-12-31T09:00:00", "monthly", "FREQ=MONTHLY;BYMONTHDAY=-1" },
		{ "2028-02-28T09:00:00", "yearly", "FREQ=YEARLY" },
		{ "2028-03-29T09:00:00", "yearly", "FREQ=YEARLY" },
		{ "2028-02-29T09:00:00", "yearly", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1" },
		{ "2028-02-29T09:00:00", "monthly", "FREQ=MONTHLY;BYMONTHDAY=28,29;BYSETPOS=-1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++) {
		struct civil c = start_of(presets[i].start);
		struct recur r;
		assert_int_equal(recur_preset(&r, span_of(presets[i].word), &c), RES_OK);
		assert_string_equal(r.rule, presets[i].rule);
		assert_int_equal(strcasecmp(recur_preset_of(&r, &c), presets[i].word), 0);
		/* A rule of the words is a rule, and already canonical. */
		if (r.rule[0] != '\0') {
			struct recur again = parse(r.rule, "UTC", presets[i].start);
			assert_string_equal(again.rule, r.rule);
		}
	}
}

static void
test_the_words_of_presets_are_listed_and_no_others_known(void **state)
{
	static const char *const words[] = { "no", "daily", "weekdays", "weekly", "monthly",
		"yearly" };
	static const char *const bad[] = { "", "never", "hourly", "dail", "dailyx", "FREQ=DAILY" };
	struct civil c = start_of("2026-11-23T09:00:00");
	struct recur r = { "FREQ=DAILY;COUNT=2" };
	const char *label = NULL;
	size_t n = 0;

	(void)state;
	for (; recur_preset_word(n, &label) != NULL; n++) {
		assert_string_equal(recur_preset_word(n, &label), words[n]);
		assert_true(strlen(label) > 0);
	}
	assert_int_equal(n, 6);
	assert_null(recur_preset_word(SIZE_MAX, &label));
	assert_null(recur_preset_of(&r, &c));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(recur_preset(&r, span_of(bad[i]), &c), RES_NOTFOUND);
}

/* -- Occurrences ------------------------------------------------------------------------------- */

struct series_case {
	const char *place, *start, *rule; /* or the word of a preset */
	const char *instants; /* the first, in UTC; "." ends a list that has all of them */
};

static struct recur
rule_of(const struct series_case *s)
{
	struct civil c = start_of(s->start);
	struct recur r;

	if (recur_preset(&r, span_of(s->rule), &c) != RES_OK)
		r = parse(s->rule, s->place, s->start);
	return r;
}

static void
check_series(const struct series_case *s)
{
	struct zone z = zone(s->place);
	struct civil c = start_of(s->start);
	struct recur r = rule_of(s);
	struct span rest = span_of(s->instants), word;
	int64_t after = INT64_MIN;

	while (take_item(&rest, &word)) {
		char text[RECUR_START_LEN + 1] = "";
		enum res res = recur_next(&r, &z, &c, MIN_MS, after, &after);
		if (span_eq(word, SPAN("."))) {
			if (res != RES_NOTFOUND)
				fail_msg("%s %s does not end", s->start, s->rule);
			return;
		}
		assert_true(word.len == 16);
		memcpy(text, word.p, 16);
		strcat(text, ":00");
		if (res != RES_OK || after != utc(text))
			fail_msg("%s %s %s: not %s but %lld", s->place, s->start, s->rule, text,
			    (long long)after / 1000);
	}
}

static void
test_presets_over_the_ends_of_months_and_leap_years(void **state)
{
	static const struct series_case cases[] = {
		{ "UTC", "2027-01-31T09:00:00", "monthly",
		    "2027-01-31T09:00 2027-02-28T09:00 2027-03-31T09:00 2027-04-30T09:00 "
		    "2027-05-31T09:00" },
		{ "UTC", "2027-12-30T09:00:00", "monthly",
		    "2027-12-30T09:00 2028-01-30T09:00 2028-02-29T09:00 2028-03-30T09:00" },
		{ "UTC", "2027-01-29T09:00:00", "monthly",
		    "2027-01-29T09:00 2027-02-28T09:00 2027-03-29T09:00" },
		{ "UTC", "2027-01-28T09:00:00", "monthly",
		    "2027-01-28T09:00 2027-02-28T09:00 2027-03-28T09:00" },
		{ "UTC", "2028-02-29T09:00:00", "yearly",
		    "2028-02-29T09:00 2029-02-28T09:00 2030-02-28T09:00 2031-02-28T09:00 "
		    "2032-02-29T09:00" },
		{ "UTC", "2096-02-29T09:00:00", "FREQ=YEARLY",
		    "2096-02-29T09:00 2104-02-29T09:00" },
		{ "UTC", "2027-11-20T09:00:00", "weekdays",
		    "2027-11-22T09:00 2027-11-23T09:00 2027-11-24T09:00 2027-11-25T09:00 "
		    "2027-11-26T09:00 2027-11-29T09:00" },
		{ "UTC", "2027-12-30T09:00:00", "weekly", "2027-12-30T09:00 2028-01-06T09:00" },
		{ "UTC", "2199-12-30T09:00:00", "daily", "2199-12-30T09:00 2199-12-31T09:00 ." },
		{ "UTC", "1970-01-01T00:00:00", "daily", "1970-01-01T00:00 1970-01-02T00:00" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_series(&cases[i]);
}

static void
test_a_skipped_reading_moves_by_the_gap_a_doubled_one_counts_once(void **state)
{
	static const struct series_case cases[] = {
		{ "Europe/Berlin", "2027-03-27T02:30:00", "daily",
		    "2027-03-27T01:30 2027-03-28T01:30 2027-03-29T00:30" },
		{ "Europe/Berlin", "2027-03-28T02:30:00", "daily",
		    "2027-03-28T01:30 2027-03-29T00:30" },
		{ "Europe/Berlin", "2027-10-30T02:30:00", "daily",
		    "2027-10-30T00:30 2027-10-31T00:30 2027-11-01T01:30" },
		{ "America/New_York", "2027-03-13T02:30:00", "daily",
		    "2027-03-13T07:30 2027-03-14T07:30 2027-03-15T06:30" },
		{ "America/New_York", "2027-11-06T01:30:00", "daily",
		    "2027-11-06T05:30 2027-11-07T05:30 2027-11-08T06:30" },
		/* Half an hour: 02:15 becomes 02:45. */
		{ "Australia/Lord_Howe", "2027-10-02T02:15:00", "daily",
		    "2027-10-01T15:45 2027-10-02T15:45 2027-10-03T15:15" },
		{ "Australia/Lord_Howe", "2027-04-03T01:45:00", "daily",
		    "2027-04-02T14:45 2027-04-03T14:45 2027-04-04T15:15" },
		/* The year around at +01, but for Ramadan. */
		{ "Africa/Casablanca", "2027-03-13T02:30:00", "daily",
		    "2027-03-13T02:30 2027-03-14T02:30 2027-03-15T01:30" },
		{ "Africa/Casablanca", "2027-02-06T02:30:00", "daily",
		    "2027-02-06T01:30 2027-02-07T01:30 2027-02-08T02:30" },
		/* What falls on one instant is one occurrence; a doubled hour counts once. */
		{ "Europe/Berlin", "2027-03-28T01:00:00", "FREQ=HOURLY",
		    "2027-03-28T00:00 2027-03-28T01:00 2027-03-28T02:00 2027-03-28T03:00" },
		{ "Europe/Berlin", "2027-03-28T01:30:00", "FREQ=MINUTELY;INTERVAL=30",
		    "2027-03-28T00:30 2027-03-28T01:00 2027-03-28T01:30 2027-03-28T02:00" },
		{ "Europe/Berlin", "2027-10-31T01:00:00", "FREQ=HOURLY",
		    "2027-10-30T23:00 2027-10-31T00:00 2027-10-31T02:00 2027-10-31T03:00" },
		/* 02:50 becomes 03:50, and 04:00 is too close to it. */
		{ "Europe/Berlin", "2027-03-28T00:00:00",
		    "FREQ=DAILY;BYHOUR=2,4;BYMINUTE=0,50;BYSETPOS=2,3",
		    "2027-03-28T01:50 2027-03-29T00:50 2027-03-29T02:00" },
		/* A day that a place has skipped altogether. */
		{ "Pacific/Apia", "2011-12-29T09:00:00", "daily",
		    "2011-12-29T19:00 2011-12-30T19:00 2011-12-31T19:00" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_series(&cases[i]);
}

static void
test_nine_stays_nine_over_every_change_of_the_clock(void **state)
{
	static const char *const places[] = { "Europe/Berlin", "America/New_York",
		"Australia/Lord_Howe", "Africa/Casablanca", "America/Sao_Paulo", "Asia/Tehran" };
	static int64_t at[7 * 366];
	const struct civil start = start_of("2024-01-01T09:00:00");
	const size_t days = 2557; /* up to 31 December 2030 */

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct zone z = zone(places[i]);
		struct recur r =
		    parse("FREQ=DAILY;UNTIL=20301231", places[i], "2024-01-01T09:00:00");
		assert_int_equal(recur_list(&r, &z, &start, MIN_MS, INT64_MIN, at,
				     sizeof(at) / sizeof(at[0])), days);
		for (size_t day = 0; day < days; day++) {
			struct tm tm = { .tm_year = 124, .tm_mday = 1 + (int)day, .tm_hour = 9 };
			int64_t reading = timegm(&tm);
			struct civil c;
			zone_civil(&z, at[day], &c);
			assert_int_equal(c.hour, 9);
			assert_int_equal(c.minute, 0);
			assert_int_equal(at[day] / SECOND_MS + c.offset_s, reading);
		}
	}
}

static void
test_ends_are_by_day_by_reading_or_by_instant(void **state)
{
	static const struct series_case cases[] = {
		/* The whole local day: 23:30 in New York is the next day in UTC. */
		{ "America/New_York", "2027-07-01T23:30:00", "FREQ=DAILY;UNTIL=20270702",
		    "2027-07-02T03:30 2027-07-03T03:30 ." },
		{ "America/New_York", "2027-07-01T23:30:00", "FREQ=DAILY;UNTIL=20270702T233000",
		    "2027-07-02T03:30 2027-07-03T03:30 ." },
		{ "America/New_York", "2027-07-01T23:30:00", "FREQ=DAILY;UNTIL=20270702T232959",
		    "2027-07-02T03:30 ." },
		{ "America/New_York", "2027-07-01T23:30:00", "FREQ=DAILY;UNTIL=20270703T033000Z",
		    "2027-07-02T03:30 2027-07-03T03:30 ." },
		{ "America/New_York", "2027-07-01T23:30:00", "FREQ=DAILY;UNTIL=20270703T032959Z",
		    "2027-07-02T03:30 ." },
		{ "Pacific/Kiritimati", "2027-07-01T00:30:00", "FREQ=DAILY;UNTIL=20270701T103000Z",
		    "2027-06-30T10:30 2027-07-01T10:30 ." },
		/* The moved reading is what is compared with an instant. */
		{ "Europe/Berlin", "2027-03-27T02:30:00", "FREQ=DAILY;UNTIL=20270328T012959Z",
		    "2027-03-27T01:30 ." },
		{ "Europe/Berlin", "2027-03-27T02:30:00", "FREQ=DAILY;UNTIL=20270328T013000Z",
		    "2027-03-27T01:30 2027-03-28T01:30 ." },
		{ "UTC", "2027-03-27T09:00:00", "FREQ=DAILY;UNTIL=20270327", "2027-03-27T09:00 ." },
		{ "UTC", "2027-03-27T09:00:00", "FREQ=DAILY;COUNT=1", "2027-03-27T09:00 ." },
		{ "UTC", "2027-03-27T09:00:00", "FREQ=DAILY;COUNT=2",
		    "2027-03-27T09:00 2027-03-28T09:00 ." },
		/* Only what the rule says is counted; the start is no Monday. */
		{ "UTC", "2027-03-27T09:00:00", "FREQ=WEEKLY;BYDAY=MO;COUNT=2",
		    "2027-03-29T09:00 2027-04-05T09:00 ." },
		{ "UTC", "2027-03-27T09:00:00", "FREQ=DAILY;BYHOUR=8,10,12;COUNT=4",
		    "2027-03-27T10:00 2027-03-27T12:00 2027-03-28T08:00 2027-03-28T10:00 ." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_series(&cases[i]);
}

static void
test_parts_that_meet_rarely_or_in_odd_places(void **state)
{
	static const struct series_case cases[] = {
		{ "UTC", "2027-01-01T09:00:00", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=SU",
		    "2032-02-29T09:00 2060-02-29T09:00 2088-02-29T09:00 2128-02-29T09:00" },
		/* Week 53 of 2026 goes into January; 2027 to 2031 have none. */
		{ "UTC", "2026-12-01T09:00:00", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO,FR",
		    "2026-12-28T09:00 2027-01-01T09:00 2032-12-27T09:00 2032-12-31T09:00" },
		{ "UTC", "2027-01-01T09:00:00", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=SU",
		    "2027-01-03T09:00 2033-01-02T09:00" },
		{ "UTC", "2026-12-01T09:00:00", "FREQ=YEARLY;BYWEEKNO=-1;BYDAY=SU",
		    "2027-01-03T09:00 2028-01-02T09:00 2028-12-31T09:00" },
		/* Week 1 of 2025 begins on 30 December 2024: every other year of weeks. */
		{ "UTC", "2023-01-02T09:00:00", "FREQ=YEARLY;INTERVAL=2;BYWEEKNO=1;BYDAY=MO",
		    "2023-01-02T09:00 2024-12-30T09:00 2027-01-04T09:00" },
		{ "UTC", "2026-12-02T09:00:00", "FREQ=YEARLY;BYWEEKNO=10", "2027-03-10T09:00" },
		{ "UTC", "2027-01-01T09:00:00", "FREQ=YEARLY;BYYEARDAY=366",
		    "2028-12-31T09:00 2032-12-31T09:00" },
		{ "UTC", "2027-01-01T09:00:00", "FREQ=YEARLY;BYYEARDAY=-366",
		    "2028-01-01T09:00 2032-01-01T09:00" },
		{ "UTC", "2027-01-01T09:00:00", "FREQ=YEARLY;BYDAY=-1SU,53FR",
		    "2027-12-26T09:00 2027-12-31T09:00 2028-12-31T09:00" },
		{ "UTC", "2027-01-01T09:00:00", "FREQ=MONTHLY;BYDAY=5TU",
		    "2027-03-30T09:00 2027-06-29T09:00 2027-08-31T09:00" },
		{ "UTC", "2027-01-01T09:00:00", "FREQ=MONTHLY;BYDAY=WE,-1FR;BYSETPOS=-1",
		    "2027-01-29T09:00 2027-02-26T09:00 2027-03-31T09:00" },
		{ "UTC", "2027-01-01T09:00:00", "FREQ=YEARLY;BYHOUR=6,18;BYMONTH=1,7;BYSETPOS=2,-1",
		    "2027-01-01T18:00 2027-07-01T18:00 2028-01-01T18:00" },
		/* One that two positions name counts once. */
		{ "UTC", "2027-01-01T09:00:00", "FREQ=MONTHLY;BYDAY=1MO;BYSETPOS=1,-1",
		    "2027-01-04T09:00 2027-02-01T09:00" },
		{ "UTC", "2027-01-01T09:00:00", "FREQ=MONTHLY;BYDAY=1MO;BYSETPOS=1,-1;COUNT=2",
		    "2027-01-04T09:00 2027-02-01T09:00 ." },
		/* Not every month has a fifth Monday from its end. */
		{ "UTC", "2027-02-01T09:00:00", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=-5,-1",
		    "2027-02-22T09:00 2027-03-01T09:00 2027-03-29T09:00 2027-04-26T09:00" },
		/* Every two hours from nine never is at an even hour. */
		{ "UTC", "2027-01-01T09:00:00", "FREQ=HOURLY;INTERVAL=2;BYHOUR=8,9,10,11",
		    "2027-01-01T09:00 2027-01-01T11:00 2027-01-02T09:00" },
		{ "UTC", "2027-01-01T09:00:00", "FREQ=HOURLY;INTERVAL=7;BYDAY=MO;BYHOUR=0,1",
		    "2027-01-04T00:00 2027-01-11T00:00" },
		{ "UTC", "2027-01-01T09:00:00", "FREQ=MINUTELY;INTERVAL=1441;BYHOUR=9",
		    "2027-01-01T09:00 2027-01-02T09:01 2027-01-03T09:02" },
		{ "UTC", "2027-01-01T09:00:00", "FREQ=HOURLY;BYMINUTE=5,25,45;BYSETPOS=-1",
		    "2027-01-01T09:45 2027-01-01T10:45" },
		{ "UTC", "2027-01-01T09:00:00", "FREQ=YEARLY;INTERVAL=172",
		    "2027-01-01T09:00 2199-01-01T09:00 ." },
		{ "UTC", "2027-01-01T09:00:00", "FREQ=DAILY;INTERVAL=999999",
		    "2027-01-01T09:00 ." },
		{ "UTC", "2027-01-06T09:00:00", "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,WE;WKST=SU",
		    "2027-01-06T09:00 2027-01-17T09:00 2027-01-20T09:00" },
		{ "UTC", "2027-01-06T09:00:00", "FREQ=WEEKLY;BYMONTH=2", "2027-02-03T09:00" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_series(&cases[i]);
}

static void
test_seconds_are_kept(void **state)
{
	struct zone z = zone("UTC");
	struct civil c = start_of("2027-01-01T09:00:07");
	struct recur r = parse("FREQ=HOURLY", "UTC", "2027-01-01T09:00:07");
	int64_t at;

	(void)state;
	assert_int_equal(recur_next(&r, &z, &c, MIN_MS, INT64_MIN, &at), RES_OK);
	assert_int_equal(at, utc("2027-01-01T09:00:07"));
	r = parse("FREQ=MINUTELY;BYMINUTE=30;BYSECOND=60", "UTC", "2027-01-01T09:00:07");
	assert_string_equal(r.rule, "FREQ=MINUTELY;BYMINUTE=30;BYSECOND=59");
	assert_int_equal(recur_next(&r, &z, &c, MIN_MS, INT64_MIN, &at), RES_OK);
	assert_int_equal(at, utc("2027-01-01T09:30:59"));
}

static void
test_next_is_after_and_last_is_up_to(void **state)
{
	struct zone z = zone("Europe/Berlin");
	struct civil c = start_of("2027-03-01T09:00:00");
	struct recur r = parse("FREQ=DAILY;COUNT=5", "Europe/Berlin", "2027-03-01T09:00:00");
	const int64_t first = utc("2027-03-01T08:00:00"), last = utc("2027-03-05T08:00:00");
	int64_t at = 7, many[8];

	(void)state;
	assert_int_equal(recur_next(&r, &z, &c, MIN_MS, first - 1, &at), RES_OK);
	assert_int_equal(at, first);
	assert_int_equal(recur_next(&r, &z, &c, MIN_MS, first, &at), RES_OK);
	assert_int_equal(at, first + DAY_MS);
	assert_int_equal(recur_next(&r, &z, &c, MIN_MS, last - 1, &at), RES_OK);
	assert_int_equal(at, last);
	assert_int_equal(recur_next(&r, &z, &c, MIN_MS, last, &at), RES_NOTFOUND);
	assert_int_equal(recur_next(&r, &z, &c, MIN_MS, INT64_MAX, &at), RES_NOTFOUND);
	assert_int_equal(recur_list(&r, &z, &c, MIN_MS, INT64_MIN, many, 8), 5);
	assert_int_equal(recur_list(&r, &z, &c, MIN_MS, first, many, 2), 2);
	assert_int_equal(recur_list(&r, &z, &c, MIN_MS, INT64_MIN, many, 0), 0);
	assert_int_equal(recur_last(&r, &z, &c, MIN_MS, INT64_MIN, INT64_MAX, &at), RES_OK);
	assert_int_equal(at, last);
	assert_int_equal(recur_last(&r, &z, &c, MIN_MS, first, last - 1, &at), RES_OK);
	assert_int_equal(at, last - DAY_MS);
	assert_int_equal(
	    recur_last(&r, &z, &c, MIN_MS, first, first + DAY_MS - 1, &at), RES_NOTFOUND);
	assert_int_equal(recur_last(&r, &z, &c, MIN_MS, last, INT64_MAX, &at), RES_NOTFOUND);
	assert_int_equal(recur_last(&r, &z, &c, MIN_MS, INT64_MIN, first - 1, &at), RES_NOTFOUND);
	assert_int_equal(recur_last(&r, &z, &c, MIN_MS, first, first, &at), RES_NOTFOUND);
	assert_int_equal(recur_last(&r, &z, &c, MIN_MS, last, first, &at), RES_NOTFOUND);
}

static void
test_an_occurrence_of_the_first_pass_lies_before_the_second(void **state)
{
	struct zone z = zone("Europe/Berlin");
	struct civil c = start_of("2027-10-01T02:50:00");
	struct recur r = parse("FREQ=DAILY", "Europe/Berlin", "2027-10-01T02:50:00");
	int64_t at;

	(void)state;
	/* 02:10 for the second time. */
	const int64_t second = utc("2027-10-31T01:10:00");
	assert_int_equal(recur_last(&r, &z, &c, MIN_MS, INT64_MIN, second, &at), RES_OK);
	assert_int_equal(at, utc("2027-10-31T00:50:00"));
	assert_int_equal(recur_next(&r, &z, &c, MIN_MS, second, &at), RES_OK);
	assert_int_equal(at, utc("2027-11-01T01:50:00"));
	/* 03:10 after the gap, when 02:50 is still to come, as 03:50. */
	c = start_of("2027-03-01T02:50:00");
	assert_int_equal(recur_next(&r, &z, &c, MIN_MS, utc("2027-03-28T01:10:00"), &at), RES_OK);
	assert_int_equal(at, utc("2027-03-28T01:50:00"));
}

static void
test_what_is_no_rule_has_no_occurrence(void **state)
{
	static const struct recur bad[] = { { "" }, { "x" }, { "FREQ=SECONDLY" },
		{ "FREQ=DAILY;COUNT=0" } };
	struct zone z = zone("UTC");
	struct civil c = start_of("2027-03-01T09:00:00"), no_date = { .year = 2027, .month = 13 };
	struct recur daily = { "FREQ=DAILY" };
	int64_t at;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(recur_next(&bad[i], &z, &c, MIN_MS, 0, &at), RES_NOTFOUND);
		assert_int_equal(recur_list(&bad[i], &z, &c, MIN_MS, 0, &at, 1), 0);
		assert_int_equal(
		    recur_last(&bad[i], &z, &c, MIN_MS, 0, INT64_MAX, &at), RES_NOTFOUND);
	}
	assert_int_equal(recur_next(&daily, &z, &no_date, MIN_MS, 0, &at), RES_NOTFOUND);
}

static void
test_a_higher_minimum_thins_an_old_rule(void **state)
{
	struct zone z = zone("UTC");
	struct civil c = start_of("2027-03-01T09:00:00");
	struct recur r = parse("FREQ=MINUTELY;INTERVAL=20", "UTC", "2027-03-01T09:00:00");
	int64_t at[2000], one = INT64_MIN;

	(void)state;
	const size_t n = recur_list(&r, &z, &c, HOUR_MS, INT64_MIN, at, 2000);
	assert_int_equal(n, 2000);
	assert_int_equal(at[0], utc("2027-03-01T09:00:00"));
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(recur_next(&r, &z, &c, HOUR_MS, one, &one), RES_OK);
		assert_int_equal(one, at[i]);
		if (i > 0)
			assert_in_range(at[i] - at[i - 1], HOUR_MS, 2 * HOUR_MS);
	}
	/* Whatever instant is asked about: the same ones are left out. */
	for (int64_t after = at[0]; after < at[200]; after += 7 * MINUTE_MS) {
		size_t i = 0;
		while (at[i] <= after)
			i++;
		assert_int_equal(recur_next(&r, &z, &c, HOUR_MS, after, &one), RES_OK);
		assert_int_equal(one, at[i]);
		assert_int_equal(recur_last(&r, &z, &c, HOUR_MS, INT64_MIN, after, &one), RES_OK);
		assert_int_equal(one, at[i - 1]);
	}
}

/* -- The words of an occurrence ---------------------------------------------------------------- */

static void
test_date_and_time_stand_in_place_of_their_words(void **state)
{
	static const struct {
		const char *text, *filled24, *filled12;
	} cases[] = {
		{ "", "", "" },
		{ "Good morning", "Good morning", "Good morning" },
		{ "{date}", "2026-11-23", "2026-11-23" },
		{ "{time}", "21:05", "9:05 pm" },
		{ "It is {time} on {date}.", "It is 21:05 on 2026-11-23.",
		    "It is 9:05 pm on 2026-11-23." },
		{ "{date}{time}{date}", "2026-11-2321:052026-11-23",
		    "2026-11-239:05 pm2026-11-23" },
		{ "{{date}}", "{2026-11-23}", "{2026-11-23}" },
		{ "{Date} {TIME} {dat} { date} {date", "{Date} {TIME} {dat} { date} {date",
		    "{Date} {TIME} {dat} { date} {date" },
		{ "}{", "}{", "}{" },
		{ "{}{name} %s {tim", "{}{name} %s {tim", "{}{name} %s {tim" },
		{ "\xe2\x82\xac {date}\xf0\x9f\x98\x80\n",
		    "\xe2\x82\xac 2026-11-23\xf0\x9f\x98\x80\n",
		    "\xe2\x82\xac 2026-11-23\xf0\x9f\x98\x80\n" },
	};
	struct zone z = zone("Europe/Berlin");
	const int64_t at = utc("2026-11-23T20:05:00");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int h = HOURS_24; h < HOURS_END; h++) {
			struct buf out = { .max = 200 };
			assert_int_equal(buf_text(&out, ">"), RES_OK);
			assert_int_equal(recur_fill(&out, span_of(cases[i].text), at, &z,
					     (enum hours)h),
			    RES_OK);
			assert_string_equal(buf_str(&out) + 1,
			    h == HOURS_24 ? cases[i].filled24 : cases[i].filled12);
			buf_free(&out);
		}
}

static void
test_a_text_that_does_not_fit_is_not_half_filled(void **state)
{
	struct zone z = zone("UTC");
	struct buf out = { .max = 14 };

	(void)state;
	assert_int_equal(buf_text(&out, "old "), RES_OK);
	assert_int_equal(recur_fill(&out, SPAN("{date}x"), 0, &z, HOURS_24), RES_NOMEM);
	assert_string_equal(buf_str(&out), "old ");
	buf_reset(&out);
	assert_int_equal(buf_text(&out, "old "), RES_OK);
	assert_int_equal(recur_fill(&out, SPAN("{date}"), 0, &z, HOURS_24), RES_OK);
	assert_string_equal(buf_str(&out), "old 1970-01-01");
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_start_is_printed_and_read_back),
		cmocka_unit_test(test_presets_are_rules_of_their_start),
		cmocka_unit_test(test_the_words_of_presets_are_listed_and_no_others_known),
		cmocka_unit_test(test_presets_over_the_ends_of_months_and_leap_years),
		cmocka_unit_test(test_a_skipped_reading_moves_by_the_gap_a_doubled_one_counts_once),
		cmocka_unit_test(test_nine_stays_nine_over_every_change_of_the_clock),
		cmocka_unit_test(test_ends_are_by_day_by_reading_or_by_instant),
		cmocka_unit_test(test_parts_that_meet_rarely_or_in_odd_places),
		cmocka_unit_test(test_seconds_are_kept),
		cmocka_unit_test(test_next_is_after_and_last_is_up_to),
		cmocka_unit_test(test_an_occurrence_of_the_first_pass_lies_before_the_second),
		cmocka_unit_test(test_what_is_no_rule_has_no_occurrence),
		cmocka_unit_test(test_a_higher_minimum_thins_an_old_rule),
		cmocka_unit_test(test_date_and_time_stand_in_place_of_their_words),
		cmocka_unit_test(test_a_text_that_does_not_fit_is_not_half_filled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
