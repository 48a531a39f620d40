#include "config_place.h"

#include "base/clock.h"

/* -- What is accepted ----------------------------------------------------------------------------------------------------------- */

/* contract.md's, but for the place of the secret. */
static const char example[] =
    "component {\n"
    "  address     = \"later.example.org\"\n"
    "  name        = \"Scheduled messages\"\n"
    "  server      = \"127.0.0.1:5347\"\n"
    "  secret_file = \"$S\"\n"
    "}\n"
    "users {\n"
    "  domains = { \"example.org\" }            # whose users may schedule\n"
    "  admins  = { \"admin@example.org\" }\n"
    "}\n"
    "store {\n"
    "  database      = \"/var/lib/laterd/laterd.db\"\n"
    "  seal_key_file = \"/var/lib/laterd/seal.key\"   # made at the first start, 0600\n"
    "  keep_days     = 30\n"
    "}\n"
    "schedule {\n"
    "  tick         = 60       # seconds, 1 to 3600\n"
    "  zone         = \"Europe/Berlin\"\n"
    "  horizon_days = 400\n"
    "  late_limit   = 86400    # seconds after an outage\n"
    "  pending_max  = 1000     # packets waiting, a user\n"
    "  offline      = auto     # the default of the form\n"
    "  hold_days    = 30       # a held packet's default expiry\n"
    "  body_max     = 10000    # bytes\n"
    "}\n"
    "quota im  { per_day = 200 per_month = 2000 }   # 0: none allowed; absent: no limit\n"
    "quota sms { per_day = 20  per_month = 200 count = segment }\n"
    "quota mms { per_day = 5   per_month = 50 }\n"
    "gateway office {\n"
    "  driver = kannel         # kannel, mm7 or http\n"
    "  kinds  = { sms }\n"
    "  url    = \"http://127.0.0.1:13013/cgi-bin/sendsms\"\n"
    "  user   = \"tester\"\n"
    "  secret_file = \"$S\"\n"
    "  sender = \"1234\"\n"
    "}\n"
    "route \"+49\" { sms = { \"office\" } }             # longest prefix wins (\"+\" is everywhere)\n"
    "http {\n"
    "  listen     = \"127.0.0.1:5580\"          # delivery reports, /metrics, /healthz\n"
    "  public_url = \"http://127.0.0.1:5580\"   # what gateways are told\n"
    "}\n"
    "log { level = info  target = stderr }    # stderr, syslog or journal\n";

static void
test_example_of_the_contract_is_accepted_whole(void **state)
{
	const struct config *c = accepts(*state, example);

	assert_string_equal(c->component.address, "later.example.org");
	assert_string_equal(c->component.name, "Scheduled messages");
	assert_string_equal(c->component.host, "127.0.0.1");
	assert_int_equal(c->component.port, 5347);
	assert_string_equal(c->component.secret, "sesame");
	assert_string_equal(c->users.domains[0], "example.org");
	assert_null(c->users.domains[1]);
	assert_string_equal(c->users.admins[0], "admin@example.org");
	assert_null(c->users.admins[1]);
	assert_string_equal(c->store.database, "/var/lib/laterd/laterd.db");
	assert_string_equal(c->store.seal_key_file, "/var/lib/laterd/seal.key");
	assert_int_equal(c->store.keep_ms, 30 * DAY_MS);
	assert_string_equal(c->schedule.zone.name, "Europe/Berlin");
	assert_int_equal(c->schedule.tick_ms, 60000);
	assert_int_equal(c->schedule.horizon_ms, 400 * DAY_MS);
	assert_int_equal(c->schedule.late_limit_ms, DAY_MS);
	assert_int_equal(c->schedule.pending_max, 1000);
	assert_int_equal(c->schedule.offline, OFFLINE_AUTO);
	assert_int_equal(c->schedule.hold_ms, 30 * DAY_MS);
	assert_int_equal(c->schedule.body_max, 10000);
	assert_int_equal(c->quota[KIND_IM].per_day, 200);
	assert_int_equal(c->quota[KIND_IM].per_month, 2000);
	assert_int_equal(c->quota[KIND_SMS].per_day, 20);
	assert_int_equal(c->quota[KIND_MMS].per_month, 50);
	assert_int_equal(c->log.level, LOG_NOTE);
	assert_int_equal(c->log.target, LOG_TO_STDERR);
	assert_true(c->count_segments);
	assert_null(c->schedule.country);
	assert_int_equal(c->routing.ngateways, 1);
	assert_string_equal(c->routing.gateways[0].name, "office");
	assert_string_equal(c->gateways[0].driver, "kannel");
	assert_string_equal(c->gateways[0].secret, "sesame");
	assert_string_equal(c->gateways[0].sender, "1234");
	assert_int_equal(c->routing.nroutes, 1);
	assert_string_equal(c->routing.routes[0].prefix, "+49");
	assert_int_equal(c->routing.routes[0].n[KIND_SMS], 1);
	assert_int_equal(c->routing.routes[0].via[KIND_SMS][0], 0);
	assert_int_equal(c->routing.routes[0].n[KIND_MMS], 0);
	assert_string_equal(c->http.host, "127.0.0.1");
	assert_int_equal(c->http.port, 5580);
	assert_string_equal(c->http.public_url, "http://127.0.0.1:5580");
}

