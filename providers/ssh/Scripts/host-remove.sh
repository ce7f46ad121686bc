# Removes what is left of osiris, the marker last. The fence stays, so that a run that was overtaken changes nothing.
for name in boot first-boot new previous upload packages data engine.before engine.packages engine.source engine.stat engine.json \
    image.json hub.json run \
    revert unconfirmed.json cordon.json cordon.json.part fence.part host.json.part; do
    rm -rf "${folder:?}/$name"
done
rm -f "$folder/host.json"
