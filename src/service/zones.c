#include <stdio.h>

#include "service/state.h"

static bool
offset_now(const struct zone *zone, int64_t now, int32_t offset_s)
{
	struct civil c;

	zone_civil(zone, now, &c);
	return c.offset_s == offset_s;
}

/* A client says an offset, which is a place only where it is the server's own. */
static void
of_client(struct service *s, int32_t offset_s, struct user_zone *out)
{
	char name[16];
	int minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;

	out->source = ZONE_OF_CLIENT;
	if (offset_now(&s->config->zone, service_now(s), offset_s))
		return;
	snprintf(name, sizeof(name), "%c%02d:%02d", offset_s < 0 ? '-' : '+', minutes / 60,
	    minutes % 60);
	if (zone_find(&out->zone, span_of(name)) == RES_OK)
		out->fixed = true;
	else
		out->source = ZONE_OF_SERVER;
}

enum res
zones_of(struct service *s, const struct jid *who, const struct account *account,
    struct user_zone *out)
{
	struct messenger *m = s->messenger;
	struct buf full = { .max = JID_FULL_MAX };
	int32_t offset_s;
	enum res res = RES_NOTFOUND;

	*out = (struct user_zone){ .zone = s->config->zone, .source = ZONE_OF_SERVER };
	if (account->zone[0] != '\0' && zone_find(&out->zone, span_of(account->zone)) == RES_OK) {
		out->source = ZONE_OF_SETTINGS;
		return RES_OK;
	}
	/* A bare address would be answered by the server, with its own time. */
	if (who->resource[0] != '\0' && jid_print(&full, who) == RES_OK)
		res = m->ops->client_offset(m, buf_str(&full), &offset_s);
	buf_free(&full);
	if (res == RES_OK)
		of_client(s, offset_s, out);
	return res == RES_UNCERTAIN ? res : RES_OK;
}

struct zone
zones_of_packet(const struct service *s, const struct packet *p)
{
	struct zone zone;

	return zone_find(&zone, span_of(p->zone)) == RES_OK ? zone : s->config->zone;
}

void
zones_explain(struct buf *out, const struct user_zone *zone)
{
	static const char *const words[] = {
		[ZONE_OF_SETTINGS] = "the time zone is the one of your settings",
		[ZONE_OF_CLIENT] = "the time zone is your client's",
		[ZONE_OF_SERVER] = "the time zone is the server's",
	};

	buf_text(out, words[zone->source]);
	if (zone->source == ZONE_OF_CLIENT && !zone->fixed)
		buf_printf(out, ", whose clock agrees with %s", zone->zone.name);
	if (zone->fixed)
		buf_text(out,
		    ", which says no more than this offset: `settings` takes a place, with its summer time");
}

void
zones_client_clock(void *arg, const char *text)
{
	struct service *s = arg;
	struct jid jid;

	if (jid_parse_text(&jid, text) == RES_OK)
		later_resume(s, jid.bare);
}
