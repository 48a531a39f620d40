/*
 * What the files of this room share: the state of the service, and the verbs they lend one another.
 */
#ifndef LATERD_SERVICE_STATE_H
#define LATERD_SERVICE_STATE_H

#include "base/metrics.h"
#include "core/mms.h"
#include "core/segment.h"
#include "service/queue.h"
#include "service/service.h"

/* What the messenger or a gateway reported, and what is to be done about it; strings may be NULL. */
struct report {
	void (*tell)(struct service *s, const struct report *r);
	const char *id, *who, *condition, *type, *words;
	int answer; /* of the enumeration that `tell` knows */
	bool awaited; /* a packet waits for it: there is always room */
	int64_t at; /* when it was heard */
	struct report *next;
};

struct reports {
	struct arena arena;
	struct report *first, **last;
	bool lost; /* there was no room for more, and the log says so */
};

/* Why something was not taken in. */
enum refused { REFUSED_DENIED, REFUSED_INVALID, REFUSED_QUOTA, REFUSED_END };

/* What has happened since the start, in turns that are on disk. */
struct counts {
	uint64_t accepted[KIND_END], refused[REFUSED_END];
	uint64_t ended[KIND_END][PACKET_NSTATES];
};

struct measured {
	struct histogram tick_lag, lateness[KIND_END], batches;
};

/* What is claimed from the store.  IM and the paid kinds do not stand in each other's way. */
struct due {
	struct queue queue;    /* QUEUED; of the paid kinds only what is not due, or has no lane */
	struct timer claim_timer, send_timer;
	bool full;             /* it had no room for what the store has */
};

/* See medium.c. */
struct medium {
	char *sender, *url, *type;
	struct buf bytes, words;
	enum res res;    /* RES_UNCERTAIN while it is being fetched */
	uint64_t ticket; /* of the fetch */
	int64_t at;      /* monotonic: asked for last */
	struct medium *next;
};

struct media {
	struct medium *first;
	size_t bytes;
	uint64_t fetches; /* tickets given */
};

/* A command that waits for something of its sender: see later.c. */
struct later {
	char *sender;
	uint64_t ticket;
	struct later *next;
};

/* A cause that admins have been told of. */
#define CAUSES_MAX (3 * GATEWAYS_MAX + 3 + 2 * KIND_END)
struct told {
	char cause[64];
	int64_t at;      /* monotonic */
	unsigned missed; /* what was not told since, because it was too soon */
	bool fresh;      /* in this turn, which may not come to be */
};

/* People who are not served, divided by their domains. */
#define STRANGERS_GROUPS 32

/* How far the deletion of what a user wants forgotten has come: see forget.c. */
struct forgetting {
	char user[JID_BARE_MAX + 1];
	int64_t at; /* of their wish */
	/* FORGET_BACK: what waits again, because a bounce has brought it back meanwhile. */
	enum { FORGET_WAITING, FORGET_SENT, FORGET_NOTICES, FORGET_BACK } phase;
	struct store_place place;
};

/* What an operator has begun, and is told of when it has ended; one of each at a time. */
#define OPERATOR_MAX (JID_BARE_MAX + 1)

struct backing {
	char operator[OPERATOR_MAX];
	struct backup *copy; /* NULL: none */
	char file[4096];
	bool due;            /* some more may be copied */
	bool fresh;          /* begun in this turn */
	bool over, failed;   /* and how it ended */
	bool told;           /* in this turn, that it is over */
	struct buf words;
	int64_t done, total; /* bytes */
	int64_t said;        /* how many quarters their operator has been told of */
	struct timer timer;
};

struct retrying {
	char operator[OPERATOR_MAX];
	char gateway[64];     /* "": none */
	int64_t upto;         /* what has come into trouble since is not meant */
	int64_t n, said;
	int64_t taken;        /* of n: in this turn */
	bool fresh, over;     /* begun, and told that it is over, in this turn */
	struct timer timer;
};

struct testing {
	char operator[OPERATOR_MAX];
	char gateway[64];
	char id[PACKET_ID_LEN + 1]; /* "": none */
	bool over, fresh;           /* fresh: begun in this turn */
};

