#include "gateway/driver.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/log.h"
#include "base/parse.h"
#include "core/body.h"

#define WORDS_MAX  200
#define ANSWER_MAX ((size_t)64 << 10)

static const struct served {
	const struct driver *driver;
	bool kinds[KIND_END];
	bool basic; /* `user` and `secret` are nothing but a login: both or none */
} served[] = {
	{ &driver_kannel, { [KIND_SMS] = true }, true },
	{ &driver_mm7, { [KIND_MMS] = true }, true },
	{ &driver_http, { [KIND_SMS] = true, [KIND_MMS] = true }, false },
};

#define NSERVED (sizeof(served) / sizeof(served[0]))

static const struct served *
find(const char *name)
{
	for (size_t i = 0; name != NULL && i < NSERVED; i++)
		if (strcmp(served[i].driver->name, name) == 0)
			return &served[i];
	return NULL;
}

const struct driver *
driver_find(const char *name)
{
	const struct served *s = find(name);

	return s != NULL ? s->driver : NULL;
}

void
verdict_free(struct verdict *v)
{
	buf_free(&v->ref);
	buf_free(&v->words);
	*v = (struct verdict){ .outcome = OUTCOME_ACCEPTED };
}

/* -- What servers say -------------------------------------------------------------------------- */

void
driver_words(struct buf *out, struct span text)
{
	body_excerpt(out, text, WORDS_MAX);
}

enum res
driver_answer_words(const struct gateway_config *c, struct buf *out, struct span text)
{
	struct span secret = span_of(c->secret);
	struct buf clean = { .max = 4 * ANSWER_MAX };

	if (secret.len == 0) {
		driver_words(out, text);
		return out->failed ? RES_NOMEM : RES_OK;
	}
	if (text.len > ANSWER_MAX)
		text.len = ANSWER_MAX;
	while (text.len > 0) {
		const char *at = memmem(text.p, text.len, secret.p, secret.len);
		size_t plain = at == NULL ? text.len : (size_t)(at - text.p);
		buf_append(&clean, text.p, plain);
		if (at != NULL) {
			buf_text(&clean, "***");
			plain += secret.len;
		}
		text = (struct span){ text.p + plain, text.len - plain };
	}
	driver_words(out, buf_as_span(&clean));
	bool failed = clean.failed || out->failed;
	buf_free(&clean);
	return failed ? RES_NOMEM : RES_OK;
}

/* The first row that a status is within; RFC 9110 section 15. */
static const struct status_row {
	int first, last;
	enum outcome outcome;
	bool halt;
} status_rows[] = {
	{ 300, 399, OUTCOME_NOT_PROCESSED, true }, /* no redirect is followed */
	{ 401, 405, OUTCOME_NOT_PROCESSED, true },
	{ 407, 407, OUTCOME_NOT_PROCESSED, true },
	{ 408, 408, OUTCOME_NOT_PROCESSED, false },
	{ 410, 410, OUTCOME_NOT_PROCESSED, true },
	{ 425, 425, OUTCOME_NOT_PROCESSED, false },
	{ 429, 429, OUTCOME_NOT_PROCESSED, false },
	{ 400, 499, OUTCOME_PERMANENT, false },
	{ 503, 503, OUTCOME_NOT_PROCESSED, false },
};

void
driver_judge_status(const struct http_answer *a, int64_t now, struct verdict *v)
{
	v->outcome = OUTCOME_UNKNOWN;
	for (size_t i = 0; i < sizeof(status_rows) / sizeof(status_rows[0]); i++) {
		const struct status_row *row = &status_rows[i];
		if (a->status < row->first || a->status > row->last)
			continue;
		v->outcome = row->outcome;
		v->halt = row->halt;
		break;
	}
	if (v->outcome == OUTCOME_NOT_PROCESSED)
		v->retry_after_ms = http_retry_after(a, "retry-after", now);
}

enum res
driver_post(const struct gateway_config *c, const char *url, struct http_request *rq)
{
	rq->method = "POST";
	rq->url = arena_text(&rq->arena, url);
	rq->ca_file = arena_text(&rq->arena, c->ca_file);
	if (c->timeout_ms > 0)
		rq->timeout_ms = c->timeout_ms;
	rq->answer_max = ANSWER_MAX;
	return rq->arena.failed ? RES_NOMEM : RES_OK;
}

/* -- Preparing --------------------------------------------------------------------------------- */

struct url_parts {
	bool tls;
	struct span host; /* without the brackets of an IPv6 address */
};

static bool
is_host_char(char c, bool literal)
{
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '.')
		return true;
	if (literal)
		return c == ':';
	return (c >= 'g' && c <= 'z') || (c >= 'G' && c <= 'Z') || c == '-' || c == '_';
}

/*
 * RFC 3986, scheme and authority.  A user in it would go into logs, and a placeholder in it would
 * let whoever fills it choose the server.
 */
