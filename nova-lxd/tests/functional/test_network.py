"""Neutron's ports: what os-vif makes on the host, what the container has, what Neutron is waited for."""

import copy
import os
import shutil
import subprocess
import tempfile
import unittest

import os_vif

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
            server = self.boot(flavor_id=flavor, networks=[{"port": self.neutron.port_1["id"]}])
        tap = f"tap{self.neutron.port_1['id'][:11]}"
        # 1000 kilobytes a second. The other direction needs the kernel's act_police, which not every kernel has.
        self.assertRegex(daemons.run("tc", "class", "show", "dev", tap), r"rate 8Mbit")
        self.delete(server)
        self.eventually(lambda: not os.path.exists(f"/sys/class/net/{tap}"), "the port's interface goes")
        self.assert_nothing_left()


@unittest.skipUnless(shutil.which("ovs-vswitchd"), "needs openvswitch-switch")
class OpenVSwitchTest(base.Case):
    """With a switch of its own, in user space: no kernel module is needed."""

    def setUp(self):
        super().setUp()
        self.folder = tempfile.mkdtemp(prefix="ovs-", dir=os.environ.get("NOVA_LXD_TMP"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.socket = f"unix:{self.folder}/db.sock"
        daemons.run("ovsdb-tool", "create", f"{self.folder}/conf.db", "/usr/share/openvswitch/vswitch.ovsschema")
        environment = {**os.environ, "OVS_RUNDIR": self.folder, "OVS_LOGDIR": self.folder, "OVS_DBDIR": self.folder}
        for command in (["ovsdb-server", f"{self.folder}/conf.db", f"--remote=p{self.socket}"],
                        ["ovs-vswitchd", self.socket]):
            process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.addCleanup(process.wait)
            self.addCleanup(process.terminate)
            if command[0] == "ovsdb-server":
                self.eventually(lambda: os.path.exists(f"{self.folder}/db.sock"), "the switch's database", 10)
                self.vsctl("--no-wait", "init")
        self.vsctl("add-br", "br-int", "--", "set", "bridge", "br-int", "datapath_type=netdev")
        self.flags(ovsdb_connection=self.socket, group="os_vif_ovs")
        # os-vif reads its options when it loads its plugins, once a process.
        self.addCleanup(setattr, os_vif, "_EXT_MANAGER", os_vif._EXT_MANAGER)
        os_vif._EXT_MANAGER = None
        os_vif.initialize()
        port = self.neutron.port_1
        self.neutron._ports[port["id"]] = {
            **copy.deepcopy(port), "binding:vif_type": "ovs",
            "binding:vif_details": {"ovs_hybrid_plug": False, "datapath_type": "netdev", "bridge_name": "br-int"}}
        self.tap = f"tap{port['id'][:11]}"

    def vsctl(self, *arguments):
        return daemons.run("ovs-vsctl", f"--db={self.socket}", "--timeout=20", *arguments).strip()

    def test_a_port_is_on_the_switch_as_long_as_the_server_is_there(self):
        with self.agent():
            server = self.boot(networks=[{"port": self.neutron.port_1["id"]}])
        self.assertEqual(self.neutron.port_1["id"], self.vsctl(
            "get", "Interface", self.tap, "external_ids:iface-id").strip('"'))
        self.eventually(lambda: int(self.vsctl("get", "Interface", self.tap, "ofport") or 0) > 0, "the switch has it")
        self.assertEqual(self.neutron.port_1["mac_address"], self.inside(server, "cat", "/sys/class/net/eth0/address"))
        server = self.act(server, "ACTIVE", "reboot", {"type": "HARD"})
        self.eventually(lambda: int(self.vsctl("get", "Interface", self.tap, "ofport") or 0) > 0, "it has it again")
        self.delete(server)
        self.assertEqual("", self.vsctl("list-ports", "br-int"))
        self.assert_nothing_left()


def _bridge(port):
    return f"brq{port['network_id'][:11]}"


def _remove_bridges():
    for name in os.listdir("/sys/class/net"):
        if name.startswith(("brq", "qbr")):
            daemons.run("ip", "link", "delete", name)
