"""Users who write to the bot: every command, what it asks, and what it does not answer."""

import re
import time
from xml.etree import ElementTree as ET

import pytest
from chat import ID, MARKERS, RECEIPTS, Chat
from forms import StanzaError, listing, show, state_of, until_state
from gateway import Gateway

NUMBER = "+4917012345678"
CARBONS = "urn:xmpp:carbons:2"
AT_ONCE = 30            # lines that the bot reads at once


def STAGE(world):
    world.gateway = Gateway(world.scene).start()
    return {"gateway office": world.gateway.section(), "http": world.listener(),
            "quota sms": {"per_day": 20, "per_month": 200, "count": "segment"}, "users": {"admins": ["nurse@example.org"]}}


@pytest.fixture
def chat(visitor):
    return Chat(visitor)


def unheard(chat, *lines):
    """A later line is answered, and these are not."""
    assert chat.ask("list")
    return [m for line in lines for m in chat.said(line)]


# help

def test_help_names_what_they_may_use_and_nothing_else(chat):
    words = re.findall("^([a-z]+)\\b.* — ", chat.ask("help"), re.M)
    assert words == ["im", "sms", "remind", "list", "show", "edit", "now", "cancel", "pause", "resume", "history", "quota",
                     "settings", "stop", "start", "export", "forget"]
    for word in words:
        assert chat.ask("help " + word).startswith(word), word


def test_every_example_of_help_does_what_it_is_for(chat):
    for word in ("im", "sms", "remind"):
        examples = [line for line in chat.ask("help " + word).splitlines()[1:] if line.startswith(word + " ")]
        assert examples
        for example in examples:
            answer = chat.ask(example)
            assert answer.startswith("Scheduled " if word != "sms" else "To: "), (example, answer)
            assert word != "sms" or chat.ask("yes").startswith("Scheduled ")


def test_help_is_not_for_what_they_may_not_use(chat):
    for word in ("stats", "shutdown", "mms", "xyzzy"):
        assert "no command" in chat.ask("help " + word)


# Every command

@pytest.mark.parametrize("at", ["bot", "domain"])
def test_a_line_schedules_and_is_answered_from_where_it_went(stage, visitor, friend, at):
    to = stage.laterd.bot if at == "bot" else stage.laterd.address
    chat = Chat(visitor, to)
    answer = chat.wait(chat.write(f"im in 1 second {friend.jid} Good morning,\n\n  Romeo & \"all\" <others> ☾\nJ."))
    assert (answer.sender, answer.type) == (to, "chat")
    assert not answer.wants_receipt and answer.origin_id == answer.id
    packet = ID.search(answer.body)[0]
    message = friend.wait_ids([packet])[0]
    assert message.body == "Good morning,\n\n  Romeo & \"all\" <others> ☾\nJ."
    assert message.sender == visitor.jid


def test_several_recipients_get_one_each(stage, visitor, friend, chat):
    other = stage.newcomer().login()
    answer = chat.ask(f"im in 1 second {friend.jid}, {other.jid} To both")
    for user, packet in zip((friend, other), ID.findall(answer)):
        assert user.wait_ids([packet])[0].body == "To both"


def test_an_sms_waits_for_yes(stage, visitor, chat):
    asked = chat.ask(f"sms in 2h {NUMBER} Late, sorry")
    for words in (NUMBER, "Late, sorry", "1 segment", "19 of 20 left today", "in 2 hours"):
        assert words in asked, asked
    assert asked.endswith("Answer yes or no.")
    assert listing(visitor) == {}
    assert "yes or no" in chat.ask("perhaps")
    assert "Nothing was done" in chat.ask("no") and listing(visitor) == {}
    assert "asked you nothing" in chat.ask("yes")
    before = len(stage.gateway.submissions())
    assert chat.ask(f"sms now {NUMBER} On my way").endswith("Answer yes or no.")
    time.sleep(1.1)         # now is when they say yes
    packet = ID.search(chat.ask("yes"))[0]
    stage.gateway.wait_packet(packet)
    assert stage.gateway.submissions()[before:][0]["text"] == "On my way"
    assert len(stage.gateway.submissions()) == before + 1


def test_another_command_takes_the_place_of_what_waits_for_yes(stage, chat, visitor):
    chat.ask(f"sms in 2h {NUMBER} Late, sorry")
    said = chat.ask("list")
    assert said.startswith("sms waited") and "Nothing is waiting" in said
    assert "asked you nothing" in chat.ask("yes") and listing(visitor) == {}


def test_a_reminder_comes_to_oneself(stage, visitor, chat):
    packet = chat.schedule("remind in 1 second The cake is in the oven")
    assert visitor.wait_ids([packet])[0].body == "The cake is in the oven"
    assert ID.search(chat.ask("remind me tomorrow 8:00 to call"))


