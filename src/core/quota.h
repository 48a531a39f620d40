/* Quota: how much a sender may schedule in a day and in a month of the server's zone. */
#ifndef LATERD_CORE_QUOTA_H
#define LATERD_CORE_QUOTA_H

#include <stdint.h>

#include "core/zone.h"

#define QUOTA_NO_LIMIT ((int64_t)-1)
/* Whom the limits and charges of all users together are kept for; no user has such an address. */
#define QUOTA_SERVICE "service"

/* 0: none allowed. */
struct quota_limit {
	int64_t per_day, per_month;
};

struct quota_use {
	int64_t day, month;
};

/* The day and month that an instant belongs to, and when they end. */
struct quota_period {
	int32_t day;   /* YYYYMMDD */
	int32_t month; /* YYYYMM */
	int64_t day_ends_at, month_ends_at; /* UTC, ms: the first instant of the next */
};

enum quota_verdict { QUOTA_FITS, QUOTA_DAY_FULL, QUOTA_MONTH_FULL };

void quota_period_at(struct quota_period *out, int64_t now, const struct zone *zone);
/*
 * Would `units` more fit?  The month is named when both are full, since waiting for tomorrow would
 * not help.  Cannot overflow.
 */
enum quota_verdict quota_check(
    const struct quota_limit *limit, const struct quota_use *use, int64_t units);

#endif
