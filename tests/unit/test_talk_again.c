#include "talk_world.h"

/* -- Corrections ------------------------------------------------------------------------------- */

static void
test_correction_cancels_what_was_scheduled(void **state)
{
	struct world *w = *state;

	says_to_id(w, "1", "", IM "Good mroning");
	assert_part(says_to_id(w, "2", "1", IM "Good morning"), "A1: cancelled");
	assert_part(buf_str(&w->said), "Scheduled A2");
	assert_int_equal(w->answers, 1);
	assert_true(w->service.cancelled[1]);
	assert_calls(w, "im:check im:do cancel:do im:check im:do ");
	/* Clients name the first version, or the one before. */
	assert_part(says_to_id(w, "3", "1", IM "Good morning!"), "Scheduled A3");
	assert_true(w->service.cancelled[2]);
	assert_part(says_to_id(w, "4", "3", IM "Good morning?"), "Scheduled A4");
	assert_part(says_to_id(w, "5", "1", IM "Good morning?"), "Scheduled A5");
	assert_true(w->service.cancelled[3] && w->service.cancelled[4]);
	/* The second version is neither. */
	assert_part(says_to_id(w, "6", "2", IM "Good evening"), "new line");
	assert_false(w->service.cancelled[5]);
}

static void
test_correction_that_comes_too_late_is_not_run(void **state)
{
	struct world *w = *state;

	says_to_id(w, "1", "", IM "Good mroning");
	w->service.left[1] = true;
	assert_part(says_to_id(w, "2", "1", IM "Good morning"), "already sent");
	assert_no_part(buf_str(&w->said), "Scheduled");
	assert_part(buf_str(&w->said), "new line");
	assert_int_equal(w->service.scheduled, 1);
	assert_part(says_to(w, IM "Good morning"), "Scheduled A2");
}

static void
test_correction_of_an_older_or_unknown_line_is_refused(void **state)
{
	struct world *w = *state;

	assert_part(says_to_id(w, "0", "nothing", "list"), "new line");
	says_to_id(w, "1", "", IM "one");
	says_to_id(w, "2", "", IM "two");
	assert_part(says_to_id(w, "3", "1", IM "three"), "Only your last line");
	assert_int_equal(w->service.scheduled, 2);
	assert_false(w->service.cancelled[1]);
	/* The last one still can be. */
	assert_part(says_to_id(w, "4", "2", IM "three"), "Scheduled A3");
	assert_true(w->service.cancelled[2]);
}

static void
test_line_without_an_id_cannot_be_corrected(void **state)
{
	struct world *w = *state;

	says_to(w, IM "one");
	assert_part(says_to(w, IM "two"), "Scheduled A2");
	assert_false(w->service.cancelled[1]);
}

static void
test_correction_of_a_mistyped_command_is_run(void **state)
{
	struct world *w = *state;

	assert_part(says_to_id(w, "1", "", "lsit"), "list");
	assert_string_equal(says_to_id(w, "2", "1", "list"), "list of " JULIET);
	/* What only shows something leaves nothing to take back. */
	assert_string_equal(says_to_id(w, "3", "1", "list"), "list of " JULIET);
}

static void
test_correction_of_a_line_that_asks_begins_anew(void **state)
{
	struct world *w = *state;

	says_to_id(w, "1", "", "sms noon " ROMEO " Lat");
	assert_part(says_to_id(w, "2", "1", "sms noon " ROMEO " Late"), "yes or no");
	assert_no_part(buf_str(&w->said), "dropped");
	says_to(w, "yes");
	assert_string_equal(buf_str(&w->service.last), "to=" ROMEO " when=noon body=Late");
	says_to_id(w, "3", "", "im noon " ROMEO);
	assert_string_equal(says_to_id(w, "4", "3", "list"), "list of " JULIET);
	assert_string_equal(says_to(w, "list"), "list of " JULIET);
}

