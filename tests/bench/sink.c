/*
 * A gateway that says yes: every POST is answered with 202 and a small body after a fixed latency,
 * on connections that are kept alive.  One thread on epoll, so that whoever sends to it is what is
 * measured.
 *
 *	sink PORT LATENCY_US
 *
 * GET /stats answers "COUNT FIRST LAST CONNECTIONS": POSTs, the times of the first and the last of
 * them in seconds of the monotonic clock, and the connections that they came on.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define FDS_MAX	    4096
#define INPUT_MAX   65536
#define WAITING_MAX 65536 /* a power of two */

static const char answer[] = "HTTP/1.1 202 Accepted\r\n"
			     "Content-Type: application/json\r\n"
			     "Content-Length: 13\r\n"
			     "\r\n"
			     "{\"id\":\"sink\"}";

struct connection {
	char *input; /* NULL: not open */
	size_t len;
	uint32_t generation;
	bool counted;
};

/* The latency is the same for all, so whoever came first leaves first. */
struct waiting {
	int64_t at_ns;
	int fd;
	uint32_t generation;
};

struct sink {
	int epoll, listener, timer;
	int64_t latency_ns;
	struct connection connections[FDS_MAX];
	struct waiting waiting[WAITING_MAX];
	size_t first, last;
	uint64_t count, users;
	int64_t first_ns, last_ns;
};

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void
fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void
drop(struct sink *s, int fd)
{
	struct connection *c = &s->connections[fd];

	free(c->input);
	*c = (struct connection){ .generation = c->generation + 1 };
	close(fd);
}

/* An answer is smaller than any socket buffer, and its reader waits for it. */
static void
reply(struct sink *s, int fd, const char *text, size_t len)
{
	if (send(fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
		drop(s, fd);
}

static void
arm(struct sink *s)
{
	struct itimerspec at = { 0 };

	if (s->first != s->last) {
		int64_t ns = s->waiting[s->first % WAITING_MAX].at_ns;

		at.it_value.tv_sec = (time_t)(ns / 1000000000);
		at.it_value.tv_nsec = (long)(ns % 1000000000);
	}
	timerfd_settime(s->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static void
accepted(struct sink *s, int fd, int64_t now)
{
	struct connection *c = &s->connections[fd];

	if (s->count++ == 0)
		s->first_ns = now;
	s->last_ns = now;
	s->users += !c->counted;
	c->counted = true;
	if (s->latency_ns == 0) {
		reply(s, fd, answer, sizeof(answer) - 1);
		return;
	}
	if (s->last - s->first == WAITING_MAX) {
		drop(s, fd);
		return;
	}
	s->waiting[s->last++ % WAITING_MAX] =
	    (struct waiting){ now + s->latency_ns, fd, c->generation };
	if (s->last - s->first == 1)
		arm(s);
}

static void
stats(struct sink *s, int fd)
{
	char body[128], text[256];
	int len = snprintf(body, sizeof(body), "%llu %.6f %.6f %llu\n", (unsigned long long)s->count,
	    (double)s->first_ns / 1e9, (double)s->last_ns / 1e9, (unsigned long long)s->users);
	int all = snprintf(text, sizeof(text),
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", len, body);

	reply(s, fd, text, (size_t)all);
}

/* The bytes of the first whole request in the input; 0: not all of it is there. */
static size_t
request_len(const struct connection *c)
{
	const char *end = memmem(c->input, c->len, "\r\n\r\n", 4), *field;
	size_t head, body = 0;

	if (end == NULL)
		return 0;
	head = (size_t)(end - c->input) + 4;
	field = strcasestr(c->input, "\r\ncontent-length:");
	if (field != NULL && field < end)
		body = strtoul(field + strlen("\r\ncontent-length:"), NULL, 10);
	return body < INPUT_MAX && head + body <= c->len ? head + body : 0;
}

static void
readable(struct sink *s, int fd)
{
	struct connection *c = &s->connections[fd];
	ssize_t n = recv(fd, c->input + c->len, INPUT_MAX - c->len, 0);
	size_t len;

	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			drop(s, fd);
		return;
	}
	c->len += (size_t)n;
	c->input[c->len] = '\0';
	while (c->input != NULL && (len = request_len(c)) > 0) {
		bool asks = strncmp(c->input, "GET /stats", 10) == 0;

		c->len -= len;
		memmove(c->input, c->input + len, c->len + 1);
		if (asks)
			stats(s, fd);
		else
			accepted(s, fd, now_ns());
	}
	if (c->input != NULL && c->len == INPUT_MAX)
		drop(s, fd);
}

static void
expired(struct sink *s)
{
	uint64_t times;
	int64_t now = now_ns();

	if (read(s->timer, &times, sizeof(times)) < 0 && errno != EAGAIN)
		fail("timerfd");
	while (s->first != s->last && s->waiting[s->first % WAITING_MAX].at_ns <= now) {
		const struct waiting *w = &s->waiting[s->first++ % WAITING_MAX];

		if (s->connections[w->fd].input != NULL &&
		    s->connections[w->fd].generation == w->generation)
			reply(s, w->fd, answer, sizeof(answer) - 1);
	}
	arm(s);
}

static void
watch(struct sink *s, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		fail("epoll_ctl");
}

static void
arrive(struct sink *s)
{
	int one = 1, fd;

	while ((fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct connection *c;

		if (fd >= FDS_MAX) {
			close(fd);
			continue;
		}
		c = &s->connections[fd];
		c->input = malloc(INPUT_MAX + 1);
		if (c->input == NULL)
			fail("malloc");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		watch(s, fd);
	}
}

static void
open_all(struct sink *s, int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int one = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->epoll < 0 || s->timer < 0 || s->listener < 0)
		fail("sink");
	setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(s->listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(s->listener, 1024) != 0)
		fail("listen");
	watch(s, s->listener);
	watch(s, s->timer);
}

int
main(int argc, char **argv)
{
	static struct sink s;
	struct epoll_event events[256];

	if (argc != 3) {
		fputs("usage: sink PORT LATENCY_US\n", stderr);
		return 64;
	}
	s.latency_ns = strtoll(argv[2], NULL, 10) * 1000;
	open_all(&s, atoi(argv[1]));
	puts("ready");
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(s.epoll, events, 256, -1);

		if (n < 0 && errno != EINTR)
			fail("epoll_wait");
		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd == s.listener)
				arrive(&s);
			else if (fd == s.timer)
				expired(&s);
			else if (s.connections[fd].input != NULL)
				readable(&s, fd);
		}
	}
}
