/* Recurrences that are written anew: this occurrence, or all from it on. */
#include "world.h"

#define NURSE "nurse@example.net"

static const char *
daily(struct world *w)
{
	return world_schedule(w, .when = "2026-11-23 09:00", .body = "Good morning", .repeat = "daily");
}

static void
expect_done(struct world *w, const struct answer *a, const char *id)
{
	if (strcmp(a->status, "completed") != 0 || strcmp(a->note_type, "info") != 0)
		fail_msg("not edited: %s", world_text(w, a));
	assert_string_equal(world_field(w, a, "id"), id);
}

static int64_t
series(struct world *w)
{
	return world_sql(w, "SELECT count(*) FROM series");
}

/* The n-th message left then, with this text. */
static void
expect_heard(struct world *w, size_t n, const char *utc, const char *body)
{
	if (n >= w->nheard)
		fail_msg("nothing leaves at %s", utc);
	assert_string_equal(w->heard[n].clock, world_clock_text(w, world_utc(utc)));
	assert_string_equal(w->heard[n].body, body);
}

static void
test_form_of_a_recurrence_has_its_rule_and_asks_how_far(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = daily(w);
	a = world_edit(w, "id", id);
	assert_string_equal(a.status, "executing");
	assert_string_equal(world_field(w, &a, "scope"), "this");
	assert_string_equal(world_field(w, &a, "repeat"), "daily");
	assert_string_equal(world_field(w, &a, "rrule"), "");
	id = world_schedule(w, .when = "2026-11-23 09:00", .rrule = "freq=hourly;interval=5", .body = "{date} {time}");
	a = world_edit(w, "id", id);
	assert_string_equal(world_field(w, &a, "repeat"), "no");
	world_says(world_field(w, &a, "rrule"), "FREQ=HOURLY;INTERVAL=5");
	assert_string_equal(world_field(w, &a, "body"), "{date} {time}");
}

static void
test_this_one_is_changed_and_the_others_are_not(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = daily(w);
	a = world_edit(w, "id", id, "body", "Good night", "when", "2026-11-23 21:00");
	expect_done(w, &a, id);
	assert_string_equal(world_field(w, &a, "due"), "2026-11-23T20:00:00Z");
	assert_int_equal(series(w), 1);
	world_advance_to(w, "2026-11-25T12:00:00Z");
	assert_int_equal(w->nheard, 3);
	expect_heard(w, 0, "2026-11-23T20:00:00Z", "Good night");
	expect_heard(w, 1, "2026-11-24T08:00:00Z", "Good morning");
	expect_heard(w, 2, "2026-11-25T08:00:00Z", "Good morning");
}

static void
test_recipient_of_this_one_alone(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = daily(w);
	a = world_edit(w, "id", id, "to", NURSE, "scope", "this");
	expect_done(w, &a, id);
	world_advance_to(w, "2026-11-24T12:00:00Z");
	assert_string_equal(world_only(w, NURSE)->clock, "2026-11-23T08:00:00.000Z");
	assert_string_equal(world_only(w, ROMEO)->clock, "2026-11-24T08:00:00.000Z");
}

/* An occurrence that is moved behind the one after it does not make it come twice. */
static void
test_this_one_may_be_moved_past_the_next(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = daily(w);
	a = world_edit(w, "id", id, "when", "2026-11-24 12:00", "scope", "this");
	expect_done(w, &a, id);
	world_advance_to(w, "2026-11-25T12:00:00Z");
	assert_in_range(w->nheard, 2, 3);
	expect_heard(w, w->nheard - 1, "2026-11-25T08:00:00Z", "Good morning");
	for (size_t i = 0; i < w->nheard; i++)
		for (size_t j = 0; j < i; j++)
			assert_true(w->heard[j].at != w->heard[i].at);
}

