"""An HTTP/1.1 server on raw connections, so that it can fail at every byte: the base of the gateways of these tests.

What it does with a request is a Behaviour.  `script` holds those of the next requests; `default` is for the rest.
"""

import asyncio
import os
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections import deque
from urllib.parse import parse_qsl, urlsplit

from peers import PATIENCE, Record, free_ports

HEAD_MAX = 64 << 10
BODY_MAX = 64 << 20
REASONS = {200: "OK", 201: "Created", 202: "Accepted", 301: "Moved Permanently", 302: "Found", 307: "Temporary Redirect",
           400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
           409: "Conflict", 429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable"}

_loop = None


def loop():
    """The asyncio loop of all servers, in a thread of its own."""
    global _loop
    if _loop is None:
        _loop = asyncio.new_event_loop()
        threading.Thread(target=_loop.run_forever, daemon=True).start()
    return _loop


def run(coroutine, timeout=PATIENCE):
    return asyncio.run_coroutine_threadsafe(coroutine, loop()).result(timeout)


class BadRequest(Exception):
    """The client does not speak HTTP."""


class Request:
    """A request as it came; `whole` is false while, or because, its body was not read."""

    def __init__(self, connection, head):
        self.connection, self.at = connection, time.monotonic()
        lines = head.decode("latin-1").split("\r\n")
        try:
            self.method, self.target, version = lines[0].split(" ")
            fields = [line.split(":", 1) for line in lines[1:] if line]
            self.fields = [(name.lower(), value.strip()) for name, value in fields]
        except ValueError:
            raise BadRequest(head[:100]) from None
        if version != "HTTP/1.1" or any(not name or name != name.strip() for name, _ in self.fields):
            raise BadRequest(head[:100])
        self.headers = dict(self.fields)
        if "expect" in self.headers:
            raise BadRequest("Expect: " + self.headers["expect"])
        url = urlsplit(self.target)
        self.path, self.query = url.path, dict(parse_qsl(url.query, keep_blank_values=True, strict_parsing=bool(url.query)))
        self.body, self.whole = b"", False

    def __repr__(self):
        return f"{self.method} {self.target} on connection {self.connection}, {len(self.body)} bytes"


# What a server does with a request; act tells whether the connection goes on.

class Behaviour:
    early = False       # act before the body is read

    async def act(self, request, writer):
        raise NotImplementedError


class Answer(Behaviour):
    """A well-formed answer; body may be a function of the request."""

    def __init__(self, status=200, body=b"", *, type="text/plain", headers=(), delay=0.0):
        self.status, self.body, self.type, self.headers, self.delay = status, body, type, list(headers), delay

    def write(self, request):
        body = self.body(request) if callable(self.body) else self.body
        body = body.encode() if isinstance(body, str) else body
        head = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Status')}", f"Content-Type: {self.type}",
                f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in self.headers)]
        return "\r\n".join(head).encode() + b"\r\n\r\n", body

    async def act(self, request, writer):
        if self.delay:
            await asyncio.sleep(self.delay)
        writer.write(b"".join(self.write(request)))
        await writer.drain()
        return True


