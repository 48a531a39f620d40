#include "xmpp/stream_error.h"

#include <event2/util.h>
#include <string.h>

#include "xmpp/stanza.h"

#define NS_STREAM_ERRORS "urn:ietf:params:xml:ns:xmpp-streams"

/* before ADDRESS after */
static const struct meaning {
	const char *condition, *before, *after;
} meanings[] = {
	{ "not-authorized", "the server refused the secret of ",
	    ": component.secret_file must hold the same secret as the component's entry in the "
	    "server's configuration" },
	{ "conflict", "the server has another connection as ",
	    " (conflict): a former one of ours ends when the server notices that it is dead; if "
	    "another laterd is connected, stop it, or give it a component address of its own" },
	{ "host-unknown", "the server does not know ",
	    ": declare it as a component there (Prosody: Component \"ADDRESS\", ejabberd: "
	    "ejabberd_service hosts)" },
	{ "host-gone", "the server no longer serves ",
	    ": declare it as a component there again" },
	{ "policy-violation", "the server closed the stream of ",
	    " for a violation of its policy: see the server's log" },
	{ "not-well-formed", "the server could not read what came from ",
	    ", perhaps a stanza above its limit (Prosody: component_stanza_size_limit)" },
	{ "invalid-xml", "the server could not read what came from ", ": see the server's log" },
	{ "invalid-from", "the server did not accept an address that was sent from ",
	    ": see the server's log" },
	{ "invalid-namespace", "the server does not expect the component ",
	    " on this port: component.server must name its port for components (often 5347)" },
	{ "system-shutdown", "the server that ", " is connected to shuts down" },
	{ "reset", "the server resets the stream of ", "" },
	{ "connection-timeout", "the server heard nothing from ", " for too long" },
	{ "resource-constraint", "the server is out of resources for ", "" },
	{ "internal-server-error", "the server had an internal error serving ", "" },
	{ NULL, "the server closed the stream of ", " with an error: see the server's log" },
};

void
stream_error_words(struct buf *out, xmpp_stanza_t *error, const char *address)
{
	const struct meaning *m = meanings;

	while (m->condition != NULL && stanza_child(error, m->condition, NS_STREAM_ERRORS) == NULL)
		m++;
	buf_printf(out, "%s%s%s", m->before, address, m->after);
}

const char *
stream_error_of(struct bufferevent *bev, int error)
{
	int dns = bufferevent_socket_get_dns_error(bev);

	if (dns != 0)
		return evutil_gai_strerror(dns);
	return error != 0 ? evutil_socket_error_to_string(error) : "no reason given";
}
