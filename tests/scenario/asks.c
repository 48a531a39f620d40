#include "base/parse.h"
#include "server.h"
#include "world.h"
#include "xmpp/adhoc.h"
#include "xmpp/form.h"
#include "xmpp/stanza.h"

static void
add_field(struct buf *xml, const char *var, const char *value)
{
	struct span rest = span_of(value);

	buf_printf(xml, "<field var='%s'>", var);
	while (rest.len > 0) {
		const char *end = memchr(rest.p, '\n', rest.len);
		size_t len = end == NULL ? rest.len : (size_t)(end - rest.p);

		buf_text(xml, "<value>");
		xml_escape(xml, (struct span){ rest.p, len });
		buf_text(xml, "</value>");
		len += end != NULL;
		rest = (struct span){ rest.p + len, rest.len - len };
	}
	buf_text(xml, "</field>");
}

const char *
world_ask_xml(struct world *w, struct ask *ask)
{
	const char *action = ask->action != NULL ? ask->action : ask->fields[0] != NULL ? "complete" : NULL, *copy;
	struct buf xml = { 0 };

	ask->id = arena_printf(&w->arena, "ask-%lu", ++w->next_id);
	buf_printf(&xml, "<iq type='set' id='%s' from='%s' to='" COMPONENT "'><command xmlns='" NS_COMMANDS "' node='%s'",
	    ask->id, ask->from != NULL ? ask->from : JULIET "/balcony", ask->node);
	if (action != NULL)
		buf_printf(&xml, " action='%s'", action);
	if (ask->session != NULL)
		buf_printf(&xml, " sessionid='%s'", ask->session);
	buf_text(&xml, ">");
	if (ask->fields[0] != NULL) {
		buf_text(&xml, "<x xmlns='jabber:x:data' type='submit'>");
		for (size_t i = 0; ask->fields[i] != NULL; i += 2)
			add_field(&xml, ask->fields[i], ask->fields[i + 1]);
		buf_text(&xml, "</x>");
	}
	buf_text(&xml, "</command></iq>");
	assert_false(xml.failed);
	copy = arena_text(&w->arena, buf_str(&xml));
	buf_free(&xml);
	return copy;
}

struct answer
world_ask(struct world *w, struct ask ask)
{
	const char *xml = world_ask_xml(w, &ask);

	world_send(w, "%s", xml);
	return world_answer(w, ask.id);
}

static const char *
child_text(struct world *w, xmpp_stanza_t *parent, const char *name, const char *ns)
{
	xmpp_stanza_t *st = parent == NULL ? NULL : stanza_child(parent, name, ns);
	struct buf text = { 0 };
	const char *copy = "";

	if (st != NULL && stanza_get_text(st, &text) == RES_OK)
		copy = arena_text(&w->arena, buf_str(&text));
	buf_free(&text);
	return copy;
}

static const char *
child_attr(xmpp_stanza_t *parent, const char *name, const char *attr)
{
	xmpp_stanza_t *st = parent == NULL ? NULL : stanza_child(parent, name, NULL);

	return st == NULL ? "" : stanza_attr(st, attr);
}

static void
read_error(struct world *w, xmpp_stanza_t *iq, struct answer *a)
{
	xmpp_stanza_t *error = stanza_child(iq, "error", NULL);

	a->error_type = child_attr(iq, "error", "type");
	a->text = child_text(w, error, "text", NULL);
	for (xmpp_stanza_t *st = error == NULL ? NULL : xmpp_stanza_get_children(error); st != NULL;
	    st = xmpp_stanza_get_next(st)) {
		const char *ns = xmpp_stanza_is_tag(st) ? xmpp_stanza_get_ns(st) : NULL;

		if (ns != NULL && strcmp(ns, NS_COMMANDS) == 0)
			a->app = xmpp_stanza_get_name(st);
		else if (ns != NULL && strcmp(xmpp_stanza_get_name(st), "text") != 0)
			a->condition = xmpp_stanza_get_name(st);
	}
}

struct answer
world_answer(struct world *w, const char *id)
{
	struct answer a = { .condition = "", .app = "" };
	xmpp_stanza_t *iq = NULL, *command;

	for (size_t i = 0; i < w->nanswers; i++)
		if (strcmp(stanza_attr(w->answers[i], "id"), id) == 0) {
			assert_null(iq);
			iq = w->answers[i];
		}
	assert_non_null(iq);
	command = stanza_child(iq, "command", NS_COMMANDS);
	a.type = stanza_attr(iq, "type");
	a.status = child_attr(iq, "command", "status");
	a.session = child_attr(iq, "command", "sessionid");
	a.note = child_text(w, command, "note", NULL);
	a.note_type = child_attr(command, "note", "type");
	a.execute = child_attr(command, "actions", "execute");
	a.form = command == NULL ? NULL : stanza_child(command, "x", NS_DATA);
	read_error(w, iq, &a);
	return a;
}

