/*
 * The daemon put together: store, service and component, without a loop of its own.  The event loop
 * and the scenario tests both drive it: by the libevent base it was given, and by laterd_step
 * whenever the instant that laterd_next names has come.
 */
#ifndef LATERD_DAEMON_LATERD_H
#define LATERD_DAEMON_LATERD_H

#include "daemon/config.h"
#include "gateway/http.h"
#include "gateway/web.h"
#include "xmpp/stream.h"

struct laterd_env {
	const struct clock *clock;
	stream_dial_fn *dial;
	void *dial_arg;
	void (*random)(void *bytes, size_t len);
	struct http_client *http; /* its turn is ours from laterd_new on */
	/*
	 * An operator wants the configuration read again: as on SIGHUP, laterd_reload is called
	 * from within.  False, with the reasons in `why`, a line each, when the old one stays in
	 * force.
	 */
	bool (*reload)(void *arg, struct buf *why);
	void *reload_arg;
	/* A turn has ended: laterd_next may have changed. */
	void (*turned)(void *arg);
	void *turned_arg;
};

/* sysexits(3), as contract.md promises. */
enum { EXIT_DATABASE = 73, EXIT_LOCKED = 75, EXIT_CONFIGURATION = 78 };

struct laterd;

/*
 * Open what config names.  0, or an exit code with the reason in `why`.  config and env's pointers
 * are borrowed; the configuration must outlive the daemon, also after laterd_reload.
 */
int laterd_new(const struct config *config, const struct laterd_env *env, struct laterd **out,
    struct buf *why);
/* Stops without ceremony, as a crash would, but for the memory. */
void laterd_free(struct laterd **l);

/* Take up the work and connect.  False when the store does not work. */
bool laterd_start(struct laterd *l);
/* Fire what is due, and end the turn. */
void laterd_step(struct laterd *l);
/* The monotonic instant at which laterd_step is wanted next. */
int64_t laterd_next(const struct laterd *l);
/* Somebody set the wall clock. */
void laterd_clock_changed(struct laterd *l);
/*
 * Use another configuration: users, schedule, quota, gateways, media, log, and of the store what is
 * kept; a change of component, files or listener is refused with a line in the log.  A turn.
 * False: there was no memory for it, and the old one stays in force.
 */
bool laterd_reload(struct laterd *l, const struct config *config);
/* "connected; 3 waiting, 1 held, 0 in flight": for people who ask the supervisor. */
void laterd_summary(struct laterd *l, struct buf *out);
/* By laterd_drain, or because an operator wished it. */
bool laterd_is_stopping(const struct laterd *l);
/* Answer what came to the listener: a listener_fn, whose arg is the struct laterd.  A turn. */
void laterd_web(void *l, const struct web_request *rq, struct web_reply *reply);
/* Stop taking and sending; done when nothing is in flight any more and the stream is closed. */
void laterd_drain(struct laterd *l);
bool laterd_done(const struct laterd *l);

#endif
