#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/chat.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* -- Replies ----------------------------------------------------------------------------------- */

static void
add(struct reply *r, enum field_type type, const char *var, const char *label, const char *value)
{
	form_value(&r->form, form_add(&r->form, type, var, label), value);
}

static void
check_reply(struct reply *r, const char *expected)
{
	struct buf out = { 0 };

	assert_int_equal(chat_print(&out, r), RES_OK);
	assert_string_equal(buf_str(&out), expected);
	buf_free(&out);
	reply_free(r);
}

static void
test_a_note_stands_alone(void **state)
{
	struct reply r = { .kind = REPLY_DONE };

	(void)state;
	check_reply(&r, "");
	buf_text(&r.note, "Nothing is waiting.");
	check_reply(&r, "Nothing is waiting.");
}

static void
test_fields_follow_the_note_behind_a_blank_line(void **state)
{
	struct reply r = { .kind = REPLY_DONE };

	(void)state;
	buf_text(&r.note, "2 waiting.");
	add(&r, FIELD_FIXED, "7K3Q2A", NULL, "7K3Q2A: Fri 9:00 im to romeo@example.net");
	add(&r, FIELD_FIXED, "8X2PAA", "", "8X2PAA: Sat 9:00 sms");
	add(&r, FIELD_TEXT, "to", "To", "romeo@example.net");
	check_reply(&r,
	    "2 waiting.\n\n7K3Q2A: Fri 9:00 im to romeo@example.net\n8X2PAA: Sat 9:00 sms\n"
	    "To: romeo@example.net");
}

static void
test_fields_without_a_note_begin_at_once(void **state)
{
	struct reply r = { .kind = REPLY_CONFIRM };

	(void)state;
	add(&r, FIELD_HIDDEN, "id", "Id", "7K3Q2A");
	add(&r, FIELD_FIXED, "when", "When", "Fri 9:00");
	add(&r, FIELD_FIXED, "to", "To", "romeo@example.net");
	check_reply(&r, "When: Fri 9:00\nTo: romeo@example.net");
}

static void
test_what_is_hidden_wrong_or_empty_is_not_shown(void **state)
{
	struct reply r = { .kind = REPLY_FORM, .note_type = NOTE_ERROR };

	(void)state;
	buf_text(&r.note, "When: this time is not understood.");
	add(&r, FIELD_HIDDEN, "id", "Id", "7K3Q2A");
	add(&r, FIELD_TEXT, "expires", "Expires", "");
	form_add(&r.form, FIELD_TEXT, "to", "To");
	add(&r, FIELD_FIXED, "error", "Please correct", "When: this time is not understood.");
	check_reply(&r, "When: this time is not understood.");
}

static void
test_values_are_written_as_people_read_them(void **state)
{
	struct reply r = { .kind = REPLY_FORM };
	struct field *fd;

	(void)state;
	fd = form_add(&r.form, FIELD_LIST, "offline", "If not online");
	form_option(&r.form, fd, "auto", "held where that can be seen");
	form_option(&r.form, fd, "hold", "held until they are online");
	form_value(&r.form, fd, "hold");
	fd = form_add(&r.form, FIELD_LIST, "hours", "Hours");
	form_option(&r.form, fd, "24", NULL);
	form_value(&r.form, fd, "24");
	add(&r, FIELD_LIST, "repeat", "Repeats", "of no option");
	fd = form_add(&r.form, FIELD_LIST_MULTI, "ids", "Messages");
	form_option(&r.form, fd, "7K3Q2A", "7K3Q2A to romeo");
	form_value(&r.form, fd, "7K3Q2A");
	form_value(&r.form, fd, "8X2PAA");
	fd = form_add(&r.form, FIELD_TEXT_MULTI, "body", "Message");
	form_lines(&r.form, fd, SPAN("one\n\nthree"));
	add(&r, FIELD_BOOLEAN, "confirm", "Sure", "1");
	add(&r, FIELD_BOOLEAN, "other", "Other", "true");
	add(&r, FIELD_BOOLEAN, "third", "Third", "0");
	check_reply(&r,
	    "If not online: held until they are online\nHours: 24\nRepeats: of no option\n"
	    "Messages: 7K3Q2A to romeo, 8X2PAA\nMessage: one\n\nthree\nSure: yes\nOther: yes\n"
	    "Third: no");
}

