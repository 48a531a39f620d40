"""Due and arrival."""

import statistics

import pytest
from forms import due_in, schedule


def test_the_default_tick_sends_in_the_packets_own_second(bare_world):
    bare_world.start(schedule={"tick": None})
    juliet, romeo = bare_world.online("juliet", "romeo")
    due = due_in(5)
    packet = schedule(juliet, "romeo@example.org", "on time", due)
    message = romeo.wait_ids([packet], timeout=20)[0]
    assert due <= message.at < due + 1


@pytest.mark.any_server
def test_a_hundred_messages_of_one_minute_arrive_and_none_early(bare_world, measured):
    bare_world.start(schedule={"tick": None})
    juliet, romeo = bare_world.online("juliet", "romeo")
    start = due_in(5)
    due = {}
    for n in range(100):
        instant = start + n * 60 // 100
        due[schedule(juliet, "romeo@example.org", f"number {n}", instant)] = instant
    arrived = romeo.wait_ids(list(due), timeout=90)
    delays = sorted(m.at - due[m.id] for m in arrived)
    measured(f"100 messages due in one minute, due to arrival in ms: min {delays[0] * 1000:.0f}, "
             f"median {statistics.median(delays) * 1000:.0f}, p95 {delays[94] * 1000:.0f}, max {delays[99] * 1000:.0f}")
    assert delays[0] >= 0
    assert len(romeo.bodies()) == len(due)
