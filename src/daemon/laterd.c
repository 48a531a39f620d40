#include "daemon/laterd.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/metrics.h"
#include "daemon/sealing.h"
#include "gateway/gateways.h"
#include "service/service.h"
#include "store/sqlite.h"
#include "xmpp/component.h"

#ifndef LATERD_VERSION
#error "the build defines LATERD_VERSION"
#endif

/*
 * What is in flight when we are told to stop gets so long to be settled, requests to gateways as
 * long as they may take and so much more, and the server so long to close the stream.
 */
#define DRAIN_MS         (10 * SECOND_MS)
#define DRAIN_REQUEST_MS (5 * SECOND_MS)
#define CLOSE_MS         (2 * SECOND_MS)

static const struct stream_config stream_defaults = {
	.connect_timeout_ms = 10 * SECOND_MS,
	.keepalive_ms = 60 * SECOND_MS,
	.answer_timeout_ms = 30 * SECOND_MS,
	.backoff_first_ms = SECOND_MS,
	.backoff_max_ms = 60 * SECOND_MS,
};

/* What the gateways are, or were, configured with: requests of a former one may be under way. */
struct gateways_set {
	struct gateways_config config;
	struct gateways_set *before;
};

struct laterd {
	struct host host; /* first: the service knows us by it */
	const struct config *config; /* of the start */
	struct laterd_env env;
	struct timers timers;
	struct service_config service_config;
	struct component_config component_config;
	struct store *store;
	struct seal *seal;
	struct service *service;
	struct component *component;
	struct gateways *gateways;
	struct gateways_set *sets; /* the first is in force */
	struct timer drain_timer;
	/* What an operator wished in this turn, and what is granted in one of its own. */
	bool wants_reload, wants_shutdown;
	struct timer reload_timer, shutdown_timer;
	bool draining, closing;
};

static void
set_service_config(struct laterd *l, const struct config *c)
{
	l->service_config = (struct service_config){
		.address = c->component.address,
		.domains = c->users.domains,
		.admins = c->users.admins,
		.zone = c->schedule.zone,
		.tick_ms = c->schedule.tick_ms,
		.horizon_ms = c->schedule.horizon_ms,
		.late_limit_ms = c->schedule.late_limit_ms,
		.hold_ms = c->schedule.hold_ms,
		.keep_ms = c->store.keep_ms,
		.repeat_min_ms = c->schedule.repeat_min_ms,
		.pending_max = c->schedule.pending_max,
		.body_max = c->schedule.body_max,
		.offline = c->schedule.offline,
		.free_min = c->store.free_min,
		.count_segments = c->count_segments,
		.routing = c->routing,
		.country = c->schedule.country,
	};
	memcpy(l->service_config.quota, c->quota, sizeof(c->quota));
	memcpy(l->service_config.total, c->total, sizeof(c->total));
}

static void
set_component_config(struct laterd *l, const struct config *c)
{
	l->component_config = (struct component_config){
		.stream = stream_defaults, .name = c->component.name, .version = LATERD_VERSION,
		.admins = c->users.admins, .domains = c->users.domains, .zone = &c->schedule.zone,
	};
	l->component_config.stream.address = c->component.address;
	l->component_config.stream.server = c->component.server;
	l->component_config.stream.secret = c->component.secret;
	l->component_config.stream.ping_to = c->users.domains[0];
}

static bool
add_gateways_set(struct laterd *l, const struct config *c)
{
	struct gateways_set *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return false;
	set->config = (struct gateways_config){
		.v = c->gateways,
		.n = c->routing.ngateways,
		/* There is no other listener than that of the start. */
		.public_url = l->config->http.host != NULL ? c->http.public_url : NULL,
		.media = c->media,
	};
	set->before = l->sets;
	l->sets = set;
	return true;
}

static void
drop_gateways_set(struct laterd *l)
{
	struct gateways_set *set = l->sets;

	l->sets = set->before;
	free(set);
}

