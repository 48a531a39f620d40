"""The second half of quickstart: juliet writes to romeo, who is offline, and romeo gets it when he comes online.

usage: quickstart-demo.py LATERD
"""

import logging
import os
import signal
import socket
import sys
from datetime import datetime

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "system"))

# slixmpp warns of a missing accelerator
logging.getLogger("slixmpp").setLevel(logging.ERROR)

from forms import due_in, rfc3339, until_state  # noqa: E402
from peers import Laterd, Prosody, Scene, User, free_ports  # noqa: E402

BODY = "Good morning! I wrote this while you were asleep."


def step(text):
    print(f"\n==> {text}", flush=True)


def port_near(wanted):
    """A port that is easy to remember, or else any."""
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", wanted))
            return wanted
        except OSError:
            return free_ports(1)[0]


def demonstrate(scene, binary):
    step("Starting a private Prosody")
    server = Prosody(scene, ports=(port_near(15222), port_near(15347))).start()
    print(f"clients: 127.0.0.1:{server.c2s_port}, components: 127.0.0.1:{server.component_port}")

    step("Starting laterd beside it, with this configuration")
    laterd = Laterd(scene, server, binary=binary, schedule={"tick": None}).start()
    with open(laterd.config, encoding="utf-8") as f:
        print(f.read(), end="")

    step("juliet logs in and fills in the form of the command 'im'; romeo is offline")
    juliet = User(server, "juliet@example.org").login()
    due = due_in(3)
    fields = {"to": "romeo@example.org", "when": rfc3339(due), "body": BODY, "offline": "hold"}
    for var, value in fields.items():
        print(f"  {var}: {value}")
    reply = juliet.command("im", fields, "complete")
    print("laterd answers:\n  " + reply.text().replace("\n", "\n  "))
    packet = reply.form["id"].value

    step("The time has come, and romeo is still offline: the message is held")
    until_state(juliet, packet, "held")
    print("  " + "\n  ".join(juliet.command("list").text().split("\n")))
    juliet.logout()

    step("juliet has logged out, and romeo logs in")
    romeo = User(server, "romeo@example.org").login()
    message = romeo.wait_ids([packet])[0]
    print(f"romeo received, at {datetime.fromtimestamp(message.at):%H:%M:%S}:")
    print(f"  from {message.sender}: {message.body}")
    for stamp, _ in message.delays:
        print(f"  it was due at {stamp.astimezone():%H:%M:%S}")
    romeo.logout()
    return server, laterd


def how_to_go_on(server, laterd):
    step("Now with a client of your own")
    print(f"""Accounts: juliet@example.org and romeo@example.org, password {server.password}
Server:   127.0.0.1, port {server.c2s_port}, without TLS
  profanity: /connect juliet@example.org server 127.0.0.1 port {server.c2s_port} tls disable
  any other: set host and port by hand and allow an unencrypted connection
Chat:     write to {laterd.bot}: help, or: im in 1 minute romeo@example.org Good morning
Commands: those of {laterd.address} or {laterd.bot} ("ad-hoc commands", "execute command")
  profanity: /cmd list {laterd.address}, then /cmd exec im {laterd.address}""")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip().splitlines()[-1])
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    with Scene() as scene:
        try:
            server, laterd = demonstrate(scene, sys.argv[1])
        except (Exception, KeyboardInterrupt) as error:
            for party in scene.parties:
                print(f"--- log of {party.name}\n{party.log}", file=sys.stderr)
            print(f"The message did not arrive: {error!r}", file=sys.stderr)
            return 1
        how_to_go_on(server, laterd)
        if sys.stdin.isatty() and sys.stdout.isatty():
            step("The message has arrived. Both servers go on until you press Ctrl-C")
            try:
                signal.pause()
            except KeyboardInterrupt:
                print()
        else:
            step("The message has arrived. Started from a terminal, both servers would now go on until Ctrl-C")
    return 0


if __name__ == "__main__":
    sys.exit(main())
