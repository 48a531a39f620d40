/* Conversations with the bot that something interferes with: what takes time, a full disk, second thoughts. */
#include "chat.h"

static const char *
first_id(struct world *w)
{
	return world_with_ids(w, "#1");
}

static void
begin_with_gateway(struct world *w)
{
	world_gateway(w, .info.name = "office");
	world_start(w);
}

/* -- What takes time ------------------------------------------------------------------------------------------------------------ */

static void
test_lines_wait_while_the_clients_clock_is_asked(void **state)
{
	struct world *w = *state;
	size_t since;

	world_person(w, JULIET)->tzo = TZO_SILENCE;
	world_start(w);
	since = w->nheard;
	world_line(w, .text = "im 18:00 " ROMEO " Good morning");
	world_line(w, .text = "im 19:00 " ROMEO " Good evening");
	world_line(w, .text = "list");
	assert_int_equal(world_answers(w, BALCONY, since), 0);
	/* Somebody else does not wait. */
	world_says(world_chat(w, KITCHEN, "list"), "Nothing is waiting");
	world_advance(w, 5 * SECOND_MS);
	assert_int_equal(world_answers(w, BALCONY, since), 3);
	const char *said = world_said(w, BALCONY, since), *first = strstr(said, "18:00"), *second = strstr(said, "19:00");
	assert_true(first != NULL && second != NULL && first < second);
	world_says(second, "2 waiting");
	assert_int_equal(world_packets(w), 2);
}

static void
test_clients_clock_is_the_zone_of_a_line(void **state)
{
	struct world *w = *state;

	world_person(w, JULIET)->tzo = "-05:00";
	world_start(w);
	world_says(world_chat(w, NULL, "im 18:00 " ROMEO " Good morning"), "-05:00");
	assert_int_equal(world_due(w, first_id(w)), world_utc("2026-11-22T23:00:00Z"));
}

static void
test_lines_wait_while_media_are_fetched(void **state)
{
	struct world *w = *state;
	size_t since;

	world_start_with_mms(w);
	world_phone(w, LINK, .end = PHONE_WAITS);
	since = w->nheard;
	world_line(w, .text = "mms in 5 minutes " PHONE " Look! " LINK);
	world_line(w, .text = "yes");
	world_line(w, .text = "list");
	assert_int_equal(world_answers(w, BALCONY, since), 0);
	world_phone_end(w, 0, .status = 200, .type = "image/png", .body = SPAN(PNG));
	assert_int_equal(world_answers(w, BALCONY, since), 3);
	world_says(world_said(w, BALCONY, since), "Scheduled");
	world_says(world_said(w, BALCONY, since), "1 waiting");
	assert_int_equal(world_packets(w), 1);
}

static void
test_too_many_lines_that_wait_are_not_lost_in_silence(void **state)
{
	struct world *w = *state;
	size_t since;

	world_start_with_mms(w);
	world_phone(w, LINK, .end = PHONE_WAITS);
	since = w->nheard;
	world_line(w, .text = "mms in 5 minutes " PHONE " Look! " LINK);
	for (int i = 0; i < 25; i++)
		world_line(w, .text = "quota");
	size_t early = world_answers(w, BALCONY, since);
	assert_in_range(early, 1, 5);
	world_phone_end(w, 0, .status = 200, .type = "image/png", .body = SPAN(PNG));
	assert_in_range(world_answers(w, BALCONY, since), early + 21, 26);
}

static void
test_lines_that_wait_are_answered_on_the_next_stream(void **state)
{
	struct world *w = *state;

	world_start_with_mms(w);
	world_phone(w, LINK, .end = PHONE_WAITS);
	world_line(w, .text = "mms in 5 minutes " PHONE " Look! " LINK);
	world_line(w, .text = "im in 5 minutes " ROMEO " Good morning");
	world_cut(w);
	world_advance(w, 30 * SECOND_MS);
	world_phone_end(w, 0, .status = 200, .type = "image/png", .body = SPAN(PNG));
	world_advance(w, MINUTE_MS);
	assert_true(world_heard(w, BALCONY, "Answer yes or no", 0));
	assert_true(world_heard(w, BALCONY, "Scheduled", 0));
	assert_int_equal(world_packets(w), 1);
}

/* -- Trouble -------------------------------------------------------------------------------------------------------------------- */

static int
teardown_with_room(void **state)
{
	world_disk_is_freed();
	return world_teardown(state);
}

/* Without what it logs. */
static const char *
chat_on_a_full_disk(struct world *w, const char *line)
{
	size_t since = w->nheard;

	world_log_begin(w);
	world_disk_has(w, 0);
	world_line(w, .text = line);
	world_disk_is_freed();
	world_log_end(w);
	return world_said(w, BALCONY, since);
}

