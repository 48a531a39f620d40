/*
 * The component: takes the stanzas of the stream to the right room, and is the messenger (ports.h)
 * of the service.
 */
#ifndef LATERD_XMPP_COMPONENT_H
#define LATERD_XMPP_COMPONENT_H

#include "core/command.h"
#include "core/ports.h"
#include "xmpp/stream.h"

struct component_config {
	struct stream_config stream;
	const char *name;               /* for people */
	const char *version;
	const char *const *admins;      /* bare JIDs, NULL-terminated */
	/*
	 * The domains whose users we serve, NULL-terminated: only they and stream.ping_to may grant
	 * us privileges or refuse them again, because anybody's server can send such messages.  May
	 * be NULL.
	 */
	const char *const *domains;
	const struct zone *zone;
};

/* What the component needs of its surroundings; all borrowed. */
struct component_env {
	const struct clock *clock;
	struct timers *timers;
	stream_dial_fn *dial;
	void *dial_arg;
	const struct command_ops *command_ops;
	struct commands *commands;
	const struct messenger_events *events;
	void *events_arg;
	/*
	 * The end of a turn that began on the stream: commit, then component_flush or
	 * component_failed.  What timers began (a probe without an answer reports `presence`) ends
	 * with whoever runs the timers.
	 */
	void (*turn)(void *arg);
	void *turn_arg;
};

struct component;

struct component *component_new(const struct component_config *config,
    const struct component_env *env);
void component_free(struct component **c);
void component_start(struct component *c);
/*
 * Say goodbye and do not come back; what was flushed is still written, and component_is_closed says
 * when that is over.
 */
void component_close(struct component *c);
bool component_is_closed(const struct component *c);
struct messenger *component_messenger(struct component *c);
/*
 * Other admins, domains and zone from now on; the rest of the configuration is that of the start.  A
 * domain that is served no more grants nothing any more.
 */
void component_configure(struct component *c, const struct component_config *config);
/*
 * Append what is measured here (base/metrics.h): whether the stream is up, how often it was begun,
 * how long pongs take, messages and bytes of batches, whose presence is known, chat lines, replies
 * and command sessions.
 */
void component_expose(struct component *c, struct buf *out);

/* The turn is on disk: what it answered may leave. */
void component_flush(struct component *c);
/*
 * The turn could not be written: forget what it answered, and answer each iq of the turn, and
 * each message that it passed on or refused to, with internal-server-error, type='wait', instead,
 * and chat lines in words.  Messages that the turn sent are forgotten too; a barrier that it began
 * stays under way, for what was sent before.
 */
void component_failed(struct component *c);

#endif
