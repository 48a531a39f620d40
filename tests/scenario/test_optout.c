/* Whoever writes `stop` to the bot gets nothing more through us, until they write `start`. */
#include "core/ports.h"
#include "replies.h"

#define OTHER  "benvolio@example.net"

/* What is said to Romeo, who is not served. */
static const char *
romeo_says(struct world *w, const char *line)
{
	return world_chat(w, ORCHARD, line);
}

static void
begin_stopped(struct world *w)
{
	world_start(w);
	romeo_says(w, "stop");
	world_forget(w);
}

/* The form comes again, or it is a note, but nothing is stored; in words that name who it is about. */
static void
is_not_scheduled(struct world *w, struct ask ask, const char *whom)
{
	int64_t before = world_packets(w);
	struct answer a = world_ask(w, ask);

	if (strcmp(a.status, "completed") == 0 && strcmp(a.note_type, "error") != 0)
		fail_msg("scheduled: %s", a.note);
	assert_string_equal(a.note_type, "error");
	world_says(world_text(w, &a), whom);
	world_says(world_text(w, &a), "start");
	assert_int_equal(world_packets(w), before);
}

/* -- The two words -------------------------------------------------------------------------------------------------------------- */

static void
test_stranger_is_answered_to_stop_and_start(void **state)
{
	static const char *const stops[] = { "stop", "Stop", "STOP", " stop ", "/stop" };
	static const char *const starts[] = { "start", "Start", "START", "start\n" };
	struct world *w = *state;

	world_start(w);
	for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
		world_says(romeo_says(w, stops[i]), "start");
		is_not_scheduled(w, world_im(.when = "in 1 hours"), ROMEO);
		world_says(romeo_says(w, starts[i % 4]), "stop");
		world_schedule(w, .when = "in 1 hours");
		world_advance(w, 10 * SECOND_MS);
	}
	/* Twice says nothing else than once. */
	assert_string_equal(romeo_says(w, "stop"), romeo_says(w, "stop"));
	assert_string_equal(romeo_says(w, "start"), romeo_says(w, "start"));
}

static void
test_bot_and_its_domain_both_listen(void **state)
{
	static const char *const addresses[] = { BOT, COMPONENT, BOT "/x" };
	static const char *const types[] = { "chat", "normal" };
	struct world *w = *state;

	world_start(w);
	for (size_t i = 0; i < 6; i++) {
		world_line(w, .from = ORCHARD, .to = addresses[i / 2], .type = types[i % 2], .text = "stop");
		is_not_scheduled(w, world_im(.when = "in 1 hours"), ROMEO);
		world_line(w, .from = ORCHARD, .to = addresses[i / 2], .type = types[i % 2], .text = "start");
		world_schedule(w, .when = "in 1 hours");
		world_advance(w, 5 * SECOND_MS);
	}
}

static void
test_other_lines_of_strangers_are_still_forbidden(void **state)
{
	static const char *const lines[] = {
		"list", "help", "help stop", "hello", "stopp", "stopwatch", "im in 5 minutes " JULIET " Good morning", "settings", "yes", "no",
		"please stop", "cancel", "st op", "startle", "remind in 5 minutes x", "stats", "?",
	};
	struct world *w = *state;

	world_start(w);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		world_forget(w);
		world_advance(w, 2 * SECOND_MS);
		if (i % 2 == 1)
			romeo_says(w, "stop");
		world_forget(w);
		romeo_says(w, lines[i]);
		if (w->nheard != 1 || strcmp(w->heard[0].condition, "forbidden") != 0)
			fail_msg("“%s”: %s %s", lines[i], w->heard[0].condition, w->heard[0].body);
		assert_string_equal(w->heard[0].to, ORCHARD);
	}
	assert_int_equal(world_packets(w), 0);
}

static void
test_stranger_sees_and_runs_no_command(void **state)
{
	static const char *const nodes[] = { "stop", "start", "list", "im" };
	struct world *w = *state;

	begin_stopped(w);
	assert_string_equal(world_nodes(w, ORCHARD), " ");
	/* Nor do users by a form: it is a line of chat. */
	assert_null(strstr(world_nodes(w, BALCONY), " stop "));
	assert_null(strstr(world_nodes(w, BALCONY), " start "));
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		struct answer a = world_command(w, .from = ORCHARD, .node = nodes[i]);

		assert_string_equal(a.type, "error");
		a = world_command(w, .from = OTHER "/x", .node = nodes[i], .fields = { "confirm", "1" });
		assert_string_equal(a.type, "error");
	}
	world_schedule(w, .to = OTHER, .when = "in 1 hours");
}

