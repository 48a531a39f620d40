#include "daemon/supervisor.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/parse.h"

#define STATUS_MAX    1024
#define USEC_PER_MSEC 1000
#define USEC_PER_SEC  1000000
#define NSEC_PER_USEC 1000
/* How long a supervisor may be busy before it misses that we have started, or are stopping. */
#define PATIENCE_MS   1000

/* -- The environment --------------------------------------------------------------------------- */

/* A copy, after which our children do not find it. */
static char *
take_variable(const char *name)
{
	const char *value = getenv(name);
	char *copy = value == NULL ? NULL : strdup(value);

	unsetenv(name);
	return copy;
}

/* The length of the address; 0 when the name cannot be one. */
static socklen_t
address_of(const char *name, struct sockaddr_un *address)
{
	size_t len = strlen(name);
	bool abstract = name[0] == '@';

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	/* A path keeps its NUL; an abstract name (unix(7)) has one in front, and none behind. */
	if ((!abstract && name[0] != '/') || len < 2 ||
	    len + (abstract ? 0 : 1) > sizeof(address->sun_path))
		return 0;
	memcpy(address->sun_path, name, len);
	if (abstract)
		address->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (abstract ? 0 : 1));
}

static int
connect_to(const char *name)
{
	struct sockaddr_un address;
	socklen_t len = address_of(name, &address);
	int fd;

	if (len == 0) {
		log_warn("NOTIFY_SOCKET names no socket that can be used: the supervisor is told nothing");
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, len) == 0)
		return fd;
	log_warn("the socket of the supervisor: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* sd_watchdog_enabled(3): the variables may have been meant for the process that started us. */
static int64_t
watchdog_of(const char *usec, const char *pid)
{
	int64_t for_pid = getpid(), value = 0;

	if (usec == NULL)
		return 0;
	if (parse_int(span_of(usec), USEC_PER_MSEC, INT64_MAX, &value) != RES_OK ||
	    (pid != NULL && parse_int(span_of(pid), 1, INT32_MAX, &for_pid) != RES_OK)) {
		log_warn("WATCHDOG_USEC or WATCHDOG_PID cannot be understood: there is no watchdog");
		return 0;
	}
	return for_pid == getpid() ? value / USEC_PER_MSEC : 0;
}

void
supervisor_init(struct supervisor *s)
{
	char *name = take_variable("NOTIFY_SOCKET"), *usec = take_variable("WATCHDOG_USEC"),
	     *pid = take_variable("WATCHDOG_PID");

	*s = (struct supervisor){ .fd = name == NULL || *name == '\0' ? -1 : connect_to(name) };
	if (s->fd >= 0)
		s->watchdog_ms = watchdog_of(usec, pid);
	free(name);
	free(usec);
	free(pid);
}

void
supervisor_fini(struct supervisor *s)
{
	if (s->fd >= 0)
		close(s->fd);
	free(s->status);
	*s = (struct supervisor){ .fd = -1 };
}

/* -- What it is told --------------------------------------------------------------------------- */

static bool
send_now(const struct supervisor *s, const char *text)
{
	return send(s->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

/*
 * wait_ms: how long it may take until there is room in the supervisor's socket.  What is said again
 * soon is not waited for, lest a supervisor that hangs makes us hang.
 */
static bool
tell(struct supervisor *s, const char *text, int wait_ms)
{
	bool ok;

	if (s->fd < 0)
		return false;
	ok = send_now(s, text);
	if (!ok && errno == EAGAIN && wait_ms > 0) {
		struct pollfd room = { .fd = s->fd, .events = POLLOUT };

		ok = poll(&room, 1, wait_ms) > 0 && send_now(s, text);
	}
	if (!ok && !s->deaf)
		log_warn("the supervisor cannot be told how we are: %s", strerror(errno));
	s->deaf = !ok;
	return ok;
}

void
supervisor_ready(struct supervisor *s)
{
	tell(s, "READY=1", PATIENCE_MS);
}

void
supervisor_reloading(struct supervisor *s)
{
	struct timespec now;
	char text[64];

	/* Rounded down as our clock is, it might be before the signal, and systemd would wait. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
	    (int64_t)now.tv_sec * USEC_PER_SEC + now.tv_nsec / NSEC_PER_USEC);
	tell(s, text, PATIENCE_MS);
}

void
supervisor_stopping(struct supervisor *s)
{
	tell(s, "STOPPING=1", PATIENCE_MS);
}

/* A line of its own would be another message. */
static void
flatten(char *line)
{
	for (; *line != '\0'; line++)
		if ((unsigned char)*line < ' ' || *line == 0x7f)
			*line = ' ';
}

void
supervisor_status(struct supervisor *s, const char *text)
{
	struct buf message = { .max = STATUS_MAX };

	if (s->fd < 0 || (s->status != NULL && strcmp(s->status, text) == 0))
		return;
	if (buf_printf(&message, "STATUS=%s", text) == RES_OK) {
		flatten(message.p);
		if (tell(s, message.p, 0)) {
			free(s->status);
			s->status = strdup(text);
		}
	}
	buf_free(&message);
}

void
supervisor_alive(struct supervisor *s)
{
	tell(s, "WATCHDOG=1", 0);
}
