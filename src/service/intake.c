#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "core/body.h"
#include "service/intake.h"

#define ID_TRIES 8
/* An MMS is stored for each of its recipients. */
#define STORED_MAX ((size_t)64 << 20)

enum res
intake_seal(struct service *s, struct packet *p, struct span body, struct buf *sealed)
{
	struct buf aad = { 0 };
	enum res res = packet_aad(&aad, p);

	buf_free(sealed);
	sealed->max = body.len + SEAL_OVERHEAD;
	if (res == RES_OK)
		res = seal_close(s->env.seal, buf_as_span(&aad), body, sealed);
	buf_free(&aad);
	if (res == RES_OK)
		p->sealed = buf_as_span(sealed);
	return res;
}

static enum res
seal_all(struct service *s, struct packet *v, size_t n, struct span body, struct buf *sealed)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t random[PACKET_ID_LEN];

		s->env.random(random, sizeof(random));
		packet_id_make(v[i].id, random);
		v[i].state = PACKET_SCHEDULED;
		enum res res = intake_seal(s, &v[i], body, &sealed[i]);
		if (res != RES_OK)
			return res;
	}
	return RES_OK;
}

enum res
intake_store(struct service *s, struct packet *v, size_t n, struct span body, const char *what)
{
	struct buf *sealed = calloc(n, sizeof(*sealed));
	enum res res = RES_INVALID;

	if (sealed == NULL)
		return RES_NOMEM;
	for (int try = 0; try < ID_TRIES && res == RES_INVALID; try++) {
		res = seal_all(s, v, n, body, sealed);
		if (res == RES_OK)
			res = s->env.store->ops->put(s->env.store, v, n, what);
	}
	for (size_t i = 0; i < n; i++) {
		v[i].sealed = (struct span){ 0 };
		buf_free(&sealed[i]);
	}
	free(sealed);
	for (size_t i = 0; i < n && res == RES_OK; i++)
		s->rearm = s->rearm || v[i].next_at <= s->window_end;
	return res;
}

enum res
intake_verify(struct service *s, const struct jid *sender, struct account *account,
    const char **condition, struct buf *why)
{
	const char *const *d = s->config->domains;

	while (*d != NULL && strcmp(*d, sender->domain) != 0)
		d++;
	*condition = "forbidden";
	if (*d == NULL || sender->local[0] == '\0') {
		buf_printf(why,
		    "This service schedules messages for the users of %s only; you are %s.",
		    s->config->domains[0], sender->bare);
		return RES_DENIED;
	}
	enum res res = s->env.store->ops->account(s->env.store, sender->bare, account);
	if (res != RES_OK)
		return RES_TEMPFAIL;
	*condition = "not-allowed";
	if (account->blocked) {
		buf_text(why,
		    "The operator of this service has blocked your account; ask them for the reason.");
		return RES_DENIED;
	}
	return RES_OK;
}

/* -- Quota ------------------------------------------------------------------------------------- */

static int64_t
units_of(const struct service *s, const struct request *rq)
{
	if (rq->kind == KIND_SMS && s->config->count_segments)
		return (int64_t)(rq->nto * rq->load.segments.segments);
	return (int64_t)rq->nto;
}

static enum res
over_quota(struct service *s, const struct request *rq, const struct estimate *e, bool month,
    struct buf *why)
{
	int64_t limit = month ? e->limit.per_month : e->limit.per_day;

	if (limit == 0) {
		buf_printf(why, "You may not schedule any %s message: the limit is 0.",
		    packet_kind_name(rq->kind));
		return RES_OVERQUOTA;
	}
	buf_printf(why,
	    "This would exceed your limit of %lld %s %s a %s: %lld are used, and this adds %lld. It resets ",
	    (long long)limit, packet_kind_name(rq->kind), quota_unit_name(s, rq->kind),
	    month ? "month" : "day",
	    (long long)(month ? e->use.month : e->use.day), (long long)e->units);
	when_print(why, month ? e->period.month_ends_at : e->period.day_ends_at, &s->config->zone,
	    rq->hours);
	buf_text(why, ".");
	return RES_OVERQUOTA;
}

