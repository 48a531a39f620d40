/* Opening: the lock, foreign files, and how one version is made of another. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "store_fixture.h"
#include "store/schema.h"

static void
assert_refused(const char *path, enum res expected, const char *reason)
{
	struct store *s = (struct store *)&path;
	struct buf why = { 0 };

	assert_int_equal(sqlite_store_open(path, &s, &why), expected);
	assert_null(s);
	if (strstr(buf_str(&why), reason) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", buf_str(&why), reason);
	if (strncmp(buf_str(&why), path, strlen(path)) != 0)
		fail_msg("\"%s\" does not name %s", buf_str(&why), path);
	buf_free(&why);
}

static int
query_int(sqlite3 *handle, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int value;

	assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	value = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return value;
}

static unsigned
mode_of(const char *dir, const char *name)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void
write_file(const char *path, const void *bytes, size_t len)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fwrite(bytes, 1, len, file);
	fclose(file);
}

/* -- Opening ----------------------------------------------------------------------------------- */

static void
test_a_new_database_is_private_and_safe(void **state)
{
	struct fixture *f = *state;
	mode_t before = umask(0);
	struct packet p = sample(1);
	sqlite3 *h;

	store_reopen(f);
	put(f, &p);
	commit(f);
	umask(before);
	assert_int_equal(mode_of(f->dir, "laterd.db"), 0600);
	assert_int_equal(mode_of(f->dir, "laterd.db-wal"), 0600);
	assert_int_equal(mode_of(f->dir, "laterd.db-shm"), 0600);
	assert_int_equal(mode_of(f->dir, "laterd.db.lock"), 0600);
	h = ((struct db *)f->store)->handle;
	assert_int_equal(query_int(h, "PRAGMA application_id"), SQL_APPLICATION_ID);
	assert_int_equal(query_int(h, "PRAGMA user_version"), schema_version);
	assert_int_equal(query_int(h, "PRAGMA synchronous"), 2);
	assert_int_equal(query_int(h, "PRAGMA foreign_keys"), 1);
	assert_int_equal(query_int(h, "PRAGMA trusted_schema"), 0);
	assert_int_equal(query_int(h, "PRAGMA secure_delete"), 1);
	assert_int_equal(
	    query_int(h, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'"), 1);
	assert_int_equal(
	    query_int(h,
		"SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table' "
		"AND NOT strict AND name NOT LIKE 'sqlite_%'"),
	    0);
}

static void
test_memory_takes_no_file_and_no_lock(void **state)
{
	struct store *a = NULL, *b = NULL;
	struct buf why = { 0 };
	struct packet p = sample(1);
	int64_t n = -1;

	(void)state;
	assert_int_equal(sqlite_store_open(":memory:", &a, &why), RES_OK);
	assert_int_equal(sqlite_store_open(":memory:", &b, &why), RES_OK);
	assert_int_equal(access(":memory:.lock", F_OK), -1);
	assert_int_equal(a->ops->put(a, &p, 1, "scheduled"), RES_OK);
	assert_int_equal(a->ops->commit(a), RES_OK);
	assert_int_equal(b->ops->waiting(b, ME, &n), RES_OK);
	assert_int_equal(n, 0);
	sqlite_store_close(&a);
	assert_null(a);
	sqlite_store_close(&a);
	sqlite_store_close(&b);
}

static void
test_what_cannot_be_opened_is_refused_with_the_reason(void **state)
{
	struct fixture *f = *state;
	char path[256];

	snprintf(path, sizeof(path), "%s/none/laterd.db", f->dir);
	assert_refused(path, RES_PERMFAIL, "No such file");
	assert_refused(f->dir, RES_PERMFAIL, "not a regular file");
	assert_refused("", RES_PERMFAIL, "");
	snprintf(path, sizeof(path), "%s/fifo", f->dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_refused(path, RES_PERMFAIL, "not a regular file");
	snprintf(path, sizeof(path), "%s/laterd.db.lock", f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_refused(f->path, RES_PERMFAIL, "laterd.db.lock");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("/etc/hostname", path), 0);
	assert_refused(f->path, RES_PERMFAIL, "laterd.db.lock");
}

static void
test_a_name_is_no_uri(void **state)
{
	struct fixture *f = *state;
	char before[256];

	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir(f->dir), 0);
	snprintf(f->path, sizeof(f->path), "file:x?mode=memory");
	store_reopen(f);
	sqlite_store_close(&f->store);
	assert_int_equal(access("file:x?mode=memory", F_OK), 0);
	assert_int_equal(access("file:x?mode=memory.lock", F_OK), 0);
	assert_int_equal(chdir(before), 0);
}

/* -- The lock ---------------------------------------------------------------------------------- */

static void
test_a_second_laterd_is_refused_and_told_the_pid(void **state)
{
	struct fixture *f = *state;
	char holder[64], alias[128];

	store_reopen(f);
	snprintf(holder, sizeof(holder), "(pid %ld)", (long)getpid());
	assert_refused(f->path, RES_TEMPFAIL, holder);
	snprintf(alias, sizeof(alias), "%s/alias.db", f->dir);
	assert_int_equal(symlink("laterd.db", alias), 0);
	assert_refused(alias, RES_TEMPFAIL, holder);
	/* The first one goes on. */
	assert_int_equal(f->ops->set_meta(f->store, "a", "b"), RES_OK);
	commit(f);
	sqlite_store_close(&f->store);
	store_reopen(f);
}

static void
test_a_lock_file_with_nonsense_in_it_is_no_pid(void **state)
{
	struct fixture *f = *state;
	char path[128];

	store_reopen(f);
	snprintf(path, sizeof(path), "%s.lock", f->path);
	write_file(path, "-1 \n\x1b[2J 99999999999999999999", 30);
	assert_refused(f->path, RES_TEMPFAIL, "another laterd holds it");
	write_file(path, "", 0);
	assert_refused(f->path, RES_TEMPFAIL, "another laterd holds it");
}

static void
test_a_lock_dies_with_its_process(void **state)
{
	struct fixture *f = *state;
	int go[2], status;
	char byte = 0;
	pid_t child;

	assert_int_equal(pipe(go), 0);
	if ((child = fork()) == 0) {
		struct store *s;
		struct buf why = { 0 };

		byte = sqlite_store_open(f->path, &s, &why) == RES_OK;
		alarm(60); /* if nobody kills it */
		if (write(go[1], &byte, 1) == 1)
			pause();
		_exit(1);
	}
	assert_true(child > 0);
	assert_int_equal(read(go[0], &byte, 1), 1);
	assert_int_equal(byte, 1);
	assert_refused(f->path, RES_TEMPFAIL, "(pid ");
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	store_reopen(f);
	close(go[0]);
	close(go[1]);
}

/* -- Foreign files ----------------------------------------------------------------------------- */

static void
test_a_foreign_file_is_refused_and_left_alone(void **state)
{
	static const char text[] =
	    "This is not a database at all, but it is longer than the hundred bytes of a header, "
	    "which SQLite reads before it knows what it has got.\n";
	struct fixture *f = *state;
	char got[sizeof(text)];
	sqlite3 *h;
	FILE *file;

	write_file(f->path, text, sizeof(text));
	assert_refused(f->path, RES_PERMFAIL, "not a database");
	assert_non_null(file = fopen(f->path, "r"));
	assert_int_equal(fread(got, 1, sizeof(got), file), sizeof(text));
	fclose(file);
	assert_memory_equal(got, text, sizeof(text));

	assert_int_equal(unlink(f->path), 0);
	by_hand(f, "CREATE TABLE prosody (host TEXT)");
	assert_refused(f->path, RES_PERMFAIL, "is not a laterd database");
	by_hand(f, "DROP TABLE prosody; PRAGMA user_version = 1");
	assert_refused(f->path, RES_PERMFAIL, "is not a laterd database");
	by_hand(f, "PRAGMA user_version = 0; PRAGMA application_id = 1");
	assert_refused(f->path, RES_PERMFAIL, "is not a laterd database");
	assert_int_equal(sqlite3_open(f->path, &h), SQLITE_OK);
	assert_int_equal(
	    query_int(h, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'"), 0);
	sqlite3_close(h);
}

static void
test_a_newer_version_is_refused(void **state)
{
	struct fixture *f = *state;

	store_reopen(f);
	sqlite_store_close(&f->store);
	by_hand(f, "PRAGMA user_version = 1000");
	assert_refused(f->path, RES_PERMFAIL, "is of version 1000");
	by_hand(f, "PRAGMA user_version = -1");
	assert_refused(f->path, RES_PERMFAIL, "is not a laterd database");
}

static void
test_a_schema_with_a_part_missing_is_refused(void **state)
{
	static const char *const loss[] = {
		"DROP TABLE charge",
		"ALTER TABLE packet RENAME COLUMN zone TO place",
		"DROP TABLE event",
		"DROP TABLE series",
		"DROP TABLE forget",
		"DROP TABLE stopped",
		"DROP TABLE pair",
		"ALTER TABLE packet RENAME COLUMN revision TO edition",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(loss) / sizeof(loss[0]); i++) {
		store_reopen(f);
		sqlite_store_close(&f->store);
		by_hand(f, loss[i]);
		assert_refused(f->path, RES_PERMFAIL, "is damaged");
		assert_int_equal(unlink(f->path), 0);
	}
}

static void
test_triggers_that_somebody_planted_do_not_run(void **state)
{
	struct fixture *f = *state;
	struct packet p = sample(1);

	store_reopen(f);
	by_hand(f, "CREATE TRIGGER evil AFTER INSERT ON packet BEGIN DELETE FROM packet; END");
	store_reopen(f);
	put(f, &p);
	commit(f);
	assert_int_equal(state_of(f, 1), PACKET_SCHEDULED);
}

/* -- Migrations -------------------------------------------------------------------------------- */

static const char *const fixture_steps[] = {
	"CREATE TABLE parent (n INTEGER PRIMARY KEY, name TEXT) STRICT;"
	"CREATE TABLE child (parent INTEGER REFERENCES parent (n) ON DELETE CASCADE) STRICT;",
	"ALTER TABLE parent ADD COLUMN zone TEXT NOT NULL DEFAULT 'UTC';",
	/* The way SQLite documents for changing what ALTER TABLE cannot. */
	"CREATE TABLE parent_new (n INTEGER PRIMARY KEY, name TEXT NOT NULL, zone TEXT NOT NULL) "
	"STRICT;"
	"INSERT INTO parent_new SELECT n, coalesce(name, ''), zone FROM parent;"
	"DROP TABLE parent; ALTER TABLE parent_new RENAME TO parent;",
};

static sqlite3 *
open_plain(struct fixture *f)
{
	sqlite3 *h = NULL;

	assert_int_equal(sqlite3_open(f->path, &h), SQLITE_OK);
	return h;
}

static void
test_an_older_database_is_brought_forward_with_its_rows(void **state)
{
	struct fixture *f = *state;
	sqlite3 *h = open_plain(f);
	struct buf why = { 0 };

	assert_int_equal(schema_migrate(h, fixture_steps, 1, &why), RES_OK);
	assert_int_equal(query_int(h, "PRAGMA user_version"), 1);
	assert_int_equal(
	    sqlite3_exec(h,
		"INSERT INTO parent VALUES (7, 'x'), (8, NULL); INSERT INTO child VALUES (7)", NULL,
		NULL, NULL),
	    SQLITE_OK);
	sqlite3_close(h);
	h = open_plain(f);
	assert_int_equal(schema_migrate(h, fixture_steps, 3, &why), RES_OK);
	assert_int_equal(query_int(h, "PRAGMA user_version"), 3);
	assert_int_equal(
	    query_int(h, "SELECT count(*) FROM parent WHERE zone = 'UTC' AND name IS NOT NULL"), 2);
	assert_int_equal(query_int(h, "SELECT count(*) FROM child JOIN parent ON parent = n"), 1);
	/* Once more: nothing to do. */
	assert_int_equal(schema_migrate(h, fixture_steps, 3, &why), RES_OK);
	assert_int_equal(schema_migrate(h, fixture_steps, 2, &why), RES_PERMFAIL);
	sqlite3_close(h);
	buf_free(&why);
}

static void
test_a_step_that_fails_leaves_the_version_before(void **state)
{
	static const char *const bad[] = {
		"CREATE TABLE half (a); INSERT INTO parent VALUES (1, 'x'); CREATE TABLE child (a);",
		"INSERT INTO child VALUES (99);", /* refers to nobody */
		"CREATE TABLE half (a); nonsense;",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *const steps[] = { fixture_steps[0], bad[i], fixture_steps[1] };
		sqlite3 *h = open_plain(f);
		struct buf why = { 0 };

		assert_int_equal(schema_migrate(h, steps, 3, &why), RES_PERMFAIL);
		assert_non_null(strstr(buf_str(&why), "cannot be brought to version 2"));
		assert_int_equal(sqlite3_get_autocommit(h), 1);
		assert_int_equal(query_int(h, "PRAGMA user_version"), 1);
		assert_int_equal(query_int(h, "PRAGMA application_id"), SQL_APPLICATION_ID);
		assert_int_equal(
		    query_int(h, "SELECT count(*) FROM sqlite_master WHERE name = 'half'"), 0);
		assert_int_equal(
		    query_int(
			h, "SELECT (SELECT count(*) FROM parent) + (SELECT count(*) FROM child)"),
		    0);
		sqlite3_close(h);
		buf_free(&why);
	}
}

/* FNV-1a, 64 bits. */
static uint64_t
digest(const char *text)
{
	uint64_t d = UINT64_C(0xcbf29ce484222325);

	for (; *text != '\0'; text++)
		d = (d ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return d;
}

static void
test_published_steps_are_as_they_were_published(void **state)
{
	static const uint64_t published[] = {
		UINT64_C(0xddd81d71ebeffc20), /* version 1 */
		UINT64_C(0xe65ab3c656b2d38c),
		UINT64_C(0x42fe4fbdd4cb9716),
		UINT64_C(0xc2bf716e5bf18dd1),
		UINT64_C(0xd500c14e001a6562),
	};
	const size_t n = sizeof(published) / sizeof(published[0]);

	(void)state;
	assert_int_equal(schema_version, n);
	for (size_t v = 0; v < n; v++)
		assert_true(digest(schema_steps[v]) == published[v]);
}

static void
test_an_empty_file_becomes_a_database(void **state)
{
	struct fixture *f = *state;
	struct packet p = sample(1);

	write_file(f->path, "", 0);
	store_reopen(f);
	put(f, &p);
	commit(f);
	store_reopen(f);
	assert_int_equal(state_of(f, 1), PACKET_SCHEDULED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_new_database_is_private_and_safe),
		TEST(test_memory_takes_no_file_and_no_lock),
		TEST(test_what_cannot_be_opened_is_refused_with_the_reason),
		TEST(test_a_name_is_no_uri),
		TEST(test_a_second_laterd_is_refused_and_told_the_pid),
		TEST(test_a_lock_file_with_nonsense_in_it_is_no_pid),
		TEST(test_a_lock_dies_with_its_process),
		TEST(test_a_foreign_file_is_refused_and_left_alone),
		TEST(test_a_newer_version_is_refused),
		TEST(test_a_schema_with_a_part_missing_is_refused),
		TEST(test_triggers_that_somebody_planted_do_not_run),
		TEST(test_an_older_database_is_brought_forward_with_its_rows),
		TEST(test_a_step_that_fails_leaves_the_version_before),
		TEST(test_published_steps_are_as_they_were_published),
		TEST(test_an_empty_file_becomes_a_database),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
