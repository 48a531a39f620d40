#include "config_place.h"

#include "base/clock.h"

#define HEAD(name) "gateway " name " {\n  driver = kannel\n  kinds = { sms }\n  url = \"http://127.0.0.1:13013/cgi-bin/sendsms\"\n"
#define LOGIN      "  user = \"tester\"\n  secret_file = \"$S\"\n  sender = \"1234\"\n"
#define OFFICE     HEAD("office") LOGIN "}\n"
/* Its MMS and SMS go the same way. */
#define FRAME "gateway frame {\n  driver = http\n  kinds = { sms, mms }\n  url = \"https://sms.example/send\"\n" \
	"  encode = form\n  params = { \"to={to}\", \"text={text}\" }\n  mms_params = { \"to={to}\", \"media={media}\" }\n"

static size_t
count(const char *const *list)
{
	size_t n = 0;

	assert_non_null(list);
	while (list[n] != NULL)
		n++;
	return n;
}

/* -- What is accepted ----------------------------------------------------------------------------------------------------------- */

static void
test_keys_that_are_not_given_have_their_defaults(void **state)
{
	const struct config *c = accepts(*state, MINIMAL OFFICE);
	const struct gateway_config *g = &c->gateways[0];

	assert_int_equal(c->routing.ngateways, 1);
	assert_int_equal(g->timeout_ms, 30 * SECOND_MS);
	assert_int_equal(g->connections, 8);
	assert_int_equal(g->inflight, 16);
	assert_true(g->rate <= 0);
	assert_int_equal(g->number.style, NUMBER_E164);
	assert_int_equal(g->info.max_segments, 6);
	assert_int_equal(g->info.media_max, 307200);
	assert_int_equal(count(g->info.media_types), 4);
	assert_string_equal(g->info.media_types[0], "image/");
	assert_string_equal(g->info.media_types[3], "text/vcard");
	assert_int_equal(count(g->info.allow), 0);
	assert_ptr_equal(g->info.deny, route_deny_default);
	assert_false(g->retry_unknown);
	assert_string_equal(g->mm7_version, "6.8.0");
	assert_string_equal(g->mm7_namespace,
	    "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4");
	assert_null(g->mms_url);
	assert_null(g->ca_file);
	assert_null(g->smsc);
	assert_int_equal(count(g->headers), 0);
	assert_int_equal(count(g->report_map), 0);
	assert_non_null(g->prepared_driver);
}

static void
test_keys_that_are_given_have_their_values(void **state)
{
	const struct config *c = accepts(*state, MINIMAL HEAD("Up_to-32") LOGIN
	    "  number = digits\n  rate = 0.5\n  timeout = 7\n  connections = 3\n  inflight = 5\n  max_segments = 50\n"
	    "  media_max = 5242880\n  media_types = { image/jpeg }\n  allow_prefix = { \"+49\", \"+43\" }\n"
	    "  deny_prefix = { \"+49900\" }\n  smsc = office\n  on_unknown = retry\n}\n");
	const struct gateway_config *g = &c->gateways[0];

	assert_string_equal(g->info.name, "Up_to-32");
	assert_string_equal(g->url, "http://127.0.0.1:13013/cgi-bin/sendsms");
	assert_string_equal(g->user, "tester");
	assert_string_equal(g->secret, "sesame");
	assert_string_equal(g->sender, "1234");
	assert_int_equal(g->number.style, NUMBER_DIGITS);
	assert_true(g->rate > 0.49 && g->rate < 0.51);
	assert_int_equal(g->timeout_ms, 7 * SECOND_MS);
	assert_int_equal(g->connections, 3);
	assert_int_equal(g->inflight, 5);
	assert_int_equal(g->info.max_segments, 50);
	assert_int_equal(g->info.media_max, 5242880);
	assert_int_equal(count(g->info.media_types), 1);
	assert_int_equal(count(g->info.allow), 2);
	assert_string_equal(g->info.allow[1], "+43");
	assert_int_equal(count(g->info.deny), 1);
	assert_string_equal(g->info.deny[0], "+49900");
	assert_string_equal(g->smsc, "office");
	assert_true(g->retry_unknown);
}

