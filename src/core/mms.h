/*
 * The body of an MMS in the form in which it leaves: a multipart/related MIME entity (RFC
 * 2387) with a SMIL presentation, the text and the media (3GPP TS 26.140, OMA MMS
 * Conformance).
 */
#ifndef LATERD_CORE_MMS_H
#define LATERD_CORE_MMS_H

#include "base/buf.h"

#define MMS_MEDIA_MAX 10
#define MMS_SUBJECT_MAX 40 /* characters (OMA-TS-MMS-CONF section 7.1.4) */

struct mms_medium {
	const char *url;  /* where it came from; Content-Location; NULL: none */
	const char *type; /* "image/jpeg" */
	struct span bytes;
};

struct mms {
	struct span subject; /* UTF-8, one line; may be empty */
	struct span text;    /* UTF-8; may be empty */
	struct mms_medium media[MMS_MEDIA_MAX];
	size_t nmedia;
};

/*
 * Append the entity: header fields Content-Type and (RFC 2047) Subject, a blank line, and the
 * parts: SMIL, text/plain as it is (none for an empty text), then the media in base64, each
 * with Content-ID <smil>, <text>, <medium-1>, …  The boundary is made of a digest of the text.
 * RES_INVALID, with out unchanged, for more media than MMS_MEDIA_MAX, a type that is no token
 * "/" token, a URL with control characters, a subject with a line end, or a subject or text
 * that is not xml_text_valid; RES_NOMEM.
 */
enum res mms_build(struct buf *out, const struct mms *mms);
/*
 * Read back what mms_build wrote; strings and decoded bytes are in `arena` (whose max bounds
 * them). RES_PERMFAIL for anything else; RES_NOMEM.  out is then zeroed.
 */
enum res mms_parse(struct mms *out, struct span entity, struct arena *arena);
/*
 * Only subject, text, and types and URLs of the media, whose bytes are left absent: for lists.
 */
enum res mms_parse_summary(struct mms *out, struct span entity, struct arena *arena);
/*
 * The entity without its Subject field, for a body that has a place of its own for it: the
 * span of the Content-Type's value, and of everything after the blank line.  RES_PERMFAIL when
 * it does not begin as mms_build begins.
 */
enum res mms_split(struct span entity, struct span *content_type, struct span *parts);

#endif
