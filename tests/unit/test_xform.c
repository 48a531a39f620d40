#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xmpp/form.h"
#include "xmpp/stanza.h"

static xmpp_ctx_t *ctx;

static int
setup(void **state)
{
	(void)state;
	ctx = xmpp_ctx_new(NULL, NULL);
	return ctx == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	xmpp_ctx_free(ctx);
	return 0;
}

/* What xform_write makes of f, as it stands on the wire inside <command/>, and f freed. */
static char *
written(struct form *f, const char *type)
{
	xmpp_stanza_t *parent = stanza_new(ctx, "command", NULL);
	char *text, *copy;
	size_t len;

	assert_non_null(parent);
	assert_int_equal(xform_write(parent, f, type), RES_OK);
	assert_int_equal(xmpp_stanza_to_text(parent, &text, &len), XMPP_EOK);
	copy = strdup(text);
	xmpp_free(ctx, text);
	xmpp_stanza_release(parent);
	form_free(f);
	return copy;
}

static void
assert_written(struct form *f, const char *inside)
{
	char expected[4096], *text = written(f, "form");

	snprintf(expected, sizeof(expected),
	    "<command><x xmlns=\"jabber:x:data\" type=\"form\">%s</x></command>", inside);
	assert_string_equal(text, expected);
	free(text);
}

static enum res
read_text(const char *xml, struct form *out)
{
	xmpp_stanza_t *x = xmpp_stanza_new_from_string(ctx, xml);
	enum res res;

	assert_non_null(x);
	res = xform_read(x, out);
	xmpp_stanza_release(x);
	return res;
}

static enum res
read_submit(const char *inside, struct form *out)
{
	size_t len = strlen(inside) + 100;
	char *xml = malloc(len);
	enum res res;

	assert_non_null(xml);
	snprintf(xml, len, "<x xmlns='jabber:x:data' type='submit'>%s</x>", inside);
	res = read_text(xml, out);
	free(xml);
	return res;
}

static void
test_title_and_one_instructions_come_first(void **state)
{
	struct form f = { 0 };

	(void)state;
	f.title = "A & B";
	f.instructions = "Say when.";
	form_add(&f, FIELD_TEXT, "to", "To");
	assert_written(&f, "<title>A &amp; B</title><instructions>Say when.</instructions>"
	    "<field label=\"To\" type=\"text-single\" var=\"to\"/>");
}

static void
test_result_has_its_type(void **state)
{
	struct form f = { 0 };
	char *text;

	(void)state;
	form_value(&f, form_add(&f, FIELD_HIDDEN, "id", NULL), "7K3QXA");
	text = written(&f, "result");
	assert_string_equal(text, "<command><x xmlns=\"jabber:x:data\" type=\"result\">"
	    "<field type=\"hidden\" var=\"id\"><value>7K3QXA</value></field></x></command>");
	free(text);
}

static void
test_fixed_value_has_a_field_and_a_var_of_its_own(void **state)
{
	struct form f = { 0 };
	struct field *fd = form_add(&f, FIELD_FIXED, "line", "Lines");

	(void)state;
	form_value(&f, fd, "one");
	form_value(&f, fd, "two");
	form_value(&f, fd, "three");
	assert_written(&f,
	    "<field label=\"Lines\" type=\"fixed\" var=\"line\"><value>one</value></field>"
	    "<field type=\"fixed\" var=\"line-2\"><value>two</value></field>"
	    "<field type=\"fixed\" var=\"line-3\"><value>three</value></field>");
}

static void
test_fixed_field_without_var_gets_one(void **state)
{
	struct form f = { 0 };

	(void)state;
	form_value(&f, form_add(&f, FIELD_FIXED, NULL, NULL), "a");
	form_value(&f, form_add(&f, FIELD_FIXED, NULL, NULL), "b");
	assert_written(&f, "<field type=\"fixed\" var=\"text-1\"><value>a</value></field>"
	    "<field type=\"fixed\" var=\"text-2\"><value>b</value></field>");
}

static void
test_fixed_field_never_shares_a_var(void **state)
{
	struct form f = { 0 };

	(void)state;
	form_value(&f, form_add(&f, FIELD_FIXED, "?", NULL), "a");
	form_value(&f, form_add(&f, FIELD_FIXED, "?", NULL), "b");
	form_value(&f, form_add(&f, FIELD_FIXED, "?", NULL), "c");
	assert_written(&f, "<field type=\"fixed\" var=\"?\"><value>a</value></field>"
	    "<field type=\"fixed\" var=\"text-1\"><value>b</value></field>"
	    "<field type=\"fixed\" var=\"text-2\"><value>c</value></field>");
}

