"""Changing, sending, stopping and looking at what waits."""

import time

import pytest
from forms import StanzaError, assert_refused, cancel, due_in, listing, order, rfc3339, schedule, show, state_of, until_state

STAGE = {}


def edit(user, packet, action="complete", session=None, **fields):
    return user.command("edit", {"id": packet, **fields}, action, session)


def now(user, packet):
    return user.command("now", {"id": packet}, "complete")


def history(user):
    """{id: the line of `history`}, latest first."""
    reply = user.command("history")
    assert reply.status == "completed", reply
    return {f.var: f.value for f in reply.form.fields if f.type == "fixed"} if reply.form else {}


def events(user, packet):
    """What `show` tells of a packet's life."""
    return [f.value.partition("): ")[2] for f in show(user, packet).form.fields if f.var.startswith("history-")]


# edit

def test_an_earlier_time_is_kept(visitor, friend):
    packet = schedule(visitor, friend.jid, "good night", due_in(3600))
    due = due_in(1)
    reply = edit(visitor, packet, when=rfc3339(due))
    assert reply.status == "completed" and reply.notes[0][0] == "info", reply
    assert (reply.form["id"].value, reply.form["due"].value) == (packet, rfc3339(due))
    message = friend.wait_ids([packet])[0]
    assert message.body == "good night" and message.at >= due
    assert "changed by the sender" in events(visitor, packet)


def test_a_later_time_is_kept(visitor, friend):
    packet = schedule(visitor, friend.jid, "not yet", due_in(1))
    edit(visitor, packet, when=rfc3339(due_in(3600)))
    marker = schedule(visitor, friend.jid, "marker", due_in(2))
    friend.wait_ids([marker])
    assert friend.bodies() == ["marker"]
    assert list(listing(visitor)) == [packet]


def test_another_text_and_recipient_replace_the_old_ones(stage, visitor, friend):
    other = stage.newcomer().login()
    packet = schedule(visitor, friend.jid, "meet me at noon", due_in(1))
    assert edit(visitor, packet, to=other.jid, body=["meet me", "at midnight"]).status == "completed"
    message = other.wait_ids([packet])[0]
    assert (message.body, message.sender) == ("meet me\nat midnight", visitor.jid)
    assert until_state(visitor, packet, "sent")
    assert friend.bodies() == []


def test_what_an_edit_does_not_name_stays(visitor, friend):
    due = due_in(3600)
    packet = schedule(visitor, friend.jid, "two\nlines", due, offline="hold", expires=rfc3339(due + 600))
    before = show(visitor, packet).form
    assert edit(visitor, packet, offline="drop").status == "completed"
    after = show(visitor, packet).form
    assert (before["offline"].value[-4:], after["offline"].value[-4:]) == ("hold", "drop")
    for var in ("to", "due", "expires", "body", "state"):
        assert after[var].values == before[var].values, var


def test_a_held_message_that_is_to_be_sent_anyway_leaves(stage, visitor):
    absent = stage.newcomer()
    packet = schedule(visitor, absent.jid, "psst", "now", offline="hold")
    until_state(visitor, packet, "held")
    assert edit(visitor, packet, offline="server").status == "completed"
    until_state(visitor, packet, "sent")
    assert absent.login().wait_ids([packet])[0].body == "psst"


def test_edit_offers_what_waits_then_the_form_filled_in_then_a_confirmation(visitor, friend):
    due = due_in(3600)
    packet = schedule(visitor, friend.jid, "first\nsecond", due, offline="server")
    asked = visitor.command("edit")
    assert asked.form["id"].type == "list-single" and asked.form["id"].options == [packet]
    form = visitor.command("edit", {"id": packet}, "next", asked.session)
    assert form.status == "executing" and form.session == asked.session, form
    given = {f.var: f.values for f in form.form.fields}
    assert (given["id"], given["to"], given["body"]) == ([packet], [friend.jid], ["first", "second"])
    assert (given["repeat"], given["offline"], given["expires"]) == (["no"], ["server"], [""])
    given["body"] = ["third"]
    confirmation = visitor.command("edit", given, "next", asked.session)
    assert confirmation.status == "executing" and "prev" in confirmation.actions, confirmation
    assert confirmation.form["body"].value == "third" and "as it was" in confirmation.form["when"].value
    assert "first" in listing(visitor)[packet]
    done = visitor.command("edit", None, "complete", asked.session)
    assert done.status == "completed" and done.form["due"].value == rfc3339(due), done
    assert "third" in listing(visitor)[packet] and len(listing(visitor)) == 1


