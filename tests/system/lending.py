"""Servers that start slowly, lent to one test after the other and emptied in between."""

import contextlib

from scene import Scene
from servers import Ejabberd

IDLE = 3        # kept running and not lent, of one worker of pytest-xdist
USUAL = {"privileges": True, "offline": True, "archive": False, "uploads": False}


class Lender:
    """Has the ejabberd nodes of a worker; Prosody starts faster than one could be emptied."""

    def __init__(self):
        self.idle = []          # (what it was started with, scene, server), latest last
        self.lent = {}          # server: the same

    def lend(self, accounts, **options):
        """A running ejabberd with these accounts."""
        options = {**USUAL, **options}
        found = next((node for node in self.idle if node[0] == options), None)
        if found:
            self.idle.remove(found)
            server = found[2]
            server.first = server.mark()
            for account in accounts:
                server.register(account)
        else:
            scene = Scene()
            try:
                server = Ejabberd(scene, accounts=accounts, **options).start()
            except BaseException:
                scene.close()
                raise
            found = options, scene, server
        self.lent[server] = found
        return server

    def take_back(self, server):
        """One that was killed or ended, or that cannot be emptied, is not lent again."""
        node = self.lent.pop(server)
        try:
            whole = server.starts == 1 and server.running
            if whole:
                server.empty()
                self.idle.append(node)
        except BaseException:
            whole = False
            raise
        finally:
            if not whole:
                node[1].close()
        while len(self.idle) > IDLE:
            self.idle.pop(0)[1].close()

    def close(self):
        with contextlib.ExitStack() as ending:
            for _, scene, _ in self.idle:
                ending.callback(scene.close)
            self.idle = []
