#include <string.h>

#include "base/parse.h"
#include "core/chat_private.h"

#define PLUS_DIGITS_MIN	 5 /* +0200 is a zone */
#define TRUNK_DIGITS_MIN 6 /* 0900 is a time */

/*
 * What is meant as an address is one even if it is none, so that whoever reads it can say what is
 * wrong with it.
 */
static bool
is_jid(struct span word)
{
	if (take_word(&word, "xmpp:"))
		return word.len > 0;
	for (size_t i = 0; i < word.len && word.p[i] != '/'; i++)
		if (word.p[i] == '@')
			return i > 0;
	return false;
}

/* 01.03.2027, 03/04/27: as long as a number, and begins with a 0. */
static bool
is_date(struct span word)
{
	int64_t value;

	if (!take_digits(&word, 1, 2, &value) || word.len == 0)
		return false;
	char mark = word.p[0];
	return take_char(&word, mark) && take_digits(&word, 1, 2, &value) &&
	    take_char(&word, mark) && (word.len == 2 || word.len == 4) &&
	    take_digits(&word, (unsigned)word.len, 4, &value) && word.len == 0;
}

static bool
take_number_scheme(struct span *word)
{
	return take_word(word, "tel:") || take_word(word, "sms:") || take_word(word, "smsto:");
}

/* core/msisdn.h says what may stand between the digits, and what is wrong with a number. */
static bool
is_number(struct span word)
{
	size_t digits = 0;
	char first = '\0';

	if (take_number_scheme(&word))
		return word.len > 0;
	for (size_t i = 0; i < word.len; i++) {
		char c = word.p[i];
		bool digit = c >= '0' && c <= '9';

		if (!digit && (unsigned char)c < 0x80 && strchr("+-.()/", c) == NULL)
			return false;
		if (first == '\0' && (digit || c == '+'))
			first = c;
		digits += digit;
	}
	if (first == '+')
		return digits >= PLUS_DIGITS_MIN;
	return first == '0' && digits >= TRUNK_DIGITS_MIN && !is_date(word);
}

static void
print_jid(struct buf *to, struct span word)
{
	buf_span(to, word);
}

/* Of "sms:+49…?body=…" (RFC 5724) the number. */
static void
print_number(struct buf *to, struct span word)
{
	const char *query = NULL;

	if (take_number_scheme(&word))
		query = memchr(word.p, '?', word.len);
	if (query != NULL)
		word.len = (size_t)(query - word.p);
	buf_span(to, word);
}

const struct chat_medium chat_jids = { is_jid, print_jid,
	"There is no address in it: write it like romeo@example.net, behind the time.",
	"behind a comma is no address; in front of the text there is no comma." };
const struct chat_medium chat_numbers = { is_number, print_number,
	"There is no number in it: write it like +4917012345678, without spaces, behind the time.",
	"behind a comma is no number; in front of the text there is no comma." };

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The last word, and where it begins. */
static struct span
last_word(struct span text)
{
	size_t start = text.len;

	while (start > 0 && !is_space(text.p[start - 1]))
		start--;
	return (struct span){ text.p + start, text.len - start };
}

struct span
chat_cut_links(struct span *text)
{
	struct span links = { text->p + text->len, 0 };

	for (;;) {
		struct span word = last_word(*text), link = word;
		if (!take_word(&link, "https://") || link.len == 0)
			return links;
		links.len += (size_t)(links.p - word.p);
		links.p = word.p;
		text->len -= word.len;
		while (text->len > 0 && is_space(text->p[text->len - 1]))
			text->len--;
	}
}