static int
open_store(struct laterd *l, struct buf *why)
{
	switch (sqlite_store_open(l->config->store.database, &l->store, why)) {
	case RES_OK:
		return 0;
	case RES_TEMPFAIL:
		return EXIT_LOCKED;
	default:
		return EXIT_DATABASE;
	}
}

/* -- Turns ------------------------------------------------------------------------------------- */

static void
close_timeout(void *arg)
{
	(void)arg;
	log_detail("the server did not close the stream");
}

static void
end_drain(struct laterd *l)
{
	if (!l->draining || l->closing ||
	    (timer_waits(&l->drain_timer) && !service_idle(l->service)))
		return;
	l->closing = true;
	timer_set(
	    &l->timers, &l->drain_timer, clock_mono(l->env.clock) + CLOSE_MS, close_timeout, l);
	component_close(l->component);
}

static void
on_reload(void *arg)
{
	struct laterd *l = arg;
	struct buf why = { 0 };
	bool ok = l->env.reload(l->env.reload_arg, &why);

	service_host_events.reloaded(l->service, ok, buf_str(&why));
	buf_free(&why);
}

static void
on_shutdown(void *arg)
{
	laterd_drain(arg);
}

/* What was wished in a turn that has not happened, has not been wished. */
static void
grant_wishes(struct laterd *l, bool ok)
{
	int64_t now = clock_mono(l->env.clock);

	if (ok && l->wants_reload)
		timer_set(&l->timers, &l->reload_timer, now, on_reload, l);
	if (ok && l->wants_shutdown)
		timer_set(&l->timers, &l->shutdown_timer, now, on_shutdown, l);
	l->wants_reload = l->wants_shutdown = false;
}

/* False when nothing of the turn has happened. */
static bool
end_turn(struct laterd *l)
{
	bool ok = service_commit(l->service) == RES_OK;

	if (ok) {
		component_flush(l->component);
		gateways_flush(l->gateways);
	} else {
		component_failed(l->component);
		gateways_failed(l->gateways);
	}
	grant_wishes(l, ok);
	end_drain(l);
	l->env.turned(l->env.turned_arg);
	return ok;
}

static void
on_turn(void *arg)
{
	end_turn(arg);
}

void
laterd_step(struct laterd *l)
{
	timers_run(&l->timers, clock_mono(l->env.clock));
	end_turn(l);
}

int64_t
laterd_next(const struct laterd *l)
{
	return timers_next(&l->timers);
}

void
laterd_clock_changed(struct laterd *l)
{
	service_clock_changed(l->service);
	end_turn(l);
}

/* -- What an operator asks of the daemon ------------------------------------------------------- */

static void
host_reload(struct host *h)
{
	((struct laterd *)h)->wants_reload = true;
}

static void
host_shutdown(struct host *h)
{
	((struct laterd *)h)->wants_shutdown = true;
}

static const struct host_ops host_ops = { .reload = host_reload, .shutdown = host_shutdown };

/* -- Beginning and end ------------------------------------------------------------------------- */

static bool
assemble_gateways(struct laterd *l)
{
	const struct gateways_env env = {
		.clock = l->env.clock,
		.timers = &l->timers,
		.seal = l->seal,
		.http = l->env.http,
		.events = &service_gateways_events,
		.events_arg = l->service,
		.random = l->env.random,
	};

	l->env.http->turn = on_turn;
	l->env.http->turn_arg = l;
	if (!add_gateways_set(l, l->config))
		return false;
	l->gateways = gateways_new(&l->sets->config, &env);
	return l->gateways != NULL;
}

static bool
assemble(struct laterd *l)
{
	struct service_env service_env = {
		.clock = l->env.clock,
		.timers = &l->timers,
		.store = l->store,
		.seal = l->seal,
		.random = l->env.random,
	};
	struct component_env component_env = {
		.clock = l->env.clock,
		.timers = &l->timers,
		.dial = l->env.dial,
		.dial_arg = l->env.dial_arg,
		.command_ops = &service_command_ops,
		.events = &service_messenger_events,
		.turn = on_turn,
		.turn_arg = l,
	};

	l->service = service_new(&l->service_config, &service_env);
	if (l->service == NULL)
		return false;
	component_env.commands = service_commands(l->service);
	component_env.events_arg = l->service;
	l->component = component_new(&l->component_config, &component_env);
	if (l->component == NULL)
		return false;
	if (!assemble_gateways(l))
		return false;
	service_attach(l->service, component_messenger(l->component), l->gateways, &l->host);
	return true;
}

