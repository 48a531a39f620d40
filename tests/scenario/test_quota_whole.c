/* Quotas as a whole: no two ways to spend the same unit, on no day and in no month, for a user and for all of them. */
#include "chat.h"

static int64_t
used(struct world *w, const char *sender, enum packet_kind kind)
{
	return world_sql(w, "SELECT coalesce(sum(count), 0) FROM charge WHERE sender = '%s' AND kind = %d", sender, (int)kind);
}

static int64_t
packets_of(struct world *w, const char *sender)
{
	return world_sql(w, "SELECT count(*) FROM packet WHERE sender = '%s'", sender);
}

static bool
is_accepted(struct world *w, struct ask ask)
{
	struct answer a = world_ask(w, ask);

	assert_string_equal(a.type, "result");
	assert_string_equal(a.status, "completed");
	return strcmp(a.note_type, "info") == 0;
}

static struct ask
sms(const char *from, const char *body)
{
	return (struct ask){ .from = from, .node = "sms", .fields = { "to", PHONE, "when", "in 20 hours", "body", body } };
}

/* -- The last unit -------------------------------------------------------------------------------------------------------------- */

/* Several requests in one piece, so that they are one turn. */
static void
in_one_turn(struct world *w, struct ask *asks, size_t n)
{
	struct buf xml = { 0 };
	size_t turns = w->turns;

	for (size_t i = 0; i < n; i++)
		buf_text(&xml, world_ask_xml(w, &asks[i]));
	world_send(w, "%s", buf_str(&xml));
	buf_free(&xml);
	assert_true(w->turns > turns);
}

static size_t
accepted(struct world *w, const struct ask *asks, size_t n)
{
	size_t ok = 0;

	for (size_t i = 0; i < n; i++) {
		struct answer a = world_answer(w, asks[i].id);

		ok += strcmp(a.status, "completed") == 0 && strcmp(a.note_type, "info") == 0;
	}
	return ok;
}

static void
test_last_unit_is_had_by_one_of_two_in_one_turn(void **state)
{
	struct world *w = *state;
	struct ask asks[] = { world_im(.when = "in 1 hours"), world_im(.when = "in 2 hours", .from = JULIET "/phone") };

	w->config.quota[KIND_IM] = (struct quota_limit){ 3, 10 };
	world_start(w);
	world_schedule(w, .to = "a@example.net b@example.net", .when = "in 1 hours");
	in_one_turn(w, asks, 2);
	assert_int_equal(accepted(w, asks, 2), 1);
	assert_int_equal(used(w, JULIET, KIND_IM), 3);
	assert_int_equal(packets_of(w, JULIET), 3);
}

static void
test_last_unit_is_had_by_one_of_a_form_and_a_chat_line_in_one_turn(void **state)
{
	struct world *w = *state;
	struct ask ask = world_im(.when = "in 1 hours");
	size_t since;

	w->config.quota[KIND_IM] = (struct quota_limit){ 1, 10 };
	world_start(w);
	since = w->nheard;
	world_send(w, "<message type='chat' id='a' from='" BALCONY "' to='" BOT "'><body>im in 5 minutes " ROMEO " one</body></message>"
	    "%s<message type='chat' id='b' from='" BALCONY "' to='" BOT "'><body>im in 5 minutes " ROMEO " two</body></message>",
	    world_ask_xml(w, &ask));
	assert_int_equal(world_answers(w, BALCONY, since), 2);
	assert_int_equal(packets_of(w, JULIET), 1);
	assert_int_equal(used(w, JULIET, KIND_IM), 1);
}

