#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/msisdn.h"
#include "core/route.h"

#define NUMBER "+4917012345678"

static const char *const none[] = { NULL };
static const char *const german[] = { "+49", NULL };
static const char *const german_mobile[] = { "+4915", "+4917", NULL };

enum { OFFICE, CLOUD, MMSC, BOTH };

/* Every test may change its copy. */
struct net {
	struct gateway_info gateways[GATEWAYS_MAX];
	struct route routes[8];
	struct routing r;
};

static void
net_init(struct net *n)
{
	*n = (struct net){
		.gateways = {
			[OFFICE] = { "office", .kinds[KIND_SMS] = true, .allow = none,
			    .deny = none },
			[CLOUD] = { "cloud", .kinds[KIND_SMS] = true, .allow = none, .deny = none },
			[MMSC] = { "mmsc", .kinds[KIND_MMS] = true, .allow = none, .deny = none },
			[BOTH] = { "both", .kinds = { [KIND_SMS] = true, [KIND_MMS] = true },
			    .allow = none, .deny = none },
		},
	};
	n->r = (struct routing){ .gateways = n->gateways, .ngateways = 4, .routes = n->routes };
}

static struct route *
add_route(struct net *n, const char *prefix)
{
	struct route *route = &n->routes[n->r.nroutes++];

	*route = (struct route){ .prefix = prefix };
	return route;
}

static void
add_via(struct route *route, enum packet_kind kind, size_t gateway)
{
	route->via[kind][route->n[kind]++] = gateway;
}

/* want: the names, separated by spaces. */
static void
check_path(const struct net *n, enum packet_kind kind, const char *number, const char *want)
{
	struct route_path path;
	struct buf why = { .max = 1000 }, names = { .max = 1000 };

	assert_int_equal(route_find(&n->r, kind, number, &path, &why), RES_OK);
	assert_int_equal(why.len, 0);
	for (size_t i = 0; i < path.n; i++)
		buf_printf(&names, "%s%s", i > 0 ? " " : "", n->gateways[path.v[i]].name);
	assert_string_equal(buf_str(&names), want);
	buf_free(&why);
	buf_free(&names);
}

static void
check_none(const struct net *n, enum packet_kind kind, const char *number, enum res want,
    const char *words)
{
	struct route_path path = { .n = 3 };
	struct buf why = { .max = 1000 };

	assert_int_equal(route_find(&n->r, kind, number, &path, &why), want);
	assert_int_equal(path.n, 0);
	assert_string_equal(buf_str(&why), words);
	buf_free(&why);
}

static void
test_without_routes_every_gateway_of_the_kind_serves(void **state)
{
	struct net n;

	(void)state;
	net_init(&n);
	check_path(&n, KIND_SMS, NUMBER, "office cloud both");
	check_path(&n, KIND_MMS, NUMBER, "mmsc both");
	n.r.ngateways = 2;
	check_none(&n, KIND_MMS, NUMBER, RES_NOTFOUND, "No gateway carries MMS to this number.");
	n.r.ngateways = 0;
	check_none(&n, KIND_SMS, NUMBER, RES_NOTFOUND, "No gateway carries SMS to this number.");
}

static void
test_the_longest_prefix_wins_whatever_the_order(void **state)
{
	struct net n;

	(void)state;
	for (int turned = 0; turned < 2; turned++) {
		net_init(&n);
		add_via(add_route(&n, turned ? "+4917" : "+"), KIND_SMS, turned ? BOTH : OFFICE);
		add_via(add_route(&n, "+49"), KIND_SMS, CLOUD);
		add_via(add_route(&n, turned ? "+" : "+4917"), KIND_SMS, turned ? OFFICE : BOTH);
		check_path(&n, KIND_SMS, "+4917012345678", "both");
		check_path(&n, KIND_SMS, "+4915112345678", "cloud");
		check_path(&n, KIND_SMS, "+15551234567", "office");
	}
}

static void
test_a_prefix_without_the_kind_leaves_it_to_a_shorter_one(void **state)
{
	struct net n;

	(void)state;
	net_init(&n);
	add_via(add_route(&n, "+"), KIND_MMS, MMSC);
	add_via(add_route(&n, "+49"), KIND_SMS, OFFICE);
	add_route(&n, "+4917");
	check_path(&n, KIND_SMS, NUMBER, "office");
	check_path(&n, KIND_MMS, NUMBER, "mmsc");
	check_none(&n, KIND_SMS, "+15551234567", RES_NOTFOUND,
	    "No gateway carries SMS to this number.");
}

static void
test_a_route_keeps_its_order_of_preference(void **state)
{
	struct net n;
	struct route *route;

	(void)state;
	net_init(&n);
	route = add_route(&n, "+");
	add_via(route, KIND_SMS, BOTH);
	add_via(route, KIND_SMS, OFFICE);
	add_via(route, KIND_SMS, CLOUD);
	check_path(&n, KIND_SMS, NUMBER, "both office cloud");
}

static void
test_gateways_that_do_not_take_the_number_are_left_out(void **state)
{
	struct net n;

	(void)state;
	net_init(&n);
	n.gateways[OFFICE].allow = german_mobile;
	n.gateways[CLOUD].deny = german;
	check_path(&n, KIND_SMS, "+4917012345678", "office both");
	check_path(&n, KIND_SMS, "+4930123456", "both");
	check_path(&n, KIND_SMS, "+15551234567", "cloud both");
	n.gateways[BOTH].deny = german;
	check_none(&n, KIND_SMS, "+4930123456", RES_DENIED,
	    "SMS to this number are not allowed here.");
}