static void
test_made_vars_never_meet_those_of_the_form(void **state)
{
	struct form f = { 0 };
	struct field *fd = form_add(&f, FIELD_FIXED, "row", NULL);

	(void)state;
	form_value(&f, fd, "one");
	form_value(&f, fd, "two");
	form_add(&f, FIELD_TEXT, "row-2", NULL);
	form_value(&f, form_add(&f, FIELD_FIXED, NULL, NULL), "a");
	form_add(&f, FIELD_TEXT, "text-1", NULL);
	assert_written(&f, "<field type=\"fixed\" var=\"row\"><value>one</value></field>"
	    "<field type=\"fixed\" var=\"row-3\"><value>two</value></field>"
	    "<field type=\"text-single\" var=\"row-2\"/>"
	    "<field type=\"fixed\" var=\"text-2\"><value>a</value></field>"
	    "<field type=\"text-single\" var=\"text-1\"/>");
}

static void
test_list_without_a_value_takes_its_first_option(void **state)
{
	struct form f = { 0 };
	struct field *fd = form_add(&f, FIELD_LIST, "offline", NULL);

	(void)state;
	form_option(&f, fd, "auto", "Wait, or leave it to the server");
	form_option(&f, fd, "drop", NULL);
	assert_written(&f, "<field type=\"list-single\" var=\"offline\"><value>auto</value>"
	    "<option label=\"Wait, or leave it to the server\"><value>auto</value></option>"
	    "<option><value>drop</value></option></field>");
}

static void
test_list_keeps_only_a_value_that_is_an_option(void **state)
{
	const char *const given[] = { "drop", "sideways" }, *const shown[] = { "drop", "auto" };
	char expected[300];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct form f = { 0 };
		struct field *fd = form_add(&f, FIELD_LIST, "offline", NULL);

		form_option(&f, fd, "auto", NULL);
		form_option(&f, fd, "drop", NULL);
		form_value(&f, fd, given[i]);
		snprintf(expected, sizeof(expected),
		    "<field type=\"list-single\" var=\"offline\"><value>%s</value>"
		    "<option><value>auto</value></option><option><value>drop</value></option>"
		    "</field>",
		    shown[i]);
		assert_written(&f, expected);
	}
}

static void
test_list_multi_needs_no_default(void **state)
{
	struct form f = { 0 };
	struct field *fd = form_add(&f, FIELD_LIST_MULTI, "ids", NULL);

	(void)state;
	form_option(&f, fd, "A", "first");
	assert_written(&f, "<field type=\"list-multi\" var=\"ids\">"
	    "<option label=\"first\"><value>A</value></option></field>");
}

static void
test_text_multi_has_one_value_a_line(void **state)
{
	struct form f = { 0 };

	(void)state;
	form_lines(&f, form_add(&f, FIELD_TEXT_MULTI, "body", NULL), SPAN("a\n\nb"));
	assert_written(&f, "<field type=\"text-multi\" var=\"body\"><value>a</value><value/>"
	    "<value>b</value></field>");
}

static void
test_single_text_has_at_most_one_value(void **state)
{
	struct form f = { 0 };
	struct field *fd = form_add(&f, FIELD_TEXT, "to", NULL);

	(void)state;
	form_value(&f, fd, "a");
	form_value(&f, fd, "b");
	assert_written(&f, "<field type=\"text-single\" var=\"to\"><value>a</value></field>");
}

static void
test_hidden_field_keeps_all_values(void **state)
{
	struct form f = { 0 };
	struct field *fd = form_add(&f, FIELD_HIDDEN, "id", NULL);

	(void)state;
	form_value(&f, fd, "A");
	form_value(&f, fd, "B");
	assert_written(&f, "<field type=\"hidden\" var=\"id\"><value>A</value>"
	    "<value>B</value></field>");
}

