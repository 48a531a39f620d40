/* Commands as a client meets them: stages, errors, who may, and the truth about one's own messages. */
#include "core/quota.h"
#include "world.h"
#include "xmpp/stanza.h"

#define STRANGER "tybalt@example.com/square"
#define NURSE    "nurse@example.org/kitchen"

static int64_t
packets_stored(struct world *w)
{
	return world_sql(w, "SELECT count(*) FROM packet");
}

static int64_t
charged(struct world *w)
{
	return world_sql(w, "SELECT coalesce(sum(count), 0) FROM charge WHERE sender <> 'service'");
}

static void
assert_says(const char *text, const char *words)
{
	if (strstr(text, words) == NULL)
		fail_msg("“%s” does not say “%s”", text, words);
}

/* -- Stages --------------------------------------------------------------------------------------------------------------------- */

static void
test_form_confirmation_and_completion(void **state)
{
	struct world *w = *state;
	struct answer a;
	struct ask filled = world_im(.when = "2026-12-24 18:00", .body = "Merry\nChristmas");

	w->config.quota[KIND_IM] = (struct quota_limit){ 10, 100 };
	world_start(w);
	a = world_command(w, .node = "im");
	assert_string_equal(a.status, "executing");
	assert_string_equal(world_field(w, &a, "offline"), "auto");

	filled.session = a.session;
	filled.action = "next";
	a = world_ask(w, filled);
	assert_string_equal(a.status, "executing");
	assert_string_equal(a.execute, "complete");
	assert_string_equal(world_field(w, &a, "to"), ROMEO);
	assert_says(world_field(w, &a, "when"), "Thu 2026-12-24 18:00 (Europe/Berlin, +01:00), in 32 days 6 hours");
	assert_says(world_field(w, &a, "quota"), "9 of 10 left today, 99 of 100 left this month");
	assert_int_equal(packets_stored(w), 0);

	a = world_command(w, .node = "im", .session = a.session, .action = "complete");
	assert_string_equal(a.status, "completed");
	assert_string_equal(a.note_type, "info");
	assert_string_equal(world_field(w, &a, "due"), "2026-12-24T17:00:00Z");
	assert_string_equal(world_state(w, world_field(w, &a, "id")), "scheduled");
	assert_int_equal(packets_stored(w), 1);
}

static void
test_complete_at_stage_1_skips_the_confirmation(void **state)
{
	struct world *w = *state;
	struct ask filled = world_im(.when = "in 1 hours");
	struct answer a;

	world_start(w);
	a = world_command(w, .node = "im");
	filled.session = a.session;
	a = world_ask(w, filled);
	assert_string_equal(a.status, "completed");
	assert_int_equal(packets_stored(w), 1);
}

static void
test_going_forward_by_execute_or_next_confirms_first(void **state)
{
	static const char *const actions[] = { "execute", "next" };
	struct world *w = *state;

	world_start(w);
	for (size_t i = 0; i < 2; i++) {
		struct ask filled = world_im(.when = "in 1 hours");

		filled.action = actions[i];
		struct answer a = world_ask(w, filled);
		assert_string_equal(a.status, "executing");
		assert_int_equal(packets_stored(w), (int64_t)i);
		a = world_command(w, .node = "im", .session = a.session, .action = actions[i]);
		assert_string_equal(a.status, "completed");
		assert_int_equal(packets_stored(w), (int64_t)i + 1);
	}
}

static void
test_prev_brings_the_form_back_filled_in(void **state)
{
	struct world *w = *state;
	struct ask filled = world_im(.when = "2026-12-24 18:00", .body = "one\n\ntwo", .offline = "drop");
	struct answer a;

	world_start(w);
	filled.action = "next";
	a = world_ask(w, filled);
	a = world_command(w, .node = "im", .session = a.session, .action = "prev");
	assert_string_equal(a.status, "executing");
	assert_string_equal(world_field(w, &a, "to"), ROMEO);
	assert_string_equal(world_field(w, &a, "when"), "2026-12-24 18:00 Europe/Berlin");
	assert_string_equal(world_field(w, &a, "body"), "one\n\ntwo");
	assert_string_equal(world_field(w, &a, "offline"), "drop");
	filled.session = a.session;
	filled.action = "complete";
	assert_string_equal(world_ask(w, filled).status, "completed");
	assert_int_equal(packets_stored(w), 1);
}

