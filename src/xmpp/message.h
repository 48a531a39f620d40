/* Messages from person to person: how they are framed for the stream, and what is in one. */
#ifndef LATERD_XMPP_MESSAGE_H
#define LATERD_XMPP_MESSAGE_H

#include <strophe.h>

#include "core/ports.h"

/*
 * From packets to bytes, without a DOM.
 *
 * Append <message type='chat' id=ID> with o->inner, origin-id = ID (XEP-0359), a receipt request
 * (XEP-0184) and, when o->delayed_at is set, <delay from=component> (XEP-0203).
 *
 * privilege_ns NULL: from user%domain@component, with nick (XEP-0172: the user's local part) and
 * <address type='ofrom'> (XEP-0033); a sender in our own domain (the bot) is `from` as it stands,
 * with neither.  The same to a recipient whom ejabberd cannot read (jid_is_assigned): it would
 * refuse the wrapper, which is how it refuses the privilege.  Otherwise from the sender's bare JID,
 * in <privilege xmlns=privilege_ns><forwarded> (XEP-0356, XEP-0297), addressed to the sender's
 * domain and with the same outer id.  RES_INVALID when an address cannot be framed; RES_NOMEM.  On
 * either `out` is unchanged.
 */
enum res message_frame(struct buf *out, const struct outgoing *o, const char *component,
    const char *privilege_ns);

/* A message that somebody else has written.  Borrowed. */
struct relayed {
	const char *type;       /* "chat" or "normal" */
	const char *id, *lang;  /* "" when absent */
	const char *sender, *recipient; /* bare JIDs */
	struct span inner;      /* of message_copy */
	const char *wrapper_id; /* of the wrapper: its errors are not those of `id` */
};

/*
 * Append it as message_frame does, but with its own type, id and xml:lang, and with nothing added
 * to m->inner but nick and ofrom.  RES_INVALID also when anything in it cannot stand in XML.
 */
enum res message_frame_relayed(struct buf *out, const struct relayed *m, const char *component,
    const char *privilege_ns);

/*
 * Append what of a message that came is passed on to others, as inner XML: the elements of a table
 * (body, subject, thread, XHTML-IM, receipts, chat markers, chat states, corrections, reactions,
 * replies, retractions, links, hints, delay, origin-id), with nothing inside that is of another
 * namespace.  A receipt that names a packet (canonically) is for us, and left out.  *content: one
 * of them says something by itself, as a chat state or a receipt request does not.  RES_NOMEM.
 */
enum res message_copy(struct buf *out, xmpp_stanza_t *message, bool *content);

enum message_content { MESSAGE_EMPTY, MESSAGE_TEXT, MESSAGE_ENCRYPTED };

/*
 * Whether a message has a <body/>, or is encrypted (XEP-0380, OpenPGP, or OMEMO with a payload, for
 * without one it carries keys that nobody has written); beside what is encrypted <body/> only says
 * that it is.
 */
enum message_content message_content(xmpp_stanza_t *message);
/* The id of the packet that a receipt (XEP-0184) names canonically, or NULL. */
const char *message_receipt(xmpp_stanza_t *message);

#endif
