/* Operators' commands: who may, what they do, and what of it is written down. */
#include "chat.h"

static void
begin(struct world *w)
{
	w->config.http.public_url = "http://127.0.0.1:5580";
	world_gateway(w, .info.name = "office");
	world_start(w);
	world_online(w, JULIET);
	world_online(w, ROMEO);
	world_online(w, ADMIN);
}

/* By an admin, in one round trip. */
#define OPERATE(w, command, ...) world_command((w), .from = DESK, .node = (command), .fields = { __VA_ARGS__ })

/* -- Who may -------------------------------------------------------------------------------------------------------------------- */

static const struct deed operators[] = {
	{ .name = "stats", .node = "stats", .lines = { "stats" } },
	{ .name = "users", .node = "users", .lines = { "users" } },
	{ .name = "user", .node = "user", .fields = { "jid", NURSE }, .lines = { "user " NURSE } },
	{ .name = "limits", .node = "limits", .fields = { "jid", JULIET, "kind", "im", "day", "none" },
	    .lines = { "limits " JULIET " im day=none" } },
	{ .name = "block", .node = "block", .fields = { "jid", NURSE }, .lines = { "block " NURSE } },
	{ .name = "unblock", .node = "unblock", .fields = { "jid", NURSE }, .lines = { "unblock " NURSE } },
	{ .name = "gateways", .node = "gateways", .lines = { "gateways" } },
	{ .name = "gateway", .node = "gateway", .fields = { "name", "office", "action", "pause" },
	    .lines = { "gateway office pause" } },
	{ .name = "gateway test", .node = "gateway", .fields = { "name", "office", "action", "test", "number", PHONE },
	    .lines = { "gateway office test " PHONE } },
	{ .name = "packets", .node = "packets", .fields = { "jid", NURSE }, .lines = { "packets " NURSE } },
	{ .name = "retry", .node = "retry", .fields = { "id", "office" }, .lines = { "retry office" } },
	{ .name = "retry of one's own", .node = "retry", .fields = { "id", "#1" }, .lines = { "retry #1" } },
	{ .name = "reload", .node = "reload", .lines = { "reload" } },
	{ .name = "backup", .node = "backup", .fields = { "file", "copy.db" }, .lines = { "backup copy.db" } },
	{ .name = "drain", .node = "drain", .lines = { "drain" } },
	{ .name = "drain on", .node = "drain", .fields = { "state", "on" }, .lines = { "drain on" } },
	{ .name = "shutdown", .node = "shutdown", .fields = { "confirm", "1" }, .lines = { "shutdown" } },
};

#define NOPERATORS (sizeof(operators) / sizeof(operators[0]))

static void
test_operators_commands_are_forbidden_to_users(void **state)
{
	struct world *w = *state;

	begin(w);
	world_schedule(w, .when = "in 2 hours");
	for (size_t i = 0; i < NOPERATORS; i++) {
		const char *node = arena_printf(&w->arena, " %s ", operators[i].node);

		world_refused_both_ways(w, &operators[i], "forbidden");
		/* The form alone is not given either. */
		assert_string_equal(world_command(w, .node = operators[i].node).condition, "forbidden");
		assert_null(strstr(world_nodes(w, BALCONY), node));
		assert_non_null(strstr(world_nodes(w, DESK), node));
		world_advance(w, 10 * SECOND_MS);
	}
	assert_int_equal(w->phones.n, 0);
	assert_int_equal(w->reloads, 0);
	assert_false(laterd_done(w->laterd));
	assert_int_equal(world_count(w, ADMIN), 0);
	world_schedule(w, .when = "in 1 hours");
}

static void
test_operators_commands_are_forbidden_to_strangers(void **state)
{
	struct world *w = *state;

	begin(w);
	for (size_t i = 0; i < NOPERATORS; i++) {
		struct answer a = world_command(w, .from = "admin@example.com/desk", .node = operators[i].node);

		assert_string_equal(a.condition, "forbidden");
		a = world_command(w, .from = "admin@example.org.evil.example/desk", .node = operators[i].node);
		assert_string_equal(a.condition, "forbidden");
	}
}

