/*
 * MMS entities: what is built is read back; whatever else is read is what mms_build would have
 * written.
 */
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "core/mms.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define ENTITY_MAX ((size_t)4 << 20)

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
must_be_same(const struct mms *a, const struct mms *b)
{
	must(span_eq(a->subject, b->subject) && span_eq(a->text, b->text) &&
	    a->nmedia == b->nmedia);
	for (size_t i = 0; i < a->nmedia; i++) {
		const struct mms_medium *x = &a->media[i], *y = &b->media[i];
		must(span_eq(span_of(x->type), span_of(y->type)));
		must((x->url == NULL) == (y->url == NULL));
		must(span_eq(span_of(x->url), span_of(y->url)) && span_eq(x->bytes, y->bytes));
	}
}

/* Any bytes, in memory of exactly their size. */
static void
read_any(struct span entity)
{
	struct arena arena = { .max = 0 }, tight = { .max = 256 };
	struct buf again = { .max = ENTITY_MAX };
	struct span type, parts;
	struct mms mms, summary;
	enum res res = mms_parse(&mms, entity, &arena);

	must(res == RES_OK || res == RES_PERMFAIL);
	if (res == RES_OK) {
		must(mms_build(&again, &mms) == RES_OK);
		must(span_eq(buf_as_span(&again), entity));
		must(mms_split(entity, &type, &parts) == RES_OK);
		must(parts.p + parts.len == entity.p + entity.len);
		must(mms_parse_summary(&summary, entity, &arena) == RES_OK);
		for (size_t i = 0; i < mms.nmedia; i++)
			mms.media[i].bytes = (struct span){ NULL, 0 };
		must_be_same(&mms, &summary);
	}
	res = mms_parse(&mms, entity, &tight);
	must(res == RES_OK || res == RES_PERMFAIL || res == RES_NOMEM);
	if (mms_split(entity, &type, &parts) == RES_OK)
		must(type.p + type.len < parts.p);
	arena_free(&arena);
	arena_free(&tight);
	buf_free(&again);
}

/* What stands before the next 0xff, which no UTF-8 has. */
static struct span
take_piece(struct span *in)
{
	const char *end = in->len > 0 ? memchr(in->p, 0xff, in->len) : NULL;
	struct span piece = { in->p, end != NULL ? (size_t)(end - in->p) : in->len };
	size_t taken = piece.len + (end != NULL);

	*in = (struct span){ in->p + taken, in->len - taken };
	return piece;
}

static bool
take_message(struct mms *mms, struct span in, struct arena *arena)
{
	*mms = (struct mms){ .subject = take_piece(&in) };
	mms->text = take_piece(&in);
	while (in.len > 0 && mms->nmedia < MMS_MEDIA_MAX) {
		struct mms_medium *m = &mms->media[mms->nmedia++];
		m->type = arena_span(arena, take_piece(&in));
		struct span url = take_piece(&in);
		m->url = url.len > 0 ? arena_span(arena, url) : NULL;
		m->bytes = take_piece(&in);
	}
	return !arena->failed;
}

/* Overwrites, deletes or doubles a few bytes of the entity. */
static void
damage(struct buf *entity, struct span how)
{
	for (; how.len >= 4 && entity->len > 0; how = (struct span){ how.p + 4, how.len - 4 }) {
		const unsigned char *u = (const unsigned char *)how.p;
		size_t at = ((size_t)u[0] << 8 | u[1]) % entity->len, n = entity->len - at;
		if (n > (size_t)u[3] / 4)
			n = (size_t)u[3] / 4;
		if (u[3] % 4 < 2)
			entity->p[at] = how.p[2];
		else if (u[3] % 4 == 2) {
			memmove(entity->p + at, entity->p + at + n, entity->len - at - n);
			buf_cut(entity, entity->len - n);
		} else
			buf_append(entity, entity->p + at, n);
	}
}

static void
build_and_read(struct span message, struct span how)
{
	struct arena in = { .max = 0 }, arena = { .max = 0 };
	struct buf entity = { .max = ENTITY_MAX };
	struct mms mms, back;

	if (take_message(&mms, message, &in) && mms_build(&entity, &mms) == RES_OK) {
		must(mms_parse(&back, buf_as_span(&entity), &arena) == RES_OK);
		must_be_same(&mms, &back);
		damage(&entity, how);
		read_any(buf_as_span(&entity));
	} else
		must(entity.len == 0 || entity.failed);
	arena_free(&in);
	arena_free(&arena);
	buf_free(&entity);
}

/* The first byte says how much of the rest is damage to what is built of the other. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct span all = { (const char *)bytes, len };

	read_any(all);
	if (len < 1)
		return 0;
	size_t how = bytes[0] % 8 * 4;
	if (how > len - 1)
		how = len - 1;
	build_and_read((struct span){ all.p + 1 + how, len - 1 - how },
	    (struct span){ all.p + 1, how });
	return 0;
}
