"""Lines to the bot as a client writes them, and what the bot says to each."""

import itertools
import re
from xml.sax.saxutils import escape, quoteattr

from forms import StanzaError
from peers import CLIENT, PATIENCE

ID = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{6}\b")
RECEIPTS, MARKERS = "{urn:xmpp:receipts}", "{urn:xmpp:chat-markers:0}"
NUMBERS = itertools.count(1)


class Chat:
    """A conversation of one client.  Each line has a thread of its own, by which its answers are known."""

    def __init__(self, user, to=None):
        self.user, self.to = user, to or "bot@" + user.later

    def write(self, text, *, type="chat", replaces=None, extra="", to=None):
        """Send it, and return its id, which is its thread as well.  text None: no body."""
        line = f"line-{next(NUMBERS)}"
        self.user.send_raw(self.stanza(line, text, type, replaces, extra, to))
        return line

    def stanza(self, line, text, type="chat", replaces=None, extra="", to=None):
        body = "" if text is None else f"<body>{escape(text)}</body>"
        if replaces:
            extra += f"<replace xmlns='urn:xmpp:message-correct:0' id='{replaces}'/>"
        return (f"<message to={quoteattr(to or self.to)} type='{type}' id='{line}'>{body}"
                f"<thread>{line}</thread>{extra}</message>")

    def said(self, line):
        """All messages so far that answer it."""
        return [m for m in self.user.messages.items if m.xml.findtext(CLIENT + "thread") == line or m.id == line]

    def wait(self, line, timeout=PATIENCE):
        """The first that has a body; raises StanzaError where there is an error instead."""
        def found(_):
            return next((m for m in self.said(line) if m.body is not None or m.type == "error"), None)
        answer = self.user.messages.wait(found, f"answer to {line} of {self.user.jid}", timeout)
        if answer.type == "error":
            raise StanzaError(answer.xml)
        return answer

    def ask(self, text, **arguments):
        """The words of the answer."""
        return self.wait(self.write(text, **arguments)).body

    def schedule(self, text, **arguments):
        """The id of what a line schedules."""
        answer = self.ask(text, **arguments)
        assert answer.startswith("Scheduled "), answer
        return ID.search(answer)[0]

    def confirmed(self, text):
        """The answer to the yes that a line asks for."""
        asked = self.ask(text)
        assert asked.endswith("Answer yes or no."), asked
        return self.ask("yes")

    def told(self, words, timeout=PATIENCE):
        """What the bot says by itself, when it says these words."""
        return self.user.wait_message(
            lambda m: words in (m.body or "") and m.xml.find(CLIENT + "thread") is None, timeout).body
