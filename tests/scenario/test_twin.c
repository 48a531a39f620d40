/* A second connection with our name, which ejabberd accepts: half of what comes for us goes there. */
#include "replies.h"

#define METRIC "laterd_stream_twins_total"

/* How often one was noticed. */
static int
noticed(struct world *w)
{
	const char *line = strstr(world_web(w, "GET", "/metrics", "", "").body, "\n" METRIC " ");

	assert_non_null(line);
	return atoi(line + strlen("\n" METRIC " "));
}

static void
test_alone_nothing_is_noticed(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_log_begin(w);
	for (int i = 0; i < 20; i++) {
		world_advance(w, 25 * MINUTE_MS + 7 * SECOND_MS);
		world_cut(w);
		world_advance(w, SECOND_MS);
	}
	assert_null(strstr(world_log_end(w), "second connection"));
	assert_int_equal(noticed(w), 0);
	assert_true(w->own > 20 * 25);
	assert_int_equal(w->nheard, 0);
}

/* What it may do with its own pings is not laid down anywhere. */
static void
test_server_that_gives_us_nothing_of_ours_is_no_twin(void **state)
{
	struct world *w = *state;

	w->twin = 1;
	world_start(w);
	world_advance(w, HOUR_MS);
	assert_int_equal(noticed(w), 0);
	assert_int_equal(w->connections, 1);
}

static void
test_twin_is_noticed_and_reported(void **state)
{
	static const size_t shares[] = { 2, 3, 4 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct world *w;
		const char *log;

		world_setup((void **)&w);
		w->twin = shares[i];
		world_log_begin(w);
		world_start(w);
		world_advance(w, 2 * MINUTE_MS);
		log = world_log_end(w);
		world_says(log, "second connection");
		world_says(log, COMPONENT);
		assert_true(noticed(w) >= 1);
		assert_int_equal(world_told_admin(w, "another connection"), 1);
		/* Admins are not told more than once an hour, however long it is there. */
		world_advance_in_silence(w, 50 * MINUTE_MS);
		assert_int_equal(world_told_admin(w, "another connection"), 1);
		assert_in_range(noticed(w), 2, 53);
		world_teardown((void **)&w);
	}
}

static void
test_twin_that_comes_later_is_noticed(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_advance(w, 10 * MINUTE_MS);
	assert_int_equal(noticed(w), 0);
	w->twin = 2;
	world_advance_in_silence(w, 10 * MINUTE_MS);
	int before = noticed(w);
	assert_true(before > 0);
	/* And that it has gone. */
	w->twin = 0;
	world_advance_in_silence(w, 5 * MINUTE_MS);
	before = noticed(w);
	world_advance(w, HOUR_MS);
	assert_int_equal(noticed(w), before);
}

static void
test_ping_of_another_process_tells_of_a_twin(void **state)
{
	struct world *w = *state;
	const char *foreign;

	world_start(w);
	foreign = w->own_last;
	/* One of ours that comes a second time says nothing. */
	world_send(w, "%s", foreign);
	world_advance(w, MINUTE_MS);
	assert_int_equal(noticed(w), 0);
	world_restart(w);
	/* It may still be on its way to the process that we have been. */
	world_send(w, "%s", foreign);
	assert_int_equal(noticed(w), 0);
	world_advance(w, 30 * SECOND_MS);
	world_log_begin(w);
	world_send(w, "%s", foreign);
	world_send(w, "%s", foreign);
	world_says(world_log_end(w), "second connection");
	assert_int_equal(noticed(w), 1);
	world_advance(w, 5 * SECOND_MS);
	assert_int_equal(world_told_admin(w, "another connection"), 1);
}

static void
test_pings_of_others_tell_nothing(void **state)
{
	struct world *w = *state;
	const char *foreign, *id, *end;

	world_start(w);
	foreign = w->own_last;
	world_restart(w);
	world_advance(w, MINUTE_MS);
	id = strstr(foreign, "self-");
	assert_non_null(id);
	end = id + strcspn(id, "'\"");
	for (size_t i = 0; i < 3; i++) {
		static const char *const liars[] = { ORCHARD, "example.org", ("mallory@example.org/" COMPONENT) };

		world_send(w, "<iq type='get' id='%.*s' from='%s' to='" COMPONENT "'><ping xmlns='urn:xmpp:ping'/></iq>", (int)(end - id), id,
		    liars[i]);
		assert_string_equal(world_answer(w, arena_printf(&w->arena, "%.*s", (int)(end - id), id)).type, "result");
		w->nanswers--;
		xmpp_stanza_release(w->answers[w->nanswers]);
	}
	for (size_t i = 0; i < 5; i++) {
		static const char *const ids[] = { "", "self-", "self-0-1", "settle-1", "self-zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz-1" };

		world_send(w, "<iq type='get' id='%s' from='" COMPONENT "' to='" COMPONENT "'><ping xmlns='urn:xmpp:ping'/></iq>", ids[i]);
		world_send(w, "<iq type='set' id='%s' from='" COMPONENT "' to='" COMPONENT "'><ping xmlns='urn:xmpp:ping'/></iq>", ids[i]);
		world_send(w, "<iq type='result' id='%s' from='" BOT "' to='" COMPONENT "'/>", ids[i]);
	}
	assert_int_equal(noticed(w), 0);
}

/* It is on disk before anybody is told; a turn that failed tells it afterwards. */
static int
teardown_with_room(void **state)
{
	world_disk_is_freed();
	return world_teardown(state);
}

static void
test_twin_that_is_noticed_on_a_full_disk_is_told_later(void **state)
{
	struct world *w = *state;
	const char *foreign;

	world_start(w);
	foreign = w->own_last;
	world_restart(w);
	world_advance(w, MINUTE_MS);
	world_log_begin(w);
	world_disk_has(w, 0);
	world_send(w, "%s", foreign);
	assert_int_equal(world_told_admin(w, "another connection"), 0);
	world_disk_is_freed();
	world_advance(w, 2 * MINUTE_MS);
	world_log_end(w);
	assert_int_equal(world_told_admin(w, "another connection"), 1);
}

/* After a crash and a quick restart the server still has our dead connection. */
static void
test_conflict_is_a_failure_like_others(void **state)
{
	struct world *w = *state;
	size_t before;

	world_start(w);
	const char *id = world_schedule(w, .when = "in 5 seconds");
	for (int i = 0; i < 2; i++) {
		before = w->connections;
		world_log_begin(w);
		world_send(w, "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>");
		world_advance(w, 3 * SECOND_MS);
		world_says(world_log_end(w), "conflict");
		assert_int_equal(w->connections, before + 1);
	}
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "sent");
	assert_int_equal(world_count(w, ROMEO), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_alone_nothing_is_noticed),
		WORLD_TEST(test_server_that_gives_us_nothing_of_ours_is_no_twin),
		cmocka_unit_test(test_twin_is_noticed_and_reported),
		WORLD_TEST(test_twin_that_comes_later_is_noticed),
		WORLD_TEST(test_ping_of_another_process_tells_of_a_twin),
		WORLD_TEST(test_pings_of_others_tell_nothing),
		cmocka_unit_test_setup_teardown(test_twin_that_is_noticed_on_a_full_disk_is_told_later, world_setup, teardown_with_room),
		WORLD_TEST(test_conflict_is_a_failure_like_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
