#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateways_world.h"

static void
pause_gateway(struct world *w, size_t i, bool paused)
{
	/* An operator's command is a turn of the service: nothing is told from within. */
	w->submitting = true;
	w->g->ops->pause(w->g, i, paused);
	w->submitting = false;
}

static void
close_by_failures(struct world *w)
{
	for (int i = 0; i < 5; i++) {
		assert_int_equal(submit(w, 0, "AAAAAA"), RES_OK);
		gateways_flush(w->g);
		break_off(w, "AAAAAA", HTTP_NOT_SENT);
	}
	assert_false(state_of(w, 0).open);
}

static void
halt(struct world *w, const char *words)
{
	assert_int_equal(submit(w, 0, "AAAAAA"), RES_OK);
	gateways_flush(w->g);
	answer(w, "AAAAAA", 403, words);
}

static void
assert_outcomes(struct world *w, size_t i, unsigned accepted, unsigned permanent,
    unsigned not_processed, unsigned unknown)
{
	const uint64_t *n = state_of(w, i).outcomes;

	assert_int_equal(n[OUTCOME_ACCEPTED], accepted);
	assert_int_equal(n[OUTCOME_PERMANENT], permanent);
	assert_int_equal(n[OUTCOME_NOT_PROCESSED], not_processed);
	assert_int_equal(n[OUTCOME_UNKNOWN], unknown);
}

static void
assert_exposed(struct world *w, const char *line)
{
	struct buf page = { 0 };

	gateways_expose(w->g, &page);
	assert_false(page.failed);
	if (strstr(buf_str(&page), line) == NULL)
		fail_msg("no %s in\n%s", line, buf_str(&page));
	buf_free(&page);
}

/* -- Pauses ------------------------------------------------------------------------------------ */

static void
test_a_paused_gateway_makes_no_attempts(void **state)
{
	struct world *w = *state;
	struct gateway_state s;

	pause_gateway(w, 0, true);
	s = state_of(w, 0);
	assert_true(s.paused);
	assert_false(s.open);
	assert_false(s.halted);
	assert_null(s.trouble);
	assert_int_equal(s.room, 0);
	assert_int_equal(s.resumes_ms, HOUR_MS);
	assert_int_equal(submit(w, 0, "AAAAAA"), RES_TEMPFAIL);
	gateways_flush(w->g);
	assert_int_equal(w->http.n, 0);
	assert_int_equal(w->g->ops->inflight(w->g), 0);
	assert_true(state_of(w, 1).open);
	assert_int_equal(submit(w, 1, "BBBBBB"), RES_OK);
	gateways_failed(w->g);
}

static void
test_no_time_ends_a_pause(void **state)
{
	struct world *w = *state;

	pause_gateway(w, 0, true);
	for (int i = 0; i < 100; i++)
		pass(w, HOUR_MS);
	assert_true(state_of(w, 0).paused);
	assert_int_equal(state_of(w, 0).resumes_ms, HOUR_MS);
	assert_int_equal(submit(w, 0, "AAAAAA"), RES_TEMPFAIL);
}

static void
test_who_waits_hears_of_a_pause_and_of_its_end_in_another_turn(void **state)
{
	struct world *w = *state;

	pause_gateway(w, 0, true);
	assert_events(w, "");
	pass(w, 0);
	assert_events(w, "room ");
	pass(w, DAY_MS);
	assert_events(w, "");
	pause_gateway(w, 0, false);
	assert_events(w, "");
	pass(w, 0);
	assert_events(w, "room ");
	assert_true(state_of(w, 0).open);
	assert_int_equal(state_of(w, 0).room, 10);
	assert_false(state_of(w, 0).paused);
	assert_int_equal(submit(w, 0, "AAAAAA"), RES_OK);
	gateways_failed(w->g);
}

static void
test_what_happens_before_it_is_told_does_not_swallow_it(void **state)
{
	struct world *w = *state;

	assert_int_equal(submit(w, 0, "AAAAAA"), RES_OK);
	gateways_flush(w->g);
	pause_gateway(w, 0, true);
	pause_gateway(w, 0, false);
	assert_int_equal(submit(w, 0, "BBBBBB"), RES_OK);
	gateways_flush(w->g);
	answer(w, "AAAAAA", 200, "");
	answer(w, "BBBBBB", 200, "");
	buf_reset(&w->events);
	pass(w, 0);
	assert_events(w, "room ");
}