/* What an edited packet was charged on this day, and in this month, counts no more. */
static void
take_back(struct estimate *e, const struct packet *p)
{
	int64_t units = p->charge_units;

	if (p->charge_day == e->period.day) {
		e->use.day -= units < e->use.day ? units : e->use.day;
		e->adds.day -= units;
	}
	if (p->charge_day / 100 == e->period.month) {
		e->use.month -= units < e->use.month ? units : e->use.month;
		e->adds.month -= units;
	}
}

/* A recurrence is charged when it is sent: it must only be possible at all. */
static enum quota_verdict
verdict(const struct request *rq, const struct estimate *e)
{
	const struct quota_use none = { 0 };

	if (!e->charged_later)
		return quota_check(&e->limit, &e->use, e->units);
	return quota_check(&e->limit, &none, e->units / (int64_t)rq->nto);
}

enum res
intake_quota(struct service *s, const struct request *rq, const struct packet *edited, int64_t now,
    struct estimate *out, struct buf *why)
{
	struct store *st = s->env.store;
	enum res res;

	*out = (struct estimate){
		.units = units_of(s, rq),
		.charged_later = rq->rule.rule[0] != '\0' || rq->alone };
	out->adds = (struct quota_use){ out->units, out->units };
	quota_period_at(&out->period, now, &s->config->zone);
	if (quota_limit_of(s, rq->sender, rq->kind, &out->limit) != RES_OK ||
	    st->ops->use(st, rq->sender->bare, rq->kind, out->period.day, &out->use) != RES_OK ||
	    st->ops->waiting(st, rq->sender->bare, &out->waiting) != RES_OK)
		return RES_TEMPFAIL;
	if (edited != NULL)
		take_back(out, edited);
	switch (verdict(rq, out)) {
	case QUOTA_DAY_FULL:
		return over_quota(s, rq, out, false, why);
	case QUOTA_MONTH_FULL:
		return over_quota(s, rq, out, true, why);
	case QUOTA_FITS:
		break;
	}
	/* Of an edited packet only what it adds, so that none is stopped by what others did. */
	res = out->charged_later
	    ? RES_OK
	    : quota_total_check(s, rq->kind, &out->period, &out->adds, rq->hours, why);
	if (res != RES_OK)
		return res;
	if (edited == NULL && out->waiting + (int64_t)rq->nto > s->config->pending_max) {
		buf_printf(why,
		    "You have %lld messages waiting, and %lld may wait at once: cancel some, or wait until they are sent.",
		    (long long)out->waiting, (long long)s->config->pending_max);
		return RES_OVERQUOTA;
	}
	return RES_OK;
}

/* -- Storing ----------------------------------------------------------------------------------- */

static struct packet
packet_for(const struct request *rq, const char *recipient, const struct estimate *e, int64_t now)
{
	struct packet p = {
		.sender = rq->sender->bare,
		.recipient = recipient,
		.kind = rq->kind,
		.offline = rq->offline,
		.created_at = now,
		.due_at = rq->when.at,
		.next_at = rq->when.at,
		.expires_at = rq->expires_at,
		.charge_day = e->charged_later ? 0 : e->period.day,
		.charge_units = e->charged_later ? 0 : (int32_t)(e->units / (int64_t)rq->nto),
	};

	memcpy(p.zone, rq->when.zone.name, sizeof(p.zone));
	return p;
}

enum res
intake_body(const struct request *rq, bool filled, struct buf *out)
{
	struct span text = filled ? rq->filled : rq->body;
	struct mms mms = { .subject = rq->subject, .text = text, .nmedia = rq->nmedia };

	switch (rq->kind) {
	case KIND_SMS:
		return buf_span(out, text);
	case KIND_MMS:
		memcpy(mms.media, rq->media, sizeof(mms.media));
		return mms_build(out, &mms);
	default:
		return body_im(out, text);
	}
}