static void
test_cancelled_dialogue_stores_nothing(void **state)
{
	struct world *w = *state;
	struct ask filled = world_im(.when = "in 1 hours");
	struct answer a;

	world_start(w);
	filled.action = "next";
	a = world_ask(w, filled);
	a = world_command(w, .node = "im", .session = a.session, .action = "cancel");
	assert_string_equal(a.status, "canceled");
	assert_int_equal(packets_stored(w), 0);
}

static void
test_confirmation_that_comes_too_late_is_asked_again(void **state)
{
	struct world *w = *state;
	struct ask filled = world_im(.when = "in 5 minutes");
	struct answer a;

	world_start(w);
	filled.fields[3] = "2026-11-22 11:02";
	filled.action = "next";
	a = world_ask(w, filled);
	world_advance(w, 2 * MINUTE_MS);
	a = world_command(w, .node = "im", .session = a.session, .action = "complete");
	assert_string_equal(a.status, "executing");
	assert_says(world_field(w, &a, "error"), "past");
	assert_string_equal(world_field(w, &a, "to"), ROMEO);
	assert_int_equal(packets_stored(w), 0);
}

static void
test_idle_session_expires(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	a = world_command(w, .node = "im");
	world_advance(w, 11 * MINUTE_MS);
	a = world_command(w, .node = "im", .session = a.session, .action = "next");
	assert_string_equal(a.app, "session-expired");
	a = world_command(w, .node = "im", .session = "nonsense", .action = "next");
	assert_string_equal(a.app, "bad-sessionid");
	assert_string_equal(a.condition, "bad-request");
}

/* -- Wrong input ---------------------------------------------------------------------------------------------------------------- */

static const struct {
	struct im im;
	const char *reason;
} wrong[] = {
	{ { .to = " " }, "recipient is missing" },
	{ { .to = "romeo" }, "romeo" },
	{ { .to = "@" }, "@" },
	{ { .to = "+4917012345678" }, "address" },
	{ { .to = "bot@" COMPONENT }, "service itself" },
	{ { .when = "" }, "" },
	{ { .when = "soon" }, "not understood" },
	{ { .when = "2026-11-22 11:00:30" }, "past" },
	{ { .when = "2026-11-24" }, "" },
	{ { .when = "2027-03-28 02:30" }, "" },
	{ { .when = "2026-02-30 10:00" }, "" },
	{ { .when = "2028-01-01 10:00" }, "400 days" },
	{ { .body = "" }, "empty" },
	{ { .body = " \n\n " }, "empty" },
	{ { .offline = "maybe" }, "auto, hold, server and drop" },
	{ { .expires = "in 1 minutes" }, "before it is due" },
	{ { .expires = "whenever" }, "Expiry" },
	{ { .expires = "in 619201 minutes" }, "430 days ahead" },
	{ { .expires = "2190-01-01 00:00" }, "430 days ahead" },
};

