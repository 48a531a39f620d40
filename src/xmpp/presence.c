#include "xmpp/presence.h"

#include <stdlib.h>
#include <string.h>

/* A full table without memory leaves the new member out; exit() is not ours to call. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define ANSWER_MS (10 * SECOND_MS)
#define FRESH_MS (60 * SECOND_MS)
#define JUST_NOW_MS (15 * SECOND_MS)
#define RESOURCES_MAX 32

struct resource {
	char *name;
	bool counts;    /* priority >= 0 */
	bool confirmed; /* heard of since the probe */
	int64_t heard_at; /* monotonic */
};

struct entry {
	UT_hash_handle hh;
	char *bare;
	const char *domain; /* within bare */
	enum presence value; /* as last told */
	bool watched;
	bool answered; /* they showed themselves online after the probe */
	struct line *line; /* where it waits for `at`, or NULL */
	int64_t at;
	struct entry *prev, *next;
	struct resource *resources;
	size_t n;
};

/* Entries that wait, all equally long: they stand in order. */
struct line {
	struct entry *first, *last;
};

struct scope {
	char *domain;
	enum presence_scope scope;
	struct scope *next;
};

struct tracker {
	const struct clock *clock;
	struct timers *timers;
	const struct presence_events *events;
	void *arg;
	struct entry *entries;
	struct line asked; /* watched: silence will mean offline */
	struct line fresh; /* not watched, in SCOPE_SOME: to be forgotten */
	struct scope *scopes;
	struct timer timer;
};

static enum presence_scope
scope_of(const struct tracker *t, const char *domain)
{
	const struct scope *s;

	for (s = t->scopes; s != NULL; s = s->next)
		if (strcmp(s->domain, domain) == 0)
			return s->scope;
	return SCOPE_NONE;
}

static const char *
domain_of(const char *bare)
{
	const char *at = strchr(bare, '@');

	return at == NULL ? bare : at + 1;
}

static struct entry *
find(const struct tracker *t, const char *bare)
{
	struct entry *e;

	HASH_FIND_STR(t->entries, bare, e);
	return e;
}

/* Nobody would say that its session has ended. */
static bool
lapses(const struct tracker *t, const struct entry *e)
{
	return !e->watched && scope_of(t, e->domain) == SCOPE_SOME;
}

static enum presence
value_of(const struct tracker *t, const struct entry *e)
{
	enum presence_scope scope = scope_of(t, e->domain);
	int64_t since = INT64_MIN;
	size_t i;

	if (!e->watched && scope == SCOPE_NONE)
		return PRESENCE_UNKNOWN;
	if (lapses(t, e))
		since = clock_mono(t->clock) - FRESH_MS;
	for (i = 0; i < e->n; i++)
		if (e->resources[i].counts && e->resources[i].heard_at > since)
			return PRESENCE_ONLINE;
	if (scope == SCOPE_ALL)
		return PRESENCE_OFFLINE;
	if (e->line == &t->asked && !e->answered)
		return PRESENCE_ASKED;
	return e->watched ? PRESENCE_OFFLINE : PRESENCE_UNKNOWN;
}

/* -- Waiting: for the answer to a probe, or until what was heard is too old -------------------- */

static void lapse(void *arg);

static void
arm(struct tracker *t)
{
	int64_t asked = t->asked.first == NULL ? NEVER_MS : t->asked.first->at;
	int64_t fresh = t->fresh.first == NULL ? NEVER_MS : t->fresh.first->at;
	int64_t at = asked < fresh ? asked : fresh;

	if (at == NEVER_MS)
		timer_stop(&t->timer);
	else
		timer_set(t->timers, &t->timer, at, lapse, t);
}

static void
wait_end(struct tracker *t, struct entry *e)
{
	struct line *line = e->line;

	if (line == NULL)
		return;
	e->line = NULL;
	if (e->prev == NULL)
		line->first = e->next;
	else
		e->prev->next = e->next;
	if (e->next == NULL)
		line->last = e->prev;
	else
		e->next->prev = e->prev;
	arm(t);
}

static void
wait_begin(struct tracker *t, struct entry *e, struct line *line, int64_t wait_ms)
{
	wait_end(t, e);
	e->line = line;
	e->at = clock_mono(t->clock) + wait_ms;
	e->prev = line->last;
	e->next = NULL;
	if (line->last == NULL)
		line->first = e;
	else
		line->last->next = e;
	line->last = e;
	arm(t);
}

/* -- Entries ----------------------------------------------------------------------------------- */

static struct entry *
add(struct tracker *t, const char *bare)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->bare = strdup(bare);
	if (e->bare != NULL) {
		e->domain = domain_of(e->bare);
		e->value = tracker_value(t, bare);
		HASH_ADD_KEYPTR(hh, t->entries, e->bare, strlen(e->bare), e);
		if (e->hh.tbl != NULL)
			return e;
	}
	free(e->bare);
	free(e);
	return NULL;
}

