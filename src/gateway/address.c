#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "gateway/curl.h"

/* The first `bits` of `prefix`. */
struct range {
	uint8_t prefix[16];
	unsigned bits;
};

/* The IANA IPv4 Special-Purpose Address Registry (RFC 6890), multicast and class E. */
static const struct range not_public_v4[] = {
	{ { 0 }, 8 },              /* this network: RFC 791 */
	{ { 10 }, 8 },             /* private: RFC 1918 */
	{ { 100, 64 }, 10 },       /* shared: RFC 6598 */
	{ { 127 }, 8 },            /* loopback: RFC 1122 */
	{ { 169, 254 }, 16 },      /* link local: RFC 3927 */
	{ { 172, 16 }, 12 },       /* private: RFC 1918 */
	{ { 192, 0, 0 }, 24 },     /* protocol assignments: RFC 6890 */
	{ { 192, 0, 2 }, 24 },     /* documentation: RFC 5737 */
	{ { 192, 88, 99 }, 24 },   /* 6to4 relays: RFC 7526 */
	{ { 192, 168 }, 16 },      /* private: RFC 1918 */
	{ { 198, 18 }, 15 },       /* benchmark: RFC 2544 */
	{ { 198, 51, 100 }, 24 },  /* documentation: RFC 5737 */
	{ { 203, 0, 113 }, 24 },   /* documentation: RFC 5737 */
	{ { 224 }, 4 },            /* multicast: RFC 5771 */
	{ { 240 }, 4 },            /* reserved, and broadcast: RFC 1112 */
};

/* Global unicast (RFC 4291 section 2.4), of which the rest of the table is taken out. */
static const struct range global_v6 = { { 0x20 }, 3 };
static const struct range not_public_v6[] = {
	{ { 0x20, 0x01 }, 23 },             /* protocol assignments: RFC 2928 */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation: RFC 3849 */
	{ { 0x3f, 0xff }, 20 },             /* documentation: RFC 9637 */
};

/* IPv6 addresses that stand for an IPv4 address, and where they have it: looked at first. */
static const struct embedded {
	struct range range;
	size_t at;
	uint8_t mask; /* it is stored with these bits turned */
} embedded_v4[] = {
	{ { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, 96 }, 12, 0 }, /* RFC 4291 2.5.5.2 */
	{ { { 0x00, 0x64, 0xff, 0x9b }, 96 }, 12, 0 },                   /* NAT64: RFC 6052 */
	{ { { 0x20, 0x02 }, 16 }, 2, 0 },                                /* 6to4: RFC 3056 */
	{ { { 0x20, 0x01, 0, 0 }, 32 }, 12, 0xff },                      /* Teredo: RFC 4380 */
};

static bool
in_range(const uint8_t *address, const struct range *r)
{
	size_t whole = r->bits / 8;
	unsigned rest = r->bits % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	return memcmp(address, r->prefix, whole) == 0 &&
	    (rest == 0 || (address[whole] & mask) == (r->prefix[whole] & mask));
}

static bool
in_any(const uint8_t *address, const struct range *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (in_range(address, &v[i]))
			return true;
	return false;
}

static bool
v4_is_public(const uint8_t address[4])
{
	return !in_any(address, not_public_v4, sizeof(not_public_v4) / sizeof(not_public_v4[0]));
}

static bool
v6_is_public(const uint8_t address[16])
{
	for (size_t i = 0; i < sizeof(embedded_v4) / sizeof(embedded_v4[0]); i++) {
		const struct embedded *e = &embedded_v4[i];
		uint8_t v4[4];

		if (!in_range(address, &e->range))
			continue;
		for (size_t k = 0; k < sizeof(v4); k++)
			v4[k] = address[e->at + k] ^ e->mask;
		return v4_is_public(v4);
	}
	return in_range(address, &global_v6) &&
	    !in_any(address, not_public_v6, sizeof(not_public_v6) / sizeof(not_public_v6[0]));
}

bool
address_is_public(const struct sockaddr *address)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	switch (address->sa_family) {
	case AF_INET:
		memcpy(&v4, address, sizeof(v4));
		return v4_is_public((const uint8_t *)&v4.sin_addr);
	case AF_INET6:
		memcpy(&v6, address, sizeof(v6));
		return v6_is_public(v6.sin6_addr.s6_addr);
	default:
		return false;
	}
}
