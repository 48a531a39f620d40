/* What is measured in this room, and what can be configured while it works. */
#include <string.h>

#include "xmpp/component_private.h"

static bool
has(const char *const *domains, const char *domain)
{
	for (; domains != NULL && *domains != NULL; domains++)
		if (strcmp(*domains, domain) == 0)
			return true;
	return false;
}

void
component_configure(struct component *c, const struct component_config *config)
{
	const char *const *former = c->config.domains;

	for (; former != NULL && *former != NULL; former++) {
		if (has(config->domains, *former) || strcmp(*former, c->ping_to.domain) == 0)
			continue;
		privilege_forget(c->privilege, *former);
		tracker_scope(c->tracker, *former, SCOPE_NONE);
	}
	c->config.admins = config->admins;
	c->config.domains = config->domains;
	c->config.zone = config->zone;
	query_configure(c->query, config->admins, config->zone);
	talks_configure(chat_talks(c->chat), config->zone);
}

static void
expose_presence(struct component *c, struct buf *out)
{
	static const char name[] = "laterd_presence";
	size_t online, offline;

	tracker_count(c->tracker, &online, &offline);
	metrics_family(out, name, "gauge", "Addresses whose presence is known.");
	metrics_sample(out, name, (double)online, "value", "online", NULL);
	metrics_sample(out, name, (double)offline, "value", "offline", NULL);
}

static void
expose_chat(struct component *c, struct buf *out)
{
	static const char name[] = "laterd_chat_lines_total";
	static const char *const results[] = {
		[TALK_HEARD] = "heard",
		[TALK_REFUSED] = "refused",
		[TALK_IGNORED] = "ignored",
	};

	metrics_family(out, name, "counter", "Lines written to the bot.");
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++)
		metrics_sample(out, name, (double)chat_lines(c->chat, (enum talk_verdict)i),
		    "result", results[i], NULL);
}

void
component_expose(struct component *c, struct buf *out)
{
	metrics_family(out, "laterd_stream_up", "gauge", "Whether the XMPP stream is connected.");
	metrics_sample(out, "laterd_stream_up", stream_is_up(c->stream) ? 1 : 0, NULL);
	metrics_family(out, "laterd_streams_total", "counter", "XMPP streams that were begun.");
	metrics_sample(out, "laterd_streams_total", (double)c->streams, NULL);
	metrics_family(out, "laterd_stream_twins_total", "counter",
	    "Times that a second connection with our address was noticed.");
	metrics_sample(out, "laterd_stream_twins_total", (double)twin_count(c->twin), NULL);
	metrics_family(out, "laterd_pong_seconds", "histogram",
	    "Until the server had taken a batch of messages.");
	metrics_histogram(out, "laterd_pong_seconds", &c->pong_seconds, NULL);
	metrics_family(out, "laterd_batch_bytes", "histogram", "Sizes of batches of messages.");
	metrics_histogram(out, "laterd_batch_bytes", &c->batch_bytes, NULL);
	expose_presence(c, out);
	expose_chat(c, out);
	relays_expose(c->relays, out);
	metrics_family(out, "laterd_sessions", "gauge", "Ad-hoc command sessions.");
	metrics_sample(out, "laterd_sessions", (double)adhoc_sweep(c->adhoc), NULL);
	metrics_family(out, "laterd_talks", "gauge", "Users whose conversation is remembered.");
	metrics_sample(out, "laterd_talks", (double)talks_sweep(chat_talks(c->chat)), NULL);
}
