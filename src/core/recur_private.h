/* A recurrence rule taken apart, and the readings of the clock that it names, zones aside. */
#ifndef LATERD_CORE_RECUR_PRIVATE_H
#define LATERD_CORE_RECUR_PRIVATE_H

#include "core/recur.h"

#define RECUR_YEAR_FIRST 1970 /* as zone_instant has it */
#define RECUR_YEAR_LAST  2199
/* No clock of the world is further from another, or ever set by more. */
#define RECUR_APART_S ((int64_t)27 * 3600)

/* -- The rule ---------------------------------------------------------------------------------- */

enum recur_freq {
	RECUR_MINUTELY,
	RECUR_HOURLY,
	RECUR_DAILY,
	RECUR_WEEKLY,
	RECUR_MONTHLY,
	RECUR_YEARLY,
	RECUR_NFREQS
};

enum recur_until { RECUR_ENDLESS, RECUR_UNTIL_DAY, RECUR_UNTIL_LOCAL, RECUR_UNTIL_UTC };

/* Numbers from 1 to 366, counted from the beginning and from the end: bit N of each. */
#define RECUR_WORDS 6
struct recur_places {
	uint64_t up[RECUR_WORDS], down[RECUR_WORDS];
};

/* Bit N of a set is the number N; weekdays count from Sunday, 0.  Empty: no such part. */
struct recur_rule {
	enum recur_freq freq;
	int64_t interval; /* from 1 */
	int64_t count;    /* 0: none */
	enum recur_until ends;
	struct civil until; /* of RECUR_UNTIL_DAY its last second */
	uint64_t months, hours, minutes, seconds;
	uint64_t weekdays;            /* BYDAY without numbers */
	struct recur_places nth[7];   /* BYDAY with them: of each weekday */
	struct recur_places weeks, year_days, month_days, positions;
	int week_start;
};

/* As recur_parse, without asking when it comes about. */
enum res recur_rule_read(struct recur_rule *out, struct span text, struct buf *why);
/* The canonical text; RES_NOMEM when it does not fit. */
enum res recur_rule_print(struct recur *out, const struct recur_rule *rule);

bool recur_places_empty(const struct recur_places *p);
void recur_places_add(struct recur_places *p, int64_t number);
/* Whether what is the up-th from the beginning and the down-th from the end is named. */
bool recur_places_has(const struct recur_places *p, int64_t up, int64_t down);

/* -- Readings ---------------------------------------------------------------------------------- */

/* A reading as seconds since 1970 on a clock that is never changed. */
int64_t recur_seconds(const struct civil *c);
/* The reverse, weekday included. */
void recur_civil(int64_t seconds, struct civil *out);
/* There is such a day and such a time, in the years above. */
bool recur_is_reading(const struct civil *c);

/*
 * The readings of a rule, in order.  Finding one takes no more time when it is further from the
 * start, and at most that of looking at every day up to 2199, when there is none before.
 */
struct recur_cursor {
	struct recur_rule rule; /* with what it takes from the start */
	/* No reading is before the one or after the other; UNTIL in UTC has hours to spare. */
	int64_t start, limit;
	bool never;             /* INTERVAL, the times of day and BYSETPOS never meet */
	/* What the BY parts say of days and times of day, or else the start. */
	bool by_week, by_year_day, by_month_day, by_weekday;
	uint64_t hour_set, minute_set;
	int64_t base;           /* the period of the start, from which INTERVAL counts */
	int64_t fit_day;        /* the day that was looked at last, */
	bool fit;               /* and whether the BY parts allow it */
	uint32_t ups[366], downs[366]; /* BYSETPOS, both in the order of the calendar */
	size_t nups, ndowns;
	/*
	 * The period that was found last: its days times hours times minutes times seconds, n in
	 * all, or those of them that are picked.
	 */
	int64_t period;
	size_t ndays, nhours, nminutes, nseconds, n;
	int64_t days[371]; /* as many as a year of weeks has */
	uint8_t hours[24], minutes[60], seconds[60];
	uint32_t picked[2 * 366];
};

/* rule and start are copied.  RES_INVALID: start is no reading. */
enum res recur_cursor_init(
    struct recur_cursor *c, const struct recur_rule *rule, const struct civil *start);
/* The first reading at or after `from`. */
bool recur_cursor_up(struct recur_cursor *c, int64_t from, int64_t *reading);
/* The last reading at or before `from`. */
bool recur_cursor_down(struct recur_cursor *c, int64_t from, int64_t *reading);

#endif
