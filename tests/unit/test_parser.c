#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stanza_text.h"
#include "xmpp/parser.h"
#include "xmpp/stanza.h"

#define HEADER \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' " \
	"xmlns:stream='http://etherx.jabber.org/streams' id='s1' from='later.example.org'>"
#define NEXT "<iq id='next'/>"
#define NEXT_LINE "<iq id='next' xmlns='jabber:component:accept'></>\n"

/* What the parser reported, as text: one line an event. */
struct story {
	xmpp_ctx_t *ctx;
	struct parser *parser;
	struct buf text;
	size_t stanzas, drops;
	bool stop;
};

static void
on_opened(void *arg, const char *id)
{
	struct story *s = arg;

	buf_printf(&s->text, "opened %s\n", id == NULL ? "(none)" : id);
}

static void
on_stanza(void *arg, xmpp_stanza_t *st)
{
	struct story *s = arg;

	s->stanzas++;
	write_tree(&s->text, st);
	buf_text(&s->text, "\n");
	if (s->stop)
		parser_stop(s->parser);
}

static void
on_dropped(void *arg, const struct parser_dropped *d)
{
	struct story *s = arg;

	s->drops++;
	buf_printf(&s->text, "dropped %s|%s|%s|%s|%s: %s\n", d->name, d->type, d->id, d->from,
	    d->to, d->why);
}

static void
on_closed(void *arg)
{
	struct story *s = arg;

	buf_text(&s->text, "closed\n");
}

static const struct parser_events events = {
	.opened = on_opened,
	.stanza = on_stanza,
	.dropped = on_dropped,
	.closed = on_closed,
};

static int
begin(void **state)
{
	struct story *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return 1;
	s->ctx = xmpp_ctx_new(NULL, NULL);
	s->text.max = (size_t)64 << 20;
	s->parser = parser_new(s->ctx, &parser_bounds_default, &events, s);
	*state = s;
	return s->parser == NULL;
}

static int
end(void **state)
{
	struct story *s = *state;

	parser_free(&s->parser);
	assert_null(s->parser);
	buf_free(&s->text);
	xmpp_ctx_free(s->ctx);
	free(s);
	return 0;
}

static void
set_bounds(struct story *s, struct parser_bounds b)
{
	parser_free(&s->parser);
	s->parser = parser_new(s->ctx, &b, &events, s);
	assert_non_null(s->parser);
}

static struct parser_bounds
bounds(size_t bytes, size_t elements, size_t children, size_t depth, size_t attributes,
    size_t token)
{
	return (struct parser_bounds){
		.bytes = bytes,
		.elements = elements,
		.children = children,
		.depth = depth,
		.attributes = attributes,
		.token = token,
	};
}

static enum res
feed(struct story *s, const char *text)
{
	return parser_feed(s->parser, span_of(text));
}

/* Feeds the header and then the text, and wants the lines. */
static void
assert_story(struct story *s, const char *text, const char *want)
{
	assert_int_equal(feed(s, HEADER), RES_OK);
	buf_reset(&s->text);
	assert_int_equal(feed(s, text), RES_OK);
	assert_string_equal(buf_str(&s->text), want);
}

static void
assert_refused(const char *text, const char *why)
{
	void *state;
	struct story *s;

	assert_int_equal(begin(&state), 0);
	s = state;
	assert_int_equal(feed(s, text), RES_PERMFAIL);
	if (why != NULL)
		assert_string_equal(parser_error(s->parser), why);
	assert_true(*parser_error(s->parser) != '\0');
	/* It takes no more. */
	buf_reset(&s->text);
	assert_int_equal(feed(s, HEADER NEXT), RES_PERMFAIL);
	assert_string_equal(buf_str(&s->text), "");
	end(&state);
}

static void
test_the_header_gives_the_stream_id(void **state)
{
	assert_int_equal(feed(*state, HEADER), RES_OK);
	assert_string_equal(buf_str(&((struct story *)*state)->text), "opened s1\n");
}

static void
test_a_header_without_id_is_reported_as_such(void **state)
{
	assert_int_equal(feed(*state, "<s:stream xmlns:s='" NS_STREAM "'>"), RES_OK);
	assert_string_equal(buf_str(&((struct story *)*state)->text), "opened (none)\n");
}

