/* Rules as people paste them: what is read, and what is refused and why. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/parse.h"
#include "core/recur.h"

#define MIN_MS (15 * MINUTE_MS)

/* A Friday. */
static const struct civil start = { .year = 2027, .month = 1, .day = 1, .hour = 9 };

static struct zone
zone(const char *name)
{
	struct zone z;

	if (zone_find(&z, span_of(name)) != RES_OK)
		fail_msg("no zone %s", name);
	return z;
}

static enum res
parse(struct recur *out, const char *text, struct buf *why)
{
	struct zone z = zone("Europe/Berlin");

	buf_reset(why);
	return recur_parse(out, span_of(text), &z, &start, MIN_MS, why);
}

static void
test_rules_are_read_in_any_form_and_kept_in_one(void **state)
{
	static const char *const rules[][2] = {
		{ "FREQ=DAILY", "FREQ=DAILY" },
		{ " rrule:freq=daily\r\n", "FREQ=DAILY" },
		{ "RRULE: FREQ=DAILY", "FREQ=DAILY" },
		{ "count=005;Freq=Daily", "FREQ=DAILY;COUNT=5" },
		{ "FREQ=DAILY;INTERVAL=1", "FREQ=DAILY" },
		{ "FREQ=DAILY;INTERVAL=999999", "FREQ=DAILY;INTERVAL=999999" },
		{ "FREQ=DAILY;COUNT=1000", "FREQ=DAILY;COUNT=1000" },
		{ "FREQ=DAILY;WKST=MO", "FREQ=DAILY" },
		{ "WKST=su;FREQ=WEEKLY", "FREQ=WEEKLY;WKST=SU" },
		{ "FREQ=DAILY;UNTIL=20281224", "FREQ=DAILY;UNTIL=20281224" },
		{ "FREQ=DAILY;UNTIL=20281224t180000", "FREQ=DAILY;UNTIL=20281224T180000" },
		{ "FREQ=DAILY;UNTIL=20281224T180000z", "FREQ=DAILY;UNTIL=20281224T180000Z" },
		{ "FREQ=WEEKLY;BYDAY=FR,MO,mo,SU", "FREQ=WEEKLY;BYDAY=MO,FR,SU" },
		{ "FREQ=MONTHLY;BYDAY=-1FR,+1MO,FR,1FR,02FR",
		    "FREQ=MONTHLY;BYDAY=1MO,FR,1FR,2FR,-1FR" },
		{ "FREQ=MONTHLY;BYMONTHDAY=-1,31,+2,02,-31",
		    "FREQ=MONTHLY;BYMONTHDAY=2,31,-31,-1" },
		{ "FREQ=YEARLY;BYMONTH=12,1,07", "FREQ=YEARLY;BYMONTH=1,7,12" },
		{ "FREQ=YEARLY;BYWEEKNO=53,-53,1", "FREQ=YEARLY;BYWEEKNO=1,53,-53" },
		{ "FREQ=YEARLY;BYYEARDAY=366,-366,1,100",
		    "FREQ=YEARLY;BYYEARDAY=1,100,366,-366" },
		{ "FREQ=DAILY;BYSECOND=0;BYMINUTE=40,0;BYHOUR=23,0",
		    "FREQ=DAILY;BYHOUR=0,23;BYMINUTE=0,40;BYSECOND=0" },
		{ "FREQ=DAILY;BYSECOND=60", "FREQ=DAILY;BYSECOND=59" },
		{ "FREQ=MONTHLY;BYSETPOS=-1,1;BYDAY=MO,TU",
		    "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1,-1" },
		{ "FREQ=YEARLY;BYDAY=53FR,-53FR", "FREQ=YEARLY;BYDAY=53FR,-53FR" },
		{ "FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR;INTERVAL=2;BYMONTH=2,3;BYHOUR=9;COUNT=3",
		    "FREQ=MONTHLY;INTERVAL=2;COUNT=3;BYMONTH=2,3;BYMONTHDAY=13;BYDAY=FR;BYHOUR=9" },
		{ "FREQ=HOURLY;BYYEARDAY=1,-1;BYMONTHDAY=1,31;BYHOUR=9",
		    "FREQ=HOURLY;BYYEARDAY=1,-1;BYMONTHDAY=1,31;BYHOUR=9" },
		{ "FREQ=MINUTELY;INTERVAL=15", "FREQ=MINUTELY;INTERVAL=15" },
	};
	struct buf why = { .max = 1000 };

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct recur r, again;
		if (parse(&r, rules[i][0], &why) != RES_OK)
			fail_msg("%s: %s", rules[i][0], buf_str(&why));
		assert_int_equal(why.len, 0);
		assert_string_equal(r.rule, rules[i][1]);
		assert_int_equal(parse(&again, r.rule, &why), RES_OK);
		assert_string_equal(again.rule, r.rule);
	}
	buf_free(&why);
}