/* Both were shown that there is one left. */
static void
test_last_unit_is_had_by_one_of_two_that_were_confirmed(void **state)
{
	struct world *w = *state;
	struct ask asks[2] = { world_im(.when = "in 1 hours"), world_im(.when = "in 2 hours") };
	struct answer a[2];

	w->config.quota[KIND_IM] = (struct quota_limit){ 1, 10 };
	world_start(w);
	for (int i = 0; i < 2; i++) {
		asks[i].action = "next";
		a[i] = world_ask(w, asks[i]);
		assert_string_equal(a[i].execute, "complete");
	}
	assert_true(is_accepted(w, (struct ask){ .node = "im", .session = a[0].session, .action = "complete" }));
	assert_false(is_accepted(w, (struct ask){ .node = "im", .session = a[1].session, .action = "complete" }));
	assert_int_equal(packets_of(w, JULIET), 1);
	assert_int_equal(used(w, JULIET, KIND_IM), 1);
}

static void
test_last_unit_of_the_service_is_had_by_one_of_two_users(void **state)
{
	struct world *w = *state;
	struct ask asks[] = { world_im(.when = "in 1 hours"), world_im(.when = "in 1 hours", .from = KITCHEN) };

	w->config.quota[KIND_IM] = (struct quota_limit){ 5, 5 };
	w->config.total[KIND_IM] = (struct quota_limit){ 3, 10 };
	world_start(w);
	world_schedule(w, .when = "in 1 hours");
	world_schedule(w, .from = KITCHEN, .when = "in 1 hours");
	in_one_turn(w, asks, 2);
	assert_int_equal(accepted(w, asks, 2), 1);
	assert_int_equal(used(w, "service", KIND_IM), 3);
	assert_int_equal(used(w, JULIET, KIND_IM) + used(w, NURSE, KIND_IM), 3);
	/* Whoever gives one back gives it to all. */
	world_command(w, .node = "cancel", .fields = { "ids", world_with_ids(w, "#1") });
	assert_true(is_accepted(w, world_im(.from = KITCHEN, .when = "in 1 hours")));
	assert_false(is_accepted(w, world_im(.when = "in 1 hours")));
}

/* An edit that makes it longer, and a new one. */
static void
test_last_segment_is_had_by_an_edit_or_by_a_new_message(void **state)
{
	static char two[200];
	struct world *w = *state;
	struct ask asks[2];

	memset(two, 'x', 170);
	w->config.quota[KIND_SMS] = (struct quota_limit){ 2, 10 };
	w->config.count_segments = true;
	world_gateway(w, .info.name = "office");
	world_start(w);
	assert_true(is_accepted(w, sms(NULL, "short")));
	asks[0] = (struct ask){ .node = "edit", .fields = { "id", world_with_ids(w, "#1"), "body", two } };
	asks[1] = sms(NULL, "another");
	in_one_turn(w, asks, 2);
	assert_int_equal(accepted(w, asks, 2), 1);
	assert_int_equal(used(w, JULIET, KIND_SMS), 2);
}

/* What a failed turn has charged is not charged. */
static void
test_unit_of_a_turn_that_failed_is_still_there(void **state)
{
	struct world *w = *state;
	struct ask ask = world_im(.when = "in 1 hours");

	w->config.quota[KIND_IM] = (struct quota_limit){ 1, 1 };
	world_start(w);
	world_log_begin(w);
	world_disk_has(w, 0);
	ask = world_im(.when = "in 1 hours");
	struct answer a = world_ask(w, ask);
	world_disk_is_freed();
	world_log_end(w);
	assert_string_equal(a.error_type, "wait");
	world_advance(w, 2 * MINUTE_MS);
	assert_true(is_accepted(w, world_im(.when = "in 1 hours")));
	assert_false(is_accepted(w, world_im(.when = "in 1 hours")));
}

/* -- Days and months ------------------------------------------------------------------------------------------------------------ */

