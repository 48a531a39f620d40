/*
 * SMS under random scripts: gateways that answer as they like, crashes, reloads, clocks that are set, a full disk.  The scripts
 * are the same at each run; LATERD_SEEDS=N runs others after them.  What has to hold: what may have been taken is never sent
 * again except where that cannot make two of it, and in the end every message has an end.
 */
#include "core/packet.h"
#include "phones.h"
#include "world.h"

#define SEEDS 8
#define STEPS 150
#define TURNS_MAX 4000 /* of one step, before it is taken to run in circles */

enum { PLAIN, SURE, EAGER, LAST, GATEWAYS };

static const char *const names[GATEWAYS] = { "plain", "sure", "eager", "last" };
static const bool repeating[GATEWAYS] = { [SURE] = true, [EAGER] = true };

/* One message, by its number. */
struct message {
	char number[20];
	const char *id;
	size_t doubts[GATEWAYS]; /* attempts there that may have been taken */
	bool taken;              /* one was, and laterd heard it */
	bool failed;             /* a report said so */
};

struct script {
	struct world *w;
	uint64_t random;
	struct message *v;
	size_t n, cap;
	size_t seen; /* of w->phones.v */
	bool disk_full;
	uint64_t seed;
};

static uint64_t
pick(struct script *sc, uint64_t n)
{
	sc->random ^= sc->random << 13;
	sc->random ^= sc->random >> 7;
	sc->random ^= sc->random << 17;
	return (sc->random >> 16) % n;
}

static struct message *
message_of(struct script *sc, const struct requested *r)
{
	const char *number = phone_header(r, "X-Kannel-To");

	if (number[0] == '\0')
		number = arena_printf(&sc->w->arena, "+%s", strstr(r->body.p, "to=%2B") + strlen("to=%2B"));
	for (size_t i = 0; i < sc->n; i++)
		if (strncmp(sc->v[i].number, number, strlen(sc->v[i].number)) == 0)
			return &sc->v[i];
	fail_msg("a request to an unknown number %s", number);
	return NULL;
}

static int
gateway_of(const struct requested *r)
{
	for (int i = 0; i < GATEWAYS; i++)
		if (strncmp(r->url + strlen("http://"), names[i], strlen(names[i])) == 0)
			return i;
	fail_msg("a request to %s", r->url);
	return 0;
}

static bool
may_be_taken(const struct phone_says *says)
{
	return says->end != PHONE_REFUSES && says->status != 403 && says->status != 400;
}

/* Every request that has left since the last look. */
static void
look(struct script *sc)
{
	for (; sc->seen < sc->w->phones.n; sc->seen++) {
		const struct requested *r = &sc->w->phones.v[sc->seen];
		struct message *m = message_of(sc, r);
		int g = gateway_of(r);

		if (m->taken)
			fail_msg("seed %llu: %s is sent again after it was taken", (unsigned long long)sc->seed, m->id);
		for (int i = 0; i < GATEWAYS; i++)
			if (m->doubts[i] > 0 && (i != g || !repeating[i]))
				fail_msg("seed %llu: %s may have been taken by %s, and is sent through %s",
				    (unsigned long long)sc->seed, m->id, names[i], names[g]);
		if (may_be_taken(&r->says))
			m->doubts[g]++;
		if (r->says.end == PHONE_ANSWERS && r->says.status == 0 && !sc->disk_full)
			m->taken = true;
	}
}

static void
advance(struct script *sc, int64_t ms)
{
	size_t before = sc->w->turns;

	if (sc->disk_full)
		world_advance_in_silence(sc->w, ms);
	else
		world_advance(sc->w, ms);
	look(sc);
	if (sc->w->turns - before > TURNS_MAX)
		fail_msg("seed %llu: %zu turns", (unsigned long long)sc->seed, sc->w->turns - before);
}

/* -- What happens --------------------------------------------------------------------------------------------------------------- */

static void
schedule(struct script *sc)
{
	static const char *const prefixes[] = { "+491", "+442", "+333" };
	struct world *w = sc->w;
	struct message *m;

	for (uint64_t n = 1 + pick(sc, 8); n > 0; n--) {
		struct ask ask = { .node = "sms" };
		struct answer a;
		const char *ids;

		sc->v = arena_grow(&w->arena, sc->v, sc->n, &sc->cap, sizeof(*m));
		m = &sc->v[sc->n++];
		*m = (struct message){ .id = "" };
		snprintf(m->number, sizeof(m->number), "%s%07zu", prefixes[pick(sc, 3)], sc->n);
		ask.fields[0] = "to";
		ask.fields[1] = m->number;
		ask.fields[2] = "when";
		ask.fields[3] = arena_printf(&w->arena, "in %d seconds", 1 + (int)pick(sc, 300));
		ask.fields[4] = "body";
		ask.fields[5] = "Good morning";
		a = world_ask(w, ask);
		ids = world_field(w, &a, "id");
		if (ids[0] != '\0')
			m->id = arena_text(&w->arena, ids);
		else
			assert_true(sc->disk_full);
	}
}

