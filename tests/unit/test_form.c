#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/command.h"
#include "core/form.h"

static void
test_fields_values_and_options_keep_their_order(void **state)
{
	struct form f = { .title = "t" };
	char text[32];

	(void)state;
	for (int i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "v%d", i);
		struct field *fd = form_add(&f, FIELD_LIST, text, i == 0 ? NULL : text);
		for (int k = 0; k < 3; k++) {
			snprintf(text, sizeof(text), "%d.%d", i, k);
			form_value(&f, fd, text);
			form_option(&f, fd, text, k == 1 ? NULL : "label");
		}
	}
	int i = 0;
	for (struct field *fd = f.fields; fd != NULL; fd = fd->next, i++) {
		snprintf(text, sizeof(text), "v%d", i);
		assert_string_equal(fd->var, text);
		assert_ptr_equal(form_find(&f, text), fd);
		if (i == 0)
			assert_null(fd->label);
		int k = 0;
		struct option *o = fd->options;
		for (struct value *v = fd->values; v != NULL; v = v->next, o = o->next, k++) {
			snprintf(text, sizeof(text), "%d.%d", i, k);
			assert_string_equal(v->text, text);
			assert_string_equal(o->value, text);
		}
		assert_null(o);
		assert_int_equal(k, 3);
	}
	assert_int_equal(i, 5);
	assert_string_equal(form_get(&f, "v2"), "2.0");
	assert_string_equal(form_get_lines(&f, "v2"), "2.0\n2.1\n2.2");
	form_free(&f);
	assert_null(f.fields);
	assert_null(f.title);
}

static void
test_what_is_missing_reads_as_empty(void **state)
{
	struct form f = { .fields = NULL };

	(void)state;
	assert_string_equal(form_get(&f, "x"), "");
	assert_string_equal(form_get_lines(&f, "x"), "");
	form_add(&f, FIELD_TEXT_MULTI, "x", NULL);
	form_add(&f, FIELD_FIXED, NULL, NULL);
	assert_string_equal(form_get(&f, "x"), "");
	assert_string_equal(form_get_lines(&f, "x"), "");
	assert_null(form_find(&f, "X"));
	assert_null(form_find(&f, NULL));
	form_free(&f);
}

static void
test_every_function_bears_null(void **state)
{
	struct form f = { .fields = NULL };

	(void)state;
	assert_null(form_add(NULL, FIELD_TEXT, "x", "x"));
	form_value(NULL, NULL, "x");
	form_value(&f, NULL, "x");
	form_option(&f, NULL, "x", "x");
	form_lines(&f, NULL, SPAN("x"));
	struct field *fd = form_add(&f, FIELD_TEXT, "x", "x");
	form_value(NULL, fd, "x");
	form_value(&f, fd, NULL);
	form_option(&f, fd, NULL, NULL);
	form_lines(&f, fd, (struct span){ NULL, 0 });
	assert_null(fd->values);
	assert_null(fd->options);
	assert_null(form_find(NULL, "x"));
	assert_string_equal(form_get(NULL, "x"), "");
	assert_string_equal(form_get_lines(NULL, "x"), "");
	form_free(&f);
	form_free(NULL);
}

static void
check_lines(const char *text, size_t lines, const char *joined)
{
	struct form f = { .fields = NULL };
	struct field *fd = form_add(&f, FIELD_TEXT_MULTI, "body", NULL);

	form_lines(&f, fd, span_of(text));
	assert_int_equal(form_count(fd), lines);
	assert_string_equal(form_get_lines(&f, "body"), joined);
	form_free(&f);
}

static void
test_lines_are_cut_at_every_kind_of_line_end_and_joined_by_lf(void **state)
{
	(void)state;
	check_lines("", 0, "");
	check_lines("one", 1, "one");
	check_lines("a\nb\r\nc\rd", 4, "a\nb\nc\nd");
	check_lines("a\n\nb", 3, "a\n\nb");
	check_lines("a\r\r\nb", 3, "a\n\nb");
	check_lines("a\n\rb", 3, "a\n\nb");
	check_lines("a\n", 2, "a\n");
	check_lines("\r\n", 2, "\n");
	check_lines("\r", 2, "\n");
}

static void
test_text_is_copied(void **state)
{
	struct form f = { .fields = NULL };
	char text[] = "abc";

	(void)state;
	struct field *fd = form_add(&f, FIELD_TEXT, text, text);
	form_value(&f, fd, text);
	form_option(&f, fd, text, text);
	memcpy(text, "xyz", 3);
	assert_string_equal(fd->var, "abc");
	assert_string_equal(fd->label, "abc");
	assert_string_equal(fd->values->text, "abc");
	assert_string_equal(fd->options->label, "abc");
	form_free(&f);
}