static void
test_a_stanza_arrives_with_namespaces_and_text(void **state)
{
	assert_story(*state, "\n<message from='a@b' xml:lang='en'><body>a &lt; &#228;\r\n b</body>"
	    "<x xmlns='urn:x'><y/></x><z/></message> ",
	    "<message from='a@b' xml:lang='en' xmlns='jabber:component:accept'>"
	    "<body xmlns='jabber:component:accept'>[a < \303\244\n b]</>"
	    "<x xmlns='urn:x'><y xmlns='urn:x'></></><z xmlns='jabber:component:accept'></></>\n");
}

static void
test_prefixes_become_namespaces_and_end_with_their_element(void **state)
{
	assert_story(*state,
	    "<iq><p:a xmlns:p='urn:1'><p:b xmlns:p='urn:2'/><p:c/></p:a></iq>"
	    "<iq xmlns=''><a/></iq>" NEXT,
	    "<iq xmlns='jabber:component:accept'><a xmlns='urn:1'><b xmlns='urn:2'></><c "
	    "xmlns='urn:1'></></></>\n"
	    "<iq><a></></>\n" NEXT_LINE);
}

static void
test_foreign_attributes_are_left_out(void **state)
{
	assert_story(*state, "<iq xmlns:p='urn:1' p:from='evil@example.org' from='a@b'/>",
	    "<iq from='a@b' xmlns='jabber:component:accept'></>\n");
}

static void
test_a_stream_error_keeps_its_namespace(void **state)
{
	assert_story(*state,
	    "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
	    "</stream:stream>",
	    "<error xmlns='" NS_STREAM
	    "'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'></></>\nclosed\n");
}

static void
test_an_undeclared_prefix_costs_only_its_stanza(void **state)
{
	assert_story(*state,
	    "<message id='1'><q:x/></message><q:y/><iq><xmlns:a/></iq><iq "
	    "xmlns:q=''><q:a/></iq>" NEXT,
	    "dropped message||1||: namespace\ndropped y||||: namespace\ndropped iq||||: namespace\n"
	    "dropped iq||||: namespace\n" NEXT_LINE);
}

static void
test_text_is_one_node_a_run(void **state)
{
	struct story *s = *state;
	size_t i;
	static const char text[] = "<m>one &amp; <![CDATA[<two>]]> three<x/>four</m>";

	assert_int_equal(feed(s, HEADER), RES_OK);
	buf_reset(&s->text);
	for (i = 0; i < sizeof(text) - 1; i++)
		assert_int_equal(parser_feed(s->parser, (struct span){ text + i, 1 }), RES_OK);
	assert_string_equal(buf_str(&s->text),
	    "<m xmlns='jabber:component:accept'>[one & <two> three]"
	    "<x xmlns='jabber:component:accept'></>[four]</>\n");
}

static void
test_every_split_gives_the_same(void **state)
{
	static const char text[] = HEADER "<message from='a@b' id='1'><body>gr\303\274n &lt;</body>"
	    "<p:x xmlns:p='urn:p' a='b'/></message><iq type='get'/>\n</stream:stream>";
	struct story *s = *state;
	struct buf whole = { 0 };
	size_t at;

	assert_int_equal(feed(s, text), RES_OK);
	buf_text(&whole, buf_str(&s->text));
	assert_non_null(strstr(buf_str(&whole), "closed"));
	for (at = 1; at < sizeof(text) - 1; at++) {
		set_bounds(s, parser_bounds_default);
		buf_reset(&s->text);
		assert_int_equal(parser_feed(s->parser, (struct span){ text, at }), RES_OK);
		assert_int_equal(feed(s, text + at), RES_OK);
		assert_string_equal(buf_str(&s->text), buf_str(&whole));
	}
	buf_free(&whole);
}

