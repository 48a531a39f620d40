#include <string.h>

#include "base/parse.h"
#include "core/recur_private.h"

#define NUMBER_DIGITS 3 /* of one number of a list */
#define INTERVAL_DIGITS 6
#define COUNT_DIGITS 6
#define QUOTE_MAX 24 /* of what somebody wrote, in words for them */
#define EXAMPLE	  "write for example FREQ=WEEKLY;BYDAY=MO,FR or FREQ=MONTHLY;BYMONTHDAY=-1"

#define BIT(n) ((uint64_t)1 << (n))

static const char *const freq_names[RECUR_NFREQS] = { "MINUTELY", "HOURLY", "DAILY", "WEEKLY",
	"MONTHLY", "YEARLY" };
static const char *const weekday_names[7] = { "SU", "MO", "TU", "WE", "TH", "FR", "SA" };

/* -- Places ------------------------------------------------------------------------------------ */

static bool
has_bit(const uint64_t *words, int64_t n)
{
	return n > 0 && n < RECUR_WORDS * 64 && (words[n / 64] & BIT(n % 64)) != 0;
}

bool
recur_places_empty(const struct recur_places *p)
{
	uint64_t all = 0;

	for (size_t i = 0; i < RECUR_WORDS; i++)
		all |= p->up[i] | p->down[i];
	return all == 0;
}

void
recur_places_add(struct recur_places *p, int64_t number)
{
	int64_t n = number < 0 ? -number : number;

	if (number < 0)
		p->down[n / 64] |= BIT(n % 64);
	else
		p->up[n / 64] |= BIT(n % 64);
}

bool
recur_places_has(const struct recur_places *p, int64_t up, int64_t down)
{
	return has_bit(p->up, up) || has_bit(p->down, down);
}

/* -- Reading ----------------------------------------------------------------------------------- */

struct reader;

/*
 * A part of a rule.  The value of most is a list of numbers from min to max, kept in the set at
 * `offset` of the rule; those with `places` may count from the end.
 */
struct part {
	const char *name;
	bool (*read)(const struct reader *in, struct span value);
	void (*print)(struct buf *out, const struct recur_rule *rule, const struct part *part);
	bool places;
	size_t offset;
	int64_t min, max;
};

/* The part under way: where its value goes, and what to say if it is wrong. */
struct reader {
	struct recur_rule *rule;
	struct buf *why;
	const struct part *part;
};

/* What somebody wrote, where it can be shown. */
static void
quote(struct buf *out, struct span s)
{
	size_t len = s.len < QUOTE_MAX ? s.len : QUOTE_MAX;

	for (size_t i = 0; i < len; i++)
		if (s.p[i] < ' ' || s.p[i] > '~')
			len = 0;
	if (len > 0)
		buf_printf(out, " \"%.*s%s\"", (int)len, s.p, len < s.len ? "..." : "");
}

static bool
refuse(const struct reader *in, struct span value, const char *words)
{
	buf_text(in->why, in->part->name);
	quote(in->why, value);
	buf_printf(in->why, ": %s", words);
	return false;
}

/* Up to the next `end`; *rest is what stands behind it, absent when there was none. */
static struct span
cut(struct span *rest, char end)
{
	const char *p = rest->len > 0 ? memchr(rest->p, end, rest->len) : NULL;
	struct span head = { rest->p, p != NULL ? (size_t)(p - rest->p) : rest->len };

	if (p != NULL)
		*rest = (struct span){ p + 1, rest->len - head.len - 1 };
	else
		*rest = (struct span){ NULL, 0 };
	return head;
}

static bool
take_name(struct span *in, const char *const *names, size_t n, size_t *index)
{
	for (size_t i = 0; i < n; i++)
		if (take_word(in, names[i])) {
			*index = i;
			return true;
		}
	return false;
}