static void
test_minimal_file_has_the_defaults_of_the_example(void **state)
{
	const struct config *c = accepts(*state, MINIMAL);

	assert_string_equal(c->component.name, "Scheduled messages");
	assert_string_equal(c->component.host, "127.0.0.1");
	assert_int_equal(c->component.port, 5347);
	assert_null(c->users.admins[0]);
	assert_string_equal(c->store.database, "/var/lib/laterd/laterd.db");
	assert_int_equal(c->store.keep_ms, 30 * DAY_MS);
	assert_int_equal(c->schedule.tick_ms, 60000);
	assert_int_equal(c->schedule.late_limit_ms, DAY_MS);
	assert_int_equal(c->schedule.pending_max, 1000);
	assert_int_equal(c->schedule.offline, OFFLINE_AUTO);
	assert_int_equal(c->schedule.body_max, 10000);
	assert_int_equal(c->schedule.repeat_min_ms, 15 * MINUTE_MS);
	assert_null(c->schedule.country);
	assert_false(c->count_segments);
	assert_int_equal(c->routing.ngateways, 0);
	assert_int_equal(c->routing.nroutes, 0);
	assert_null(c->http.host);
	assert_null(c->http.public_url);
	assert_non_null(c->media.hosts);
	assert_null(c->media.hosts[0]);
	assert_false(c->media.private_addresses);
	assert_int_equal(c->media.timeout_ms, 15 * SECOND_MS);
}

static void
test_absent_quota_is_no_limit_and_zero_is_none(void **state)
{
	const struct config *c = accepts(*state, MINIMAL "quota im { per_day = 0 }\nquota sms { per_month = 7 }\n");

	assert_int_equal(c->quota[KIND_IM].per_day, 0);
	assert_int_equal(c->quota[KIND_IM].per_month, QUOTA_NO_LIMIT);
	assert_int_equal(c->quota[KIND_SMS].per_day, QUOTA_NO_LIMIT);
	assert_int_equal(c->quota[KIND_SMS].per_month, 7);
	assert_int_equal(c->quota[KIND_MMS].per_day, QUOTA_NO_LIMIT);
	assert_int_equal(c->quota[KIND_MMS].per_month, QUOTA_NO_LIMIT);
	for (int kind = 0; kind < KIND_END; kind++) {
		assert_int_equal(c->total[kind].per_day, QUOTA_NO_LIMIT);
		assert_int_equal(c->total[kind].per_month, QUOTA_NO_LIMIT);
	}
}

static void
test_total_of_all_users_is_apart_from_the_limit_of_one(void **state)
{
	const struct config *c = accepts(*state, MINIMAL
	    "quota im { per_day = 5 total_per_day = 0 }\nquota sms { total_per_month = 1000000000 }\n"
	    "quota mms { total_per_day = 7 total_per_month = 8 per_month = 9 }\n");

	assert_int_equal(c->quota[KIND_IM].per_day, 5);
	assert_int_equal(c->total[KIND_IM].per_day, 0);
	assert_int_equal(c->total[KIND_IM].per_month, QUOTA_NO_LIMIT);
	assert_int_equal(c->quota[KIND_SMS].per_month, QUOTA_NO_LIMIT);
	assert_int_equal(c->total[KIND_SMS].per_day, QUOTA_NO_LIMIT);
	assert_int_equal(c->total[KIND_SMS].per_month, 1000000000);
	assert_int_equal(c->quota[KIND_MMS].per_day, QUOTA_NO_LIMIT);
	assert_int_equal(c->quota[KIND_MMS].per_month, 9);
	assert_int_equal(c->total[KIND_MMS].per_day, 7);
	assert_int_equal(c->total[KIND_MMS].per_month, 8);
}

