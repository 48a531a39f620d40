#include <string.h>

#include "base/parse.h"
#include "core/body.h"
#include "service/intake.h"

#define FILL_MAX ((size_t)32 << 10)

static const struct {
	enum offline choice;
	const char *label, *meaning;
} offline_labels[] = {
	{ OFFLINE_AUTO, "hold it where their presence can be seen, else leave it to their server",
	    "held until they are online where that can be seen, else left to their server" },
	{ OFFLINE_HOLD, "hold it until they are online", "held until they are online" },
	{ OFFLINE_SERVER, "send it in any case", "sent in any case" },
	{ OFFLINE_DROP, "drop it", "dropped" },
};

/* The declaration of the forms; `multi` fields have one value a line. */
struct declared {
	const char *var, *label, *desc;
	enum field_type type;
	bool required;
};

static const struct declared
	to_address = { "to", "To", "Addresses, separated by commas or spaces", FIELD_TEXT, true },
	to_number = { "to", "To", "Numbers like +4917012345678, separated by commas", FIELD_TEXT, true },
	when = { "when", "When", "2026-12-24 18:00, or: in 20 minutes", FIELD_TEXT, true },
	subject = { "subject", "Subject", "At most 40 characters", FIELD_TEXT, false },
	body = { "body", "Message", NULL, FIELD_TEXT_MULTI, true },
	mms_body = { "body", "Message", NULL, FIELD_TEXT_MULTI, false },
	media = { "media", "Media", "One https link a line", FIELD_TEXT_MULTI, false },
	offline = { "offline", "If the recipient is not online", NULL, FIELD_LIST, false },
	expires = { "expires", "Give up at", "A time like the one above; empty: the service's default",
		FIELD_TEXT, false };

static const struct {
	const char *title;
	const struct declared *fields[8];
} forms[KIND_END] = {
	[KIND_IM] = { "Schedule an instant message",
	    { &to_address, &when, &body, &offline, &expires } },
	[KIND_SMS] = { "Schedule an SMS", { &to_number, &when, &body, &expires } },
	[KIND_MMS] = { "Schedule an MMS",
	    { &to_number, &when, &subject, &mms_body, &media, &expires } },
};

static void
offline_options(struct run *r, struct field *fd, const char *chosen)
{
	struct form *f = &r->reply->form;
	enum offline choice = r->s->config->offline;

	offline_parse(&choice, span_of(chosen));
	for (size_t i = 0; i < sizeof(offline_labels) / sizeof(offline_labels[0]); i++)
		form_option(f, fd, offline_name(offline_labels[i].choice), offline_labels[i].label);
	form_value(f, fd, offline_name(choice));
}

/* What somebody wrote comes back to them, but for what no answer could carry. */
static void
fill_in(struct form *f, struct field *fd, const char *text)
{
	struct span written = span_of(text);
	struct buf plain = { .max = 2 * FILL_MAX };

	if (written.len > FILL_MAX)
		return;
	/* A default that is a URI becomes a link in some clients, and is not submitted. */
	if (fd->type == FIELD_TEXT)
		intake_print_to(&plain, written);
	if (fd->type == FIELD_TEXT_MULTI)
		form_lines(f, fd, written);
	else
		form_value(f, fd, buf_str(&plain));
	buf_free(&plain);
}

/* The form of stage 1, filled in with what was submitted, if anything. */
static void
add_form(struct run *r, enum packet_kind kind)
{
	struct form *f = &r->reply->form;

	for (const struct declared *const *d = forms[kind].fields; *d != NULL; d++) {
		struct field *fd = form_add(f, (*d)->type, (*d)->var, (*d)->label);

		if (fd == NULL)
			return;
		fd->required = (*d)->required;
		fd->desc = (*d)->desc;
		if (fd->type == FIELD_LIST)
			offline_options(r, fd, r->in != NULL ? form_get(r->in, fd->var) : "");
		else if (r->in != NULL)
			fill_in(f, fd, form_get_lines(r->in, fd->var));
	}
}

static const char *
instructions(struct run *r)
{
	return arena_printf(&r->reply->form.arena,
	    "Times are read in %s, the server's time zone, unless you name another.",
	    r->s->config->zone.name);
}

static void
ask(struct run *r, enum packet_kind kind)
{
	struct form *f = &r->reply->form;

	r->reply->kind = REPLY_FORM;
	f->title = forms[kind].title;
	f->instructions = instructions(r);
	add_form(r, kind);
}

static void
ask_again(struct run *r, enum packet_kind kind, const char *reason)
{
	reply_again(r, forms[kind].title, instructions(r), reason);
	add_form(r, kind);
}

