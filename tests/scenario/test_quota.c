/* What is taken in: limits, all or none, one charge a recipient. */
#include "world.h"

static int64_t
packets_stored(struct world *w)
{
	return world_sql(w, "SELECT count(*) FROM packet");
}

static int64_t
charged(struct world *w)
{
	return world_sql(w, "SELECT coalesce(sum(count), 0) FROM charge WHERE sender = '" JULIET "'");
}

static void
limit(struct world *w, int64_t day, int64_t month)
{
	w->config.quota[KIND_IM] = (struct quota_limit){ day, month };
}

static void
assert_refused(struct world *w, struct im im, const char *word)
{
	int64_t packets = packets_stored(w), charges = charged(w);
	struct answer a = world_ask(w, world_im_ask(im));

	assert_string_equal(a.type, "result");
	assert_string_equal(a.status, "completed");
	assert_string_equal(a.note_type, "error");
	if (strstr(a.note, word) == NULL)
		fail_msg("“%s” does not say “%s”", a.note, word);
	assert_int_equal(packets_stored(w), packets);
	assert_int_equal(charged(w), charges);
}

static void
test_day_limit_is_kept_until_midnight_of_the_servers_zone(void **state)
{
	struct world *w = *state;
	struct answer a;

	limit(w, 2, 100);
	world_start(w);
	world_schedule(w, .when = "in 20 hours");
	world_schedule(w, .when = "in 20 hours");
	a = world_ask(w, world_im(.when = "in 20 hours"));
	assert_string_equal(a.note_type, "error");
	assert_non_null(strstr(a.note, "limit of 2"));
	assert_non_null(strstr(a.note, "2 are used"));
	assert_non_null(strstr(a.note, "2026-11-23 00:00"));
	assert_int_equal(packets_stored(w), 2);
	world_advance_to(w, "2026-11-22T22:59:59Z");
	assert_refused(w, (struct im){ 0 }, "day");
	world_advance(w, SECOND_MS);
	world_schedule(w, .when = "in 20 hours");
}

static void
test_month_limit_is_kept_until_the_next_month(void **state)
{
	struct world *w = *state;

	w->config.schedule.tick_ms = HOUR_MS;
	limit(w, QUOTA_NO_LIMIT, 1);
	world_start(w);
	world_schedule(w, .when = "in 1 hours");
	world_advance(w, DAY_MS);
	assert_refused(w, (struct im){ 0 }, "2026-12-01 00:00");
	world_advance_to(w, "2026-11-30T23:00:00Z");
	world_schedule(w, .when = "in 1 hours");
}

static void
test_limit_of_zero_allows_none(void **state)
{
	struct world *w = *state;

	limit(w, 0, 0);
	world_start(w);
	assert_refused(w, (struct im){ 0 }, "limit is 0");
}

static void
test_no_limit_is_no_limit(void **state)
{
	struct world *w = *state;

	world_start(w);
	for (int i = 0; i < 50; i++)
		world_schedule(w, .when = "in 1 hours");
	assert_int_equal(charged(w), 50);
}

static void
test_limit_of_a_user_goes_before_that_of_their_domain(void **state)
{
	struct world *w = *state;

	limit(w, 0, 0);
	world_start(w);
	world_sql(w, "INSERT INTO quota_limit VALUES ('example.org', %d, 1, 10)", (int)KIND_IM);
	world_schedule(w, .when = "in 1 hours");
	assert_refused(w, (struct im){ 0 }, "limit of 1");
	world_sql(w, "INSERT INTO quota_limit VALUES ('" JULIET "', %d, 2, 10)", (int)KIND_IM);
	world_schedule(w, .when = "in 1 hours");
	assert_refused(w, (struct im){ 0 }, "limit of 2");
}

static void
test_limits_of_one_user_are_not_those_of_another(void **state)
{
	struct world *w = *state;

	limit(w, 1, 1);
	world_start(w);
	world_schedule(w, .when = "in 1 hours");
	world_schedule(w, .from = "nurse@example.org/kitchen", .when = "in 1 hours");
	assert_refused(w, (struct im){ .from = "nurse@example.org/garden" }, "limit of 1");
}

