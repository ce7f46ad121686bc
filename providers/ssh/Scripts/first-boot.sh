# The beginning of what a machine does at its first start: the scripts that go over SSH later, with their payloads, as files
# below `boot`. Variables before it: folder, cluster, host. Whatever fails is done over SSH then, and so is what comes after.
umask 077
LC_ALL=C PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL PATH
boot=$folder/boot
mkdir -p "$boot"
trap 'rm -rf "$boot"' EXIT

# On the console, and in the log of cloud-init.
say() { echo "osiris: first boot: $*"; }

part() { cat >"$boot/$1"; }

# A file of the payload of a script. Arguments: SCRIPT FILE; the text, and a full stop after it.
file() {
    text=$(cat)
    printf '%s %s\n' "$2" "$(printf %s "${text%.}" | base64 | tr -d '\n')" >>"$boot/$1"
}

# Runs a script with its payload. Arguments: NAME SECONDS (the longest time), then the script's own.
step() {
    name=$1 longest=$2
    shift 2
    say "$name"
    echo end >>"$boot/$name"
    cat "$boot/begin.sh" "$boot/$name.sh" >"$boot/script"
    timeout "$longest" sh "$boot/script" "$folder" "$cluster" "$host" - 0 "$@" \
        <"$boot/$name" >/dev/null 2>"$boot/errors" || {
        status=$?
        say "$name failed with $status: $(tail -n 3 "$boot/errors" | tr '\n' ' ')"
        exit 1
    }
    echo "$name" >>"$folder/first-boot"
}

# A hub that speaks TLS needs a key at its start. It is made here, and gives way to a key and a certificate of the cluster's
# authority, which come over SSH.
certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj "/CN=first boot" \
        -addext subjectAltName=IP:127.0.0.1 -keyout "$boot/key" -out "$boot/certificate" >"$boot/errors" 2>&1 || {
        say "no key could be made; the hub comes over SSH: $(tail -n 1 "$boot/errors")"
        exit 0
    }
    { printf 'tls '; cat "$boot/key" "$boot/certificate" | base64 | tr -d '\n'; echo; cat "$boot/hub"; } >"$boot/whole"
    mv "$boot/whole" "$boot/hub"
}

# What the hub's unit says is for podman.
for_podman() {
    [ "$engine" = podman ] && return
    say "the engine is $engine; the hub comes over SSH"
    exit 0
}
