/* The life of a recurrence: one packet at a time is its present occurrence. */
#include <string.h>

#include "base/log.h"
#include "core/body.h"
#include "service/state.h"

#define BODY_MAX   ((size_t)32 << 20)
#define STUCK_PAGE 100

bool
repeat_get(struct service *s, const char *id, struct series_list *out)
{
	enum res res;

	if (id[0] == '\0')
		return false;
	res = s->env.store->ops->get_series(s->env.store, id, out);
	if (res != RES_OK && res != RES_NOTFOUND && res != RES_PERMFAIL)
		s->broken = true;
	return res == RES_OK;
}

void
repeat_print(struct buf *out, const struct series *se)
{
	struct civil start;
	const char *word = NULL;

	if (recur_start_parse(&start, se->start) == RES_OK)
		word = recur_preset_of(&se->rule, &start);
	buf_text(out, word != NULL ? word : se->rule.rule);
}

/* -- Instants ---------------------------------------------------------------------------------- */

/* The rule of a series on its clock, with a line to the log where it cannot be read. */
static bool
clock_of(const struct series *se, struct zone *zone, struct civil *start)
{
	if (zone_find(zone, span_of(se->zone)) == RES_OK &&
	    recur_start_parse(start, se->start) == RES_OK)
		return true;
	log_error("series %s: its zone or its start cannot be read", se->id);
	return false;
}

/*
 * The occurrence that follows `from`.  Of those that were missed the last is made up for, unless it
 * is too late for all of them.  RES_NOTFOUND: there is none; RES_PERMFAIL: nobody knows.
 */
static enum res
following(const struct service *s, const struct series *se, int64_t from, int64_t *at)
{
	int64_t now = service_now(s), min = s->config->repeat_min_ms;
	int64_t since = now - s->config->late_limit_ms - 1;
	struct zone zone;
	struct civil start;
	enum res res;

	if (!clock_of(se, &zone, &start))
		return RES_PERMFAIL;
	res = recur_next(&se->rule, &zone, &start, min, from, at);
	/* What has no first one either is no rule. */
	if (res == RES_NOTFOUND &&
	    recur_next(&se->rule, &zone, &start, min, INT64_MIN, at) == RES_NOTFOUND)
		return RES_PERMFAIL;
	if (res != RES_OK || *at > now)
		return res;
	since = from > since ? from : since;
	if (recur_last(&se->rule, &zone, &start, min, since, now, at) == RES_OK)
		return RES_OK;
	return recur_next(&se->rule, &zone, &start, min, now, at);
}

int64_t
repeat_expiry(const struct service *s, const struct series *se, int64_t at)
{
	int64_t expires = at + intake_expiry_ms(s, se->kind), next;
	int64_t after = at > se->at ? at : se->at;
	struct zone zone;
	struct civil start;

	if (se->expires_ms != 0)
		return at + se->expires_ms;
	/* The next one takes the place of what is still held then. */
	if (clock_of(se, &zone, &start) &&
	    recur_next(&se->rule, &zone, &start, s->config->repeat_min_ms, after, &next) ==
		RES_OK &&
	    next < expires)
		expires = next;
	return expires;
}

/* -- Bodies ------------------------------------------------------------------------------------ */

static enum res
mms_body(struct span stored, int64_t at, const struct zone *zone, enum hours hours, struct buf *out)
{
	struct arena arena = { .max = BODY_MAX };
	struct buf text = { 0 };
	struct mms mms;
	enum res res = mms_parse(&mms, stored, &arena);

	if (res == RES_OK)
		res = recur_fill(&text, mms.text, at, zone, hours);
	if (res == RES_OK) {
		mms.text = buf_as_span(&text);
		res = mms_build(out, &mms);
	}
	buf_free(&text);
	arena_free(&arena);
	return res;
}

static enum res
im_body(struct span stored, int64_t at, const struct zone *zone, enum hours hours, struct buf *out)
{
	struct buf text = { 0 }, filled = { 0 };
	enum res res = body_im_text(&text, stored);

	if (res == RES_OK)
		res = recur_fill(&filled, buf_as_span(&text), at, zone, hours);
	if (res == RES_OK)
		res = body_im(out, buf_as_span(&filled));
	buf_free(&text);
	buf_free(&filled);
	return res;
}

