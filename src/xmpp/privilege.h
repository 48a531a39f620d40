/*
 * What the server grants us (XEP-0356, both namespaces), learnt from its message after the
 * handshake.
 */
#ifndef LATERD_XMPP_PRIVILEGE_H
#define LATERD_XMPP_PRIVILEGE_H

#include <stdbool.h>
#include <strophe.h>

#include "xmpp/presence.h"

#define NS_PRIVILEGE_1 "urn:xmpp:privilege:1"
#define NS_PRIVILEGE_2 "urn:xmpp:privilege:2"

struct privilege;

struct privilege *privilege_new(void);
void privilege_free(struct privilege **p);
void privilege_reset(struct privilege *p);

/*
 * Learn from a <message> with a <privilege/> of either namespace, leniently: perms may be nested in
 * one another, any message type will do.  `from` is the granting domain; each grants for itself.
 * At most 64 domains.  False when the stanza has none.
 */
bool privilege_learn(struct privilege *p, const char *from, xmpp_stanza_t *message);
/* message 'outgoing' is granted by this domain; the namespace to wrap in, or NULL. */
const char *privilege_message_ns(const struct privilege *p, const char *domain);
/* The server refused to send for this domain: not again on this stream. */
void privilege_revoke_message(struct privilege *p, const char *domain);
/* What this domain has granted counts no more, until it grants it again. */
void privilege_forget(struct privilege *p, const char *domain);
/* presence 'managed_entity' or 'roster' in namespace 2: ALL; in namespace 1: SOME. */
enum presence_scope privilege_scope(const struct privilege *p, const char *domain);

#endif
