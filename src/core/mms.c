#include <openssl/evp.h>
#include <string.h>

#include "base/parse.h"
#include "core/mms_private.h"

#define TOKEN_MAX     127 /* RFC 6838 section 4.2 */
#define LINE_MAX_8BIT 998 /* RFC 2045 section 2.8 */
#define PLAIN_MAX     69  /* with the field's name a line of 78: RFC 5322 section 2.1.1 */
#define WORD_BYTES    39  /* with the field's name a line of 76: RFC 2047 section 2 */

/* RFC 2045 section 5.1. */
static bool
take_token(struct span *in)
{
	size_t n = 0;

	while (n < in->len && in->p[n] > ' ' && in->p[n] < 0x7f &&
	    strchr("()<>@,;:\\\"/[]?=", in->p[n]) == NULL)
		n++;
	*in = (struct span){ in->p + n, in->len - n };
	return n > 0 && n <= TOKEN_MAX;
}

static bool
is_type(const char *type)
{
	struct span in = span_of(type);

	return type != NULL && take_token(&in) && take_char(&in, '/') && take_token(&in) &&
	    in.len == 0;
}

static bool
is_url(const char *url)
{
	for (; url != NULL && *url != '\0'; url++)
		if ((unsigned char)*url < ' ' || *url == 0x7f)
			return false;
	return true;
}

enum res
mms_check(const struct mms *mms)
{
	struct span s = mms->subject;

	if (mms->nmedia > MMS_MEDIA_MAX || !xml_text_valid(s) || !xml_text_valid(mms->text) ||
	    (s.len > 0 && (memchr(s.p, '\n', s.len) || memchr(s.p, '\r', s.len))))
		return RES_INVALID;
	for (size_t i = 0; i < mms->nmedia; i++)
		if (!is_type(mms->media[i].type) || !is_url(mms->media[i].url))
			return RES_INVALID;
	return RES_OK;
}

/* No text has its own digest in it, and in the other parts no line begins with "--". */
enum res
mms_boundary(char out[MMS_BOUNDARY_LEN + 1], struct span text)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	char *p = stpcpy(out, "laterd-");

	if (EVP_Digest(text.len > 0 ? text.p : "", text.len, hash, NULL, EVP_sha256(), NULL) != 1)
		return RES_NOMEM;
	for (size_t i = 0; p < out + MMS_BOUNDARY_LEN; i++)
		*p++ = "0123456789abcdef"[i % 2 == 0 ? hash[i / 2] >> 4 : hash[i / 2] & 0x0f];
	*p = '\0';
	return RES_OK;
}

/* -- Header fields ----------------------------------------------------------------------------- */

static void
put_base64(struct buf *out, const char *p, size_t len)
{
	char *to = buf_extend(out, (len + 2) / 3 * 4);

	if (to != NULL)
		EVP_EncodeBlock((uint8_t *)to, (const uint8_t *)p, (int)len);
}

/* What needs no encoded word, and cannot be taken for one. */
static bool
is_plain(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < ' ' || s.p[i] > '~')
			return false;
	return s.len <= PLAIN_MAX && s.p[0] != ' ' && s.p[s.len - 1] != ' ' &&
	    memmem(s.p, s.len, "=?", 2) == NULL;
}

static void
put_subject(struct buf *out, struct span s)
{
	if (s.len == 0)
		return;
	buf_text(out, MMS_SUBJECT);
	if (is_plain(s)) {
		buf_span(out, s);
		s.len = 0;
	}
	/* Each encoded word has whole characters (RFC 2047 section 5). */
	for (size_t i = 0; s.len > 0; i++) {
		size_t n = 0, c = 0;
		while (n < s.len && n + (c = utf8_char(s.p + n, s.len - n)) <= WORD_BYTES)
			n += c;
		buf_text(out, i > 0 ? "\r\n " MMS_WORD_BEFORE : MMS_WORD_BEFORE);
		put_base64(out, s.p, n);
		buf_text(out, MMS_WORD_AFTER);
		s = (struct span){ s.p + n, s.len - n };
	}
	buf_text(out, "\r\n");
}

/* -- The presentation -------------------------------------------------------------------------- */

/* By the top-level type; the last row is for all others. */
static const struct element {
	const char *type, *name, *region;
	bool lasts; /* it has a length of its own, which ends the slide */
} elements[] = {
	{ "image/", "img", " region=\"Image\"", false },
	{ "video/", "video", " region=\"Image\"", true },
	{ "audio/", "audio", "", true },
	{ "", "ref", "", false },
};

static const struct element *
element_for(const char *type)
{
	size_t i = 0;
	struct span in = span_of(type);

	while (!take_word(&in, elements[i].type))
		i++;
	return &elements[i];
}

