/* When messages leave: in their own second, never early, whatever the clock, the tick and outages do. */
#include "world.h"

static void
test_message_leaves_in_its_own_second(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "2026-11-22 11:05:17");
	world_advance_to(w, "2026-11-22T10:05:16Z");
	assert_int_equal(world_count(w, ROMEO), 0);
	world_advance(w, 999);
	assert_int_equal(world_count(w, ROMEO), 0);
	world_advance(w, 1);
	assert_string_equal(world_only(w, ROMEO)->clock, "2026-11-22T10:05:17.000Z");
}

static void
test_message_arrives_as_contract_says(void **state)
{
	struct world *w = *state;
	const struct heard *m;

	world_start(w);
	const char *id = world_schedule(w, .body = "Good <morning> & all that\n\nsecond line");
	world_advance(w, 5 * MINUTE_MS);
	m = world_only(w, ROMEO);
	assert_string_equal(m->id, id);
	assert_string_equal(m->origin_id, id);
	assert_string_equal(m->type, "chat");
	assert_string_equal(m->from, "juliet%example.org@" COMPONENT);
	assert_string_equal(m->nick, "juliet");
	assert_string_equal(m->ofrom, JULIET);
	assert_string_equal(m->body, "Good <morning> & all that\n\nsecond line");
	assert_string_equal(m->delay, "");
	assert_true(m->wants_receipt);
	assert_false(m->privileged);
	assert_string_equal(world_state(w, id), "sent");
	assert_int_equal(world_count(w, JULIET), 0);
}

static void
test_each_message_of_a_minute_leaves_in_its_own_second(void **state)
{
	struct world *w = *state;
	const char *ids[60];

	world_start(w);
	for (int i = 59; i >= 0; i--) {
		char when[32];

		snprintf(when, sizeof(when), "2026-11-22 11:10:%02d", i);
		ids[i] = world_schedule(w, .when = when);
	}
	world_advance_to(w, "2026-11-22T10:11:00Z");
	assert_int_equal(w->nheard, 60);
	for (int i = 0; i < 60; i++) {
		assert_string_equal(w->heard[i].id, ids[i]);
		assert_int_equal(w->heard[i].at, world_utc("2026-11-22T10:10:00Z") + i * 1000);
	}
}

static void
test_message_for_the_current_minute_is_not_missed(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "in 2 seconds");
	world_advance(w, 1999);
	assert_int_equal(world_count(w, ROMEO), 0);
	world_advance(w, 1);
	assert_string_equal(world_only(w, ROMEO)->clock, "2026-11-22T10:00:32.000Z");
}

static void
test_message_on_the_tick_leaves_on_the_tick(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "2026-11-22 11:02:00");
	world_advance_to(w, "2026-11-22T10:01:59Z");
	assert_int_equal(world_count(w, ROMEO), 0);
	world_advance(w, SECOND_MS);
	assert_string_equal(world_only(w, ROMEO)->clock, "2026-11-22T10:02:00.000Z");
}

static void
test_message_beyond_the_next_tick_stays_on_disk(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *id = world_schedule(w, .when = "2026-11-22 11:03:20");
	assert_string_equal(world_state(w, id), "scheduled");
	world_advance_to(w, "2026-11-22T10:02:59Z");
	assert_string_equal(world_state(w, id), "scheduled");
	world_advance_to(w, "2026-11-22T10:03:01Z");
	assert_string_equal(world_state(w, id), "queued");
	world_advance_to(w, "2026-11-22T10:03:20Z");
	assert_string_equal(world_only(w, ROMEO)->clock, "2026-11-22T10:03:20.000Z");
}

static void
test_longest_and_shortest_ticks_are_as_punctual(void **state)
{
	static const int64_t ticks[] = { SECOND_MS, HOUR_MS };
	struct world *w = *state;

	for (size_t i = 0; i < 2; i++) {
		w->config.schedule.tick_ms = ticks[i];
		world_start(w);
		world_schedule(w, .when = "in 90 minutes");
		int64_t due = w->wall + 90 * MINUTE_MS;
		world_advance(w, 2 * HOUR_MS);
		assert_int_equal(world_only(w, ROMEO)->at, due);
		world_forget(w);
		world_crash(w);
	}
}

