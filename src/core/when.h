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
	bool relative;    /* read at another moment, the text may mean another instant */
	bool doubled;     /* the clock shows this reading twice that day; at is the first */
};

/*
 * Read `text` as an instant after `now` (UTC, ms), in `zone` unless the text names one.  In any
 * case, with white space where people put it, also such that does not break lines, optionally with
 * "at" and "on" and commas:
 *
 *   absolute  2026-12-24 18:00[:SS], RFC 3339 (XEP-0082), 24.12.2026 18:00, 24 Dec 2026 6 pm,
 *             the 24th of December 2026 18:00, December 24 2026 at 18:00; without a year
 *             (24.12. 18:00, 24 Dec 18:00) the next such day
 *   time      18:00, 6 pm, 6:30pm, 6 p.m., noon, midnight, at 8 (the 24-hour clock): today, or
 *             tomorrow when that is past
 *   day       today, tonight (17:00 to 23:59), tomorrow, the day after tomorrow, fri, friday (the
 *             next that is not past, perhaps today), this friday (the same, and refused when past),
 *             next friday (the first after today), each with a time before or behind it; midnight
 *             is the beginning of the day named
 *   length    in 20 minutes, 20 minutes, 2h30m, in 2 hours and 30 minutes, in an hour, in half an
 *             hour, in 1 week, 1 day 2 hours, now; s, min, h, d, w and their words
 *
 * and each with a zone behind it: an IANA name, UTC, an offset, bare or in parentheses.  A weekday
 * beside a date must be that date's.  What when_print and when_print_exact write is read back to
 * the same instant; in "(Europe/Berlin, +01:00)" the offset tells the two readings of a doubled
 * hour apart, and is refused when that place does not have it then.  A time or a weekday without a
 * date is when the clock shows it next, be it for the second time.  Fractions of a second are cut;
 * a day of a length is 24 hours.  A pure function.
 *
 * RES_INVALID with the reason in `why`, in printable ASCII, worded for the person who wrote it, and
 * saying "write ..." with a text that is accepted, unless the clock jumps over it: not understood,
 * no such date or time (13 pm, 24:00, 31 February), in the past, a date without a time, 03/04/2026
 * and the like (which day and which month?), 1800 hours (at or in?), a weekday that is not the
 * date's, a length without a unit or in months or years, an unknown zone, an hour that the change
 * to summer time skips.
 */
enum res when_parse(
    struct when *out, struct span text, int64_t now, const struct zone *zone, struct buf *why);

/*
 * How many bytes at the beginning of `text` are a time, for lines in which something follows it: the
 * longest run of whole words, of WHEN_TEXT_MAX bytes at most, that when_parse would understand,
 * whatever it has against it (in the past, ambiguous, skipped, a part is missing); without white
 * space at its end, and without a mark (, : ; .) that is no part of it.  A zone without a '/' counts
 * where it is written in capitals, or is UTC, GMT or Z: "9:00 Japan trip" is about a trip.  0: none.
 * A pure function.
 */
size_t when_prefix(struct span text, int64_t now, const struct zone *zone);

/* How times are written for somebody.  Stored as numbers: append only. */
enum hours { HOURS_24 = 0, HOURS_12, HOURS_END };

/*
 * "Thu 2026-12-24 18:00 (Europe/Berlin, +01:00)", or "(UTC)", "(+02:00)"; seconds only when they
 * are not zero.  With HOURS_12 "6:00 pm" in place of "18:00".
 */
enum res when_print(struct buf *out, int64_t at, const struct zone *zone, enum hours hours);
/* The time alone, as it stands there. */
enum res when_print_time(struct buf *out, int64_t at, const struct zone *zone, enum hours hours);
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
