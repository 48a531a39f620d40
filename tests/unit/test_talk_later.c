#include "talk_world.h"

/* -- What takes time --------------------------------------------------------------------------- */

static void
test_line_that_takes_time_is_answered_when_it_is_resumed(void **state)
{
	struct world *w = *state;

	w->service.later = 1;
	says_to(w, IM "hi");
	assert_int_equal(w->answers, 0);
	resume(w, 7);
	assert_int_equal(w->answers, 0);
	resume(w, 1);
	assert_string_equal(buf_str(&w->said), "Scheduled A1 to " ROMEO ".");
	assert_string_equal(w->to, BALCONY);
	assert_string_equal(w->via, "t");
	assert_calls(w, "im:check im:check im:do ");
	resume(w, 1);
	assert_int_equal(w->answers, 0);
	assert_int_equal(timers_next(&w->timers), NEVER_MS);
}

static void
test_every_stage_can_take_time(void **state)
{
	struct world *w = *state;

	w->service.later = 1;
	says_to(w, "forget");
	resume(w, 1);
	assert_part(buf_str(&w->said), "yes or no");
	w->service.later = 1;
	says_to(w, "yes");
	resume(w, 2);
	assert_string_equal(buf_str(&w->said), "All is deleted.");
	says_to(w, "sms noon " ROMEO " hi");
	w->service.later = 1;
	says_to(w, "yes");
	resume(w, 3);
	assert_part(buf_str(&w->said), "Scheduled");
	assert_calls(w, "forget:ask forget:ask forget:check forget:check sms:check sms:do sms:do ");
}

static void
test_lines_wait_for_one_that_takes_time(void **state)
{
	struct world *w = *state;

	w->service.later = 1;
	says_to(w, "sms noon " ROMEO " hi");
	says_to(w, "yes");
	assert_int_equal(w->answers, 0);
	write_line(w, JULIET "/phone", (struct talk_line){ .text = SPAN("list"), .via = "p" });
	assert_int_equal(w->answers, 0);
	/* Others do not wait. */
	write_line(w, ADMIN, (struct talk_line){ .text = SPAN("list") });
	assert_int_equal(w->answers, 1);
	resume(w, 1);
	assert_int_equal(w->answers, 3);
	assert_string_equal(w->to, JULIET "/phone");
	assert_string_equal(w->via, "p");
	assert_part(buf_str(&w->said), "yes or no.|Scheduled A1 to " ROMEO ".|list of " JULIET);
}

static void
test_queued_line_may_take_time_as_well(void **state)
{
	struct world *w = *state;

	w->service.later = 2;
	says_to(w, IM "one");
	says_to(w, IM "two");
	says_to(w, "list");
	resume(w, 1);
	/* The same line is put off again. */
	assert_int_equal(w->answers, 0);
	w->service.later = 0;
	resume(w, 2);
	assert_int_equal(w->answers, 3);
	w->service.later = 1;
	says_to(w, IM "one");
	says_to(w, IM "two");
	w->service.later = 0;
	resume(w, 3);
	assert_int_equal(w->answers, 2);
}

static void
test_lines_that_wait_are_bounded(void **state)
{
	struct world *w = *state;

	w->service.later = 1;
	says_to(w, IM "hi");
	for (int i = 0; i < 20; i++) {
		says_to(w, "list");
		assert_int_equal(w->answers, 0);
	}
	assert_part(says_to(w, "list"), "Write it again");
	resume(w, 1);
	assert_int_equal(w->answers, 21);
}

static void
test_line_that_takes_too_long_is_given_up(void **state)
{
	struct world *w = *state;

	w->service.later = 1;
	says_to(w, IM "hi");
	says_to(w, "list");
	pass(w, 59999);
	assert_int_equal(w->answers, 0);
	pass(w, 1);
	assert_int_equal(w->answers, 2);
	assert_part(buf_str(&w->said), "took too long");
	assert_part(buf_str(&w->said), "|list of " JULIET);
	resume(w, 1);
	assert_int_equal(w->answers, 0);
	assert_int_equal(w->service.scheduled, 0);
}

static void
test_line_is_not_put_off_for_ever(void **state)
{
	struct world *w = *state;
	uint64_t ticket = 0;

	w->service.later = 100;
	says_to(w, IM "hi");
	while (w->answers == 0 && ticket < 100)
		resume(w, ++ticket);
	assert_part(buf_str(&w->said), "took too long");
	assert_int_equal(ticket, 10);
	/* Nor beyond its time. */
	says_to(w, IM "hi");
	w->now += 60 * SECOND_MS;
	resume(w, w->service.ticket);
	assert_part(buf_str(&w->said), "took too long");
	assert_int_equal(timers_next(&w->timers), NEVER_MS);
}

