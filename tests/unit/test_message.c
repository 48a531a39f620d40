#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <strophe.h>

#include "xmpp/message.h"

#define ADDRESS "later.example.org"
#define NS_PRIVILEGE "urn:xmpp:privilege:2"

static struct outgoing
greeting(void)
{
	return (struct outgoing){
		.id = "7K3QAB",
		.sender = "juliet@example.org",
		.recipient = "romeo@example.net",
		.inner = SPAN("<body>Good morning</body>"),
	};
}

static void
assert_frame(const struct outgoing *o, const char *privilege_ns, const char *want)
{
	struct buf out = { 0 };
	xmpp_ctx_t *ctx;
	xmpp_stanza_t *st;

	assert_int_equal(message_frame(&out, o, ADDRESS, privilege_ns), RES_OK);
	assert_string_equal(buf_str(&out), want);
	/* And it is XML. */
	ctx = xmpp_ctx_new(NULL, NULL);
	st = xmpp_stanza_new_from_string(ctx, buf_str(&out));
	assert_non_null(st);
	xmpp_stanza_release(st);
	xmpp_ctx_free(ctx);
	buf_free(&out);
}

static void
test_our_own_address_says_who_is_behind(void **state)
{
	struct outgoing o = greeting();

	(void)state;
	assert_frame(&o, NULL,
	    "<message type='chat' id='7K3QAB' from='juliet%example.org@later.example.org' "
	    "to='romeo@example.net'><body>Good morning</body><request xmlns='urn:xmpp:receipts'/>"
	    "<origin-id xmlns='urn:xmpp:sid:0' id='7K3QAB'/>"
	    "<addresses xmlns='http://jabber.org/protocol/address'><address type='ofrom' "
	    "jid='juliet@example.org'/></addresses>"
	    "<nick xmlns='http://jabber.org/protocol/nick'>juliet</nick></message>");
}

static void
test_the_senders_own_address_is_wrapped(void **state)
{
	struct outgoing o = greeting();

	(void)state;
	assert_frame(&o, NS_PRIVILEGE,
	    "<message id='7K3QAB' from='later.example.org' to='example.org'>"
	    "<privilege xmlns='urn:xmpp:privilege:2'><forwarded xmlns='urn:xmpp:forward:0'>"
	    "<message xmlns='jabber:client' type='chat' id='7K3QAB' from='juliet@example.org' "
	    "to='romeo@example.net'>"
	    "<body>Good morning</body><request xmlns='urn:xmpp:receipts'/>"
	    "<origin-id xmlns='urn:xmpp:sid:0' "
	    "id='7K3QAB'/></message></forwarded></privilege></message>");
}

static void
test_late_delivery_carries_the_time_it_was_due(void **state)
{
	struct outgoing o = greeting();

	(void)state;
	o.sender = "bot@later.example.org";
	o.delayed_at = 1798131600000; /* 2026-12-24T17:00:00Z */
	assert_frame(&o, NULL,
	    "<message type='chat' id='7K3QAB' from='bot@later.example.org' to='romeo@example.net'>"
	    "<body>Good morning</body><request xmlns='urn:xmpp:receipts'/>"
	    "<origin-id xmlns='urn:xmpp:sid:0' id='7K3QAB'/>"
	    "<delay xmlns='urn:xmpp:delay' from='later.example.org' "
	    "stamp='2026-12-24T17:00:00Z'/></message>");
}

static void
test_a_delay_is_ours_also_in_the_wrapper(void **state)
{
	struct outgoing o = greeting();
	struct buf out = { 0 };

	(void)state;
	o.delayed_at = 1798131600000;
	assert_int_equal(message_frame(&out, &o, ADDRESS, NS_PRIVILEGE), RES_OK);
	assert_non_null(strstr(buf_str(&out),
	    "<delay xmlns='urn:xmpp:delay' from='later.example.org' "
	    "stamp='2026-12-24T17:00:00Z'/></message></forwarded>"));
	buf_free(&out);
}

static void
test_our_own_senders_are_never_wrapped(void **state)
{
	struct outgoing o = greeting();
	struct buf out = { 0 };

	(void)state;
	o.sender = "bot@later.example.org";
	assert_int_equal(message_frame(&out, &o, ADDRESS, NS_PRIVILEGE), RES_OK);
	assert_null(strstr(buf_str(&out), "privilege"));
	assert_non_null(strstr(buf_str(&out), "from='bot@later.example.org'"));
	buf_free(&out);
}

static void
test_nobody_is_written_to_in_a_wrapper_whom_the_server_cannot_read(void **state)
{
	struct outgoing o = greeting();
	struct relayed m = { .type = "chat", .id = "a", .lang = "", .sender = o.sender,
		.recipient = "\u0221@example.net", .inner = o.inner, .wrapper_id = "relay-0" };
	struct buf out = { 0 };

	(void)state;
	o.recipient = m.recipient;
	assert_int_equal(message_frame(&out, &o, ADDRESS, NS_PRIVILEGE), RES_OK);
	assert_null(strstr(buf_str(&out), "privilege"));
	assert_non_null(strstr(buf_str(&out), "from='juliet%example.org@later.example.org'"));
	assert_non_null(strstr(buf_str(&out), "to='\u0221@example.net'"));
	buf_reset(&out);
	assert_int_equal(message_frame_relayed(&out, &m, ADDRESS, NS_PRIVILEGE), RES_OK);
	assert_null(strstr(buf_str(&out), "privilege"));
	buf_free(&out);
}

