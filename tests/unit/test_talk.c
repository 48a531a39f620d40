#include "core/chat.h"
#include "talk_world.h"

/* -- Commands ---------------------------------------------------------------------------------- */

static void
test_command_without_a_form_is_run_at_once(void **state)
{
	struct world *w = *state;

	assert_string_equal(says_to(w, "list"), "list of " JULIET);
	assert_calls(w, "list:ask ");
	assert_string_equal(w->to, BALCONY);
	assert_string_equal(w->via, "t");
	assert_string_equal(says_to(w, "  /List  "), "list of " JULIET);
	assert_string_equal(says_to(w, "!LIST\n"), "list of " JULIET);
	assert_int_equal(w->answers, 1);
}

static void
test_command_without_a_form_takes_what_its_places_have(void **state)
{
	struct world *w = *state;

	assert_string_equal(says_to(w, "users nurse"), "users of " JULIET " after nurse");
	assert_calls(w, "users:check ");
}

static void
test_whole_line_is_done_without_a_question(void **state)
{
	struct world *w = *state;

	assert_string_equal(says_to(w, IM "Good morning\n\nto you"), "Scheduled A1 to " ROMEO ".");
	assert_calls(w, "im:check im:do ");
	assert_string_equal(buf_str(&w->service.last),
	    "to=" ROMEO " when=noon body=Good morning\n\nto you");
}

static void
test_what_was_checked_is_what_is_done(void **state)
{
	struct world *w = *state;

	says_to(w, "im in 5 minutes " ROMEO " hi");
	assert_string_equal(buf_str(&w->service.last), "to=" ROMEO " when=the instant body=hi");
	says_to(w, "sms in 5 minutes " ROMEO " hi");
	says_to(w, "yes");
	assert_string_equal(buf_str(&w->service.last), "to=" ROMEO " when=the instant body=hi");
}

static void
test_result_without_words_is_said_to_be_done(void **state)
{
	assert_string_equal(says_to(*state, "bare"), "Done.");
}

static void
test_refusal_of_a_command_is_said_in_its_words(void **state)
{
	struct world *w = *state;

	assert_string_equal(says_to(w, "stats"), "Only for operators.");
	write_line(w, ADMIN "/desk", (struct talk_line){ .text = SPAN("stats") });
	assert_string_equal(buf_str(&w->said), "stats of " ADMIN);
}

static void
test_words_that_no_place_takes_are_refused(void **state)
{
	struct world *w = *state;

	assert_part(says_to(w, "list all of them"), "list");
	assert_part(says_to(w, "im colour=red noon " ROMEO " hi"), "colour");
	assert_calls(w, "");
}

/* -- Questions --------------------------------------------------------------------------------- */

static void
test_missing_fields_are_asked_for_in_order(void **state)
{
	struct world *w = *state;

	assert_part(says_to(w, "im"), "To");
	assert_part(buf_str(&w->said), "abort");
	assert_part(says_to(w, ROMEO), "When");
	assert_no_part(buf_str(&w->said), "abort");
	assert_part(says_to(w, "noon"), "Message");
	assert_string_equal(says_to(w, "Good morning\nto you"), "Scheduled A1 to " ROMEO ".");
	assert_string_equal(buf_str(&w->service.last),
	    "to=" ROMEO " when=noon body=Good morning\nto you");
	assert_calls(w, "im:ask im:check im:check im:check im:do ");
}

static void
test_only_what_is_missing_is_asked_for(void **state)
{
	struct world *w = *state;

	assert_part(says_to(w, "im noon " ROMEO), "Message");
	assert_no_part(buf_str(&w->said), "There is no text");
	assert_part(says_to(w, "list"), "Scheduled");
	assert_string_equal(buf_str(&w->service.last), "to=" ROMEO " when=noon body=list");
}

/* Whoever writes it anew does not mean the old one to be sent with it. */
static void
test_whole_message_is_no_answer(void **state)
{
	struct world *w = *state;

	says_to(w, "im noon " ROMEO);
	assert_part(says_to(w, "im 9:00 nurse@example.net Good morning"), "Scheduled A1 to nurse");
	assert_part(buf_str(&w->said), "im waited for your answer, and is dropped");
	assert_string_equal(buf_str(&w->service.last),
	    "to=nurse@example.net when=9:00 body=Good morning");
	assert_part(says_to(w, "Good morning"), "no command");
	says_to(w, "im noon " ROMEO);
	assert_part(says_to(w, "im told that nurse@example.net is ill"), "Scheduled A2 to " ROMEO);
	assert_string_equal(buf_str(&w->service.last),
	    "to=" ROMEO " when=noon body=im told that nurse@example.net is ill");
}

