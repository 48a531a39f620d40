#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "peer.h"
#include "xmpp/stanza.h"
#include "xmpp/stream.h"

#define SECRET "a-very-secret-secret"
/* sha1("3BF96D32" SECRET) */
#define HANDSHAKE "52b6569ed538be2ecfef86e0fc77c6168e9628cd"
#define STREAM_ERROR(condition) \
	"<stream:error><" condition \
	" xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"

struct world {
	struct peer peer;
	xmpp_ctx_t *ctx;
	struct stream *stream;
	struct buf events;
	unsigned answers;
	void (*at_stanza)(struct world *w);
	void (*at_turn)(struct world *w);
	void (*at_down)(struct world *w);
};

static void
on_up(void *arg)
{
	buf_text(&((struct world *)arg)->events, "up ");
}

static void
on_down(void *arg)
{
	struct world *w = arg;

	buf_text(&w->events, "down ");
	if (w->at_down != NULL)
		w->at_down(w);
}

static void
on_stanza(void *arg, xmpp_stanza_t *st)
{
	struct world *w = arg;

	buf_printf(&w->events, "%s:%s ", xmpp_stanza_get_name(st), stanza_attr(st, "id"));
	if (w->at_stanza != NULL)
		w->at_stanza(w);
}

static void
on_dropped(void *arg, const struct parser_dropped *d)
{
	buf_printf(&((struct world *)arg)->events, "dropped:%s ", d->why);
}

static void
on_turn(void *arg)
{
	struct world *w = arg;

	buf_text(&w->events, "turn ");
	if (w->at_turn != NULL)
		w->at_turn(w);
}

static const struct stream_events events = {
	.up = on_up,
	.down = on_down,
	.stanza = on_stanza,
	.dropped = on_dropped,
	.turn = on_turn,
};

static const struct stream_config config = {
	.address = "later.example.org",
	.secret = SECRET,
	.server = "127.0.0.1:5347",
	.ping_to = "example.org",
	.connect_timeout_ms = 10000,
	.keepalive_ms = 60000,
	.answer_timeout_ms = 30000,
	.backoff_first_ms = 1000,
	.backoff_max_ms = 60000,
};

static int
begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return 1;
	peer_begin(&w->peer);
	w->ctx = xmpp_ctx_new(NULL, NULL);
	w->stream = stream_new(
	    &config, w->ctx, &w->peer.clock, &w->peer.timers, peer_dialled, &w->peer, &events, w);
	*state = w;
	return w->stream == NULL;
}

static int
end(void **state)
{
	struct world *w = *state;

	stream_free(&w->stream);
	peer_end(&w->peer);
	xmpp_ctx_free(w->ctx);
	buf_free(&w->events);
	free(w);
	return 0;
}

static void
assert_events(struct world *w, const char *want)
{
	assert_string_equal(buf_str(&w->events), want);
	buf_reset(&w->events);
}

static void
bring_up(struct world *w)
{
	if (w->peer.dials == 0)
		stream_start(w->stream);
	peer_connected(&w->peer);
	peer_says(&w->peer, PEER_HEADER);
	peer_says(&w->peer, "<handshake/>");
	assert_true(stream_is_up(w->stream));
	assert_events(w, "up turn ");
	buf_reset(&w->peer.heard);
	peer_logged(&w->peer);
}

/* The instant of the next try, in ms from now. */
static int64_t
next_try(struct world *w)
{
	return timers_next(&w->peer.timers) - w->peer.now;
}

static void
try_again(struct world *w)
{
	unsigned dials = w->peer.dials;

	peer_passes(&w->peer, next_try(w));
	assert_int_equal(w->peer.dials, dials + 1);
}

static void
test_the_handshake_follows_xep_0114(void **state)
{
	struct world *w = *state;
	const char *heard;

	stream_start(w->stream);
	assert_int_equal(w->peer.dials, 1);
	peer_settle(&w->peer);
	assert_string_equal(peer_heard(&w->peer), "");
	peer_connected(&w->peer);
	assert_string_equal(peer_heard(&w->peer),
	    "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' "
	    "xmlns:stream='http://etherx.jabber.org/streams' to='later.example.org'>");
	peer_says(&w->peer, PEER_HEADER);
	heard = peer_heard(&w->peer);
	assert_string_equal(heard, "<handshake>" HANDSHAKE "</handshake>");
	assert_false(stream_is_up(w->stream));
	assert_events(w, "");
	assert_int_equal(stream_write(w->stream, SPAN("<iq/>")), RES_TEMPFAIL);
	peer_says(&w->peer, "<handshake/>");
	assert_true(stream_is_up(w->stream));
	assert_events(w, "up turn ");
	assert_non_null(strstr(
	    peer_logged(&w->peer), "connected to 127.0.0.1:5347 as later.example.org"));
}

