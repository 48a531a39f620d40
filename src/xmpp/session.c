#include "xmpp/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

/* How long an expired session is told from one that never was. */
#define REMEMBER_MS HOUR_MS

struct user {
	char *bare;
	size_t n;
	struct member *members; /* by last use, oldest first */
	UT_hash_handle hh;
};

/* A live session is in the list of its user and in `live`, an expired one in `expired`. */
struct member {
	struct session s; /* first: it is what others hold */
	char *owner;       /* full JID */
	struct user *user; /* NULL unless live */
	int64_t since;     /* monotonic: last use, or when it expired */
	size_t bytes;      /* of the form, as they count in the sum */
	struct member *prev, *next;
	struct member *user_prev, *user_next;
	UT_hash_handle hh;
};

struct sessions {
	struct session_bounds bounds;
	const struct clock *clock;
	struct member *by_id;
	struct user *users;
	struct member *live, *expired; /* by `since`, oldest first */
	size_t nlive, nexpired, bytes;
};

const struct session_bounds session_bounds_default = {
	.idle_ms = 10 * MINUTE_MS,
	.per_user = 10,
	.total = 10000,
	.bytes = (size_t)64 << 20,
};

static struct member *
of(struct session *s)
{
	return (struct member *)s;
}

struct sessions *
sessions_new(const struct session_bounds *bounds, const struct clock *clock)
{
	struct sessions *ss = calloc(1, sizeof(*ss));

	if (ss == NULL)
		return NULL;
	ss->bounds = *bounds;
	ss->clock = clock;
	return ss;
}

/* -- Beginning --------------------------------------------------------------------------------- */

static void
member_free(struct member *m)
{
	form_free(&m->s.form);
	free(m->owner);
	free(m);
}

static bool
make_id(char id[SESSION_ID_LEN + 1])
{
	unsigned char random[SESSION_ID_LEN / 2];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return false;
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(id + 2 * i, 3, "%02x", (unsigned)random[i]);
	return true;
}

static char *
print_full(const struct jid *jid)
{
	struct buf text = { 0 };
	char *full = NULL;

	if (jid_print(&text, jid) == RES_OK)
		full = strdup(buf_str(&text));
	buf_free(&text);
	return full;
}

struct session *
session_begin(const struct asker *who, const struct command_info *cmd)
{
	struct member *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->s.cmd = cmd;
	m->owner = print_full(&who->jid);
	if (m->owner == NULL || !make_id(m->s.id)) {
		member_free(m);
		return NULL;
	}
	return &m->s;
}

/* -- Users ------------------------------------------------------------------------------------- */

static struct user *
user_get(struct sessions *ss, const char *bare)
{
	struct user *u;

	HASH_FIND_STR(ss->users, bare, u);
	if (u != NULL)
		return u;
	u = calloc(1, sizeof(*u));
	if (u == NULL || (u->bare = strdup(bare)) == NULL) {
		free(u);
		return NULL;
	}
	HASH_ADD_KEYPTR(hh, ss->users, u->bare, strlen(u->bare), u);
	if (u->hh.tbl == NULL) {
		free(u->bare);
		free(u);
		return NULL;
	}
	return u;
}

static void
user_release(struct sessions *ss, struct user *u)
{
	if (u->n > 0)
		return;
	HASH_DEL(ss->users, u);
	free(u->bare);
	free(u);
}

/* -- Ends -------------------------------------------------------------------------------------- */

static void
drop_form(struct sessions *ss, struct member *m)
{
	form_free(&m->s.form);
	m->s.confirming = false;
	ss->bytes -= m->bytes;
	m->bytes = 0;
}

/* Out of the lists of live sessions; it still can be found by its id. */
static void
leave_live(struct sessions *ss, struct member *m)
{
	struct user *u = m->user;

	DL_DELETE(ss->live, m);
	ss->nlive--;
	DL_DELETE2(u->members, m, user_prev, user_next);
	u->n--;
	m->user = NULL;
	drop_form(ss, m);
	user_release(ss, u);
}

static void
forget(struct sessions *ss, struct member *m)
{
	DL_DELETE(ss->expired, m);
	ss->nexpired--;
	HASH_DEL(ss->by_id, m);
	member_free(m);
}

static void
expire(struct sessions *ss, struct member *m)
{
	leave_live(ss, m);
	m->since = clock_mono(ss->clock);
	DL_APPEND(ss->expired, m);
	if (++ss->nexpired > ss->bounds.total)
		forget(ss, ss->expired);
}

void
session_end(struct sessions *ss, struct session *s)
{
	struct member *m = of(s);

	if (m->user != NULL) {
		leave_live(ss, m);
		HASH_DEL(ss->by_id, m);
	}
	member_free(m);
}

