#!/bin/sh
# Written by osiris: puts the host's keys onto the console at each start, as cloud-init does at the first one alone. A cloud keeps
# only the end of a console, and after a loss of the state the keys are taken from there.
{
    echo '-----BEGIN SSH HOST KEY KEYS-----'
    cat /etc/ssh/ssh_host_*_key.pub
    echo '-----END SSH HOST KEY KEYS-----'
} >/dev/console
