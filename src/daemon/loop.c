#include "daemon/loop.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "daemon/laterd.h"
#include "daemon/supervisor.h"
#include "gateway/curl.h"
#include "gateway/listener.h"

/* How often a supervisor is told what we are doing, at most. */
#define STATUS_MS SECOND_MS
/* However long its patience is. */
#define ALIVE_MAX_MS MINUTE_MS

/* A configuration and the one that was in force before it. */
struct loaded {
	struct config *config;
	struct loaded *before;
};

struct loop {
	const char *path;
	struct event_base *base;
	struct event *timer, *clock_set, *status, *alive, *signals[3];
	int clock_fd;
	struct loaded *loaded;
	const struct config *start; /* whose component, store and listener stay in force */
	struct http_client *http;
	struct laterd *laterd;
	struct listener *listener;
	struct supervisor supervisor;
	bool stopping; /* the supervisor knows */
};

static void
random_bytes(void *bytes, size_t len)
{
	/*
	 * Up to 256 bytes are never cut short (getrandom(2)); without the system call nothing here
	 * is safe.
	 */
	if (getrandom(bytes, len, 0) != (ssize_t)len)
		abort();
}

static struct bufferevent *
dial(void *arg)
{
	struct loop *lo = arg;
	const struct config *c = lo->start;
	struct bufferevent *bev =
	    bufferevent_socket_new(lo->base, -1, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);

	if (bev != NULL &&
	    bufferevent_socket_connect_hostname(
		bev, NULL, AF_UNSPEC, c->component.host, c->component.port) != 0) {
		bufferevent_free(bev);
		bev = NULL;
	}
	return bev;
}

static struct timeval
in_ms(int64_t ms)
{
	if (ms < 0)
		ms = 0;
	return (struct timeval){ (time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000) };
}

/* -- The supervisor ---------------------------------------------------------------------------- */

static void
on_status(evutil_socket_t fd, short what, void *arg)
{
	struct loop *lo = arg;
	struct buf text = { 0 };

	(void)fd, (void)what;
	laterd_summary(lo->laterd, &text);
	supervisor_status(&lo->supervisor, buf_str(&text));
	buf_free(&text);
}

/* Something may have changed: what has come of it by then is told a little later. */
static void
status_later(struct loop *lo)
{
	const struct timeval tv = in_ms(STATUS_MS);

	if (lo->supervisor.fd >= 0 && !event_pending(lo->status, EV_TIMEOUT, NULL))
		event_add(lo->status, &tv);
}

/*
 * That the loop turns is all it means.  A database that cannot be written does not end it: the
 * status line and /healthz tell that, and a restart would cure neither a full nor a broken disk, but
 * would forget what gateways have answered meanwhile, so that messages whose outcome is known became
 * uncertain (doc/design.md, 18).
 */
static void
on_alive(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	supervisor_alive(&((struct loop *)arg)->supervisor);
}

static bool
watch_us(struct loop *lo)
{
	/* So that one that is lost, and one that is late, do no harm. */
	int64_t interval = lo->supervisor.watchdog_ms / 3;

	if (lo->supervisor.watchdog_ms == 0)
		return true;
	if (interval < 1)
		interval = 1;
	if (interval > ALIVE_MAX_MS)
		interval = ALIVE_MAX_MS;
	const struct timeval tv = in_ms(interval);
	lo->alive = event_new(lo->base, -1, EV_PERSIST, on_alive, lo);
	return lo->alive != NULL && event_add(lo->alive, &tv) == 0;
}

/* -- The daemon's timer ------------------------------------------------------------------------ */

static void
arm(void *arg)
{
	struct loop *lo = arg;
	int64_t wait = laterd_next(lo->laterd);

	if (laterd_is_stopping(lo->laterd) && !lo->stopping) {
		supervisor_stopping(&lo->supervisor);
		lo->stopping = true;
	}
	if (laterd_done(lo->laterd)) {
		event_base_loopexit(lo->base, NULL);
		return;
	}
	status_later(lo);
	if (wait == NEVER_MS) {
		event_del(lo->timer);
		return;
	}
	struct timeval tv = in_ms(wait - clock_mono(&clock_system));
	event_add(lo->timer, &tv);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	laterd_step(((struct loop *)arg)->laterd);
}

/* -- Steps of the wall clock: the kernel then cancels a timer (timerfd_create(2)) -------------- */

static void
watch_clock(struct loop *lo)
{
	struct itimerspec far = { .it_value.tv_sec = INT32_MAX };

	timerfd_settime(lo->clock_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL);
}

static void
on_clock_set(evutil_socket_t fd, short what, void *arg)
{
	struct loop *lo = arg;
	uint64_t expirations;

	(void)what;
	if (read(fd, &expirations, sizeof(expirations)) < 0 && errno == EAGAIN)
		return;
	watch_clock(lo);
	laterd_clock_changed(lo->laterd);
}

/* -- The configuration ------------------------------------------------------------------------- */

static bool
load(struct loop *lo, struct buf *why)
{
	struct loaded *next = calloc(1, sizeof(*next));

	if (next == NULL || config_load(lo->path, &next->config, why) != RES_OK) {
		free(next);
		if (why->len == 0)
			buf_text(why, "out of memory");
		return false;
	}
	next->before = lo->loaded;
	lo->loaded = next;
	return true;
}

static void
unload(struct loop *lo)
{
	struct loaded *last = lo->loaded;

	lo->loaded = last->before;
	config_free(&last->config);
	free(last);
}

static bool
apply(struct loop *lo, struct buf *why)
{
	bool private_media = lo->loaded->config->media.private_addresses;

	if (!load(lo, why))
		return false;
	/* Before the turn in which the rest takes effect: media may be fetched at its end. */
	curl_client_private_media(lo->http, lo->loaded->config->media.private_addresses);
	if (laterd_reload(lo->laterd, lo->loaded->config))
		return true;
	curl_client_private_media(lo->http, private_media);
	unload(lo);
	buf_text(why, "out of memory");
	return false;
}

