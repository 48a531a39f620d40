#include "xmpp/query.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/when.h"
#include "xmpp/adhoc.h"
#include "xmpp/form.h"
#include "xmpp/stanza.h"

#define NS_LAST       "jabber:iq:last"
#define NS_PING       "urn:xmpp:ping"
#define NS_SERVERINFO "http://jabber.org/network/serverinfo"
#define NS_VCARD      "vcard-temp"
#define NS_VERSION    "jabber:iq:version"

struct query {
	struct query_config config;
	xmpp_ctx_t *ctx;
	const struct clock *clock;
	const struct command_ops *ops;
	struct commands *commands;
	int64_t started; /* monotonic, ms */
	char *bot;       /* bot@address */
};

/* One question. */
struct question {
	const struct asker *who;
	bool to_bot;
	xmpp_stanza_t *iq, *child;
	const char *node;
};

static const char *const features[] = {
	NS_DISCO_INFO,
	NS_DISCO_ITEMS,
	NS_COMMANDS,
	NS_DATA,
	NS_VERSION,
	NS_PING,
	NS_TIME,
	NS_LAST,
	NS_VCARD,
};

struct query *
query_new(const struct query_config *config, xmpp_ctx_t *ctx, const struct clock *clock,
    const struct command_ops *ops, struct commands *commands)
{
	struct query *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	if (asprintf(&q->bot, "bot@%s", config->address) < 0) {
		free(q);
		return NULL;
	}
	q->config = *config;
	q->ctx = ctx;
	q->clock = clock;
	q->ops = ops;
	q->commands = commands;
	q->started = clock_mono(clock);
	return q;
}

void
query_free(struct query **qp)
{
	if (*qp == NULL)
		return;
	free((*qp)->bot);
	free(*qp);
	*qp = NULL;
}

void
query_configure(struct query *q, const char *const *admins, const struct zone *zone)
{
	q->config.admins = admins;
	q->config.zone = zone;
}

static xmpp_stanza_t *
refuse(struct query *q, const struct question *ask, const char *type, const char *condition)
{
	return stanza_error(q->ctx, ask->iq, type, condition, NULL, NULL, NULL);
}

/* The answer, and in *child its one element: the name, namespace and node that were asked for. */
static xmpp_stanza_t *
answer_new(struct query *q, const struct question *ask, xmpp_stanza_t **child)
{
	xmpp_stanza_t *iq = stanza_reply(q->ctx, ask->iq, "result");

	*child = stanza_add(iq, xmpp_stanza_get_name(ask->child), xmpp_stanza_get_ns(ask->child));
	if (*child != NULL && *ask->node != '\0')
		xmpp_stanza_set_attribute(*child, "node", ask->node);
	return iq;
}

/* -- Service discovery ------------------------------------------------------------------------ */

static void
add_identity(xmpp_stanza_t *query, const char *category, const char *type, const char *name)
{
	xmpp_stanza_t *st = stanza_add(query, "identity", NULL);

	if (st == NULL)
		return;
	xmpp_stanza_set_attribute(st, "category", category);
	xmpp_stanza_set_attribute(st, "type", type);
	xmpp_stanza_set_attribute(st, "name", name);
}

static void
add_feature(xmpp_stanza_t *query, const char *var)
{
	xmpp_stanza_t *st = stanza_add(query, "feature", NULL);

	if (st != NULL)
		xmpp_stanza_set_attribute(st, "var", var);
}

static void
add_item(xmpp_stanza_t *query, const char *jid, const char *node, const char *name)
{
	xmpp_stanza_t *st = stanza_add(query, "item", NULL);

	if (st == NULL)
		return;
	xmpp_stanza_set_attribute(st, "jid", jid);
	if (node != NULL)
		xmpp_stanza_set_attribute(st, "node", node);
	xmpp_stanza_set_attribute(st, "name", name);
}

/* XEP-0157: whom to write to, as an XEP-0128 extension. */
static enum res
add_contacts(struct query *q, xmpp_stanza_t *query)
{
	struct form form = { 0 };
	struct field *fd;
	enum res res;

	if (q->config.admins == NULL || q->config.admins[0] == NULL)
		return RES_OK;
	form_value(&form, form_add(&form, FIELD_HIDDEN, "FORM_TYPE", NULL), NS_SERVERINFO);
	fd = form_add(&form, FIELD_LIST_MULTI, "admin-addresses", NULL);
	for (const char *const *admin = q->config.admins; *admin != NULL; admin++)
		form_value(&form, fd, arena_printf(&form.arena, "xmpp:%s", *admin));
	res = xform_write(query, &form, "result");
	form_free(&form);
	return res;
}

static xmpp_stanza_t *
info_of_us(struct query *q, const struct question *ask)
{
	xmpp_stanza_t *query, *iq = answer_new(q, ask, &query);

	add_identity(query, ask->to_bot ? "client" : "component", ask->to_bot ? "bot" : "generic",
	    q->config.name);
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		add_feature(query, features[i]);
	if (iq != NULL && add_contacts(q, query) != RES_OK) {
		xmpp_stanza_release(iq);
		return NULL;
	}
	return iq;
}

/* The next command from *i on that they may execute and that has a node; NULL past the last. */
static const struct command_info *
next_visible(struct query *q, const struct question *ask, size_t *i)
{
	const struct command_info *cmd;

	do
		cmd = q->ops->visible(q->commands, ask->who, (*i)++);
	while (cmd != NULL && cmd->chat_only);
	return cmd;
}

