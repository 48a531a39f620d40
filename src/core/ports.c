#include "core/ports.h"

struct event *
events_add(struct events *es)
{
	struct event *v = arena_grow(&es->arena, es->v, es->n, &es->cap, sizeof(*v));

	if (v == NULL)
		return NULL;
	es->v = v;
	v[es->n] = (struct event){ 0 };
	return &v[es->n++];
}

void
events_free(struct events *es)
{
	arena_free(&es->arena);
	*es = (struct events){ 0 };
}
