#include <dirent.h>
#include <libical/ical.h>
#include <libical/icaltz-util.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/parse.h"
#include "core/zone.h"

#define YEAR_FIRST   1970
#define YEAR_LAST    2199
#define UTC_END	     ((int64_t)7258118400) /* 2200-01-01T00:00:00Z */
#define DAY_S	     ((int64_t)86400)
#define OFFSET_MAX_S (14 * 3600)
#define NAME_PARTS   3

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int32_t
offset_at(const struct zone *zone, int64_t utc_s)
{
	struct tm tm;

	if (zone->ical == NULL)
		return zone->offset_s;
	/* libical expands its rules up to the year that is asked for. */
	time_t when = utc_s < 0 ? 0 : utc_s >= UTC_END ? UTC_END - 1 : utc_s;
	if (gmtime_r(&when, &tm) == NULL)
		return 0;
	struct icaltimetype at = {
		.year = tm.tm_year + 1900,
		.month = tm.tm_mon + 1,
		.day = tm.tm_mday,
		.hour = tm.tm_hour,
		.minute = tm.tm_min,
		.second = tm.tm_sec,
		.zone = icaltimezone_get_utc_timezone(),
	};
	return icaltimezone_get_utc_offset_of_utc_time((icaltimezone *)zone->ical, &at, NULL);
}

static void
set_fixed(struct zone *out, int32_t offset_s)
{
	int minutes = offset_s < 0 ? -offset_s / 60 : offset_s / 60;

	*out = (struct zone){ .offset_s = offset_s };
	if (offset_s == 0)
		strcpy(out->name, "UTC");
	else
		snprintf(out->name, sizeof(out->name), "%c%02d:%02d", offset_s < 0 ? '-' : '+',
		    minutes / 60, minutes % 60);
}

/* +hh:mm, +hhmm or +hh. */
static bool
find_offset(struct zone *out, struct span name)
{
	bool west = take_char(&name, '-');
	int64_t hours, minutes = 0;

	if (!west && !take_char(&name, '+'))
		return false;
	if (!take_digits(&name, 2, 2, &hours))
		return false;
	bool colon = take_char(&name, ':');
	if ((colon || name.len > 0) && !take_digits(&name, 2, 2, &minutes))
		return false;
	int64_t offset = hours * 3600 + minutes * 60;
	if (name.len > 0 || minutes > 59 || offset > OFFSET_MAX_S)
		return false;
	set_fixed(out, (int32_t)(west ? -offset : offset));
	return true;
}

static bool
is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* [A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}: no dots, so no way out of the directory. */
static bool
is_zone_name(struct span name)
{
	size_t part = 0, parts = 1;

	if (name.len == 0 || name.len > ZONE_NAME_MAX || !is_letter(name.p[0]))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.p[i];
		if (c == '/') {
			if (part == 0 || ++parts > NAME_PARTS)
				return false;
			part = 0;
		} else if (is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '+' ||
		    c == '-')
			part++;
		else
			return false;
	}
	return part > 0;
}

/* Files of the system that are no names of IANA, or count leap seconds. */
static bool
is_foreign(struct span name)
{
	static const char *const foreign[] = { "posix/", "right/", "posixrules", "localtime",
		"Factory" };

	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		struct span in = name;
		if (take_word(&in, foreign[i]))
			return true;
	}
	return false;
}

/* libical's list is of zone.tab, and of what was asked for before. */
static icaltimezone *
find_listed(struct span name)
{
	icalarray *list = icaltimezone_get_builtin_timezones();

	for (size_t i = 0; list != NULL && i < list->num_elements; i++) {
		icaltimezone *zone = icalarray_element_at(list, i);
		const char *location = icaltimezone_get_location(zone);
		if (location != NULL && span_caseeq(name, span_of(location)))
			return zone;
	}
	return NULL;
}

/* One part of a name in the spelling of the file that it is, appended to path. */
static bool
append_spelt(struct buf *path, struct span part)
{
	char entry[NAME_MAX + 1] = "";
	struct dirent *de;
	DIR *dir = opendir(buf_str(path));

	if (dir == NULL)
		return false;
	while (entry[0] == '\0' && (de = readdir(dir)) != NULL)
		if (span_caseeq(part, span_of(de->d_name)))
			memcpy(entry, de->d_name, part.len + 1);
	closedir(dir);
	return entry[0] != '\0' && buf_printf(path, "/%s", entry) == RES_OK;
}

/*
 * Names that zone.tab lacks, such as "us/eastern".  Only after find_listed: libical adds such a
 * zone to its list each time it is asked by name, and would grow without end.
 */