static void
test_attributes_are_escaped(void **state)
{
	struct outgoing o = greeting();
	struct buf out = { 0 };

	(void)state;
	o.id = "<'\"&>";
	o.recipient = "a@b/'/><evil/>";
	assert_int_equal(message_frame(&out, &o, ADDRESS, NULL), RES_OK);
	assert_null(strstr(buf_str(&out), "<evil"));
	assert_null(strstr(buf_str(&out), "'<"));
	buf_free(&out);
	assert_int_equal(message_frame(&out, &o, ADDRESS, NS_PRIVILEGE), RES_OK);
	assert_null(strstr(buf_str(&out), "<evil"));
	buf_free(&out);
}

static void
assert_unchanged(const struct outgoing *o, const char *privilege_ns, enum res want, size_t max)
{
	struct buf out = { .max = max };

	buf_text(&out, "before");
	assert_int_equal(message_frame(&out, o, ADDRESS, privilege_ns), want);
	assert_string_equal(buf_str(&out), "before");
	assert_int_equal(out.len, 6);
	assert_false(out.failed);
	buf_free(&out);
}

static void
test_what_cannot_be_framed_leaves_the_buffer_alone(void **state)
{
	struct outgoing o = greeting();
	char local[1024 + 20];
	size_t max;

	(void)state;
	memset(local, 'x', 1020);
	strcpy(local + 1020, "@example.org");
	o.sender = local;
	assert_unchanged(&o, NULL, RES_INVALID, 0);
	o = greeting();
	o.recipient = "";
	assert_unchanged(&o, NULL, RES_INVALID, 0);
	o.recipient = NULL;
	assert_unchanged(&o, NS_PRIVILEGE, RES_INVALID, 0);
	o.recipient = "romeo\001@example.net";
	assert_unchanged(&o, NULL, RES_INVALID, 0);
	o.recipient = "romeo\377@example.net";
	assert_unchanged(&o, NS_PRIVILEGE, RES_INVALID, 0);
	o = greeting();
	for (max = 6; max < 300; max += 7) {
		assert_unchanged(&o, NULL, RES_NOMEM, max);
		assert_unchanged(&o, NS_PRIVILEGE, RES_NOMEM, max);
	}
}

/* -- What somebody else has written ------------------------------------------------------------ */

static struct relayed
reply(void)
{
	return (struct relayed){
		.type = "chat",
		.id = "a-1",
		.lang = "",
		.sender = "romeo@example.net",
		.recipient = "juliet@example.org",
		.inner = SPAN("<body>Soft!</body>"),
		.wrapper_id = "relay-1",
	};
}

static void
assert_reply(const struct relayed *m, const char *privilege_ns, const char *want)
{
	struct buf out = { 0 };

	assert_int_equal(message_frame_relayed(&out, m, ADDRESS, privilege_ns), RES_OK);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void
test_a_reply_has_nothing_of_ours_but_who_is_behind(void **state)
{
	struct relayed m = reply();

	(void)state;
	assert_reply(&m, NULL,
	    "<message type='chat' id='a-1' from='romeo%example.net@later.example.org' "
	    "to='juliet@example.org'><body>Soft!</body>"
	    "<addresses xmlns='http://jabber.org/protocol/address'><address type='ofrom' "
	    "jid='romeo@example.net'/></addresses>"
	    "<nick xmlns='http://jabber.org/protocol/nick'>romeo</nick></message>");
	m.type = "normal";
	m.id = "";
	m.lang = "d'e";
	assert_reply(&m, NS_PRIVILEGE,
	    "<message id='relay-1' from='later.example.org' to='example.net'>"
	    "<privilege xmlns='urn:xmpp:privilege:2'><forwarded xmlns='urn:xmpp:forward:0'>"
	    "<message xmlns='jabber:client' type='normal' from='romeo@example.net' "
	    "to='juliet@example.org' xml:lang='d&apos;e'><body>Soft!</body></message>"
	    "</forwarded></privilege></message>");
}

static void
assert_no_reply(const struct relayed *m, const char *privilege_ns, enum res want, size_t max)
{
	struct buf out = { .max = max };

	buf_text(&out, "before");
	assert_int_equal(message_frame_relayed(&out, m, ADDRESS, privilege_ns), want);
	assert_string_equal(buf_str(&out), "before");
	assert_false(out.failed);
	buf_free(&out);
}

static void
test_a_reply_that_is_no_xml_is_not_framed(void **state)
{
	static const char *const bad[] = { "\001", "\377", "\355\240\200", "\357\277\277" };
	struct relayed m;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		m = reply();
		m.id = bad[i];
		assert_no_reply(&m, NULL, RES_INVALID, 0);
		m = reply();
		m.lang = bad[i];
		assert_no_reply(&m, NS_PRIVILEGE, RES_INVALID, 0);
		m = reply();
		m.inner = span_of(bad[i]);
		assert_no_reply(&m, NULL, RES_INVALID, 0);
		assert_no_reply(&m, NS_PRIVILEGE, RES_INVALID, 0);
	}
	m = reply();
	m.sender = "example.net";
	assert_no_reply(&m, NULL, RES_INVALID, 0);
	m = reply();
	for (size_t max = 6; max < 300; max += 7) {
		assert_no_reply(&m, NULL, RES_NOMEM, max);
		assert_no_reply(&m, NS_PRIVILEGE, RES_NOMEM, max);
	}
}

