/* What the server lets us do more than others (XEP-0356), and how we come to see presence. */
#include <string.h>

#include "base/log.h"
#include "xmpp/component_private.h"
#include "xmpp/stanza.h"

#define ABOUT_MS (30 * SECOND_MS)

/* -- Privileges -------------------------------------------------------------------------------- */

static void
on_about(void *arg, const struct request_answer *a)
{
	struct component *c = arg;
	xmpp_stanza_t *child;

	if (a->end != REQUEST_RESULT)
		return;
	child = stanza_child(a->iq, "query", NS_DISCO_INFO);
	for (child = child == NULL ? NULL : xmpp_stanza_get_children(child); child != NULL;
	    child = xmpp_stanza_get_next(child))
		if (stanza_is(child, "feature", NULL) &&
		    strcmp(stanza_attr(child, "var"), "msgoffline") == 0)
			privilege_note_keeps(c->privilege, a->from);
}

/*
 * Where the end of a session may go unsaid, a message as the user is lost if it comes too late,
 * unless the server keeps it.
 */
static void
ask_about(struct component *c, const char *domain)
{
	struct request rq = {
		.type = "get",
		.from = c->address.domain,
		.to = domain,
		.timeout_ms = ABOUT_MS,
		.fn = on_about,
		.arg = c,
	};

	if (!privilege_has(c->privilege, domain, PRIVILEGE_SEND) ||
	    privilege_scope(c->privilege, domain) != SCOPE_SOME)
		return;
	rq.child = stanza_new(c->ctx, "query", NS_DISCO_INFO);
	(void)requests_ask(c->requests, &rq);
}

void
component_granted(struct component *c, const char *domain, xmpp_stanza_t *message)
{
	struct buf before = { 0 }, after = { 0 };

	privilege_print(c->privilege, domain, &before);
	if (privilege_learn(c->privilege, domain, message)) {
		privilege_print(c->privilege, domain, &after);
		/* Once a connection, unless it changes. */
		if (strcmp(buf_str(&before), buf_str(&after)) != 0)
			log_note("%s lets us: %s", domain,
			    after.len == 0 ? "nothing any more" : buf_str(&after));
		tracker_scope(c->tracker, domain, privilege_scope(c->privilege, domain));
		ask_about(c, domain);
	}
	buf_free(&before);
	buf_free(&after);
}

void
component_refused(struct component *c, const char *domain, enum privilege_to what,
    const char *condition)
{
	static const struct {
		const char *what, *instead, *look;
	} words[PRIVILEGE_NTO] = {
		[PRIVILEGE_SEND] = { "send as its users", "messages come from our own address",
		    "mod_privilege has to allow message \"outgoing\", in Prosody on the host and "
		    "on the component" },
		[PRIVILEGE_ROSTER] = { "write rosters", "recipients are asked for a subscription",
		    "mod_privilege has to allow roster \"both\"; ejabberd before 23.10 cannot do "
		    "it: take roster out of its mod_privilege there" },
		[PRIVILEGE_SLOT] = { "ask for upload slots as its users",
		    "slots are asked for in our own name",
		    "mod_privilege has to allow iq \"urn:xmpp:http:upload:0\" \"get\"" },
	};

	if (privilege_revoke(c->privilege, domain, what))
		log_warn("%s does not let us %s: %s, though it says that it does; until we connect "
		    "again %s (%s)", domain, words[what].what, condition, words[what].instead,
		    words[what].look);
}

static bool
is_one_of(const char *word, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

static void
on_roster_refused(void *arg, const char *domain, xmpp_stanza_t *error)
{
	/* Others are about one user, or the moment.  The last is that of ejabberd before 23.10. */
	static const char *const may_not[] = { "forbidden", "not-allowed", "not-authorized",
		"feature-not-implemented", "internal-server-error", NULL };
	const char *condition = stanza_condition(error);

	if (is_one_of(condition, may_not))
		component_refused(arg, domain, PRIVILEGE_ROSTER, condition);
}

void
component_slot_refused(void *arg, const char *domain, xmpp_stanza_t *error)
{
	/* Prosody says internal-server-error when the service itself does not answer. */
	static const char *const may_not[] = { "forbidden", "not-allowed", "not-authorized",
		"feature-not-implemented", "bad-request", NULL };
	const char *condition = stanza_condition(error);

	if (is_one_of(condition, may_not))
		component_refused(arg, domain, PRIVILEGE_SLOT, condition);
}

/* -- Subscriptions ----------------------------------------------------------------------------- */

static xmpp_stanza_t *
presence_from_bot(struct component *c, const char *type, const char *to)
{
	xmpp_stanza_t *st = stanza_new(c->ctx, "presence", NULL);

	if (st == NULL)
		return NULL;
	if (xmpp_stanza_set_type(st, type) == XMPP_EOK &&
	    xmpp_stanza_set_from(st, buf_str(&c->bot)) == XMPP_EOK &&
	    xmpp_stanza_set_to(st, to) == XMPP_EOK)
		return st;
	xmpp_stanza_release(st);
	return NULL;
}

static void
ask_user(void *arg, const char *user, const char *words)
{
	struct component *c = arg;
	xmpp_stanza_t *st = presence_from_bot(c, "subscribe", user);

	if (st == NULL)
		return;
	stanza_add_text(st, "status", words);
	stanza_text(stanza_add(st, "nick", "http://jabber.org/protocol/nick"), c->config.name);
	component_send(c, st);
}

static void
on_granted(void *arg, const char *user)
{
	struct component *c = arg;

	c->env.events->contact(c->env.events_arg, user, CONTACT_GRANTED);
}

bool
component_build_rosters(struct component *c)
{
	const struct rosters_env env = {
		.ctx = c->ctx,
		.requests = c->requests,
		.privilege = c->privilege,
		.from = c->address.domain,
		.contact = buf_str(&c->bot),
		.name = c->config.name,
		.granted = on_granted,
		.ask = ask_user,
		.refused = on_roster_refused,
		.arg = c,
	};

	c->rosters = rosters_new(&env);
	return c->rosters != NULL;
}

void
component_subscribe(struct component *c, const char *recipient, const char *words)
{
	if (!rosters_subscribe(c->rosters, recipient, words))
		ask_user(c, recipient, words);
}

void
component_unsubscribe(struct component *c, const char *recipient)
{
	rosters_leave(c->rosters, recipient);
	component_send(c, presence_from_bot(c, "unsubscribe", recipient));
	tracker_unwatch(c->tracker, recipient);
}
