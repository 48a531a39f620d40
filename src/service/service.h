/*
 * The service: what laterd does, in terms of the ports of core.  Intake takes packets in, the tick
 * queues them, deliver sends or holds them, settle learns what became of them, notify tells their
 * senders.
 */
#ifndef LATERD_SERVICE_SERVICE_H
#define LATERD_SERVICE_SERVICE_H

#include "base/clock.h"
#include "core/command.h"
#include "core/ports.h"
#include "core/route.h"
#include "core/seal.h"

/*
 * All strings are canonical bare JIDs or domains; the whole is borrowed and may be exchanged by
 * service_configure.
 */
struct service_config {
	const char *address;             /* our domain; the bot is bot@address */
	const char *const *domains;      /* whose users may schedule; NULL-terminated */
	const char *const *admins;       /* bare JIDs, NULL-terminated */
	struct zone zone;                /* the server's */
	int64_t tick_ms;
	int64_t horizon_ms;              /* how far ahead a message may be */
	int64_t late_limit_ms;           /* how late a message may still leave */
	int64_t hold_ms;                 /* default expiry of a held message, after its due time */
	int64_t keep_ms;                 /* how long finished packets are kept */
	int64_t repeat_min_ms;           /* between two occurrences of a recurrence, at least */
	int64_t pending_max;             /* packets waiting, a user */
	size_t body_max;                 /* bytes of text */
	enum offline offline;            /* the form's default */
	struct quota_limit quota[KIND_END]; /* of a user */
	struct quota_limit total[KIND_END]; /* of all users together */
	int64_t free_min;                /* bytes the database's disk has left: less, and admins are told */
	bool count_segments;             /* the quota of SMS counts segments, not messages */
	struct routing routing;          /* the gateways, in the order of struct gateways_ops */
	const char *country;             /* of numbers with a trunk 0, e.g. "49"; NULL: none */
};

struct service_env {
	const struct clock *clock;
	struct timers *timers;
	struct store *store;
	struct seal *seal;
	void (*random)(void *bytes, size_t len); /* cannot fail */
};

struct service;

/* env is copied, what it points to and config are borrowed.  NULL without memory. */
struct service *service_new(const struct service_config *config, const struct service_env *env);
void service_free(struct service **s);
/* Before service_start; all are borrowed. */
void service_attach(
    struct service *s, struct messenger *m, struct gateways *g, struct host *h);

/*
 * Take up what a former run left in our hands, and tick.  RES_TEMPFAIL, RES_PERMFAIL: the store
 * does not work.
 */
enum res service_start(struct service *s);
/* Other limits, domains, times and routes from now on; gateways_configure comes first. */
void service_configure(struct service *s, const struct service_config *config);
/* Look again at what is due, by the configuration as it is now. */
void service_look_again(struct service *s);
/* The wall clock was set: look again at what is due. */
void service_clock_changed(struct service *s);

/*
 * The end of a turn: everything since the last one becomes durable.  On any result but RES_OK none
 * of it has happened, answers given in the turn must not leave, and the service has taken up its
 * work from the store again.
 */
enum res service_commit(struct service *s);

/* Accept nothing new and send nothing more; service_idle tells when nothing is in flight. */
void service_drain(struct service *s);
bool service_idle(const struct service *s);
/* The store takes what is written, as far as is known. */
bool service_is_well(const struct service *s);
/* "3 waiting, 1 held, 0 in flight": one line of what there is to do; "" when that cannot be read. */
void service_summary(struct service *s, struct buf *out);
/* Append what is measured here (base/metrics.h). */
void service_expose(struct service *s, struct buf *out);

extern const struct command_ops service_command_ops;
struct commands *service_commands(struct service *s);
/* Its arg is the struct service. */
extern const struct messenger_events service_messenger_events;
extern const struct gateways_events service_gateways_events;
extern const struct host_events service_host_events;

#endif
