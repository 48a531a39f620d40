#include <string.h>

#include "base/parse.h"
#include "core/body.h"
#include "service/intake.h"

#define TITLE "Schedule an instant message"
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

/* The declaration of the form; `multi` fields have one value a line. */
static const struct {
	const char *var, *label, *desc;
	enum field_type type;
	bool required;
} im_fields[] = {
	{ "to", "To", "Addresses, separated by commas or spaces", FIELD_TEXT, true },
	{ "when", "When", "2026-12-24 18:00, or: in 20 minutes", FIELD_TEXT, true },
	{ "body", "Message", NULL, FIELD_TEXT_MULTI, true },
	{ "offline", "If the recipient is not online", NULL, FIELD_LIST, false },
	{ "expires", "Give up at", "A time like the one above; empty: the service's default",
	    FIELD_TEXT, false },
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
im_form(struct run *r)
{
	struct form *f = &r->reply->form;

	for (size_t i = 0; i < sizeof(im_fields) / sizeof(im_fields[0]); i++) {
		struct field *fd =
		    form_add(f, im_fields[i].type, im_fields[i].var, im_fields[i].label);

		if (fd == NULL)
			return;
		fd->required = im_fields[i].required;
		fd->desc = im_fields[i].desc;
		if (fd->type == FIELD_LIST)
			offline_options(r, fd, r->in != NULL ? form_get(r->in, fd->var) : "");
		else if (r->in != NULL)
			fill_in(f, fd, form_get_lines(r->in, fd->var));
	}
}

static const char *
im_instructions(struct run *r)
{
	return arena_printf(&r->reply->form.arena,
	    "Times are read in %s, the server's time zone, unless you name another.",
	    r->s->config->zone.name);
}

static void
ask(struct run *r)
{
	struct form *f = &r->reply->form;

	r->reply->kind = REPLY_FORM;
	f->title = TITLE;
	f->instructions = im_instructions(r);
	im_form(r);
}

static void
ask_again(struct run *r, const char *reason)
{
	reply_again(r, TITLE, im_instructions(r), reason);
	im_form(r);
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

	for (size_t i = 0; i < sizeof(offline_labels) / sizeof(offline_labels[0]); i++)
		if (offline_labels[i].choice == rq->offline)
			buf_text(&text, offline_labels[i].meaning);
	if (rq->offline == OFFLINE_HOLD)
		buf_text(&text,
		    "; if their presence cannot be seen when it is due, they are asked to let it be seen");
	add_fixed(r, "offline", "If the recipient is not online", &text);
	buf_reset(&text);
	when_print(&text, rq->expires_at, &rq->when.zone);
	add_fixed(r, "expires", "Given up at", &text);
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
	f->title = TITLE;
	f->instructions = "Please check, and complete to schedule it.";
	for (size_t i = 0; i < rq->nto; i++) {
		const char *var = i == 0 ? "to" : arena_printf(&f->arena, "to-%zu", i + 1);

		form_value(f, form_add(f, FIELD_FIXED, var, i == 0 ? "To" : NULL), rq->to[i]);
	}
	print_when(r, rq, &text);
	add_fixed(r, "when", "When", &text);
	buf_reset(&text);
	body_excerpt(&text, rq->body, 200);
	add_fixed(r, "body", "Message", &text);
	buf_free(&text);
	confirm_offline(r, rq);
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

	reply_done(r, NOTE_INFO, "Scheduled ");
	for (size_t i = 0; i < rq->nto; i++) {
		buf_printf(&r->reply->note, "%s%s to %s", i > 0 ? ", " : "", ids[i], rq->to[i]);
		form_value(f, fd, ids[i]);
	}
	buf_text(&r->reply->note, ": ");
	print_when(r, rq, &r->reply->note);
	buf_text(&r->reply->note, ".");
	when_print_utc(&due, rq->when.at);
	form_value(f, form_add(f, FIELD_HIDDEN, "due", NULL), buf_str(&due));
	buf_free(&due);
}

static void
check_or_do(struct run *r, struct buf *why)
{
	char ids[REQUEST_TO_MAX][PACKET_ID_LEN + 1];
	struct request rq;
	struct estimate e;
	enum res res = intake_read(r->s, &r->who->jid, KIND_IM, r->in, r->now, &rq, why);

	if (res == RES_OK && r->stage == COMMAND_CHECK)
		res = intake_quota(r->s, &rq, r->now, &e, why);
	else if (res == RES_OK)
		res = intake_accept(r->s, &rq, r->now, ids, why);
	if (res == RES_OK && r->stage == COMMAND_CHECK)
		confirm(r, &rq, &e);
	else if (res == RES_OK)
		scheduled(r, &rq, ids);
	else if (res == RES_INVALID)
		ask_again(r, buf_str(why));
	else if (res == RES_OVERQUOTA)
		reply_done(r, NOTE_ERROR, "%s", buf_str(why));
	else
		reply_trouble(r);
}

void
schedule_im(struct run *r)
{
	struct buf why = { .max = 4096 };

	if (r->s->draining)
		reply_refuse(r->reply, "resource-constraint", "wait",
		    "The service is being stopped and accepts nothing new; try again in a minute.");
	else if (r->stage == COMMAND_ASK)
		ask(r);
	else
		check_or_do(r, &why);
	buf_free(&why);
}
