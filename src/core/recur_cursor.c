/*
 * The readings of the clock that a rule names.  A rule cuts the time into periods of its FREQ, of
 * which INTERVAL leaves every N-th; the BY parts name days and times of day in each (RFC 5545
 * section 3.3.10), and BYSETPOS chooses among them.  libical has an iterator for this, but its
 * constructor alone may search for a second or for ever, it is wrong for times of day under HOURLY
 * and MINUTELY, and it cannot go to a place in the middle of a series with COUNT.
 */
#include <string.h>

#include "core/recur_private.h"

#define DAY_S ((int64_t)86400)
#define BIT(n) ((uint64_t)1 << (n))
#define NO_PERIOD INT64_MIN

/* -- The calendar ------------------------------------------------------------------------------ */

struct date {
	int year, month, day;   /* from 1 */
	int year_day, year_len; /* from 1 */
	int month_len;
};

static const int month_ends[2][13] = {
	{ 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 },
	{ 0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366 },
};

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static bool
is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* The day on which a year begins, counted from that on which 1970 did. */
static int64_t
year_begin(int64_t year)
{
	int64_t y = year - 1;

	return y * 365 + floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400) - 719162;
}

static void
date_of(int64_t day, struct date *out)
{
	int64_t year = 1970 + floor_div(day * 400, 146097);

	/* The quotient is of mean years, so it may be one off. */
	while (year_begin(year) > day)
		year--;
	while (year_begin(year + 1) <= day)
		year++;
	const int *ends = month_ends[is_leap(year)];
	int before = (int)(day - year_begin(year)), month = before / 32 + 1;
	if (before >= ends[month])
		month++;
	*out = (struct date){
		.year = (int)year,
		.month = month,
		.day = before - ends[month - 1] + 1,
		.year_day = before + 1,
		.year_len = ends[12],
		.month_len = ends[month] - ends[month - 1],
	};
}

static int
weekday_of(int64_t day)
{
	return (int)(day + 4 - floor_div(day + 4, 7) * 7); /* 1 January 1970 was a Thursday */
}

/* The day on which week 1 begins: the first with at least four days in the year. */
static int64_t
weeks_begin(int64_t year, int week_start)
{
	int64_t fourth = year_begin(year) + 3;

	return fourth - (weekday_of(fourth) - week_start + 7) % 7;
}

/* The year whose week a day is in. */
static int64_t
week_year(int64_t day, int year, int week_start)
{
	if (day >= weeks_begin(year + 1, week_start))
		return year + 1;
	return day < weeks_begin(year, week_start) ? year - 1 : year;
}

int64_t
recur_seconds(const struct civil *c)
{
	int64_t day = year_begin(c->year) + month_ends[is_leap(c->year)][c->month - 1] + c->day - 1;

	return day * DAY_S + c->hour * 3600 + c->minute * 60 + c->second;
}

void
recur_civil(int64_t seconds, struct civil *out)
{
	int64_t day = floor_div(seconds, DAY_S);
	int rest = (int)(seconds - day * DAY_S);
	struct date d;

	date_of(day, &d);
	*out = (struct civil){
		.year = d.year,
		.month = d.month,
		.day = d.day,
		.hour = rest / 3600,
		.minute = rest / 60 % 60,
		.second = rest % 60,
		.weekday = weekday_of(day),
	};
}

bool
recur_is_reading(const struct civil *c)
{
	if (c->year < RECUR_YEAR_FIRST || c->year > RECUR_YEAR_LAST || c->month < 1 ||
	    c->month > 12 || c->hour < 0 || c->hour > 23 || c->minute < 0 || c->minute > 59 ||
	    c->second < 0 || c->second > 59)
		return false;
	const int *ends = month_ends[is_leap(c->year)];
	return c->day >= 1 && c->day <= ends[c->month] - ends[c->month - 1];
}

/* -- Days -------------------------------------------------------------------------------------- */

static bool
fits_weekday(const struct recur_cursor *c, int64_t day, const struct date *d)
{
	const struct recur_rule *r = &c->rule;
	int weekday = weekday_of(day);

	if ((r->weekdays & BIT(weekday)) != 0)
		return true;
	/* The N-th of the month, or of the year where no month is named. */
	bool of_month = r->freq == RECUR_MONTHLY || r->months != 0;
	int before = of_month ? d->day - 1 : d->year_day - 1;
	int len = of_month ? d->month_len : d->year_len;
	return recur_places_has(&r->nth[weekday], before / 7 + 1, (len - 1 - before) / 7 + 1);
}

