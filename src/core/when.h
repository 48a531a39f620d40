/* The times people write, and times as people read them. */
#ifndef LATERD_CORE_WHEN_H
#define LATERD_CORE_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/zone.h"

#define WHEN_TEXT_MAX 200

struct when {
	int64_t at;       /* UTC, ms, whole seconds */
	struct zone zone; /* in which the text was read */
	bool zone_given;  /* by the text itself */
	bool relative;    /* to the moment of reading: read later, the text means another instant */
	bool doubled;     /* the clock shows this reading twice that day; at is the first */
};

/*
 * Read `text` as an instant after `now` (UTC, ms), in `zone` unless the text names one:
 *   YYYY-MM-DD HH:MM[:SS] [zone or offset], RFC 3339 (XEP-0082), in N seconds|minutes|hours|days,
 * in any case, and each with a zone or offset behind it.  Fractions of a second are cut; a day of
 * "in 2 days" is 24 hours. A pure function.  RES_INVALID with the reason in `why`, worded for the
 * person who wrote it and saying what to write instead: not understood, no such date, in the past,
 * a date without a time, an unknown zone, an hour that the change to summer time skips.
 */
enum res when_parse(
    struct when *out, struct span text, int64_t now, const struct zone *zone, struct buf *why);

/*
 * "Thu 2026-12-24 18:00 (Europe/Berlin, +01:00)", or "(UTC)", "(+02:00)"; seconds only when they
 * are not zero.
 */
enum res when_print(struct buf *out, int64_t at, const struct zone *zone);
/* XEP-0082 DateTime in UTC: "2026-12-24T17:00:00Z". */
enum res when_print_utc(struct buf *out, int64_t at);
/*
 * A text that when_parse reads back to the same instant whatever the zone it is given: for
 * prefilled forms.
 */
enum res when_print_exact(struct buf *out, int64_t at, const struct zone *zone);
/*
 * A length of time in its two largest units: "3 days 4 hours", "1 minute 30 seconds", "3 days", "0
 * seconds".
 */
enum res when_print_wait(struct buf *out, int64_t wait_ms);

#endif