static void
test_bounds_hold_exactly(void **state)
{
	struct story *s = *state;
	/* 25 bytes, 3 elements, 3 deep */
	static const char fits[] = "<a><b><c>1234</c></b></a>";

	set_bounds(s, bounds(25, 3, 3, 3, 1, 200));
	assert_story(s, fits,
	    "<a xmlns='jabber:component:accept'><b xmlns='jabber:component:accept'>"
	    "<c xmlns='jabber:component:accept'>[1234]</></></>\n");
	set_bounds(s, bounds(24, 3, 3, 3, 1, 200));
	assert_story(s, fits, "dropped a||||: bytes\n");
	set_bounds(s, bounds(24, 2, 3, 3, 1, 200));
	assert_story(s, fits, "dropped a||||: elements\n");
	set_bounds(s, bounds(24, 3, 3, 2, 1, 200));
	assert_story(s, fits, "dropped a||||: depth\n");
	set_bounds(s, bounds(99, 9, 2, 2, 1, 200));
	assert_story(s, "<a>1<b/></a><a>1<b/>2</a><a><b/><b/><b/></a>",
	    "<a xmlns='jabber:component:accept'>[1]"
	    "<b xmlns='jabber:component:accept'></></>\ndropped a||||: children\ndropped a||||: "
	    "children\n");
	set_bounds(s, bounds(27, 3, 3, 2, 1, 200));
	assert_story(s, "<a id='1'/><a id='2' b=''/>" NEXT,
	    "<a id='1' xmlns='jabber:component:accept'></>\ndropped a||2||: "
	    "attributes\n" NEXT_LINE);
}

static void
test_a_dropped_stanza_tells_what_an_answer_needs(void **state)
{
	struct story *s = *state;
	struct buf xml = { 0 };
	int i;

	buf_text(&xml, "<iq type='set' id='7' from='romeo@example.net/x' to='later.example.org'>");
	for (i = 0; i < 40; i++)
		buf_text(&xml, "<a>");
	for (i = 0; i < 40; i++)
		buf_text(&xml, "</a>");
	buf_text(&xml, "</iq>" NEXT);
	assert_story(s, buf_str(&xml),
	    "dropped iq|set|7|romeo@example.net/x|later.example.org: depth\n" NEXT_LINE);
	buf_free(&xml);
}

static void
test_attributes_too_long_for_an_answer_count_as_absent(void **state)
{
	struct story *s = *state;
	struct buf xml = { 0 }, want = { 0 };
	int i;

	set_bounds(s, bounds(100000, 1, 3, 3, 9, 100000));
	buf_text(&xml, "<iq from='");
	for (i = 0; i < 3072; i++)
		buf_text(&xml, "f");
	buf_text(&xml, "' to='");
	for (i = 0; i < 3071; i++)
		buf_text(&xml, "t");
	buf_text(&xml, "' id='");
	for (i = 0; i < 256; i++)
		buf_text(&xml, "i");
	buf_text(&xml, "'><a/></iq>");
	buf_text(&want, "dropped iq||||");
	for (i = 0; i < 3071; i++)
		buf_text(&want, "t");
	buf_text(&want, ": elements\n");
	assert_story(s, buf_str(&xml), buf_str(&want));
	buf_free(&xml);
	buf_free(&want);
}

/* Feeds pieces as they come from a socket, and prints what they cost. */
static void
assert_cheap(struct story *s, const char *what, const struct buf *xml, const char *why)
{
	char want[128];
	size_t at, len;
	clock_t begun;
	double ms;

	assert_false(xml->failed);
	assert_int_equal(feed(s, HEADER), RES_OK);
	buf_reset(&s->text);
	begun = clock();
	for (at = 0; at < xml->len; at += len) {
		len = xml->len - at > 16384 ? 16384 : xml->len - at;
		assert_int_equal(parser_feed(s->parser, (struct span){ xml->p + at, len }), RES_OK);
	}
	ms = (double)(clock() - begun) * 1000 / CLOCKS_PER_SEC;
	print_message("%s: %zu bytes in %.1f ms\n", what, xml->len, ms);
	snprintf(want, sizeof(want), "dropped message||||: %s\n", why);
	assert_string_equal(buf_str(&s->text), want);
	buf_reset(&s->text);
	assert_int_equal(feed(s, NEXT), RES_OK);
	assert_string_equal(buf_str(&s->text), NEXT_LINE);
	/* The promise is 50 ms; sanitizers and a loaded machine get more. */
	assert_true(ms < 1000);
}

