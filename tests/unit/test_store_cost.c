/* What calls cost, in steps of SQLite's machine: what they touch and not what is stored. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "store_fixture.h"

static struct db *
db_of(struct fixture *f)
{
	return (struct db *)f->store;
}

/* The work of the virtual machine since the last time, which had nothing to scan or to sort. */
static int64_t
work(struct fixture *f)
{
	sqlite3_stmt **stmt = db_of(f)->stmt;
	int64_t steps = 0;

	for (size_t i = 0; i < SQL_N; i++) {
		steps += sqlite3_stmt_status(stmt[i], SQLITE_STMTSTATUS_VM_STEP, 1);
		assert_int_equal(
		    sqlite3_stmt_status(stmt[i], SQLITE_STMTSTATUS_FULLSCAN_STEP, 1), 0);
		assert_int_equal(sqlite3_stmt_status(stmt[i], SQLITE_STMTSTATUS_SORT, 1), 0);
	}
	return steps;
}

/* Opening counts the packets, which costs what is stored. */
static void
reopen(struct fixture *f)
{
	store_reopen(f);
	(void)work(f);
}

/* Of one look for due, expired and retried packets. */
static int64_t
cost_of_tick(struct fixture *f)
{
	struct packets ps = { 0 };
	struct events es = { 0 };
	struct store_next next;
	int64_t steps;

	assert_int_equal(f->ops->claim(f->store, false, NOON, 100, &ps), RES_OK);
	assert_int_equal(f->ops->claim(f->store, true, NOON, 100, &ps), RES_OK);
	assert_int_equal(f->ops->find(f->store, FIND_HELD_EXPIRED, NULL, NOON, 100, &ps), RES_OK);
	assert_int_equal(f->ops->find(f->store, FIND_HELD_RETRY, NULL, NOON, 100, &ps), RES_OK);
	assert_int_equal(
	    f->ops->find(f->store, FIND_HELD_RETRY_PAID, NULL, NOON, 100, &ps), RES_OK);
	assert_int_equal(f->ops->next(f->store, &next), RES_OK);
	assert_int_equal(f->ops->contacts_waiting(f->store, "z", 100, &es), RES_OK);
	assert_int_equal(ps.n + es.n, 0);
	steps = work(f);
	assert_true(steps > 0);
	return steps;
}

static void
test_a_tick_costs_the_same_whatever_is_stored(void **state)
{
	struct fixture *f = *state;
	int64_t few;

	/* One of each state and kind at least. */
	fill(f, 30);
	reopen(f);
	few = cost_of_tick(f);
	by_hand(f, "DELETE FROM packet");
	fill(f, 20000);
	reopen(f);
	assert_int_equal(cost_of_tick(f), few);
}

/* Claim three of a class and look for three held ones of it, with so many due of the other. */
static int64_t
cost_of_class(struct fixture *f, bool paid, unsigned others)
{
	char sql[512];
	struct packets ps = { 0 };
	int64_t steps;

	by_hand(f, "DELETE FROM packet");
	fill(f, others);
	/* The others are all due, in the two states that are looked through. */
	snprintf(sql, sizeof(sql),
	    "UPDATE packet SET state = 1 + 2 * (n %% 2), kind = %d, next_at = %" PRId64,
	    paid ? 1 : 2, NOON - 1);
	by_hand(f, sql);
	for (unsigned i = 0; i < 6; i++) {
		struct packet p = sample(i + 900000);

		p.kind = paid ? KIND_SMS : KIND_IM;
		p.state = i % 2 ? PACKET_HELD : PACKET_SCHEDULED;
		put(f, &p);
	}
	commit(f);
	reopen(f);
	assert_int_equal(f->ops->claim(f->store, paid, NOON, 100, &ps), RES_OK);
	assert_int_equal(ps.n, 3);
	assert_int_equal(f->ops->find(f->store, paid ? FIND_HELD_RETRY_PAID : FIND_HELD_RETRY,
			     NULL, NOON, 100, &ps),
	    RES_OK);
	assert_int_equal(ps.n, 6);
	steps = work(f);
	f->ops->rollback(f->store);
	packets_free(&ps);
	return steps;
}

