/* What the store knows of people: charges, limits, accounts, contacts; and small values by name. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "store_fixture.h"

static void
test_charges_add_up_by_sender_kind_day_and_month(void **state)
{
	static const struct {
		const char *sender;
		enum packet_kind kind;
		int32_t day, units;
	} charges[] = {
		{ ME, KIND_IM, 20261130, 100 },
		{ ME, KIND_IM, 20261201, 1 },
		{ ME, KIND_IM, 20261225, 2 },
		{ ME, KIND_IM, 20261225, 3 },
		{ ME, KIND_IM, 20261231, 10 },
		{ ME, KIND_IM, 20270101, 1000 },
		{ ME, KIND_SMS, 20261225, 50 },
		{ YOU, KIND_IM, 20261225, 70 },
		{ ME, KIND_IM, 0, 10000 },
	};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(charges) / sizeof(charges[0]); i++) {
		struct packet p = sample(i);

		p.sender = charges[i].sender;
		p.kind = charges[i].kind;
		p.charge_day = charges[i].day;
		p.charge_units = charges[i].units;
		put(f, &p);
	}
	/* Before the commit: the turn sees its own charges. */
	assert_int_equal(used(f, ME, KIND_IM, 20261225).day, 5);
	assert_int_equal(used(f, ME, KIND_IM, 20261225).month, 16);
	commit(f);
	assert_int_equal(used(f, ME, KIND_IM, 20261226).day, 0);
	assert_int_equal(used(f, ME, KIND_IM, 20261226).month, 16);
	assert_int_equal(used(f, ME, KIND_IM, 20261130).month, 100);
	assert_int_equal(used(f, ME, KIND_IM, 20270131).month, 1000);
	assert_int_equal(used(f, ME, KIND_SMS, 20261225).day, 50);
	assert_int_equal(used(f, YOU, KIND_IM, 20261201).month, 70);
	assert_int_equal(used(f, YOU, KIND_MMS, 20261201).month, 0);
	assert_int_equal(used(f, "nobody@example.org", KIND_IM, 20261225).month, 0);
}

static void
test_a_refund_gives_back_what_was_charged_and_no_more(void **state)
{
	struct fixture *f = *state;
	struct packet p = sample(1), free_one = sample(2), other = sample(3);

	p.charge_units = 3;
	other.charge_units = 1;
	free_one.charge_day = 0;
	put(f, &p);
	put(f, &free_one);
	put(f, &other);
	assert_int_equal(used(f, ME, KIND_IM, TODAY).day, 4);
	assert_int_equal(f->ops->refund(f->store, &free_one), RES_OK);
	assert_int_equal(used(f, ME, KIND_IM, TODAY).day, 4);
	assert_int_equal(f->ops->refund(f->store, &p), RES_OK);
	assert_int_equal(used(f, ME, KIND_IM, TODAY).day, 1);
	assert_int_equal(f->ops->refund(f->store, &p), RES_OK);
	assert_int_equal(used(f, ME, KIND_IM, TODAY).day, 0);
	/* Its charge has been purged meanwhile. */
	p.charge_day = 20200101;
	assert_int_equal(f->ops->refund(f->store, &p), RES_OK);
}

static void
test_limits_are_kept_for_each_who_and_kind(void **state)
{
	struct fixture *f = *state;
	struct quota_limit a = { 5, QUOTA_NO_LIMIT }, b = { 0, 0 }, got;

	assert_int_equal(f->ops->limit(f->store, "default", KIND_IM, &got), RES_NOTFOUND);
	assert_int_equal(f->ops->set_limit(f->store, "default", KIND_IM, &a), RES_OK);
	assert_int_equal(f->ops->set_limit(f->store, ME, KIND_SMS, &a), RES_OK);
	assert_int_equal(f->ops->set_limit(f->store, ME, KIND_SMS, &b), RES_OK);
	commit(f);
	store_reopen(f);
	assert_int_equal(f->ops->limit(f->store, "default", KIND_IM, &got), RES_OK);
	assert_int_equal(got.per_day, 5);
	assert_int_equal(got.per_month, QUOTA_NO_LIMIT);
	assert_int_equal(f->ops->limit(f->store, ME, KIND_SMS, &got), RES_OK);
	assert_int_equal(got.per_day, 0);
	assert_int_equal(got.per_month, 0);
	assert_int_equal(f->ops->limit(f->store, ME, KIND_IM, &got), RES_NOTFOUND);
}

