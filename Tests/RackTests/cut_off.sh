#!/bin/sh
# Runs a command in a network that leads to the rack and nowhere else: cut_off.sh BRIDGE ADDRESS COMMAND...
#
# Everything for another place goes to a card at which nobody listens. The last line tells how many packets the command sent
# there, and how many a packet for another place made that was sent on purpose afterwards.
set -eu
bridge=$1 address=$2
shift 2
# Ends with us, however we end.
unshare --net tail -s 0.2 --pid=$$ -f /dev/null &
net=$!
# Not by a signal that whoever started us may have blocked.
trap 'kill -KILL $net; ip link delete "${bridge}x" 2>/dev/null || true' EXIT
while [ "$(readlink /proc/$net/ns/net)" = "$(readlink /proc/$$/ns/net)" ]; do sleep 0.02; done
inside() { nsenter -t $net -n "$@"; }
# Cards of IPv6 look for routers by themselves.
inside sh -c 'for name in all default; do echo 1 >/proc/sys/net/ipv6/conf/$name/disable_ipv6; done' 2>/dev/null || true
ip link add "${bridge}x" type veth peer name eth0 netns $net
ip link set "${bridge}x" master "$bridge" up
inside ip link set lo up
inside ip address add "$address/24" dev eth0
inside ip link set eth0 up
inside ip link add elsewhere type veth peer name nowhere
inside ip link set nowhere up
inside ip link set elsewhere up
inside ip address add 192.0.2.1/24 dev elsewhere
inside ip route add default via 192.0.2.2
inside ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev elsewhere nud permanent
sent() { inside awk '$1 == "elsewhere:" { print $11 }' /proc/net/dev; }
status=0
inside "$@" || status=$?
before=$(sent)
inside python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("203.0.113.9", 9))'
echo "elsewhere $before, then $(($(sent) - before))"
exit $status
