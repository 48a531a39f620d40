"""Users of another server: what reaches them and returns over s2s, with laterd on either side.

rosa and her like live at remote.example, whose server stores nothing, so that it returns what it cannot deliver.
"""

import contextlib
import os
import signal
import socket
import time

import pytest
from chat import Chat
from conftest import World
from forms import StanzaError, order, schedule, show, state_of, until_state
from names import Names
from peers import Laterd, Timeout, User
from remote import GIVE_UP, QuickEjabberd, QuickProsody

SERVERS = {"prosody": QuickProsody, "ejabberd": QuickEjabberd}
HERE = ("juliet@example.org", "romeo@example.org", "nurse@example.org")
# the server with laterd, the other one, privileges of laterd
PAIRS = (
    ("prosody", "prosody", True),
    ("prosody", "prosody", False),
    ("ejabberd", "prosody", True),
    ("ejabberd", "prosody", False),
    ("prosody", "ejabberd", False),
)


class Apart(World):
    """Two servers.  `afar` makes users of the second."""

    def __init__(self, kind, other, privileges):
        super().__init__(kind)
        self.privileges = privileges
        self.names = Names(self.scene)
        self.server = SERVERS[kind](self.scene, name="here", names=self.names, accounts=HERE, privileges=privileges)
        self.there = SERVERS[other](self.scene, name="there", names=self.names, accounts=("rosa@remote.example",),
                                    component="other.remote.example", privileges=False, offline=False)
        self.deaf = socket.socket()

    def begin(self):
        self.server.start()
        self.there.start()
        self.laterd = Laterd(self.scene, self.server).start()
        # takes connections, and says nothing
        self.deaf.bind(("127.0.0.1", 0))
        self.deaf.listen()
        self.names.host("deaf.example", self.deaf.getsockname()[1])
        return self

    def afar(self, **arguments):
        """A user of the other server, not logged in yet."""
        self.newcomers += 1
        account = f"rosa{self.newcomers}@remote.example"
        self.there.register(account)
        user = User(self.there, account, later=self.laterd.address, **arguments)
        self.users.append(user)
        return user

    def there_is_stopped(self, stopped):
        """Its connections stay as they are, but nothing is read from them, or again."""
        os.kill(self.there.child.pid, signal.SIGSTOP if stopped else signal.SIGCONT)

    def there_crashes(self):
        # ejabberd writes what it is told to the disk some two seconds later
        time.sleep(3 if isinstance(self.there, QuickEjabberd) else 0)
        self.there.kill()
        for user in self.users:
            if user.server is self.there:
                user.forget_connection()

    def close(self):
        self.deaf.close()
        if self.there.running:
            self.there_is_stopped(False)
        super().close()


def pairs():
    for here, there, privileges in PAIRS:
        name = f"{here}-{there}-{'privileges' if privileges else 'none'}"
        yield pytest.param((here, there, privileges), id=name, marks=pytest.mark.xdist_group(f"remote-{name}"))


@pytest.fixture(scope="module", params=list(pairs()))
def stage(request):
    world = Apart(*request.param)
    try:
        yield world.begin()
    finally:
        world.close()


@pytest.fixture
def juliet(visitor):
    return visitor


def alias(stage, user):
    """The address by which those see a user who get a message that does not come from the user."""
    name, _, domain = user.jid.partition("@")
    return f"{name}%{domain}@{stage.laterd.address}"


def send(sender, recipient, **fields):
    return schedule(sender, recipient if isinstance(recipient, str) else recipient.jid, "from afar", "now", **fields)


def told(sender, packet, words, timeout=10):
    return sender.wait_message(lambda m: m.body and packet in m.body and words in m.body, timeout).body


def comes(user, packet, sender):
    """Wait for what may take a server some time to get through."""
    try:
        return user.wait_ids([packet], timeout=20)[0]
    except Timeout as late:
        raise AssertionError(f"{late}: {show(sender, packet).text()}") from None


def comes_when_hurried(user, packet, sender):
    """The sender does not want to wait; a server that has just failed to connect may still say so without trying."""
    for _ in range(10):
        sender.command("now", {"id": packet}, "complete")
        with contextlib.suppress(Timeout):
            return user.wait_ids([packet], timeout=2)[0]
    return comes(user, packet, sender)


def assert_once(user, packet):
    assert [m.id for m in user.messages.items].count(packet) == 1


def assert_is_sender(stage, message, sender, as_sender):
    if as_sender:
        assert (message.sender, message.nick, message.ofrom) == (sender.jid, None, None), message
    else:
        name = sender.jid.partition("@")[0]
        assert (message.sender, message.nick, message.ofrom) == (alias(stage, sender), name, sender.jid), message


def granted(stage, sender, recipient):
    """Let laterd see the presence of this recipient."""
    packet = send(sender, recipient, offline="hold")
    request = recipient.wait_presence(stage.laterd.bot, "subscribe")
    recipient.send_presence(pto=stage.laterd.bot, ptype="subscribed")
    recipient.wait_ids([packet])
    return request