static bool
read_url(const char *url, struct url_parts *out)
{
	struct span in = span_of(url);
	int64_t port;

	for (size_t i = 0; i < in.len; i++)
		if ((unsigned char)in.p[i] <= ' ' || (unsigned char)in.p[i] > '~' || in.p[i] == '#')
			return false;
	out->tls = take_word(&in, "https://");
	if (!out->tls && !take_word(&in, "http://"))
		return false;
	bool literal = take_char(&in, '[');
	out->host = (struct span){ in.p, 0 };
	while (in.len > 0 && is_host_char(in.p[0], literal)) {
		out->host.len++;
		in = (struct span){ in.p + 1, in.len - 1 };
	}
	if (out->host.len == 0 || (literal && !take_char(&in, ']')))
		return false;
	if (take_char(&in, ':') && (!take_digits(&in, 1, 5, &port) || port < 1 || port > 65535))
		return false;
	return in.len == 0 || in.p[0] == '/' || in.p[0] == '?';
}

static bool
is_loopback(struct span host)
{
	char text[64];
	struct in_addr v4;
	struct in6_addr v6;

	if (span_caseeq(host, SPAN("localhost")))
		return true;
	if (host.len >= sizeof(text))
		return false;
	memcpy(text, host.p, host.len);
	text[host.len] = '\0';
	if (inet_pton(AF_INET, text, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static enum res
check_url(const struct gateway_config *c, const char *key, const char *url, struct buf *why)
{
	struct url_parts parts;

	if (url == NULL) {
		buf_printf(why, "%s is missing", key);
		return RES_INVALID;
	}
	if (!read_url(url, &parts)) {
		buf_printf(why, "%s is no http:// or https:// URL with a host, without user and "
		    "fragment", key);
		return RES_INVALID;
	}
	if (c->secret != NULL && !parts.tls && !is_loopback(parts.host))
		log_warn("gateway %s: %s is not https, anybody on the way to %.*s can read the "
		    "secret", c->info.name != NULL ? c->info.name : "", key,
		    (int)parts.host.len, parts.host.p);
	return RES_OK;
}

static enum res
check_urls(const struct gateway_config *c, struct buf *why)
{
	bool own = c->info.kinds[KIND_MMS] && c->mms_url != NULL;
	enum res res = RES_OK;

	if (c->info.kinds[KIND_SMS] || !own)
		res = check_url(c, "url", c->url, why);
	if (res == RES_OK && own)
		res = check_url(c, "mms_url", c->mms_url, why);
	return res;
}

static enum res
check_kinds(const struct gateway_config *c, const struct served *s, struct buf *why)
{
	bool any = false;

	for (int k = 0; k < KIND_END; k++) {
		any = any || c->info.kinds[k];
		if (!c->info.kinds[k] || s->kinds[k])
			continue;
		buf_printf(why, "kinds: driver %s does not carry %s", s->driver->name,
		    packet_kind_name((enum packet_kind)k));
		return RES_INVALID;
	}
	if (!any)
		buf_text(why, "kinds is empty");
	return any ? RES_OK : RES_INVALID;
}

/* What would be refused with every message, once it is in a header field or a document. */
static enum res
check_texts(const struct gateway_config *c, struct buf *why)
{
	const struct {
		const char *key, *text;
	} texts[] = {
		{ "user", c->user },
		{ "secret_file", c->secret },
		{ "sender", c->sender },
		{ "smsc", c->smsc },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct span text = span_of(texts[i].text);
		bool good = xml_text_valid(text) && span_eq(text, span_trim(text)) &&
		    (texts[i].text == NULL || text.len > 0);
		for (size_t k = 0; good && k < text.len; k++)
			good = (unsigned char)text.p[k] >= ' ' && text.p[k] != '\x7f';
		if (good)
			continue;
		buf_printf(why, "%s: it must be one line of text, without space at its ends",
		    texts[i].key);
		return RES_INVALID;
	}
	return RES_OK;
}

static enum res
check(const struct gateway_config *c, const struct served *s, struct buf *why)
{
	enum res res = check_kinds(c, s, why);

	if (res == RES_OK)
		res = check_urls(c, why);
	if (res == RES_OK)
		res = check_texts(c, why);
	if (res == RES_OK && s->basic && (c->user == NULL) != (c->secret == NULL)) {
		buf_printf(why, "%s is given without %s", c->user != NULL ? "user" : "secret_file",
		    c->user != NULL ? "secret_file" : "user");
		res = RES_INVALID;
	}
	return res;
}

enum res
gateway_prepare(struct gateway_config *c, struct buf *why)
{
	const struct served *s = find(c->driver);

	if (s == NULL) {
		buf_printf(why, c->driver == NULL ? "driver is missing" :
		    "driver: there is no “%.40s”; there are kannel, mm7 and http", c->driver);
		return RES_INVALID;
	}
	c->info.repeats = c->retry_unknown;
	enum res res = check(c, s, why);
	if (res != RES_OK)
		return res;
	c->prepared_driver = s->driver;
	res = s->driver->prepare(c, why);
	if (res != RES_OK)
		gateway_unprepare(c);
	return res;
}

void
gateway_unprepare(struct gateway_config *c)
{
	if (c->prepared_driver != NULL && c->prepared_driver->unprepare != NULL)
		c->prepared_driver->unprepare(c);
	c->prepared_driver = NULL;
	c->prepared = NULL;
}
