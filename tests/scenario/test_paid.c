/* SMS on their way through gateways: once, in order of preference, with every outcome told truly. */
#include "phones.h"
#include "world.h"

#define ADMIN "admin@example.org"

static const char *const prefix_49[] = { "+49", NULL };

static void
begin(struct world *w)
{
	w->config.http.public_url = "http://127.0.0.1:5580";
	w->config.users.admins[0] = ADMIN;
	world_gateway(w, .info.name = "office");
	world_start(w);
	world_online(w, JULIET);
}

static void
begin_two(struct world *w)
{
	w->config.users.admins[0] = ADMIN;
	world_gateway(w, .info.name = "office");
	world_gateway(w, .info.name = "backup");
	world_route(w, "+", KIND_SMS, "office", "backup", NULL);
	world_start(w);
	world_online(w, JULIET);
}

/* A gateway that knows a message that it has had. */
static void
begin_idempotent(struct world *w)
{
	static const char *const params[] = { "to={to}", "text={text}", NULL };
	static const char *const ok[] = { "202", NULL };

	world_gateway(w, .info.name = "sure", .driver = "http", .url = "http://sure.example/", .method = "POST", .auth = "none",
	    .encode = "form", .params = params, .idempotency = "header:Idempotency-Key", .ok_http = ok);
	world_start(w);
	world_online(w, JULIET);
}

static const struct requested *
only_request(struct world *w)
{
	assert_int_equal(w->phones.n, 1);
	return &w->phones.v[0];
}

static void
test_sms_leaves_once_when_it_is_due(void **state)
{
	struct world *w = *state;
	const char *id;

	begin(w);
	id = world_schedule_sms(w, .when = "in 2 minutes", .body = "Late, sorry");
	world_advance(w, 2 * MINUTE_MS - 1);
	assert_int_equal(w->phones.n, 0);
	assert_string_equal(world_state(w, id), "queued");
	world_advance(w, 1);
	assert_string_equal(phone_header(only_request(w), "X-Kannel-To"), PHONE);
	assert_string_equal(only_request(w)->body.p, "Late, sorry");
	assert_string_equal(world_state(w, id), "sent");
	world_advance(w, DAY_MS);
	assert_int_equal(w->phones.n, 1);
	assert_int_equal(world_told(w, id), 0);
}

static void
test_attempt_is_on_disk_before_its_request_leaves(void **state)
{
	struct world *w = *state;
	const char *id;

	begin(w);
	id = world_schedule_sms(w, .when = "in 2 minutes");
	world_phone(w, "", .end = PHONE_WAITS);
	world_advance(w, 2 * MINUTE_MS);
	assert_int_equal(w->phones.n, 1);
	assert_string_equal(world_state(w, id), "in flight");
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet WHERE id = '%s' AND gateway = 'office'", id), 1);
}

static void
test_crash_while_in_flight_is_uncertain_and_told_once(void **state)
{
	struct world *w = *state;
	const char *id;

	begin(w);
	id = world_schedule_sms(w, .when = "in 2 minutes");
	world_phone(w, "", .end = PHONE_WAITS);
	world_advance(w, 2 * MINUTE_MS);
	world_crash(w);
	world_phone(w, "", .end = PHONE_ANSWERS);
	world_restart(w);
	world_advance(w, DAY_MS);
	assert_int_equal(w->phones.n, 1);
	assert_string_equal(world_state(w, id), "uncertain");
	assert_int_equal(world_told(w, "may or may not have been sent"), 1);
	assert_int_equal(world_count(w, ADMIN), 1);
	world_crash(w);
	world_restart(w);
	world_advance(w, DAY_MS);
	assert_int_equal(world_told(w, "may or may not have been sent"), 1);
	assert_int_equal(world_count(w, ADMIN), 1);
}

