/* The service as a whole in the hands of its operators: its configuration, copies, the end; and the log of what they do. */
#include <sqlite3.h>
#include <sys/stat.h>

#include "chat.h"

static void
begin(struct world *w)
{
	w->config.http.public_url = "http://127.0.0.1:5580";
	world_gateway(w, .info.name = "office");
	world_start(w);
	world_online(w, JULIET);
	world_online(w, ROMEO);
	world_online(w, ADMIN);
}

/* -- Reload --------------------------------------------------------------------------------------------------------------------- */

static void
test_reload_takes_the_new_file_and_loses_nothing(void **state)
{
	struct world *w = *state;
	struct config other;

	begin(w);
	const char *id = world_schedule(w, .when = "in 2 minutes"), *sms = world_schedule_sms(w, .when = "in 2 minutes");
	world_phone(w, "http://office", .end = PHONE_WAITS);
	const char *flies = world_schedule_sms(w, .when = "in 1 seconds");
	world_advance(w, SECOND_MS);
	assert_string_equal(world_state(w, flies), "in flight");
	other = w->config;
	other.quota[KIND_IM] = (struct quota_limit){ 0, 0 };
	w->other = &other;
	DONE(w, "reload", NULL);
	world_advance(w, SECOND_MS);
	assert_int_equal(w->reloads, 1);
	assert_int_equal(world_told_admin(w, "configuration"), 1);
	assert_string_equal(world_ask(w, world_im(.when = "in 1 hours")).note_type, "error");
	world_phone_end(w, 0, .end = PHONE_ANSWERS);
	world_phone(w, "http://office", .end = PHONE_ANSWERS);
	world_advance(w, 3 * MINUTE_MS);
	assert_string_equal(world_state(w, id), "sent");
	assert_string_equal(world_state(w, sms), "sent");
	assert_string_equal(world_state(w, flies), "sent");
	world_crash(w);
}

static void
test_reload_of_a_wrong_file_changes_nothing_and_says_why(void **state)
{
	struct world *w = *state;

	begin(w);
	w->other_is_wrong = "laterd.conf:7: no such option 'colour'";
	world_chat(w, DESK, "reload");
	world_advance(w, SECOND_MS);
	assert_int_equal(w->reloads, 1);
	assert_int_equal(world_told_admin(w, "no such option 'colour'"), 1);
	world_schedule(w, .when = "in 1 minutes");
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
}

/* -- Backup --------------------------------------------------------------------------------------------------------------------- */

static int64_t
count_in(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	int64_t n = -1;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
		n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}

static void
test_backup_is_a_database_with_all_that_was_there(void **state)
{
	struct world *w = *state;
	const char *path = arena_printf(&w->arena, "%s/copy.db", w->dir);
	struct stat st;

	begin(w);
	for (int i = 0; i < 50; i++)
		world_schedule(w, .when = "in 5 hours");
	DONE(w, "backup", "file", "copy.db");
	world_advance(w, MINUTE_MS);
	assert_true(world_told_admin(w, "copy.db") > 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(count_in(path, "SELECT count(*) FROM packet WHERE sender = '" JULIET "'"), 50);
	/* It can be used in the place of the database. */
	world_crash(w);
	w->config.store.database = path;
	world_start(w);
	world_advance(w, 6 * HOUR_MS);
	assert_int_equal(world_count(w, ROMEO), 50);
}

static void
test_backup_overwrites_nothing(void **state)
{
	static const char *const names[] = { "copy.db", "laterd.db", "seal.key", "laterd.db-wal", "no/such/directory.db", "" };
	struct world *w = *state;
	const char *path = arena_printf(&w->arena, "%s/copy.db", w->dir);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs("precious", f);
	fclose(f);
	begin(w);
	const char *id = world_schedule(w, .when = "in 5 hours");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct answer a = world_command(w, .from = DESK, .node = "backup", .fields = { "file", names[i] });

		if (strcmp(a.status, "executing") != 0)
			fail_msg("“%s” is %s: %s%s", names[i], a.status, a.note, a.text);
		assert_string_not_equal(world_field(w, &a, "error"), "");
		world_advance(w, SECOND_MS);
	}
	f = fopen(path, "r");
	char line[16] = "";
	assert_non_null(fgets(line, sizeof(line), f));
	fclose(f);
	assert_string_equal(line, "precious");
	assert_string_equal(world_state(w, id), "scheduled");
	world_restart(w);
	assert_string_equal(world_state(w, id), "scheduled");
}

