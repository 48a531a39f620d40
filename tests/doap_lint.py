"""Whether doc/laterd.doap lists the XEPs of the source, and nothing else.

    python3 tests/doap_lint.py          each fault; exit 1 when there is one
    lint(root) -> ["XEP-0199: ..."]     for tests
"""

import os
import re
import sys
from xml.etree import ElementTree as ET

XMPP = "{https://linkmauve.fr/ns/xmpp-doap#}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
STATUSES = ("complete", "partial", "planned", "deprecated", "removed", "wontfix")

# Which XEPs a namespace belongs to; none: it is of an RFC, or not of XMPP.
NAMESPACES = {
    "http://etherx.jabber.org/streams": (),
    "http://jabber.org/network/serverinfo": ("0157", "0128", "0068"),
    "http://jabber.org/protocol/address": ("0033",),
    "http://jabber.org/protocol/chatstates": ("0085",),
    "http://jabber.org/protocol/commands": ("0050",),
    "http://jabber.org/protocol/disco#info": ("0030",),
    "http://jabber.org/protocol/disco#items": ("0030",),
    "http://jabber.org/protocol/nick": ("0172",),
    "http://jabber.org/protocol/xhtml-im": ("0071",),
    "http://www.w3.org/1999/xhtml": ("0071",),
    "jabber:client": (),
    "jabber:component:accept": ("0114",),
    "jabber:iq:last": ("0012",),
    "jabber:iq:roster": (),
    "jabber:iq:version": ("0092",),
    "jabber:x:data": ("0004",),
    "jabber:x:encrypted": ("0027",),
    "jabber:x:oob": ("0066",),
    "urn:ietf:params:xml:ns:xmpp-stanzas": (),
    "urn:ietf:params:xml:ns:xmpp-streams": (),
    "urn:xmpp:carbons:2": ("0280",),
    "urn:xmpp:chat-markers:0": ("0333",),
    "urn:xmpp:delay": ("0203",),
    "urn:xmpp:eme:0": ("0380",),
    "urn:xmpp:fallback:0": ("0428",),
    "urn:xmpp:forward:0": ("0297",),
    "urn:xmpp:hints": ("0334",),
    "urn:xmpp:http:upload:0": ("0363",),
    "urn:xmpp:message-correct:0": ("0308",),
    "urn:xmpp:message-retract:1": ("0424",),
    "urn:xmpp:openpgp:0": ("0373",),
    "urn:xmpp:ping": ("0199",),
    "urn:xmpp:privilege:1": ("0356",),
    "urn:xmpp:privilege:2": ("0356",),
    "urn:xmpp:reactions:0": ("0444",),
    "urn:xmpp:receipts": ("0184",),
    "urn:xmpp:reply:0": ("0461",),
    "urn:xmpp:sid:0": ("0359",),
    "urn:xmpp:time": ("0202",),
    "vcard-temp": ("0054",),
}
# Named in the source for what others do, and used without a namespace of their own.
OTHERS_DO = {"0198"}
NO_NAMESPACE = {"0082", "0160", "0384"}

NAMESPACE = re.compile(r"""["'](urn:(?:xmpp|ietf):[^"'\\ ]+|jabber:[^"'\\ ]+|vcard-temp|"""
                       r"""http://(?:[a-z]+\.)?jabber\.org/[^"'\\ ]+|http://www\.w3\.org/1999/xhtml)[\\"']""")


def sources(root):
    for directory, _, names in sorted(os.walk(os.path.join(root, "src"))):
        for name in sorted(names):
            if name.endswith((".c", ".h")):
                with open(os.path.join(directory, name), encoding="utf-8") as f:
                    yield f.read()


def listed(root):
    """{number: status}, and the faults of the file itself."""
    faults, xeps = [], {}
    doap = ET.parse(os.path.join(root, "doc", "laterd.doap")).getroot()
    for supported in doap.iter(XMPP + "SupportedXep"):
        at = supported.find(XMPP + "xep").get(RDF + "resource")
        number = re.fullmatch(r"https://xmpp\.org/extensions/xep-(\d{4})\.html", at)
        status, version = supported.findtext(XMPP + "status"), supported.findtext(XMPP + "version")
        if not number:
            faults.append(f"{at} is no XEP")
            continue
        if number[1] in xeps:
            faults.append(f"XEP-{number[1]} is listed twice")
        if status not in STATUSES:
            faults.append(f"XEP-{number[1]}: no such status as {status}")
        if status != "wontfix" and not re.fullmatch(r"\d+(\.\d+){1,2}", version or ""):
            faults.append(f"XEP-{number[1]}: {version} is no version")
        if status != "complete" and not supported.findtext(XMPP + "note"):
            faults.append(f"XEP-{number[1]}: what of it is {status}?")
        xeps[number[1]] = status
    if list(xeps) != sorted(xeps):
        faults.append("the XEPs are not in order")
    return xeps, faults


def lint(root):
    xeps, faults = listed(root)
    named, used = set(), set()
    for text in sources(root):
        named |= set(re.findall(r"XEP-(\d{4})", text))
        used |= set(NAMESPACE.findall(text))
    known = {xep for ns in used for xep in NAMESPACES.get(ns, ())} | NO_NAMESPACE
    faults += [f"{ns}: which XEP is it of?" for ns in sorted(used - set(NAMESPACES))]
    faults += [f"{ns}: the source does not have it any more" for ns in sorted(set(NAMESPACES) - used)]
    faults += [f"XEP-{n}: used, and not listed" for n in sorted((known | named) - set(xeps) - OTHERS_DO)]
    faults += [f"XEP-{n}: listed, and not used" for n in sorted(set(xeps) - known)]
    return faults


if __name__ == "__main__":
    found = lint(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    print("\n".join(found), end="\n" if found else "")
    sys.exit(1 if found else 0)
