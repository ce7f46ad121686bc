# Leaves the host alone from now on: every plan sees the mark. Payload: cordon.json. Argument after those of hub-parts.sh:
# DRAIN (yes: the hub is stopped too, once running calls have ended, and stays so over reboots).
[ -n "$isOurs" ] || end 65 "it is no host of this cluster yet: apply first"
take
put cordon.json <"$folder/new/cordon.json"
if [ "$1" = yes ]; then
    hub_engine
    hub_disarm
    [ -z "$isSystemd" ] || systemctl -q disable "$hub" 2>/dev/null || true
    hub_stop
fi