/* Operators need not be users. */
static void
test_admin_of_a_domain_that_is_not_served_operates_but_schedules_nothing(void **state)
{
	static const char far[] = "root@ops.example/desk";
	struct world *w = *state;
	struct answer a;

	w->config.users.admins[1] = "root@ops.example";
	begin(w);
	const char *id = world_schedule(w, .when = "in 2 hours");
	assert_string_equal(world_command(w, .from = far, .node = "stats").status, "completed");
	world_says(world_chat(w, far, "stats"), "1");
	a = world_command(w, .from = far, .node = "cancel", .fields = { "ids", id });
	assert_string_equal(a.status, "completed");
	assert_string_equal(world_state(w, id), "cancelled");
	world_says(world_nodes(w, far), " stats ");
	world_ask(w, world_im(.from = far));
	world_chat(w, far, "im in 5 minutes " ROMEO " Good morning");
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet WHERE sender = 'root@ops.example'"), 0);
}

static void
test_admin_who_is_none_any_more_operates_no_more(void **state)
{
	struct world *w = *state;
	struct config other;
	struct answer a;

	begin(w);
	a = world_command(w, .from = DESK, .node = "shutdown");
	assert_string_equal(a.status, "executing");
	world_says(world_chat(w, DESK, "shutdown"), "");
	other = w->config;
	other.users.admins[0] = NULL;
	assert_true(laterd_reload(w->laterd, &other));
	world_settle(w);
	a = world_command(w, .from = DESK, .node = "shutdown", .session = a.session, .action = "complete", .fields = { "confirm", "1" });
	assert_string_equal(a.condition, "forbidden");
	world_chat(w, DESK, "yes");
	world_advance(w, MINUTE_MS);
	assert_false(laterd_done(w->laterd));
	world_crash(w);
}

/* -- Other people's messages ---------------------------------------------------------------------------------------------------- */

static const struct deed others[] = {
	{ .name = "show", .node = "show", .fields = { "id", "#1" }, .lines = { "show #1" } },
	{ .name = "edit", .node = "edit", .fields = { "id", "#1", "body", "Good night" }, .lines = { "edit #1 text Good night" } },
	{ .name = "edit of nothing", .node = "edit", .fields = { "id", "#1" }, .lines = { "edit #1" } },
	{ .name = "now", .node = "now", .fields = { "id", "#1" }, .lines = { "now #1" } },
	{ .name = "cancel", .node = "cancel", .fields = { "ids", "#1" }, .lines = { "cancel #1" } },
	{ .name = "pause", .node = "pause", .fields = { "id", "#1" }, .lines = { "pause #1" } },
	{ .name = "resume", .node = "resume", .fields = { "id", "#1" }, .lines = { "resume #1" } },
};

#define NOTHERS (sizeof(others) / sizeof(others[0]))

/* And what does not exist is refused in the same words. */
static void
test_messages_of_others_are_not_found(void **state)
{
	struct world *w = *state;

	begin(w);
	const char *id = world_schedule(w, .when = "in 2 hours", .repeat = "daily");
	world_schedule(w, .from = KITCHEN, .when = "in 3 hours");
	for (size_t i = 0; i < NOTHERS; i++) {
		struct deed d = others[i], nobodys = others[i];
		struct answer a, b;

		d.from = KITCHEN;
		world_refused_both_ways(w, &d, "item-not-found");
		a = world_command(w, .from = KITCHEN, .node = d.node, .fields = { d.fields[0], id });
		b = world_command(w, .from = KITCHEN, .node = d.node, .fields = { d.fields[0], "ZZZZZZ" });
		assert_string_equal(a.condition, "item-not-found");
		assert_string_equal(a.text, b.text);
		assert_string_equal(a.error_type, b.error_type);
		nobodys.from = KITCHEN;
		nobodys.fields[1] = "ZZZZZZ";
		nobodys.lines[0] = arena_printf(&w->arena, "%.*sZZZZZZ%s", (int)strcspn(d.lines[0], "#"), d.lines[0],
		    strstr(d.lines[0], "#1") + 2);
		world_refused_both_ways(w, &nobodys, "item-not-found");
		world_advance(w, MINUTE_MS);
	}
	assert_string_equal(world_state(w, id), "scheduled");
}

