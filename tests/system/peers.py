"""The parties of a system test: laterd and its users, and from their modules the scene and the XMPP servers."""

import asyncio
import os
import re
import shutil
import subprocess
import threading
import time
from datetime import datetime, timezone
from xml.etree import ElementTree as ET

from slixmpp import ClientXMPP
from slixmpp.exceptions import IqError, IqTimeout

from forms import Form, Reply, StanzaError
from scene import PATIENCE, Process, Record, Scene, Timeout, free_ports  # noqa: F401
from servers import UPLOAD_MAX, Ejabberd, Prosody  # noqa: F401

CLIENT = "{jabber:client}"
COMMANDS = "http://jabber.org/protocol/commands"
DATA = "jabber:x:data"
TIME = "{urn:xmpp:time}time"
SILENT = object()


class Laterd(Process):
    """The daemon under test.  Sections are merged over the defaults: Laterd(scene, server, schedule={"tick": 60})."""

    def __init__(self, scene, server, *, binary=None, name="laterd", secret=None, **sections):
        super().__init__(scene, name)
        self.server = server
        self.address, self.bot = server.component, "bot@" + server.component
        self.binary = self._install(binary or os.environ["LATERD"])
        secret_file = scene.write(os.path.join(self.home, "secret"), (secret or server.secret) + "\n")
        self.sections = {
            "component": {"address": self.address, "name": "Scheduled messages",
                          "server": f"127.0.0.1:{server.component_port}", "secret_file": secret_file},
            "users": {"domains": ["example.org"]},
            "store": {"database": self.home + "/laterd.db", "seal_key_file": self.home + "/seal.key"},
            "schedule": {"tick": 1, "zone": "Europe/Berlin"},
            "log": {"level": "info", "target": "stderr"},
        }
        for section, keys in sections.items():
            merged = {**self.sections.get(section, {}), **keys}
            self.sections[section] = {key: value for key, value in merged.items() if value is not None}
        self.config = os.path.join(self.home, "laterd.conf")
        self.configure()

    def _install(self, binary):
        # nobody may be unable to reach the build directory
        if os.geteuid() != 0:
            return os.path.abspath(binary)
        path = os.path.join(self.home, "laterd-under-test")
        shutil.copyfile(binary, path)
        os.chmod(path, 0o755)
        return path

    def configure(self, **sections):
        """Write the configuration; a section given here is written as it is."""
        for section, keys in sections.items():
            self.sections[section.replace("_", " ")] = keys
        text = ""
        for section, keys in self.sections.items():
            name = section.replace("_", " ")
            text += name + " {\n" + "".join(f"  {key} = {self._value(value)}\n" for key, value in keys.items()) + "}\n"
        self.scene.write(self.config, text, 0o644)

    @staticmethod
    def _value(value):
        if isinstance(value, (list, tuple)):
            return "{ " + ", ".join(Laterd._value(item) for item in value) + " }"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (int, float)):
            return str(value)
        # JSON stands in single quotes
        return f"'{value}'" if '"' in value else f'"{value}"'

    def start(self, wait=True):
        since, ours = self.server.mark(), self.mark()
        self.spawn([self.binary, "-c", self.config])
        if wait:
            self.server.wait_component(since)
            # ejabberd knows the way to us a little later than it says that it has accepted us
            if self.sections["log"] == {"level": "info", "target": "stderr"}:
                self.wait_log("connected to ", since=ours)
        return self

    def run(self, *arguments, timeout=PATIENCE):
        """Run the binary to its end."""
        return subprocess.run(self.scene.unprivileged([self.binary, *arguments]), cwd=self.home, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=timeout, check=False)

    def report_url(self, gateway):
        """Where a gateway that has one address for all its reports is to send them."""
        told = self.run("--report-urls", "-c", self.config).stdout
        return dict(line.split("\t") for line in told.splitlines() if "\t" in line)[gateway]

    def cpu_seconds(self):
        with open(f"/proc/{self.child.pid}/schedstat") as f:
            return int(f.read().split()[0]) / 1e9

    def close(self):
        try:
            ended_well = not self.running or self.terminate() == 0
        finally:
            super().close()
        assert ended_well, "laterd did not end with 0 on SIGTERM"
        assert not re.search(r"ERROR: \w+Sanitizer|runtime error:", self.log), "a sanitizer found something"


