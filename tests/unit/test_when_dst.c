/* Changes of the clock from 2024 to 2030, as GNU date has them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "when_text.h"

#define N(array)    (sizeof(array) / sizeof((array)[0]))
#define CHANGES_MAX 64
#define LINE_LEN    64
#define GRID_MS	    (12 * HOUR_MS)

static const struct place {
	const char *name;
	/* At least, either way; Iran and Brazil have kept one time since 2022 and 2019. */
	size_t jumps;
} places[] = {
	{ "Europe/Berlin", 7 },
	{ "America/New_York", 7 },
	{ "Australia/Lord_Howe", 7 },
	{ "Africa/Casablanca", 7 },
	{ "America/Sao_Paulo", 0 },
	{ "Asia/Tehran", 0 },
};

/* A change of the clock: at this instant it goes from one offset to the other. */
struct change {
	int64_t at;
	int32_t before, after;
};

static int64_t
start(void)
{
	return utc(2024, 1, 1, 0, 0, 0);
}

static int64_t
end(void)
{
	return utc(2031, 1, 1, 0, 0, 0);
}

/* -- GNU date, a question a line --------------------------------------------------------------- */

struct asked {
	char path[64];
	FILE *file;
	size_t n;
};

static void
ask_begin(struct asked *a)
{
	*a = (struct asked){ .path = "/tmp/test_when_dst.XXXXXX" };
	int fd = mkstemp(a->path);

	assert_true(fd >= 0);
	a->file = fdopen(fd, "w");
	assert_non_null(a->file);
}

static void
ask(struct asked *a, const char *line)
{
	assert_true(fprintf(a->file, "%s\n", line) > 0);
	a->n++;
}

/* A line for each question that date can answer; without date there is none. */
static FILE *
ask_end(struct asked *a, const char *zone, const char *format)
{
	char command[256];

	assert_int_equal(fclose(a->file), 0);
	/* The file is gone once it is open, whatever becomes of the test. */
	snprintf(command, sizeof(command), "(rm -f %s; LC_ALL=C TZ=%s date -f - '+%s') <%s 2>&1",
	    a->path, zone, format, a->path);
	FILE *answers = popen(command, "r");
	assert_non_null(answers);
	return answers;
}

static void
answers_end(FILE *answers)
{
	char line[LINE_LEN];

	assert_null(fgets(line, sizeof(line), answers));
	pclose(answers);
}

static void
read_answer(FILE *answers, char line[LINE_LEN])
{
	if (fgets(line, LINE_LEN, answers) == NULL)
		fail_msg("date does not answer");
	line[strcspn(line, "\n")] = '\0';
}

/* The reading at an instant, by date. */
static void
expect_reading(FILE *answers, const struct zone *z, int64_t at)
{
	char line[LINE_LEN], want[LINE_LEN * 2];
	struct civil c;
	int minutes;

	zone_civil(z, at, &c);
	minutes = abs(c.offset_s) / 60;
	snprintf(want, sizeof(want), "%04d-%02d-%02d %02d:%02d:%02d %d %c%02d%02d", c.year, c.month,
	    c.day, c.hour, c.minute, c.second, c.weekday, c.offset_s < 0 ? '-' : '+',
	    minutes / 60, minutes % 60);
	read_answer(answers, line);
	if (strcmp(line, want) != 0)
		fail_msg("%s at %lld: %s, and by date %s", z->name, (long long)at, want, line);
}

#define READING "%Y-%m-%d %H:%M:%S %w %z"

static void
ask_instant(struct asked *a, int64_t at)
{
	char line[LINE_LEN];

	snprintf(line, sizeof(line), "@%lld", (long long)(at / SECOND_MS));
	ask(a, line);
}

/* -- Readings ---------------------------------------------------------------------------------- */

/* What a clock at this offset shows. */
static void
print_reading(char line[LINE_LEN], int64_t at, int32_t offset_s)
{
	time_t t = (time_t)(at / SECOND_MS + offset_s);
	struct tm tm;

	gmtime_r(&t, &tm);
	assert_true(strftime(line, LINE_LEN, "%Y-%m-%d %H:%M:%S", &tm) > 0);
}

static struct when
read_when(const struct zone *z, const char *text)
{
	struct buf why = { .max = 0 };
	struct when w;

	if (when_parse(&w, span_of(text), start() - 365 * DAY_MS, z, &why) != RES_OK)
		fail_msg("%s: \"%s\" is refused: %s", z->name, text, buf_str(&why));
	buf_free(&why);
	return w;
}