static void
test_attempts_under_way_end_and_count_while_it_is_paused(void **state)
{
	struct world *w = *state;

	w->configs[0].inflight = 2;
	gateways_configure(w->g, &w->config);
	assert_int_equal(submit(w, 0, "AAAAAA"), RES_OK);
	assert_int_equal(submit(w, 0, "BBBBBB"), RES_OK);
	gateways_flush(w->g);
	pause_gateway(w, 0, true);
	pass(w, 0);
	buf_reset(&w->events);
	assert_int_equal(state_of(w, 0).inflight, 2);
	answer(w, "AAAAAA", 200, "ref");
	break_off(w, "BBBBBB", HTTP_BROKEN);
	/* Its room is no news. */
	assert_events(w, "AAAAAA@office:accepted:ref BBBBBB@office:unknown:- ");
	assert_outcomes(w, 0, 1, 0, 0, 1);
	assert_int_equal(state_of(w, 0).inflight, 0);
	assert_true(state_of(w, 0).paused);
	assert_int_equal(state_of(w, 0).room, 0);
}

static void
test_an_attempt_of_the_same_turn_still_leaves(void **state)
{
	struct world *w = *state;

	assert_int_equal(submit(w, 0, "AAAAAA"), RES_OK);
	pause_gateway(w, 0, true);
	gateways_flush(w->g);
	answer(w, "AAAAAA", 200, "");
	assert_outcomes(w, 0, 1, 0, 0, 0);
	assert_true(state_of(w, 0).paused);
}

static void
test_a_good_probe_does_not_end_a_pause(void **state)
{
	struct world *w = *state;

	close_by_failures(w);
	pass(w, 5 * SECOND_MS);
	assert_int_equal(submit(w, 0, "PROBEA"), RES_OK);
	gateways_flush(w->g);
	pause_gateway(w, 0, true);
	answer(w, "PROBEA", 200, "");
	assert_false(state_of(w, 0).open);
	assert_int_equal(state_of(w, 0).room, 0);
	assert_int_equal(state_of(w, 0).resumes_ms, HOUR_MS);
	pass(w, 0);
}

static void
test_to_resume_forgives_failures(void **state)
{
	struct world *w = *state;

	close_by_failures(w);
	pause_gateway(w, 0, true);
	pause_gateway(w, 0, false);
	assert_true(state_of(w, 0).open);
	assert_null(state_of(w, 0).trouble);
	for (int i = 0; i < 4; i++)
		attempt(w, "BBBBBB", 500);
	assert_true(state_of(w, 0).open);
	pass(w, 0);
}

static void
test_to_resume_what_nobody_paused_forgives_as_well(void **state)
{
	struct world *w = *state;

	halt(w, "bad password");
	assert_true(state_of(w, 0).halted);
	assert_false(state_of(w, 0).open);
	buf_reset(&w->events);
	pause_gateway(w, 0, false);
	assert_false(state_of(w, 0).halted);
	assert_true(state_of(w, 0).open);
	pass(w, 0);
	assert_events(w, "room ");
	/* And people hear of it when it happens again. */
	halt(w, "bad password");
	assert_events(w, "AAAAAA@office:not-processed:- halted@office:bad password room ");
}

static void
test_a_reload_keeps_a_pause_and_what_was_measured(void **state)
{
	struct world *w = *state;

	attempt(w, "AAAAAA", 200);
	attempt(w, "AAAAAA", 400);
	halt(w, "bad password");
	pause_gateway(w, 0, true);
	pass(w, 0);
	gateways_configure(w->g, &w->config);
	assert_true(state_of(w, 0).paused);
	assert_false(state_of(w, 0).open);
	assert_false(state_of(w, 0).halted);
	assert_null(state_of(w, 0).trouble);
	assert_outcomes(w, 0, 1, 1, 1, 0);
	assert_int_equal(submit(w, 0, "AAAAAA"), RES_TEMPFAIL);
	assert_exposed(w, "laterd_gateway_seconds_count{gateway=\"office\"} 3\n");
	pause_gateway(w, 0, false);
	pass(w, 0);
	assert_true(state_of(w, 0).open);
}

static void
test_what_is_kept_goes_by_the_name_and_not_by_the_place(void **state)
{
	struct world *w = *state;

	attempt(w, "AAAAAA", 200);
	pause_gateway(w, 0, true);
	pass(w, 0);
	set_gateway(&w->configs[0], "other");
	set_gateway(&w->configs[1], "office");
	gateways_configure(w->g, &w->config);
	assert_false(state_of(w, 0).paused);
	assert_outcomes(w, 0, 0, 0, 0, 0);
	assert_true(state_of(w, 1).paused);
	assert_outcomes(w, 1, 1, 0, 0, 0);
	set_gateway(&w->configs[1], "new");
	gateways_configure(w->g, &w->config);
	assert_false(state_of(w, 1).paused);
	assert_outcomes(w, 1, 0, 0, 0, 0);
}

