/* What the recipient's side answers, and in whose name messages leave. */
#include "core/ports.h"
#include "world.h"

#define LOCAL "nurse@example.org"

/* Romeo lets us see his presence, and is online. */
static void
make_contact(struct world *w)
{
	world_sql(w, "INSERT INTO contact (jid, state, changed_at) VALUES ('" ROMEO "', %d, 1)",
	    (int)CONTACT_GRANTED);
	world_person(w, ROMEO)->probe = PROBE_ONLINE;
}

/* A message that has left, with its pong; `offline` as said. */
static const char *
send_one(struct world *w, const char *offline)
{
	const char *id = world_schedule(w, .when = "in 1 minutes", .offline = offline);

	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "sent");
	return id;
}

/* -- Bounces -------------------------------------------------------------------------------------------------------------------- */

static void
test_bounce_turns_auto_into_held_and_it_is_tried_again(void **state)
{
	static const bool before_pong[] = { true, false };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct world *w;
		const struct heard *first;

		world_setup((void **)&w);
		world_start(w);
		const char *id = world_schedule(w, .when = "2026-11-22 11:05:00");
		w->pong = !before_pong[i];
		world_advance_to(w, "2026-11-22T10:05:00Z");
		first = world_only(w, ROMEO);
		assert_string_equal(world_state(w, id), before_pong[i] ? "in flight" : "sent");
		world_bounce(w, first, "service-unavailable", "cancel");
		assert_string_equal(world_state(w, id), "held");
		if (before_pong[i])
			world_pong(w);
		world_advance(w, 30 * SECOND_MS);
		assert_string_equal(world_state(w, id), "held");
		assert_int_equal(world_told(w, "could not be delivered yet (the recipient is not online"), 1);
		world_advance(w, 2 * MINUTE_MS);
		assert_int_equal(world_count(w, ROMEO), 2);
		assert_string_equal(world_state(w, id), "sent");
		for (size_t j = 0; j < w->nheard; j++)
			if (strcmp(w->heard[j].to, ROMEO) == 0 && j > 0) {
				assert_string_equal(w->heard[j].id, id);
				assert_string_equal(w->heard[j].delay, "2026-11-22T10:05:00Z");
			}
		assert_int_equal(world_count(w, JULIET), 1);
		world_teardown((void **)&w);
	}
}

static const struct {
	const char *offline, *condition, *type, *state, *words;
} bounces[] = {
	{ "auto", "service-unavailable", "cancel", "held", "is not online" },
	{ "hold", "recipient-unavailable", "wait", "held", "is not online" },
	{ "server", "service-unavailable", "cancel", "failed", "is not online, or there is no such address" },
	{ "drop", "service-unavailable", "cancel", "failed", "is not online" },
	{ "auto", "remote-server-not-found", "cancel", "held", "cannot be reached" },
	{ "server", "remote-server-not-found", "cancel", "held", "cannot be reached" },
	{ "server", "remote-server-timeout", "wait", "held", "does not answer" },
	{ "server", "resource-constraint", "wait", "held", "no room" },
	{ "drop", "remote-server-timeout", "wait", "failed", "does not answer" },
	{ "auto", "item-not-found", "cancel", "failed", "no such address" },
	{ "auto", "forbidden", "auth", "failed", "does not permit" },
	{ "auto", "gone", "cancel", "failed", "moved away" },
	{ "auto", "made-up", "cancel", "failed", "refused the message" },
	{ "auto", "made-up", "wait", "held", "refused the message" },
};

static void
test_each_bounce_is_told_in_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bounces) / sizeof(bounces[0]); i++) {
		struct world *w;

		world_setup((void **)&w);
		world_start(w);
		make_contact(w);
		const char *id = send_one(w, bounces[i].offline);
		world_bounce(w, world_only(w, ROMEO), bounces[i].condition, bounces[i].type);
		if (strcmp(world_state(w, id), bounces[i].state) != 0)
			fail_msg("%s, %s: is %s", bounces[i].offline, bounces[i].condition, world_state(w, id));
		world_advance(w, 5 * SECOND_MS);
		assert_int_equal(world_count(w, JULIET), 1);
		assert_int_equal(world_told(w, bounces[i].words), 1);
		assert_int_equal(world_told(w, id), 1);
		world_teardown((void **)&w);
	}
}

