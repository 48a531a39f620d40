#include "world.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/parse.h"
#include "server.h"
#include "xmpp/parser.h"

/* What one instant may take to come to rest, before the test is taken to run in circles. */
#define ROUNDS_MAX 100000

/* -- Time ----------------------------------------------------------------------------------------------------------------------- */

static int64_t
wall_ms(void *arg)
{
	return ((struct world *)arg)->wall;
}

static int64_t
mono_ms(void *arg)
{
	return ((struct world *)arg)->mono;
}

int64_t
world_utc(const char *utc)
{
	struct tm tm = { 0 };

	assert_non_null(strptime(utc, "%Y-%m-%dT%H:%M:%SZ", &tm));
	return (int64_t)timegm(&tm) * 1000;
}

const char *
world_clock_text(struct world *w, int64_t at)
{
	time_t seconds = at / 1000;
	char text[32];
	struct tm tm;

	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));
	return arena_printf(&w->arena, "%s.%03dZ", text, (int)(at % 1000));
}

void
world_settle(struct world *w)
{
	int rounds = 0;

	do {
		event_base_loop(w->base, EVLOOP_NONBLOCK);
		assert_true(++rounds < ROUNDS_MAX);
	} while (event_base_get_num_events(w->base, EVENT_BASE_COUNT_ACTIVE) > 0 || phones_move(&w->phones));
}

static int64_t
next_of(const struct world *w)
{
	int64_t ours = w->laterd != NULL ? laterd_next(w->laterd) : NEVER_MS, theirs = server_next(w);

	return ours < theirs ? ours : theirs;
}

void
world_advance(struct world *w, int64_t ms)
{
	int64_t end = w->mono + ms, next;
	int rounds = 0;

	world_settle(w);
	while ((next = next_of(w)) <= end) {
		if (next > w->mono) {
			w->wall += next - w->mono;
			w->mono = next;
			rounds = 0;
		}
		assert_true(++rounds < ROUNDS_MAX);
		server_step(w);
		if (w->laterd != NULL)
			laterd_step(w->laterd);
		world_settle(w);
	}
	w->wall += end - w->mono;
	w->mono = end;
}

void
world_advance_to(struct world *w, const char *utc)
{
	assert_true(world_utc(utc) >= w->wall);
	world_advance(w, world_utc(utc) - w->wall);
}

void
world_advance_in_silence(struct world *w, int64_t ms)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);

	if (getenv("WORLD_LOG") == NULL)
		dup2(null, STDERR_FILENO);
	world_advance(w, ms);
	dup2(kept, STDERR_FILENO);
	close(kept);
	close(null);
}

void
world_log_begin(struct world *w)
{
	char path[sizeof(w->dir) + 8];

	snprintf(path, sizeof(path), "%s/log", w->dir);
	w->log = open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
	assert_true(w->log > 0);
	w->own_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	dup2(w->log, STDERR_FILENO);
	log_open(LOG_TO_STDERR, LOG_NOTE);
}

static void
log_restore(struct world *w)
{
	if (w->log == 0)
		return;
	dup2(w->own_stderr, STDERR_FILENO);
	close(w->own_stderr);
	close(w->log);
	w->log = w->own_stderr = 0;
}

const char *
world_log_end(struct world *w)
{
	off_t len = lseek(w->log, 0, SEEK_END);
	char *text = arena_alloc(&w->arena, (size_t)len + 1);

	assert_non_null(text);
	assert_int_equal(pread(w->log, text, (size_t)len, 0), len);
	text[len] = '\0';
	log_restore(w);
	log_open(LOG_TO_STDERR, LOG_ERROR);
	return text;
}

void
world_jump(struct world *w, int64_t ms)
{
	w->wall += ms;
	laterd_clock_changed(w->laterd);
	world_advance(w, 0);
}

/* -- The daemon ----------------------------------------------------------------------------------------------------------------- */

/* xorshift64: ids have to differ, and a failure has to come back at the next run. */
static uint64_t random_state;

