/* SMS while the disk is full: nothing is sent twice, and nothing that gateways said is lost. */
#include "core/ports.h"
#include "phones.h"
#include "world.h"

#define ADMIN "admin@example.org"

static int
disk_is_freed(void **state)
{
	(void)state;
	world_disk_is_freed();
	return 0;
}

static int
teardown_with_room(void **state)
{
	world_disk_is_freed();
	return world_teardown(state);
}

static void
begin(struct world *w)
{
	w->config.http.public_url = "http://127.0.0.1:5580";
	world_gateway(w, .info.name = "office");
	world_gateway(w, .info.name = "backup");
	world_route(w, "+", KIND_SMS, "office", "backup", NULL);
	world_start(w);
	world_online(w, JULIET);
	world_online(w, ADMIN);
}

/* One SMS that its gateway has not answered yet. */
static const char *
send_one(struct world *w)
{
	const char *id;

	begin(w);
	id = world_schedule_sms(w, .when = "in 1 minutes");
	world_phone(w, "", .end = PHONE_WAITS);
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "in flight");
	world_phone(w, "", .end = PHONE_ANSWERS);
	return id;
}

static void
test_outcome_heard_while_the_disk_is_full_is_not_forgotten(void **state)
{
	struct world *w = *state;
	const char *id = send_one(w);

	world_disk_has(w, 0);
	world_phone_end(w, 0, .end = PHONE_ANSWERS);
	world_advance_in_silence(w, 10 * MINUTE_MS);
	world_disk_is_freed();
	assert_string_equal(world_state(w, id), "in flight");
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "sent");
	assert_int_equal(w->phones.n, 1);
}

/* Those who received a message can say so as often as they like. */
static void
test_outcome_is_not_crowded_out_by_receipts(void **state)
{
	struct world *w = *state;
	const char *id, *other;
	struct buf many = { .max = (size_t)4 << 20 };

	begin(w);
	other = world_schedule_sms(w, .when = "in 1 minutes");
	id = world_schedule_sms(w, .when = "in 1 minutes", .to = "+447700900123");
	world_phone(w, "", .end = PHONE_WAITS);
	world_advance(w, MINUTE_MS);
	assert_int_equal(w->phones.n, 2);
	for (int i = 0; i < 1000; i++)
		buf_printf(&many, "<message from='" ROMEO "/orchard' to='" BOT "' id='r-%d'>"
		    "<received xmlns='urn:xmpp:receipts' id='%s'/></message>", i, id);
	world_disk_has(w, 0);
	world_phone_end(w, 0, .end = PHONE_ANSWERS);
	for (int i = 0; i < 12; i++) {
		world_send(w, "%s", buf_str(&many));
		world_advance_in_silence(w, SECOND_MS);
	}
	buf_free(&many);
	world_phone_end(w, 1, .end = PHONE_ANSWERS);
	world_disk_is_freed();
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, other), "sent");
	assert_string_equal(world_state(w, id), "sent");
}

static void
test_report_is_not_acknowledged_before_it_is_on_disk(void **state)
{
	struct world *w = *state;
	const char *id = send_one(w);

	world_phone_end(w, 0, .end = PHONE_ANSWERS);
	world_disk_has(w, 0);
	assert_int_equal(world_report(w, &w->phones.v[0], "1"), 503);
	assert_int_equal(world_report(w, &w->phones.v[0], "1"), 503);
	world_disk_is_freed();
	/* The repair is still to come. */
	assert_int_equal(world_report(w, &w->phones.v[0], "1"), 503);
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "delivered");
	assert_int_equal(world_report(w, &w->phones.v[0], "1"), 200);
}

static void
test_trouble_heard_while_the_disk_is_full_is_told(void **state)
{
	struct world *w = *state;
	const char *id = send_one(w);

	world_disk_has(w, 0);
	world_phone_end(w, 0, .status = 403, .body = SPAN("Authorization failed for sendsms"));
	world_advance_in_silence(w, 2 * MINUTE_MS);
	world_disk_is_freed();
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "sent");
	assert_int_equal(world_requests(w, "http://backup"), 1);
	assert_int_equal(world_count(w, ADMIN), 1);
	assert_non_null(strstr(world_only(w, ADMIN)->body, "Authorization failed"));
}

/* The disk fills up at every point of the way in turn, and is freed after a while. */
static void
test_disk_that_fills_up_anywhere_sends_nothing_twice(void **state)
{
	(void)state;
	for (long spare = 0; spare < 40; spare++) {
		struct world *w;
		const char *taken, *doubtful;

		world_setup((void **)&w);
		begin(w);
		taken = world_schedule_sms(w, .when = "in 1 minutes");
		doubtful = world_schedule_sms(w, .when = "in 2 minutes", .to = "+447700900123");
		world_phone(w, "http://office", .end = PHONE_BREAKS);
		world_phone(w, "http://office", .end = PHONE_REFUSES, .times = 1);
		world_disk_has(w, spare * (4096 + 24));
		world_advance_in_silence(w, 5 * MINUTE_MS);
		world_disk_is_freed();
		world_advance(w, 5 * MINUTE_MS);
		assert_string_equal(world_state(w, taken), "sent");
		assert_string_equal(world_state(w, doubtful), "uncertain");
		assert_int_equal(world_requests(w, "http://office"), 2);
		assert_int_equal(world_requests(w, "http://backup"), 1);
		assert_int_equal(world_told(w, doubtful), 1);
		world_teardown((void **)&w);
	}
}

#define ROOM_TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, teardown_with_room)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ROOM_TEST(test_outcome_heard_while_the_disk_is_full_is_not_forgotten),
		ROOM_TEST(test_outcome_is_not_crowded_out_by_receipts),
		ROOM_TEST(test_report_is_not_acknowledged_before_it_is_on_disk),
		ROOM_TEST(test_trouble_heard_while_the_disk_is_full_is_told),
		cmocka_unit_test_setup_teardown(test_disk_that_fills_up_anywhere_sends_nothing_twice, NULL, disk_is_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
