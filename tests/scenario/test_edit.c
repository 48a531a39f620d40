/* Messages that are written anew while they wait: what is given is changed, and nothing else. */
#include "world.h"

#define NURSE "nurse@example.net"
#define DUE   "2026-11-22 12:00"

static const char *
schedule(struct world *w)
{
	return world_schedule(w, .when = DUE, .body = "Good morning\nto you", .expires = "2026-11-23 12:00");
}

static int64_t
charged(struct world *w)
{
	return world_sql(w, "SELECT coalesce(sum(count), 0) FROM charge WHERE sender <> 'service'");
}

/* All that is on disk of it, for comparison. */
static const char *
row(struct world *w, const char *id)
{
	return world_sql_text(w, "SELECT recipient || state || offline || due_at || next_at || expires_at || zone || hex(sealed) || "
	    "charge_day || charge_units || revision FROM packet WHERE id = '%s'", id);
}

static void
expect_done(struct world *w, const struct answer *a, const char *id)
{
	if (strcmp(a->status, "completed") != 0 || strcmp(a->note_type, "info") != 0)
		fail_msg("not edited: %s", world_text(w, a));
	assert_string_equal(world_field(w, a, "id"), id);
	assert_int_equal(world_utc(world_field(w, a, "due")), world_due(w, id));
}

/* -- The form ------------------------------------------------------------------------------------------------------------------- */

static void
test_form_is_filled_in_with_what_waits(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = world_schedule(w, .when = DUE, .body = "Good <morning>\n\nto you", .offline = "drop",
	    .expires = "2026-11-23 12:00");
	a = world_edit(w, "id", id);
	assert_string_equal(a.status, "executing");
	assert_string_equal(a.note, "");
	assert_string_equal(world_field(w, &a, "id"), id);
	assert_string_equal(world_field(w, &a, "to"), ROMEO);
	world_says(world_field(w, &a, "when"), "2026-11-22 12:00");
	world_says(world_field(w, &a, "expires"), "2026-11-23 12:00");
	assert_string_equal(world_field(w, &a, "body"), "Good <morning>\n\nto you");
	assert_string_equal(world_field(w, &a, "offline"), "drop");
	assert_string_equal(world_field(w, &a, "repeat"), "no");
	assert_false(world_has_field(&a, "scope"));
}

static void
test_form_comes_back_confirmed_and_done(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = schedule(w);
	a = world_edit(w, "id", id);
	a = world_command(w, .node = "edit", .session = a.session, .action = "next", .fields = { "id", id, "to", ROMEO,
	    "when", world_field(w, &a, "when"), "body", "Good night", "offline", "auto",
	    "expires", world_field(w, &a, "expires"), "repeat", "no", "rrule", "" });
	assert_string_equal(a.status, "executing");
	assert_string_equal(a.execute, "complete");
	world_says(world_field(w, &a, "when"), "Sun 2026-11-22 12:00 (Europe/Berlin, +01:00)");
	assert_string_equal(world_field(w, &a, "body"), "Good night");
	assert_int_equal(world_sql(w, "SELECT revision FROM packet"), 0);
	a = world_command(w, .node = "edit", .session = a.session, .action = "complete");
	expect_done(w, &a, id);
	world_advance(w, 2 * HOUR_MS);
	assert_string_equal(world_only(w, ROMEO)->body, "Good night");
	assert_string_equal(world_only(w, ROMEO)->id, id);
	assert_string_equal(world_only(w, ROMEO)->clock, "2026-11-22T11:00:00.000Z");
}

static void
test_edit_without_an_id_offers_what_waits(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	a = world_command(w, .node = "edit");
	assert_string_equal(a.status, "completed");
	assert_true(a.note[0] != '\0');
	const char *id = schedule(w);
	a = world_command(w, .node = "edit");
	assert_string_equal(a.status, "executing");
	a = world_command(w, .node = "edit", .session = a.session, .action = "next", .fields = { "id", id });
	assert_string_equal(a.status, "executing");
	assert_string_equal(world_field(w, &a, "to"), ROMEO);
}

/* -- Fields --------------------------------------------------------------------------------------------------------------------- */