static const struct command_info *
find_visible(struct query *q, const struct question *ask)
{
	const struct command_info *cmd;
	size_t i = 0;

	while ((cmd = next_visible(q, ask, &i)) != NULL && strcmp(cmd->name, ask->node) != 0)
		;
	return cmd;
}

static xmpp_stanza_t *
on_info(struct query *q, const struct question *ask)
{
	const struct command_info *cmd;
	xmpp_stanza_t *query, *iq;

	if (*ask->node == '\0')
		return info_of_us(q, ask);
	if (strcmp(ask->node, NS_COMMANDS) == 0) {
		iq = answer_new(q, ask, &query);
		add_identity(query, "automation", "command-list", "Commands");
		return iq;
	}
	if ((cmd = find_visible(q, ask)) == NULL)
		return refuse(q, ask, "cancel", "item-not-found");
	iq = answer_new(q, ask, &query);
	add_identity(query, "automation", "command-node", cmd->title);
	add_feature(query, NS_COMMANDS);
	add_feature(query, NS_DATA);
	return iq;
}

static xmpp_stanza_t *
on_items(struct query *q, const struct question *ask)
{
	const struct command_info *cmd;
	xmpp_stanza_t *query, *iq;
	size_t i = 0;

	if (*ask->node != '\0' && strcmp(ask->node, NS_COMMANDS) != 0 &&
	    find_visible(q, ask) == NULL)
		return refuse(q, ask, "cancel", "item-not-found");
	iq = answer_new(q, ask, &query);
	if (*ask->node == '\0' && !ask->to_bot)
		add_item(query, q->bot, NULL, q->config.name);
	if (strcmp(ask->node, NS_COMMANDS) != 0)
		return iq;
	while ((cmd = next_visible(q, ask, &i)) != NULL)
		add_item(query, stanza_attr(ask->iq, "to"), cmd->name, cmd->title);
	return iq;
}

/* -- The small ones --------------------------------------------------------------------------- */

/* Without <os/>: what we run on is nobody's business (XEP-0092 section 6). */
static xmpp_stanza_t *
on_version(struct query *q, const struct question *ask)
{
	xmpp_stanza_t *query, *iq = answer_new(q, ask, &query);

	stanza_add_text(query, "name", "laterd");
	stanza_add_text(query, "version", q->config.version);
	return iq;
}

static xmpp_stanza_t *
on_ping(struct query *q, const struct question *ask)
{
	return stanza_reply(q->ctx, ask->iq, "result");
}

static xmpp_stanza_t *
on_time(struct query *q, const struct question *ask)
{
	int64_t now = clock_wall(q->clock);
	struct buf tzo = { 0 }, utc = { 0 };
	xmpp_stanza_t *time, *iq = NULL;
	struct civil civil;
	int minutes;

	zone_civil(q->config.zone, now, &civil);
	minutes = abs(civil.offset_s) / 60;
	if (buf_printf(&tzo, "%c%02d:%02d", civil.offset_s < 0 ? '-' : '+', minutes / 60,
	    minutes % 60) == RES_OK && when_print_utc(&utc, now) == RES_OK) {
		iq = answer_new(q, ask, &time);
		stanza_add_text(time, "tzo", buf_str(&tzo));
		stanza_add_text(time, "utc", buf_str(&utc));
	}
	buf_free(&tzo);
	buf_free(&utc);
	return iq;
}

static xmpp_stanza_t *
on_last(struct query *q, const struct question *ask)
{
	xmpp_stanza_t *query, *iq = answer_new(q, ask, &query);
	char seconds[24];

	snprintf(seconds, sizeof(seconds), "%" PRId64,
	    (clock_mono(q->clock) - q->started) / SECOND_MS);
	if (query != NULL)
		xmpp_stanza_set_attribute(query, "seconds", seconds);
	return iq;
}

static xmpp_stanza_t *
on_vcard(struct query *q, const struct question *ask)
{
	xmpp_stanza_t *vcard, *iq = answer_new(q, ask, &vcard);

	stanza_add_text(vcard, "FN", q->config.name);
	stanza_add_text(vcard, "DESC", "Write a message now, have it delivered later.");
	stanza_add_text(vcard, "JABBERID", q->bot);
	return iq;
}

static const struct {
	const char *name, *ns;
	xmpp_stanza_t *(*get)(struct query *q, const struct question *ask);
} answers[] = {
	{ "query", NS_DISCO_INFO, on_info },
	{ "query", NS_DISCO_ITEMS, on_items },
	{ "query", NS_VERSION, on_version },
	{ "ping", NS_PING, on_ping },
	{ "time", NS_TIME, on_time },
	{ "query", NS_LAST, on_last },
	{ "vCard", NS_VCARD, on_vcard },
};

xmpp_stanza_t *
query_handle(struct query *q, const struct asker *who, bool to_bot, xmpp_stanza_t *iq)
{
	struct question ask = { .who = who, .to_bot = to_bot, .iq = iq };

	ask.child = stanza_only_child(iq);
	if (ask.child == NULL)
		return refuse(q, &ask, "modify", "bad-request");
	ask.node = stanza_attr(ask.child, "node");
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (!stanza_is(ask.child, answers[i].name, answers[i].ns))
			continue;
		if (strcmp(stanza_attr(iq, "type"), "get") == 0)
			return answers[i].get(q, &ask);
		return refuse(q, &ask, "cancel", "not-allowed");
	}
	return refuse(q, &ask, "cancel", "service-unavailable");
}
