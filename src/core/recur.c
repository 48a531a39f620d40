#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "core/recur_private.h"

#define BLOCK_MIN_S	((int64_t)86400)
#define BLOCK_MAX_S	((int64_t)1 << 40)
/* Often enough to see every pattern of a rule that is not made to hide one. */
#define CHECKED_MAX	20000
#define NEVER_BEFORE	INT64_MIN

/* -- The start --------------------------------------------------------------------------------- */

void
recur_start_print(char out[RECUR_START_LEN + 1], const struct civil *start)
{
	struct buf text = { .max = RECUR_START_LEN };

	out[0] = '\0';
	if (recur_is_reading(start) &&
	    buf_printf(&text, "%04d-%02d-%02dT%02d:%02d:%02d", start->year, start->month,
		start->day, start->hour, start->minute, start->second) == RES_OK)
		memcpy(out, text.p, text.len + 1);
	buf_free(&text);
}

static bool
take_field(struct span *in, unsigned digits, const char *before, int *field)
{
	int64_t n;

	if (!take_word(in, before) || !take_digits(in, digits, digits, &n))
		return false;
	*field = (int)n;
	return true;
}

enum res
recur_start_parse(struct civil *out, const char *text)
{
	struct span in = span_of(text);

	*out = (struct civil){ 0 };
	bool read = take_field(&in, 4, "", &out->year) && take_field(&in, 2, "-", &out->month) &&
	    take_field(&in, 2, "-", &out->day) && take_field(&in, 2, "T", &out->hour) &&
	    take_field(&in, 2, ":", &out->minute) && take_field(&in, 2, ":", &out->second);
	return read && in.len == 0 && recur_is_reading(out) ? RES_OK : RES_PERMFAIL;
}

/* -- Presets ----------------------------------------------------------------------------------- */

