#include "xmpp/adhoc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "xmpp/form.h"
#include "xmpp/stanza.h"

#define ID_BYTES 16

/* How long an expired session is told from one that never was. */
#define REMEMBER_MS HOUR_MS

enum action { ACTION_FORWARD, ACTION_COMPLETE, ACTION_PREV, ACTION_CANCEL };

/* XEP-0050 section 4.4; clients mean "go forward" by any of the first three. */
static const struct {
	const char *word;
	enum action action;
} actions[] = {
	{ "", ACTION_FORWARD },
	{ "execute", ACTION_FORWARD },
	{ "next", ACTION_FORWARD },
	{ "complete", ACTION_COMPLETE },
	{ "prev", ACTION_PREV },
	{ "cancel", ACTION_CANCEL },
};

enum fault {
	FAULT_NO_COMMAND,
	FAULT_UNKNOWN_NODE,
	FAULT_MALFORMED_ACTION,
	FAULT_BAD_ACTION,
	FAULT_BAD_PAYLOAD,
	FAULT_BAD_SESSION,
	FAULT_EXPIRED,
	FAULT_NOMEM
};

static const struct {
	const char *type, *condition, *app, *text;
} faults[] = {
	[FAULT_NO_COMMAND] = { "modify", "bad-request", NULL, NULL },
	[FAULT_UNKNOWN_NODE] = { "cancel", "item-not-found", NULL, "There is no such command." },
	[FAULT_MALFORMED_ACTION] = { "modify", "bad-request", "malformed-action", NULL },
	[FAULT_BAD_ACTION] = { "modify", "bad-request", "bad-action",
	    "This action is not possible here." },
	[FAULT_BAD_PAYLOAD] = { "modify", "bad-request", "bad-payload",
	    "The command wants a filled-in form." },
	[FAULT_BAD_SESSION] = { "modify", "bad-request", "bad-sessionid",
	    "There is no such session. Please begin again." },
	[FAULT_EXPIRED] = { "cancel", "bad-request", "session-expired",
	    "You were away for too long. Please begin again." },
	[FAULT_NOMEM] = { "wait", "resource-constraint", NULL, NULL },
};

struct user {
	char *bare;
	size_t n;
	struct session *sessions; /* by last use, oldest first */
	UT_hash_handle hh;
};

/*
 * A session is begun (not in any list), live (in the list of its user and in `live`), or expired
 * (in `expired`, without user and form).
 */
struct session {
	char id[2 * ID_BYTES + 1];
	char *owner;       /* full JID */
	struct user *user; /* NULL unless live */
	const struct command_info *cmd;
	bool confirming;   /* form holds what waits for the confirmation */
	struct form form;
	int64_t since;     /* monotonic: last use, or when it expired */
	struct session *prev, *next;
	struct session *user_prev, *user_next;
	UT_hash_handle hh;
};

struct adhoc {
	struct adhoc_config config;
	xmpp_ctx_t *ctx;
	const struct clock *clock;
	const struct command_ops *ops;
	struct commands *commands;
	struct session *by_id;
	struct user *users;
	struct session *live, *expired; /* by `since`, oldest first */
	size_t nlive, nexpired;
};

/* What one iq asks for. */
struct request {
	const struct asker *who;
	xmpp_stanza_t *iq, *command, *x; /* x: a data form, or NULL */
	enum action action;
};

const struct adhoc_config adhoc_config_default = {
	.idle_ms = 10 * MINUTE_MS,
	.per_user = 10,
	.total = 10000,
};

struct adhoc *
adhoc_new(const struct adhoc_config *config, xmpp_ctx_t *ctx, const struct clock *clock,
    const struct command_ops *ops, struct commands *commands)
{
	struct adhoc *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->config = *config;
	a->ctx = ctx;
	a->clock = clock;
	a->ops = ops;
	a->commands = commands;
	return a;
}

/* -- Sessions --------------------------------------------------------------------------------- */

static void
session_free(struct session *s)
{
	form_free(&s->form);
	free(s->owner);
	free(s);
}

static bool
make_id(char id[2 * ID_BYTES + 1])
{
	unsigned char random[ID_BYTES];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return false;
	for (size_t i = 0; i < ID_BYTES; i++)
		snprintf(id + 2 * i, 3, "%02x", (unsigned)random[i]);
	return true;
}

static char *
print_full(const struct jid *jid)
{
	struct buf text = { 0 };
	char *full = NULL;

	if (jid_print(&text, jid) == RES_OK)
		full = strdup(buf_str(&text));
	buf_free(&text);
	return full;
}