static void
test_wall_clock_time_survives_the_change_to_summer_time(void **state)
{
	struct world *w = *state;

	w->wall = world_utc("2026-03-28T20:00:00Z");
	world_start(w);
	world_schedule(w, .when = "2026-03-29 09:00 Europe/Berlin");
	world_schedule(w, .to = "nurse@example.net", .when = "2026-03-29 01:59");
	world_schedule(w, .to = "tybalt@example.net", .when = "2026-03-29 03:00");
	world_advance(w, DAY_MS);
	assert_string_equal(world_only(w, ROMEO)->clock, "2026-03-29T07:00:00.000Z");
	assert_string_equal(world_only(w, "nurse@example.net")->clock, "2026-03-29T00:59:00.000Z");
	assert_string_equal(world_only(w, "tybalt@example.net")->clock, "2026-03-29T01:00:00.000Z");
}

static void
test_wall_clock_time_survives_the_change_to_winter_time(void **state)
{
	struct world *w = *state;
	struct answer a;

	w->wall = world_utc("2026-10-24T10:00:00Z");
	world_start(w);
	world_schedule(w, .when = "2026-10-25 09:00");
	a = world_ask(w, world_im(.to = "nurse@example.net", .when = "2026-10-25 02:30"));
	assert_non_null(strstr(a.note, "twice"));
	world_advance(w, DAY_MS);
	assert_string_equal(world_only(w, ROMEO)->clock, "2026-10-25T08:00:00.000Z");
	assert_string_equal(world_only(w, "nurse@example.net")->clock, "2026-10-25T00:30:00.000Z");
}

static void
test_clock_set_forward_past_due_sends_at_once(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "2026-11-22 12:00");
	world_advance(w, MINUTE_MS);
	world_jump(w, 2 * HOUR_MS);
	assert_string_equal(world_only(w, ROMEO)->delay, "2026-11-22T11:00:00Z");
}

static void
test_clock_set_forward_keeps_the_second_of_what_is_queued(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "2026-11-22 11:00:50");
	world_jump(w, 5 * SECOND_MS);
	world_advance(w, 14999);
	assert_int_equal(world_count(w, ROMEO), 0);
	world_advance(w, 1);
	assert_string_equal(world_only(w, ROMEO)->clock, "2026-11-22T10:00:50.000Z");
}

static void
test_clock_set_back_waits_for_the_due_time_again(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "2026-11-22 11:00:50");
	world_schedule(w, .to = "nurse@example.net", .when = "2026-11-22 11:05:00");
	world_advance_to(w, "2026-11-22T10:00:45Z");
	world_jump(w, -HOUR_MS);
	world_advance_to(w, "2026-11-22T10:00:49Z");
	assert_int_equal(w->nheard, 0);
	world_advance(w, SECOND_MS);
	assert_string_equal(world_only(w, ROMEO)->clock, "2026-11-22T10:00:50.000Z");
	world_advance_to(w, "2026-11-22T10:05:00Z");
	assert_string_equal(world_only(w, "nurse@example.net")->clock, "2026-11-22T10:05:00.000Z");
	assert_string_equal(world_only(w, ROMEO)->delay, "");
}

/* A suspended machine, or a kernel that does not tell: whatever happens next notices by the monotonic clock. */
static void
test_clock_set_unnoticed_is_found_at_the_next_turn(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "2026-11-22 13:00");
	w->wall += 2 * HOUR_MS;
	world_settle(w);
	assert_int_equal(world_count(w, ROMEO), 0);
	world_command(w, .node = "list");
	assert_int_equal(world_count(w, ROMEO), 1);
}

