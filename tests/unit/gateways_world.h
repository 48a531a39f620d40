/* Gateways with a scripted HTTP client, a driver as simple as can be, and a clock that is told. */
#ifndef LATERD_TESTS_UNIT_GATEWAYS_WORLD_H
#define LATERD_TESTS_UNIT_GATEWAYS_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/driver.h"
#include "gateway/gateways.h"

#define STARTED_MAX 64
#define NOW (5 * MINUTE_MS)

/* -- An HTTP client that does what the test says ----------------------------------------------- */

struct http_pool {
	struct fake_client *client;
	unsigned connections;
};

struct started {
	struct http_pool *pool;
	struct http_request *rq; /* NULL: it has ended */
	http_done_fn *done;
	void *arg;
};

struct fake_client {
	struct http_client client;
	struct started v[STARTED_MAX];
	size_t n;
	unsigned pools;
	bool refuse, no_pools;
};

static inline struct http_pool *
fake_pool_new(struct http_client *hc, unsigned connections)
{
	struct fake_client *c = (struct fake_client *)hc;
	struct http_pool *p = c->no_pools ? NULL : calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->client = c;
	p->connections = connections;
	c->pools++;
	return p;
}

static inline void
fake_pool_resize(struct http_pool *p, unsigned connections)
{
	p->connections = connections;
}

static inline void
fake_pool_free(struct http_pool **pp)
{
	struct http_pool *p = *pp;

	for (size_t i = 0; i < p->client->n; i++)
		if (p->client->v[i].rq != NULL && p->client->v[i].pool == p)
			http_request_free(&p->client->v[i].rq);
	p->client->pools--;
	free(p);
	*pp = NULL;
}

static inline enum res
fake_start(struct http_pool *p, struct http_request *rq, http_done_fn *done, void *arg)
{
	struct fake_client *c = p->client;

	if (c->refuse) {
		http_request_free(&rq);
		return RES_TEMPFAIL;
	}
	assert_true(c->n < STARTED_MAX);
	c->v[c->n++] = (struct started){ p, rq, done, arg };
	return RES_OK;
}

static const struct http_client_ops fake_ops = {
	.pool_new = fake_pool_new,
	.pool_resize = fake_pool_resize,
	.pool_free = fake_pool_free,
	.start = fake_start,
};

/* -- A driver as simple as can be -------------------------------------------------------------- */

static inline enum res
fake_render(const struct gateway_config *c, const struct submission *sub, const char *report_url,
    int64_t now, struct http_request *rq, struct buf *why)
{
	(void)now;
	if (span_eq(sub->body, SPAN("bad"))) {
		buf_text(why, "it is bad");
		return RES_INVALID;
	}
	if (span_eq(sub->body, SPAN("full")))
		return RES_NOMEM;
	rq->method = "POST";
	rq->url = arena_text(&rq->arena, c->url);
	buf_printf(&rq->body, "%s %s %s", sub->id, sub->recipient,
	    report_url != NULL ? report_url : "-");
	return RES_OK;
}

static inline enum res
fake_judge(const struct gateway_config *c, const struct http_answer *a, int64_t now,
    struct verdict *v)
{
	(void)c;
	v->retry_after_ms = http_retry_after(a, NULL, now);
	switch (a->status) {
	case 200:
		buf_span(&v->ref, a->body);
		break;
	case 204:
		return RES_NOMEM;
	case 400:
		v->outcome = OUTCOME_PERMANENT;
		buf_text(&v->words, "no such number");
		break;
	case 402:
		v->halt = true;
		v->outcome = OUTCOME_NOT_PROCESSED;
		buf_text(&v->words, "no funds for 4917012345678");
		break;
	case 403:
		v->halt = true;
		v->outcome = OUTCOME_NOT_PROCESSED;
		buf_span(&v->words, a->body);
		break;
	case 429:
	case 503:
		v->outcome = OUTCOME_NOT_PROCESSED;
		break;
	default:
		v->outcome = OUTCOME_UNKNOWN;
	}
	return RES_OK;
}

