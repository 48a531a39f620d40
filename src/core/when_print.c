#include "base/clock.h"
#include "core/when_private.h"

static const struct zone utc = { .name = "UTC" };

static enum res
outcome(const struct buf *out)
{
	return out->failed ? RES_NOMEM : RES_OK;
}

void
when_print_date(struct buf *out, const struct civil *c)
{
	buf_printf(out, "%04d-%02d-%02d", c->year, c->month, c->day);
}

void
when_print_clock(struct buf *out, const struct civil *c, enum hours hours)
{
	if (hours == HOURS_12)
		buf_printf(out, "%d:%02d", c->hour % 12 == 0 ? 12 : c->hour % 12, c->minute);
	else
		buf_printf(out, "%02d:%02d", c->hour, c->minute);
	if (c->second != 0)
		buf_printf(out, ":%02d", c->second);
	if (hours == HOURS_12)
		buf_text(out, c->hour < 12 ? " am" : " pm");
}

void
when_print_reading(struct buf *out, const struct civil *c)
{
	when_print_date(out, c);
	buf_text(out, " ");
	when_print_clock(out, c, HOURS_24);
}

void
when_print_offset(struct buf *out, int32_t offset_s)
{
	int minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;

	buf_printf(out, "%c%02d:%02d", offset_s < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

enum res
when_print(struct buf *out, int64_t at, const struct zone *zone, enum hours hours)
{
	static const char *const weekdays[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	struct civil c;

	zone_civil(zone, at, &c);
	buf_printf(out, "%s ", weekdays[c.weekday % 7]);
	when_print_date(out, &c);
	buf_text(out, " ");
	when_print_clock(out, &c, hours);
	buf_printf(out, " (%s", zone->name);
	if (zone->ical != NULL) {
		buf_text(out, ", ");
		when_print_offset(out, c.offset_s);
	}
	buf_text(out, ")");
	return outcome(out);
}

enum res
when_print_time(struct buf *out, int64_t at, const struct zone *zone, enum hours hours)
{
	struct civil c;

	zone_civil(zone, at, &c);
	when_print_clock(out, &c, hours);
	return outcome(out);
}

enum res
when_print_utc(struct buf *out, int64_t at)
{
	struct civil c;

	zone_civil(&utc, at, &c);
	return buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", c.year, c.month, c.day, c.hour,
	    c.minute, c.second);
}

enum res
when_print_exact(struct buf *out, int64_t at, const struct zone *zone)
{
	struct civil c;
	enum zone_fit fit;
	int64_t back;

	zone_civil(zone, at, &c);
	/* The second pass through a doubled hour cannot be told by a reading. */
	if (zone_instant(zone, &c, &back, &fit) != RES_OK || back > at || at - back >= SECOND_MS)
		return when_print_utc(out, at);
	when_print_reading(out, &c);
	buf_printf(out, " %s", zone->name);
	return outcome(out);
}

enum res
when_print_wait(struct buf *out, int64_t wait_ms)
{
	static const struct unit {
		const char *name;
		int64_t ms;
	} parts[] = {
		{ "day", DAY_MS },
		{ "hour", HOUR_MS },
		{ "minute", MINUTE_MS },
		{ "second", SECOND_MS },
	};
	const size_t last = sizeof(parts) / sizeof(parts[0]) - 1;
	size_t i = 0;

	if (wait_ms < 0)
		wait_ms = 0;
	while (i < last && wait_ms < parts[i].ms)
		i++;
	int64_t n = wait_ms / parts[i].ms;
	buf_printf(out, "%lld %s%s", (long long)n, parts[i].name, n == 1 ? "" : "s");
	n = i < last ? wait_ms % parts[i].ms / parts[i + 1].ms : 0;
	if (n > 0)
		buf_printf(out, " %lld %s%s", (long long)n, parts[i + 1].name, n == 1 ? "" : "s");
	return outcome(out);
}
