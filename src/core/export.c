#include "core/export.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"

/* XEP-0082 has years of four digits. */
#define YEAR_10000_MS INT64_C(253402300800000)

enum { LIST_NONE, LIST_CHARGES, LIST_SERIES, LIST_PACKETS };
static const char *const lists[] = {
	[LIST_CHARGES] = "charges",
	[LIST_SERIES] = "recurrences",
	[LIST_PACKETS] = "messages",
};

const char *
notify_name(enum notify n)
{
	static const char *const names[NOTIFY_END] = {
		[NOTIFY_FAILURE] = "failure",
		[NOTIFY_SENT] = "sent",
		[NOTIFY_DELIVERED] = "delivered",
	};

	return names[(unsigned)n < NOTIFY_END ? n : NOTIFY_FAILURE];
}

/* -- Members: false without memory; what is absent is left out --------------------------------- */

/* jansson takes no string that is not UTF-8. */
static json_t *
string_of(struct span text)
{
	struct buf clean = { .max = text.len * 3 + 1 };
	json_t *string = NULL;

	if (utf8_valid(text))
		return json_stringn(text.p, text.len);
	while (text.len > 0) {
		size_t n = utf8_char(text.p, text.len), step = n > 0 ? n : 1;

		buf_span(&clean, n > 0 ? (struct span){ text.p, n } : SPAN("\xef\xbf\xbd"));
		text = (struct span){ text.p + step, text.len - step };
	}
	if (!clean.failed)
		string = json_stringn(clean.p, clean.len);
	buf_free(&clean);
	return string;
}

/* Takes the value. */
static bool
put(json_t *o, const char *key, json_t *value)
{
	return json_object_set_new(o, key, value) == 0;
}

static bool
put_span(json_t *o, const char *key, struct span text)
{
	return text.p == NULL || put(o, key, string_of(text));
}

static bool
put_text(json_t *o, const char *key, const char *text)
{
	return text == NULL || text[0] == '\0' || put_span(o, key, span_of(text));
}

static bool
put_at(json_t *o, const char *key, int64_t at)
{
	struct buf text = { 0 };
	bool ok;

	if (at <= 0 || at >= YEAR_10000_MS)
		return true;
	ok = when_print_utc(&text, at) == RES_OK && put_text(o, key, buf_str(&text));
	buf_free(&text);
	return ok;
}

/* A choice that was not made is absent. */
static bool
put_offline(json_t *o, enum offline choice)
{
	return choice < OFFLINE_AUTO || choice >= OFFLINE_END ||
	    put_text(o, "offline", offline_name(choice));
}

/* -- Pieces of the document -------------------------------------------------------------------- */

static int
on_dumped(const char *p, size_t len, void *arg)
{
	return buf_append(arg, p, len) == RES_OK ? 0 : -1;
}

/* Takes o, of whose members all that could be made were. */
static enum res
write_object(struct export *x, json_t *o, bool ok, size_t flags)
{
	ok = ok && json_dump_callback(o, on_dumped, x->out, flags) == 0 && !x->out->failed;
	json_decref(o);
	return ok ? RES_OK : RES_NOMEM;
}

/* Lists that nothing was written into are there as well, empty. */
static void
enter(struct export *x, int list)
{
	assert(x->list <= list);
	for (; x->list < list; x->any = false) {
		if (x->list != LIST_NONE)
			buf_text(x->out, "]");
		buf_printf(x->out, ",\n\"%s\": [", lists[++x->list]);
	}
}

/* Takes o. */
static enum res
add(struct export *x, int list, json_t *o, bool ok)
{
	enter(x, list);
	buf_text(x->out, x->any ? ",\n" : "\n");
	x->any = true;
	return write_object(x, o, ok, 0);
}

enum res
export_begin(struct export *x, struct buf *out, const char *service, const char *user, int64_t now,
    const struct account *account, bool stopped)
{
	json_t *o = json_object(), *settings = json_object();
	bool ok = put_text(settings, "zone", account->zone) &&
	    put_text(settings, "notify", notify_name(account->notify)) &&
	    put_offline(settings, account->offline) &&
	    put(settings, "hours", json_integer(account->hours == HOURS_12 ? 12 : 24)) &&
	    put(settings, "stopped", json_boolean(stopped));

	*x = (struct export){ .out = out };
	ok = ok && put_text(o, "service", service) && put_text(o, "user", user) &&
	    put_at(o, "exported", now);
	ok = put(o, "settings", settings) && ok;
	buf_text(out, "{");
	return write_object(x, o, ok, JSON_EMBED);
}

