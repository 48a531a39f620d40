#include "xmpp/chat.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/parse.h"
#include "xmpp/message.h"
#include "xmpp/stanza.h"

#define NS_CARBONS  "urn:xmpp:carbons:2"
#define NS_CORRECT  "urn:xmpp:message-correct:0"
#define NS_DELAY    "urn:xmpp:delay"
#define NS_HINTS    "urn:xmpp:hints"
#define NS_MARKERS  "urn:xmpp:chat-markers:0"
#define NS_RECEIPTS "urn:xmpp:receipts"
#define NS_SID      "urn:xmpp:sid:0"

#define BOT "bot"
/* Longer ones are nobody's; without its thread an answer still arrives. */
#define THREAD_MAX 1023
#define ID_MAX 1023

struct chat {
	struct chat_env env;
	struct talks *talks;
	uint64_t lines[TALK_IGNORED + 1];
	char ids[17]; /* what all ids of this process begin with */
	uint64_t nids;
};

/*
 * How an answer travels, as talk.h's `via`: the letter of the address that was written to, that of
 * the type, and the thread.
 */
enum { VIA_ADDRESS, VIA_TYPE, VIA_THREAD };

#define VIA_TO_BOT  'b'
#define VIA_CHAT    'c'
#define VIA_DEFAULT "dn"

/* -- Answers ----------------------------------------------------------------------------------- */

/* Queued, or freed where a part of it is missing. */
static void
send(struct chat *c, xmpp_stanza_t *st, bool whole)
{
	if (whole) {
		c->env.send(c->env.arg, st);
		return;
	}
	if (st != NULL)
		xmpp_stanza_release(st);
	c->env.failed(c->env.arg);
}

static bool
set_from(struct chat *c, xmpp_stanza_t *st, char address)
{
	struct buf from = { .max = JID_BARE_MAX };
	bool ok;

	buf_printf(&from, "%s%s", address == VIA_TO_BOT ? BOT "@" : "", c->env.address);
	ok = !from.failed && xmpp_stanza_set_from(st, buf_str(&from)) == XMPP_EOK;
	buf_free(&from);
	return ok;
}

static bool
set_to(xmpp_stanza_t *st, const struct asker *who)
{
	struct buf to = { .max = JID_FULL_MAX };
	bool ok = jid_print(&to, &who->jid) == RES_OK &&
	    xmpp_stanza_set_to(st, buf_str(&to)) == XMPP_EOK;

	buf_free(&to);
	return ok;
}

/* A child that has only attributes; `value` of `name`, which may be NULL. */
static bool
add(xmpp_stanza_t *st, const char *child, const char *ns, const char *name, const char *value)
{
	xmpp_stanza_t *added = stanza_add(st, child, ns);

	return added != NULL &&
	    (name == NULL || xmpp_stanza_set_attribute(added, name, value) == XMPP_EOK);
}

static bool
add_text(xmpp_stanza_t *st, const char *child, const char *text)
{
	xmpp_stanza_t *added = stanza_add_text(st, child, text);

	return added != NULL && xmpp_stanza_get_children(added) != NULL;
}

/* A message with an id of its own; NULL without memory. */
static xmpp_stanza_t *
message_new(struct chat *c, const struct asker *to, const char *via)
{
	xmpp_stanza_t *st = stanza_new(c->env.ctx, "message", NULL);
	char id[sizeof(c->ids) + 24];

	if (st == NULL)
		return NULL;
	snprintf(id, sizeof(id), "%s-%" PRIu64, c->ids, ++c->nids);
	if (xmpp_stanza_set_id(st, id) == XMPP_EOK && set_from(c, st, via[VIA_ADDRESS]) &&
	    set_to(st, to) && add(st, "origin-id", NS_SID, "id", id) &&
	    (via[VIA_TYPE] != VIA_CHAT || xmpp_stanza_set_type(st, "chat") == XMPP_EOK) &&
	    (via[VIA_THREAD] == '\0' || add_text(st, "thread", via + VIA_THREAD)))
		return st;
	xmpp_stanza_release(st);
	return NULL;
}

/* What gateways and servers say is not always text that XML allows. */
static enum res
clean(struct buf *out, struct span text)
{
	size_t len;

	out->max = text.len + 1;
	for (; text.len > 0; text.p += len, text.len -= len) {
		len = utf8_char(text.p, text.len);
		if (len > 0 && xml_text_valid((struct span){ text.p, len })) {
			buf_append(out, text.p, len);
		} else {
			len = len > 0 ? len : 1;
			buf_append(out, "?", 1);
		}
	}
	return out->failed ? RES_NOMEM : RES_OK;
}

static void
on_say(void *arg, const struct asker *to, const char *via, const char *text)
{
	struct chat *c = arg;
	struct buf body = { 0 };
	xmpp_stanza_t *st = message_new(c, to, via == NULL ? VIA_DEFAULT : via);

	send(c, st, st != NULL && clean(&body, span_of(text)) == RES_OK &&
	    add_text(st, "body", buf_str(&body)));
	buf_free(&body);
}

static void
on_failed(void *arg)
{
	struct chat *c = arg;

	c->env.failed(c->env.arg);
}

