#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "core/mms.h"
#include "gateway/driver.h"
#include "gateway/soap.h"

#define NOW     INT64_C(1798131600000) /* 2026-12-24T17:00:00Z */
#define REPORTS "https://later.example.org/report/mmsc/0123"
#define REL_6   "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4"

static const char *const none[] = { NULL };

static struct gateway_config
config(void)
{
	return (struct gateway_config){
		.info = { .name = "mmsc", .kinds = { [KIND_MMS] = true }, .media_types = none,
			.allow = none, .deny = none },
		.driver = "mm7",
		.url = "https://mmsc.example.org/mm7",
		.user = "vasp",
		.secret = "secret",
		.sender = "1234",
		.vasp_id = "laterd",
	};
}

/* -- SubmitReq --------------------------------------------------------------------------------- */

struct made {
	struct buf entity, why;
	struct http_request *rq;
	enum res res;
	struct span root, content; /* the two parts, header fields included */
	struct soap soap;
};

static void
build(struct buf *out, const char *subject, const char *text, const char *bytes)
{
	struct mms mms = { .subject = span_of(subject), .text = span_of(text) };

	if (bytes != NULL) {
		mms.media[0] = (struct mms_medium){ .url = "https://example.org/a.jpg",
			.type = "image/jpeg", .bytes = span_of(bytes) };
		mms.nmedia = 1;
	}
	assert_int_equal(mms_build(out, &mms), RES_OK);
}

static const char *
field(const struct http_request *rq, const char *name)
{
	for (const struct http_header *h = rq->headers; h != NULL; h = h->next)
		if (span_caseeq(span_of(h->name), span_of(name)))
			return h->value;
	return NULL;
}

/* The parts by RFC 2046: the boundary stands exactly where one begins or the last ends. */
static void
cut(struct made *m)
{
	const char *type = field(m->rq, "Content-Type"), *b;
	char line[100];
	struct span body = buf_as_span(&m->rq->body);

	assert_non_null(type);
	assert_true(strncmp(type, "multipart/related; type=\"text/xml\"; start=\"<mm7-start>\"; ",
			strlen("multipart/related; type=\"text/xml\"; start=\"<mm7-start>\"; ")) ==
	    0);
	b = strstr(type, "boundary=\"");
	assert_non_null(b);
	b += strlen("boundary=\"");
	snprintf(line, sizeof(line), "--%.*s", (int)strcspn(b, "\""), b);
	size_t len = strlen(line);
	assert_true(len > 3 && len <= 72);

	const char *at[3];
	struct span rest = body;
	for (size_t i = 0; i < 3; i++) {
		at[i] = memmem(rest.p, rest.len, line, len);
		assert_non_null(at[i]);
		assert_true(at[i] == body.p || memcmp(at[i] - 2, "\r\n", 2) == 0);
		rest = (struct span){ at[i] + len, (size_t)(body.p + body.len - at[i]) - len };
	}
	assert_null(memmem(rest.p, rest.len, line, len));
	assert_true(span_eq(rest, SPAN("--\r\n")));
	assert_true(at[0] == body.p);
	m->root = (struct span){ at[0] + len + 2, (size_t)(at[1] - 2 - at[0]) - len - 2 };
	m->content = (struct span){ at[1] + len + 2, (size_t)(at[2] - 2 - at[1]) - len - 2 };
	assert_int_equal(soap_read(&m->soap, span_of(type), body), RES_OK);
}

static struct made
make(const struct gateway_config *c, const struct submission *sub, const char *report_url)
{
	struct made m = { .rq = http_request_new() };

	assert_non_null(m.rq);
	m.res = driver_mm7.render(c, sub, report_url, NOW, m.rq, &m.why);
	if (m.res == RES_OK)
		cut(&m);
	return m;
}

static void
drop(struct made *m)
{
	soap_free(&m->soap);
	buf_free(&m->entity);
	buf_free(&m->why);
	http_request_free(&m->rq);
}

