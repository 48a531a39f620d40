/*
 * The gateways port of core/ports.h: paces the configured gateways, writes requests with their
 * drivers, judges how they end, and takes delivery reports.
 */
#ifndef LATERD_GATEWAY_GATEWAYS_H
#define LATERD_GATEWAY_GATEWAYS_H

#include "base/clock.h"
#include "core/ports.h"
#include "core/seal.h"
#include "gateway/config.h"
#include "gateway/http.h"
#include "gateway/media.h"
#include "gateway/web.h"

/* Borrowed, until gateways_configure exchanges it and what it began has ended. */
struct gateways_config {
	const struct gateway_config *v; /* prepared */
	size_t n;
	const char *public_url;         /* NULL: no delivery reports */
	struct media_config media;
};

struct gateways_env {
	const struct clock *clock;
	struct timers *timers;
	struct seal *seal;              /* tokens of report URLs */
	struct http_client *http;
	const struct gateways_events *events;
	void *events_arg;
	void (*random)(void *bytes, size_t len);
};

/* config is borrowed, env copied.  NULL without memory. */
struct gateways *gateways_new(const struct gateways_config *config, const struct gateways_env *env);
void gateways_free(struct gateways **g);
/*
 * A gateway of the same name keeps its attempts and what was measured, and stays paused by an
 * operator; what closed it otherwise is forgiven.
 */
enum res gateways_configure(struct gateways *g, const struct gateways_config *config);

/* The turn is on disk: its attempts and uploads leave. */
void gateways_flush(struct gateways *g);
/*
 * The turn could not be written: its attempts and uploads are forgotten, without outcome and
 * `uploaded`.
 */
void gateways_failed(struct gateways *g);

/*
 * Append what is measured here (base/metrics.h): outcomes, how long answers take, attempts in
 * flight, whether each is open or paused.
 */
void gateways_expose(struct gateways *g, struct buf *out);

/*
 * A request to /report/…: the token is checked, the driver reads it, `reported` tells it.  The
 * reply may leave when the turn is committed.  404 for anything else, a wrong token included.
 */
void gateways_report(struct gateways *g, const struct web_request *rq, struct web_reply *reply);
/*
 * PUBLIC_URL/report/NAME/ID/TOKEN for a packet, PUBLIC_URL/report/NAME/TOKEN with id NULL: where
 * reports of the gateway are taken.  RES_NOMEM.
 */
enum res gateways_report_url(struct buf *out, const struct seal *seal, const char *public_url,
    const char *gateway, const char *id);

#endif