static void
test_every_key_of_an_http_gateway_arrives(void **state)
{
	const struct config *c = accepts(*state, MINIMAL "gateway frame {\n"
	    "  driver = http\n  kinds = { sms, mms }\n  url = \"https://sms.example/send\"\n  mms_url = \"https://mms.example/\"\n"
	    "  secret_file = \"$S\"\n  sender = Example\n  method = PUT\n  header = { \"X-One: 1\", 'X-Two: 2' }\n"
	    "  auth = header\n  auth_header = \"Authorization: AccessKey {secret}\"\n  encode = json\n"
	    "  body = '{\"to\": \"{to}\", \"text\": \"{text}\", \"id\": \"{id}\"}'\n"
	    "  mms_body = '{\"to\": \"{to}\", \"text\": \"{text}\", \"media\": [\"{media}\"], \"id\": \"{id}\"}'\n"
	    "  media = data\n  media_list = repeat\n  idempotency = \"field:id\"\n"
	    "  ok_http = { 200, 201 }\n  dup_http = { 409 }\n  retry_http = { 429, 500-504 }\n  halt_http = { 402 }\n"
	    "  ok_path = messages.0.status\n  ok_value = 0\n  id_path = messages.0.id\n  err_path = error.text\n"
	    "  code_path = error.code\n  retry_code = { 1, 5 }\n  permanent_code = { 3 }\n  halt_code = { 9 }\n"
	    "  retry_after = { X-RateLimit-Reset }\n"
	    "  report = json\n  report_id = id\n  report_state = status\n  report_words = text\n"
	    "  report_map = { \"delivered=delivered\", \"lost=failed\", \"sent=taken\" }\n}\n");
	const struct gateway_config *g = &c->gateways[0];

	assert_true(g->info.kinds[KIND_SMS] && g->info.kinds[KIND_MMS] && !g->info.kinds[KIND_IM]);
	assert_string_equal(g->mms_url, "https://mms.example/");
	assert_string_equal(g->method, "PUT");
	assert_string_equal(g->headers[1], "X-Two: 2");
	assert_string_equal(g->auth, "header");
	assert_string_equal(g->auth_header, "Authorization: AccessKey {secret}");
	assert_string_equal(g->encode, "json");
	assert_string_equal(g->body, "{\"to\": \"{to}\", \"text\": \"{text}\", \"id\": \"{id}\"}");
	assert_non_null(strstr(g->mms_body, "[\"{media}\"]"));
	assert_string_equal(g->media, "data");
	assert_string_equal(g->media_list, "repeat");
	assert_string_equal(g->idempotency, "field:id");
	assert_int_equal(count(g->ok_http), 2);
	assert_string_equal(g->dup_http[0], "409");
	assert_string_equal(g->retry_http[1], "500-504");
	assert_string_equal(g->halt_http[0], "402");
	assert_string_equal(g->ok_path, "messages.0.status");
	assert_string_equal(g->ok_value, "0");
	assert_string_equal(g->id_path, "messages.0.id");
	assert_string_equal(g->err_path, "error.text");
	assert_string_equal(g->code_path, "error.code");
	assert_string_equal(g->retry_code[1], "5");
	assert_string_equal(g->permanent_code[0], "3");
	assert_string_equal(g->halt_code[0], "9");
	assert_string_equal(g->retry_after[0], "X-RateLimit-Reset");
	assert_string_equal(g->report, "json");
	assert_string_equal(g->report_id, "id");
	assert_string_equal(g->report_state, "status");
	assert_string_equal(g->report_words, "text");
	assert_string_equal(g->report_map[2], "sent=taken");
	assert_true(c->infos[0].repeats == g->info.repeats);
}

static void
test_every_key_of_an_mm7_gateway_arrives(void **state)
{
	const struct gateway_config *g = accepts(*state, MINIMAL "gateway mmsc {\n"
	    "  driver = mm7\n  kinds = { mms }\n  url = \"https://mmsc.example/mm7\"\n" LOGIN
	    "  vasp_id = vasp\n  vas_id = later\n  service_code = gold\n  mm7_version = 5.3.0\n"
	    "  mm7_namespace = \"http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-5-MM7-1-0\"\n}\n")->gateways;

	assert_false(g->info.kinds[KIND_SMS]);
	assert_true(g->info.kinds[KIND_MMS]);
	assert_string_equal(g->vasp_id, "vasp");
	assert_string_equal(g->vas_id, "later");
	assert_string_equal(g->service_code, "gold");
	assert_string_equal(g->mm7_version, "5.3.0");
	assert_non_null(strstr(g->mm7_namespace, "REL-5-MM7-1-0"));
}