static void
test_a_note_that_says_all_is_not_said_twice(void **state)
{
	struct reply r = { .kind = REPLY_DONE, .repeats = true };

	(void)state;
	buf_text(&r.note, "Scheduled as 7K3Q2A.");
	add(&r, FIELD_HIDDEN, "id", NULL, "7K3Q2A");
	add(&r, FIELD_FIXED, "when", "When", "Fri 9:00");
	check_reply(&r, "Scheduled as 7K3Q2A.");

	r.repeats = true;
	buf_text(&r.note, "Two are scheduled.");
	add(&r, FIELD_FIXED, "a", NULL, "7K3Q2A: to romeo");
	add(&r, FIELD_FIXED, "b", NULL, "8X2PAA: to juliet");
	check_reply(&r, "7K3Q2A: to romeo\n8X2PAA: to juliet");
}

static void
test_printing_without_room_fails(void **state)
{
	static const size_t length = sizeof("Done.\n\nTo: romeo") - 1;

	(void)state;
	for (size_t max = 1; max <= length; max++) {
		struct reply r = { .kind = REPLY_DONE };
		struct buf out = { .max = max };
		buf_text(&r.note, "Done.");
		add(&r, FIELD_TEXT, "to", "To", "romeo");
		assert_int_equal(chat_print(&out, &r), max < length ? RES_NOMEM : RES_OK);
		assert_true(out.len <= max);
		buf_free(&out);
		reply_free(&r);
	}
}

/* -- Questions --------------------------------------------------------------------------------- */

static void
check_question(struct form *f, const char *expected)
{
	struct buf out = { 0 };

	assert_int_equal(chat_ask(&out, f->fields), RES_OK);
	assert_string_equal(buf_str(&out), expected);
	buf_free(&out);
	form_free(f);
}

static void
test_a_question_has_label_hint_and_options(void **state)
{
	struct form f = { 0 };
	struct field *fd;

	(void)state;
	form_add(&f, FIELD_TEXT, "when", "When");
	check_question(&f, "When?");
	form_add(&f, FIELD_TEXT, "when", NULL);
	check_question(&f, "when?");
	form_add(&f, FIELD_TEXT, "when", "");
	check_question(&f, "when?");
	form_add(&f, FIELD_TEXT, "", NULL);
	check_question(&f, "");
	form_add(&f, FIELD_TEXT, "to", "To whom?")->desc = "Like romeo@example.net";
	check_question(&f, "To whom?\nLike romeo@example.net");
	form_add(&f, FIELD_BOOLEAN, "confirm", "Yes, delete everything");
	check_question(&f, "Yes, delete everything? (yes or no)");
	fd = form_add(&f, FIELD_LIST, "offline", "If they are not online");
	form_option(&f, fd, "hold", "held until they are");
	form_option(&f, fd, "drop", NULL);
	form_option(&f, fd, "auto", "");
	form_option(&f, fd, "server", "server");
	check_question(
	    &f, "If they are not online?\nhold: held until they are\ndrop\nauto\nserver");
}

static void
test_a_question_without_room_fails(void **state)
{
	struct form f = { 0 };
	struct buf out = { .max = 8 };

	(void)state;
	form_add(&f, FIELD_TEXT, "when", "A long label");
	assert_int_equal(chat_ask(&out, f.fields), RES_NOMEM);
	buf_free(&out);
	form_free(&f);
}

/* -- Answers ----------------------------------------------------------------------------------- */

static struct field *
ask(struct form *asked, enum field_type type)
{
	static const char *const options[][2] = {
		{ "auto", "held where that can be seen" }, { "hold", "held until they are online" },
		{ "server", "sent in any case" }, { "drop", "sent only if they are online" },
		{ "send", NULL }, { "no", "Once" }, { "not", "Never" },
	};
	struct field *fd = form_add(asked, type, "x", "Label");

	for (size_t i = 0; i < N(options); i++)
		form_option(asked, fd, options[i][0], options[i][1]);
	return fd;
}

