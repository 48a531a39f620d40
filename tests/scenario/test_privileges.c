/* What the server lets us do beside sending as its users (XEP-0356): write rosters, and ask for upload slots. */
#include "replies.h"

#define LOCAL    "nurse@example.org"
#define ROSTERS  "<perm access='roster' type='both'/>"
#define UPLOADING "<perm access='iq'><namespace ns='urn:xmpp:http:upload:0' type='get'/></perm>"

/* A message that is held until the nurse shows herself; and she was not asked. */
static const char *
hold_one(struct world *w)
{
	const char *id = world_schedule(w, .to = LOCAL, .when = "in 1 minutes", .offline = "hold");

	world_advance(w, MINUTE_MS);
	return id;
}

static void
test_presence_is_seen_without_asking_where_rosters_can_be_written(void **state)
{
	static const char *const perms[] = {
		ROSTERS, "<perm access='roster' type='get'/><perm access='roster' type='set'/>",
		ROSTERS "<perm access='message' type='outgoing'/>",
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct world *w;

		world_setup((void **)&w);
		w->server = SERVER_PROSODY;
		w->perms = perms[i];
		world_person(w, LOCAL)->probe = PROBE_OFFLINE;
		world_start(w);
		const char *id = hold_one(w);
		world_advance(w, MINUTE_MS);
		assert_string_equal(world_person(w, LOCAL)->shows_bot, "from");
		assert_int_equal(world_signals(w, "subscribe", LOCAL), 0);
		assert_true(world_signals(w, "probe", LOCAL) >= 1);
		assert_string_equal(world_state(w, id), "held");
		world_online(w, LOCAL);
		assert_string_equal(world_only(w, LOCAL)->id, id);
		assert_string_equal(world_state(w, id), "sent");
		/* Not again, whatever befalls us. */
		size_t rosters = w->rosters;
		world_restart(w);
		hold_one(w);
		world_advance(w, MINUTE_MS);
		assert_int_equal(w->rosters, rosters);
		assert_int_equal(world_count(w, LOCAL), 2);
		world_teardown((void **)&w);
	}
}

static void
test_what_stands_in_a_roster_stays(void **state)
{
	static const struct {
		const char *before, *after;
	} items[] = { { "to", "both" }, { "none", "from" }, { "both", "both" }, { "from", "from" } };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct world *w;

		world_setup((void **)&w);
		w->server = SERVER_PROSODY;
		w->perms = ROSTERS;
		world_person(w, LOCAL)->probe = PROBE_ONLINE;
		world_person(w, LOCAL)->shows_bot = items[i].before;
		world_start(w);
		const char *id = hold_one(w);
		world_advance(w, MINUTE_MS);
		assert_string_equal(world_person(w, LOCAL)->shows_bot, items[i].after);
		assert_string_equal(world_state(w, id), "sent");
		world_teardown((void **)&w);
	}
}

static const struct {
	const char *name;
	enum server server;
	enum answers_roster roster;
	const char *perms, *to;
} asked[] = {
	{ "nothing is granted", SERVER_PLAIN, ROSTER_MEASURED, NULL, LOCAL },
	{ "only reading is granted", SERVER_PROSODY, ROSTER_WORKS, "<perm access='roster' type='get'/>", LOCAL },
	{ "the server cannot do it", SERVER_EJABBERD, ROSTER_MEASURED, ROSTERS, LOCAL },
	{ "the server refuses it", SERVER_PROSODY, ROSTER_FAILS, ROSTERS, LOCAL },
	{ "the server does not answer", SERVER_PROSODY, ROSTER_SILENCE, ROSTERS, LOCAL },
	{ "they are elsewhere", SERVER_PROSODY, ROSTER_WORKS, ROSTERS, ROMEO },
};

static void
test_who_cannot_be_seen_so_is_asked_as_before(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		struct world *w;
		struct person *p;

		world_setup((void **)&w);
		w->server = asked[i].server;
		w->roster = asked[i].roster;
		w->perms = asked[i].perms;
		p = world_person(w, asked[i].to);
		p->request = REQUEST_GRANTED;
		p->probe = PROBE_ONLINE;
		world_log_begin(w);
		world_start(w);
		const char *id = world_schedule(w, .to = asked[i].to, .when = "in 1 minutes", .offline = "hold");
		world_advance(w, 2 * MINUTE_MS);
		world_log_end(w);
		if (world_signals(w, "subscribe", asked[i].to) != 1)
			fail_msg("%s: %zu requests", asked[i].name, world_signals(w, "subscribe", asked[i].to));
		assert_string_equal(w->signals[w->nsignals - 1].to, asked[i].to);
		assert_string_equal(world_state(w, id), "sent");
		assert_null(p->shows_bot);
		world_teardown((void **)&w);
	}
}

