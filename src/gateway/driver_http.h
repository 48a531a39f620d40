/* What the parts of the http driver share; nobody else includes this. */
#ifndef LATERD_GATEWAY_DRIVER_HTTP_H
#define LATERD_GATEWAY_DRIVER_HTTP_H

#include "gateway/driver.h"
#include "gateway/statuses.h"
#include "gateway/tree.h"

enum http_auth { AUTH_NONE, AUTH_BASIC, AUTH_BEARER, AUTH_HEADER, AUTH_PARAMS };
enum http_encode { ENCODE_QUERY, ENCODE_FORM, ENCODE_JSON };
enum http_media { MEDIA_URL, MEDIA_BASE64, MEDIA_DATA };
enum http_media_list { MEDIA_REPEAT, MEDIA_NUMBERED, MEDIA_COMMA };
enum http_idempotency { IDEMPOTENCY_NONE, IDEMPOTENCY_HEADER, IDEMPOTENCY_FIELD };
enum http_report { REPORTS_NONE, REPORTS_QUERY, REPORTS_FORM, REPORTS_JSON };

/* A header field or a parameter. */
struct http_pair {
	struct span name, value; /* templates; a header's name is none */
	unsigned places;         /* of both */
};

struct http_pairs {
	struct http_pair *v;
	size_t n;
};

/* How one kind is written. */
struct http_message {
	struct span url;
	unsigned url_places;
	struct http_pairs params;
	json_t *tree;    /* of ENCODE_JSON */
	unsigned places; /* of params and tree */
	bool one_medium; /* there is no room for more */
};

struct http_mapping {
	struct span value;
	enum report_state state;
};

struct prepared {
	struct arena arena;
	const char *method;
	enum http_auth auth;
	enum http_encode encode;
	enum http_media media;
	enum http_media_list media_list;
	enum http_idempotency idempotency;
	const char *idempotency_name;
	struct http_pairs headers; /* that of `auth` included */
	struct http_message sms, mms;
	struct statuses ok, dup, retry, halt;
	const char **retry_after; /* in lower case, NULL-terminated */
	enum http_report report;
	struct http_mapping *map;
	size_t nmap;
	bool names_report_url; /* {dlr_url} is in some template */
};

/* Write the request of `kind` with these values.  key: the value that makes it idempotent. */
enum res driver_http_write(const struct gateway_config *c, enum packet_kind kind,
    const struct template_values *values, const char *key, struct http_request *rq,
    struct buf *why);

/* As in struct driver. */
enum res driver_http_render(const struct gateway_config *c, const struct submission *sub,
    const char *report_url, int64_t now, struct http_request *rq, struct buf *why);
enum res driver_http_judge(
    const struct gateway_config *c, const struct http_answer *a, int64_t now, struct verdict *v);
enum res driver_http_report(const struct gateway_config *c, const struct web_request *rq,
    struct report_read *out, struct web_reply *reply);

#endif
