"""What the benchmarks share: our daemon and its peers, each with a folder of its own, and the table at the end."""
import http.client
import os
import json
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORK = "/tmp/lxd-bench"


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=120)
        self.socket_path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(120)
        self.sock.connect(self.socket_path)


class Peer:
    """One daemon: how it is started, its socket, its client."""

    def __init__(self, name, daemon, client, directory, environment):
        self.name, self.daemon, self.client, self.directory = name, daemon, client, directory
        self.environment = {**os.environ, **environment}
        self.socket = os.path.join(directory, "unix.socket")
        os.makedirs(directory, mode=0o711)
        self.launch()
        self.version = self.request("GET", "/1.0")["environment"]["server_version"]
        self.request("POST", "/1.0/storage-pools", {"name": "default", "driver": "dir", "config": {}})
        self.request("PUT", "/1.0/profiles/default", {
            "config": {}, "description": "", "devices": {"root": {"type": "disk", "path": "/", "pool": "default"}}})

    def launch(self):
        """Starts the daemon's process and waits until it answers; returns how long that took, in milliseconds."""
        begin = time.perf_counter()
        with open(os.path.join(self.directory, "out.log"), "ab") as log:
            self.process = subprocess.Popen(
                self.daemon + ["--logfile", self.directory + "/daemon.log"], env=self.environment, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True)
        while True:
            try:
                self.connection = Connection(self.socket)
                self.request("GET", "/1.0")
                break
            except (OSError, RuntimeError, http.client.HTTPException):
                if time.perf_counter() - begin > 60 or self.process.poll() is not None:
                    raise SystemExit(f"bench: {self.name} did not come up; see {self.directory}/out.log and daemon.log")
                time.sleep(0.005)
        subprocess.run(self.daemon[:1] + ["waitready"], env=self.environment, timeout=60, check=False)
        return (time.perf_counter() - begin) * 1000

    def halt(self):
        """Ends the daemon; its containers run on."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def request(self, method, path, body=None, connection=None, headers=None):
        connection = connection or self.connection
        data = json.dumps(body) if isinstance(body, (dict, list)) else body
        try:
            connection.request(method, path, data, headers or {})
            response = connection.getresponse()
        except (BrokenPipeError, ConnectionResetError, http.client.RemoteDisconnected):
            connection.close()  # A daemon may have closed one that was idle; the next request opens it again.
            connection.request(method, path, data, headers or {})
            response = connection.getresponse()
        answer = json.loads(response.read())
        if answer["type"] == "error":
            raise RuntimeError(f"{self.name}: {method} {path}: {answer['error']}")
        if answer["type"] == "async":
            connection.request("GET", answer["operation"] + "/wait?timeout=120")
            answer = json.loads(connection.getresponse().read())
            if answer["metadata"]["status_code"] != 200:
                raise RuntimeError(f"{self.name}: {method} {path}: {answer['metadata']['err']}")
        return answer["metadata"]

    def image(self, alias, file):
        with open(file, "rb") as stream:
            operation = self.request("POST", "/1.0/images", stream.read(), headers={"Content-Type": "application/octet-stream"})
        self.request("POST", "/1.0/images/aliases", {"name": alias, "target": operation["metadata"]["fingerprint"]})

    def create(self, name, alias="busybox", connection=None):
        self.request("POST", "/1.0/instances", {"name": name, "source": {"type": "image", "alias": alias}}, connection)

    def state(self, name, action, connection=None):
        self.request("PUT", f"/1.0/instances/{name}/state", {"action": action, "force": True, "timeout": 30}, connection)

    def delete(self, name, connection=None):
        self.request("DELETE", f"/1.0/instances/{name}", None, connection)

    def cli(self, *arguments):
        subprocess.run([self.client, *arguments], env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)

    def resident(self):
        total = anonymous = 0
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith("VmRSS"):
                total = int(line.split()[1]) / 1024
            if line.startswith("RssAnon"):
                anonymous = int(line.split()[1]) / 1024
        return total, anonymous

    def monitor_share(self, name):
        """Proportional share, MiB, of the process that stays as the container's monitor: the parent of its init."""
        pid = self.request("GET", f"/1.0/instances/{name}/state")["pid"]
        parent = int(next(line for line in open(f"/proc/{pid}/status") if line.startswith("PPid")).split()[1])
        return next(int(line.split()[1]) for line in open(f"/proc/{parent}/smaps_rollup") if line.startswith("Pss:")) / 1024

    def end(self):
        """Removes what the run made and ends the daemon."""
        try:
            for url in self.request("GET", "/1.0/instances"):
                name = url.rsplit("/", 1)[1]
                if self.request("GET", f"/1.0/instances/{name}")["status_code"] != 102:
                    self.state(name, "stop")
                self.delete(name)
            for url in self.request("GET", "/1.0/profiles"):
                if not url.endswith("/default"):
                    self.request("DELETE", url)
            for network in self.request("GET", "/1.0/networks?recursion=1"):
                if network["managed"]:
                    self.request("DELETE", "/1.0/networks/" + network["name"])
        except (OSError, RuntimeError, http.client.HTTPException) as error:
            print(f"bench: clearing {self.name}: {error}", file=sys.stderr)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
        mounts = [line.split()[4] for line in open("/proc/self/mountinfo") if line.split()[4].startswith(self.directory + "/")]
        for mount in reversed(mounts):
            subprocess.run(["umount", "-l", mount], check=False)
        shutil.rmtree(self.directory, ignore_errors=True)