struct service {
	const struct service_config *config;
	struct service_env env;
	struct messenger *messenger;
	struct gateways *gateways;
	struct host *host;
	char bot[JID_BARE_MAX + 1];

	struct due due[2];           /* [1]: the paid kinds */
	struct queue lanes[GATEWAYS_MAX]; /* QUEUED: due, waiting for room at their gateway */
	uint32_t missed;             /* bits of gateways: packets are held because it was closed */
	struct queued **batch;       /* INFLIGHT: sent since the last barrier was answered */
	size_t nbatch, batch_cap;
	bool barrier;                /* a ping is under way */
	bool rearm;                  /* what waits in the store changed: look for what comes next */
	bool broken;                 /* the turn cannot be committed */
	bool draining;
	bool drained;                /* by an operator, who may end it */
	bool was_drained;            /* before this turn, which may not come to be */
	struct reports reports;      /* of this turn, and of those that could not be committed */

	int64_t window_end;          /* wall clock: up to here packets are claimed */
	int64_t able_since;          /* wall clock: able to send since then; 0: not able */
	int64_t awake_since;         /* wall clock: the store works, and the clock was not set, since then */
	int64_t drift;               /* wall minus monotonic clock, to notice when one is set */
	int repairs;                 /* since the last turn that could be committed */
	struct timer tick_timer, held_timer, purge_timer, repair_timer;
	struct told told[CAUSES_MAX];
	struct media media;          /* what is fetched for messages being written */
	struct later *later;
	uint64_t waits;              /* tickets given */
	int64_t strangers_until[STRANGERS_GROUPS]; /* monotonic: see optout.c */
	uint32_t strangers_seed;
	struct copy *copies;         /* see export.c */
	uint64_t uploads;            /* tickets given */
	struct forgetting forgetting;
	struct timer copy_timer, forget_timer;