static void
test_purge_deletes_old_charges(void **state)
{
	struct fixture *f = *state;
	struct packet a = sample(1), b = sample(2);
	int64_t n;

	a.charge_day = 20261031;
	b.charge_day = 20261101;
	put(f, &a);
	put(f, &b);
	assert_int_equal(f->ops->purge(f->store, 0, 20261101, 1, &n), RES_OK);
	assert_int_equal(n, 0);
	assert_int_equal(used(f, ME, KIND_IM, 20261001).month, 0);
	assert_int_equal(used(f, ME, KIND_IM, 20261101).month, 1);
}

static void
test_an_account_is_zeroes_until_it_is_set(void **state)
{
	struct fixture *f = *state;
	struct account a = { .blocked = true };

	assert_int_equal(f->ops->account(f->store, ME, &a), RES_OK);
	assert_false(a.blocked);
	a.blocked = true;
	assert_int_equal(f->ops->set_account(f->store, ME, &a), RES_OK);
	commit(f);
	store_reopen(f);
	a.blocked = false;
	assert_int_equal(f->ops->account(f->store, ME, &a), RES_OK);
	assert_true(a.blocked);
	a.blocked = false;
	assert_int_equal(f->ops->set_account(f->store, ME, &a), RES_OK);
	a.blocked = true;
	assert_int_equal(f->ops->account(f->store, ME, &a), RES_OK);
	assert_false(a.blocked);
}

static void
test_what_a_user_is_told_is_kept_beside_the_block(void **state)
{
	struct fixture *f = *state;
	struct account a = { 0 };

	for (int k = NOTIFY_FAILURE; k < NOTIFY_END; k++)
		for (int blocked = 0; blocked < 2; blocked++) {
			a.notify = (enum notify)k;
			a.blocked = blocked != 0;
			assert_int_equal(f->ops->set_account(f->store, ME, &a), RES_OK);
			a = (struct account){ true, NOTIFY_END };
			assert_int_equal(f->ops->account(f->store, ME, &a), RES_OK);
			assert_int_equal(a.notify, k);
			assert_int_equal(a.blocked, blocked);
		}
	commit(f);
	store_reopen(f);
	assert_int_equal(f->ops->account(f->store, ME, &a), RES_OK);
	assert_int_equal(a.notify, NOTIFY_END - 1);
	assert_true(a.blocked);
	assert_int_equal(f->ops->account(f->store, YOU, &a), RES_OK);
	assert_int_equal(a.notify, NOTIFY_FAILURE);
}

static void
test_a_choice_of_notices_that_is_none_counts_as_not_made(void **state)
{
	static const char *const numbers[] = { "3", "-1", "4294967297", "9223372036854775807" };
	struct fixture *f = *state;
	struct account a = { .blocked = true, .notify = NOTIFY_SENT };

	assert_int_equal(f->ops->set_account(f->store, ME, &a), RES_OK);
	commit(f);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		char sql[96];

		snprintf(sql, sizeof(sql), "UPDATE account SET notify = %s", numbers[i]);
		by_hand(f, sql);
		assert_int_equal(f->ops->account(f->store, ME, &a), RES_OK);
		assert_int_equal(a.notify, NOTIFY_FAILURE);
		assert_true(a.blocked);
	}
}

