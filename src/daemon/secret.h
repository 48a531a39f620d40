/* Secrets in files: the component's shared secret, and the key that seals bodies. */
#ifndef LATERD_DAEMON_SECRET_H
#define LATERD_DAEMON_SECRET_H

#include <stdint.h>

#include "base/buf.h"
#include "core/seal.h"

#define SECRET_MAX 1024

/*
 * Append the first line of a file, which nobody but its owner and group may read.  A path that does
 * not begin with '/' is looked up in $CREDENTIALS_DIRECTORY (systemd.exec(5)) when that is set.
 * RES_INVALID with the reason in `why`: missing, empty, longer than SECRET_MAX, or readable by all.
 */
enum res secret_read(const char *path, struct buf *out, struct buf *why);

/*
 * The seal key of the file: 64 hexadecimal digits and a line end.  RES_NOTFOUND when there is no
 * such file; RES_INVALID with the reason when it is no key or others may read it.
 */
enum res seal_key_read(const char *path, uint8_t key[SEAL_KEY_LEN], struct buf *why);
/*
 * Make a random key and write it to a new file of mode 0600, on disk when it returns.  RES_INVALID
 * with the reason.
 */
enum res seal_key_make(const char *path, uint8_t key[SEAL_KEY_LEN], struct buf *why);

#endif