static void
test_a_class_costs_the_same_whatever_waits_of_the_other(void **state)
{
	struct fixture *f = *state;

	for (int paid = 0; paid < 2; paid++)
		assert_int_equal(cost_of_class(f, paid, 20000), cost_of_class(f, paid, 10));
}

static void
test_what_is_paused_costs_a_tick_nothing(void **state)
{
	struct fixture *f = *state;
	int64_t few;

	fill(f, 30);
	reopen(f);
	few = cost_of_tick(f);
	by_hand(f, "DELETE FROM packet");
	fill(f, 20000);
	by_hand(f, "UPDATE packet SET state = 1, next_at = 9223372036854775807 WHERE n > 30");
	reopen(f);
	assert_int_equal(cost_of_tick(f), few);
}

/* The text of a statement without one of its parts. */
static void
without(struct fixture *f, struct buf *out, enum sql which, const char *part)
{
	const char *text = sqlite3_sql(db_of(f)->stmt[which]), *at = strstr(text, part);

	assert_non_null(at);
	buf_append(out, text, (size_t)(at - text));
	buf_text(out, at + strlen(part));
}

/* The steps of the machine that a statement of our own took since the last time. */
static int64_t
steps_of(struct fixture *f, enum sql which)
{
	return sqlite3_stmt_status(db_of(f)->stmt[which], SQLITE_STMTSTATUS_VM_STEP, 1);
}

static void
test_a_revision_adds_a_few_steps_to_a_move(void **state)
{
	struct fixture *f = *state;
	struct packet p = sample(900000);
	struct buf text = { 0 };
	sqlite3_stmt *stmt = NULL;
	int64_t ours, before;

	fill(f, 1000);
	put(f, &p);
	(void)work(f);
	assert_int_equal(f->ops->move(f->store, &p, EV_DUE, NOON, NULL), RES_OK);
	ours = steps_of(f, SQL_PACKET_MOVE);
	/* The same step as it was written before there were revisions. */
	without(f, &text, SQL_PACKET_MOVE, " AND revision = $12");
	assert_int_equal(
	    sqlite3_prepare_v2(db_of(f)->handle, buf_str(&text), -1, &stmt, NULL), SQLITE_OK);
	for (int i = 1; i <= 9; i++)
		sqlite3_bind_int64(stmt, i, i <= 7 ? 1 : 0);
	sqlite3_bind_text(stmt, 10, p.id, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 11, PACKET_QUEUED);
	assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
	assert_int_equal(sqlite3_changes(db_of(f)->handle), 1);
	before = sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 1);
	assert_in_range(ours, before - 8, before + 8);
	assert_true(before > 50);
	sqlite3_finalize(stmt);
	buf_free(&text);
}

static void
test_series_and_revision_add_two_steps_to_a_claimed_packet(void **state)
{
	struct fixture *f = *state;
	struct packets ps = { 0 };
	struct buf text = { 0 };
	sqlite3_stmt *stmt = NULL;
	int64_t ours, before, rows = 0;

	fill(f, 1000);
	for (unsigned i = 0; i < 100; i++)
		put_as(f, 900000 + i, PACKET_SCHEDULED, YOU, NOON, NOON, 0, 0);
	(void)work(f);
	without(f, &text, SQL_FIND_DUE_IM, ", series, revision");
	assert_int_equal(
	    sqlite3_prepare_v2(db_of(f)->handle, buf_str(&text), -1, &stmt, NULL), SQLITE_OK);
	sqlite3_bind_int64(stmt, 1, NOON);
	sqlite3_bind_int64(stmt, 2, 100);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		rows++;
	assert_int_equal(rows, 100);
	before = sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 1);
	sqlite3_finalize(stmt);
	assert_int_equal(f->ops->claim(f->store, false, NOON, 100, &ps), RES_OK);
	assert_int_equal(ps.n, 100);
	ours = steps_of(f, SQL_FIND_DUE_IM);
	assert_in_range(ours, before, before + 2 * 100);
	packets_free(&ps);
	buf_free(&text);
}

