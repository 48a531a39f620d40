/* A disk that is full, rows that are damaged, keys that are wrong, and two daemons where one should be. */
#include <fcntl.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/ports.h"
#include "core/seal.h"
#include "phones.h"
#include "world.h"

/* -- A disk that is full -------------------------------------------------------------------------------------------------------- */

static int
disk_is_freed(void **state)
{
	(void)state;
	world_disk_is_freed();
	return 0;
}

static int
teardown_with_room(void **state)
{
	return disk_is_freed(state) == 0 ? world_teardown(state) : -1;
}

static int64_t
packets_stored(struct world *w)
{
	return world_sql(w, "SELECT count(*) FROM packet");
}

static void
test_message_that_cannot_be_stored_is_not_accepted(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	world_schedule(w, .to = "nurse@example.net", .when = "in 1 hours");
	world_disk_has(w, 0);
	a = world_ask(w, world_im(.when = "in 2 minutes"));
	assert_string_equal(a.type, "error");
	assert_string_equal(a.condition, "internal-server-error");
	assert_string_equal(a.error_type, "wait");
	world_disk_is_freed();
	assert_int_equal(packets_stored(w), 1);
	assert_int_equal(world_sql(w, "SELECT sum(count) FROM charge WHERE sender <> 'service'"), 1);
	world_advance(w, 5 * SECOND_MS);
	world_schedule(w, .when = "in 2 minutes");
	world_advance(w, 2 * HOUR_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
	assert_int_equal(world_count(w, "nurse@example.net"), 1);
}

/* Its turn is another than that of its request. */
static void
test_command_that_waited_and_cannot_be_stored_is_not_accepted(void **state)
{
	static const char link[] = "https://upload.example.org/a.gif";
	struct world *w = *state;
	struct ask ask = { .node = "mms", .action = "complete",
		.fields = { "to", PHONE, "when", "in 2 minutes", "media", link } };
	struct answer a;

	world_gateway(w, .info.name = "mmsc", .driver = "mm7", .info.kinds = { [KIND_MMS] = true });
	world_phone(w, link, .end = PHONE_WAITS);
	world_start(w);
	world_schedule(w, .to = "nurse@example.net", .when = "in 1 hours");
	world_send(w, "%s", world_ask_xml(w, &ask));
	world_settle(w);
	world_disk_has(w, 0);
	world_phone_end(w, 0, .status = 200, .type = "image/gif", .body = SPAN("GIF89a-picture"));
	world_settle(w);
	a = world_answer(w, ask.id);
	assert_string_equal(a.condition, "internal-server-error");
	assert_string_equal(a.error_type, "wait");
	world_disk_is_freed();
	assert_int_equal(packets_stored(w), 1);
	world_advance(w, 5 * SECOND_MS);
	assert_string_equal(world_ask(w, ask).status, "completed");
	assert_int_equal(packets_stored(w), 2);
}

static void
test_cancel_that_cannot_be_stored_is_not_claimed(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = world_schedule(w, .when = "in 2 minutes");
	world_disk_has(w, 0);
	a = world_command(w, .node = "cancel", .fields = { "ids", id });
	assert_string_equal(a.condition, "internal-server-error");
	world_disk_is_freed();
	world_advance(w, 5 * MINUTE_MS);
	assert_string_equal(world_state(w, id), "sent");
}

static void
test_nothing_leaves_that_could_not_be_written_down(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "in 20 seconds");
	world_disk_has(w, 0);
	world_advance_in_silence(w, 10 * MINUTE_MS);
	assert_int_equal(world_count(w, ROMEO), 0);
	world_disk_is_freed();
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
	assert_string_equal(w->heard[0].delay, "2026-11-22T10:00:50Z");
}