static void
add_fixed(struct run *r, const char *var, const char *label, const struct buf *text)
{
	struct form *f = &r->reply->form;

	form_value(f, form_add(f, FIELD_FIXED, var, label), buf_str(text));
}

/*
 * "Thu 2026-12-24 18:00 (Europe/Berlin, +01:00), in 3 days 4 hours" and where the zone comes from.
 */
static void
print_when(const struct run *r, const struct request *rq, struct buf *out)
{
	when_print(out, rq->when.at, &rq->when.zone);
	buf_text(out, ", in ");
	when_print_wait(out, rq->when.at - r->now);
	buf_text(out,
	    rq->when.zone_given ? "; the time zone is the one you wrote"
				: "; the time zone is the server's");
	if (rq->when.doubled)
		buf_text(out, "; the clock shows this time twice that day, and it is the first");
}

static void
print_left(struct buf *out, const char *period, int64_t limit, int64_t used, int64_t units)
{
	if (limit == QUOTA_NO_LIMIT)
		buf_printf(out, "no limit %s", period);
	else
		buf_printf(out, "%lld of %lld left %s", (long long)(limit - used - units),
		    (long long)limit, period);
}

static void
confirm_quota(struct run *r, const struct estimate *e)
{
	struct buf text = { .max = 1024 };

	print_left(&text, "today", e->limit.per_day, e->use.day, e->units);
	buf_text(&text, ", ");
	print_left(&text, "this month", e->limit.per_month, e->use.month, e->units);
	add_fixed(r, "quota", "After this", &text);
	buf_free(&text);
}

static void
confirm_offline(struct run *r, const struct request *rq)
{
	struct buf text = { .max = 1024 };

	if (rq->kind != KIND_IM)
		return;
	for (size_t i = 0; i < sizeof(offline_labels) / sizeof(offline_labels[0]); i++)
		if (offline_labels[i].choice == rq->offline)
			buf_text(&text, offline_labels[i].meaning);
	if (rq->offline == OFFLINE_HOLD)
		buf_text(&text,
		    "; if their presence cannot be seen when it is due, they are asked to let it be seen");
	add_fixed(r, "offline", "If the recipient is not online", &text);
	buf_free(&text);
}

static void
confirm_expires(struct run *r, const struct request *rq)
{
	struct buf text = { .max = 256 };

	when_print(&text, rq->expires_at, &rq->when.zone);
	add_fixed(r, "expires", "Given up at", &text);
	buf_free(&text);
}

/* What it costs. */
static void
confirm_load(struct run *r, const struct request *rq)
{
	const struct segments *seg = &rq->load.segments;
	struct buf text = { .max = 1024 };

	if (rq->kind == KIND_SMS) {
		buf_printf(&text, "%zu (%s", seg->segments, sms_coding_name(seg->coding));
		if (rq->load.foreign.len > 0)
			buf_printf(&text, ", because “%.*s” is not in the GSM alphabet",
			    (int)rq->load.foreign.len, rq->load.foreign.p);
		buf_printf(&text, "; room for %zu more characters)", seg->left);
		add_fixed(r, "segments", "Segments", &text);
	}
	if (rq->kind == KIND_MMS) {
		buf_printf(&text, "%zu bytes of media", rq->load.media_bytes);
		for (size_t i = 0; i < rq->nmedia; i++)
			buf_printf(&text, "%s%s (%zu bytes)", i == 0 ? ": " : ", ",
			    rq->media[i].type, rq->media[i].bytes.len);
		add_fixed(r, "size", "Size", &text);
	}
	buf_free(&text);
}

/* What is confirmed is an instant: "in 5 minutes" must not begin anew when it is done. */
static void
pin(struct run *r, const char *var, int64_t at, const struct request *rq)
{
	struct buf text = { .max = 256 };
	const char *zone = rq->when.zone.name;
	size_t len = strlen(zone);

	when_print_exact(&text, at, &rq->when.zone);
	/* The zone stays unsaid where the sender left it so, unless the instant needs it. */
	if (!rq->when.zone_given && text.len > len + 1 &&
	    strcmp(buf_str(&text) + text.len - len, zone) == 0)
		buf_cut(&text, text.len - len - 1);
	form_set(r->in, var, buf_str(&text));
	buf_free(&text);
}