static void
test_wrong_field_is_asked_for_again(void **state)
{
	struct world *w = *state;

	assert_part(says_to(w, "im yesterday noon " ROMEO " Good morning"), "This time is past.");
	assert_part(buf_str(&w->said), "When");
	assert_part(says_to(w, "past again"), "This time is past.");
	assert_part(says_to(w, "noon"), "Scheduled");
	assert_string_equal(buf_str(&w->service.last), "to=" ROMEO " when=noon body=Good morning");
}

static void
test_missing_fields_come_before_wrong_ones(void **state)
{
	struct world *w = *state;

	says_to(w, "im");
	says_to(w, ROMEO);
	assert_part(says_to(w, "past"), "Message");
	assert_part(says_to(w, "Good morning"), "This time is past.");
	assert_part(says_to(w, "noon"), "Scheduled");
}

static void
test_proposed_value_is_no_answer(void **state)
{
	struct world *w = *state;
	const char *said = says_to(w, "show");

	assert_part(said, "A1: to romeo");
	assert_part(said, "A2: to nurse");
	/* What is no option is asked again. */
	assert_part(says_to(w, "B7"), "A2: to nurse");
	assert_calls(w, "show:ask ");
	assert_string_equal(says_to(w, "A1"), "A1 waits.");
	assert_calls(w, "show:check ");
}

static void
test_error_of_no_single_field_ends_with_the_usage(void **state)
{
	struct world *w = *state;

	assert_part(says_to(w, "show A9"), "There is no such message.");
	assert_part(buf_str(&w->said), "show <id>");
	assert_string_equal(says_to(w, "list"), "list of " JULIET);
}

static void
test_form_with_nothing_missing_is_shown_with_the_usage(void **state)
{
	struct world *w = *state;

	assert_part(says_to(w, "settings"), "Time zone: Europe/Berlin");
	assert_part(buf_str(&w->said), "settings <field> <value>");
	assert_part(buf_str(&w->said), "zone, notify");
	assert_part(says_to(w, "edit A1"), "fri 9:00");
	assert_part(buf_str(&w->said), "edit <id> <field> <value>");
	/* And no question is open. */
	assert_string_equal(says_to(w, "settings zone UTC"), "Saved.");
	assert_string_equal(w->service.zone, "UTC");
}

static void
test_boolean_field_is_asked_with_its_circumstances(void **state)
{
	struct world *w = *state;
	const char *said = says_to(w, "forget");

	assert_part(said, "This cannot be undone.");
	assert_part(said, "Messages that wait: 3");
	assert_part(said, "Yes, delete everything");
	assert_part(said, "yes or no");
	assert_string_equal(says_to(w, "yes"), "All is deleted.");
	assert_calls(w, "forget:ask forget:check ");
}

static void
test_boolean_field_answered_no_is_not_asked_again(void **state)
{
	struct world *w = *state;

	says_to(w, "forget");
	assert_string_equal(says_to(w, "no"), "Nothing was deleted.");
	assert_part(says_to(w, "yes"), "help");
	assert_calls(w, "forget:ask forget:check ");
}

static void
test_boolean_field_wants_yes_or_no(void **state)
{
	struct world *w = *state;

	says_to(w, "forget");
	assert_part(says_to(w, "perhaps"), "yes");
	assert_part(says_to(w, "list"), "yes");
	assert_string_equal(says_to(w, "YES"), "All is deleted.");
}

static void
test_blank_line_repeats_the_question(void **state)
{
	struct world *w = *state;

	says_to(w, "im noon " ROMEO);
	assert_part(says_to(w, " \n "), "Message");
	assert_part(says_to(w, "hi"), "Scheduled");
}

static void
test_abort_ends_a_question(void **state)
{
	struct world *w = *state;

	says_to(w, "im");
	assert_part(says_to(w, "Abort"), "nothing of it was done");
	assert_part(says_to(w, ROMEO), "help");
	says_to(w, "im noon " ROMEO);
	/* With more it is an answer. */
	assert_part(says_to(w, "abort the mission"), "Scheduled");
	assert_string_equal(buf_str(&w->service.last),
	    "to=" ROMEO " when=noon body=abort the mission");
	assert_part(says_to(w, "/abort"), "Nothing is going on");
}

static void
test_command_of_chat_alone_asks_as_well(void **state)
{
	struct world *w = *state;

	assert_part(says_to(w, "remind"), "When");
	assert_part(says_to(w, "noon"), "Message");
	assert_part(says_to(w, "tea"), "Scheduled A1 to " JULIET);
}

static void
test_over_quota_ends_it(void **state)
{
	struct world *w = *state;

	says_to(w, "im noon " ROMEO);
	assert_string_equal(says_to(w, "quota"), "That would be too many.");
	assert_string_equal(says_to(w, "list"), "list of " JULIET);
}

