# Brings a container engine. Arguments: NAME (podman, docker, auto) INSTALL (yes, no) PACKAGES (`sent` for those in the folder
# `packages`, - for the distribution's) REPOSITORY (apt-get, dnf; - for none) PACKAGE (its name there; - for the usual one).
# Payload: engine.json, in which NAME and INSTALLED stand for what was found out; packages, the files that were sent with
# their sums; repository and repository.key. Ends with 66 when packages are needed and not there yet.
[ -n "$isOurs" ] || end 65 "its marker is gone: plan again"
wanted=$1 install=$2 packages=$3 repository=$4 named=$5
take

case $repository in
apt-get) source=/etc/apt/sources.list.d/osiris-engine.sources key=/etc/apt/keyrings/osiris-engine.asc ;;
dnf) source=/etc/yum.repos.d/osiris-engine.repo key=/etc/pki/rpm-gpg/osiris-engine.asc ;;
esac
# Reads that source alone; whatever is wrong with it is an error.
source_read() {
    if [ "$repository" = dnf ]; then
        dnf -y --disablerepo='*' --enablerepo=osiris-engine makecache 9<&- </dev/null
    else
        apt-get -q update -o DPkg::Lock::Timeout=300 -o APT::Update::Error-Mode=any -o APT::Get::List-Cleanup=0 \
            -o Dir::Etc::SourceList="$source" -o Dir::Etc::SourceParts=/dev/null 9<&- </dev/null
    fi >"$folder/new/log" 2>&1
}
# Puts the repository where the package program looks. One that cannot be read leaves what was there before.
source_put() {
    command -v "$repository" >/dev/null || end 65 "engine.repository is for $repository, which it does not have"
    for file in "$source" "$key"; do
        [ ! -e "$file" ] || grep -qsxF "$file" "$folder/engine.source" ||
            end 65 "$file is there, and osiris did not put it there"
    done
    ! cmp -s "$folder/new/repository" "$source" || ! cmp -s "$folder/new/repository.key" "$key" || return 0
    mkdir "$folder/new/before"
    cp "$source" "$folder/new/before/repository" 2>/dev/null || true
    cp "$key" "$folder/new/before/repository.key" 2>/dev/null || true
    printf '%s\n' "$source" "$key" | put engine.source
    source_copy "$folder/new"
    if ! source_read; then
        problem=$(tail_line <"$folder/new/log") status=70
        # No other try will mend that.
        ! grep -qiE 'not signed|signature|404' "$folder/new/log" || status=65
        if [ -e "$folder/new/before/repository" ]; then source_copy "$folder/new/before"; else source_drop; fi
        end "$status" "engine.repository cannot be read: $problem"
    fi
}
# Others than root read it too.
source_copy() {
    (
        umask 022
        mkdir -p "${source%/*}" "${key%/*}"
        cat "$1/repository.key" >"$key"
        cat "$1/repository" >"$source"
    )
}

engine=
for name in podman docker; do
    case $wanted in auto | "$name") [ -n "$engine" ] || ! command -v "$name" >/dev/null || engine=$name ;; esac
done
# One of our own goes with the manifest's.
if [ -n "$engine" ] && [ -s "$folder/engine.packages" ] && [ ! -e "$folder/engine.before" ]; then
    if [ "$repository" = - ]; then source_drop; else source_put; fi