static void
test_empty_deny_list_takes_the_default_away(void **state)
{
	assert_int_equal(count(accepts(*state, MINIMAL HEAD("office") LOGIN "  deny_prefix = {}\n}\n")->gateways[0].info.deny), 0);
	assert_true(count(accepts(*state, MINIMAL OFFICE)->gateways[0].info.deny) > 0);
}

static void
test_number_may_be_written_in_four_ways(void **state)
{
	const struct config *c = accepts(*state, MINIMAL HEAD("a") LOGIN "  number = \"strip:+1\"\n}\n");

	assert_int_equal(c->gateways[0].number.style, NUMBER_STRIP);
	assert_string_equal(c->gateways[0].number.prefix, "+1");
	c = accepts(*state, MINIMAL HEAD("a") LOGIN "  number = 00\n}\n");
	assert_int_equal(c->gateways[0].number.style, NUMBER_00);
}

static void
test_routes_name_gateways_that_stand_anywhere(void **state)
{
	const struct config *c = accepts(*state, MINIMAL
	    "route \"+\" { sms = { \"office\" } mms = { \"frame\" } }\n"
	    "route \"+49170\" { sms = { \"frame\", \"office\" } }\n" OFFICE FRAME "}\n");
	const struct routing *r = &c->routing;

	assert_int_equal(r->ngateways, 2);
	assert_int_equal(r->nroutes, 2);
	assert_string_equal(r->routes[0].prefix, "+");
	assert_int_equal(r->routes[0].n[KIND_SMS], 1);
	assert_int_equal(r->routes[0].via[KIND_SMS][0], 0);
	assert_int_equal(r->routes[0].n[KIND_MMS], 1);
	assert_int_equal(r->routes[0].via[KIND_MMS][0], 1);
	assert_string_equal(r->routes[1].prefix, "+49170");
	assert_int_equal(r->routes[1].n[KIND_SMS], 2);
	assert_int_equal(r->routes[1].via[KIND_SMS][0], 1);
	assert_int_equal(r->routes[1].via[KIND_SMS][1], 0);
	assert_int_equal(r->routes[1].n[KIND_MMS], 0);
	for (size_t i = 0; i < r->ngateways; i++)
		assert_string_equal(r->gateways[i].name, c->gateways[i].info.name);
}

static void
test_listener_and_public_url_are_read(void **state)
{
	const struct config *c = accepts(*state, MINIMAL
	    "http { listen = \"[::1]:8080\" public_url = \"https://later.example.org/sms//\" }\n");

	assert_string_equal(c->http.host, "::1");
	assert_int_equal(c->http.port, 8080);
	/* So that /report can be appended. */
	assert_string_equal(c->http.public_url, "https://later.example.org/sms");
	c = accepts(*state, MINIMAL "http { listen = \"localhost:1\" }\n");
	assert_string_equal(c->http.host, "localhost");
	assert_null(c->http.public_url);
}

static void
test_media_hosts_become_lower_case(void **state)
{
	const struct config *c = accepts(*state, MINIMAL
	    "media { hosts = { \"Upload.Example.ORG\", \"*.EXAMPLE.net\" } private_addresses = yes timeout = 3 }\n");

	assert_int_equal(count(c->media.hosts), 2);
	assert_string_equal(c->media.hosts[0], "upload.example.org");
	assert_string_equal(c->media.hosts[1], "*.example.net");
	assert_true(c->media.private_addresses);
	assert_null(c->media.ca_file);
	assert_int_equal(c->media.timeout_ms, 3 * SECOND_MS);
}

/* -- What is refused ------------------------------------------------------------------------------------------------------------ */

/* OFFICE with one more key: it stands in line 10, the section ends in line 11. */
#define WITH(key) MINIMAL HEAD("office") LOGIN "  " key "\n}\n"

