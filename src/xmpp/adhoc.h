/* Ad-hoc commands (XEP-0050): actions and stages around the service's commands. */
#ifndef LATERD_XMPP_ADHOC_H
#define LATERD_XMPP_ADHOC_H

#include <strophe.h>

#include "core/command.h"
#include "xmpp/session.h"

#define NS_COMMANDS "http://jabber.org/protocol/commands"

struct adhoc;

/* What it needs of its surroundings; all borrowed. */
struct adhoc_env {
	xmpp_ctx_t *ctx;
	const struct clock *clock;
	struct timers *timers;
	const struct command_ops *ops;
	struct commands *commands;
	/*
	 * What comes next is for an iq of an earlier turn: should this turn fail, it is to be told
	 * so.  False without memory.
	 */
	bool (*again)(void *arg, xmpp_stanza_t *iq);
	/* An iq of type result or error for the callee to send and release; NULL without memory. */
	void (*answered)(void *arg, xmpp_stanza_t *answer);
	void *arg;
};

/* Bounds and env are copied. */
struct adhoc *adhoc_new(const struct session_bounds *bounds, const struct adhoc_env *env);
void adhoc_free(struct adhoc **a);

/*
 * Answer iq type='set' with <command/>: env.answered is called once, within this call unless the
 * command replies REPLY_LATER.  `who` is the sender, already parsed.
 *
 * Actions: none, execute, next and complete go forward (`complete` on a filled-in first stage skips
 * the confirmation), prev gives the form back filled in, cancel ends.  A first request that carries
 * a submitted form is stage 1; of a command that has neither a form nor places (core/command.h) it
 * is not read.  A session belongs to the full JID and node that began it;
 * bad-sessionid, session-expired (kept apart for an hour), bad-action, bad-payload,
 * malformed-action as in XEP-0050 section 4.4.  A form of more than SESSION_FORM_MAX is a
 * policy-violation, and leaves the session as it is.
 *
 * REPLY_LATER: the iq waits, with its asker, session, stage and form, for adhoc_resume.  It may be
 * put off LATER_MAX (10) times and LATER_MS (60 s) in all; then the answer is remote-server-timeout
 * with type='wait'.  What cannot wait at all, because PENDING_PER_USER of the same bare JID or
 * PENDING_TOTAL already do, is answered resource-constraint with type='wait' at once.  Both leave
 * the session as it was before the iq, so that the same may be tried again.  Meanwhile every
 * request on that session, cancel included, is refused with bad-request and <bad-action/>: of the
 * conditions of XEP-0050 it is the one that tells a client that the session goes on.
 */
void adhoc_handle(struct adhoc *a, const struct asker *who, xmpp_stanza_t *iq);
/*
 * Run the command again whose REPLY_LATER had this ticket, and answer its iq, unless it is put off
 * again; nothing when none waits for it.  Not to be called by a command that runs.
 */
void adhoc_resume(struct adhoc *a, uint64_t ticket);
/* The turn is on disk: what it put off waits on. */
void adhoc_committed(struct adhoc *a);
/* The turn could not be written, and its iqs are told so: what it put off is dropped. */
void adhoc_failed(struct adhoc *a);
/* Nobody can be answered any more: everything that waits is dropped. */
void adhoc_forget(struct adhoc *a);

/* Frees what has been idle too long; to be called now and then.  Returns how many sessions live. */
size_t adhoc_sweep(struct adhoc *a);

#endif
