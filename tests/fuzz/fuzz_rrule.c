/*
 * Recurrence rules as strangers write them, from any start in any place: whatever is accepted is
 * canonical, and its occurrences rise, keep their distance, and are the same however one asks.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "core/recur.h"

#define LISTED 12

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_occurrences(const struct recur *r, const struct zone *zone, const struct civil *start,
    int64_t min_ms, int64_t after)
{
	int64_t at[LISTED], one, last;

	size_t n = recur_list(r, zone, start, min_ms, after, at, LISTED);
	for (size_t i = 0; i < n; i++) {
		must(i > 0 ? at[i] - at[i - 1] >= min_ms : at[i] > after);
		must(recur_next(r, zone, start, min_ms, i > 0 ? at[i - 1] : after, &one) == RES_OK);
		must(one == at[i]);
	}
	if (n > 0) {
		must(recur_last(r, zone, start, min_ms, after, at[n - 1], &last) == RES_OK);
		must(last == at[n - 1]);
		enum res res = recur_last(r, zone, start, min_ms, after, at[n - 1] - 1, &last);
		must(n == 1 ? res == RES_NOTFOUND : res == RES_OK && last == at[n - 2]);
	}
	if (n < LISTED) {
		must(recur_next(r, zone, start, min_ms, n > 0 ? at[n - 1] : after, &one) ==
		    RES_NOTFOUND);
		enum res res = recur_last(r, zone, start, min_ms, after, INT64_MAX, &last);
		must(n == 0 ? res == RES_NOTFOUND : res == RES_OK && last == at[n - 1]);
	}
}

static void
check_words(const struct zone *zone, int64_t at, struct span text)
{
	struct buf out = { .max = 4096 };
	enum hours hours = text.len % 2 != 0 ? HOURS_12 : HOURS_24;

	if (utf8_valid(text) && recur_fill(&out, text, at, zone, hours) == RES_OK)
		must(utf8_valid(buf_as_span(&out)));
	buf_free(&out);
}

/*
 * Eight bytes are the place, the minimum and the start, the next two from when on occurrences are
 * asked for; the rest is the rule.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const char *const places[] = { "UTC", "Europe/Berlin", "America/New_York",
		"Pacific/Apia", "-09:30", "Australia/Lord_Howe", "Africa/Casablanca" };
	static const int64_t minimums[] = { 0, MINUTE_MS, 15 * MINUTE_MS, HOUR_MS, 7 * DAY_MS };
	struct buf why = { .max = 4096 };
	struct recur r, again;
	struct zone zone;

	if (len < 10 || zone_find(&zone, span_of(places[bytes[0] % 7])) != RES_OK)
		return 0;
	const struct civil start = { .year = 1969 + bytes[2] % 233, .month = bytes[3] % 14,
		.day = bytes[4] % 33, .hour = bytes[5] % 25, .minute = bytes[6] % 61,
		.second = bytes[7] % 61 };
	const int64_t given_ms = minimums[bytes[1] % 5];
	const struct span text = { (const char *)bytes + 10, len - 10 };
	enum res res = recur_parse(&r, text, &zone, &start, given_ms, &why);
	must(!why.failed && xml_text_valid(buf_as_span(&why)) && (res == RES_OK) == (why.len == 0));
	if (res == RES_OK) {
		const int64_t min_ms = given_ms > 0 ? given_ms : MINUTE_MS;
		must(recur_parse(&again, span_of(r.rule), &zone, &start, given_ms, &why) == RES_OK);
		must(strcmp(again.rule, r.rule) == 0);
		check_occurrences(&r, &zone, &start, min_ms, INT64_MIN);
		/* The operator has raised the minimum since. */
		const int64_t after = ((int64_t)bytes[8] * 256 + bytes[9]) * 31 * HOUR_MS;
		check_occurrences(&r, &zone, &start, min_ms * (1 + bytes[9] % 5), after);
		check_words(&zone, after, text);
	}
	buf_free(&why);
	return 0;
}
