"""What a supervisor hears of laterd (sd_notify), and the unit that is to be installed."""

import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest
from forms import due_in, schedule
from peers import Laterd, Record, Timeout

UNIT = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir, "contrib", "systemd", "laterd.service")


class Supervisor:
    """The socket of systemd, and laterd started as systemd would."""

    def __init__(self, laterd):
        self.laterd = laterd
        self.path = os.path.join(laterd.home, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o777)
        self.heard = Record()           # (when, message)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while message := self.socket.recv(65536).decode():
            self.heard.append((time.monotonic(), message))

    def start(self, **environment):
        variables = {"NOTIFY_SOCKET": self.path, **environment}
        self.laterd.spawn(["env", *(f"{name}={value}" for name, value in variables.items()),
                           self.laterd.binary, "-c", self.laterd.config])
        return self

    def mark(self):
        return len(self.heard.items)

    def messages(self, since=0):
        return [message for _, message in self.heard.items[since:]]

    def wait(self, pattern, since=0, timeout=10):
        def found(items):
            return next((m for _, m in items[since:] if re.search(pattern, m)), None)
        return self.heard.wait(found, f"message like {pattern!r}", timeout)

    def close(self):
        if not self.reader.is_alive():
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"", self.path)
        self.reader.join()
        self.socket.close()


@pytest.fixture
def alone(bare_world):
    """Not started, and with a server that is not there."""
    bare_world.laterd = Laterd(bare_world.scene, bare_world.new_server())
    supervisor = Supervisor(bare_world.laterd)
    yield supervisor
    supervisor.close()


@pytest.fixture
def supervised(bare_world):
    """With its server, and not started."""
    bare_world.laterd = Laterd(bare_world.scene, bare_world.serve())
    supervisor = Supervisor(bare_world.laterd)
    supervisor.world = bare_world
    yield supervisor
    supervisor.close()


def test_it_is_ready_when_it_has_started_whether_or_not_there_is_a_server(alone):
    alone.start().wait("READY=1")
    assert alone.messages()[0] == "READY=1"
    assert alone.wait("STATUS=").startswith("STATUS=not connected; 0 waiting")


def test_a_bad_configuration_is_never_ready(alone):
    alone.laterd.configure(schedule={"tick": 0})
    alone.start()
    assert alone.laterd.wait_exit() == 78
    assert alone.messages() == []


def test_status_says_what_it_does_once_a_second_at_most(supervised):
    supervised.start().wait("STATUS=connected; 0 waiting")
    juliet = supervised.world.online("juliet")
    for i in range(60):
        schedule(juliet, "romeo@example.org", f"poison {i}", due_in(3600))
    supervised.wait("STATUS=connected; 60 waiting")
    at = [when for when, message in supervised.heard.items if message.startswith("STATUS=")]
    assert all(b - a > 0.9 for a, b in zip(at, at[1:])), at


def test_a_reload_begins_and_ends_and_a_bad_one_as_well(supervised):
    supervised.start().wait("STATUS=connected")
    laterd = supervised.laterd
    for sections, said in ({"schedule": {"tick": 1}}, "read the configuration again"), \
            ({"schedule": {"tick": 0}}, r"the old configuration stays in force: .*laterd\.conf:\d+: tick"):
        laterd.configure(**sections)
        since, lines = supervised.mark(), laterd.mark()
        before = time.clock_gettime(time.CLOCK_MONOTONIC)
        laterd.child.send_signal(signal.SIGHUP)
        supervised.wait("READY=1", since)
        begun, ended = [m for m in supervised.messages(since) if not m.startswith("STATUS=")]
        assert ended == "READY=1"
        usec = int(re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=(\d+)", begun)[1])
        assert before * 1e6 <= usec <= time.clock_gettime(time.CLOCK_MONOTONIC) * 1e6
        laterd.wait_log(said, since=lines)


def test_each_mistake_of_a_bad_file_is_a_line_of_the_log(supervised):
    supervised.start().wait("STATUS=connected")
    laterd = supervised.laterd
    component = laterd.sections["component"]
    laterd.configure(users={}, component={"address": component["address"]})
    laterd.child.send_signal(signal.SIGHUP)
    laterd.wait_log("stays in force: .*secret_file")
    laterd.wait_log("stays in force: .*domains")


def test_the_watchdog_is_pinged_thrice_as_often_as_it_wants(supervised):
    supervised.start(WATCHDOG_USEC=1500000).wait("STATUS=connected")
    since = supervised.mark()
    time.sleep(3)
    at = [when for when, message in supervised.heard.items[since:] if message == "WATCHDOG=1"]
    assert 4 <= len(at) <= 8, at
    assert all(b - a < 1.5 for a, b in zip(at, at[1:])), at


def test_who_hangs_does_not_ping(supervised):
    supervised.start(WATCHDOG_USEC=600000).wait("WATCHDOG=1")
    supervised.laterd.child.send_signal(signal.SIGSTOP)
    try:
        time.sleep(0.3)
        since = supervised.mark()
        time.sleep(1)
        assert supervised.messages(since) == []
    finally:
        supervised.laterd.child.send_signal(signal.SIGCONT)
    supervised.wait("WATCHDOG=1", since)


def test_the_watchdog_of_another_process_is_not_ours(supervised):
    supervised.start(WATCHDOG_USEC=300000, WATCHDOG_PID=1).wait("STATUS=connected")
    with pytest.raises(Timeout):
        supervised.wait("WATCHDOG=1", timeout=1)


def test_the_end_is_told_before_it_comes(supervised):
    supervised.start().wait("STATUS=connected")
    assert supervised.laterd.terminate() == 0
    assert "STOPPING=1" in supervised.messages()
    assert supervised.messages().count("READY=1") == 1


def test_a_supervisor_that_is_gone_does_not_matter(supervised):
    supervised.start(WATCHDOG_USEC=300000).wait("STATUS=connected")
    supervised.close()
    supervised.laterd.wait_log("the supervisor cannot be told")
    juliet = supervised.world.online("juliet")
    assert schedule(juliet, "romeo@example.org", "poison", due_in(3600))
    time.sleep(1)
    assert supervised.laterd.log.count("the supervisor cannot be told") == 1


def test_the_unit_is_understood_by_systemd(alone):
    with open(UNIT) as f:
        unit = f.read()
    assert re.search("^Type=notify$", unit, re.M) and re.search("^WatchdogSec=", unit, re.M)
    # with a program that is there
    path = alone.laterd.scene.write(os.path.join(alone.laterd.home, "laterd.service"),
                                    unit.replace("/usr/sbin/laterd", alone.laterd.binary), 0o644)
    result = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", path], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30, check=False)
    assert (result.returncode, result.stdout) == (0, "")