static void
test_what_was_not_in_flight_leaves_after_a_crash(void **state)
{
	struct world *w = *state;
	const char *id;

	begin(w);
	id = world_schedule_sms(w, .when = "in 30 seconds");
	world_advance(w, 10 * SECOND_MS);
	assert_string_equal(world_state(w, id), "queued");
	world_crash(w);
	world_restart(w);
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "sent");
	assert_int_equal(w->phones.n, 1);
}

static void
test_no_answer_is_uncertain_and_goes_nowhere_else(void **state)
{
	struct world *w = *state;
	const char *id;

	begin_two(w);
	id = world_schedule_sms(w, .when = "in 1 minutes");
	world_phone(w, "", .end = PHONE_BREAKS);
	world_advance(w, DAY_MS);
	assert_int_equal(w->phones.n, 1);
	assert_string_equal(world_state(w, id), "uncertain");
	assert_int_equal(world_told(w, "may or may not have been sent"), 1);
	assert_int_equal(world_told(w, "ask the recipient"), 1);
}

static void
test_server_error_is_uncertain(void **state)
{
	struct world *w = *state;
	const char *id;

	begin_two(w);
	id = world_schedule_sms(w, .when = "in 1 minutes");
	world_phone(w, "", .status = 500, .body = SPAN("oops"));
	world_advance(w, DAY_MS);
	assert_int_equal(w->phones.n, 1);
	assert_string_equal(world_state(w, id), "uncertain");
}

static void
test_not_processed_goes_to_the_next_gateway(void **state)
{
	struct world *w = *state;
	const char *id;

	begin_two(w);
	id = world_schedule_sms(w, .when = "in 1 minutes");
	world_phone(w, "http://office", .end = PHONE_REFUSES);
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "sent");
	assert_int_equal(world_requests(w, "http://office"), 1);
	assert_int_equal(world_requests(w, "http://backup"), 1);
	assert_int_equal(world_sql(w, "SELECT gateway = 'backup' FROM packet WHERE id = '%s'", id), 1);
}

static void
test_refused_by_all_is_held_and_tried_again(void **state)
{
	struct world *w = *state;
	const char *id;

	begin_two(w);
	id = world_schedule_sms(w, .when = "in 1 minutes");
	world_phone(w, "", .end = PHONE_REFUSES);
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "held");
	assert_int_equal(w->phones.n, 2);
	world_phone(w, "", .end = PHONE_ANSWERS);
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "sent");
	assert_int_equal(w->phones.n, 3);
}

static void
test_refusal_for_good_fails_and_is_told(void **state)
{
	struct world *w = *state;
	const char *id;

	begin_two(w);
	id = world_schedule_sms(w, .when = "in 1 minutes");
	world_phone(w, "", .status = 403, .body = SPAN("Not routable. Do not try again."));
	world_advance(w, DAY_MS);
	assert_string_equal(world_state(w, id), "failed");
	assert_int_equal(w->phones.n, 1);
	assert_int_equal(world_told(w, "Not routable"), 1);
}

static void
test_repetition_stays_at_a_gateway_that_knows_it(void **state)
{
	struct world *w = *state;
	const char *id;

	begin_idempotent(w);
	id = world_schedule_sms(w, .when = "in 1 minutes");
	world_phone(w, "", .end = PHONE_BREAKS, .times = 1);
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "held");
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "sent");
	assert_int_equal(w->phones.n, 2);
	assert_string_equal(phone_header(&w->phones.v[0], "Idempotency-Key"), phone_header(&w->phones.v[1], "Idempotency-Key"));
	assert_string_not_equal(phone_header(&w->phones.v[0], "Idempotency-Key"), "");
}

static void
test_repetition_after_a_crash_has_the_same_key(void **state)
{
	struct world *w = *state;
	const char *id;

	begin_idempotent(w);
	id = world_schedule_sms(w, .when = "in 1 minutes");
	world_phone(w, "", .end = PHONE_WAITS, .times = 1);
	world_advance(w, MINUTE_MS);
	world_crash(w);
	world_restart(w);
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "sent");
	assert_int_equal(w->phones.n, 2);
	assert_string_equal(phone_header(&w->phones.v[0], "Idempotency-Key"), phone_header(&w->phones.v[1], "Idempotency-Key"));
}

