# Sourced by quickstart and check: the Debian packages they need, and how to install them without starting a server.

build_packages="gcc make autoconf automake pkg-config libstrophe-dev libexpat1-dev libevent-dev libsqlite3-dev
	libcurl4-openssl-dev libjansson-dev libssl-dev libical-dev libidn-dev libconfuse-dev uthash-dev"
test_packages="libcmocka-dev openssl prosody prosody-modules ejabberd kannel kannel-extras wrk python3-slixmpp python3-pytest
	python3-pytest-xdist mandoc procps systemd tmux profanity"
trial_packages="prosody prosody-modules python3-slixmpp"

policy=/usr/sbin/policy-rc.d
policy_mark="put here by laterd's contrib/packages.sh while it installs; may be deleted"

# missing_packages NAME...: those that are not installed
missing_packages() {
	for package in "$@"; do
		dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || echo "$package"
	done
}

# What starts with the system: links of systemd and of the runlevels.
startup_links() {
	find /etc/systemd/system /etc/rc[2345S].d \( -path '*/systemd/*' -o -name 'S*' \) -type l 2>/dev/null | sort
}

# disable_since FILE: what was not in FILE's startup_links will not start, and does not run
disable_since() {
	startup_links | comm -13 "$1" - | while read -r link; do
		name=${link##*/}
		case $link in
		/etc/rc*)
			update-rc.d "${name#S[0-9][0-9]}" disable ;;
		*)
			rm -f "$link"
			[ ! -d /run/systemd/system ] || systemctl stop "$name" ;;
		esac
	done >/dev/null 2>&1
	[ ! -d /run/systemd/system ] || systemctl daemon-reload
}

# install_packages NAME...: install what is missing and nothing else; on failure say what to do
install_packages() {
	missing=$(missing_packages "$@")
	[ -n "$missing" ] || return 0
	missing=$(echo $missing)
	if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
		echo "These packages are missing. Install them as root and start again:" >&2
		echo "  apt-get install --no-install-recommends $missing" >&2
		return 1
	fi
	echo "Installing $missing"
	# A subshell has traps of its own.
	(
		before=$(mktemp) || exit 1
		startup_links >"$before"
		put_back() {
			disable_since "$before"
			rm -f "$before"
			if grep -qsF "$policy_mark" "$policy"; then rm -f "$policy"; fi
		}
		trap put_back EXIT
		trap 'exit 129' HUP
		trap 'exit 130' INT
		trap 'exit 143' TERM
		if [ ! -e "$policy" ]; then
			printf '#!/bin/sh\n# %s\nexit 101\n' "$policy_mark" >"$policy" && chmod 755 "$policy" || exit 1
		fi
		export DEBIAN_FRONTEND=noninteractive
		apt-get -qq update || echo "The package lists could not be refreshed." >&2
		# --no-remove: rather fail than take away what conflicts
		apt-get -qq -y --no-install-recommends --no-remove install $missing </dev/null
	) || { echo "The packages could not be installed." >&2; return 1; }
}