static void
test_correction_of_an_answer_answers_the_former_question(void **state)
{
	struct world *w = *state;

	says_to(w, "im");
	says_to_id(w, "who", "", "nurse@example.net");
	assert_part(says_to_id(w, "who-2", "who", ROMEO), "When");
	says_to_id(w, "when", "", "past");
	assert_part(says_to_id(w, "when-2", "when", "noon"), "Message");
	assert_part(says_to_id(w, "body", "", "hi"), "Scheduled A1");
	/* An answer that completed it. */
	assert_part(says_to_id(w, "body-2", "body", "hello"), "Scheduled A2");
	assert_true(w->service.cancelled[1]);
	assert_string_equal(buf_str(&w->service.last), "to=" ROMEO " when=noon body=hello");
	/* And one that was wrong, while the same question is open. */
	says_to(w, "show");
	says_to_id(w, "id", "", "B7");
	assert_string_equal(says_to_id(w, "id-2", "id", "A1"), "A1 waits.");
}

static void
test_correction_of_yes_and_no(void **state)
{
	struct world *w = *state;

	says_to(w, "sms noon " ROMEO " hi");
	says_to_id(w, "1", "", "no");
	assert_part(says_to_id(w, "2", "1", "yes"), "Scheduled A1");
	assert_part(says_to_id(w, "3", "1", "no"), "A1: cancelled");
	assert_part(buf_str(&w->said), "Nothing was done.");
	assert_true(w->service.cancelled[1]);
}

static void
test_answer_that_cannot_be_taken_back_is_not_corrected(void **state)
{
	struct world *w = *state;

	says_to(w, "forget");
	says_to_id(w, "1", "", "yes");
	assert_part(says_to_id(w, "2", "1", "no"), "cannot be taken back");
	assert_calls(w, "forget:ask forget:check ");
}

static void
test_correction_says_what_stays_done(void **state)
{
	struct world *w = *state;

	says_to_id(w, "1", "", "settings zone UTC");
	assert_part(says_to_id(w, "2", "1", "settings zone Europe/Rome"), "stays done");
	assert_part(buf_str(&w->said), "Saved.");
	assert_string_equal(w->service.zone, "Europe/Rome");
}

/* The result of an edit names a message that was there before. */
static void
test_correction_of_an_edit_cancels_nothing(void **state)
{
	struct world *w = *state;

	says_to(w, IM "hi");
	says_to_id(w, "1", "", "edit A1 when fri 9:00");
	assert_part(says_to_id(w, "2", "1", "edit A1 when sat 9:00"), "Changed.");
	assert_false(w->service.cancelled[1]);
}

static void
test_correction_of_a_line_that_waits_is_queued(void **state)
{
	struct world *w = *state;

	w->service.later = 1;
	says_to_id(w, "1", "", IM "Good mroning");
	says_to_id(w, "2", "1", IM "Good morning");
	assert_int_equal(w->answers, 0);
	resume(w, 1);
	assert_int_equal(w->answers, 2);
	assert_true(w->service.cancelled[1]);
	assert_false(w->service.cancelled[2]);
}

/* -- Rate and bounds --------------------------------------------------------------------------- */

static enum talk_verdict
flood_with(struct world *w, const char *text)
{
	return write_line(w, BALCONY, (struct talk_line){ .text = span_of(text), .via = "t" });
}

static enum talk_verdict
flood(struct world *w)
{
	return flood_with(w, "list");
}

static void
test_rate_is_refused_once(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 30; i++)
		assert_string_equal(says_to(w, "list"), "list of " JULIET);
	assert_int_equal(flood(w), TALK_HEARD);
	assert_part(buf_str(&w->said), "faster");
	assert_part(buf_str(&w->said), "1 second");
	assert_string_equal(w->via, "t");
	for (int i = 0; i < 100; i++) {
		assert_int_equal(flood(w), TALK_IGNORED);
		assert_int_equal(w->answers, 0);
	}
	w->now += 999;
	assert_int_equal(flood(w), TALK_IGNORED);
	w->now++;
	assert_string_equal(says_to(w, "list"), "list of " JULIET);
	assert_int_equal(flood(w), TALK_HEARD);
	assert_part(buf_str(&w->said), "faster");
	assert_int_equal(flood(w), TALK_IGNORED);
	/* Others are not concerned. */
	write_line(w, ADMIN, (struct talk_line){ .text = SPAN("list") });
	assert_string_equal(buf_str(&w->said), "list of " ADMIN);
	w->now += 30 * SECOND_MS;
	for (int i = 0; i < 30; i++)
		assert_string_equal(says_to(w, "list"), "list of " JULIET);
}

