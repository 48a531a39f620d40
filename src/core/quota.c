#include "base/clock.h"
#include "core/quota.h"

static struct civil
next_day(struct civil c)
{
	/* Noon to noon of a clock that is never changed. */
	static const struct zone utc = { .name = "UTC" };
	struct civil noon = { .year = c.year, .month = c.month, .day = c.day, .hour = 12 };
	int64_t at = 0;
	enum zone_fit fit;

	if (zone_instant(&utc, &noon, &at, &fit) == RES_OK)
		zone_civil(&utc, at + DAY_MS, &noon);
	return (struct civil){ .year = noon.year, .month = noon.month, .day = noon.day };
}

static struct civil
next_month(struct civil c)
{
	return (struct civil){ .year = c.year + c.month / 12, .month = c.month % 12 + 1, .day = 1 };
}

static int64_t
begins_at(const struct zone *zone, struct civil midnight)
{
	int64_t at;
	enum zone_fit fit;

	return zone_instant(zone, &midnight, &at, &fit) == RES_OK ? at : NEVER_MS;
}

void
quota_period_at(struct quota_period *out, int64_t now, const struct zone *zone)
{
	struct civil c;

	zone_civil(zone, now, &c);
	*out = (struct quota_period){
		.day = c.year * 10000 + c.month * 100 + c.day,
		.month = c.year * 100 + c.month,
		.day_ends_at = begins_at(zone, next_day(c)),
		.month_ends_at = begins_at(zone, next_month(c)),
	};
}

static int64_t
left(int64_t limit, int64_t used)
{
	if (limit == QUOTA_NO_LIMIT)
		return INT64_MAX;
	if (used < 0)
		used = 0;
	return limit > used ? limit - used : 0;
}

enum quota_verdict
quota_check(const struct quota_limit *limit, const struct quota_use *use, int64_t units)
{
	if (units > left(limit->per_month, use->month))
		return QUOTA_MONTH_FULL;
	return units > left(limit->per_day, use->day) ? QUOTA_DAY_FULL : QUOTA_FITS;
}
