/*
 * The world around one laterd: a clock that only moves when told, and an XMPP server and gateways (phones.h) that do what the test
 * says.  No network, no sleeping.  A test sets up w->config and w->people, calls world_start, and then speaks in the verbs below; every verb returns when
 * nothing moves any more.  A check that fails inside a verb fails the test.
 */
#ifndef LATERD_TESTS_SCENARIO_WORLD_H
#define LATERD_TESTS_SCENARIO_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strophe.h>

#include "base/clock.h"
#include "daemon/laterd.h"
#include "phones.h"

#define COMPONENT "later.example.org"
#define BOT       "bot@later.example.org"
#define JULIET    "juliet@example.org"
#define ROMEO     "romeo@example.net"
/* The wall clock when a world begins: a Sunday, 11:00:30 in Berlin. */
#define WORLD_BEGINS "2026-11-22T10:00:30Z"

/* How somebody's server answers a probe, and they a request for subscription. */
enum answers_probe { PROBE_SILENCE, PROBE_OFFLINE, PROBE_ONLINE };
enum answers_request { REQUEST_IGNORED, REQUEST_GRANTED, REQUEST_REFUSED };

#define PEOPLE_MAX 16

struct person {
	const char *jid;
	enum answers_probe probe;
	enum answers_request request;
	const char *bounce, *bounce_type; /* what a message to them comes back with, before the pong; NULL: it arrives */
	int64_t bounce_ms; /* so long after it was sent; 0: at once */
	bool echoes; /* every text they get, they send back, as a bot might */
	int64_t echo_ms;
	/* What stands of BOT in their roster, written there by XEP-0356 or by the test: "from", "both", ...; NULL: nothing. */
	const char *shows_bot;
	/* What all their clients say of their clocks (XEP-0202), as it stands in <tzo/>; NULL: an error, at once. */
	const char *tzo;
};

/* A tzo: the client has the question, and never answers it. */
#define TZO_SILENCE ""

/* How the upload service answers who asks for a slot (XEP-0363). */
enum answers_slot { SLOT_GIVEN, SLOT_REFUSED, SLOT_OF_USERS, SLOT_SILENCE };

/* How the server answers who reads and writes the rosters of its users (XEP-0356). */
enum answers_roster { ROSTER_MEASURED, ROSTER_WORKS, ROSTER_FAILS, ROSTER_SILENCE };

#define UPLOADS "upload.example.org"
/* Where it lets files be put, and be had; the name of the file follows. */
#define UPLOADS_PUT "https://put.upload.example.org/slot/"
#define UPLOADS_GET "https://upload.example.org/get/"

/* A message that reached the server.  Absent strings are "". */
struct heard {
	int64_t at;
	const char *clock; /* `at` as "2026-11-22T10:05:00.000Z" */
	const char *id, *origin_id, *type, *from, *to, *body, *delay, *nick, *ofrom;
	const char *thread, *received, *displayed; /* the ids that a receipt and a marker name */
	const char *condition, *error_type, *error_text; /* of an error */
	const char *children; /* " {urn:xmpp:receipts}request" of each of its children, in order */
	const char *xml;      /* the message, where w->keeps_xml; else "" */
	const char *outer_id; /* of what a privileged one is wrapped in */
	bool privileged, wants_receipt, stored;    /* stored: with a hint that archives should keep it */
	size_t connection; /* the number of the stream */
};

/* A presence stanza of type probe, subscribe, ... that reached the server. */
struct signal {
	const char *type, *from, *to, *nick, *status;
};

/* The answer to a command.  Absent strings are "". */
struct answer {
	const char *type; /* of the iq */
	const char *status, *session, *note, *note_type;
	const char *execute; /* the default of <actions/> */
	const char *condition, *error_type, *app, *text;
	xmpp_stanza_t *form; /* or NULL */
};

enum server { SERVER_PLAIN, SERVER_PROSODY, SERVER_EJABBERD };

