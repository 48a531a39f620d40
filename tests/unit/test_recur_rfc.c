/*
 * The examples of RFC 5545 section 3.8.5.3, each with exactly the instants that it lists.  Its days
 * are written as there: "1997 EDT Sep 2,4 Oct 1-25"; the times are 9:00 where nothing else is said.
 */
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

#define INSTANTS_MAX 400

static const struct example {
	const char *title, *start, *rule, *days;
	bool goes_on;      /* "..." */
	const char *times; /* NULL: 9:00 */
} examples[] = {
	{ "Daily for 10 occurrences", "1997-09-02", "FREQ=DAILY;COUNT=10", "1997 EDT Sep 2-11",
	    false, NULL },
	{ "Daily until December 24, 1997", "1997-09-02", "FREQ=DAILY;UNTIL=19971224T000000Z",
	    "1997 EDT Sep 2-30 Oct 1-25 EST Oct 26-31 Nov 1-30 Dec 1-23", false, NULL },
	{ "Every other day - forever", "1997-09-02", "FREQ=DAILY;INTERVAL=2",
	    "1997 EDT Sep 2,4,6,8,10,12,14,16,18,20,22,24,26,28,30 "
	    "Oct 2,4,6,8,10,12,14,16,18,20,22,24 EST Oct 26,28,30 "
	    "Nov 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29 Dec 1,3",
	    true, NULL },
	{ "Every 10 days, 5 occurrences", "1997-09-02", "FREQ=DAILY;INTERVAL=10;COUNT=5",
	    "1997 EDT Sep 2,12,22 Oct 2,12", false, NULL },
	{ "Every day in January, for 3 years", "1998-01-01",
	    "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
	    "1998 EST Jan 1-31 1999 Jan 1-31 2000 Jan 1-31", false, NULL },
	{ "The same, daily", "1998-01-01", "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1",
	    "1998 EST Jan 1-31 1999 Jan 1-31 2000 Jan 1-31", false, NULL },
	{ "Weekly for 10 occurrences", "1997-09-02", "FREQ=WEEKLY;COUNT=10",
	    "1997 EDT Sep 2,9,16,23,30 Oct 7,14,21 EST Oct 28 Nov 4", false, NULL },
	{ "Weekly until December 24, 1997", "1997-09-02", "FREQ=WEEKLY;UNTIL=19971224T000000Z",
	    "1997 EDT Sep 2,9,16,23,30 Oct 7,14,21 EST Oct 28 Nov 4,11,18,25 Dec 2,9,16,23",
	    false, NULL },
	{ "Every other week - forever", "1997-09-02", "FREQ=WEEKLY;INTERVAL=2;WKST=SU",
	    "1997 EDT Sep 2,16,30 Oct 14 EST Oct 28 Nov 11,25 Dec 9,23 1998 Jan 6,20 Feb 3,17",
	    true, NULL },
	{ "Weekly on Tuesday and Thursday for five weeks", "1997-09-02",
	    "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH",
	    "1997 EDT Sep 2,4,9,11,16,18,23,25,30 Oct 2", false, NULL },
	{ "The same, counted", "1997-09-02", "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH",
	    "1997 EDT Sep 2,4,9,11,16,18,23,25,30 Oct 2", false, NULL },
	{ "Every other week on Monday, Wednesday, and Friday until December 24, 1997",
	    "1997-09-01", "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
	    "1997 EDT Sep 1,3,5,15,17,19,29 Oct 1,3,13,15,17 EST Oct 27,29,31 "
	    "Nov 10,12,14,24,26,28 Dec 8,10,12,22",
	    false, NULL },
	{ "Every other week on Tuesday and Thursday, for 8 occurrences", "1997-09-02",
	    "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH",
	    "1997 EDT Sep 2,4,16,18,30 Oct 2,14,16", false, NULL },
	{ "Monthly on the first Friday for 10 occurrences", "1997-09-05",
	    "FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
	    "1997 EDT Sep 5 Oct 3 EST Nov 7 Dec 5 1998 Jan 2 Feb 6 Mar 6 Apr 3 EDT May 1 Jun 5",
	    false, NULL },
	{ "Monthly on the first Friday until December 24, 1997", "1997-09-05",
	    "FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR", "1997 EDT Sep 5 Oct 3 EST Nov 7 Dec 5",
	    false, NULL },
	{ "Every other month on the first and last Sunday for 10 occurrences", "1997-09-07",
	    "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
	    "1997 EDT Sep 7,28 EST Nov 2,30 1998 Jan 4,25 Mar 1,29 EDT May 3,31", false, NULL },
	{ "Monthly on the second-to-last Monday of the month for 6 months", "1997-09-22",
	    "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO",
	    "1997 EDT Sep 22 Oct 20 EST Nov 17 Dec 22 1998 Jan 19 Feb 16", false, NULL },
	{ "Monthly on the third-to-the-last day of the month, forever", "1997-09-28",
	    "FREQ=MONTHLY;BYMONTHDAY=-3",
	    "1997 EDT Sep 28 EST Oct 29 Nov 28 Dec 29 1998 Jan 29 Feb 26", true, NULL },
	{ "Monthly on the 2nd and 15th of the month for 10 occurrences", "1997-09-02",
	    "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15",
	    "1997 EDT Sep 2,15 Oct 2,15 EST Nov 2,15 Dec 2,15 1998 Jan 2,15", false, NULL },
	{ "Monthly on the first and last day of the month for 10 occurrences", "1997-09-30",
	    "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
	    "1997 EDT Sep 30 Oct 1 EST Oct 31 Nov 1,30 Dec 1,31 1998 Jan 1,31 Feb 1", false, NULL },
	{ "Every 18 months on the 10th thru 15th of the month for 10 occurrences", "1997-09-10",
	    "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
	    "1997 EDT Sep 10-15 1999 EST Mar 10-13", false, NULL },
	{ "Every Tuesday, every other month", "1997-09-02", "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU",
	    "1997 EDT Sep 2,9,16,23,30 EST Nov 4,11,18,25 1998 Jan 6,13,20,27 Mar 3,10,17,24,31",
	    true, NULL },
	{ "Yearly in June and July for 10 occurrences", "1997-06-10",
	    "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
	    "1997 EDT Jun 10 Jul 10 1998 Jun 10 Jul 10 1999 Jun 10 Jul 10 2000 Jun 10 Jul 10 "
	    "2001 Jun 10 Jul 10",
	    false, NULL },
	{ "Every other year on January, February, and March for 10 occurrences", "1997-03-10",
	    "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
	    "1997 EST Mar 10 1999 Jan 10 Feb 10 Mar 10 2001 Jan 10 Feb 10 Mar 10 "
	    "2003 Jan 10 Feb 10 Mar 10",
	    false, NULL },
	{ "Every third year on the 1st, 100th, and 200th day for 10 occurrences", "1997-01-01",
	    "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
	    "1997 EST Jan 1 EDT Apr 10 Jul 19 2000 EST Jan 1 EDT Apr 9 Jul 18 "
	    "2003 EST Jan 1 EDT Apr 10 Jul 19 2006 EST Jan 1",
	    false, NULL },
	{ "Every 20th Monday of the year, forever", "1997-05-19", "FREQ=YEARLY;BYDAY=20MO",
	    "1997 EDT May 19 1998 May 18 1999 May 17", true, NULL },
	{ "Monday of week number 20, forever", "1997-05-12", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
	    "1997 EDT May 12 1998 May 11 1999 May 17", true, NULL },
	{ "Every Thursday in March, forever", "1997-03-13", "FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
	    "1997 EST Mar 13,20,27 1998 Mar 5,12,19,26 1999 Mar 4,11,18,25", true, NULL },
	{ "Every Thursday, but only during June, July, and August, forever", "1997-06-05",
	    "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8",
	    "1997 EDT Jun 5,12,19,26 Jul 3,10,17,24,31 Aug 7,14,21,28 "
	    "1998 Jun 4,11,18,25 Jul 2,9,16,23,30 Aug 6,13,20,27 "
	    "1999 Jun 3,10,17,24 Jul 1,8,15,22,29 Aug 5,12,19,26",
	    true, NULL },
	/* Its EXDATE is the start, which is none of our occurrences as the rule does not say so. */
	{ "Every Friday the 13th, forever", "1997-09-02", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
	    "1998 EST Feb 13 Mar 13 Nov 13 1999 EDT Aug 13 2000 Oct 13", true, NULL },
	{ "The first Saturday that follows the first Sunday of the month, forever", "1997-09-13",
	    "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
	    "1997 EDT Sep 13 Oct 11 EST Nov 8 Dec 13 1998 Jan 10 Feb 7 Mar 7 "
	    "EDT Apr 11 May 9 Jun 13",
	    true, NULL },
	{ "U.S. Presidential Election day", "1996-11-05",
	    "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
	    "1996 EST Nov 5 2000 Nov 7 2004 Nov 2", true, NULL },
	{ "The third instance into the month of one of Tuesday, Wednesday, or Thursday",
	    "1997-09-04", "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3",
	    "1997 EDT Sep 4 Oct 7 EST Nov 6", false, NULL },
	{ "The second-to-last weekday of the month", "1997-09-29",
	    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
	    "1997 EDT Sep 29 EST Oct 30 Nov 27 Dec 30 1998 Jan 29 Feb 26 Mar 30", true, NULL },
	/* The RFC writes 170000Z, which is 13:00 there and would end it before 15:00. */
	{ "Every 3 hours from 9:00 AM to 5:00 PM on a specific day", "1997-09-02",
	    "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z", "1997 EDT Sep 2", false,
	    "9:00 12:00 15:00" },
	{ "The same as it is written", "1997-09-02",
	    "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T170000Z", "1997 EDT Sep 2", false,
	    "9:00 12:00" },
	{ "Every 15 minutes for 6 occurrences", "1997-09-02", "FREQ=MINUTELY;INTERVAL=15;COUNT=6",
	    "1997 EDT Sep 2", false, "9:00 9:15 9:30 9:45 10:00 10:15" },
	{ "Every hour and a half for 4 occurrences", "1997-09-02",
	    "FREQ=MINUTELY;INTERVAL=90;COUNT=4", "1997 EDT Sep 2", false,
	    "9:00 10:30 12:00 13:30" },
	{ "Every 20 minutes from 9:00 AM to 4:40 PM every day", "1997-09-02",
	    "FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40", "1997 EDT Sep 2,3", true,
	    "9:00 9:20 9:40 10:00 10:20 10:40 11:00 11:20 11:40 12:00 12:20 12:40 13:00 13:20 "
	    "13:40 14:00 14:20 14:40 15:00 15:20 15:40 16:00 16:20 16:40" },
	{ "The same, minutely", "1997-09-02",
	    "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16", "1997 EDT Sep 2,3", true,
	    "9:00 9:20 9:40 10:00 10:20 10:40 11:00 11:20 11:40 12:00 12:20 12:40 13:00 13:20 "
	    "13:40 14:00 14:20 14:40 15:00 15:20 15:40 16:00 16:20 16:40" },
	{ "The days generated make a difference because of WKST: Monday", "1997-08-05",
	    "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "1997 EDT Aug 5,10,19,24",
	    false, NULL },
	{ "The same: Sunday", "1997-08-05", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
	    "1997 EDT Aug 5,17,19,31", false, NULL },
	{ "An invalid date (February 30) is ignored", "2007-01-15",
	    "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "2007 EST Jan 15,30 Feb 15 EDT Mar 15,30",
	    false, NULL },
};

