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
	privilege_revoke_message(*state, "example.org");
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
	privilege_revoke_message(*state, "example.org");
	assert_ns(*state, "example.org", NULL);
	assert_true(learn(*state, "example.org", grant));
	assert_ns(*state, "example.org", NULL);
	privilege_reset(*state);
	assert_ns(*state, "example.org", NULL);
	assert_true(learn(*state, "example.org", grant));
	assert_ns(*state, "example.org", NS_PRIVILEGE_2);
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
		with_privilege(test_domains_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
