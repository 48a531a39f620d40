/* What is charged to all users together. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "store_fixture.h"

/* How often the statement that charges has run since the last time. */
static int
charges_written(struct fixture *f)
{
	return sqlite3_stmt_status(
	    ((struct db *)f->store)->stmt[SQL_CHARGE_ADD], SQLITE_STMTSTATUS_RUN, 1);
}

static void
test_what_anybody_is_charged_is_charged_to_the_service(void **state)
{
	static const struct {
		const char *sender;
		enum packet_kind kind;
		int32_t day, units;
	} charges[] = {
		{ ME, KIND_IM, TODAY, 1 },
		{ YOU, KIND_IM, TODAY, 2 },
		{ ME, KIND_SMS, TODAY, 3 },
		{ ME, KIND_IM, TODAY, 4 },
		{ ME, KIND_SMS, TODAY + 1, 50 },
		{ YOU, KIND_SMS, TODAY, 600 },
		{ ME, KIND_MMS, 0, 7000 },
	};
	const size_t n = sizeof(charges) / sizeof(charges[0]);
	struct fixture *f = *state;

	/* One by one, and as a batch. */
	for (unsigned batch = 0; batch < 2; batch++) {
		struct packet v[7];

		for (unsigned i = 0; i < n; i++) {
			v[i] = sample(i + 10 * batch);
			v[i].sender = charges[i].sender;
			v[i].kind = charges[i].kind;
			v[i].charge_day = charges[i].day;
			v[i].charge_units = charges[i].units;
			if (batch == 0)
				put(f, &v[i]);
		}
		if (batch == 1)
			assert_int_equal(f->ops->put(f->store, v, n, "scheduled"), RES_OK);
		assert_int_equal(
		    used(f, QUOTA_SERVICE, KIND_IM, TODAY).day, 7 * (batch + 1));
		assert_int_equal(
		    used(f, QUOTA_SERVICE, KIND_SMS, TODAY).day, 603 * (batch + 1));
		assert_int_equal(
		    used(f, QUOTA_SERVICE, KIND_SMS, TODAY).month, 653 * (batch + 1));
		assert_int_equal(used(f, QUOTA_SERVICE, KIND_MMS, TODAY).month, 0);
		assert_int_equal(used(f, ME, KIND_IM, TODAY).day, 5 * (batch + 1));
	}
	commit(f);
	store_reopen(f);
	assert_int_equal(used(f, QUOTA_SERVICE, KIND_SMS, TODAY).day, 1206);
}

static void
test_a_batch_is_charged_to_the_service_once_a_kind(void **state)
{
	struct fixture *f = *state;
	struct packet v[90];

	for (unsigned i = 0; i < 90; i++) {
		v[i] = sample(i);
		v[i].kind = (enum packet_kind)(KIND_IM + i % 3);
	}
	(void)charges_written(f);
	assert_int_equal(f->ops->put(f->store, v, 90, "scheduled"), RES_OK);
	assert_int_equal(charges_written(f), 90 + 3);
	assert_int_equal(used(f, QUOTA_SERVICE, KIND_MMS, TODAY).day, 30);
	v[0] = sample(100);
	v[0].charge_day = 0;
	assert_int_equal(f->ops->put(f->store, v, 1, "scheduled"), RES_OK);
	assert_int_equal(charges_written(f), 0);
}

static void
test_a_batch_that_is_refused_charges_the_service_nothing(void **state)
{
	struct fixture *f = *state;
	struct packet v[3] = { sample(1), sample(2), sample(3) };

	put(f, &v[2]);
	assert_int_equal(f->ops->put(f->store, v, 3, "scheduled"), RES_INVALID);
	assert_int_equal(used(f, QUOTA_SERVICE, KIND_IM, TODAY).day, 1);
	commit(f);
	assert_int_equal(f->ops->put(f->store, v, 2, "scheduled"), RES_OK);
	assert_int_equal(used(f, QUOTA_SERVICE, KIND_IM, TODAY).day, 3);
	f->ops->rollback(f->store);
	assert_int_equal(used(f, QUOTA_SERVICE, KIND_IM, TODAY).day, 1);
}

