"""Scheduling by form: stages, fields, refusals."""

import pytest
from forms import StanzaError, assert_refused, cancel, due_in, listing, order, rfc3339, schedule, show
from peers import COMMANDS


def filled(**changes):
    fields = {"to": "romeo@example.org", "when": rfc3339(due_in(3600)), "body": ["good", "night"], "offline": "hold"}
    return {**fields, **changes}


def test_one_request_with_a_form_schedules_to_a_user_who_is_online(world):
    juliet, romeo = world.online("juliet", "romeo")
    due = due_in(1)
    reply = order(juliet, "romeo@example.org", "good night", due)
    assert reply.status == "completed", reply
    assert [kind for kind, _ in reply.notes] == ["info"]
    assert reply.form.type == "result"
    assert (reply.form["id"].type, reply.form["due"].type) == ("hidden", "hidden")
    assert reply.form["due"].value == rfc3339(due)
    message = romeo.wait_message()
    assert message.body == "good night"
    assert message.id == reply.form["id"].value
    assert message.at >= due


def test_first_stage_has_the_fields_of_im(world):
    reply = world.online("juliet").command("im")
    assert reply.status == "executing" and reply.session
    assert reply.actions == {"next", "complete"} and reply.execute in reply.actions
    assert reply.form.type == "form" and len(reply.form.instructions) == 1 and not reply.form.reported
    types = {f.var: f.type for f in reply.form.fields}
    expected = {"to": "text-single", "when": "text-single", "body": "text-multi", "offline": "list-single",
                "expires": "text-single"}
    assert expected.items() <= types.items()
    assert reply.form["offline"].options == ["auto", "hold", "server", "drop"]
    assert reply.form["offline"].values == ["auto"]
    assert all(f.var and f.type for f in reply.form.fields)


@pytest.mark.parametrize("forward", ["next", "execute", None])
def test_two_stages_confirm_before_they_store(world, forward):
    juliet, romeo = world.online("juliet", "romeo")
    due = due_in(2)
    asked = juliet.command("im")
    confirmation = juliet.command("im", filled(when=rfc3339(due), offline="auto"), forward, asked.session)
    assert confirmation.status == "executing" and confirmation.session == asked.session
    assert confirmation.actions == {"prev", "complete"} and confirmation.execute == "complete"
    fixed = [f for f in confirmation.form.fields if f.type == "fixed"]
    assert fixed and all(len(f.values) == 1 and f.var for f in fixed)
    assert "romeo@example.org" in confirmation.text()
    assert listing(juliet) == {}
    done = juliet.command("im", {}, "complete", asked.session)
    assert done.status == "completed", done
    message = romeo.wait_message()
    assert (message.id, message.body) == (done.form["id"].value, "good\nnight")


def test_a_session_ends_with_its_last_stage(world):
    juliet = world.online("juliet")
    asked = juliet.command("im")
    assert juliet.command("im", filled(), "complete", asked.session).status == "completed"
    with pytest.raises(StanzaError) as error:
        juliet.command("im", filled(), "complete", asked.session)
    assert error.value.condition == "bad-request"
    assert len(listing(juliet)) == 1


def test_prev_gives_the_form_back_filled_in(world):
    juliet = world.online("juliet")
    fields = filled()
    asked = juliet.command("im")
    juliet.command("im", fields, "next", asked.session)
    again = juliet.command("im", None, "prev", asked.session)
    assert again.status == "executing" and again.actions == {"next", "complete"}
    for var, value in fields.items():
        assert again.form[var].values == ([value] if isinstance(value, str) else value), var
    assert juliet.command("im", fields, "complete", asked.session).status == "completed"


def test_cancelling_a_session_stores_nothing(world):
    juliet = world.online("juliet")
    asked = juliet.command("im")
    juliet.command("im", filled(), "next", asked.session)
    assert juliet.command("im", None, "cancel", asked.session).status == "canceled"
    assert listing(juliet) == {}


