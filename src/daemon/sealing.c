#include "daemon/sealing.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "daemon/laterd.h"
#include "daemon/secret.h"

/* The key's id, in the database. */
#define META_KEY "seal_key"

static int
check_id(struct store *st, const struct config *config, const struct seal *seal,
    const struct buf *known, struct buf *why)
{
	char id[9];

	snprintf(id, sizeof(id), "%08" PRIx32, seal_key_id(seal));
	if (known->len > 0 && strcmp(id, buf_str(known)) != 0) {
		buf_printf(why,
		    "%s: this is not the key that %s was sealed with (%s): restore that one from your backup",
		    config->store.seal_key_file, config->store.database, buf_str(known));
		return EXIT_CONFIGURATION;
	}
	if (known->len == 0 && (st->ops->set_meta(st, META_KEY, id) != RES_OK ||
	    st->ops->commit(st) != RES_OK)) {
		buf_printf(why, "%s: cannot be written", config->store.database);
		return EXIT_DATABASE;
	}
	return 0;
}

int
sealing_open(struct store *st, const struct config *config, struct seal **out, struct buf *why)
{
	const char *path = config->store.seal_key_file;
	uint8_t key[SEAL_KEY_LEN];
	struct buf known = { 0 };
	enum res meta = st->ops->meta(st, META_KEY, &known), res;
	int code;

	*out = NULL;
	/* Else any key would pass for the one that is noted there. */
	if (meta != RES_OK && meta != RES_NOTFOUND) {
		buf_free(&known);
		buf_printf(why, "%s: cannot be read", config->store.database);
		return EXIT_DATABASE;
	}
	res = seal_key_read(path, key, why);
	if (res == RES_NOTFOUND && meta == RES_NOTFOUND) {
		buf_reset(why);
		res = seal_key_make(path, key, why);
		if (res == RES_OK)
			log_note(
			    "made a new key for sealing bodies: %s; back it up together with the database",
			    path);
	} else if (res == RES_NOTFOUND)
		buf_printf(why, "; %s was sealed with key %s: restore it from your backup",
		    config->store.database, buf_str(&known));
	if (res == RES_OK)
		*out = seal_new(key);
	OPENSSL_cleanse(key, sizeof(key));
	code = *out == NULL ? EXIT_CONFIGURATION : check_id(st, config, *out, &known, why);
	buf_free(&known);
	return code;
}
