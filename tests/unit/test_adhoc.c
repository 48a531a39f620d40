#include "adhoc_script.h"

static const char *
field_value(xmpp_stanza_t *x, const char *var, size_t i)
{
	static char text[100];
	struct buf b = { 0 };
	xmpp_stanza_t *f, *v;

	for (f = xmpp_stanza_get_children(x); f != NULL; f = xmpp_stanza_get_next(f)) {
		if (!stanza_is(f, "field", NS_DATA) || strcmp(stanza_attr(f, "var"), var) != 0)
			continue;
		for (v = xmpp_stanza_get_children(f); v != NULL; v = xmpp_stanza_get_next(v))
			if (stanza_is(v, "value", NS_DATA) && i-- == 0)
				stanza_get_text(v, &b);
	}
	snprintf(text, sizeof(text), "%s", buf_str(&b));
	buf_free(&b);
	return text;
}

static const char *
attr_of(xmpp_stanza_t *answer, const char *child, const char *name)
{
	return stanza_attr(stanza_child(command_of(answer), child, NULL), name);
}

static void
test_first_request_gives_the_form(void **state)
{
	xmpp_stanza_t *answer = begin(), *command = command_of(answer), *actions, *x;

	(void)state;
	assert_string_equal(stanza_attr(command, "node"), "im");
	actions = stanza_child(command, "actions", NS_COMMANDS);
	assert_string_equal(stanza_attr(actions, "execute"), "next");
	assert_non_null(stanza_child(actions, "next", NULL));
	assert_non_null(stanza_child(actions, "complete", NULL));
	assert_null(stanza_child(actions, "prev", NULL));
	x = stanza_child(command, "x", NS_DATA);
	assert_string_equal(stanza_attr(x, "type"), "form");
	assert_null(stanza_child(command, "note", NULL));
	expect(answer, "executing");
	assert_string_equal(service.calls, "ask ");
	assert_string_equal(service.asker, "juliet@example.org");
}

static void
test_every_forward_word_leads_to_the_confirmation_and_then_does_it(void **state)
{
	static const char *const words[] = { "", "action='execute'", "action='next'" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		xmpp_stanza_t *answer, *actions;

		service.calls[0] = '\0';
		service.script = REPLY_CONFIRM;
		expect(begin(), "executing");
		answer = go_on(words[i], FILLED);
		actions = stanza_child(command_of(answer), "actions", NULL);
		assert_string_equal(stanza_attr(actions, "execute"), "complete");
		assert_non_null(stanza_child(actions, "prev", NULL));
		assert_non_null(stanza_child(actions, "complete", NULL));
		assert_null(stanza_child(actions, "next", NULL));
		expect(answer, "executing");
		service.script = REPLY_DONE;
		expect(go_on(words[i], NO_FORM), "completed");
		assert_string_equal(service.calls, "ask check do ");
		assert_string_equal(service.to, "romeo");
		assert_string_equal(service.body, "a\nb");
	}
}

static void
test_complete_skips_the_confirmation(void **state)
{
	(void)state;
	expect(begin(), "executing");
	service.script = REPLY_DONE;
	expect(go_on("action='complete'", FILLED), "completed");
	assert_string_equal(service.calls, "ask do ");
}

static void
test_complete_confirms(void **state)
{
	(void)state;
	expect(begin(), "executing");
	expect(go_on("action='next'", FILLED), "executing");
	service.script = REPLY_DONE;
	expect(go_on("action='complete'", NO_FORM), "completed");
	assert_string_equal(service.calls, "ask check do ");
	assert_string_equal(service.body, "a\nb");
}

static void
test_form_sent_with_the_confirmation_changes_nothing(void **state)
{
	(void)state;
	expect(begin(), "executing");
	expect(go_on("action='next'", FILLED), "executing");
	service.script = REPLY_DONE;
	expect(go_on("action='complete'", "<x xmlns='jabber:x:data' type='submit'><field var='to'>"
	    "<value>tybalt</value></field></x>"), "completed");
	assert_string_equal(service.to, "romeo");
}

