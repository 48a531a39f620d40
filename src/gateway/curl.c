#include "gateway/curl.h"

#include <assert.h>
#include <stdlib.h>

#include "gateway/transfer.h"

TAILQ_HEAD(transfers, transfer);

struct curl_client {
	struct http_client client; /* first: it is what others see */
	struct event_base *base;
	struct event *ended;       /* active while `over` has some */
	struct transfers over;
	bool private_media;
	unsigned pools;
};

struct http_pool {
	struct curl_client *client;
	CURLM *multi;
	struct event *timer;
	struct transfers transfers;
};

/* -- Ends -------------------------------------------------------------------------------------- */

static void
finish(struct transfer *t, CURLcode code)
{
	struct http_pool *p = t->pool;

	event_free(t->overdue);
	t->overdue = NULL;
	curl_multi_remove_handle(p->multi, t->easy);
	transfer_end(t, code);
	TAILQ_REMOVE(&p->transfers, t, next);
	TAILQ_INSERT_TAIL(&p->client->over, t, next);
	event_active(p->client->ended, EV_TIMEOUT, 1);
}

/* Runs behind the events that were active already: one turn serves all that ended in them. */
static void
on_ended(evutil_socket_t fd, short what, void *arg)
{
	struct curl_client *c = arg;
	struct transfer *t;
	bool any = false;

	(void)fd, (void)what;
	while ((t = TAILQ_FIRST(&c->over)) != NULL) {
		TAILQ_REMOVE(&c->over, t, next);
		t->done(t->arg, &t->answer);
		transfer_free(&t);
		any = true;
	}
	if (any)
		c->client.turn(c->client.turn_arg);
}

static void
on_overdue(evutil_socket_t fd, short what, void *arg)
{
	struct transfer *t = arg;

	(void)fd, (void)what;
	t->is_overdue = true;
	finish(t, CURLE_OPERATION_TIMEDOUT);
}

static void
collect(struct http_pool *p)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(p->multi, &left)) != NULL) {
		struct transfer *t = NULL;
		CURLcode code = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
		finish(t, code);
	}
}

/* -- libcurl on libevent ----------------------------------------------------------------------- */

static void
on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct http_pool *p = arg;
	int running, flags = (what & EV_READ ? CURL_CSELECT_IN : 0) |
	    (what & EV_WRITE ? CURL_CSELECT_OUT : 0);

	curl_multi_socket_action(p->multi, fd, flags, &running);
	collect(p);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct http_pool *p = arg;
	int running;

	(void)fd, (void)what;
	curl_multi_socket_action(p->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(p);
}

static int
watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct http_pool *p = arg;
	struct event *ev = known;
	short kind = (short)(EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0) |
	    (what & CURL_POLL_OUT ? EV_WRITE : 0));

	(void)easy;
	if (ev != NULL)
		event_free(ev);
	ev = NULL;
	if (what != CURL_POLL_REMOVE) {
		ev = event_new(p->client->base, fd, kind, on_ready, p);
		if (ev != NULL && event_add(ev, NULL) != 0) {
			event_free(ev);
			ev = NULL;
		}
	}
	curl_multi_assign(p->multi, fd, ev);
	/* A socket that nobody watches is left to the timeout. */
	return 0;
}

static struct timeval
timeval_of(int64_t ms)
{
	return (struct timeval){ (time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000) };
}

static int
watch_timer(CURLM *multi, long wait_ms, void *arg)
{
	struct http_pool *p = arg;
	struct timeval tv = timeval_of(wait_ms);

	(void)multi;
	if (wait_ms < 0)
		event_del(p->timer);
	else
		event_add(p->timer, &tv);
	return 0;
}

/* -- The client -------------------------------------------------------------------------------- */

static void
drop(struct transfer *t)
{
	if (t->overdue != NULL)
		event_free(t->overdue);
	transfer_free(&t);
}

static enum res
start(struct http_pool *p, struct http_request *rq, http_done_fn *done, void *arg)
{
	struct timeval tv = timeval_of(rq->timeout_ms > 0 ? rq->timeout_ms : 0);
	struct transfer *t = transfer_new(rq, &p->client->private_media);

	assert(p->client->client.turn != NULL);
	if (t == NULL)
		return RES_NOMEM;
	t->pool = p;
	t->done = done;
	t->arg = arg;
	t->overdue = evtimer_new(p->client->base, on_overdue, t);
	if (t->overdue == NULL || event_add(t->overdue, &tv) != 0 ||
	    curl_multi_add_handle(p->multi, t->easy) != CURLM_OK) {
		drop(t);
		return RES_TEMPFAIL;
	}
	TAILQ_INSERT_TAIL(&p->transfers, t, next);
	return RES_OK;
}

static void
pool_resize(struct http_pool *p, unsigned connections)
{
	long n = connections > 0 ? (long)connections : 1;

	curl_multi_setopt(p->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, n);
	curl_multi_setopt(p->multi, CURLMOPT_MAXCONNECTS, n);
}

static void
pool_free(struct http_pool **pp)
{
	struct http_pool *p = *pp;
	struct transfer *t, *after;

	if (p == NULL)
		return;
	while ((t = TAILQ_FIRST(&p->transfers)) != NULL) {
		TAILQ_REMOVE(&p->transfers, t, next);
		curl_multi_remove_handle(p->multi, t->easy);
		drop(t);
	}
	for (t = TAILQ_FIRST(&p->client->over); t != NULL; t = after) {
		after = TAILQ_NEXT(t, next);
		if (t->pool != p)
			continue;
		TAILQ_REMOVE(&p->client->over, t, next);
		transfer_free(&t);
	}
	if (p->multi != NULL)
		curl_multi_cleanup(p->multi);
	if (p->timer != NULL)
		event_free(p->timer);
	p->client->pools--;
	free(p);
	*pp = NULL;
}

static struct http_pool *
pool_new(struct http_client *hc, unsigned connections)
{
	struct curl_client *c = (struct curl_client *)hc;
	struct http_pool *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->client = c;
	c->pools++;
	TAILQ_INIT(&p->transfers);
	p->multi = curl_multi_init();
	p->timer = evtimer_new(c->base, on_timer, p);
	if (p->multi == NULL || p->timer == NULL) {
		pool_free(&p);
		return NULL;
	}
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETDATA, p);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERFUNCTION, watch_timer);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERDATA, p);
	/*
	 * Servers end an HTTP/2 connection while requests are on their way (GOAWAY): those behind
	 * the last one that they take would be broken, though nobody has read them.
	 */
	curl_multi_setopt(p->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	pool_resize(p, connections);
	return p;
}

static const struct http_client_ops ops = {
	.pool_new = pool_new,
	.pool_resize = pool_resize,
	.pool_free = pool_free,
	.start = start,
};

struct http_client *
curl_client_new(struct event_base *base)
{
	struct curl_client *c;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return NULL;
	c = calloc(1, sizeof(*c));
	if (c != NULL)
		c->ended = event_new(base, -1, 0, on_ended, c);
	if (c == NULL || c->ended == NULL) {
		free(c);
		curl_global_cleanup();
		return NULL;
	}
	c->client.ops = &ops;
	c->base = base;
	TAILQ_INIT(&c->over);
	return &c->client;
}

void
curl_client_free(struct http_client **hcp)
{
	struct curl_client *c = (struct curl_client *)*hcp;

	if (c == NULL)
		return;
	assert(c->pools == 0);
	event_free(c->ended);
	free(c);
	curl_global_cleanup();
	*hcp = NULL;
}

void
curl_client_private_media(struct http_client *hc, bool allowed)
{
	((struct curl_client *)hc)->private_media = allowed;
}
