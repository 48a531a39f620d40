#include <string.h>

#include "base/parse.h"
#include "core/chat_private.h"
#include "core/when.h"

#define SHOWN_CHARS 40 /* of what is not understood */

/* A line as its fields are filled. */
struct fill {
	struct form *out;
	const struct command_info *cmd;
	struct span in; /* what is still to be read */
	int64_t now;
	const struct zone *zone;
	struct buf *why;
};

/* -- Words ------------------------------------------------------------------------------------- */

static void
skip(struct span *in, size_t n)
{
	*in = (struct span){ in->p + n, in->len - n };
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* What stands before the next white space; empty at the end. */
static struct span
next_word(struct span *in)
{
	struct span word;

	take_space(in, 0);
	for (word = (struct span){ in->p, 0 }; in->len > 0 && !is_space(in->p[0]); word.len++)
		skip(in, 1);
	return word;
}

static struct span
take_rest(struct fill *f)
{
	struct span rest = span_trim(f->in);

	skip(&f->in, f->in.len);
	return rest;
}

enum res
chat_word(struct span line, char word[CHAT_WORD_MAX + 1], struct span *rest)
{
	struct span first;

	word[0] = '\0';
	*rest = line;
	if (line.len > CHAT_LINE_MAX)
		return RES_INVALID;
	if (line.len == 0)
		return RES_NOTFOUND;
	first = next_word(rest);
	if (!take_char(&first, '/'))
		take_char(&first, '!');
	take_space(rest, 0);
	if (first.len == 0)
		return RES_NOTFOUND;
	if (first.len > CHAT_WORD_MAX)
		return RES_INVALID;
	for (size_t i = 0; i < first.len; i++)
		if (first.p[i] <= ' ' || first.p[i] > '~')
			return RES_INVALID;
	for (size_t i = 0; i < first.len; i++) {
		char c = first.p[i];
		word[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	word[first.len] = '\0';
	return RES_OK;
}

/* -- What is wrong ----------------------------------------------------------------------------- */

static enum res
say_usage(struct fill *f)
{
	if (f->cmd->usage != NULL)
		buf_printf(f->why, " Write: %s", f->cmd->usage);
	return RES_INVALID;
}

/* “word” and what is wrong with it. */
static void
say_word(struct fill *f, struct span word, const char *problem)
{
	struct span shown = utf8_prefix(word, SHOWN_CHARS);

	buf_printf(f->why, "“%.*s%s” %s", (int)shown.len, shown.p,
	    shown.len < word.len ? "…" : "", problem);
}

static enum res
refuse_word(struct fill *f, struct span word, const char *problem)
{
	say_word(f, word, problem);
	return say_usage(f);
}

/* -- Fields ------------------------------------------------------------------------------------ */

static void
put_one(struct form *f, struct field *fd, struct span text)
{
	form_value(f, fd, arena_span(&f->arena, text));
}

static void
put_words(struct form *f, struct field *fd, struct span text)
{
	for (struct span word = next_word(&text); word.len > 0; word = next_word(&text))
		put_one(f, fd, word);
}

static enum res
put(struct fill *f, const char *var, struct span text)
{
	/* In a line no other field has more than one value. */
	static const struct {
		const char *var;
		void (*put)(struct form *f, struct field *fd, struct span text);
	} multis[] = {
		{ "body", form_lines },
		{ "media", put_words },
	};
	enum field_type type = FIELD_TEXT;
	size_t i = 0;

	if (var == NULL)
		return RES_NOMEM;
	if (form_find(f->out, var) != NULL)
		return refuse_word(f, span_of(var), "is given twice.");
	while (i < sizeof(multis) / sizeof(multis[0]) && strcmp(multis[i].var, var) != 0)
		i++;
	bool multi = i < sizeof(multis) / sizeof(multis[0]) && text.len > 0;
	if (multi)
		type = FIELD_TEXT_MULTI;
	struct field *fd = form_add(f->out, type, var, NULL);
	(multi ? multis[i].put : put_one)(f->out, fd, text);
	return RES_OK;
}

/* As the declaration spells it; NULL where it is not settable.  Borrowed from the declaration. */
static bool
find_settable(const struct fill *f, struct span name, struct span *var)
{
	struct span in = span_of(f->cmd->settable);

	if (span_caseeq(name, SPAN("text")))
		name = SPAN("body");
	while (take_item(&in, var))
		if (span_caseeq(*var, name))
			return true;
	return false;
}

static enum res
put_settable(struct fill *f, struct span var, struct span text)
{
	return put(f, arena_span(&f->out->arena, var), text);
}

/* -- name=value -------------------------------------------------------------------------------- */

/* Quotes as people and their keyboards write them, with all that may close them. */
static const struct {
	const char *open, *close[3];
} quotes[] = {
	{ "\"", { "\"" } },
	{ "“", { "”", "“", "\"" } },
	{ "„", { "“", "”", "\"" } },
	{ "”", { "”", "\"" } },
};

/* Moves `in` behind the quote; false: it does not end. */
static bool
take_quoted(struct span *in, const char *const close[3], struct span *value)
{
	for (*value = (struct span){ in->p, 0 }; in->len > 0; skip(in, 1), value->len++)
		for (size_t i = 0; i < 3 && close[i] != NULL; i++)
			if (take_word(in, close[i]))
				return true;
	return false;
}

static enum res
take_value(struct fill *f, struct span name, struct span *value)
{
	struct span *in = &f->in, at = f->in;

	for (size_t i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++) {
		if (!take_word(in, quotes[i].open))
			continue;
		if (!take_quoted(in, quotes[i].close, value))
			return refuse_word(
			    f, name, "has a quote that does not end: put one behind its value.");
		if (in->len > 0 && !take_space(in, 1))
			return refuse_word(
			    f, name, "has a quote with more behind it: put a space there.");
		return RES_OK;
	}
	if (at.len == 0 || take_space(&at, 1))
		*value = (struct span){ in->p, 0 };
	else
		*value = next_word(in);
	return RES_OK;
}

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

/* The name in front of a '=', if one stands at the beginning. */
static bool
find_name(struct span in, struct span *name)
{
	*name = (struct span){ in.p, 0 };
	while (name->len < in.len && is_name_char(in.p[name->len]))
		name->len++;
	return name->len > 0 && name->len < in.len && in.p[name->len] == '=';
}

/* One name=value, if one stands here; else nothing is moved. */
static enum res
take_setting(struct fill *f, bool *taken)
{
	struct span at = f->in, word, name, var, value;

	*taken = false;
	take_space(&at, 0);
	if (f->cmd->settable == NULL || !find_name(at, &name))
		return RES_OK;
	if (!find_settable(f, name, &var)) {
		/* The local part of an address may have a '='. */
		if (take_item(&at, &word) && memchr(word.p, '@', word.len) != NULL)
			return RES_OK;
		say_word(f, name, "cannot be set here, only ");
		buf_printf(f->why, "%s.", f->cmd->settable);
		return say_usage(f);
	}
	*taken = true;
	f->in = at;
	skip(&f->in, name.len + 1);
	enum res res = take_value(f, name, &value);
	return res == RES_OK ? put_settable(f, var, value) : res;
}

static enum res
take_settings(struct fill *f)
{
	enum res res = RES_OK;
	bool taken = true;

	while (res == RES_OK && taken)
		res = take_setting(f, &taken);
	return res;
}

/* -- Messages ---------------------------------------------------------------------------------- */

/* The words up to the first address, which is empty when there is none. */
static enum res
read_time(struct fill *f, const struct chat_medium *m, struct buf *when, struct span *first)
{
	struct span at, word;
	bool taken;

	*first = (struct span){ NULL, 0 };
	while (at = f->in, take_item(&at, &word)) {
		const char *gap = f->in.p;

		skip(&f->in, (size_t)(word.p - gap));
		enum res res = take_setting(f, &taken);
		if (res != RES_OK)
			return res;
		if (taken)
			continue;
		f->in = at;
		if (m->is_address(word)) {
			*first = word;
			return RES_OK;
		}
		if (when->len > 0)
			buf_append(when, gap, (size_t)(word.p - gap));
		buf_span(when, word);
	}
	skip(&f->in, f->in.len);
	return RES_OK;
}

/* The first address and those that follow it behind commas. */
static enum res
read_list(struct fill *f, const struct chat_medium *m, struct span first, struct buf *to)
{
	struct span at = f->in, word = first;

	for (;; at = f->in) {
		m->print(to, word);
		take_space(&at, 0);
		if (!take_char(&at, ','))
			return RES_OK;
		f->in = at;
		if (!take_item(&f->in, &word)) {
			skip(&f->in, f->in.len);
			return RES_OK;
		}
		if (!m->is_address(word))
			return refuse_word(f, word, m->not_one);
		buf_text(to, ", ");
	}
}

static enum res
put_text(struct fill *f, bool with_links)
{
	struct span text = take_rest(f), var, links = { NULL, 0 };
	enum res res = RES_OK;

	if (with_links && find_settable(f, SPAN("media"), &var) &&
	    form_find(f->out, "media") == NULL)
		links = chat_cut_links(&text);
	if (text.len > 0)
		res = put(f, "body", text);
	if (res == RES_OK && links.len > 0)
		res = put(f, "media", links);
	return res;
}

static enum res
fill_message(struct fill *f, const struct chat_medium *m, struct buf *when, struct buf *to)
{
	struct span first;
	enum res res = read_time(f, m, when, &first);

	if (res == RES_OK && when->failed)
		res = RES_NOMEM;
	if (res != RES_OK)
		return res;
	if (first.len == 0 &&
	    when_prefix(buf_as_span(when), f->now, f->zone) < when->len) {
		buf_text(f->why, m->missing);
		return say_usage(f);
	}
	if (when->len > 0)
		res = put(f, "when", buf_as_span(when));
	if (res != RES_OK || first.len == 0)
		return res;
	if ((res = read_list(f, m, first, to)) != RES_OK)
		return res;
	return to->failed ? RES_NOMEM : put(f, "to", buf_as_span(to));
}

static enum res fill_reminder(struct fill *f, const char *var);

static enum res
fill_medium(struct fill *f, const struct chat_medium *m)
{
	struct buf when = { .max = 2 * CHAT_LINE_MAX }, to = { .max = 2 * CHAT_LINE_MAX };
	enum res res;

	if (form_find(f->out, "to") != NULL)
		return fill_reminder(f, NULL);
	res = fill_message(f, m, &when, &to);
	buf_free(&when);
	buf_free(&to);
	return res == RES_OK ? put_text(f, m == &chat_numbers) : res;
}

/* -- Places ------------------------------------------------------------------------------------ */

static enum res
fill_word(struct fill *f, const char *var)
{
	struct span word;

	if (form_find(f->out, var) != NULL)
		return RES_OK;
	word = next_word(&f->in);
	return word.len > 0 ? put(f, var, word) : RES_OK;
}

static enum res
fill_words(struct fill *f, const char *var)
{
	struct field *fd = NULL;
	struct span word;
	enum res res;

	while ((res = take_settings(f)) == RES_OK && take_item(&f->in, &word)) {
		if (fd == NULL && form_find(f->out, var) != NULL)
			return refuse_word(f, span_of(var), "is given twice.");
		if (fd == NULL)
			fd = form_add(f->out, FIELD_LIST_MULTI, var, NULL);
		put_one(f->out, fd, word);
	}
	skip(&f->in, res == RES_OK ? f->in.len : 0);
	return res;
}

static enum res
fill_rest(struct fill *f, const char *var)
{
	struct span rest = take_rest(f);

	return rest.len > 0 ? put(f, var, rest) : RES_OK;
}

static enum res
fill_field(struct fill *f, const char *var)
{
	struct span name = next_word(&f->in), settable;

	(void)var;
	if (name.len > 1 && name.p[name.len - 1] == ':')
		name.len--;
	if (name.len == 0)
		return RES_OK;
	if (!find_settable(f, name, &settable)) {
		say_word(f, name, "cannot be changed here, only ");
		buf_printf(f->why, "%s.", f->cmd->settable != NULL ? f->cmd->settable : "nothing");
		return say_usage(f);
	}
	struct span value = take_rest(f);
	if (value.len == 0) {
		say_word(f, name, "has no value: write it behind it, ");
		buf_printf(f->why, "or %.*s=\"\" for none.", (int)name.len, name.p);
		return say_usage(f);
	}
	return put_settable(f, settable, value);
}

static enum res
fill_jids(struct fill *f, const char *var)
{
	(void)var;
	return fill_medium(f, &chat_jids);
}

static enum res
fill_numbers(struct fill *f, const char *var)
{
	(void)var;
	return fill_medium(f, &chat_numbers);
}

/* "remind me tomorrow 9:00" is how people say it. */
static enum res
fill_reminder(struct fill *f, const char *var)
{
	struct span behind = f->in;
	enum res res = RES_OK;
	size_t n = 0;

	(void)var;
	if (form_find(f->out, "when") == NULL) {
		take_space(&f->in, 0);
		behind = f->in;
		if (!span_caseeq(next_word(&behind), SPAN("me")) || !take_space(&behind, 1) ||
		    (n = when_prefix(behind, f->now, f->zone)) == 0) {
			behind = f->in;
			n = when_prefix(behind, f->now, f->zone);
		}
	}
	if (n > 0) {
		res = put(f, "when", (struct span){ behind.p, n });
		f->in = behind;
		skip(&f->in, n);
		if (f->in.len > 0 && memchr(",:;.", f->in.p[0], 4) != NULL)
			skip(&f->in, 1);
	}
	return res == RES_OK ? put_text(f, false) : res;
}

static enum res (*const fillers[])(struct fill *f, const char *var) = {
	[PLACE_WORD] = fill_word,
	[PLACE_WORDS] = fill_words,
	[PLACE_REST] = fill_rest,
	[PLACE_FIELD] = fill_field,
	[PLACE_ADDRESSES] = fill_jids,
	[PLACE_NUMBERS] = fill_numbers,
	[PLACE_REMINDER] = fill_reminder,
};

enum res
chat_fill(struct form *out, const struct command_info *cmd, struct span rest, int64_t now,
    const struct zone *zone, struct buf *why)
{
	struct fill f = { out, cmd, rest.p != NULL ? span_trim(rest) : SPAN(""), now, zone, why };
	enum res res = RES_OK;

	if (rest.len > CHAT_LINE_MAX) {
		buf_text(why, "This is too long: shorten it.");
		return RES_INVALID;
	}
	if (!xml_text_valid(rest)) {
		buf_text(why,
		    "It has a character that cannot be sent: remove control characters.");
		return RES_INVALID;
	}
	for (size_t i = 0; res == RES_OK && i < PLACES_MAX; i++) {
		const struct place *place = &cmd->places[i];
		if (place->kind == PLACE_END)
			break;
		if ((res = take_settings(&f)) == RES_OK)
			res = fillers[place->kind](&f, place->var);
	}
	if (res == RES_OK)
		res = take_settings(&f);
	if (res == RES_OK && span_trim(f.in).len > 0)
		return refuse_word(&f, next_word(&f.in),
		    cmd->places[0].kind == PLACE_END
			? "is one word too many: nothing stands behind this command."
			: "is one word too many.");
	return res == RES_OK && out->arena.failed ? RES_NOMEM : res;
}

bool
chat_is_message(
    const struct command_info *cmd, struct span rest, int64_t now, const struct zone *zone)
{
	struct form f = { 0 };
	struct buf why = { .max = 4096 };
	bool filled = chat_fill(&f, cmd, rest, now, zone, &why) == RES_OK;
	struct span when = span_of(form_get(&f, "when"));

	filled = filled && form_find(&f, "to") != NULL && when.len > 0 &&
	    when_prefix(when, now, zone) == when.len;
	form_free(&f);
	buf_free(&why);
	return filled;
}
