/*
 * What costs money and leaves through gateways: a class apart from the others, the gateways' own
 * ids, and attempts without an outcome.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "store_fixture.h"

#define PHONE "+4917012345678"

/* One packet of a kind, looked at next at `next`. */
static void
put_kind(struct fixture *f, unsigned i, enum packet_kind kind, enum packet_state s, int64_t next)
{
	struct packet p = sample(i);

	p.kind = kind;
	p.state = s;
	p.next_at = next;
	if (packet_kind_is_paid(kind))
		p.recipient = PHONE;
	put(f, &p);
}

/* One SMS that a gateway has, or had, under its own id. */
static void
put_sent(struct fixture *f, unsigned i, const char *gateway, const char *ref, int64_t sent)
{
	struct packet p = sample(i);

	p.kind = KIND_SMS;
	p.state = PACKET_SENT;
	p.gateway = gateway;
	p.gateway_ref = ref;
	p.sent_at = p.finished_at = sent;
	put(f, &p);
}

/* The number of the packet that a gateway knows by this id; -1 for none. */
static int
known_as(struct fixture *f, const char *gateway, const char *ref)
{
	struct packets ps = { 0 };
	int i = -1;
	enum res res = f->ops->get_ref(f->store, gateway, ref, &ps);

	if (res == RES_OK) {
		assert_int_equal(ps.n, 1);
		i = (int)id_number(ps.v[0].id);
	} else {
		assert_int_equal(res, RES_NOTFOUND);
		assert_int_equal(ps.n, 0);
	}
	packets_free(&ps);
	return i;
}

/* The packet as it stands on disk; its strings live in ps, which is emptied first. */
static const struct packet *
stored(struct fixture *f, unsigned i, struct packets *ps)
{
	packets_free(ps);
	assert_int_equal(f->ops->get(f->store, sample(i).id, ps), RES_OK);
	return &ps->v[0];
}

/* -- Classes ----------------------------------------------------------------------------------- */

static void
test_claim_takes_one_class_and_leaves_the_other(void **state)
{
	struct fixture *f = *state;
	struct packets ps = { 0 };

	put_kind(f, 1, KIND_IM, PACKET_SCHEDULED, NOON);
	put_kind(f, 2, KIND_MMS, PACKET_SCHEDULED, NOON + 2);
	put_kind(f, 3, KIND_SMS, PACKET_SCHEDULED, NOON + 1);
	put_kind(f, 4, KIND_IM, PACKET_SCHEDULED, NOON + 3);
	put_kind(f, 5, KIND_SMS, PACKET_SCHEDULED, NOON + 9);
	put_kind(f, 6, KIND_SMS, PACKET_HELD, NOON);
	commit(f);
	assert_int_equal(f->ops->claim(f->store, true, NOON, 9, &ps), RES_OK);
	assert_int_equal(ps.n, 0);
	assert_int_equal(f->ops->claim(f->store, true, NOON + 5, 9, &ps), RES_OK);
	assert_int_equal(ps.n, 2);
	assert_string_equal(ps.v[0].id, sample(3).id);
	assert_string_equal(ps.v[1].id, sample(2).id);
	assert_int_equal(ps.v[1].state, PACKET_QUEUED);
	assert_int_equal(state_of(f, 1), PACKET_SCHEDULED);
	assert_int_equal(f->ops->claim(f->store, true, NOON + 5, 9, &ps), RES_OK);
	assert_int_equal(ps.n, 2);
	assert_int_equal(f->ops->claim(f->store, false, NOON + 5, 1, &ps), RES_OK);
	assert_int_equal(ps.n, 3);
	assert_string_equal(ps.v[2].id, sample(1).id);
	assert_int_equal(state_of(f, 4), PACKET_SCHEDULED);
	assert_int_equal(state_of(f, 5), PACKET_SCHEDULED);
	assert_int_equal(state_of(f, 6), PACKET_HELD);
	packets_free(&ps);
}

