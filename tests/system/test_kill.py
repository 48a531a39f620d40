"""kill -9 of laterd while a thousand messages that cost money are on their way."""

import sqlite3
import time
from collections import Counter

from forms import due_in, schedule, until_state
from gateway import Gateway

COUNT = 1000
RECIPIENTS = 50         # of one request
# by core/packet.h; the database keeps them as numbers
STATES = {1: "scheduled", 2: "queued", 3: "held", 4: "in flight", 5: "sent", 6: "delivered", 7: "failed", 8: "expired",
          9: "cancelled", 10: "uncertain"}


def states(world):
    """{packet: state} of all SMS; who reads leaves nothing behind that laterd could not open."""
    mode = "mode=ro" if world.laterd.running else "immutable=1"
    with sqlite3.connect(f"file:{world.laterd.sections['store']['database']}?{mode}", uri=True) as database:
        return {packet: STATES[state] for packet, state in database.execute("SELECT id, state FROM packet WHERE kind = 2")}


def order_a_thousand(world, due):
    juliet = world.online("juliet")
    recipients = [f"+4917{n:08d}" for n in range(COUNT)]
    packets = []
    for begin in range(0, COUNT, RECIPIENTS):
        packets += schedule(juliet, recipients[begin:begin + RECIPIENTS], "now or never", due, "sms")
    assert len(set(packets)) == COUNT
    return juliet, dict(zip(packets, recipients))


def start(world, gateway, **keys):
    world.start(**{"gateway office": gateway.section(inflight=64, connections=16, **keys), "http": world.listener()},
                schedule={"tick": 1, "zone": "Europe/Berlin", "pending_max": 10 * COUNT},
                users={"admins": ["nurse@example.org"]})


def wait_settled(world, timeout=120):
    """The states as soon as nothing is under way any more."""
    deadline = time.monotonic() + timeout
    while True:
        found = states(world)
        if not set(found.values()) & {"scheduled", "queued", "held", "in flight"}:
            return found
        assert time.monotonic() < deadline, Counter(found.values())
        time.sleep(0.2)


def kill_in_the_middle(world, gateway, kills):
    """Kill and start it again each time that so many more requests have been answered or begun."""
    for n in range(1, kills + 1):
        gateway.wait_requests(n * COUNT // (kills + 2), timeout=60)
        world.laterd.kill()
        world.laterd.start()


def test_no_message_goes_out_twice_and_every_one_is_sent_or_uncertain(bare_world, gateway, measured):
    gateway.default = Gateway.ok(delay=0.05)
    start(bare_world, gateway)
    due = due_in(8)
    juliet, packets = order_a_thousand(bare_world, due)
    kill_in_the_middle(bare_world, gateway, 3)
    found = wait_settled(bare_world)
    figures = Counter(found.values())
    requests = gateway.counts
    measured(f"{COUNT} SMS due at once, 3 times kill -9: {dict(figures)}; {sum(requests.values())} requests, "
             f"{sum(1 for n in requests.values() if n > 1)} of them twice")
    assert set(found) == set(packets)
    assert not gateway.faults
    assert max(requests.values()) == 1, [packet for packet, n in requests.items() if n > 1]
    numbers = Counter(submission["to"] for submission in gateway.submissions())
    assert max(numbers.values()) == 1
    assert set(figures) <= {"sent", "uncertain"}
    for packet, state in found.items():
        # What was sent was asked for; what was not asked for is uncertain.
        assert state == "uncertain" or requests[packet] == 1, packet
    assert 0 < figures["uncertain"] <= 3 * 64
    one = next(packet for packet, state in found.items() if state == "uncertain")
    until_state(juliet, one, "uncertain")
    juliet.wait_message(lambda m: one in (m.body or ""), timeout=60)


def test_with_idempotency_keys_every_one_is_sent(bare_world, gateway, measured):
    gateway.default = Gateway.ok(delay=0.05)
    start(bare_world, gateway, idempotency="header:Idempotency-Key")
    _, packets = order_a_thousand(bare_world, due_in(8))
    kill_in_the_middle(bare_world, gateway, 2)
    found = wait_settled(bare_world)
    requests = gateway.counts
    keys = {}
    for request in gateway.requests.items:
        keys.setdefault(request.submission["ref"], set()).add(request.headers["idempotency-key"])
    measured(f"the same with idempotency keys: {dict(Counter(found.values()))}; {sum(requests.values())} requests, "
             f"{sum(1 for n in requests.values() if n > 1)} repeated")
    assert set(found) == set(packets) and set(found.values()) == {"sent"}
    assert all(len(of_one) == 1 for of_one in keys.values())


def test_sigterm_waits_for_what_is_on_its_way(bare_world, gateway):
    gateway.default = Gateway.ok(delay=0.3)
    start(bare_world, gateway, timeout=5)
    juliet = bare_world.online("juliet")
    due = due_in(3)
    packets = []
    for begin in range(0, 100, RECIPIENTS):
        packets += schedule(juliet, [f"+4917000{n:06d}" for n in range(begin, begin + RECIPIENTS)], "x", due, "sms")
    gateway.wait_requests(70)
    assert bare_world.laterd.terminate() == 0
    found = Counter(states(bare_world).values())
    assert set(found) <= {"sent", "scheduled", "queued", "held"} and found["sent"] >= 64, found
    bare_world.laterd.start()
    for packet in packets:
        until_state(juliet, packet, "sent", timeout=60)
    assert gateway.counts == dict.fromkeys(packets, 1)