static void
remove_resource(struct entry *e, size_t i)
{
	free(e->resources[i].name);
	e->resources[i] = e->resources[--e->n];
}

/* Most people have one or two. */
static void
add_resource(struct entry *e, const char *name)
{
	struct resource *grown;
	char *copy;

	if (e->n == RESOURCES_MAX)
		return;
	grown = reallocarray(e->resources, e->n + 1, sizeof(*grown));
	if (grown == NULL)
		return;
	e->resources = grown;
	copy = strdup(name);
	if (copy != NULL)
		e->resources[e->n++] = (struct resource){ .name = copy };
}

static void
forget(struct tracker *t, struct entry *e)
{
	wait_end(t, e);
	while (e->n > 0)
		remove_resource(e, e->n - 1);
	HASH_DEL(t->entries, e);
	free(e->resources);
	free(e->bare);
	free(e);
}

/*
 * Something of e has changed: free it if there is nothing left to know, and report.  The report
 * comes last, since it may call back.
 */
static void
settle(struct tracker *t, struct entry *e)
{
	enum presence was = e->value, is = value_of(t, e);
	char bare[JID_BARE_MAX + 1];

	e->value = is;
	memcpy(bare, e->bare, strlen(e->bare) + 1);
	if (!e->watched && (e->n == 0 || scope_of(t, e->domain) == SCOPE_NONE))
		forget(t, e);
	if (is != was && (is == PRESENCE_ONLINE || is == PRESENCE_OFFLINE))
		t->events->changed(t->arg, bare, is);
}

/*
 * Resources known from before the probe, which nobody confirmed, ended unseen; unless the server
 * shows every end.
 */
static void
silence(struct tracker *t, struct entry *e)
{
	size_t i;

	wait_end(t, e);
	if (scope_of(t, e->domain) != SCOPE_ALL)
		for (i = e->n; i-- > 0;)
			if (!e->resources[i].confirmed)
				remove_resource(e, i);
	settle(t, e);
}

/* The wait of each begins anew with every presence, so all of its resources are as old. */
static void
grow_old(struct tracker *t, struct entry *e)
{
	wait_end(t, e);
	while (lapses(t, e) && e->n > 0)
		remove_resource(e, e->n - 1);
	settle(t, e);
}

static void
lapse(void *arg)
{
	struct tracker *t = arg;
	int64_t now = clock_mono(t->clock);

	while (t->asked.first != NULL && t->asked.first->at <= now)
		silence(t, t->asked.first);
	while (t->fresh.first != NULL && t->fresh.first->at <= now)
		grow_old(t, t->fresh.first);
}

/* What has grown old since it was told is gone, and may come online again. */
static void
shed(struct tracker *t, struct entry *e)
{
	int64_t since = clock_mono(t->clock) - FRESH_MS;
	size_t i;

	if (!lapses(t, e))
		return;
	for (i = e->n; i-- > 0;)
		if (e->resources[i].heard_at <= since)
			remove_resource(e, i);
	e->value = value_of(t, e);
}

/* -- The tracker ------------------------------------------------------------------------------- */

struct tracker *
tracker_new(const struct clock *clock, struct timers *timers, const struct presence_events *events,
    void *arg)
{
	struct tracker *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->clock = clock;
	t->timers = timers;
	t->events = events;
	t->arg = arg;
	return t;
}

void
tracker_free(struct tracker **tp)
{
	if (*tp == NULL)
		return;
	tracker_reset(*tp);
	free(*tp);
	*tp = NULL;
}

void
tracker_reset(struct tracker *t)
{
	struct entry *e, *next_entry;
	struct scope *s;

	HASH_ITER(hh, t->entries, e, next_entry)
		forget(t, e);
	while ((s = t->scopes) != NULL) {
		t->scopes = s->next;
		free(s->domain);
		free(s);
	}
}

static bool
set_scope(struct tracker *t, const char *domain, enum presence_scope scope)
{
	struct scope *s;

	for (s = t->scopes; s != NULL; s = s->next)
		if (strcmp(s->domain, domain) == 0)
			break;
	if (s == NULL && scope == SCOPE_NONE)
		return false;
	if (s == NULL) {
		s = calloc(1, sizeof(*s));
		if (s == NULL)
			return false;
		s->domain = strdup(domain);
		if (s->domain == NULL) {
			free(s);
			return false;
		}
		s->next = t->scopes;
		t->scopes = s;
	}
	s->scope = scope;
	return true;
}

