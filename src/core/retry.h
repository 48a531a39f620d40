/* Backoff: how long to wait before the next try. */
#ifndef LATERD_CORE_RETRY_H
#define LATERD_CORE_RETRY_H

#include <stdint.h>

struct retry_policy {
	int64_t first_ms, max_ms; /* the wait doubles from first to max */
};

/*
 * The wait before try number `attempt` + 1, attempt counting from 0: between half and the whole of
 * min(max, first * 2^attempt), by `random` (any 32 bits).  Cannot overflow.
 */
int64_t retry_wait_ms(const struct retry_policy *policy, int32_t attempt, uint32_t random);

#endif