static void
test_first_request_with_a_form_is_the_first_stage(void **state)
{
	(void)state;
	expect(send(JULIET, "node='im'", FILLED), "executing");
	assert_string_equal(service.calls, "check ");
	service.script = REPLY_DONE;
	expect(go_on("action='complete'", NO_FORM), "completed");
	assert_string_equal(service.calls, "check do ");
	expect(send(JULIET, "node='im' action='complete'", FILLED), "completed");
	assert_string_equal(service.calls, "check do do ");
	assert_int_equal(adhoc_sweep(a), 0);
}

static void
test_wrong_field_brings_the_form_back_with_its_reason(void **state)
{
	xmpp_stanza_t *answer, *note;

	(void)state;
	expect(begin(), "executing");
	service.script = REPLY_FORM;
	service.note = "No such time.";
	service.note_type = NOTE_ERROR;
	answer = go_on("action='complete'", FILLED);
	note = stanza_child(command_of(answer), "note", NS_COMMANDS);
	assert_string_equal(stanza_attr(note, "type"), "error");
	assert_string_equal(attr_of(answer, "actions", "execute"), "next");
	expect(answer, "executing");
	service.script = REPLY_DONE;
	expect(go_on("action='complete'", FILLED), "completed");
}

static void
test_refused_at_the_confirmation_goes_back_to_the_form(void **state)
{
	(void)state;
	expect(begin(), "executing");
	expect(go_on("action='next'", FILLED), "executing");
	service.script = REPLY_FORM;
	expect(go_on("action='complete'", NO_FORM), "executing");
	expect_error(go_on("action='next'", NO_FORM), "bad-request", "bad-payload");
	service.script = REPLY_CONFIRM;
	expect(go_on("action='next'", FILLED), "executing");
	assert_string_equal(service.calls, "ask check do check ");
}

static void
test_prev_gives_the_form_back_filled_in(void **state)
{
	xmpp_stanza_t *answer, *x;

	(void)state;
	expect(begin(), "executing");
	expect(go_on("action='next'", FILLED), "executing");
	answer = go_on("action='prev'", NO_FORM);
	x = stanza_child(command_of(answer), "x", NS_DATA);
	assert_string_equal(field_value(x, "to", 0), "romeo");
	assert_string_equal(field_value(x, "to", 1), "");
	assert_string_equal(field_value(x, "body", 0), "a");
	assert_string_equal(field_value(x, "body", 1), "b");
	assert_string_equal(field_value(x, "offline", 0), "auto");
	assert_string_equal(attr_of(answer, "actions", "execute"), "next");
	expect(answer, "executing");
	assert_string_equal(service.calls, "ask check ask ");
	expect_error(go_on("action='prev'", NO_FORM), "bad-request", "bad-action");
	expect(go_on("action='next'", FILLED), "executing");
}

static void
test_command_that_needs_no_confirmation_ends_at_the_first_stage(void **state)
{
	(void)state;
	expect(begin(), "executing");
	service.script = REPLY_DONE;
	expect(go_on("action='next'", FILLED), "completed");
	assert_string_equal(service.calls, "ask check ");
	expect_error(go_on("action='next'", FILLED), "bad-request", "bad-sessionid");
}

static void
test_command_without_a_form_is_done_at_once(void **state)
{
	static const char *const forms[] = { NO_FORM, FILLED };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		xmpp_stanza_t *answer, *x;

		service.note = "Two wait.";
		service.note_type = NOTE_WARN;
		answer = send(JULIET, "node='list'", forms[i]);
		x = stanza_child(command_of(answer), "x", NS_DATA);
		assert_string_equal(stanza_attr(x, "type"), "result");
		assert_string_equal(field_value(x, "row", 0), "told");
		assert_string_equal(attr_of(answer, "note", "type"), "warn");
		assert_null(stanza_child(command_of(answer), "actions", NULL));
		expect(answer, "completed");
		assert_int_equal(adhoc_sweep(a), 0);
	}
	assert_string_equal(service.calls, "ask ask ");
}

