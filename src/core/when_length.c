#include "base/clock.h"
#include "base/parse.h"
#include "core/when_private.h"

#define COUNT_MAX 999999
#define COUNT_LEN 6
#define SHOWN_DAYS_MAX 400

enum fit
when_say_alone(const struct frame *f, int64_t wait_ms)
{
	int64_t days = wait_ms / DAY_MS;

	buf_text(f->why,
	    "a length of time stands alone: write for example in 2 hours, or ");
	/* "in 3 days at 9:00" means that day. */
	when_print_ahead(f->why, f, days >= 1 && days < SHOWN_DAYS_MAX ? (int)days : 1);
	buf_text(f->why, " 18:00");
	return FIT_BAD;
}

static enum fit
say_no_fixed_length(const struct frame *f)
{
	buf_text(f->why, "months and years are not always equally long: write for example in 30 "
			 "days, or ");
	when_print_ahead(f->why, f, 30);
	buf_text(f->why, " 18:00");
	return FIT_BAD;
}

/* The name of a unit, each smaller than the one before. */
static enum fit
take_unit(struct scan *s, struct span *in, int64_t count, int64_t *last_ms)
{
	struct span name;
	int64_t ms;

	take_space(in, 0);
	name = when_letters(*in);
	if (!when_unit(name, &ms)) {
		buf_printf(s->f->why,
		    "a unit is missing: write in %lld minutes, or seconds, hours, days, weeks",
		    (long long)count);
		return FIT_BAD;
	}
	if (ms == 0)
		return say_no_fixed_length(s->f);
	if (ms >= *last_ms) {
		buf_text(s->f->why, "the larger unit comes first, and each once: write for example "
				    "in 2 hours 30 minutes");
		return FIT_BAD;
	}
	*last_ms = ms;
	s->r->wait_ms += count * ms;
	when_skip(in, name.len);
	return FIT_YES;
}

static enum fit
take_amount(struct scan *s, struct span *in, int64_t *last_ms)
{
	size_t digits = when_digits(*in);
	int64_t count = 0, part;

	if (digits <= COUNT_LEN)
		take_digits(in, 1, COUNT_LEN, &count);
	if (when_time_follows(*in))
		return when_say_alone(s->f, s->r->wait_ms);
	if (take_char(in, '.') && take_digits(in, 1, 1, &part)) {
		buf_text(s->f->why, "a length of time is written in whole numbers: write for "
				    "example in 1 hour 30 minutes");
		return FIT_BAD;
	}
	if (count == 0) {
		buf_printf(s->f->why, "a count is from 1 to %d: write for example in 20 minutes",
		    COUNT_MAX);
		return FIT_BAD;
	}
	return take_unit(s, in, count, last_ms);
}

/* Behind "in": "an hour", "a week", "half an hour". */
static enum fit
take_article(struct scan *s, struct span *in)
{
	struct span at = *in;
	int64_t ms = INT64_MAX;

	if (when_take(&at, "half")) {
		if (!take_space(&at, 1) || !when_take(&at, "an") || !take_space(&at, 1) ||
		    !when_take(&at, "hour"))
			return FIT_NO;
		s->r->wait_ms = HOUR_MS / 2;
	} else {
		if (!(when_take(&at, "an") || when_take(&at, "a")) || !take_space(&at, 1) ||
		    !when_unit(when_letters(at), &ms))
			return FIT_NO;
		ms = INT64_MAX;
		if (take_unit(s, &at, 1, &ms) == FIT_BAD)
			return FIT_BAD;
	}
	*in = at;
	return FIT_YES;
}

/* Another amount of the same length: "30m", ", 30 minutes", "and 30 minutes". */
static bool
amount_follows(struct span *in)
{
	struct span at = *in;

	take_space(&at, 0);
	if (take_char(&at, ','))
		take_space(&at, 0);
	if (when_take(&at, "and"))
		take_space(&at, 0);
	if (when_digits(at) == 0)
		return false;
	*in = at;
	return true;
}