static void
test_wrong_field_brings_the_same_form_back_with_the_reason(void **state)
{
	struct world *w = *state;

	world_start(w);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct ask filled = world_im_ask(wrong[i].im);
		struct answer a = world_ask(w, filled);

		if (strcmp(a.status, "executing") != 0)
			fail_msg("case %zu is %s: %s%s", i, a.status, a.note, a.text);
		assert_string_equal(a.note_type, "error");
		assert_true(a.note[0] != '\0');
		assert_string_equal(world_field(w, &a, "error"), a.note);
		assert_says(a.note, wrong[i].reason);
		assert_string_equal(world_field(w, &a, "to"), wrong[i].im.to != NULL ? wrong[i].im.to : ROMEO);
		if (wrong[i].im.when != NULL)
			assert_string_equal(world_field(w, &a, "when"), wrong[i].im.when);
		/* And it can be corrected in the same session. */
		filled = world_im(.when = "in 1 hours");
		filled.session = a.session;
		filled.action = "next";
		assert_string_equal(world_ask(w, filled).execute, "complete");
	}
	assert_int_equal(packets_stored(w), 0);
	assert_int_equal(charged(w), 0);
}

static void
test_message_above_body_max_is_refused_and_one_at_it_is_not(void **state)
{
	struct world *w = *state;
	char body[102];
	struct answer a;

	w->config.schedule.body_max = 100;
	world_start(w);
	memset(body, 'x', sizeof(body));
	body[101] = '\0';
	a = world_ask(w, world_im(.body = body));
	assert_says(world_field(w, &a, "error"), "101 bytes");
	body[100] = '\0';
	world_schedule(w, .body = body);
}

static size_t
count_values(const struct answer *a, const char *var)
{
	xmpp_stanza_t *fd = xmpp_stanza_get_children(a->form);
	size_t n = 0;

	while (fd != NULL && strcmp(stanza_attr(fd, "var"), var) != 0)
		fd = xmpp_stanza_get_next(fd);
	assert_non_null(fd);
	for (fd = xmpp_stanza_get_children(fd); fd != NULL; fd = xmpp_stanza_get_next(fd))
		n += stanza_is(fd, "value", NULL);
	return n;
}

/* Each value is an element, and an answer may have only so many. */
static void
test_text_of_very_many_lines_comes_back_whole_in_few_values(void **state)
{
	struct world *w = *state;
	struct answer a;
	struct buf lines = { 0 }, returns = { 0 };

	world_start(w);
	for (int i = 0; i < 1500; i++)
		buf_printf(&lines, "%d\n", i);
	/* Carriage returns stay within one value on their way to us. */
	for (int i = 0; i < 4500; i++)
		buf_text(&returns, "x\r");
	a = world_ask(w, world_im(.when = "soon", .body = buf_str(&lines)));
	assert_string_equal(a.status, "executing");
	assert_int_equal(count_values(&a, "body"), 500);
	assert_int_equal(strncmp(world_field(w, &a, "body"), buf_str(&lines), lines.len - 1), 0);
	a = world_ask(w, world_im(.when = "soon", .body = buf_str(&returns)));
	assert_string_equal(a.status, "executing");
	assert_int_equal(count_values(&a, "body"), 500);
	assert_int_equal(strlen(world_field(w, &a, "body")), 9000);
	buf_free(&lines);
	buf_free(&returns);
}

static void
test_unknown_command_is_not_found(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	a = world_command(w, .node = "pigeon");
	assert_string_equal(a.condition, "item-not-found");
}

/* -- Who may -------------------------------------------------------------------------------------------------------------------- */

static void
test_foreign_domains_are_forbidden(void **state)
{
	static const char *const strangers[] = { STRANGER, "x@sub.example.org/a", "example.org", "x@example.org.evil.com" };
	static const char *const nodes[] = { "im", "list", "show", "cancel", "quota" };
	struct world *w = *state;

	world_start(w);
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++)
		for (size_t j = 0; j < sizeof(nodes) / sizeof(nodes[0]); j++) {
			struct answer a = world_command(w, .from = strangers[i], .node = nodes[j]);

			assert_string_equal(a.type, "error");
			assert_string_equal(a.condition, "forbidden");
			assert_string_equal(a.error_type, "auth");
			assert_says(a.text, "example.org");
		}
	struct answer a = world_ask(w, world_im(.from = STRANGER));
	assert_string_equal(a.condition, "forbidden");
	assert_int_equal(packets_stored(w), 0);
}

