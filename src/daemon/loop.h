/* The event loop: libevent around one daemon. */
#ifndef LATERD_DAEMON_LOOP_H
#define LATERD_DAEMON_LOOP_H

#include "base/buf.h"

/*
 * Run laterd with the configuration of `path` in the foreground until SIGTERM or SIGINT; SIGHUP
 * reads the file again.  The exit code; when it is not 0, `why` has the reason.
 */
int loop_run(const char *path, struct buf *why);

#endif
