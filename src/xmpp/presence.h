/* Who is online, as far as we can see (RFC 6121 section 4; XEP-0356 managed-entity presence). */
#ifndef LATERD_XMPP_PRESENCE_H
#define LATERD_XMPP_PRESENCE_H

#include "base/clock.h"
#include "core/jid.h"
#include "core/offline.h"

/*
 * How much of a domain's presence its server lets us see without being asked.  ALL: every local
 * user, including the end of a session however it came (Prosody, urn:xmpp:privilege:2), so no
 * presence means offline.  SOME: "available" and explicit "unavailable" only (ejabberd,
 * urn:xmpp:privilege:1), so no presence means nothing, and what was heard means little for long: of
 * those not watched, a resource counts as online for 60 s after its last presence only, and then
 * is forgotten, which makes the value UNKNOWN.
 */
enum presence_scope { SCOPE_NONE, SCOPE_SOME, SCOPE_ALL };

struct presence_events {
	/*
	 * The value of this bare JID became ONLINE or OFFLINE; ONLINE also when it shows itself
	 * again after what was known of it had been forgotten.
	 */
	void (*changed)(void *arg, const char *bare, enum presence value);
	/* Send a probe to it, from the bot. */
	void (*probe)(void *arg, const char *bare);
};

struct tracker;

struct tracker *tracker_new(const struct clock *clock, struct timers *timers,
    const struct presence_events *events, void *arg);
void tracker_free(struct tracker **t);

/* The stream is gone: everything is unknown, nobody is watched, no domain has a scope. */
void tracker_reset(struct tracker *t);
void tracker_scope(struct tracker *t, const char *domain, enum presence_scope scope);

/*
 * The recipient is subscribed to: probe, and believe silence after 10 s (a local user's server
 * answers at once) to mean offline.  Watching twice does nothing.
 */
void tracker_watch(struct tracker *t, const char *bare);
/*
 * Somebody watched, and online as far as we know, may not be: they are probed again, and silence
 * will mean offline as in tracker_watch.  Nothing where the server shows every end (SCOPE_ALL).
 */
void tracker_doubt(struct tracker *t, const char *bare);
/* The subscription ended: what is known of them now follows from the domain's scope alone. */
void tracker_unwatch(struct tracker *t, const char *bare);

/*
 * A presence stanza without type (available) or of type unavailable.  Presence of nobody watched
 * and of no domain in scope is forgotten at once, so strangers cannot fill the memory; at most 32
 * resources a user are kept.  Only a resource of priority >= 0 counts as online (RFC 6121 section
 * 8.5.2.1).  `unavailable` from the bare JID ends all resources; for one never watched it says
 * nothing.
 */
void tracker_available(struct tracker *t, const struct jid *from, int priority);
void tracker_unavailable(struct tracker *t, const struct jid *from);

enum presence tracker_value(const struct tracker *t, const char *bare);
/*
 * If they are ONLINE, they are so now, as far as one can know, and not only were a moment ago: nobody
 * would say of those in SCOPE_SOME, unless they are watched, that their session has ended, so that
 * they have to have been heard in the last 15 s; others may be doubted.
 */
bool tracker_is_sure(const struct tracker *t, const char *bare);
/* How many of those that are remembered are as they were last reported. */
void tracker_count(const struct tracker *t, size_t *online, size_t *offline);

#endif