static icaltimezone *
find_file(struct span name)
{
	struct buf path = { .max = PATH_MAX };
	icaltimezone *zone = NULL;
	const char *root = icaltzutil_get_zone_directory();

	if (root == NULL || buf_text(&path, root) != RES_OK)
		return NULL;
	size_t root_len = path.len;
	while (name.len > 0) {
		const char *slash = memchr(name.p, '/', name.len);
		struct span part = { name.p, slash != NULL ? (size_t)(slash - name.p) : name.len };
		if (!append_spelt(&path, part))
			break;
		size_t skip = part.len + (slash != NULL);
		name = (struct span){ name.p + skip, name.len - skip };
	}
	if (name.len == 0)
		zone = icaltimezone_get_builtin_timezone(path.p + root_len + 1);
	buf_free(&path);
	return zone;
}

enum res
zone_find(struct zone *out, struct span name)
{
	if (span_caseeq(name, SPAN("UTC")) || span_caseeq(name, SPAN("GMT")) ||
	    span_caseeq(name, SPAN("Z"))) {
		set_fixed(out, 0);
		return RES_OK;
	}
	if (find_offset(out, name))
		return RES_OK;
	if (!is_zone_name(name) || is_foreign(name))
		return RES_NOTFOUND;
	icaltimezone *zone = find_listed(name);
	if (zone == NULL)
		zone = find_file(name);
	/* Loads the rules, and the names anew; a zone of the list may have no file. */
	if (zone == NULL || icaltimezone_get_component(zone) == NULL)
		return RES_NOTFOUND;
	const char *location = icaltimezone_get_location(zone);
	if (location == NULL || strlen(location) > ZONE_NAME_MAX)
		return RES_NOTFOUND;
	*out = (struct zone){ .ical = zone };
	strcpy(out->name, location);
	return RES_OK;
}

void
zone_civil(const struct zone *zone, int64_t utc_ms, struct civil *out)
{
	int64_t utc_s = floor_div(utc_ms, SECOND_MS);
	int32_t offset = offset_at(zone, utc_s);
	time_t local = utc_s + offset;
	struct tm tm = { .tm_mday = 1 };

	gmtime_r(&local, &tm);
	*out = (struct civil){
		.year = tm.tm_year + 1900,
		.month = tm.tm_mon + 1,
		.day = tm.tm_mday,
		.hour = tm.tm_hour,
		.minute = tm.tm_min,
		.second = tm.tm_sec,
		.weekday = tm.tm_wday,
		.offset_s = offset,
	};
}

/* The reading as seconds since 1970 on a clock that is never changed. */
static enum res
count_seconds(const struct civil *c, int64_t *seconds)
{
	if (c->year < YEAR_FIRST || c->year > YEAR_LAST || c->month < 1 || c->month > 12 ||
	    c->day < 1 || c->day > 31 || c->hour < 0 || c->hour > 23 || c->minute < 0 ||
	    c->minute > 59 || c->second < 0 || c->second > 59)
		return RES_INVALID;
	struct tm tm = {
		.tm_year = c->year - 1900,
		.tm_mon = c->month - 1,
		.tm_mday = c->day,
		.tm_hour = c->hour,
		.tm_min = c->minute,
		.tm_sec = c->second,
	};
	*seconds = timegm(&tm);
	/* timegm makes 3 March of 31 February. */
	return tm.tm_mday == c->day ? RES_OK : RES_INVALID;
}

/* The first instant in (from, to] at which the offset no longer is that of `from`. */
static int64_t
find_change(const struct zone *zone, int64_t from, int64_t to)
{
	int32_t before = offset_at(zone, from);

	while (to - from > 1) {
		int64_t middle = from + (to - from) / 2;
		if (offset_at(zone, middle) == before)
			from = middle;
		else
			to = middle;
	}
	return to;
}

enum res
zone_instant(
    const struct zone *zone, const struct civil *reading, int64_t *utc_ms, enum zone_fit *fit)
{
	int64_t local;

	if (count_seconds(reading, &local) != RES_OK)
		return RES_INVALID;
	/* No offset is more than a day, so a change that matters lies between these two. */
	int64_t early = local - offset_at(zone, local - DAY_S);
	int64_t late = local - offset_at(zone, local + DAY_S);
	bool early_fits = early + offset_at(zone, early) == local;
	bool late_fits = late + offset_at(zone, late) == local;
	int64_t at = early_fits && (!late_fits || early < late) ? early : late;

	*fit = early_fits && late_fits && early != late ? ZONE_DOUBLED : ZONE_ONCE;
	if (!early_fits && !late_fits) {
		*fit = ZONE_SKIPPED;
		at = find_change(zone, local - DAY_S, local + DAY_S);
	}
	*utc_ms = at * SECOND_MS;
	return RES_OK;
}