@pytest.mark.parametrize("var, value, reason", [
    ("when", "2001-01-01 10:00", "past"),
    ("when", "soonish", "soonish"),
    ("when", "03/04/2027 10:00", ""),
    ("when", "2027-01-01", ""),
    ("when", "", ""),
    ("to", "", ""),
    ("to", "romeo@@example.org", "romeo@@example.org"),
    ("to", "romeo@example.org, @example.org", "@example.org"),
    ("body", "", ""),
    ("offline", "perhaps", ""),
])
def test_a_wrong_field_brings_the_form_back(world, var, value, reason):
    juliet = world.online("juliet")
    fields = filled(**{var: value})
    asked = juliet.command("im")
    for action in ("complete", "next"):
        reply = juliet.command("im", fields, action, asked.session)
        assert_refused(juliet, reply, reason)
        assert reply.session == asked.session
        assert reply.form["to"].value == fields["to"] and reply.form["when"].value == fields["when"]
    corrected = juliet.command("im", filled(), "complete", asked.session)
    assert corrected.status == "completed", corrected


def test_a_body_above_the_limit_is_refused(bare_world):
    juliet = bare_world.start(schedule={"body_max": 100}).online("juliet")
    assert_refused(juliet, order(juliet, "romeo@example.org", "x" * 101, due_in(3600)), "100")
    assert order(juliet, "romeo@example.org", "x" * 100, due_in(3600)).status == "completed"


def test_fixed_fields_that_come_back_are_ignored(world):
    juliet = world.online("juliet")
    reply = juliet.command("im", filled(error="what it was", id="AAAAAA"), "complete")
    assert reply.status == "completed", reply


def test_several_recipients_each_get_a_packet_of_their_own(world):
    juliet, romeo, nurse = world.online("juliet", "romeo", "nurse")
    ids = schedule(juliet, ["romeo@example.org", "nurse@example.org"], "supper", due_in(1))
    assert len(set(ids)) == 2
    assert romeo.wait_ids(ids[:1])[0].body == "supper"
    assert nurse.wait_ids(ids[1:])[0].body == "supper"


@pytest.mark.parametrize("when, seconds", [("in 3 seconds", 3), ("in 1 minutes", 60), ("in 2 hours", 7200)])
def test_relative_times_count_from_now(world, when, seconds):
    juliet = world.online("juliet")
    before = due_in(seconds - 1)
    reply = order(juliet, "romeo@example.org", "hello", when)
    assert rfc3339(before) <= reply.form["due"].value <= rfc3339(due_in(seconds))


def test_list_and_show_tell_what_waits(world):
    juliet, romeo = world.online("juliet", "romeo")
    later, sooner = (schedule(juliet, "romeo@example.org", text, due_in(seconds))
                     for text, seconds in (("the second", 7200), ("the first", 3600)))
    lines = listing(juliet)
    assert list(lines) == [sooner, later]
    assert sooner in lines[sooner] and "romeo@example.org" in lines[sooner] and "the first" in lines[sooner]
    shown = juliet.command("show", {"id": sooner.lower()}, "complete")
    assert shown.status == "completed"
    for word in (sooner, "romeo@example.org", "the first", "scheduled"):
        assert word in shown.text(), shown
    assert listing(romeo) == {}


def test_packets_of_another_user_cannot_be_shown_or_cancelled(world):
    juliet, romeo = world.online("juliet", "romeo")
    packet = schedule(juliet, "romeo@example.org", "a secret", due_in(3600))
    for request in (show, cancel):
        with pytest.raises(StanzaError) as refused:
            request(romeo, packet)
        assert refused.value.condition == "item-not-found" and "secret" not in refused.value.text
    assert packet in listing(juliet)


def test_cancel_answers_truthfully_for_each_packet(world):
    juliet, romeo = world.online("juliet", "romeo")
    sent = schedule(juliet, "romeo@example.org", "gone", "now")
    waiting = schedule(juliet, "romeo@example.org", "never", due_in(3))
    romeo.wait_ids([sent])
    asked = juliet.command("cancel")
    assert asked.form["ids"].type == "list-multi" and waiting in asked.form["ids"].options
    done = juliet.command("cancel", {"ids": [waiting, sent]}, "complete", asked.session)
    assert done.status == "completed"
    answers = done.text().lower().splitlines()
    assert any(waiting.lower() in line and "cancelled" in line for line in answers), done
    assert any(sent.lower() in line and "already sent" in line for line in answers), done
    assert listing(juliet) == {}
    marker = schedule(juliet, "romeo@example.org", "after it", due_in(3))
    romeo.wait_ids([marker])
    assert "never" not in romeo.bodies()


