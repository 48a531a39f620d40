"""What users can learn of all that is stored about them, and that they can have it deleted."""

import json
import re
import sqlite3
import time

import pytest
from forms import cancel, due_in, listing, rfc3339, schedule, until_state
from gateway import fetch
from peers import UPLOAD_MAX

# elsewhere.example has no upload service
STAGE = {"uploads": True, "users": {"domains": ["example.org", "elsewhere.example"]}}
AT_ONCE = 50    # recipients of one request
TEXT = "It was the nightingale, and not the lark. " * 24


def many(user, count=AT_ONCE, name="friend", due=None, body=TEXT):
    """The ids of so many messages to as many people."""
    people = [f"{name}{n}@example.org" for n in range(count)]
    found = []
    for begin in range(0, count, AT_ONCE):
        found += schedule(user, people[begin:begin + AT_ONCE], body, due or due_in(3600))
    return found


# export

def export(stage, user):
    """The message that the bot sends."""
    before = user.messages.items[-1].at if user.messages.items else 0
    reply = user.command("export")
    assert reply.status == "completed" and reply.notes[0][0] == "info", reply
    return user.wait_message(lambda m: m.body and m.sender == stage.laterd.bot and m.at > before, timeout=20)


def test_a_little_comes_as_a_message(stage, visitor, friend):
    visitor.command("settings", {"zone": "Asia/Tokyo", "notify": "sent", "offline": "server", "hours": "12"}, "complete")
    due = due_in(1)
    sent = schedule(visitor, friend.jid, "good\n\"night\" ☾", due)
    friend.wait_ids([sent])
    until_state(visitor, sent, "sent")
    waiting = schedule(visitor, friend.jid, "waits", due_in(3600), offline="hold", expires=rfc3339(due_in(7200)))
    cancelled = schedule(visitor, friend.jid, "stopped", due_in(3600))
    cancel(visitor, cancelled)
    repeated = schedule(visitor, friend.jid, "it is {time}", due_in(3600), repeat="daily")
    copy = json.loads(export(stage, visitor).body)
    assert (copy["service"], copy["user"]) == (stage.laterd.address, visitor.jid)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", copy["exported"])
    assert copy["settings"] == {"zone": "Asia/Tokyo", "notify": "sent", "offline": "server", "hours": 12, "stopped": False}
    charge, = copy["charges"]
    assert (charge["kind"], charge["count"]) == ("im", 2)
    messages = {m["id"]: m for m in copy["messages"]}
    assert set(messages) == {sent, waiting, cancelled, repeated} and len(copy["messages"]) == 4
    assert all((m["kind"], m["to"]) == ("im", friend.jid) for m in copy["messages"])
    states = {i: m["state"] for i, m in messages.items()}
    assert states == {sent: "sent", waiting: "scheduled", cancelled: "cancelled", repeated: "scheduled"}
    assert messages[sent]["body"] == "good\n\"night\" ☾" and messages[sent]["due"] == rfc3339(due)
    assert [e["what"] for e in messages[sent]["history"]][0] == "scheduled"
    assert messages[waiting]["offline"] == "hold" and messages[waiting]["expires"]
    recurrence, = copy["recurrences"]
    assert (recurrence["body"], recurrence["rule"], recurrence["paused"]) == ("it is {time}", "FREQ=DAILY", False)
    assert recurrence["id"] == messages[repeated]["recurrence"] and "{time}" not in messages[repeated]["body"]


def test_who_has_nothing_gets_an_empty_copy(stage, visitor):
    copy = json.loads(export(stage, visitor).body)
    assert copy["user"] == visitor.jid and copy["messages"] == copy["recurrences"] == copy["charges"] == []


def test_much_comes_as_a_link_to_the_users_own_server(stage, visitor):
    ids = many(visitor)
    message = export(stage, visitor)
    link = re.search(rf"http://127\.0\.0\.1:{stage.server.http_port}/\S+", message.body)
    assert link, message
    status, body = fetch(link[0])
    assert status == 200
    copy = json.loads(body.decode("utf-8"))
    assert copy["user"] == visitor.jid and len(copy["messages"]) == AT_ONCE
    assert {m["id"] for m in copy["messages"]} == set(ids)
    assert {m["to"] for m in copy["messages"]} == {f"friend{n}@example.org" for n in range(AT_ONCE)}
    assert {m["body"] for m in copy["messages"]} == {TEXT}
    again = re.search(r"http://\S+", export(stage, visitor).body)[0]
    assert again != link[0] and json.loads(fetch(again)[1])["messages"] == copy["messages"]


def test_too_much_for_the_upload_service_is_told(stage, visitor):
    many(visitor, 2 * AT_ONCE)
    told = export(stage, visitor).body
    assert "could not be handed over" in told and "upload.example.org" in told and str(UPLOAD_MAX) in told, told


def test_much_without_an_upload_service_is_told(stage):
    user = stage.newcomer(domain="elsewhere.example").login()
    many(user)
    told = export(stage, user).body
    assert "could not be handed over" in told and "elsewhere.example has no service for uploading files" in told, told


