/* The store port (core/ports.h) on one SQLite database. */
#ifndef LATERD_STORE_SQLITE_H
#define LATERD_STORE_SQLITE_H

#include "core/ports.h"

/*
 * Open the database at path, create it (mode 0600) where there is none, and bring its schema up to
 * ours.  ":memory:" is a private database that ends with its store.  On RES_OK *out is a store, to
 * be closed by sqlite_store_close; otherwise *out is NULL and `why` says why in one line.
 *   RES_TEMPFAIL  another laterd holds the database: it has locked PATH.lock, and `why` names the
 *                 pid written there.
 *   RES_PERMFAIL  it cannot be opened or created, is no laterd database, is of a newer version, or
 *                 its header, schema or tables are damaged; the file is as it was.
 * The lock is taken before the database is touched, held until the store is closed, and dies with
 * the process; the lock file itself stays.  Path is resolved first, so that two names of one file
 * mean one lock.
 * Beyond what core/ports.h says of the verbs:
 * - After RES_TEMPFAIL, RES_NOMEM from a write or RES_PERMFAIL from SQLite the turn is broken: every
 *   verb, commit included, returns RES_TEMPFAIL until rollback.  The cause has been logged, once.
 * - RES_PERMFAIL: SQLite found the file damaged, or (get, get_ref, get_series) the row cannot be a
 *   packet or a series.
 * - A row that cannot be a packet is logged and left out of find and claim; if it is scheduled or
 *   held it becomes FAILED in the turn, if it is a paid attempt UNCERTAIN, lest it be found again
 *   for ever.  finished, find_series, forgets, senders and find of FIND_TROUBLE log such rows, leave
 *   them out and leave them as they are; they hide no others.  ended_since does not even log them.
 * - put, move and edit keep a gateway of 1 to 64 and a gateway_ref of 1 to 256 bytes; any other becomes
 *   none, because what a stranger's server answers must not make a row that cannot be read.
 * - get_ref: of several, the one sent last.
 * - find and claim end early, with RES_OK, when the list's arena is full and at least one packet is
 *   in it, or after 16 rows that cannot be packets: fewer than max does not mean that there are no
 *   more.  So do finished and find_series at their arena's bound.
 * - A number or a zone of an account that cannot be one counts as none set.
 * - Whoever has a row in `stopped` is, whatever its instant; a pair of before 1970 has never been.
 * - purge_pairs: those longest ago first.
 * - refund gives back what the sender is still charged at most, and the same to the service.
 * - tally is counted at the opening; what somebody else writes meanwhile is counted at the next one.
 *   A kind or state that there is not counts nowhere.
 * - ended_since counts UNCERTAIN ones as well; they come sorted by kind, state and gateway.
 * - space: RES_TEMPFAIL when the file system does not say, which has been logged.
 * - A copy is made in PATH.part and gets its name when it is whole; a relative PATH is beside the
 *   database, or in the working directory for ":memory:".  It is a database of its own, with the
 *   bodies as sealed as they are here.  A turn that is rolled back, and a write of somebody else,
 *   make it begin anew: what was done falls back then.
 * - charges leaves out what was given back, and kinds that there are not.
 * - purge counts packets only; UNCERTAIN ones end like finished ones, by finished_at.  use takes any
 *   day of a month.
 */
enum res sqlite_store_open(const char *path, struct store **out, struct buf *why);
/* Append what is measured here (base/metrics.h): how long commits take, how large the database is. */
void sqlite_store_expose(struct store *s, struct buf *out);
/*
 * Rolls an uncommitted turn back, and gives up a copy that is not whole (its struct backup is gone
 * then); nulls the pointer, bears NULL in it.
 */
void sqlite_store_close(struct store **s);

#endif
