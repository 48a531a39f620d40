/*
 * Addresses as strangers write them: what is accepted is bounded, stays the same when prepared
 * again, and has a true alias.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "core/jid.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_alias(const struct jid *jid)
{
	struct buf out = { .max = JID_FULL_MAX };
	struct jid alias, back;

	if (jid_alias(&out, jid->bare, "later.example.org") == RES_OK) {
		must(jid_parse(&alias, buf_as_span(&out)) == RES_OK);
		must(strcmp(alias.domain, "later.example.org") == 0);
		must(jid_of_alias(&back, alias.local) == RES_OK);
		must(strcmp(back.bare, jid->bare) == 0);
	}
	buf_free(&out);
}

/* Whoever stands behind an alias has this alias and no other. */
static void
check_user(const char *local)
{
	struct buf out = { .max = JID_FULL_MAX };
	struct jid jid;

	if (jid_of_alias(&jid, local) == RES_OK) {
		must(jid.local[0] != '\0' && jid.domain[0] != '\0' && jid.resource[0] == '\0');
		must(jid_alias(&out, jid.bare, "x") == RES_OK);
		must(out.len == strlen(local) + 2 && memcmp(out.p, local, out.len - 2) == 0);
	} else
		must(jid.bare[0] == '\0' && jid.domain[0] == '\0' && jid.local[0] == '\0');
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct buf out = { .max = JID_FULL_MAX };
	struct jid jid, again;
	enum res res = jid_parse(&jid, (struct span){ (const char *)bytes, len });

	if (res == RES_OK) {
		must(jid.domain[0] != '\0' && strpbrk(jid.domain, "%@/ ") == NULL &&
		    strpbrk(jid.local, "@/ ") == NULL);
		must(utf8_valid(span_of(jid.bare)) && utf8_valid(span_of(jid.resource)));
		must(jid_print(&out, &jid) == RES_OK);
		must(jid_parse(&again, buf_as_span(&out)) == RES_OK);
		must(strcmp(again.bare, jid.bare) == 0 && strcmp(again.resource, jid.resource) == 0);
		check_alias(&jid);
	} else
		must(jid.bare[0] == '\0' && jid.domain[0] == '\0' && jid.local[0] == '\0' &&
		    jid.resource[0] == '\0');
	char *local = strndup((const char *)bytes, len);
	if (local != NULL)
		check_user(local);
	free(local);
	buf_free(&out);
	return 0;
}
