/* What a new stream begins with: nothing is believed from before, and everything leaves in its order, with its own id. */
#include "core/ports.h"
#include "world.h"

#define LOCAL "nurse@example.org"

static void
make_contact(struct world *w, const char *jid, enum answers_probe probe)
{
	world_sql(w, "INSERT INTO contact (jid, state, changed_at) VALUES ('%s', %d, 1)", jid, (int)CONTACT_GRANTED);
	world_person(w, jid)->probe = probe;
}

static void
cut_for(struct world *w, int64_t ms)
{
	w->server_down = true;
	world_cut(w);
	world_advance(w, ms);
	w->server_down = false;
	/* The longest backoff. */
	world_advance(w, MINUTE_MS);
}

static void
crash_for(struct world *w, int64_t ms)
{
	world_crash(w);
	world_advance(w, ms);
	world_start(w);
	world_advance(w, SECOND_MS);
}

static void (*const outages[])(struct world *w, int64_t ms) = { cut_for, crash_for };

#define NOUTAGES (sizeof(outages) / sizeof(outages[0]))

/* -- Order ---------------------------------------------------------------------------------------------------------------------- */

static void
expect_ids(const struct world *w, size_t from, const char *const *ids, size_t n)
{
	assert_true(w->nheard >= from + n);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(w->heard[from + i].id, ids[i]);
		assert_string_equal(w->heard[from + i].origin_id, ids[i]);
	}
}

/*
 * Three are on their way, two wait for their pong, and one falls due in the outage.  They were written in another order, and
 * no second of the first three is the same.
 */
static void
test_what_was_on_its_way_goes_first_and_all_in_the_order_of_their_times(void **state)
{
	static const struct {
		const char *when;
		size_t place;
	} messages[] = {
		{ "2026-11-22 11:03:20", 5 }, { "2026-11-22 11:02:59", 1 }, { "2026-11-22 11:03:05", 4 },
		{ "2026-11-22 11:02:58", 0 }, { "2026-11-22 11:03:04", 3 }, { "2026-11-22 11:03:00", 2 },
	};
	enum { N = sizeof(messages) / sizeof(messages[0]) };

	(void)state;
	for (size_t o = 0; o < NOUTAGES; o++) {
		const char *ids[N];
		struct world *w;

		world_setup((void **)&w);
		world_start(w);
		for (size_t i = 0; i < N; i++)
			ids[messages[i].place] = world_schedule(w, .when = messages[i].when);
		/* So that three of different times are one batch. */
		world_advance_to(w, "2026-11-22T10:02:30Z");
		w->slow_start = true;
		world_cut(w);
		world_advance_to(w, "2026-11-22T10:03:01Z");
		assert_int_equal(w->nheard, 0);
		w->slow_start = false;
		w->pong = false;
		world_cut(w);
		world_advance_to(w, "2026-11-22T10:03:10Z");
		assert_int_equal(w->nheard, 3);
		expect_ids(w, 0, ids, 3);
		w->pong = true;
		outages[o](w, 30 * SECOND_MS);
		assert_int_equal(w->nheard, 3 + N);
		expect_ids(w, 3, ids, N);
		for (size_t i = 0; i < N; i++)
			assert_string_equal(world_state(w, ids[i]), "sent");
		world_teardown((void **)&w);
	}
}

/* However often it breaks, no other id is ever seen. */
static void
test_no_message_is_ever_sent_with_two_ids(void **state)
{
	struct world *w = *state;
	const char *ids[5];

	world_start(w);
	for (size_t i = 0; i < 5; i++)
		ids[i] = world_schedule(w, .when = "2026-11-22 11:03:00");
	w->pong = false;
	world_advance_to(w, "2026-11-22T10:03:00Z");
	for (size_t i = 0; i < 6; i++)
		outages[i % NOUTAGES](w, 10 * SECOND_MS);
	world_pong(w);
	assert_int_equal(w->nheard, 7 * 5);
	for (size_t i = 0; i < w->nheard; i++) {
		size_t known = 0;

		for (size_t k = 0; k < 5; k++)
			known += strcmp(w->heard[i].id, ids[k]) == 0;
		assert_int_equal(known, 1);
	}
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(world_state(w, ids[i]), "sent");
	world_advance(w, HOUR_MS);
	assert_int_equal(w->nheard, 7 * 5);
}

/* -- What was known before ------------------------------------------------------------------------------------------------------ */