static void
test_wrong_password_pauses_the_gateway_and_tells_admins_once(void **state)
{
	struct world *w = *state;
	const char *first, *second;

	begin(w);
	first = world_schedule_sms(w, .when = "in 1 minutes");
	second = world_schedule_sms(w, .when = "in 2 minutes");
	world_phone(w, "", .status = 403, .body = SPAN("Authorization failed for sendsms"));
	world_advance(w, 5 * MINUTE_MS);
	assert_string_equal(world_state(w, first), "held");
	assert_string_equal(world_state(w, second), "held");
	assert_int_equal(w->phones.n, 1);
	assert_int_equal(world_count(w, ADMIN), 1);
	/* The password is mended, and the configuration read again. */
	world_phone(w, "", .end = PHONE_ANSWERS);
	laterd_reload(w->laterd, &w->config);
	world_advance(w, SECOND_MS);
	assert_string_equal(world_state(w, first), "sent");
	assert_string_equal(world_state(w, second), "sent");
	assert_int_equal(w->phones.n, 3);
}

static void
test_gateway_that_was_away_gets_everything_once(void **state)
{
	struct world *w = *state;
	char number[32];

	begin(w);
	for (int i = 0; i < 60; i++) {
		snprintf(number, sizeof(number), "+491701000%03d", i);
		world_schedule_sms(w, .to = number, .when = "in 1 minutes");
	}
	world_phone(w, "", .end = PHONE_REFUSES);
	world_advance(w, 20 * MINUTE_MS);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet WHERE kind = 2 AND state = 3"), 60);
	assert_true(w->phones.n < 80);
	w->phones.n = 0;
	world_phone(w, "", .end = PHONE_ANSWERS);
	world_advance(w, 6 * MINUTE_MS);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet WHERE kind = 2 AND state = 5"), 60);
	assert_int_equal(w->phones.n, 60);
}

static void
test_what_cannot_leave_in_time_expires_and_is_told(void **state)
{
	struct world *w = *state;
	const char *id;

	begin(w);
	id = world_schedule_sms(w, .when = "in 1 minutes", .expires = "in 30 minutes");
	world_phone(w, "", .end = PHONE_REFUSES);
	world_advance(w, 29 * MINUTE_MS);
	assert_string_equal(world_state(w, id), "held");
	world_advance(w, 2 * MINUTE_MS);
	assert_string_equal(world_state(w, id), "expired");
	assert_int_equal(world_told(w, "could not be delivered in time"), 1);
}

static void
test_retry_after_is_obeyed(void **state)
{
	struct world *w = *state;
	const char *id;

	begin_idempotent(w);
	id = world_schedule_sms(w, .when = "in 1 minutes");
	world_phone(w, "", .status = 429, .retry_after = "120", .times = 1);
	world_advance(w, MINUTE_MS + 119 * SECOND_MS);
	assert_int_equal(w->phones.n, 1);
	world_schedule_sms(w, .when = "in 1 seconds", .to = "+4917012345679");
	world_advance(w, 2 * MINUTE_MS);
	assert_int_equal(w->phones.n, 3);
	assert_string_equal(world_state(w, id), "sent");
}

static void
test_rate_is_kept(void **state)
{
	struct world *w = *state;
	char number[32];

	world_gateway(w, .info.name = "slow", .rate = 2);
	world_start(w);
	for (int i = 0; i < 20; i++) {
		snprintf(number, sizeof(number), "+491701000%03d", i);
		world_schedule_sms(w, .to = number, .when = "in 1 minutes");
	}
	world_advance(w, MINUTE_MS);
	assert_in_range(w->phones.n, 1, 2);
	world_advance(w, 5 * SECOND_MS);
	assert_in_range(w->phones.n, 10, 12);
	world_advance(w, 5 * SECOND_MS);
	assert_int_equal(w->phones.n, 20);
}

