"""What the functional tests share: services, images, ports that are reported as Neutron's agent reports them."""

# It patches the standard library where Nova wants that, so it comes before all others.
from nova.tests.functional import integrated_helpers  # isort: skip

import atexit
import contextlib
import copy
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import fixtures
import nova.conf
from nova.tests import fixtures as nova_fixtures
from nova.virt import driver

from nova_lxd import conf as lxd_conf
from nova_lxd.client import Client, path
from nova_lxd.driver import LXDDriver
from tests.functional import daemon as daemons

CONF = nova.conf.CONF
#: Seconds a state may take to come about.
PATIENCE = 120
#: Of this process alone; scripts/test-nova knows by it what it made.
RUN = os.environ.get("NOVA_LXD_RUN") or f"run{uuid.uuid4().hex[:6]}"

atexit.register(daemons.stop_all)


class Glance(nova_fixtures.GlanceFixture):
    """Nova's, with two habits of the real one: it keeps data that is uploaded after an image was created, as that of a
    snapshot is, and sizes are numbers in its answers."""

    def create(self, context: Any, metadata: Any, data: Any = None) -> Any:
        return super().create(context, _numbers(metadata), data)

    def update(self, context: Any, image_id: str, metadata: Any, data: Any = None, purge_props: bool = False) -> Any:
        if data is not None:
            self._imagedata[image_id] = data.read()
            metadata = {**metadata, "status": "active", "size": len(self._imagedata[image_id])}
        return super().update(context, image_id, _numbers(metadata), data, purge_props)

    def data(self, image_id: str) -> bytes:
        return self._imagedata[image_id]


def _numbers(metadata: dict[str, Any]) -> dict[str, Any]:
    return {key: int(value) if key in ("min_disk", "min_ram") and value is not None else value
            for key, value in metadata.items()}


