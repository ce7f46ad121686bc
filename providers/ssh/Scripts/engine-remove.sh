# Removes the engine's packages if osiris has installed them and nothing else uses the engine. Argument: NAME.
engine=$1
list() {
    if command -v dpkg-query >/dev/null; then dpkg-query -W -f '${Package}\n'; else rpm -qa --qf '%{NAME}\n'; fi | sort -u
}
# An installation that did not come to its end.
if [ -e "$folder/engine.before" ]; then list | grep -vxFf "$folder/engine.before" | put engine.packages; fi
if [ -s "$folder/engine.packages" ]; then
    used=
    if command -v "$engine" >/dev/null; then
        # Ours are gone by now.
        [ -z "$("$engine" ps --all --quiet </dev/null 2>/dev/null)" ] || used=containers
        [ -z "$("$engine" images --quiet </dev/null 2>/dev/null)" ] || used=${used:+$used and }images
        [ -z "$("$engine" volume ls --quiet </dev/null 2>/dev/null)" ] || used=${used:+$used and }volumes
    fi
    if [ -n "$used" ]; then
        echo "$engine stays: it has $used that are not ours"
        rm -f "$folder/engine.source"
    else
        names=$(tr '\n' ' ' <"$folder/engine.packages")
        log=$folder/engine.log
        # The names are those of packages: words without anything to quote.
        # shellcheck disable=SC2086
        if command -v apt-get >/dev/null; then
            dpkg --configure -a 9<&- </dev/null >"$log" 2>&1 || true
            DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 purge $names 9<&- </dev/null >"$log" 2>&1
        elif command -v dnf >/dev/null; then
            dnf -y remove $names 9<&- </dev/null >"$log" 2>&1
        else
            ZYPP_LOCK_TIMEOUT=300 zypper --non-interactive remove $names 9<&- </dev/null >"$log" 2>&1
        fi || end 70 "$engine could not be removed: $(tail_line <"$log")"
        rm -f "$log"
    fi
fi
source_drop
rm -f "$folder/engine.before" "$folder/engine.packages" "$folder/engine.stat" "$folder/engine.json"
