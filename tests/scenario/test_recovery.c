/* Nothing is lost by a crash of ours or of the stream, and what has to be sent again has the same id. */
#include "core/ports.h"
#include "world.h"

#define DUE "2026-11-22T10:03:00Z"

/* -- Stories, told in steps ----------------------------------------------------------------------------------------------------- */

struct story {
	const char *name, *offline, *to;
	enum server server;
	bool held; /* until they come online */
};

struct telling {
	const struct story *story;
	const char *id;
};

static void
step_schedule(struct world *w, struct telling *t)
{
	t->id = world_schedule(w, .to = t->story->to, .when = "2026-11-22 11:03:00", .offline = t->story->offline);
}

static void
step_tick(struct world *w, struct telling *t)
{
	world_advance_to(w, "2026-11-22T10:02:30Z");
	assert_string_equal(world_state(w, t->id), "queued");
}

static void
step_due(struct world *w, struct telling *t)
{
	w->pong = false;
	world_advance_to(w, DUE);
	/* A stream that broke in the step before needs its backoff. */
	world_advance(w, 2 * SECOND_MS);
	assert_string_equal(world_state(w, t->id), t->story->held ? "held" : "in flight");
}

static void
step_online(struct world *w, struct telling *t)
{
	if (t->story->held)
		world_online(w, t->story->to);
	world_advance(w, 2 * SECOND_MS);
	assert_string_equal(world_state(w, t->id), "in flight");
}

static void
step_pong(struct world *w, struct telling *t)
{
	world_pong(w);
	world_advance(w, 2 * SECOND_MS);
	assert_string_equal(world_state(w, t->id), "sent");
}

static void
step_later(struct world *w, struct telling *t)
{
	world_advance(w, 10 * MINUTE_MS);
	assert_string_equal(world_state(w, t->id), "sent");
}

static void (*const steps[])(struct world *w, struct telling *t) = {
	step_schedule, step_tick, step_due, step_online, step_pong, step_later,
};

#define NSTEPS (sizeof(steps) / sizeof(steps[0]))

static const struct story stories[] = {
	{ "left to the server", "server", ROMEO, SERVER_PLAIN, false },
	{ "nothing known", "auto", ROMEO, SERVER_PLAIN, false },
	{ "held until online", "hold", ROMEO, SERVER_PLAIN, true },
	{ "as the sender", "server", "nurse@example.org", SERVER_PROSODY, false },
	{ "held, as the sender", "auto", "nurse@example.org", SERVER_PROSODY, true },
};

#define NSTORIES (sizeof(stories) / sizeof(stories[0]))

/* Tell it, with an accident after step k, and look at what the recipient got. */
static void
tell(const struct story *story, size_t k, void (*accident)(struct world *w))
{
	struct telling t = { .story = story };
	struct world *w;
	size_t n;
	bool in_flight = false;

	world_setup((void **)&w);
	w->server = story->server;
	world_start(w);
	if (story->held)
		world_person(w, story->to)->probe = PROBE_OFFLINE;
	if (story->held && story->server == SERVER_PLAIN)
		world_sql(w, "INSERT INTO contact (jid, state, changed_at) VALUES ('%s', %d, 1)", story->to, (int)CONTACT_GRANTED);
	for (size_t i = 0; i < NSTEPS; i++) {
		steps[i](w, &t);
		if (i != k)
			continue;
		in_flight = strcmp(world_state(w, t.id), "in flight") == 0;
		accident(w);
	}
	n = world_count(w, story->to);
	if (n != (in_flight ? 2 : 1))
		fail_msg("%s: %zu times after an accident after step %zu", story->name, n, k);
	for (size_t i = 0; i < w->nheard; i++)
		if (strcmp(w->heard[i].to, story->to) == 0)
			assert_string_equal(w->heard[i].id, t.id);
	assert_int_equal(world_count(w, JULIET), 0);
	world_teardown((void **)&w);
}

static void
test_restart_between_every_two_steps_loses_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSTORIES; i++)
		for (size_t k = 0; k < NSTEPS; k++)
			tell(&stories[i], k, world_restart);
}

static void
cut_and_come_back(struct world *w)
{
	world_cut(w);
	world_advance(w, SECOND_MS);
}

static void
test_broken_stream_between_every_two_steps_loses_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSTORIES; i++)
		for (size_t k = 0; k < NSTEPS; k++)
			tell(&stories[i], k, cut_and_come_back);
}