/* What an admin may do with any message is no more than cancel and now. */
static void
test_admins_do_not_read_or_rewrite_what_others_wrote(void **state)
{
	static const char *const nodes[] = { "show", "edit", "pause", "resume" };
	struct world *w = *state;

	begin(w);
	const char *id = world_schedule(w, .when = "in 2 hours", .body = "between us", .repeat = "daily");
	for (size_t i = 0; i < 4; i++) {
		struct answer a = OPERATE(w, nodes[i], "id", id);

		assert_string_equal(a.condition, "item-not-found");
		assert_null(strstr(world_chat(w, DESK, arena_printf(&w->arena, "%s %s", nodes[i], id)), "between us"));
	}
}

static void
test_ill_formed_id_brings_the_form_back(void **state)
{
	struct world *w = *state;

	begin(w);
	world_schedule(w, .when = "in 2 hours");
	for (size_t i = 0; i < NOTHERS; i++) {
		struct answer a = world_command(w, .node = others[i].node, .fields = { others[i].fields[0], "what?" });

		if (strcmp(others[i].node, "cancel") == 0 && strcmp(a.status, "completed") == 0)
			fail_msg("cancel of “what?” is completed: %s", a.note);
		assert_string_equal(a.status, "executing");
		assert_string_not_equal(world_field(w, &a, "error"), "");
	}
}

static void
test_admins_cancel_and_send_any_message(void **state)
{
	struct world *w = *state;
	struct answer a;

	begin(w);
	const char *one = world_schedule(w, .when = "in 2 hours"), *two = world_schedule(w, .when = "in 3 hours", .body = "Good night");
	const char *sms = world_schedule_sms(w, .when = "in 4 hours");
	a = OPERATE(w, "cancel", "ids", one);
	world_says(a.note, "cancelled");
	assert_string_equal(world_state(w, one), "cancelled");
	a = OPERATE(w, "now", "id", two);
	assert_string_equal(a.status, "completed");
	assert_null(strstr(world_text(w, &a), "Good night"));
	world_chat(w, DESK, arena_printf(&w->arena, "now %s", sms));
	world_chat(w, DESK, "yes");
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_only(w, ROMEO)->body, "Good night");
	assert_int_equal(world_sms(w, PHONE), 1);
	/* The charge of what was cancelled is given back to its sender. */
	assert_int_equal(world_sql(w, "SELECT count FROM charge WHERE sender = '" JULIET "' AND kind = 1"), 1);
	assert_int_equal(world_sql(w, "SELECT coalesce(sum(count), 0) FROM charge WHERE sender = '" ADMIN "'"), 0);
	/* And its history does not say that they did it themselves. */
	a = world_command(w, .node = "show", .fields = { "id", one });
	assert_null(strstr(world_text(w, &a), "cancelled by the sender"));
	world_says(world_text(w, &a), "cancelled by an operator");
}

/* Of others there is no list to choose from. */
static void
test_forms_of_admins_ask_for_the_id_of_any_message(void **state)
{
	static const struct { const char *node, *var, *type; } forms[] = { { "now", "id", "text-single" }, { "cancel", "ids", "text-multi" } };
	struct world *w = *state;

	begin(w);
	for (int own = 0; own < 2; own++) {
		for (size_t i = 0; i < 2; i++) {
			struct answer a = world_command(w, .from = DESK, .node = forms[i].node);

			assert_string_equal(a.status, "executing");
			xmpp_stanza_t *fd = a.form == NULL ? NULL : xmpp_stanza_get_children(a.form);
			while (fd != NULL && (xmpp_stanza_get_attribute(fd, "var") == NULL ||
			    strcmp(xmpp_stanza_get_attribute(fd, "var"), forms[i].var) != 0))
				fd = xmpp_stanza_get_next(fd);
			assert_non_null(fd);
			assert_string_equal(xmpp_stanza_get_type(fd), forms[i].type);
			const char *id = world_schedule(w, .when = "in 2 hours");
			a = world_command(w, .from = DESK, .node = forms[i].node, .session = a.session, .action = "complete",
			    .fields = { forms[i].var, id });
			assert_string_equal(a.status, "completed");
			world_advance(w, 10 * SECOND_MS);
			assert_string_equal(world_state(w, id), i == 0 ? "sent" : "cancelled");
		}
		world_schedule(w, .from = DESK, .when = "in 2 hours");
	}
}

