/* What is in a message that came, and what of it goes on to others. */
#include <string.h>

#include "base/parse.h"
#include "core/packet.h"
#include "xmpp/message.h"
#include "xmpp/parser.h"
#include "xmpp/stanza.h"

#define NS_RECEIPTS "urn:xmpp:receipts"
#define NS_MARKERS  "urn:xmpp:chat-markers:0"
#define NS_STATES   "http://jabber.org/protocol/chatstates"
#define NS_HINTS    "urn:xmpp:hints"

/* Beyond the parser's bound on the attributes of one element, and the xmlns that it adds. */
#define ATTRIBUTES_MAX 80

/* inside: the namespace of what may stand in it; NULL: its own. */
static const struct part {
	const char *name, *ns, *inside;
	bool content;
} parts[] = {
	{ "html", "http://jabber.org/protocol/xhtml-im", "http://www.w3.org/1999/xhtml", false },
	{ "request", NS_RECEIPTS, NULL, false },
	{ "received", NS_RECEIPTS, NULL, true },
	{ "markable", NS_MARKERS, NULL, false },
	{ "received", NS_MARKERS, NULL, true },
	{ "displayed", NS_MARKERS, NULL, true },
	{ "acknowledged", NS_MARKERS, NULL, true },
	{ "active", NS_STATES, NULL, false },
	{ "composing", NS_STATES, NULL, false },
	{ "paused", NS_STATES, NULL, false },
	{ "inactive", NS_STATES, NULL, false },
	{ "gone", NS_STATES, NULL, false },
	{ "replace", "urn:xmpp:message-correct:0", NULL, true },
	{ "x", "jabber:x:oob", NULL, false },
	{ "reactions", "urn:xmpp:reactions:0", NULL, true },
	{ "reply", "urn:xmpp:reply:0", NULL, false },
	{ "fallback", "urn:xmpp:fallback:0", NULL, false },
	{ "no-permanent-store", NS_HINTS, NULL, false },
	{ "no-store", NS_HINTS, NULL, false },
	{ "no-copy", NS_HINTS, NULL, false },
	{ "store", NS_HINTS, NULL, false },
	{ "delay", "urn:xmpp:delay", NULL, false },
	{ "origin-id", "urn:xmpp:sid:0", NULL, false },
	{ "retract", "urn:xmpp:message-retract:1", NULL, true },
};

/* RFC 6121 section 5.2: of the stream's own namespace, with nothing but text inside. */
static const struct part plain_parts[] = {
	{ "body", NULL, NULL, true },
	{ "subject", NULL, NULL, false },
	{ "thread", NULL, NULL, false },
};

static const struct part *
part_of(xmpp_stanza_t *child)
{
	bool plain = stanza_is(child, xmpp_stanza_get_name(child), NS_COMPONENT) ||
	    stanza_is(child, xmpp_stanza_get_name(child), "jabber:client");
	size_t i;

	for (i = 0; plain && i < sizeof(plain_parts) / sizeof(plain_parts[0]); i++)
		if (stanza_is(child, plain_parts[i].name, NULL))
			return &plain_parts[i];
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (stanza_is(child, parts[i].name, parts[i].ns))
			return &parts[i];
	return NULL;
}

/* -- As XML ------------------------------------------------------------------------------------ */

/* A prefix would have to be declared, and ends the stream where it is not. */
static bool
is_bound(const char *name)
{
	return strchr(name, ':') == NULL || strcmp(name, "xml:lang") == 0;
}

static void
attributes(struct buf *out, xmpp_stanza_t *st)
{
	const char *pairs[2 * ATTRIBUTES_MAX];
	int i, n = xmpp_stanza_get_attributes(st, pairs, 2 * ATTRIBUTES_MAX);

	for (i = 0; i + 1 < n; i += 2) {
		if (strcmp(pairs[i], "xmlns") == 0 || !is_bound(pairs[i]))
			continue;
		buf_append(out, " ", 1);
		buf_text(out, pairs[i]);
		buf_text(out, "='");
		xml_escape(out, span_of(pairs[i + 1]));
		buf_append(out, "'", 1);
	}
}

