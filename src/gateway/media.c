#include "gateway/media.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <limits.h>
#include <string.h>

#include "base/parse.h"

#define PORT_HTTPS 443
#define PORT_FREE  1024 /* below it are other people's services */

static enum res
say(enum res res, struct buf *why, const char *words)
{
	return buf_text(why, words) == RES_OK ? res : RES_NOMEM;
}

static enum res
refuse(struct buf *why, const char *words)
{
	return say(RES_INVALID, why, words);
}

/* -- Which links are followed ------------------------------------------------------------------ */

/* Every character that a name of a host, or a literal address, can have. */
static bool
is_host(const char *host)
{
	static const char name[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
	static const char literal[] = "0123456789abcdefABCDEF:.";
	size_t len = strlen(host);

	if (len == 0 || len > 255 || host[0] == '.' || host[len - 1] == '.' ||
	    strstr(host, "..") != NULL)
		return false;
	if (host[0] == '[')
		return host[len - 1] == ']' && strspn(host + 1, literal) == len - 2;
	return strspn(host, name) == len;
}

/*
 * Resolvers read "0x7f.1", "017700000001" and "2130706433" as addresses (inet_aton(3)), and
 * libcurl writes some of them as four numbers: nobody who means well gives such a link.  host: as
 * libcurl has it, written: what the link says.
 */
static bool
is_plain_number_or_name(const char *host, struct span written)
{
	const char *dot = strrchr(host, '.'), *last = dot == NULL ? host : dot + 1;
	struct in_addr address;
	bool hex = last[0] == '0' && (last[1] == 'x' || last[1] == 'X');

	if (!hex && last[strspn(last, "0123456789")] != '\0')
		return true;
	return inet_pton(AF_INET, host, &address) == 1 &&
	    written.len >= strlen(host) && memcmp(written.p, host, strlen(host)) == 0;
}

static bool
host_matches(const char *pattern, const char *host)
{
	size_t plen, hlen = strlen(host);

	if (strncmp(pattern, "*.", 2) != 0)
		return span_caseeq(span_of(pattern), span_of(host));
	plen = strlen(++pattern);
	return hlen > plen && span_caseeq(span_of(pattern), span_of(host + hlen - plen));
}

static bool
host_is_allowed(const struct media_config *c, const char *host)
{
	const char *const *v = c->hosts;

	if (v == NULL || *v == NULL)
		return true;
	while (*v != NULL && !host_matches(*v, host))
		v++;
	return *v != NULL;
}

static bool
has_part(CURLU *u, CURLUPart part)
{
	char *text = NULL;
	bool has = curl_url_get(u, part, &text, 0) == CURLUE_OK;

	curl_free(text);
	return has;
}

/* What stands between "https://" and the path. */
static struct span
authority(const char *url)
{
	const char *p = url + strlen("https://");

	return (struct span){ p, strcspn(p, "/?#") };
}

static enum res
check_host(const struct media_config *c, CURLU *u, const char *url, struct buf *why)
{
	char *host = NULL;
	enum res res = RES_OK;

	if (curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		return RES_NOMEM;
	if (!is_host(host) || has_part(u, CURLUPART_ZONEID) ||
	    !is_plain_number_or_name(host, authority(url)))
		res = refuse(why, "The server in this link has a name that cannot be looked up.");
	else if (!host_is_allowed(c, host))
		res = refuse(why, "Media are not fetched from this server.  "
		    "Please upload the file where this service may read it.");
	curl_free(host);
	return res;
}

static enum res
check_port(CURLU *u, struct buf *why)
{
	char *text = NULL;
	int64_t port = 0;
	bool ok;

	ok = curl_url_get(u, CURLUPART_PORT, &text, CURLU_DEFAULT_PORT) == CURLUE_OK &&
	    parse_int(span_of(text), 1, 65535, &port) == RES_OK &&
	    (port == PORT_HTTPS || port >= PORT_FREE);
	curl_free(text);
	return ok ? RES_OK : refuse(why, "Links to this port are not followed.");
}

static enum res
parse_url(const struct media_config *c, CURLU *u, const char *url, struct buf *why)
{
	struct span start = span_of(url);
	CURLUcode code;
	enum res res;

	if (!take_word(&start, "https://"))
		return refuse(why, "Only https links can be fetched.");
	if (strlen(url) > MEDIA_URL_MAX)
		return refuse(why, "This link is too long.");
	/* libcurl would take the host out of the path. */
	if (authority(url).len == 0)
		return refuse(why, "This link names no server.");
	/* It has no part for an empty fragment, nor for an empty user. */
	if (strchr(url, '#') != NULL)
		return refuse(why, "Links with a # in them are not followed.");
	if (memchr(authority(url).p, '@', authority(url).len) != NULL)
		return refuse(why, "Links with a user or a password are not followed.");
	code = curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER | CURLU_URLENCODE);
	if (code == CURLUE_OUT_OF_MEMORY)
		return RES_NOMEM;
	if (code != CURLUE_OK)
		return refuse(why, "This is no link that can be followed.");
	res = check_host(c, u, url, why);
	return res == RES_OK ? check_port(u, why) : res;
}

enum res
media_request(const struct media_config *c, const char *url, size_t max, struct http_request *rq,
    struct buf *why)
{
	CURLU *u = curl_url();
	char *text = NULL;
	enum res res;

	if (u == NULL)
		return RES_NOMEM;
	res = parse_url(c, u, url, why);
	/* What was checked is what is fetched. */
	if (res == RES_OK && curl_url_get(u, CURLUPART_URL, &text, 0) != CURLUE_OK)
		res = RES_NOMEM;
	if (res == RES_OK) {
		rq->method = "GET";
		rq->url = arena_text(&rq->arena, text);
		rq->timeout_ms = c->timeout_ms;
		rq->answer_max = max;
		rq->stranger = true;
		rq->ca_file = arena_text(&rq->arena, c->ca_file);
		if (rq->arena.failed)
			res = RES_NOMEM;
	}
	curl_free(text);
	curl_url_cleanup(u);
	return res;
}

/* -- What comes back --------------------------------------------------------------------------- */

/* The first row that fits. */
static const struct {
	int from, to;
	enum res res;
	const char *words;
} statuses[] = {
	{ 200, 200, RES_OK, NULL },
	{ 300, 399, RES_INVALID, "This link leads to another one, and redirects are not followed: "
	    "please give the link of the file itself" },
	{ 401, 401, RES_INVALID, "This link cannot be read without logging in" },
	{ 403, 403, RES_INVALID, "The server does not let this link be read" },
	{ 404, 404, RES_INVALID, "There is nothing at this link" },
	{ 408, 408, RES_TEMPFAIL, "The server of this link lost patience" },
	{ 410, 410, RES_INVALID, "What was at this link is there no more" },
	{ 425, 425, RES_TEMPFAIL, "The server of this link has no time now" },
	{ 429, 429, RES_TEMPFAIL, "The server of this link has no time now" },
	{ 500, 599, RES_TEMPFAIL, "The server of this link has trouble" },
	{ INT_MIN, INT_MAX, RES_INVALID, "The server does not give out what is at this link" },
};

static enum res
judge_status(int status, struct buf *why)
{
	size_t i = 0;

	while (status < statuses[i].from || status > statuses[i].to)
		i++;
	if (statuses[i].res != RES_OK &&
	    buf_printf(why, "%s (HTTP status %d).", statuses[i].words, status) != RES_OK)
		return RES_NOMEM;
	return statuses[i].res;
}

static enum res
too_large(size_t max, struct buf *why)
{
	bool whole = max >= 1024 && max % 1024 == 0;

	return buf_printf(why, "This file is larger than %zu %s, and more cannot be sent.",
	    whole ? max / 1024 : max, whole ? "KiB" : "bytes") == RES_OK ? RES_INVALID : RES_NOMEM;
}

/*
 * Audio in an MP4 file looks like a film at its beginning; phones want to know, and here the server
 * is believed.
 */
static const char *
refine(const char *type, const char *declared)
{
	struct span d = span_trim(span_of(declared == NULL ? "" : declared));

	return strcmp(type, "video/mp4") == 0 && take_word(&d, "audio/") ? "audio/mp4" : type;
}

static enum res
judge_bytes(const struct http_answer *a, const char **type, struct buf *why)
{
	const char *declared = http_answer_header(a, "content-type");
	const char *sniffed = media_sniff(a->body);

	if (a->body.len == 0)
		return refuse(why, "The file at this link is empty.");
	if (sniffed == NULL)
		return refuse(why, "What is at this link is no picture, sound, video, contact or "
		    "calendar that phones can read.");
	if (!media_type_agrees(declared, sniffed))
		return buf_printf(why, "The file at this link is %s, but its server calls it "
		    "something else.", sniffed) == RES_OK ? RES_INVALID : RES_NOMEM;
	*type = refine(sniffed, declared);
	return RES_OK;
}

enum res
media_judge(const struct http_answer *a, size_t max, const char **type, struct buf *why)
{
	enum res res;

	switch (a->end) {
	case HTTP_NOT_SENT:
		return say(RES_TEMPFAIL, why, "The server of this link cannot be reached.");
	case HTTP_BROKEN:
		return say(RES_TEMPFAIL, why,
		    "The server of this link did not send the whole file in time.");
	default:
		break;
	}
	/* A page that says "not there" may be a large one. */
	res = judge_status(a->status, why);
	if (res != RES_OK)
		return res;
	if (a->end == HTTP_TOO_LARGE || a->body.len > max)
		return too_large(max, why);
	return judge_bytes(a, type, why);
}