static void
test_question_is_forgotten_after_a_while(void **state)
{
	struct world *w = *state;

	says_to(w, "im noon " ROMEO);
	w->now += 10 * MINUTE_MS;
	assert_int_equal(talks_sweep(w->talks), 1);
	w->now++;
	/* Also when nobody swept. */
	assert_part(says_to(w, "Good morning"), "help");
	says_to(w, "sms noon " ROMEO " hi");
	w->now += 10 * MINUTE_MS + 1;
	assert_int_equal(talks_sweep(w->talks), 0);
	assert_part(says_to(w, "yes"), "too long ago");
	assert_int_equal(w->service.scheduled, 0);
}

static void
test_conversation_goes_on_from_another_client(void **state)
{
	struct world *w = *state;

	says_to(w, "im noon " ROMEO);
	write_line(w, JULIET "/phone", (struct talk_line){ .text = SPAN("hi"), .via = "p" });
	assert_part(buf_str(&w->said), "Scheduled");
	assert_string_equal(w->to, JULIET "/phone");
	assert_string_equal(w->via, "p");
	/* But not from somebody else's. */
	says_to(w, "im noon " ROMEO);
	write_line(w, "nurse@example.org/x", (struct talk_line){ .text = SPAN("list") });
	assert_string_equal(buf_str(&w->said), "list of nurse@example.org");
}

/* -- Yes and no -------------------------------------------------------------------------------- */

static void
test_what_asks_is_done_after_yes(void **state)
{
	struct world *w = *state;

	assert_part(says_to(w, "sms noon " ROMEO " hi"), "To: " ROMEO);
	assert_part(buf_str(&w->said), "Answer yes or no.");
	assert_calls(w, "sms:check ");
	assert_part(says_to(w, "perhaps"), "yes");
	assert_calls(w, "");
	assert_part(says_to(w, "Y"), "Scheduled A1");
	assert_calls(w, "sms:do ");
	/* Once. */
	assert_part(says_to(w, "yes"), "asked you nothing");
	assert_calls(w, "");
}

static void
test_no_does_nothing(void **state)
{
	struct world *w = *state;

	says_to(w, "sms noon " ROMEO " hi");
	assert_part(says_to(w, "no"), "Nothing was done");
	says_to(w, "sms noon " ROMEO " hi");
	assert_part(says_to(w, "abort"), "nothing of it was done");
	says_to(w, "yes");
	assert_calls(w, "sms:check sms:check ");
}

static void
test_other_command_takes_the_place_of_what_waits_for_yes(void **state)
{
	struct world *w = *state;

	says_to(w, "sms noon " ROMEO " hi");
	assert_part(says_to(w, "list"), "list of " JULIET);
	assert_part(buf_str(&w->said), "sms waited for your yes or no, and is dropped");
	assert_int_equal(w->answers, 1);
	says_to(w, "yes");
	assert_calls(w, "sms:check list:ask ");
}

static void
test_help_leaves_what_waits_for_yes(void **state)
{
	struct world *w = *state;

	says_to(w, "sms noon " ROMEO " hi");
	assert_part(says_to(w, "help sms"), "sms <when> <to> <text>");
	assert_part(buf_str(&w->said), "yes or no");
	assert_part(says_to(w, "yes"), "Scheduled");
}

/* -- Words that are no commands ---------------------------------------------------------------- */

static void
test_mistyped_command_is_suggested(void **state)
{
	static const struct {
		const char *typed, *meant;
	} words[] = {
		{ "lsit", "list" }, { "canel A1", "cancel" }, { "LIST?", "list" },
		{ "helo", "help" },
		{ "setings", "settings" }, { "abrot", "abort" }, { "forgte", "forget" },
	};
	struct world *w = *state;
	char part[40];

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		snprintf(part, sizeof(part), "Did you mean: %s?", words[i].meant);
		assert_part(says_to(w, words[i].typed), part);
	}
	assert_calls(w, "");
	assert_no_part(says_to(w, "xyzzyplugh"), "Did you mean");
	assert_part(buf_str(&w->said), "help");
	assert_no_part(says_to(w, "a"), "Did you mean");
}

static void
test_what_they_may_not_use_is_not_suggested(void **state)
{
	struct world *w = *state;

	assert_no_part(says_to(w, "statz"), "stats");
	assert_no_part(says_to(w, "help stats"), "Numbers");
	assert_no_part(says_to(w, "help"), "stats");
	write_line(w, ADMIN, (struct talk_line){ .text = SPAN("statz") });
	assert_part(buf_str(&w->said), "Did you mean: stats?");
}

static void
test_lines_that_begin_with_no_word_are_answered(void **state)
{
	struct world *w = *state;

	assert_part(says_to(w, "Grüße"), "help");
	assert_part(says_to(w, "   "), "help");
	assert_part(says_to(w, ""), "help");
	assert_part(says_to(w, "abcdefghijklmnopqrstuvwxyz"), "help");
	assert_part(says_to(w, "yes"), "help");
	assert_calls(w, "");
}

