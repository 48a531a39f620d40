/* Every command by its form and in chat: the same is said, stored and sent. */
#include "chat.h"

#define LINK "https://upload.example.org/a.png"
#define PNG  "\x89PNG\r\n\x1a\n-picture"
#define ACCEPTED \
	"<?xml version='1.0'?><env:Envelope xmlns:env='http://schemas.xmlsoap.org/soap/envelope/'><env:Header>" \
	"<mm7:TransactionID xmlns:mm7='urn:x'>t</mm7:TransactionID></env:Header><env:Body><mm7:SubmitRsp xmlns:mm7='urn:x'>" \
	"<mm7:MM7Version>6.8.0</mm7:MM7Version><mm7:Status><mm7:StatusCode>1000</mm7:StatusCode></mm7:Status>" \
	"<mm7:MessageID>mms-1</mm7:MessageID></mm7:SubmitRsp></env:Body></env:Envelope>"

/* -- What is there before ------------------------------------------------------------------------------------------------------- */

static void
limited(struct world *w)
{
	w->config.quota[KIND_IM] = (struct quota_limit){ 20, 200 };
	world_start(w);
	world_online(w, JULIET);
	world_online(w, ROMEO);
}

static void
one_im(struct world *w)
{
	limited(w);
	world_schedule(w, .when = "in 30 minutes");
}

static void
two_im(struct world *w)
{
	one_im(w);
	world_schedule(w, .when = "in 40 minutes", .to = "nurse@example.net", .body = "Good night");
}

static void
ended(struct world *w)
{
	two_im(w);
	world_advance(w, 45 * MINUTE_MS);
}

static void
daily(struct world *w)
{
	limited(w);
	world_schedule(w, .when = "in 30 minutes", .repeat = "daily");
}

static void
paused(struct world *w)
{
	daily(w);
	world_order(w, "pause", world_with_ids(w, "#1"));
}

static void
with_gateways(struct world *w)
{
	w->config.http.public_url = "http://127.0.0.1:5580";
	world_gateway(w, .info.name = "office");
	world_gateway(w, .info.name = "mmsc", .driver = "mm7", .info.kinds = { [KIND_MMS] = true });
	world_phone(w, "http://mmsc", .status = 200, .type = "text/xml", .body = SPAN(ACCEPTED));
	world_phone(w, LINK, .status = 200, .type = "image/png", .body = SPAN(PNG));
	limited(w);
	world_online(w, ADMIN);
}

static void
one_sms(struct world *w)
{
	with_gateways(w);
	world_schedule_sms(w, .when = "in 30 minutes");
}

static void
one_uncertain(struct world *w)
{
	with_gateways(w);
	world_phone(w, "http://office", .end = PHONE_BREAKS, .times = 1);
	world_schedule_sms(w, .when = "in 1 minutes");
	world_advance(w, 2 * MINUTE_MS);
	assert_string_equal(world_state(w, world_with_ids(w, "#1")), "uncertain");
}

static void
blocked(struct world *w)
{
	one_im(w);
	assert_string_equal(world_command(w, .from = DESK, .node = "block", .fields = { "jid", JULIET }).status, "completed");
}

static void
limited_user(struct world *w)
{
	one_im(w);
	world_command(w, .from = DESK, .node = "limits", .fields = { "jid", JULIET, "kind", "im", "day", "3" });
}

static void
gateway_paused(struct world *w)
{
	one_sms(w);
	world_command(w, .from = DESK, .node = "gateway", .fields = { "name", "office", "action", "pause" });
}

static void
draining(struct world *w)
{
	one_im(w);
	world_command(w, .from = DESK, .node = "drain", .fields = { "state", "on" });
}

/* -- What has to be so after it ------------------------------------------------------------------------------------------------- */

static int64_t
packets(struct world *w)
{
	return world_sql(w, "SELECT count(*) FROM packet WHERE sender = '" JULIET "'");
}

