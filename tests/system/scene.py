"""What the parties of a system test stand on: a private directory, ports of their own, processes in the foreground.

A Scene owns a directory below the system's temporary one, and everything started in it ends with it.  Server processes
never run as root: when the caller is root they run as nobody.  Every wait is bounded and raises Timeout.
"""

import itertools
import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

PATIENCE = 30           # seconds for what a server does at once, on a machine that has much else to do


class Timeout(AssertionError):
    """What was waited for did not come."""


class Record:
    """A list that one thread appends to and others wait on."""

    def __init__(self):
        self.items = []
        self.changed = threading.Condition()

    def append(self, item):
        with self.changed:
            self.items.append(item)
            self.changed.notify_all()

    def wake(self):
        """Let those who wait look again."""
        with self.changed:
            self.changed.notify_all()

    def wait(self, found, what, timeout=PATIENCE):
        """What found(items) returns as soon as it is true."""
        with self.changed:
            result = self.changed.wait_for(lambda: found(self.items), timeout)
        if not result:
            raise Timeout(f"no {what} within {timeout} s")
        return result


def own_ports():
    """The ports of this worker of pytest-xdist, over and over, each as late as can be.

    They lie below those that connections are made from, which could take one between its choice and its use.
    """
    worker, workers = (os.environ.get(f"PYTEST_XDIST_WORKER{name}", alone) for name, alone in (("", "gw0"), ("_COUNT", "1")))
    ports = range(15000 + int(worker.removeprefix("gw")) % int(workers), 30000, int(workers))
    start = random.randrange(len(ports))
    return itertools.cycle([*ports[start:], *ports[:start]])


PORTS = own_ports()


def is_free(port):
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count):
    """Ports that nothing listens on, all different."""
    return list(itertools.islice(filter(is_free, PORTS), count))


class Scene:
    """A private directory and the unprivileged user whom its files and processes belong to."""

    def __init__(self):
        self.owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self.path = tempfile.mkdtemp(prefix="laterd-system-")
        self.give(self.path)
        self.parties = []
        self.secrets = 0

    def give(self, path):
        os.chown(path, self.owner.pw_uid, self.owner.pw_gid)

    def directory(self, name):
        path = os.path.join(self.path, name)
        if not os.path.isdir(path):
            os.makedirs(path, 0o700)
            self.give(path)
        return path

    def write(self, path, text, mode=0o600):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as f:
            f.write(text)
        os.chmod(path, mode)
        self.give(path)
        return path

    def secret(self, text):
        """A file with this secret."""
        self.secrets += 1
        return self.write(os.path.join(self.directory("secrets"), str(self.secrets)), text + "\n")

    def unprivileged(self, argv):
        """A command line that leaves root behind and ends with this process, however that ends."""
        identity = [] if os.geteuid() != 0 else [
            f"--reuid={self.owner.pw_uid}", f"--regid={self.owner.pw_gid}", "--clear-groups"]
        # one that is stopped takes no other signal
        return ["setpriv", *identity, "--pdeathsig", "KILL", "--", *argv]

    def close(self):
        try:
            for party in reversed(self.parties):
                party.close()
        finally:
            for party in self.parties:
                if getattr(party, "running", False) and hasattr(party, "kill"):
                    party.kill()
            shutil.rmtree(self.path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Process:
    """A server in the foreground whose output is read as it comes."""

    def __init__(self, scene, name):
        self.scene, self.name = scene, name
        self.home = scene.directory(name)
        self.child = None
        self.reader = None
        self.lines = Record()
        self.first = 0          # the line that its log begins with
        self.starts = 0
        scene.parties.append(self)

    def spawn(self, argv, within=(), **variables):
        """Start it unprivileged, with these variables in its environment; within: the command line that starts it."""
        assert self.child is None, f"{self.name} is already running"
        environment = {k: v for k, v in os.environ.items()
                       if k in ("PATH", "TZ", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")}
        environment.update(LC_ALL="C.UTF-8", HOME=self.home, **variables)
        # a session of its own, so that Ctrl-C reaches only the caller
        self.child = subprocess.Popen([*within, *self.scene.unprivileged(argv)], cwd=self.home, env=environment,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      start_new_session=True)
        self.starts += 1
        self.reader = threading.Thread(target=self._read, args=(self.child,), daemon=True)
        self.reader.start()

    def _read(self, child):
        with child.stdout as pipe:
            for line in pipe:
                self.lines.append(line.decode("utf-8", "replace").rstrip("\n"))
        # who waits for a line is to see that none will come
        child.wait()
        self.lines.wake()

    @property
    def log(self):
        return "\n".join(self.lines.items[self.first:])

    def mark(self):
        """A place in the log for `since`."""
        return len(self.lines.items)

    def wait_log(self, pattern, timeout=PATIENCE, since=0):
        def found(lines):
            return next((line for line in lines[max(since, self.first):] if re.search(pattern, line)), None)
        return self.lines.wait(found, f"line like {pattern!r} from {self.name}", timeout)

    @property
    def running(self):
        return self.child is not None and self.child.poll() is None

    def wait_exit(self, timeout=PATIENCE):
        try:
            status = self.child.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Timeout(f"{self.name} did not end within {timeout} s") from None
        self.reader.join(timeout)
        self.child = None
        return status

    def kill(self):
        """End it as a crash would."""
        self.child.kill()
        self.wait_exit()

    def terminate(self, timeout=PATIENCE):
        self.child.send_signal(signal.SIGTERM)
        return self.wait_exit(timeout)

    def close(self):
        if self.running:
            try:
                self.terminate()
            except Timeout:
                self.kill()
