"""What people see who have a client of the terminal: profanity, driven by its keyboard and read from its screen."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from forms import due_in, schedule, until_state
from terminal import WIDTH, Profanity

BERLIN = ZoneInfo("Europe/Berlin")
ID = "([0-9A-HJKMNP-TV-Z]{6})"
LOCAL = r"([A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?) \(Europe/Berlin, [+-]\d\d:\d\d\)"
FORM = "im", "later.example.org"


@pytest.fixture
def terminal(bare_world):
    """terminal(name): profanity of this user, logged in."""
    return lambda name: Profanity(bare_world, f"{name}@example.org").start()


def in_two_days():
    return (datetime.now(BERLIN) + timedelta(days=2)).strftime("%Y-%m-%d")


def instant(local):
    """What a person understands who reads it."""
    weekday, day, clock = local.split()
    read = datetime.fromisoformat(f"{day} {clock}").replace(tzinfo=BERLIN)
    assert read.strftime("%a") == weekday, local
    return read.timestamp()


def assert_punctual(message, local):
    # a time without seconds is that of the minute
    assert -0.5 < message.at - instant(local) < 10


# In chat

def test_a_line_is_confirmed_with_id_and_local_time_and_arrives(world, terminal):
    juliet, romeo = terminal("juliet"), world.online("romeo")
    juliet.chat(world.laterd.bot)
    packet, local = juliet.ask("im in 5 seconds romeo@example.org Good morning",
                               f"^{re.escape(world.laterd.bot)}: Scheduled {ID} to romeo@example.org: {LOCAL}").groups()
    message = romeo.wait_ids([packet])[0]
    assert (message.body, message.sender) == ("Good morning", "juliet@example.org")
    assert_punctual(message, local)


def test_what_waits_is_listed_changed_and_cancelled_in_chat(world, terminal):
    juliet = terminal("juliet")
    juliet.chat(world.laterd.bot)
    day = in_two_days()
    packet, first = juliet.ask(f"im {day} 9:00 romeo@example.org Good morning", f": Scheduled {ID} to .*?: {LOCAL}").groups()
    juliet.ask("list", rf": 1 waiting\. {packet}: {re.escape(first)} .* im to romeo@example.org “Good morning”, scheduled$")
    changed = juliet.ask(f"edit {packet} when {day} 17:30", f": Changed: {packet} to romeo@example.org: {LOCAL}")[1]
    assert changed == first.replace("09:00", "17:30")
    juliet.ask(f"cancel {packet.lower()}", f": {packet}: cancelled")
    juliet.ask("LIST", r": Nothing is waiting\.$")


def test_what_is_missing_or_wrong_is_asked_for(world, terminal):
    juliet = terminal("juliet")
    juliet.chat(world.laterd.bot)
    juliet.ask("im 03/04/2026 romeo@example.org Good morning", r": When: 03/04/2026 can be read in more than one way.*When\?")
    packet = juliet.ask("tomorrow 9:00", f": Scheduled {ID} to romeo@example.org: {LOCAL}")[1]
    juliet.ask("list", rf": 1 waiting\. {packet}: ")


# By ad-hoc commands

def test_commands_are_found_by_their_names(world, terminal):
    juliet = terminal("juliet")
    juliet.command("/cmd list later.example.org", "^Ad hoc commands:$")
    for node in ("cancel", "edit", "im", "list", "settings", "show"):
        juliet.wait(f"^  {node}$", after="Ad hoc commands:")
    assert not {"  sms", "  stats"} & set(juliet.printed())


def test_a_form_is_filled_in_confirmed_and_delivered(world, terminal):
    juliet, romeo = terminal("juliet"), world.online("romeo")
    juliet.execute(*FORM, r"^Use '/form submit'")
    juliet.fill("To", "romeo@example.org")
    juliet.fill("When", "in 8 seconds")
    juliet.fill("Message", "Good morning,", add=True)
    juliet.fill("Message", "Romeo", add=True)
    juliet.submit()
    juliet.wait("^Please check, and complete to schedule it")
    shown = juliet.wait(f"^{LOCAL}, in .* seconds?")[1]
    juliet.wait("^romeo@example.org$")
    juliet.wait("^Good morning, ?Romeo$")
    packet, local = juliet.complete(f"^Scheduled {ID} to romeo@example.org: {LOCAL}").groups()
    assert local == shown
    message = romeo.wait_ids([packet])[0]
    assert (message.body, message.sender) == ("Good morning,\nRomeo", "juliet@example.org")
    assert_punctual(message, local)


def test_a_form_that_comes_back_says_why_and_is_mended(world, terminal):
    juliet = terminal("juliet")
    juliet.execute(*FORM, r"^Use '/form submit'")
    juliet.fill("To", "romeo@example.org")
    juliet.fill("When", "03/04/2026 18:00")
    juliet.fill("Message", "Good morning", add=True)
    juliet.submit()
    juliet.wait("^When: .*03/04/2026 can be read in more than one way")
    juliet.wait(r"To \(required\): romeo@example.org$")
    juliet.fill("When", f"{in_two_days()} 18:00")
    juliet.submit()
    juliet.wait(f"^{LOCAL}, in [0-9]")
    packet, local = juliet.complete(f"^Scheduled {ID} to romeo@example.org: {LOCAL}").groups()
    juliet.execute("list", "later.example.org", rf"^{packet}: {re.escape(local)} .* im to romeo@example.org “Good morning”")
    assert max(map(len, juliet.screen())) <= WIDTH


# What arrives

def test_a_held_message_is_on_the_screen_after_logging_in(world, terminal):
    juliet = world.online("juliet")
    packet = schedule(juliet, "romeo@example.org", "Good morning", "now", offline="hold")
    until_state(juliet, packet, "held")
    romeo = terminal("romeo")
    romeo.read("juliet@example.org")
    romeo.wait("^juliet@example.org: Good morning$")


def test_an_answer_goes_back_from_where_the_message_came(plain_world, terminal):
    juliet, romeo = plain_world.online("juliet"), terminal("romeo")
    schedule(juliet, "romeo@example.org", "Good morning", due_in(1))
    romeo.read("juliet%example.org@later.example.org")
    romeo.wait("^juliet%example.org@later.example.org: Good morning$")
    romeo.type("Good morning to you")
    answer = juliet.wait_message(lambda message: message.body == "Good morning to you")
    assert answer.sender == "romeo%example.org@later.example.org"
    assert (answer.type, answer.nick, answer.ofrom) == ("chat", "romeo", "romeo@example.org")
    juliet.say(answer.sender, "Where are you?")
    romeo.wait(r"^juliet%example.org@later.example.org: Where are you\?$")