static const struct {
	const char *text, *words; /* that the reason has */
} refused[] = {
	{ "", "missing" },
	{ "   ", "missing" },
	{ "RRULE:", "missing" },
	{ "daily", "none of a recurrence rule" },
	{ "every monday", "FREQ=WEEKLY;BYDAY=MO,FR" },
	{ "COUNT=5", "FREQ is missing" },
	{ "FREQ", "a value is missing" },
	{ "FREQ=", "a value is missing" },
	{ "FREQ=FORTNIGHTLY", "FREQ \"FORTNIGHTLY\": write DAILY" },
	{ "FREQ=DAILYX", "write DAILY" },
	{ "FREQ=SECONDLY", "every second" },
	{ "FREQ=SECONDLY;INTERVAL=3600", "every second" },
	{ "FREQ=DAILY;", "none of a recurrence rule" },
	{ ";FREQ=DAILY", "none of a recurrence rule" },
	{ "FREQ=DAILY;;COUNT=5", "none of a recurrence rule" },
	{ "FREQ=DAILY; COUNT=5", "none of a recurrence rule" },
	{ "FREQ=DAILY;FREQ=DAILY", "stands twice" },
	{ "FREQ=DAILY;COUNT=5;count=5", "COUNT \"5\": this part stands twice" },
	{ "FREQ=DAILY;X-NAME=1", "X-NAME=1" },
	{ "FREQ=DAILY;BYEASTER=0", "BYEASTER" },
	{ "FREQ=DAILY\nDTSTART:20270101T090000", "write DAILY" },
	{ "FREQ=DAILY,WEEKLY", "write DAILY" },
	{ "FREQ==DAILY", "write DAILY" },
	{ "RSCALE=GREGORIAN;FREQ=DAILY", "RFC 7529" },
	{ "FREQ=MONTHLY;SKIP=FORWARD;BYMONTHDAY=31", "RFC 7529" },
	{ "FREQ=DAILY;INTERVAL=0", "from 1 to 999999" },
	{ "FREQ=DAILY;INTERVAL=-1", "from 1 to 999999" },
	{ "FREQ=DAILY;INTERVAL=1000000", "from 1 to 999999" },
	{ "FREQ=DAILY;INTERVAL=1.5", "from 1 to 999999" },
	{ "FREQ=DAILY;COUNT=0", "from 1 to 1000" },
	{ "FREQ=DAILY;COUNT=1001", "from 1 to 1000" },
	{ "FREQ=DAILY;COUNT=99999999999999999999", "from 1 to 1000" },
	{ "FREQ=DAILY;COUNT=5;UNTIL=20281224", "COUNT and UNTIL" },
	{ "FREQ=DAILY;UNTIL=2028-12-24", "20261224" },
	{ "FREQ=DAILY;UNTIL=20281224T18", "20261224" },
	{ "FREQ=DAILY;UNTIL=20281224T180000+0100", "20261224" },
	{ "FREQ=DAILY;UNTIL=20281224Z", "20261224" },
	{ "FREQ=DAILY;UNTIL=20280230", "no such day" },
	{ "FREQ=DAILY;UNTIL=20281224T240000", "no such day or time" },
	{ "FREQ=DAILY;UNTIL=99991224", "1970 to 2199" },
	{ "FREQ=DAILY;UNTIL=20261231", "write a later UNTIL" },
	{ "FREQ=DAILY;UNTIL=20270101T075959Z", "write a later UNTIL" },
	{ "FREQ=DAILY;UNTIL=20270101T085959", "write a later UNTIL" },
	{ "FREQ=YEARLY;BYMONTH=0", "from 1 to 12" },
	{ "FREQ=YEARLY;BYMONTH=13", "from 1 to 12" },
	{ "FREQ=YEARLY;BYMONTH=-1", "from 1 to 12" },
	{ "FREQ=YEARLY;BYMONTH=5L", "from 1 to 12" },
	{ "FREQ=YEARLY;BYMONTH=1,", "from 1 to 12" },
	{ "FREQ=YEARLY;BYMONTH=,1", "from 1 to 12" },
	{ "FREQ=YEARLY;BYMONTH=1,,2", "from 1 to 12" },
	{ "FREQ=YEARLY;BYMONTH=1 2", "from 1 to 12" },
	{ "FREQ=YEARLY;BYMONTH=1;BYMONTH=2", "stands twice" },
	{ "FREQ=YEARLY;BYMONTH", "a value is missing" },
	{ "FREQ=YEARLY;BYWEEKNO=0", "from 1 to 53, or from -1 to -53" },
	{ "FREQ=YEARLY;BYWEEKNO=54", "from 1 to 53" },
	{ "FREQ=YEARLY;BYWEEKNO=-54", "from 1 to 53" },
	{ "FREQ=YEARLY;BYYEARDAY=0", "from 1 to 366" },
	{ "FREQ=YEARLY;BYYEARDAY=367", "from 1 to 366" },
	{ "FREQ=YEARLY;BYYEARDAY=-367", "from 1 to 366" },
	{ "FREQ=MONTHLY;BYMONTHDAY=0", "from 1 to 31, or from -1 to -31" },
	{ "FREQ=MONTHLY;BYMONTHDAY=32", "from 1 to 31" },
	{ "FREQ=MONTHLY;BYMONTHDAY=-32", "from 1 to 31" },
	{ "FREQ=MONTHLY;BYMONTHDAY=+-1", "from 1 to 31" },
	{ "FREQ=MONTHLY;BYMONTHDAY=0001", "from 1 to 31" },
	{ "FREQ=WEEKLY;BYDAY=", "a value is missing" },
	{ "FREQ=WEEKLY;BYDAY=MON", "write SU, MO, TU" },
	{ "FREQ=WEEKLY;BYDAY=XX", "BYDAY \"XX\"" },
	{ "FREQ=WEEKLY;BYDAY=MO-FR", "write SU, MO, TU" },
	{ "FREQ=MONTHLY;BYDAY=0MO", "write SU, MO, TU" },
	{ "FREQ=MONTHLY;BYDAY=54MO", "write SU, MO, TU" },
	{ "FREQ=MONTHLY;BYDAY=-MO", "write SU, MO, TU" },
	{ "FREQ=MONTHLY;BYDAY=MO1", "write SU, MO, TU" },
	{ "FREQ=DAILY;BYHOUR=24", "from 0 to 23" },
	{ "FREQ=DAILY;BYHOUR=-1", "from 0 to 23" },
	{ "FREQ=DAILY;BYMINUTE=60", "from 0 to 59" },
	{ "FREQ=DAILY;BYSECOND=61", "from 0 to 60" },
	{ "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0", "from 1 to 366" },
	{ "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=367", "from 1 to 366" },
	{ "FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS chooses" },
	{ "FREQ=DAILY;WKST=1", "WKST \"1\"" },
	{ "FREQ=DAILY;WKST=MO,TU", "write SU" },
	{ "FREQ=WEEKLY;BYMONTHDAY=1", "write FREQ=MONTHLY" },
	{ "FREQ=DAILY;BYYEARDAY=1", "write FREQ=YEARLY" },
	{ "FREQ=WEEKLY;BYYEARDAY=1", "write FREQ=YEARLY" },
	{ "FREQ=MONTHLY;BYYEARDAY=1", "write FREQ=YEARLY" },
	{ "FREQ=MONTHLY;BYWEEKNO=1", "FREQ=YEARLY only" },
	{ "FREQ=DAILY;BYWEEKNO=1", "FREQ=YEARLY only" },
	{ "FREQ=WEEKLY;BYDAY=1MO", "FREQ=MONTHLY and YEARLY only" },
	{ "FREQ=HOURLY;BYDAY=-1MO", "FREQ=MONTHLY and YEARLY only" },
	{ "FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO", "does not go with BYWEEKNO" },
	{ "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "names no time" },
	{ "FREQ=DAILY;BYMONTH=4;BYMONTHDAY=31", "names no time" },
	{ "FREQ=MONTHLY;BYDAY=6MO", "names no time" },
	{ "FREQ=MONTHLY;BYMONTHDAY=1;BYSETPOS=10", "names no time" },
	{ "FREQ=YEARLY;INTERVAL=173;BYMONTHDAY=2;BYMONTH=3;BYDAY=MO", "names no time" },
	{ "FREQ=HOURLY;INTERVAL=2;BYHOUR=8,10", "names no time" },
	{ "FREQ=MINUTELY;INTERVAL=2;BYMINUTE=1", "names no time" },
	{ "FREQ=\xff", "write DAILY" },
	{ "\xff\xfe", "none of a recurrence rule" },
	{ "FREQ=DAILY;B\x01=1", "none of a recurrence rule" },
};

static void
test_what_is_refused_is_refused_with_words(void **state)
{
	struct buf why = { .max = 1000 };

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct recur r = { "untouched" };
		if (parse(&r, refused[i].text, &why) != RES_INVALID)
			fail_msg("read: %s as %s", refused[i].text, r.rule);
		if (strstr(buf_str(&why), refused[i].words) == NULL)
			fail_msg("%s: %s", refused[i].text, buf_str(&why));
		assert_true(xml_text_valid(buf_as_span(&why)));
		assert_string_equal(r.rule, "untouched");
	}
	buf_free(&why);
}

