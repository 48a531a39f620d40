/*
 * What the files of this room share: the state of the service, and the verbs they lend one another.
 */
#ifndef LATERD_SERVICE_STATE_H
#define LATERD_SERVICE_STATE_H

#include "service/queue.h"
#include "service/service.h"

/* What the messenger reported, and what is to be done about it; strings may be NULL. */
struct report {
	void (*tell)(struct service *s, const struct report *r);
	const char *id, *who, *condition, *type;
	enum contact answer;
	int64_t at; /* when it was heard */
	struct report *next;
};

struct reports {
	struct arena arena;
	struct report *first, **last;
	bool lost; /* there was no room for more, and the log says so */
};

struct service {
	const struct service_config *config;
	struct service_env env;
	struct messenger *messenger;
	char bot[JID_BARE_MAX + 1];

	struct queue queue;          /* QUEUED: claimed, not sent */
	struct queued **batch;       /* INFLIGHT: sent since the last barrier was answered */
	size_t nbatch, batch_cap;
	bool barrier;                /* a ping is under way */
	bool full;                   /* the queue had no room for what the store has */
	bool rearm;                  /* what waits in the store changed: look for what comes next */
	bool broken;                 /* the turn cannot be committed */
	bool draining;
	struct reports reports;      /* of this turn, and of those that could not be committed */

	int64_t window_end;          /* wall clock: up to here packets are claimed */
	int64_t able_since;          /* wall clock: able to send since then; 0: not able */
	int64_t drift;               /* wall minus monotonic clock, to notice when one is set */
	int repairs;                 /* since the last turn that could be committed */
	struct timer tick_timer, claim_timer, send_timer, held_timer, purge_timer, repair_timer;
};

static inline int64_t
service_now(const struct service *s)
{
	return clock_wall(s->env.clock);
}

/* Nothing is taken from the store or sent: the turn has failed, or the repair is still to come. */
static inline bool
service_halted(const struct service *s)
{
	return s->broken || timer_waits(&s->repair_timer);
}

/* Arm a timer for an instant of the wall clock. */
void service_at(struct service *s, struct timer *t, int64_t wall, void (*fn)(void *));

/* -- tick.c: from the store to the queue ------------------------------------------------------- */

void tick_start(struct service *s);
/* Arm the timers for what comes next in the store: to be claimed, to be tried again, to expire. */
void tick_arm(struct service *s);
/* The queue has become shorter: go on with what it had no room for. */
void tick_refill(struct service *s);
/*
 * Presence has something to say of what is held for the recipient: all of it is looked at again, or
 * with `online` false only what is dropped then.  It leaves the hold as the queue has room for it.
 */
void tick_wake(struct service *s, const char *recipient, bool online);

/* -- deliver.c: from the queue to the stream --------------------------------------------------- */

/* Send, hold or end all that is due, one batch at a time; arms its own timer for the next. */
void deliver_pump(struct service *s);
/*
 * A held packet is looked at so often even when presence says nothing: what could be seen before
 * may be hidden now.
 */
#define DELIVER_LOOK_MS DAY_MS
/* What is known of the recipient's presence, after a probe has been begun where that helps. */
enum presence deliver_presence(struct service *s, const char *recipient);
/* Queue a packet that is QUEUED in the store. */
void deliver_queue(struct service *s, const struct packet *p);
/* The wait until a held packet is tried again without presence having said anything. */
int64_t deliver_retry_ms(struct service *s, int32_t attempts);

/* -- settle.c: what became of it --------------------------------------------------------------- */

/*
 * ev happens to p now, with a line of history; true when it did.  Failures of the store break the
 * turn.
 */
bool settle_move(struct service *s, struct packet *p, enum packet_event ev, const char *what);
/* The same for an end that the sender has to know: stores a notice in the same turn. */
bool settle_end(struct service *s, struct packet *p, enum packet_event ev, const char *what);
/*
 * The same for one that ends unsent; when it left and was not heard of again, that is said instead.
 */
bool settle_expire(struct service *s, struct packet *p, const char *what);
/* The stream is up: watch those for whom something is held, and send. */
void settle_ready(struct service *s);
/*
 * Take up from the store what is in our hands there; for a start, and after a turn that could not
 * be committed.
 */
enum res settle_recover(struct service *s);
/* Handle again what the messenger reported in turns that could not be committed. */
void settle_tell_again(struct service *s);
/* The turn is on disk. */
void settle_forget_reports(struct service *s);

/* -- notify.c ---------------------------------------------------------------------------------- */

/*
 * Tell the sender of p: an IM of the bot, stored like any packet.  Nothing for packets of the bot
 * itself.
 */
void notify_sender(struct service *s, const struct packet *p, const char *words);

/* -- intake.c ---------------------------------------------------------------------------------- */

/*
 * Give each of n packets an id, seal `body` for each, and store them; on RES_OK the ids are in v.
 */
enum res intake_store(
    struct service *s, struct packet *v, size_t n, struct span body, const char *what);

/* -- the handlers of commands.c's table -------------------------------------------------------- */

/* One run of a command: see command_ops.run. */
struct run {
	struct service *s;
	const struct asker *who;
	enum command_stage stage;
	struct form *in; /* NULL at COMMAND_ASK */
	struct reply *reply;
	int64_t now;
};

void schedule_im(struct run *r);
void manage_list(struct run *r);
void manage_show(struct run *r);
void manage_cancel(struct run *r);
void manage_quota(struct run *r);

/*
 * A form sent back with the reason: instructions, a fixed field `error` first, and an error note.
 */
void reply_again(struct run *r, const char *title, const char *instructions, const char *reason);
/* The store could not answer. */
void reply_trouble(struct run *r);
void reply_done(struct run *r, enum note_type type, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Limits that hold for this sender: set for them, for their domain, or configured. */
enum res quota_limit_of(
    struct service *s, const struct jid *sender, enum packet_kind kind, struct quota_limit *out);

#endif
