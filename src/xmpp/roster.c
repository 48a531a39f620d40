#include "xmpp/roster.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "xmpp/stanza.h"

enum step {
	STEP_READ,  /* the answer to the get is to come */
	STEP_WRITE, /* that to the set */
	STEP_AGAIN, /* the stream has ended */
	STEP_ASKED  /* the user is asked, by this turn */
};

/* Each is the `arg` of its request. */
struct subscribing {
	struct rosters *owner;
	char *user, *words;
	enum step step;
	bool begun; /* the turn that it began with is on disk, so it must come to an end */
	bool left;  /* of no interest any more */
	struct subscribing *prev, *next;
};

struct rosters {
	struct rosters_env env;
	struct subscribing *all;
	size_t n;
	char *left[ROSTERS_LEFT]; /* a ring */
	size_t oldest;
	size_t left_turn; /* of them, not on disk yet */
};

/* -- One roster -------------------------------------------------------------------------------- */

static bool
read_subscription(xmpp_stanza_t *st, struct roster_item *out)
{
	static const struct {
		const char *word;
		bool from, to;
	} subscriptions[] = {
		{ "", false, false }, /* RFC 6121 section 2.1.2.5: none */
		{ "none", false, false },
		{ "from", true, false },
		{ "to", false, true },
		{ "both", true, true },
	};
	const char *word = stanza_attr(st, "subscription");
	size_t i;

	for (i = 0; i < sizeof(subscriptions) / sizeof(subscriptions[0]); i++) {
		if (strcmp(word, subscriptions[i].word) != 0)
			continue;
		out->from = subscriptions[i].from;
		out->to = subscriptions[i].to;
		return true;
	}
	return false;
}

static bool
is_contact(xmpp_stanza_t *item, const char *contact)
{
	struct jid jid;

	return stanza_is(item, "item", NS_ROSTER) &&
	    jid_parse_text(&jid, stanza_attr(item, "jid")) == RES_OK && *jid.resource == '\0' &&
	    strcmp(jid.bare, contact) == 0;
}

enum res
roster_read(xmpp_stanza_t *iq, const char *contact, struct roster_item *out)
{
	xmpp_stanza_t *query = stanza_child(iq, "query", NS_ROSTER), *st;

	*out = (struct roster_item){ .name = "" };
	if (query == NULL)
		return RES_INVALID;
	for (st = xmpp_stanza_get_children(query); st != NULL; st = xmpp_stanza_get_next(st))
		if (is_contact(st, contact))
			break;
	if (st == NULL)
		return RES_OK;
	out->st = st;
	out->name = stanza_attr(st, "name");
	return read_subscription(st, out) ? RES_OK : RES_INVALID;
}

static bool
add_groups(xmpp_stanza_t *item, xmpp_stanza_t *from)
{
	xmpp_stanza_t *st = from == NULL ? NULL : xmpp_stanza_get_children(from);
	struct buf text = { 0 };
	bool ok = true;

	for (; st != NULL && ok; st = xmpp_stanza_get_next(st)) {
		if (!stanza_is(st, "group", NS_ROSTER))
			continue;
		buf_reset(&text);
		ok = stanza_get_text(st, &text) == RES_OK;
		/* RFC 6121 section 2.3.3 forbids empty ones. */
		if (ok && text.len > 0)
			ok = stanza_add_text(item, "group", buf_str(&text)) != NULL;
	}
	buf_free(&text);
	return ok;
}

xmpp_stanza_t *
roster_query(xmpp_ctx_t *ctx, const char *contact, const char *name, const struct roster_item *item)
{
	xmpp_stanza_t *query = stanza_new(ctx, "query", NS_ROSTER);
	xmpp_stanza_t *st = stanza_add(query, "item", NULL);

	if (item->st != NULL)
		name = item->name;
	if (st != NULL && xmpp_stanza_set_attribute(st, "jid", contact) == XMPP_EOK &&
	    xmpp_stanza_set_attribute(st, "subscription", item->to ? "both" : "from") == XMPP_EOK &&
	    (*name == '\0' || xmpp_stanza_set_attribute(st, "name", name) == XMPP_EOK) &&
	    add_groups(st, item->st))
		return query;
	if (query != NULL)
		xmpp_stanza_release(query);
	return NULL;
}

/* -- One user ---------------------------------------------------------------------------------- */

static void
subscribing_free(struct subscribing *s)
{
	DL_DELETE(s->owner->all, s);
	s->owner->n--;
	free(s->user);
	free(s->words);
	free(s);
}

static struct subscribing *
subscribing_new(struct rosters *rs, const char *user, const char *words)
{
	struct subscribing *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->owner = rs;
	s->user = strdup(user);
	s->words = strdup(words);
	DL_APPEND(rs->all, s);
	rs->n++;
	if (s->user != NULL && s->words != NULL)
		return s;
	subscribing_free(s);
	return NULL;
}

static struct subscribing *
find(const struct rosters *rs, const char *user)
{
	struct subscribing *s;

	DL_FOREACH(rs->all, s)
		if (!s->left && strcmp(s->user, user) == 0)
			return s;
	return NULL;
}

/* "" without a user: the server itself has no roster. */
static const char *
domain_of(const char *user)
{
	const char *at = strchr(user, '@');

	return at == NULL ? "" : at + 1;
}

static enum res
ask_server(struct subscribing *s, enum step step, xmpp_stanza_t *query, request_fn *fn)
{
	const struct rosters_env *env = &s->owner->env;
	const struct request rq = {
		.type = step == STEP_READ ? "get" : "set",
		.from = env->from,
		.to = s->user,
		.child = query,
		.timeout_ms = ROSTERS_WAIT_MS,
		.fn = fn,
		.arg = s,
	};

	s->step = step;
	return requests_ask(env->requests, &rq);
}