static void
random_bytes(void *bytes, size_t len)
{
	for (unsigned char *p = bytes; len-- > 0; p++) {
		random_state ^= random_state << 13;
		random_state ^= random_state >> 7;
		random_state ^= random_state << 17;
		*p = (unsigned char)(random_state >> 32);
	}
}

static void
turned(void *arg)
{
	((struct world *)arg)->turns++; /* laterd_next is asked after every step */
}

static bool
reload(void *arg, struct buf *why)
{
	struct world *w = arg;

	w->reloads++;
	if (w->other == NULL)
		buf_text(why, w->other_is_wrong != NULL ? w->other_is_wrong : "there is no such file");
	return w->other != NULL && laterd_reload(w->laterd, w->other);
}

struct config *
world_other(struct world *w)
{
	struct config *c = arena_alloc(&w->arena, sizeof(*c));

	assert_non_null(c);
	*c = w->other != NULL ? *w->other : w->config;
	c->routing.gateways = c->infos;
	c->routing.routes = c->routes;
	w->other = c;
	return c;
}

bool
world_reload(struct world *w)
{
	bool ok;

	buf_reset(&w->why);
	ok = reload(w, &w->why);
	world_advance(w, 0);
	return ok;
}

int
world_try_start(struct world *w)
{
	const struct laterd_env env = {
		.clock = &w->clock, .dial = server_dial, .dial_arg = w, .random = random_bytes, .turned = turned, .turned_arg = w,
		.http = &w->phones.client, .reload = reload, .reload_arg = w,
	};

	buf_reset(&w->why);
	w->code = laterd_new(&w->config, &env, &w->laterd, &w->why);
	if (w->code == 0 && !laterd_start(w->laterd)) {
		laterd_free(&w->laterd);
		w->code = EXIT_DATABASE;
	}
	return w->code;
}

void
world_start(struct world *w)
{
	size_t before = w->connections;

	if (world_try_start(w) != 0)
		fail_msg("laterd does not start: %s", buf_str(&w->why));
	world_advance(w, 0);
	assert_true(w->server_down || w->connections == before + 1);
}

void
world_crash(struct world *w)
{
	laterd_free(&w->laterd);
	server_forget(w);
	world_settle(w);
}

void
world_restart(struct world *w)
{
	world_crash(w);
	world_start(w);
}

