/*
 * What the server grants us (XEP-0356, both namespaces), learnt from its message after the
 * handshake.
 */
#ifndef LATERD_XMPP_PRIVILEGE_H
#define LATERD_XMPP_PRIVILEGE_H

#include <stdbool.h>
#include <strophe.h>

#include "base/buf.h"
#include "xmpp/presence.h"

#define NS_PRIVILEGE_1 "urn:xmpp:privilege:1"
#define NS_PRIVILEGE_2 "urn:xmpp:privilege:2"

/* What a domain may let us do, beside seeing presence. */
enum privilege_to {
	PRIVILEGE_SEND,   /* message 'outgoing': as its users */
	PRIVILEGE_ROSTER, /* roster 'get' and 'set' */
	PRIVILEGE_SLOT,   /* iq 'get' of urn:xmpp:http:upload:0, as its users; namespace 2 only */
	PRIVILEGE_NTO
};

struct privilege;

struct privilege *privilege_new(void);
void privilege_free(struct privilege **p);
void privilege_reset(struct privilege *p);

/*
 * Learn from a <message> with a <privilege/> of either namespace, leniently: perms and the
 * namespaces of an iq perm may be nested in one another, any message type will do.  `from` is the
 * granting domain; each grants for itself.  At most 64 domains.  False when the stanza has none.
 */
bool privilege_learn(struct privilege *p, const char *from, xmpp_stanza_t *message);
bool privilege_has(const struct privilege *p, const char *domain, enum privilege_to what);
/* The namespace to wrap messages of this domain's users in; NULL without PRIVILEGE_SEND. */
const char *privilege_message_ns(const struct privilege *p, const char *domain);
/* The server has refused what it granted: not again on this stream.  True: we had it until now. */
bool privilege_revoke(struct privilege *p, const char *domain, enum privilege_to what);
/* What this domain has granted counts no more, until it grants it again. */
void privilege_forget(struct privilege *p, const char *domain);
/* presence 'managed_entity' or 'roster' in namespace 2: ALL; in namespace 1: SOME. */
enum presence_scope privilege_scope(const struct privilege *p, const char *domain);
/*
 * It keeps messages for who is offline (XEP-0160): nothing is known of that until it is told here,
 * and no more once it is learnt from again.
 */
void privilege_note_keeps(struct privilege *p, const char *domain);
bool privilege_keeps(const struct privilege *p, const char *domain);
/* "send as its users, see presence": what this domain lets us do; nothing when that is nothing. */
void privilege_print(const struct privilege *p, const char *domain, struct buf *out);

#endif