static void
test_stop_is_not_taken_from_machines(void **state)
{
	static const struct {
		const char *from, *type, *extra;
	} machines[] = {
		{ ORCHARD, "groupchat", "" }, { ORCHARD, "headline", "" }, { ORCHARD, "error", "" }, { "example.net", "chat", "" },
		{ ORCHARD, "chat", "<sent xmlns='urn:xmpp:carbons:2'/>" }, { ORCHARD, "chat", "<delay xmlns='urn:xmpp:delay' stamp='2026-11-22T09:00:00Z'/>" },
		{ "romeo%example.net@" COMPONENT, "chat", "" },
	};
	struct world *w = *state;

	world_start(w);
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		world_line(w, .from = machines[i].from, .type = machines[i].type, .extra = machines[i].extra, .text = "stop");
	assert_int_equal(w->nheard, 0);
	world_schedule(w, .when = "in 1 hours");
}

static void
test_answer_to_stop_that_is_echoed_starts_no_loop(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_person(w, ROMEO)->echoes = true;
	romeo_says(w, "stop");
	world_advance(w, HOUR_MS);
	assert_in_range(w->nheard, 1, 5);
}

static void
test_flood_of_stops_is_answered_with_measure(void **state)
{
	struct world *w = *state;

	world_start(w);
	for (int i = 0; i < 300; i++)
		romeo_says(w, i % 2 == 0 ? "stop" : "start");
	assert_in_range(w->nheard, 20, 50);
	/* And nobody else waits for it. */
	world_says(world_chat(w, OTHER "/x", "stop"), "start");
}

/* Each of them is somebody else, and the store remembers every one. */
static void
test_server_that_makes_up_people_fills_no_store_and_stands_in_nobodys_way(void **state)
{
	struct world *w = *state;

	world_start(w);
	for (int i = 0; i < 150; i++)
		world_chat(w, arena_printf(&w->arena, "user%d@example.com/x", i), "stop");
	assert_int_equal(world_sql(w, "SELECT count(*) FROM stopped"), 100);
	world_says(world_chat(w, "user149@example.com/x", "stop"), "Too many");
	is_not_scheduled(w, world_im(.to = "user0@example.com"), "user0@example.com");
	/* Nor do those wait for it who live elsewhere, or are served. */
	world_says(romeo_says(w, "stop"), "Nothing more");
	world_says(world_chat(w, KITCHEN, "stop"), "Nothing more");
	world_says(world_chat(w, "user0@example.com/x", "stop"), "Nothing more");
	world_advance(w, 10 * SECOND_MS);
	world_says(world_chat(w, "user149@example.com/x", "stop"), "Nothing more");
	world_says(world_chat(w, "user148@example.com/x", "stop"), "Too many");
	world_advance(w, 17 * MINUTE_MS);
	world_says(world_chat(w, "user148@example.com/x", "stop"), "Nothing more");
}

static void
test_blocked_user_may_stop_what_is_sent_to_them(void **state)
{
	struct world *w = *state;

	world_start(w);
	DONE(w, "block", "jid", JULIET);
	world_says(world_chat(w, NULL, "stop"), "start");
	is_not_scheduled(w, world_im(.from = KITCHEN, .to = JULIET), JULIET);
}

/* -- When it is scheduled ------------------------------------------------------------------------------------------------------- */

static void
test_nothing_is_scheduled_for_who_wants_nothing(void **state)
{
	struct world *w = *state;

	begin_stopped(w);
	is_not_scheduled(w, world_im(.when = "in 1 hours"), ROMEO);
	is_not_scheduled(w, world_im(.when = "in 1 hours", .to = "Romeo@Example.NET"), ROMEO);
	is_not_scheduled(w, world_im(.when = "18:00", .repeat = "daily"), ROMEO);
	/* Several: all or none. */
	is_not_scheduled(w, world_im(.to = OTHER " " ROMEO), ROMEO);
	is_not_scheduled(w, world_im(.to = OTHER ", " ROMEO ", nurse@example.org"), ROMEO);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM charge"), 0);
	for (size_t i = 0; i < 3; i++) {
		static const char *const lines[] = {
			"im in 5 minutes " ROMEO " Good morning", "im in 5 minutes " OTHER "," ROMEO " Good morning",
			"im 18:00 repeat=daily " ROMEO " Good morning",
		};

		world_says(world_asks(w, lines[i], ROMEO), "start");
		world_chat(w, NULL, "abort");
	}
	/* An operator is told, if they ask. */
	struct answer a = world_operate(w, (struct ask){ .node = "user", .fields = { "jid", ROMEO } });
	world_says(world_text(w, &a), "stop");
}