class Case(integrated_helpers._IntegratedTestBase):
    """A cloud of one compute host. Ports are Nova's fake Neutron's; the daemon, its containers and os-vif are real."""

    microversion = "latest"
    ADMIN_API = True
    #: vif_type of the ports.
    vif_type = "bridge"
    hosts = ("host1",)
    #: Configuration of the LXD project while a test runs, where it is not the one that the driver makes.
    project_config: dict[str, str] = {}

    def setUp(self) -> None:
        # Nova's tests refuse to look at the host, since theirs must not depend on the machine; ours are about it.
        with mock.patch.object(nova_fixtures.SysFsPoisonFixture, "setUp", fixtures.Fixture.setUp), \
                mock.patch.object(nova_fixtures.GenericPoisonFixture, "setUp", fixtures.Fixture.setUp):
            self._set_up()

    def _set_up(self) -> None:
        lxd_conf.register(CONF)
        self.services: dict[str, Any] = {}
        self.drivers: dict[str, Any] = {}
        super().setUp()
        self.image_id = self.upload(os.environ["NOVA_LXD_BUSYBOX"], "busybox")

    def _setup_services(self) -> None:
        self.useFixture(nova_fixtures.PrivsepFixture())
        self._real_privsep()
        self._name_nodes()
        self.glance = self.useFixture(Glance(self))
        self.flags(compute_driver="lxd.LXDDriver", my_ip=daemons.ADDRESSES[0], vif_plugging_timeout=20)
        self.flags(allow_resize_to_same_host=len(self.hosts) == 1)
        # Control groups are the machine's: names of containers must not meet those of a run beside this one.
        self.flags(instance_name_template=f"{RUN}-%08x")
        self.flags(allow_live_migration=True, group="lxd")
        # Nova's periodic tasks do not run here: a test calls what it wants to see.
        super()._setup_services()

    def _real_privsep(self) -> None:
        """Nova's tests refuse privileged calls; ours are root in a network namespace of their own."""
        import os_brick.privileged
        import vif_plug_ovs.privsep
        contexts = [os_brick.privileged.default, vif_plug_ovs.privsep.vif_plug]
        with contextlib.suppress(ImportError):  # Gone from os-vif 5, as the agent is from Neutron.
            import vif_plug_linux_bridge.privsep
            contexts.append(vif_plug_linux_bridge.privsep.vif_plug)
        for privileged in contexts:
            patch = mock.patch.object(privileged, "client_mode", False)
            patch.start()
            self.addCleanup(patch.stop)

    def _setup_compute_service(self) -> Any:
        for number, host in enumerate(self.hosts):
            self.start_host(host, number)
        return self.services[self.hosts[0]]

    def start_host(self, host: str, number: int) -> Any:
        """Starts the nova-compute of a host whose LXD is the daemon of that number."""
        daemon = daemons.get(number)
        self.addCleanup(daemon.clear)
        if self.project_config:
            daemon.make_project()
            daemon.client.patch(path("projects", daemons.PROJECT), {"config": self.project_config})
            self.addCleanup(daemon.client.patch, path("projects", daemons.PROJECT),
                            {"config": dict.fromkeys(self.project_config, "")})
        self.flags(root_dir=daemon.folder, group="lxd")
        self.services[host] = self.start_service("compute", host=host)
        self.drivers[host] = self.services[host].manager.driver
        return self.services[host]

    def _name_nodes(self) -> None:
        """From Nova 27 a node's uuid is in a file of the host; hosts of one process need one each."""
        if not hasattr(driver.ComputeDriver, "get_nodenames_by_uuid"):
            return
        real = LXDDriver.get_available_resource

        def uuid_of(node: str) -> str:
            return str(uuid.uuid5(uuid.NAMESPACE_DNS, node))

        for name, replacement in (
                ("get_nodenames_by_uuid", lambda self, refresh=False: {uuid_of(self.host.name): self.host.name}),
                ("get_available_resource", lambda self, node: {**real(self, node), "uuid": uuid_of(node)})):
            patch = mock.patch.object(LXDDriver, name, replacement)
            patch.start()
            self.addCleanup(patch.stop)

    # Images and flavors

    def upload(self, file: str, name: str, **properties: Any) -> str:
        """Puts an image into Glance; returns its id."""
        with open(file, "rb") as data:
            return self.glance.create(None, {
                "name": name, "disk_format": "raw", "container_format": "bare", "min_ram": 0, "min_disk": 0,
                "size": os.path.getsize(file), "properties": properties, "visibility": "public", "created_at": None,
                "updated_at": None, "deleted_at": None, "deleted": False, "protected": False, "status": "active",
                "tags": []}, data=data)["id"]

    def flavor(self, memory_mb: int = 128, vcpu: int = 1, disk: int = 1, ephemeral: int = 0, **specs: str) -> str:
        return self._create_flavor(memory_mb=memory_mb, vcpu=vcpu, disk=disk, ephemeral=ephemeral,
                                   extra_spec=specs or None)

    # Servers

    def boot(self, image_id: str | None = None, flavor_id: str | None = None, networks: Any = "none",
             expected: str = "ACTIVE", **more: Any) -> dict[str, Any]:
        server = self._build_server(image_uuid=image_id or self.image_id, flavor_id=flavor_id or self.flavor(),
                                    networks=networks, name=more.pop("name", None), host=more.pop("host", None))
        server |= more
        found = self.api.post_server({"server": server})
        return self.wait_for(found, expected)

    def act(self, server: dict[str, Any], expected: str | None, action: str, body: Any = None) -> dict[str, Any]:
        self.api.post_server_action(server["id"], {action: body})
        return self.wait_for(server, expected) if expected else server

    def wait_for(self, server: dict[str, Any], status: str) -> dict[str, Any]:
        """Waits until a server has a state and no task goes on; a server in ERROR fails the test at once."""
        deadline = time.monotonic() + PATIENCE
        while True:
            found = self.api.get_server(server["id"])
            if found["status"] == status and found["OS-EXT-STS:task_state"] is None:
                return found
            if found["status"] == "ERROR" and found["OS-EXT-STS:task_state"] is None or time.monotonic() > deadline:
                self.fail(f"{found['status']} ({found['OS-EXT-STS:task_state']}) instead of {status}: "
                          f"{found.get('fault')}")
            time.sleep(0.1)

    def _wait_for_migration_status(self, server: dict[str, Any], expected_statuses: list[str]) -> dict[str, Any]:
        """Nova's, with more patience, and of the server's latest migration."""

        def latest() -> Any:
            found = [each for each in self.admin_api.api_get("/os-migrations").body["migrations"]
                     if each["instance_uuid"] == server["id"]]
            last = max(found, key=lambda each: each["id"], default=None)
            return last if last and last["status"] in expected_statuses else None

        return self.eventually(latest, f"a migration is {' or '.join(expected_statuses)}")

    def snapshot(self, server: dict[str, Any]) -> str:
        """Makes an image of a server; returns its id when it is whole."""
        before = set(self.glance.images)
        self.api.post_server_action(server["id"], {"createImage": {"name": "snapshot"}})
        new = self.eventually(lambda: set(self.glance.images) - before, "an image is begun").pop()
        self.eventually(lambda: self.glance.images[new].get("status") == "active" and new in self.glance._imagedata
                        and self.api.get_server(server["id"])["OS-EXT-STS:task_state"] is None, "the image is whole")
        self.assertGreater(len(self.glance.data(new)), 100_000)
        return new

    def delete(self, server: dict[str, Any]) -> None:
        self.api.delete_server(server["id"])
        self.eventually(lambda: not any(found["id"] == server["id"] for found in self.api.get_servers()),
                        "the server is deleted")

    def eventually(self, holds: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
        deadline = time.monotonic() + seconds
        while True:
            found = holds()
            if found:
                return found
            if time.monotonic() > deadline:
                self.fail(f"not in {seconds:g} s: {what}")
            time.sleep(0.1)

    # The daemon's view

    def lxd(self, number: int = 0) -> Client:
        return daemons.get(number).nova

    def name(self, server: dict[str, Any]) -> str:
        return server["OS-EXT-SRV-ATTR:instance_name"]

    def container(self, server: dict[str, Any], number: int = 0) -> dict[str, Any]:
        return daemons.record(self.lxd(number), self.name(server))

    def state(self, server: dict[str, Any], number: int = 0) -> dict[str, Any]:
        return self.lxd(number).get(path("instances", self.name(server), "state"))

    def inside(self, server: dict[str, Any], *command: str, number: int = 0) -> str:
        """What a program prints in the container; it must succeed."""
        result = self.lxd(number).exec(self.name(server), list(command))
        self.assertEqual(0, result.status, f"{command}: {result.stderr!r}")
        return result.stdout.decode("utf-8", "replace").strip()

    def assert_nothing_left(self, number: int = 0) -> None:
        """Neither containers nor volumes nor interfaces of a server are on a host. Images stay: they are the cache."""
        nova = self.lxd(number)
        self.assertEqual([], nova.get("/1.0/instances"))
        self.assertEqual([], nova.get("/1.0/storage-pools/default/volumes/custom"))
        links = daemons.get(number).run_inside("ip", "-brief", "link")
        self.assertNotRegex(links, r"(?m)^tap")

    # Neutron's agent

    @contextlib.contextmanager
    def agent(self) -> Iterator[set[str]]:
        """Reports a port as plugged once its interface is on the host, as Neutron's agent does; yields those reported."""
        seen: set[str] = set()
        ended = threading.Event()
        for port in self.neutron._ports.values():
            port["status"] = "DOWN"

        def watch() -> None:
            while not ended.wait(0.1):
                for port in copy.copy(list(self.neutron._ports.values())):
                    if port["id"] in seen or not os.path.exists(f"/sys/class/net/tap{port['id'][:11]}"):
                        continue
                    if not port.get("device_id"):
                        continue
                    seen.add(port["id"])
                    port["status"] = "ACTIVE"
                    self.admin_api.create_server_external_events([{
                        "name": "network-vif-plugged", "server_uuid": port["device_id"], "tag": port["id"],
                        "status": "completed"}])

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield seen
        finally:
            ended.set()
            watcher.join()
