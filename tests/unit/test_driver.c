#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "gateway/driver.h"

static const char *const none[] = { NULL };

static struct gateway_config
kannel(void)
{
	return (struct gateway_config){
		.info = { .name = "office", .kinds = { [KIND_SMS] = true }, .max_segments = 3,
			.media_types = none, .allow = none, .deny = none },
		.driver = "kannel",
		.url = "http://127.0.0.1:13013/cgi-bin/sendsms",
		.user = "tester",
		.secret = "secret",
	};
}

static void
assert_good(struct gateway_config *c)
{
	struct buf why = { 0 };

	if (gateway_prepare(c, &why) != RES_OK)
		fail_msg("refused: %s", buf_str(&why));
	assert_int_equal(why.len, 0);
	buf_free(&why);
	gateway_unprepare(c);
}

/* The reason names the key. */
static void
assert_bad(struct gateway_config *c, const char *key)
{
	struct buf why = { 0 };

	assert_int_equal(gateway_prepare(c, &why), RES_INVALID);
	if (strncmp(buf_str(&why), key, strlen(key)) != 0)
		fail_msg("“%s” does not begin with %s", buf_str(&why), key);
	assert_null(c->prepared_driver);
	assert_null(strstr(why.p, "secret\""));
	buf_free(&why);
	gateway_unprepare(c);
}

static void
test_drivers_are_found_by_name(void **state)
{
	(void)state;
	assert_ptr_equal(driver_find("kannel"), &driver_kannel);
	assert_ptr_equal(driver_find("mm7"), &driver_mm7);
	assert_ptr_equal(driver_find("http"), &driver_http);
	assert_null(driver_find("Kannel"));
	assert_null(driver_find(""));
	assert_null(driver_find(NULL));
}

static void
test_a_prepared_gateway_knows_its_driver(void **state)
{
	struct gateway_config c = kannel(), zero = { 0 };
	struct buf why = { 0 };

	(void)state;
	assert_int_equal(gateway_prepare(&c, &why), RES_OK);
	assert_ptr_equal(c.prepared_driver, &driver_kannel);
	assert_false(c.info.repeats);
	gateway_unprepare(&c);
	assert_null(c.prepared_driver);
	c.retry_unknown = true;
	assert_int_equal(gateway_prepare(&c, &why), RES_OK);
	assert_true(c.info.repeats);
	gateway_unprepare(&c);
	gateway_unprepare(&c);
	gateway_unprepare(&zero);
	buf_free(&why);
}

static void
test_a_driver_has_to_be_named_and_to_exist(void **state)
{
	struct gateway_config c = kannel();

	(void)state;
	c.driver = NULL;
	assert_bad(&c, "driver is missing");
	c.driver = "smpp";
	assert_bad(&c, "driver: there is no “smpp”");
}

