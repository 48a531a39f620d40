/* What errors of the stream (RFC 6120 section 4.9.3) and of its transport mean for the operator. */
#ifndef LATERD_XMPP_STREAM_ERROR_H
#define LATERD_XMPP_STREAM_ERROR_H

#include <event2/bufferevent.h>
#include <strophe.h>

#include "base/buf.h"

/* Appends a line for the log that says what is wrong and what to do, naming our address. */
void stream_error_words(struct buf *out, xmpp_stanza_t *error, const char *address);
/* error: EVUTIL_SOCKET_ERROR() as it was when the transport reported its event. */
const char *stream_error_of(struct bufferevent *bev, int error);

#endif
