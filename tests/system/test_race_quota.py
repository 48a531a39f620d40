"""Two clients at once for the last unit of a limit: one of them gets it, however often they try."""

import pytest
from chat import Chat
from forms import at_once, due_in, filled, listing, order
from gateway import Gateway

ROUNDS = 40
NUMBER = "+4917012345678"


def STAGE(world):
    world.gateway = Gateway(world.scene).start()
    return {"gateway office": world.gateway.section(), "http": world.listener(), "users": {"admins": ["nurse@example.org"]},
            "quota im": {}, "quota sms": {"count": "segment"}}


@pytest.fixture
def operator(stage):
    stage.operator = getattr(stage, "operator", None) or stage.user("nurse").login()
    return stage.operator


def limit(operator, whose, kind, **numbers):
    reply = operator.command("limits", {"jid": whose, "kind": kind, **numbers}, "complete")
    assert reply.status == "completed" and reply.notes[0][0] == "info", reply


def is_accepted(reply):
    return reply.form is not None and "id" in reply.form and [kind for kind, _ in reply.notes] == ["info"]


def race(*users, kind="im", body="for the last one", to=None):
    """How many of their requests, all sent before any is answered, are accepted."""
    due = due_in(3600)
    replies = at_once([(user, kind, filled(to or user.jid, body, due), "complete") for user in users])
    for reply in replies:
        assert reply.status == "completed", reply
    return sum(map(is_accepted, replies))


@pytest.mark.parametrize("kind, body, units", [("im", "x", 1), ("sms", "x" * 161, 2)], ids=["im", "sms"])
def test_two_clients_of_one_user(stage, visitor, operator, kind, body, units):
    second = stage.user(visitor.jid, resource="second").login()
    to = NUMBER if kind == "sms" else None
    for n in range(1, ROUNDS + 1):
        limit(operator, visitor.jid, kind, day=str(n * units))
        assert race(visitor, second, visitor, second, kind=kind, body=body, to=to) == 1, n
    assert len(listing(visitor)) == ROUNDS
    assert f"{ROUNDS * units} of {ROUNDS * units} today" in visitor.command("quota").text()


def test_two_users_of_one_service(visitor, friend, operator):
    used = int(operator.command("limits", {"jid": "service", "kind": "im"}, "complete").text().split("used: ")[1].split()[0])
    try:
        for n in range(1, ROUNDS + 1):
            limit(operator, "service", "im", month=str(used + n))
            assert race(visitor, friend, visitor, friend) == 1, n
        assert len(listing(visitor)) + len(listing(friend)) == ROUNDS
    finally:
        limit(operator, "service", "im", month="none")


def test_a_form_and_a_line(stage, visitor, operator):
    second = Chat(stage.user(visitor.jid, resource="second").login())
    for n in range(1, 21):
        limit(operator, visitor.jid, "im", day=str(n))
        line = second.write(f"im in 1h {visitor.jid} by a line")
        formed = is_accepted(order(visitor, visitor.jid, "by a form", due_in(3600)))
        said = second.wait(line).body
        assert formed + said.startswith("Scheduled ") == 1, (n, formed, said)
    assert len(listing(visitor)) == 20