static void
test_packets_shows_headers_and_no_texts(void **state)
{
	struct world *w = *state;
	struct answer a;

	begin(w);
	const char *id = world_schedule(w, .when = "in 2 hours", .body = "between us");
	const char *sms = world_schedule_sms(w, .when = "in 3 hours", .body = "between us");
	const char *sent = world_schedule(w, .when = "in 1 minutes", .body = "between us");
	world_advance(w, 2 * MINUTE_MS);
	a = OPERATE(w, "packets", "jid", JULIET);
	assert_string_equal(a.status, "completed");
	const char *text = world_text(w, &a), *said = world_chat(w, DESK, "packets " JULIET);
	assert_null(strstr(text, "between us"));
	assert_null(strstr(said, "between us"));
	world_says(text, id);
	world_says(text, sms);
	world_says(text, sent);
	world_says(text, "scheduled");
	world_says(text, "2026-11-22 13:00");
	world_says(said, id);
	a = OPERATE(w, "packets", "jid", "nobody@example.org");
	assert_string_equal(a.status, "completed");
	assert_null(strstr(world_text(w, &a), id));
}

/* -- Limits --------------------------------------------------------------------------------------------------------------------- */

static bool
is_accepted(struct world *w, const char *from)
{
	struct answer a = world_ask(w, world_im(.from = from, .when = "in 20 hours"));

	assert_string_equal(a.type, "result");
	return strcmp(a.note_type, "info") == 0;
}

/* So many more are accepted of them now; and then they are cancelled. */
static int
room(struct world *w, const char *from)
{
	const char *bare = strcmp(from, KITCHEN) == 0 ? NURSE : JULIET;
	int n = 0;

	while (n < 12 && is_accepted(w, from))
		n++;
	for (int i = 0; i < n; i++) {
		const char *id = world_sql_text(w, "SELECT id FROM packet WHERE sender = '%s' AND state = 1 LIMIT 1", bare);

		world_command(w, .from = from, .node = "cancel", .fields = { "ids", id });
	}
	return n;
}

static void
test_limit_of_user_goes_over_domain_over_default_over_configuration(void **state)
{
	struct world *w = *state;

	w->config.quota[KIND_IM] = (struct quota_limit){ 2, QUOTA_NO_LIMIT };
	begin(w);
	assert_int_equal(room(w, BALCONY), 2);
	DONE(w, "limits", "jid", "default", "kind", "im", "day", "3");
	assert_int_equal(room(w, BALCONY), 3);
	assert_int_equal(room(w, KITCHEN), 3);
	DONE(w, "limits", "jid", "example.org", "kind", "im", "day", "4");
	assert_int_equal(room(w, BALCONY), 4);
	DONE(w, "limits", "jid", JULIET, "kind", "im", "day", "1");
	assert_int_equal(room(w, BALCONY), 1);
	assert_int_equal(room(w, KITCHEN), 4);
	DONE(w, "limits", "jid", JULIET, "kind", "im", "day", "none");
	assert_int_equal(room(w, BALCONY), 12);
	DONE(w, "limits", "jid", JULIET, "kind", "im", "day", "0");
	assert_int_equal(room(w, BALCONY), 0);
	/* In lower case, and as clients write it. */
	DONE(w, "limits", "jid", "Juliet@Example.org", "kind", "im", "day", "default", "month", "default");
	assert_int_equal(room(w, BALCONY), 4);
	DONE(w, "limits", "jid", "example.org", "kind", "im", "day", "default", "month", "default");
	assert_int_equal(room(w, BALCONY), 3);
	DONE(w, "limits", "jid", "default", "kind", "im", "day", "default", "month", "default");
	assert_int_equal(room(w, BALCONY), 2);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM quota_limit"), 0);
}