static void
test_free_space_is_given_in_megabytes(void **state)
{
	const struct {
		const char *text;
		int64_t bytes;
	} v[] = {
		{ MINIMAL, INT64_C(100) << 20 },
		{ MINIMAL "store { keep_days = 1 }\n", INT64_C(100) << 20 },
		{ MINIMAL "store { free_min = 0 }\n", 0 },
		{ MINIMAL "store { free_min = 1 }\n", 1 << 20 },
		{ MINIMAL "store { free_min = 1000000000 }\n", INT64_C(1000000000) << 20 },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		assert_int_equal(accepts(*state, v[i].text)->store.free_min, v[i].bytes);
}

static void
test_only_the_quota_of_sms_may_count_segments(void **state)
{
	assert_true(accepts(*state, MINIMAL "quota sms { count = segment }\n")->count_segments);
	assert_false(accepts(*state, MINIMAL "quota sms { count = message }\nquota im { count = message }\n")->count_segments);
}

static void
test_country_is_a_calling_code(void **state)
{
	assert_string_equal(accepts(*state, MINIMAL "schedule { country = 49 }\n")->schedule.country, "49");
	assert_string_equal(accepts(*state, MINIMAL "schedule { country = \"358\" }\n")->schedule.country, "358");
}

static void
test_addresses_become_canonical(void **state)
{
	const struct config *c = accepts(*state, "component { address = \"Later.Example.ORG\" secret_file = \"$S\" }\n"
	    "users { domains = { \"EXAMPLE.org.\", \"b.example\" } admins = { \"Admin@Example.ORG\" } }\n");

	assert_string_equal(c->component.address, "later.example.org");
	assert_string_equal(c->users.domains[0], "example.org");
	assert_string_equal(c->users.domains[1], "b.example");
	assert_null(c->users.domains[2]);
	assert_string_equal(c->users.admins[0], "admin@example.org");
}

static void
test_server_may_be_a_name_or_ipv6(void **state)
{
	static const struct {
		const char *text, *host;
		int port;
	} servers[] = {
		{ "xmpp.example.org:1", "xmpp.example.org", 1 },
		{ "[::1]:5347", "::1", 5347 },
		{ "localhost:65535", "localhost", 65535 },
	};

	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
		char text[256];

		snprintf(text, sizeof(text), "component { address = \"later.example.org\" secret_file = \"$S\" server = \"%s\" }\n" USERS,
		    servers[i].text);
		const struct config *c = accepts(*state, text);
		assert_string_equal(c->component.host, servers[i].host);
		assert_int_equal(c->component.port, servers[i].port);
	}
}

static void
test_bounds_are_inside_the_range(void **state)
{
	const struct config *c = accepts(*state, MINIMAL "schedule { tick = 1 late_limit = 0 body_max = 30000 offline = drop }\n"
	    "log { level = debug target = syslog }\n");

	assert_int_equal(c->schedule.tick_ms, 1000);
	assert_int_equal(c->schedule.late_limit_ms, 0);
	assert_int_equal(c->schedule.body_max, 30000);
	assert_int_equal(c->schedule.offline, OFFLINE_DROP);
	assert_int_equal(c->log.level, LOG_DETAIL);
	assert_int_equal(c->log.target, LOG_TO_SYSLOG);
	c = accepts(*state, MINIMAL "schedule { tick = 3600 late_limit = 31536000 pending_max = 1000000 horizon_days = 3650 }\n");
	assert_int_equal(c->schedule.tick_ms, HOUR_MS);
	c = accepts(*state, MINIMAL "schedule { repeat_min = 60 }\n");
	assert_int_equal(c->schedule.repeat_min_ms, MINUTE_MS);
	c = accepts(*state, MINIMAL "schedule { repeat_min = 31622400 }\n");
	assert_int_equal(c->schedule.repeat_min_ms, 366 * DAY_MS);
}