static void
test_stanzas_before_the_handshake_are_ignored(void **state)
{
	struct world *w = *state;

	stream_start(w->stream);
	peer_connected(&w->peer);
	peer_says(&w->peer, PEER_HEADER "<message id='1'/>");
	assert_events(w, "");
	peer_says(&w->peer, "<handshake/><message id='2'/>");
	assert_events(w, "up message:2 turn ");
}

static void
test_a_wrong_secret_is_said_once_and_never_shown(void **state)
{
	struct world *w = *state;
	const char *log;
	int i;

	stream_start(w->stream);
	for (i = 0; i < 5; i++) {
		peer_connected(&w->peer);
		peer_says(&w->peer, PEER_HEADER);
		peer_says(&w->peer, STREAM_ERROR("not-authorized"));
		assert_events(w, "");
		log = peer_logged(&w->peer);
		assert_null(strstr(log, SECRET));
		assert_null(strstr(log, HANDSHAKE));
		if (i == 0)
			assert_non_null(
			    strstr(log, "component.secret_file must hold the same secret"));
		else
			assert_string_equal(log, "");
		try_again(w);
	}
	/* And another failure in between is another line. */
	peer_connected(&w->peer);
	peer_says(&w->peer, PEER_HEADER STREAM_ERROR("host-unknown"));
	assert_non_null(strstr(
	    peer_logged(&w->peer), "the server does not know later.example.org: declare it"));
}

static void
test_the_same_failure_is_said_again_after_ten_minutes(void **state)
{
	struct world *w = *state;
	int64_t begun = w->peer.now;
	int lines = 0;

	w->peer.refuse = true;
	stream_start(w->stream);
	while (w->peer.now - begun < 30 * MINUTE_MS) {
		lines += *peer_logged(&w->peer) != '\0';
		peer_passes(&w->peer, next_try(w));
	}
	assert_int_equal(lines, 3);
}

static void
test_a_failure_after_a_success_is_said_again(void **state)
{
	struct world *w = *state;
	int i;

	stream_start(w->stream);
	for (i = 0; i < 2; i++) {
		bring_up(w);
		peer_hangs_up(&w->peer);
		assert_events(w, "down turn ");
		assert_non_null(strstr(peer_logged(&w->peer), "closed the connection"));
		try_again(w);
	}
}

static void
test_a_conflict_waits_as_any_failure(void **state)
{
	struct world *w = *state;
	const char *log;
	int i;

	stream_start(w->stream);
	for (i = 0; i < 4; i++) {
		int64_t full = INT64_C(1000) << i;

		peer_connected(&w->peer);
		peer_says(&w->peer, PEER_HEADER);
		peer_says(&w->peer, STREAM_ERROR("conflict"));
		log = peer_logged(&w->peer);
		if (i == 0) {
			assert_non_null(strstr(log, "another connection as later.example.org"));
			assert_non_null(strstr(log, "a former one of ours ends"));
			assert_non_null(strstr(log, "another laterd is connected, stop it"));
		} else
			assert_string_equal(log, "");
		assert_in_range(next_try(w), full / 2, full);
		try_again(w);
	}
	/* The server has noticed. */
	bring_up(w);
}

static void
test_a_conflict_ends_a_connection_that_was_up_as_any_failure(void **state)
{
	struct world *w = *state;

	bring_up(w);
	peer_passes(&w->peer, 40000);
	peer_says(&w->peer, STREAM_ERROR("conflict"));
	assert_events(w, "down turn ");
	assert_non_null(strstr(peer_logged(&w->peer), "stop it, or give it a component address"));
	assert_in_range(next_try(w), 500, 1000);
}

