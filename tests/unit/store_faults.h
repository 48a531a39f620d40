/* For tests in which writes and allocations fail: a database as text, and how it is put back. */
#ifndef LATERD_TESTS_STORE_FAULTS_H
#define LATERD_TESTS_STORE_FAULTS_H

#include <fcntl.h>

#include "fault_vfs.h"
#include "store_fixture.h"

/* Allocations are many and much alike: every so-manieth fails.  Of writes, each does. */
#define MEMORY_STRIDE 11
/* Opening has many more. */
#define OPEN_STRIDE   149

static inline unsigned
stride(enum fault_mode mode, bool opening)
{
	if (mode != FAULT_MEMORY)
		return 1;
	return opening ? OPEN_STRIDE : MEMORY_STRIDE;
}

/* A fault is logged, and there are thousands of them. */
static inline void
hush(bool on)
{
	static int saved = -1;
	int null;

	if (on && saved == -1 && (null = open("/dev/null", O_WRONLY | O_CLOEXEC)) != -1) {
		saved = dup(2);
		dup2(null, 2);
		close(null);
	} else if (!on && saved != -1) {
		dup2(saved, 2);
		close(saved);
		saved = -1;
	}
}

static inline int
version_of(sqlite3 *h)
{
	sqlite3_stmt *stmt = NULL;
	int version;

	assert_int_equal(sqlite3_prepare_v2(h, "PRAGMA user_version", -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	version = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return version;
}

/* All rows of all tables as text; the version. */
static inline int
dump(struct fixture *f, struct buf *out)
{
	static const char *const tables[] = {
		"packet ORDER BY n",
		"event ORDER BY n",
		"charge ORDER BY sender, kind, day",
		"quota_limit ORDER BY who, kind",
		"account ORDER BY jid",
		"contact ORDER BY jid",
		"meta ORDER BY name",
		"series ORDER BY id",
		"forget ORDER BY jid",
		"stopped ORDER BY jid",
		"pair ORDER BY sender, recipient",
	};
	/* The last ones are not in all versions. */
	static const size_t there[] = { 0, 7, 7, 9, 9, sizeof(tables) / sizeof(tables[0]) };
	sqlite3 *h = NULL;
	int version;

	out->max = 4 << 20;
	buf_reset(out);
	assert_int_equal(sqlite3_open(f->path, &h), SQLITE_OK);
	version = version_of(h);
	assert_in_range(version, 0, sizeof(there) / sizeof(there[0]) - 1);
	for (size_t t = 0; t < there[version]; t++) {
		sqlite3_stmt *stmt = NULL;
		char sql[64];

		snprintf(sql, sizeof(sql), "SELECT * FROM %s", tables[t]);
		assert_int_equal(sqlite3_prepare_v2(h, sql, -1, &stmt, NULL), SQLITE_OK);
		while (sqlite3_step(stmt) == SQLITE_ROW) {
			buf_printf(out, "%s", tables[t]);
			for (int i = 0; i < sqlite3_column_count(stmt); i++)
				buf_printf(out, "|%d:%s/%d", sqlite3_column_type(stmt, i),
				    sqlite3_column_bytes(stmt, i) > 0 ?
					(const char *)sqlite3_column_text(stmt, i) :
					"",
				    sqlite3_column_bytes(stmt, i));
			buf_text(out, "\n");
		}
		assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
	}
	sqlite3_close(h);
	assert_false(out->failed);
	return version;
}

/*
 * The charges of the senders, and of the service, are those of the packets that were not cancelled;
 * the pages and the indexes agree.
 */
static inline void
assert_consistent(struct fixture *f)
{
	static const char sql[] =
	    "SELECT (SELECT sum(count) FROM charge WHERE sender <> '" QUOTA_SERVICE "') = "
	    "(SELECT sum(charge_units) FROM packet WHERE state <> 9) "
	    "AND (SELECT sum(count) FROM charge WHERE sender <> '" QUOTA_SERVICE "') = "
	    "(SELECT sum(count) FROM charge WHERE sender = '" QUOTA_SERVICE "') "
	    "AND NOT EXISTS (SELECT 1 FROM event WHERE packet NOT IN (SELECT n FROM packet)) "
	    "AND (SELECT group_concat(integrity_check) FROM pragma_integrity_check) = 'ok'";
	sqlite3_stmt *stmt = NULL;
	sqlite3 *h = NULL;

	assert_int_equal(sqlite3_open(f->path, &h), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(h, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(stmt, 0), 1);
	sqlite3_finalize(stmt);
	sqlite3_close(h);
}

static inline void
copy_file(const char *from, const char *to)
{
	char block[65536];
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	size_t n;

	assert_true(in != NULL && out != NULL);
	while ((n = fread(block, 1, sizeof(block), in)) > 0)
		assert_int_equal(fwrite(block, 1, n, out), n);
	fclose(in);
	assert_int_equal(fclose(out), 0);
}

static inline void
restore(struct fixture *f, const char *kept)
{
	static const char *const tails[] = { "", "-wal", "-shm", "-journal" };
	char path[128];

	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", f->path, tails[i]);
		(void)unlink(path);
	}
	copy_file(kept, f->path);
}

#endif
