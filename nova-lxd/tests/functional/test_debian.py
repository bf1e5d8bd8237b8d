"""A whole Debian 12 with systemd as a server."""

import os

from tests.functional import base


class DebianTest(base.Case):

    def setUp(self):
        if not os.environ.get("NOVA_LXD_DEBIAN"):
            self.skipTest("needs an image of Debian 12 in NOVA_LXD_DEBIAN")
        super().setUp()

    def is_up(self, server):
        found = self.lxd().exec(self.name(server), ["systemctl", "is-system-running"]).stdout.decode().strip()
        return found in ("running", "degraded")

    def test_debian_boots_reboots_shuts_down_and_is_snapshot(self):
        image = self.upload(os.environ["NOVA_LXD_DEBIAN"], "debian")
        server = self.boot(image, self.flavor(memory_mb=512, disk=2), config_drive=True)
        self.eventually(lambda: self.is_up(server), "systemd has started everything")
        self.assertEqual("0", self.inside(server, "sh", "-c", "systemctl --failed --no-legend | wc -l"))
        boot = self.inside(server, "cat", "/proc/sys/kernel/random/boot_id")
        self.assertEqual(36, len(boot))
        started = self.inside(server, "stat", "-c", "%Y", "/proc/1")
        server = self.act(server, "ACTIVE", "reboot", {"type": "SOFT"})
        self.eventually(lambda: self.is_up(server), "systemd has started everything again")
        self.assertNotEqual(started, self.inside(server, "stat", "-c", "%Y", "/proc/1"))
        server = self.act(server, "SHUTOFF", "os-stop")
        server = self.act(server, "ACTIVE", "os-start")
        self.eventually(lambda: self.is_up(server), "and once more")
        self.delete(server)
        self.assert_nothing_left()
