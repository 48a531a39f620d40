/* What operators do to gateways, and to what is stuck behind them. */
#include <unistd.h>

#include "chat.h"

static void
begin(struct world *w)
{
	w->config.http.public_url = "http://127.0.0.1:5580";
	world_gateway(w, .info.name = "office");
	world_gateway(w, .info.name = "spare");
	world_route(w, "+49", KIND_SMS, "office", NULL);
	world_route(w, "+44", KIND_SMS, "spare", NULL);
	world_start(w);
	world_online(w, JULIET);
	world_online(w, ROMEO);
	world_online(w, ADMIN);
}

#define LONDON "+447700900123"

/* -- Gateways ------------------------------------------------------------------------------------------------------------------- */

static void
test_paused_gateway_sends_nothing_until_it_is_resumed(void **state)
{
	struct world *w = *state;
	struct answer a;

	begin(w);
	DONE(w, "gateway", "name", "office", "action", "pause");
	const char *id = world_schedule_sms(w, .when = "in 1 minutes"), *other = world_schedule_sms(w, .when = "in 1 minutes", .to = LONDON);
	world_advance(w, 5 * HOUR_MS);
	assert_int_equal(world_requests(w, "http://office"), 0);
	assert_string_equal(world_state(w, other), "sent");
	a = DONE(w, "gateways", NULL);
	world_says(world_text(w, &a), "paused");
	/* Over a restart, and a reload that makes good what closed it otherwise. */
	world_restart(w);
	assert_true(laterd_reload(w->laterd, &w->config));
	world_advance(w, 2 * HOUR_MS);
	assert_int_equal(world_requests(w, "http://office"), 0);
	a = DONE(w, "gateways", NULL);
	world_says(world_text(w, &a), "paused");
	DONE(w, "gateway", "name", "office", "action", "resume");
	world_advance(w, 10 * SECOND_MS);
	assert_string_equal(world_state(w, id), "sent");
	assert_int_equal(world_requests(w, "http://office"), 1);
	world_restart(w);
	world_schedule_sms(w, .when = "in 1 minutes");
	world_advance(w, 2 * MINUTE_MS);
	assert_int_equal(world_requests(w, "http://office"), 2);
}

static void
test_paused_gateway_gives_way_to_the_next_of_its_route(void **state)
{
	struct world *w = *state;

	world_gateway(w, .info.name = "office");
	world_gateway(w, .info.name = "spare");
	world_route(w, "+", KIND_SMS, "office", "spare", NULL);
	world_start(w);
	DONE(w, "gateway", "name", "office", "action", "pause");
	const char *id = world_schedule_sms(w, .when = "in 1 minutes");
	world_advance(w, 2 * MINUTE_MS);
	assert_string_equal(world_state(w, id), "sent");
	assert_int_equal(world_requests(w, "http://spare"), 1);
}

/* It is not on disk, and its operator has heard so: a restart would not know it. */
static void
test_order_of_a_turn_that_fails_is_not_followed(void **state)
{
	struct world *w = *state;
	struct ask order = { .from = DESK, .node = "gateway", .fields = { "name", "office", "action", "pause" } };

	begin(w);
	for (int paused = 0; paused < 2; paused++) {
		world_disk_has(w, 0);
		struct answer a = world_ask(w, order);
		assert_string_equal(a.error_type, "wait");
		world_disk_is_freed();
		world_advance_in_silence(w, MINUTE_MS);
		a = DONE(w, "gateways", NULL);
		assert_int_equal(strstr(world_text(w, &a), "paused") != NULL, paused);
		const char *id = world_schedule_sms(w, .when = "in 1 minutes");
		world_advance(w, 2 * MINUTE_MS);
		assert_string_equal(world_state(w, id), paused ? "held" : "sent");
		if (!paused)
			DONE(w, "gateway", "name", "office", "action", "pause");
		order.fields[3] = "resume";
	}
}