/* As a server that prefers the newer of two connections does: each drives the other away. */
static void
test_two_that_drive_each_other_away_slow_down(void **state)
{
	struct world *w = *state;
	int i;

	stream_start(w->stream);
	for (i = 0; i < 7; i++) {
		bring_up(w);
		peer_passes(&w->peer, 1000);
		peer_says(&w->peer, STREAM_ERROR("conflict"));
		assert_events(w, "down turn ");
		if (i < 6)
			try_again(w);
	}
	assert_true(next_try(w) >= 30000);
}

static void
test_other_stream_errors_are_named(void **state)
{
	struct world *w = *state;

	bring_up(w);
	peer_says(&w->peer, STREAM_ERROR("system-shutdown"));
	assert_events(w, "down turn ");
	assert_non_null(strstr(peer_logged(&w->peer), "shuts down"));
	try_again(w);
	bring_up(w);
	peer_says(&w->peer, STREAM_ERROR("brand-new-condition"));
	assert_events(w, "down turn ");
	assert_non_null(strstr(peer_logged(&w->peer), "with an error"));
}

static void
test_backoff_grows_and_ends_after_a_steady_connection(void **state)
{
	struct world *w = *state;
	int64_t wait, last = 0;
	int i;

	w->peer.refuse = true;
	stream_start(w->stream);
	for (i = 0; i < 10; i++) {
		int64_t full = INT64_C(1000) << i > 60000 ? 60000 : INT64_C(1000) << i;

		wait = next_try(w);
		assert_true(wait >= full / 2 && wait <= full);
		last = wait;
		if (i == 9)
			w->peer.refuse = false;
		try_again(w);
	}
	assert_true(last >= 30000);
	/* Up for a moment only: it goes on as before. */
	bring_up(w);
	peer_passes(&w->peer, 29000);
	peer_hangs_up(&w->peer);
	assert_events(w, "down turn ");
	assert_true(next_try(w) >= 30000);
	try_again(w);
	bring_up(w);
	peer_passes(&w->peer, 30001);
	peer_hangs_up(&w->peer);
	assert_events(w, "down turn ");
	assert_true(next_try(w) <= 1000);
}

static void
test_a_connection_that_does_not_come_is_given_up(void **state)
{
	struct world *w = *state;

	stream_start(w->stream);
	peer_passes(&w->peer, 9999);
	assert_string_equal(peer_logged(&w->peer), "");
	peer_passes(&w->peer, 1);
	assert_non_null(strstr(peer_logged(&w->peer), "takes too long"));
	assert_events(w, "");
	try_again(w);
	bring_up(w);
}

static void
test_a_refused_connection_is_tried_again(void **state)
{
	struct world *w = *state;

	stream_start(w->stream);
	bufferevent_trigger_event(w->peer.near, BEV_EVENT_ERROR, 0);
	peer_settle(&w->peer);
	assert_non_null(
	    strstr(peer_logged(&w->peer), "cannot connect to 127.0.0.1:5347"));
	try_again(w);
	bring_up(w);
}

static void
test_a_server_that_does_not_shake_hands_is_given_up(void **state)
{
	struct world *w = *state;

	stream_start(w->stream);
	peer_connected(&w->peer);
	peer_passes(&w->peer, 29999);
	peer_says(&w->peer, PEER_HEADER);
	peer_passes(&w->peer, 30000);
	assert_non_null(strstr(peer_logged(&w->peer), "does not answer"));
	assert_false(stream_is_up(w->stream));
	try_again(w);
}

static void
test_what_is_no_component_port_is_said(void **state)
{
	struct world *w = *state;

	stream_start(w->stream);
	peer_connected(&w->peer);
	peer_says(&w->peer, "HTTP/1.1 400 Bad Request\r\n\r\n");
	assert_non_null(strstr(peer_logged(&w->peer), "what is no XMPP stream"));
	try_again(w);
	peer_connected(&w->peer);
	peer_says(&w->peer, "<stream:stream xmlns:stream='http://etherx.jabber.org/streams'>");
	assert_non_null(strstr(peer_logged(&w->peer), "no id"));
	assert_false(stream_is_up(w->stream));
}

static void
test_answers_wait_for_the_flush(void **state)
{
	struct world *w = *state;
	xmpp_stanza_t *st = stanza_new(w->ctx, "iq", NULL);

	bring_up(w);
	assert_int_equal(stream_write(w->stream, SPAN("<message/>")), RES_OK);
	assert_int_equal(stream_write_stanza(w->stream, st), RES_OK);
	assert_string_equal(peer_heard(&w->peer), "");
	stream_flush(w->stream);
	assert_string_equal(peer_heard(&w->peer), "<message/><iq/>");
	xmpp_stanza_release(st);
}

