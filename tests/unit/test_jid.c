#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/jid.h"

static struct jid jid;

static void
check(const char *text, const char *local, const char *domain, const char *resource)
{
	struct buf out = { .max = 0 }, want = { .max = 0 };

	assert_int_equal(jid_parse_text(&jid, text), RES_OK);
	assert_string_equal(jid.local, local);
	assert_string_equal(jid.domain, domain);
	assert_string_equal(jid.resource, resource);
	buf_printf(&want, "%s%s%s", local, local[0] != '\0' ? "@" : "", domain);
	assert_string_equal(jid.bare, buf_str(&want));
	buf_printf(&want, "%s%s", resource[0] != '\0' ? "/" : "", resource);
	assert_int_equal(jid_print(&out, &jid), RES_OK);
	assert_string_equal(buf_str(&out), buf_str(&want));
	buf_free(&out);
	buf_free(&want);
}

static void
test_an_address_is_cut_at_its_separators(void **state)
{
	(void)state;
	check("juliet@example.org/balcony", "juliet", "example.org", "balcony");
	check("juliet@example.org", "juliet", "example.org", "");
	check("example.org", "", "example.org", "");
	check("example.org/a@b/c", "", "example.org", "a@b/c");
	check("juliet@example.org/foo@bar//", "juliet", "example.org", "foo@bar//");
	check("a%b@example.org", "a%b", "example.org", "");
	check("localhost", "", "localhost", "");
	check("my_host-1.x", "", "my_host-1.x", "");
}

static void
test_parts_are_prepared(void **state)
{
	(void)state;
	check("Juliet@EXAMPLE.Org/Balcony", "juliet", "example.org", "Balcony");
	check("juliet@example.org.", "juliet", "example.org", "");
	check("\xc3\x84pfel@B\xc3\xbc"
	      "cher.example/\xe2\x84\xa2",
	    "\xc3\xa4pfel",
	    "b\xc3\xbc"
	    "cher.example",
	    "TM");
	check("stra\xc3\x9f"
	      "e@x",
	    "strasse", "x", "");
	check("\xef\xbc\xa1@\xef\xbd\x82.c", "a", "b.c", "");
	check("x@y/with space", "x", "y", "with space");
	check("\xce\xa3@x", "\xcf\x83", "x", "");
	/* Characters younger than Unicode 3.2 pass as they are, as on the servers. */
	check("\xf0\x9f\xa6\x8a@x", "\xf0\x9f\xa6\x8a", "x", "");
}

static void
test_addresses_may_be_numeric(void **state)
{
	(void)state;
	check("a@127.0.0.1", "a", "127.0.0.1", "");
	check("a@[::1]/r", "a", "[::1]", "r");
	check("[2001:DB8::1]", "", "[2001:db8::1]", "");
}

static void
test_what_is_no_address_is_refused_and_leaves_empty_parts(void **state)
{
	static const char *const bad[] = {
		"",
		"@",
		"/",
		"@/",
		"a@",
		"@b",
		"a@/r",
		"@b/r",
		"/r",
		"a@b/",
		"b/",
		"a@b@c",
		"a b@c",
		"a\"b@c",
		"a&b@c",
		"a'b@c",
		"a:b@c",
		"a<b@c",
		"a>b@c",
		"a\tb@c",
		"a@b c",
		"a@b%c",
		"a@b\"c",
		"a@b&c",
		"a@b'c",
		"a@b:5222",
		"a@b<c",
		"a@b>c",
		"a@b!c",
		"a@b,c",
		"a@b;c",
		"a@b\\c",
		"a@b\nc",
		"a@b\x7f",
		".",
		"a@.",
		"a@b..c",
		"a@.b",
		"a@b..",
		"a@[::1",
		"a@::1]",
		"a@[]",
		"a@[x]",
		"a@[::1%eth0]",
		"a@[127.0.0.1]",
		"a@x[::1]",
		"a@b/\x01",
		"a@\xff",
		"\xff@b",
		"a@b/\xff",
		"a@b/\xed\xa0\x80",
		"a@\xc3",
		"\xef\xbc\xa0@b" /* fullwidth @ */,
		"a@b\xef\xbc\x8f"
		"c" /* fullwidth / */,
		"a@\xef\xbc\x85",
		"\xc2\xad@b" /* mapped to nothing */,
		"a@\xc2\xad",
		"a@b/\xc2\xad",
		"\xe2\x84\x80@b" /* a/c */,
		"\xd7\x90"
		"a@b" /* both directions */,
		"a\xc2\xa0"
		"b@c",
		"a@b\xe2\x80\xae"
		"c",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (jid_parse_text(&jid, bad[i]) != RES_INVALID)
			fail_msg("accepted: %s", bad[i]);
		assert_string_equal(jid.local, "");
		assert_string_equal(jid.domain, "");
		assert_string_equal(jid.resource, "");
		assert_string_equal(jid.bare, "");
	}
	assert_int_equal(jid_parse_text(&jid, NULL), RES_INVALID);
	assert_int_equal(jid_parse(&jid, (struct span){ NULL, 0 }), RES_INVALID);
	assert_int_equal(jid_parse(&jid, (struct span){ "a@b\0c", 5 }), RES_INVALID);
	assert_int_equal(jid_parse(&jid, (struct span){ "a\0@b", 4 }), RES_INVALID);
	assert_int_equal(jid_parse(&jid, (struct span){ "a@b/\0", 5 }), RES_INVALID);
}

