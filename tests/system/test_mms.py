"""MMS: media of an https server through a form to an MMSC that is strict, and what may go wrong on the way."""

import base64
import os
import signal
import threading
import zlib

import pytest
from forms import assert_refused, due_in, filled, listing, schedule, state_of, until_state
from mmsc import rs_error, submit_rsp
from web import Answer, Endless, Half, Hang, Raw, Reset

NUMBER = "+4917012345678"
WAIT = 60
MEDIA_MAX = 300000      # of the gateway in these tests


def png(size=2000):
    """A picture of one pixel and of so many bytes."""
    def chunk(kind, data):
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
    begin = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"\0\0\0\1\0\0\0\1\x08\0\0\0\0")
             + chunk(b"IDAT", zlib.compress(b"\0\0")))
    end = chunk(b"IEND", b"")
    filler = size - len(begin) - len(end) - 12
    return begin + chunk(b"tEXt", os.urandom(filler)) + end


JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + bytes(range(256)) * 8 + b"\xff\xd9"
AMR = b"#!AMR\n" + bytes(range(256)) * 4
MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(range(256)) * 8
VCARD = b"BEGIN:VCARD\r\nVERSION:3.0\r\nN:Montague;Romeo\r\nFN:Romeo Montague\r\nTEL:+4917012345678\r\nEND:VCARD\r\n"


@pytest.fixture
def mms(bare_world, mmsc, library):
    """A world with an MMSC, and a library on a private address that may be fetched from."""
    return start(bare_world, mmsc, library)


def start(world, mmsc, library, **sections):
    keys = sections.pop("centre", {})
    media = sections.pop("media", {})
    world.mmsc, world.library = mmsc, library
    return world.start(**{"gateway centre": mmsc.section(media_max=MEDIA_MAX, **keys), "http": world.listener(),
                          "media": {"private_addresses": True, "ca_file": library.certificate.file, "timeout": 3, **media}},
                       users={"admins": ["nurse@example.org"]}, **sections)


def fields(media, subject="The balcony", text="Look at this", to=NUMBER, due=None):
    links = [media] if isinstance(media, str) else list(media)
    return {**filled(to, text, "now" if due is None else due), "subject": subject, "media": links}


def ask(user, media, **arguments):
    """One request with everything, and its reply."""
    return user.command("mms", fields(media, **arguments), "complete", timeout=30)


def send(user, media=(), **arguments):
    reply = ask(user, media, **arguments)
    assert reply.status == "completed" and reply.form is not None, reply
    ids = reply.form["id"].values
    return ids[0] if len(ids) == 1 else ids


# From the form to the phone

def test_the_form_has_the_fields_of_mms(mms):
    reply = mms.online("juliet").command("mms")
    assert reply.status == "executing" and reply.actions == {"next", "complete"}
    types = {f.var: f.type for f in reply.form.fields}
    assert {"to": "text-single", "when": "text-single", "subject": "text-single", "body": "text-multi", "media": "text-multi",
            "expires": "text-single"}.items() <= types.items()
    assert "offline" not in types


def test_a_form_is_confirmed_with_its_size_and_reaches_the_phone(mms):
    juliet = mms.online("juliet")
    picture = png(12345)
    link = mms.library.put("/picture.png", picture, "image/png")
    asked = juliet.command("mms")
    filled_in = fields(link, subject="Grüße 🙂", text="Schöner\nAusblick 🌅", due=due_in(2))
    confirmation = juliet.command("mms", filled_in, "next", asked.session, timeout=30)
    assert confirmation.status == "executing" and confirmation.execute == "complete"
    assert "12345" in confirmation.form["size"].value and "image/png" in confirmation.form["size"].value
    assert "Grüße 🙂" in confirmation.text() and listing(juliet) == {}
    done = juliet.command("mms", {}, "complete", asked.session, timeout=30)
    assert done.status == "completed", done
    packet = done.form["id"].value
    submission = mms.mmsc.wait_submissions(1)[0]
    assert (submission.subject, submission.text) == ("Grüße 🙂", "Schöner\nAusblick 🌅")
    assert submission.media == [("image/png", picture)]
    assert submission.recipient == NUMBER and submission.sender[1] == "1234"
    assert (submission.vasp, submission.vas) == ("laterd", "mms") and submission.wants_report
    shown = until_state(juliet, packet, "sent")
    assert "m-" + submission.transaction in shown and "centre" in shown
    # It is fetched once, and when it is scheduled.
    assert len(mms.library.requests.items) == 1
    assert len(mms.mmsc.requests.items) == 1


