"""Crashes with packets waiting: everything arrives, once by id."""

import time

from forms import at_once, cancel, due_in, filled, listing, schedule, until_state


def assert_once(user, ids):
    arrived = [m.id for m in user.messages.items if m.body]
    assert sorted(arrived) == sorted(ids)


def order_all(juliet, due):
    """The ids of number 0, 1, … for romeo, due then; all are under way before the first of them is."""
    requests = [(juliet, "im", filled("romeo@example.org", f"number {n}", at), "complete") for n, at in enumerate(due)]
    return [reply.form["id"].value for reply in at_once(requests)]


def settle(juliet, romeo):
    """A message of now that arrives shows that nothing sent before it is still on its way."""
    marker = schedule(juliet, "romeo@example.org", "marker", due_in(1))
    romeo.wait_ids([marker])
    return marker


def sleep_until(instant):
    """Let a due time pass while nobody is there who could tell."""
    time.sleep(max(0, instant - time.time()))


def test_packets_survive_a_crash_of_the_server(world):
    juliet, romeo = world.online("juliet", "romeo")
    due = due_in(2)
    ids = order_all(juliet, [due + n % 6 for n in range(30)])
    since = world.server.mark()
    world.server_crash()
    sleep_until(due + 3)
    world.server.start()
    romeo.login()
    world.server.wait_component(since, timeout=60)
    arrived = romeo.wait_ids(ids, timeout=30)
    assert [m.body for m in arrived] == [f"number {n}" for n in range(30)]
    juliet.login()
    marker = settle(juliet, romeo)
    assert_once(romeo, ids + [marker])


def test_a_server_that_is_away_when_laterd_starts_is_found_later(bare_world):
    bare_world.start()
    bare_world.laterd.terminate()
    bare_world.server_crash()
    bare_world.laterd.start(wait=False)
    bare_world.laterd.wait_log(str(bare_world.server.component_port))
    since = bare_world.server.mark()
    bare_world.server.start()
    bare_world.server.wait_component(since, timeout=60)
    juliet, romeo = bare_world.online("juliet", "romeo")
    romeo.wait_ids([schedule(juliet, "romeo@example.org", "found", "now")])


def test_packets_survive_a_crash_of_laterd(world):
    juliet, romeo = world.online("juliet", "romeo")
    due = due_in(2)
    ids = order_all(juliet, [due + n % 6 for n in range(30)])
    world.laterd.kill()
    sleep_until(due + 3)
    world.laterd.start()
    arrived = romeo.wait_ids(ids, timeout=30)
    assert [m.body for m in arrived] == [f"number {n}" for n in range(30)]
    marker = settle(juliet, romeo)
    assert_once(romeo, ids + [marker])


def test_a_crash_while_sending_loses_nothing(world):
    juliet, romeo = world.online("juliet", "romeo")
    ids = order_all(juliet, [due_in(4)] * 100)
    romeo.wait_message(timeout=20)
    world.laterd.kill()
    world.laterd.start()
    romeo.wait_ids(ids, timeout=30)
    marker = settle(juliet, romeo)
    assert {m.id for m in romeo.messages.items if m.body} == {*ids, marker}


def test_held_packets_survive_a_crash_of_both(world):
    juliet = world.online("juliet")
    held = schedule(juliet, "romeo@example.org", "held", "now", offline="hold")
    until_state(juliet, held, "held")
    waiting = schedule(juliet, "romeo@example.org", "waiting", due_in(3600))
    gone = schedule(juliet, "romeo@example.org", "gone", due_in(3600))
    cancel(juliet, gone)
    world.laterd.kill()
    world.server_crash()
    world.server.start()
    world.laterd.start()
    romeo = world.online("romeo")
    romeo.wait_ids([held])
    juliet.login()
    assert list(listing(juliet)) == [waiting]


def let_presence_be_seen(world, juliet):
    """romeo grants the request that he gets when something is held for him."""
    packet = schedule(juliet, "romeo@example.org", "held as well", "now", offline="hold")
    until_state(juliet, packet, "held")
    romeo = world.online("romeo")
    romeo.wait_presence(world.laterd.bot, "subscribe")
    romeo.send_presence(pto=world.laterd.bot, ptype="subscribed")
    romeo.wait_ids([packet])
    romeo.query("example.org", "{urn:xmpp:ping}ping")
    romeo.logout()


def test_a_recipient_who_logged_in_while_laterd_was_down_gets_what_was_held(world):
    juliet = world.online("juliet")
    if not world.server.repeats_presence:
        # There, laterd learns it of those only whose presence it may see without a privilege.
        let_presence_be_seen(world, juliet)
    packet = schedule(juliet, "romeo@example.org", "held", "now", offline="hold")
    until_state(juliet, packet, "held")
    world.laterd.kill()
    romeo = world.online("romeo")
    world.laterd.start()
    romeo.wait_ids([packet])


def test_sigterm_with_packets_waiting_ends_with_0_and_keeps_them(world):
    juliet, romeo = world.online("juliet", "romeo")
    packet = schedule(juliet, "romeo@example.org", "kept", due_in(2))
    assert world.laterd.terminate() == 0
    world.laterd.start()
    romeo.wait_ids([packet])