/* local, domain and resource of these lengths; the domain in labels of 50. */
static enum res
parse_lengths(size_t local, size_t domain, size_t resource)
{
	struct buf text = { .max = 0 };

	for (size_t i = 0; i < local; i++)
		buf_text(&text, "a");
	buf_text(&text, "@");
	for (size_t i = 0; i < domain; i++)
		buf_text(&text, i % 51 == 50 && i + 1 < domain ? "." : "b");
	buf_text(&text, "/");
	for (size_t i = 0; i < resource; i++)
		buf_text(&text, "C");
	enum res res = jid_parse(&jid, buf_as_span(&text));
	if (res == RES_OK) {
		struct buf out = { .max = 0 };
		assert_int_equal(jid_print(&out, &jid), RES_OK);
		assert_true(span_eq(buf_as_span(&out), buf_as_span(&text)));
		assert_true(out.len <= JID_FULL_MAX);
		buf_free(&out);
	}
	buf_free(&text);
	return res;
}

static void
test_each_part_has_at_most_1023_bytes(void **state)
{
	(void)state;
	assert_int_equal(parse_lengths(1023, 1023, 1023), RES_OK);
	assert_int_equal(parse_lengths(1024, 1, 1), RES_INVALID);
	assert_int_equal(parse_lengths(1, 1024, 1), RES_INVALID);
	assert_int_equal(parse_lengths(1, 1, 1024), RES_INVALID);
	assert_int_equal(parse_lengths(1, 1, 100000), RES_INVALID);
	assert_int_equal(parse_lengths(1000000, 1, 1), RES_INVALID);
}

static void
test_a_part_that_grows_beyond_its_bound_is_refused(void **state)
{
	struct buf text = { .max = 0 };

	(void)state;
	/* U+FDFA is 3 bytes and becomes 33. */
	for (int i = 0; i < 300; i++)
		buf_text(&text, "\xef\xb7\xba");
	buf_text(&text, "@x");
	assert_int_equal(jid_parse(&jid, buf_as_span(&text)), RES_INVALID);
	assert_string_equal(jid.bare, "");
	buf_free(&text);
}

static void
test_labels_of_ascii_domains_have_at_most_63_bytes(void **state)
{
	char text[128];

	(void)state;
	snprintf(text, sizeof(text), "%063d.x", 0);
	assert_int_equal(jid_parse_text(&jid, text), RES_OK);
	snprintf(text, sizeof(text), "x.%063d", 0);
	assert_int_equal(jid_parse_text(&jid, text), RES_OK);
	snprintf(text, sizeof(text), "%064d.x", 0);
	assert_int_equal(jid_parse_text(&jid, text), RES_INVALID);
	snprintf(text, sizeof(text), "x.%064d", 0);
	assert_int_equal(jid_parse_text(&jid, text), RES_INVALID);
	snprintf(text, sizeof(text), "%064d\xc3\xa4.x", 0);
	assert_int_equal(jid_parse_text(&jid, text), RES_OK);
}

static void
test_preparing_twice_changes_nothing(void **state)
{
	static const char *const texts[] = { "Juliet@EXAMPLE.org./X",
		"\xc3\x84@B\xc3\x9c.de/\xe2\x84\xa2", "a@[::A]" };
	struct buf once = { .max = 0 }, twice = { .max = 0 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		buf_reset(&once);
		buf_reset(&twice);
		assert_int_equal(jid_parse_text(&jid, texts[i]), RES_OK);
		jid_print(&once, &jid);
		assert_int_equal(jid_parse_text(&jid, buf_str(&once)), RES_OK);
		jid_print(&twice, &jid);
		assert_string_equal(buf_str(&once), buf_str(&twice));
	}
	buf_free(&once);
	buf_free(&twice);
}

static void
check_alias(const char *user, const char *alias)
{
	struct buf out = { .max = 0 };
	struct jid there;

	assert_int_equal(jid_alias(&out, user, "later.example.org"), RES_OK);
	assert_string_equal(buf_str(&out), alias);
	assert_int_equal(jid_parse(&there, buf_as_span(&out)), RES_OK);
	assert_int_equal(jid_of_alias(&jid, there.local), RES_OK);
	assert_string_equal(jid.bare, user);
	assert_string_equal(jid.resource, "");
	buf_free(&out);
}

static void
test_an_alias_leads_back_to_its_user(void **state)
{
	(void)state;
	check_alias("juliet@example.org", "juliet%example.org@later.example.org");
	check_alias("a%b%c@example.org", "a%b%c%example.org@later.example.org");
	check_alias("%@x", "%%x@later.example.org");
	check_alias("\xc3\xa4@b\xc3\xbc.de", "\xc3\xa4%b\xc3\xbc.de@later.example.org");
}