static int32_t
offset_at(const struct zone *z, int64_t at)
{
	struct civil c;

	zone_civil(z, at, &c);
	return c.offset_s;
}

static size_t
find_changes(const struct zone *z, struct change changes[CHANGES_MAX])
{
	size_t n = 0;

	for (int64_t t = start(); t < end(); t += GRID_MS) {
		int64_t from = t, to = t + GRID_MS;
		if (offset_at(z, from) == offset_at(z, to))
			continue;
		while (to - from > SECOND_MS) {
			int64_t middle = from + (to - from) / 2;
			middle -= middle % SECOND_MS;
			if (offset_at(z, middle) == offset_at(z, t))
				from = middle;
			else
				to = middle;
		}
		assert_in_range(n, 0, CHANGES_MAX - 1);
		changes[n++] = (struct change){ to, offset_at(z, from), offset_at(z, to) };
	}
	return n;
}

/* -- Tests ------------------------------------------------------------------------------------- */

static void
test_every_half_day_shows_what_date_shows(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(places); i++) {
		struct zone z = zone_named(places[i].name);
		struct asked a;
		ask_begin(&a);
		for (int64_t t = start(); t < end(); t += GRID_MS)
			ask_instant(&a, t);
		FILE *answers = ask_end(&a, places[i].name, READING);
		for (int64_t t = start(); t < end(); t += GRID_MS)
			expect_reading(answers, &z, t);
		answers_end(answers);
		assert_true(a.n > 5000);
	}
}

static void
test_noon_and_midnight_of_every_day_are_the_instants_of_date(void **state)
{
	char line[LINE_LEN];

	(void)state;
	for (size_t i = 0; i < N(places); i++) {
		struct zone z = zone_named(places[i].name);
		struct asked a;
		ask_begin(&a);
		for (int64_t t = start(); t < end(); t += GRID_MS) {
			print_reading(line, t, 0);
			ask(&a, line);
		}
		FILE *answers = ask_end(&a, places[i].name, "%s");
		for (int64_t t = start(); t < end(); t += GRID_MS) {
			char text[LINE_LEN];
			print_reading(text, t, 0);
			struct when w = read_when(&z, text);
			read_answer(answers, line);
			if (w.at != atoll(line) * SECOND_MS || w.doubled)
				fail_msg("%s: %s is %s by date", z.name, text, line);
		}
		answers_end(answers);
	}
}

static void
test_the_clocks_change_when_date_says_so(void **state)
{
	static const int64_t around[] = { -HOUR_MS, -SECOND_MS, 0, SECOND_MS, HOUR_MS };
	size_t total = 0;

	(void)state;
	for (size_t i = 0; i < N(places); i++) {
		struct zone z = zone_named(places[i].name);
		struct change changes[CHANGES_MAX];
		size_t n = find_changes(&z, changes);
		struct asked a;
		assert_true(n >= 2 * places[i].jumps);
		ask_begin(&a);
		for (size_t k = 0; k < n; k++)
			for (size_t j = 0; j < N(around); j++)
				ask_instant(&a, changes[k].at + around[j]);
		FILE *answers = ask_end(&a, places[i].name, READING);
		for (size_t k = 0; k < n; k++)
			for (size_t j = 0; j < N(around); j++)
				expect_reading(answers, &z, changes[k].at + around[j]);
		answers_end(answers);
		total += n;
	}
	print_message("%zu changes of the clock\n", total);
}

/* An hour before a change, the last minute before it, and what comes after it. */
static size_t
plain_readings(const struct change *c, char lines[4][LINE_LEN])
{
	int64_t width = (c->after > c->before ? 0 : c->before - c->after) * SECOND_MS;

	print_reading(lines[0], c->at - HOUR_MS - width, c->before);
	print_reading(lines[1], c->at - MINUTE_MS - width, c->before);
	print_reading(lines[2], c->at + width, c->after);
	print_reading(lines[3], c->at + width + HOUR_MS, c->after);
	return 4;
}

static void
test_readings_before_and_after_a_change_are_the_instants_of_date(void **state)
{
	char lines[4][LINE_LEN], answer[LINE_LEN];

	(void)state;
	for (size_t i = 0; i < N(places); i++) {
		struct zone z = zone_named(places[i].name);
		struct change changes[CHANGES_MAX];
		size_t n = find_changes(&z, changes);
		struct asked a;
		ask_begin(&a);
		for (size_t k = 0; k < n; k++)
			for (size_t j = 0; j < plain_readings(&changes[k], lines); j++)
				ask(&a, lines[j]);
		FILE *answers = ask_end(&a, places[i].name, "%s");
		for (size_t k = 0; k < n; k++)
			for (size_t j = 0; j < plain_readings(&changes[k], lines); j++) {
				struct when w = read_when(&z, lines[j]);
				read_answer(answers, answer);
				if (w.at != atoll(answer) * SECOND_MS || w.doubled)
					fail_msg("%s: %s is %s by date", z.name, lines[j], answer);
			}
		answers_end(answers);
	}
}