static inline enum res
fake_report(const struct gateway_config *c, const struct web_request *rq, struct report_read *out,
    struct web_reply *reply)
{
	(void)c;
	if (strcmp(rq->query, "noise") == 0)
		return RES_NOTFOUND;
	if (strcmp(rq->query, "own") == 0) {
		reply->status = 500;
		reply->type = "text/xml";
		buf_text(&reply->body, "<fault/>");
		return RES_INVALID;
	}
	if (strcmp(rq->query, "full") == 0)
		return RES_NOMEM;
	if (strncmp(rq->query, "ref=", 4) == 0)
		buf_text(&out->ref, rq->query + 4);
	else if (strcmp(rq->query, "yes") != 0)
		return RES_INVALID;
	out->state = REPORT_DELIVERED;
	buf_text(&out->words, "arrived");
	return RES_OK;
}

static inline bool
by_ref(const struct gateway_config *c)
{
	return c->smsc != NULL;
}

static const struct driver fake_driver = {
	.name = "fake",
	.render = fake_render,
	.judge = fake_judge,
	.report = fake_report,
	.reports_by_ref = by_ref,
};

/* -- The world --------------------------------------------------------------------------------- */

struct world {
	int64_t now;
	struct clock clock;
	struct timers timers;
	struct fake_client http;
	struct seal *seal;
	struct gateway_config configs[3];
	struct gateways_config config;
	struct gateways *g;
	struct buf events;
	unsigned outcomes;
	bool submitting;
	bool too_early; /* what is reported */
	const char *again; /* submitted at the outcome of another */
	bool upload_again;
};

static inline int64_t
read_clock(void *arg)
{
	return ((struct world *)arg)->now;
}

static inline void
no_random(void *bytes, size_t len)
{
	memset(bytes, 0xff, len);
}

static inline enum res
submit_text(struct world *w, size_t i, const char *id, const char *text, struct buf *why)
{
	const struct submission sub = {
		.id = id,
		.recipient = "+4917012345678",
		.kind = KIND_SMS,
		.body = span_of(text),
	};
	enum res res;

	w->submitting = true;
	res = w->g->ops->submit(w->g, i, &sub, why);
	w->submitting = false;
	return res;
}

static inline enum res
submit(struct world *w, size_t i, const char *id)
{
	struct buf why = { 0 };
	enum res res = submit_text(w, i, id, "text", &why);

	assert_int_equal(why.len, 0);
	buf_free(&why);
	return res;
}

static inline enum res
upload(struct world *w, uint64_t ticket)
{
	static const struct slot slot = {
		.put = "https://up.example.org/secret",
		.get = "https://up.example.org/get",
		.headers = { { "Authorization", "Basic c2VjcmV0" } },
		.nheaders = 1,
	};
	enum res res;

	w->submitting = true;
	res = w->g->ops->upload(w->g, &slot, "application/json", SPAN("{}"), ticket);
	w->submitting = false;
	return res;
}

static inline void
on_outcome(void *arg, const char *id, const char *gateway, enum outcome outcome, const char *ref,
    const char *words)
{
	static const char *const names[] = { "accepted", "permanent", "not-processed", "unknown" };
	struct world *w = arg;

	assert_false(w->submitting);
	assert_non_null(words);
	w->outcomes++;
	buf_printf(&w->events, "%s@%s:%s:%s ", id, gateway, names[outcome], ref != NULL ? ref : "-");
	if (w->again != NULL) {
		const char *next = w->again;

		w->again = NULL;
		assert_int_equal(submit(w, 0, next), RES_OK);
	}
}

static inline void
on_room(void *arg)
{
	struct world *w = arg;

	assert_false(w->submitting);
	buf_text(&w->events, "room ");
}

static inline void
on_trouble(void *arg, const char *gateway, bool halted, const char *words)
{
	struct world *w = arg;

	buf_printf(&w->events, "%s@%s:%s ", halted ? "halted" : "trouble", gateway, words);
}

static inline enum res
on_reported(void *arg, const struct delivery_report *r)
{
	struct world *w = arg;

	buf_printf(&w->events, "report@%s:%s:%s:%d:%s ", r->gateway, r->id != NULL ? r->id : "-",
	    r->ref != NULL ? r->ref : "-", (int)r->state, r->words);
	return w->too_early ? RES_TEMPFAIL : RES_OK;
}

static inline void
on_fetched(void *arg, uint64_t ticket, enum res res, const char *type, struct span bytes,
    const char *words)
{
	struct world *w = arg;

	buf_printf(&w->events, "fetched:%" PRIu64 ":%d:%s:%zu:%s ", ticket, (int)res,
	    type != NULL ? type : "-", bytes.len, res == RES_OK ? "" : "words");
	assert_true(res == RES_OK || words[0] != '\0');
}

