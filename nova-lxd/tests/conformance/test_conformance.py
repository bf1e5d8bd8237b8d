"""Nova's own tests of what every driver must do, against a real daemon.

Needs root and NOVA_LXD_BUSYBOX, a unified image with a shell; tests/functional/daemon.py says where the daemon comes
from.
"""

# It patches the standard library where Nova wants that, so it comes before all others.
import nova.tests.unit  # isort: skip

import atexit
import os
import socket
import subprocess
import uuid
from unittest import mock

import nova.conf
from nova import test
from nova.tests.unit import utils as test_utils
from nova.tests.unit.virt import test_virt_drivers

from nova_lxd import conf
from nova_lxd.client import path
from tests.functional import daemon as daemons

CONF = nova.conf.CONF

atexit.register(daemons.stop_all)

#: Of this process alone; scripts/test-nova knows by it what it made.
RUN = os.environ.get("NOVA_LXD_RUN") or "conformance"


class LXDConformanceTest(test_virt_drivers._VirtDriverTestCase, test.TestCase):
    """65 tests in Nova 26, 64 in Nova 34."""

    def setUp(self):
        self.driver_module = "nova.virt.lxd.LXDDriver"
        conf.register(CONF)
        self.flags(root_dir=daemons.get(0).folder, project=f"{RUN}-{uuid.uuid4().hex[:8]}", group="lxd")
        super().setUp()
        self._name_ports()
        self._fill_glance()
        # What is outside of a driver: os-vif's plugins act on Open vSwitch, os-brick on storage networks.
        self.stub_out("os_vif.plug", lambda vif, info: None)
        self.stub_out("os_vif.unplug", lambda vif, info: None)
        self._make_volume()
        # One test puts an entry into this attribute of libvirt's driver before it calls the method.
        self.connection.active_migrations = {}
        self.connection.init_host("myhostname")
        self._listen()
        self.addCleanup(self._remove_all)

    def _name_ports(self):
        """All tests have the same port; here they may run beside each other, with interfaces that are real."""
        original = test_utils.get_test_network_info

        def network_info(count=1):
            info = original(count)
            for vif in info:
                vif["id"] = str(uuid.uuid4())
            return info

        self.stub_out("nova.tests.unit.utils.get_test_network_info", network_info)

    def _listen(self):
        """Another host could only be reached if the daemon listens."""
        client = self.connection.host.client
        if client.get("/1.0", project=None)["config"].get("core.https_address"):
            return
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        client.patch("/1.0", {"config": {"core.https_address": f"127.0.0.1:{port}"}}, project=None)

    def _fill_glance(self):
        with open(os.environ["NOVA_LXD_BUSYBOX"], "rb") as file:
            data = file.read()
        for image_id in self.image_service.images:
            self.image_service._imagedata[image_id] = data

    def _make_volume(self):
        """The tests attach a volume of a type that does not exist; os-brick is given a loop device for it."""
        file = os.path.join(CONF.instances_path, "volume")
        with open(file, "wb") as volume:
            volume.truncate(1 << 20)
        device = subprocess.run(["losetup", "--find", "--show", file], check=True, capture_output=True, text=True)
        self.addCleanup(subprocess.run, ["losetup", "--detach", device.stdout.strip()], check=False)
        connector = mock.Mock()
        connector.connect_volume.return_value = {"type": "block", "path": device.stdout.strip()}
        self.stub_out("os_brick.initiator.connector.InitiatorConnector.factory", lambda *a, **k: connector)
        self.stub_out("os_brick.initiator.connector.get_connector_properties", lambda root_helper, ip, *a, **k: {
            "ip": ip, "initiator": "iqn.test", "host": "myhostname"})

    def _remove_all(self):
        self.connection.cleanup_host("myhostname")
        client = self.connection.host.client
        for name in (record["name"] for record in client.get("/1.0/instances", recursion=1)):
            record = client.get(path("instances", name))
            if record["status_code"] != 102:
                client.put(path("instances", name, "state"), {"action": "stop", "force": True, "timeout": -1})
            client.delete(path("instances", name))
        for image in client.get("/1.0/images", recursion=1):
            client.delete(path("images", image["fingerprint"]))
        client.delete(path("projects", client.project), project=None)

