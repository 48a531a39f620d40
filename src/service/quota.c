#include "core/when.h"
#include "service/intake.h"

/* -- Limits ------------------------------------------------------------------------------------ */

enum res
quota_first_of(struct service *s, const char *const *who, size_t n, enum packet_kind kind,
    const struct quota_limit *otherwise, struct quota_limit *out)
{
	enum res res = RES_NOTFOUND;

	for (size_t i = 0; i < n && res == RES_NOTFOUND; i++)
		res = s->env.store->ops->limit(s->env.store, who[i], kind, out);
	if (res != RES_NOTFOUND)
		return res;
	*out = *otherwise;
	return RES_OK;
}

enum res
quota_limit_of(
    struct service *s, const struct jid *sender, enum packet_kind kind, struct quota_limit *out)
{
	const char *const who[] = { sender->bare, sender->domain, "default" };

	return quota_first_of(
	    s, who, sizeof(who) / sizeof(who[0]), kind, &s->config->quota[kind], out);
}

enum res
quota_total_of(struct service *s, enum packet_kind kind, struct quota_limit *out)
{
	const char *const who[] = { QUOTA_SERVICE };

	return quota_first_of(s, who, 1, kind, &s->config->total[kind], out);
}

const char *
quota_unit_name(const struct service *s, enum packet_kind kind)
{
	return kind == KIND_SMS && s->config->count_segments ? "segments" : "messages";
}

/* -- All users together ------------------------------------------------------------------------ */

static void
tell_admins(struct service *s, enum packet_kind kind, const struct quota_use *use,
    const struct quota_limit *limit, const char *state)
{
	struct buf text = { .max = 1024 }, cause = { .max = 64 };

	buf_printf(&text, "The quota of the whole service for %s is %s: ", packet_kind_name(kind),
	    state);
	quota_print(&text, use, limit);
	buf_printf(&text, ". `limits %s %s` shows and changes it.", QUOTA_SERVICE,
	    packet_kind_name(kind));
	buf_printf(&cause, "quota of %s %s", packet_kind_name(kind), state);
	notify_admins(s, buf_str(&cause), buf_str(&text));
	buf_free(&cause);
	buf_free(&text);
}

static enum res
total_use(struct service *s, enum packet_kind kind, int32_t day, struct quota_limit *limit,
    struct quota_use *use)
{
	struct store *st = s->env.store;

	if (quota_total_of(s, kind, limit) != RES_OK ||
	    st->ops->use(st, QUOTA_SERVICE, kind, day, use) != RES_OK)
		return RES_TEMPFAIL;
	return RES_OK;
}

static enum quota_verdict
verdict(const struct quota_limit *limit, const struct quota_use *use, const struct quota_use *adds)
{
	const struct quota_limit day = { limit->per_day, QUOTA_NO_LIMIT };
	const struct quota_limit month = { QUOTA_NO_LIMIT, limit->per_month };

	if (adds->month > 0 && quota_check(&month, use, adds->month) != QUOTA_FITS)
		return QUOTA_MONTH_FULL;
	return adds->day > 0 ? quota_check(&day, use, adds->day) : QUOTA_FITS;
}

enum res
quota_total_check(struct service *s, enum packet_kind kind, const struct quota_period *period,
    const struct quota_use *adds, enum hours hours, struct buf *why)
{
	struct quota_limit limit;
	struct quota_use use;
	enum quota_verdict full;

	if (total_use(s, kind, period->day, &limit, &use) != RES_OK)
		return RES_TEMPFAIL;
	full = verdict(&limit, &use, adds);
	if (full == QUOTA_FITS)
		return RES_OK;
	/* That one wanted too much at once is no matter for them. */
	if (quota_check(&limit, &use, 1) != QUOTA_FITS)
		tell_admins(s, kind, &use, &limit, "used up");
	buf_printf(why,
	    "The whole service may send no more %s this %s. Try again after ",
	    packet_kind_name(kind), full == QUOTA_DAY_FULL ? "day" : "month");
	when_print(why, full == QUOTA_DAY_FULL ? period->day_ends_at : period->month_ends_at,
	    &s->config->zone, hours);
	buf_text(why, ", or ask its operator.");
	return RES_OVERQUOTA;
}