static void
test_each_field_is_changed_and_the_others_stay(void **state)
{
	static const struct {
		const char *var, *value, *columns; /* what may change */
	} edits[] = {
		{ "to", NURSE, "recipient" },
		{ "when", "2026-11-22 13:00", "due_at" },
		{ "body", "Good night", "" },
		{ "offline", "server", "offline" },
		{ "expires", "2026-11-24 12:00", "expires_at" },
	};
	static const char *const columns[] = { "recipient", "due_at", "offline", "expires_at" };

	(void)state;
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		const char *before[4];
		struct world *w;
		struct answer a;

		world_setup((void **)&w);
		world_start(w);
		const char *id = schedule(w);
		for (size_t j = 0; j < 4; j++)
			before[j] = world_sql_text(w, "SELECT %s FROM packet", columns[j]);
		a = world_edit(w, "id", id, edits[i].var, edits[i].value);
		expect_done(w, &a, id);
		for (size_t j = 0; j < 4; j++) {
			bool same = strcmp(before[j], world_sql_text(w, "SELECT %s FROM packet", columns[j])) == 0;

			if (same != (strcmp(columns[j], edits[i].columns) != 0))
				fail_msg("an edit of %s: %s is %s", edits[i].var, columns[j], same ? "the same" : "another");
		}
		assert_int_equal(charged(w), 1);
		assert_int_equal(world_sql(w, "SELECT revision FROM packet"), 1);
		world_advance_to(w, "2026-11-22T12:00:00Z");
		assert_int_equal(w->nheard, 1);
		assert_string_equal(w->heard[0].id, id);
		assert_string_equal(w->heard[0].to, i == 0 ? NURSE : ROMEO);
		assert_string_equal(w->heard[0].body, i == 2 ? "Good night" : "Good morning\nto you");
		assert_string_equal(w->heard[0].clock, i == 1 ? "2026-11-22T12:00:00.000Z" : "2026-11-22T11:00:00.000Z");
		assert_string_equal(w->heard[0].delay, "");
		a = world_order(w, "show", id);
		world_says(world_text(w, &a), "changed by the sender");
		world_teardown((void **)&w);
	}
}

static void
test_earlier_time_leaves_earlier(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *id = schedule(w);
	world_edit(w, "id", id, "when", "in 5 seconds");
	world_advance(w, 5 * SECOND_MS);
	assert_string_equal(world_only(w, ROMEO)->id, id);
	world_advance(w, 2 * HOUR_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
}

static void
test_default_expiry_never_comes_before_the_new_time(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = world_schedule(w, .when = DUE);
	a = world_edit(w, "id", id, "when", "2027-02-01 09:00");
	expect_done(w, &a, id);
	assert_true(world_sql(w, "SELECT expires_at > due_at FROM packet"));
}

static void
test_wrong_field_changes_nothing(void **state)
{
	static const char *const wrong[][2] = {
		{ "to", "romeo" }, { "to", "" }, { "to", ROMEO ", " NURSE }, { "to", PHONE }, { "when", "soon" }, { "when", "" },
		{ "when", "2026-11-21 09:00" }, { "when", "2028-06-01 09:00" }, { "when", "2026-11-23 13:00" }, { "body", " " },
		{ "offline", "maybe" }, { "expires", "2026-11-22 11:30" }, { "repeat", "hourly" }, { "rrule", "FREQ=SECONDLY" },
	};
	struct world *w = *state;

	world_start(w);
	const char *id = schedule(w), *before = row(w, id);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct answer a = world_edit(w, "id", id, wrong[i][0], wrong[i][1]);

		if (strcmp(a.status, "executing") != 0 || strcmp(a.note_type, "error") != 0)
			fail_msg("%s = %s is %s: %s", wrong[i][0], wrong[i][1], a.status, a.note);
		assert_string_equal(world_field(w, &a, "error"), a.note);
		assert_string_equal(world_field(w, &a, "id"), id);
		if (strcmp(wrong[i][0], "offline") != 0 && strcmp(wrong[i][0], "repeat") != 0)
			assert_string_equal(world_field(w, &a, wrong[i][0]), wrong[i][1]);
		assert_string_equal(row(w, id), before);
	}
	assert_int_equal(charged(w), 1);
	world_advance(w, 2 * HOUR_MS);
	assert_string_equal(world_only(w, ROMEO)->body, "Good morning\nto you");
}

