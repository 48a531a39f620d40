#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "core/when_private.h"

#define NUMBER_LEN 9 /* digits of a number that is looked at */

const struct word when_months[] = {
	{ "january", 1 }, { "jan", 1 },
	{ "february", 2 }, { "feb", 2 },
	{ "march", 3 }, { "mar", 3 },
	{ "april", 4 }, { "apr", 4 },
	{ "may", 5 },
	{ "june", 6 }, { "jun", 6 },
	{ "july", 7 }, { "jul", 7 },
	{ "august", 8 }, { "aug", 8 },
	{ "september", 9 }, { "sept", 9 }, { "sep", 9 },
	{ "october", 10 }, { "oct", 10 },
	{ "november", 11 }, { "nov", 11 },
	{ "december", 12 }, { "dec", 12 },
	{ NULL, 0 },
};

const struct word when_weekdays[] = {
	{ "sunday", 0 }, { "sun", 0 },
	{ "monday", 1 }, { "mon", 1 },
	{ "tuesday", 2 }, { "tues", 2 }, { "tue", 2 },
	{ "wednesday", 3 }, { "wed", 3 },
	{ "thursday", 4 }, { "thurs", 4 }, { "thur", 4 }, { "thu", 4 },
	{ "friday", 5 }, { "fri", 5 },
	{ "saturday", 6 }, { "sat", 6 },
	{ NULL, 0 },
};

const struct word when_days[] = {
	{ "today", 0 },
	{ "tonight", 0 },
	{ "tomorrow", 1 },
	{ NULL, 0 },
};

static const struct unit {
	const char *names;
	int64_t ms;
} units[] = {
	{ "s sec secs second seconds", SECOND_MS },
	{ "m min mins minute minutes", MINUTE_MS },
	{ "h hr hrs hour hours", HOUR_MS },
	/* 24 hours, whatever the clocks do meanwhile: who counts from now does not read a clock. */
	{ "d day days", DAY_MS },
	{ "w wk wks week weeks", 7 * DAY_MS },
	{ "mo mos month months y yr yrs year years", 0 },
};

/* Words that people write, and what they should write instead. */
static const struct hint {
	const char *words;
	const char *reason;
} hints[] = {
	{ "morning afternoon evening night noonish lunch lunchtime dawn dusk sunrise sunset",
	    "a part of the day is not a time of the clock: write for example tomorrow 9:00" },
	{ "half quarter past to o oclock",
	    "a time is written in digits: write 8:30, 8:30 am or 8:30 pm" },
	{ "one two three four five six seven eight nine ten eleven twelve fifteen twenty thirty "
	  "forty fifty sixty ninety few couple several some dozen",
	    "numbers are written in digits: write for example in 20 minutes, or 8:00" },
	{ "yesterday ago last previous",
	    "that is in the past: write for example tomorrow 9:00" },
	{ "week weeks weekend fortnight fortnights month months year years",
	    "one day is needed: write for example next monday 9:00, or in 14 days" },
	{ "every each daily weekly monthly yearly weekdays hourly",
	    "this is one time, the first, and the field repeat says how it repeats: write for "
	    "example tomorrow 9:00" },
	{ "a an",
	    "a length of time is written with in and digits: write for example in 1 hour, or in "
	    "half an hour" },
	{ "am pm", "a time is missing: write 8 am or 8 pm" },
	{ "between until till from by before after around about within",
	    "one exact time is needed: write for example tomorrow 9:00" },
};

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

struct span
when_letters(struct span in)
{
	struct span run = { in.p, 0 };

	while (run.len < in.len && is_letter(in.p[run.len]))
		run.len++;
	return run;
}

struct span
when_word(struct span in)
{
	struct span word = { in.p, 0 };

	while (word.len < in.len && in.p[word.len] > ' ' && in.p[word.len] != ',' &&
	    in.p[word.len] != '(')
		word.len++;
	return word;
}

bool
when_ends(struct span in)
{
	return in.len == 0 || in.p[0] == ',' || in.p[0] == '(' || take_space(&in, 1);
}

size_t
when_digits(struct span in)
{
	size_t n = 0;

	while (n < in.len && in.p[n] >= '0' && in.p[n] <= '9')
		n++;
	return n;
}

void
when_skip(struct span *in, size_t n)
{
	*in = (struct span){ in->p + n, in->len - n };
}

bool
when_take_number(struct span *in, size_t min, size_t max, int *value)
{
	size_t digits = when_digits(*in);
	int64_t n;

	if (digits < min || digits > max || !take_digits(in, 1, (unsigned)max, &n))
		return false;
	*value = (int)n;
	return true;
}

bool
when_take(struct span *in, const char *word)
{
	return span_caseeq(when_letters(*in), span_of(word)) && take_word(in, word);
}

bool
when_take_listed(struct span *in, const struct word *list, int *value)
{
	for (; list->word != NULL; list++)
		if (when_take(in, list->word)) {
			*value = list->value;
			return true;
		}
	return false;
}

bool
when_take_short(struct span *in, const struct word *list, int *value)
{
	if (!when_take_listed(in, list, value))
		return false;
	take_char(in, '.');
	return true;
}

