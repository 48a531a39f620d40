/* What the component asks of others and of itself, and what comes of it. */
#include "base/log.h"
#include "xmpp/component_private.h"

/* What is too large to leave is a question that fails; component_send would answer it. */
static enum res
send_question(void *arg, xmpp_stanza_t *iq)
{
	struct component *c = arg;

	return stream_write_stanza(c->stream, iq);
}

static void
on_client_clock(void *arg, const char *jid)
{
	struct component *c = arg;

	c->env.events->client_clock(c->env.events_arg, jid);
}

static void
on_slot(void *arg, uint64_t ticket, enum res res, const struct slot *slot, const char *words)
{
	struct component *c = arg;

	c->env.events->slot(c->env.events_arg, ticket, res, slot, words);
}

static void
on_self_ping(void *arg, const char *id)
{
	struct component *c = arg;
	struct buf xml = { 0 };

	buf_printf(&xml,
	    "<iq type='get' id='%s' from='%s' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>", id,
	    c->address.domain, c->address.domain);
	if (!xml.failed)
		(void)stream_write_now(c->stream, buf_as_span(&xml));
	buf_free(&xml);
}

static void
on_twin(void *arg)
{
	struct component *c = arg;

	log_error("the server has a second connection as %s and divides between both what comes "
	    "for it, so that messages, answers and presence get lost (ejabberd takes two "
	    "connections of one name): stop the other laterd, or give it a component address of "
	    "its own; if there is none, it is a dead connection that the server has not noticed yet",
	    c->address.domain);
	c->env.events->twin(c->env.events_arg);
}

bool
component_build_asks(struct component *c)
{
	const struct requests_env requests = {
		.ctx = c->ctx,
		.clock = c->env.clock,
		.timers = c->env.timers,
		.send = send_question,
		.arg = c,
	};
	struct client_time_env client_time = {
		.ctx = c->ctx,
		.clock = c->env.clock,
		.from = buf_str(&c->bot),
		.told = on_client_clock,
		.arg = c,
	};
	struct upload_env upload = {
		.ctx = c->ctx,
		.clock = c->env.clock,
		.timers = c->env.timers,
		.from = buf_str(&c->bot),
		.own = c->address.domain,
		.privilege = c->privilege,
		.refused = component_slot_refused,
		.told = on_slot,
		.arg = c,
	};
	const struct twin_env twin = {
		.clock = c->env.clock,
		.timers = c->env.timers,
		.ping = on_self_ping,
		.noticed = on_twin,
		.arg = c,
	};

	c->requests = requests_new(&requests);
	client_time.requests = upload.requests = c->requests;
	c->client_time = client_time_new(&client_time);
	c->upload = upload_new(&upload);
	c->twin = twin_new(&twin);
	return c->requests != NULL && component_build_rosters(c) && c->client_time != NULL &&
	    c->upload != NULL && c->twin != NULL;
}
