#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "fault_vfs.h"

struct shim {
	sqlite3_file file;
	bool wal;
	sqlite3_file *real; /* behind this structure */
};

static struct {
	enum fault_mode mode;
	unsigned left, wal_syncs;
	bool struck;
	sqlite3_vfs *base, vfs;
	sqlite3_mem_methods memory;
} fault;

static sqlite3_file *
real_of(sqlite3_file *file)
{
	return ((struct shim *)file)->real;
}

/* Does this change fail? */
static bool
strikes(void)
{
	if (fault.mode == FAULT_NONE || fault.mode == FAULT_MEMORY)
		return false;
	if (fault.struck)
		return fault.mode == FAULT_CUT;
	if (--fault.left > 0)
		return false;
	fault.struck = true;
	return true;
}

static int
code_of(int io_code)
{
	return fault.mode == FAULT_FULL ? SQLITE_FULL : io_code;
}

static int
shim_close(sqlite3_file *f)
{
	return real_of(f)->pMethods->xClose(real_of(f));
}

static int
shim_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	return real_of(f)->pMethods->xRead(real_of(f), p, n, at);
}

static int
shim_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	bool first = !fault.struck;

	if (((struct shim *)f)->wal)
		fault.wal_syncs = 0;
	if (!strikes())
		return real_of(f)->pMethods->xWrite(real_of(f), p, n, at);
	if (fault.mode == FAULT_CUT && first)
		(void)real_of(f)->pMethods->xWrite(real_of(f), p, n / 2, at);
	return code_of(SQLITE_IOERR_WRITE);
}

static int
shim_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return strikes() ? code_of(SQLITE_IOERR_TRUNCATE)
			 : real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int
shim_sync(sqlite3_file *f, int flags)
{
	if (strikes())
		return code_of(SQLITE_IOERR_FSYNC);
	fault.wal_syncs += ((struct shim *)f)->wal;
	/* Nobody pulls the plug of this machine; syncs are counted and cost nothing. */
	(void)flags;
	return SQLITE_OK;
}

static int
shim_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return real_of(f)->pMethods->xFileSize(real_of(f), size);
}

static int
shim_lock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int
shim_unlock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int
shim_reserved(sqlite3_file *f, int *out)
{
	return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}

static int
shim_control(sqlite3_file *f, int op, void *arg)
{
	return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int
shim_sector(sqlite3_file *f)
{
	return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int
shim_character(sqlite3_file *f)
{
	return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int
shim_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	if (extend && strikes())
		return code_of(SQLITE_IOERR_SHMMAP);
	return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, out);
}

static int
shim_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}

static void
shim_shm_barrier(sqlite3_file *f)
{
	real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int
shim_shm_unmap(sqlite3_file *f, int remove)
{
	return real_of(f)->pMethods->xShmUnmap(real_of(f), remove && fault.mode != FAULT_CUT);
}

static const sqlite3_io_methods shim_methods = {
	2,
	shim_close,
	shim_read,
	shim_write,
	shim_truncate,
	shim_sync,
	shim_size,
	shim_lock,
	shim_unlock,
	shim_reserved,
	shim_control,
	shim_sector,
	shim_character,
	shim_shm_map,
	shim_shm_lock,
	shim_shm_barrier,
	shim_shm_unmap,
	NULL,
	NULL,
};

static int
vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
	struct shim *shim = (struct shim *)file;
	int code;

	(void)vfs;
	shim->real = (sqlite3_file *)(shim + 1);
	shim->wal = (flags & SQLITE_OPEN_WAL) != 0;
	code = fault.base->xOpen(fault.base, name, shim->real, flags, out);
	shim->file.pMethods = shim->real->pMethods != NULL ? &shim_methods : NULL;
	return code;
}

static int
vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	(void)vfs;
	return strikes() ? SQLITE_IOERR_DELETE : fault.base->xDelete(fault.base, name, sync);
}

/* -- Memory ------------------------------------------------------------------------------------ */

static bool
memory_strikes(void)
{
	if (fault.mode != FAULT_MEMORY || fault.struck || --fault.left > 0)
		return false;
	fault.struck = true;
	return true;
}

static void *
memory_alloc(int n)
{
	return memory_strikes() ? NULL : fault.memory.xMalloc(n);
}

static void *
memory_realloc(void *p, int n)
{
	return memory_strikes() ? NULL : fault.memory.xRealloc(p, n);
}

void
fault_install(void)
{
	sqlite3_mem_methods methods;

	if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &fault.memory) != SQLITE_OK)
		abort();
	methods = fault.memory;
	methods.xMalloc = memory_alloc;
	methods.xRealloc = memory_realloc;
	if (sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) != SQLITE_OK ||
	    sqlite3_initialize() != SQLITE_OK)
		abort();
	fault.base = sqlite3_vfs_find(NULL);
	fault.vfs = *fault.base;
	fault.vfs.pNext = NULL;
	fault.vfs.zName = "fault";
	fault.vfs.szOsFile = (int)sizeof(struct shim) + fault.base->szOsFile;
	fault.vfs.xOpen = vfs_open;
	fault.vfs.xDelete = vfs_delete;
	if (sqlite3_vfs_register(&fault.vfs, 1) != SQLITE_OK)
		abort();
}

void
fault_arm(enum fault_mode mode, unsigned n)
{
	fault.mode = mode;
	fault.left = n;
	fault.struck = false;
}

bool
fault_disarm(void)
{
	fault.mode = FAULT_NONE;
	return fault.struck;
}

unsigned
fault_wal_syncs(void)
{
	return fault.wal_syncs;
}
