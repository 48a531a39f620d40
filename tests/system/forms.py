"""Ad-hoc commands (XEP-0050) and data forms (XEP-0004) as they stand on the wire, and what laterd makes of them."""

import asyncio
import math
import time
from datetime import datetime, timezone
from xml.etree import ElementTree as ET

COMMANDS = "{http://jabber.org/protocol/commands}"
DATA = "{jabber:x:data}"
STANZAS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"


class StanzaError(Exception):
    """A stanza of type error: condition, type, text and the tags of application-specific conditions."""

    def __init__(self, stanza):
        error = stanza.find("{jabber:client}error")
        self.type = error.get("type")
        self.text = error.findtext(STANZAS + "text", "")
        self.condition = next((c.tag[len(STANZAS):] for c in error
                               if c.tag.startswith(STANZAS) and c.tag != STANZAS + "text"), None)
        self.specific = [c.tag for c in error if not c.tag.startswith(STANZAS)]
        super().__init__(f"{self.type}/{self.condition} {self.specific} {self.text}")


class Field:
    def __init__(self, xml):
        self.var, self.type, self.label = xml.get("var"), xml.get("type"), xml.get("label")
        self.values = [v.text or "" for v in xml.findall(DATA + "value")]
        self.options = [o.findtext(DATA + "value") for o in xml.findall(DATA + "option")]

    @property
    def value(self):
        return "\n".join(self.values)


class Form:
    def __init__(self, xml):
        self.type = xml.get("type")
        self.instructions = [i.text for i in xml.findall(DATA + "instructions")]
        self.fields = [Field(f) for f in xml.findall(DATA + "field")]
        self.reported = xml.find(DATA + "reported") is not None

    def __contains__(self, var):
        return any(f.var == var for f in self.fields)

    def __getitem__(self, var):
        return next(f for f in self.fields if f.var == var)

    def texts(self):
        """What a client shows."""
        return self.instructions + [t for f in self.fields if f.type != "hidden" for t in (f.label, *f.values) if t]

    @staticmethod
    def submit(fields):
        form = ET.Element(DATA + "x", type="submit")
        for var, values in fields.items():
            field = ET.SubElement(form, DATA + "field", var=var)
            for value in [values] if isinstance(values, str) else values:
                ET.SubElement(field, DATA + "value").text = value
        return form


class Reply:
    """A <command/> of the component."""

    def __init__(self, xml):
        self.node, self.status, self.session = xml.get("node"), xml.get("status"), xml.get("sessionid")
        actions = xml.find(COMMANDS + "actions")
        self.actions = None if actions is None else {a.tag[len(COMMANDS):] for a in actions}
        self.execute = None if actions is None else actions.get("execute")
        self.notes = [(n.get("type", "info"), n.text or "") for n in xml.findall(COMMANDS + "note")]
        form = xml.find(DATA + "x")
        self.form = None if form is None else Form(form)
        self.xml = xml

    def text(self):
        """Everything that is shown to the user."""
        return "\n".join([t for _, t in self.notes] + (self.form.texts() if self.form else []))

    def __repr__(self):
        return ET.tostring(self.xml, encoding="unicode")


def due_in(seconds):
    """The first full second that is at least so far away.  What is to be due at once is due "now" instead."""
    return math.ceil(time.time() + seconds + 0.3)


def rfc3339(instant):
    return datetime.fromtimestamp(instant, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def filled(to, body, due, **fields):
    """The fields of a form that schedules; `to` may be a list, and due an instant or words."""
    return {"to": to if isinstance(to, str) else ", ".join(to), "when": due if isinstance(due, str) else rfc3339(due),
            "body": body.split("\n"), **fields}


def order(user, to, body, due, kind="im", **fields):
    """Schedule in one request and return the reply."""
    return user.command(kind, filled(to, body, due, **fields), "complete", timeout=30)


def at_once(requests, timeout=30):
    """The replies to these (user, node, fields, action), which all leave before any of them is read."""
    async def together():
        return await asyncio.gather(*(user.begin_command(*request, timeout=timeout) for user, *request in requests))
    return requests[0][0].run(together(), timeout)


def schedule(user, to, body, due, kind="im", **fields):
    """As order, and return the packet's id, or the ids if `to` is a list."""
    reply = order(user, to, body, due, kind, **fields)
    assert reply.status == "completed" and reply.form is not None, reply
    ids = reply.form["id"].values
    assert len(ids) == (1 if isinstance(to, str) else len(to)), reply
    return ids[0] if isinstance(to, str) else ids


def listing(user):
    """{id: the line of `list`} of what waits."""
    reply = user.command("list")
    assert reply.status == "completed", reply
    return {f.var: f.value for f in reply.form.fields if f.type == "fixed"} if reply.form else {}


def show(user, packet):
    """The reply of `show`."""
    return user.command("show", {"id": packet}, "complete")


def state_of(user, packet):
    return show(user, packet).form["state"].value


def until_state(user, packet, state, timeout=30):
    """What `show` tells as soon as the packet is in this state; asking is the only way a user has to learn it."""
    deadline = time.monotonic() + timeout
    while True:
        shown = show(user, packet)
        if shown.form["state"].value == state:
            return shown.text()
        assert time.monotonic() < deadline, f"packet {packet} did not become {state}: {shown.text()}"
        time.sleep(0.05)


def assert_refused(user, reply, reason=""):
    """The form is back with the reason in each of its three places, and nothing is stored."""
    assert reply.status == "executing" and reply.form is not None, reply
    assert reply.form["error"].type == "fixed"
    assert len(reply.form["error"].values) == 1
    assert reason in reply.form["error"].value.lower(), reply
    assert [kind for kind, _ in reply.notes] == ["error"]
    assert reason in reply.notes[0][1].lower()
    assert len(reply.form.instructions) == 1 and reason in reply.form.instructions[0].lower()
    assert listing(user) == {}


def cancel(user, *ids):
    """The reply to cancelling these packets."""
    return user.command("cancel", {"ids": list(ids)}, "complete")
