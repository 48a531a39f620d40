/*
 * Each write fails once, and allocations within SQLite do, while a database is made or brought to a
 * new version: it is whole, and of one of the versions on the way.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/schema.h"
#include "store_faults.h"

static void
test_a_fault_while_the_database_is_made_can_be_repeated(void **state)
{
	static const enum fault_mode modes[] = { FAULT_IOERR, FAULT_FULL, FAULT_CUT, FAULT_MEMORY };
	struct fixture *f = *state;
	struct buf why = { 0 };
	bool struck;
	unsigned n;

	for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++) {
		for (n = 1, struck = true; struck; n += stride(modes[m], true)) {
			struct packet p = sample(1);
			enum res res;

			(void)unlink(f->path);
			fault_arm(modes[m], n);
			hush(true);
			res = sqlite_store_open(f->path, &f->store, &why);
			assert_true(res == RES_OK ||
			    (res == RES_PERMFAIL && f->store == NULL && why.len > 0));
			buf_reset(&why);
			sqlite_store_close(&f->store);
			hush(false);
			struck = fault_disarm();
			store_reopen(f);
			put(f, &p);
			commit(f);
			sqlite_store_close(&f->store);
		}
		assert_true(n > 5);
	}
	buf_free(&why);
}

/* Our steps as far as this version; its rows as text. */
static void
bring_to(struct fixture *f, int version, struct buf *rows)
{
	struct buf why = { 0 };
	sqlite3 *h = NULL;

	assert_int_equal(sqlite3_open(f->path, &h), SQLITE_OK);
	assert_int_equal(schema_migrate(h, schema_steps, version, &why), RES_OK);
	sqlite3_close(h);
	if (version == 1)
		by_hand(f,
		    "WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 60) "
		    "INSERT INTO packet SELECT NULL, printf('%06d', i), 'a@b', 'c@d', 1 + i % 3, "
		    "1 + i % 10, 1, i, i, i, i, i % 7, i, 0, 0, 20261225, 1, 'UTC', zeroblob(2000) "
		    "FROM c;"
		    "INSERT INTO event SELECT NULL, n, 1, 'scheduled' FROM packet;"
		    "INSERT INTO charge VALUES ('a@b', 1, 20261225, 54);"
		    "INSERT INTO account VALUES ('a@b', 1);");
	assert_int_equal(dump(f, rows), version);
}

/* Opens it with the n-th change failing: it is then of one of the versions on the way, whole. */
static bool
try_migration(
    struct fixture *f, const char *kept, enum fault_mode mode, unsigned n, const struct buf *rows)
{
	struct buf why = { 0 }, got = { 0 };
	enum res res;
	bool struck;
	int version;

	restore(f, kept);
	fault_arm(mode, n);
	hush(true);
	res = sqlite_store_open(f->path, &f->store, &why);
	assert_true(res == RES_OK || (res == RES_PERMFAIL && f->store == NULL && why.len > 0));
	sqlite_store_close(&f->store);
	hush(false);
	struck = fault_disarm();
	assert_true(struck || res == RES_OK);
	version = dump(f, &got);
	assert_true(version == schema_version || res != RES_OK);
	assert_string_equal(buf_str(&got), buf_str(&rows[version]));
	store_reopen(f);
	sqlite_store_close(&f->store);
	assert_int_equal(dump(f, &got), schema_version);
	assert_string_equal(buf_str(&got), buf_str(&rows[schema_version]));
	assert_consistent(f);
	buf_free(&why);
	buf_free(&got);
	return struck;
}

/* From each version that was published to ours. */
static void
test_a_fault_on_the_way_to_a_new_version_loses_nothing(void **state)
{
	static const enum fault_mode modes[] = { FAULT_IOERR, FAULT_FULL, FAULT_CUT, FAULT_MEMORY };
	struct fixture *f = *state;
	struct buf rows[8] = { { 0 } };
	char kept[8][128];

	assert_in_range(schema_version, 2, 7);
	for (int v = 1; v <= schema_version; v++) {
		bring_to(f, v, &rows[v]);
		snprintf(kept[v], sizeof(kept[v]), "%s/version_%d.db", f->dir, v);
		copy_file(f->path, kept[v]);
	}
	assert_string_not_equal(buf_str(&rows[1]), buf_str(&rows[schema_version]));
	for (int v = 1; v < schema_version; v++)
		for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++) {
			unsigned n = 1;

			while (try_migration(f, kept[v], modes[m], n, rows))
				n += stride(modes[m], true);
			assert_true(n > 5);
		}
	for (int v = 1; v <= schema_version; v++)
		buf_free(&rows[v]);
}

static void
test_commit_returns_after_the_log_is_on_disk(void **state)
{
	struct fixture *f = *state;

	store_reopen(f);
	for (unsigned i = 1; i <= 5; i++) {
		struct packet p = sample(i);

		put(f, &p);
		commit(f);
		assert_in_range(fault_wal_syncs(), 1, 2);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_fault_while_the_database_is_made_can_be_repeated),
		TEST(test_a_fault_on_the_way_to_a_new_version_loses_nothing),
		TEST(test_commit_returns_after_the_log_is_on_disk),
	};

	fault_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