/* -- What is refused ------------------------------------------------------------------------------------------------------------ */

static const struct {
	const char *text;
	int line;
	const char *words;
} wrong[] = {
	{ MINIMAL "schedule {\n  tack = 60\n}\n", 4, "tack" },
	{ MINIMAL "scheduler {\n}\n", 3, "scheduler" },
	{ "nonsense = 1\n" MINIMAL, 1, "nonsense" },
	{ MINIMAL "users {\n  domains = { \"example.net\" }\n}\n", 5, "second section users" },
	{ MINIMAL "log {\n}\nstore {\n}\nlog {\n}\n", 8, "second section log" },
	{ MINIMAL "schedule {\n  tick = soon\n}\n", 4, "tick" },
	{ MINIMAL "schedule {\n  tick = 60s\n}\n", 4, "tick" },
	{ MINIMAL "schedule {\n  tick = \"\"\n}\n", 4, "tick" },
	{ MINIMAL "schedule {\n  tick = 0\n}\n", 4, "between 1 and 3600" },
	{ MINIMAL "schedule {\n\n  tick = 3601\n}\n", 5, "between 1 and 3600" },
	{ MINIMAL "schedule {\n  tick = -1\n}\n", 4, "between 1 and 3600" },
	{ MINIMAL "schedule {\n  tick = 99999999999999999999\n}\n", 4, "tick" },
	{ MINIMAL "schedule {\n  late_limit = -1\n}\n", 4, "late_limit" },
	{ MINIMAL "schedule {\n  body_max = 30001\n}\n", 4, "body_max" },
	{ MINIMAL "schedule {\n  pending_max = 0\n}\n", 4, "pending_max" },
	{ MINIMAL "schedule {\n  repeat_min = 59\n}\n", 4, "between 60 and 31622400" },
	{ MINIMAL "schedule {\n  repeat_min = 0\n}\n", 4, "between 60 and 31622400" },
	{ MINIMAL "schedule {\n  repeat_min = 31622401\n}\n", 4, "between 60 and 31622400" },
	{ MINIMAL "schedule {\n  repeat_min = 15min\n}\n", 4, "repeat_min" },
	{ MINIMAL "store { keep_days = 0 }\n", 3, "keep_days" },
	{ MINIMAL "store {\n  free_min = -1\n}\n", 4, "between 0 and 1000000000" },
	{ MINIMAL "store {\n  free_min = 1000000001\n}\n", 4, "free_min" },
	{ MINIMAL "store {\n  free_min = 100M\n}\n", 4, "free_min" },
	{ MINIMAL "store {\n  database = \"\"\n}\n", 4, "database" },
	{ MINIMAL "store {\n  seal_key_file = ''\n}\n", 4, "seal_key_file" },
	/* SQLite would keep it all in memory. */
	{ MINIMAL "store {\n  database = \":memory:\"\n}\n", 4, "database" },
	{ MINIMAL "store {\n  database = \":elsewhere:\"\n}\n", 4, "database" },
	{ MINIMAL "store {\n  database = \"file::memory:\"\n}\n", 4, "database" },
	{ MINIMAL "store {\n  database = \"file:/var/lib/laterd.db?mode=memory\"\n}\n", 4, "database" },
	{ MINIMAL "store {\n  seal_key_file = \":memory:\"\n}\n", 4, "seal_key_file" },
	{ MINIMAL "schedule {\n  zone = \"Europe/Atlantis\"\n}\n", 4, "Europe/Atlantis" },
	{ MINIMAL "schedule {\n  zone = \"../../etc/passwd\"\n}\n", 4, "not a time zone" },
	{ MINIMAL "schedule {\n  offline = maybe\n}\n", 4, "auto, hold, server, drop" },
	{ MINIMAL "log {\n  level = loud\n}\n", 4, "error, warning, info, debug" },
	{ MINIMAL "log {\n  target = file\n}\n", 4, "stderr, syslog, journal" },
	{ MINIMAL "quota im { per_day = 1 }\nquota im { per_day = 2 }\n", 4, "im" },
	{ MINIMAL "quota pigeon { per_day = 1 }\n", 3, "im, sms and mms" },
	{ MINIMAL "quota im {\n  per_day = -2\n}\n", 4, "per_day" },
	{ MINIMAL "quota im {\n  total_per_day = -1\n}\n", 4, "total_per_day" },
	{ MINIMAL "quota im {\n  total_per_month = 1000000001\n}\n", 4, "between 0 and 1000000000" },
	{ MINIMAL "quota im {\n  total_per_month = none\n}\n", 4, "total_per_month" },
	{ MINIMAL "quota im {\n  count = word\n}\n", 4, "message, segment" },
	{ MINIMAL "quota { per_day = 1 }\n", 3, "" },
	{ MINIMAL "quota im { count = segment }\n", 3, "only an SMS has segments" },
	{ MINIMAL "quota mms {\n  count = segment\n}\n", 5, "only an SMS has segments" },
	{ MINIMAL "schedule {\n  country = 049\n}\n", 4, "calling code" },
	{ MINIMAL "schedule {\n  country = \"+49\"\n}\n", 4, "calling code" },
	{ MINIMAL "schedule {\n  country = 4949\n}\n", 4, "calling code" },
	{ MINIMAL "schedule {\n  country = DE\n}\n", 4, "calling code" },
	{ MINIMAL "schedule {\n  country = ''\n}\n", 4, "calling code" },
	{ COMPONENT "users {\n  domains = { \"example.org\",\n    \"not a domain\" }\n}\n", 4, "not a domain" },
	{ COMPONENT "users {\n  domains = { \"x@example.org\" }\n}\n", 3, "not a domain" },
	{ COMPONENT "users {\n  domains = { \"\" }\n}\n", 3, "not a domain" },
	{ COMPONENT "users {\n  domains = { \"example.org\" }\n  admins = { \"example.org\" }\n}\n", 4, "not an address" },
	{ COMPONENT "users {\n  domains = { \"example.org\" }\n  admins = { \"a@example.org/x\" }\n}\n", 4, "not an address" },
	{ "component {\n  address = \"later..example.org\"\n  secret_file = \"$S\"\n}\n" USERS, 2, "not a domain" },
	{ "component {\n  server = \"localhost\"\n}\n" USERS, 2, "HOST:PORT" },
	{ "component {\n  server = \":5347\"\n}\n" USERS, 2, "HOST:PORT" },
	{ "component {\n  server = \"localhost:0\"\n}\n" USERS, 2, "HOST:PORT" },
	{ "component {\n  server = \"localhost:65536\"\n}\n" USERS, 2, "HOST:PORT" },
	{ "component {\n  server = \"localhost:5347x\"\n}\n" USERS, 2, "HOST:PORT" },
	{ "component {\n  secret_file = \"/nonexistent/secret\"\n}\n" USERS, 2, "/nonexistent/secret" },
	{ USERS, 0, "component" },
	{ COMPONENT, 0, "users" },
	{ "", 0, "component" },
	{ "\n\ncomponent {\n  secret_file = \"$S\"\n}\n" USERS, 5, "address" },
	{ "\ncomponent {\n  address = \"later.example.org\"\n}\n" USERS, 4, "secret_file" },
	{ COMPONENT "users {\n}\n", 3, "domains" },
	{ COMPONENT "users {\n  domains = { }\n}\n", 4, "domains" },
	{ MINIMAL "schedule {\n", 0, "} or a quote is missing" },
	{ MINIMAL "schedule {\n  tick = 5\n# } comment", 0, "} or a quote is missing" },
	{ MINIMAL "schedule {\n  tick =", 5, "tick" },
	{ MINIMAL "schedule {\n  zone = \"Europe/Berlin\n}\n", 0, "} or a quote is missing" },
	{ MINIMAL "}\n", 3, "" },
	/* A comment that goes on to the end hides what comes before its end, too. */
	{ MINIMAL "/*", 0, "ends within" },
	{ MINIMAL "/* schedule {\n  tick = 5\n}\n", 0, "ends within" },
	{ MINIMAL "schedule {\n  tick = 5\n}\n/* *\\/ * /\nlog { level = debug }\n", 0, "ends within" },
	{ MINIMAL "schedule { /* }\n", 0, "ends within" },
	{ COMPONENT "/*" USERS, 0, "ends within" },
	/* Words that are near to how the end is found. */
	{ MINIMAL "schedule {\n  zone = \"end_of_file\"\n}\n", 4, "end_of_file" },
	{ MINIMAL "schedule {\n  end_of_file = 1\n}\n", 4, "end_of_file" },
	{ MINIMAL "end_of_file = 1\n", 3, "end_of_file" },
	{ MINIMAL "end_of_file = 1\n/*", 3, "end_of_file" },
};