static void
test_contacts_are_remembered(void **state)
{
	struct fixture *f = *state;
	enum contact c = CONTACT_REFUSED;

	assert_int_equal(f->ops->contact(f->store, YOU, &c, NULL), RES_OK);
	assert_int_equal(c, CONTACT_NONE);
	for (int k = CONTACT_NONE; k < CONTACT_END; k++) {
		assert_int_equal(f->ops->set_contact(f->store, YOU, (enum contact)k, NOON), RES_OK);
		assert_int_equal(f->ops->contact(f->store, YOU, &c, NULL), RES_OK);
		assert_int_equal(c, k);
	}
	commit(f);
	by_hand(f, "UPDATE contact SET state = 99");
	assert_int_equal(f->ops->contact(f->store, YOU, &c, NULL), RES_OK);
	assert_int_equal(c, CONTACT_NONE);
}

static void
test_contacts_waiting_come_in_pages_and_once_each(void **state)
{
	struct fixture *f = *state;
	struct events found = { 0 };
	char jid[64];
	unsigned i = 0;

	for (unsigned k = 0; k < 10; k++) {
		snprintf(jid, sizeof(jid), "user%u@example.net", 9 - k);
		for (unsigned j = 0; j < 3; j++)
			put_as(f, ++i, PACKET_HELD, jid, NOON, NOON, 0, 0);
		/* Numbers 0, 3, 6 and 9 have granted. */
		assert_int_equal(f->ops->set_contact(f->store, jid,
				     k % 3 == 0 ? CONTACT_GRANTED : CONTACT_ASKED, NOON),
		    RES_OK);
	}
	put_as(f, ++i, PACKET_SENT, "user99@example.net", NOON, NOON, 0, NOON);
	assert_int_equal(
	    f->ops->set_contact(f->store, "user99@example.net", CONTACT_GRANTED, NOON), RES_OK);
	put_as(f, ++i, PACKET_HELD, "unasked@example.net", NOON, NOON, 0, 0);

	assert_int_equal(f->ops->contacts_waiting(f->store, "", 3, &found), RES_OK);
	assert_int_equal(found.n, 3);
	assert_string_equal(found.v[0].what, "user0@example.net");
	assert_string_equal(found.v[1].what, "user3@example.net");
	assert_string_equal(found.v[2].what, "user6@example.net");
	assert_int_equal(
	    f->ops->contacts_waiting(f->store, "user6@example.net", 3, &found), RES_OK);
	assert_int_equal(found.n, 4);
	assert_string_equal(found.v[3].what, "user9@example.net");
	assert_int_equal(
	    f->ops->contacts_waiting(f->store, "user9@example.net", 3, &found), RES_OK);
	assert_int_equal(found.n, 4);
	events_free(&found);
}

static void
test_small_values_are_kept_by_name(void **state)
{
	struct fixture *f = *state;
	struct buf out = { 0 };

	assert_int_equal(f->ops->meta(f->store, "seal_key", &out), RES_NOTFOUND);
	assert_int_equal(f->ops->set_meta(f->store, "seal_key", "deadbeef"), RES_OK);
	assert_int_equal(f->ops->set_meta(f->store, "seal_key", "cafe"), RES_OK);
	assert_int_equal(f->ops->meta(f->store, "seal_key", &out), RES_OK);
	assert_string_equal(buf_str(&out), "cafe");
	buf_free(&out);
	out.max = 2;
	assert_int_equal(f->ops->meta(f->store, "seal_key", &out), RES_NOMEM);
	buf_free(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_charges_add_up_by_sender_kind_day_and_month),
		TEST(test_a_refund_gives_back_what_was_charged_and_no_more),
		TEST(test_limits_are_kept_for_each_who_and_kind),
		TEST(test_purge_deletes_old_charges),
		TEST(test_an_account_is_zeroes_until_it_is_set),
		TEST(test_what_a_user_is_told_is_kept_beside_the_block),
		TEST(test_a_choice_of_notices_that_is_none_counts_as_not_made),
		TEST(test_contacts_are_remembered),
		TEST(test_contacts_waiting_come_in_pages_and_once_each),
		TEST(test_small_values_are_kept_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
