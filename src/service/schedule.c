#include <string.h>

#include "base/parse.h"
#include "core/body.h"
#include "service/intake.h"

#define FILL_MAX ((size_t)32 << 10)
#define EXAMPLES "Write times like 24 Dec 18:00, tomorrow 9:00 or in 20 minutes. "

static const char *const offline_labels[OFFLINE_END] = {
	[OFFLINE_AUTO] = "hold it, or leave it to their server",
	[OFFLINE_HOLD] = "hold it until they are online",
	[OFFLINE_SERVER] = "send it in any case",
	[OFFLINE_DROP] = "drop it",
};

const char *
schedule_offline_label(enum offline choice)
{
	return offline_labels[choice];
}

static void offline_options(struct run *r, struct field *fd);
static void repeat_options(struct run *r, struct field *fd);

/* The declaration of the forms; `multi` fields have one value a line. */
struct declared {
	const char *var, *label, *desc;
	enum field_type type;
	bool required;
	void (*options)(struct run *r, struct field *fd);
};

static const struct declared
    to_address = { "to", "To", "Addresses, separated by commas or spaces", FIELD_TEXT, true, NULL },
    to_number = { "to", "To", "Numbers like +4917012345678, separated by commas", FIELD_TEXT, true,
	    NULL },
    when = { "when", "When", "24 Dec 18:00, tomorrow 9:00, fri 5:30 pm, or: in 20 minutes",
	    FIELD_TEXT, true, NULL },
    subject = { "subject", "Subject", "At most 40 characters", FIELD_TEXT, false, NULL },
    body = { "body", "Message",
	    "In one that repeats, {date} and {time} become its day and time",
	    FIELD_TEXT_MULTI, true, NULL },
    mms_body = { "body", "Message", NULL, FIELD_TEXT_MULTI, false, NULL },
    media = { "media", "Media", "One https link a line", FIELD_TEXT_MULTI, false, NULL },
    repeat = { "repeat", "Repeat", NULL, FIELD_LIST, false, repeat_options },
    rrule = { "rrule", "Or by a rule", "As in calendars: FREQ=WEEKLY;BYDAY=MO,TH;COUNT=10", FIELD_TEXT,
	    false, NULL },
    offline = { "offline", "If the recipient is not online", NULL, FIELD_LIST, false,
	    offline_options },
    expires = { "expires", "Give up at", "A time like the one above; empty: the service's default",
	    FIELD_TEXT, false, NULL };

static const struct {
	const char *title;
	const struct declared *fields[9];
} forms[KIND_END] = {
	[KIND_IM] = { "Schedule an instant message",
	    { &to_address, &when, &body, &repeat, &rrule, &offline, &expires } },
	[KIND_SMS] = { "Schedule an SMS", { &to_number, &when, &body, &repeat, &rrule, &expires } },
	[KIND_MMS] = { "Schedule an MMS",
	    { &to_number, &when, &subject, &mms_body, &media, &repeat, &rrule, &expires } },
};

static const char *
submitted(const struct run *r, const char *var)
{
	return r->in != NULL ? form_get(r->in, var) : "";
}

static void
offline_options(struct run *r, struct field *fd)
{
	struct form *f = &r->reply->form;
	enum offline choice = r->account.offline != 0 ? r->account.offline : r->s->config->offline;

	offline_parse(&choice, span_of(submitted(r, fd->var)));
	for (int i = OFFLINE_AUTO; i < OFFLINE_END; i++)
		form_option(f, fd, offline_name((enum offline)i), offline_labels[i]);
	form_value(f, fd, offline_name(choice));
}

static void
repeat_options(struct run *r, struct field *fd)
{
	struct form *f = &r->reply->form;
	struct span chosen = span_trim(span_of(submitted(r, fd->var)));
	const char *word, *label, *value = "no";

	for (size_t i = 0; (word = recur_preset_word(i, &label)) != NULL; i++) {
		form_option(f, fd, word, label);
		if (span_caseeq(chosen, span_of(word)))
			value = word;
	}
	form_value(f, fd, value);
}

/* A default that is a URI becomes a link in some clients, and is not submitted. */
static void
print_plain(struct buf *out, const char *var, struct span written)
{
	struct span rule = span_trim(written);

	if (strcmp(var, to_address.var) == 0)
		recipients_print(out, written);
	else if (strcmp(var, rrule.var) == 0 && take_word(&rule, "RRULE:"))
		buf_span(out, rule);
	else
		buf_span(out, written);
}

/* What somebody wrote comes back to them, but for what no answer could carry. */
static void
fill_in(struct form *f, struct field *fd, const char *text)
{
	struct span written = span_of(text);
	struct buf plain = { .max = 2 * FILL_MAX };

	if (written.len > FILL_MAX)
		return;
	if (fd->type == FIELD_TEXT)
		print_plain(&plain, fd->var, written);
	if (fd->type == FIELD_TEXT_MULTI)
		form_lines(f, fd, written);
	else
		form_value(f, fd, buf_str(&plain));
	buf_free(&plain);
}

