#include "chat.h"

#include <ctype.h>

#include "server.h"
#include "xmpp/stanza.h"

#define NS_ITEMS    "http://jabber.org/protocol/disco#items"
#define NS_COMMANDS "http://jabber.org/protocol/commands"

/* -- Lines ---------------------------------------------------------------------------------------------------------------------- */

static const char *
or_else(const char *given, const char *otherwise)
{
	return given != NULL ? given : otherwise;
}

static const char *
kept(struct world *w, struct buf *text)
{
	const char *copy;

	assert_false(text->failed);
	copy = arena_text(&w->arena, buf_str(text));
	buf_free(text);
	return copy;
}

const char *
world_write(struct world *w, struct line line)
{
	const char *id = or_else(line.id, arena_printf(&w->arena, "line-%lu", ++w->next_id));
	struct buf xml = { 0 };

	buf_printf(&xml, "<message id='%s' from='%s' to='%s' type='%s'>", id, or_else(line.from, BALCONY), or_else(line.to, BOT),
	    or_else(line.type, "chat"));
	if (line.text != NULL)
		buf_printf(&xml, "<body>%s</body>", server_escape(w, line.text));
	if (line.thread != NULL)
		buf_printf(&xml, "<thread>%s</thread>", line.thread);
	if (line.replaces != NULL)
		buf_printf(&xml, "<replace xmlns='urn:xmpp:message-correct:0' id='%s'/>", line.replaces);
	buf_printf(&xml, "%s</message>", or_else(line.extra, ""));
	world_send(w, "%s", kept(w, &xml));
	return id;
}

static bool
is_answer(const struct heard *m, const char *to)
{
	return strcmp(m->to, to) == 0 && strcmp(m->type, "error") != 0 && m->body[0] != '\0' &&
	    (strcmp(m->from, BOT) == 0 || strcmp(m->from, COMPONENT) == 0);
}

size_t
world_answers(const struct world *w, const char *to, size_t since)
{
	size_t n = 0;

	for (size_t i = since; i < w->nheard; i++)
		n += is_answer(&w->heard[i], to);
	return n;
}

const char *
world_said(struct world *w, const char *to, size_t since)
{
	struct buf text = { 0 };

	for (size_t i = since; i < w->nheard; i++)
		if (is_answer(&w->heard[i], to))
			buf_printf(&text, "%s%s", text.len > 0 ? "\n\n" : "", w->heard[i].body);
	return kept(w, &text);
}

bool
world_heard(const struct world *w, const char *to, const char *words, size_t since)
{
	for (size_t i = since; i < w->nheard; i++) {
		const struct heard *m = &w->heard[i];

		if (strncmp(m->to, to, strlen(to)) == 0 && strcmp(m->type, "error") != 0 && strstr(m->body, words) != NULL)
			return true;
	}
	return false;
}

const char *
world_chat(struct world *w, const char *from, const char *line)
{
	size_t since = w->nheard;

	world_line(w, .from = from, .text = line);
	return world_said(w, or_else(from, BALCONY), since);
}

/* -- Ids ------------------------------------------------------------------------------------------------------------------------ */

const char *
world_with_ids(struct world *w, const char *text)
{
	struct buf out = { 0 };

	for (const char *p = text; *p != '\0'; p++)
		if (p[0] == '#' && isdigit((unsigned char)p[1])) {
			buf_text(&out, world_sql_text(w, "SELECT id FROM packet WHERE sender <> '" BOT "' ORDER BY n LIMIT 1 OFFSET %d",
			    *++p - '1'));
		} else
			buf_printf(&out, "%c", *p);
	return kept(w, &out);
}

static size_t
id_at(const char *p)
{
	size_t len = strspn(p, "0123456789ABCDEFGHJKMNPQRSTVWXYZ");

	return len == PACKET_ID_LEN && !isalnum((unsigned char)p[len]) ? len : 0;
}

const char *
world_without_ids(struct world *w, const char *text)
{
	struct buf out = { 0 };
	const char *p = text;

	while (*p != '\0') {
		size_t len = p == text || !isalnum((unsigned char)p[-1]) ? id_at(p) : 0;

		buf_printf(&out, "%c", len > 0 ? '#' : *p);
		p += len > 0 ? len : 1;
	}
	return kept(w, &out);
}

/* -- The store ------------------------------------------------------------------------------------------------------------------ */