bool
when_take_meridiem(struct span *in, bool *pm)
{
	static const char *const words[] = { "a.m.", "p.m.", "a.m", "p.m", "am", "pm" };
	struct span at = *in;

	take_space(&at, 0);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct span behind = at;
		if (!take_word(&behind, words[i]) || when_letters(behind).len > 0)
			continue;
		*pm = words[i][0] == 'p';
		*in = behind;
		return true;
	}
	return false;
}

bool
when_time_follows(struct span in)
{
	bool pm;

	return (in.len > 0 && in.p[0] == ':') || when_take_meridiem(&in, &pm);
}

/* Whether it is one of the words between spaces. */
static bool
is_listed(struct span word, const char *words)
{
	struct span in = span_of(words), one;

	while (take_item(&in, &one))
		if (span_caseeq(one, word))
			return true;
	return false;
}

bool
when_unit(struct span name, int64_t *ms)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (is_listed(name, units[i].names)) {
			*ms = units[i].ms;
			return true;
		}
	return false;
}

enum fit
when_not_understood(const struct frame *f)
{
	when_say_examples(f, "this time is not understood");
	return FIT_BAD;
}

/* -- Dates that may be meant in more than one way ---------------------------------------------- */

/* "2026-04-03 18:00" if there is such an instant to come. */
static bool
suggest(const struct frame *f, struct buf *out, int year, int month, int day)
{
	struct buf why = { .max = 1024 };
	struct frame quiet = { f->now, f->zone, &why };
	struct reading r = { .day = DAY_DATE, .year_given = year != 0, .timed = true };
	struct when w;
	struct civil c;

	r.civil = (struct civil){ .year = year, .month = month, .day = day, .hour = 18 };
	bool fits = when_resolve(&quiet, &r, &w) == FIT_YES;
	buf_free(&why);
	if (!fits)
		return false;
	zone_civil(&w.zone, w.at, &c);
	buf_text(out, out->len > 0 ? " or " : "");
	when_print_reading(out, &c);
	return true;
}

/* Numbers with marks between them, as far as they were read. */
struct numbers {
	struct span text;
	char mark;
	int v[3];
	size_t n;
};

static struct numbers
read_numbers(struct span in)
{
	struct numbers ns = { .text = { in.p, 0 } };
	int64_t value;

	while (when_digits(in) <= 4 && take_digits(&in, 1, 4, &value)) {
		ns.v[ns.n++] = (int)value;
		ns.text.len = (size_t)(in.p - ns.text.p);
		if (ns.n == 3 || in.len == 0 || (ns.n == 2 && in.p[0] != ns.mark) ||
		    memchr("/-.", in.p[0], 3) == NULL)
			break;
		ns.mark = in.p[0];
		take_char(&in, ns.mark);
	}
	return ns;
}

/* What they may mean, as far as that is to come, into dates; and why it is not taken as it is. */
static const char *
find_dates(const struct frame *f, const struct numbers *ns, struct buf *dates)
{
	const int *v = ns->v;
	int year = ns->n < 3 ? 0 : v[2] < 100 ? 2000 + v[2] : v[2];

	if (ns->n == 3 && v[0] > 31) {
		suggest(f, dates, v[0], v[1], v[2]);
		return "is not how a date is written";
	}
	if (ns->n == 3 && ns->mark == '.') {
		suggest(f, dates, year, v[1], v[0]);
		return "has no year of four digits";
	}
	suggest(f, dates, year, v[1], v[0]);
	if (v[0] != v[1])
		suggest(f, dates, year, v[0], v[1]);
	return "can be read in more than one way";
}

/* 18.00, 6.30 pm, 24.12 */
static enum fit
refuse_point(const struct scan *s, const struct numbers *ns)
{
	struct buf *why = s->f->why, ignored = { .max = 256 };
	struct span in = { ns->text.p + ns->text.len, s->in.len - ns->text.len };
	int a = ns->v[0], b = ns->v[1];
	bool pm, minutes = ns->text.p[ns->text.len - 2] != '.';

	buf_printf(why, "%.*s can be read in more than one way: write ", (int)ns->text.len,
	    ns->text.p);
	if (minutes && when_take_meridiem(&in, &pm) && a > 0 && a <= 12 && b < 60) {
		buf_printf(why, "%d:%02d %s", a, b, pm ? "pm" : "am");
		return FIT_BAD;
	}
	bool time = minutes && a < 24 && b < 60;
	bool day = suggest(s->f, &ignored, 0, b, a);
	buf_free(&ignored);
	if (time || !day)
		buf_printf(why, "%02d:%02d for a time", time ? a : 18, time ? b : 0);
	if (day)
		buf_printf(why, "%s%d.%d. 18:00 for a day", time ? ", or " : "", a, b);
	return FIT_BAD;
}

