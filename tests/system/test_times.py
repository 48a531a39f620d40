"""Times as people write them, and whose clock they are read by."""

import time
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from forms import assert_refused, filled, listing, order, rfc3339, show
from peers import SILENT

STAGE = {}
BERLIN, TOKYO = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Tokyo")
SOMEBODY = "romeo@example.org"


# What the forms mean at an instant; no example lies where a clock of these tests is changed.

def on(date, hour, minute=0, second=0):
    return date.replace(hour=hour, minute=minute, second=second, microsecond=0, fold=0)


def ahead(days, *clock):
    return lambda now: on(now + timedelta(days), *clock)


def next_time(*clock):
    """Today, or tomorrow when it is past."""
    return lambda now: on(now, *clock) if on(now, *clock) > now else on(now + timedelta(1), *clock)


def weekday(number, *clock, after_today=False):
    def found(now):
        days = (number - now.weekday()) % 7
        if days == 0 and (after_today or on(now, *clock) <= now):
            days = 7
        return on(now + timedelta(days), *clock)
    return found


def length(**parts):
    """Of time that passes, whatever the clock shows meanwhile."""
    return lambda now: (now.astimezone(timezone.utc) + timedelta(**parts)).astimezone(now.tzinfo)


FAR = 200
FORMS = [
    ("%Y-%m-%d 18:00", ahead(FAR, 18)),
    ("%Y-%m-%d 18:00:05", ahead(FAR, 18, 0, 5)),
    ("%d.%m.%Y 18:00", ahead(FAR, 18)),
    ("%d.%m. 18:00", ahead(FAR, 18)),
    ("%d %b %Y 6:30 pm", ahead(FAR, 18, 30)),
    ("%B %d %Y at 18:00", ahead(FAR, 18)),
    ("18:00", next_time(18)),
    ("6 pm", next_time(18)),
    ("noon", next_time(12)),
    ("midnight", next_time(0)),
    ("in 20 minutes", length(minutes=20)),
    ("2h30m", length(hours=2, minutes=30)),
    ("in 2 hours and 30 minutes", length(hours=2, minutes=30)),
    ("in an hour", length(hours=1)),
    ("3 days", length(days=3)),
    ("tomorrow 9:00", ahead(1, 9)),
    ("tomorrow at noon", ahead(1, 12)),
    ("the day after tomorrow 9:00", ahead(2, 9)),
    ("9:15 tomorrow", ahead(1, 9, 15)),
    ("fri 17:30", weekday(4, 17, 30)),
    ("on Friday at 17:30", weekday(4, 17, 30)),
    ("next monday at 8", weekday(0, 8, after_today=True)),
    ("next Monday 8:00", weekday(0, 8, after_today=True)),
    ("Tomorrow, 9:00", ahead(1, 9)),
]


def misread(user, clock, suffix):
    """Those of FORMS that do not become the instant they mean."""
    wrong = []
    for text, meaning in FORMS:
        before = datetime.now(clock)
        text = (before + timedelta(FAR)).strftime(text) + suffix
        reply = order(user, SOMEBODY, "hello", text)
        after = datetime.now(clock) + timedelta(seconds=1)
        due = reply.form["due"].value if reply.status == "completed" else reply.text()
        if not rfc3339(meaning(before).timestamp()) <= due <= rfc3339(meaning(after).timestamp()):
            wrong.append((text, due))
    return wrong


@pytest.mark.parametrize("clock, suffix", [
    (BERLIN, ""), (TOKYO, " Asia/Tokyo"), (timezone.utc, " UTC"), (timezone(timedelta(hours=2)), " +02:00"),
    (BERLIN, " (Europe/Berlin)")])
def test_every_form_is_read_with_and_without_a_zone(visitor, clock, suffix):
    assert misread(visitor, clock, suffix) == []


@pytest.mark.parametrize("suffix, offset", [("Z", 0), ("+01:00", 1), ("-05:00", -5)])
def test_a_time_on_the_wire_has_its_own_offset(visitor, suffix, offset):
    date = datetime.now(timezone.utc) + timedelta(FAR)
    reply = order(visitor, SOMEBODY, "hello", date.strftime("%Y-%m-%dT18:00:00") + suffix)
    assert reply.form["due"].value == rfc3339(on(date, 18).timestamp() - offset * 3600)


def test_the_answer_says_which_day_a_time_without_one_is(visitor):
    reply = order(visitor, SOMEBODY, "hello", "18:00")
    due = next_time(18)(datetime.now(BERLIN))
    assert due.strftime("%a %Y-%m-%d 18:00 (Europe/Berlin, %z")[:-2] in reply.notes[0][1], reply


@pytest.mark.parametrize("expires, meaning", FORMS[:4] + [
    ("in 20 hours", length(hours=20)), ("in 2 days", length(days=2)), ("the day after tomorrow 9:00", ahead(2, 9))])
