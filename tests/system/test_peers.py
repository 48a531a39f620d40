"""The parties themselves, without laterd."""

import pytest


@pytest.fixture(params=[True, False], ids=["privileges", "no-privileges"])
def server(request, bare_world):
    return bare_world.serve(privileges=request.param)


def test_two_users_of_a_private_server_talk(bare_world, server):
    juliet, romeo = bare_world.online("juliet", "romeo")
    juliet.say("romeo@example.org", "good night")
    message = romeo.wait_message()
    assert (message.body, message.sender) == ("good night", "juliet@example.org/test")


def test_a_server_comes_back_with_its_ports_after_a_crash(bare_world, server):
    bare_world.online("juliet")
    bare_world.server_crash()
    server.start()
    juliet, romeo = bare_world.online("juliet", "romeo")
    juliet.say("romeo@example.org", "again")
    assert romeo.wait_message().body == "again"


def test_server_stores_for_a_user_who_is_offline(bare_world, server):
    juliet, romeo = bare_world.online("juliet", "romeo")
    romeo.logout()
    juliet.say("romeo@example.org", "for later")
    juliet.query("example.org", "{urn:xmpp:ping}ping")
    message = romeo.login().wait_message()
    assert message.body == "for later" and message.delays
