#include "http_gateway.h"

/* -- Answers ----------------------------------------------------------------------------------- */

static struct verdict
judge(struct gateway_config *c, int status, const char *body, const struct http_header *headers)
{
	struct http_answer a = {
		.end = HTTP_ANSWERED, .status = status, .body = span_of(body), .headers = headers
	};
	struct verdict v = { .outcome = OUTCOME_ACCEPTED };

	prepares(c);
	assert_int_equal(c->prepared_driver->judge(c, &a, NOW, &v), RES_OK);
	gateway_unprepare(c);
	return v;
}

/* halt is written as outcome + 10. */
static void
judges(struct gateway_config c, int status, const char *body, int expected)
{
	struct verdict v = judge(&c, status, body, NULL);

	if ((int)v.outcome + (v.halt ? 10 : 0) != expected)
		fail_msg("%d %s: %d, not %d", status, body, (int)v.outcome + (v.halt ? 10 : 0),
		    expected);
	assert_true((v.outcome == OUTCOME_ACCEPTED) == (v.words.len == 0));
	verdict_free(&v);
}

enum { HALT = OUTCOME_NOT_PROCESSED + 10 };

static void
test_statuses_alone(void **state)
{
	static const struct {
		int status, expected;
	} cases[] = {
		{ 200, OUTCOME_ACCEPTED },
		{ 201, OUTCOME_ACCEPTED },
		{ 202, OUTCOME_ACCEPTED },
		{ 203, OUTCOME_UNKNOWN },
		{ 204, OUTCOME_UNKNOWN },
		{ 100, OUTCOME_UNKNOWN },
		{ 301, HALT },
		{ 302, HALT },
		{ 307, HALT },
		{ 399, HALT },
		{ 400, OUTCOME_PERMANENT },
		{ 401, HALT },
		{ 402, HALT },
		{ 403, HALT },
		{ 404, HALT },
		{ 405, HALT },
		{ 406, OUTCOME_PERMANENT },
		{ 408, OUTCOME_NOT_PROCESSED },
		{ 409, OUTCOME_PERMANENT },
		{ 422, OUTCOME_PERMANENT },
		{ 425, OUTCOME_NOT_PROCESSED },
		{ 429, OUTCOME_NOT_PROCESSED },
		{ 499, OUTCOME_PERMANENT },
		{ 500, OUTCOME_UNKNOWN },
		{ 503, OUTCOME_UNKNOWN },
		{ 599, OUTCOME_UNKNOWN },
		{ 0, OUTCOME_UNKNOWN },
		{ 999, OUTCOME_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		judges(form(), cases[i].status, "", cases[i].expected);
		judges(form(), cases[i].status, "{\"x\": 1}", cases[i].expected);
	}
}

static void
test_configured_statuses_replace_the_defaults(void **state)
{
	struct gateway_config c = form();

	(void)state;
	c.ok_http = LIST("204");
	c.dup_http = LIST("409");
	c.retry_http = LIST("500-504");
	c.halt_http = LIST("422");
	judges(c, 200, "", OUTCOME_UNKNOWN);
	judges(c, 204, "", OUTCOME_ACCEPTED);
	judges(c, 409, "exists", OUTCOME_ACCEPTED);
	judges(c, 503, "", OUTCOME_NOT_PROCESSED);
	judges(c, 505, "", OUTCOME_UNKNOWN);
	judges(c, 429, "", OUTCOME_PERMANENT);
	judges(c, 422, "", HALT);
	judges(c, 401, "", OUTCOME_PERMANENT);
	judges(c, 302, "", HALT);
}

static void
test_codes_count_whatever_the_status(void **state)
{
	struct gateway_config c = form();

	(void)state;
	c.code_path = "e.code";
	c.halt_code = LIST("9", "auth");
	c.retry_code = LIST("1");
	c.permanent_code = LIST("3", "true");
	static const int statuses[] = { 200, 302, 400, 401, 429, 500 };
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		judges(c, statuses[i], "{\"e\": {\"code\": 9}}", HALT);
		judges(c, statuses[i], "{\"e\": {\"code\": \"auth\"}}", HALT);
		judges(c, statuses[i], "{\"e\": {\"code\": \"1\"}}", OUTCOME_NOT_PROCESSED);
		judges(c, statuses[i], "{\"e\": {\"code\": 3}}", OUTCOME_PERMANENT);
		judges(c, statuses[i], "{\"e\": {\"code\": true}}", OUTCOME_PERMANENT);
	}
	judges(c, 200, "{\"e\": {\"code\": 4}}", OUTCOME_ACCEPTED);
	judges(c, 500, "{\"e\": {\"code\": 4}}", OUTCOME_UNKNOWN);
	judges(c, 200, "{\"e\": {\"code\": null}}", OUTCOME_ACCEPTED);
	c.dup_http = LIST("409");
	judges(c, 409, "{\"e\": {\"code\": 9}}", OUTCOME_ACCEPTED);
}