static void
test_booleans_are_one_or_zero(void **state)
{
	static const struct {
		const char *given, *shown;
	} cases[] = { { "1", "1" }, { "true", "1" }, { "0", "0" }, { "false", "0" }, { "", "0" },
		{ NULL, "0" }, { "yes", "0" } };
	char expected[100];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct form f = { 0 };
		struct field *fd = form_add(&f, FIELD_BOOLEAN, "b", NULL);

		if (cases[i].given != NULL)
			form_value(&f, fd, cases[i].given);
		snprintf(expected, sizeof(expected),
		    "<field type=\"boolean\" var=\"b\"><value>%s</value></field>", cases[i].shown);
		assert_written(&f, expected);
	}
}

static void
test_required_and_hint_are_written(void **state)
{
	struct form f = { 0 };
	struct field *fd = form_add(&f, FIELD_TEXT, "when", NULL);

	(void)state;
	fd->required = true;
	fd->desc = "<tomorrow>";
	assert_written(&f, "<field type=\"text-single\" var=\"when\"><desc>&lt;tomorrow&gt;</desc>"
	    "<required/></field>");
}

static void
test_markup_in_every_place_is_escaped(void **state)
{
	static const char nasty[] = "'\"<x/>&amp;";
	struct form f = { 0 };
	struct field *fd;
	char *text;
	xmpp_stanza_t *back, *x;

	(void)state;
	f.title = f.instructions = nasty;
	fd = form_add(&f, FIELD_LIST, nasty, nasty);
	fd->desc = nasty;
	form_option(&f, fd, nasty, nasty);
	form_value(&f, form_add(&f, FIELD_FIXED, nasty, nasty), nasty);
	text = written(&f, "form");
	back = xmpp_stanza_new_from_string(ctx, text);
	assert_non_null(back);
	x = stanza_child(back, "x", NS_DATA);
	assert_string_equal(stanza_attr(stanza_child(x, "field", NULL), "label"), nasty);
	assert_null(stanza_child(stanza_child(x, "title", NULL), "x", NULL));
	xmpp_stanza_release(back);
	free(text);
}

static void
test_form_that_lost_memory_is_not_written(void **state)
{
	struct form f = { 0 };
	xmpp_stanza_t *parent = stanza_new(ctx, "command", NULL);

	(void)state;
	form_add(&f, FIELD_TEXT, "to", NULL);
	f.arena.failed = true;
	assert_int_equal(xform_write(parent, &f, "form"), RES_NOMEM);
	assert_null(xmpp_stanza_get_children(parent));
	form_free(&f);
	xmpp_stanza_release(parent);
}

static void
test_no_parent_is_no_memory(void **state)
{
	struct form f = { 0 };

	(void)state;
	assert_int_equal(xform_write(NULL, &f, "form"), RES_NOMEM);
}

static void
test_submitted_values_come_in_order(void **state)
{
	struct form f = { 0 };

	(void)state;
	assert_int_equal(read_submit("<field var='to'><value>a@b, c@d</value></field>"
	    "<field var='body' type='text-multi'><value>one</value><value/><value>t&lt;o</value>"
	    "</field>", &f), RES_OK);
	assert_string_equal(form_get(&f, "to"), "a@b, c@d");
	assert_string_equal(form_get_lines(&f, "body"), "one\n\nt<o");
	assert_null(form_find(&f, "when"));
	form_free(&f);
}

static void
test_field_without_value_is_there_and_empty(void **state)
{
	struct form f = { 0 };

	(void)state;
	assert_int_equal(read_submit("<field var='body' type='text-multi'/>", &f), RES_OK);
	assert_non_null(form_find(&f, "body"));
	assert_null(form_find(&f, "body")->values);
	assert_string_equal(form_get(&f, "body"), "");
	form_free(&f);
}

static void
test_fixed_and_nameless_fields_are_ignored(void **state)
{
	struct form f = { 0 };

	(void)state;
	assert_int_equal(read_submit("<title>t</title>"
	    "<field type='fixed' var='error'><value>e</value></field>"
	    "<field><value>n</value></field><field var=''><value>m</value></field><other var='o'/>"
	    "<field xmlns='urn:else' var='p'><value>v</value></field>text"
	    "<field var='to'><value>x</value><value xmlns='urn:else'>y</value></field>",
	    &f), RES_OK);
	assert_non_null(f.fields);
	assert_string_equal(f.fields->var, "to");
	assert_null(f.fields->next);
	assert_null(f.fields->values->next);
	form_free(&f);
}

