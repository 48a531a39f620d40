#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/db.h"
#include "store/lock.h"
#include "store/schema.h"
#include "store/sqlite.h"

/* Another process may look at the database, and it should not; we do not wait for it long. */
#define BUSY_MS 250

static const struct store_ops sqlite_ops = {
	.commit = db_commit,
	.rollback = db_rollback,
	.put = db_packet_put,
	.use = db_account_use,
	.refund = db_account_refund,
	.limit = db_account_limit,
	.set_limit = db_account_set_limit,
	.drop_limit = db_account_drop_limit,
	.account = db_account_get,
	.set_account = db_account_set,
	.waiting = db_packet_waiting,
	.get = db_packet_get,
	.get_ref = db_packet_get_ref,
	.find = db_packet_find,
	.claim = db_packet_claim,
	.move = db_packet_move,
	.wake = db_packet_wake,
	.wake_paid = db_packet_wake_paid,
	.recover = db_packet_recover,
	.edit = db_packet_edit,
	.charge = db_packet_charge,
	.finished = db_packet_finished,
	.erase = db_packet_erase,
	.next = db_packet_next,
	.history = db_packet_history,
	.purge = db_packet_purge,
	.put_series = db_series_put,
	.get_series = db_series_get,
	.drop_series = db_series_drop,
	.find_series = db_series_find,
	.set_forget = db_account_set_forget,
	.forgets = db_account_forgets,
	.forget_account = db_account_forget,
	.charges = db_account_charges,
	.contact = db_account_contact,
	.set_contact = db_account_set_contact,
	.stopped = db_account_stopped,
	.set_stopped = db_account_set_stopped,
	.set_pair = db_account_set_pair,
	.pair = db_account_pair,
	.purge_pairs = db_account_purge_pairs,
	.contacts_waiting = db_account_contacts_waiting,
	.tally = db_operator_tally,
	.due_by = db_operator_due_by,
	.ended_since = db_operator_ended_since,
	.senders = db_operator_senders,
	.space = db_operator_space,
	.backup_begin = db_backup_begin,
	.backup_step = db_backup_step,
	.backup_end = db_backup_end,
	.meta = db_account_meta,
	.set_meta = db_account_set_meta,
};

/*
 * The one name of the file at path, which is made where there is none: SQLite would give it the
 * mode of our umask.  An existing file is not opened here, because closing it would drop the POSIX
 * locks of whoever has it open in this process.
 */
static enum res
name_file(const char *path, char **out, struct buf *why)
{
	struct stat st;
	int fd;

	if ((fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) != -1)
		close(fd);
	else if (errno != EEXIST) {
		(void)buf_printf(why, "%s: cannot be created: %s", path, strerror(errno));
		return RES_PERMFAIL;
	}
	if ((*out = realpath(path, NULL)) == NULL || stat(*out, &st) == -1) {
		(void)buf_printf(why, "%s: cannot be opened: %s", path, strerror(errno));
		goto err;
	}
	if (!S_ISREG(st.st_mode)) {
		(void)buf_printf(why, "%s: is not a regular file", path);
		goto err;
	}
	return RES_OK;
err:
	free(*out);
	*out = NULL;
	return RES_PERMFAIL;
}

static enum res
lock_file(const char *file, int *lock, struct buf *why)
{
	struct buf path = { 0 };
	enum res res;

	if (buf_printf(&path, "%s.lock", file) != RES_OK) {
		(void)buf_text(why, "no memory");
		res = RES_PERMFAIL;
	} else {
		res = lock_take(buf_str(&path), lock, why);
	}
	buf_free(&path);
	return res;
}