static void
repeat(struct buf *out, const char *text, size_t n)
{
	while (n-- > 0)
		buf_text(out, text);
}

static void
test_512_kib_of_siblings_cost_little(void **state)
{
	struct buf xml = { .max = (size_t)2 << 20 };

	buf_text(&xml, "<message>");
	repeat(&xml, "<a/>", (512 << 10) / 4);
	buf_text(&xml, "</message>");
	assert_cheap(*state, "siblings", &xml, "children");
	buf_free(&xml);
}

static void
test_10000_levels_cost_little(void **state)
{
	struct buf xml = { .max = (size_t)2 << 20 };

	buf_text(&xml, "<message>");
	repeat(&xml, "<a>", 10000);
	repeat(&xml, "</a>", 10000);
	buf_text(&xml, "</message>");
	assert_cheap(*state, "levels", &xml, "depth");
	buf_free(&xml);
}

static void
test_300_kib_of_text_cost_little(void **state)
{
	struct buf xml = { .max = (size_t)2 << 20 };

	buf_text(&xml, "<message>");
	repeat(&xml, "0123456789", (300 << 10) / 10);
	buf_text(&xml, "</message>");
	assert_cheap(*state, "text", &xml, "bytes");
	buf_reset(&xml);
	buf_free(&xml);
}

static void
test_300_kib_of_newlines_and_references_cost_little(void **state)
{
	struct buf xml = { .max = (size_t)2 << 20 };

	buf_text(&xml, "<message>");
	repeat(&xml, "\n&lt;", (300 << 10) / 5);
	buf_text(&xml, "</message>");
	assert_cheap(*state, "references", &xml, "bytes");
	buf_free(&xml);
}

static void
test_a_500_kib_attribute_costs_little(void **state)
{
	struct buf xml = { .max = (size_t)2 << 20 };

	buf_text(&xml, "<message a='");
	repeat(&xml, "0123456789", 50000);
	buf_text(&xml, "'/>");
	assert_cheap(*state, "attribute", &xml, "bytes");
	buf_free(&xml);
}

static void
test_20000_attributes_with_a_long_namespace_cost_little(void **state)
{
	struct buf xml = { .max = (size_t)2 << 20 };
	int i;

	buf_text(&xml, "<message xmlns:x='");
	repeat(&xml, "0123456789", 10000);
	buf_text(&xml, "'><y");
	for (i = 0; i < 20000; i++)
		buf_printf(&xml, " x:a%d=''", i);
	buf_text(&xml, "/></message>");
	assert_cheap(*state, "attributes", &xml, "bytes");
	buf_free(&xml);
}

static void
test_a_long_namespace_on_many_elements_is_dropped(void **state)
{
	struct buf xml = { .max = (size_t)2 << 20 };

	buf_text(&xml, "<message xmlns='");
	repeat(&xml, "0123456789", 10000);
	buf_text(&xml, "'>");
	repeat(&xml, "<a/>", 2000);
	buf_text(&xml, "</message>");
	assert_cheap(*state, "namespace", &xml, "namespace");
	buf_free(&xml);
}

static void
test_the_dearest_stanza_that_fits_costs_little(void **state)
{
	struct story *s = *state;
	struct buf xml = { 0 };
	clock_t begun;
	double ms;

	buf_text(&xml, "<message>");
	repeat(&xml, "<b>", 1);
	repeat(&xml, "x<a/>", 1024);
	repeat(&xml, "</b><b>", 1);
	repeat(&xml, "x<a/>", 1024);
	repeat(&xml, "</b><b>", 1);
	repeat(&xml, "x<a/>", 948);
	repeat(&xml, "</b>", 1);
	buf_text(&xml, "</message>");
	assert_int_equal(feed(s, HEADER), RES_OK);
	begun = clock();
	assert_int_equal(parser_feed(s->parser, buf_as_span(&xml)), RES_OK);
	ms = (double)(clock() - begun) * 1000 / CLOCKS_PER_SEC;
	print_message("within bounds: %zu bytes in %.1f ms\n", xml.len, ms);
	assert_int_equal(s->stanzas, 1);
	assert_true(ms < 1000);
	buf_free(&xml);
}