def test_every_kind_of_medium_arrives_byte_for_byte(mms):
    juliet = mms.online("juliet")
    media = [("image/png", png(99999)), ("image/jpeg", JPEG), ("audio/amr", AMR), ("video/mp4", MP4), ("text/vcard", VCARD)]
    links = [mms.library.put(f"/medium/{n}", data, type) for n, (type, data) in enumerate(media)]
    packet = send(juliet, links)
    submission = mms.mmsc.wait_submissions(1)[0]
    assert sorted(data for _, data in submission.media) == sorted(data for _, data in media)
    assert [data for _, data in submission.media] == [data for _, data in media]
    assert [type.lower() for type, _ in submission.media] in ([t for t, _ in media],
                                                              ["text/x-vcard" if t == "text/vcard" else t for t, _ in media])
    until_state(juliet, packet, "sent")


def test_subject_text_and_media_may_be_absent_or_awkward(mms):
    juliet = mms.online("juliet")
    link = mms.library.put("/a.jpg", JPEG, "image/jpeg")
    cases = (("Only a subject", "", 1), ("", "Only text", 0), ("", "", 1), ("x" * 40, "y" * 5000, 1),
             ("& < > \" ' ]]>", "--=_boundary\n--\n.\n& < > ]]>", 1))
    for n, (subject, text, count) in enumerate(cases):
        send(juliet, [link] * count, subject=subject, text=text)
        submission = mms.mmsc.wait_submissions(n + 1)[n]
        assert (submission.subject or "", submission.text) == (subject, text)
        assert [data for _, data in submission.media] == [JPEG] * count


def test_several_recipients_each_get_one_and_the_medium_is_fetched_once(mms):
    juliet = mms.online("juliet")
    link = mms.library.put("/a.jpg", JPEG, "image/jpeg")
    to = ["+4917000000001", "+4917000000002", "+4917000000003"]
    packets = send(juliet, link, to=to)
    assert len(set(packets)) == 3
    submissions = mms.mmsc.wait_submissions(3)
    assert sorted(s.recipient for s in submissions) == to
    assert len({s.transaction for s in submissions}) == 3
    assert len(mms.library.requests.items) == 1


def test_media_are_kept_sealed(mms):
    juliet = mms.online("juliet")
    link = mms.library.put("/secret.jpg", JPEG, "image/jpeg")
    send(juliet, link, text="poison and dagger", due=due_in(3600))
    mms.library.stop()
    assert mms.laterd.terminate() == 0
    for name in os.listdir(mms.laterd.home):
        if name.startswith("laterd.db"):
            with open(os.path.join(mms.laterd.home, name), "rb") as f:
                stored = f.read()
            assert b"JFIF" not in stored and b"poison" not in stored, name
            assert base64.b64encode(JPEG)[:40] not in stored, name
    assert "secret.jpg" not in mms.laterd.log and "poison" not in mms.laterd.log


def test_the_medium_that_was_scheduled_is_sent_whatever_becomes_of_the_link(mms):
    juliet = mms.online("juliet")
    link = mms.library.put("/a.jpg", JPEG, "image/jpeg")
    send(juliet, link, due=due_in(4))
    mms.library.stop()
    mms.laterd.kill()
    mms.laterd.start()
    assert mms.mmsc.wait_submissions(1)[0].media == [("image/jpeg", JPEG)]


# Media that are refused