/* Auckland is 13 hours ahead of UTC: its day begins at 11:00. */
static void
test_day_and_month_are_those_of_the_servers_zone(void **state)
{
	struct world *w = *state;

	assert_int_equal(zone_find(&w->config.schedule.zone, SPAN("Pacific/Auckland")), RES_OK);
	w->config.quota[KIND_IM] = (struct quota_limit){ 1, 2 };
	world_start(w);
	/* The user's own zone does not count. */
	world_command(w, .node = "settings", .fields = { "zone", "America/New_York" });
	assert_true(is_accepted(w, world_im(.when = "in 20 hours")));
	world_advance_to(w, "2026-11-22T10:59:59Z");
	assert_false(is_accepted(w, world_im(.when = "in 20 hours")));
	world_advance_to(w, "2026-11-22T11:00:00Z");
	assert_true(is_accepted(w, world_im(.when = "in 20 hours")));
	world_advance_to(w, "2026-11-30T10:59:59Z");
	assert_false(is_accepted(w, world_im(.when = "in 20 hours")));
	world_advance_to(w, "2026-11-30T11:00:00Z");
	assert_true(is_accepted(w, world_im(.when = "in 20 hours")));
	assert_int_equal(world_sql(w, "SELECT count FROM charge WHERE sender = '" JULIET "' AND day = 20261201"), 1);
}

/* A charge is given back to the day on which it was made. */
static void
test_refund_of_yesterday_is_not_todays(void **state)
{
	struct world *w = *state;

	w->config.quota[KIND_IM] = (struct quota_limit){ 1, 2 };
	world_start(w);
	const char *id = world_schedule(w, .when = "in 60 hours");
	world_advance_to(w, "2026-11-23T10:00:00Z");
	world_schedule(w, .when = "in 20 hours");
	assert_false(is_accepted(w, world_im(.when = "in 20 hours")));
	world_command(w, .node = "cancel", .fields = { "ids", id });
	assert_int_equal(used(w, JULIET, KIND_IM), 1);
	assert_int_equal(used(w, "service", KIND_IM), 1);
	/* The day is full, though the month has room. */
	assert_false(is_accepted(w, world_im(.when = "in 20 hours")));
	world_advance_to(w, "2026-11-24T10:00:00Z");
	assert_true(is_accepted(w, world_im(.when = "in 20 hours")));
}

/* Of a month that is full: what is edited on another day of it gives its unit back first. */
static void
test_edit_on_another_day_takes_no_second_unit_of_the_month(void **state)
{
	(void)state;
	for (int all = 0; all < 2; all++) {
		struct world *w;

		world_setup((void **)&w);
		(all == 1 ? w->config.total : w->config.quota)[KIND_IM] = (struct quota_limit){ QUOTA_NO_LIMIT, 2 };
		world_start(w);
		const char *id = world_schedule(w, .when = "in 60 hours");
		world_schedule(w, .when = "in 60 hours");
		world_advance_to(w, "2026-11-23T10:00:00Z");
		struct answer a = world_edit(w, "id", id, "body", "Good evening");
		if (strcmp(a.note_type, "info") != 0)
			fail_msg("%s: %s", all == 1 ? "of all" : "of the user", a.note);
		assert_int_equal(used(w, JULIET, KIND_IM), 2);
		assert_int_equal(used(w, "service", KIND_IM), 2);
		assert_false(is_accepted(w, world_im(.when = "in 20 hours")));
		world_teardown((void **)&w);
	}
}

/* It may have cost money before it was sent again. */
static void
test_retry_starts_over_so_that_cancelling_gives_back(void **state)
{
	struct world *w = *state;

	w->config.quota[KIND_SMS] = (struct quota_limit){ 1, 10 };
	world_gateway(w, .info.name = "office");
	world_start(w);
	world_phone(w, "", .end = PHONE_BREAKS, .times = 1);
	const char *id = world_schedule_sms(w, .when = "in 1 minutes");
	world_advance(w, 2 * MINUTE_MS);
	assert_string_equal(world_state(w, id), "uncertain");
	world_command(w, .from = DESK, .node = "gateway", .fields = { "name", "office", "action", "pause" });
	world_command(w, .from = DESK, .node = "retry", .fields = { "id", id });
	world_advance(w, MINUTE_MS);
	world_command(w, .node = "cancel", .fields = { "ids", id });
	assert_string_equal(world_state(w, id), "cancelled");
	assert_int_equal(w->phones.n, 1);
	assert_int_equal(used(w, JULIET, KIND_SMS), 0);
	assert_int_equal(used(w, "service", KIND_SMS), 0);
}