static void
test_stream_that_breaks_between_roster_and_answer_loses_nobody(void **state)
{
	struct world *w = *state;

	w->server = SERVER_PROSODY;
	w->perms = ROSTERS;
	w->roster = ROSTER_SILENCE;
	world_person(w, LOCAL)->probe = PROBE_ONLINE;
	world_start(w);
	const char *id = hold_one(w);
	assert_int_equal(w->rosters, 1);
	w->roster = ROSTER_WORKS;
	world_cut(w);
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_person(w, LOCAL)->shows_bot, "from");
	assert_string_equal(world_state(w, id), "sent");
	assert_int_equal(world_signals(w, "subscribe", LOCAL), 0);
}

static void
test_who_takes_it_out_of_their_roster_is_not_seen_any_more(void **state)
{
	struct world *w = *state;

	w->server = SERVER_PROSODY;
	w->perms = ROSTERS;
	world_person(w, LOCAL)->probe = PROBE_OFFLINE;
	world_start(w);
	const char *id = hold_one(w);
	world_person(w, LOCAL)->shows_bot = NULL;
	world_send(w, "<presence type='unsubscribed' from='" LOCAL "' to='" BOT "'/>");
	world_advance(w, 3 * DAY_MS);
	/* Their word counts: it is not written there again. */
	assert_null(world_person(w, LOCAL)->shows_bot);
	assert_string_equal(world_state(w, id), "held");
	assert_int_equal(world_told(w, arena_printf(&w->arena, "edit %s offline server", id)), 1);
}

/* -- Upload slots --------------------------------------------------------------------------------------------------------------- */

/* Her data, more than fits into a chat. */
static void
export_much(struct world *w)
{
	char body[1001];

	memset(body, 'x', 1000);
	body[1000] = '\0';
	for (int i = 0; i < 40; i++)
		world_schedule(w, .when = "in 5 hours", .body = body);
	world_command(w, .node = "export");
	world_advance(w, MINUTE_MS);
}

static void
test_slot_is_asked_for_as_the_user_where_that_is_granted(void **state)
{
	struct world *w = *state;

	w->server = SERVER_PROSODY;
	w->perms = UPLOADING;
	w->uploads = true;
	w->slot = SLOT_OF_USERS;
	world_start(w);
	export_much(w);
	assert_int_equal(w->slots_as_user, 1);
	assert_int_equal(w->slots, 1);
	assert_int_equal(world_told(w, UPLOADS_GET), 1);
}

static void
test_slot_is_asked_for_in_our_name_where_the_other_is_refused(void **state)
{
	struct world *w = *state;

	w->server = SERVER_PROSODY;
	w->perms = UPLOADING;
	w->forbids = true;
	w->uploads = true;
	world_log_begin(w);
	world_start(w);
	export_much(w);
	world_says(world_log_end(w), "upload");
	assert_int_equal(w->slots_as_user, 0);
	assert_int_equal(w->slots, 1);
	assert_int_equal(world_told(w, UPLOADS_GET), 1);
}

static void
test_slot_is_asked_for_in_our_name_where_nothing_is_granted(void **state)
{
	static const char *const perms[] = { NULL, "<perm access='message' type='outgoing'/>", ROSTERS };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct world *w;

		world_setup((void **)&w);
		w->server = SERVER_PROSODY;
		w->perms = perms[i];
		w->uploads = true;
		world_start(w);
		export_much(w);
		assert_int_equal(w->slots_as_user, 0);
		assert_int_equal(w->slots, 1);
		world_teardown((void **)&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_presence_is_seen_without_asking_where_rosters_can_be_written),
		cmocka_unit_test(test_what_stands_in_a_roster_stays),
		cmocka_unit_test(test_who_cannot_be_seen_so_is_asked_as_before),
		WORLD_TEST(test_stream_that_breaks_between_roster_and_answer_loses_nobody),
		WORLD_TEST(test_who_takes_it_out_of_their_roster_is_not_seen_any_more),
		WORLD_TEST(test_slot_is_asked_for_as_the_user_where_that_is_granted),
		WORLD_TEST(test_slot_is_asked_for_in_our_name_where_the_other_is_refused),
		cmocka_unit_test(test_slot_is_asked_for_in_our_name_where_nothing_is_granted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
