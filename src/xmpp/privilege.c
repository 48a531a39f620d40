#include "xmpp/privilege.h"

#include <stdlib.h>
#include <string.h>

#include "xmpp/stanza.h"
#include "xmpp/upload_read.h"

#define DOMAINS_MAX 64

/* As a server advertises them. */
enum { MAY_SEND = 1, MAY_READ_ROSTERS = 2, MAY_WRITE_ROSTERS = 4, MAY_ASK_FOR_SLOTS = 8 };

struct grant {
	bool keeps; /* messages for who is offline */
	char *domain;
	unsigned may;
	const char *message_ns;
	enum presence_scope scope;
	unsigned refused; /* in practice: a new grant does not bring these back */
};

struct privilege {
	struct grant grants[DOMAINS_MAX];
	size_t n;
};

/* What each permission of each namespace is worth. */
static const struct permission {
	const char *ns, *access, *type;
	unsigned may;
	enum presence_scope scope;
} permissions[] = {
	{ NS_PRIVILEGE_1, "message", "outgoing", MAY_SEND, SCOPE_NONE },
	{ NS_PRIVILEGE_2, "message", "outgoing", MAY_SEND, SCOPE_NONE },
	{ NS_PRIVILEGE_1, "presence", "managed_entity", 0, SCOPE_SOME },
	{ NS_PRIVILEGE_1, "presence", "roster", 0, SCOPE_SOME },
	{ NS_PRIVILEGE_2, "presence", "managed_entity", 0, SCOPE_ALL },
	{ NS_PRIVILEGE_2, "presence", "roster", 0, SCOPE_ALL },
	{ NS_PRIVILEGE_1, "roster", "get", MAY_READ_ROSTERS, SCOPE_NONE },
	{ NS_PRIVILEGE_1, "roster", "set", MAY_WRITE_ROSTERS, SCOPE_NONE },
	{ NS_PRIVILEGE_1, "roster", "both", MAY_READ_ROSTERS | MAY_WRITE_ROSTERS, SCOPE_NONE },
	{ NS_PRIVILEGE_2, "roster", "get", MAY_READ_ROSTERS, SCOPE_NONE },
	{ NS_PRIVILEGE_2, "roster", "set", MAY_WRITE_ROSTERS, SCOPE_NONE },
	{ NS_PRIVILEGE_2, "roster", "both", MAY_READ_ROSTERS | MAY_WRITE_ROSTERS, SCOPE_NONE },
};

static const unsigned needs[PRIVILEGE_NTO] = {
	[PRIVILEGE_SEND] = MAY_SEND,
	[PRIVILEGE_ROSTER] = MAY_READ_ROSTERS | MAY_WRITE_ROSTERS,
	[PRIVILEGE_SLOT] = MAY_ASK_FOR_SLOTS,
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
		g->may |= pm->may;
		/* Where a server offers both namespaces, the later one counts. */
		if (pm->may == MAY_SEND &&
		    (g->message_ns == NULL || strcmp(pm->ns, NS_PRIVILEGE_2) == 0))
			g->message_ns = pm->ns;
		if (pm->scope > g->scope)
			g->scope = pm->scope;
	}
}

static void
grant_namespace(struct grant *g, xmpp_stanza_t *namespace)
{
	const char *type = stanza_attr(namespace, "type");

	if (strcmp(stanza_attr(namespace, "ns"), NS_UPLOAD) == 0 &&
	    (strcmp(type, "get") == 0 || strcmp(type, "both") == 0))
		g->may |= MAY_ASK_FOR_SLOTS;
}

/* The parser bounds the depth of stanzas and so of this recursion.  of_iq: within an iq perm. */
static void
grant_all(struct grant *g, const char *ns, xmpp_stanza_t *parent, bool of_iq)
{
	xmpp_stanza_t *child;

	for (child = xmpp_stanza_get_children(parent); child != NULL;
	    child = xmpp_stanza_get_next(child)) {
		bool is_iq = of_iq;

		if (!xmpp_stanza_is_tag(child))
			continue;
		if (stanza_is(child, "perm", NULL)) {
			grant_one(g, ns, child);
			is_iq = strcmp(ns, NS_PRIVILEGE_2) == 0 &&
			    strcmp(stanza_attr(child, "access"), "iq") == 0;
		} else if (of_iq && stanza_is(child, "namespace", NULL)) {
			grant_namespace(g, child);
		}
		grant_all(g, ns, child, is_iq);
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
			g->may = 0;
			g->message_ns = NULL;
			g->scope = SCOPE_NONE;
			g->keeps = false;
		}
		found = true;
		grant_all(g, namespaces[i], child, false);
	}
	return found;
}

static bool
has(const struct grant *g, enum privilege_to what)
{
	return (g->may & ~g->refused & needs[what]) == needs[what];
}

bool
privilege_has(const struct privilege *p, const char *domain, enum privilege_to what)
{
	size_t i = find(p, domain);

	return i < p->n && has(&p->grants[i], what);
}

const char *
privilege_message_ns(const struct privilege *p, const char *domain)
{
	size_t i = find(p, domain);

	return i < p->n && has(&p->grants[i], PRIVILEGE_SEND) ? p->grants[i].message_ns : NULL;
}

bool
privilege_revoke(struct privilege *p, const char *domain, enum privilege_to what)
{
	size_t i = find(p, domain);
	bool had;

	if (i == p->n)
		return false;
	had = has(&p->grants[i], what);
	p->grants[i].refused |= needs[what];
	return had;
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

void
privilege_note_keeps(struct privilege *p, const char *domain)
{
	size_t i = find(p, domain);

	if (i < p->n)
		p->grants[i].keeps = true;
}

bool
privilege_keeps(const struct privilege *p, const char *domain)
{
	size_t i = find(p, domain);

	return i < p->n && p->grants[i].keeps;
}

enum presence_scope
privilege_scope(const struct privilege *p, const char *domain)
{
	size_t i = find(p, domain);

	return i == p->n ? SCOPE_NONE : p->grants[i].scope;
}

void
privilege_print(const struct privilege *p, const char *domain, struct buf *out)
{
	static const char *const scopes[] = {
		[SCOPE_SOME] = "see who comes online",
		[SCOPE_ALL] = "see presence",
	};
	static const char *const words[PRIVILEGE_NTO] = {
		[PRIVILEGE_SEND] = "send as its users",
		[PRIVILEGE_ROSTER] = "write rosters",
		[PRIVILEGE_SLOT] = "ask for upload slots as its users",
	};
	enum presence_scope scope = privilege_scope(p, domain);
	const char *before = "";
	size_t i;

	if (scope != SCOPE_NONE) {
		buf_text(out, scopes[scope]);
		before = ", ";
	}
	for (i = 0; i < PRIVILEGE_NTO; i++) {
		if (!privilege_has(p, domain, (enum privilege_to)i))
			continue;
		buf_printf(out, "%s%s", before, words[i]);
		before = ", ";
	}
}