void
world_disk_has(struct world *w, long spare)
{
	struct rlimit limit;
	struct stat st;
	char wal[128];

	snprintf(wal, sizeof(wal), "%s-wal", w->config.store.database);
	assert_int_equal(stat(wal, &st), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = (rlim_t)(st.st_size + spare);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

void
world_disk_is_freed(void)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
on_connected(evutil_socket_t fd, short what, void *arg)
{
	struct world *w = arg;

	(void)fd, (void)what;
	bufferevent_trigger_event(w->ours, BEV_EVENT_CONNECTED, BEV_TRIG_DEFER_CALLBACKS);
}

static void
configure(struct world *w)
{
	static const char *const no_hosts[] = { NULL };
	struct config *c = &w->config;

	c->component.address = COMPONENT;
	c->component.name = "Scheduled messages";
	c->component.server = "127.0.0.1:5347";
	c->component.host = "127.0.0.1";
	c->component.port = 5347;
	c->component.secret = "secret";
	c->users.domains[0] = "example.org";
	c->users.admins[0] = "admin@example.org";
	c->store.database = arena_printf(&w->arena, "%s/laterd.db", w->dir);
	c->store.seal_key_file = arena_printf(&w->arena, "%s/seal.key", w->dir);
	c->store.keep_ms = 30 * DAY_MS;
	assert_int_equal(zone_find(&c->schedule.zone, SPAN("Europe/Berlin")), RES_OK);
	c->schedule.tick_ms = MINUTE_MS;
	c->schedule.horizon_ms = 400 * DAY_MS;
	c->schedule.late_limit_ms = DAY_MS;
	c->schedule.hold_ms = 30 * DAY_MS;
	c->schedule.repeat_min_ms = 15 * MINUTE_MS;
	c->schedule.pending_max = 1000;
	c->schedule.body_max = 10000;
	c->schedule.offline = OFFLINE_AUTO;
	for (int kind = 0; kind < KIND_END; kind++)
		c->quota[kind] = c->total[kind] = (struct quota_limit){ QUOTA_NO_LIMIT, QUOTA_NO_LIMIT };
	c->routing = (struct routing){ .gateways = c->infos, .routes = c->routes };
	c->http.host = "127.0.0.1";
	c->http.port = 5580;
	c->http.public_url = "https://reports.example";
	c->media.hosts = no_hosts;
	c->media.timeout_ms = 15 * SECOND_MS;
}

int
world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	const char *tmp = getenv("TMPDIR");

	assert_non_null(w);
	log_open(LOG_TO_STDERR, getenv("WORLD_LOG") != NULL ? LOG_DETAIL : LOG_ERROR);
	random_state = 88172645463325252;
	snprintf(w->dir, sizeof(w->dir), "%.40s/laterd-XXXXXX", tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(w->dir));
	w->arena.max = (size_t)256 << 20;
	configure(w);
	phones_init(&w->phones, w);
	w->clock = (struct clock){ wall_ms, mono_ms, w };
	w->wall = world_utc(WORLD_BEGINS);
	w->mono = 7654321;
	w->pong = true;
	w->unanswered = "";
	w->upload_max = 1 << 20;
	w->ctx = xmpp_ctx_new(NULL, NULL);
	w->base = event_base_new();
	w->connected = event_new(w->base, -1, 0, on_connected, w);
	*state = w;
	return 0;
}

/* The database, the key, and copies that tests had made. */
static void
remove_files(const struct world *w)
{
	DIR *dir = opendir(w->dir);
	char path[sizeof(w->dir) + NAME_MAX + 2];

	assert_non_null(dir);
	for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
		snprintf(path, sizeof(path), "%s/%s", w->dir, e->d_name);
		unlink(path);
	}
	closedir(dir);
	rmdir(w->dir);
}

int
world_teardown(void **state)
{
	struct world *w = *state;

	log_restore(w);
	world_crash(w);
	for (size_t i = 0; i < w->nanswers; i++)
		xmpp_stanza_release(w->answers[i]);
	remove_files(w);
	for (size_t i = 0; i < GATEWAYS_MAX; i++)
		gateway_unprepare(&w->config.gateways[i]);
	event_free(w->connected);
	event_base_free(w->base);
	xmpp_ctx_free(w->ctx);
	buf_free(&w->why);
	arena_free(&w->arena);
	free(w);
	log_close();
	return 0;
}

/* -- What happens on the stream ------------------------------------------------------------------------------------------------- */

void
world_send(struct world *w, const char *format, ...)
{
	struct buf xml = { .max = (size_t)8 << 20 };
	va_list args;

	va_start(args, format);
	assert_int_equal(buf_vprintf(&xml, format, args), RES_OK);
	va_end(args);
	server_say(w, "%s", buf_str(&xml));
	buf_free(&xml);
	world_advance(w, 0);
}

void
world_cut(struct world *w)
{
	bufferevent_trigger_event(w->ours, BEV_EVENT_READING | BEV_EVENT_EOF, BEV_TRIG_DEFER_CALLBACKS);
	world_settle(w);
	server_forget(w);
	world_advance(w, 0);
}

void
world_pong(struct world *w)
{
	w->pong = true;
	if (w->unanswered[0] != '\0')
		world_send(w, "<iq type='result' id='%s' from='example.org' to='" COMPONENT "'/>", w->unanswered);
	w->unanswered = "";
}

struct person *
world_person(struct world *w, const char *jid)
{
	struct person *p = w->people;

	while (p->jid != NULL && strcmp(p->jid, jid) != 0)
		p++;
	assert_true(p < w->people + PEOPLE_MAX);
	p->jid = jid;
	return p;
}

void
world_online(struct world *w, const char *jid)
{
	world_person(w, jid)->probe = PROBE_ONLINE;
	world_send(w, "<presence from='%s/orchard' to='" BOT "'/>", jid);
}

