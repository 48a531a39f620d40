#include <string.h>

#include "base/parse.h"
#include "core/msisdn.h"
#include "service/intake.h"

/* Addresses looked at, the same ones counted again. */
#define ITEMS_MAX (4 * REQUEST_TO_MAX)
/* What costs money and could not be sent at once is tried for so long at least. */
#define PAID_EXPIRY_MIN HOUR_MS

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

	if (take_word(&rest, "tel:") || !take_word(&rest, "xmpp:")) {
		buf_span(out, rest);
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
add_recipient(struct request *out, struct form *f, const char *recipient, struct buf *why)
{
	if (has_recipient(out, recipient))
		return RES_OK;
	if (out->nto == REQUEST_TO_MAX)
		return too_many(why);
	out->to[out->nto] = arena_text(&f->arena, recipient);
	return out->to[out->nto++] == NULL ? RES_NOMEM : RES_OK;
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
	return add_recipient(out, f, jid.bare, why);
}

/* -- Numbers ----------------------------------------------------------------------------------- */

static enum res
read_number(
    struct service *s, struct span text, struct form *f, struct request *out, struct buf *why)
{
	char number[MSISDN_MAX + 1];
	enum res res = msisdn_parse(number, text, s->config->country, why);

	return res == RES_OK ? add_recipient(out, f, number, why) : res;
}

/* What stands between commas and line ends; white space may be part of a number. */
static bool
take_entry(struct span *in, struct span *entry)
{
	size_t n = 0;

	while (in->len > 0 && strchr(",;\r\n", in->p[0]) != NULL) {
		in->p++;
		in->len--;
	}
	while (n < in->len && strchr(",;\r\n", in->p[n]) == NULL)
		n++;
	*entry = span_trim((struct span){ in->p, n });
	in->p += n;
	in->len -= n;
	return n > 0;
}

/* One number with spaces in it, or several with spaces between them. */
static enum res
read_entry(
    struct service *s, struct span entry, struct form *f, struct request *out, struct buf *why)
{
	struct buf reason = { .max = 1024 };
	struct span item;
	enum res res = read_number(s, entry, f, out, &reason);

	if (res == RES_INVALID && memchr(entry.p, ' ', entry.len) != NULL) {
		size_t before = out->nto;
		struct span rest = entry;
		struct buf ignored = { .max = 1024 };

		do
			res = take_item(&rest, &item) ? read_number(s, item, f, out, &ignored)
						      : RES_NOTFOUND;
		while (res == RES_OK);
		buf_free(&ignored);
		if (res == RES_NOTFOUND)
			res = RES_OK;
		else if (res == RES_INVALID)
			out->nto = before;
	}
	if (res == RES_INVALID)
		buf_printf(why, "“%.*s”: %s", (int)utf8_prefix(entry, 80).len, entry.p,
		    buf_str(&reason));
	buf_free(&reason);
	return res;
}

static enum res
read_numbers(struct service *s, struct form *f, struct request *out, struct buf *why)
{
	struct span in = span_of(form_get_lines(f, "to")), entry;

	for (int n = 0; take_entry(&in, &entry); n++) {
		enum res res = RES_OK;

		if (n >= ITEMS_MAX)
			return too_many(why);
		if (entry.len > 0)
			res = read_entry(s, entry, f, out, why);
		if (res != RES_OK)
			return res;
	}
	if (out->nto == 0) {
		buf_text(why, "A recipient is missing: write a number like +4917012345678.");
		return RES_INVALID;
	}
	return RES_OK;
}

/* -- Addresses --------------------------------------------------------------------------------- */

static enum res
read_addresses(struct service *s, struct form *f, struct request *out, struct buf *why)
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
	if (span_trim(out->body).len == 0 && out->kind != KIND_MMS) {
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
	struct buf reason = { .max = 1024 };
	enum res res =
	    when_parse(&out->when, span_of(form_get(f, "when")), now, &s->config->zone, &reason);

	if (res == RES_INVALID)
		buf_printf(why, "When: %s.", buf_str(&reason));
	buf_free(&reason);
	if (res == RES_OK && out->when.at - now > s->config->horizon_ms) {
		buf_printf(why, "That is more than %lld days ahead: choose an earlier time.",
		    (long long)(s->config->horizon_ms / DAY_MS));
		return RES_INVALID;
	}
	return res;
}

/*
 * Messages to phones are not held for somebody, but tried again when gateways failed: they become
 * stale as others do after an outage.
 */
static int64_t
default_expiry(const struct service *s, enum packet_kind kind)
{
	if (!packet_kind_is_paid(kind))
		return s->config->hold_ms;
	return s->config->late_limit_ms > PAID_EXPIRY_MIN ? s->config->late_limit_ms
							  : PAID_EXPIRY_MIN;
}

static enum res
read_expires(struct service *s, struct form *f, int64_t now, struct request *out, struct buf *why)
{
	struct span text = span_trim(span_of(form_get(f, "expires")));
	struct when expires;
	struct buf reason = { .max = 1024 };

	out->expires_at = out->when.at + default_expiry(s, out->kind);
	if (text.len == 0)
		return RES_OK;
	enum res res = when_parse(&expires, text, now, &out->when.zone, &reason);
	if (res == RES_INVALID)
		buf_printf(why, "Expiry: %s.", buf_str(&reason));
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

/* -- MMS --------------------------------------------------------------------------------------- */

static enum res
read_subject(struct form *f, struct request *out, struct buf *why)
{
	out->subject = span_trim(span_of(form_get(f, "subject")));
	if (!xml_text_valid(out->subject) ||
	    (out->subject.len > 0 && (memchr(out->subject.p, '\n', out->subject.len) != NULL ||
	    memchr(out->subject.p, '\r', out->subject.len) != NULL))) {
		buf_text(why, "The subject has a character that cannot be sent.");
		return RES_INVALID;
	}
	if (utf8_prefix(out->subject, MMS_SUBJECT_MAX).len < out->subject.len) {
		buf_printf(why, "The subject has more than %d characters: shorten it.",
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

static enum res
read_medium(struct service *s, const char *url, size_t max, struct request *out, struct buf *why)
{
	struct buf reason = { .max = 1024 };
	struct mms_medium *m = &out->media[out->nmedia];
	enum res res;

	if (out->nmedia == MMS_MEDIA_MAX) {
		buf_printf(why, "There are more than %d media: leave some out.", MMS_MEDIA_MAX);
		return RES_INVALID;
	}
	res = medium_get(s, out->sender->bare, url, max, m, &reason);
	if (res == RES_OK)
		out->nmedia++;
	else if (res == RES_INVALID || res == RES_TEMPFAIL) {
		buf_printf(why, "%s: %s", url, buf_str(&reason));
		res = RES_INVALID;
	}
	buf_free(&reason);
	return res;
}

/* All are begun before any is waited for. */
static enum res
read_media(struct service *s, struct form *f, struct request *out, struct buf *why)
{
	struct span in = span_of(form_get_lines(f, "media")), item;
	size_t max = media_max(s, out);
	bool fetching = false;

	while (max > 0 && take_item(&in, &item)) {
		const char *url = arena_span(&f->arena, item);
		enum res res =
		    url == NULL ? RES_NOMEM : read_medium(s, url, max, out, why);

		fetching = fetching || res == RES_UNCERTAIN;
		if (res != RES_OK && res != RES_UNCERTAIN)
			return res;
	}
	if (fetching)
		return RES_UNCERTAIN;
	if (max > 0 && out->nmedia == 0 && span_trim(out->body).len == 0) {
		buf_text(why, "The message is empty: write some text, or give a medium by its https link.");
		return RES_INVALID;
	}
	return RES_OK;
}

/* -- What it weighs ---------------------------------------------------------------------------- */

/* Every recipient must have a gateway that takes it. */
static enum res
weigh(struct service *s, struct request *out, struct buf *why)
{
	struct buf reason = { .max = 1024 };
	struct route_path path;
	enum res res = RES_OK;

	out->load = (struct load){ .kind = out->kind };
	if (out->kind == KIND_SMS && (res = segments_count(&out->load.segments, out->body)) == RES_OK)
		out->load.foreign = segments_foreign(out->body);
	for (size_t i = 0; i < out->nmedia; i++) {
		out->load.types[out->load.nmedia++] = out->media[i].type;
		out->load.media_bytes += out->media[i].bytes.len;
	}
	for (size_t i = 0; i < out->nto && res == RES_OK; i++) {
		res = load_path(s, &out->load, out->to[i], &path, &reason);
		if (res == RES_INVALID)
			buf_printf(why, "%s: %s", out->to[i], buf_str(&reason));
	}
	buf_free(&reason);
	return res;
}

enum res
intake_read(struct service *s, const struct jid *sender, enum packet_kind kind, struct form *f,
    int64_t now, struct request *out, struct buf *why)
{
	bool paid = packet_kind_is_paid(kind);
	enum res res;

	*out = (struct request){ .sender = sender, .kind = kind };
	if ((res = check_alias(s, sender, why)) == RES_OK &&
	    (res = paid ? read_numbers(s, f, out, why) : read_addresses(s, f, out, why)) ==
		RES_OK &&
	    (res = read_when(s, f, now, out, why)) == RES_OK &&
	    (res = read_body(s, f, out, why)) == RES_OK &&
	    (res = read_choices(s, f, out, why)) == RES_OK)
		res = read_expires(s, f, now, out, why);
	if (res == RES_OK && kind == KIND_MMS && (res = read_subject(f, out, why)) == RES_OK)
		res = read_media(s, f, out, why);
	if (res == RES_OK && paid)
		res = weigh(s, out, why);
	return f->arena.failed ? RES_NOMEM : res;
}
