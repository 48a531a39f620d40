#include "gateway/gateways.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "gateway/driver.h"
#include "gateway/gateways_private.h"
#include "gateway/put.h"

/* What is left of a probe that is under way, or of a pause: nobody knows. */
#define PROBE_MS (5 * SECOND_MS)
#define PAUSE_MS HOUR_MS
#define MEDIA_CONNECTIONS 8
/* Of a report; the configuration bounds public_url by 2000. */
#define URL_MAX 4096

static int64_t
mono(const struct dispatcher *d)
{
	return clock_mono(d->env.clock);
}

static struct dispatcher *
dispatcher_of(struct gateways *g)
{
	return (struct dispatcher *)g;
}

/* -- Room -------------------------------------------------------------------------------------- */

static void on_room(void *arg);

static size_t
room_of(const struct gateway *gw)
{
	return gw->paused ? 0 : pace_room(&gw->pace, mono(gw->dispatcher));
}

static int64_t
next_room(const struct gateway *gw)
{
	int64_t now = mono(gw->dispatcher);

	if (gw->config == NULL)
		return INT64_MAX;
	if (gw->news)
		return now;
	return gw->paused ? INT64_MAX : pace_next(&gw->pace, now);
}

static void
await_room(struct gateway *gw)
{
	struct dispatcher *d = gw->dispatcher;
	int64_t at = next_room(gw);

	if (at == INT64_MAX)
		timer_stop(&gw->timer);
	else
		timer_set(d->env.timers, &gw->timer, at, on_room, gw);
}

static void
on_room(void *arg)
{
	struct gateway *gw = arg;
	struct dispatcher *d = gw->dispatcher;
	bool news = gw->news;

	gw->news = false;
	await_room(gw);
	if (news || room_of(gw) > 0)
		d->env.events->room(d->env.events_arg);
}

static struct gateway_state
state(struct gateways *g, size_t i)
{
	struct dispatcher *d = dispatcher_of(g);
	struct gateway_state s = { .open = false, .resumes_ms = PROBE_MS };
	int64_t now = mono(d);
	const struct gateway *gw;

	if (i >= d->n)
		return s;
	gw = d->v[i];
	s.paused = gw->paused;
	s.halted = gw->told == TOLD_HALTED;
	s.inflight = gw->pace.inflight;
	memcpy(s.outcomes, gw->outcomes, sizeof(s.outcomes));
	s.trouble = gw->trouble.len > 0 ? buf_str(&gw->trouble) : NULL;
	s.open = !gw->paused && pace_is_open(&gw->pace, now);
	s.room = room_of(gw);
	if (s.open)
		s.resumes_ms = 0;
	else if (gw->paused)
		s.resumes_ms = PAUSE_MS;
	else if (gw->pace.closed_until > now)
		s.resumes_ms = gw->pace.closed_until - now;
	return s;
}

/* As if it had never failed. */
static void
forgive(struct gateway *gw)
{
	pace_reopen(&gw->pace);
	gw->told = TOLD_NOTHING;
	buf_reset(&gw->trouble);
}

static void
pause_gateway(struct gateways *g, size_t i, bool paused)
{
	struct dispatcher *d = dispatcher_of(g);
	struct gateway *gw = i < d->n ? d->v[i] : NULL;

	if (gw == NULL)
		return;
	if (gw->paused != paused)
		log_note("gateway %s: %s", gw->name, paused ? "paused" : "resumed");
	gw->paused = paused;
	if (!paused)
		forgive(gw);
	gw->news = true;
	await_room(gw);
}

/* -- Gateways ---------------------------------------------------------------------------------- */

static void
gateway_free(struct gateway *gw)
{
	timer_stop(&gw->timer);
	gw->dispatcher->env.http->ops->pool_free(&gw->pool);
	buf_free(&gw->trouble);
	free(gw->name);
	free(gw);
}

static unsigned
connections_of(const struct gateway_config *c)
{
	return c->connections > 0 ? c->connections : 1;
}

static struct gateway *
gateway_new(struct dispatcher *d, const struct gateway_config *c)
{
	struct gateway *gw = calloc(1, sizeof(*gw));

	if (gw == NULL)
		return NULL;
	gw->dispatcher = d;
	gw->name = strdup(c->info.name);
	gw->pool = d->env.http->ops->pool_new(d->env.http, connections_of(c));
	if (gw->name != NULL && gw->pool != NULL)
		return gw;
	if (gw->pool != NULL)
		d->env.http->ops->pool_free(&gw->pool);
	free(gw->name);
	free(gw);
	return NULL;
}

static struct gateway *
find(struct gateway *const *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i]->name, name) == 0)
			return v[i];
	return NULL;
}

static void
configure_gateway(struct gateway *gw, const struct gateway_config *c)
{
	if (gw->pace.closed_until != 0 && !gw->paused)
		log_note("gateway %s: open again, by the new configuration", gw->name);
	gw->config = c;
	gw->pace.limits = (struct pace_limits){ .rate = c->rate, .inflight = c->inflight };
	forgive(gw);
	gw->dispatcher->env.http->ops->pool_resize(gw->pool, connections_of(c));
	await_room(gw);
}

