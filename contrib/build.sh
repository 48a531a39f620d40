# Sourced by quickstart and check: build laterd out of tree, from a copy, so that the source tree may be read-only or configured.

# build_laterd FROM TO ARGUMENTS...: configure with ARGUMENTS and make; TO/source and TO/objects are made anew
build_laterd() {
	from=$1 to=$2
	shift 2
	rm -rf "$to" && mkdir -p "$to/source" "$to/objects" || return 1
	echo "Building in $to"
	(
		set -e
		cd "$to/source"
		tar -C "$from" --exclude=./.git --exclude=./build -cf - . | tar -xf -
		[ ! -f config.status ] || make distclean
		autoreconf -fi
		cd "$to/objects"
		"$to/source/configure" "$@"
		make -j"$(nproc)"
	) >"$to/build.log" 2>&1 || { tail -n 40 "$to/build.log" >&2; echo "The build failed: $to/build.log" >&2; return 1; }
}