static void
test_held_retries_are_found_by_class(void **state)
{
	struct fixture *f = *state;

	put_kind(f, 1, KIND_IM, PACKET_HELD, NOON + 1);
	put_kind(f, 2, KIND_SMS, PACKET_HELD, NOON + 3);
	put_kind(f, 3, KIND_MMS, PACKET_HELD, NOON + 2);
	put_kind(f, 4, KIND_SMS, PACKET_SCHEDULED, NOON);
	assert_found(f, FIND_HELD_RETRY, NULL, NOON + 3, 99, "1");
	assert_found(f, FIND_HELD_RETRY, NULL, NOON, 99, "");
	assert_found(f, FIND_HELD_RETRY_PAID, NULL, NOON + 3, 99, "3 2");
	assert_found(f, FIND_HELD_RETRY_PAID, NULL, NOON + 3, 1, "3");
	assert_found(f, FIND_HELD_RETRY_PAID, NULL, NOON + 1, 99, "");
	/* Expiry knows no classes. */
	assert_found(f, FIND_HELD_EXPIRED, NULL, NEVER_MS, 99, "1 2 3");
}

static void
test_next_tells_the_classes_apart(void **state)
{
	struct fixture *f = *state;
	struct store_next next;

	put_kind(f, 1, KIND_SMS, PACKET_HELD, NOON + 1);
	put_kind(f, 2, KIND_MMS, PACKET_SCHEDULED, NOON + 2);
	put_kind(f, 3, KIND_SMS, PACKET_SCHEDULED, NOON + 3);
	assert_int_equal(f->ops->next(f->store, &next), RES_OK);
	assert_true(next.held_retry[false] == NEVER_MS);
	assert_int_equal(next.held_retry[true], NOON + 1);
	assert_true(next.scheduled[false] == NEVER_MS);
	assert_int_equal(next.scheduled[true], NOON + 2);
	assert_int_equal(next.held_expiry, NOON + DAY_MS);
	put_kind(f, 4, KIND_IM, PACKET_HELD, NOON + 4);
	put_kind(f, 5, KIND_IM, PACKET_SCHEDULED, NOON + 5);
	assert_int_equal(f->ops->next(f->store, &next), RES_OK);
	assert_int_equal(next.held_retry[false], NOON + 4);
	assert_int_equal(next.held_retry[true], NOON + 1);
	assert_int_equal(next.scheduled[false], NOON + 5);
	assert_int_equal(next.scheduled[true], NOON + 2);
}

static void
test_wake_paid_is_for_what_would_be_tried_later(void **state)
{
	struct fixture *f = *state;
	int64_t n = -1;

	put_kind(f, 1, KIND_IM, PACKET_HELD, NEVER_MS);
	put_kind(f, 2, KIND_SMS, PACKET_HELD, NOON + 100);
	put_kind(f, 3, KIND_MMS, PACKET_HELD, NEVER_MS);
	put_kind(f, 4, KIND_SMS, PACKET_HELD, NOON + 1);
	put_kind(f, 5, KIND_SMS, PACKET_SCHEDULED, NOON + 100);
	assert_int_equal(f->ops->wake_paid(f->store, NOON + 7, &n), RES_OK);
	assert_int_equal(n, 2);
	assert_found(f, FIND_HELD_RETRY_PAID, NULL, NOON + 6, 99, "4");
	assert_found(f, FIND_HELD_RETRY_PAID, NULL, NOON + 7, 99, "4 2 3");
	assert_found(f, FIND_HELD_RETRY, NULL, NEVER_MS - 1, 99, "");
	assert_int_equal(f->ops->wake_paid(f->store, NOON + 7, &n), RES_OK);
	assert_int_equal(n, 0);
	commit(f);
	store_reopen(f);
	assert_found(f, FIND_HELD_RETRY_PAID, NULL, NOON + 7, 99, "4 2 3");
}

