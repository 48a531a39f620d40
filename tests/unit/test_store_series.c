/* Recurrences in the store. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "store_fixture.h"

static void
put_series(struct fixture *f, const struct series *se)
{
	assert_int_equal(f->ops->put_series(f->store, se), RES_OK);
}

static void
assert_series(const struct series *got, const struct series *want)
{
	assert_string_equal(got->id, want->id);
	assert_string_equal(got->sender, want->sender);
	assert_string_equal(got->recipient, want->recipient);
	assert_int_equal(got->kind, want->kind);
	assert_int_equal(got->offline, want->offline);
	assert_string_equal(got->rule.rule, want->rule.rule);
	assert_string_equal(got->zone, want->zone);
	assert_string_equal(got->start, want->start);
	assert_int_equal(got->at, want->at);
	assert_int_equal(got->expires_ms, want->expires_ms);
	assert_int_equal(got->paused, want->paused);
	assert_string_equal(got->packet, want->packet);
	assert_non_null(got->sealed.p);
	assert_int_equal(got->sealed.len, want->sealed.len);
	assert_memory_equal(got->sealed.p, want->sealed.p, want->sealed.len);
}

static void
assert_stored(struct fixture *f, const struct series *want)
{
	struct series_list ss = { 0 };

	assert_int_equal(f->ops->get_series(f->store, want->id, &ss), RES_OK);
	assert_int_equal(ss.n, 1);
	assert_series(&ss.v[0], want);
	series_free(&ss);
}

/* The numbers of the series found, as "3 1 2". */
static void
assert_series_found(
    struct fixture *f, enum series_find kind, const char *who, size_t max, const char *expected)
{
	struct series_list ss = { 0 };
	struct buf got = { 0 };

	assert_int_equal(f->ops->find_series(f->store, kind, who, max, &ss), RES_OK);
	for (size_t i = 0; i < ss.n; i++)
		buf_printf(&got, "%s%u", i > 0 ? " " : "", id_number(ss.v[i].id));
	assert_string_equal(buf_str(&got), expected);
	buf_free(&got);
	series_free(&ss);
}

/* -- Put, get, drop ---------------------------------------------------------------------------- */

static void
test_a_series_is_kept_whole_and_written_anew(void **state)
{
	static char body[70000], longest[JID_FULL_MAX + 1];
	struct fixture *f = *state;
	struct series se = sample_series(1), other = sample_series(2);

	put_series(f, &other);
	put_series(f, &se);
	commit(f);
	assert_stored(f, &se);
	/* All of it. */
	memset(longest, 'x', JID_FULL_MAX);
	memset(body, 7, sizeof(body));
	se.sender = "'; DROP TABLE series; --";
	se.recipient = longest;
	se.kind = KIND_MMS;
	se.offline = OFFLINE_DROP;
	memset(se.rule.rule, 'R', RECUR_RULE_MAX);
	memset(se.zone, 'Z', ZONE_NAME_MAX);
	snprintf(se.start, sizeof(se.start), "1970-01-01T00:00:00");
	se.at = INT64_MIN;
	se.expires_ms = INT64_MAX;
	se.paused = true;
	number_id(se.packet, 99);
	se.sealed = (struct span){ body, sizeof(body) };
	put_series(f, &se);
	commit(f);
	store_reopen(f);
	assert_stored(f, &se);
	assert_stored(f, &other);
	se.paused = false;
	se.expires_ms = 0;
	se.at = INT64_MAX;
	se.sealed = SPAN("");
	put_series(f, &se);
	assert_stored(f, &se);
	f->ops->rollback(f->store);
	se.paused = true;
	se.expires_ms = INT64_MAX;
	se.at = INT64_MIN;
	se.sealed = (struct span){ body, sizeof(body) };
	assert_stored(f, &se);
}

static void
test_every_kind_and_choice_is_kept(void **state)
{
	struct fixture *f = *state;

	for (int kind = KIND_IM; kind < KIND_END; kind++)
		for (int offline = OFFLINE_AUTO; offline < OFFLINE_END; offline++) {
			struct series se = sample_series((unsigned)(10 * kind + offline));

			se.kind = (enum packet_kind)kind;
			se.offline = (enum offline)offline;
			put_series(f, &se);
			assert_stored(f, &se);
		}
}

