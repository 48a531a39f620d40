#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "xmpp/privilege.h"

static xmpp_ctx_t *ctx;

static int
begin(void **state)
{
	ctx = xmpp_ctx_new(NULL, NULL);
	*state = privilege_new();
	return *state == NULL;
}

static int
end(void **state)
{
	privilege_free((struct privilege **)state);
	assert_null(*state);
	xmpp_ctx_free(ctx);
	return 0;
}

static bool
learn(struct privilege *p, const char *from, const char *inner)
{
	struct buf xml = { 0 };
	xmpp_stanza_t *st;
	bool found;

	buf_printf(&xml, "<message>%s</message>", inner);
	st = xmpp_stanza_new_from_string(ctx, buf_str(&xml));
	assert_non_null(st);
	found = privilege_learn(p, from, st);
	xmpp_stanza_release(st);
	buf_free(&xml);
	return found;
}

static void
assert_ns(struct privilege *p, const char *domain, const char *want)
{
	const char *ns = privilege_message_ns(p, domain);

	if (want == NULL)
		assert_null(ns);
	else
		assert_string_equal(ns, want);
}

static void
test_nothing_is_granted_before_it_is_learnt(void **state)
{
	assert_ns(*state, "example.org", NULL);
	assert_int_equal(privilege_scope(*state, "example.org"), SCOPE_NONE);
	assert_false(privilege_revoke(*state, "example.org", PRIVILEGE_SEND));
	assert_false(learn(*state, "example.org", "<body>hi</body>"));
	assert_false(learn(*state, "example.org",
	    "<privilege xmlns='urn:x'><perm access='message' type='outgoing'/></privilege>"));
	assert_ns(*state, "example.org", NULL);
}

/* Prosody 0.12: perms, and <namespace> elements nested in one another. */
static void
test_the_second_namespace_is_learnt_from_prosody(void **state)
{
	assert_true(learn(*state, "example.org",
	    "<privilege xmlns='urn:xmpp:privilege:2'>"
	    "<perm access='roster' type='both'/><perm access='message' type='outgoing'/>"
	    "<perm access='presence' type='managed_entity'/>"
	    "<perm access='iq'><namespace ns='urn:a' type='get'><namespace ns='urn:b' "
	    "type='get'/></namespace></perm>"
	    "</privilege>"));
	assert_ns(*state, "example.org", NS_PRIVILEGE_2);
	assert_int_equal(privilege_scope(*state, "example.org"), SCOPE_ALL);
	assert_ns(*state, "example.net", NULL);
	assert_int_equal(privilege_scope(*state, "example.net"), SCOPE_NONE);
}

/* ejabberd 23.01: the first namespace, and type='none' for what is not granted. */
static void
test_the_first_namespace_is_learnt_from_ejabberd(void **state)
{
	assert_true(learn(*state, "example.org", "<privilege xmlns='urn:xmpp:privilege:1'>"
	    "<perm access='roster' type='none'/><perm access='message' type='outgoing'/>"
	    "<perm access='presence' type='managed_entity'/></privilege>"));
	assert_ns(*state, "example.org", NS_PRIVILEGE_1);
	assert_int_equal(privilege_scope(*state, "example.org"), SCOPE_SOME);
	assert_true(learn(*state, "example.net",
	    "<privilege xmlns='urn:xmpp:privilege:1'>"
	    "<perm access='message' type='none'/><perm access='presence' "
	    "type='none'/></privilege>"));
	assert_ns(*state, "example.net", NULL);
	assert_int_equal(privilege_scope(*state, "example.net"), SCOPE_NONE);
}

static void
test_perms_may_be_nested(void **state)
{
	assert_true(learn(*state, "example.org",
	    "<privilege xmlns='urn:xmpp:privilege:2'><perm access='iq'>"
	    "<namespace><perm access='message' type='outgoing'><perm access='presence' "
	    "type='roster'/></perm></namespace>"
	    "</perm></privilege>"));
	assert_ns(*state, "example.org", NS_PRIVILEGE_2);
	assert_int_equal(privilege_scope(*state, "example.org"), SCOPE_ALL);
}

static void
test_the_later_namespace_wins_in_either_order(void **state)
{
	static const char one[] = "<privilege xmlns='urn:xmpp:privilege:1'><perm access='message' "
	                          "type='outgoing'/></privilege>";
	static const char two[] =
	    "<privilege xmlns='urn:xmpp:privilege:2'><perm access='message' type='outgoing'/>"
	    "<perm access='presence' type='managed_entity'/></privilege>";
	struct buf both = { 0 };

	buf_printf(&both, "%s%s", one, two);
	assert_true(learn(*state, "a.example", buf_str(&both)));
	assert_ns(*state, "a.example", NS_PRIVILEGE_2);
	buf_reset(&both);
	buf_printf(&both, "%s%s", two, one);
	assert_true(learn(*state, "b.example", buf_str(&both)));
	assert_ns(*state, "b.example", NS_PRIVILEGE_2);
	assert_int_equal(privilege_scope(*state, "b.example"), SCOPE_ALL);
	buf_free(&both);
}

