/* What users set, look back on, take with them and have forgotten. */
#include <jansson.h>

#include "world.h"

#define NURSE "nurse@example.org/kitchen"

/* -- history -------------------------------------------------------------------------------------------------------------------- */

static void
test_history_shows_what_has_ended_latest_first(void **state)
{
	struct world *w = *state;
	struct answer a;
	struct buf vars = { 0 };

	world_start(w);
	a = world_command(w, .node = "history");
	assert_string_equal(a.status, "completed");
	assert_true(a.note[0] != '\0');
	const char *sent = world_schedule(w, .when = "in 1 minutes"), *cancelled = world_schedule(w, .body = "Good night");
	const char *dropped = world_schedule(w, .when = "in 3 minutes", .offline = "drop");
	const char *waits = world_schedule(w, .when = "in 5 hours");
	world_schedule(w, .from = NURSE, .when = "in 1 minutes");
	world_advance(w, 2 * MINUTE_MS);
	world_command(w, .node = "cancel", .fields = { "ids", cancelled });
	world_advance(w, 2 * MINUTE_MS);
	a = world_command(w, .node = "history");
	assert_string_equal(a.status, "completed");
	world_says(world_field(w, &a, sent), "sent");
	world_says(world_field(w, &a, sent), ROMEO);
	world_says(world_field(w, &a, sent), "Good morning");
	world_says(world_field(w, &a, cancelled), "cancelled");
	world_says(world_field(w, &a, dropped), "expired");
	assert_false(world_has_field(&a, waits));
	buf_text(&vars, world_text(w, &a));
	const char *text = buf_str(&vars);
	assert_true(strstr(text, dropped) < strstr(text, cancelled));
	assert_true(strstr(text, cancelled) < strstr(text, sent));
	buf_free(&vars);
}

static void
test_history_of_very_many_fits_into_an_answer(void **state)
{
	struct world *w = *state;
	struct answer a;
	char *xml;
	size_t len;

	world_start(w);
	for (int i = 0; i < 300; i++)
		world_schedule(w, .when = "in 1 minutes", .body = "Good morning, good morning, good morning, good morning");
	world_advance(w, 2 * MINUTE_MS);
	a = world_command(w, .node = "history");
	assert_string_equal(a.status, "completed");
	assert_int_equal(xmpp_stanza_to_text(a.form, &xml, &len), 0);
	xmpp_free(w->ctx, xml);
	assert_in_range(len, 1000, 128 * 1024);
}

/* -- settings ------------------------------------------------------------------------------------------------------------------- */

static void
test_settings_that_are_left_out_stay(void **state)
{
	static const char *const settings[][2] = {
		{ "zone", "America/New_York" }, { "notify", "sent" }, { "offline", "hold" }, { "hours", "12" }, { "language", "en" },
	};
	struct world *w = *state;
	struct answer a;

	world_start(w);
	for (size_t i = 0; i < 5; i++) {
		a = world_command(w, .node = "settings", .fields = { settings[i][0], settings[i][1] });
		assert_string_equal(a.status, "completed");
		assert_string_equal(a.note_type, "info");
	}
	world_restart(w);
	a = world_command(w, .node = "settings");
	assert_string_equal(a.status, "executing");
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(world_field(w, &a, settings[i][0]), settings[i][1]);
	a = world_command(w, .from = NURSE, .node = "settings");
	assert_string_equal(world_field(w, &a, "notify"), "failure");
	assert_string_equal(world_field(w, &a, "hours"), "24");
}

