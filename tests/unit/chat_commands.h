/* Commands as the service declares them, for tests of chat lines. */
#ifndef LATERD_TESTS_CHAT_COMMANDS_H
#define LATERD_TESTS_CHAT_COMMANDS_H

#include <string.h>

#include "core/chat.h"

#define REPEATS "repeat rrule expires"

static const struct command_info chat_commands[] = {
	{ .name = "im", .places = { { PLACE_ADDRESSES, NULL } }, .settable = REPEATS " offline",
	    .usage = "im <when> <to>[,<to>…] <text>" },
	{ .name = "sms", .places = { { PLACE_NUMBERS, NULL } }, .settable = REPEATS,
	    .usage = "sms <when> <number>[,<number>…] <text>" },
	{ .name = "mms", .places = { { PLACE_NUMBERS, NULL } },
	    .settable = "subject media " REPEATS, .usage = "mms <when> <number> <text> <links>" },
	{ .name = "remind", .chat_only = true, .places = { { PLACE_REMINDER, NULL } },
	    .settable = REPEATS, .usage = "remind <when> <text>" },
	{ .name = "show", .places = { { PLACE_WORD, "id" } }, .usage = "show <id>" },
	{ .name = "edit", .places = { { PLACE_WORD, "id" }, { PLACE_FIELD, NULL } },
	    .settable = "to when subject body media offline which " REPEATS,
	    .usage = "edit <id> <field> <value>" },
	{ .name = "cancel", .places = { { PLACE_WORDS, "ids" } }, .settable = "which",
	    .usage = "cancel <id> …" },
	{ .name = "settings", .places = { { PLACE_FIELD, NULL } },
	    .settable = "zone language notify offline hours", .usage = "settings <field> <value>" },
	{ .name = "list", .usage = "list" },
	{ .name = "forget", .has_form = true, .usage = "forget" },
	{ .name = "limits", .places = { { PLACE_WORD, "jid" }, { PLACE_WORD, "kind" } },
	    .settable = "day month", .usage = "limits <who> <kind> day=N month=N" },
	{ .name = "gateway",
	    .places = { { PLACE_WORD, "name" }, { PLACE_WORD, "action" }, { PLACE_WORD, "number" } },
	    .usage = "gateway <name> pause|resume|test" },
	{ .name = "backup", .places = { { PLACE_REST, "file" } }, .usage = "backup <file>" },
	{ .name = "to", .places = { { PLACE_ADDRESSES, NULL } }, .settable = "to when",
	    .usage = "to" },
	/* No usage. */
	{ .name = "odd",
	    .places = { { PLACE_WORD, "a" }, { PLACE_REST, "body" } }, .settable = "a b body" },
};

#define NCHAT_COMMANDS (sizeof(chat_commands) / sizeof(chat_commands[0]))

static inline const struct command_info *
chat_command(const char *name)
{
	for (size_t i = 0; i < NCHAT_COMMANDS; i++)
		if (strcmp(chat_commands[i].name, name) == 0)
			return &chat_commands[i];
	return NULL;
}

#endif
