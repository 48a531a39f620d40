#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "core/body.h"
#include "service/intake.h"

#define ID_TRIES 8
/* Addresses looked at, the same ones counted again. */
#define ITEMS_MAX (4 * REQUEST_TO_MAX)

static enum res
seal_for(struct service *s, struct packet *p, struct span body, struct buf *sealed)
{
	struct buf aad = { 0 };
	enum res res = packet_aad(&aad, p);

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
		buf_free(&sealed[i]);
		enum res res = seal_for(s, &v[i], body, &sealed[i]);
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
intake_verify(struct service *s, const struct jid *sender, const char **condition, struct buf *why)
{
	const char *const *d = s->config->domains;
	struct account account;

	while (*d != NULL && strcmp(*d, sender->domain) != 0)
		d++;
	*condition = "forbidden";
	if (*d == NULL || sender->local[0] == '\0') {
		buf_printf(why,
		    "This service schedules messages for the users of %s only; you are %s.",
		    s->config->domains[0], sender->bare);
		return RES_DENIED;
	}
	enum res res = s->env.store->ops->account(s->env.store, sender->bare, &account);
	if (res != RES_OK)
		return RES_TEMPFAIL;
	*condition = "not-allowed";
	if (account.blocked) {
		buf_text(why,
		    "The operator of this service has blocked your account; ask them for the reason.");
		return RES_DENIED;
	}
	return RES_OK;
}

/* -- Reading the form -------------------------------------------------------------------------- */

static int
hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c == '\0' ? NULL : strchr(digits, c | 0x20);

	return at == NULL ? -1 : (int)(at - digits);
}

/*
 * "xmpp:romeo@example.net?message" (RFC 5122) is what clients copy for a contact; anything else is
 * an address as it stands.
 */