static void
test_help_lists_every_command_with_its_title(void **state)
{
	struct world *w = *state;
	const char *said = says_to(w, "help");

	assert_part(said, "\nim <when> <to>[,<to>…] <text> — Schedule an instant message\n");
	assert_part(said, "\nremind <when> <text> — Remind yourself\n");
	assert_part(said, "\nbare — Without a word");
	assert_part(said, "help im");
	assert_string_equal(says_to(w, "help HELP"), says_to(w, "/help"));
	assert_calls(w, "");
}

static void
test_help_of_a_command_says_how_it_is_written(void **state)
{
	struct world *w = *state;
	const char *said = says_to(w, "help im");

	assert_part(said, "im <when> <to>[,<to>…] <text>");
	assert_part(said, "Like: im noon a@example.org Hi");
	assert_part(said, "name=value");
	assert_part(said, "offline, expires");
	assert_part(says_to(w, "help settings"), "zone, notify");
	assert_no_part(buf_str(&w->said), "name=value");
	assert_part(says_to(w, "help bare"), "bare");
	assert_part(says_to(w, "help lsit"), "list");
	assert_part(says_to(w, "help Grüße"), "no such command");
}

static void
test_line_that_is_too_long_is_refused(void **state)
{
	struct world *w = *state;
	char *text = malloc(CHAT_LINE_MAX + 2);

	assert_non_null(text);
	memset(text, 'x', CHAT_LINE_MAX + 1);
	text[CHAT_LINE_MAX + 1] = '\0';
	says_to(w, "im noon " ROMEO);
	assert_part(says_to(w, text), "longer");
	text[CHAT_LINE_MAX] = '\0';
	assert_part(says_to(w, text), "Scheduled");
	free(text);
}

static void
test_encrypted_line_is_answered_and_changes_nothing(void **state)
{
	struct world *w = *state;

	says_to(w, "im noon " ROMEO);
	write_line(w, BALCONY, (struct talk_line){ .encrypted = true });
	assert_part(buf_str(&w->said), "encrypt");
	assert_part(says_to(w, "hi"), "Scheduled");
}

static void
test_long_answers_are_said_in_pieces(void **state)
{
	struct world *w = *state;

	w->service.huge = true;
	assert_part(says_to(w, "list"), "row 1999: forty bytes of what nobody reads ü");
	assert_in_range(w->answers, 3, 4);
	assert_true(w->longest <= 32 << 10);
	assert_no_part(buf_str(&w->said), "\n|");
	assert_no_part(buf_str(&w->said), "|\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_command_without_a_form_is_run_at_once),
		TEST(test_command_without_a_form_takes_what_its_places_have),
		TEST(test_whole_line_is_done_without_a_question),
		TEST(test_what_was_checked_is_what_is_done),
		TEST(test_result_without_words_is_said_to_be_done),
		TEST(test_refusal_of_a_command_is_said_in_its_words),
		TEST(test_words_that_no_place_takes_are_refused),
		TEST(test_missing_fields_are_asked_for_in_order),
		TEST(test_only_what_is_missing_is_asked_for),
		TEST(test_whole_message_is_no_answer),
		TEST(test_wrong_field_is_asked_for_again),
		TEST(test_missing_fields_come_before_wrong_ones),
		TEST(test_proposed_value_is_no_answer),
		TEST(test_error_of_no_single_field_ends_with_the_usage),
		TEST(test_form_with_nothing_missing_is_shown_with_the_usage),
		TEST(test_boolean_field_is_asked_with_its_circumstances),
		TEST(test_boolean_field_answered_no_is_not_asked_again),
		TEST(test_boolean_field_wants_yes_or_no),
		TEST(test_blank_line_repeats_the_question),
		TEST(test_abort_ends_a_question),
		TEST(test_command_of_chat_alone_asks_as_well),
		TEST(test_over_quota_ends_it),
		TEST(test_question_is_forgotten_after_a_while),
		TEST(test_conversation_goes_on_from_another_client),
		TEST(test_what_asks_is_done_after_yes),
		TEST(test_no_does_nothing),
		TEST(test_other_command_takes_the_place_of_what_waits_for_yes),
		TEST(test_help_leaves_what_waits_for_yes),
		TEST(test_mistyped_command_is_suggested),
		TEST(test_what_they_may_not_use_is_not_suggested),
		TEST(test_lines_that_begin_with_no_word_are_answered),
		TEST(test_help_lists_every_command_with_its_title),
		TEST(test_help_of_a_command_says_how_it_is_written),
		TEST(test_line_that_is_too_long_is_refused),
		TEST(test_encrypted_line_is_answered_and_changes_nothing),
		TEST(test_long_answers_are_said_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