static void
test_wake_of_everybody_is_for_all_kinds(void **state)
{
	struct fixture *f = *state;
	int64_t n = -1;

	put_kind(f, 1, KIND_IM, PACKET_HELD, NEVER_MS);
	put_kind(f, 2, KIND_SMS, PACKET_HELD, NEVER_MS);
	put_kind(f, 3, KIND_SMS, PACKET_HELD, NOON);
	assert_int_equal(f->ops->wake(f->store, NULL, OFFLINE_DROP, NOON + 7, &n), RES_OK);
	assert_int_equal(n, 0);
	assert_int_equal(f->ops->wake(f->store, NULL, OFFLINE_END, NOON + 7, &n), RES_OK);
	assert_int_equal(n, 2);
	assert_found(f, FIND_HELD_RETRY, NULL, NOON + 7, 99, "1");
	assert_found(f, FIND_HELD_RETRY_PAID, NULL, NOON + 7, 99, "3 2");
}

/* -- Ids of gateways --------------------------------------------------------------------------- */

static void
test_a_packet_is_found_by_its_gateways_id_for_it(void **state)
{
	struct fixture *f = *state;

	put_sent(f, 1, "office", "abc", NOON);
	put_sent(f, 2, "backup", "abc", NOON);
	put_sent(f, 3, "office", "ABC", NOON);
	put_sent(f, 4, "office", NULL, NOON);
	put_sent(f, 5, NULL, "abc", NOON);
	commit(f);
	store_reopen(f);
	assert_int_equal(known_as(f, "office", "abc"), 1);
	assert_int_equal(known_as(f, "backup", "abc"), 2);
	assert_int_equal(known_as(f, "office", "ABC"), 3);
	assert_int_equal(known_as(f, "office", "abcd"), -1);
	assert_int_equal(known_as(f, "office", "ab%"), -1);
	assert_int_equal(known_as(f, "office", ""), -1);
	assert_int_equal(known_as(f, "", "abc"), -1);
	assert_int_equal(known_as(f, "none", "abc"), -1);
	assert_int_equal(known_as(f, "office", NULL), -1);
	assert_int_equal(known_as(f, NULL, "abc"), -1);
}

static void
test_an_id_that_a_gateway_used_again_means_the_last_one_sent(void **state)
{
	struct fixture *f = *state;

	put_sent(f, 1, "office", "7", NOON + 5);
	put_sent(f, 2, "office", "7", NOON + 9);
	put_sent(f, 3, "office", "7", NOON + 1);
	assert_int_equal(known_as(f, "office", "7"), 2);
	put_sent(f, 4, "office", "7", NOON + 9);
	assert_int_equal(known_as(f, "office", "7"), 4);
}

static void
test_get_ref_appends(void **state)
{
	struct fixture *f = *state;
	struct packets ps = { 0 };

	put_sent(f, 1, "office", "a", NOON);
	put_sent(f, 2, "office", "b", NOON);
	assert_int_equal(f->ops->get_ref(f->store, "office", "b", &ps), RES_OK);
	assert_int_equal(f->ops->get_ref(f->store, "office", "a", &ps), RES_OK);
	assert_int_equal(ps.n, 2);
	assert_string_equal(ps.v[0].id, sample(2).id);
	assert_string_equal(ps.v[1].id, sample(1).id);
	packets_free(&ps);
}