/* What stands in `days`: the place that is being read. */
struct listing {
	int year, month, offset_h;
	const char *times;
	int64_t at[INSTANTS_MAX];
	size_t n;
};

static void
add_day(struct listing *l, int day)
{
	struct span times = span_of(l->times), item;
	int64_t hour, minute;

	while (take_item(&times, &item)) {
		assert_true(take_digits(&item, 1, 2, &hour) && take_char(&item, ':') &&
		    take_digits(&item, 2, 2, &minute) && item.len == 0);
		struct tm tm = { .tm_year = l->year - 1900, .tm_mon = l->month, .tm_mday = day,
			.tm_hour = (int)hour - l->offset_h, .tm_min = (int)minute };
		assert_true(l->n < INSTANTS_MAX);
		l->at[l->n++] = timegm(&tm) * SECOND_MS;
	}
}

static void
add_word(struct listing *l, struct span word)
{
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
		"Aug", "Sep", "Oct", "Nov", "Dec" };
	int64_t n, last;

	if (take_word(&word, "EDT"))
		l->offset_h = -4;
	else if (take_word(&word, "EST"))
		l->offset_h = -5;
	else if (word.len == 4 && take_digits(&word, 4, 4, &n))
		l->year = (int)n;
	else if (take_digits(&word, 1, 2, &n)) {
		last = n;
		if (take_char(&word, '-'))
			assert_true(take_digits(&word, 1, 2, &last));
		for (; n <= last; n++)
			add_day(l, (int)n);
	} else
		for (l->month = 0; !take_word(&word, months[l->month]);)
			assert_true(++l->month < 12);
	assert_int_equal(word.len, 0);
}

