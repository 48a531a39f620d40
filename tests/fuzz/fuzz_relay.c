/*
 * Whatever people write to the aliases of others: what leaves is one stanza that a server takes,
 * from the writer's alias or in a wrapper of their domain, to whom the alias stands for, with
 * nothing in it that says somebody else has written it.  The first byte of the input says what is
 * allowed and granted; the rest are stanzas.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/packet.h"
#include "xmpp/parser.h"
#include "xmpp/relay.h"
#include "xmpp/stanza.h"
#include "xmpp/stream.h"

#define OURS   "later.example.org"
#define HEADER "<stream:stream xmlns='" NS_COMPONENT "' xmlns:stream='" NS_STREAM "' id='1'>"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct world {
	int64_t now;
	struct clock clock;
	xmpp_ctx_t *ctx;
	struct privilege *privilege;
	struct relays *relays;
	struct parser *in, *out; /* what comes, and what leaves as the server reads it */
	enum relay permission;
	const struct jid *from;  /* who has written what is being handled, to whom */
	struct jid to;
	unsigned answered, passed, nagain;
};

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static int64_t
now(void *arg)
{
	return ((struct world *)arg)->now;
}

static enum relay
may(void *arg, const char *from, const char *to)
{
	struct world *w = arg;

	must(strcmp(from, w->from->bare) == 0);
	must(jid_parse_text(&w->to, to) == RES_OK && strcmp(w->to.bare, to) == 0);
	must(strcmp(w->to.domain, OURS) != 0 && strcmp(from, to) != 0);
	return w->permission;
}

static bool
again(void *arg, xmpp_stanza_t *message)
{
	(void)message;
	((struct world *)arg)->nagain++;
	return true;
}

static void
answered(void *arg, xmpp_stanza_t *answer)
{
	struct world *w = arg;

	must(answer != NULL && strcmp(stanza_attr(answer, "type"), "error") == 0);
	must(stanza_child(answer, "error", NULL) != NULL);
	w->answered++;
	xmpp_stanza_release(answer);
}

static enum res
write_one(void *arg, struct span xml)
{
	struct world *w = arg;

	w->passed++;
	must(xml.len <= STREAM_STANZA_MAX && w->permission == RELAY_YES);
	must(parser_feed(w->out, xml) == RES_OK);
	return RES_OK;
}

static void
on_opened(void *arg, const char *id)
{
	(void)arg, (void)id;
}

static void
on_closed(void *arg)
{
	(void)arg;
}

static void
on_dropped(void *arg, const struct parser_dropped *d)
{
	(void)arg, (void)d;
}

/* -- What leaves ------------------------------------------------------------------------------- */

