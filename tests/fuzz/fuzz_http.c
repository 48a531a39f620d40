/*
 * Header fields of strangers: a wait is within its bounds, and no field of a request hides another.
 * The input is a name and a value, with a NUL between.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "gateway/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct buf text = { 0 };
	struct http_request *rq = http_request_new();

	if (rq == NULL || buf_append(&text, bytes, len) != RES_OK)
		abort();
	const char *name = buf_str(&text), *value = name + strlen(name);
	if (value < name + len)
		value++;
	const struct http_header h = { name, value, NULL };
	const struct http_answer a = { .headers = &h };
	int64_t wait_ms = http_retry_after(&a, name, INT64_C(1767225600000));

	must(wait_ms >= 0 && wait_ms <= DAY_MS);
	if (http_request_header(rq, name, value) == RES_OK) {
		must(strpbrk(name, "\r\n: \t") == NULL && name[0] != '\0');
		must(strpbrk(value, "\r\n") == NULL);
		must(strcmp(rq->headers->value, value) == 0);
	} else
		must(rq->headers == NULL);
	http_request_free(&rq);
	buf_free(&text);
	return 0;
}
