#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/seal.h"

static const uint8_t key[SEAL_KEY_LEN] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
	17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31 };

static int
setup(void **state)
{
	*state = seal_new(key);
	return *state == NULL;
}

static int
teardown(void **state)
{
	struct seal *s = *state;

	seal_free(&s);
	return s != NULL;
}

static void
test_what_is_sealed_opens_again(void **state)
{
	static const size_t lens[] = { 0, 1, 15, 16, 17, 1000, 100000 };
	struct buf sealed = { .max = 0 }, plain = { .max = 0 };
	char *text = malloc(100000);

	memset(text, 'x', 100000);
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		buf_reset(&sealed);
		buf_reset(&plain);
		assert_int_equal(
		    seal_close(*state, SPAN("aad"), (struct span){ text, lens[i] }, &sealed),
		    RES_OK);
		assert_int_equal(sealed.len, lens[i] + SEAL_OVERHEAD);
		assert_int_equal(
		    seal_open(*state, SPAN("aad"), buf_as_span(&sealed), &plain), RES_OK);
		assert_true(span_eq(buf_as_span(&plain), (struct span){ text, lens[i] }));
	}
	buf_reset(&sealed);
	buf_reset(&plain);
	assert_int_equal(
	    seal_close(*state, (struct span){ NULL, 0 }, (struct span){ NULL, 0 }, &sealed),
	    RES_OK);
	assert_int_equal(seal_open(*state, SPAN(""), buf_as_span(&sealed), &plain), RES_OK);
	assert_int_equal(plain.len, 0);
	buf_free(&sealed);
	buf_free(&plain);
	free(text);
}

static void
test_both_append_to_what_is_there(void **state)
{
	struct buf sealed = { .max = 0 }, plain = { .max = 0 };

	buf_text(&sealed, "row:");
	buf_text(&plain, "body: ");
	assert_int_equal(seal_close(*state, SPAN("a"), SPAN("secret"), &sealed), RES_OK);
	assert_memory_equal(sealed.p, "row:", 4);
	assert_int_equal(
	    seal_open(*state, SPAN("a"), (struct span){ sealed.p + 4, sealed.len - 4 }, &plain),
	    RES_OK);
	assert_string_equal(plain.p, "body: secret");
	buf_free(&sealed);
	buf_free(&plain);
}

static void
test_every_damaged_bit_is_noticed_and_leaves_no_trace(void **state)
{
	struct buf sealed = { .max = 0 }, plain = { .max = 0 };

	buf_text(&plain, "before");
	assert_int_equal(seal_close(*state, SPAN("aad"), SPAN("the body"), &sealed), RES_OK);
	for (size_t bit = 0; bit < sealed.len * 8; bit++) {
		sealed.p[bit / 8] = (char)(sealed.p[bit / 8] ^ 1 << bit % 8);
		assert_int_equal(
		    seal_open(*state, SPAN("aad"), buf_as_span(&sealed), &plain), RES_PERMFAIL);
		assert_string_equal(plain.p, "before");
		assert_false(plain.failed);
		sealed.p[bit / 8] = (char)(sealed.p[bit / 8] ^ 1 << bit % 8);
	}
	assert_int_equal(seal_open(*state, SPAN("aad"), buf_as_span(&sealed), &plain), RES_OK);
	buf_free(&sealed);
	buf_free(&plain);
}

static void
test_a_body_cut_short_or_long_is_damaged(void **state)
{
	struct buf sealed = { .max = 0 }, plain = { .max = 0 };

	assert_int_equal(seal_close(*state, SPAN("aad"), SPAN("the body"), &sealed), RES_OK);
	for (size_t len = 0; len < sealed.len; len++) {
		/* A copy of its own, so that a read beyond the end is seen. */
		char *copy = malloc(len != 0 ? len : 1);
		memcpy(copy, sealed.p, len);
		assert_int_equal(seal_open(*state, SPAN("aad"), (struct span){ copy, len }, &plain),
		    RES_PERMFAIL);
		free(copy);
	}
	buf_text(&sealed, "x");
	assert_int_equal(
	    seal_open(*state, SPAN("aad"), buf_as_span(&sealed), &plain), RES_PERMFAIL);
	assert_int_equal(
	    seal_open(*state, SPAN("aad"), (struct span){ NULL, 0 }, &plain), RES_PERMFAIL);
	assert_int_equal(plain.len, 0);
	buf_free(&sealed);
	buf_free(&plain);
}

