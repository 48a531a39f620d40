/* Messages that are changed more than once, or in one way after another. */
#include "world.h"

#define NURSE "nurse@example.net"
#define FIRST "2026-11-23 09:00"

static const char *
daily(struct world *w)
{
	return world_schedule(w, .when = FIRST, .body = "Good morning", .repeat = "daily");
}

static void
expect_done(struct world *w, const struct answer *a, const char *id)
{
	if (strcmp(a->status, "completed") != 0 || strcmp(a->note_type, "info") != 0)
		fail_msg("not edited: %s", world_text(w, a));
	assert_string_equal(world_field(w, a, "id"), id);
}

/* The n-th message left then, to them, with this text. */
static void
expect_heard(struct world *w, size_t n, const char *utc, const char *to, const char *body)
{
	if (n >= w->nheard)
		fail_msg("nothing leaves at %s", utc);
	assert_string_equal(w->heard[n].clock, world_clock_text(w, world_utc(utc)));
	assert_string_equal(w->heard[n].to, to);
	assert_string_equal(w->heard[n].body, body);
}

static void
test_text_of_this_one_stays_when_its_time_is_changed(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = daily(w);
	a = world_edit(w, "id", id, "body", "Good night");
	expect_done(w, &a, id);
	a = world_edit(w, "id", id);
	assert_string_equal(world_field(w, &a, "body"), "Good night");
	a = world_edit(w, "id", id, "when", "2026-11-23 21:00");
	expect_done(w, &a, id);
	world_advance_to(w, "2026-11-24T12:00:00Z");
	assert_int_equal(w->nheard, 2);
	expect_heard(w, 0, "2026-11-23T20:00:00Z", ROMEO, "Good night");
	expect_heard(w, 1, "2026-11-24T08:00:00Z", ROMEO, "Good morning");
}

static void
test_recipient_of_this_one_is_not_that_of_the_others(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = daily(w);
	a = world_edit(w, "id", id, "to", NURSE);
	expect_done(w, &a, id);
	a = world_edit(w, "id", id, "body", "Good night", "scope", "following");
	world_advance_to(w, "2026-11-25T12:00:00Z");
	assert_int_equal(world_count(w, NURSE), 1);
	assert_int_equal(world_count(w, ROMEO), 2);
}

static void
test_one_that_was_moved_forward_does_not_come_twice(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = daily(w);
	a = world_edit(w, "id", id, "when", "2026-11-23 08:00");
	expect_done(w, &a, id);
	a = world_edit(w, "id", id, "body", "Good night", "scope", "following");
	expect_done(w, &a, id);
	world_advance_to(w, "2026-11-24T12:00:00Z");
	assert_int_equal(w->nheard, 2);
	expect_heard(w, 0, "2026-11-23T07:00:00Z", ROMEO, "Good night");
	expect_heard(w, 1, "2026-11-24T08:00:00Z", ROMEO, "Good night");
}

static void
test_zone_of_this_one_is_not_that_of_the_others(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = daily(w);
	a = world_edit(w, "id", id, "when", "2026-11-23T10:30:00Z");
	expect_done(w, &a, id);
	a = world_edit(w, "id", id, "body", "Good night", "scope", "following");
	expect_done(w, &a, id);
	world_advance_to(w, "2026-11-24T12:00:00Z");
	assert_int_equal(w->nheard, 2);
	expect_heard(w, 0, "2026-11-23T10:30:00Z", ROMEO, "Good night");
	expect_heard(w, 1, "2026-11-24T08:00:00Z", ROMEO, "Good night");
}

static void
test_one_that_is_changed_still_gives_way_to_the_next(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	world_sql(w, "INSERT INTO contact (jid, state, changed_at) VALUES ('" ROMEO "', 2, 1)");
	world_person(w, ROMEO)->probe = PROBE_OFFLINE;
	const char *id = world_schedule(w, .when = FIRST, .repeat = "daily", .offline = "hold");
	a = world_edit(w, "id", id, "body", "Good night");
	expect_done(w, &a, id);
	world_advance_to(w, "2026-11-24T12:00:00Z");
	assert_string_equal(world_state(w, id), "expired");
	assert_int_equal(world_due(w, world_waiting(w, ROMEO)), world_utc("2026-11-24T08:00:00Z"));
}