@pytest.mark.parametrize("fields, reason", [
    ({"when": "2001-01-01 10:00"}, "past"), ({"when": "03/04/2027 10:00"}, "2027"), ({"body": ""}, "empty"),
    ({"to": "romeo@@example.org"}, "romeo@@example.org"), ({"offline": "perhaps"}, "offline"),
    ({"to": "romeo@example.org, nurse@example.org"}, "one recipient"), ({"expires": "2001-01-01 10:00"}, "past"),
    ({"scope": "perhaps", "body": "x"}, "scope")])
def test_a_wrong_edit_brings_the_form_back_and_changes_nothing(visitor, fields, reason):
    packet = schedule(visitor, "romeo@example.org", "as it was", due_in(3600))
    before = show(visitor, packet).text()
    reply = edit(visitor, packet, **fields)
    assert reply.status == "executing" and [kind for kind, _ in reply.notes] == ["error"], reply
    assert reason in reply.form["error"].value
    for var, value in fields.items():
        assert var in ("scope", "offline") or reply.form[var].value == value
    assert show(visitor, packet).text() == before


def test_an_edit_counts_once_for_the_quota(bare_world):
    juliet = bare_world.start(**{"quota im": {"per_day": 2}}).online("juliet")
    packet = schedule(juliet, "romeo@example.org", "one", due_in(3600))
    for text in ("two", "three", "four"):
        assert "error" not in [kind for kind, _ in edit(juliet, packet, body=text).notes]
    schedule(juliet, "romeo@example.org", "the second", due_in(3600))
    assert "error" not in [kind for kind, _ in edit(juliet, packet, body="five").notes]
    assert "error" in [kind for kind, _ in order(juliet, "romeo@example.org", "the third", due_in(3600)).notes]


def test_an_edit_that_was_answered_survives_kill_9(bare_world):
    juliet, romeo = bare_world.start().online("juliet", "romeo")
    packet = schedule(juliet, "romeo@example.org", "old", due_in(3600))
    assert edit(juliet, packet, when=rfc3339(due_in(3)), body="new").status == "completed"
    bare_world.laterd.kill()
    bare_world.laterd.start()
    assert romeo.wait_ids([packet])[0].body == "new"
    until_state(juliet, packet, "sent")
    assert romeo.bodies() == ["new"]


# now

def test_now_sends_what_is_due_later(visitor, friend):
    packet = schedule(visitor, friend.jid, "no need to wait", due_in(3600))
    reply = now(visitor, packet.lower())
    assert reply.status == "completed" and packet in reply.notes[0][1] and reply.form["id"].value == packet, reply
    message = friend.wait_ids([packet])[0]
    assert message.body == "no need to wait" and not message.delays
    until_state(visitor, packet, "sent")
    assert "to be sent at once, says the sender" in events(visitor, packet)


def test_now_sends_what_is_held(stage, visitor):
    absent = stage.newcomer()
    packet = schedule(visitor, absent.jid, "psst", "now", offline="hold")
    until_state(visitor, packet, "held")
    assert now(visitor, packet).notes[0][0] == "info"
    until_state(visitor, packet, "sent")
    assert absent.login().wait_ids([packet])[0].body == "psst"


def test_now_offers_what_waits(visitor, friend):
    assert "nothing" in visitor.command("now").notes[0][1].lower()
    packet = schedule(visitor, friend.jid, "now", due_in(3600))
    asked = visitor.command("now")
    assert asked.form["id"].options == [packet]
    assert visitor.command("now", {"id": packet}, "complete", asked.session).status == "completed"
    friend.wait_ids([packet])


# Too late

def test_what_was_sent_can_be_neither_stopped_nor_changed(visitor, friend):
    packet = schedule(visitor, friend.jid, "gone", "now")
    friend.wait_ids([packet])
    until_state(visitor, packet, "sent")
    for reply in (edit(visitor, packet, body="no"), now(visitor, packet)):
        assert reply.status == "completed" and reply.notes[0][0] == "error", reply
        assert packet in reply.notes[0][1] and "already sent" in reply.notes[0][1], reply
    assert "already sent" in cancel(visitor, packet).form[packet].value
    assert friend.bodies() == ["gone"]


def test_what_was_cancelled_stays_so(visitor, friend):
    packet = schedule(visitor, friend.jid, "never", due_in(1))
    cancel(visitor, packet)
    for reply in (edit(visitor, packet, when="now"), now(visitor, packet)):
        assert reply.notes[0][0] == "error" and "already cancelled" in reply.notes[0][1], reply
    assert "already cancelled" in cancel(visitor, packet).form[packet].value
    marker = schedule(visitor, friend.jid, "marker", due_in(1))
    friend.wait_ids([marker])
    assert friend.bodies() == ["marker"]