int
laterd_new(
    const struct config *config, const struct laterd_env *env, struct laterd **out, struct buf *why)
{
	struct laterd *l = calloc(1, sizeof(*l));
	int code;

	*out = NULL;
	if (l == NULL) {
		buf_text(why, "out of memory");
		return EXIT_FAILURE;
	}
	l->host.ops = &host_ops;
	l->config = config;
	l->env = *env;
	set_service_config(l, config);
	set_component_config(l, config);
	if ((code = open_store(l, why)) == 0 &&
	    (code = sealing_open(l->store, config, &l->seal, why)) == 0 && !assemble(l)) {
		buf_text(why, "out of memory");
		code = EXIT_FAILURE;
	}
	if (code == 0)
		*out = l;
	else
		laterd_free(&l);
	return code;
}

void
laterd_free(struct laterd **lp)
{
	struct laterd *l = *lp;

	if (l == NULL)
		return;
	timer_stop(&l->drain_timer);
	timer_stop(&l->reload_timer);
	timer_stop(&l->shutdown_timer);
	component_free(&l->component);
	gateways_free(&l->gateways);
	service_free(&l->service);
	while (l->sets != NULL)
		drop_gateways_set(l);
	seal_free(&l->seal);
	if (l->store != NULL)
		sqlite_store_close(&l->store);
	free(l);
	*lp = NULL;
}

bool
laterd_start(struct laterd *l)
{
	if (service_start(l->service) != RES_OK)
		return false;
	component_start(l->component);
	end_turn(l);
	return true;
}

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
needs_restart(const struct config *a, const struct config *b)
{
	return !same(a->component.address, b->component.address) ||
	    !same(a->component.name, b->component.name) ||
	    !same(a->component.server, b->component.server) ||
	    !same(a->component.secret, b->component.secret) ||
	    !same(a->store.database, b->store.database) ||
	    !same(a->store.seal_key_file, b->store.seal_key_file) ||
	    !same(a->http.host, b->http.host) || a->http.port != b->http.port;
}

static bool
reload_gateways(struct laterd *l, const struct config *config)
{
	if (!add_gateways_set(l, config))
		return false;
	if (gateways_configure(l->gateways, &l->sets->config) == RES_OK)
		return true;
	drop_gateways_set(l);
	return false;
}

bool
laterd_reload(struct laterd *l, const struct config *config)
{
	const char *address = l->service_config.address;

	/* All that can fail, so that nothing is changed by half. */
	if (!reload_gateways(l, config))
		return false;
	if (needs_restart(l->config, config))
		log_warn(
		    "changes of component, database, seal_key_file and listen take effect at the next start");
	set_service_config(l, config);
	l->service_config.address = address;
	service_configure(l->service, &l->service_config);
	l->component_config.admins = config->users.admins;
	l->component_config.domains = config->users.domains;
	l->component_config.zone = &config->schedule.zone;
	component_configure(l->component, &l->component_config);
	log_open(config->log.target, config->log.level);
	log_note("read the configuration again");
	service_look_again(l->service);
	end_turn(l);
	return true;
}

/* -- How we are -------------------------------------------------------------------------------- */

static bool
is_connected(const struct laterd *l)
{
	struct messenger *m = component_messenger(l->component);

	return m->ops->ready(m);
}

void
laterd_summary(struct laterd *l, struct buf *out)
{
	struct buf work = { 0 };

	if (l->draining)
		buf_text(out, "stopping; ");
	if (!service_is_well(l->service))
		buf_text(out, "the database cannot be written; ");
	buf_text(out, is_connected(l) ? "connected" : "not connected");
	service_summary(l->service, &work);
	if (work.len > 0)
		buf_printf(out, "; %s", buf_str(&work));
	buf_free(&work);
}

