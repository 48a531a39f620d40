/*
 * The schema, and how a database of an older version becomes one of ours.  doc/schema.md says what
 * each table is for.
 */
#ifndef LATERD_STORE_SCHEMA_H
#define LATERD_STORE_SCHEMA_H

#include <sqlite3.h>

#include "base/buf.h"

/*
 * schema_steps[v] is the SQL that makes version v + 1 of version v; 0 is an empty file.  Published
 * steps are never edited.
 */
extern const char *const schema_steps[];
extern const int schema_version;

/*
 * Bring the database from its user_version to n by steps[user_version] to steps[n - 1], each in one
 * transaction together with its user_version and our application_id, and with all foreign keys
 * checked before it is committed.  To be called with foreign keys off, so that a step may rebuild a
 * table.  RES_PERMFAIL with the reason in `why`: it is no laterd database, of a version above n, or
 * a step failed; the database is then what it was before that step.
 */
enum res schema_migrate(sqlite3 *handle, const char *const *steps, int n, struct buf *why);

#endif