static void
test_text_of_all_that_follow(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = daily(w);
	world_advance_to(w, "2026-11-23T12:00:00Z");
	const char *second = world_waiting(w, ROMEO);
	a = world_edit(w, "id", second, "body", "Good night of {date}", "scope", "following");
	expect_done(w, &a, second);
	world_advance_to(w, "2026-11-25T12:00:00Z");
	assert_string_equal(w->heard[0].id, id);
	expect_heard(w, 0, "2026-11-23T08:00:00Z", "Good morning");
	expect_heard(w, 1, "2026-11-24T08:00:00Z", "Good night of 2026-11-24");
	expect_heard(w, 2, "2026-11-25T08:00:00Z", "Good night of 2026-11-25");
	assert_string_equal(w->heard[1].id, second);
}

static void
test_time_and_recipient_of_all_that_follow(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = daily(w);
	a = world_edit(w, "id", id, "when", "2026-11-24 21:30", "to", NURSE, "scope", "following");
	expect_done(w, &a, id);
	world_advance_to(w, "2026-11-26T23:00:00Z");
	assert_int_equal(world_count(w, ROMEO), 0);
	assert_int_equal(world_count(w, NURSE), 3);
	expect_heard(w, 0, "2026-11-24T20:30:00Z", "Good morning");
	expect_heard(w, 1, "2026-11-25T20:30:00Z", "Good morning");
	expect_heard(w, 2, "2026-11-26T20:30:00Z", "Good morning");
}

static void
test_rule_of_all_that_follow(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = daily(w);
	a = world_edit(w, "id", id, "repeat", "weekly", "scope", "following");
	expect_done(w, &a, id);
	world_advance_to(w, "2026-12-01T12:00:00Z");
	assert_int_equal(w->nheard, 2);
	expect_heard(w, 1, "2026-11-30T08:00:00Z", "Good morning");
	const char *third = world_waiting(w, ROMEO);
	a = world_edit(w, "id", third, "repeat", "no", "rrule", "FREQ=DAILY;COUNT=2", "scope", "following");
	expect_done(w, &a, third);
	world_advance_to(w, "2026-12-20T12:00:00Z");
	assert_int_equal(w->nheard, 4);
	expect_heard(w, 2, "2026-12-07T08:00:00Z", "Good morning");
	expect_heard(w, 3, "2026-12-08T08:00:00Z", "Good morning");
	assert_int_equal(series(w), 0);
}

static void
test_end_of_a_recurrence_leaves_this_one(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = daily(w);
	a = world_edit(w, "id", id, "repeat", "no", "scope", "following");
	expect_done(w, &a, id);
	assert_int_equal(series(w), 0);
	world_advance_to(w, "2026-11-26T12:00:00Z");
	assert_string_equal(world_only(w, ROMEO)->id, id);
	assert_string_equal(world_waiting(w, ROMEO), "");
	assert_int_equal(world_sql(w, "SELECT sum(count) FROM charge WHERE sender <> 'service'"), 1);
}

static void
test_single_message_becomes_a_recurrence(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = world_schedule(w, .when = "2026-11-23 09:00", .body = "{date}");
	a = world_edit(w, "id", id, "repeat", "daily");
	expect_done(w, &a, id);
	assert_int_equal(series(w), 1);
	world_advance_to(w, "2026-11-24T12:00:00Z");
	assert_int_equal(w->nheard, 2);
	expect_heard(w, 0, "2026-11-23T08:00:00Z", "2026-11-23");
	expect_heard(w, 1, "2026-11-24T08:00:00Z", "2026-11-24");
	assert_string_equal(w->heard[0].id, id);
	/* One charge an occurrence, whenever it was made. */
	assert_int_equal(world_sql(w, "SELECT sum(count) FROM charge WHERE sender <> 'service'"), 2);
}

