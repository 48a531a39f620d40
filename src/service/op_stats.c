/* What there is to do, and what was done: for operators. */
#include <string.h>

#include "service/operators.h"

static const struct {
	const char *words;
	int64_t ms;
} ahead[] = {
	{ "overdue", 0 },
	{ "within an hour", HOUR_MS },
	{ "within a day", DAY_MS },
	{ "within a week", 7 * DAY_MS },
};

#define NAHEAD (sizeof(ahead) / sizeof(ahead[0]))

/* -- What waits -------------------------------------------------------------------------------- */

static const enum packet_state waiting[] = {
	PACKET_SCHEDULED, PACKET_QUEUED, PACKET_HELD, PACKET_INFLIGHT, PACKET_UNCERTAIN,
};

#define NWAITING (sizeof(waiting) / sizeof(waiting[0]))

/* "; due: 1 overdue, 2 within an hour, 5 later" */
static void
print_ahead(struct buf *out, int64_t scheduled, int64_t by[NAHEAD][KIND_END], int kind)
{
	const char *between = "; due: ";
	int64_t before = 0;

	for (size_t i = 0; i < NAHEAD; i++) {
		if (by[i][kind] > before) {
			buf_printf(out, "%s%lld %s", between, (long long)(by[i][kind] - before),
			    ahead[i].words);
			between = ", ";
		}
		before = by[i][kind];
	}
	if (scheduled > before)
		buf_printf(out, "%s%lld later", between, (long long)(scheduled - before));
}

/* "3 scheduled, 1 uncertain" */
static void
print_waiting(struct buf *out, const int64_t n[PACKET_NSTATES])
{
	size_t before = out->len;

	for (size_t i = 0; i < NWAITING; i++)
		if (n[waiting[i]] > 0)
			buf_printf(out, "%s%lld %s", out->len > before ? ", " : "",
			    (long long)n[waiting[i]], packet_state_name(waiting[i]));
	if (out->len == before)
		buf_text(out, "none");
}

static bool
show_waiting(struct run *r, const struct tally *tally)
{
	struct store *st = r->s->env.store;
	int64_t by[NAHEAD][KIND_END] = { { 0 } };
	struct buf text = { .max = 1024 };

	for (size_t i = 0; i < NAHEAD; i++)
		if (st->ops->due_by(st, r->now + ahead[i].ms, by[i]) != RES_OK)
			return false;
	for (int kind = KIND_IM; kind < KIND_END; kind++) {
		const char *name = packet_kind_name((enum packet_kind)kind);

		buf_reset(&text);
		print_waiting(&text, tally->n[kind]);
		print_ahead(&text, tally->n[kind][PACKET_SCHEDULED], by, kind);
		reply_row(r, arena_printf(&r->reply->form.arena, "waiting-%s", name), name,
		    buf_str(&text));
	}
	buf_free(&text);
	return true;
}

/* -- What was done ----------------------------------------------------------------------------- */

/* What counts as sent, and what as failed. */
static const bool as_sent[PACKET_NSTATES] = { [PACKET_SENT] = true, [PACKET_DELIVERED] = true },
		  as_failed[PACKET_NSTATES] = { [PACKET_FAILED] = true, [PACKET_EXPIRED] = true };

static int64_t
sum(const struct endings *es, const bool counted[PACKET_NSTATES], const char *gateway)
{
	int64_t n = 0;

	for (size_t i = 0; i < es->n; i++)
		if (counted[es->v[i].state] &&
		    (gateway == NULL || strcmp(es->v[i].gateway, gateway) == 0))
			n += es->v[i].n;
	return n;
}

static void
print_done(struct buf *out, const struct endings *hour, const struct endings *day,
    const char *gateway)
{
	buf_printf(out,
	    "in the last hour %lld sent, %lld failed; in the last day %lld sent, %lld failed",
	    (long long)sum(hour, as_sent, gateway), (long long)sum(hour, as_failed, gateway),
	    (long long)sum(day, as_sent, gateway), (long long)sum(day, as_failed, gateway));
}

static bool
show_done(struct run *r)
{
	struct store *st = r->s->env.store;
	const struct routing *routing = &r->s->config->routing;
	struct endings hour = { 0 }, day = { 0 };
	struct buf text = { .max = 1024 };
	bool ok = st->ops->ended_since(st, r->now - HOUR_MS, &hour) == RES_OK &&
	    st->ops->ended_since(st, r->now - DAY_MS, &day) == RES_OK;

	if (ok) {
		print_done(&text, &hour, &day, NULL);
		reply_row(r, "done", "All", buf_str(&text));
	}
	for (size_t i = 0; ok && i < routing->ngateways; i++) {
		const char *name = routing->gateways[i].name;

		buf_reset(&text);
		print_done(&text, &hour, &day, name);
		reply_row(r, arena_printf(&r->reply->form.arena, "gateway-%s", name),
		    arena_printf(&r->reply->form.arena, "Gateway %s", name), buf_str(&text));
	}
	buf_free(&text);
	endings_free(&hour);
	endings_free(&day);
	return ok;
}

/* -- The service itself ------------------------------------------------------------------------ */

/* How long ago what is first in a queue was due. */
static int64_t
queue_lag(const struct service *s, int64_t now)
{
	int64_t lag = 0;

	for (int paid = 0; paid < 2; paid++) {
		const struct queued *first = queue_peek(&s->due[paid].queue);

		if (first != NULL && now - first->p.next_at > lag)
			lag = now - first->p.next_at;
	}
	for (size_t i = 0; i < GATEWAYS_MAX; i++) {
		const struct queued *first = queue_peek(&s->lanes[i]);

		if (first != NULL && now - first->p.next_at > lag)
			lag = now - first->p.next_at;
	}
	return lag;
}

static bool
show_service(struct run *r)
{
	struct service *s = r->s;
	struct store_space space;
	struct buf text = { .max = 1024 };

	if (s->env.store->ops->space(s->env.store, &space) != RES_OK)
		return false;
	buf_printf(&text, "%lld.%lld s; %zu instant messages and %zu others are in the queue",
	    (long long)(queue_lag(s, r->now) / SECOND_MS),
	    (long long)(queue_lag(s, r->now) % SECOND_MS / 100), s->due[false].queue.n + s->nbatch,
	    s->due[true].queue.n);
	reply_row(r, "lag", "Queue lag", buf_str(&text));
	buf_reset(&text);
	when_print_wait(&text, clock_mono(s->env.clock) - s->started_mono);
	buf_text(&text, ", since ");
	when_print(&text, s->started_at, &s->config->zone, r->account.hours);
	reply_row(r, "uptime", "Uptime", buf_str(&text));
	buf_reset(&text);
	buf_printf(&text, "%lld KiB", (long long)(space.used / 1024));
	if (space.left != INT64_MAX)
		buf_printf(&text, "; the disk has %lld MiB left", (long long)(space.left >> 20));
	reply_row(r, "database", "Database", buf_str(&text));
	if (s->draining)
		reply_plain(r, "draining", NULL,
		    "Nothing is accepted or sent, because of `drain`; `drain off` ends that.");
	buf_free(&text);
	return true;
}

void
op_stats(struct run *r)
{
	struct store *st = r->s->env.store;
	struct tally tally;

	r->reply->form.title = "What there is to do, and what was done";
	if (st->ops->tally(st, &tally) != RES_OK || !show_waiting(r, &tally) || !show_done(r) ||
	    !show_service(r)) {
		reply_trouble(r);
		return;
	}
	reply_done(r, NOTE_INFO, "%s", "");
	service_summary(r->s, &r->reply->note);
	buf_text(&r->reply->note, ".");
}