def test_auto_comes_from_an_alias_because_errors_must_return(stage, juliet):
    rosa = stage.afar().login()
    packet = send(juliet, rosa)
    message = rosa.wait_ids([packet])[0]
    assert_is_sender(stage, message, juliet, as_sender=False)
    assert message.id == message.origin_id and message.wants_receipt and not message.delays
    assert (message.type, message.body) == ("chat", "from afar")
    until_state(juliet, packet, "sent")


def test_server_comes_from_the_sender_where_the_server_lets_us(stage, juliet):
    rosa = stage.afar().login()
    message = rosa.wait_ids([send(juliet, rosa, offline="server")])[0]
    assert_is_sender(stage, message, juliet, as_sender=stage.privileges)


def test_the_servers_found_each_other_by_our_names(stage, juliet):
    rosa = stage.afar().login()
    rosa.wait_ids([send(juliet, rosa)])
    asked = {name for name, _ in stage.names.asked.items}
    assert {"_xmpp-server._tcp.remote.example", "_xmpp-server._tcp.later.example.org"} <= asked


def test_hold_asks_and_a_grant_delivers(stage, juliet):
    rosa = stage.afar().login()
    reply = order(juliet, rosa.jid, "from afar", "now", offline="hold")
    packet = reply.form["id"].value
    until_state(juliet, packet, "held")
    request = rosa.wait_presence(stage.laterd.bot, "subscribe")
    assert juliet.jid in request.findtext("{jabber:client}status")
    assert request.findtext("{http://jabber.org/protocol/nick}nick") == "Scheduled messages"
    assert packet not in [m.id for m in rosa.messages.items]
    rosa.send_presence(pto=stage.laterd.bot, ptype="subscribed")
    message = rosa.wait_ids([packet])[0]
    # now that they are known to be online, it is
    assert_is_sender(stage, message, juliet, as_sender=stage.privileges)
    assert stage.laterd.address in [by for _, by in message.delays]
    rosa.logout()
    second = send(juliet, rosa, offline="hold")
    until_state(juliet, second, "held")
    rosa.login().wait_ids([second])
    assert_once(rosa, second)


def test_a_refusal_is_told_at_once(stage, juliet):
    rosa = stage.afar().login()
    packet = send(juliet, rosa, offline="hold")
    rosa.wait_presence(stage.laterd.bot, "subscribe")
    rosa.send_presence(pto=stage.laterd.bot, ptype="unsubscribed")
    assert "offline server" in told(juliet, packet, "refused")
    assert state_of(juliet, packet) == "held"
    # what is told is possible
    assert juliet.command("edit", {"id": packet, "offline": "server", "when": "now"}, "complete").status == "completed"
    rosa.wait_ids([packet])


def test_a_receipt_makes_it_delivered_and_the_sender_is_told(stage, juliet):
    juliet.command("settings", {"notify": "delivered"}, "complete")
    rosa = stage.afar().login()
    packet = send(juliet, rosa)
    message = rosa.wait_ids([packet])[0]
    rosa.send_raw(f"<message to='{message.sender}' type='chat' id='receipt'>"
                  f"<received xmlns='urn:xmpp:receipts' id='{packet}'/></message>")
    until_state(juliet, packet, "delivered")
    told(juliet, packet, "was delivered")


def test_a_receipt_of_somebody_else_counts_for_nothing(stage, juliet):
    rosa, other = stage.afar().login(), stage.afar().login()
    packet = send(juliet, rosa)
    message = rosa.wait_ids([packet])[0]
    until_state(juliet, packet, "sent")
    receipt = (f"<message to='{message.sender}' type='chat' id='receipt'>"
               f"<received xmlns='urn:xmpp:receipts' id='{packet}'/></message>")
    other.send_raw(receipt)
    with pytest.raises(StanzaError):
        Chat(other).ask("list")     # answered behind it
    assert state_of(juliet, packet) == "sent"


@pytest.mark.parametrize("offline, state, words", [("auto", "held", "could not be delivered yet"),
                                                   ("server", "failed", "failed")])
def test_a_bounce_of_what_was_sent_already(stage, juliet, offline, state, words):
    if stage.privileges and offline == "server":
        # it left as the sender, to whom the error goes
        state, words = "sent", None
    rosa = stage.afar().login()
    rosa.wait_ids([send(juliet, rosa)])
    rosa.logout()
    stage.there_is_stopped(True)
    try:
        packet = send(juliet, rosa, offline=offline)
        until_state(juliet, packet, "sent")
    finally:
        stage.there_is_stopped(False)
    if words:
        until_state(juliet, packet, state)
        told(juliet, packet, words)
    else:
        # what comes after it shows that it was looked at
        rosa.login().wait_ids([send(juliet, rosa)])
        assert state_of(juliet, packet) == state and packet not in [m.id for m in rosa.messages.items]


@pytest.mark.parametrize("offline", ["auto", "server"])
def test_a_server_that_never_answers(stage, juliet, offline):
    packet = send(juliet, "somebody@deaf.example", offline=offline)
    until_state(juliet, packet, "sent")
    if stage.privileges and offline == "server":
        time.sleep(GIVE_UP + 1)
        assert state_of(juliet, packet) == "sent"
    else:
        # Prosody gives up an address, and then asks for another
        until_state(juliet, packet, "held", timeout=4 * GIVE_UP + 10)
        told(juliet, packet, "the recipient's server")


