#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "core/mms_private.h"

/* What is still to be read, and how parts are told apart. */
struct reader {
	struct span in;
	char delimiter[2 + 2 + MMS_BOUNDARY_LEN + 1]; /* "\r\n--boundary" */
	struct arena *arena;
};

static void
advance(struct span *in, size_t n)
{
	*in = (struct span){ in->p + n, in->len - n };
}

/* To the letter, unlike take_word. */
static bool
take_text(struct span *in, const char *text)
{
	size_t len = strlen(text);

	if (in->len < len || memcmp(in->p, text, len) != 0)
		return false;
	advance(in, len);
	return true;
}

/* What stands before `end`, which stays. */
static bool
take_until(struct span *in, const char *end, struct span *out)
{
	const char *at = in->len > 0 ? memmem(in->p, in->len, end, strlen(end)) : NULL;

	if (at == NULL)
		return false;
	*out = (struct span){ in->p, (size_t)(at - in->p) };
	advance(in, out->len);
	return true;
}

/* The whole span, canonical; to has room for it.  n: how many bytes it had. */
static bool
decode_quads(uint8_t *to, struct span chars, size_t *n)
{
	uint8_t again[MMS_LINE_CHARS + 1];

	if (chars.len == 0 || chars.len % 4 != 0 || chars.len > MMS_LINE_CHARS ||
	    EVP_DecodeBlock(to, (const uint8_t *)chars.p, (int)chars.len) < 0)
		return false;
	*n = chars.len / 4 * 3 - (chars.p[chars.len - 1] == '=') - (chars.p[chars.len - 2] == '=');
	/* OpenSSL reads white space, too much padding and bits beyond the end as well. */
	return EVP_EncodeBlock(again, to, (int)*n) == (int)chars.len &&
	    memcmp(again, chars.p, chars.len) == 0;
}

/* -- Header fields ----------------------------------------------------------------------------- */

/* As mms_build writes it, or nearly: the front is compared as a whole. */
static enum res
read_subject(struct arena *arena, struct span value, struct span *out)
{
	uint8_t bytes[MMS_LINE_BYTES] = { 0 };
	size_t len = 0, n;
	struct span word;

	/* Decoding makes it shorter. */
	char *text = arena_alloc(arena, value.len + 1);
	if (text == NULL)
		return RES_NOMEM;
	while (take_text(&value, MMS_WORD_BEFORE)) {
		if (!take_until(&value, MMS_WORD_AFTER, &word) || !decode_quads(bytes, word, &n))
			return RES_PERMFAIL;
		memcpy(text + len, bytes, n);
		len += n;
		advance(&value, strlen(MMS_WORD_AFTER));
		take_text(&value, "\r\n ");
	}
	if (len == 0) {
		memcpy(text, value.p, value.len);
		len = value.len;
		value.len = 0;
	}
	*out = (struct span){ text, len };
	return value.len == 0 ? RES_OK : RES_PERMFAIL;
}

/* The value of a field, which may be folded (RFC 5322 section 2.2.3), and its line end. */
static bool
take_value(struct span *in, struct span *out)
{
	struct span line;
	const char *start = in->p;

	do {
		if (!take_until(in, "\r\n", &line))
			return false;
		advance(in, 2);
	} while (in->len > 0 && in->p[0] == ' ');
	*out = (struct span){ start, (size_t)(in->p - start) - 2 };
	return true;
}

/* Up to and with the blank line; an absent subject is {NULL, 0}. */
static bool
take_head(struct span *in, struct span *content_type, struct span *boundary, struct span *subject)
{
	*subject = (struct span){ NULL, 0 };
	if (!take_text(in, MMS_TYPE_FIELD) || !take_until(in, "\r\n", content_type))
		return false;
	struct span type = *content_type;
	if (!take_text(&type, MMS_TYPE_BEFORE) || type.len < MMS_BOUNDARY_LEN)
		return false;
	*boundary = (struct span){ type.p, MMS_BOUNDARY_LEN };
	advance(&type, MMS_BOUNDARY_LEN);
	if (!span_eq(type, SPAN(MMS_TYPE_AFTER)))
		return false;
	advance(in, 2);
	if (take_text(in, MMS_SUBJECT) && !take_value(in, subject))
		return false;
	return take_text(in, "\r\n");
}

enum res
mms_split(struct span entity, struct span *content_type, struct span *parts)
{
	struct span boundary, subject;

	if (!take_head(&entity, content_type, &boundary, &subject))
		return RES_PERMFAIL;
	*parts = entity;
	return RES_OK;
}

/* -- Parts ------------------------------------------------------------------------------------- */

static enum res
read_bytes(struct arena *arena, struct span content, struct span *out)
{
	uint8_t line[MMS_LINE_BYTES] = { 0 };
	size_t full = content.len / (MMS_LINE_CHARS + 2), last = content.len % (MMS_LINE_CHARS + 2);
	size_t n = 0;
	struct span rest = content;

	*out = (struct span){ "", 0 };
	if (content.len == 0)
		return RES_OK;
	/* Lines that are not full make it too large, never too small. */
	char *to = arena_alloc(arena, (full * MMS_LINE_CHARS + last) / 4 * 3);
	if (to == NULL)
		return RES_NOMEM;
	out->p = to;
	for (;;) {
		struct span chars = { rest.p, rest.len };
		if (chars.len > MMS_LINE_CHARS)
			chars.len = MMS_LINE_CHARS;
		if (!decode_quads(line, chars, &n))
			return RES_PERMFAIL;
		memcpy(to + out->len, line, n);
		out->len += n;
		advance(&rest, chars.len);
		if (rest.len == 0)
			return RES_OK;
		/* A full line ends only where another follows, and has no padding. */
		if (n != MMS_LINE_BYTES || !take_text(&rest, "\r\n"))
			return RES_PERMFAIL;
	}
}

