#include <stdbool.h>
#include <string.h>

#include "base/parse.h"
#include "core/body.h"

#define ELLIPSIS "\xe2\x80\xa6"

enum res
body_im(struct buf *out, struct span text)
{
	size_t start = out->len;

	if (!xml_text_valid(text))
		return RES_INVALID;
	buf_text(out, "<body>");
	xml_escape(out, text);
	if (buf_text(out, "</body>") == RES_OK)
		return RES_OK;
	buf_cut(out, start);
	return RES_NOMEM;
}

/*
 * One tag of inner XML.  Comments, processing instructions and sections have no place in XMPP (RFC
 * 6120 section 11.1).
 */
struct tag {
	struct span name;
	bool closes; /* </name> */
	bool empty;  /* <name/> */
};

static bool
ends_name(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '/' || c == '>';
}

static bool
take_tag(struct span *in, struct tag *tag)
{
	char quote = '\0';
	size_t i = 0;

	if (!take_char(in, '<'))
		return false;
	tag->closes = take_char(in, '/');
	tag->name.p = in->p;
	while (i < in->len && !ends_name(in->p[i]))
		i++;
	tag->name.len = i;
	if (i == 0 || in->p[0] == '!' || in->p[0] == '?')
		return false;
	for (; i < in->len; i++) {
		char c = in->p[i];
		if (quote == '\0' && c == '>')
			break;
		if (quote == '\0' && (c == '"' || c == '\''))
			quote = c;
		else if (c == quote)
			quote = '\0';
	}
	if (i == in->len)
		return false;
	tag->empty = in->p[i - 1] == '/';
	in->p += i + 1;
	in->len -= i + 1;
	return !(tag->closes && tag->empty);
}

/* What stands before the next '<'. */
static struct span
take_plain(struct span *in)
{
	const char *lt = in->len > 0 ? memchr(in->p, '<', in->len) : NULL;
	struct span plain = { in->p, lt != NULL ? (size_t)(lt - in->p) : in->len };

	in->p += plain.len;
	in->len -= plain.len;
	return plain;
}

enum res
body_im_text(struct buf *out, struct span inner)
{
	struct tag tag;
	size_t depth = 0;

	for (;;) {
		take_plain(&inner);
		if (inner.len == 0 || !take_tag(&inner, &tag))
			return RES_PERMFAIL;
		if (depth == 0 && !tag.closes && span_eq(tag.name, SPAN("body")))
			break;
		if (tag.closes && depth-- == 0)
			return RES_PERMFAIL;
		if (!tag.closes && !tag.empty)
			depth++;
	}
	if (tag.empty)
		return RES_OK;
	struct span text = take_plain(&inner);
	if (!take_tag(&inner, &tag) || !tag.closes || !span_eq(tag.name, SPAN("body")) ||
	    !xml_text_valid(text))
		return RES_PERMFAIL;
	enum res res = xml_unescape(out, text);
	return res == RES_INVALID ? RES_PERMFAIL : res;
}

/*
 * What would end a line, or is shown as space: ASCII, and of Unicode NEL, the two separators and
 * the no-break space.
 */
static bool
is_blank(const char *p, size_t n)
{
	static const char *const blanks[] = { " ", "\t", "\n", "\v", "\f", "\r", "\xc2\x85",
		"\xc2\xa0", "\xe2\x80\xa8", "\xe2\x80\xa9" };

	for (size_t i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++)
		if (span_eq((struct span){ p, n }, span_of(blanks[i])))
			return true;
	return false;
}

enum res
body_excerpt(struct buf *out, struct span text, size_t chars)
{
	size_t start = out->len, room_for_more = start, n = 0;
	bool space = false;

	for (size_t i = 0; i < text.len && n <= chars;) {
		size_t len = utf8_char(text.p + i, text.len - i);
		struct span c = { text.p + i, len != 0 ? len : 1 };
		i += c.len;
		if (is_blank(c.p, c.len)) {
			space = n > 0;
			continue;
		}
		/* Whatever no line should have. */
		if (!xml_text_valid(c) || c.p[0] == 0x7f)
			c = SPAN("?");
		if (space && n + 1 < chars)
			buf_text(out, " ");
		n += space ? 2 : 1;
		space = false;
		if (n <= chars)
			buf_span(out, c);
		/* The last place at which "…" still fits, never after a space. */
		if (n < chars)
			room_for_more = out->len;
	}
	if (n > chars) {
		buf_cut(out, room_for_more);
		if (chars > 0)
			buf_text(out, ELLIPSIS);
	}
	if (out->failed) {
		buf_cut(out, start);
		return RES_NOMEM;
	}
	return RES_OK;
}