/* -- Barriers ------------------------------------------------------------------------------------------------------------------- */

static void
test_batch_without_a_pong_is_sent_again_with_the_same_ids(void **state)
{
	struct world *w = *state;
	const char *ids[3];

	world_start(w);
	for (size_t i = 0; i < 3; i++)
		ids[i] = world_schedule(w, .when = "2026-11-22 11:03:00");
	w->pong = false;
	world_advance_to(w, DUE);
	assert_int_equal(world_count(w, ROMEO), 3);
	w->pong = true;
	world_advance(w, 5 * MINUTE_MS);
	assert_int_equal(w->connections, 2);
	assert_int_equal(world_count(w, ROMEO), 6);
	for (size_t i = 0; i < 3; i++) {
		size_t n = 0;

		for (size_t j = 0; j < w->nheard; j++)
			n += strcmp(w->heard[j].id, ids[i]) == 0 && strcmp(w->heard[j].origin_id, ids[i]) == 0;
		assert_int_equal(n, 2);
		assert_string_equal(world_state(w, ids[i]), "sent");
	}
}

static void
test_nothing_new_leaves_while_a_pong_is_awaited(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "2026-11-22 11:03:00");
	const char *second = world_schedule(w, .to = "nurse@example.net", .when = "2026-11-22 11:03:01");
	w->pong = false;
	world_advance_to(w, "2026-11-22T10:03:30Z");
	assert_int_equal(w->nheard, 1);
	assert_string_equal(world_state(w, second), "queued");
	world_pong(w);
	assert_int_equal(w->nheard, 2);
	assert_string_equal(world_state(w, second), "sent");
}

static void
test_pong_of_a_former_stream_settles_nothing(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *id = world_schedule(w, .when = "2026-11-22 11:03:00");
	w->pong = false;
	world_advance_to(w, DUE);
	const char *old = w->unanswered;
	cut_and_come_back(w);
	assert_int_equal(world_count(w, ROMEO), 2);
	world_send(w, "<iq type='result' id='%s' from='example.org' to='" COMPONENT "'/>", old);
	assert_string_equal(world_state(w, id), "in flight");
	world_pong(w);
	assert_string_equal(world_state(w, id), "sent");
}

static void
test_pong_of_somebody_else_settles_nothing(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *id = world_schedule(w, .when = "2026-11-22 11:03:00");
	w->pong = false;
	world_advance_to(w, DUE);
	world_send(w, "<iq type='result' id='%s' from='example.com' to='" COMPONENT "'/>"
	    "<iq type='result' id='%s' from='mallory@example.org/x' to='" COMPONENT "'/>", w->unanswered, w->unanswered);
	assert_string_equal(world_state(w, id), "in flight");
}

/* A server that does not know the ping answers with an error, which says as much. */
static void
test_error_to_the_ping_settles_as_well(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *id = world_schedule(w, .when = "2026-11-22 11:03:00");
	w->pong = false;
	world_advance_to(w, DUE);
	world_send(w, "<iq type='error' id='%s' from='example.org' to='" COMPONENT "'><error type='cancel'>"
	    "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>", w->unanswered);
	assert_string_equal(world_state(w, id), "sent");
}

/* -- Cancelling ------------------------------------------------------------------------------- */

/* Romeo lets us see his presence. */
static void
make_contact(struct world *w, enum answers_probe probe)
{
	world_sql(w, "INSERT INTO contact (jid, state, changed_at) VALUES ('" ROMEO "', %d, 1)",
	    (int)CONTACT_GRANTED);
	world_person(w, ROMEO)->probe = probe;
}

static int64_t
charged(struct world *w)
{
	return world_sql(w, "SELECT coalesce(sum(count), 0) FROM charge WHERE sender <> 'service'");
}