static struct phone_says
some_end(struct script *sc)
{
	switch (pick(sc, 8)) {
	case 0:
		return (struct phone_says){ .end = PHONE_BREAKS };
	case 1:
		return (struct phone_says){ .status = 500, .body = SPAN("oops") };
	case 2:
		return (struct phone_says){ .status = 403, .body = SPAN("Authorization failed for sendsms") };
	case 3:
		return (struct phone_says){ .status = 400, .body = SPAN("Empty receiver number not allowed, rejected") };
	case 4:
	case 5:
		return (struct phone_says){ .end = PHONE_REFUSES };
	default:
		return (struct phone_says){ .end = PHONE_ANSWERS };
	}
}

static void
rule(struct script *sc)
{
	struct phones *p = &sc->w->phones;
	uint64_t g = pick(sc, GATEWAYS);
	struct phone_says says = pick(sc, 4) == 0 ? (struct phone_says){ .end = PHONE_WAITS } : some_end(sc);

	says.times = pick(sc, 3) == 0 ? 1 + pick(sc, 10) : 0;
	p->rules[g].says = says;
	p->rules[g].used_up = false;
}

static void
end_one(struct script *sc)
{
	struct phones *p = &sc->w->phones;

	for (size_t i = pick(sc, p->n + 1); i < p->n; i++)
		if (p->v[i].waits) {
			struct phone_says says = some_end(sc);
			struct message *m = message_of(sc, &p->v[i]);

			if (!may_be_taken(&says))
				m->doubts[gateway_of(&p->v[i])]--;
			if (says.end == PHONE_ANSWERS && says.status == 0 && !sc->disk_full)
				m->taken = true;
			world_phone_ends(sc->w, i, says);
			return;
		}
}

static void
report(struct script *sc)
{
	static const char *const types[] = { "1", "2", "4", "8", "16" };
	struct phones *p = &sc->w->phones;

	for (size_t i = pick(sc, p->n + 1); i < p->n; i++)
		if (phone_header(&p->v[i], "X-Kannel-DLR-URL")[0] != '\0') {
			const char *type = types[pick(sc, 5)];

			message_of(sc, &p->v[i])->failed = true;
			world_report(sc->w, &p->v[i], type);
			return;
		}
}

static void
crash(struct script *sc)
{
	if (sc->disk_full)
		return;
	world_crash(sc->w);
	if (pick(sc, 4) == 0)
		sc->w->wall += (int64_t)pick(sc, 4 * HOUR_MS) - 2 * HOUR_MS;
	world_restart(sc->w);
}

static void
cancel(struct script *sc)
{
	if (sc->n > 0)
		world_command(sc->w, .node = "cancel", .fields = { "ids", sc->v[pick(sc, sc->n)].id });
}

static void
fill_or_free_the_disk(struct script *sc)
{
	if (sc->disk_full)
		world_disk_is_freed();
	else
		world_disk_has(sc->w, (long)pick(sc, 40) * 4120);
	sc->disk_full = !sc->disk_full;
}

static void
step(struct script *sc)
{
	switch (pick(sc, 16)) {
	case 0: case 1: case 2:
		schedule(sc);
		break;
	case 3: case 4: case 5:
		rule(sc);
		break;
	case 6: case 7:
		end_one(sc);
		break;
	case 8:
		report(sc);
		break;
	case 9:
		crash(sc);
		break;
	case 10:
		laterd_reload(sc->w->laterd, &sc->w->config);
		break;
	case 11:
		world_jump(sc->w, (int64_t)pick(sc, 20 * MINUTE_MS) - 10 * MINUTE_MS);
		break;
	case 12:
		cancel(sc);
		break;
	case 13:
		fill_or_free_the_disk(sc);
		break;
	default:
		break;
	}
	look(sc);
	advance(sc, (int64_t)pick(sc, pick(sc, 8) == 0 ? 20 * MINUTE_MS : MINUTE_MS));
}

