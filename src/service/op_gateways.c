/* The gateways, as operators see them: how they are, pausing them, and a test message. */
#include <stdio.h>
#include <string.h>

#include "core/msisdn.h"
#include "service/operators.h"

#define TITLE "Pause, resume or test a gateway"

static const struct routing *
routing(const struct service *s)
{
	return &s->config->routing;
}

/* Its index, or GATEWAYS_MAX. */
static size_t
named(const struct service *s, struct span name)
{
	for (size_t i = 0; i < routing(s)->ngateways; i++)
		if (span_eq(span_of(routing(s)->gateways[i].name), name))
			return i;
	return GATEWAYS_MAX;
}

/* -- How they are ------------------------------------------------------------------------------ */

static void
print_state(struct buf *out, const struct gateway_state *state)
{
	if (state->paused)
		buf_text(out, "paused by an operator");
	else if (state->open)
		buf_text(out, "open");
	else {
		buf_printf(out, "closed%s, tried again in ",
		    state->halted ? ", and needs somebody to look at it" : " for now");
		when_print_wait(out, state->resumes_ms);
	}
}

static void
add_gateway(struct run *r, size_t i)
{
	static const char *const names[OUTCOME_END] = {
		[OUTCOME_ACCEPTED] = "accepted",
		[OUTCOME_PERMANENT] = "refused",
		[OUTCOME_NOT_PROCESSED] = "not processed",
		[OUTCOME_UNKNOWN] = "uncertain",
	};
	struct service *s = r->s;
	struct gateway_state state = s->gateways->ops->state(s->gateways, i);
	const char *name = routing(s)->gateways[i].name;
	struct buf text = { .max = 4096 };

	buf_printf(&text, "%s: ", name);
	print_state(&text, &state);
	buf_printf(&text, "; %zu waiting for it, %zu in flight; since the start", s->lanes[i].n,
	    state.inflight);
	for (int o = 0; o < OUTCOME_END; o++)
		buf_printf(&text, "%s %llu %s", o > 0 ? "," : "",
		    (unsigned long long)state.outcomes[o], names[o]);
	if (state.trouble != NULL)
		buf_printf(&text, "; its last trouble: %s", state.trouble);
	reply_plain(r, name, NULL, buf_str(&text));
	buf_free(&text);
}

void
op_gateways_list(struct run *r)
{
	size_t n = routing(r->s)->ngateways;

	r->reply->form.title = "Gateways";
	for (size_t i = 0; i < n; i++)
		add_gateway(r, i);
	if (n == 0)
		reply_done(r, NOTE_INFO, "There are no gateways; the configuration names them.");
	else
		reply_done(r, NOTE_INFO, "%zu gateway%s.", n, n == 1 ? "" : "s");
}

/* -- Pausing ----------------------------------------------------------------------------------- */

static void
print_key(char key[128], const char *name)
{
	snprintf(key, 128, "paused %s", name);
}

void
op_gateways_recall(struct service *s)
{
	struct store *st = s->env.store;
	char key[128];

	for (size_t i = 0; i < routing(s)->ngateways && !s->broken; i++) {
		struct buf value = { 0 };
		bool paused;
		enum res res;

		print_key(key, routing(s)->gateways[i].name);
		res = st->ops->meta(st, key, &value);
		paused = res == RES_OK && strcmp(buf_str(&value), "yes") == 0;
		if (res != RES_OK && res != RES_NOTFOUND)
			s->broken = true;
		else if (s->gateways->ops->state(s->gateways, i).paused != paused)
			s->gateways->ops->pause(s->gateways, i, paused);
		buf_free(&value);
	}
}

