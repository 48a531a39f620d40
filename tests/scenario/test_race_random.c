/*
 * Random second thoughts, at random times, between crashes and broken streams.  The scripts are the same at each run;
 * LATERD_SEEDS=N runs others after them.  What has to hold: what leaves has the text that was confirmed last, nothing leaves
 * that was cancelled or is paused, everything leaves once (an IM again only when it was in flight at an accident), and in the
 * end every message has an end.
 */
#include "world.h"

#define SEEDS 6
#define STEPS 120
#define NUMBERS "+4917000"

/* One packet. */
struct message {
	const char *id;
	size_t root;      /* the first of its series; itself when it has none */
	const char *text; /* that it has to leave with */
	const char *next; /* that those after it have, in its series' first */
	bool paid, recurs, stopped, paused;
	size_t left, connection; /* how often, and on which stream for the last time */
	bool taken;       /* and laterd knows it */
};

struct script {
	struct world *w;
	uint64_t random, seed;
	struct message *v;
	size_t n, cap;
	size_t heard, requests; /* looked at */
	unsigned texts;
};

static uint64_t
pick(struct script *sc, uint64_t n)
{
	sc->random ^= sc->random << 13;
	sc->random ^= sc->random >> 7;
	sc->random ^= sc->random << 17;
	return (sc->random >> 16) % n;
}

static void __attribute__((format(printf, 2, 3), noreturn))
wrong(struct script *sc, const char *format, ...)
{
	char text[500];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fail_msg("seed %llu at %s: %s", (unsigned long long)sc->seed, world_clock_text(sc->w, sc->w->wall), text);
	abort();
}

static const char *
some_text(struct script *sc)
{
	return arena_printf(&sc->w->arena, "text %u", ++sc->texts);
}

static struct message *
message_of(struct script *sc, const char *id)
{
	for (size_t i = 0; i < sc->n; i++)
		if (strcmp(sc->v[i].id, id) == 0)
			return &sc->v[i];
	return NULL;
}

static struct message *
add(struct script *sc, const char *id, bool paid, const char *text)
{
	sc->v = arena_grow(&sc->w->arena, sc->v, sc->n, &sc->cap, sizeof(*sc->v));
	assert_non_null(sc->v);
	sc->v[sc->n] = (struct message){ .id = id, .root = sc->n, .text = text, .next = text, .paid = paid };
	return &sc->v[sc->n++];
}

/* -- What is seen --------------------------------------------------------------------------------------------------------------- */

/* Occurrences that have come to be since the last look. */
static void
meet(struct script *sc)
{
	struct world *w = sc->w;

	while (world_sql(w, "SELECT count(*) FROM packet WHERE sender = '" JULIET "'") > (int64_t)sc->n) {
		const char *id = world_sql_text(w, "SELECT id FROM packet WHERE sender = '" JULIET "' ORDER BY n LIMIT 1 OFFSET %zu",
		    sc->n);
		const char *series = world_sql_text(w, "SELECT coalesce(series, '') FROM packet WHERE id = '%s'", id);
		const char *head = world_sql_text(w, "SELECT id FROM packet WHERE series = '%s' ORDER BY n LIMIT 1", series);
		struct message *first = message_of(sc, head);

		if (first == NULL)
			wrong(sc, "%s comes from nowhere", id);
		size_t root = first->root;
		struct message *m = add(sc, id, first->paid, first->next);
		m->root = root;
		m->recurs = true;
		/* What follows a paused one that was cancelled is paused as well. */
		m->paused = world_sql(w, "SELECT paused FROM series WHERE packet = '%s'", id) != 0;
	}
}

static void
leaves(struct script *sc, struct message *m, const char *text, size_t connection)
{
	if (m->stopped)
		wrong(sc, "%s leaves after it was cancelled", m->id);
	if (m->paused)
		wrong(sc, "%s leaves while it is paused", m->id);
	if (strcmp(m->text, text) != 0)
		wrong(sc, "%s leaves as “%s”, and not as “%s”", m->id, text, m->text);
	if (m->taken || (m->left > 0 && (m->paid || connection == m->connection)))
		wrong(sc, "%s leaves again", m->id);
	m->left++;
	m->connection = connection;
}

static void
look(struct script *sc)
{
	struct world *w = sc->w;

	meet(sc);
	for (; sc->heard < w->nheard; sc->heard++) {
		const struct heard *h = &w->heard[sc->heard];
		struct message *m;

		if (strcmp(h->to, ROMEO) != 0)
			continue;
		if ((m = message_of(sc, h->id)) == NULL)
			wrong(sc, "%s leaves, and is unknown", h->id);
		leaves(sc, m, h->body, h->connection);
	}
	for (; sc->requests < w->phones.n; sc->requests++) {
		const struct requested *r = &w->phones.v[sc->requests];
		const char *number = phone_header(r, "X-Kannel-To");
		size_t i = (size_t)strtoul(number + strlen(NUMBERS), NULL, 10);

		assert_true(i < sc->n);
		if (r->says.end != PHONE_REFUSES)
			leaves(sc, &sc->v[i], r->body.p, 0);
	}
	for (size_t i = 0; i < sc->n; i++)
		if (sc->v[i].left > 0 && !sc->v[i].taken)
			sc->v[i].taken = strcmp(world_state(w, sc->v[i].id), "sent") == 0;
}