/* One that takes its time, so that the rate does not end it.  How often it is answered. */
static unsigned
answers_to_a_machine(struct world *w, const char *beginning)
{
	struct buf line = { 0 };
	unsigned n = 0;

	for (buf_text(&line, beginning); n < 100; n++) {
		w->now += 5 * SECOND_MS;
		write_line(w, BALCONY, (struct talk_line){ .text = buf_as_span(&line) });
		if (w->answers == 0)
			break;
		buf_reset(&line);
		buf_span(&line, buf_as_span(&w->said));
	}
	buf_free(&line);
	return n;
}

static void
test_slow_machine_is_not_answered_for_ever(void **state)
{
	static const char *const beginnings[] = { "hello", "im", "show", "forget",
		"sms noon " ROMEO " hi", "im noon a@x, past", "help", "list" };
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
		assert_in_range(answers_to_a_machine(w, beginnings[i]), 1, 20);
		assert_int_equal(flood_with(w, "hello"), TALK_IGNORED);
		assert_int_equal(w->answers, 0);
		/* A person is heard again, and no question is open. */
		assert_string_equal(says_to(w, "list"), "list of " JULIET);
		assert_part(says_to(w, "hello"), "no command");
	}
}

static void
test_rate_counts_lines_of_all_clients(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 30; i++)
		flood(w);
	write_line(w, JULIET "/phone", (struct talk_line){ .text = SPAN("list") });
	assert_part(buf_str(&w->said), "faster");
}

static void
test_strangers_are_refused_and_not_remembered(void **state)
{
	const struct talk_line line = { .text = SPAN("list") };
	struct world *w = *state;

	for (int i = 0; i < 50; i++)
		assert_int_equal(write_line(w, "eve@evil.example/x", line), TALK_REFUSED);
	assert_int_equal(w->answers, 0);
	assert_string_equal(w->refusal.condition, "forbidden");
	assert_string_equal(w->refusal.error_type, "auth");
	assert_string_equal(buf_str(&w->refusal.note), "Only users of example.org.");
	assert_int_equal(talks_sweep(w->talks), 0);
	assert_calls(w, "");
	talks_failed(w->talks);
	assert_int_equal(w->answers, 0);
}

static void
test_blocked_user_is_refused_in_the_middle(void **state)
{
	struct world *w = *state;

	says_to(w, "im noon " ROMEO);
	w->service.blocked = true;
	assert_int_equal(flood(w), TALK_REFUSED);
	assert_string_equal(w->refusal.condition, "not-allowed");
	assert_calls(w, "im:check ");
}

static void
test_users_remembered_are_bounded(void **state)
{
	struct talk_bounds bounds = talk_bounds_default;
	struct world *w;
	char from[40];

	(void)state;
	bounds.total = 3;
	w = start(&bounds);
	says_to(w, "im noon " ROMEO);
	for (int i = 0; i < 2; i++) {
		snprintf(from, sizeof(from), "user%d@example.org", i);
		write_line(w, from, (struct talk_line){ .text = SPAN("list") });
	}
	/* Whoever was silent for longest gives way. */
	assert_part(says_to(w, " "), "Message");
	write_line(w, "user3@example.org", (struct talk_line){ .text = SPAN("list") });
	assert_int_equal(talks_sweep(w->talks), 3);
	assert_part(says_to(w, "hi"), "Scheduled");
	for (int i = 4; i < 7; i++) {
		snprintf(from, sizeof(from), "user%d@example.org", i);
		write_line(w, from, (struct talk_line){ .text = SPAN("list") });
	}
	assert_int_equal(talks_sweep(w->talks), 3);
	stop(w);
}

