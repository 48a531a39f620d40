#include "base/parse.h"
#include "service/state.h"

enum res
load_of(struct load *out, enum packet_kind kind, struct span body, struct arena *arena)
{
	struct mms mms;
	enum res res;

	*out = (struct load){ .kind = kind };
	if (kind == KIND_SMS) {
		if ((res = segments_count(&out->segments, body)) == RES_OK)
			out->foreign = segments_foreign(body);
		return res;
	}
	if ((res = mms_parse(&mms, body, arena)) != RES_OK)
		return res;
	for (size_t i = 0; i < mms.nmedia; i++) {
		out->media_bytes += mms.media[i].bytes.len;
		out->types[out->nmedia++] = mms.media[i].type;
	}
	return RES_OK;
}

static bool
takes_type(const struct gateway_info *g, const char *type)
{
	for (const char *const *t = g->media_types; *t != NULL; t++) {
		struct span rest = span_of(type);

		if (take_word(&rest, *t) && (rest.len == 0 || rest.p[-1] == '/'))
			return true;
	}
	return false;
}

/* False with the reason in `why`. */
static bool
fits(const struct gateway_info *g, const struct load *l, struct buf *why)
{
	if (l->kind == KIND_SMS && l->segments.segments > g->max_segments) {
		buf_printf(why,
		    "The text needs %zu segments (%s), and at most %zu are allowed: shorten it",
		    l->segments.segments, sms_coding_name(l->segments.coding), g->max_segments);
		if (l->foreign.len > 0)
			buf_printf(why,
			    ", or write it without “%.*s” and whatever else is not in the GSM alphabet",
			    (int)l->foreign.len, l->foreign.p);
		buf_text(why, ".");
		return false;
	}
	if (l->media_bytes > g->media_max) {
		buf_printf(why,
		    "The media have %zu bytes together, and at most %zu are allowed: leave some out, or make them smaller.",
		    l->media_bytes, g->media_max);
		return false;
	}
	for (size_t i = 0; i < l->nmedia; i++)
		if (!takes_type(g, l->types[i])) {
			buf_printf(why, "Media of the type %s cannot be sent.", l->types[i]);
			return false;
		}
	return true;
}

enum res
load_path(const struct service *s, const struct load *load, const char *number,
    struct route_path *out, struct buf *why)
{
	struct route_path all;
	struct buf reason = { .max = 1024 };
	enum res res = route_find(&s->config->routing, load->kind, number, &all, why);

	*out = (struct route_path){ 0 };
	if (res != RES_OK)
		return RES_INVALID;
	for (size_t i = 0; i < all.n; i++) {
		buf_reset(&reason);
		if (fits(&s->config->routing.gateways[all.v[i]], load, &reason))
			out->v[out->n++] = all.v[i];
	}
	if (out->n == 0)
		buf_span(why, buf_as_span(&reason));
	buf_free(&reason);
	return out->n > 0 ? RES_OK : RES_INVALID;
}