static void
advance(struct script *sc, int64_t ms)
{
	world_advance(sc->w, ms);
	look(sc);
}

/* -- What happens --------------------------------------------------------------------------------------------------------------- */

static const char *
some_time(struct script *sc)
{
	return arena_printf(&sc->w->arena, "in %d seconds", 1 + (int)pick(sc, pick(sc, 3) == 0 ? 3600 : 180));
}

static void
schedule(struct script *sc)
{
	struct world *w = sc->w;
	bool paid = pick(sc, 3) == 0, recurs = !paid && pick(sc, 2) == 0;
	const char *text = some_text(sc), *when = some_time(sc), *id;
	struct message *m;

	if (paid)
		id = world_schedule_sms(w, .to = arena_printf(&w->arena, NUMBERS "%06zu", sc->n), .when = when, .body = text);
	else
		id = world_schedule(w, .when = when, .body = text, .offline = "server",
		    .rrule = recurs ? "FREQ=MINUTELY;INTERVAL=15;COUNT=6" : NULL);
	m = add(sc, id, paid, text);
	m->recurs = recurs;
}

/* Mostly one that waits. */
static struct message *
some_message(struct script *sc)
{
	struct message *m = NULL;

	for (int i = 0; i < 4; i++) {
		m = &sc->v[pick(sc, sc->n)];
		if (strcmp(world_state(sc->w, m->id), "sent") != 0 && !m->stopped)
			break;
	}
	return m;
}

static void
edit(struct script *sc, struct message *m)
{
	const char *text = some_text(sc), *scope = pick(sc, 2) == 0 ? "this" : "following";
	const char *when = pick(sc, 2) == 0 ? some_time(sc) : NULL;
	struct ask ask = { .node = "edit", .fields = { "id", m->id, "body", text } };
	size_t n = 4;
	struct answer a;

	if (m->recurs) {
		ask.fields[n++] = "scope";
		ask.fields[n++] = scope;
	}
	if (when != NULL) {
		ask.fields[n++] = "when";
		ask.fields[n++] = when;
	}
	a = world_ask(sc->w, ask);
	if (strcmp(a.status, "completed") != 0 || strcmp(a.note_type, "info") != 0)
		return;
	if (m->stopped || m->taken)
		wrong(sc, "%s is edited after its end", m->id);
	m->text = text;
	if (m->recurs && strcmp(scope, "following") == 0)
		sc->v[m->root].next = text;
}

static void
cancel(struct script *sc, struct message *m)
{
	const char *scope = pick(sc, 3) == 0 ? "this" : "following";
	struct answer a = world_command(sc->w, .node = "cancel", .fields = { "ids", m->id, "scope", m->recurs ? scope : "following" });
	const char *state = world_state(sc->w, m->id);

	if (strcmp(state, "cancelled") == 0)
		m->stopped = true;
	else if (strstr(a.note, ": cancelled") != NULL)
		wrong(sc, "%s is %s, and cancelled: %s", m->id, state, a.note);
	/* Those that were to follow an earlier one. */
	for (size_t i = 0; i < sc->n; i++)
		if (sc->v[i].root == m->root && strcmp(world_state(sc->w, sc->v[i].id), "cancelled") == 0)
			sc->v[i].stopped = true;
}

/* The id of one that was sent means the one that is to come, which the answer names. */
static void
pause_it(struct script *sc, struct message *m)
{
	struct answer a = world_order(sc->w, "pause", m->id);
	struct message *named = message_of(sc, world_field(sc->w, &a, "id"));

	if (strcmp(a.status, "completed") != 0 || strcmp(a.note_type, "info") != 0 || named == NULL)
		return;
	if (!named->recurs || named->root != m->root)
		wrong(sc, "%s is asked to pause, and %s is", m->id, named->id);
	named->paused = true;
}

static void
resume(struct script *sc, struct message *m)
{
	struct answer a = world_order(sc->w, "resume", m->id);

	if (strcmp(a.status, "completed") != 0 || strcmp(a.note_type, "info") != 0)
		return;
	if (!m->recurs)
		wrong(sc, "%s does not recur, and is resumed", m->id);
	for (size_t i = 0; i < sc->n; i++)
		if (sc->v[i].root == m->root) {
			sc->v[i].paused = false;
			sc->v[i].stopped = strcmp(world_state(sc->w, sc->v[i].id), "cancelled") == 0;
		}
}

