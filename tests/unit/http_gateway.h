/* Gateways of the http driver, as the daemon fills them in. */
#ifndef LATERD_TESTS_UNIT_HTTP_GATEWAY_H
#define LATERD_TESTS_UNIT_HTTP_GATEWAY_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/driver.h"

static const char *const http_gateway_none[] = { NULL };

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NOW INT64_C(1766592000000)

/* A gateway as the daemon fills it in when nothing but this is given. */
static inline struct gateway_config
plain(void)
{
	struct gateway_config c = {
		.info = { .name = "gw",
		    .media_types = http_gateway_none,
		    .allow = http_gateway_none,
		    .deny = http_gateway_none },
		.driver = "http",
		.url = "https://sms.example/send",
		.sender = "Juliet",
		.timeout_ms = 7000,
		.connections = 1,
		.inflight = 1,
		.headers = http_gateway_none,
		.params = http_gateway_none,
		.mms_params = http_gateway_none,
		.ok_http = http_gateway_none,
		.dup_http = http_gateway_none,
		.retry_http = http_gateway_none,
		.halt_http = http_gateway_none,
		.retry_code = http_gateway_none,
		.permanent_code = http_gateway_none,
		.halt_code = http_gateway_none,
		.retry_after = http_gateway_none,
		.report_map = http_gateway_none,
	};

	c.info.kinds[KIND_SMS] = true;
	return c;
}

static inline struct gateway_config
form(void)
{
	static const char *const params[] = { "to={to}", "text={text}", NULL };
	struct gateway_config c = plain();

	c.params = params;
	return c;
}

static inline struct gateway_config
json(const char *body)
{
	struct gateway_config c = plain();

	c.encode = "json";
	c.body = body;
	return c;
}

static inline void
prepares(struct gateway_config *c)
{
	struct buf why = { 0 };

	if (gateway_prepare(c, &why) != RES_OK)
		fail_msg("%s", buf_str(&why));
	buf_free(&why);
}

#endif
