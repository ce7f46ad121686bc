# Removes the engine's packages if osiris has installed them and nothing else uses the engine. Argument: NAME.
engine=$1
if [ -s "$folder/engine.packages" ] && command -v "$engine" >/dev/null; then
    if [ -n "$("$engine" ps --all --quiet </dev/null 2>/dev/null)" ]; then
        echo "$engine stays: it has containers that are not ours"
    else
        "$engine" rmi --all --force </dev/null >/dev/null 2>&1 || true
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
rm -f "$folder/engine.before" "$folder/engine.packages" "$folder/engine.stat" "$folder/engine.json"