struct world {
	/* For the test to set, most of it at any time. */
	struct config config;
	enum server server;  /* what it grants us (XEP-0356) */
	bool server_down;    /* connections are refused */
	bool pong;           /* the pings that end a batch are answered; else world_pong does it */
	bool slow_start;     /* the ping after the handshake gets no answer: we may not send yet */
	bool keeps_nothing;  /* for who is offline (XEP-0160) */
	bool forbids;        /* privileged messages and iqs come back with `forbidden` */
	const char *perms;   /* the <perm/>s that it grants, in place of those that were measured */
	enum answers_roster roster;
	/* There is a second connection with our name, and every so many-th of our stanzas to ourselves goes there; 0: none. */
	size_t twin;
	bool keeps_xml;
	bool uploads;        /* the server has UPLOADS, which takes files of upload_max bytes */
	size_t upload_max;
	enum answers_slot slot;
	struct person people[PEOPLE_MAX + 1]; /* the others are silent */
	const struct config *other;  /* what the configuration file says by now; NULL: it is wrong, in these words: */
	const char *other_is_wrong;
	struct phones phones;

	/* For the test to look at. */
	int64_t wall, mono;
	struct heard *heard;
	size_t nheard, heard_cap;
	struct signal *signals;
	size_t nsignals, signals_cap;
	size_t pings;        /* that end a batch */
	const char *unanswered; /* the id of the last of them while !pong; "" when there is none */
	size_t batch_max;    /* the largest number of bytes heard between two of them */
	size_t connections;
	size_t clocks;       /* how often clients were asked for theirs */
	size_t slots;        /* how many were asked for */
	size_t slot_size;    /* for the last of them */
	size_t slots_as_user; /* how many of them in the name of their user */
	size_t rosters;      /* how often a roster was read or written */
	size_t own;          /* stanzas that laterd has sent to itself */
	const char *own_last; /* the last of them, as XML */
	size_t turns;        /* that laterd has ended */
	size_t reloads;      /* how often it wanted the configuration read again */
	int code;            /* of the last world_try_start */
	struct buf why;

	/* The machinery. */
	struct arena arena;
	struct clock clock;
	struct event_base *base;
	struct event *connected;
	struct bufferevent *ours, *peer; /* laterd's end and the server's */
	struct parser *parser;
	xmpp_ctx_t *ctx;
	struct promise {
		int64_t at; /* monotonic */
		const char *xml;
	} *promises; /* what the server will say */
	size_t npromises, promises_cap;
	xmpp_stanza_t *wrapper; /* of the iq that is being answered; NULL: none */
	xmpp_stanza_t **answers;
	size_t nanswers, answers_cap, batch;
	struct laterd *laterd;
	unsigned long next_id;
	int log, own_stderr; /* while the log is kept; else 0 */
	char dir[64];
};

/* cmocka fixtures: a fresh world in *state, and its end. */
int world_setup(void **state);
int world_teardown(void **state);
#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

/* -- The daemon --------------------------------------------------------------------------------------------------------------- */

/* A daemon on the world's database, connected. */
void world_start(struct world *w);
/* The same, to the point where it fails: its exit code, which stays in w->code, with the reason in w->why. */
int world_try_start(struct world *w);
/* Everything that was only in its memory is gone. */
void world_crash(struct world *w);
void world_restart(struct world *w);
/* A copy of the configuration, for the test to change: what the file says from now on. */
struct config *world_other(struct world *w);
/* As on SIGHUP.  False, with the reason in w->why, when the old configuration stays in force. */
bool world_reload(struct world *w);
/* The write-ahead log may grow by so many bytes: every write beyond fails, as on a full disk. */
void world_disk_has(struct world *w, long spare);
void world_disk_is_freed(void);

/* -- Time --------------------------------------------------------------------------------------------------------------------- */

/* Let time pass, through each instant that laterd asks for. */
void world_advance(struct world *w, int64_t ms);
/* The same, without its log: what fails there is meant to. */
void world_advance_in_silence(struct world *w, int64_t ms);
/* Up to an instant in the form of "2026-11-22T10:05:00Z"; not back. */
void world_advance_to(struct world *w, const char *utc);
/* Somebody sets the wall clock, by so much, and laterd notices. */
void world_jump(struct world *w, int64_t ms);
/* What the log says between the two, from notes on. */
void world_log_begin(struct world *w);
const char *world_log_end(struct world *w);
int64_t world_utc(const char *utc);
/* "2026-11-22T10:05:00.000Z"; lives as long as the world. */
const char *world_clock_text(struct world *w, int64_t at);
/* Until nothing moves. */
void world_settle(struct world *w);