static const struct {
	const char *text;
	int line;
	const char *words;
} wrong[] = {
	{ WITH("drivers = http"), 10, "drivers" },
	{ WITH("driver = smpp"), 10, "kannel, mm7, http" },
	{ WITH("kinds = { sms, im }"), 10, "sms, mms" },
	{ WITH("kinds = { pigeon }"), 10, "sms, mms" },
	{ WITH("kinds = { }"), 11, "gateway office needs kinds" },
	{ MINIMAL "gateway office {\n  driver = kannel\n  kinds = { sms }\n}\n", 6, "gateway office needs url" },
	{ MINIMAL "gateway office {\n  kinds = { sms }\n  url = \"http://127.0.0.1/\"\n}\n", 6, "gateway office needs driver" },
	{ MINIMAL "gateway office {\n}\n", 4, "needs driver" },
	{ MINIMAL "gateway {\n}\n", 3, "" },
	{ MINIMAL "gateway \"\" {\n}\n", 4, "1 to 32" },
	{ MINIMAL "gateway \"a b\" {\n}\n", 4, "1 to 32" },
	{ MINIMAL "gateway \"a/b\" {\n}\n", 4, "1 to 32" },
	{ MINIMAL "gateway \"büro\" {\n}\n", 4, "1 to 32" },
	{ MINIMAL "gateway a23456789012345678901234567890123 {\n}\n", 4, "1 to 32" },
	{ MINIMAL OFFICE "gateway office {\n}\n", 11, "office" },

	{ WITH("url = \"ftp://example.org/\""), 10, "must begin with http:// or https://" },
	{ WITH("url = \"127.0.0.1:13013\""), 10, "must begin with http:// or https://" },
	{ WITH("url = \"http://\""), 10, "must begin with http:// or https://" },
	{ WITH("url = \"http://:80/\""), 10, "must begin with http:// or https://" },
	{ WITH("url = \"http:///path\""), 10, "must begin with http:// or https://" },
	{ WITH("url = \"\""), 10, "must begin with http:// or https://" },
	{ WITH("url = \"http://tester:hidden@127.0.0.1/\""), 10, "user" },
	{ WITH("url = \"http://127.0.0.1/a b\""), 10, "character" },
	{ WITH("url = \"http://127.0.0.1/ü\""), 10, "character" },
	{ WITH("url = \"http://127.0.0.1/#x\""), 10, "fragment" },
	{ WITH("mms_url = \"file:///etc/passwd\""), 10, "must begin with http:// or https://" },
	{ WITH("secret_file = \"/nonexistent/secret\""), 10, "/nonexistent/secret" },
	{ WITH("ca_file = \"/nonexistent/ca.pem\""), 10, "/nonexistent/ca.pem" },
	{ WITH("user = \"\""), 10, "user must be" },
	{ WITH("sender = \"a\nb\""), 11, "sender must be" },

	{ WITH("number = local"), 10, "e164, digits, 00, strip:PREFIX" },
	{ WITH("rate = -1"), 10, "rate" },
	{ WITH("rate = 0.0001"), 10, "rate" },
	{ WITH("rate = 10001"), 10, "rate" },
	{ WITH("rate = nan"), 10, "rate" },
	{ WITH("rate = fast"), 10, "rate" },
	{ WITH("timeout = 0"), 10, "between 1 and 300" },
	{ WITH("timeout = 301"), 10, "between 1 and 300" },
	{ WITH("connections = 0"), 10, "between 1 and 256" },
	{ WITH("connections = -1"), 10, "between 1 and 256" },
	{ WITH("inflight = 0"), 10, "between 1 and 10000" },
	{ WITH("max_segments = 0"), 10, "between 1 and 50" },
	{ WITH("max_segments = 51"), 10, "between 1 and 50" },
	{ WITH("media_max = 5242881"), 10, "between 1 and 5242880" },
	{ WITH("allow_prefix = { \"49\" }"), 10, "not the beginning of a number" },
	{ WITH("allow_prefix = { \"+49\", \"+4 9\" }"), 10, "not the beginning of a number" },
	{ WITH("deny_prefix = { \"\" }"), 10, "not the beginning of a number" },
	{ WITH("deny_prefix = { \"+1234567890123456\" }"), 10, "not the beginning of a number" },
	{ WITH("on_unknown = shrug"), 10, "hold, retry" },

	{ WITH("method = DELETE"), 10, "GET, POST, PUT" },
	{ WITH("auth = digest"), 10, "none, basic, bearer, header, params" },
	{ WITH("encode = xml"), 10, "query, form, json" },
	{ WITH("media = file"), 10, "url, base64, data" },
	{ WITH("media_list = array"), 10, "repeat, numbered, comma" },
	{ WITH("report = soap"), 10, "none, query, form, json" },
	{ WITH("ok_http = { 200, 2000 }"), 10, "not an HTTP status" },
	{ WITH("ok_http = { 99 }"), 10, "not an HTTP status" },
	{ WITH("ok_http = { 600 }"), 10, "not an HTTP status" },
	{ WITH("dup_http = { yes }"), 10, "not an HTTP status" },
	{ WITH("retry_http = { 504-500 }"), 10, "not an HTTP status" },
	{ WITH("halt_http = { 500- }"), 10, "not an HTTP status" },
	{ WITH("halt_http = { \"\" }"), 10, "not an HTTP status" },

	{ WITH("retry_http = { 503 }"), 11, "gateway office: retry_http is for the driver http" },
	{ WITH("mm7_version = \"6.8.0\""), 11, "mm7_version is for the driver mm7" },
	{ WITH("method = POST"), 11, "method is for the driver http" },

	/* What gateway_prepare refuses: the section's line, and its name. */
	{ MINIMAL "gateway x {\n  driver = kannel\n  kinds = { mms }\n  url = \"http://127.0.0.1/\"\n" LOGIN "}\n", 10, "gateway x: " },

	{ MINIMAL OFFICE "route \"+49\" {\n  sms = { \"nobody\" }\n}\n", 13, "“nobody”: there is no such gateway" },
	{ MINIMAL OFFICE "route \"+49\" {\n  mms = { \"office\" }\n}\n", 13, "“office”: this gateway does not have that kind" },
	{ MINIMAL OFFICE "route \"+49\" {\n  sms = { \"office\", \"office\" }\n}\n", 13, "twice" },
	{ MINIMAL OFFICE "route \"+49\" {\n}\n", 12, "names no gateway" },
	{ MINIMAL OFFICE "route \"+49\" {\n  im = { \"office\" }\n}\n", 12, "im" },
	{ MINIMAL OFFICE "route \"49\" {\n  sms = { \"office\" }\n}\n", 13, "not the beginning of a number" },
	{ MINIMAL OFFICE "route \"\" {\n  sms = { \"office\" }\n}\n", 13, "not the beginning of a number" },
	{ MINIMAL OFFICE "route \"+49x\" {\n  sms = { \"office\" }\n}\n", 13, "not the beginning of a number" },
	{ MINIMAL OFFICE "route \"+49\" { sms = { \"office\" } }\nroute \"+49\" { sms = { \"office\" } }\n", 12, "+49" },

	{ MINIMAL "http {\n  listen = 5580\n}\n", 4, "HOST:PORT" },
	{ MINIMAL "http {\n  listen = \"127.0.0.1:0\"\n}\n", 4, "HOST:PORT" },
	{ MINIMAL "http {\n  public_url = \"http://127.0.0.1:5580\"\n}\n", 5, "public_url needs listen" },
	{ MINIMAL "http {\n  public_url = \"127.0.0.1:5580\"\n}\n", 4, "must begin with http:// or https://" },
	{ MINIMAL "http {\n  public_url = \"http://h/?a=b\"\n}\n", 4, "can be appended" },
	{ MINIMAL "http {\n  public_url = \"http://h/{id}\"\n}\n", 4, "can be appended" },
	{ MINIMAL "http {\n}\nhttp {\n}\n", 6, "second section http" },
	{ MINIMAL "media {\n}\nmedia {\n}\n", 6, "second section media" },
	{ MINIMAL "media {\n  hosts = { \"*\" }\n}\n", 4, "not a host" },
	{ MINIMAL "media {\n  hosts = { \"a.*.example\" }\n}\n", 4, "not a host" },
	{ MINIMAL "media {\n  hosts = { \"https://example.org\" }\n}\n", 4, "not a host" },
	{ MINIMAL "media {\n  hosts = { \"münchen.example\" }\n}\n", 4, "not a host" },
	{ MINIMAL "media {\n  private_addresses = perhaps\n}\n", 4, "private_addresses" },
	{ MINIMAL "media {\n  timeout = 0\n}\n", 4, "between 1 and 120" },
	{ MINIMAL "media {\n  ca_file = \"/nonexistent/ca.pem\"\n}\n", 4, "/nonexistent/ca.pem" },
};

