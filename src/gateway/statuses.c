#include <string.h>

#include "base/parse.h"
#include "gateway/statuses.h"

#define STATUS_MIN 100
#define STATUS_MAX 599

static bool
take_status(struct span *in, int64_t *status)
{
	return take_digits(in, 3, 3, status) && *status >= STATUS_MIN && *status <= STATUS_MAX;
}

enum res
statuses_parse(struct statuses *out, const char *const *list, struct buf *why)
{
	*out = (struct statuses){ { false } };
	for (; *list != NULL; list++) {
		struct span in = span_of(*list);
		int64_t first = 0, last = 0;
		bool ok = take_status(&in, &first);
		last = first;
		if (ok && take_char(&in, '-'))
			ok = take_status(&in, &last);
		if (!ok || in.len > 0 || last < first) {
			buf_printf(why,
			    "“%.40s” is no HTTP status like 200, and no range like 500-599", *list);
			return RES_INVALID;
		}
		for (int64_t i = first; i <= last; i++)
			out->in[i] = true;
	}
	return RES_OK;
}

bool
statuses_has(const struct statuses *s, int status)
{
	return status >= STATUS_MIN && status <= STATUS_MAX && s->in[status];
}