static bool
read_freq(const struct reader *in, struct span value)
{
	struct span rest = value;
	size_t i;

	if (span_caseeq(value, SPAN("SECONDLY")))
		return refuse(in, value,
		    "nothing is sent every second; write MINUTELY with an INTERVAL, HOURLY, DAILY, "
		    "WEEKLY, MONTHLY or YEARLY");
	if (!take_name(&rest, freq_names, RECUR_NFREQS, &i) || rest.len > 0)
		return refuse(
		    in, value, "write DAILY, WEEKLY, MONTHLY, YEARLY, HOURLY or MINUTELY");
	in->rule->freq = (enum recur_freq)i;
	return true;
}

static bool
read_interval(const struct reader *in, struct span value)
{
	struct span rest = value;

	if (!take_digits(&rest, 1, INTERVAL_DIGITS, &in->rule->interval) || rest.len > 0 ||
	    in->rule->interval == 0)
		return refuse(in, value, "write a number from 1 to 999999");
	return true;
}

static bool
read_count(const struct reader *in, struct span value)
{
	struct span rest = value;

	if (!take_digits(&rest, 1, COUNT_DIGITS, &in->rule->count) || rest.len > 0 ||
	    in->rule->count == 0 || in->rule->count > RECUR_COUNT_MAX) {
		refuse(in, value, "write a number from 1 to ");
		buf_printf(in->why, "%d", RECUR_COUNT_MAX);
		return false;
	}
	return true;
}

static bool
take_field(struct span *in, unsigned digits, int *field)
{
	int64_t n;

	if (!take_digits(in, digits, digits, &n))
		return false;
	*field = (int)n;
	return true;
}

/* DATE or DATE-TIME (RFC 5545 sections 3.3.4 and 3.3.5). */
static bool
read_until(const struct reader *in, struct span value)
{
	static const char form[] = "write a date as 20261224, or a date and a time as "
				   "20261224T180000 or, in UTC, 20261224T170000Z";
	struct span rest = value;
	struct civil *c = &in->rule->until;

	if (!take_field(&rest, 4, &c->year) || !take_field(&rest, 2, &c->month) ||
	    !take_field(&rest, 2, &c->day))
		return refuse(in, value, form);
	in->rule->ends = RECUR_UNTIL_DAY;
	c->hour = 23;
	c->minute = c->second = 59;
	if (take_word(&rest, "T")) {
		if (!take_field(&rest, 2, &c->hour) || !take_field(&rest, 2, &c->minute) ||
		    !take_field(&rest, 2, &c->second))
			return refuse(in, value, form);
		in->rule->ends = take_word(&rest, "Z") ? RECUR_UNTIL_UTC : RECUR_UNTIL_LOCAL;
	}
	if (rest.len > 0)
		return refuse(in, value, form);
	if (!recur_is_reading(c)) {
		refuse(in, value, "there is no such day or time in the years ");
		buf_printf(in->why, "%d to %d", RECUR_YEAR_FIRST, RECUR_YEAR_LAST);
		return false;
	}
	return true;
}

static bool
refuse_number(const struct reader *in, struct span item)
{
	refuse(in, item, "write numbers");
	buf_printf(in->why, " from %d to %d", (int)in->part->min, (int)in->part->max);
	if (in->part->places)
		buf_printf(in->why, ", or from -1 to -%d", (int)in->part->max);
	buf_text(in->why, ", with commas between them");
	return false;
}

static bool
read_places(const struct reader *in, struct span value)
{
	struct recur_places *set = (void *)((char *)in->rule + in->part->offset);

	while (value.p != NULL) {
		struct span item = cut(&value, ','), rest = item;
		int64_t n;
		bool down = take_char(&rest, '-');
		if (!down)
			take_char(&rest, '+');
		if (!take_digits(&rest, 1, NUMBER_DIGITS, &n) || rest.len > 0 ||
		    n < in->part->min || n > in->part->max)
			return refuse_number(in, item);
		recur_places_add(set, down ? -n : n);
	}
	return true;
}