static void
test_a_new_message_replaces_the_old_one(void **state)
{
	assert_true(learn(*state, "example.org",
	    "<privilege xmlns='urn:xmpp:privilege:2'>"
	    "<perm access='message' type='outgoing'/><perm access='presence' "
	    "type='roster'/></privilege>"));
	assert_true(learn(*state, "example.org", "<privilege xmlns='urn:xmpp:privilege:2'/>"));
	assert_ns(*state, "example.org", NULL);
	assert_int_equal(privilege_scope(*state, "example.org"), SCOPE_NONE);
}

static void
test_a_refusal_lasts_until_the_stream_ends(void **state)
{
	static const char grant[] = "<privilege xmlns='urn:xmpp:privilege:2'><perm "
	                            "access='message' type='outgoing'/></privilege>";

	assert_true(learn(*state, "example.org", grant));
	assert_true(privilege_revoke(*state, "example.org", PRIVILEGE_SEND));
	assert_false(privilege_revoke(*state, "example.org", PRIVILEGE_SEND));
	assert_ns(*state, "example.org", NULL);
	assert_true(learn(*state, "example.org", grant));
	assert_ns(*state, "example.org", NULL);
	privilege_reset(*state);
	assert_ns(*state, "example.org", NULL);
	assert_true(learn(*state, "example.org", grant));
	assert_ns(*state, "example.org", NS_PRIVILEGE_2);
}

#define PERM(access, type) "<perm access='" access "' type='" type "'/>"
#define IQ(inside) "<perm access='iq'>" inside "</perm>"
#define SLOTS(type) "<namespace ns='urn:xmpp:http:upload:0' type='" type "'/>"

static void
assert_lets(const char *ns, const char *perms, const char *want)
{
	struct privilege *p = privilege_new();
	struct buf xml = { 0 }, words = { 0 };

	buf_printf(&xml, "<privilege xmlns='%s'>%s</privilege>", ns, perms);
	assert_true(learn(p, "example.org", buf_str(&xml)));
	privilege_print(p, "example.org", &words);
	assert_string_equal(buf_str(&words), want);
	buf_free(&xml);
	buf_free(&words);
	privilege_free(&p);
}

static void
test_that_a_domain_keeps_messages_is_told_after_each_grant(void **state)
{
	static const char grant[] = "<privilege xmlns='urn:xmpp:privilege:1'>"
				    "<perm access='message' type='outgoing'/></privilege>";

	privilege_note_keeps(*state, "example.org");
	assert_false(privilege_keeps(*state, "example.org"));
	assert_true(learn(*state, "example.org", grant));
	assert_false(privilege_keeps(*state, "example.org"));
	privilege_note_keeps(*state, "example.org");
	assert_true(privilege_keeps(*state, "example.org"));
	assert_false(privilege_keeps(*state, "example.com"));
	assert_true(learn(*state, "example.org", grant));
	assert_false(privilege_keeps(*state, "example.org"));
}

static void
test_what_is_granted_reads_as_a_sentence(void **state)
{
	static const char all[] = PERM("iq", "none") PERM("roster", "both")
	    PERM("message", "outgoing") PERM("presence", "managed_entity") IQ(SLOTS("get"));

	assert_lets(NS_PRIVILEGE_2, all,
	    "see presence, send as its users, write rosters, ask for upload slots as its users");
	assert_lets(NS_PRIVILEGE_1, all,
	    "see who comes online, send as its users, write rosters");
	assert_lets(NS_PRIVILEGE_2, IQ(SLOTS("both")), "ask for upload slots as its users");
	assert_lets(NS_PRIVILEGE_2, "", "");
	assert_lets(NS_PRIVILEGE_1, PERM("message", "none") PERM("roster", "none"), "");
	assert_false(privilege_has(*state, "example.org", PRIVILEGE_ROSTER));
}

static void
test_rosters_have_to_be_read_and_written(void **state)
{
	static const char *const spaces[] = { NS_PRIVILEGE_1, NS_PRIVILEGE_2 };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		assert_lets(spaces[i], PERM("roster", "both"), "write rosters");
		assert_lets(
		    spaces[i], PERM("roster", "get") PERM("roster", "set"), "write rosters");
		assert_lets(spaces[i], PERM("roster", "get"), "");
		assert_lets(spaces[i], PERM("roster", "set"), "");
		assert_lets(spaces[i], PERM("roster", "BOTH"), "");
		assert_lets(spaces[i], PERM("roster", "") PERM("roster", "none"), "");
		assert_lets(spaces[i], "<perm access='roster' type='both' push='false'/>",
		    "write rosters");
	}
}

