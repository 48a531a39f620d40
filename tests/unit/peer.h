/*
 * A scripted server at the other end of a pair of bufferevents, in a world with its own clock: no
 * network, no waiting.
 */
#ifndef LATERD_TESTS_PEER_H
#define LATERD_TESTS_PEER_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "base/buf.h"
#include "base/clock.h"

#define PEER_HEADER \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' " \
	"xmlns:stream='http://etherx.jabber.org/streams' id='3BF96D32' from='later.example.org'>"

struct peer {
	int64_t now;
	struct clock clock;
	struct timers timers;
	struct event_base *base;
	struct bufferevent *near, *far; /* near is the stream's, and may be gone */
	unsigned dials;
	bool refuse;         /* to be dialled at all */
	struct buf heard;    /* what the stream said since it was last asked */
	int log, real_stderr; /* the log goes into a file meanwhile */
	struct buf logged;
};

static int64_t
peer_now(void *arg)
{
	return ((struct peer *)arg)->now;
}

static void
peer_begin(struct peer *p)
{
	char path[] = "/tmp/laterd-test-XXXXXX";

	memset(p, 0, sizeof(*p));
	p->now = 5 * MINUTE_MS;
	p->clock = (struct clock){ .wall_ms = peer_now, .mono_ms = peer_now, .arg = p };
	p->base = event_base_new();
	p->heard.max = p->logged.max = (size_t)64 << 20;
	fflush(stderr);
	p->log = mkstemp(path);
	unlink(path);
	p->real_stderr = dup(STDERR_FILENO);
	dup2(p->log, STDERR_FILENO);
}

static void
peer_end(struct peer *p)
{
	fflush(stderr);
	dup2(p->real_stderr, STDERR_FILENO);
	close(p->real_stderr);
	close(p->log);
	if (p->far != NULL)
		bufferevent_free(p->far);
	event_base_loop(p->base, EVLOOP_NONBLOCK);
	event_base_free(p->base);
	buf_free(&p->heard);
	buf_free(&p->logged);
}

static struct bufferevent *
peer_dialled(void *arg)
{
	struct peer *p = arg;
	struct bufferevent *pair[2];

	p->dials++;
	p->near = NULL;
	if (p->refuse)
		return NULL;
	if (p->far != NULL)
		bufferevent_free(p->far);
	if (bufferevent_pair_new(p->base, BEV_OPT_CLOSE_ON_FREE, pair) != 0)
		abort();
	p->near = pair[0];
	p->far = pair[1];
	bufferevent_enable(p->far, EV_READ | EV_WRITE);
	return p->near;
}

/* Everything that can happen now. */
static void
peer_settle(struct peer *p)
{
	struct evbuffer *input;
	char piece[4096];
	int i, n;

	for (i = 0; i < 20; i++) {
		event_base_loop(p->base, EVLOOP_NONBLOCK);
		if (p->far == NULL)
			continue;
		input = bufferevent_get_input(p->far);
		while ((n = evbuffer_remove(input, piece, sizeof(piece))) > 0)
			buf_append(&p->heard, piece, (size_t)n);
	}
}

static void
peer_connected(struct peer *p)
{
	bufferevent_trigger_event(p->near, BEV_EVENT_CONNECTED, 0);
	peer_settle(p);
}

static void
peer_says(struct peer *p, const char *text)
{
	bufferevent_write(p->far, text, strlen(text));
	peer_settle(p);
}

static void
peer_hangs_up(struct peer *p)
{
	bufferevent_flush(p->far, EV_WRITE, BEV_FINISHED);
	peer_settle(p);
}

static void
peer_passes(struct peer *p, int64_t ms)
{
	p->now += ms;
	timers_run(&p->timers, p->now);
	peer_settle(p);
}

/* What was heard since the last call; valid until the next one. */
static const char *
peer_heard(struct peer *p)
{
	static char text[1 << 20];

	peer_settle(p);
	snprintf(text, sizeof(text), "%s", buf_str(&p->heard));
	buf_reset(&p->heard);
	return text;
}

/* The log since the last call. */
static const char *
peer_logged(struct peer *p)
{
	char piece[4096];
	ssize_t n;
	off_t end;

	fflush(stderr);
	buf_reset(&p->logged);
	end = lseek(p->log, 0, SEEK_END);
	lseek(p->log, 0, SEEK_SET);
	while ((n = read(p->log, piece, sizeof(piece))) > 0)
		buf_append(&p->logged, piece, (size_t)n);
	if (end > 0 && ftruncate(p->log, 0) != 0)
		abort();
	lseek(p->log, 0, SEEK_SET);
	return buf_str(&p->logged);
}

#endif
