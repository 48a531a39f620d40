"""The XMPP servers of a system test, Prosody and ejabberd, with one interface.

Each runs the example configuration of contrib, with the names, ports, paths and secret of the test put in place of those
that stand there, and with what only tests want: plain passwords without TLS, and no connections to other servers, or only
to those that are told by Names.
"""

import glob
import http.client
import json
import os
import re
import subprocess
import time

from scene import PATIENCE, Process, Timeout, free_ports

CONTRIB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "contrib")
UPLOAD_MAX = 100000     # bytes of a file that a server takes
DOMAIN = "example.org"


class Template:
    """An example of contrib, whose parts are replaced one by one; a part that is not there as often as told is an error."""

    def __init__(self, *path):
        with open(os.path.join(CONTRIB, *path)) as f:
            self.text = f.read()

    def replace(self, pattern, text, times=1):
        self.text, found = re.subn(pattern, lambda _: text, self.text, flags=re.MULTILINE)
        assert found == times, f"{pattern!r} is there {found} times, not {times}"

    def remove(self, pattern, times=1):
        self.replace(pattern, "", times)


def is_connected(port):
    """Whether somebody is connected to this port of ours."""
    with open("/proc/net/tcp") as f:
        table = [line.split() for line in f][1:]
    # 01, 08: established, and closed by the other end only
    return any(int(local.partition(":")[2], 16) == port and state in ("01", "08") for _, local, _, state, *_ in table)


class Server(Process):
    """What both have.  Accounts are made with one password."""

    def __init__(self, scene, name, *, privileges=True, offline=True, archive=False, component="later.example.org",
                 secret="open-sesame", accounts=("juliet@example.org", "romeo@example.org"), password="wonderland", ports=None,
                 uploads=False, names=None):
        """names: what it knows of other servers, and they of it; None: there are none."""
        super().__init__(scene, name)
        self.host = "127.0.0.1"
        self.c2s_port, self.component_port = ports or free_ports(2)
        self.http_port = free_ports(1)[0]
        self.privileges, self.offline, self.archive, self.uploads = privileges, offline, archive, uploads
        self.component, self.secret, self.password = component, secret, password
        domains = {account.partition("@")[2] for account in accounts}
        self.domains = [DOMAIN] * (DOMAIN in domains) + sorted(domains - {DOMAIN})
        self.names, self.s2s_port = names, free_ports(1)[0] if names else None
        for domain in [*self.domains, component] if names else []:
            names.host(domain, self.s2s_port)

    def start(self):
        """Until it takes connections.  One that does not, as on a machine that is busy, is started once more."""
        for again in (True, False):
            since = self.mark()
            self.launch()
            try:
                self.wait_up(since)
                return self
            except Timeout as late:
                if self.running:
                    self.kill()
                else:
                    self.wait_exit()
                told = "\n".join(self.lines.items[since:][-15:])
                if not again:
                    raise Timeout(f"{self.name} does not start: {late}\n{told}") from None
                self.lines.append(f"--- {self.name} did not start: {late}; it is tried again ---")

    def wait_lines(self, patterns, since):
        """Until it has told all of them, or has ended."""
        for pattern in patterns:
            def found(lines, pattern=pattern):
                return any(re.search(pattern, line) for line in lines[since:]) or not self.running
            self.lines.wait(found, f"line like {pattern!r} from {self.name}", self.start_patience)
            if not self.running:
                raise Timeout(f"{self.name} has ended")

    def wait_component(self, since=0, timeout=PATIENCE):
        """Until the component has authenticated."""
        self.wait_log(self.authenticated, timeout, since)