static void
test_those_who_wait_are_bounded(void **state)
{
	struct talk_bounds bounds = talk_bounds_default;
	struct world *w;

	(void)state;
	bounds.waiting = 1;
	w = start(&bounds);
	w->service.later = 2;
	says_to(w, IM "hi");
	assert_int_equal(w->answers, 0);
	write_line(w, ADMIN, (struct talk_line){ .text = SPAN("list") });
	assert_part(buf_str(&w->said), "Write it again in a minute");
	resume(w, 2);
	assert_int_equal(w->answers, 0);
	resume(w, 1);
	assert_int_equal(w->answers, 1);
	stop(w);
}

static void
test_lines_that_wait_outlive_the_stream(void **state)
{
	struct world *w = *state;

	says_to(w, "im noon " ROMEO);
	w->service.later = 1;
	write_line(w, ADMIN, (struct talk_line){ .text = SPAN("list") });
	write_line(w, ADMIN, (struct talk_line){ .text = SPAN("list") });
	talks_committed(w->talks);
	/* Whoever was asked something in this turn does not know of it. */
	write_line(w, "nurse@example.org/x", (struct talk_line){ .text = SPAN("im") });
	forget_said(w);
	talks_forget(w->talks);
	talks_failed(w->talks);
	assert_int_equal(w->answers, 0);
	resume(w, 1);
	assert_int_equal(w->answers, 2);
	pass(w, MINUTE_MS);
	assert_int_equal(w->answers, 0);
	assert_part(says_to(w, "hi"), "Scheduled");
	write_line(w, "nurse@example.org/x", (struct talk_line){ .text = SPAN("list") });
	assert_string_equal(buf_str(&w->said), "list of nurse@example.org");
}

/* -- Turns that fail --------------------------------------------------------------------------- */

static void
test_failed_turn_is_told_to_who_wrote_in_it(void **state)
{
	struct world *w = *state;

	says_to(w, "list");
	write_line(w, ADMIN "/desk", (struct talk_line){ .text = SPAN("list"), .via = "d" });
	forget_said(w);
	talks_failed(w->talks);
	assert_int_equal(w->answers, 1);
	assert_part(buf_str(&w->said), "Write it again");
	assert_string_equal(w->to, ADMIN "/desk");
	assert_string_equal(w->via, "d");
	forget_said(w);
	talks_failed(w->talks);
	assert_int_equal(w->answers, 0);
}

static void
test_failed_turn_closes_its_questions(void **state)
{
	struct world *w = *state;

	says_to(w, "im noon " ROMEO);
	write_line(w, BALCONY, (struct talk_line){ .text = SPAN(" ") });
	talks_failed(w->talks);
	assert_string_equal(says_to(w, "list"), "list of " JULIET);
	/* But no others. */
	says_to(w, "im noon " ROMEO);
	write_line(w, ADMIN, (struct talk_line){ .text = SPAN("list") });
	talks_failed(w->talks);
	assert_part(says_to(w, "hi"), "Scheduled");
}

static void
test_failed_turn_leaves_nothing_to_correct(void **state)
{
	struct world *w = *state;

	write_line(w, BALCONY, (struct talk_line){ .id = "1", .text = SPAN(IM "hi") });
	talks_failed(w->talks);
	assert_part(says_to_id(w, "2", "1", IM "ho"), "new line");
	assert_int_equal(w->service.scheduled, 1);
	assert_false(w->service.cancelled[1]);
}

static void
test_failed_turn_drops_what_waits(void **state)
{
	struct world *w = *state;

	w->service.later = 1;
	write_line(w, BALCONY, (struct talk_line){ .text = SPAN(IM "hi") });
	write_line(w, BALCONY, (struct talk_line){ .text = SPAN("list") });
	talks_failed(w->talks);
	assert_int_equal(w->answers, 1);
	resume(w, 1);
	assert_int_equal(w->answers, 0);
	/* What was resumed in it is told as well. */
	w->service.later = 1;
	says_to(w, IM "hi");
	talks_resume(w->talks, 2);
	forget_said(w);
	talks_failed(w->talks);
	assert_part(buf_str(&w->said), "Write it again");
	assert_string_equal(w->to, BALCONY);
	assert_int_equal(timers_next(&w->timers), NEVER_MS);
}

static void
test_want_of_memory_is_reported(void **state)
{
	struct world *w = *state;

	w->service.lose_memory = true;
	says_to(w, IM "hi");
	assert_int_equal(w->failed, 1);
	assert_int_equal(w->answers, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_line_that_takes_time_is_answered_when_it_is_resumed),
		TEST(test_every_stage_can_take_time),
		TEST(test_lines_wait_for_one_that_takes_time),
		TEST(test_queued_line_may_take_time_as_well),
		TEST(test_lines_that_wait_are_bounded),
		TEST(test_line_that_takes_too_long_is_given_up),
		TEST(test_line_is_not_put_off_for_ever),
		cmocka_unit_test(test_those_who_wait_are_bounded),
		TEST(test_lines_that_wait_outlive_the_stream),
		TEST(test_failed_turn_is_told_to_who_wrote_in_it),
		TEST(test_failed_turn_closes_its_questions),
		TEST(test_failed_turn_leaves_nothing_to_correct),
		TEST(test_failed_turn_drops_what_waits),
		TEST(test_want_of_memory_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
