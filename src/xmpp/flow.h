/*
 * Back pressure on one transport: while the peer has not taken about 1 MiB of what it was sent,
 * nothing is read from it, until no more than 256 KiB is left.
 */
#ifndef LATERD_XMPP_FLOW_H
#define LATERD_XMPP_FLOW_H

#include <event2/bufferevent.h>

#include "base/clock.h"
#include "base/res.h"

struct flow {
	const struct clock *clock;
	struct bufferevent *bev;      /* NULL: not begun */
	bool held;                    /* nothing is read */
	int64_t taken_at;             /* monotonic: the peer last took a byte, or it was held */
	int64_t released_at;          /* monotonic: it was last held; 0: never */
};

/*
 * Begin with this transport, which stays the caller's; its write callback must call flow_release.
 */
enum res flow_begin(struct flow *f, struct bufferevent *bev, const struct clock *clock);
/* To be called before the transport is freed. */
void flow_end(struct flow *f);
/* After something was written.  True when this is why it is now held. */
bool flow_hold(struct flow *f);
/* True when it was held and no longer is.  Reading begins only with flow_listen. */
bool flow_release(struct flow *f);
/* Read again, unless it is held. */
void flow_listen(struct flow *f);

#endif