static void
one_is_stored(struct world *w)
{
	assert_int_equal(packets(w), 1);
}

static void
is_cancelled(struct world *w)
{
	assert_string_equal(world_state(w, world_with_ids(w, "#1")), "cancelled");
}

static void
is_sent(struct world *w)
{
	world_advance(w, SECOND_MS);
	assert_string_equal(world_state(w, world_with_ids(w, "#1")), "sent");
}

static void
nothing_is_left(struct world *w)
{
	world_advance(w, MINUTE_MS);
	assert_int_equal(packets(w), 0);
}

static void
new_text_leaves(struct world *w)
{
	world_advance(w, 30 * MINUTE_MS);
	assert_string_equal(world_only(w, ROMEO)->body, "Good evening\n\nto you");
}

static void
is_blocked(struct world *w)
{
	assert_int_equal(world_sql(w, "SELECT blocked FROM account WHERE jid = '" JULIET "'"), 1);
}

static void
is_not_blocked(struct world *w)
{
	assert_int_equal(world_sql(w, "SELECT coalesce(max(blocked), 0) FROM account"), 0);
}

static void
limit_is_3(struct world *w)
{
	assert_int_equal(world_sql(w, "SELECT per_day FROM quota_limit WHERE who = '" JULIET "' AND kind = 1"), 3);
}

static void
limit_is_gone(struct world *w)
{
	assert_int_equal(world_sql(w, "SELECT count(*) FROM quota_limit"), 0);
}

static void
leaves_twice(struct world *w)
{
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_sms(w, PHONE), 2);
	assert_string_equal(world_state(w, world_with_ids(w, "#1")), "sent");
}

static void
one_test_leaves(struct world *w)
{
	world_advance(w, SECOND_MS);
	assert_int_equal(world_sms(w, "+447700900123"), 1);
}

static void
takes_nothing(struct world *w)
{
	assert_string_equal(world_ask(w, world_im(.when = "in 1 hours")).condition, "resource-constraint");
}

static void
takes_all(struct world *w)
{
	world_schedule(w, .when = "in 2 hours", .to = "tybalt@example.net");
}

static void
ends(struct world *w)
{
	world_advance(w, 10 * SECOND_MS);
	assert_true(laterd_done(w->laterd));
}

/* -- Users ---------------------------------------------------------------------------------------------------------------------- */

