/* The sessions of ad-hoc commands, bounded in number, time and bytes. */
#ifndef LATERD_XMPP_SESSION_H
#define LATERD_XMPP_SESSION_H

#include "base/clock.h"
#include "core/command.h"

/* Bytes of the names and values of one submitted form: session_form_size. */
#define SESSION_FORM_MAX ((size_t)64 << 10)
#define SESSION_ID_LEN 32

struct session_bounds {
	int64_t idle_ms;      /* a session ends after so long without a word: 10 minutes */
	size_t per_user;      /* sessions of one bare JID; the oldest gives way: 10 */
	size_t total;         /* of all users; the oldest gives way: 10000 */
	size_t bytes;         /* of the forms of all sessions; the oldest gives way: 64 MiB */
};

extern const struct session_bounds session_bounds_default;

/*
 * Begun (known to its creator only), live, or expired (without its form, and remembered for an hour
 * to be told from one that never was).
 */
struct session {
	char id[SESSION_ID_LEN + 1];
	const struct command_info *cmd;
	bool confirming; /* form holds what waits for the confirmation */
	struct form form;
};

struct sessions;

/* The bounds are copied, the clock is borrowed and must outlive it.  NULL without memory. */
struct sessions *sessions_new(const struct session_bounds *bounds, const struct clock *clock);
void sessions_free(struct sessions **ss);
/* Expires and forgets what is due for it; how many are live. */
size_t sessions_sweep(struct sessions *ss);

/* NULL without memory or random bytes.  To be ended by session_end, or kept. */
struct session *session_begin(const struct asker *who, const struct command_info *cmd);
/*
 * s, begun or live, is live and the youngest; it is `confirming` with a copy of `form` (names and
 * values only; it may be s->form itself), or with none when that is NULL.  Older sessions, of `who`
 * first, expire where the bounds are passed.  RES_NOMEM: s is begun or live as before, but without
 * a form.
 */
enum res session_keep(struct sessions *ss, const struct asker *who, struct session *s,
    const struct form *form);
/* s, live, is the youngest. */
void session_touch(struct sessions *ss, struct session *s);
/* Frees s, begun or live. */
void session_end(struct sessions *ss, struct session *s);

/* Live or expired; NULL when there is none. */
struct session *session_find(struct sessions *ss, const char *id);
bool session_is_live(const struct session *s);
bool session_belongs(const struct session *s, const struct asker *who, const char *node);
size_t session_form_size(const struct form *form);

#endif