static void
test_two_requests_in_one_turn_do_not_share_the_last_unit(void **state)
{
	struct world *w = *state;
	struct ask first = world_im(.when = "in 1 hours"), second = world_im(.when = "in 1 hours");
	struct answer a, b;

	limit(w, 1, 10);
	world_start(w);
	const char *one = world_ask_xml(w, &first), *two = world_ask_xml(w, &second);
	world_send(w, "%s%s", one, two);
	a = world_answer(w, first.id);
	b = world_answer(w, second.id);
	assert_string_equal(a.note_type, "info");
	assert_string_equal(b.note_type, "error");
	assert_int_equal(packets_stored(w), 1);
	assert_int_equal(charged(w), 1);
}

static void
test_too_many_waiting_are_refused_until_some_have_left(void **state)
{
	struct world *w = *state;

	w->config.schedule.pending_max = 3;
	world_start(w);
	for (int i = 0; i < 3; i++)
		world_schedule(w, .when = "in 10 minutes");
	assert_refused(w, (struct im){ 0 }, "3 messages waiting");
	world_advance(w, 10 * MINUTE_MS);
	world_schedule(w, .when = "in 10 minutes");
}

static void
test_several_recipients_get_one_message_each_and_are_charged_each(void **state)
{
	struct world *w = *state;

	limit(w, 3, 3);
	world_start(w);
	struct answer a = world_ask(w, world_im(.to = ROMEO ", nurse@example.net\ntybalt@example.net " ROMEO));
	const char *ids = world_field(w, &a, "id");
	assert_int_equal(strlen(ids), 3 * PACKET_ID_LEN + 2);
	assert_int_equal(charged(w), 3);
	world_advance(w, 10 * MINUTE_MS);
	assert_int_equal(w->nheard, 3);
	assert_string_not_equal(world_only(w, ROMEO)->id, world_only(w, "nurse@example.net")->id);
	assert_non_null(strstr(ids, world_only(w, "tybalt@example.net")->id));
}

/* Each has to be looked at, and the same one again is not free. */
static void
test_more_than_200_addresses_are_refused_even_if_they_are_one(void **state)
{
	struct world *w = *state;
	char to[201 * sizeof(ROMEO) + 1] = "";

	world_start(w);
	for (size_t i = 0; i < 200; i++)
		strcat(to, ROMEO " ");
	world_schedule(w, .to = to);
	assert_int_equal(packets_stored(w), 1);
	strcat(to, ROMEO);
	struct answer a = world_ask(w, world_im(.to = to));
	assert_string_equal(a.status, "executing");
	assert_non_null(strstr(world_field(w, &a, "error"), "more than 50 recipients"));
	assert_int_equal(packets_stored(w), 1);
}

static void
test_50_recipients_are_accepted_and_51_are_not(void **state)
{
	struct world *w = *state;
	char to[51 * 20] = "";
	size_t len = 0;

	world_start(w);
	for (int i = 0; i < 50; i++)
		len += (size_t)snprintf(to + len, sizeof(to) - len, "r%d@example.net ", i);
	world_schedule(w, .to = to);
	assert_int_equal(packets_stored(w), 50);
	snprintf(to + len, sizeof(to) - len, "r50@example.net");
	struct answer a = world_ask(w, world_im(.to = to));
	assert_non_null(strstr(world_field(w, &a, "error"), "more than 50 recipients"));
	assert_int_equal(packets_stored(w), 50);
	assert_int_equal(charged(w), 50);
}

static void
test_one_bad_recipient_among_several_stores_none(void **state)
{
	struct world *w = *state;

	world_start(w);
	struct answer a = world_ask(w, world_im(.to = ROMEO ", @nowhere, nurse@example.net"));
	assert_string_equal(a.status, "executing");
	assert_non_null(strstr(world_field(w, &a, "error"), "@nowhere"));
	assert_int_equal(packets_stored(w), 0);
	assert_int_equal(charged(w), 0);
}

