/* What keeps a recurrence going over the years, and what ends it. */
#include "world.h"

#define NURSE "nurse@example.net"
#define LINK  "https://upload.example.org/a.png"
#define ACCEPTED \
	"<?xml version='1.0'?><env:Envelope xmlns:env='http://schemas.xmlsoap.org/soap/envelope/'><env:Body>" \
	"<mm7:SubmitRsp xmlns:mm7='urn:x'><mm7:MM7Version>6.8.0</mm7:MM7Version><mm7:Status><mm7:StatusCode>1000" \
	"</mm7:StatusCode></mm7:Status><mm7:MessageID>mms-1</mm7:MessageID></mm7:SubmitRsp></env:Body></env:Envelope>"

static const char *
daily(struct world *w)
{
	return world_schedule(w, .when = "2026-11-23 09:00", .repeat = "daily");
}

static int64_t
series(struct world *w)
{
	return world_sql(w, "SELECT count(*) FROM series");
}

/* A database that somebody has put together from a backup, or an older laterd has left behind. */
static void
test_series_without_an_occurrence_is_taken_up_at_the_start(void **state)
{
	static const char *const accidents[] = {
		"DELETE FROM packet WHERE recipient = '" ROMEO "'",
		"UPDATE packet SET state = 5, finished_at = due_at WHERE recipient = '" ROMEO "'",
		"UPDATE packet SET state = 9, finished_at = due_at WHERE recipient = '" ROMEO "'",
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct world *w;

		world_setup((void **)&w);
		world_start(w);
		daily(w);
		world_crash(w);
		world_sql(w, "%s", accidents[i]);
		world_start(w);
		assert_int_equal(world_due(w, world_waiting(w, ROMEO)), world_utc("2026-11-24T08:00:00Z"));
		world_advance_to(w, "2026-11-24T12:00:00Z");
		assert_int_equal(world_count(w, ROMEO), 1);
		assert_int_equal(series(w), 1);
		world_teardown((void **)&w);
	}
}

