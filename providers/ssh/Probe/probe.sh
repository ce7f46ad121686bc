# Says what a host is and has, as one JSON document. Changes nothing. Arguments: FOLDER, where osiris keeps its files.
# Runs in dash, bash and busybox; needs nothing but what every Linux has. A fact that cannot be found out is left out.
LC_ALL=C PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL PATH
folder=$1
quote='"'

# Writes a key and a text as JSON, if there is a text. Forks only for what needs escapes.
text() {
    [ -n "$2" ] || return 0
    case $2 in
        *[\\\"]* | *[![:print:]]*)
            set -- "$1" "$(printf %s "$2" | tr -d '\000-\037\177-\377' | sed 's/[\\"]/\\&/g')" ;;
    esac
    printf '"%s":"%s",' "$1" "$2"
}
# The same for a number.
number() {
    case $2 in '' | *[!0-9]*) ;; *) printf '"%s":%s,' "$1" "$2" ;; esac
}
there() { command -v "$1" >/dev/null 2>&1; }

printf '{'
number clock "$(date +%s)"

id='' version='' like=''
if [ -r /etc/os-release ]; then
    while IFS='=' read -r key value || [ -n "$key" ]; do
        value=${value#"$quote"} value=${value%"$quote"} value=${value#"'"} value=${value%"'"}
        case $key in ID) id=$value ;; VERSION_ID) version=$value ;; ID_LIKE) like=$value ;; esac
    done </etc/os-release
fi
text os "$id"
text osVersion "$version"
text osLike "$like"
set -- $(uname -nrm)
text hostname "$1"
text kernel "$2"
text arch "$3"
if [ -r /etc/machine-id ]; then
    read -r value </etc/machine-id
    text machine "$value"
fi
if [ -d /run/systemd/system ]; then text init systemd; else text init other; fi
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then number cgroups 2; else number cgroups 1; fi
for key in apt-get dnf yum zypper apk; do
    if there $key; then
        text packages $key
        break
    fi
done

value=$(id -u)
if [ "$value" != 0 ]; then text rights none
elif [ -n "$SUDO_USER" ]; then text rights sudo
elif [ -n "$DOAS_USER" ]; then text rights doas
else text rights root; fi

while read -r key value rest; do
    case $key in MemTotal:) number memory $((value * 1024)) ;; MemAvailable:) number memoryFree $((value * 1024)) ;; esac
done </proc/meminfo
number cpus "$(nproc 2>/dev/null || grep -c ^processor /proc/cpuinfo)"

# Of the folder, or of where it would be made.
value=$folder
while [ -n "$value" ] && [ ! -d "$value" ]; do value=${value%/*}; done
set -- $(df -Pk "${value:-/}" 2>/dev/null | tail -n 1)
if [ $# -ge 6 ]; then
    number disk $(($2 * 1024))
    number diskFree $(($4 * 1024))
fi

# All files of osiris, each line with its file's name before it; `unreadable` if there may be some.
if [ -d "$folder" ]; then
    if [ -r "$folder" ] && [ -x "$folder" ]; then
        set --
        for value in "$folder"/*.json "$folder/fence"; do [ ! -f "$value" ] || set -- "$@" "$value"; done
        [ $# = 0 ] || text files "$(cd "$folder" && grep -H '' "$@" 2>/dev/null | base64 | tr -d '\n')"
    else
        printf '"unreadable":true,'
    fi
fi

# Engines, with their versions from a note if the program is still the one of then: asking takes them long.
printf '"engines":{'
comma=''
for key in podman docker; do
    path=$(command -v $key) || continue
    stamp=$(stat -L -c %s:%Y "$path" 2>/dev/null)
    version=''
    if [ -r "$folder/engine.stat" ]; then
        while read -r name value rest; do
            [ "$name $value" != "$key $stamp" ] || version=$rest
        done <"$folder/engine.stat"
    fi
    if [ -z "$version" ]; then
        version=$("$path" --version </dev/null 2>/dev/null)
        # A `docker` that is podman in disguise is none.
        case $key$version in docker*podman*) continue ;; esac
        version=$(printf %s "$version" | sed 's/^[^0-9]*\([0-9][0-9.]*\).*/\1/;q')
    fi
    printf '%s"%s":{' "$comma" $key
    text version "$version"
    text path "$path"
    printf '"stamp":"%s"}' "$stamp"
    comma=,
done
printf '},'

# The hub's unit; without systemd its container.
if [ -d /run/systemd/system ] && [ -e /etc/systemd/system/osiris-hub.service ]; then
    set -- $(systemctl show osiris-hub.service -p ActiveState -p SubState -p NRestarts -p UnitFileState 2>/dev/null)
    for value; do
        case $value in
            ActiveState=*) text hub "${value#*=}" ;;
            SubState=*) text hubDetail "${value#*=}" ;;
            NRestarts=*) number hubRestarts "${value#*=}" ;;
            UnitFileState=*) text hubEnabled "${value#*=}" ;;
        esac
    done
