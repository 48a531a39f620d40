"""Operators who write to the bot: every command of theirs, with its effect, and nobody else may."""

import os
import shutil
import time

import pytest
from chat import ID, Chat
from forms import StanzaError, due_in, listing, order, schedule, state_of, until_state
from gateway import Gateway
from peers import Laterd
from web import Reset

NUMBER = "+4917012345678"
# One for each test, because no user may write much at once; their domain is not served.
OPERATORS = [f"operator{n}@elsewhere.example" for n in range(20)]
USERS = {"domains": ["example.org"], "admins": ["nurse@example.org", *OPERATORS]}
LINES = ("stats", "users", "user {0}", "limits {0} im", "limits default im day=0", "block {0}", "unblock {0}", "gateways",
         "gateway office", "gateway office pause", "gateway office test +4917012345678", "packets {0}", "retry office",
         "retry 7K3Q2M", "reload", "backup stolen.db", "drain", "drain off", "shutdown")


def STAGE(world):
    world.gateway, world.operators = Gateway(world.scene).start(), 0
    return {"gateway office": world.gateway.section(), "http": world.listener(), "users": USERS}


@pytest.fixture
def chat(stage, visitor):
    """A user's."""
    return Chat(visitor)


@pytest.fixture
def desk(stage):
    """An operator's."""
    operator = OPERATORS[stage.operators]
    stage.operators += 1
    stage.server.register(operator)
    return Chat(stage.user(operator).login())


def operate(world, **sections):
    """A world of its own, and its operator's conversation."""
    world.start(users=USERS, **sections)
    return Chat(world.online("nurse"))


# Who may

def test_users_may_do_nothing_of_it(stage, visitor, chat):
    words = {line.split()[0] for line in LINES}
    assert not words & {line.split(" ")[0] for line in chat.ask("help").splitlines()}
    for line in LINES:
        assert "for the operators" in chat.ask(line.format(visitor.jid)), line
    for word in words:
        with pytest.raises(StanzaError) as refused:
            visitor.command(word, {"jid": visitor.jid, "confirm": "1", "name": "office", "action": "pause"}, "complete")
        assert (refused.value.condition, refused.value.type) == ("forbidden", "auth")
    assert not os.path.exists(stage.laterd.home + "/stolen.db")
    assert ID.search(chat.ask(f"im in 1h {visitor.jid} I still may do this"))
    assert "operator visitor" not in stage.laterd.log


def test_an_operator_of_another_domain_operates_and_schedules_nothing(desk):
    said = desk.ask("help")
    assert "\nstats — " in said and "\nshutdown — " in said and "\nim <" not in said and "\nlist — " not in said
    assert "users of example.org only" in desk.ask("im in 1h romeo@example.org x")


# Looking

def test_stats_says_what_there_is(stage, visitor, friend, desk):
    packet = schedule(visitor, friend.jid, "later", due_in(1800))
    said = desk.ask("stats")
    for words in ("waiting", "within an hour", "last hour", "last day", "Gateway office", "Queue lag", "Uptime", "Database"):
        assert words in said, said
    assert packet not in said and visitor.jid not in said


def test_users_and_their_packets_are_shown_without_what_they_wrote(visitor, friend, desk):
    packet = schedule(visitor, friend.jid, "a secret of ours", due_in(3600))
    phone = schedule(visitor, NUMBER, "another secret", due_in(3600), "sms")
    sent = schedule(visitor, friend.jid, "a third one", "now")
    friend.wait_ids([sent])
    until_state(visitor, sent, "sent")
    assert f"{visitor.jid}: 2 waiting" in desk.ask("users")
    said = desk.ask(f"user {visitor.jid}")
    assert "Blocked: no" in said and "Waiting: 2 of 1000" in said and "im: 2 today" in said
    said = desk.ask(f"packets {visitor.jid}")
    for words in (packet, phone, sent, friend.jid, NUMBER, "scheduled", "sent"):
        assert words in said, said
    assert "secret" not in said and "third" not in said
    assert "User?" in desk.ask("user juliet") and "ended" in desk.ask("abort").lower()


# Limits and blocks

def test_a_limit_takes_effect_at_once_and_is_shown_with_its_use(visitor, friend, chat, desk):
    chat.schedule(f"im in 1h {friend.jid} one")
    said = desk.ask(f"limits {visitor.jid} im day=2 month=none")
    assert "day=2 month=none" in said and "1 of 2 today" in said
    chat.schedule(f"im in 1h {friend.jid} two")
    said = chat.ask(f"im in 1h {friend.jid} three")
    assert "2" in said and "Scheduled" not in said
    assert "error" in [kind for kind, _ in order(visitor, friend.jid, "three", due_in(3600)).notes]
    assert "2 of 2 today" in desk.ask(f"limits {visitor.jid} im")
    assert "2 of 2 today" in chat.ask("quota")
    assert "day=none" in desk.ask(f"limits {visitor.jid} im day=default month=default")
    chat.schedule(f"im in 1h {friend.jid} three")
    assert "A limit is a number" in desk.ask(f"limits {visitor.jid} im day=lots")
    desk.ask("abort")