/* Over 20 minutes, 1.5h, 2 months: a number and a unit. */
static bool
pass_amount(struct span *in)
{
	struct span at = *in;
	int64_t ms;

	if (when_digits(at) == 0)
		return false;
	when_skip(&at, when_digits(at));
	struct span fraction = at;
	if (take_char(&fraction, '.') && when_digits(fraction) > 0) {
		when_skip(&fraction, when_digits(fraction));
		at = fraction;
	}
	take_space(&at, 0);
	if (!when_unit(when_letters(at), &ms))
		return false;
	when_skip(&at, when_letters(at).len);
	*in = at;
	return true;
}

static bool
is_amount(struct span in)
{
	return pass_amount(&in);
}

/* A length that is wrong, for a lenient scan: in a month, 1.5 hours, 30 minutes 2 hours. */
static enum fit
pass_length(struct scan *s, struct span in)
{
	struct span at = in;
	int64_t ms;

	if ((when_take(&at, "an") || when_take(&at, "a")) && take_space(&at, 1) &&
	    when_unit(when_letters(at), &ms)) {
		when_skip(&at, when_letters(at).len);
		in = at;
	} else {
		if (!pass_amount(&in))
			return FIT_BAD;
		for (at = in; amount_follows(&at) && pass_amount(&at);)
			in = at;
	}
	s->r->length = s->r->objected = true;
	s->in = in;
	return FIT_YES;
}

/* 1800 hours, 0930h */
static enum fit
refuse_hours(struct scan *s)
{
	struct span in = s->in;
	int64_t ms;
	int n;

	if (!when_take_number(&in, 4, 4, &n) || n / 100 > 23 || n % 100 > 59)
		return FIT_NO;
	take_space(&in, 0);
	if (!when_unit(when_letters(in), &ms) || ms != HOUR_MS)
		return FIT_NO;
	if (s->lenient && !s->r->timed) {
		when_skip(&in, when_letters(in).len);
		s->r->timed = s->r->objected = true;
		s->in = in;
		return FIT_YES;
	}
	buf_printf(s->f->why, "%04d hours may be a time or a length of time: write %02d:%02d", n,
	    n / 100, n % 100);
	if (n > 0)
		buf_printf(s->f->why, ", or in %d hours", n);
	return FIT_BAD;
}

/* Behind "in", if that stands there. */
static enum fit
take_length(struct scan *s, struct span in, bool led)
{
	const struct span start = in;
	int64_t last_ms = INT64_MAX;
	enum fit fit = FIT_NO;

	if (led) {
		fit = take_article(s, &in);
		if (fit == FIT_NO && when_digits(in) == 0)
			return when_refuse_at(s, in);
	}
	if (fit == FIT_NO)
		do
			fit = take_amount(s, &in, &last_ms);
		while (fit == FIT_YES && amount_follows(&in));
	if (fit != FIT_YES)
		return s->lenient ? pass_length(s, start) : FIT_BAD;
	s->r->length = true;
	s->in = in;
	return FIT_YES;
}

/* "9:00 in 2 days" is meant as one time; "9:00 in 20 minutes" may be a time and a text. */
static enum fit
pass_behind(struct scan *s, struct span in)
{
	const struct reading *r = s->r;

	if (s->led || r->length || r->day != DAY_UNSAID || r->weekday != WEEKDAY_UNSAID ||
	    take_length(s, in, true) != FIT_YES || r->wait_ms % DAY_MS != 0)
		return FIT_BAD;
	s->r->objected = true;
	return FIT_YES;
}

/* in N units, N units, now */
enum fit
when_length(struct scan *s)
{
	struct span in = s->in;
	bool now = when_take(&in, "now");
	bool led = !now && when_take(&in, "in") && take_space(&in, 1);

	if (!now && !led) {
		if (!is_amount(s->in))
			return FIT_NO;
		enum fit fit = refuse_hours(s);
		if (fit != FIT_NO)
			return fit;
	}
	/* "8:00 in the morning" */
	if (led && when_take(&in, "the") && take_space(&in, 1))
		return when_refuse_at(s, in);
	if (s->begun && led && s->lenient)
		return pass_behind(s, in);
	if (s->begun || s->led)
		return when_say_alone(s->f, 0);
	if (!now)
		return take_length(s, in, led);
	s->r->length = true;
	s->in = in;
	return FIT_YES;
}