static void
test_success_can_depend_on_a_value(void **state)
{
	struct gateway_config c = form();

	(void)state;
	c.ok_path = "messages.0.status";
	c.ok_value = "0";
	judges(c, 200, "{\"messages\": [{\"status\": \"0\"}]}", OUTCOME_ACCEPTED);
	judges(c, 200, "{\"messages\": [{\"status\": 0}]}", OUTCOME_ACCEPTED);
	judges(c, 200, "{\"messages\": [{\"status\": \"00\"}]}", OUTCOME_PERMANENT);
	judges(c, 200, "{\"messages\": []}", OUTCOME_PERMANENT);
	judges(c, 200, "{}", OUTCOME_PERMANENT);
	judges(c, 200, "7", OUTCOME_PERMANENT);
	judges(c, 200, "<html>", OUTCOME_UNKNOWN);
	judges(c, 200, "", OUTCOME_UNKNOWN);
	judges(c, 200, "{\"messages\": [{\"status\": \"0\"}]", OUTCOME_UNKNOWN);
	judges(c, 500, "{\"messages\": [{\"status\": \"0\"}]}", OUTCOME_UNKNOWN);
	c.code_path = "messages.0.status";
	c.retry_code = LIST("1");
	judges(c, 200, "{\"messages\": [{\"status\": \"1\"}]}", OUTCOME_NOT_PROCESSED);
	c.ok_value = NULL;
	c.ok_path = "id";
	judges(c, 200, "{\"id\": 7}", OUTCOME_ACCEPTED);
	judges(c, 200, "{\"id\": null}", OUTCOME_PERMANENT);
}

static void
test_the_id_is_taken_where_it_is_one(void **state)
{
	struct gateway_config c = form();
	char long_id[400];
	static const struct {
		const char *body, *ref;
	} cases[] = {
		{ "{\"d\": [{\"id\": \"abc-1\"}]}", "abc-1" },
		{ "{\"d\": [{\"id\": 123456789012}]}", "123456789012" },
		{ "{\"d\": [{\"id\": \"\"}]}", "" },
		{ "{\"d\": [{\"id\": \"a\\nb\"}]}", "" },
		{ "{\"d\": [{\"id\": \"a\\uffffb\"}]}", "" },
		{ "{\"d\": [{\"id\": null}]}", "" },
		{ "{\"d\": [{\"id\": {}}]}", "" },
		{ "{}", "" },
		{ "OK", "" },
		{ "", "" },
	};

	(void)state;
	c.id_path = "d.0.id";
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verdict v = judge(&c, 200, cases[i].body, NULL);
		assert_int_equal(v.outcome, OUTCOME_ACCEPTED);
		assert_string_equal(buf_str(&v.ref), cases[i].ref);
		verdict_free(&v);
	}
	snprintf(long_id, sizeof(long_id), "{\"d\": [{\"id\": \"%0300d\"}]}", 1);
	struct verdict v = judge(&c, 200, long_id, NULL);
	assert_int_equal(v.outcome, OUTCOME_ACCEPTED);
	assert_int_equal(v.ref.len, 0);
	verdict_free(&v);
	/* It belongs to a message that was taken. */
	v = judge(&c, 400, "{\"d\": [{\"id\": \"abc\"}]}", NULL);
	assert_int_equal(v.ref.len, 0);
	verdict_free(&v);
}

static void
test_retry_after_is_read_from_the_named_fields(void **state)
{
	struct gateway_config c = form();
	struct http_header reset = { "x-ratelimit-reset", "9", NULL };
	struct http_header after = { "retry-after", "30", &reset };
	struct verdict v = judge(&c, 429, "", &after);

	(void)state;
	assert_int_equal(v.retry_after_ms, 30000);
	verdict_free(&v);
	v = judge(&c, 429, "", &reset);
	assert_int_equal(v.retry_after_ms, 0);
	verdict_free(&v);
	c.retry_after = LIST("X-Nothing", "X-RateLimit-Reset");
	v = judge(&c, 429, "", &after);
	assert_int_equal(v.retry_after_ms, 9000);
	verdict_free(&v);
	v = judge(&c, 200, "", &after);
	assert_int_equal(v.retry_after_ms, 0);
	verdict_free(&v);
	v = judge(&c, 400, "", &after);
	assert_int_equal(v.retry_after_ms, 0);
	verdict_free(&v);
}

