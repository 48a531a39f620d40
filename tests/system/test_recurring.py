"""Messages that repeat: their rules on the wire, and a real one a minute, which laterd is killed in the midst of."""

import re
import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from forms import (assert_refused, cancel, due_in, filled, listing, order, rfc3339, schedule, show, state_of,
                   until_state)

STAGE = {"schedule": {"repeat_min": 60}}
BERLIN = ZoneInfo("Europe/Berlin")
SOMEBODY = "romeo@example.org"
LIVE = "FREQ=MINUTELY;INTERVAL=1;COUNT=2"


def confirmed(user, when, **fields):
    reply = user.command("im", filled(SOMEBODY, "hello", when, **fields), "next")
    assert reply.status == "executing" and "error" not in reply.form, reply
    return reply


def instants(confirmation):
    """The first of them and those that are shown after it, as "2026-11-23 09:00 +0100"."""
    shown = [confirmation.form[var].value for var in ("when", "next-1", "next-2", "next-3") if var in confirmation.form]
    found = [re.search(r"(\d{4}-\d\d-\d\d \d\d:\d\d) \(Europe/Berlin, ([+-]\d\d):(\d\d)\)", text) for text in shown]
    return [" ".join((m[1], m[2] + m[3])) for m in found]


def written(*dates, hour=9):
    return [d.replace(hour=hour, minute=0).strftime("%Y-%m-%d %H:%M %z") for d in dates]


def coming(weekday):
    """09:00 in Berlin on the weekday (0: Monday) of the week after this one."""
    today = datetime.now(BERLIN).replace(hour=9, minute=0, second=0, microsecond=0)
    return today + timedelta(7 - today.weekday() + weekday)


def words(instant):
    return instant.strftime("%Y-%m-%d %H:%M:%S")


def days(first, *numbers):
    return [first + timedelta(n) for n in numbers]


@pytest.mark.parametrize("weekday, fields, numbers", [
    (0, {"repeat": "daily"}, (0, 1, 2, 3)),
    (3, {"repeat": "weekdays"}, (0, 1, 4, 5)),
    (5, {"repeat": "weekdays"}, (2, 3, 4, 5)),
    (2, {"repeat": "weekly"}, (0, 7, 14, 21)),
    (2, {"repeat": "Weekly", "rrule": ""}, (0, 7, 14, 21)),
    (0, {"rrule": "FREQ=DAILY;INTERVAL=2"}, (0, 2, 4, 6)),
    (0, {"repeat": "no", "rrule": "rrule:freq=weekly;byday=mo,th"}, (0, 3, 7, 10)),
    (1, {"rrule": "FREQ=WEEKLY;BYDAY=FR"}, (3, 10, 17, 24)),
    (0, {"rrule": "FREQ=DAILY;COUNT=3"}, (0, 1, 2)),
])
def test_the_next_three_instants_are_shown_before_it_is_accepted(visitor, weekday, fields, numbers):
    first = coming(weekday)
    reply = confirmed(visitor, first.strftime("%Y-%m-%d 09:00"), **fields)
    assert instants(reply) == written(*days(first, *numbers))
    assert reply.form["repeat"].value and (len(numbers) == 4 or "last" in reply.form["last"].value)
    done = visitor.command("im", None, "complete", reply.session)
    assert done.form["due"].value == rfc3339((first + timedelta(numbers[0])).timestamp())
    line, = listing(visitor).values()
    assert "repeats" in line