bool
laterd_is_stopping(const struct laterd *l)
{
	return l->draining;
}

/* -- What comes to the listener ---------------------------------------------------------------- */

static void
say(struct web_reply *reply, int status, const char *words)
{
	reply->status = status;
	reply->type = "text/plain; charset=utf-8";
	buf_reset(&reply->body);
	buf_printf(&reply->body, "%s\n", words);
}

static void
health(struct laterd *l, struct web_reply *reply)
{
	if (service_is_well(l->service))
		say(reply, 200, "ok");
	else
		say(reply, 503, "the database cannot be written: nothing is accepted or sent");
	buf_text(&reply->body,
	    is_connected(l) ? "the XMPP stream is connected\n"
	                    : "the XMPP stream is not connected\n");
}

static void
metrics(struct laterd *l, struct web_reply *reply)
{
	reply->status = 200;
	reply->type = METRICS_TYPE;
	service_expose(l->service, &reply->body);
	component_expose(l->component, &reply->body);
	gateways_expose(l->gateways, &reply->body);
	sqlite_store_expose(l->store, &reply->body);
	metrics_process(&reply->body);
	if (reply->body.failed)
		say(reply, 500, "out of memory");
	/* What a look at the store has broken must not be the next one's fault. */
	end_turn(l);
}

static const struct {
	const char *path;
	void (*answer)(struct laterd *l, struct web_reply *reply);
} pages[] = {
	{ "/healthz", health },
	{ "/metrics", metrics },
};

static bool
answer_page(struct laterd *l, const struct web_request *rq, struct web_reply *reply)
{
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (strcmp(rq->path, pages[i].path) != 0)
			continue;
		if (strcmp(rq->method, "GET") == 0 || strcmp(rq->method, "HEAD") == 0)
			pages[i].answer(l, reply);
		else
			say(reply, 405, "only GET");
		return true;
	}
	return false;
}

void
laterd_web(void *arg, const struct web_request *rq, struct web_reply *reply)
{
	struct laterd *l = arg;

	if (answer_page(l, rq, reply) || strncmp(rq->path, "/report/", strlen("/report/")) != 0)
		return;
	gateways_report(l->gateways, rq, reply);
	/* Whoever reports tries again. */
	if (!end_turn(l))
		say(reply, 503, "the database cannot be written: try again later");
}

/* -- The end ----------------------------------------------------------------------------------- */

static void
drain_timeout(void *arg)
{
	const struct laterd *l = arg;
	size_t requests = l->gateways->ops->inflight(l->gateways);

	if (requests > 0)
		log_warn("%zu SMS and MMS are still in flight: their outcome stays unknown",
		    requests);
	else
		log_warn(
		    "some messages are still in flight: they are sent again, with the same ids, at the next start");
}

static int64_t
drain_wait_ms(const struct laterd *l)
{
	int64_t wait = DRAIN_MS;

	if (l->gateways->ops->inflight(l->gateways) == 0)
		return wait;
	/* Some may have been begun with a former configuration. */
	for (const struct gateways_set *set = l->sets; set != NULL; set = set->before)
		for (size_t i = 0; i < set->config.n; i++)
			if (wait < set->config.v[i].timeout_ms + DRAIN_REQUEST_MS)
				wait = set->config.v[i].timeout_ms + DRAIN_REQUEST_MS;
	return wait;
}

void
laterd_drain(struct laterd *l)
{
	if (l->draining)
		return;
	log_note("stopping: nothing new is taken, what is in flight is finished");
	l->draining = true;
	service_drain(l->service);
	timer_set(&l->timers, &l->drain_timer, clock_mono(l->env.clock) + drain_wait_ms(l),
	    drain_timeout, l);
	end_turn(l);
}

bool
laterd_done(const struct laterd *l)
{
	return l->closing && (component_is_closed(l->component) || !timer_waits(&l->drain_timer));
}