static void
says(struct gateway_config c, int status, const char *body, const char *words)
{
	struct verdict v = judge(&c, status, body, NULL);

	assert_string_equal(buf_str(&v.words), words);
	verdict_free(&v);
}

static void
test_words_are_the_error_or_the_bodys_beginning(void **state)
{
	struct gateway_config c = form();

	(void)state;
	c.err_path = "errors.0.detail";
	says(
	    c, 400, "{\"errors\": [{\"detail\": \"No such number\"}]}", "HTTP 400: No such number");
	says(c, 400, "{\"errors\": []}", "HTTP 400: {\"errors\": []}");
	says(c, 403, " Not enough\n credits ", "HTTP 403: Not enough credits");
	says(c, 500, "", "HTTP 500");
	/* A message that was taken is not repeated. */
	says(c, 200, "{\"text\": \"private\"}", "");
}

static void
test_words_are_bounded_and_clean(void **state)
{
	struct gateway_config c = form();
	char body[5000];
	struct verdict v;

	(void)state;
	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	memcpy(body, "a\x01\x1b[31m\xff\xc3", 9);
	v = judge(&c, 400, body, NULL);
	assert_true(v.words.len > 100 && v.words.len <= 3 * 200);
	for (size_t i = 0; i < v.words.len; i++)
		assert_true((unsigned char)v.words.p[i] >= ' ');
	verdict_free(&v);
}

static void
test_words_never_have_the_secret(void **state)
{
	struct gateway_config c = form();
	static const char *const bodies[] = {
		"bad key se/same!",
		"bad key se%2Fsame%21 in the URL",
		"{\"e\": \"se/same!\"}",
		"{\"e\": \"x\", \"key\": \"se/same!\"}",
		"{\"keys\": [\"se\\/same!\"]}",
	};

	(void)state;
	c.auth = "bearer";
	c.secret = "se/same!";
	c.err_path = "e";
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct verdict v = judge(&c, 401, bodies[i], NULL);
		assert_null(strstr(buf_str(&v.words), "same"));
		assert_int_equal(strncmp(buf_str(&v.words), "HTTP 401", 8), 0);
		verdict_free(&v);
	}
}

/* -- Reports ----------------------------------------------------------------------------------- */

static struct gateway_config
reporting(const char *how)
{
	static const char *const map[] = { "ok=delivered", "bad=failed", "a=b=taken", "3=taken",
		NULL };
	struct gateway_config c = form();

	c.report = how;
	c.report_id = "id";
	c.report_state = "status";
	c.report_words = "why";
	c.report_map = map;
	return c;
}

static enum res
report(struct gateway_config *c, const char *query, struct span body, struct report_read *out)
{
	struct web_request rq = { .method = "POST",
		.path = "/report/gw/x",
		.query = query,
		.content_type = "",
		.body = body };
	struct web_reply reply = { .status = 200, .type = "text/plain" };
	enum res res;

	*out = (struct report_read){ .state = REPORT_TAKEN };
	prepares(c);
	res = c->prepared_driver->report(c, &rq, out, &reply);
	gateway_unprepare(c);
	assert_int_equal(reply.status, 200);
	assert_string_equal(buf_str(&reply.body), res == RES_INVALID ? "" : "OK");
	buf_free(&reply.body);
	return res;
}

static void
reports(struct gateway_config c, const char *query, const char *body, enum res expected,
    enum report_state report_state, const char *ref, const char *words)
{
	struct report_read out;
	enum res res = report(&c, query, span_of(body), &out);

	if (res != expected)
		fail_msg("?%s %s: %d", query, body, res);
	if (res == RES_OK) {
		assert_int_equal(out.state, report_state);
		assert_string_equal(buf_str(&out.ref), ref);
		assert_string_equal(buf_str(&out.words), words);
	}
	buf_free(&out.ref);
	buf_free(&out.words);
}

static void
test_reports_of_queries_and_forms(void **state)
{
	struct gateway_config q = reporting("query"), f = reporting("form");

	(void)state;
	reports(q, "id=7&status=ok", "", RES_OK, REPORT_DELIVERED, "7", "ok");
	reports(q, "id=7&status=bad&why=no+phone", "", RES_OK, REPORT_FAILED, "7", "bad: no phone");
	reports(f, "", "why=&status=a%3Db&id=x%20y", RES_OK, REPORT_TAKEN, "x y", "a=b");
	reports(q, "", "id=7&status=ok", RES_NOTFOUND, 0, "", "");
	reports(f, "id=7&status=ok", "", RES_NOTFOUND, 0, "", "");
	reports(q, "id=7&status=odd", "", RES_NOTFOUND, 0, "", "");
	reports(q, "id=7", "", RES_NOTFOUND, 0, "", "");
	reports(q, "status=ok", "", RES_INVALID, 0, "", "");
	reports(q, "id=&status=ok", "", RES_INVALID, 0, "", "");
	reports(q, "id=%ff&status=ok", "", RES_INVALID, 0, "", "");
	reports(q, "id=7&status=%", "", RES_INVALID, 0, "", "");
}

