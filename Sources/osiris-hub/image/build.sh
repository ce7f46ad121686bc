#!/bin/sh
# Makes the hub's image: build.sh PROGRAM ARCHIVE
#
# A Debian tree with Python, Node.js, certificates, the libraries that PROGRAM says it needs, and PROGRAM. RUNTIMES=python3
# leaves Node.js out, which is a third of the size. Two runs over the same
# program and the same Debian packages make the same image (equal image id), so that a rebuild without a change is none.
set -eu

[ $# = 2 ] || { echo "usage: build.sh PROGRAM ARCHIVE" >&2; exit 2; }
program=$1 archive=$2 here=$(dirname "$0")

for tool in mmdebstrap python3 ldd dpkg-query; do
    command -v "$tool" >/dev/null || {
        echo "build.sh: $tool is missing; install it with: apt-get install mmdebstrap python3" >&2
        exit 1
    }
done
[ -x "$program" ] || { echo "build.sh: $program is not a program; build it with: make build" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/bin" "$work/lib" "$(dirname "$archive")"
cp "$program" "$work/bin/osiris-hub"
# Symbols stay, for readable crash reports.
! command -v strip >/dev/null || strip --strip-debug "$work/bin/osiris-hub"

# A library of Debian's comes with its package; any other (the Swift runtime of a debug build) is copied.
packages=ca-certificates,tini,bubblewrap
for runtime in ${RUNTIMES:-python3 node}; do
    case $runtime in
    python3) packages="$packages,python3" ;;
    node) packages="$packages,nodejs" ;;
    *) echo "build.sh: RUNTIMES may hold python3 and node, not $runtime" >&2; exit 2 ;;
    esac
done
ldd "$program" | awk '$3 ~ /^\// { print $3 } $2 == "=>" && $3 == "not" { print "missing: " $1 }' >"$work/libraries"
if grep '^missing:' "$work/libraries" >&2; then exit 1; fi
while read -r library; do
    if owner=$(dpkg-query -S "*/$(basename "$library")" 2>/dev/null); then
        packages="$packages,$(echo "$owner" | sed -n '1s/:.*//p')"
    else
        cp -L "$library" "$work/lib/"
        ! command -v strip >/dev/null || strip --strip-debug "$work/lib/$(basename "$library")"
    fi
done <"$work/libraries"

# Times in the image: never newer than the commit, and Python's compiled modules still match their sources.
SOURCE_DATE_EPOCH=$(git -C "$here" log -1 --format=%ct -- . 2>/dev/null || true)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1700000000}
export SOURCE_DATE_EPOCH

mmdebstrap --quiet --variant=minbase --include="$packages" \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --customize-hook="copy-in '$work/bin/osiris-hub' /usr/local/bin" \
    --customize-hook="sync-in '$work/lib' /usr/local/lib" \
    --customize-hook='chroot "$1" ldconfig' \
    --customize-hook='chroot "$1" osiris-hub version' \
    --customize-hook='[ ! -e "$1/usr/bin/python3" ] || chroot "$1" python3 -m compileall -q \
        --invalidation-mode unchecked-hash /usr/lib/python3.11' \
    --customize-hook='install -d -o 65532 -g 65532 -m 700 "$1/data"' \
    --customize-hook='rm -rf "$1"/var/cache/ldconfig/* "$1"/var/log/* "$1"/etc/hostname "$1"/etc/resolv.conf' \
    bookworm "$work/tree.tar"

# dist/osiris-hub.tar holds localhost/osiris-hub:VERSION.
version=$("$program" version | cut -d' ' -f2)
rm -f "$archive"
python3 "$here/oci.py" "$work/tree.tar" "localhost/$(basename "$archive" .tar):$version" "$SOURCE_DATE_EPOCH" "$archive"
ls -lh "$archive"
