#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "xmpp/query.h"
#include "xmpp/stanza.h"

#define ERRORS "urn:ietf:params:xml:ns:xmpp-stanzas"
#define INFO   "http://jabber.org/protocol/disco#info"
#define ITEMS  "http://jabber.org/protocol/disco#items"
#define CMDS   "http://jabber.org/protocol/commands"

struct commands {
	char asker[JID_BARE_MAX + 1];
};

static const struct command_info infos[] = {
	{ .name = "im", .title = "Send later", .has_form = true },
	{ .name = "remind", .title = "Of chat alone", .has_form = true, .chat_only = true },
	{ .name = "list", .title = "What waits" },
};

static struct commands service;
static const char *const nobody[] = { NULL };
static const char *const admins[] = { "admin@example.org", "nurse@example.org", NULL };
static struct zone zone;
static struct query_config config;
static xmpp_ctx_t *ctx;
static struct query *q;
static int64_t wall_now, mono_now;

/* Juliet may run all commands, others not the first. */
static const struct command_info *
visible(struct commands *c, const struct asker *who, size_t i)
{
	memcpy(c->asker, who->jid.bare, sizeof(c->asker));
	if (strcmp(c->asker, "juliet@example.org") != 0)
		i++;
	return i < 3 ? &infos[i] : NULL;
}

static const struct command_info *
find(struct commands *c, struct span name)
{
	(void)c;
	(void)name;
	fail();
	return NULL;
}

static void
run(struct commands *c, const struct asker *who, const struct command_info *cmd,
    enum command_stage stage, struct form *in, struct reply *reply)
{
	(void)c, (void)who, (void)cmd, (void)stage, (void)in, (void)reply;
	fail();
}

static const struct command_ops ops = { .visible = visible, .find = find, .run = run };

static int64_t
wall(void *arg)
{
	(void)arg;
	return wall_now;
}

static int64_t
mono(void *arg)
{
	(void)arg;
	return mono_now;
}

static const struct clock fake_clock = { wall, mono, NULL };

static int
setup(void **state)
{
	(void)state;
	wall_now = INT64_C(1700000000000); /* 2023-11-14T22:13:20Z */
	mono_now = 5000;
	if (zone_find(&zone, SPAN("+01:00")) != RES_OK)
		return -1;
	config = (struct query_config){ "later.example.org", "Later & <co>", "1.2", admins, &zone };
	ctx = xmpp_ctx_new(NULL, NULL);
	q = query_new(&config, ctx, &fake_clock, &ops, &service);
	return q == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	query_free(&q);
	assert_null(q);
	xmpp_ctx_free(ctx);
	return 0;
}

/* The answer to an iq, as the asker would parse it; addressed to the bot when `to` has an '@'. */
static xmpp_stanza_t *
send_as(const char *from, const char *to, const char *type, const char *payload)
{
	struct buf xml = { 0 };
	struct asker who;
	xmpp_stanza_t *iq, *answer;
	char *text;
	size_t len;

	assert_int_equal(jid_parse_text(&who.jid, from), RES_OK);
	buf_printf(&xml, "<iq xmlns='jabber:client' id='q1' type='%s' from='%s' to='%s'>%s</iq>",
	    type, from, to, payload);
	iq = xmpp_stanza_new_from_string(ctx, buf_str(&xml));
	assert_non_null(iq);
	answer = query_handle(q, &who, strchr(to, '@') != NULL, iq);
	assert_non_null(answer);
	xmpp_stanza_release(iq);
	assert_int_equal(xmpp_stanza_to_text(answer, &text, &len), XMPP_EOK);
	xmpp_stanza_release(answer);
	answer = xmpp_stanza_new_from_string(ctx, text);
	assert_non_null(answer);
	assert_string_equal(xmpp_stanza_get_name(answer), "iq");
	assert_string_equal(stanza_attr(answer, "id"), "q1");
	assert_string_equal(stanza_attr(answer, "to"), from);
	assert_string_equal(stanza_attr(answer, "from"), to);
	xmpp_free(ctx, text);
	buf_free(&xml);
	return answer;
}

static xmpp_stanza_t *
get(const char *to, const char *payload)
{
	return send_as("juliet@example.org/balcony", to, "get", payload);
}

static xmpp_stanza_t *
get_domain(const char *payload)
{
	return get("later.example.org", payload);
}

static void
expect_error(xmpp_stanza_t *answer, const char *condition)
{
	assert_string_equal(stanza_attr(answer, "type"), "error");
	assert_non_null(stanza_child(stanza_child(answer, "error", NULL), condition, ERRORS));
	xmpp_stanza_release(answer);
}