static void
test_get_appends_and_says_when_there_is_none(void **state)
{
	struct fixture *f = *state;
	struct series_list ss = { 0 };
	struct series a = sample_series(1), b = sample_series(2);

	put_series(f, &a);
	put_series(f, &b);
	assert_int_equal(f->ops->get_series(f->store, "ZZZZZZ", &ss), RES_NOTFOUND);
	assert_int_equal(f->ops->get_series(f->store, b.id, &ss), RES_OK);
	assert_int_equal(f->ops->get_series(f->store, a.id, &ss), RES_OK);
	assert_int_equal(f->ops->get_series(f->store, "", &ss), RES_NOTFOUND);
	assert_int_equal(ss.n, 2);
	assert_series(&ss.v[0], &b);
	assert_series(&ss.v[1], &a);
	series_free(&ss);
}

static void
test_drop_takes_one_and_bears_none(void **state)
{
	struct fixture *f = *state;
	struct series a = sample_series(1), b = sample_series(2);

	put_series(f, &a);
	put_series(f, &b);
	put_as(f, 1, PACKET_SCHEDULED, YOU, NOON, NOON, 0, 0);
	assert_int_equal(f->ops->drop_series(f->store, a.id), RES_OK);
	assert_int_equal(f->ops->drop_series(f->store, a.id), RES_OK);
	commit(f);
	assert_series_found(f, SERIES_OF, ME, 9, "2");
	assert_int_equal(state_of(f, 1), PACKET_SCHEDULED);
}

/* -- Find -------------------------------------------------------------------------------------- */

static void
test_series_of_a_sender_come_in_order_of_their_ids(void **state)
{
	static const unsigned order[] = { 5, 3, 9, 1, 7 };
	struct fixture *f = *state;
	struct series se;

	assert_series_found(f, SERIES_OF, ME, 9, "");
	for (size_t i = 0; i < 5; i++) {
		se = sample_series(order[i]);
		put_series(f, &se);
	}
	se = sample_series(4);
	se.sender = YOU;
	se.paused = true;
	put_series(f, &se);
	assert_series_found(f, SERIES_OF, ME, 9, "1 3 5 7 9");
	assert_series_found(f, SERIES_OF, ME, SIZE_MAX, "1 3 5 7 9");
	assert_series_found(f, SERIES_OF, ME, 2, "1 3");
	assert_series_found(f, SERIES_OF, ME, 0, "");
	assert_series_found(f, SERIES_OF, YOU, 9, "4");
	assert_series_found(f, SERIES_OF, "nobody@example.org", 9, "");
}

static void
test_a_series_is_stuck_when_its_occurrence_is_over(void **state)
{
	struct fixture *f = *state;
	struct series se;
	int64_t n;

	/* The number of each is the state of its packet; 20 has none. */
	for (unsigned s = PACKET_SCHEDULED; s < PACKET_NSTATES; s++) {
		put_as(f, s, (enum packet_state)s, YOU, NOON, NOON, 0, NOON);
		se = sample_series(s);
		put_series(f, &se);
		se = sample_series(30 + s);
		number_id(se.packet, s);
		se.paused = true;
		put_series(f, &se);
	}
	se = sample_series(20);
	put_series(f, &se);
	se = sample_series(21);
	se.paused = true;
	put_series(f, &se);
	assert_series_found(f, SERIES_STUCK, NULL, 99, "5 6 7 8 9 10 20");
	assert_series_found(f, SERIES_STUCK, NULL, 2, "5 6");
	assert_series_found(f, SERIES_STUCK, NULL, 0, "");
	/* Nothing of it is left after `keep_days`; it goes on all the same. */
	assert_int_equal(f->ops->purge(f->store, NOON + 1, 0, 99, &n), RES_OK);
	assert_series_found(f, SERIES_STUCK, NULL, 99, "5 6 7 8 9 10 20");
	/* What has been set going is not found again. */
	se = sample_series(5);
	number_id(se.packet, PACKET_HELD);
	put_series(f, &se);
	assert_series_found(f, SERIES_STUCK, NULL, 1, "6");
	commit(f);
}

static void
test_find_ends_early_at_the_bound_of_its_arena(void **state)
{
	static char body[3000];
	struct fixture *f = *state;
	struct series_list ss = { .arena.max = 30000 }, tiny = { .arena.max = 1000 };

	for (unsigned i = 0; i < 20; i++) {
		struct series se = sample_series(i);

		se.sealed = (struct span){ body, sizeof(body) };
		put_series(f, &se);
	}
	assert_int_equal(f->ops->find_series(f->store, SERIES_OF, ME, 20, &ss), RES_OK);
	assert_in_range(ss.n, 1, 10);
	assert_false(ss.arena.failed);
	assert_int_equal(f->ops->find_series(f->store, SERIES_OF, ME, 20, &tiny), RES_NOMEM);
	assert_int_equal(tiny.n, 0);
	series_free(&tiny);
	tiny.arena.max = 1000;
	assert_int_equal(f->ops->get_series(f->store, sample_series(1).id, &tiny), RES_NOMEM);
	assert_int_equal(tiny.n, 0);
	series_free(&tiny);
	series_free(&ss);
	commit(f);
}

