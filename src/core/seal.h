/*
 * Sealing of bodies: AES-256-GCM.  A sealed body is  version (1 byte, 1) | key id (4) | nonce (12)
 * | ciphertext | tag (16), and version and key id are authenticated with the caller's additional
 * data.
 */
#ifndef LATERD_CORE_SEAL_H
#define LATERD_CORE_SEAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define SEAL_KEY_LEN  32
#define SEAL_OVERHEAD (1 + 4 + 12 + 16)

struct seal;

/* From 32 random bytes, which are copied; NULL without memory. */
struct seal *seal_new(const uint8_t key[SEAL_KEY_LEN]);
void seal_free(struct seal **s);
/* The key's id: the first four bytes of its SHA-256, big endian. */
uint32_t seal_key_id(const struct seal *s);

/*
 * Seal `plain` under a fresh random nonce and append it to out.  RES_TEMPFAIL when the random
 * generator fails, RES_NOMEM.
 */
enum res seal_close(struct seal *s, struct span aad, struct span plain, struct buf *out);
/*
 * Append the body to out.  RES_PERMFAIL when it is damaged, cut short, of another version, another
 * key or other additional data; out is then unchanged.
 */
enum res seal_open(struct seal *s, struct span aad, struct span sealed, struct buf *out);

/*
 * A token that only the holder of the key can make: lower-case hex of the first 16 bytes of
 * HMAC-SHA256 over text, under a key of its own that HKDF-SHA256 (RFC 5869) derives from the seal
 * key with the info "laterd token".  RES_NOMEM, with out empty.
 */
#define SEAL_TOKEN_LEN 32
enum res seal_token(const struct seal *s, struct span text, char out[SEAL_TOKEN_LEN + 1]);
/* Two tokens of the same content, in a time that does not depend on where they differ. */
bool seal_token_eq(const char *a, struct span b);

#endif