static void
test_attempt_under_way_is_ended_though_its_gateway_is_paused(void **state)
{
	struct world *w = *state;

	begin(w);
	world_phone(w, "http://office", .end = PHONE_WAITS);
	const char *id = world_schedule_sms(w, .when = "in 1 minutes");
	world_advance(w, MINUTE_MS);
	DONE(w, "gateway", "name", "office", "action", "pause");
	world_phone_end(w, 0, .end = PHONE_ANSWERS);
	world_advance(w, SECOND_MS);
	assert_string_equal(world_state(w, id), "sent");
	assert_int_equal(w->phones.n, 1);
}

/* Somebody has mended what closed it. */
static void
test_resume_opens_a_gateway_that_was_halted(void **state)
{
	struct world *w = *state;

	begin(w);
	world_phone(w, "http://office", .status = 403, .body = SPAN("Authorization failed for sendsms"));
	const char *id = world_schedule_sms(w, .when = "in 1 minutes");
	world_advance(w, 2 * MINUTE_MS);
	assert_string_equal(world_state(w, id), "held");
	struct answer a = DONE(w, "gateways", NULL);
	world_says(world_text(w, &a), "Authorization failed");
	world_phone(w, "http://office", .end = PHONE_ANSWERS);
	DONE(w, "gateway", "name", "office", "action", "resume");
	world_advance(w, 5 * SECOND_MS);
	assert_string_equal(world_state(w, id), "sent");
	assert_int_equal(world_requests(w, "http://office"), 2);
}

static const struct {
	struct phone_says says;
	const char *outcome;
} outcomes[] = {
	{ { .end = PHONE_ANSWERS }, "sent" },
	{ { .end = PHONE_BREAKS }, "may or may not" },
	{ { .status = 403, .body = { "Authorization failed for sendsms", 32 } }, "Authorization failed" },
	{ { .status = 400, .body = { "Malformed number", 16 } }, "Malformed number" },
};

/* Through this gateway, whatever the routes say, and once. */
static void
test_test_of_a_gateway_sends_one_sms_and_tells_its_outcome(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		struct world *w;

		world_setup((void **)&w);
		begin(w);
		world_phone_rule(w, "http://office", outcomes[i].says);
		DONE(w, "gateway", "name", "office", "action", "test", "number", LONDON);
		world_advance(w, MINUTE_MS);
		assert_int_equal(world_requests(w, "http://office"), 1);
		assert_int_equal(world_sms(w, LONDON), 1);
		assert_int_equal(world_requests(w, "http://spare"), 0);
		if (world_told_admin(w, outcomes[i].outcome) == 0)
			fail_msg("case %zu: “%s” is not told", i, outcomes[i].outcome);
		world_advance(w, 2 * HOUR_MS);
		assert_int_equal(w->phones.n, 1);
		/* It is nobody's quota. */
		assert_int_equal(world_sql(w, "SELECT coalesce(sum(count), 0) FROM charge WHERE sender = '" JULIET "'"), 0);
		world_teardown((void **)&w);
	}
}

static void
test_wrong_orders_to_gateways_are_refused(void **state)
{
	static const char *const wrong[][6] = {
		{ "name", "nowhere", "action", "pause" }, { "name", "office", "action", "explode" }, { "name", "office" },
		{ "name", "office", "action", "test" }, { "name", "office", "action", "test", "number", "call me" },
	};
	struct world *w = *state;

	begin(w);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct ask ask = { .from = DESK, .node = "gateway" };
		struct answer a;

		memcpy(ask.fields, wrong[i], sizeof(wrong[i]));
		a = world_ask(w, ask);
		if (strcmp(a.status, "executing") != 0)
			fail_msg("case %zu is %s: %s%s", i, a.status, a.note, a.text);
		assert_string_not_equal(world_field(w, &a, "error"), "");
	}
	world_advance(w, MINUTE_MS);
	assert_int_equal(w->phones.n, 0);
}

/* -- Retry ---------------------------------------------------------------------------------------------------------------------- */