def test_quota_refusal_names_limit_use_and_reset(bare_world):
    juliet = bare_world.start(**{"quota im": {"per_day": 3, "per_month": 50}}).online("juliet")
    schedule(juliet, ["romeo@example.org", "nurse@example.org"], "two", due_in(3600))
    used = juliet.command("quota").text()
    assert all(number in used for number in ("2", "3", "50")), used
    reply = order(juliet, ["romeo@example.org", "nurse@example.org"], "two more", due_in(3600))
    assert "error" in [kind for kind, _ in reply.notes], reply
    note = reply.notes[0][1]
    assert "3" in note and "2" in note and "reset" in note.lower(), note
    assert len(listing(juliet)) == 2
    schedule(juliet, "romeo@example.org", "the third", due_in(3600))
    assert len(listing(juliet)) == 3


def test_cancelling_before_it_is_sent_gives_the_quota_back(bare_world):
    juliet = bare_world.start(**{"quota im": {"per_day": 1}}).online("juliet")
    packet = schedule(juliet, "romeo@example.org", "one", due_in(3600))
    assert "error" in [kind for kind, _ in order(juliet, "romeo@example.org", "two", due_in(3600)).notes]
    cancel(juliet, packet)
    schedule(juliet, "romeo@example.org", "two", due_in(3600))


def test_pending_packets_of_a_user_are_capped(bare_world):
    juliet = bare_world.start(schedule={"pending_max": 2}).online("juliet")
    schedule(juliet, ["romeo@example.org", "nurse@example.org"], "two", due_in(3600))
    reply = order(juliet, "romeo@example.org", "three", due_in(3600))
    assert "error" in [kind for kind, _ in reply.notes] and "2" in reply.notes[0][1], reply


def test_a_foreign_domain_is_forbidden(world):
    tybalt = world.online("tybalt@elsewhere.example")
    with pytest.raises(StanzaError) as error:
        order(tybalt, "romeo@example.org", "a challenge", due_in(1))
    assert error.value.condition == "forbidden" and error.value.text


def test_an_unknown_node_is_not_found(world):
    with pytest.raises(StanzaError) as error:
        world.online("juliet").command("elope")
    assert error.value.condition == "item-not-found"


def test_a_session_that_never_was_is_bad(world):
    with pytest.raises(StanzaError) as error:
        world.online("juliet").command("im", filled(), "complete", "nonesuch")
    assert error.value.condition == "bad-request" and f"{{{COMMANDS}}}bad-sessionid" in error.value.specific


def test_a_session_belongs_to_the_user_who_began_it(world):
    juliet, romeo = world.online("juliet", "romeo")
    asked = juliet.command("im")
    with pytest.raises(StanzaError) as error:
        romeo.command("im", filled(), "complete", asked.session)
    assert error.value.condition == "bad-request"
    assert juliet.command("im", filled(), "complete", asked.session).status == "completed"


def test_an_unknown_action_is_bad(world):
    juliet = world.online("juliet")
    asked = juliet.command("im")
    with pytest.raises(StanzaError) as error:
        juliet.command("im", filled(), "explode", asked.session)
    assert error.value.condition == "bad-request"
    assert any(tag in (f"{{{COMMANDS}}}malformed-action", f"{{{COMMANDS}}}bad-action") for tag in error.value.specific)


def test_the_bot_serves_the_same_commands(world):
    juliet, romeo = world.online("juliet", "romeo")
    reply = juliet.command("im", filled(when=rfc3339(due_in(1)), offline="auto"), "complete", to="bot@" + juliet.later)
    assert reply.status == "completed"
    romeo.wait_ids([reply.form["id"].value])