static struct submission
mms(const struct buf *entity)
{
	return (struct submission){ .id = "7K3Q9A", .recipient = "+4917012345678",
		.kind = KIND_MMS, .body = buf_as_span(entity), .created_at = NOW - DAY_MS,
		.expires_at = NOW + DAY_MS };
}

static void
assert_text(const struct made *m, const char *path, const char *text)
{
	const char *is = soap_text(m->soap.message, path);

	if (text == NULL)
		assert_null(is);
	else if (is == NULL || strcmp(is, text) != 0)
		fail_msg("%s is “%s”, not “%s”", path, is != NULL ? is : "(none)", text);
}

static void
test_a_request_says_everything_in_the_order_of_the_schema(void **state)
{
	static const char *const order[] = { "MM7Version", "SenderIdentification", "Recipients",
		"ServiceCode", "TimeStamp", "ExpiryDate", "DeliveryReport", "Subject", "Content" };
	struct gateway_config c = config();
	struct buf entity = { 0 };
	size_t i = 0;

	(void)state;
	c.vas_id = "later & co";
	c.service_code = "gold";
	build(&entity, "Frohe Weihnacht <3", "Hallo", "jpeg");
	struct submission sub = mms(&entity);
	struct made m = make(&c, &sub, REPORTS);
	assert_int_equal(m.res, RES_OK);
	assert_string_equal(m.soap.message->name, "SubmitReq");
	for (const struct soap_element *e = m.soap.message->first; e != NULL; e = e->next)
		assert_string_equal(e->name, order[i++]);
	assert_int_equal(i, sizeof(order) / sizeof(order[0]));
	assert_text(&m, "MM7Version", "6.8.0");
	assert_text(&m, "SenderIdentification/VASPID", "laterd");
	assert_text(&m, "SenderIdentification/VASID", "later & co");
	assert_text(&m, "SenderIdentification/SenderAddress/ShortCode", "1234");
	assert_text(&m, "Recipients/To/Number", "+4917012345678");
	assert_text(&m, "ServiceCode", "gold");
	assert_text(&m, "TimeStamp", "2026-12-24T17:00:00Z");
	assert_text(&m, "ExpiryDate", "2026-12-25T17:00:00Z");
	assert_text(&m, "DeliveryReport", "true");
	assert_text(&m, "Subject", "Frohe Weihnacht <3");
	assert_non_null(strstr(m.root.p, " xmlns:mm7=\"" REL_6 "\""));
	assert_non_null(strstr(m.root.p, "<mm7:TransactionID xmlns:mm7=\"" REL_6
					 "\" env:mustUnderstand=\"1\">7K3Q9A-"));
	drop(&m);
	buf_free(&entity);
}

static void
test_the_request_is_a_post_with_basic_authorization(void **state)
{
	struct gateway_config c = config();
	struct buf entity = { 0 };

	(void)state;
	build(&entity, NULL, "x", NULL);
	struct submission sub = mms(&entity);
	struct made m = make(&c, &sub, NULL);
	assert_string_equal(m.rq->method, "POST");
	assert_string_equal(m.rq->url, c.url);
	assert_string_equal(m.rq->user, "vasp");
	assert_string_equal(m.rq->password, "secret");
	assert_string_equal(field(m.rq, "SOAPAction"), "\"\"");
	drop(&m);
	c.user = c.secret = NULL;
	c.mms_url = "https://other.example.org/";
	m = make(&c, &sub, NULL);
	assert_string_equal(m.rq->url, c.mms_url);
	assert_null(m.rq->user);
	assert_null(m.rq->password);
	drop(&m);
	buf_free(&entity);
}