def test_what_waits_is_listed_shown_changed_and_sent(visitor, friend, chat):
    packet = chat.schedule(f"im tomorrow 9:00 {friend.jid} Good morning")
    said = chat.ask("list")
    assert said.startswith("1 waiting.\n\n" + packet) and "“Good morning”, scheduled" in said
    assert "09:00" in said
    shown = chat.ask(f"show {packet.lower()}")
    for words in (packet, "Good morning", friend.jid, "State: scheduled", "History"):
        assert words in shown, shown
    assert chat.ask("show").count(packet) == 1 and "nothing" in chat.ask("abort")
    assert "17:30" in chat.ask(f"edit {packet} when fri 17:30")
    assert packet in chat.ask(f"edit {packet} text Good evening,\nRomeo")
    assert "17:30" in listing(visitor)[packet]
    assert packet in chat.ask(f"now {packet}")
    assert friend.wait_ids([packet])[0].body == "Good evening,\nRomeo"
    until_state(visitor, packet, "sent")
    assert packet in chat.ask("history") and chat.ask("list") == "Nothing is waiting."
    assert "already sent" in chat.ask(f"cancel {packet}")


def test_cancel_takes_several(visitor, friend, chat):
    packets = [chat.schedule(f"im in {n} hours {friend.jid} {n}") for n in (1, 2, 3)]
    said = chat.ask(f"cancel {packets[0]}, {packets[2].lower()}")
    assert f"{packets[0]}: cancelled" in said and f"{packets[2]}: cancelled" in said
    assert set(listing(visitor)) == {packets[1]}
    asked = chat.ask("cancel")
    assert packets[1] in asked and packets[0] not in asked
    assert "cancelled" in chat.ask(packets[1]) and listing(visitor) == {}


def test_what_repeats_is_paused_and_goes_on(visitor, friend, chat):
    packet = chat.schedule(f"im tomorrow 9:00 repeat=daily {friend.jid} Good morning")
    assert "paused" in chat.ask(f"pause {packet}") and "paused" in chat.ask("list")
    assert "Resumed" in chat.ask(f"resume {packet}") and "paused" not in chat.ask("list")
    assert "what would have followed" in chat.ask(f"cancel {packet}") and listing(visitor) == {}


def test_quota_says_what_is_used(visitor, chat):
    chat.confirmed(f"sms in 2h {NUMBER} " + "x" * 161)
    said = chat.ask("quota")
    assert "SMS: 2 of 20 today, 2 of 200 this month" in said and "Waiting: 1 of 1000" in said
    over = chat.ask(f"sms in 2h {NUMBER} " + "y" * 153 * 20)
    assert "20" in over and "yes" not in over, over
    assert len(listing(visitor)) == 1


def test_settings_are_shown_and_take_effect(visitor, friend, chat):
    assert "Asia/Tokyo" in chat.ask("settings zone Asia/Tokyo")
    assert "6:00 pm" in chat.ask("settings hours 12")
    said = chat.ask(f"im tomorrow 18:00 {friend.jid} Good evening")
    assert "6:00 pm (Asia/Tokyo, +09:00)" in said, said
    shown = chat.ask("settings")
    assert "Asia/Tokyo" in shown and "settings <name> <value>" in shown
    for line in ("settings colour red", "settings zone Atlantis/Deep", "settings hours 13"):
        assert "Saved" not in chat.ask(line)
        chat.ask("abort")


def test_all_data_is_exported_and_forgotten(visitor, friend, chat):
    packet = chat.schedule(f"im tomorrow 9:00 {friend.jid} a secret of ours")
    chat.ask("export")
    assert packet in chat.told("a secret of ours", timeout=20)
    assert chat.ask("forget").rstrip().endswith("(yes or no)")
    assert "Nothing was deleted" in chat.ask("no") and set(listing(visitor)) == {packet}
    chat.ask("forget")
    assert "being deleted" in chat.ask("yes")
    deadline = time.monotonic() + 10
    while packet in chat.ask("list") + chat.ask("history"):
        assert time.monotonic() < deadline
        time.sleep(0.3)


def test_what_a_form_refuses_a_line_is_refused_in_the_same_words(visitor, chat):
    for line, words in ((f"im 03/04/2027 9:00 {visitor.jid} x", "2027-04-03"), (f"im yesterday 9:00 {visitor.jid} x", "past")):
        assert words in chat.ask(line)
        chat.ask("abort")
    with pytest.raises(StanzaError):
        show(visitor, "ZZZZZZ")
    assert "no message with this id" in chat.ask("show ZZZZZZ")
    assert listing(visitor) == {}


