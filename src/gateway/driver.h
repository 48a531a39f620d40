/* What differs between gateways: how a request is written, what an answer and a report mean. */
#ifndef LATERD_GATEWAY_DRIVER_H
#define LATERD_GATEWAY_DRIVER_H

#include "core/ports.h"
#include "gateway/config.h"
#include "gateway/http.h"
#include "gateway/web.h"

/* What an answer means; zeroed is OUTCOME_ACCEPTED without an id. */
struct verdict {
	enum outcome outcome;
	bool halt;              /* authorization, funds, version: a person has to look */
	int64_t retry_after_ms; /* it asks to be left alone so long; 0: it does not */
	struct buf ref;         /* its id of the message; may be empty */
	struct buf words;       /* for people: one line, never a secret, at most 200 characters */
};

void verdict_free(struct verdict *v);

/* A delivery report as the driver reads it. */
struct report_read {
	struct buf ref;   /* the gateway's id; empty when the URL names the packet */
	enum report_state state;
	struct buf words;
};

struct driver {
	const char *name;
	/* Check and prepare: see gateway_prepare. */
	enum res (*prepare)(struct gateway_config *c, struct buf *why);
	void (*unprepare)(struct gateway_config *c);
	/*
	 * Write the request for an attempt into rq, which is new.  report_url: where reports of
	 * this packet are taken, NULL when nowhere.  now: UTC, ms.  RES_INVALID with the reason in
	 * `why`; RES_NOMEM.
	 */
	enum res (*render)(const struct gateway_config *c, const struct submission *sub,
	    const char *report_url, int64_t now, struct http_request *rq, struct buf *why);
	/* a->end is HTTP_ANSWERED.  now: UTC, ms.  v is zeroed.  RES_NOMEM. */
	enum res (*judge)(const struct gateway_config *c, const struct http_answer *a, int64_t now,
	    struct verdict *v);
	/*
	 * Read a report.  RES_OK: out says what it reports.  RES_NOTFOUND: it is well formed and
	 * says nothing of interest.  RES_INVALID: it is no report.  In any case `reply`, which
	 * holds "200 OK" or "400" already, may be replaced by what the gateway's protocol wants.
	 */
	enum res (*report)(const struct gateway_config *c, const struct web_request *rq,
	    struct report_read *out, struct web_reply *reply);
	/* Reports come to one URL for the whole gateway, and name the message by `ref`. */
	bool (*reports_by_ref)(const struct gateway_config *c);
};

extern const struct driver driver_http, driver_kannel, driver_mm7;
/* NULL when there is none of that name. */
const struct driver *driver_find(const char *name);

/* For verdicts: one line of at most 200 characters of whatever a stranger's server said. */
void driver_words(struct buf *out, struct span text);
/* The same, with "***" for the gateway's secret where the server says it back.  RES_NOMEM. */
enum res driver_answer_words(const struct gateway_config *c, struct buf *out, struct span text);
/*
 * What a status means where the body does not say more: a redirect, a refused login and a wrong
 * URL halt; they, 408, 425, 429 and 503 were not processed, and Retry-After is read; any other 4xx
 * is permanent, and all else OUTCOME_UNKNOWN.
 */
void driver_judge_status(const struct http_answer *a, int64_t now, struct verdict *v);
/* Method, URL, timeout and bounds of a POST by this gateway.  RES_NOMEM. */
enum res driver_post(const struct gateway_config *c, const char *url, struct http_request *rq);

#endif