static void
set_paused(struct run *r, size_t i, bool paused)
{
	struct service *s = r->s;
	struct store *st = s->env.store;
	const char *name = routing(s)->gateways[i].name;
	struct buf words = { .max = 1024 }, cause = { .max = 64 };
	char key[128];
	int64_t n;

	print_key(key, name);
	if (st->ops->set_meta(st, key, paused ? "yes" : "no") != RES_OK ||
	    (!paused && st->ops->wake_paid(st, r->now, &n) != RES_OK)) {
		s->broken = true;
		return;
	}
	s->gateways->ops->pause(s->gateways, i, paused);
	s->rearm = true;
	if (paused) {
		buf_printf(&words,
		    "Gateway %s is paused by %s: what is due waits, or goes through another gateway of its route.",
		    name, r->who->jid.bare);
		reply_done(r, NOTE_INFO,
		    "Gateway %s is paused: what is due waits, or goes through another gateway of its route. `gateway %s resume` ends that.",
		    name, name);
		buf_printf(&cause, "%s paused", name);
		notify_admins(s, buf_str(&cause), buf_str(&words));
	} else
		reply_done(r, NOTE_INFO, "Gateway %s is open: what waits for it leaves.", name);
	buf_free(&cause);
	buf_free(&words);
}

/* -- A test message ---------------------------------------------------------------------------- */

/* An id that no packet has, though another may get it later. */
static bool
make_id(struct service *s, char id[PACKET_ID_LEN + 1])
{
	uint8_t random[PACKET_ID_LEN];
	struct packets ps = { 0 };
	enum res res = RES_OK;

	for (int try = 0; try < 8 && res == RES_OK; try++) {
		s->env.random(random, sizeof(random));
		packet_id_make(id, random);
		res = s->env.store->ops->get(s->env.store, id, &ps);
	}
	packets_free(&ps);
	return res == RES_NOTFOUND;
}

/* It is no packet: nobody's quota counts it, nothing repeats it, and a crash forgets it. */
static void
test(struct run *r, size_t i, const char *number)
{
	struct service *s = r->s;
	struct testing *t = &s->testing;
	const char *name = routing(s)->gateways[i].name;
	struct buf text = { .max = 512 }, why = { .max = 1024 };
	struct submission sub = {
		.id = t->id, .recipient = number, .kind = KIND_SMS,
		.created_at = r->now, .expires_at = r->now + HOUR_MS,
	};
	enum res res;

	*t = (struct testing){ .fresh = true };
	if (!make_id(s, t->id)) {
		t->id[0] = '\0';
		reply_trouble(r);
		return;
	}
	snprintf(t->operator, sizeof(t->operator), "%s", r->who->jid.bare);
	snprintf(t->gateway, sizeof(t->gateway), "%s", name);
	buf_printf(&text, "Test of gateway %s, by %s", name, s->config->address);
	sub.body = buf_as_span(&text);
	res = s->gateways->ops->submit(s->gateways, i, &sub, &why);
	if (res == RES_OK)
		reply_done(r, NOTE_INFO,
		    "A test message to %s leaves through %s; you are told its outcome.", number, name);
	else {
		t->id[0] = '\0';
		reply_done(r, NOTE_ERROR, "Nothing was sent: %s",
		    res == RES_INVALID ? buf_str(&why)
				       : "the gateway takes nothing now; `gateways` shows why.");
	}
	buf_free(&text);
	buf_free(&why);
}

bool
op_gateways_tested(struct service *s, const char *id, enum outcome outcome, const char *ref,
    const char *words)
{
	static const char *const meanings[OUTCOME_END] = {
		[OUTCOME_ACCEPTED] = "was sent",
		[OUTCOME_PERMANENT] = "was refused",
		[OUTCOME_NOT_PROCESSED] = "was not taken",
		[OUTCOME_UNKNOWN] = "may or may not have been sent",
	};
	struct testing *t = &s->testing;
	struct buf text = { .max = 4096 };

	if (t->id[0] == '\0' || strcmp(t->id, id) != 0)
		return false;
	buf_printf(&text, "The test message through %s %s", t->gateway, meanings[outcome]);
	if (words != NULL && *words != '\0')
		buf_printf(&text, ": %s", words);
	if (ref != NULL && *ref != '\0')
		buf_printf(&text, " (its id there: %s)", ref);
	buf_text(&text, ".");
	notify_user(s, t->operator, buf_as_span(&text));
	/* Should the turn fail, it is reported again. */
	t->over = true;
	buf_free(&text);
	return true;
}

