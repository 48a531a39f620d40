#include <assert.h>
#include <string.h>

#include "base/parse.h"

#define DIGITS_MAX 18 /* of any value in an int64_t */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
advance(struct span *in, size_t n)
{
	in->p += n;
	in->len -= n;
}

bool
take_char(struct span *in, char c)
{
	if (in->len == 0 || in->p[0] != c)
		return false;
	advance(in, 1);
	return true;
}

bool
take_word(struct span *in, const char *word)
{
	size_t len = strlen(word);

	if (in->len < len || !span_caseeq((struct span){ in->p, len }, (struct span){ word, len }))
		return false;
	if (len > 0)
		advance(in, len);
	return true;
}

bool
take_digits(struct span *in, unsigned min, unsigned max, int64_t *value)
{
	unsigned n = 0;
	int64_t sum = 0;

	assert(min <= max && max <= DIGITS_MAX);
	while (n < max && n < in->len && is_digit(in->p[n]))
		sum = sum * 10 + (in->p[n++] - '0');
	if (n < min)
		return false;
	if (n > 0)
		advance(in, n);
	*value = sum;
	return true;
}

bool
take_space(struct span *in, unsigned min)
{
	size_t n = 0;

	while (n < in->len && is_space(in->p[n]))
		n++;
	if (n < min)
		return false;
	if (n > 0)
		advance(in, n);
	return true;
}

static bool
ends_item(char c)
{
	return is_space(c) || c == ',';
}

bool
take_item(struct span *in, struct span *item)
{
	struct span at = *in;
	size_t n = 0;

	while (at.len > 0 && ends_item(at.p[0]))
		advance(&at, 1);
	while (n < at.len && !ends_item(at.p[n]))
		n++;
	if (n == 0)
		return false;
	*item = (struct span){ at.p, n };
	advance(&at, n);
	*in = at;
	return true;
}

enum res
parse_int(struct span text, int64_t min, int64_t max, int64_t *value)
{
	bool minus = take_char(&text, '-');
	int64_t sum = 0;

	if (text.len == 0)
		return RES_INVALID;
	for (size_t i = 0; i < text.len; i++) {
		if (!is_digit(text.p[i]))
			return RES_INVALID;
		int digit = minus ? '0' - text.p[i] : text.p[i] - '0';
		if (__builtin_mul_overflow(sum, (int64_t)10, &sum) ||
		    __builtin_add_overflow(sum, (int64_t)digit, &sum))
			return RES_INVALID;
	}
	if (sum < min || sum > max)
		return RES_INVALID;
	*value = sum;
	return RES_OK;
}

/* RFC 3629 section 4: by the first byte, how many follow and the bounds of the second. */
static const struct utf8_row {
	unsigned char first, last, more, low, high;
} utf8_rows[] = {
	{ 0x00, 0x7f, 0, 0x00, 0x00 },
	{ 0xc2, 0xdf, 1, 0x80, 0xbf },
	{ 0xe0, 0xe0, 2, 0xa0, 0xbf },
	{ 0xe1, 0xec, 2, 0x80, 0xbf },
	{ 0xed, 0xed, 2, 0x80, 0x9f },
	{ 0xee, 0xef, 2, 0x80, 0xbf },
	{ 0xf0, 0xf0, 3, 0x90, 0xbf },
	{ 0xf1, 0xf3, 3, 0x80, 0xbf },
	{ 0xf4, 0xf4, 3, 0x80, 0x8f },
};

size_t
utf8_char(const char *p, size_t len)
{
	const unsigned char *u = (const unsigned char *)p;

	if (len == 0)
		return 0;
	for (size_t i = 0; i < sizeof(utf8_rows) / sizeof(utf8_rows[0]); i++) {
		const struct utf8_row *row = &utf8_rows[i];
		if (u[0] < row->first || u[0] > row->last)
			continue;
		if (row->more == 0)
			return 1;
		if (len <= row->more || u[1] < row->low || u[1] > row->high)
			return 0;
		for (size_t k = 2; k <= row->more; k++)
			if ((u[k] & 0xc0) != 0x80)
				return 0;
		return (size_t)row->more + 1;
	}
	return 0;
}

bool
utf8_valid(struct span text)
{
	while (text.len > 0) {
		size_t n = utf8_char(text.p, text.len);
		if (n == 0)
			return false;
		advance(&text, n);
	}
	return true;
}