/* One page of ten behind the n-th of so many that ended in one instant. */
static int64_t
cost_of_page(struct fixture *f, int64_t n)
{
	struct store_place place = { NOON, n };
	struct packets ps = { 0 };

	assert_int_equal(f->ops->finished(f->store, "sender", &place, 10, &ps), RES_OK);
	assert_int_equal(ps.n, 10);
	packets_free(&ps);
	return work(f);
}

static void
test_a_page_costs_the_same_wherever_it_begins(void **state)
{
	struct fixture *f = *state;
	char sql[128];

	fill(f, 20000);
	snprintf(sql, sizeof(sql),
	    "UPDATE packet SET sender = 'sender', state = 5, finished_at = %" PRId64, NOON);
	by_hand(f, sql);
	reopen(f);
	assert_int_equal(cost_of_page(f, 20000), cost_of_page(f, 1000));
	assert_int_equal(cost_of_page(f, 20000), cost_of_page(f, 11));
}

/* -- What operators may ask, and those who do not ask ------------------------------------------- */

#define BATCH 50

/* A batch is put, claimed, sent and taken by a gateway, but for one that fails: the steps of each. */
struct life_cost {
	int64_t put, claim, moves;
};

static struct life_cost
cost_of_lives(struct fixture *f)
{
	struct packet v[BATCH];
	struct packets ps = { 0 };
	struct life_cost cost;

	reopen(f);
	for (unsigned i = 0; i < BATCH; i++) {
		v[i] = sample(900000 + i);
		v[i].kind = KIND_SMS;
	}
	assert_int_equal(f->ops->put(f->store, v, BATCH, "scheduled"), RES_OK);
	cost.put = work(f);
	assert_int_equal(f->ops->claim(f->store, true, NOON, BATCH, &ps), RES_OK);
	assert_int_equal(ps.n, BATCH);
	cost.claim = work(f);
	for (unsigned i = 0; i < BATCH; i++) {
		struct packet *p = &ps.v[i];

		p->gateway = "office";
		assert_int_equal(f->ops->move(f->store, p, EV_SEND, NOON, "sent"), RES_OK);
		p->finished_at = NOON;
		assert_int_equal(f->ops->move(f->store, p,
				     i > 0 ? EV_ACCEPTED : EV_FAIL, NOON, "taken"),
		    RES_OK);
		if (i > 0)
			assert_int_equal(
			    f->ops->move(f->store, p, EV_RECEIPT, NOON, "delivered"), RES_OK);
	}
	cost.moves = work(f);
	f->ops->rollback(f->store);
	packets_free(&ps);
	return cost;
}

static void
test_what_operators_may_ask_costs_those_who_send_a_few_percent(void **state)
{
	struct fixture *f = *state;
	struct life_cost ours, before;
	int64_t charge;

	fill(f, 1000);
	ours = cost_of_lives(f);
	/* The indexes as they were before there was anything to ask; one charge is the service's. */
	by_hand(f,
	    "DROP INDEX packet_trouble; DROP INDEX packet_ended;"
	    "CREATE INDEX packet_ended ON packet (finished_at) "
	    "WHERE state IN (5, 6, 7, 8, 9, 10);");
	before = cost_of_lives(f);
	put(f, &(struct packet){ .id = "ZZZZZZ", .sender = ME, .recipient = YOU,
		    .kind = KIND_SMS, .state = PACKET_SCHEDULED, .charge_day = TODAY, .zone = "" });
	charge = steps_of(f, SQL_CHARGE_ADD) / 2;
	before.put -= charge;
	assert_true(charge > 10 && before.put > 100 * BATCH);
	assert_true(before.claim > 10 * BATCH && before.moves > 100 * BATCH);
	assert_in_range(ours.put, before.put, before.put * 104 / 100);
	assert_in_range(ours.claim, before.claim, before.claim * 104 / 100);
	assert_in_range(ours.moves, before.moves, before.moves * 106 / 100);
}

