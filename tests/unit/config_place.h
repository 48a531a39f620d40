/* A directory with a configuration file and a secret, and what config_load makes of them. */
#ifndef LATERD_TESTS_UNIT_CONFIG_PLACE_H
#define LATERD_TESTS_UNIT_CONFIG_PLACE_H

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

#include "daemon/config.h"

struct place {
	char dir[64], file[96], secret[96];
	struct config *config;
	struct buf why;
};

static inline void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, 0600), 0);
}

static inline int
setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	const char *tmp = getenv("TMPDIR");

	snprintf(p->dir, sizeof(p->dir), "%.40s/laterd-XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(p->dir) == NULL)
		return -1;
	snprintf(p->file, sizeof(p->file), "%s/laterd.conf", p->dir);
	snprintf(p->secret, sizeof(p->secret), "%s/secret", p->dir);
	write_file(p->secret, "sesame\n");
	unsetenv("CREDENTIALS_DIRECTORY");
	*state = p;
	return 0;
}

static inline int
teardown(void **state)
{
	struct place *p = *state;

	unlink(p->file);
	unlink(p->secret);
	rmdir(p->dir);
	config_free(&p->config);
	buf_free(&p->why);
	free(p);
	return 0;
}

/* The file, with $S as the secret's path. */
static inline enum res
load(struct place *p, const char *text)
{
	struct buf file = { 0 };
	enum res res;

	for (const char *dollar; (dollar = strstr(text, "$S")) != NULL; text = dollar + 2) {
		buf_append(&file, text, (size_t)(dollar - text));
		buf_text(&file, p->secret);
	}
	buf_text(&file, text);
	write_file(p->file, buf_str(&file));
	buf_free(&file);
	config_free(&p->config);
	buf_reset(&p->why);
	res = config_load(p->file, &p->config, &p->why);
	assert_true((res == RES_OK) == (p->config != NULL));
	return res;
}

static inline const struct config *
accepts(struct place *p, const char *text)
{
	if (load(p, text) != RES_OK)
		fail_msg("%s", buf_str(&p->why));
	return p->config;
}

/* RES_INVALID, and the reason is "FILE:LINE: ... words ..."; line 0: "FILE: ...". */
static inline void
refuses(struct place *p, const char *text, int line, const char *words)
{
	char prefix[128];
	size_t len;

	if (load(p, text) != RES_INVALID)
		fail_msg("accepted: %s", text);
	len = (size_t)(line > 0 ? snprintf(prefix, sizeof(prefix), "%s:%d: ", p->file, line)
	    : snprintf(prefix, sizeof(prefix), "%s: ", p->file));
	if (strncmp(buf_str(&p->why), prefix, len) != 0 || strstr(buf_str(&p->why) + len, words) == NULL)
		fail_msg("“%s” is not “%s…%s…”", buf_str(&p->why), prefix, words);
}

#define COMPONENT "component { address = \"later.example.org\" secret_file = \"$S\" }\n" /* one line */
#define USERS     "users { domains = { \"example.org\" } }\n"                            /* and another */
#define MINIMAL   COMPONENT USERS

#define CONFIG_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
