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
			a = (struct account){ .blocked = true, .notify = NOTIFY_END };
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
test_settings_are_kept_each_by_itself(void **state)
{
	static const char *const zones[] = { "", "Europe/Berlin", "+02:00",
		"'; DROP TABLE account; -- 3456789012345678901234567890123456789" };
	struct fixture *f = *state;
	struct account a, got;

	assert_int_equal(strlen(zones[3]), ZONE_NAME_MAX);
	for (int offline = 0; offline < OFFLINE_END; offline++)
		for (int hours = HOURS_24; hours < HOURS_END; hours++)
			for (size_t i = 0; i < 4; i++) {
				a = (struct account){ .notify = NOTIFY_SENT,
					.offline = (enum offline)offline,
					.hours = (enum hours)hours };
				snprintf(a.zone, sizeof(a.zone), "%s", zones[i]);
				assert_int_equal(f->ops->set_account(f->store, ME, &a), RES_OK);
				memset(&got, 0xff, sizeof(got));
				assert_int_equal(f->ops->account(f->store, ME, &got), RES_OK);
				assert_false(got.blocked);
				assert_int_equal(got.notify, NOTIFY_SENT);
				assert_int_equal(got.offline, offline);
				assert_int_equal(got.hours, hours);
				assert_string_equal(got.zone, zones[i]);
			}
	commit(f);
	store_reopen(f);
	assert_int_equal(f->ops->account(f->store, ME, &got), RES_OK);
	assert_int_equal(got.offline, OFFLINE_END - 1);
	assert_int_equal(got.hours, HOURS_END - 1);
	assert_string_equal(got.zone, zones[3]);
	memset(&got, 0xff, sizeof(got));
	assert_int_equal(f->ops->account(f->store, YOU, &got), RES_OK);
	assert_int_equal(got.offline, 0);
	assert_int_equal(got.hours, HOURS_24);
	assert_string_equal(got.zone, "");
}

static void
test_a_setting_that_is_none_counts_as_not_made(void **state)
{
	static const char *const damage[] = {
		"notify = 3", "notify = -1", "notify = 4294967297", "notify = 9223372036854775807",
		"offline = 5", "offline = -1", "offline = 4294967298", "hours = 2", "hours = -1",
		"hours = 4294967297", "zone = printf('%064d', 0)", "zone = printf('%09000d', 0)",
		"zone = 'a' || char(0) || 'b'", "zone = ''",
	};
	struct fixture *f = *state;
	const struct account set = { .blocked = true, .notify = NOTIFY_SENT,
		.offline = OFFLINE_DROP, .hours = HOURS_12, .zone = "UTC" };
	struct account a;

	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		const char c = damage[i][0];
		char sql[96];

		assert_int_equal(f->ops->set_account(f->store, ME, &set), RES_OK);
		commit(f);
		snprintf(sql, sizeof(sql), "UPDATE account SET %s", damage[i]);
		by_hand(f, sql);
		assert_int_equal(f->ops->account(f->store, ME, &a), RES_OK);
		/* It alone. */
		assert_true(a.blocked);
		assert_int_equal(a.notify, c == 'n' ? NOTIFY_FAILURE : NOTIFY_SENT);
		assert_int_equal(a.offline, c == 'o' ? 0 : OFFLINE_DROP);
		assert_int_equal(a.hours, c == 'h' ? HOURS_24 : HOURS_12);
		assert_string_equal(a.zone, c == 'z' ? "" : "UTC");
	}
	/* Whatever is not 0 blocks. */
	by_hand(f, "UPDATE account SET blocked = 4294967296");
	assert_int_equal(f->ops->account(f->store, ME, &a), RES_OK);
	assert_true(a.blocked);
}

/* -- What is kept of a user, and forgetting them ----------------------------------------------- */