/* What is shown whenever somebody looks. */
static void
test_a_tally_costs_nothing_whatever_is_stored(void **state)
{
	struct fixture *f = *state;
	struct store_space space;
	struct tally t;
	struct buf page = { 0 };

	fill(f, 20000);
	reopen(f);
	assert_int_equal(f->ops->tally(f->store, &t), RES_OK);
	assert_int_equal(f->ops->space(f->store, &space), RES_OK);
	sqlite_store_expose(f->store, &page);
	assert_int_equal(work(f), 0);
	buf_free(&page);
}

static void
test_trouble_costs_what_is_found(void **state)
{
	struct fixture *f = *state;
	struct packets ps = { 0 };
	int64_t few = 0;

	for (unsigned many = 0; many < 2; many++) {
		by_hand(f, "DELETE FROM packet");
		fill(f, many ? 20000 : 100);
		reopen(f);
		assert_int_equal(
		    f->ops->find(f->store, FIND_TROUBLE, "office", NOON, 9, &ps), RES_OK);
		assert_int_equal(ps.n, 9 * (many + 1));
		if (many == 0)
			few = work(f);
		else
			assert_int_equal(work(f), few);
	}
	packets_free(&ps);
}

/* -- Who has written to whom ------------------------------------------------------------------- */

/* What SQLite has changed and written so far: rows, pages, and bytes of the log. */
struct written {
	int64_t rows, pages, log;
};

static struct written
written(struct fixture *f)
{
	struct written w = { .rows = sqlite3_total_changes64(db_of(f)->handle) };
	int pages = 0, high = 0;
	struct stat st;
	char path[128];

	assert_int_equal(sqlite3_db_status(db_of(f)->handle, SQLITE_DBSTATUS_CACHE_WRITE, &pages,
			     &high, 0),
	    SQLITE_OK);
	w.pages = pages;
	snprintf(path, sizeof(path), "%s-wal", f->path);
	w.log = stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
	return w;
}

static void
test_a_pair_that_was_noted_within_an_hour_costs_no_write(void **state)
{
	static const int64_t soon[] = { 0, 1, HOUR_MS / 2, HOUR_MS - 1, -1, 1 - HOUR_MS };
	struct fixture *f = *state;
	struct written before, after;
	int64_t at;

	assert_int_equal(f->ops->set_pair(f->store, ME, YOU, NOON), RES_OK);
	commit(f);
	(void)work(f);
	before = written(f);
	assert_true(before.rows > 0 && before.pages > 0 && before.log > 0);
	for (size_t i = 0; i < sizeof(soon) / sizeof(soon[0]); i++) {
		assert_int_equal(f->ops->set_pair(f->store, ME, YOU, NOON + soon[i]), RES_OK);
		/* Not even a transaction. */
		assert_int_equal(db_of(f)->turn, TURN_NONE);
		assert_true(sqlite3_get_autocommit(db_of(f)->handle));
		commit(f);
	}
	after = written(f);
	assert_memory_equal(&after, &before, sizeof(after));
	/* One look into the key each. */
	assert_in_range(work(f), 1, 20 * sizeof(soon) / sizeof(soon[0]));
	assert_int_equal(f->ops->pair(f->store, ME, YOU, &at), RES_OK);
	assert_int_equal(at, NOON);
	/* What is seen to grow when there is one. */
	assert_int_equal(f->ops->set_pair(f->store, ME, YOU, NOON + HOUR_MS), RES_OK);
	commit(f);
	after = written(f);
	assert_int_equal(after.rows, before.rows + 1);
	assert_true(after.pages > before.pages && after.log > before.log);
}

/* What a turn costs that writes anyway. */
static struct written
cost_of_a_turn(struct fixture *f, bool noted)
{
	struct written before, after;

	assert_int_equal(f->ops->set_meta(f->store, "a", "b"), RES_OK);
	commit(f);
	before = written(f);
	assert_int_equal(f->ops->set_meta(f->store, "a", "b"), RES_OK);
	if (noted)
		assert_int_equal(f->ops->set_pair(f->store, ME, YOU, NOON + 1), RES_OK);
	commit(f);
	after = written(f);
	return (struct written){ after.rows - before.rows, after.pages - before.pages,
		after.log - before.log };
}