/* Readings from the first that is skipped or doubled to the last; how many. */
static size_t
odd_readings(const struct change *c, bool skipped, char lines[4][LINE_LEN])
{
	int64_t width = (c->after - c->before) * SECOND_MS;

	if ((width > 0) != skipped)
		return 0;
	width = width < 0 ? -width : width;
	int32_t offset = skipped ? c->before : c->after;
	print_reading(lines[0], c->at, offset);
	print_reading(lines[1], c->at + width / 2, offset);
	print_reading(lines[2], c->at + width / 3, offset);
	print_reading(lines[3], c->at + width - SECOND_MS, offset);
	return 4;
}

static void
check_skipped(const struct zone *z, const char *text)
{
	struct buf why = { .max = 0 };
	struct when w;

	if (when_parse(&w, span_of(text), start() - 365 * DAY_MS, z, &why) != RES_INVALID)
		fail_msg("%s: \"%s\" is accepted", z->name, text);
	assert_non_null(strstr(buf_str(&why), "jumps over"));
	buf_free(&why);
}

static void
test_readings_that_are_skipped_are_none_for_date_either(void **state)
{
	char lines[4][LINE_LEN], answer[128];
	size_t total = 0;

	(void)state;
	for (size_t i = 0; i < N(places); i++) {
		struct zone z = zone_named(places[i].name);
		struct change changes[CHANGES_MAX];
		size_t n = find_changes(&z, changes);
		struct asked a;
		ask_begin(&a);
		for (size_t k = 0; k < n; k++)
			for (size_t j = 0; j < odd_readings(&changes[k], true, lines); j++) {
				ask(&a, lines[j]);
				check_skipped(&z, lines[j]);
			}
		FILE *answers = ask_end(&a, places[i].name, "%s");
		for (size_t k = 0; k < a.n; k++) {
			assert_non_null(fgets(answer, sizeof(answer), answers));
			assert_non_null(strstr(answer, "invalid date"));
		}
		assert_true(a.n >= 4 * places[i].jumps);
		total += a.n;
		answers_end(answers);
	}
	assert_true(total >= 100);
}

static void
test_readings_that_are_doubled_are_shown_twice_by_date(void **state)
{
	char lines[4][LINE_LEN], answer[LINE_LEN];

	(void)state;
	for (size_t i = 0; i < N(places); i++) {
		struct zone z = zone_named(places[i].name);
		struct change changes[CHANGES_MAX];
		size_t n = find_changes(&z, changes);
		struct asked a;
		ask_begin(&a);
		for (size_t k = 0; k < n; k++)
			for (size_t j = 0; j < odd_readings(&changes[k], false, lines); j++) {
				int64_t width = (changes[k].before - changes[k].after) * SECOND_MS;
				struct when w = read_when(&z, lines[j]);
				assert_true(w.doubled);
				assert_true(w.at < changes[k].at && w.at + width >= changes[k].at);
				ask_instant(&a, w.at);
				ask_instant(&a, w.at + width);
			}
		FILE *answers = ask_end(&a, places[i].name, "%Y-%m-%d %H:%M:%S");
		for (size_t k = 0; k < n; k++)
			for (size_t j = 0; j < odd_readings(&changes[k], false, lines); j++) {
				read_answer(answers, answer);
				assert_string_equal(answer, lines[j]);
				read_answer(answers, answer);
				assert_string_equal(answer, lines[j]);
			}
		assert_true(a.n >= 2 * 4 * places[i].jumps);
		answers_end(answers);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_half_day_shows_what_date_shows),
		cmocka_unit_test(test_noon_and_midnight_of_every_day_are_the_instants_of_date),
		cmocka_unit_test(test_the_clocks_change_when_date_says_so),
		cmocka_unit_test(test_readings_before_and_after_a_change_are_the_instants_of_date),
		cmocka_unit_test(test_readings_that_are_skipped_are_none_for_date_either),
		cmocka_unit_test(test_readings_that_are_doubled_are_shown_twice_by_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