static void
test_blocked_user_is_not_allowed(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	world_sql(w, "INSERT INTO account (jid, blocked) VALUES ('" JULIET "', 1)");
	a = world_ask(w, world_im(.when = "in 1 hours"));
	assert_string_equal(a.condition, "not-allowed");
	assert_string_equal(a.error_type, "cancel");
	assert_int_equal(packets_stored(w), 0);
	world_schedule(w, .from = NURSE, .when = "in 1 hours");
	world_sql(w, "UPDATE account SET blocked = 0");
	world_schedule(w, .when = "in 1 hours");
}

static void
test_user_blocked_between_form_and_completion_is_refused(void **state)
{
	struct world *w = *state;
	struct ask filled = world_im(.when = "in 1 hours");
	struct answer a;

	world_start(w);
	filled.action = "next";
	a = world_ask(w, filled);
	world_sql(w, "INSERT INTO account (jid, blocked) VALUES ('" JULIET "', 1)");
	a = world_command(w, .node = "im", .session = a.session, .action = "complete");
	assert_string_equal(a.condition, "not-allowed");
	assert_int_equal(packets_stored(w), 0);
}

/* -- list, show, cancel --------------------------------------------------------------------------------------------------------- */

static void
test_list_shows_the_own_messages_soonest_first(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	a = world_command(w, .node = "list");
	assert_says(a.note, "Nothing is waiting");
	const char *second = world_schedule(w, .when = "in 2 hours", .body = "the second of them");
	const char *first = world_schedule(w, .when = "in 1 hours");
	world_schedule(w, .from = NURSE, .when = "in 1 hours");
	a = world_command(w, .node = "list");
	assert_says(a.note, "2 waiting");
	assert_says(world_field(w, &a, first), "“Good morning”, scheduled");
	assert_says(world_field(w, &a, second), "2026-11-22 13:00");
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet"), 3);
}

static void
test_show_tells_the_whole_story(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = world_schedule(w, .when = "2026-11-22 11:05:00", .body = "Good morning\nto you");
	world_advance(w, 10 * MINUTE_MS);
	world_receipt(w, world_only(w, ROMEO));
	a = world_command(w, .node = "show", .fields = { "id", id });
	assert_string_equal(a.status, "completed");
	assert_string_equal(world_field(w, &a, "to"), ROMEO);
	assert_string_equal(world_field(w, &a, "state"), "delivered");
	assert_string_equal(world_field(w, &a, "body"), "Good morning\nto you");
	assert_string_equal(world_field(w, &a, "attempts"), "Attempts: 1");
	assert_says(world_field(w, &a, "due"), "Sun 2026-11-22 11:05");
	assert_says(world_field(w, &a, "history-1"), "scheduled");
	assert_says(world_field(w, &a, "sent"), "11:05");
}

/* Of the only packet. */
static void
add_history(struct world *w, int from, int to)
{
	world_sql(w,
	    "WITH RECURSIVE i(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM i WHERE i < %d) "
	    "INSERT INTO event (packet, at, what) SELECT 1, 1795341630000 + i, 'line ' || i FROM i",
	    from, to);
}

static void
test_show_of_a_long_history_has_its_beginning_and_its_end(void **state)
{
	struct world *w = *state;
	struct answer a;
	char *xml;
	size_t len;

	world_start(w);
	const char *id = world_schedule(w, .when = "in 1 hours", .body = "Good morning");
	add_history(w, 2, 5000);
	a = world_command(w, .node = "show", .fields = { "id", id });
	assert_string_equal(a.status, "completed");
	assert_string_equal(world_field(w, &a, "body"), "Good morning");
	assert_says(world_field(w, &a, "history-1"), "scheduled");
	assert_says(world_field(w, &a, "history-2"), ": line 2");
	assert_string_equal(world_field(w, &a, "history-2500"), "");
	assert_says(world_field(w, &a, "history-left-out"), "…");
	assert_says(world_field(w, &a, "history-4999"), ": line 4999");
	assert_says(world_field(w, &a, "history-5000"), ": line 5000");
	assert_int_equal(xmpp_stanza_to_text(a.form, &xml, &len), 0);
	xmpp_free(w->ctx, xml);
	assert_in_range(len, 1, 64 * 1024);
}

