/* The other end of the stream: an XMPP server with a component port, as far as laterd can tell. */
#ifndef LATERD_TESTS_SCENARIO_SERVER_H
#define LATERD_TESTS_SCENARIO_SERVER_H

#include "world.h"

/* A stream_dial_fn: arg is the world. */
struct bufferevent *server_dial(void *arg);
/* Let go of the stream without a word. */
void server_forget(struct world *w);
void server_say(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* XML to stand in an attribute or in an element; lives as long as the world. */
const char *server_escape(struct world *w, const char *text);

#endif
