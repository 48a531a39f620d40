/* The other end of the stream: an XMPP server with a component port, as far as laterd can tell. */
#ifndef LATERD_TESTS_SCENARIO_SERVER_H
#define LATERD_TESTS_SCENARIO_SERVER_H

#include "world.h"

/* A stream_dial_fn: arg is the world. */
struct bufferevent *server_dial(void *arg);
/* Let go of the stream without a word. */
void server_forget(struct world *w);
void server_say(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The next instant (monotonic) at which the server says what it has promised, NEVER_MS for none; and it says what is due. */
int64_t server_next(const struct world *w);
void server_step(struct world *w);
/* An iq of laterd, to anybody. */
void server_iq(struct world *w, xmpp_stanza_t *st);
/* Somebody of w->people, or NULL; by their bare JID. */
struct person *server_person(struct world *w, const char *jid);
const char *server_domain_of(const char *jid);
/* It is an address of laterd's own domain. */
bool server_is_for_us(const char *to);
/* A copy of the attribute, "" for none. */
const char *server_attr(struct world *w, xmpp_stanza_t *st, const char *name);
/* XML to stand in an attribute or in an element; lives as long as the world. */
const char *server_escape(struct world *w, const char *text);

#endif
