#include "adhoc_script.h"

static int
setup_small(void **state)
{
	static const struct session_bounds small = {
		.idle_ms = 1000, .per_user = 2, .total = 3, .bytes = 100000
	};

	(void)state;
	return start(&small);
}

#define TEST_SMALL(f) cmocka_unit_test_setup_teardown(f, setup_small, teardown)

static void
test_session_belongs_to_one_full_address_and_node(void **state)
{
	char attributes[200];

	(void)state;
	expect(begin(), "executing");
	snprintf(attributes, sizeof(attributes), "node='im' sessionid='%s'", session);
	expect_error(send("juliet@example.org/chamber", attributes, FILLED), "bad-request",
	    "bad-sessionid");
	expect_error(send("juliet@example.org", attributes, FILLED), "bad-request",
	    "bad-sessionid");
	expect_error(send("tybalt@example.org/balcony", attributes, FILLED), "bad-request",
	    "bad-sessionid");
	snprintf(attributes, sizeof(attributes), "node='empty' sessionid='%s'", session);
	expect_error(send(JULIET, attributes, FILLED), "bad-request", "bad-sessionid");
	snprintf(attributes, sizeof(attributes), "sessionid='%s'", session);
	expect_error(send(JULIET, attributes, FILLED), "bad-request", "bad-sessionid");
	assert_string_equal(service.calls, "ask ");
	expect(go_on("", FILLED), "executing");
}

static void
test_unknown_session_is_refused(void **state)
{
	(void)state;
	expect_error(send(JULIET, "node='im' sessionid='x'", FILLED), "bad-request",
	    "bad-sessionid");
	assert_string_equal(service.calls, "");
}

static void
test_sessions_have_ids_of_their_own(void **state)
{
	char first[100];

	(void)state;
	expect(begin(), "executing");
	memcpy(first, session, sizeof(first));
	expect(begin(), "executing");
	assert_string_not_equal(first, session);
	assert_int_equal(strspn(session, "0123456789abcdef"), 32);
	assert_int_equal(adhoc_sweep(a), 2);
}

static void
test_idle_session_expires_and_is_remembered_for_an_hour(void **state)
{
	(void)state;
	expect(begin(), "executing");
	now += session_bounds_default.idle_ms;
	expect(go_on("action='next'", FILLED), "executing");
	now += session_bounds_default.idle_ms + 1;
	assert_int_equal(adhoc_sweep(a), 0);
	expect_error(go_on("action='complete'", NO_FORM), "bad-request", "session-expired");
	now += HOUR_MS;
	expect_error(go_on("action='complete'", NO_FORM), "bad-request", "session-expired");
	now += 1;
	expect_error(go_on("action='complete'", NO_FORM), "bad-request", "bad-sessionid");
}

static void
test_expired_session_is_a_secret_of_its_owner(void **state)
{
	char attributes[200];

	(void)state;
	expect(begin(), "executing");
	now += session_bounds_default.idle_ms + 1;
	snprintf(attributes, sizeof(attributes), "node='im' sessionid='%s'", session);
	expect_error(send("tybalt@example.org/x", attributes, NO_FORM), "bad-request",
	    "bad-sessionid");
	expect_error(go_on("", FILLED), "bad-request", "session-expired");
}

static void
test_oldest_session_of_a_user_gives_way(void **state)
{
	char first[100], second[100];

	(void)state;
	expect(begin(), "executing");
	memcpy(first, session, sizeof(first));
	expect(begin(), "executing");
	memcpy(second, session, sizeof(second));
	memcpy(session, first, sizeof(first));
	expect(go_on("", FILLED), "executing");
	expect(begin(), "executing");
	assert_int_equal(adhoc_sweep(a), 2);
	memcpy(session, second, sizeof(second));
	expect_error(go_on("", FILLED), "bad-request", "session-expired");
	memcpy(session, first, sizeof(first));
	service.script = REPLY_DONE;
	expect(go_on("", NO_FORM), "completed");
}

