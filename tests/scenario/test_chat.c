/* Conversations with the bot: questions, second thoughts, and what may go wrong between them. */
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

/* -- Questions ------------------------------------------------------------------------------------------------------------------ */

static void
test_missing_fields_are_asked_for_one_at_a_time(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_asks(w, "im", "To");
	world_asks(w, ROMEO, "When");
	world_asks(w, "in 5 minutes", "Message");
	world_says(world_chat(w, NULL, "Good morning\nto you"), "Scheduled");
	assert_int_equal(world_packets(w), 1);
	world_advance(w, 5 * MINUTE_MS);
	assert_string_equal(world_only(w, ROMEO)->body, "Good morning\nto you");
}

static void
test_only_what_is_missing_is_asked_for(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_asks(w, "im tomorrow 9:00 " ROMEO, "Message");
	world_says(world_chat(w, NULL, "Good morning"), "Mon 2026-11-23 09:00");
	assert_string_equal(world_state(w, first_id(w)), "scheduled");
}

static void
test_wrong_field_is_asked_for_again_and_the_others_are_kept(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_asks(w, "im", "To");
	world_asks(w, ROMEO, "When");
	world_asks(w, "yesterday at noon", "Message");
	world_asks(w, "Good morning", "past");
	world_asks(w, "soonish", "soonish");
	world_says(world_chat(w, NULL, "in 5 minutes"), "Scheduled");
	world_advance(w, 5 * MINUTE_MS);
	assert_string_equal(world_only(w, ROMEO)->body, "Good morning");
}

/* An answer may look like a command. */
static void
test_answer_is_not_taken_for_a_command(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_asks(w, "im in 5 minutes " ROMEO, "Message");
	world_says(world_chat(w, NULL, "list"), "Scheduled");
	world_advance(w, 5 * MINUTE_MS);
	assert_string_equal(world_only(w, ROMEO)->body, "list");
}

static void
test_abort_ends_what_is_asked(void **state)
{
	struct world *w = *state;
	const char *said;

	world_start(w);
	world_asks(w, "im", "To");
	world_asks(w, ROMEO, "When");
	said = world_asks(w, "abort", "");
	assert_string_not_equal(said, "");
	/* What follows is a command again, and no answer. */
	world_asks(w, "in 5 minutes", "help");
	world_asks(w, "list", "Nothing is waiting");
	assert_string_not_equal(world_asks(w, "abort", ""), "");
	world_asks(w, "list", "Nothing is waiting");
}

static void
test_question_is_forgotten_after_a_while(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_asks(w, "im in 5 hours " ROMEO, "Message");
	world_advance(w, 11 * MINUTE_MS);
	world_asks(w, "Good morning", "");
	world_asks(w, "list", "Nothing is waiting");
}

static void
test_conversation_goes_on_from_another_client(void **state)
{
	struct world *w = *state;
	size_t since;

	world_start(w);
	world_asks(w, "im in 5 minutes " ROMEO, "Message");
	since = w->nheard;
	world_says(world_chat(w, JULIET "/phone", "Good morning"), "Scheduled");
	assert_int_equal(world_answers(w, BALCONY, since), 0);
	assert_int_equal(world_packets(w), 1);
	/* But it is nobody else's. */
	world_asks(w, "im in 5 minutes " ROMEO, "Message");
	world_chat(w, KITCHEN, "Good night");
	assert_int_equal(world_packets(w), 1);
	world_says(world_chat(w, NULL, "Good evening"), "Scheduled");
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet WHERE sender = '" NURSE "'"), 0);
}

/* -- Yes and no ----------------------------------------------------------------------------------------------------------------- */

static void
test_im_is_not_asked_for_confirmation(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_says(world_chat(w, NULL, "im in 5 minutes " ROMEO " Good morning"), "Scheduled");
	assert_int_equal(world_packets(w), 1);
}

static void
test_what_costs_money_is_shown_and_asked(void **state)
{
	struct world *w = *state;
	const char *said;

	begin_with_gateway(w);
	said = world_asks(w, "sms in 2h " PHONE " Late, sorry", "1 segment");
	world_says(said, PHONE);
	world_says(said, "Late, sorry");
	world_says(said, "Sun 2026-11-22 13:00");
	world_says(said, "yes");
	world_asks(w, "no", "");
	world_asks(w, "list", "Nothing is waiting");
	world_asks(w, "sms in 2h " PHONE " Late, sorry", "1 segment");
	/* Neither yes nor no is asked again. */
	world_asks(w, "perhaps", "yes");
	world_says(world_chat(w, NULL, "Yes"), "Scheduled");
	assert_int_equal(world_packets(w), 1);
	/* It is done once. */
	world_chat(w, NULL, "yes");
	assert_int_equal(world_packets(w), 1);
}