static void
test_slow_gateway_stands_in_nobodys_way(void **state)
{
	struct world *w = *state;
	char number[32];
	const char *im, *other;

	world_gateway(w, .info.name = "stuck", .inflight = 1, .info.allow = prefix_49);
	world_gateway(w, .info.name = "fine");
	world_route(w, "+49", KIND_SMS, "stuck", NULL);
	world_route(w, "+", KIND_SMS, "fine", NULL);
	world_start(w);
	world_online(w, ROMEO);
	world_phone(w, "http://stuck", .end = PHONE_WAITS);
	for (int i = 0; i < 900; i++) {
		snprintf(number, sizeof(number), "+491701000%03d", i);
		world_schedule_sms(w, .to = number, .when = "in 1 minutes");
	}
	im = world_schedule(w, .when = "in 1 minutes");
	other = world_schedule_sms(w, .to = "+447700900123", .when = "in 1 minutes");
	world_advance(w, MINUTE_MS + SECOND_MS);
	assert_string_equal(world_state(w, im), "sent");
	assert_string_equal(world_state(w, other), "sent");
	assert_int_equal(world_requests(w, "http://stuck"), 1);
}

static void
test_cancel_says_what_can_still_be_stopped(void **state)
{
	struct world *w = *state;
	const char *flying, *waiting;
	struct answer a;

	world_gateway(w, .info.name = "office", .inflight = 1);
	world_start(w);
	world_phone(w, "", .end = PHONE_WAITS);
	flying = world_schedule_sms(w, .when = "in 1 minutes");
	waiting = world_schedule_sms(w, .when = "in 61 seconds");
	world_advance(w, 2 * MINUTE_MS);
	a = world_command(w, .node = "cancel", .fields = { "ids", flying });
	assert_non_null(strstr(a.note, "in flight"));
	a = world_command(w, .node = "cancel", .fields = { "ids", waiting });
	assert_non_null(strstr(a.note, ": cancelled"));
	world_phone_end(w, 0, .end = PHONE_ANSWERS);
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, flying), "sent");
	assert_string_equal(world_state(w, waiting), "cancelled");
	assert_int_equal(w->phones.n, 1);
}

/* -- Delivery reports ----------------------------------------------------------------------------------------------------------- */

static void
test_report_makes_it_delivered(void **state)
{
	struct world *w = *state;
	const char *id;

	begin(w);
	id = world_schedule_sms(w, .when = "in 1 minutes");
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_report(w, only_request(w), "1"), 200);
	assert_string_equal(world_state(w, id), "delivered");
	assert_int_equal(world_told(w, id), 0);
}

static void
test_reports_only_move_forward(void **state)
{
	struct world *w = *state;
	const char *id;

	begin(w);
	id = world_schedule_sms(w, .when = "in 1 minutes");
	world_advance(w, MINUTE_MS);
	world_report(w, only_request(w), "1");
	assert_int_equal(world_report(w, only_request(w), "8"), 200);
	assert_int_equal(world_report(w, only_request(w), "2"), 200);
	assert_int_equal(world_report(w, only_request(w), "1"), 200);
	assert_string_equal(world_state(w, id), "delivered");
	assert_int_equal(world_told(w, id), 0);
	assert_int_equal(world_sql(w,
	    "SELECT count(*) FROM event JOIN packet ON event.packet = packet.n WHERE id = '%s' AND what LIKE 'delivery report%%'", id), 1);
}

static void
test_failed_report_is_told(void **state)
{
	struct world *w = *state;
	const char *id;

	begin(w);
	id = world_schedule_sms(w, .when = "in 1 minutes");
	world_advance(w, MINUTE_MS);
	world_report(w, only_request(w), "2");
	world_advance(w, SECOND_MS);
	assert_string_equal(world_state(w, id), "failed");
	assert_int_equal(world_told(w, id), 1);
}