static bool
fits_week(const struct recur_rule *r, int64_t day, const struct date *d)
{
	int64_t year = week_year(day, d->year, r->week_start);
	int64_t begin = weeks_begin(year, r->week_start);
	int64_t end = weeks_begin(year + 1, r->week_start);

	return recur_places_has(&r->weeks, (day - begin) / 7 + 1, (end - 1 - day) / 7 + 1);
}

/* Every BY part for days that the rule has allows the day. */
static bool
look_at(const struct recur_cursor *c, int64_t day)
{
	const struct recur_rule *r = &c->rule;
	struct date d;

	date_of(day, &d);
	return (r->months == 0 || (r->months & BIT(d.month)) != 0) &&
	    (!c->by_month_day ||
		recur_places_has(&r->month_days, d.day, d.month_len - d.day + 1)) &&
	    (!c->by_year_day ||
		recur_places_has(&r->year_days, d.year_day, d.year_len - d.year_day + 1)) &&
	    (!c->by_week || fits_week(r, day, &d)) && (!c->by_weekday || fits_weekday(c, day, &d));
}

static bool
fits(struct recur_cursor *c, int64_t day)
{
	if (day != c->fit_day) {
		c->fit = look_at(c, day);
		c->fit_day = day;
	}
	return c->fit;
}

/* -- Periods ----------------------------------------------------------------------------------- */

static int64_t
period_of(const struct recur_cursor *c, int64_t reading)
{
	int64_t day = floor_div(reading, DAY_S);
	struct date d;

	switch (c->rule.freq) {
	case RECUR_MINUTELY:
		return floor_div(reading, 60);
	case RECUR_HOURLY:
		return floor_div(reading, 3600);
	case RECUR_WEEKLY:
		return floor_div(day + 4 - c->rule.week_start, 7);
	case RECUR_MONTHLY:
		date_of(day, &d);
		return (int64_t)d.year * 12 + d.month - 1;
	case RECUR_YEARLY:
		date_of(day, &d);
		return c->by_week ? week_year(day, d.year, c->rule.week_start) : d.year;
	default:
		return day;
	}
}

/* The days [*from, *to) of a period of a day or more. */
static void
days_of(const struct recur_cursor *c, int64_t period, int64_t *from, int64_t *to)
{
	*from = period;
	*to = period + 1;
	if (c->rule.freq == RECUR_WEEKLY) {
		*from = period * 7 - 4 + c->rule.week_start;
		*to = *from + 7;
	} else if (c->rule.freq == RECUR_MONTHLY) {
		const int *ends = month_ends[is_leap(period / 12)];
		*from = year_begin(period / 12) + ends[period % 12];
		*to = year_begin(period / 12) + ends[period % 12 + 1];
	} else if (c->rule.freq == RECUR_YEARLY && c->by_week) {
		*from = weeks_begin(period, c->rule.week_start);
		*to = weeks_begin(period + 1, c->rule.week_start);
	} else if (c->rule.freq == RECUR_YEARLY) {
		*from = year_begin(period);
		*to = year_begin(period + 1);
	}
}

/* What BYSETPOS leaves of n: ups and downs are in order, and so are the two merged. */
static size_t
pick(struct recur_cursor *c, size_t n)
{
	size_t i = 0, j = 0, picked = 0;

	while (j < c->ndowns && c->downs[j] > n)
		j++;
	while (i < c->nups || j < c->ndowns) {
		size_t up = i < c->nups ? c->ups[i] - 1 : n;
		size_t down = j < c->ndowns ? n - c->downs[j] : n;
		size_t first = up < down ? up : down;
		if (first >= n)
			break;
		i += up == first;
		j += down == first;
		c->picked[picked++] = (uint32_t)first;
	}
	return picked;
}

/* Makes `period` the one that `reading_at` reads; false when it is empty. */
static bool
load(struct recur_cursor *c, int64_t period)
{
	int64_t from, to;

	if (c->period == period)
		return c->n > 0;
	c->period = period;
	c->ndays = 0;
	if (c->rule.freq == RECUR_MINUTELY) {
		c->minutes[0] = (uint8_t)(period % 60);
		c->hours[0] = (uint8_t)(period / 60 % 24);
		c->days[c->ndays++] = period / (24 * 60);
	} else if (c->rule.freq == RECUR_HOURLY) {
		c->hours[0] = (uint8_t)(period % 24);
		c->days[c->ndays++] = period / 24;
	} else {
		days_of(c, period, &from, &to);
		for (int64_t day = from; day < to; day++)
			if (fits(c, day))
				c->days[c->ndays++] = day;
	}
	c->n = c->ndays * c->nhours * c->nminutes * c->nseconds;
	if (c->nups + c->ndowns > 0)
		c->n = pick(c, c->n);
	return c->n > 0;
}

