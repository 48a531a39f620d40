#!/usr/bin/python3
"""How fast laterd hands SMS that are due at one instant to a gateway, against wrk with as many connections.

Both send to the same sink, and the sink counts: requests divided by the time from the first to the last of them.  Each
figure is the median of several runs, each with a new sink, and laterd's with a new database.

    LATERD=src/laterd SINK=tests/bench/sink bench_sms.py [--count N] [--runs N] [--load CONNECTIONS:MS ...]
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))

from forms import due_in, schedule    # noqa: E402
from peers import Laterd, Prosody, Scene, User, free_ports    # noqa: E402

BODY = '{"to": "{to}", "from": "1234", "text": "{text}", "ref": "{id}"}'
TEXT = "Good night, good night! Parting is such sweet sorrow."
RECIPIENTS = 50         # of one request
GOAL = 0.7
SCRIPT = """wrk.method = "POST"
wrk.path = "/send"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"to": "+4917012345678", "from": "1234", "text": "%s", "ref": "7K3Q2M"}'
""" % TEXT


class Sink:
    """A sink of its own for one measurement."""

    def __init__(self, latency_ms):
        self.port = free_ports(1)[0]
        self.child = subprocess.Popen([os.environ["SINK"], str(self.port), str(int(latency_ms * 1000))],
                                      stdout=subprocess.PIPE)
        self.child.stdout.readline()

    def stats(self):
        """(requests, seconds from the first to the last, connections)"""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/stats") as answer:
            count, first, last, connections = answer.read().split()
        return int(count), float(last) - float(first), int(connections)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()
        self.child.stdout.close()


class Run:
    """rate: requests a second; cpu: seconds of the sender's processor a request, if known."""

    def __init__(self, stats, cpu=None):
        count, seconds, self.connections = stats
        self.rate = (count - 1) / seconds
        self.cpu = cpu / count if cpu is not None else None


def gateway(port, connections):
    return {"driver": "http", "kinds": ["sms"], "url": f"http://127.0.0.1:{port}/send", "encode": "json", "body": BODY,
            "sender": "1234", "id_path": "id", "connections": connections, "inflight": connections}


def order(juliet, count, due):
    """Schedule so many, and tell whether that was done in time."""
    for begin in range(0, count, RECIPIENTS):
        recipients = [f"+4917{n:08d}" for n in range(begin, min(begin + RECIPIENTS, count))]
        schedule(juliet, recipients, TEXT, due, "sms")
    return time.time() < due - 1


def measure_laterd(count, connections, latency_ms, patience=300):
    with Scene() as scene, Sink(latency_ms) as sink:
        server = Prosody(scene, accounts=("juliet@example.org",)).start()
        laterd = Laterd(scene, server, schedule={"tick": 1, "pending_max": 1000000}, log={"level": "warning"},
                        **{"gateway sink": gateway(sink.port, connections)}).start()
        juliet = User(server, "juliet@example.org").login()
        due = due_in(5 + count / 1000)
        if not order(juliet, count, due):
            raise SystemExit("bench_sms: scheduling took too long for one instant: use a smaller --count")
        time.sleep(max(0, due - 0.2 - time.time()))
        cpu = laterd.cpu_seconds()
        deadline = time.monotonic() + patience
        while (stats := sink.stats())[0] < count:
            if time.monotonic() > deadline:
                raise SystemExit(f"bench_sms: only {stats[0]} of {count} after {patience} s\n{laterd.log}")
            time.sleep(0.1)
        # A second one of any would come by now.
        time.sleep(1)
        stats, cpu = sink.stats(), laterd.cpu_seconds() - cpu
        juliet.logout()
    if stats[0] != count:
        raise SystemExit(f"bench_sms: {stats[0]} requests for {count} messages")
    return Run(stats, cpu)


def measure_wrk(connections, latency_ms, seconds=5):
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script, Sink(latency_ms) as sink:
        script.write(SCRIPT)
        script.flush()
        subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", script.name, f"http://127.0.0.1:{sink.port}/send"],
                       check=True, stdout=subprocess.DEVNULL)
        return Run(sink.stats())


def told(name, runs):
    rates = ", ".join(f"{run.rate:,.0f}" for run in runs)
    return f"  {name:7} {statistics.median(run.rate for run in runs):>10,.0f}/s   (runs: {rates})"


def load(text):
    connections, _, latency = text.partition(":")
    return int(connections), float(latency)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10000, help="SMS of one run of laterd")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--load", type=load, nargs="+", default=[(8, 5.0), (32, 10.0), (64, 5.0), (64, 0.0)],
                        metavar="CONNECTIONS:MS", help="connections, and the latency of the sink")
    wanted = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("bench_sms: wrk is not installed")
    for connections, latency in wanted.load:
        print(f"{connections} connections, latency {latency:g} ms, {wanted.count} SMS due at one instant, "
              f"{os.cpu_count()} processors", flush=True)
        ours = [measure_laterd(wanted.count, connections, latency) for _ in range(wanted.runs)]
        print(told("laterd", ours) + f", {statistics.median(run.cpu for run in ours) * 1e6:.0f} µs of processor a message, "
              f"{ours[0].connections} connections used", flush=True)
        theirs = [measure_wrk(connections, latency) for _ in range(wanted.runs)]
        print(told("wrk", theirs))
        ratio = statistics.median(run.rate for run in ours) / statistics.median(run.rate for run in theirs)
        print(f"  ratio   {ratio:>10.2f}     (goal {GOAL})", flush=True)


if __name__ == "__main__":
    main()