/* -- The end of it -------------------------------------------------------------------------------------------------------------- */

/* Every gateway works again, and all that is under way comes to an end. */
static void
mend(struct script *sc)
{
	struct phones *p = &sc->w->phones;

	world_disk_is_freed();
	sc->disk_full = false;
	for (size_t g = 0; g < GATEWAYS; g++)
		p->rules[g].used_up = true;
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].waits)
			world_phone_end(sc->w, i, .end = PHONE_BREAKS);
	advance(sc, MINUTE_MS);
	laterd_reload(sc->w->laterd, &sc->w->config);
	/* Nothing is due later; what is held is tried again within five minutes. */
	advance(sc, 30 * MINUTE_MS);
}

static void
check(struct script *sc)
{
	for (size_t i = 0; i < sc->n; i++) {
		const struct message *m = &sc->v[i];
		const char *state = m->id[0] != '\0' ? world_state(sc->w, m->id) : "expired";
		bool doubtful = false, open = strcmp(state, "scheduled") == 0 || strcmp(state, "queued") == 0 ||
		    strcmp(state, "held") == 0 || strcmp(state, "in flight") == 0;

		for (int g = 0; g < GATEWAYS; g++)
			doubtful = doubtful || m->doubts[g] > 0;
		if (open)
			fail_msg("seed %llu: %s is still %s", (unsigned long long)sc->seed, m->id, state);
		if (doubtful && (strcmp(state, "expired") == 0 || (strcmp(state, "failed") == 0 && !m->failed)))
			fail_msg("seed %llu: %s may have been taken, and is %s", (unsigned long long)sc->seed, m->id, state);
		if (!doubtful && (strcmp(state, "sent") == 0 || strcmp(state, "delivered") == 0))
			fail_msg("seed %llu: %s never left, and is %s", (unsigned long long)sc->seed, m->id, state);
	}
}

static void
configure(struct world *w, struct script *sc)
{
	static const char *const params[] = { "to={to}", "text={text}", NULL };
	static const char *const ok[] = { "202", NULL };
	static const char *const halt[] = { "403", NULL };

	w->config.http.public_url = "http://127.0.0.1:5580";
	w->config.schedule.pending_max = 100000;
	w->config.schedule.tick_ms = pick(sc, 2) == 0 ? MINUTE_MS : HOUR_MS;
	world_gateway(w, .info.name = names[PLAIN], .inflight = 1 + (unsigned)pick(sc, 4), .rate = (double)pick(sc, 3));
	world_gateway(w, .info.name = names[SURE], .driver = "http", .url = "http://sure.example/", .method = "POST", .auth = "none",
	    .encode = "form", .params = params, .idempotency = "header:Idempotency-Key", .ok_http = ok, .halt_http = halt);
	world_gateway(w, .info.name = names[EAGER], .driver = "http", .url = "http://eager.example/", .method = "POST", .auth = "none",
	    .encode = "form", .params = params, .retry_unknown = true, .ok_http = ok, .halt_http = halt, .inflight = 2);
	world_gateway(w, .info.name = names[LAST]);
	world_route(w, "+49", KIND_SMS, names[PLAIN], names[LAST], NULL);
	world_route(w, "+44", KIND_SMS, names[SURE], names[PLAIN], names[LAST], NULL);
	world_route(w, "+", KIND_SMS, names[EAGER], names[SURE], NULL);
}

static void
play(uint64_t seed)
{
	struct world *w;
	struct script sc = { .seed = seed, .random = seed * 0x9e3779b97f4a7c15 + 1 };

	world_setup((void **)&w);
	sc.w = w;
	configure(w, &sc);
	world_start(w);
	for (size_t g = 0; g < GATEWAYS; g++) /* a rule for each, see rule() */
		world_phone_rule(w, arena_printf(&w->arena, "http://%s", names[g]), (struct phone_says){ 0 });
	for (int i = 0; i < STEPS; i++)
		step(&sc);
	mend(&sc);
	check(&sc);
	world_teardown((void **)&w);
}

static void
test_nothing_is_sent_twice_or_forgotten(void **state)
{
	const char *more = getenv("LATERD_SEEDS");
	uint64_t n = SEEDS + (more != NULL ? strtoull(more, NULL, 10) : 0);

	(void)state;
	for (uint64_t seed = 1; seed <= n; seed++)
		play(seed);
}

static int
disk_is_freed(void **state)
{
	(void)state;
	world_disk_is_freed();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nothing_is_sent_twice_or_forgotten, NULL, disk_is_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