static void
test_only_a_get_of_that_one_namespace_is_used(void **state)
{
	static const char yes[] = "ask for upload slots as its users";

	(void)state;
	assert_lets(NS_PRIVILEGE_2, IQ(SLOTS("set")), "");
	assert_lets(NS_PRIVILEGE_2, IQ(SLOTS("none")), "");
	assert_lets(NS_PRIVILEGE_2, IQ("<namespace ns='urn:xmpp:http:upload:0'/>"), "");
	assert_lets(NS_PRIVILEGE_2, IQ("<namespace ns='urn:xmpp:http:upload' type='get'/>"), "");
	assert_lets(NS_PRIVILEGE_2, SLOTS("get"), "");
	assert_lets(NS_PRIVILEGE_2, "<perm access='message'>" SLOTS("get") "</perm>", "");
	assert_lets(NS_PRIVILEGE_2, "<perm access='iq' ns='urn:xmpp:http:upload:0' type='get'/>",
	    "");
	/* Prosody nests them, in any order. */
	assert_lets(NS_PRIVILEGE_2, IQ("<namespace ns='jabber:iq:version' type='both'><namespace "
	    "ns='urn:a' type='set'>" SLOTS("get") "</namespace></namespace>"), yes);
	assert_lets(NS_PRIVILEGE_2, IQ("<namespace ns='urn:xmpp:http:upload:0' type='both'>"
	    "<namespace ns='urn:a' type='get'/></namespace>"), yes);
	/* What follows is a permission of its own. */
	assert_lets(NS_PRIVILEGE_2,
	    IQ("<perm access='message' type='outgoing'>" SLOTS("get") "</perm>"),
	    "send as its users");
}

static void
test_each_permission_is_refused_by_itself(void **state)
{
	static const char grant[] = "<privilege xmlns='urn:xmpp:privilege:2'>"
	    PERM("message", "outgoing") PERM("roster", "both") IQ(SLOTS("get")) "</privilege>";
	int i;

	assert_true(learn(*state, "example.org", grant));
	assert_true(learn(*state, "example.com", grant));
	for (i = 0; i < PRIVILEGE_NTO; i++) {
		int other = (i + 1) % PRIVILEGE_NTO;

		assert_true(privilege_has(*state, "example.org", (enum privilege_to)i));
		assert_true(privilege_revoke(*state, "example.org", (enum privilege_to)i));
		assert_false(privilege_has(*state, "example.org", (enum privilege_to)i));
		assert_int_equal(
		    privilege_has(*state, "example.org", (enum privilege_to)other), other > i);
		assert_true(privilege_has(*state, "example.com", (enum privilege_to)i));
		assert_true(learn(*state, "example.org", grant));
		assert_false(privilege_has(*state, "example.org", (enum privilege_to)i));
	}
	privilege_forget(*state, "example.com");
	assert_false(privilege_has(*state, "example.com", PRIVILEGE_ROSTER));
	assert_false(privilege_revoke(*state, "example.com", PRIVILEGE_ROSTER));
	privilege_reset(*state);
	assert_true(learn(*state, "example.org", grant));
	assert_true(privilege_has(*state, "example.org", PRIVILEGE_ROSTER));
	assert_true(learn(*state, "example.org", "<privilege xmlns='urn:xmpp:privilege:2'/>"));
	assert_false(privilege_has(*state, "example.org", PRIVILEGE_ROSTER));
	assert_false(privilege_has(*state, "example.org", PRIVILEGE_SLOT));
}

static void
test_domains_are_bounded(void **state)
{
	static const char grant[] = "<privilege xmlns='urn:xmpp:privilege:2'><perm "
	                            "access='message' type='outgoing'/></privilege>";
	char domain[32];
	int i;

	for (i = 0; i < 70; i++) {
		snprintf(domain, sizeof(domain), "d%d.example", i);
		assert_true(learn(*state, domain, grant));
	}
	assert_ns(*state, "d63.example", NS_PRIVILEGE_2);
	assert_ns(*state, "d64.example", NULL);
}

#define with_privilege(test) cmocka_unit_test_setup_teardown(test, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_privilege(test_nothing_is_granted_before_it_is_learnt),
		with_privilege(test_the_second_namespace_is_learnt_from_prosody),
		with_privilege(test_the_first_namespace_is_learnt_from_ejabberd),
		with_privilege(test_perms_may_be_nested),
		with_privilege(test_the_later_namespace_wins_in_either_order),
		with_privilege(test_a_new_message_replaces_the_old_one),
		with_privilege(test_a_refusal_lasts_until_the_stream_ends),
		with_privilege(test_that_a_domain_keeps_messages_is_told_after_each_grant),
		with_privilege(test_what_is_granted_reads_as_a_sentence),
		with_privilege(test_rosters_have_to_be_read_and_written),
		with_privilege(test_only_a_get_of_that_one_namespace_is_used),
		with_privilege(test_each_permission_is_refused_by_itself),
		with_privilege(test_domains_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