/* The columns that are the same however it was asked for. */
static const struct {
	const char *from, *columns;
} tables[] = {
	{ "packet ORDER BY n", "sender || ' ' || recipient || ' ' || kind || ' ' || state || ' ' || offline || ' ' || created_at || ' ' || "
	    "due_at || ' ' || next_at || ' ' || expires_at || ' ' || sent_at || ' ' || finished_at || ' ' || attempts || ' ' || held || "
	    "' ' || charge_day || ' ' || charge_units || ' ' || zone || ' ' || coalesce(gateway, '') || ' ' || revision || ' ' || "
	    "length(sealed) || ' ' || (coalesce(series, '') <> '')" },
	{ "event ORDER BY n", "packet || ' ' || at || ' ' || what" },
	{ "series ORDER BY sender, recipient, at", "sender || ' ' || recipient || ' ' || kind || ' ' || offline || ' ' || rule || ' ' || "
	    "zone || ' ' || start || ' ' || at || ' ' || expires_ms || ' ' || paused || ' ' || length(sealed)" },
	{ "charge ORDER BY sender, kind, day", "sender || ' ' || kind || ' ' || day || ' ' || count" },
	{ "quota_limit ORDER BY who, kind", "who || ' ' || kind || ' ' || per_day || ' ' || per_month" },
	{ "account ORDER BY jid", "jid || ' ' || blocked || ' ' || notify || ' ' || zone || ' ' || offline || ' ' || hours" },
	{ "forget ORDER BY jid", "jid || ' ' || at" },
	{ "meta WHERE name LIKE 'paused%%' ORDER BY name", "name" },
};

const char *
world_snapshot(struct world *w)
{
	struct buf text = { 0 };

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		struct buf sql = { 0 };

		buf_printf(&sql, "SELECT coalesce(group_concat(line, char(10)), '') FROM (SELECT %s AS line FROM ", tables[i].columns);
		buf_printf(&sql, tables[i].from, 0);
		buf_printf(&text, "%s\n", world_sql_text(w, "%s)", kept(w, &sql)));
	}
	return world_without_ids(w, kept(w, &text));
}

/* -- Both ways ------------------------------------------------------------------------------------------------------------------ */

static void
begin(struct world *w, const struct deed *d)
{
	if (d->before != NULL)
		d->before(w);
	else
		world_start(w);
}

static struct answer
by_form(struct world *w, const struct deed *d)
{
	struct ask ask = { .from = or_else(d->from, BALCONY), .node = d->node };

	for (size_t i = 0; d->fields[i] != NULL; i++)
		ask.fields[i] = world_with_ids(w, d->fields[i]);
	return world_ask(w, ask);
}

static const char *
by_chat(struct world *w, const struct deed *d)
{
	const char *said = "";

	for (size_t i = 0; d->lines[i] != NULL; i++)
		said = world_chat(w, d->from, world_with_ids(w, d->lines[i]));
	return said;
}

/* What a form tells people, a line each: the chat has to say it as well. */
static void
compare_fields(struct world *w, const struct deed *d, const struct answer *a, const char *said)
{
	xmpp_stanza_t *fd = a->form == NULL ? NULL : xmpp_stanza_get_children(a->form);
	size_t visible = 0;

	for (xmpp_stanza_t *f = fd; f != NULL; f = xmpp_stanza_get_next(f))
		visible += stanza_is(f, "field", NULL) && strcmp(stanza_attr(f, "type"), "hidden") != 0;
	for (; fd != NULL; fd = xmpp_stanza_get_next(fd)) {
		const char *value;

		if (!stanza_is(fd, "field", NULL) || strcmp(stanza_attr(fd, "type"), "hidden") == 0 || visible < 2)
			continue;
		value = world_without_ids(w, world_field(w, a, stanza_attr(fd, "var")));
		if (strstr(said, value) == NULL)
			fail_msg("%s: “%s” does not say “%s”", d->name, said, value);
	}
}

/* What leaves in an hour, but for answers. */
static const char *
what_leaves(struct world *w, size_t since)
{
	struct buf text = { 0 };

	world_advance(w, HOUR_MS);
	for (size_t i = since; i < w->nheard; i++)
		if (strchr(w->heard[i].to, '/') == NULL)
			buf_printf(&text, "%s %s %s %s\n", w->heard[i].clock, w->heard[i].from, w->heard[i].to, w->heard[i].body);
	for (size_t i = 0; i < w->phones.n; i++)
		buf_printf(&text, "%s %s %s\n", w->phones.v[i].method, w->phones.v[i].url,
		    memchr(w->phones.v[i].body.p, '\0', w->phones.v[i].body.len) == NULL ? w->phones.v[i].body.p : "");
	return world_without_ids(w, kept(w, &text));
}

static void
alike(const struct deed *d, const char *what, const char *form, const char *chat)
{
	if (strcmp(form, chat) != 0)
		fail_msg("%s: %s: by the form\n%s\nin chat\n%s", d->name, what, form, chat);
}

