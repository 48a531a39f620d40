#include <string.h>

#include "base/parse.h"
#include "core/msisdn.h"
#include "service/intake.h"

/* Addresses looked at, the same ones counted again. */
#define ITEMS_MAX (4 * REQUEST_TO_MAX)

/* -- Addresses --------------------------------------------------------------------------------- */

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
recipients_print(struct buf *out, struct span to)
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
	res = optout_check(s, out->sender->bare, jid.bare);
	if (res == RES_DENIED) {
		buf_printf(why,
		    "%s wants nothing sent to them by this service; only they can change that, by writing start to %s.",
		    jid.bare, s->bot);
		return RES_INVALID;
	}
	return res == RES_OK ? add_recipient(out, f, jid.bare, why) : res;
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

enum res
recipients_read(struct service *s, struct form *f, struct request *out, struct buf *why)
{
	return packet_kind_is_paid(out->kind) ? read_numbers(s, f, out, why)
					      : read_addresses(s, f, out, why);
}
