"""A real Kannel: bearerbox, smsbox and the fake SMS centre, each a process of its own on private ports of 127.0.0.1."""

import os
import re
import socket
import time
from urllib.parse import unquote_to_bytes

from peers import PATIENCE, Process, Timeout, free_ports

FAKESMSC = "/usr/lib/kannel/test/fakesmsc"
# 3GPP TS 23.040 section 9.2.3.24.1: the header of a part, with a reference of 8 bits
CONCATENATED = re.compile(rb"\x05\x00\x03(.)(.)(.)", re.DOTALL)


class Part:
    """One short message as the SMS centre got it.  coding: text, data (8 bits), ucs-2, or udh, where it is not told."""

    def __init__(self, line):
        self.sender, self.recipient, self.coding, rest = line.split(" ", 3)
        self.header = b""
        if self.coding == "udh":
            header, _, rest = rest.split(" ", 2)
            self.header = unquote_to_bytes(header.replace("+", " "))
        self.data = rest.encode() if self.coding == "text" else unquote_to_bytes(rest.replace("+", " "))

    @property
    def place(self):
        """(reference, parts, number)"""
        found = CONCATENATED.fullmatch(self.header)
        return tuple(group[0] for group in found.groups()) if found else (None, 1, 1)

    @staticmethod
    def starts(line):
        return re.match(r"\S+ \+?\d+ (text|data|ucs-2|udh) ", line) is not None


class Sms:
    """What a phone shows: the parts of one message together."""

    def __init__(self, parts):
        self.parts = parts
        self.sender, self.recipient = parts[0].sender, parts[0].recipient
        self.data = b"".join(part.data for part in parts)

    @property
    def gsm(self):
        """Kannel hands text that is to be sent in the default alphabet to the SMS centre in UTF-8."""
        assert {part.coding for part in self.parts} <= {"text", "udh"}, self
        return self.data.decode("utf-8")

    @property
    def ucs2(self):
        assert {part.coding for part in self.parts} <= {"ucs-2", "udh"}, self
        return self.data.decode("utf-16-be")

    def __repr__(self):
        return f"{self.sender} to {self.recipient}, {[p.coding for p in self.parts]}: {self.data!r}"


def assemble(lines):
    """([complete messages], [parts of others]) of the lines that the SMS centre got."""
    parts = []
    for line in lines:
        if Part.starts(line):
            parts.append(Part(line))
        else:
            # a line end within a text
            parts[-1].data += b"\n" + line.encode()
    messages, open_ = [], {}
    for part in parts:
        reference, total, number = part.place
        if total == 1:
            messages.append(Sms([part]))
            continue
        key = (part.sender, part.recipient, reference, total)
        siblings = open_.setdefault(key, {})
        siblings[number] = part
        if len(siblings) == total:
            messages.append(Sms([siblings[n] for n in range(1, total + 1)]))
            del open_[key]
    return messages, [part for siblings in open_.values() for part in siblings.values()]


class Box(Process):
    """One of Kannel's programs: nothing is lost if it is not asked to end nicely, so it is not."""

    def close(self):
        if self.child is not None:
            self.child.kill()
            self.wait_exit()


