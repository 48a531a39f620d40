#include <stdlib.h>

#include "base/log.h"
#include "gateway/gateways_private.h"

#define FETCHES_MAX 64

struct fetch {
	TAILQ_ENTRY(fetch) next;
	struct dispatcher *dispatcher;
	uint64_t ticket;
	size_t max;
};

static void
fetch_free(struct fetch *f)
{
	TAILQ_REMOVE(&f->dispatcher->fetches, f, next);
	f->dispatcher->nfetches--;
	free(f);
}

static void
fetch_done(void *arg, const struct http_answer *a)
{
	struct fetch *f = arg;
	struct dispatcher *d = f->dispatcher;
	uint64_t ticket = f->ticket;
	const char *type = NULL;
	struct buf words = { 0 };
	enum res res = media_judge(a, f->max, &type, &words);

	if (res != RES_OK && res != RES_INVALID)
		res = RES_TEMPFAIL;
	fetch_free(f);
	if (a->end != HTTP_ANSWERED)
		log_detail("a medium cannot be fetched: %s", a->error);
	d->env.events->fetched(d->env.events_arg, ticket, res, res == RES_OK ? type : NULL,
	    res == RES_OK ? a->body : (struct span){ NULL, 0 }, buf_str(&words));
	buf_free(&words);
}

enum res
fetch_begin(struct gateways *g, const char *url, size_t max, uint64_t ticket, struct buf *why)
{
	struct dispatcher *d = (struct dispatcher *)g;
	struct http_request *rq;
	struct fetch *f;
	enum res res;

	if (d->nfetches >= FETCHES_MAX || (rq = http_request_new()) == NULL)
		return RES_TEMPFAIL;
	rq->timeout_ms = d->config.media.timeout_ms;
	rq->answer_max = max;
	res = media_request(&d->config.media, url, max, rq, why);
	f = res == RES_OK ? calloc(1, sizeof(*f)) : NULL;
	if (f == NULL) {
		http_request_free(&rq);
		return res == RES_INVALID ? RES_INVALID : RES_TEMPFAIL;
	}
	*f = (struct fetch){ .dispatcher = d, .ticket = ticket, .max = max };
	TAILQ_INSERT_TAIL(&d->fetches, f, next);
	d->nfetches++;
	/* It costs nobody money, so it need not wait for the commit. */
	if (d->env.http->ops->start(d->media, rq, fetch_done, f) == RES_OK)
		return RES_OK;
	fetch_free(f);
	return RES_TEMPFAIL;
}

void
fetch_fini(struct dispatcher *d)
{
	struct fetch *f;

	while ((f = TAILQ_FIRST(&d->fetches)) != NULL)
		fetch_free(f);
}
