/* Rows and pages that were damaged on disk: an error on that packet alone, never a crash. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "store_fixture.h"

static void
test_a_row_that_cannot_be_a_packet_is_set_aside(void **state)
{
	static const char *const damage[] = {
		"kind = 9",
		"state = 11",
		"offline = 0",
		"offline = 5",
		"attempts = -1",
		"held = 2",
		"charge_day = 99999999999",
		"charge_units = -1",
		"id = 'abc'",
		"id = 'abcdef'",
		"id = 'ABCDEFG'",
		"id = ''",
		"sender = ''",
		"recipient = ''",
		"sender = 'a' || char(0) || 'b'",
		"zone = printf('%064d', 0)",
		"recipient = printf('%04000d', 0)",
		"held = -1",
		"kind = 1 << 32 | 1",
		"state = 1 << 32 | 1",
		"gateway = ''",
		"gateway = printf('%065d', 0)",
		"gateway = 'a' || char(0)",
		"gateway_ref = ''",
		"gateway_ref = printf('%0257d', 0)",
		"gateway_ref = 'a' || char(0) || 'b'",
		"series = ''",
		"series = 'abcdef'",
		"series = '0000011'",
		"series = '00000' || char(0)",
		"revision = -1",
		"revision = 1 << 31",
	};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		struct packet bad = sample(1), good = sample(2);
		struct packets ps = { 0 };
		struct store_next next;
		char sql[256];

		put(f, &bad);
		put(f, &good);
		commit(f);
		snprintf(
		    sql, sizeof(sql), "UPDATE packet SET %s WHERE id = '%s'", damage[i], bad.id);
		by_hand(f, sql);
		/* A number that is no kind may be in either class. */
		assert_int_equal(f->ops->claim(f->store, true, NOON, 99, &ps), RES_OK);
		assert_int_equal(f->ops->claim(f->store, false, NOON, 99, &ps), RES_OK);
		assert_int_equal(ps.n, 1);
		assert_string_equal(ps.v[0].id, good.id);
		commit(f);
		/* It is not met a second time. */
		assert_int_equal(f->ops->next(f->store, &next), RES_OK);
		assert_true(next.scheduled[false] == NEVER_MS && next.scheduled[true] == NEVER_MS);
		by_hand(f, "UPDATE packet SET state = 1 WHERE state = 2");
		ps.n = 0;
		assert_int_equal(f->ops->claim(f->store, false, NOON, 1, &ps), RES_OK);
		assert_int_equal(ps.n, 1);
		commit(f);
		packets_free(&ps);
		by_hand(f, "DELETE FROM event; DELETE FROM packet");
	}
}

static void
test_many_damaged_rows_hide_no_good_one(void **state)
{
	struct fixture *f = *state;
	struct packets ps = { 0 };
	unsigned calls = 0;

	for (unsigned i = 0; i < 40; i++)
		put_as(f, i, PACKET_SCHEDULED, YOU, NOON, NOON + i % 2, 0, 0);
	commit(f);
	by_hand(f, "UPDATE packet SET offline = 9 WHERE n NOT IN (5, 40)");
	while (ps.n < 2 && calls++ < 5) {
		assert_int_equal(f->ops->claim(f->store, false, NOON + 1, 99, &ps), RES_OK);
		commit(f);
	}
	assert_int_equal(ps.n, 2);
	assert_string_equal(ps.v[0].id, sample(4).id);
	assert_string_equal(ps.v[1].id, sample(39).id);
	assert_int_equal(state_of(f, 4), PACKET_QUEUED);
	assert_int_equal(state_of(f, 39), PACKET_QUEUED);
	by_hand(f, "UPDATE packet SET offline = 1");
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(state_of(f, i), i == 4 || i == 39 ? PACKET_QUEUED : PACKET_FAILED);
	packets_free(&ps);
}

static void
test_get_of_a_damaged_row_says_so(void **state)
{
	struct fixture *f = *state;
	struct packet p = sample(1);
	struct packets ps = { 0 };

	p.gateway = "office";
	p.gateway_ref = "1";
	put(f, &p);
	commit(f);
	by_hand(f, "UPDATE packet SET offline = 77");
	assert_int_equal(f->ops->get(f->store, p.id, &ps), RES_PERMFAIL);
	assert_int_equal(f->ops->get_ref(f->store, "office", "1", &ps), RES_PERMFAIL);
	assert_int_equal(ps.n, 0);
	/* The turn is not broken by it. */
	assert_int_equal(f->ops->set_meta(f->store, "a", "b"), RES_OK);
	commit(f);
	packets_free(&ps);
}