/* Many pages: others are served between the steps, and what they write is in it. */
static void
test_large_backup_tells_how_far_it_is_and_lets_others_work(void **state)
{
	struct world *w = *state;
	const char *path = arena_printf(&w->arena, "%s/copy.db", w->dir);
	size_t steps = 0;

	begin(w);
	world_sql(w, "CREATE TABLE ballast (x BLOB)");
	world_sql(w, "WITH RECURSIVE i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i WHERE i < 300) "
	    "INSERT INTO ballast SELECT randomblob(200000) FROM i");
	DONE(w, "backup", "file", "copy.db");
	while (world_told_admin(w, "is complete") == 0 && steps++ < 1000) {
		world_advance(w, 10);
		if (steps == 3)
			world_schedule(w, .when = "in 5 hours");
	}
	assert_true(steps > 3);
	assert_int_equal(world_told_admin(w, "25 percent") + world_told_admin(w, "26 percent") + world_told_admin(w, "27 percent"), 1);
	assert_true(world_told_admin(w, "percent") >= 2);
	world_advance(w, MINUTE_MS);
	world_says(world_chat(w, DESK, "gateways"), "office");
	assert_int_equal(count_in(path, "SELECT count(*) FROM packet WHERE sender = '" JULIET "'"), 1);
	assert_int_equal(count_in(path, "SELECT count(*) FROM ballast"), 300);
}

static void
test_second_backup_at_the_same_time_is_refused(void **state)
{
	struct world *w = *state;
	struct ask one = { .from = DESK, .node = "backup", .fields = { "file", "one.db" } }, two = one;

	begin(w);
	two.fields[1] = "two.db";
	const char *first = world_ask_xml(w, &one), *second = world_ask_xml(w, &two);
	world_send(w, "%s%s", first, second);
	assert_string_equal(world_answer(w, one.id).status, "completed");
	struct answer a = world_answer(w, two.id);
	assert_true(strcmp(a.status, "executing") == 0 || strcmp(a.note_type, "error") == 0);
	world_advance(w, MINUTE_MS);
	DONE(w, "backup", "file", "two.db");
}

/* A crash leaves no half of a file under the name. */
static void
test_backup_that_a_crash_interrupts_is_not_there(void **state)
{
	struct world *w = *state;
	const char *path = arena_printf(&w->arena, "%s/copy.db", w->dir);
	struct stat st;

	begin(w);
	world_sql(w, "CREATE TABLE ballast (x BLOB)");
	world_sql(w, "WITH RECURSIVE i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i WHERE i < 300) "
	    "INSERT INTO ballast SELECT randomblob(200000) FROM i");
	DONE(w, "backup", "file", "copy.db");
	world_crash(w);
	assert_true(stat(path, &st) != 0 || count_in(path, "SELECT count(*) FROM ballast") == 300);
	world_start(w);
	DONE(w, "backup", "file", "again.db");
}

/* What is left of it is in the way of all that is to be written, the news of it included. */
static void
test_backup_for_which_there_is_no_room_gives_it_back_at_once(void **state)
{
	struct world *w = *state;
	const char *part = arena_printf(&w->arena, "%s/copy.db.part", w->dir);
	struct stat st;

	begin(w);
	DONE(w, "backup", "file", "copy.db");
	assert_int_equal(stat(part, &st), 0);
	assert_int_equal(stat(arena_printf(&w->arena, "%s-wal", w->config.store.database), &st), 0);
	world_disk_has(w, -st.st_size);
	world_advance_in_silence(w, SECOND_MS);
	assert_int_equal(stat(part, &st), -1);
	assert_int_equal(world_told_admin(w, "could not be made"), 0);
	world_disk_is_freed();
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_told_admin(w, "could not be made"), 1);
	DONE(w, "backup", "file", "copy.db");
}

/* -- Drain, shutdown ------------------------------------------------------------------------------------------------------------ */

