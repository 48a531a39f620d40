/*
 * Inside the SQLite store: one connection, its prepared statements, the turn, and what SQLite's
 * codes mean to us. Nobody outside src/store and its tests includes this.
 */
#ifndef LATERD_STORE_DB_H
#define LATERD_STORE_DB_H

#include <sqlite3.h>

#include "base/metrics.h"
#include "core/ports.h"
#include "store/sql.h"

/* Bytes: the longest texts of a gateway that are kept. */
#define GATEWAY_LEN_MAX 64
#define REF_LEN_MAX     256

enum turn {
	TURN_NONE,  /* nothing written */
	TURN_OPEN,  /* a transaction is open */
	TURN_BROKEN /* a call failed in it: nothing of it may be committed */
};

struct db {
	struct store store; /* first: a struct store * of ours is a struct db * */
	sqlite3 *handle;
	sqlite3_stmt *stmt[SQL_N];
	enum turn turn;
	int complained; /* SQLite's code last logged; 0 once a turn was committed after it */
	int lock; /* -1 for ":memory:" */
	char *file; /* its one name; NULL for ":memory:" */
	struct tally tally, kept; /* of all packets; without what the open turn has written */
	struct histogram commits;
	struct backup *backup; /* the one that is being made */
};

/*
 * Prepares every statement; RES_PERMFAIL with the reason in `why`, which a table or column that is
 * missing gives.
 */
enum res db_prepare(struct db *db, struct buf *why);
/* What SQLite's code means. */
enum res db_meaning(int code);
/* Finalizes them and closes the handle; bears a half-made db. */
void db_close(struct db *db);

enum res db_commit(struct store *s);
void db_rollback(struct store *s);
/* Opens the turn's transaction unless it is open.  RES_TEMPFAIL when the turn is broken. */
enum res db_begin(struct db *db);

/*
 * One use of a statement: db_query, then a db_<type> for each placeholder in order, then db_row
 * until it does not return RES_OK, db_run or db_write.  What is bound is borrowed until then.  A
 * binding that fails shows there.
 */
struct query {
	struct db *db;
	sqlite3_stmt *stmt;
	enum sql which;
	int bound;  /* placeholders so far */
	int failed; /* SQLite's code */
};

void db_query(struct query *q, struct db *db, enum sql which);
void db_text(struct query *q, const char *text);
void db_int(struct query *q, int64_t value);
void db_null(struct query *q);
void db_blob(struct query *q, struct span bytes);

/*
 * RES_OK: a row is there to be read.  RES_NOTFOUND: no more.  Anything else as db_run.  But for
 * RES_OK the query is over; who stops earlier calls db_end.
 */
enum res db_row(struct query *q);
/*
 * Run a statement that gives no rows.  RES_INVALID: a UNIQUE column has that value already.
 * RES_TEMPFAIL, RES_PERMFAIL and RES_NOMEM have been logged and have broken an open turn.
 */
enum res db_run(struct query *q);
/* db_begin and db_run; *changed (may be NULL) is the number of rows it changed. */
enum res db_write(struct query *q, int *changed);
void db_end(struct query *q);

/* A text column of the current row; RES_PERMFAIL when it holds a NUL byte, RES_NOMEM. */
enum res db_column_text(struct query *q, int column, struct span *out);
/* Copies a text column of 1 to max bytes; RES_PERMFAIL for any other, RES_NOMEM. */
enum res db_column_copy(
    struct query *q, int column, size_t max, struct arena *a, const char **out);
/* A text column of at most size - 1 bytes. */
enum res db_column_fixed(struct query *q, int column, char *out, size_t size);
/* An id as packet_id_make writes it. */
enum res db_column_id(struct query *q, int column, char out[PACKET_ID_LEN + 1]);
/* An integer column; *ok is cleared when it is not within [min, max], and is else left alone. */
int64_t db_column_number(struct query *q, int column, int64_t min, int64_t max, bool *ok);
/* A copy of a blob; RES_NOMEM. */
enum res db_column_bytes(struct query *q, int column, struct arena *a, struct span *out);
/* max as a LIMIT. */
int64_t db_limit(size_t max);
/* Append an entry, copying `what`; RES_NOMEM. */
enum res db_event(struct events *es, int64_t at, struct span what);

/*
 * Packets are counted once, at an opening, and every write of ours moves the count.  A kind or a
 * state that there is not counts nowhere.
 */
void db_tally_add(struct db *db, int64_t kind, int64_t state, int64_t n);
void db_tally_move(struct db *db, int64_t kind, int64_t from, int64_t to);
/* RES_OK also where a part of the file that is damaged leaves some uncounted, which is logged. */
enum res db_tally_count(struct db *db);