/* Everything that reads; true when something was refused as damaged. */
static bool
read_all(struct fixture *f)
{
	struct packets ps = { 0 };
	struct events history = { 0 };
	struct series_list ss = { 0 };
	struct store_place place = { 0 };
	struct account account;
	struct quota_use use;
	struct store_next next;
	int64_t at;
	bool stopped;
	enum res res[19];
	const size_t n = sizeof(res) / sizeof(res[0]);
	bool damaged = false;

	res[0] = f->ops->find(f->store, FIND_WAITING, ME, 0, 1000, &ps);
	res[1] = f->ops->find(f->store, FIND_FINISHED, ME, 0, 1000, &ps);
	res[2] = f->ops->find(f->store, FIND_HELD, YOU, 0, 1000, &ps);
	res[3] = f->ops->get(f->store, sample(7).id, &ps);
	res[4] = f->ops->history(f->store, sample(7).id, &history);
	res[5] = f->ops->use(f->store, ME, KIND_IM, TODAY, &use);
	res[6] = f->ops->next(f->store, &next);
	res[7] = f->ops->get_ref(f->store, "office", sample(107).id, &ps);
	res[8] = f->ops->find(f->store, FIND_ATTEMPTED, NULL, 0, 1000, &ps);
	res[9] = f->ops->finished(f->store, ME, &place, 1000, &ps);
	res[10] = f->ops->get_series(f->store, sample(7).id, &ss);
	res[11] = f->ops->find_series(f->store, SERIES_OF, ME, 1000, &ss);
	res[12] = f->ops->find_series(f->store, SERIES_STUCK, NULL, 1000, &ss);
	res[13] = f->ops->charges(f->store, ME, 1000, &history);
	res[14] = f->ops->forgets(f->store, 1000, &history);
	res[15] = f->ops->account(f->store, ME, &account);
	res[16] = f->ops->stopped(f->store, ME, &stopped);
	res[17] = f->ops->pair(f->store, ME, YOU, &at);
	res[18] = f->ops->claim(f->store, false, NOON, 1000, &ps);
	for (size_t i = 0; i < n; i++) {
		/* A broken turn answers TEMPFAIL; only claim writes here, and it is last. */
		assert_true(res[i] == RES_OK || res[i] == RES_NOTFOUND || res[i] == RES_PERMFAIL ||
		    i == n - 1);
		damaged = damaged || res[i] == RES_PERMFAIL;
	}
	f->ops->rollback(f->store);
	packets_free(&ps);
	events_free(&history);
	series_free(&ss);
	return damaged;
}

static void
test_a_damaged_page_is_an_error_and_nothing_worse(void **state)
{
	struct fixture *f = *state;
	struct buf why = { 0 };
	char copy[4096], junk[4096];
	unsigned refused = 0, damaged = 0;
	struct stat st;
	FILE *file;

	for (unsigned i = 0; i < 100; i++)
		put_as(f, i, i % 2 ? PACKET_HELD : PACKET_SCHEDULED, YOU, NOON, NOON, 0, 0);
	for (unsigned i = 0; i < 50; i++) {
		struct series se = sample_series(i);

		put_as(f, 200 + i, PACKET_SENT, YOU, NOON, NOON, 0, NOON);
		assert_int_equal(f->ops->put_series(f->store, &se), RES_OK);
	}
	assert_int_equal(f->ops->set_forget(f->store, ME, NOON), RES_OK);
	assert_int_equal(f->ops->set_stopped(f->store, ME, NOON), RES_OK);
	assert_int_equal(f->ops->set_pair(f->store, ME, YOU, NOON), RES_OK);
	assert_int_equal(
	    f->ops->set_account(f->store, ME, &(struct account){ .zone = "UTC" }), RES_OK);
	for (unsigned i = 100; i < 200; i++) {
		struct packet p = sample(i);

		p.kind = KIND_SMS;
		p.state = PACKET_INFLIGHT;
		p.gateway = "office";
		p.gateway_ref = p.id;
		put(f, &p);
	}
	commit(f);
	sqlite_store_close(&f->store);
	assert_int_equal(stat(f->path, &st), 0);
	for (size_t i = 0; i < sizeof(junk); i++)
		junk[i] = (char)(i * 31 + 13);
	for (long page = 0; page < st.st_size / 4096; page++) {
		assert_non_null(file = fopen(f->path, "r+"));
		fseek(file, page * 4096, SEEK_SET);
		assert_int_equal(fread(copy, sizeof(copy), 1, file), 1);
		fseek(file, page * 4096, SEEK_SET);
		fwrite(junk, sizeof(junk), 1, file);
		fclose(file);
		if (sqlite_store_open(f->path, &f->store, &why) == RES_OK)
			damaged += read_all(f);
		else
			refused++;
		sqlite_store_close(&f->store);
		assert_non_null(file = fopen(f->path, "r+"));
		fseek(file, page * 4096, SEEK_SET);
		fwrite(copy, sizeof(copy), 1, file);
		fclose(file);
	}
	assert_true(refused >= 1); /* the header */
	assert_true(damaged >= 3);
	store_reopen(f);
	assert_false(read_all(f));
	buf_free(&why);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_row_that_cannot_be_a_packet_is_set_aside),
		TEST(test_many_damaged_rows_hide_no_good_one),
		TEST(test_get_of_a_damaged_row_says_so),
		TEST(test_a_damaged_page_is_an_error_and_nothing_worse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
