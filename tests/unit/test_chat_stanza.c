/* Which messages are lines for the bot, and how its answers travel. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/parse.h"
#include "talk_script.h"
#include "xmpp/chat.h"
#include "xmpp/stanza.h"

#define DOMAIN   "later.example.org"
#define BOT      "bot@" DOMAIN
#define OMEMO    "eu.siacs.conversations.axolotl"
#define RECEIPT  "<request xmlns='urn:xmpp:receipts'/>"
#define MARKABLE "<markable xmlns='urn:xmpp:chat-markers:0'/>"
#define SENT_MAX 16

static struct commands service;
static int64_t now;
static struct timers timers;
static xmpp_ctx_t *ctx;
static struct chat *c;
static xmpp_stanza_t *sent[SENT_MAX];
static size_t nsent;
static unsigned failed;

static int64_t
clock_now(void *arg)
{
	(void)arg;
	return now;
}

static void
on_send(void *arg, xmpp_stanza_t *st)
{
	char *text;
	size_t len;

	(void)arg;
	assert_non_null(st);
	assert_true(nsent < SENT_MAX);
	/* As its receiver would parse it. */
	assert_int_equal(xmpp_stanza_to_text(st, &text, &len), XMPP_EOK);
	xmpp_stanza_release(st);
	sent[nsent] = xmpp_stanza_new_from_string(ctx, text);
	assert_non_null(sent[nsent++]);
	xmpp_free(ctx, text);
}

static void
on_failed(void *arg)
{
	(void)arg;
	failed++;
}

static void
forget_sent(void)
{
	while (nsent > 0)
		xmpp_stanza_release(sent[--nsent]);
}

static int
setup(void **state)
{
	static const struct clock clock = { clock_now, clock_now, NULL };
	static const struct zone utc = { .name = "UTC" };
	struct chat_env env = {
		.talk = { .clock = &clock, .timers = &timers, .zone = &utc, .ops = &talk_ops,
		    .commands = &service },
		.address = DOMAIN, .send = on_send, .failed = on_failed,
	};

	(void)state;
	memset(&service, 0, sizeof(service));
	now = 1000000;
	failed = 0;
	env.ctx = ctx = xmpp_ctx_new(NULL, NULL);
	c = chat_new(&talk_bounds_default, &env);
	return c == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	forget_sent();
	chat_free(&c);
	assert_null(c);
	assert_int_equal(timers_next(&timers), NEVER_MS);
	xmpp_ctx_free(ctx);
	buf_free(&service.calls);
	buf_free(&service.last);
	return 0;
}

static void
hear(const char *from, const char *to, const char *attributes, const char *children)
{
	struct buf xml = { .max = 1 << 20 };
	struct asker who;
	struct jid address;
	xmpp_stanza_t *st;

	forget_sent();
	assert_int_equal(jid_parse_text(&who.jid, from), RES_OK);
	assert_int_equal(jid_parse_text(&address, to), RES_OK);
	buf_printf(&xml,
	    "<message xmlns='jabber:component:accept' from='%s' to='%s' %s>%s</message>", from, to,
	    attributes, children);
	st = xmpp_stanza_new_from_string(ctx, buf_str(&xml));
	assert_non_null(st);
	chat_handle(c, &who, &address, st);
	xmpp_stanza_release(st);
	buf_free(&xml);
}

static void
hear_juliet(const char *children)
{
	hear(BALCONY, BOT, "type='chat' id='q1'", children);
}

static const char *
text_of(xmpp_stanza_t *st, const char *child)
{
	static char text[5000];
	struct buf b = { 0 };

	assert_int_equal(stanza_get_text(stanza_child(st, child, NULL), &b), RES_OK);
	snprintf(text, sizeof(text), "%s", buf_str(&b));
	buf_free(&b);
	return text;
}

/* -- Lines ------------------------------------------------------------------------------------- */

