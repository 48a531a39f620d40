/*
 * The HTTP listener (libevent's evhttp): delivery reports and /healthz.  Only GET and POST reach
 * it.  Requests are bounded, and so is the time from one to the next with its answer; connections
 * beyond the bound wait to be accepted.
 */
#ifndef LATERD_GATEWAY_LISTENER_H
#define LATERD_GATEWAY_LISTENER_H

#include <event2/event.h>

#include "gateway/web.h"

struct listener_bounds {
	size_t header, body; /* bytes: 8 KiB, 64 KiB */
	int64_t wait_ms;     /* for a request to be here and its answer to be taken: 10 s */
	size_t connections;  /* open at once: 100 */
};

extern const struct listener_bounds listener_bounds_default;

struct listener;

/* Fill in the reply: status 0 is "404 Not Found".  It is a turn of its own. */
typedef void listener_fn(void *arg, const struct web_request *rq, struct web_reply *reply);

/*
 * host: an IP address or a name; port 0: any that is free.  RES_PERMFAIL with the reason in `why`;
 * RES_NOMEM.
 */
enum res listener_new(struct event_base *base, const char *host, int port, listener_fn *fn,
    void *arg, struct listener **out, struct buf *why);
void listener_free(struct listener **l);
/* Other bounds than the default ones, for connections to come. */
void listener_set_bounds(struct listener *l, const struct listener_bounds *bounds);
/* The port it listens on. */
int listener_port(const struct listener *l);
/* How many connections are open. */
size_t listener_connections(struct listener *l);

#endif
