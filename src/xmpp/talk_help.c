/* What can be written to the bot. */
#include "xmpp/talk_private.h"

#include <string.h>

#include "core/chat.h"

#define WELCOME \
	"Write to me now what is to be delivered later, like:\n" \
	"im tomorrow 9:00 romeo@example.net Good morning\n" \
	"For more about a command, write help and its name, like: help im. You may write:\n"
#define ALL_ELSE "Write help for all that you may write."

static const struct command_info *
visible(const struct hearing *h, const char *word)
{
	const struct talks_env *env = &h->t->env;
	const struct command_info *cmd;

	for (size_t i = 0; (cmd = env->ops->visible(env->commands, h->who, i)) != NULL; i++)
		if (strcmp(cmd->name, word) == 0)
			return cmd;
	return NULL;
}

static const char *
usage_of(const struct command_info *cmd)
{
	return cmd->usage != NULL ? cmd->usage : cmd->name;
}

/* -- Suggestions ------------------------------------------------------------------------------- */

struct nearest {
	const char *word, *name;
	unsigned distance;
};

/* Of short words, other short words are always near. */
static void
consider(struct nearest *n, const char *name)
{
	unsigned distance = chat_distance(n->word, name);
	size_t len = strlen(n->word);

	if (distance < n->distance && distance <= (len < 3 ? 1 : len < 6 ? 2 : 3) && distance < len)
		*n = (struct nearest){ n->word, name, distance };
}

void
talk_unknown(struct hearing *h, const char *word)
{
	const struct talks_env *env = &h->t->env;
	struct nearest n = { .word = word, .distance = 4 };
	const struct command_info *cmd;

	consider(&n, "help");
	consider(&n, "abort");
	for (size_t i = 0; (cmd = env->ops->visible(env->commands, h->who, i)) != NULL; i++)
		consider(&n, cmd->name);
	buf_printf(&h->out, "I know no command “%s”. ", word);
	if (n.name != NULL)
		buf_printf(&h->out, "Did you mean: %s? ", n.name);
	buf_text(&h->out, ALL_ELSE);
}

/* -- Help -------------------------------------------------------------------------------------- */

static void
add_settable(struct buf *out, const char *settable)
{
	size_t len;

	for (const char *p = settable + strspn(settable, " "); *p != '\0'; p += strspn(p, " ")) {
		len = strcspn(p, " ");
		buf_printf(out, "%s%.*s", p == settable ? "" : ", ", (int)len, p);
		p += len;
	}
}

static bool
has_place(const struct command_info *cmd, enum place_kind kind)
{
	for (const struct place *p = cmd->places; p->kind != PLACE_END; p++)
		if (p->kind == kind)
			return true;
	return false;
}

void
talk_usage(struct hearing *h, const struct command_info *cmd)
{
	buf_printf(&h->out, "Write: %s", usage_of(cmd));
	if (cmd->settable == NULL || *cmd->settable == '\0')
		return;
	buf_text(&h->out, has_place(cmd, PLACE_FIELD)
	    ? "\nWhat can be set: "
	    : "\nWhat can be added as name=value: ");
	add_settable(&h->out, cmd->settable);
}

static void
help_command(struct hearing *h, const struct command_info *cmd)
{
	struct buf *out = &h->out;

	buf_printf(out, "%s — %s", usage_of(cmd), cmd->title);
	if (cmd->help != NULL)
		buf_printf(out, "\n%s", cmd->help);
	if (cmd->settable == NULL || *cmd->settable == '\0')
		return;
	buf_text(out, has_place(cmd, PLACE_FIELD)
	    ? "\nWhat can be set: "
	    : "\nWhat can be added as name=value, with quotes around a value that has spaces: ");
	add_settable(out, cmd->settable);
}

static void
help_all(struct hearing *h)
{
	const struct talks_env *env = &h->t->env;
	const struct command_info *cmd;

	buf_text(&h->out, WELCOME);
	for (size_t i = 0; (cmd = env->ops->visible(env->commands, h->who, i)) != NULL; i++)
		buf_printf(&h->out, "\n%s — %s", usage_of(cmd), cmd->title);
}

void
talk_help(struct hearing *h, struct span topic)
{
	char word[CHAT_WORD_MAX + 1];
	const struct command_info *cmd;
	struct span rest;
	enum res res = chat_word(topic, word, &rest);

	if (res == RES_NOTFOUND || (res == RES_OK && strcmp(word, "help") == 0)) {
		help_all(h);
		return;
	}
	cmd = res == RES_OK ? visible(h, word) : NULL;
	if (cmd != NULL)
		help_command(h, cmd);
	else if (res == RES_OK)
		talk_unknown(h, word);
	else
		buf_text(&h->out, "I know no such command. " ALL_ELSE);
}
