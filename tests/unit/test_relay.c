/* What is passed on between people, in which form, and what is refused in which words. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "xmpp/parser.h"
#include "xmpp/relay.h"
#include "xmpp/stanza.h"
#include "xmpp/stream.h"

#define OURS   "later.example.org"
#define ALIAS  "juliet%example.org@" OURS
#define ROMEO  "romeo@example.net"
#define BODY   "<body>Soft!</body>"
#define HEADER "<stream:stream xmlns='" NS_COMPONENT "' xmlns:stream='" NS_STREAM "' id='1'>"

static int64_t now;
static xmpp_ctx_t *ctx;
static struct privilege *privilege;
static struct relays *r;
static struct parser *incoming;
static enum relay permission;
static struct buf asked, passed, answers; /* passed: with a new line behind each */
static unsigned npassed, nanswers, nagain, nfailed;
static bool no_memory;
static enum res write_res;

/* -- The surroundings -------------------------------------------------------------------------- */

static int64_t
clock_now(void *arg)
{
	(void)arg;
	return now;
}

static enum relay
may(void *arg, const char *from, const char *to)
{
	(void)arg;
	buf_printf(&asked, "%s>%s ", from, to);
	return permission;
}

static bool
again(void *arg, xmpp_stanza_t *message)
{
	(void)arg, (void)message;
	nagain++;
	return !no_memory;
}

static void
answered(void *arg, xmpp_stanza_t *answer)
{
	char *text;
	size_t len;

	(void)arg;
	if (answer == NULL) {
		nfailed++;
		return;
	}
	nanswers++;
	assert_int_equal(xmpp_stanza_to_text(answer, &text, &len), XMPP_EOK);
	buf_append(&answers, text, len);
	xmpp_free(ctx, text);
	xmpp_stanza_release(answer);
}

static enum res
write_one(void *arg, struct span xml)
{
	(void)arg;
	if (write_res != RES_OK)
		return write_res;
	npassed++;
	assert_true(xml.len <= STREAM_STANZA_MAX);
	buf_span(&passed, xml);
	return buf_append(&passed, "\n", 1);
}

static void
on_opened(void *arg, const char *id)
{
	(void)arg, (void)id;
}

static void
on_stanza(void *arg, xmpp_stanza_t *st)
{
	struct jid from, to;

	(void)arg;
	if (*stanza_attr(st, "to") == 'l') {
		assert_true(privilege_learn(privilege, stanza_attr(st, "from"), st));
		return;
	}
	assert_int_equal(jid_parse_text(&from, stanza_attr(st, "from")), RES_OK);
	assert_int_equal(jid_parse_text(&to, stanza_attr(st, "to")), RES_OK);
	relays_handle(r, &from, &to, st);
}

static void
on_dropped(void *arg, const struct parser_dropped *d)
{
	(void)arg;
	fail_msg("dropped for its %s", d->why);
}

static void
on_closed(void *arg)
{
	(void)arg;
}

static const struct parser_events events = { on_opened, on_stanza, on_dropped, on_closed };

static void
begin_with(const struct relay_bounds *bounds)
{
	static const struct clock clock = { clock_now, clock_now, NULL };
	const struct relay_env env = {
		.ctx = ctx,
		.clock = &clock,
		.address = OURS,
		.privilege = privilege,
		.may = may,
		.again = again,
		.answered = answered,
		.write = write_one,
	};

	relays_free(&r);
	r = relays_new(bounds, &env);
	assert_non_null(r);
}

static int
setup(void **state)
{
	(void)state;
	now = 1000000;
	permission = RELAY_YES;
	npassed = nanswers = nagain = nfailed = 0;
	no_memory = false;
	write_res = RES_OK;
	asked = passed = answers = (struct buf){ .max = (size_t)16 << 20 };
	ctx = xmpp_ctx_new(NULL, NULL);
	privilege = privilege_new();
	begin_with(&relay_bounds_default);
	incoming = parser_new(ctx, &parser_bounds_default, &events, NULL);
	return incoming == NULL ||
	    parser_feed(incoming, SPAN(HEADER)) != RES_OK;
}

