#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "core/when_private.h"

#define WORD_SHOWN 40 /* of what is not understood */

static bool
is_printable(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return s.len > 0 && s.len <= ZONE_NAME_MAX;
}

/* -- The zone ---------------------------------------------------------------------------------- */

/* Europe/Berln, +15:00, CEST, rather than tomorow */
static bool
looks_like_zone(struct span word)
{
	size_t capitals = 0;

	for (size_t i = 0; i < word.len; i++) {
		if (word.p[i] >= 'A' && word.p[i] <= 'Z')
			capitals++;
		if (span_eq((struct span){ word.p + i, 1 }, SPAN("/")) || word.p[i] == '_')
			return true;
	}
	if (word.len > 1 && (word.p[0] == '+' || word.p[0] == '-'))
		return true;
	return capitals == word.len && capitals >= 3;
}

static enum fit
say_unknown(const struct frame *f, struct span word)
{
	struct span offset = word;
	struct buf problem = { .max = 128 };

	if (!is_printable(word))
		return when_not_understood(f);
	if ((take_word(&offset, "UTC") || take_word(&offset, "GMT")) && offset.len > 0 &&
	    (offset.p[0] == '+' || offset.p[0] == '-')) {
		buf_printf(f->why,
		    "the time zone %.*s is not known: write for example 18:00 %c02:00",
		    (int)word.len, word.p, offset.p[0]);
		return FIT_BAD;
	}
	if (looks_like_zone(word)) {
		buf_printf(f->why,
		    "the time zone %.*s is not known: write for example 18:00 Europe/Berlin, "
		    "18:00 UTC or 18:00 +02:00",
		    (int)word.len, word.p);
		return FIT_BAD;
	}
	buf_printf(&problem, "\"%.*s\" is not understood",
	    (int)(word.len < WORD_SHOWN ? word.len : WORD_SHOWN), word.p);
	when_say_examples(f, buf_str(&problem));
	buf_free(&problem);
	return FIT_BAD;
}

static enum fit
set_zone(const struct frame *f, struct span name, struct reading *r)
{
	if (r->zone_given) {
		buf_text(f->why, "there are two time zones: write for example 18:00 Europe/Berlin");
		return FIT_BAD;
	}
	if (!is_printable(name) || zone_find(&r->zone, name) != RES_OK)
		return say_unknown(f, name);
	r->zone_given = true;
	return FIT_YES;
}

/* "(Europe/Berlin, +01:00)", as when_print writes it. */
static enum fit
take_brackets(struct scan *s)
{
	struct reading *r = s->r;
	struct span in = s->in;
	struct zone offset;
	bool begun = take_char(&in, '(');

	if (!begun || in.len == 0 || in.p[in.len - 1] != ')')
		return when_not_understood(s->f);
	in = span_trim((struct span){ in.p, in.len - 1 });
	struct span name = when_word(in);
	in = span_trim((struct span){ in.p + name.len, in.len - name.len });
	if (name.len == 0)
		return when_not_understood(s->f);
	if (set_zone(s->f, name, r) == FIT_BAD)
		return FIT_BAD;
	if (in.len == 0)
		return FIT_YES;
	if (!take_char(&in, ','))
		return when_not_understood(s->f);
	take_space(&in, 0);
	if (r->zone.ical == NULL || in.len == 0 || (in.p[0] != '+' && in.p[0] != '-'))
		return when_not_understood(s->f);
	if (zone_find(&offset, in) != RES_OK)
		return say_unknown(s->f, in);
	r->offset_given = true;
	r->offset_s = offset.offset_s;
	return FIT_YES;
}

/* Japan, met and nz are zones as well, but in front of a text rather words of it. */
static bool
is_clear_zone(struct span word)
{
	if (span_caseeq(word, SPAN("UTC")) || span_caseeq(word, SPAN("GMT")) ||
	    span_caseeq(word, SPAN("Z")) || memchr(word.p, '/', word.len) != NULL)
		return true;
	for (size_t i = 0; i < word.len; i++)
		if (word.p[i] >= 'a' && word.p[i] <= 'z')
			return false;
	return true;
}

/* What is no part of a time is a zone, and the end. */
static enum fit
take_zone(struct scan *s)
{
	struct span word = when_word(s->in);
	struct zone zone;

	if (s->led)
		return when_not_understood(s->f);
	if (s->lenient && s->in.p[0] != '(' &&
	    (!s->begun || word.len < s->in.len || !is_clear_zone(word)))
		return FIT_BAD;
	if (s->in.p[0] == '(')
		return s->begun ? take_brackets(s) : when_not_understood(s->f);
	if (s->begun && word.len == s->in.len)
		return set_zone(s->f, word, s->r);
	if (is_printable(word) && zone_find(&zone, word) == RES_OK) {
		buf_text(s->f->why,
		    "the time zone comes last, and one only: write for example tomorrow 18:00 "
		    "Europe/Berlin");
		return FIT_BAD;
	}
	return say_unknown(s->f, word);
}

/* -- The parts --------------------------------------------------------------------------------- */

/* White space, and between two parts perhaps a comma; then perhaps "at" or "on". */
static enum fit
take_between(struct scan *s)
{
	static const struct word words[] = { { "at", true }, { "on", false }, { NULL, 0 } };
	int at = false;

	take_space(&s->in, 0);
	if (s->begun && take_char(&s->in, ',')) {
		take_space(&s->in, 0);
		if (s->in.len == 0)
			return when_not_understood(s->f);
	}
	s->led = when_take_listed(&s->in, words, &at);
	s->at = at;
	if (s->led && !take_space(&s->in, 1))
		return when_not_understood(s->f);
	return FIT_YES;
}

