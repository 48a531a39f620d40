/*
 * A copy of the database while it is used, made by SQLite's online backup from our own connection,
 * which carries into the copied part what we write meanwhile.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/db.h"

/* Pages of 4 KiB: 1 MiB a step. */
#define PAGES_A_STEP 256

struct backup {
	struct db *db;
	char *path, *part; /* its name, and the one it has until it is whole */
	int dir, fd;       /* where it is, and itself; -1 */
	sqlite3 *handle;   /* of the copy */
	sqlite3_backup *copy;
	int64_t page_size, done, total;
	enum res res;      /* RES_UNCERTAIN: there is more */
};

/* -- Where it goes ----------------------------------------------------------------------------- */

/* Names beside a file that SQLite takes for a part of it. */
static const char *const tails[] = { "-wal", "-journal", "-shm" };
#define NTAILS (sizeof(tails) / sizeof(tails[0]))

static enum res
refuse(struct buf *why, const char *path, const char *reason)
{
	(void)buf_printf(why, "%s: %s", path, reason);
	return RES_INVALID;
}

/* The directory of path, beside the database where it is relative; *base is what follows. */
static enum res
split(const struct db *db, const char *path, struct buf *dir, const char **base)
{
	const char *slash = strrchr(path, '/'), *ours = db->file != NULL ? db->file : "./";

	if (*path != '/')
		(void)buf_append(dir, ours, (size_t)(strrchr(ours, '/') - ours) + 1);
	if (slash != NULL)
		(void)buf_append(dir, path, (size_t)(slash - path) + 1);
	*base = slash != NULL ? slash + 1 : path;
	return dir->failed ? RES_NOMEM : RES_OK;
}

/* A name that nothing has yet, and that SQLite does not take for a part of another file. */
static enum res
check_name(const struct backup *b, struct buf *why)
{
	struct buf beside = { 0 };
	struct stat st;
	enum res res = RES_OK;

	if (lstat(b->path, &st) == 0)
		return refuse(why, b->path, "there is such a file");
	for (size_t i = 0; i < NTAILS && res == RES_OK; i++) {
		buf_reset(&beside);
		(void)buf_printf(&beside, "%s%s", b->db->file != NULL ? b->db->file : "", tails[i]);
		if (strcmp(buf_str(&beside), b->path) == 0)
			res = refuse(why, b->path, "is a name that the database needs");
		buf_reset(&beside);
		(void)buf_printf(&beside, "%s%s", b->path, tails[i]);
		if (res == RES_OK && lstat(buf_str(&beside), &st) == 0)
			res = refuse(why, buf_str(&beside),
			    "is there, and would be taken for a part of it");
	}
	if (res == RES_OK && beside.failed)
		res = RES_NOMEM;
	buf_free(&beside);
	return res;
}