	struct counts counts, counted; /* with those of this turn, and without */
	struct measured measured;
	int64_t started_at, started_mono;
	char reloading[OPERATOR_MAX]; /* the operator who wants it */
	struct backing backing;
	struct retrying retrying;
	struct testing testing;
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
/* The queues have become shorter: go on with what they had no room for. */
void tick_refill(struct service *s);
/*
 * Presence has something to say of what is held for the recipient: all of it is looked at again, or
 * with `online` false only what is dropped then.  It leaves the hold as the queue has room for it.
 */
void tick_wake(struct service *s, const char *recipient, bool online);

/* -- dispatch.c: from the queue to the gateways ------------------------------------------------ */

/* Give all that is due and paid to a gateway, or hold or end it; arms its own timer for the next. */
void dispatch_pump(struct service *s);
/* How many paid packets are in memory. */
size_t dispatch_waiting(const struct service *s);
/* The gateways are others now: what waits for one is given to them anew. */
void dispatch_again(struct service *s);
void dispatch_clear(struct service *s);
/*
 * p, INFLIGHT, was not processed by its gateway: it goes to the next one of its route, or is held
 * until they are tried again.
 */
void dispatch_next(struct service *s, struct packet *p, const char *words);
/* The wait before a paid packet is tried again. */
int64_t dispatch_retry_ms(struct service *s, int32_t attempts);

/* The gateway has answered: what was held because it was closed is tried now. */
void dispatch_heard(struct service *s, const char *gateway);

/* -- outcome.c: what became of it there -------------------------------------------------------- */

/* After a start: what to do about attempts that have no outcome. */
enum res outcome_recover(struct service *s);

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
/* Why the packet cannot be sent any more at this time; NULL when it can. */
const char *deliver_too_late(const struct service *s, const struct packet *p, int64_t now);
/* Tell the sender of p, held, that its recipient does not let us see their presence, and what else there is. */
void deliver_tell_refused(struct service *s, const struct packet *p);
/* Append the packet's body to `body`.  RES_PERMFAIL: it can never be opened, and the log says so. */
enum res deliver_open(struct service *s, const struct packet *p, struct buf *body);

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
/* The same for a paid attempt without an outcome: nothing is sent again by itself. */
bool settle_uncertain(struct service *s, struct packet *p, const char *what);
/* Look a packet up.  Failures of the store break the turn. */
bool settle_get(struct service *s, const char *id, struct packets *ps);
/* Keep what was reported until the turn is on disk, and tell it. */
void settle_report(struct service *s, const struct report *r);
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
/* The same if the sender wants to hear of steps of this kind. */
void notify_step(struct service *s, const struct packet *p, enum notify step, const char *words);
/*
 * Tell the admins, at most once an hour for each cause (a gateway's name, or a word); what came too
 * soon is counted and told with the next, or after that hour.
 */
void notify_admins(struct service *s, const char *cause, const char *words);
/* Any other message of the bot to a user.  False when it cannot be, and the turn is broken. */
bool notify_user(struct service *s, const char *user, struct span text);
/* Tell what came too soon an hour ago. */
void notify_missed(struct service *s);
/* Look at what nobody reports: whether the disk is nearly full. */
void notify_look(struct service *s);
/* The turn has ended: what admins were told in one that is not on disk, they were not told. */
void notify_end_turn(struct service *s, bool on_disk);

/* -- optout.c, pair.c: who may be written to --------------------------------------------------- */

/*
 * RES_DENIED: the recipient wants nothing sent to them; what they send to themselves and what the
 * bot says does not count.  RES_TEMPFAIL.
 */
enum res optout_check(struct service *s, const char *sender, const char *recipient);
/* p leaves: from now on its recipient may answer its sender. */
void pair_note(struct service *s, const struct packet *p, int64_t now);
/* Who has not written since then counts as a stranger. */
int64_t pair_horizon(int64_t now);
/* Of struct messenger_events; arg is the service. */
enum relay pair_may_relay(void *arg, const char *from, const char *to);

/* -- load.c: what a message for phones weighs, and who carries it ------------------------------ */

struct load {
	enum packet_kind kind;
	struct segments segments; /* of an SMS */
	struct span foreign;      /* in its text: segments_foreign */
	size_t media_bytes, nmedia;
	const char *types[MMS_MEDIA_MAX];
};

/* Of a body as it is stored; types live in `arena`.  RES_INVALID, RES_PERMFAIL: it is none. */
enum res load_of(
    struct load *out, enum packet_kind kind, struct span body, struct arena *arena);
/*
 * The gateways that carry it to the number, in order of preference.  RES_INVALID, with the reason
 * for its sender in `why`: none does.
 */
enum res load_path(const struct service *s, const struct load *load, const char *number,
    struct route_path *out, struct buf *why);

/* -- medium.c: media that are fetched while a message is written ------------------------------- */

/*
 * The medium behind a link, for this sender.  RES_OK: type and bytes, borrowed until the turn ends;
 * RES_UNCERTAIN: it is being fetched, and later_resume follows; RES_INVALID, RES_TEMPFAIL: the reason
 * is in `why`.
 */
enum res medium_get(struct service *s, const char *sender, const char *url, size_t max,
    struct mms_medium *out, struct buf *why);
void medium_fetched(void *arg, uint64_t ticket, enum res res, const char *type, struct span bytes,
    const char *words);
void medium_clear(struct service *s);
/* Forget what nobody has asked for in a while. */
void medium_sweep(struct service *s);

/* -- later.c: commands that are put off -------------------------------------------------------- */

/*
 * A ticket for REPLY_LATER: the command is resumed by later_resume.  asked_at, the time at which it
 * was asked, is had from the ticket again: what is awaited makes no time pass for who asked.  0
 * without memory.
 */
uint64_t later_wait(struct service *s, const char *sender, int64_t asked_at);
int64_t later_asked_at(uint64_t ticket);
/* Resume all commands of this sender that wait. */
void later_resume(struct service *s, const char *sender);
void later_clear(struct service *s);

/* -- zones.c: in which zone somebody's times are read ------------------------------------------ */

enum zone_source { ZONE_OF_SETTINGS, ZONE_OF_CLIENT, ZONE_OF_SERVER };

struct user_zone {
	struct zone zone;
	enum zone_source source;
	bool fixed; /* an offset of the client, which knows nothing of summer time */
};

/* RES_UNCERTAIN: their client is being asked, and later_resume follows; out is the server's meanwhile. */
enum res zones_of(struct service *s, const struct jid *who, const struct account *account,
    struct user_zone *out);
/* The zone a packet's time was read in; the server's if it cannot be found any more. */
struct zone zones_of_packet(const struct service *s, const struct packet *p);
/* "the time zone is the one of your settings" */
void zones_explain(struct buf *out, const struct user_zone *zone);
void zones_client_clock(void *arg, const char *jid);

/* -- repeat.c: the life of a recurrence -------------------------------------------------------- */

/* The series of that id, appended; false: there is none, or the turn is broken. */
bool repeat_get(struct service *s, const char *id, struct series_list *out);
/* "daily", or the rule. */
void repeat_print(struct buf *out, const struct series *se);
/*
 * p, an occurrence that was claimed, is charged; false when that is over quota, and p has failed,
 * with a notice, and the next was made.
 */
bool repeat_charge(struct service *s, struct packet *p);
/* p, of a series, is settled: the next occurrence becomes a packet, or the recurrence ends. */
void repeat_settled(struct service *s, const struct packet *p);
/* When an occurrence that is due at `at` is given up, be it moved from where the rule has it. */
int64_t repeat_expiry(const struct service *s, const struct series *se, int64_t at);
/* Make the body of the occurrence at `at` of a body as it is stored.  RES_PERMFAIL: it is none. */
enum res repeat_body(enum packet_kind kind, struct span stored, int64_t at,
    const struct zone *zone, enum hours hours, struct buf *out);
/* The body of the series as it was written, in the form in which it is stored. */
enum res repeat_open(struct service *s, const struct series *se, struct buf *out);
/* Seal `body` for the series and store it. */
enum res repeat_put(struct service *s, struct series *se, struct span body);
/* After a start: series whose occurrence has ended without their notice. */
enum res repeat_recover(struct service *s);

/* -- intake.c ---------------------------------------------------------------------------------- */

/*
 * Give each of n packets an id, seal `body` for each, and store them; on RES_OK the ids are in v.
 */
enum res intake_store(
    struct service *s, struct packet *v, size_t n, struct span body, const char *what);
/* Seal `body` for p as it stands, into `sealed`, where p->sealed then is. */
enum res intake_seal(struct service *s, struct packet *p, struct span body, struct buf *sealed);
/* So long after its due time a message is given up where its sender does not say otherwise. */
int64_t intake_expiry_ms(const struct service *s, enum packet_kind kind);

/* -- export.c, forget.c ------------------------------------------------------------------------ */

void export_slot(
    void *arg, uint64_t ticket, enum res res, const struct slot *slot, const char *words);
void export_uploaded(void *arg, uint64_t ticket, enum res res, const char *words);
/* The turn has ended: what users were told in one that is not on disk, they were not told. */
void export_end_turn(struct service *s, bool on_disk);
/* A copy of this user's data that is being made is not handed over. */
void export_drop(struct service *s, const char *user);
void export_clear(struct service *s);
/* Go on with what users want forgotten. */
void forget_start(struct service *s);

/* -- the handlers of commands.c's table -------------------------------------------------------- */

/* One run of a command: see command_ops.run. */
struct run {
	struct service *s;
	const struct asker *who;
	enum command_stage stage;
	struct form *in; /* NULL at COMMAND_ASK */
	struct reply *reply;
	int64_t now;
	struct account account; /* the asker's */
	bool any;               /* an admin, and the packets of everybody are meant */
};

void schedule_im(struct run *r);
void schedule_sms(struct run *r);
void schedule_mms(struct run *r);
void schedule_reminder(struct run *r);
void list_waiting(struct run *r);
void list_history(struct run *r);
void show(struct run *r);
void edit(struct run *r);
void edit_now(struct run *r);
void cancel(struct run *r);
void pause_begin(struct run *r);
void pause_end(struct run *r);
void quota_show(struct run *r);
void settings(struct run *r);
void export_all(struct run *r);
void forget_all(struct run *r);
void optout_stop(struct run *r);
void optout_start(struct run *r);

/*
 * A form sent back with the reason: instructions, an error note, and in the end a fixed field `error`.
 */
void reply_again(struct run *r, const char *title, const char *instructions, const char *reason);
/* The boolean field `confirm` of what cannot be undone says yes. */
bool reply_is_confirmed(struct form *in);
/* The store could not answer. */
void reply_trouble(struct run *r);
void reply_done(struct run *r, enum note_type type, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Something has to be there first: later_resume runs it again. */
void reply_later(struct run *r);
/*
 * A fixed field that is understood without its label, which may be NULL: many clients do not show
 * the labels of fixed fields.
 */
void reply_plain(struct run *r, const char *var, const char *label, const char *text);
/* One that is not: "label: text". */
void reply_row(struct run *r, const char *var, const char *label, const char *text);
/* The same of an instant; nothing for 0 and NEVER_MS. */
void reply_time(
    struct run *r, const struct zone *zone, const char *var, const char *label, int64_t at);

/* -- choose.c: a user's packets, as lines, and by their ids ------------------------------------ */

#define CHOOSE_MAX 50

/* A form that asks for a packet. */
struct choice {
	const char *title, *instructions;
	const char *none; /* what is said when there is nothing to choose from */
	bool finished;    /* also of those that were sent or have ended */
	bool several;     /* `ids` instead of `id` */
};

void choose_form(struct run *r, const struct choice *c, const char *error);
/*
 * The packet that the field `id` names, appended; false when the reply is made already: the form
 * that asks for one, or trouble.
 */
bool choose_one(struct run *r, const struct choice *c, struct packets *out);
/*
 * The asker's own packet, appended; any, where r->any.  Somebody else's does not exist for them:
 * RES_NOTFOUND.  RES_INVALID: that cannot be an id.
 */
enum res choose_own(struct run *r, const char *typed, struct packets *ps);
/* The asker's packets; false when the store cannot be read, and the reply says so. */
bool choose_find(struct run *r, enum store_find kind, size_t max, struct packets *out);
/* "Thu 2026-12-24 18:00 (Europe/Berlin, +01:00) im to romeo@example.net “Good mor…”, scheduled" */
void choose_line(struct run *r, const struct packet *p, struct buf *out);
/* The text of a packet's body, for people.  RES_PERMFAIL: damaged. */
enum res choose_text(struct service *s, const struct packet *p, struct buf *text);

/* "an operator" where it is not the sender who does it. */
const char *choose_actor(const struct run *r, const struct packet *p);
/* A well-formed id that is nobody's, or somebody else's. */
void choose_refuse(struct run *r);

/* What is counted, for people. */
const char *quota_unit_name(const struct service *s, enum packet_kind kind);
/* The first of these that an operator has set limits for; `otherwise`, where they have for none. */
enum res quota_first_of(struct service *s, const char *const *who, size_t n, enum packet_kind kind,
    const struct quota_limit *otherwise, struct quota_limit *out);
/* Limits that hold for this sender: set for them, for their domain, for all, or configured. */
enum res quota_limit_of(
    struct service *s, const struct jid *sender, enum packet_kind kind, struct quota_limit *out);
/* That of all users together. */
enum res quota_total_of(struct service *s, enum packet_kind kind, struct quota_limit *out);
/*
 * Do so many units more fit into what all users together may schedule on that day and in its month?
 * None, or less, always do.  RES_OVERQUOTA with the reason in `why`, and admins are told.
 */
enum res quota_total_check(struct service *s, enum packet_kind kind,
    const struct quota_period *period, const struct quota_use *adds, enum hours hours,
    struct buf *why);
/* They were charged on that day: admins are told when nine tenths are used by them. */
void quota_total_charged(
    struct service *s, enum packet_kind kind, int32_t day, const struct quota_use *adds);
/* "5 of 20 today, 7 of 200 this month" */
void quota_print(
    struct buf *out, const struct quota_use *use, const struct quota_limit *limit);

#endif
