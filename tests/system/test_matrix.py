"""Server x privileges x storage: what becomes of a message in each of twelve worlds.

The cases of a world run side by side, and each is a test with an outcome of its own.  What differs between the worlds
stands in OUTCOMES, and why:

* Prosody shows privileged components every session and the end of each, so that "not online" is known; ejabberd does not
  tell of sessions that break off, so that only "online" is.  Without privileges nothing is known of strangers.
* A message leaves as its sender where privileges allow it, and the recipient is known to be online or the sender chose
  `server`.  Its errors go to the sender, so that what their server cannot deliver then is lost: it is `sent`, and nobody is told.
  Everything else leaves from an alias, to which errors return.
* Without privileges a bounced message is tried again after minutes; presence, where it can be seen, does not let it wait.
* Blocking (XEP-0191) is done by the recipient's server with the address it sees: the sender's, or an alias.
"""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree as ET

import pytest
from conftest import ACCOUNTS, World
from forms import schedule, show, state_of, until_state
from peers import User
from remote import QuickEjabberd, QuickProsody

AT_ONCE = 5             # cases; more only wait for the processor
RESUME = 4              # seconds that a session which was cut off may be resumed
ARCHIVE, FORWARD = "{urn:xmpp:mam:2}", "{urn:xmpp:forward:0}"
SERVERS = {"prosody": QuickProsody, "ejabberd": QuickEjabberd}
STORAGES = {
    "nothing": {"offline": False, "archive": False},
    "offline": {"offline": True, "archive": False},
    "archive": {"offline": True, "archive": True},
}

# from     whom it comes from when the recipient is online: the sender themselves, or an alias
# auto, hold, server, drop    what becomes of it when the recipient is offline
#   waits      held, without a word to the sender, and sent when they log in, with <delay/>
#   returns    bounced and held; sent when they log in, because that can be seen
#   bounces    bounced and held; nobody sees that they log in
#   asks       held, and they are asked for a subscription; sent when they grant it
#   asks-sees  the same, but sent when they log in, because that can be seen
#   stored     sent, and the server has it for them when they log in
#   fails      bounced, and failed; the sender is told
#   lost       sent, and never seen again
#   expires    given up at once; the sender is told
# nobody, insisted    the same to an address that does not exist, with auto and with server
# blocked     the recipient has blocked the sender
# shunned     the recipient has blocked later.example.org
# negative    the recipient has only a resource of negative priority, and later one of 0
# cut-off     auto to a session that broke off and is not resumed in time; then there is another one
# archives    whose archives have it
OUTCOMES = """
server   privileges storage from   auto    hold      server drop    nobody  insisted blocked shunned negative cut-off archives
prosody  yes        nothing sender waits   waits     lost   expires waits   lost     lost    arrives waits    lost    -
prosody  yes        offline sender waits   waits     stored expires waits   lost     lost    arrives waits    stored  -
prosody  yes        archive sender waits   waits     stored expires waits   lost     lost    arrives waits    stored  both
prosody  no         nothing alias  bounces asks      fails  expires bounces fails    arrives bounces bounces  bounces -
prosody  no         offline alias  stored  asks      stored expires bounces fails    arrives bounces stored   stored  -
prosody  no         archive alias  stored  asks      stored expires bounces fails    arrives bounces stored   stored  recipient
ejabberd yes        nothing sender returns asks-sees lost   expires bounces lost     lost    arrives returns  lost    -
ejabberd yes        offline sender stored  asks-sees stored expires bounces lost     lost    arrives stored   stored  -
ejabberd yes        archive sender stored  asks-sees stored expires bounces lost     lost    arrives stored   stored  recipient
ejabberd no         nothing alias  bounces asks      fails  expires bounces fails    arrives bounces bounces  bounces -
ejabberd no         offline alias  stored  asks      stored expires bounces fails    arrives bounces stored   stored  -
ejabberd no         archive alias  stored  asks      stored expires bounces fails    arrives bounces stored   stored  recipient
"""


def outcomes():
    """{(server, privileges, storage): {column: word}}"""
    head, *rows = (line.split() for line in OUTCOMES.strip().splitlines())
    return {(row[0], row[1] == "yes", row[2]): dict(zip(head[3:], row[3:], strict=True)) for row in rows}


CASES = []


def case(function):
    CASES.append(function)
    return function


