/* Frames outgoing messages: from packets to bytes for the stream, without a DOM. */
#ifndef LATERD_XMPP_MESSAGE_H
#define LATERD_XMPP_MESSAGE_H

#include "core/ports.h"

/*
 * Append <message type='chat' id=ID> with o->inner, origin-id = ID (XEP-0359), a receipt request
 * (XEP-0184) and, when o->delayed_at is set, <delay from=component> (XEP-0203).
 *
 * privilege_ns NULL: from user%domain@component, with nick (XEP-0172: the user's local part) and
 * <address type='ofrom'> (XEP-0033); a sender in our own domain (the bot) is `from` as it stands,
 * with neither.  Otherwise from the sender's bare JID, wrapped in <privilege
 * xmlns=privilege_ns><forwarded> (XEP-0356, XEP-0297), addressed to the sender's domain and with
 * the same outer id.  RES_INVALID when an address cannot be framed; RES_NOMEM.  On either `out` is
 * unchanged.
 */
enum res message_frame(struct buf *out, const struct outgoing *o, const char *component,
    const char *privilege_ns);

#endif
