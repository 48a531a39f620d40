#include "base/clock.h"
#include "base/parse.h"
#include "core/when_private.h"

#define DAY_LAST 31

static enum fit
say_twice(const struct frame *f, const char *what)
{
	buf_printf(f->why, "there are two %s: write for example ", what);
	when_print_ahead(f->why, f, 1);
	buf_text(f->why, " 18:00");
	return FIT_BAD;
}

/* -- Dates ------------------------------------------------------------------------------------- */

static enum fit
set_date(struct scan *s, struct span in, const struct civil *c)
{
	struct reading *r = s->r;

	if (r->day != DAY_UNSAID || r->weekday > WEEKDAY_ANY)
		return say_twice(s->f, "days");
	r->day = DAY_DATE;
	r->year_given = c->year >= 0;
	r->civil.year = r->year_given ? c->year : 0;
	r->civil.month = c->month;
	r->civil.day = c->day;
	s->in = in;
	return FIT_YES;
}

/* 2026-12-24; a T and a time may follow at once (RFC 3339). */
static enum fit
date_iso(struct scan *s)
{
	struct span in = s->in;
	struct civil c;

	if (!when_take_number(&in, 4, 4, &c.year) || !take_char(&in, '-') ||
	    !when_take_number(&in, 2, 2, &c.month) || !take_char(&in, '-') ||
	    !when_take_number(&in, 2, 2, &c.day))
		return FIT_NO;
	if (set_date(s, in, &c) == FIT_BAD)
		return FIT_BAD;
	s->iso = true;
	if (!take_word(&in, "T"))
		return FIT_YES;
	if (in.len == 0)
		s->in = in;
	if (when_digits(in) != 2 || in.len < 3 || in.p[2] != ':')
		return FIT_YES;
	s->in = in;
	return when_time(s);
}

/* A year of four digits, behind white space or a comma. */
static bool
take_year(struct span *in, int *year)
{
	struct span at = *in;
	bool pm;

	bool apart = take_space(&at, 0) && at.p != in->p;
	if (take_char(&at, ','))
		apart = take_space(&at, 0);
	if (!apart || !when_take_number(&at, 4, 4, year) || *year < WHEN_YEAR_FIRST)
		return false;
	struct span behind = at;
	if ((at.len > 0 && at.p[0] != ',' && at.p[0] != '(' && !take_space(&behind, 1)) ||
	    when_take_meridiem(&behind, &pm))
		return false;
	*in = at;
	return true;
}

/* 24.12.2026, 24.12. */
static enum fit
date_dotted(struct scan *s)
{
	struct span in = s->in;
	struct civil c;

	if (!when_take_number(&in, 1, 2, &c.day) || !take_char(&in, '.') || !take_space(&in, 0) ||
	    !when_take_number(&in, 1, 2, &c.month) || !take_char(&in, '.'))
		return FIT_NO;
	if (when_digits(in) == 4)
		when_take_number(&in, 4, 4, &c.year);
	else if (when_digits(in) > 0)
		return FIT_NO;
	else if (!take_year(&in, &c.year))
		c.year = -1;
	return set_date(s, in, &c);
}

static const struct word ordinals[] = {
	{ "st", 0 }, { "nd", 0 }, { "rd", 0 }, { "th", 0 }, { NULL, 0 },
};

static enum fit
say_month_missing(const struct frame *f, int day)
{
	buf_printf(f->why, "a month is missing: write %d January 18:00, or another month", day);
	return FIT_BAD;
}

/* 24 December 2026, 24. Dec, the 24th of December */
static enum fit
date_day_month(struct scan *s)
{
	struct span in = s->in;
	struct civil c;
	int ignored;

	if (when_take(&in, "the") && !take_space(&in, 1))
		return FIT_NO;
	if (!when_take_number(&in, 1, 2, &c.day))
		return FIT_NO;
	bool ordinal = when_take_listed(&in, ordinals, &ignored);
	if (!ordinal)
		take_char(&in, '.');
	take_space(&in, 0);
	if (ordinal && when_take(&in, "of"))
		take_space(&in, 1);
	if (!when_take_short(&in, when_months, &c.month))
		return ordinal && c.day >= 1 && c.day <= DAY_LAST ? say_month_missing(s->f, c.day)
								  : FIT_NO;
	if (!take_year(&in, &c.year))
		c.year = -1;
	return set_date(s, in, &c);
}

