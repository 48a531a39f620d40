#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "xmpp/stanza.h"

#define NS_ERRORS "urn:ietf:params:xml:ns:xmpp-stanzas"

static int
make_ctx(void **state)
{
	*state = xmpp_ctx_new(NULL, NULL);
	return *state == NULL;
}

static int
free_ctx(void **state)
{
	xmpp_ctx_free(*state);
	return 0;
}

static void
assert_xml(xmpp_stanza_t *st, const char *want)
{
	char *xml;
	size_t len;

	assert_int_equal(xmpp_stanza_to_text(st, &xml, &len), XMPP_EOK);
	assert_string_equal(xml, want);
	xmpp_free(xmpp_stanza_get_context(st), xml);
}

static xmpp_stanza_t *
make_iq(xmpp_ctx_t *ctx)
{
	xmpp_stanza_t *iq = stanza_new(ctx, "iq", NULL);

	xmpp_stanza_set_type(iq, "get");
	xmpp_stanza_set_id(iq, "a1");
	xmpp_stanza_set_from(iq, "romeo@example.net/orchard");
	xmpp_stanza_set_to(iq, "later.example.org");
	return iq;
}

static void
test_children_are_built_and_found(void **state)
{
	xmpp_stanza_t *st = stanza_new(*state, "x", "urn:a");

	assert_non_null(stanza_add(st, "y", "urn:b"));
	stanza_add_text(st, "z", "a < b & \"c\"");
	assert_true(stanza_is(st, "x", "urn:a"));
	assert_true(stanza_is(st, "x", NULL));
	assert_false(stanza_is(st, "x", "urn:b"));
	assert_false(stanza_is(st, "y", NULL));
	assert_non_null(stanza_child(st, "y", "urn:b"));
	assert_null(stanza_child(st, "y", "urn:a"));
	assert_null(stanza_child(st, "w", NULL));
	assert_xml(
	    st, "<x xmlns=\"urn:a\"><y xmlns=\"urn:b\"/><z>a &lt; b &amp; &quot;c&quot;</z></x>");
	xmpp_stanza_release(st);
}

static void
test_text_of_all_runs_is_gathered(void **state)
{
	xmpp_stanza_t *st = stanza_new(*state, "x", NULL);
	struct buf out = { 0 };

	stanza_text(st, "one ");
	stanza_add_text(st, "y", "not this");
	stanza_text(st, "two");
	assert_int_equal(stanza_get_text(st, &out), RES_OK);
	assert_string_equal(buf_str(&out), "one two");
	buf_free(&out);
	out = (struct buf){ .max = 5 };
	assert_int_equal(stanza_get_text(st, &out), RES_NOMEM);
	buf_free(&out);
	xmpp_stanza_release(st);
}

static void
test_null_is_borne_everywhere(void **state)
{
	struct buf out = { 0 };

	(void)state;
	assert_null(stanza_add(NULL, "x", NULL));
	assert_null(stanza_add_text(NULL, "x", "y"));
	stanza_text(NULL, "y");
	assert_false(stanza_is(NULL, "x", NULL));
	assert_null(stanza_child(NULL, "x", NULL));
	assert_string_equal(stanza_attr(NULL, "x"), "");
	assert_int_equal(stanza_get_text(NULL, &out), RES_OK);
	assert_string_equal(buf_str(&out), "");
}

static void
test_text_nodes_are_no_elements(void **state)
{
	xmpp_stanza_t *st = stanza_new(*state, "x", NULL), *text;

	stanza_text(st, "hello");
	text = xmpp_stanza_get_children(st);
	assert_false(stanza_is(text, "x", NULL));
	assert_string_equal(stanza_attr(text, "x"), "");
	assert_null(stanza_child(text, "x", NULL));
	xmpp_stanza_release(st);
}

static void
test_reply_goes_back_to_its_sender(void **state)
{
	xmpp_stanza_t *iq = make_iq(*state), *reply = stanza_reply(*state, iq, "result");

	assert_string_equal(xmpp_stanza_get_name(reply), "iq");
	assert_string_equal(stanza_attr(reply, "type"), "result");
	assert_string_equal(stanza_attr(reply, "id"), "a1");
	assert_string_equal(stanza_attr(reply, "to"), "romeo@example.net/orchard");
	assert_string_equal(stanza_attr(reply, "from"), "later.example.org");
	assert_null(xmpp_stanza_get_children(reply));
	xmpp_stanza_release(reply);
	xmpp_stanza_release(iq);
}

static void
test_reply_leaves_out_what_is_absent(void **state)
{
	xmpp_stanza_t *st = stanza_new(*state, "message", NULL),
	              *reply = stanza_reply(*state, st, "error");

	assert_xml(reply, "<message type=\"error\"/>");
	xmpp_stanza_release(reply);
	xmpp_stanza_release(st);
}

static void
test_error_has_condition_text_and_application_condition(void **state)
{
	xmpp_stanza_t *iq = make_iq(*state), *error, *st;
	struct buf text = { 0 };

	st = stanza_error(
	    *state, iq, "modify", "bad-request", "no such session", "bad-sessionid", "urn:app");
	assert_string_equal(stanza_attr(st, "type"), "error");
	error = stanza_child(st, "error", NULL);
	assert_string_equal(stanza_attr(error, "type"), "modify");
	assert_non_null(stanza_child(error, "bad-request", NS_ERRORS));
	assert_non_null(stanza_child(error, "bad-sessionid", "urn:app"));
	assert_int_equal(stanza_get_text(stanza_child(error, "text", NS_ERRORS), &text), RES_OK);
	assert_string_equal(buf_str(&text), "no such session");
	buf_free(&text);
	xmpp_stanza_release(st);
	st = stanza_error(*state, iq, "cancel", "forbidden", NULL, NULL, NULL);
	error = stanza_child(st, "error", NULL);
	assert_null(stanza_child(error, "text", NULL));
	assert_null(xmpp_stanza_get_next(xmpp_stanza_get_children(error)));
	xmpp_stanza_release(st);
	xmpp_stanza_release(iq);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_children_are_built_and_found),
		cmocka_unit_test(test_text_of_all_runs_is_gathered),
		cmocka_unit_test(test_null_is_borne_everywhere),
		cmocka_unit_test(test_text_nodes_are_no_elements),
		cmocka_unit_test(test_reply_goes_back_to_its_sender),
		cmocka_unit_test(test_reply_leaves_out_what_is_absent),
		cmocka_unit_test(test_error_has_condition_text_and_application_condition),
	};

	return cmocka_run_group_tests(tests, make_ctx, free_ctx);
}
