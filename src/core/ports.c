#include "core/ports.h"

#include <string.h>

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
endings_free(struct endings *es)
{
	arena_free(&es->arena);
	*es = (struct endings){ 0 };
}

void
events_free(struct events *es)
{
	arena_free(&es->arena);
	*es = (struct events){ 0 };
}

struct series *
series_add(struct series_list *ss)
{
	struct series *v = arena_grow(&ss->arena, ss->v, ss->n, &ss->cap, sizeof(*v));

	if (v == NULL)
		return NULL;
	ss->v = v;
	v[ss->n] = (struct series){ 0 };
	return &v[ss->n++];
}

void
series_free(struct series_list *ss)
{
	arena_free(&ss->arena);
	*ss = (struct series_list){ 0 };
}

enum res
series_aad(struct buf *out, const struct series *se)
{
	/* Lengths keep (ab, c) apart from (a, bc).  Bodies on disk depend on this text. */
	return buf_printf(out, "series %d %s %zu:%s %zu:%s", (int)se->kind, se->id,
	    strlen(se->sender), se->sender, strlen(se->recipient), se->recipient);
}
