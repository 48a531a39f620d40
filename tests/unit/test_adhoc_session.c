#include "adhoc_script.h"

static int
setup_small(void **state)
{
	static const struct adhoc_config small = { .idle_ms = 1000, .per_user = 2, .total = 3 };

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
	now += adhoc_config_default.idle_ms;
	expect(go_on("action='next'", FILLED), "executing");
	now += adhoc_config_default.idle_ms + 1;
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
	now += adhoc_config_default.idle_ms + 1;
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