static void
test_no_such_gateway_is_closed_and_cannot_be_paused(void **state)
{
	struct world *w = *state;

	pause_gateway(w, 2, true);
	pause_gateway(w, SIZE_MAX, true);
	assert_false(state_of(w, 2).open);
	assert_false(state_of(w, 2).paused);
	assert_null(state_of(w, 2).trouble);
	assert_true(state_of(w, 0).open);
	assert_true(state_of(w, 1).open);
}

/* -- Trouble ----------------------------------------------------------------------------------- */

static void
test_trouble_says_what_closed_it_until_it_works_again(void **state)
{
	struct world *w = *state;

	assert_null(state_of(w, 0).trouble);
	close_by_failures(w);
	assert_string_equal(state_of(w, 0).trouble, "refused");
	assert_false(state_of(w, 0).halted);
	pass(w, 5 * SECOND_MS);
	assert_string_equal(state_of(w, 0).trouble, "refused");
	attempt(w, "BBBBBB", 200);
	assert_null(state_of(w, 0).trouble);
}

static void
test_what_only_a_person_can_mend_is_halted(void **state)
{
	struct world *w = *state;

	halt(w, "bad password");
	assert_true(state_of(w, 0).halted);
	assert_string_equal(state_of(w, 0).trouble, "bad password");
	pass(w, 30 * MINUTE_MS);
	assert_true(state_of(w, 0).open);
	assert_true(state_of(w, 0).halted);
	attempt(w, "BBBBBB", 200);
	assert_false(state_of(w, 0).halted);
	assert_null(state_of(w, 0).trouble);
}

static void
test_trouble_says_that_it_asked_for_peace(void **state)
{
	struct world *w = *state;

	attempt(w, "AAAAAA", 429);
	assert_false(state_of(w, 0).open);
	assert_false(state_of(w, 0).halted);
	assert_string_equal(state_of(w, 0).trouble,
	    "it asks to be left alone: not processed by the gateway");
}

static void
test_trouble_has_no_whole_numbers(void **state)
{
	static const struct {
		const char *words, *trouble;
	} rows[] = {
		{ "4917012345678 is barred", "(a number) is barred" },
		{ "barred: +4917012345678.", "barred: (a number)." },
		{ "+49 170 1234-5678 and +49(170)12345", "(a number) and (a number)" },
		{ "1234567", "(a number)" },
		{ "123456", "123456" },
		{ "+ 49", "+ 49" },
		{ "+", "+" },
		{ "+12345 and 6", "+12345 and 6" },
		{ "error 402 on 2026-12-24 at 127.0.0.1:8080", "error 402 on 2026-12-24 at 127.0.0.1:8080" },
		{ "a+1234567+1234567b", "a(a number)(a number)b" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		halt(w, rows[i].words);
		assert_string_equal(state_of(w, 0).trouble, rows[i].trouble);
		gateways_configure(w->g, &w->config);
	}
}

/* -- What is measured -------------------------------------------------------------------------- */

static void
test_each_outcome_counts_once_at_its_gateway(void **state)
{
	struct world *w = *state;

	attempt(w, "AAAAAA", 200);
	attempt(w, "AAAAAA", 200);
	attempt(w, "AAAAAA", 400);
	attempt(w, "AAAAAA", 503);
	attempt(w, "AAAAAA", 500);
	assert_int_equal(submit(w, 0, "AAAAAA"), RES_OK);
	gateways_flush(w->g);
	break_off(w, "AAAAAA", HTTP_BROKEN);
	w->http.refuse = true;
	assert_int_equal(submit(w, 0, "AAAAAA"), RES_OK);
	gateways_flush(w->g);
	pass(w, 0);
	assert_outcomes(w, 0, 2, 1, 2, 2);
	assert_outcomes(w, 1, 0, 0, 0, 0);
	assert_int_equal(submit(w, 0, "AAAAAA"), RES_OK);
	gateways_failed(w->g);
	assert_outcomes(w, 0, 2, 1, 2, 2);
	assert_exposed(w, "_total{gateway=\"office\",outcome=\"accepted\"} 2\n");
	assert_exposed(w, "_total{gateway=\"office\",outcome=\"permanent\"} 1\n");
	assert_exposed(w, "_total{gateway=\"office\",outcome=\"not_processed\"} 2\n");
	assert_exposed(w, "_total{gateway=\"office\",outcome=\"unknown\"} 2\n");
	assert_exposed(w, "_total{gateway=\"other\",outcome=\"unknown\"} 0\n");
}

static void
test_the_time_of_an_answer_counts_from_its_leaving(void **state)
{
	struct world *w = *state;

	assert_int_equal(submit(w, 0, "AAAAAA"), RES_OK);
	pass(w, 7000);
	gateways_flush(w->g);
	pass(w, 250);
	answer(w, "AAAAAA", 200, "");
	assert_exposed(w, "seconds_bucket{gateway=\"office\",le=\"0.1\"} 0\n");
	assert_exposed(w, "seconds_bucket{gateway=\"office\",le=\"0.25\"} 1\n");
	assert_exposed(w, "seconds_sum{gateway=\"office\"} 0.25\n");
}

static void
test_what_was_not_answered_has_no_time(void **state)
{
	static const enum http_end ends[] = { HTTP_NOT_SENT, HTTP_BROKEN, HTTP_TOO_LARGE };
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		assert_int_equal(submit(w, 0, "AAAAAA"), RES_OK);
		gateways_flush(w->g);
		pass(w, 100);
		break_off(w, "AAAAAA", ends[i]);
	}
	assert_exposed(w, "seconds_count{gateway=\"office\"} 0\n");
}

