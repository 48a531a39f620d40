/* What gateways.c, conclusion.c, expose.c, fetch.c, report.c and put.c share. */
#ifndef LATERD_GATEWAY_GATEWAYS_PRIVATE_H
#define LATERD_GATEWAY_GATEWAYS_PRIVATE_H

#include <sys/queue.h>

#include "base/metrics.h"
#include "gateway/driver.h"
#include "gateway/gateways.h"
#include "gateway/pace.h"

struct dispatcher;

/* What people have been told of it since it last worked; in this order. */
enum told { TOLD_NOTHING, TOLD_FAILING, TOLD_HALTED };

struct gateway {
	struct dispatcher *dispatcher;
	char *name;
	const struct gateway_config *config; /* NULL: not in the configuration any more */
	struct http_pool *pool;
	struct pace pace;
	struct timer timer; /* until there is room again, or at once with `news` */
	enum told told;
	struct buf trouble; /* what closed it, in words without numbers; empty while it works */
	bool paused;        /* by an operator */
	bool news;          /* it was paused or resumed, and `room` is to follow */
	uint64_t outcomes[OUTCOME_END];
	struct histogram seconds; /* from leaving to the answer */
};

struct attempt {
	TAILQ_ENTRY(attempt) next;
	struct gateway *gateway;
	const struct gateway_config *config; /* that it was written by */
	struct http_request *rq;             /* until it leaves */
	int64_t left_at;                     /* monotonic */
	char id[PACKET_ID_LEN + 1];
	unsigned begun; /* pace_begin */
};

TAILQ_HEAD(attempts, attempt);

struct fetch;
TAILQ_HEAD(fetches, fetch);

struct put;
TAILQ_HEAD(uploads, put);

struct dispatcher {
	struct gateways port; /* first: it is what others see */
	struct gateways_config config;
	struct gateways_env env;
	struct gateway *v[GATEWAYS_MAX]; /* as in config.v */
	size_t n;
	struct gateway **leaving;        /* have attempts, and no configuration */
	size_t nleaving;
	struct attempts written;         /* in this turn */
	struct attempts away;
	struct attempts unsent;          /* could not be started */
	struct timer unsent_timer;
	size_t inflight;                 /* of all three */
	struct http_pool *media;
	struct fetches fetches;
	size_t nfetches;
	struct http_pool *slots;
	struct uploads uploads;
	size_t nuploads;
	struct timer uploads_timer;      /* some could not be started */
};

/* What an attempt came to, for its packet and for its gateway. */
struct conclusion {
	struct verdict verdict;
	enum pace_result pace;
	int status;
	const char *error; /* of the gateway, for the log; NULL: none */
	bool was_closed;   /* already, by another attempt */
	bool opened, tripped;
};

/* Read the answer, and log it. */
void conclusion_init(struct conclusion *c, const struct attempt *at, const struct http_answer *a);
void conclusion_fini(struct conclusion *c);
/*
 * It counts for the pace of its gateway, but an attempt of a former configuration halts nothing.
 * True when that opened or closed it.
 */
bool conclusion_pace(struct conclusion *c, const struct attempt *at);
/* Log that, and tell people what they should look at. */
void conclusion_tell(const struct conclusion *c, struct gateway *gw);

enum res fetch_begin(
    struct gateways *g, const char *url, size_t max, uint64_t ticket, struct buf *why);
/* Forget those that are under way; their pool is gone. */
void fetch_fini(struct dispatcher *d);

#endif