static void
test_the_parts_are_the_envelope_and_the_entity_without_links(void **state)
{
	struct gateway_config c = config();
	struct buf entity = { 0 }, unlinked = { 0 };
	struct arena arena = { 0 };
	struct mms read;
	struct span type, parts;

	(void)state;
	build(&entity, "Grüße", "a\n--b\nc", "\xff\xd8 any bytes");
	struct submission sub = mms(&entity);
	struct made m = make(&c, &sub, NULL);
	static const char root[] =
	    "Content-Type: text/xml; charset=utf-8\r\nContent-ID: <mm7-start>\r\n\r\n<?xml ";
	assert_true(strncmp(m.root.p, root, strlen(root)) == 0);
	assert_int_equal(mms_parse(&read, buf_as_span(&entity), &arena), RES_OK);
	assert_non_null(read.media[0].url);
	read.media[0].url = NULL;
	assert_int_equal(mms_build(&unlinked, &read), RES_OK);
	assert_int_equal(mms_split(buf_as_span(&unlinked), &type, &parts), RES_OK);
	struct buf expected = { 0 };
	buf_text(&expected, "Content-Type: ");
	buf_span(&expected, type);
	buf_text(&expected, "\r\nContent-ID: <mm7-content>\r\n\r\n");
	buf_span(&expected, parts);
	assert_true(span_eq(m.content, buf_as_span(&expected)));
	assert_non_null(strstr(m.root.p,
	    "<mm7:Content href=\"cid:mm7-content\" allowAdaptations=\"true\"/>"));
	drop(&m);
	buf_free(&expected);
	buf_free(&unlinked);
	buf_free(&entity);
	arena_free(&arena);
}

static void
test_the_boundary_stands_nowhere_in_the_message(void **state)
{
	struct gateway_config c = config();
	struct buf entity = { 0 };

	(void)state;
	/* cut() checks it. */
	build(&entity, "laterd-7K3Q9A-1", "x\r\n--laterd-7K3Q9A-0\r\n--laterd-7K3Q9A-2--\r\n",
	    NULL);
	struct submission sub = mms(&entity);
	struct made m = make(&c, &sub, NULL);
	assert_int_equal(m.res, RES_OK);
	assert_non_null(strstr(field(m.rq, "Content-Type"), "boundary=\"laterd-7K3Q9A-3\""));
	drop(&m);
	buf_free(&entity);
}

static void
test_a_packet_keeps_its_transaction_id(void **state)
{
	struct gateway_config c = config();
	struct buf entity = { 0 };
	char first[64];

	(void)state;
	build(&entity, NULL, "x", NULL);
	struct submission sub = mms(&entity);
	struct made m = make(&c, &sub, NULL);
	snprintf(first, sizeof(first), "%s", m.soap.transaction_id);
	drop(&m);
	m = make(&c, &sub, REPORTS);
	assert_string_equal(m.soap.transaction_id, first);
	drop(&m);
	sub.created_at++;
	m = make(&c, &sub, NULL);
	assert_string_not_equal(m.soap.transaction_id, first);
	drop(&m);
	buf_free(&entity);
}

static void
test_what_is_not_known_is_left_out(void **state)
{
	struct gateway_config c = config();
	struct buf entity = { 0 };

	(void)state;
	c.vasp_id = c.sender = NULL;
	build(&entity, NULL, "x", NULL);
	struct submission sub = mms(&entity);
	sub.expires_at = 0;
	struct made m = make(&c, &sub, NULL);
	assert_non_null(soap_find(m.soap.message, "SenderIdentification"));
	assert_text(&m, "SenderIdentification/VASPID", NULL);
	assert_text(&m, "SenderIdentification/SenderAddress", NULL);
	assert_text(&m, "ServiceCode", NULL);
	assert_text(&m, "ExpiryDate", NULL);
	assert_text(&m, "Subject", NULL);
	assert_text(&m, "DeliveryReport", "false");
	drop(&m);
	buf_free(&entity);
}

static void
test_a_sender_is_a_short_code_a_number_or_an_address(void **state)
{
	static const struct {
		const char *sender, *element, *text;
	} rows[] = {
		{ "1234", "ShortCode", "1234" },
		{ "12345678", "ShortCode", "12345678" },
		{ "ACME", "ShortCode", "ACME" },
		{ "123456789", "Number", "123456789" },
		{ "+4917012345678", "Number", "4917012345678" },
		{ "+1234", "Number", "+1234" },
		{ "later@example.org", "RFC2822Address", "later@example.org" },
	};
	struct buf entity = { 0 };

	(void)state;
	build(&entity, NULL, "x", NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gateway_config c = config();
		struct submission sub = mms(&entity);
		char path[80];
		c.sender = rows[i].sender;
		c.number.style = NUMBER_DIGITS;
		struct made m = make(&c, &sub, NULL);
		snprintf(path, sizeof(path), "SenderIdentification/SenderAddress/%s",
		    rows[i].element);
		assert_text(&m, path, rows[i].text);
		assert_text(&m, "Recipients/To/Number", "4917012345678");
		drop(&m);
	}
	buf_free(&entity);
}

