"""What anybody may ask of the two addresses."""

from datetime import datetime, timezone
from xml.etree import ElementTree as ET

import pytest
from forms import StanzaError
from peers import COMMANDS, DATA

INFO = "{http://jabber.org/protocol/disco#info}"
ITEMS = "{http://jabber.org/protocol/disco#items}"
FEATURES = {"http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/disco#items", COMMANDS, DATA,
            "jabber:iq:version", "urn:xmpp:ping", "urn:xmpp:time", "jabber:iq:last", "vcard-temp"}


@pytest.fixture(params=["", "bot@"], ids=["domain", "bot"])
def address(request, world):
    return request.param + world.laterd.address


def identities(info):
    return [(i.get("category"), i.get("type")) for i in info.findall(INFO + "identity")]


def test_addresses_say_what_they_are(world, address):
    info = world.online("juliet").query(address, INFO + "query")
    expected = ("client", "bot") if address.startswith("bot@") else ("component", "generic")
    assert expected in identities(info)
    assert FEATURES <= {f.get("var") for f in info.findall(INFO + "feature")}
    if not address.startswith("bot@"):
        assert "Scheduled messages" in [i.get("name") for i in info.findall(INFO + "identity")]


def test_contact_addresses_are_published(bare_world):
    bare_world.start(users={"admins": ["juliet@example.org"]})
    info = bare_world.online("juliet").query(bare_world.laterd.address, INFO + "query")
    form = info.find(f"{{{DATA}}}x")
    assert form is not None and "juliet@example.org" in "".join(form.itertext())


def test_the_server_lists_us(world):
    items = world.online("juliet").query("example.org", ITEMS + "query")
    assert world.laterd.address in [i.get("jid") for i in items.findall(ITEMS + "item")]


def test_commands_are_listed_and_describe_themselves(world, address):
    juliet = world.online("juliet")
    assert ("automation", "command-list") in identities(juliet.query(address, INFO + "query", COMMANDS))
    items = juliet.query(address, ITEMS + "query", COMMANDS).findall(ITEMS + "item")
    nodes = {i.get("node") for i in items}
    assert {"im", "list", "show", "cancel", "quota"} <= nodes
    assert not nodes & {"sms", "mms", "stats", "shutdown"}
    assert all(i.get("name") and i.get("jid") for i in items)
    info = juliet.query(address, INFO + "query", "im")
    assert ("automation", "command-node") in identities(info)
    assert {COMMANDS, DATA} <= {f.get("var") for f in info.findall(INFO + "feature")}


@pytest.mark.parametrize("kinds", [["sms"], ["mms"], ["sms", "mms"]])
def test_sms_and_mms_are_listed_where_a_gateway_has_them(bare_world, kinds):
    body = '{"to": "{to}", "text": "{text}", "media": ["{media}"]}'
    bare_world.start(**{"gateway nowhere": {"driver": "http", "kinds": kinds, "url": "http://127.0.0.1:1/", "encode": "json",
                                            "body": body}})
    juliet = bare_world.online("juliet")
    items = juliet.query(bare_world.laterd.address, ITEMS + "query", COMMANDS).findall(ITEMS + "item")
    assert {i.get("node") for i in items} & {"sms", "mms"} == set(kinds)
    for kind in {"sms", "mms"} - set(kinds):
        with pytest.raises(StanzaError) as error:
            juliet.command(kind)
        assert error.value.condition == "item-not-found"
    for kind in kinds:
        assert juliet.command(kind).status == "executing"
        assert kind in juliet.command("quota").text()


def test_sms_and_mms_do_not_exist_without_a_gateway(world):
    juliet = world.online("juliet")
    for kind in ("sms", "mms"):
        with pytest.raises(StanzaError) as error:
            juliet.command(kind)
        assert error.value.condition == "item-not-found"
    assert "sms" not in juliet.command("quota").text() and "mms" not in juliet.command("quota").text()


def test_a_stranger_sees_no_commands(world):
    tybalt = world.online("tybalt@elsewhere.example")
    assert tybalt.query(world.laterd.address, ITEMS + "query", COMMANDS).findall(ITEMS + "item") == []


def test_version(world, address):
    version = world.online("juliet").query(address, "{jabber:iq:version}query")
    assert version.findtext("{jabber:iq:version}name") == "laterd"
    assert version.findtext("{jabber:iq:version}version") in world.laterd.run("--version").stdout


def test_ping(world, address):
    assert world.online("juliet").iq("get", address, ET.Element("{urn:xmpp:ping}ping")).get("type") == "result"


def test_time_is_ours(world, address):
    time = world.online("juliet").query(address, "{urn:xmpp:time}time")
    said = datetime.fromisoformat(time.findtext("{urn:xmpp:time}utc").replace("Z", "+00:00"))
    assert abs((datetime.now(timezone.utc) - said).total_seconds()) < 5
    assert time.findtext("{urn:xmpp:time}tzo") in ("+01:00", "+02:00")


def test_last_activity_is_the_uptime(world, address):
    assert 0 <= int(world.online("juliet").query(address, "{jabber:iq:last}query").get("seconds")) < 60


def test_vcard_has_a_name(world, address):
    card = world.online("juliet").query(address, "{vcard-temp}vCard")
    assert card.findtext("{vcard-temp}FN")


def test_an_unknown_request_is_unavailable(world, address):
    with pytest.raises(StanzaError) as error:
        world.online("juliet").query(address, "{urn:example:nonesuch}query")
    assert error.value.condition == "service-unavailable"


def test_an_unknown_disco_node_is_not_found(world, address):
    with pytest.raises(StanzaError) as error:
        world.online("juliet").query(address, INFO + "query", "nonesuch")
    assert error.value.condition == "item-not-found"
