"""A gateway that fails in every way: what becomes of the message, and how many requests were made for it."""

import signal
import socket
import time

import pytest
from forms import due_in, listing, schedule, show, state_of, until_state
from gateway import Gateway, fetch
from web import Answer, Certificate, Endless, Half, Hang, Raw, Reset

NUMBER = "+4917012345678"
WAIT = 60               # seconds within which what was not taken is tried again
OVERSIZED = 8 << 20     # far above what any gateway has to say

# Nobody can know whether the message was taken.
UNKNOWN = {
    "reset before it is read": Reset("before"),
    "reset after it is read": Reset("after"),
    "connection closed": Raw(b""),
    "no answer": Hang(),
    "slower than the timeout": Gateway.ok(delay=4),
    "half an answer": Half(Gateway.ok()),
    "half a status line": Raw(b"HTTP/1.1 20"),
    "no HTTP": Raw(b"220 smtp.example.org ESMTP\r\n"),
    "a header without end": Raw(b"HTTP/1.1 200 OK\r\n" + b"X-Padding: " + b"x" * OVERSIZED),
    "a length below zero": Raw(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}"),
    "a broken chunk": Raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}"),
    "an answer that drips": Endless(interval=0.05),
    "an answer without end": Endless(b" " * 65536, interval=0),
    "an oversized answer": Answer(200, b" " * OVERSIZED, type="application/json"),
    "500": Gateway.error(500),
    "503": Gateway.error(503),
}
# It was not taken, and never will be.
REFUSED = {
    "400": Gateway.error(400),
    "422": Gateway.error(422),
    "a code that is permanent": Gateway.error(500, "30003"),
}
# It was not taken, and is tried again.
NOT_PROCESSED = {
    "429": Gateway.error(429),
    "429 with Retry-After": Gateway.error(429, headers=[("Retry-After", "1")]),
    "408": Gateway.error(408),
    "a code that means later": Gateway.error(400, "20429"),
}
# A person has to look at the gateway, and the message waits.
HALTED = {
    "401": Gateway.error(401),
    "402": Gateway.error(402),
    "403": Gateway.error(403),
    "a code that means no funds": Gateway.error(400, "20003"),
    "a redirect": Answer(302, headers=[("Location", "http://127.0.0.1:1/elsewhere")]),
}


def office(gateway, **keys):
    return gateway.section(permanent_code=["30003"], retry_code=["20429"], halt_code=["20003"], **keys)


@pytest.fixture
def sms(bare_world, gateway):
    """A world with one scripted gateway."""
    bare_world.start(**{"gateway office": office(gateway), "http": bare_world.listener()},
                     users={"admins": ["nurse@example.org"]})
    bare_world.gateway = gateway
    return bare_world


def send(user, to=NUMBER, text="good night", due=None):
    return schedule(user, to, text, "now" if due is None else due, "sms")


def test_a_message_goes_out_once_with_everything_it_needs(sms):
    juliet = sms.online("juliet")
    packet = send(juliet, text='Nächste "Woche" \\ {to} 🙂\nzweite Zeile')
    shown = until_state(juliet, packet, "sent")
    assert "office" in shown
    submission = sms.gateway.wait_packet(packet)[0].submission
    report = submission.pop("report")
    assert report.startswith(sms.laterd.sections["http"]["public_url"] + f"/report/office/{packet}/")
    assert submission == {"to": NUMBER, "from": "1234", "text": 'Nächste "Woche" \\ {to} 🙂\nzweite Zeile', "ref": packet}
    request = sms.gateway.requests.items[0]
    assert request.headers["authorization"] == "Bearer " + sms.gateway.token
    assert request.method == "POST" and request.path == "/send"
    assert not sms.gateway.faults and sms.gateway.counts == {packet: 1}