class Half(Behaviour):
    """The first half of an answer, and the end of the connection."""

    def __init__(self, answer):
        self.answer = answer

    async def act(self, request, writer):
        head, body = self.answer.write(request)
        writer.write(head + body[:len(body) // 2])
        await writer.drain()
        return False


class Reset(Behaviour):
    """A connection reset, before or after the request's body is read."""

    def __init__(self, when):
        assert when in ("before", "after")
        self.early = when == "before"

    async def act(self, request, writer):
        abort(writer)
        return False


class Hang(Behaviour):
    """No answer at all."""

    async def act(self, request, writer):
        await asyncio.sleep(3600)
        return False


class Raw(Behaviour):
    """These bytes, and the end of the connection."""

    def __init__(self, data):
        self.data = data

    async def act(self, request, writer):
        writer.write(self.data)
        await writer.drain()
        return False


class Endless(Behaviour):
    """A good beginning of an answer, and then a bit more of its body again and again."""

    def __init__(self, chunk=b" ", interval=0.1, status=200, type="application/json"):
        self.chunk, self.interval, self.status, self.type = chunk, interval, status, type

    async def act(self, request, writer):
        writer.write(f"HTTP/1.1 {self.status} Endless\r\nContent-Type: {self.type}\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n".encode())
        while True:
            writer.write(b"%x\r\n%s\r\n" % (len(self.chunk), self.chunk))
            await writer.drain()
            await asyncio.sleep(self.interval)


def abort(writer):
    """Close with RST instead of FIN."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class WebServer:
    """A party that serves on one port of 127.0.0.1, and again on the same one after stop()."""

    def __init__(self, scene, name, *, default=None, tls=None):
        self.scene, self.name, self.tls = scene, name, tls
        self.port = free_ports(1)[0]
        self.default = default or Answer()
        self.script = deque()
        self.requests = Record()
        self.faults = []            # what clients did that no client should
        self.connections = 0
        self._server, self._open = None, set()
        scene.parties.append(self)

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def log(self):
        return "\n".join([str(request) for request in self.requests.items] + [f"fault: {f}" for f in self.faults])

    # Life

    def start(self):
        run(self._start())
        return self

    async def _start(self):
        assert self._server is None, f"{self.name} is already running"
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=HEAD_MAX, ssl=self.tls,
                                                  backlog=1024, reuse_address=True)

    def stop(self):
        """Refuse connections, and reset those there are."""
        run(self._stop())

    async def _stop(self):
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def close(self):
        self.stop()

    @property
    def running(self):
        return False        # there is no process to kill

    # Serving

    def choose(self, request):
        """What to do with this request."""
        return self.script.popleft() if self.script else self.default

    def taken(self, request):
        """A request was read to its end, and is answered next."""

    async def _serve(self, reader, writer):
        self.connections += 1
        connection, task = self.connections, asyncio.current_task()
        self._open.add(task)
        try:
            while await self._one(connection, reader, writer):
                pass
        except BadRequest as bad:
            self.faults.append(f"not HTTP: {bad}")
        except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            pass
        except asyncio.CancelledError:
            abort(writer)
        finally:
            self._open.discard(task)
            if not writer.transport.is_closing():
                writer.close()

    async def _one(self, connection, reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            raise BadRequest("a head without end") from None
        request = Request(connection, head[:-4])
        behaviour = self.choose(request)
        if not behaviour.early:
            request.body = await self._body(request, reader)
            request.whole, request.at = True, time.monotonic()
            self.taken(request)
        self.requests.append(request)
        return await behaviour.act(request, writer) and request.headers.get("connection", "").lower() != "close"

    @staticmethod
    async def _body(request, reader):
        if request.headers.get("transfer-encoding", "").lower() == "chunked":
            body = b""
            while size := int(await reader.readuntil(b"\r\n"), 16):
                if size + len(body) > BODY_MAX:
                    raise BadRequest("a body without end")
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readuntil(b"\r\n")
            return body
        size = int(request.headers.get("content-length", "0"))
        if size > BODY_MAX:
            raise BadRequest("a body without end")
        return await reader.readexactly(size)

    # Waiting

    def wait_requests(self, count, timeout=PATIENCE):
        """At least so many, as they came."""
        return self.requests.wait(lambda seen: list(seen) if len(seen) >= count else None,
                                  f"{count} requests to {self.name}", timeout)


class Certificate:
    """A self-signed certificate for localhost and 127.0.0.1, to be trusted by its own file."""

    def __init__(self, scene):
        home = scene.directory("certificate")
        self.file, key = os.path.join(home, "cert.pem"), os.path.join(home, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", key, "-out", self.file, "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.chmod(self.file, 0o644)
        scene.give(self.file)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.file, key)


class Library(WebServer):
    """An https server of media: path: Behaviour."""

    def __init__(self, scene, certificate):
        self.certificate = certificate
        super().__init__(scene, "library", default=Answer(404, "no such medium"), tls=certificate.context)
        self.shelf = {}

    def choose(self, request):
        return self.shelf.get(request.path, self.default)

    def put(self, path, data, type):
        """Serve data, and return its link."""
        self.shelf[path] = Answer(200, data, type=type)
        return self.url + path
