/*
 * Time zones: between UTC instants and the wall clock of a place (libical, which reads the system's
 * zoneinfo).
 */
#ifndef LATERD_CORE_ZONE_H
#define LATERD_CORE_ZONE_H

#include <stdint.h>

#include "base/buf.h"

#define ZONE_NAME_MAX 63

/* A value: copy it freely.  name is the IANA name, "UTC" or an offset as "+02:00". */
struct zone {
	char name[ZONE_NAME_MAX + 1];
	const void *ical;     /* NULL for a fixed offset */
	int32_t offset_s;     /* the fixed offset, east of UTC */
};

/* A reading of the wall clock, proleptic Gregorian. */
struct civil {
	int year, month, day;     /* month and day from 1 */
	int hour, minute, second; /* 0..23, 0..59, 0..59 */
	int weekday;              /* 0 is Sunday; ignored on input */
	int32_t offset_s;         /* east of UTC; ignored on input */
};

enum zone_fit { ZONE_ONCE, ZONE_SKIPPED, ZONE_DOUBLED };

/*
 * The zone named: an IANA name in any case ("europe/berlin"), "UTC", "GMT", "Z", or an offset
 * "+02:00", "+0200", "+02" within +-14:00.  RES_NOTFOUND for anything else; the name is checked
 * against a strict pattern before it becomes a path.
 */
enum res zone_find(struct zone *out, struct span name);

/*
 * The reading of the wall clock at an instant, with its weekday and offset.  Until 2037 it is what
 * glibc says; after that libical misses the rules of some zones (Lord Howe, Chatham, St. John's,
 * Nuuk, Cairo among them), and before 1970 and after 2199 the offset is a guess.
 */
void zone_civil(const struct zone *zone, int64_t utc_ms, struct civil *out);

/*
 * The instant of a reading.  A doubled hour gives the first of the two, a skipped one the instant
 * at which the clock jumps. Years 1970 to 2199; a reading that is no date (31 February, 24:00) is
 * RES_INVALID.
 */
enum res zone_instant(
    const struct zone *zone, const struct civil *reading, int64_t *utc_ms, enum zone_fit *fit);

#endif