/* One of each end at each gateway; their ids are those of "#1" to "#6". */
static void
begin_with_trouble(struct world *w)
{
	begin(w);
	world_phone(w, "http://", .end = PHONE_BREAKS);
	world_schedule_sms(w, .when = "in 1 minutes", .body = "one");
	world_schedule_sms(w, .when = "in 1 minutes", .body = "two", .to = LONDON);
	world_advance(w, 2 * MINUTE_MS);
	world_phone(w, "http://", .status = 400, .body = SPAN("Malformed number"));
	world_schedule_sms(w, .when = "in 1 minutes", .body = "three");
	world_schedule_sms(w, .when = "in 1 minutes", .body = "four", .to = LONDON);
	world_advance(w, 2 * MINUTE_MS);
	world_phone(w, "http://", .end = PHONE_ANSWERS);
	world_schedule_sms(w, .when = "in 1 minutes", .body = "five");
	world_schedule_sms(w, .when = "in 5 hours", .body = "six");
	world_advance(w, 10 * MINUTE_MS);
	assert_string_equal(world_state(w, world_with_ids(w, "#1")), "uncertain");
	assert_string_equal(world_state(w, world_with_ids(w, "#3")), "failed");
	assert_string_equal(world_state(w, world_with_ids(w, "#5")), "sent");
	w->phones.n = 0;
}

/* How many requests had this text. */
static size_t
left(const struct world *w, const char *text)
{
	size_t n = 0;

	for (size_t i = 0; i < w->phones.n; i++)
		n += strcmp(w->phones.v[i].body.p, text) == 0;
	return n;
}

static void
test_retry_of_one_sends_it_again_once(void **state)
{
	static const struct { const char *id, *text; } ones[] = { { "#1", "one" }, { "#3", "three" } };
	struct world *w = *state;

	begin_with_trouble(w);
	for (size_t i = 0; i < 2; i++) {
		const char *id = world_with_ids(w, ones[i].id);

		DONE(w, "retry", "id", id);
		/* Asked twice, it is not sent twice. */
		world_command(w, .from = DESK, .node = "retry", .fields = { "id", id });
		world_advance(w, MINUTE_MS);
		assert_string_equal(world_state(w, id), "sent");
		assert_int_equal(left(w, ones[i].text), 1);
		world_command(w, .from = DESK, .node = "retry", .fields = { "id", id });
		world_advance(w, HOUR_MS);
		assert_int_equal(left(w, ones[i].text), 1);
	}
	assert_int_equal(w->phones.n, 2);
}

static void
test_retry_of_a_gateway_sends_all_of_it_again_once(void **state)
{
	struct world *w = *state;
	struct answer a;

	begin_with_trouble(w);
	a = DONE(w, "retry", "id", "office");
	world_says(a.note, "2");
	world_command(w, .from = DESK, .node = "retry", .fields = { "id", "office" });
	world_advance(w, 5 * MINUTE_MS);
	assert_int_equal(left(w, "one"), 1);
	assert_int_equal(left(w, "three"), 1);
	assert_int_equal(w->phones.n, 2);
	assert_string_equal(world_state(w, world_with_ids(w, "#2")), "uncertain");
	assert_string_equal(world_state(w, world_with_ids(w, "#4")), "failed");
	assert_string_equal(world_state(w, world_with_ids(w, "#6")), "scheduled");
	world_command(w, .from = DESK, .node = "retry", .fields = { "id", "office" });
	world_advance(w, HOUR_MS);
	assert_int_equal(w->phones.n, 2);
}

static void
test_retry_in_chat_is_asked_first(void **state)
{
	struct world *w = *state;

	begin_with_trouble(w);
	world_says(world_chat(w, DESK, "retry office"), "2");
	world_advance(w, 5 * MINUTE_MS);
	assert_int_equal(w->phones.n, 0);
	world_chat(w, DESK, "no");
	world_advance(w, 5 * MINUTE_MS);
	assert_int_equal(w->phones.n, 0);
	world_chat(w, DESK, "retry office");
	world_chat(w, DESK, "yes");
	world_chat(w, DESK, "yes");
	world_advance(w, 5 * MINUTE_MS);
	assert_int_equal(w->phones.n, 2);
}

