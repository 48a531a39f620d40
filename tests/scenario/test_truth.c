/* What really became of a message: receipts, what comes back late, and recipients who refuse, block, or are cut off. */
#include "core/ports.h"
#include "replies.h"

#define LOCAL "nurse@example.org"

/* Romeo lets us see his presence. */
static void
see_romeo(struct world *w, enum answers_probe probe)
{
	world_sql(w, "INSERT INTO contact (jid, state, changed_at) VALUES ('" ROMEO "', %d, 1)", (int)CONTACT_GRANTED);
	world_person(w, ROMEO)->probe = probe;
}

static const char *
send_one(struct world *w, const char *offline)
{
	const char *id = world_schedule(w, .when = "in 1 minutes", .offline = offline);

	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "sent");
	return id;
}

static void
set_notify(struct world *w, const char *notify)
{
	struct answer a = world_command(w, .node = "settings", .fields = { "notify", notify });

	assert_string_equal(a.status, "completed");
}

/* -- Receipts ------------------------------------------------------------------------------------------------------------------- */

static void
test_every_message_asks_for_a_receipt(void **state)
{
	static const enum server servers[] = { SERVER_PLAIN, SERVER_PROSODY, SERVER_EJABBERD };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct world *w;

		world_setup((void **)&w);
		w->server = servers[i];
		world_start(w);
		const char *id = send_one(w, "server");
		assert_true(world_only(w, ROMEO)->wants_receipt);
		assert_string_equal(world_only(w, ROMEO)->origin_id, id);
		assert_int_equal(world_only(w, ROMEO)->privileged, i > 0);
		world_teardown((void **)&w);
	}
}

static const struct {
	const char *notify;
	size_t sent, delivered;
} wishes[] = { { "failure", 0, 0 }, { "sent", 1, 0 }, { "delivered", 1, 1 } };

static void
test_receipt_is_told_to_who_wants_to_know(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct world *w;

		world_setup((void **)&w);
		world_start(w);
		set_notify(w, wishes[i].notify);
		const char *id = send_one(w, "server");
		world_advance(w, 5 * SECOND_MS);
		assert_int_equal(world_told(w, "was sent"), wishes[i].sent);
		world_receipt(w, world_only(w, ROMEO));
		world_receipt(w, world_only(w, ROMEO));
		world_advance(w, 5 * SECOND_MS);
		assert_string_equal(world_state(w, id), "delivered");
		assert_int_equal(world_told(w, "was delivered"), wishes[i].delivered);
		assert_int_equal(world_told(w, id), wishes[i].sent + wishes[i].delivered);
		assert_int_equal(world_count(w, JULIET), wishes[i].sent + wishes[i].delivered);
		world_teardown((void **)&w);
	}
}

static const struct {
	const char *from, *to;
	bool counts;
} speakers[] = {
	{ "mallory@example.net/x", TO_JULIET, false },
	{ "romeo@example.com", TO_JULIET, false },
	{ "romeo@example.net.evil.com", TO_JULIET, false },
	{ BALCONY, TO_JULIET, false },
	{ DESK, BOT, false },
	{ TO_ROMEO, TO_JULIET, false },
	{ ROMEO, TO_JULIET, true },
	{ ROMEO "/another", TO_JULIET, true },
	{ "Romeo@Example.NET/x", TO_JULIET, true },
	{ ORCHARD, BOT, true },
};

static void
test_receipt_counts_from_the_recipient_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(speakers) / sizeof(speakers[0]); i++) {
		struct world *w;

		world_setup((void **)&w);
		world_start(w);
		const char *id = send_one(w, "server");
		world_forget(w);
		world_line(w, .from = speakers[i].from, .to = speakers[i].to,
		    .extra = arena_printf(&w->arena, "<received xmlns='urn:xmpp:receipts' id='%s'/>", id));
		if ((strcmp(world_state(w, id), "delivered") == 0) != speakers[i].counts)
			fail_msg("from %s: %s", speakers[i].from, world_state(w, id));
		assert_int_equal(world_count(w, JULIET), 0);
		world_teardown((void **)&w);
	}
}

static void
test_receipt_for_what_has_not_left_says_nothing(void **state)
{
	struct world *w = *state;

	world_start(w);
	see_romeo(w, PROBE_OFFLINE);
	const char *scheduled = world_schedule(w, .when = "in 5 hours");
	const char *held = world_schedule(w, .when = "in 1 minutes");
	world_advance(w, 2 * MINUTE_MS);
	for (size_t i = 0; i < 2; i++)
		world_line(w, .from = ORCHARD, .to = TO_JULIET,
		    .extra = arena_printf(&w->arena, "<received xmlns='urn:xmpp:receipts' id='%s'/>", i == 0 ? scheduled : held));
	assert_string_equal(world_state(w, scheduled), "scheduled");
	assert_string_equal(world_state(w, held), "held");
}

