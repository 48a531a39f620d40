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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_our_own_address_says_who_is_behind),
		cmocka_unit_test(test_the_senders_own_address_is_wrapped),
		cmocka_unit_test(test_late_delivery_carries_the_time_it_was_due),
		cmocka_unit_test(test_a_delay_is_ours_also_in_the_wrapper),
		cmocka_unit_test(test_our_own_senders_are_never_wrapped),
		cmocka_unit_test(test_attributes_are_escaped),
		cmocka_unit_test(test_what_cannot_be_framed_leaves_the_buffer_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