/* -- What has left its place ---------------------------------------------------------------------------------------------------- */

static void
test_held_message_is_edited_without_a_new_time(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	world_sql(w, "INSERT INTO contact (jid, state, changed_at) VALUES ('" ROMEO "', 2, 1)");
	world_person(w, ROMEO)->probe = PROBE_OFFLINE;
	const char *id = world_schedule(w, .when = DUE, .offline = "hold");
	world_advance(w, 3 * HOUR_MS);
	assert_string_equal(world_state(w, id), "held");
	a = world_edit(w, "id", id);
	const char *when = world_field(w, &a, "when");
	a = world_command(w, .node = "edit", .session = a.session, .fields = { "id", id, "to", ROMEO, "when", when,
	    "body", "Good night", "offline", "hold", "expires", world_field(w, &a, "expires") });
	expect_done(w, &a, id);
	world_advance(w, MINUTE_MS);
	a = world_edit(w, "id", id, "body", "Good night, good night");
	expect_done(w, &a, id);
	world_advance(w, HOUR_MS);
	assert_string_equal(world_state(w, id), "held");
	assert_int_equal(world_count(w, ROMEO), 0);
	world_online(w, ROMEO);
	assert_string_equal(world_only(w, ROMEO)->body, "Good night, good night");
	assert_string_equal(world_only(w, ROMEO)->delay, "2026-11-22T11:00:00Z");
	assert_int_equal(charged(w), 1);
}

static void
test_too_late_says_why(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *sent = world_schedule(w, .to = NURSE, .when = "in 1 minutes"), *cancelled = schedule(w);
	world_command(w, .node = "cancel", .fields = { "ids", cancelled });
	world_advance(w, MINUTE_MS);
	const char *flying = world_schedule(w, .when = "in 1 minutes");
	w->pong = false;
	world_advance(w, MINUTE_MS);
	for (int i = 0; i < 2; i++) {
		const char *body = i == 0 ? NULL : "body";

		a = world_edit(w, "id", sent, body, "Too late");
		assert_string_equal(a.note_type, "error");
		world_says(a.note, "already sent");
		a = world_edit(w, "id", flying, body, "Too late");
		assert_string_equal(a.note_type, "error");
		world_says(a.note, "in flight");
		a = world_edit(w, "id", cancelled, body, "Too late");
		assert_string_equal(a.note_type, "error");
		world_says(a.note, "cancelled");
	}
	world_pong(w);
	world_advance(w, 2 * HOUR_MS);
	assert_int_equal(w->nheard, 2);
	assert_string_equal(world_only(w, ROMEO)->body, "Good morning");
}

static void
test_messages_of_others_cannot_be_edited(void **state)
{
	struct world *w = *state;
	struct answer a, none;

	world_start(w);
	const char *id = schedule(w), *before = row(w, id);
	world_schedule(w, .from = "nurse@example.org/kitchen");
	a = world_command(w, .from = "nurse@example.org/kitchen", .node = "edit", .fields = { "id", id, "body", "Ha" });
	none = world_command(w, .from = "nurse@example.org/kitchen", .node = "edit", .fields = { "id", "ZZZZZZ", "body", "Ha" });
	assert_string_equal(a.condition, "item-not-found");
	assert_string_equal(a.text, none.text);
	assert_string_equal(a.condition, none.condition);
	assert_string_equal(row(w, id), before);
}

static void
test_edit_that_cannot_be_stored_is_not_claimed(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = schedule(w);
	world_disk_has(w, 0);
	a = world_edit(w, "id", id, "body", "Good night");
	world_disk_is_freed();
	assert_string_equal(a.condition, "internal-server-error");
	world_advance(w, 2 * HOUR_MS);
	assert_string_equal(world_only(w, ROMEO)->body, "Good morning\nto you");
}

