/* The send queue: packets in memory, ordered by the instant at which they leave. */
#ifndef LATERD_SERVICE_QUEUE_H
#define LATERD_SERVICE_QUEUE_H

#include "core/packet.h"

/* A packet with strings and body of its own, in one allocation; its gateway_ref is left out. */
struct queued {
	struct packet p;
	uint64_t order; /* of the first push; 0: not yet */
	char mem[];
};

struct queued *queued_new(const struct packet *p);
void queued_free(struct queued **q);

/*
 * A heap by (next_at, due_at, created_at, order of the first push): what leaves in one second leaves
 * as it was written.  {0} is empty.
 */
struct queue {
	struct queued **v;
	size_t n, cap;
	uint64_t pushed;
};

/* Takes q.  RES_NOMEM leaves it with the caller. */
enum res queue_push(struct queue *qu, struct queued *q);
/* The first to leave, borrowed; NULL when empty. */
struct queued *queue_peek(const struct queue *qu);
/* The first to leave, the caller's; NULL when empty. */
struct queued *queue_pop(struct queue *qu);
/* Frees all that wait, and the heap. */
void queue_clear(struct queue *qu);

#endif
