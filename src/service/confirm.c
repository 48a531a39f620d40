#include <string.h>

#include "core/body.h"
#include "service/intake.h"

static const char *const offline_meanings[OFFLINE_END] = {
	[OFFLINE_AUTO] = "held until they are online where that can be seen, else left to their server",
	[OFFLINE_HOLD] = "held until they are online",
	[OFFLINE_SERVER] = "sent in any case",
	[OFFLINE_DROP] = "dropped",
};

void
confirm_when(const struct run *r, const struct request *rq, struct buf *out)
{
	when_print(out, rq->when.at, &rq->when.zone, r->account.hours);
	if (rq->when.at >= r->now + SECOND_MS) {
		buf_text(out, ", in ");
		when_print_wait(out, rq->when.at - r->now);
	}
	buf_text(out, "; ");
	if (rq->kept)
		buf_text(out, "as it was");
	else if (rq->when.zone_given && strcmp(rq->when.zone.name, rq->zone.zone.name) != 0)
		buf_text(out, "the time zone is the one you wrote");
	else
		zones_explain(out, &rq->zone);
	if (rq->when.doubled)
		buf_text(out, "; the clock shows this time twice that day, and it is the first");
	if (rq->moved)
		buf_text(out, "; the first time that the rule has");
}

static void
print_left(struct buf *out, const char *period, int64_t limit, int64_t used, int64_t units)
{
	if (limit == QUOTA_NO_LIMIT)
		buf_printf(out, "no limit %s", period);
	else
		buf_printf(out, "%lld of %lld left %s", (long long)(limit - used - units),
		    (long long)limit, period);
}

static void
confirm_quota(struct run *r, const struct estimate *e)
{
	struct buf text = { .max = 1024 };

	if (e->charged_later) {
		reply_row(r, "quota", "Your limit",
		    "it counts each time it is sent, and is skipped where that would be too much");
		return;
	}
	print_left(&text, "today", e->limit.per_day, e->use.day, e->units);
	buf_text(&text, ", ");
	print_left(&text, "this month", e->limit.per_month, e->use.month, e->units);
	reply_row(r, "quota", "After this", buf_str(&text));
	buf_free(&text);
}

/* A message held for them would never be let go. */
static bool
is_hidden(struct service *s, const char *recipient)
{
	enum contact contact;

	if (s->env.store->ops->contact(s->env.store, recipient, &contact, NULL) != RES_OK) {
		s->broken = true;
		return false;
	}
	return contact == CONTACT_REFUSED &&
	    s->messenger->ops->presence(s->messenger, recipient) == PRESENCE_UNKNOWN;
}

static void
confirm_offline(struct run *r, const struct request *rq)
{
	struct buf text = { .max = (size_t)64 << 10 };

	if (rq->kind != KIND_IM)
		return;
	buf_text(&text, offline_meanings[rq->offline]);
	if (rq->offline == OFFLINE_HOLD)
		buf_text(&text,
		    "; if their presence cannot be seen when it is due, they are asked to let it be seen");
	for (size_t i = 0; i < rq->nto && rq->offline == OFFLINE_HOLD; i++)
		if (is_hidden(r->s, rq->to[i]))
			buf_printf(&text,
			    "; but %s has refused that, so that it would wait until it expires: choose server to leave it to their server",
			    rq->to[i]);
	reply_row(r, "offline", "If the recipient is not online", buf_str(&text));
	buf_free(&text);
}

static void
confirm_expires(struct run *r, const struct request *rq)
{
	reply_time(r, &rq->when.zone, "expires", "Given up at", rq->expires_at);
}