static void
confirm(struct run *r, const struct request *rq, const struct estimate *e)
{
	struct form *f = &r->reply->form;
	struct buf text = { .max = 4096 };

	r->reply->kind = REPLY_CONFIRM;
	f->title = forms[rq->kind].title;
	f->instructions = "Please check, and complete to schedule it.";
	for (size_t i = 0; i < rq->nto; i++) {
		const char *var = i == 0 ? "to" : arena_printf(&f->arena, "to-%zu", i + 1);

		form_value(f, form_add(f, FIELD_FIXED, var, i == 0 ? "To" : NULL), rq->to[i]);
	}
	print_when(r, rq, &text);
	add_fixed(r, "when", "When", &text);
	if (rq->subject.len > 0) {
		buf_reset(&text);
		buf_span(&text, rq->subject);
		add_fixed(r, "subject", "Subject", &text);
	}
	buf_reset(&text);
	body_excerpt(&text, rq->body, 200);
	add_fixed(r, "body", "Message", &text);
	buf_free(&text);
	confirm_load(r, rq);
	confirm_offline(r, rq);
	confirm_expires(r, rq);
	confirm_quota(r, e);
	if (rq->when.relative)
		pin(r, "when", rq->when.at, rq);
	if (rq->expires_relative)
		pin(r, "expires", rq->expires_at, rq);
}

static void
scheduled(struct run *r, const struct request *rq, char ids[][PACKET_ID_LEN + 1])
{
	struct form *f = &r->reply->form;
	struct field *fd = form_add(f, FIELD_HIDDEN, "id", NULL);
	struct buf due = { .max = 64 };
	size_t segments = rq->load.segments.segments, size = rq->load.media_bytes;

	reply_done(r, NOTE_INFO, "Scheduled ");
	for (size_t i = 0; i < rq->nto; i++) {
		buf_printf(&r->reply->note, "%s%s to %s", i > 0 ? ", " : "", ids[i], rq->to[i]);
		form_value(f, fd, ids[i]);
	}
	buf_text(&r->reply->note, ": ");
	print_when(r, rq, &r->reply->note);
	if (rq->kind == KIND_SMS)
		buf_printf(
		    &r->reply->note, "; %zu segment%s", segments, segments == 1 ? "" : "s");
	if (rq->kind == KIND_MMS)
		buf_printf(&r->reply->note, "; %zu bytes of media", size);
	buf_text(&r->reply->note, ".");
	when_print_utc(&due, rq->when.at);
	form_value(f, form_add(f, FIELD_HIDDEN, "due", NULL), buf_str(&due));
	if (rq->kind == KIND_SMS)
		form_value(f, form_add(f, FIELD_HIDDEN, "segments", NULL),
		    arena_printf(&f->arena, "%zu", segments));
	if (rq->kind == KIND_MMS)
		form_value(f, form_add(f, FIELD_HIDDEN, "size", NULL),
		    arena_printf(&f->arena, "%zu", size));
	buf_free(&due);
}

/* The media are not there yet: the same again when they are. */
static void
later(struct run *r)
{
	r->reply->kind = REPLY_LATER;
	r->reply->ticket = medium_wait(r->s, r->who->jid.bare, r->now);
	if (r->reply->ticket == 0)
		reply_trouble(r);
}

static void
check_or_do(struct run *r, enum packet_kind kind, struct buf *why)
{
	char ids[REQUEST_TO_MAX][PACKET_ID_LEN + 1];
	struct request rq;
	struct estimate e;
	enum res res = intake_read(r->s, &r->who->jid, kind, r->in, r->now, &rq, why);

	if (res == RES_UNCERTAIN) {
		later(r);
		return;
	}
	if (res == RES_OK && r->stage == COMMAND_CHECK)
		res = intake_quota(r->s, &rq, r->now, &e, why);
	else if (res == RES_OK)
		res = intake_accept(r->s, &rq, r->now, ids, why);
	if (res == RES_OK && r->stage == COMMAND_CHECK)
		confirm(r, &rq, &e);
	else if (res == RES_OK)
		scheduled(r, &rq, ids);
	else if (res == RES_INVALID)
		ask_again(r, kind, buf_str(why));
	else if (res == RES_OVERQUOTA)
		reply_done(r, NOTE_ERROR, "%s", buf_str(why));
	else
		reply_trouble(r);
}

static void
schedule(struct run *r, enum packet_kind kind)
{
	struct buf why = { .max = 4096 };

	if (r->s->draining)
		reply_refuse(r->reply, "resource-constraint", "wait",
		    "The service is being stopped and accepts nothing new; try again in a minute.");
	else if (packet_kind_is_paid(kind) && !route_serves(&r->s->config->routing, kind)) {
		buf_printf(&why, "This service has no gateway for %s.", packet_kind_name(kind));
		reply_refuse(r->reply, "item-not-found", "cancel", buf_str(&why));
	} else if (r->stage == COMMAND_ASK)
		ask(r, kind);
	else
		check_or_do(r, kind, &why);
	buf_free(&why);
}

void
schedule_im(struct run *r)
{
	schedule(r, KIND_IM);
}

void
schedule_sms(struct run *r)
{
	schedule(r, KIND_SMS);
}

void
schedule_mms(struct run *r)
{
	schedule(r, KIND_MMS);
}
