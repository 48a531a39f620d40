"""SMS through a real Kannel to its fake SMS centre: text byte for byte, numbers, limits, reports, outages."""

import re
import signal
import time

import pytest
from forms import assert_refused, due_in, filled, listing, order, schedule, show, state_of, until_state
from kannel import Kannel

NUMBER = "+4917012345678"
GSM_BASIC = ("@£$¥èéùìòÇ\nØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
             "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà")
GSM_EXTENSION = "^{}\\[~]|€"

TEXTS = {
    "plain": "good night",
    "the basic alphabet": GSM_BASIC,
    "the extension table": GSM_EXTENSION,
    "what URLs are made of": "100% & a+b=c? <i>\"q\"</i> %41 %zz #;",
    "several lines": "one\ntwo\n\nfour",
    "160 characters": "x" * 160,
    "161 characters": "x" * 160 + "y",
    "306 characters": "0123456789" * 30 + "abcdef",
    "307 characters": "0123456789" * 30 + "abcdefg",
    "400 characters": "Wherefore art thou Romeo? " * 15 + "0123456789",
    "80 euros": "€" * 80,
    "81 euros": "€" * 81,
    "a pair at the end of a part": "x" * 152 + "€" + "y" * 20,
    "Cyrillic": "О Ромео, зачем же ты Ромео",
    "an emoji": "🙂",
    "a curly quote": "It’s me",
    "ç": "ça va",
    "70 units": "ж" * 70,
    "71 units": "ж" * 71,
    "134 units": "ж" * 134,
    "135 units": "ж" * 135,
    "an emoji at the end of a part": "ж" * 66 + "😀" + "я" * 10,
    "emoji of several": "👩‍👩‍👧‍👦" * 8 + "👍🏽",
    "Chinese": "罗密欧与朱丽叶" * 12,
}


def is_gsm(text):
    return all(c in GSM_BASIC + GSM_EXTENSION + "\r\f" for c in text)


