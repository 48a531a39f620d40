#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/packet.h"

#define S PACKET_SCHEDULED
#define Q PACKET_QUEUED
#define H PACKET_HELD
#define I PACKET_INFLIGHT
#define T PACKET_SENT
#define D PACKET_DELIVERED
#define F PACKET_FAILED
#define X PACKET_EXPIRED
#define C PACKET_CANCELLED
#define U PACKET_UNCERTAIN

/* A second writing of the life of a packet, by columns: every pair that is not here is illegal. */
static const struct step {
	enum packet_event ev;
	enum packet_state from, to;
} steps[] = {
	{ EV_DUE, S, Q },
	{ EV_HOLD, Q, H },
	{ EV_HOLD, I, H },
	{ EV_HOLD, T, H },
	{ EV_RELEASE, H, Q },
	{ EV_SEND, Q, I },
	{ EV_ACCEPTED, I, T },
	{ EV_ACCEPTED, S, T },
	{ EV_ACCEPTED, Q, T },
	{ EV_ACCEPTED, H, T },
	{ EV_ACCEPTED, U, T },
	{ EV_RECEIPT, I, D },
	{ EV_RECEIPT, T, D },
	{ EV_RECEIPT, S, D },
	{ EV_RECEIPT, Q, D },
	{ EV_RECEIPT, H, D },
	{ EV_RECEIPT, U, D },
	{ EV_BROKEN, I, Q },
	{ EV_RECOVER, Q, S },
	{ EV_RECOVER, I, S },
	{ EV_UNKNOWN, I, U },
	{ EV_UNKNOWN, Q, U },
	{ EV_UNKNOWN, H, U },
	{ EV_UNTAKEN, I, Q },
	{ EV_RETRY, U, S },
	{ EV_RETRY, F, S },
	{ EV_FAIL, S, F },
	{ EV_FAIL, Q, F },
	{ EV_FAIL, H, F },
	{ EV_FAIL, I, F },
	{ EV_FAIL, T, F },
	{ EV_FAIL, U, F },
	{ EV_EXPIRE, S, X },
	{ EV_EXPIRE, Q, X },
	{ EV_EXPIRE, H, X },
	{ EV_CANCEL, S, C },
	{ EV_CANCEL, Q, C },
	{ EV_CANCEL, H, C },
	{ EV_CANCEL, U, C },
	{ EV_EDIT, S, S },
	{ EV_EDIT, Q, S },
	{ EV_EDIT, H, S },
};

static enum packet_state
want(enum packet_state s, enum packet_event ev)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (steps[i].from == s && steps[i].ev == ev)
			return steps[i].to;
	return PACKET_ILLEGAL;
}

static void
test_every_state_and_event_goes_where_the_life_says(void **state)
{
	(void)state;
	for (int s = 0; s < PACKET_NSTATES; s++)
		for (int ev = 0; ev < EV_NEVENTS; ev++)
			assert_int_equal(packet_next((enum packet_state)s, (enum packet_event)ev),
			    want((enum packet_state)s, (enum packet_event)ev));
}

/* Whatever order reports come in, they lead forward only. */
static void
test_a_report_reaches_every_packet_that_may_have_left(void **state)
{
	static const enum packet_event reports[] = { EV_ACCEPTED, EV_RECEIPT, EV_FAIL };
	static const enum packet_state froms[] = { S, Q, H, I, U };

	(void)state;
	for (size_t i = 0; i < sizeof(froms) / sizeof(froms[0]); i++)
		for (size_t k = 0; k < 3; k++)
			assert_int_not_equal(packet_next(froms[i], reports[k]), PACKET_ILLEGAL);
	assert_int_equal(packet_next(T, EV_ACCEPTED), PACKET_ILLEGAL);
	for (int s = 0; s < PACKET_NSTATES; s++)
		for (size_t k = 0; k < 3; k++) {
			enum packet_state to = packet_next((enum packet_state)s, reports[k]);
			assert_true(to == PACKET_ILLEGAL || to == T || to == D || to == F);
		}
}

/* Only a person, or an answer that says so, lets an attempt without an outcome be made again. */
static void
test_an_uncertain_packet_is_sent_again_by_a_person_only(void **state)
{
	(void)state;
	for (int ev = 0; ev < EV_NEVENTS; ev++) {
		enum packet_state to = packet_next(U, (enum packet_event)ev);
		if (ev == EV_RETRY)
			assert_int_equal(to, S);
		else
			assert_false(to == S || to == Q || to == H || to == I);
	}
}

/* What was sent, or what its sender took back, would come twice or against their will. */
static void
test_a_retry_begins_anew_what_has_failed_or_is_uncertain_alone(void **state)
{
	(void)state;
	for (int s = 0; s < PACKET_NSTATES; s++)
		assert_int_equal(packet_next((enum packet_state)s, EV_RETRY),
		    s == F || s == U ? S : PACKET_ILLEGAL);
}

