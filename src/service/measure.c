/* What is measured in this room, for /metrics. */
#include "service/operators.h"

static const char *const refused_reasons[REFUSED_END] = {
	[REFUSED_DENIED] = "denied",
	[REFUSED_INVALID] = "invalid",
	[REFUSED_QUOTA] = "quota",
};

static const char *
kind_name(int kind)
{
	return packet_kind_name((enum packet_kind)kind);
}

static void
expose_counts(const struct counts *c, struct buf *out)
{
	const char *name = "laterd_accepted_total";

	metrics_family(out, name, "counter", "Packets taken in.");
	for (int kind = KIND_IM; kind < KIND_END; kind++)
		metrics_sample(out, name, (double)c->accepted[kind], "kind", kind_name(kind), NULL);
	name = "laterd_refused_total";
	metrics_family(out, name, "counter", "Requests that were refused, by reason.");
	for (int i = 0; i < REFUSED_END; i++)
		metrics_sample(
		    out, name, (double)c->refused[i], "reason", refused_reasons[i], NULL);
	name = "laterd_ended_total";
	metrics_family(out, name, "counter", "Packets that were sent or ended, by the state reached.");
	for (int kind = KIND_IM; kind < KIND_END; kind++)
		for (int state = PACKET_SENT; state < PACKET_NSTATES; state++)
			metrics_sample(out, name, (double)c->ended[kind][state], "kind",
			    kind_name(kind), "state", packet_state_name((enum packet_state)state),
			    NULL);
}

void
service_expose(struct service *s, struct buf *out)
{
	const struct measured *m = &s->measured;
	const char *name = "laterd_lateness_seconds";

	expose_counts(&s->counted, out);
	metrics_family(out, "laterd_tick_lag_seconds", "histogram",
	    "How much later than planned a tick came.");
	metrics_histogram(out, "laterd_tick_lag_seconds", &m->tick_lag, NULL);
	metrics_family(out, name, "histogram",
	    "How long after its due time a packet left that was not held.");
	for (int kind = KIND_IM; kind < KIND_END; kind++)
		metrics_histogram(out, name, &m->lateness[kind], "kind", kind_name(kind), NULL);
	metrics_family(out, "laterd_batch_messages", "histogram",
	    "Instant messages that left in one batch.");
	metrics_histogram(out, "laterd_batch_messages", &m->batches, NULL);
	name = "laterd_queue";
	metrics_family(out, name, "gauge", "Packets in memory, waiting for their second or for room.");
	metrics_sample(out, name, (double)s->due[false].queue.n, "queue", "im", NULL);
	metrics_sample(out, name, (double)dispatch_waiting(s), "queue", "gateways", NULL);
}

void
service_summary(struct service *s, struct buf *out)
{
	struct store *st = s->env.store;
	struct tally tally;
	int64_t n[PACKET_NSTATES] = { 0 };

	if (st->ops->tally(st, &tally) != RES_OK)
		return;
	for (int kind = KIND_IM; kind < KIND_END; kind++)
		for (int state = 0; state < PACKET_NSTATES; state++)
			n[state] += tally.n[kind][state];
	buf_printf(out, "%lld waiting, %lld held, %lld in flight",
	    (long long)(n[PACKET_SCHEDULED] + n[PACKET_QUEUED]), (long long)n[PACKET_HELD],
	    (long long)n[PACKET_INFLIGHT]);
	if (n[PACKET_UNCERTAIN] > 0)
		buf_printf(out, ", %lld uncertain", (long long)n[PACKET_UNCERTAIN]);
}

void
measure_end_turn(struct service *s, bool on_disk)
{
	if (on_disk)
		s->counted = s->counts;
	else
		s->counts = s->counted;
}
