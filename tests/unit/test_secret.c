#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/secret.h"

struct place {
	char dir[64], file[96];
	struct buf out, why;
};

static int
setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	const char *tmp = getenv("TMPDIR");

	snprintf(p->dir, sizeof(p->dir), "%.40s/laterd-XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(p->dir) == NULL)
		return -1;
	snprintf(p->file, sizeof(p->file), "%s/secret", p->dir);
	unsetenv("CREDENTIALS_DIRECTORY");
	*state = p;
	return 0;
}

static int
teardown(void **state)
{
	struct place *p = *state;

	unsetenv("CREDENTIALS_DIRECTORY");
	unlink(p->file);
	rmdir(p->dir);
	buf_free(&p->out);
	buf_free(&p->why);
	free(p);
	return 0;
}

static void
put(const struct place *p, const char *bytes, size_t len, mode_t mode)
{
	FILE *f;

	unlink(p->file);
	f = fopen(p->file, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	fclose(f);
	assert_int_equal(chmod(p->file, mode), 0);
}

static void
put_text(const struct place *p, const char *text)
{
	put(p, text, strlen(text), 0600);
}

static void
reads(struct place *p, const char *secret)
{
	buf_reset(&p->out);
	buf_reset(&p->why);
	if (secret_read(p->file, &p->out, &p->why) != RES_OK)
		fail_msg("%s", buf_str(&p->why));
	assert_string_equal(buf_str(&p->out), secret);
}

static void
refuses(struct place *p, const char *path, const char *word)
{
	buf_reset(&p->out);
	buf_reset(&p->why);
	assert_int_equal(secret_read(path, &p->out, &p->why), RES_INVALID);
	assert_int_equal(p->out.len, 0);
	assert_non_null(strstr(buf_str(&p->why), path));
	if (strstr(buf_str(&p->why), word) == NULL)
		fail_msg("“%s” does not say “%s”", buf_str(&p->why), word);
}

/* -- Secrets -------------------------------------------------------------------------------------------------------------------- */

static void
test_secret_is_the_first_line(void **state)
{
	struct place *p = *state;

	put_text(p, "sesame\n");
	reads(p, "sesame");
	put_text(p, "sesame");
	reads(p, "sesame");
	put_text(p, "open sesame \nsecond line\n");
	reads(p, "open sesame ");
}

static void
test_secret_is_appended(void **state)
{
	struct place *p = *state;

	put_text(p, "sesame\n");
	buf_text(&p->out, "open ");
	assert_int_equal(secret_read(p->file, &p->out, &p->why), RES_OK);
	assert_string_equal(buf_str(&p->out), "open sesame");
}

static void
test_missing_empty_or_odd_secret_is_refused(void **state)
{
	struct place *p = *state;

	refuses(p, p->file, "No such file");
	put_text(p, "");
	refuses(p, p->file, "first line");
	put_text(p, "\nsecond\n");
	refuses(p, p->file, "first line");
	put(p, "se\0same\n", 8, 0600);
	refuses(p, p->file, "first line");
	refuses(p, p->dir, "not a regular file");
	refuses(p, "/dev/null", "not a regular file");
}

static void
test_longest_secret_is_accepted_and_one_byte_more_is_not(void **state)
{
	struct place *p = *state;
	char text[SECRET_MAX + 2];

	memset(text, 's', sizeof(text));
	text[SECRET_MAX] = '\n';
	put(p, text, SECRET_MAX + 1, 0600);
	text[SECRET_MAX] = '\0';
	reads(p, text);
	put(p, text, SECRET_MAX, 0600);
	reads(p, text);
	text[SECRET_MAX] = 's';
	put(p, text, SECRET_MAX + 1, 0600);
	refuses(p, p->file, "1024");
	text[SECRET_MAX + 1] = '\n';
	put(p, text, SECRET_MAX + 2, 0600);
	refuses(p, p->file, "1024");
}

static void
test_secret_that_all_may_read_is_refused(void **state)
{
	struct place *p = *state;

	put(p, "sesame\n", 7, 0604);
	refuses(p, p->file, "everybody may read it");
	put(p, "sesame\n", 7, 0640);
	reads(p, "sesame");
	put(p, "sesame\n", 7, 0400);
	reads(p, "sesame");
}

static void
test_relative_path_is_a_credential_of_systemd(void **state)
{
	struct place *p = *state;

	put_text(p, "sesame\n");
	setenv("CREDENTIALS_DIRECTORY", p->dir, 1);
	assert_int_equal(secret_read("secret", &p->out, &p->why), RES_OK);
	assert_string_equal(buf_str(&p->out), "sesame");
	refuses(p, "other", "No such file");
	unsetenv("CREDENTIALS_DIRECTORY");
	refuses(p, "secret", "No such file");
	setenv("CREDENTIALS_DIRECTORY", "/nonexistent", 1);
	reads(p, "sesame");
}

/* -- The seal key --------------------------------------------------------------------------------------------------------------- */

static void
test_key_is_made_private_and_read_back(void **state)
{
	struct place *p = *state;
	uint8_t made[SEAL_KEY_LEN] = { 0 }, read[SEAL_KEY_LEN] = { 1 }, again[SEAL_KEY_LEN];
	struct stat st;
	mode_t mask = umask(0);

	assert_int_equal(seal_key_make(p->file, made, &p->why), RES_OK);
	umask(mask);
	assert_int_equal(stat(p->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 2 * SEAL_KEY_LEN + 1);
	assert_int_equal(seal_key_read(p->file, read, &p->why), RES_OK);
	assert_memory_equal(made, read, SEAL_KEY_LEN);
	unlink(p->file);
	assert_int_equal(seal_key_make(p->file, again, &p->why), RES_OK);
	assert_memory_not_equal(made, again, SEAL_KEY_LEN);
}

static void
test_existing_key_is_never_overwritten(void **state)
{
	struct place *p = *state;
	uint8_t made[SEAL_KEY_LEN], other[SEAL_KEY_LEN], read[SEAL_KEY_LEN];

	assert_int_equal(seal_key_make(p->file, made, &p->why), RES_OK);
	assert_int_equal(seal_key_make(p->file, other, &p->why), RES_INVALID);
	assert_non_null(strstr(buf_str(&p->why), p->file));
	assert_int_equal(seal_key_read(p->file, read, &p->why), RES_OK);
	assert_memory_equal(made, read, SEAL_KEY_LEN);
}

static void
test_key_that_cannot_be_written_is_an_error(void **state)
{
	struct place *p = *state;
	uint8_t key[SEAL_KEY_LEN];

	assert_int_equal(seal_key_make("/nonexistent/seal.key", key, &p->why), RES_INVALID);
	assert_non_null(strstr(buf_str(&p->why), "/nonexistent/seal.key"));
}

static void
test_missing_key_is_not_found(void **state)
{
	struct place *p = *state;
	uint8_t key[SEAL_KEY_LEN];

	assert_int_equal(seal_key_read(p->file, key, &p->why), RES_NOTFOUND);
}

static void
test_key_may_be_written_by_hand(void **state)
{
	struct place *p = *state;
	char digits[] = "00112233445566778899aabbccddeeffFFEEDDCCBBAA99887766554433221100\n";
	uint8_t key[SEAL_KEY_LEN];

	put(p, digits, 65, 0600);
	assert_int_equal(seal_key_read(p->file, key, &p->why), RES_OK);
	assert_int_equal(key[1], 0x11);
	assert_int_equal(key[16], 0xff);
	assert_int_equal(key[31], 0x00);
	put(p, digits, 64, 0600);
	assert_int_equal(seal_key_read(p->file, key, &p->why), RES_OK);
}

static void
test_damaged_key_is_refused(void **state)
{
	static const char good[] = "00112233445566778899aabbccddeeffFFEEDDCCBBAA99887766554433221100";
	static const char *const ends[] = { "0", "\r\n", " ", "00\n", "\n\n", "\nx" };
	struct place *p = *state;
	uint8_t key[SEAL_KEY_LEN];
	char text[80];

	for (size_t len = 0; len < 64; len++) {
		put(p, good, len, 0600);
		assert_int_equal(seal_key_read(p->file, key, &p->why), RES_INVALID);
	}
	for (size_t i = 0; i < 64; i++) {
		memcpy(text, good, 64);
		text[i] = i % 2 ? 'g' : '\0';
		put(p, text, 64, 0600);
		buf_reset(&p->why);
		assert_int_equal(seal_key_read(p->file, key, &p->why), RES_INVALID);
		assert_non_null(strstr(buf_str(&p->why), "restore it"));
	}
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(text, sizeof(text), "%s%s", good, ends[i]);
		put_text(p, text);
		if (seal_key_read(p->file, key, &p->why) != RES_INVALID)
			fail_msg("end %zu is accepted", i);
	}
}

static void
test_key_that_all_may_read_is_refused(void **state)
{
	struct place *p = *state;
	uint8_t key[SEAL_KEY_LEN];

	assert_int_equal(seal_key_make(p->file, key, &p->why), RES_OK);
	chmod(p->file, 0604);
	assert_int_equal(seal_key_read(p->file, key, &p->why), RES_INVALID);
	assert_non_null(strstr(buf_str(&p->why), "everybody may read it"));
}

#define SECRET_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SECRET_TEST(test_secret_is_the_first_line),
		SECRET_TEST(test_secret_is_appended),
		SECRET_TEST(test_missing_empty_or_odd_secret_is_refused),
		SECRET_TEST(test_longest_secret_is_accepted_and_one_byte_more_is_not),
		SECRET_TEST(test_secret_that_all_may_read_is_refused),
		SECRET_TEST(test_relative_path_is_a_credential_of_systemd),
		SECRET_TEST(test_key_is_made_private_and_read_back),
		SECRET_TEST(test_existing_key_is_never_overwritten),
		SECRET_TEST(test_key_that_cannot_be_written_is_an_error),
		SECRET_TEST(test_missing_key_is_not_found),
		SECRET_TEST(test_key_may_be_written_by_hand),
		SECRET_TEST(test_damaged_key_is_refused),
		SECRET_TEST(test_key_that_all_may_read_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
