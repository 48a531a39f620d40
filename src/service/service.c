#include "service/service.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "core/retry.h"
#include "service/operators.h"

/* A wall clock that moved this much against the monotonic one has been set by somebody. */
#define DRIFT_MS   (2 * SECOND_MS)
/* How long to wait before a store that failed is tried again. */
static const struct retry_policy repair_retry = { .first_ms = SECOND_MS, .max_ms = 30 * SECOND_MS };

struct service *
service_new(const struct service_config *config, const struct service_env *env)
{
	struct service *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->env = *env;
	s->measured.batches.ladder = LADDER_NUMBERS;
	service_configure(s, config);
	return s;
}

static void
batch_free(struct service *s)
{
	for (size_t i = 0; i < s->nbatch; i++)
		queued_free(&s->batch[i]);
	s->nbatch = 0;
}

static void
stop_timers(struct service *s)
{
	timer_stop(&s->tick_timer);
	for (int paid = 0; paid < 2; paid++) {
		timer_stop(&s->due[paid].claim_timer);
		timer_stop(&s->due[paid].send_timer);
	}
	timer_stop(&s->held_timer);
	timer_stop(&s->purge_timer);
}

static void
clear_queues(struct service *s)
{
	for (int paid = 0; paid < 2; paid++) {
		queue_clear(&s->due[paid].queue);
		s->due[paid].full = false;
	}
	dispatch_clear(s);
}

void
service_free(struct service **s)
{
	if (*s == NULL)
		return;
	stop_timers(*s);
	timer_stop(&(*s)->repair_timer);
	batch_free(*s);
	settle_forget_reports(*s);
	free((*s)->batch);
	clear_queues(*s);
	medium_clear(*s);
	later_clear(*s);
	export_clear(*s);
	op_backup_clear(*s);
	timer_stop(&(*s)->retrying.timer);
	timer_stop(&(*s)->forget_timer);
	free(*s);
	*s = NULL;
}

void
service_attach(struct service *s, struct messenger *m, struct gateways *g, struct host *h)
{
	s->messenger = m;
	s->gateways = g;
	s->host = h;
}

void
service_configure(struct service *s, const struct service_config *config)
{
	int64_t n;
	bool again = s->config != NULL;

	s->config = config;
	snprintf(s->bot, sizeof(s->bot), "bot@%s", config->address);
	if (!again || service_halted(s))
		return;
	op_gateways_recall(s);
	dispatch_again(s);
	s->missed = 0;
	if (s->env.store->ops->wake_paid(s->env.store, service_now(s), &n) != RES_OK)
		s->broken = true;
}

void
service_at(struct service *s, struct timer *t, int64_t wall, void (*fn)(void *))
{
	int64_t now = service_now(s), wait = wall > now ? wall - now : 0;

	if (wall == NEVER_MS)
		timer_stop(t);
	else
		timer_set(s->env.timers, t, clock_mono(s->env.clock) + wait, fn, s);
}

enum res
service_start(struct service *s)
{
	enum res res = settle_recover(s);
	int64_t n;

	s->awake_since = s->started_at = service_now(s);
	s->started_mono = clock_mono(s->env.clock);
	op_gateways_recall(s);
	if (res == RES_OK)
		res = outcome_recover(s);
	if (res == RES_OK)
		res = repeat_recover(s);
	if (res == RES_OK)
		res = s->env.store->ops->wake_paid(s->env.store, s->awake_since, &n);
	if (res != RES_OK)
		return res;
	forget_start(s);
	tick_start(s);
	return service_commit(s);
}

void
service_look_again(struct service *s)
{
	tick_start(s);
}

/*
 * What fell due in a time that never was could not be sent then; time that comes again is no gap.
 */
void
service_clock_changed(struct service *s)
{
	int64_t set_by = service_now(s) - clock_mono(s->env.clock) - s->drift, n;

	if (s->drift == 0 || llabs(set_by) <= DRIFT_MS)
		set_by = 0;
	if (s->able_since != 0)
		s->able_since = set_by > 0 ? service_now(s) : s->able_since + set_by;
	s->awake_since = set_by > 0 ? service_now(s) : s->awake_since + set_by;
	/* What is held waits for an instant of the clock before, which may be far away now. */
	if (set_by < 0 && !s->draining && !service_halted(s) &&
	    s->env.store->ops->wake(s->env.store, NULL, OFFLINE_END, service_now(s), &n) != RES_OK)
		s->broken = true;
	tick_start(s);
}

static void
repair(void *arg)
{
	struct service *s = arg;
	struct store *st = s->env.store;
	int64_t n;

	/* Presence may have changed unheard: all that is held is looked at. */
	if (settle_recover(s) != RES_OK ||
	    st->ops->wake(st, NULL, OFFLINE_END, service_now(s), &n) != RES_OK) {
		s->broken = true;
		return;
	}
	settle_tell_again(s);
	if (s->able_since != 0)
		s->able_since = service_now(s);
	s->awake_since = service_now(s);
	op_gateways_recall(s);
	tick_start(s);
	if (s->messenger->ops->ready(s->messenger) && !s->broken)
		settle_ready(s);
}

static void
end_turn(struct service *s, bool on_disk)
{
	notify_end_turn(s, on_disk);
	export_end_turn(s, on_disk);
	op_gateways_end_turn(s, on_disk);
	op_retry_end_turn(s, on_disk);
	op_control_end_turn(s, on_disk);
	op_backup_end_turn(s, on_disk);
	measure_end_turn(s, on_disk);
}

static void
give_up_turn(struct service *s)
{
	s->env.store->ops->rollback(s->env.store);
	end_turn(s, false);
	clear_queues(s);
	batch_free(s);
	s->broken = s->rearm = false;
	stop_timers(s);
	/* One repair at a time: turns that fail meanwhile do not put it off. */
	if (!timer_waits(&s->repair_timer))
		timer_set(s->env.timers, &s->repair_timer,
		    clock_mono(s->env.clock) +
			retry_wait_ms(&repair_retry, s->repairs++, UINT32_MAX),
		    repair, s);
}

enum res
service_commit(struct service *s)
{
	int64_t drift = service_now(s) - clock_mono(s->env.clock);

	if (!s->draining && s->drift != 0 && llabs(drift - s->drift) > DRIFT_MS) {
		log_note("the clock was set by %lld ms: looking again at what is due",
		    (long long)(drift - s->drift));
		service_clock_changed(s);
	}
	if (s->rearm && !s->broken) {
		s->rearm = false;
		tick_arm(s);
	}
	if (s->broken || s->env.store->ops->commit(s->env.store) != RES_OK) {
		if (s->repairs == 0)
			log_error(
			    "the store cannot write: nothing is accepted or sent until it can");
		give_up_turn(s);
		return RES_TEMPFAIL;
	}
	end_turn(s, true);
	op_backup_go_on(s);
	if (timer_waits(&s->repair_timer))
		return RES_OK;
	if (s->repairs > 0)
		log_note("the store can write again");
	s->repairs = 0;
	settle_forget_reports(s);
	return RES_OK;
}

void
service_drain(struct service *s)
{
	s->draining = true;
	s->drained = s->was_drained = false;
	stop_timers(s);
}

bool
service_idle(const struct service *s)
{
	return s->nbatch == 0 && !s->barrier && s->gateways->ops->inflight(s->gateways) == 0;
}

bool
service_is_well(const struct service *s)
{
	return !service_halted(s);
}

struct commands *
service_commands(struct service *s)
{
	return (struct commands *)s;
}