def test_a_message_of_somebody_else_does_not_exist(friend, chat):
    theirs = Chat(friend)
    packet = theirs.schedule(f"im in 1h {friend.jid} mine alone")
    for line in ("show {}", "cancel {}", "now {}", "edit {} text x", "pause {}", "resume {}"):
        said = chat.ask(line.format(packet))
        assert "You have no" in said and "mine" not in said, said
    assert state_of(friend, packet) == "scheduled"


# What is mistyped or missing

def test_a_mistyped_word_is_suggested_and_does_nothing(visitor, chat):
    for line, meant in (("lst", "list"), ("imm in 1h romeo@example.org x", "im"), ("Cancle 123456", "cancel"), ("hlep", "help")):
        assert f"Did you mean: {meant}?" in chat.ask(line)
    assert "help" in chat.ask("good morning dear bot") and "help" in chat.ask("☾☾☾")
    assert "stats" not in chat.ask("statz") and listing(visitor) == {}


def test_commands_are_read_as_people_write_them(chat):
    for line in ("LIST", "/list", "!list", "  List  "):
        assert chat.ask(line) == "Nothing is waiting."


def test_what_is_missing_is_asked_for_one_at_a_time(visitor, friend, chat):
    assert chat.ask("im").startswith("To?")
    assert chat.ask(friend.jid).startswith("When?")
    assert chat.ask("soonish").startswith("Message?")
    said = chat.ask("Good\nmorning")
    assert "soonish" in said and "When?" in said and "abort" in said
    packet = chat.schedule("in 1 second")
    assert friend.wait_ids([packet])[0].body == "Good\nmorning"


def test_abort_ends_a_question(visitor, chat):
    assert chat.ask("im").startswith("To?")
    assert "nothing of it was done" in chat.ask("abort")
    assert chat.ask("list") == "Nothing is waiting." and "Nothing is going on" in chat.ask("abort")


def test_a_question_is_answered_from_another_client(stage, visitor, chat):
    laptop = Chat(stage.user(visitor.jid, resource="laptop").login())
    assert chat.ask("remind").startswith("When?")
    assert laptop.ask("tomorrow 9:00").startswith("Message?")
    assert chat.ask("to call").startswith("Scheduled ")


# Corrections

def test_a_correction_takes_the_place_of_the_last_line(visitor, friend, chat):
    first = chat.write(f"im in 1h {friend.jid} Good mornign")
    wrong = ID.search(chat.wait(first).body)[0]
    said = chat.ask(f"im in 1 second {friend.jid} Good morning", replaces=first)
    assert f"{wrong}: cancelled" in said, said
    right = ID.findall(said)[-1]
    assert friend.wait_ids([right])[0].body == "Good morning"
    assert listing(visitor) == {} and state_of(visitor, wrong) == "cancelled"


def test_a_correction_that_comes_too_late_is_not_run(visitor, friend, chat):
    first = chat.write(f"im in 1 second {friend.jid} Good mornign")
    packet = ID.search(chat.wait(first).body)[0]
    friend.wait_ids([packet])
    until_state(visitor, packet, "sent")
    said = chat.ask(f"im in 1h {friend.jid} Good morning", replaces=first)
    assert "already sent" in said and "not carried out" in said
    assert listing(visitor) == {} and friend.bodies() == ["Good mornign"]


def test_only_the_last_line_is_corrected(visitor, friend, chat):
    first = chat.write(f"im in 1h {friend.jid} one")
    chat.wait(first)
    chat.schedule(f"im in 2h {friend.jid} two")
    assert "last line" in chat.ask(f"im in 3h {friend.jid} three", replaces=first)
    assert len(listing(visitor)) == 2


# Receipts and markers

ASKS = "<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>"


def test_a_receipt_and_a_marker_come_where_asked_for(visitor, chat):
    line = chat.write("list", extra=ASKS)
    chat.wait(line)
    chat.ask("list")
    receipts = [m for m in visitor.messages.items if m.attribute(RECEIPTS + "received", "id")]
    assert [m.attribute(RECEIPTS + "received", "id") for m in receipts] == [line]
    assert [m.attribute(MARKERS + "displayed", "id") for m in receipts] == [line]
    assert receipts[0].body is None and receipts[0].sender == chat.to


# What is no line, or none that can be read

SCHEDULES = "im in 1h romeo@example.org x"
FORWARDED = (f"<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' type='chat'><body>{SCHEDULES}</body>"
             "</message></forwarded>")
