#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/body.h"

static void
test_a_body_is_wrapped_and_read_back(void **state)
{
	static const char *const texts[] = { "", "hello", "<b>&\"'</b>", "a\nb\tc",
		"\xc3\xa4\xf0\x9f\x98\x80", "]]>", "<body>x</body>" };
	struct buf inner = { .max = 0 }, back = { .max = 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		buf_reset(&inner);
		buf_reset(&back);
		assert_int_equal(body_im(&inner, span_of(texts[i])), RES_OK);
		assert_memory_equal(inner.p, "<body>", 6);
		assert_int_equal(body_im_text(&back, buf_as_span(&inner)), RES_OK);
		assert_string_equal(buf_str(&back), texts[i]);
	}
	assert_string_equal(inner.p, "<body>&lt;body&gt;x&lt;/body&gt;</body>");
	buf_free(&inner);
	buf_free(&back);
}

static void
test_what_xml_forbids_is_refused_and_leaves_no_trace(void **state)
{
	static const struct span bad[] = { { "a\0b", 3 }, { "a\x01", 2 }, { "\x1b[0m", 4 },
		{ "\xff", 1 }, { "\xed\xa0\x80", 3 }, { "\xef\xbf\xbe", 3 }, { "cut \xc3", 5 } };
	struct buf out = { .max = 0 };

	(void)state;
	buf_text(&out, "before");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(body_im(&out, bad[i]), RES_INVALID);
		assert_string_equal(out.p, "before");
	}
	buf_free(&out);
}

static void
test_a_body_fits_whole_or_not_at_all(void **state)
{
	for (size_t max = 1; max < 40; max++) {
		struct buf out = { .max = max };
		enum res res = body_im(&out, SPAN("a<b"));
		assert_int_equal(res, max >= 19 ? RES_OK : RES_NOMEM);
		assert_int_equal(out.len, max >= 19 ? 19 : 0);
		buf_free(&out);
	}
	(void)state;
}

static void
check_text(const char *inner, const char *want)
{
	struct buf out = { .max = 0 };

	assert_int_equal(body_im_text(&out, span_of(inner)), RES_OK);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void
test_the_first_body_of_the_message_is_found(void **state)
{
	(void)state;
	check_text("<body/>", "");
	check_text("<body></body>", "");
	check_text("<body xml:lang='en'>x</body><body xml:lang='de'>y</body>", "x");
	check_text("<body a='/'>x</body >", "x");
	check_text("<body a='>' b=\"'>\" >x</body>", "x");
	check_text("<html><body>inner</body></html><body>outer</body>", "outer");
	check_text("<a><b/><c>d</c></a> <bodyx/> <body\n>t</body>", "t");
	check_text("<subject>&lt;</subject>\n<body>a&amp;b&#33;</body>rest <", "a&b!");
}

static void
test_inner_xml_without_a_sound_body_is_damaged(void **state)
{
	static const char *const bad[] = { "", "text", "<", "<>", "</>", "<body", "<body>",
		"<body>x", "<body>x</body", "<body>x</bodyx>", "<body>x<b/></body>",
		"<body>x<body/></body>", "<body>&nbsp;</body>", "<body>&#1;</body>", "</body>",
		"</a><body>x</body>", "<a><body>x</body>", "<a><body>x</body></a>",
		"<body a='>x</body>", "<!-- <body>x</body> -->", "<![CDATA[<body>x</body>]]>",
		"<?pi <body>x</body>?>", "<body>\x01</body>", "<body>\xff</body>",
		"<body>x</body/>", "</body/>", "<Body>x</Body>", "< body>x</body>" };
	struct buf out = { .max = 0 };

	(void)state;
	buf_text(&out, "before");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(body_im_text(&out, span_of(bad[i])), RES_PERMFAIL);
		assert_string_equal(out.p, "before");
	}
	assert_int_equal(body_im_text(&out, (struct span){ NULL, 0 }), RES_PERMFAIL);
	buf_free(&out);
}

static void
check_excerpt(const char *text, size_t chars, const char *want)
{
	struct buf out = { .max = 0 };

	assert_int_equal(body_excerpt(&out, span_of(text), chars), RES_OK);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void
test_an_excerpt_is_one_line_of_bounded_length(void **state)
{
	(void)state;
	check_excerpt("", 5, "");
	check_excerpt("hello", 5, "hello");
	check_excerpt("hello!", 5, "hell\xe2\x80\xa6");
	check_excerpt(" \n a  b\r\n\tc \n", 20, "a b c");
	check_excerpt("abcd \n ", 4, "abcd");
	check_excerpt("abcd e", 4, "abc\xe2\x80\xa6");
	check_excerpt("abcd e", 5, "abcd\xe2\x80\xa6");
	check_excerpt("abc de", 5, "abc\xe2\x80\xa6");
	check_excerpt("abc de", 4, "abc\xe2\x80\xa6");
	check_excerpt("ab", 1, "\xe2\x80\xa6");
	check_excerpt("a", 1, "a");
	check_excerpt("a", 0, "");
	check_excerpt(
	    "\xc3\xa4\xf0\x9f\x98\x80\xe2\x82\xacz", 4, "\xc3\xa4\xf0\x9f\x98\x80\xe2\x82\xacz");
	check_excerpt(
	    "\xc3\xa4\xf0\x9f\x98\x80\xe2\x82\xacz", 3, "\xc3\xa4\xf0\x9f\x98\x80\xe2\x80\xa6");
	check_excerpt("a\xc2\x85"
		      "b\xe2\x80\xa8"
		      "c\xe2\x80\xa9"
		      "d\xc2\xa0"
		      "e",
	    20, "a b c d e");
	check_excerpt("a\xff\xc3"
		      "b\x01\x7f",
	    20, "a??b??");
}

static void
test_no_excerpt_passes_its_length(void **state)
{
	struct buf out = { .max = 0 };
	unsigned seed = 1;
	char text[64];

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t len = (size_t)round % sizeof(text);
		for (size_t i = 0; i < len; i++) {
			seed = seed * 1103515245 + 12345;
			text[i] = " \nab\xc3\xa4\xe2\x82\xac\xff"[seed >> 16 & 7];
		}
		size_t chars = (size_t)round % 17;
		buf_reset(&out);
		assert_int_equal(body_excerpt(&out, (struct span){ text, len }, chars), RES_OK);
		size_t n = 0;
		for (size_t i = 0; i < out.len; i++)
			n += (out.p[i] & 0xc0) != 0x80;
		assert_true(n <= chars);
		assert_null(strpbrk(buf_str(&out), "\r\n\t"));
		assert_null(strstr(buf_str(&out), "  "));
		if (out.len > 0)
			assert_true(out.p[0] != ' ' && out.p[out.len - 1] != ' ');
	}
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_body_is_wrapped_and_read_back),
		cmocka_unit_test(test_what_xml_forbids_is_refused_and_leaves_no_trace),
		cmocka_unit_test(test_a_body_fits_whole_or_not_at_all),
		cmocka_unit_test(test_the_first_body_of_the_message_is_found),
		cmocka_unit_test(test_inner_xml_without_a_sound_body_is_damaged),
		cmocka_unit_test(test_an_excerpt_is_one_line_of_bounded_length),
		cmocka_unit_test(test_no_excerpt_passes_its_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
