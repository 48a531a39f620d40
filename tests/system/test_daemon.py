"""The process: options, exit codes, configuration errors, the log."""

import os
import sqlite3
import stat

import pytest
from forms import due_in, schedule
from peers import Laterd


@pytest.fixture
def laterd(bare_world):
    """Configured, not started, and with a server that is not there."""
    bare_world.laterd = Laterd(bare_world.scene, bare_world.new_server())
    return bare_world.laterd


def line_of(laterd, text):
    with open(laterd.config) as f:
        return next(n for n, line in enumerate(f, 1) if text in line)


@pytest.mark.any_server
def test_version_is_told(laterd):
    result = laterd.run("--version")
    assert result.returncode == 0 and result.stdout.startswith("laterd ")


@pytest.mark.any_server
def test_check_accepts_a_good_file(laterd):
    result = laterd.run("--check", "-c", laterd.config)
    assert (result.returncode, result.stdout.strip()) == (0, f"{laterd.config}: ok")
    assert not os.path.exists(laterd.sections["store"]["database"])


@pytest.mark.any_server
@pytest.mark.parametrize("section, key, value, reason", [
    ("schedule", "tock", 1, "tock"),
    ("schedule", "tick", "often", "tick"),
    ("schedule", "tick", 0, "tick"),
    ("schedule", "zone", "Europe/Verona", "Europe/Verona"),
    ("component", "address", "not an address@@", "address"),
    ("component", "server", "nowhere", "server"),
])
def test_a_bad_configuration_is_named_by_file_line_and_reason(laterd, section, key, value, reason):
    laterd.configure(**{section: {**laterd.sections[section], key: value}})
    place = f"{laterd.config}:{line_of(laterd, f'  {key} = ')}:"
    checked = laterd.run("--check", "-c", laterd.config)
    assert checked.returncode == 1 and place in checked.stdout and reason in checked.stdout, checked.stdout
    started = laterd.run("-c", laterd.config)
    assert started.returncode == 78 and place in started.stdout and reason in started.stdout, started.stdout


@pytest.mark.any_server
def test_a_missing_configuration_is_a_bad_one(laterd):
    result = laterd.run("-c", laterd.home + "/nonesuch.conf")
    assert result.returncode == 78 and "nonesuch.conf" in result.stdout


@pytest.mark.any_server
def test_a_secret_that_all_can_read_is_refused(laterd):
    os.chmod(laterd.sections["component"]["secret_file"], 0o644)
    result = laterd.run("-c", laterd.config)
    assert result.returncode == 78 and "secret" in result.stdout
    assert laterd.server.secret not in result.stdout


@pytest.mark.any_server
def test_a_database_that_cannot_be_opened_ends_with_73(laterd):
    laterd.configure(store={**laterd.sections["store"], "database": laterd.home + "/nowhere/laterd.db"})
    result = laterd.run("-c", laterd.config)
    assert result.returncode == 73 and "nowhere/laterd.db" in result.stdout, result.stdout


@pytest.mark.any_server
def test_a_file_that_is_no_database_ends_with_73(laterd):
    laterd.scene.write(laterd.sections["store"]["database"], "This is not a database. " * 100)
    result = laterd.run("-c", laterd.config)
    assert result.returncode == 73, result.stdout


def test_a_second_laterd_on_one_database_ends_with_75(world):
    result = world.laterd.run("-c", world.laterd.config)
    assert result.returncode == 75 and world.laterd.sections["store"]["database"] in result.stdout, result.stdout
    assert world.online("juliet").command("quota").status == "completed"


def test_sigterm_ends_with_0(world):
    assert world.laterd.terminate() == 0


@pytest.mark.any_server
def test_sigterm_ends_with_0_when_the_server_is_away(laterd):
    laterd.start(wait=False)
    laterd.wait_log(str(laterd.server.component_port))
    assert laterd.terminate() == 0


def test_a_wrong_secret_is_explained_and_tried_again(bare_world):
    server = bare_world.serve()
    bare_world.laterd = Laterd(bare_world.scene, server, secret="wrong").start(wait=False)
    server.wait_log(server.refused)
    bare_world.laterd.wait_log("(?i)secret.*(refuse|wrong|differ|match|not accept)|(refuse|wrong|differ|match|not accept).*secret")
    server.wait_log(server.refused, timeout=60, since=server.mark())
    assert bare_world.laterd.running


def test_bodies_and_secrets_stay_out_of_database_and_log(world):
    juliet, romeo = world.online("juliet", "romeo")
    sent = schedule(juliet, "romeo@example.org", "poison and dagger", "now")
    romeo.wait_ids([sent])
    schedule(juliet, "romeo@example.org", "poison and dagger", due_in(3600))
    assert world.laterd.terminate() == 0
    assert "poison" not in world.laterd.log and world.server.secret not in world.laterd.log
    for name in os.listdir(world.laterd.home):
        if name.startswith("laterd.db"):
            with open(os.path.join(world.laterd.home, name), "rb") as f:
                found = f.read()
            assert b"poison" not in found and world.server.secret.encode() not in found, name


def test_seal_key_is_made_for_the_owner_alone(world):
    assert stat.S_IMODE(os.stat(world.laterd.sections["store"]["seal_key_file"]).st_mode) == 0o600


def test_a_damaged_body_is_an_error_of_that_packet_alone(world):
    juliet, romeo = world.online("juliet", "romeo")
    due = due_in(4)
    damaged, whole = (schedule(juliet, "romeo@example.org", text, due) for text in ("damaged", "whole"))
    assert world.laterd.terminate() == 0
    with sqlite3.connect(world.laterd.sections["store"]["database"]) as database:
        changed = database.execute("UPDATE packet SET sealed = CAST(substr(sealed, 1, length(sealed) - 1) || x'00' AS BLOB) "
                                   "WHERE id = ?", (damaged,))
        assert changed.rowcount == 1
    for name in os.listdir(world.laterd.home):
        world.scene.give(os.path.join(world.laterd.home, name))
    world.laterd.start()
    romeo.wait_ids([whole])
    juliet.wait_message(lambda m: damaged in (m.body or ""))
    assert "damaged" not in romeo.bodies()
