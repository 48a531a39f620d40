/*
 * Each write fails once, and allocations within SQLite do: the database is as before the turn or as
 * after it, never between, and so is the tally.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "store_faults.h"

static char big_body[20000];

static void
put_sms(struct fixture *f, unsigned i, enum packet_state s, int64_t next)
{
	struct packet p = sample(i);

	p.kind = KIND_SMS;
	p.state = s;
	p.next_at = next;
	p.charge_day = p.charge_units = 0;
	if (s == PACKET_INFLIGHT || s == PACKET_FAILED || s == PACKET_UNCERTAIN)
		p.gateway = "office";
	if (s == PACKET_FAILED || s == PACKET_UNCERTAIN)
		p.finished_at = NOON;
	put(f, &p);
}

/* 21 is an occurrence of series 21 and has been charged, 22 of series 22 and has not. */
static void
put_occurrences(struct fixture *f)
{
	struct account account = { .blocked = true, .zone = "Asia/Tehran" };
	struct quota_limit limit = { 3, 4 };

	for (unsigned i = 21; i <= 22; i++) {
		struct series se = sample_series(i);
		struct packet p = sample(i);

		memcpy(p.series, se.id, sizeof(p.series));
		p.next_at = NOON + DAY_MS;
		if (i == 22)
			p.charge_day = p.charge_units = 0;
		put(f, &p);
		assert_int_equal(f->ops->put_series(f->store, &se), RES_OK);
	}
	assert_int_equal(f->ops->set_account(f->store, YOU, &account), RES_OK);
	assert_int_equal(f->ops->set_limit(f->store, YOU, KIND_SMS, &limit), RES_OK);
	assert_int_equal(f->ops->set_contact(f->store, YOU, CONTACT_GRANTED, NOON), RES_OK);
	assert_int_equal(f->ops->set_forget(f->store, YOU, NOON), RES_OK);
	assert_int_equal(f->ops->set_stopped(f->store, YOU, NOON), RES_OK);
	assert_int_equal(f->ops->set_pair(f->store, YOU, ME, NOON), RES_OK);
	assert_int_equal(f->ops->set_pair(f->store, ME, YOU, NOON), RES_OK);
	assert_int_equal(f->ops->set_pair(f->store, ME, ME, 1), RES_OK);
}

/*
 * Before the turn: 1 to 3 are due, 4 is held, 5 will be cancelled, 6 was sent long ago, and 9 too;
 * of SMS 11 is due, 12 is held, 13 and 14 are with a gateway, where 15 failed and 16 is uncertain.
 */
static void
make_baseline(struct fixture *f, char *kept, size_t size)
{
	store_reopen(f);
	for (unsigned i = 1; i <= 3; i++)
		put_as(f, i, PACKET_SCHEDULED, YOU, NOON, NOON, 0, 0);
	put_as(f, 4, PACKET_HELD, YOU, NOON, NEVER_MS, NOON, 0);
	put_as(f, 5, PACKET_SCHEDULED, YOU, NOON, NOON + DAY_MS, 0, 0);
	put_as(f, 6, PACKET_SENT, YOU, 0, 0, 0, 1);
	put_as(f, 9, PACKET_SENT, YOU, 0, 0, 0, 5);
	put_sms(f, 11, PACKET_SCHEDULED, NOON);
	put_sms(f, 12, PACKET_HELD, NEVER_MS);
	put_sms(f, 13, PACKET_INFLIGHT, NOON);
	put_sms(f, 14, PACKET_INFLIGHT, NOON);
	put_sms(f, 15, PACKET_FAILED, NOON);
	put_sms(f, 16, PACKET_UNCERTAIN, NOON);
	put_occurrences(f);
	commit(f);
	sqlite_store_close(&f->store);
	by_hand(f,
	    "UPDATE charge SET count = count - "
	    "(SELECT sum(charge_units) FROM packet WHERE state = 5);"
	    "UPDATE packet SET charge_day = 0, charge_units = 0 WHERE state = 5;");
	snprintf(kept, size, "%s/baseline.db", f->dir);
	copy_file(f->path, kept);
}