def test_expires_takes_the_same_forms(visitor, expires, meaning):
    now = datetime.now(BERLIN)
    reply = order(visitor, SOMEBODY, "hello", "in 1 minute", expires=(now + timedelta(FAR)).strftime(expires))
    shown = show(visitor, reply.form["id"].value).form["expires"].value
    instants = meaning(now), meaning(datetime.now(BERLIN) + timedelta(seconds=1))
    assert any(at.strftime("%a %Y-%m-%d %H:%M") in shown for at in instants), shown


def changes(zone):
    """The next (forward, back) at which its clock is changed, a moment before."""
    hour = timedelta(hours=1)
    at = datetime.now(timezone.utc).replace(minute=0, second=0, microsecond=0)
    found = {}
    while len(found) < 2:
        step = (at + hour).astimezone(zone).utcoffset() - at.astimezone(zone).utcoffset()
        if step:
            found.setdefault(step > timedelta(0), at)
        at += hour
    return found[True], found[False]


def test_an_hour_that_comes_twice_is_the_first_and_says_so(visitor):
    back = changes(BERLIN)[1]       # 02:00 there; 02:00 to 02:59 comes again an hour later
    reply = order(visitor, SOMEBODY, "hello", back.astimezone(BERLIN).strftime("%Y-%m-%d %H:30"))
    assert reply.form["due"].value == rfc3339(back.timestamp() + 1800)
    assert "+02:00" in reply.notes[0][1] and "twice" in reply.notes[0][1], reply


def skipped():
    forward = changes(BERLIN)[0].astimezone(BERLIN)
    return forward.strftime("%Y-%m-%d ") + f"{forward.hour + 1:02d}:30"


@pytest.mark.parametrize("when, reason", [
    (lambda: "2001-01-01 10:00", "past"),
    (lambda: (datetime.now(BERLIN) - timedelta(1)).strftime("%d.%m.%Y 18:00"), "past"),
    (lambda: (datetime.now(BERLIN) + timedelta(FAR)).strftime("%Y-%m-%d"), "time"),
    (lambda: "03/04/2027 10:00", "2027-03-04"),
    (lambda: "03/04/2027 10:00", "2027-04-03"),
    (skipped, "jumps over"),
    (lambda: skipped() + " Europe/Berlin", "jumps over"),
    (lambda: (datetime.now(BERLIN) + timedelta(500)).strftime("%Y-%m-%d 18:00"), "400 days"),
    (lambda: "tomorrow 9:00 Europe/Nowhere", "europe/nowhere"),
    (lambda: "tomorrow 25:00", "25:00"),
    (lambda: "31 Feb 18:00", "31.2."),
    (lambda: "in 2 months", "month"),
    (lambda: "in 20", "unit"),
    (lambda: "13 pm", "13"),
    (lambda: "in half a moment", "write"),
    (lambda: "x" * 1000, "write"),
    (lambda: "\u202e18:00", "write"),
])
def test_a_time_that_is_refused_brings_the_form_back_with_the_reason(visitor, when, reason):
    text = when()
    for action in (None, "complete"):
        reply = visitor.command("im", filled(SOMEBODY, "hello", text), action)
        assert_refused(visitor, reply, reason)
        assert "write" in reply.form["error"].value.lower() or reason == "400 days"
        assert reply.form["when"].value == text and reply.form["body"].value == "hello"


def test_a_wrong_expiry_is_refused_as_well(visitor):
    for expires, reason in (("soonish", "soonish"), ("in 5 minutes", "expire"), (skipped(), "jumps over")):
        assert_refused(visitor, order(visitor, SOMEBODY, "hello", "in 1 hour", expires=expires), reason)


def test_what_is_confirmed_does_not_move_with_the_time_it_takes(visitor):
    asked = visitor.command("im")
    confirmation = visitor.command("im", filled(SOMEBODY, "hello", "in 20 minutes"), "next", asked.session)
    before = datetime.now(timezone.utc)
    time.sleep(1.5)
    done = visitor.command("im", None, "complete", asked.session)
    assert done.form["due"].value <= rfc3339(before.timestamp() + 1201)
    assert done.notes[0][1].partition(": ")[2][:20] == confirmation.form["when"].value[:20]


# Whose clock

def in_two_stages(user, when):
    """(instructions of the first form, the confirmation's `when`, due)"""
    asked = user.command("im")
    confirmation = user.command("im", filled(SOMEBODY, "hello", when), "next", asked.session)
    assert confirmation.status == "executing" and "error" not in confirmation.form, confirmation
    done = user.command("im", None, "complete", asked.session)
    return asked.form.instructions[0], confirmation.form["when"].value, done.form["due"].value