/* -- Damage ------------------------------------------------------------------------------------ */

static void
test_a_row_that_cannot_be_a_series_is_left_out(void **state)
{
	static const char *const damage[] = {
		"id = ''", "id = 'abcdef'", "id = '000001X'", "id = '00000' || char(0)",
		"recipient = ''", "recipient = printf('%04000d', 0)",
		"recipient = 'a' || char(0) || 'b'", "kind = 4", "kind = 1 << 32 | 1",
		"offline = 0", "offline = 5", "offline = -1", "rule = ''", "rule = printf('%0256d', 0)",
		"rule = 'FREQ=DAILY' || char(0)", "zone = ''", "zone = printf('%064d', 0)",
		"start = ''", "start = '2026-12-25T09:00'", "start = '2026-12-25T09:00:00Z'",
		"start = '2026-12-25T09:00:0' || char(0)", "expires_ms = -1", "paused = 2",
		"paused = -1", "packet = ''", "packet = '00000'", "packet = '0000001'",
		"packet = 'abcdef'",
	};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		struct series bad = sample_series(1), good = sample_series(2);
		struct series_list ss = { 0 };
		const bool named = strncmp(damage[i], "id", 2) != 0;
		char sql[256];

		put_series(f, &bad);
		put_series(f, &good);
		commit(f);
		snprintf(
		    sql, sizeof(sql), "UPDATE series SET %s WHERE id = '%s'", damage[i], bad.id);
		by_hand(f, sql);
		assert_series_found(f, SERIES_OF, ME, 9, "2");
		assert_series_found(f, SERIES_OF, ME, 1, "2");
		assert_series_found(f, SERIES_STUCK, NULL, 1, "2");
		assert_int_equal(f->ops->get_series(f->store, bad.id, &ss),
		    named ? RES_PERMFAIL : RES_NOTFOUND);
		assert_int_equal(ss.n, 0);
		assert_int_equal(f->ops->get_series(f->store, good.id, &ss), RES_OK);
		/* It breaks no turn, and what is written anew is whole again. */
		assert_int_equal(((struct db *)f->store)->turn, TURN_NONE);
		put_series(f, &bad);
		assert_series_found(f, SERIES_OF, ME, 9, "1 2");
		commit(f);
		series_free(&ss);
		by_hand(f, "DELETE FROM series");
	}
}

static void
test_a_series_of_nobody_is_left_out(void **state)
{
	static const char *const damage[] = { "''", "printf('%04000d', 0)", "'a' || char(0)" };
	struct fixture *f = *state;
	struct series se = sample_series(1);
	struct series_list ss = { 0 };

	for (size_t i = 0; i < 3; i++) {
		char sql[96];

		put_series(f, &se);
		commit(f);
		snprintf(sql, sizeof(sql), "UPDATE series SET sender = %s", damage[i]);
		by_hand(f, sql);
		assert_series_found(f, SERIES_STUCK, NULL, 9, "");
		assert_int_equal(f->ops->get_series(f->store, se.id, &ss), RES_PERMFAIL);
	}
	series_free(&ss);
}

static void
test_many_damaged_series_hide_no_good_one(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 60; i++) {
		struct series se = sample_series(i);

		put_series(f, &se);
	}
	commit(f);
	by_hand(f, "UPDATE series SET kind = 9 WHERE id NOT IN ('000005', '00001V')");
	assert_series_found(f, SERIES_OF, ME, 2, "5 59");
	assert_series_found(f, SERIES_STUCK, NULL, 2, "5 59");
	assert_series_found(f, SERIES_STUCK, NULL, 1, "5");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_series_is_kept_whole_and_written_anew),
		TEST(test_every_kind_and_choice_is_kept),
		TEST(test_get_appends_and_says_when_there_is_none),
		TEST(test_drop_takes_one_and_bears_none),
		TEST(test_series_of_a_sender_come_in_order_of_their_ids),
		TEST(test_a_series_is_stuck_when_its_occurrence_is_over),
		TEST(test_find_ends_early_at_the_bound_of_its_arena),
		TEST(test_a_row_that_cannot_be_a_series_is_left_out),
		TEST(test_a_series_of_nobody_is_left_out),
		TEST(test_many_damaged_series_hide_no_good_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
