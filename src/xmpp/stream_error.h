/* What the peer's stream errors (RFC 6120 section 4.9.3) mean for the operator. */
#ifndef LATERD_XMPP_STREAM_ERROR_H
#define LATERD_XMPP_STREAM_ERROR_H

#include <stdint.h>
#include <strophe.h>

#include "base/buf.h"

/*
 * Appends a line for the log that says what is wrong and what to do, naming our address.  Returns how long to wait at least
 * before the next try, in ms.
 */
int64_t stream_error_words(struct buf *out, xmpp_stanza_t *error, const char *address);

#endif
