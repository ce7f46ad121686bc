# The beginning of every script that changes a host: one at a time, none that a later run has overtaken, only on a host of
# this cluster. Arguments: FOLDER CLUSTER HOST LINEAGE LOCK, then the script's own. Payload on standard input: `take`.
#
# Ends with 65 when it refuses, 70 when another try may help, 75 when a later run was here; the reason is the line of
# standard error that begins with "osiris: ". It may be killed anywhere: run again, it comes to the same end.
set -eu
umask 077
LC_ALL=C PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL PATH
folder=$1 cluster=$2 host=$3 lineage=$4 lock=$5
shift 5

end() {
    status=$1
    shift
    printf 'osiris: %s\n' "$*" >&2
    exit "$status"
}

# Puts standard input into a file of the folder in one step.
put() {
    cat >"$folder/$1.part"
    sync "$folder/$1.part" 2>/dev/null || sync
    mv -f "$folder/$1.part" "$folder/$1"
}

# Reads the payload into the folder `new`: lines of a name and the file in base64, then `end`. Without that it is not whole.
# Secrets are in it: they pass through this shell alone, and never stand on a command line.
take() {
    [ ! -e "$folder/new" ] || rm -rf "$folder/new"
    trap 'rm -rf "$folder/new"' EXIT
    mkdir "$folder/new"
    name=
    while read -r name text; do
        [ "$name" != end ] || break
        printf %s "$text" | base64 -d >"$folder/new/$name"
    done
    [ "$name" = end ] || end 70 "the connection ended before everything had arrived; nothing was changed"
}

# The last lines on standard input, in one line.
tail_line() { tail -n 4 | tr '\n\t' '| ' | tr -d '\000-\037' | sed 's/|*$//' | cut -c 1-1500; }

# Removes the package source of the engine if osiris has put it there; `engine.source` names its files.
source_drop() {
    [ -e "$folder/engine.source" ] || return 0
    while read -r file; do rm -f "$file"; done <"$folder/engine.source"
    rm -f "$folder/engine.source"
}

command -v flock >/dev/null || end 65 "it has no program flock; install the package util-linux"
[ -d "$folder" ] || mkdir -p "$folder"
# The lock is the folder's own: it leaves no file behind. Programs that stay must not inherit it (9<&-).
exec 9<"$folder"
# A first start may be at work, which brings the engine and the image in one go.
wait=120
[ ! -e "$folder/boot" ] || wait=600
flock -w "$wait" 9 || end 70 "another osiris is at work on this host and does not come to an end"

if [ "$lineage" != - ]; then
    highest=0
    if [ -e "$folder/fence" ]; then
        while read -r name number; do [ "$name" != "$lineage" ] || highest=$number; done <"$folder/fence"
    fi
    [ "$highest" -le "$lock" ] || end 75 "it was changed by a later run (lock $highest, this run has $lock)"
    if [ "$highest" -lt "$lock" ]; then
        {
            [ ! -e "$folder/fence" ] || grep -v "^$lineage " "$folder/fence" || true
            echo "$lineage $lock"
        } | put fence
    fi
fi

# `host.json` is one line of JSON without spaces, as the provisioner wrote it.
if [ -e "$folder/host.json" ]; then
    read -r mark <"$folder/host.json" || true
    case $mark in *"\"cluster\":\"$cluster\""*) ;; *) mark= ;; esac
    case $mark in *"\"address\":\"$host\""*) ;; *) end 65 "it belongs to another: $(head -c 300 "$folder/host.json")" ;; esac
    isOurs=yes
else
    isOurs=
fi