static void
test_comments_may_stand_anywhere_if_they_end(void **state)
{
	const struct config *c = accepts(*state, "/* first */" COMPONENT "/* /* */ " USERS
	    "schedule { /* { */ tick = 5 /* \" } */ }\n# the last /* one\n// and another /*\n/**/");

	assert_int_equal(c->schedule.tick_ms, 5000);
}

static void
test_each_wrong_file_is_refused_with_line_and_reason(void **state)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		refuses(*state, wrong[i].text, wrong[i].line, wrong[i].words);
}

static void
test_secret_that_all_may_read_is_refused_with_its_line(void **state)
{
	struct place *p = *state;

	chmod(p->secret, 0644);
	refuses(p, "component {\n  address = \"later.example.org\"\n  secret_file = \"$S\"\n}\n" USERS, 3, "everybody may read it");
}

static void
test_missing_file_and_directory_are_refused(void **state)
{
	struct place *p = *state;

	assert_int_equal(config_load("/nonexistent/laterd.conf", &p->config, &p->why), RES_INVALID);
	assert_string_equal(buf_str(&p->why), "/nonexistent/laterd.conf: No such file or directory");
	assert_null(p->config);
	buf_reset(&p->why);
	assert_int_equal(config_load(p->dir, &p->config, &p->why), RES_INVALID);
	assert_non_null(strstr(buf_str(&p->why), ": Is a directory"));
	assert_null(p->config);
}