static void
test_a_long_text_is_refused_and_a_full_one_read(void **state)
{
	char text[1024] = "FREQ=YEARLY;BYYEARDAY=1";
	struct buf why = { .max = 1000 };
	struct recur r;

	(void)state;
	for (int day = 100; strlen(text) + 4 <= RECUR_RULE_MAX; day++)
		sprintf(text + strlen(text), ",%d", day);
	assert_int_equal(strlen(text), RECUR_RULE_MAX);
	assert_int_equal(parse(&r, text, &why), RES_OK);
	assert_string_equal(r.rule, text);
	strcat(text, "9");
	assert_int_equal(parse(&r, text, &why), RES_INVALID);
	assert_non_null(strstr(buf_str(&why), "255 characters"));
	/* A NUL in the middle is no end. */
	struct zone z = zone("UTC");
	assert_int_equal(recur_parse(&r, SPAN("FREQ=DAILY\0"), &z, &start, MIN_MS, &why),
	    RES_INVALID);
	assert_int_equal(recur_parse(&r, (struct span){ NULL, 0 }, &z, &start, MIN_MS, &why),
	    RES_INVALID);
	buf_free(&why);
}

static void
test_a_start_out_of_range_is_refused(void **state)
{
	static const struct civil starts[] = { { .year = 1969, .month = 12, .day = 31 },
		{ .year = 2200, .month = 1, .day = 1 }, { .year = 2027, .month = 2, .day = 29 },
		{ .year = 2027, .month = 2, .day = 1, .hour = 24 } };
	struct zone z = zone("UTC");

	(void)state;
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		struct buf why = { .max = 1000 };
		struct recur r;
		assert_int_equal(
		    recur_parse(&r, SPAN("FREQ=DAILY"), &z, &starts[i], MIN_MS, &why), RES_INVALID);
		assert_true(why.len > 0);
		buf_free(&why);
	}
}

