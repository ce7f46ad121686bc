# Brings an image. Arguments: ENGINE IMAGE (an identity or a reference) ARCHIVE (to load it from, or - to pull it).
# Payload: image.json. Where the archive is needed and not there, it writes how many bytes of it are, and ends with 66. Of the images osiris brought earlier, one is kept: what a hub may have to go back to.
[ -n "$isOurs" ] || end 65 "its marker is gone: plan again"
engine=$1 image=$2 archive=$3
take
log=$folder/new/log
has() { "$engine" image inspect "$1" </dev/null >/dev/null 2>&1; }
if ! has "$image"; then
    if [ "$archive" = - ]; then
        "$engine" pull --quiet "$image" 9<&- </dev/null >"$log" 2>&1 ||
            end 70 "there is no image $image: $(tail_line <"$log")"
    else
        if [ ! -e "$archive" ]; then
            # What an archive of another image left here is of no use any more.
            mkdir -p "$folder/upload"
            for old in "$folder"/upload/*; do
                case $old in "$archive"*) ;; *) rm -f "$old" ;; esac
            done
            wc -c 2>/dev/null <"$archive.part" || echo 0
            end 66 "the archive of image $image is not there yet"
        fi
        "$engine" load --quiet --input "$archive" 9<&- </dev/null >"$log" 2>&1 ||
            end 65 "$engine cannot load the image: $(tail_line <"$log")"
        has "$image" || end 65 "$engine loaded the archive, but has no image $image now"
    fi
fi
rm -rf "$folder/upload"
# Newest last. The present one and the one before it stay.
touch "$folder/images"
{ grep -vxF "$image" "$folder/images" || true; echo "$image"; } | put images
count=$(wc -l <"$folder/images")
head -n $((count > 2 ? count - 2 : 0)) "$folder/images" | while read -r old; do
    # One that a container still runs from stays; the next update tries again.
    if ! has "$old" || "$engine" rmi "$old" </dev/null >/dev/null 2>&1; then
        { grep -vxF "$old" "$folder/images" || true; } | put images
    fi
done
put image.json <"$folder/new/image.json"