static void
test_who_was_online_before_is_asked_again(void **state)
{
	static const struct {
		const char *offline;
		enum answers_probe probe;
		const char *state, *later;
	} cases[] = {
		{ "hold", PROBE_OFFLINE, "held", "held" },
		{ "hold", PROBE_SILENCE, "held", "held" },
		{ "hold", PROBE_ONLINE, "sent", "sent" },
		{ "drop", PROBE_OFFLINE, "expired", "expired" },
		{ "drop", PROBE_ONLINE, "sent", "sent" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]) * NOUTAGES; i++) {
		size_t c = i / NOUTAGES;
		struct world *w;

		world_setup((void **)&w);
		world_start(w);
		make_contact(w, ROMEO, PROBE_ONLINE);
		world_schedule(w, .when = "in 1 minutes", .offline = "hold");
		world_advance(w, 2 * MINUTE_MS);
		assert_int_equal(world_count(w, ROMEO), 1);
		const char *id = world_schedule(w, .when = "in 10 seconds", .offline = cases[c].offline);
		world_forget(w);
		world_person(w, ROMEO)->probe = cases[c].probe;
		outages[i % NOUTAGES](w, 30 * SECOND_MS);
		if (strcmp(world_state(w, id), cases[c].state) != 0)
			fail_msg("case %zu is %s", i, world_state(w, id));
		world_advance(w, 5 * MINUTE_MS);
		assert_string_equal(world_state(w, id), cases[c].later);
		assert_int_equal(world_signals(w, "probe", ROMEO), 1);
		assert_int_equal(world_count(w, ROMEO), cases[c].probe == PROBE_ONLINE);
		world_teardown((void **)&w);
	}
}

/* Errors of what leaves as the sender are lost, so it takes more than a memory of their being online. */
static void
test_nothing_leaves_for_who_was_online_before(void **state)
{
	struct world *w = *state;

	w->server = SERVER_PROSODY;
	world_start(w);
	make_contact(w, ROMEO, PROBE_ONLINE);
	world_schedule(w, .when = "in 1 minutes");
	world_advance(w, 2 * MINUTE_MS);
	assert_true(world_only(w, ROMEO)->privileged);
	const char *id = world_schedule(w, .when = "in 10 seconds");
	world_forget(w);
	world_person(w, ROMEO)->probe = PROBE_SILENCE;
	cut_for(w, 30 * SECOND_MS);
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "held");
	assert_int_equal(world_count(w, ROMEO), 0);
}

static void
test_who_left_during_the_outage_is_offline_where_all_is_shown(void **state)
{
	struct world *w = *state;

	w->server = SERVER_PROSODY;
	world_person(w, LOCAL)->probe = PROBE_ONLINE;
	world_start(w);
	const char *id = world_schedule(w, .to = LOCAL, .when = "in 1 minutes");
	world_advance(w, 40 * SECOND_MS);
	world_person(w, LOCAL)->probe = PROBE_OFFLINE;
	cut_for(w, 30 * SECOND_MS);
	assert_string_equal(world_state(w, id), "held");
	assert_int_equal(world_count(w, LOCAL), 0);
	world_send(w, "<presence from='" LOCAL "/home' to='" COMPONENT "'/>");
	assert_string_equal(world_only(w, LOCAL)->id, id);
}

/* -- Answers that take their time ----------------------------------------------------------------------------------------------- */

/* A remote server may have to be connected to first. */
static void
test_probe_that_is_answered_late_still_lets_the_messages_go(void **state)
{
	static const char *const choices[] = { "hold", "auto" };

	(void)state;
	for (size_t i = 0; i < 2 * NOUTAGES; i++) {
		struct world *w;

		world_setup((void **)&w);
		world_start(w);
		make_contact(w, ROMEO, PROBE_OFFLINE);
		const char *id = world_schedule(w, .when = "in 1 minutes", .offline = choices[i / NOUTAGES]);
		world_advance(w, 2 * MINUTE_MS);
		assert_string_equal(world_state(w, id), "held");
		world_person(w, ROMEO)->probe = PROBE_SILENCE;
		world_forget(w);
		outages[i % NOUTAGES](w, 10 * SECOND_MS);
		world_advance(w, 90 * SECOND_MS);
		assert_string_equal(world_state(w, id), "held");
		assert_int_equal(world_signals(w, "probe", ROMEO), 1);
		world_send(w, "<presence from='" ROMEO "/orchard' to='" BOT "'/>");
		assert_string_equal(world_state(w, id), "sent");
		assert_string_equal(world_only(w, ROMEO)->id, id);
		world_teardown((void **)&w);
	}
}

/* Nor does the error that a remote server's absence brings mean that they are gone for good. */
static void
test_probe_that_comes_back_with_an_error_is_silence(void **state)
{
	struct world *w = *state;

	world_start(w);
	make_contact(w, ROMEO, PROBE_SILENCE);
	const char *id = world_schedule(w, .when = "in 1 minutes", .offline = "hold");
	world_advance(w, 40 * SECOND_MS);
	world_send(w, "<presence type='error' from='" ROMEO "' to='" BOT "'><error type='wait'>"
	    "<remote-server-timeout xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>");
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "held");
	assert_int_equal(world_sql(w, "SELECT state FROM contact WHERE jid = '" ROMEO "'"), CONTACT_GRANTED);
	world_online(w, ROMEO);
	assert_string_equal(world_only(w, ROMEO)->id, id);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_on_its_way_goes_first_and_all_in_the_order_of_their_times),
		WORLD_TEST(test_no_message_is_ever_sent_with_two_ids),
		cmocka_unit_test(test_who_was_online_before_is_asked_again),
		WORLD_TEST(test_nothing_leaves_for_who_was_online_before),
		WORLD_TEST(test_who_left_during_the_outage_is_offline_where_all_is_shown),
		cmocka_unit_test(test_probe_that_is_answered_late_still_lets_the_messages_go),
		WORLD_TEST(test_probe_that_comes_back_with_an_error_is_silence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