static inline void
on_uploaded(void *arg, uint64_t ticket, enum res res, const char *words)
{
	struct world *w = arg;

	assert_false(w->submitting);
	assert_true(res == RES_OK || words[0] != '\0');
	buf_printf(&w->events, "uploaded:%" PRIu64 ":%d ", ticket, (int)res);
	if (w->upload_again) {
		w->upload_again = false;
		assert_int_equal(upload(w, ticket + 100), RES_OK);
	}
}

static const struct gateways_events events = {
	.outcome = on_outcome,
	.room = on_room,
	.trouble = on_trouble,
	.reported = on_reported,
	.fetched = on_fetched,
	.uploaded = on_uploaded,
};

static inline void
set_gateway(struct gateway_config *c, const char *name)
{
	*c = (struct gateway_config){
		.info.name = name,
		.driver = "fake",
		.url = "http://127.0.0.1/secret",
		.timeout_ms = 7000,
		.connections = 2,
		.inflight = 10,
		.prepared_driver = &fake_driver,
	};
}

static inline int
setup(void **state)
{
	static const uint8_t key[SEAL_KEY_LEN] = { 1, 2, 3 };
	static const char *const no_hosts[] = { NULL };
	struct world *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return 1;
	w->now = NOW;
	w->clock = (struct clock){ .wall_ms = read_clock, .mono_ms = read_clock, .arg = w };
	w->http.client.ops = &fake_ops;
	w->seal = seal_new(key);
	set_gateway(&w->configs[0], "office");
	set_gateway(&w->configs[1], "other");
	w->config = (struct gateways_config){
		.v = w->configs,
		.n = 2,
		.public_url = "https://later.example.org/hook/",
		.media = { .hosts = no_hosts, .timeout_ms = 5000 },
	};
	const struct gateways_env env = {
		.clock = &w->clock,
		.timers = &w->timers,
		.seal = w->seal,
		.http = &w->http.client,
		.events = &events,
		.events_arg = w,
		.random = no_random,
	};
	w->g = gateways_new(&w->config, &env);
	*state = w;
	return w->g == NULL;
}

static inline int
teardown(void **state)
{
	struct world *w = *state;

	gateways_free(&w->g);
	assert_null(w->g);
	assert_int_equal(w->http.pools, 0);
	assert_true(timers_next(&w->timers) == NEVER_MS);
	for (size_t i = 0; i < w->http.n; i++)
		assert_null(w->http.v[i].rq);
	seal_free(&w->seal);
	buf_free(&w->events);
	free(w);
	return 0;
}

static inline struct gateway_state
state_of(struct world *w, size_t i)
{
	return w->g->ops->state(w->g, i);
}

static inline void
assert_events(struct world *w, const char *want)
{
	assert_string_equal(buf_str(&w->events), want);
	buf_reset(&w->events);
}

/* The request of that packet, which must be under way. */
static inline struct started *
find(struct world *w, const char *id)
{
	for (size_t i = 0; i < w->http.n; i++)
		if (w->http.v[i].rq != NULL && w->http.v[i].rq->body.len > 0 &&
		    strncmp(buf_str(&w->http.v[i].rq->body), id, strlen(id)) == 0)
			return &w->http.v[i];
	return NULL;
}

static inline void
end(struct started *s, const struct http_answer *a)
{
	assert_non_null(s);
	http_request_free(&s->rq);
	s->done(s->arg, a);
}

static inline void
answer(struct world *w, const char *id, int status, const char *body)
{
	const struct http_answer a = { .status = status, .body = span_of(body) };

	end(find(w, id), &a);
}

static inline void
break_off(struct world *w, const char *id, enum http_end how)
{
	const struct http_answer a = {
		.end = how, .status = how == HTTP_TOO_LARGE ? 200 : 0, .error = "refused" };

	end(find(w, id), &a);
}

static inline void
pass(struct world *w, int64_t ms)
{
	w->now += ms;
	timers_run(&w->timers, w->now);
}

/* A whole attempt. */
static inline void
attempt(struct world *w, const char *id, int status)
{
	assert_int_equal(submit(w, 0, id), RES_OK);
	gateways_flush(w->g);
	answer(w, id, status, "");
}

#endif
