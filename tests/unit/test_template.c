#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "gateway/tree.h"

static const struct template_medium two_media[] = {
	{ .value = { "https://a.example/1", 19 }, .type = { "image/jpeg", 10 }, .number = "1" },
	{ .value = { "https://a.example/2", 19 }, .type = { "video/mp4", 9 }, .number = "2" },
};

static struct template_values
values(void)
{
	return (struct template_values){
		.v = {
			[PLACE_TO] = SPAN("+15145550199"),
			[PLACE_FROM] = SPAN("Juliet"),
			[PLACE_TEXT] = SPAN("a \"b\" {to} \\ \n é😀"),
			[PLACE_ID] = SPAN("7K3QP2"),
			[PLACE_USER] = SPAN("me/you?"),
			[PLACE_SECRET] = SPAN("sesame"),
		},
		.media = two_media,
		.nmedia = 2,
	};
}

/* What text becomes, or "(absent)"; the caller frees. */
static char *
fill(const char *text, const struct template_values *v, enum template_form form)
{
	struct buf out = { 0 }, why = { 0 };
	unsigned places = 0;
	enum res res;
	char *copy;

	assert_int_equal(template_check(span_of(text), &places, &why), RES_OK);
	assert_int_equal(buf_text(&out, "<"), RES_OK);
	res = template_fill(&out, span_of(text), v, form);
	if (res == RES_NOTFOUND)
		assert_string_equal(buf_str(&out), "<");
	else
		assert_int_equal(res, RES_OK);
	copy = strdup(res == RES_NOTFOUND ? "(absent)" : buf_str(&out) + 1);
	buf_free(&out);
	buf_free(&why);
	return copy;
}

static void
gives(const char *text, const char *expected)
{
	struct template_values v = values(), first = template_bind(&v, 0);
	char *got = fill(text, &first, TEMPLATE_PLAIN);

	assert_string_equal(got, expected);
	free(got);
}

static void
test_placeholders_become_values(void **state)
{
	(void)state;
	gives("", "");
	gives("plain", "plain");
	gives("{to}", "+15145550199");
	gives("To: {to}, from {from}.", "To: +15145550199, from Juliet.");
	gives("{id}{id}", "7K3QP27K3QP2");
	gives("{n}: {media} ({type})", "1: https://a.example/1 (image/jpeg)");
}

static void
test_values_are_not_read_as_templates(void **state)
{
	(void)state;
	gives("{text}", "a \"b\" {to} \\ \n é😀");
}

static void
test_doubled_braces_are_braces(void **state)
{
	(void)state;
	gives("{{to}}", "{to}");
	gives("{{{id}}}", "{7K3QP2}");
	gives("}}{{", "}{");
}

static void
test_escaping_is_for_values_only(void **state)
{
	struct template_values v = values();
	char *got = fill("https://x.example/{user}/?a=b&to={to}&t={text}", &v, TEMPLATE_ESCAPED);

	(void)state;
	assert_string_equal(got, "https://x.example/me%2Fyou%3F/?a=b&to=%2B15145550199"
	                         "&t=a%20%22b%22%20%7Bto%7D%20%5C%20%0A%20%C3%A9%F0%9F%98%80");
	free(got);
}

static void
test_only_a_lone_placeholder_can_be_absent(void **state)
{
	struct template_values v = values();
	static const char *const lone[] = { "{dlr_url}", "{subject}", "{coding:|unicode}" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char *got = fill(lone[i], &v, TEMPLATE_PLAIN);
		assert_string_equal(got, "(absent)");
		free(got);
	}
	gives("[{dlr_url}]", "[]");
	gives("{subject}{subject}", "");
	/* Present, though empty: the same. */
	v.v[PLACE_SUBJECT] = (struct span){ "", 0 };
	char *got = fill("{subject}", &v, TEMPLATE_PLAIN);
	assert_string_equal(got, "(absent)");
	free(got);
}

static void
test_coding_chooses_by_the_text(void **state)
{
	struct template_values v = values();

	(void)state;
	for (int ucs2 = 0; ucs2 < 2; ucs2++) {
		v.ucs2 = ucs2 == 1;
		char *got = fill("type={coding:text|unicode}", &v, TEMPLATE_PLAIN);
		assert_string_equal(got, ucs2 ? "type=unicode" : "type=text");
		free(got);
	}
}