def test_a_domain_that_does_not_exist(stage, juliet):
    packet = send(juliet, "somebody@nowhere.example")
    until_state(juliet, packet, "held", timeout=30)
    told(juliet, packet, "cannot be reached")


def test_remote_users_may_not_schedule(stage):
    rosa = stage.afar().login()
    with pytest.raises(StanzaError) as refused:
        order(rosa, rosa.jid, "to myself", "now")
    assert refused.value.condition == "forbidden"


def test_a_remote_user_who_writes_stop_gets_nothing_more(stage, juliet):
    rosa = stage.afar().login()
    packet = schedule(juliet, rosa.jid, "too late for that", "in 1 hour")
    chat = Chat(rosa)
    chat.ask("stop")
    reply = order(juliet, rosa.jid, "are you there", "now")
    assert reply.status == "executing" and rosa.jid in reply.form["error"].value, reply
    juliet.command("now", {"id": packet}, "complete")
    told(juliet, packet, "wants nothing")
    chat.ask("start")
    rosa.wait_ids([send(juliet, rosa)])
    assert packet not in [m.id for m in rosa.messages.items]


# Replies

def word(user, to, body, number):
    user.send_raw(f"<message to='{to}' type='chat' id='word{number}'><body>{body}</body>"
                  "<request xmlns='urn:xmpp:receipts'/></message>")


def test_a_reply_is_passed_on_and_so_is_the_answer(stage, juliet):
    rosa = stage.afar().login()
    packet = send(juliet, rosa)
    rosa.wait_ids([packet])
    word(rosa, alias(stage, juliet), "who is there", 1)
    reply = juliet.wait_message(lambda m: m.body == "who is there")
    # their server is not ours
    assert_is_sender(stage, reply, rosa, as_sender=False)
    assert reply.id == "word1" and reply.wants_receipt
    juliet.send_raw(f"<message to='{reply.sender}' type='chat' id='receipt1'>"
                    "<received xmlns='urn:xmpp:receipts' id='word1'/></message>")
    receipt = rosa.wait_message(lambda m: m.xml.find("{urn:xmpp:receipts}received") is not None)
    assert receipt.attribute("{urn:xmpp:receipts}received", "id") == "word1"
    word(juliet, reply.sender, "it is I", 2)
    answer = rosa.wait_message(lambda m: m.body == "it is I")
    assert_is_sender(stage, answer, juliet, as_sender=stage.privileges)
    assert answer.id == "word2"
    assert [m for m in rosa.messages.items if m.type == "error"] == []


def test_a_stranger_is_told_that_nothing_is_passed_on(stage, juliet):
    rosa = stage.afar().login()
    word(rosa, alias(stage, juliet), "do you know me", 1)
    error = rosa.wait_message(lambda m: m.type == "error")
    assert error.id == "word1" and error.xml.find(".//{urn:ietf:params:xml:ns:xmpp-stanzas}service-unavailable") is not None
    marker = send(juliet, juliet)
    juliet.wait_ids([marker])
    assert "do you know me" not in juliet.bodies()


# At the end, because the other server is away for a while

def test_what_waits_for_a_server_that_is_down_arrives_once(stage, juliet):
    rosa, friend = stage.afar().login(), stage.afar().login()
    granted(stage, juliet, friend)
    friend.logout()
    rosa.wait_ids([send(juliet, rosa)])
    stage.there_crashes()
    tried, waiting = send(juliet, rosa), send(juliet, friend, offline="hold")
    until_state(juliet, tried, "held", timeout=30)
    told(juliet, tried, "the recipient's server")
    until_state(juliet, waiting, "held")
    stage.there.start()
    # shows themselves to whom they let see it; the server here may not have tried again yet, and then it is held once more
    with contextlib.suppress(Timeout):
        friend.login().wait_ids([waiting], timeout=5)
    if waiting not in [m.id for m in friend.messages.items]:
        comes_when_hurried(friend, waiting, juliet)
    rosa.login()
    assert state_of(juliet, tried) == "held"
    comes_when_hurried(rosa, tried, juliet)
    until_state(juliet, tried, "sent")
    assert_once(rosa, tried)
    assert_once(friend, waiting)


def test_somebody_who_was_online_when_their_server_crashed(stage, juliet):
    """Nobody has said that they are gone: what comes back is held; but not what left as its sender, who alone knows."""
    rosa = stage.afar().login()
    granted(stage, juliet, rosa)
    stage.there_crashes()
    packet = send(juliet, rosa)
    until_state(juliet, packet, "sent" if stage.privileges else "held", timeout=30)
    # an error that nobody sees needs its time as well
    time.sleep(GIVE_UP + 1 if stage.privileges else 0)
    stage.there.start()
    rosa.login()
    if stage.privileges:
        rosa.wait_ids([send(juliet, rosa)])
        assert state_of(juliet, packet) == "sent" and packet not in [m.id for m in rosa.messages.items]
    else:
        comes_when_hurried(rosa, packet, juliet)
        assert_once(rosa, packet)
