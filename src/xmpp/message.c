#include "xmpp/message.h"

#include <string.h>

#include "base/parse.h"
#include "core/jid.h"
#include "core/when.h"

/* The parts of a framing that differ between the two forms. */
struct frame {
	struct buf *out;
	const struct outgoing *o;
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
	const char *sender = f->o->sender;

	buf_text(f->out, "<addresses xmlns='http://jabber.org/protocol/address'>");
	attribute(f->out, "<address type='ofrom' jid='", sender);
	buf_text(f->out, "/></addresses>");
	if (f->domain == sender)
		return;
	buf_text(f->out, "<nick xmlns='http://jabber.org/protocol/nick'>");
	xml_escape(f->out, (struct span){ sender, (size_t)(f->domain - 1 - sender) });
	buf_text(f->out, "</nick>");
}

static void
content(const struct frame *f)
{
	buf_span(f->out, f->o->inner);
	buf_text(f->out, "<request xmlns='urn:xmpp:receipts'/><origin-id xmlns='urn:xmpp:sid:0'");
	attribute(f->out, " id='", f->o->id);
	buf_text(f->out, "/>");
	if (!f->own && !f->privileged)
		behind(f);
	if (f->o->delayed_at == 0)
		return;
	attribute(f->out, "<delay xmlns='urn:xmpp:delay' from='", f->component);
	buf_text(f->out, " stamp='");
	when_print_utc(f->out, f->o->delayed_at);
	buf_text(f->out, "'/>");
}

static enum res
message(const struct frame *f, const char *opening)
{
	enum res r = RES_OK;

	buf_text(f->out, opening);
	attribute(f->out, " id='", f->o->id);
	if (f->own || f->privileged) {
		attribute(f->out, " from='", f->o->sender);
	} else {
		struct buf alias = { .max = JID_BARE_MAX };

		r = jid_alias(&alias, f->o->sender, f->component);
		attribute(f->out, " from='", buf_str(&alias));
		buf_free(&alias);
	}
	attribute(f->out, " to='", f->o->recipient);
	buf_append(f->out, ">", 1);
	content(f);
	buf_text(f->out, "</message>");
	return r;
}

static enum res
wrapped(const struct frame *f, const char *privilege_ns)
{
	enum res r;

	attribute(f->out, "<message id='", f->o->id);
	attribute(f->out, " from='", f->component);
	attribute(f->out, " to='", f->domain);
	attribute(f->out, "><privilege xmlns='", privilege_ns);
	buf_text(f->out, "><forwarded xmlns='urn:xmpp:forward:0'>");
	r = message(f, "<message xmlns='jabber:client' type='chat'");
	buf_text(f->out, "</forwarded></privilege></message>");
	return r;
}

static bool
can_stand(const char *text)
{
	return text != NULL && *text != '\0' && xml_text_valid(span_of(text));
}

enum res
message_frame(struct buf *out, const struct outgoing *o, const char *component,
    const char *privilege_ns)
{
	struct frame f = { .out = out, .o = o, .component = component };
	size_t len = out->len;
	const char *at;
	enum res r;

	if (!can_stand(o->id) || !can_stand(o->sender) || !can_stand(o->recipient))
		return RES_INVALID;
	if (out->failed)
		return RES_NOMEM;
	at = strchr(o->sender, '@');
	f.domain = at == NULL ? o->sender : at + 1;
	f.own = strcmp(f.domain, component) == 0;
	f.privileged = privilege_ns != NULL && !f.own;
	r = f.privileged ? wrapped(&f, privilege_ns) : message(&f, "<message type='chat'");
	if (r == RES_OK && out->failed)
		r = RES_NOMEM;
	if (r == RES_OK)
		return RES_OK;
	out->failed = false;
	out->len = len;
	if (out->p != NULL)
		out->p[len] = '\0';
	return r;
}