static void
test_history_that_is_just_short_enough_is_shown_whole(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *id = world_schedule(w, .when = "in 1 hours");
	for (int n = 50; n <= 51; n++) {
		world_sql(w, "DELETE FROM event");
		add_history(w, 1, n);
		struct answer a = world_command(w, .node = "show", .fields = { "id", id });
		for (int i = 1; i <= n; i++) {
			char var[32], line[32];

			snprintf(var, sizeof(var), "history-%d", i);
			snprintf(line, sizeof(line), ": line %d", i);
			if (n == 51 && i == 11)
				assert_string_equal(world_field(w, &a, var), "");
			else
				assert_says(world_field(w, &a, var), line);
		}
		assert_string_equal(world_field(w, &a, "history-left-out"), n == 51 ? "…" : "");
	}
}

static void
test_id_may_be_typed_in_lower_case(void **state)
{
	struct world *w = *state;
	char typed[PACKET_ID_LEN + 1];
	struct answer a;

	world_start(w);
	const char *id = world_schedule(w, .when = "in 1 hours");
	for (size_t i = 0; i <= PACKET_ID_LEN; i++)
		typed[i] = (char)(id[i] >= 'A' ? id[i] + 32 : id[i]);
	a = world_command(w, .node = "cancel", .fields = { "ids", typed });
	assert_says(a.note, "cancelled");
	assert_string_equal(world_state(w, id), "cancelled");
}

static void
test_cancel_before_due_stops_it_and_gives_the_charge_back(void **state)
{
	struct world *w = *state;
	struct answer a;

	w->config.quota[KIND_IM] = (struct quota_limit){ 1, 1 };
	world_start(w);
	const char *id = world_schedule(w, .when = "in 1 hours");
	a = world_command(w, .node = "cancel", .fields = { "ids", id });
	assert_string_equal(a.status, "completed");
	assert_says(a.note, "cancelled");
	assert_int_equal(charged(w), 0);
	a = world_command(w, .node = "cancel", .fields = { "ids", id });
	assert_says(a.note, "already cancelled");
	assert_int_equal(charged(w), 0);
	world_schedule(w, .to = "nurse@example.net", .when = "in 2 hours");
	world_advance(w, 3 * HOUR_MS);
	assert_int_equal(world_count(w, ROMEO), 0);
	assert_int_equal(world_count(w, "nurse@example.net"), 1);
}

static void
test_cancel_stops_what_is_queued_or_held(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *queued = world_schedule(w, .when = "in 20 seconds");
	const char *held = world_schedule(w, .to = "tybalt@example.net", .when = "in 2 seconds", .offline = "hold");
	world_advance(w, 3 * SECOND_MS);
	assert_string_equal(world_state(w, queued), "queued");
	assert_string_equal(world_state(w, held), "held");
	world_forget(w);
	char ids[2 * PACKET_ID_LEN + 2];
	snprintf(ids, sizeof(ids), "%s\n%s", queued, held);
	struct answer a = world_command(w, .node = "cancel", .fields = { "ids", ids });
	assert_says(world_field(w, &a, queued), "cancelled");
	assert_says(world_field(w, &a, held), "cancelled");
	world_send(w, "<presence type='subscribed' from='tybalt@example.net' to='" BOT "'/>");
	world_online(w, "tybalt@example.net");
	world_advance(w, HOUR_MS);
	assert_int_equal(w->nheard, 0);
	assert_int_equal(charged(w), 0);
}

