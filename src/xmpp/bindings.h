/*
 * XML namespaces in scope (Namespaces in XML 1.0).  They are resolved here and not by expat: it
 * copies the URI for every prefixed attribute, which makes gigabytes out of one stanza, and it
 * would end the whole stream for a prefix that one stanza forgot to declare.
 */
#ifndef LATERD_XMPP_BINDINGS_H
#define LATERD_XMPP_BINDINGS_H

#include <stddef.h>

#include "base/res.h"

#define BINDINGS_MAX 64

struct binding {
	size_t depth; /* of the element that declares it */
	char *prefix; /* "" is the default namespace */
	char *uri;
};

/* Zeroed is empty. */
struct bindings {
	struct binding v[BINDINGS_MAX];
	size_t n;
};

/* The prefix that an attribute of this name declares: "" for xmlns, NULL when it declares none. */
const char *bindings_declared(const char *attribute);
/*
 * Adds what the attributes (name, value, name, ..., NULL) of the element at `depth` declare.
 * RES_PERMFAIL: more than BINDINGS_MAX in scope; RES_NOMEM.  What was added stays until
 * bindings_close.
 */
enum res bindings_open(struct bindings *b, size_t depth, const char *const *attributes);
/* Removes what elements at `depth` and below it declared. */
void bindings_close(struct bindings *b, size_t depth);
/*
 * The namespace of a qualified element name, "" for none, and its local part in *local; NULL for a
 * prefix not in scope.
 */
const char *bindings_find(const struct bindings *b, const char *name, const char **local);

#endif