static struct session *
session_begin(const struct asker *who, const struct command_info *cmd)
{
	struct session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->cmd = cmd;
	s->owner = print_full(&who->jid);
	if (s->owner == NULL || !make_id(s->id)) {
		session_free(s);
		return NULL;
	}
	return s;
}

static struct user *
user_get(struct adhoc *a, const char *bare)
{
	struct user *u;

	HASH_FIND_STR(a->users, bare, u);
	if (u != NULL)
		return u;
	u = calloc(1, sizeof(*u));
	if (u == NULL || (u->bare = strdup(bare)) == NULL) {
		free(u);
		return NULL;
	}
	HASH_ADD_KEYPTR(hh, a->users, u->bare, strlen(u->bare), u);
	if (u->hh.tbl == NULL) {
		free(u->bare);
		free(u);
		return NULL;
	}
	return u;
}

static void
user_release(struct adhoc *a, struct user *u)
{
	if (u->n > 0)
		return;
	HASH_DEL(a->users, u);
	free(u->bare);
	free(u);
}

/* Out of the lists of live sessions; it still can be found by its id. */
static void
leave_live(struct adhoc *a, struct session *s)
{
	struct user *u = s->user;

	DL_DELETE(a->live, s);
	a->nlive--;
	DL_DELETE2(u->sessions, s, user_prev, user_next);
	u->n--;
	s->user = NULL;
	user_release(a, u);
}

static void
forget(struct adhoc *a, struct session *s)
{
	DL_DELETE(a->expired, s);
	a->nexpired--;
	HASH_DEL(a->by_id, s);
	session_free(s);
}

static void
expire(struct adhoc *a, struct session *s)
{
	leave_live(a, s);
	form_free(&s->form);
	s->since = clock_mono(a->clock);
	DL_APPEND(a->expired, s);
	if (++a->nexpired > a->config.total)
		forget(a, a->expired);
}

static void
session_end(struct adhoc *a, struct session *s)
{
	if (s->user != NULL) {
		leave_live(a, s);
		HASH_DEL(a->by_id, s);
	}
	session_free(s);
}

/* A begun session becomes live, in place of the oldest if need be; a live one the youngest. */
static enum res
session_keep(struct adhoc *a, const struct asker *who, struct session *s)
{
	struct user *u = s->user;

	if (u == NULL) {
		u = user_get(a, who->jid.bare);
		if (u == NULL)
			return RES_NOMEM;
		HASH_ADD_STR(a->by_id, id, s);
		if (s->hh.tbl == NULL) {
			user_release(a, u);
			return RES_NOMEM;
		}
		s->user = u;
		u->n++;
		a->nlive++;
	} else {
		DL_DELETE(a->live, s);
		DL_DELETE2(u->sessions, s, user_prev, user_next);
	}
	s->since = clock_mono(a->clock);
	DL_APPEND(a->live, s);
	DL_APPEND2(u->sessions, s, user_prev, user_next);
	if (u->n > a->config.per_user && u->sessions != s)
		expire(a, u->sessions);
	if (a->nlive > a->config.total && a->live != s)
		expire(a, a->live);
	return RES_OK;
}

size_t
adhoc_sweep(struct adhoc *a)
{
	int64_t now = clock_mono(a->clock);

	while (a->live != NULL && now - a->live->since > a->config.idle_ms)
		expire(a, a->live);
	while (a->expired != NULL && now - a->expired->since > REMEMBER_MS)
		forget(a, a->expired);
	return a->nlive;
}

void
adhoc_free(struct adhoc **ap)
{
	struct adhoc *a = *ap;

	if (a == NULL)
		return;
	while (a->live != NULL)
		session_end(a, a->live);
	while (a->expired != NULL)
		forget(a, a->expired);
	free(a);
	*ap = NULL;
}

/* -- Answers ---------------------------------------------------------------------------------- */

static xmpp_stanza_t *
answer_fault(struct adhoc *a, const struct request *rq, enum fault fault)
{
	return stanza_error(a->ctx, rq->iq, faults[fault].type, faults[fault].condition,
	    faults[fault].text, faults[fault].app, NS_COMMANDS);
}

static void
add_actions(xmpp_stanza_t *command, bool confirming)
{
	xmpp_stanza_t *st = stanza_add(command, "actions", NULL);

	if (st == NULL)
		return;
	xmpp_stanza_set_attribute(st, "execute", confirming ? "complete" : "next");
	stanza_add(st, confirming ? "prev" : "next", NULL);
	stanza_add(st, "complete", NULL);
}