static int
teardown(void **state)
{
	(void)state;
	relays_free(&r);
	assert_null(r);
	relays_free(&r);
	parser_free(&incoming);
	privilege_free(&privilege);
	xmpp_ctx_free(ctx);
	buf_free(&asked);
	buf_free(&passed);
	buf_free(&answers);
	return 0;
}

static void
comes(const char *xml)
{
	buf_reset(&asked);
	buf_reset(&passed);
	buf_reset(&answers);
	npassed = nanswers = nagain = nfailed = 0;
	assert_int_equal(parser_feed(incoming, span_of(xml)), RES_OK);
}

static void
writes(const char *from, const char *to, const char *attributes, const char *children)
{
	struct buf xml = { .max = (size_t)1 << 20 };

	buf_printf(&xml, "<message from='%s' to='%s'%s>%s</message>", from, to, attributes,
	    children);
	assert_false(xml.failed);
	comes(buf_str(&xml));
	buf_free(&xml);
}

static void
romeo_writes(const char *children)
{
	writes(ROMEO "/orchard", ALIAS, " type='chat' id='r1'", children);
}

static void
assert_silent(void)
{
	assert_string_equal(buf_str(&passed), "");
	assert_string_equal(buf_str(&answers), "");
	assert_int_equal(nagain, 0);
	assert_int_equal(nfailed, 0);
}

/* Children of the one message that was passed on, without what says who is behind it. */
static void
assert_passed(const char *children)
{
	struct buf want = { .max = (size_t)1 << 20 };

	buf_printf(&want,
	    "<message type='chat' id='r1' from='romeo%%example.net@" OURS "' "
	    "to='juliet@example.org'>%s<addresses xmlns='http://jabber.org/protocol/address'>"
	    "<address type='ofrom' jid='" ROMEO "'/></addresses>"
	    "<nick xmlns='http://jabber.org/protocol/nick'>romeo</nick></message>\n",
	    children);
	assert_string_equal(buf_str(&passed), buf_str(&want));
	assert_int_equal(npassed, 1);
	assert_int_equal(nanswers, 0);
	assert_int_equal(nagain, 1);
	buf_free(&want);
}

static void
assert_refused(const char *type, const char *condition, const char *words)
{
	assert_int_equal(npassed, 0);
	assert_int_equal(nanswers, 1);
	assert_int_equal(nagain, 1);
	assert_non_null(strstr(buf_str(&answers), "<message"));
	assert_non_null(strstr(buf_str(&answers), "type=\"error\""));
	assert_non_null(strstr(buf_str(&answers), type));
	assert_non_null(strstr(buf_str(&answers), condition));
	if (strstr(buf_str(&answers), words) == NULL)
		fail_msg("no \"%s\" in %s", words, buf_str(&answers));
}

static void
assert_counted(const char *result, unsigned n)
{
	struct buf page = { 0 };
	char line[100];

	relays_expose(r, &page);
	assert_false(page.failed);
	snprintf(line, sizeof(line), "\nlaterd_relayed_total{result=\"%s\"} %u\n", result, n);
	if (strstr(buf_str(&page), line) == NULL)
		fail_msg("no %s in %s", line, buf_str(&page));
	buf_free(&page);
}

/* -- Who may write to whom --------------------------------------------------------------------- */

static void
test_a_reply_comes_from_the_alias_of_who_wrote_it(void **state)
{
	(void)state;
	romeo_writes(BODY);
	assert_passed(BODY);
	assert_string_equal(buf_str(&asked), ROMEO ">juliet@example.org ");
	assert_counted("relayed", 1);
	/* To whichever resource it was written. */
	writes(ROMEO "/orchard", ALIAS "/any", " type='chat' id='r1'", BODY);
	assert_passed(BODY);
}

