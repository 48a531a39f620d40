#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "core/seal.h"

#define VERSION	   1
#define ID_LEN	   4
#define HEADER_LEN (1 + ID_LEN)
#define NONCE_LEN  12
#define TAG_LEN	   16
#define HASH_LEN   32

struct seal {
	uint8_t key[SEAL_KEY_LEN];
	uint8_t token_key[HASH_LEN];
	uint8_t header[HEADER_LEN]; /* version and key id, as they stand in a sealed body */
};

static bool
hmac(uint8_t out[HASH_LEN], const uint8_t key[HASH_LEN], struct span text)
{
	const char *p = text.len > 0 ? text.p : "";

	return HMAC(EVP_sha256(), key, HASH_LEN, (const uint8_t *)p, text.len, out, NULL) != NULL;
}

/* RFC 5869 with a salt of zeroes; one block of output is as long as the key. */
static bool
derive_token_key(struct seal *s)
{
	static const uint8_t salt[HASH_LEN];
	uint8_t extracted[HASH_LEN];
	bool done =
	    hmac(extracted, salt, (struct span){ (const char *)s->key, SEAL_KEY_LEN }) &&
	    hmac(s->token_key, extracted, SPAN("laterd token\x01"));

	OPENSSL_cleanse(extracted, sizeof(extracted));
	return done;
}

struct seal *
seal_new(const uint8_t key[SEAL_KEY_LEN])
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	struct seal *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	memcpy(s->key, key, SEAL_KEY_LEN);
	if (EVP_Digest(key, SEAL_KEY_LEN, hash, &len, EVP_sha256(), NULL) != 1 || len < ID_LEN ||
	    !derive_token_key(s)) {
		seal_free(&s);
		return NULL;
	}
	s->header[0] = VERSION;
	memcpy(s->header + 1, hash, ID_LEN);
	return s;
}

void
seal_free(struct seal **s)
{
	if (*s == NULL)
		return;
	OPENSSL_cleanse(*s, sizeof(**s));
	free(*s);
	*s = NULL;
}

uint32_t
seal_key_id(const struct seal *s)
{
	const uint8_t *id = s->header + 1;

	return (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
}

/*
 * A context that has taken key, nonce, header and additional data; NULL without memory.  encrypt: 1
 * or 0.
 */
static EVP_CIPHER_CTX *
begin(const struct seal *s, const uint8_t *nonce, struct span aad, int encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	if (ctx == NULL)
		return NULL;
	/* GCM's nonce is 12 bytes unless told otherwise (NIST SP 800-38D). */
	if (EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, s->key, nonce, encrypt) == 1 &&
	    EVP_CipherUpdate(ctx, NULL, &n, s->header, HEADER_LEN) == 1 &&
	    (aad.len == 0 ||
		EVP_CipherUpdate(ctx, NULL, &n, (const uint8_t *)aad.p, (int)aad.len) == 1))
		return ctx;
	EVP_CIPHER_CTX_free(ctx);
	return NULL;
}

/* An empty span may have no memory, and OpenSSL gives a NULL input a meaning of its own. */
static int
update(EVP_CIPHER_CTX *ctx, uint8_t *out, const char *in, size_t len)
{
	int n;

	return len == 0 || EVP_CipherUpdate(ctx, out, &n, (const uint8_t *)in, (int)len) == 1;
}

enum res
seal_close(struct seal *s, struct span aad, struct span plain, struct buf *out)
{
	uint8_t nonce[NONCE_LEN];
	size_t start = out->len;
	int n;

	if (aad.len > INT_MAX || plain.len > INT_MAX - SEAL_OVERHEAD)
		return RES_NOMEM;
	if (RAND_bytes(nonce, NONCE_LEN) != 1)
		return RES_TEMPFAIL;
	uint8_t *to = (uint8_t *)buf_extend(out, plain.len + SEAL_OVERHEAD);
	if (to == NULL)
		return RES_NOMEM;
	memcpy(to, s->header, HEADER_LEN);
	memcpy(to + HEADER_LEN, nonce, NONCE_LEN);
	uint8_t *text = to + HEADER_LEN + NONCE_LEN, *tag = text + plain.len;
	EVP_CIPHER_CTX *ctx = begin(s, nonce, aad, 1);
	if (ctx != NULL && update(ctx, text, plain.p, plain.len) &&
	    EVP_CipherFinal_ex(ctx, tag, &n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_LEN, tag) == 1) {
		EVP_CIPHER_CTX_free(ctx);
		return RES_OK;
	}
	EVP_CIPHER_CTX_free(ctx);
	buf_cut(out, start);
	return RES_NOMEM;
}

enum res
seal_open(struct seal *s, struct span aad, struct span sealed, struct buf *out)
{
	struct buf plain = { .max = sealed.len };
	uint8_t tag[TAG_LEN], end[TAG_LEN];
	enum res res = RES_NOMEM;
	int n;

	if (sealed.len < SEAL_OVERHEAD || sealed.len > INT_MAX || aad.len > INT_MAX ||
	    memcmp(sealed.p, s->header, HEADER_LEN) != 0)
		return RES_PERMFAIL;
	size_t len = sealed.len - SEAL_OVERHEAD;
	const char *text = sealed.p + HEADER_LEN + NONCE_LEN;
	memcpy(tag, text + len, TAG_LEN);
	/* Nothing may reach out before the tag has been found right. */
	uint8_t *to = (uint8_t *)buf_extend(&plain, len);
	EVP_CIPHER_CTX *ctx = begin(s, (const uint8_t *)sealed.p + HEADER_LEN, aad, 0);
	if (to != NULL && ctx != NULL && update(ctx, to, text, len) &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_LEN, tag) == 1)
		res = EVP_CipherFinal_ex(ctx, end, &n) == 1 ? buf_span(out, buf_as_span(&plain))
							    : RES_PERMFAIL;
	EVP_CIPHER_CTX_free(ctx);
	buf_free(&plain);
	return res;
}

enum res
seal_token(const struct seal *s, struct span text, char out[SEAL_TOKEN_LEN + 1])
{
	uint8_t mac[HASH_LEN];

	out[0] = '\0';
	if (!hmac(mac, s->token_key, text))
		return RES_NOMEM;
	for (size_t i = 0; i < SEAL_TOKEN_LEN; i++)
		out[i] = "0123456789abcdef"[i % 2 == 0 ? mac[i / 2] >> 4 : mac[i / 2] & 0x0f];
	out[SEAL_TOKEN_LEN] = '\0';
	return RES_OK;
}

bool
seal_token_eq(const char *a, struct span b)
{
	return b.len == SEAL_TOKEN_LEN && strlen(a) == SEAL_TOKEN_LEN &&
	    CRYPTO_memcmp(a, b.p, SEAL_TOKEN_LEN) == 0;
}