class Prosody(Server):
    privilege_ns = "urn:xmpp:privilege:2"
    shows_absence = True            # who has the privilege of presence learns who has gone
    repeats_presence = True         # and, on connecting, who is there
    stores_requests_whole = True    # of subscription, for who is not online
    depth_survived = 10000          # of elements in a stanza, by the server
    authenticated = "External component successfully authenticated"
    refused = "authentication failed"
    start_patience = PATIENCE

    def __init__(self, scene, *, name="prosody", accounts=("juliet@example.org", "romeo@example.org"), **options):
        super().__init__(scene, name, accounts=accounts, **options)
        for account in accounts:
            self.register(account)
        self.config = scene.write(os.path.join(self.home, "prosody.cfg.lua"), self._config())

    def _config(self):
        t = Template("prosody", "laterd-privileges.cfg.lua" if self.privileges else "laterd.cfg.lua")
        without = ["tls", "limits", "posix"]
        without += [] if self.names else ["s2s"]
        without += [] if self.offline else ["offline"]
        without += [] if self.archive else ["mam"]
        t.replace(r"^modules_disabled = \{ \}", "modules_disabled = { " + ", ".join(f'"{m}"' for m in without) + " }")
        t.replace('"internal_hashed"', '"internal_plain"')
        t.replace("^c2s_require_encryption = true", "c2s_require_encryption = false\nallow_unencrypted_plain_auth = true")
        t.replace("^s2s_require_encryption = true", "s2s_require_encryption = false")
        t.replace("^s2s_secure_auth = true", "s2s_secure_auth = false")
        t.replace(r"256 \* 1024", "4 * 1024 * 1024")
        t.replace(r"^component_ports = \{ 5347 \}", f"component_ports = {{ {self.component_port} }}\n"
                  f"c2s_ports = {{ {self.c2s_port} }}\n"
                  'interfaces = { "127.0.0.1" }\nlocal_interfaces = { "127.0.0.1" }\n'
                  f's2s_ports = {{ {self.s2s_port or ""} }}\n'
                  f'http_ports = {{ {self.http_port} }}\nhttps_ports = {{ }}\nhttp_interfaces = {{ "127.0.0.1" }}')
        t.replace('"certs"', f'"{self.home}"')
        t.replace('"/var/lib/prosody"', f'"{self.home}/data"')
        t.replace('"/run/prosody/prosody.pid"', f'"{self.home}/prosody.pid"')
        t.replace(r"^log = \{.*\}", 'log = { { levels = { min = "info" }, to = "console" } }')
        t.replace('"later.example.org"', f'"{self.component}"', 2 if self.privileges else 1)
        t.replace('"secret"', f'"{self.secret}"')
        host = re.search('^VirtualHost "example.org"\n(?:\t.*\n)*', t.text, re.MULTILINE)[0]
        t.replace(re.escape(host), "\n".join(host.replace(f'"{DOMAIN}"', f'"{domain}"') for domain in self.domains))
        if self.uploads:
            t.replace(r"10 \* 1024 \* 1024", f'{UPLOAD_MAX}\n\thttp_host = "127.0.0.1"\n'
                      f'\thttp_external_url = "http://127.0.0.1:{self.http_port}/"')
        else:
            t.remove(r'^Component "upload.example.org" "http_file_share"\n(?:\t.*\n)*')
        return self._lookups() + t.text

    def _lookups(self):
        """What makes it ask our names, with lua-unbound and with its own resolver, which has no option for that."""
        return "" if not self.names else (
            f'unbound = {{ resolvconf = "{self.names.resolv_conf}" }}\n'
            'getmetatable(require "net.dns"._resolver).__index.adddefaultnameservers = function (resolver)\n'
            f'\tresolver:addnameserver("{self.names.address}")\nend\n')

    def register(self, account):
        """Write the file that `prosodyctl register` would."""
        name, _, domain = account.partition("@")
        path = self.scene.directory(os.path.join(self.name, "data"))
        for part in (re.sub(r"[^A-Za-z0-9]", lambda c: f"%{ord(c[0]):02x}", domain), "accounts"):
            path = os.path.join(path, part)
            os.makedirs(path, 0o700, exist_ok=True)
            self.scene.give(path)
        self.scene.write(os.path.join(path, name + ".dat"), f'return {{ ["password"] = "{self.password}"; }};\n')

    def launch(self):
        self.spawn(["prosody", "-F", "--config", self.config])

    def wait_up(self, since):
        services = ["c2s", "component"] + ["s2s"] * bool(self.names) + ["http"] * self.uploads
        self.wait_lines([f"Activated service '{service}' on \\[127" for service in services], since)