static void
test_receipt_days_later_counts(void **state)
{
	struct world *w = *state;

	w->config.schedule.tick_ms = HOUR_MS;
	world_start(w);
	const char *id = send_one(w, "server");
	world_advance(w, 20 * DAY_MS);
	world_restart(w);
	world_receipt(w, world_only(w, ROMEO));
	assert_string_equal(world_state(w, id), "delivered");
}

/* A dead session answered for them; their other client acknowledges what was sent again. */
static void
test_receipt_after_a_bounce_counts(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *id = send_one(w, "auto");
	world_bounce(w, world_only(w, ROMEO), "service-unavailable", "cancel");
	assert_string_equal(world_state(w, id), "held");
	world_advance(w, 5 * MINUTE_MS);
	assert_string_equal(world_state(w, id), "sent");
	world_receipt(w, &w->heard[w->nheard - 1]);
	assert_string_equal(world_state(w, id), "delivered");
	world_advance(w, DAY_MS);
	assert_int_equal(world_count(w, ROMEO), 2);
}

/* -- What comes back late ------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *offline, *condition, *state, *words;
} late[] = {
	{ "auto", "service-unavailable", "held", "not online" },
	{ "auto", "recipient-unavailable", "held", "not online" },
	{ "hold", "service-unavailable", "held", "not online" },
	{ "hold", "recipient-unavailable", "held", "not online" },
	{ "server", "service-unavailable", "failed", "no such address" },
	{ "server", "item-not-found", "failed", "no such address" },
	{ "drop", "recipient-unavailable", "failed", "not online" },
	{ "auto", "item-not-found", "failed", "no such address" },
	{ "hold", "not-acceptable", "failed", "does not accept" },
	{ "auto", "remote-server-timeout", "held", "does not answer" },
};

#define NLATE (sizeof(late) / sizeof(late[0]))

static void
comes_back(size_t i, int64_t ms, bool counts)
{
	const int64_t gone_ms = MINUTE_MS + ms;
	struct world *w;
	const char *state;

	world_setup((void **)&w);
	world_start(w);
	see_romeo(w, PROBE_ONLINE);
	world_person(w, ROMEO)->bounce = late[i].condition;
	world_person(w, ROMEO)->bounce_type = "cancel";
	world_person(w, ROMEO)->bounce_ms = ms;
	const char *id = world_schedule(w, .when = "in 1 minutes", .offline = late[i].offline);
	world_advance(w, gone_ms - 1);
	assert_string_equal(world_state(w, id), "sent");
	world_advance(w, 1);
	state = counts ? late[i].state : "sent";
	if (strcmp(world_state(w, id), state) != 0)
		fail_msg("%s, %s after %d s: is %s", late[i].offline, late[i].condition, (int)(ms / SECOND_MS), world_state(w, id));
	world_advance(w, 5 * SECOND_MS);
	assert_int_equal(world_count(w, JULIET), counts);
	assert_int_equal(world_told(w, id), counts);
	assert_int_equal(world_told(w, late[i].words), counts);
	world_teardown((void **)&w);
}

static void
test_what_comes_back_within_ten_minutes_is_held_or_fails_in_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < NLATE; i++) {
		comes_back(i, 90 * SECOND_MS, true);
		comes_back(i, 10 * MINUTE_MS - SECOND_MS, true);
	}
}

static void
test_what_comes_back_much_later_is_about_something_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < NLATE; i++)
		comes_back(i, 31 * MINUTE_MS, false);
}

static void
test_what_comes_back_after_a_restart_or_a_new_stream_counts(void **state)
{
	static void (*const accidents[])(struct world *w) = { world_cut, world_restart };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct world *w;

		world_setup((void **)&w);
		world_start(w);
		const char *id = send_one(w, "auto");
		accidents[i](w);
		world_advance(w, 2 * MINUTE_MS);
		world_bounce(w, world_only(w, ROMEO), "service-unavailable", "cancel");
		assert_string_equal(world_state(w, id), "held");
		world_teardown((void **)&w);
	}
}

static void
test_second_error_for_one_message_changes_nothing(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *id = send_one(w, "auto");
	const struct heard *m = world_only(w, ROMEO);
	world_bounce(w, m, "service-unavailable", "cancel");
	world_bounce(w, m, "service-unavailable", "cancel");
	world_bounce(w, m, "item-not-found", "cancel");
	assert_string_equal(world_state(w, id), "held");
	world_advance(w, 10 * SECOND_MS);
	assert_int_equal(world_count(w, JULIET), 1);
}

/* Their session is dead, but nobody knows it yet: it is shown online, takes the message, and gives it back in the end. */
static void
test_message_to_a_dead_session_arrives_at_the_next_login(void **state)
{
	struct world *w = *state;
	const struct heard *m;

	world_start(w);
	see_romeo(w, PROBE_ONLINE);
	const char *id = send_one(w, "hold");
	m = world_only(w, ROMEO);
	world_advance(w, 9 * MINUTE_MS);
	/* The server gives the session up: what it held comes back, and presence ends, in whatever order. */
	world_offline(w, ROMEO);
	world_bounce(w, m, "recipient-unavailable", "wait");
	assert_string_equal(world_state(w, id), "held");
	world_advance(w, 3 * HOUR_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
	world_online(w, ROMEO);
	assert_int_equal(world_count(w, ROMEO), 2);
	m = &w->heard[w->nheard - 1];
	assert_string_equal(m->id, id);
	assert_string_equal(m->delay, "2026-11-22T10:01:30Z");
	world_receipt(w, m);
	assert_string_equal(world_state(w, id), "delivered");
}

/* -- Who has blocked us --------------------------------------------------------------------------------------------------------- */

static void
test_what_somebody_online_returns_five_times_fails_in_words(void **state)
{
	static const char *const choices[] = { "auto", "hold" };
	static const int64_t pauses[] = { 0, 90 * SECOND_MS };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct world *w;

		world_setup((void **)&w);
		world_start(w);
		see_romeo(w, PROBE_ONLINE);
		world_person(w, ROMEO)->bounce = "service-unavailable";
		world_person(w, ROMEO)->bounce_type = "cancel";
		world_person(w, ROMEO)->bounce_ms = pauses[i / 2];
		const char *id = world_schedule(w, .when = "in 1 minutes", .offline = choices[i % 2]);
		world_advance(w, DAY_MS);
		assert_string_equal(world_state(w, id), "failed");
		assert_int_equal(world_count(w, ROMEO), 5);
		for (size_t j = 0; j < w->nheard; j++)
			if (strcmp(w->heard[j].to, ROMEO) == 0)
				assert_string_equal(w->heard[j].id, id);
		/* That it is held, and that it has failed. */
		assert_int_equal(world_told(w, "blocked"), 1);
		assert_int_equal(world_count(w, JULIET), 2);
		world_teardown((void **)&w);
	}
}