static void
test_type_id_and_language_are_kept(void **state)
{
	(void)state;
	writes(ROMEO, ALIAS, "", BODY);
	assert_non_null(strstr(buf_str(&passed), "<message type='normal' from='romeo%"));
	writes(ROMEO, ALIAS, " type='normal' id='&lt;&apos;&quot;&amp;>' xml:lang='it'",
	    "<body>O</body><body xml:lang='d&apos;e'>Ach</body>");
	assert_non_null(strstr(
	    buf_str(&passed), "<message type='normal' id='&lt;&apos;&quot;&amp;&gt;' from="));
	assert_non_null(strstr(buf_str(&passed), "to='juliet@example.org' xml:lang='it'>"
	    "<body>O</body><body xml:lang='d&apos;e'>Ach</body><addresses"));
	assert_int_equal(npassed, 1);
}

static void
grant(const char *domain, const char *ns)
{
	struct buf xml = { 0 };

	buf_printf(&xml, "<message from='%s' to='" OURS "'><privilege xmlns='%s'>"
	    "<perm access='message' type='outgoing'/></privilege></message>", domain, ns);
	comes(buf_str(&xml));
	buf_free(&xml);
}

static void
test_where_the_server_lets_us_a_reply_comes_from_the_writer(void **state)
{
	(void)state;
	grant("example.net", NS_PRIVILEGE_2);
	romeo_writes(BODY);
	assert_string_equal(buf_str(&passed),
	    "<message id='relay-0' from='" OURS "' to='example.net'>"
	    "<privilege xmlns='urn:xmpp:privilege:2'><forwarded xmlns='urn:xmpp:forward:0'>"
	    "<message xmlns='jabber:client' type='chat' id='r1' from='" ROMEO "' "
	    "to='juliet@example.org'>" BODY "</message></forwarded></privilege></message>\n");
	/* The recipient's domain has nothing to do with it. */
	writes("juliet@example.org/balcony", "romeo%example.net@" OURS, " type='chat'", BODY);
	assert_non_null(strstr(buf_str(&passed), "from='" ALIAS "' to='" ROMEO "'"));
}

static void
test_a_wrapper_never_has_the_id_of_a_packet(void **state)
{
	(void)state;
	grant("example.net", NS_PRIVILEGE_1);
	writes(ROMEO, ALIAS, " type='chat' id='7K3QAB'", BODY);
	assert_non_null(strstr(buf_str(&passed), "<message id='relay-0' from='" OURS "'"));
	assert_non_null(strstr(buf_str(&passed), "type='chat' id='7K3QAB' from='" ROMEO "'"));
	writes(ROMEO, ALIAS, " type='chat'", BODY);
	assert_non_null(strstr(buf_str(&passed), "<message id='relay-1' from='" OURS "'"));
}

static void
test_a_wrapper_that_comes_back_is_told_to_the_writer(void **state)
{
	size_t i;

	(void)state;
	grant("example.net", NS_PRIVILEGE_2);
	romeo_writes(BODY);
	relays_refused(r, "relay-1");
	relays_refused(r, "r1");
	relays_refused(r, "");
	assert_int_equal(nanswers, 0);
	relays_refused(r, "relay-0");
	assert_int_equal(nanswers, 1);
	assert_non_null(strstr(buf_str(&answers), "to=\"" ROMEO "/orchard\""));
	assert_non_null(strstr(buf_str(&answers), "id=\"r1\""));
	assert_non_null(strstr(buf_str(&answers), "internal-server-error"));
	assert_non_null(strstr(buf_str(&answers), "type=\"wait\""));
	relays_refused(r, "relay-0");
	assert_int_equal(nanswers, 1);
	for (i = 0; i < 17; i++)
		romeo_writes(BODY);
	relays_refused(r, "relay-1");
	assert_int_equal(nanswers, 0);
	relays_refused(r, "relay-2");
	relays_refused(r, "relay-17");
	assert_int_equal(nanswers, 2);
}

