#include <string.h>

#include "base/log.h"
#include "core/body.h"
#include "core/when.h"
#include "service/state.h"

/* A notice that nobody fetched by then is of no use any more. */
#define NOTICE_MS (7 * DAY_MS)

void
notify_sender(struct service *s, const struct packet *p, const char *words)
{
	int64_t now = service_now(s);
	struct buf text = { .max = 8192 }, inner = { .max = 16384 };
	struct packet notice = {
		.sender = s->bot, .recipient = p->sender, .kind = KIND_IM, .offline = OFFLINE_AUTO,
		.created_at = now, .due_at = now, .next_at = now, .expires_at = now + NOTICE_MS,
	};

	if (strcmp(p->sender, s->bot) == 0)
		return;
	buf_printf(&text, "Message %s to %s, due ", p->id, p->recipient);
	when_print(&text, p->due_at, &s->config->zone);
	buf_printf(&text, ", %s.", words);
	if (text.failed || body_im(&inner, buf_as_span(&text)) != RES_OK ||
	    intake_store(s, &notice, 1, buf_as_span(&inner), "notice") != RES_OK) {
		log_error("packet %s: its sender could not be told", p->id);
		s->broken = true;
	}
	buf_free(&text);
	buf_free(&inner);
}