static void
test_report_resolves_what_was_uncertain(void **state)
{
	struct world *w = *state;
	const char *id;

	begin(w);
	id = world_schedule_sms(w, .when = "in 1 minutes");
	world_phone(w, "", .end = PHONE_BREAKS);
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "uncertain");
	world_report(w, only_request(w), "8");
	assert_string_equal(world_state(w, id), "sent");
	world_report(w, only_request(w), "1");
	assert_string_equal(world_state(w, id), "delivered");
}

static void
test_report_that_is_faster_than_the_answer_counts(void **state)
{
	struct world *w = *state;
	const char *id;

	begin(w);
	id = world_schedule_sms(w, .when = "in 1 minutes");
	world_phone(w, "", .end = PHONE_WAITS);
	world_advance(w, MINUTE_MS);
	world_report(w, only_request(w), "1");
	assert_string_equal(world_state(w, id), "delivered");
	world_phone_end(w, 0, .end = PHONE_BREAKS);
	world_advance(w, SECOND_MS);
	assert_string_equal(world_state(w, id), "delivered");
	assert_int_equal(world_told(w, id), 0);
}

static void
test_report_with_a_wrong_token_is_not_found(void **state)
{
	struct world *w = *state;
	const char *id;
	char path[128];

	begin(w);
	id = world_schedule_sms(w, .when = "in 1 minutes");
	world_advance(w, MINUTE_MS);
	snprintf(path, sizeof(path), "/report/office/%s/00000000000000000000000000000000", id);
	assert_int_equal(world_web(w, "GET", path, "type=1", "").status, 404);
	assert_string_equal(world_state(w, id), "sent");
}

static void
test_healthz_is_ok(void **state)
{
	struct world *w = *state;

	begin(w);
	assert_int_equal(world_web(w, "GET", "/healthz", "", "").status, 200);
	assert_int_equal(world_web(w, "GET", "/nothing", "", "").status, 404);
}

/* -- What senders are told ------------------------------------------------------------------------------------------------------ */

static void
test_sender_who_asked_is_told_of_sent_and_delivered(void **state)
{
	struct world *w = *state;
	const char *id;
	struct answer a;

	begin(w);
	a = world_command(w, .node = "settings", .action = "complete", .fields = { "notify", "delivered" });
	assert_string_equal(a.status, "completed");
	id = world_schedule_sms(w, .when = "in 1 minutes");
	world_advance(w, MINUTE_MS + SECOND_MS);
	assert_int_equal(world_told(w, "was sent"), 1);
	world_report(w, only_request(w), "1");
	world_advance(w, SECOND_MS);
	assert_int_equal(world_told(w, "was delivered"), 1);
	assert_int_equal(world_told(w, id), 2);
}

static void
test_sender_who_asked_is_told_by_a_report_as_well(void **state)
{
	struct world *w = *state;

	begin(w);
	world_command(w, .node = "settings", .action = "complete", .fields = { "notify", "sent" });
	world_schedule_sms(w, .when = "in 1 minutes");
	world_phone(w, "", .end = PHONE_WAITS);
	world_advance(w, MINUTE_MS);
	world_report(w, only_request(w), "8");
	world_phone_end(w, 0, .end = PHONE_ANSWERS);
	world_advance(w, SECOND_MS);
	assert_int_equal(world_told(w, "was sent"), 1);
}

static void
test_settings_refuse_what_is_no_choice(void **state)
{
	struct world *w = *state;
	struct answer a;

	begin(w);
	a = world_command(w, .node = "settings", .action = "complete", .fields = { "notify", "always" });
	assert_string_equal(a.status, "executing");
	assert_string_equal(a.note_type, "error");
	a = world_command(w, .node = "settings");
	assert_string_equal(world_field(w, &a, "notify"), "failure");
}

/* -- The form ------------------------------------------------------------------------------------------------------------------- */

static struct answer
check(struct world *w, const char *to, const char *body)
{
	return world_command(w, .node = "sms", .action = "next", .fields = { "to", to, "when", "in 5 minutes", "body", body });
}