static void
test_what_is_discarded_never_leaves(void **state)
{
	struct world *w = *state;

	bring_up(w);
	assert_int_equal(stream_write(w->stream, SPAN("<message/>")), RES_OK);
	assert_int_equal(stream_write_now(w->stream, SPAN("<presence/>")), RES_OK);
	stream_discard(w->stream);
	assert_int_equal(stream_write(w->stream, SPAN("<iq/>")), RES_OK);
	stream_flush(w->stream);
	assert_string_equal(peer_heard(&w->peer), "<presence/><iq/>");
}

/* A stanza of one tag, `len` bytes long. */
static void
write_tag(struct world *w, size_t len, enum res (*write)(struct stream *, struct span))
{
	struct buf xml = { .max = 1 << 20 };

	buf_printf(&xml, "<iq id='%0*d'/>", (int)len - (int)strlen("<iq id=''/>"), 7);
	assert_int_equal(xml.len, len);
	assert_int_equal(write(w->stream, buf_as_span(&xml)), RES_OK);
	buf_free(&xml);
}

/* So many spaces are heard behind the last tag. */
static void
assert_spaces(struct world *w, size_t want)
{
	const char *end = strrchr(peer_heard(&w->peer), '>');

	assert_non_null(end);
	assert_int_equal(strspn(end + 1, " "), want);
	assert_int_equal(strlen(end + 1), want);
}

static void
test_the_server_is_not_left_with_a_tag_that_its_parser_keeps(void **state)
{
	struct world *w = *state;

	bring_up(w);
	write_tag(w, 1000, stream_write);
	stream_flush(w->stream);
	assert_spaces(w, 0);
	write_tag(w, 5000, stream_write);
	stream_flush(w->stream);
	assert_spaces(w, 5000);
	write_tag(w, 5000, stream_write);
	write_tag(w, 800, stream_write);
	write_tag(w, 900, stream_write);
	stream_flush(w->stream);
	assert_spaces(w, 5000 - 800 - 900);
	write_tag(w, 5000, stream_write);
	write_tag(w, 3000, stream_write);
	write_tag(w, 2500, stream_write);
	stream_flush(w->stream);
	assert_spaces(w, 2500);
	write_tag(w, 5000, stream_write);
	stream_discard(w->stream);
	write_tag(w, 15, stream_write);
	stream_flush(w->stream);
	assert_spaces(w, 0);
	write_tag(w, 2000, stream_write_now);
	assert_spaces(w, 2000);
}

static void
test_what_was_queued_dies_with_the_connection(void **state)
{
	struct world *w = *state;

	bring_up(w);
	assert_int_equal(stream_write(w->stream, SPAN("<message/>")), RES_OK);
	peer_hangs_up(&w->peer);
	assert_events(w, "down turn ");
	assert_int_equal(stream_write(w->stream, SPAN("<message/>")), RES_TEMPFAIL);
	assert_int_equal(stream_write_now(w->stream, SPAN("<message/>")), RES_TEMPFAIL);
	try_again(w);
	bring_up(w);
	stream_flush(w->stream);
	assert_string_equal(peer_heard(&w->peer), "");
}

static void
test_stanzas_split_anywhere_arrive_whole(void **state)
{
	static const char text[] =
	    "<iq id='1'><a>x &amp; y</a></iq><message id='2'/> <presence id='3'></presence>";
	struct world *w = *state;
	size_t at;

	bring_up(w);
	for (at = 1; at < sizeof(text) - 1; at++) {
		bufferevent_write(w->peer.far, text, at);
		peer_settle(&w->peer);
		bufferevent_write(w->peer.far, text + at, sizeof(text) - 1 - at);
		peer_settle(&w->peer);
		assert_non_null(strstr(buf_str(&w->events), "iq:1 "));
		assert_non_null(strstr(buf_str(&w->events), "message:2 "));
		assert_non_null(strstr(buf_str(&w->events), "presence:3 turn "));
		buf_reset(&w->events);
	}
}