/* December 24, 2026 */
static enum fit
date_month_day(struct scan *s)
{
	struct span in = s->in, name = when_letters(s->in);
	struct civil c;
	int ignored;

	if (!when_take_short(&in, when_months, &c.month))
		return FIT_NO;
	take_space(&in, 0);
	if (!when_take_number(&in, 1, 2, &c.day) || when_time_follows(in)) {
		buf_printf(s->f->why,
		    "the day of the month is missing: write 1 %.*s 18:00, or another day",
		    (int)name.len, name.p);
		return FIT_BAD;
	}
	when_take_listed(&in, ordinals, &ignored);
	if (!take_year(&in, &c.year))
		c.year = -1;
	return set_date(s, in, &c);
}

enum fit
when_date(struct scan *s)
{
	static enum fit (*const forms[])(struct scan *s) = {
		date_iso,
		date_dotted,
		date_day_month,
		date_month_day,
	};
	enum fit fit = FIT_NO;

	for (size_t i = 0; fit == FIT_NO && i < sizeof(forms) / sizeof(forms[0]); i++)
		fit = forms[i](s);
	return fit;
}

/* -- Times of the clock ------------------------------------------------------------------------ */

static enum fit
say_two_digits(const struct frame *f)
{
	buf_text(f->why, "a time has two digits for minutes and seconds: write for example 18:05");
	return FIT_BAD;
}

/* Behind the hour; the fraction of a second is cut. */
static enum fit
take_minutes(const struct frame *f, struct span *in, struct civil *c)
{
	if (!when_take_number(in, 2, 2, &c->minute))
		return say_two_digits(f);
	if (!take_char(in, ':'))
		return FIT_YES;
	if (!when_take_number(in, 2, 2, &c->second))
		return say_two_digits(f);
	if (!take_char(in, '.'))
		return FIT_YES;
	size_t digits = when_digits(*in);
	if (digits == 0)
		return when_not_understood(f);
	when_skip(in, digits);
	return FIT_YES;
}

/* Of the 12-hour clock: 12 am is midnight, 12 pm is noon. */
static enum fit
take_half(const struct frame *f, struct span *in, struct civil *c)
{
	const int hour = c->hour;
	bool pm;

	if (!when_take_meridiem(in, &pm))
		return FIT_YES;
	if (hour >= 1 && hour <= 12) {
		c->hour = hour % 12 + (pm ? 12 : 0);
		return FIT_YES;
	}
	buf_printf(
	    f->why, "there is no time %d:%02d %s: write ", hour, c->minute, pm ? "pm" : "am");
	if (hour == 0)
		buf_printf(f->why, "00:%02d or 12:%02d am", c->minute % 60, c->minute % 60);
	else if (hour < 24)
		buf_printf(f->why, "%d:%02d or %d:%02d pm", hour, c->minute % 60, hour - 12,
		    c->minute % 60);
	else
		buf_text(f->why, "18:00 or 6:00 pm");
	return FIT_BAD;
}

/* The offset that RFC 3339 puts right behind the time. */
static enum fit
take_offset(struct scan *s, struct span *in)
{
	struct span offset = when_word(*in);
	struct reading *r = s->r;

	if (offset.len == 0)
		return FIT_YES;
	if (in->p[0] == '-' && !s->iso) {
		buf_text(s->f->why, "an offset from UTC comes behind a space: write for example "
				    "18:00 -05:00, and one time only");
		return FIT_BAD;
	}
	bool letter = span_caseeq(offset, SPAN("Z"));
	if (!(letter || in->p[0] == '+' || in->p[0] == '-') ||
	    zone_find(&r->zone, offset) != RES_OK)
		return when_not_understood(s->f);
	r->zone_given = true;
	when_skip(in, offset.len);
	return FIT_YES;
}

