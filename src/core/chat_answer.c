#include <string.h>

#include "base/parse.h"
#include "core/chat.h"

#define DISTANCE_LEN_MAX 64
#define SHOWN_CHARS	 40 /* of an answer that is not understood */
#define NAMED_MAX	 10 /* options named in a reason */

/* -- Yes and no -------------------------------------------------------------------------------- */

enum res
chat_yes_no(struct span text, bool *yes)
{
	static const struct {
		const char *word;
		bool yes;
	} words[] = {
		{ "yes", true },
		{ "y", true },
		{ "ok", true },
		{ "sure", true },
		{ "no", false },
		{ "n", false },
	};

	text = span_trim(text);
	while (text.len > 1 && (text.p[text.len - 1] == '.' || text.p[text.len - 1] == '!'))
		text.len--;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (span_caseeq(text, span_of(words[i].word))) {
			*yes = words[i].yes;
			return RES_OK;
		}
	return RES_INVALID;
}

/* -- Options ----------------------------------------------------------------------------------- */

static bool
begins(const char *text, struct span start)
{
	struct span in = span_of(text);

	return in.len >= start.len && span_caseeq((struct span){ in.p, start.len }, start);
}

static bool
is_exact(const struct option *o, struct span text)
{
	return span_caseeq(span_of(o->value), text) || span_caseeq(span_of(o->label), text);
}

static bool
is_begun(const struct option *o, struct span text)
{
	return begins(o->value, text) || (o->label != NULL && begins(o->label, text));
}

/* How many options fit, and the first that does. */
static size_t
count_fits(const struct field *fd, struct span text,
    bool (*fits)(const struct option *o, struct span text), const struct option **first)
{
	size_t n = 0;

	*first = NULL;
	for (const struct option *o = fd->options; o != NULL; o = o->next)
		if (fits(o, text) && n++ == 0)
			*first = o;
	return n;
}

static enum res
refuse_option(const struct field *fd, struct span text, bool many, struct buf *why)
{
	struct span shown = utf8_prefix(text, SHOWN_CHARS);
	size_t n = 0;

	buf_printf(why, "“%.*s%s” is %s: write", (int)shown.len, shown.p,
	    shown.len < text.len ? "…" : "", many ? "the beginning of more than one" : "none of them");
	for (const struct option *o = fd->options; o != NULL; o = o->next) {
		if (many && !is_begun(o, text))
			continue;
		if (n == NAMED_MAX) {
			buf_text(why, " …");
			break;
		}
		buf_printf(why, "%s %s", n++ > 0 ? "," : "", o->value);
	}
	buf_text(why, ".");
	return RES_INVALID;
}

static enum res
answer_list(struct form *out, const struct field *asked, struct span text, struct buf *why)
{
	const struct option *o;

	if (asked->options == NULL) {
		form_set(out, asked->var, arena_span(&out->arena, text));
		return RES_OK;
	}
	/* Two options may have the same words; then the first is as good as the second. */
	if (count_fits(asked, text, is_exact, &o) == 0) {
		size_t n = count_fits(asked, text, is_begun, &o);
		if (n != 1)
			return refuse_option(asked, text, n > 1, why);
	}
	form_set(out, asked->var, o->value);
	return RES_OK;
}

/* -- Other types ------------------------------------------------------------------------------- */

static struct field *
emptied(struct form *out, const struct field *asked)
{
	struct field *fd = form_find(out, asked->var);

	if (fd == NULL)
		return form_add(out, asked->type, asked->var, NULL);
	fd->values = fd->last_value = NULL;
	return fd;
}

static enum res
answer_words(struct form *out, const struct field *asked, struct span text, struct buf *why)
{
	struct field *fd = NULL;
	struct span word;

	while (take_item(&text, &word)) {
		const struct option *o = NULL;
		const char *value;

		if (fd == NULL)
			fd = emptied(out, asked);
		/* Ids may be written in other letters than the option's: who reads them knows. */
		count_fits(asked, word, is_exact, &o);
		value = o != NULL ? o->value : arena_span(&out->arena, word);
		form_value(out, fd, value);
	}
	if (fd != NULL)
		return RES_OK;
	buf_text(why, "Write one or more, separated by spaces.");
	return RES_INVALID;
}

static enum res
answer_boolean(struct form *out, const struct field *asked, struct span text, struct buf *why)
{
	bool yes;

	if (chat_yes_no(text, &yes) != RES_OK) {
		buf_text(why, "Write yes or no.");
		return RES_INVALID;
	}
	/* XEP-0004 section 3.3, as XML Schema writes it. */
	form_set(out, asked->var, yes ? "1" : "0");
	return RES_OK;
}

static enum res
answer_lines(struct form *out, const struct field *asked, struct span text, struct buf *why)
{
	(void)why;
	form_lines(out, emptied(out, asked), text);
	return RES_OK;
}

static enum res
answer_text(struct form *out, const struct field *asked, struct span text, struct buf *why)
{
	(void)why;
	form_set(out, asked->var, arena_span(&out->arena, text));
	return RES_OK;
}

enum res
chat_answer(struct form *out, const struct field *asked, struct span text, struct buf *why)
{
	static enum res (*const answers[FIELD_END])(struct form *out, const struct field *asked,
	    struct span text, struct buf *why) = {
		[FIELD_TEXT_MULTI] = answer_lines,
		[FIELD_LIST] = answer_list,
		[FIELD_LIST_MULTI] = answer_words,
		[FIELD_BOOLEAN] = answer_boolean,
	};
	enum res res;

	if (text.len > CHAT_LINE_MAX) {
		buf_text(why, "This is too long: shorten it.");
		return RES_INVALID;
	}
	text = span_trim(text);
	if (text.len == 0) {
		buf_text(why, "This is empty: write an answer.");
		return RES_INVALID;
	}
	if (!xml_text_valid(text)) {
		buf_text(why,
		    "It has a character that cannot be sent: remove control characters.");
		return RES_INVALID;
	}
	res = (answers[asked->type] != NULL ? answers[asked->type] : answer_text)(
	    out, asked, text, why);
	return res == RES_OK && out->arena.failed ? RES_NOMEM : res;
}

/* -- Likeness ---------------------------------------------------------------------------------- */

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: no piece is changed twice. */
unsigned
chat_distance(const char *a, const char *b)
{
	unsigned rows[3][DISTANCE_LEN_MAX + 1];
	const size_t na = strlen(a), nb = strlen(b);
	unsigned *before = rows[0], *last = rows[1], *row = rows[2];

	if (na > DISTANCE_LEN_MAX || nb > DISTANCE_LEN_MAX)
		return strcmp(a, b) == 0 ? 0 : (unsigned)(na > nb ? na : nb);
	for (size_t k = 0; k <= nb; k++)
		last[k] = before[k] = (unsigned)k;
	for (size_t i = 1; i <= na; i++) {
		row[0] = (unsigned)i;
		for (size_t k = 1; k <= nb; k++) {
			row[k] = least(least(last[k], row[k - 1]) + 1,
			    last[k - 1] + (a[i - 1] != b[k - 1]));
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
				row[k] = least(row[k], before[k - 2] + 1);
		}
		unsigned *spare = before;
		before = last;
		last = row;
		row = spare;
	}
	return last[nb];
}
