/* Messages to the bot as they travel: which are lines, how answers look, and that no loop can start. */
#include "chat.h"

#define ASKS \
	"<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>"
#define FORWARDED(kind, from, to, text) \
	"<" kind " xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' type='chat' from='" \
	from "' to='" to "'><body>" text "</body></message></forwarded></" kind ">"
#define SCHEDULES "im in 5 minutes " ROMEO " Good morning"

static int64_t
packets_stored(struct world *w)
{
	return world_sql(w, "SELECT count(*) FROM packet WHERE sender <> '" BOT "'");
}

/* The messages to this full JID since then: there is one of them. */
static const struct heard *
only_since(struct world *w, const char *to, size_t since)
{
	const struct heard *m = NULL;

	for (size_t i = since; i < w->nheard; i++)
		if (strcmp(w->heard[i].to, to) == 0) {
			if (m != NULL)
				fail_msg("a second message: “%s” after “%s”", w->heard[i].body, m->body);
			m = &w->heard[i];
		}
	assert_non_null(m);
	return m;
}

/* -- Answers -------------------------------------------------------------------------------------------------------------------- */

static void
test_answer_has_the_thread_and_type_of_its_line_and_asks_for_nothing(void **state)
{
	static const char *const addresses[] = { BOT, COMPONENT }, *const types[] = { "chat", "normal" };
	struct world *w = *state;

	world_start(w);
	for (size_t i = 0; i < 4; i++) {
		size_t since = w->nheard;
		const struct heard *m;

		world_line(w, .to = addresses[i / 2], .type = types[i % 2], .thread = "thread-7", .text = "list");
		m = only_since(w, BALCONY, since);
		assert_string_equal(m->from, addresses[i / 2]);
		/* Without a type it is normal. */
		assert_string_equal(m->type, i % 2 == 0 ? "chat" : "");
		assert_string_equal(m->thread, "thread-7");
		assert_string_not_equal(m->id, "");
		assert_string_equal(m->origin_id, m->id);
		assert_false(m->wants_receipt);
		assert_false(m->privileged);
		world_says(m->body, "Nothing is waiting");
	}
	assert_string_not_equal(w->heard[w->nheard - 1].id, w->heard[w->nheard - 2].id);
	world_line(w, .text = "list");
	assert_string_equal(w->heard[w->nheard - 1].thread, "");
}

static void
test_receipt_and_marker_are_answered_where_asked(void **state)
{
	struct world *w = *state;
	size_t since, marks = 0, bodies = 0;

	world_start(w);
	since = w->nheard;
	world_line(w, .id = "line-a", .text = "list", .extra = ASKS);
	for (size_t i = since; i < w->nheard; i++) {
		const struct heard *m = &w->heard[i];

		if (m->received[0] != '\0') {
			assert_string_equal(m->received, "line-a");
			assert_string_equal(m->displayed, "line-a");
			assert_string_equal(m->to, BALCONY);
			assert_string_equal(m->body, "");
			assert_true(m->stored);
			marks++;
		}
		bodies += m->body[0] != '\0';
	}
	assert_int_equal(marks, 1);
	assert_int_equal(bodies, 1);
	/* And only where, and what, is asked. */
	since = w->nheard;
	world_line(w, .text = "list");
	assert_string_equal(only_since(w, BALCONY, since)->received, "");
	since = w->nheard;
	world_line(w, .id = "line-b", .text = "list", .extra = "<request xmlns='urn:xmpp:receipts'/>");
	assert_int_equal(w->nheard, since + 2);
	for (size_t i = since; i < w->nheard; i++)
		assert_string_equal(w->heard[i].displayed, "");
}

static void
test_encrypted_line_is_answered_that_it_cannot_be_read(void **state)
{
	static const char *const marks[] = {
		"<encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs.conversations.axolotl' name='OMEMO'/>",
		"<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/><payload>AAAA</payload></encrypted>",
	};
	struct world *w = *state;

	world_start(w);
	for (size_t i = 0; i < 2; i++) {
		size_t since = w->nheard;

		world_line(w, .text = SCHEDULES, .extra = marks[i]);
		world_says(only_since(w, BALCONY, since)->body, "ncrypt");
	}
	assert_int_equal(packets_stored(w), 0);
}

/* -- What is no line ------------------------------------------------------------------------------------------------------------ */

