#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "gateway/driver.h"

#define NOW     INT64_C(1800000000000)
#define REPORTS "http://127.0.0.1:5580/report/office/7K3Q9A/0123"

static const char *const none[] = { NULL };

static struct gateway_config
config(void)
{
	return (struct gateway_config){
		.info = { .name = "office", .kinds = { [KIND_SMS] = true }, .max_segments = 2,
			.media_types = none, .allow = none, .deny = none },
		.driver = "kannel",
		.url = "http://127.0.0.1:13013/cgi-bin/sendsms",
		.user = "tester",
		.secret = "secret",
		.timeout_ms = 5000,
	};
}

static struct submission
sms(struct span text)
{
	return (struct submission){ .id = "7K3Q9A", .recipient = "+4917012345678",
		.kind = KIND_SMS, .body = text, .created_at = NOW - DAY_MS };
}

static const char *
field(const struct http_request *rq, const char *name)
{
	const char *value = NULL;

	for (const struct http_header *h = rq->headers; h != NULL; h = h->next)
		if (span_caseeq(span_of(h->name), span_of(name))) {
			assert_null(value);
			value = h->value;
		}
	return value;
}

static enum res
render(const struct gateway_config *c, const struct submission *sub, const char *url,
    struct http_request **rq, struct buf *why)
{
	*rq = http_request_new();
	assert_non_null(*rq);
	return driver_kannel.render(c, sub, url, NOW, *rq, why);
}

static void
test_a_request_has_its_fields_and_the_bare_text(void **state)
{
	struct gateway_config c = config();
	struct submission sub = sms(SPAN("Hållö €, @£ {x}\n& more"));
	struct http_request *rq;
	struct buf why = { 0 };

	(void)state;
	c.sender = "1234";
	c.smsc = "link 1";
	assert_int_equal(render(&c, &sub, NULL, &rq, &why), RES_OK);
	assert_string_equal(rq->method, "POST");
	assert_string_equal(rq->url, c.url);
	assert_null(rq->user);
	assert_true(rq->timeout_ms == 5000);
	assert_string_equal(field(rq, "Content-Type"), "text/plain; charset=UTF-8");
	assert_string_equal(field(rq, "X-Kannel-Username"), "tester");
	assert_string_equal(field(rq, "X-Kannel-Password"), "secret");
	assert_string_equal(field(rq, "X-Kannel-From"), "1234");
	assert_string_equal(field(rq, "X-Kannel-To"), "+4917012345678");
	assert_string_equal(field(rq, "X-Kannel-SMSC"), "link 1");
	assert_string_equal(field(rq, "X-Kannel-Coding"), "0");
	assert_null(field(rq, "X-Kannel-DLR-Mask"));
	assert_null(field(rq, "X-Kannel-DLR-URL"));
	assert_null(field(rq, "X-Kannel-Validity"));
	assert_true(span_eq(buf_as_span(&rq->body), sub.body));
	http_request_free(&rq);
	buf_free(&why);
}

static void
test_what_is_not_configured_is_not_sent(void **state)
{
	struct gateway_config c = config();
	struct submission sub = sms(SPAN("x"));
	struct http_request *rq;
	struct buf why = { 0 };

	(void)state;
	assert_int_equal(render(&c, &sub, NULL, &rq, &why), RES_OK);
	assert_null(field(rq, "X-Kannel-From"));
	assert_null(field(rq, "X-Kannel-SMSC"));
	http_request_free(&rq);
}