static void
test_other_braces_are_refused(void **state)
{
	static const char *const wrong[] = { "{", "}", "{to", "to}", "{}", "{ to}", "{TO}", "{tox}",
		"a{b", "{to}}", "{{to}", "{coding}", "{coding:}", "{coding:a}", "{coding:a|b|c}",
		"{to\n}", "{media0}" };
	struct buf why = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		unsigned places = 0;
		buf_reset(&why);
		if (template_check(span_of(wrong[i]), &places, &why) != RES_INVALID)
			fail_msg("accepted: %s", wrong[i]);
		assert_non_null(strstr(buf_str(&why), "is no placeholder"));
	}
	buf_free(&why);
}

static void
test_check_tells_which_placeholders_there_are(void **state)
{
	unsigned places = PLACE_BIT(PLACE_ID);
	struct buf why = { 0 };

	(void)state;
	assert_int_equal(template_check(SPAN("{{n}} {to} {secret}"), &places, &why), RES_OK);
	assert_int_equal(
	    places, PLACE_BIT(PLACE_ID) | PLACE_BIT(PLACE_TO) | PLACE_BIT(PLACE_SECRET));
	assert_null(why.p);
}

static void
test_a_bound_is_an_error_and_changes_nothing(void **state)
{
	struct template_values v = values();
	struct buf out = { .max = 8 };

	(void)state;
	assert_int_equal(buf_text(&out, "abc"), RES_OK);
	assert_int_equal(template_fill(&out, SPAN("{id}"), &v, TEMPLATE_PLAIN), RES_NOMEM);
	assert_int_equal(out.len, 3);
	buf_free(&out);
	out.max = 8;
	assert_int_equal(template_fill(&out, SPAN("{to}"), &v, TEMPLATE_ESCAPED), RES_NOMEM);
	assert_int_equal(out.len, 0);
	buf_free(&out);
}

/* -- Trees ------------------------------------------------------------------------------------- */

static void
tree_gives(const char *template, const struct template_values *v, const char *expected)
{
	json_t *tree, *filled;
	unsigned places = 0;
	struct buf why = { 0 }, out = { 0 };

	if (tree_parse(&tree, template, &places, &why) != RES_OK)
		fail_msg("%s: %s", template, buf_str(&why));
	char *before = json_dumps(tree, 0);
	assert_int_equal(tree_fill(&filled, tree, v), RES_OK);
	assert_int_equal(tree_print(&out, filled), RES_OK);
	assert_string_equal(buf_str(&out), expected);
	char *after = json_dumps(tree, 0);
	assert_string_equal(before, after);
	free(before);
	free(after);
	json_decref(tree);
	json_decref(filled);
	buf_free(&out);
	buf_free(&why);
}

static void
test_a_value_cannot_change_the_structure(void **state)
{
	struct template_values v = values();

	(void)state;
	v.v[PLACE_TEXT] = SPAN("\",\"to\":\"+1900\"}");
	tree_gives("{\"to\": \"{to}\", \"text\": \"{text}\"}", &v,
	    "{\"to\":\"+15145550199\",\"text\":\"\\\",\\\"to\\\":\\\"+1900\\\"}\"}");
}

static void
test_unicode_stays_as_it_is(void **state)
{
	struct template_values v = values();

	(void)state;
	tree_gives("[\"{text}\"]", &v, "[\"a \\\"b\\\" {to} \\\\ \\n é😀\"]");
}

static void
test_what_is_no_string_stays(void **state)
{
	struct template_values v = values();

	(void)state;
	tree_gives("{\"{to}\": true, \"b\": [1, -2.5, null, false], \"c\": {}, \"d\": []}", &v,
	    "{\"{to}\":true,\"b\":[1,-2.5,null,false],\"c\":{},\"d\":[]}");
}

static void
test_absent_members_are_left_out(void **state)
{
	struct template_values v = values();

	(void)state;
	tree_gives("{\"a\": \"{dlr_url}\", \"b\": \"{id}\", \"c\": [\"{subject}\", \"{id}\"],"
	           " \"d\": \"x{subject}\"}",
	    &v, "{\"b\":\"7K3QP2\",\"c\":[\"7K3QP2\"],\"d\":\"x\"}");
}