/*
 * An element of namespace `ns`, where `scope` is the default, with those below it that are of
 * `inside`; NULL: plain or none.  The parser bounds the depth.
 */
static void
element(struct buf *out, xmpp_stanza_t *st, const char *ns, const char *scope, const char *inside)
{
	const char *name = xmpp_stanza_get_name(st), *child_name;
	xmpp_stanza_t *child;

	buf_append(out, "<", 1);
	buf_text(out, name);
	if (ns != NULL && (scope == NULL || strcmp(ns, scope) != 0)) {
		buf_text(out, " xmlns='");
		xml_escape(out, span_of(ns));
		buf_append(out, "'", 1);
	}
	attributes(out, st);
	buf_append(out, ">", 1);
	for (child = xmpp_stanza_get_children(st); child != NULL;
	    child = xmpp_stanza_get_next(child)) {
		child_name = xmpp_stanza_get_name(child);
		if (xmpp_stanza_is_text(child))
			xml_escape(out, span_of(xmpp_stanza_get_text_ptr(child)));
		else if (inside != NULL && child_name != NULL && is_bound(child_name) &&
		    stanza_is(child, child_name, inside))
			element(out, child, inside, ns, inside);
	}
	buf_text(out, "</");
	buf_text(out, name);
	buf_append(out, ">", 1);
}

/* -- What is in it ----------------------------------------------------------------------------- */

static const char *
receipt_id(xmpp_stanza_t *received)
{
	const char *id = stanza_attr(received, "id");
	char canonical[PACKET_ID_LEN + 1];

	return packet_id_parse(canonical, span_of(id)) == RES_OK && strcmp(canonical, id) == 0
	    ? id
	    : NULL;
}

const char *
message_receipt(xmpp_stanza_t *message)
{
	xmpp_stanza_t *child;

	for (child = xmpp_stanza_get_children(message); child != NULL;
	    child = xmpp_stanza_get_next(child))
		if (stanza_is(child, "received", NS_RECEIPTS) && receipt_id(child) != NULL)
			return receipt_id(child);
	return NULL;
}

enum res
message_copy(struct buf *out, xmpp_stanza_t *message, bool *content)
{
	const struct part *part;
	xmpp_stanza_t *child;

	*content = false;
	for (child = xmpp_stanza_get_children(message); child != NULL;
	    child = xmpp_stanza_get_next(child)) {
		if (!xmpp_stanza_is_tag(child) || xmpp_stanza_get_name(child) == NULL)
			continue;
		part = part_of(child);
		if (part == NULL ||
		    (stanza_is(child, "received", NS_RECEIPTS) && receipt_id(child) != NULL))
			continue;
		*content = *content || part->content;
		element(out, child, part->ns, NULL,
		    part->inside != NULL ? part->inside : part->ns);
	}
	return out->failed ? RES_NOMEM : RES_OK;
}

enum message_content
message_content(xmpp_stanza_t *message)
{
	static const struct {
		const char *name, *ns;
	} others[] = {
		{ "encryption", "urn:xmpp:eme:0" },
		{ "openpgp", "urn:xmpp:openpgp:0" },
		{ "x", "jabber:x:encrypted" },
	};
	xmpp_stanza_t *omemo = stanza_child(message, "encrypted", NULL);

	if (omemo != NULL)
		return stanza_child(omemo, "payload", NULL) != NULL ? MESSAGE_ENCRYPTED
								    : MESSAGE_EMPTY;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (stanza_child(message, others[i].name, others[i].ns) != NULL)
			return MESSAGE_ENCRYPTED;
	return stanza_child(message, "body", NULL) != NULL ? MESSAGE_TEXT : MESSAGE_EMPTY;
}