/* Those without a configuration go when their last attempt has ended. */
static void
sweep(struct dispatcher *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->nleaving; i++) {
		if (d->leaving[i]->pace.inflight > 0)
			d->leaving[n++] = d->leaving[i];
		else
			gateway_free(d->leaving[i]);
	}
	d->nleaving = n;
}

static void
retire(struct dispatcher *d, struct gateway *gw)
{
	gw->config = NULL;
	timer_stop(&gw->timer);
	d->leaving[d->nleaving++] = gw;
}

/* The gateways of the new configuration: known ones, or new ones.  All or none. */
static bool
assemble(struct dispatcher *d, const struct gateways_config *config, struct gateway **v)
{
	for (size_t i = 0; i < config->n; i++) {
		const char *name = config->v[i].info.name;

		v[i] = find(d->v, d->n, name);
		if (v[i] == NULL)
			v[i] = find(d->leaving, d->nleaving, name);
		if (v[i] == NULL)
			v[i] = gateway_new(d, &config->v[i]);
		if (v[i] != NULL)
			continue;
		while (i-- > 0)
			if (find(d->v, d->n, v[i]->name) == NULL &&
			    find(d->leaving, d->nleaving, v[i]->name) == NULL)
				gateway_free(v[i]);
		return false;
	}
	return true;
}

enum res
gateways_configure(struct gateways *g, const struct gateways_config *config)
{
	struct dispatcher *d = dispatcher_of(g);
	struct gateway *v[GATEWAYS_MAX] = { NULL };
	struct gateway **more;
	size_t nleaving = 0;

	sweep(d);
	if (config->n > GATEWAYS_MAX)
		return RES_NOMEM;
	more = realloc(d->leaving, (d->nleaving + d->n + 1) * sizeof(struct gateway *));
	if (more == NULL)
		return RES_NOMEM;
	d->leaving = more;
	if (!assemble(d, config, v))
		return RES_NOMEM;
	for (size_t i = 0; i < d->nleaving; i++)
		if (find(v, config->n, d->leaving[i]->name) == NULL)
			d->leaving[nleaving++] = d->leaving[i];
	d->nleaving = nleaving;
	for (size_t i = 0; i < d->n; i++)
		if (find(v, config->n, d->v[i]->name) == NULL)
			retire(d, d->v[i]);
	memcpy(d->v, v, sizeof(v));
	d->n = config->n;
	d->config = *config;
	for (size_t i = 0; i < d->n; i++)
		configure_gateway(d->v[i], &config->v[i]);
	sweep(d);
	return RES_OK;
}

/* -- Ends -------------------------------------------------------------------------------------- */

static void
attempt_free(struct attempts *list, struct attempt *at)
{
	struct dispatcher *d = at->gateway->dispatcher;

	TAILQ_REMOVE(list, at, next);
	d->inflight--;
	http_request_free(&at->rq);
	free(at);
}

static void
end_attempt(struct attempts *list, struct attempt *at, const struct http_answer *a)
{
	struct gateway *gw = at->gateway;
	struct dispatcher *d = gw->dispatcher;
	bool had_room = room_of(gw) > 0, changed;
	char id[PACKET_ID_LEN + 1];
	struct conclusion c;

	conclusion_init(&c, at, a);
	gw->outcomes[c.verdict.outcome]++;
	if (a->end == HTTP_ANSWERED)
		histogram_add_ms(&gw->seconds, mono(d) - at->left_at);
	changed = conclusion_pace(&c, at);
	memcpy(id, at->id, sizeof(id));
	attempt_free(list, at);
	await_room(gw);
	d->env.events->outcome(d->env.events_arg, id, gw->name, c.verdict.outcome,
	    c.verdict.ref.len > 0 ? buf_str(&c.verdict.ref) : NULL, buf_str(&c.verdict.words));
	if (changed)
		conclusion_tell(&c, gw);
	if ((changed && !c.was_closed) || (!had_room && room_of(gw) > 0))
		d->env.events->room(d->env.events_arg);
	conclusion_fini(&c);
}

static void
on_done(void *arg, const struct http_answer *a)
{
	struct attempt *at = arg;

	end_attempt(&at->gateway->dispatcher->away, at, a);
}

static void
on_unsent(void *arg)
{
	struct dispatcher *d = arg;
	static const struct http_answer none = {
		.end = HTTP_NOT_SENT,
		.error = "the request cannot be started",
	};
	struct attempt *at;

	while ((at = TAILQ_FIRST(&d->unsent)) != NULL)
		end_attempt(&d->unsent, at, &none);
}

/* -- Beginnings -------------------------------------------------------------------------------- */

static enum res
render(struct dispatcher *d, const struct gateway_config *c, const struct submission *sub,
    struct http_request *rq, struct buf *why)
{
	const struct driver *driver = c->prepared_driver;
	struct buf url = { .max = URL_MAX };
	enum res res = RES_OK;

