/*
 * HTTP requests as values, and the client that performs them: libcurl in the daemon (curl.h), a
 * script in tests.
 */
#ifndef LATERD_GATEWAY_HTTP_H
#define LATERD_GATEWAY_HTTP_H

#include <stdint.h>

#include "base/buf.h"

struct http_header {
	const char *name, *value;
	struct http_header *next;
};

/* Owned by whoever made it; strings live in its arena. */
struct http_request {
	struct arena arena;
	const char *method; /* "GET", "POST" */
	const char *url;    /* may hold secrets: for no log */
	struct http_header *headers, **last;
	struct buf body;
	const char *user, *password; /* Basic authorization; NULL: none */
	const char *ca_file;         /* NULL: the system's */
	int64_t timeout_ms;          /* from start to end; 30 s at first */
	size_t answer_max;           /* bytes of the answer's body; 64 KiB at first */
	bool stranger;               /* the URL is a user's: https only, see curl.h */
};

struct http_request *http_request_new(void);
void http_request_free(struct http_request **rq);
/*
 * Append a header field; both strings are copied.  RES_INVALID when the name is no token or the
 * value has a control character (RFC 9110 section 5).
 */
enum res http_request_header(struct http_request *rq, const char *name, const char *value);

enum http_end {
	HTTP_ANSWERED, /* status, headers and the whole body are there */
	HTTP_NOT_SENT, /* nothing of the request has left: name, connection, TLS, refused address */
	HTTP_BROKEN,   /* it may have been received: no answer, or not all of it, or not in time */
	HTTP_TOO_LARGE /* answered with `status`, but with more than answer_max bytes */
};

/* Borrowed. */
struct http_answer {
	enum http_end end;
	int status;                  /* 0 when there is none */
	struct span body;
	const struct http_header *headers; /* names in lower case */
	const char *error;           /* for the log, when not HTTP_ANSWERED; without the URL */
};

/* The value of the first field of that name, in any case, or NULL. */
const char *http_answer_header(const struct http_answer *a, const char *name);
/*
 * Retry-After in ms from `now` (UTC, ms), of seconds or a date (RFC 9110 section 10.2.3), or where
 * `name` is not NULL the field of that name read the same way, bounded to a day; 0 when there is
 * none.
 */
int64_t http_retry_after(const struct http_answer *a, const char *name, int64_t now);

typedef void http_done_fn(void *arg, const struct http_answer *a);

/* A client; `turn` is set by its user before the first request. */
struct http_client {
	const struct http_client_ops *ops;
	/* After one or more `done`: the turn that they began ends. */
	void (*turn)(void *arg);
	void *turn_arg;
};

struct http_pool;

struct http_client_ops {
	/* A set of connections that are kept alive and counted together.  NULL without memory. */
	struct http_pool *(*pool_new)(struct http_client *c, unsigned connections);
	/* The connections of the pool may be fewer or more from now on. */
	void (*pool_resize)(struct http_pool *p, unsigned connections);
	/* What is under way is given up, without `done`. */
	void (*pool_free)(struct http_pool **p);
	/*
	 * Perform rq, which is taken and freed in any case.  RES_OK: `done` follows once, never from
	 * within this call.  RES_TEMPFAIL, RES_NOMEM: nothing has left.
	 */
	enum res (*start)(struct http_pool *p, struct http_request *rq, http_done_fn *done,
	    void *arg);
};

#endif