static void
test_message_due_while_the_server_was_away_is_late_and_says_so(void **state)
{
	struct world *w = *state;
	const struct heard *m;

	world_start(w);
	const char *id = world_schedule(w, .when = "2026-11-22 11:05:00");
	w->server_down = true;
	world_cut(w);
	world_advance(w, 2 * HOUR_MS);
	w->server_down = false;
	world_advance(w, 2 * MINUTE_MS);
	m = world_only(w, ROMEO);
	assert_string_equal(m->id, id);
	assert_string_equal(m->delay, "2026-11-22T10:05:00Z");
	assert_int_equal(world_count(w, JULIET), 0);
}

static void
test_message_due_while_we_were_down_is_late_and_says_so(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "2026-11-22 11:05:00");
	world_crash(w);
	world_advance(w, DAY_MS);
	world_start(w);
	assert_string_equal(world_only(w, ROMEO)->delay, "2026-11-22T10:05:00Z");
}

static void
test_message_beyond_the_late_limit_expires_with_a_notice(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *late = world_schedule(w, .when = "2026-11-22 11:05:00");
	const char *in_time = world_schedule(w, .to = "nurse@example.net", .when = "2026-11-22 11:05:01");
	world_crash(w);
	world_advance_to(w, "2026-11-23T10:05:01Z");
	world_start(w);
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_count(w, ROMEO), 0);
	assert_string_equal(world_state(w, late), "expired");
	assert_string_equal(world_state(w, in_time), "sent");
	assert_int_equal(world_count(w, JULIET), 1);
	assert_int_equal(world_told(w, late), 1);
	assert_int_equal(world_told(w, "too late"), 1);
}

static void
test_message_that_expired_while_we_were_down_is_not_sent(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *id = world_schedule(w, .when = "2026-11-22 11:05:00", .expires = "2026-11-22 11:30:00");
	world_schedule(w, .to = "nurse@example.net", .when = "2026-11-22 11:05:00", .expires = "2026-11-22 11:30:01");
	world_crash(w);
	world_advance_to(w, "2026-11-22T10:30:00Z");
	world_start(w);
	assert_string_equal(world_state(w, id), "expired");
	assert_int_equal(world_count(w, ROMEO), 0);
	assert_int_equal(world_count(w, "nurse@example.net"), 1);
	assert_int_equal(world_told(w, id), 1);
}

static void
test_late_limit_of_zero_still_lets_punctual_messages_leave(void **state)
{
	struct world *w = *state;

	w->config.schedule.late_limit_ms = 0;
	world_start(w);
	for (int i = 1; i < 10; i++) {
		char when[32];

		snprintf(when, sizeof(when), "in %d minutes", i);
		world_schedule(w, .when = when);
	}
	world_advance(w, 10 * MINUTE_MS);
	assert_int_equal(world_count(w, ROMEO), 9);
}

static void
test_late_limit_of_zero_expires_what_an_outage_kept_back(void **state)
{
	struct world *w = *state;

	w->config.schedule.late_limit_ms = 0;
	world_start(w);
	const char *before = world_schedule(w, .when = "2026-11-22 11:02:00");
	const char *during = world_schedule(w, .when = "2026-11-22 11:05:00");
	const char *after = world_schedule(w, .when = "2026-11-22 11:15:00");
	world_advance_to(w, "2026-11-22T10:04:00Z");
	w->server_down = true;
	world_cut(w);
	world_advance_to(w, "2026-11-22T10:10:00Z");
	w->server_down = false;
	world_advance_to(w, "2026-11-22T10:16:00Z");
	assert_string_equal(world_state(w, before), "sent");
	assert_string_equal(world_state(w, during), "expired");
	assert_string_equal(world_state(w, after), "sent");
	assert_int_equal(world_count(w, ROMEO), 2);
	assert_int_equal(world_count(w, JULIET), 1);
	assert_int_equal(world_told(w, during), 1);
	assert_int_equal(world_told(w, "too late"), 1);
}