static void
test_damaged_series_ends_and_its_sender_is_told(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_online(w, JULIET);
	daily(w);
	world_sql(w, "UPDATE series SET sealed = zeroblob(length(sealed))");
	world_advance_in_silence(w, 2 * DAY_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
	assert_int_equal(series(w), 0);
	assert_int_equal(world_told(w, "damaged"), 1);
}

/* One occurrence takes the place of another. */
static void
test_full_list_does_not_keep_the_next_out(void **state)
{
	struct world *w = *state;

	w->config.schedule.pending_max = 1;
	world_start(w);
	daily(w);
	assert_string_equal(world_ask(w, world_im(.to = NURSE)).note_type, "error");
	world_advance(w, 3 * DAY_MS);
	assert_int_equal(world_count(w, ROMEO), 3);
}

static void
test_occurrences_are_purged_and_the_series_is_not(void **state)
{
	struct world *w = *state;

	w->config.schedule.tick_ms = HOUR_MS;
	w->config.store.keep_ms = 5 * DAY_MS;
	world_start(w);
	daily(w);
	world_advance(w, 40 * DAY_MS);
	assert_int_equal(world_count(w, ROMEO), 40);
	assert_in_range(world_sql(w, "SELECT count(*) FROM packet"), 5, 8);
	world_restart(w);
	world_advance(w, DAY_MS);
	assert_int_equal(world_count(w, ROMEO), 41);
}

static void
test_paused_series_is_not_purged(void **state)
{
	struct world *w = *state;

	w->config.schedule.tick_ms = HOUR_MS;
	w->config.store.keep_ms = 5 * DAY_MS;
	world_start(w);
	const char *id = daily(w);
	world_order(w, "pause", id);
	world_advance(w, 60 * DAY_MS);
	assert_string_equal(world_state(w, id), "scheduled");
	world_order(w, "resume", id);
	world_advance(w, DAY_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
}

static void
test_drained_daemon_leaves_the_next_on_disk(void **state)
{
	struct world *w = *state;

	world_start(w);
	daily(w);
	w->pong = false;
	world_advance_to(w, "2026-11-23T08:00:00Z");
	laterd_drain(w->laterd);
	world_settle(w);
	assert_false(laterd_done(w->laterd));
	world_pong(w);
	world_crash(w);
	assert_int_equal(world_due(w, world_waiting(w, ROMEO)), world_utc("2026-11-24T08:00:00Z"));
	world_start(w);
	world_advance_to(w, "2026-11-24T12:00:00Z");
	assert_int_equal(world_count(w, ROMEO), 2);
}

static void
test_sender_is_told_of_each_occurrence_that_they_want_to_hear_of(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_online(w, JULIET);
	world_command(w, .node = "settings", .fields = { "notify", "sent" });
	daily(w);
	world_advance_to(w, "2026-11-24T12:00:00Z");
	assert_int_equal(world_told(w, "was sent"), 2);
}

static void
test_time_in_the_body_is_written_as_its_sender_reads_it(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_command(w, .node = "settings", .fields = { "hours", "12" });
	world_schedule(w, .when = "2026-11-23 21:00", .repeat = "daily", .body = "{time}");
	world_advance_to(w, "2026-11-24T22:00:00Z");
	assert_int_equal(world_count(w, ROMEO), 2);
	assert_string_equal(w->heard[0].body, "9:00 pm");
	assert_string_equal(w->heard[1].body, "9:00 pm");
}

static void
test_two_of_one_series_are_cancelled_together(void **state)
{
	struct world *w = *state;
	struct answer a;
	char ids[2 * PACKET_ID_LEN + 2];

	world_start(w);
	const char *first = daily(w);
	world_advance_to(w, "2026-11-23T12:00:00Z");
	const char *second = world_waiting(w, ROMEO);
	snprintf(ids, sizeof(ids), "%s\n%s", first, second);
	a = world_command(w, .node = "cancel", .fields = { "ids", ids });
	world_says(world_field(w, &a, first), "already sent");
	world_says(world_field(w, &a, second), "cancelled");
	world_advance(w, 3 * DAY_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
	assert_int_equal(series(w), 0);
}

static void
test_skip_of_an_earlier_occurrence_skips_nothing(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *first = daily(w);
	world_advance_to(w, "2026-11-23T12:00:00Z");
	const char *second = world_waiting(w, ROMEO);
	a = world_command(w, .node = "cancel", .fields = { "ids", first, "scope", "this" });
	world_says(a.note, "already sent");
	assert_string_equal(world_state(w, second), "scheduled");
	world_advance_to(w, "2026-11-24T12:00:00Z");
	assert_string_equal(world_state(w, second), "sent");
}

static void
test_skip_of_the_last_one_ends_the_series(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *id = world_schedule(w, .when = "2026-11-23 09:00", .rrule = "FREQ=DAILY;COUNT=1");
	world_command(w, .node = "cancel", .fields = { "ids", id, "scope", "this" });
	assert_string_equal(world_state(w, id), "cancelled");
	assert_int_equal(series(w), 0);
}

static void
test_what_follows_one_that_was_paused_and_skipped_is_paused(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *id = daily(w);
	world_order(w, "pause", id);
	world_command(w, .node = "cancel", .fields = { "ids", id, "scope", "this" });
	assert_string_not_equal(world_waiting(w, ROMEO), "");
	world_advance(w, 3 * DAY_MS);
	assert_int_equal(world_count(w, ROMEO), 0);
	world_order(w, "resume", world_waiting(w, ROMEO));
	world_advance(w, DAY_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
}

static void
test_cancel_of_what_is_queued_gives_its_charge_back(void **state)
{
	static const char *const scopes[] = { "this", "following" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct world *w;

		world_setup((void **)&w);
		world_start(w);
		const char *id = daily(w);
		world_advance_to(w, "2026-11-23T07:59:30Z");
		assert_int_equal(world_sql(w, "SELECT sum(count) FROM charge WHERE sender <> 'service'"), 1);
		world_command(w, .node = "cancel", .fields = { "ids", id, "scope", scopes[i] });
		assert_int_equal(world_sql(w, "SELECT sum(count) FROM charge WHERE sender <> 'service'"), 0);
		world_advance(w, HOUR_MS);
		assert_int_equal(world_count(w, ROMEO), 0);
		world_teardown((void **)&w);
	}
}

static void
test_mms_repeats_with_its_media(void **state)
{
	struct world *w = *state;
	struct ask ask = {
		.node = "mms",
		.fields = { "to", PHONE, "when", "2026-11-23 09:00", "subject", "Hello", "body", "Of {date}", "media", LINK,
		    "repeat", "daily" },
	};

	world_gateway(w, .info.name = "mmsc", .driver = "mm7", .info.kinds = { [KIND_MMS] = true }, .info.media_max = 100000);
	world_phone(w, "http://mmsc", .status = 200, .type = "text/xml", .body = SPAN(ACCEPTED));
	world_phone(w, LINK, .status = 200, .type = "image/png", .body = SPAN("\x89PNG\r\n\x1a\n-picture"));
	world_start(w);
	world_send(w, "%s", world_ask_xml(w, &ask));
	world_settle(w);
	struct answer a = world_answer(w, ask.id);
	assert_string_equal(a.status, "completed");
	world_advance_to(w, "2026-11-24T12:00:00Z");
	assert_int_equal(world_requests(w, LINK), 1);
	assert_int_equal(world_requests(w, "http://mmsc"), 2);
	for (size_t i = 0, n = 0; i < w->phones.n; i++)
		if (strncmp(w->phones.v[i].url, "http://mmsc", 11) == 0) {
			assert_non_null(strstr(w->phones.v[i].body.p, "iVBORw0KGgotcGljdHVyZQ=="));
			assert_non_null(strstr(w->phones.v[i].body.p, n++ == 0 ? "Of 2026-11-23" : "Of 2026-11-24"));
		}
}

static void
test_bounce_of_a_past_occurrence_does_not_disturb_the_present_one(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "2026-11-23 09:00", .rrule = "FREQ=MINUTELY;INTERVAL=15", .offline = "auto");
	world_advance_to(w, "2026-11-23T08:00:30Z");
	/* It comes back and is held, while the next one waits: it expires when that one is due. */
	const struct heard first = w->heard[0];
	world_bounce(w, &first, "recipient-unavailable", "wait");
	assert_string_equal(world_state(w, first.id), "held");
	world_advance_to(w, "2026-11-23T09:00:30Z");
	for (size_t i = 0; i < w->nheard; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(w->heard[i].id, first.id) != 0)
				assert_string_not_equal(w->heard[i].id, w->heard[j].id);
	/* 08:00, 08:15, 08:30, 08:45 and 09:00, and the first perhaps again. */
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet WHERE sender = '" JULIET "'"), 6);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet WHERE sender = '" JULIET "' AND state = 1"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_series_without_an_occurrence_is_taken_up_at_the_start),
		WORLD_TEST(test_damaged_series_ends_and_its_sender_is_told),
		WORLD_TEST(test_full_list_does_not_keep_the_next_out),
		WORLD_TEST(test_occurrences_are_purged_and_the_series_is_not),
		WORLD_TEST(test_paused_series_is_not_purged),
		WORLD_TEST(test_drained_daemon_leaves_the_next_on_disk),
		WORLD_TEST(test_sender_is_told_of_each_occurrence_that_they_want_to_hear_of),
		WORLD_TEST(test_time_in_the_body_is_written_as_its_sender_reads_it),
		WORLD_TEST(test_two_of_one_series_are_cancelled_together),
		WORLD_TEST(test_skip_of_an_earlier_occurrence_skips_nothing),
		WORLD_TEST(test_skip_of_the_last_one_ends_the_series),
		WORLD_TEST(test_what_follows_one_that_was_paused_and_skipped_is_paused),
		cmocka_unit_test(test_cancel_of_what_is_queued_gives_its_charge_back),
		WORLD_TEST(test_mms_repeats_with_its_media),
		WORLD_TEST(test_bounce_of_a_past_occurrence_does_not_disturb_the_present_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