/* The i-th child of that name. */
static xmpp_stanza_t *
nth(xmpp_stanza_t *parent, const char *name, size_t i)
{
	xmpp_stanza_t *c;

	for (c = xmpp_stanza_get_children(parent); c != NULL; c = xmpp_stanza_get_next(c))
		if (stanza_is(c, name, NULL) && i-- == 0)
			return c;
	return NULL;
}

static void
assert_text(xmpp_stanza_t *parent, const char *child, const char *expected)
{
	struct buf text = { 0 };
	xmpp_stanza_t *st = nth(parent, child, 0);

	assert_non_null(st);
	assert_int_equal(stanza_get_text(st, &text), RES_OK);
	assert_string_equal(buf_str(&text), expected);
	buf_free(&text);
}

static void
assert_identity(xmpp_stanza_t *query, const char *category, const char *type, const char *name)
{
	xmpp_stanza_t *st = nth(query, "identity", 0);

	assert_string_equal(stanza_attr(st, "category"), category);
	assert_string_equal(stanza_attr(st, "type"), type);
	assert_string_equal(stanza_attr(st, "name"), name);
	assert_null(nth(query, "identity", 1));
}

static void
test_both_addresses_say_what_they_are(void **state)
{
	static const char *const features[] = { INFO, ITEMS, CMDS, "jabber:x:data",
		"jabber:iq:version", "urn:xmpp:ping", "urn:xmpp:time", "jabber:iq:last",
		"vcard-temp" };
	static const char *const to[] = { "later.example.org", "bot@later.example.org" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		xmpp_stanza_t *answer = get(to[i], "<query xmlns='" INFO "'/>"), *query, *f;
		size_t n = 0;

		query = stanza_child(answer, "query", INFO);
		assert_string_equal(stanza_attr(query, "node"), "");
		assert_identity(query, i == 0 ? "component" : "client", i == 0 ? "generic" : "bot",
		    "Later & <co>");
		for (; (f = nth(query, "feature", n)) != NULL; n++)
			assert_string_equal(stanza_attr(f, "var"), features[n]);
		assert_int_equal(n, sizeof(features) / sizeof(features[0]));
		xmpp_stanza_release(answer);
	}
}

static void
test_admins_are_the_contact(void **state)
{
	xmpp_stanza_t *answer = get_domain("<query xmlns='" INFO "'/>"), *x;

	(void)state;
	x = stanza_child(stanza_child(answer, "query", INFO), "x", "jabber:x:data");
	assert_string_equal(stanza_attr(x, "type"), "result");
	assert_string_equal(stanza_attr(nth(x, "field", 0), "var"), "FORM_TYPE");
	assert_string_equal(stanza_attr(nth(x, "field", 0), "type"), "hidden");
	assert_text(nth(x, "field", 0), "value", "http://jabber.org/network/serverinfo");
	assert_string_equal(stanza_attr(nth(x, "field", 1), "var"), "admin-addresses");
	assert_string_equal(stanza_attr(nth(x, "field", 1), "type"), "list-multi");
	assert_text(nth(x, "field", 1), "value", "xmpp:admin@example.org");
	assert_non_null(nth(nth(x, "field", 1), "value", 1));
	assert_null(nth(nth(x, "field", 1), "value", 2));
	xmpp_stanza_release(answer);
}

static void
test_without_admins_there_is_no_contact(void **state)
{
	const char *const *const none[] = { NULL, nobody };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		xmpp_stanza_t *answer;

		query_free(&q);
		config.admins = none[i];
		q = query_new(&config, ctx, &fake_clock, &ops, &service);
		answer = get_domain("<query xmlns='" INFO "'/>");
		assert_null(nth(stanza_child(answer, "query", INFO), "x", 0));
		xmpp_stanza_release(answer);
	}
}

static void
test_domain_shows_the_bot_and_the_bot_nothing(void **state)
{
	xmpp_stanza_t *answer = get_domain("<query xmlns='" ITEMS "'/>"), *query;

	(void)state;
	query = stanza_child(answer, "query", ITEMS);
	assert_string_equal(stanza_attr(nth(query, "item", 0), "jid"), "bot@later.example.org");
	assert_string_equal(stanza_attr(nth(query, "item", 0), "name"), "Later & <co>");
	assert_string_equal(stanza_attr(nth(query, "item", 0), "node"), "");
	assert_null(nth(query, "item", 1));
	xmpp_stanza_release(answer);
	answer = get("bot@later.example.org", "<query xmlns='" ITEMS "'/>");
	assert_null(nth(stanza_child(answer, "query", ITEMS), "item", 0));
	xmpp_stanza_release(answer);
}

