/* What when_forms.c reads of a text, and when.c makes an instant of. */
#ifndef LATERD_CORE_WHEN_PRIVATE_H
#define LATERD_CORE_WHEN_PRIVATE_H

#include "core/when.h"

#define WHEN_YEAR_FIRST 1970 /* as zone_instant has it */
#define WHEN_YEAR_LAST  2199

/*
 * FIT_NO: another form may fit, and nothing is changed.  FIT_YES: it was read.  FIT_BAD: it is
 * meant to be this form but is wrong, and `why` says how.
 */
enum fit { FIT_NO, FIT_YES, FIT_BAD };

/* What a text is measured against. */
struct frame {
	int64_t now;
	const struct zone *zone;
	struct buf *why;
};

enum said_day { DAY_UNSAID = 0, DAY_AHEAD, DAY_DATE };
enum said_weekday { WEEKDAY_UNSAID = 0, WEEKDAY_ANY, WEEKDAY_THIS, WEEKDAY_NEXT };

struct reading {
	bool length; /* of time from now; then nothing else but a zone is said */
	int64_t wait_ms;
	enum said_day day;
	int ahead; /* DAY_AHEAD: days from today */
	bool tonight;
	bool year_given; /* DAY_DATE */
	enum said_weekday weekday;
	bool timed;
	struct civil civil; /* date, weekday and time, as far as they are said */
	bool zone_given;
	struct zone zone;
	bool offset_given; /* beside a zone with a name */
	int32_t offset_s;
	bool objected; /* of a lenient scan: a part was passed that is wrong */
};

/*
 * A text as it is read, part by part.  Each form moves `in` behind itself with FIT_YES, and leaves
 * it alone with FIT_NO.
 */
struct scan {
	const struct frame *f;
	struct span in;
	struct reading *r;
	bool begun; /* a part has been read */
	bool led;   /* "at" or "on" stands before this part */
	bool at;    /* "at" does: a number is an hour */
	bool iso;   /* the part before was a date as in RFC 3339 */
	/*
	 * For when_prefix: what is wrong or ambiguous, but meant as a part of a time, is passed like
	 * one.  Words that may as well belong to a text are not.
	 */
	bool lenient;
};

/* -- when_words.c ------------------------------------------------------------------------------ */

struct word {
	const char *word;
	int value;
};

extern const struct word when_months[], when_weekdays[], when_days[];

/* The run of letters, and of digits, at the beginning. */
struct span when_letters(struct span in);
size_t when_digits(struct span in);
void when_skip(struct span *in, size_t n);
/* The number of so many digits at the most; false where there are more. */
bool when_take_number(struct span *in, size_t min, size_t max, int *value);
/* What stands before the next white space, comma or bracket. */
struct span when_word(struct span in);
/* Whether a part ends here: at the end, white space, a comma or a bracket. */
bool when_ends(struct span in);
/* All of that run. */
bool when_take(struct span *in, const char *word);
/* One of a list, which ends with NULL. */
bool when_take_listed(struct span *in, const struct word *list, int *value);
/* The same, which may be a short form with a point behind it. */
bool when_take_short(struct span *in, const struct word *list, int *value);
/* Behind spaces: "am", "a.m.", "pm", "p.m.". */
bool when_take_meridiem(struct span *in, bool *pm);
/* Minutes, "am" or "pm" do. */
bool when_time_follows(struct span in);
/* How long the unit of this name is, 0 where that depends on the day; false: it is no unit. */
bool when_unit(struct span name, int64_t *ms);
/*
 * What is understood well enough to say what to write instead: numbers and dates that may be meant
 * in more than one way, and words.  FIT_NO or FIT_BAD.
 */
enum fit when_refuse(struct scan *s);
/* The same of `in`, behind a word that leads to something else than this; FIT_BAD. */
enum fit when_refuse_at(const struct scan *s, struct span in);
enum fit when_not_understood(const struct frame *f);

/* -- when_forms.c and when_length.c: the parts of the grammar ---------------------------------- */

enum fit when_length(struct scan *s);
enum fit when_date(struct scan *s);
enum fit when_time(struct scan *s);
enum fit when_day(struct scan *s);
/* Something else stands beside a length of time.  FIT_BAD. */
enum fit when_say_alone(const struct frame *f, int64_t wait_ms);

/* -- when_read.c, when.c and when_print.c ------------------------------------------------------ */

/*
 * The parts of a text of at most WHEN_TEXT_MAX bytes, and its zone; whether there is such a date
 * and time is not looked at.
 */
enum fit when_read(const struct frame *f, struct span text, struct reading *r);
/* FIT_YES or FIT_BAD. */
enum fit when_resolve(const struct frame *f, const struct reading *r, struct when *out);

/* "<problem>: write for example ..."; the examples are of tomorrow, so that they can be copied. */
void when_say_examples(const struct frame *f, const char *problem);
/* The date of the day that many days after today. */
void when_print_ahead(struct buf *out, const struct frame *f, int days);
void when_print_date(struct buf *out, const struct civil *c);
void when_print_clock(struct buf *out, const struct civil *c, enum hours hours);
void when_print_reading(struct buf *out, const struct civil *c);
void when_print_offset(struct buf *out, int32_t offset_s);

#endif