static void
test_what_is_neither_uncertain_nor_failed_is_not_retried(void **state)
{
	static const char *const ids[] = { "#5", "#6", "ZZZZZZ", "nowhere", "what is this?", "" };
	struct world *w = *state;

	begin_with_trouble(w);
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct answer a = world_command(w, .from = DESK, .node = "retry", .fields = { "id", world_with_ids(w, ids[i]) });

		assert_true(strcmp(a.type, "error") == 0 || strcmp(a.status, "executing") == 0 || strcmp(a.note_type, "error") == 0);
	}
	world_advance(w, HOUR_MS);
	assert_int_equal(w->phones.n, 0);
}

/* The crash may come at any time after the answer. */
static void
test_retry_survives_a_crash_and_is_not_doubled_by_it(void **state)
{
	struct world *w = *state;

	begin_with_trouble(w);
	DONE(w, "retry", "id", "office");
	world_restart(w);
	world_advance(w, 5 * MINUTE_MS);
	world_restart(w);
	world_advance(w, 5 * MINUTE_MS);
	assert_int_equal(left(w, "one"), 1);
	assert_int_equal(left(w, "three"), 1);
	assert_int_equal(w->phones.n, 2);
}

/* More than one turn's worth of them. */
static void
fail_many(struct world *w, int n)
{
	begin(w);
	world_phone(w, "http://", .status = 400, .body = SPAN("Malformed number"));
	for (int i = 0; i < n; i++)
		world_schedule_sms(w, .when = "in 1 minutes", .to = arena_printf(&w->arena, "+491701%06d", i));
	world_advance(w, 5 * MINUTE_MS);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet WHERE state = 7"), n);
	world_phone(w, "http://", .end = PHONE_ANSWERS);
	w->phones.n = 0;
}

static void
test_retry_of_very_many_sends_each_once(void **state)
{
	struct world *w = *state;

	fail_many(w, 450);
	DONE(w, "retry", "id", "office");
	world_advance(w, 10 * MINUTE_MS);
	assert_int_equal(w->phones.n, 450);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet WHERE kind = 2 AND state = 5"), 450);
	assert_true(world_told_admin(w, "450 are sent again") > 0);
	world_advance(w, HOUR_MS);
	assert_int_equal(w->phones.n, 450);
}

/* The operator was told that nothing was changed: so it must be. */
static void
test_retry_that_was_not_stored_is_not_begun(void **state)
{
	struct world *w = *state;
	struct answer a;

	fail_many(w, 450);
	/* A log that has been used once would have room in it. */
	assert_int_equal(world_sql(w, "PRAGMA wal_checkpoint(TRUNCATE)"), 0);
	world_log_begin(w);
	world_disk_has(w, 0);
	a = world_command(w, .from = DESK, .node = "retry", .fields = { "id", "office" });
	world_disk_is_freed();
	world_log_end(w);
	assert_string_equal(a.condition, "internal-server-error");
	world_advance(w, 10 * MINUTE_MS);
	assert_int_equal(w->phones.n, 0);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet WHERE state = 7"), 450);
	DONE(w, "retry", "id", "office");
	world_advance(w, 10 * MINUTE_MS);
	assert_int_equal(w->phones.n, 450);
}

/* The next occurrence was made when the first one had come into trouble. */
static void
test_retry_of_an_occurrence_doubles_nothing(void **state)
{
	struct world *w = *state;

	begin(w);
	world_phone(w, "http://office", .end = PHONE_BREAKS, .times = 1);
	const char *id = world_schedule_sms(w, .when = "in 1 minutes", .repeat = "daily");
	world_advance(w, 2 * MINUTE_MS);
	assert_string_equal(world_state(w, id), "uncertain");
	DONE(w, "retry", "id", id);
	world_advance(w, HOUR_MS);
	assert_string_equal(world_state(w, id), "sent");
	assert_int_equal(w->phones.n, 2);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet WHERE state = 1"), 1);
	world_advance(w, 3 * DAY_MS);
	assert_int_equal(w->phones.n, 5);
}

