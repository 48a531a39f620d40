"""A crash of the server with a thousand packets: half of them held for somebody who is offline, half due meanwhile."""

import sqlite3
import time
from collections import Counter

import pytest
from forms import at_once, due_in, filled, schedule, until_state

COUNT = 1000
BATCH = 50              # requests under way at once
KEPT = 6                # seconds until ejabberd has written a subscription down
HELD = 3                # by core/packet.h
AWAY = 2                # seconds between the last due time and the server's return


def held(world):
    with sqlite3.connect(f"file:{world.laterd.sections['store']['database']}?mode=ro", uri=True) as database:
        return database.execute("SELECT count(*) FROM packet WHERE state = ?", (HELD,)).fetchone()[0]


def until_held(world, count, timeout=30):
    deadline = time.monotonic() + timeout
    while held(world) < count:
        assert time.monotonic() < deadline, (held(world), count)
        time.sleep(0.1)


def order_all(sender, requests):
    """The ids of (recipient, body, due, offline), in their order."""
    ids = []
    for begin in range(0, len(requests), BATCH):
        replies = at_once([(sender, "im", filled(to, body, due, offline=offline), "complete")
                           for to, body, due, offline in requests[begin:begin + BATCH]])
        ids += [reply.form["id"].value for reply in replies]
    assert len(set(ids)) == len(requests)
    return ids


def arrived(user, ids, bodies):
    """What came of these; asserts that each did, and under its own id only."""
    seen = [(m.id, m.body) for m in user.messages.items if m.id in set(ids) or m.body in set(bodies)]
    assert set(seen) == set(zip(ids, bodies)), "something is missing, or came with another id"
    return seen


@pytest.mark.parametrize("both", [False, True], ids=["server", "server-and-laterd"])
def test_a_thousand_packets_survive_a_crash(bare_world, both, measured):
    world = bare_world.start(schedule={"tick": 1, "zone": "Europe/Berlin", "pending_max": 10 * COUNT})
    juliet, nurse = world.online("juliet", "nurse")
    romeo = world.user("romeo")
    first = schedule(juliet, romeo.jid, "first", "now", offline="hold")
    until_state(juliet, first, "held")
    romeo.login()
    romeo.wait_ids([first])
    if world.kind == "ejabberd":
        # which shows who is online after its return to those only who are subscribed
        romeo.wait_presence(world.laterd.bot, "subscribe")
        romeo.send_presence(pto=world.laterd.bot, ptype="subscribed")
        # answered behind it
        romeo.query(world.laterd.address, "{urn:xmpp:ping}ping")
    romeo.logout()

    begun = time.monotonic()
    waiting = [f"held {n}" for n in range(COUNT // 2)]
    due = [f"due {n}" for n in range(COUNT // 2)]
    waiting_ids = order_all(juliet, [(romeo.jid, body, "now", "hold") for body in waiting])
    ordered = time.monotonic() - begun
    until_held(world, len(waiting))
    # ejabberd keeps a subscription in memory for a while, and a crash would lose it
    time.sleep(max(0, begun + KEPT - time.monotonic()) if world.kind == "ejabberd" else 0)
    # as long again, and then they fall due within two seconds
    at = due_in(ordered + 3)
    due_ids = order_all(juliet, [(nurse.jid, body, at + n * 2 // len(due), "auto") for n, body in enumerate(due)])
    assert time.time() < at - 1, "ordering took too long for this test"
    until_held(world, len(waiting))

    world.server_crash()
    if both:
        world.laterd.kill()
    time.sleep(max(0, at + AWAY - time.time()))
    since = world.server.mark()
    world.server.start()
    if both:
        # while nobody is connected to hear of it
        romeo.login(), nurse.login()
        world.laterd.start(wait=False)
    else:
        nurse.login()
    world.server.wait_component(since, timeout=60)
    back = time.monotonic()
    if not both:
        romeo.login()
    nurse.wait_ids(due_ids, timeout=30)
    romeo.wait_ids(waiting_ids, timeout=30)
    took = time.monotonic() - back

    juliet.login()
    for user in (romeo, nurse):
        user.wait_ids([schedule(juliet, user.jid, "the last", "now")], timeout=20)
    seen = arrived(romeo, waiting_ids, waiting), arrived(nurse, due_ids, due)
    twice = sum(n - 1 for of_one in seen for n in Counter(of_one).values())
    measured(f"{world.kind}: {COUNT} packets, half held and half due, kill -9 of the server{' and of laterd' if both else ''}: "
             f"all {COUNT} arrived {took:.1f} s after its return, {twice} of them twice with the same id")
    for packet in (waiting_ids[0], waiting_ids[-1], due_ids[0], due_ids[-1]):
        until_state(juliet, packet, "sent")
    assert list(dict.fromkeys(seen[0])) == list(zip(waiting_ids, waiting)), "not in order"
    assert list(dict.fromkeys(seen[1])) == list(zip(due_ids, due)), "not in order"