static void
assert_charges(struct fixture *f, const char *who, size_t max, const char *expected)
{
	struct events es = { 0 };
	struct buf got = { 0 };

	assert_int_equal(f->ops->charges(f->store, who, max, &es), RES_OK);
	for (size_t i = 0; i < es.n; i++)
		buf_printf(&got, "%s%" PRId64 " %s", i > 0 ? ", " : "", es.v[i].at, es.v[i].what);
	assert_string_equal(buf_str(&got), expected);
	buf_free(&got);
	events_free(&es);
}

static void
test_charges_are_told_by_day_and_kind_oldest_first(void **state)
{
	struct fixture *f = *state;
	struct packet p = sample(99);
	unsigned i = 0;

	assert_charges(f, ME, 99, "");
	for (int day = 20261231; day >= 20261230; day--)
		for (int kind = KIND_END - 1; kind >= KIND_IM; kind--)
			for (int32_t units = 1; units <= kind; units++) {
				p = sample(i++);
				p.kind = (enum packet_kind)kind;
				p.charge_day = day;
				p.charge_units = units;
				put(f, &p);
			}
	p = sample(i++);
	p.sender = YOU;
	put(f, &p);
	/* What was given back is no charge. */
	assert_int_equal(f->ops->refund(f->store, &p), RES_OK);
	commit(f);
	by_hand(f, "INSERT INTO charge VALUES ('" ME "', 9, 20261229, 5)"); /* of no kind */
	assert_charges(f, ME, 99,
	    "20261230 im 1, 20261230 sms 3, 20261230 mms 6, "
	    "20261231 im 1, 20261231 sms 3, 20261231 mms 6");
	assert_charges(f, ME, 4, "20261230 im 1, 20261230 sms 3, 20261230 mms 6, 20261231 im 1");
	assert_charges(f, ME, 0, "");
	assert_charges(f, YOU, 99, "");
	by_hand(f, "UPDATE charge SET count = 9223372036854775807 WHERE kind = 2");
	assert_charges(f, ME, 2, "20261230 im 1, 20261230 sms 9223372036854775807");
}

/* The wishes, as "juliet@example.org 17, …". */
static void
assert_forgets(struct fixture *f, size_t max, const char *expected)
{
	struct events es = { 0 };
	struct buf got = { 0 };

	assert_int_equal(f->ops->forgets(f->store, max, &es), RES_OK);
	for (size_t i = 0; i < es.n; i++)
		buf_printf(&got, "%s%s %" PRId64, i > 0 ? ", " : "", es.v[i].what, es.v[i].at);
	assert_string_equal(buf_str(&got), expected);
	buf_free(&got);
	events_free(&es);
}

static void
test_wishes_to_be_forgotten_are_kept_until_they_are_done(void **state)
{
	struct fixture *f = *state;

	assert_forgets(f, 9, "");
	assert_int_equal(f->ops->set_forget(f->store, YOU, 7), RES_OK);
	assert_int_equal(f->ops->set_forget(f->store, ME, 8), RES_OK);
	assert_int_equal(f->ops->set_forget(f->store, YOU, 9), RES_OK);
	commit(f);
	store_reopen(f);
	assert_forgets(f, 9, ME " 8, " YOU " 9");
	assert_forgets(f, 1, ME " 8");
	assert_forgets(f, 0, "");
	assert_int_equal(f->ops->set_forget(f->store, ME, 0), RES_OK);
	assert_int_equal(f->ops->set_forget(f->store, "nobody@example.org", 0), RES_OK);
	assert_forgets(f, 9, YOU " 9");
	f->ops->rollback(f->store);
	assert_forgets(f, 9, ME " 8, " YOU " 9");
	assert_int_equal(f->ops->set_forget(f->store, ME, 0), RES_OK);
	assert_int_equal(f->ops->set_forget(f->store, YOU, 0), RES_OK);
	commit(f);
	store_reopen(f);
	assert_forgets(f, 9, "");
}