static void
test_confirmation_shows_segments(void **state)
{
	struct world *w = *state;
	char text[162];
	struct answer a;

	begin(w);
	memset(text, 'a', 161);
	text[161] = '\0';
	a = check(w, PHONE, text);
	assert_string_equal(a.status, "executing");
	assert_string_equal(world_field(w, &a, "segments"), "2 segments (GSM; room for 145 more characters)");
	a = check(w, PHONE, "Привет");
	assert_string_equal(world_field(w, &a, "segments"),
	    "1 segment (UCS-2, because “П” is not in the GSM alphabet; room for 64 more characters)");
}

static void
test_result_tells_segments(void **state)
{
	struct world *w = *state;
	char text[162];
	struct answer a;

	begin(w);
	memset(text, 'a', 161);
	text[161] = '\0';
	a = world_command(w, .node = "sms", .fields = { "to", PHONE, "when", "in 5 minutes", "body", text });
	assert_string_equal(a.status, "completed");
	assert_string_equal(world_field(w, &a, "segments"), "2");
	assert_non_null(strstr(a.note, "2 segments"));
}

static void
expect_refusal(struct world *w, const char *to, const char *body, const char *words)
{
	struct answer a = check(w, to, body);

	assert_string_equal(a.note_type, "error");
	if (strstr(a.note, words) == NULL)
		fail_msg("“%s” does not say “%s”", a.note, words);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet"), 0);
}

static void
test_form_refuses_what_cannot_be_sent(void **state)
{
	static const char *const premium[] = { "+1900", NULL };
	char text[1000];
	struct world *w = *state;

	world_gateway(w, .info.name = "office", .info.deny = premium, .info.max_segments = 2);
	world_route(w, "+49", KIND_SMS, "office", NULL);
	world_route(w, "+1", KIND_SMS, "office", NULL);
	world_start(w);
	memset(text, 'a', 307);
	text[307] = '\0';
	expect_refusal(w, PHONE, text, "3 segments");
	memcpy(text, "’", strlen("’"));
	expect_refusal(w, PHONE, text, "without “’”");
	expect_refusal(w, "+19005550123", "hi", "+19005550123");
	expect_refusal(w, "+447700900123", "hi", "+447700900123");
	expect_refusal(w, "017012345678", "hi", "017012345678");
	expect_refusal(w, "romeo@example.net", "hi", "romeo@example.net");
	expect_refusal(w, "", "hi", "recipient");
	expect_refusal(w, PHONE, " ", "empty");
}

static void
test_numbers_are_read_as_people_write_them(void **state)
{
	struct world *w = *state;

	w->config.schedule.country = "49";
	begin(w);
	world_schedule_sms(w, .to = "+49 (170) 1234-567, 0049 170 1234568; 0170/1234569\n+491701234570 +491701234571 +491701234567",
	    .when = "in 1 minutes");
	world_advance(w, MINUTE_MS);
	assert_int_equal(w->phones.n, 5);
	assert_int_equal(world_sms(w, "+491701234567"), 1);
	assert_int_equal(world_sms(w, "+491701234568"), 1);
	assert_int_equal(world_sms(w, "+491701234569"), 1);
	assert_int_equal(world_sms(w, "+491701234570"), 1);
	assert_int_equal(world_sms(w, "+491701234571"), 1);
}

static void
test_quota_counts_segments(void **state)
{
	struct world *w = *state;
	char text[162];
	struct answer a;

	w->config.count_segments = true;
	w->config.quota[KIND_SMS] = (struct quota_limit){ 3, 100 };
	begin(w);
	memset(text, 'a', 161);
	text[161] = '\0';
	world_schedule_sms(w, .body = text);
	a = world_command(w, .node = "sms", .action = "complete", .fields = { "to", PHONE, "when", "in 5 minutes", "body", text });
	assert_string_equal(a.note_type, "error");
	assert_non_null(strstr(a.note, "3 sms segments"));
	world_schedule_sms(w, .body = "short");
}

static void
test_commands_are_offered_only_with_a_gateway(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	a = world_command(w, .node = "sms");
	assert_string_equal(a.condition, "item-not-found");
	a = world_command(w, .node = "mms");
	assert_string_equal(a.condition, "item-not-found");
}

