#include "xmpp/stream_error.h"

#include <event2/util.h>
#include <string.h>

#include "base/clock.h"
#include "xmpp/stanza.h"

#define NS_STREAM_ERRORS "urn:ietf:params:xml:ns:xmpp-streams"

/* before ADDRESS after */
static const struct meaning {
	const char *condition, *before, *after;
	int64_t wait_ms;
} meanings[] = {
	{ "not-authorized", "the server refused the secret of ",
	    ": component.secret_file must hold the same secret as the component's entry in the "
	    "server's configuration", 0 },
	{ "conflict", "another component is connected as ",
	    ": stop the other laterd, or wait until the server has noticed that an old connection "
	    "is dead", 30 * SECOND_MS },
	{ "host-unknown", "the server does not know ",
	    ": declare it as a component there (Prosody: Component \"ADDRESS\", ejabberd: "
	    "ejabberd_service hosts)", 0 },
	{ "host-gone", "the server no longer serves ",
	    ": declare it as a component there again", 0 },
	{ "policy-violation", "the server closed the stream of ",
	    " for a violation of its policy: see the server's log", 0 },
	{ "not-well-formed", "the server could not read what came from ",
	    ", perhaps a stanza above its limit (Prosody: component_stanza_size_limit)", 0 },
	{ "invalid-xml", "the server could not read what came from ", ": see the server's log", 0 },
	{ "invalid-from", "the server did not accept an address that was sent from ",
	    ": see the server's log", 0 },
	{ "invalid-namespace", "the server does not expect the component ",
	    " on this port: component.server must name its port for components (often 5347)", 0 },
	{ "system-shutdown", "the server that ", " is connected to shuts down", 0 },
	{ "reset", "the server resets the stream of ", "", 0 },
	{ "connection-timeout", "the server heard nothing from ", " for too long", 0 },
	{ "resource-constraint", "the server is out of resources for ", "", 0 },
	{ "internal-server-error", "the server had an internal error serving ", "", 0 },
	{ NULL, "the server closed the stream of ", " with an error: see the server's log", 0 },
};

int64_t
stream_error_words(struct buf *out, xmpp_stanza_t *error, const char *address)
{
	const struct meaning *m = meanings;

	while (m->condition != NULL && stanza_child(error, m->condition, NS_STREAM_ERRORS) == NULL)
		m++;
	buf_printf(out, "%s%s%s", m->before, address, m->after);
	return m->wait_ms;
}

const char *
stream_error_of(struct bufferevent *bev, int error)
{
	int dns = bufferevent_socket_get_dns_error(bev);

	if (dns != 0)
		return evutil_gai_strerror(dns);
	return error != 0 ? evutil_socket_error_to_string(error) : "no reason given";
}