static void
test_offline_setting_is_the_default_of_the_form(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	world_command(w, .node = "settings", .fields = { "offline", "drop" });
	a = world_command(w, .node = "im");
	assert_string_equal(world_field(w, &a, "offline"), "drop");
	a = world_command(w, .node = "im", .fields = { "to", ROMEO, "when", "in 5 minutes", "body", "Good morning" });
	assert_string_equal(a.status, "completed");
	world_advance(w, 5 * MINUTE_MS);
	assert_string_equal(world_state(w, world_field(w, &a, "id")), "expired");
	world_schedule(w, .offline = "server");
	world_advance(w, 5 * MINUTE_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
}

static void
test_wrong_setting_changes_none(void **state)
{
	static const char *const wrong[][2] = {
		{ "zone", "Mars" }, { "notify", "always" }, { "offline", "maybe" }, { "hours", "10" }, { "language", "tlh" },
	};
	struct world *w = *state;

	world_start(w);
	for (size_t i = 0; i < 5; i++) {
		/* Something right beside it is not saved either. */
		struct answer a = world_command(w, .node = "settings",
		    .fields = { i == 1 ? "hours" : "notify", i == 1 ? "12" : "sent", wrong[i][0], wrong[i][1] });

		assert_string_equal(a.status, "executing");
		assert_string_equal(a.note_type, "error");
		assert_string_equal(world_field(w, &a, "error"), a.note);
		a = world_command(w, .node = "settings");
		assert_string_equal(world_field(w, &a, "notify"), "failure");
		assert_string_equal(world_field(w, &a, "hours"), "24");
	}
}

/* -- export --------------------------------------------------------------------------------------------------------------------- */

/* The document that the bot has sent to juliet in chat; NULL when it has not. */
static json_t *
sent_document(struct world *w)
{
	for (size_t i = 0; i < w->nheard; i++) {
		const char *begin = strchr(w->heard[i].body, '{');
		json_error_t error;

		if (strcmp(w->heard[i].to, JULIET) != 0 || strcmp(w->heard[i].from, BOT) != 0 || begin == NULL)
			continue;
		json_t *json = json_loads(begin, JSON_DISABLE_EOF_CHECK, &error);
		if (json == NULL)
			fail_msg("%s: %s", error.text, begin);
		return json;
	}
	return NULL;
}

static const char *
string_of(json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	if (!json_is_string(value))
		fail_msg("there is no %s", key);
	return json_string_value(value);
}

static void
export(struct world *w)
{
	struct answer a = world_command(w, .node = "export");

	assert_string_equal(a.status, "completed");
	assert_string_equal(a.note_type, "info");
	world_advance(w, 30 * SECOND_MS);
}

/* More than fits into a chat. */
static void
write_much(struct world *w)
{
	char body[1001];

	memset(body, 'x', 1000);
	body[1000] = '\0';
	for (int i = 0; i < 40; i++)
		world_schedule(w, .when = "in 5 hours", .body = body);
}

static void
test_small_export_comes_in_chat(void **state)
{
	struct world *w = *state;
	json_t *json, *m;

	world_gateway(w, .info.name = "office");
	world_start(w);
	world_online(w, JULIET);
	world_schedule(w, .when = "in 1 minutes", .body = "Good <morning> & \"all\"\nthat \xe2\x82\xac");
	world_schedule_sms(w, .when = "in 2 minutes", .body = "Late, sorry");
	const char *daily = world_schedule(w, .when = "2026-11-23 09:00", .body = "{date}", .repeat = "daily");
	world_schedule(w, .from = NURSE, .when = "in 1 minutes", .body = "Secret of the nurse");
	world_command(w, .node = "settings", .fields = { "zone", "America/New_York" });
	world_advance(w, 3 * MINUTE_MS);
	world_forget(w);
	export(w);
	json = sent_document(w);
	assert_non_null(json);
	assert_string_equal(string_of(json, "service"), COMPONENT);
	assert_string_equal(string_of(json, "user"), JULIET);
	assert_string_equal(string_of(json_object_get(json, "settings"), "zone"), "America/New_York");
	assert_int_equal(json_array_size(json_object_get(json, "charges")), 2);
	assert_int_equal(json_array_size(json_object_get(json, "recurrences")), 1);
	m = json_array_get(json_object_get(json, "recurrences"), 0);
	assert_string_equal(string_of(m, "id"), world_sql_text(w, "SELECT series FROM packet WHERE id = '%s'", daily));
	assert_string_equal(string_of(m, "body"), "{date}");
	assert_int_equal(json_array_size(json_object_get(json, "messages")), 3);
	for (size_t i = 0, known = 0; i < 3; i++) {
		m = json_array_get(json_object_get(json, "messages"), i);
		known += strcmp(string_of(m, "body"), "Good <morning> & \"all\"\nthat \xe2\x82\xac") == 0 ||
		    strcmp(string_of(m, "body"), "Late, sorry") == 0 || strcmp(string_of(m, "body"), "2026-11-23") == 0;
		assert_true(json_array_size(json_object_get(m, "history")) > 0);
		assert_int_equal(known, i + 1);
	}
	json_decref(json);
	for (size_t i = 0; i < w->nheard; i++)
		assert_null(strstr(w->heard[i].body, "Secret of the nurse"));
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet WHERE recipient = 'nurse@example.org'"), 0);
}

static void
test_export_of_nothing_is_a_document(void **state)
{
	struct world *w = *state;
	json_t *json;

	world_start(w);
	export(w);
	json = sent_document(w);
	assert_non_null(json);
	assert_int_equal(json_array_size(json_object_get(json, "messages")), 0);
	json_decref(json);
}

static void
test_large_export_is_uploaded(void **state)
{
	struct world *w = *state;
	const struct requested *r;
	json_t *json;

	w->uploads = true;
	world_start(w);
	write_much(w);
	world_schedule(w, .from = NURSE, .when = "in 5 hours", .body = "Secret of the nurse");
	export(w);
	assert_int_equal(w->slots, 1);
	r = world_request(w, UPLOADS_PUT);
	assert_non_null(r);
	assert_string_equal(r->method, "PUT");
	assert_string_equal(phone_header(r, "Authorization"), "Basic c2xvdA==");
	assert_string_equal(phone_header(r, "Content-Type"), "application/json");
	assert_int_equal(r->body.len, w->slot_size);
	json = json_loadb(r->body.p, r->body.len, 0, NULL);
	assert_non_null(json);
	assert_int_equal(json_array_size(json_object_get(json, "messages")), 40);
	json_decref(json);
	assert_null(strstr(r->body.p, "Secret of the nurse"));
	assert_int_equal(world_told(w, UPLOADS_GET), 1);
	assert_int_equal(world_count(w, JULIET), 1);
}

static void
test_export_that_cannot_be_uploaded_says_why(void **state)
{
	static const struct {
		bool uploads;
		size_t max;
		enum answers_slot slot;
		int status;
		const char *words;
	} troubles[] = {
		{ false, 1 << 20, SLOT_GIVEN, 0, "" },
		{ true, 1000, SLOT_GIVEN, 0, "" },
		{ true, 1 << 20, SLOT_REFUSED, 0, "Only users of this server may upload" },
		{ true, 1 << 20, SLOT_SILENCE, 0, "" },
		{ true, 1 << 20, SLOT_GIVEN, 403, "" },
		{ true, 1 << 20, SLOT_GIVEN, 500, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++) {
		struct world *w;

		world_setup((void **)&w);
		w->uploads = troubles[i].uploads;
		w->upload_max = troubles[i].max;
		w->slot = troubles[i].slot;
		if (troubles[i].status != 0)
			world_phone(w, UPLOADS_PUT, .status = troubles[i].status, .body = SPAN("no"));
		world_start(w);
		write_much(w);
		export(w);
		world_advance(w, 2 * MINUTE_MS);
		assert_int_equal(world_count(w, JULIET), 1);
		assert_int_equal(world_told(w, troubles[i].words), 1);
		assert_int_equal(world_told(w, UPLOADS_GET), 0);
		/* And it may be tried again. */
		w->uploads = true;
		w->upload_max = 1 << 20;
		w->slot = SLOT_GIVEN;
		world_phone(w, UPLOADS_PUT, .end = PHONE_ANSWERS);
		world_advance(w, 2 * HOUR_MS);
		export(w);
		assert_int_equal(world_told(w, UPLOADS_GET), 1);
		world_teardown((void **)&w);
	}
}

static void
test_stream_that_breaks_during_an_export_harms_nothing(void **state)
{
	struct world *w = *state;

	w->uploads = true;
	w->slot = SLOT_SILENCE;
	world_start(w);
	write_much(w);
	world_command(w, .node = "export");
	world_cut(w);
	w->slot = SLOT_GIVEN;
	world_advance(w, 5 * MINUTE_MS);
	world_forget(w);
	export(w);
	assert_int_equal(world_told(w, UPLOADS_GET), 1);
}

/* -- forget --------------------------------------------------------------------------------------------------------------------- */

static void
forget(struct world *w)
{
	struct answer a = world_command(w, .node = "forget", .fields = { "confirm", "1" });

	if (strcmp(a.status, "completed") != 0 || strcmp(a.note_type, "info") != 0)
		fail_msg("not forgotten: %s", world_text(w, &a));
}

static int64_t
left_of_juliet(struct world *w)
{
	return world_sql(w, "SELECT (SELECT count(*) FROM packet WHERE sender = '" JULIET "') + "
	    "(SELECT count(*) FROM series WHERE sender = '" JULIET "') + "
	    "(SELECT count(*) FROM event WHERE packet NOT IN (SELECT n FROM packet)) + "
	    "(SELECT count(*) FROM account WHERE jid = '" JULIET "') + "
	    "(SELECT count(*) FROM contact WHERE jid = '" JULIET "')");
}

static void
live(struct world *w)
{
	world_gateway(w, .info.name = "office");
	world_start(w);
	world_schedule(w, .when = "in 1 minutes");
	world_schedule_sms(w, .when = "in 2 minutes");
	world_schedule(w, .from = NURSE, .when = "in 1 minutes", .to = "tybalt@example.net");
	world_schedule(w, .from = NURSE, .when = "in 10 minutes", .to = "tybalt@example.net", .repeat = "daily");
	world_command(w, .from = NURSE, .node = "settings", .fields = { "notify", "sent" });
	world_command(w, .node = "settings", .fields = { "zone", "America/New_York", "notify", "sent" });
	world_advance(w, 3 * MINUTE_MS);
	world_schedule(w, .when = "in 1 hours");
	world_schedule(w, .when = "in 20 seconds");
	world_schedule(w, .when = "in 1 seconds", .offline = "hold");
	world_schedule(w, .when = "in 2 hours", .repeat = "daily");
	world_schedule_sms(w, .when = "in 1 hours", .repeat = "daily");
	world_advance(w, 2 * SECOND_MS);
}

static void
test_forgetting_has_to_be_confirmed(void **state)
{
	struct world *w = *state;
	struct answer a;

	live(w);
	int64_t before = left_of_juliet(w);
	a = world_command(w, .node = "forget");
	assert_string_equal(a.status, "executing");
	assert_true(world_has_field(&a, "confirm"));
	a = world_command(w, .node = "forget", .session = a.session, .fields = { "confirm", "0" });
	assert_int_equal(left_of_juliet(w), before);
	a = world_command(w, .node = "forget", .fields = { "confirm", "maybe" });
	assert_int_equal(left_of_juliet(w), before);
	(void)a;
}

static void
test_everything_is_forgotten_and_nothing_of_it_is_sent(void **state)
{
	struct world *w = *state;

	live(w);
	int64_t others = world_sql(w, "SELECT count(*) FROM packet WHERE sender = 'nurse@example.org'");
	int64_t charges = world_sql(w, "SELECT count FROM charge WHERE sender = '" JULIET "' AND kind = 2");
	size_t heard = world_count(w, ROMEO), requests = w->phones.n;
	forget(w);
	world_advance(w, 30 * SECOND_MS);
	assert_int_equal(left_of_juliet(w), 0);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet WHERE sender = 'nurse@example.org'"), others);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM account WHERE jid = 'nurse@example.org'"), 1);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM series WHERE sender = 'nurse@example.org'"), 1);
	assert_int_equal(world_sql(w, "SELECT count FROM charge WHERE sender = '" JULIET "' AND kind = 2"), charges);
	world_online(w, ROMEO);
	world_advance(w, 3 * DAY_MS);
	assert_int_equal(world_count(w, ROMEO), heard);
	assert_int_equal(w->phones.n, requests);
	assert_int_equal(world_count(w, "tybalt@example.net"), 4);
	assert_int_equal(left_of_juliet(w), 0);
}