static void
test_commands_are_listed_at_the_address_that_was_asked(void **state)
{
	static const char *const to[] = { "later.example.org", "bot@later.example.org" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		xmpp_stanza_t *answer, *query;

		answer = get(to[i], "<query xmlns='" ITEMS "' node='" CMDS "'/>");
		query = stanza_child(answer, "query", ITEMS);
		assert_string_equal(stanza_attr(query, "node"), CMDS);
		assert_string_equal(stanza_attr(nth(query, "item", 0), "jid"), to[i]);
		assert_string_equal(stanza_attr(nth(query, "item", 0), "node"), "im");
		assert_string_equal(stanza_attr(nth(query, "item", 0), "name"), "Send later");
		assert_string_equal(stanza_attr(nth(query, "item", 1), "node"), "list");
		assert_null(nth(query, "item", 2));
		xmpp_stanza_release(answer);
	}
}

static void
test_only_what_the_asker_may_execute_is_shown(void **state)
{
	static const char romeo[] = "romeo@example.org/x", to[] = "later.example.org";
	xmpp_stanza_t *answer, *query;

	(void)state;
	answer = send_as(romeo, to, "get", "<query xmlns='" ITEMS "' node='" CMDS "'/>");
	query = stanza_child(answer, "query", ITEMS);
	assert_string_equal(stanza_attr(nth(query, "item", 0), "node"), "list");
	assert_null(nth(query, "item", 1));
	xmpp_stanza_release(answer);
	expect_error(send_as(romeo, to, "get", "<query xmlns='" INFO "' node='im'/>"),
	    "item-not-found");
	expect_error(send_as(romeo, to, "get", "<query xmlns='" ITEMS "' node='im'/>"),
	    "item-not-found");
}

static void
test_commands_of_chat_alone_have_no_node(void **state)
{
	(void)state;
	expect_error(get_domain("<query xmlns='" INFO "' node='remind'/>"), "item-not-found");
	expect_error(get_domain("<query xmlns='" ITEMS "' node='remind'/>"), "item-not-found");
}

static void
test_admins_and_zone_can_be_configured(void **state)
{
	struct zone other;
	xmpp_stanza_t *answer;

	(void)state;
	assert_int_equal(zone_find(&other, SPAN("-03:30")), RES_OK);
	query_configure(q, admins + 1, &other);
	answer = get_domain("<query xmlns='" INFO "'/>");
	assert_text(nth(stanza_child(stanza_child(answer, "query", INFO), "x", "jabber:x:data"),
	    "field", 1), "value", "xmpp:nurse@example.org");
	xmpp_stanza_release(answer);
	answer = get_domain("<time xmlns='urn:xmpp:time'/>");
	assert_text(stanza_child(answer, "time", "urn:xmpp:time"), "tzo", "-03:30");
	xmpp_stanza_release(answer);
}

static void
test_command_list_and_command_have_identities(void **state)
{
	xmpp_stanza_t *answer = get_domain("<query xmlns='" INFO "' node='" CMDS "'/>"), *query;

	(void)state;
	query = stanza_child(answer, "query", INFO);
	assert_string_equal(stanza_attr(query, "node"), CMDS);
	assert_identity(query, "automation", "command-list", "Commands");
	xmpp_stanza_release(answer);
	answer = get_domain("<query xmlns='" INFO "' node='im'/>");
	query = stanza_child(answer, "query", INFO);
	assert_string_equal(stanza_attr(query, "node"), "im");
	assert_identity(query, "automation", "command-node", "Send later");
	assert_string_equal(stanza_attr(nth(query, "feature", 0), "var"), CMDS);
	assert_string_equal(stanza_attr(nth(query, "feature", 1), "var"), "jabber:x:data");
	assert_null(nth(query, "feature", 2));
	xmpp_stanza_release(answer);
	answer = get_domain("<query xmlns='" ITEMS "' node='im'/>");
	assert_null(nth(stanza_child(answer, "query", ITEMS), "item", 0));
	xmpp_stanza_release(answer);
}

static void
test_unknown_node_is_not_found(void **state)
{
	(void)state;
	expect_error(get_domain("<query xmlns='" INFO "' node='sms'/>"), "item-not-found");
	expect_error(get_domain("<query xmlns='" ITEMS "' node='sms'/>"), "item-not-found");
}

static void
test_version_names_no_system(void **state)
{
	xmpp_stanza_t *answer = get_domain("<query xmlns='jabber:iq:version'/>"), *query;

	(void)state;
	query = stanza_child(answer, "query", "jabber:iq:version");
	assert_text(query, "name", "laterd");
	assert_text(query, "version", "1.2");
	assert_null(nth(query, "os", 0));
	xmpp_stanza_release(answer);
}