static void
test_the_coding_is_what_the_text_needs(void **state)
{
	static const struct {
		const char *text, *coding;
	} rows[] = {
		{ "plain ^{}\\[~]|€", "0" },
		{ "àéÇÅΔ", "0" },
		{ "ç", "2" },
		{ "Привет", "2" },
		{ "ok 🙂", "2" },
		{ "a`", "2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gateway_config c = config();
		struct submission sub = sms(span_of(rows[i].text));
		struct http_request *rq;
		struct buf why = { 0 };
		assert_int_equal(render(&c, &sub, NULL, &rq, &why), RES_OK);
		assert_string_equal(field(rq, "X-Kannel-Coding"), rows[i].coding);
		assert_true(span_eq(buf_as_span(&rq->body), sub.body));
		http_request_free(&rq);
	}
}

static void
test_numbers_are_written_as_configured(void **state)
{
	struct gateway_config c = config();
	struct submission sub = sms(SPAN("x"));
	struct http_request *rq;
	struct buf why = { 0 };

	(void)state;
	c.number.style = NUMBER_00;
	assert_int_equal(render(&c, &sub, NULL, &rq, &why), RES_OK);
	assert_string_equal(field(rq, "X-Kannel-To"), "004917012345678");
	http_request_free(&rq);
}

static void
test_text_that_kannel_would_change_does_not_leave(void **state)
{
	struct gateway_config c = config();
	char text[400];
	const struct {
		struct span text;
		enum res res;
	} rows[] = {
		{ { text, 306 }, RES_OK },
		{ { text, 307 }, RES_INVALID },
		{ { "", 0 }, RES_INVALID },
		{ { "a\xff", 2 }, RES_INVALID },
		{ { "\xed\xa0\x80", 3 }, RES_INVALID },
	};

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct submission sub = sms(rows[i].text);
		struct http_request *rq;
		struct buf why = { 0 };
		assert_int_equal(render(&c, &sub, NULL, &rq, &why), rows[i].res);
		assert_int_equal(why.len > 0, rows[i].res != RES_OK);
		http_request_free(&rq);
		buf_free(&why);
	}
	struct submission sub = sms(SPAN("x"));
	struct http_request *rq;
	struct buf why = { 0 };
	sub.kind = KIND_MMS;
	assert_int_equal(render(&c, &sub, NULL, &rq, &why), RES_INVALID);
	http_request_free(&rq);
	buf_free(&why);
}

static void
test_no_value_begins_another_field(void **state)
{
	struct gateway_config c = config();
	struct submission sub = sms(SPAN("x\r\nX-Kannel-To: +1"));
	struct http_request *rq;
	struct buf why = { 0 };

	(void)state;
	assert_int_equal(render(&c, &sub, NULL, &rq, &why), RES_OK);
	assert_string_equal(field(rq, "X-Kannel-To"), "+4917012345678");
	assert_true(span_eq(buf_as_span(&rq->body), sub.body));
	http_request_free(&rq);
	c.sender = "1\r\nX-Kannel-To: +1";
	assert_int_equal(render(&c, &sub, NULL, &rq, &why), RES_INVALID);
	http_request_free(&rq);
	c = config();
	assert_int_equal(render(&c, &sub, "http://a/\r\nX: y", &rq, &why), RES_INVALID);
	http_request_free(&rq);
	buf_free(&why);
}