static bool
read_numbers(const struct reader *in, struct span value)
{
	uint64_t *set = (void *)((char *)in->rule + in->part->offset);

	while (value.p != NULL) {
		struct span item = cut(&value, ','), rest = item;
		int64_t n;
		if (!take_digits(&rest, 1, NUMBER_DIGITS, &n) || rest.len > 0 ||
		    n < in->part->min || n > in->part->max)
			return refuse_number(in, item);
		*set |= BIT(n);
	}
	return true;
}

/* Who knows no leap seconds takes second 60 for 59 (RFC 5545 section 3.3.12). */
static bool
read_seconds(const struct reader *in, struct span value)
{
	uint64_t *set = &in->rule->seconds;

	if (!read_numbers(in, value))
		return false;
	if ((*set & BIT(60)) != 0)
		*set = (*set & ~BIT(60)) | BIT(59);
	return true;
}

static bool
read_weekdays(const struct reader *in, struct span value)
{
	while (value.p != NULL) {
		struct span item = cut(&value, ','), rest = item;
		int64_t n = 0;
		size_t weekday;
		bool down = take_char(&rest, '-');
		bool sign = down || take_char(&rest, '+');
		bool numbered = take_digits(&rest, 1, 2, &n);
		if (!take_name(&rest, weekday_names, 7, &weekday) || rest.len > 0 ||
		    (numbered ? n < 1 || n > 53 : sign))
			return refuse(in, item,
			    "write SU, MO, TU, WE, TH, FR or SA, with commas between them; 1MO is "
			    "the first Monday, -1FR the last Friday");
		if (numbered)
			recur_places_add(&in->rule->nth[weekday], down ? -n : n);
		else
			in->rule->weekdays |= BIT(weekday);
	}
	return true;
}

static bool
read_week_start(const struct reader *in, struct span value)
{
	struct span rest = value;
	size_t weekday;

	if (!take_name(&rest, weekday_names, 7, &weekday) || rest.len > 0)
		return refuse(in, value, "write SU, MO, TU, WE, TH, FR or SA");
	in->rule->week_start = (int)weekday;
	return true;
}

static bool
refuse_scale(const struct reader *in, struct span value)
{
	(void)value;
	return refuse(in, (struct span){ NULL, 0 },
	    "other calendars and SKIP (RFC 7529) are not known here; for the last day of each "
	    "month write FREQ=MONTHLY;BYMONTHDAY=-1");
}

/* -- Printing ---------------------------------------------------------------------------------- */

static void
print_freq(struct buf *out, const struct recur_rule *r, const struct part *part)
{
	buf_printf(out, "%s=%s", part->name, freq_names[r->freq]);
}

static void
print_interval(struct buf *out, const struct recur_rule *r, const struct part *part)
{
	if (r->interval > 1)
		buf_printf(out, ";%s=%d", part->name, (int)r->interval);
}

static void
print_count(struct buf *out, const struct recur_rule *r, const struct part *part)
{
	if (r->count > 0)
		buf_printf(out, ";%s=%d", part->name, (int)r->count);
}

static void
print_until(struct buf *out, const struct recur_rule *r, const struct part *part)
{
	const struct civil *c = &r->until;

	if (r->ends == RECUR_ENDLESS)
		return;
	buf_printf(out, ";%s=%04d%02d%02d", part->name, c->year, c->month, c->day);
	if (r->ends != RECUR_UNTIL_DAY)
		buf_printf(out, "T%02d%02d%02d%s", c->hour, c->minute, c->second,
		    r->ends == RECUR_UNTIL_UTC ? "Z" : "");
}

/* The name stands before the first value, a comma before each other. */
static void
print_value(struct buf *out, const struct part *part, bool *any)
{
	if (*any)
		buf_text(out, ",");
	else
		buf_printf(out, ";%s=", part->name);
	*any = true;
}