/* -- SMS and MMS ---------------------------------------------------------------------------------------------------------------- */

static const char *
text_of(struct world *w, size_t len)
{
	char *text = arena_alloc(&w->arena, len + 1);

	memset(text, 'x', len);
	text[len] = '\0';
	return text;
}

static void
test_charge_grows_and_shrinks_with_the_segments(void **state)
{
	struct world *w = *state;
	struct answer a;

	w->config.count_segments = true;
	w->config.quota[KIND_SMS] = (struct quota_limit){ 3, 100 };
	world_gateway(w, .info.name = "office");
	world_start(w);
	const char *id = world_schedule_sms(w, .when = "2026-11-23 12:00", .body = text_of(w, 100));
	assert_int_equal(charged(w), 1);
	a = world_edit(w, "id", id, "body", text_of(w, 200));
	expect_done(w, &a, id);
	assert_string_equal(world_field(w, &a, "segments"), "2");
	assert_int_equal(charged(w), 2);
	/* The old charge counts no more: three of three. */
	a = world_edit(w, "id", id, "body", text_of(w, 400));
	expect_done(w, &a, id);
	assert_int_equal(charged(w), 3);
	const char *before = row(w, id);
	a = world_edit(w, "id", id, "body", text_of(w, 500));
	assert_string_equal(a.note_type, "error");
	world_says(a.note, "limit of 3");
	assert_string_equal(row(w, id), before);
	assert_int_equal(charged(w), 3);
	a = world_edit(w, "id", id, "body", text_of(w, 50));
	expect_done(w, &a, id);
	assert_int_equal(charged(w), 1);
	world_advance_to(w, "2026-11-23T11:00:00Z");
	assert_int_equal(w->phones.n, 1);
	assert_string_equal(w->phones.v[0].body.p, text_of(w, 50));
	assert_int_equal(charged(w), 1);
}

static void
test_edit_at_another_day_is_charged_once(void **state)
{
	struct world *w = *state;
	struct answer a;

	w->config.quota[KIND_IM] = (struct quota_limit){ 1, 100 };
	world_start(w);
	const char *id = world_schedule(w, .when = "2026-11-24 12:00");
	world_advance(w, DAY_MS);
	a = world_edit(w, "id", id, "body", "Good night");
	expect_done(w, &a, id);
	assert_int_equal(charged(w), 1);
	world_command(w, .node = "cancel", .fields = { "ids", id });
	assert_int_equal(charged(w), 0);
}

static void
test_number_without_a_gateway_is_refused(void **state)
{
	static const char *const prefix[] = { "+49", NULL };
	struct world *w = *state;
	struct answer a;

	world_gateway(w, .info.name = "office", .info.allow = prefix);
	world_start(w);
	const char *id = world_schedule_sms(w, .when = DUE), *before = row(w, id);
	a = world_edit(w, "id", id, "to", "+447700900123");
	assert_string_equal(a.status, "executing");
	assert_string_equal(row(w, id), before);
	a = world_edit(w, "id", id, "to", "+491701000000");
	expect_done(w, &a, id);
	world_advance(w, 2 * HOUR_MS);
	assert_int_equal(world_sms(w, "+491701000000"), 1);
	assert_int_equal(w->phones.n, 1);
}

#define LINK  "https://upload.example.org/a.png"
#define LINK2 "https://upload.example.org/b.gif"
#define ACCEPTED \
	"<?xml version='1.0'?><env:Envelope xmlns:env='http://schemas.xmlsoap.org/soap/envelope/'><env:Body>" \
	"<mm7:SubmitRsp xmlns:mm7='urn:x'><mm7:MM7Version>6.8.0</mm7:MM7Version><mm7:Status><mm7:StatusCode>1000" \
	"</mm7:StatusCode></mm7:Status><mm7:MessageID>mms-1</mm7:MessageID></mm7:SubmitRsp></env:Body></env:Envelope>"