void
world_both_ways(const struct deed *d)
{
	struct world *w[2];
	const char *said = "", *note, *snapshot[2], *leaves[2];
	struct answer a = { 0 };

	for (int i = 0; i < 2; i++) {
		world_setup((void **)&w[i]);
		begin(w[i], d);
		if (i == 0) {
			a = by_form(w[i], d);
			if (strcmp(a.status, "completed") != 0)
				fail_msg("%s: by the form it is %s: %s%s", d->name, a.status, a.note, a.text);
		} else
			said = world_without_ids(w[i], by_chat(w[i], d));
		snapshot[i] = world_snapshot(w[i]);
		if (d->after != NULL)
			d->after(w[i]);
		leaves[i] = what_leaves(w[i], 0);
	}
	note = world_without_ids(w[0], a.note);
	if (d->says != NULL)
		world_says(note, d->says);
	if (!d->by_itself && !d->in_rows && strstr(said, note) == NULL)
		fail_msg("%s: the form says “%s”, the chat “%s”", d->name, note, said);
	if (!d->by_itself)
		compare_fields(w[0], d, &a, said);
	alike(d, "stored", snapshot[0], snapshot[1]);
	alike(d, "sent", leaves[0], leaves[1]);
	for (int i = 0; i < 2; i++)
		world_teardown((void **)&w[i]);
}

void
world_refused_both_ways(struct world *w, const struct deed *d, const char *condition)
{
	const char *before = world_snapshot(w), *said;
	struct answer a = by_form(w, d);

	if (strcmp(a.type, "error") != 0 || strcmp(a.condition, condition) != 0)
		fail_msg("%s: by the form it is %s %s: %s%s", d->name, a.type, a.condition, a.note, a.text);
	assert_string_equal(a.error_type, strcmp(condition, "forbidden") == 0 ? "auth" : "cancel");
	assert_string_not_equal(a.text, "");
	alike(d, "refused by the form", before, world_snapshot(w));
	said = by_chat(w, d);
	if (strstr(said, a.text) == NULL)
		fail_msg("%s: the form is refused with “%s”, the chat with “%s”", d->name, a.text, said);
	alike(d, "refused in chat", before, world_snapshot(w));
}

/* -- Discovery ------------------------------------------------------------------------------------------------------------------ */

const char *
world_nodes(struct world *w, const char *from)
{
	const char *id = arena_printf(&w->arena, "disco-%lu", ++w->next_id);
	struct buf nodes = { 0 };
	xmpp_stanza_t *query = NULL;

	world_send(w, "<iq type='get' id='%s' from='%s' to='" COMPONENT "'><query xmlns='" NS_ITEMS "' node='" NS_COMMANDS "'/></iq>",
	    id, from);
	for (size_t i = 0; i < w->nanswers; i++)
		if (strcmp(stanza_attr(w->answers[i], "id"), id) == 0)
			query = stanza_child(w->answers[i], "query", NS_ITEMS);
	assert_non_null(query);
	buf_text(&nodes, " ");
	for (xmpp_stanza_t *st = xmpp_stanza_get_children(query); st != NULL; st = xmpp_stanza_get_next(st))
		if (stanza_is(st, "item", NULL))
			buf_printf(&nodes, "%s ", stanza_attr(st, "node"));
	return kept(w, &nodes);
}

/* -- What tests of chat and of operators share --------------------------------------------------------------------------------- */

int64_t
world_packets(struct world *w)
{
	return world_sql(w, "SELECT count(*) FROM packet WHERE sender <> '" BOT "'");
}

void
world_start_with_mms(struct world *w)
{
	w->config.http.public_url = "http://127.0.0.1:5580";
	world_gateway(w, .info.name = "mmsc", .driver = "mm7", .info.kinds = { [KIND_MMS] = true });
	world_phone(w, LINK, .status = 200, .type = "image/png", .body = SPAN(PNG));
	world_start(w);
}

const char *
world_asks(struct world *w, const char *line, const char *words)
{
	int64_t before = world_packets(w);
	const char *said = world_chat(w, NULL, line);

	world_says(said, words);
	assert_int_equal(world_packets(w), before);
	return said;
}

struct answer
world_operate(struct world *w, struct ask ask)
{
	struct answer a;

	ask.from = DESK;
	a = world_ask(w, ask);
	if (strcmp(a.status, "completed") != 0 || strcmp(a.note_type, "error") == 0)
		fail_msg("%s is not done: %s%s", ask.node, a.note, a.text);
	return a;
}

size_t
world_told_admin(const struct world *w, const char *words)
{
	size_t n = 0;

	for (size_t i = 0; i < w->nheard; i++)
		n += strncmp(w->heard[i].to, ADMIN, strlen(ADMIN)) == 0 && strcmp(w->heard[i].type, "error") != 0 &&
		    strstr(w->heard[i].body, words) != NULL;
	return n;
}
