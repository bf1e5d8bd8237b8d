"""Neutron's ports: what os-vif makes on the host, what the container has, what Neutron is waited for."""

import copy
import os
import unittest

from tests.functional import base
from tests.functional import daemon as daemons


def _has_linux_bridge_plugin():
    try:
        import vif_plug_linux_bridge  # noqa: F401
    except ImportError:
        return False
    return True


@unittest.skipUnless(_has_linux_bridge_plugin(), "os-vif 5 has no plugin for the Linux bridge agent any more")
class LinuxBridgeTest(base.Case):

    def setUp(self):
        super().setUp()
        for port in (self.neutron.port_1, self.neutron.port_2):
            self.neutron._ports[port["id"]] = {
                **copy.deepcopy(port), "binding:vif_type": "bridge", "binding:vif_details": {}}
        self.addCleanup(_remove_bridges)

    def test_ports_are_wired_waited_for_and_unplugged(self):
        with self.agent() as plugged:
            server = self.boot(networks=[{"port": self.neutron.port_1["id"]}])
            self.assertEqual({self.neutron.port_1["id"]}, plugged)
            tap = f"tap{self.neutron.port_1['id'][:11]}"
            self.assertIn(f"master {_bridge(self.neutron.port_1)}", daemons.run("ip", "link", "show", tap))
            self.assertEqual(self.neutron.port_1["mac_address"],
                             self.inside(server, "cat", "/sys/class/net/eth0/address"))

            server = self.act(server, "ACTIVE", "reboot", {"type": "HARD"})
            self.assertIn(f"master {_bridge(self.neutron.port_1)}", daemons.run("ip", "link", "show", tap))

            self.api.attach_interface(server["id"], {"interfaceAttachment": {"port_id": self.neutron.port_2["id"]}})
            self.eventually(lambda: "eth1" in self.inside(server, "ls", "/sys/class/net"), "the second interface")
            server = self.act(server, "ACTIVE", "reboot", {"type": "SOFT"})
            self.assertEqual(self.neutron.port_2["mac_address"],
                             self.inside(server, "cat", "/sys/class/net/eth1/address"))
            self.api.detach_interface(server["id"], self.neutron.port_1["id"])
            self.eventually(lambda: "eth0" not in self.inside(server, "ls", "/sys/class/net"), "the first one goes")
            self.assertFalse(os.path.exists(f"/sys/class/net/{tap}"))

            self.delete(server)
            self.assert_nothing_left()

    def test_a_port_that_neutron_does_not_wire_fails_the_build_and_leaves_nothing(self):
        self.flags(vif_plugging_timeout=2)
        self.neutron._ports[self.neutron.port_1["id"]]["status"] = "DOWN"
        found = self.api.post_server({"server": self._build_server(
            image_uuid=self.image_id, flavor_id=self.flavor(), networks=[{"port": self.neutron.port_1["id"]}])})
        self.eventually(lambda: self.api.get_server(found["id"])["status"] == "ERROR", "the build fails")
        self.assert_nothing_left()

    def test_bandwidth_is_what_the_flavor_says(self):
        with self.agent():
            flavor = self.flavor(**{"quota:vif_inbound_average": "1000"})
            self.boot(flavor_id=flavor, networks=[{"port": self.neutron.port_1["id"]}])
        tap = f"tap{self.neutron.port_1['id'][:11]}"
        # 1000 kilobytes a second. The other direction needs the kernel's act_police, which not every kernel has.
        self.assertRegex(daemons.run("tc", "class", "show", "dev", tap), r"rate 8Mbit")


def _bridge(port):
    return f"brq{port['network_id'][:11]}"


def _remove_bridges():
    for name in os.listdir("/sys/class/net"):
        if name.startswith(("brq", "qbr")):
            daemons.run("ip", "link", "delete", name)