static void
test_version_and_namespace_are_configured(void **state)
{
	struct gateway_config c = config();
	struct buf entity = { 0 };

	(void)state;
	c.mm7_version = "5.3.0";
	c.mm7_namespace = "urn:x\"&<";
	build(&entity, NULL, "x", NULL);
	struct submission sub = mms(&entity);
	struct made m = make(&c, &sub, NULL);
	assert_text(&m, "MM7Version", "5.3.0");
	assert_non_null(strstr(m.root.p, "<mm7:SubmitReq xmlns:mm7=\"urn:x&quot;&amp;&lt;\">"));
	drop(&m);
	buf_free(&entity);
}

static void
test_a_body_that_is_no_mms_is_refused(void **state)
{
	struct gateway_config c = config();
	struct buf entity = { 0 };

	(void)state;
	buf_text(&entity, "just text");
	struct submission sub = mms(&entity);
	struct made m = make(&c, &sub, NULL);
	assert_int_equal(m.res, RES_INVALID);
	assert_true(m.why.len > 0);
	drop(&m);
	sub.kind = KIND_SMS;
	m = make(&c, &sub, NULL);
	assert_int_equal(m.res, RES_INVALID);
	drop(&m);
	buf_free(&entity);
}

static void
test_keys_that_no_document_can_carry_are_refused(void **state)
{
	static const char *const bad[] = { "", "a\nb", "\x01", "\xff", "a\tb" };

	(void)state;
	for (size_t i = 0; i < 5 * sizeof(bad) / sizeof(bad[0]); i++) {
		struct gateway_config c = config();
		const char **keys[] = { &c.vasp_id, &c.vas_id, &c.service_code, &c.mm7_version,
			&c.mm7_namespace };
		struct buf why = { 0 };
		*keys[i % 5] = bad[i / 5];
		assert_int_equal(gateway_prepare(&c, &why), RES_INVALID);
		assert_true(why.len > 0);
		buf_free(&why);
	}
	struct gateway_config c = config();
	struct buf why = { 0 };
	c.user = "a:b";
	assert_int_equal(gateway_prepare(&c, &why), RES_INVALID);
	assert_true(strncmp(why.p, "user", 4) == 0);
	buf_free(&why);
}

/* -- SubmitRsp --------------------------------------------------------------------------------- */

#define ENVELOPE(inner) \
	"<?xml version=\"1.0\"?><SOAP-ENV:Envelope xmlns:SOAP-ENV='http://schemas.xmlsoap.org/" \
	"soap/envelope/'><SOAP-ENV:Header><t:TransactionID xmlns:t='urn:o'>T1</t:TransactionID>" \
	"</SOAP-ENV:Header><SOAP-ENV:Body>" inner "</SOAP-ENV:Body></SOAP-ENV:Envelope>"
#define SUBMIT_RSP(code) \
	ENVELOPE("<SubmitRsp xmlns='urn:o'><MM7Version>5.3.0</MM7Version><Status><StatusCode>" \
		 code "</StatusCode><StatusText>some text</StatusText></Status>" \
		 "<MessageID>M-1</MessageID></SubmitRsp>")
#define FAULT(code) \
	ENVELOPE("<SOAP-ENV:Fault><faultcode>SOAP-ENV:Client</faultcode>" \
		 "<faultstring>f</faultstring><detail><RSErrorRsp><Status><StatusCode>" code \
		 "</StatusCode><StatusText>Denied</StatusText><Details>by rule</Details></Status></RSErrorRsp></detail>" \
		 "</SOAP-ENV:Fault>")

struct judged {
	enum outcome outcome;
	bool halt;
	char ref[300], words[300];
};