static void
test_another_header_or_key_does_not_open_it(void **state)
{
	static const char *const aads[] = { "", "aa", "aad ", "AAD", "aae" };
	uint8_t other_key[SEAL_KEY_LEN];
	struct buf sealed = { .max = 0 }, plain = { .max = 0 };

	assert_int_equal(seal_close(*state, SPAN("aad"), SPAN("the body"), &sealed), RES_OK);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(seal_open(*state, span_of(aads[i]), buf_as_span(&sealed), &plain),
		    RES_PERMFAIL);
	memcpy(other_key, key, sizeof(key));
	other_key[31] ^= 1;
	struct seal *other = seal_new(other_key);
	assert_non_null(other);
	assert_int_not_equal(seal_key_id(other), seal_key_id(*state));
	assert_int_equal(seal_open(other, SPAN("aad"), buf_as_span(&sealed), &plain), RES_PERMFAIL);
	/* With the key id forged as well. */
	uint32_t id = seal_key_id(other);
	for (int i = 0; i < 4; i++)
		sealed.p[1 + i] = (char)(id >> (24 - 8 * i));
	assert_int_equal(seal_open(other, SPAN("aad"), buf_as_span(&sealed), &plain), RES_PERMFAIL);
	assert_int_equal(plain.len, 0);
	seal_free(&other);
	buf_free(&sealed);
	buf_free(&plain);
}

static void
test_a_sealed_body_begins_with_version_and_key_id(void **state)
{
	struct buf sealed = { .max = 0 };

	/* sha256 of 00 01 .. 1f begins with 630dcd29. */
	assert_int_equal(seal_key_id(*state), 0x630dcd29);
	assert_int_equal(seal_close(*state, SPAN("aad"), SPAN("x"), &sealed), RES_OK);
	assert_memory_equal(sealed.p, "\x01\x63\x0d\xcd\x29", 5);
	buf_free(&sealed);
}

static void
test_no_nonce_comes_twice_and_the_text_is_not_seen(void **state)
{
	struct buf a = { .max = 0 }, b = { .max = 0 };

	for (int i = 0; i < 100; i++) {
		buf_reset(&a);
		buf_reset(&b);
		assert_int_equal(
		    seal_close(*state, SPAN("aad"), SPAN("the same body"), &a), RES_OK);
		assert_int_equal(
		    seal_close(*state, SPAN("aad"), SPAN("the same body"), &b), RES_OK);
		assert_memory_not_equal(a.p + 5, b.p + 5, 12);
		assert_null(memmem(a.p, a.len, "same body", 9));
	}
	buf_free(&a);
	buf_free(&b);
}

static void
test_a_buffer_without_room_is_left_alone(void **state)
{
	struct buf sealed = { .max = SEAL_OVERHEAD + 4 }, plain = { .max = 3 };

	assert_int_equal(seal_close(*state, SPAN("aad"), SPAN("12345"), &sealed), RES_NOMEM);
	assert_int_equal(sealed.len, 0);
	buf_reset(&sealed);
	assert_int_equal(seal_close(*state, SPAN("aad"), SPAN("1234"), &sealed), RES_OK);
	assert_int_equal(seal_open(*state, SPAN("aad"), buf_as_span(&sealed), &plain), RES_NOMEM);
	assert_int_equal(plain.len, 0);
	buf_free(&sealed);
	buf_free(&plain);
}

static void
test_a_body_sealed_by_an_older_build_opens(void **state)
{
	/* Version 1 with this file's key, nonce of zeroes, additional data "aad", body "hello". */
	static const uint8_t golden[] = { 0x01, 0x63, 0x0d, 0xcd, 0x29, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0x66, 0xd9, 0xd9, 0xb2, 0xda, 0x49, 0x12, 0x40, 0x69, 0x5d, 0x70, 0x6b,
		0x72, 0x86, 0xc3, 0xad, 0x0c, 0xf7, 0x80, 0x81, 0xaa };
	struct buf plain = { .max = 0 };

	assert_int_equal(seal_open(*state, SPAN("aad"),
			     (struct span){ (const char *)golden, sizeof(golden) }, &plain),
	    RES_OK);
	assert_string_equal(plain.p, "hello");
	buf_free(&plain);
}