/* The disk fills up at every point of the way in turn, and is freed after a while. */
static void
test_disk_that_fills_up_anywhere_loses_nothing(void **state)
{
	(void)state;
	for (long spare = 0; spare < 60; spare++) {
		struct world *w;
		const char *id;

		world_setup((void **)&w);
		world_start(w);
		world_sql(w, "INSERT INTO contact (jid, state, changed_at) VALUES ('" ROMEO "', %d, 1)", (int)CONTACT_GRANTED);
		world_person(w, ROMEO)->probe = PROBE_OFFLINE;
		id = world_schedule(w, .when = "in 1 minutes");
		world_disk_has(w, spare * (4096 + 24));
		world_advance_in_silence(w, 2 * MINUTE_MS);
		world_online(w, ROMEO);
		world_advance_in_silence(w, 2 * MINUTE_MS);
		world_disk_is_freed();
		world_advance(w, 5 * MINUTE_MS);
		if (world_count(w, ROMEO) == 0 || strcmp(world_state(w, id), "sent") != 0)
			fail_msg("with room for %ld pages it is %s, and was sent %zu times", spare, world_state(w, id),
			    world_count(w, ROMEO));
		for (size_t i = 0; i < w->nheard; i++)
			assert_string_equal(w->heard[i].id, id);
		assert_string_equal(world_command(w, .node = "list").status, "completed");
		world_teardown((void **)&w);
	}
}

static void
test_disk_that_fills_up_anywhere_settles_what_was_sent(void **state)
{
	(void)state;
	for (long spare = 0; spare < 60; spare++) {
		struct world *w;
		const char *id, *notice = NULL;

		world_setup((void **)&w);
		world_start(w);
		id = world_schedule(w, .when = "in 1 minutes", .offline = "server");
		world_schedule(w, .to = "nurse@example.net", .when = "in 61 seconds", .offline = "drop");
		world_disk_has(w, spare * (4096 + 24));
		world_advance_in_silence(w, 2 * MINUTE_MS);
		world_disk_is_freed();
		world_advance(w, 2 * MINUTE_MS);
		if (strcmp(world_state(w, id), "sent") != 0)
			fail_msg("with room for %ld pages it is %s", spare, world_state(w, id));
		/* What could not be settled is sent again, and nothing twice under another id. */
		for (size_t i = 0; i < w->nheard; i++)
			if (strcmp(w->heard[i].to, ROMEO) == 0)
				assert_string_equal(w->heard[i].id, id);
			else if (notice == NULL)
				notice = w->heard[i].id;
			else
				assert_string_equal(w->heard[i].id, notice);
		assert_int_equal(world_count(w, "nurse@example.net"), 0);
		assert_true(world_told(w, "expired") >= 1);
		world_teardown((void **)&w);
	}
}

/* Nobody says it twice. */
static void
test_what_is_heard_while_the_disk_is_full_is_not_forgotten(void **state)
{
	struct world *w = *state;
	const struct heard *bounced, *received;

	world_start(w);
	world_schedule(w, .to = "nurse@example.net", .when = "in 1 minutes", .offline = "server");
	world_schedule(w, .to = "tybalt@example.net", .when = "in 1 minutes");
	const char *held = world_schedule(w, .when = "in 1 minutes", .offline = "hold");
	world_advance(w, 2 * MINUTE_MS);
	bounced = world_only(w, "nurse@example.net");
	received = world_only(w, "tybalt@example.net");
	world_disk_has(w, 0);
	world_bounce(w, bounced, "item-not-found", "cancel");
	world_receipt(w, received);
	world_person(w, ROMEO)->probe = PROBE_ONLINE;
	world_send(w, "<presence type='subscribed' from='" ROMEO "' to='" BOT "'/>");
	world_advance_in_silence(w, 10 * SECOND_MS);
	world_disk_is_freed();
	assert_string_equal(world_state(w, bounced->id), "sent");
	world_advance(w, 5 * SECOND_MS);
	assert_string_equal(world_state(w, bounced->id), "failed");
	assert_string_equal(world_state(w, received->id), "delivered");
	assert_string_equal(world_state(w, held), "sent");
	assert_int_equal(world_told(w, bounced->id), 1);
}

static void
test_bounce_heard_while_the_disk_is_full_does_not_grow_too_old(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *id = world_schedule(w, .when = "in 1 minutes", .offline = "server");
	world_advance(w, 2 * MINUTE_MS);
	world_disk_has(w, 0);
	world_bounce(w, world_only(w, ROMEO), "item-not-found", "cancel");
	world_advance(w, 15 * MINUTE_MS);
	world_disk_is_freed();
	world_advance(w, 2 * MINUTE_MS);
	assert_string_equal(world_state(w, id), "failed");
	assert_int_equal(world_told(w, id), 1);
}

