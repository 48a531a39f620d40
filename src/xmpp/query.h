/*
 * What anybody may ask of us: disco#info and #items (XEP-0030), contact addresses (XEP-0128,
 * XEP-0157), software version (XEP-0092), ping (XEP-0199), entity time (XEP-0202), last activity
 * (XEP-0012), vCard (XEP-0054).
 */
#ifndef LATERD_XMPP_QUERY_H
#define LATERD_XMPP_QUERY_H

#include <strophe.h>

#include "base/clock.h"
#include "core/command.h"
#include "core/zone.h"

#define NS_DISCO_INFO  "http://jabber.org/protocol/disco#info"
#define NS_DISCO_ITEMS "http://jabber.org/protocol/disco#items"
#define NS_TIME        "urn:xmpp:time"

struct query_config {
	const char *address; /* our domain; the bot is bot@address */
	const char *name;    /* for people */
	const char *version;
	const char *const *admins; /* bare JIDs, NULL-terminated: XEP-0157 admin-addresses */
	const struct zone *zone;   /* for entity time's tzo */
};

struct query;

/*
 * The configuration is copied; what it points to, and everything else, is borrowed and must outlive
 * it.
 */
struct query *query_new(const struct query_config *config, xmpp_ctx_t *ctx,
    const struct clock *clock, const struct command_ops *ops, struct commands *commands);
void query_free(struct query **q);
/* Other admins and another zone from now on; borrowed. */
void query_configure(struct query *q, const char *const *admins, const struct zone *zone);

/*
 * Answer an iq of type get (or set) addressed to our domain (`to_bot` false) or to bot@ (true):
 * always an iq of type result or error (service-unavailable for a namespace we do not know,
 * item-not-found for a disco node we do not have, bad-request for an iq without exactly one child),
 * to be sent and released by the caller; NULL only without memory.
 */
xmpp_stanza_t *query_handle(struct query *q, const struct asker *who, bool to_bot,
    xmpp_stanza_t *iq);

#endif
