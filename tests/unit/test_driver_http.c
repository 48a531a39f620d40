#include "http_gateway.h"

#include <fcntl.h>
#include <unistd.h>

/* -- Preparing ------------------------------------------------------------------------------- */

static void
refuses(struct gateway_config c, const char *words)
{
	struct buf why = { 0 };

	if (gateway_prepare(&c, &why) != RES_INVALID)
		fail_msg("accepted, and not: %s", words);
	if (strstr(buf_str(&why), words) == NULL)
		fail_msg("“%s” is not “…%s…”", buf_str(&why), words);
	assert_null(c.prepared);
	buf_free(&why);
}

/* A key of one value, or of a list with one, and what is said of it. */
struct fault {
	size_t key;
	const char *value, *words;
};

#define FAULT(key, value, words) \
	{ \
		offsetof(struct gateway_config, key), value, words \
	}

static void
refuses_text(struct gateway_config c, const struct fault *fault)
{
	memcpy((char *)&c + fault->key, &fault->value, sizeof(fault->value));
	refuses(c, fault->words);
}

static void
refuses_list(struct gateway_config c, const struct fault *fault)
{
	const char *const list[] = { fault->value, NULL }, *const *at = list;

	memcpy((char *)&c + fault->key, &at, sizeof(at));
	refuses(c, fault->words);
}

