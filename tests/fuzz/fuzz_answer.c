/* Answers and reports of hostile gateways, as the http driver judges them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "gateway/driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define SECRET "s3same/key"
#define NCONFIGS 3

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static struct gateway_config
config_of(unsigned which)
{
	static const char *const none[] = { NULL }, *const params[] = { "to={to}", NULL };
	static const char *const codes[] = { "1", "true", "x", NULL }, *const more[] = { "2", "-1",
		NULL };
	static const char *const map[] = { "d=delivered", "f=failed", "1=taken", "=taken", NULL };
	static const char *const reports[NCONFIGS] = { "query", "form", "json" };
	struct gateway_config c = {
		.info = { .name = "gw", .media_types = none, .allow = none, .deny = none },
		.driver = "http",
		.url = "https://sms.example/",
		.secret = SECRET,
		.auth = "bearer",
		.headers = none,
		.params = params,
		.mms_params = none,
		.ok_http = none,
		.dup_http = none,
		.retry_http = none,
		.halt_http = none,
		.retry_code = codes,
		.permanent_code = more,
		.halt_code = more + 1,
		.retry_after = none,
		.code_path = which > 0 ? "a" : "b.0.c",
		.id_path = which > 1 ? "0" : "id",
		.err_path = which > 0 ? "e.0" : NULL,
		.ok_path = which > 1 ? "o" : NULL,
		.ok_value = which > 1 ? "0" : NULL,
		.report = reports[which],
		.report_id = which > 1 ? "0.i" : "i",
		.report_state = which > 1 ? "0.s" : "s",
		.report_words = which > 1 ? "0.w" : "w",
		.report_map = map,
	};

	c.info.kinds[KIND_SMS] = true;
	return c;
}

static void
check_words(const struct buf *words)
{
	struct span text = buf_as_span(words);
	size_t chars = 0;

	must(utf8_valid(text) && memmem(text.p, text.len, SECRET, strlen(SECRET)) == NULL);
	for (size_t i = 0; i < text.len; i++) {
		must((unsigned char)text.p[i] >= ' ' && text.p[i] != 0x7f);
		chars += (text.p[i] & 0xc0) != 0x80;
	}
	must(chars <= 200);
}

static void
check_ref(const struct buf *ref)
{
	must(ref->len <= 255 && utf8_valid(buf_as_span(ref)) && strlen(buf_str(ref)) == ref->len);
}

static void
check_answer(const struct gateway_config *c, int status, struct span header, struct span body)
{
	char *value = strndup(header.p, header.len);
	struct http_header after = { "retry-after", value, NULL };
	struct http_answer a = {
		.end = HTTP_ANSWERED, .status = status, .body = body, .headers = &after
	};
	struct verdict v = { .outcome = OUTCOME_ACCEPTED };

	must(c->prepared_driver->judge(c, &a, INT64_C(1766592000000), &v) == RES_OK);
	must(!v.halt || v.outcome == OUTCOME_NOT_PROCESSED);
	must((v.outcome == OUTCOME_ACCEPTED) == (v.words.len == 0));
	must(v.outcome == OUTCOME_ACCEPTED || v.ref.len == 0);
	must(v.retry_after_ms >= 0 && v.retry_after_ms <= INT64_C(86400000));
	check_words(&v.words);
	check_ref(&v.ref);
	verdict_free(&v);
	free(value);
}

static void
check_report(const struct gateway_config *c, struct span body)
{
	char *query = strndup(body.p, body.len);
	struct web_request rq = {
		.method = "POST", .path = "/", .query = query, .content_type = "", .body = body
	};
	struct web_reply reply = { .status = 200 };
	struct report_read read = { .state = REPORT_TAKEN };
	enum res res = c->prepared_driver->report(c, &rq, &read, &reply);

	must(res == RES_OK || res == RES_NOTFOUND || res == RES_INVALID);
	if (res == RES_OK)
		must(read.ref.len > 0);
	check_ref(&read.ref);
	for (size_t i = 0; i < read.words.len; i++)
		must((unsigned char)read.words.p[i] >= ' ');
	buf_free(&read.ref);
	buf_free(&read.words);
	buf_free(&reply.body);
	free(query);
}

/* Which configuration, the status (two bytes), a line with a header field's value, and the body. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct gateway_config configs[NCONFIGS];
	static bool ready[NCONFIGS];
	struct buf why = { 0 };

	if (len < 3 || len > 65536)
		return 0;
	unsigned which = bytes[0] % NCONFIGS;
	int status = (bytes[1] << 8 | bytes[2]) % 700;
	struct span rest = { (const char *)bytes + 3, len - 3 };
	const char *end = rest.len > 0 ? memchr(rest.p, '\n', rest.len) : NULL;
	struct span header = { rest.p, end != NULL ? (size_t)(end - rest.p) : 0 };
	struct span body = end != NULL ? (struct span){ end + 1, rest.len - header.len - 1 } : rest;

	if (!ready[which]) {
		configs[which] = config_of(which);
		must(gateway_prepare(&configs[which], &why) == RES_OK);
		ready[which] = true;
	}
	check_answer(&configs[which], status, header, body);
	check_report(&configs[which], body);
	return 0;
}
