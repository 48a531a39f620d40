#include "adhoc_script.h"
#include "xmpp/pending.h"

#define FIRST "node='im' action='execute'"
#define SUBMIT "node='im' action='complete'"

/* What is asked takes time; nothing may be answered. */
static uint64_t
put_off(const char *from, const char *id, const char *attributes, const char *children)
{
	uint64_t before = service.ticket;

	service.later = 1;
	request(from, id, attributes, children);
	assert_null(answer_of);
	assert_int_equal(service.ticket, before + 1);
	return service.ticket;
}

static uint64_t
put_off_next(const char *action, const char *children)
{
	char attributes[200];

	snprintf(attributes, sizeof(attributes), "node='im' sessionid='%s' %s", session, action);
	return put_off(JULIET, "later", attributes, children);
}

static xmpp_stanza_t *
resumed(uint64_t ticket)
{
	adhoc_resume(a, ticket);
	return answered(JULIET, "later");
}

static void
pass(int64_t ms)
{
	now += ms;
	timers_run(&timers, now);
}

static void
expect_wait(xmpp_stanza_t *st, const char *condition)
{
	assert_non_null(st);
	assert_string_equal(stanza_attr(stanza_child(st, "error", NULL), "type"), "wait");
	expect_error(st, condition, NULL);
}

static void
test_every_stage_is_run_again_with_what_it_was_given(void **state)
{
	uint64_t t;

	(void)state;
	t = put_off(JULIET, "later", FIRST, NO_FORM);
	assert_int_equal(adhoc_sweep(a), 0);
	expect(resumed(t), "executing");
	assert_string_equal(service.calls, "ask ask ");
	assert_string_equal(service.asker, "juliet@example.org");

	t = put_off_next("action='next'", FILLED);
	memset(service.to, 0, sizeof(service.to));
	expect(resumed(t), "executing");
	assert_string_equal(service.calls, "ask ask check check ");
	assert_string_equal(service.to, "romeo");
	assert_string_equal(service.body, "a\nb");

	t = put_off_next("action='complete'", NO_FORM);
	memset(service.to, 0, sizeof(service.to));
	service.script = REPLY_DONE;
	expect(resumed(t), "completed");
	assert_string_equal(service.calls, "ask ask check check do do ");
	assert_string_equal(service.to, "romeo");
	assert_string_equal(service.body, "a\nb");
	assert_int_equal(adhoc_sweep(a), 0);
}

static void
test_a_first_request_with_a_form_is_run_again(void **state)
{
	uint64_t t = put_off(JULIET, "later", SUBMIT, FILLED);

	(void)state;
	service.script = REPLY_FORM;
	expect(resumed(t), "executing");
	assert_string_equal(service.calls, "do do ");
	assert_string_equal(service.to, "romeo");
	service.script = REPLY_DONE;
	expect(go_on("action='complete'", FILLED), "completed");
}

static void
test_going_back_may_take_time(void **state)
{
	uint64_t t;
	xmpp_stanza_t *st;
	struct buf text = { 0 };

	(void)state;
	expect(begin(), "executing");
	expect(go_on("action='next'", FILLED), "executing");
	t = put_off_next("action='prev'", NO_FORM);
	st = resumed(t);
	assert_int_equal(stanza_get_text(stanza_child(stanza_child(stanza_child(command_of(st), "x",
	    NULL), "field", NULL), "value", NULL), &text), RES_OK);
	assert_string_equal(buf_str(&text), "romeo");
	buf_free(&text);
	expect(st, "executing");
}

static void
test_a_refusal_after_a_while_ends_the_session(void **state)
{
	uint64_t t;

	(void)state;
	expect(begin(), "executing");
	t = put_off_next("action='next'", FILLED);
	service.script = REPLY_REFUSED;
	expect_error(resumed(t), "resource-constraint", NULL);
	expect_error(go_on("", FILLED), "bad-request", "bad-sessionid");
}

static void
test_a_ticket_is_good_once(void **state)
{
	uint64_t t = put_off(JULIET, "later", FIRST, NO_FORM);

	(void)state;
	adhoc_resume(a, t + 1);
	adhoc_resume(a, 0);
	assert_null(answer_of);
	expect(resumed(t), "executing");
	adhoc_resume(a, t);
	assert_null(answer_of);
	assert_string_equal(service.calls, "ask ask ");
}