static void
test_sessions_of_all_users_are_bounded(void **state)
{
	char name[60], first[200];

	(void)state;
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "user%d@example.org/r", i);
		expect(send(name, "node='im'", NO_FORM), "executing");
		if (i == 0)
			snprintf(first, sizeof(first), "node='im' sessionid='%s'", session);
		assert_int_equal(adhoc_sweep(a), i < 3 ? i + 1 : 3);
		if (i == 3)
			expect_error(send("user0@example.org/r", first, FILLED), "bad-request",
			    "session-expired");
	}
	expect_error(send("user0@example.org/r", first, FILLED), "bad-request", "bad-sessionid");
}

/* A submission whose body has so many bytes, with a field that nobody declared. */
static char *
filled(size_t len)
{
	struct buf xml = { 0 };

	buf_text(&xml, "<x xmlns='jabber:x:data' type='submit'>"
	    "<field var='to'><value>romeo</value></field>"
	    "<field var='stray' type='hidden'><value>s</value></field><field var='body'><value>");
	memset(buf_extend(&xml, len), 'b', len);
	buf_text(&xml, "</value></field></x>");
	assert_false(xml.failed);
	return xml.p;
}

static void
test_a_submission_is_bounded(void **state)
{
	/* "to", "romeo", "stray", "s", "body" */
	size_t others = 2 + 5 + 5 + 1 + 4;
	char *most = filled(SESSION_FORM_MAX - others);
	char *more = filled(SESSION_FORM_MAX - others + 1);

	(void)state;
	expect_error(send(JULIET, "node='im' action='next'", more), "policy-violation", NULL);
	expect_error(send(JULIET, "node='im' action='complete'", more), "policy-violation", NULL);
	assert_string_equal(service.calls, "");
	assert_int_equal(adhoc_sweep(a), 0);
	expect(begin(), "executing");
	expect_error(go_on("action='next'", more), "policy-violation", NULL);
	assert_int_equal(adhoc_sweep(a), 1);
	expect(go_on("action='next'", most), "executing");
	service.script = REPLY_DONE;
	expect(go_on("action='complete'", NO_FORM), "completed");
	assert_string_equal(service.to, "romeo");
	assert_int_equal(strlen(service.body), sizeof(service.body) - 1);
	free(most);
	free(more);
}

static void
test_forms_of_all_sessions_are_bounded(void **state)
{
	char *half = filled(45000), attributes[200];
	int i;

	(void)state;
	expect(send("a@example.org/r", "node='im' action='next'", half), "executing");
	snprintf(attributes, sizeof(attributes), "node='im' sessionid='%s'", session);
	expect(send("b@example.org/r", "node='im' action='next'", half), "executing");
	assert_int_equal(adhoc_sweep(a), 2);
	/* The joined copy that the service makes of a body does not stay and count. */
	for (i = 0; i < 10; i++)
		expect(send("a@example.org/r", attributes, NO_FORM), "executing");
	assert_int_equal(adhoc_sweep(a), 2);
	expect(send("c@example.org/r", "node='im' action='next'", half), "executing");
	assert_int_equal(adhoc_sweep(a), 2);
	/* b was the oldest. */
	expect(send("a@example.org/r", attributes, NO_FORM), "executing");
	/* A form that is given back to be filled in again makes room. */
	service.script = REPLY_FORM;
	expect(send("a@example.org/r", attributes, NO_FORM), "executing");
	service.script = REPLY_CONFIRM;
	expect(send("d@example.org/r", "node='im' action='next'", half), "executing");
	assert_int_equal(adhoc_sweep(a), 3);
	free(half);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_session_belongs_to_one_full_address_and_node),
		TEST(test_unknown_session_is_refused),
		TEST(test_sessions_have_ids_of_their_own),
		TEST(test_idle_session_expires_and_is_remembered_for_an_hour),
		TEST(test_expired_session_is_a_secret_of_its_owner),
		TEST_SMALL(test_oldest_session_of_a_user_gives_way),
		TEST_SMALL(test_sessions_of_all_users_are_bounded),
		TEST(test_a_submission_is_bounded),
		TEST_SMALL(test_forms_of_all_sessions_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