static void
check_child(xmpp_stanza_t *child, bool wrapped)
{
	static const char *const never[] = { "privilege", "forwarded", "stanza-id", "sent",
		"result", "encrypted", "event", "error" };
	char id[PACKET_ID_LEN + 1];
	size_t i;

	for (i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		must(!stanza_is(child, never[i], NULL));
	if (stanza_is(child, "received", "urn:xmpp:receipts"))
		must(packet_id_parse(id, span_of(stanza_attr(child, "id"))) != RES_OK ||
		    strcmp(id, stanza_attr(child, "id")) != 0);
	if (wrapped)
		must(!stanza_is(child, "addresses", NULL) && !stanza_is(child, "nick", NULL));
}

static void
check_message(struct world *w, xmpp_stanza_t *st, bool wrapped)
{
	xmpp_stanza_t *child, *address;
	unsigned addresses = 0, nicks = 0;

	must(stanza_is(st, "message", NULL));
	must(strcmp(stanza_attr(st, "to"), w->to.bare) == 0);
	must(strcmp(stanza_attr(st, "type"), "chat") == 0 ||
	    strcmp(stanza_attr(st, "type"), "normal") == 0);
	for (child = xmpp_stanza_get_children(st); child != NULL;
	    child = xmpp_stanza_get_next(child)) {
		must(xmpp_stanza_is_tag(child));
		check_child(child, wrapped);
		addresses += stanza_is(child, "addresses", NULL);
		nicks += stanza_is(child, "nick", NULL);
	}
	must(wrapped || (addresses == 1 && nicks == 1));
	address = stanza_only_child(stanza_child(st, "addresses", NULL));
	must(wrapped || strcmp(stanza_attr(address, "jid"), w->from->bare) == 0);
}

static void
on_leaving(void *arg, xmpp_stanza_t *st)
{
	struct world *w = arg;
	xmpp_stanza_t *privilege = stanza_child(st, "privilege", NULL);
	struct jid from, behind;

	must(jid_parse_text(&from, stanza_attr(st, "from")) == RES_OK);
	must(strcmp(from.domain, OURS) == 0);
	if (privilege == NULL) {
		must(jid_of_alias(&behind, from.local) == RES_OK);
		must(strcmp(behind.bare, w->from->bare) == 0);
		check_message(w, st, false);
		return;
	}
	must(*from.local == '\0' && strcmp(w->from->domain, "example.org") == 0);
	must(strcmp(stanza_attr(st, "to"), "example.org") == 0);
	must(strncmp(stanza_attr(st, "id"), "relay-", 6) == 0);
	st = stanza_only_child(stanza_only_child(privilege));
	must(strcmp(stanza_attr(st, "from"), w->from->bare) == 0);
	must(strcmp(xmpp_stanza_get_ns(st), "jabber:client") == 0);
	check_message(w, st, true);
}

/* -- What comes -------------------------------------------------------------------------------- */

static void
on_coming(void *arg, xmpp_stanza_t *st)
{
	struct world *w = arg;
	struct jid from, to;

	w->now += 100;
	if (!stanza_is(st, "message", NULL) ||
	    jid_parse_text(&from, stanza_attr(st, "from")) != RES_OK ||
	    jid_parse_text(&to, stanza_attr(st, "to")) != RES_OK)
		return;
	w->from = &from;
	w->answered = w->passed = w->nagain = 0;
	relays_handle(w->relays, &from, &to, st);
	must(w->answered + w->passed == w->nagain && w->nagain <= 1);
	relays_refused(w->relays, stanza_attr(st, "id"));
	relays_committed(w->relays);
}

static void
begin(struct world *w, uint8_t choice)
{
	static const struct parser_events coming = { on_opened, on_coming, on_dropped, on_closed };
	static const struct parser_events leaving = { on_opened, on_leaving, on_dropped,
		on_closed };
	const struct relay_bounds bounds = { .burst = 4, .refill_ms = 1000, .pairs = 3 };
	struct relay_env env = { .clock = &w->clock, .address = OURS, .may = may, .again = again,
		.answered = answered, .write = write_one, .arg = w };
	xmpp_stanza_t *grant;

	*w = (struct world){ .permission = (enum relay)(choice % 5), .clock = { now, now, w } };
	env.ctx = w->ctx = xmpp_ctx_new(NULL, NULL);
	env.privilege = w->privilege = privilege_new();
	w->relays = relays_new(&bounds, &env);
	w->in = parser_new(w->ctx, &parser_bounds_default, &coming, w);
	w->out = parser_new(w->ctx, &parser_bounds_default, &leaving, w);
	must(w->relays != NULL && w->in != NULL && w->out != NULL);
	must(parser_feed(w->in, SPAN(HEADER)) == RES_OK);
	must(parser_feed(w->out, SPAN(HEADER)) == RES_OK);
	if ((choice & 0x80) == 0)
		return;
	grant = xmpp_stanza_new_from_string(w->ctx, "<message><privilege xmlns='" NS_PRIVILEGE_2
	    "'><perm access='message' type='outgoing'/></privilege></message>");
	must(grant != NULL && privilege_learn(w->privilege, "example.org", grant));
	xmpp_stanza_release(grant);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct world w;

	if (len == 0)
		return 0;
	begin(&w, data[0]);
	(void)parser_feed(w.in, (struct span){ (const char *)data + 1, len - 1 });
	relays_free(&w.relays);
	parser_free(&w.in);
	parser_free(&w.out);
	privilege_free(&w.privilege);
	xmpp_ctx_free(w.ctx);
	return 0;
}
