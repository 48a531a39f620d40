#include "xmpp/message.h"

#include <string.h>

#include "base/parse.h"
#include "core/jid.h"
#include "core/when.h"

/* What is framed, in either form. */
struct frame {
	struct buf *out;
	const char *type, *id, *lang; /* id, lang: "" for none */
	const char *sender, *recipient;
	struct span inner;
	const char *wrapper_id;
	const struct outgoing *packet; /* NULL: somebody else has written it */
	const char *component;
	const char *domain; /* of the sender */
	bool own;           /* the sender is in our own domain */
	bool privileged;
};

static void
attribute(struct buf *out, const char *opening, const char *value)
{
	buf_text(out, opening);
	xml_escape(out, span_of(value));
	buf_append(out, "'", 1);
}

/* <addresses/> and <nick/>: who is behind our address. */
static void
behind(const struct frame *f)
{
	buf_text(f->out, "<addresses xmlns='http://jabber.org/protocol/address'>");
	attribute(f->out, "<address type='ofrom' jid='", f->sender);
	buf_text(f->out, "/></addresses>");
	if (f->domain == f->sender)
		return;
	buf_text(f->out, "<nick xmlns='http://jabber.org/protocol/nick'>");
	xml_escape(f->out, (struct span){ f->sender, (size_t)(f->domain - 1 - f->sender) });
	buf_text(f->out, "</nick>");
}

static void
content(const struct frame *f)
{
	buf_span(f->out, f->inner);
	if (f->packet != NULL) {
		buf_text(f->out,
		    "<request xmlns='urn:xmpp:receipts'/><origin-id xmlns='urn:xmpp:sid:0'");
		attribute(f->out, " id='", f->id);
		buf_text(f->out, "/>");
	}
	if (!f->own && !f->privileged)
		behind(f);
	if (f->packet == NULL || f->packet->delayed_at == 0)
		return;
	attribute(f->out, "<delay xmlns='urn:xmpp:delay' from='", f->component);
	buf_text(f->out, " stamp='");
	when_print_utc(f->out, f->packet->delayed_at);
	buf_text(f->out, "'/>");
}

static enum res
message(const struct frame *f, const char *opening)
{
	enum res r = RES_OK;

	attribute(f->out, opening, f->type);
	if (*f->id != '\0')
		attribute(f->out, " id='", f->id);
	if (f->own || f->privileged) {
		attribute(f->out, " from='", f->sender);
	} else {
		struct buf alias = { .max = JID_BARE_MAX };

		r = jid_alias(&alias, f->sender, f->component);
		attribute(f->out, " from='", buf_str(&alias));
		buf_free(&alias);
	}
	attribute(f->out, " to='", f->recipient);
	if (*f->lang != '\0')
		attribute(f->out, " xml:lang='", f->lang);
	buf_append(f->out, ">", 1);
	content(f);
	buf_text(f->out, "</message>");
	return r;
}

static enum res
wrapped(const struct frame *f, const char *privilege_ns)
{
	enum res r;

	attribute(f->out, "<message id='", f->wrapper_id);
	attribute(f->out, " from='", f->component);
	attribute(f->out, " to='", f->domain);
	attribute(f->out, "><privilege xmlns='", privilege_ns);
	buf_text(f->out, "><forwarded xmlns='urn:xmpp:forward:0'>");
	r = message(f, "<message xmlns='jabber:client' type='");
	buf_text(f->out, "</forwarded></privilege></message>");
	return r;
}

static bool
can_stand(const char *text)
{
	return text != NULL && *text != '\0' && xml_text_valid(span_of(text));
}

/* All of it, or `out` as it was. */
static enum res
whole(struct frame *f, const char *privilege_ns)
{
	struct buf *out = f->out;
	size_t len = out->len;
	const char *at;
	enum res r;

	if (!can_stand(f->sender) || !can_stand(f->recipient) || !can_stand(f->wrapper_id))
		return RES_INVALID;
	if (out->failed)
		return RES_NOMEM;
	at = strchr(f->sender, '@');
	f->domain = at == NULL ? f->sender : at + 1;
	f->own = strcmp(f->domain, f->component) == 0;
	f->privileged = privilege_ns != NULL && !f->own && jid_is_assigned(f->recipient);
	r = f->privileged ? wrapped(f, privilege_ns) : message(f, "<message type='");
	if (r == RES_OK && out->failed)
		r = RES_NOMEM;
	if (r == RES_OK && f->packet == NULL &&
	    !xml_text_valid((struct span){ out->p + len, out->len - len }))
		r = RES_INVALID;
	if (r == RES_OK)
		return RES_OK;
	out->failed = false;
	out->len = len;
	if (out->p != NULL)
		out->p[len] = '\0';
	return r;
}

enum res
message_frame(struct buf *out, const struct outgoing *o, const char *component,
    const char *privilege_ns)
{
	struct frame f = {
		.out = out,
		.type = "chat",
		.id = o->id,
		.lang = "",
		.sender = o->sender,
		.recipient = o->recipient,
		.inner = o->inner,
		.wrapper_id = o->id,
		.packet = o,
		.component = component,
	};

	return whole(&f, privilege_ns);
}

enum res
message_frame_relayed(struct buf *out, const struct relayed *m, const char *component,
    const char *privilege_ns)
{
	struct frame f = {
		.out = out,
		.type = m->type,
		.id = m->id,
		.lang = m->lang,
		.sender = m->sender,
		.recipient = m->recipient,
		.inner = m->inner,
		.wrapper_id = m->wrapper_id,
		.component = component,
	};

	return whole(&f, privilege_ns);
}