/* From the beginning forward, then what counts from the end, in the order of the calendar. */
static void
print_set(struct buf *out, const struct recur_places *p, const struct part *part, bool *any,
    const char *word)
{
	for (int n = 1; n < RECUR_WORDS * 64; n++)
		if (has_bit(p->up, n)) {
			print_value(out, part, any);
			buf_printf(out, "%d%s", n, word);
		}
	for (int n = RECUR_WORDS * 64 - 1; n > 0; n--)
		if (has_bit(p->down, n)) {
			print_value(out, part, any);
			buf_printf(out, "-%d%s", n, word);
		}
}

static void
print_places(struct buf *out, const struct recur_rule *r, const struct part *part)
{
	const struct recur_places *set = (const void *)((const char *)r + part->offset);
	bool any = false;

	print_set(out, set, part, &any, "");
}

static void
print_numbers(struct buf *out, const struct recur_rule *r, const struct part *part)
{
	const uint64_t *set = (const void *)((const char *)r + part->offset);
	bool any = false;

	for (int n = 0; n < 64; n++)
		if ((*set & BIT(n)) != 0) {
			print_value(out, part, &any);
			buf_printf(out, "%d", n);
		}
}

static void
print_weekdays(struct buf *out, const struct recur_rule *r, const struct part *part)
{
	bool any = false;

	for (size_t i = 0; i < 7; i++) {
		size_t weekday = (i + 1) % 7; /* Monday first */
		if ((r->weekdays & BIT(weekday)) != 0) {
			print_value(out, part, &any);
			buf_text(out, weekday_names[weekday]);
		}
		print_set(out, &r->nth[weekday], part, &any, weekday_names[weekday]);
	}
}

static void
print_week_start(struct buf *out, const struct recur_rule *r, const struct part *part)
{
	if (r->week_start != 1)
		buf_printf(out, ";%s=%s", part->name, weekday_names[r->week_start]);
}

static void
print_nothing(struct buf *out, const struct recur_rule *r, const struct part *part)
{
	(void)out, (void)r, (void)part;
}

/* -- The parts --------------------------------------------------------------------------------- */

#define IN(member) offsetof(struct recur_rule, member)

/* In the order of the canonical form. */
static const struct part parts[] = {
	{ "FREQ", read_freq, print_freq, false, 0, 0, 0 },
	{ "INTERVAL", read_interval, print_interval, false, 0, 0, 0 },
	{ "COUNT", read_count, print_count, false, 0, 0, 0 },
	{ "UNTIL", read_until, print_until, false, 0, 0, 0 },
	{ "BYMONTH", read_numbers, print_numbers, false, IN(months), 1, 12 },
	{ "BYWEEKNO", read_places, print_places, true, IN(weeks), 1, 53 },
	{ "BYYEARDAY", read_places, print_places, true, IN(year_days), 1, 366 },
	{ "BYMONTHDAY", read_places, print_places, true, IN(month_days), 1, 31 },
	{ "BYDAY", read_weekdays, print_weekdays, false, 0, 0, 0 },
	{ "BYHOUR", read_numbers, print_numbers, false, IN(hours), 0, 23 },
	{ "BYMINUTE", read_numbers, print_numbers, false, IN(minutes), 0, 59 },
	{ "BYSECOND", read_seconds, print_numbers, false, IN(seconds), 0, 60 },
	{ "BYSETPOS", read_places, print_places, true, IN(positions), 1, 366 },
	{ "WKST", read_week_start, print_week_start, false, 0, 0, 0 },
	{ "RSCALE", refuse_scale, print_nothing, false, 0, 0, 0 },
	{ "SKIP", refuse_scale, print_nothing, false, 0, 0, 0 },
};

#define NPARTS (sizeof(parts) / sizeof(parts[0]))

enum res
recur_rule_print(struct recur *out, const struct recur_rule *r)
{
	struct buf text = { .max = RECUR_RULE_MAX };

	for (size_t i = 0; i < NPARTS; i++)
		parts[i].print(&text, r, &parts[i]);
	bool whole = !text.failed;
	if (whole)
		memcpy(out->rule, text.p, text.len + 1);
	buf_free(&text);
	return whole ? RES_OK : RES_NOMEM;
}