static void
test_too_many_declarations_are_dropped(void **state)
{
	struct buf xml = { 0 };
	int i;

	assert_story(*state,
	    "<message id='1'><a xmlns:a='1' xmlns:b='1' xmlns:c='1' xmlns:d='1' xmlns:e='1'>"
	    "<b xmlns:a='1' xmlns:b='1' xmlns:c='1' xmlns:d='1' xmlns:e='1'/></a></message>" NEXT,
	    "<message id='1' xmlns='jabber:component:accept'><a xmlns='jabber:component:accept'>"
	    "<b xmlns='jabber:component:accept'></></></>\n" NEXT_LINE);
	buf_text(&xml, "<message id='1'><a");
	for (i = 0; i < 40; i++)
		buf_printf(&xml, " xmlns:p%d='urn:%d'", i, i);
	buf_text(&xml, "><b");
	for (i = 0; i < 40; i++)
		buf_printf(&xml, " xmlns:p%d='urn:%d'", i, i);
	buf_text(&xml, "/></a></message>" NEXT);
	buf_reset(&((struct story *)*state)->text);
	assert_int_equal(feed(*state, buf_str(&xml)), RES_OK);
	assert_string_equal(buf_str(&((struct story *)*state)->text),
	    "dropped message||1||: attributes\n" NEXT_LINE);
	buf_free(&xml);
}

static void
test_what_is_no_stream_is_refused(void **state)
{
	(void)state;
	assert_refused("<html>", "not an XMPP stream");
	assert_refused("<stream xmlns='urn:x'>", "not an XMPP stream");
	assert_refused("<s:features xmlns:s='" NS_STREAM "'>", "not an XMPP stream");
	assert_refused("<stream:stream>", "not an XMPP stream");
	assert_refused("HTTP/1.1 400 Bad Request\r\n", "not an XMPP stream");
	assert_refused("\xff\xfe", "not an XMPP stream");
	assert_refused("\xef\xbb\xbf<a", "not an XMPP stream");
}

static void
test_what_rfc_6120_forbids_ends_the_stream(void **state)
{
	(void)state;
	assert_refused("<!DOCTYPE x [<!ENTITY a 'aaaa'>]>", "a document type declaration");
	assert_refused("<?xml-stylesheet href='x'?>" HEADER, "a processing instruction");
	assert_refused(HEADER "<iq><?php ?></iq>", "a processing instruction");
	assert_refused(HEADER "<!-- x -->", "a comment");
	assert_refused(HEADER "<iq>&unknown;</iq>", NULL);
	assert_refused(HEADER "<iq></message>", NULL);
	assert_refused(HEADER "<iq>&#1;</iq>", NULL);
	assert_refused(HEADER "<iq>\x01</iq>", NULL);
	assert_refused(HEADER "<iq>\xff</iq>", NULL);
	assert_refused(HEADER "<iq a='1' a='2'/>", NULL);
	assert_refused(HEADER "</stream:stream><iq/>", NULL);
}

static void
test_a_nul_ends_the_stream(void **state)
{
	struct story *s = *state;

	assert_int_equal(
	    parser_feed(s->parser,
	        (struct span){ HEADER NEXT "\0" NEXT, sizeof(HEADER NEXT "\0" NEXT) - 1 }),
	    RES_PERMFAIL);
	assert_string_equal(parser_error(s->parser), "a NUL byte");
	assert_string_equal(buf_str(&s->text), "opened s1\n" NEXT_LINE);
}

static void
test_a_tag_without_end_ends_the_stream(void **state)
{
	struct story *s = *state;

	set_bounds(s, bounds(25, 3, 3, 3, 9, 200));
	assert_int_equal(feed(s, HEADER "<a b='"), RES_OK);
	while (feed(s, "0123456789") == RES_OK)
		assert_true(s->drops == 0);
	assert_string_equal(parser_error(s->parser), "a tag is too long");
}