/* The values joined by LF; behind a '!' what the reason for a refusal says. */
static void
check_answer(enum field_type type, const char *text, const char *expected)
{
	struct form asked = { 0 }, out = { 0 };
	struct buf why = { 0 };
	const struct field *fd = type == FIELD_LIST || type == FIELD_LIST_MULTI
	    ? ask(&asked, type)
	    : form_add(&asked, type, "x", NULL);

	form_set(&out, "x", "before");
	enum res res = chat_answer(&out, fd, span_of(text), &why);
	if (expected[0] == '!') {
		if (res != RES_INVALID || strstr(buf_str(&why), expected + 1) == NULL)
			fail_msg("\"%s\" gives %d, %s", text, res, buf_str(&why));
		assert_string_equal(form_get_lines(&out, "x"), "before");
	} else {
		if (res != RES_OK)
			fail_msg("\"%s\" is refused: %s", text, buf_str(&why));
		assert_string_equal(form_get_lines(&out, "x"), expected);
		assert_int_equal(why.len, 0);
	}
	form_free(&asked);
	form_free(&out);
	buf_free(&why);
}

static void
test_a_text_is_taken_as_it_is(void **state)
{
	static const enum field_type types[] = { FIELD_TEXT, FIELD_FIXED, FIELD_HIDDEN };

	(void)state;
	for (size_t i = 0; i < N(types); i++) {
		check_answer(types[i], " tomorrow  9:00\n", "tomorrow  9:00");
		check_answer(types[i], " ", "!empty");
		check_answer(types[i], "", "!empty");
		check_answer(types[i], NULL, "!empty");
		check_answer(types[i], "a\x02", "!character");
		check_answer(types[i], "a\xff", "!character");
	}
	check_answer(FIELD_TEXT_MULTI, " one\n two\n\nfour ", "one\n two\n\nfour");
	check_answer(FIELD_TEXT_MULTI, "\n", "!empty");
}

static void
test_an_option_is_chosen_by_value_label_or_beginning(void **state)
{
	static const char *const answers[][2] = {
		{ "hold", "hold" }, { "HOLD", "hold" }, { " hold ", "hold" }, { "ho", "hold" },
		{ "held until they are online", "hold" }, { "Held until", "hold" },
		{ "held w", "auto" }, { "a", "auto" }, { "d", "drop" }, { "sen", "!more than one" },
		{ "send", "send" }, { "sent", "!more than one" }, { "sent i", "server" },
		{ "held", "!write auto, hold." }, { "s", "!write server, drop, send." },
		{ "no", "no" }, { "n", "!more than one" }, { "once", "no" }, { "not", "not" },
		{ "nothing", "!none of them: write auto, hold, server" }, { "", "!empty" },
		{ "%n", "!“%n”" },
	};

	(void)state;
	for (size_t i = 0; i < N(answers); i++)
		check_answer(FIELD_LIST, answers[i][0], answers[i][1]);
}

static void
test_a_list_without_options_takes_any_word(void **state)
{
	struct form asked = { 0 }, out = { 0 };
	struct buf why = { 0 };
	const struct field *fd = form_add(&asked, FIELD_LIST, "x", NULL);

	(void)state;
	assert_int_equal(chat_answer(&out, fd, SPAN("a b"), &why), RES_OK);
	assert_string_equal(form_get(&out, "x"), "a b");
	form_free(&asked);
	form_free(&out);
	buf_free(&why);
}

static void
test_many_options_are_not_all_named(void **state)
{
	struct form asked = { 0 }, out = { 0 };
	struct buf why = { 0 };
	struct field *fd = form_add(&asked, FIELD_LIST, "x", NULL);

	(void)state;
	for (int i = 0; i < 500; i++)
		form_option(&asked, fd, "a-long-value", NULL);
	assert_int_equal(chat_answer(&out, fd, SPAN("b"), &why), RES_INVALID);
	assert_true(why.len < 250);
	assert_non_null(strstr(buf_str(&why), " …."));
	form_free(&asked);
	form_free(&out);
	buf_free(&why);
}

static void
test_several_words_are_several_values(void **state)
{
	(void)state;
	check_answer(FIELD_LIST_MULTI, "auto", "auto");
	check_answer(FIELD_LIST_MULTI, "AUTO, hold\ndrop", "auto\nhold\ndrop");
	check_answer(FIELD_LIST_MULTI, "7K3Q other", "7K3Q\nother");
	check_answer(FIELD_LIST_MULTI, "once", "no");
	check_answer(FIELD_LIST_MULTI, ",", "!one or more");
	check_answer(FIELD_LIST_MULTI, " ", "!empty");
}