static int64_t
reading_at(const struct recur_cursor *c, size_t i)
{
	if (c->nups + c->ndowns > 0)
		i = c->picked[i];
	int64_t second = c->seconds[i % c->nseconds];
	i /= c->nseconds;
	int64_t minute = c->minutes[i % c->nminutes];
	i /= c->nminutes;
	int64_t hour = c->hours[i % c->nhours];
	return c->days[i / c->nhours] * DAY_S + hour * 3600 + minute * 60 + second;
}

/* How many readings of the period lie before `from`. */
static size_t
count_before(const struct recur_cursor *c, int64_t from)
{
	size_t low = 0, high = c->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (reading_at(c, middle) < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The next period in the direction `step` (1, -1), itself included, that INTERVAL leaves. */
static int64_t
align(const struct recur_cursor *c, int64_t period, int step)
{
	int64_t past = (period - c->base) % c->rule.interval;

	if (past == 0)
		return period;
	return step > 0 ? period + c->rule.interval - past : period - past;
}

/*
 * Where the search goes on from a period of HOURLY or MINUTELY that the BY parts do not allow: over
 * the day or the hour that is not allowed, so that few of those millions are looked at.
 */
static int64_t
leap(struct recur_cursor *c, int64_t period, int step)
{
	int64_t in_hour = c->rule.freq == RECUR_HOURLY ? 1 : 60, hour = period / in_hour;
	int64_t first = period, end = period + 1;

	if (!fits(c, hour / 24)) {
		first = hour / 24 * 24 * in_hour;
		end = first + 24 * in_hour;
	} else if ((c->hour_set & BIT(hour % 24)) == 0) {
		first = hour * in_hour;
		end = first + in_hour;
	} else if (in_hour == 1 || (c->minute_set & BIT(period % 60)) != 0)
		return period;
	return step > 0 ? end : first - 1;
}

/* Loads the first period from *period on, in that direction, that has any reading. */
static bool
seek(struct recur_cursor *c, int64_t *period, int step)
{
	const int64_t last = period_of(c, c->limit);
	int64_t at = align(c, *period, step);

	while (at >= c->base && at <= last) {
		int64_t next = c->rule.freq < RECUR_DAILY ? leap(c, at, step) : at;
		if (next != at) {
			if (next < c->base)
				return false;
			at = align(c, next, step);
		} else if (load(c, at)) {
			*period = at;
			return true;
		} else
			at += step * c->rule.interval;
	}
	return false;
}

bool
recur_cursor_up(struct recur_cursor *c, int64_t from, int64_t *reading)
{
	if (from < c->start)
		from = c->start;
	if (c->never || from > c->limit)
		return false;
	for (int64_t period = period_of(c, from); seek(c, &period, 1); period += c->rule.interval) {
		size_t i = count_before(c, from);
		if (i == c->n)
			continue;
		*reading = reading_at(c, i);
		return *reading <= c->limit;
	}
	return false;
}

bool
recur_cursor_down(struct recur_cursor *c, int64_t from, int64_t *reading)
{
	if (from > c->limit)
		from = c->limit;
	if (c->never || from < c->start)
		return false;
	for (int64_t period = period_of(c, from); seek(c, &period, -1);
	     period -= c->rule.interval) {
		size_t i = count_before(c, from + 1);
		if (i == 0)
			continue;
		*reading = reading_at(c, i - 1);
		return *reading >= c->start;
	}
	return false;
}

/* -- Beginning --------------------------------------------------------------------------------- */

static bool
any_weekday(const struct recur_rule *r)
{
	bool any = r->weekdays != 0;

	for (size_t i = 0; i < 7; i++)
		any = any || !recur_places_empty(&r->nth[i]);
	return any;
}

/* What a rule does not say is as the start has it. */
static void
complete_days(struct recur_cursor *c, const struct date *start, int weekday)
{
	struct recur_rule *r = &c->rule;

	c->by_week = !recur_places_empty(&r->weeks);
	c->by_year_day = !recur_places_empty(&r->year_days);
	c->by_month_day = !recur_places_empty(&r->month_days);
	c->by_weekday = any_weekday(r);
	if (c->by_year_day || c->by_month_day || c->by_weekday || r->freq < RECUR_WEEKLY)
		return;
	if (r->freq == RECUR_WEEKLY || c->by_week) {
		r->weekdays = BIT(weekday);
		c->by_weekday = true;
		return;
	}
	if (r->freq == RECUR_YEARLY && r->months == 0)
		r->months = BIT(start->month);
	recur_places_add(&r->month_days, start->day);
	c->by_month_day = true;
}

static size_t
list_set(uint8_t *out, uint64_t set)
{
	size_t n = 0;

	for (uint8_t i = 0; i < 60; i++)
		if ((set & BIT(i)) != 0)
			out[n++] = i;
	return n;
}

static void
complete_times(struct recur_cursor *c, const struct civil *start)
{
	const struct recur_rule *r = &c->rule;

	c->hour_set = r->hours;
	if (r->hours == 0)
		c->hour_set = r->freq < RECUR_DAILY ? BIT(24) - 1 : BIT(start->hour);
	c->minute_set = r->minutes;
	if (r->minutes == 0)
		c->minute_set = r->freq < RECUR_HOURLY ? BIT(60) - 1 : BIT(start->minute);
	c->nhours = list_set(c->hours, c->hour_set);
	c->nminutes = list_set(c->minutes, c->minute_set);
	c->nseconds = list_set(c->seconds, r->seconds != 0 ? r->seconds : BIT(start->second));
	/* A period has one of them, which `load` sets. */
	if (r->freq <= RECUR_HOURLY)
		c->nhours = 1;
	if (r->freq == RECUR_MINUTELY)
		c->nminutes = 1;
}

static void
list_positions(struct recur_cursor *c)
{
	for (uint32_t i = 1; i <= 366; i++)
		if (recur_places_has(&c->rule.positions, i, 0))
			c->ups[c->nups++] = i;
	for (uint32_t i = 366; i > 0; i--)
		if (recur_places_has(&c->rule.positions, 0, i))
			c->downs[c->ndowns++] = i;
}

static int64_t
common_divisor(int64_t a, int64_t b)
{
	while (b != 0) {
		int64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

/*
 * Whether every N hours or minutes never is at a time of day that the BY parts allow, or BYSETPOS
 * chooses none of the readings of a period of a day or less, which all have as many.
 */
static bool
never_meets(struct recur_cursor *c)
{
	int64_t in_hour = c->rule.freq == RECUR_HOURLY ? 1 : 60, in_day = 24 * in_hour;
	int64_t step = common_divisor(c->rule.interval, in_day);

	if (c->rule.freq <= RECUR_DAILY && c->nups + c->ndowns > 0 &&
	    pick(c, c->nhours * c->nminutes * c->nseconds) == 0)
		return true;
	if (c->rule.freq >= RECUR_DAILY)
		return false;
	for (int64_t at = c->base % step; at < in_day; at += step)
		if ((c->hour_set & BIT(at / in_hour)) != 0 &&
		    (in_hour == 1 || (c->minute_set & BIT(at % 60)) != 0))
			return false;
	return true;
}

/* Where COUNT ends the rule, unless the limit does. */
static int64_t
find_last(struct recur_cursor *c)
{
	size_t left = (size_t)c->rule.count;
	int64_t at = c->start;

	while (recur_cursor_up(c, at, &at)) {
		size_t i = count_before(c, at);
		if (left <= c->n - i) {
			at = reading_at(c, i + left - 1);
			break;
		}
		left -= c->n - i;
		at = reading_at(c, c->n - 1) + 1;
	}
	return at < c->limit ? at : c->limit;
}

enum res
recur_cursor_init(
    struct recur_cursor *c, const struct recur_rule *rule, const struct civil *start)
{
	static const struct civil end = { .year = RECUR_YEAR_LAST, .month = 12, .day = 31,
		.hour = 23, .minute = 59, .second = 59 };
	struct date d;
	int64_t until;

	if (!recur_is_reading(start))
		return RES_INVALID;
	*c = (struct recur_cursor){ .rule = *rule, .start = recur_seconds(start),
		.limit = recur_seconds(&end), .fit_day = NO_PERIOD, .period = NO_PERIOD };
	date_of(c->start / DAY_S, &d);
	complete_days(c, &d, weekday_of(c->start / DAY_S));
	complete_times(c, start);
	list_positions(c);
	c->base = period_of(c, c->start);
	c->never = never_meets(c);
	if (rule->ends != RECUR_ENDLESS) {
		until = recur_seconds(&rule->until);
		if (rule->ends == RECUR_UNTIL_UTC)
			until += RECUR_APART_S;
		if (until < c->limit)
			c->limit = until;
	}
	if (rule->count > 0)
		c->limit = find_last(c);
	return RES_OK;
}