static const struct preset {
	const char *word, *label, *rule;
} presets[] = {
	{ "no", "Once", "" },
	{ "daily", "Every day", "FREQ=DAILY" },
	{ "weekdays", "Monday to Friday", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR" },
	{ "weekly", "Every week", "FREQ=WEEKLY" },
	{ "monthly", "Every month", "FREQ=MONTHLY" },
	{ "yearly", "Every year", "FREQ=YEARLY" },
};

#define NPRESETS (sizeof(presets) / sizeof(presets[0]))

/* For a start on a day that not every month has: that day, or the last before it that there is. */
static const struct late {
	int month; /* 0: any */
	int day;
	const char *word, *rule;
} lates[] = {
	{ 0, 29, "monthly", "FREQ=MONTHLY;BYMONTHDAY=28,29;BYSETPOS=-1" },
	{ 0, 30, "monthly", "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1" },
	{ 0, 31, "monthly", "FREQ=MONTHLY;BYMONTHDAY=-1" },
	{ 2, 29, "yearly", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1" },
};

static const char *
preset_rule(const struct preset *p, const struct civil *start)
{
	for (size_t i = 0; i < sizeof(lates) / sizeof(lates[0]); i++)
		if (start->day == lates[i].day &&
		    (lates[i].month == 0 || lates[i].month == start->month) &&
		    strcmp(p->word, lates[i].word) == 0)
			return lates[i].rule;
	return p->rule;
}

enum res
recur_preset(struct recur *out, struct span word, const struct civil *start)
{
	for (size_t i = 0; i < NPRESETS; i++)
		if (span_caseeq(word, span_of(presets[i].word))) {
			strcpy(out->rule, preset_rule(&presets[i], start));
			return RES_OK;
		}
	return RES_NOTFOUND;
}

const char *
recur_preset_of(const struct recur *r, const struct civil *start)
{
	for (size_t i = 0; i < NPRESETS; i++)
		if (strcmp(r->rule, preset_rule(&presets[i], start)) == 0)
			return presets[i].word;
	return NULL;
}

const char *
recur_preset_word(size_t i, const char **label)
{
	if (i >= NPRESETS)
		return NULL;
	*label = presets[i].label;
	return presets[i].word;
}

/* -- From readings to instants ----------------------------------------------------------------- */

/*
 * The occurrences of a rule in order.  Which of those that are too close are left out must not
 * depend on where one begins to look, nor cost a way from the start: so each block of the clock's
 * time is thinned alone, from its first reading on, and then loses what is too close to the last
 * that was left in the block before it.  A block is longer than what is too close.
 */
struct walk {
	struct recur_cursor cursor;
	const struct zone *zone;
	int64_t min_ms, until; /* UTC, ms */
	int64_t block_s;       /* the length of a block */
	int64_t next;          /* where the cursor goes on */
	int64_t block;         /* the block of the reading before it */
	int64_t kept;          /* the last instant that is left in that block, */
	int64_t kept_before;   /* and in the one before; NEVER_BEFORE: none */
};

static enum res
walk_init(struct walk *w, const struct recur *r, const struct zone *zone,
    const struct civil *start, int64_t min_ms)
{
	struct recur_rule rule;
	struct buf why = { .max = 1 };

	enum res res = recur_rule_read(&rule, span_of(r->rule), &why);
	buf_free(&why);
	*w = (struct walk){ .zone = zone, .min_ms = min_ms < 1 ? 1 : min_ms, .until = INT64_MAX };
	if (res != RES_OK || recur_cursor_init(&w->cursor, &rule, start) != RES_OK)
		return RES_INVALID;
	if (rule.ends == RECUR_UNTIL_UTC)
		w->until = recur_seconds(&rule.until) * SECOND_MS;
	int64_t apart_s = w->min_ms / SECOND_MS + 1;
	w->block_s = BLOCK_MIN_S + (apart_s < BLOCK_MAX_S ? apart_s : BLOCK_MAX_S);
	return RES_OK;
}

static int64_t
block_of(const struct walk *w, int64_t reading)
{
	return (reading - w->cursor.start) / w->block_s;
}

/* So that what walk_step gives is complete from `reading` on. */
static void
walk_from(struct walk *w, int64_t reading)
{
	int64_t block = reading > w->cursor.start ? block_of(w, reading) : 0;

	if (block > 0)
		block--;
	w->next = w->cursor.start + block * w->block_s;
	w->block = block;
	w->kept = w->kept_before = NEVER_BEFORE;
}

/* A skipped reading is read with the offset before the gap (RFC 5545 section 3.3.5). */
static bool
instant_of(const struct zone *zone, int64_t reading, int64_t *at)
{
	struct civil c, before;
	enum zone_fit fit;

	recur_civil(reading, &c);
	if (zone_instant(zone, &c, at, &fit) != RES_OK)
		return false;
	if (fit == ZONE_SKIPPED) {
		zone_civil(zone, *at - SECOND_MS, &before);
		*at = (reading - before.offset_s) * SECOND_MS;
	}
	return true;
}

static bool
is_apart(const struct walk *w, int64_t before, int64_t at)
{
	return before == NEVER_BEFORE || at - before >= w->min_ms;
}

/* The next occurrence.  False: there is none, or none with a reading up to `limit`. */
static bool
walk_step(struct walk *w, int64_t limit, int64_t *at)
{
	int64_t reading;

	while (recur_cursor_up(&w->cursor, w->next, &reading) && reading <= limit) {
		int64_t block = block_of(w, reading);
		w->next = reading + 1;
		if (!instant_of(w->zone, reading, at) || *at > w->until)
			continue;
		if (block != w->block) {
			w->kept_before = block == w->block + 1 ? w->kept : NEVER_BEFORE;
			w->kept = NEVER_BEFORE;
			w->block = block;
		}
		if (!is_apart(w, w->kept, *at))
			continue;
		w->kept = *at;
		if (is_apart(w, w->kept_before, *at))
			return true;
	}
	return false;
}

/* What the clock shows at an instant, or at the first or last of those that are known. */
static int64_t
reading_of(const struct zone *zone, int64_t at)
{
	static const struct civil end = { .year = RECUR_YEAR_LAST + 1, .month = 1, .day = 2 };
	const int64_t last = recur_seconds(&end);
	struct civil c;

	if (at < 0)
		return 0;
	if (at / SECOND_MS > last)
		return last;
	zone_civil(zone, at, &c);
	return recur_seconds(&c);
}

size_t
recur_list(const struct recur *r, const struct zone *zone, const struct civil *start,
    int64_t min_ms, int64_t after, int64_t *at, size_t max)
{
	struct walk w;
	size_t n = 0;

	if (walk_init(&w, r, zone, start, min_ms) != RES_OK)
		return 0;
	walk_from(&w, reading_of(zone, after) - RECUR_APART_S);
	while (n < max && walk_step(&w, INT64_MAX, &at[n]))
		if (at[n] > after)
			n++;
	return n;
}

enum res
recur_next(const struct recur *r, const struct zone *zone, const struct civil *start,
    int64_t min_ms, int64_t after, int64_t *at)
{
	return recur_list(r, zone, start, min_ms, after, at, 1) == 1 ? RES_OK : RES_NOTFOUND;
}

enum res
recur_last(const struct recur *r, const struct zone *zone, const struct civil *start,
    int64_t min_ms, int64_t after, int64_t upto, int64_t *at)
{
	struct walk w;
	int64_t one;
	bool found = false;

	if (upto <= after || walk_init(&w, r, zone, start, min_ms) != RES_OK)
		return RES_NOTFOUND;
	const int64_t least = reading_of(zone, after) - RECUR_APART_S;
	int64_t limit = reading_of(zone, upto) + RECUR_APART_S, first = limit;
	/* Backward, a block with any reading at a time; the one before it shows what is kept. */
	while (!found && first >= least && recur_cursor_down(&w.cursor, first, &first)) {
		first = w.cursor.start + block_of(&w, first) * w.block_s;
		walk_from(&w, first);
		while (walk_step(&w, limit, &one))
			if (w.next > first && one > after && one <= upto) {
				*at = one;
				found = true;
			}
		limit = --first;
	}
	return found ? RES_OK : RES_NOTFOUND;
}

/* -- Reading a rule ---------------------------------------------------------------------------- */

static void
say_reading(struct buf *why, const struct civil *c)
{
	buf_printf(why, "%04d-%02d-%02d %02d:%02d", c->year, c->month, c->day, c->hour, c->minute);
}

static enum res
check_apart(struct recur_cursor *c, int64_t min_ms, struct buf *why)
{
	int64_t reading, before = 0;

	for (size_t n = 0; n < CHECKED_MAX; n++, before = reading) {
		if (!recur_cursor_up(c, n > 0 ? before + 1 : c->start, &reading))
			break;
		if (n == 0 || (reading - before) * SECOND_MS >= min_ms)
			continue;
		buf_text(why, "this rule comes again after ");
		when_print_wait(why, (reading - before) * SECOND_MS);
		buf_text(why, "; the shortest distance allowed is ");
		when_print_wait(why, min_ms);
		return RES_INVALID;
	}
	return RES_OK;
}

static enum res
refuse_empty(const struct recur_rule *rule, const struct civil *start, struct buf *why)
{
	buf_text(why, "this rule names no time from its start, ");
	say_reading(why, start);
	if (rule->ends != RECUR_ENDLESS) {
		buf_text(why, ", to its end, ");
		say_reading(why, &rule->until);
		buf_text(why, "; write a later UNTIL");
	} else
		buf_printf(why, ", to the end of %d; check its BY parts and INTERVAL",
		    RECUR_YEAR_LAST);
	return RES_INVALID;
}

enum res
recur_parse(struct recur *out, struct span text, const struct zone *zone,
    const struct civil *start, int64_t min_ms, struct buf *why)
{
	struct recur_rule rule;
	struct recur_cursor cursor;
	struct recur canonical;
	int64_t at;

	if (min_ms < MINUTE_MS)
		min_ms = MINUTE_MS;
	if (recur_rule_read(&rule, text, why) != RES_OK)
		return RES_INVALID;
	if (recur_rule_print(&canonical, &rule) != RES_OK)
		return RES_NOMEM;
	if (recur_cursor_init(&cursor, &rule, start) != RES_OK) {
		buf_printf(why, "a recurrence begins in the years %d to %d", RECUR_YEAR_FIRST,
		    RECUR_YEAR_LAST);
		return RES_INVALID;
	}
	if (recur_next(&canonical, zone, start, min_ms, INT64_MIN, &at) != RES_OK)
		return refuse_empty(&rule, start, why);
	if (check_apart(&cursor, min_ms, why) != RES_OK)
		return RES_INVALID;
	*out = canonical;
	return RES_OK;
}

/* -- The words of an occurrence ---------------------------------------------------------------- */

static bool
take_exactly(struct span *in, struct span what)
{
	if (in->len < what.len || memcmp(in->p, what.p, what.len) != 0)
		return false;
	*in = (struct span){ in->p + what.len, in->len - what.len };
	return true;
}

enum res
recur_fill(
    struct buf *out, struct span text, int64_t at, const struct zone *zone, enum hours hours)
{
	const size_t before = out->len;
	struct civil c;

	zone_civil(zone, at, &c);
	while (text.len > 0) {
		const char *brace = memchr(text.p, '{', text.len);
		size_t len = brace != NULL ? (size_t)(brace - text.p) : text.len;
		buf_append(out, text.p, len);
		text = (struct span){ text.p + len, text.len - len };
		if (take_exactly(&text, SPAN("{date}")))
			buf_printf(out, "%04d-%02d-%02d", c.year, c.month, c.day);
		else if (take_exactly(&text, SPAN("{time}")))
			when_print_time(out, at, zone, hours);
		else if (take_char(&text, '{'))
			buf_text(out, "{");
	}
	if (!out->failed)
		return RES_OK;
	buf_cut(out, before);
	return RES_NOMEM;
}