def test_nothing_secret_stands_in_the_log(sms):
    juliet = sms.online("juliet")
    sms.gateway.script += [Gateway.error(400), Gateway.error(500), Gateway.error(401)]
    for state in ("failed", "uncertain", "held"):
        until_state(juliet, send(juliet, text="poison and dagger"), state)
    report = sms.gateway.submissions()[0]["report"]
    assert sms.laterd.terminate() == 0
    for secret in ("poison", sms.gateway.token, NUMBER, NUMBER[1:], report.rpartition("/")[2]):
        assert secret not in sms.laterd.log, secret


@pytest.mark.parametrize("failure", UNKNOWN)
def test_an_unknown_outcome_is_uncertain_and_never_repeated(sms, failure):
    juliet, nurse = sms.online("juliet", "nurse")
    sms.gateway.script.append(UNKNOWN[failure])
    packet = send(juliet)
    until_state(juliet, packet, "uncertain")
    notice = juliet.wait_message(lambda m: packet in (m.body or ""))
    assert notice.sender == sms.laterd.bot and NUMBER in notice.body
    assert "may" in notice.body
    # A message that comes after it shows that nothing more is done for the first.
    until_state(juliet, send(juliet, "+4917087654321"), "sent", timeout=WAIT)
    assert len(sms.gateway.requests.items) == 2
    assert state_of(juliet, packet) == "uncertain"
    assert packet not in listing(juliet) or "uncertain" in listing(juliet)[packet]
    assert sms.laterd.running


@pytest.mark.parametrize("failure", REFUSED)
def test_a_refusal_fails_the_message_and_its_sender_is_told(sms, failure):
    juliet = sms.online("juliet")
    sms.gateway.script.append(REFUSED[failure])
    packet = send(juliet)
    shown = until_state(juliet, packet, "failed")
    assert "scripted" in shown
    notice = juliet.wait_message(lambda m: packet in (m.body or ""))
    assert notice.sender == sms.laterd.bot and NUMBER in notice.body and "scripted" in notice.body
    assert sms.gateway.counts == {packet: 1}


@pytest.mark.parametrize("failure", NOT_PROCESSED)
def test_what_was_not_processed_is_tried_again(sms, failure):
    juliet = sms.online("juliet")
    sms.gateway.script.append(NOT_PROCESSED[failure])
    packet = send(juliet)
    first, second = sms.gateway.wait_packet(packet, 2, timeout=WAIT)
    assert second.at - first.at >= 0.9
    until_state(juliet, packet, "sent")
    assert sms.gateway.counts == {packet: 2}
    assert packet not in "".join(juliet.bodies())


@pytest.mark.parametrize("failure", HALTED)
def test_a_gateway_that_wants_a_person_is_paused_and_the_message_held(sms, failure):
    juliet, nurse = sms.online("juliet", "nurse")
    sms.gateway.script.append(HALTED[failure])
    packet = send(juliet)
    until_state(juliet, packet, "held")
    assert "office" in nurse.wait_message(lambda m: "office" in (m.body or "")).body
    second = send(juliet, "+4917087654321")
    until_state(juliet, second, "held")
    assert sms.gateway.counts == {packet: 1}
    # Once it has been looked at.
    sms.laterd.child.send_signal(signal.SIGHUP)
    for waiting in (packet, second):
        until_state(juliet, waiting, "sent", timeout=WAIT)
    assert sms.gateway.counts == {packet: 2, second: 1}


def test_retry_after_is_obeyed(sms):
    juliet = sms.online("juliet")
    sms.gateway.script.append(Gateway.error(429, headers=[("Retry-After", "4")]))
    packet = send(juliet)
    first, second = sms.gateway.wait_packet(packet, 2, timeout=WAIT)
    assert 4 <= second.at - first.at