class Cell(World):
    def __init__(self, kind, privileges, storage, expected):
        super().__init__(kind)
        self.privileges, self.storage, self.expected = privileges, storage, expected
        self.passed = 0

    def serve(self, **options):
        self.server = SERVERS[self.kind](self.scene, accounts=ACCOUNTS, resume=RESUME, **options).start()

    def begin(self):
        """Start, and run all cases."""
        self.start(privileges=self.privileges, **STORAGES[self.storage])
        self.newcomers = 0
        # made beforehand, because the count is not for threads
        pairs = [(self.newcomer(), self.newcomer()) for _ in CASES]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            self.results = {c: pool.submit(c, self, *pair) for c, pair in zip(CASES, pairs)}
        return self

    def comes_from(self, message, sender):
        """As the sender, or as an alias that says who they are."""
        if message.sender == sender.jid:
            assert message.nick is None and message.ofrom is None, message
            return "sender"
        name, _, domain = sender.jid.partition("@")
        assert message.sender == f"{name}%{domain}@{self.laterd.address}", message
        assert (message.nick, message.ofrom) == (name, sender.jid), message
        return "alias"


def send(sender, recipient, **fields):
    return schedule(sender, recipient if isinstance(recipient, str) else recipient.jid, "good night", "now", **fields)


def notices(user, packet):
    return [m.body for m in user.messages.items if m.body and packet in m.body]


def has_not(recipient, packet, sender):
    """A word of the sender's own that comes shows that nothing was on its way before it."""
    sender.say(recipient.jid, f"marker of {packet}")
    recipient.wait_message(lambda m: m.body == f"marker of {packet}")
    assert packet not in [m.id for m in recipient.messages.items], recipient.messages.items


def once(recipient, packet):
    message = recipient.wait_ids([packet])[0]
    assert [m.id for m in recipient.messages.items].count(packet) == 1
    assert message.id == message.origin_id and message.wants_receipt, message
    return message


def from_us(cell, message):
    return cell.laterd.address in [by for _, by in message.delays]


def told(sender, packet, words):
    sender.wait_message(lambda m: m.body and packet in m.body and words in m.body)


def waits(cell, sender, recipient, packet, enter):
    until_state(sender, packet, "held")
    enter()
    assert from_us(cell, once(recipient, packet))
    assert not notices(sender, packet)


def returns(cell, sender, recipient, packet, enter):
    until_state(sender, packet, "held")
    told(sender, packet, "could not be delivered yet")
    enter()
    assert from_us(cell, once(recipient, packet))


def bounces(cell, sender, recipient, packet, enter):
    until_state(sender, packet, "held")
    told(sender, packet, "could not be delivered yet")
    enter()
    has_not(recipient, packet, sender)
    assert state_of(sender, packet) == "held"
    # who is tired of waiting says so
    assert sender.command("now", {"id": packet}, "complete").status == "completed"
    once(recipient, packet)


def asks(cell, sender, recipient, packet, enter):
    until_state(sender, packet, "held")
    told(sender, packet, "was asked to let us see")
    enter()
    assert recipient.wait_presence(cell.laterd.bot, "subscribe").findtext("{jabber:client}status")
    has_not(recipient, packet, sender)
    recipient.send_presence(pto=cell.laterd.bot, ptype="subscribed")
    assert from_us(cell, once(recipient, packet))


def asks_sees(cell, sender, recipient, packet, enter):
    until_state(sender, packet, "held")
    told(sender, packet, "was asked to let us see")
    enter()
    assert from_us(cell, once(recipient, packet))
    recipient.wait_presence(cell.laterd.bot, "subscribe")


def stored(cell, sender, recipient, packet, enter):
    until_state(sender, packet, "sent")
    enter()
    message = once(recipient, packet)
    assert message.delays and not from_us(cell, message)
    assert not notices(sender, packet)


def fails(_, sender, recipient, packet, enter):
    until_state(sender, packet, "failed")
    told(sender, packet, "failed")
    enter()
    has_not(recipient, packet, sender)


def lost(_, sender, recipient, packet, enter):
    until_state(sender, packet, "sent")
    enter()
    has_not(recipient, packet, sender)
    assert state_of(sender, packet) == "sent" and not notices(sender, packet)


def expires(_, sender, recipient, packet, enter):
    until_state(sender, packet, "expired")
    told(sender, packet, "expired")
    enter()
    has_not(recipient, packet, sender)