static enum res
do_moves(struct fixture *f, struct packets *ps)
{
	struct packet cancelled = sample(5), *v;
	int64_t n;
	enum res res;

	cancelled.finished_at = NOON;
	if ((res = f->ops->get(f->store, sample(4).id, ps)) != RES_OK ||
	    (res = f->ops->claim(f->store, false, NOON, 9, ps)) != RES_OK)
		return res;
	v = ps->v;
	v[0].finished_at = v[1].finished_at = NOON;
	if ((res = f->ops->move(f->store, &v[0], EV_EXPIRE, NOON, "expired")) != RES_OK ||
	    (res = f->ops->move(f->store, &v[1], EV_SEND, NOON, "sent")) != RES_OK ||
	    (res = f->ops->move(f->store, &v[1], EV_ACCEPTED, NOON, "taken by the server")) !=
		RES_OK ||
	    (res = f->ops->move(f->store, &v[2], EV_SEND, NOON, NULL)) != RES_OK ||
	    (res = f->ops->move(f->store, &cancelled, EV_CANCEL, NOON, "cancelled")) != RES_OK ||
	    (res = f->ops->refund(f->store, &cancelled)) != RES_OK)
		return res;
	return f->ops->purge(f->store, 2, 0, 9, &n);
}

/* The same for what gateways carry. */
static enum res
do_paid_moves(struct fixture *f, struct packets *ps)
{
	struct packet *v;
	size_t first = ps->n;
	int64_t n;
	enum res res;

	if ((res = f->ops->find(f->store, FIND_ATTEMPTED, NULL, 0, 9, ps)) != RES_OK ||
	    (res = f->ops->claim(f->store, true, NOON, 9, ps)) != RES_OK)
		return res;
	v = ps->v + first;
	v[0].gateway_ref = "SM0001";
	v[0].finished_at = NOON;
	v[1].gateway = NULL;
	v[2].gateway = "office";
	if ((res = f->ops->move(f->store, &v[0], EV_ACCEPTED, NOON, "taken by office")) != RES_OK ||
	    (res = f->ops->move(f->store, &v[1], EV_UNTAKEN, NOON, "office is closed")) != RES_OK ||
	    (res = f->ops->move(f->store, &v[2], EV_SEND, NOON, NULL)) != RES_OK ||
	    (res = f->ops->get_ref(f->store, "office", "SM0001", ps)) != RES_OK ||
	    (res = f->ops->wake(f->store, YOU, OFFLINE_END, NOON + 1, &n)) != RES_OK)
		return res;
	return f->ops->wake_paid(f->store, NOON + 1, &n);
}

/* What an operator does. */
static enum res
do_operate(struct fixture *f, struct packets *ps)
{
	size_t first = ps->n;
	enum res res;

	if ((res = f->ops->drop_limit(f->store, YOU, KIND_SMS)) != RES_OK ||
	    (res = f->ops->find(f->store, FIND_TROUBLE, "office", NOON, 9, ps)) != RES_OK)
		return res;
	assert_int_equal(ps->n - first, 2);
	for (size_t i = first; i < ps->n; i++) {
		ps->v[i].gateway = NULL;
		ps->v[i].finished_at = 0;
		if ((res = f->ops->move(f->store, &ps->v[i], EV_RETRY, NOON, "tried again")) !=
		    RES_OK)
			return res;
	}
	return RES_OK;
}