static void
test_quota_shows_this_month_and_the_last(void **state)
{
	struct world *w = *state;
	struct answer a;

	w->config.quota[KIND_IM] = (struct quota_limit){ 10, 100 };
	world_start(w);
	for (int i = 0; i < 3; i++)
		world_schedule(w, .when = "in 1 hours");
	world_advance_to(w, "2026-12-02T10:00:00Z");
	world_schedule(w, .when = "in 1 hours");
	a = world_command(w, .node = "quota");
	const char *text = world_text(w, &a), *said = world_chat(w, NULL, "quota");
	for (int i = 0; i < 2; i++) {
		const char *t = i == 0 ? text : said;

		world_says(t, "1 of 10 today");
		world_says(t, "1 of 100 this month");
		world_says(t, "3 last month");
	}
	world_advance_to(w, "2027-01-05T10:00:00Z");
	a = world_command(w, .node = "quota");
	world_says(world_text(w, &a), "0 of 100 this month");
	world_says(world_text(w, &a), "1 last month");
}

/* -- What counts ---------------------------------------------------------------------------------------------------------------- */

static void
test_segments_are_counted_where_that_is_configured(void **state)
{
	static char three[400];

	for (int segments = 0; segments < 2; segments++) {
		struct world *w;

		world_setup((void **)&w);
		memset(three, 'x', 330);
		w->config.quota[KIND_SMS] = (struct quota_limit){ 4, 10 };
		w->config.total[KIND_SMS] = (struct quota_limit){ 7, 70 };
		w->config.count_segments = segments == 1;
		world_gateway(w, .info.name = "office");
		world_start(w);
		assert_true(is_accepted(w, sms(NULL, three)));
		assert_int_equal(used(w, JULIET, KIND_SMS), segments == 1 ? 3 : 1);
		assert_int_equal(used(w, "service", KIND_SMS), segments == 1 ? 3 : 1);
		assert_true(is_accepted(w, sms(NULL, three)) == (segments == 0));
		assert_true(is_accepted(w, sms(NULL, "short")));
		assert_int_equal(used(w, JULIET, KIND_SMS), segments == 1 ? 4 : 3);
		assert_true(is_accepted(w, sms(KITCHEN, three)));
		assert_true(is_accepted(w, sms(KITCHEN, "short")) == (segments == 0));
		world_command(w, .node = "cancel", .fields = { "ids", world_with_ids(w, "#1") });
		assert_int_equal(used(w, JULIET, KIND_SMS), segments == 1 ? 1 : 2);
		world_teardown((void **)&w);
	}
	(void)state;
}

static void
test_what_has_left_is_not_given_back(void **state)
{
	struct world *w = *state;

	w->config.quota[KIND_SMS] = (struct quota_limit){ 2, 10 };
	world_gateway(w, .info.name = "office");
	world_start(w);
	world_phone(w, "", .end = PHONE_BREAKS, .times = 1);
	const char *doubtful = world_schedule_sms(w, .when = "in 1 minutes"), *sent = world_schedule_sms(w, .when = "in 2 minutes");
	world_advance(w, 5 * MINUTE_MS);
	assert_string_equal(world_state(w, doubtful), "uncertain");
	assert_string_equal(world_state(w, sent), "sent");
	world_command(w, .node = "cancel", .fields = { "ids", doubtful });
	world_command(w, .node = "cancel", .fields = { "ids", sent });
	assert_int_equal(used(w, JULIET, KIND_SMS), 2);
	assert_int_equal(used(w, "service", KIND_SMS), 2);
	assert_false(is_accepted(w, sms(NULL, "another")));
}