/* What it costs. */
static void
confirm_load(struct run *r, const struct request *rq)
{
	const struct segments *seg = &rq->load.segments;
	struct buf text = { .max = 1024 };

	if (rq->kind == KIND_SMS) {
		buf_printf(&text, "%zu segment%s (%s", seg->segments, seg->segments == 1 ? "" : "s",
		    sms_coding_name(seg->coding));
		if (rq->load.foreign.len > 0)
			buf_printf(&text, ", because “%.*s” is not in the GSM alphabet",
			    (int)rq->load.foreign.len, rq->load.foreign.p);
		buf_printf(&text, "; room for %zu more characters)", seg->left);
		reply_plain(r, "segments", "Segments", buf_str(&text));
	}
	if (rq->kind == KIND_MMS) {
		buf_printf(&text, "%zu bytes of media", rq->load.media_bytes);
		for (size_t i = 0; i < rq->nmedia; i++)
			buf_printf(&text, "%s%s (%zu bytes)", i == 0 ? ": " : ", ",
			    rq->media[i].type, rq->media[i].bytes.len);
		reply_plain(r, "size", "Size", buf_str(&text));
	}
	buf_free(&text);
}

/*
 * What is confirmed is an instant: "in 5 minutes" must not begin anew when it is done, nor "18:00" be
 * read in another zone, because the client does not tell its clock any more.
 */
static void
pin(struct run *r, const char *var, int64_t at, const struct request *rq)
{
	struct buf text = { .max = 256 };

	when_print_exact(&text, at, &rq->when.zone);
	form_set(r->in, var, buf_str(&text));
	buf_free(&text);
}

/* How often, and the instants that follow. */
static void
confirm_repeat(struct run *r, const struct request *rq)
{
	struct series se = { .rule = rq->rule };
	struct buf text = { .max = 1024 };
	struct arena *arena = &r->reply->form.arena;

	if (rq->rule.rule[0] == '\0')
		return;
	recur_start_print(se.start, &rq->start);
	repeat_print(&text, &se);
	reply_row(r, "repeat", "Repeats", buf_str(&text));
	for (size_t i = 0; i < rq->nnext; i++)
		reply_time(r, &rq->when.zone, arena_printf(arena, "next-%zu", i + 1),
		    "Then", rq->next[i]);
	if (rq->nnext < REQUEST_NEXT)
		reply_plain(r, "last", NULL,
		    rq->nnext == 0 ? "It happens only once." : "That is the last time.");
	buf_free(&text);
}

void
confirm(struct run *r, const struct request *rq, const struct estimate *e)
{
	struct form *f = &r->reply->form;
	struct buf text = { .max = 4096 };

	r->reply->kind = REPLY_CONFIRM;
	r->reply->asks = packet_kind_is_paid(rq->kind);
	f->title = schedule_title(rq->kind);
	f->instructions = "Please check, and complete to schedule it.";
	for (size_t i = 0; i < rq->nto; i++) {
		const char *var = i == 0 ? "to" : arena_printf(&f->arena, "to-%zu", i + 1);

		form_value(f, form_add(f, FIELD_FIXED, var, i == 0 ? "To" : NULL), rq->to[i]);
	}
	confirm_when(r, rq, &text);
	reply_plain(r, "when", "When", buf_str(&text));
	confirm_repeat(r, rq);
	if (rq->subject.len > 0) {
		buf_reset(&text);
		buf_span(&text, rq->subject);
		reply_plain(r, "subject", "Subject", buf_str(&text));
	}
	buf_reset(&text);
	body_excerpt(&text, rq->filled, 200);
	reply_plain(r, "body", "Message", buf_str(&text));
	buf_free(&text);
	confirm_load(r, rq);
	confirm_offline(r, rq);
	confirm_expires(r, rq);
	confirm_quota(r, e);
	/* "now" stays so, or it would be past when it is done. */
	if (rq->asked_at >= r->now + SECOND_MS &&
	    (rq->when.relative || (!rq->kept && !rq->when.zone_given)))
		pin(r, "when", rq->asked_at, rq);
	if (rq->expires_relative)
		pin(r, "expires", rq->expires_at, rq);
}