enum res
repeat_body(enum packet_kind kind, struct span stored, int64_t at, const struct zone *zone,
    enum hours hours, struct buf *out)
{
	switch (kind) {
	case KIND_IM:
		return im_body(stored, at, zone, hours, out);
	case KIND_MMS:
		return mms_body(stored, at, zone, hours, out);
	default:
		return recur_fill(out, stored, at, zone, hours);
	}
}

enum res
repeat_open(struct service *s, const struct series *se, struct buf *out)
{
	struct buf aad = { 0 };
	enum res res = series_aad(&aad, se);

	if (res == RES_OK)
		res = seal_open(s->env.seal, buf_as_span(&aad), se->sealed, out);
	buf_free(&aad);
	return res;
}

enum res
repeat_put(struct service *s, struct series *se, struct span body)
{
	struct buf aad = { 0 }, sealed = { .max = body.len + SEAL_OVERHEAD };
	enum res res = series_aad(&aad, se);

	if (res == RES_OK)
		res = seal_close(s->env.seal, buf_as_span(&aad), body, &sealed);
	se->sealed = buf_as_span(&sealed);
	if (res == RES_OK)
		res = s->env.store->ops->put_series(s->env.store, se);
	se->sealed = (struct span){ 0 };
	buf_free(&aad);
	buf_free(&sealed);
	return res;
}

/* -- From one occurrence to the next ----------------------------------------------------------- */

static void
end(struct service *s, const struct series *se, const char *why)
{
	struct buf text = { .max = 4096 };

	log_detail("series %s: ended%s%s", se->id, why != NULL ? ": " : "", why != NULL ? why : "");
	if (s->env.store->ops->drop_series(s->env.store, se->id) != RES_OK)
		s->broken = true;
	if (why != NULL) {
		buf_printf(&text, "The recurrence of message %s to %s ends here: %s.", se->packet,
		    se->recipient, why);
		notify_user(s, se->sender, buf_as_span(&text));
	}
	buf_free(&text);
}

/* The body of the occurrence at `at`. */
static enum res
body_at(struct service *s, const struct series *se, int64_t at, struct buf *body)
{
	struct buf stored = { .max = BODY_MAX };
	struct account account;
	struct zone zone;
	enum res res = s->env.store->ops->account(s->env.store, se->sender, &account);

	if (res == RES_OK)
		res = repeat_open(s, se, &stored);
	if (res == RES_OK)
		res = zone_find(&zone, span_of(se->zone)) == RES_OK ? RES_OK : RES_PERMFAIL;
	if (res == RES_OK)
		res = repeat_body(se->kind, buf_as_span(&stored), at, &zone, account.hours, body);
	buf_free(&stored);
	return res;
}

static enum res
put_occurrence(struct service *s, struct series *se, int64_t at, struct span body)
{
	struct packet p = {
		.sender = se->sender, .recipient = se->recipient, .kind = se->kind,
		.offline = se->offline, .created_at = service_now(s), .due_at = at,
		.next_at = se->paused ? NEVER_MS : at, .expires_at = repeat_expiry(s, se, at),
	};
	enum res res;

	memcpy(p.zone, se->zone, sizeof(p.zone));
	memcpy(p.series, se->id, sizeof(p.series));
	res = intake_store(s, &p, 1, body, "scheduled: the next of its recurrence");
	if (res != RES_OK)
		return res;
	memcpy(se->packet, p.id, sizeof(se->packet));
	se->at = at;
	return s->env.store->ops->put_series(s->env.store, se);
}

static void
advance(struct service *s, struct series *se, int64_t from)
{
	struct buf body = { .max = BODY_MAX };
	int64_t at;
	enum res res = following(s, se, from, &at);

	if (res == RES_NOTFOUND) {
		end(s, se, NULL);
		return;
	}
	if (res == RES_OK)
		res = body_at(s, se, at, &body);
	if (res == RES_PERMFAIL)
		end(s, se, "what is stored of it is damaged and cannot be read");
	else if (res != RES_OK || put_occurrence(s, se, at, buf_as_span(&body)) != RES_OK)
		s->broken = true;
	buf_free(&body);
}

