/* Messages to the bot: which of them are lines for it, and how its answers travel. */
#ifndef LATERD_XMPP_CHAT_H
#define LATERD_XMPP_CHAT_H

#include <strophe.h>

#include "xmpp/talk.h"

struct chat;

struct chat_env {
	xmpp_ctx_t *ctx;
	struct talks_env talk; /* say, failed and arg are chat's own */
	const char *address;   /* our domain */
	/* Send a stanza, which the callee takes; NULL without memory. */
	void (*send)(void *arg, xmpp_stanza_t *st);
	void (*failed)(void *arg);
	void *arg;
};

/* env is copied.  NULL without memory. */
struct chat *chat_new(const struct talk_bounds *bounds, const struct chat_env *env);
void chat_free(struct chat **c);
struct talks *chat_talks(struct chat *c);
/* How many lines were heard, refused or ignored. */
uint64_t chat_lines(const struct chat *c, enum talk_verdict verdict);

/*
 * A message to our bare domain or to the bot, from `who`, that is no error and no receipt.  Lines
 * are messages of type chat or normal with a body and from an address with a local part.  Not read, and
 * not answered, are: groupchat and headline; delayed ones (XEP-0203); carbons (XEP-0280); what our
 * own domain sends; chat states and other messages without a body.  Encrypted ones (XEP-0380, or
 * OMEMO's <encrypted/> with a payload) are lines that cannot be read, and the answer says so.
 *
 * Where asked for, a receipt (XEP-0184) and a displayed marker (XEP-0333) answer it, in one message
 * with a hint to store it (XEP-0334); none for a line that is ignored or refused.  Answers are
 * messages of the type and thread of the line, from the address written to, to the full JID, with
 * an id and origin-id (XEP-0359) of their own, and ask for nothing.  They leave with the turn.
 */
void chat_handle(
    struct chat *c, const struct asker *who, const struct jid *to, xmpp_stanza_t *message);

#endif