static void
test_stage_that_comes_after_stop_is_refused(void **state)
{
	struct world *w = *state;
	struct ask filled = world_im(.when = "in 1 hours");
	struct answer a;

	world_start(w);
	filled.action = "next";
	a = world_ask(w, filled);
	assert_string_equal(a.status, "executing");
	romeo_says(w, "stop");
	is_not_scheduled(w, (struct ask){ .node = "im", .session = a.session, .action = "complete" }, ROMEO);
}

static void
test_edit_to_who_wants_nothing_is_refused(void **state)
{
	struct world *w = *state;
	struct answer a;

	begin_stopped(w);
	const char *id = world_schedule(w, .to = OTHER, .when = "in 1 hours");
	a = world_edit(w, "id", id, "to", ROMEO);
	assert_string_equal(a.note_type, "error");
	world_says(world_text(w, &a), ROMEO);
	world_says(world_chat(w, NULL, arena_printf(&w->arena, "edit %s to " ROMEO, id)), ROMEO);
	world_advance(w, 2 * HOUR_MS);
	assert_int_equal(world_count(w, OTHER), 1);
	assert_int_equal(world_count(w, ROMEO), 0);
}

/* -- When it is due ------------------------------------------------------------------------------------------------------------- */

static void
test_what_was_scheduled_before_fails_when_it_is_due_and_its_sender_is_told(void **state)
{
	static const char *const choices[] = { "auto", "hold", "server", "drop" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct world *w;

		world_setup((void **)&w);
		world_start(w);
		world_person(w, ROMEO)->probe = PROBE_ONLINE;
		world_sql(w, "INSERT INTO contact (jid, state, changed_at) VALUES ('" ROMEO "', %d, 1)", (int)CONTACT_GRANTED);
		const char *id = world_schedule(w, .when = "in 5 minutes", .offline = choices[i]);
		world_advance(w, MINUTE_MS);
		romeo_says(w, "stop");
		world_forget(w);
		world_advance(w, 3 * MINUTE_MS);
		assert_int_equal(world_count(w, JULIET), 0);
		world_advance(w, 2 * MINUTE_MS);
		if (strcmp(choices[i], "drop") != 0)
			assert_string_equal(world_state(w, id), "failed");
		assert_int_equal(world_count(w, ROMEO), 0);
		assert_int_equal(world_told(w, id), 1);
		assert_int_equal(world_count(w, JULIET), 1);
		world_advance(w, 2 * DAY_MS);
		assert_int_equal(world_count(w, ROMEO), 0);
		assert_int_equal(world_count(w, JULIET), 1);
		world_teardown((void **)&w);
	}
}

static void
test_what_is_held_fails_and_the_view_is_given_back(void **state)
{
	struct world *w = *state;
	struct person *romeo = world_person(w, ROMEO);
	size_t subscribed;

	romeo->request = REQUEST_GRANTED;
	romeo->probe = PROBE_OFFLINE;
	world_start(w);
	const char *first = world_schedule(w, .when = "in 1 minutes", .offline = "hold");
	const char *second = world_schedule(w, .when = "in 2 minutes");
	world_advance(w, 5 * MINUTE_MS);
	assert_string_equal(world_state(w, first), "held");
	assert_string_equal(world_state(w, second), "held");
	subscribed = world_signals(w, "subscribe", ROMEO);
	assert_int_equal(subscribed, 1);
	world_forget(w);
	romeo_says(w, "stop");
	world_online(w, ROMEO);
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, first), "failed");
	assert_string_equal(world_state(w, second), "failed");
	assert_int_equal(world_told(w, first), 1);
	assert_int_equal(world_told(w, second), 1);
	assert_int_equal(world_count(w, ROMEO), 0);
	assert_int_equal(world_signals(w, "unsubscribe", ROMEO), 1);
	/* They are not asked again, nor seen as somebody who has refused. */
	world_advance(w, 2 * DAY_MS);
	assert_int_equal(world_signals(w, "subscribe", ROMEO), 0);
	romeo_says(w, "start");
	world_schedule(w, .when = "in 1 minutes", .offline = "hold");
	world_advance(w, 2 * MINUTE_MS);
	assert_int_equal(world_signals(w, "subscribe", ROMEO), 1);
	assert_int_equal(world_count(w, ROMEO), 1);
}