/* XEP-0184 and XEP-0333, where the line asks for them; a message without an id cannot be named. */
static void
acknowledge(struct chat *c, const struct talk_line *line, xmpp_stanza_t *message)
{
	bool receipt = stanza_child(message, "request", NS_RECEIPTS) != NULL;
	bool marker = stanza_child(message, "markable", NS_MARKERS) != NULL;
	xmpp_stanza_t *st;

	if (*line->id == '\0' || (!receipt && !marker))
		return;
	st = message_new(c, line->who, line->via);
	send(c, st,
	    st != NULL && (!receipt || add(st, "received", NS_RECEIPTS, "id", line->id)) &&
	    (!marker || add(st, "displayed", NS_MARKERS, "id", line->id)) &&
	    add(st, "store", NS_HINTS, NULL, NULL));
}

/* -- Lines ------------------------------------------------------------------------------------- */

struct chat *
chat_new(const struct talk_bounds *bounds, const struct chat_env *env)
{
	struct chat *c = calloc(1, sizeof(*c));
	struct talks_env talk = env->talk;
	uint64_t random;

	if (c == NULL)
		return NULL;
	c->env = *env;
	talk.say = on_say;
	talk.failed = on_failed;
	talk.arg = c;
	c->talks = talks_new(bounds, &talk);
	if (c->talks == NULL || getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
		chat_free(&c);
		return NULL;
	}
	snprintf(c->ids, sizeof(c->ids), "%016" PRIx64, random);
	return c;
}

void
chat_free(struct chat **cp)
{
	struct chat *c = *cp;

	if (c == NULL)
		return;
	talks_free(&c->talks);
	free(c);
	*cp = NULL;
}

struct talks *
chat_talks(struct chat *c)
{
	return c->talks;
}

uint64_t
chat_lines(const struct chat *c, enum talk_verdict verdict)
{
	return c->lines[verdict];
}

/* Nobody has written this to us now, or a machine has. */
static bool
is_machines(struct chat *c, const struct asker *who, xmpp_stanza_t *message)
{
	const char *type = stanza_attr(message, "type");

	return strcmp(type, "groupchat") == 0 || strcmp(type, "headline") == 0 ||
	    strcmp(type, "error") == 0 || *who->jid.local == '\0' ||
	    strcmp(who->jid.domain, c->env.address) == 0 ||
	    stanza_child(message, "delay", NS_DELAY) != NULL ||
	    stanza_child(message, "sent", NS_CARBONS) != NULL ||
	    stanza_child(message, "received", NS_CARBONS) != NULL;
}

/* What `say` needs to know of the line. */
static enum res
write_via(struct buf *via, const struct jid *to, xmpp_stanza_t *message)
{
	size_t len;
	enum res res;

	buf_printf(via, "%c%c", strcmp(to->local, BOT) == 0 ? VIA_TO_BOT : VIA_DEFAULT[VIA_ADDRESS],
	    strcmp(stanza_attr(message, "type"), "chat") == 0 ? VIA_CHAT : VIA_DEFAULT[VIA_TYPE]);
	len = via->len;
	res = stanza_get_text(stanza_child(message, "thread", NULL), via);
	if (res == RES_OK && via->len - len > THREAD_MAX)
		buf_cut(via, len);
	return via->failed ? RES_NOMEM : res;
}

static void
refuse(struct chat *c, xmpp_stanza_t *message, const struct reply *refusal)
{
	xmpp_stanza_t *st = stanza_error(c->env.ctx, message, refusal->error_type,
	    refusal->condition, buf_str(&refusal->note), NULL, NULL);

	send(c, st, st != NULL);
}

static void
hear(struct chat *c, const struct talk_line *line, xmpp_stanza_t *message)
{
	struct reply refusal = { 0 };
	enum talk_verdict verdict = talks_hear(c->talks, line, &refusal);

	c->lines[verdict]++;
	if (verdict == TALK_REFUSED)
		refuse(c, message, &refusal);
	else if (verdict == TALK_HEARD)
		acknowledge(c, line, message);
	reply_free(&refusal);
}

/* An id as it can be named again. */
static const char *
short_id(const char *id)
{
	return strlen(id) <= ID_MAX ? id : "";
}

static enum res
read_text(struct buf *text, enum message_content content, xmpp_stanza_t *message)
{
	if (content != MESSAGE_TEXT)
		return RES_OK;
	return stanza_get_text(stanza_child(message, "body", NULL), text);
}

void
chat_handle(struct chat *c, const struct asker *who, const struct jid *to, xmpp_stanza_t *message)
{
	enum message_content content = message_content(message);
	xmpp_stanza_t *replace = stanza_child(message, "replace", NS_CORRECT);
	struct buf text = { 0 }, via = { 0 };
	struct talk_line line = { .who = who };

	if (content == MESSAGE_EMPTY || is_machines(c, who, message))
		return;
	if (read_text(&text, content, message) == RES_OK &&
	    write_via(&via, to, message) == RES_OK) {
		line.id = short_id(stanza_attr(message, "id"));
		line.replaces = short_id(stanza_attr(replace, "id"));
		line.via = buf_str(&via);
		line.text = buf_as_span(&text);
		line.encrypted = content == MESSAGE_ENCRYPTED;
		hear(c, &line, message);
	} else
		c->env.failed(c->env.arg);
	buf_free(&text);
	buf_free(&via);
}
