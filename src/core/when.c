#include "base/clock.h"
#include "base/parse.h"
#include "core/when_private.h"

#define EXAMPLE_HOUR	18
#define EVENING_HOUR	17 /* from here on it is tonight */
#define LEAP_YEARS_WAIT 8  /* from 29 February to the next, at the most */
#define WEEK_DAYS	7

static const struct zone utc = { .name = "UTC" };

/* A reading of the clock in a zone, tried. */
struct attempt {
	struct civil civil;
	enum zone_fit fit;
	int64_t at;     /* zone_instant; INT64_MIN where it is before all that is known */
	int64_t second; /* of a doubled hour, else INT64_MIN */
	bool off;       /* the clock there does not have the offset that was said */
	int32_t offset_s;
};

/* -- Words ------------------------------------------------------------------------------------- */

void
when_print_ahead(struct buf *out, const struct frame *f, int days)
{
	struct civil c;

	zone_civil(f->zone, f->now + days * DAY_MS, &c);
	when_print_date(out, &c);
}

void
when_say_examples(const struct frame *f, const char *problem)
{
	struct buf date = { .max = 32 };

	when_print_ahead(&date, f, 1);
	buf_printf(f->why,
	    "%s: write for example %s 18:00, tomorrow 9:00, fri 17:30, in 20 minutes or %s 18:00 "
	    "Europe/Berlin",
	    problem, buf_str(&date), buf_str(&date));
	buf_free(&date);
}

/* An example must name the zone that the text named. */
static void
add_zone(const struct frame *f, const struct reading *r)
{
	if (r->zone_given)
		buf_printf(f->why, " %s", r->zone.name);
}

/* As somebody wrote it: the year may be unsaid. */
static void
print_day(struct buf *out, const struct reading *r, const struct civil *c)
{
	if (r->day == DAY_DATE && !r->year_given)
		buf_printf(out, "%d.%d.", c->day, c->month);
	else
		when_print_date(out, c);
}

static void
say_too_far(const struct frame *f)
{
	buf_printf(f->why, "this is too far away, the last year is %d: write for example ",
	    WHEN_YEAR_LAST);
	when_print_ahead(f->why, f, 1);
	buf_text(f->why, " 18:00");
}

static void
say_past(const struct frame *f, const struct reading *r, const struct zone *zone,
    const struct attempt *a)
{
	const struct civil *c = &a->civil;
	struct frame there = *f;

	when_print_reading(f->why, c);
	buf_text(f->why, " is in the past: it is now ");
	when_print(f->why, f->now, zone, HOURS_24);
	if (a->second > f->now) {
		struct civil second;
		zone_civil(zone, a->second, &second);
		buf_text(f->why, "; the clock shows that time once more: write ");
		when_print_reading(f->why, c);
		buf_text(f->why, " ");
		when_print_offset(f->why, second.offset_s);
		return;
	}
	there.zone = zone;
	buf_text(f->why, "; write for example ");
	when_print_ahead(f->why, &there, 1);
	buf_text(f->why, " ");
	when_print_clock(f->why, c, HOURS_24);
	add_zone(f, r);
}

static void
say_skipped(const struct frame *f, const struct reading *r, const struct zone *zone,
    const struct attempt *a)
{
	const struct civil *c = &a->civil;
	struct civil before, instead;
	int64_t at;
	enum zone_fit fit;

	/* What the clock shows when it would show c had it not jumped. */
	zone_civil(zone, a->at - SECOND_MS, &before);
	if (zone_instant(&utc, c, &at, &fit) != RES_OK)
		return;
	zone_civil(zone, at - before.offset_s * SECOND_MS, &instead);
	buf_printf(f->why, "the clock in %s jumps over ", zone->name);
	when_print_clock(f->why, c, HOURS_24);
	buf_text(f->why, " on ");
	when_print_date(f->why, c);
	buf_text(f->why, "; write ");
	when_print_reading(f->why, &instead);
	add_zone(f, r);
}

