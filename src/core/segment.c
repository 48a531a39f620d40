#include <stdbool.h>
#include <string.h>

#include "base/parse.h"
#include "core/segment.h"

/* Units in a text of one part, and in each of several. */
static const struct capacity {
	size_t single, part;
	const char *name;
} capacities[] = {
	[SMS_GSM7] = { 160, 153, "GSM" },
	[SMS_UCS2] = { 70, 67, "UCS-2" },
};

/*
 * TS 23.038 sections 6.2.1 and 6.2.1.1, as far as they are not ASCII.  0x09 of the default alphabet
 * is the capital C with cedilla.
 */
static const uint16_t gsm_letters[] = {
	0x00a1, 0x00a3, 0x00a4, 0x00a5, 0x00a7, 0x00bf, 0x00c4, 0x00c5, 0x00c6, 0x00c7, 0x00c9,
	0x00d1, 0x00d6, 0x00d8, 0x00dc, 0x00df, 0x00e0, 0x00e4, 0x00e5, 0x00e6, 0x00e8, 0x00e9,
	0x00ec, 0x00f1, 0x00f2, 0x00f6, 0x00f8, 0x00f9, 0x00fc, 0x0393, 0x0394, 0x0398, 0x039b,
	0x039e, 0x03a0, 0x03a3, 0x03a6, 0x03a8, 0x03a9
};

/* 0: it is not in the alphabet.  U+001B is not text: it would make the next septet another one. */
static size_t
gsm_septets(uint32_t c)
{
	if (c == '\0' || c == '\t' || c == '`')
		return 0;
	if (c < 0x80 && strchr("\f^{}\\[~]|", (int)c) != NULL)
		return 2;
	if ((c >= 0x20 && c < 0x7f) || c == '\n' || c == '\r')
		return 1;
	if (c == 0x20ac) /* the euro sign */
		return 2;
	for (size_t i = 0; i < sizeof(gsm_letters) / sizeof(gsm_letters[0]); i++)
		if (gsm_letters[i] == c)
			return 1;
	return 0;
}

static size_t
utf16_units(uint32_t c)
{
	return c > 0xffff ? 2 : 1;
}

static size_t
units_of(enum sms_coding coding, uint32_t c)
{
	return coding == SMS_GSM7 ? gsm_septets(c) : utf16_units(c);
}

/* The next character of valid UTF-8, which is taken. */
static uint32_t
take_utf8(struct span *in)
{
	static const unsigned char mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	size_t n = utf8_char(in->p, in->len);
	uint32_t c = (unsigned char)in->p[0] & mask[n];

	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)in->p[i] & 0x3f);
	*in = (struct span){ in->p + n, in->len - n };
	return c;
}

struct span
segments_foreign(struct span text)
{
	while (text.len > 0) {
		const char *start = text.p;
		if (gsm_septets(take_utf8(&text)) == 0)
			return (struct span){ start, (size_t)(text.p - start) };
	}
	return text;
}

enum res
segments_count(struct segments *out, struct span text)
{
	size_t parts = 1, used = 0;

	*out = (struct segments){ .coding = SMS_GSM7 };
	if (!utf8_valid(text))
		return RES_INVALID;
	out->coding = segments_foreign(text).len > 0 ? SMS_UCS2 : SMS_GSM7;
	const struct capacity *fits = &capacities[out->coding];
	while (text.len > 0) {
		size_t units = units_of(out->coding, take_utf8(&text));
		out->units += units;
		used += units;
		if (used > fits->part) {
			parts++;
			used = units;
		}
	}
	if (out->units <= fits->single) {
		out->segments = out->units > 0;
		out->left = fits->single - out->units;
	} else {
		out->segments = parts;
		out->left = fits->part - used;
	}
	return RES_OK;
}

const char *
sms_coding_name(enum sms_coding coding)
{
	return (unsigned)coding < sizeof(capacities) / sizeof(capacities[0])
	    ? capacities[coding].name
	    : "unknown";
}