static void
test_cancel_tells_the_truth_about_what_has_left(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = world_schedule(w, .when = "in 1 minutes");
	w->pong = false;
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "in flight");
	a = world_command(w, .node = "show", .fields = { "id", id });
	assert_string_equal(world_field(w, &a, "state"), "in flight");
	a = world_command(w, .node = "cancel", .fields = { "ids", id });
	assert_says(a.note, "in flight");
	w->pong = true;
	world_cut(w);
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "sent");
	a = world_command(w, .node = "cancel", .fields = { "ids", id });
	assert_says(a.note, "already sent");
	assert_int_equal(charged(w), 1);
}

static void
test_messages_of_others_do_not_exist(void **state)
{
	struct world *w = *state;
	struct answer mine, none;

	world_start(w);
	const char *id = world_schedule(w, .when = "in 1 hours");
	world_schedule(w, .from = NURSE, .when = "in 1 hours");
	mine = world_command(w, .from = NURSE, .node = "show", .fields = { "id", id });
	none = world_command(w, .from = NURSE, .node = "show", .fields = { "id", "ZZZZZZ" });
	assert_string_equal(mine.condition, "item-not-found");
	assert_string_equal(mine.error_type, "cancel");
	assert_string_equal(mine.text, none.text);
	mine = world_command(w, .from = NURSE, .node = "cancel", .fields = { "ids", id });
	assert_string_equal(mine.condition, "item-not-found");
	assert_string_equal(world_state(w, id), "scheduled");
}

/* -- The end -------------------------------------------------------------------------------------------------------------------- */

static void
test_draining_accepts_nothing_new_but_answers(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = world_schedule(w, .when = "in 1 seconds");
	w->pong = false;
	world_advance(w, SECOND_MS);
	laterd_drain(w->laterd);
	world_settle(w);
	assert_false(laterd_done(w->laterd));
	a = world_ask(w, world_im(.when = "in 1 hours"));
	assert_string_equal(a.condition, "resource-constraint");
	assert_string_equal(a.error_type, "wait");
	a = world_command(w, .node = "show", .fields = { "id", id });
	assert_string_equal(world_field(w, &a, "state"), "in flight");
	assert_int_equal(packets_stored(w), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_form_confirmation_and_completion),
		WORLD_TEST(test_complete_at_stage_1_skips_the_confirmation),
		WORLD_TEST(test_going_forward_by_execute_or_next_confirms_first),
		WORLD_TEST(test_prev_brings_the_form_back_filled_in),
		WORLD_TEST(test_cancelled_dialogue_stores_nothing),
		WORLD_TEST(test_confirmation_that_comes_too_late_is_asked_again),
		WORLD_TEST(test_idle_session_expires),
		WORLD_TEST(test_wrong_field_brings_the_same_form_back_with_the_reason),
		WORLD_TEST(test_message_above_body_max_is_refused_and_one_at_it_is_not),
		WORLD_TEST(test_text_of_very_many_lines_comes_back_whole_in_few_values),
		WORLD_TEST(test_unknown_command_is_not_found),
		WORLD_TEST(test_foreign_domains_are_forbidden),
		WORLD_TEST(test_blocked_user_is_not_allowed),
		WORLD_TEST(test_user_blocked_between_form_and_completion_is_refused),
		WORLD_TEST(test_list_shows_the_own_messages_soonest_first),
		WORLD_TEST(test_show_tells_the_whole_story),
		WORLD_TEST(test_show_of_a_long_history_has_its_beginning_and_its_end),
		WORLD_TEST(test_history_that_is_just_short_enough_is_shown_whole),
		WORLD_TEST(test_id_may_be_typed_in_lower_case),
		WORLD_TEST(test_cancel_before_due_stops_it_and_gives_the_charge_back),
		WORLD_TEST(test_cancel_stops_what_is_queued_or_held),
		WORLD_TEST(test_cancel_tells_the_truth_about_what_has_left),
		WORLD_TEST(test_messages_of_others_do_not_exist),
		WORLD_TEST(test_draining_accepts_nothing_new_but_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