static enum res
connect_file(struct db *db, const char *file, bool in_memory, struct buf *why)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;

	if (in_memory)
		flags |= SQLITE_OPEN_MEMORY;
	if (sqlite3_open_v2(file, &db->handle, flags, NULL) != SQLITE_OK) {
		(void)buf_printf(why, "cannot be opened: %s",
		    db->handle != NULL ? sqlite3_errmsg(db->handle) : "no memory");
		return RES_PERMFAIL;
	}
	(void)sqlite3_extended_result_codes(db->handle, 1);
	(void)sqlite3_busy_timeout(db->handle, BUSY_MS);
	/* Nothing that somebody else wrote into the schema gets to run. */
	(void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	(void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	(void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	(void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	return RES_OK;
}

static enum res
use_wal(struct db *db, bool in_memory, struct buf *why)
{
	const char *wanted = in_memory ? "memory" : "wal", *mode;
	sqlite3_stmt *stmt = NULL;
	enum res res = RES_PERMFAIL;

	(void)sqlite3_prepare_v2(db->handle, "PRAGMA journal_mode = WAL", -1, &stmt, NULL);
	if (stmt == NULL || sqlite3_step(stmt) != SQLITE_ROW)
		(void)buf_printf(why, "cannot be put into WAL mode: %s",
		    sqlite3_errmsg(db->handle));
	else if ((mode = (const char *)sqlite3_column_text(stmt, 0)) == NULL ||
	    strcmp(mode, wanted) != 0)
		(void)buf_text(why, "cannot be put into WAL mode on this file system");
	else
		res = RES_OK;
	(void)sqlite3_finalize(stmt);
	return res;
}

/* Nothing is changed in the file before schema_migrate has found it to be ours. */
static enum res
set_up(struct db *db, const char *file, bool in_memory, struct buf *why)
{
	enum res res;

	if ((res = connect_file(db, file, in_memory, why)) != RES_OK)
		return res;
	if (sqlite3_exec(db->handle, "PRAGMA foreign_keys = OFF", NULL, NULL, NULL) != SQLITE_OK) {
		(void)buf_printf(why, "cannot be opened: %s", sqlite3_errmsg(db->handle));
		return RES_PERMFAIL;
	}
	if ((res = schema_migrate(db->handle, schema_steps, schema_version, why)) != RES_OK ||
	    (res = use_wal(db, in_memory, why)) != RES_OK)
		return res;
	if (sqlite3_exec(db->handle, SQL_PRAGMAS, NULL, NULL, NULL) != SQLITE_OK) {
		(void)buf_printf(why, "cannot be opened: %s", sqlite3_errmsg(db->handle));
		return RES_PERMFAIL;
	}
	if ((res = db_prepare(db, why)) != RES_OK)
		return res;
	if (db_tally_count(db) != RES_OK) {
		(void)buf_printf(why, "cannot be read: %s", sqlite3_errmsg(db->handle));
		return RES_PERMFAIL;
	}
	return RES_OK;
}

enum res
sqlite_store_open(const char *path, struct store **out, struct buf *why)
{
	bool in_memory = strcmp(path, ":memory:") == 0;
	struct buf cause = { 0 };
	struct store *s = NULL;
	struct db *db;
	enum res res;

	*out = NULL;
	if ((db = calloc(1, sizeof(*db))) == NULL) {
		(void)buf_printf(why, "%s: no memory", path);
		return RES_PERMFAIL;
	}
	s = &db->store;
	s->ops = &sqlite_ops;
	db->lock = -1;
	if (!in_memory && ((res = name_file(path, &db->file, why)) != RES_OK))
		goto err;
	if ((!in_memory && (res = lock_file(db->file, &db->lock, &cause)) != RES_OK) ||
	    (res = set_up(db, in_memory ? path : db->file, in_memory, &cause)) != RES_OK) {
		(void)buf_printf(why, "%s: %s", path, buf_str(&cause));
		goto err;
	}
	*out = s;
	s = NULL;
err:
	sqlite_store_close(&s);
	buf_free(&cause);
	return res;
}

void
sqlite_store_close(struct store **s)
{
	struct db *db = (struct db *)*s;
	struct backup *backup;

	if (db == NULL)
		return;
	/* A connection that is being copied cannot be closed. */
	backup = db->backup;
	db_backup_end(&backup);
	/* Closing rolls back what was not committed; the lock goes last. */
	db_close(db);
	lock_release(&db->lock);
	free(db->file);
	free(db);
	*s = NULL;
}

static void
expose_packets(const struct tally *t, struct buf *out)
{
	static const char name[] = "laterd_packets";

	metrics_family(out, name, "gauge", "Packets in the store.");
	for (int k = KIND_IM; k < KIND_END; k++)
		for (int st = PACKET_SCHEDULED; st < PACKET_NSTATES; st++)
			metrics_sample(out, name, (double)t->n[k][st], "kind",
			    packet_kind_name((enum packet_kind)k), "state",
			    packet_state_name((enum packet_state)st), NULL);
}

void
sqlite_store_expose(struct store *s, struct buf *out)
{
	struct db *db = (struct db *)s;
	struct store_space space;
	struct tally tally;

	metrics_family(out, "laterd_commit_seconds", "histogram",
	    "Time until a turn was on disk.");
	metrics_histogram(out, "laterd_commit_seconds", &db->commits, NULL);
	if (s->ops->space(s, &space) == RES_OK) {
		metrics_family(out, "laterd_database_bytes", "gauge",
		    "Size of the database and its write-ahead log.");
		metrics_sample(out, "laterd_database_bytes", (double)space.used, NULL);
		metrics_family(out, "laterd_database_free_bytes", "gauge",
		    "Room left on the file system of the database.");
		metrics_sample(out, "laterd_database_free_bytes", (double)space.left, NULL);
	}
	if (s->ops->tally(s, &tally) == RES_OK)
		expose_packets(&tally, out);
}