/* Between a stream that broke and the new one being ready, it waits to be sent again. */
static void
test_cancel_of_what_had_left_says_so_and_gives_nothing_back(void **state)
{
	static void (*const accidents[])(struct world *w) = { world_cut, world_crash };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct world *w;

		world_setup((void **)&w);
		world_start(w);
		const char *left = world_schedule(w, .when = "2026-11-22 11:05:00");
		const char *not_yet =
		    world_schedule(w, .to = "nurse@example.net", .when = "2026-11-22 11:05:01");
		w->pong = false;
		world_advance_to(w, "2026-11-22T10:05:00Z");
		assert_string_equal(world_state(w, left), "in flight");
		w->slow_start = true;
		accidents[i](w);
		if (w->laterd == NULL)
			world_start(w);
		world_advance(w, 2 * SECOND_MS);
		struct answer a = world_command(w, .node = "cancel", .fields = { "ids", left });
		assert_non_null(strstr(a.note, "may have arrived"));
		assert_string_equal(world_state(w, left), "cancelled");
		assert_int_equal(charged(w), 2);
		a = world_command(w, .node = "cancel", .fields = { "ids", not_yet });
		assert_non_null(strstr(a.note, ": cancelled."));
		assert_int_equal(charged(w), 1);
		w->slow_start = false;
		w->pong = true;
		world_cut(w);
		world_advance(w, MINUTE_MS);
		assert_int_equal(world_count(w, ROMEO), 1);
		assert_int_equal(world_count(w, "nurse@example.net"), 0);
		world_teardown((void **)&w);
	}
}

/* However it came to be held, before it left or after. */
static void
test_cancel_of_what_is_held_knows_whether_it_had_left(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	make_contact(w, PROBE_ONLINE);
	const char *left = world_schedule(w, .when = "in 1 minutes", .offline = "hold");
	const char *bounced = world_schedule(w, .to = "nurse@example.net", .when = "in 1 minutes");
	w->pong = false;
	world_advance(w, MINUTE_MS);
	world_bounce(w, world_only(w, "nurse@example.net"), "service-unavailable", "cancel");
	assert_string_equal(world_state(w, left), "in flight");
	w->pong = true;
	world_person(w, ROMEO)->probe = PROBE_OFFLINE;
	world_cut(w);
	world_advance(w, 5 * SECOND_MS);
	assert_string_equal(world_state(w, left), "held");
	a = world_command(w, .node = "cancel", .fields = { "ids", left });
	assert_non_null(strstr(a.note, "may have arrived"));
	assert_int_equal(charged(w), 2);
	a = world_command(w, .node = "cancel", .fields = { "ids", bounced });
	assert_non_null(strstr(a.note, ": cancelled."));
	assert_int_equal(charged(w), 1);
}

static void
test_cancel_of_what_left_the_hold_says_so(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	make_contact(w, PROBE_OFFLINE);
	const char *id = world_schedule(w, .when = "in 1 minutes");
	world_advance(w, 2 * MINUTE_MS);
	w->pong = false;
	world_online(w, ROMEO);
	assert_string_equal(world_state(w, id), "in flight");
	w->slow_start = true;
	world_cut(w);
	world_advance(w, 2 * SECOND_MS);
	a = world_command(w, .node = "cancel", .fields = { "ids", id });
	assert_non_null(strstr(a.note, "may have arrived"));
	assert_string_equal(world_state(w, id), "cancelled");
	assert_int_equal(charged(w), 1);
}

/* -- What was known of presence is lost with the stream --------------------------------------- */

static const struct {
	enum answers_probe probe;
	const char *when_due[2], *a_minute_later;
} drops[] = {
	{ PROBE_ONLINE, { "sent", "sent" }, "sent" },
	{ PROBE_OFFLINE, { "expired", "expired" }, "expired" },
	/* Silence becomes an answer after a while. */
	{ PROBE_SILENCE, { "expired", "held" }, "expired" },
};

static void
test_drop_asks_again_what_a_restart_or_a_broken_stream_forgot(void **state)
{
	static void (*const accidents[])(struct world *w) = { world_cut, world_restart };
	/* It is queued; the new stream is not up yet when it is due. */
	static const int64_t seconds[] = { 10, 59 };

	(void)state;
	for (size_t i = 0; i < 3 * 2 * 2; i++) {
		size_t d = i / 4, s = i % 2;
		struct world *w;

		world_setup((void **)&w);
		world_start(w);
		make_contact(w, PROBE_ONLINE);
		const char *id = world_schedule(w, .when = "in 1 minutes", .offline = "drop");
		world_advance(w, seconds[s] * SECOND_MS);
		world_person(w, ROMEO)->probe = drops[d].probe;
		world_forget(w);
		accidents[i / 2 % 2](w);
		world_advance(w, (62 - seconds[s]) * SECOND_MS);
		if (strcmp(world_state(w, id), drops[d].when_due[s]) != 0)
			fail_msg("case %zu is %s", i, world_state(w, id));
		assert_int_equal(world_signals(w, "probe", ROMEO), 1);
		world_advance(w, MINUTE_MS);
		assert_string_equal(world_state(w, id), drops[d].a_minute_later);
		assert_int_equal(world_count(w, ROMEO), drops[d].probe == PROBE_ONLINE);
		world_teardown((void **)&w);
	}
}