static void
test_server_that_stays_away_makes_it_fail_after_most_of_a_day(void **state)
{
	struct world *w = *state;

	w->config.schedule.tick_ms = HOUR_MS;
	world_person(w, ROMEO)->bounce = "remote-server-not-found";
	world_person(w, ROMEO)->bounce_type = "cancel";
	world_start(w);
	const char *id = world_schedule(w, .when = "in 1 minutes", .offline = "server");
	world_advance(w, 6 * HOUR_MS);
	assert_string_equal(world_state(w, id), "held");
	size_t tries = world_count(w, ROMEO);
	assert_in_range(tries, 8, 16);
	world_advance(w, 24 * HOUR_MS);
	assert_string_equal(world_state(w, id), "failed");
	assert_int_equal(world_count(w, ROMEO), 24);
	for (size_t i = 0; i < w->nheard; i++)
		if (strcmp(w->heard[i].to, ROMEO) == 0)
			assert_string_equal(w->heard[i].id, id);
	assert_int_equal(world_count(w, JULIET), 2);
	assert_int_equal(world_told(w, "yet"), 1);
	assert_int_equal(world_told(w, "failed: the recipient's server cannot be reached"), 1);
}

static void
test_server_that_comes_back_gets_it(void **state)
{
	struct world *w = *state;

	world_person(w, ROMEO)->bounce = "remote-server-timeout";
	world_person(w, ROMEO)->bounce_type = "wait";
	world_start(w);
	const char *id = world_schedule(w, .when = "in 1 minutes", .offline = "server");
	world_advance(w, HOUR_MS);
	assert_string_equal(world_state(w, id), "held");
	world_person(w, ROMEO)->bounce = NULL;
	world_advance(w, 2 * HOUR_MS);
	assert_string_equal(world_state(w, id), "sent");
}

static const struct {
	const char *condition, *type;
} passing[] = {
	{ "remote-server-timeout", "wait" },
	{ "remote-server-not-found", "cancel" },
	{ "made-up", "wait" },
};

static void
test_what_may_be_held_is_tried_until_it_expires(void **state)
{
	static const char *const choices[] = { "auto", "hold" };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(passing) / sizeof(passing[0]); i++) {
		struct world *w;
		struct person *romeo;

		world_setup((void **)&w);
		w->config.schedule.tick_ms = HOUR_MS;
		romeo = world_person(w, ROMEO);
		romeo->bounce = passing[i / 2].condition;
		romeo->bounce_type = passing[i / 2].type;
		world_start(w);
		make_contact(w);
		const char *id = world_schedule(w, .when = "2026-11-22 12:00",
		    .expires = "2026-11-25 12:00", .offline = choices[i % 2]);
		world_advance_to(w, "2026-11-25T10:59:59Z");
		if (strcmp(world_state(w, id), "held") != 0)
			fail_msg("%s, %s: is %s", choices[i % 2], passing[i / 2].condition,
			    world_state(w, id));
		assert_in_range(world_count(w, ROMEO), 50, 150);
		world_advance(w, SECOND_MS);
		assert_string_equal(world_state(w, id), "expired");
		world_advance(w, MINUTE_MS);
		assert_int_equal(world_count(w, JULIET), 2);
		assert_int_equal(world_told(w, "yet"), 1);
		assert_int_equal(world_told(w, "expired"), 1);
		world_teardown((void **)&w);
	}
}

/* Nobody was away for long: the many tries were about something else. */
static void
test_passing_error_after_many_tries_ends_nothing(void **state)
{
	struct world *w = *state;
	struct person *romeo = world_person(w, ROMEO);

	w->config.schedule.tick_ms = HOUR_MS;
	romeo->bounce = "service-unavailable";
	romeo->bounce_type = "cancel";
	world_start(w);
	const char *id = world_schedule(w, .when = "in 1 minutes");
	world_advance(w, 2 * DAY_MS);
	assert_in_range(world_count(w, ROMEO), 25, 100);
	romeo->bounce = "remote-server-timeout";
	romeo->bounce_type = "wait";
	world_advance(w, 2 * HOUR_MS);
	assert_string_equal(world_state(w, id), "held");
	romeo->bounce = NULL;
	world_advance(w, 2 * HOUR_MS);
	assert_string_equal(world_state(w, id), "sent");
	assert_int_equal(world_count(w, JULIET), 1);
}