/* As if it had never left: what it has tried before does not count. */
static void
test_retry_of_a_bounced_message_begins_to_try_anew(void **state)
{
	struct world *w = *state;

	begin(w);
	world_person(w, ROMEO)->bounce = "remote-server-timeout";
	world_person(w, ROMEO)->bounce_type = "wait";
	const char *id = world_schedule(w, .when = "in 1 minutes", .offline = "server");
	world_advance(w, 3 * DAY_MS);
	assert_string_equal(world_state(w, id), "failed");
	DONE(w, "retry", "id", id);
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "held");
	world_person(w, ROMEO)->bounce = NULL;
	world_advance(w, HOUR_MS);
	assert_string_equal(world_state(w, id), "sent");
}

/* What fails once more is no older trouble because of that. */
static void
test_retry_ends_though_the_clock_is_set_back(void **state)
{
	struct world *w = *state;

	fail_many(w, 450);
	world_phone(w, "http://", .status = 400, .body = SPAN("Malformed number"));
	DONE(w, "retry", "id", "office");
	world_jump(w, -HOUR_MS);
	world_advance(w, 5 * MINUTE_MS);
	if (w->phones.n > 450)
		fail_msg("%zu requests", w->phones.n);
	assert_true(world_told_admin(w, "the last of them") > 0);
}

static void
test_retry_waits_for_a_store_that_is_out_of_order(void **state)
{
	struct world *w = *state;

	fail_many(w, 450);
	DONE(w, "retry", "id", "office");
	assert_int_equal(world_sql(w, "PRAGMA wal_checkpoint(TRUNCATE)"), 0);
	world_disk_has(w, 0);
	size_t before = w->turns;
	world_advance_in_silence(w, MINUTE_MS);
	world_disk_is_freed();
	if (w->turns - before > 1000)
		fail_msg("%zu turns in a minute", w->turns - before);
	world_advance(w, 5 * MINUTE_MS);
	assert_int_equal(w->phones.n, 450);
	assert_int_equal(world_told_admin(w, "450 are sent again"), 1);
}

/* A report that comes late ends the doubt: then there is nothing to send again. */
static void
test_uncertain_message_that_was_delivered_is_not_retried(void **state)
{
	struct world *w = *state;

	begin(w);
	world_phone(w, "http://office", .end = PHONE_BREAKS, .times = 1);
	const char *id = world_schedule_sms(w, .when = "in 1 minutes");
	world_advance(w, 2 * MINUTE_MS);
	assert_string_equal(world_state(w, id), "uncertain");
	assert_int_equal(world_report(w, &w->phones.v[0], "1"), 200);
	assert_string_equal(world_state(w, id), "delivered");
	world_command(w, .from = DESK, .node = "retry", .fields = { "id", id });
	world_command(w, .from = DESK, .node = "retry", .fields = { "id", "office" });
	world_advance(w, HOUR_MS);
	assert_int_equal(w->phones.n, 1);
}

