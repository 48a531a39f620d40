#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "gateway/soap.h"

#define ENV  "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'>"
#define BODY(inner) ENV "<e:Body>" inner "</e:Body></e:Envelope>"

static const struct span no_type = { NULL, 0 };

static enum res
read_as(const char *type, const char *text, struct soap *out)
{
	memset(out, 0, sizeof(*out));
	return soap_read(out, span_of(type), span_of(text));
}

static void
assert_refused(const char *text)
{
	struct soap s;

	assert_int_equal(read_as("text/xml", text, &s), RES_INVALID);
	assert_null(s.message);
	soap_free(&s);
}

static void
test_a_message_is_found_whatever_its_namespaces_and_prefixes(void **state)
{
	static const char *const forms[] = {
		BODY("<m:R xmlns:m='urn:a'><m:S><m:C> 1000\n</m:C></m:S></m:R>"),
		BODY("<R xmlns='urn:b'><S><C>1000</C></S></R>"),
		"<Envelope><Body><R><S><C>1000</C></S></R></Body></Envelope>",
		"<x:Envelope><x:Header/><x:Body><y:R><z:S><C>10<!-- -->00</C></z:S></y:R></x:Body>"
		"</x:Envelope>",
		"\r\n <?xml version='1.0' encoding='utf-8'?>" BODY("<R><S><C>&#49;000</C></S></R>"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct soap s;
		assert_int_equal(read_as(NULL, forms[i], &s), RES_OK);
		assert_string_equal(s.message->name, "R");
		assert_string_equal(soap_text(s.message, "S/C"), "1000");
		assert_null(soap_text(s.message, "S/D"));
		assert_null(soap_text(s.message, "S/C/D"));
		assert_null(soap_text(NULL, "S"));
		assert_null(s.transaction_id);
		soap_free(&s);
	}
}

static void
test_the_transaction_id_is_the_headers(void **state)
{
	struct soap s;

	(void)state;
	assert_int_equal(read_as("text/xml", ENV "<e:Header><other>1</other><m:TransactionID>"
	    " a&amp;b </m:TransactionID></e:Header><e:Body><m:R><TransactionID>no</TransactionID>"
	    "</m:R></e:Body></e:Envelope>", &s), RES_OK);
	assert_string_equal(s.transaction_id, "a&b");
	soap_free(&s);
}

static void
test_what_is_no_envelope_is_refused(void **state)
{
	(void)state;
	assert_refused("");
	assert_refused("  \r\n");
	assert_refused("OK");
	assert_refused("<html><body>It works</body></html>");
	assert_refused("<Envelope/>");
	assert_refused("<Envelope><Body/></Envelope>");
	assert_refused("<Envelope><Body>text</Body></Envelope>");
	assert_refused("<Body><R/></Body>");
	assert_refused("<Envelope><Header><Body><R/></Body></Header></Envelope>");
	assert_refused("<Envelope><Body><R></Body></Envelope>");
	assert_refused(BODY("<R/>") "junk");
	assert_refused(BODY("<R a='1' a='2'/>"));
	assert_refused(BODY("<R>\xff</R>"));
	assert_refused(BODY("<R>&#0;</R>"));
	assert_refused("<?xml version='1.0' encoding='x-none'?>" BODY("<R/>"));
}

static void
test_a_doctype_is_refused_and_no_entity_is_expanded(void **state)
{
	(void)state;
	assert_refused("<!DOCTYPE e:Envelope>" BODY("<R/>"));
	assert_refused("<!DOCTYPE e:Envelope SYSTEM 'file:///etc/passwd'>" BODY("<R/>"));
	assert_refused("<!DOCTYPE x [<!ENTITY a 'aaaaaaaa'><!ENTITY b '&a;&a;'>]>"
	    BODY("<R>&b;</R>"));
	assert_refused("<!DOCTYPE x [<!ENTITY % p SYSTEM 'http://127.0.0.1/'> %p;]>" BODY("<R/>"));
	assert_refused(BODY("<R>&nbsp;</R>"));
}

static void
fill(struct buf *out, const char *before, const char *piece, size_t n, const char *behind)
{
	buf_text(out, before);
	for (size_t i = 0; i < n; i++)
		buf_text(out, piece);
	buf_text(out, behind);
	assert_false(out->failed);
}

static enum res
read_buf(struct buf *text)
{
	struct soap s = { .message = NULL };
	enum res res = soap_read(&s, no_type, buf_as_span(text));

	soap_free(&s);
	buf_free(text);
	return res;
}

static void
test_depth_number_names_and_length_are_bounded(void **state)
{
	struct buf text = { 0 };

	(void)state;
	/* Envelope and Body are two of them. */
	for (size_t more = 0; more < 2; more++) {
		fill(&text, ENV "<Body>", "<a>", SOAP_DEPTH - 2 + more, "");
		fill(&text, "", "</a>", SOAP_DEPTH - 2 + more, "</Body></e:Envelope>");
		assert_int_equal(read_buf(&text), more == 0 ? RES_OK : RES_INVALID);
		fill(&text, ENV "<Body>", "<a/>", SOAP_ELEMENTS - 2 + more, "</Body></e:Envelope>");
		assert_int_equal(read_buf(&text), more == 0 ? RES_OK : RES_INVALID);
		fill(&text, ENV "<Body><p:", "n", SOAP_NAME_MAX + more, "/></Body></e:Envelope>");
		assert_int_equal(read_buf(&text), more == 0 ? RES_OK : RES_INVALID);
		size_t frame = strlen(ENV "<Body><a></a></Body></e:Envelope>");
		fill(&text, ENV "<Body><a>", "x", SOAP_MAX - frame + more,
		    "</a></Body></e:Envelope>");
		assert_int_equal(read_buf(&text), more == 0 ? RES_OK : RES_INVALID);
	}
}

static void
test_other_encodings_arrive_as_utf8(void **state)
{
	struct soap s;

	(void)state;
	assert_int_equal(read_as("text/xml", "<?xml version='1.0' encoding='ISO-8859-1'?>"
	    BODY("<R>\xe4</R>"), &s), RES_OK);
	assert_string_equal(s.message->text, "\xc3\xa4");
	soap_free(&s);
}

static void
test_the_root_of_a_multipart_message_is_read(void **state)
{
	static const struct {
		const char *type, *text;
		enum res res;
	} rows[] = {
		{ "multipart/related; type=\"text/xml\"; boundary=\"b 1\"",
		    "--b 1\r\nContent-Type: text/xml\r\n\r\n" BODY("<R/>")
		    "\r\n--b 1\r\n\r\n<x/>\r\n--b 1--\r\n", RES_OK },
		{ "Multipart/Related; start=\"<a;boundary=no>\";Boundary=yes",
		    "preamble --yes\r\n--yes\r\n\r\n" BODY("<R/>") "\r\n--yes--", RES_OK },
		{ "multipart/related; boundary=b", "--b\n\n" BODY("<R/>") "\n--b--", RES_OK },
		{ "multipart/related; boundary=b", "--b\n\n" BODY("<R/>") "\n", RES_INVALID },
		{ "multipart/related; boundary=b",
		    "--b\nContent-Transfer-Encoding: Base64\n\n" BODY("<R/>") "\n--b--",
		    RES_INVALID },
		{ "multipart/related; boundary=b", "--c\n\n" BODY("<R/>") "\n--c--", RES_INVALID },
		{ "multipart/related; boundary=b", "--b", RES_INVALID },
		{ "multipart/related; boundary=b", "--b\r\nA: b\r\n", RES_INVALID },
		{ "multipart/related", "--b\n\n" BODY("<R/>") "\n--b--", RES_INVALID },
		{ "multipart/related; boundary=", "--\n\n" BODY("<R/>") "\n----", RES_INVALID },
		{ "multipart/related; boundary=\"\"", "--\n\n" BODY("<R/>") "\n--", RES_INVALID },
		{ "multipart/related; x=\"", "--\n\n" BODY("<R/>") "\n--", RES_INVALID },
		{ "multipart/related; boundary=1234567890123456789012345678901234567890"
		  "1234567890123456789012345678901",
		    "--1234567890123456789012345678901234567890"
		    "1234567890123456789012345678901\n\n" BODY("<R/>"), RES_INVALID },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct soap s;
		if (read_as(rows[i].type, rows[i].text, &s) != rows[i].res)
			fail_msg("row %zu", i);
		if (rows[i].res == RES_OK)
			assert_string_equal(s.message->name, "R");
		soap_free(&s);
	}
}

static void
test_what_is_written_is_read_back(void **state)
{
	struct buf out = { 0 };
	struct soap s = { .message = NULL };

	(void)state;
	soap_begin(&out, "urn:n\"<&>", "id\"'<&>", "R");
	soap_open(&out, "S");
	soap_add(&out, "C", "a<b>&'\"ü");
	soap_add(&out, "none", NULL);
	soap_close(&out, "S");
	soap_end(&out, "R");
	assert_false(out.failed);
	assert_int_equal(soap_read(&s, no_type, buf_as_span(&out)), RES_OK);
	assert_string_equal(s.transaction_id, "id\"'<&>");
	assert_string_equal(s.message->name, "R");
	assert_string_equal(soap_text(s.message, "S/C"), "a<b>&'\"ü");
	assert_null(soap_find(s.message, "S/none"));
	assert_non_null(strstr(out.p, "<env:Header><mm7:TransactionID xmlns:mm7=\"urn:n&quot;&lt;"
	    "&amp;&gt;\" env:mustUnderstand=\"1\">"));
	soap_free(&s);
	buf_free(&out);
}

static void
test_a_fault_carries_its_status(void **state)
{
	struct buf out = { 0 };
	struct soap s = { .message = NULL };

	(void)state;
	soap_fault(&out, "urn:n", "6.8.0", NULL, "4004", "Validation error");
	assert_int_equal(soap_read(&s, no_type, buf_as_span(&out)), RES_OK);
	assert_null(s.transaction_id);
	assert_string_equal(s.message->name, "Fault");
	assert_string_equal(soap_text(s.message, "detail/RSErrorRsp/Status/StatusCode"), "4004");
	assert_string_equal(soap_text(s.message, "faultcode"), "env:Client");
	soap_free(&s);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_message_is_found_whatever_its_namespaces_and_prefixes),
		cmocka_unit_test(test_the_transaction_id_is_the_headers),
		cmocka_unit_test(test_what_is_no_envelope_is_refused),
		cmocka_unit_test(test_a_doctype_is_refused_and_no_entity_is_expanded),
		cmocka_unit_test(test_depth_number_names_and_length_are_bounded),
		cmocka_unit_test(test_other_encodings_arrive_as_utf8),
		cmocka_unit_test(test_the_root_of_a_multipart_message_is_read),
		cmocka_unit_test(test_what_is_written_is_read_back),
		cmocka_unit_test(test_a_fault_carries_its_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