static void
test_refusals_say_why(void **state)
{
	static const struct {
		enum relay answer;
		const char *type, *condition, *words, *result;
	} table[] = {
		{ RELAY_STRANGERS, "type=\"cancel\"", "<service-unavailable",
		    "Write to the person directly instead: their address is the part before the @ "
		    "here, with an @ in place of its last %.", "strangers" },
		{ RELAY_STOPPED, "type=\"cancel\"", "<service-unavailable", "wants no messages",
		    "stopped" },
		{ RELAY_DENIED, "type=\"cancel\"", "<not-allowed", "blocked", "denied" },
		{ RELAY_TROUBLE, "type=\"wait\"", "<internal-server-error", "try again later",
		    "trouble" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		permission = table[i].answer;
		romeo_writes(BODY);
		assert_refused(table[i].type, table[i].condition, table[i].words);
		assert_non_null(strstr(buf_str(&answers), "from=\"" ALIAS "\""));
		assert_non_null(strstr(buf_str(&answers), "to=\"" ROMEO "/orchard\""));
		assert_non_null(strstr(buf_str(&answers), "id=\"r1\""));
		assert_counted(table[i].result, 1);
	}
	assert_counted("relayed", 0);
}

static void
test_nobody_is_reached_behind_what_is_no_alias(void **state)
{
	static const char *const to[] = { "who@" OURS, "%25@" OURS, "juliet%@" OURS,
		"juliet%example.org.@" OURS, "juliet%a..b@" OURS,
		/* Ourselves, in every way. */
		"bot%" OURS "@" OURS, "juliet%example.org%" OURS "@" OURS,
		/* And the writer. */
		"romeo%example.net@" OURS };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
		writes(ROMEO "/orchard", to[i], " type='chat' id='r1'", BODY);
		assert_refused("type=\"cancel\"", "<item-not-found", "Nobody can be reached");
		assert_string_equal(buf_str(&asked), "");
	}
	assert_counted("nobody", (unsigned)i);
}

static void
test_what_cannot_be_a_persons_is_not_answered(void **state)
{
	static const struct {
		const char *from, *attributes, *children;
	} table[] = {
		{ ROMEO, " type='groupchat'", BODY },
		{ ROMEO, " type='headline'", BODY },
		{ ROMEO, " type='error'", BODY },
		{ ROMEO, " type='Chat'", BODY },
		{ "example.net", " type='chat'", BODY },
		{ "example.net/x", "", BODY },
		{ "juliet%example.org@" OURS, " type='chat'", BODY },
		{ "bot@" OURS "/x", " type='chat'", BODY },
		{ OURS, "", BODY },
		{ ROMEO, " type='chat'", "<sent xmlns='urn:xmpp:carbons:2'/>" BODY },
		{ ROMEO, " type='chat'", BODY "<received xmlns='urn:xmpp:carbons:2'/>" },
		{ ROMEO, " type='chat'", "<encrypted xmlns='eu.siacs.conversations.axolotl'>"
		    "<header/></encrypted>" BODY },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		writes(table[i].from, "nurse%example.org@" OURS, table[i].attributes,
		    table[i].children);
		assert_silent();
		assert_string_equal(buf_str(&asked), "");
	}
}

/* -- What is passed on ------------------------------------------------------------------------- */

#define XHTML "<html xmlns='http://jabber.org/protocol/xhtml-im'>" \
	"<body xmlns='http://www.w3.org/1999/xhtml'>%s</body></html>"

