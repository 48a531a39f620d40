#include <string.h>

#include "base/parse.h"
#include "service/intake.h"

/* What costs money and could not be sent at once is tried for so long at least. */
#define PAID_EXPIRY_MIN HOUR_MS

/* What the readers below share. */
struct reading {
	struct run *run;
	struct service *s;
	struct form *f;
	const struct edited *edited; /* or NULL */
	struct request *out;
	struct buf *why;
};

static struct span
field(const struct reading *rd, const char *var)
{
	return span_trim(span_of(form_get(rd->f, var)));
}

static enum res
invalid(const struct reading *rd, const char *words)
{
	buf_text(rd->why, words);
	return RES_INVALID;
}

static enum res
too_large(const struct reading *rd, size_t len)
{
	buf_printf(rd->why, "The message has %zu bytes, and %zu are allowed: shorten it.", len,
	    rd->s->config->body_max);
	return RES_INVALID;
}

static enum res
read_body(const struct reading *rd)
{
	struct span body = span_of(form_get_lines(rd->f, "body"));

	rd->out->body = rd->out->filled = body;
	if (span_trim(body).len == 0 && rd->out->kind != KIND_MMS)
		return invalid(rd, "The message is empty: write some text.");
	if (body.len > rd->s->config->body_max)
		return too_large(rd, body.len);
	if (!xml_text_valid(body))
		return invalid(rd,
		    "The message has a character that cannot be sent: remove control characters.");
	return RES_OK;
}

/* -- When, and how often ----------------------------------------------------------------------- */

static bool
is_kept(const struct reading *rd, const char *var, const char *before)
{
	return rd->edited != NULL && span_eq(field(rd, var), span_trim(span_of(before)));
}

/* A recurrence keeps its own, wherever the occurrence at hand was moved to. */
static struct zone
kept_zone(const struct reading *rd)
{
	const struct edited *edited = rd->edited;
	struct zone zone;

	if (edited->series != NULL && !edited->alone &&
	    zone_find(&zone, span_of(edited->series->zone)) == RES_OK)
		return zone;
	return zones_of_packet(rd->s, edited->p);
}

static bool
has_zone(const struct reading *rd)
{
	struct buf ignored = { .max = 1024 };
	struct when when;
	bool given = when_parse(&when, span_of(form_get(rd->f, "when")), rd->run->now,
			 &rd->out->zone.zone, &ignored) == RES_OK && when.zone_given;

	buf_free(&ignored);
	return given;
}

/* Nobody waits for the clock of a client that nothing is read by. */
static enum res
read_zone(const struct reading *rd)
{
	struct run *r = rd->run;
	enum res res = zones_of(rd->s, &r->who->jid, &r->account, &rd->out->zone);

	rd->out->kept = rd->edited != NULL && is_kept(rd, "when", rd->edited->when);
	return res == RES_UNCERTAIN && (rd->out->kept || has_zone(rd)) ? RES_OK : res;
}

static enum res
read_when(const struct reading *rd)
{
	struct when *when = &rd->out->when;
	struct buf reason = { .max = 1024 };
	enum res res;

	if (rd->out->kept) {
		*when = (struct when){ .at = rd->edited->p->due_at, .zone = kept_zone(rd) };
		return RES_OK;
	}
	res = when_parse(
	    when, span_of(form_get(rd->f, "when")), rd->run->now, &rd->out->zone.zone, &reason);
	if (res == RES_INVALID)
		buf_printf(rd->why, "When: %s.", buf_str(&reason));
	buf_free(&reason);
	if (res == RES_OK && when->at - rd->run->now > rd->s->config->horizon_ms) {
		buf_printf(rd->why, "That is more than %lld days ahead: choose an earlier time.",
		    (long long)(rd->s->config->horizon_ms / DAY_MS));
		return RES_INVALID;
	}
	return res;
}