static const struct deed deeds[] = {
	{ .name = "im", .before = limited, .node = "im",
	    .fields = { "to", ROMEO, "when", "in 5 minutes", "body", "Good morning" },
	    .lines = { "im in 5 minutes " ROMEO " Good morning" }, .says = "Scheduled #", .after = one_is_stored },
	{ .name = "im to several", .before = limited, .node = "im",
	    .fields = { "to", ROMEO ",nurse@example.net", "when", "tomorrow 9:00", "body", "Good morning\n\n  to you" },
	    .lines = { "im tomorrow 9:00 " ROMEO ", nurse@example.net Good morning\n\n  to you" }, .says = "Scheduled #" },
	{ .name = "im with all that it can have", .before = limited, .node = "im",
	    .fields = { "to", ROMEO, "when", "fri 17:30 Europe/London", "body", "Good morning", "offline", "hold", "expires",
		"sat 9:00", "repeat", "weekly" },
	    .lines = { "im offline=hold expires=\"sat 9:00\" repeat=weekly fri 17:30 Europe/London " ROMEO " Good morning" } },
	{ .name = "im over a limit", .node = "im", .before = limited_user, .from = BALCONY,
	    .fields = { "to", ROMEO " a@example.net b@example.net", "when", "in 5 minutes", "body", "Good morning" },
	    .lines = { "im in 5 minutes " ROMEO ",a@example.net,b@example.net Good morning" }, .says = "limit of 3",
	    .after = one_is_stored },
	{ .name = "sms", .before = with_gateways, .node = "sms",
	    .fields = { "to", PHONE, "when", "in 5 minutes", "body", "Late, sorry" },
	    .lines = { "sms in 5 minutes " PHONE " Late, sorry", "yes" }, .says = "1 segment", .after = one_is_stored },
	{ .name = "mms", .before = with_gateways, .node = "mms",
	    .fields = { "to", PHONE, "when", "in 5 minutes", "body", "Look!", "media", LINK },
	    .lines = { "mms in 5 minutes " PHONE " Look! " LINK, "yes" }, .says = "bytes of media", .after = one_is_stored },
	{ .name = "list", .before = two_im, .node = "list", .lines = { "list" }, .says = "2 waiting" },
	{ .name = "list of nothing", .node = "list", .lines = { "list" } },
	{ .name = "show", .before = one_im, .node = "show", .fields = { "id", "#1" }, .lines = { "show #1" } },
	{ .name = "edit when", .before = one_im, .node = "edit", .fields = { "id", "#1", "when", "fri 9:00" },
	    .lines = { "edit #1 when fri 9:00" } },
	{ .name = "edit text", .before = one_im, .node = "edit", .fields = { "id", "#1", "body", "Good evening\n\nto you" },
	    .lines = { "edit #1 text Good evening\n\nto you" }, .after = new_text_leaves },
	{ .name = "edit of an sms", .before = one_sms, .node = "edit", .fields = { "id", "#1", "body", "Good evening" },
	    .lines = { "edit #1 text Good evening", "yes" } },
	{ .name = "now", .before = one_im, .node = "now", .fields = { "id", "#1" }, .lines = { "now #1" }, .after = is_sent },
	{ .name = "cancel", .before = one_im, .node = "cancel", .fields = { "ids", "#1" }, .lines = { "cancel #1" },
	    .after = is_cancelled },
	{ .name = "cancel of two", .before = two_im, .node = "cancel", .fields = { "ids", "#1\n#2" }, .lines = { "cancel #1, #2" },
	    .after = is_cancelled, .in_rows = true },
	{ .name = "pause", .before = daily, .node = "pause", .fields = { "id", "#1" }, .lines = { "pause #1" } },
	{ .name = "resume", .before = paused, .node = "resume", .fields = { "id", "#1" }, .lines = { "resume #1" } },
	{ .name = "history", .before = ended, .node = "history", .lines = { "history" } },
	{ .name = "quota", .before = two_im, .node = "quota", .lines = { "quota" }, .says = "2 of 20", .in_rows = true },
	{ .name = "settings", .node = "settings", .fields = { "zone", "America/New_York" },
	    .lines = { "settings zone America/New_York" }, .says = "America/New_York" },
	{ .name = "export", .before = two_im, .node = "export", .lines = { "export" } },
	{ .name = "forget", .before = two_im, .node = "forget", .fields = { "confirm", "1" }, .lines = { "forget", "yes" },
	    .after = nothing_is_left },
};

/* -- Operators ------------------------------------------------------------------------------------------------------------------ */