static void
add_note(xmpp_stanza_t *command, const struct reply *reply)
{
	static const char *const types[] = {
		[NOTE_INFO] = "info",
		[NOTE_WARN] = "warn",
		[NOTE_ERROR] = "error",
	};
	xmpp_stanza_t *st;

	if (reply->note.len == 0)
		return;
	st = stanza_add_text(command, "note", buf_str(&reply->note));
	if (st != NULL)
		xmpp_stanza_set_type(st, types[reply->note_type]);
}

/* The answer and its <command/>; NULL without memory. */
static xmpp_stanza_t *
answer_new(struct adhoc *a, const struct request *rq, const struct session *s, const char *status,
    xmpp_stanza_t **command)
{
	xmpp_stanza_t *iq = stanza_reply(a->ctx, rq->iq, "result"), *st;

	if (iq == NULL)
		return NULL;
	st = stanza_add(iq, "command", NS_COMMANDS);
	if (st == NULL || xmpp_stanza_set_attribute(st, "node", s->cmd->name) != XMPP_EOK ||
	    xmpp_stanza_set_attribute(st, "sessionid", s->id) != XMPP_EOK ||
	    xmpp_stanza_set_attribute(st, "status", status) != XMPP_EOK) {
		xmpp_stanza_release(iq);
		return NULL;
	}
	*command = st;
	return iq;
}

static xmpp_stanza_t *
answer_executing(struct adhoc *a, const struct request *rq, const struct session *s,
    const struct reply *reply)
{
	xmpp_stanza_t *command, *iq = answer_new(a, rq, s, "executing", &command);

	if (iq == NULL)
		return NULL;
	add_actions(command, reply->kind == REPLY_CONFIRM);
	add_note(command, reply);
	if (reply->form.arena.failed ||
	    (reply->form.fields != NULL && xform_write(command, &reply->form, "form") != RES_OK)) {
		xmpp_stanza_release(iq);
		return NULL;
	}
	return iq;
}

/* What was done stays done when its form finds no memory: the note alone tells it. */
static xmpp_stanza_t *
answer_completed(struct adhoc *a, const struct request *rq, const struct session *s,
    const struct reply *reply)
{
	xmpp_stanza_t *command, *iq = answer_new(a, rq, s, "completed", &command);

	if (iq == NULL)
		return NULL;
	add_note(command, reply);
	if (reply->form.fields != NULL && xform_write(command, &reply->form, "result") != RES_OK) {
		xmpp_stanza_release(iq);
		iq = answer_new(a, rq, s, "completed", &command);
		if (iq != NULL)
			add_note(command, reply);
	}
	return iq;
}

/* -- Stages ----------------------------------------------------------------------------------- */

/* A form to fill in again, with what was submitted. */
static void
refill(struct form *form, const struct form *submitted)
{
	for (struct field *fd = form->fields; fd != NULL; fd = fd->next) {
		const struct field *given = form_find(submitted, fd->var);

		if (given == NULL || fd->type == FIELD_FIXED)
			continue;
		fd->values = fd->last_value = NULL;
		for (const struct value *v = given->values; v != NULL; v = v->next)
			form_value(form, fd, v->text);
	}
}

/*
 * The command goes on: `in` is kept for the confirmation, or dropped because a form is to be
 * filled in (again).
 */
static xmpp_stanza_t *
go_on(struct adhoc *a, const struct request *rq, struct session *s, struct form *in,
    const struct reply *reply)
{
	xmpp_stanza_t *answer = answer_executing(a, rq, s, reply);

	if (answer == NULL || session_keep(a, rq->who, s) != RES_OK) {
		if (answer != NULL)
			xmpp_stanza_release(answer);
		session_end(a, s);
		return answer_fault(a, rq, FAULT_NOMEM);
	}
	s->confirming = reply->kind == REPLY_CONFIRM;
	if (in != &s->form || !s->confirming)
		form_free(&s->form);
	if (s->confirming && in != NULL && in != &s->form) {
		s->form = *in;
		*in = (struct form){ 0 };
	}
	return answer;
}

/*
 * Runs a stage.  s is begun or live, and ends here unless the command goes on; what `in` holds may
 * move into s.
 */
static xmpp_stanza_t *
run(struct adhoc *a, const struct request *rq, struct session *s, enum command_stage stage,
    struct form *in)
{
	struct reply reply = { 0 };
	xmpp_stanza_t *answer;

	a->ops->run(a->commands, rq->who, s->cmd, stage, in, &reply);
	switch (reply.kind) {
	case REPLY_FORM:
		if (stage == COMMAND_ASK)
			refill(&reply.form, &s->form);
		/* FALLTHROUGH */
	case REPLY_CONFIRM:
		answer = go_on(a, rq, s, in, &reply);
		break;
	case REPLY_DONE:
		answer = answer_completed(a, rq, s, &reply);
		session_end(a, s);
		break;
	default:
		answer = stanza_error(a->ctx, rq->iq, reply.error_type, reply.condition,
		    buf_str(&reply.note), NULL, NULL);
		session_end(a, s);
		break;
	}
	reply_free(&reply);
	return answer;
}