static void
test_line_is_answered(void **state)
{
	xmpp_stanza_t *origin;
	const char *id;

	(void)state;
	hear_juliet("<body>list</body>");
	assert_int_equal(nsent, 1);
	assert_string_equal(stanza_attr(sent[0], "type"), "chat");
	assert_string_equal(stanza_attr(sent[0], "to"), BALCONY);
	assert_string_equal(stanza_attr(sent[0], "from"), BOT);
	assert_string_equal(text_of(sent[0], "body"), "list of " JULIET);
	assert_null(stanza_child(sent[0], "thread", NULL));
	id = stanza_attr(sent[0], "id");
	assert_string_not_equal(id, "");
	assert_string_not_equal(id, "q1");
	origin = stanza_child(sent[0], "origin-id", "urn:xmpp:sid:0");
	assert_string_equal(stanza_attr(origin, "id"), id);
	/* It asks for nothing. */
	assert_null(stanza_child(sent[0], "request", NULL));
	assert_null(stanza_child(sent[0], "markable", NULL));
	assert_int_equal(chat_lines(c, TALK_HEARD), 1);
}

static void
test_ids_differ(void **state)
{
	char first[100];

	(void)state;
	hear_juliet("<body>list</body>");
	snprintf(first, sizeof(first), "%s", stanza_attr(sent[0], "id"));
	hear_juliet("<body>list</body>");
	assert_string_not_equal(stanza_attr(sent[0], "id"), first);
}

static void
test_answer_comes_from_the_address_written_to(void **state)
{
	(void)state;
	hear(BALCONY, DOMAIN, "type='chat'", "<body>list</body>");
	assert_string_equal(stanza_attr(sent[0], "from"), DOMAIN);
	hear(BALCONY, "BOT@" DOMAIN "/x", "type='chat'", "<body>list</body>");
	assert_string_equal(stanza_attr(sent[0], "from"), BOT);
	hear(JULIET, BOT, "type='chat'", "<body>list</body>");
	assert_string_equal(stanza_attr(sent[0], "to"), JULIET);
}

