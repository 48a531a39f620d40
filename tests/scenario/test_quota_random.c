/*
 * Random schedules, edits, cancellations, retries and crashes of several users, by forms and in chat, over some weeks.  The
 * scripts are the same at each run; LATERD_SEEDS=N runs others after them.  After each step, no charge is above its limit, and
 * what is charged is what the messages cost.
 */
#include "chat.h"

#define SEEDS 4
#define STEPS 250
#define USERS 3

static const char *const users[USERS][2] = {
	{ JULIET, BALCONY }, { NURSE, KITCHEN }, { "tybalt@example.org", "tybalt@example.org/square" },
};

static const struct quota_limit limits[KIND_END] = { [KIND_IM] = { 4, 30 }, [KIND_SMS] = { 5, 20 } };
static const struct quota_limit totals[KIND_END] = { [KIND_IM] = { 7, 60 }, [KIND_SMS] = { 9, 45 } };

struct script {
	struct world *w;
	uint64_t random, seed;
	int step;
	size_t accepted, refused;
};

static uint64_t
pick(struct script *sc, uint64_t n)
{
	sc->random ^= sc->random << 13;
	sc->random ^= sc->random >> 7;
	sc->random ^= sc->random << 17;
	return (sc->random >> 16) % n;
}

/* -- What has to hold ----------------------------------------------------------------------------------------------------------- */

static void
none(struct script *sc, const char *what, const char *sql)
{
	const char *row = world_sql_text(sc->w, "%s", sql);

	if (row[0] != '\0')
		fail_msg("seed %llu, step %d at %s: %s: %s", (unsigned long long)sc->seed, sc->step,
		    world_clock_text(sc->w, sc->w->wall), what, row);
}

static const char *
sql(struct script *sc, const char *format, ...) __attribute__((format(printf, 2, 3)));

static const char *
sql(struct script *sc, const char *format, ...)
{
	struct buf text = { 0 };
	const char *copy;
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	copy = arena_text(&sc->w->arena, buf_str(&text));
	buf_free(&text);
	return copy;
}

static void
limits_hold(struct script *sc, const char *whose, enum packet_kind kind, const struct quota_limit *limit)
{
	none(sc, "a day above its limit", sql(sc, "SELECT sender || ' ' || day || ' ' || count FROM charge WHERE sender %s 'service' "
	    "AND kind = %d AND count > %lld", whose, (int)kind, (long long)limit->per_day));
	none(sc, "a month above its limit", sql(sc, "SELECT sender || ' ' || day / 100 || ' ' || sum(count) FROM charge "
	    "WHERE sender %s 'service' AND kind = %d GROUP BY sender, day / 100 HAVING sum(count) > %lld", whose, (int)kind,
	    (long long)limit->per_month));
}

static void
check(struct script *sc)
{
	for (int kind = KIND_IM; kind <= KIND_SMS; kind++) {
		limits_hold(sc, "<>", (enum packet_kind)kind, &limits[kind]);
		limits_hold(sc, "=", (enum packet_kind)kind, &totals[kind]);
	}
	none(sc, "the service is not charged what its users are",
	    "SELECT kind || ' ' || day || ' ' || sum(CASE sender WHEN 'service' THEN count ELSE -count END) FROM charge "
	    "GROUP BY kind, day HAVING sum(CASE sender WHEN 'service' THEN count ELSE -count END) <> 0");
	/* Cancelled before it had left (9): given back. */
	none(sc, "the charge is not what the messages cost",
	    "SELECT c.sender || ' ' || c.kind || ' ' || c.day || ' ' || c.count FROM charge c WHERE c.sender <> 'service' AND c.count <> "
	    "(SELECT coalesce(sum(charge_units), 0) FROM packet p WHERE p.sender = c.sender AND p.kind = c.kind AND "
	    "p.charge_day = c.day AND NOT (p.state = 9 AND p.sent_at = 0))");
	none(sc, "a message is not charged", "SELECT p.id FROM packet p WHERE p.charge_day <> 0 AND NOT (p.state = 9 AND p.sent_at = 0) "
	    "AND NOT EXISTS (SELECT 1 FROM charge c WHERE c.sender = p.sender AND c.kind = p.kind AND c.day = p.charge_day)");
	none(sc, "the bot is charged", "SELECT day FROM charge WHERE sender = '" BOT "'");
}

/* -- Steps ---------------------------------------------------------------------------------------------------------------------- */

static const char *
some_when(struct script *sc)
{
	static const char *const whens[] = { "in 1 minutes", "in 5 minutes", "in 3 hours", "tomorrow 9:00", "in 40 hours", "23:59" };

	return whens[pick(sc, sizeof(whens) / sizeof(whens[0]))];
}

/* Of one to three segments. */
static const char *
some_text(struct script *sc)
{
	return arena_printf(&sc->w->arena, "%0*d", (int)(1 + pick(sc, 3)) * 140, 7);
}

static const char *
some_id(struct script *sc, size_t user, const char *states)
{
	const char *from = arena_printf(&sc->w->arena, "FROM packet WHERE sender = '%s' AND state IN (%s)", users[user][0], states);
	int64_t n = world_sql(sc->w, "SELECT count(*) %s", from);

	return n == 0 ? "" : world_sql_text(sc->w, "SELECT id %s ORDER BY n LIMIT 1 OFFSET %d", from, (int)pick(sc, (uint64_t)n));
}

static void
count(struct script *sc, bool ok)
{
	sc->accepted += ok;
	sc->refused += !ok;
}

