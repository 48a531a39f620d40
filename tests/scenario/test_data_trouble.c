/* Copies and deletions of what is stored about a user, when something else happens in the middle. */
#include <jansson.h>
#include <sqlite3.h>

#include "world.h"

#define NURSE "nurse@example.org/kitchen"
/* What is left of juliet, and of what the bot has told her. */
#define LEFT "SELECT count(*) FROM packet WHERE '" JULIET "' IN (sender, recipient)"

static int
teardown_with_room(void **state)
{
	world_disk_is_freed();
	return world_teardown(state);
}

static void
forget_from(struct world *w, const char *from)
{
	struct answer a = world_command(w, .from = from, .node = "forget", .fields = { "confirm", "1" });

	assert_string_equal(a.status, "completed");
	assert_string_equal(a.note_type, "info");
}

static void
forget(struct world *w)
{
	forget_from(w, JULIET "/balcony");
}

/* So many messages of juliet that are stored as sent, behind laterd's back. */
static void
put_sent(struct world *w, int n)
{
	world_schedule(w, .when = "in 1 minutes");
	world_advance(w, 2 * MINUTE_MS);
	world_sql(w,
	    "WITH RECURSIVE i (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM i WHERE n < %d) "
	    "INSERT INTO packet (id, sender, recipient, kind, state, offline, created_at, due_at, next_at, expires_at, sent_at, "
	    "finished_at, attempts, held, charge_day, charge_units, zone, sealed) SELECT printf('S%%05d', i.n), sender, recipient, kind, "
	    "state, offline, created_at, due_at, next_at, expires_at, sent_at - i.n, finished_at - i.n, attempts, held, 0, 0, zone, sealed "
	    "FROM packet, i WHERE state = 5 AND sender = '" JULIET "'",
	    n);
}

/* -- Copies --------------------------------------------------------------------------------------------------------------------- */

static void
test_copy_that_cannot_be_stored_is_told_later(void **state)
{
	struct world *w = *state;
	sqlite3 *other;

	world_start(w);
	world_schedule(w, .when = "in 5 hours");
	world_command(w, .node = "export");
	/* Somebody else writes when the document is to be stored. */
	assert_int_equal(sqlite3_open(w->config.store.database, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	world_advance_in_silence(w, 100);
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	world_advance(w, 10 * SECOND_MS);
	assert_int_equal(world_told(w, "\"messages\""), 1);
	/* And that was all. */
	size_t turns = w->turns;
	world_advance(w, 30 * SECOND_MS);
	assert_in_range(w->turns - turns, 0, 10);
	world_command(w, .node = "export");
	world_advance(w, SECOND_MS);
	assert_int_equal(world_told(w, "\"messages\""), 2);
}

static void
test_copy_is_not_handed_over_after_its_user_was_forgotten(void **state)
{
	struct world *w = *state;

	w->uploads = true;
	world_start(w);
	put_sent(w, 150);
	world_command(w, .node = "export");
	world_advance(w, 1);
	forget(w);
	world_advance(w, 30 * SECOND_MS);
	assert_int_equal(w->slots, 0);
	assert_int_equal(world_count(w, JULIET), 0);
	assert_int_equal(world_sql(w, LEFT), 0);
}

static size_t
members(json_t *document, const char *list)
{
	return json_array_size(json_object_get(document, list));
}

static void
test_copy_of_much_that_waits_is_made_in_steps(void **state)
{
	struct world *w = *state;
	const struct requested *r;
	json_t *json;

	w->uploads = true;
	world_start(w);
	for (int i = 0; i < 150; i++)
		world_schedule(w, .when = "in 5 hours", .body = "Good morning, good morning, good morning");
	for (int i = 0; i < 130; i++)
		world_schedule(w, .when = "in 5 hours", .body = "{date}", .repeat = "daily");
	world_command(w, .node = "export");
	size_t turns = w->turns;
	world_advance(w, 4);
	assert_in_range(w->turns - turns, 4, 5);
	/* Those that it has not come to, and that do not wait any more, are in it as well. */
	world_sql(w, "UPDATE packet SET state = 5, finished_at = due_at WHERE n > 200 AND n %% 7 = 0");
	world_advance(w, 10 * SECOND_MS);
	r = world_request(w, UPLOADS_PUT);
	assert_non_null(r);
	json = json_loadb(r->body.p, r->body.len, 0, NULL);
	assert_non_null(json);
	assert_int_equal(members(json, "recurrences"), 130);
	assert_int_equal(members(json, "messages"), 280);
	json_decref(json);
}

/* -- Deletions ------------------------------------------------------------------------------------------------------------------ */

static void
test_step_of_a_deletion_that_could_not_be_stored_is_done_later(void **state)
{
	struct world *w = *state;
	size_t turns;

	world_start(w);
	for (int step = 0; step < 9; step++) {
		put_sent(w, 900);
		forget(w);
		world_advance(w, step);
		world_disk_has(w, 0);
		world_advance_in_silence(w, 1);
		world_disk_is_freed();
		world_advance(w, 10 * SECOND_MS);
		assert_int_equal(world_sql(w, LEFT), 0);
		assert_int_equal(world_sql(w, "SELECT count(*) FROM forget"), 0);
	}
	/* And that was all. */
	turns = w->turns;
	world_advance(w, 30 * SECOND_MS);
	assert_in_range(w->turns - turns, 0, 10);
}

static void
test_notice_on_its_way_is_forgotten_as_well(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "in 5 hours");
	world_command(w, .node = "export");
	w->pong = false;
	world_advance(w, SECOND_MS);
	assert_int_equal(world_sql(w, "SELECT state FROM packet WHERE recipient = '" JULIET "'"), 4);
	forget(w);
	world_advance(w, 10 * SECOND_MS);
	world_pong(w);
	world_advance(w, 10 * SECOND_MS);
	assert_int_equal(world_sql(w, LEFT), 0);
}

static void
test_notice_that_waits_for_the_stream_is_forgotten_as_well(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "in 5 hours");
	world_schedule(w, .from = NURSE, .when = "in 5 hours");
	world_command(w, .node = "export");
	world_command(w, .from = NURSE, .node = "export");
	forget(w);
	w->slow_start = true;
	world_cut(w);
	world_advance(w, 10 * SECOND_MS);
	w->slow_start = false;
	world_cut(w);
	world_advance(w, 2 * MINUTE_MS);
	assert_int_equal(world_sql(w, LEFT), 0);
	assert_int_equal(world_count(w, JULIET), 0);
	assert_int_equal(world_count(w, "nurse@example.org"), 1);
}