static void
test_bounce_of_one_who_is_seen_offline_waits_for_their_presence(void **state)
{
	struct world *w = *state;

	world_start(w);
	make_contact(w);
	const char *id = send_one(w, "auto");
	world_offline(w, ROMEO);
	world_bounce(w, world_only(w, ROMEO), "service-unavailable", "cancel");
	world_advance(w, DAY_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
	world_online(w, ROMEO);
	assert_int_equal(world_count(w, ROMEO), 2);
	assert_string_equal(world_state(w, id), "sent");
}

static void
test_bounce_that_is_not_the_recipients_is_ignored(void **state)
{
	static const char *const liars[] = {
		"mallory@example.net/x", "mallory@example.com", "example.com", "sub.example.net", JULIET "/x", "example.org",
		"romeo@example.net.evil.com",
	};
	struct world *w = *state;

	world_start(w);
	const char *id = send_one(w, "server");
	for (size_t i = 0; i < sizeof(liars) / sizeof(liars[0]); i++) {
		world_send(w, "<message type='error' id='%s' from='%s' to='juliet%%example.org@" COMPONENT "'>"
		    "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>", id, liars[i]);
		assert_string_equal(world_state(w, id), "sent");
	}
	world_send(w, "<message type='error' id='ZZZZZZ' from='" ROMEO "' to='" COMPONENT "'/>"
	    "<message type='error' from='" ROMEO "' to='" COMPONENT "'/>"
	    "<message type='error' id='&lt;&apos;;DROP' from='" ROMEO "' to='" BOT "'/>");
	assert_string_equal(world_state(w, id), "sent");
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_count(w, JULIET), 0);
}

static void
test_bounce_of_the_recipients_server_or_client_counts(void **state)
{
	static const char *const speakers[] = { "example.net", ROMEO "/orchard", "Romeo@Example.NET" };

	(void)state;
	for (size_t i = 0; i < sizeof(speakers) / sizeof(speakers[0]); i++) {
		struct world *w;

		world_setup((void **)&w);
		world_start(w);
		const char *id = send_one(w, "server");
		world_send(w, "<message type='error' id='%s' from='%s' to='juliet%%example.org@" COMPONENT "'>"
		    "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>", id,
		    speakers[i]);
		assert_string_equal(world_state(w, id), "failed");
		world_teardown((void **)&w);
	}
}

static void
test_bounce_after_half_an_hour_is_about_something_else(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *id = send_one(w, "server");
	world_advance(w, 30 * MINUTE_MS + SECOND_MS);
	world_bounce(w, world_only(w, ROMEO), "service-unavailable", "cancel");
	assert_string_equal(world_state(w, id), "sent");
}

static void
test_bounced_notice_does_not_make_notices(void **state)
{
	struct world *w = *state;

	world_person(w, JULIET)->bounce = "item-not-found";
	world_person(w, JULIET)->bounce_type = "cancel";
	world_start(w);
	world_schedule(w, .when = "in 1 minutes", .offline = "drop");
	world_advance(w, HOUR_MS);
	assert_int_equal(world_count(w, JULIET), 1);
	assert_int_equal(w->nheard, 1);
}

static int64_t
notices_in_state(struct world *w, enum packet_state state)
{
	return world_sql(w, "SELECT count(*) FROM packet WHERE recipient = '%s' AND state = %d", JULIET,
	    (int)state);
}

/* Some servers keep nothing for those who are away. */
static void
test_notice_to_a_sender_who_is_away_is_held_and_arrives_later(void **state)
{
	struct world *w = *state;
	const char *id;

	world_person(w, JULIET)->bounce = "service-unavailable";
	world_person(w, JULIET)->bounce_type = "cancel";
	world_start(w);
	id = world_schedule(w, .when = "in 1 minutes", .offline = "drop");
	world_advance(w, 30 * MINUTE_MS);
	assert_string_equal(world_state(w, id), "expired");
	assert_int_equal(notices_in_state(w, PACKET_HELD), 1);
	assert_in_range(world_count(w, JULIET), 2, 20);
	world_person(w, JULIET)->bounce = NULL;
	world_forget(w);
	world_advance(w, 2 * HOUR_MS);
	assert_int_equal(world_count(w, JULIET), 1);
	assert_int_equal(world_told(w, id), 1);
	assert_int_equal(world_told(w, "expired"), 1);
	assert_string_equal(world_only(w, JULIET)->delay, "2026-11-22T10:01:30Z");
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet"), 2);
}

