"""/metrics of a busy daemon, as Prometheus reads it."""

import os
import sys
import time
import urllib.error
import urllib.request

import pytest
from chat import Chat
from forms import at_once, cancel, due_in, filled, schedule

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from metrics_lint import Page       # noqa: E402

NUMBER = "+4917012345678"


@pytest.fixture
def busy(bare_world, gateway):
    """With a gateway and a listener."""
    return bare_world.start(**{"gateway office": gateway.section(), "http": bare_world.listener()})


def fetch(world):
    url = f"http://{world.laterd.sections['http']['listen']}/metrics"
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        page = Page(answer.read())
    assert page.problems == []
    return page


def test_a_fresh_daemon_has_a_clean_page(busy):
    # The server tells of it first.
    busy.laterd.wait_log("connected to")
    page = fetch(busy)
    assert page.value("laterd_stream_up") == 1
    assert page.total("laterd_packets") == 0
    assert page.total("laterd_build_info") == 1
    assert page.value("process_open_fds") > 5


def test_a_busy_daemon_has_a_clean_page_that_adds_up(busy, gateway):
    juliet, romeo = busy.online("juliet", "romeo")
    before = fetch(busy)
    sent = [schedule(juliet, "romeo@example.org", f"poison {i}", due_in(1)) for i in range(20)]
    sms = [schedule(juliet, NUMBER, f"dagger {i}", due_in(1), "sms") for i in range(20)]
    waiting = [schedule(juliet, "romeo@example.org", "potion", due_in(3600)) for _ in range(3)]
    romeo.wait_ids(sent)
    gateway.wait_requests(len(sms))
    gateway.script.append(gateway.error(400))
    failed = schedule(juliet, NUMBER, "too late", "now", "sms")
    juliet.wait_message(lambda m: failed in (m.body or ""))
    page = fetch(busy)
    accepted = page.value("laterd_accepted_total", kind="im") - before.value("laterd_accepted_total", kind="im")
    assert accepted == len(sent + waiting)
    assert page.value("laterd_accepted_total", kind="sms") == len(sms) + 1
    assert page.value("laterd_packets", kind="im", state="scheduled") == len(waiting)
    assert page.value("laterd_packets", kind="sms", state="failed") == 1
    assert page.value("laterd_ended_total", kind="sms", state="failed") == 1
    assert page.value("laterd_gateway_outcomes_total", gateway="office", outcome="accepted") == len(sms)
    assert page.value("laterd_gateway_outcomes_total", gateway="office", outcome="permanent") == 1
    assert page.value("laterd_gateway_seconds_count", gateway="office") == len(sms) + 1
    assert page.value("laterd_lateness_seconds_count", kind="sms") >= len(sms)
    assert page.value("laterd_commit_seconds_count") > len(sent + sms)
    assert page.value("laterd_pong_seconds_count") > 0
    for name in before.series:
        if name[0].endswith(("_total", "_bucket", "_count")):
            assert page.series[name] >= before.series[name], name


def many(user, count, kind, to, due):
    """The ids of so many messages, ordered a hundred at once."""
    requests = [(user, kind, filled(to, f"number {n}", due), "complete") for n in range(count)]
    replies = [reply for begin in range(0, count, 100) for reply in at_once(requests[begin:begin + 100])]
    return [reply.form["id"].value for reply in replies]


@pytest.mark.any_server
def test_a_thousand_messages_later_the_page_says_what_happened(bare_world, gateway, measured):
    world = bare_world.start(**{"gateway office": gateway.section(inflight=64, connections=16), "http": bare_world.listener(),
                                "schedule": {"tick": 1, "zone": "Europe/Berlin", "pending_max": 2000}})
    juliet, romeo = world.online("juliet", "romeo")
    begun = time.monotonic()
    later = many(juliet, 100, "im", "romeo@example.org", due_in(3600))
    # ten times as many, and none of them may be due before the last is ordered
    due = due_in(2 + 15 * (time.monotonic() - begun))
    sent = many(juliet, 700, "im", "romeo@example.org", due)
    phones = many(juliet, 300, "sms", NUMBER, due)
    page = fetch(world)
    assert page.value("laterd_packets", kind="im", state="scheduled") == len(sent) + len(later)
    cancel(juliet, *later[:50])
    juliet.send_raw("".join(Chat(juliet).stanza(f"flood-{n}", "list") for n in range(60)))
    romeo.wait_ids(sent, timeout=60)
    gateway.wait_requests(len(phones), timeout=60)
    juliet.wait_message(lambda m: "ignored" in (m.body or ""))
    deadline = time.monotonic() + 10
    while page.value("laterd_ended_total", kind="sms", state="sent") < len(phones) \
            or page.value("laterd_ended_total", kind="im", state="sent") < len(sent):
        assert time.monotonic() < deadline
        page = fetch(world)
    assert page.value("laterd_ended_total", kind="im", state="sent") == len(sent)
    assert page.value("laterd_ended_total", kind="im", state="cancelled") == 50
    assert page.value("laterd_packets", kind="im", state="scheduled") == 50
    assert page.value("laterd_packets", kind="sms", state="sent") == len(phones)
    assert page.value("laterd_gateway_outcomes_total", gateway="office", outcome="accepted") == len(phones)
    for kind, count in (("im", len(sent)), ("sms", len(phones))):
        assert page.value("laterd_lateness_seconds_count", kind=kind) == count
        assert page.value("laterd_lateness_seconds_bucket", kind=kind, le="+Inf") == count
    assert page.total("laterd_queue") == 0
    assert page.value("laterd_batch_messages_sum") >= len(sent)
    assert page.value("laterd_chat_lines_total", result="ignored") >= 25
    assert page.value("laterd_chat_lines_total", result="heard") >= 31
    late = page.value("laterd_lateness_seconds_sum", kind="im") / len(sent)
    measured(f"1000 messages due at once: {late * 1000:.0f} ms late on the average, "
             f"{page.value('laterd_commit_seconds_count'):.0f} turns on disk in {page.value('laterd_commit_seconds_sum'):.2f} s")


def test_nothing_names_people_or_numbers(busy):
    juliet = busy.online("juliet")
    schedule(juliet, "romeo@example.org", "poison", due_in(3600))
    schedule(juliet, NUMBER, "dagger", due_in(3600), "sms")
    text = " ".join(value for _, labels in fetch(busy).series for _, value in labels)
    assert not any(word in text for word in ("juliet", "romeo", "example.org", NUMBER[1:], "poison", "dagger"))


def test_the_page_cannot_be_written(busy):
    url = f"http://{busy.laterd.sections['http']['listen']}/metrics"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url, data=b"x=1", timeout=10)
    assert refused.value.code == 405
