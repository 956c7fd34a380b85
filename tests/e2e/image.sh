#!/bin/bash
# The OCI image holds what its digests say, and its head serves this machine's
# programs from within a container.
cd "$(dirname "$0")/../.." || exit
deptyr=${DEPTYR?"the built deptyr"}
for tool in crun jq; do
    command -v $tool > /dev/null || { echo "needs $tool"; exit 77; }
done
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
if [ "${1-}" != --alone ]; then
    # crun wants cgroups of the second version only.
    # shellcheck disable=SC2016  # that shell expands it
    exec unshare --mount --pid --fork --kill-child --mount-proc "$BASH" -c '
        mount -t tmpfs none /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup ||
            { echo "needs cgroup2"; exit 77; }
        exec "$BASH" "$0" --alone' "$0"
fi
folder=$(mktemp -d) || exit
trap 'rm -rf "$folder"' EXIT
trap 'exit 143' TERM
fail() { echo "$*"; [ ! -e "$folder/log" ] || cat "$folder/log"; exit 1; }
await() {
    local until=$((SECONDS + 60))
    until "${@:2}" > /dev/null 2>&1; do
        [ $SECONDS -lt $until ] || fail "no $1"
        sleep .02
    done
}

docs/packaging/image "$folder/image.tar" > /dev/null || fail "no image"
docs/packaging/image "$folder/again.tar" > /dev/null
cmp "$folder/image.tar" "$folder/again.tar" || fail "another image of the same"

# Unpacks it as a container engine does.
mkdir "$folder/image" "$folder/bundle" "$folder/bundle/rootfs" "$folder/run"
tar -C "$folder/image" -xf "$folder/image.tar"
# blob DESCRIPTOR: prints the file that it refers to.
blob() {
    local digest file
    digest=$(jq -r .digest <<< "$1")
    file=$folder/image/blobs/${digest/://}
    [ "sha256:$(sha256sum "$file" | cut -d' ' -f1) $(stat -c %s "$file")" = "$digest $(jq .size <<< "$1")" ] ||
        fail "not what the image says: $digest" >&2
    echo "$file"
}
manifest=$(blob "$(jq -c '.manifests[0]' "$folder/image/index.json")")
config=$(blob "$(jq -c .config "$manifest")")
layer=$(blob "$(jq -c '.layers[0]' "$manifest")")
tar -C "$folder/bundle/rootfs" -xf "$layer"
[ "$(jq -r '.rootfs.diff_ids[0]' "$config")" = "sha256:$(sha256sum "$layer" | cut -d' ' -f1)" ] ||
    fail "the layer isn't the configuration's"

# Runs it with the machine's processes in sight.
cd "$folder/bundle" || exit
crun spec || fail "crun spec"
jq --argjson args "$(jq -c '.config.Entrypoint + .config.Cmd' "$config")" --arg run "$folder/run" '
    .process.args = $args | .process.terminal = false | .linux.namespaces -= [{type: "pid"}] |
    .mounts += [{destination: "/run/deptyr", type: "bind", source: $run, options: ["bind", "rw"]}]
    ' config.json > changed && mv changed config.json
crun --root "$folder/state" --cgroup-manager=disabled run deptyr > "$folder/log" 2>&1 < /dev/null &
container=$!
socket=$folder/run/head.sock
await "head" "$deptyr" status --head "$socket"
# shellcheck disable=SC2016  # that shell expands it
"$deptyr" body --name calc "$socket" -- sh -c 'read -r line; echo "= $line"; cat' 2> "$folder/body" &
disown                                          # it is hung up in the end
await "session" "$deptyr" status "$socket" calc
[ "$("$deptyr" send "$socket" calc --enter 42 --wait-for '=' --print)" = "= 42" ] || fail "no answer"
crun --root "$folder/state" --cgroup-manager=disabled kill deptyr TERM
wait $container || fail "exit status $? of the container"
