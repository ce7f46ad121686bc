# Says that the new hub was reached over a new connection: the previous one is not put back.
hub_disarm
if [ -e "$folder/unconfirmed.json" ]; then
    mv -f "$folder/unconfirmed.json" "$folder/hub.json"
    rm -rf "$folder/previous" "$folder/revert"
elif [ -e "$folder/revert" ]; then
    rm -f "$folder/revert"
    end 65 "nobody confirmed the new hub in time, so the host has put the previous one back"
fi