class Message:
    """A message as it arrived."""

    def __init__(self, xml):
        self.xml, self.at = xml, time.time()

    def attribute(self, path, name):
        found = self.xml.find(path)
        return None if found is None else found.get(name)

    @property
    def id(self):
        return self.xml.get("id")

    @property
    def type(self):
        return self.xml.get("type", "normal")

    @property
    def sender(self):
        return self.xml.get("from")

    @property
    def body(self):
        return self.xml.findtext(CLIENT + "body")

    @property
    def origin_id(self):
        return self.attribute("{urn:xmpp:sid:0}origin-id", "id")

    @property
    def wants_receipt(self):
        return self.xml.find("{urn:xmpp:receipts}request") is not None

    @property
    def delays(self):
        """(stamp, by) of each <delay/>: the server adds its own to what it had stored."""
        return [(datetime.fromisoformat(d.get("stamp").replace("Z", "+00:00")), d.get("from"))
                for d in self.xml.findall("{urn:xmpp:delay}delay")]

    @property
    def nick(self):
        return self.xml.findtext("{http://jabber.org/protocol/nick}nick")

    @property
    def ofrom(self):
        for address in self.xml.iter("{http://jabber.org/protocol/address}address"):
            if address.get("type") == "ofrom":
                return address.get("jid")
        return None

    def __repr__(self):
        return ET.tostring(self.xml, encoding="unicode")


_loop = None
_starting = threading.Lock()


def loop():
    """The asyncio loop of all users, in a thread of its own; users may be driven by several threads."""
    global _loop
    with _starting:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, daemon=True).start()
        return _loop