static void
test_limits_are_looked_at_again_when_it_leaves(void **state)
{
	static const char *const german[] = { "+49", NULL };
	struct world *w = *state;
	const char *id;

	begin(w);
	id = world_schedule_sms(w, .when = "in 5 minutes");
	w->config.gateways[0].info.deny = german;
	w->config.infos[0].deny = german;
	laterd_reload(w->laterd, &w->config);
	world_advance(w, 6 * MINUTE_MS);
	assert_int_equal(w->phones.n, 0);
	assert_string_equal(world_state(w, id), "failed");
	assert_int_equal(world_told(w, id), 1);
	assert_int_equal(world_told(w, "not allowed here."), 1);
	assert_int_equal(world_told(w, ".."), 0);
}

static void
test_route_that_is_gone_for_a_while_costs_nothing(void **state)
{
	struct world *w = *state;
	const char *id;

	begin(w);
	id = world_schedule_sms(w, .when = "in 5 minutes");
	w->config.infos[0].kinds[KIND_SMS] = false;
	laterd_reload(w->laterd, &w->config);
	world_advance(w, HOUR_MS);
	assert_string_equal(world_state(w, id), "held");
	w->config.infos[0].kinds[KIND_SMS] = true;
	laterd_reload(w->laterd, &w->config);
	world_advance(w, SECOND_MS);
	assert_string_equal(world_state(w, id), "sent");
	assert_int_equal(w->phones.n, 1);
}

static void
test_clocks_that_disagree_a_little_delay_nothing(void **state)
{
	struct world *w = *state;
	char number[32];
	const char *id;

	begin(w);
	for (int i = 0; i < 5; i++) {
		snprintf(number, sizeof(number), "+491701000%03d", i);
		world_schedule_sms(w, .to = number, .when = "in 1 minutes");
	}
	world_phone(w, "", .status = 500, .body = SPAN("oops"));
	id = world_schedule_sms(w, .when = "in 61 seconds");
	world_advance(w, MINUTE_MS + SECOND_MS);
	assert_string_equal(world_state(w, id), "held");
	world_phone(w, "", .end = PHONE_ANSWERS);
	/* The next turn arms its timers by the wall clock, 5 ms before the gateway opens. */
	w->wall += 5;
	world_schedule(w, .when = "in 1 seconds");
	world_advance(w, 10 * SECOND_MS);
	assert_string_equal(world_state(w, id), "sent");
}

static void
test_halt_is_told_though_the_gateway_was_away_before(void **state)
{
	struct world *w = *state;
	char number[32];

	begin(w);
	for (int i = 0; i < 6; i++) {
		snprintf(number, sizeof(number), "+491701000%03d", i);
		world_schedule_sms(w, .to = number, .when = "in 1 minutes");
	}
	world_phone(w, "", .end = PHONE_REFUSES);
	world_advance(w, 2 * MINUTE_MS);
	assert_int_equal(world_count(w, ADMIN), 1);
	world_phone(w, "", .status = 403, .body = SPAN("Authorization failed for sendsms"));
	world_advance(w, 10 * MINUTE_MS);
	assert_int_equal(world_count(w, ADMIN), 2);
}

static void
test_drain_waits_for_the_answer(void **state)
{
	struct world *w = *state;
	const char *id;

	begin(w);
	id = world_schedule_sms(w, .when = "in 1 minutes");
	world_phone(w, "", .end = PHONE_WAITS);
	world_advance(w, MINUTE_MS);
	laterd_drain(w->laterd);
	world_advance(w, 20 * SECOND_MS);
	assert_false(laterd_done(w->laterd));
	world_phone_end(w, 0, .end = PHONE_ANSWERS);
	world_advance(w, 3 * SECOND_MS);
	assert_true(laterd_done(w->laterd));
	assert_string_equal(world_state(w, id), "sent");
}

