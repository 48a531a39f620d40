#include "xmpp/bindings.h"

#include <stdlib.h>
#include <string.h>

const char *
bindings_declared(const char *attribute)
{
	if (strncmp(attribute, "xmlns", 5) != 0)
		return NULL;
	if (attribute[5] == ':')
		return attribute + 6;
	return attribute[5] == '\0' ? "" : NULL;
}

enum res
bindings_open(struct bindings *b, size_t depth, const char *const *attributes)
{
	const char *prefix;
	struct binding *new;

	for (; attributes[0] != NULL; attributes += 2) {
		prefix = bindings_declared(attributes[0]);
		if (prefix == NULL)
			continue;
		if (b->n == BINDINGS_MAX)
			return RES_PERMFAIL;
		new = &b->v[b->n++];
		*new = (struct binding){ depth, strdup(prefix), strdup(attributes[1]) };
		if (new->prefix == NULL || new->uri == NULL)
			return RES_NOMEM;
	}
	return RES_OK;
}

void
bindings_close(struct bindings *b, size_t depth)
{
	while (b->n > 0 && b->v[b->n - 1].depth >= depth) {
		b->n--;
		free(b->v[b->n].prefix);
		free(b->v[b->n].uri);
	}
}

const char *
bindings_find(const struct bindings *b, const char *name, const char **local)
{
	const char *colon = strchr(name, ':');
	size_t len = colon == NULL ? 0 : (size_t)(colon - name), i;
	const struct binding *found;

	*local = colon == NULL ? name : colon + 1;
	for (i = b->n; i-- > 0;) {
		found = &b->v[i];
		if (strlen(found->prefix) == len && memcmp(found->prefix, name, len) == 0)
			return colon != NULL && *found->uri == '\0' ? NULL : found->uri;
	}
	return colon == NULL ? "" : NULL;
}
