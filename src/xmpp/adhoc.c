#include "xmpp/adhoc.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "xmpp/form.h"
#include "xmpp/pending.h"
#include "xmpp/stanza.h"

#define LATER_MS  (60 * SECOND_MS)
#define LATER_MAX 10

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
	FAULT_NONE,
	FAULT_NO_COMMAND,
	FAULT_UNKNOWN_NODE,
	FAULT_MALFORMED_ACTION,
	FAULT_BAD_ACTION,
	FAULT_BAD_PAYLOAD,
	FAULT_TOO_LARGE,
	FAULT_BAD_SESSION,
	FAULT_EXPIRED,
	FAULT_BUSY,
	FAULT_TOO_MANY,
	FAULT_TIMEOUT,
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
	[FAULT_TOO_LARGE] = { "modify", "policy-violation", NULL,
	    "The form is filled in with more than can be read here." },
	[FAULT_BAD_SESSION] = { "modify", "bad-request", "bad-sessionid",
	    "There is no such session. Please begin again." },
	[FAULT_EXPIRED] = { "cancel", "bad-request", "session-expired",
	    "You were away for too long. Please begin again." },
	[FAULT_BUSY] = { "modify", "bad-request", "bad-action",
	    "Your last answer is still being worked on. Please wait for what comes of it." },
	[FAULT_TOO_MANY] = { "wait", "resource-constraint", NULL,
	    "Too much is being worked on already. Please try again in a minute." },
	[FAULT_TIMEOUT] = { "wait", "remote-server-timeout", NULL,
	    "This took too long. Please try again." },
	[FAULT_NOMEM] = { "wait", "resource-constraint", NULL, NULL },
};

struct adhoc {
	struct adhoc_env env;
	struct sessions *sessions;
	struct pendings pendings;
	struct timer timer; /* the first of them has waited too long */
};

/* What one iq asks for. */
struct request {
	const struct asker *who;
	xmpp_stanza_t *iq, *command, *x; /* x: a data form, or NULL */
	enum action action;
	int64_t until; /* it may be put off until then */
	unsigned runs; /* and has been so often */
	uint64_t ticket; /* of the last time; 0: never */
	bool later;    /* it is put off: there is no answer now */
};

static void set_timer(struct adhoc *a);

struct adhoc *
adhoc_new(const struct session_bounds *bounds, const struct adhoc_env *env)
{
	struct adhoc *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->sessions = sessions_new(bounds, env->clock);
	if (a->sessions == NULL) {
		free(a);
		return NULL;
	}
	a->env = *env;
	return a;
}

size_t
adhoc_sweep(struct adhoc *a)
{
	return sessions_sweep(a->sessions);
}

void
adhoc_free(struct adhoc **ap)
{
	struct adhoc *a = *ap;

	if (a == NULL)
		return;
	adhoc_forget(a);
	timer_stop(&a->timer);
	sessions_free(&a->sessions);
	free(a);
	*ap = NULL;
}

/* -- Answers ---------------------------------------------------------------------------------- */

