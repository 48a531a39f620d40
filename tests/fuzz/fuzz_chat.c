/*
 * Lines of strangers, for commands of all kinds of places, and answers of all types: what is read
 * is valid text out of the line, what is refused is so for a reason, and all of it can be printed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "core/chat.h"
#include "core/when.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const struct command_info commands[] = {
	{ .name = "im", .places = { { PLACE_ADDRESSES, NULL } }, .settable = "repeat offline",
	    .usage = "im" },
	{ .name = "mms", .places = { { PLACE_NUMBERS, NULL } }, .settable = "subject media to",
	    .usage = "mms" },
	{ .name = "remind", .places = { { PLACE_REMINDER, NULL } }, .settable = "repeat when" },
	{ .name = "edit", .places = { { PLACE_WORD, "id" }, { PLACE_FIELD, NULL } },
	    .settable = "to when body media", .usage = "edit" },
	{ .name = "cancel", .places = { { PLACE_WORDS, "ids" } }, .settable = "which" },
	{ .name = "limits", .places = { { PLACE_WORD, "jid" }, { PLACE_WORD, "kind" } },
	    .settable = "day month" },
	{ .name = "backup", .places = { { PLACE_REST, "file" } } },
	{ .name = "list" },
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* Commas and white space of a list are written anew, and line ends are LF. */
static void
plain(struct buf *out, struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (strchr(" ,\t\r\n", text.p[i]) == NULL)
			buf_append(out, text.p + i, 1);
}

/* Its characters stand together in the line, but for where a name=value stood between them. */
static void
check_value(const struct field *fd, struct span line)
{
	struct buf all = { .max = 2 * CHAT_LINE_MAX }, part = { .max = 2 * CHAT_LINE_MAX };
	bool patched = strcmp(fd->var, "when") == 0 || strcmp(fd->var, "to") == 0;

	plain(&all, line);
	for (const struct value *v = fd->values; v != NULL; v = v->next) {
		must(xml_text_valid(span_of(v->text)));
		must(strlen(v->text) <= 2 * CHAT_LINE_MAX);
		buf_reset(&part);
		plain(&part, span_of(v->text));
		if (part.len > 0 && !patched)
			must(memmem(buf_str(&all), all.len, buf_str(&part), part.len) != NULL);
	}
	buf_free(&all);
	buf_free(&part);
}

/* Unless it was given as body=…, or links were cut from it, the body is the end of the line. */
static void
check_body(struct form *f, struct span line)
{
	struct buf all = { .max = 2 * CHAT_LINE_MAX }, body = { .max = 2 * CHAT_LINE_MAX };

	plain(&all, line);
	plain(&body, span_of(form_get_lines(f, "body")));
	if (form_find(f, "media") == NULL && memmem(line.p, line.len, "=", 1) == NULL)
		must(body.len <= all.len &&
		    memcmp(buf_str(&all) + all.len - body.len, buf_str(&body), body.len) == 0);
	buf_free(&all);
	buf_free(&body);
}

static void
check_print(struct form *f, struct span line)
{
	struct buf out = { 0 };
	struct reply r = { .kind = REPLY_FORM, .form = *f };
	size_t values = 0;

	buf_span(&r.note, line);
	must(chat_print(&out, &r) == RES_OK);
	for (const struct field *fd = f->fields; fd != NULL; fd = fd->next) {
		must(fd->type == FIELD_TEXT || fd->type == FIELD_TEXT_MULTI ||
		    fd->type == FIELD_LIST_MULTI);
		must(form_find(f, fd->var) == fd);
		for (const struct value *v = fd->values; v != NULL; v = v->next) {
			values++;
			must(v->text[0] == '\0' || strstr(buf_str(&out), v->text) != NULL);
		}
	}
	must(values > 0 || f->fields == NULL);
	buf_reset(&out);
	for (const struct field *fd = f->fields; fd != NULL; fd = fd->next)
		must(chat_ask(&out, fd) == RES_OK);
	buf_free(&out);
	buf_free(&r.note);
}

static void
fill(const struct command_info *cmd, struct span line, const struct zone *zone)
{
	struct form f = { 0 };
	struct buf why = { 0 };
	enum res res = chat_fill(&f, cmd, line, INT64_C(1790856000000), zone, &why);

	must(res == RES_OK || res == RES_INVALID);
	must(xml_text_valid(buf_as_span(&why)));
	if (res == RES_INVALID) {
		must(why.len > 0 && !why.failed);
	} else {
		must(why.len == 0 && line.len <= CHAT_LINE_MAX && xml_text_valid(line));
		for (const struct field *fd = f.fields; fd != NULL; fd = fd->next)
			check_value(fd, line);
		check_body(&f, line);
		check_print(&f, line);
	}
	form_free(&f);
	buf_free(&why);
}

static void
answer(enum field_type type, struct span text)
{
	struct form asked = { 0 }, out = { 0 };
	struct buf why = { 0 };
	struct field *fd = form_add(&asked, type, "x", "Label");

	form_option(&asked, fd, "hold", "held until they are online");
	form_option(&asked, fd, "auto", NULL);
	enum res res = chat_answer(&out, fd, text, &why);
	must(res == RES_OK || res == RES_INVALID);
	must(xml_text_valid(buf_as_span(&why)) && (why.len > 0) == (res == RES_INVALID));
	must((form_find(&out, "x") != NULL) == (res == RES_OK));
	if (res == RES_OK)
		for (const struct value *v = out.fields->values; v != NULL; v = v->next)
			must(xml_text_valid(span_of(v->text)) && strlen(v->text) <= CHAT_LINE_MAX);
	form_free(&asked);
	form_free(&out);
	buf_free(&why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct span line = { (const char *)bytes, len }, rest;
	char word[CHAT_WORD_MAX + 1];
	struct zone zone;

	if (len == 0 || zone_find(&zone, SPAN("Europe/Berlin")) != RES_OK)
		return 0;
	size_t prefix = when_prefix(line, INT64_C(1790856000000), &zone);
	must(prefix <= len && prefix <= WHEN_TEXT_MAX);
	must(prefix == 0 || strchr(" \t\r\n", line.p[prefix - 1]) == NULL || line.p[prefix - 1] == 0);
	enum res res = chat_word(line, word, &rest);
	must(strlen(word) <= CHAT_WORD_MAX && (word[0] != '\0') == (res == RES_OK));
	for (enum field_type type = FIELD_FIXED; type < FIELD_END; type++)
		answer(type, line);
	for (size_t i = 0; i < NCOMMANDS; i++) {
		must(chat_distance(word, commands[i].name) <= CHAT_WORD_MAX);
		fill(&commands[i], line, &zone);
		if (res == RES_OK && strcmp(word, commands[i].name) == 0)
			fill(&commands[i], rest, &zone);
	}
	return 0;
}