@pytest.mark.parametrize("repeat", ["monthly", "yearly"])
def test_a_day_that_a_month_does_not_have_is_its_last(visitor, repeat):
    today = datetime.now(BERLIN)
    if repeat == "monthly":
        start = next(d for d in days(today, *range(1, 80)) if d.day == 31)
        months = [(start.year + (start.month - 1 + n) // 12, (start.month - 1 + n) % 12 + 1) for n in range(4)]
    else:
        start = today + timedelta(30)
        start = start.replace(day=min(start.day, 28))
        months = [(start.year + n, start.month) for n in range(4)]
    last = [(datetime(y + m // 12, m % 12 + 1, 1) - timedelta(1)).day for y, m in months]
    expected = [datetime(y, m, min(start.day, d), 9, tzinfo=BERLIN) for (y, m), d in zip(months, last)]
    reply = confirmed(visitor, start.strftime("%Y-%m-%d 09:00"), repeat=repeat)
    assert instants(reply) == written(*expected)
    assert reply.form["repeat"].value == f"Repeats: {repeat}"


def test_the_clock_is_kept_when_it_is_changed(visitor):
    """A week's step over the next change to or from summer time."""
    first = coming(0)
    while first.utcoffset() == (first + timedelta(7)).utcoffset():
        first += timedelta(7)
    reply = confirmed(visitor, first.strftime("%Y-%m-%d 09:00"), repeat="weekly")
    found = instants(reply)
    assert found == written(*days(first, 0, 7, 14, 21))
    assert found[0][-5:] != found[1][-5:] and all(" 09:00 " in instant for instant in found)


def test_until_is_the_last_day(visitor):
    first = coming(0)
    until = (first + timedelta(1)).strftime("%Y%m%d")
    reply = confirmed(visitor, first.strftime("%Y-%m-%d 09:00"), rrule=f"FREQ=DAILY;UNTIL={until}")
    assert instants(reply) == written(*days(first, 0, 1))
    assert "last" in reply.form["last"].value


def test_the_rule_counts_on_the_clock_that_was_written(visitor):
    when = coming(0).strftime("%Y-%m-%d 09:00 Asia/Tokyo")
    reply = confirmed(visitor, when, repeat="daily")
    assert "09:00 (Asia/Tokyo, +09:00)" in reply.form["when"].value
    assert all("09:00 (Asia/Tokyo, +09:00)" in reply.form[f"next-{n}"].value for n in (1, 2, 3))


@pytest.mark.parametrize("fields, reason", [
    ({"repeat": "fortnightly"}, "weekly"),
    ({"repeat": "daily", "rrule": "FREQ=DAILY"}, "rrule"),
    ({"rrule": "FREQ=SECONDLY"}, "secondly"),
    ({"rrule": "FREQ=MINUTELY;BYSECOND=0,30"}, "1 minute"),
    ({"rrule": "FREQ=DAILY;COUNT=2;UNTIL=20300101"}, "until"),
    ({"rrule": "FREQ=DAILY;COUNT=1000000"}, "count"),
    ({"rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, ""),
    ({"rrule": "FREQ=DAILY;UNTIL=20200101"}, ""),
    ({"rrule": "every day"}, "freq="),
    ({"rrule": "FREQ=DAILY;BYMOON=FULL"}, "bymoon"),
    ({"rrule": "FREQ=DAILY;" * 100}, ""),
])
def test_a_wrong_rule_brings_the_form_back(visitor, fields, reason):
    for action in ("next", "complete"):
        reply = visitor.command("im", filled(SOMEBODY, "hello", "tomorrow 9:00", **fields), action)
        assert_refused(visitor, reply, reason)
        assert reply.form["when"].value == "tomorrow 9:00"
        assert reply.form["rrule"].value == fields.get("rrule", "")


def test_by_default_nothing_repeats_within_a_quarter_of_an_hour(bare_world):
    juliet = bare_world.start().online("juliet")
    assert_refused(juliet, order(juliet, SOMEBODY, "hello", "in 1 hour", rrule="FREQ=MINUTELY;INTERVAL=14"), "15 minutes")
    assert order(juliet, SOMEBODY, "hello", "in 1 hour", rrule="FREQ=MINUTELY;INTERVAL=15").status == "completed"


# This one, or all that follow

def test_an_edit_is_of_one_occurrence_where_nothing_else_is_said(visitor, friend):
    first = coming(0)
    packet = schedule(visitor, friend.jid, "hello", words(first), repeat="daily")
    form = visitor.command("edit", {"id": packet}, "next").form
    assert form["scope"].options == ["this", "following"] and form["repeat"].value == "daily"
    refused = visitor.command("edit", {"id": packet, "repeat": "weekly"}, "complete")
    assert refused.status == "executing" and "all that follow" in refused.form["error"].value, refused
    expires = show(visitor, packet).form["expires"].value
    assert visitor.command("edit", {"id": packet, "body": "once"}, "complete").status == "completed"
    assert show(visitor, packet).form["expires"].value == expires
    assert visitor.command("now", {"id": packet}, "complete").status == "completed"
    assert friend.wait_ids([packet])[0].body == "once"
    until_state(visitor, packet, "sent")
    (second, line), = listing(visitor).items()
    assert second != packet and "hello" in line and (first + timedelta(1)).strftime("%Y-%m-%d 09:00") in line


def test_all_that_follow_have_the_new_text_and_rule(visitor):
    first = coming(0)
    packet = schedule(visitor, SOMEBODY, "old", words(first), repeat="daily")
    reply = visitor.command("edit", {"id": packet, "scope": "following", "body": "new", "repeat": "weekly"}, "complete")
    assert reply.status == "completed", reply
    stopped = visitor.command("cancel", {"ids": [packet], "scope": "this"}, "complete")
    (second, line), = listing(visitor).items()
    assert f"goes on with {second}" in stopped.form[packet].value
    assert "new" in line and (first + timedelta(7)).strftime("%Y-%m-%d 09:00") in line and "repeats weekly" in line
    ended = cancel(visitor, second)
    assert "what would have followed is cancelled too" in ended.form[second].value and listing(visitor) == {}


def test_a_single_message_can_be_made_to_repeat_and_to_stop(visitor):
    packet = schedule(visitor, SOMEBODY, "hello", words(coming(0)))
    refused = visitor.command("pause", {"id": packet}, "complete")
    assert refused.notes[0][0] == "error" and "does not repeat" in refused.notes[0][1]
    visitor.command("edit", {"id": packet, "repeat": "daily"}, "complete")
    assert "repeats daily" in listing(visitor)[packet]
    visitor.command("edit", {"id": packet, "repeat": "no", "scope": "following"}, "complete")
    assert "repeats" not in listing(visitor)[packet]
    cancel(visitor, packet)
    assert listing(visitor) == {}


def test_several_recipients_have_each_a_recurrence_of_their_own(visitor):
    one, other = schedule(visitor, [SOMEBODY, "nurse@example.org"], "hello", words(coming(0)), repeat="daily")
    cancel(visitor, one)
    assert list(listing(visitor)) == [other] and "repeats daily" in listing(visitor)[other]


# A real one

class Live:
    """Recurrences of a minute that began together; laterd was killed between their two occurrences."""

    def __init__(self, stage):
        self.sender, self.friend = stage.newcomer().login(), stage.newcomer().login()
        self.due = due_in(3)
        self.first = {name: self.order(name) for name in ("plain", "paused", "resumed", "skipped", "stopped", "text")}
        self.friend.wait_ids(list(self.first.values()))
        for packet in self.first.values():
            until_state(self.sender, packet, "sent")
        self.second = {name: show(self.sender, packet).form["present"].value.split()[-1] for name, packet in self.first.items()}
        for name in ("paused", "resumed"):
            self.say("pause", name)
        # the second occurrence is the last
        self.sender.command("cancel", {"ids": [self.second["skipped"]], "scope": "this"}, "complete")
        cancel(self.sender, self.first["stopped"])
        self.say("edit", "text", scope="following", body="changed at {time}")
        stage.laterd.kill()
        stage.laterd.start()
        self.say("resume", "resumed")

    def order(self, name):
        return schedule(self.sender, self.friend.jid, name + " of {date} at {time}, {place}",
                        words(datetime.fromtimestamp(self.due, BERLIN)), rrule=LIVE)

    def say(self, node, name, **fields):
        reply = self.sender.command(node, {"id": self.second[name], **fields}, "complete")
        assert reply.status == "completed" and reply.notes[0][0] == "info", reply

    def text(self, name, seconds):
        at = datetime.fromtimestamp(self.due + seconds, BERLIN)
        clock = at.strftime("%H:%M:%S").removesuffix(":00")
        return f"{name} of {at:%Y-%m-%d} at {clock}, {{place}}", f"changed at {clock}"

    def wait_second(self, name):
        return self.friend.wait_ids([self.second[name]], timeout=max(0, self.due + 60 - time.time()) + 10)[0]


@pytest.fixture(scope="module", autouse=True)
def live(stage):
    """Its minute passes during the tests above."""
    return Live(stage)


def test_occurrences_are_packets_of_their_own_with_date_and_time_filled_in(live):
    message = live.wait_second("plain")
    assert message.at >= live.due + 60 and message.id != live.first["plain"]
    first = next(m for m in live.friend.messages.items if m.id == live.first["plain"])
    assert (first.body, message.body) == (live.text("plain", 0)[0], live.text("plain", 60)[0])
    until_state(live.sender, message.id, "sent")
    assert show(live.sender, message.id).form["repeat"].value == "Repeats: no more"


def test_what_was_changed_for_all_that_follow_arrives_changed(live):
    assert live.wait_second("text").body == live.text("text", 60)[1]


def test_what_was_resumed_in_time_arrives(live):
    assert live.wait_second("resumed").body == live.text("resumed", 60)[0]


def test_what_is_paused_or_cancelled_does_not_arrive(live):
    live.wait_second("plain")
    marker = schedule(live.sender, live.friend.jid, "marker", due_in(1))
    live.friend.wait_ids([marker])
    for name in ("paused", "skipped", "stopped"):
        assert [body for body in live.friend.bodies() if body.startswith(name)] == [live.text(name, 0)[0]], name
    assert state_of(live.sender, live.second["skipped"]) == state_of(live.sender, live.second["stopped"]) == "cancelled"
    line = listing(live.sender)[live.second["paused"]]
    assert "paused" in line and "scheduled" in line
    assert list(listing(live.sender)) == [live.second["paused"]]


def test_what_fell_due_while_it_was_paused_is_skipped(live):
    live.wait_second("plain")
    reply = live.sender.command("resume", {"id": live.first["paused"]}, "complete")
    assert reply.notes[0][0] == "info" and "Nothing of this recurrence is left" in reply.notes[0][1], reply
    shown = until_state(live.sender, live.second["paused"], "cancelled")
    assert "skipped: it was paused when it was due" in shown
