/*
 * The clocks of clients (XEP-0202): how far they are ahead of UTC, asked when it is wanted, and
 * remembered.
 */
#ifndef LATERD_XMPP_CLIENT_TIME_H
#define LATERD_XMPP_CLIENT_TIME_H

#include "xmpp/request.h"

#define CLIENT_TIME_MAX       5000 /* remembered; the oldest gives way */
#define CLIENT_TIME_WAIT_MS   1500
#define CLIENT_TIME_KEPT_MS   HOUR_MS
#define CLIENT_TIME_SILENT_MS (10 * MINUTE_MS) /* that it does not say */

/* All borrowed. */
struct client_time_env {
	xmpp_ctx_t *ctx;
	const struct clock *clock;
	struct requests *requests;
	const char *from; /* the address that asks */
	/* client_time_offset has its answer for this client, or has given it up. */
	void (*told)(void *arg, const char *jid);
	void *arg;
};

struct client_time;

/* env is copied.  NULL without memory. */
struct client_time *client_time_new(const struct client_time_env *env);
/* After requests_free. */
void client_time_free(struct client_time **ct);

/*
 * The offset of the client at this full JID, in seconds east of UTC, within 14 hours.  RES_OK;
 * RES_UNCERTAIN: it is being asked, and `told` follows, not within this call; RES_NOTFOUND: it does
 * not say, it cannot be asked now, or the address is no full JID: a bare one is answered by the
 * server, with the server's clock.
 */
enum res client_time_offset(struct client_time *ct, const char *jid, int32_t *offset_s);
/* The stream is gone, and requests_reset was called: nothing is remembered. */
void client_time_reset(struct client_time *ct);

#endif
