/* What has ended: read in pages, and erased. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "store_fixture.h"

/* Pages of `max`, as "5 4|3 2|1|" with the end of the list behind the last bar. */
static void
assert_pages(struct fixture *f, const char *who, size_t max, const char *expected)
{
	struct store_place place = { 0 };
	struct buf got = { 0 };
	unsigned calls = 0;
	size_t n;

	do {
		struct packets ps = { 0 };

		assert_int_equal(f->ops->finished(f->store, who, &place, max, &ps), RES_OK);
		assert_true(ps.n <= max && calls++ < 1000);
		n = ps.n;
		for (size_t i = 0; i < n; i++)
			buf_printf(&got, "%s%u", i > 0 ? " " : "", id_number(ps.v[i].id));
		if (n > 0)
			buf_text(&got, "|");
		packets_free(&ps);
	} while (n > 0);
	assert_string_equal(buf_str(&got), expected);
	buf_free(&got);
}

static void
put_ended(struct fixture *f, unsigned i, enum packet_state s, int64_t finished)
{
	put_as(f, i, s, YOU, NOON, NOON, 0, finished);
}

static void
test_finished_packets_come_in_pages_latest_first_and_once(void **state)
{
	struct fixture *f = *state;
	struct packet p;
	unsigned s;

	/* Of each state one; then seven of one instant, which pages may part. */
	for (s = PACKET_SCHEDULED; s < PACKET_NSTATES; s++)
		put_ended(f, s, (enum packet_state)s, NOON + s);
	for (unsigned i = 20; i < 27; i++)
		put_ended(f, i, PACKET_SENT, NOON);
	put_ended(f, 30, PACKET_FAILED, 0);
	put_ended(f, 31, PACKET_FAILED, INT64_MAX);
	put_ended(f, 32, PACKET_FAILED, INT64_MIN);
	p = sample(40);
	p.sender = "other@example.org";
	p.state = PACKET_SENT;
	put(f, &p);
	commit(f);
	assert_pages(f, ME, 99, "31 9 8 7 6 5 26 25 24 23 22 21 20 30 32|");
	assert_pages(f, ME, 4, "31 9 8 7|6 5 26 25|24 23 22 21|20 30 32|");
	assert_pages(f, ME, 2, "31 9|8 7|6 5|26 25|24 23|22 21|20 30|32|");
	assert_pages(f, ME, 1, "31|9|8|7|6|5|26|25|24|23|22|21|20|30|32|");
	assert_pages(f, ME, SIZE_MAX, "31 9 8 7 6 5 26 25 24 23 22 21 20 30 32|");
	assert_pages(f, ME, 0, "");
	assert_pages(f, "nobody@example.org", 9, "");
	assert_pages(f, "other@example.org", 9, "40|");
}

static void
test_finished_appends_whole_packets(void **state)
{
	struct fixture *f = *state;
	struct store_place place = { 0 };
	struct packets ps = { 0 };
	struct packet p = sample(1);

	p.state = PACKET_CANCELLED;
	p.finished_at = NOON;
	p.revision = 3;
	number_id(p.series, 8);
	put(f, &p);
	put_ended(f, 2, PACKET_SENT, NOON - 1);
	assert_int_equal(f->ops->get(f->store, sample(2).id, &ps), RES_OK);
	assert_int_equal(f->ops->finished(f->store, ME, &place, 1, &ps), RES_OK);
	assert_int_equal(ps.n, 2);
	assert_string_equal(ps.v[1].id, p.id);
	assert_int_equal(ps.v[1].revision, 3);
	assert_string_equal(ps.v[1].series, p.series);
	assert_int_equal(ps.v[1].sealed.len, p.sealed.len);
	assert_memory_equal(ps.v[1].sealed.p, p.sealed.p, p.sealed.len);
	assert_int_equal(place.at, NOON);
	packets_free(&ps);
}