class Kannel:
    """kannel.start() starts all three; each may be killed and started on its own."""

    def __init__(self, scene, *, user="tester", password="foobar", name="kannel", max_messages=10, denied_prefix=None):
        self.scene, self.user, self.password = scene, user, password
        self.home = scene.directory(name)
        self.ports = dict(zip(("admin", "smsbox", "smsc", "sendsms"), free_ports(4)))
        self.config = scene.write(os.path.join(self.home, "kannel.conf"), self._config(max_messages, denied_prefix))
        # Those that come last are closed first.
        self.bearerbox, self.smsbox, self.smsc = (Box(scene, f"{name}-{box}") for box in ("bearerbox", "smsbox", "smsc"))

    @property
    def url(self):
        return f"http://127.0.0.1:{self.ports['sendsms']}/cgi-bin/sendsms"

    def section(self, **keys):
        """Of laterd.conf."""
        return {"driver": "kannel", "kinds": ["sms"], "url": self.url, "user": self.user,
                "secret_file": self.scene.secret(self.password), "sender": "1234", **keys}

    def _config(self, max_messages, denied_prefix):
        local = '"127.0.0.1"'
        groups = [
            [("group", "core"), ("admin-port", self.ports["admin"]), ("admin-interface", local),
             ("admin-password", "admin"), ("smsbox-port", self.ports["smsbox"]), ("smsbox-interface", local),
             ("box-deny-ip", '"*.*.*.*"'), ("box-allow-ip", local), ("log-level", 1), ("store-type", "file"),
             ("store-location", f'"{self.home}/store"'), ("dlr-storage", "internal")],
            [("group", "smsc"), ("smsc", "fake"), ("smsc-id", "fake"), ("host", local), ("our-host", local),
             ("port", self.ports["smsc"]), ("connect-allow-ip", local),
             *([("denied-prefix", f'"{denied_prefix}"')] if denied_prefix else [])],
            [("group", "smsbox"), ("smsbox-id", "box"), ("bearerbox-host", local),
             ("sendsms-port", self.ports["sendsms"]), ("sendsms-interface", local), ("log-level", 1),
             ("http-request-retry", 5), ("http-queue-delay", 1)],
            [("group", "sms-service"), ("keyword", "default"), ("text", '"none"'), ("max-messages", 0)],
            [("group", "sendsms-user"), ("username", self.user), ("password", self.password),
             ("concatenation", "true"), ("max-messages", max_messages)],
        ]
        return "\n\n".join("\n".join(f"{key} = {value}" for key, value in group) for group in groups) + "\n"

    # Life

    def start(self):
        self.start_bearerbox()
        self.start_smsbox()
        return self.start_smsc()

    def start_bearerbox(self):
        since = self.bearerbox.mark()
        self.bearerbox.spawn(["/usr/sbin/bearerbox", "-v", "1", self.config])
        self.bearerbox.wait_log("Start-up done", since=since)
        return self

    def start_smsbox(self):
        # One that has lost its bearerbox ends by itself, but takes its time.
        self.smsbox.close()
        since = self.bearerbox.mark()
        self.smsbox.spawn(["/usr/sbin/smsbox", "-v", "1", self.config])
        self.bearerbox.wait_log("Client connected from", since=since)
        self._wait_port("sendsms")
        return self

    def start_smsc(self):
        self.smsc.close()
        since = self.bearerbox.mark()
        # It wants a message to send, and to send none of it.
        self.smsc.spawn([FAKESMSC, "-v", "0", "-H", "127.0.0.1", "-r", str(self.ports["smsc"]), "-m", "0", "1 2 text none"])
        self.bearerbox.wait_log("Fakesmsc client connected", since=since)
        return self

    def _wait_port(self, name):
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.ports[name]), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise Timeout(f"Kannel does not listen on its port {name}") from None
                time.sleep(0.02)

    def kill(self):
        """All of it, as a crash of the machine would."""
        for box in (self.smsc, self.smsbox, self.bearerbox):
            box.close()

    # What arrived at the SMS centre

    @staticmethod
    def _lines(log):
        lines = []
        for line in log:
            found = re.search(r"Got message \d+: <(.*)>$", line, re.DOTALL)
            if found:
                lines.append(found[1])
        return lines

    def received(self):
        return assemble(self._lines(self.smsc.lines.items))[0]

    def incomplete(self):
        return assemble(self._lines(self.smsc.lines.items))[1]

    def wait_received(self, count, timeout=20):
        """At least so many whole messages, as they were completed."""
        def found(log):
            messages = assemble(self._lines(log))[0]
            return messages if len(messages) >= count else None
        return self.smsc.lines.wait(found, f"{count} messages at the SMS centre", timeout)

    def wait_for(self, recipient, timeout=20):
        """The first whole message to this number."""
        def found(log):
            return next((m for m in assemble(self._lines(log))[0] if m.recipient == recipient), None)
        return self.smsc.lines.wait(found, f"message to {recipient} at the SMS centre", timeout)
