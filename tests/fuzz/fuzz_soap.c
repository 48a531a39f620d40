/*
 * What an MMSC sends, as an answer and as a report: read, judged and answered; and what is answered
 * is well formed, whatever came.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/driver.h"
#include "gateway/soap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char *const none[] = { NULL };

static const struct gateway_config config = {
	.info = { .name = "mmsc", .kinds = { [KIND_MMS] = true }, .media_types = none,
		.allow = none, .deny = none },
	.driver = "mm7",
	.url = "https://mmsc.example.org/",
	.user = "vasp",
	.secret = "secret",
};

static const int statuses[] = { 200, 202, 400, 401, 500, 502, 503, 0 };

static size_t
walk(const struct soap_element *e, size_t depth)
{
	size_t n = 1;

	if (depth > SOAP_DEPTH || strlen(e->name) > SOAP_NAME_MAX || e->text == NULL)
		abort();
	for (const struct soap_element *c = e->first; c != NULL; c = c->next) {
		if (c->parent != e || (c->next == NULL && e->last != c))
			abort();
		n += walk(c, depth + 1);
	}
	return n;
}

static void
read_it(struct span type, struct span body)
{
	struct soap soap = { .message = NULL };

	if (soap_read(&soap, type, body) == RES_OK &&
	    (walk(soap.message, 3) > SOAP_ELEMENTS - 2 || body.len > SOAP_MAX))
		abort();
	soap_free(&soap);
}

static void
judge(const struct http_header *type, int status, struct span body)
{
	struct http_answer a = { .end = HTTP_ANSWERED, .status = status, .headers = type,
		.body = body };
	struct verdict v = { .outcome = OUTCOME_ACCEPTED };

	if (driver_mm7.judge(&config, &a, 0, &v) != RES_OK)
		abort();
	if ((v.outcome == OUTCOME_ACCEPTED && status != 200 && status != 202 && status != 400 &&
		status != 500) ||
	    strstr(buf_str(&v.words), "secret") != NULL ||
	    strpbrk(buf_str(&v.words), "\r\n") != NULL)
		abort();
	verdict_free(&v);
}

static void
report(const char *type, struct span body)
{
	struct web_request rq = { .method = "POST", .path = "/", .query = "",
		.content_type = type, .body = body };
	struct report_read out = { .state = REPORT_TAKEN };
	struct web_reply reply = { .status = 400 };
	enum res res = driver_mm7.report(&config, &rq, &out, &reply);
	struct soap soap = { .message = NULL };

	if (res == RES_NOMEM || (res == RES_OK && out.ref.len == 0))
		abort();
	/* An echoed id may make it longer than what we read. */
	if (reply.body.len <= SOAP_MAX &&
	    soap_read(&soap, span_of(reply.type), buf_as_span(&reply.body)) != RES_OK)
		abort();
	soap_free(&soap);
	buf_free(&out.ref);
	buf_free(&out.words);
	buf_free(&reply.body);
}

/* The first line is the content type, the rest the body; its first byte chooses the status. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *end = len > 0 ? memchr(data, '\n', len) : NULL;
	char type[200] = "";

	if (end != NULL && (size_t)(end - data) < sizeof(type)) {
		memcpy(type, data, (size_t)(end - data));
		len -= (size_t)(end + 1 - data);
		data = end + 1;
	}
	struct span body = { (const char *)data, len };
	const struct http_header h = { .name = "content-type", .value = type };
	read_it(span_of(type), body);
	judge(&h, statuses[(unsigned char)type[0] % (sizeof(statuses) / sizeof(statuses[0]))],
	    body);
	judge(&h, 200, body);
	report(type, body);
	return 0;
}