BAD_MEDIA = {
    "not there": Answer(404, b"not found"),
    "forbidden": Answer(403, b"no"),
    "gone elsewhere": Answer(302, headers=[("Location", "/a.jpg")]),
    "broken": Answer(500, b"broken"),
    "too large": Answer(200, png(MEDIA_MAX + 1), type="image/png"),
    "a web page": Answer(200, b"<!DOCTYPE html><html></html>", type="text/html"),
    "a web page that is said to be a picture": Answer(200, b"<!DOCTYPE html><html></html>", type="image/png"),
    "a picture that is said to be a web page": Answer(200, png(), type="text/html"),
    "a program": Answer(200, b"\x7fELF\2\1\1" + bytes(100), type="application/octet-stream"),
    "an SVG": Answer(200, b"<svg xmlns='http://www.w3.org/2000/svg'/>", type="image/svg+xml"),
    "empty": Answer(200, b"", type="image/png"),
    "half of it": Half(Answer(200, png(), type="image/png")),
    "reset": Reset("after"),
    "without end": Endless(png()[:100], interval=0.01, type="image/png"),
    "never": Hang(),
    "no HTTP": Raw(b"220 ftp ready\r\n"),
}


def test_a_bad_medium_brings_the_form_back(mms):
    juliet = mms.online("juliet")
    good = mms.library.put("/a.jpg", JPEG, "image/jpeg")
    for n, (name, medium) in enumerate(BAD_MEDIA.items()):
        mms.library.shelf[f"/bad/{n}"] = medium
        print(name)
        assert_refused(juliet, ask(juliet, f"{mms.library.url}/bad/{n}"))
        assert_refused(juliet, ask(juliet, [good, f"{mms.library.url}/bad/{n}"]))
    assert mms.mmsc.requests.items == []
    send(juliet, good)
    mms.mmsc.wait_submissions(1)


def test_a_link_that_is_none_brings_the_form_back(mms):
    juliet = mms.online("juliet")
    mms.library.put("/a.jpg", JPEG, "image/jpeg")
    for link in ("http://127.0.0.1:{port}/a.jpg", "https://user:secret@127.0.0.1:{port}/a.jpg",
                 "https://127.0.0.1:{port}/a.jpg#part", "https://127.0.0.1:22/a.jpg", "ftp://127.0.0.1/a.jpg",
                 "file:///etc/passwd", "a.jpg", "https://",
                 "https://medium.invalid/a.jpg", "https://127.0.0.1:1/a.jpg"):
        print(link)
        assert_refused(juliet, ask(juliet, link.format(port=mms.library.port)))
    assert mms.library.requests.items == []


def test_a_private_address_is_refused(bare_world, mmsc, library):
    juliet = start(bare_world, mmsc, library, media={"private_addresses": False}).online("juliet")
    library.put("/a.jpg", JPEG, "image/jpeg")
    for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "127.1", "0.0.0.0"):
        print(host)
        assert_refused(juliet, ask(juliet, f"https://{host}:{library.port}/a.jpg"))
    assert library.requests.items == [] and library.connections == 0


def test_only_hosts_that_are_allowed_are_fetched_from(bare_world, mmsc, library):
    juliet = start(bare_world, mmsc, library, media={"hosts": ["localhost"]}).online("juliet")
    library.put("/a.jpg", JPEG, "image/jpeg")
    assert_refused(juliet, ask(juliet, f"https://127.0.0.1:{library.port}/a.jpg"))
    assert library.requests.items == []
    send(juliet, f"https://localhost:{library.port}/a.jpg")
    mmsc.wait_submissions(1)


def test_a_certificate_that_nobody_vouches_for_is_refused(bare_world, mmsc, library):
    juliet = start(bare_world, mmsc, library, media={"ca_file": None}).online("juliet")
    assert_refused(juliet, ask(juliet, library.put("/a.jpg", JPEG, "image/jpeg")))
    assert library.requests.items == []