static void
test_a_driver_carries_only_its_kinds(void **state)
{
	static const struct {
		const char *driver;
		bool sms, mms, good;
	} rows[] = {
		{ "kannel", true, false, true },
		{ "kannel", false, true, false },
		{ "kannel", true, true, false },
		{ "kannel", false, false, false },
		{ "mm7", false, true, true },
		{ "mm7", true, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gateway_config c = kannel();
		c.driver = rows[i].driver;
		c.info.kinds[KIND_SMS] = rows[i].sms;
		c.info.kinds[KIND_MMS] = rows[i].mms;
		if (rows[i].good)
			assert_good(&c);
		else
			assert_bad(&c, "kinds");
	}
	struct gateway_config im = kannel();
	im.info.kinds[KIND_IM] = true;
	assert_bad(&im, "kinds");
}

static void
test_a_url_has_a_scheme_and_a_host_and_no_secrets(void **state)
{
	static const char *const good[] = {
		"http://localhost/", "https://sms.example.org", "HTTPS://sms.example.org:8443/a/b",
		"http://[::1]:13013/cgi-bin/sendsms", "http://127.0.0.1?x=1",
		"https://sms_1.example.org/{to}",
	};
	static const char *const bad[] = {
		"", "sms.example.org", "ftp://example.org/", "file:///etc/passwd", "http://",
		"http:///path", "http://:80/", "https://user@example.org/",
		"https://user:secret@example.org/", "https://example.org/#a",
		"https://example.org/a b", "https://example.org/\r\nX: y", "https://exämple.org/",
		"https://example.org:0/", "https://example.org:65536/", "https://example.org:/",
		"https://example.org:80a/", "https://{to}.example.org/", "https://[::1/",
		"https://[]/", "https://[::1]x/", "https://example.org\\@evil.example/",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct gateway_config c = kannel();
		c.url = good[i];
		assert_good(&c);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct gateway_config c = kannel();
		c.url = bad[i];
		assert_bad(&c, "url");
	}
	struct gateway_config c = kannel();
	c.url = NULL;
	assert_bad(&c, "url is missing");
}

static void
test_mms_may_have_a_url_of_their_own(void **state)
{
	struct gateway_config c = kannel();

	(void)state;
	c.driver = "mm7";
	c.info.kinds[KIND_SMS] = false;
	c.info.kinds[KIND_MMS] = true;
	c.url = NULL;
	assert_bad(&c, "url is missing");
	c.mms_url = "https://mmsc.example.org/mm7";
	assert_good(&c);
	c.mms_url = "mmsc.example.org";
	assert_bad(&c, "mms_url");
}

static void
test_a_login_is_whole_or_absent(void **state)
{
	struct gateway_config c = kannel();

	(void)state;
	c.secret = NULL;
	assert_bad(&c, "user");
	c = kannel();
	c.user = NULL;
	assert_bad(&c, "secret_file");
	c.secret = NULL;
	assert_bad(&c, "user and secret_file are missing");
	c.driver = "mm7";
	c.info.kinds[KIND_SMS] = false;
	c.info.kinds[KIND_MMS] = true;
	assert_good(&c);
}

static void
test_what_goes_into_header_fields_is_one_line(void **state)
{
	static const char *const bad[] = { "a\r\nX-Kannel-To: 1", "a\n", " a", "a ", "a\tb", "",
		"\x7f", "\xff" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct gateway_config c = kannel();
		c.user = bad[i];
		assert_bad(&c, "user");
		c = kannel();
		c.secret = bad[i];
		assert_bad(&c, "secret_file");
		c = kannel();
		c.sender = bad[i];
		assert_bad(&c, "sender");
		c = kannel();
		c.smsc = bad[i];
		assert_bad(&c, "smsc");
	}
	struct gateway_config c = kannel();
	c.user = "Jürgen %s";
	c.secret = "p%d\"<&'=; x";
	assert_good(&c);
}

static void
test_words_are_one_short_line(void **state)
{
	struct buf out = { 0 }, text = { 0 };

	(void)state;
	driver_words(&out, SPAN("  a\r\n\tb\x1b[31m \xff\xfe c\x00 d \n"));
	assert_string_equal(out.p, "a b?[31m ?? c? d");
	buf_free(&out);
	for (int i = 0; i < 1000; i++)
		buf_text(&text, "ü");
	driver_words(&out, buf_as_span(&text));
	assert_true(utf8_valid(buf_as_span(&out)));
	assert_int_equal(out.len, 199 * 2 + strlen("…"));
	buf_free(&out);
	driver_words(&out, (struct span){ NULL, 0 });
	assert_string_equal(buf_str(&out), "");
	buf_free(&out);
	buf_free(&text);
}

static void
test_a_secret_that_is_said_back_is_not_repeated(void **state)
{
	struct gateway_config c = kannel();
	struct buf out = { 0 }, text = { .max = 1 << 20 };

	(void)state;
	assert_int_equal(
	    driver_answer_words(&c, &out, SPAN("secretuser secret:secretsecre")), RES_OK);
	assert_string_equal(out.p, "***user ***:***secre");
	buf_free(&out);
	for (int i = 0; i < 40000; i++)
		buf_text(&text, "\n");
	buf_text(&text, "secret");
	assert_int_equal(driver_answer_words(&c, &out, buf_as_span(&text)), RES_OK);
	assert_string_equal(out.p, "***");
	buf_free(&out);
	c.secret = NULL;
	assert_int_equal(driver_answer_words(&c, &out, SPAN("secret")), RES_OK);
	assert_string_equal(out.p, "secret");
	buf_free(&out);
	buf_free(&text);
}

static void
test_a_status_alone_says_what_became_of_the_request(void **state)
{
	static const struct {
		int status;
		enum outcome outcome;
		bool halt;
	} rows[] = {
		{ 0, OUTCOME_UNKNOWN, false },
		{ 100, OUTCOME_UNKNOWN, false },
		{ 200, OUTCOME_UNKNOWN, false },
		{ 202, OUTCOME_UNKNOWN, false },
		{ 302, OUTCOME_NOT_PROCESSED, true },
		{ 400, OUTCOME_PERMANENT, false },
		{ 401, OUTCOME_NOT_PROCESSED, true },
		{ 402, OUTCOME_NOT_PROCESSED, true },
		{ 403, OUTCOME_NOT_PROCESSED, true },
		{ 404, OUTCOME_NOT_PROCESSED, true },
		{ 405, OUTCOME_NOT_PROCESSED, true },
		{ 406, OUTCOME_PERMANENT, false },
		{ 407, OUTCOME_NOT_PROCESSED, true },
		{ 408, OUTCOME_NOT_PROCESSED, false },
		{ 410, OUTCOME_NOT_PROCESSED, true },
		{ 413, OUTCOME_PERMANENT, false },
		{ 425, OUTCOME_NOT_PROCESSED, false },
		{ 429, OUTCOME_NOT_PROCESSED, false },
		{ 499, OUTCOME_PERMANENT, false },
		{ 500, OUTCOME_UNKNOWN, false },
		{ 502, OUTCOME_UNKNOWN, false },
		{ 503, OUTCOME_NOT_PROCESSED, false },
		{ 504, OUTCOME_UNKNOWN, false },
		{ 999, OUTCOME_UNKNOWN, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_answer a = { .end = HTTP_ANSWERED, .status = rows[i].status };
		struct verdict v = { .outcome = OUTCOME_ACCEPTED };
		driver_judge_status(&a, 0, &v);
		if (v.outcome != rows[i].outcome || v.halt != rows[i].halt)
			fail_msg("status %d", rows[i].status);
		assert_true(v.retry_after_ms == 0);
		verdict_free(&v);
	}
}

static void
test_retry_after_is_obeyed_where_nothing_was_processed(void **state)
{
	const struct http_header h = { .name = "retry-after", .value = "90" };
	struct http_answer a = { .end = HTTP_ANSWERED, .status = 503, .headers = &h };
	struct verdict v = { .outcome = OUTCOME_ACCEPTED };

	(void)state;
	driver_judge_status(&a, 0, &v);
	assert_true(v.retry_after_ms == 90 * SECOND_MS);
	verdict_free(&v);
}

static void
test_a_freed_verdict_is_empty(void **state)
{
	struct verdict v = { .outcome = OUTCOME_UNKNOWN, .halt = true };

	(void)state;
	buf_text(&v.ref, "ref");
	buf_text(&v.words, "words");
	verdict_free(&v);
	assert_null(v.ref.p);
	assert_null(v.words.p);
	assert_int_equal(v.outcome, OUTCOME_ACCEPTED);
	assert_false(v.halt);
	verdict_free(&v);
}

static void
test_a_post_has_the_gateways_timeout_and_authority(void **state)
{
	struct gateway_config c = kannel();
	struct http_request *rq = http_request_new();

	(void)state;
	c.timeout_ms = 1234;
	c.ca_file = "/etc/ca.pem";
	assert_int_equal(driver_post(&c, c.url, rq), RES_OK);
	assert_string_equal(rq->method, "POST");
	assert_string_equal(rq->url, c.url);
	assert_string_equal(rq->ca_file, "/etc/ca.pem");
	assert_true(rq->timeout_ms == 1234);
	assert_true(rq->answer_max >= 4096);
	assert_false(rq->stranger);
	http_request_free(&rq);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drivers_are_found_by_name),
		cmocka_unit_test(test_a_prepared_gateway_knows_its_driver),
		cmocka_unit_test(test_a_driver_has_to_be_named_and_to_exist),
		cmocka_unit_test(test_a_driver_carries_only_its_kinds),
		cmocka_unit_test(test_a_url_has_a_scheme_and_a_host_and_no_secrets),
		cmocka_unit_test(test_mms_may_have_a_url_of_their_own),
		cmocka_unit_test(test_a_login_is_whole_or_absent),
		cmocka_unit_test(test_what_goes_into_header_fields_is_one_line),
		cmocka_unit_test(test_words_are_one_short_line),
		cmocka_unit_test(test_a_secret_that_is_said_back_is_not_repeated),
		cmocka_unit_test(test_a_status_alone_says_what_became_of_the_request),
		cmocka_unit_test(test_retry_after_is_obeyed_where_nothing_was_processed),
		cmocka_unit_test(test_a_freed_verdict_is_empty),
		cmocka_unit_test(test_a_post_has_the_gateways_timeout_and_authority),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
