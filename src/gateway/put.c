#include "gateway/put.h"

#include <curl/curl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/parse.h"
#include "gateway/gateways_private.h"

#define TIMEOUT_MS (60 * SECOND_MS)

/* -- The request ------------------------------------------------------------------------------- */

/* The server's own URL: it is taken as it is, or not at all. */
static bool
is_written_well(const char *url)
{
	struct span rest = span_of(url);
	size_t len = strlen(url);

	for (const char *p = url; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	if (len > UPLOAD_URL_MAX || (!take_word(&rest, "https://") && !take_word(&rest, "http://")))
		return false;
	rest.len = strcspn(rest.p, "/?#");
	/* libcurl would take the host out of the path. */
	return rest.len > 0 && memchr(rest.p, '@', rest.len) == NULL;
}

static enum res
check_url(const char *url)
{
	CURLU *u = curl_url();
	CURLUcode code;

	if (u == NULL)
		return RES_NOMEM;
	code = curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER);
	curl_url_cleanup(u);
	if (code == CURLUE_OK)
		return RES_OK;
	return code == CURLUE_OUT_OF_MEMORY ? RES_NOMEM : RES_INVALID;
}

/* XEP-0363 section 5: no others. */
static bool
is_allowed(const char *name)
{
	static const char *const names[] = { "Authorization", "Cookie", "Expires" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_caseeq(span_of(name), span_of(names[i])))
			return true;
	return false;
}

enum res
put_request(
    const struct slot *slot, const char *type, struct span bytes, struct http_request *rq)
{
	enum res res = is_written_well(slot->put) ? check_url(slot->put) : RES_INVALID;

	if (slot->nheaders > SLOT_HEADERS_MAX)
		res = RES_INVALID;
	if (res == RES_OK)
		res = http_request_header(rq, "Content-Type", type);
	for (size_t i = 0; i < slot->nheaders && res == RES_OK; i++)
		res = is_allowed(slot->headers[i].name)
		    ? http_request_header(rq, slot->headers[i].name, slot->headers[i].value)
		    : RES_INVALID;
	if (res != RES_OK)
		return res;
	rq->method = "PUT";
	rq->timeout_ms = TIMEOUT_MS;
	rq->url = arena_text(&rq->arena, slot->put);
	if (rq->url == NULL)
		return RES_NOMEM;
	return buf_span(&rq->body, bytes);
}

/* -- What it came to --------------------------------------------------------------------------- */

/* The first row that fits. */
static const struct {
	int from, to;
	const char *words; /* NULL: it is there */
} statuses[] = {
	{ 200, 201, NULL },
	{ 300, 399, "The upload service wants the file to go elsewhere, which is not done" },
	{ 401, 403, "The upload service does not let the file be stored" },
	{ 408, 408, "The upload service lost patience" },
	{ 413, 413, "The file is too large for the upload service" },
	{ 429, 429, "The upload service has no time now" },
	{ 507, 507, "The upload service has no room for the file" },
	{ 500, 599, "The upload service has trouble" },
	{ INT_MIN, INT_MAX, "The upload service does not take the file" },
};

static enum res
judge_status(int status, struct buf *why)
{
	size_t i = 0;

	while (status < statuses[i].from || status > statuses[i].to)
		i++;
	if (statuses[i].words == NULL)
		return RES_OK;
	buf_printf(why, "%s (HTTP status %d).", statuses[i].words, status);
	return RES_TEMPFAIL;
}

enum res
put_judge(const struct http_answer *a, struct buf *why)
{
	switch (a->end) {
	case HTTP_NOT_SENT:
		buf_text(why, "The upload service cannot be reached.");
		return RES_TEMPFAIL;
	case HTTP_BROKEN:
		buf_text(why, "The upload service did not say in time that it has the file.");
		return RES_TEMPFAIL;
	default:
		/* What else it says is of no interest, however long. */
		return judge_status(a->status, why);
	}
}

/* -- Those under way --------------------------------------------------------------------------- */

struct put {
	TAILQ_ENTRY(put) next;
	struct dispatcher *dispatcher;
	uint64_t ticket;
	size_t size;
	struct http_request *rq; /* until it leaves */
	bool unsent;             /* could not be started */
};

static void
put_free(struct put *u)
{
	TAILQ_REMOVE(&u->dispatcher->uploads, u, next);
	u->dispatcher->nuploads--;
	http_request_free(&u->rq);
	free(u);
}

static void
put_done(void *arg, const struct http_answer *a)
{
	struct put *u = arg;
	struct dispatcher *d = u->dispatcher;
	uint64_t ticket = u->ticket;
	struct buf words = { 0 };
	enum res res = put_judge(a, &words);
	bool answered = a->end == HTTP_ANSWERED || a->end == HTTP_TOO_LARGE;

	if (res != RES_OK)
		log_note("a file of %zu bytes was not uploaded: %s", u->size,
		    answered ? buf_str(&words) : a->error);
	put_free(u);
	d->env.events->uploaded(d->env.events_arg, ticket, res, buf_str(&words));
	buf_free(&words);
}

static struct put *
first_unsent(const struct dispatcher *d)
{
	struct put *u;

	TAILQ_FOREACH (u, &d->uploads, next)
		if (u->unsent)
			return u;
	return NULL;
}

static void
on_unsent(void *arg)
{
	static const struct http_answer none = {
		.end = HTTP_NOT_SENT,
		.error = "the request cannot be started",
	};
	struct dispatcher *d = arg;
	struct put *u;

	while ((u = first_unsent(d)) != NULL)
		put_done(u, &none);
}

enum res
put_begin(struct gateways *g, const struct slot *slot, const char *type, struct span bytes,
    uint64_t ticket)
{
	struct dispatcher *d = (struct dispatcher *)g;
	struct http_request *rq;
	struct put *u;
	enum res res;

	if (d->nuploads >= UPLOADS_MAX || (rq = http_request_new()) == NULL)
		return RES_TEMPFAIL;
	res = put_request(slot, type, bytes, rq);
	if (d->config.media.ca_file != NULL) {
		rq->ca_file = arena_text(&rq->arena, d->config.media.ca_file);
		if (rq->ca_file == NULL)
			res = RES_NOMEM;
	}
	u = res == RES_OK ? calloc(1, sizeof(*u)) : NULL;
	if (u == NULL) {
		http_request_free(&rq);
		return res == RES_INVALID ? RES_INVALID : RES_TEMPFAIL;
	}
	*u = (struct put){ .dispatcher = d, .ticket = ticket, .size = bytes.len, .rq = rq };
	TAILQ_INSERT_TAIL(&d->uploads, u, next);
	d->nuploads++;
	return RES_OK;
}

void
put_flush(struct dispatcher *d)
{
	struct put *u;

	TAILQ_FOREACH (u, &d->uploads, next) {
		struct http_request *rq = u->rq;

		if (rq == NULL)
			continue;
		u->rq = NULL;
		if (d->env.http->ops->start(d->slots, rq, put_done, u) == RES_OK)
			continue;
		u->unsent = true;
		timer_set(d->env.timers, &d->uploads_timer, clock_mono(d->env.clock), on_unsent, d);
	}
}

void
put_failed(struct dispatcher *d)
{
	struct put *u, *after;

	for (u = TAILQ_FIRST(&d->uploads); u != NULL; u = after) {
		after = TAILQ_NEXT(u, next);
		if (u->rq != NULL)
			put_free(u);
	}
}

void
put_fini(struct dispatcher *d)
{
	struct put *u;

	timer_stop(&d->uploads_timer);
	while ((u = TAILQ_FIRST(&d->uploads)) != NULL)
		put_free(u);
}