void
schedule_fields(struct run *r, enum packet_kind kind)
{
	struct form *f = &r->reply->form;

	for (const struct declared *const *d = forms[kind].fields; *d != NULL; d++) {
		struct field *fd = form_add(f, (*d)->type, (*d)->var, (*d)->label);

		if (fd == NULL)
			return;
		fd->required = (*d)->required;
		fd->desc = (*d)->desc;
		if ((*d)->options != NULL)
			(*d)->options(r, fd);
		else if (r->in != NULL)
			fill_in(f, fd, form_get_lines(r->in, fd->var));
	}
}

const char *
schedule_title(enum packet_kind kind)
{
	return forms[kind].title;
}

const char *
schedule_instructions(struct run *r)
{
	struct arena *arena = &r->reply->form.arena;
	struct user_zone zone;
	const char *where, *whose;

	/* The client is asked while the form is filled in. */
	if (zones_of(r->s, &r->who->jid, &r->account, &zone) == RES_UNCERTAIN)
		return arena_printf(arena,
		    EXAMPLES "They are read by your client's clock, or in %s where it does not tell "
			     "its zone, unless you name another.",
		    r->s->config->zone.name);
	where = zone.zone.name;
	whose = zone.source == ZONE_OF_SETTINGS ? "as you have set"
	    : zone.source == ZONE_OF_CLIENT	? "your client's time zone"
						: "the server's time zone";
	return arena_printf(
	    arena, EXAMPLES "They are read in %s, %s, unless you name another.", where, whose);
}

static void
ask(struct run *r, enum packet_kind kind)
{
	struct form *f = &r->reply->form;

	r->reply->kind = REPLY_FORM;
	f->title = forms[kind].title;
	f->instructions = schedule_instructions(r);
	schedule_fields(r, kind);
}

static void
ask_again(struct run *r, enum packet_kind kind, const char *reason)
{
	reply_again(r, forms[kind].title, schedule_instructions(r), reason);
	schedule_fields(r, kind);
}

void
schedule_done(
    struct run *r, const struct request *rq, const char *verb, char ids[][PACKET_ID_LEN + 1])
{
	struct form *f = &r->reply->form;
	struct field *fd = form_add(f, FIELD_HIDDEN, "id", NULL);
	struct buf due = { .max = 64 };
	size_t segments = rq->load.segments.segments, size = rq->load.media_bytes;

	f->title = schedule_title(rq->kind);
	reply_done(r, NOTE_INFO, "%s ", verb);
	for (size_t i = 0; i < rq->nto; i++) {
		buf_printf(&r->reply->note, "%s%s to %s", i > 0 ? ", " : "", ids[i], rq->to[i]);
		form_value(f, fd, ids[i]);
	}
	buf_text(&r->reply->note, ": ");
	confirm_when(r, rq, &r->reply->note);
	if (rq->rule.rule[0] != '\0')
		buf_text(&r->reply->note, "; it repeats");
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

static void
check_or_do(struct run *r, enum packet_kind kind, struct buf *why)
{
	char ids[REQUEST_TO_MAX][PACKET_ID_LEN + 1];
	struct request rq;
	struct estimate e;
	enum res res = intake_read(r, kind, NULL, &rq, why);

	if (res == RES_UNCERTAIN) {
		reply_later(r);
		return;
	}
	if (res == RES_OK && r->stage == COMMAND_CHECK)
		res = intake_quota(r->s, &rq, NULL, r->now, &e, why);
	else if (res == RES_OK)
		res = intake_accept(r->s, &rq, r->now, ids, why);
	if (res == RES_INVALID || res == RES_OVERQUOTA)
		r->s->counts.refused[res == RES_INVALID ? REFUSED_INVALID : REFUSED_QUOTA]++;
	if (res == RES_OK && r->stage == COMMAND_CHECK)
		confirm(r, &rq, &e);
	else if (res == RES_OK)
		schedule_done(r, &rq, "Scheduled", ids);
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
		    "The service is being stopped and accepts nothing new; try again later.");
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

/* A message to oneself. */
void
schedule_reminder(struct run *r)
{
	struct field *to;

	if (r->in != NULL)
		form_set(r->in, "to", r->who->jid.bare);
	schedule(r, KIND_IM);
	if (r->reply->kind == REPLY_FORM && (to = form_find(&r->reply->form, "to")) != NULL) {
		form_set(&r->reply->form, "to", r->who->jid.bare);
		/* It is not asked for. */
		to->type = FIELD_HIDDEN;
	}
}