/* The log makes one line of several. */
static void
log_refused(const struct buf *why)
{
	struct span rest = buf_as_span(why);

	while (rest.len > 0) {
		const char *end = memchr(rest.p, '\n', rest.len);
		size_t len = end == NULL ? rest.len : (size_t)(end - rest.p);

		log_error("the old configuration stays in force: %.*s", (int)len, rest.p);
		len += end == NULL ? 0 : 1;
		rest = (struct span){ rest.p + len, rest.len - len };
	}
}

static bool
reload(void *arg, struct buf *why)
{
	struct loop *lo = arg;
	bool ok;

	supervisor_reloading(&lo->supervisor);
	ok = apply(lo, why);
	if (!ok)
		log_refused(why);
	supervisor_ready(&lo->supervisor);
	return ok;
}

/* -- Signals ----------------------------------------------------------------------------------- */

static void
on_stop(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	laterd_drain(((struct loop *)arg)->laterd);
}

static void
on_reload(evutil_socket_t fd, short what, void *arg)
{
	struct buf why = { 0 };

	(void)fd, (void)what;
	reload(arg, &why);
	buf_free(&why);
}

static const struct {
	int signal;
	event_callback_fn fn;
} handlers[] = {
	{ SIGTERM, on_stop },
	{ SIGINT, on_stop },
	{ SIGHUP, on_reload },
};

/* -- Beginning and end ------------------------------------------------------------------------- */

static bool
make_events(struct loop *lo)
{
	bool ok;

	signal(SIGPIPE, SIG_IGN);
	lo->base = event_base_new();
	if (lo->base == NULL)
		return false;
	lo->timer = evtimer_new(lo->base, on_timer, lo);
	lo->status = evtimer_new(lo->base, on_status, lo);
	ok = lo->timer != NULL && lo->status != NULL && watch_us(lo);
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		lo->signals[i] = evsignal_new(lo->base, handlers[i].signal, handlers[i].fn, lo);
		ok = ok && lo->signals[i] != NULL && event_add(lo->signals[i], NULL) == 0;
	}
	lo->clock_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (lo->clock_fd >= 0) {
		lo->clock_set =
		    event_new(lo->base, lo->clock_fd, EV_READ | EV_PERSIST, on_clock_set, lo);
		ok = ok && lo->clock_set != NULL && event_add(lo->clock_set, NULL) == 0;
		watch_clock(lo);
	}
	lo->http = curl_client_new(lo->base);
	return ok && lo->http != NULL;
}

static void
loop_fini(struct loop *lo)
{
	listener_free(&lo->listener);
	laterd_free(&lo->laterd);
	curl_client_free(&lo->http);
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
		if (lo->signals[i] != NULL)
			event_free(lo->signals[i]);
	if (lo->clock_set != NULL)
		event_free(lo->clock_set);
	if (lo->clock_fd >= 0)
		close(lo->clock_fd);
	if (lo->timer != NULL)
		event_free(lo->timer);
	if (lo->status != NULL)
		event_free(lo->status);
	if (lo->alive != NULL)
		event_free(lo->alive);
	if (lo->base != NULL)
		event_base_free(lo->base);
	while (lo->loaded != NULL)
		unload(lo);
	supervisor_fini(&lo->supervisor);
}

static bool
listen_there(struct loop *lo, struct buf *why)
{
	const struct config *c = lo->start;

	if (c->http.host == NULL)
		return true;
	if (listener_new(lo->base, c->http.host, c->http.port, laterd_web, lo->laterd,
		&lo->listener, why) == RES_OK)
		return true;
	if (why->len == 0)
		buf_text(why, "out of memory");
	buf_printf(why,
	    ": choose another address for listen in the section http of %s, or stop what uses this one",
	    lo->path);
	return false;
}

static int
run(struct loop *lo, struct buf *why)
{
	struct laterd_env env = {
		.clock = &clock_system,
		.dial = dial,
		.dial_arg = lo,
		.random = random_bytes,
		.http = lo->http,
		.reload = reload,
		.reload_arg = lo,
		.turned = arm,
		.turned_arg = lo,
	};
	int code;

	lo->start = lo->loaded->config;
	curl_client_private_media(lo->http, lo->start->media.private_addresses);
	code = laterd_new(lo->start, &env, &lo->laterd, why);

	if (code != 0)
		return code;
	if (!listen_there(lo, why))
		return EXIT_FAILURE;
	log_note("laterd %s for %s", LATERD_VERSION, lo->start->component.address);
	if (!laterd_start(lo->laterd)) {
		buf_printf(why, "%s: cannot be written", lo->start->store.database);
		return EXIT_DATABASE;
	}
	/* A server that is not there yet is no failure of ours: the stream comes when it can. */
	supervisor_ready(&lo->supervisor);
	if (event_base_dispatch(lo->base) < 0) {
		buf_text(why, "the event loop failed");
		return EXIT_FAILURE;
	}
	log_note("stopped");
	return 0;
}

int
loop_run(const char *path, struct buf *why)
{
	struct loop lo = { .path = path, .clock_fd = -1 };
	int code;

	supervisor_init(&lo.supervisor);
	if (!load(&lo, why))
		code = EXIT_CONFIGURATION;
	else if (log_open(lo.loaded->config->log.target, lo.loaded->config->log.level),
	    !make_events(&lo)) {
		buf_text(why, "cannot make an event loop");
		code = EXIT_FAILURE;
	} else
		code = run(&lo, why);
	loop_fini(&lo);
	return code;
}