static void
test_paused_recurrence_that_ends_leaves_no_message_behind(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = daily(w);
	world_order(w, "pause", id);
	a = world_edit(w, "id", id, "repeat", "no", "scope", "following");
	expect_done(w, &a, id);
	world_advance_to(w, "2026-11-24T12:00:00Z");
	assert_string_equal(world_state(w, id), "sent");
}

static void
test_now_of_a_paused_one_sends_it(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = daily(w);
	world_order(w, "pause", id);
	world_advance_to(w, "2026-11-26T12:00:00Z");
	a = world_order(w, "now", id);
	assert_string_equal(a.note_type, "info");
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "sent");
	world_advance(w, 2 * DAY_MS);
	assert_int_equal(w->nheard, 1);
}

static void
test_following_on_one_changed_apart_asks(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = daily(w);
	a = world_edit(w, "id", id, "to", NURSE, "body", "For you");
	expect_done(w, &a, id);
	a = world_edit(w, "id", id, "expires", "2026-11-23 12:00", "scope", "following");
	assert_string_equal(a.status, "executing");
	assert_string_equal(a.note_type, "error");
	world_says(a.note, "apart");
	assert_string_equal(world_field(w, &a, "to"), NURSE);
	assert_string_equal(world_field(w, &a, "body"), "For you");
	assert_string_equal(world_field(w, &a, "scope"), "following");
	a = world_command(w, .node = "edit", .session = a.session, .fields = { "id", id, "scope", "following",
	    "to", ROMEO, "when", world_field(w, &a, "when"), "body", "For all", "repeat", "daily", "offline", "auto" });
	expect_done(w, &a, id);
	world_advance_to(w, "2026-11-24T12:00:00Z");
	assert_int_equal(w->nheard, 2);
	expect_heard(w, 0, "2026-11-23T08:00:00Z", ROMEO, "For all");
	expect_heard(w, 1, "2026-11-24T08:00:00Z", ROMEO, "For all");
}

static void
test_words_of_the_day_move_with_the_time(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = world_schedule(w, .when = FIRST, .body = "{date} {time}", .repeat = "daily");
	a = world_edit(w, "id", id, "when", "2026-11-23 21:00");
	expect_done(w, &a, id);
	a = world_edit(w, "id", id, "when", "2026-11-23 22:00");
	expect_done(w, &a, id);
	a = world_edit(w, "id", id, "offline", "server", "scope", "following");
	expect_done(w, &a, id);
	world_advance_to(w, "2026-11-25T12:00:00Z");
	assert_int_equal(w->nheard, 3);
	expect_heard(w, 0, "2026-11-23T21:00:00Z", ROMEO, "2026-11-23 22:00");
	expect_heard(w, 1, "2026-11-24T08:00:00Z", ROMEO, "2026-11-24 09:00");
}

static void
test_paused_until_its_time_has_passed_cannot_end_so(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = daily(w);
	world_order(w, "pause", id);
	a = world_edit(w, "id", id, "when", "2026-11-23 10:00");
	expect_done(w, &a, id);
	world_says(a.note, "paused");
	world_advance_to(w, "2026-11-24T12:00:00Z");
	a = world_edit(w, "id", id, "repeat", "no", "scope", "following");
	assert_string_equal(a.status, "executing");
	world_says(a.note, "write another one");
	a = world_edit(w, "id", id, "repeat", "no", "scope", "following", "when", "2026-11-25 09:00");
	expect_done(w, &a, id);
	world_advance_to(w, "2026-11-25T12:00:00Z");
	assert_string_equal(world_only(w, ROMEO)->clock, "2026-11-25T08:00:00.000Z");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_text_of_this_one_stays_when_its_time_is_changed),
		WORLD_TEST(test_recipient_of_this_one_is_not_that_of_the_others),
		WORLD_TEST(test_one_that_was_moved_forward_does_not_come_twice),
		WORLD_TEST(test_zone_of_this_one_is_not_that_of_the_others),
		WORLD_TEST(test_one_that_is_changed_still_gives_way_to_the_next),
		WORLD_TEST(test_paused_recurrence_that_ends_leaves_no_message_behind),
		WORLD_TEST(test_now_of_a_paused_one_sends_it),
		WORLD_TEST(test_following_on_one_changed_apart_asks),
		WORLD_TEST(test_words_of_the_day_move_with_the_time),
		WORLD_TEST(test_paused_until_its_time_has_passed_cannot_end_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