static void
test_who_is_not_seen_is_tried_until_it_expires(void **state)
{
	struct world *w = *state;

	w->config.schedule.tick_ms = HOUR_MS;
	world_person(w, ROMEO)->bounce = "service-unavailable";
	world_person(w, ROMEO)->bounce_type = "cancel";
	world_start(w);
	const char *id = world_schedule(w, .when = "2026-11-22 12:00", .expires = "2026-11-24 12:00");
	world_advance_to(w, "2026-11-24T10:59:00Z");
	assert_string_equal(world_state(w, id), "held");
	assert_true(world_count(w, ROMEO) > 10);
	world_person(w, ROMEO)->bounce = NULL;
	world_advance(w, 2 * MINUTE_MS);
	assert_int_equal(world_told(w, "blocked"), 0);
}

/* Their server is gone, and nobody says that they are. */
static void
test_who_only_seems_online_is_probed_and_gets_it_when_they_are_back(void **state)
{
	struct world *w = *state;

	world_start(w);
	see_romeo(w, PROBE_ONLINE);
	world_schedule(w, .when = "in 1 minutes");
	world_advance(w, 2 * MINUTE_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
	world_person(w, ROMEO)->probe = PROBE_SILENCE;
	world_person(w, ROMEO)->bounce = "remote-server-timeout";
	world_person(w, ROMEO)->bounce_type = "wait";
	const char *id = world_schedule(w, .when = "in 1 minutes");
	world_advance(w, 75 * SECOND_MS);
	assert_string_equal(world_state(w, id), "held");
	assert_int_equal(world_count(w, ROMEO), 2);
	world_person(w, ROMEO)->bounce = NULL;
	world_online(w, ROMEO);
	assert_string_equal(world_state(w, id), "sent");
	assert_int_equal(world_count(w, ROMEO), 3);
}

static void
test_who_returns_it_now_and_then_gets_it_in_the_end(void **state)
{
	struct world *w = *state;

	world_start(w);
	see_romeo(w, PROBE_ONLINE);
	world_person(w, ROMEO)->bounce = "service-unavailable";
	world_person(w, ROMEO)->bounce_type = "cancel";
	const char *id = world_schedule(w, .when = "in 1 minutes");
	while (world_count(w, ROMEO) < 4)
		world_advance(w, SECOND_MS);
	world_person(w, ROMEO)->bounce = NULL;
	world_advance(w, DAY_MS);
	assert_string_equal(world_state(w, id), "sent");
	assert_int_equal(world_count(w, ROMEO), 5);
	assert_int_equal(world_told(w, "failed"), 0);
}

/* -- Who does not let us see them ----------------------------------------------------------------------------------------------- */

/* In what the sender has been told, and in the answer: the way out. */
static void
knows_the_way_out(struct world *w, const char *id)
{
	world_advance(w, 5 * SECOND_MS);
	if (world_told(w, arena_printf(&w->arena, "edit %s offline server", id)) != 1)
		fail_msg("the sender of %s is not told what to write", id);
}

static void
test_refusal_is_told_at_once_with_what_to_write(void **state)
{
	struct world *w = *state;

	world_person(w, ROMEO)->request = REQUEST_REFUSED;
	world_start(w);
	const char *id = world_schedule(w, .when = "in 1 minutes", .offline = "hold");
	world_advance(w, MINUTE_MS);
	knows_the_way_out(w, id);
	assert_string_equal(world_state(w, id), "held");
	world_forget(w);
	/* What it says works. */
	world_chat(w, NULL, arena_printf(&w->arena, "edit %s offline server", id));
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_only(w, ROMEO)->id, id);
	assert_string_equal(world_state(w, id), "sent");
}