void
world_offline(struct world *w, const char *jid)
{
	world_person(w, jid)->probe = PROBE_OFFLINE;
	world_send(w, "<presence type='unavailable' from='%s/orchard' to='" BOT "'/>", jid);
}

void
world_receipt(struct world *w, const struct heard *m)
{
	world_send(w, "<message from='%s/orchard' to='%s' id='r-%s'><received xmlns='urn:xmpp:receipts' id='%s'/></message>",
	    m->to, m->from, m->id, m->id);
}

/* -- What has come of it -------------------------------------------------------------------------------------------------------- */

size_t
world_count(const struct world *w, const char *to)
{
	size_t n = 0;

	for (size_t i = 0; i < w->nheard; i++)
		n += strcmp(w->heard[i].to, to) == 0;
	return n;
}

const struct heard *
world_only(const struct world *w, const char *to)
{
	const struct heard *m = NULL;

	for (size_t i = 0; i < w->nheard; i++)
		if (strcmp(w->heard[i].to, to) == 0) {
			if (m != NULL)
				fail_msg("%s is sent a second message", to);
			m = &w->heard[i];
		}
	if (m == NULL)
		fail_msg("%s is sent no message", to);
	return m;
}

size_t
world_told(const struct world *w, const char *words)
{
	size_t n = 0;

	for (size_t i = 0; i < w->nheard; i++)
		n += strcmp(w->heard[i].to, JULIET) == 0 && strcmp(w->heard[i].from, BOT) == 0 &&
		    strstr(w->heard[i].body, words) != NULL;
	return n;
}

void
world_forget(struct world *w)
{
	w->nheard = w->nsignals = w->pings = w->batch_max = w->batch = 0;
}

size_t
world_signals(const struct world *w, const char *type, const char *to)
{
	size_t n = 0;

	for (size_t i = 0; i < w->nsignals; i++)
		n += strcmp(w->signals[i].type, type) == 0 && strcmp(w->signals[i].to, to) == 0;
	return n;
}

/* -- The database --------------------------------------------------------------------------------------------------------------- */

static const char *
query(struct world *w, const struct buf *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	const char *value = "";
	int rc;

	assert_int_equal(sqlite3_open(w->config.store.database, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 1000);
	if (sqlite3_prepare_v2(db, buf_str(sql), -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", buf_str(sql), sqlite3_errmsg(db));
	if ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		const unsigned char *text = sqlite3_column_text(stmt, 0);

		value = text == NULL ? "" : arena_text(&w->arena, (const char *)text);
		rc = SQLITE_DONE;
	}
	assert_int_equal(rc, SQLITE_DONE);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return value;
}

const char *
world_sql_text(struct world *w, const char *format, ...)
{
	struct buf sql = { 0 };
	const char *value;
	va_list args;

	va_start(args, format);
	buf_vprintf(&sql, format, args);
	va_end(args);
	value = query(w, &sql);
	buf_free(&sql);
	return value;
}

int64_t
world_sql(struct world *w, const char *format, ...)
{
	struct buf sql = { 0 };
	int64_t value;
	va_list args;

	va_start(args, format);
	buf_vprintf(&sql, format, args);
	va_end(args);
	value = strtoll(query(w, &sql), NULL, 10);
	buf_free(&sql);
	return value;
}

const char *
world_state(struct world *w, const char *id)
{
	return packet_state_name((enum packet_state)world_sql(w, "SELECT state FROM packet WHERE id = '%s'", id));
}

/* SCHEDULED, QUEUED, HELD, INFLIGHT */
#define WAITING_FOR \
	"FROM packet WHERE recipient = '%s' AND sender <> '" BOT "' AND state IN (1, 2, 3, 4)"

const char *
world_waiting(struct world *w, const char *to)
{
	int64_t n = world_sql(w, "SELECT count(*) " WAITING_FOR, to);

	if (n > 1)
		fail_msg("%d messages to %s are waiting", (int)n, to);
	return world_sql_text(w, "SELECT id " WAITING_FOR, to);
}

int64_t
world_due(struct world *w, const char *id)
{
	return world_sql(w, "SELECT due_at FROM packet WHERE id = '%s'", id);
}