static void
test_one_turn_ends_what_was_read_together(void **state)
{
	struct world *w = *state;

	bring_up(w);
	peer_says(&w->peer, "<iq id='1'/><iq id='2'/><iq id='3'/>");
	assert_events(w, "iq:1 iq:2 iq:3 turn ");
	peer_says(&w->peer, " \n<iq");
	assert_events(w, "");
}

static void
test_a_hostile_stanza_is_dropped_and_the_stream_goes_on(void **state)
{
	struct world *w = *state;
	struct buf xml = { 0 };
	int i;

	bring_up(w);
	buf_text(&xml, "<message>");
	for (i = 0; i < 5000; i++)
		buf_text(&xml, "<a/>");
	buf_text(&xml, "</message><iq id='1'/>");
	peer_says(&w->peer, buf_str(&xml));
	assert_non_null(strstr(buf_str(&w->events), "dropped:children "));
	assert_non_null(strstr(buf_str(&w->events), "iq:1 turn "));
	assert_true(stream_is_up(w->stream));
	buf_free(&xml);
}

static void
test_silence_is_probed_by_a_ping_and_then_ends_the_stream(void **state)
{
	struct world *w = *state;

	bring_up(w);
	peer_passes(&w->peer, 59999);
	assert_string_equal(peer_heard(&w->peer), "");
	peer_passes(&w->peer, 1);
	assert_string_equal(peer_heard(&w->peer),
	    "<iq type='get' id='keepalive-1' from='later.example.org' "
	    "to='example.org'><ping xmlns='urn:xmpp:ping'/></iq>");
	peer_passes(&w->peer, 10000);
	peer_says(&w->peer,
	    "<iq type='result' id='keepalive-1' from='example.org' to='later.example.org'/>");
	assert_events(w, "");
	/* Any byte would have done, and the next ping comes a minute after it. */
	peer_passes(&w->peer, 59999);
	assert_string_equal(peer_heard(&w->peer), "");
	peer_passes(&w->peer, 1);
	assert_non_null(strstr(peer_heard(&w->peer), "keepalive-2"));
	peer_passes(&w->peer, 1000);
	peer_says(&w->peer, " ");
	peer_passes(&w->peer, 60000);
	assert_non_null(strstr(peer_heard(&w->peer), "keepalive-3"));
	peer_passes(&w->peer, 29999);
	assert_true(stream_is_up(w->stream));
	peer_passes(&w->peer, 1);
	assert_false(stream_is_up(w->stream));
	assert_events(w, "down turn ");
	assert_non_null(strstr(peer_logged(&w->peer), "fallen silent"));
	try_again(w);
	bring_up(w);
}

static void
test_a_busy_stream_is_not_pinged(void **state)
{
	struct world *w = *state;
	int i;

	bring_up(w);
	for (i = 0; i < 20; i++) {
		peer_passes(&w->peer, 30000);
		peer_says(&w->peer, " ");
	}
	assert_string_equal(peer_heard(&w->peer), "");
}

static void
test_a_stream_broken_on_purpose_comes_back(void **state)
{
	struct world *w = *state;

	stream_break(w->stream, "nothing to break");
	bring_up(w);
	stream_break(w->stream, "it did not answer");
	assert_events(w, "down turn ");
	assert_non_null(strstr(peer_logged(&w->peer), "it did not answer"));
	try_again(w);
	bring_up(w);
}

static void
break_it(struct world *w)
{
	stream_break(w->stream, "enough");
	stream_break(w->stream, "and again");
	assert_false(stream_is_up(w->stream));
	assert_int_equal(stream_write(w->stream, SPAN("<iq/>")), RES_TEMPFAIL);
}

static void
close_it(struct world *w)
{
	stream_close(w->stream);
}

static void
test_breaking_within_an_event_waits_for_its_end(void **state)
{
	struct world *w = *state;

	bring_up(w);
	w->at_stanza = break_it;
	peer_says(&w->peer, "<iq id='1'/><iq id='2'/>");
	assert_events(w, "iq:1 down turn ");
	assert_null(strstr(peer_logged(&w->peer), "and again"));
	w->at_stanza = NULL;
	try_again(w);
	bring_up(w);
	w->at_turn = break_it;
	peer_says(&w->peer, "<iq id='1'/>");
	w->at_turn = NULL;
	assert_events(w, "iq:1 turn down turn ");
	try_again(w);
	bring_up(w);
}