/* -- What is in a message ---------------------------------------------------------------------- */

static xmpp_stanza_t *
stanza_of(xmpp_ctx_t *ctx, const char *children)
{
	struct buf xml = { 0 };
	xmpp_stanza_t *st;

	buf_printf(&xml, "<message xmlns='jabber:component:accept'>%s</message>", children);
	st = xmpp_stanza_new_from_string(ctx, buf_str(&xml));
	assert_non_null(st);
	buf_free(&xml);
	return st;
}

static void
test_a_copy_has_only_what_is_known(void **state)
{
	static const struct {
		const char *children, *copy;
		bool content;
	} table[] = {
		{ "", "", false },
		{ "<a/>b<body>c</body>", "<body>c</body>", true },
		{ "<body xmlns='jabber:client'>c</body>", "<body>c</body>", true },
		{ "<subject>&lt;</subject><nick xmlns='http://jabber.org/protocol/nick'>x</nick>",
		    "<subject>&lt;</subject>", false },
		{ "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'><x xmlns='y'/></displayed>",
		    "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'></displayed>", true },
		{ "<received xmlns='urn:xmpp:receipts' id='7K3QAB'/>", "", false },
	};
	xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
	struct buf out = { 0 };
	bool content;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		xmpp_stanza_t *st = stanza_of(ctx, table[i].children);

		buf_reset(&out);
		assert_int_equal(message_copy(&out, st, &content), RES_OK);
		assert_string_equal(buf_str(&out), table[i].copy);
		assert_int_equal(content, table[i].content);
		xmpp_stanza_release(st);
	}
	buf_free(&out);
	xmpp_ctx_free(ctx);
}

static void
test_a_copy_without_room_says_so(void **state)
{
	xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
	xmpp_stanza_t *st = stanza_of(ctx, "<body>c</body>");
	struct buf out = { .max = 10 };
	bool content;

	(void)state;
	assert_int_equal(message_copy(&out, st, &content), RES_NOMEM);
	buf_free(&out);
	xmpp_stanza_release(st);
	xmpp_ctx_free(ctx);
}

static void
test_only_canonical_ids_name_packets(void **state)
{
	static const struct {
		const char *children, *id;
	} table[] = {
		{ "", NULL },
		{ "<received xmlns='urn:xmpp:receipts' id='7K3QAB'/>", "7K3QAB" },
		{ "<received xmlns='urn:xmpp:receipts' id='x'/>"
		  "<received xmlns='urn:xmpp:receipts' id='7K3QAB'/>", "7K3QAB" },
		{ "<received xmlns='urn:xmpp:receipts' id='7k3qab'/>", NULL },
		{ "<received xmlns='urn:xmpp:receipts' id='7K3QA'/>", NULL },
		{ "<received xmlns='urn:xmpp:receipts' id='7K3QAO'/>", NULL },
		{ "<received xmlns='urn:xmpp:receipts'/>", NULL },
		{ "<received xmlns='urn:xmpp:chat-markers:0' id='7K3QAB'/>", NULL },
		{ "<request xmlns='urn:xmpp:receipts' id='7K3QAB'/>", NULL },
	};
	xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		xmpp_stanza_t *st = stanza_of(ctx, table[i].children);
		const char *id = message_receipt(st);

		if (table[i].id == NULL)
			assert_null(id);
		else
			assert_string_equal(id, table[i].id);
		xmpp_stanza_release(st);
	}
	xmpp_ctx_free(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_our_own_address_says_who_is_behind),
		cmocka_unit_test(test_the_senders_own_address_is_wrapped),
		cmocka_unit_test(test_late_delivery_carries_the_time_it_was_due),
		cmocka_unit_test(test_a_delay_is_ours_also_in_the_wrapper),
		cmocka_unit_test(test_our_own_senders_are_never_wrapped),
		cmocka_unit_test(
		    test_nobody_is_written_to_in_a_wrapper_whom_the_server_cannot_read),
		cmocka_unit_test(test_attributes_are_escaped),
		cmocka_unit_test(test_what_cannot_be_framed_leaves_the_buffer_alone),
		cmocka_unit_test(test_a_reply_has_nothing_of_ours_but_who_is_behind),
		cmocka_unit_test(test_a_reply_that_is_no_xml_is_not_framed),
		cmocka_unit_test(test_a_copy_has_only_what_is_known),
		cmocka_unit_test(test_a_copy_without_room_says_so),
		cmocka_unit_test(test_only_canonical_ids_name_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