static void
test_notice_that_nobody_fetched_ends_silently(void **state)
{
	struct world *w = *state;

	w->config.schedule.tick_ms = HOUR_MS;
	world_person(w, JULIET)->bounce = "service-unavailable";
	world_person(w, JULIET)->bounce_type = "cancel";
	world_start(w);
	world_schedule(w, .when = "in 1 minutes", .offline = "drop");
	world_advance(w, 8 * DAY_MS);
	assert_int_equal(notices_in_state(w, PACKET_EXPIRED), 1);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet"), 2);
	world_forget(w);
	world_advance(w, DAY_MS);
	assert_int_equal(w->nheard, 0);
}

/* -- Receipts ------------------------------------------------------------------------------------------------------------------- */

static void
test_receipt_makes_it_delivered_before_or_after_the_pong(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *id = send_one(w, "auto");
	world_receipt(w, world_only(w, ROMEO));
	assert_string_equal(world_state(w, id), "delivered");
	world_forget(w);
	id = world_schedule(w, .when = "in 1 minutes");
	w->pong = false;
	world_advance(w, MINUTE_MS);
	world_receipt(w, world_only(w, ROMEO));
	assert_string_equal(world_state(w, id), "delivered");
	world_pong(w);
	assert_string_equal(world_state(w, id), "delivered");
	world_bounce(w, world_only(w, ROMEO), "service-unavailable", "cancel");
	assert_string_equal(world_state(w, id), "delivered");
}

static void
test_receipt_of_somebody_else_says_nothing(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *id = send_one(w, "auto");
	world_send(w, "<message from='mallory@example.com/x' to='" BOT "'><received xmlns='urn:xmpp:receipts' id='%s'/></message>",
	    id);
	assert_string_equal(world_state(w, id), "sent");
}

static void
test_acknowledged_message_is_not_sent_again_after_a_broken_stream(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *id = world_schedule(w, .when = "in 1 minutes");
	w->pong = false;
	world_advance(w, MINUTE_MS);
	world_receipt(w, world_only(w, ROMEO));
	w->pong = true;
	world_cut(w);
	world_advance(w, 5 * MINUTE_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
	assert_string_equal(world_state(w, id), "delivered");
}

/* -- In whose name -------------------------------------------------------------------------------------------------------------- */

static const struct {
	enum server server;
	const char *to, *offline;
	bool online, privileged, keeps_nothing;
} names[] = {
	{ SERVER_PLAIN, ROMEO, "server", false, false, false },
	{ SERVER_PROSODY, ROMEO, "server", false, true, false },
	{ SERVER_PROSODY, ROMEO, "auto", false, false, false }, /* an error would be lost */
	{ SERVER_PROSODY, LOCAL, "auto", true, true, false },
	{ SERVER_PROSODY, LOCAL, "drop", true, true, false },
	{ SERVER_EJABBERD, ROMEO, "server", false, true, false },
	{ SERVER_EJABBERD, LOCAL, "auto", false, false, false },
	{ SERVER_EJABBERD, LOCAL, "auto", true, true, false },
	/* They may have gone without a word, and it would come back to nobody. */
	{ SERVER_EJABBERD, LOCAL, "auto", true, false, true },
	{ SERVER_EJABBERD, LOCAL, "hold", true, false, true },
	{ SERVER_PROSODY, LOCAL, "auto", true, true, true },
};

static void
test_message_is_the_senders_own_where_no_error_can_be_lost(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct world *w;
		const struct heard *m;

		world_setup((void **)&w);
		w->server = names[i].server;
		w->keeps_nothing = names[i].keeps_nothing;
		world_start(w);
		world_schedule(w, .to = names[i].to, .when = "in 1 minutes", .offline = names[i].offline);
		world_advance(w, 30 * SECOND_MS);
		if (names[i].online)
			world_send(w, "<presence from='%s/home' to='" COMPONENT "'/>", names[i].to);
		world_advance(w, 30 * SECOND_MS);
		m = world_only(w, names[i].to);
		if (m->privileged != names[i].privileged)
			fail_msg("case %zu leaves in the wrong name", i);
		assert_string_equal(m->from, m->privileged ? JULIET : "juliet%example.org@" COMPONENT);
		assert_string_equal(m->origin_id, m->id);
		world_teardown((void **)&w);
	}
}

static void
test_refused_privilege_sends_it_from_our_own_address(void **state)
{
	struct world *w = *state;

	w->server = SERVER_PROSODY;
	w->forbids = true;
	world_start(w);
	const char *id = world_schedule(w, .when = "in 1 minutes", .offline = "server");
	world_advance(w, 2 * MINUTE_MS);
	assert_int_equal(world_count(w, ROMEO), 2);
	assert_true(w->heard[0].privileged);
	assert_false(w->heard[1].privileged);
	assert_string_equal(w->heard[0].id, id);
	assert_string_equal(w->heard[1].id, id);
	assert_string_equal(world_state(w, id), "sent");
	/* Once is enough. */
	world_forget(w);
	world_schedule(w, .when = "in 1 minutes", .offline = "server");
	world_advance(w, 2 * MINUTE_MS);
	assert_false(world_only(w, ROMEO)->privileged);
	assert_int_equal(world_count(w, JULIET), 0);
}

