/* Ad-hoc commands (XEP-0050): actions and stages around the service's commands. */
#ifndef LATERD_XMPP_ADHOC_H
#define LATERD_XMPP_ADHOC_H

#include <strophe.h>

#include "core/command.h"
#include "xmpp/session.h"

#define NS_COMMANDS "http://jabber.org/protocol/commands"

struct adhoc;

/* The bounds are copied; everything else is borrowed and must outlive it. */
struct adhoc *adhoc_new(const struct session_bounds *bounds, xmpp_ctx_t *ctx,
    const struct clock *clock, const struct command_ops *ops, struct commands *commands);
void adhoc_free(struct adhoc **a);

/*
 * Answer iq type='set' with <command/>: always returns an iq of type result or error for the caller
 * to send and release (NULL only without memory).  `who` is the sender, already parsed.
 *
 * Actions: none, execute, next and complete go forward (`complete` on a filled-in first stage skips
 * the confirmation), prev gives the form back filled in, cancel ends.  A first request that carries
 * a submitted form is stage 1.  A session belongs to the full JID and node that began it;
 * bad-sessionid, session-expired (kept apart for an hour), bad-action, bad-payload,
 * malformed-action as in XEP-0050 section 4.4.  A form of more than SESSION_FORM_MAX is a
 * policy-violation, and leaves the session as it is.
 */
xmpp_stanza_t *adhoc_handle(struct adhoc *a, const struct asker *who, xmpp_stanza_t *iq);

/* Frees what has been idle too long; to be called now and then.  Returns how many sessions live. */
size_t adhoc_sweep(struct adhoc *a);

#endif