static void
test_a_stanza_without_end_ends_the_stream(void **state)
{
	struct story *s = *state;
	size_t n = 0;

	set_bounds(s, bounds(100, 3, 3, 3, 9, 1000));
	assert_int_equal(feed(s, HEADER "<a>"), RES_OK);
	while (feed(s, "<a>") == RES_OK)
		assert_true(++n < 10000);
	assert_true(n > 1000);
	assert_string_equal(parser_error(s->parser), "a stanza without end");
	assert_int_equal(s->drops, 1);
}

static void
test_a_stopped_parser_reports_nothing_more(void **state)
{
	struct story *s = *state;

	s->stop = true;
	assert_int_equal(feed(s, HEADER NEXT NEXT "<a"), RES_OK);
	assert_int_equal(feed(s, "/></stream:stream>"), RES_OK);
	assert_int_equal(s->stanzas, 1);
	assert_string_equal(buf_str(&s->text), "opened s1\n" NEXT_LINE);
}

/* Far beyond the bytes after which a new expat takes over, with stanzas that end anywhere in a
 * piece. */
static void
test_a_long_stream_goes_on(void **state)
{
	struct story *s = *state;
	struct buf xml = { 0 };
	size_t sent = 0, i, at;

	assert_int_equal(feed(s, HEADER), RES_OK);
	for (i = 0; i < 5000; i++)
		buf_printf(
		    &xml, "<p%zu:m xmlns:p%zu='urn:p' a%zu='1'><b>text</b></p%zu:m>", i, i, i, i);
	for (i = 0; i < 40; i++) {
		for (at = 0; at + 9973 < xml.len; at += 9973)
			assert_int_equal(
			    parser_feed(s->parser, (struct span){ xml.p + at, 9973 }), RES_OK);
		assert_int_equal(
		    parser_feed(s->parser, (struct span){ xml.p + at, xml.len - at }), RES_OK);
		sent += xml.len;
		assert_int_equal(s->stanzas, 5000 * (i + 1));
		buf_reset(&s->text);
	}
	assert_true(sent > (size_t)8 << 20);
	assert_int_equal(s->drops, 0);
	assert_int_equal(feed(s, "<iq/></stream:stream>"), RES_OK);
	assert_string_equal(buf_str(&s->text), "<iq xmlns='jabber:component:accept'></>\nclosed\n");
	buf_free(&xml);
}

#define with_parser(test) cmocka_unit_test_setup_teardown(test, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_parser(test_the_header_gives_the_stream_id),
		with_parser(test_a_header_without_id_is_reported_as_such),
		with_parser(test_a_stanza_arrives_with_namespaces_and_text),
		with_parser(test_prefixes_become_namespaces_and_end_with_their_element),
		with_parser(test_foreign_attributes_are_left_out),
		with_parser(test_a_stream_error_keeps_its_namespace),
		with_parser(test_an_undeclared_prefix_costs_only_its_stanza),
		with_parser(test_text_is_one_node_a_run),
		with_parser(test_every_split_gives_the_same),
		with_parser(test_bounds_hold_exactly),
		with_parser(test_a_dropped_stanza_tells_what_an_answer_needs),
		with_parser(test_attributes_too_long_for_an_answer_count_as_absent),
		with_parser(test_512_kib_of_siblings_cost_little),
		with_parser(test_10000_levels_cost_little),
		with_parser(test_300_kib_of_text_cost_little),
		with_parser(test_300_kib_of_newlines_and_references_cost_little),
		with_parser(test_a_500_kib_attribute_costs_little),
		with_parser(test_20000_attributes_with_a_long_namespace_cost_little),
		with_parser(test_a_long_namespace_on_many_elements_is_dropped),
		with_parser(test_the_dearest_stanza_that_fits_costs_little),
		with_parser(test_too_many_declarations_are_dropped),
		cmocka_unit_test(test_what_is_no_stream_is_refused),
		cmocka_unit_test(test_what_rfc_6120_forbids_ends_the_stream),
		with_parser(test_a_nul_ends_the_stream),
		with_parser(test_a_tag_without_end_ends_the_stream),
		with_parser(test_a_stanza_without_end_ends_the_stream),
		with_parser(test_a_stopped_parser_reports_nothing_more),
		with_parser(test_a_long_stream_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