def test_nobody_else_is_in_it(stage, visitor, friend):
    secret = schedule(friend, visitor.jid, "a secret", due_in(3600))
    copy = export(stage, visitor).body
    assert secret not in copy and friend.jid not in copy and "secret" not in copy


# forget

def rows(stage, user):
    """{table: rows that are about the user}."""
    path = stage.laterd.sections["store"]["database"]
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        counts = {table: database.execute(f"SELECT count(*) FROM {table} WHERE {column} = ?", (user.jid,)).fetchone()[0]
                  for table, column in (("packet", "sender"), ("series", "sender"), ("account", "jid"),
                                        ("contact", "jid"), ("forget", "jid"))}
        counts["notices"] = database.execute("SELECT count(*) FROM packet WHERE sender = ? AND recipient = ?",
                                             (stage.laterd.bot, user.jid)).fetchone()[0]
        lost = "SELECT count(*) FROM event WHERE packet NOT IN (SELECT n FROM packet)"
        counts["event"] = database.execute(lost).fetchone()[0]
    return {table: count for table, count in counts.items() if count}


def until_forgotten(stage, user, timeout=20):
    deadline = time.monotonic() + timeout
    while left := rows(stage, user):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def forget(user):
    reply = user.command("forget", {"confirm": "1"}, "complete")
    assert reply.status == "completed" and reply.notes[0][0] == "info", reply


def furnish(stage, user, friend):
    """Something in every table; two messages, one of a recurrence, are due in a moment."""
    user.command("settings", {"zone": "Asia/Tokyo", "notify": "sent"}, "complete")
    sent = schedule(user, friend.jid, "one that was sent", "now")
    friend.wait_ids([sent])
    user.wait_message(lambda m: sent in (m.body or ""))
    held = schedule(user, "mercutio@example.org", "never", "now", offline="hold")
    until_state(user, held, "held")
    for fields in ({}, {"repeat": "daily"}):
        schedule(user, friend.jid, "never", due_in(2), **fields)
    assert set(rows(stage, user)) >= {"packet", "series", "account"}


def test_forget_asks_first(visitor):
    schedule(visitor, "romeo@example.org", "hello", due_in(3600))
    asked = visitor.command("forget")
    assert asked.status == "executing" and asked.form["confirm"].type == "boolean" and asked.form["waiting"].value.endswith(": 1")
    for fields in ({"confirm": "0"}, {}):
        refused = visitor.command("forget", fields, "complete")
        assert refused.status == "executing" and "Nothing was deleted" in refused.form["error"].value, refused
    assert visitor.command("forget", None, "cancel", asked.session).status == "canceled"
    assert len(listing(visitor)) == 1


@pytest.mark.parametrize("killed", [False, True], ids=["running", "killed"])
def test_all_is_deleted_and_nothing_arrives(stage, visitor, friend, killed):
    kept = schedule(friend, visitor.jid, "of somebody else", due_in(3600))
    furnish(stage, visitor, friend)
    forget(visitor)
    if killed:
        stage.laterd.kill()
        stage.laterd.start()
    assert listing(visitor) == {}
    marker = schedule(friend, friend.jid, "marker", due_in(2))
    friend.wait_ids([marker])
    assert friend.bodies() == ["one that was sent", "marker"]
    until_forgotten(stage, visitor)
    assert visitor.command("history").form is None and visitor.command("settings").form["zone"].value == ""
    assert list(listing(friend)) == [kept]


def test_a_long_history_is_deleted_also_after_kill_9(stage, visitor):
    many(visitor, 300, body="hello")
    cancel(visitor, *list(listing(visitor))[:100])
    assert rows(stage, visitor)["packet"] == 300
    forget(visitor)
    stage.laterd.kill()
    stage.laterd.start()
    until_forgotten(stage, visitor)
    stage.laterd.wait_log(f"all that was stored about {visitor.jid} is deleted")


def test_who_was_forgotten_may_begin_anew(stage, visitor, friend):
    schedule(visitor, friend.jid, "before", due_in(3600))
    forget(visitor)
    packet = schedule(visitor, friend.jid, "after", due_in(1))
    assert friend.wait_ids([packet])[0].body == "after"
    until_state(visitor, packet, "sent")
    deadline = time.monotonic() + 10
    while "forget" in rows(stage, visitor):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert rows(stage, visitor) == {"packet": 1}


def test_what_was_sent_still_counts(visitor, friend):
    sent = schedule(visitor, friend.jid, "counts", "now")
    friend.wait_ids([sent])
    until_state(visitor, sent, "sent")
    before = visitor.command("quota").form["im"].value
    forget(visitor)
    assert visitor.command("quota").form["im"].value == before and "1" in before


def test_nothing_of_it_is_left_in_the_file(stage, visitor):
    schedule(visitor, "a-name-in-no-other-row@example.org", "hello", due_in(3600))
    forget(visitor)
    until_forgotten(stage, visitor)
    assert stage.laterd.terminate() == 0
    with open(stage.laterd.sections["store"]["database"], "rb") as file:
        assert b"a-name-in-no-other-row" not in file.read()
    stage.laterd.start()