static void
test_the_distance_between_occurrences_has_a_minimum(void **state)
{
	static const struct {
		const char *rule;
		int minutes; /* the least that is accepted */
	} rules[] = {
		{ "FREQ=MINUTELY", 1 },
		{ "FREQ=MINUTELY;INTERVAL=14", 14 },
		{ "FREQ=MINUTELY;INTERVAL=15", 15 },
		{ "FREQ=MINUTELY;BYMINUTE=0,20,40", 20 },
		{ "FREQ=MINUTELY;BYMINUTE=0,15,50", 10 },
		{ "FREQ=MINUTELY;INTERVAL=14;BYMINUTE=0", 420 },
		{ "FREQ=HOURLY", 60 },
		{ "FREQ=HOURLY;BYMINUTE=0,10", 10 },
		{ "FREQ=HOURLY;BYMINUTE=0,30", 30 },
		{ "FREQ=HOURLY;BYMINUTE=0,59", 1 },
		{ "FREQ=HOURLY;INTERVAL=3;BYMINUTE=0,10,20;BYSETPOS=-1", 180 },
		{ "FREQ=DAILY;BYHOUR=9;BYMINUTE=0,5", 5 },
		{ "FREQ=DAILY;BYHOUR=9;BYMINUTE=0,15", 15 },
		{ "FREQ=DAILY;BYHOUR=0,23;BYMINUTE=5,55", 10 },
		{ "FREQ=DAILY;INTERVAL=2;BYHOUR=0,23;BYMINUTE=0", 1380 },
		{ "FREQ=WEEKLY;BYDAY=MO;BYHOUR=9,10;BYMINUTE=0,50", 10 },
		{ "FREQ=MONTHLY;BYMONTHDAY=1,-1;BYHOUR=0,23;BYMINUTE=5,58", 7 },
		{ "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=31;BYHOUR=9;BYMINUTE=0,1", 1 },
		{ "FREQ=DAILY", 1440 },
		{ "FREQ=MINUTELY;COUNT=2", 1 },
		/* Fewer than two have no distance. */
		{ "FREQ=MINUTELY;COUNT=1", 100000 },
		{ "FREQ=MINUTELY;UNTIL=20270101T090059", 100000 },
	};
	struct zone z = zone("UTC");

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct buf why = { .max = 1000 };
		struct recur r;
		struct span rule = span_of(rules[i].rule);
		int64_t least = rules[i].minutes * MINUTE_MS;
		if (recur_parse(&r, rule, &z, &start, least, &why) != RES_OK)
			fail_msg("%s: %s", rules[i].rule, buf_str(&why));
		if (rules[i].minutes < 100000) {
			if (recur_parse(&r, rule, &z, &start, least + 1, &why) != RES_INVALID)
				fail_msg("%s is accepted", rules[i].rule);
			assert_non_null(strstr(buf_str(&why), "the shortest distance allowed is"));
		}
		buf_free(&why);
	}
}