NO_LINES = {
    "headline": {"type": "headline"},
    "groupchat": {"type": "groupchat"},
    "error": {"type": "error", "extra": "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"},
    "delayed": {"extra": "<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>"},
    "sent carbon": {"extra": f"<sent xmlns='{CARBONS}'>{FORWARDED}</sent>"},
    "received carbon": {"extra": f"<received xmlns='{CARBONS}'>{FORWARDED}</received>"},
    "chat state": {"text": None, "extra": "<composing xmlns='http://jabber.org/protocol/chatstates'/>"},
    "receipt": {"text": None, "extra": "<received xmlns='urn:xmpp:receipts' id='x'/>"},
    "keys of OMEMO": {"text": None, "extra": "<encrypted xmlns='eu.siacs.conversations.axolotl'><header/></encrypted>"},
}


def test_what_nobody_has_written_now_is_not_answered(visitor, chat):
    lines = [chat.write(**{"text": SCHEDULES, **what, "extra": what.get("extra", "") + (ASKS if "type" in what else "")})
             for what in NO_LINES.values()]
    assert unheard(chat, *lines) == []
    assert listing(visitor) == {}


def test_an_encrypted_line_is_answered_in_words(visitor, chat):
    for namespace in ("eu.siacs.conversations.axolotl", "urn:xmpp:omemo:2"):
        extra = (f"<encrypted xmlns='{namespace}'><header sid='1'/><payload>AAAA</payload></encrypted>"
                 f"<encryption xmlns='urn:xmpp:eme:0' name='OMEMO' namespace='{namespace}'/><store xmlns='urn:xmpp:hints'/>")
        assert "cannot read encrypted" in chat.ask("I sent you an OMEMO encrypted message", extra=extra)
    assert listing(visitor) == {}


def test_carbons_of_a_second_client_double_nothing(stage, visitor, friend, chat):
    laptop = stage.user(visitor.jid, resource="laptop").login()
    for client in (visitor, laptop):
        client.iq("set", visitor.jid, ET.Element(f"{{{CARBONS}}}enable"))
    line = chat.write(f"im in 1 second {friend.jid} once", extra=ASKS)
    packet = ID.search(chat.wait(line).body)[0]
    # The server has made copies of the line and of its answer.
    for way, words in (("sent", "once"), ("received", f"Scheduled {packet}")):
        laptop.wait_message(lambda m, way=way, words=words: m.xml.find(f"{{{CARBONS}}}{way}") is not None and words in repr(m))
    friend.wait_ids([packet])
    assert unheard(chat) == []
    assert len([m for m in chat.said(line) if m.body]) == 1
    assert friend.bodies() == ["once"] and laptop.bodies() == []


def test_a_stranger_is_refused_by_an_error(stage):
    chat = Chat(stage.newcomer("elsewhere.example").login())
    line = chat.write(SCHEDULES, extra=ASKS)
    with pytest.raises(StanzaError) as refused:
        chat.wait(line)
    assert (refused.value.condition, refused.value.type) == ("forbidden", "auth")
    assert len(chat.said(line)) == 1


# Too much of it

def test_a_flood_is_refused_once_and_the_service_goes_on(visitor, friend, chat):
    started = time.monotonic()
    lines = [f"flood-{n}" for n in range(100)]
    visitor.send_raw("".join(chat.stanza(line, "quota") for line in lines))
    other = Chat(friend)
    assert other.ask("list") == "Nothing is waiting."
    refused = visitor.wait_message(lambda m: "ignored" in (m.body or ""))
    # On a machine that takes seconds to read them all, each second allows one more.
    more = int(time.monotonic() - started)
    time.sleep(1.2)
    assert chat.ask("list") == "Nothing is waiting."
    answers = [m.body for line in lines for m in chat.said(line)]
    refusals = answers.count(refused.body)
    assert 1 <= refusals <= 1 + more and AT_ONCE <= len(answers) - refusals <= AT_ONCE + more


def test_a_line_that_is_too_long_is_refused_whole(visitor, friend, chat):
    assert "longer" in chat.ask(f"im in 1h {friend.jid} " + "x" * (33 << 10))
    assert listing(visitor) == {}


# Last, because it ends laterd for a while

def test_what_was_written_while_laterd_was_away_is_not_run(stage, visitor, chat):
    packet = chat.schedule(f"im in 1h {visitor.jid} before")
    asked = chat.ask(f"sms in 1h {NUMBER} x")
    assert asked.endswith("Answer yes or no.")
    assert stage.laterd.terminate() == 0
    line = chat.write(SCHEDULES)
    with pytest.raises(StanzaError):
        chat.wait(line)
    stage.laterd.start()
    # as clients that were offline write it later
    late = chat.write(SCHEDULES, extra="<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>")
    assert unheard(chat, late) == []
    assert "asked you nothing" in chat.ask("yes")
    assert set(listing(visitor)) == {packet}
