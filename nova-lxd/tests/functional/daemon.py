"""A real LXD daemon for a test run: ours, started here, or one that runs already.

NOVA_LXD_BIN    folder with the programs of a daemon to start (lxd, and what it needs beside it)
NOVA_LXD_DIRS   instead: the LXD_DIR of one running daemon, or of two with a colon between, set up already
NOVA_LXD_TMP    where started daemons keep their data; must be on a filesystem that overlayfs takes as upper layer

The test run must have a network namespace of its own (scripts/test-nova makes it). The second daemon gets another one,
joined with the first by a veth pair, as two hosts are by a cable.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from typing import Any

from nova_lxd import errors
from nova_lxd.client import Client, path
from nova_lxd.endpoint import Endpoint

PROJECT = "nova"
#: Addresses of the two hosts on the cable between them.
ADDRESSES = ("10.231.7.1", "10.231.7.2")
_START_TIMEOUT = 60

_started: list["Daemon"] = []


class Daemon:
    """One LXD daemon. ``namespace_of`` is its process, in whose network namespace its containers' interfaces end."""

    def __init__(self, number: int):
        self.number = number
        self.address = ADDRESSES[number]
        given = [folder for folder in os.environ.get("NOVA_LXD_DIRS", "").split(":") if folder]
        self.is_given = bool(given)
        if given:
            if number >= len(given):
                raise LookupError("only one daemon was given")
            self.folder = given[number]
        else:
            self.folder = tempfile.mkdtemp(prefix=f"lxd{number}-", dir=os.environ.get("NOVA_LXD_TMP", "/var/tmp"))
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> str:
        return os.path.join(self.folder, "unix.socket")

    @property
    def client(self) -> Client:
        """What is not Nova's: pools, and the daemon's configuration."""
        return Client(Endpoint(self.socket))

    @property
    def nova(self) -> Client:
        """What is Nova's."""
        return Client(Endpoint(self.socket), PROJECT)

    def start(self) -> None:
        """Starts the program and waits until it answers."""
        if self.is_given:
            return
        program = os.path.join(os.environ["NOVA_LXD_BIN"], "lxd")
        environment = {**os.environ, "LXD_DIR": self.folder}
        command = [program, "--logfile", os.path.join(self.folder, "lxd.log")]
        if self.number:
            command = ["unshare", "--net", "--mount", "--propagation", "slave", "bash", "-ec", _IN_NAMESPACE, "lxd",
                       os.path.join(self.folder, "cgroup"), *command]
        with open(os.path.join(self.folder, "lxd.out"), "ab") as output:
            self.process = subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE if self.number else subprocess.DEVNULL, stdout=output,
                stderr=output, start_new_session=True)
        if self.process.stdin:
            # Before the daemon runs: a real LXD is in another network namespace for a moment when it starts.
            self._join()
            self.process.stdin.close()
        deadline = time.monotonic() + _START_TIMEOUT
        while True:
            try:
                if self.client.get("/1.0")["auth"] == "trusted":
                    return
            except errors.LXDError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
            time.sleep(0.1)

    def _join(self) -> None:
        """Lays the cable between the two hosts."""
        deadline = time.monotonic() + _START_TIMEOUT
        ours = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{self.process.pid}/ns/net") == ours:
            if time.monotonic() > deadline:
                raise TimeoutError("the second host has no network namespace")
            time.sleep(0.02)
        if os.path.exists("/sys/class/net/nlcable"):
            run("ip", "link", "delete", "nlcable")
        run("ip", "link", "add", "nlcable", "type", "veth", "peer", "name", "nlcable1", "netns", str(self.process.pid))
        run("ip", "address", "add", f"{ADDRESSES[0]}/24", "dev", "nlcable")
        run("ip", "link", "set", "nlcable", "up")
        for arguments in (("link", "set", "lo", "up"), ("address", "add", f"{ADDRESSES[1]}/24", "dev", "nlcable1"),
                          ("link", "set", "nlcable1", "up")):
            self.run_inside("ip", *arguments)

    def set_up(self) -> None:
        """A storage pool, once."""
        if not self.client.get("/1.0/storage-pools"):
            self.client.post("/1.0/storage-pools", {"name": "default", "driver": os.environ.get("NOVA_LXD_POOL", "dir")})

    def listen(self) -> None:
        """Lets the other host's daemon connect."""
        if not self.is_given:
            self.client.patch("/1.0", {"config": {"core.https_address": f"{self.address}:8443"}})

    def run_inside(self, *command: str) -> str:
        """Runs a program in the host's network namespace."""
        if self.is_given or not self.number:
            return run(*command)
        return run("nsenter", "--target", str(self.process.pid), "--net", *command)

    def kill(self) -> None:
        """Ends the daemon as a crash does; containers run on."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def shut_down(self) -> None:
        """Ends the daemon as a reboot of the host does: its containers are stopped first."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGPWR)
        self.process.wait(_START_TIMEOUT)

    def make_project(self) -> None:
        """Nova's project, if it is not there yet, as the driver makes it."""
        with contextlib.suppress(errors.Conflict):
            self.client.post("/1.0/projects", {"name": PROJECT, "config": {
                "features.images": "true", "features.profiles": "true", "features.storage.volumes": "true",
                "features.networks": "false"}})

    def clear(self) -> None:
        """Removes all that Nova could have left, by hand, so that one test's failure is not the next one's."""
        try:
            self.client.get(path("projects", PROJECT))
        except errors.NotFound:
            return
        nova = self.nova
        for record in nova.get("/1.0/instances", recursion=1):
            if record["status"] != "Stopped":
                nova.put(path("instances", record["name"], "state"), {"action": "stop", "force": True, "timeout": 30})
            nova.delete(path("instances", record["name"]))
        for url in nova.get("/1.0/storage-pools/default/volumes/custom"):
            nova.delete(path("storage-pools", "default", "volumes", "custom", name_in(url)))
        for url in nova.get("/1.0/images"):
            nova.delete(path("images", name_in(url)))

    def stop(self) -> None:
        """Ends the daemon with all it has."""
        if self.is_given:
            return
        if self.process is not None and self.process.poll() is None:
            try:
                self.clear()
            finally:
                self.process.terminate()
                try:
                    self.process.wait(60)
                except subprocess.TimeoutExpired:
                    self.process.kill()
                    self.process.wait()
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            mounts = [line.split()[4] for line in file if line.split()[4].startswith(self.folder + "/")]
        for mount in reversed(mounts):
            subprocess.run(["umount", "--lazy", mount], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


# The daemon's own view of the new network namespace in /sys, with the cgroups that were there.
_IN_NAMESPACE = """
mkdir -p "$1"; mount --rbind /sys/fs/cgroup "$1"; mount -t sysfs sysfs /sys; mount --rbind "$1" /sys/fs/cgroup
umount --lazy "$1"; shift; read -r || true; exec "$@" </dev/null
"""


def run(*command: str) -> str:
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode:
        raise RuntimeError(f"{' '.join(command)}: {found.stderr.strip()}")
    return found.stdout


def name_in(url: str) -> str:
    return url.split("?")[0].rsplit("/", 1)[-1]


def get(number: int = 0) -> Daemon:
    """The first or second daemon of this run; it is started at the first call and ended with the run.

    :raises LookupError: Daemons were given, and not so many.
    """
    while len(_started) <= number:
        daemon = Daemon(len(_started))
        _started.append(daemon)
        daemon.start()
        daemon.set_up()
        if daemon.number:
            for each in _started:
                each.listen()
    return _started[number]


def stop_all() -> None:
    while _started:
        _started.pop().stop()


def record(client: Client, name: str) -> dict[str, Any]:
    return client.get(path("instances", name))