static void
test_answer_has_the_type_of_the_line(void **state)
{
	static const char *const types[][2] = {
		{ "type='chat'", "chat" },
		{ "type='normal'", "" },
		{ "", "" },
		{ "type='odd'", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		hear(BALCONY, BOT, types[i][0], "<body>list</body>");
		assert_int_equal(nsent, 1);
		assert_string_equal(stanza_attr(sent[0], "type"), types[i][1]);
	}
}

static void
test_answer_has_the_thread_of_the_line(void **state)
{
	char children[2000], thread[1026];

	(void)state;
	hear_juliet("<body>list</body><thread parent='p'>a&lt;b &amp; c</thread>" RECEIPT);
	assert_int_equal(nsent, 2);
	assert_string_equal(text_of(sent[0], "thread"), "a<b & c");
	assert_string_equal(text_of(sent[1], "thread"), "a<b & c");
	hear_juliet("<body>list</body><thread/>");
	assert_null(stanza_child(sent[0], "thread", NULL));
	memset(thread, 'x', sizeof(thread) - 1);
	thread[1023] = '\0';
	snprintf(children, sizeof(children), "<body>list</body><thread>%s</thread>", thread);
	hear_juliet(children);
	assert_string_equal(text_of(sent[0], "thread"), thread);
	/* Too long to be remembered: the answer goes without it. */
	thread[1023] = 'x';
	thread[1024] = '\0';
	snprintf(children, sizeof(children), "<body>list</body><thread>%s</thread>", thread);
	hear_juliet(children);
	assert_int_equal(nsent, 1);
	assert_null(stanza_child(sent[0], "thread", NULL));
}

static void
test_answer_that_took_time_travels_the_same_way(void **state)
{
	(void)state;
	service.later = 1;
	hear(BALCONY, DOMAIN, "type='normal' id='q1'", "<body>list</body><thread>t</thread>");
	assert_int_equal(nsent, 0);
	talks_resume(chat_talks(c), 1);
	assert_int_equal(nsent, 1);
	assert_string_equal(stanza_attr(sent[0], "from"), DOMAIN);
	assert_string_equal(stanza_attr(sent[0], "to"), BALCONY);
	assert_string_equal(stanza_attr(sent[0], "type"), "");
	assert_string_equal(text_of(sent[0], "thread"), "t");
}

static void
test_failed_turn_is_told_the_same_way(void **state)
{
	(void)state;
	hear(BALCONY, DOMAIN, "type='chat' id='q1'", "<body>list</body><thread>t</thread>");
	forget_sent();
	talks_failed(chat_talks(c));
	assert_int_equal(nsent, 1);
	assert_string_equal(stanza_attr(sent[0], "from"), DOMAIN);
	assert_string_equal(stanza_attr(sent[0], "type"), "chat");
	assert_string_equal(text_of(sent[0], "thread"), "t");
	assert_non_null(strstr(text_of(sent[0], "body"), "could not be stored"));
}

static void
test_body_is_taken_as_it_is(void **state)
{
	(void)state;
	hear_juliet("<body>im noon " ROMEO " &lt;b&gt; &amp; \n\n “ü”</body>");
	assert_string_equal(buf_str(&service.last), "to=" ROMEO " when=noon body=<b> & \n\n “ü”");
	hear_juliet("<body/>");
	assert_int_equal(nsent, 1);
}

static void
test_answer_is_always_xml(void **state)
{
	(void)state;
	/* What a gateway said, in a command's words. */
	service.words = "\xff" "a\x01ü\xed\xa0\x80\xef\xbf\xbf<";
	hear_juliet("<body>list</body>");
	assert_int_equal(nsent, 1);
	assert_string_equal(text_of(sent[0], "body"), "?a?ü??" "??" "<");
}

static void
test_correction_is_known_by_the_line_it_replaces(void **state)
{
	(void)state;
	hear(BALCONY, BOT, "type='chat' id='q1'", "<body>im noon " ROMEO " Good mroning</body>");
	hear(BALCONY, BOT, "type='chat' id='q2'", "<body>im noon " ROMEO " Good morning</body>"
	    "<replace xmlns='urn:xmpp:message-correct:0' id='q1'/>");
	assert_true(service.cancelled[1]);
	assert_int_equal(service.scheduled, 2);
	hear(BALCONY, BOT, "type='chat' id='q3'", "<body>im noon " ROMEO " Good evening</body>"
	    "<replace xmlns='urn:xmpp:else' id='q1'/>");
	assert_false(service.cancelled[2]);
	assert_int_equal(service.scheduled, 3);
	hear(BALCONY, BOT, "type='chat' id='q4'", "<body>list</body>"
	    "<replace xmlns='urn:xmpp:message-correct:0'/>");
	assert_string_equal(text_of(sent[0], "body"), "list of " JULIET);
}

/* -- What is no line --------------------------------------------------------------------------- */

static void
test_what_nobody_has_written_now_is_ignored(void **state)
{
	static const struct {
		const char *from, *attributes, *children;
	} quiet[] = {
		{ BALCONY, "type='groupchat'", "<body>list</body>" },
		{ BALCONY, "type='headline'", "<body>list</body>" },
		{ BALCONY, "type='error'", "<body>list</body>" },
		{ BALCONY, "type='chat'", "" },
		{ BALCONY, "type='chat'",
		    "<active xmlns='http://jabber.org/protocol/chatstates'/>" },
		{ BALCONY, "type='chat'",
		    "<displayed xmlns='urn:xmpp:chat-markers:0' id='x'/>" RECEIPT },
		{ BALCONY, "type='chat'",
		    "<body>list</body><delay xmlns='urn:xmpp:delay' stamp='x'/>" RECEIPT },
		{ BALCONY, "type='chat'", "<sent xmlns='urn:xmpp:carbons:2'><forwarded "
		    "xmlns='urn:xmpp:forward:0'><message><body>list</body></message></forwarded>"
		    "</sent>"
		    "<body>list</body>" },
		{ BALCONY, "type='chat'",
		    "<received xmlns='urn:xmpp:carbons:2'/><body>list</body>" },
		{ "example.org", "type='chat'", "<body>list</body>" },
		{ "example.org/admin", "type='chat'", "<body>list</body>" },
		{ BOT, "type='chat'", "<body>list</body>" },
		{ "juliet%example.org@" DOMAIN, "type='chat'", "<body>list</body>" },
		{ DOMAIN, "", "<body>list</body>" },
		/* The keys of a session alone. */
		{ BALCONY, "type='chat'",
		    "<encrypted xmlns='" OMEMO "'><header/></encrypted>"
		    "<encryption xmlns='urn:xmpp:eme:0' namespace='" OMEMO "'/>" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++) {
		hear(quiet[i].from, BOT, quiet[i].attributes, quiet[i].children);
		if (nsent > 0)
			fail_msg("%s %s: answered", quiet[i].attributes, quiet[i].children);
	}
	assert_int_equal(chat_lines(c, TALK_HEARD) + chat_lines(c, TALK_REFUSED) +
	    chat_lines(c, TALK_IGNORED), 0);
	assert_int_equal(talks_sweep(chat_talks(c)), 0);
}

static void
test_encrypted_lines_are_told_that_they_cannot_be_read(void **state)
{
	static const char *const lines[] = {
		"<encrypted xmlns='" OMEMO "'><header/><payload>x</payload></encrypted>"
		"<body>I sent you an OMEMO encrypted message</body>",
		"<encrypted xmlns='urn:xmpp:omemo:2'><header/><payload>x</payload></encrypted>",
		"<encryption xmlns='urn:xmpp:eme:0' namespace='x'/><body>list</body>",
		"<openpgp xmlns='urn:xmpp:openpgp:0'>x</openpgp>",
		"<x xmlns='jabber:x:encrypted'>x</x><body>list</body>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		hear_juliet(lines[i]);
		assert_int_equal(nsent, 1);
		assert_non_null(strstr(text_of(sent[0], "body"), "encrypted"));
	}
	assert_int_equal(service.calls.len, 0);
	/* They count as lines do. */
	for (int i = 0; i < 30; i++)
		hear_juliet(lines[0]);
	assert_int_equal(nsent, 0);
	assert_true(chat_lines(c, TALK_IGNORED) > 0);
}

/* -- Receipts and markers ---------------------------------------------------------------------- */

static void
assert_acknowledged(bool receipt, bool marker)
{
	xmpp_stanza_t *ack = sent[nsent - 1], *received, *displayed;

	received = stanza_child(ack, "received", "urn:xmpp:receipts");
	displayed = stanza_child(ack, "displayed", "urn:xmpp:chat-markers:0");
	assert_int_equal(received != NULL, receipt);
	assert_int_equal(displayed != NULL, marker);
	if (receipt)
		assert_string_equal(stanza_attr(received, "id"), "q1");
	if (marker)
		assert_string_equal(stanza_attr(displayed, "id"), "q1");
	assert_non_null(stanza_child(ack, "store", "urn:xmpp:hints"));
	assert_null(stanza_child(ack, "body", NULL));
	assert_string_equal(stanza_attr(ack, "type"), "chat");
	assert_string_equal(stanza_attr(ack, "to"), BALCONY);
	assert_string_equal(stanza_attr(ack, "from"), BOT);
	assert_string_not_equal(stanza_attr(ack, "id"), "q1");
	assert_string_not_equal(stanza_attr(ack, "id"), "");
}

static void
test_receipts_and_markers_are_given_where_asked_for(void **state)
{
	(void)state;
	hear_juliet("<body>list</body>" RECEIPT);
	assert_int_equal(nsent, 2);
	assert_acknowledged(true, false);
	hear_juliet("<body>list</body>" MARKABLE);
	assert_int_equal(nsent, 2);
	assert_acknowledged(false, true);
	hear_juliet("<body>list</body>" RECEIPT MARKABLE);
	assert_int_equal(nsent, 2);
	assert_acknowledged(true, true);
	/* Of a line that is answered later as well. */
	service.later = 1;
	hear_juliet("<body>list</body>" RECEIPT);
	assert_int_equal(nsent, 1);
	assert_acknowledged(true, false);
	/* What has no id cannot be named. */
	hear(JULIET "/phone", BOT, "type='chat'", "<body>list</body>" RECEIPT);
	assert_int_equal(nsent, 0);
	/* And elements of other namespaces ask for nothing. */
	hear(ADMIN, BOT, "type='chat' id='q1'",
	    "<body>list</body><request xmlns='urn:else'/><markable/>");
	assert_int_equal(nsent, 1);
}

static void
test_refused_line_gets_an_error_and_no_receipt(void **state)
{
	xmpp_stanza_t *error;

	(void)state;
	hear("eve@evil.example/x", BOT, "type='chat' id='q1'",
	    "<body>list</body>" RECEIPT MARKABLE);
	assert_int_equal(nsent, 1);
	assert_string_equal(stanza_attr(sent[0], "type"), "error");
	assert_string_equal(stanza_attr(sent[0], "id"), "q1");
	assert_string_equal(stanza_attr(sent[0], "to"), "eve@evil.example/x");
	assert_string_equal(stanza_attr(sent[0], "from"), BOT);
	error = stanza_child(sent[0], "error", NULL);
	assert_string_equal(stanza_attr(error, "type"), "auth");
	assert_string_equal(stanza_condition(error), "forbidden");
	assert_string_equal(text_of(error, "text"), "Only users of example.org.");
	assert_int_equal(chat_lines(c, TALK_REFUSED), 1);
}

static void
test_ignored_line_gets_no_receipt(void **state)
{
	(void)state;
	for (int i = 0; i < 30; i++)
		hear_juliet("<body>list</body>" RECEIPT);
	assert_int_equal(nsent, 2);
	hear_juliet("<body>list</body>" RECEIPT);
	assert_int_equal(nsent, 2);
	assert_non_null(strstr(text_of(sent[0], "body"), "faster"));
	hear_juliet("<body>list</body>" RECEIPT);
	assert_int_equal(nsent, 0);
	assert_int_equal(chat_lines(c, TALK_HEARD), 31);
	assert_int_equal(chat_lines(c, TALK_IGNORED), 1);
}

static void
test_want_of_memory_is_reported(void **state)
{
	(void)state;
	service.lose_memory = true;
	hear_juliet("<body>list</body>");
	assert_int_equal(nsent, 0);
	assert_int_equal(failed, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_line_is_answered),
		TEST(test_ids_differ),
		TEST(test_answer_comes_from_the_address_written_to),
		TEST(test_answer_has_the_type_of_the_line),
		TEST(test_answer_has_the_thread_of_the_line),
		TEST(test_answer_that_took_time_travels_the_same_way),
		TEST(test_failed_turn_is_told_the_same_way),
		TEST(test_body_is_taken_as_it_is),
		TEST(test_answer_is_always_xml),
		TEST(test_correction_is_known_by_the_line_it_replaces),
		TEST(test_what_nobody_has_written_now_is_ignored),
		TEST(test_encrypted_lines_are_told_that_they_cannot_be_read),
		TEST(test_receipts_and_markers_are_given_where_asked_for),
		TEST(test_refused_line_gets_an_error_and_no_receipt),
		TEST(test_ignored_line_gets_no_receipt),
		TEST(test_want_of_memory_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
