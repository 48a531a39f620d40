#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/parse.h"
#include "when_texts.h"

/* A copy on the heap, so that a sanitizer sees a read beyond its end. */
static size_t
prefix_of(const char *line, size_t len, const char *at, const char *place)
{
	const struct zone zone = zone_named(place);
	char *copy = test_malloc(len + 1);

	memcpy(copy, line, len);
	size_t n = when_prefix((struct span){ copy, len }, instant(at), &zone);
	test_free(copy);
	return n;
}

/* Thursday 1 October 2026, 14:00 in Berlin. */
static size_t
in_berlin(const char *line)
{
	return prefix_of(line, strlen(line), "2026-10-01T12:00:00Z", "Europe/Berlin");
}

static void
test_every_accepted_text_is_found_in_front_of_words(void **state)
{
	static const char *const tails[] = { "", " ", " call mum", "\ncall mum", "\r\n\r\nx",
		" to romeo", " and so on", " the end", " Good morning, 5 of you", " in the end",
		" \xe2\x98\x95", " Japan trip", " met Bob", ", call", ": call", " - call",
		" https://example.net/a", " romeo@example.net hi" };
	char line[2 * WHEN_TEXT_MAX];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < N(groups); i++)
		for (size_t k = 0; k < groups[i].n; k++)
			for (size_t t = 0; t < N(tails); t++, n++) {
				const char *text = groups[i].texts[k].text;
				size_t len = strlen(text);
				while (len > 0 && text[len - 1] == ' ')
					len--;
				memcpy(line, text, len);
				strcpy(line + len, tails[t]);
				size_t got = prefix_of(
				    line, strlen(line), groups[i].now, groups[i].zone);
				if (got != len)
					fail_msg("of \"%s\" %zu bytes are a time, not %zu", line,
					    got, len);
			}
	assert_true(n >= 5000);
}

static void
test_case_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(in_berlin("TOMORROW 9:00 CALL MUM"), strlen("TOMORROW 9:00"));
	assert_int_equal(in_berlin("In 20 Minutes Call Mum"), strlen("In 20 Minutes"));
	assert_int_equal(in_berlin("fri. 5 PM utc Call Mum"), strlen("fri. 5 PM utc"));
}

/* A bar marks the end of the time. */
static void
check_lines(const char *const *lines, size_t n)
{
	char line[512];

	for (size_t i = 0; i < n; i++) {
		const char *bar = strchr(lines[i], '|');
		assert_non_null(bar);
		size_t expected = (size_t)(bar - lines[i]);
		memcpy(line, lines[i], expected);
		strcpy(line + expected, bar + 1);
		size_t got = in_berlin(line);
		if (got != expected)
			fail_msg("of \"%s\" %zu bytes are a time, not %zu", line, got, expected);
	}
}

static void
test_what_when_parse_objects_to_is_still_a_time(void **state)
{
	static const char *const lines[] = {
		/* a part is missing */
		"tomorrow| call mum", "fri| call mum", "2026-12-24| presents", "24.12.| presents",
		"next monday| call", "the day after tomorrow| call", "on the 24th of december| x",
		"December 24, 2026| presents", "tomorrow UTC| call",
		/* in the past */
		"today 9:00| call", "9:00 today| call", "2020-01-01 10:00| call",
		"this thursday 13:00| call", "2026-10-01T08:00:00-04:00| call",
		/* no such time, too far */
		"25:00| call", "tomorrow 24:00| call", "13 pm| call", "31.2.2027 18:00| call",
		"9999-12-31 23:59| call", "in 999999 days| call", "tomorrow 9:99| call",
		"18:5| call", "tomorrow 9:00-10:00| meeting", "9:00 -10:00| meeting",
		/* not this day's */
		"tomorrow sat 9:00| call", "mon 24.12. 18:00| call", "tonight at 8| call",
		/* skipped */
		"2027-03-28 02:30| call",
		/* ambiguous */
		"3/4| call", "3/4 18:00| call", "18:00 3/4| call", "03/04/2027 at 18:00| call",
		"24-12-2026 18:00| call", "03.04.27 18:00| call", "2026/12/24 18:00| call",
		"2026-12-5 18:00| call", "18.00| call", "tomorrow 18.00| call",
		"18.00 tomorrow| call", "6.30 pm| call", "24.12 18:00| call", "24.12 18.00| call",
		"10.10| call", "10.10 9:00| call", "at 8.30| call", "8| call", "tomorrow 8| call",
		"fri 8| call", "8 tomorrow| call", "2026-12-24 18| call", "8 o'clock| call",
		"tomorrow 8 o'clock| call", "1800| call", "tomorrow 0900| call",
		"1800 hours| call", "tomorrow 0930h| call",
		/* lengths */
		"in 2 months| call", "in a month| call", "in 1.5 hours| call", "1.5h| call",
		"in 0 minutes| call", "in 30 minutes 2 hours| call", "in 2 days at 9:00| call",
		"in 2 days 9:00| call", "9:00 in 2 days| call", "in 1 week on friday| call",
		"in 1 year| call", "9:00 in 2 months| call",
	};

	(void)state;
	check_lines(lines, N(lines));
}

