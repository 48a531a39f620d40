#include "upload_script.h"

/* -- Slots ------------------------------------------------------------------------------------- */

static void
expect_slot(const char *inside, const char *want)
{
	static unsigned n;

	if (w.sent == 0) {
		find_service("");
		n = 4;
	} else {
		assert_int_equal(ask(1), RES_OK);
		n++;
	}
	/* A service that answered badly is looked for again. */
	if (strstr(buf_str(&w.all), NS_DISCO_INFO) != NULL) {
		answer(n, DOMAIN, "result", INFO(""));
		answer(n + 1, DOMAIN, "result", ITEMS("<item jid='" UPLOAD "'/>"));
		answer(n + 2, UPLOAD, "result", INFO(FEATURE));
		n += 3;
	}
	buf_reset(&w.all);
	answer(n, UPLOAD, "result", inside);
	if (strcmp(buf_str(&w.told), want) != 0)
		fail_msg("%s: %s", inside, buf_str(&w.told));
	buf_reset(&w.told);
}

#define H(name, value) "<header name='" name "'>" value "</header>"
#define BAD "1:no:" UPLOAD " gave a place for the file that cannot be used. "

static void
test_three_headers_are_taken_and_others_ignored(void **state)
{
	(void)state;
	expect_slot(SLOT(H("authorization", "Basic YWJj==") H("COOKIE", "a=b; c=d")
	    H("Expires", "Thu, 24 Dec 2026 18:00:00 GMT")),
	    GOOD("|Authorization=Basic YWJj==|Cookie=a=b; c=d|"
	    "Expires=Thu, 24 Dec 2026 18:00:00 GMT"));
	expect_slot(SLOT(H("Host", "x") H("Content-Length", "0") H("", "x") H("X-Cookie", "x")
	    H("Cookie:", "x") H("Transfer-Encoding", "chunked") "<header>x</header>"
	    "<header xmlns='other' name='Cookie'>x</header><x>" H("Cookie", "x") "</x>"), GOOD(""));
	/* XEP-0363 section 5: line ends are taken out. */
	expect_slot(SLOT(H("Author&#10;ization", "\r\n Bearer a&#13;&#10;b\n")),
	    GOOD("|Authorization=Bearer ab"));
	expect_slot(SLOT(H("Cookie", "a=b&#13;&#10;X-Evil: 1")), GOOD("|Cookie=a=bX-Evil: 1"));
	expect_slot(SLOT(H("Cookie", "a\tb") H("Cookie", "2") H("Cookie", "3")),
	    GOOD("|Cookie=a\tb|Cookie=2|Cookie=3"));
}

static void
test_headers_that_cannot_be_sent_spoil_the_slot(void **state)
{
	struct buf xml = { .max = (size_t)1 << 20 };
	int i;

	(void)state;
	expect_slot(
	    SLOT(H("Cookie", "1") H("Cookie", "2") H("Cookie", "3") H("Expires", "4")), BAD);
	expect_slot(SLOT(H("Cookie", "")), BAD);
	expect_slot(SLOT(H("Cookie", "&#10;")), BAD);
	expect_slot(SLOT(H("Cookie", "caf\xc3\xa9")), BAD);
	expect_slot(SLOT(H("Cookie", "a&#127;b")), BAD);
	for (i = UPLOAD_HEADER_MAX; i <= UPLOAD_HEADER_MAX + 1; i++) {
		char *value = calloc(1, (size_t)i + 1);

		assert_non_null(value);
		memset(value, 'x', (size_t)i);
		buf_reset(&xml);
		buf_printf(&xml, SLOT(H("Cookie", "%s")), value);
		if (i > UPLOAD_HEADER_MAX) {
			expect_slot(buf_str(&xml), BAD);
		} else {
			struct buf want = { 0 };

			buf_printf(&want, GOOD("|Cookie=%s"), value);
			expect_slot(buf_str(&xml), buf_str(&want));
			buf_free(&want);
		}
		free(value);
	}
	buf_free(&xml);
}

#define TWO(put, get) "<slot xmlns='" NS_UPLOAD "'><put url='" put "'/><get url='" get "'/></slot>"

static void
test_urls_are_http_or_https(void **state)
{
	static const char *const bad[] = { "", " ", "ftp://example.org/x", "file:///etc/passwd",
		"javascript:alert(1)", "https:", "https://", "http:///x", "https://?x", "https://#",
		"https://:80/", "https://@host/", "//example.org/x", "upload/x",
		" https://example.org/", "https://example.org/a b", "https://example.org/a&#10;b",
		"https://example.org/a&#9;b", "https://example.org/caf\xc3\xa9",
		"https://b\303\274cher.example/", "https ://x/",
		"https://example.org/&#127;", "xhttps://example.org/", "data:text/plain,x" };
	char text[1000];
	size_t i;

	(void)state;
	expect_slot(TWO("http://127.0.0.1:5280/a?b=c&amp;d=%20", "HTTPS://[::1]/x#y"),
	    "1:ok: [http://127.0.0.1:5280/a?b=c&d=%20 HTTPS://[::1]/x#y] ");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), TWO("%s", GET), bad[i]);
		expect_slot(text, BAD);
		snprintf(text, sizeof(text), TWO(PUT, "%s"), bad[i]);
		expect_slot(text, BAD);
	}
}