static void
test_unknown_field_types_are_read(void **state)
{
	struct form f = { 0 };

	(void)state;
	assert_int_equal(read_submit("<field var='to' type='jid-multi'><value>a</value>"
	    "<value>b</value></field>"
	    "<field var='n' type='&#x20AC;'><value>c</value></field>", &f), RES_OK);
	assert_string_equal(form_get_lines(&f, "to"), "a\nb");
	assert_string_equal(form_get(&f, "n"), "c");
	form_free(&f);
}

static void
test_only_a_submitted_form_is_read(void **state)
{
	static const char *const wrong[] = {
		"<x xmlns='jabber:x:data' type='form'/>",
		"<x xmlns='jabber:x:data' type='cancel'/>",
		"<x xmlns='jabber:x:data' type='SUBMIT'/>",
		"<x xmlns='jabber:x:data'/>",
		"<x xmlns='jabber:x:event' type='submit'/>",
		"<y xmlns='jabber:x:data' type='submit'/>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct form f = { 0 };

		assert_int_equal(read_text(wrong[i], &f), RES_INVALID);
		form_free(&f);
	}
}

static enum res
read_many(unsigned fields, unsigned values, struct form *f)
{
	struct buf xml = { 0 };
	enum res res;

	for (unsigned i = 0; i < fields; i++) {
		buf_printf(&xml, "<field var='v%u'>", i);
		for (unsigned j = 0; j < values; j++)
			buf_text(&xml, "<value>v</value>");
		buf_text(&xml, "</field>");
	}
	res = read_submit(buf_str(&xml), f);
	buf_free(&xml);
	return res;
}

static void
test_more_fields_than_the_bound_are_refused(void **state)
{
	struct form f = { 0 };

	(void)state;
	assert_int_equal(read_many(64, 1, &f), RES_OK);
	assert_non_null(form_find(&f, "v63"));
	form_free(&f);
	assert_int_equal(read_many(65, 1, &f), RES_INVALID);
	form_free(&f);
}

static void
test_more_values_than_the_bound_are_refused(void **state)
{
	struct form f = { 0 };

	(void)state;
	assert_int_equal(read_many(40, 50, &f), RES_OK);
	form_free(&f);
	assert_int_equal(read_many(1, 2001, &f), RES_INVALID);
	form_free(&f);
	assert_int_equal(read_many(41, 49, &f), RES_INVALID);
	form_free(&f);
}

static void
test_form_at_its_memory_bound_says_so(void **state)
{
	struct form f = { .arena = { .max = 64 } };

	(void)state;
	assert_int_equal(read_many(3, 3, &f), RES_NOMEM);
	form_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_title_and_one_instructions_come_first),
		cmocka_unit_test(test_result_has_its_type),
		cmocka_unit_test(test_fixed_value_has_a_field_and_a_var_of_its_own),
		cmocka_unit_test(test_fixed_field_without_var_gets_one),
		cmocka_unit_test(test_fixed_field_never_shares_a_var),
		cmocka_unit_test(test_made_vars_never_meet_those_of_the_form),
		cmocka_unit_test(test_list_without_a_value_takes_its_first_option),
		cmocka_unit_test(test_list_keeps_only_a_value_that_is_an_option),
		cmocka_unit_test(test_list_multi_needs_no_default),
		cmocka_unit_test(test_text_multi_has_one_value_a_line),
		cmocka_unit_test(test_single_text_has_at_most_one_value),
		cmocka_unit_test(test_hidden_field_keeps_all_values),
		cmocka_unit_test(test_booleans_are_one_or_zero),
		cmocka_unit_test(test_required_and_hint_are_written),
		cmocka_unit_test(test_markup_in_every_place_is_escaped),
		cmocka_unit_test(test_form_that_lost_memory_is_not_written),
		cmocka_unit_test(test_no_parent_is_no_memory),
		cmocka_unit_test(test_submitted_values_come_in_order),
		cmocka_unit_test(test_field_without_value_is_there_and_empty),
		cmocka_unit_test(test_fixed_and_nameless_fields_are_ignored),
		cmocka_unit_test(test_unknown_field_types_are_read),
		cmocka_unit_test(test_only_a_submitted_form_is_read),
		cmocka_unit_test(test_more_fields_than_the_bound_are_refused),
		cmocka_unit_test(test_more_values_than_the_bound_are_refused),
		cmocka_unit_test(test_form_at_its_memory_bound_says_so),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
