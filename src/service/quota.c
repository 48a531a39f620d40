#include "core/when.h"
#include "service/intake.h"

static void
print_use(struct buf *out, const char *period, int64_t used, int64_t limit)
{
	if (limit == QUOTA_NO_LIMIT)
		buf_printf(out, "%lld %s (no limit)", (long long)used, period);
	else
		buf_printf(out, "%lld of %lld %s", (long long)used, (long long)limit, period);
}

static const char *const kind_labels[KIND_END] = {
	[KIND_IM] = "Instant messages",
	[KIND_SMS] = "SMS",
	[KIND_MMS] = "MMS",
};

/* A row of the form and a part of the note; false when the store cannot be read. */
static bool
show_quota(struct run *r, enum packet_kind kind, const struct quota_period *period)
{
	struct service *s = r->s;
	struct quota_limit limit;
	struct quota_use use;
	struct buf text = { .max = 1024 };

	if (packet_kind_is_paid(kind) && !route_serves(&s->config->routing, kind))
		return true;
	if (quota_limit_of(s, &r->who->jid, kind, &limit) != RES_OK ||
	    s->env.store->ops->use(
		s->env.store, r->who->jid.bare, kind, period->day, &use) != RES_OK)
		return false;
	print_use(&text, "today", use.day, limit.per_day);
	buf_text(&text, ", ");
	print_use(&text, "this month", use.month, limit.per_month);
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