static void
test_refusal_days_later_is_told_to_all_who_wait(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *mine = world_schedule(w, .when = "in 1 minutes", .offline = "hold");
	const char *other = world_schedule(w, .when = "in 2 minutes", .offline = "hold");
	world_schedule(w, .from = KITCHEN, .when = "in 2 minutes", .offline = "hold");
	world_advance(w, 3 * DAY_MS);
	world_forget(w);
	world_send(w, "<presence type='unsubscribed' from='" ROMEO "' to='" BOT "'/>");
	knows_the_way_out(w, mine);
	knows_the_way_out(w, other);
	assert_int_equal(world_count(w, LOCAL), 1);
	world_advance(w, 3 * DAY_MS);
	assert_int_equal(world_count(w, JULIET), 2);
	assert_int_equal(world_signals(w, "subscribe", ROMEO), 0);
}

static void
test_refusal_is_known_at_the_next_message(void **state)
{
	struct world *w = *state;
	struct ask filled;
	struct answer a;

	world_person(w, ROMEO)->request = REQUEST_REFUSED;
	world_start(w);
	world_schedule(w, .when = "in 1 minutes", .offline = "hold");
	world_advance(w, 2 * MINUTE_MS);
	world_forget(w);
	/* While it is written, ... */
	filled = world_im(.when = "in 1 minutes", .offline = "hold");
	filled.action = "next";
	a = world_ask(w, filled);
	world_says(world_text(w, &a), "refused");
	world_says(world_text(w, &a), "server");
	filled = world_im(.when = "in 1 minutes", .offline = "auto");
	filled.action = "next";
	a = world_ask(w, filled);
	assert_null(strstr(world_text(w, &a), "refused"));
	/* ... and when it is held. */
	const char *id = world_schedule(w, .when = "in 1 minutes", .offline = "hold");
	world_advance(w, MINUTE_MS);
	knows_the_way_out(w, id);
	assert_int_equal(world_signals(w, "subscribe", ROMEO), 0);
	assert_int_equal(world_count(w, JULIET), 1);
}

/* -- Our own absence ------------------------------------------------------------------------------------------------------------ */

#define MANY 20

