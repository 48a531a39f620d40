#include "gateway/listener.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"

/* After accept(2) has failed, most likely for want of descriptors. */
#define REST_MS SECOND_MS
/* Of a request besides its header fields and its body: the framing of a chunk. */
#define SLACK 256
/* How often the connections are looked at. */
#define LOOK_MS 100

struct connection {
	struct bufferevent *bev; /* evhttp's and ours */
	int64_t since;           /* monotonic: it was opened, or its last answer has left */
	LIST_ENTRY(connection) link;
};

struct listener {
	struct evhttp *http;
	struct evconnlistener *acceptor; /* http's */
	struct event *rest, *look;
	bool resting;
	listener_fn *fn;
	void *arg;
	struct listener_bounds bounds;
	LIST_HEAD(, connection) connections;
	size_t n;
};

const struct listener_bounds listener_bounds_default = {
	.header = (size_t)8 << 10,
	.body = (size_t)64 << 10,
	.wait_ms = 10 * SECOND_MS,
	.connections = 100,
};

static void
arm(struct event *ev, int64_t ms)
{
	const struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	(void)evtimer_add(ev, &tv);
}

/* -- Connections ------------------------------------------------------------------------------- */

static void
accept_or_not(struct listener *l)
{
	if (!l->resting && l->n < l->bounds.connections)
		(void)evconnlistener_enable(l->acceptor);
	else
		(void)evconnlistener_disable(l->acceptor);
}

static void
connection_end(struct listener *l, struct connection *c)
{
	LIST_REMOVE(c, link);
	l->n--;
	free(c);
}

/*
 * evhttp has no bound on connections, its timeouts begin anew with every byte, and it tells nobody
 * of an end.  So we hold each connection's bufferevent together with evhttp, and see here which of
 * them are ours alone, and which take too long: of those evhttp sees the end of the socket, and
 * closes.
 */
static void
sweep(struct listener *l)
{
	int64_t now = clock_mono(&clock_system);
	struct connection *c, *next;

	for (c = LIST_FIRST(&l->connections); c != NULL; c = next) {
		next = LIST_NEXT(c, link);
		if (bufferevent_decref(c->bev)) {
			connection_end(l, c);
			continue;
		}
		bufferevent_incref(c->bev);
		if (now - c->since >= l->bounds.wait_ms)
			(void)shutdown(bufferevent_getfd(c->bev), SHUT_RDWR);
	}
	accept_or_not(l);
}

static void
look(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)fd, (void)what;
	sweep(l);
	if (l->n > 0)
		arm(l->look, LOOK_MS);
}

static struct bufferevent *
connection_new(struct event_base *base, void *arg)
{
	struct listener *l = arg;
	struct connection *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (c->bev == NULL) {
		free(c);
		return NULL;
	}
	/* evhttp reads on while it writes: whoever floods it is not read beyond one request. */
	bufferevent_setwatermark(c->bev, EV_READ, 0, l->bounds.header + l->bounds.body + SLACK);
	bufferevent_incref(c->bev);
	c->since = clock_mono(&clock_system);
	LIST_INSERT_HEAD(&l->connections, c, link);
	if (++l->n == 1)
		arm(l->look, LOOK_MS);
	accept_or_not(l);
	return c->bev;
}

static struct connection *
connection_of(struct listener *l, struct evhttp_request *req)
{
	struct evhttp_connection *evcon = evhttp_request_get_connection(req);
	struct connection *c;

	LIST_FOREACH(c, &l->connections, link)
		if (evcon != NULL && evhttp_connection_get_bufferevent(evcon) == c->bev)
			break;
	return c;
}

static void
accept_again(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)fd, (void)what;
	l->resting = false;
	accept_or_not(l);
}

static void
on_accept_error(struct evconnlistener *acceptor, void *arg)
{
	struct listener *l = arg;

	(void)acceptor;
	log_warn("cannot take an HTTP connection: %s", strerror(errno));
	l->resting = true;
	arm(l->rest, REST_MS);
	accept_or_not(l);
}

/* -- Requests ---------------------------------------------------------------------------------- */

/* The answer has left: the next request may take its time. */
static void
on_replied(struct evhttp_request *req, void *arg)
{
	struct listener *l = arg;
	struct connection *c = connection_of(l, req);

	if (c != NULL)
		c->since = clock_mono(&clock_system);
}

static void
send_reply(struct evhttp_request *req, const struct web_reply *reply)
{
	int status = reply->status == 0 ? HTTP_NOTFOUND : reply->status;
	struct evbuffer *body = evbuffer_new();
	bool ok = status >= 200 && status <= 599 && !reply->body.failed && body != NULL &&
	    evbuffer_add(body, buf_str(&reply->body), reply->body.len) == 0 &&
	    (reply->type == NULL ||
	    evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Type",
	    reply->type) == 0);

	if (ok)
		evhttp_send_reply(req, status, NULL, body);
	else
		evhttp_send_reply(req, HTTP_INTERNAL, NULL, NULL);
	if (body != NULL)
		evbuffer_free(body);
}

static void
on_request(struct evhttp_request *req, void *arg)
{
	struct listener *l = arg;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const char *path = uri == NULL ? NULL : evhttp_uri_get_path(uri);
	const char *query = uri == NULL ? NULL : evhttp_uri_get_query(uri);
	const char *type =
	    evhttp_find_header(evhttp_request_get_input_headers(req), "Content-Type");
	struct evbuffer *body = evhttp_request_get_input_buffer(req);
	struct web_reply reply = { 0 };
	struct web_request rq = {
		.method = evhttp_request_get_command(req) == EVHTTP_REQ_POST ? "POST" : "GET",
		.path = path == NULL ? "" : path,
		.query = query == NULL ? "" : query,
		.content_type = type == NULL ? "" : type,
		.body = SPAN(""),
	};

	if (evbuffer_get_length(body) > 0) {
		rq.body.len = evbuffer_get_length(body);
		rq.body.p = (const char *)evbuffer_pullup(body, -1);
	}
	evhttp_request_set_on_complete_cb(req, on_replied, l);
	if (rq.body.p == NULL)
		reply.status = HTTP_INTERNAL;
	else
		l->fn(l->arg, &rq, &reply);
	send_reply(req, &reply);
	buf_free(&reply.body);
}