static xmpp_stanza_t *
answer_fault(struct adhoc *a, const struct request *rq, enum fault fault)
{
	return stanza_error(a->env.ctx, rq->iq, faults[fault].type, faults[fault].condition,
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
	xmpp_stanza_t *iq = stanza_reply(a->env.ctx, rq->iq, "result"), *st;

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
 * The command goes on: a copy of `in` is kept for the confirmation, or nothing because a form is to
 * be filled in (again).
 */
static xmpp_stanza_t *
go_on(struct adhoc *a, const struct request *rq, struct session *s, const struct form *in,
    const struct reply *reply)
{
	xmpp_stanza_t *answer = answer_executing(a, rq, s, reply);
	const struct form *kept = reply->kind == REPLY_CONFIRM ? in : NULL;

	if (answer == NULL || session_keep(a->sessions, rq->who, s, kept) != RES_OK) {
		if (answer != NULL)
			xmpp_stanza_release(answer);
		session_end(a->sessions, s);
		return answer_fault(a, rq, FAULT_NOMEM);
	}
	return answer;
}

/* The session is what it was before this request. */
static void
leave(struct adhoc *a, struct session *s)
{
	if (!session_is_live(s))
		session_end(a->sessions, s);
}

static enum fault
put_off(struct adhoc *a, struct request *rq, struct session *s, struct pending *p,
    struct form *in)
{
	bool own = in != NULL && in != &s->form;
	enum res res;

	if (rq->runs >= LATER_MAX)
		return FAULT_TIMEOUT;
	p->iq = pending_outline(a->env.ctx, rq->iq);
	if (p->iq == NULL)
		return FAULT_NOMEM;
	memcpy(p->session, s->id, sizeof(p->session));
	if (session_is_live(s))
		session_touch(a->sessions, s);
	else
		p->begun = s;
	if (own)
		p->in = *in;
	res = pending_keep(&a->pendings, p);
	if (res != RES_OK) {
		xmpp_stanza_release(p->iq);
		return res == RES_OVERQUOTA ? FAULT_TOO_MANY : FAULT_NOMEM;
	}
	if (own)
		*in = (struct form){ 0 };
	rq->later = true;
	return FAULT_NONE;
}

/* NULL and rq->later, or the answer when it cannot be put off. */
static xmpp_stanza_t *
defer(struct adhoc *a, struct request *rq, struct session *s, enum command_stage stage,
    struct form *in, uint64_t ticket)
{
	struct pending p = {
		.ticket = ticket,
		.who = *rq->who,
		.stage = stage,
		.until = rq->until,
		.runs = rq->runs + 1,
		.young = true,
	};
	enum fault fault = put_off(a, rq, s, &p, in);

	set_timer(a);
	if (rq->later)
		return NULL;
	leave(a, s);
	return answer_fault(a, rq, fault);
}

/*
 * Runs a stage.  s is begun or live, and ends here unless the command goes on or is put off.
 */
static xmpp_stanza_t *
run(struct adhoc *a, struct request *rq, struct session *s, enum command_stage stage,
    struct form *in)
{
	struct reply reply = { .ticket = rq->ticket };
	xmpp_stanza_t *answer;

	a->env.ops->run(a->env.commands, rq->who, s->cmd, stage, in, &reply);
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
		session_end(a->sessions, s);
		break;
	case REPLY_LATER:
		answer = defer(a, rq, s, stage, in, reply.ticket);
		break;
	default:
		answer = stanza_error(a->env.ctx, rq->iq, reply.error_type, reply.condition,
		    buf_str(&reply.note), NULL, NULL);
		session_end(a->sessions, s);
		break;
	}
	reply_free(&reply);
	return answer;
}

/* The first stage, filled in.  A form that cannot be read leaves a live session as it is. */
static xmpp_stanza_t *
run_filled(struct adhoc *a, struct request *rq, struct session *s)
{
	struct form in = { 0 };
	enum res res = xform_read(rq->x, &in);
	xmpp_stanza_t *answer;

	if (res == RES_OK && session_form_size(&in) > SESSION_FORM_MAX) {
		leave(a, s);
		answer = answer_fault(a, rq, FAULT_TOO_LARGE);
	} else if (res == RES_OK) {
		answer = run(a, rq, s,
		    rq->action == ACTION_COMPLETE ? COMMAND_DO : COMMAND_CHECK, &in);
	} else {
		leave(a, s);
		answer = answer_fault(a, rq, res == RES_NOMEM ? FAULT_NOMEM : FAULT_BAD_PAYLOAD);
	}
	form_free(&in);
	return answer;
}

/* One that gives no form may still be sent one, as chat has places for it. */
static bool
takes_form(const struct command_info *cmd)
{
	return cmd->has_form || cmd->places[0].kind != PLACE_END;
}

static xmpp_stanza_t *
begin(struct adhoc *a, struct request *rq)
{
	const struct command_info *cmd =
	    a->env.ops->find(a->env.commands, span_of(stanza_attr(rq->command, "node")));
	struct session *s;

	if (cmd == NULL || cmd->chat_only)
		return answer_fault(a, rq, FAULT_UNKNOWN_NODE);
	if (rq->action == ACTION_PREV || rq->action == ACTION_CANCEL)
		return answer_fault(a, rq, FAULT_BAD_ACTION);
	s = session_begin(rq->who, cmd);
	if (s == NULL)
		return answer_fault(a, rq, FAULT_NOMEM);
	if (rq->x == NULL || !takes_form(cmd))
		return run(a, rq, s, COMMAND_ASK, NULL);
	return run_filled(a, rq, s);
}

static xmpp_stanza_t *
cancel(struct adhoc *a, const struct request *rq, struct session *s)
{
	xmpp_stanza_t *command, *answer = answer_new(a, rq, s, "canceled", &command);

	session_end(a->sessions, s);
	return answer;
}

static xmpp_stanza_t *
proceed(struct adhoc *a, struct request *rq, const char *id)
{
	struct session *s = session_find(a->sessions, id);

	if (s == NULL || !session_belongs(s, rq->who, stanza_attr(rq->command, "node")))
		return answer_fault(a, rq, FAULT_BAD_SESSION);
	if (!session_is_live(s))
		return answer_fault(a, rq, FAULT_EXPIRED);
	if (pending_has_session(&a->pendings, id))
		return answer_fault(a, rq, FAULT_BUSY);
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

static xmpp_stanza_t *
answer_to(struct adhoc *a, struct request *rq)
{
	const char *id;

	rq->command = stanza_child(rq->iq, "command", NS_COMMANDS);
	if (rq->command == NULL)
		return answer_fault(a, rq, FAULT_NO_COMMAND);
	if (!action_parse(&rq->action, stanza_attr(rq->command, "action")))
		return answer_fault(a, rq, FAULT_MALFORMED_ACTION);
	rq->x = stanza_child(rq->command, "x", NS_DATA);
	if (rq->x != NULL && strcmp(stanza_attr(rq->x, "type"), "cancel") == 0)
		rq->action = ACTION_CANCEL;
	id = stanza_attr(rq->command, "sessionid");
	return *id == '\0' ? begin(a, rq) : proceed(a, rq, id);
}

void
adhoc_handle(struct adhoc *a, const struct asker *who, xmpp_stanza_t *iq)
{
	struct request rq = {
		.who = who, .iq = iq, .until = clock_mono(a->env.clock) + LATER_MS
	};
	xmpp_stanza_t *answer;

	adhoc_sweep(a);
	answer = answer_to(a, &rq);
	if (!rq.later)
		a->env.answered(a->env.arg, answer);
}

/* -- What was put off -------------------------------------------------------------------------- */

/* p is in the table no more, and ends here without an answer of its command. */
static void
drop(struct adhoc *a, struct pending *p)
{
	if (p->begun != NULL)
		session_end(a->sessions, p->begun);
	p->begun = NULL;
	pending_free(&p);
}

static xmpp_stanza_t *
run_again(struct adhoc *a, struct request *rq, struct pending *p)
{
	struct session *s = p->begun;
	struct form *in = &p->in;

	p->begun = NULL;
	if (s == NULL) {
		s = session_find(a->sessions, p->session);
		if (s == NULL || !session_is_live(s))
			return answer_fault(a, rq, FAULT_EXPIRED);
	}
	if (p->stage == COMMAND_ASK)
		in = NULL;
	else if (s->confirming)
		in = &s->form;
	return run(a, rq, s, p->stage, in);
}

void
adhoc_resume(struct adhoc *a, uint64_t ticket)
{
	struct pending *p = pending_find(&a->pendings, ticket);
	struct request rq = { 0 };
	xmpp_stanza_t *answer;

	if (p == NULL)
		return;
	rq = (struct request){
		.who = &p->who, .iq = p->iq, .until = p->until, .runs = p->runs, .ticket = ticket
	};
	pending_take(&a->pendings, p);
	if (p->young || a->env.again(a->env.arg, p->iq))
		answer = run_again(a, &rq, p);
	else
		answer = answer_fault(a, &rq, FAULT_NOMEM);
	if (!rq.later)
		a->env.answered(a->env.arg, answer);
	drop(a, p);
	set_timer(a);
}

static void
give_up(void *arg)
{
	struct adhoc *a = arg;
	int64_t now = clock_mono(a->env.clock);
	struct pending *p, *next;

	DL_FOREACH_SAFE(a->pendings.first, p, next) {
		const struct request rq = { .who = &p->who, .iq = p->iq };

		if (p->until > now)
			continue;
		pending_take(&a->pendings, p);
		if (!p->young)
			(void)a->env.again(a->env.arg, p->iq);
		a->env.answered(a->env.arg, answer_fault(a, &rq, FAULT_TIMEOUT));
		drop(a, p);
	}
	set_timer(a);
}

static void
set_timer(struct adhoc *a)
{
	int64_t at = pending_next(&a->pendings);

	if (at == NEVER_MS)
		timer_stop(&a->timer);
	else
		timer_set(a->env.timers, &a->timer, at, give_up, a);
}

void
adhoc_committed(struct adhoc *a)
{
	pending_settle(&a->pendings);
}

void
adhoc_failed(struct adhoc *a)
{
	struct pending *p, *next;

	DL_FOREACH_SAFE(a->pendings.first, p, next)
		if (p->young) {
			pending_take(&a->pendings, p);
			drop(a, p);
		}
	set_timer(a);
}

void
adhoc_forget(struct adhoc *a)
{
	struct pending *p, *next;

	DL_FOREACH_SAFE(a->pendings.first, p, next) {
		pending_take(&a->pendings, p);
		drop(a, p);
	}
	set_timer(a);
}