static void
test_what_is_wrong_is_named_by_its_key(void **state)
{
	static const struct fault texts[] = {
		FAULT(url, "https://x.example/{tex}", "url: “{tex}”"),
		FAULT(url, "https://{to}.example/", "url is no http"),
		FAULT(method, "get", "method is “get”, and must be one of: GET, POST, PUT"),
		FAULT(method, "GET", "encode = query"),
		FAULT(auth, "digest", "auth is “digest”"),
		FAULT(encode, "xml", "encode is “xml”"),
		FAULT(encode, "json", "encode = json needs body"),
		FAULT(media, "x", "media is “x”"),
		FAULT(media_list, "x", "media_list is “x”"),
		FAULT(report, "x", "report is “x”"),
	};
	static const struct fault lists[] = {
		FAULT(params, "to={too}", "params: “{too}” is no placeholder"),
		FAULT(params, "to", "params: “to” is not name=value"),
		FAULT(params, "=x", "params: “=x” is not name=value"),
		FAULT(params, "{to}=x", "params: only {n} may stand in a name"),
		FAULT(params, "a{n}={media}", "media_list = numbered"),
		FAULT(params, "f={from}{user}", "{user} needs user"),
		FAULT(headers, "NoColon", "header: “NoColon” is not Name: value"),
		FAULT(headers, "A b: c", "“A b” cannot be the name"),
		FAULT(headers, "A: {tex}", "header: “{tex}”"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		refuses_text(form(), &texts[i]);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		refuses_list(form(), &lists[i]);
	refuses(json("{"), "body: it is no JSON object");
	refuses(json("{\"a\": \"{x}\"}"), "body: “{x}” is no placeholder");
}

static void
test_what_the_answer_keys_need_is_checked(void **state)
{
	static const struct fault texts[] = {
		FAULT(ok_path, "a..b", "ok_path: “a..b” is no path"),
		FAULT(id_path, "", "id_path"),
		FAULT(err_path, ".", "err_path"),
		FAULT(code_path, "a.", "code_path"),
		FAULT(ok_value, "0", "ok_value needs ok_path"),
	};
	static const struct fault lists[] = {
		FAULT(ok_http, "20", "ok_http: “20”"),
		FAULT(dup_http, "x", "dup_http: “x”"),
		FAULT(retry_http, "500-", "retry_http: “500-”"),
		FAULT(halt_http, "600", "halt_http: “600”"),
		FAULT(retry_code, "1", "need code_path"),
		FAULT(halt_code, "1", "need code_path"),
		FAULT(permanent_code, "1", "need code_path"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		refuses_text(form(), &texts[i]);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		refuses_list(form(), &lists[i]);
}

static void
test_credentials_are_complete_and_used(void **state)
{
	static const struct {
		const char *auth, *user, *secret, *auth_header, *words;
	} cases[] = {
		{ "basic", "me", NULL, NULL, "auth = basic needs user and secret_file" },
		{ "basic", NULL, "s", NULL, "auth = basic needs user and secret_file" },
		{ "bearer", NULL, NULL, NULL, "auth = bearer needs secret_file" },
		{ "header", NULL, "s", NULL, "needs auth_header" },
		{ "header", NULL, "s", "X-Key: x", "{secret} in auth_header" },
		{ "header", NULL, NULL, "X-Key: {secret}", "{secret} needs secret_file" },
		{ "params", NULL, "s", NULL, "auth = params needs {secret}" },
		{ NULL, NULL, "s", NULL, "secret_file is not used" },
	};
	struct gateway_config c;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		c = form();
		c.auth = cases[i].auth;
		c.user = cases[i].user;
		c.secret = cases[i].secret;
		c.auth_header = cases[i].auth_header;
		refuses(c, cases[i].words);
	}
	c = form();
	c.params = LIST("f={from}");
	c.sender = NULL;
	refuses(c, "{from} needs sender");
}

static void
test_reports_need_a_state_and_a_way_to_the_packet(void **state)
{
	struct gateway_config c = form();

	(void)state;
	c.report = "form";
	refuses(c, "report needs report_state and report_map");
	c.report_state = "status";
	refuses(c, "report needs report_state and report_map");
	c.report_map = LIST("a=delivered");
	refuses(c, "report needs report_id, or {dlr_url}");
	c.report_map = LIST("a=arrived");
	refuses(c, "report_map: “a=arrived”");
	c.report_map = LIST("delivered");
	refuses(c, "report_map: “delivered”");
	c.report_map = LIST("a=delivered");
	c.report_id = "id";
	prepares(&c);
	assert_true(c.prepared_driver->reports_by_ref(&c));
	gateway_unprepare(&c);
	c.params = LIST("to={to}", "cb={dlr_url}");
	prepares(&c);
	assert_false(c.prepared_driver->reports_by_ref(&c));
	gateway_unprepare(&c);
	c.report_id = NULL;
	prepares(&c);
	assert_false(c.prepared_driver->reports_by_ref(&c));
	gateway_unprepare(&c);
	c.report = "json";
	c.report_state = "a..b";
	refuses(c, "report_state: “a..b”");
	/* What is no path may be the name of a field. */
	c.report = "query";
	prepares(&c);
	gateway_unprepare(&c);
	c.report = NULL;
	prepares(&c);
	assert_false(c.prepared_driver->reports_by_ref(&c));
	gateway_unprepare(&c);
}

static void
test_mms_need_a_place_for_the_media(void **state)
{
	struct gateway_config c = form();

	(void)state;
	c.info.kinds[KIND_MMS] = true;
	refuses(c, "params has no {media}");
	c.mms_params = LIST("to={to}");
	refuses(c, "mms_params has no {media}");
	c.mms_params = LIST("m={media}");
	prepares(&c);
	gateway_unprepare(&c);
	c = json("{\"to\": \"{to}\"}");
	c.info.kinds[KIND_MMS] = true;
	refuses(c, "body has no {media}");
	c.mms_body = "{\"to\": \"{to}\"}";
	refuses(c, "mms_body has no {media}");
}

/* What is logged while it is prepared. */
static void
warns(struct gateway_config c, const char *words)
{
	char text[1024] = "";
	int fds[2], saved = dup(STDERR_FILENO);

	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
	prepares(&c);
	dup2(saved, STDERR_FILENO);
	if (read(fds[0], text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fds[0]);
	close(fds[1]);
	close(saved);
	gateway_unprepare(&c);
	if (words == NULL ? text[0] != '\0' : strstr(text, words) == NULL)
		fail_msg("“%s” is not “…%s…”", text, words != NULL ? words : "");
}

static void
test_a_request_to_nobody_or_without_a_text_is_warned_of(void **state)
{
	struct gateway_config c = form();

	(void)state;
	warns(c, NULL);
	c.params = LIST("text={text}");
	warns(c, "the request for sms has no {to}");
	c.params = LIST("to={to}");
	warns(c, "the request for sms has no {text}");
	c.url = "https://sms.example/send/{text}";
	warns(c, NULL);
	c.info.kinds[KIND_MMS] = true;
	c.mms_params = LIST("m={media}");
	warns(c, "the request for mms has no {to}");
	c.headers = LIST("To: {to}");
	warns(c, NULL);
}

static void
test_it_repeats_where_a_second_request_does_no_harm(void **state)
{
	struct gateway_config c = form();

	(void)state;
	prepares(&c);
	assert_false(c.info.repeats);
	gateway_unprepare(&c);
	c.idempotency = "none";
	prepares(&c);
	assert_false(c.info.repeats);
	gateway_unprepare(&c);
	c.idempotency = "header:Idempotency-Key";
	prepares(&c);
	assert_true(c.info.repeats);
	gateway_unprepare(&c);
	c = form();
	c.dup_http = LIST("409");
	prepares(&c);
	assert_true(c.info.repeats);
	gateway_unprepare(&c);
	c = form();
	c.retry_unknown = true;
	prepares(&c);
	assert_true(c.info.repeats);
	gateway_unprepare(&c);
	static const char *const wrong[] = { "", "header", "header:", "field:", "key:x",
		"header:a b" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		c = form();
		c.idempotency = wrong[i];
		refuses(c, i == 5 ? "“a b” cannot be the name" : "idempotency");
	}
	c = json("{\"a\": \"{to}\"}");
	c.idempotency = "field:a..b";
	refuses(c, "idempotency");
	c.idempotency = "field:b.c";
	refuses(c, "idempotency: nothing");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_wrong_is_named_by_its_key),
		cmocka_unit_test(test_what_the_answer_keys_need_is_checked),
		cmocka_unit_test(test_credentials_are_complete_and_used),
		cmocka_unit_test(test_reports_need_a_state_and_a_way_to_the_packet),
		cmocka_unit_test(test_mms_need_a_place_for_the_media),
		cmocka_unit_test(test_a_request_to_nobody_or_without_a_text_is_warned_of),
		cmocka_unit_test(test_it_repeats_where_a_second_request_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