static void
test_what_was_shown_is_what_is_done(void **state)
{
	struct world *w = *state;

	begin_with_gateway(w);
	world_asks(w, "sms in 5 minutes " PHONE " Late, sorry", "11:05:30");
	world_advance(w, 2 * MINUTE_MS);
	world_says(world_chat(w, NULL, "y"), "11:05:30");
	assert_int_equal(world_due(w, first_id(w)), world_utc("2026-11-22T10:05:30Z"));
}

static void
test_yes_that_comes_too_late_does_nothing(void **state)
{
	struct world *w = *state;

	begin_with_gateway(w);
	world_asks(w, "sms in 2 minutes " PHONE " Late, sorry", "yes");
	world_advance(w, 3 * MINUTE_MS);
	world_asks(w, "yes", "past");
	world_asks(w, "abort", "");
	world_asks(w, "sms in 1 hour " PHONE " Late, sorry", "yes");
	world_advance(w, 11 * MINUTE_MS);
	world_asks(w, "yes", "");
	assert_int_equal(world_packets(w), 0);
}

static void
test_another_command_takes_the_place_of_what_waits_for_yes(void **state)
{
	struct world *w = *state;

	begin_with_gateway(w);
	world_asks(w, "sms in 2h " PHONE " Late, sorry", "yes");
	const char *said = world_asks(w, "list", "Nothing is waiting");
	assert_true(strlen(said) > strlen("Nothing is waiting."));
	world_asks(w, "yes", "");
	assert_int_equal(world_packets(w), 0);
}

static void
test_forget_deletes_nothing_without_a_yes(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "in 5 hours");
	world_asks(w, "forget", "cannot be undone");
	world_asks(w, "no", "");
	world_advance(w, HOUR_MS);
	assert_int_equal(world_packets(w), 1);
	world_asks(w, "forget", "");
	world_asks(w, "abort", "");
	world_advance(w, HOUR_MS);
	assert_int_equal(world_packets(w), 1);
	world_chat(w, NULL, "forget");
	world_says(world_chat(w, NULL, "yes"), "being deleted");
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_packets(w), 0);
}

/* -- Commands of chat alone ----------------------------------------------------------------------------------------------------- */

static void
test_reminder_is_a_message_to_oneself(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_online(w, JULIET);
	world_says(world_chat(w, NULL, "remind in 20 minutes tea is ready\nbe quick"), "Scheduled");
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet WHERE sender = '" JULIET "' AND recipient = '" JULIET "'"), 1);
	world_advance(w, 19 * MINUTE_MS);
	assert_int_equal(world_count(w, JULIET), 0);
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_only(w, JULIET)->body, "tea is ready\nbe quick");
	/* It has no form. */
	assert_string_equal(world_command(w, .node = "remind").condition, "item-not-found");
	assert_null(strstr(world_nodes(w, BALCONY), " remind "));
}

static void
test_mistyped_command_is_suggested(void **state)
{
	static const char *const lines[][2] = {
		{ "lsit", "list" }, { "canel 7K3QXA", "cancel" }, { "LIST?", "list" }, { "qouta", "quota" }, { "helo", "help" },
	};
	struct world *w = *state;

	world_start(w);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		world_asks(w, lines[i][0], lines[i][1]);
	world_asks(w, "xyzzyplugh", "help");
	/* What they may not use is not suggested. */
	assert_null(strstr(world_asks(w, "statz", ""), "stats"));
	world_says(world_chat(w, DESK, "statz"), "stats");
}

static void
test_commands_are_read_in_any_case_and_with_a_slash(void **state)
{
	static const char *const lines[] = { "list", "List", "LIST", "/list", "!list", "  list  ", "\nlist\n" };
	struct world *w = *state;

	world_start(w);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		world_asks(w, lines[i], "Nothing is waiting");
}

/* Is the word the first of a line, or what a line has in front of its usage? */
static bool
lists(const char *help, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = strstr(help, word); p != NULL; p = strstr(p + 1, word))
		if ((p == help || p[-1] == '\n') && strchr(" :\n", p[len]) != NULL)
			return true;
	return false;
}

