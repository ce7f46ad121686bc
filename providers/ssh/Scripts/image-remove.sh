# Removes the images that osiris brought. Argument: ENGINE.
engine=$1
if [ -e "$folder/images" ] && command -v "$engine" >/dev/null; then
    while read -r image; do "$engine" rmi "$image" </dev/null >/dev/null 2>&1 || true; done <"$folder/images"
fi
rm -rf "$folder/upload" "$folder/images" "$folder/image.json"
