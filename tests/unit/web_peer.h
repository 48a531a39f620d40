/* An HTTP server of a few scripted answers, on a port of 127.0.0.1 and in the test's own loop. */
#ifndef LATERD_TESTS_WEB_PEER_H
#define LATERD_TESTS_WEB_PEER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/buf.h"
#include "base/parse.h"

#define WEB_PEER_MAX 64

struct web_peer;

struct web_peer_connection {
	struct web_peer *peer;
	int fd;
	struct event *ev;
	struct buf heard;
};

struct web_peer {
	struct event_base *base;
	int fd, port;
	struct event *ev;
	struct web_peer_connection v[WEB_PEER_MAX];
	unsigned accepted, requests, open, most;
	struct buf last; /* the last whole request */
	/* Called at each connection, and with each whole request. */
	void (*at_accept)(struct web_peer_connection *c);
	void (*at_request)(struct web_peer_connection *c);
};

static void
web_peer_close(struct web_peer_connection *c)
{
	if (c->fd < 0)
		return;
	event_free(c->ev);
	close(c->fd);
	c->fd = -1;
	c->peer->open--;
	buf_free(&c->heard);
}

/* With RST in place of FIN. */
static inline void
web_peer_reset(struct web_peer_connection *c)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	web_peer_close(c);
}

static inline void
web_peer_says(struct web_peer_connection *c, const char *text)
{
	if (send(c->fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		return;
}

/* The length of the request that stands at the beginning, 0 while it is not whole. */
static size_t
web_peer_whole(const struct buf *b)
{
	const char *end = strstr(buf_str(b), "\r\n\r\n");
	const char *field = strcasestr(buf_str(b), "\r\nContent-Length: ");
	size_t len;

	if (end == NULL)
		return 0;
	len = (size_t)(end - b->p) + 4;
	if (field != NULL && field < end)
		len += strtoul(field + 18, NULL, 10);
	return b->len >= len ? len : 0;
}

static void
web_peer_on_read(evutil_socket_t fd, short what, void *arg)
{
	struct web_peer_connection *c = arg;
	char piece[65536];
	ssize_t n = recv(fd, piece, sizeof(piece), 0);
	size_t len;

	(void)what;
	if (n <= 0) {
		web_peer_close(c);
		return;
	}
	buf_append(&c->heard, piece, (size_t)n);
	while (c->fd >= 0 && (len = web_peer_whole(&c->heard)) > 0) {
		buf_reset(&c->peer->last);
		buf_append(&c->peer->last, c->heard.p, len);
		memmove(c->heard.p, c->heard.p + len, c->heard.len - len);
		buf_cut(&c->heard, c->heard.len - len);
		c->heard.p[c->heard.len] = '\0';
		c->peer->requests++;
		c->peer->at_request(c);
	}
}

static void
web_peer_on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct web_peer *p = arg;
	struct web_peer_connection *c = NULL;

	(void)what;
	for (size_t i = 0; i < WEB_PEER_MAX && c == NULL; i++)
		if (p->v[i].fd < 0)
			c = &p->v[i];
	if (c == NULL)
		abort();
	c->fd = accept(fd, NULL, NULL);
	c->peer = p;
	c->heard.max = (size_t)16 << 20;
	c->ev = event_new(p->base, c->fd, EV_READ | EV_PERSIST, web_peer_on_read, c);
	event_add(c->ev, NULL);
	p->accepted++;
	p->open++;
	if (p->open > p->most)
		p->most = p->open;
	if (p->at_accept != NULL)
		p->at_accept(c);
}

/* A listening socket and its port. */
static int
web_peer_listen(int *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd, 64) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		abort();
	*port = ntohs(a.sin_port);
	return fd;
}

static inline void
web_peer_begin(struct web_peer *p, struct event_base *base)
{
	memset(p, 0, sizeof(*p));
	for (size_t i = 0; i < WEB_PEER_MAX; i++)
		p->v[i].fd = -1;
	p->base = base;
	p->last.max = (size_t)16 << 20;
	p->fd = web_peer_listen(&p->port);
	p->ev = event_new(base, p->fd, EV_READ | EV_PERSIST, web_peer_on_accept, p);
	event_add(p->ev, NULL);
}

static inline void
web_peer_end(struct web_peer *p)
{
	for (size_t i = 0; i < WEB_PEER_MAX; i++)
		web_peer_close(&p->v[i]);
	event_free(p->ev);
	close(p->fd);
	buf_free(&p->last);
}

#endif
