"""A client that means harm: the stream goes on and laterd spends no time on it."""

import pytest
from forms import StanzaError, schedule, until_state

SIZE = 200 * 1024
PAYLOADS = {
    "siblings": "<x xmlns='urn:example:x'>" + "<a/>" * (SIZE // 4) + "</x>",
    "depth": "<a xmlns='urn:example:x'>%s</a>",
    "text": "<body>" + "x" * SIZE + "</body>",
    "entities": "<body>" + "&lt;" * (SIZE // 4) + "</body>",
    "attributes": "<x xmlns='urn:example:x' " + " ".join(f"a{n}='{n}'" for n in range(1000)) + "/>",
}


@pytest.mark.parametrize("shape", PAYLOADS)
@pytest.mark.parametrize("kind", ["message", "iq", "presence"])
def test_a_hostile_stanza_is_dropped_and_the_stream_goes_on(world, kind, shape, record_property):
    tybalt, juliet, romeo = world.online("tybalt@elsewhere.example", "juliet", "romeo")
    assert juliet.command("quota").status == "completed"
    before = world.laterd.cpu_seconds()
    attributes = {"iq": "type='set' id='bad'", "message": "type='chat' id='bad'", "presence": "id='bad'"}[kind]
    payload = PAYLOADS[shape]
    if shape == "depth":
        payload %= "<a>" * world.server.depth_survived + "</a>" * world.server.depth_survived
    tybalt.send_raw(f"<{kind} to='{world.laterd.address}' {attributes}>{payload}</{kind}>")
    # The server's expat may keep a long tag until as much again has come (its guard against quadratic parsing).
    tybalt.send_raw(" " * 65536)
    # Stanzas of one client reach the component in order.
    tybalt.query(world.laterd.address, "{urn:xmpp:ping}ping")
    used = world.laterd.cpu_seconds() - before
    record_property("cpu_ms", round(used * 1000, 1))
    print(f"{kind} with {shape}: {used * 1000:.1f} ms of CPU")
    assert used < 0.5
    assert world.laterd.running
    romeo.wait_ids([schedule(juliet, "romeo@example.org", "still here", "now")])


def test_a_hostile_form_is_answered_with_an_error(world):
    juliet = world.online("juliet")
    fields = {f"f{n}": "x" * 100 for n in range(1000)}
    with pytest.raises(StanzaError) as error:
        juliet.command("im", fields, "complete")
    assert error.value.condition in ("policy-violation", "not-acceptable", "bad-request")
    assert juliet.command("quota").status == "completed"


def test_errors_and_answers_nobody_asked_for_are_ignored(world):
    tybalt, juliet = world.online("tybalt@elsewhere.example", "juliet")
    for kind in ("result", "error"):
        tybalt.send_raw(f"<iq to='{world.laterd.address}' type='{kind}' id='unasked'/>")
    tybalt.send_raw(f"<message to='{world.laterd.address}' type='error' id='unasked'><error type='cancel'/></message>")
    tybalt.query(world.laterd.address, "{urn:xmpp:ping}ping")
    assert juliet.command("quota").status == "completed"
    assert [m for m in tybalt.messages.items if m.sender == world.laterd.address] == []


@pytest.mark.parametrize("length", [1500, 5000, 20000])
def test_an_answer_with_a_long_id_keeps_nobody_waiting(world, length):
    """The expat of the server keeps a long tag of ours until as much again has come."""
    tybalt, juliet = world.online("tybalt@elsewhere.example", "juliet")
    tybalt.send_raw(f"<message to='nobody@{world.laterd.address}' type='chat' id='{'i' * length}'><body>x</body></message>")
    tybalt.send_raw("<message to='juliet@example.org' type='chat'><body>done</body></message>" + " " * 65536)
    juliet.wait_message(lambda message: message.body == "done")
    juliet.query(world.laterd.address, "{urn:xmpp:ping}ping")


def test_a_recipient_whom_the_server_cannot_read_takes_the_privilege_from_nobody(world):
    """Unicode 3.2 has no U+0221, and ejabberd no such addresses."""
    juliet, romeo = world.online("juliet", "romeo")
    until_state(juliet, schedule(juliet, "\u0221@example.org", "lost", "now", offline="server"), "failed")
    packet = schedule(juliet, "romeo@example.org", "still myself", "now")
    assert romeo.wait_ids([packet])[0].sender == "juliet@example.org"