static void
test_out_of_memory_shows_in_the_arena_wherever_it_strikes(void **state)
{
	(void)state;
	for (size_t max = 16; max < 2000; max += 16) {
		struct form f = { .arena = { .max = max } };
		struct field *fd = form_add(&f, FIELD_LIST, "var", "label");
		form_value(&f, fd, "value");
		form_option(&f, fd, "value", "label");
		form_lines(&f, fd, SPAN("a\nb\nc"));
		const char *lines = form_get_lines(&f, "var");
		if (f.arena.failed)
			assert_true(max < 1000);
		else
			assert_string_equal(lines, "value\na\nb\nc");
		form_free(&f);
	}
}

static void
test_many_values_are_added_in_little_time(void **state)
{
	struct form f = { .fields = NULL };
	struct field *fd = form_add(&f, FIELD_LIST_MULTI, "ids", NULL);

	(void)state;
	/* Walking the list for each would take minutes. */
	for (int i = 0; i < 200000; i++)
		form_value(&f, fd, "x");
	assert_int_equal(form_count(fd), 200000);
	form_free(&f);
}

static void
test_a_refusal_replaces_what_the_reply_was(void **state)
{
	struct reply r = { .kind = REPLY_FORM };

	(void)state;
	buf_text(&r.note, "old");
	form_value(&r.form, form_add(&r.form, FIELD_TEXT, "x", NULL), "why not");
	reply_refuse(&r, "forbidden", "auth", form_get(&r.form, "x"));
	assert_int_equal(r.kind, REPLY_REFUSED);
	assert_int_equal(r.note_type, NOTE_ERROR);
	assert_string_equal(r.condition, "forbidden");
	assert_string_equal(r.error_type, "auth");
	assert_string_equal(buf_str(&r.note), "why not");
	assert_null(r.form.fields);
	reply_refuse(&r, "not-allowed", "cancel", buf_str(&r.note));
	assert_string_equal(buf_str(&r.note), "why not");
	reply_refuse(&r, "not-allowed", "cancel", NULL);
	assert_string_equal(buf_str(&r.note), "");
	reply_free(&r);
	assert_null(r.condition);
	reply_free(&r);
	reply_free(NULL);
}

static void
test_very_many_lines_keep_their_text_in_few_values(void **state)
{
	char text[2 * FORM_LINES_MAX + 8];

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(text); i++)
		text[i] = i % 2 == 0 ? 'x' : '\n';
	text[2 * FORM_LINES_MAX - 1] = '\0';
	check_lines(text, FORM_LINES_MAX, text);
	/* One more, and the last value has two lines. */
	text[2 * FORM_LINES_MAX - 1] = '\n';
	text[2 * FORM_LINES_MAX + 1] = '\0';
	check_lines(text, FORM_LINES_MAX, text);
}

static void
test_set_replaces_all_values_or_makes_the_field(void **state)
{
	struct form f = { .fields = NULL };
	struct field *fd = form_add(&f, FIELD_TEXT_MULTI, "when", NULL);

	(void)state;
	form_value(&f, fd, "in 5");
	form_value(&f, fd, "minutes");
	form_set(&f, "when", "2026-12-24 18:00");
	assert_int_equal(form_count(fd), 1);
	assert_string_equal(form_get(&f, "when"), "2026-12-24 18:00");
	form_value(&f, fd, "again");
	assert_string_equal(form_get_lines(&f, "when"), "2026-12-24 18:00\nagain");
	form_set(&f, "expires", "in 3 days");
	assert_string_equal(form_get(&f, "expires"), "in 3 days");
	assert_ptr_equal(form_find(&f, "when"), fd);
	form_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields_values_and_options_keep_their_order),
		cmocka_unit_test(test_what_is_missing_reads_as_empty),
		cmocka_unit_test(test_every_function_bears_null),
		cmocka_unit_test(test_lines_are_cut_at_every_kind_of_line_end_and_joined_by_lf),
		cmocka_unit_test(test_very_many_lines_keep_their_text_in_few_values),
		cmocka_unit_test(test_set_replaces_all_values_or_makes_the_field),
		cmocka_unit_test(test_text_is_copied),
		cmocka_unit_test(test_out_of_memory_shows_in_the_arena_wherever_it_strikes),
		cmocka_unit_test(test_many_values_are_added_in_little_time),
		cmocka_unit_test(test_a_refusal_replaces_what_the_reply_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
