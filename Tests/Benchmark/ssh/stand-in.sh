#!/bin/sh
# Stands in for podman on the hosts of the benchmark, where the client is measured and not an engine: `load` notes the
# image's identity, `run` is a small web server that answers as a hub does.
images=/var/lib/bench-images
while :; do case $1 in --version) break ;; --*) shift ;; *) break ;; esac; done
case $1 in
version) echo 4.3.1 ;;
--version) echo "podman version 4.3.1" ;;
info) ;;
load)
    while [ "$1" != --input ]; do shift; done
    mkdir -p $images
    touch "$images/sha256:$(tar -xOf "$2" manifest.json | sed 's/.*sha256.\([0-9a-f]*\).*/\1/;q')" ;;
image) [ -e "$images/$3" ] ;;
run) exec /usr/bin/python3 /usr/local/lib/stand-in.py /var/lib/osiris/data/hub.json ;;
exec)
    shift 2
    [ "$2" != version ] || { echo "osiris-hub $(cat /usr/local/lib/stand-in.version)"; exit; }
    [ -s /run/bench ] ;;
container) exit 1 ;;
rm | stop) rm -f /run/bench ;;
esac
