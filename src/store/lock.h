/* One laterd a database: an flock(2) on a file beside it. */
#ifndef LATERD_STORE_LOCK_H
#define LATERD_STORE_LOCK_H

#include "base/buf.h"

/*
 * Lock the file at path, made with mode 0600 where there is none, and write our pid into it.  *fd
 * is then the lock: it holds until lock_release or the end of the process.  RES_TEMPFAIL: somebody
 * has it, and `why` says who; RES_PERMFAIL: the file cannot be had.  *fd is -1 on both.
 */
enum res lock_take(const char *path, int *fd, struct buf *why);
/*
 * Lets go and sets *fd to -1; bears -1.  The file stays: unlinked, it would let two processes lock
 * two files of one name.
 */
void lock_release(int *fd);

#endif