static void
test_what_belongs_to_a_message_is_passed_on(void **state)
{
	/* Each is passed on as it stands, but for how it is written. */
	static const char *const rest[] = {
		"<subject>The &lt;moon&gt;</subject>",
		"<thread parent='t0'>t1</thread>",
		"<request xmlns='urn:xmpp:receipts'></request>",
		"<markable xmlns='urn:xmpp:chat-markers:0'></markable>",
		"<active xmlns='http://jabber.org/protocol/chatstates'></active>",
		"<composing xmlns='http://jabber.org/protocol/chatstates'></composing>",
		"<paused xmlns='http://jabber.org/protocol/chatstates'></paused>",
		"<inactive xmlns='http://jabber.org/protocol/chatstates'></inactive>",
		"<gone xmlns='http://jabber.org/protocol/chatstates'></gone>",
		"<x xmlns='jabber:x:oob'><url>https://example.net/a?b&amp;c</url></x>",
		"<fallback xmlns='urn:xmpp:fallback:0'><body></body></fallback>",
		"<store xmlns='urn:xmpp:hints'></store>",
		"<no-store xmlns='urn:xmpp:hints'></no-store>",
		"<no-copy xmlns='urn:xmpp:hints'></no-copy>",
		"<no-permanent-store xmlns='urn:xmpp:hints'></no-permanent-store>",
		"<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'></delay>",
		"<origin-id xmlns='urn:xmpp:sid:0' id='r1'></origin-id>",
		"<reply xmlns='urn:xmpp:reply:0' id='7K3QAB'></reply>",
	};
	char text[600];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rest) / sizeof(rest[0]); i++) {
		now += 1000;
		romeo_writes(rest[i]);
		assert_silent();
		assert_string_equal(buf_str(&asked), "");
		snprintf(text, sizeof(text), BODY "%s", rest[i]);
		romeo_writes(text);
		assert_passed(text);
	}
}

#define REACTIONS "<reactions xmlns='urn:xmpp:reactions:0' id='a'>" \
	"<reaction>\xf0\x9f\x8c\x99</reaction></reactions>"

static void
test_some_things_say_something_without_a_body(void **state)
{
	static const char *const alone[] = {
		"<body></body>",
		"<received xmlns='urn:xmpp:receipts' id='a-1'></received>",
		"<received xmlns='urn:xmpp:chat-markers:0' id='7K3QAB'></received>",
		"<displayed xmlns='urn:xmpp:chat-markers:0' id='a'></displayed>",
		"<acknowledged xmlns='urn:xmpp:chat-markers:0' id='a'></acknowledged>",
		"<replace xmlns='urn:xmpp:message-correct:0' id='a'></replace>",
		REACTIONS,
		"<retract xmlns='urn:xmpp:message-retract:1' id='a'></retract>",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(alone) / sizeof(alone[0]); i++) {
		romeo_writes(alone[i]);
		assert_passed(alone[i]);
	}
}

#define ADDRESSES "<addresses xmlns='http://jabber.org/protocol/address'>" \
	"<address type='ofrom' jid='nurse@example.org'/></addresses>"

static void
test_nothing_else_is_passed_on(void **state)
{
	static const char *const others[] = {
		ADDRESSES,
		"<nick xmlns='http://jabber.org/protocol/nick'>Paris</nick>",
		"<privilege xmlns='urn:xmpp:privilege:2'/>",
		"<forwarded xmlns='urn:xmpp:forward:0'><message/></forwarded>",
		"<stanza-id xmlns='urn:xmpp:sid:0' by='example.org' id='1'/>",
		"<private xmlns='urn:xmpp:carbons:2'/>",
		"<x xmlns='http://jabber.org/protocol/muc#user'><invite/></x>",
		"<x xmlns='jabber:x:conference' jid='a@b'/>",
		"<error type='cancel'/>",
		"<body xmlns='urn:other'>x</body>",
		"<body xmlns=''>x</body>",
		"<subject xmlns='urn:other'>x</subject>",
		"<request xmlns='urn:xmpp:receipts:2'/>",
		"text beside elements",
		"<p:thing xmlns:p='urn:p'/>",
	};
	char text[600];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		romeo_writes(others[i]);
		assert_silent();
		snprintf(text, sizeof(text), "%s" BODY "%s", others[i], others[i]);
		romeo_writes(text);
		assert_passed(BODY);
	}
}