/* The disk has room again, but the repair is still to come. */
static void
test_nothing_leaves_between_a_failed_turn_and_its_repair(void **state)
{
	struct world *w = *state;

	world_start(w);
	w->pong = false;
	world_schedule(w, .to = "nurse@example.net", .when = "in 1 seconds", .offline = "server");
	world_advance(w, 2 * SECOND_MS);
	world_disk_has(w, 0);
	world_pong(w);
	world_advance(w, 40 * SECOND_MS);
	world_disk_is_freed();
	w->pong = false;
	const char *id = world_schedule(w, .when = "in 1 seconds", .offline = "server");
	world_advance(w, 2 * SECOND_MS);
	assert_int_equal(world_count(w, ROMEO), 0);
	world_advance(w, 30 * SECOND_MS);
	assert_string_equal(world_state(w, id), "in flight");
	world_pong(w);
	world_advance(w, 5 * SECOND_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
}

static void
test_daemon_that_cannot_write_does_not_start(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "in 10 seconds");
	world_advance(w, SECOND_MS);
	/* Something has to be taken up. */
	world_sql(w, "UPDATE packet SET state = %d", (int)PACKET_INFLIGHT);
	world_crash(w);
	struct rlimit limit = { 4096, 0 };
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = 4096;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	int code = world_try_start(w);
	world_disk_is_freed();
	assert_int_equal(code, EXIT_DATABASE);
	world_start(w);
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
}

/* -- Want of memory --------------------------------------------------------------------------- */

/* The allocation of OpenSSL, counted from 1, that finds none; 0: each finds some. */
static int scarce_at;

static bool
is_scarce(void)
{
	return scarce_at > 0 && --scarce_at == 0;
}

static void *
scarce_malloc(size_t n, const char *file, int line)
{
	(void)file, (void)line;
	return is_scarce() ? NULL : malloc(n);
}

static void *
scarce_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file, (void)line;
	return is_scarce() ? NULL : realloc(p, n);
}

static void
scarce_free(void *p, const char *file, int line)
{
	(void)file, (void)line;
	free(p);
}

/* SQLite gets none, so that the store cannot even be read. */
static void
store_is_readable(bool readable)
{
	sqlite3_hard_heap_limit64(readable ? 0 : 1);
}

static int
teardown_with_memory(void **state)
{
	store_is_readable(true);
	return world_teardown(state);
}

/* Each allocation in turn; some of them OpenSSL can do without. */
static void
test_body_that_cannot_be_opened_for_want_of_memory_is_tried_again(void **state)
{
	int delayed = 0;
	bool struck = true;

	(void)state;
	for (int n = 1; struck; n++) {
		struct world *w;

		world_setup((void **)&w);
		world_start(w);
		const char *id = world_schedule(w, .when = "in 1 minutes");
		world_advance(w, 59 * SECOND_MS);
		scarce_at = n;
		world_advance_in_silence(w, SECOND_MS);
		struck = scarce_at == 0;
		scarce_at = 0;
		delayed += w->nheard == 0;
		world_advance(w, MINUTE_MS);
		assert_string_equal(world_only(w, ROMEO)->id, id);
		assert_string_equal(world_state(w, id), "sent");
		assert_int_equal(world_count(w, JULIET), 0);
		world_teardown((void **)&w);
	}
	assert_true(delayed > 0);
}

static void
test_message_that_cannot_be_sealed_is_not_accepted(void **state)
{
	int refused = 0;
	bool struck = true;

	(void)state;
	for (int n = 1; struck; n++) {
		struct world *w;
		struct answer a;

		world_setup((void **)&w);
		world_start(w);
		scarce_at = n;
		a = world_ask(w, world_im(.to = ROMEO ", nurse@example.net"));
		struck = scarce_at == 0;
		scarce_at = 0;
		bool accepted = strcmp(a.status, "completed") == 0;
		refused += !accepted;
		assert_string_equal(a.condition, accepted ? "" : "internal-server-error");
		assert_string_equal(a.error_type, accepted ? "" : "wait");
		assert_int_equal(packets_stored(w), accepted ? 2 : 0);
		assert_int_equal(world_sql(w, "SELECT count(*) FROM charge WHERE sender <> 'service'"), accepted ? 1 : 0);
		world_teardown((void **)&w);
	}
	assert_true(refused > 0);
}