static void
test_what_had_nothing_but_absent_members_is_left_out(void **state)
{
	struct template_values v = values();
	json_t *tree, *filled;
	unsigned places = 0;
	struct buf why = { 0 };

	(void)state;
	tree_gives(
	    "{\"hooks\": {\"delivery\": {\"url\": \"{dlr_url}\"}}, \"b\": 1}", &v, "{\"b\":1}");
	v.nmedia = 0;
	tree_gives("{\"media\": [\"{media}\"], \"b\": 1}", &v, "{\"b\":1}");
	assert_int_equal(tree_parse(&tree, "{\"a\": \"{dlr_url}\"}", &places, &why), RES_OK);
	assert_int_equal(tree_fill(&filled, tree, &v), RES_NOTFOUND);
	assert_null(filled);
	json_decref(tree);
}

static void
test_a_medium_alone_in_an_array_expands(void **state)
{
	struct template_values v = values();

	(void)state;
	tree_gives("{\"m\": [\"{media}\"]}", &v,
	    "{\"m\":[\"https://a.example/1\",\"https://a.example/2\"]}");
	tree_gives("[\"{n}:{type}\"]", &v, "[\"1:image/jpeg\",\"2:video/mp4\"]");
	v.nmedia = 1;
	tree_gives("{\"m\": [\"{media}\"]}", &v, "{\"m\":[\"https://a.example/1\"]}");
}

static void
test_an_object_of_an_array_is_repeated(void **state)
{
	struct template_values v = values();

	(void)state;
	tree_gives(
	    "{\"m\": [{\"text\": \"x\"}, {\"u\": {\"url\": \"{media}\"}, \"t\": \"{type}\"}]}", &v,
	    "{\"m\":[{\"text\":\"x\"},{\"u\":{\"url\":\"https://a.example/1\"},\"t\":\"image/"
	    "jpeg\"},"
	    "{\"u\":{\"url\":\"https://a.example/2\"},\"t\":\"video/mp4\"}]}");
	tree_gives("[[\"{n}\", \"{media}\"]]", &v,
	    "[[\"1\",\"https://a.example/1\"],[\"2\",\"https://a.example/2\"]]");
}

static void
test_the_innermost_array_is_the_one_that_expands(void **state)
{
	struct template_values v = values();

	(void)state;
	/* One message with two media, not two messages. */
	tree_gives("{\"messages\": [{\"to\": \"{id}\", \"media\": [\"{media}\"]}]}", &v,
	    "{\"messages\":[{\"to\":\"7K3QP2\",\"media\":[\"https://a.example/1\","
	    "\"https://a.example/2\"]}]}");
	tree_gives("[{\"parts\": [{\"u\": \"{media}\"}]}]", &v,
	    "[{\"parts\":[{\"u\":\"https://a.example/1\"},{\"u\":\"https://a.example/2\"}]}]");
}

static void
test_elsewhere_it_is_the_first_medium(void **state)
{
	struct template_values v = values();

	(void)state;
	tree_gives("{\"image\": {\"url\": \"{media}\"}, \"n\": \"{n}\"}", &v,
	    "{\"image\":{\"url\":\"https://a.example/1\"},\"n\":\"1\"}");
}

