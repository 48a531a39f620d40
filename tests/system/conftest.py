import pytest

from gateway import Gateway
from kannel import Kannel
from lending import Lender
from mmsc import Mmsc
from peers import Ejabberd, Laterd, Prosody, Scene, User, free_ports
from web import Certificate, Library

# Modules whose subject is the other side of laterd; Prosody, which starts faster, is there to carry commands and notices.
PROSODY_ALONE = {
    "test_gateway": "HTTP gateways",
    "test_kill": "SMS on their way to a gateway",
    "test_metrics_lint": "what a tool thinks of the text of the metrics",
    "test_mms": "an MMSC and media from the web",
    "test_race_quota": "what laterd itself puts one after the other",
    "test_recurring": "rules and their clock; how each occurrence leaves, the others show",
    "test_sms": "Kannel",
    "test_supervisor": "systemd",
}
# Tests that say how long something takes, and the one that needs most of the machine: never at the same time.
BY_THE_CLOCK = ("test_kill", "test_punctual", "test_times")
ACCOUNTS = ("juliet@example.org", "romeo@example.org", "nurse@example.org", "tybalt@elsewhere.example")
SERVERS = {"prosody": Prosody, "ejabberd": Ejabberd}
LENDER = Lender()


def module_name(module):
    return module.__name__.rpartition(".")[2]


class World:
    """A server, laterd and their users; started piece by piece by the tests."""

    def __init__(self, kind):
        """kind: of SERVERS."""
        self.kind = kind
        self.scene = Scene()
        self.server = self.laterd = None
        self.borrowed = None
        self.users = []
        self.newcomers = 0

    def new_server(self, **options):
        """One of its own, not started."""
        self.server = SERVERS[self.kind](self.scene, accounts=ACCOUNTS, **options)
        return self.server

    def serve(self, **options):
        """A running server, which may be one that other tests have used and will use."""
        if self.kind != "ejabberd":
            return self.new_server(**options).start()
        self.server = self.borrowed = LENDER.lend(ACCOUNTS, **options)
        return self.server

    def start(self, *, privileges=True, offline=True, archive=False, uploads=False, **sections):
        self.serve(privileges=privileges, offline=offline, archive=archive, uploads=uploads)
        self.laterd = Laterd(self.scene, self.server, **sections).start()
        return self

    def listener(self):
        """A section `http` for delivery reports."""
        address = f"127.0.0.1:{free_ports(1)[0]}"
        return {"listen": address, "public_url": f"http://{address}"}

    def user(self, name, **arguments):
        """A user who is not logged in yet."""
        user = User(self.server, name if "@" in name else name + "@example.org", **arguments)
        self.users.append(user)
        return user

    def online(self, *names):
        users = [self.user(name).login() for name in names]
        return users if len(users) > 1 else users[0]

    def newcomer(self, domain="example.org", **arguments):
        """A user of their own for a test that shares its server with others; not logged in yet."""
        self.newcomers += 1
        account = f"visitor{self.newcomers}@{domain}"
        self.server.register(account)
        return self.user(account, **arguments)

    def server_crash(self):
        self.server.kill()
        for user in self.users:
            user.forget_connection()

    def close(self):
        for user in self.users:
            user.forget_connection()
        try:
            self.scene.close()
        finally:
            if self.borrowed:
                LENDER.take_back(self.borrowed)


def pytest_configure(config):
    config.addinivalue_line("markers", "any_server: the same whatever the XMPP server is; runs on Prosody alone")


def pytest_generate_tests(metafunc):
    if "server_kind" in metafunc.fixturenames:
        alone = module_name(metafunc.module) in PROSODY_ALONE or metafunc.definition.get_closest_marker("any_server")
        metafunc.parametrize("server_kind", ["prosody"] if alone else list(SERVERS), scope="module")


def pytest_sessionfinish():
    LENDER.close()


@pytest.fixture
def bare_world(server_kind):
    world = World(server_kind)
    yield world
    world.close()


@pytest.fixture(scope="module")
def stage(request, server_kind):
    """One world for all tests of a module, which has what it is started with in STAGE; a test takes newcomers.

    STAGE is a function of the world where that has other parties as well.
    """
    world = World(server_kind)
    try:
        sections = request.module.STAGE
        yield world.start(**(sections(world) if callable(sections) else sections))
    finally:
        world.close()


@pytest.fixture
def visitor(stage):
    return stage.newcomer().login()


@pytest.fixture
def friend(stage):
    return stage.newcomer().login()


@pytest.fixture
def world(bare_world):
    """Privileges and offline storage granted, laterd connected."""
    return bare_world.start()


@pytest.fixture
def plain_world(bare_world):
    """No privileges."""
    return bare_world.start(privileges=False)


@pytest.fixture
def kannel(bare_world):
    return Kannel(bare_world.scene).start()


@pytest.fixture
def gateway(bare_world):
    return Gateway(bare_world.scene).start()


@pytest.fixture
def mmsc(bare_world):
    return Mmsc(bare_world.scene).start()


@pytest.fixture
def library(bare_world):
    """An https server of media."""
    return Library(bare_world.scene, Certificate(bare_world.scene)).start()


@pytest.fixture
def measured(record_property):
    """measured(text): figures of a test, for the summary."""
    return lambda text: record_property("measured", text)


def pytest_terminal_summary(terminalreporter):
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, text in report.user_properties:
            if name == "measured" and report.when == "call":
                terminalreporter.write_line(text)


# before pytest-xdist reads the marks
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Groups whose tests one worker runs in their order: those that share a world, and those by the clock."""
    if not hasattr(config, "workerinput"):
        return
    for item in items:
        name = module_name(item.module)
        if name in BY_THE_CLOCK:
            item.add_marker(pytest.mark.xdist_group("clock"))
        elif hasattr(item.module, "STAGE"):
            kind = item.callspec.params.get("server_kind") if hasattr(item, "callspec") else None
            item.add_marker(pytest.mark.xdist_group(f"{name}-{kind}"))
    # The long ones first.
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    arguments = getattr(item, "funcargs", {})
    world = arguments.get("bare_world") or arguments.get("stage")
    if report.failed and world is not None:
        for party in [*world.scene.parties, *filter(None, [world.borrowed])]:
            report.sections.append((f"log of {party.name}", "\n".join(party.log.splitlines()[-200:])))