def prepare_incus():
    """Unpacks Incus and the libraries it needs from bookworm-backports into a private folder; returns that folder."""
    folder = WORK + "/incus"
    if os.path.exists(folder + "/usr/libexec/incus/incusd") or os.path.exists(folder + "/usr/bin/incusd"):
        return folder
    lists = WORK + "/apt"
    for path in (folder, lists + "/lists/partial", lists + "/cache/partial", lists + "/debs"):
        os.makedirs(path, exist_ok=True)
    with open(lists + "/sources.list", "w") as stream:
        stream.write("deb http://deb.debian.org/debian bookworm-backports main\ndeb http://deb.debian.org/debian bookworm main\n")
    options = ["-o", f"Dir::Etc::SourceList={lists}/sources.list", "-o", "Dir::Etc::SourceParts=/dev/null",
               "-o", f"Dir::State::Lists={lists}/lists", "-o", f"Dir::Cache={lists}/cache", "-o", "APT::Sandbox::User=root"]
    subprocess.run(["apt-get", *options, "-q", "update"], check=True, stdout=subprocess.DEVNULL)
    wanted = ["incus-base", "incus-client", "libcowsql0", "libraft0", "squashfs-tools-ng", "libsquashfs1"]
    for package in wanted:
        subprocess.run(["apt-get", *options, "-q", "-t", "bookworm-backports", "download", package], cwd=lists + "/debs",
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    for deb in sorted(os.listdir(lists + "/debs")):
        subprocess.run(["dpkg-deb", "-x", f"{lists}/debs/{deb}", folder], check=True)
    return folder


def peers(ours, chosen):
    """A folder for the run, and what starts each chosen daemon in it; `suffix` tells several of one kind apart."""
    run = tempfile.mkdtemp(prefix="run-", dir=WORK)
    os.chmod(run, 0o711)
    made = []
    if "ours" in chosen:
        bin = os.path.abspath(ours)
        made.append(lambda suffix="": Peer(
            "ours", [bin + "/lxd"], bin + "/lxc", run + "/ours" + suffix,
            {"LXD_DIR": run + "/ours" + suffix, "LXD_CONF": run + "/ours-conf" + suffix}))
    if "lxd" in chosen:
        made.append(lambda suffix="": Peer(
            "lxd", ["/usr/bin/lxd"], "/usr/bin/lxc", run + "/lxd" + suffix,
            {"LXD_DIR": run + "/lxd" + suffix, "LXD_CONF": run + "/lxd-conf" + suffix}))
    if "incus" in chosen:
        folder = prepare_incus()
        daemon = next(path for path in (folder + "/usr/libexec/incus/incusd", folder + "/usr/bin/incusd") if os.path.exists(path))
        libraries = folder + "/usr/lib/x86_64-linux-gnu"
        made.append(lambda suffix="": Peer("incus", [daemon], folder + "/usr/bin/incus", run + "/incus" + suffix, {
            "INCUS_DIR": run + "/incus" + suffix, "INCUS_CONF": run + "/incus-conf" + suffix, "LD_LIBRARY_PATH": libraries,
            "PATH": f"{folder}/usr/bin:{os.environ['PATH']}"}))
    return run, made


def prepare(chosen):
    """Installs what the run needs; returns the path of a small image."""
    if os.geteuid() != 0:
        raise SystemExit("bench: containers need root: run it with sudo")
    os.makedirs(WORK, mode=0o711, exist_ok=True)
    groups = ["bench", "run"] + (["test"] if "lxd" in chosen else [])
    subprocess.run([ROOT + "/scripts/install-packages", *groups], check=True, stdout=subprocess.DEVNULL)
    image = WORK + "/busybox.tar.xz"
    subprocess.run([ROOT + "/scripts/make-busybox-image", image], check=True)
    return image


def timed(action):
    begin = time.perf_counter()
    action()
    return (time.perf_counter() - begin) * 1000


def table(figures, names, larger_is_better=False):
    """Medians, and how many times better ours is than the best peer."""
    peers_of = [name for name in names if name != "ours"]
    head = ["", *names, "ours / best peer" if larger_is_better else "best peer / ours"]
    rows = []
    for figure, values in figures.items():
        medians = {name: statistics.median(values[name]) for name in names if values.get(name)}
        ratio = ""
        if "ours" in medians and any(name in medians for name in peers_of):
            others = [medians[name] for name in peers_of if name in medians]
            ours = max(medians["ours"], 0.001)
            ratio = f"{ours / max(others):.1f}" if larger_is_better else f"{min(others) / ours:.1f}"
        rows.append([figure, *[f"{medians[name]:.2f}" if name in medians else "-" for name in names], ratio])
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, ["-" * width for width in widths], *rows]:
        print("| " + " | ".join(cell.ljust(width) if column == 0 else cell.rjust(width)
                                for column, (cell, width) in enumerate(zip(row, widths))) + " |")