static void
test_each_wrong_file_is_refused_with_line_and_reason(void **state)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		refuses(*state, wrong[i].text, wrong[i].line, wrong[i].words);
}

static void
test_reasons_do_not_repeat_what_a_url_may_hide(void **state)
{
	struct place *p = *state;

	refuses(p, WITH("url = \"http://tester:hidden@127.0.0.1/\""), 10, "url");
	assert_null(strstr(buf_str(&p->why), "hidden"));
}

static void
test_secret_of_a_gateway_that_all_may_read_is_refused(void **state)
{
	struct place *p = *state;
	char text[512], path[96];

	snprintf(path, sizeof(path), "%s/open", p->dir);
	write_file(path, "sesame\n");
	chmod(path, 0644);
	snprintf(text, sizeof(text), MINIMAL HEAD("office") "  secret_file = \"%s\"\n}\n", path);
	refuses(p, text, 7, "everybody may read it");
	unlink(path);
}

static void
test_every_mistake_of_the_gateways_is_reported_at_once(void **state)
{
	struct place *p = *state;

	refuses(p, MINIMAL "gateway a {\n  driver = kannel\n}\ngateway b {\n  driver = kannel\n}\nhttp {\n  public_url = \"http://h\"\n}\n",
	    11, "public_url");
	assert_non_null(strstr(buf_str(&p->why), ":5: gateway a needs kinds"));
	assert_non_null(strstr(buf_str(&p->why), ":5: gateway a needs url"));
	assert_non_null(strstr(buf_str(&p->why), ":8: gateway b needs url"));
}