static void
test_validity_is_in_minutes_and_never_0(void **state)
{
	static const struct {
		int64_t left_ms;
		const char *minutes;
	} rows[] = {
		{ -HOUR_MS, "1" },
		{ 0, "1" },
		{ 30 * SECOND_MS, "1" },
		{ 2 * MINUTE_MS - 1, "1" },
		{ 90 * MINUTE_MS, "90" },
		{ 3 * DAY_MS, "4320" },
		{ 10000 * DAY_MS, "635040" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gateway_config c = config();
		struct submission sub = sms(SPAN("x"));
		struct http_request *rq;
		struct buf why = { 0 };
		sub.expires_at = NOW + rows[i].left_ms;
		assert_int_equal(render(&c, &sub, NULL, &rq, &why), RES_OK);
		assert_string_equal(field(rq, "X-Kannel-Validity"), rows[i].minutes);
		http_request_free(&rq);
	}
}

static void
test_reports_are_asked_for_at_our_url(void **state)
{
	struct gateway_config c = config();
	struct submission sub = sms(SPAN("x"));
	struct http_request *rq;
	struct buf why = { 0 };

	(void)state;
	assert_int_equal(render(&c, &sub, REPORTS, &rq, &why), RES_OK);
	assert_string_equal(field(rq, "X-Kannel-DLR-Mask"), "31");
	assert_string_equal(field(rq, "X-Kannel-DLR-URL"), REPORTS "?type=%d&answer=%A");
	http_request_free(&rq);
	assert_int_equal(render(&c, &sub, "http://a/b%20c", &rq, &why), RES_OK);
	assert_string_equal(
	    field(rq, "X-Kannel-DLR-URL"), "http://a/b%%20c?type=%d&answer=%A");
	http_request_free(&rq);
}

/* Measured with Kannel 1.4.5. */
static void
test_every_answer_of_kannel_has_its_outcome(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum outcome outcome;
		bool halt;
	} rows[] = {
		{ 202, "0: Accepted for delivery", OUTCOME_ACCEPTED, false },
		{ 202, "3: Queued for later delivery", OUTCOME_ACCEPTED, false },
		{ 202, "Sent.", OUTCOME_ACCEPTED, false },
		{ 202, "\r\n0: Accepted for delivery\r\n", OUTCOME_ACCEPTED, false },
		{ 202, "", OUTCOME_UNKNOWN, false },
		{ 202, "4: Something else", OUTCOME_UNKNOWN, false },
		{ 202, "<html>0: Accepted for delivery", OUTCOME_UNKNOWN, false },
		{ 200, "0: Accepted for delivery", OUTCOME_UNKNOWN, false },
		{ 503, "Temporal failure, try again later.", OUTCOME_NOT_PROCESSED, false },
		{ 403, "Not routable. Do not try again.", OUTCOME_PERMANENT, false },
		{ 403, "Authorization failed for sendsms", OUTCOME_NOT_PROCESSED, true },
		{ 403, "", OUTCOME_NOT_PROCESSED, true },
		{ 404, "Not found", OUTCOME_NOT_PROCESSED, true },
		{ 400, "Missing receiver number, rejected", OUTCOME_PERMANENT, false },
		{ 400, "Number(s) has/have been denied by white- and/or black-lists.",
		    OUTCOME_PERMANENT, false },
		{ 400, "Sender missing and no global set, rejected", OUTCOME_PERMANENT, false },
		{ 400, "Coding field misformed, rejected", OUTCOME_PERMANENT, false },
		{ 400, "Invalid content-type", OUTCOME_PERMANENT, false },
		{ 500, "0: Accepted for delivery", OUTCOME_UNKNOWN, false },
		{ 502, "Bad gateway", OUTCOME_UNKNOWN, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gateway_config c = config();
		struct http_answer a = { .end = HTTP_ANSWERED, .status = rows[i].status,
			.body = span_of(rows[i].body) };
		struct verdict v = { .outcome = OUTCOME_ACCEPTED };
		assert_int_equal(driver_kannel.judge(&c, &a, NOW, &v), RES_OK);
		if (v.outcome != rows[i].outcome || v.halt != rows[i].halt)
			fail_msg("%d %s", rows[i].status, rows[i].body);
		assert_int_equal(v.ref.len, 0);
		assert_true(v.words.len > 0);
		verdict_free(&v);
	}
}

static void
test_words_of_an_answer_are_one_line_without_the_secret(void **state)
{
	struct gateway_config c = config();
	struct http_answer a = { .end = HTTP_ANSWERED, .status = 400,
		.body = SPAN("no\r\nX-Kannel-Password: secret") };
	struct verdict v = { .outcome = OUTCOME_ACCEPTED };

	(void)state;
	assert_int_equal(driver_kannel.judge(&c, &a, NOW, &v), RES_OK);
	assert_string_equal(v.words.p, "no X-Kannel-Password: ***");
	verdict_free(&v);
	a.body = (struct span){ NULL, 0 };
	assert_int_equal(driver_kannel.judge(&c, &a, NOW, &v), RES_OK);
	assert_string_equal(v.words.p, "HTTP status 400");
	verdict_free(&v);
}

static void
test_every_type_of_report_has_its_state(void **state)
{
	static const struct {
		const char *query;
		enum res res;
		enum report_state state;
		const char *words;
	} rows[] = {
		{ "type=1&answer=", RES_OK, REPORT_DELIVERED, "delivered to the phone" },
		{ "type=2&answer=absent+%3cx%3e%0d%0a", RES_OK, REPORT_FAILED,
		    "not delivered to the phone: absent <x>" },
		{ "type=4", RES_OK, REPORT_TAKEN, "queued for the SMS centre" },
		{ "type=8&answer=ACK%2F", RES_OK, REPORT_TAKEN,
		    "accepted by the SMS centre: ACK/" },
		{ "answer=NACK%2Fvalidity+expired&type=16", RES_OK, REPORT_FAILED,
		    "rejected by the SMS centre: NACK/validity expired" },
		{ "type=16&answer=%ff", RES_OK, REPORT_FAILED, "rejected by the SMS centre" },
		{ "type=0", RES_INVALID, REPORT_TAKEN, NULL },
		{ "type=32", RES_INVALID, REPORT_TAKEN, NULL },
		{ "type=", RES_INVALID, REPORT_TAKEN, NULL },
		{ "type=%25d", RES_INVALID, REPORT_TAKEN, NULL },
		{ "type=1x", RES_INVALID, REPORT_TAKEN, NULL },
		{ "type=99999999999999999999", RES_INVALID, REPORT_TAKEN, NULL },
		{ "answer=1", RES_INVALID, REPORT_TAKEN, NULL },
		{ "", RES_INVALID, REPORT_TAKEN, NULL },
		{ "type=%zz", RES_INVALID, REPORT_TAKEN, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gateway_config c = config();
		struct web_request rq = { .method = "GET", .path = "/report/x",
			.query = rows[i].query, .content_type = "" };
		struct report_read out = { .state = REPORT_TAKEN };
		struct web_reply reply = { .status = 200 };
		enum res res = driver_kannel.report(&c, &rq, &out, &reply);
		if (res != rows[i].res || (res == RES_OK && out.state != rows[i].state))
			fail_msg("%s", rows[i].query);
		if (res == RES_OK)
			assert_string_equal(buf_str(&out.words), rows[i].words);
		assert_int_equal(out.ref.len, 0);
		assert_int_equal(reply.status, 200);
		buf_free(&out.words);
	}
}

static void
test_reports_name_the_packet_in_their_url(void **state)
{
	struct gateway_config c = config();

	(void)state;
	assert_false(driver_kannel.reports_by_ref(&c));
}

static void
test_a_gateway_without_segments_is_refused(void **state)
{
	struct gateway_config c = config();
	struct buf why = { 0 };

	(void)state;
	c.info.max_segments = 0;
	assert_int_equal(gateway_prepare(&c, &why), RES_INVALID);
	assert_non_null(strstr(why.p, "max_segments"));
	buf_free(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_request_has_its_fields_and_the_bare_text),
		cmocka_unit_test(test_what_is_not_configured_is_not_sent),
		cmocka_unit_test(test_the_coding_is_what_the_text_needs),
		cmocka_unit_test(test_numbers_are_written_as_configured),
		cmocka_unit_test(test_text_that_kannel_would_change_does_not_leave),
		cmocka_unit_test(test_no_value_begins_another_field),
		cmocka_unit_test(test_validity_is_in_minutes_and_never_0),
		cmocka_unit_test(test_reports_are_asked_for_at_our_url),
		cmocka_unit_test(test_every_answer_of_kannel_has_its_outcome),
		cmocka_unit_test(test_words_of_an_answer_are_one_line_without_the_secret),
		cmocka_unit_test(test_every_type_of_report_has_its_state),
		cmocka_unit_test(test_reports_name_the_packet_in_their_url),
		cmocka_unit_test(test_a_gateway_without_segments_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