static void
test_several_recipients_that_exceed_the_quota_store_none(void **state)
{
	struct world *w = *state;

	limit(w, 2, 10);
	world_start(w);
	assert_refused(w, (struct im){ .to = "a@example.net b@example.net c@example.net" }, "adds 3");
	world_schedule(w, .to = "a@example.net b@example.net");
}

static void
test_notices_are_not_charged_to_anybody(void **state)
{
	struct world *w = *state;

	limit(w, 1, 1);
	world_start(w);
	world_schedule(w, .when = "in 1 minutes", .offline = "drop");
	world_advance(w, 2 * MINUTE_MS);
	assert_int_equal(world_count(w, JULIET), 1);
	assert_int_equal(world_sql(w, "SELECT sum(count) FROM charge WHERE sender <> 'service'"), 1);
}

static void
test_quota_command_counts_what_was_taken(void **state)
{
	struct world *w = *state;
	struct answer a;

	limit(w, 5, QUOTA_NO_LIMIT);
	world_start(w);
	world_schedule(w, .to = "a@example.net b@example.net");
	a = world_command(w, .node = "quota");
	assert_string_equal(a.status, "completed");
	assert_string_equal(world_field(w, &a, "im"), "Instant messages: 2 of 5 today, 2 this month (no limit)");
	assert_string_equal(world_field(w, &a, "waiting"), "Waiting: 2 of 1000");
}

static void
test_reload_changes_limits_and_domains(void **state)
{
	struct world *w = *state;
	struct config other;

	limit(w, 1, 1);
	world_start(w);
	world_schedule(w, .when = "in 1 hours");
	assert_refused(w, (struct im){ 0 }, "limit of 1");
	other = w->config;
	other.quota[KIND_IM].per_day = other.quota[KIND_IM].per_month = 2;
	other.users.domains[1] = "example.com";
	laterd_reload(w->laterd, &other);
	world_schedule(w, .when = "in 1 hours");
	world_schedule(w, .from = "tybalt@example.com/square", .when = "in 1 hours");
	assert_refused(w, (struct im){ 0 }, "limit of 2");
	world_crash(w);
}

/* -- Addresses and ends ----------------------------------------------------------------------- */

static void
test_expiry_may_be_as_late_as_the_horizon_and_the_hold(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .expires = "in 430 days");
	assert_int_equal(world_sql(w, "SELECT expires_at FROM packet"),
	    world_utc(WORLD_BEGINS) + 430 * DAY_MS);
}

static const struct {
	const char *written, *means;
} uris[] = {
	{ "xmpp:" ROMEO, ROMEO },
	{ "XMPP:" ROMEO "?message;body=x", ROMEO },
	{ "xmpp:rom%65o@example.net", ROMEO },
	{ "xmpp:%52omeo%40example.net", ROMEO },
	{ "xmpp:nurse%5C40home@example.net?message", "nurse\\40home@example.net" },
	{ "xmpp:%e2%82%ac@example.net", "\xe2\x82\xac@example.net" },
	/* Only in a URI it is an escape. */
	{ "rom%65o@example.net", "rom%65o@example.net" },
	{ "xmpp:rom%6@example.net", "rom%6@example.net" },
};

static bool
goes_to(struct world *w, const char *id, const char *recipient)
{
	return world_sql(w, "SELECT count(*) FROM packet WHERE id = '%s' AND recipient = '%s'", id,
	    recipient) == 1;
}

static void
test_uri_of_a_person_is_as_good_as_their_address(void **state)
{
	struct world *w = *state;

	world_start(w);
	for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
		const char *id = world_schedule(w, .to = uris[i].written);

		if (!goes_to(w, id, uris[i].means))
			fail_msg("%s does not mean %s", uris[i].written, uris[i].means);
	}
	/* Several, in either form. */
	struct answer a = world_ask(w,
	    world_im(.to = "xmpp:a%62@example.net, cd@example.net\nxmpp:ab@example.net"));
	assert_int_equal(strlen(world_field(w, &a, "id")), 2 * PACKET_ID_LEN + 1);
}