static void
test_what_is_heard_while_the_store_cannot_be_read_is_not_forgotten(void **state)
{
	struct world *w = *state;
	const struct heard *bounced, *received;

	world_start(w);
	world_schedule(w, .to = "nurse@example.net", .when = "in 1 minutes", .offline = "server");
	world_schedule(w, .to = "tybalt@example.net", .when = "in 1 minutes");
	const char *held = world_schedule(w, .when = "in 1 minutes", .offline = "hold");
	world_advance(w, 2 * MINUTE_MS);
	bounced = world_only(w, "nurse@example.net");
	received = world_only(w, "tybalt@example.net");
	store_is_readable(false);
	world_bounce(w, bounced, "item-not-found", "cancel");
	world_receipt(w, received);
	world_person(w, ROMEO)->probe = PROBE_ONLINE;
	world_send(w, "<presence type='subscribed' from='" ROMEO "' to='" BOT "'/>");
	world_advance_in_silence(w, 10 * SECOND_MS);
	store_is_readable(true);
	assert_string_equal(world_state(w, bounced->id), "sent");
	world_advance(w, 10 * SECOND_MS);
	assert_string_equal(world_state(w, bounced->id), "failed");
	assert_string_equal(world_state(w, received->id), "delivered");
	assert_string_equal(world_state(w, held), "sent");
	assert_int_equal(world_told(w, bounced->id), 1);
}

static void
test_store_that_cannot_be_read_delays_and_loses_nothing(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "in 20 seconds");
	world_schedule(w, .to = "nurse@example.net", .when = "in 2 minutes");
	store_is_readable(false);
	world_advance_in_silence(w, 10 * MINUTE_MS);
	assert_int_equal(w->nheard, 0);
	store_is_readable(true);
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
	assert_int_equal(world_count(w, "nurse@example.net"), 1);
	assert_int_equal(w->connections, 1);
}

static void
test_commands_say_that_the_store_cannot_be_read(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *id = world_schedule(w, .when = "in 1 hours");
	const struct ask asks[] = {
		{ .node = "list" },
		{ .node = "quota" },
		{ .node = "show", .fields = { "id", id } },
		{ .node = "cancel", .fields = { "ids", id } },
		world_im(.when = "in 1 hours"),
	};
	store_is_readable(false);
	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		struct answer a = world_ask(w, asks[i]);

		assert_string_equal(a.condition, "internal-server-error");
		assert_string_equal(a.error_type, "wait");
	}
	store_is_readable(true);
	world_advance(w, 10 * SECOND_MS);
	assert_string_equal(world_state(w, id), "scheduled");
	assert_int_equal(packets_stored(w), 1);
	assert_string_equal(world_command(w, .node = "list").status, "completed");
}

/* -- Damage --------------------------------------------------------------------------------------------------------------------- */

static void
damage_byte(struct world *w, const char *id, int at)
{
	world_sql(w, "UPDATE packet SET sealed = CAST(substr(sealed, 1, %d) || "
	    "CASE WHEN substr(sealed, %d, 1) = x'00' THEN x'01' ELSE x'00' END || substr(sealed, %d) AS BLOB) WHERE id = '%s'",
	    at, at + 1, at + 2, id);
}

static void
test_any_damaged_byte_fails_that_message_alone(void **state)
{
	enum { LEN = SEAL_OVERHEAD + sizeof("<body>Good morning</body>") - 1 };
	struct world *w = *state;
	const char *ids[LEN + 1];

	world_start(w);
	for (int i = 0; i <= LEN; i++)
		ids[i] = world_schedule(w, .when = "2026-11-22 11:03:00");
	assert_int_equal(world_sql(w, "SELECT max(length(sealed)) FROM packet"), LEN);
	for (int i = 0; i < LEN; i++)
		damage_byte(w, ids[i], i);
	struct answer a = world_command(w, .node = "show", .fields = { "id", ids[3] });
	assert_string_equal(world_field(w, &a, "body"), "(damaged)");
	world_advance_in_silence(w, 10 * MINUTE_MS);
	assert_string_equal(world_only(w, ROMEO)->id, ids[LEN]);
	for (int i = 0; i < LEN; i++)
		assert_string_equal(world_state(w, ids[i]), "failed");
	assert_int_equal(world_told(w, "damaged"), LEN);
	assert_int_equal(world_told(w, ids[0]), 1);
	assert_int_equal(w->connections, 1);
}