static void
test_such_a_pair_adds_nothing_to_a_turn_that_writes(void **state)
{
	struct fixture *f = *state;
	struct written without_it, with_it;

	assert_int_equal(f->ops->set_pair(f->store, ME, YOU, NOON), RES_OK);
	without_it = cost_of_a_turn(f, false);
	with_it = cost_of_a_turn(f, true);
	assert_int_equal(without_it.rows, 1);
	assert_memory_equal(&with_it, &without_it, sizeof(with_it));
}

/* Look, note what is noted, note anew, and ask who has stopped, with so many of each stored. */
static int64_t
cost_of_pairs(struct fixture *f, unsigned stored)
{
	int64_t at;
	bool stopped;

	by_hand(f, "DELETE FROM packet");
	fill(f, stored);
	reopen(f);
	assert_int_equal(f->ops->set_pair(f->store, ME, YOU, NOON), RES_OK);
	assert_int_equal(f->ops->set_pair(f->store, ME, YOU, NOON), RES_OK);
	assert_int_equal(f->ops->set_pair(f->store, ME, YOU, NOON + DAY_MS), RES_OK);
	assert_int_equal(f->ops->pair(f->store, YOU, ME, &at), RES_OK);
	assert_int_equal(at, NOON + DAY_MS);
	assert_int_equal(f->ops->stopped(f->store, YOU, &stopped), RES_OK);
	assert_false(stopped);
	assert_int_equal(f->ops->set_stopped(f->store, YOU, NOON), RES_OK);
	assert_int_equal(f->ops->set_stopped(f->store, YOU, 0), RES_OK);
	f->ops->rollback(f->store);
	return work(f);
}

static void
test_pairs_cost_the_same_however_many_are_stored(void **state)
{
	struct fixture *f = *state;
	const int64_t few = cost_of_pairs(f, 10);

	assert_true(few > 50);
	assert_int_equal(cost_of_pairs(f, 20000), few);
}

static int64_t
cost_of_purge(struct fixture *f, unsigned stored, int64_t before, size_t max, int64_t expected)
{
	int64_t n = -1;

	by_hand(f, "DELETE FROM packet");
	fill(f, stored);
	reopen(f);
	assert_int_equal(f->ops->purge_pairs(f->store, before, max, &n), RES_OK);
	assert_int_equal(n, expected);
	f->ops->rollback(f->store);
	return work(f);
}

static void
test_a_purge_of_pairs_walks_what_it_deletes(void **state)
{
	struct fixture *f = *state;
	const int64_t none = cost_of_purge(f, 10, NOON, 99, 0);
	const int64_t five = cost_of_purge(f, 10, NOON + 6, 99, 5);

	/* Few are old, or many of which a few are to go. */
	assert_true(five > none + 50);
	assert_int_equal(cost_of_purge(f, 20000, NOON, 99, 0), none);
	assert_int_equal(cost_of_purge(f, 20000, NOON + 6, 99, 5), five);
	assert_in_range(cost_of_purge(f, 20000, INT64_MAX, 5, 5), five - 10, five + 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_tick_costs_the_same_whatever_is_stored),
		TEST(test_a_class_costs_the_same_whatever_waits_of_the_other),
		TEST(test_what_is_paused_costs_a_tick_nothing),
		TEST(test_a_revision_adds_a_few_steps_to_a_move),
		TEST(test_series_and_revision_add_two_steps_to_a_claimed_packet),
		TEST(test_a_page_costs_the_same_wherever_it_begins),
		TEST(test_what_operators_may_ask_costs_those_who_send_a_few_percent),
		TEST(test_a_tally_costs_nothing_whatever_is_stored),
		TEST(test_trouble_costs_what_is_found),
		TEST(test_a_pair_that_was_noted_within_an_hour_costs_no_write),
		TEST(test_such_a_pair_adds_nothing_to_a_turn_that_writes),
		TEST(test_pairs_cost_the_same_however_many_are_stored),
		TEST(test_a_purge_of_pairs_walks_what_it_deletes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