static void
test_what_is_given_back_is_given_back_to_the_service(void **state)
{
	struct fixture *f = *state;
	struct packet mine = sample(1), yours = sample(2), later = sample(3), other = sample(4);

	other.sender = "mercutio@example.net";
	other.charge_units = 100;
	put(f, &other);
	mine.charge_units = 3;
	yours.sender = YOU;
	yours.charge_units = 10;
	later.charge_day = 0;
	put(f, &mine);
	put(f, &yours);
	put(f, &later);
	assert_int_equal(used(f, QUOTA_SERVICE, KIND_IM, TODAY).day, 113);
	assert_int_equal(f->ops->refund(f->store, &mine), RES_OK);
	assert_int_equal(used(f, QUOTA_SERVICE, KIND_IM, TODAY).day, 110);
	/* Given back twice, it would be what others have been charged. */
	assert_int_equal(f->ops->refund(f->store, &mine), RES_OK);
	assert_int_equal(f->ops->refund(f->store, &later), RES_OK);
	assert_int_equal(used(f, QUOTA_SERVICE, KIND_IM, TODAY).day, 110);
	assert_int_equal(used(f, YOU, KIND_IM, TODAY).day, 10);
	yours.charge_units = 4;
	assert_int_equal(f->ops->refund(f->store, &yours), RES_OK);
	assert_int_equal(used(f, YOU, KIND_IM, TODAY).day, 6);
	assert_int_equal(used(f, QUOTA_SERVICE, KIND_IM, TODAY).day, 106);
	yours.charge_units = 11;
	assert_int_equal(f->ops->refund(f->store, &yours), RES_OK);
	assert_int_equal(used(f, QUOTA_SERVICE, KIND_IM, TODAY).day, 100);
	/* What is charged when it is queued. */
	later.charge_day = TODAY;
	later.charge_units = 4;
	assert_int_equal(f->ops->charge(f->store, &later), RES_OK);
	assert_int_equal(f->ops->charge(f->store, &later), RES_NOTFOUND);
	assert_int_equal(used(f, QUOTA_SERVICE, KIND_IM, TODAY).day, 104);
	assert_int_equal(used(f, ME, KIND_IM, TODAY).day, 4);
}

static void
test_a_refund_bears_charges_that_are_too_small(void **state)
{
	struct fixture *f = *state;
	struct packet p = sample(1);

	p.charge_units = 5;
	put(f, &p);
	commit(f);
	by_hand(f, "UPDATE charge SET count = 2 WHERE sender = '" QUOTA_SERVICE "'");
	assert_int_equal(f->ops->refund(f->store, &p), RES_OK);
	assert_int_equal(used(f, QUOTA_SERVICE, KIND_IM, TODAY).day, 0);
	assert_int_equal(used(f, ME, KIND_IM, TODAY).day, 0);
	commit(f);
}

static void
test_purge_deletes_old_charges_of_the_service(void **state)
{
	struct fixture *f = *state;
	struct packet a = sample(1), b = sample(2);
	int64_t n;

	a.charge_day = 20261031;
	b.charge_day = 20261101;
	put(f, &a);
	put(f, &b);
	assert_int_equal(f->ops->purge(f->store, 0, 20261101, 1, &n), RES_OK);
	assert_int_equal(used(f, QUOTA_SERVICE, KIND_IM, 20261001).month, 0);
	assert_int_equal(used(f, QUOTA_SERVICE, KIND_IM, 20261101).month, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_anybody_is_charged_is_charged_to_the_service),
		TEST(test_a_batch_is_charged_to_the_service_once_a_kind),
		TEST(test_a_batch_that_is_refused_charges_the_service_nothing),
		TEST(test_what_is_given_back_is_given_back_to_the_service),
		TEST(test_a_refund_bears_charges_that_are_too_small),
		TEST(test_purge_deletes_old_charges_of_the_service),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
