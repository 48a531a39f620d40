#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "core/when.h"

#define YEAR_FIRST 1970 /* as zone_instant has it */
#define YEAR_LAST  2199
#define COUNT_MAX  999999
#define COUNT_LEN  6

static const struct zone utc = { .name = "UTC" };

/*
 * What a form found: a length of time from now, or a reading of the clock, and perhaps the zone it
 * is of.
 */
struct reading {
	bool relative;
	int64_t wait_ms;
	struct civil civil;
	bool zone_given;
	struct zone zone;
};

/* What a text is measured against. */
struct frame {
	int64_t now;
	const struct zone *zone;
	struct buf *why;
};

/*
 * FIT_NO: another form may fit, and *in is unchanged.  FIT_YES: *in is what stands behind the form.
 * FIT_BAD: it is meant to be this form but is wrong, and `why` says how.
 */
enum fit { FIT_NO, FIT_YES, FIT_BAD };

static void
print_date(struct buf *out, const struct civil *c)
{
	buf_printf(out, "%04d-%02d-%02d", c->year, c->month, c->day);
}

static void
print_time(struct buf *out, const struct civil *c)
{
	buf_printf(out, "%02d:%02d", c->hour, c->minute);
	if (c->second != 0)
		buf_printf(out, ":%02d", c->second);
}

static void
print_reading(struct buf *out, const struct civil *c)
{
	print_date(out, c);
	buf_text(out, " ");
	print_time(out, c);
}

/* The examples are of tomorrow, so that they work when they are copied. */
static void
say_examples(const struct frame *f, const char *problem)
{
	struct civil c;
	struct buf date = { .max = 32 };

	zone_civil(f->zone, f->now + DAY_MS, &c);
	print_date(&date, &c);
	buf_printf(f->why,
	    "%s: write for example %s 18:00, %s 18:00 Europe/Berlin, %sT18:00:00Z or in 20 minutes",
	    problem, buf_str(&date), buf_str(&date), buf_str(&date));
	buf_free(&date);
}

static enum fit
not_understood(const struct frame *f)
{
	say_examples(f, "this time is not understood");
	return FIT_BAD;
}

static void
say_past(const struct frame *f, const struct civil *c, const struct zone *zone)
{
	print_reading(f->why, c);
	buf_text(f->why, " is in the past: it is now ");
	when_print(f->why, f->now, zone);
}

static void
say_too_far(const struct frame *f)
{
	buf_printf(f->why, "this is too far away: the last year is %d", YEAR_LAST);
}

/* -- The forms --------------------------------------------------------------------------------- */

static bool
take_number(struct span *in, unsigned digits, int *value)
{
	int64_t n;

	if (!take_digits(in, digits, digits, &n))
		return false;
	*value = (int)n;
	return true;
}

/* HH:MM[:SS[.fraction]]; what it counts to is not checked here. */
static bool
take_time(struct span *in, struct civil *c)
{
	int64_t fraction;

	if (!take_number(in, 2, &c->hour) || !take_char(in, ':') || !take_number(in, 2, &c->minute))
		return false;
	if (!take_char(in, ':'))
		return true;
	if (!take_number(in, 2, &c->second))
		return false;
	if (!take_char(in, '.'))
		return true;
	if (!take_digits(in, 1, 1, &fraction))
		return false;
	while (take_digits(in, 1, 1, &fraction))
		;
	return true;
}

static bool
is_day(const struct civil *c)
{
	struct civil noon = { .year = 2000, .month = c->month, .day = c->day, .hour = 12 };
	enum zone_fit fit;
	int64_t at;

	/* 29 February depends on the year, and 2000 had one. */
	if (c->year >= YEAR_FIRST && c->year <= YEAR_LAST)
		noon.year = c->year;
	return zone_instant(&utc, &noon, &at, &fit) == RES_OK;
}

static enum fit
check_civil(const struct frame *f, const struct civil *c)
{
	if (!is_day(c)) {
		buf_text(f->why, "there is no day ");
		print_date(f->why, c);
		return FIT_BAD;
	}
	if (c->hour > 23 || c->minute > 59 || c->second > 59) {
		buf_text(f->why, "there is no time ");
		print_time(f->why, c);
		buf_text(f->why, ": the last of a day is 23:59:59");
		return FIT_BAD;
	}
	if (c->year > YEAR_LAST) {
		say_too_far(f);
		return FIT_BAD;
	}
	return FIT_YES;
}