def test_who_is_blocked_sends_nothing_until_they_are_unblocked(visitor, friend, chat, desk):
    packet = chat.schedule(f"im in 2 seconds {friend.jid} before")
    assert "is blocked" in desk.ask(f"block {visitor.jid}")
    for line in (f"im in 1h {friend.jid} x", "list"):
        with pytest.raises(StanzaError) as refused:
            chat.ask(line)
        assert (refused.value.condition, refused.value.type) == ("not-allowed", "cancel")
    assert "blocked" in desk.ask(f"users {visitor.jid[:-1]}") and "Blocked: yes" in desk.ask(f"user {visitor.jid}")
    deadline = time.monotonic() + 10
    while f"{friend.jid}, held" not in desk.ask(f"packets {visitor.jid}"):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert friend.bodies() == []
    assert "not blocked any more" in desk.ask(f"unblock {visitor.jid}")
    assert friend.wait_ids([packet])[0].body == "before"
    assert chat.ask("quota")


# Gateways

def test_a_paused_gateway_sends_nothing_and_a_resumed_one_does(stage, visitor, chat, desk):
    assert "office: open" in desk.ask("gateways")
    assert "paused" in desk.ask("gateway office pause")
    try:
        before = len(stage.gateway.requests.items)
        packet = schedule(visitor, NUMBER, "when it is open", "now", "sms")
        assert "paused by an operator" in desk.ask("gateways")
        until_state(visitor, packet, "held")
        assert len(stage.gateway.requests.items) == before
    finally:
        assert "office is open" in desk.ask("gateway office resume")
    stage.gateway.wait_packet(packet)
    until_state(visitor, packet, "sent")


def test_a_test_message_is_asked_for_sent_and_its_outcome_told(stage, desk):
    before = len(stage.gateway.submissions())
    assert "number" in desk.ask("gateway office test")
    asked = desk.ask(NUMBER)
    assert NUMBER in asked and "may cost money" in asked and asked.endswith("Answer yes or no.")
    assert len(stage.gateway.submissions()) == before
    assert "leaves through office" in desk.ask("yes")
    assert "was sent" in desk.told("test message through office")
    assert stage.gateway.submissions()[before]["to"] == NUMBER
    stage.gateway.script.append(Gateway.error(400, "no credit"))
    desk.confirmed(f"gateway office test {NUMBER}")
    assert "scripted 400" in desk.told("was refused")
    assert "no gateway of this name" in desk.ask("gateway offices pause")
    desk.ask("abort")


# Packets of others

def test_operators_cancel_and_send_what_is_not_theirs(visitor, friend, desk):
    stopped, sent = (schedule(visitor, friend.jid, text, due_in(3600)) for text in ("stopped", "sent"))
    assert f"{stopped}: cancelled" in desk.ask(f"cancel {stopped}")
    visitor.wait_message(lambda m: stopped in (m.body or "") and "operator" in m.body)
    assert sent in desk.ask(f"now {sent}")
    assert friend.wait_ids([sent])[0].body == "sent"
    assert list(listing(visitor)) == [] and state_of(visitor, stopped) == "cancelled"
    for line in (f"show {sent}", f"edit {sent} text x"):
        assert "for the users of" in desk.ask(line)


def test_what_failed_or_is_uncertain_is_sent_again(stage, visitor, desk):
    stage.gateway.script.append(Gateway.error(400))
    failed = schedule(visitor, NUMBER, "failed", "now", "sms")
    until_state(visitor, failed, "failed")
    assert "yes or no" in (asked := desk.ask(f"retry {failed}")) and failed in asked and "once more" in asked
    assert "Nothing was done" in desk.ask("no")
    assert "sent again" in desk.confirmed(f"retry {failed}")
    until_state(visitor, failed, "sent")
    assert len(stage.gateway.wait_packet(failed, 2)) == 2
    assert "only what failed or is uncertain" in desk.ask(f"retry {failed}")
    unsure = []
    for text in ("unsure", "unsure as well"):
        stage.gateway.script.append(Reset("after"))
        unsure.append(schedule(visitor, NUMBER, text, "now", "sms"))
        until_state(visitor, unsure[-1], "uncertain")
    desk.ask("gateway office resume")
    assert "2 are sent again" in desk.confirmed("retry office")
    for packet in unsure:
        until_state(visitor, packet, "sent")
    assert "Nothing failed" in desk.ask("retry office")


def test_what_operators_do_is_logged(stage, desk):
    desk.ask("users")
    desk.confirmed(f"gateway office test {NUMBER}")
    desk.told("test message")
    stage.laterd.wait_log(f"operator {desk.user.jid}: users: done")
    line = stage.laterd.wait_log(f"operator {desk.user.jid}: gateway .*action=test")
    assert "name=office" in line and NUMBER not in stage.laterd.log


# The daemon itself