static struct judged
judge(int status, const char *body)
{
	const struct http_header h = { .name = "content-type", .value = "text/xml" };
	struct gateway_config c = config();
	struct http_answer a = { .end = HTTP_ANSWERED, .status = status, .headers = &h,
		.body = span_of(body) };
	struct verdict v = { .outcome = OUTCOME_ACCEPTED };
	struct judged j;

	assert_int_equal(driver_mm7.judge(&c, &a, NOW, &v), RES_OK);
	j.outcome = v.outcome;
	j.halt = v.halt;
	snprintf(j.ref, sizeof(j.ref), "%s", buf_str(&v.ref));
	snprintf(j.words, sizeof(j.words), "%s", buf_str(&v.words));
	verdict_free(&v);
	return j;
}

static void
test_every_status_code_has_its_outcome(void **state)
{
	static const struct {
		const char *answer, *fault;
		enum outcome outcome;
		bool halt;
	} rows[] = {
#define CODE(c) SUBMIT_RSP(c), FAULT(c)
		{ CODE("1000"), OUTCOME_ACCEPTED, false },
		{ CODE("1100"), OUTCOME_ACCEPTED, false },
		{ CODE("1500"), OUTCOME_ACCEPTED, false },
		{ CODE("2000"), OUTCOME_PERMANENT, false },
		{ CODE("2001"), OUTCOME_PERMANENT, false },
		{ CODE("2002"), OUTCOME_PERMANENT, false },
		{ CODE("2003"), OUTCOME_PERMANENT, false },
		{ CODE("2004"), OUTCOME_PERMANENT, false },
		{ CODE("2007"), OUTCOME_PERMANENT, false },
		{ CODE("2999"), OUTCOME_PERMANENT, false },
		{ CODE("3000"), OUTCOME_NOT_PROCESSED, false },
		{ CODE("3001"), OUTCOME_PERMANENT, false },
		{ CODE("3002"), OUTCOME_PERMANENT, false },
		{ CODE("3999"), OUTCOME_NOT_PROCESSED, false },
		{ CODE("4000"), OUTCOME_NOT_PROCESSED, false },
		{ CODE("4001"), OUTCOME_NOT_PROCESSED, true },
		{ CODE("4002"), OUTCOME_NOT_PROCESSED, true },
		{ CODE("4003"), OUTCOME_PERMANENT, false },
		{ CODE("4004"), OUTCOME_PERMANENT, false },
		{ CODE("4005"), OUTCOME_PERMANENT, false },
		{ CODE("4006"), OUTCOME_NOT_PROCESSED, false },
		{ CODE("4007"), OUTCOME_NOT_PROCESSED, true },
		{ CODE("4999"), OUTCOME_NOT_PROCESSED, false },
		{ CODE("0"), OUTCOME_UNKNOWN, false },
		{ CODE("200"), OUTCOME_UNKNOWN, false },
		{ CODE("5000"), OUTCOME_UNKNOWN, false },
		{ CODE("9999"), OUTCOME_UNKNOWN, false },
		{ CODE("10000"), OUTCOME_UNKNOWN, false },
		{ CODE("-1000"), OUTCOME_UNKNOWN, false },
		{ CODE("1000x"), OUTCOME_UNKNOWN, false },
		{ CODE(""), OUTCOME_UNKNOWN, false },
#undef CODE
	};
	static const int statuses[] = { 200, 202, 400, 500 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t s = 0; s < sizeof(statuses) / sizeof(statuses[0]); s++) {
			struct judged a = judge(statuses[s], rows[i].answer);
			struct judged f = judge(statuses[s], rows[i].fault);
			if (a.outcome != rows[i].outcome || f.outcome != rows[i].outcome ||
			    a.halt != rows[i].halt || f.halt != rows[i].halt)
				fail_msg("row %zu with status %d", i, statuses[s]);
			assert_string_equal(
			    a.ref, rows[i].outcome == OUTCOME_ACCEPTED ? "M-1" : "");
		}
}