void
op_gateways_end_turn(struct service *s, bool on_disk)
{
	struct testing *t = &s->testing;

	if (on_disk ? t->over : t->fresh)
		t->id[0] = '\0';
	t->fresh = t->over = false;
}

/* -- The command ------------------------------------------------------------------------------- */

enum action { ACTION_PAUSE, ACTION_RESUME, ACTION_TEST, ACTION_END };

static const struct {
	const char *word, *label;
} actions[ACTION_END] = {
	[ACTION_PAUSE] = { "pause", "pause it" },
	[ACTION_RESUME] = { "resume", "resume it, whatever closed it" },
	[ACTION_TEST] = { "test", "send a test message" },
};

static void
ask(struct run *r, const char *wrong, const char *error)
{
	static const char instructions[] =
	    "A paused gateway stays so until it is resumed, over a restart as well.  A test message needs a number.";
	struct form *f = &r->reply->form;
	struct field *fd;

	if (routing(r->s)->ngateways == 0) {
		op_gateways_list(r);
		return;
	}
	r->reply->kind = REPLY_FORM;
	f->title = TITLE;
	f->instructions = instructions;
	if (error != NULL)
		reply_again(r, TITLE, instructions, error);
	r->reply->wrong = wrong;
	if ((fd = form_add(f, FIELD_LIST, "name", "Gateway")) == NULL)
		return;
	fd->required = true;
	for (size_t i = 0; i < routing(r->s)->ngateways; i++)
		form_option(f, fd, routing(r->s)->gateways[i].name, NULL);
	if ((fd = form_add(f, FIELD_LIST, "action", "What to do")) == NULL)
		return;
	fd->required = true;
	for (int i = 0; i < ACTION_END; i++)
		form_option(f, fd, actions[i].word, actions[i].label);
	form_add(f, FIELD_TEXT, "number", "Number to test with, like +4917012345678");
}

static void
confirm_test(struct run *r, size_t i, const char *number)
{
	struct form *f = &r->reply->form;

	r->reply->kind = REPLY_CONFIRM;
	r->reply->asks = true;
	f->title = TITLE;
	f->instructions = "This sends an SMS, which may cost money.";
	r->reply->note_type = NOTE_WARN;
	buf_text(&r->reply->note, f->instructions);
	reply_row(r, "name", "Through", routing(r->s)->gateways[i].name);
	reply_row(r, "number", "To", number);
}

static void
test_or_ask(struct run *r, size_t i)
{
	struct service *s = r->s;
	struct span text = span_trim(span_of(form_get(r->in, "number")));
	char number[MSISDN_MAX + 1];
	struct buf why = { .max = 1024 };

	if (text.len == 0)
		ask(r, "number", "A test message needs a number to go to.");
	else if (msisdn_parse(number, text, s->config->country, &why) != RES_OK)
		ask(r, "number", buf_str(&why));
	else if (s->draining)
		reply_done(r, NOTE_ERROR, "Nothing is sent while the service is drained.");
	else if (s->testing.id[0] != '\0')
		reply_done(r, NOTE_ERROR, "Another test is under way: wait for its outcome.");
	else if (r->stage == COMMAND_CHECK)
		confirm_test(r, i, number);
	else
		test(r, i, number);
	buf_free(&why);
}

void
op_gateways_control(struct run *r)
{
	struct span name = span_trim(span_of(r->in != NULL ? form_get(r->in, "name") : ""));
	struct span word = span_trim(span_of(r->in != NULL ? form_get(r->in, "action") : ""));
	size_t i, action = 0;

	if (r->stage == COMMAND_ASK) {
		ask(r, NULL, NULL);
		return;
	}
	i = named(r->s, name);
	while (action < ACTION_END && !span_caseeq(word, span_of(actions[action].word)))
		action++;
	if (i == GATEWAYS_MAX)
		ask(r, "name", "There is no gateway of this name; `gateways` shows them.");
	else if (action == ACTION_END)
		ask(r, "action", "What to do is pause, resume or test.");
	else if (action == ACTION_TEST)
		test_or_ask(r, i);
	else
		set_paused(r, i, action == ACTION_PAUSE);
}