elif [ ! -d /run/systemd/system ] && [ -e "$folder/hub.json" ]; then
    for key in podman docker; do
        there $key || continue
        value=$($key container inspect -f '{{.State.Status}}' osiris-hub </dev/null 2>/dev/null) || continue
        case $value in running) text hub active ;; *) text hub inactive ;; esac
        text hubDetail "$value"
        break
    done
fi

# A firewall before what listens here, and the TCP ports that it lets in: from its files, for its programs take long to
# start. Without the ports where that is not all that decides.
if [ -r /etc/ufw/ufw.conf ] && grep -q '^ENABLED=yes' /etc/ufw/ufw.conf; then
    text firewall ufw
    if grep -qs '^DEFAULT_INPUT_POLICY="*ACCEPT' /etc/default/ufw; then
        printf '"firewallPorts":"1-65535",'
    elif [ -r /etc/ufw/user.rules ]; then
        printf '"firewallPorts":"%s",' "$(
            # As in: ### tuple ### allow tcp 8000:8100 0.0.0.0/0 any 0.0.0.0/0 in
            while read -r mark kind mark action protocol ports way; do
                case $kind.$action.$protocol.$way in
                    tuple.allow*.tcp.*' in'* | tuple.allow*.any.*' in'* | tuple.limit*.tcp.*' in'*) ;;
                    *) continue ;;
                esac
                [ "$ports" != any ] || ports=1-65535
                printf '%s ' "$ports"
            done </etc/ufw/user.rules | tr ':,' '- ' | tr -cd '0-9 -'
        )"
    fi
elif [ -r /etc/firewalld/firewalld.conf ] && systemctl -q is-active firewalld 2>/dev/null; then
    text firewall firewalld
    value=$(sed -n 's/^DefaultZone=//p' /etc/firewalld/firewalld.conf)
    set -- /etc/firewalld/zones/"$value".xml
    [ -r "$1" ] || set -- /usr/lib/firewalld/zones/"$value".xml
    # Another zone may be that of the network, and rules may say anything.
    if [ -r "$1" ] && ! grep -qs '<interface\|<source \|<rule' /etc/firewalld/zones/*.xml "$1"; then
        if grep -q '<zone.* target="ACCEPT"' "$1"; then value=1-65535
        else
            for name in $(sed -n 's/.*<service name="\([^"/]*\)".*/\1/p' "$1"); do
                for value in /etc/firewalld/services /usr/lib/firewalld/services; do
                    [ ! -r "$value/$name.xml" ] || { set -- "$@" "$value/$name.xml"; break; }
                done
            done
            value=$(sed -n '/protocol="tcp"/s/.*<port.* port="\([0-9-]*\)".*/\1/p' "$@" | tr '\n' ' ')
        fi
        printf '"firewallPorts":"%s",' "$value"
    fi
fi

# Ports that something listens on. Whose they are only where no hub is yet: it takes a look at every process.
set -- $(grep -hE '^ *[0-9]+: [0-9A-F]+:[0-9A-F]{4} [0-9A-F]+:0000 0A ' /proc/net/tcp /proc/net/tcp6 2>/dev/null |
    while read -r key value rest; do
        set -- $rest
        echo "$((0x${value##*:}))/$8"
    done)
line='
'
owners=''
[ $# = 0 ] || [ -e "$folder/hub.json" ] || owners=$line$(ls -l /proc/[0-9]*/fd 2>/dev/null | while read -r key rest; do
    case $key in /proc/*) process=${key#/proc/} process=${process%%/*} ;; esac
    case $rest in *'socket:['*)
        value=${rest##*'socket:['}
        echo "${value%]}=$process" ;;
    esac
done)
printf '"listening":{'
comma='' seen=' '
for value; do
    port=${value%/*} inode=${value#*/} name=''
    case $seen in *" $port "*) continue ;; esac
    seen="$seen$port "
    case $owners in *"$line$inode="*)
        process=${owners##*"$line$inode="}
        process=${process%%"$line"*}
        [ ! -r "/proc/$process/comm" ] || read -r name <"/proc/$process/comm" ;;
    esac
    case $name in *[!a-zA-Z0-9_.:/-]*) name='?' ;; esac
    printf '%s"%s":"%s"' "$comma" "$port" "$name"
    comma=,
done
printf '}}\n'
