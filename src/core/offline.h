/*
 * What becomes of a due IM: the sender's choice against what is known of the recipient, and what a
 * bounce means.
 */
#ifndef LATERD_CORE_OFFLINE_H
#define LATERD_CORE_OFFLINE_H

#include "base/buf.h"

/* The field `offline` of contract.md.  Stored as numbers: append only. */
enum offline { OFFLINE_AUTO = 1, OFFLINE_HOLD, OFFLINE_SERVER, OFFLINE_DROP, OFFLINE_END };

/*
 * What we know of a recipient.  ASKED is unknown with a probe under way: it will be ONLINE or
 * OFFLINE within seconds.
 */
enum presence { PRESENCE_UNKNOWN, PRESENCE_ASKED, PRESENCE_ONLINE, PRESENCE_OFFLINE, PRESENCE_END };

enum offline_action {
	ACTION_SEND,
	ACTION_HOLD,
	ACTION_ASK,  /* hold, and ask the recipient to let us see their presence */
	ACTION_DROP
};

enum offline_action offline_action(enum offline choice, enum presence presence);

/* "auto", "hold", "server", "drop". */
const char *offline_name(enum offline choice);
/* RES_INVALID for any other word. */
enum res offline_parse(enum offline *out, struct span word);

/* What a bounced stanza says of the message (RFC 6120 section 8.3.3). */
enum bounce {
	BOUNCE_AWAY,  /* the recipient cannot get it now: hold */
	BOUNCE_LATER, /* something on the way is down: try again */
	BOUNCE_NEVER  /* it will not work */
};

/*
 * `condition` is the element's name, `type` the error's type attribute; an unknown condition counts
 * by its type.
 */
enum bounce bounce_meaning(struct span condition, struct span type);
/* The condition in words that a sender understands; never NULL. */
const char *bounce_words(struct span condition);
/*
 * What a bounce does to a message with this choice: auto and hold wait when the recipient is away,
 * server and drop fail.
 */
enum bounce bounce_for(enum offline choice, enum bounce meaning);

#endif