static void
write_address(struct buf *out, struct span text)
{
	const char *query;

	if (!take_word(&text, "xmpp:")) {
		buf_span(out, text);
		return;
	}
	if ((query = memchr(text.p, '?', text.len)) != NULL)
		text.len = (size_t)(query - text.p);
	for (size_t i = 0; i < text.len; i++) {
		int high = i + 2 < text.len && text.p[i] == '%' ? hex_digit(text.p[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(text.p[i + 2]) : -1;
		char c = low >= 0 ? (char)(16 * high + low) : text.p[i];

		buf_append(out, &c, 1);
		i += low >= 0 ? 2 : 0;
	}
}

static enum res
parse_address(struct jid *out, struct span text)
{
	struct buf address = { .max = JID_FULL_MAX };

	write_address(&address, text);
	enum res res = address.failed ? RES_INVALID : jid_parse(out, buf_as_span(&address));
	buf_free(&address);
	return res;
}

void
intake_print_to(struct buf *out, struct span to)
{
	struct span rest = to, item;
	struct jid jid;

	if (!take_word(&rest, "xmpp:")) {
		buf_span(out, to);
		return;
	}
	for (int n = 0; n < ITEMS_MAX && take_item(&to, &item); n++) {
		buf_text(out, n > 0 ? ", " : "");
		if (parse_address(&jid, item) == RES_OK)
			buf_text(out, jid.bare);
		else {
			take_word(&item, "xmpp:");
			buf_span(out, item);
		}
	}
	buf_span(out, to);
}

static bool
has_recipient(const struct request *rq, const char *bare)
{
	for (size_t i = 0; i < rq->nto; i++)
		if (strcmp(rq->to[i], bare) == 0)
			return true;
	return false;
}

static enum res
too_many(struct buf *why)
{
	buf_printf(why, "There are more than %d recipients: divide them among several messages.",
	    REQUEST_TO_MAX);
	return RES_INVALID;
}

static enum res
read_recipient(
    struct service *s, struct span text, struct form *f, struct request *out, struct buf *why)
{
	struct jid jid;
	enum res res = parse_address(&jid, text);

	if (res == RES_NOMEM)
		return res;
	if (res != RES_OK || jid.local[0] == '\0') {
		buf_printf(why, "“%.*s” is not an address: write it like romeo@example.net.",
		    (int)utf8_prefix(text, 80).len, text.p);
		return RES_INVALID;
	}
	if (strcmp(jid.domain, s->config->address) == 0) {
		buf_printf(why,
		    "%s is an address of this service itself: write the address of a person.",
		    jid.bare);
		return RES_INVALID;
	}
	if (has_recipient(out, jid.bare))
		return RES_OK;
	if (out->nto == REQUEST_TO_MAX)
		return too_many(why);
	out->to[out->nto] = arena_text(&f->arena, jid.bare);
	return out->to[out->nto++] == NULL ? RES_NOMEM : RES_OK;
}

static enum res
read_to(struct service *s, struct form *f, struct request *out, struct buf *why)
{
	struct span in = span_of(form_get_lines(f, "to")), item;

	for (int n = 0; take_item(&in, &item); n++) {
		enum res res = n < ITEMS_MAX ? read_recipient(s, item, f, out, why) : too_many(why);
		if (res != RES_OK)
			return res;
	}
	if (out->nto == 0) {
		buf_text(why, "A recipient is missing: write an address like romeo@example.net.");
		return RES_INVALID;
	}
	return RES_OK;
}

static enum res
read_body(struct service *s, struct form *f, struct request *out, struct buf *why)
{
	out->body = span_of(form_get_lines(f, "body"));
	if (span_trim(out->body).len == 0) {
		buf_text(why, "The message is empty: write some text.");
		return RES_INVALID;
	}
	if (out->body.len > s->config->body_max) {
		buf_printf(why, "The message has %zu bytes, and %zu are allowed: shorten it.",
		    out->body.len, s->config->body_max);
		return RES_INVALID;
	}
	if (!xml_text_valid(out->body)) {
		buf_text(why,
		    "The message has a character that cannot be sent: remove control characters.");
		return RES_INVALID;
	}
	return RES_OK;
}

static enum res
read_when(struct service *s, struct form *f, int64_t now, struct request *out, struct buf *why)
{
	enum res res =
	    when_parse(&out->when, span_of(form_get(f, "when")), now, &s->config->zone, why);

	if (res == RES_OK && out->when.at - now > s->config->horizon_ms) {
		buf_printf(why, "That is more than %lld days ahead: choose an earlier time.",
		    (long long)(s->config->horizon_ms / DAY_MS));
		return RES_INVALID;
	}
	return res;
}

static enum res
read_expires(struct service *s, struct form *f, int64_t now, struct request *out, struct buf *why)
{
	struct span text = span_trim(span_of(form_get(f, "expires")));
	struct when expires;
	struct buf reason = { .max = 1024 };

	out->expires_at = out->when.at + s->config->hold_ms;
	if (text.len == 0)
		return RES_OK;
	enum res res = when_parse(&expires, text, now, &out->when.zone, &reason);
	if (res == RES_INVALID)
		buf_printf(why, "Expiry: %s", buf_str(&reason));
	buf_free(&reason);
	if (res != RES_OK)
		return res;
	if (expires.at <= out->when.at) {
		buf_text(why,
		    "The message would expire before it is due: let it expire later, or leave that field empty.");
		return RES_INVALID;
	}
	if (expires.at - now > s->config->horizon_ms + s->config->hold_ms) {
		buf_printf(why,
		    "Expiry: that is more than %lld days ahead; let it expire earlier, or leave that field empty.",
		    (long long)((s->config->horizon_ms + s->config->hold_ms) / DAY_MS));
		return RES_INVALID;
	}
	out->expires_at = expires.at;
	out->expires_relative = expires.relative;
	return RES_OK;
}

static enum res
read_choices(struct service *s, struct form *f, struct request *out, struct buf *why)
{
	struct span offline = span_trim(span_of(form_get(f, "offline")));
	struct span repeat = span_trim(span_of(form_get(f, "repeat")));

	out->offline = s->config->offline;
	if (offline.len > 0 && offline_parse(&out->offline, offline) != RES_OK) {
		buf_text(why, "offline is one of auto, hold, server and drop.");
		return RES_INVALID;
	}
	if ((repeat.len > 0 && !span_caseeq(repeat, SPAN("no"))) ||
	    span_trim(span_of(form_get(f, "rrule"))).len > 0) {
		buf_text(why,
		    "This version cannot repeat messages: schedule each one, or leave repeat at “no”.");
		return RES_INVALID;
	}
	return RES_OK;
}

/* Recipients may have to see the sender as an address of ours. */
static enum res
check_alias(struct service *s, const struct jid *sender, struct buf *why)
{
	struct buf alias = { .max = 2 * JID_BARE_MAX };
	enum res res = jid_alias(&alias, sender->bare, s->config->address);

	buf_free(&alias);
	if (res == RES_INVALID)
		buf_text(why, "Your address is too long for this service.");
	return res;
}

enum res
intake_read(struct service *s, const struct jid *sender, enum packet_kind kind, struct form *f,
    int64_t now, struct request *out, struct buf *why)
{
	enum res res;

	*out = (struct request){ .sender = sender, .kind = kind };
	if ((res = check_alias(s, sender, why)) == RES_OK &&
	    (res = read_to(s, f, out, why)) == RES_OK &&
	    (res = read_when(s, f, now, out, why)) == RES_OK &&
	    (res = read_body(s, f, out, why)) == RES_OK &&
	    (res = read_choices(s, f, out, why)) == RES_OK)
		res = read_expires(s, f, now, out, why);
	return f->arena.failed ? RES_NOMEM : res;
}

/* -- Quota ------------------------------------------------------------------------------------- */

enum res
quota_limit_of(
    struct service *s, const struct jid *sender, enum packet_kind kind, struct quota_limit *out)
{
	const char *who[] = { sender->bare, sender->domain, "default" };

	for (size_t i = 0; i < sizeof(who) / sizeof(who[0]); i++) {
		enum res res = s->env.store->ops->limit(s->env.store, who[i], kind, out);
		if (res != RES_NOTFOUND)
			return res;
	}
	*out = s->config->quota[kind];
	return RES_OK;
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
	    "This would exceed your limit of %lld %s messages a %s: %lld are used, and this adds %lld. It resets ",
	    (long long)limit, packet_kind_name(rq->kind), month ? "month" : "day",
	    (long long)(month ? e->use.month : e->use.day), (long long)e->units);
	when_print(why, month ? e->period.month_ends_at : e->period.day_ends_at, &s->config->zone);
	buf_text(why, ".");
	return RES_OVERQUOTA;
}

enum res
intake_quota(
    struct service *s, const struct request *rq, int64_t now, struct estimate *out, struct buf *why)
{
	struct store *st = s->env.store;

	*out = (struct estimate){ .units = (int64_t)rq->nto };
	quota_period_at(&out->period, now, &s->config->zone);
	if (quota_limit_of(s, rq->sender, rq->kind, &out->limit) != RES_OK ||
	    st->ops->use(st, rq->sender->bare, rq->kind, out->period.day, &out->use) != RES_OK ||
	    st->ops->waiting(st, rq->sender->bare, &out->waiting) != RES_OK)
		return RES_TEMPFAIL;
	switch (quota_check(&out->limit, &out->use, out->units)) {
	case QUOTA_DAY_FULL:
		return over_quota(s, rq, out, false, why);
	case QUOTA_MONTH_FULL:
		return over_quota(s, rq, out, true, why);
	case QUOTA_FITS:
		break;
	}
	if (out->waiting + out->units > s->config->pending_max) {
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
		.charge_day = e->period.day,
		.charge_units = (int32_t)(e->units / (int64_t)rq->nto),
	};

	memcpy(p.zone, rq->when.zone.name, sizeof(p.zone));
	return p;
}

enum res
intake_accept(struct service *s, const struct request *rq, int64_t now,
    char ids[][PACKET_ID_LEN + 1], struct buf *why)
{
	struct packet v[REQUEST_TO_MAX];
	struct estimate e;
	struct buf inner = { 0 };
	enum res res = intake_quota(s, rq, now, &e, why);

	if (res != RES_OK)
		return res;
	for (size_t i = 0; i < rq->nto; i++)
		v[i] = packet_for(rq, rq->to[i], &e, now);
	res = body_im(&inner, rq->body);
	if (res == RES_OK)
		res = intake_store(s, v, rq->nto, buf_as_span(&inner), "scheduled");
	for (size_t i = 0; i < rq->nto && res == RES_OK; i++)
		memcpy(ids[i], v[i].id, sizeof(v[i].id));
	buf_free(&inner);
	return res == RES_OK ? RES_OK : RES_TEMPFAIL;
}
