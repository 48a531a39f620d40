/*
 * Iqs of ours to others, and their answers.  Only who was asked can answer, only once, and only
 * after the question has left with its turn.
 */
#ifndef LATERD_XMPP_REQUEST_H
#define LATERD_XMPP_REQUEST_H

#include <strophe.h>

#include "base/clock.h"
#include "core/jid.h"

#define REQUESTS_MAX 2000 /* under way at once */

enum request_end {
	REQUEST_RESULT,
	REQUEST_ERROR,
	REQUEST_TIMEOUT, /* no answer in time */
	REQUEST_GONE,    /* it has never left, or the stream has ended */
	REQUEST_DENIED   /* the user's server did not ask for them, or answers nonsense */
};

/* Borrowed for the call. */
struct request_answer {
	enum request_end end;
	bool unsent;       /* REQUEST_GONE: the turn that asked could not be written */
	const char *from;  /* who was asked */
	/* Of REQUEST_RESULT, REQUEST_ERROR and, where it came as an error, REQUEST_DENIED. */
	xmpp_stanza_t *iq;
};

typedef void request_fn(void *arg, const struct request_answer *answer);

/* Strings are borrowed for the call. */
struct request {
	const char *type;     /* "get" or "set" */
	const char *from;     /* an address of ours */
	const char *to;       /* prepared (jid_print) */
	/*
	 * In the name of this user (a prepared bare JID), whose server grants that for the child's
	 * namespace (XEP-0356, iq permission): it is their server that asks `to`, and answers us.
	 * NULL: in our own.
	 */
	const char *as;
	/* Taken, whatever the call comes to; NULL, for want of memory, is RES_NOMEM. */
	xmpp_stanza_t *child;
	int64_t timeout_ms;   /* more than 0 */
	request_fn *fn;
	void *arg;
};

/* All borrowed. */
struct requests_env {
	xmpp_ctx_t *ctx;
	const struct clock *clock;
	struct timers *timers;
	/* Queue an iq, which stays the caller's, until the turn is committed. */
	enum res (*send)(void *arg, xmpp_stanza_t *iq);
	void *arg;
};

struct requests;

/* env is copied.  NULL without memory. */
struct requests *requests_new(const struct requests_env *env);
/* What is under way is forgotten, and fn is not called. */
void requests_free(struct requests **rs);

/*
 * Ask.  RES_OK: fn is called exactly once, in a later call than this one, by requests_answered,
 * requests_reset or a timer, and may ask again; it must not free the requests.  With any other
 * result it is not called: RES_TEMPFAIL: REQUESTS_MAX are under way, or the stream is not up;
 * RES_INVALID: it cannot be sent as XML; RES_NOMEM.
 */
enum res requests_ask(struct requests *rs, const struct request *rq);
/*
 * An iq that is no question, from `from` (prepared).  Ignored unless it is of type result or error
 * and answers a question that was put to exactly this address in a turn that has ended.  One in a
 * user's name is answered by that user's bare address, and what it forwards counts only from who
 * was asked, to that user, and with the same id.
 */
void requests_answered(struct requests *rs, const struct jid *from, xmpp_stanza_t *iq);

/* The turn is on disk: what it asked leaves. */
void requests_committed(struct requests *rs);
/* The turn could not be written: what it asked ends as GONE as soon as the timers run. */
void requests_failed(struct requests *rs);
/* The stream is gone: everything under way ends as GONE, and what is asked meanwhile is refused. */
void requests_reset(struct requests *rs);

#endif