static void
test_a_damaged_wish_keeps_no_other_from_being_done(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(f->ops->set_forget(f->store, ME, 8), RES_OK);
	assert_int_equal(f->ops->set_forget(f->store, YOU, 9), RES_OK);
	commit(f);
	by_hand(f,
	    "INSERT INTO forget VALUES ('', 1), ('a' || char(0) || 'b', 2), "
	    "(printf('%04000d', 0), 3)");
	assert_forgets(f, 9, ME " 8, " YOU " 9");
	assert_forgets(f, 1, ME " 8");
}

static int
count(struct fixture *f, const char *table)
{
	sqlite3_stmt *stmt = NULL;
	char sql[64];
	int n;

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
	assert_int_equal(
	    sqlite3_prepare_v2(((struct db *)f->store)->handle, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	n = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return n;
}

static void
test_forgetting_an_account_leaves_the_block_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	const struct account set = { .notify = NOTIFY_SENT, .offline = OFFLINE_DROP,
		.hours = HOURS_12, .zone = "UTC" };
	struct account a = set;
	struct packet p = sample(1);
	struct quota_limit limit = { 5, 6 };
	enum contact contact;
	int64_t changed_at;

	put(f, &p);
	for (int blocked = 0; blocked < 2; blocked++) {
		a.blocked = blocked != 0;
		assert_int_equal(f->ops->set_account(f->store, ME, &a), RES_OK);
		assert_int_equal(f->ops->set_account(f->store, YOU, &set), RES_OK);
		assert_int_equal(f->ops->set_limit(f->store, ME, KIND_IM, &limit), RES_OK);
		assert_int_equal(f->ops->set_contact(f->store, ME, CONTACT_GRANTED, 7), RES_OK);
		assert_int_equal(f->ops->set_contact(f->store, YOU, CONTACT_GRANTED, 7), RES_OK);
		assert_int_equal(f->ops->forget_account(f->store, ME), RES_OK);
		commit(f);
		assert_int_equal(count(f, "account"), 1 + blocked);
		assert_int_equal(count(f, "contact"), 1);
		assert_int_equal(f->ops->account(f->store, ME, &a), RES_OK);
		assert_int_equal(a.blocked, blocked);
		assert_int_equal(a.notify, NOTIFY_FAILURE);
		assert_int_equal(a.offline, 0);
		assert_int_equal(a.hours, HOURS_24);
		assert_string_equal(a.zone, "");
		assert_int_equal(f->ops->contact(f->store, ME, &contact, &changed_at), RES_OK);
		assert_int_equal(contact, CONTACT_NONE);
		assert_int_equal(changed_at, 0);
		assert_int_equal(f->ops->account(f->store, YOU, &a), RES_OK);
		assert_string_equal(a.zone, "UTC");
		assert_int_equal(f->ops->contact(f->store, YOU, &contact, NULL), RES_OK);
		assert_int_equal(contact, CONTACT_GRANTED);
		a = set;
	}
	/* Else their quota would begin anew. */
	assert_int_equal(used(f, ME, KIND_IM, TODAY).day, 1);
	assert_int_equal(f->ops->limit(f->store, ME, KIND_IM, &limit), RES_OK);
	assert_int_equal(state_of(f, 1), PACKET_SCHEDULED);
	assert_int_equal(f->ops->forget_account(f->store, "nobody@example.org"), RES_OK);
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
		TEST(test_settings_are_kept_each_by_itself),
		TEST(test_a_setting_that_is_none_counts_as_not_made),
		TEST(test_charges_are_told_by_day_and_kind_oldest_first),
		TEST(test_wishes_to_be_forgotten_are_kept_until_they_are_done),
		TEST(test_a_damaged_wish_keeps_no_other_from_being_done),
		TEST(test_forgetting_an_account_leaves_the_block_and_nothing_else),
		TEST(test_contacts_are_remembered),
		TEST(test_contacts_waiting_come_in_pages_and_once_each),
		TEST(test_small_values_are_kept_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
