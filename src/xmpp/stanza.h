/* Small verbs on libstrophe's stanzas, so that no other file repeats them. */
#ifndef LATERD_XMPP_STANZA_H
#define LATERD_XMPP_STANZA_H

#include <stdbool.h>
#include <strophe.h>

#include "base/buf.h"

#define NS_STANZA_ERRORS "urn:ietf:params:xml:ns:xmpp-stanzas"

/*
 * Every function that builds bears NULL parents and returns NULL without memory; a child that could
 * not be added shows as a missing element, never as a crash.
 */

/* <name xmlns='ns'/>; ns may be NULL.  The caller releases it. */
xmpp_stanza_t *stanza_new(xmpp_ctx_t *ctx, const char *name, const char *ns);
/* The same as a child of parent, which owns it; borrowed. */
xmpp_stanza_t *stanza_add(xmpp_stanza_t *parent, const char *name, const char *ns);
/* A child element that holds only text. */
xmpp_stanza_t *stanza_add_text(xmpp_stanza_t *parent, const char *name, const char *text);
/* XML text goes in as it is escaped by libstrophe. */
void stanza_text(xmpp_stanza_t *st, const char *text);

/* Element test by local name and namespace (ns NULL: any). */
bool stanza_is(xmpp_stanza_t *st, const char *name, const char *ns);
/* The first child of that name and namespace, or NULL. */
xmpp_stanza_t *stanza_child(xmpp_stanza_t *st, const char *name, const char *ns);
/* The one child element; NULL when there is none or more than one. */
xmpp_stanza_t *stanza_only_child(xmpp_stanza_t *st);
/* The attribute, or "" when absent. */
const char *stanza_attr(xmpp_stanza_t *st, const char *name);
/* All text directly inside, appended to out. */
enum res stanza_get_text(xmpp_stanza_t *st, struct buf *out);

/*
 * An empty answer of type `type` to an iq or message: from and to swapped, the same id.  The caller
 * releases it.
 */
xmpp_stanza_t *stanza_reply(xmpp_ctx_t *ctx, xmpp_stanza_t *to, const char *type);
/*
 * The error answer (RFC 6120 section 8.3): condition, type, an optional text, and an optional
 * application condition <app xmlns=app_ns/>.  The caller releases it.
 */
xmpp_stanza_t *stanza_error(xmpp_ctx_t *ctx, xmpp_stanza_t *to, const char *error_type,
    const char *condition, const char *text, const char *app, const char *app_ns);
/*
 * The condition of an <error/> that came, "undefined-condition" when it has none; borrowed from it.
 * NULL is borne.
 */
const char *stanza_condition(xmpp_stanza_t *error);

#endif