def test_the_zone_of_settings_comes_first(stage):
    user = stage.newcomer(clock="+09:00").login()
    saved = user.command("settings", {"zone": "america/new_york"}, "complete")
    assert saved.status == "completed" and "America/New_York" in saved.notes[0][1], saved
    told, when, due = in_two_stages(user, "tomorrow 9:00")
    assert "America/New_York" in told
    assert "09:00 (America/New_York, -0" in when and "settings" in when
    assert due == rfc3339(ahead(1, 9)(datetime.now(ZoneInfo("America/New_York"))).timestamp())
    assert user.asked_time == 0
    assert user.command("settings", {"zone": ""}, "complete").status == "completed"
    assert "(+09:00)" in in_two_stages(user, "tomorrow 9:00")[1]


def test_a_zone_that_is_written_beats_the_settings(visitor):
    visitor.command("settings", {"zone": "Asia/Tokyo"}, "complete")
    _, when, due = in_two_stages(visitor, "tomorrow 9:00 UTC")
    assert "(UTC)" in when and "you wrote" in when
    assert due == rfc3339(ahead(1, 9)(datetime.now(timezone.utc)).timestamp())


def test_a_wrong_zone_is_not_saved(visitor):
    refused = visitor.command("settings", {"zone": "Europe/Nowhere"}, "complete")
    assert refused.status == "executing" and refused.form["zone"].value == "Europe/Nowhere"
    assert "Europe/Berlin" in refused.form["error"].value and refused.notes[0][0] == "error"
    assert visitor.command("settings").form["zone"].value == ""


@pytest.mark.parametrize("tzo, hours", [("+09:00", 9), ("-03:30", -3.5)])
def test_the_clock_of_the_client_comes_next(stage, tzo, hours):
    user = stage.newcomer(clock=tzo).login()
    _, when, due = in_two_stages(user, "tomorrow 9:00")
    assert f"09:00 ({tzo})" in when and "your client's" in when
    clock = timezone(timedelta(hours=hours))
    assert due == rfc3339(ahead(1, 9)(datetime.now(clock)).timestamp())
    assert user.asked_time == 1


def test_a_script_that_asks_once_gets_the_zone_of_its_client(stage):
    user = stage.newcomer(clock="+09:00").login()
    reply = order(user, SOMEBODY, "hello", "tomorrow 9:00")
    assert reply.form["due"].value == rfc3339(ahead(1, 9)(datetime.now(TOKYO)).timestamp())
    assert "your client's" in reply.notes[0][1]


def test_two_clients_of_a_user_have_each_their_own_clock(stage):
    east = stage.newcomer(clock="+09:00").login()
    west = stage.user(east.jid, resource="west", clock="-05:00").login()
    assert "(+09:00)" in in_two_stages(east, "tomorrow 9:00")[1]
    assert "(-05:00)" in in_two_stages(west, "tomorrow 9:00")[1]


def test_a_client_at_the_servers_offset_is_where_the_server_is(stage):
    offset = datetime.now(BERLIN).strftime("%z")
    user = stage.newcomer(clock=offset[:3] + ":" + offset[3:]).login()
    when = in_two_stages(user, "tomorrow 9:00")[1]
    assert "(Europe/Berlin, " in when and "your client's" in when


@pytest.mark.parametrize("clock", [None, SILENT, "+99:00", "nonsense", ""])
def test_the_servers_zone_comes_last_and_nobody_waits_for_long(stage, clock):
    user = stage.newcomer(clock=clock).login()
    began = time.monotonic()
    reply = order(user, SOMEBODY, "hello", "tomorrow 9:00")
    assert time.monotonic() - began < 3
    assert reply.form["due"].value == rfc3339(ahead(1, 9)(datetime.now(BERLIN)).timestamp())
    assert "09:00 (Europe/Berlin, " in reply.notes[0][1] and "the server's" in reply.notes[0][1]
    began = time.monotonic()
    told, when, _ = in_two_stages(user, "tomorrow 9:00")
    assert time.monotonic() - began < 1.4
    assert "the server's" in told and "the server's" in when
    assert user.asked_time == 1 and len(listing(user)) == 2


def test_the_form_does_not_wait_for_the_clock(stage):
    user = stage.newcomer(clock=SILENT).login()
    began = time.monotonic()
    assert user.command("im").form["when"].value == ""
    assert time.monotonic() - began < 1.4


def test_times_are_written_as_the_user_wants_them(visitor):
    saved = visitor.command("settings", {"hours": "12"}, "complete")
    assert "6:00 pm" in saved.notes[0][1], saved
    assert "6:00 pm (Europe/Berlin" in order(visitor, SOMEBODY, "hello", "tomorrow 18:00").notes[0][1]
    assert "6:00 pm (Europe/Berlin" in next(iter(listing(visitor).values()))
