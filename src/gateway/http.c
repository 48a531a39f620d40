#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "gateway/http.h"

/* A request has at most its URL, a few header fields and a body with media in base64. */
#define REQUEST_TEXT_MAX ((size_t)16 << 20)
#define REQUEST_BODY_MAX ((size_t)64 << 20)
#define TIMEOUT_MS (30 * SECOND_MS)
#define ANSWER_MAX ((size_t)64 << 10)

struct http_request *
http_request_new(void)
{
	struct http_request *rq = calloc(1, sizeof(*rq));

	if (rq == NULL)
		return NULL;
	rq->arena.max = REQUEST_TEXT_MAX;
	rq->body.max = REQUEST_BODY_MAX;
	rq->last = &rq->headers;
	rq->timeout_ms = TIMEOUT_MS;
	rq->answer_max = ANSWER_MAX;
	return rq;
}

void
http_request_free(struct http_request **rqp)
{
	struct http_request *rq = *rqp;

	if (rq == NULL)
		return;
	arena_free(&rq->arena);
	buf_free(&rq->body);
	free(rq);
	*rqp = NULL;
}

/* RFC 9110 section 5.6.2. */
static bool
is_token(const char *text)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";
	const char *p;

	for (p = text; *p != '\0'; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			(*p >= '0' && *p <= '9') || strchr(marks, *p) != NULL))
			return false;
	return p != text;
}

static bool
has_control(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return true;
	return false;
}

enum res
http_request_header(struct http_request *rq, const char *name, const char *value)
{
	struct http_header *h;

	if (!is_token(name) || has_control(value))
		return RES_INVALID;
	h = arena_alloc(&rq->arena, sizeof(*h));
	if (h == NULL)
		return RES_NOMEM;
	h->name = arena_text(&rq->arena, name);
	h->value = arena_text(&rq->arena, value);
	if (h->name == NULL || h->value == NULL)
		return RES_NOMEM;
	*rq->last = h;
	rq->last = &h->next;
	return RES_OK;
}

const char *
http_answer_header(const struct http_answer *a, const char *name)
{
	for (const struct http_header *h = a->headers; h != NULL; h = h->next)
		if (span_caseeq(span_of(h->name), span_of(name)))
			return h->value;
	return NULL;
}

/* RFC 9110 section 5.6.7: the one that is sent, and the two that have to be understood. */
static bool
read_date(const char *text, int64_t *at)
{
	static const char *const formats[] = {
		"%a, %d %b %Y %H:%M:%S GMT",
		"%A, %d-%b-%y %H:%M:%S GMT",
		"%a %b %e %H:%M:%S %Y",
	};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm tm = { 0 };
		const char *end = strptime(text, formats[i], &tm);

		if (end == NULL || *end != '\0')
			continue;
		*at = (int64_t)timegm(&tm) * SECOND_MS;
		return true;
	}
	return false;
}

/* A number without an end is as good as the bound. */
static bool
read_seconds(const char *text, int64_t *wait_ms)
{
	*wait_ms = 0;
	for (const char *p = text; *p != '\0'; p++) {
		if (*p < '0' || *p > '9')
			return false;
		*wait_ms = *wait_ms * 10 + (*p - '0') * SECOND_MS;
		if (*wait_ms > DAY_MS)
			*wait_ms = DAY_MS;
	}
	return *text != '\0';
}

int64_t
http_retry_after(const struct http_answer *a, const char *name, int64_t now)
{
	const char *value = http_answer_header(a, name != NULL ? name : "retry-after");
	char text[64];
	int64_t at, wait_ms;
	struct span s = span_trim(span_of(value));

	if (value == NULL || s.len >= sizeof(text))
		return 0;
	memcpy(text, s.p, s.len);
	text[s.len] = '\0';
	if (read_seconds(text, &wait_ms))
		return wait_ms;
	if (!read_date(text, &at) || at <= now)
		return 0;
	return at - now < DAY_MS ? at - now : DAY_MS;
}