/* The first stage, filled in.  A form that cannot be read leaves a live session as it is. */
static xmpp_stanza_t *
run_filled(struct adhoc *a, const struct request *rq, struct session *s)
{
	struct form in = { 0 };
	enum res res = xform_read(rq->x, &in);
	xmpp_stanza_t *answer;

	if (res == RES_OK) {
		answer = run(a, rq, s,
		    rq->action == ACTION_COMPLETE ? COMMAND_DO : COMMAND_CHECK, &in);
	} else {
		if (s->user == NULL)
			session_end(a, s);
		answer = answer_fault(a, rq, res == RES_NOMEM ? FAULT_NOMEM : FAULT_BAD_PAYLOAD);
	}
	form_free(&in);
	return answer;
}

static xmpp_stanza_t *
begin(struct adhoc *a, const struct request *rq)
{
	const struct command_info *cmd =
	    a->ops->find(a->commands, span_of(stanza_attr(rq->command, "node")));
	struct session *s;

	if (cmd == NULL)
		return answer_fault(a, rq, FAULT_UNKNOWN_NODE);
	if (rq->action == ACTION_PREV || rq->action == ACTION_CANCEL)
		return answer_fault(a, rq, FAULT_BAD_ACTION);
	s = session_begin(rq->who, cmd);
	if (s == NULL)
		return answer_fault(a, rq, FAULT_NOMEM);
	if (rq->x == NULL || !cmd->has_form)
		return run(a, rq, s, COMMAND_ASK, NULL);
	return run_filled(a, rq, s);
}

static xmpp_stanza_t *
cancel(struct adhoc *a, const struct request *rq, struct session *s)
{
	xmpp_stanza_t *command, *answer = answer_new(a, rq, s, "canceled", &command);

	session_end(a, s);
	return answer;
}

static bool
owns(const struct request *rq, const struct session *s)
{
	char *full = print_full(&rq->who->jid);
	bool same = full != NULL && strcmp(full, s->owner) == 0 &&
	    strcmp(stanza_attr(rq->command, "node"), s->cmd->name) == 0;

	free(full);
	return same;
}

static xmpp_stanza_t *
resume(struct adhoc *a, const struct request *rq, const char *id)
{
	struct session *s;

	HASH_FIND_STR(a->by_id, id, s);
	if (s == NULL || !owns(rq, s))
		return answer_fault(a, rq, FAULT_BAD_SESSION);
	if (s->user == NULL)
		return answer_fault(a, rq, FAULT_EXPIRED);
	switch (rq->action) {
	case ACTION_CANCEL:
		return cancel(a, rq, s);
	case ACTION_PREV:
		if (!s->confirming)
			return answer_fault(a, rq, FAULT_BAD_ACTION);
		return run(a, rq, s, COMMAND_ASK, NULL);
	default:
		break;
	}
	if (s->confirming)
		return run(a, rq, s, COMMAND_DO, &s->form);
	if (rq->x == NULL)
		return answer_fault(a, rq, FAULT_BAD_PAYLOAD);
	return run_filled(a, rq, s);
}

static bool
action_parse(enum action *out, const char *word)
{
	size_t i = 0, n = sizeof(actions) / sizeof(actions[0]);

	while (i < n && strcmp(word, actions[i].word) != 0)
		i++;
	if (i < n)
		*out = actions[i].action;
	return i < n;
}

xmpp_stanza_t *
adhoc_handle(struct adhoc *a, const struct asker *who, xmpp_stanza_t *iq)
{
	struct request rq = { .who = who, .iq = iq };
	const char *id;

	adhoc_sweep(a);
	rq.command = stanza_child(iq, "command", NS_COMMANDS);
	if (rq.command == NULL)
		return answer_fault(a, &rq, FAULT_NO_COMMAND);
	if (!action_parse(&rq.action, stanza_attr(rq.command, "action")))
		return answer_fault(a, &rq, FAULT_MALFORMED_ACTION);
	rq.x = stanza_child(rq.command, "x", NS_DATA);
	if (rq.x != NULL && strcmp(stanza_attr(rq.x, "type"), "cancel") == 0)
		rq.action = ACTION_CANCEL;
	id = stanza_attr(rq.command, "sessionid");
	return *id == '\0' ? begin(a, &rq) : resume(a, &rq, id);
}
