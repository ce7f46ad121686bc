# Takes the mark away, and starts the hub of a drained host again.
[ -e "$folder/cordon.json" ] || exit 0
drained=
grep -qF '"drained":true' "$folder/cordon.json" && drained=yes
rm -f "$folder/cordon.json"
if [ -n "$drained" ] && [ -e "$folder/hub.json" ]; then
    hub_engine
    mkdir -p "$folder/new"
    trap 'rm -rf "$folder/new"' EXIT
    hub_start
    hub_ready || end 65 "it is uncordoned, but its hub does not become ready, which an apply mends: $(hub_log)"
fi