size_t
sessions_sweep(struct sessions *ss)
{
	int64_t now = clock_mono(ss->clock);

	while (ss->live != NULL && now - ss->live->since > ss->bounds.idle_ms)
		expire(ss, ss->live);
	while (ss->expired != NULL && now - ss->expired->since > REMEMBER_MS)
		forget(ss, ss->expired);
	return ss->nlive;
}

void
sessions_free(struct sessions **ssp)
{
	struct sessions *ss = *ssp;

	if (ss == NULL)
		return;
	while (ss->live != NULL)
		session_end(ss, &ss->live->s);
	while (ss->expired != NULL)
		forget(ss, ss->expired);
	free(ss);
	*ssp = NULL;
}

/* -- Keeping ----------------------------------------------------------------------------------- */

/* Without what readers of the form have put into its arena. */
static enum res
copy_form(struct form *out, const struct form *form)
{
	for (const struct field *fd = form->fields; fd != NULL; fd = fd->next) {
		struct field *copy = form_add(out, fd->type, fd->var, NULL);

		for (const struct value *v = fd->values; v != NULL; v = v->next)
			form_value(out, copy, v->text);
	}
	return out->arena.failed ? RES_NOMEM : RES_OK;
}

static enum res
keep_form(struct sessions *ss, struct member *m, const struct form *form)
{
	struct form copy = { 0 };
	enum res r = form == NULL ? RES_OK : copy_form(&copy, form);

	drop_form(ss, m);
	if (r != RES_OK) {
		form_free(&copy);
		return r;
	}
	m->s.form = copy;
	m->s.confirming = form != NULL;
	m->bytes = copy.arena.used;
	ss->bytes += m->bytes;
	return RES_OK;
}

/* A begun session enters the tables, a live one leaves the lists: either is to be appended. */
static enum res
enlist(struct sessions *ss, const char *bare, struct member *m)
{
	struct user *u = m->user;

	if (u != NULL) {
		DL_DELETE(ss->live, m);
		DL_DELETE2(u->members, m, user_prev, user_next);
		return RES_OK;
	}
	u = user_get(ss, bare);
	if (u == NULL)
		return RES_NOMEM;
	HASH_ADD_STR(ss->by_id, s.id, m);
	if (m->hh.tbl == NULL) {
		user_release(ss, u);
		return RES_NOMEM;
	}
	m->user = u;
	u->n++;
	ss->nlive++;
	return RES_OK;
}

static void
append(struct sessions *ss, struct member *m)
{
	m->since = clock_mono(ss->clock);
	DL_APPEND(ss->live, m);
	DL_APPEND2(m->user->members, m, user_prev, user_next);
}

void
session_touch(struct sessions *ss, struct session *s)
{
	struct member *m = of(s);

	DL_DELETE(ss->live, m);
	DL_DELETE2(m->user->members, m, user_prev, user_next);
	append(ss, m);
}

enum res
session_keep(struct sessions *ss, const struct asker *who, struct session *s,
    const struct form *form)
{
	struct member *m = of(s);

	if (keep_form(ss, m, form) != RES_OK)
		return RES_NOMEM;
	if (enlist(ss, who->jid.bare, m) != RES_OK) {
		drop_form(ss, m);
		return RES_NOMEM;
	}
	append(ss, m);
	if (m->user->n > ss->bounds.per_user && m->user->members != m)
		expire(ss, m->user->members);
	while ((ss->nlive > ss->bounds.total || ss->bytes > ss->bounds.bytes) && ss->live != m)
		expire(ss, ss->live);
	return RES_OK;
}

/* -- Finding ----------------------------------------------------------------------------------- */

struct session *
session_find(struct sessions *ss, const char *id)
{
	struct member *m;

	HASH_FIND_STR(ss->by_id, id, m);
	return m == NULL ? NULL : &m->s;
}

bool
session_is_live(const struct session *s)
{
	return ((const struct member *)s)->user != NULL;
}

bool
session_belongs(const struct session *s, const struct asker *who, const char *node)
{
	char *full = print_full(&who->jid);
	bool same = full != NULL && strcmp(full, ((const struct member *)s)->owner) == 0 &&
	    strcmp(node, s->cmd->name) == 0;

	free(full);
	return same;
}

size_t
session_form_size(const struct form *form)
{
	size_t size = 0;

	for (const struct field *fd = form->fields; fd != NULL; fd = fd->next) {
		size += strlen(fd->var);
		for (const struct value *v = fd->values; v != NULL; v = v->next)
			size += strlen(v->text);
	}
	return size;
}