static void
test_command_that_gives_no_form_may_take_one(void **state)
{
	(void)state;
	service.script = REPLY_DONE;
	expect(send(JULIET, "node='users'", NO_FORM), "completed");
	expect(send(JULIET, "node='users'", FILLED), "completed");
	assert_string_equal(service.calls, "ask check ");
	assert_string_equal(service.to, "romeo");
}

static void
test_form_command_with_nothing_to_ask_is_completed(void **state)
{
	(void)state;
	expect(send(JULIET, "node='empty'", NO_FORM), "completed");
	assert_int_equal(adhoc_sweep(a), 0);
}

static void
test_refusal_is_an_error_and_ends_the_session(void **state)
{
	xmpp_stanza_t *answer = send(JULIET, "node='ghost'", NO_FORM), *error, *text;
	struct buf words = { 0 };

	(void)state;
	error = stanza_child(answer, "error", NULL);
	assert_string_equal(stanza_attr(error, "type"), "auth");
	text = stanza_child(error, "text", ERRORS);
	assert_int_equal(stanza_get_text(text, &words), RES_OK);
	assert_string_equal(buf_str(&words), "Not you.");
	buf_free(&words);
	expect_error(answer, "forbidden", NULL);

	expect(begin(), "executing");
	service.script = REPLY_REFUSED;
	expect_error(go_on("action='next'", FILLED), "resource-constraint", NULL);
	expect_error(go_on("action='next'", FILLED), "bad-request", "bad-sessionid");
	assert_int_equal(adhoc_sweep(a), 0);
}

static void
test_cancel_ends_every_stage(void **state)
{
	(void)state;
	expect(begin(), "executing");
	expect(go_on("action='cancel'", NO_FORM), "canceled");
	expect_error(go_on("action='cancel'", NO_FORM), "bad-request", "bad-sessionid");
	expect(begin(), "executing");
	expect(go_on("action='next'", FILLED), "executing");
	expect(go_on("action='cancel'", NO_FORM), "canceled");
	assert_int_equal(adhoc_sweep(a), 0);
	assert_string_equal(service.calls, "ask ask check ");
}

static void
test_cancelled_form_cancels_whatever_the_action(void **state)
{
	(void)state;
	expect(begin(), "executing");
	expect(go_on("action='complete'", "<x xmlns='jabber:x:data' type='cancel'/>"), "canceled");
	expect(begin(), "executing");
	expect(go_on("action='next'", FILLED), "executing");
	expect(go_on("action='complete'", "<x xmlns='jabber:x:data' type='cancel'/>"), "canceled");
	assert_string_equal(service.calls, "ask ask check ");
}

static void
test_nothing_to_cancel_or_to_go_back_to_is_a_bad_action(void **state)
{
	(void)state;
	expect_error(send(JULIET, "node='im' action='cancel'", NO_FORM), "bad-request",
	    "bad-action");
	expect_error(send(JULIET, "node='im' action='prev'", FILLED), "bad-request", "bad-action");
	expect(begin(), "executing");
	expect_error(go_on("action='prev'", NO_FORM), "bad-request", "bad-action");
	expect(go_on("action='next'", FILLED), "executing");
}

static void
test_unknown_words_and_nodes_are_refused(void **state)
{
	(void)state;
	expect_error(send(JULIET, "node='im' action='Next'", NO_FORM), "bad-request",
	    "malformed-action");
	expect_error(send(JULIET, "node='sms'", NO_FORM), "item-not-found", NULL);
	expect_error(send(JULIET, "", NO_FORM), "item-not-found", NULL);
	expect_error(send(JULIET, "node='remind'", NO_FORM), "item-not-found", NULL);
	expect_error(send(JULIET, "node='remind'", FILLED), "item-not-found", NULL);
	expect(begin(), "executing");
	expect_error(go_on("action='jump'", FILLED), "bad-request", "malformed-action");
	expect(go_on("action='next'", FILLED), "executing");
}