static void
test_sms_needs_no_stream(void **state)
{
	struct world *w = *state;
	const char *id;

	begin(w);
	id = world_schedule_sms(w, .when = "in 1 minutes");
	w->server_down = true;
	world_cut(w);
	world_advance(w, 2 * MINUTE_MS);
	assert_string_equal(world_state(w, id), "sent");
}

static void
test_what_was_due_long_before_our_start_expires(void **state)
{
	struct world *w = *state;
	const char *id, *fresh;

	w->config.schedule.late_limit_ms = 2 * HOUR_MS;
	begin(w);
	id = world_schedule_sms(w, .when = "in 10 minutes", .expires = "in 20 hours");
	fresh = world_schedule_sms(w, .when = "in 4 hours");
	world_crash(w);
	w->wall += 5 * HOUR_MS;
	w->mono += 5 * HOUR_MS;
	world_restart(w);
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "expired");
	assert_string_equal(world_state(w, fresh), "sent");
	assert_int_equal(w->phones.n, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_sms_leaves_once_when_it_is_due),
		WORLD_TEST(test_attempt_is_on_disk_before_its_request_leaves),
		WORLD_TEST(test_crash_while_in_flight_is_uncertain_and_told_once),
		WORLD_TEST(test_what_was_not_in_flight_leaves_after_a_crash),
		WORLD_TEST(test_no_answer_is_uncertain_and_goes_nowhere_else),
		WORLD_TEST(test_server_error_is_uncertain),
		WORLD_TEST(test_not_processed_goes_to_the_next_gateway),
		WORLD_TEST(test_refused_by_all_is_held_and_tried_again),
		WORLD_TEST(test_refusal_for_good_fails_and_is_told),
		WORLD_TEST(test_repetition_stays_at_a_gateway_that_knows_it),
		WORLD_TEST(test_repetition_after_a_crash_has_the_same_key),
		WORLD_TEST(test_wrong_password_pauses_the_gateway_and_tells_admins_once),
		WORLD_TEST(test_gateway_that_was_away_gets_everything_once),
		WORLD_TEST(test_what_cannot_leave_in_time_expires_and_is_told),
		WORLD_TEST(test_retry_after_is_obeyed),
		WORLD_TEST(test_rate_is_kept),
		WORLD_TEST(test_slow_gateway_stands_in_nobodys_way),
		WORLD_TEST(test_cancel_says_what_can_still_be_stopped),
		WORLD_TEST(test_report_makes_it_delivered),
		WORLD_TEST(test_reports_only_move_forward),
		WORLD_TEST(test_failed_report_is_told),
		WORLD_TEST(test_report_resolves_what_was_uncertain),
		WORLD_TEST(test_report_that_is_faster_than_the_answer_counts),
		WORLD_TEST(test_report_with_a_wrong_token_is_not_found),
		WORLD_TEST(test_healthz_is_ok),
		WORLD_TEST(test_sender_who_asked_is_told_of_sent_and_delivered),
		WORLD_TEST(test_sender_who_asked_is_told_by_a_report_as_well),
		WORLD_TEST(test_settings_refuse_what_is_no_choice),
		WORLD_TEST(test_confirmation_shows_segments),
		WORLD_TEST(test_result_tells_segments),
		WORLD_TEST(test_form_refuses_what_cannot_be_sent),
		WORLD_TEST(test_numbers_are_read_as_people_write_them),
		WORLD_TEST(test_quota_counts_segments),
		WORLD_TEST(test_commands_are_offered_only_with_a_gateway),
		WORLD_TEST(test_limits_are_looked_at_again_when_it_leaves),
		WORLD_TEST(test_route_that_is_gone_for_a_while_costs_nothing),
		WORLD_TEST(test_clocks_that_disagree_a_little_delay_nothing),
		WORLD_TEST(test_halt_is_told_though_the_gateway_was_away_before),
		WORLD_TEST(test_drain_waits_for_the_answer),
		WORLD_TEST(test_sms_needs_no_stream),
		WORLD_TEST(test_what_was_due_long_before_our_start_expires),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
