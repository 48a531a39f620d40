#include "xmpp/privilege.h"

#include <stdlib.h>
#include <string.h>

#include "xmpp/stanza.h"

#define DOMAINS_MAX 64

struct grant {
	char *domain;
	const char *message_ns;
	enum presence_scope scope;
	bool refused; /* in practice: a new grant does not bring message back */
};

struct privilege {
	struct grant grants[DOMAINS_MAX];
	size_t n;
};

/* What each permission of each namespace is worth. */
static const struct permission {
	const char *ns, *access, *type;
	bool message;
	enum presence_scope scope;
} permissions[] = {
	{ NS_PRIVILEGE_1, "message", "outgoing", true, SCOPE_NONE },
	{ NS_PRIVILEGE_2, "message", "outgoing", true, SCOPE_NONE },
	{ NS_PRIVILEGE_1, "presence", "managed_entity", false, SCOPE_SOME },
	{ NS_PRIVILEGE_1, "presence", "roster", false, SCOPE_SOME },
	{ NS_PRIVILEGE_2, "presence", "managed_entity", false, SCOPE_ALL },
	{ NS_PRIVILEGE_2, "presence", "roster", false, SCOPE_ALL },
};

struct privilege *
privilege_new(void)
{
	return calloc(1, sizeof(struct privilege));
}

void
privilege_free(struct privilege **pp)
{
	if (*pp == NULL)
		return;
	privilege_reset(*pp);
	free(*pp);
	*pp = NULL;
}

void
privilege_reset(struct privilege *p)
{
	while (p->n > 0)
		free(p->grants[--p->n].domain);
}

static size_t
find(const struct privilege *p, const char *domain)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (strcmp(p->grants[i].domain, domain) == 0)
			break;
	return i;
}

static struct grant *
find_or_add(struct privilege *p, const char *domain)
{
	size_t i = find(p, domain);

	if (i < p->n)
		return &p->grants[i];
	if (p->n == DOMAINS_MAX)
		return NULL;
	p->grants[i] = (struct grant){ .domain = strdup(domain) };
	if (p->grants[i].domain == NULL)
		return NULL;
	p->n++;
	return &p->grants[i];
}

static void
grant_one(struct grant *g, const char *ns, xmpp_stanza_t *perm)
{
	const struct permission *pm = permissions;
	size_t i;

	for (i = 0; i < sizeof(permissions) / sizeof(permissions[0]); i++, pm++) {
		if (strcmp(pm->ns, ns) != 0 ||
		    strcmp(pm->access, stanza_attr(perm, "access")) != 0 ||
		    strcmp(pm->type, stanza_attr(perm, "type")) != 0)
			continue;
		/* Where a server offers both namespaces, the later one counts. */
		if (pm->message && (g->message_ns == NULL || strcmp(pm->ns, NS_PRIVILEGE_2) == 0))
			g->message_ns = pm->ns;
		if (pm->scope > g->scope)
			g->scope = pm->scope;
	}
}

/* The parser bounds the depth of stanzas and so of this recursion. */
static void
grant_all(struct grant *g, const char *ns, xmpp_stanza_t *parent)
{
	xmpp_stanza_t *child;

	for (child = xmpp_stanza_get_children(parent); child != NULL;
	    child = xmpp_stanza_get_next(child)) {
		if (!xmpp_stanza_is_tag(child))
			continue;
		if (stanza_is(child, "perm", NULL))
			grant_one(g, ns, child);
		grant_all(g, ns, child);
	}
}

bool
privilege_learn(struct privilege *p, const char *from, xmpp_stanza_t *message)
{
	static const char *const namespaces[] = { NS_PRIVILEGE_1, NS_PRIVILEGE_2 };
	xmpp_stanza_t *child;
	struct grant *g;
	bool found = false;
	size_t i;

	for (i = 0; i < 2; i++) {
		child = stanza_child(message, "privilege", namespaces[i]);
		if (child == NULL)
			continue;
		g = find_or_add(p, from);
		if (g == NULL)
			return true;
		if (!found) {
			g->message_ns = NULL;
			g->scope = SCOPE_NONE;
		}
		found = true;
		grant_all(g, namespaces[i], child);
	}
	return found;
}

const char *
privilege_message_ns(const struct privilege *p, const char *domain)
{
	size_t i = find(p, domain);

	return i == p->n || p->grants[i].refused ? NULL : p->grants[i].message_ns;
}

void
privilege_revoke_message(struct privilege *p, const char *domain)
{
	size_t i = find(p, domain);

	if (i < p->n)
		p->grants[i].refused = true;
}

void
privilege_forget(struct privilege *p, const char *domain)
{
	size_t i = find(p, domain);

	if (i == p->n)
		return;
	free(p->grants[i].domain);
	p->grants[i] = p->grants[--p->n];
}

enum presence_scope
privilege_scope(const struct privilege *p, const char *domain)
{
	size_t i = find(p, domain);

	return i == p->n ? SCOPE_NONE : p->grants[i].scope;
}