static void
test_forgetting_goes_on_after_a_crash(void **state)
{
	struct world *w = *state;

	live(w);
	write_much(w);
	size_t heard = world_count(w, ROMEO);
	forget(w);
	world_restart(w);
	world_advance(w, 30 * SECOND_MS);
	assert_int_equal(left_of_juliet(w), 0);
	world_advance(w, 3 * DAY_MS);
	assert_int_equal(world_count(w, ROMEO), heard);
}

static void
test_what_is_in_flight_is_forgotten_when_it_has_ended(void **state)
{
	struct world *w = *state;

	world_gateway(w, .info.name = "office");
	world_start(w);
	world_phone(w, "", .end = PHONE_WAITS);
	world_schedule(w, .when = "in 1 minutes", .repeat = "daily");
	world_schedule_sms(w, .when = "in 1 minutes");
	w->pong = false;
	world_advance(w, MINUTE_MS);
	forget(w);
	world_advance(w, 10 * SECOND_MS);
	world_pong(w);
	world_phone_end(w, 0, .end = PHONE_ANSWERS);
	world_advance(w, 2 * MINUTE_MS);
	assert_int_equal(left_of_juliet(w), 0);
	world_advance(w, 3 * DAY_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
	assert_int_equal(world_sms(w, PHONE), 1);
	assert_int_equal(left_of_juliet(w), 0);
}

static void
test_what_is_uncertain_is_forgotten_as_well(void **state)
{
	struct world *w = *state;

	world_gateway(w, .info.name = "office");
	world_start(w);
	world_phone(w, "", .end = PHONE_BREAKS);
	const char *id = world_schedule_sms(w, .when = "in 1 minutes");
	world_advance(w, 2 * MINUTE_MS);
	assert_string_equal(world_state(w, id), "uncertain");
	forget(w);
	world_advance(w, MINUTE_MS);
	assert_int_equal(left_of_juliet(w), 0);
	/* Somebody else's turn has come as well. */
	world_schedule(w, .from = NURSE, .when = "in 5 hours");
	assert_string_equal(world_command(w, .from = NURSE, .node = "forget", .fields = { "confirm", "1" }).note_type, "info");
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet WHERE sender = 'nurse@example.org'"), 0);
}

static void
test_who_was_forgotten_may_begin_anew(void **state)
{
	struct world *w = *state;

	live(w);
	forget(w);
	world_advance(w, MINUTE_MS);
	const char *id = world_schedule(w, .to = "tybalt@example.net", .when = "in 1 minutes");
	/* The settings are gone as well. */
	assert_string_equal(world_clock_text(w, world_due(w, world_schedule(w, .when = "2026-11-23 09:00"))), "2026-11-23T08:00:00.000Z");
	world_restart(w);
	world_advance(w, 2 * MINUTE_MS);
	assert_string_equal(world_state(w, id), "sent");
}

static void
test_forgetting_that_cannot_be_stored_is_not_claimed(void **state)
{
	struct world *w = *state;
	struct answer a;

	live(w);
	int64_t before = left_of_juliet(w);
	world_disk_has(w, 0);
	a = world_command(w, .node = "forget", .fields = { "confirm", "1" });
	world_disk_is_freed();
	assert_string_equal(a.condition, "internal-server-error");
	world_advance(w, 5 * SECOND_MS);
	assert_int_equal(left_of_juliet(w), before);
}

static void
test_document_that_was_exported_is_forgotten(void **state)
{
	struct world *w = *state;

	live(w);
	export(w);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet WHERE recipient = '" JULIET "' AND length(sealed) > 2000"), 1);
	forget(w);
	world_advance(w, 30 * SECOND_MS);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet WHERE recipient = '" JULIET "' AND length(sealed) > 2000"), 0);
}

/* The copy is not made of what is to be forgotten, or it is forgotten with it. */
static void
test_export_under_way_leaves_nothing_behind(void **state)
{
	struct world *w = *state;

	live(w);
	world_command(w, .node = "export");
	forget(w);
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet WHERE recipient = '" JULIET "' AND length(sealed) > 2000"), 0);
	assert_int_equal(left_of_juliet(w), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_history_shows_what_has_ended_latest_first),
		WORLD_TEST(test_history_of_very_many_fits_into_an_answer),
		WORLD_TEST(test_settings_that_are_left_out_stay),
		WORLD_TEST(test_offline_setting_is_the_default_of_the_form),
		WORLD_TEST(test_wrong_setting_changes_none),
		WORLD_TEST(test_small_export_comes_in_chat),
		WORLD_TEST(test_export_of_nothing_is_a_document),
		WORLD_TEST(test_large_export_is_uploaded),
		cmocka_unit_test(test_export_that_cannot_be_uploaded_says_why),
		WORLD_TEST(test_stream_that_breaks_during_an_export_harms_nothing),
		WORLD_TEST(test_forgetting_has_to_be_confirmed),
		WORLD_TEST(test_everything_is_forgotten_and_nothing_of_it_is_sent),
		WORLD_TEST(test_forgetting_goes_on_after_a_crash),
		WORLD_TEST(test_what_is_in_flight_is_forgotten_when_it_has_ended),
		WORLD_TEST(test_what_is_uncertain_is_forgotten_as_well),
		WORLD_TEST(test_who_was_forgotten_may_begin_anew),
		WORLD_TEST(test_forgetting_that_cannot_be_stored_is_not_claimed),
		WORLD_TEST(test_document_that_was_exported_is_forgotten),
		WORLD_TEST(test_export_under_way_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
