/* Ad-hoc requests against a scripted service: for the tests of xmpp/adhoc.c. */
#ifndef LATERD_TESTS_ADHOC_SCRIPT_H
#define LATERD_TESTS_ADHOC_SCRIPT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xmpp/adhoc.h"
#include "xmpp/form.h"
#include "xmpp/stanza.h"

#define ERRORS   "urn:ietf:params:xml:ns:xmpp-stanzas"
#define JULIET   "juliet@example.org/balcony"
#define FILLED   "<x xmlns='jabber:x:data' type='submit'>" \
	"<field var='to'><value>romeo</value></field>" \
	"<field var='body' type='text-multi'><value>a</value><value>b</value></field></x>"
#define NO_FORM  ""

/*
 * A service that answers as it is told (`script`, for the stages after the first) and writes down
 * what it was asked.  Its command "im" has a form, "list" has none, "ghost" may be run by nobody,
 * "empty" has a form but nothing to ask.
 */
struct commands {
	enum reply_kind script;
	char calls[200];      /* "ask check do " */
	char body[100];       /* of the last submission */
	char to[100];
	char asker[JID_BARE_MAX + 1];
	const char *note;
	enum note_type note_type;
	bool lose_memory;
	unsigned later;       /* so many of the next runs take time */
	uint64_t ticket;      /* of the last that did */
};

static const struct command_info infos[] = {
	{ .name = "im", .title = "Send later", .has_form = true },
	{ .name = "list", .title = "What waits" },
	{ .name = "ghost", .title = "Nothing", .has_form = true },
	{ .name = "empty", .title = "A form or nothing", .has_form = true },
	{ .name = "users", .title = "Those after somebody", .places = { { PLACE_WORD, "to" } } },
	{ .name = "remind", .title = "Of chat alone", .has_form = true, .chat_only = true },
};

static struct commands service;
static xmpp_ctx_t *ctx;
static struct adhoc *a;
static int64_t now;
static char session[100]; /* of the last answer */
static struct timers timers;
static xmpp_stanza_t *answer_of; /* what was answered, until it is looked at */
static unsigned again;           /* iqs of earlier turns that came back */
static bool again_fails;

static const struct command_info *
find(struct commands *c, struct span name)
{
	(void)c;
	for (size_t i = 0; i < sizeof(infos) / sizeof(infos[0]); i++)
		if (span_eq(name, span_of(infos[i].name)))
			return &infos[i];
	return NULL;
}

static const struct command_info *
visible(struct commands *c, const struct asker *who, size_t i)
{
	(void)c;
	(void)who;
	return i < 2 ? &infos[i] : NULL;
}

static void
ask_form(struct form *f)
{
	struct field *fd;

	f->title = "Send later";
	form_value(f, form_add(f, FIELD_TEXT, "to", "To"), "nobody");
	form_add(f, FIELD_TEXT_MULTI, "body", "Text");
	fd = form_add(f, FIELD_LIST, "offline", NULL);
	form_option(f, fd, "auto", NULL);
	form_option(f, fd, "drop", NULL);
}

static void
run(struct commands *c, const struct asker *who, const struct command_info *cmd,
    enum command_stage stage, struct form *in, struct reply *reply)
{
	static const char *const stages[] = { "ask ", "check ", "do " };

	memcpy(c->asker, who->jid.bare, sizeof(c->asker));
	strncat(c->calls, stages[stage], sizeof(c->calls) - strlen(c->calls) - 1);
	reply->note_type = c->note_type;
	if (c->note != NULL)
		buf_text(&reply->note, c->note);
	reply->form.arena.failed = c->lose_memory;
	if (stage == COMMAND_ASK)
		assert_null(in);
	else
		assert_non_null(in);
	if (c->later > 0) {
		c->later--;
		reply->kind = REPLY_LATER;
		reply->ticket = ++c->ticket;
		return;
	}
	if (strcmp(cmd->name, "ghost") == 0) {
		reply_refuse(reply, "forbidden", "auth", "Not you.");
		return;
	}
	snprintf(c->to, sizeof(c->to), "%s", in == NULL ? "-" : form_get(in, "to"));
	snprintf(c->body, sizeof(c->body), "%s", in == NULL ? "-" : form_get_lines(in, "body"));
	if (stage == COMMAND_ASK && cmd->has_form && strcmp(cmd->name, "empty") != 0) {
		ask_form(&reply->form);
		return;
	}
	reply->kind = stage == COMMAND_ASK ? REPLY_DONE : c->script;
	if (reply->kind == REPLY_REFUSED)
		reply_refuse(reply, "resource-constraint", "wait", "Later.");
	else if (reply->kind == REPLY_FORM)
		ask_form(&reply->form);
	else
		form_value(&reply->form, form_add(&reply->form, FIELD_FIXED, "row", NULL), "told");
}

