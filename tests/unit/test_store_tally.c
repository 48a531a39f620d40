/* The tally is kept in memory: whatever happens, it is what SQLite counts. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "store_fixture.h"

static int64_t
tallied(struct fixture *f, enum packet_kind kind, enum packet_state s)
{
	struct tally t;

	assert_int_equal(f->ops->tally(f->store, &t), RES_OK);
	return t.n[kind][s];
}

static int64_t
all_tallied(struct fixture *f)
{
	struct tally t;
	int64_t n = 0;

	assert_int_equal(f->ops->tally(f->store, &t), RES_OK);
	for (size_t k = 0; k < KIND_END; k++)
		for (size_t s = 0; s < PACKET_NSTATES; s++)
			n += t.n[k][s];
	return n;
}

/* One of every kind and state, committed: 20 * kind + state. */
static void
put_each(struct fixture *f)
{
	for (unsigned k = KIND_IM; k < KIND_END; k++)
		for (unsigned s = PACKET_SCHEDULED; s < PACKET_NSTATES; s++) {
			struct packet p = sample(20 * k + s);

			p.kind = (enum packet_kind)k;
			p.state = (enum packet_state)s;
			p.finished_at = NOON;
			p.gateway = "office";
			put(f, &p);
		}
	commit(f);
}

static void
test_an_empty_store_counts_nothing(void **state)
{
	struct fixture *f = *state;
	struct store *memory = NULL;
	struct buf why = { 0 };
	struct tally t;

	assert_int_equal(all_tallied(f), 0);
	assert_tally(f);
	assert_int_equal(sqlite_store_open(":memory:", &memory, &why), RES_OK);
	assert_int_equal(memory->ops->tally(memory, &t), RES_OK);
	assert_int_equal(t.n[KIND_IM][PACKET_SCHEDULED], 0);
	sqlite_store_close(&memory);
}

static void
test_every_kind_and_state_is_counted_by_itself_and_once(void **state)
{
	struct fixture *f = *state;

	put_each(f);
	for (int opening = 0; opening < 2; opening++) {
		for (int k = KIND_IM; k < KIND_END; k++)
			for (int s = PACKET_SCHEDULED; s < PACKET_NSTATES; s++)
				assert_int_equal(tallied(f, (enum packet_kind)k,
						     (enum packet_state)s),
				    1);
		assert_int_equal(all_tallied(f), 30);
		assert_tally(f);
		store_reopen(f);
	}
}

static void
test_every_step_of_a_life_moves_it(void **state)
{
	struct fixture *f = *state;

	put_each(f);
	for (unsigned k = KIND_IM; k < KIND_END; k++)
		for (unsigned s = PACKET_SCHEDULED; s < PACKET_NSTATES; s++)
			for (unsigned ev = 0; ev < EV_NEVENTS; ev++) {
				struct packets ps = { 0 };
				struct packet *p = row_of(f, 20 * k + s, &ps);
				enum packet_state to =
				    packet_next(p->state, (enum packet_event)ev);
				enum res res = ev == EV_EDIT ?
				    f->ops->edit(f->store, p, NOON, "edited") :
				    f->ops->move(f->store, p, (enum packet_event)ev, NOON, "x");

				assert_int_equal(
				    res, to != PACKET_ILLEGAL ? RES_OK : RES_INVALID);
				if (to != PACKET_ILLEGAL)
					assert_int_equal(tallied(f, (enum packet_kind)k, to),
					    to == (enum packet_state)s ? 1 : 2);
				assert_int_equal(all_tallied(f), 30);
				assert_tally(f);
				/* A second step of the same copy finds the row gone on. */
				if (res == RES_OK && to != (enum packet_state)s) {
					p->state = (enum packet_state)s;
					(void)f->ops->move(f->store, p, (enum packet_event)ev,
					    NOON, "x");
					assert_tally(f);
				}
				f->ops->rollback(f->store);
				assert_tally(f);
				packets_free(&ps);
			}
}