static void
test_drop_is_held_while_the_probe_is_under_way_and_then_sent(void **state)
{
	struct world *w = *state;

	world_start(w);
	make_contact(w, PROBE_SILENCE);
	const char *id = world_schedule(w, .when = "in 2 minutes", .offline = "drop");
	world_advance(w, 118 * SECOND_MS);
	world_restart(w);
	world_advance(w, 4 * SECOND_MS);
	assert_string_equal(world_state(w, id), "held");
	world_restart(w);
	world_advance(w, SECOND_MS);
	assert_string_equal(world_state(w, id), "held");
	world_online(w, ROMEO);
	assert_string_equal(world_state(w, id), "sent");
	assert_int_equal(world_count(w, ROMEO), 1);
}

/* -- Ends ----------------------------------------------------------------------------------------------------------------------- */

static void
test_commands_and_their_answers_survive_a_lost_stream(void **state)
{
	struct world *w = *state;
	struct ask filled = world_im(.when = "in 1 hours");
	struct answer a;

	world_start(w);
	filled.action = "next";
	a = world_ask(w, filled);
	cut_and_come_back(w);
	a = world_command(w, .node = "im", .session = a.session, .action = "complete");
	assert_string_equal(a.status, "completed");
}

static void
test_drain_waits_for_the_pong_and_then_closes(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *id = world_schedule(w, .when = "in 10 seconds");
	const char *next = world_schedule(w, .when = "in 11 seconds");
	w->pong = false;
	world_advance(w, 10 * SECOND_MS);
	laterd_drain(w->laterd);
	world_settle(w);
	assert_false(laterd_done(w->laterd));
	world_pong(w);
	world_advance(w, SECOND_MS);
	assert_true(laterd_done(w->laterd));
	assert_string_equal(world_state(w, id), "sent");
	assert_string_equal(world_state(w, next), "queued");
	world_restart(w);
	world_advance(w, 20 * SECOND_MS);
	assert_int_equal(world_count(w, ROMEO), 2);
}

static void
test_drain_does_not_wait_for_ever(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *id = world_schedule(w, .when = "in 10 seconds");
	w->pong = false;
	world_advance(w, 10 * SECOND_MS);
	laterd_drain(w->laterd);
	world_advance(w, MINUTE_MS);
	assert_true(laterd_done(w->laterd));
	w->pong = true;
	world_restart(w);
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_count(w, ROMEO), 2);
	assert_string_equal(w->heard[1].id, id);
}

static void
test_drain_without_a_stream_ends_at_once(void **state)
{
	struct world *w = *state;

	w->server_down = true;
	world_start(w);
	laterd_drain(w->laterd);
	world_advance(w, SECOND_MS);
	assert_true(laterd_done(w->laterd));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_restart_between_every_two_steps_loses_nothing),
		cmocka_unit_test(test_broken_stream_between_every_two_steps_loses_nothing),
		WORLD_TEST(test_batch_without_a_pong_is_sent_again_with_the_same_ids),
		WORLD_TEST(test_nothing_new_leaves_while_a_pong_is_awaited),
		WORLD_TEST(test_pong_of_a_former_stream_settles_nothing),
		WORLD_TEST(test_pong_of_somebody_else_settles_nothing),
		WORLD_TEST(test_error_to_the_ping_settles_as_well),
		cmocka_unit_test(test_cancel_of_what_had_left_says_so_and_gives_nothing_back),
		WORLD_TEST(test_cancel_of_what_is_held_knows_whether_it_had_left),
		WORLD_TEST(test_cancel_of_what_left_the_hold_says_so),
		cmocka_unit_test(test_drop_asks_again_what_a_restart_or_a_broken_stream_forgot),
		WORLD_TEST(test_drop_is_held_while_the_probe_is_under_way_and_then_sent),
		WORLD_TEST(test_commands_and_their_answers_survive_a_lost_stream),
		WORLD_TEST(test_drain_waits_for_the_pong_and_then_closes),
		WORLD_TEST(test_drain_does_not_wait_for_ever),
		WORLD_TEST(test_drain_without_a_stream_ends_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