static void
test_elements_of_other_namespaces_are_left_out_also_inside(void **state)
{
	(void)state;
	romeo_writes("<body>a<b xmlns='urn:b'>hidden</b>c<i>no</i></body>"
	    "<x xmlns='jabber:x:oob'><url>u</url><evil xmlns='urn:evil'><url/></evil>"
	    "<addresses xmlns='http://jabber.org/protocol/address'/></x>");
	assert_passed("<body>ac</body><x xmlns='jabber:x:oob'><url>u</url></x>");
	romeo_writes("<reply xmlns='urn:xmpp:reply:0' id='1'>"
	    "<received xmlns='urn:xmpp:receipts' id='7K3QAB'/></reply>" BODY);
	assert_passed("<reply xmlns='urn:xmpp:reply:0' id='1'></reply>" BODY);
}

static void
test_formatted_text_keeps_its_structure(void **state)
{
	char text[400];

	(void)state;
	snprintf(text, sizeof(text), BODY XHTML,
	    "<p style='color: &quot;red&quot;'>A <em>rose</em> &amp; <br></br>more</p>");
	romeo_writes(text);
	assert_passed(text);
	/* Whatever prefixes it came with. */
	romeo_writes(BODY "<h:html xmlns:h='http://jabber.org/protocol/xhtml-im' "
	    "xmlns:x='http://www.w3.org/1999/xhtml'><x:body x:style='lost'><x:p>A<h:p/></x:p>"
	    "</x:body></h:html>");
	snprintf(text, sizeof(text), BODY XHTML, "<p>A</p>");
	assert_passed(text);
}

static void
test_a_receipt_for_a_packet_is_for_us(void **state)
{
	static const char receipt[] = "<received xmlns='urn:xmpp:receipts' id='7K3QAB'/>";
	char text[300];

	(void)state;
	romeo_writes(receipt);
	assert_silent();
	snprintf(text, sizeof(text), "%s" BODY "<received xmlns='urn:xmpp:receipts' id='x'/>%s",
	    receipt, receipt);
	romeo_writes(text);
	assert_passed(BODY "<received xmlns='urn:xmpp:receipts' id='x'></received>");
	/* As people type them, ids are none on the wire. */
	romeo_writes("<received xmlns='urn:xmpp:receipts' id='7k3qab'></received>");
	assert_passed("<received xmlns='urn:xmpp:receipts' id='7k3qab'></received>");
}

static void
test_a_receipt_is_asked_for_only_by_the_writer(void **state)
{
	(void)state;
	romeo_writes(BODY);
	assert_null(strstr(buf_str(&passed), "urn:xmpp:receipts"));
	assert_null(strstr(buf_str(&passed), "origin-id"));
	assert_null(strstr(buf_str(&passed), "delay"));
}

static void
test_encrypted_messages_are_refused_in_words(void **state)
{
	static const char *const encrypted[] = {
		"<encrypted xmlns='eu.siacs.conversations.axolotl'><header/><payload>x</payload>"
		"</encrypted>" BODY,
		"<encrypted xmlns='urn:xmpp:omemo:2'><payload>x</payload></encrypted>",
		"<openpgp xmlns='urn:xmpp:openpgp:0'>x</openpgp>",
		"<x xmlns='jabber:x:encrypted'>x</x>" BODY,
		"<encryption xmlns='urn:xmpp:eme:0' namespace='urn:xmpp:otr:0'/>" BODY,
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(encrypted) / sizeof(encrypted[0]); i++) {
		romeo_writes(encrypted[i]);
		assert_refused("type=\"modify\"", "<not-acceptable", "Encrypted messages cannot");
	}
	assert_counted("encrypted", (unsigned)i);
	/* Strangers learn first that it would not help to switch it off. */
	permission = RELAY_STRANGERS;
	romeo_writes(encrypted[0]);
	assert_refused("type=\"cancel\"", "<service-unavailable", "Only replies");
}

static void
write_much(size_t len, const char *what)
{
	char *text = malloc(len + 64);
	size_t i, step = strlen(what);

	assert_non_null(text);
	strcpy(text, "<body>");
	for (i = 6; i + step < len; i += step)
		memcpy(text + i, what, step);
	strcpy(text + i, "</body>");
	romeo_writes(text);
	free(text);
}