static void
test_nothing_but_a_retry_leads_out_of_a_failure(void **state)
{
	(void)state;
	for (int ev = 0; ev < EV_NEVENTS; ev++)
		if (ev != EV_RETRY)
			assert_int_equal(packet_next(F, (enum packet_event)ev), PACKET_ILLEGAL);
}

/* What may have left is written anew by nobody: another text would come after the first. */
static void
test_only_what_waits_in_our_hands_is_edited(void **state)
{
	(void)state;
	for (int s = 0; s < PACKET_NSTATES; s++)
		assert_int_equal(packet_next((enum packet_state)s, EV_EDIT),
		    s == S || s == Q || s == H ? S : PACKET_ILLEGAL);
}

static void
test_every_final_state_is_final(void **state)
{
	static const bool final[PACKET_NSTATES] = {
		[PACKET_ILLEGAL] = true, [D] = true, [F] = true, [X] = true, [C] = true
	};

	(void)state;
	for (int s = 0; s < PACKET_NSTATES; s++)
		assert_int_equal(packet_is_final((enum packet_state)s), final[s]);
}

static void
test_waiting_is_what_has_not_been_sent_nor_ended(void **state)
{
	static const bool waiting[PACKET_NSTATES] = {
		[S] = true, [Q] = true, [H] = true, [I] = true, [U] = true
	};

	(void)state;
	for (int s = 0; s < PACKET_NSTATES; s++)
		assert_int_equal(packet_is_waiting((enum packet_state)s), waiting[s]);
}

static void
test_numbers_from_a_damaged_row_are_no_states(void **state)
{
	static const int bad[] = { -1, PACKET_NSTATES, EV_NEVENTS, INT32_MIN, INT32_MAX };

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(packet_next((enum packet_state)bad[i], EV_DUE), PACKET_ILLEGAL);
		if (bad[i] < 0 || bad[i] >= EV_NEVENTS)
			assert_int_equal(packet_next(S, (enum packet_event)bad[i]), PACKET_ILLEGAL);
		assert_false(packet_is_waiting((enum packet_state)bad[i]));
		assert_string_equal(packet_state_name((enum packet_state)bad[i]), "unknown");
		assert_string_equal(packet_kind_name((enum packet_kind)bad[i]), "unknown");
	}
}

static void
test_names_are_words(void **state)
{
	(void)state;
	assert_string_equal(packet_state_name(I), "in flight");
	assert_string_equal(packet_state_name(S), "scheduled");
	assert_string_equal(packet_kind_name(KIND_IM), "im");
	assert_string_equal(packet_kind_name(KIND_SMS), "sms");
	assert_string_equal(packet_kind_name(KIND_MMS), "mms");
	assert_false(packet_kind_is_paid(KIND_IM));
	assert_true(packet_kind_is_paid(KIND_SMS) && packet_kind_is_paid(KIND_MMS));
	assert_false(packet_kind_is_paid(KIND_END));
	for (int a = 0; a < PACKET_NSTATES; a++)
		for (int b = 0; b < a; b++)
			assert_string_not_equal(packet_state_name((enum packet_state)a),
			    packet_state_name((enum packet_state)b));
}

static void
test_ids_have_no_letter_that_is_misread(void **state)
{
	char id[PACKET_ID_LEN + 1], back[PACKET_ID_LEN + 1];
	uint8_t random[PACKET_ID_LEN];
	size_t seen[256] = { 0 };

	(void)state;
	for (int i = 0; i < 256; i++) {
		memset(random, i, sizeof(random));
		random[2] = (uint8_t)(i + 1);
		packet_id_make(id, random);
		assert_int_equal(strlen(id), PACKET_ID_LEN);
		assert_null(strpbrk(id, "ILOUabcdefghijklmnopqrstuvwxyz"));
		seen[(unsigned char)id[0]]++;
		assert_int_equal(packet_id_parse(back, span_of(id)), RES_OK);
		assert_string_equal(back, id);
	}
	for (const char *p = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; *p != '\0'; p++)
		assert_int_equal(seen[(unsigned char)*p], 8);
}

static void
test_an_id_is_read_as_people_type_it(void **state)
{
	char id[PACKET_ID_LEN + 1];

	(void)state;
	assert_int_equal(packet_id_parse(id, SPAN(" 7k3qol\n")), RES_OK);
	assert_string_equal(id, "7K3Q01");
	assert_int_equal(packet_id_parse(id, SPAN("IiLlOo")), RES_OK);
	assert_string_equal(id, "111100");
}

static void
test_what_cannot_be_an_id_is_refused_and_leaves_the_old_one(void **state)
{
	static const char *const bad[] = { "", "7K3Q1", "7K3Q123", "7K3Q1U", "7K 3Q1", "7K3Q1-",
		"7K3Q1\xc3", "'; -- " };
	char id[PACKET_ID_LEN + 1] = "AAAAAA";

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(packet_id_parse(id, span_of(bad[i])), RES_INVALID);
	assert_int_equal(packet_id_parse(id, (struct span){ "7K3Q1\0", 6 }), RES_INVALID);
	assert_int_equal(packet_id_parse(id, (struct span){ NULL, 0 }), RES_INVALID);
	assert_string_equal(id, "AAAAAA");
}

