#include "service/queue.h"

#include <stdlib.h>
#include <string.h>

struct queued *
queued_new(const struct packet *p)
{
	size_t sender = strlen(p->sender) + 1, recipient = strlen(p->recipient) + 1;
	size_t gateway = p->gateway != NULL ? strlen(p->gateway) + 1 : 0;
	struct queued *q = malloc(sizeof(*q) + sender + recipient + gateway + p->sealed.len);
	char *at;

	if (q == NULL)
		return NULL;
	q->p = *p;
	q->order = 0;
	at = q->mem;
	q->p.sender = memcpy(at, p->sender, sender);
	q->p.recipient = memcpy(at += sender, p->recipient, recipient);
	at += recipient;
	q->p.gateway = gateway > 0 ? memcpy(at, p->gateway, gateway) : NULL;
	q->p.gateway_ref = NULL;
	at += gateway;
	if (p->sealed.len > 0)
		memcpy(at, p->sealed.p, p->sealed.len);
	q->p.sealed = (struct span){ at, p->sealed.len };
	return q;
}

void
queued_free(struct queued **q)
{
	free(*q);
	*q = NULL;
}

static bool
leaves_before(const struct queued *a, const struct queued *b)
{
	if (a->p.next_at != b->p.next_at)
		return a->p.next_at < b->p.next_at;
	if (a->p.due_at != b->p.due_at)
		return a->p.due_at < b->p.due_at;
	if (a->p.created_at != b->p.created_at)
		return a->p.created_at < b->p.created_at;
	return a->order < b->order;
}

enum res
queue_push(struct queue *qu, struct queued *q)
{
	if (qu->n == qu->cap) {
		size_t cap = qu->cap == 0 ? 64 : 2 * qu->cap;
		struct queued **v = reallocarray(qu->v, cap, sizeof(struct queued *));

		if (v == NULL)
			return RES_NOMEM;
		qu->v = v;
		qu->cap = cap;
	}
	size_t i = qu->n++;

	if (q->order == 0)
		q->order = ++qu->pushed;
	for (; i > 0 && leaves_before(q, qu->v[(i - 1) / 2]); i = (i - 1) / 2)
		qu->v[i] = qu->v[(i - 1) / 2];
	qu->v[i] = q;
	return RES_OK;
}

struct queued *
queue_peek(const struct queue *qu)
{
	return qu->n > 0 ? qu->v[0] : NULL;
}

struct queued *
queue_pop(struct queue *qu)
{
	if (qu->n == 0)
		return NULL;
	struct queued *first = qu->v[0], *moved = qu->v[--qu->n];
	size_t i = 0;

	for (size_t child = 1; child < qu->n; i = child, child = 2 * i + 1) {
		if (child + 1 < qu->n && leaves_before(qu->v[child + 1], qu->v[child]))
			child++;
		if (!leaves_before(qu->v[child], moved))
			break;
		qu->v[i] = qu->v[child];
	}
	if (qu->n > 0)
		qu->v[i] = moved;
	return first;
}

void
queue_clear(struct queue *qu)
{
	for (size_t i = 0; i < qu->n; i++)
		queued_free(&qu->v[i]);
	free(qu->v);
	*qu = (struct queue){ 0 };
}
