/*
 * What a gateway is configured with (laterd.conf(5), section gateway).  The daemon fills in the values as
 * they stand in the file; gateway_prepare checks them together and makes what the driver needs.
 */
#ifndef LATERD_GATEWAY_CONFIG_H
#define LATERD_GATEWAY_CONFIG_H

#include <stdint.h>

#include "core/msisdn.h"
#include "core/route.h"

/* Lists are NULL-terminated, never NULL; strings that were not given are NULL. */
struct gateway_config {
	struct gateway_info info;
	const char *driver; /* "kannel", "mm7", "http" */
	const char *url, *mms_url;      /* mms_url: where MMS go, if not to url */
	const char *user, *secret, *sender, *ca_file;
	struct number_format number;
	double rate;                    /* requests a second; 0: no limit */
	int64_t timeout_ms;
	unsigned connections, inflight;

	/* kannel */
	const char *smsc;

	/* mm7 (3GPP TS 23.140) */
	const char *vasp_id, *vas_id, *service_code, *mm7_version, *mm7_namespace;

	/*
	 * http: the request.  Templates are those of template.h and tree.h.  Absent is POST (GET with
	 * query), none, form, url, repeat, none; mms_* are what MMS have instead, where they differ.
	 * media_list is of query and form: the parameter with {media} is written for each medium
	 * (repeat), or with {n} in its name (numbered; without {n} there is room for one medium), or
	 * once with all of them (comma).  An MMS with more media than there is room for is refused.
	 */
	const char *method;             /* "GET", "POST", "PUT" */
	const char *const *headers;     /* "Name: value" */
	const char *auth;               /* "none", "basic", "bearer", "header", "params" */
	const char *auth_header;        /* of "header": "Authorization: AccessKey {secret}" */
	const char *encode;             /* "query", "form", "json" */
	const char *const *params, *const *mms_params; /* of query and form: "name={placeholder}" */
	const char *body, *mms_body;    /* of json */
	const char *media, *media_list; /* "url", "base64", "data"; "repeat", "numbered", "comma" */
	const char *idempotency;        /* "none", "header:NAME", "field:PATH" */

	/*
	 * http: its answer, by the first of these rules that holds.  Statuses are "200" or "500-599",
	 * paths lead into JSON ("errors.0.code"), and what stands there (a string, an integer, a
	 * boolean) is compared as text.  An empty list is its default.
	 *
	 *	dup_http (none)         accepted: it has it already
	 *	*_code at code_path     halt: not processed, and the gateway is closed; retry: not
	 *	                        processed; permanent
	 *	ok_http 200,201,202     accepted, with the id at id_path; but permanent when ok_path has
	 *	                        not ok_value (or nothing, where no ok_value is given), and unknown
	 *	                        when the body is no JSON though ok_path is given
	 *	retry_http 408,425,429  not processed, wait as long as retry_after says (Retry-After)
	 *	halt_http 401,402,403,404,405 and every 3xx: not processed, and the gateway is closed
	 *	any other 4xx           permanent
	 *	anything else           unknown
	 */
	const char *const *ok_http, *const *dup_http, *const *retry_http, *const *halt_http;
	const char *ok_path, *ok_value, *id_path, *err_path, *code_path;
	const char *const *retry_code, *const *permanent_code, *const *halt_code;
	const char *const *retry_after; /* names of header fields */
	bool retry_unknown;             /* on_unknown = retry */

	/*
	 * http: delivery reports, as the fields of a query or a form, or JSON.  A report that has
	 * several messages counts only for the one that report_id and report_state lead to ("0.id").
	 * A state that report_map does not have is of no interest.  Without report_id, or with
	 * {dlr_url} in the request, each packet has a URL of its own.
	 */
	const char *report;             /* "none", "query", "form", "json" */
	const char *report_id, *report_state, *report_words; /* a name, or a path of json */
	const char *const *report_map;  /* "value=delivered", "=failed", "=taken" */

	const struct driver *prepared_driver;
	struct prepared *prepared;      /* the driver's own */
};

/*
 * Check everything that concerns more than one key, and make `prepared` (the JSON templates are parsed here) and
 * info.repeats.  RES_INVALID with the reason in `why`, naming the key; RES_NOMEM.
 */
enum res gateway_prepare(struct gateway_config *c, struct buf *why);
/* Frees what gateway_prepare made; a zeroed configuration is fine. */
void gateway_unprepare(struct gateway_config *c);

#endif