static void
say_off(const struct frame *f, const struct reading *r, const struct attempt *a)
{
	buf_printf(f->why, "the clock in %s is then at ", r->zone.name);
	when_print_offset(f->why, a->offset_s);
	buf_text(f->why, " and not at ");
	when_print_offset(f->why, r->offset_s);
	buf_text(f->why, ": write ");
	when_print_reading(f->why, &a->civil);
	buf_printf(f->why, " %s, or ", r->zone.name);
	when_print_reading(f->why, &a->civil);
	buf_text(f->why, " ");
	when_print_offset(f->why, r->offset_s);
}

static const char *
weekday_name(int weekday)
{
	static const char *const names[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday",
		"Friday", "Saturday" };

	return names[weekday % WEEK_DAYS];
}

/* -- Days -------------------------------------------------------------------------------------- */

static bool
is_day(const struct civil *c)
{
	struct civil noon = { .year = 2000, .month = c->month, .day = c->day, .hour = 12 };
	enum zone_fit fit;
	int64_t at;

	/* 29 February depends on the year, and 2000 had one. */
	if (c->year >= WHEN_YEAR_FIRST && c->year <= WHEN_YEAR_LAST)
		noon.year = c->year;
	return zone_instant(&utc, &noon, &at, &fit) == RES_OK;
}

static void
set_day(struct civil *c, const struct civil *from, int days)
{
	struct civil noon = {
		.year = from->year, .month = from->month, .day = from->day, .hour = 12
	};
	enum zone_fit fit;
	int64_t at = 0;

	zone_instant(&utc, &noon, &at, &fit);
	zone_civil(&utc, at + days * DAY_MS, &noon);
	c->year = noon.year;
	c->month = noon.month;
	c->day = noon.day;
}

static int
weekday_of(const struct civil *c)
{
	struct civil noon = { .year = c->year, .month = c->month, .day = c->day, .hour = 12 };
	enum zone_fit fit;
	int64_t at = 0;

	zone_instant(&utc, &noon, &at, &fit);
	zone_civil(&utc, at, &noon);
	return noon.weekday;
}

/* How many days the reading may be meant to be on: the first that is not past counts. */
static int
count_candidates(const struct reading *r)
{
	if (r->day == DAY_DATE)
		return r->year_given ? 1 : LEAP_YEARS_WAIT + 1;
	if (r->day == DAY_AHEAD)
		return 1;
	return r->weekday == WEEKDAY_THIS || r->weekday == WEEKDAY_NEXT ? 1 : 2;
}

/* The i-th of them; false where there is no such day. */
static bool
candidate(const struct reading *r, const struct civil *today, int i, struct civil *c)
{
	*c = r->civil;
	if (r->day == DAY_DATE) {
		if (!r->year_given)
			c->year = today->year + i;
		return is_day(c);
	}
	int ahead = r->day == DAY_AHEAD ? r->ahead : i;
	if (r->day == DAY_UNSAID && r->weekday != WEEKDAY_UNSAID) {
		ahead = (r->civil.weekday - today->weekday + WEEK_DAYS) % WEEK_DAYS;
		ahead += i * WEEK_DAYS;
		if (ahead == 0 && r->weekday == WEEKDAY_NEXT)
			ahead = WEEK_DAYS;
	}
	set_day(c, today, ahead);
	return true;
}

/* -- Instants ---------------------------------------------------------------------------------- */

/* The second of the two instants that the clock shows a doubled reading at. */
static int64_t
second_of(const struct zone *zone, const struct civil *c, int64_t first)
{
	struct civil before, after, again;

	zone_civil(zone, first, &before);
	zone_civil(zone, first + DAY_MS, &after);
	int64_t at = first + (before.offset_s - after.offset_s) * SECOND_MS;
	zone_civil(zone, at, &again);
	bool same = again.hour == c->hour && again.minute == c->minute && again.second == c->second;
	return same && at > first ? at : INT64_MIN;
}

/* The offset beside the zone's name chooses between the two readings of a doubled hour. */
static void
heed_offset(struct attempt *a, const struct reading *r, const struct zone *zone)
{
	struct civil there;
	enum zone_fit fit;
	int64_t at;

	zone_civil(zone, a->at, &there);
	a->offset_s = there.offset_s;
	if (!r->offset_given || a->fit == ZONE_SKIPPED)
		return;
	a->off = true;
	if (zone_instant(&utc, &a->civil, &at, &fit) != RES_OK)
		return;
	at -= r->offset_s * SECOND_MS;
	zone_civil(zone, at, &there);
	if (there.offset_s != r->offset_s)
		return;
	a->off = false;
	a->at = at;
	a->fit = ZONE_ONCE;
	a->second = INT64_MIN;
}