static void
on_any_request(struct evhttp_request *req, void *arg)
{
	struct listener *l = arg;

	switch (evhttp_request_get_command(req)) {
	case EVHTTP_REQ_GET:
	case EVHTTP_REQ_POST:
		on_request(req, l);
		break;
	default:
		evhttp_request_set_on_complete_cb(req, on_replied, l);
		(void)evhttp_add_header(
		    evhttp_request_get_output_headers(req), "Allow", "GET, POST");
		evhttp_send_reply(req, HTTP_BADMETHOD, NULL, NULL);
		break;
	}
}

/* -- The listener ------------------------------------------------------------------------------ */

static bool
build(struct listener *l, struct event_base *base)
{
	l->http = evhttp_new(base);
	l->rest = evtimer_new(base, accept_again, l);
	l->look = evtimer_new(base, look, l);
	if (l->http == NULL || l->rest == NULL || l->look == NULL)
		return false;
	/* The others are refused by us, so that the answer says what is allowed. */
	evhttp_set_allowed_methods(l->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
	    EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE |
	    EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH);
	evhttp_set_default_content_type(l->http, "text/plain; charset=utf-8");
	/* Whoever sends too much is to hear so, which a reset connection would prevent. */
	(void)evhttp_set_flags(l->http, EVHTTP_SERVER_LINGERING_CLOSE);
	evhttp_set_gencb(l->http, on_any_request, l);
	evhttp_set_bevcb(l->http, connection_new, l);
	listener_set_bounds(l, &listener_bounds_default);
	return true;
}

static enum res
listen_on(struct listener *l, struct event_base *base, const struct addrinfo *list, int *error)
{
	const unsigned flags =
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;
	struct evconnlistener *acceptor = NULL;

	for (; acceptor == NULL && list != NULL; list = list->ai_next) {
		acceptor = evconnlistener_new_bind(
		    base, NULL, NULL, flags, -1, list->ai_addr, (int)list->ai_addrlen);
		*error = errno;
	}
	if (acceptor == NULL)
		return RES_PERMFAIL;
	if (evhttp_bind_listener(l->http, acceptor) == NULL) {
		evconnlistener_free(acceptor);
		return RES_NOMEM;
	}
	l->acceptor = acceptor;
	evconnlistener_set_error_cb(acceptor, on_accept_error);
	return RES_OK;
}

static enum res
resolve_and_listen(
    struct listener *l, struct event_base *base, const char *host, int port, struct buf *why)
{
	const struct addrinfo hints = {
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM
	};
	struct addrinfo *list = NULL;
	char service[16];
	int error = 0, code;
	enum res res;

	snprintf(service, sizeof(service), "%d", port);
	code = getaddrinfo(host, service, &hints, &list);
	if (code != 0) {
		buf_printf(why, "%s:%d: %s", host, port, gai_strerror(code));
		return RES_PERMFAIL;
	}
	res = listen_on(l, base, list, &error);
	if (res == RES_PERMFAIL)
		buf_printf(why, "%s:%d: %s", host, port, strerror(error));
	freeaddrinfo(list);
	return res;
}

enum res
listener_new(struct event_base *base, const char *host, int port, listener_fn *fn, void *arg,
    struct listener **out, struct buf *why)
{
	struct listener *l = calloc(1, sizeof(*l));
	enum res res = RES_NOMEM;

	*out = NULL;
	if (l == NULL)
		return RES_NOMEM;
	l->fn = fn;
	l->arg = arg;
	LIST_INIT(&l->connections);
	if (build(l, base))
		res = resolve_and_listen(l, base, host, port, why);
	if (res == RES_OK)
		*out = l;
	else
		listener_free(&l);
	return res;
}

void
listener_free(struct listener **lp)
{
	struct listener *l = *lp;
	struct connection *c;

	if (l == NULL)
		return;
	if (l->http != NULL)
		evhttp_free(l->http);
	while ((c = LIST_FIRST(&l->connections)) != NULL) {
		(void)bufferevent_decref(c->bev);
		connection_end(l, c);
	}
	if (l->look != NULL)
		event_free(l->look);
	if (l->rest != NULL)
		event_free(l->rest);
	free(l);
	*lp = NULL;
}

void
listener_set_bounds(struct listener *l, const struct listener_bounds *bounds)
{
	const struct timeval tv = {
		.tv_sec = bounds->wait_ms / 1000, .tv_usec = bounds->wait_ms % 1000 * 1000
	};

	l->bounds = *bounds;
	evhttp_set_max_headers_size(l->http, (ev_ssize_t)bounds->header);
	evhttp_set_max_body_size(l->http, (ev_ssize_t)bounds->body);
	evhttp_set_timeout_tv(l->http, &tv);
	if (l->acceptor != NULL)
		accept_or_not(l);
}

int
listener_port(const struct listener *l)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(ss);

	if (getsockname(evconnlistener_get_fd(l->acceptor), (struct sockaddr *)&ss, &len) != 0)
		return 0;
	if (ss.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&ss)->sin6_port);
	return ntohs(((struct sockaddr_in *)&ss)->sin_port);
}

size_t
listener_connections(struct listener *l)
{
	sweep(l);
	return l->n;
}