struct span
utf8_prefix(struct span text, size_t chars)
{
	size_t len = 0;

	for (; chars > 0 && len < text.len; chars--) {
		size_t n = utf8_char(text.p + len, text.len - len);
		if (n == 0)
			break;
		len += n;
	}
	return (struct span){ text.p, len };
}

static bool
xml_char(uint32_t c)
{
	return c == 0x9 || c == 0xa || c == 0xd || (c >= 0x20 && c <= 0xd7ff) ||
	    (c >= 0xe000 && c <= 0xfffd) || (c >= 0x10000 && c <= 0x10ffff);
}

bool
xml_text_valid(struct span text)
{
	while (text.len > 0) {
		size_t n = utf8_char(text.p, text.len);
		if (n == 0)
			return false;
		if (n == 1 && !xml_char((unsigned char)text.p[0]))
			return false;
		/*
		 * U+FFFE and U+FFFF are the only others that are characters of UTF-8 but not of
		 * XML.
		 */
		if (n == 3 && memcmp(text.p, "\xef\xbf", 2) == 0 &&
		    (unsigned char)text.p[2] >= 0xbe)
			return false;
		advance(&text, n);
	}
	return true;
}

static const struct entity {
	char c;
	const char *text;
} entities[] = {
	{ '&', "&amp;" },
	{ '<', "&lt;" },
	{ '>', "&gt;" },
	{ '\'', "&apos;" },
	{ '"', "&quot;" },
};

#define NENTITIES (sizeof(entities) / sizeof(entities[0]))

static const struct entity *
entity_for(char c)
{
	for (size_t i = 0; i < NENTITIES; i++)
		if (entities[i].c == c)
			return &entities[i];
	return NULL;
}

enum res
xml_escape(struct buf *out, struct span text)
{
	size_t start = out->len, plain = 0;

	for (size_t i = 0; i < text.len; i++) {
		const struct entity *e = entity_for(text.p[i]);
		if (e == NULL)
			continue;
		buf_append(out, text.p + plain, i - plain);
		buf_text(out, e->text);
		plain = i + 1;
	}
	if (text.len > plain)
		buf_append(out, text.p + plain, text.len - plain);
	if (out->failed) {
		buf_cut(out, start);
		return RES_NOMEM;
	}
	return RES_OK;
}

static void
put_utf8(struct buf *out, uint32_t c)
{
	char u[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char mark[] = { 0, 0x00, 0xc0, 0xe0, 0xf0 };

	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		u[i] = (char)(0x80 | (c & 0x3f));
	u[0] = (char)(mark[n] | c);
	buf_append(out, u, n);
}

/* XML 1.0 section 4.1, CharRef, after its "&#". */
static bool
take_char_reference(struct span *in, uint32_t *c)
{
	uint32_t base = take_char(in, 'x') ? 16 : 10, sum = 0;
	size_t n = 0;

	for (; n < in->len && in->p[n] != ';'; n++) {
		char d = in->p[n];
		uint32_t digit = is_digit(d) ? (uint32_t)(d - '0') : 99;
		if (d >= 'a' && d <= 'f')
			digit = (uint32_t)(d - 'a') + 10;
		if (d >= 'A' && d <= 'F')
			digit = (uint32_t)(d - 'A') + 10;
		if (digit >= base)
			return false;
		sum = sum * base + digit;
		if (sum > 0x10ffff)
			return false;
	}
	if (n == 0 || n == in->len || !xml_char(sum))
		return false;
	advance(in, n + 1);
	*c = sum;
	return true;
}

/* At a '&'. */
static bool
take_reference(struct span *in, struct buf *out)
{
	uint32_t c;

	for (size_t i = 0; i < NENTITIES; i++) {
		size_t len = strlen(entities[i].text);
		if (in->len >= len && memcmp(in->p, entities[i].text, len) == 0) {
			advance(in, len);
			buf_append(out, &entities[i].c, 1);
			return true;
		}
	}
	advance(in, 1);
	if (!take_char(in, '#') || !take_char_reference(in, &c))
		return false;
	put_utf8(out, c);
	return true;
}

enum res
xml_unescape(struct buf *out, struct span text)
{
	size_t start = out->len;

	while (text.len > 0) {
		const char *amp = memchr(text.p, '&', text.len);
		size_t plain = amp == NULL ? text.len : (size_t)(amp - text.p);
		buf_append(out, text.p, plain);
		advance(&text, plain);
		if (text.len > 0 && !take_reference(&text, out)) {
			buf_cut(out, start);
			return RES_INVALID;
		}
	}
	if (out->failed) {
		buf_cut(out, start);
		return RES_NOMEM;
	}
	return RES_OK;
}
