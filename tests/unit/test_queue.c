#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "service/queue.h"

static struct queued *
make(int64_t next_at, int64_t due_at, const char *id)
{
	struct packet p = { .sender = "juliet@example.org", .recipient = "romeo@example.net", .next_at = next_at, .due_at = due_at };
	struct queued *q;

	strcpy(p.id, id);
	q = queued_new(&p);
	assert_non_null(q);
	return q;
}

static void
push(struct queue *qu, int64_t next_at, int64_t due_at, const char *id)
{
	assert_int_equal(queue_push(qu, make(next_at, due_at, id)), RES_OK);
}

static void
pop(struct queue *qu, const char *id)
{
	struct queued *peeked = queue_peek(qu), *q = queue_pop(qu);

	assert_ptr_equal(peeked, q);
	assert_string_equal(q->p.id, id);
	queued_free(&q);
	assert_null(q);
}

static void
test_queued_packet_has_strings_and_body_of_its_own(void **state)
{
	char sender[] = "juliet@example.org", recipient[] = "romeo@example.net", body[] = { 'a', '\0', 'b' };
	struct packet p = { .id = "ABCDEF", .sender = sender, .recipient = recipient, .sealed = { body, 3 }, .attempts = 7 };
	struct queued *q = queued_new(&p);

	(void)state;
	assert_non_null(q);
	memset(sender, 'x', sizeof(sender) - 1);
	memset(recipient, 'x', sizeof(recipient) - 1);
	memset(body, 'x', sizeof(body));
	assert_string_equal(q->p.sender, "juliet@example.org");
	assert_string_equal(q->p.recipient, "romeo@example.net");
	assert_string_equal(q->p.id, "ABCDEF");
	assert_int_equal(q->p.attempts, 7);
	assert_int_equal(q->p.sealed.len, 3);
	assert_memory_equal(q->p.sealed.p, "a\0b", 3);
	queued_free(&q);
}

static void
test_body_may_be_absent(void **state)
{
	struct queued *q = make(1, 1, "A");

	(void)state;
	assert_int_equal(q->p.sealed.len, 0);
	queued_free(&q);
	queued_free(&q);
}

static void
test_empty_queue_gives_nothing(void **state)
{
	struct queue qu = { 0 };

	(void)state;
	assert_null(queue_peek(&qu));
	assert_null(queue_pop(&qu));
	queue_clear(&qu);
	push(&qu, 1, 1, "A");
	pop(&qu, "A");
	assert_null(queue_peek(&qu));
	assert_null(queue_pop(&qu));
	queue_clear(&qu);
}

static void
test_order_is_by_next_then_due_then_age_then_as_pushed(void **state)
{
	struct queue qu = { 0 };
	struct queued *older;

	(void)state;
	push(&qu, 2, 1, "E");
	push(&qu, 1, 9, "C");
	push(&qu, 1, 2, "A");
	push(&qu, 1, 2, "B");
	push(&qu, INT64_MAX, 0, "F");
	push(&qu, 1, 9, "D");
	push(&qu, INT64_MIN, 0, "0");
	older = make(1, 2, "Z");
	older->p.created_at = -1;
	assert_int_equal(queue_push(&qu, older), RES_OK);
	for (const char *id = "0\0Z\0A\0B\0C\0D\0E\0F\0"; *id != '\0'; id += 2)
		pop(&qu, id);
	queue_clear(&qu);
}

static void
test_any_order_of_pushes_and_pops_comes_out_sorted(void **state)
{
	uint64_t x = 88172645463325252;
	struct queue qu = { 0 };
	int64_t last;

	(void)state;
	for (int round = 0; round < 200; round++) {
		for (int i = 0; i < round; i++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			push(&qu, (int64_t)(x % 50), (int64_t)(x >> 32 & 3), (const char[2]){ (char)('A' + x % 7), '\0' });
		}
		last = INT64_MIN;
		for (int i = 0; i < round / 2 || (round % 10 == 0 && qu.n > 0); i++) {
			struct queued *q = queue_pop(&qu);

			assert_non_null(q);
			assert_true(q->p.next_at >= last);
			last = q->p.next_at;
			queued_free(&q);
		}
	}
	queue_clear(&qu);
	assert_int_equal(qu.n, 0);
}

static void
test_cleared_queue_can_be_used_again(void **state)
{
	struct queue qu = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		push(&qu, i, i, "A");
	queue_clear(&qu);
	assert_null(queue_peek(&qu));
	push(&qu, 1, 1, "B");
	pop(&qu, "B");
	queue_clear(&qu);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queued_packet_has_strings_and_body_of_its_own),
		cmocka_unit_test(test_body_may_be_absent),
		cmocka_unit_test(test_empty_queue_gives_nothing),
		cmocka_unit_test(test_order_is_by_next_then_due_then_age_then_as_pushed),
		cmocka_unit_test(test_any_order_of_pushes_and_pops_comes_out_sorted),
		cmocka_unit_test(test_cleared_queue_can_be_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