#define REGION(id, top, height) \
	"<region id=\"" id "\" left=\"0%\" top=\"" top "\" width=\"100%\" height=\"" height \
	"\" fit=\"meet\"/>"

static void
put_layout(struct buf *out, const struct mms *mms)
{
	bool image = false, text = mms->text.len > 0;

	for (size_t i = 0; i < mms->nmedia; i++)
		image = image || *element_for(mms->media[i].type)->region != '\0';
	buf_text(out, "<layout><root-layout width=\"100%\" height=\"100%\"/>");
	if (image)
		buf_text(out,
		    text ? REGION("Image", "0%", "70%") : REGION("Image", "0%", "100%"));
	if (text)
		buf_text(out, image ? REGION("Text", "70%", "30%") : REGION("Text", "0%", "100%"));
	buf_text(out, "</layout>");
}

/* OMA-TS-MMS-CONF: one medium a slide, and the text with the first. */
static void
put_smil(struct buf *out, const struct mms *mms)
{
	static const char still[] = " dur=\"5000ms\"";
	static const char text[] = "<text src=\"cid:text\" region=\"Text\"/>";

	buf_text(out, "<smil><head>");
	put_layout(out, mms);
	buf_text(out, "</head><body>");
	for (size_t i = 0; i < mms->nmedia; i++) {
		const struct element *e = element_for(mms->media[i].type);
		buf_printf(out, "<par%s><%s src=\"cid:medium-%zu\"%s/>%s</par>",
		    e->lasts ? "" : still, e->name, i + 1, e->region,
		    i == 0 && mms->text.len > 0 ? text : "");
	}
	if (mms->nmedia == 0 && mms->text.len > 0)
		buf_printf(out, "<par%s>%s</par>", still, text);
	buf_text(out, "</body></smil>");
}

/* -- The entity -------------------------------------------------------------------------------- */

/* RFC 2045 section 2.8: short lines that end with CRLF; anything else is binary. */
static bool
is_8bit(struct span text)
{
	size_t line = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];
		if (c == '\r' && i + 1 < text.len && text.p[i + 1] == '\n') {
			i++;
			line = 0;
		} else if (c == '\r' || c == '\n' || ++line > LINE_MAX_8BIT)
			return false;
	}
	return true;
}

void
mms_put_front(struct buf *out, const struct mms *mms, const char *boundary)
{
	buf_printf(out, "Content-Type: %s%s%s\r\n", MMS_TYPE_BEFORE, boundary, MMS_TYPE_AFTER);
	put_subject(out, mms->subject);
	buf_printf(out,
	    "\r\n--%s\r\n"
	    "Content-Type: application/smil; charset=utf-8\r\n"
	    "Content-ID: <smil>\r\n\r\n",
	    boundary);
	put_smil(out, mms);
	if (mms->text.len == 0)
		return;
	buf_printf(out, "\r\n--%s\r\n%sContent-Transfer-Encoding: %s\r\n\r\n", boundary,
	    MMS_TEXT_PART, is_8bit(mms->text) ? "8bit" : "binary");
	buf_span(out, mms->text);
}

static void
put_medium(struct buf *out, const struct mms *mms, size_t i, const char *boundary)
{
	const struct mms_medium *m = &mms->media[i];
	struct span rest = m->bytes;

	buf_printf(
	    out, "\r\n--%s\r\n" MMS_TYPE_FIELD "%s\r\n" MMS_ID, boundary, m->type, i + 1);
	if (m->url != NULL)
		buf_printf(out, MMS_LOCATION "%s\r\n", m->url);
	buf_text(out, MMS_BASE64);
	while (rest.len > 0 && !out->failed) {
		size_t n = rest.len < MMS_LINE_BYTES ? rest.len : MMS_LINE_BYTES;
		put_base64(out, rest.p, n);
		rest = (struct span){ rest.p + n, rest.len - n };
		if (rest.len > 0)
			buf_text(out, "\r\n");
	}
}

enum res
mms_build(struct buf *out, const struct mms *mms)
{
	char boundary[MMS_BOUNDARY_LEN + 1];
	size_t start = out->len;
	enum res res = mms_check(mms);

	if (res == RES_OK)
		res = mms_boundary(boundary, mms->text);
	if (res != RES_OK)
		return res;
	mms_put_front(out, mms, boundary);
	for (size_t i = 0; i < mms->nmedia; i++)
		put_medium(out, mms, i, boundary);
	buf_printf(out, "\r\n--%s--\r\n", boundary);
	if (!out->failed)
		return RES_OK;
	buf_cut(out, start);
	return RES_NOMEM;
}
