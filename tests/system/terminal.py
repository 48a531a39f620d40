"""profanity, a client for terminals, in a tmux of its own: what is typed, and what then stands on the screen."""

import os
import re
import subprocess
import time

from peers import PATIENCE, Process, Timeout

WIDTH, HEIGHT = 110, 60
# Each line has its time, and stands below it where it had to be broken.
PRINTED = re.compile(r"\d\d:\d\d:\d\d [-!] (.*)")
INDENT = " " * len("12:34:56 - ")
# It asks the server for its features when it has logged in.
TOO_EARLY = "^Server does not support ad hoc commands"

SETTINGS = """[logging]
chlog=false

[ui]
splash=false
beep=false
roster=false

[connection]
autoping=0

[notifications]
message=off
room=false
invite=false
sub=false
"""

ACCOUNT = """[{jid}]
enabled=true
jid={jid}
server={host}
port={port}
tls.policy=disable
password={password}
resource=terminal
presence.login=online
"""


class Profanity(Process):
    """It ends with tmux, and tmux with this process."""

    def __init__(self, world, jid):
        super().__init__(world.scene, "terminal-" + jid.partition("@")[0])
        self.server, self.jid = world.server, jid
        self.socket = os.path.join(self.home, "tmux")
        for kind, name, text in (("config", "profrc", SETTINGS), ("data", "accounts", ACCOUNT)):
            world.scene.write(
                os.path.join(self._directory(kind), name),
                text.format(jid=jid, host=self.server.host, port=self.server.c2s_port, password=self.server.password))

    def _directory(self, kind):
        self.scene.directory(os.path.join(os.path.basename(self.home), kind))
        return self.scene.directory(os.path.join(os.path.basename(self.home), kind, "profanity"))

    def _run(self, *arguments):
        """One command of tmux; it never starts a tmux of its own, which nobody would end."""
        return subprocess.run(self.scene.unprivileged(["tmux", "-N", "-S", self.socket, *arguments]), cwd=self.home,
                              env={"PATH": os.environ["PATH"], "HOME": self.home, "LC_ALL": "C.UTF-8"},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=PATIENCE, check=False)

    def _tmux(self, *arguments):
        """What it prints."""
        ended = self._run(*arguments)
        assert ended.returncode == 0, f"tmux {' '.join(arguments)}: {ended.stdout}"
        return ended.stdout

    def start(self):
        self.spawn(["tmux", "-D", "-S", self.socket, "-f", "/dev/null"])
        self._until(lambda: self._run("show-options", "-s").returncode == 0, "answer of tmux")
        self._tmux("new-session", "-d", "-x", str(WIDTH), "-y", str(HEIGHT), "-e", "TERM=screen",
                   "-e", f"XDG_CONFIG_HOME={self.home}/config", "-e", f"XDG_DATA_HOME={self.home}/data",
                   "setpriv", "--pdeathsig", "KILL", "--", "profanity", "-a", self.jid)
        self.wait(r"logged in successfully")
        return self

    @property
    def log(self):
        """For a test that has failed."""
        return super().log + ("\n" + "\n".join(self.screen()) if self.running else "")

    def _until(self, found, what, timeout=PATIENCE):
        deadline = time.monotonic() + timeout
        while True:
            result = found()
            if result:
                return result
            if time.monotonic() > deadline:
                raise Timeout(f"no {what} within {timeout} s")
            time.sleep(0.05)

    def printed(self):
        """What profanity has printed: each line once, however often it had to be broken, without its time."""
        lines = []
        for line in self.screen():
            found = PRINTED.match(line)
            if found:
                lines.append(found[1])
            elif line.startswith(INDENT) and lines:
                lines[-1] += " " + line.strip()
        return lines

    def screen(self):
        """All that can be seen, as it stands there."""
        return [line.rstrip() for line in self._tmux("capture-pane", "-p").splitlines()]

    def find(self, pattern, after=None):
        """The match in a printed line, where `after` is given in one below the last that is this; None: there is none."""
        lines = self.printed()
        if after is not None:
            if after not in lines:
                return None
            lines = lines[len(lines) - lines[::-1].index(after):]
        return next(filter(None, (re.search(pattern, line) for line in lines)), None)

    def wait(self, pattern, after=None, timeout=2 * PATIENCE):
        """What `find` finds."""
        try:
            return self._until(lambda: self.find(pattern, after), f"{pattern!r} on the screen of {self.jid}", timeout)
        except Timeout as late:
            raise Timeout(f"{late}:\n" + "\n".join(self.screen())) from None

    def type(self, line):
        self._tmux("send-keys", "-l", "--", line)
        self._tmux("send-keys", "Enter")

    def look_at(self, window, title):
        """Go to a window, which has this in its title."""
        self.type(f"/win {window}")
        self._until(lambda: title in self.screen()[0], f"window {window} with {title!r} of {self.jid}")

    # Chat

    def chat(self, address):
        self.type(f"/msg {address}")
        self._until(lambda: self.screen()[0].startswith(f" {address} "), f"window of {address}")

    def read(self, address):
        """Go to the window of the chat in which something new has come from this address."""
        self.look_at(self.wait(rf"^<< chat message: {re.escape(address)} \(win (\d+)\)")[1], f" {address} ")

    def ask(self, line, pattern):
        """Write it in the window of a chat, and wait for such words in an answer."""
        self.type(line)
        return self.wait(pattern, after=f"me: {line}")

    # Commands

    def command(self, line, pattern):
        """Type /cmd … in the main window, and wait for such words, there or in the form that opens."""
        self.look_at(1, "Profanity.")
        deadline = time.monotonic() + 2 * PATIENCE
        while True:
            self.type("/clear")
            self._until(lambda: not self.find(TOO_EARLY), "empty window")
            self.type(line)
            self.wait(f"{pattern}|{TOO_EARLY}")
            if not self.find(TOO_EARLY) or time.monotonic() > deadline:
                return self.wait(pattern)

    def execute(self, node, address, pattern):
        return self.command(f"/cmd exec {node} {address}", pattern)

    def fill(self, label, text, add=False):
        """Set the field of this label in the form that is looked at, or give it one line more."""
        tag = self.wait(rf"^\[(field\d+)\] {re.escape(label)}(?: \(required\))?:")[1]
        self.type(f"/{tag} " + ("add " if add else "") + f'"{text}"')
        self.wait(rf"^ *\[{'val' if add else tag}\d*\] .*{re.escape(text)}$", after="Field updated...")

    def submit(self):
        """Send the form that is looked at, for another one."""
        self.type("/form submit")

    def complete(self, pattern):
        """Send the last form, and wait for such words about what has become of it."""
        self.type("/form submit")
        # What answers it takes its place, with nothing that could be submitted, and is shown at once.
        self._until(lambda: {"Use '/form submit' to save changes.", "Use '/form cancel' to cancel changes."}
                    & set(self.printed()) == {"Use '/form cancel' to cancel changes."}, f"end of the command of {self.jid}")
        self.look_at(1, "Profanity.")
        return self.wait(pattern)