static void
test_what_the_server_would_not_take_is_refused(void **state)
{
	(void)state;
	write_much(STREAM_STANZA_MAX - 1000, "x");
	assert_int_equal(npassed, 1);
	write_much(STREAM_STANZA_MAX - 100, "x");
	assert_refused("type=\"modify\"", "<not-acceptable", "larger than what can be passed on");
	write_much(STREAM_STANZA_MAX + 100, "x");
	assert_refused("type=\"modify\"", "<not-acceptable", "larger than what can be passed on");
	/* It grows where it is escaped. */
	write_much(250000, "'");
	assert_refused("type=\"modify\"", "<not-acceptable", "larger than what can be passed on");
	assert_counted("large", 3);
	assert_int_equal(nfailed, 0);
}

static void
test_an_address_without_an_alias_cannot_write(void **state)
{
	char from[1100];

	(void)state;
	writes("romeo@[::1]/x", ALIAS, " type='chat' id='r1'", BODY);
	assert_refused("type=\"modify\"", "<not-acceptable", "or the address it comes from");
	memset(from, 'x', 1020);
	strcpy(from + 1020, "@example.net");
	writes(from, ALIAS, " type='chat' id='r1'", BODY);
	assert_refused("type=\"modify\"", "<not-acceptable", "or the address it comes from");
}

/* -- How much ---------------------------------------------------------------------------------- */

static void
test_a_pair_may_write_thirty_at_once_and_one_a_second(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < 30; i++) {
		romeo_writes(BODY);
		assert_passed(BODY);
	}
	romeo_writes(BODY);
	assert_refused("type=\"wait\"", "<resource-constraint", "too many messages at once");
	assert_string_equal(buf_str(&asked), "");
	romeo_writes(BODY);
	assert_silent();
	now += 999;
	romeo_writes(BODY);
	assert_silent();
	now += 1;
	romeo_writes(BODY);
	assert_passed(BODY);
	/* The next time it is told again. */
	romeo_writes(BODY);
	assert_refused("type=\"wait\"", "<resource-constraint", "too many messages at once");
	romeo_writes(BODY);
	assert_silent();
	/* Nobody else has to wait, nor romeo with others, nor who answers him. */
	writes("paris@example.net", ALIAS, "", BODY);
	assert_int_equal(npassed, 1);
	writes(ROMEO, "nurse%example.org@" OURS, "", BODY);
	assert_int_equal(npassed, 1);
	writes("juliet@example.org", "romeo%example.net@" OURS, "", BODY);
	assert_int_equal(npassed, 1);
	/* But from every place of his. */
	writes(ROMEO "/tomb", ALIAS "/x", "", BODY);
	assert_silent();
	assert_counted("relayed", 34);
	assert_counted("rate", 2);
	assert_counted("silenced", 4);
	now += 60000;
	for (i = 0; i < 30; i++) {
		romeo_writes(BODY);
		assert_passed(BODY);
	}
	romeo_writes(BODY);
	assert_int_equal(npassed, 0);
}

static void
test_errors_and_silence_cost_as_much_as_messages(void **state)
{
	unsigned i;

	(void)state;
	permission = RELAY_STRANGERS;
	for (i = 0; i < 30; i++) {
		romeo_writes(BODY);
		assert_int_equal(nanswers, 1);
	}
	romeo_writes(BODY);
	assert_refused("type=\"wait\"", "<resource-constraint", "too many");
	romeo_writes(BODY);
	assert_silent();
	/* What is dropped anyway costs nothing. */
	for (i = 0; i < 100; i++)
		writes("nurse@example.org", ALIAS, " type='chat'",
		    "<composing xmlns='http://jabber.org/protocol/chatstates'/>");
	writes("nurse@example.org", ALIAS, " type='chat'", BODY);
	assert_int_equal(nanswers, 1);
	assert_non_null(strstr(buf_str(&answers), "service-unavailable"));
}