static void
test_missing_or_foreign_payload_leaves_the_session(void **state)
{
	(void)state;
	expect_error(send(JULIET, "node='im'", "<x xmlns='jabber:x:data' type='form'/>"),
	    "bad-request", "bad-payload");
	assert_int_equal(adhoc_sweep(a), 0);
	expect(begin(), "executing");
	expect_error(go_on("action='next'", NO_FORM), "bad-request", "bad-payload");
	expect_error(go_on("", "<x xmlns='jabber:x:data' type='result'/>"), "bad-request",
	    "bad-payload");
	expect_error(go_on("", "<x xmlns='jabber:x:data'/>"), "bad-request", "bad-payload");
	expect_error(go_on("", "<x xmlns='urn:else' type='submit'/>"), "bad-request",
	    "bad-payload");
	expect(go_on("action='next'", FILLED), "executing");
}

static void
test_iq_without_a_command_is_a_bad_request(void **state)
{
	xmpp_stanza_t *iq;
	struct asker who;

	(void)state;
	iq = xmpp_stanza_new_from_string(ctx, "<iq type='set' id='1' from='a@b/c' to='d'/>");
	assert_int_equal(jid_parse_text(&who.jid, JULIET), RES_OK);
	adhoc_handle(a, &who, iq);
	expect_error(answer_of, "bad-request", NULL);
	answer_of = NULL;
	xmpp_stanza_release(iq);
}

static void
test_form_without_memory_is_no_answer_and_no_session(void **state)
{
	(void)state;
	service.lose_memory = true;
	expect_error(begin(), "resource-constraint", NULL);
	assert_int_equal(adhoc_sweep(a), 0);
}

static void
test_what_was_done_is_said_even_without_memory_for_its_form(void **state)
{
	xmpp_stanza_t *answer;

	(void)state;
	service.lose_memory = true;
	service.note = "Done.";
	answer = send(JULIET, "node='list'", NO_FORM);
	assert_null(stanza_child(command_of(answer), "x", NS_DATA));
	assert_non_null(stanza_child(command_of(answer), "note", NULL));
	expect(answer, "completed");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_first_request_gives_the_form),
		TEST(test_every_forward_word_leads_to_the_confirmation_and_then_does_it),
		TEST(test_complete_skips_the_confirmation),
		TEST(test_complete_confirms),
		TEST(test_form_sent_with_the_confirmation_changes_nothing),
		TEST(test_first_request_with_a_form_is_the_first_stage),
		TEST(test_wrong_field_brings_the_form_back_with_its_reason),
		TEST(test_refused_at_the_confirmation_goes_back_to_the_form),
		TEST(test_prev_gives_the_form_back_filled_in),
		TEST(test_command_that_needs_no_confirmation_ends_at_the_first_stage),
		TEST(test_command_without_a_form_is_done_at_once),
		TEST(test_command_that_gives_no_form_may_take_one),
		TEST(test_form_command_with_nothing_to_ask_is_completed),
		TEST(test_refusal_is_an_error_and_ends_the_session),
		TEST(test_cancel_ends_every_stage),
		TEST(test_cancelled_form_cancels_whatever_the_action),
		TEST(test_nothing_to_cancel_or_to_go_back_to_is_a_bad_action),
		TEST(test_unknown_words_and_nodes_are_refused),
		TEST(test_missing_or_foreign_payload_leaves_the_session),
		TEST(test_iq_without_a_command_is_a_bad_request),
		TEST(test_form_without_memory_is_no_answer_and_no_session),
		TEST(test_what_was_done_is_said_even_without_memory_for_its_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