static void
now(struct script *sc, struct message *m)
{
	struct answer a = world_order(sc->w, "now", m->id);

	if (strcmp(a.status, "completed") == 0 && strcmp(a.note_type, "info") == 0) {
		if (m->stopped || m->taken)
			wrong(sc, "%s is sent now after its end", m->id);
		m->paused = false;
	}
}

static void
accident(struct script *sc)
{
	sc->w->pong = true;
	if (pick(sc, 2) == 0)
		world_restart(sc->w);
	else
		world_cut(sc->w);
}

static void
end_one(struct script *sc)
{
	struct phones *p = &sc->w->phones;

	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].waits) {
			world_phone_end(sc->w, i, .end = PHONE_ANSWERS);
			return;
		}
}

static void
rule(struct script *sc)
{
	static const enum phone_end ends[] = { PHONE_ANSWERS, PHONE_WAITS, PHONE_REFUSES, PHONE_BREAKS };
	struct phones *p = &sc->w->phones;

	p->rules[0].says = (struct phone_says){ .end = ends[pick(sc, 4)], .times = 1 + (size_t)pick(sc, 3) };
	p->rules[0].used_up = false;
}

/* A stream that broke is back in a while. */
static void
reconnect(struct script *sc)
{
	const struct world *w = sc->w;

	for (int i = 0; i < 100 && (w->peer == NULL || bufferevent_pair_get_partner(w->peer) == NULL); i++)
		advance(sc, 2 * SECOND_MS);
}

static void
step(struct script *sc)
{
	struct message *m;

	reconnect(sc);
	m = sc->n > 0 ? some_message(sc) : NULL;
	switch (m == NULL ? 0 : pick(sc, 16)) {
	case 0: case 1: case 2:
		schedule(sc);
		break;
	case 3: case 4: case 5:
		edit(sc, m);
		break;
	case 6:
		cancel(sc, m);
		break;
	case 7: case 8:
		now(sc, m);
		break;
	case 9: case 10:
		pause_it(sc, m);
		break;
	case 11:
		resume(sc, m);
		break;
	case 12:
		accident(sc);
		break;
	case 13:
		if (sc->w->pong)
			sc->w->pong = false;
		else
			world_pong(sc->w);
		break;
	case 14:
		rule(sc);
		break;
	default:
		end_one(sc);
	}
	look(sc);
	advance(sc, (int64_t)pick(sc, pick(sc, 6) == 0 ? 20 * MINUTE_MS : MINUTE_MS));
}

/* -- The end of it -------------------------------------------------------------------------------------------------------------- */

static void
mend(struct script *sc)
{
	struct phones *p = &sc->w->phones;

	reconnect(sc);
	world_pong(sc->w);
	p->rules[0].used_up = true;
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].waits)
			world_phone_end(sc->w, i, .end = PHONE_ANSWERS);
	look(sc);
	/* One after another: the next of a recurrence has an id of its own. */
	for (size_t i = 0; i < sc->n; i++)
		if (sc->v[i].recurs && strcmp(world_state(sc->w, sc->v[i].id), "scheduled") == 0) {
			resume(sc, &sc->v[i]);
			meet(sc);
		}
	advance(sc, 12 * HOUR_MS);
}

static void
check(struct script *sc)
{
	for (size_t i = 0; i < sc->n; i++) {
		const struct message *m = &sc->v[i];
		const char *state = world_state(sc->w, m->id);

		if (strcmp(state, "sent") == 0 ? m->left == 0 : m->taken)
			wrong(sc, "%s is %s, and left %zu times", m->id, state, m->left);
		if (strcmp(state, "sent") != 0 && strcmp(state, "cancelled") != 0 && strcmp(state, "expired") != 0 &&
		    strcmp(state, "uncertain") != 0)
			wrong(sc, "%s is still %s", m->id, state);
	}
	if (world_sql(sc->w, "SELECT count(*) FROM series") != 0)
		wrong(sc, "a recurrence has no end");
}

static void
play(uint64_t seed)
{
	struct world *w;
	struct script sc = { .seed = seed, .random = seed * 0x9e3779b97f4a7c15 + 1 };

	world_setup((void **)&w);
	sc.w = w;
	w->config.schedule.pending_max = 100000;
	world_gateway(w, .info.name = "office", .inflight = 2);
	world_phone(w, "", .times = 1);
	world_start(w);
	for (int i = 0; i < STEPS; i++)
		step(&sc);
	mend(&sc);
	check(&sc);
	world_teardown((void **)&w);
}

static void
test_everything_leaves_once_as_it_was_written_last(void **state)
{
	const char *more = getenv("LATERD_SEEDS"), *one = getenv("LATERD_SEED");
	uint64_t n = SEEDS + (more != NULL ? strtoull(more, NULL, 10) : 0);

	(void)state;
	for (uint64_t seed = one != NULL ? strtoull(one, NULL, 10) : 1; seed <= n; seed++)
		play(seed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_leaves_once_as_it_was_written_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