class Ejabberd(Server):
    """ejabberd as an Erlang node without a name, which therefore neither listens for other nodes nor needs epmd."""

    privilege_ns = "urn:xmpp:privilege:1"
    shows_absence = repeats_presence = stores_requests_whole = False
    depth_survived = 3000           # 10000 end the process
    start_patience = 3 * PATIENCE
    authenticated = "Accepted external component handshake authentication"
    refused = "Failed external component handshake authentication"

    def __init__(self, scene, *, name="ejabberd", accounts=("juliet@example.org", "romeo@example.org"), **options):
        super().__init__(scene, name, accounts=accounts, **options)
        self.accounts = list(accounts)
        for directory in ("spool", "upload", "log"):
            scene.directory(os.path.join(name, directory))
        self.config = self._write("ejabberd.yml", self._config())
        self.inetrc = self._write("inetrc", self._lookups())

    def _write(self, name, text):
        return self.scene.write(os.path.join(self.home, name), text)

    def _config(self):
        t = Template("ejabberd", "laterd-privileges.yml" if self.privileges else "laterd.yml")
        t.replace("^  - example.org$", "\n".join(f"  - {domain}" for domain in self.domains))
        t.remove("^certfiles:\n  - .*\n")
        t.replace('ip: "::"', 'ip: "127.0.0.1"', 3)
        t.replace("port: 5222", f"port: {self.c2s_port}")
        t.replace("starttls_required: true", "starttls: false")
        t.replace("max_stanza_size: 262144", "max_stanza_size: 4194304")
        t.replace("port: 5269", f"port: {self.s2s_port}")
        t.replace("s2s_use_starttls: required", "s2s_use_starttls: false")
        if not self.names:
            t.remove(f"^  -\n    port: {self.s2s_port}\n(?:    .*\n)*")
            t.replace("^s2s_use_starttls: false", "s2s_use_starttls: false\ns2s_access: none")
        t.replace("port: 5347", f"port: {self.component_port}")
        t.replace("later.example.org:", f"{self.component}:")
        t.replace("server: later.example.org", f"server: {self.component}")
        t.replace('password: "secret"', f'password: "{self.secret}"')
        t.replace("port: 5443", f"port: {self.http_port}")
        t.replace("    tls: true\n", "")
        t.replace("^      /upload: mod_http_upload", "      /upload: mod_http_upload\n      /api: mod_http_api")
        t.replace("auth_password_format: scram", "auth_password_format: plain\napi_permissions:\n"
                  "  tests:\n    who:\n      ip: 127.0.0.1/8\n    what: [\"*\"]")
        t.replace("c2s_shaper: normal", "c2s_shaper: none")
        t.replace("^modules:", "modules:\n  mod_http_api: {}\n  mod_admin_extra: {}")
        t.replace('"https://@HOST@:5443/upload"', f'"http://127.0.0.1:{self.http_port}/upload"')
        t.replace("/var/lib/ejabberd/upload", os.path.join(self.home, "upload"))
        t.replace("max_size: .*", f"max_size: {UPLOAD_MAX}")
        upload = self._without(t, "mod_http_upload")
        if self.uploads:
            # only there, as with Prosody
            t.text += f"append_host_config:\n  {DOMAIN}:\n    modules:\n" + re.sub("^", "    ", upload, flags=re.MULTILINE)
        if not self.offline:
            self._without(t, "mod_offline")
        if not self.archive:
            self._without(t, "mod_mam")
        return t.text

    @staticmethod
    def _without(template, module):
        """Take a module out, and return what stood there."""
        found = re.search(f"^  {module}:.*\n(?:    .*\n)*", template.text, re.MULTILINE)[0]
        template.remove(re.escape(found))
        return found.rstrip("\n")

    def _lookups(self):
        """Erlang's own resolver: what stands in our files and, where it has a resolver of its own, what that says."""
        if self.names:
            hosts, resolver = self.names.hosts, self.names.resolv_conf
        else:
            hosts = self._write("hosts", "127.0.0.1 localhost\n")
            resolver = self._write("resolv.conf", "nameserver 127.255.255.254\noptions timeout:1 attempts:1\n")
        self.files = hosts, resolver
        return (f'{{lookup, [{"file, dns" if self.names else "file"}]}}.\n'
                f'{{hosts_file, "{hosts}"}}.\n{{resolv_conf, "{resolver}"}}.\n')

    def _within(self):
        """A mount namespace with these files for the resolver of libc, where we may have one: what is in neither is then
        not looked for outside."""
        if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL).returncode:
            return []
        script = 'mount --bind "$1" /etc/hosts && mount --bind "$2" /etc/resolv.conf && shift 2 && exec "$@"'
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *self.files]

    def launch(self):
        variables = {
            "EJABBERD_CONFIG_PATH": self.config,
            "EJABBERD_LOG_PATH": os.path.join(self.home, "log", "ejabberd.log"),
            "ERL_LIBS": os.path.dirname(glob.glob("/usr/lib/*/ejabberd-*")[0]),
            "ERL_INETRC": self.inetrc,
            "ERL_CRASH_DUMP": "/dev/null",
        }
        # busy waiting would take the processor from the other parties
        self.spawn(["erl", "-noinput", "+P", "20000", "+Q", "4096", "+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none",
                    "-mnesia", "dir", json.dumps(os.path.join(self.home, "spool")), "-s", "ejabberd"],
                   within=self._within(), **variables)

    def wait_up(self, since):
        ports = [self.c2s_port, self.component_port, self.http_port] + [self.s2s_port] * bool(self.names)
        self.wait_lines([f"Start accepting TCP connections at 127.0.0.1:{port} " for port in ports], since)
        for account in self.accounts:
            self._make(account)

    def call(self, command, **arguments):
        """(status, answer) of a command of the server's, as ejabberdctl has them."""
        connection = http.client.HTTPConnection(self.host, self.http_port, timeout=PATIENCE)
        try:
            connection.request("POST", f"/api/{command}", json.dumps(arguments), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def _make(self, account):
        name, _, domain = account.partition("@")
        status, answer = self.call("register", user=name, host=domain, password=self.password)
        # 409: it is there already
        assert status in (200, 409), (account, status, answer)

    def register(self, account):
        self.accounts.append(account)
        if self.running:
            self._make(account)

    def empty(self):
        """Unregister all accounts, which takes with it all that they have, after whoever was connected has gone."""
        deadline = time.monotonic() + PATIENCE
        while is_connected(self.component_port):
            assert time.monotonic() < deadline, "the component of the test before is still connected"
            time.sleep(0.01)
        for account in self.accounts:
            name, _, domain = account.partition("@")
            status, answer = self.call("unregister", user=name, host=domain)
            assert status == 200, (account, status, answer)
        self.accounts = []