const char *
world_field(struct world *w, const struct answer *a, const char *var)
{
	xmpp_stanza_t *fd = a->form == NULL ? NULL : xmpp_stanza_get_children(a->form), *value;
	struct buf out = { 0 };
	const char *copy;

	while (fd != NULL && (!stanza_is(fd, "field", NULL) || strcmp(stanza_attr(fd, "var"), var) != 0))
		fd = xmpp_stanza_get_next(fd);
	for (value = fd == NULL ? NULL : xmpp_stanza_get_children(fd); value != NULL; value = xmpp_stanza_get_next(value)) {
		if (!stanza_is(value, "value", NULL))
			continue;
		if (out.len > 0)
			buf_text(&out, "\n");
		assert_int_equal(stanza_get_text(value, &out), RES_OK);
	}
	copy = arena_text(&w->arena, buf_str(&out));
	buf_free(&out);
	return copy;
}

const char *
world_text(struct world *w, const struct answer *a)
{
	struct buf out = { 0 };
	const char *copy;

	buf_printf(&out, "%s\n%s\n", a->note, a->text);
	for (xmpp_stanza_t *fd = a->form == NULL ? NULL : xmpp_stanza_get_children(a->form); fd != NULL;
	    fd = xmpp_stanza_get_next(fd))
		if (stanza_is(fd, "field", NULL))
			buf_printf(&out, "%s\n", world_field(w, a, stanza_attr(fd, "var")));
	assert_false(out.failed);
	copy = arena_text(&w->arena, buf_str(&out));
	buf_free(&out);
	return copy;
}

bool
world_has_field(const struct answer *a, const char *var)
{
	xmpp_stanza_t *fd = a->form == NULL ? NULL : xmpp_stanza_get_children(a->form);

	while (fd != NULL && (!stanza_is(fd, "field", NULL) || strcmp(stanza_attr(fd, "var"), var) != 0))
		fd = xmpp_stanza_get_next(fd);
	return fd != NULL;
}

void
world_says(const char *text, const char *words)
{
	if (strstr(text, words) == NULL)
		fail_msg("“%s” does not say “%s”", text, words);
}

/* Fields that a client leaves out are not in the request. */
static void
add_given(struct ask *ask, const char *var, const char *value)
{
	size_t n = 0;

	if (value == NULL)
		return;
	while (ask->fields[n] != NULL)
		n += 2;
	assert_true(n + 2 < sizeof(ask->fields) / sizeof(ask->fields[0]));
	ask->fields[n] = var;
	ask->fields[n + 1] = value;
}

struct ask
world_im_ask(struct im im)
{
	struct ask ask = {
		.from = im.from, .node = "im",
		.fields = {
			"to", im.to != NULL ? im.to : ROMEO,
			"when", im.when != NULL ? im.when : "in 5 minutes",
			"body", im.body != NULL ? im.body : "Good morning",
			"offline", im.offline != NULL ? im.offline : "auto",
			"expires", im.expires != NULL ? im.expires : "",
		},
	};

	add_given(&ask, "repeat", im.repeat);
	add_given(&ask, "rrule", im.rrule);
	return ask;
}

const char *
world_schedule_ask(struct world *w, struct ask ask)
{
	struct answer a = world_ask(w, ask);
	const char *ids = world_field(w, &a, "id");

	if (strcmp(a.status, "completed") != 0 || ids[0] == '\0')
		fail_msg("not scheduled: %s%s %s", a.note, a.text, world_field(w, &a, "error"));
	return arena_printf(&w->arena, "%.*s", PACKET_ID_LEN, ids);
}

const char *
world_schedule_im(struct world *w, struct im im)
{
	return world_schedule_ask(w, world_im_ask(im));
}

const char *
world_schedule_text(struct world *w, struct text text)
{
	struct ask ask = {
		.from = text.from, .node = "sms",
		.fields = {
			"to", text.to != NULL ? text.to : PHONE,
			"when", text.when != NULL ? text.when : "in 5 minutes",
			"body", text.body != NULL ? text.body : "Good morning",
			"expires", text.expires != NULL ? text.expires : "",
		},
	};

	add_given(&ask, "repeat", text.repeat);
	add_given(&ask, "rrule", text.rrule);
	return world_schedule_ask(w, ask);
}