def test_media_that_are_too_large_together_are_refused(mms):
    juliet = mms.online("juliet")
    links = [mms.library.put(f"/{n}.png", png(MEDIA_MAX // 3 + 1), "image/png") for n in range(3)]
    assert_refused(juliet, ask(juliet, links), str(MEDIA_MAX))
    send(juliet, links[:2])
    mms.mmsc.wait_submissions(1)


def test_a_type_that_the_gateway_does_not_take_is_refused(bare_world, mmsc, library):
    juliet = start(bare_world, mmsc, library, centre={"media_types": ["image/jpeg"]}).online("juliet")
    assert_refused(juliet, ask(juliet, library.put("/a.png", png(), "image/png")), "image/png")
    send(juliet, library.put("/a.jpg", JPEG, "image/jpeg"))
    mmsc.wait_submissions(1)


def test_other_users_are_served_while_a_medium_is_slow(mms):
    juliet, romeo = mms.online("juliet", "romeo")
    mms.library.shelf["/slow"] = Answer(200, JPEG, type="image/jpeg", delay=2)
    replies = []
    slow = threading.Thread(target=lambda: replies.append(ask(juliet, mms.library.url + "/slow", due=due_in(10))))
    slow.start()
    mms.library.wait_requests(1)
    assert romeo.command("quota").status == "completed" and not replies
    romeo.wait_ids([schedule(romeo, "romeo@example.org", "meanwhile", "now")])
    slow.join(20)
    assert replies and replies[0].status == "completed", replies


def test_an_empty_mms_and_a_wrong_number_are_refused(mms):
    juliet = mms.online("juliet")
    assert_refused(juliet, ask(juliet, [], subject="", text=""))
    link = mms.library.put("/a.jpg", JPEG, "image/jpeg")
    assert_refused(juliet, ask(juliet, link, to="4917012345678"))
    assert_refused(juliet, ask(juliet, link, to="+97912345678"))


def test_a_quota_counts_mms(bare_world, mmsc, library):
    juliet = start(bare_world, mmsc, library, **{"quota mms": {"per_day": 1}}).online("juliet")
    link = library.put("/a.jpg", JPEG, "image/jpeg")
    send(juliet, link, due=due_in(3600))
    assert [kind for kind, _ in ask(juliet, link, due=due_in(3600)).notes] == ["error"]
    assert len(listing(juliet)) == 1


# What the MMSC answers

PERMANENT = (2000, 2001, 2002, 2003, 2004, 2007, 2999, 3001, 3002, 4003, 4004, 4005)
WAYS = (rs_error, lambda code: submit_rsp(code, "scripted"), lambda code: rs_error(code, http=500))
AGAIN = {"3000": rs_error(3000), "3999": submit_rsp(3999, "scripted"), "4000": rs_error(4000, http=500),
         "4006": submit_rsp(4006, "scripted"), "503": Answer(503, b"scripted"),
         "429": Answer(429, b"scripted", headers=[("Retry-After", "1")])}
HALT = {"4001": rs_error(4001), "4002": submit_rsp(4002, "scripted"), "4007": rs_error(4007, http=500),
        "401": Answer(401, b"who are you"), "403": Answer(403, b"no")}
UNKNOWN = {
    "500": Answer(500, b"<html>broken</html>", type="text/html"),
    "garbage": Answer(200, b"\0\xff<<<&&&", type="text/xml"),
    "another document": Answer(200, b"<html><body>hello</body></html>", type="text/xml"),
    "an entity bomb": Answer(200, b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;</x>',
                             type="text/xml"),
    "deep": Answer(200, b"<a>" * 20000, type="text/xml"),
    "reset before": Reset("before"),
    "reset after": Reset("after"),
    "half an answer": Half(submit_rsp()),
    "half an XML": Answer(200, b"<?xml version='1.0'?><Envelope><Body><SubmitRsp><Status><StatusCode>10", type="text/xml"),
    "hang": Hang(),
    "oversized": Answer(200, b" " * (8 << 20), type="text/xml"),
    "drips": Endless(type="text/xml"),
}


def test_success_is_sent(mms):
    juliet = mms.online("juliet")
    for answer in (submit_rsp(1000), submit_rsp(1100, "Partial success"), submit_rsp(1999),
                   submit_rsp(1000, namespace="urn:example:another")):
        mms.mmsc.script.append(answer)
        until_state(juliet, send(juliet), "sent")
    assert not mms.mmsc.faults and len(mms.mmsc.requests.items) == 4


def test_a_permanent_status_fails_the_message(mms):
    juliet = mms.online("juliet")
    for code in PERMANENT:
        for way in WAYS:
            print(code)
            mms.mmsc.script.append(way(code))
            packet = send(juliet)
            assert str(code) in until_state(juliet, packet, "failed")
    juliet.wait_message(lambda m: packet in (m.body or ""))
    assert len(mms.mmsc.requests.items) == len(PERMANENT) * len(WAYS) and not mms.mmsc.faults


@pytest.mark.parametrize("answer", AGAIN)
def test_a_temporary_status_is_tried_again(mms, answer):
    juliet = mms.online("juliet")
    mms.mmsc.script.append(AGAIN[answer])
    packet = send(juliet)
    until_state(juliet, packet, "held")
    until_state(juliet, packet, "sent", timeout=WAIT)
    assert len(mms.mmsc.requests.items) == 2 and not mms.mmsc.faults


@pytest.mark.parametrize("answer", HALT)
def test_a_gateway_that_wants_a_person_is_paused(mms, answer):
    juliet, nurse = mms.online("juliet", "nurse")
    mms.mmsc.script.append(HALT[answer])
    packet = send(juliet)
    until_state(juliet, packet, "held")
    assert "centre" in nurse.wait_message(lambda m: "centre" in (m.body or "")).body
    assert len(mms.mmsc.requests.items) == 1
    mms.laterd.child.send_signal(signal.SIGHUP)
    until_state(juliet, packet, "sent", timeout=WAIT)


def test_an_unknown_outcome_is_uncertain_and_never_repeated(mms):
    juliet = mms.online("juliet")
    uncertain = []
    for name, failure in UNKNOWN.items():
        print(name)
        mms.mmsc.script.append(failure)
        uncertain.append(send(juliet))
        until_state(juliet, uncertain[-1], "uncertain")
        # so that it is not taken for dead
        until_state(juliet, send(juliet), "sent", timeout=WAIT)
    assert len(mms.mmsc.requests.items) == 2 * len(UNKNOWN)
    for packet in uncertain:
        assert state_of(juliet, packet) == "uncertain"
        juliet.wait_message(lambda m: packet in (m.body or ""))


def test_a_wrong_password_pauses_the_gateway(bare_world, mmsc, library):
    juliet = start(bare_world, mmsc, library, centre={"user": "somebody"}).online("juliet")
    packet = send(juliet)
    until_state(juliet, packet, "held")
    assert mmsc.submissions == []


def test_an_mmsc_that_is_away_gets_it_when_it_is_back(mms):
    juliet = mms.online("juliet")
    mms.mmsc.stop()
    link = mms.library.put("/a.jpg", JPEG, "image/jpeg")
    packet = send(juliet, link)
    until_state(juliet, packet, "held")
    mms.mmsc.start()
    until_state(juliet, packet, "sent", timeout=WAIT)
    assert [s.media for s in mms.mmsc.submissions] == [[("image/jpeg", JPEG)]]


# Delivery reports

@pytest.mark.parametrize("status, state", [("Retrieved", "delivered"), ("Rejected", "failed"), ("Expired", "failed")])
def test_a_delivery_report_reaches_show_and_is_answered(mms, status, state):
    juliet = mms.online("juliet")
    packet = send(juliet)
    until_state(juliet, packet, "sent")
    message = "m-" + mms.mmsc.submissions[0].transaction
    url = mms.laterd.report_url("centre")
    # Some MMSCs swap recipient and sender.
    assert mms.mmsc.report(url, message, status, recipient="1234", sender=NUMBER) == 200
    until_state(juliet, packet, state)
    assert mms.mmsc.report(url, message, status) == 200
    assert mms.mmsc.report(url, message, "Retrieved") == 200
    assert state_of(juliet, packet) == state


def test_a_report_of_an_unknown_message_or_with_a_wrong_token_changes_nothing(mms):
    juliet = mms.online("juliet")
    packet = send(juliet)
    until_state(juliet, packet, "sent")
    url = mms.laterd.report_url("centre")
    message = "m-" + mms.mmsc.submissions[0].transaction
    assert mms.mmsc.report(url, "nonesuch") == 200
    assert mms.mmsc.report(url[:-1] + ("0" if url[-1] != "0" else "1"), message) == 404
    assert state_of(juliet, packet) == "sent"