static void
test_closing_says_goodbye_and_does_not_come_back(void **state)
{
	struct world *w = *state;

	bring_up(w);
	stream_write(w->stream, SPAN("<message/>"));
	stream_flush(w->stream);
	stream_write(w->stream, SPAN("<never/>"));
	stream_close(w->stream);
	assert_false(stream_is_up(w->stream));
	assert_false(stream_is_closed(w->stream));
	assert_string_equal(peer_heard(&w->peer), "<message/></stream:stream>");
	peer_says(&w->peer, "<iq id='late'/></stream:stream>");
	assert_true(stream_is_closed(w->stream));
	assert_events(w, "down turn ");
	peer_passes(&w->peer, HOUR_MS);
	assert_int_equal(w->peer.dials, 1);
	assert_string_equal(peer_logged(&w->peer), "");
}

static void
test_closing_does_not_wait_for_ever(void **state)
{
	struct world *w = *state;

	bring_up(w);
	stream_close(w->stream);
	stream_close(w->stream);
	peer_passes(&w->peer, 29999);
	assert_false(stream_is_closed(w->stream));
	peer_passes(&w->peer, 1);
	assert_true(stream_is_closed(w->stream));
	assert_events(w, "down turn ");
	assert_int_equal(timers_next(&w->peer.timers), NEVER_MS);
}

static void
test_closing_is_possible_at_any_moment(void **state)
{
	struct world *w = *state;

	assert_true(stream_is_closed(w->stream));
	stream_close(w->stream);
	stream_start(w->stream);
	stream_close(w->stream);
	assert_true(stream_is_closed(w->stream));
	stream_start(w->stream);
	peer_connected(&w->peer);
	stream_close(w->stream);
	assert_true(stream_is_closed(w->stream));
	w->peer.refuse = true;
	stream_start(w->stream);
	stream_close(w->stream);
	assert_true(stream_is_closed(w->stream));
	assert_int_equal(timers_next(&w->peer.timers), NEVER_MS);
	assert_events(w, "");
	w->peer.refuse = false;
	stream_start(w->stream);
	bring_up(w);
	w->at_stanza = close_it;
	peer_says(&w->peer, "<iq id='1'/><iq id='2'/></stream:stream>");
	assert_events(w, "iq:1 down turn ");
	assert_true(stream_is_closed(w->stream));
}

static void
test_closing_in_the_report_of_the_end_is_possible(void **state)
{
	struct world *w = *state;

	bring_up(w);
	w->at_down = close_it;
	peer_hangs_up(&w->peer);
	assert_true(stream_is_closed(w->stream));
	assert_events(w, "down turn ");
	assert_int_equal(timers_next(&w->peer.timers), NEVER_MS);
}

/* -- Back pressure ----------------------------------------------------------------------------- */

#define QUESTIONS 400
#define ANSWER_LEN 47000

static void
answer_at_length(struct world *w)
{
	struct buf xml = { 0 };

	buf_printf(&xml, "<a n='%u'>%*s</a>", w->answers++, ANSWER_LEN, "");
	assert_int_equal(stream_write(w->stream, buf_as_span(&xml)), RES_OK);
	buf_free(&xml);
}

static void
flush_it(struct world *w)
{
	stream_flush(w->stream);
}

/* All at once, to a stream that answers each at length. */
static void
ask_much(struct world *w)
{
	struct buf xml = { 0 };
	int i;

	w->at_stanza = answer_at_length;
	w->at_turn = flush_it;
	for (i = 0; i < QUESTIONS; i++)
		buf_printf(&xml, "<iq id='%d'><query xmlns='urn:example:long-answers'/></iq>", i);
	peer_says(&w->peer, buf_str(&xml));
	buf_free(&xml);
}

static void
assert_all_answered(struct world *w)
{
	const char *at;
	char want[40];
	int i;

	for (i = 0; i < 20; i++)
		peer_settle(&w->peer);
	assert_int_equal(w->answers, QUESTIONS);
	at = buf_str(&w->peer.heard);
	for (i = 0; i < QUESTIONS; i++) {
		snprintf(want, sizeof(want), "<a n='%d'>", i);
		assert_memory_equal(at, want, strlen(want));
		at += strlen(want) + ANSWER_LEN + strlen("</a>");
	}
	assert_string_equal(at, "");
}