static void
test_what_is_no_line_is_not_answered(void **state)
{
	static const struct line lines[] = {
		{ .type = "groupchat", .text = SCHEDULES },
		{ .type = "headline", .text = SCHEDULES },
		{ .type = "error", .text = SCHEDULES },
		{ .type = "error", .text = SCHEDULES, .extra = "<error type='cancel'>"
		    "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>" },
		{ .text = SCHEDULES, .extra = "<delay xmlns='urn:xmpp:delay' stamp='2026-11-22T09:00:00Z'/>" },
		{ .extra = FORWARDED("sent", BALCONY, BOT, SCHEDULES) },
		{ .extra = FORWARDED("received", BALCONY, BOT, SCHEDULES) },
		{ .text = SCHEDULES, .extra = FORWARDED("sent", BALCONY, BOT, SCHEDULES) },
		{ .text = SCHEDULES, .extra = FORWARDED("received", BALCONY, BOT, SCHEDULES) },
		{ .from = JULIET, .extra = FORWARDED("received", ROMEO, BALCONY, SCHEDULES) },
		{ .from = COMPONENT, .text = SCHEDULES },
		{ .from = BOT, .text = SCHEDULES },
		{ .from = "juliet%example.org@" COMPONENT, .text = SCHEDULES },
		{ .extra = "<composing xmlns='http://jabber.org/protocol/chatstates'/>" },
		{ .extra = "<displayed xmlns='urn:xmpp:chat-markers:0' id='a'/>" },
		{ .extra = "<received xmlns='urn:xmpp:receipts' id='AAAAAA'/>" },
		{ .extra = "<subject>list</subject>" },
		{ .from = "example.org", .text = SCHEDULES },
	};
	struct world *w = *state;

	world_start(w);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		size_t since = w->nheard;

		world_write(w, lines[i]);
		world_advance(w, SECOND_MS);
		if (w->nheard != since)
			fail_msg("case %zu is answered with a %s “%s”", i, w->heard[since].type, w->heard[since].body);
		assert_int_equal(packets_stored(w), 0);
	}
	world_says(world_chat(w, NULL, SCHEDULES), "Scheduled");
}

static void
test_stranger_gets_an_error_and_no_answer(void **state)
{
	struct world *w = *state;
	size_t since;

	world_start(w);
	since = w->nheard;
	world_line(w, .from = "tybalt@example.com/square", .text = SCHEDULES, .extra = ASKS);
	const struct heard *m = only_since(w, "tybalt@example.com/square", since);
	assert_string_equal(m->type, "error");
	assert_string_equal(m->condition, "forbidden");
	assert_int_equal(packets_stored(w), 0);
}

static void
test_blocked_user_gets_an_error(void **state)
{
	struct world *w = *state;
	size_t since;

	world_start(w);
	world_chat(w, NULL, "im in 5 minutes " ROMEO);
	world_sql(w, "INSERT INTO account (jid, blocked) VALUES ('" JULIET "', 1)");
	since = w->nheard;
	world_line(w, .text = "Good morning");
	assert_string_equal(only_since(w, BALCONY, since)->condition, "not-allowed");
	assert_int_equal(packets_stored(w), 0);
}

static void
test_message_to_an_alias_is_no_line(void **state)
{
	struct world *w = *state;
	size_t since;

	world_start(w);
	since = w->nheard;
	world_line(w, .to = "nurse%example.org@" COMPONENT, .text = SCHEDULES);
	assert_string_equal(only_since(w, BALCONY, since)->type, "error");
	assert_int_equal(packets_stored(w), 0);
}

/* -- Loops ---------------------------------------------------------------------------------------------------------------------- */

/* A peer that answers everything with itself: what the rate allows at once, a refusal, and silence. */
static void
test_peer_that_echoes_everything_starts_no_loop(void **state)
{
	static const char *const beginnings[] = { "list", "hello", "help", "im", "sms", "abort", "yes", "remind in 5 minutes list" };
	struct world *w = *state;

	world_start(w);
	world_person(w, JULIET)->echoes = true;
	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
		size_t since = w->nheard;

		world_line(w, .text = beginnings[i], .extra = ASKS);
		assert_in_range(world_answers(w, BALCONY, since), 1, 31);
		world_advance(w, HOUR_MS);
		/* What was scheduled is due meanwhile, and may start another round. */
		assert_in_range(w->nheard - since, 1, 70);
		since = w->nheard;
		world_advance(w, DAY_MS);
		assert_int_equal(w->nheard, since);
		world_chat(w, NULL, "abort");
		world_advance(w, HOUR_MS);
	}
}