static void
accepts_or_refuses_number(struct place *p, size_t gateways, size_t routes, const char *words)
{
	struct buf text = { 0 };

	buf_text(&text, MINIMAL);
	for (size_t i = 0; i < gateways; i++)
		buf_printf(&text, "gateway g%zu { driver = kannel kinds = { sms } url = \"http://127.0.0.1/\" "
		    "user = a secret_file = \"$S\" sender = 1 }\n", i);
	for (size_t i = 0; i < routes; i++)
		buf_printf(&text, "route \"+%zu\" { sms = { g0 } }\n", i + 1);
	if (words != NULL)
		refuses(p, buf_str(&text), (int)(2 + gateways + routes), words);
	else {
		accepts(p, buf_str(&text));
		assert_int_equal(p->config->routing.ngateways, gateways);
		assert_int_equal(p->config->routing.nroutes, routes);
	}
	buf_free(&text);
}

static void
test_too_many_gateways_and_routes_are_refused(void **state)
{
	accepts_or_refuses_number(*state, GATEWAYS_MAX, 0, NULL);
	accepts_or_refuses_number(*state, GATEWAYS_MAX + 1, 0, "more than 32 gateways");
	accepts_or_refuses_number(*state, 1, CONFIG_LIST_MAX, NULL);
	accepts_or_refuses_number(*state, 1, CONFIG_LIST_MAX + 1, "more than 64 routes");
}

static void
test_list_of_a_gateway_is_bounded(void **state)
{
	struct buf text = { 0 };

	buf_text(&text, MINIMAL HEAD("office") LOGIN "  allow_prefix = { \"+1\"");
	for (int i = 0; i < CONFIG_LIST_MAX; i++)
		buf_printf(&text, ", \"+%d\"", i + 2);
	buf_text(&text, " }\n}\n");
	refuses(*state, buf_str(&text), 11, "allow_prefix has more than 64 values");
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CONFIG_TEST(test_keys_that_are_not_given_have_their_defaults),
		CONFIG_TEST(test_keys_that_are_given_have_their_values),
		CONFIG_TEST(test_every_key_of_an_http_gateway_arrives),
		CONFIG_TEST(test_every_key_of_an_mm7_gateway_arrives),
		CONFIG_TEST(test_empty_deny_list_takes_the_default_away),
		CONFIG_TEST(test_number_may_be_written_in_four_ways),
		CONFIG_TEST(test_routes_name_gateways_that_stand_anywhere),
		CONFIG_TEST(test_listener_and_public_url_are_read),
		CONFIG_TEST(test_media_hosts_become_lower_case),
		CONFIG_TEST(test_each_wrong_file_is_refused_with_line_and_reason),
		CONFIG_TEST(test_reasons_do_not_repeat_what_a_url_may_hide),
		CONFIG_TEST(test_secret_of_a_gateway_that_all_may_read_is_refused),
		CONFIG_TEST(test_every_mistake_of_the_gateways_is_reported_at_once),
		CONFIG_TEST(test_too_many_gateways_and_routes_are_refused),
		CONFIG_TEST(test_list_of_a_gateway_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
