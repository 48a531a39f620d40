-- Prosody for example.org with laterd as its component later.example.org, which has no privileges.
--
-- A complete configuration: each domain, port and path may be yours already; what laterd needs is marked "laterd".
-- See README in this directory.

modules_enabled = {
	"roster"; "saslauth"; "tls"; "dialback"; "disco"; "posix";
	"blocklist"; "bookmarks"; "carbons"; "csi_simple"; "limits"; "pep"; "private"; "smacks"; "vcard4"; "vcard_legacy";
	"ping"; "time"; "uptime"; "version";
	"mam"; -- archives of the users
	-- laterd: what is sent to a user who is offline is stored, unless laterd can see that they are
	"offline";
}
modules_disabled = { }

authentication = "internal_hashed"
c2s_require_encryption = true
s2s_require_encryption = true
s2s_secure_auth = true
c2s_stanza_size_limit = 256 * 1024
limits = { c2s = { rate = "10kb/s" }; s2sin = { rate = "30kb/s" } }

-- laterd: where the component connects.  It is not encrypted: keep it on loopback, or in a tunnel.
component_ports = { 5347 }
component_interfaces = { "127.0.0.1" }
-- laterd sends 200 KiB at most
component_stanza_size_limit = 512 * 1024

certificates = "certs"
data_path = "/var/lib/prosody"
pidfile = "/run/prosody/prosody.pid"
log = { info = "/var/log/prosody/prosody.log"; error = "/var/log/prosody/prosody.err" }

VirtualHost "example.org"

-- laterd: component.address of laterd.conf
Component "later.example.org"
	-- what stands in the secret_file of laterd.conf
	component_secret = "secret"

-- files of the users (XEP-0363), which laterd can take as the media of an MMS; it needs a certificate of its own
Component "upload.example.org" "http_file_share"
	http_file_share_size_limit = 10 * 1024 * 1024