static void
test_a_tree_knows_whether_it_takes_several_media(void **state)
{
	static const struct {
		const char *text;
		bool repeats;
	} cases[] = {
		{ "{\"m\": [\"{media}\"]}", true },
		{ "{\"a\": {\"m\": [1, {\"u\": \"{media}\"}]}}", true },
		{ "[{\"to\": 1, \"m\": [\"{media}\"]}]", true },
		{ "{\"m\": \"{media}\"}", false },
		{ "{\"m\": [\"{media}\", \"{text}\"]}", false },
		{ "{\"m\": [\"{text}\"]}", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *tree;
		unsigned places = 0;
		struct buf why = { 0 };
		assert_int_equal(tree_parse(&tree, cases[i].text, &places, &why), RES_OK);
		if (tree_repeats(tree) != cases[i].repeats)
			fail_msg("%s", cases[i].text);
		json_decref(tree);
	}
}

static void
test_bad_trees_are_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "no JSON" },
		{ "\"{to}\"", "no JSON" },
		{ "12", "no JSON" },
		{ "{\"a\": 1", "no JSON" },
		{ "{\"a\": {to}}", "no JSON" },
		{ "{\"a\": 1, \"a\": 2}", "no JSON" },
		{ "{\"a\": \"\\u0000\"}", "no JSON" },
		{ "{\"a\": \"{sender}\"}", "“{sender}” is no placeholder" },
		{ "{\"a\": [{\"b\": \"}\"}]}", "“}” is no placeholder" },
	};
	struct buf why = { 0 }, deep = { 0 };
	unsigned places = 0;
	json_t *tree;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_reset(&why);
		if (tree_parse(&tree, cases[i].text, &places, &why) != RES_INVALID)
			fail_msg("accepted: %s", cases[i].text);
		assert_null(tree);
		if (strstr(buf_str(&why), cases[i].why) == NULL)
			fail_msg("%s: %s", cases[i].text, buf_str(&why));
	}
	for (int i = 0; i < 40; i++)
		buf_text(&deep, "[");
	for (int i = 0; i < 40; i++)
		buf_text(&deep, "]");
	buf_reset(&why);
	assert_int_equal(tree_parse(&tree, buf_str(&deep), &places, &why), RES_INVALID);
	assert_non_null(strstr(buf_str(&why), "levels deep"));
	buf_free(&deep);
	buf_free(&why);
}

static void
test_a_value_that_is_no_utf8_is_refused(void **state)
{
	struct template_values v = values();
	json_t *tree, *filled;
	unsigned places = 0;
	struct buf why = { 0 };

	(void)state;
	v.v[PLACE_TEXT] = SPAN("\xff");
	assert_int_equal(
	    tree_parse(&tree, "{\"a\": [\"{text}\"], \"b\": 1}", &places, &why), RES_OK);
	assert_int_equal(tree_fill(&filled, tree, &v), RES_INVALID);
	assert_null(filled);
	json_decref(tree);
}

static void
test_printing_keeps_to_the_bound(void **state)
{
	json_t *tree = json_pack("{s:s}", "a", "0123456789");
	struct buf out = { .max = 12 };

	(void)state;
	assert_int_equal(buf_text(&out, "x"), RES_OK);
	assert_int_equal(tree_print(&out, tree), RES_NOMEM);
	assert_int_equal(out.len, 1);
	buf_free(&out);
	json_decref(tree);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_placeholders_become_values),
		cmocka_unit_test(test_values_are_not_read_as_templates),
		cmocka_unit_test(test_doubled_braces_are_braces),
		cmocka_unit_test(test_escaping_is_for_values_only),
		cmocka_unit_test(test_only_a_lone_placeholder_can_be_absent),
		cmocka_unit_test(test_coding_chooses_by_the_text),
		cmocka_unit_test(test_other_braces_are_refused),
		cmocka_unit_test(test_check_tells_which_placeholders_there_are),
		cmocka_unit_test(test_a_bound_is_an_error_and_changes_nothing),
		cmocka_unit_test(test_a_value_cannot_change_the_structure),
		cmocka_unit_test(test_unicode_stays_as_it_is),
		cmocka_unit_test(test_what_is_no_string_stays),
		cmocka_unit_test(test_absent_members_are_left_out),
		cmocka_unit_test(test_what_had_nothing_but_absent_members_is_left_out),
		cmocka_unit_test(test_a_medium_alone_in_an_array_expands),
		cmocka_unit_test(test_an_object_of_an_array_is_repeated),
		cmocka_unit_test(test_the_innermost_array_is_the_one_that_expands),
		cmocka_unit_test(test_elsewhere_it_is_the_first_medium),
		cmocka_unit_test(test_a_tree_knows_whether_it_takes_several_media),
		cmocka_unit_test(test_bad_trees_are_refused),
		cmocka_unit_test(test_a_value_that_is_no_utf8_is_refused),
		cmocka_unit_test(test_printing_keeps_to_the_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