static void
help_is_what_disco_lists(struct world *w, const char *from)
{
	static const char *const all[] = { "im", "sms", "mms", "list", "show", "edit", "now", "cancel", "pause", "resume", "history",
		"quota", "settings", "export", "forget", "stats", "users", "user", "limits", "block", "unblock", "gateways", "gateway",
		"packets", "retry", "reload", "backup", "drain", "shutdown" };
	const char *nodes = world_nodes(w, from), *help = world_chat(w, from, "help");
	size_t listed = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		bool node = strstr(nodes, arena_printf(&w->arena, " %s ", all[i])) != NULL;

		if (lists(help, all[i]) != node)
			fail_msg("%s: %s is %sin disco; help: %s", from, all[i], node ? "" : "not ", help);
		listed += node;
		if (node)
			world_says(world_chat(w, from, arena_printf(&w->arena, "help %s", all[i])), all[i]);
	}
	for (const char *p = nodes + 1; *p != '\0'; p++)
		listed -= *p == ' ';
	assert_int_equal(listed, 0);
	assert_true(lists(help, "remind"));
}

static void
test_help_lists_what_they_may_use(void **state)
{
	struct world *w = *state;

	world_start(w);
	help_is_what_disco_lists(w, BALCONY);
	assert_null(strstr(world_nodes(w, BALCONY), " sms "));
	world_advance(w, HOUR_MS);
	help_is_what_disco_lists(w, DESK);
	world_crash(w);
	begin_with_gateway(w);
	help_is_what_disco_lists(w, BALCONY);
	assert_non_null(strstr(world_nodes(w, BALCONY), " sms "));
	world_advance(w, HOUR_MS);
	/* Help for what is not theirs does not tell of it. */
	world_says(world_chat(w, NULL, "help shutdown"), "no command");
	world_says(world_chat(w, NULL, "help lsit"), "list");
}

static void
test_settings_without_more_are_shown(void **state)
{
	struct world *w = *state;
	const char *said;

	world_start(w);
	said = world_chat(w, NULL, "settings");
	world_says(said, "settings");
	world_says(said, "zone");
	/* And no question is open. */
	world_asks(w, "list", "Nothing is waiting");
	const char *id = world_schedule(w, .when = "in 5 hours");
	said = world_chat(w, NULL, arena_printf(&w->arena, "edit %s", id));
	world_says(said, "Good morning");
	world_says(said, "edit");
	world_says(world_chat(w, NULL, "list"), "1 waiting");
}

static void
test_words_that_no_place_takes_are_refused(void **state)
{
	static const char *const lines[] = {
		"list all of them", "quota now", "im colour=red in 5 minutes " ROMEO " Good morning", "show AAAAAA BBBBBB",
	};
	struct world *w = *state;

	world_start(w);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_string_not_equal(world_asks(w, lines[i], ""), "");
	world_asks(w, "abort", "");
	world_asks(w, "list", "Nothing is waiting");
}

static void
test_media_of_an_mms_are_links_at_its_end(void **state)
{
	struct world *w = *state;

	world_start_with_mms(w);
	world_says(world_asks(w, "mms in 5 minutes " PHONE " Look at https://example.org/ and this:\n" LINK, "image/png"), "Look at");
	world_says(world_chat(w, NULL, "yes"), "Scheduled");
	assert_int_equal(world_requests(w, "https://"), 1);
	assert_int_equal(world_packets(w), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_missing_fields_are_asked_for_one_at_a_time),
		WORLD_TEST(test_only_what_is_missing_is_asked_for),
		WORLD_TEST(test_wrong_field_is_asked_for_again_and_the_others_are_kept),
		WORLD_TEST(test_answer_is_not_taken_for_a_command),
		WORLD_TEST(test_abort_ends_what_is_asked),
		WORLD_TEST(test_question_is_forgotten_after_a_while),
		WORLD_TEST(test_conversation_goes_on_from_another_client),
		WORLD_TEST(test_im_is_not_asked_for_confirmation),
		WORLD_TEST(test_what_costs_money_is_shown_and_asked),
		WORLD_TEST(test_what_was_shown_is_what_is_done),
		WORLD_TEST(test_yes_that_comes_too_late_does_nothing),
		WORLD_TEST(test_another_command_takes_the_place_of_what_waits_for_yes),
		WORLD_TEST(test_forget_deletes_nothing_without_a_yes),
		WORLD_TEST(test_reminder_is_a_message_to_oneself),
		WORLD_TEST(test_mistyped_command_is_suggested),
		WORLD_TEST(test_commands_are_read_in_any_case_and_with_a_slash),
		WORLD_TEST(test_help_lists_what_they_may_use),
		WORLD_TEST(test_settings_without_more_are_shown),
		WORLD_TEST(test_words_that_no_place_takes_are_refused),
		WORLD_TEST(test_media_of_an_mms_are_links_at_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