/* It stays until the question is on its way. */
static void
ask_user(struct subscribing *s)
{
	const struct rosters_env *env = &s->owner->env;

	s->step = STEP_ASKED;
	env->ask(env->arg, s->user, s->words);
}

static void
granted(struct subscribing *s)
{
	struct rosters_env env = s->owner->env;
	char *user = s->user;

	s->user = NULL;
	subscribing_free(s);
	env.granted(env.arg, user);
	free(user);
}

/* There is no roster in the answer. */
static void
fall_back(struct subscribing *s, const struct request_answer *a)
{
	const struct rosters_env *env = &s->owner->env;

	if (a->end == REQUEST_ERROR)
		env->refused(env->arg, domain_of(s->user), stanza_child(a->iq, "error", NULL));
	if (a->end == REQUEST_GONE && a->unsent && !s->begun)
		subscribing_free(s);
	else if (a->end == REQUEST_GONE && !a->unsent)
		s->step = STEP_AGAIN;
	else
		ask_user(s);
}

static void
on_written(void *arg, const struct request_answer *a)
{
	struct subscribing *s = arg;

	if (s->left)
		subscribing_free(s);
	else if (a->end == REQUEST_RESULT)
		granted(s);
	else
		fall_back(s, a);
}

static void
on_read(void *arg, const struct request_answer *a)
{
	struct subscribing *s = arg;
	const struct rosters_env *env = &s->owner->env;
	struct roster_item item;

	if (s->left) {
		subscribing_free(s);
		return;
	}
	if (a->end != REQUEST_RESULT) {
		fall_back(s, a);
		return;
	}
	s->begun = true;
	if (roster_read(a->iq, env->contact, &item) != RES_OK)
		ask_user(s);
	else if (item.from)
		granted(s);
	else if (ask_server(s, STEP_WRITE, roster_query(env->ctx, env->contact, env->name, &item),
	             on_written) != RES_OK)
		ask_user(s);
}

static bool
begin(struct subscribing *s)
{
	const struct rosters_env *env = &s->owner->env;

	return privilege_has(env->privilege, domain_of(s->user), PRIVILEGE_ROSTER) &&
	    ask_server(s, STEP_READ, stanza_new(env->ctx, "query", NS_ROSTER), on_read) == RES_OK;
}

/* -- All of them ------------------------------------------------------------------------------- */

struct rosters *
rosters_new(const struct rosters_env *env)
{
	struct rosters *rs = calloc(1, sizeof(*rs));

	if (rs != NULL)
		rs->env = *env;
	return rs;
}

static void
forget_left(struct rosters *rs)
{
	size_t i;

	for (i = 0; i < ROSTERS_LEFT; i++) {
		free(rs->left[i]);
		rs->left[i] = NULL;
	}
}

void
rosters_free(struct rosters **rsp)
{
	struct rosters *rs = *rsp;

	if (rs == NULL)
		return;
	while (rs->all != NULL)
		subscribing_free(rs->all);
	forget_left(rs);
	free(rs);
	*rsp = NULL;
}

bool
rosters_subscribe(struct rosters *rs, const char *user, const char *words)
{
	struct subscribing *s = find(rs, user);

	(void)rosters_left(rs, user);
	if (s != NULL)
		return true;
	if (rs->n >= ROSTERS_MAX)
		return false;
	s = subscribing_new(rs, user, words);
	if (s == NULL)
		return false;
	if (begin(s))
		return true;
	subscribing_free(s);
	return false;
}

void
rosters_leave(struct rosters *rs, const char *user)
{
	struct subscribing *s = find(rs, user);

	if (s != NULL) {
		s->left = true;
		/* The others belong to a request, and end with it. */
		if (s->step == STEP_AGAIN || s->step == STEP_ASKED)
			subscribing_free(s);
	}
	(void)rosters_left(rs, user);
	free(rs->left[rs->oldest]);
	rs->left[rs->oldest] = strdup(user);
	rs->oldest = (rs->oldest + 1) % ROSTERS_LEFT;
	rs->left_turn++;
}

bool
rosters_left(struct rosters *rs, const char *user)
{
	size_t i;

	for (i = 0; i < ROSTERS_LEFT; i++) {
		if (rs->left[i] == NULL || strcmp(rs->left[i], user) != 0)
			continue;
		free(rs->left[i]);
		rs->left[i] = NULL;
		return true;
	}
	return false;
}

void
rosters_resume(struct rosters *rs)
{
	struct subscribing *s, *next;

	forget_left(rs);
	DL_FOREACH_SAFE(rs->all, s, next) {
		if (s->step != STEP_AGAIN)
			continue;
		s->begun = true;
		if (!begin(s))
			ask_user(s);
	}
}

void
rosters_committed(struct rosters *rs)
{
	struct subscribing *s, *next;

	rs->left_turn = 0;
	DL_FOREACH_SAFE(rs->all, s, next)
		if (s->step == STEP_ASKED)
			subscribing_free(s);
}

void
rosters_failed(struct rosters *rs)
{
	struct subscribing *s, *next;

	/* Nothing was given back, so that nobody will answer it. */
	for (; rs->left_turn > 0; rs->left_turn--) {
		rs->oldest = (rs->oldest + ROSTERS_LEFT - 1) % ROSTERS_LEFT;
		free(rs->left[rs->oldest]);
		rs->left[rs->oldest] = NULL;
	}
	DL_FOREACH_SAFE(rs->all, s, next) {
		if (s->step != STEP_ASKED)
			continue;
		rs->env.ask(rs->env.arg, s->user, s->words);
		subscribing_free(s);
	}
}