/* "sms 3" */
static bool
put_charge(json_t *o, const char *what)
{
	size_t len = what != NULL ? strcspn(what, " ") : 0;
	struct span count = len > 0 ? span_trim(span_of(what + len)) : (struct span){ 0 };
	int64_t n;

	return (len == 0 || put_span(o, "kind", (struct span){ what, len })) &&
	    (parse_int(count, 0, INT64_MAX, &n) != RES_OK || put(o, "count", json_integer(n)));
}

/* YYYYMMDD */
static bool
put_day(json_t *o, int64_t day)
{
	if (day < 10000000 || day > 99999999)
		return true;
	return put(o, "day", json_sprintf("%04d-%02d-%02d", (int)(day / 10000),
	    (int)(day / 100 % 100), (int)(day % 100)));
}

enum res
export_charges(struct export *x, const struct events *charges)
{
	enum res res = RES_OK;

	enter(x, LIST_CHARGES);
	for (size_t i = 0; i < charges->n && res == RES_OK; i++) {
		const struct event *e = &charges->v[i];
		json_t *o = json_object();
		bool ok = put_day(o, e->at) && put_charge(o, e->what);

		res = add(x, LIST_CHARGES, o, ok);
	}
	return res == RES_OK && !x->out->failed ? RES_OK : RES_NOMEM;
}

static bool
put_media(json_t *o, const struct mms *mms)
{
	json_t *list;
	bool ok = true;

	if (mms->nmedia == 0)
		return true;
	list = json_array();
	for (size_t i = 0; i < mms->nmedia && ok; i++) {
		json_t *medium = json_object();

		ok = put_text(medium, "url", mms->media[i].url) &&
		    put_text(medium, "type", mms->media[i].type);
		ok = json_array_append_new(list, medium) == 0 && ok;
	}
	return put(o, "media", list) && ok;
}

static bool
put_body(json_t *o, struct span text, const struct mms *mms)
{
	if (mms == NULL)
		return put_span(o, "body", text);
	return put_span(o, "body", text.p != NULL ? text : mms->text) &&
	    (mms->subject.len == 0 || put_span(o, "subject", mms->subject)) && put_media(o, mms);
}

enum res
export_series(
    struct export *x, const struct series *se, struct span text, const struct mms *mms)
{
	json_t *o = json_object();
	bool ok = put_text(o, "id", se->id) && put_text(o, "to", se->recipient) &&
	    put_text(o, "kind", packet_kind_name(se->kind)) &&
	    put_text(o, "rule", se->rule.rule) && put_text(o, "zone", se->zone) &&
	    put_text(o, "start", se->start) && put(o, "paused", json_boolean(se->paused)) &&
	    put_offline(o, se->offline) && put_body(o, text, mms);

	return add(x, LIST_SERIES, o, ok);
}

static bool
put_history(json_t *o, const struct events *history)
{
	json_t *list = json_array();
	bool ok = true;

	for (size_t i = 0; i < history->n && ok; i++) {
		json_t *line = json_object();

		ok = put_at(line, "at", history->v[i].at) &&
		    put_text(line, "what", history->v[i].what);
		ok = json_array_append_new(list, line) == 0 && ok;
	}
	return put(o, "history", list) && ok;
}

enum res
export_packet(struct export *x, const struct packet *p, struct span text, const struct mms *mms,
    const struct events *history)
{
	json_t *o = json_object();
	bool ok = put_text(o, "id", p->id) && put_text(o, "kind", packet_kind_name(p->kind)) &&
	    put_text(o, "to", p->recipient) && put_text(o, "state", packet_state_name(p->state));

	ok = ok && put_at(o, "created", p->created_at) && put_at(o, "due", p->due_at) &&
	    put_at(o, "expires", p->expires_at) && put_at(o, "sent", p->sent_at) &&
	    put_at(o, "finished", p->finished_at);
	ok = ok && put_text(o, "zone", p->zone) && put_offline(o, p->offline) &&
	    put(o, "attempts", json_integer(p->attempts)) &&
	    put_text(o, "recurrence", p->series) && put_text(o, "gateway", p->gateway) &&
	    put_text(o, "gateway_id", p->gateway_ref);
	ok = ok && put_body(o, text, mms) && put_history(o, history);
	return add(x, LIST_PACKETS, o, ok);
}

enum res
export_end(struct export *x)
{
	enter(x, LIST_PACKETS);
	return buf_text(x->out, "]}\n") == RES_OK && !x->out->failed ? RES_OK : RES_NOMEM;
}