static void
test_nothing_comes_more_often_than_every_minute_whatever_the_minimum(void **state)
{
	static const char *const rules[] = { "FREQ=MINUTELY;BYSECOND=0,59",
		"FREQ=HOURLY;BYSECOND=0,30;BYMINUTE=0" };
	struct zone z = zone("UTC");

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		for (int64_t min_ms = -1; min_ms < 2; min_ms++) {
			struct buf why = { .max = 1000 };
			struct recur r;
			struct span rule = span_of(rules[i]);
			assert_int_equal(
			    recur_parse(&r, rule, &z, &start, min_ms, &why), RES_INVALID);
			buf_free(&why);
		}
}

/* -- Time -------------------------------------------------------------------------------------- */

static double
used_ms(void)
{
	return (double)clock() * 1000 / CLOCKS_PER_SEC;
}

/* Milliseconds each, even on a slow machine with sanitizers; what loops takes minutes. */
static void
test_no_rule_takes_long(void **state)
{
	static const char *const rules[] = { "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
		"FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
		"FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30",
		"FREQ=MINUTELY;INTERVAL=60;BYMONTH=2;BYMONTHDAY=30",
		"FREQ=MINUTELY;INTERVAL=59;BYDAY=MO;BYMONTHDAY=31;BYMONTH=11",
		"FREQ=MINUTELY;INTERVAL=2;BYMINUTE=1",
		"FREQ=MINUTELY;INTERVAL=14;BYDAY=TU;BYHOUR=3",
		"FREQ=MINUTELY;INTERVAL=20160;BYDAY=TU", "FREQ=MINUTELY;INTERVAL=999983;BYMINUTE=1",
		"FREQ=HOURLY;INTERVAL=7;BYHOUR=9;BYDAY=TU", "FREQ=HOURLY;INTERVAL=999999;BYHOUR=1",
		"FREQ=MONTHLY;BYMONTHDAY=1;BYSETPOS=10", "FREQ=YEARLY;BYDAY=MO;BYSETPOS=366",
		"FREQ=MINUTELY;BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12;BYSETPOS=2",
		"FREQ=MINUTELY;BYSECOND=1,2,3;BYSETPOS=-4;COUNT=1000",
		"FREQ=HOURLY;BYMINUTE=0,30;BYSETPOS=3,-3;COUNT=3",
		"FREQ=YEARLY;BYWEEKNO=53", "FREQ=YEARLY;BYYEARDAY=366", "FREQ=YEARLY;COUNT=1000",
		"FREQ=MINUTELY;INTERVAL=15;COUNT=1000",
		"FREQ=DAILY;COUNT=1000;BYMONTH=2;BYMONTHDAY=29",
		"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=SU", "FREQ=WEEKLY;INTERVAL=999999",
		"FREQ=DAILY;BYMONTH=2;BYDAY=MO;BYSETPOS=2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18",
		"FREQ=YEARLY;UNTIL=21991231;BYMONTH=1;BYMONTHDAY=1;BYHOUR=0",
		"FREQ=DAILY;UNTIL=19700101" };
	struct zone z = zone("America/New_York");
	struct buf why = { .max = 1000 };
	int64_t at[3];

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct recur r;
		double begin = used_ms();
		buf_reset(&why);
		if (recur_parse(&r, span_of(rules[i]), &z, &start, MIN_MS, &why) != RES_OK)
			snprintf(r.rule, sizeof(r.rule), "%s", rules[i]);
		recur_list(&r, &z, &start, MIN_MS, INT64_MIN, at, 3);
		recur_next(&r, &z, &start, MIN_MS, 200 * 365 * DAY_MS, at);
		recur_last(&r, &z, &start, MIN_MS, INT64_MIN, 210 * 365 * DAY_MS, at);
		recur_last(&r, &z, &start, MIN_MS, 100 * 365 * DAY_MS, INT64_MAX, at);
		if (used_ms() - begin > 1000)
			fail_msg("%s takes %.0f ms", rules[i], used_ms() - begin);
	}
	buf_free(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules_are_read_in_any_form_and_kept_in_one),
		cmocka_unit_test(test_what_is_refused_is_refused_with_words),
		cmocka_unit_test(test_a_long_text_is_refused_and_a_full_one_read),
		cmocka_unit_test(test_a_start_out_of_range_is_refused),
		cmocka_unit_test(test_the_distance_between_occurrences_has_a_minimum),
		cmocka_unit_test(
		    test_nothing_comes_more_often_than_every_minute_whatever_the_minimum),
		cmocka_unit_test(test_no_rule_takes_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
