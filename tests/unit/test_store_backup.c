/* Copies of the database that are made while it is used. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>

#include "store/schema.h"
#include "store_faults.h"

static char big_body[20000];

/* n packets with bodies of 20 kB from number `first` on, committed: 50 are a step. */
static void
put_big(struct fixture *f, unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n; i++) {
		struct packet p = sample(i);

		p.sealed = (struct span){ big_body, sizeof(big_body) };
		put(f, &p);
	}
	commit(f);
}

/* `name` beside the database. */
static const char *
beside(struct fixture *f, const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	return path;
}

static struct backup *
begin(struct fixture *f, const char *path)
{
	struct backup *b = NULL;
	struct buf why = { 0 };

	if (f->ops->backup_begin(f->store, path, &b, &why) != RES_OK)
		fail_msg("%s", buf_str(&why));
	assert_string_equal(buf_str(&why), "");
	assert_non_null(b);
	return b;
}

static enum res
step(struct fixture *f, struct backup *b)
{
	struct buf why = { 0 };
	int64_t done = -1, total = -1;
	enum res res = f->ops->backup_step(b, &done, &total, &why);

	assert_true(done >= 0 && done <= total);
	assert_int_equal(why.len > 0, res != RES_OK && res != RES_UNCERTAIN);
	buf_free(&why);
	return res;
}

/* Steps to its end; how many there were. */
static unsigned
finish(struct fixture *f, struct backup **b)
{
	unsigned n = 1;
	enum res res;

	while ((res = step(f, *b)) == RES_UNCERTAIN)
		n++;
	assert_int_equal(res, RES_OK);
	assert_int_equal(step(f, *b), RES_OK);
	f->ops->backup_end(b);
	assert_null(*b);
	return n;
}

