/* The key that bodies are sealed with, which must be the one the database was begun with. */
#ifndef LATERD_DAEMON_SEALING_H
#define LATERD_DAEMON_SEALING_H

#include "core/ports.h"
#include "core/seal.h"
#include "daemon/config.h"

/*
 * The key of config->store.seal_key_file, which is made where there is none and the database has
 * none either, and noted in the database.  0, or an exit code (laterd.h) with the reason in `why`.
 */
int sealing_open(
    struct store *st, const struct config *config, struct seal **out, struct buf *why);

#endif
