#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "gateway/curl.h"

static bool
is_public(const char *text)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	if (strchr(text, ':') == NULL) {
		assert_int_equal(inet_pton(AF_INET, text, &v4.sin_addr), 1);
		return address_is_public((const struct sockaddr *)&v4);
	}
	assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
	return address_is_public((const struct sockaddr *)&v6);
}

static void
assert_all(const char *const *texts, size_t n, bool want)
{
	for (size_t i = 0; i < n; i++)
		if (is_public(texts[i]) != want)
			fail_msg("%s is %spublic", texts[i], want ? "not " : "");
}

#define ASSERT_ALL(texts, want) assert_all(texts, sizeof(texts) / sizeof((texts)[0]), want)

static void
test_special_ipv4_addresses_are_not_public(void **state)
{
	static const char *const v[] = { "0.0.0.0", "0.1.2.3", "0.255.255.255", "10.0.0.0",
		"10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1", "127.255.255.255",
		"169.254.0.0", "169.254.169.254", "169.254.255.255", "172.16.0.0", "172.31.255.255",
		"192.0.0.0", "192.0.0.255", "192.0.2.1", "192.88.99.1", "192.168.0.0",
		"192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.7", "203.0.113.255",
		"224.0.0.1", "239.255.255.255", "240.0.0.0", "254.1.1.1", "255.255.255.255" };

	(void)state;
	ASSERT_ALL(v, false);
}

static void
test_their_neighbours_are_public(void **state)
{
	static const char *const v[] = { "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255",
		"100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0",
		"172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.3.0",
		"192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
		"198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0",
		"223.255.255.255", "8.8.8.8" };

	(void)state;
	ASSERT_ALL(v, true);
}

static void
test_of_ipv6_only_global_unicast_is_public(void **state)
{
	static const char *const no[] = { "::", "::1", "::2", "::7f00:1", "::ffff:0:7f00:1", "100::1",
		"64:ff9b:1::1", "1fff::1", "2001::1", "2001:2::1", "2001:10::1", "2001:20::1",
		"2001:1ff:ffff::1", "2001:db8::1", "2001:db8:ffff:ffff::1", "3fff::1",
		"3fff:fff:ffff::1", "4000::1", "5f00::1", "fc00::1", "fdff::1", "fe80::1", "febf::1",
		"fec0::1", "ff02::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" };
	static const char *const yes[] = { "2000::1", "2001:200::1", "2001:db7::1", "2001:db9::1",
		"2003::1", "2606:4700::1111", "3ffe:ffff::1", "3fff:1000::1" };

	(void)state;
	ASSERT_ALL(no, false);
	ASSERT_ALL(yes, true);
}

/* Every form says of an IPv4 address what IPv4 says of it. */
static void
test_embedded_ipv4_addresses_are_looked_at(void **state)
{
	static const char *const v4[] = { "127.0.0.1", "10.1.2.3", "169.254.169.254", "0.0.0.0",
		"224.0.0.1", "192.168.1.1", "8.8.8.8", "198.51.101.1" };

	(void)state;
	for (size_t i = 0; i < sizeof(v4) / sizeof(v4[0]); i++) {
		uint8_t b[4];
		char text[64];

		assert_int_equal(inet_pton(AF_INET, v4[i], b), 1);
		snprintf(text, sizeof(text), "::ffff:%s", v4[i]);
		assert_int_equal(is_public(text), is_public(v4[i]));
		snprintf(text, sizeof(text), "64:ff9b::%s", v4[i]);
		assert_int_equal(is_public(text), is_public(v4[i]));
		snprintf(text, sizeof(text), "2002:%02x%02x:%02x%02x::1", b[0], b[1], b[2], b[3]);
		assert_int_equal(is_public(text), is_public(v4[i]));
		snprintf(text, sizeof(text), "2001:0:102:304:0:1:%02x%02x:%02x%02x", b[0] ^ 0xff,
		    b[1] ^ 0xff, b[2] ^ 0xff, b[3] ^ 0xff);
		assert_int_equal(is_public(text), is_public(v4[i]));
	}
}

static void
test_other_families_are_not_public(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "/run/x" };
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	(void)state;
	assert_false(address_is_public((const struct sockaddr *)&un));
	assert_false(address_is_public(&none));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_special_ipv4_addresses_are_not_public),
		cmocka_unit_test(test_their_neighbours_are_public),
		cmocka_unit_test(test_of_ipv6_only_global_unicast_is_public),
		cmocka_unit_test(test_embedded_ipv4_addresses_are_looked_at),
		cmocka_unit_test(test_other_families_are_not_public),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