/* Some write nothing themselves; but what is in one turn happens together or not at all. */
static void
test_orders_of_a_turn_that_failed_for_others_are_not_followed(void **state)
{
	static const struct ask orders[] = {
		{ .from = DESK, .node = "drain", .fields = { "state", "on" } },
		{ .from = DESK, .node = "gateway", .fields = { "name", "office", "action", "test", "number", LONDON } },
		{ .from = DESK, .node = "backup", .fields = { "file", "copy.db" } },
		{ .from = DESK, .node = "reload" },
		{ .from = DESK, .node = "shutdown", .fields = { "confirm", "1" } },
	};
	struct world *w = *state;
	const char *path = arena_printf(&w->arena, "%s/copy.db", w->dir);

	begin(w);
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct ask order = orders[i], writes = { .node = "settings", .fields = { "hours", "12" } };
		const char *xml = world_ask_xml(w, &writes);

		assert_int_equal(world_sql(w, "PRAGMA wal_checkpoint(TRUNCATE)"), 0);
		world_log_begin(w);
		world_disk_has(w, 0);
		world_send(w, "%s%s", xml, world_ask_xml(w, &order));
		world_disk_is_freed();
		world_log_end(w);
		assert_string_equal(world_answer(w, writes.id).error_type, "wait");
		if (strcmp(world_answer(w, order.id).error_type, "wait") != 0)
			fail_msg("%s is answered %s", order.node, world_answer(w, order.id).note);
		world_advance(w, 3 * MINUTE_MS);
		if (laterd_done(w->laterd) || w->phones.n > 0 || w->reloads > 0 || access(path, F_OK) == 0)
			fail_msg("%s is followed", order.node);
		if (strcmp(world_ask(w, world_im(.when = "in 5 hours")).status, "completed") != 0)
			fail_msg("after %s nothing is taken", order.node);
	}
}

static int
teardown_with_room(void **state)
{
	world_disk_is_freed();
	return world_teardown(state);
}

/* One that comes when it was to be sent again, but has not left yet, as well. */
static void
test_message_that_was_delivered_after_all_does_not_leave_again(void **state)
{
	struct world *w = *state;

	begin(w);
	world_phone(w, "http://office", .end = PHONE_BREAKS, .times = 1);
	const char *id = world_schedule_sms(w, .when = "in 1 minutes");
	world_advance(w, 2 * MINUTE_MS);
	assert_string_equal(world_state(w, id), "uncertain");
	DONE(w, "gateway", "name", "office", "action", "pause");
	DONE(w, "retry", "id", id);
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_report(w, &w->phones.v[0], "1"), 200);
	assert_string_equal(world_state(w, id), "delivered");
	DONE(w, "gateway", "name", "office", "action", "resume");
	world_advance(w, HOUR_MS);
	assert_int_equal(w->phones.n, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_paused_gateway_sends_nothing_until_it_is_resumed),
		WORLD_TEST(test_paused_gateway_gives_way_to_the_next_of_its_route),
		WORLD_TEST(test_order_of_a_turn_that_fails_is_not_followed),
		WORLD_TEST(test_attempt_under_way_is_ended_though_its_gateway_is_paused),
		WORLD_TEST(test_resume_opens_a_gateway_that_was_halted),
		cmocka_unit_test(test_test_of_a_gateway_sends_one_sms_and_tells_its_outcome),
		WORLD_TEST(test_wrong_orders_to_gateways_are_refused),
		WORLD_TEST(test_retry_of_one_sends_it_again_once),
		WORLD_TEST(test_retry_of_a_gateway_sends_all_of_it_again_once),
		WORLD_TEST(test_retry_in_chat_is_asked_first),
		WORLD_TEST(test_what_is_neither_uncertain_nor_failed_is_not_retried),
		WORLD_TEST(test_retry_survives_a_crash_and_is_not_doubled_by_it),
		WORLD_TEST(test_retry_of_very_many_sends_each_once),
		cmocka_unit_test_setup_teardown(test_retry_that_was_not_stored_is_not_begun, world_setup, teardown_with_room),
		cmocka_unit_test_setup_teardown(test_orders_of_a_turn_that_failed_for_others_are_not_followed, world_setup, teardown_with_room),
		WORLD_TEST(test_retry_of_an_occurrence_doubles_nothing),
		WORLD_TEST(test_retry_of_a_bounced_message_begins_to_try_anew),
		WORLD_TEST(test_retry_ends_though_the_clock_is_set_back),
		cmocka_unit_test_setup_teardown(test_retry_waits_for_a_store_that_is_out_of_order, world_setup, teardown_with_room),
		WORLD_TEST(test_uncertain_message_that_was_delivered_is_not_retried),
		WORLD_TEST(test_message_that_was_delivered_after_all_does_not_leave_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