static bool
read_part(struct recur_rule *rule, struct span part, unsigned *seen, struct buf *why)
{
	struct span value = part, name = cut(&value, '=');

	for (size_t i = 0; i < NPARTS; i++) {
		const struct reader in = { rule, why, &parts[i] };
		if (!span_caseeq(name, span_of(parts[i].name)))
			continue;
		if ((*seen & 1U << i) != 0)
			return refuse(&in, value, "this part stands twice; write it once");
		*seen |= 1U << i;
		if (value.p == NULL || value.len == 0)
			return refuse(&in, value, "a value is missing after \"=\"");
		return parts[i].read(&in, value);
	}
	buf_text(why, "the part");
	quote(why, part);
	buf_text(why, " is none of a recurrence rule: " EXAMPLE);
	return false;
}

/* -- What goes together (RFC 5545 section 3.3.10) ---------------------------------------------- */

static bool
has_nth(const struct recur_rule *r)
{
	for (size_t i = 0; i < 7; i++)
		if (!recur_places_empty(&r->nth[i]))
			return true;
	return false;
}

static bool
has_by(const struct recur_rule *r)
{
	return r->months != 0 || r->hours != 0 || r->minutes != 0 || r->seconds != 0 ||
	    r->weekdays != 0 || has_nth(r) || !recur_places_empty(&r->weeks) ||
	    !recur_places_empty(&r->year_days) || !recur_places_empty(&r->month_days);
}

static bool
goes_together(const struct recur_rule *r, struct buf *why)
{
	const char *words = NULL;
	bool by_week = !recur_places_empty(&r->weeks);

	if (r->count > 0 && r->ends != RECUR_ENDLESS)
		words = "COUNT and UNTIL are two ends: write one of them";
	else if (by_week && r->freq != RECUR_YEARLY)
		words = "BYWEEKNO goes with FREQ=YEARLY only";
	else if (!recur_places_empty(&r->year_days) && r->freq >= RECUR_DAILY &&
	    r->freq <= RECUR_MONTHLY)
		words = "BYYEARDAY does not go with FREQ=DAILY, WEEKLY or MONTHLY: write "
			"FREQ=YEARLY";
	else if (!recur_places_empty(&r->month_days) && r->freq == RECUR_WEEKLY)
		words = "BYMONTHDAY does not go with FREQ=WEEKLY: write FREQ=MONTHLY";
	else if (has_nth(r) && r->freq < RECUR_MONTHLY)
		words = "BYDAY with a number goes with FREQ=MONTHLY and YEARLY only";
	else if (has_nth(r) && by_week)
		words = "BYDAY with a number does not go with BYWEEKNO: write the weekday alone";
	else if (!recur_places_empty(&r->positions) && !has_by(r))
		words = "BYSETPOS chooses from what another BY part names: write one, for example "
			"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1";
	if (words != NULL)
		buf_text(why, words);
	return words == NULL;
}

enum res
recur_rule_read(struct recur_rule *out, struct span text, struct buf *why)
{
	unsigned seen = 0;

	*out = (struct recur_rule){ .interval = 1, .week_start = 1 };
	text = span_trim(text);
	if (take_word(&text, "RRULE:"))
		text = span_trim(text);
	if (text.len == 0) {
		buf_text(why, "a recurrence rule is missing: " EXAMPLE);
		return RES_INVALID;
	}
	if (text.len > RECUR_RULE_MAX) {
		buf_printf(why, "a recurrence rule has at most %d characters", RECUR_RULE_MAX);
		return RES_INVALID;
	}
	while (text.p != NULL)
		if (!read_part(out, cut(&text, ';'), &seen, why))
			return RES_INVALID;
	if ((seen & 1) == 0) {
		buf_text(why, "FREQ is missing: " EXAMPLE);
		return RES_INVALID;
	}
	return goes_together(out, why) ? RES_OK : RES_INVALID;
}
