-- Prosody for example.org with laterd as its component later.example.org, which may send as the users.
--
-- A complete configuration: each domain, port and path may be yours already; what laterd needs is marked "laterd".
-- See README in this directory.

-- laterd: where mod_privilege of prosody-modules is, unless Debian's package has put it to Prosody's own
-- plugin_paths = { "/usr/local/lib/prosody/modules" }

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
	-- laterd: XEP-0356.  The module is needed here, and in the component.
	modules_enabled = { "privilege" }
	privileged_entities = {
		["later.example.org"] = {
			-- messages come from the sender's own address
			message = "outgoing";
			-- laterd sees who is online without asking them for a subscription
			presence = "managed_entity";
			-- laterd may write itself into the rosters of those who are to be sent something when they are online
			roster = "both";
			-- laterd asks for a place for a file as the user who gets the file
			iq = { ["urn:xmpp:http:upload:0"] = "get" };
		};
	}

-- laterd: component.address of laterd.conf
Component "later.example.org"
	-- what stands in the secret_file of laterd.conf
	component_secret = "secret"
	modules_enabled = { "privilege" }

-- files of the users (XEP-0363), which laterd can take as the media of an MMS; it needs a certificate of its own
Component "upload.example.org" "http_file_share"
	http_file_share_size_limit = 10 * 1024 * 1024
