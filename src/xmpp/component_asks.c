/* What the component asks of others, and what comes of it. */
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
		.told = on_slot,
		.arg = c,
	};

	c->requests = requests_new(&requests);
	client_time.requests = upload.requests = c->requests;
	c->client_time = client_time_new(&client_time);
	c->upload = upload_new(&upload);
	return c->requests != NULL && c->client_time != NULL && c->upload != NULL;
}
