/*
 * Notices a second connection with our address.  ejabberd accepts one and gives each stanza for the
 * address to either of the two; Prosody refuses it.  We ping ourselves through the server: a ping
 * of another process that comes here, or one of ours that stays away though a later one came
 * back, tells of a twin.  A server that gives us nothing of our own back says nothing.
 */
#ifndef LATERD_XMPP_TWIN_H
#define LATERD_XMPP_TWIN_H

#include <strophe.h>

#include "base/clock.h"

#define TWIN_ID_MAX 64 /* bytes of a ping's id, with NUL */

/* All borrowed. */
struct twin_env {
	const struct clock *clock;
	struct timers *timers;
	/* Send at once, from our address to itself, an iq of type get with this id and a ping. */
	void (*ping)(void *arg, const char *id);
	/* There is one; at most once a minute as long as there is.  May end the stream. */
	void (*noticed)(void *arg);
	void *arg;
};

struct twin;

/* env is copied.  NULL without memory or random bytes. */
struct twin *twin_new(const struct twin_env *env);
void twin_free(struct twin **t);

/* The stream is up: 8 pings now, and one a minute, or 8 again where one stayed away. */
void twin_up(struct twin *t);
/* The stream is gone; what it owes us is forgotten. */
void twin_down(struct twin *t);
/* An iq from our domain to itself.  Anything but a ping of ours or of a twin is ignored. */
void twin_heard(struct twin *t, xmpp_stanza_t *iq);
/* How often one was noticed. */
uint64_t twin_count(const struct twin *t);

#endif