static void
test_two_answering_machines_do_not_keep_each_other_awake(void **state)
{
	struct world *w = *state;
	size_t since = w->nheard;

	world_person(w, "tybalt@example.com")->echoes = true;
	world_start(w);
	world_line(w, .from = "tybalt@example.com/square", .text = "hello");
	world_advance(w, DAY_MS);
	assert_in_range(w->nheard - since, 1, 2);
}

/* -- The rate ------------------------------------------------------------------------------------------------------------------- */

static void
test_too_many_lines_are_refused_once_and_then_ignored(void **state)
{
	struct world *w = *state;
	size_t since, receipts = 0;

	world_start(w);
	since = w->nheard;
	for (int i = 0; i < 100; i++)
		world_line(w, .text = "list", .extra = ASKS);
	assert_int_equal(world_answers(w, BALCONY, since), 31);
	for (size_t i = since; i < w->nheard; i++)
		receipts += w->heard[i].received[0] != '\0';
	assert_in_range(receipts, 30, 31);
	/* Others are not in their way. */
	world_says(world_chat(w, KITCHEN, "list"), "Nothing is waiting");
	/* Another client of theirs is. */
	assert_string_equal(world_chat(w, JULIET "/phone", "list"), "");
	/* Nobody may be kept from being heard again by what was ignored. */
	world_advance(w, 5 * SECOND_MS);
	world_says(world_chat(w, NULL, "list"), "Nothing is waiting");
	world_advance(w, MINUTE_MS);
	since = w->nheard;
	for (int i = 0; i < 100; i++)
		world_line(w, .text = "list");
	assert_int_equal(world_answers(w, BALCONY, since), 31);
}

static void
test_rate_holds_for_commands_that_schedule(void **state)
{
	struct world *w = *state;

	world_start(w);
	for (int i = 0; i < 100; i++)
		world_line(w, .text = SCHEDULES);
	assert_int_equal(packets_stored(w), 30);
}

static void
test_line_longer_than_a_line_is_refused_whole(void **state)
{
	static char text[40000];
	struct world *w = *state;
	size_t since;

	world_start(w);
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, SCHEDULES, strlen(SCHEDULES));
	since = w->nheard;
	world_line(w, .text = text);
	assert_in_range(strlen(only_since(w, BALCONY, since)->body), 1, 1000);
	assert_int_equal(packets_stored(w), 0);
	text[20000] = '\0';
	since = w->nheard;
	world_line(w, .text = text);
	/* Above body_max: the reason, and not the text again. */
	world_says(only_since(w, BALCONY, since)->body, "10000");
	assert_int_equal(packets_stored(w), 0);
}

static void
test_answers_fit_the_stream_whatever_is_in_them(void **state)
{
	struct world *w = *state;
	const char *said;

	world_start(w);
	for (int i = 0; i < 200; i++)
		world_schedule(w, .when = "in 5 hours", .body = "<&'\"> good morning, good morning, good morning");
	said = world_chat(w, NULL, "list");
	world_says(said, "<&'\"> good");
	assert_in_range(strlen(said), 1000, 64 * 1024);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_answer_has_the_thread_and_type_of_its_line_and_asks_for_nothing),
		WORLD_TEST(test_receipt_and_marker_are_answered_where_asked),
		WORLD_TEST(test_encrypted_line_is_answered_that_it_cannot_be_read),
		WORLD_TEST(test_what_is_no_line_is_not_answered),
		WORLD_TEST(test_stranger_gets_an_error_and_no_answer),
		WORLD_TEST(test_blocked_user_gets_an_error),
		WORLD_TEST(test_message_to_an_alias_is_no_line),
		WORLD_TEST(test_peer_that_echoes_everything_starts_no_loop),
		WORLD_TEST(test_two_answering_machines_do_not_keep_each_other_awake),
		WORLD_TEST(test_too_many_lines_are_refused_once_and_then_ignored),
		WORLD_TEST(test_rate_holds_for_commands_that_schedule),
		WORLD_TEST(test_line_longer_than_a_line_is_refused_whole),
		WORLD_TEST(test_answers_fit_the_stream_whatever_is_in_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