static void
test_a_list_of_packets_grows_and_its_new_ones_are_zeroed(void **state)
{
	struct packets ps = { .n = 0 };

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct packet *p = packets_add(&ps);
		assert_non_null(p);
		assert_null(p->sender);
		assert_int_equal(p->due_at, 0);
		p->due_at = i + 1;
		p->sender = arena_text(&ps.arena, "juliet@example.org");
	}
	assert_int_equal(ps.n, 1000);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(ps.v[i].due_at, i + 1);
		assert_string_equal(ps.v[i].sender, "juliet@example.org");
	}
	packets_free(&ps);
	assert_int_equal(ps.n, 0);
	assert_null(ps.v);
}

static void
test_a_list_without_memory_stays_as_it_was(void **state)
{
	struct packets ps = { .arena = { .max = 16 * sizeof(struct packet) } };

	(void)state;
	while (packets_add(&ps) != NULL)
		assert_true(ps.n < 100);
	assert_int_equal(ps.n, 8);
	assert_true(ps.arena.failed);
	packets_free(&ps);
}

static void
check_aad_differs(const struct packet *a, const struct packet *b)
{
	struct buf x = { .max = 0 }, y = { .max = 0 };

	assert_int_equal(packet_aad(&x, a), RES_OK);
	assert_int_equal(packet_aad(&y, b), RES_OK);
	assert_string_not_equal(buf_str(&x), buf_str(&y));
	buf_free(&x);
	buf_free(&y);
}

static void
test_headers_that_differ_anywhere_authenticate_differently(void **state)
{
	const struct packet p = {
		.id = "7K3Q01", .kind = KIND_IM, .sender = "a@b", .recipient = "c@d", .due_at = 1000
	};
	struct packet q = p;

	(void)state;
	q.kind = KIND_SMS;
	check_aad_differs(&p, &q);
	q = p;
	q.id[5] = '2';
	check_aad_differs(&p, &q);
	q = p;
	q.due_at++;
	check_aad_differs(&p, &q);
	q = p;
	q.sender = "c@d";
	q.recipient = "a@b";
	check_aad_differs(&p, &q);
	q = p;
	q.sender = "a@b 3:c@d";
	q.recipient = "";
	check_aad_differs(&p, &q);
	q = p;
	q.recipient = NULL;
	check_aad_differs(&p, &q);
}

static void
test_what_may_change_in_a_row_is_not_authenticated(void **state)
{
	const struct packet p = {
		.id = "7K3Q01", .kind = KIND_IM, .sender = "a@b", .recipient = "c@d", .due_at = 1000
	};
	struct packet q = p;
	struct buf x = { .max = 0 }, y = { .max = 0 };

	(void)state;
	q.state = PACKET_HELD;
	q.next_at = 99;
	q.attempts = 3;
	q.expires_at = 5;
	q.revision = 7;
	memcpy(q.series, "7K3Q02", sizeof(q.series));
	packet_aad(&x, &p);
	packet_aad(&y, &q);
	assert_string_equal(buf_str(&x), buf_str(&y));
	/* Bodies on disk were sealed with this very text. */
	assert_string_equal(buf_str(&x), "1 7K3Q01 1000 3:a@b 3:c@d");
	buf_free(&x);
	buf_free(&y);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_state_and_event_goes_where_the_life_says),
		cmocka_unit_test(test_a_report_reaches_every_packet_that_may_have_left),
		cmocka_unit_test(test_an_uncertain_packet_is_sent_again_by_a_person_only),
		cmocka_unit_test(test_a_retry_begins_anew_what_has_failed_or_is_uncertain_alone),
		cmocka_unit_test(test_nothing_but_a_retry_leads_out_of_a_failure),
		cmocka_unit_test(test_only_what_waits_in_our_hands_is_edited),
		cmocka_unit_test(test_every_final_state_is_final),
		cmocka_unit_test(test_waiting_is_what_has_not_been_sent_nor_ended),
		cmocka_unit_test(test_numbers_from_a_damaged_row_are_no_states),
		cmocka_unit_test(test_names_are_words),
		cmocka_unit_test(test_ids_have_no_letter_that_is_misread),
		cmocka_unit_test(test_an_id_is_read_as_people_type_it),
		cmocka_unit_test(test_what_cannot_be_an_id_is_refused_and_leaves_the_old_one),
		cmocka_unit_test(test_a_list_of_packets_grows_and_its_new_ones_are_zeroed),
		cmocka_unit_test(test_a_list_without_memory_stays_as_it_was),
		cmocka_unit_test(test_headers_that_differ_anywhere_authenticate_differently),
		cmocka_unit_test(test_what_may_change_in_a_row_is_not_authenticated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
