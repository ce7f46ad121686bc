# Run by the host itself: nobody has confirmed the new hub.
if [ -e "$folder/previous" ]; then
    mkdir -p "$folder/new"
    hub_restore
fi
rm -rf "$folder/unconfirmed.json" "$folder/new"