static void
test_who_waits_and_gives_way_is_told(void **state)
{
	struct talk_bounds bounds = talk_bounds_default;
	struct world *w;

	(void)state;
	bounds.total = 1;
	w = start(&bounds);
	w->service.later = 1;
	says_to(w, IM "hi");
	write_line(w, ADMIN, (struct talk_line){ .text = SPAN("list") });
	assert_int_equal(w->answers, 2);
	assert_part(buf_str(&w->said), "|I have too much to remember");
	assert_string_equal(w->to, BALCONY);
	assert_int_equal(timers_next(&w->timers), NEVER_MS);
	resume(w, 1);
	assert_int_equal(w->answers, 0);
	stop(w);
}

static void
test_bytes_remembered_are_bounded(void **state)
{
	struct talk_bounds bounds = talk_bounds_default;
	char *line = malloc(30000);
	struct world *w;
	char from[40];

	(void)state;
	assert_non_null(line);
	memset(line, 'x', 30000);
	line[29999] = '\0';
	memcpy(line, "sms noon " ROMEO " ", sizeof("sms noon " ROMEO " ") - 1);
	bounds.bytes = 300000;
	w = start(&bounds);
	for (int i = 0; i < 20; i++) {
		snprintf(from, sizeof(from), "user%d@example.org", i);
		write_line(w, from, (struct talk_line){ .text = span_of(line) });
		talks_committed(w->talks);
		assert_part(buf_str(&w->said), "yes or no");
	}
	assert_in_range(talks_sweep(w->talks), 5, 10);
	write_line(w, "user19@example.org", (struct talk_line){ .text = SPAN("yes") });
	assert_part(buf_str(&w->said), "Scheduled");
	write_line(w, "user0@example.org", (struct talk_line){ .text = SPAN("yes") });
	assert_part(buf_str(&w->said), "asked you nothing");
	/* What is answered is remembered no longer. */
	for (int i = 0; i < 200; i++) {
		w->now += SECOND_MS;
		says_to(w, "im noon " ROMEO);
		says_to(w, "hi");
	}
	write_line(w, "user18@example.org", (struct talk_line){ .text = SPAN("yes") });
	assert_part(buf_str(&w->said), "Scheduled");
	free(line);
	stop(w);
}

static void
test_zone_can_be_configured(void **state)
{
	struct world *w = *state;
	struct zone berlin;

	assert_int_equal(zone_find(&berlin, SPAN("Europe/Berlin")), RES_OK);
	talks_configure(w->talks, &berlin);
	assert_part(says_to(w, "im tomorrow 9:00 " ROMEO " hi"), "Scheduled");
	assert_string_equal(buf_str(&w->service.last), "to=" ROMEO " when=tomorrow 9:00 body=hi");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_correction_cancels_what_was_scheduled),
		TEST(test_correction_that_comes_too_late_is_not_run),
		TEST(test_correction_of_an_older_or_unknown_line_is_refused),
		TEST(test_line_without_an_id_cannot_be_corrected),
		TEST(test_correction_of_a_mistyped_command_is_run),
		TEST(test_correction_of_a_line_that_asks_begins_anew),
		TEST(test_correction_of_an_answer_answers_the_former_question),
		TEST(test_correction_of_yes_and_no),
		TEST(test_answer_that_cannot_be_taken_back_is_not_corrected),
		TEST(test_correction_says_what_stays_done),
		TEST(test_correction_of_an_edit_cancels_nothing),
		TEST(test_correction_of_a_line_that_waits_is_queued),
		TEST(test_rate_is_refused_once),
		TEST(test_slow_machine_is_not_answered_for_ever),
		TEST(test_rate_counts_lines_of_all_clients),
		TEST(test_strangers_are_refused_and_not_remembered),
		TEST(test_blocked_user_is_refused_in_the_middle),
		cmocka_unit_test(test_users_remembered_are_bounded),
		cmocka_unit_test(test_who_waits_and_gives_way_is_told),
		cmocka_unit_test(test_bytes_remembered_are_bounded),
		TEST(test_zone_can_be_configured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
