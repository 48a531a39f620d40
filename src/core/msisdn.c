#include <string.h>

#include "base/parse.h"
#include "core/msisdn.h"

#define DIGITS_MIN 7
#define DIGITS_MAX (MSISDN_MAX - 1)
#define EXAMPLE	   "+49 170 1234567"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* How many digits follow a '+' and a digit from 1 to 9; 0 when it is anything else. */
static size_t
count_digits(const char *text)
{
	if (text == NULL || text[0] != '+' || text[1] < '1' || text[1] > '9')
		return 0;
	size_t n = strspn(text + 1, "0123456789");
	return text[1 + n] == '\0' ? n : 0;
}

bool
msisdn_is(const char *text)
{
	size_t n = count_digits(text);

	return n >= DIGITS_MIN && n <= DIGITS_MAX;
}

static enum res
refuse(struct buf *why, const char *words)
{
	buf_text(why, words);
	return RES_INVALID;
}

/*
 * Digits and a leading '+', without what people put between them; what is beyond any number is
 * not kept, but long enough to be too long.
 */
struct digits {
	char text[MSISDN_MAX + 4];
	size_t n;
	bool trunk_in_brackets; /* "+49 (0) 170 …" */
};

/*
 * What address books and web pages put beside the digits, in the order of their UTF-8: spaces,
 * hyphens and dashes, and what is not seen at all, such as marks of the direction of writing.
 */
static const struct filler {
	const char *from, *to;
} fillers[] = {
	{ "\xc2\xa0", "\xc2\xa0" },         /* no-break space */
	{ "\xc2\xad", "\xc2\xad" },         /* soft hyphen */
	{ "\xe2\x80\x80", "\xe2\x80\x95" }, /* U+2000 to U+2015 */
	{ "\xe2\x80\xaa", "\xe2\x80\xaf" }, /* U+202A to U+202F */
	{ "\xe2\x81\xa0", "\xe2\x81\xa9" }, /* U+2060 to U+2069 */
	{ "\xe2\x88\x92", "\xe2\x88\x92" }, /* minus sign */
	{ "\xef\xbb\xbf", "\xef\xbb\xbf" }, /* U+FEFF */
};

/* How long the filler at p is; 0: it is none. */
static size_t
filler_at(const char *p, size_t len)
{
	size_t n = utf8_char(p, len);

	if (n == 1)
		return *p != '\0' && strchr(" -.()/", *p) != NULL;
	for (size_t i = 0; n > 1 && i < sizeof(fillers) / sizeof(fillers[0]); i++)
		if (strlen(fillers[i].from) == n && memcmp(p, fillers[i].from, n) >= 0 &&
		    memcmp(p, fillers[i].to, n) <= 0)
			return n;
	return 0;
}

static enum res
read_digits(struct digits *out, struct span in, struct buf *why)
{
	size_t bracket = 0, skipped;

	for (size_t i = 0; i < in.len; i += skipped > 0 ? skipped : 1) {
		char c = in.p[i];
		if ((skipped = filler_at(in.p + i, in.len - i)) > 0) {
			if (c == '(')
				bracket = out->n;
			else if (c == ')' && bracket > 0 && out->n == bracket + 1 &&
			    out->text[bracket] == '0')
				out->trunk_in_brackets = true;
			continue;
		}
		if (c == '+' && out->n > 0)
			return refuse(why,
			    "A + stands only in front of a number: put commas between several.");
		if (!is_digit(c) && c != '+')
			return refuse(why,
			    "A phone number has digits only, and a + in front: " EXAMPLE ".");
		if (out->n < sizeof(out->text) - 1)
			out->text[out->n++] = c;
	}
	return out->n > 0
	    ? RES_OK
	    : refuse(why, "There is no phone number. Write it as in " EXAMPLE ".");
}

/* What stands before the digits that follow the prefix for abroad or the trunk prefix. */
static enum res
put_country(struct buf *number, const struct digits *d, const char *country, struct buf *why)
{
	const char *text = d->text;

	if (text[0] == '+') {
		buf_text(number, text);
	} else if (strncmp(text, "00", 2) == 0) {
		buf_printf(number, "+%s", text + 2);
	} else if (text[0] == '0' && country != NULL) {
		buf_printf(number, "+%s%s", country, text + 1);
		return RES_OK;
	} else
		return refuse(why,
		    "The country code is missing: write the number as in " EXAMPLE ".");
	/* Whether the 0 belongs to the number differs between countries. */
	return d->trunk_in_brackets
	    ? refuse(why, "Leave out the (0): after a country code it is not dialled.")
	    : RES_OK;
}

enum res
msisdn_parse(char out[MSISDN_MAX + 1], struct span text, const char *country, struct buf *why)
{
	struct buf number = { .max = 256 };
	struct digits d = { .n = 0 };

	out[0] = '\0';
	text = span_trim(text);
	if (take_word(&text, "tel:"))
		text = span_trim(text);
	enum res res = read_digits(&d, text, why);
	if (res == RES_OK)
		res = put_country(&number, &d, country, why);
	if (res == RES_OK && number.failed)
		res = RES_NOMEM;
	else if (res == RES_OK && !msisdn_is(buf_str(&number)))
		res = refuse(why,
		    count_digits(buf_str(&number)) == 0
			? "There is no such country code: write the number as in " EXAMPLE "."
			: "A phone number has 7 to 15 digits with its country code.");
	if (res == RES_OK)
		memcpy(out, buf_str(&number), number.len + 1);
	buf_free(&number);
	return res;
}

enum res
msisdn_mask(struct buf *out, const char *number)
{
	static const char hidden[] = "\xe2\x80\xa6";

	if (!msisdn_is(number))
		return buf_text(out, hidden);
	/* At least five digits stay hidden, however short it is. */
	size_t len = strlen(number), shown = len - 5 < 7 ? len - 5 : 7, tail = shown * 2 / 7;
	return buf_printf(
	    out, "%.*s%s%s", (int)(shown - tail), number, hidden, number + len - tail);
}

enum res
number_format_parse(struct number_format *out, const char *text)
{
	static const char *const names[] = {
		[NUMBER_E164] = "e164", [NUMBER_DIGITS] = "digits", [NUMBER_00] = "00"
	};

	*out = (struct number_format){ .style = NUMBER_E164 };
	if (text == NULL)
		return RES_INVALID;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(text, names[i]) == 0) {
			out->style = (enum number_style)i;
			return RES_OK;
		}
	size_t n = strncmp(text, "strip:", 6) == 0 ? count_digits(text + 6) : 0;
	if (n == 0 || n > DIGITS_MAX)
		return RES_INVALID;
	*out = (struct number_format){ .style = NUMBER_STRIP, .prefix = text + 6 };
	return RES_OK;
}

enum res
number_format_print(struct buf *out, const struct number_format *format, const char *number)
{
	if (!msisdn_is(number))
		return RES_INVALID;
	if (format->style == NUMBER_E164)
		return buf_text(out, number);
	if (format->style == NUMBER_00)
		return buf_printf(out, "00%s", number + 1);
	size_t n = format->style == NUMBER_STRIP ? strlen(format->prefix) : 0;
	/* A number that is nothing but the prefix would become no number at all. */
	if (n > 0 && strncmp(number, format->prefix, n) == 0 && number[n] != '\0')
		return buf_text(out, number + n);
	return buf_text(out, number + 1);
}