static void
test_words_of_an_answer_are_code_text_and_details(void **state)
{
	(void)state;
	assert_string_equal(judge(200, SUBMIT_RSP("2002")).words, "2002 some text");
	assert_string_equal(judge(500, FAULT("4004")).words, "4004 Denied: by rule");
	assert_string_equal(judge(502, "<html>Bad\ngateway").words, "<html>Bad gateway");
	assert_string_equal(judge(502, NULL).words, "HTTP status 502");
	assert_string_equal(judge(400, "no secret here").words, "no *** here");
}

static void
test_the_way_to_the_mmsc_is_judged_by_http(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum outcome outcome;
		bool halt;
	} rows[] = {
		{ 401, SUBMIT_RSP("1000"), OUTCOME_NOT_PROCESSED, true },
		{ 403, "", OUTCOME_NOT_PROCESSED, true },
		{ 404, "", OUTCOME_NOT_PROCESSED, true },
		{ 429, "", OUTCOME_NOT_PROCESSED, false },
		{ 503, FAULT("2000"), OUTCOME_NOT_PROCESSED, false },
		{ 500, "Internal Server Error", OUTCOME_UNKNOWN, false },
		{ 500, "", OUTCOME_UNKNOWN, false },
		{ 502, "", OUTCOME_UNKNOWN, false },
		{ 504, "", OUTCOME_UNKNOWN, false },
		{ 200, "", OUTCOME_UNKNOWN, false },
		{ 200, "OK 1000", OUTCOME_UNKNOWN, false },
		{ 200, "<html><body>1000</body></html>", OUTCOME_UNKNOWN, false },
		{ 200, ENVELOPE("<DeliverRsp><Status><StatusCode>1000</StatusCode></Status>"
				"</DeliverRsp>"), OUTCOME_UNKNOWN, false },
		{ 200, ENVELOPE("<SubmitRsp/>"), OUTCOME_UNKNOWN, false },
		{ 200, "<!DOCTYPE a [<!ENTITY c '1000'>]>" SUBMIT_RSP("&c;"), OUTCOME_UNKNOWN,
		    false },
		{ 400, "Bad Request", OUTCOME_PERMANENT, false },
		{ 500, ENVELOPE("<e:Fault><faultcode>e:Client.Auth</faultcode><faultstring>x"
				"</faultstring></e:Fault>"), OUTCOME_PERMANENT, false },
		{ 500, ENVELOPE("<e:Fault><faultcode>e:Server</faultcode><faultstring>x"
				"</faultstring></e:Fault>"), OUTCOME_UNKNOWN, false },
		{ 200, ENVELOPE("<e:Fault/>"), OUTCOME_UNKNOWN, false },
		{ 200, ENVELOPE("<RSErrorRsp><Status><StatusCode>4006</StatusCode></Status>"
				"</RSErrorRsp>"), OUTCOME_NOT_PROCESSED, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct judged j = judge(rows[i].status, rows[i].body);
		if (j.outcome != rows[i].outcome || j.halt != rows[i].halt)
			fail_msg("row %zu", i);
		assert_string_equal(j.ref, "");
	}
}

static void
test_an_id_that_is_too_long_is_not_kept(void **state)
{
	struct buf text = { 0 };

	(void)state;
	for (size_t len = 255; len <= 256; len++) {
		buf_reset(&text);
		buf_text(&text, "<Envelope><Body><SubmitRsp><Status><StatusCode>1000</StatusCode>"
				"</Status><MessageID>");
		for (size_t i = 0; i < len; i++)
			buf_text(&text, "m");
		buf_text(&text, "</MessageID></SubmitRsp></Body></Envelope>");
		struct judged j = judge(200, text.p);
		assert_int_equal(j.outcome, OUTCOME_ACCEPTED);
		assert_int_equal(strlen(j.ref), len == 255 ? 255 : 0);
	}
	buf_free(&text);
}

/* -- Reports ----------------------------------------------------------------------------------- */

struct reported {
	enum res res;
	struct report_read read;
	struct web_reply reply;
	struct soap soap; /* of the reply */
};