def test_a_gateway_that_is_away_gets_everything_when_it_is_back(sms):
    juliet = sms.online("juliet")
    sms.gateway.stop()
    packets = [send(juliet, f"+4917000{n:06d}", f"number {n}") for n in range(20)]
    for packet in packets:
        until_state(juliet, packet, "held")
    assert sms.gateway.requests.items == []
    sms.gateway.start()
    for packet in packets:
        until_state(juliet, packet, "sent", timeout=WAIT)
    assert sms.gateway.counts == dict.fromkeys(packets, 1)


def test_a_name_that_is_not_found_is_no_attempt(bare_world, gateway):
    bare_world.start(**{"gateway office": office(gateway, url="http://gateway.invalid/send")})
    juliet = bare_world.online("juliet")
    until_state(juliet, send(juliet), "held", timeout=30)


def test_an_answer_that_is_no_json_is_still_accepted_by_its_status(sms):
    juliet = sms.online("juliet")
    sms.gateway.script += [Answer(200, b"\xff\xfe{{{"), Answer(200, b'{"data": ' * 5000), Answer(202, b"")]
    for packet in [send(juliet) for _ in range(3)]:
        until_state(juliet, packet, "sent")


def test_a_gateway_over_tls_is_verified(bare_world):
    certificate = Certificate(bare_world.scene)
    known, stranger = (Gateway(bare_world.scene, name, tls=certificate.context).start() for name in ("known", "stranger"))
    bare_world.start(**{"gateway known": office(known, ca_file=certificate.file), "gateway stranger": office(stranger),
                        'route "+49"': {"sms": ["stranger"]}, 'route "+44"': {"sms": ["known"]}})
    juliet = bare_world.online("juliet")
    until_state(juliet, send(juliet, "+447700900123"), "sent")
    until_state(juliet, send(juliet), "held")
    assert stranger.requests.items == []


# Idempotency

@pytest.mark.parametrize("failure", ["reset after it is read", "no answer", "500"])
def test_what_a_gateway_can_tell_apart_is_repeated_with_the_same_key(bare_world, gateway, failure):
    bare_world.start(**{"gateway office": office(gateway, idempotency="header:Idempotency-Key")})
    juliet = bare_world.online("juliet")
    gateway.script.append(UNKNOWN[failure])
    packet = send(juliet)
    until_state(juliet, packet, "sent", timeout=WAIT)
    keys = [request.headers["idempotency-key"] for request in gateway.requests.items]
    assert len(keys) == 2 and keys[0] == keys[1] != ""


def test_a_duplicate_that_the_gateway_knows_counts_as_taken(bare_world, gateway):
    bare_world.start(**{"gateway office": office(gateway, dup_http=["409"])})
    juliet = bare_world.online("juliet")
    gateway.script += [Reset("after"), Gateway.error(409)]
    until_state(juliet, packet := send(juliet), "sent", timeout=WAIT)
    assert gateway.counts == {packet: 2}


# More than one gateway

@pytest.fixture
def two(bare_world, gateway):
    """Gateway `first` is preferred, `second` stands in for it."""
    bare_world.first, bare_world.second = gateway, Gateway(bare_world.scene, "second").start()
    bare_world.start(**{"gateway first": office(bare_world.first), "gateway second": office(bare_world.second),
                        'route "+"': {"sms": ["first", "second"]}, 'route "+44"': {"sms": ["second"]}})
    return bare_world


@pytest.mark.parametrize("failure", [None, *NOT_PROCESSED, *HALTED])
def test_the_next_gateway_takes_what_the_first_did_not_process(two, failure):
    juliet = two.online("juliet")
    if failure is None:
        two.first.stop()
    else:
        two.first.script.append({**NOT_PROCESSED, **HALTED}[failure])
    packet = send(juliet)
    until_state(juliet, packet, "sent", timeout=5)
    assert two.second.counts == {packet: 1}
    assert len(two.first.requests.items) == (0 if failure is None else 1)
    assert "second" in show(juliet, packet).text()


@pytest.mark.parametrize("failure, state", [("reset after it is read", "uncertain"), ("500", "uncertain"),
                                            ("no answer", "uncertain"), ("400", "failed")])