/* Who was asked and says stop instead is not asked again. */
static void
test_stop_is_an_answer_to_the_request_for_presence(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *id = world_schedule(w, .when = "in 1 minutes", .offline = "hold");
	world_advance(w, 2 * MINUTE_MS);
	assert_int_equal(world_signals(w, "subscribe", ROMEO), 1);
	assert_non_null(strstr(w->signals[0].status, "stop"));
	romeo_says(w, "stop");
	world_advance(w, 3 * DAY_MS);
	assert_string_equal(world_state(w, id), "failed");
	assert_int_equal(world_signals(w, "subscribe", ROMEO), 1);
}

static void
test_recurrence_brings_nothing_until_start(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "2026-11-22 12:00", .repeat = "daily");
	world_advance(w, DAY_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
	romeo_says(w, "stop");
	world_forget(w);
	world_advance(w, 5 * DAY_MS);
	assert_int_equal(world_count(w, ROMEO), 0);
	assert_in_range(world_count(w, JULIET), 1, 5);
}

static void
test_now_does_not_send_it_either(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *id = world_schedule(w, .when = "in 1 hours", .offline = "server");
	romeo_says(w, "stop");
	world_forget(w);
	world_order(w, "now", id);
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_count(w, ROMEO), 0);
	DONE(w, "now", "id", world_schedule(w, .to = OTHER, .when = "in 1 hours"));
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_count(w, OTHER), 1);
}