/* 03/04/2026, 3/4, 24-12-2026, 03.04.26, 2026-1-5, 18.00 */
static enum fit
refuse_numbers(const struct scan *s)
{
	struct buf *why = s->f->why, dates = { .max = 256 };
	struct numbers ns = read_numbers(s->in);

	if (ns.n < 2)
		return FIT_NO;
	if (ns.n == 2 && ns.mark == '.')
		return refuse_point(s, &ns);
	const char *problem = find_dates(s->f, &ns, &dates);
	buf_printf(why, "%.*s %s: write ", (int)ns.text.len, ns.text.p, problem);
	if (dates.len > 0)
		buf_text(why, buf_str(&dates));
	else {
		buf_text(why, "for example ");
		when_print_ahead(why, s->f, 1);
		buf_text(why, " 18:00");
	}
	buf_free(&dates);
	return FIT_BAD;
}

/* A number that stands alone. */
static enum fit
refuse_number(const struct scan *s)
{
	struct buf *why = s->f->why;
	struct span in = s->in;
	size_t digits = when_digits(in);
	int64_t n = 0;

	if (digits == 0)
		return FIT_NO;
	if (digits > NUMBER_LEN || !take_digits(&in, 1, NUMBER_LEN, &n) || !when_ends(in))
		return when_not_understood(s->f);
	if (digits <= 2 && n <= 12)
		buf_printf(why,
		    "%d alone may be a time of the morning, of the evening, or a day: write "
		    "%02d:00 or %02d:00",
		    (int)n, (int)n % 12, (int)n % 12 + 12);
	else if (digits <= 2 && n < 24)
		buf_printf(why, "%d alone may be a time or a day: write %02d:00", (int)n, (int)n);
	else if (digits == 4 && n / 100 < 24 && n % 100 < 60)
		buf_printf(why, "%04d alone may be a time or a year: write %02d:%02d", (int)n,
		    (int)n / 100, (int)n % 100);
	else if (digits == 2)
		when_say_examples(s->f, "a number alone is no time, and a year has four digits");
	else
		return when_not_understood(s->f);
	return FIT_BAD;
}

/* -- What may be meant in more than one way, as when_prefix passes it -------------------------- */

/* 18.00 for a time, 24.12 for a day, 10.10 for either. */
static bool
pass_point(struct scan *s, const struct numbers *ns, struct span *in)
{
	struct reading *r = s->r;
	struct buf date = { .max = 256 };
	int a = ns->v[0], b = ns->v[1];
	bool pm, minutes = ns->text.p[ns->text.len - 2] != '.';

	bool time = minutes && !r->timed && a < 24 && b < 60;
	bool day = r->day == DAY_UNSAID && suggest(s->f, &date, 0, b, a);
	buf_free(&date);
	if (time)
		when_take_meridiem(in, &pm);
	if (time && !day)
		r->timed = true;
	if (day && !time)
		r->day = DAY_DATE;
	return time || day;
}

static bool
pass_date(struct scan *s, const struct numbers *ns)
{
	struct buf dates = { .max = 256 };

	find_dates(s->f, ns, &dates);
	bool date = s->r->day == DAY_UNSAID && dates.len > 0;
	buf_free(&dates);
	if (date)
		s->r->day = DAY_DATE;
	return date;
}

/* 8, 18, 1800 */
static bool
pass_number(struct scan *s, struct span *in)
{
	size_t digits = when_digits(*in);
	int64_t n;

	if (s->r->timed || s->r->length || digits > 4 || !take_digits(in, 1, 4, &n))
		return false;
	struct span behind = *in;
	take_space(&behind, 0);
	if (take_word(&behind, "o'clock") || take_word(&behind, "oclock"))
		*in = behind;
	s->r->timed = true;
	return digits <= 2 ? n < 24 : digits == 4 && n / 100 < 24 && n % 100 < 60;
}

static enum fit
pass_ambiguous(struct scan *s)
{
	struct numbers ns = read_numbers(s->in);
	struct span in = s->in;
	bool passed;

	if (when_digits(in) == 0)
		return FIT_NO;
	if (ns.n < 2)
		passed = pass_number(s, &in);
	else {
		in = (struct span){ in.p + ns.text.len, in.len - ns.text.len };
		passed = ns.n == 2 && ns.mark == '.' ? pass_point(s, &ns, &in) : pass_date(s, &ns);
	}
	if (!passed || !when_ends(in))
		return FIT_BAD;
	s->r->objected = true;
	s->in = in;
	return FIT_YES;
}

enum fit
when_refuse(struct scan *s)
{
	struct span word = when_letters(s->in);

	if (s->lenient)
		return pass_ambiguous(s);
	enum fit fit = refuse_numbers(s);
	if (fit == FIT_NO)
		fit = refuse_number(s);
	for (size_t i = 0; fit == FIT_NO && i < sizeof(hints) / sizeof(hints[0]); i++)
		if (word.len > 0 && is_listed(word, hints[i].words)) {
			buf_text(s->f->why, hints[i].reason);
			fit = FIT_BAD;
		}
	return fit;
}

enum fit
when_refuse_at(const struct scan *s, struct span in)
{
	struct scan behind = { .f = s->f, .in = in, .r = s->r };

	return when_refuse(&behind) == FIT_BAD ? FIT_BAD : when_not_understood(s->f);
}