static void
test_the_gateway_is_written_by_each_move(void **state)
{
	struct fixture *f = *state;
	struct packets ps = { 0 };
	struct packet p = sample(1);

	p.kind = KIND_SMS;
	p.state = PACKET_QUEUED;
	put(f, &p);
	assert_null(stored(f, 1, &ps)->gateway);
	assert_null(ps.v[0].gateway_ref);
	p.gateway = "office";
	assert_int_equal(f->ops->move(f->store, &p, EV_SEND, NOON, NULL), RES_OK);
	assert_string_equal(stored(f, 1, &ps)->gateway, "office");
	assert_null(ps.v[0].gateway_ref);
	assert_int_equal(f->ops->move(f->store, &p, EV_UNTAKEN, NOON, NULL), RES_OK);
	p.gateway = "backup";
	p.gateway_ref = "77";
	assert_int_equal(f->ops->move(f->store, &p, EV_ACCEPTED, NOON, NULL), RES_OK);
	assert_string_equal(stored(f, 1, &ps)->gateway, "backup");
	assert_string_equal(ps.v[0].gateway_ref, "77");
	assert_int_equal(known_as(f, "backup", "77"), 1);
	p.gateway = p.gateway_ref = NULL;
	assert_int_equal(f->ops->move(f->store, &p, EV_RECEIPT, NOON, NULL), RES_OK);
	assert_null(stored(f, 1, &ps)->gateway);
	assert_null(ps.v[0].gateway_ref);
	assert_int_equal(known_as(f, "backup", "77"), -1);
	packets_free(&ps);
}

static void
test_names_that_could_not_be_read_again_are_not_kept(void **state)
{
	static const struct {
		size_t gateway_len, ref_len;
		bool gateway_kept, ref_kept;
	} cases[] = {
		{ 64, 256, true, true },
		{ 65, 256, false, true },
		{ 64, 257, true, false },
		{ 1, 1, true, true },
		{ 0, 0, false, false },
		{ 5000, 5000, false, false },
	};
	static char gateway[5001], ref[5001];
	struct fixture *f = *state;
	struct packets ps = { 0 };

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (unsigned by_move = 0; by_move < 2; by_move++) {
			struct packet p = sample(2 * i + by_move);

			memset(gateway, 0, sizeof(gateway));
			memset(ref, 0, sizeof(ref));
			memset(gateway, 'g', cases[i].gateway_len);
			memset(ref, 'r', cases[i].ref_len);
			p.kind = KIND_SMS;
			p.state = PACKET_INFLIGHT;
			if (by_move)
				put(f, &p);
			p.gateway = gateway;
			p.gateway_ref = ref;
			if (!by_move)
				put(f, &p);
			assert_int_equal(
			    f->ops->move(f->store, &p, EV_ACCEPTED, NOON, NULL), RES_OK);
			(void)stored(f, 2 * i + by_move, &ps);
			assert_int_equal(ps.v[0].gateway != NULL, cases[i].gateway_kept);
			assert_int_equal(ps.v[0].gateway_ref != NULL, cases[i].ref_kept);
			if (cases[i].gateway_kept)
				assert_string_equal(ps.v[0].gateway, gateway);
			if (cases[i].ref_kept)
				assert_string_equal(ps.v[0].gateway_ref, ref);
		}
	packets_free(&ps);
}

/* -- Attempts and starts ----------------------------------------------------------------------- */

static void
test_attempts_without_an_outcome_are_found_oldest_first(void **state)
{
	static const int64_t sent[] = { NOON + 5, NOON + 3, NOON + 4, NOON + 3 };
	struct fixture *f = *state;

	for (unsigned i = 0; i < 4; i++) {
		struct packet p = sample(i + 1);

		p.kind = i % 2 ? KIND_MMS : KIND_SMS;
		p.state = PACKET_INFLIGHT;
		p.sent_at = sent[i];
		put(f, &p);
	}
	put_kind(f, 5, KIND_IM, PACKET_INFLIGHT, NOON);
	for (unsigned s = 1; s < PACKET_NSTATES; s++)
		if (s != PACKET_INFLIGHT)
			put_kind(f, 10 + s, KIND_SMS, (enum packet_state)s, NOON);
	assert_found(f, FIND_ATTEMPTED, NULL, 0, 99, "2 4 3 1");
	assert_found(f, FIND_ATTEMPTED, NULL, 0, 2, "2 4");
	assert_found(f, FIND_ATTEMPTED, NULL, 0, 0, "");
}