static void
test_claim_recover_erase_and_purge_move_it(void **state)
{
	struct fixture *f = *state;
	struct packets ps = { 0 };
	int64_t n;

	put_each(f);
	assert_int_equal(f->ops->claim(f->store, true, NOON, 1, &ps), RES_OK);
	assert_int_equal(tallied(f, KIND_SMS, PACKET_QUEUED), 2);
	assert_tally(f);
	assert_int_equal(f->ops->claim(f->store, true, NOON, 9, &ps), RES_OK);
	assert_int_equal(f->ops->claim(f->store, false, NOON, 9, &ps), RES_OK);
	assert_int_equal(ps.n, 3);
	assert_int_equal(tallied(f, KIND_IM, PACKET_SCHEDULED), 0);
	assert_tally(f);
	assert_int_equal(f->ops->recover(f->store, NOON, &n), RES_OK);
	assert_int_equal(n, 7);
	assert_int_equal(tallied(f, KIND_IM, PACKET_SCHEDULED), 3);
	assert_int_equal(tallied(f, KIND_IM, PACKET_INFLIGHT), 0);
	assert_int_equal(tallied(f, KIND_SMS, PACKET_SCHEDULED), 2);
	/* Paid attempts are nobody's to take up again. */
	assert_int_equal(tallied(f, KIND_SMS, PACKET_INFLIGHT), 1);
	assert_tally(f);
	assert_int_equal(f->ops->erase(f->store, sample(47).id), RES_OK);
	assert_int_equal(f->ops->erase(f->store, sample(47).id), RES_NOTFOUND);
	assert_int_equal(f->ops->erase(f->store, sample(41).id), RES_NOTFOUND);
	assert_int_equal(tallied(f, KIND_SMS, PACKET_FAILED), 0);
	assert_tally(f);
	assert_int_equal(f->ops->purge(f->store, NOON + 1, 0, 5, &n), RES_OK);
	assert_int_equal(n, 5);
	assert_int_equal(all_tallied(f), 24);
	assert_tally(f);
	assert_int_equal(f->ops->purge(f->store, NOON + 1, 0, 99, &n), RES_OK);
	assert_int_equal(n, 12);
	assert_int_equal(all_tallied(f), 12);
	assert_tally(f);
	commit(f);
	assert_tally(f);
	store_reopen(f);
	assert_tally(f);
	packets_free(&ps);
}

static void
test_what_a_turn_wrote_is_counted_until_it_is_forgotten(void **state)
{
	struct fixture *f = *state;
	struct packet a = sample(1), b = sample(2);

	put(f, &a);
	commit(f);
	put(f, &b);
	assert_int_equal(f->ops->move(f->store, &a, EV_CANCEL, NOON, NULL), RES_OK);
	assert_int_equal(tallied(f, KIND_IM, PACKET_SCHEDULED), 1);
	assert_int_equal(tallied(f, KIND_IM, PACKET_CANCELLED), 1);
	f->ops->rollback(f->store);
	assert_int_equal(tallied(f, KIND_IM, PACKET_SCHEDULED), 1);
	assert_int_equal(tallied(f, KIND_IM, PACKET_CANCELLED), 0);
	assert_tally(f);
	/* A second one, and one of a turn that wrote nothing, give nothing back. */
	f->ops->rollback(f->store);
	assert_tally(f);
	put(f, &b);
	commit(f);
	f->ops->rollback(f->store);
	assert_int_equal(tallied(f, KIND_IM, PACKET_SCHEDULED), 2);
	assert_tally(f);
}