static void
write_as(unsigned n)
{
	char from[64];

	snprintf(from, sizeof(from), "user%u@example.net", n);
	writes(from, ALIAS, "", BODY);
}

static void
test_who_is_silent_for_longest_is_forgotten(void **state)
{
	const struct relay_bounds few = { .burst = 1, .refill_ms = 1000000, .pairs = 3 };

	(void)state;
	begin_with(&few);
	write_as(1);
	write_as(2);
	write_as(3);
	/* Also one that is refused is heard of. */
	write_as(1);
	assert_int_equal(npassed, 0);
	write_as(4);
	assert_int_equal(npassed, 1);
	write_as(1);
	assert_int_equal(npassed, 0);
	write_as(3);
	assert_int_equal(npassed, 0);
	write_as(2);
	assert_int_equal(npassed, 1);
}

static void
test_ten_thousand_pairs_are_remembered(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < 30; i++)
		write_as(0);
	for (i = 1; i < 10000; i++)
		write_as(i);
	write_as(0);
	assert_int_equal(npassed, 0);
	for (i = 1; i <= 10000; i++)
		write_as(i);
	write_as(0);
	assert_int_equal(npassed, 1);
}

/* -- Trouble ----------------------------------------------------------------------------------- */

static void
test_what_a_failed_turn_passed_on_does_not_count(void **state)
{
	(void)state;
	romeo_writes(BODY);
	relays_committed(r);
	romeo_writes(BODY);
	permission = RELAY_STRANGERS;
	romeo_writes(BODY);
	assert_counted("relayed", 2);
	relays_failed(r);
	assert_counted("relayed", 1);
	assert_counted("strangers", 0);
	relays_failed(r);
	assert_counted("relayed", 1);
}

static void
test_a_message_that_cannot_be_remembered_fails_its_turn(void **state)
{
	(void)state;
	no_memory = true;
	romeo_writes(BODY);
	assert_int_equal(nfailed, 1);
}

static void
test_a_message_that_cannot_be_queued_is_answered(void **state)
{
	(void)state;
	write_res = RES_NOMEM;
	romeo_writes(BODY);
	assert_refused("type=\"wait\"", "<internal-server-error", "try again later");
	assert_counted("trouble", 1);
}

#define with_relays(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_relays(test_a_reply_comes_from_the_alias_of_who_wrote_it),
		with_relays(test_type_id_and_language_are_kept),
		with_relays(test_where_the_server_lets_us_a_reply_comes_from_the_writer),
		with_relays(test_a_wrapper_never_has_the_id_of_a_packet),
		with_relays(test_a_wrapper_that_comes_back_is_told_to_the_writer),
		with_relays(test_refusals_say_why),
		with_relays(test_nobody_is_reached_behind_what_is_no_alias),
		with_relays(test_what_cannot_be_a_persons_is_not_answered),
		with_relays(test_what_belongs_to_a_message_is_passed_on),
		with_relays(test_some_things_say_something_without_a_body),
		with_relays(test_nothing_else_is_passed_on),
		with_relays(test_elements_of_other_namespaces_are_left_out_also_inside),
		with_relays(test_formatted_text_keeps_its_structure),
		with_relays(test_a_receipt_for_a_packet_is_for_us),
		with_relays(test_a_receipt_is_asked_for_only_by_the_writer),
		with_relays(test_encrypted_messages_are_refused_in_words),
		with_relays(test_what_the_server_would_not_take_is_refused),
		with_relays(test_an_address_without_an_alias_cannot_write),
		with_relays(test_a_pair_may_write_thirty_at_once_and_one_a_second),
		with_relays(test_errors_and_silence_cost_as_much_as_messages),
		with_relays(test_who_is_silent_for_longest_is_forgotten),
		with_relays(test_ten_thousand_pairs_are_remembered),
		with_relays(test_what_a_failed_turn_passed_on_does_not_count),
		with_relays(test_a_message_that_cannot_be_remembered_fails_its_turn),
		with_relays(test_a_message_that_cannot_be_queued_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