/* The rule that the fields `repeat` and `rrule` say, or none. */
static enum res
read_rule(const struct reading *rd)
{
	struct request *out = rd->out;
	struct span repeat = field(rd, "repeat"), rrule = field(rd, "rrule");
	struct buf reason = { .max = 1024 };
	enum res res;

	if (repeat.len == 0)
		repeat = SPAN("no");
	if (rrule.len == 0) {
		if (recur_preset(&out->rule, repeat, &out->start) == RES_OK)
			return RES_OK;
		return invalid(rd,
		    "repeat is one of no, daily, weekdays, weekly, monthly and yearly; rrule takes other rules.");
	}
	if (!span_caseeq(repeat, SPAN("no")))
		return invalid(rd,
		    "There are a repeat and an rrule: leave repeat at “no”, or rrule empty.");
	res = recur_parse(&out->rule, rrule, &out->when.zone, &out->start,
	    rd->s->config->repeat_min_ms, &reason);
	if (res == RES_INVALID)
		buf_printf(rd->why, "Rule: %s.", buf_str(&reason));
	buf_free(&reason);
	return res;
}

/* The text with the date and time of the first occurrence. */
static enum res
fill(const struct reading *rd)
{
	struct request *out = rd->out;
	struct buf filled = { 0 };
	const char *text = NULL;
	enum res res = recur_fill(
	    &filled, out->body, out->when.at, &out->when.zone, rd->run->account.hours);

	if (res == RES_OK && filled.len > rd->s->config->body_max)
		res = too_large(rd, filled.len);
	else if (res == RES_OK && (text = arena_span(&rd->f->arena, buf_as_span(&filled))) == NULL &&
	    filled.len > 0)
		res = RES_NOMEM;
	if (text != NULL)
		out->filled = span_of(text);
	buf_free(&filled);
	return res;
}

/* Neither the time nor the rule is changed. */
static bool
rule_is_kept(const struct reading *rd)
{
	return rd->out->kept && rd->edited->series != NULL &&
	    is_kept(rd, "repeat", rd->edited->repeat) && is_kept(rd, "rrule", rd->edited->rrule);
}

static enum res
read_repeat(const struct reading *rd)
{
	struct request *out = rd->out;
	int64_t min = rd->s->config->repeat_min_ms, at;
	bool goes_on;
	enum res res;

	out->asked_at = out->rule_at = out->when.at;
	if (rd->edited != NULL && rd->edited->alone) {
		out->alone = true;
		if (!is_kept(rd, "repeat", rd->edited->repeat) ||
		    !is_kept(rd, "rrule", rd->edited->rrule))
			return invalid(rd,
			    "How it repeats is a matter of all that follow: choose so, or leave repeat and rrule as they are.");
		return fill(rd);
	}
	/* A rule with a COUNT goes on counting, and what it has given does not come again. */
	goes_on = rule_is_kept(rd) &&
	    recur_start_parse(&out->start, rd->edited->series->start) == RES_OK;
	if (goes_on)
		out->rule_at = rd->edited->series->at;
	else
		zone_civil(&out->when.zone, out->when.at, &out->start);
	if ((res = read_rule(rd)) != RES_OK || out->rule.rule[0] == '\0')
		return res;
	if (!out->kept) {
		if (recur_next(&out->rule, &out->when.zone, &out->start, min, out->when.at - 1,
			&at) != RES_OK)
			return invalid(rd, "Rule: it has no occurrence after this time.");
		out->moved = at != out->when.at;
		out->when.at = out->rule_at = at;
	}
	at = out->when.at > out->rule_at ? out->when.at : out->rule_at;
	out->nnext = recur_list(&out->rule, &out->when.zone, &out->start, min, at, out->next,
	    REQUEST_NEXT);
	return fill(rd);
}

/*
 * Messages to phones are not held for somebody, but tried again when gateways failed: they become
 * stale as others do after an outage.
 */
int64_t
intake_expiry_ms(const struct service *s, enum packet_kind kind)
{
	if (!packet_kind_is_paid(kind))
		return s->config->hold_ms;
	return s->config->late_limit_ms > PAID_EXPIRY_MIN ? s->config->late_limit_ms
							  : PAID_EXPIRY_MIN;
}

