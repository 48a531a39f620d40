/* Limits, as operators set them: of a user, of a domain's users, of all users, of all together. */
#include <string.h>

#include "base/parse.h"
#include "service/operators.h"

#define TITLE "How much users may schedule"
#define LIMIT_MAX 1000000000

static void
ask(struct run *r, const char *wrong, const char *error)
{
	struct form *f = &r->reply->form;
	const char *instructions =
	    "Whose: an address, a domain (each of its users), default (each user), or service (all together). A number, none for no limit, default for what holds otherwise; leave both empty to see how it is.";
	struct field *fd;

	r->reply->kind = REPLY_FORM;
	f->title = TITLE;
	f->instructions = instructions;
	if (error != NULL)
		reply_again(r, TITLE, instructions, error);
	r->reply->wrong = wrong;
	if ((fd = form_add(f, FIELD_TEXT, "jid", "Whose")) == NULL)
		return;
	fd->required = true;
	if (r->in != NULL)
		form_value(f, fd, form_get(r->in, "jid"));
	if ((fd = form_add(f, FIELD_LIST, "kind", "Kind")) == NULL)
		return;
	fd->required = true;
	for (int kind = KIND_IM; kind < KIND_END; kind++)
		form_option(f, fd, packet_kind_name((enum packet_kind)kind), NULL);
	if (r->in != NULL)
		form_value(f, fd, form_get(r->in, "kind"));
	form_add(f, FIELD_TEXT, "day", "Limit a day");
	form_add(f, FIELD_TEXT, "month", "Limit a month");
}

/* -- What is meant ----------------------------------------------------------------------------- */

struct target {
	char who[JID_BARE_MAX + 1];
	struct jid jid; /* of a user, or of a domain */
	enum { OF_USER, OF_DOMAIN, OF_ALL, OF_SERVICE } of;
	enum packet_kind kind;
};

static bool
read_who(struct run *r, struct target *t)
{
	struct span text = span_trim(span_of(form_get(r->in, "jid")));

	*t = (struct target){ .of = OF_USER };
	if (span_caseeq(text, SPAN("default"))) {
		t->of = OF_ALL;
		memcpy(t->who, "default", sizeof("default"));
		return true;
	}
	if (span_caseeq(text, SPAN(QUOTA_SERVICE))) {
		t->of = OF_SERVICE;
		memcpy(t->who, QUOTA_SERVICE, sizeof(QUOTA_SERVICE));
		return true;
	}
	if (jid_parse(&t->jid, text) != RES_OK || t->jid.resource[0] != '\0')
		return false;
	t->of = t->jid.local[0] != '\0' ? OF_USER : OF_DOMAIN;
	memcpy(t->who, t->jid.bare, sizeof(t->who));
	return true;
}

static bool
read_kind(struct run *r, struct target *t)
{
	struct span text = span_trim(span_of(form_get(r->in, "kind")));

	for (int kind = KIND_IM; kind < KIND_END; kind++)
		if (span_caseeq(text, span_of(packet_kind_name((enum packet_kind)kind))))
			t->kind = (enum packet_kind)kind;
	return t->kind != 0;
}

/* What holds for it; what would without its own where `own` is false. */
static enum res
in_force(struct run *r, const struct target *t, bool own, struct quota_limit *out)
{
	const struct service_config *config = r->s->config;
	bool service = t->of == OF_SERVICE;
	const char *who[3];
	size_t n = 0;

	if (own)
		who[n++] = t->who;
	if (t->of == OF_USER)
		who[n++] = t->jid.domain;
	if (t->of == OF_USER || t->of == OF_DOMAIN)
		who[n++] = "default";
	return quota_first_of(r->s, who, n, t->kind,
	    service ? &config->total[t->kind] : &config->quota[t->kind], out);
}

/* -- Numbers ----------------------------------------------------------------------------------- */

/* *set: something is said; *own: it is no `default`. */
static bool
read_number(struct run *r, const char *var, int64_t otherwise, int64_t *out, bool *set, bool *own)
{
	struct span text = span_trim(span_of(form_get(r->in, var)));

	*own = true;
	*set = text.len > 0;
	if (text.len == 0)
		return true;
	if (span_caseeq(text, SPAN("none")))
		*out = QUOTA_NO_LIMIT;
	else if (span_caseeq(text, SPAN("default"))) {
		*out = otherwise;
		*own = false;
	} else
		return parse_int(text, 0, LIMIT_MAX, out) == RES_OK;
	return true;
}

static const char wrong_number[] =
    "A limit is a number from 0 to 1000000000, none for no limit, or default.";

/* -- The command ------------------------------------------------------------------------------- */

static void
print_number(struct buf *out, const char *name, int64_t limit)
{
	if (limit == QUOTA_NO_LIMIT)
		buf_printf(out, " %s=none", name);
	else
		buf_printf(out, " %s=%lld", name, (long long)limit);
}

static void
say(struct run *r, const struct target *t, const char *verb)
{
	struct service *s = r->s;
	struct quota_limit limit;
	struct quota_use use = { 0 };
	struct quota_period period;
	bool counted = t->of == OF_USER || t->of == OF_SERVICE;

	quota_period_at(&period, r->now, &s->config->zone);
	if (in_force(r, t, true, &limit) != RES_OK ||
	    (counted && s->env.store->ops->use(
			    s->env.store, t->who, t->kind, period.day, &use) != RES_OK)) {
		reply_trouble(r);
		return;
	}
	reply_done(r, NOTE_INFO, "%s%s %s", verb, t->who, packet_kind_name(t->kind));
	print_number(&r->reply->note, "day", limit.per_day);
	print_number(&r->reply->note, "month", limit.per_month);
	if (counted) {
		buf_text(&r->reply->note, "; used: ");
		quota_print(&r->reply->note, &use, &limit);
	}
	buf_text(&r->reply->note, ".");
}

static void
set(struct run *r, const struct target *t)
{
	struct store *st = r->s->env.store;
	struct quota_limit limit, without;
	bool day, month, own_day, own_month;
	enum res res;

	if (in_force(r, t, true, &limit) != RES_OK || in_force(r, t, false, &without) != RES_OK) {
		reply_trouble(r);
		return;
	}
	if (!read_number(r, "day", without.per_day, &limit.per_day, &day, &own_day)) {
		ask(r, "day", wrong_number);
		return;
	}
	if (!read_number(r, "month", without.per_month, &limit.per_month, &month, &own_month)) {
		ask(r, "month", wrong_number);
		return;
	}
	if (!day && !month) {
		say(r, t, "");
		return;
	}
	/* Nothing of its own is left. */
	if ((!own_day || !own_month) && limit.per_day == without.per_day &&
	    limit.per_month == without.per_month)
		res = st->ops->drop_limit(st, t->who, t->kind);
	else
		res = st->ops->set_limit(st, t->who, t->kind, &limit);
	if (res != RES_OK)
		r->s->broken = true;
	else
		say(r, t, "Set: ");
}

void
op_limits(struct run *r)
{
	struct target t;

	if (r->stage == COMMAND_ASK)
		ask(r, NULL, NULL);
	else if (!read_who(r, &t))
		ask(r, "jid", "Whose limits?  An address, a domain, default or service.");
	else if (!read_kind(r, &t))
		ask(r, "kind", "The kinds are im, sms and mms.");
	else
		set(r, &t);
}
