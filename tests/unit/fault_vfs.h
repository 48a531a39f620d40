/*
 * An SQLite VFS over the system's own in which the Nth change to a file fails, and an allocator in
 * which the Nth call does.
 */
#ifndef LATERD_TESTS_FAULT_VFS_H
#define LATERD_TESTS_FAULT_VFS_H

#include <stdbool.h>

enum fault_mode {
	FAULT_NONE,
	FAULT_IOERR, /* the Nth change fails, all others work */
	FAULT_FULL,  /* the same, as a full disk */
	FAULT_CUT,   /* the Nth write is torn in half and nothing is written after it: no power */
	FAULT_MEMORY /* the Nth allocation within SQLite fails */
};

/* Before anything else of SQLite: both become its default. */
void fault_install(void);
/* Count from now on, and fail the n-th (from 1). */
void fault_arm(enum fault_mode mode, unsigned n);
/* Everything works again; true when the fault has struck. */
bool fault_disarm(void);
/* How many syncs of write-ahead logs there have been since the last write to one. */
unsigned fault_wal_syncs(void);

#endif