static void
test_drain_takes_nothing_new_and_finishes_what_is_in_flight(void **state)
{
	struct world *w = *state;

	begin(w);
	world_phone(w, "http://office", .end = PHONE_WAITS);
	const char *flies = world_schedule_sms(w, .when = "in 1 seconds"), *waits = world_schedule(w, .when = "in 2 minutes");
	world_advance(w, SECOND_MS);
	DONE(w, "drain", NULL);
	assert_string_equal(world_ask(w, world_im(.when = "in 1 hours")).condition, "resource-constraint");
	world_says(world_chat(w, NULL, "im in 5 minutes " ROMEO " Good morning"), "stopped");
	world_phone_end(w, 0, .end = PHONE_ANSWERS);
	world_advance(w, SECOND_MS);
	assert_string_equal(world_state(w, flies), "sent");
	assert_string_equal(world_state(w, waits), "scheduled");
	/* It is still there, and can be told otherwise. */
	DONE(w, "stats", NULL);
	world_advance(w, HOUR_MS);
	assert_string_equal(world_state(w, waits), "scheduled");
	assert_false(laterd_done(w->laterd));
	DONE(w, "drain", "state", "off");
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, waits), "sent");
	world_schedule(w, .when = "in 1 hours");
}

/* What is said to come does not come before it goes on: then that is said. */
static void
test_answers_while_it_is_drained_say_when(void **state)
{
	struct world *w = *state;
	struct answer a;

	begin(w);
	const char *id = world_schedule(w, .when = "in 2 hours"), *other = world_schedule(w, .when = "in 2 hours");
	a = DONE(w, "now", "id", other);
	world_says(a.note, "leaves now");
	DONE(w, "drain", NULL);
	a = DONE(w, "now", "id", id);
	assert_null(strstr(a.note, "leaves now"));
	a = DONE(w, "backup", "file", "copy.db");
	world_says(a.note, "drain off");
	a = DONE(w, "reload", NULL);
	world_says(a.note, "drain off");
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_count(w, ADMIN "/desk") + world_count(w, ADMIN), 0);
	DONE(w, "drain", "state", "off");
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_told_admin(w, "is complete"), 1);
	assert_string_equal(world_state(w, id), "sent");
	const char *held = world_schedule(w, .when = "in 2 hours");
	DONE(w, "block", "jid", JULIET);
	a = DONE(w, "now", "id", held);
	assert_null(strstr(a.note, "leaves now"));
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, held), "held");
}

/* The end of the process is no turn of an operator: they cannot take it back. */
static void
test_drain_cannot_be_ended_when_the_service_is_being_stopped(void **state)
{
	struct world *w = *state;

	begin(w);
	world_phone(w, "http://office", .end = PHONE_WAITS);
	world_schedule_sms(w, .when = "in 1 seconds");
	world_advance(w, SECOND_MS);
	DONE(w, "drain", NULL);
	laterd_drain(w->laterd);
	world_settle(w);
	DONE(w, "drain", "state", "off");
	assert_string_equal(world_ask(w, world_im(.when = "in 1 hours")).condition, "resource-constraint");
	world_phone_end(w, 0, .end = PHONE_ANSWERS);
	world_advance(w, 5 * SECOND_MS);
	assert_true(laterd_done(w->laterd));
	world_crash(w);
}

static void
test_shutdown_ends_after_its_answer(void **state)
{
	struct world *w = *state;

	begin(w);
	world_phone(w, "http://office", .end = PHONE_WAITS);
	const char *flies = world_schedule_sms(w, .when = "in 1 seconds"), *waits = world_schedule(w, .when = "in 2 minutes");
	world_advance(w, SECOND_MS);
	world_says(world_chat(w, DESK, "shutdown"), "yes");
	assert_string_not_equal(world_chat(w, DESK, "yes"), "");
	world_advance(w, 5 * SECOND_MS);
	assert_false(laterd_done(w->laterd));
	world_phone_end(w, 0, .end = PHONE_ANSWERS);
	world_advance(w, 5 * SECOND_MS);
	assert_true(laterd_done(w->laterd));
	assert_string_equal(world_state(w, flies), "sent");
	world_restart(w);
	world_advance(w, 10 * MINUTE_MS);
	assert_string_equal(world_state(w, waits), "sent");
}

static void
test_shutdown_without_a_yes_does_not_end(void **state)
{
	struct world *w = *state;
	struct answer a;

	begin(w);
	a = world_command(w, .from = DESK, .node = "shutdown", .fields = { "confirm", "0" });
	assert_string_equal(a.status, "executing");
	world_chat(w, DESK, "shutdown");
	world_chat(w, DESK, "no");
	world_chat(w, DESK, "shutdown");
	world_chat(w, DESK, "abort");
	world_advance(w, HOUR_MS);
	assert_false(laterd_done(w->laterd));
	world_schedule(w, .when = "in 1 hours");
}