static void
list_example(struct listing *l, const struct example *e)
{
	struct span days = span_of(e->days), word;

	*l = (struct listing){ .times = e->times != NULL ? e->times : "9:00" };
	while (take_item(&days, &word))
		add_word(l, word);
}

/* The first `skip` of the listing are not expected. */
static void
check_example(const struct example *e, size_t skip)
{
	static struct listing expected;
	int64_t at[INSTANTS_MAX + 1], next = INT64_MIN;
	char text[RECUR_START_LEN + 1];
	struct buf why = { .max = 1000 };
	struct civil start;
	struct recur r;
	struct zone zone;

	assert_int_equal(zone_find(&zone, SPAN("America/New_York")), RES_OK);
	snprintf(text, sizeof(text), "%sT09:00:00", e->start);
	assert_int_equal(recur_start_parse(&start, text), RES_OK);
	list_example(&expected, e);
	const int64_t *listed = expected.at + skip;
	const size_t nlisted = expected.n - skip;
	if (recur_parse(&r, span_of(e->rule), &zone, &start, 15 * MINUTE_MS, &why) != RES_OK)
		fail_msg("%s: %s", e->title, buf_str(&why));
	size_t n =
	    recur_list(&r, &zone, &start, 15 * MINUTE_MS, INT64_MIN, at, nlisted + 1);
	if (n != nlisted + e->goes_on)
		fail_msg("%s: %zu instants, not %zu", e->title, n, nlisted);
	for (size_t i = 0; i < nlisted; i++) {
		assert_int_equal(
		    recur_next(&r, &zone, &start, 15 * MINUTE_MS, next, &next), RES_OK);
		if (at[i] != listed[i] || next != listed[i])
			fail_msg("%s: instant %zu is %lld, not %lld", e->title, i,
			    (long long)at[i] / 1000, (long long)listed[i] / 1000);
	}
	buf_free(&why);
}

static void
test_the_examples_give_the_instants_that_the_rfc_lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
		check_example(&examples[i], 0);
	assert_int_equal(sizeof(examples) / sizeof(examples[0]), 43);
}

/* Section 3.3.10 explains this one in words: each Sunday of January, twice in the morning. */
static void
test_the_rule_that_is_explained_part_by_part_means_what_is_explained(void **state)
{
	static const struct example e = { "every other year", "1997-01-05",
		"FREQ=YEARLY;INTERVAL=2;BYMONTH=1;BYDAY=SU;BYHOUR=8,9;BYMINUTE=30",
		"1997 EST Jan 5,12,19,26 1999 Jan 3,10,17,24,31 2001 Jan 7,14,21,28", true,
		"8:30 9:30" };

	(void)state;
	/* The first 8:30 is before the start. */
	check_example(&e, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_examples_give_the_instants_that_the_rfc_lists),
		cmocka_unit_test(
		    test_the_rule_that_is_explained_part_by_part_means_what_is_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