def segments(text):
    """How many parts it has: no pair stands in two of them."""
    if is_gsm(text):
        sizes, one, part = [2 if c in GSM_EXTENSION + "\f" else 1 for c in text], 160, 153
    else:
        sizes, one, part = [len(c.encode("utf-16-be")) // 2 for c in text], 70, 67
    if sum(sizes) <= one:
        return 1
    count, room = 1, part
    for size in sizes:
        if size > room:
            count, room = count + 1, part
        room -= size
    return count


@pytest.fixture
def sms(bare_world, kannel):
    """A world with Kannel and reports."""
    return start(bare_world, kannel)


def start(world, kannel, **sections):
    keys = sections.pop("office", {})
    sections.setdefault("users", {"admins": ["nurse@example.org"]})
    world.kannel = kannel
    return world.start(**{"gateway office": kannel.section(**keys), "http": world.listener()}, **sections)


def send(user, to=NUMBER, text="good night", due=None, **fields):
    return schedule(user, to, text, "now" if due is None else due, "sms", **fields)


def numbers(count):
    return [f"+4917000{n:06d}" for n in range(count)]


# Forms

def test_the_form_has_the_fields_of_sms(sms):
    reply = sms.online("juliet").command("sms")
    assert reply.status == "executing" and reply.actions == {"next", "complete"}
    types = {f.var: f.type for f in reply.form.fields}
    assert {"to": "text-single", "when": "text-single", "body": "text-multi", "expires": "text-single"}.items() <= types.items()
    assert not {"offline", "subject", "media"} & types.keys()


def test_a_form_is_confirmed_with_its_segments_and_reaches_the_phone(sms):
    juliet = sms.online("juliet")
    asked = juliet.command("sms")
    text = TEXTS["161 characters"]
    due = due_in(2)
    confirmation = juliet.command("sms", filled(NUMBER, text, due), "next", asked.session)
    assert confirmation.status == "executing" and confirmation.execute == "complete"
    assert NUMBER in confirmation.text()
    assert re.match(r"2\b", confirmation.form["segments"].value), confirmation
    assert "GSM" in confirmation.form["segments"].value
    assert listing(juliet) == {}
    done = juliet.command("sms", {}, "complete", asked.session)
    assert done.status == "completed" and "2 segments" in done.text()
    packet = done.form["id"].value
    assert NUMBER in listing(juliet)[packet] and "sms" in listing(juliet)[packet]
    message = sms.kannel.wait_for(NUMBER)
    assert time.time() >= due
    assert (message.sender, message.gsm, len(message.parts)) == ("1234", text, 2)


def test_the_confirmation_counts_as_the_network_does(sms):
    juliet = sms.online("juliet")
    for name, text in TEXTS.items():
        value = juliet.command("sms", filled(NUMBER, text, due_in(3600)), "next").form["segments"].value
        assert re.match(rf"{segments(text)}\b", value) and ("GSM" if is_gsm(text) else "UCS-2") in value, (name, value)


# What arrives

def test_every_text_arrives_byte_for_byte(sms):
    juliet = sms.online("juliet")
    due = due_in(3)
    sent = dict(zip(numbers(len(TEXTS)), TEXTS.values()))
    packets = [send(juliet, number, text, due) for number, text in sent.items()]
    arrived = {message.recipient: message for message in sms.kannel.wait_received(len(sent))}
    for number, text in sent.items():
        message = arrived[number]
        assert (message.gsm if is_gsm(text) else message.ucs2) == text
        assert message.sender == "1234"
        straddles = any(part.data.decode("utf-16-be", "replace").count("\ufffd") for part in message.parts) and not is_gsm(text)
        assert straddles or len(message.parts) == segments(text), (text, message)
    assert len(sms.kannel.received()) == len(sent) and sms.kannel.incomplete() == []
    for packet in packets:
        until_state(juliet, packet, "delivered")


def test_several_recipients_each_get_one(sms):
    juliet = sms.online("juliet")
    packets = send(juliet, numbers(5), "supper")
    assert len(set(packets)) == 5
    arrived = sms.kannel.wait_received(5)
    assert sorted(m.recipient for m in arrived) == numbers(5)
    assert {m.gsm for m in arrived} == {"supper"}
    for packet in packets:
        until_state(juliet, packet, "delivered")
    assert len(sms.kannel.received()) == 5


def test_a_delivery_report_reaches_show_and_the_sender_who_asked(sms):
    juliet = sms.online("juliet")
    assert juliet.command("settings", {"notify": "delivered"}, "complete").status == "completed"
    packet = send(juliet)
    shown = until_state(juliet, packet, "delivered")
    assert "office" in shown and "delivered to the phone" in shown
    assert juliet.wait_message(lambda m: packet in (m.body or "") and "was delivered" in m.body).sender == sms.laterd.bot


def test_no_report_is_asked_for_without_a_listener(bare_world, kannel):
    bare_world.start(**{"gateway office": kannel.section()})
    juliet = bare_world.online("juliet")
    packet = send(juliet)
    kannel.wait_for(NUMBER)
    until_state(juliet, packet, "sent")


# Numbers

WRITTEN = ("+4917012345678", "+49 170 1234567 8", "+49-170-12345678", "+49 (170) 123/456.78",
           "004917012345678", "0049 170 12345678", "tel:+49-170-12345678", "017012345678", "0170/12345678")
MISWRITTEN = ("", "4917012345678", "017012345678", "+49", "+491", "+0170123456789", "+4917012345678901",
              "+49170123456x", "++4917012345678", "romeo@example.org", "＋４９１７０１２３４５６７８", "+4917012345678, 12",
              "+49 (0) 170 12345678")


def test_a_number_is_understood_however_it_is_written(bare_world, kannel):
    juliet = start(bare_world, kannel, schedule={"tick": 1, "zone": "Europe/Berlin", "country": "49"}).online("juliet")
    for written in WRITTEN:
        send(juliet, written, written)
    arrived = {message.gsm: message.recipient for message in kannel.wait_received(len(WRITTEN))}
    assert arrived == dict.fromkeys(WRITTEN, NUMBER)


def test_a_wrong_number_brings_the_form_back(sms):
    juliet = sms.online("juliet")
    for written in MISWRITTEN:
        print(written)
        assert_refused(juliet, order(juliet, written, "good night", "now", "sms"))
    marker = send(juliet, "+4917099999999", "marker")
    until_state(juliet, marker, "delivered")
    assert len(sms.kannel.received()) == 1


@pytest.mark.parametrize("keys, denied", [
    ({}, ["+97912345678", "+87812345678", "+881612345678", "+88212345678", "+88312345678", "+19005551234"]),
    ({"allow_prefix": ["+49", "+43"]}, ["+447700900123"]),
    ({"allow_prefix": ["+49"], "deny_prefix": ["+49900"]}, ["+4990012345678"]),
], ids=["default", "allow", "deny"])
def test_a_denied_prefix_is_refused_when_scheduling(bare_world, kannel, keys, denied):
    juliet = start(bare_world, kannel, office=keys).online("juliet")
    for number in denied:
        assert_refused(juliet, order(juliet, number, "good night", due_in(3600), "sms"))
        assert_refused(juliet, order(juliet, [NUMBER, number], "good night", due_in(3600), "sms"))
    send(juliet, NUMBER, due=due_in(3600))


def test_what_was_allowed_when_scheduled_is_checked_again_when_sent(sms):
    juliet = sms.online("juliet")
    packet = send(juliet, due=due_in(4))
    sms.laterd.configure(**{"gateway office": sms.kannel.section(deny_prefix=["+49"])})
    sms.laterd.child.send_signal(signal.SIGHUP)
    until_state(juliet, packet, "failed")
    assert sms.kannel.received() == []
    juliet.wait_message(lambda m: packet in (m.body or ""))


# Limits

def test_a_text_of_too_many_segments_is_refused(bare_world, kannel):
    juliet = start(bare_world, kannel, office={"max_segments": 2}).online("juliet")
    for text in ("x" * 307, "ж" * 135, "x" * 152 + "€" + "y" * 152):
        assert_refused(juliet, order(juliet, NUMBER, text, "now", "sms"), "segments")
    send(juliet, NUMBER, "x" * 306)
    assert len(kannel.wait_for(NUMBER).parts) == 2
    assert len(kannel.received()) == 1


def test_a_quota_counts_segments_where_it_is_told_to(bare_world, kannel):
    juliet = start(bare_world, kannel, **{"quota sms": {"per_day": 5, "count": "segment"}}).online("juliet")
    send(juliet, numbers(2), "x" * 161, due_in(3600))
    reply = order(juliet, NUMBER, "x" * 161, due_in(3600), "sms")
    assert [kind for kind, _ in reply.notes] == ["error"], reply
    assert "5" in reply.text() and "4" in reply.text() and "reset" in reply.text().lower()
    assert len(listing(juliet)) == 2
    send(juliet, due=due_in(3600))
    assert [kind for kind, _ in order(juliet, NUMBER, "x", due_in(3600), "sms").notes] == ["error"]


def test_a_quota_counts_messages_otherwise(bare_world, kannel):
    juliet = start(bare_world, kannel, **{"quota sms": {"per_day": 2}}).online("juliet")
    send(juliet, numbers(2), "x" * 161, due_in(3600))
    assert [kind for kind, _ in order(juliet, NUMBER, "x", due_in(3600), "sms").notes] == ["error"]
    assert len(listing(juliet)) == 2


# Trouble

def test_a_wrong_password_pauses_the_gateway_and_nothing_is_lost(sms):
    juliet, nurse = sms.online("juliet", "nurse")
    right = sms.laterd.sections["gateway office"]
    sms.laterd.configure(**{"gateway office": {**right, "secret_file": sms.scene.secret("wrong")}})
    sms.laterd.child.send_signal(signal.SIGHUP)
    sms.laterd.wait_log("(?i)reload|configuration|read again")
    packet = send(juliet)
    until_state(juliet, packet, "held")
    assert "office" in nurse.wait_message(lambda m: "office" in (m.body or "")).body
    second = send(juliet, "+4917087654321")
    until_state(juliet, second, "held")
    assert sms.kannel.received() == []
    sms.laterd.configure(**{"gateway office": right})
    sms.laterd.child.send_signal(signal.SIGHUP)
    for waiting in (packet, second):
        until_state(juliet, waiting, "delivered", timeout=60)
    assert len(sms.kannel.received()) == 2


def test_what_kannel_does_not_route_fails(bare_world):
    juliet = start(bare_world, Kannel(bare_world.scene, denied_prefix="+49170666").start()).online("juliet")
    packet = send(juliet, "+49170666777")
    until_state(juliet, packet, "failed")
    juliet.wait_message(lambda m: packet in (m.body or ""))
    until_state(juliet, send(juliet), "delivered")


def test_a_kannel_that_is_away_gets_everything_once_when_it_is_back(sms):
    juliet = sms.online("juliet")
    sms.kannel.kill()
    due = due_in(2)
    packets = [send(juliet, number, f"to {number}", due) for number in numbers(20)]
    for packet in packets:
        until_state(juliet, packet, "held")
    sms.kannel.start()
    for packet in packets:
        until_state(juliet, packet, "delivered", timeout=90)
    arrived = sms.kannel.wait_received(20)
    assert sorted(m.recipient for m in arrived) == numbers(20)
    assert all(m.gsm == f"to {m.recipient}" for m in arrived)


def test_what_kannel_has_queued_survives_its_death(sms):
    """Without its SMS centre it answers "3: Queued for later delivery"."""
    juliet = sms.online("juliet")
    sms.kannel.smsc.kill()
    packets = [send(juliet, number) for number in numbers(20)]
    for packet in packets:
        until_state(juliet, packet, "sent")
    # Kannel writes its store about every second.
    time.sleep(3)
    sms.kannel.bearerbox.kill()
    sms.kannel.start_bearerbox().start_smsbox().start_smsc()
    arrived = sms.kannel.wait_received(20)
    assert sorted(m.recipient for m in arrived) == numbers(20)
    assert {state_of(juliet, packet) for packet in packets} <= {"sent", "delivered"}


def test_a_bearerbox_that_dies_while_messages_go_out_makes_no_second_one(sms):
    juliet = sms.online("juliet")
    due = due_in(4)
    packets = dict(zip(numbers(60), [send(juliet, number, due=due) for number in numbers(60)]))
    sms.kannel.wait_received(5)
    sms.kannel.kill()
    time.sleep(1)
    sms.kannel.start()
    deadline = time.monotonic() + 120
    states, ended = {}, {"sent", "delivered", "uncertain", "failed"}
    while time.monotonic() < deadline:
        states = {number: state_of(juliet, packet) for number, packet in packets.items()}
        if set(states.values()) <= ended:
            break
        time.sleep(1)
    assert set(states.values()) <= ended, states
    arrived = [m.recipient for m in sms.kannel.received()]
    assert len(arrived) == len(set(arrived))
    # A Kannel that is just starting may refuse for good, and then that is so.
    for number in {number for number, state in states.items() if state == "failed"} & set(arrived):
        raise AssertionError(show(juliet, packets[number]).text())
    assert "leaving through office" in show(juliet, packets[numbers(1)[0]]).text()
