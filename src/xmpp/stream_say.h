/* What the component stream says by itself (XEP-0114 section 3, XEP-0199), as bytes. */
#ifndef LATERD_XMPP_STREAM_SAY_H
#define LATERD_XMPP_STREAM_SAY_H

#include <event2/buffer.h>
#include <stdbool.h>
#include <strophe.h>

#include "base/buf.h"

/* Each appends to out; without memory out is `failed`. */
void stream_say_header(struct buf *out, const char *address);
/* RES_PERMFAIL: OpenSSL has no SHA-1, which the handshake needs. */
enum res stream_say_handshake(struct buf *out, const char *stream_id, const char *secret);
void stream_say_ping(struct buf *out, unsigned number, const char *from, const char *to);
/* An answer to any such ping. */
bool stream_say_is_pong(xmpp_stanza_t *st);

/*
 * How much white space has to follow whole stanzas, so that nothing of them waits in the server: a
 * long tag comes to its expat in pieces, and that keeps the finished tag, and all behind it, until
 * as much again has come (since 2.6.0, and in older ones with that fix).  owed: that of what went
 * right before, else 0.
 */
size_t stream_say_owed(size_t owed, struct span xml);
/* Without memory it stays owed. */
void stream_say_space(struct evbuffer *out, size_t owed);

#endif
