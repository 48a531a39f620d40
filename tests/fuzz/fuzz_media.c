/*
 * A link, what its server calls the medium, and the medium, one after the other: a line each, and
 * the rest.  A link that is followed is https, has no user and no fragment, is in order with an
 * allowed host, and means the same when it is read again; a medium is of a type that we know, or there are
 * words.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/media.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
must(bool so)
{
	if (!so)
		abort();
}

static char *
take_line(const uint8_t **data, size_t *len)
{
	const uint8_t *end = *len == 0 ? NULL : memchr(*data, '\n', *len);
	size_t n = end == NULL ? *len : (size_t)(end - *data);
	char *line = malloc(n + 1);

	must(line != NULL);
	if (n > 0)
		memcpy(line, *data, n);
	line[n] = '\0';
	*data += n + (end != NULL);
	*len -= n + (end != NULL);
	return line;
}

static char *
followed(const char *const *hosts, const char *url)
{
	const struct media_config c = { .hosts = hosts, .timeout_ms = 1000 };
	struct http_request *rq = http_request_new();
	struct buf why = { 0 };
	char *text = NULL;

	must(rq != NULL);
	if (media_request(&c, url, 1000, rq, &why) == RES_OK)
		text = strdup(rq->url);
	must((text != NULL) == (why.len == 0));
	buf_free(&why);
	http_request_free(&rq);
	return text;
}

static bool
is_of(const char *host, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len > n && span_caseeq((struct span){ host + len - n, n }, span_of(end));
}

static void
check_link(const char *url)
{
	static const char *const hosts[] = { "upload.example.org", "*.files.example", NULL };
	char *any = followed(NULL, url), *some = followed(hosts, url), *again;
	size_t len;

	must(some == NULL || (any != NULL && strcmp(any, some) == 0));
	if (any != NULL) {
		must(strncmp(any, "https://", 8) == 0 && strchr(any, '#') == NULL);
		must(memchr(any + 8, '@', strcspn(any + 8, "/?")) == NULL);
		for (const char *p = any; *p != '\0'; p++)
			must(*p > ' ' && *p != 0x7f);
		again = followed(NULL, any);
		must(strlen(any) > MEDIA_URL_MAX || (again != NULL && strcmp(any, again) == 0));
		free(again);
	}
	if (some != NULL) {
		len = strcspn(some + 8, ":/?");
		must(is_of(some + 8, len, ".files.example") ||
		    span_caseeq((struct span){ some + 8, len }, SPAN("upload.example.org")));
	}
	free(any);
	free(some);
}

static void
check_medium(const char *declared, struct span body)
{
	const struct http_header h = { "content-type", declared, NULL };
	struct http_answer a = { .end = HTTP_ANSWERED, .status = 200, .body = body, .headers = &h };
	struct buf why = { 0 };
	const char *type = NULL, *sniffed = media_sniff(body);
	enum res res = media_judge(&a, 4096, &type, &why);

	must(res == RES_OK || (res == RES_INVALID && why.len > 0));
	must((res == RES_OK) == (type != NULL));
	must(res != RES_OK || (sniffed != NULL && media_type_agrees(declared, sniffed)));
	must(sniffed == NULL || media_type_agrees(sniffed, sniffed));
	buf_reset(&why);
	a.status = body.len == 0 ? 0 : 100 + (unsigned char)body.p[0] * 2;
	res = media_judge(&a, 4096, &type, &why);
	must((res == RES_OK) == (why.len == 0));
	buf_free(&why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *url = take_line(&data, &len), *declared = take_line(&data, &len);

	check_link(url);
	check_medium(declared, (struct span){ (const char *)data, len });
	free(declared);
	free(url);
	return 0;
}