static void
try_reading(
    struct attempt *a, const struct reading *r, const struct zone *zone, const struct civil *c)
{
	*a = (struct attempt){ .civil = *c, .at = INT64_MIN, .second = INT64_MIN };
	if (c->year < WHEN_YEAR_FIRST || zone_instant(zone, c, &a->at, &a->fit) != RES_OK)
		return;
	if (a->fit == ZONE_DOUBLED)
		a->second = second_of(zone, c, a->at);
	heed_offset(a, r, zone);
}

/* FIT_NO: it is past, and another day may do. */
static enum fit
judge(const struct frame *f, const struct reading *r, const struct attempt *a, struct when *out)
{
	if (a->civil.year > WHEN_YEAR_LAST) {
		say_too_far(f);
		return FIT_BAD;
	}
	if (a->fit == ZONE_SKIPPED && a->at > f->now) {
		say_skipped(f, r, &out->zone, a);
		return FIT_BAD;
	}
	if (a->off && a->at > f->now) {
		say_off(f, r, a);
		return FIT_BAD;
	}
	if (a->at > f->now) {
		out->at = a->at;
		out->doubled = a->fit == ZONE_DOUBLED;
		return FIT_YES;
	}
	if (a->second <= f->now)
		return FIT_NO;
	if (r->day != DAY_UNSAID || count_candidates(r) == 1) {
		say_past(f, r, &out->zone, a);
		return FIT_BAD;
	}
	/* "02:30" is when the clock shows it next. */
	out->at = a->second;
	return FIT_YES;
}

static enum fit
check_weekday(const struct frame *f, const struct reading *r, const struct attempt *a)
{
	int weekday = weekday_of(&a->civil);

	if (r->weekday == WEEKDAY_UNSAID || weekday == r->civil.weekday)
		return FIT_YES;
	when_print_date(f->why, &a->civil);
	buf_printf(f->why, " is a %s and not a %s: write ", weekday_name(weekday),
	    weekday_name(r->civil.weekday));
	when_print_reading(f->why, &a->civil);
	add_zone(f, r);
	buf_text(f->why, " if that is the day");
	return FIT_BAD;
}

/* -- The kinds of reading ---------------------------------------------------------------------- */

static enum fit
resolve_length(const struct frame *f, const struct reading *r, struct when *out)
{
	struct civil c;

	/* The next whole second: never earlier than what was asked for, and never now itself. */
	out->at = f->now + r->wait_ms + (r->wait_ms == 0 ? SECOND_MS : SECOND_MS - 1);
	out->at -= out->at % SECOND_MS;
	out->relative = true;
	zone_civil(&utc, out->at, &c);
	if (c.year <= WHEN_YEAR_LAST)
		return FIT_YES;
	say_too_far(f);
	return FIT_BAD;
}

static enum fit
missing_time(const struct frame *f, const struct reading *r, struct when *out)
{
	static const struct {
		int hour, minute;
	} hours[] = { { EXAMPLE_HOUR, 0 }, { 23, 59 } };
	struct buf why = { .max = 1024 };
	struct frame quiet = { f->now, f->zone, &why };
	struct reading timed = *r;
	enum fit fit = FIT_BAD;

	timed.timed = true;
	for (size_t i = 0; fit != FIT_YES && i < sizeof(hours) / sizeof(hours[0]); i++) {
		timed.civil.hour = hours[i].hour;
		timed.civil.minute = hours[i].minute;
		buf_reset(&why);
		fit = when_resolve(&quiet, &timed, out);
	}
	if (fit == FIT_YES) {
		struct civil c;
		zone_civil(&out->zone, out->at, &c);
		buf_text(f->why, "a time is missing: write ");
		when_print_reading(f->why, &c);
		add_zone(f, r);
	} else
		buf_text(f->why, buf_str(&why));
	buf_free(&why);
	return FIT_BAD;
}