static void
test_uri_that_is_no_address_is_refused(void **state)
{
	static const char *const bad[] = {
		"xmpp:", "xmpp:?message", "xmpp:romeo%00@example.net", "xmpp:romeo%ff@example.net",
		"xmpp:romeo%2F@example.net", "xmpp:%40",
	};
	struct world *w = *state;

	world_start(w);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct answer a = world_ask(w, world_im(.to = bad[i]));

		if (strcmp(a.status, "executing") != 0)
			fail_msg("%s is accepted", bad[i]);
	}
	assert_int_equal(packets_stored(w), 0);
}

/* Clients make a link of a value that is a URI, and do not submit it. */
static void
test_uri_comes_back_as_an_address_that_means_the_same(void **state)
{
	struct world *w = *state;

	world_start(w);
	for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
		struct answer a = world_ask(w, world_im(.to = uris[i].written, .when = "soon"));

		assert_string_equal(a.status, "executing");
		const char *back = world_field(w, &a, "to");
		if (strncasecmp(back, "xmpp:", 5) == 0)
			fail_msg("%s comes back as %s", uris[i].written, back);
		const char *id = world_schedule(w, .to = back);
		if (!goes_to(w, id, uris[i].means))
			fail_msg("%s comes back as %s", uris[i].written, back);
	}
}

/* Recipients would have to see it as the local part of one of ours. */
static void
test_sender_with_too_long_an_address_is_refused_at_once(void **state)
{
	struct world *w = *state;
	char from[1100];
	struct answer a;

	world_start(w);
	memset(from, 'j', sizeof(from));
	snprintf(from + 1023 - strlen("%example.org") + 1, 64, "@example.org/a");
	a = world_ask(w, world_im(.from = from));
	assert_string_equal(a.status, "executing");
	assert_non_null(strstr(a.note, "Your address is too long"));
	assert_int_equal(packets_stored(w), 0);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM charge WHERE sender <> 'service'"), 0);
	/* One less is none too many. */
	world_schedule(w, .from = from + 1);
	world_advance(w, 10 * MINUTE_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_day_limit_is_kept_until_midnight_of_the_servers_zone),
		WORLD_TEST(test_month_limit_is_kept_until_the_next_month),
		WORLD_TEST(test_limit_of_zero_allows_none),
		WORLD_TEST(test_no_limit_is_no_limit),
		WORLD_TEST(test_limit_of_a_user_goes_before_that_of_their_domain),
		WORLD_TEST(test_limits_of_one_user_are_not_those_of_another),
		WORLD_TEST(test_two_requests_in_one_turn_do_not_share_the_last_unit),
		WORLD_TEST(test_too_many_waiting_are_refused_until_some_have_left),
		WORLD_TEST(test_several_recipients_get_one_message_each_and_are_charged_each),
		WORLD_TEST(test_more_than_200_addresses_are_refused_even_if_they_are_one),
		WORLD_TEST(test_50_recipients_are_accepted_and_51_are_not),
		WORLD_TEST(test_one_bad_recipient_among_several_stores_none),
		WORLD_TEST(test_several_recipients_that_exceed_the_quota_store_none),
		WORLD_TEST(test_notices_are_not_charged_to_anybody),
		WORLD_TEST(test_quota_command_counts_what_was_taken),
		WORLD_TEST(test_reload_changes_limits_and_domains),
		WORLD_TEST(test_expiry_may_be_as_late_as_the_horizon_and_the_hold),
		WORLD_TEST(test_uri_of_a_person_is_as_good_as_their_address),
		WORLD_TEST(test_uri_that_is_no_address_is_refused),
		WORLD_TEST(test_uri_comes_back_as_an_address_that_means_the_same),
		WORLD_TEST(test_sender_with_too_long_an_address_is_refused_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