def arrives(_, sender, recipient, packet, enter):
    enter()
    once(recipient, packet)
    until_state(sender, packet, "sent")


HAPPENS = {f.__name__.replace("_", "-"): f for f in
           (waits, returns, bounces, asks, asks_sees, stored, fails, lost, expires, arrives)}


def away(cell, sender, recipient, offline):
    sender.login()
    packet = send(sender, recipient, offline=offline)
    HAPPENS[cell.expected[offline]](cell, sender, recipient, packet, recipient.login)


@case
def auto_to_somebody_away(cell, sender, recipient):
    away(cell, sender, recipient, "auto")


@case
def hold_for_somebody_away(cell, sender, recipient):
    away(cell, sender, recipient, "hold")


@case
def server_to_somebody_away(cell, sender, recipient):
    away(cell, sender, recipient, "server")


@case
def drop_for_somebody_away(cell, sender, recipient):
    away(cell, sender, recipient, "drop")


@case
def to_somebody_online(cell, sender, recipient):
    """It comes as told, and a receipt is for who sent it: the sender's own client, or us, who tell the sender."""
    sender.login(), recipient.login()
    sender.command("settings", {"notify": "delivered"}, "complete")
    packet = send(sender, recipient)
    message = once(recipient, packet)
    assert (message.type, message.body, message.delays) == ("chat", "good night", [])
    assert cell.comes_from(message, sender) == cell.expected["from"]
    recipient.send_raw(f"<message to='{message.sender}' type='chat' id='receipt'>"
                       f"<received xmlns='urn:xmpp:receipts' id='{message.id}'/></message>")
    if cell.expected["from"] == "alias":
        until_state(sender, packet, "delivered")
        told(sender, packet, "was delivered")
    else:
        receipt = sender.wait_message(lambda m: m.xml.find("{urn:xmpp:receipts}received") is not None)
        assert receipt.sender == f"{recipient.jid}/test"
        until_state(sender, packet, "sent")


@case
def with_server_to_somebody_online(cell, sender, recipient):
    sender.login(), recipient.login()
    message = once(recipient, send(sender, recipient, offline="server"))
    assert cell.comes_from(message, sender) == cell.expected["from"] and not message.delays


@case
def drop_for_somebody_online(cell, sender, recipient):
    """Only where it can be seen that they are."""
    sender.login(), recipient.login()
    packet = send(sender, recipient, offline="drop")
    HAPPENS["arrives" if cell.privileges else "expires"](cell, sender, recipient, packet, lambda: None)


def nobody(cell, sender, account, offline, expected):
    sender.login()
    packet = send(sender, account, offline=offline)
    until_state(sender, packet, {"waits": "held", "bounces": "held", "fails": "failed", "lost": "sent"}[expected])
    if expected in ("bounces", "fails"):
        told(sender, packet, "no such address")
    else:
        assert not notices(sender, packet)


@case
def to_nobody(cell, sender, _):
    nobody(cell, sender, "nobody@example.org", "auto", cell.expected["nobody"])


@case
def with_server_to_nobody(cell, sender, _):
    nobody(cell, sender, "nobody@example.org", "server", cell.expected["insisted"])


def block(user, jid):
    request = ET.Element("{urn:xmpp:blocking}block")
    ET.SubElement(request, "{urn:xmpp:blocking}item", jid=jid)
    user.iq("set", None, request)


def unblock(user):
    user.iq("set", None, ET.Element("{urn:xmpp:blocking}unblock"))


@case
def to_somebody_who_has_blocked_the_sender(cell, sender, recipient):
    sender.login(), recipient.login()
    block(recipient, sender.jid)
    packet = send(sender, recipient)
    HAPPENS[cell.expected["blocked"]](cell, sender, recipient, packet, lambda: unblock(recipient))


@case
def to_somebody_who_has_blocked_us(cell, sender, recipient):
    sender.login(), recipient.login()
    block(recipient, cell.laterd.address)
    packet = send(sender, recipient)
    HAPPENS[cell.expected["shunned"]](cell, sender, recipient, packet, lambda: unblock(recipient))