def test_the_next_gateway_never_gets_what_the_first_may_have_taken_or_refused(two, failure, state):
    juliet = two.online("juliet")
    two.first.script.append({**UNKNOWN, **REFUSED}[failure])
    packet = send(juliet)
    until_state(juliet, packet, state)
    until_state(juliet, send(juliet, "+447700900123"), "sent")
    assert two.second.counts[packet] == 0 and two.first.counts == {packet: 1}


def test_the_longest_prefix_chooses_the_gateway(two):
    juliet = two.online("juliet")
    english, german = send(juliet, "+447700900123"), send(juliet, NUMBER)
    for packet in (english, german):
        until_state(juliet, packet, "sent")
    assert (two.first.counts, two.second.counts) == ({german: 1}, {english: 1})


# Pace

def test_requests_in_flight_and_connections_are_bounded(bare_world, gateway):
    bare_world.start(**{"gateway office": office(gateway, inflight=4, connections=2)})
    juliet = bare_world.online("juliet")
    gateway.default = Gateway.ok(delay=0.1)
    due = due_in(2)
    packets = [send(juliet, f"+4917000{n:06d}", due=due) for n in range(30)]
    for packet in packets:
        until_state(juliet, packet, "sent", timeout=WAIT)
    assert gateway.connections <= 2
    assert gateway.counts == dict.fromkeys(packets, 1)


def test_a_rate_is_kept(bare_world, gateway):
    bare_world.start(**{"gateway office": office(gateway, rate=10)})
    juliet = bare_world.online("juliet")
    due = due_in(2)
    packets = [send(juliet, f"+4917000{n:06d}", due=due) for n in range(40)]
    at = [request.at for request in gateway.wait_requests(len(packets), timeout=30)]
    # One second's worth at once, and then ten a second.
    assert at[-1] - at[0] >= 2.5
    for begin in range(len(at)):
        assert sum(at[begin] <= t < at[begin] + 0.9 for t in at) <= 21
    assert gateway.counts == dict.fromkeys(packets, 1)


def test_a_gateway_that_keeps_failing_is_left_alone_for_a_while(sms):
    juliet = sms.online("juliet")
    sms.gateway.default = Gateway.error(500)
    packets = [send(juliet, f"+4917000{n:06d}") for n in range(5)]
    for packet in packets:
        until_state(juliet, packet, "uncertain")
    sms.gateway.default = Gateway.ok()
    waiting = send(juliet)
    until_state(juliet, waiting, "held")
    until_state(juliet, waiting, "sent", timeout=WAIT)
    assert sms.gateway.counts == dict.fromkeys([*packets, waiting], 1)


# Delivery reports

def report_url(world, packet):
    return world.gateway.wait_packet(packet)[0].submission["report"]


def test_a_report_of_delivery_reaches_show_and_the_sender_who_asked(sms):
    juliet = sms.online("juliet")
    assert juliet.command("settings", {"notify": "delivered"}, "complete").status == "completed"
    packet = send(juliet)
    url = report_url(sms, packet)
    until_state(juliet, packet, "sent")
    assert fetch(url, {"id": "g-" + packet, "status": "DELIVRD", "reason": "on the phone"})[0] == 200
    assert "on the phone" in until_state(juliet, packet, "delivered")
    juliet.wait_message(lambda m: packet in (m.body or "") and "was delivered" in m.body)


def test_nobody_is_told_of_a_delivery_who_did_not_ask(sms):
    juliet = sms.online("juliet")
    packet = send(juliet)
    until_state(juliet, packet, "sent")
    fetch(report_url(sms, packet), {"id": "g-" + packet, "status": "DELIVRD"})
    until_state(juliet, packet, "delivered")
    juliet.wait_ids([schedule(juliet, "juliet@example.org", "marker", due_in(1))])
    assert packet not in "".join(juliet.bodies())


