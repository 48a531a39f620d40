/*
 * Slots for files at the upload services of our users' servers (XEP-0363): the service is found by
 * service discovery, remembered for an hour, and asked for a slot, in the name of the user where
 * their server lets us (XEP-0356).
 */
#ifndef LATERD_XMPP_UPLOAD_H
#define LATERD_XMPP_UPLOAD_H

#include "core/ports.h"
#include "xmpp/privilege.h"
#include "xmpp/request.h"

#define UPLOAD_JOBS_MAX  100 /* slots asked for at once */
#define UPLOAD_ITEMS_MAX 20  /* of a server, that are asked what they are */
#define UPLOAD_WAIT_MS   (10 * SECOND_MS) /* for each answer; there are four in a row at most */
#define UPLOAD_KEPT_MS   HOUR_MS
#define UPLOAD_NAME_MAX  255
#define UPLOAD_TYPE_MAX  127

/* All borrowed. */
struct upload_env {
	xmpp_ctx_t *ctx;
	const struct clock *clock;
	struct timers *timers;
	struct requests *requests;
	const char *from; /* the address that asks */
	const char *own;  /* our domain: servers list it as well, and it has the privileges */
	const struct privilege *privilege;
	/* A user's server has answered with this error, which may say that we may not ask as them. */
	void (*refused)(void *arg, const char *domain, xmpp_stanza_t *error);
	/* As messenger_events.slot; words are never NULL. */
	void (*told)(void *arg, uint64_t ticket, enum res res, const struct slot *slot,
	    const char *words);
	void *arg;
};

struct upload;

/* env is copied.  NULL without memory. */
struct upload *upload_new(const struct upload_env *env);
/* After requests_free; `told` is not called. */
void upload_free(struct upload **u);

/*
 * Ask for a slot at the upload service of `domain` (prepared; one that is served: what is known of
 * each is never dropped).  rq->user: prepared.  When asking in their name fails, we ask once more
 * in our own, unless the service has said that the file is too large or that it has no room now.
 * RES_OK: `told` is called exactly once, not within this call: RES_OK; RES_INVALID: there is no
 * service, the file is too large for it, it refuses, or what it says is no slot; RES_TEMPFAIL: no
 * answer, or none for the moment.  With any other result it is not: RES_TEMPFAIL: not now;
 * RES_INVALID: the file has no bytes, or a name or type that cannot be sent.
 */
enum res upload_ask(struct upload *u, const char *domain, const struct slot_request *rq);
/* The stream is gone, and requests_reset was called: no service is remembered. */
void upload_reset(struct upload *u);

#endif
