#include "core/offline.h"

static const struct {
	const char *name;
	enum offline_action action[PRESENCE_END];
	bool holds; /* waits when the recipient is away */
	bool tries; /* tries again when something on the way is down */
} choices[OFFLINE_END] = {
	[OFFLINE_AUTO] = {
		"auto",
		{
			[PRESENCE_UNKNOWN] = ACTION_SEND,
			[PRESENCE_ASKED] = ACTION_HOLD,
			[PRESENCE_ONLINE] = ACTION_SEND,
			[PRESENCE_OFFLINE] = ACTION_HOLD,
		},
		true,
		true,
	},
	[OFFLINE_HOLD] = {
		"hold",
		{
			[PRESENCE_UNKNOWN] = ACTION_ASK,
			[PRESENCE_ASKED] = ACTION_HOLD,
			[PRESENCE_ONLINE] = ACTION_SEND,
			[PRESENCE_OFFLINE] = ACTION_HOLD,
		},
		true,
		true,
	},
	[OFFLINE_SERVER] = {
		"server",
		{
			[PRESENCE_UNKNOWN] = ACTION_SEND,
			[PRESENCE_ASKED] = ACTION_SEND,
			[PRESENCE_ONLINE] = ACTION_SEND,
			[PRESENCE_OFFLINE] = ACTION_SEND,
		},
		false,
		true,
	},
	[OFFLINE_DROP] = {
		"drop",
		{
			[PRESENCE_UNKNOWN] = ACTION_DROP,
			[PRESENCE_ASKED] = ACTION_HOLD,
			[PRESENCE_ONLINE] = ACTION_SEND,
			[PRESENCE_OFFLINE] = ACTION_DROP,
		},
		false,
		false,
	},
};

/*
 * RFC 6120 section 8.3.3.  Prosody says remote-server-not-found for a refused connection too, so
 * that one may pass.
 */
static const struct condition {
	const char *name;
	enum bounce meaning;
	const char *words;
} conditions[] = {
	{ "service-unavailable", BOUNCE_AWAY,
	    "the recipient is not online, or there is no such address" },
	{ "recipient-unavailable", BOUNCE_AWAY, "the recipient is not online" },
	{ "remote-server-timeout", BOUNCE_LATER, "the recipient's server does not answer" },
	{ "remote-server-not-found", BOUNCE_LATER, "the recipient's server cannot be reached" },
	{ "resource-constraint", BOUNCE_LATER,
	    "the recipient's server has no room for more messages" },
	{ "internal-server-error", BOUNCE_LATER, "the recipient's server is in trouble" },
	{ "item-not-found", BOUNCE_NEVER, "there is no such address" },
	{ "jid-malformed", BOUNCE_NEVER, "the address is not well-formed" },
	{ "gone", BOUNCE_NEVER, "the recipient has moved away from this address" },
	{ "forbidden", BOUNCE_NEVER, "the recipient's server does not permit this message" },
	{ "not-allowed", BOUNCE_NEVER, "the recipient's server does not allow this message" },
	{ "not-authorized", BOUNCE_NEVER,
	    "the recipient does not accept messages from this address" },
	{ "not-acceptable", BOUNCE_NEVER, "the recipient does not accept this message" },
	{ "policy-violation", BOUNCE_NEVER, "the message breaks a rule of the recipient's server" },
	{ "bad-request", BOUNCE_NEVER, "the recipient's server did not understand the message" },
	{ "feature-not-implemented", BOUNCE_NEVER, "the recipient's server cannot do this" },
	{ "redirect", BOUNCE_NEVER, "the recipient asks to be written to at another address" },
	{ "registration-required", BOUNCE_NEVER,
	    "one has to register before writing to the recipient" },
	{ "subscription-required", BOUNCE_NEVER,
	    "the recipient only takes messages from their contacts" },
	{ "conflict", BOUNCE_NEVER, "the recipient's server reports a conflict" },
	{ "unexpected-request", BOUNCE_NEVER, "the recipient's server did not expect the message" },
};

static const struct condition *
condition_find(struct span name)
{
	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++)
		if (span_eq(name, span_of(conditions[i].name)))
			return &conditions[i];
	return NULL;
}

enum offline_action
offline_action(enum offline choice, enum presence presence)
{
	/* Numbers from a damaged row: keep the message. */
	if (choice < OFFLINE_AUTO || choice >= OFFLINE_END || (unsigned)presence >= PRESENCE_END)
		return ACTION_HOLD;
	return choices[choice].action[presence];
}

const char *
offline_name(enum offline choice)
{
	return choice >= OFFLINE_AUTO && choice < OFFLINE_END ? choices[choice].name : "unknown";
}

enum res
offline_parse(enum offline *out, struct span word)
{
	for (unsigned i = OFFLINE_AUTO; i < OFFLINE_END; i++)
		if (span_caseeq(word, span_of(choices[i].name))) {
			*out = (enum offline)i;
			return RES_OK;
		}
	return RES_INVALID;
}

enum bounce
bounce_meaning(struct span condition, struct span type)
{
	const struct condition *c = condition_find(condition);

	if (c != NULL)
		return c->meaning;
	return span_eq(type, SPAN("wait")) ? BOUNCE_LATER : BOUNCE_NEVER;
}

const char *
bounce_words(struct span condition)
{
	const struct condition *c = condition_find(condition);

	return c != NULL ? c->words : "the recipient's server refused the message";
}

enum bounce
bounce_for(enum offline choice, enum bounce meaning)
{
	if (choice < OFFLINE_AUTO || choice >= OFFLINE_END)
		return meaning;
	if ((meaning == BOUNCE_AWAY && !choices[choice].holds) ||
	    (meaning == BOUNCE_LATER && !choices[choice].tries))
		return BOUNCE_NEVER;
	return meaning;
}