static void
test_denial_wins_over_any_allowance(void **state)
{
	struct net n;

	(void)state;
	net_init(&n);
	n.r.ngateways = 1;
	n.gateways[OFFICE].allow = german_mobile;
	n.gateways[OFFICE].deny = german;
	check_none(&n, KIND_SMS, NUMBER, RES_DENIED, "SMS to this number are not allowed here.");
	n.gateways[OFFICE].allow = german;
	n.gateways[OFFICE].deny = german_mobile;
	check_none(&n, KIND_SMS, NUMBER, RES_DENIED, "SMS to this number are not allowed here.");
	check_path(&n, KIND_SMS, "+4930123456", "office");
}

static void
test_a_denied_number_does_not_go_by_a_shorter_prefix(void **state)
{
	struct net n;

	(void)state;
	net_init(&n);
	add_via(add_route(&n, "+"), KIND_SMS, CLOUD);
	add_via(add_route(&n, "+49"), KIND_SMS, OFFICE);
	n.gateways[OFFICE].deny = german_mobile;
	check_none(&n, KIND_SMS, NUMBER, RES_DENIED, "SMS to this number are not allowed here.");
	check_path(&n, KIND_SMS, "+4930123456", "office");
}

static void
test_a_route_to_a_gateway_without_the_kind_leads_nowhere(void **state)
{
	struct net n;

	(void)state;
	net_init(&n);
	add_via(add_route(&n, "+49"), KIND_SMS, MMSC);
	/* Not configured any more. */
	n.r.ngateways = CLOUD + 1;
	add_via(&n.routes[0], KIND_SMS, BOTH);
	add_via(&n.routes[0], KIND_SMS, SIZE_MAX / sizeof(struct gateway_info));
	check_none(&n, KIND_SMS, NUMBER, RES_NOTFOUND, "No gateway carries SMS to this number.");
	assert_false(route_serves(&n.r, KIND_SMS));
	add_via(add_route(&n, "+"), KIND_SMS, CLOUD);
	check_path(&n, KIND_SMS, NUMBER, "cloud");
	assert_true(route_serves(&n.r, KIND_SMS));
}

static void
test_a_kind_is_served_where_it_can_leave(void **state)
{
	struct net n;

	(void)state;
	net_init(&n);
	assert_true(route_serves(&n.r, KIND_SMS));
	assert_true(route_serves(&n.r, KIND_MMS));
	assert_false(route_serves(&n.r, KIND_IM));
	add_via(add_route(&n, "+49"), KIND_SMS, OFFICE);
	assert_true(route_serves(&n.r, KIND_SMS));
	assert_false(route_serves(&n.r, KIND_MMS));
	n = (struct net){ 0 };
	assert_false(route_serves(&n.r, KIND_SMS));
}

static void
test_what_is_no_kind_of_a_gateway_has_no_path(void **state)
{
	static const int kinds[] = { -1, 0, KIND_IM, KIND_END, 1000 };
	struct net n;

	(void)state;
	net_init(&n);
	n.gateways[OFFICE].kinds[KIND_IM] = n.gateways[OFFICE].kinds[0] = true;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		check_none(&n, (enum packet_kind)kinds[i], NUMBER, RES_NOTFOUND, "");
		assert_false(route_serves(&n.r, (enum packet_kind)kinds[i]));
	}
}

static void
test_as_many_gateways_as_there_may_be_fit(void **state)
{
	struct net n;
	struct route_path path;
	struct buf why = { .max = 100 };

	(void)state;
	net_init(&n);
	for (size_t i = 0; i < GATEWAYS_MAX; i++)
		n.gateways[i] = n.gateways[OFFICE];
	n.r.ngateways = GATEWAYS_MAX;
	assert_int_equal(route_find(&n.r, KIND_SMS, NUMBER, &path, &why), RES_OK);
	assert_int_equal(path.n, GATEWAYS_MAX);
	for (size_t i = 0; i < path.n; i++)
		assert_int_equal(path.v[i], i);
	buf_free(&why);
}

static void
test_expensive_numbers_are_denied_by_default(void **state)
{
	static const char *const expensive[] = { "+979123456789", "+878101234567", "+881612345678",
		"+882161234567", "+883510001234", "+19005551234" };
	static const char *const others[] = { "+4917012345678", "+12125551234", "+19015551234",
		"+88017123456", "+97150123456", "+190912345" };
	struct net n;

	(void)state;
	net_init(&n);
	n.r.ngateways = 1;
	n.gateways[OFFICE].deny = route_deny_default;
	for (size_t i = 0; i < sizeof(expensive) / sizeof(expensive[0]); i++) {
		assert_true(msisdn_is(expensive[i]));
		check_none(&n, KIND_SMS, expensive[i], RES_DENIED,
		    "SMS to this number are not allowed here.");
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		check_path(&n, KIND_SMS, others[i], "office");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_routes_every_gateway_of_the_kind_serves),
		cmocka_unit_test(test_the_longest_prefix_wins_whatever_the_order),
		cmocka_unit_test(test_a_prefix_without_the_kind_leaves_it_to_a_shorter_one),
		cmocka_unit_test(test_a_route_keeps_its_order_of_preference),
		cmocka_unit_test(test_gateways_that_do_not_take_the_number_are_left_out),
		cmocka_unit_test(test_denial_wins_over_any_allowance),
		cmocka_unit_test(test_a_denied_number_does_not_go_by_a_shorter_prefix),
		cmocka_unit_test(test_a_route_to_a_gateway_without_the_kind_leads_nowhere),
		cmocka_unit_test(test_a_kind_is_served_where_it_can_leave),
		cmocka_unit_test(test_what_is_no_kind_of_a_gateway_has_no_path),
		cmocka_unit_test(test_as_many_gateways_as_there_may_be_fit),
		cmocka_unit_test(test_expensive_numbers_are_denied_by_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
