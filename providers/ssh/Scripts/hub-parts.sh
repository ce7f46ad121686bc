# What the scripts of a hub share: starting, stopping and putting back. Argument: ENGINE.
engine=$1
shift
unit=/etc/systemd/system/osiris-hub.service
hub=osiris-hub
[ -d /run/systemd/system ] && isSystemd=yes || isSystemd=

# The engine that was brought, for who does not know it.
hub_engine() { [ ! -e "$folder/engine.stat" ] || read -r engine path <"$folder/engine.stat"; }

hub_stop() {
    if [ -n "$isSystemd" ]; then systemctl -q stop "$hub" 2>/dev/null || true; fi
    if "$engine" container inspect "$hub" >/dev/null 2>&1 </dev/null; then
        "$engine" stop -t 12 "$hub" >/dev/null 2>&1 </dev/null || true
        "$engine" rm --force "$hub" >/dev/null 2>&1 </dev/null || true
    fi
}

hub_start() {
    begun=$(date +%s)
    if [ -n "$isSystemd" ]; then
        # A reload costs a host more than all else here; by itself `enable` would do another one.
        systemctl -q --no-reload enable "$hub" 9<&-
        systemctl -q daemon-reload 9<&-
        systemctl -q restart "$hub" 9<&-
    else
        set --
        while read -r word; do set -- "$@" "$word"; done <"$folder/run"
        "$engine" "$@" 9<&- >"$folder/new/start" 2>&1 </dev/null || true
    fi
}

# True once the hub answers. Not later than after 30 seconds, and at once when it has ended at its start.
hub_ready() {
    while [ "$(date +%s)" -lt $((begun + 30)) ]; do
        if "$engine" exec "$hub" osiris-hub healthcheck --data /data >/dev/null 2>&1 </dev/null; then return 0; fi
        if [ -n "$isSystemd" ]; then
            [ "$(systemctl show --property=NRestarts --value "$hub")" = 0 ] || return 1
        fi
        sleep 0.2
    done
    return 1
}

hub_log() {
    if [ -n "$isSystemd" ]; then
        journalctl --quiet --output=cat --since="@$begun" --lines=20 "_SYSTEMD_UNIT=$hub.service" 2>/dev/null
    else
        { cat "$folder/new/start"; "$engine" logs --tail 20 "$hub"; } 2>&1 </dev/null
    fi | awk '!seen[$0]++' | tail_line
}

# A file of the hub's, in one step, its own.
hub_put() {
    cp "$1" "$folder/data/$2.part"
    chown "$user:$user" "$folder/data/$2.part"
    chmod 600 "$folder/data/$2.part"
    sync "$folder/data/$2.part" 2>/dev/null || sync
    mv -f "$folder/data/$2.part" "$folder/data/$2"
}

# Brings the files of a folder: config, and tls, unit, run where they are in it.
hub_files() {
    read -r user <"$1/user" || true
    mkdir -p "$folder/data"
    chown -R "$user:$user" "$folder/data"
    hub_put "$1/config" hub.json
    if [ -e "$1/tls" ]; then hub_put "$1/tls" tls.pem; fi
    put run <"$1/run"
    if [ -n "$isSystemd" ]; then
        cp "$1/unit" "$unit.part"
        chmod 644 "$unit.part"
        sync "$unit.part" 2>/dev/null || sync
        mv -f "$unit.part" "$unit"
    fi
}

# Keeps what the hub runs by now, unless an earlier try that did not come to its end has kept it.
hub_keep() {
    [ -e "$folder/hub.json" ] && [ -e "$folder/data/hub.json" ] && [ ! -e "$folder/previous" ] || return 0
    rm -rf "$folder/previous.part"
    mkdir "$folder/previous.part"
    cp "$folder/data/hub.json" "$folder/previous.part/config"
    if [ -e "$folder/data/tls.pem" ]; then cp "$folder/data/tls.pem" "$folder/previous.part/tls"; fi
    cp "$folder/run" "$folder/previous.part/run"
    stat -c %u "$folder/data" >"$folder/previous.part/user"
    if [ -n "$isSystemd" ]; then cp "$unit" "$folder/previous.part/unit"; fi
    sync
    mv "$folder/previous.part" "$folder/previous"
}

# Puts the previous hub back and says how it went.
hub_restore() {
    hub_stop
    hub_files "$folder/previous"
    hub_start
    if hub_ready; then
        rm -rf "$folder/previous" "$folder/unconfirmed.json"
        echo "the previous hub runs again"
    else
        echo "the previous hub was put back and does not answer either: $(hub_log)"
    fi
}

# The host's own clock puts the previous hub back unless somebody confirms the new one.
hub_arm() {
    if [ -n "$isSystemd" ]; then
        systemctl -q stop osiris-revert.timer 2>/dev/null || true
        systemd-run --quiet --collect --unit=osiris-revert --on-active="$1" \
            /bin/sh "$folder/revert" "$folder" "$cluster" "$host" "$lineage" "$lock" "$engine" 9<&-
    else
        (
            exec 9<&- </dev/null >/dev/null 2>&1
            trap '' HUP
            sleep "$1"
            exec sh "$folder/revert" "$folder" "$cluster" "$host" "$lineage" "$lock" "$engine"
        ) &
    fi
}

hub_disarm() { [ -z "$isSystemd" ] || systemctl -q stop osiris-revert.timer 2>/dev/null || true; }