/* "tonight at 8" is twelve hours later, and "tonight at 1" no longer today. */
static enum fit
say_no_evening(const struct frame *f, const struct reading *r)
{
	struct buf ignored = { .max = 1024 };
	struct frame quiet = { f->now, f->zone, &ignored };
	struct reading later = *r;
	struct when w;

	when_print_clock(f->why, &r->civil, HOURS_24);
	buf_text(f->why, " is not tonight: write ");
	if (r->civil.hour >= EVENING_HOUR - 12)
		later.civil.hour = r->civil.hour < 12 ? r->civil.hour + 12 : EXAMPLE_HOUR;
	bool tonight = later.civil.hour >= EVENING_HOUR &&
	    when_resolve(&quiet, &later, &w) == FIT_YES;
	buf_text(f->why, tonight ? "tonight " : "tomorrow ");
	when_print_clock(f->why, &later.civil, HOURS_24);
	add_zone(f, r);
	buf_free(&ignored);
	return FIT_BAD;
}

static enum fit
check_time(const struct frame *f, const struct reading *r)
{
	const struct civil *c = &r->civil;

	if (c->hour > 23 || c->minute > 59 || c->second > 59) {
		buf_text(f->why, "there is no time ");
		when_print_clock(f->why, c, HOURS_24);
		buf_text(f->why, ", a day ends at 23:59:59: write for example 23:59, or 00:00 of "
				 "the next day");
		return FIT_BAD;
	}
	return !r->tonight || c->hour >= EVENING_HOUR ? FIT_YES : say_no_evening(f, r);
}

static void
say_no_day(const struct frame *f, const struct reading *r)
{
	struct reading turned = *r;
	struct buf ignored = { .max = 1024 };
	struct frame quiet = { f->now, f->zone, &ignored };
	struct when w;

	buf_text(f->why, "there is no day ");
	print_day(f->why, r, &r->civil);
	turned.civil.day = r->civil.month;
	turned.civil.month = r->civil.day;
	if (is_day(&turned.civil) && when_resolve(&quiet, &turned, &w) == FIT_YES) {
		struct civil c;
		zone_civil(&w.zone, w.at, &c);
		buf_text(f->why, ", day and month may be exchanged: write ");
		when_print_reading(f->why, &c);
		add_zone(f, r);
	} else {
		buf_text(f->why, ": write for example ");
		when_print_ahead(f->why, f, 1);
		buf_text(f->why, " 18:00");
	}
	buf_free(&ignored);
}

enum fit
when_resolve(const struct frame *f, const struct reading *r, struct when *out)
{
	struct civil today, c;
	struct attempt a, first = { .at = INT64_MIN };
	enum fit fit = FIT_NO;
	int tried = 0;

	*out = (struct when){ .zone = r->zone_given ? r->zone : *f->zone,
		.zone_given = r->zone_given };
	if (r->length)
		return resolve_length(f, r, out);
	if (!r->timed)
		return missing_time(f, r, out);
	out->relative = r->day != DAY_DATE || !r->year_given;
	zone_civil(&out->zone, f->now, &today);
	for (int i = 0; fit == FIT_NO && i < count_candidates(r); i++) {
		if (!candidate(r, &today, i, &c))
			continue;
		if (tried == 0 && check_time(f, r) == FIT_BAD)
			return FIT_BAD;
		try_reading(&a, r, &out->zone, &c);
		fit = judge(f, r, &a, out);
		if (tried++ == 0)
			first = a;
	}
	if (tried == 0) {
		say_no_day(f, r);
		return FIT_BAD;
	}
	if (fit == FIT_NO) {
		say_past(f, r, &out->zone, &first);
		return FIT_BAD;
	}
	return fit == FIT_YES ? check_weekday(f, r, &a) : FIT_BAD;
}

enum res
when_parse(
    struct when *out, struct span text, int64_t now, const struct zone *zone, struct buf *why)
{
	const struct frame f = { now, zone, why };
	struct reading r = { .length = false };

	if (text.len > WHEN_TEXT_MAX) {
		buf_printf(why, "a time has at most %d characters: write for example in 20 minutes",
		    WHEN_TEXT_MAX);
		return RES_INVALID;
	}
	if (span_trim(text).len == 0) {
		when_say_examples(&f, "a time is missing");
		return RES_INVALID;
	}
	if (when_read(&f, text, &r) != FIT_YES || when_resolve(&f, &r, out) != FIT_YES)
		return RES_INVALID;
	return RES_OK;
}