static void
test_a_server_that_does_not_read_is_not_read(void **state)
{
	struct world *w = *state;
	int64_t begun = w->peer.now;

	bring_up(w);
	assert_false(stream_was_held(w->stream, begun));
	bufferevent_disable(w->peer.far, EV_READ);
	ask_much(w);
	/* About 1 MiB, and the one turn that passed it. */
	assert_in_range(w->answers, 20, 130);
	assert_true(stream_was_held(w->stream, w->peer.now));
	peer_passes(&w->peer, 29999);
	assert_true(stream_is_up(w->stream));
	bufferevent_enable(w->peer.far, EV_READ);
	assert_all_answered(w);
	assert_true(stream_is_up(w->stream));
	assert_true(stream_was_held(w->stream, begun));
	assert_false(stream_was_held(w->stream, w->peer.now));
	assert_string_equal(peer_logged(&w->peer), "");
	/* And it is read again. */
	peer_says(&w->peer, "<iq id='last'/>");
	assert_non_null(strstr(buf_str(&w->events), "iq:last turn "));
}

static void
test_a_server_that_takes_nothing_is_given_up(void **state)
{
	struct world *w = *state;

	bring_up(w);
	bufferevent_disable(w->peer.far, EV_READ);
	ask_much(w);
	peer_passes(&w->peer, 29999);
	assert_true(stream_is_up(w->stream));
	peer_passes(&w->peer, 1);
	assert_false(stream_is_up(w->stream));
	assert_non_null(strstr(buf_str(&w->events), "down turn "));
	assert_non_null(strstr(peer_logged(&w->peer), "does not take"));
	buf_reset(&w->events);
	w->at_stanza = NULL;
	try_again(w);
	bring_up(w);
	assert_false(stream_was_held(w->stream, 0));
}

static void
test_a_slow_server_is_borne(void **state)
{
	struct world *w = *state;
	struct evbuffer *input;
	int i;

	bring_up(w);
	bufferevent_disable(w->peer.far, EV_READ);
	ask_much(w);
	bufferevent_setwatermark(w->peer.far, EV_READ, 0, 1000);
	bufferevent_enable(w->peer.far, EV_READ);
	input = bufferevent_get_input(w->peer.far);
	for (i = 0; i < 20; i++) {
		unsigned before = w->answers;

		w->peer.now += 29000;
		timers_run(&w->peer.timers, w->peer.now);
		assert_true(stream_is_up(w->stream));
		assert_int_equal(w->answers, before);
		assert_int_equal(evbuffer_remove(input, (char[500]){ 0 }, 500), 500);
		event_base_loop(w->peer.base, EVLOOP_NONBLOCK);
	}
	assert_string_equal(peer_logged(&w->peer), "");
}

static void
test_our_own_pause_is_no_silence_of_the_server(void **state)
{
	struct world *w = *state;

	bring_up(w);
	peer_passes(&w->peer, 59000);
	bufferevent_disable(w->peer.far, EV_READ);
	ask_much(w);
	peer_passes(&w->peer, 29000);
	bufferevent_enable(w->peer.far, EV_READ);
	assert_all_answered(w);
	buf_reset(&w->peer.heard);
	peer_passes(&w->peer, 59999);
	assert_string_equal(peer_heard(&w->peer), "");
	peer_passes(&w->peer, 1);
	assert_non_null(strstr(peer_heard(&w->peer), "keepalive-1"));
	peer_passes(&w->peer, 30000);
	assert_false(stream_is_up(w->stream));
}

static void
test_a_turn_is_bounded(void **state)
{
	struct world *w = *state;
	struct buf xml = { 0 };
	const char *at;
	int i, turns = 0;

	bring_up(w);
	for (i = 0; i < 2000; i++)
		buf_text(&xml, "<message><body>0123456789</body></message>                ");
	peer_says(&w->peer, buf_str(&xml));
	for (at = buf_str(&w->events); (at = strstr(at, "turn ")) != NULL; at++)
		turns++;
	assert_in_range(turns, xml.len / 16384, xml.len / 4096);
	buf_free(&xml);
}