static void
test_ping_is_answered_empty(void **state)
{
	xmpp_stanza_t *answer = get_domain("<ping xmlns='urn:xmpp:ping'/>");

	(void)state;
	assert_string_equal(stanza_attr(answer, "type"), "result");
	assert_null(xmpp_stanza_get_children(answer));
	xmpp_stanza_release(answer);
}

static void
test_time_is_utc_and_the_offset_of_the_zone(void **state)
{
	static const struct {
		const char *name, *tzo;
	} zones[] = { { "+01:00", "+01:00" }, { "-03:30", "-03:30" }, { "UTC", "+00:00" },
		{ "-00:30", "-00:30" } };

	(void)state;
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		xmpp_stanza_t *answer, *time;

		assert_int_equal(zone_find(&zone, span_of(zones[i].name)), RES_OK);
		answer = get_domain("<time xmlns='urn:xmpp:time'/>");
		time = stanza_child(answer, "time", "urn:xmpp:time");
		assert_text(time, "tzo", zones[i].tzo);
		assert_text(time, "utc", "2023-11-14T22:13:20Z");
		xmpp_stanza_release(answer);
	}
}

static void
test_last_activity_is_the_uptime(void **state)
{
	xmpp_stanza_t *answer;

	(void)state;
	mono_now += 61 * SECOND_MS + 999;
	wall_now -= DAY_MS;
	answer = get_domain("<query xmlns='jabber:iq:last'/>");
	assert_string_equal(stanza_attr(stanza_child(answer, "query", "jabber:iq:last"), "seconds"),
	    "61");
	xmpp_stanza_release(answer);
}

static void
test_vcard_names_the_bot(void **state)
{
	xmpp_stanza_t *answer = get("bot@later.example.org", "<vCard xmlns='vcard-temp'/>"), *vcard;

	(void)state;
	vcard = stanza_child(answer, "vCard", "vcard-temp");
	assert_text(vcard, "FN", "Later & <co>");
	assert_text(vcard, "JABBERID", "bot@later.example.org");
	assert_non_null(nth(vcard, "DESC", 0));
	xmpp_stanza_release(answer);
}

static void
test_unknown_namespace_is_unavailable(void **state)
{
	static const char *const payloads[] = {
		"<query xmlns='jabber:iq:private'/>",
		"<command xmlns='" CMDS "' node='im'/>",
		"<ping xmlns='urn:xmpp:time'/>",
		"<query/>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++)
		expect_error(get_domain(payloads[i]), "service-unavailable");
}

static void
test_nothing_can_be_set(void **state)
{
	static const char *const payloads[] = { "<vCard xmlns='vcard-temp'><FN>x</FN></vCard>",
		"<query xmlns='" ITEMS "'/>", "<ping xmlns='urn:xmpp:ping'/>" };

	(void)state;
	for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++)
		expect_error(send_as("juliet@example.org/b", "later.example.org", "set",
		    payloads[i]), "not-allowed");
	expect_error(send_as("juliet@example.org/b", "later.example.org", "set",
	    "<query xmlns='jabber:iq:roster'/>"), "service-unavailable");
}

static void
test_iq_has_exactly_one_child(void **state)
{
	static const char *const payloads[] = { "", "text",
		"<ping xmlns='urn:xmpp:ping'/><ping xmlns='urn:xmpp:ping'/>" };

	(void)state;
	for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++)
		expect_error(get_domain(payloads[i]), "bad-request");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_both_addresses_say_what_they_are),
		TEST(test_admins_are_the_contact),
		TEST(test_without_admins_there_is_no_contact),
		TEST(test_domain_shows_the_bot_and_the_bot_nothing),
		TEST(test_commands_are_listed_at_the_address_that_was_asked),
		TEST(test_only_what_the_asker_may_execute_is_shown),
		TEST(test_commands_of_chat_alone_have_no_node),
		TEST(test_admins_and_zone_can_be_configured),
		TEST(test_command_list_and_command_have_identities),
		TEST(test_unknown_node_is_not_found),
		TEST(test_version_names_no_system),
		TEST(test_ping_is_answered_empty),
		TEST(test_time_is_utc_and_the_offset_of_the_zone),
		TEST(test_last_activity_is_the_uptime),
		TEST(test_vcard_names_the_bot),
		TEST(test_unknown_namespace_is_unavailable),
		TEST(test_nothing_can_be_set),
		TEST(test_iq_has_exactly_one_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