void
repeat_settled(struct service *s, const struct packet *p)
{
	struct series_list ss = { 0 };
	struct series lost = { .sender = p->sender, .recipient = p->recipient };
	enum res res = s->env.store->ops->get_series(s->env.store, p->series, &ss);

	if (res == RES_PERMFAIL) {
		memcpy(lost.id, p->series, sizeof(lost.id));
		memcpy(lost.packet, p->id, sizeof(lost.packet));
		end(s, &lost, "what is stored of it is damaged and cannot be read");
	} else if (res != RES_OK && res != RES_NOTFOUND)
		s->broken = true;
	/* An older occurrence that came back and is settled again has been followed already. */
	else if (res == RES_OK && strcmp(ss.v[0].packet, p->id) == 0)
		/* What fell due until it left is in it. */
		advance(s, &ss.v[0], p->sent_at > ss.v[0].at ? p->sent_at : ss.v[0].at);
	series_free(&ss);
}

enum res
repeat_recover(struct service *s)
{
	struct store *st = s->env.store;
	size_t n;

	do {
		struct series_list ss = { 0 };

		if (st->ops->find_series(st, SERIES_STUCK, NULL, STUCK_PAGE, &ss) != RES_OK)
			s->broken = true;
		n = ss.n;
		for (size_t i = 0; i < n && !s->broken; i++)
			advance(s, &ss.v[i], ss.v[i].at);
		series_free(&ss);
	} while (n == STUCK_PAGE && !s->broken);
	return s->broken ? RES_TEMPFAIL : RES_OK;
}

/* -- Quota ------------------------------------------------------------------------------------- */

/* What it counts for; what cannot be read fails when it is to be sent. */
static int64_t
units_of(struct service *s, const struct packet *p)
{
	struct buf body = { .max = p->sealed.len + 1 };
	struct segments segments = { 0 };

	if (p->kind == KIND_SMS && s->config->count_segments &&
	    deliver_open(s, p, &body) == RES_OK)
		(void)segments_count(&segments, buf_as_span(&body));
	buf_free(&body);
	return segments.segments > 0 ? (int64_t)segments.segments : 1;
}

static bool
fits(struct service *s, struct packet *p, struct buf *why)
{
	struct quota_period period;
	struct quota_limit limit;
	struct quota_use use;
	struct jid sender;
	int64_t units = units_of(s, p), now = service_now(s);
	const struct quota_use adds = { units, units };
	enum quota_verdict verdict;

	if (jid_parse_text(&sender, p->sender) != RES_OK) {
		buf_text(why, "its stored sender is damaged and cannot be read");
		return false;
	}
	/* It is claimed a moment before it leaves, which may be another day. */
	quota_period_at(&period, p->next_at > now ? p->next_at : now, &s->config->zone);
	if (quota_limit_of(s, &sender, p->kind, &limit) != RES_OK ||
	    s->env.store->ops->use(s->env.store, p->sender, p->kind, period.day, &use) != RES_OK) {
		s->broken = true;
		return false;
	}
	verdict = quota_check(&limit, &use, units);
	if (verdict == QUOTA_FITS) {
		enum res res = quota_total_check(s, p->kind, &period, &adds, HOURS_24, why);

		if (res != RES_OK) {
			s->broken = s->broken || res != RES_OVERQUOTA;
			buf_reset(why);
			buf_text(why,
			    "skipped, because it would exceed the limit of the whole service");
			return false;
		}
		p->charge_day = period.day;
		p->charge_units = (int32_t)units;
		return true;
	}
	buf_printf(why, "skipped, because it would exceed your limit of %lld %s %s a %s",
	    (long long)(verdict == QUOTA_DAY_FULL ? limit.per_day : limit.per_month),
	    packet_kind_name(p->kind), quota_unit_name(s, p->kind),
	    verdict == QUOTA_DAY_FULL ? "day" : "month");
	return false;
}

bool
repeat_charge(struct service *s, struct packet *p)
{
	struct buf why = { .max = 1024 };
	bool fit;

	if (p->series[0] == '\0' || p->charge_day != 0)
		return true;
	fit = fits(s, p, &why);
	if (fit && s->env.store->ops->charge(s->env.store, p) != RES_OK)
		s->broken = true;
	else if (fit)
		quota_total_charged(s, p->kind, p->charge_day,
		    &(struct quota_use){ p->charge_units, p->charge_units });
	if (!fit && !s->broken)
		settle_end(s, p, EV_FAIL, buf_str(&why));
	buf_free(&why);
	return fit && !s->broken;
}