def test_of_an_edit_and_the_tick_one_wins_and_the_answer_is_true(visitor, friend):
    """Many at the very moment when they are due: what was said to be changed arrives changed."""
    due = due_in(2)
    packets = [schedule(visitor, friend.jid, "old", due) for _ in range(40)]
    changed = {}
    time.sleep(max(0.0, due - 0.2 - time.time()))
    for packet in packets:
        reply = edit(visitor, packet, body="new")
        changed[packet] = reply.notes[0][0] == "info"
        assert changed[packet] or "already sent" in reply.notes[0][1] or "in flight" in reply.notes[0][1], reply
    arrived = friend.wait_ids(packets)
    assert {m.id: m.body for m in arrived} == {p: "new" if changed[p] else "old" for p in packets}
    assert len(friend.bodies()) == len(packets)


# Looking

def test_history_has_what_ended_the_latest_first(visitor, friend):
    assert history(visitor) == {} and "nothing" in visitor.command("history").notes[0][1].lower()
    sent = schedule(visitor, friend.jid, "sent", "now")
    friend.wait_ids([sent])
    until_state(visitor, sent, "sent")
    waiting, cancelled = (schedule(visitor, friend.jid, text, due_in(3600)) for text in ("waits", "stopped"))
    cancel(visitor, cancelled)
    lines = history(visitor)
    assert list(lines) == [cancelled, sent] and waiting not in lines
    assert "cancelled" in lines[cancelled] and "stopped" in lines[cancelled] and friend.jid in lines[cancelled]
    assert "sent" in lines[sent]
    assert history(friend) == {}


def test_show_tells_all_that_happened(stage, visitor):
    absent = stage.newcomer()
    due = due_in(1)
    packet = schedule(visitor, absent.jid, "a\nlong story", due, offline="hold")
    until_state(visitor, packet, "held")
    absent.login().wait_ids([packet])
    until_state(visitor, packet, "sent")
    form = show(visitor, packet).form
    assert (form["id"].value, form["kind"].value, form["to"].value) == (packet, "im", absent.jid)
    assert form["body"].value == "a\nlong story" and form["offline"].value.endswith(": hold")
    assert form["attempts"].value == "Attempts: 1"
    assert {"due", "expires", "sent"} <= {f.var for f in form.fields}
    told = events(visitor, packet)
    assert told[0] == "scheduled" and told[-1] == "taken by the server", told
    unseen = "it cannot be seen whether the recipient is online"
    reason = "the recipient is not online" if stage.server.shows_absence else unseen
    assert f"held: {reason}" in told and "the recipient is online" in told
    asked = visitor.command("show")
    assert packet in asked.form["id"].options


# Somebody else's

def test_a_packet_of_somebody_else_does_not_exist(visitor, friend):
    packet = schedule(visitor, "romeo@example.org", "a secret", due_in(3600))
    own = schedule(friend, "romeo@example.org", "my own", due_in(3600))
    before = show(visitor, packet).text()
    for node, fields in (("edit", {"body": "x"}), ("now", {}), ("show", {}), ("pause", {}), ("resume", {}), ("cancel", {})):
        with pytest.raises(StanzaError) as refused:
            friend.command(node, {"ids" if node == "cancel" else "id": packet, **fields}, "complete")
        assert (refused.value.condition, refused.value.type) == ("item-not-found", "cancel")
        assert "`list`" in refused.value.text and "secret" not in refused.value.text
    said = cancel(friend, packet, own).form
    assert said[packet].value == f"{packet}: no such message" and said[own].value == f"{own}: cancelled"
    assert show(visitor, packet).text() == before and state_of(visitor, packet) == "scheduled"


def test_an_id_that_is_none_is_refused(visitor):
    packet = schedule(visitor, "romeo@example.org", "hello", due_in(3600))
    for typed in ("", "x" * 5000, "7K3QX\u2028"):
        reply = visitor.command("edit", {"id": typed, "body": "x"}, "complete")
        assert reply.status == "executing" and reply.form["error"].values, reply
    with pytest.raises(StanzaError):
        visitor.command("edit", {"id": "ZZZZZZ", "body": "x"}, "complete")
    cancel(visitor, packet)
    assert_refused(visitor, visitor.command("im", {"to": "romeo@example.org", "when": "", "body": "x"}, "complete"))
