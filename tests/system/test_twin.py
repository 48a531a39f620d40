"""A second connection with our name: Prosody refuses it, ejabberd divides our stanzas between both."""

import hashlib
import re
import socket
import threading
import time
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr

from forms import schedule
from peers import Laterd, Record, Timeout

PATIENCE = 200          # seconds; what comes to laterd by chance, it looks at again once a minute
FORMER = 11             # seconds after its start, from which on laterd takes pings of others for another's


class Twin:
    """A component that authenticates and then only listens."""

    def __init__(self, server):
        self.read = Record()
        self.socket = socket.create_connection((server.host, server.component_port), timeout=10)
        self._send(f"<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' "
                   f"to={quoteattr(server.component)}>")
        threading.Thread(target=self._listen, daemon=True).start()
        stream = re.search(r"""<stream:stream [^>]*\bid=['"]([^'"]+)""", self.wait("<stream:stream [^>]*>"))[1]
        self._send(f"<handshake>{hashlib.sha1((stream + server.secret).encode()).hexdigest()}</handshake>")

    def _send(self, text):
        self.socket.sendall(text.encode())

    def _listen(self):
        try:
            while data := self.socket.recv(65536):
                self.read.append(data.decode("utf-8", "replace"))
        except OSError:
            pass
        self.read.append("\0")

    def wait(self, pattern):
        """Everything read so far, as soon as there is something like this in it; NUL is the end."""
        return self.read.wait(lambda parts: re.search(pattern, "".join(parts)) and "".join(parts), pattern)

    def close(self):
        self.socket.close()


def until_alone(world, user):
    """The server has noticed that the second is gone: laterd answers every time."""
    answered = tries = 0
    while answered < 12:
        tries += 1
        assert tries < 60, "what comes for laterd is still divided"
        try:
            user.iq("get", world.laterd.address, ET.Element("{urn:xmpp:ping}ping"), timeout=2)
            answered += 1
        except Timeout:
            answered = 0


SECTIONS = {"users": {"domains": ["example.org"], "admins": ["nurse@example.org"]}}
NOTICED = "the server has a second connection as later.example.org"


def told(nurse):
    return nurse.wait_message(lambda m: "has another connection with this service's address" in (m.body or ""), PATIENCE)


def test_a_second_laterd_is_refused_or_noticed(bare_world, measured):
    world = bare_world.start(**SECTIONS)
    started = time.monotonic()
    juliet, romeo, nurse = world.online("juliet", "romeo", "nurse")
    since = world.laterd.mark()
    second = Laterd(world.scene, world.server, name="second", **SECTIONS)
    if world.kind == "prosody":
        second.start(wait=False)
        second.wait_log("conflict")
        assert world.laterd.mark() == since
        romeo.wait_ids([schedule(juliet, romeo.jid, f"undisturbed {n}", "now") for n in range(3)])
        # the first is gone, or was only a dead connection: the second need not be told
        mark = world.server.mark()
        world.laterd.terminate()
        world.server.wait_component(mark, timeout=30)
        romeo.wait_ids([schedule(juliet, romeo.jid, "by the second", "now")])
        return
    # until then they could be those of the connection before
    time.sleep(max(0, started + FORMER - time.monotonic()))
    begun = time.monotonic()
    second.start()
    line = world.laterd.wait_log(NOTICED, PATIENCE, since)
    took = time.monotonic() - begun
    assert " error: " in line
    told(nurse)
    # pongs of each are lost to the other, so that neither would end before it gives them up
    world.laterd.kill(), second.kill()
    measured(f"ejabberd: a second laterd is noticed after {took:.1f} s")


def test_a_second_connection_that_says_nothing_is_refused_or_noticed(bare_world, measured):
    world = bare_world.start(**SECTIONS)
    twin = Twin(world.server)
    if world.kind == "prosody":
        refused = twin.wait("\0")
        assert "<conflict" in refused and "<handshake" not in refused
        twin.close()
        return
    twin.wait("<handshake */>|</handshake>")
    world.laterd.kill()
    since = world.laterd.mark()
    begun = time.monotonic()
    world.laterd.start()
    world.laterd.wait_log(NOTICED, PATIENCE, since)
    measured(f"ejabberd: a second connection that says nothing is noticed {time.monotonic() - begun:.1f} s after a start")
    # What laterd sends now may wait a minute for a pong that was given to the other: it begins anew.
    twin.close()
    time.sleep(0.5)
    world.laterd.kill()
    nurse = world.online("nurse")
    world.laterd.start()
    told(nurse)


def test_what_is_sent_after_the_second_is_gone_is_not_divided(bare_world):
    world = bare_world.start()
    juliet, romeo = world.online("juliet", "romeo")
    Twin(world.server).close()
    until_alone(world, juliet)
    romeo.wait_ids([schedule(juliet, romeo.jid, f"undivided {n}", "now") for n in range(10)])