static void
test_answers_come_in_the_order_of_the_tickets(void **state)
{
	uint64_t t[3];

	(void)state;
	t[0] = put_off(JULIET, "one", FIRST, NO_FORM);
	t[1] = put_off("tybalt@example.org/x", "two", FIRST, NO_FORM);
	t[2] = put_off(JULIET, "three", FIRST, NO_FORM);
	adhoc_resume(a, t[2]);
	expect(answered(JULIET, "three"), "executing");
	adhoc_resume(a, t[1]);
	assert_string_equal(service.asker, "tybalt@example.org");
	expect(answered("tybalt@example.org/x", "two"), "executing");
	adhoc_resume(a, t[0]);
	expect(answered(JULIET, "one"), "executing");
}

static void
test_it_may_be_put_off_ten_times(void **state)
{
	uint64_t t;

	(void)state;
	expect(begin(), "executing");
	t = put_off_next("action='next'", FILLED);
	adhoc_committed(a);
	for (int i = 1; i < 10; i++) {
		service.later = 1;
		assert_null(resumed(t));
		assert_int_equal(service.ticket, ++t);
		adhoc_committed(a);
	}
	assert_int_equal(again, 9);
	service.later = 1;
	expect_wait(resumed(t), "remote-server-timeout");
	assert_int_equal(again, 10);
	/* The session goes on, and what is tried again starts anew. */
	t = put_off_next("action='next'", FILLED);
	service.later = 1;
	assert_null(resumed(t));
	expect(resumed(t + 1), "executing");
	assert_string_equal(service.to, "romeo");
}

static void
test_a_minute_is_all_it_gets(void **state)
{
	uint64_t t;

	(void)state;
	expect(begin(), "executing");
	t = put_off_next("action='next'", FILLED);
	adhoc_committed(a);
	pass(59000);
	/* Being put off again is no new minute. */
	service.later = 1;
	assert_null(resumed(t));
	adhoc_committed(a);
	assert_int_equal(again, 1);
	pass(999);
	assert_null(answer_of);
	pass(1);
	assert_int_equal(again, 2);
	expect_wait(answered(JULIET, "later"), "remote-server-timeout");
	adhoc_resume(a, t + 1);
	assert_null(answer_of);
	expect(go_on("action='next'", FILLED), "executing");
	/* A session that nobody was told of is gone. */
	put_off(JULIET, "later", FIRST, NO_FORM);
	pass(60000);
	expect_wait(answered(JULIET, "later"), "remote-server-timeout");
	assert_int_equal(adhoc_sweep(a), 1);
}

static void
test_each_waits_its_own_minute(void **state)
{
	uint64_t t;

	(void)state;
	put_off(JULIET, "first", FIRST, NO_FORM);
	pass(30000);
	t = put_off(JULIET, "second", FIRST, NO_FORM);
	pass(30000);
	expect_wait(answered(JULIET, "first"), "remote-server-timeout");
	pass(29999);
	assert_null(answer_of);
	adhoc_resume(a, t);
	expect(answered(JULIET, "second"), "executing");
	assert_int_equal(timers_next(&timers), NEVER_MS);
}

static void
test_three_wait_for_a_user(void **state)
{
	uint64_t t = 0;

	(void)state;
	for (int i = 0; i < 3; i++)
		t = put_off(i == 1 ? "juliet@example.org/chamber" : JULIET, "later", FIRST,
		    NO_FORM);
	service.later = 1;
	expect_wait(send(JULIET, FIRST, NO_FORM), "resource-constraint");
	service.later = 1;
	expect_wait(send("juliet@example.org/hall", SUBMIT, FILLED), "resource-constraint");
	put_off("tybalt@example.org/x", "later", FIRST, NO_FORM);
	/* What takes no time is not bounded by it. */
	expect(begin(), "executing");
	/* A live session stays where it was. */
	service.later = 1;
	expect_wait(go_on("action='next'", FILLED), "resource-constraint");
	adhoc_committed(a);
	/* The place that one leaves is its own when it is put off again, and then another's. */
	service.later = 1;
	assert_null(resumed(t));
	expect(resumed(service.ticket), "executing");
	t = put_off(JULIET, "later", FIRST, NO_FORM);
	expect(resumed(t), "executing");
}

static void
test_two_hundred_wait_in_all(void **state)
{
	char from[60];

	(void)state;
	for (int i = 0; i < 200; i++) {
		snprintf(from, sizeof(from), "user%d@example.org/x", i);
		put_off(from, "later", FIRST, NO_FORM);
	}
	service.later = 1;
	expect_wait(send(JULIET, FIRST, NO_FORM), "resource-constraint");
	adhoc_resume(a, 117);
	expect(answered("user116@example.org/x", "later"), "executing");
	put_off(JULIET, "later", FIRST, NO_FORM);
	adhoc_forget(a);
	assert_int_equal(timers_next(&timers), NEVER_MS);
	assert_int_equal(adhoc_sweep(a), 1);
}