void
tracker_scope(struct tracker *t, const char *domain, enum presence_scope scope)
{
	struct entry *e;

	if (scope_of(t, domain) == scope || !set_scope(t, domain, scope))
		return;
	for (e = t->entries; e != NULL; e = e->hh.next)
		if (strcmp(e->domain, domain) == 0 && lapses(t, e))
			wait_begin(t, e, &t->fresh, FRESH_MS);
	/* From the start after each, because the report may have changed the table. */
	do {
		for (e = t->entries; e != NULL; e = e->hh.next)
			if (strcmp(e->domain, domain) == 0 && value_of(t, e) != e->value)
				break;
		if (e != NULL)
			settle(t, e);
	} while (e != NULL);
}

/* To a probe that is about to leave. */
static void
await_answer(struct tracker *t, struct entry *e)
{
	size_t i;

	e->answered = false;
	for (i = 0; i < e->n; i++)
		e->resources[i].confirmed = false;
	wait_begin(t, e, &t->asked, ANSWER_MS);
}

void
tracker_watch(struct tracker *t, const char *bare)
{
	struct entry *e = find(t, bare);

	if (e != NULL && e->watched)
		return;
	if (e == NULL)
		e = add(t, bare);
	if (e == NULL)
		return;
	shed(t, e);
	e->watched = true;
	await_answer(t, e);
	settle(t, e);
	t->events->probe(t->arg, bare);
}

void
tracker_doubt(struct tracker *t, const char *bare)
{
	struct entry *e = find(t, bare);

	if (e != NULL && e->watched && scope_of(t, e->domain) != SCOPE_ALL && e->line == NULL &&
	    value_of(t, e) == PRESENCE_ONLINE) {
		await_answer(t, e);
		t->events->probe(t->arg, bare);
	}
}

void
tracker_unwatch(struct tracker *t, const char *bare)
{
	struct entry *e = find(t, bare);

	if (e == NULL || !e->watched)
		return;
	e->watched = false;
	wait_end(t, e);
	if (lapses(t, e))
		wait_begin(t, e, &t->fresh, FRESH_MS);
	settle(t, e);
}

static size_t
find_resource(const struct entry *e, const char *name)
{
	size_t i;

	for (i = 0; i < e->n; i++)
		if (strcmp(e->resources[i].name, name) == 0)
			break;
	return i;
}

void
tracker_available(struct tracker *t, const struct jid *from, int priority)
{
	struct entry *e = find(t, from->bare);
	size_t i;

	if (e == NULL && scope_of(t, from->domain) != SCOPE_NONE)
		e = add(t, from->bare);
	if (e == NULL)
		return;
	shed(t, e);
	i = find_resource(e, from->resource);
	if (i == e->n)
		add_resource(e, from->resource);
	if (i < e->n) {
		e->resources[i].counts = priority >= 0;
		e->resources[i].confirmed = true;
		e->resources[i].heard_at = clock_mono(t->clock);
		/* A negative one is no answer: the one that counts may come right after it. */
		if (priority >= 0)
			e->answered = true;
	}
	if (lapses(t, e))
		wait_begin(t, e, &t->fresh, FRESH_MS);
	settle(t, e);
}

void
tracker_unavailable(struct tracker *t, const struct jid *from)
{
	struct entry *e = find(t, from->bare);
	size_t i;

	if (e == NULL)
		return;
	if (*from->resource != '\0') {
		i = find_resource(e, from->resource);
		if (i < e->n)
			remove_resource(e, i);
	} else if (e->watched) {
		wait_end(t, e);
		while (e->n > 0)
			remove_resource(e, e->n - 1);
	}
	settle(t, e);
}

enum presence
tracker_value(const struct tracker *t, const char *bare)
{
	const struct entry *e = find(t, bare);

	if (e != NULL)
		return value_of(t, e);
	return scope_of(t, domain_of(bare)) == SCOPE_ALL ? PRESENCE_OFFLINE : PRESENCE_UNKNOWN;
}

bool
tracker_is_sure(const struct tracker *t, const char *bare)
{
	const struct entry *e = find(t, bare);
	int64_t since = clock_mono(t->clock) - JUST_NOW_MS;
	size_t i;

	if (e == NULL || scope_of(t, e->domain) == SCOPE_ALL)
		return true;
	if (!lapses(t, e))
		return e->line != &t->asked || e->answered;
	for (i = 0; i < e->n; i++)
		if (e->resources[i].counts && e->resources[i].heard_at > since)
			return true;
	return false;
}

void
tracker_count(const struct tracker *t, size_t *online, size_t *offline)
{
	const struct entry *e;

	*online = *offline = 0;
	for (e = t->entries; e != NULL; e = e->hh.next) {
		*online += e->value == PRESENCE_ONLINE;
		*offline += e->value == PRESENCE_OFFLINE;
	}
}
