/* What the tests of times share: zones by name, and instants as texts. */
#ifndef LATERD_TESTS_WHEN_TEXT_H
#define LATERD_TESTS_WHEN_TEXT_H

#include <time.h>

#include "base/clock.h"
#include "core/when.h"

static inline struct zone
zone_named(const char *name)
{
	struct zone z;

	assert_int_equal(zone_find(&z, span_of(name)), RES_OK);
	return z;
}

static inline int64_t
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

/* "2026-12-24T17:00:00Z" */
static inline int64_t
instant(const char *text)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);

	assert_non_null(end);
	assert_int_equal(*end, '\0');
	return timegm(&tm) * SECOND_MS;
}

#endif