static void
test_reports_of_json(void **state)
{
	struct gateway_config c = reporting("json");

	(void)state;
	reports(c, "", "{\"id\": 7, \"status\": \"ok\", \"why\": null}", RES_OK, REPORT_DELIVERED,
	    "7", "ok");
	reports(c, "", "{\"id\": \"a\", \"status\": 3}", RES_OK, REPORT_TAKEN, "a", "3");
	reports(c, "", "{\"id\": \"a\", \"status\": \"received\"}", RES_NOTFOUND, 0, "", "");
	reports(c, "", "{\"event\": \"ping\"}", RES_NOTFOUND, 0, "", "");
	reports(c, "", "{\"status\": \"ok\"}", RES_INVALID, 0, "", "");
	reports(c, "", "{\"id\": {}, \"status\": \"ok\"}", RES_INVALID, 0, "", "");
	reports(c, "", "status=ok", RES_INVALID, 0, "", "");
	reports(c, "", "", RES_INVALID, 0, "", "");
	c.report_id = "0.m.id";
	c.report_state = "0.type";
	c.report_words = NULL;
	reports(c, "", "[{\"type\": \"ok\", \"m\": {\"id\": \"x\"}}, {\"type\": \"bad\"}]", RES_OK,
	    REPORT_DELIVERED, "x", "ok");
}

static void
test_a_url_for_each_packet_makes_the_id_dispensable(void **state)
{
	struct gateway_config c = reporting("json");

	(void)state;
	c.params = LIST("to={to}", "cb={dlr_url}");
	reports(c, "", "{\"status\": \"ok\"}", RES_OK, REPORT_DELIVERED, "", "ok");
	reports(c, "", "{\"status\": \"ok\", \"id\": \"x\"}", RES_OK, REPORT_DELIVERED, "x", "ok");
	c.report_id = NULL;
	reports(c, "", "{\"status\": \"ok\", \"id\": \"x\"}", RES_OK, REPORT_DELIVERED, "", "ok");
}

static void
test_nothing_is_read_where_no_reports_are_expected(void **state)
{
	struct gateway_config c = form();

	(void)state;
	reports(c, "id=7&status=ok", "{\"status\": \"ok\"}", RES_INVALID, 0, "", "");
}

static void
test_hostile_reports_are_bounded(void **state)
{
	struct gateway_config c = reporting("json");
	struct buf body = { 0 };
	struct report_read out;

	(void)state;
	buf_text(&body, "{\"id\": \"x\", \"status\": \"ok\", \"why\": \"");
	for (int i = 0; i < 20000; i++)
		buf_text(&body, "y");
	buf_text(&body, "\"}");
	assert_int_not_equal(report(&c, "", buf_as_span(&body), &out), RES_NOMEM);
	assert_true(out.words.len <= 600);
	buf_free(&out.ref);
	buf_free(&out.words);
	buf_reset(&body);
	for (int i = 0; i < 60000; i++)
		buf_text(&body, "[");
	assert_int_equal(report(&c, "", buf_as_span(&body), &out), RES_INVALID);
	buf_free(&body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statuses_alone),
		cmocka_unit_test(test_configured_statuses_replace_the_defaults),
		cmocka_unit_test(test_codes_count_whatever_the_status),
		cmocka_unit_test(test_success_can_depend_on_a_value),
		cmocka_unit_test(test_the_id_is_taken_where_it_is_one),
		cmocka_unit_test(test_retry_after_is_read_from_the_named_fields),
		cmocka_unit_test(test_words_are_the_error_or_the_bodys_beginning),
		cmocka_unit_test(test_words_are_bounded_and_clean),
		cmocka_unit_test(test_words_never_have_the_secret),
		cmocka_unit_test(test_reports_of_queries_and_forms),
		cmocka_unit_test(test_reports_of_json),
		cmocka_unit_test(test_a_url_for_each_packet_makes_the_id_dispensable),
		cmocka_unit_test(test_nothing_is_read_where_no_reports_are_expected),
		cmocka_unit_test(test_hostile_reports_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