static struct reported
report(const char *type, const char *body)
{
	struct gateway_config c = config();
	struct web_request rq = { .method = "POST", .path = "/report/mmsc/0123", .query = "",
		.content_type = type, .body = span_of(body) };
	struct reported r = { .reply = { .status = 400, .type = "text/plain" } };

	buf_text(&r.reply.body, "400\n");
	r.res = driver_mm7.report(&c, &rq, &r.read, &r.reply);
	assert_int_equal(
	    soap_read(&r.soap, span_of(r.reply.type), buf_as_span(&r.reply.body)), RES_OK);
	return r;
}

static void
report_drop(struct reported *r)
{
	buf_free(&r->read.ref);
	buf_free(&r->read.words);
	buf_free(&r->reply.body);
	soap_free(&r->soap);
}

#define REPORT(status, more) \
	ENVELOPE("<mm7:DeliveryReportReq xmlns:mm7='urn:x'><mm7:MM7Version>5.3.0</mm7:MM7Version>" \
		 "<mm7:MessageID>M-1</mm7:MessageID><mm7:Recipient><mm7:Number>1</mm7:Number>" \
		 "</mm7:Recipient><mm7:Date>2026-12-24T17:00:00Z</mm7:Date><mm7:MMStatus>" status \
		 "</mm7:MMStatus>" more "</mm7:DeliveryReportReq>")

