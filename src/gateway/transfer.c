#include "gateway/transfer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "gateway/curl.h"

#define CONNECT_MS (10 * SECOND_MS)
/*
 * An idle connection is not used again after so many seconds: servers close theirs after five or
 * more, and a request that meets the end of one has no outcome.
 */
#define IDLE_S 3L
/* Of all header fields of an answer, interim answers included. */
#define HEADERS_MAX ((size_t)64 << 10)
/* With pointers, copies and alignment a field takes a few times its length. */
#define HEADERS_MEMORY ((size_t)4 << 20)

/* -- What libcurl calls while it works --------------------------------------------------------- */

/*
 * libcurl writes a request again, POST or not, when the kept connection that it chose turns out to
 * be dead.  Whoever closed it may have read the request before.
 */
static int
on_sending(void *arg, char *remote_ip, char *local_ip, int remote_port, int local_port)
{
	struct transfer *t = arg;

	(void)remote_ip, (void)local_ip, (void)remote_port, (void)local_port;
	return ++t->sendings == 1 ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct transfer *t = arg;

	(void)purpose;
	if (!*t->private_media && !address_is_public(&a->addr)) {
		t->refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* Interim answers (1xx) have header fields of their own, which are of no use. */
static void
forget_headers(struct transfer *t)
{
	arena_free(&t->arena);
	t->headers = NULL;
	t->last = &t->headers;
	t->headers_ended = false;
}

static bool
add_header(struct transfer *t, struct span name, struct span value)
{
	struct http_header *h = arena_alloc(&t->arena, sizeof(*h));
	char *lower = arena_span(&t->arena, name);

	if (h == NULL || lower == NULL)
		return false;
	for (char *p = lower; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	h->name = lower;
	h->value = arena_span(&t->arena, value);
	*t->last = h;
	t->last = &h->next;
	return h->value != NULL;
}

static size_t
on_header(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	struct span line = { p, size * n }, value;
	const char *colon = line.len > 0 ? memchr(p, ':', line.len) : NULL;

	t->headers_len += line.len;
	if (t->headers_len > HEADERS_MAX)
		return 0;
	if (line.len >= 5 && memcmp(p, "HTTP/", 5) == 0)
		forget_headers(t);
	else if (span_trim(line).len == 0)
		t->headers_ended = true;
	else if (colon != NULL && colon != p && memchr(p, '\0', line.len) == NULL) {
		value = (struct span){ colon + 1, line.len - (size_t)(colon - p) - 1 };
		if (!add_header(t, (struct span){ p, (size_t)(colon - p) }, span_trim(value)))
			return 0;
	}
	return line.len;
}

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	size_t len = size * n;

	if (len > t->rq->answer_max || t->body.len > t->rq->answer_max - len) {
		t->too_large = true;
		return 0;
	}
	return buf_append(&t->body, p, len) == RES_OK ? len : 0;
}

/* -- A request in libcurl's terms -------------------------------------------------------------- */

static const struct {
	CURLoption option;
	long value;
} always[] = {
	{ CURLOPT_NOSIGNAL, 1 },
	{ CURLOPT_FOLLOWLOCATION, 0 },
	{ CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS },
	{ CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
	{ CURLOPT_SSL_VERIFYPEER, 1 },
	{ CURLOPT_SSL_VERIFYHOST, 2 },
	{ CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC },
	{ CURLOPT_MAXAGE_CONN, IDLE_S },
#if LIBCURL_VERSION_NUM >= 0x075700
	/* Else to give up while a name is resolved is to wait for the resolver. */
	{ CURLOPT_QUICK_EXIT, 1 },
#endif
};

static bool
set_protocols(CURL *easy, bool stranger)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, stranger ? "https" : "http,https") ==
	    CURLE_OK;
#else
	long protocols = stranger ? CURLPROTO_HTTPS : CURLPROTO_HTTP | CURLPROTO_HTTPS;

	return curl_easy_setopt(easy, CURLOPT_PROTOCOLS, protocols) == CURLE_OK;
#endif
}

static bool
add_field(struct transfer *t, const char *line)
{
	struct curl_slist *more = curl_slist_append(t->fields, line);

	if (more == NULL)
		return false;
	t->fields = more;
	return true;
}

/* "Name:" keeps libcurl from writing a field of its own, "Name;" is a field without a value. */
static bool
set_fields(struct transfer *t)
{
	bool ok = add_field(t, "Expect:"), typed = false, named = false;

	for (const struct http_header *h = t->rq->headers; ok && h != NULL; h = h->next) {
		struct buf line = { 0 };
		struct span value = span_trim(span_of(h->value)), name = span_of(h->name);

		typed = typed || span_caseeq(name, SPAN("Content-Type"));
		named = named || span_caseeq(name, SPAN("User-Agent"));
		buf_span(&line, name);
		buf_text(&line, value.len > 0 ? ": " : ";");
		buf_span(&line, value);
		ok = !line.failed && add_field(t, buf_str(&line));
		buf_free(&line);
	}
	ok = ok && (typed || add_field(t, "Content-Type:"));
	ok = ok && (named || add_field(t, "User-Agent: laterd"));
	return ok && curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->fields) == CURLE_OK;
}

static bool
set_body(struct transfer *t)
{
	const struct http_request *rq = t->rq;

	if (strcmp(rq->method, "GET") == 0 && rq->body.len == 0)
		return curl_easy_setopt(t->easy, CURLOPT_HTTPGET, 1L) == CURLE_OK;
	return curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)rq->body.len) ==
	    CURLE_OK &&
	    curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, buf_str(&rq->body)) == CURLE_OK &&
	    curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, rq->method) == CURLE_OK;
}