@case
def to_somebody_who_wants_no_messages_yet(cell, sender, recipient):
    recipient.priority = -1
    sender.login(), recipient.login()
    packet = send(sender, recipient)

    def enter():
        # Prosody gives out what it has stored at a login, and not when a priority changes.
        recipient.logout()
        recipient.priority = 0
        recipient.login()

    HAPPENS[cell.expected["negative"]](cell, sender, recipient, packet, enter)


class Phone(User):
    """A client whose session survives its connection (XEP-0198)."""

    def _prepare(self, client):
        client.register_plugin("xep_0198", {"allow_resume": True})

    def cut_off(self):
        """The connection ends as one does that nobody closes."""
        async def cut():
            lost = asyncio.get_running_loop().create_future()
            self.client.add_event_handler("disconnected", lambda _: lost.done() or lost.set_result(None))
            self.client.transport.abort()
            await lost
        self.run(cut(), 5)

    def resume(self, timeout=10):
        async def again():
            resumed = asyncio.get_running_loop().create_future()
            self.client.add_event_handler("session_resumed", lambda _: resumed.done() or resumed.set_result(None))
            self.client.connect((self.server.host, self.server.c2s_port), force_starttls=False, disable_starttls=True)
            await asyncio.wait_for(resumed, timeout)
        self.run(again(), timeout)


def phone_of(cell, recipient):
    phone = Phone(cell.server, recipient.jid, resource="phone")
    cell.users.append(phone)
    return phone.login()


@case
def to_a_session_that_is_resumed(cell, sender, recipient):
    sender.login()
    phone = phone_of(cell, recipient)
    phone.cut_off()
    packet = send(sender, recipient)
    until_state(sender, packet, "sent")
    phone.resume()
    once(phone, packet)
    assert state_of(sender, packet) == "sent" and not notices(sender, packet)


@case
def to_a_session_that_is_not_resumed(cell, sender, recipient):
    sender.login()
    phone = phone_of(cell, recipient)
    phone.cut_off()
    packet = send(sender, recipient)
    until_state(sender, packet, "sent")

    def enter():
        # a new session would get it from the old one
        time.sleep(RESUME + 1)
        recipient.login()

    if cell.expected["cut-off"] == "bounces":
        # minutes are allowed for a bounce
        until_state(sender, packet, "held", timeout=RESUME + 10)
    HAPPENS[cell.expected["cut-off"]](cell, sender, recipient, packet, enter)


def archived(user):
    """The messages of a user's archive."""
    before = len(user.messages.items)
    user.iq("set", None, ET.Element(ARCHIVE + "query"))
    found = (m.xml.find(f"{ARCHIVE}result/{FORWARD}forwarded/{{jabber:client}}message") for m in user.messages.items[before:])
    return [message for message in found if message is not None]


@case
def in_the_archive(cell, sender, recipient):
    """Where there is one, what is sent is found with the id of the packet, as both sides have it elsewhere."""
    sender.login(), recipient.login()
    packet = send(sender, recipient)
    message = once(recipient, packet)
    if cell.storage != "archive":
        return
    whose = {"both": (sender, recipient), "recipient": (recipient,)}[cell.expected["archives"]]
    for user in (sender, recipient):
        kept = [m for m in archived(user) if m.findtext("{jabber:client}body") == "good night"]
        assert len(kept) == (user in whose), (user.jid, [ET.tostring(m) for m in kept])
        for m in kept:
            assert (m.get("id"), m.get("from")) == (packet, message.sender)
            assert m.find("{urn:xmpp:sid:0}origin-id").get("id") == packet
    assert "received" not in show(sender, packet).text()


def cells():
    for (kind, privileges, storage), expected in outcomes().items():
        name = f"{kind}-{'privileges' if privileges else 'none'}-{storage}"
        yield pytest.param((kind, privileges, storage, expected), id=name, marks=pytest.mark.xdist_group(f"matrix-{name}"))


@pytest.fixture(scope="module", params=list(cells()))
def stage(request):
    cell = Cell(*request.param)
    try:
        yield cell.begin()
    finally:
        cell.close()


@pytest.mark.parametrize("function", CASES, ids=lambda f: f.__name__)
def test_case(stage, function):
    stage.results[function].result()
    stage.passed += 1


def test_all_cases_of_the_world(stage, measured):
    measured(f"{stage.kind}, {'with' if stage.privileges else 'without'} privileges, storage {stage.storage}: "
             f"{stage.passed} of {len(CASES)} cases passed")
    assert stage.passed == len(CASES)