static void
test_limits_of_day_and_month_and_kind_are_apart(void **state)
{
	struct world *w = *state;

	w->config.quota[KIND_IM] = (struct quota_limit){ 5, 9 };
	begin(w);
	DONE(w, "limits", "jid", JULIET, "kind", "im", "month", "3");
	assert_int_equal(room(w, BALCONY), 3);
	DONE(w, "limits", "jid", JULIET, "kind", "im", "month", "none");
	assert_int_equal(room(w, BALCONY), 5);
	DONE(w, "limits", "jid", JULIET, "kind", "sms", "day", "0");
	assert_int_equal(room(w, BALCONY), 5);
	struct answer a = world_command(w, .node = "sms", .fields = { "to", PHONE, "when", "in 5 minutes", "body", "Late" });
	assert_string_equal(a.note_type, "error");
}

static void
test_limits_are_kept_over_a_restart(void **state)
{
	struct world *w = *state;

	begin(w);
	DONE(w, "limits", "jid", JULIET, "kind", "im", "day", "2");
	world_restart(w);
	assert_int_equal(room(w, BALCONY), 2);
}

static void
test_limit_of_the_service_is_that_of_all_together(void **state)
{
	struct world *w = *state;
	struct answer a;

	begin(w);
	DONE(w, "limits", "jid", "service", "kind", "im", "day", "3");
	assert_true(is_accepted(w, BALCONY));
	assert_true(is_accepted(w, KITCHEN));
	assert_true(is_accepted(w, BALCONY));
	assert_false(is_accepted(w, KITCHEN));
	assert_false(is_accepted(w, DESK));
	a = OPERATE(w, "limits", "jid", "service", "kind", "im");
	world_says(world_text(w, &a), "3");
	world_advance_to(w, "2026-11-22T23:00:00Z");
	assert_true(is_accepted(w, KITCHEN));
}

static void
test_limits_are_shown_with_their_use(void **state)
{
	struct world *w = *state;
	struct answer a;

	begin(w);
	DONE(w, "limits", "jid", JULIET, "kind", "im", "day", "7", "month", "31");
	world_schedule(w, .when = "in 2 hours");
	world_schedule(w, .when = "in 2 hours");
	a = OPERATE(w, "limits", "jid", JULIET, "kind", "im");
	world_says(world_text(w, &a), "2 of 7");
	world_says(world_text(w, &a), "2 of 31");
	world_says(world_chat(w, DESK, "limits " JULIET " im"), "2 of 7");
}

static void
test_wrong_limits_change_nothing(void **state)
{
	static const char *const wrong[][8] = {
		{ "jid", JULIET, "kind", "im", "day", "-1" }, { "jid", JULIET, "kind", "im", "day", "many" },
		{ "jid", JULIET, "kind", "im", "day", "99999999999999999999" }, { "jid", JULIET, "kind", "pigeon", "day", "3" },
		{ "jid", "@", "kind", "im", "day", "3" }, { "jid", "", "kind", "im", "day", "3" },
		{ "jid", JULIET, "kind", "im", "day", "3", "month", "x" }, { "jid", JULIET, "kind", "im", "day", "3.5" },
	};
	struct world *w = *state;

	begin(w);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct ask ask = { .from = DESK, .node = "limits" };
		struct answer a;

		memcpy(ask.fields, wrong[i], sizeof(wrong[i]));
		a = world_ask(w, ask);
		if (strcmp(a.status, "executing") != 0)
			fail_msg("case %zu is %s: %s%s", i, a.status, a.note, a.text);
		assert_string_not_equal(world_field(w, &a, "error"), "");
	}
	assert_int_equal(world_sql(w, "SELECT count(*) FROM quota_limit"), 0);
}

/* -- Block ---------------------------------------------------------------------------------------------------------------------- */