static void
test_words_of_the_text_are_left_to_it(void **state)
{
	static const char *const lines[] = {
		"|", "|   ", "|call mum", "|call mum tomorrow 9:00", "|the cat", "|at home",
		"|on time", "|in time", "|in the morning", "|next week", "|every day",
		"|five minutes", "|may I ask", "|am I late", "|now-ish", "|UTC",
		"|Europe/Berlin 9:00", "|(UTC)", "|,", "|, 9:00", "|:", "|.", "|99 bottles",
		"|2099 is far", "|12345678 is long", "|1/2/3/4", "|40/50", "|3-", "|3.x",
		"|2things", "|9ish",
		"9:00| 10:00 meeting", "tomorrow 9:00| 10:00 meeting", "tomorrow 9:00| 8 eggs",
		"tomorrow 9:00| 2 months left", "9:00| 8 eggs", "at 8| 2 eggs",
		"tomorrow 9:00 fri| 10:00 is the deadline",
		"in 20 minutes| 18:00 meeting starts", "in 20 minutes| 3 things",
		"in 2 hours| 30 people come", "in 2 hours| 30 Maybe", "in 2 hours| 3/4 cup",
		"in 20 minutes| now", "9:00| in 20 minutes we leave", "now| 9:00 is over",
		"now| and then", "tomorrow 9:00| may be late", "fri 9:00| sat nav",
		"tomorrow 9:00| 3.5 kg of flour", "tomorrow 9:00| 2026-12-24 is near",
		"tomorrow 9:00| at home", "tomorrow 9:00| on time", "tomorrow| morning",
		"tomorrow 9:00| by train", "tomorrow 9:00| Z-wave", "9:00| Japan trip",
		"9:00| met Bob", "9:00| nz", "9:00| Israel", "tomorrow at noon|. Then go",
		"tomorrow 9:00|; then go", "tomorrow 9:00| ; then go", "tomorrow 9:00| (call mum)",
		"tomorrow 9:00| (Europe/Berlin", "tomorrow 9:00|, (call, mum)",
		"tomorrow 9:00| Europe/Berln call", "18:00 UTC| Europe/Berlin", "18:00| EUR 5",
		"18:00| +49170 call", "fri, 9:00|, call", "tomorrow|, call", "in 2 hours|, 30 of us",
	};

	(void)state;
	check_lines(lines, N(lines));
}

static void
test_zones_are_part_of_the_time(void **state)
{
	static const char *const lines[] = {
		"9:00 Europe/London| call", "9:00 europe/london| call", "9:00 UTC| call",
		"9:00 z| call", "9:00 gmt| call", "9:00 CET| call", "9:00 +02:00| call",
		"9:00 +0200| call", "9:00 (Japan)| call", "9:00 Europe/London|, call",
		"tomorrow 9:00 (Europe/Berlin, +02:00)| call", "in 2 hours UTC| call",
		"9:00 ( Europe/Berlin , +0200 )| call",
	};

	(void)state;
	check_lines(lines, N(lines));
}

static void
test_a_time_is_no_longer_than_when_parse_takes(void **state)
{
	char line[3 * WHEN_TEXT_MAX];

	(void)state;
	/* White space in front counts as well. */
	memset(line, ' ', sizeof(line));
	memcpy(line + WHEN_TEXT_MAX - 4, "9:00 x", 6);
	assert_int_equal(
	    prefix_of(line, sizeof(line), "2026-10-01T12:00:00Z", "UTC"), WHEN_TEXT_MAX);
	memset(line, ' ', sizeof(line));
	memcpy(line + WHEN_TEXT_MAX - 3, "9:00 x", 6);
	assert_int_equal(prefix_of(line, sizeof(line), "2026-10-01T12:00:00Z", "UTC"), 0);
	memset(line, '9', sizeof(line));
	assert_int_equal(prefix_of(line, sizeof(line), "2026-10-01T12:00:00Z", "UTC"), 0);
	/* Only the second half of the last word fits. */
	memset(line, 'a', sizeof(line));
	memcpy(line, "9:00 ", 5);
	assert_int_equal(prefix_of(line, sizeof(line), "2026-10-01T12:00:00Z", "UTC"), 4);
}

static void
test_any_bytes_are_borne(void **state)
{
	static const char bytes[] = "9:00\0 1 \xff\xfe 2/3 (\x01,)\t\v 8 in a at on ,,:. 18.00 +";
	const struct zone zone = zone_named("Europe/Berlin");
	uint32_t seed = 1;

	(void)state;
	assert_int_equal(
	    when_prefix((struct span){ NULL, 0 }, instant("2026-10-01T12:00:00Z"), &zone), 0);
	for (int i = 0; i < 3000; i++) {
		char line[64];
		size_t len = (seed >> 8) % sizeof(line);
		for (size_t k = 0; k < len; k++) {
			seed = seed * 1664525 + 1013904223;
			line[k] = bytes[(seed >> 16) % sizeof(bytes)];
		}
		seed = seed * 1664525 + 1013904223;
		size_t n = prefix_of(line, len, "2026-10-01T12:00:00Z", "Europe/Berlin");
		assert_true(n <= len);
		if (n > 0)
			assert_null(memchr(" \t\r\n", line[n - 1], 4));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_accepted_text_is_found_in_front_of_words),
		cmocka_unit_test(test_case_changes_nothing),
		cmocka_unit_test(test_what_when_parse_objects_to_is_still_a_time),
		cmocka_unit_test(test_words_of_the_text_are_left_to_it),
		cmocka_unit_test(test_zones_are_part_of_the_time),
		cmocka_unit_test(test_a_time_is_no_longer_than_when_parse_takes),
		cmocka_unit_test(test_any_bytes_are_borne),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
