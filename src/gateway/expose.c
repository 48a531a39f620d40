#include "gateway/gateways_private.h"

static const char *const outcomes[OUTCOME_END] = {
	[OUTCOME_ACCEPTED] = "accepted",
	[OUTCOME_PERMANENT] = "permanent",
	[OUTCOME_NOT_PROCESSED] = "not_processed",
	[OUTCOME_UNKNOWN] = "unknown",
};

static double
inflight_of(const struct gateway_state *s)
{
	return (double)s->inflight;
}

static double
open_of(const struct gateway_state *s)
{
	return s->open;
}

static double
paused_of(const struct gateway_state *s)
{
	return s->paused;
}

static const struct gauge {
	const char *name, *help;
	double (*of)(const struct gateway_state *s);
} gauges[] = {
	{ "laterd_gateway_inflight", "Attempts that have no outcome yet.", inflight_of },
	{ "laterd_gateway_open", "1 when attempts are made, 0 when it is paused or failing.", open_of },
	{ "laterd_gateway_paused", "1 when an operator has paused it.", paused_of },
};

void
gateways_expose(struct gateways *g, struct buf *out)
{
	const struct dispatcher *d = (const struct dispatcher *)g;

	metrics_family(out, "laterd_gateway_outcomes_total", "counter", "How attempts have ended.");
	for (size_t i = 0; i < d->n; i++)
		for (size_t o = 0; o < OUTCOME_END; o++)
			metrics_sample(out, "laterd_gateway_outcomes_total",
			    (double)d->v[i]->outcomes[o], "gateway", d->v[i]->name, "outcome",
			    outcomes[o], NULL);
	metrics_family(out, "laterd_gateway_seconds", "histogram",
	    "From a request's leaving to its answer.");
	for (size_t i = 0; i < d->n; i++)
		metrics_histogram(out, "laterd_gateway_seconds", &d->v[i]->seconds, "gateway",
		    d->v[i]->name, NULL);
	for (size_t k = 0; k < sizeof(gauges) / sizeof(gauges[0]); k++) {
		metrics_family(out, gauges[k].name, "gauge", gauges[k].help);
		for (size_t i = 0; i < d->n; i++) {
			struct gateway_state s = g->ops->state(g, i);

			metrics_sample(out, gauges[k].name, gauges[k].of(&s), "gateway",
			    d->v[i]->name, NULL);
		}
	}
}
