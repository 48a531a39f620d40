/*
 * Bounded parsing of what strangers send: a cursor over a span, numbers, UTF-8 and the characters
 * XML allows.
 */
#ifndef LATERD_BASE_PARSE_H
#define LATERD_BASE_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * A cursor is the span that is still to be read.  Each take_* advances it when it matches and
 * leaves it alone when it does not.
 */
bool take_char(struct span *in, char c);
/* The literal, ASCII letters in either case. */
bool take_word(struct span *in, const char *word);
/* Between min and max ASCII digits, as many as there are up to max. */
bool take_digits(struct span *in, unsigned min, unsigned max, int64_t *value);
/* ASCII white space, at least `min` bytes of it. */
bool take_space(struct span *in, unsigned min);
/*
 * The next run of bytes without ASCII white space, commas and line ends; false at the end.  Skips
 * what stands before it.
 */
bool take_item(struct span *in, struct span *item);

/* The whole span as a decimal number within [min, max], with an optional minus sign. */
enum res parse_int(struct span text, int64_t min, int64_t max, int64_t *value);

/*
 * Length of the well-formed UTF-8 character at p (RFC 3629: no surrogates, no overlong forms), 0 if
 * there is none.
 */
size_t utf8_char(const char *p, size_t len);
bool utf8_valid(struct span text);
/*
 * The longest prefix of at most `chars` characters; never splits a character.  text must be valid.
 */
struct span utf8_prefix(struct span text, size_t chars);

/*
 * Well-formed UTF-8 whose every character may stand in an XML 1.0 document (section 2.2, production
 * Char).
 */
bool xml_text_valid(struct span text);
/*
 * text with & < > ' " as entities; for element content and for attribute values in either quote.
 * text must be xml_text_valid.
 */
enum res xml_escape(struct buf *out, struct span text);
/*
 * The reverse, for the five predefined entities and character references; RES_INVALID at anything
 * else that begins with '&'.
 */
enum res xml_unescape(struct buf *out, struct span text);

#endif