/* The server is away from the first minute to the tenth; what is due in between comes afterwards. */
static void
test_after_an_outage_presence_is_asked_anew_and_the_order_kept(void **state)
{
	struct world *w = *state;
	const char *ids[MANY];
	size_t n = 0;

	world_start(w);
	see_romeo(w, PROBE_OFFLINE);
	for (int i = 0; i < MANY; i++)
		ids[i] = world_schedule(w, .when = arena_printf(&w->arena, "in %d seconds", 60 + 10 * i), .offline = "hold");
	world_advance(w, 2 * MINUTE_MS);
	assert_string_equal(world_state(w, ids[0]), "held");
	assert_int_equal(world_count(w, ROMEO), 0);
	w->server_down = true;
	world_cut(w);
	world_advance(w, 8 * MINUTE_MS);
	/* Nobody tells us that he has come meanwhile. */
	world_person(w, ROMEO)->probe = PROBE_ONLINE;
	world_forget(w);
	w->server_down = false;
	world_advance(w, 10 * MINUTE_MS);
	assert_int_equal(world_signals(w, "probe", ROMEO), 1);
	assert_int_equal(world_count(w, ROMEO), MANY);
	for (size_t i = 0; i < w->nheard; i++)
		if (strcmp(w->heard[i].to, ROMEO) == 0)
			assert_string_equal(w->heard[i].id, ids[n++]);
	assert_int_equal(world_count(w, JULIET), 0);
}

static void
test_what_was_on_its_way_comes_first_and_with_its_own_ids(void **state)
{
	static const char *const choices[] = { "auto", "server" };

	(void)state;
	for (size_t c = 0; c < 2; c++) {
		struct world *w;
		const char *ids[6];

		world_setup((void **)&w);
		world_start(w);
		for (int i = 0; i < 6; i++)
			ids[i] = world_schedule(w, .when = arena_printf(&w->arena, "in %d seconds", i < 3 ? 60 : 120 + i), .offline = choices[c]);
		w->pong = false;
		world_advance(w, MINUTE_MS);
		assert_int_equal(world_count(w, ROMEO), 3);
		w->server_down = true;
		world_cut(w);
		world_advance(w, 2 * MINUTE_MS);
		w->server_down = false;
		w->pong = true;
		world_advance(w, 5 * MINUTE_MS);
		assert_int_equal(world_count(w, ROMEO), 9);
		for (size_t i = 0; i < 9; i++) {
			if (i >= 3)
				assert_string_equal(w->heard[i].id, i < 6 ? w->heard[i - 3].id : ids[i - 3]);
			assert_string_equal(w->heard[i].origin_id, w->heard[i].id);
		}
		for (size_t i = 0; i < 6; i++)
			assert_string_equal(world_state(w, ids[i]), "sent");
		world_teardown((void **)&w);
	}
}

static void
test_presence_of_a_former_stream_is_not_believed(void **state)
{
	struct world *w = *state;

	world_start(w);
	see_romeo(w, PROBE_ONLINE);
	world_schedule(w, .when = "in 1 minutes");
	world_advance(w, 2 * MINUTE_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
	/* He leaves while we are away. */
	world_person(w, ROMEO)->probe = PROBE_OFFLINE;
	world_cut(w);
	world_advance(w, 5 * SECOND_MS);
	const char *id = world_schedule(w, .when = "in 1 minutes", .offline = "hold");
	world_advance(w, 2 * MINUTE_MS);
	assert_string_equal(world_state(w, id), "held");
	assert_int_equal(world_count(w, ROMEO), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_message_asks_for_a_receipt),
		cmocka_unit_test(test_receipt_is_told_to_who_wants_to_know),
		cmocka_unit_test(test_receipt_counts_from_the_recipient_alone),
		WORLD_TEST(test_receipt_for_what_has_not_left_says_nothing),
		WORLD_TEST(test_receipt_days_later_counts),
		WORLD_TEST(test_receipt_after_a_bounce_counts),
		cmocka_unit_test(test_what_comes_back_within_ten_minutes_is_held_or_fails_in_words),
		cmocka_unit_test(test_what_comes_back_much_later_is_about_something_else),
		cmocka_unit_test(test_what_comes_back_after_a_restart_or_a_new_stream_counts),
		WORLD_TEST(test_second_error_for_one_message_changes_nothing),
		WORLD_TEST(test_message_to_a_dead_session_arrives_at_the_next_login),
		cmocka_unit_test(test_what_somebody_online_returns_five_times_fails_in_words),
		WORLD_TEST(test_who_is_not_seen_is_tried_until_it_expires),
		WORLD_TEST(test_who_only_seems_online_is_probed_and_gets_it_when_they_are_back),
		WORLD_TEST(test_who_returns_it_now_and_then_gets_it_in_the_end),
		WORLD_TEST(test_refusal_is_told_at_once_with_what_to_write),
		WORLD_TEST(test_refusal_days_later_is_told_to_all_who_wait),
		WORLD_TEST(test_refusal_is_known_at_the_next_message),
		WORLD_TEST(test_after_an_outage_presence_is_asked_anew_and_the_order_kept),
		cmocka_unit_test(test_what_was_on_its_way_comes_first_and_with_its_own_ids),
		WORLD_TEST(test_presence_of_a_former_stream_is_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