static void
test_pending_max_holds_in_chat_and_by_form_and_for_each_user(void **state)
{
	struct world *w = *state;

	w->config.schedule.pending_max = 3;
	world_start(w);
	world_schedule(w, .when = "in 1 hours", .to = "a@example.net b@example.net");
	assert_false(is_accepted(w, world_im(.to = "c@example.net d@example.net", .when = "in 1 hours")));
	world_says(world_chat(w, NULL, "im in 1 hour " ROMEO " Good morning"), "Scheduled");
	assert_null(strstr(world_chat(w, NULL, "im in 1 hour " ROMEO " Good morning"), "Scheduled"));
	assert_int_equal(packets_of(w, JULIET), 3);
	assert_true(is_accepted(w, world_im(.from = KITCHEN, .when = "in 1 hours")));
	world_command(w, .node = "cancel", .fields = { "ids", world_with_ids(w, "#1") });
	assert_true(is_accepted(w, world_im(.when = "in 1 hours")));
}

static void
test_service_total_is_said_as_such_and_stores_nothing(void **state)
{
	struct world *w = *state;
	struct answer a;

	w->config.total[KIND_IM] = (struct quota_limit){ 2, 10 };
	world_start(w);
	world_schedule(w, .when = "in 1 hours");
	world_schedule(w, .from = KITCHEN, .when = "in 1 hours");
	a = world_ask(w, world_im(.when = "in 1 hours"));
	assert_string_equal(a.note_type, "error");
	world_says(a.note, "2026-11-23 00:00");
	/* What others have used is said in sum only. */
	assert_null(strstr(a.note, NURSE));
	assert_int_equal(packets_of(w, JULIET), 1);
	world_advance_to(w, "2026-11-22T23:00:00Z");
	assert_true(is_accepted(w, world_im(.when = "in 1 hours")));
}

/* An occurrence is charged when it is queued: beyond the service's total it is skipped, as beyond a user's. */
static void
test_occurrence_beyond_the_service_total_is_skipped_and_told(void **state)
{
	struct world *w = *state;

	w->config.total[KIND_IM] = (struct quota_limit){ 1, QUOTA_NO_LIMIT };
	world_start(w);
	world_online(w, JULIET);
	world_online(w, ROMEO);
	world_schedule(w, .when = "12:00", .repeat = "daily");
	world_schedule(w, .from = KITCHEN, .when = "in 20 hours", .to = "paris@example.net");
	world_advance_to(w, "2026-11-22T11:30:00Z");
	assert_int_equal(world_count(w, ROMEO), 0);
	assert_int_equal(world_told(w, "limit"), 1);
	world_advance_to(w, "2026-11-23T11:30:00Z");
	assert_int_equal(world_count(w, ROMEO), 1);
	assert_int_equal(world_sql(w, "SELECT max(count) FROM charge WHERE sender = 'service'"), 1);
}

static int
teardown_with_room(void **state)
{
	world_disk_is_freed();
	return world_teardown(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_last_unit_is_had_by_one_of_two_in_one_turn),
		WORLD_TEST(test_last_unit_is_had_by_one_of_a_form_and_a_chat_line_in_one_turn),
		WORLD_TEST(test_last_unit_is_had_by_one_of_two_that_were_confirmed),
		WORLD_TEST(test_last_unit_of_the_service_is_had_by_one_of_two_users),
		WORLD_TEST(test_last_segment_is_had_by_an_edit_or_by_a_new_message),
		cmocka_unit_test_setup_teardown(test_unit_of_a_turn_that_failed_is_still_there, world_setup, teardown_with_room),
		WORLD_TEST(test_day_and_month_are_those_of_the_servers_zone),
		WORLD_TEST(test_refund_of_yesterday_is_not_todays),
		cmocka_unit_test(test_edit_on_another_day_takes_no_second_unit_of_the_month),
		WORLD_TEST(test_retry_starts_over_so_that_cancelling_gives_back),
		WORLD_TEST(test_quota_shows_this_month_and_the_last),
		cmocka_unit_test(test_segments_are_counted_where_that_is_configured),
		WORLD_TEST(test_what_has_left_is_not_given_back),
		WORLD_TEST(test_pending_max_holds_in_chat_and_by_form_and_for_each_user),
		WORLD_TEST(test_service_total_is_said_as_such_and_stores_nothing),
		WORLD_TEST(test_occurrence_beyond_the_service_total_is_skipped_and_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