static void
test_gauges_say_how_it_is_now(void **state)
{
	struct world *w = *state;

	assert_exposed(w, "laterd_gateway_open{gateway=\"office\"} 1\n");
	assert_exposed(w, "laterd_gateway_paused{gateway=\"office\"} 0\n");
	assert_int_equal(submit(w, 0, "AAAAAA"), RES_OK);
	gateways_flush(w->g);
	assert_exposed(w, "laterd_gateway_inflight{gateway=\"office\"} 1\n");
	pause_gateway(w, 0, true);
	assert_exposed(w, "laterd_gateway_open{gateway=\"office\"} 0\n");
	assert_exposed(w, "laterd_gateway_paused{gateway=\"office\"} 1\n");
	assert_exposed(w, "laterd_gateway_paused{gateway=\"other\"} 0\n");
	answer(w, "AAAAAA", 200, "");
	assert_exposed(w, "laterd_gateway_inflight{gateway=\"office\"} 0\n");
	pass(w, 0);
}

static void
test_each_family_stands_together_and_once(void **state)
{
	static const char *const families[] = { "laterd_gateway_outcomes_total",
		"laterd_gateway_seconds", "laterd_gateway_inflight", "laterd_gateway_open",
		"laterd_gateway_paused" };
	struct world *w = *state;
	struct buf page = { 0 };
	size_t family = 0, seen = 0;

	gateways_expose(w->g, &page);
	for (char *line = strtok(page.p, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		if (strncmp(line, "# HELP ", 7) == 0) {
			family = seen++;
			assert_true(family < 5);
			line += 7;
		} else if (strncmp(line, "# TYPE ", 7) == 0)
			line += 7;
		assert_int_equal(strncmp(line, families[family], strlen(families[family])), 0);
	}
	assert_int_equal(seen, 5);
	buf_free(&page);
}

static void
test_without_gateways_there_is_nothing_to_measure(void **state)
{
	struct world *w = *state;
	struct buf page = { 0 };

	w->config.n = 0;
	gateways_configure(w->g, &w->config);
	gateways_expose(w->g, &page);
	assert_false(page.failed);
	assert_null(strchr(buf_str(&page), '{'));
	buf_free(&page);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_paused_gateway_makes_no_attempts),
		TEST(test_no_time_ends_a_pause),
		TEST(test_who_waits_hears_of_a_pause_and_of_its_end_in_another_turn),
		TEST(test_what_happens_before_it_is_told_does_not_swallow_it),
		TEST(test_attempts_under_way_end_and_count_while_it_is_paused),
		TEST(test_an_attempt_of_the_same_turn_still_leaves),
		TEST(test_a_good_probe_does_not_end_a_pause),
		TEST(test_to_resume_forgives_failures),
		TEST(test_to_resume_what_nobody_paused_forgives_as_well),
		TEST(test_a_reload_keeps_a_pause_and_what_was_measured),
		TEST(test_what_is_kept_goes_by_the_name_and_not_by_the_place),
		TEST(test_no_such_gateway_is_closed_and_cannot_be_paused),
		TEST(test_trouble_says_what_closed_it_until_it_works_again),
		TEST(test_what_only_a_person_can_mend_is_halted),
		TEST(test_trouble_says_that_it_asked_for_peace),
		TEST(test_trouble_has_no_whole_numbers),
		TEST(test_each_outcome_counts_once_at_its_gateway),
		TEST(test_the_time_of_an_answer_counts_from_its_leaving),
		TEST(test_what_was_not_answered_has_no_time),
		TEST(test_gauges_say_how_it_is_now),
		TEST(test_each_family_stands_together_and_once),
		TEST(test_without_gateways_there_is_nothing_to_measure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