/* It is late, but nobody was away. */
static void
test_late_limit_of_zero_bears_a_clock_that_is_set(void **state)
{
	struct world *w = *state;

	w->config.schedule.late_limit_ms = 0;
	world_start(w);
	const char *id = world_schedule(w, .when = "2026-11-22 12:00");
	world_advance(w, MINUTE_MS);
	world_jump(w, 2 * HOUR_MS);
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "expired");
	id = world_schedule(w, .to = "nurse@example.net", .when = "in 1 minutes");
	world_jump(w, -HOUR_MS);
	world_advance(w, 2 * HOUR_MS);
	assert_string_equal(world_state(w, id), "sent");
}

/* -- What was confirmed ----------------------------------------------------------------------- */

/* The due time of the only packet. */
static const char *
due_stored(struct world *w)
{
	return world_clock_text(w, world_sql(w, "SELECT due_at FROM packet"));
}

static const struct {
	const char *begins, *when, *back, *due;
} relative[] = {
	{ WORLD_BEGINS, "in 5 minutes", "2026-11-22 11:05:30 Europe/Berlin", "2026-11-22T10:05:30.000Z" },
	{ WORLD_BEGINS, "IN 570 SECONDS", "2026-11-22 11:10 Europe/Berlin", "2026-11-22T10:10:00.000Z" },
	{ WORLD_BEGINS, "in 2 days UTC", "2026-11-24 10:00:30 UTC", "2026-11-24T10:00:30.000Z" },
	/* The second pass through the doubled hour has no name of its own. */
	{ "2026-10-25T00:00:00Z", "in 90 minutes", "2026-10-25T01:30:00Z",
	    "2026-10-25T01:30:00.000Z" },
};

#define NRELATIVE (sizeof(relative) / sizeof(relative[0]))

static void
test_what_was_confirmed_is_what_is_scheduled_however_long_it_took(void **state)
{
	(void)state;
	for (size_t i = 0; i < NRELATIVE; i++) {
		struct world *w;
		struct ask filled = world_im(.when = relative[i].when);
		struct answer a;

		world_setup((void **)&w);
		w->wall = world_utc(relative[i].begins);
		world_start(w);
		filled.action = "next";
		a = world_ask(w, filled);
		world_advance(w, 4 * MINUTE_MS);
		a = world_command(w, .node = "im", .session = a.session, .action = "complete");
		assert_string_equal(a.status, "completed");
		assert_string_equal(due_stored(w), relative[i].due);
		world_teardown((void **)&w);
	}
}

static void
test_prev_shows_a_time_that_means_the_same_instant(void **state)
{
	(void)state;
	for (size_t i = 0; i < NRELATIVE; i++) {
		struct world *w;
		struct ask filled = world_im(.when = relative[i].when);
		struct answer a;

		world_setup((void **)&w);
		w->wall = world_utc(relative[i].begins);
		world_start(w);
		filled.action = "next";
		a = world_ask(w, filled);
		world_advance(w, 2 * MINUTE_MS);
		a = world_command(w, .node = "im", .session = a.session, .action = "prev");
		assert_string_equal(world_field(w, &a, "when"), relative[i].back);
		world_advance(w, 2 * MINUTE_MS);
		filled = world_im(.when = world_field(w, &a, "when"));
		filled.session = a.session;
		assert_string_equal(world_ask(w, filled).status, "completed");
		assert_string_equal(due_stored(w), relative[i].due);
		world_teardown((void **)&w);
	}
}