static enum res
read_expires(const struct reading *rd)
{
	struct service *s = rd->s;
	struct request *out = rd->out;
	struct span text = field(rd, "expires");
	struct when expires;
	struct buf reason = { .max = 1024 };

	out->expires_at = out->when.at + intake_expiry_ms(s, out->kind);
	/* The next occurrence takes the place of one that is still held. */
	if (out->nnext > 0 && out->next[0] < out->expires_at)
		out->expires_at = out->next[0];
	if (out->alone)
		out->expires_at = repeat_expiry(s, rd->edited->series, out->when.at);
	if (text.len == 0)
		return RES_OK;
	if (out->kept && is_kept(rd, "expires", rd->edited->expires)) {
		out->expires_at = rd->edited->p->expires_at;
		out->expires_ms = out->expires_at - out->when.at;
		return RES_OK;
	}
	enum res res = when_parse(&expires, text, rd->run->now, &out->when.zone, &reason);
	if (res == RES_INVALID)
		buf_printf(rd->why, "Expiry: %s.", buf_str(&reason));
	buf_free(&reason);
	if (res != RES_OK)
		return res;
	if (expires.at <= out->when.at)
		return invalid(rd,
		    "The message would expire before it is due: let it expire later, or leave that field empty.");
	if (expires.at - rd->run->now > s->config->horizon_ms + s->config->hold_ms) {
		buf_printf(rd->why,
		    "Expiry: that is more than %lld days ahead; let it expire earlier, or leave that field empty.",
		    (long long)((s->config->horizon_ms + s->config->hold_ms) / DAY_MS));
		return RES_INVALID;
	}
	out->expires_at = expires.at;
	out->expires_ms = expires.at - out->when.at;
	out->expires_relative = expires.relative;
	return RES_OK;
}

static enum res
read_offline(const struct reading *rd)
{
	struct span offline = field(rd, "offline");
	const struct account *account = &rd->run->account;

	rd->out->offline = account->offline != 0 ? account->offline : rd->s->config->offline;
	if (offline.len > 0 && offline_parse(&rd->out->offline, offline) != RES_OK)
		return invalid(rd, "offline is one of auto, hold, server and drop.");
	return RES_OK;
}

/* Recipients may have to see the sender as an address of ours. */
static enum res
check_alias(const struct reading *rd)
{
	struct buf alias = { .max = 2 * JID_BARE_MAX };
	enum res res = jid_alias(&alias, rd->out->sender->bare, rd->s->config->address);

	buf_free(&alias);
	if (res == RES_INVALID)
		buf_text(rd->why, "Your address is too long for this service.");
	return res;
}

/* -- MMS --------------------------------------------------------------------------------------- */

static enum res
read_subject(const struct reading *rd)
{
	struct request *out = rd->out;

	out->subject = field(rd, "subject");
	if (!xml_text_valid(out->subject) ||
	    (out->subject.len > 0 && (memchr(out->subject.p, '\n', out->subject.len) != NULL ||
	    memchr(out->subject.p, '\r', out->subject.len) != NULL)))
		return invalid(rd, "The subject has a character that cannot be sent.");
	if (utf8_prefix(out->subject, MMS_SUBJECT_MAX).len < out->subject.len) {
		buf_printf(rd->why, "The subject has more than %d characters: shorten it.",
		    MMS_SUBJECT_MAX);
		return RES_INVALID;
	}
	return RES_OK;
}

/* The largest that a gateway on the way to the first recipient takes. */
static size_t
media_max(struct service *s, const struct request *rq)
{
	const struct routing *routing = &s->config->routing;
	struct route_path path = { 0 };
	struct buf ignored = { .max = 1024 };
	size_t max = 0;

	(void)route_find(routing, rq->kind, rq->to[0], &path, &ignored);
	buf_free(&ignored);
	for (size_t i = 0; i < path.n; i++)
		if (routing->gateways[path.v[i]].media_max > max)
			max = routing->gateways[path.v[i]].media_max;
	return max;
}

/* Those of a message that is edited are there already. */
static bool
has_medium(const struct edited *edited, const char *url, struct mms_medium *out)
{
	const struct mms *mms = edited != NULL ? edited->mms : NULL;

	for (size_t i = 0; mms != NULL && i < mms->nmedia; i++)
		if (mms->media[i].url != NULL && strcmp(mms->media[i].url, url) == 0) {
			*out = mms->media[i];
			return true;
		}
	return false;
}