static const char *
schedule_mms(struct world *w)
{
	struct ask ask = {
		.node = "mms",
		.fields = { "to", PHONE, "when", DUE, "subject", "Hello", "body", "Look!", "media", LINK },
	};
	struct answer a;

	world_gateway(w, .info.name = "mmsc", .driver = "mm7", .info.kinds = { [KIND_MMS] = true }, .info.media_max = 100000);
	world_phone(w, "http://mmsc", .status = 200, .type = "text/xml", .body = SPAN(ACCEPTED));
	world_phone(w, LINK, .status = 200, .type = "image/png", .body = SPAN("\x89PNG\r\n\x1a\n-picture"));
	world_phone(w, LINK2, .status = 200, .type = "image/gif", .body = SPAN("GIF89a-picture"));
	world_start(w);
	world_send(w, "%s", world_ask_xml(w, &ask));
	world_settle(w);
	a = world_answer(w, ask.id);
	assert_string_equal(a.status, "completed");
	/* Nothing of the form is in memory any more. */
	world_advance(w, 20 * MINUTE_MS);
	return world_field(w, &a, "id");
}

static void
test_media_that_stay_are_not_fetched_again(void **state)
{
	struct world *w = *state;
	struct answer a;

	const char *id = schedule_mms(w);
	assert_int_equal(world_requests(w, LINK), 1);
	a = world_edit(w, "id", id);
	assert_string_equal(world_field(w, &a, "subject"), "Hello");
	assert_string_equal(world_field(w, &a, "body"), "Look!");
	assert_string_equal(world_field(w, &a, "media"), LINK);
	a = world_command(w, .node = "edit", .session = a.session, .fields = { "id", id, "to", PHONE, "when", DUE,
	    "subject", "Hello again", "body", "Look!", "media", LINK });
	expect_done(w, &a, id);
	a = world_edit(w, "id", id, "body", "Look here!");
	expect_done(w, &a, id);
	assert_int_equal(world_requests(w, LINK), 1);
	world_advance(w, HOUR_MS);
	assert_int_equal(world_requests(w, "http://mmsc"), 1);
	const char *body = world_request(w, "http://mmsc")->body.p;
	assert_non_null(strstr(body, "iVBORw0KGgotcGljdHVyZQ=="));
	assert_non_null(strstr(body, "Hello again"));
	assert_non_null(strstr(body, "Look here!"));
}

static void
test_other_media_are_fetched(void **state)
{
	struct world *w = *state;
	struct answer a;

	const char *id = schedule_mms(w);
	struct ask ask = { .node = "edit", .fields = { "id", id, "media", LINK "\n" LINK2 } };
	world_send(w, "%s", world_ask_xml(w, &ask));
	world_settle(w);
	a = world_answer(w, ask.id);
	expect_done(w, &a, id);
	assert_int_equal(world_requests(w, LINK), 1);
	assert_int_equal(world_requests(w, LINK2), 1);
	world_advance(w, HOUR_MS);
	const char *body = world_request(w, "http://mmsc")->body.p;
	assert_non_null(strstr(body, "iVBORw0KGgotcGljdHVyZQ=="));
	assert_non_null(strstr(body, "R0lGODlhLXBpY3R1cmU="));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_form_is_filled_in_with_what_waits),
		WORLD_TEST(test_form_comes_back_confirmed_and_done),
		WORLD_TEST(test_edit_without_an_id_offers_what_waits),
		cmocka_unit_test(test_each_field_is_changed_and_the_others_stay),
		WORLD_TEST(test_earlier_time_leaves_earlier),
		WORLD_TEST(test_default_expiry_never_comes_before_the_new_time),
		WORLD_TEST(test_wrong_field_changes_nothing),
		WORLD_TEST(test_held_message_is_edited_without_a_new_time),
		WORLD_TEST(test_too_late_says_why),
		WORLD_TEST(test_messages_of_others_cannot_be_edited),
		WORLD_TEST(test_edit_that_cannot_be_stored_is_not_claimed),
		WORLD_TEST(test_charge_grows_and_shrinks_with_the_segments),
		WORLD_TEST(test_edit_at_another_day_is_charged_once),
		WORLD_TEST(test_number_without_a_gateway_is_refused),
		WORLD_TEST(test_media_that_stay_are_not_fetched_again),
		WORLD_TEST(test_other_media_are_fetched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