static void
test_expiry_that_was_confirmed_is_kept_however_long_it_took(void **state)
{
	struct world *w = *state;
	struct ask filled = world_im(.when = "in 5 minutes", .expires = "in 10 minutes");
	struct answer a;

	world_start(w);
	filled.action = "next";
	a = world_ask(w, filled);
	assert_non_null(strstr(world_field(w, &a, "expires"), "2026-11-22 11:10:30"));
	world_advance(w, 2 * MINUTE_MS);
	a = world_command(w, .node = "im", .session = a.session, .action = "prev");
	assert_string_equal(world_field(w, &a, "expires"), "2026-11-22 11:10:30 Europe/Berlin");
	filled = world_im(
	    .when = world_field(w, &a, "when"), .expires = world_field(w, &a, "expires"));
	filled.session = a.session;
	filled.action = "next";
	a = world_ask(w, filled);
	world_advance(w, 2 * MINUTE_MS);
	a = world_command(w, .node = "im", .session = a.session, .action = "complete");
	assert_string_equal(a.status, "completed");
	assert_int_equal(
	    world_sql(w, "SELECT expires_at FROM packet"), world_utc("2026-11-22T10:10:30Z"));
}

static void
test_expiry_left_empty_stays_empty(void **state)
{
	struct world *w = *state;
	struct ask filled = world_im(.when = "in 5 minutes");
	struct answer a;

	world_start(w);
	filled.action = "next";
	a = world_ask(w, filled);
	a = world_command(w, .node = "im", .session = a.session, .action = "prev");
	assert_string_equal(world_field(w, &a, "expires"), "");
}

/* -- What left, and was not heard of again ---------------------------------------------------- */

static void
test_notice_of_what_left_before_an_outage_says_so(void **state)
{
	static const struct im ims[] = {
		{ .when = "2026-11-22 11:05:00" },
		{ .when = "2026-11-22 11:05:00", .expires = "2026-11-22 12:00" },
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct world *w;
		bool crash = i & 1;

		world_setup((void **)&w);
		world_start(w);
		const char *left = world_schedule_im(w, ims[i / 2]);
		struct im not_left = ims[i / 2];
		not_left.to = "nurse@example.net";
		not_left.when = "2026-11-22 11:05:01";
		const char *kept = world_schedule_im(w, not_left);
		w->pong = false;
		world_advance_to(w, "2026-11-22T10:05:00Z");
		assert_string_equal(world_state(w, left), "in flight");
		w->server_down = true;
		if (crash)
			world_crash(w);
		else
			world_cut(w);
		world_advance(w, 2 * DAY_MS);
		w->server_down = false;
		w->pong = true;
		if (crash)
			world_start(w);
		world_advance(w, 5 * MINUTE_MS);
		assert_string_equal(world_state(w, left), "expired");
		assert_string_equal(world_state(w, kept), "expired");
		assert_int_equal(world_count(w, ROMEO), 1);
		assert_int_equal(world_count(w, "nurse@example.net"), 0);
		assert_int_equal(world_count(w, JULIET), 2);
		assert_int_equal(world_told(w, "whether it arrived is not known"), 1);
		for (size_t j = 0; j < w->nheard; j++)
			if (strstr(w->heard[j].body, "whether it arrived") != NULL)
				assert_non_null(strstr(w->heard[j].body, left));
		world_teardown((void **)&w);
	}
}

/* What its recipient or the server sent back has not arrived, and neither has what only waited. */
static void
test_expiry_of_what_is_held_knows_whether_it_had_left(void **state)
{
	static const struct im ims[] = {
		{ .to = ROMEO, .offline = "hold" },
		{ .to = "nurse@example.net", .offline = "auto" },
		{ .to = "tybalt@example.net", .offline = "hold" },
	};
	struct world *w = *state;
	const char *ids[3];

	world_start(w);
	world_sql(w, "INSERT INTO contact (jid, state, changed_at) VALUES ('" ROMEO "', 2, 1)");
	world_person(w, ROMEO)->probe = PROBE_ONLINE;
	world_person(w, "nurse@example.net")->bounce = "service-unavailable";
	world_person(w, "nurse@example.net")->bounce_type = "cancel";
	for (size_t i = 0; i < 3; i++) {
		struct im im = ims[i];

		im.when = "2026-11-22 11:05:00";
		im.expires = "2026-11-22 12:00";
		ids[i] = world_schedule_im(w, im);
	}
	w->pong = false;
	world_advance_to(w, "2026-11-22T10:05:00Z");
	assert_string_equal(world_state(w, ids[0]), "in flight");
	w->pong = true;
	world_person(w, ROMEO)->probe = PROBE_OFFLINE;
	world_cut(w);
	world_advance_to(w, "2026-11-22T10:06:00Z");
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(world_state(w, ids[i]), "held");
	world_forget(w);
	world_advance_to(w, "2026-11-22T11:00:10Z");
	assert_int_equal(world_told(w, "expired"), 3);
	for (size_t i = 0; i < w->nheard; i++)
		if (strstr(w->heard[i].body, "expired") != NULL) {
			bool unsure = strstr(w->heard[i].body, "whether it arrived") != NULL;

			assert_true(unsure == (strstr(w->heard[i].body, ids[0]) != NULL));
		}
}