static void
test_a_pause_may_end_with_the_stream(void **state)
{
	struct world *w = *state;

	bring_up(w);
	bufferevent_disable(w->peer.far, EV_READ);
	ask_much(w);
	w->at_stanza = break_it;
	bufferevent_enable(w->peer.far, EV_READ);
	peer_settle(&w->peer);
	assert_false(stream_is_up(w->stream));
	assert_non_null(strstr(buf_str(&w->events), "down turn "));
	buf_reset(&w->events);
	w->at_stanza = NULL;
	try_again(w);
	bring_up(w);
	bufferevent_disable(w->peer.far, EV_READ);
	ask_much(w);
	stream_close(w->stream);
	bufferevent_enable(w->peer.far, EV_READ);
	peer_settle(&w->peer);
	assert_non_null(strstr(buf_str(&w->peer.heard), "</stream:stream>"));
	peer_says(&w->peer, "</stream:stream>");
	assert_true(stream_is_closed(w->stream));
}

static void
test_what_would_end_the_stream_is_not_written(void **state)
{
	struct world *w = *state;
	char *large = malloc(STREAM_STANZA_MAX);
	xmpp_stanza_t *st;

	assert_non_null(large);
	memset(large, 'x', STREAM_STANZA_MAX - 1);
	large[STREAM_STANZA_MAX - 1] = '\0';
	bring_up(w);
	st = stanza_new(w->ctx, "iq", NULL);
	stanza_add_text(st, "a", large);
	assert_int_equal(stream_write_stanza(w->stream, st), RES_INVALID);
	xmpp_stanza_release(st);
	st = stanza_new(w->ctx, "iq", NULL);
	stanza_add_text(st, "a", large + 100);
	assert_int_equal(stream_write_stanza(w->stream, st), RES_OK);
	xmpp_stanza_release(st);
	stream_discard(w->stream);
	st = stanza_new(w->ctx, "iq", NULL);
	stanza_add_text(st, "a", "\x01");
	assert_int_equal(stream_write_stanza(w->stream, st), RES_INVALID);
	xmpp_stanza_release(st);
	stream_flush(w->stream);
	assert_string_equal(peer_heard(&w->peer), "");
	free(large);
}

#define with_stream(test) cmocka_unit_test_setup_teardown(test, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_stream(test_the_handshake_follows_xep_0114),
		with_stream(test_stanzas_before_the_handshake_are_ignored),
		with_stream(test_a_wrong_secret_is_said_once_and_never_shown),
		with_stream(test_the_same_failure_is_said_again_after_ten_minutes),
		with_stream(test_a_failure_after_a_success_is_said_again),
		with_stream(test_a_conflict_waits_as_any_failure),
		with_stream(test_a_conflict_ends_a_connection_that_was_up_as_any_failure),
		with_stream(test_two_that_drive_each_other_away_slow_down),
		with_stream(test_other_stream_errors_are_named),
		with_stream(test_backoff_grows_and_ends_after_a_steady_connection),
		with_stream(test_a_connection_that_does_not_come_is_given_up),
		with_stream(test_a_refused_connection_is_tried_again),
		with_stream(test_a_server_that_does_not_shake_hands_is_given_up),
		with_stream(test_what_is_no_component_port_is_said),
		with_stream(test_answers_wait_for_the_flush),
		with_stream(test_what_is_discarded_never_leaves),
		with_stream(test_the_server_is_not_left_with_a_tag_that_its_parser_keeps),
		with_stream(test_what_was_queued_dies_with_the_connection),
		with_stream(test_stanzas_split_anywhere_arrive_whole),
		with_stream(test_one_turn_ends_what_was_read_together),
		with_stream(test_a_hostile_stanza_is_dropped_and_the_stream_goes_on),
		with_stream(test_silence_is_probed_by_a_ping_and_then_ends_the_stream),
		with_stream(test_a_busy_stream_is_not_pinged),
		with_stream(test_a_stream_broken_on_purpose_comes_back),
		with_stream(test_breaking_within_an_event_waits_for_its_end),
		with_stream(test_closing_says_goodbye_and_does_not_come_back),
		with_stream(test_closing_does_not_wait_for_ever),
		with_stream(test_closing_is_possible_at_any_moment),
		with_stream(test_closing_in_the_report_of_the_end_is_possible),
		with_stream(test_a_server_that_does_not_read_is_not_read),
		with_stream(test_a_server_that_takes_nothing_is_given_up),
		with_stream(test_a_slow_server_is_borne),
		with_stream(test_our_own_pause_is_no_silence_of_the_server),
		with_stream(test_a_turn_is_bounded),
		with_stream(test_a_pause_may_end_with_the_stream),
		with_stream(test_what_would_end_the_stream_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
