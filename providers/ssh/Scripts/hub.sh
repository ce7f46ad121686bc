# Brings the hub: ends with one that runs with this configuration and answers, or with the one from before.
# Arguments after those of hub-parts.sh: VERSION CONFIRM (seconds in which a new connection must confirm; 0: none is asked).
# Payload: config, unit, run, user, hub.json; tls if there is a new certificate; revert if CONFIRM is not 0.
[ -n "$isOurs" ] || end 65 "its marker is gone: plan again"
version=$1 confirm=$2
take
new=$folder/new
hub_disarm
[ ! -e "$folder/unconfirmed.json" ] || rm -f "$folder/unconfirmed.json"

same=yes
cmp -s "$new/config" "$folder/data/hub.json" && cmp -s "$new/run" "$folder/run" && [ ! -e "$folder/previous" ] || same=
[ -z "$isSystemd" ] || cmp -s "$new/unit" "$unit" || same=
begun=$(date +%s)
if [ -n "$same" ] && "$engine" exec "$hub" osiris-hub healthcheck --data /data >/dev/null 2>&1 </dev/null; then
    # It runs as it should. A new certificate it takes up by itself.
    user=$(cat "$new/user")
    if [ -e "$new/tls" ]; then hub_put "$new/tls" tls.pem; fi
    put hub.json <"$new/hub.json"
    exit 0
fi

hub_keep
isNew=
[ -e "$folder/previous" ] || isNew=yes
[ -z "$isNew" ] || confirm=0
if [ "$confirm" != 0 ]; then
    put revert <"$new/revert"
    hub_arm $((confirm + 30))
fi
hub_stop
hub_files "$new"
grep -qF '"tls":' "$new/config" || rm -f "$folder/data/tls.pem"
hub_start
problem=
if hub_ready; then
    found=$("$engine" exec "$hub" osiris-hub version 2>/dev/null </dev/null | awk '{ print $NF }')
    [ "$version" = - ] || [ "$found" = "$version" ] || problem="the image holds hub version $found, planned was $version"
else
    problem="the hub did not become ready: $(hub_log)"
fi
if [ -z "$problem" ]; then
    if [ "$confirm" != 0 ]; then
        put unconfirmed.json <"$new/hub.json"
        echo unconfirmed
    else
        put hub.json <"$new/hub.json"
        rm -rf "$folder/previous"
    fi
    exit 0
fi
hub_disarm
if [ -n "$isNew" ]; then
    # Nobody knew it yet: only its data stay, if there were any.
    hub_stop
    if [ -n "$isSystemd" ]; then
        systemctl -q disable "$hub" 2>/dev/null || true
        rm -f "$unit"
        systemctl -q daemon-reload
    fi
    rm -f "$folder/run" "$folder/data/hub.json" "$folder/data/tls.pem"
    end 65 "$problem"
fi
end 65 "$problem; $(hub_restore)"