	if (d->config.public_url != NULL && driver->report != NULL)
		res = gateways_report_url(&url, d->env.seal, d->config.public_url, c->info.name,
		    driver->reports_by_ref(c) ? NULL : sub->id);
	if (res == RES_OK)
		res = driver->render(c, sub, url.len > 0 ? buf_str(&url) : NULL,
		    clock_wall(d->env.clock), rq, why);
	buf_free(&url);
	return res;
}

static enum res
submit(struct gateways *g, size_t i, const struct submission *sub, struct buf *why)
{
	struct dispatcher *d = dispatcher_of(g);
	struct gateway *gw = i < d->n ? d->v[i] : NULL;
	struct attempt *at;
	enum res res = RES_NOMEM;

	if (gw == NULL || room_of(gw) == 0)
		return RES_TEMPFAIL;
	at = calloc(1, sizeof(*at));
	if (at != NULL && (at->rq = http_request_new()) != NULL)
		res = render(d, gw->config, sub, at->rq, why);
	if (res != RES_OK) {
		if (at != NULL)
			http_request_free(&at->rq);
		free(at);
		return res == RES_INVALID ? RES_INVALID : RES_TEMPFAIL;
	}
	at->gateway = gw;
	at->config = gw->config;
	snprintf(at->id, sizeof(at->id), "%s", sub->id);
	at->begun = pace_begin(&gw->pace, mono(d));
	TAILQ_INSERT_TAIL(&d->written, at, next);
	d->inflight++;
	await_room(gw);
	return RES_OK;
}

void
gateways_flush(struct gateways *g)
{
	struct dispatcher *d = dispatcher_of(g);
	struct attempt *at;

	while ((at = TAILQ_FIRST(&d->written)) != NULL) {
		struct http_request *rq = at->rq;

		at->rq = NULL;
		at->left_at = mono(d);
		TAILQ_REMOVE(&d->written, at, next);
		TAILQ_INSERT_TAIL(&d->away, at, next);
		if (d->env.http->ops->start(at->gateway->pool, rq, on_done, at) == RES_OK)
			continue;
		TAILQ_REMOVE(&d->away, at, next);
		TAILQ_INSERT_TAIL(&d->unsent, at, next);
		timer_set(d->env.timers, &d->unsent_timer, mono(d), on_unsent, d);
	}
	put_flush(d);
	sweep(d);
}

void
gateways_failed(struct gateways *g)
{
	struct dispatcher *d = dispatcher_of(g);
	struct attempt *at;

	while ((at = TAILQ_FIRST(&d->written)) != NULL) {
		struct gateway *gw = at->gateway;

		pace_end(&gw->pace, mono(d), at->begun, PACE_FORGET, 0);
		attempt_free(&d->written, at);
		await_room(gw);
	}
	put_failed(d);
	sweep(d);
}

static size_t
inflight(const struct gateways *g)
{
	return ((const struct dispatcher *)g)->inflight;
}

/* -- Beginning and end of it all --------------------------------------------------------------- */

static const struct gateways_ops ops = {
	.state = state,
	.submit = submit,
	.pause = pause_gateway,
	.inflight = inflight,
	.fetch = fetch_begin,
	.upload = put_begin,
};

struct gateways *
gateways_new(const struct gateways_config *config, const struct gateways_env *env)
{
	struct dispatcher *d = calloc(1, sizeof(*d));
	struct gateways *g;

	if (d == NULL)
		return NULL;
	g = &d->port;
	d->port.ops = &ops;
	d->env = *env;
	TAILQ_INIT(&d->written);
	TAILQ_INIT(&d->away);
	TAILQ_INIT(&d->unsent);
	TAILQ_INIT(&d->fetches);
	TAILQ_INIT(&d->uploads);
	d->media = env->http->ops->pool_new(env->http, MEDIA_CONNECTIONS);
	d->slots = env->http->ops->pool_new(env->http, UPLOADS_MAX);
	if (d->media == NULL || d->slots == NULL || gateways_configure(g, config) != RES_OK)
		gateways_free(&g);
	return g;
}

static void
give_up(struct attempts *list)
{
	struct attempt *at;

	while ((at = TAILQ_FIRST(list)) != NULL)
		attempt_free(list, at);
}

void
gateways_free(struct gateways **gp)
{
	struct dispatcher *d;

	if (*gp == NULL)
		return;
	d = dispatcher_of(*gp);
	timer_stop(&d->unsent_timer);
	if (d->media != NULL)
		d->env.http->ops->pool_free(&d->media);
	if (d->slots != NULL)
		d->env.http->ops->pool_free(&d->slots);
	fetch_fini(d);
	put_fini(d);
	give_up(&d->written);
	give_up(&d->away);
	give_up(&d->unsent);
	for (size_t i = 0; i < d->n; i++)
		gateway_free(d->v[i]);
	for (size_t i = 0; i < d->nleaving; i++)
		gateway_free(d->leaving[i]);
	free(d->leaving);
	free(d);
	*gp = NULL;
}