static const struct deed operators[] = {
	{ .name = "stats", .before = one_uncertain, .node = "stats", .lines = { "stats" }, .by_itself = true },
	{ .name = "users", .before = two_im, .node = "users", .lines = { "users" } },
	{ .name = "user", .before = two_im, .node = "user", .fields = { "jid", JULIET }, .lines = { "user " JULIET } },
	{ .name = "limits", .before = one_im, .node = "limits", .fields = { "jid", JULIET, "kind", "im", "day", "3" },
	    .lines = { "limits " JULIET " im day=3" }, .after = limit_is_3 },
	{ .name = "limits of both", .before = one_im, .node = "limits",
	    .fields = { "jid", JULIET, "kind", "im", "day", "3", "month", "none" },
	    .lines = { "limits " JULIET " im day=3 month=none" }, .after = limit_is_3 },
	{ .name = "limits shown", .before = limited_user, .node = "limits", .fields = { "jid", JULIET, "kind", "im" },
	    .lines = { "limits " JULIET " im" }, .after = limit_is_3 },
	{ .name = "limits dropped", .before = limited_user, .node = "limits",
	    .fields = { "jid", JULIET, "kind", "im", "day", "default" }, .lines = { "limits " JULIET " im day=default" },
	    .after = limit_is_gone },
	{ .name = "block", .before = one_im, .node = "block", .fields = { "jid", JULIET }, .lines = { "block " JULIET },
	    .after = is_blocked },
	{ .name = "unblock", .before = blocked, .node = "unblock", .fields = { "jid", JULIET }, .lines = { "unblock " JULIET },
	    .after = is_not_blocked },
	{ .name = "gateways", .before = with_gateways, .node = "gateways", .lines = { "gateways" } },
	{ .name = "gateway pause", .before = one_sms, .node = "gateway", .fields = { "name", "office", "action", "pause" },
	    .lines = { "gateway office pause" } },
	{ .name = "gateway resume", .before = gateway_paused, .node = "gateway", .fields = { "name", "office", "action", "resume" },
	    .lines = { "gateway office resume" } },
	{ .name = "gateway test", .before = with_gateways, .node = "gateway",
	    .fields = { "name", "office", "action", "test", "number", "+447700900123" },
	    .lines = { "gateway office test +447700900123", "yes" }, .after = one_test_leaves },
	{ .name = "packets", .before = two_im, .node = "packets", .fields = { "jid", JULIET }, .lines = { "packets " JULIET } },
	{ .name = "retry one", .before = one_uncertain, .node = "retry", .fields = { "id", "#1" }, .lines = { "retry #1", "yes" },
	    .after = leaves_twice },
	{ .name = "retry all", .before = one_uncertain, .node = "retry", .fields = { "id", "office" },
	    .lines = { "retry office", "yes" }, .after = leaves_twice },
	{ .name = "reload", .before = one_im, .node = "reload", .lines = { "reload" } },
	{ .name = "backup", .before = one_im, .node = "backup", .fields = { "file", "copy.db" }, .lines = { "backup copy.db" } },
	{ .name = "drain", .before = one_im, .node = "drain", .lines = { "drain" }, .after = takes_nothing },
	{ .name = "drain on", .before = one_im, .node = "drain", .fields = { "state", "on" }, .lines = { "drain on" },
	    .after = takes_nothing },
	{ .name = "drain off", .before = draining, .node = "drain", .fields = { "state", "off" }, .lines = { "drain off" },
	    .after = takes_all },
	{ .name = "shutdown", .before = one_im, .node = "shutdown", .fields = { "confirm", "1" }, .lines = { "shutdown", "yes" },
	    .after = ends },
	{ .name = "cancel for a user", .before = one_im, .node = "cancel", .fields = { "ids", "#1" }, .lines = { "cancel #1" },
	    .after = is_cancelled },
	{ .name = "now for a user", .before = one_im, .node = "now", .fields = { "id", "#1" }, .lines = { "now #1" },
	    .after = is_sent },
};

static void
test_user(void **state)
{
	world_both_ways(*state);
}

static void
test_operator(void **state)
{
	struct deed d = *(const struct deed *)*state;

	d.from = DESK;
	world_both_ways(&d);
}

#define NDEEDS     (sizeof(deeds) / sizeof(deeds[0]))
#define NOPERATORS (sizeof(operators) / sizeof(operators[0]))

int
main(void)
{
	static char names[NDEEDS + NOPERATORS][64];
	struct CMUnitTest tests[NDEEDS + NOPERATORS];

	for (size_t i = 0; i < NDEEDS + NOPERATORS; i++) {
		bool user = i < NDEEDS;
		const struct deed *d = user ? &deeds[i] : &operators[i - NDEEDS];

		snprintf(names[i], sizeof(names[i]), "test_chat_does_as_the_form_does: %s", d->name);
		tests[i] = (struct CMUnitTest){ names[i], user ? test_user : test_operator, NULL, NULL, (void *)(uintptr_t)d };
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