static bool
set_trust(struct transfer *t)
{
	const struct http_request *rq = t->rq;
	bool ok = true;

	if (rq->user != NULL)
		ok = curl_easy_setopt(t->easy, CURLOPT_USERNAME, rq->user) == CURLE_OK &&
		    curl_easy_setopt(t->easy, CURLOPT_PASSWORD,
			rq->password != NULL ? rq->password : "") == CURLE_OK;
	if (rq->ca_file != NULL)
		ok = ok && curl_easy_setopt(t->easy, CURLOPT_CAINFO, rq->ca_file) == CURLE_OK &&
		    curl_easy_setopt(t->easy, CURLOPT_CAPATH, NULL) == CURLE_OK;
	return ok;
}

/* A stranger's connection is looked at when it is made, so it is never one that was kept. */
static bool
set_stranger(struct transfer *t)
{
	return curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
	    curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETDATA, t) == CURLE_OK &&
	    curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
	    curl_easy_setopt(t->easy, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK &&
	    curl_easy_setopt(t->easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) == CURLE_OK;
}

static bool
set_callbacks(struct transfer *t)
{
	return curl_easy_setopt(t->easy, CURLOPT_PREREQFUNCTION, on_sending) == CURLE_OK &&
	    curl_easy_setopt(t->easy, CURLOPT_PREREQDATA, t) == CURLE_OK &&
	    curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
	    curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t) == CURLE_OK &&
	    curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	    curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t) == CURLE_OK &&
	    curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->detail) == CURLE_OK &&
	    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t) == CURLE_OK;
}

static bool
set_up(struct transfer *t)
{
	const struct http_request *rq = t->rq;
	long connect_ms = (long)(rq->timeout_ms < CONNECT_MS ? rq->timeout_ms : CONNECT_MS);
	bool ok = true;

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		ok = ok && curl_easy_setopt(t->easy, always[i].option, always[i].value) == CURLE_OK;
	return ok && curl_easy_setopt(t->easy, CURLOPT_URL, rq->url) == CURLE_OK &&
	    curl_easy_setopt(t->easy, CURLOPT_PROXY, "") == CURLE_OK &&
	    curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) == CURLE_OK &&
	    set_protocols(t->easy, rq->stranger) && set_callbacks(t) && set_trust(t) &&
	    set_body(t) && set_fields(t) && (!rq->stranger || set_stranger(t));
}

struct transfer *
transfer_new(struct http_request *rq, const bool *private_media)
{
	struct transfer *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		http_request_free(&rq);
		return NULL;
	}
	t->rq = rq;
	t->private_media = private_media;
	t->last = &t->headers;
	t->arena.max = HEADERS_MEMORY;
	t->body.max = rq->answer_max > 0 ? rq->answer_max : 1;
	t->easy = curl_easy_init();
	if (t->easy == NULL || !set_up(t))
		transfer_free(&t);
	return t;
}

static void
let_go(struct transfer *t)
{
	curl_easy_cleanup(t->easy);
	t->easy = NULL;
	curl_slist_free_all(t->fields);
	t->fields = NULL;
}

void
transfer_free(struct transfer **tp)
{
	struct transfer *t = *tp;

	if (t == NULL)
		return;
	let_go(t);
	http_request_free(&t->rq);
	arena_free(&t->arena);
	buf_free(&t->body);
	free(t);
	*tp = NULL;
}

/* -- Ends -------------------------------------------------------------------------------------- */

/* What libcurl says of these names a host or a certificate, never a URL. */
static const CURLcode detailed[] = {
	CURLE_COULDNT_RESOLVE_HOST,
	CURLE_COULDNT_CONNECT,
	CURLE_SSL_CONNECT_ERROR,
	CURLE_PEER_FAILED_VERIFICATION,
	CURLE_SSL_CACERT_BADFILE,
	CURLE_RECV_ERROR,
	CURLE_SEND_ERROR,
	CURLE_HTTP2,
	CURLE_HTTP2_STREAM,
};

static const char *
describe(const struct transfer *t, CURLcode code)
{
	if (t->refused)
		return "the address is not public";
	if (t->too_large)
		return "the answer is too large";
	if (t->is_overdue)
		return t->sendings > 0 ? "no answer in time" : "no connection in time";
	if (t->sendings > 1)
		return "the connection was closed before the answer";
	if (t->headers_len > HEADERS_MAX)
		return "the answer's header is too large";
	if (code == CURLE_OK)
		return "the answer's header is not whole";
	for (size_t i = 0; i < sizeof(detailed) / sizeof(detailed[0]); i++)
		if (detailed[i] == code && t->detail[0] != '\0')
			return t->detail;
	return curl_easy_strerror(code);
}

static enum http_end
end_of(const struct transfer *t, CURLcode code)
{
	if (t->sendings == 0)
		return HTTP_NOT_SENT;
	if (t->too_large)
		return HTTP_TOO_LARGE;
	return code == CURLE_OK && t->sendings == 1 && t->headers_ended ? HTTP_ANSWERED :
									  HTTP_BROKEN;
}

void
transfer_end(struct transfer *t, CURLcode code)
{
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	t->answer.end = end_of(t, code);
	if (t->answer.end == HTTP_ANSWERED || t->answer.end == HTTP_TOO_LARGE)
		t->answer.status = (int)status;
	if (t->answer.end == HTTP_ANSWERED) {
		t->answer.body = buf_as_span(&t->body);
		t->answer.headers = t->headers;
	} else
		t->answer.error = describe(t, code);
	let_go(t);
}