/* The offset that RFC 3339 puts right behind the time. */
static enum fit
take_offset(const struct frame *f, struct span *in, struct reading *r)
{
	struct span offset = { in->p, 0 };

	while (offset.len < in->len && in->p[offset.len] != ' ')
		offset.len++;
	if (offset.len == 0)
		return FIT_YES;
	bool letter = span_caseeq(offset, SPAN("Z"));
	if (!(letter || in->p[0] == '+' || in->p[0] == '-') ||
	    zone_find(&r->zone, offset) != RES_OK)
		return not_understood(f);
	r->zone_given = true;
	*in = (struct span){ in->p + offset.len, in->len - offset.len };
	return FIT_YES;
}

/* YYYY-MM-DD HH:MM[:SS], and RFC 3339. */
static enum fit
form_date(const struct frame *f, struct span *in, struct reading *r)
{
	struct span at = *in;
	struct civil *c = &r->civil;

	if (!take_number(&at, 4, &c->year) || !take_char(&at, '-') ||
	    !take_number(&at, 2, &c->month) || !take_char(&at, '-') ||
	    !take_number(&at, 2, &c->day))
		return FIT_NO;
	bool spaced = take_space(&at, 1) || take_word(&at, "T");
	bool time_follows = spaced && at.len > 0 && at.p[0] >= '0' && at.p[0] <= '9';
	if (at.len > 0 && !spaced)
		return not_understood(f);
	if (!time_follows) {
		if (check_civil(f, c) == FIT_BAD)
			return FIT_BAD;
		buf_text(f->why, "a time is missing: write ");
		print_date(f->why, c);
		buf_text(f->why, " 18:00");
		return FIT_BAD;
	}
	if (!take_time(&at, c))
		return not_understood(f);
	if (check_civil(f, c) == FIT_BAD || take_offset(f, &at, r) == FIT_BAD)
		return FIT_BAD;
	*in = at;
	return FIT_YES;
}

static const struct unit {
	const char *name;
	int64_t ms;
} units[] = {
	{ "s", SECOND_MS },
	{ "sec", SECOND_MS },
	{ "secs", SECOND_MS },
	{ "second", SECOND_MS },
	{ "seconds", SECOND_MS },
	{ "m", MINUTE_MS },
	{ "min", MINUTE_MS },
	{ "mins", MINUTE_MS },
	{ "minute", MINUTE_MS },
	{ "minutes", MINUTE_MS },
	{ "h", HOUR_MS },
	{ "hr", HOUR_MS },
	{ "hrs", HOUR_MS },
	{ "hour", HOUR_MS },
	{ "hours", HOUR_MS },
	/* 24 hours, whatever the clocks do meanwhile: who counts from now does not read a clock. */
	{ "d", DAY_MS },
	{ "day", DAY_MS },
	{ "days", DAY_MS },
};

static bool
take_unit(struct span *in, int64_t *ms)
{
	struct span word = { in->p, 0 };

	while (word.len < in->len && in->p[word.len] != ' ')
		word.len++;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (span_caseeq(word, span_of(units[i].name))) {
			*in = (struct span){ in->p + word.len, in->len - word.len };
			*ms = units[i].ms;
			return true;
		}
	return false;
}

/* in N seconds|minutes|hours|days */
static enum fit
form_in(const struct frame *f, struct span *in, struct reading *r)
{
	struct span at = *in;
	int64_t count, unit_ms;

	if (!take_word(&at, "in") || !take_space(&at, 1))
		return FIT_NO;
	if (!take_digits(&at, 1, COUNT_LEN, &count))
		return not_understood(f);
	if (count == 0 || (at.len > 0 && at.p[0] >= '0' && at.p[0] <= '9')) {
		buf_printf(f->why, "count from 1 to %d, as in 20 minutes", COUNT_MAX);
		return FIT_BAD;
	}
	take_space(&at, 0);
	if (!take_unit(&at, &unit_ms)) {
		buf_printf(f->why,
		    "a unit is missing: write in %lld minutes, or seconds, hours, days",
		    (long long)count);
		return FIT_BAD;
	}
	r->relative = true;
	r->wait_ms = count * unit_ms;
	*in = at;
	return FIT_YES;
}

static enum fit (*const forms[])(const struct frame *f, struct span *in, struct reading *r) = {
	form_date,
	form_in,
};

/* -- From a text to an instant ----------------------------------------------------------------- */

static enum fit
take_form(const struct frame *f, struct span *in, struct reading *r)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		*r = (struct reading){ .relative = false };
		enum fit fit = forms[i](f, in, r);
		if (fit != FIT_NO)
			return fit;
	}
	return not_understood(f);
}