/* -- The log -------------------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *lines[3], *words[3]; /* in the line that has the admin in it */
} logged[] = {
	{ { "limits " JULIET " im day=3" }, { "limits", JULIET } },
	{ { "block " NURSE }, { "block", NURSE } },
	{ { "unblock " NURSE }, { "unblock", NURSE } },
	{ { "gateway office pause" }, { "gateway", "office", "pause" } },
	{ { "gateway office resume" }, { "gateway", "office", "resume" } },
	{ { "gateway office test +447700900123", "yes" }, { "gateway", "office", "test" } },
	{ { "packets " JULIET }, { "packets", JULIET } },
	{ { "user " JULIET }, { "user", JULIET } },
	{ { "users" }, { "users" } },
	{ { "stats" }, { "stats" } },
	{ { "gateways" }, { "gateways" } },
	{ { "cancel #1" }, { "cancel", "#1" } },
	{ { "now #2", "yes" }, { "now", "#2" } },
	{ { "retry office", "yes" }, { "retry", "office" } },
	{ { "backup copy.db" }, { "backup", "copy.db" } },
	{ { "reload" }, { "reload" } },
	{ { "drain on" }, { "drain", "on" } },
	{ { "drain off" }, { "drain", "off" } },
	{ { "shutdown", "yes" }, { "shutdown" } },
};

static bool
has_line(struct world *w, const char *log, const char *const words[3])
{
	while (*log != '\0') {
		size_t len = strcspn(log, "\n"), n = 0;
		const char *line = arena_printf(&w->arena, "%.*s", (int)len, log);

		while (n < 3 && words[n] != NULL && strstr(line, world_with_ids(w, words[n])) != NULL)
			n++;
		if (strstr(line, ADMIN) != NULL && (n == 3 || words[n] == NULL))
			return true;
		log += len + (log[len] == '\n');
	}
	return false;
}

static void
test_what_operators_do_is_logged_with_who_and_what(void **state)
{
	struct world *w = *state;

	begin(w);
	world_schedule(w, .when = "in 5 hours", .body = "between us");
	world_schedule_sms(w, .when = "in 5 hours", .body = "between us");
	world_phone(w, "http://office", .end = PHONE_BREAKS, .times = 1);
	world_schedule_sms(w, .when = "in 1 minutes");
	world_advance(w, 2 * MINUTE_MS);
	for (size_t i = 0; i < sizeof(logged) / sizeof(logged[0]); i++) {
		const char *log;

		world_log_begin(w);
		for (size_t j = 0; j < 3 && logged[i].lines[j] != NULL; j++)
			world_chat(w, DESK, world_with_ids(w, logged[i].lines[j]));
		world_advance(w, 30 * SECOND_MS);
		log = world_log_end(w);
		if (!has_line(w, log, logged[i].words))
			fail_msg("“%s” is not in the log: %s", logged[i].lines[0], log);
		assert_null(strstr(log, "between us"));
		assert_null(strstr(log, "7700900123"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_reload_takes_the_new_file_and_loses_nothing),
		WORLD_TEST(test_reload_of_a_wrong_file_changes_nothing_and_says_why),
		WORLD_TEST(test_backup_is_a_database_with_all_that_was_there),
		WORLD_TEST(test_backup_overwrites_nothing),
		WORLD_TEST(test_large_backup_tells_how_far_it_is_and_lets_others_work),
		WORLD_TEST(test_second_backup_at_the_same_time_is_refused),
		WORLD_TEST(test_backup_that_a_crash_interrupts_is_not_there),
		WORLD_TEST(test_backup_for_which_there_is_no_room_gives_it_back_at_once),
		WORLD_TEST(test_drain_takes_nothing_new_and_finishes_what_is_in_flight),
		WORLD_TEST(test_answers_while_it_is_drained_say_when),
		WORLD_TEST(test_drain_cannot_be_ended_when_the_service_is_being_stopped),
		WORLD_TEST(test_shutdown_ends_after_its_answer),
		WORLD_TEST(test_shutdown_without_a_yes_does_not_end),
		WORLD_TEST(test_what_operators_do_is_logged_with_who_and_what),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