/* One medium, behind its delimiter.  whole: with its bytes. */
static enum res
read_medium(struct reader *r, struct mms *out, bool whole)
{
	struct mms_medium *m = &out->media[out->nmedia];
	struct span type, url = { NULL, 0 }, content;
	char id[64];

	if (out->nmedia == MMS_MEDIA_MAX)
		return RES_PERMFAIL;
	snprintf(id, sizeof(id), MMS_ID, out->nmedia + 1);
	if (!take_text(&r->in, "\r\n" MMS_TYPE_FIELD) || !take_until(&r->in, "\r\n", &type) ||
	    !take_text(&r->in, "\r\n") || !take_text(&r->in, id))
		return RES_PERMFAIL;
	if (take_text(&r->in, MMS_LOCATION) &&
	    !(take_until(&r->in, "\r\n", &url) && take_text(&r->in, "\r\n")))
		return RES_PERMFAIL;
	if (!take_text(&r->in, MMS_BASE64) || !take_until(&r->in, r->delimiter, &content))
		return RES_PERMFAIL;
	/* They become strings. */
	if (memchr(type.p, '\0', type.len) != NULL ||
	    (url.len > 0 && memchr(url.p, '\0', url.len) != NULL))
		return RES_PERMFAIL;
	m->type = arena_span(r->arena, type);
	m->url = arena_span(r->arena, url);
	out->nmedia++;
	return whole ? read_bytes(r->arena, content, &m->bytes) : RES_OK;
}

static enum res
read_text(struct reader *r, struct span *out)
{
	struct span text;
	const char *copy;

	if (!take_text(&r->in, "8bit\r\n\r\n") && !take_text(&r->in, "binary\r\n\r\n"))
		return RES_PERMFAIL;
	if (!take_until(&r->in, r->delimiter, &text))
		return RES_PERMFAIL;
	if ((copy = arena_span(r->arena, text)) == NULL)
		return RES_NOMEM;
	*out = (struct span){ copy, text.len };
	return RES_OK;
}

/* What was read must be what mms_build would have made of it, up to the first medium. */
static enum res
check_front(const struct mms *mms, struct span front)
{
	char boundary[MMS_BOUNDARY_LEN + 1];
	/* Whatever it comes to, it comes to less: so a failure is one of memory. */
	struct buf again = { .max = 4 * front.len + 8192 };

	if (mms_check(mms) != RES_OK)
		return RES_PERMFAIL;
	enum res res = mms_boundary(boundary, mms->text);
	if (res != RES_OK)
		return res;
	mms_put_front(&again, mms, boundary);
	if (again.failed)
		res = RES_NOMEM;
	else if (!span_eq(buf_as_span(&again), front))
		res = RES_PERMFAIL;
	buf_free(&again);
	return res;
}

/* From the first delimiter to the last.  front_end: where the first medium's delimiter stands. */
static enum res
read_parts(struct reader *r, struct mms *out, bool whole, const char **front_end)
{
	struct span smil;
	enum res res = RES_OK;
	char text_part[sizeof(r->delimiter) + 128];

	snprintf(text_part, sizeof(text_part), "%s\r\n%sContent-Transfer-Encoding: ", r->delimiter,
	    MMS_TEXT_PART);
	if (!take_text(&r->in, r->delimiter + 2) || !take_until(&r->in, r->delimiter, &smil))
		return RES_PERMFAIL;
	if (take_text(&r->in, text_part))
		res = read_text(r, &out->text);
	*front_end = r->in.p;
	while (res == RES_OK && take_text(&r->in, r->delimiter)) {
		if (span_eq(r->in, SPAN("--\r\n")))
			return RES_OK;
		res = read_medium(r, out, whole);
	}
	return res != RES_OK ? res : RES_PERMFAIL;
}

static enum res
read_entity(struct mms *out, struct span entity, struct arena *arena, bool whole)
{
	struct reader r = { .in = entity, .arena = arena };
	struct span type, boundary, subject;
	const char *front_end = NULL;
	enum res res = RES_OK;

	*out = (struct mms){ .subject = SPAN(""), .text = SPAN("") };
	if (!take_head(&r.in, &type, &boundary, &subject))
		return RES_PERMFAIL;
	snprintf(r.delimiter, sizeof(r.delimiter), "\r\n--%.*s", MMS_BOUNDARY_LEN, boundary.p);
	if (strlen(r.delimiter) != sizeof(r.delimiter) - 1)
		return RES_PERMFAIL;
	if (subject.p != NULL)
		res = read_subject(arena, subject, &out->subject);
	if (res == RES_OK)
		res = read_parts(&r, out, whole, &front_end);
	if (arena->failed)
		return RES_NOMEM;
	if (res != RES_OK)
		return res;
	return check_front(out, (struct span){ entity.p, (size_t)(front_end - entity.p) });
}

static enum res
parse(struct mms *out, struct span entity, struct arena *arena, bool whole)
{
	enum res res = read_entity(out, entity, arena, whole);

	if (res != RES_OK)
		*out = (struct mms){ .nmedia = 0 };
	return res;
}

enum res
mms_parse(struct mms *out, struct span entity, struct arena *arena)
{
	return parse(out, entity, arena, true);
}

enum res
mms_parse_summary(struct mms *out, struct span entity, struct arena *arena)
{
	return parse(out, entity, arena, false);
}