static void
assert_refused(struct fixture *f, const char *path, const char *reason)
{
	struct backup *b = (struct backup *)f;
	struct buf why = { 0 };

	assert_int_equal(f->ops->backup_begin(f->store, path, &b, &why), RES_INVALID);
	assert_null(b);
	if (strstr(buf_str(&why), reason) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", buf_str(&why), reason);
	buf_free(&why);
}

/* How many files of the directory begin with `name`. */
static unsigned
files(struct fixture *f, const char *name)
{
	struct dirent *e;
	unsigned n = 0;
	DIR *dir;

	assert_non_null(dir = opendir(f->dir));
	while ((e = readdir(dir)) != NULL)
		n += strncmp(e->d_name, name, strlen(name)) == 0;
	closedir(dir);
	return n;
}

static void
write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
assert_file(const char *path, const char *text)
{
	char got[64] = { 0 };
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	assert_int_equal(fread(got, 1, sizeof(got) - 1, file), strlen(text));
	fclose(file);
	assert_string_equal(got, text);
}

/* The copy has the rows of the database, is whole, and opens; it is deleted. */
static void
assert_copy(struct fixture *f, const char *name)
{
	struct buf ours = { 0 }, theirs = { 0 };
	struct fixture copy = { 0 };

	snprintf(copy.path, sizeof(copy.path), "%s/%s", f->dir, name);
	/* The tables are read through a connection that writes nothing beside it. */
	assert_int_equal(dump(f, &ours), schema_version);
	assert_int_equal(dump(&copy, &theirs), schema_version);
	assert_string_equal(buf_str(&theirs), buf_str(&ours));
	assert_int_equal(files(f, name), 1);
	store_reopen(&copy);
	assert_tally(&copy);
	sqlite_store_close(&copy.store);
	assert_consistent(&copy);
	assert_int_equal(unlink(copy.path), 0);
	assert_int_equal(unlink(beside(f, "copy.db.lock")), 0);
	buf_free(&ours);
	buf_free(&theirs);
}

/* -- Whole copies ------------------------------------------------------------------------------ */

static void
test_a_copy_is_a_plain_and_private_database(void **state)
{
	struct fixture *f = *state;
	mode_t before = umask(0);
	struct series se = sample_series(1);
	struct backup *b;
	unsigned char header[100];
	struct stat st;
	FILE *file;

	put_big(f, 0, 200);
	assert_int_equal(f->ops->put_series(f->store, &se), RES_OK);
	assert_int_equal(f->ops->set_meta(f->store, "seal_key", "cafe"), RES_OK);
	assert_int_equal(f->ops->set_stopped(f->store, YOU, NOON), RES_OK);
	assert_int_equal(f->ops->set_pair(f->store, ME, YOU, NOON), RES_OK);
	commit(f);
	b = begin(f, "copy.db");
	assert_int_equal(access(beside(f, "copy.db"), F_OK), -1);
	assert_in_range(finish(f, &b), 4, 8);
	umask(before);
	assert_int_equal(files(f, "copy.db"), 1);
	assert_int_equal(stat(beside(f, "copy.db"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_non_null(file = fopen(beside(f, "copy.db"), "r"));
	assert_int_equal(fread(header, sizeof(header), 1, file), 1);
	fclose(file);
	/* SQLite's "Database File Format", 1.3: neither writing nor reading it takes a log. */
	assert_int_equal(header[18], 1);
	assert_int_equal(header[19], 1);
	assert_copy(f, "copy.db");
}

static void
test_a_copy_of_an_empty_database_is_made_in_one_step(void **state)
{
	struct fixture *f = *state;
	struct backup *b = begin(f, beside(f, "copy.db"));

	assert_int_equal(finish(f, &b), 1);
	assert_int_equal(files(f, "copy.db"), 1);
}

static void
test_progress_is_told_in_bytes(void **state)
{
	struct fixture *f = *state;
	struct buf why = { 0 };
	int64_t done, total, before = 0;
	struct backup *b;
	struct stat st;
	enum res res;

	put_big(f, 0, 200);
	b = begin(f, "copy.db");
	while ((res = f->ops->backup_step(b, &done, &total, &why)) == RES_UNCERTAIN) {
		assert_in_range(done - before, 1, 2 << 20);
		before = done;
	}
	assert_int_equal(res, RES_OK);
	assert_int_equal(done, total);
	assert_int_equal(stat(beside(f, "copy.db"), &st), 0);
	assert_int_equal(st.st_size, total);
	assert_true(total > 200 * (int64_t)sizeof(big_body));
	f->ops->backup_end(&b);
}

static void
test_a_database_in_memory_can_be_copied(void **state)
{
	struct fixture *f = *state;
	struct fixture memory = { 0 };
	struct packet p = sample(1);
	struct buf why = { 0 };
	struct backup *b;

	assert_int_equal(sqlite_store_open(":memory:", &memory.store, &why), RES_OK);
	memory.ops = memory.store->ops;
	put(&memory, &p);
	commit(&memory);
	b = begin(&memory, f->path);
	assert_int_equal(finish(&memory, &b), 1);
	sqlite_store_close(&memory.store);
	store_reopen(f);
	assert_int_equal(state_of(f, 1), PACKET_SCHEDULED);
}

/* -- What happens meanwhile -------------------------------------------------------------------- */

static void
test_what_is_written_meanwhile_is_in_the_copy(void **state)
{
	struct fixture *f = *state;
	struct backup *b;
	unsigned n = 1;
	int64_t purged;
	enum res res;

	put_big(f, 0, 300);
	b = begin(f, "copy.db");
	for (; (res = step(f, b)) == RES_UNCERTAIN; n++) {
		struct packet p = sample(n), late = sample(1000 + n);

		/* Rows at the beginning, which have been copied, and at the end, which have not. */
		p.finished_at = 1;
		assert_int_equal(f->ops->move(f->store, &p, EV_FAIL, NOON, "failed"), RES_OK);
		p = sample(299 - n);
		assert_int_equal(f->ops->move(f->store, &p, EV_DUE, NOON, "due"), RES_OK);
		p = sample(200 - n);
		p.finished_at = NOON;
		assert_int_equal(f->ops->move(f->store, &p, EV_EXPIRE, NOON, NULL), RES_OK);
		late.sealed = (struct span){ big_body, sizeof(big_body) };
		put(f, &late);
		if (n == 3)
			assert_int_equal(f->ops->purge(f->store, 9, 0, 9, &purged), RES_OK);
		commit(f);
		/* What is forgotten is not in it, and makes it begin anew. */
		if (n == 4) {
			put_as(f, 2000 + n, PACKET_SCHEDULED, YOU, NOON, NOON, 0, 0);
			assert_int_equal(f->ops->erase(f->store, sample(200 - n).id), RES_OK);
			f->ops->rollback(f->store);
		}
	}
	assert_int_equal(res, RES_OK);
	assert_in_range(n, 10, 20);
	f->ops->backup_end(&b);
	by_hand(f, "UPDATE packet SET charge_units = 0 WHERE state = 9");
	by_hand(f,
	    "UPDATE charge SET count = (SELECT sum(charge_units) FROM packet WHERE state <> 9)");
	/* The charges of what was purged stay; a second copy has them set right. */
	assert_int_equal(unlink(beside(f, "copy.db")), 0);
	b = begin(f, "copy.db");
	finish(f, &b);
	assert_copy(f, "copy.db");
}

static void
test_a_copy_is_of_the_last_turn_that_was_committed(void **state)
{
	struct fixture *f = *state;
	struct backup *b;

	put_big(f, 0, 300);
	b = begin(f, "copy.db");
	for (unsigned i = 0; step(f, b) == RES_UNCERTAIN; i++) {
		struct packet p = sample(i);

		assert_int_equal(f->ops->move(f->store, &p, EV_DUE, NOON, "due"), RES_OK);
		put_big(f, 1000 + 10 * i, 1);
	}
	f->ops->backup_end(&b);
	assert_copy(f, "copy.db");
}

static void
test_within_a_turn_nothing_is_copied(void **state)
{
	struct fixture *f = *state;
	struct packet p = sample(900);
	struct buf why = { 0 };
	int64_t done, total, before;
	struct backup *b;

	put_big(f, 0, 100);
	put(f, &p);
	/* It may begin there. */
	b = begin(f, "copy.db");
	for (int i = 0; i < 9; i++) {
		assert_int_equal(
		    f->ops->backup_step(b, &done, &total, &why), RES_UNCERTAIN);
		assert_int_equal(done, 0);
	}
	f->ops->rollback(f->store);
	assert_int_equal(f->ops->backup_step(b, &before, &total, &why), RES_UNCERTAIN);
	assert_true(before > 0);
	put(f, &p);
	for (int i = 0; i < 9; i++) {
		assert_int_equal(
		    f->ops->backup_step(b, &done, &total, &why), RES_UNCERTAIN);
		assert_int_equal(done, before);
	}
	commit(f);
	finish(f, &b);
	assert_copy(f, "copy.db");
}

static void
test_a_large_turn_that_is_forgotten_is_not_in_the_copy(void **state)
{
	struct fixture *f = *state;
	struct backup *b;

	put_big(f, 0, 200);
	b = begin(f, "copy.db");
	assert_int_equal(step(f, b), RES_UNCERTAIN);
	assert_int_equal(step(f, b), RES_UNCERTAIN);
	/* So large that it is written to the log, and into the copy, before it is forgotten. */
	sqlite3_exec(((struct db *)f->store)->handle, "PRAGMA cache_size = 10", NULL, NULL, NULL);
	for (unsigned i = 1000; i < 1200; i++) {
		struct packet p = sample(i), moved = sample(i - 1000);

		p.sealed = (struct span){ big_body, sizeof(big_body) };
		put(f, &p);
		assert_int_equal(f->ops->move(f->store, &moved, EV_CANCEL, NOON, NULL), RES_OK);
	}
	f->ops->rollback(f->store);
	finish(f, &b);
	assert_copy(f, "copy.db");
}

static void
test_what_another_process_writes_meanwhile_is_in_the_copy(void **state)
{
	struct fixture *f = *state;
	struct backup *b;

	put_big(f, 0, 200);
	b = begin(f, "copy.db");
	assert_int_equal(step(f, b), RES_UNCERTAIN);
	assert_int_equal(step(f, b), RES_UNCERTAIN);
	by_hand(f, "UPDATE packet SET recipient = 'mercutio@example.net'");
	finish(f, &b);
	assert_copy(f, "copy.db");
}

static void
test_a_second_copy_waits_for_the_first(void **state)
{
	struct fixture *f = *state;
	struct backup *b;

	put_big(f, 0, 100);
	b = begin(f, "copy.db");
	assert_refused(f, "other.db", "another copy is being made");
	assert_int_equal(files(f, "other.db"), 0);
	assert_int_equal(step(f, b), RES_UNCERTAIN);
	assert_refused(f, "copy.db", "another copy is being made");
	finish(f, &b);
	b = begin(f, "other.db");
	finish(f, &b);
	assert_int_equal(files(f, "other.db"), 1);
}

/* -- Ends -------------------------------------------------------------------------------------- */

static void
test_a_copy_that_is_given_up_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct backup *b = NULL;

	f->ops->backup_end(&b);
	put_big(f, 0, 100);
	for (unsigned steps = 0; steps < 2; steps++) {
		b = begin(f, "copy.db");
		for (unsigned i = 0; i < steps; i++)
			assert_int_equal(step(f, b), RES_UNCERTAIN);
		assert_int_equal(files(f, "copy.db"), 1);
		f->ops->backup_end(&b);
		assert_null(b);
		assert_int_equal(files(f, "copy.db"), 0);
	}
	put_big(f, 200, 1);
}

static void
test_a_store_that_is_closed_gives_its_copy_up(void **state)
{
	struct fixture *f = *state;

	put_big(f, 0, 100);
	assert_int_equal(step(f, begin(f, "copy.db")), RES_UNCERTAIN);
	sqlite_store_close(&f->store);
	assert_int_equal(files(f, "copy.db"), 0);
	store_reopen(f);
	assert_int_equal(state_of(f, 1), PACKET_SCHEDULED);
}

/* -- Names ------------------------------------------------------------------------------------- */

static void
test_a_file_that_is_there_is_never_written_over(void **state)
{
	struct fixture *f = *state;
	struct buf why = { 0 };
	int64_t done, total;
	struct backup *b;
	enum res res;

	write_file(beside(f, "copy.db"), "mine");
	assert_refused(f, "copy.db", "there is such a file");
	assert_file(beside(f, "copy.db"), "mine");
	assert_int_equal(unlink(beside(f, "copy.db")), 0);
	/* It comes while the copy is made. */
	put_big(f, 0, 100);
	b = begin(f, "copy.db");
	assert_int_equal(step(f, b), RES_UNCERTAIN);
	write_file(beside(f, "copy.db"), "mine");
	while ((res = f->ops->backup_step(b, &done, &total, &why)) == RES_UNCERTAIN)
		;
	assert_int_equal(res, RES_PERMFAIL);
	assert_non_null(strstr(buf_str(&why), "there is such a file"));
	assert_int_equal(f->ops->backup_step(b, &done, &total, &why), RES_PERMFAIL);
	f->ops->backup_end(&b);
	assert_file(beside(f, "copy.db"), "mine");
	assert_int_equal(files(f, "copy.db"), 1);
	buf_free(&why);
}

static void
test_links_are_not_followed(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(symlink("victim", beside(f, "copy.db")), 0);
	assert_refused(f, "copy.db", "there is such a file");
	assert_int_equal(unlink(beside(f, "copy.db")), 0);
	assert_int_equal(symlink("victim", beside(f, "copy.db.part")), 0);
	assert_refused(f, "copy.db", "copy.db.part");
	assert_int_equal(files(f, "victim"), 0);
	assert_int_equal(files(f, "copy.db.part"), 1);
}

static void
test_the_rest_of_a_copy_that_was_cut_off_is_left_to_the_operator(void **state)
{
	struct fixture *f = *state;

	write_file(beside(f, "copy.db.part"), "rest");
	assert_refused(f, "copy.db", "delete it");
	assert_file(beside(f, "copy.db.part"), "rest");
	assert_int_equal(unlink(beside(f, "copy.db.part")), 0);
	/* SQLite would play these into the copy when it is opened. */
	for (int journal = 0; journal < 2; journal++) {
		const char *name = journal ? "copy.db-journal" : "copy.db-wal";

		write_file(beside(f, name), "rest");
		assert_refused(f, "copy.db", name);
		assert_int_equal(unlink(beside(f, name)), 0);
	}
}

static void
test_a_name_is_beside_the_database_wherever_we_are(void **state)
{
	struct fixture *f = *state;
	char before[256];
	struct backup *b;

	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(mkdir(beside(f, "sub"), 0700), 0);
	b = begin(f, "sub/../file:copy.db?mode=memory");
	finish(f, &b);
	assert_int_equal(files(f, "file:copy.db?mode=memory"), 1);
	assert_int_equal(chdir(before), 0);
	b = begin(f, beside(f, "sub/copy.db"));
	finish(f, &b);
	assert_int_equal(access(beside(f, "sub/copy.db"), F_OK), 0);
}

static void
test_what_is_no_name_for_a_copy_is_refused_with_the_reason(void **state)
{
	static const struct {
		const char *path, *reason;
	} bad[] = {
		{ "", "is not the name of a file" },
		{ "/", "is not the name of a file" },
		{ ".", "is not the name of a file" },
		{ "..", "is not the name of a file" },
		{ "sub/", "is not the name of a file" },
		{ "sub/..", "is not the name of a file" },
		{ "sub", "there is such a file" },
		{ "none/copy.db", "No such file" },
		{ "laterd.db/copy.db", "Not a directory" },
		{ "laterd.db", "there is such a file" },
		{ "laterd.db-wal", "laterd.db-wal" },
		{ "laterd.db-journal", "is a name that the database needs" },
		{ "/proc/copy.db", "cannot be made" },
	};
	struct fixture *f = *state;
	char longest[5000];

	put_big(f, 0, 1);
	assert_int_equal(mkdir(beside(f, "sub"), 0700), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_refused(f, bad[i].path, bad[i].reason);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_refused(f, longest, "name too long");
	longest[255] = '\0';
	assert_refused(f, longest, "name too long");
	/* None of them left anything, and a good one can still be made. */
	assert_int_equal(files(f, "") - files(f, "laterd.db"), 3);
}

/* -- Faults ------------------------------------------------------------------------------------ */

/* A copy, with a turn on the way; RES_OK when both are there. */
static enum res
copy_with_fault(struct fixture *f, struct buf *why)
{
	struct packet p = sample(900);
	struct backup *b = NULL;
	int64_t done, total;
	enum res res, put;

	res = f->ops->backup_begin(f->store, "copy.db", &b, why);
	if (res == RES_OK)
		res = f->ops->backup_step(b, &done, &total, why);
	if ((put = f->ops->put(f->store, &p, 1, "scheduled")) == RES_OK)
		put = f->ops->commit(f->store);
	if (put != RES_OK)
		f->ops->rollback(f->store);
	while (res == RES_UNCERTAIN)
		res = f->ops->backup_step(b, &done, &total, why);
	f->ops->backup_end(&b);
	return res;
}

/* A fault of the copy is told, and leaves nothing of it; the database is not touched by it. */
static void
test_a_fault_leaves_a_whole_copy_or_none(void **state)
{
	static const enum fault_mode modes[] = { FAULT_IOERR, FAULT_FULL, FAULT_MEMORY };
	struct fixture *f = *state;
	struct buf why = { 0 };
	char kept[128];
	bool struck;
	unsigned n;

	put_big(f, 0, 60);
	sqlite_store_close(&f->store);
	snprintf(kept, sizeof(kept), "%s/kept.db", f->dir);
	copy_file(f->path, kept);
	for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++) {
		for (n = 1, struck = true; struck; n += stride(modes[m], false)) {
			enum res res;

			restore(f, kept);
			store_reopen(f);
			buf_reset(&why);
			fault_arm(modes[m], n);
			hush(true);
			res = copy_with_fault(f, &why);
			struck = fault_disarm();
			hush(false);
			assert_true(struck || res == RES_OK);
			if (res == RES_OK) {
				assert_copy(f, "copy.db");
			} else {
				assert_true(res == RES_INVALID || res == RES_TEMPFAIL ||
				    (modes[m] == FAULT_MEMORY && res == RES_NOMEM));
				assert_true(why.len > 0 || res == RES_NOMEM);
				assert_int_equal(files(f, "copy.db"), 0);
			}
			assert_tally(f);
		}
		assert_true(n > 5);
	}
	buf_free(&why);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_copy_is_a_plain_and_private_database),
		TEST(test_a_copy_of_an_empty_database_is_made_in_one_step),
		TEST(test_progress_is_told_in_bytes),
		cmocka_unit_test_setup_teardown(
		    test_a_database_in_memory_can_be_copied, make_dir, remove_dir),
		TEST(test_what_is_written_meanwhile_is_in_the_copy),
		TEST(test_a_copy_is_of_the_last_turn_that_was_committed),
		TEST(test_within_a_turn_nothing_is_copied),
		TEST(test_a_large_turn_that_is_forgotten_is_not_in_the_copy),
		TEST(test_what_another_process_writes_meanwhile_is_in_the_copy),
		TEST(test_a_second_copy_waits_for_the_first),
		TEST(test_a_copy_that_is_given_up_leaves_nothing),
		TEST(test_a_store_that_is_closed_gives_its_copy_up),
		TEST(test_a_file_that_is_there_is_never_written_over),
		TEST(test_links_are_not_followed),
		TEST(test_the_rest_of_a_copy_that_was_cut_off_is_left_to_the_operator),
		TEST(test_a_name_is_beside_the_database_wherever_we_are),
		TEST(test_what_is_no_name_for_a_copy_is_refused_with_the_reason),
		TEST(test_a_fault_leaves_a_whole_copy_or_none),
	};

	fault_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
