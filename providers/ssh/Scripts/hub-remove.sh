# Stops the hub, letting running calls end, and removes it with its data; the marker last.
hub_disarm
if command -v "$engine" >/dev/null; then hub_stop; fi
if [ -n "$isSystemd" ] && [ -e "$unit" ]; then
    systemctl -q disable "$hub" 2>/dev/null || true
    rm -f "$unit"
    systemctl -q daemon-reload
    systemctl -q reset-failed "$hub" 2>/dev/null || true
fi
rm -rf "$folder/data" "$folder/previous" "$folder/previous.part" "$folder/new" "$folder/run" "$folder/revert" \
    "$folder/unconfirmed.json"
rm -f "$folder/hub.json"