/* Somebody else has the file: what was counted before stays counted. */
static void
test_a_turn_that_cannot_begin_gives_nothing_back(void **state)
{
	struct fixture *f = *state;
	struct packet a = sample(1), b = sample(2);
	sqlite3 *other = NULL;

	put(f, &a);
	commit(f);
	for (int opening = 0; opening < 2; opening++) {
		assert_int_equal(sqlite3_open(f->path, &other), SQLITE_OK);
		assert_int_equal(
		    sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
		assert_int_equal(f->ops->put(f->store, &b, 1, "scheduled"), RES_TEMPFAIL);
		f->ops->rollback(f->store);
		assert_int_equal(sqlite3_close(other), SQLITE_OK);
		assert_int_equal(tallied(f, KIND_IM, PACKET_SCHEDULED), 1);
		assert_tally(f);
		store_reopen(f);
	}
}

static void
test_a_batch_that_is_refused_counts_nothing(void **state)
{
	struct fixture *f = *state;
	struct packet v[3] = { sample(1), sample(2), sample(3) };

	put(f, &v[2]);
	assert_int_equal(f->ops->put(f->store, v, 3, "scheduled"), RES_INVALID);
	assert_int_equal(all_tallied(f), 1);
	assert_tally(f);
	assert_int_equal(f->ops->put(f->store, v, 2, "scheduled"), RES_OK);
	assert_int_equal(all_tallied(f), 3);
	assert_tally(f);
	assert_int_equal(f->ops->put(f->store, v, 0, "scheduled"), RES_OK);
	commit(f);
	assert_tally(f);
}

/* -- Damage ------------------------------------------------------------------------------------ */

/* The number of the packet in `sql` ('%s'), by an operator's hand, while nobody has it open. */
static void
damage(struct fixture *f, unsigned i, const char *change)
{
	char sql[160];

	sqlite_store_close(&f->store);
	snprintf(sql, sizeof(sql), "UPDATE packet SET %s WHERE id = '%s'", change, sample(i).id);
	by_hand(f, sql);
	store_reopen(f);
	assert_tally(f);
}

static void
look_at_all(struct fixture *f)
{
	struct packets ps = { 0 };
	static const enum store_find finds[] = { FIND_HELD_EXPIRED, FIND_HELD_RETRY,
		FIND_HELD_RETRY_PAID, FIND_ATTEMPTED };

	for (size_t i = 0; i < sizeof(finds) / sizeof(finds[0]); i++)
		assert_int_equal(
		    f->ops->find(f->store, finds[i], NULL, NOON + 2 * DAY_MS, 99, &ps), RES_OK);
	assert_int_equal(f->ops->find(f->store, FIND_WAITING, ME, 0, 99, &ps), RES_OK);
	assert_int_equal(f->ops->find(f->store, FIND_FINISHED, ME, 0, 99, &ps), RES_OK);
	assert_int_equal(f->ops->find(f->store, FIND_HELD, YOU, 0, 99, &ps), RES_OK);
	assert_int_equal(f->ops->find(f->store, FIND_TROUBLE, "office", NOON, 99, &ps), RES_OK);
	for (int paid = 0; paid < 2; paid++)
		assert_int_equal(f->ops->claim(f->store, paid != 0, NOON, 99, &ps), RES_OK);
	packets_free(&ps);
}

static void
test_rows_that_are_set_aside_are_counted_as_what_they_become(void **state)
{
	static const char *const changes[] = { "offline = 9", "kind = 9", "kind = 1 << 32 | 1",
		"state = 11", "state = 1 << 32 | 1", "sender = ''", "recipient = ''" };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		put_each(f);
		for (unsigned k = KIND_IM; k < KIND_END; k++)
			for (unsigned s = PACKET_SCHEDULED; s < PACKET_NSTATES; s++)
				damage(f, 20 * k + s, changes[i]);
		look_at_all(f);
		assert_tally(f);
		if (i == 0) {
			assert_int_equal(tallied(f, KIND_IM, PACKET_FAILED), 3);
			assert_int_equal(tallied(f, KIND_SMS, PACKET_FAILED), 3);
			assert_int_equal(tallied(f, KIND_SMS, PACKET_UNCERTAIN), 2);
			/* In our hands, which a start takes up again and then meets. */
			assert_int_equal(tallied(f, KIND_SMS, PACKET_QUEUED), 1);
		}
		f->ops->rollback(f->store);
		assert_tally(f);
		look_at_all(f);
		commit(f);
		assert_tally(f);
		store_reopen(f);
		assert_tally(f);
		sqlite_store_close(&f->store);
		by_hand(f, "DELETE FROM packet");
		store_reopen(f);
	}
}

static void
test_no_number_is_below_zero(void **state)
{
	struct fixture *f = *state;
	struct tally t;
	int64_t n;

	put_each(f);
	/* While we have it open: we cannot know. */
	by_hand(f, "UPDATE packet SET state = 5 WHERE kind = 1");
	assert_int_equal(f->ops->purge(f->store, NOON + 1, 0, 99, &n), RES_OK);
	commit(f);
	assert_int_equal(f->ops->tally(f->store, &t), RES_OK);
	for (size_t k = 0; k < KIND_END; k++)
		for (size_t s = 0; s < PACKET_NSTATES; s++)
			assert_true(t.n[k][s] >= 0);
	store_reopen(f);
	assert_tally(f);
}

/* -- At random --------------------------------------------------------------------------------- */

#define NIDS 40

