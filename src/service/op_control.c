/* What operators do to the daemon itself: another configuration, draining it, ending it. */
#include <stdio.h>
#include <string.h>

#include "service/operators.h"

const char *
op_control_when_told(const struct service *s)
{
	return s->draining ? " after `drain off`; the log says it at once" : "";
}

/* -- reload ------------------------------------------------------------------------------------ */

void
op_reload(struct run *r)
{
	struct service *s = r->s;

	snprintf(s->reloading, sizeof(s->reloading), "%s", r->who->jid.bare);
	s->host->ops->reload(s->host);
	reply_done(r, NOTE_INFO, "It is read; you are told how that went%s.",
	    op_control_when_told(s));
}

void
op_reloaded(void *arg, bool ok, const char *why)
{
	struct service *s = arg;
	struct buf text = { .max = 16384 };

	if (s->reloading[0] == '\0' || service_halted(s))
		return;
	if (ok)
		buf_text(&text, "The configuration was read again and is in force.");
	else
		buf_printf(&text, "The old configuration stays in force:\n%s", why);
	notify_user(s, s->reloading, buf_as_span(&text));
	s->reloading[0] = '\0';
	buf_free(&text);
}

const struct host_events service_host_events = { .reloaded = op_reloaded };

/* -- drain ------------------------------------------------------------------------------------- */

static void
undrain(struct run *r)
{
	struct service *s = r->s;
	struct store *st = s->env.store;
	int64_t n;

	s->draining = s->drained = false;
	/* To what was due meanwhile we were away. */
	s->awake_since = r->now;
	if (s->able_since != 0)
		s->able_since = r->now;
	/* Presence may have changed unheeded: all that is held is looked at. */
	if (st->ops->wake(st, NULL, OFFLINE_END, r->now, &n) != RES_OK) {
		s->broken = true;
		return;
	}
	if (s->messenger->ops->ready(s->messenger))
		settle_ready(s);
	service_look_again(s);
	reply_done(r, NOTE_INFO, "It goes on: messages are accepted and sent again.");
}

void
op_drain(struct run *r)
{
	struct service *s = r->s;
	struct span state = span_trim(span_of(r->in != NULL ? form_get(r->in, "state") : ""));

	if (state.len > 0 && !span_caseeq(state, SPAN("on")) && !span_caseeq(state, SPAN("off")))
		reply_done(r, NOTE_ERROR, "Write drain, or drain off.");
	else if (span_caseeq(state, SPAN("off"))) {
		if (s->drained)
			undrain(r);
		else
			reply_done(r, NOTE_INFO, s->draining ? "The service is being stopped."
							     : "It is not drained.");
	} else if (s->draining)
		reply_done(r, NOTE_INFO, "It is drained already; `drain off` ends that.");
	else {
		service_drain(s);
		s->drained = true;
		reply_done(r, NOTE_INFO,
		    "Nothing new is accepted or sent, and what is in flight is finished. `drain off` ends that; `shutdown` stops the service.");
	}
}

void
op_control_end_turn(struct service *s, bool on_disk)
{
	if (!on_disk && s->drained != s->was_drained)
		s->draining = s->drained = s->was_drained;
	s->was_drained = s->drained;
}

/* -- shutdown ---------------------------------------------------------------------------------- */

static void
ask(struct run *r, const char *error)
{
	static const char title[] = "Stop the service",
			  instructions[] =
			      "This stops the service: what is in flight is finished, and nothing is accepted or sent until it is started again.";
	struct form *f = &r->reply->form;

	r->reply->kind = REPLY_FORM;
	f->title = title;
	f->instructions = instructions;
	if (error != NULL)
		reply_again(r, title, instructions, error);
	r->reply->wrong = error != NULL ? "confirm" : NULL;
	form_value(f, form_add(f, FIELD_BOOLEAN, "confirm", "Stop it"), "0");
}

void
op_shutdown(struct run *r)
{
	struct service *s = r->s;

	if (r->stage == COMMAND_ASK)
		ask(r, NULL);
	else if (!reply_is_confirmed(r->in))
		ask(r, "Nothing was stopped: say yes to it first.");
	else {
		s->host->ops->shutdown(s->host);
		reply_done(r, NOTE_INFO, "The service stops when what is in flight is finished.");
	}
}