static enum fit
take_part(struct scan *s)
{
	static enum fit (*const forms[])(struct scan *s) = {
		when_length,
		when_date,
		when_time,
		when_day,
		when_refuse,
	};
	enum fit fit = FIT_NO;
	bool iso = s->iso, length = s->r->length;

	for (size_t i = 0; fit == FIT_NO && i < sizeof(forms) / sizeof(forms[0]); i++)
		fit = forms[i](s);
	if (iso)
		s->iso = false;
	if (fit != FIT_YES || !length)
		return fit;
	/* "in 2 days at 9:00" is meant as one time. */
	if (s->lenient && s->r->wait_ms >= DAY_MS) {
		s->r->objected = true;
		return FIT_YES;
	}
	return when_say_alone(s->f, s->r->wait_ms);
}

/*
 * Spaces and marks of typography, in UTF-8, as programs write them into what people paste: "6:00
 * PM" of many has a narrow space that does not break.
 */
static const struct {
	const char *mark, *plain;
} marks[] = {
	{ "\xc2\xa0", " " },	   /* U+00A0, no-break space */
	{ "\xe2\x80\x89", " " }, /* U+2009, thin space */
	{ "\xe2\x80\xaf", " " }, /* U+202F, narrow no-break space */
	{ "\xe2\x80\x8e", "" },  /* U+200E, left-to-right mark */
	{ "\xe2\x80\x91", "-" }, /* U+2011, no-break hyphen */
};

/* Into `plain`, which has room: none becomes longer. */
static struct span
without_marks(struct span in, char *plain)
{
	size_t len = 0;

	while (in.len > 0) {
		size_t i = 0;
		while (i < sizeof(marks) / sizeof(marks[0]) && !take_word(&in, marks[i].mark))
			i++;
		if (i < sizeof(marks) / sizeof(marks[0])) {
			for (const char *c = marks[i].plain; *c != '\0'; c++)
				plain[len++] = *c;
			continue;
		}
		plain[len++] = in.p[0];
		in = (struct span){ in.p + 1, in.len - 1 };
	}
	return span_trim((struct span){ plain, len });
}

static enum fit
read_parts(struct scan *s)
{
	do {
		if (take_between(s) == FIT_BAD)
			return FIT_BAD;
		if (s->in.len == 0)
			return s->led ? when_not_understood(s->f) : FIT_YES;
		enum fit fit = take_part(s);
		if (fit == FIT_NO)
			return take_zone(s);
		if (fit == FIT_BAD)
			return FIT_BAD;
		if (!when_ends(s->in))
			return say_unknown(s->f, when_word(s->in));
		s->begun = true;
	} while (s->in.len > 0);
	return FIT_YES;
}

enum fit
when_read(const struct frame *f, struct span text, struct reading *r)
{
	char plain[WHEN_TEXT_MAX];
	struct scan s = { .f = f, .in = without_marks(text, plain), .r = r };

	return read_parts(&s);
}

/* -- A time in front of a text ----------------------------------------------------------------- */

static bool
is_understood(struct span text, int64_t now, const struct zone *zone)
{
	char plain[WHEN_TEXT_MAX];
	struct buf why = { .max = 4096 };
	const struct frame f = { now, zone, &why };
	struct reading r = { .length = false };
	struct scan s = {
		.f = &f, .in = without_marks(text, plain), .r = &r, .lenient = true
	};
	enum fit fit = read_parts(&s);

	buf_free(&why);
	return fit == FIT_YES &&
	    (r.length || r.timed || r.objected || r.day != DAY_UNSAID ||
		r.weekday != WEEKDAY_UNSAID);
}

/* The end of the word behind `at`; beyond WHEN_TEXT_MAX it need not be the end. */
static size_t
end_of_word(struct span text, size_t at)
{
	struct span in = { text.p + at, text.len - at };

	take_space(&in, 0);
	for (at = text.len - in.len; in.len > 0 && at <= WHEN_TEXT_MAX; at++) {
		if (take_space(&in, 1))
			break;
		when_skip(&in, 1);
	}
	return at;
}

/* Of "9:00,", "9:00:" and the like, in front of a text, how much is no mark. */
static size_t
without_mark(struct span text, size_t end)
{
	struct span before = { text.p + end - 1, 1 };

	if (end < 2 || memchr(",:;.", before.p[0], 4) == NULL)
		return end;
	before.p--;
	return take_space(&before, 1) ? end : end - 1;
}

size_t
when_prefix(struct span text, int64_t now, const struct zone *zone)
{
	const struct span whole = span_trim(text);
	size_t longest = 0, at = 0;

	if (whole.len == 0)
		return 0;
	text.len = (size_t)(whole.p - text.p) + whole.len;
	while (at < text.len && (at = end_of_word(text, at)) <= WHEN_TEXT_MAX) {
		size_t len = without_mark(text, at);

		if (is_understood((struct span){ text.p, at }, now, zone))
			longest = at;
		else if (len < at && is_understood((struct span){ text.p, len }, now, zone))
			longest = len;
	}
	return longest;
}