static void
test_blocked_user_sends_nothing_until_they_are_unblocked(void **state)
{
	struct world *w = *state;
	struct answer a;

	begin(w);
	const char *im = world_schedule(w, .when = "in 10 minutes"), *sms = world_schedule_sms(w, .when = "in 10 minutes");
	const char *daily = world_schedule(w, .when = "in 20 minutes", .to = "tybalt@example.net", .repeat = "daily");
	const char *other = world_schedule(w, .from = KITCHEN, .when = "in 10 minutes", .to = "paris@example.net");
	DONE(w, "block", "jid", JULIET);
	assert_string_equal(world_ask(w, world_im(.when = "in 1 hours")).condition, "not-allowed");
	assert_string_equal(world_command(w, .node = "now", .fields = { "id", im }).condition, "not-allowed");
	world_advance(w, HOUR_MS);
	assert_int_equal(world_count(w, ROMEO), 0);
	assert_int_equal(w->phones.n, 0);
	assert_string_equal(world_state(w, im), "held");
	assert_string_equal(world_state(w, sms), "held");
	assert_string_equal(world_state(w, daily), "held");
	assert_string_equal(world_state(w, other), "sent");
	/* Neither presence nor a restart lets it go. */
	world_offline(w, ROMEO);
	world_online(w, ROMEO);
	world_restart(w);
	world_online(w, ROMEO);
	world_advance(w, HOUR_MS);
	assert_int_equal(world_count(w, ROMEO), 0);
	assert_int_equal(w->phones.n, 0);
	a = OPERATE(w, "unblock", "jid", JULIET);
	assert_string_equal(a.status, "completed");
	world_advance(w, 10 * MINUTE_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
	assert_int_equal(world_sms(w, PHONE), 1);
	assert_int_equal(world_count(w, "tybalt@example.net"), 1);
	world_schedule(w, .when = "in 1 hours");
}

static void
test_what_is_held_for_a_block_expires(void **state)
{
	struct world *w = *state;

	begin(w);
	const char *im = world_schedule(w, .when = "in 10 minutes", .expires = "in 2 hours");
	DONE(w, "block", "jid", JULIET);
	world_advance(w, 3 * HOUR_MS);
	assert_string_equal(world_state(w, im), "expired");
	DONE(w, "unblock", "jid", JULIET);
	world_advance(w, HOUR_MS);
	assert_int_equal(world_count(w, ROMEO), 0);
}

/* What is queued already, in the second before it leaves. */
static void
test_block_stops_what_is_queued(void **state)
{
	struct world *w = *state;

	begin(w);
	const char *im = world_schedule(w, .when = "in 20 seconds"), *sms = world_schedule_sms(w, .when = "in 20 seconds");
	world_advance(w, 10 * SECOND_MS);
	assert_string_equal(world_state(w, im), "queued");
	DONE(w, "block", "jid", JULIET);
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, im), "held");
	assert_string_equal(world_state(w, sms), "held");
	assert_int_equal(w->phones.n, 0);
}

static void
test_user_is_shown_with_what_they_have(void **state)
{
	struct world *w = *state;
	struct answer a;

	begin(w);
	world_schedule(w, .when = "in 10 minutes");
	DONE(w, "block", "jid", JULIET);
	a = OPERATE(w, "user", "jid", JULIET);
	world_says(world_text(w, &a), "blocked");
	a = OPERATE(w, "users", NULL);
	world_says(world_text(w, &a), JULIET);
	assert_null(strstr(world_text(w, &a), BOT));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_operators_commands_are_forbidden_to_users),
		WORLD_TEST(test_operators_commands_are_forbidden_to_strangers),
		WORLD_TEST(test_admin_of_a_domain_that_is_not_served_operates_but_schedules_nothing),
		WORLD_TEST(test_admin_who_is_none_any_more_operates_no_more),
		WORLD_TEST(test_messages_of_others_are_not_found),
		WORLD_TEST(test_admins_do_not_read_or_rewrite_what_others_wrote),
		WORLD_TEST(test_ill_formed_id_brings_the_form_back),
		WORLD_TEST(test_admins_cancel_and_send_any_message),
		WORLD_TEST(test_forms_of_admins_ask_for_the_id_of_any_message),
		WORLD_TEST(test_packets_shows_headers_and_no_texts),
		WORLD_TEST(test_limit_of_user_goes_over_domain_over_default_over_configuration),
		WORLD_TEST(test_limits_of_day_and_month_and_kind_are_apart),
		WORLD_TEST(test_limits_are_kept_over_a_restart),
		WORLD_TEST(test_limit_of_the_service_is_that_of_all_together),
		WORLD_TEST(test_limits_are_shown_with_their_use),
		WORLD_TEST(test_wrong_limits_change_nothing),
		WORLD_TEST(test_blocked_user_sends_nothing_until_they_are_unblocked),
		WORLD_TEST(test_what_is_held_for_a_block_expires),
		WORLD_TEST(test_block_stops_what_is_queued),
		WORLD_TEST(test_user_is_shown_with_what_they_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
