/*
 * The supervisor that started us, if it is one like systemd: sd_notify(3)'s protocol, which is a
 * datagram of lines to the socket that NOTIFY_SOCKET names.
 */
#ifndef LATERD_DAEMON_SUPERVISOR_H
#define LATERD_DAEMON_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct supervisor {
	int fd;              /* -1: there is none */
	int64_t watchdog_ms; /* to be told that we live at least so often; 0: it does not watch */
	char *status;        /* last told; NULL */
	bool deaf;           /* it could not be told the last time */
};

/*
 * By NOTIFY_SOCKET (a path, or '@' and an abstract name), WATCHDOG_USEC and WATCHDOG_PID of the
 * environment, which are removed from it.  Never fails: what cannot be used is as if it was not
 * there, with a line in the log.
 */
void supervisor_init(struct supervisor *s);
void supervisor_fini(struct supervisor *s);

/*
 * Each is a message of its own.  One that the supervisor cannot take is lost, with a line in the
 * log for the first of several; a change of state waits a second for it, the others do not wait.
 */
void supervisor_ready(struct supervisor *s);
/* RELOADING=1 with the monotonic time, as Type=notify-reload wants it; supervisor_ready ends it. */
void supervisor_reloading(struct supervisor *s);
void supervisor_stopping(struct supervisor *s);
/* A line for `systemctl status`, of at most 1000 bytes; told only when it has changed. */
void supervisor_status(struct supervisor *s, const char *text);
/* We live. */
void supervisor_alive(struct supervisor *s);

#endif
