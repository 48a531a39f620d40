"""/metrics of a busy daemon, as Prometheus reads it."""

import os
import sys
import urllib.error
import urllib.request

import pytest
from forms import due_in, schedule

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
    failed = schedule(juliet, NUMBER, "too late", due_in(0), "sms")
    juliet.wait_message(lambda m: failed in (m.body or ""))
    page = fetch(busy)
    assert page.value("laterd_accepted_total", kind="im") - before.total("laterd_accepted_total", kind="im") == len(sent + waiting)
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