/* An edit, an occurrence that is charged, one series that begins and one that ends. */
static enum res
do_edits(struct fixture *f, struct packets *ps)
{
	struct series se = sample_series(23);
	struct packet *v, next = sample(23);
	size_t first = ps->n;
	enum res res;

	se.sealed = (struct span){ big_body, sizeof(big_body) };
	memcpy(next.series, se.id, sizeof(next.series));
	if ((res = f->ops->get(f->store, sample(21).id, ps)) != RES_OK ||
	    (res = f->ops->get(f->store, sample(22).id, ps)) != RES_OK)
		return res;
	v = ps->v + first;
	if ((res = f->ops->refund(f->store, &v[0])) != RES_OK)
		return res;
	v[0].charge_day = v[0].charge_units = 0;
	v[0].sealed = se.sealed;
	if ((res = f->ops->edit(f->store, &v[0], NOON, "edited")) != RES_OK)
		return res;
	v[0].charge_day = v[1].charge_day = TODAY;
	v[0].charge_units = v[1].charge_units = 3;
	if ((res = f->ops->charge(f->store, &v[0])) != RES_OK ||
	    (res = f->ops->charge(f->store, &v[1])) != RES_OK ||
	    (res = f->ops->put(f->store, &next, 1, "scheduled")) != RES_OK ||
	    (res = f->ops->put_series(f->store, &se)) != RES_OK)
		return res;
	se = sample_series(21);
	se.at++;
	if ((res = f->ops->put_series(f->store, &se)) != RES_OK)
		return res;
	return f->ops->drop_series(f->store, sample_series(22).id);
}

/* What a wish to be forgotten brings. */
static enum res
do_forget(struct fixture *f)
{
	enum res res;

	if ((res = f->ops->erase(f->store, sample(9).id)) != RES_OK ||
	    (res = f->ops->forget_account(f->store, YOU)) != RES_OK ||
	    (res = f->ops->set_forget(f->store, YOU, 0)) != RES_OK)
		return res;
	return f->ops->set_forget(f->store, ME, NOON);
}

/* What sending and recipients' words bring. */
static enum res
do_pairs(struct fixture *f)
{
	int64_t n;
	enum res res;

	if ((res = f->ops->set_pair(f->store, ME, YOU, NOON + HOUR_MS)) != RES_OK ||
	    (res = f->ops->set_pair(f->store, YOU, YOU, NOON)) != RES_OK ||
	    (res = f->ops->purge_pairs(f->store, NOON, 9, &n)) != RES_OK ||
	    (res = f->ops->set_stopped(f->store, YOU, 0)) != RES_OK)
		return res;
	assert_int_equal(n, 1);
	return f->ops->set_stopped(f->store, ME, NOON);
}

/* One turn with every verb that writes. */
static enum res
do_turn(struct fixture *f)
{
	struct packet v[2] = { sample(7), sample(8) }, taken = sample(7);
	struct quota_limit limit = { 1, 2 };
	struct account account = { .blocked = true, .notify = NOTIFY_SENT };
	int64_t n;
	struct packets ps = { 0 };
	enum res res;

	v[0].sealed = (struct span){ big_body, sizeof(big_body) };
	v[1].charge_day = TODAY + 1;
	if ((res = f->ops->put(f->store, v, 2, "scheduled")) == RES_OK &&
	    (res = f->ops->put(f->store, &taken, 1, "scheduled")) == RES_INVALID)
		res = do_moves(f, &ps);
	if (res == RES_OK && (res = do_paid_moves(f, &ps)) == RES_OK)
		res = f->ops->recover(f->store, NOON, &n);
	if (res == RES_OK && (res = do_edits(f, &ps)) == RES_OK &&
	    (res = do_operate(f, &ps)) == RES_OK)
		res = do_forget(f);
	if (res == RES_OK)
		res = do_pairs(f);
	packets_free(&ps);
	if (res != RES_OK || (res = f->ops->set_limit(f->store, ME, KIND_IM, &limit)) != RES_OK ||
	    (res = f->ops->set_account(f->store, ME, &account)) != RES_OK ||
	    (res = f->ops->set_contact(f->store, ME, CONTACT_ASKED, NOON)) != RES_OK ||
	    (res = f->ops->set_meta(f->store, "a", "b")) != RES_OK)
		return res;
	return f->ops->commit(f->store);
}