static bool
is_printable(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return s.len > 0 && s.len <= ZONE_NAME_MAX;
}

/* What stands behind the form: nothing, or a zone. */
static enum fit
take_zone(const struct frame *f, struct span rest, struct reading *r)
{
	rest = span_trim(rest);
	if (rest.len == 0)
		return FIT_YES;
	if (r->zone_given || !is_printable(rest))
		return not_understood(f);
	if (zone_find(&r->zone, rest) != RES_OK) {
		buf_printf(f->why,
		    "the time zone %.*s is not known: write for example Europe/Berlin, UTC or "
		    "+02:00",
		    (int)rest.len, rest.p);
		return FIT_BAD;
	}
	r->zone_given = true;
	return FIT_YES;
}

static void
say_skipped(const struct frame *f, const struct civil *c, const struct zone *zone, int64_t jump_at)
{
	struct civil before, instead;
	int64_t at;
	enum zone_fit fit;

	/* What the clock shows when it would show c had it not jumped. */
	zone_civil(zone, jump_at - SECOND_MS, &before);
	if (zone_instant(&utc, c, &at, &fit) != RES_OK)
		return;
	zone_civil(zone, at - before.offset_s * SECOND_MS, &instead);
	buf_printf(f->why, "the clock in %s jumps over ", zone->name);
	print_time(f->why, c);
	buf_text(f->why, " on ");
	print_date(f->why, c);
	buf_text(f->why, "; write ");
	if (instead.day == c->day)
		print_time(f->why, &instead);
	else
		print_reading(f->why, &instead);
}

static enum fit
resolve(const struct frame *f, const struct reading *r, struct when *out)
{
	enum zone_fit fit = ZONE_ONCE;
	struct civil c = r->civil;

	*out = (struct when){ .zone = r->zone_given ? r->zone : *f->zone,
		.zone_given = r->zone_given };
	if (r->relative) {
		/* The next whole second: never earlier than what was asked for. */
		out->at = f->now + r->wait_ms + SECOND_MS - 1;
		out->at -= out->at % SECOND_MS;
		zone_civil(&utc, out->at, &c);
		if (c.year > YEAR_LAST) {
			say_too_far(f);
			return FIT_BAD;
		}
	} else if (c.year < YEAR_FIRST || zone_instant(&out->zone, &c, &out->at, &fit) != RES_OK)
		out->at = INT64_MIN;
	if (fit == ZONE_SKIPPED) {
		say_skipped(f, &c, &out->zone, out->at);
		return FIT_BAD;
	}
	if (out->at <= f->now) {
		say_past(f, &c, &out->zone);
		return FIT_BAD;
	}
	out->relative = r->relative;
	out->doubled = fit == ZONE_DOUBLED;
	return FIT_YES;
}

enum res
when_parse(
    struct when *out, struct span text, int64_t now, const struct zone *zone, struct buf *why)
{
	const struct frame f = { now, zone, why };
	struct reading r;

	if (text.len > WHEN_TEXT_MAX) {
		buf_printf(why, "a time has at most %d characters", WHEN_TEXT_MAX);
		return RES_INVALID;
	}
	text = span_trim(text);
	if (text.len == 0) {
		say_examples(&f, "a time is missing");
		return RES_INVALID;
	}
	if (take_form(&f, &text, &r) != FIT_YES || take_zone(&f, text, &r) != FIT_YES ||
	    resolve(&f, &r, out) != FIT_YES)
		return RES_INVALID;
	return RES_OK;
}

/* -- From an instant to a text ----------------------------------------------------------------- */

static enum res
outcome(const struct buf *out)
{
	return out->failed ? RES_NOMEM : RES_OK;
}

enum res
when_print(struct buf *out, int64_t at, const struct zone *zone)
{
	static const char *const weekdays[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	struct civil c;

	zone_civil(zone, at, &c);
	buf_printf(out, "%s ", weekdays[c.weekday % 7]);
	print_reading(out, &c);
	if (zone->ical == NULL)
		buf_printf(out, " (%s)", zone->name);
	else {
		int minutes = (c.offset_s < 0 ? -c.offset_s : c.offset_s) / 60;
		buf_printf(out, " (%s, %c%02d:%02d)", zone->name, c.offset_s < 0 ? '-' : '+',
		    minutes / 60, minutes % 60);
	}
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
	print_reading(out, &c);
	buf_printf(out, " %s", zone->name);
	return outcome(out);
}

enum res
when_print_wait(struct buf *out, int64_t wait_ms)
{
	static const struct unit parts[] = {
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