/* Nine tenths of it were reached by what was added last. */
static bool
is_near(int64_t limit, int64_t used, int64_t added)
{
	return limit > 0 && (used - added) * 10 < limit * 9 && used * 10 >= limit * 9;
}

void
quota_total_charged(
    struct service *s, enum packet_kind kind, int32_t day, const struct quota_use *adds)
{
	struct quota_limit limit;
	struct quota_use use;

	if (total_use(s, kind, day, &limit, &use) != RES_OK)
		s->broken = true;
	else if (is_near(limit.per_day, use.day, adds->day) ||
	    is_near(limit.per_month, use.month, adds->month))
		tell_admins(s, kind, &use, &limit, "used by more than 90 percent");
}

/* -- As users see it --------------------------------------------------------------------------- */

static void
print_use(struct buf *out, const char *period, int64_t used, int64_t limit)
{
	if (limit == QUOTA_NO_LIMIT)
		buf_printf(out, "%lld %s (no limit)", (long long)used, period);
	else
		buf_printf(out, "%lld of %lld %s", (long long)used, (long long)limit, period);
}

void
quota_print(struct buf *out, const struct quota_use *use, const struct quota_limit *limit)
{
	print_use(out, "today", use->day, limit->per_day);
	buf_text(out, ", ");
	print_use(out, "this month", use->month, limit->per_month);
}

static const char *const kind_labels[KIND_END] = {
	[KIND_IM] = "Instant messages",
	[KIND_SMS] = "SMS",
	[KIND_MMS] = "MMS",
};

/* Some day of it. */
static int32_t
month_before(const struct quota_period *period)
{
	int32_t month = period->month % 100 > 1 ? period->month - 1 : period->month - 100 + 11;

	return month * 100 + 1;
}

/* A row of the form and a part of the note; false when the store cannot be read. */
static bool
show_quota(struct run *r, enum packet_kind kind, const struct quota_period *period)
{
	struct service *s = r->s;
	struct quota_limit limit;
	struct quota_use use, last;
	struct buf text = { .max = 1024 };

	if (packet_kind_is_paid(kind) && !route_serves(&s->config->routing, kind))
		return true;
	if (quota_limit_of(s, &r->who->jid, kind, &limit) != RES_OK ||
	    s->env.store->ops->use(
		s->env.store, r->who->jid.bare, kind, period->day, &use) != RES_OK ||
	    s->env.store->ops->use(
		s->env.store, r->who->jid.bare, kind, month_before(period), &last) != RES_OK)
		return false;
	quota_print(&text, &use, &limit);
	if (last.month > 0)
		buf_printf(&text, ", %lld last month", (long long)last.month);
	if (kind == KIND_SMS && s->config->count_segments)
		buf_text(&text, ", counted in segments");
	reply_row(r, packet_kind_name(kind), kind_labels[kind], buf_str(&text));
	buf_printf(&r->reply->note, "%s%s: %s", r->reply->note.len > 0 ? "; " : "",
	    packet_kind_name(kind), buf_str(&text));
	buf_free(&text);
	return true;
}

void
quota_show(struct run *r)
{
	struct service *s = r->s;
	struct quota_period period;
	int64_t waiting;
	struct buf text = { .max = 1024 };

	quota_period_at(&period, r->now, &s->config->zone);
	reply_done(r, NOTE_INFO, "%s", "");
	r->reply->repeats = true;
	r->reply->form.title = "How much you may schedule";
	for (int kind = KIND_IM; kind < KIND_END; kind++)
		if (!show_quota(r, (enum packet_kind)kind, &period)) {
			reply_trouble(r);
			return;
		}
	if (s->env.store->ops->waiting(s->env.store, r->who->jid.bare, &waiting) != RES_OK) {
		reply_trouble(r);
		return;
	}
	buf_printf(&text, "%lld of %lld", (long long)waiting, (long long)s->config->pending_max);
	reply_row(r, "waiting", "Waiting", buf_str(&text));
	reply_time(r, &s->config->zone, "day-resets", "Today ends", period.day_ends_at);
	reply_time(r, &s->config->zone, "month-resets", "This month ends", period.month_ends_at);
	buf_text(&r->reply->note, ".");
	buf_free(&text);
}
