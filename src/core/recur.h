/*
 * Recurrence: rules (RFC 5545 section 3.3.10) on the wall clock of a zone.  An occurrence keeps its
 * reading of the clock over changes to summer time and back: a reading that is skipped that day
 * moves by the gap (02:30 becomes 03:30, RFC 5545 section 3.3.5), of one that comes twice the first
 * counts.  What RFC 5545 leaves open: the start is an occurrence, and counted, only if the rule
 * says so; without BYDAY, BYWEEKNO names the start's weekday; with BYWEEKNO a year is that of its
 * weeks.
 */
#ifndef LATERD_CORE_RECUR_H
#define LATERD_CORE_RECUR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/when.h"

#define RECUR_RULE_MAX 255

/* A rule in canonical form ("FREQ=DAILY;COUNT=5", without "RRULE:"), a value; "": no recurrence. */
struct recur {
	char rule[RECUR_RULE_MAX + 1];
};

/* "2026-11-23T09:00:00": the reading of the clock that a rule counts from, for the store. */
#define RECUR_START_LEN 19
void recur_start_print(char out[RECUR_START_LEN + 1], const struct civil *start);
/* RES_PERMFAIL: it is none. */
enum res recur_start_parse(struct civil *out, const char *text);

/*
 * The words of the form: no, daily, weekdays (Monday to Friday), weekly (on the start's weekday),
 * monthly (on the start's day, or the last of a month that does not have it), yearly (29 February:
 * the last of February).  RES_NOTFOUND for any other.
 */
enum res recur_preset(struct recur *out, struct span word, const struct civil *start);
/* The word for a rule that recur_preset makes of this start; NULL for any other. */
const char *recur_preset_of(const struct recur *r, const struct civil *start);
/* The i-th of the words, with a label for people; NULL past the last. */
const char *recur_preset_word(size_t i, const char **label);

/*
 * Read a rule as people paste it: any case, with or without "RRULE:", UNTIL as a date (its whole
 * day), a local time or UTC.  RES_INVALID with the reason in `why`, worded for the person who wrote
 * it and saying what to write instead: no rule, a part that RFC 5545 does not know or a number out
 * of its range, FREQ=SECONDLY, COUNT with UNTIL or above RECUR_COUNT_MAX, no occurrence after the
 * start until 2199, occurrences less than min_ms or less than a minute apart, RSCALE and SKIP (RFC
 * 7529).  The time this takes, and that of every call below, is bounded whatever the rule is, and
 * does not grow with the age of the series.  out is written on RES_OK only; RES_NOMEM.
 */
#define RECUR_COUNT_MAX 1000
enum res recur_parse(struct recur *out, struct span text, const struct zone *zone,
    const struct civil *start, int64_t min_ms, struct buf *why);

/*
 * The first occurrence after `after` (UTC, ms; INT64_MIN: the first of all), counting from `start`.
 * Occurrences less than min_ms after the one before them are left out; which, does not depend on
 * `after`.  RES_NOTFOUND: there is none, or r is no rule.  Never gives the same or an earlier
 * instant.
 */
enum res recur_next(const struct recur *r, const struct zone *zone, const struct civil *start,
    int64_t min_ms, int64_t after, int64_t *at);
/* The same for up to max of them; how many there are. */
size_t recur_list(const struct recur *r, const struct zone *zone, const struct civil *start,
    int64_t min_ms, int64_t after, int64_t *at, size_t max);
/* The last occurrence in (after, upto].  RES_NOTFOUND. */
enum res recur_last(const struct recur *r, const struct zone *zone, const struct civil *start,
    int64_t min_ms, int64_t after, int64_t upto, int64_t *at);

/*
 * Append text with {date} ("2026-11-23") and {time} ("09:00", or "9:00 am" with HOURS_12) of an
 * occurrence in place of these words; all other braces stay.  RES_NOMEM, with out as it was.
 */
enum res recur_fill(
    struct buf *out, struct span text, int64_t at, const struct zone *zone, enum hours hours);

#endif