static void
test_yes_and_no_are_one_and_zero(void **state)
{
	(void)state;
	check_answer(FIELD_BOOLEAN, "yes", "1");
	check_answer(FIELD_BOOLEAN, "No.", "0");
	check_answer(FIELD_BOOLEAN, "maybe", "!Write yes or no");
	check_answer(FIELD_BOOLEAN, "", "!empty");
}

static void
test_an_answer_has_its_bound(void **state)
{
	struct form asked = { 0 }, out = { 0 };
	struct buf why = { 0 };
	const struct field *fd = form_add(&asked, FIELD_TEXT, "x", NULL);
	char *text = test_malloc(CHAT_LINE_MAX + 1);

	(void)state;
	memset(text, 'x', CHAT_LINE_MAX + 1);
	assert_int_equal(
	    chat_answer(&out, fd, (struct span){ text, CHAT_LINE_MAX }, &why), RES_OK);
	assert_int_equal(
	    chat_answer(&out, fd, (struct span){ text, CHAT_LINE_MAX + 1 }, &why), RES_INVALID);
	assert_non_null(strstr(buf_str(&why), "too long"));
	test_free(text);
	form_free(&asked);
	form_free(&out);
	buf_free(&why);
}

static void
test_an_answer_without_memory_says_so(void **state)
{
	struct form asked = { 0 }, out = { .arena = { .max = 16 } };
	struct buf why = { 0 };
	const struct field *fd = form_add(&asked, FIELD_TEXT, "x", NULL);

	(void)state;
	assert_int_equal(chat_answer(&out, fd, SPAN("hello"), &why), RES_NOMEM);
	form_free(&asked);
	form_free(&out);
	buf_free(&why);
}

static void
test_only_plain_words_are_yes_or_no(void **state)
{
	static const char *const yes[] = { "yes", "y", "ok", "sure", "YES", " Yes ", "yes.", "ok!!",
		"Y\n" };
	static const char *const no[] = { "no", "n", "NO", " n ", "no.", "No!" };
	static const char *const neither[] = { "", " ", ".", "!", "yes no", "yess", "ye", "o", "k",
		"1", "0", "true", "nope", "yes?", "y e s", "ok,", "abort" };
	bool said = false;

	(void)state;
	for (size_t i = 0; i < N(yes); i++, said = false) {
		assert_int_equal(chat_yes_no(span_of(yes[i]), &said), RES_OK);
		assert_true(said);
	}
	for (size_t i = 0; i < N(no); i++) {
		said = true;
		assert_int_equal(chat_yes_no(span_of(no[i]), &said), RES_OK);
		assert_false(said);
	}
	for (size_t i = 0; i < N(neither); i++)
		assert_int_equal(chat_yes_no(span_of(neither[i]), &said), RES_INVALID);
	assert_int_equal(chat_yes_no((struct span){ NULL, 0 }, &said), RES_INVALID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_note_stands_alone),
		cmocka_unit_test(test_fields_follow_the_note_behind_a_blank_line),
		cmocka_unit_test(test_fields_without_a_note_begin_at_once),
		cmocka_unit_test(test_what_is_hidden_wrong_or_empty_is_not_shown),
		cmocka_unit_test(test_values_are_written_as_people_read_them),
		cmocka_unit_test(test_a_note_that_says_all_is_not_said_twice),
		cmocka_unit_test(test_printing_without_room_fails),
		cmocka_unit_test(test_a_question_has_label_hint_and_options),
		cmocka_unit_test(test_a_question_without_room_fails),
		cmocka_unit_test(test_a_text_is_taken_as_it_is),
		cmocka_unit_test(test_an_option_is_chosen_by_value_label_or_beginning),
		cmocka_unit_test(test_a_list_without_options_takes_any_word),
		cmocka_unit_test(test_many_options_are_not_all_named),
		cmocka_unit_test(test_several_words_are_several_values),
		cmocka_unit_test(test_yes_and_no_are_one_and_zero),
		cmocka_unit_test(test_an_answer_has_its_bound),
		cmocka_unit_test(test_an_answer_without_memory_says_so),
		cmocka_unit_test(test_only_plain_words_are_yes_or_no),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