static void
test_refused_privileges_of_a_whole_batch_lose_none(void **state)
{
	struct world *w = *state;

	w->server = SERVER_PROSODY;
	w->forbids = true;
	world_start(w);
	for (int i = 0; i < 20; i++)
		world_schedule(w, .when = "2026-11-22 11:05:00", .offline = "server");
	world_advance(w, 10 * MINUTE_MS);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet WHERE state = %d", (int)PACKET_SENT), 20);
	size_t own = 0;
	for (size_t i = 0; i < w->nheard; i++)
		own += !w->heard[i].privileged;
	assert_int_equal(own, 20);
}

static void
test_strangers_cannot_revoke_or_grant_privileges(void **state)
{
	struct world *w = *state;

	w->server = SERVER_PROSODY;
	world_start(w);
	world_send(w, "<message type='error' id='x' from='example.com' to='" COMPONENT "'><error type='auth'>"
	    "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
	    "<message type='error' id='x' from='mallory@example.org/x' to='" COMPONENT "'><error type='auth'>"
	    "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
	    "<message from='example.com' to='" COMPONENT "'><privilege xmlns='urn:xmpp:privilege:2'>"
	    "<perm access='presence' type='managed_entity'/></privilege></message>");
	/* If example.com had given us a view of its presence, nobody there would seem to be online. */
	const char *id = world_schedule(w, .to = "tybalt@example.com", .when = "in 1 minutes");
	world_schedule(w, .when = "in 1 minutes", .offline = "server");
	world_advance(w, 2 * MINUTE_MS);
	assert_string_equal(world_state(w, id), "sent");
	assert_true(world_only(w, ROMEO)->privileged);
}

static void
test_lost_stream_forgets_privileges_and_presence(void **state)
{
	struct world *w = *state;

	w->server = SERVER_PROSODY;
	world_start(w);
	world_send(w, "<presence from='" LOCAL "/home' to='" COMPONENT "'/>");
	w->server = SERVER_PLAIN;
	world_cut(w);
	world_advance(w, 5 * SECOND_MS);
	world_schedule(w, .to = LOCAL, .when = "in 1 minutes");
	world_advance(w, 2 * MINUTE_MS);
	assert_false(world_only(w, LOCAL)->privileged);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounce_turns_auto_into_held_and_it_is_tried_again),
		cmocka_unit_test(test_each_bounce_is_told_in_words),
		WORLD_TEST(test_server_that_stays_away_makes_it_fail_after_most_of_a_day),
		WORLD_TEST(test_server_that_comes_back_gets_it),
		cmocka_unit_test(test_what_may_be_held_is_tried_until_it_expires),
		WORLD_TEST(test_passing_error_after_many_tries_ends_nothing),
		WORLD_TEST(test_bounce_of_one_who_is_seen_offline_waits_for_their_presence),
		WORLD_TEST(test_bounce_that_is_not_the_recipients_is_ignored),
		cmocka_unit_test(test_bounce_of_the_recipients_server_or_client_counts),
		WORLD_TEST(test_bounce_after_half_an_hour_is_about_something_else),
		WORLD_TEST(test_bounced_notice_does_not_make_notices),
		WORLD_TEST(test_notice_to_a_sender_who_is_away_is_held_and_arrives_later),
		WORLD_TEST(test_notice_that_nobody_fetched_ends_silently),
		WORLD_TEST(test_receipt_makes_it_delivered_before_or_after_the_pong),
		WORLD_TEST(test_receipt_of_somebody_else_says_nothing),
		WORLD_TEST(test_acknowledged_message_is_not_sent_again_after_a_broken_stream),
		cmocka_unit_test(test_message_is_the_senders_own_where_no_error_can_be_lost),
		WORLD_TEST(test_refused_privilege_sends_it_from_our_own_address),
		WORLD_TEST(test_refused_privileges_of_a_whole_batch_lose_none),
		WORLD_TEST(test_strangers_cannot_revoke_or_grant_privileges),
		WORLD_TEST(test_lost_stream_forgets_privileges_and_presence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