static void
check_token(struct seal *s, struct span text, const char *want)
{
	char token[SEAL_TOKEN_LEN + 1];

	assert_int_equal(seal_token(s, text, token), RES_OK);
	assert_string_equal(token, want);
}

static void
test_tokens_are_those_of_hkdf_and_hmac(void **state)
{
	/* Report URLs that gateways already have depend on these. */
	check_token(*state, SPAN("office/7K3Q01"), "0da2b644356abd6530b6a03af0bb93e9");
	check_token(*state, SPAN(""), "093f48f72e5375d59f9f99290246ef63");
	check_token(*state, (struct span){ NULL, 0 }, "093f48f72e5375d59f9f99290246ef63");
	check_token(*state, SPAN("abc\0def"), "779ebf6794efc2a6f44c6dc393bdaf61");
}

static void
test_another_key_makes_other_tokens(void **state)
{
	uint8_t other_key[SEAL_KEY_LEN];
	char mine[SEAL_TOKEN_LEN + 1], others[SEAL_TOKEN_LEN + 1];

	memcpy(other_key, key, sizeof(key));
	other_key[0] ^= 0x80;
	struct seal *other = seal_new(other_key);
	assert_non_null(other);
	assert_int_equal(seal_token(*state, SPAN("x"), mine), RES_OK);
	assert_int_equal(seal_token(other, SPAN("x"), others), RES_OK);
	assert_false(seal_token_eq(mine, span_of(others)));
	seal_free(&other);
}

static void
test_a_token_is_equal_to_itself_alone(void **state)
{
	char token[SEAL_TOKEN_LEN + 1], copy[SEAL_TOKEN_LEN + 2];

	assert_int_equal(seal_token(*state, SPAN("office/7K3Q01"), token), RES_OK);
	assert_true(seal_token_eq(token, span_of(token)));
	for (size_t i = 0; i < SEAL_TOKEN_LEN; i++) {
		memcpy(copy, token, sizeof(token));
		copy[i] = copy[i] == '0' ? '1' : '0';
		assert_false(seal_token_eq(token, span_of(copy)));
		assert_false(seal_token_eq(token, (struct span){ token, i }));
	}
	memcpy(copy, token, sizeof(token));
	copy[SEAL_TOKEN_LEN] = '0';
	assert_false(seal_token_eq(token, (struct span){ copy, SEAL_TOKEN_LEN + 1 }));
	assert_false(seal_token_eq(token, (struct span){ NULL, 0 }));
	/* What could not be made fits nothing. */
	assert_false(seal_token_eq("", SPAN("")));
	assert_false(seal_token_eq("", (struct span){ NULL, 0 }));
	assert_false(seal_token_eq("abc", SPAN("abc")));
	token[SEAL_TOKEN_LEN - 1] = '\0';
	assert_false(seal_token_eq(token, (struct span){ token, SEAL_TOKEN_LEN }));
}

static void
test_free_takes_null_and_nulls(void **state)
{
	struct seal *none = NULL;

	(void)state;
	seal_free(&none);
	assert_null(none);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_sealed_opens_again),
		cmocka_unit_test(test_both_append_to_what_is_there),
		cmocka_unit_test(test_every_damaged_bit_is_noticed_and_leaves_no_trace),
		cmocka_unit_test(test_a_body_cut_short_or_long_is_damaged),
		cmocka_unit_test(test_another_header_or_key_does_not_open_it),
		cmocka_unit_test(test_a_sealed_body_begins_with_version_and_key_id),
		cmocka_unit_test(test_no_nonce_comes_twice_and_the_text_is_not_seen),
		cmocka_unit_test(test_a_buffer_without_room_is_left_alone),
		cmocka_unit_test(test_a_body_sealed_by_an_older_build_opens),
		cmocka_unit_test(test_tokens_are_those_of_hkdf_and_hmac),
		cmocka_unit_test(test_another_key_makes_other_tokens),
		cmocka_unit_test(test_a_token_is_equal_to_itself_alone),
		cmocka_unit_test(test_free_takes_null_and_nulls),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