static void
test_recover_takes_up_what_cannot_cost_twice(void **state)
{
	struct fixture *f = *state;
	struct packets ps = { 0 };
	struct events history = { 0 };
	int64_t n = -1;

	/* Twenty numbers a kind, in them one a state. */
	for (unsigned k = KIND_IM; k < KIND_END; k++)
		for (unsigned s = 1; s < PACKET_NSTATES; s++)
			put_kind(f, 20 * k + s, (enum packet_kind)k, (enum packet_state)s,
			    NOON + s);
	commit(f);
	store_reopen(f);
	assert_int_equal(f->ops->recover(f->store, NOON + 9, &n), RES_OK);
	assert_int_equal(n, 4);
	for (unsigned k = KIND_IM; k < KIND_END; k++)
		for (unsigned s = 1; s < PACKET_NSTATES; s++) {
			bool taken = s == PACKET_QUEUED || (s == PACKET_INFLIGHT && k == KIND_IM);

			assert_int_equal(state_of(f, 20 * k + s), taken ? PACKET_SCHEDULED : s);
			assert_int_equal(stored(f, 20 * k + s, &ps)->next_at, NOON + s);
			assert_int_equal(ps.v[0].finished_at, 0);
		}
	assert_found(f, FIND_ATTEMPTED, NULL, 0, 99, "44 64");
	assert_int_equal(f->ops->history(f->store, sample(44).id, &history), RES_OK);
	assert_int_equal(history.n, 1);
	commit(f);
	assert_int_equal(f->ops->recover(f->store, NOON + 10, &n), RES_OK);
	assert_int_equal(n, 0);
	events_free(&history);
	packets_free(&ps);
}

static void
test_a_damaged_attempt_hides_no_other(void **state)
{
	struct fixture *f = *state;
	struct packets ps = { 0 };
	unsigned calls = 0;

	for (unsigned i = 1; i <= 20; i++)
		put_kind(f, i, KIND_SMS, PACKET_INFLIGHT, NOON);
	put_kind(f, 21, KIND_IM, PACKET_INFLIGHT, NOON);
	commit(f);
	by_hand(f, "UPDATE packet SET gateway_ref = '' WHERE n <> 20");
	while (ps.n == 0 && calls++ < 3) {
		assert_int_equal(f->ops->find(f->store, FIND_ATTEMPTED, NULL, 0, 99, &ps), RES_OK);
		commit(f);
	}
	assert_int_equal(ps.n, 1);
	assert_string_equal(ps.v[0].id, sample(20).id);
	/* Nobody knows whether they left, and they are not found again. */
	by_hand(f, "UPDATE packet SET gateway_ref = NULL");
	for (unsigned i = 1; i < 20; i++)
		assert_int_equal(state_of(f, i), PACKET_UNCERTAIN);
	assert_int_equal(state_of(f, 20), PACKET_INFLIGHT);
	assert_int_equal(state_of(f, 21), PACKET_INFLIGHT);
	packets_free(&ps);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_claim_takes_one_class_and_leaves_the_other),
		TEST(test_held_retries_are_found_by_class),
		TEST(test_next_tells_the_classes_apart),
		TEST(test_wake_paid_is_for_what_would_be_tried_later),
		TEST(test_wake_of_everybody_is_for_all_kinds),
		TEST(test_a_packet_is_found_by_its_gateways_id_for_it),
		TEST(test_an_id_that_a_gateway_used_again_means_the_last_one_sent),
		TEST(test_get_ref_appends),
		TEST(test_the_gateway_is_written_by_each_move),
		TEST(test_names_that_could_not_be_read_again_are_not_kept),
		TEST(test_attempts_without_an_outcome_are_found_oldest_first),
		TEST(test_recover_takes_up_what_cannot_cost_twice),
		TEST(test_a_damaged_attempt_hides_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