/* A message that is on its way is settled as others are, and then is not sent again. */
static void
test_stop_between_two_attempts_ends_them(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *id = world_schedule(w, .when = "in 1 minutes", .offline = "server");
	w->pong = false;
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
	romeo_says(w, "stop");
	w->pong = true;
	world_cut(w);
	world_advance(w, 5 * MINUTE_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
	assert_string_equal(world_state(w, id), "failed");
}

/* -- What it does not concern --------------------------------------------------------------------------------------------------- */

static void
test_own_messages_and_notices_still_come(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_online(w, JULIET);
	world_chat(w, NULL, "stop");
	is_not_scheduled(w, world_im(.from = KITCHEN, .to = JULIET), JULIET);
	world_forget(w);
	/* To herself, as a reminder, and on and on. */
	world_says(world_chat(w, NULL, "remind in 1 minutes The cake is in the oven"), "Scheduled");
	world_schedule(w, .to = JULIET, .when = "in 2 minutes", .body = "To myself");
	world_schedule(w, .to = JULIET, .when = "2026-11-22 11:03:00", .repeat = "daily", .body = "Every day");
	world_advance(w, 4 * MINUTE_MS);
	assert_true(world_heard(w, JULIET, "The cake is in the oven", 0));
	assert_true(world_heard(w, JULIET, "To myself", 0));
	assert_true(world_heard(w, JULIET, "Every day", 0));
	/* She schedules as before, and is told of what she has scheduled. */
	world_forget(w);
	world_schedule(w, .when = "in 1 minutes", .offline = "server");
	const char *dropped = world_schedule(w, .when = "in 1 minutes", .offline = "drop");
	world_advance(w, 2 * MINUTE_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
	assert_int_equal(world_told(w, dropped), 1);
	world_says(world_chat(w, NULL, "list"), "Every day");
}

static void
test_stop_of_one_is_nobody_elses(void **state)
{
	static const char *const others[] = { OTHER, "romeo@example.com", "romeo@sub.example.net" };
	struct world *w = *state;

	begin_stopped(w);
	for (size_t i = 0; i < 3; i++)
		world_schedule(w, .to = others[i], .when = "in 1 minutes", .offline = "server");
	world_advance(w, 2 * MINUTE_MS);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(world_count(w, others[i]), 1);
}

static void
test_sms_is_not_concerned(void **state)
{
	struct world *w = *state;

	world_gateway(w, .info.name = "office");
	world_start(w);
	world_chat(w, NULL, "stop");
	romeo_says(w, "stop");
	world_schedule_sms(w, .when = "in 1 minutes");
	world_advance(w, 2 * MINUTE_MS);
	assert_int_equal(world_sms(w, PHONE), 1);
}

/* -- How long ------------------------------------------------------------------------------------------------------------------- */

static void
test_start_lets_what_waits_come(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "in 1 hours", .offline = "server");
	romeo_says(w, "stop");
	world_advance(w, 30 * MINUTE_MS);
	romeo_says(w, "start");
	world_advance(w, 31 * MINUTE_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
	assert_int_equal(world_count(w, JULIET), 0);
}

static void
test_stop_survives_a_restart_and_being_forgotten(void **state)
{
	struct world *w = *state;

	w->config.schedule.tick_ms = HOUR_MS;
	begin_stopped(w);
	world_chat(w, NULL, "stop");
	world_restart(w);
	is_not_scheduled(w, world_im(.when = "in 1 hours"), ROMEO);
	is_not_scheduled(w, world_im(.from = KITCHEN, .to = JULIET), JULIET);
	world_command(w, .node = "forget", .fields = { "confirm", "1" });
	world_advance(w, 5 * MINUTE_MS);
	is_not_scheduled(w, world_im(.from = KITCHEN, .to = JULIET), JULIET);
	world_advance(w, 40 * DAY_MS);
	world_restart(w);
	is_not_scheduled(w, world_im(.when = "in 1 hours"), ROMEO);
	is_not_scheduled(w, world_im(.from = KITCHEN, .to = JULIET), JULIET);
	world_chat(w, NULL, "start");
	romeo_says(w, "start");
	world_restart(w);
	world_schedule(w, .when = "in 1 hours");
	world_schedule(w, .from = KITCHEN, .to = JULIET, .when = "in 1 hours");
}

static int
teardown_with_room(void **state)
{
	world_disk_is_freed();
	return world_teardown(state);
}

static void
test_stop_that_cannot_be_stored_is_not_claimed(void **state)
{
	struct world *w = *state;
	size_t since;

	world_start(w);
	world_log_begin(w);
	world_disk_has(w, 0);
	since = w->nheard;
	world_line(w, .from = ORCHARD, .text = "stop");
	world_disk_is_freed();
	world_log_end(w);
	assert_null(strstr(world_said(w, ORCHARD, since), "Nothing more"));
	assert_int_equal(w->nheard, since + 1);
	world_advance(w, 2 * MINUTE_MS);
	world_schedule(w, .when = "in 1 hours");
	world_says(romeo_says(w, "stop"), "start");
	is_not_scheduled(w, world_im(.when = "in 1 hours"), ROMEO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_stranger_is_answered_to_stop_and_start),
		WORLD_TEST(test_bot_and_its_domain_both_listen),
		WORLD_TEST(test_other_lines_of_strangers_are_still_forbidden),
		WORLD_TEST(test_stranger_sees_and_runs_no_command),
		WORLD_TEST(test_stop_is_not_taken_from_machines),
		WORLD_TEST(test_answer_to_stop_that_is_echoed_starts_no_loop),
		WORLD_TEST(test_flood_of_stops_is_answered_with_measure),
		WORLD_TEST(test_server_that_makes_up_people_fills_no_store_and_stands_in_nobodys_way),
		WORLD_TEST(test_blocked_user_may_stop_what_is_sent_to_them),
		WORLD_TEST(test_nothing_is_scheduled_for_who_wants_nothing),
		WORLD_TEST(test_stage_that_comes_after_stop_is_refused),
		WORLD_TEST(test_edit_to_who_wants_nothing_is_refused),
		cmocka_unit_test(test_what_was_scheduled_before_fails_when_it_is_due_and_its_sender_is_told),
		WORLD_TEST(test_what_is_held_fails_and_the_view_is_given_back),
		WORLD_TEST(test_stop_is_an_answer_to_the_request_for_presence),
		WORLD_TEST(test_recurrence_brings_nothing_until_start),
		WORLD_TEST(test_now_does_not_send_it_either),
		WORLD_TEST(test_stop_between_two_attempts_ends_them),
		WORLD_TEST(test_own_messages_and_notices_still_come),
		WORLD_TEST(test_stop_of_one_is_nobody_elses),
		WORLD_TEST(test_sms_is_not_concerned),
		WORLD_TEST(test_start_lets_what_waits_come),
		WORLD_TEST(test_stop_survives_a_restart_and_being_forgotten),
		cmocka_unit_test_setup_teardown(test_stop_that_cannot_be_stored_is_not_claimed, world_setup, teardown_with_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