def test_a_report_of_failure_is_told(sms):
    juliet = sms.online("juliet")
    packet = send(juliet)
    until_state(juliet, packet, "sent")
    assert fetch(report_url(sms, packet), {"id": "g-" + packet, "status": "UNDELIV", "reason": "no such phone"})[0] == 200
    assert "no such phone" in until_state(juliet, packet, "failed")
    assert NUMBER in juliet.wait_message(lambda m: packet in (m.body or "")).body


def test_reports_move_a_message_forwards_only(sms):
    juliet = sms.online("juliet")
    packet = send(juliet)
    url = report_url(sms, packet)
    until_state(juliet, packet, "sent")
    for status in ("DELIVRD", "DELIVRD", "ENROUTE", "UNDELIV", "NONESUCH"):
        assert fetch(url, {"id": "g-" + packet, "status": status})[0] == 200, status
    assert state_of(juliet, packet) == "delivered"


def test_a_report_clears_up_what_was_uncertain(sms):
    juliet = sms.online("juliet")
    sms.gateway.script.append(Reset("after"))
    packet = send(juliet)
    url = report_url(sms, packet)
    until_state(juliet, packet, "uncertain")
    assert fetch(url, {"id": "g-" + packet, "status": "DELIVRD"})[0] == 200
    until_state(juliet, packet, "delivered")


def test_a_report_that_is_faster_than_the_answer_counts(sms):
    juliet = sms.online("juliet")
    sms.gateway.script.append(Gateway.ok(delay=1))
    packet = send(juliet)
    assert fetch(report_url(sms, packet), {"id": "g-" + packet, "status": "DELIVRD"})[0] == 200
    until_state(juliet, packet, "delivered", timeout=5)
    until_state(juliet, send(juliet), "sent")
    assert state_of(juliet, packet) == "delivered"


def test_without_its_token_a_report_is_nothing(sms):
    juliet = sms.online("juliet")
    first, second = send(juliet), send(juliet)
    url, other = report_url(sms, first), report_url(sms, second)
    until_state(juliet, first, "sent")
    until_state(juliet, second, "sent")
    place, _, token = url.rpartition("/")
    wrong = token[:-1] + ("0" if token[-1] != "0" else "1")
    for forged in (f"{place}/{wrong}", place, place + "/", f"{place}/{token[:-1]}", f"{place}/{token}0", url.replace(first, second),
                   url.replace("/office/", "/other/"), url + "/", url.replace("/report/", "/reports/"),
                   f"{place}/{other.rpartition('/')[2]}"):
        status, _ = fetch(forged, {"id": "g-" + first, "status": "DELIVRD"})
        assert status == 404, forged
    assert state_of(juliet, first) == state_of(juliet, second) == "sent"


def test_the_listener_is_hard_to_annoy(sms):
    juliet = sms.online("juliet")
    packet = send(juliet)
    url = report_url(sms, packet)
    host, port = sms.laterd.sections["http"]["listen"].split(":")
    assert fetch(f"http://{host}:{port}/healthz")[0] == 200
    assert fetch(url, b"x" * (1 << 20))[0] in (400, 413)
    idle = [socket.create_connection((host, int(port))) for _ in range(150)]
    try:
        idle[0].sendall(b"GET /healthz HTTP/1.1\r\nX: " + b"x" * (1 << 20))
    except OSError:
        pass
    # A slow client is sent away, and others are served again.
    deadline = time.monotonic() + 30
    while True:
        try:
            if fetch(f"http://{host}:{port}/healthz")[0] == 200:
                break
        except OSError:
            pass
        assert time.monotonic() < deadline, "the listener serves nobody any more"
        time.sleep(0.5)
    for connection in idle:
        connection.close()
    assert fetch(url, {"id": "g-" + packet, "status": "DELIVRD"})[0] == 200
    until_state(juliet, packet, "delivered")