static unsigned
random_below(uint64_t *seed, unsigned n)
{
	/* Knuth's MMIX. */
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(*seed >> 33) % n;
}

static void
put_some(struct fixture *f, uint64_t *seed)
{
	struct packet v[4];
	unsigned n = 1 + random_below(seed, 4);

	for (unsigned i = 0; i < n; i++) {
		v[i] = sample(random_below(seed, NIDS));
		v[i].kind = (enum packet_kind)(KIND_IM + (int)random_below(seed, KIND_END - 1));
		v[i].next_at = NOON + random_below(seed, 3);
		v[i].gateway = random_below(seed, 2) ? "office" : NULL;
	}
	(void)f->ops->put(f->store, v, n, "scheduled");
}

/* A step of a copy that may be old, as after an edit or a cancel. */
static void
step(struct fixture *f, uint64_t *seed)
{
	struct packets ps = { 0 };
	enum packet_event ev = (enum packet_event)random_below(seed, EV_NEVENTS);

	if (f->ops->get(f->store, sample(random_below(seed, NIDS)).id, &ps) == RES_OK) {
		ps.v[0].finished_at = NOON + random_below(seed, 3);
		if (random_below(seed, 8) == 0)
			ps.v[0].state =
			    (enum packet_state)(1 + (int)random_below(seed, PACKET_NSTATES - 1));
		if (random_below(seed, 8) == 0)
			ps.v[0].revision++;
		if (ev == EV_EDIT)
			(void)f->ops->edit(f->store, &ps.v[0], NOON, "edited");
		else
			(void)f->ops->move(f->store, &ps.v[0], ev, NOON, "moved");
	}
	packets_free(&ps);
}

static void
damage_one(struct fixture *f, uint64_t *seed)
{
	static const char *const changes[] = { "offline = 9", "kind = 9", "attempts = -1" };

	commit(f);
	damage(f, random_below(seed, NIDS), changes[random_below(seed, 3)]);
}

static void
act(struct fixture *f, uint64_t *seed)
{
	struct packets ps = { 0 };
	int64_t n;

	switch (random_below(seed, 20)) {
	case 0:
		(void)f->ops->claim(f->store, random_below(seed, 2) != 0,
		    NOON + random_below(seed, 3), random_below(seed, 5), &ps);
		break;
	case 1:
		(void)f->ops->recover(f->store, NOON, &n);
		break;
	case 2:
		(void)f->ops->erase(f->store, sample(random_below(seed, NIDS)).id);
		break;
	case 3:
		(void)f->ops->purge(f->store, NOON + random_below(seed, 3), 0,
		    random_below(seed, 3), &n);
		break;
	case 4:
		look_at_all(f);
		break;
	case 5:
		f->ops->rollback(f->store);
		break;
	case 6:
	case 7:
		commit(f);
		break;
	case 8:
		if (random_below(seed, 10) == 0)
			damage_one(f, seed);
		else if (random_below(seed, 10) == 0)
			store_reopen(f);
		break;
	case 9:
	case 10:
	case 11:
		put_some(f, seed);
		break;
	default:
		step(f, seed);
	}
	packets_free(&ps);
}

static void
test_whatever_is_done_it_is_what_is_counted(void **state)
{
	struct fixture *f = *state;
	uint64_t seed = 20261225;
	int64_t most = 0;

	sqlite3_exec(((struct db *)f->store)->handle, "PRAGMA synchronous = OFF", NULL, NULL, NULL);
	for (int i = 0; i < 8000; i++) {
		act(f, &seed);
		assert_tally(f);
		if (all_tallied(f) > most)
			most = all_tallied(f);
	}
	assert_true(most > NIDS / 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_an_empty_store_counts_nothing),
		TEST(test_every_kind_and_state_is_counted_by_itself_and_once),
		TEST(test_every_step_of_a_life_moves_it),
		TEST(test_claim_recover_erase_and_purge_move_it),
		TEST(test_what_a_turn_wrote_is_counted_until_it_is_forgotten),
		TEST(test_a_turn_that_cannot_begin_gives_nothing_back),
		TEST(test_a_batch_that_is_refused_counts_nothing),
		TEST(test_rows_that_are_set_aside_are_counted_as_what_they_become),
		TEST(test_no_number_is_below_zero),
		TEST(test_whatever_is_done_it_is_what_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