static const struct command_ops ops = { .visible = visible, .find = find, .run = run };

static int64_t
mono(void *arg)
{
	(void)arg;
	return now;
}

static const struct clock fake_clock = { mono, mono, NULL };

static bool
on_again(void *arg, xmpp_stanza_t *iq)
{
	(void)arg;
	assert_non_null(iq);
	again++;
	return !again_fails;
}

static void
on_answered(void *arg, xmpp_stanza_t *answer)
{
	(void)arg;
	assert_non_null(answer);
	assert_null(answer_of);
	answer_of = answer;
}

static int
start(const struct session_bounds *bounds)
{
	struct adhoc_env env = {
		.clock = &fake_clock, .timers = &timers, .ops = &ops, .commands = &service,
		.again = on_again, .answered = on_answered
	};

	memset(&service, 0, sizeof(service));
	again = 0;
	again_fails = false;
	service.script = REPLY_CONFIRM;
	now = 1000000;
	env.ctx = ctx = xmpp_ctx_new(NULL, NULL);
	a = adhoc_new(bounds, &env);
	return ctx == NULL || a == NULL ? -1 : 0;
}

static int
setup(void **state)
{
	(void)state;
	return start(&session_bounds_default);
}

static int
teardown(void **state)
{
	(void)state;
	adhoc_free(&a);
	assert_null(a);
	assert_null(answer_of);
	assert_int_equal(timers_next(&timers), NEVER_MS);
	xmpp_ctx_free(ctx);
	return 0;
}

/* The answer to the iq of that id, as the asker would parse it; NULL when there is none yet. */
static xmpp_stanza_t *
answered(const char *from, const char *id)
{
	xmpp_stanza_t *st;
	char *text;
	size_t len;

	if (answer_of == NULL)
		return NULL;
	assert_int_equal(xmpp_stanza_to_text(answer_of, &text, &len), XMPP_EOK);
	xmpp_stanza_release(answer_of);
	answer_of = NULL;
	st = xmpp_stanza_new_from_string(ctx, text);
	assert_non_null(st);
	assert_string_equal(stanza_attr(st, "id"), id);
	assert_string_equal(stanza_attr(st, "to"), from);
	assert_string_equal(stanza_attr(st, "from"), "later.example.org");
	xmpp_free(ctx, text);
	return st;
}

/* One request, for which there may be an answer later. */
static void
request(const char *from, const char *id, const char *attributes, const char *children)
{
	struct buf xml = { 0 };
	struct asker who;
	xmpp_stanza_t *iq;

	assert_int_equal(jid_parse_text(&who.jid, from), RES_OK);
	buf_printf(&xml, "<iq xmlns='jabber:client' type='set' id='%s' from='%s' "
	    "to='later.example.org'>"
	    "<command xmlns='%s' %s>%s</command></iq>", id, from, NS_COMMANDS, attributes,
	    children);
	iq = xmpp_stanza_new_from_string(ctx, buf_str(&xml));
	assert_non_null(iq);
	adhoc_handle(a, &who, iq);
	xmpp_stanza_release(iq);
	buf_free(&xml);
}

static xmpp_stanza_t *
send(const char *from, const char *attributes, const char *children)
{
	xmpp_stanza_t *st;

	request(from, "q1", attributes, children);
	st = answered(from, "q1");
	assert_non_null(st);
	return st;
}

static xmpp_stanza_t *
command_of(xmpp_stanza_t *st)
{
	return stanza_child(st, "command", NS_COMMANDS);
}

/* Expects a result with this status, remembers its session, and releases it. */
static void
expect(xmpp_stanza_t *st, const char *status)
{
	xmpp_stanza_t *command = command_of(st);

	assert_string_equal(stanza_attr(st, "type"), "result");
	assert_string_equal(stanza_attr(command, "status"), status);
	snprintf(session, sizeof(session), "%s", stanza_attr(command, "sessionid"));
	assert_int_equal(strlen(session), 32);
	xmpp_stanza_release(st);
}

static void
expect_error(xmpp_stanza_t *st, const char *condition, const char *app)
{
	xmpp_stanza_t *error = stanza_child(st, "error", NULL);

	assert_string_equal(stanza_attr(st, "type"), "error");
	assert_non_null(stanza_child(error, condition, ERRORS));
	if (app != NULL)
		assert_non_null(stanza_child(error, app, NS_COMMANDS));
	xmpp_stanza_release(st);
}

/* The next request of the session of the last answer. */
static xmpp_stanza_t *
go_on(const char *action, const char *children)
{
	char attributes[200];

	snprintf(attributes, sizeof(attributes), "node='im' sessionid='%s' %s", session, action);
	return send(JULIET, attributes, children);
}

static xmpp_stanza_t *
begin(void)
{
	return send(JULIET, "node='im' action='execute'", NO_FORM);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