static void
test_a_url_has_two_thousand_characters_at_most(void **state)
{
	struct buf url = { 0 }, xml = { 0 }, want = { 0 };

	(void)state;
	buf_text(&url, "https://example.org/");
	while (url.len < UPLOAD_URL_MAX)
		buf_text(&url, "x");
	buf_printf(&xml, TWO("%s", GET), buf_str(&url));
	buf_printf(&want, "1:ok: [%s " GET "] ", buf_str(&url));
	expect_slot(buf_str(&xml), buf_str(&want));
	buf_text(&url, "x");
	buf_reset(&xml);
	buf_printf(&xml, TWO("%s", GET), buf_str(&url));
	expect_slot(buf_str(&xml), BAD);
	buf_reset(&xml);
	buf_printf(&xml, TWO(PUT, "%s"), buf_str(&url));
	expect_slot(buf_str(&xml), BAD);
	buf_free(&url);
	buf_free(&xml);
	buf_free(&want);
}

static void
test_what_is_no_slot_is_refused(void **state)
{
	static const char *const bad[] = { "", "text", "<slot xmlns='" NS_UPLOAD "'/>",
		"<slot xmlns='" NS_UPLOAD "'><put url='" PUT "'/></slot>",
		"<slot xmlns='" NS_UPLOAD "'><get url='" GET "'/></slot>",
		"<slot xmlns='urn:xmpp:http:upload'><put>" PUT "</put><get>" GET "</get></slot>",
		"<slot xmlns='" NS_UPLOAD "'><put>" PUT "</put><get>" GET "</get></slot>",
		"<slot><put url='" PUT "'/><get url='" GET "'/></slot>",
		"<slot xmlns='" NS_UPLOAD "'><x><put url='" PUT "'/><get url='" GET
		"'/></x></slot>",
		"<slot xmlns='" NS_UPLOAD "'><put xmlns='o' url='" PUT "'/><get url='" GET
		"'/></slot>",
		"<put xmlns='" NS_UPLOAD "' url='" PUT "'/><get xmlns='" NS_UPLOAD "' url='" GET
		"'/>" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_slot(bad[i], BAD);
}

/* -- Refusals ---------------------------------------------------------------------------------- */

static void
expect_error(const char *inside, const char *want)
{
	unsigned n = w.sent;

	assert_int_equal(ask(1), RES_OK);
	answer(n + 1, DOMAIN, "result", INFO(""));
	answer(n + 2, DOMAIN, "result", ITEMS("<item jid='" UPLOAD "'/>"));
	answer(n + 3, UPLOAD, "result", INFO(FEATURE LIMIT("1234")));
	answer(n + 4, UPLOAD, "error", inside);
	if (strcmp(buf_str(&w.told), want) != 0)
		fail_msg("%s: %s", inside, buf_str(&w.told));
	buf_reset(&w.told);
}

#define LARGE(inside) "<file-too-large xmlns='" NS_UPLOAD "'>" inside "</file-too-large>"
#define MAY_NOT "1:no:" UPLOAD " does not let this service upload files, which its operator " \
	"would have to allow "
#define GAVE_NONE UPLOAD " gave no place for the file "

static void
test_refusals_say_why(void **state)
{
	(void)state;
	expect_error(ERROR("modify", CONDITION("not-acceptable") TEXT("File too large")
	    LARGE("<max-file-size>20000</max-file-size>")),
	    "1:no:The file has 1000 bytes, and " UPLOAD " takes no more than 20000. ");
	expect_error(ERROR("auth", CONDITION("forbidden")), MAY_NOT "(forbidden). ");
	expect_error(ERROR("auth", TEXT("Denied\nby policy.") CONDITION("forbidden")),
	    MAY_NOT "(Denied by policy). ");
	expect_error(ERROR("cancel", CONDITION("not-allowed") TEXT("Only premium members")),
	    MAY_NOT "(Only premium members). ");
	expect_error(ERROR("auth", CONDITION("not-authorized")), MAY_NOT "(not-authorized). ");
	expect_error(ERROR("modify", CONDITION("bad-request") TEXT("Invalid filename")),
	    "1:no:" GAVE_NONE "(Invalid filename). ");
	expect_error(ERROR("wait", CONDITION("resource-constraint") TEXT("Daily quota reached.")),
	    "1:later:" GAVE_NONE "(Daily quota reached). ");
	expect_error("", "1:no:" GAVE_NONE "(undefined-condition). ");
	expect_error(ERROR("cancel", ""), "1:no:" GAVE_NONE "(undefined-condition). ");
	expect_error(ERROR("cancel", "<forbidden xmlns='other'/>"),
	    "1:no:" GAVE_NONE "(undefined-condition). ");
	expect_error(ERROR("cancel", CONDITION("gone") TEXT(" . . ")), "1:no:" GAVE_NONE "(. ). ");
}

static void
test_the_maximum_may_be_nonsense(void **state)
{
	static const char *const nonsense[] = { "", "0", "-1", "x", "1e9", "99999999999999999999",
		"9223372036854775808", "1 2", "+5", "0x10",
		"1111111111111111111111111111111111111111" };
	char inside[500];
	size_t i;

	(void)state;
	/* Then what it said of itself counts. */
	for (i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		snprintf(inside, sizeof(inside),
		    ERROR("modify", LARGE("<max-file-size>%s</max-file-size>")), nonsense[i]);
		expect_error(inside,
		    "1:no:The file has 1000 bytes, and " UPLOAD " takes no more than 1234. ");
	}
	expect_error(ERROR("modify", LARGE("")),
	    "1:no:The file has 1000 bytes, and " UPLOAD " takes no more than 1234. ");
	expect_error(ERROR("modify", LARGE("<max-file-size> 9223372036854775807 </max-file-size>")),
	    "1:no:The file has 1000 bytes, and " UPLOAD " takes no more than "
	    "9223372036854775807. ");
}

static void
test_a_long_reason_is_cut(void **state)
{
	struct buf xml = { .max = (size_t)1 << 20 };
	size_t i, told;

	(void)state;
	buf_text(&xml, "<error type='cancel'><text xmlns='" ERRORS "'>");
	for (i = 0; i < 10000; i++)
		buf_text(&xml, "\xc3\xa4");
	buf_text(&xml, "</text></error>");
	find_service("");
	wire_answer(&w, 4, UPLOAD, "error", buf_str(&xml));
	told = w.told.len;
	assert_true(told > 600 && told < 800);
	assert_true(strstr(buf_str(&w.told), "\xc3\xa4). ") != NULL);
	buf_free(&xml);
	/* Nor is one read that has no end. */
	buf_reset(&w.told);
	xml = (struct buf){ .max = (size_t)1 << 20 };
	buf_text(&xml, "<error type='cancel'><item-not-found xmlns='" ERRORS "'/>"
	    "<text xmlns='" ERRORS "'>");
	for (i = 0; i < 100000; i++)
		buf_text(&xml, "x");
	buf_text(&xml, "</text></error>");
	expect_error(buf_str(&xml), "1:no:" GAVE_NONE "(item-not-found). ");
	buf_free(&xml);
}

static void
test_only_the_form_of_the_service_limits(void **state)
{
	static const char *const none[] = {
		"<x xmlns='jabber:x:data'>" FIELD("max-file-size", "1") "</x>",
		"<x xmlns='jabber:x:data'>" FIELD("FORM_TYPE", "other")
		FIELD("max-file-size", "1") "</x>",
		"<x xmlns='other'>" FIELD("FORM_TYPE", NS_UPLOAD)
		FIELD("max-file-size", "1") "</x>",
		"<y>" LIMIT("1") "</y>", "<x xmlns='jabber:x:data'>" LIMIT("1") "</x>",
		LIMIT("0"), LIMIT("-5"), LIMIT(""), LIMIT("unlimited"), LIMIT("inf"),
		LIMIT("99999999999999999999999999999999999999999999999999999999"),
		"<x xmlns='jabber:x:data'>" FIELD("FORM_TYPE", NS_UPLOAD)
		"<field var='max-file-size'/></x>",
		"<x xmlns='jabber:x:data'>" FIELD("FORM_TYPE", NS_UPLOAD)
		"<field var='max-file-size'><value><value>1</value></value></field></x>",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		struct buf info = { 0 };
		unsigned n = w.sent;

		upload_reset(u);
		assert_int_equal(ask(1), RES_OK);
		buf_printf(&info, INFO(FEATURE "%s"), none[i]);
		answer(n + 1, DOMAIN, "result", buf_str(&info));
		answer(n + 3, DOMAIN, "result", SLOT(""));
		assert_told(&w, GOOD(""));
		buf_free(&info);
	}
	upload_reset(u);
	i = w.sent;
	assert_int_equal(ask(1), RES_OK);
	answer((unsigned)i + 1, DOMAIN, "result",
	    INFO("<x xmlns='jabber:x:data'>" FIELD("FORM_TYPE", "other") "</x>" FEATURE
	    LIMIT("999")));
	wire_passes(&w, 0);
	assert_told(&w, "1:no:The file has 1000 bytes, and " DOMAIN " takes no more than 999. ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_wire(test_three_headers_are_taken_and_others_ignored),
		with_wire(test_headers_that_cannot_be_sent_spoil_the_slot),
		with_wire(test_urls_are_http_or_https),
		with_wire(test_a_url_has_two_thousand_characters_at_most),
		with_wire(test_what_is_no_slot_is_refused),
		with_wire(test_refusals_say_why),
		with_wire(test_the_maximum_may_be_nonsense),
		with_wire(test_a_long_reason_is_cut),
		with_wire(test_only_the_form_of_the_service_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