void
intake_fill_series(const struct request *rq, size_t recipient, struct series *se)
{
	se->sender = rq->sender->bare;
	se->recipient = rq->to[recipient];
	se->kind = rq->kind;
	se->offline = rq->offline;
	se->rule = rq->rule;
	memcpy(se->zone, rq->when.zone.name, sizeof(se->zone));
	recur_start_print(se->start, &rq->start);
	se->expires_ms = rq->expires_ms;
}

enum res
intake_series(struct service *s, const struct request *rq, size_t recipient, struct series *out)
{
	struct series_list taken = { 0 };
	uint8_t random[PACKET_ID_LEN];
	enum res res = RES_OK;

	*out = (struct series){ 0 };
	for (int try = 0; try < ID_TRIES && res == RES_OK; try++) {
		s->env.random(random, sizeof(random));
		packet_id_make(out->id, random);
		res = s->env.store->ops->get_series(s->env.store, out->id, &taken);
	}
	series_free(&taken);
	if (res != RES_NOTFOUND)
		return RES_TEMPFAIL;
	intake_fill_series(rq, recipient, out);
	return RES_OK;
}

/* The packets are in v, and their ids are made. */
static enum res
put_series(
    struct service *s, const struct request *rq, struct series *series, const struct packet *v)
{
	struct buf body = { .max = STORED_MAX / 2 };
	enum res res = intake_body(rq, false, &body);

	for (size_t i = 0; i < rq->nto && res == RES_OK; i++) {
		memcpy(series[i].packet, v[i].id, sizeof(v[i].id));
		series[i].at = v[i].due_at;
		res = repeat_put(s, &series[i], buf_as_span(&body));
	}
	buf_free(&body);
	return res;
}

static bool
has_id(const struct series *v, size_t n, const char *id)
{
	while (n > 0 && strcmp(v[n - 1].id, id) != 0)
		n--;
	return n > 0;
}

static enum res
store_all(struct service *s, const struct request *rq, const struct estimate *e, int64_t now,
    struct span body, struct packet *v)
{
	bool repeats = rq->rule.rule[0] != '\0';
	struct series *series = repeats ? calloc(rq->nto, sizeof(*series)) : NULL;
	enum res res = repeats && series == NULL ? RES_NOMEM : RES_OK;

	for (size_t i = 0; i < rq->nto && res == RES_OK; i++) {
		v[i] = packet_for(rq, rq->to[i], e, now);
		if (!repeats)
			continue;
		do
			res = intake_series(s, rq, i, &series[i]);
		while (res == RES_OK && has_id(series, i, series[i].id));
		memcpy(v[i].series, series[i].id, sizeof(v[i].series));
	}
	if (res == RES_OK)
		res = intake_store(s, v, rq->nto, body, "scheduled");
	if (res == RES_OK && repeats && (res = put_series(s, rq, series, v)) != RES_OK)
		s->broken = true; /* the packets must not be there without it */
	free(series);
	return res;
}

enum res
intake_accept(struct service *s, const struct request *rq, int64_t now,
    char ids[][PACKET_ID_LEN + 1], struct buf *why)
{
	struct packet v[REQUEST_TO_MAX];
	struct estimate e;
	struct buf body = { .max = STORED_MAX / 2 };
	enum res res = intake_quota(s, rq, NULL, now, &e, why);

	if (res != RES_OK)
		return res;
	res = intake_body(rq, true, &body);
	if (res == RES_OK && body.len > STORED_MAX / rq->nto) {
		buf_text(why, "That is too much for so many recipients: divide them among several messages.");
		buf_free(&body);
		return RES_INVALID;
	}
	if (res == RES_OK)
		res = store_all(s, rq, &e, now, buf_as_span(&body), v);
	if (res == RES_OK && !e.charged_later)
		quota_total_charged(s, rq->kind, e.period.day, &e.adds);
	for (size_t i = 0; i < rq->nto && res == RES_OK; i++)
		memcpy(ids[i], v[i].id, sizeof(v[i].id));
	if (res == RES_OK)
		s->counts.accepted[rq->kind] += rq->nto;
	buf_free(&body);
	return res == RES_OK ? RES_OK : RES_TEMPFAIL;
}