/* -- The verbs (core/ports.h) ------------------------------------------------------------------ */

enum res db_packet_put(struct store *s, const struct packet *v, size_t n, const char *what);
enum res db_packet_get(struct store *s, const char *id, struct packets *out);
enum res db_packet_get_ref(
    struct store *s, const char *gateway, const char *ref, struct packets *out);
enum res db_packet_find(struct store *s, enum store_find kind, const char *who, int64_t upto,
    size_t max, struct packets *out);
enum res db_packet_claim(
    struct store *s, bool paid, int64_t upto, size_t max, struct packets *out);
enum res db_packet_move(
    struct store *s, struct packet *p, enum packet_event ev, int64_t at, const char *what);
enum res db_packet_edit(struct store *s, struct packet *p, int64_t at, const char *what);
enum res db_packet_charge(struct store *s, const struct packet *p);
enum res db_packet_finished(struct store *s, const char *sender, struct store_place *place,
    size_t max, struct packets *out);
enum res db_packet_erase(struct store *s, const char *id);
enum res db_packet_wake(
    struct store *s, const char *recipient, enum offline only, int64_t at, int64_t *n);
enum res db_packet_wake_paid(struct store *s, int64_t at, int64_t *n);
enum res db_packet_recover(struct store *s, int64_t now, int64_t *n);
enum res db_packet_next(struct store *s, struct store_next *out);
enum res db_packet_history(struct store *s, const char *id, struct events *out);
enum res db_packet_purge(
    struct store *s, int64_t before, int32_t charge_day, size_t max, int64_t *n);
enum res db_packet_waiting(struct store *s, const char *sender, int64_t *n);

enum res db_series_put(struct store *s, const struct series *se);
enum res db_series_get(struct store *s, const char *id, struct series_list *out);
enum res db_series_drop(struct store *s, const char *id);
enum res db_series_find(struct store *s, enum series_find kind, const char *who, size_t max,
    struct series_list *out);

/* Adds to what `who` is charged, or nothing where day is 0. */
enum res db_account_charge(
    struct db *db, const char *who, enum packet_kind kind, int32_t day, int64_t units);
enum res db_account_use(
    struct store *s, const char *sender, enum packet_kind kind, int32_t day, struct quota_use *out);
enum res db_account_refund(struct store *s, const struct packet *p);
enum res db_account_limit(
    struct store *s, const char *who, enum packet_kind kind, struct quota_limit *out);
enum res db_account_set_limit(
    struct store *s, const char *who, enum packet_kind kind, const struct quota_limit *limit);
enum res db_account_drop_limit(struct store *s, const char *who, enum packet_kind kind);
enum res db_account_get(struct store *s, const char *jid, struct account *out);
enum res db_account_set(struct store *s, const char *jid, const struct account *account);
enum res db_account_charges(
    struct store *s, const char *sender, size_t max, struct events *out);
enum res db_account_set_forget(struct store *s, const char *jid, int64_t at);
enum res db_account_forgets(struct store *s, size_t max, struct events *out);
enum res db_account_forget(struct store *s, const char *jid);
enum res db_account_contact(
    struct store *s, const char *jid, enum contact *out, int64_t *changed_at);
enum res db_account_set_contact(struct store *s, const char *jid, enum contact state, int64_t now);
enum res db_account_stopped(struct store *s, const char *jid, bool *out);
enum res db_account_set_stopped(struct store *s, const char *jid, int64_t at);
enum res db_account_set_pair(
    struct store *s, const char *sender, const char *recipient, int64_t at);
enum res db_account_pair(struct store *s, const char *one, const char *other, int64_t *at);
enum res db_account_purge_pairs(struct store *s, int64_t before, size_t max, int64_t *n);
enum res db_account_contacts_waiting(
    struct store *s, const char *after, size_t max, struct events *out);
enum res db_account_meta(struct store *s, const char *name, struct buf *out);
enum res db_account_set_meta(struct store *s, const char *name, const char *value);

enum res db_operator_tally(struct store *s, struct tally *out);
enum res db_operator_due_by(struct store *s, int64_t upto, int64_t n[KIND_END]);
enum res db_operator_ended_since(struct store *s, int64_t since, struct endings *out);
enum res db_operator_senders(
    struct store *s, const char *after, size_t max, struct events *out);
enum res db_operator_space(struct store *s, struct store_space *out);

enum res db_backup_begin(
    struct store *s, const char *path, struct backup **out, struct buf *why);
enum res db_backup_step(struct backup *b, int64_t *done, int64_t *total, struct buf *why);
void db_backup_end(struct backup **b);

#endif
