"""Names that only the servers of a test can see: a DNS responder on a loopback address of its own.

What a server that is told to ask here asks for and is not in the table does not exist.  Listening on port 53 needs root.
"""

import contextlib
import os
import random
import socket
import struct
import threading

from scene import Record

A, SRV, ANY = 1, 33, 255
INTERNET = 1
NXDOMAIN = 3
ANSWER = 0x8580         # a response, authoritative, recursion desired and available
TTL = 1
SERVICE = "_xmpp-server._tcp."
# The target of each SRV record.  As an address it needs no lookup, which ejabberd would leave to libc; Prosody asks for it.
TARGET = "127.0.0.1"


def encoded(name):
    return b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split(".") if label) + b"\0"


def question_of(query):
    """(name, type, the bytes of the question) of a query that has one; raises ValueError for what is none."""
    if len(query) < 12 or query[2] & 0x80 or struct.unpack_from("!H", query, 4)[0] != 1:
        raise ValueError("no query with one question")
    labels, at = [], 12
    while at < len(query) and query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("ascii").lower())
        at += 1 + query[at]
    if at + 5 > len(query):
        raise ValueError("the question ends early")
    return ".".join(labels), struct.unpack_from("!H", query, at + 1)[0], query[12:at + 5]


class Names:
    """names.host("example.net", port): servers find example.net on this port of 127.0.0.1."""

    def __init__(self, scene):
        self.scene = scene
        self.ports = {}
        self.asked = Record()
        self.socket = self._listen()
        directory = scene.directory("names")
        self.resolv_conf = scene.write(os.path.join(directory, "resolv.conf"), f"nameserver {self.address}\n", 0o644)
        self.hosts = scene.write(os.path.join(directory, "hosts"), "127.0.0.1 localhost\n", 0o644)
        scene.parties.append(self)
        threading.Thread(target=self._answer, daemon=True).start()

    name, log = "names", property(lambda self: "\n".join(f"{kind} {name}" for name, kind in self.asked.items))

    def _listen(self):
        while True:
            self.address = f"127.{random.randint(1, 254)}.{random.randint(0, 255)}.53"
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                s.bind((self.address, 53))
                return s
            except PermissionError:
                s.close()
                raise
            except OSError:
                s.close()

    def host(self, domain, port):
        self.ports[domain] = port

    def _records(self, name, kind):
        """The answers as (type, data), or None where there is no such name."""
        if name in self.ports or name == TARGET:
            return [(A, socket.inet_aton(TARGET))] if kind in (A, ANY) else []
        domain = name.removeprefix(SERVICE)
        if name != domain and domain in self.ports:
            return [(SRV, struct.pack("!HHH", 0, 0, self.ports[domain]) + encoded(TARGET))] if kind in (SRV, ANY) else []
        return None

    def _reply(self, query):
        name, kind, question = question_of(query)
        self.asked.append((name, kind))
        records = self._records(name, kind)
        code = NXDOMAIN if records is None else 0
        reply = query[:2] + struct.pack("!HHHHH", ANSWER | code, 1, len(records or []), 0, 0) + question
        for answer, data in records or []:
            # the name of the question stands at 12
            reply += struct.pack("!HHHIH", 0xc00c, answer, INTERNET, TTL, len(data)) + data
        return reply

    def _answer(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(4096)
                self.socket.sendto(self._reply(query), peer)
            except (ValueError, UnicodeDecodeError):
                continue
            except OSError:
                return

    def close(self):
        # A socket that is only closed leaves its reader waiting; that it has no peer is an error which comes after that.
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