static void
test_a_page_is_behind_the_last_even_when_that_is_erased(void **state)
{
	struct fixture *f = *state;
	struct store_place place = { 0 };
	struct packets ps = { 0 };
	unsigned n = 0;

	for (unsigned i = 1; i <= 10; i++)
		put_ended(f, i, PACKET_SENT, NOON + i / 4);
	for (;; n++) {
		packets_free(&ps);
		assert_int_equal(f->ops->finished(f->store, ME, &place, 1, &ps), RES_OK);
		if (ps.n == 0)
			break;
		assert_int_equal(id_number(ps.v[0].id), 10 - n);
		assert_int_equal(f->ops->erase(f->store, ps.v[0].id), RES_OK);
		/* What ends meanwhile is before the place. */
		put_ended(f, 20 + n, PACKET_SENT, NOON + HOUR_MS);
	}
	assert_int_equal(n, 10);
	packets_free(&ps);
}

static void
test_damaged_rows_neither_end_a_list_of_pages_nor_appear_in_it(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 1; i <= 40; i++)
		put_ended(f, i, PACKET_SENT, NOON + i / 8);
	commit(f);
	by_hand(f, "UPDATE packet SET offline = 9 WHERE n NOT IN (1, 20, 21, 39)");
	assert_pages(f, ME, 3, "39 21 20|1|");
	assert_pages(f, ME, 1, "39|21|20|1|");
	assert_int_equal(((struct db *)f->store)->turn, TURN_NONE);
}

static void
test_a_page_ends_early_at_the_bound_of_its_arena(void **state)
{
	static char body[3000];
	struct fixture *f = *state;
	struct store_place place = { 0 };
	struct packets tiny = { .arena.max = 1000 };
	size_t seen = 0, n;

	for (unsigned i = 0; i < 20; i++) {
		struct packet p = sample(i);

		p.state = PACKET_SENT;
		p.sealed = (struct span){ body, sizeof(body) };
		put(f, &p);
	}
	commit(f);
	do {
		struct packets ps = { .arena.max = 30000 };

		assert_int_equal(f->ops->finished(f->store, ME, &place, 20, &ps), RES_OK);
		assert_true(ps.n <= 10);
		assert_false(ps.arena.failed);
		for (size_t i = 0; i < ps.n; i++)
			assert_int_equal(id_number(ps.v[i].id), 19 - seen - i);
		seen += n = ps.n;
		packets_free(&ps);
	} while (n > 0);
	assert_int_equal(seen, 20);
	place = (struct store_place){ 0 };
	assert_int_equal(f->ops->finished(f->store, ME, &place, 20, &tiny), RES_NOMEM);
	assert_int_equal(tiny.n, 0);
	assert_true(place.at == 0 && place.n == 0);
	packets_free(&tiny);
}

static void
test_erase_takes_what_has_ended_with_its_history(void **state)
{
	struct fixture *f = *state;

	for (unsigned s = PACKET_SCHEDULED; s < PACKET_NSTATES; s++) {
		bool ended = s >= PACKET_SENT;

		put_ended(f, s, (enum packet_state)s, NOON);
		put_ended(f, 20 + s, (enum packet_state)s, NOON);
		commit(f);
		assert_int_equal(
		    f->ops->erase(f->store, sample(s).id), ended ? RES_OK : RES_NOTFOUND);
		assert_int_equal(state_of(f, s), ended ? PACKET_ILLEGAL : s);
		assert_int_equal(history_len(f, s), !ended);
		assert_int_equal(state_of(f, 20 + s), s);
		assert_int_equal(history_len(f, 20 + s), 1);
	}
	assert_int_equal(f->ops->erase(f->store, sample(PACKET_SENT).id), RES_NOTFOUND);
	assert_int_equal(f->ops->erase(f->store, ""), RES_NOTFOUND);
	/* Charges end with their time. */
	assert_int_equal(used(f, ME, KIND_IM, TODAY).day, 20);
	commit(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_finished_packets_come_in_pages_latest_first_and_once),
		TEST(test_finished_appends_whole_packets),
		TEST(test_a_page_is_behind_the_last_even_when_that_is_erased),
		TEST(test_damaged_rows_neither_end_a_list_of_pages_nor_appear_in_it),
		TEST(test_a_page_ends_early_at_the_bound_of_its_arena),
		TEST(test_erase_takes_what_has_ended_with_its_history),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