static void
test_body_does_not_open_under_another_header(void **state)
{
	static const char *const changes[] = {
		"recipient = 'mallory@example.com'", "sender = 'mallory@example.org'", "due_at = due_at + 1000", "id = 'ZZZZZZ'",
		"sealed = (SELECT sealed FROM packet WHERE recipient = 'nurse@example.net')",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct world *w;

		world_setup((void **)&w);
		world_start(w);
		world_schedule(w, .to = "nurse@example.net", .when = "2026-11-22 11:05:00");
		world_schedule(w, .when = "2026-11-22 11:05:00");
		world_sql(w, "UPDATE packet SET %s WHERE recipient = '" ROMEO "'", changes[i]);
			world_advance_in_silence(w, 10 * MINUTE_MS);
		assert_int_equal(world_sql(w, "SELECT count(*) FROM packet WHERE state = %d", (int)PACKET_FAILED), 1);
		assert_int_equal(world_count(w, "nurse@example.net"), 1);
		assert_int_equal(world_count(w, ROMEO) + world_count(w, "mallory@example.com"), 0);
		world_teardown((void **)&w);
	}
}

static void
test_senseless_row_stops_nobody(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *bad = world_schedule(w, .when = "2026-11-22 11:03:00");
	world_schedule(w, .to = "nurse@example.net", .when = "2026-11-22 11:03:00");
	world_sql(w, "UPDATE packet SET kind = 77, offline = -5, attempts = 1 << 40 WHERE id = '%s'", bad);
	world_advance_in_silence(w, 10 * MINUTE_MS);
	assert_int_equal(world_count(w, "nurse@example.net"), 1);
	assert_string_equal(world_state(w, bad), "failed");
}

/* -- Keys and locks ------------------------------------------------------------------------------------------------------------- */

static void
write_key(struct world *w, char digit, mode_t mode)
{
	FILE *f = fopen(w->config.store.seal_key_file, "w");

	assert_non_null(f);
	for (int i = 0; i < 2 * SEAL_KEY_LEN; i++)
		fputc(digit, f);
	fputc('\n', f);
	fclose(f);
	chmod(w->config.store.seal_key_file, mode);
}

