#include "core/retry.h"

int64_t
retry_wait_ms(const struct retry_policy *policy, int32_t attempt, uint32_t random)
{
	int64_t max = policy->max_ms > 0 ? policy->max_ms : 0;
	int64_t wait = policy->first_ms > 0 ? policy->first_ms : 0;

	for (int32_t i = 0; i < attempt && wait > 0 && wait < max; i++)
		wait = wait > max / 2 ? max : 2 * wait;
	if (wait > max)
		wait = max;
	/* half * random / UINT32_MAX, in two pieces that cannot overflow. */
	uint64_t half = (uint64_t)wait / 2;
	uint64_t extra = half / UINT32_MAX * random + half % UINT32_MAX * random / UINT32_MAX;
	return wait - (int64_t)(half - extra);
}