fi
# A file of what was there before says that an earlier try has begun to install, and may not have come to its end.
if [ -z "$engine" ] || [ -e "$folder/engine.before" ]; then
    [ "$wanted" != auto ] || wanted=${engine:-podman}
    [ "$install" = yes ] || end 65 "it has no $wanted, and engine.install is off"
    if [ "$packages" != - ]; then
        packages=$folder/packages
        mkdir -p "$packages"
        # What another list has left; the beginning of a file goes on where it ended.
        for old in "$packages"/*; do
            grep -qF "  $(basename "$old" .part)" "$folder/new/packages" || rm -f "$old"
        done
        [ -s "$folder/new/packages" ] || end 65 "it has no $wanted, and engine.packages has no packages for it"
        (cd "$packages" && sha256sum -c "$folder/new/packages") >/dev/null 2>&1 || end 66 "the packages are not there yet"
    fi
    . /etc/os-release
    export DEBIAN_FRONTEND=noninteractive
    log=$folder/new/log
    if [ "$repository" = - ]; then source_drop; else source_put; fi
    if command -v apt-get >/dev/null; then
        package=$wanted
        [ "$wanted" != docker ] || package=docker.io
        [ "$named" = - ] || package=$named
        list() { dpkg-query -W -f '${Package}\n' | sort; }
        # Never a question, and a wait for whoever else is installing something.
        apt() { apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold "$@" 9<&- </dev/null >"$log" 2>&1; }
        add() {
            # What an earlier try left half installed. Its dpkg may still be at work.
            tries=0
            until dpkg --configure -a 9<&- </dev/null >"$log" 2>&1; do
                tries=$((tries + 1))
                grep -q lock "$log" && [ "$tries" -lt 60 ] || break
                sleep 2
            done
            if [ "$packages" != - ]; then
                set --
                for file in "$packages"/*.deb; do
                    offered=$(dpkg-deb --field "$file" Version)
                    present=$(dpkg-query -W -f '${db:Status-Status} ${Version}' "$(dpkg-deb --field "$file" Package)" 2>/dev/null) ||
                        present=
                    # apt would refuse to go back to an older one.
                    case $present in "installed "*) ! dpkg --compare-versions "${present#* }" ge "$offered" || continue ;; esac
                    set -- "$@" "$file"
                done
                # With no source there is nothing to download, and no network that apt would try.
                apt -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts=/dev/null install --no-install-recommends "$@"
            else
                apt install --no-install-recommends "$package" || { apt update && apt install --no-install-recommends "$package"; }
            fi
        }
    elif command -v dnf >/dev/null; then
        package=$wanted
        [ "$wanted" != docker ] || package=moby-engine
        [ "$named" = - ] || package=$named
        list() { rpm -qa --qf '%{NAME}\n' | sort -u; }
        add() {
            if [ "$packages" != - ]; then set -- --disablerepo='*' "$packages"/*.rpm; else set -- "$package"; fi
            dnf -y --setopt=install_weak_deps=False install "$@" 9<&- </dev/null >"$log" 2>&1
        }
    elif command -v zypper >/dev/null; then
        package=$wanted
        list() { rpm -qa --qf '%{NAME}\n' | sort -u; }
        add() {
            if [ "$packages" != - ]; then set -- --allow-unsigned-rpm "$packages"/*.rpm; else set -- "$package"; fi
            ZYPP_LOCK_TIMEOUT=300 zypper --non-interactive install --no-recommends "$@" 9<&- </dev/null >"$log" 2>&1
        }
    else
        end 65 "$ID has none of apt-get, dnf, zypper: install $wanted by hand"
    fi
    [ -e "$folder/engine.before" ] || list | put engine.before
    add || end 70 "$wanted could not be installed: $(tail_line <"$log")"
    list | grep -vxFf "$folder/engine.before" | put engine.packages || true
    engine=$wanted
fi
if [ "$engine" = docker ] && [ -d /run/systemd/system ]; then systemctl -q enable --now docker 9<&- || true; fi
version=$("$engine" version --format '{{.Client.Version}}' 2>/dev/null </dev/null) || version=
"$engine" info >/dev/null 2>"$folder/new/info" </dev/null || end 65 "$engine does not work: $(tail_line <"$folder/new/info")"
installed=false
[ ! -s "$folder/engine.packages" ] || installed=true
sed -e "s/\"NAME\"/\"$engine\"/" -e "s/\"INSTALLED\"/$installed/" "$folder/new/engine.json" | put engine.json
rm -rf "$folder/engine.before" "$folder/packages"
# Saves the probe from asking the engine, which takes it long.
path=$(command -v "$engine")
printf '%s %s %s\n' "$engine" "$(stat -L -c %s:%Y "$path")" "$version" | put engine.stat
printf '{"name":"%s","version":"%s","installed":%s}\n' "$engine" "$version" "$installed"