def test_reload_applies_a_good_file_and_refuses_a_bad_one(bare_world):
    desk = operate(bare_world)
    juliet, laterd = bare_world.online("juliet"), bare_world.laterd
    user = Chat(juliet)
    packet = user.schedule("im in 1h romeo@example.org one")
    laterd.configure(**{"quota im": {"per_day": 2}, "schedule": {"tick": 1, "zone": "Asia/Tokyo"}})
    assert "told" in desk.ask("reload")
    assert "in force" in desk.told("configuration was read again")
    assert "+09:00" in user.ask("im in 1h romeo@example.org two")
    assert "Scheduled" not in user.ask("im in 1h romeo@example.org three")
    laterd.configure(**{"quota im": {"per_day": 9, "per_yaer": 9}})
    desk.ask("reload")
    said = desk.told("old configuration stays in force")
    assert "laterd.conf:" in said and "per_yaer" in said
    assert "Scheduled" not in user.ask("im in 1h romeo@example.org three")
    laterd.configure(**{"quota im": {"per_day": 9}, "users": {"domains": ["example.org"], "admins": ["juliet@example.org"]}})
    desk.ask("reload")
    laterd.wait_log("read the configuration again", since=laterd.mark() - 3)
    deadline = time.monotonic() + 10
    while "for the operators" in user.ask("users"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert "for the operators" in desk.ask("users")
    assert packet in user.ask("list")


def test_a_backup_opens_and_is_the_database_of_another_laterd(bare_world):
    desk = operate(bare_world)
    juliet, romeo = bare_world.online("juliet", "romeo")
    laterd = bare_world.laterd
    packets = [schedule(juliet, "romeo@example.org", f"number {n}", due_in(3600)) for n in range(20)]
    assert "you are told" in desk.ask("backup the copy.db")
    said = desk.told("the copy.db is complete")
    assert "seal key" in said
    assert "there is such a file" in desk.ask("backup the copy.db")
    desk.ask("abort")
    schedule(juliet, "romeo@example.org", "not in it", due_in(3600))
    # as after the loss of the machine
    laterd.kill()
    copy = Laterd(bare_world.scene, bare_world.server, name="copy")
    for name, place in (("the copy.db", "laterd.db"), ("seal.key", "seal.key")):
        shutil.copyfile(os.path.join(laterd.home, name), os.path.join(copy.home, place))
        os.chmod(os.path.join(copy.home, place), 0o600)
        bare_world.scene.give(os.path.join(copy.home, place))
    copy.start()
    assert set(listing(juliet)) == set(packets)
    for packet in packets:
        assert juliet.command("now", {"id": packet}, "complete").status == "completed"
    assert sorted(m.body for m in romeo.wait_ids(packets, timeout=20)) == sorted(f"number {n}" for n in range(20))
    assert len(romeo.bodies()) == len(packets)


def test_drain_finishes_what_is_in_flight_and_takes_nothing_new_until_it_is_off(bare_world):
    gateway = Gateway(bare_world.scene).start()
    desk = operate(bare_world, **{"gateway office": gateway.section(), "http": bare_world.listener()})
    juliet, romeo = bare_world.online("juliet", "romeo")
    user = Chat(juliet)
    gateway.script.append(Gateway.ok(delay=1.0))
    flying = schedule(juliet, NUMBER, "in flight", "now", "sms")
    gateway.wait_requests(1)
    due = due_in(2)
    packet = schedule(juliet, "romeo@example.org", "due meanwhile", due)
    assert "Nothing new is accepted" in desk.ask("drain")
    assert "accepts nothing new" in user.ask("im in 1h romeo@example.org x")
    with pytest.raises(StanzaError) as refused:
        order(juliet, "romeo@example.org", "x", due_in(3600))
    assert (refused.value.condition, refused.value.type) == ("resource-constraint", "wait")
    until_state(juliet, flying, "sent")
    assert "drain" in desk.ask("stats")
    assert packet in user.ask("list") and "already" in desk.ask("drain")
    time.sleep(max(0.0, due + 1.5 - time.time()))
    assert romeo.bodies() == []
    assert "It goes on" in desk.ask("drain off")
    assert romeo.wait_ids([packet])[0].body == "due meanwhile"
    assert user.schedule("im in 1h romeo@example.org x")


def test_shutdown_is_asked_first_and_ends_with_0(bare_world):
    gateway = Gateway(bare_world.scene).start()
    desk = operate(bare_world, **{"gateway office": gateway.section(), "http": bare_world.listener()})
    juliet = bare_world.online("juliet")
    assert "yes or no" in desk.ask("shutdown")
    assert "Nothing was stopped" in desk.ask("no")
    assert "paused" in desk.ask("gateway office pause")
    waits = schedule(juliet, "romeo@example.org", "later", due_in(3600))
    assert "yes or no" in desk.ask("shutdown")
    assert "stops when" in desk.ask("yes")
    assert bare_world.laterd.wait_exit() == 0
    assert "operator nurse@example.org: shutdown" in bare_world.laterd.log
    bare_world.laterd.start()
    assert waits in listing(juliet) and "paused by an operator" in desk.ask("gateways")
