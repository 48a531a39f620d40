/* The body of an IM in the form in which it leaves: the inner XML of its message. */
#ifndef LATERD_CORE_BODY_H
#define LATERD_CORE_BODY_H

#include "base/buf.h"

/*
 * Append <body>text</body>.  RES_INVALID when text is not UTF-8 or has a character that XML
 * forbids; out is then unchanged.
 */
enum res body_im(struct buf *out, struct span text);
/*
 * Append the text of the first <body> of such inner XML, for excerpts and edits.  RES_PERMFAIL when
 * there is none.
 */
enum res body_im_text(struct buf *out, struct span inner);
/*
 * Append one line of at most `chars` characters: white space runs become one space, and "…" ends it
 * when something is left out.
 */
enum res body_excerpt(struct buf *out, struct span text, size_t chars);

#endif
