# Brings a container engine. Arguments: NAME (podman, docker, auto) INSTALL (yes, no) PACKAGES (`sent` for those in the folder
# `packages`, - for the distribution's). Payload: engine.json, in which NAME and INSTALLED stand for what was found out;
# packages, the files that were sent with their sums. Ends with 66 when they are needed and not there yet.
[ -n "$isOurs" ] || end 65 "its marker is gone: plan again"
wanted=$1 install=$2 packages=$3
take

engine=
for name in podman docker; do
    case $wanted in auto | "$name") [ -n "$engine" ] || ! command -v "$name" >/dev/null || engine=$name ;; esac
done
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
    if command -v apt-get >/dev/null; then
        package=$wanted
        [ "$wanted" != docker ] || package=docker.io
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
