/*
 * The HTTP client of libcurl's multi interface on libevent.
 *
 * TLS is verified, HTTP/2 is used where it is offered, a connection carries one request at a time,
 * no redirect is followed, and no proxy of the environment is used.  `Expect:` is always empty.  No
 * request leaves twice: libcurl would send it again when a connection that it had kept turns out to
 * be dead, and that counts as HTTP_BROKEN.
 * A `stranger` request is refused (HTTP_NOT_SENT) at any address that is not public, as found by
 * the resolver for this very connection, unless `private_media` is set.
 */
#ifndef LATERD_GATEWAY_CURL_H
#define LATERD_GATEWAY_CURL_H

#include <event2/event.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "gateway/http.h"

/* base is borrowed.  NULL without memory. */
struct http_client *curl_client_new(struct event_base *base);
void curl_client_free(struct http_client **c);
void curl_client_private_media(struct http_client *c, bool allowed);
/*
 * An address of the public internet: not loopback, private, link local, shared, documentation,
 * benchmark, multicast, reserved or unspecified (the registries of RFC 6890), nor an IPv6 form of
 * such an IPv4 address (mapped, 6to4, NAT64, Teredo).
 */
bool address_is_public(const struct sockaddr *address);

#endif
