/* What mms.c writes and mms_read.c compares: the pieces of the entity. */
#ifndef LATERD_CORE_MMS_PRIVATE_H
#define LATERD_CORE_MMS_PRIVATE_H

#include <stdbool.h>

#include "core/mms.h"

#define MMS_BOUNDARY_LEN 39

#define MMS_TYPE_BEFORE \
	"multipart/related; type=\"application/smil\"; start=\"<smil>\"; boundary=\""
#define MMS_TYPE_AFTER "\""
#define MMS_SUBJECT "Subject: "
#define MMS_WORD_BEFORE "=?UTF-8?B?"
#define MMS_WORD_AFTER "?="
#define MMS_TEXT_PART "Content-Type: text/plain; charset=utf-8\r\nContent-ID: <text>\r\n"
#define MMS_TYPE_FIELD "Content-Type: "
#define MMS_ID "Content-ID: <medium-%zu>\r\n"
#define MMS_LOCATION "Content-Location: "
#define MMS_BASE64 "Content-Transfer-Encoding: base64\r\n\r\n"

/* Octets in a line of base64, of 76 characters (RFC 2045 section 6.8). */
#define MMS_LINE_BYTES 57
#define MMS_LINE_CHARS 76

/* Everything that mms_build refuses is RES_INVALID. */
enum res mms_check(const struct mms *mms);
/* The boundary for this text.  RES_NOMEM. */
enum res mms_boundary(char out[MMS_BOUNDARY_LEN + 1], struct span text);
/* Everything before the delimiter of the first medium, by its types and not by its bytes. */
void mms_put_front(struct buf *out, const struct mms *mms, const char *boundary);

#endif