/* -- What happens on the stream ----------------------------------------------------------------------------------------------- */

/* Stanzas from the server, as they stand. */
void world_send(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The stream breaks; laterd will be back after its backoff unless w->server_down. */
void world_cut(struct world *w);
/* Find somebody, or make them known. */
struct person *world_person(struct world *w, const char *jid);
/* They come online or go offline, visibly to those who are subscribed, and answer probes accordingly from now on. */
void world_online(struct world *w, const char *jid);
void world_offline(struct world *w, const char *jid);
/* The pong that was withheld; from now on they come by themselves. */
void world_pong(struct world *w);
/* Send the message back with an error, as from its recipient. */
void world_bounce(struct world *w, const struct heard *m, const char *condition, const char *type);
/* The recipient's client acknowledges it (XEP-0184). */
void world_receipt(struct world *w, const struct heard *m);
/* The message has such a child. */
bool world_has_child(const struct heard *m, const char *name, const char *ns);

/* -- Commands ----------------------------------------------------------------------------------------------------------------- */

/* One request.  from: JULIET at the balcony.  action: "complete" with fields, else none.  fields: var, value, var, value, ... */
struct ask {
	const char *from, *node, *action, *session, *id;
	const char *fields[24];
};

/* world_command(w, .node = "show", .fields = { "id", id }) */
#define world_command(w, ...) world_ask((w), (struct ask){ __VA_ARGS__ })
struct answer world_ask(struct world *w, struct ask ask);
/* Its stanza alone, to be sent with others in one piece; the answer is had by world_answer then. */
const char *world_ask_xml(struct world *w, struct ask *ask);
struct answer world_answer(struct world *w, const char *id);

/* The values of a field, joined by LF; "" when it is not there. */
const char *world_field(struct world *w, const struct answer *a, const char *var);
bool world_has_field(const struct answer *a, const char *var);
/* The note, an error's text and all values, a line each. */
const char *world_text(struct world *w, const struct answer *a);
/* The test fails, and shows the text, when these words are not in it. */
void world_says(const char *text, const char *words);

/* world_edit(w, "id", id, "when", "fri 9:00"): one round trip, from JULIET. */
#define world_edit(w, ...) world_command((w), .node = "edit", .fields = { __VA_ARGS__ })
/* world_order(w, "pause", id): a command of JULIET with an id alone. */
#define world_order(w, command, the_id) world_command((w), .node = (command), .fields = { "id", (the_id) })

/* What juliet fills into the form.  From JULIET to ROMEO, "Good morning", in 5 minutes, auto, unless said otherwise. */
struct im {
	const char *from, *to, *when, *body, *offline, *expires, *repeat, *rrule;
};

/* world_schedule(w, .when = "in 2 minutes", .offline = "hold") gives the id, of the first recipient if there are several. */
#define world_schedule(w, ...) world_schedule_im((w), (struct im){ __VA_ARGS__ })
const char *world_schedule_im(struct world *w, struct im im);
/* The same for any request. */
const char *world_schedule_ask(struct world *w, struct ask ask);
/* The request that world_schedule makes. */
#define world_im(...) world_im_ask((struct im){ __VA_ARGS__ })
struct ask world_im_ask(struct im im);

/* -- What has come of it ------------------------------------------------------------------------------------------------------ */

/* How many messages to this bare JID reached the server. */
size_t world_count(const struct world *w, const char *to);
/* The only one; the test fails when there is none or another. */
const struct heard *world_only(const struct world *w, const char *to);
/* How many notices of the bot to JULIET say this. */
size_t world_told(const struct world *w, const char *words);
/* Forget what has been heard so far. */
void world_forget(struct world *w);
size_t world_signals(const struct world *w, const char *type, const char *to);

/* "scheduled", "in flight", ... as it is on disk. */
const char *world_state(struct world *w, const char *id);
/* One statement on the database, beside laterd's back; the first column of the first row if there is one, else 0. */
int64_t world_sql(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *world_sql_text(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The id of the only message to them that has not been sent or ended; "" when there is none. */
const char *world_waiting(struct world *w, const char *to);
/* The instant at which it is due. */
int64_t world_due(struct world *w, const char *id);

#endif