static void
test_too_many_domains_are_refused(void **state)
{
	struct place *p = *state;

	for (int n = CONFIG_LIST_MAX; n <= CONFIG_LIST_MAX + 1; n++) {
		struct buf text = { 0 };

		buf_text(&text, COMPONENT "users { domains = { \"d0.example\"");
		for (int i = 1; i < n; i++)
			buf_printf(&text, ", \"d%d.example\"", i);
		buf_text(&text, " } }\n");
		if (n == CONFIG_LIST_MAX)
			assert_string_equal(accepts(p, buf_str(&text))->users.domains[n - 1], "d63.example");
		else
			refuses(p, buf_str(&text), 2, "64");
		buf_free(&text);
	}
}

static void
test_failed_load_does_not_disturb_the_next(void **state)
{
	struct place *p = *state;

	refuses(p, "nonsense", 1, "nonsense");
	accepts(p, MINIMAL);
	accepts(p, example);
	accepts(p, MINIMAL);
	assert_int_equal(p->config->routing.ngateways, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CONFIG_TEST(test_example_of_the_contract_is_accepted_whole),
		CONFIG_TEST(test_minimal_file_has_the_defaults_of_the_example),
		CONFIG_TEST(test_absent_quota_is_no_limit_and_zero_is_none),
		CONFIG_TEST(test_total_of_all_users_is_apart_from_the_limit_of_one),
		CONFIG_TEST(test_free_space_is_given_in_megabytes),
		CONFIG_TEST(test_only_the_quota_of_sms_may_count_segments),
		CONFIG_TEST(test_country_is_a_calling_code),
		CONFIG_TEST(test_addresses_become_canonical),
		CONFIG_TEST(test_server_may_be_a_name_or_ipv6),
		CONFIG_TEST(test_bounds_are_inside_the_range),
		CONFIG_TEST(test_comments_may_stand_anywhere_if_they_end),
		CONFIG_TEST(test_each_wrong_file_is_refused_with_line_and_reason),
		CONFIG_TEST(test_secret_that_all_may_read_is_refused_with_its_line),
		CONFIG_TEST(test_missing_file_and_directory_are_refused),
		CONFIG_TEST(test_too_many_domains_are_refused),
		CONFIG_TEST(test_failed_load_does_not_disturb_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