static void
test_paused_one_stays_paused(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = daily(w);
	world_order(w, "pause", id);
	a = world_edit(w, "id", id, "body", "Good night", "scope", "following");
	expect_done(w, &a, id);
	world_advance_to(w, "2026-11-24T12:00:00Z");
	assert_int_equal(w->nheard, 0);
	world_order(w, "resume", id);
	world_advance_to(w, "2026-11-25T12:00:00Z");
	assert_int_equal(w->nheard, 1);
	expect_heard(w, 0, "2026-11-25T08:00:00Z", "Good night");
}

static void
test_wrong_scope_changes_nothing(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = daily(w);
	a = world_edit(w, "id", id, "body", "Good night", "scope", "all");
	assert_string_equal(a.status, "executing");
	assert_string_equal(a.note_type, "error");
	a = world_edit(w, "id", id, "repeat", "daily", "rrule", "FREQ=DAILY", "scope", "following");
	assert_string_equal(a.note_type, "error");
	a = world_edit(w, "id", id, "repeat", "no", "rrule", "FREQ=MINUTELY", "scope", "following");
	assert_string_equal(a.note_type, "error");
	world_advance_to(w, "2026-11-23T12:00:00Z");
	assert_string_equal(world_only(w, ROMEO)->body, "Good morning");
	assert_int_equal(series(w), 1);
}

static void
test_edit_of_an_earlier_occurrence_is_too_late(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = daily(w);
	world_advance_to(w, "2026-11-23T12:00:00Z");
	a = world_edit(w, "id", id, "body", "Good night", "scope", "following");
	assert_string_equal(a.note_type, "error");
	world_says(a.note, "already sent");
	world_advance_to(w, "2026-11-24T12:00:00Z");
	expect_heard(w, 1, "2026-11-24T08:00:00Z", "Good morning");
}

static void
test_edit_of_what_is_queued_charges_it_once(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = daily(w);
	world_advance_to(w, "2026-11-23T07:59:30Z");
	assert_string_equal(world_state(w, id), "queued");
	a = world_edit(w, "id", id, "body", "Good night");
	expect_done(w, &a, id);
	world_advance_to(w, "2026-11-23T08:00:00Z");
	assert_string_equal(world_only(w, ROMEO)->body, "Good night");
	assert_int_equal(world_sql(w, "SELECT sum(count) FROM charge WHERE sender <> 'service'"), 1);
	world_advance_to(w, "2026-11-24T12:00:00Z");
	expect_heard(w, 1, "2026-11-24T08:00:00Z", "Good morning");
	assert_int_equal(world_sql(w, "SELECT sum(count) FROM charge WHERE sender <> 'service'"), 2);
}

static void
test_edited_series_survives_a_crash(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *id = daily(w);
	world_edit(w, "id", id, "body", "Good night", "scope", "following", "when", "2026-11-23 21:00");
	world_restart(w);
	world_advance_to(w, "2026-11-24T23:00:00Z");
	assert_int_equal(w->nheard, 2);
	expect_heard(w, 0, "2026-11-23T20:00:00Z", "Good night");
	expect_heard(w, 1, "2026-11-24T20:00:00Z", "Good night");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_form_of_a_recurrence_has_its_rule_and_asks_how_far),
		WORLD_TEST(test_this_one_is_changed_and_the_others_are_not),
		WORLD_TEST(test_recipient_of_this_one_alone),
		WORLD_TEST(test_this_one_may_be_moved_past_the_next),
		WORLD_TEST(test_text_of_all_that_follow),
		WORLD_TEST(test_time_and_recipient_of_all_that_follow),
		WORLD_TEST(test_rule_of_all_that_follow),
		WORLD_TEST(test_end_of_a_recurrence_leaves_this_one),
		WORLD_TEST(test_single_message_becomes_a_recurrence),
		WORLD_TEST(test_paused_one_stays_paused),
		WORLD_TEST(test_wrong_scope_changes_nothing),
		WORLD_TEST(test_edit_of_an_earlier_occurrence_is_too_late),
		WORLD_TEST(test_edit_of_what_is_queued_charges_it_once),
		WORLD_TEST(test_edited_series_survives_a_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
