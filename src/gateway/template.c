#include <curl/curl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "gateway/template.h"

static const char *const place_names[NPLACES] = {
	[PLACE_TO] = "to",
	[PLACE_FROM] = "from",
	[PLACE_TEXT] = "text",
	[PLACE_ID] = "id",
	[PLACE_SUBJECT] = "subject",
	[PLACE_DLR_URL] = "dlr_url",
	[PLACE_USER] = "user",
	[PLACE_SECRET] = "secret",
	[PLACE_MEDIA] = "media",
	[PLACE_TYPE] = "type",
	[PLACE_N] = "n",
	[PLACE_CODING] = "coding",
};

#define CODING_PREFIX SPAN("coding:")

enum piece_kind { PIECE_END, PIECE_LITERAL, PIECE_PLACE, PIECE_BAD };

struct piece {
	enum piece_kind kind;
	enum place place;
	struct span text;      /* of PIECE_LITERAL; of PIECE_BAD, what is wrong */
	struct span choice[2]; /* of PLACE_CODING */
};

static struct span
cut(struct span *in, size_t n)
{
	struct span head = { in->p, n };

	*in = (struct span){ in->p + n, in->len - n };
	return head;
}

static bool
begins_with(struct span text, struct span prefix)
{
	return text.len >= prefix.len && memcmp(text.p, prefix.p, prefix.len) == 0;
}

static bool
read_choice(struct span name, struct piece *out)
{
	cut(&name, CODING_PREFIX.len);
	const char *bar = name.len > 0 ? memchr(name.p, '|', name.len) : NULL;

	if (bar == NULL)
		return false;
	out->choice[0] = cut(&name, (size_t)(bar - name.p));
	cut(&name, 1);
	out->choice[1] = name;
	return name.len == 0 || memchr(name.p, '|', name.len) == NULL;
}

/* name: what stands between the braces. */
static bool
read_place(struct span name, struct piece *out)
{
	if (begins_with(name, CODING_PREFIX)) {
		out->place = PLACE_CODING;
		return read_choice(name, out);
	}
	for (size_t i = 0; i < NPLACES; i++)
		if (i != PLACE_CODING && span_eq(name, span_of(place_names[i]))) {
			out->place = (enum place)i;
			return true;
		}
	return false;
}

static struct piece
next_piece(struct span *in)
{
	struct piece out = { .kind = PIECE_LITERAL };
	size_t n = 0;

	if (in->len == 0)
		return (struct piece){ .kind = PIECE_END };
	while (n < in->len && in->p[n] != '{' && in->p[n] != '}')
		n++;
	if (n > 0) {
		out.text = cut(in, n);
		return out;
	}
	if (in->len > 1 && in->p[1] == in->p[0]) {
		cut(in, 1);
		out.text = cut(in, 1);
		return out;
	}
	const char *end = memchr(in->p, '}', in->len);
	size_t len = end != NULL ? (size_t)(end - in->p) + 1 : in->len;
	out.text = cut(in, len);
	out.kind = out.text.p[0] == '{' && end != NULL &&
	                   read_place((struct span){ out.text.p + 1, len - 2 }, &out)
	               ? PIECE_PLACE
	               : PIECE_BAD;
	return out;
}

enum res
template_check(struct span text, unsigned *places, struct buf *why)
{
	for (;;) {
		struct piece piece = next_piece(&text);
		switch (piece.kind) {
		case PIECE_END:
			return RES_OK;
		case PIECE_PLACE:
			*places |= PLACE_BIT(piece.place);
			break;
		case PIECE_LITERAL:
			break;
		case PIECE_BAD:
			buf_printf(why, "“%.*s” is no placeholder (a brace is written {{ or }})",
			    piece.text.len < 40 ? (int)piece.text.len : 40, piece.text.p);
			return RES_INVALID;
		}
	}
}

struct template_values
template_bind(const struct template_values *v, size_t i)
{
	struct template_values bound = *v;

	bound.v[PLACE_MEDIA] = bound.v[PLACE_TYPE] = bound.v[PLACE_N] = (struct span){ NULL, 0 };
	if (i < v->nmedia) {
		bound.v[PLACE_MEDIA] = v->media[i].value;
		bound.v[PLACE_TYPE] = v->media[i].type;
		bound.v[PLACE_N] = span_of(v->media[i].number);
	}
	return bound;
}

static struct span
value_of(const struct piece *piece, const struct template_values *v)
{
	if (piece->place == PLACE_CODING)
		return piece->choice[v->ucs2 ? 1 : 0];
	return v->v[piece->place];
}

enum res
template_escape(struct buf *out, struct span text)
{
	if (text.len == 0)
		return RES_OK;
	/* curl_easy_escape needs three times as much, in an int. */
	if (text.len > INT_MAX / 4) {
		out->failed = true;
		return RES_NOMEM;
	}
	char *escaped = curl_easy_escape(NULL, text.p, (int)text.len);
	if (escaped == NULL) {
		out->failed = true;
		return RES_NOMEM;
	}
	enum res res = buf_text(out, escaped);
	curl_free(escaped);
	return res;
}

enum res
template_fill(
    struct buf *out, struct span text, const struct template_values *v, enum template_form form)
{
	size_t start = out->len;

	for (bool first = true;; first = false) {
		struct piece piece = next_piece(&text);
		if (piece.kind == PIECE_END)
			break;
		if (piece.kind != PIECE_PLACE) {
			buf_span(out, piece.text);
			continue;
		}
		struct span value = value_of(&piece, v);
		if (value.len == 0 && first && text.len == 0)
			return RES_NOTFOUND;
		if (form == TEMPLATE_ESCAPED)
			template_escape(out, value);
		else
			buf_span(out, value);
	}
	if (!out->failed)
		return RES_OK;
	buf_cut(out, start);
	return RES_NOMEM;
}