static void
test_drop_after_an_outage_knows_whether_it_had_left(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_sql(w, "INSERT INTO contact (jid, state, changed_at) VALUES ('" ROMEO "', 2, 1)");
	world_person(w, ROMEO)->probe = PROBE_ONLINE;
	world_schedule(w, .when = "2026-11-22 11:05:00", .offline = "drop");
	w->pong = false;
	world_advance_to(w, "2026-11-22T10:05:00Z");
	assert_int_equal(world_count(w, ROMEO), 1);
	w->pong = true;
	world_person(w, ROMEO)->probe = PROBE_OFFLINE;
	world_cut(w);
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
	assert_int_equal(world_told(w, "whether it arrived is not known"), 1);
	assert_int_equal(world_count(w, JULIET), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_message_leaves_in_its_own_second),
		WORLD_TEST(test_message_arrives_as_contract_says),
		WORLD_TEST(test_each_message_of_a_minute_leaves_in_its_own_second),
		WORLD_TEST(test_message_for_the_current_minute_is_not_missed),
		WORLD_TEST(test_message_on_the_tick_leaves_on_the_tick),
		WORLD_TEST(test_message_beyond_the_next_tick_stays_on_disk),
		WORLD_TEST(test_longest_and_shortest_ticks_are_as_punctual),
		WORLD_TEST(test_wall_clock_time_survives_the_change_to_summer_time),
		WORLD_TEST(test_wall_clock_time_survives_the_change_to_winter_time),
		WORLD_TEST(test_clock_set_forward_past_due_sends_at_once),
		WORLD_TEST(test_clock_set_forward_keeps_the_second_of_what_is_queued),
		WORLD_TEST(test_clock_set_back_waits_for_the_due_time_again),
		WORLD_TEST(test_clock_set_unnoticed_is_found_at_the_next_turn),
		WORLD_TEST(test_message_due_while_the_server_was_away_is_late_and_says_so),
		WORLD_TEST(test_message_due_while_we_were_down_is_late_and_says_so),
		WORLD_TEST(test_message_beyond_the_late_limit_expires_with_a_notice),
		WORLD_TEST(test_message_that_expired_while_we_were_down_is_not_sent),
		WORLD_TEST(test_late_limit_of_zero_still_lets_punctual_messages_leave),
		WORLD_TEST(test_expiry_of_what_is_held_knows_whether_it_had_left),
		WORLD_TEST(test_drop_after_an_outage_knows_whether_it_had_left),
		WORLD_TEST(test_late_limit_of_zero_expires_what_an_outage_kept_back),
		WORLD_TEST(test_late_limit_of_zero_bears_a_clock_that_is_set),
		cmocka_unit_test(test_what_was_confirmed_is_what_is_scheduled_however_long_it_took),
		cmocka_unit_test(test_prev_shows_a_time_that_means_the_same_instant),
		WORLD_TEST(test_expiry_that_was_confirmed_is_kept_however_long_it_took),
		WORLD_TEST(test_expiry_left_empty_stays_empty),
		cmocka_unit_test(test_notice_of_what_left_before_an_outage_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