static void
test_every_status_of_a_report_has_its_state_and_is_acknowledged(void **state)
{
	static const struct {
		const char *body, *words;
		enum res res;
		enum report_state state;
	} rows[] = {
		{ REPORT("Retrieved", ""), "Retrieved", RES_OK, REPORT_DELIVERED },
		{ REPORT(" retrieved\n", ""), "retrieved", RES_OK, REPORT_DELIVERED },
		{ REPORT("Expired", "<StatusText>too\nlate</StatusText>"), "Expired: too late",
		    RES_OK, REPORT_FAILED },
		{ REPORT("Rejected", ""), "Rejected", RES_OK, REPORT_FAILED },
		{ REPORT("System error", ""), "System error", RES_OK, REPORT_FAILED },
		{ REPORT("Unrecognised", ""), "Unrecognised", RES_OK, REPORT_FAILED },
		{ REPORT("Deferred", ""), "Deferred", RES_OK, REPORT_TAKEN },
		{ REPORT("Forwarded", ""), "Forwarded", RES_OK, REPORT_TAKEN },
		{ REPORT("Indeterminate", ""), "Indeterminate", RES_OK, REPORT_TAKEN },
		{ REPORT("Retrieve", ""), NULL, RES_NOTFOUND, REPORT_TAKEN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct reported r = report("text/xml; charset=utf-8", rows[i].body);
		assert_int_equal(r.res, rows[i].res);
		if (r.res == RES_OK) {
			assert_int_equal(r.read.state, rows[i].state);
			assert_string_equal(buf_str(&r.read.ref), "M-1");
			assert_string_equal(buf_str(&r.read.words), rows[i].words);
		}
		assert_int_equal(r.reply.status, 200);
		assert_true(strncmp(r.reply.type, "text/xml", 8) == 0);
		assert_string_equal(r.soap.transaction_id, "T1");
		assert_string_equal(r.soap.message->name, "DeliveryReportRsp");
		assert_string_equal(soap_text(r.soap.message, "MM7Version"), "6.8.0");
		assert_string_equal(soap_text(r.soap.message, "Status/StatusCode"), "1000");
		report_drop(&r);
	}
}

static void
test_what_is_no_report_is_answered_with_a_fault(void **state)
{
	static const struct {
		const char *body, *code;
		int status;
	} rows[] = {
		{ "", "4004", 400 },
		{ "type=1&answer=", "4004", 400 },
		{ "<!DOCTYPE a>" REPORT("Retrieved", ""), "4004", 400 },
		{ ENVELOPE("<DeliveryReportReq/>"), "4004", 200 },
		{ ENVELOPE("<DeliveryReportReq><MMStatus>Retrieved</MMStatus>"
			   "</DeliveryReportReq>"), "4004", 200 },
		{ ENVELOPE("<DeliveryReportReq><MessageID>M</MessageID></DeliveryReportReq>"),
		    "4004", 200 },
		{ ENVELOPE("<SubmitReq/>"), "4003", 200 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct reported r = report("text/xml", rows[i].body);
		assert_int_equal(r.res, RES_INVALID);
		assert_int_equal(r.reply.status, rows[i].status);
		assert_string_equal(r.soap.message->name, "Fault");
		assert_string_equal(
		    soap_text(r.soap.message, "detail/RSErrorRsp/Status/StatusCode"),
		    rows[i].code);
		assert_int_equal(r.read.ref.len, 0);
		report_drop(&r);
	}
}

static void
test_other_requests_are_answered_and_of_no_interest(void **state)
{
	static const struct {
		const char *type, *body, *reply, *code;
	} rows[] = {
		{ "text/xml", ENVELOPE("<ReadReplyReq><MessageID>M</MessageID></ReadReplyReq>"),
		    "ReadReplyRsp", "1000" },
		{ "text/xml", ENVELOPE("<DeliverReq/>"), "DeliverRsp", "4003" },
		{ "multipart/related; boundary=\"x\"; type=\"text/xml\"",
		    "--x\r\nContent-Type: text/xml\r\n\r\n" ENVELOPE("<DeliverReq/>")
		    "\r\n--x\r\nContent-Type: image/jpeg\r\n\r\n\xff\r\n--x--\r\n",
		    "DeliverRsp", "4003" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct reported r = report(rows[i].type, rows[i].body);
		assert_int_equal(r.res, RES_NOTFOUND);
		assert_int_equal(r.reply.status, 200);
		assert_string_equal(r.soap.message->name, rows[i].reply);
		assert_string_equal(r.soap.transaction_id, "T1");
		assert_string_equal(
		    soap_text(r.soap.message, "Status/StatusCode"), rows[i].code);
		report_drop(&r);
	}
}

static void
test_what_is_echoed_is_escaped(void **state)
{
	(void)state;
	struct reported r = report("text/xml",
	    "<Envelope><Header><TransactionID>&lt;/x&gt;&amp;</TransactionID></Header><Body>"
	    "<ReadReplyReq/></Body></Envelope>");
	assert_int_equal(r.res, RES_NOTFOUND);
	assert_string_equal(r.soap.transaction_id, "</x>&");
	report_drop(&r);
}

static void
test_reports_come_by_the_gateways_id(void **state)
{
	struct gateway_config c = config();

	(void)state;
	assert_true(driver_mm7.reports_by_ref(&c));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_request_says_everything_in_the_order_of_the_schema),
		cmocka_unit_test(test_the_request_is_a_post_with_basic_authorization),
		cmocka_unit_test(test_the_parts_are_the_envelope_and_the_entity_without_links),
		cmocka_unit_test(test_the_boundary_stands_nowhere_in_the_message),
		cmocka_unit_test(test_a_packet_keeps_its_transaction_id),
		cmocka_unit_test(test_what_is_not_known_is_left_out),
		cmocka_unit_test(test_a_sender_is_a_short_code_a_number_or_an_address),
		cmocka_unit_test(test_version_and_namespace_are_configured),
		cmocka_unit_test(test_a_body_that_is_no_mms_is_refused),
		cmocka_unit_test(test_keys_that_no_document_can_carry_are_refused),
		cmocka_unit_test(test_every_status_code_has_its_outcome),
		cmocka_unit_test(test_words_of_an_answer_are_code_text_and_details),
		cmocka_unit_test(test_the_way_to_the_mmsc_is_judged_by_http),
		cmocka_unit_test(test_an_id_that_is_too_long_is_not_kept),
		cmocka_unit_test(test_every_status_of_a_report_has_its_state_and_is_acknowledged),
		cmocka_unit_test(test_what_is_no_report_is_answered_with_a_fault),
		cmocka_unit_test(test_other_requests_are_answered_and_of_no_interest),
		cmocka_unit_test(test_what_is_echoed_is_escaped),
		cmocka_unit_test(test_reports_come_by_the_gateways_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