static void
test_a_session_that_waits_takes_no_other_request(void **state)
{
	static const char *const actions[] = { "action='next'", "action='complete'", "",
		"action='cancel'", "action='prev'" };
	uint64_t t;

	(void)state;
	expect(begin(), "executing");
	t = put_off_next("action='next'", FILLED);
	for (size_t i = 0; i < 5; i++)
		expect_error(go_on(actions[i], FILLED), "bad-request", "bad-action");
	assert_string_equal(service.calls, "ask check ");
	expect(resumed(t), "executing");
	expect(go_on("action='cancel'", NO_FORM), "canceled");
}

static void
test_waiting_does_not_make_a_session_idle(void **state)
{
	uint64_t t;

	(void)state;
	expect(begin(), "executing");
	now += session_bounds_default.idle_ms - 1;
	t = put_off_next("action='next'", FILLED);
	now += 59000;
	assert_int_equal(adhoc_sweep(a), 1);
	expect(resumed(t), "executing");
}

static void
test_a_session_that_gave_way_meanwhile_has_expired(void **state)
{
	uint64_t t, u;

	(void)state;
	expect(begin(), "executing");
	t = put_off_next("action='next'", FILLED);
	expect(begin(), "executing");
	expect(go_on("action='next'", FILLED), "executing");
	u = put_off_next("action='complete'", NO_FORM);
	for (int i = 0; i < 10; i++)
		expect(begin(), "executing");
	expect_error(resumed(t), "bad-request", "session-expired");
	expect_error(resumed(u), "bad-request", "session-expired");
	assert_int_equal(adhoc_sweep(a), 10);
}

static void
test_a_failed_turn_drops_what_it_put_off(void **state)
{
	uint64_t old, young;

	(void)state;
	old = put_off(JULIET, "later", FIRST, NO_FORM);
	adhoc_committed(a);
	young = put_off(JULIET, "later", SUBMIT, FILLED);
	adhoc_failed(a);
	adhoc_resume(a, young);
	assert_null(answer_of);
	assert_int_equal(again, 0);
	/* Put off again in a turn that fails: its iq is told so with the turn. */
	service.later = 1;
	assert_null(resumed(old));
	assert_int_equal(again, 1);
	adhoc_failed(a);
	adhoc_resume(a, old + 1);
	adhoc_resume(a, service.ticket);
	assert_null(answer_of);
	assert_int_equal(timers_next(&timers), NEVER_MS);
}

static void
test_an_iq_comes_back_once_a_turn(void **state)
{
	uint64_t t = put_off(JULIET, "later", FIRST, NO_FORM);

	(void)state;
	/* In the turn of the iq itself it is known already. */
	expect(resumed(t), "executing");
	assert_int_equal(again, 0);
	t = put_off(JULIET, "later", FIRST, NO_FORM);
	adhoc_committed(a);
	service.later = 1;
	assert_null(resumed(t));
	expect(resumed(service.ticket), "executing");
	assert_int_equal(again, 1);
}

static void
test_what_could_not_be_told_of_a_failure_is_not_run(void **state)
{
	uint64_t t;

	(void)state;
	t = put_off(JULIET, "later", FIRST, NO_FORM);
	adhoc_committed(a);
	again_fails = true;
	expect_wait(resumed(t), "resource-constraint");
	assert_string_equal(service.calls, "ask ");
	adhoc_resume(a, t);
	assert_null(answer_of);
}

static void
test_what_waits_at_the_end_is_freed(void **state)
{
	(void)state;
	put_off(JULIET, "later", SUBMIT, FILLED);
	expect(begin(), "executing");
	put_off_next("action='next'", FILLED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_stage_is_run_again_with_what_it_was_given),
		TEST(test_a_first_request_with_a_form_is_run_again),
		TEST(test_going_back_may_take_time),
		TEST(test_a_refusal_after_a_while_ends_the_session),
		TEST(test_a_ticket_is_good_once),
		TEST(test_answers_come_in_the_order_of_the_tickets),
		TEST(test_it_may_be_put_off_ten_times),
		TEST(test_a_minute_is_all_it_gets),
		TEST(test_each_waits_its_own_minute),
		TEST(test_three_wait_for_a_user),
		TEST(test_two_hundred_wait_in_all),
		TEST(test_a_session_that_waits_takes_no_other_request),
		TEST(test_waiting_does_not_make_a_session_idle),
		TEST(test_a_session_that_gave_way_meanwhile_has_expired),
		TEST(test_a_failed_turn_drops_what_it_put_off),
		TEST(test_an_iq_comes_back_once_a_turn),
		TEST(test_what_could_not_be_told_of_a_failure_is_not_run),
		TEST(test_what_waits_at_the_end_is_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