static struct ask
some_ask(struct script *sc, size_t user)
{
	static const char *const to[] = { ROMEO, ROMEO " a@example.net", ROMEO " a@example.net b@example.net" };
	bool paid = pick(sc, 2) == 0;
	struct ask ask = {
		.from = users[user][1], .node = paid ? "sms" : "im",
		.fields = { "to", paid ? PHONE : to[pick(sc, 3)], "when", some_when(sc), "body", some_text(sc) },
	};

	if (pick(sc, 6) == 0) {
		ask.fields[6] = "repeat";
		ask.fields[7] = "daily";
	}
	return ask;
}

static void
schedule(struct script *sc, size_t user)
{
	struct answer a = world_ask(sc->w, some_ask(sc, user));

	count(sc, strcmp(a.note_type, "info") == 0);
}

/* Several of several, in one turn. */
static void
crowd(struct script *sc, size_t user)
{
	struct ask asks[5];
	struct buf xml = { 0 };

	for (size_t i = 0; i < 5; i++) {
		asks[i] = some_ask(sc, (user + i) % USERS);
		buf_text(&xml, world_ask_xml(sc->w, &asks[i]));
	}
	world_send(sc->w, "%s", buf_str(&xml));
	buf_free(&xml);
	for (size_t i = 0; i < 5; i++)
		count(sc, strcmp(world_answer(sc->w, asks[i].id).note_type, "info") == 0);
}

static void
chat(struct script *sc, size_t user)
{
	bool paid = pick(sc, 2) == 0;
	const char *said = world_chat(sc->w, users[user][1], arena_printf(&sc->w->arena, "%s %s %s %s", paid ? "sms" : "im",
	    some_when(sc), paid ? PHONE : ROMEO, some_text(sc)));

	if (paid)
		said = world_chat(sc->w, users[user][1], "yes");
	count(sc, strstr(said, "Scheduled") != NULL);
	/* The next line must be no answer, and the rate is a matter of another test. */
	world_chat(sc->w, users[user][1], "abort");
	world_advance(sc->w, 5 * SECOND_MS);
}

static void
edit(struct script *sc, size_t user)
{
	world_command(sc->w, .from = users[user][1], .node = "edit", .fields = { "id", some_id(sc, user, "1, 2, 3"),
	    pick(sc, 2) == 0 ? "body" : "when", pick(sc, 2) == 0 ? some_text(sc) : some_when(sc) });
}

static void
cancel(struct script *sc, size_t user)
{
	world_command(sc->w, .from = pick(sc, 4) == 0 ? DESK : users[user][1], .node = "cancel",
	    .fields = { "ids", some_id(sc, user, "1, 2, 3, 4, 5, 7, 9, 10"), "scope", pick(sc, 2) == 0 ? "this" : "following" });
}

static void
now(struct script *sc, size_t user)
{
	world_command(sc->w, .from = users[user][1], .node = "now", .fields = { "id", some_id(sc, user, "1, 2, 3") });
}

static void
retry(struct script *sc, size_t user)
{
	const char *id = some_id(sc, user, "7, 10");

	world_command(sc->w, .from = DESK, .node = "retry", .fields = { "id", id[0] != '\0' ? id : "office" });
}

static void
phones(struct script *sc, size_t user)
{
	static const struct phone_says says[] = {
		{ .end = PHONE_ANSWERS }, { .end = PHONE_ANSWERS }, { .end = PHONE_BREAKS }, { .end = PHONE_REFUSES }, { .status = 400 },
	};

	(void)user;
	/* The last rule counts: there is room for so many. */
	sc->w->phones.nrules = 0;
	world_phone_rule(sc->w, "", says[pick(sc, sizeof(says) / sizeof(says[0]))]);
}

static void
wait(struct script *sc, size_t user)
{
	static const int64_t waits[] = { 10 * SECOND_MS, MINUTE_MS, HOUR_MS, 7 * HOUR_MS, 30 * HOUR_MS };

	(void)user;
	world_advance(sc->w, waits[pick(sc, sizeof(waits) / sizeof(waits[0]))]);
}

static void
crash(struct script *sc, size_t user)
{
	(void)user;
	world_restart(sc->w);
}

static void
run(uint64_t seed)
{
	static void (*const steps[])(struct script *sc, size_t user) = {
		schedule, schedule, schedule, crowd, chat, edit, edit, cancel, cancel, now, retry, phones, wait, wait, crash,
	};
	struct script sc = { .random = seed * 2654435769u + 1, .seed = seed };

	world_setup((void **)&sc.w);
	memcpy(sc.w->config.quota, limits, sizeof(limits));
	memcpy(sc.w->config.total, totals, sizeof(totals));
	sc.w->config.quota[KIND_MMS] = sc.w->config.total[KIND_MMS] = (struct quota_limit){ QUOTA_NO_LIMIT, QUOTA_NO_LIMIT };
	sc.w->config.count_segments = true;
	sc.w->config.store.keep_ms = 400 * DAY_MS;
	world_gateway(sc.w, .info.name = "office");
	world_start(sc.w);
	for (sc.step = 0; sc.step < STEPS; sc.step++) {
		steps[pick(&sc, sizeof(steps) / sizeof(steps[0]))](&sc, (size_t)pick(&sc, USERS));
		check(&sc);
	}
	world_advance(sc.w, 3 * DAY_MS);
	check(&sc);
	/* It was worth the while: limits were reached, and not at once. */
	assert_in_range(sc.accepted, STEPS / 10, STEPS);
	assert_in_range(sc.refused, STEPS / 25, STEPS);
	world_teardown((void **)&sc.w);
}

static void
test_no_mix_of_commands_exceeds_a_limit_or_loses_a_charge(void **state)
{
	const char *more = getenv("LATERD_SEEDS");
	unsigned long n = SEEDS + (more != NULL ? strtoul(more, NULL, 10) : 0);

	(void)state;
	for (unsigned long seed = 1; seed <= n; seed++)
		run(seed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_mix_of_commands_exceeds_a_limit_or_loses_a_charge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