static enum res
read_medium(const struct reading *rd, const char *url, size_t max)
{
	struct request *out = rd->out;
	struct buf reason = { .max = 1024 };
	enum res res = RES_OK;

	if (out->nmedia == MMS_MEDIA_MAX) {
		buf_printf(
		    rd->why, "There are more than %d media: leave some out.", MMS_MEDIA_MAX);
		return RES_INVALID;
	}
	if (!has_medium(rd->edited, url, &out->media[out->nmedia]))
		res = medium_get(
		    rd->s, out->sender->bare, url, max, &out->media[out->nmedia], &reason);
	if (res == RES_OK)
		out->nmedia++;
	else if (res == RES_INVALID || res == RES_TEMPFAIL) {
		buf_printf(rd->why, "%s: %s", url, buf_str(&reason));
		res = RES_INVALID;
	}
	buf_free(&reason);
	return res;
}

/* All are begun before any is waited for. */
static enum res
read_media(const struct reading *rd)
{
	struct span in = span_of(form_get_lines(rd->f, "media")), item;
	size_t max = media_max(rd->s, rd->out);
	bool fetching = false;

	while (max > 0 && take_item(&in, &item)) {
		const char *url = arena_span(&rd->f->arena, item);
		enum res res = url == NULL ? RES_NOMEM : read_medium(rd, url, max);

		fetching = fetching || res == RES_UNCERTAIN;
		if (res != RES_OK && res != RES_UNCERTAIN)
			return res;
	}
	if (fetching)
		return RES_UNCERTAIN;
	if (max > 0 && rd->out->nmedia == 0 && span_trim(rd->out->body).len == 0)
		return invalid(rd,
		    "The message is empty: write some text, or give a medium by its https link.");
	return RES_OK;
}

/* -- What it weighs ---------------------------------------------------------------------------- */

/* Every recipient must have a gateway that takes it. */
static enum res
weigh(const struct reading *rd)
{
	struct request *out = rd->out;
	struct buf reason = { .max = 1024 };
	struct route_path path;
	enum res res = RES_OK;

	out->load = (struct load){ .kind = out->kind };
	if (out->kind == KIND_SMS &&
	    (res = segments_count(&out->load.segments, out->filled)) == RES_OK)
		out->load.foreign = segments_foreign(out->filled);
	for (size_t i = 0; i < out->nmedia; i++) {
		out->load.types[out->load.nmedia++] = out->media[i].type;
		out->load.media_bytes += out->media[i].bytes.len;
	}
	for (size_t i = 0; i < out->nto && res == RES_OK; i++) {
		res = load_path(rd->s, &out->load, out->to[i], &path, &reason);
		if (res == RES_INVALID)
			buf_printf(rd->why, "%s: %s", out->to[i], buf_str(&reason));
	}
	buf_free(&reason);
	return res;
}

static enum res
read_to(const struct reading *rd)
{
	return recipients_read(rd->s, rd->f, rd->out, rd->why);
}

/* In this order: what follows may need what was read before. */
static const struct {
	enum res (*read)(const struct reading *rd);
	const char *var; /* the field that is wrong then; NULL: no single one */
	bool mms, paid;  /* only of those */
} readers[] = {
	{ check_alias, NULL, false, false },
	{ read_to, "to", false, false },
	{ read_zone, NULL, false, false },
	{ read_when, "when", false, false },
	{ read_body, "body", false, false },
	{ read_offline, "offline", false, false },
	{ read_repeat, "repeat", false, false },
	{ read_expires, "expires", false, false },
	{ read_subject, "subject", true, true },
	{ read_media, "media", true, true },
	{ weigh, "to", false, true },
};

enum res
intake_read(struct run *r, enum packet_kind kind, const struct edited *edited, struct request *out,
    struct buf *why)
{
	const struct reading rd = { r, r->s, r->in, edited, out, why };
	enum res res = RES_OK;

	*out = (struct request){ .sender = &r->who->jid, .kind = kind, .hours = r->account.hours };
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]) && res == RES_OK; i++)
		if ((!readers[i].mms || kind == KIND_MMS) &&
		    (!readers[i].paid || packet_kind_is_paid(kind))) {
			res = readers[i].read(&rd);
			r->reply->wrong = res == RES_INVALID ? readers[i].var : NULL;
		}
	if (r->reply->wrong != NULL && strcmp(r->reply->wrong, "repeat") == 0 &&
	    field(&rd, "rrule").len > 0)
		r->reply->wrong = "rrule";
	return r->in->arena.failed ? RES_NOMEM : res;
}