static enum fit
set_time(struct scan *s, struct span in, const struct civil *c)
{
	struct reading *r = s->r;

	if (r->timed)
		return say_twice(s->f, "times");
	r->timed = true;
	r->civil.hour = c->hour;
	r->civil.minute = c->minute;
	r->civil.second = c->second;
	s->in = in;
	return FIT_YES;
}

/*
 * Behind the hour and its colon.  A lenient scan passes what is no time but cannot be meant
 * otherwise: 18:5, 13 pm, 9:00-10:00.
 */
static enum fit
take_rest_of_time(struct scan *s, struct span *in, struct civil *c, bool colon)
{
	bool wrong = false;

	if (colon && take_minutes(s->f, in, c) == FIT_BAD) {
		if (!s->lenient || when_digits(*in) == 0)
			return FIT_BAD;
		when_skip(in, when_digits(*in));
		wrong = true;
	}
	if (take_half(s->f, in, c) == FIT_BAD) {
		if (!s->lenient)
			return FIT_BAD;
		wrong = true;
	}
	if (take_offset(s, in) == FIT_BAD) {
		struct span word = when_word(*in);
		if (!s->lenient || (word.p[0] != '-' && word.p[0] != '+') ||
		    word.p[word.len - 1] == ':')
			return FIT_BAD;
		when_skip(in, word.len);
		wrong = true;
	}
	s->r->objected = s->r->objected || wrong;
	return FIT_YES;
}

/* 18:00, 6:30:05 pm, 6 p.m., at 8, noon, midnight */
enum fit
when_time(struct scan *s)
{
	static const struct word names[] = { { "midnight", 0 }, { "noon", 12 }, { NULL, 0 } };
	struct span in = s->in;
	struct civil c = { .hour = 0 };

	if (when_take_listed(&in, names, &c.hour))
		return set_time(s, in, &c);
	if (!when_take_number(&in, 1, 2, &c.hour))
		return FIT_NO;
	bool colon = take_char(&in, ':');
	if (!colon && !when_time_follows(in) && !(s->at && when_ends(in)))
		return FIT_NO;
	if (take_rest_of_time(s, &in, &c, colon) == FIT_BAD)
		return FIT_BAD;
	return set_time(s, in, &c);
}

/* -- Days -------------------------------------------------------------------------------------- */

static enum fit
set_ahead(struct scan *s, struct span in, int days, bool tonight)
{
	struct reading *r = s->r;

	if (r->day != DAY_UNSAID || r->weekday > WEEKDAY_ANY)
		return say_twice(s->f, "days");
	r->day = DAY_AHEAD;
	r->ahead = days;
	r->tonight = tonight;
	s->in = in;
	return FIT_YES;
}

/* [the] day after tomorrow */
static bool
take_day_after(struct span *in)
{
	struct span at = *in;

	if (when_take(&at, "the") && !take_space(&at, 1))
		return false;
	if (!when_take(&at, "day") || !take_space(&at, 1) || !when_take(&at, "after") ||
	    !take_space(&at, 1) || !when_take(&at, "tomorrow"))
		return false;
	*in = at;
	return true;
}

/* today, tonight, tomorrow, the day after tomorrow, [this|next] friday */
enum fit
when_day(struct scan *s)
{
	static const struct word whichs[] = {
		{ "this", WEEKDAY_THIS }, { "next", WEEKDAY_NEXT }, { NULL, 0 },
	};
	struct reading *r = s->r;
	struct span in = s->in, name = when_letters(s->in);
	int value, which = WEEKDAY_ANY;

	if (take_day_after(&in))
		return set_ahead(s, in, 2, false);
	if (when_take_listed(&in, when_days, &value))
		return set_ahead(s, in, value, span_caseeq(name, SPAN("tonight")));
	bool chosen = when_take_listed(&in, whichs, &which);
	if (chosen)
		take_space(&in, 0);
	if (!when_take_short(&in, when_weekdays, &value))
		return chosen ? when_refuse_at(s, in) : FIT_NO;
	if (r->weekday != WEEKDAY_UNSAID || (r->day != DAY_UNSAID && chosen))
		return say_twice(s->f, "days");
	r->weekday = (enum said_weekday)which;
	r->civil.weekday = value;
	s->in = in;
	return FIT_YES;
}