/*
 * Runs the turn with its n-th change failing; false when there are fewer than n.  Unless power was
 * cut, a turn that said no must be gone, and the same store must be able to do it all over.
 */
static bool
try_fault(struct fixture *f, const char *kept, enum fault_mode mode, unsigned n, bool checkpoint,
    const struct buf *before, const struct buf *after)
{
	struct buf got = { 0 };
	enum res res;
	bool struck, again = false;

	restore(f, kept);
	store_reopen(f);
	if (checkpoint)
		sqlite3_wal_autocheckpoint(((struct db *)f->store)->handle, 1);
	fault_arm(mode, n);
	hush(true);
	res = do_turn(f);
	if (res != RES_OK) {
		assert_true(res == RES_TEMPFAIL || (mode == FAULT_MEMORY && res == RES_NOMEM));
		assert_int_not_equal(f->ops->commit(f->store), RES_OK);
		f->ops->rollback(f->store);
		if (mode != FAULT_CUT && n % 2 == 0) {
			assert_int_equal(do_turn(f), RES_OK);
			again = true;
		}
		assert_tally(f);
	}
	sqlite_store_close(&f->store);
	hush(false);
	struck = fault_disarm();
	assert_true(struck || res == RES_OK);
	dump(f, &got);
	if (res == RES_OK || again)
		assert_string_equal(buf_str(&got), buf_str(after));
	else if (mode != FAULT_CUT || strcmp(buf_str(&got), buf_str(after)) != 0)
		assert_string_equal(buf_str(&got), buf_str(before));
	assert_consistent(f);
	buf_free(&got);
	return struck;
}

static void
try_all_faults(struct fixture *f, enum fault_mode mode, bool checkpoint, unsigned at_least)
{
	struct buf before = { 0 }, after = { 0 };
	char kept[128];
	unsigned n = 1;

	make_baseline(f, kept, sizeof(kept));
	dump(f, &before);
	assert_consistent(f);
	store_reopen(f);
	assert_int_equal(do_turn(f), RES_OK);
	assert_tally(f);
	sqlite_store_close(&f->store);
	dump(f, &after);
	assert_string_not_equal(buf_str(&before), buf_str(&after));
	while (try_fault(f, kept, mode, n, checkpoint, &before, &after))
		n += stride(mode, false);
	assert_true(n > at_least);
	buf_free(&before);
	buf_free(&after);
}

static void
test_a_write_that_fails_leaves_no_half_of_a_turn(void **state)
{
	try_all_faults(*state, FAULT_IOERR, false, 10);
}

static void
test_a_checkpoint_that_fails_leaves_no_half_of_a_turn(void **state)
{
	try_all_faults(*state, FAULT_IOERR, true, 20);
}

static void
test_a_full_disk_leaves_no_half_of_a_turn(void **state)
{
	try_all_faults(*state, FAULT_FULL, true, 20);
}

static void
test_a_power_cut_leaves_no_half_of_a_turn(void **state)
{
	try_all_faults(*state, FAULT_CUT, false, 10);
}

static void
test_a_power_cut_in_a_checkpoint_leaves_no_half_of_a_turn(void **state)
{
	try_all_faults(*state, FAULT_CUT, true, 20);
}

static void
test_no_memory_leaves_no_half_of_a_turn(void **state)
{
	try_all_faults(*state, FAULT_MEMORY, false, 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_write_that_fails_leaves_no_half_of_a_turn),
		TEST(test_a_checkpoint_that_fails_leaves_no_half_of_a_turn),
		TEST(test_a_full_disk_leaves_no_half_of_a_turn),
		TEST(test_a_power_cut_leaves_no_half_of_a_turn),
		TEST(test_a_power_cut_in_a_checkpoint_leaves_no_half_of_a_turn),
		TEST(test_no_memory_leaves_no_half_of_a_turn),
	};

	fault_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