static void
test_turn_that_fails_is_told_and_nothing_is_stored(void **state)
{
	struct world *w = *state;
	const char *said;

	world_start(w);
	world_asks(w, "list", "Nothing is waiting");
	said = chat_on_a_full_disk(w, "im in 5 minutes " ROMEO " Good morning");
	assert_string_not_equal(said, "");
	assert_null(strstr(said, "Scheduled"));
	world_says(said, "again");
	world_advance(w, 2 * MINUTE_MS);
	assert_int_equal(world_packets(w), 0);
	world_says(world_chat(w, NULL, "im in 5 minutes " ROMEO " Good morning"), "Scheduled");
	world_advance(w, 10 * MINUTE_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
}

static void
test_question_that_a_failed_turn_answered_is_closed(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_asks(w, "im in 1 hours " ROMEO, "Message");
	assert_null(strstr(chat_on_a_full_disk(w, "Good morning"), "Scheduled"));
	world_advance(w, 2 * MINUTE_MS);
	world_asks(w, "list", "Nothing is waiting");
	assert_int_equal(world_packets(w), 0);
}

/* -- Corrections ---------------------------------------------------------------------------------------------------------------- */

/* A correction, and what is said to it. */
static const char *
correct(struct world *w, const char *replaces, const char *id, const char *text)
{
	size_t since = w->nheard;

	world_line(w, .replaces = replaces, .id = id, .text = text);
	return world_said(w, BALCONY, since);
}

static void
test_correction_takes_the_place_of_what_was_scheduled(void **state)
{
	struct world *w = *state;

	w->config.quota[KIND_IM] = (struct quota_limit){ 1, 1 };
	world_start(w);
	world_line(w, .id = "one", .text = "im in 5 minutes " ROMEO " Good mroning");
	world_says(correct(w, "one", "two", "im in 5 minutes " ROMEO " Good morning"), "Scheduled");
	assert_string_equal(world_state(w, first_id(w)), "cancelled");
	assert_int_equal(world_sql(w, "SELECT sum(count) FROM charge WHERE sender = '" JULIET "'"), 1);
	/* Clients name the first line in every correction, or the last one. */
	world_says(correct(w, "one", "three", "im in 6 minutes " ROMEO " Good morning, Romeo"), "Scheduled");
	world_says(correct(w, "three", "four", "im in 7 minutes " ROMEO " Good evening"), "Scheduled");
	world_advance(w, 10 * MINUTE_MS);
	assert_string_equal(world_only(w, ROMEO)->body, "Good evening");
	assert_string_equal(world_only(w, ROMEO)->clock, "2026-11-22T10:07:30.000Z");
}

static void
test_correction_that_comes_too_late_is_not_run(void **state)
{
	struct world *w = *state;
	const char *said;

	world_start(w);
	world_line(w, .id = "one", .text = "im in 5 seconds " ROMEO " Good mroning");
	world_advance(w, 10 * SECOND_MS);
	assert_string_equal(world_state(w, first_id(w)), "sent");
	said = correct(w, "one", "two", "im in 5 minutes " ROMEO " Good morning");
	assert_null(strstr(said, "Scheduled"));
	world_says(said, "sent");
	assert_int_equal(world_packets(w), 1);
}

static void
test_correction_of_an_older_line_is_refused(void **state)
{
	struct world *w = *state;
	const char *said;

	world_start(w);
	world_line(w, .id = "one", .text = "im in 5 minutes " ROMEO " Good morning");
	world_line(w, .id = "two", .text = "im in 6 minutes nurse@example.net Good night");
	said = correct(w, "one", "three", "im in 9 minutes " ROMEO " Good evening");
	assert_string_not_equal(said, "");
	assert_null(strstr(said, "Scheduled"));
	said = correct(w, "never", "four", "im in 9 minutes " ROMEO " Good evening");
	assert_null(strstr(said, "Scheduled"));
	assert_int_equal(world_packets(w), 2);
	world_advance(w, 10 * MINUTE_MS);
	assert_string_equal(world_only(w, ROMEO)->body, "Good morning");
}

static void
test_correction_of_somebody_elses_line_is_refused(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_line(w, .id = "one", .text = "im in 5 minutes " ROMEO " Good morning");
	world_line(w, .from = KITCHEN, .replaces = "one", .text = "im in 9 minutes " ROMEO " Good evening");
	assert_string_equal(world_state(w, first_id(w)), "scheduled");
	assert_int_equal(world_packets(w), 1);
}

static void
test_correction_of_a_line_that_scheduled_nothing_runs(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_line(w, .id = "one", .text = "imm in 5 minutes " ROMEO " Good morning");
	world_says(correct(w, "one", "two", "im in 5 minutes " ROMEO " Good morning"), "Scheduled");
	assert_int_equal(world_packets(w), 1);
}

static void
test_correction_takes_back_all_that_a_line_scheduled(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_line(w, .id = "one", .text = "im in 5 minutes " ROMEO ", nurse@example.net Good mroning");
	assert_int_equal(world_packets(w), 2);
	world_says(correct(w, "one", "two", "im in 5 minutes repeat=daily " ROMEO " Good morning"), "it repeats");
	world_says(correct(w, "one", "three", "im in 6 minutes " ROMEO " Good evening"), "Scheduled");
	assert_int_equal(world_sql(w, "SELECT count(*) FROM series"), 0);
	world_advance(w, 3 * DAY_MS);
	assert_string_equal(world_only(w, ROMEO)->body, "Good evening");
	assert_int_equal(world_count(w, "nurse@example.net"), 0);
}

static void
test_correction_of_yes_into_no_takes_it_back(void **state)
{
	struct world *w = *state;

	begin_with_gateway(w);
	world_asks(w, "sms in 2h " PHONE " Late, sorry", "yes");
	world_line(w, .id = "said", .text = "yes");
	assert_int_equal(world_packets(w), 1);
	correct(w, "said", "said-2", "no");
	assert_string_equal(world_state(w, first_id(w)), "cancelled");
	world_asks(w, "list", "Nothing is waiting");
	world_advance(w, 3 * HOUR_MS);
	assert_int_equal(w->phones.n, 0);
}

/* It cancels nothing by being corrected: what it named was there before. */
static void
test_correction_of_an_edit_does_not_cancel_what_was_edited(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *id = world_schedule(w, .when = "in 30 minutes");
	world_line(w, .id = "one", .text = arena_printf(&w->arena, "edit %s text Good evning", id));
	correct(w, "one", "two", arena_printf(&w->arena, "edit %s text Good evening", id));
	assert_string_equal(world_state(w, id), "scheduled");
	world_advance(w, HOUR_MS);
	assert_string_equal(world_only(w, ROMEO)->body, "Good evening");
}

/* The correction has failed as a whole: what it was to replace is still there. */
static void
test_correction_that_cannot_be_stored_cancels_nothing(void **state)
{
	struct world *w = *state;
	size_t since;

	world_start(w);
	world_line(w, .id = "one", .text = "im in 5 minutes " ROMEO " Good morning");
	since = w->nheard;
	world_log_begin(w);
	world_disk_has(w, 0);
	correct(w, "one", "two", "im in 5 minutes " ROMEO " Good evening");
	world_disk_is_freed();
	world_log_end(w);
	assert_null(strstr(world_said(w, BALCONY, since), "Scheduled"));
	world_advance(w, 10 * MINUTE_MS);
	assert_string_equal(world_only(w, ROMEO)->body, "Good morning");
}

static void
test_correction_of_an_answer_answers_anew(void **state)
{
	struct world *w = *state;

	begin_with_gateway(w);
	world_asks(w, "im", "To");
	world_line(w, .id = "who", .text = "romoe@example.net");
	world_says(correct(w, "who", "who-2", ROMEO), "When");
	world_asks(w, "in 5 minutes", "Message");
	world_says(world_chat(w, NULL, "Good morning"), "Scheduled");
	world_advance(w, 5 * MINUTE_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
	assert_int_equal(world_count(w, "romoe@example.net"), 0);
}

static void
test_correction_of_a_line_that_waits_for_yes_is_shown_and_asked_anew(void **state)
{
	struct world *w = *state;

	begin_with_gateway(w);
	world_line(w, .id = "one", .text = "sms in 2h " PHONE " Lat, sorry");
	world_says(correct(w, "one", "two", "sms in 2h " PHONE " Late, sorry"), "Late, sorry");
	assert_int_equal(world_packets(w), 0);
	world_says(world_chat(w, NULL, "yes"), "Scheduled");
	world_advance(w, 2 * HOUR_MS);
	assert_int_equal(world_sms(w, PHONE), 1);
	assert_string_equal(w->phones.v[0].body.p, "Late, sorry");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_lines_wait_while_the_clients_clock_is_asked),
		WORLD_TEST(test_clients_clock_is_the_zone_of_a_line),
		WORLD_TEST(test_lines_wait_while_media_are_fetched),
		WORLD_TEST(test_too_many_lines_that_wait_are_not_lost_in_silence),
		WORLD_TEST(test_lines_that_wait_are_answered_on_the_next_stream),
		cmocka_unit_test_setup_teardown(test_turn_that_fails_is_told_and_nothing_is_stored, world_setup, teardown_with_room),
		cmocka_unit_test_setup_teardown(test_question_that_a_failed_turn_answered_is_closed, world_setup, teardown_with_room),
		WORLD_TEST(test_correction_takes_the_place_of_what_was_scheduled),
		WORLD_TEST(test_correction_that_comes_too_late_is_not_run),
		WORLD_TEST(test_correction_of_an_older_line_is_refused),
		WORLD_TEST(test_correction_of_somebody_elses_line_is_refused),
		WORLD_TEST(test_correction_of_a_line_that_scheduled_nothing_runs),
		WORLD_TEST(test_correction_takes_back_all_that_a_line_scheduled),
		WORLD_TEST(test_correction_of_yes_into_no_takes_it_back),
		WORLD_TEST(test_correction_of_an_edit_does_not_cancel_what_was_edited),
		cmocka_unit_test_setup_teardown(test_correction_that_cannot_be_stored_cancels_nothing, world_setup, teardown_with_room),
		WORLD_TEST(test_correction_of_an_answer_answers_anew),
		WORLD_TEST(test_correction_of_a_line_that_waits_for_yes_is_shown_and_asked_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
