/*
 * The other end of laterd's HTTP requests: gateways, and hosts of media, as far as laterd can tell.  Every request is recorded, and
 * ends as the test says; without a word of the test it is answered as Kannel does what it accepts, and a PUT with 201.
 */
#ifndef LATERD_TESTS_SCENARIO_PHONES_H
#define LATERD_TESTS_SCENARIO_PHONES_H

#include "gateway/config.h"
#include "gateway/http.h"

struct world;

enum phone_end {
	PHONE_ANSWERS, /* with status, type and body; too long a body is HTTP_TOO_LARGE */
	PHONE_REFUSES, /* nothing of the request leaves: HTTP_NOT_SENT */
	PHONE_BREAKS,  /* it may have been received: HTTP_BROKEN */
	PHONE_WAITS    /* until the test ends it by world_phone_end */
};

/* Zeroed: 202 "0: Accepted for delivery"; to a PUT 201. */
struct phone_says {
	enum phone_end end;
	int status;
	const char *type;        /* Content-Type; NULL: text/html */
	struct span body;
	const char *retry_after; /* NULL: none */
	size_t times;            /* so many requests only; 0: all from now on */
};

/* A request that left.  Absent strings are "". */
struct requested {
	int64_t at;
	const char *method, *url, *user, *password;
	struct http_header *headers;
	struct span body; /* followed by a NUL */
	int64_t timeout_ms;
	bool stranger, waits, ended;

	/* The machinery. */
	size_t answer_max;
	struct phone_says says;
	struct http_pool *pool;
	http_done_fn *done;
	void *arg;
};

#define PHONE_RULES_MAX 100

struct phones {
	struct http_client client; /* first: a pool knows it by this */
	struct world *world;
	bool full;              /* nothing more can be started: RES_TEMPFAIL */

	struct requested *v;    /* in the order in which they left */
	size_t n, cap;

	struct {
		const char *url;
		struct phone_says says;
		bool used_up;
	} rules[PHONE_RULES_MAX];
	size_t nrules;
};

void phones_init(struct phones *p, struct world *w);
/* End what can end, and laterd's turn with it.  False when there was nothing to do. */
bool phones_move(struct phones *p);

/* -- For tests ------------------------------------------------------------------------------------------------------------------ */

/*
 * Requests whose URL begins with `url` ("" all) end like this.  The rule that was set last counts, unless it is used up.
 * world_phone(w, "", .end = PHONE_REFUSES, .times = 2)
 */
#define world_phone(w, url, ...) world_phone_rule((w), (url), (struct phone_says){ __VA_ARGS__ })
void world_phone_rule(struct world *w, const char *url, struct phone_says says);
/* The end of a request that waits (by its number in w->phones.v), and what it brings. */
#define world_phone_end(w, i, ...) world_phone_ends((w), (i), (struct phone_says){ __VA_ARGS__ })
void world_phone_ends(struct world *w, size_t i, struct phone_says says);

/* The value of a header field, in any case; "" when there is none. */
const char *phone_header(const struct requested *r, const char *name);
/* How many requests to URLs that begin so; how many to Kannel for this number; the last one to such a URL, or NULL. */
size_t world_requests(const struct world *w, const char *url);
size_t world_sms(const struct world *w, const char *number);
const struct requested *world_request(const struct world *w, const char *url);

/*
 * Before world_start: a gateway in w->config, at the end.  world_gateway(w, .info.name = "office").  What is not given is Kannel for
 * SMS, at http://NAME.example/cgi-bin/sendsms, without denied numbers.
 */
#define world_gateway(w, ...) world_add_gateway((w), (struct gateway_config){ __VA_ARGS__ })
struct gateway_config *world_add_gateway(struct world *w, struct gateway_config g);
/* A route for the kind, to gateways of the configuration by their names, up to NULL. */
void world_route(struct world *w, const char *prefix, enum packet_kind kind, ...) __attribute__((sentinel));

/* Schedule an SMS, from JULIET to PHONE unless said otherwise: its id.  world_schedule_sms(w, .when = "in 2 minutes") */
#define PHONE "+4917012345678"
#define world_schedule_sms(w, ...) world_schedule_text((w), (struct text){ __VA_ARGS__ })
struct text {
	const char *from, *to, *when, *body, *expires, *repeat, *rrule;
};
const char *world_schedule_text(struct world *w, struct text text);

/* What the listener answers, in memory that lives as long as the world. */
struct web_answer {
	int status;
	const char *type, *body;
};

/* A request to the listener.  The Content-Type follows from how the body begins: '{', '<', or else a form. */
struct web_answer world_web(struct world *w, const char *method, const char *path, const char *query, const char *body);
/* Where a gateway reports to that has one address for all messages: the path for world_web. */
const char *world_report_path(struct world *w, const char *gateway);
/* Kannel reports on a request that it accepted, with the type "1" (delivered), "2" (failed), "8", ...: the status of the answer. */
int world_report(struct world *w, const struct requested *r, const char *type);

#endif