static enum res
name_it(struct backup *b, const char *path, struct buf *why)
{
	struct buf dir = { 0 };
	const char *base;
	char *real = NULL;
	enum res res;

	if ((res = split(b->db, path, &dir, &base)) != RES_OK)
		goto out;
	if (*base == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0) {
		res = refuse(why, path, "is not the name of a file");
		goto out;
	}
	if ((real = realpath(buf_str(&dir), NULL)) == NULL ||
	    (b->dir = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1) {
		res = errno == ENOMEM ? RES_NOMEM : refuse(why, buf_str(&dir), strerror(errno));
		goto out;
	}
	if (asprintf(&b->path, "%s/%s", real, base) == -1)
		b->path = NULL;
	else if (asprintf(&b->part, "%s.part", b->path) == -1)
		b->part = NULL;
	res = b->part != NULL ? check_name(b, why) : RES_NOMEM;
out:
	buf_free(&dir);
	free(real);
	return res;
}

/* -- Beginning --------------------------------------------------------------------------------- */

static enum res
create_part(struct backup *b, struct buf *why)
{
	const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

	if ((b->fd = open(b->part, flags, 0600)) != -1)
		return RES_OK;
	if (errno == EEXIST)
		return refuse(why, b->part, "is there, of a copy that was not finished: delete it");
	(void)buf_printf(why, "%s: cannot be made: %s", b->path, strerror(errno));
	return RES_INVALID;
}

static enum res
page_size(struct backup *b)
{
	struct query q;
	enum res res;

	db_query(&q, b->db, SQL_PAGE_SIZE);
	if ((res = db_row(&q)) != RES_OK)
		return res;
	b->page_size = sqlite3_column_int64(q.stmt, 0);
	db_end(&q);
	return RES_OK;
}

static enum res
open_part(struct backup *b, struct buf *why)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	int code;

	code = sqlite3_open_v2(b->part, &b->handle, flags, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(b->handle, SQL_COPY_PRAGMAS, NULL, NULL, NULL);
	if (code == SQLITE_OK &&
	    (b->copy = sqlite3_backup_init(b->handle, "main", b->db->handle, "main")) == NULL)
		code = sqlite3_errcode(b->handle);
	if (code == SQLITE_OK)
		return page_size(b);
	if (db_meaning(code) == RES_NOMEM)
		return RES_NOMEM;
	(void)buf_printf(why, "%s: cannot be made: %s", b->path, sqlite3_errstr(code));
	return RES_INVALID;
}

enum res
db_backup_begin(struct store *s, const char *path, struct backup **out, struct buf *why)
{
	struct db *db = (struct db *)s;
	struct backup *b;
	enum res res;

	*out = NULL;
	if (db->backup != NULL)
		return refuse(why, path, "another copy is being made");
	if ((b = calloc(1, sizeof(*b))) == NULL)
		return RES_NOMEM;
	*b = (struct backup){ .db = db, .dir = -1, .fd = -1, .res = RES_UNCERTAIN };
	if ((res = name_it(b, path, why)) != RES_OK || (res = create_part(b, why)) != RES_OK ||
	    (res = open_part(b, why)) != RES_OK) {
		db_backup_end(&b);
		return res;
	}
	db->backup = *out = b;
	return RES_OK;
}

/* -- Copying ----------------------------------------------------------------------------------- */

static enum res
fail(const struct backup *b, struct buf *why, enum res res, const char *reason)
{
	(void)buf_printf(why, "%s: %s", b->path, reason);
	return res == RES_PERMFAIL ? RES_PERMFAIL : RES_TEMPFAIL;
}

/* Closes the copy as a database that needs nothing beside it, and makes sure of it. */
static enum res
close_copy(struct backup *b, struct buf *why)
{
	char header[20];
	struct stat st;
	int code;

	code = sqlite3_backup_finish(b->copy);
	b->copy = NULL;
	if (code == SQLITE_OK)
		code = sqlite3_exec(b->handle, SQL_COPY_WHOLE, NULL, NULL, NULL);
	if (code == SQLITE_OK && (code = sqlite3_close(b->handle)) == SQLITE_OK)
		b->handle = NULL;
	if (code != SQLITE_OK)
		return fail(b, why, db_meaning(code), sqlite3_errstr(code));
	if (fsync(b->fd) == -1 || fstat(b->fd, &st) == -1)
		return fail(b, why, RES_TEMPFAIL, strerror(errno));
	/* Versions of the format, SQLite's "Database File Format", 1.3: 1 is without WAL. */
	if (st.st_size != b->total || pread(b->fd, header, sizeof(header), 0) != sizeof(header) ||
	    header[18] != 1 || header[19] != 1)
		return fail(b, why, RES_PERMFAIL, "was not written whole");
	return RES_OK;
}

/* Gives it its name, which must still be free. */
static bool
publish(const struct backup *b)
{
	if (renameat2(AT_FDCWD, b->part, AT_FDCWD, b->path, RENAME_NOREPLACE) == 0)
		return true;
	/* Not every file system knows how. */
	if ((errno != EINVAL && errno != ENOSYS) || link(b->part, b->path) == -1)
		return false;
	(void)unlink(b->part);
	return true;
}

static enum res
complete(struct backup *b, struct buf *why)
{
	enum res res;

	if ((res = close_copy(b, why)) != RES_OK)
		return res;
	if (!publish(b))
		return errno == EEXIST ? fail(b, why, RES_PERMFAIL, "there is such a file now") :
		    fail(b, why, RES_TEMPFAIL, strerror(errno));
	/* Not every file system can sync a directory. */
	if (fsync(b->dir) == -1 && errno != EINVAL) {
		res = fail(b, why, RES_TEMPFAIL, strerror(errno));
		(void)unlink(b->path);
	}
	return res;
}

static enum res
copy_more(struct backup *b, struct buf *why)
{
	int code = sqlite3_backup_step(b->copy, PAGES_A_STEP);

	b->total = sqlite3_backup_pagecount(b->copy) * b->page_size;
	b->done = b->total - sqlite3_backup_remaining(b->copy) * b->page_size;
	switch (code & 0xff) {
	case SQLITE_DONE:
		return complete(b, why);
	case SQLITE_OK:
		/* So that little is left to be written at the end, when we wait for it. */
		(void)sync_file_range(b->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
		return RES_UNCERTAIN;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return RES_UNCERTAIN;
	default:
		return fail(b, why, db_meaning(code), sqlite3_errstr(code));
	}
}

enum res
db_backup_step(struct backup *b, int64_t *done, int64_t *total, struct buf *why)
{
	/* Within a turn SQLite would refuse it. */
	if (b->res == RES_UNCERTAIN && b->db->turn == TURN_NONE)
		b->res = copy_more(b, why);
	*done = b->done;
	*total = b->total;
	return b->res;
}

/* -- The end ----------------------------------------------------------------------------------- */

/* SQLite leaves a log that it could not delete to the next who opens the file. */
static void
delete_rest(const struct backup *b)
{
	struct buf path = { 0 };

	if (b->res != RES_OK)
		(void)unlink(b->part);
	for (size_t i = 0; i < NTAILS; i++) {
		buf_reset(&path);
		if (buf_printf(&path, "%s%s", b->part, tails[i]) == RES_OK)
			(void)unlink(buf_str(&path));
	}
	buf_free(&path);
}

void
db_backup_end(struct backup **backup)
{
	struct backup *b = *backup;

	if (b == NULL)
		return;
	if (b->copy != NULL)
		(void)sqlite3_backup_finish(b->copy);
	(void)sqlite3_close(b->handle);
	if (b->fd != -1) {
		close(b->fd);
		delete_rest(b);
	}
	if (b->dir != -1)
		close(b->dir);
	if (b->db->backup == b)
		b->db->backup = NULL;
	free(b->path);
	free(b->part);
	free(b);
	*backup = NULL;
}
