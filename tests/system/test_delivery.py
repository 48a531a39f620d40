"""What arrives, from whom, and when the recipient was away."""

from datetime import datetime, timezone

import pytest
from forms import cancel, due_in, listing, order, rfc3339, schedule, until_state


def utc(instant):
    return datetime.fromtimestamp(instant, timezone.utc)


def test_message_comes_from_the_sender_where_the_server_lets_us(world):
    juliet, romeo = world.online("juliet", "romeo")
    packet = schedule(juliet, "romeo@example.org", "it is <I> & you", due_in(1))
    message = romeo.wait_message()
    assert message.sender == "juliet@example.org"
    assert (message.type, message.body) == ("chat", "it is <I> & you")
    assert message.id == message.origin_id == packet
    assert message.wants_receipt
    assert not message.delays


def test_message_names_its_sender_where_the_server_does_not_let_us(plain_world):
    juliet, romeo = plain_world.online("juliet", "romeo")
    packet = schedule(juliet, "romeo@example.org", "good night", due_in(1))
    message = romeo.wait_message()
    assert message.sender == "juliet%example.org@later.example.org"
    assert (message.type, message.body, message.nick) == ("chat", "good night", "juliet")
    assert message.ofrom == "juliet@example.org"
    assert message.id == message.origin_id == packet
    assert message.wants_receipt


@pytest.mark.parametrize("offline", ["hold", "auto"])
def test_message_is_held_until_the_recipient_logs_in(world, offline):
    juliet, romeo = world.online("juliet"), world.user("romeo")
    due = due_in(1)
    packet = schedule(juliet, "romeo@example.org", "good morning", due, offline=offline)
    if offline == "auto" and not world.server.shows_absence:
        until_state(juliet, packet, "sent")
        assert romeo.login().wait_ids([packet])[0].body == "good morning"
        return
    until_state(juliet, packet, "held")
    assert "held" in listing(juliet)[packet]
    message = romeo.login().wait_ids([packet])[0]
    assert message.body == "good morning"
    assert utc(due) in [stamp for stamp, _ in message.delays]
    assert [m.id for m in romeo.messages.items].count(packet) == 1


def test_a_held_message_waits_for_a_resource_that_wants_messages(world):
    juliet = world.online("juliet")
    packet = schedule(juliet, "romeo@example.org", "psst", "now", offline="hold")
    until_state(juliet, packet, "held")
    romeo = world.user("romeo", priority=-1).login()
    marker = schedule(juliet, "juliet@example.org", "marker", due_in(1))
    juliet.wait_ids([marker])
    assert "psst" not in romeo.bodies()
    romeo.send_presence(ppriority=0)
    romeo.wait_ids([packet])


def test_a_held_message_can_be_cancelled(world):
    juliet = world.online("juliet")
    packet = schedule(juliet, "romeo@example.org", "never mind", "now", offline="hold")
    until_state(juliet, packet, "held")
    assert "cancelled" in cancel(juliet, packet).text().lower()
    romeo = world.online("romeo")
    marker = schedule(juliet, "romeo@example.org", "marker", due_in(1))
    romeo.wait_ids([marker])
    assert romeo.bodies() == ["marker"]


def test_hold_asks_for_a_subscription_where_presence_cannot_be_seen(plain_world):
    juliet = plain_world.online("juliet")
    due = due_in(1)
    reply = order(juliet, "romeo@example.org", "good morning", due, offline="hold")
    packet = reply.form["id"].value
    until_state(juliet, packet, "held")
    romeo = plain_world.online("romeo")
    request = romeo.wait_presence(plain_world.laterd.bot, "subscribe")
    assert bool(request.findtext("{http://jabber.org/protocol/nick}nick")) == plain_world.server.stores_requests_whole
    assert "juliet@example.org" in request.findtext("{jabber:client}status")
    assert "good morning" not in romeo.bodies()
    romeo.send_presence(pto=plain_world.laterd.bot, ptype="subscribed")
    message = romeo.wait_ids([packet])[0]
    assert utc(due) in [stamp for stamp, _ in message.delays]


def test_a_subscription_given_once_serves_the_next_hold(plain_world):
    juliet, romeo = plain_world.online("juliet", "romeo")
    first = schedule(juliet, "romeo@example.org", "one", "now", offline="hold")
    romeo.wait_presence(plain_world.laterd.bot, "subscribe")
    romeo.send_presence(pto=plain_world.laterd.bot, ptype="subscribed")
    romeo.wait_ids([first])
    romeo.logout()
    second = schedule(juliet, "romeo@example.org", "two", "now", offline="hold")
    until_state(juliet, second, "held")
    romeo.login().wait_ids([second])


def test_auto_leaves_it_to_the_server_where_presence_cannot_be_seen(plain_world):
    juliet = plain_world.online("juliet")
    packet = schedule(juliet, "romeo@example.org", "stored", "now")
    until_state(juliet, packet, "sent")
    assert plain_world.online("romeo").wait_ids([packet])[0].body == "stored"


def test_a_bounce_turns_an_auto_message_into_a_held_one(bare_world):
    bare_world.start(privileges=False, offline=False)
    juliet = bare_world.online("juliet")
    packet = schedule(juliet, "romeo@example.org", "returned", "now")
    until_state(juliet, packet, "held")


def test_drop_sends_only_to_those_who_are_online(world):
    juliet, nurse = world.online("juliet", "nurse")
    lost, kept = schedule(juliet, ["romeo@example.org", "nurse@example.org"], "now or never", due_in(1), offline="drop")
    nurse.wait_ids([kept])
    until_state(juliet, lost, "expired")
    assert kept not in listing(juliet) and lost not in listing(juliet)


def test_the_sender_is_told_when_a_held_message_expires(world):
    juliet = world.online("juliet")
    due = due_in(1)
    packet = schedule(juliet, "romeo@example.org", "too late", due, offline="hold", expires=rfc3339(due + 2))
    notice = juliet.wait_message(lambda m: packet in (m.body or "") and "expired" in m.body)
    assert notice.sender == world.laterd.bot
    assert "romeo@example.org" in notice.body
    assert listing(juliet) == {}


def test_a_message_to_a_user_who_does_not_exist_ends_with_a_notice(bare_world):
    bare_world.start(privileges=False, offline=False)
    juliet = bare_world.online("juliet")
    packet = schedule(juliet, "mercutio@example.org", "are you there", "now", offline="server")
    notice = juliet.wait_message(lambda m: packet in (m.body or ""))
    assert "mercutio@example.org" in notice.body
