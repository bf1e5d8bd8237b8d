#!/usr/bin/env bash
# About sixty commands that a user types, run against one daemon with one client. Prints each command, what it wrote and
# its exit status, with all that differs from run to run replaced, so that two runs can be compared line by line.
# Environment: LXC (the client's path), LXD_DIR and LXD_CONF (a fresh daemon and client folder), IMAGE (a unified tarball), WORK.
set -u
cd "$WORK" || exit 1

normalise() {
    tr '\r' '\n' | sed -E \
        -e 's/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/UUID/g' \
        -e 's/[0-9a-f]{64}/FINGERPRINT/g' -e 's/\b[0-9a-f]{12}\b/SHORTPRINT/g' \
        -e 's/[0-9]{4}[-\/][0-9]{2}[-\/][0-9]{2}[T ][0-9:.]+( ?(Z|UTC|[+-][0-9:]+)( UTC)?)?/TIME/g' \
        -e 's/00:16:3e(:[0-9a-f]{2}){3}/MAC/g' -e 's/veth[0-9a-f]{8}/VETH/g' \
        -e "s#$LXD_DIR#LXD_DIR#g" -e "s#$WORK#WORK#g" -e "s#$IMAGE#IMAGE#g" \
        -e 's/[[:space:]]+$//' -e 's/^[[:space:]]*$//' -e 's/\x1b\[[0-9;]*[A-Za-z]//g' |
        grep -vE '%|^$|^(Remapping container filesystem$|Retrieving image:|Publishing instance:|Exporting the backup:|Importing instance:|Try `lxc info --show-log)|volatile\.(idmap|last_state)' || true
}
run() {
    printf '$ lxc'
    printf ' %q' "$@" | sed -e "s#$WORK#WORK#g" -e "s#$IMAGE#IMAGE#g"
    printf '\n'
    { timeout 120 "$LXC" "$@" </dev/null 2>&1; echo "exit $?"; } | normalise
}
feed() { # feed TEXT ARGUMENT...: the same with standard input
    local text=$1 && shift
    printf '$ echo ... | lxc'
    printf ' %q' "$@" | sed -e "s#$WORK#WORK#g" -e "s#$IMAGE#IMAGE#g"
    printf '\n'
    { printf '%s\n' "$text" | timeout 120 "$LXC" "$@" 2>&1; echo "exit $?"; } | normalise
}

run storage create pool dir
run storage list -f csv
run profile device add default root disk path=/ pool=pool
run profile device show default
run image import "$IMAGE" --alias busybox
run image list -f csv -c la
run image alias list -f csv
run image get-property busybox os
run image set-property busybox colour blue
run image show busybox
run init busybox c1 -c user.colour=green
run list -f csv -c ns
run config get c1 user.colour
run config set c1 user.colour red
run config set c1 limits.memory=128MiB limits.processes=200
run config get c1 limits.memory
run config set c1 no.such.key x
run config unset c1 user.colour
run config show c1
run start c1
run list c1 -c ns
run list -c nS -f compact
run exec c1 -- echo hello
run exec c1 -- sh -c 'exit 7'
run exec c1 -- nosuchcommand
run exec c1 --env COLOUR=blue --cwd /tmp -- sh -c 'echo $COLOUR $PWD $HOME $USER'
run exec c1 --user 1000 --group 1000 -- id -u
feed "from standard input" exec c1 -- cat
run exec c1 -- hostname
run exec c1 -- pwd
run exec c1 -- cat /proc/self/uid_map
feed "text of a file" file push - c1/root/new/file -p
run file pull c1/root/new/file -
run file pull c1/root/missing -
run file delete c1/root/new/file
run snapshot c1 first
run snapshot c1 first
run info c1/first
run exec c1 -- touch /root/later
run pause c1
run list -f csv -c ns
run start c1
run start c1
run stop c1 --force
run stop c1
run restore c1 first
run start c1
run exec c1 -- ls /root
run restart c1 --force
run delete c1
run stop c1 --force
run copy c1 c2
run move c2 c3
run copy c1/first c4
run list -f csv -c nsS
run config device add c3 home disk source=/home path=/mnt/host
run config device list c3
run config device remove c3 home
run profile create small
run profile set small limits.cpu 1
run profile add c3 small
run profile show small
run list -f yaml -c n c3x
run publish c3 --alias made os=Test
run image info nothere
run launch made c5
run exec c5 -- cat /etc/hostname
run rename c5 c6
run delete c5
run delete c6 --force
run export c4 "$WORK/c4.tar.gz" --quiet
run delete c4
run import "$WORK/c4.tar.gz"
run config metadata show c4
run config template list c4
run query /1.0/instances/c3/snapshots
run query /1.0/instances/nothere
run query -X POST -d '{"name": "bad_name", "source": {"type": "none"}}' --wait /1.0/instances
run info nothere
run list -f nosuchformat
run nosuchcommand
run list -f csv -c nst
run delete c1 c3 c4
run delete c5 --force
run image delete busybox made
run profile delete small
run profile device remove default root
run storage delete pool