static void
test_exchanged_seal_key_is_a_wrong_configuration(void **state)
{
	struct world *w = *state;
	char kept[128];

	world_start(w);
	world_schedule(w, .when = "in 10 minutes");
	world_crash(w);
	snprintf(kept, sizeof(kept), "%s.kept", w->config.store.seal_key_file);
	assert_int_equal(rename(w->config.store.seal_key_file, kept), 0);
	assert_int_equal(world_try_start(w), EXIT_CONFIGURATION);
	assert_non_null(strstr(buf_str(&w->why), "seal.key"));
	assert_non_null(strstr(buf_str(&w->why), "backup"));
	assert_int_equal(access(w->config.store.seal_key_file, F_OK), -1);
	write_key(w, 'A', 0600);
	assert_int_equal(world_try_start(w), EXIT_CONFIGURATION);
	assert_non_null(strstr(buf_str(&w->why), "not the key"));
	assert_int_equal(rename(kept, w->config.store.seal_key_file), 0);
	world_start(w);
	world_advance(w, 10 * MINUTE_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
}

/* Nobody can tell then whether it is the right one, and the noted one must not be replaced. */
static void
test_seal_key_is_not_taken_where_the_noted_one_cannot_be_read(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *id = world_schedule(w, .when = "in 10 minutes");
	world_crash(w);
	world_sql(w, "UPDATE meta SET value = value || char(0) WHERE name = 'seal_key'");
	write_key(w, 'A', 0600);
	assert_int_equal(world_try_start(w), EXIT_DATABASE);
	assert_int_equal(world_sql(w, "SELECT length(CAST(value AS BLOB)) FROM meta WHERE name = 'seal_key'"), 9);
	assert_string_equal(world_state(w, id), "scheduled");
}

static void
test_seal_key_that_all_may_read_is_a_wrong_configuration(void **state)
{
	struct world *w = *state;

	write_key(w, 'A', 0644);
	assert_int_equal(world_try_start(w), EXIT_CONFIGURATION);
	chmod(w->config.store.seal_key_file, 0600);
	world_start(w);
}

static void
test_second_daemon_on_the_same_database_is_turned_away(void **state)
{
	struct world *w = *state;
	struct laterd *first;

	world_start(w);
	world_schedule(w, .when = "in 10 minutes");
	first = w->laterd;
	assert_int_equal(world_try_start(w), EXIT_LOCKED);
	assert_null(w->laterd);
	assert_non_null(strstr(buf_str(&w->why), "another laterd"));
	w->laterd = first;
	world_advance(w, 10 * MINUTE_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
	world_restart(w);
}

static void
test_what_is_no_database_is_not_opened(void **state)
{
	struct world *w = *state;
	FILE *f = fopen(w->config.store.database, "w");

	fputs("It was the nightingale, and not the lark.", f);
	fclose(f);
	assert_int_equal(world_try_start(w), EXIT_DATABASE);
	assert_non_null(strstr(buf_str(&w->why), "laterd.db"));
	unlink(w->config.store.database);
	w->config.store.database = "/nonexistent/laterd.db";
	assert_int_equal(world_try_start(w), EXIT_DATABASE);
}

#define MEMORY_TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, teardown_with_memory)
#define ROOM_TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, teardown_with_room)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ROOM_TEST(test_message_that_cannot_be_stored_is_not_accepted),
		ROOM_TEST(test_command_that_waited_and_cannot_be_stored_is_not_accepted),
		ROOM_TEST(test_cancel_that_cannot_be_stored_is_not_claimed),
		ROOM_TEST(test_nothing_leaves_that_could_not_be_written_down),
		cmocka_unit_test_setup_teardown(test_disk_that_fills_up_anywhere_loses_nothing, NULL, disk_is_freed),
		cmocka_unit_test_setup_teardown(test_disk_that_fills_up_anywhere_settles_what_was_sent, NULL, disk_is_freed),
		ROOM_TEST(test_what_is_heard_while_the_disk_is_full_is_not_forgotten),
		ROOM_TEST(test_bounce_heard_while_the_disk_is_full_does_not_grow_too_old),
		ROOM_TEST(test_nothing_leaves_between_a_failed_turn_and_its_repair),
		ROOM_TEST(test_daemon_that_cannot_write_does_not_start),
		cmocka_unit_test(test_body_that_cannot_be_opened_for_want_of_memory_is_tried_again),
		cmocka_unit_test(test_message_that_cannot_be_sealed_is_not_accepted),
		MEMORY_TEST(test_what_is_heard_while_the_store_cannot_be_read_is_not_forgotten),
		MEMORY_TEST(test_store_that_cannot_be_read_delays_and_loses_nothing),
		MEMORY_TEST(test_commands_say_that_the_store_cannot_be_read),
		WORLD_TEST(test_any_damaged_byte_fails_that_message_alone),
		cmocka_unit_test(test_body_does_not_open_under_another_header),
		WORLD_TEST(test_senseless_row_stops_nobody),
		WORLD_TEST(test_exchanged_seal_key_is_a_wrong_configuration),
		WORLD_TEST(test_seal_key_is_not_taken_where_the_noted_one_cannot_be_read),
		WORLD_TEST(test_seal_key_that_all_may_read_is_a_wrong_configuration),
		WORLD_TEST(test_second_daemon_on_the_same_database_is_turned_away),
		WORLD_TEST(test_what_is_no_database_is_not_opened),
	};

	/* Before OpenSSL takes its first memory. */
	if (CRYPTO_set_mem_functions(scarce_malloc, scarce_realloc, scarce_free) != 1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
