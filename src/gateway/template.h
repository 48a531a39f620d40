/*
 * Templates of gateway requests: text in which placeholders like {to} stand for what is known of a
 * submission.
 *
 *	{to} {from} {text} {id} {subject} {dlr_url} {user} {secret}
 *	{media}         a medium: its link, its bytes in base64 or as a data URL
 *	{type} {n}      the type of that medium, and its number, from 1
 *	{coding:A|B}    A when the text is GSM 7 bit, B when it needs UCS-2
 *
 * "{{" and "}}" are the braces themselves; any other brace is an error, in JSON strings as
 * elsewhere.  A value may be absent: {dlr_url} where no reports are taken, {subject}, {text} and a
 * choice of {coding} when they are empty, those of a medium where there is none.  Within other text
 * that is nothing; what consists of this one placeholder is left out altogether.
 */
#ifndef LATERD_GATEWAY_TEMPLATE_H
#define LATERD_GATEWAY_TEMPLATE_H

#include "base/buf.h"

enum place {
	PLACE_TO,
	PLACE_FROM,
	PLACE_TEXT,
	PLACE_ID,
	PLACE_SUBJECT,
	PLACE_DLR_URL,
	PLACE_USER,
	PLACE_SECRET,
	PLACE_MEDIA,
	PLACE_TYPE,
	PLACE_N,
	PLACE_CODING,
	NPLACES
};

#define PLACE_BIT(place) (1u << (place))
/* What differs from medium to medium. */
#define PLACES_OF_MEDIUM (PLACE_BIT(PLACE_MEDIA) | PLACE_BIT(PLACE_TYPE) | PLACE_BIT(PLACE_N))

struct template_medium {
	struct span value, type;
	char number[24];
};

/* Borrowed.  An absent or empty span is an absent value; that of PLACE_CODING is not used. */
struct template_values {
	struct span v[NPLACES];
	bool ucs2;
	const struct template_medium *media;
	size_t nmedia;
};

/* v with the placeholders of the medium i, or none of them when there is no such medium. */
struct template_values template_bind(const struct template_values *v, size_t i);

/* The set of PLACE_BITs in text is added to *places.  RES_INVALID with the reason in `why`. */
enum res template_check(struct span text, unsigned *places, struct buf *why);

/* How values are written among the literal text. */
enum template_form { TEMPLATE_PLAIN, TEMPLATE_ESCAPED };

/*
 * Append text, which template_check has passed, with its values.  RES_NOTFOUND, and nothing is
 * appended: it is one placeholder whose value is absent.  RES_NOMEM.
 */
enum res template_fill(
    struct buf *out, struct span text, const struct template_values *v, enum template_form form);

/* Percent-encode everything but the unreserved characters of RFC 3986 section 2.3.  RES_NOMEM. */
enum res template_escape(struct buf *out, struct span text);

#endif