class User:
    """A client that can be driven from an ordinary function."""

    def __init__(self, server, jid, resource="test", later=None, priority=0, clock=None):
        """clock: what its XEP-0202 says, like "+09:00"; None: an error; SILENT: nothing at all."""
        self.server, self.jid, self.resource = server, jid, resource
        self.later = later or server.component
        self.priority, self.clock = priority, clock
        self.asked_time = 0
        self.messages, self.presences = Record(), Record()
        self.client = None

    def run(self, coroutine, timeout):
        future = asyncio.run_coroutine_threadsafe(coroutine, loop())
        try:
            return future.result(timeout + 1)
        except (asyncio.TimeoutError, TimeoutError):
            future.cancel()
            raise Timeout(f"{self.jid}: no answer within {timeout} s") from None

    # Sessions

    def login(self, available=True, timeout=PATIENCE):
        self.run(self._login(available, timeout), timeout)
        return self

    async def _login(self, available, timeout):
        self.client = ClientXMPP(f"{self.jid}/{self.resource}", self.server.password, sasl_mech="PLAIN",
                                 plugin_config={"feature_mechanisms": {"unencrypted_plain": True}})
        self.client.auto_authorize, self.client.auto_subscribe = None, False
        self.client.add_filter("in", self._seen)
        self._prepare(self.client)
        started = asyncio.get_running_loop().create_future()
        self.client.add_event_handler("session_start", lambda _: started.done() or started.set_result(None))
        self.client.connect((self.server.host, self.server.c2s_port), force_starttls=False, disable_starttls=True)
        await asyncio.wait_for(started, timeout)
        if available:
            self.client.send_presence(ppriority=self.priority)
            # The pong comes after the server has taken the presence.
            await self._iq("get", self.jid.partition("@")[2], ET.Element("{urn:xmpp:ping}ping"), timeout)

    def _prepare(self, client):
        """What a kind of user does to a client before it connects."""

    def _seen(self, stanza):
        if stanza.name == "message":
            self.messages.append(Message(stanza.xml))
        elif stanza.name == "presence":
            self.presences.append(stanza.xml)
        elif stanza.xml.find(TIME) is not None and stanza["type"] == "get":
            return self._tell_time(stanza)
        return stanza

    def _tell_time(self, iq):
        """slixmpp has no offset but that of UTC; what is returned here, it answers with an error."""
        self.asked_time += 1
        if self.clock is None:
            return iq
        if self.clock is not SILENT:
            reply = self.client.make_iq_result(id=iq["id"], ito=iq["from"])
            told = ET.SubElement(reply.xml, TIME)
            ET.SubElement(told, TIME[:-4] + "tzo").text = self.clock
            ET.SubElement(told, TIME[:-4] + "utc").text = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
            reply.send()
        return None

    def logout(self, timeout=PATIENCE):
        """Close the stream; the server has taken note when this returns."""
        client, self.client = self.client, None
        if client is None:
            return

        async def end():
            gone = asyncio.get_running_loop().create_future()
            client.add_event_handler("disconnected", lambda _: gone.done() or gone.set_result(None))
            client.disconnect(wait=2.0)
            await asyncio.wait_for(gone, timeout)
            self._dismiss(client)

        self.run(end(), timeout)

    def forget_connection(self):
        """Drop the client of a connection that the server's end has broken."""
        client, self.client = self.client, None
        if client is not None:
            loop().call_soon_threadsafe(self._dismiss, client)

    @staticmethod
    def _dismiss(client):
        client.abort()
        # slixmpp leaves its sending task behind
        client._run_out_filters.cancel()

    # Stanzas

    async def _iq(self, kind, to, payload, timeout):
        iq = self.client.Iq()
        iq["type"], iq["to"] = kind, to
        if payload is not None:
            iq.append(payload)
        try:
            return (await iq.send(timeout=timeout)).xml
        except IqError as error:
            raise StanzaError(error.iq.xml) from None
        except IqTimeout:
            raise Timeout(f"{self.jid}: {to} did not answer within {timeout} s") from None

    def iq(self, kind, to, payload=None, timeout=PATIENCE):
        """The answering <iq/>; raises StanzaError if it is an error."""
        return self.run(self._iq(kind, to, payload, timeout), timeout)

    def query(self, to, tag, node=None):
        """Get {ns}tag and return the element that answers it."""
        payload = ET.Element(tag)
        if node is not None:
            payload.set("node", node)
        return self.iq("get", to, payload).find(tag)

    def send_raw(self, xml):
        """As it is, and bypassing the client's own parser."""
        loop().call_soon_threadsafe(self.client.send_raw, xml)

    def send_presence(self, **arguments):
        client = self.client
        loop().call_soon_threadsafe(lambda: client.send_presence(**arguments))

    def say(self, to, body):
        client = self.client
        loop().call_soon_threadsafe(lambda: client.send_message(mto=to, mbody=body, mtype="chat"))

    async def begin_command(self, node, fields=None, action=None, session=None, to=None, timeout=PATIENCE):
        """One request of an ad-hoc command; fields (var: text or list of texts) makes it carry a submitted form."""
        attributes = {"node": node, "action": action, "sessionid": session}
        command = ET.Element(f"{{{COMMANDS}}}command", {name: value for name, value in attributes.items() if value})
        if fields is not None:
            command.append(Form.submit(fields))
        return Reply((await self._iq("set", to or self.later, command, timeout)).find(f"{{{COMMANDS}}}command"))

    def command(self, *arguments, timeout=PATIENCE, **keys):
        return self.run(self.begin_command(*arguments, timeout=timeout, **keys), timeout)

    # Waiting

    def wait_message(self, match=lambda message: message.body, timeout=PATIENCE):
        return self.messages.wait(lambda seen: next(filter(match, seen), None), f"such message to {self.jid}", timeout)

    def wait_ids(self, ids, timeout=PATIENCE):
        """The messages of these ids, each the first of its id."""
        def found(seen):
            arrived = {}
            for message in seen:
                arrived.setdefault(message.id, message)
            return [arrived[i] for i in ids] if set(ids) <= set(arrived) else None
        return self.messages.wait(found, f"messages {ids} to {self.jid}", timeout)

    def wait_presence(self, sender, kind=None, timeout=PATIENCE):
        def found(seen):
            return next((p for p in seen if p.get("from", "").partition("/")[0] == sender and p.get("type") == kind), None)
        return self.presences.wait(found, f"presence of {sender}, type {kind}, to {self.jid}", timeout)

    def bodies(self):
        return [message.body for message in self.messages.items if message.body is not None]