static void
test_bounce_during_a_deletion_brings_nothing_back(void **state)
{
	struct world *w = *state;

	world_start(w);
	put_sent(w, 900);
	struct heard m = *world_only(w, ROMEO);
	/* The oldest, which the deletion comes to last. */
	world_sql(w, "UPDATE packet SET finished_at = finished_at - 10000 WHERE id = '%s'", m.id);
	forget(w);
	world_advance(w, 2);
	world_bounce(w, &m, "service-unavailable", "cancel");
	assert_string_equal(world_state(w, m.id), "held");
	world_advance(w, 10 * SECOND_MS);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet WHERE sender = '" JULIET "'"), 0);
	world_online(w, ROMEO);
	world_advance(w, 3 * DAY_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
}

static void
test_who_wishes_again_and_again_keeps_nobody_waiting(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .from = "abram@example.org/square", .when = "in 1 minutes");
	put_sent(w, 3000);
	forget(w);
	for (int i = 0; i < 40; i++) {
		world_advance(w, 2);
		forget_from(w, "abram@example.org/square");
	}
	assert_int_equal(world_sql(w, LEFT), 0);
}

static void
test_more_waits_than_is_looked_at_once(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "in 5 hours");
	world_sql(w,
	    "WITH RECURSIVE i (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM i WHERE n < 6000) "
	    "INSERT INTO packet (id, sender, recipient, kind, state, offline, created_at, due_at, next_at, expires_at, sent_at, "
	    "finished_at, attempts, held, charge_day, charge_units, zone, sealed) SELECT printf('S%%05d', i.n), sender, recipient, kind, "
	    "state, offline, created_at - i.n, due_at, next_at, expires_at, 0, 0, 0, 0, 0, 0, zone, sealed FROM packet, i WHERE state = 1");
	forget(w);
	world_advance(w, 100);
	assert_int_equal(world_sql(w, LEFT), 0);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM event"), 0);
}

/* In one piece, so that both have the same instant. */
static void
test_what_is_scheduled_right_after_the_wish_stays(void **state)
{
	struct world *w = *state;
	struct ask wish = { .node = "forget", .action = "complete", .fields = { "confirm", "1" } };
	struct ask im = world_im(.when = "in 1 hours", .body = "A new life");

	world_start(w);
	world_schedule(w, .when = "in 1 hours");
	const char *first = world_ask_xml(w, &wish), *second = world_ask_xml(w, &im);
	world_send(w, "%s%s", first, second);
	assert_string_equal(world_answer(w, wish.id).note_type, "info");
	assert_string_equal(world_answer(w, im.id).status, "completed");
	world_advance(w, 2 * HOUR_MS);
	assert_string_equal(world_only(w, ROMEO)->body, "A new life");
}

#define ROOM_TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, teardown_with_room)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_copy_that_cannot_be_stored_is_told_later),
		WORLD_TEST(test_copy_of_much_that_waits_is_made_in_steps),
		WORLD_TEST(test_copy_is_not_handed_over_after_its_user_was_forgotten),
		ROOM_TEST(test_step_of_a_deletion_that_could_not_be_stored_is_done_later),
		WORLD_TEST(test_notice_on_its_way_is_forgotten_as_well),
		WORLD_TEST(test_notice_that_waits_for_the_stream_is_forgotten_as_well),
		WORLD_TEST(test_bounce_during_a_deletion_brings_nothing_back),
		WORLD_TEST(test_who_wishes_again_and_again_keeps_nobody_waiting),
		WORLD_TEST(test_more_waits_than_is_looked_at_once),
		WORLD_TEST(test_what_is_scheduled_right_after_the_wish_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