static void
test_users_without_an_alias_are_refused(void **state)
{
	static const char *const bad[] = { "", "example.org", "@example.org", "juliet@", "a@[::1]",
		"a@\xd7\x90.x" /* both directions in one local part */ };
	struct buf out = { .max = 0 }, user = { .max = 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (strcmp(bad[i], "juliet@") != 0)
			assert_int_equal(jid_alias(&out, bad[i], "later.example.org"), RES_INVALID);
		assert_int_equal(out.len, 0);
	}
	for (size_t len = 1018; len <= 1023; len++) {
		buf_reset(&user);
		buf_reset(&out);
		for (size_t i = 0; i < len; i++)
			buf_text(&user, "a");
		buf_text(&user, "@b.c");
		assert_int_equal(
		    jid_alias(&out, buf_str(&user), "x"), len + 4 <= 1023 ? RES_OK : RES_INVALID);
	}
	buf_free(&user);
	buf_free(&out);
}

static void
test_local_parts_that_are_no_aliases_are_refused(void **state)
{
	static const char *const bad[] = { "", "juliet", "%", "juliet%", "%example.org", "a/b%c@d",
		"a@b%c", "a/b%c", "a%b c", "bot", "a%b/c", "a%b@c", "a b%c", "a%..", "\xff%x" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (jid_of_alias(&jid, bad[i]) != RES_INVALID)
			fail_msg("accepted: %s", bad[i]);
		assert_string_equal(jid.bare, "");
	}
}

static void
test_every_user_has_one_alias(void **state)
{
	/* Each means an address, but is not its alias. */
	static const char *const other[] = { "Juliet%example.org", "juliet%Example.org",
		"juliet%example.org.", "juliet\xc2\xad%example.org", "juliet%exam\xc2\xadple.org",
		"\xef\xbd\x8auliet%example.org", "\xc3\x84%b.c", "a%b\xc3\x9c.de", "a\xcc\x88%b.c" };

	(void)state;
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		if (jid_of_alias(&jid, other[i]) != RES_INVALID)
			fail_msg("accepted: %s", other[i]);
		assert_string_equal(jid.bare, "");
		assert_string_equal(jid.local, "");
		assert_string_equal(jid.domain, "");
	}
	assert_int_equal(jid_of_alias(&jid, "juliet%example.org"), RES_OK);
	assert_string_equal(jid.bare, "juliet@example.org");
	assert_string_equal(jid.local, "juliet");
	assert_string_equal(jid.domain, "example.org");
	/* What has no alias stands behind none: letters of both directions, an IPv6 literal. */
	assert_int_equal(jid_of_alias(&jid, "a%\xd7\x90.x"), RES_INVALID);
	assert_int_equal(jid_of_alias(&jid, "a%[::1]"), RES_INVALID);
	assert_string_equal(jid.bare, "");
}

static void
test_characters_later_than_unicode_3_2_are_told(void **state)
{
	static const char *const known[] = { "example.org", "romeo@example.org",
		"\u00fcber@b\u00fccher.example", "\u05d0@example.org", "a!b@[::1]",
		"\u4f60@\u597d" };
	static const char *const later[] = { "\u0221@example.org", "a\u0590a@example.org",
		"\U0001f600@example.org", "a@b\u0221.example", "b\u0221.example" };

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		assert_true(jid_is_assigned(known[i]));
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		assert_int_equal(jid_parse_text(&jid, later[i]), RES_OK);
		assert_false(jid_is_assigned(jid.bare));
	}
}

static void
test_an_alias_has_at_most_1023_bytes(void **state)
{
	static char local[3000];

	(void)state;
	for (size_t len = 1; len < sizeof(local) - 5; len += len < 1010 || len > 1030 ? 97 : 1) {
		memset(local, 'a', len);
		strcpy(local + len, "%b.c");
		assert_int_equal(
		    jid_of_alias(&jid, local), len + 4 <= 1023 ? RES_OK : RES_INVALID);
		assert_int_equal(strlen(jid.bare), len + 4 <= 1023 ? len + 4 : 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_address_is_cut_at_its_separators),
		cmocka_unit_test(test_parts_are_prepared),
		cmocka_unit_test(test_addresses_may_be_numeric),
		cmocka_unit_test(test_what_is_no_address_is_refused_and_leaves_empty_parts),
		cmocka_unit_test(test_each_part_has_at_most_1023_bytes),
		cmocka_unit_test(test_a_part_that_grows_beyond_its_bound_is_refused),
		cmocka_unit_test(test_labels_of_ascii_domains_have_at_most_63_bytes),
		cmocka_unit_test(test_preparing_twice_changes_nothing),
		cmocka_unit_test(test_an_alias_leads_back_to_its_user),
		cmocka_unit_test(test_users_without_an_alias_are_refused),
		cmocka_unit_test(test_local_parts_that_are_no_aliases_are_refused),
		cmocka_unit_test(test_every_user_has_one_alias),
		cmocka_unit_test(test_an_alias_has_at_most_1023_bytes),
		cmocka_unit_test(test_characters_later_than_unicode_3_2_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
