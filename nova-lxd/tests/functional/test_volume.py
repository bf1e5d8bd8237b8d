"""Volumes: a loop device through os-brick's ``local`` connector into the container, and out of it again."""

import os
import subprocess
import tempfile
from unittest import mock

from os_brick.initiator.connectors import local

from tests.functional import base
from tests.functional import daemon as daemons


class VolumeCase(base.Case):

    def setUp(self):
        super().setUp()
        self.volume = self.cinder.IMAGE_BACKED_VOL
        handle, self.file = tempfile.mkstemp(dir=os.environ.get("NOVA_LXD_TMP"))
        os.write(handle, b"written outside")
        os.ftruncate(handle, 64 << 20)
        os.close(handle)
        self.addCleanup(os.remove, self.file)
        self.device = daemons.run("losetup", "--find", "--show", self.file).strip()
        self.addCleanup(subprocess.run, ["losetup", "--detach", self.device], check=False, capture_output=True)
        info = {"driver_volume_type": "local", "serial": self.volume,
                "data": {"device_path": self.device, "volume_id": self.volume}}
        self.cinder.VOLUME_CONNECTION_INFO[self.volume] = info
        self.addCleanup(self.cinder.VOLUME_CONNECTION_INFO.pop, self.volume)

    def attach(self, server):
        """Attaches the volume; returns its device, as Nova names it."""
        self.api.post_server_volume(server["id"], {"volumeAttachment": {"volumeId": self.volume}})
        self._wait_for_volume_attach(server["id"], self.volume)
        return self.api.get_server_volumes(server["id"])[0]["device"]

    def detach(self, server):
        self.api.delete_server_volume(server["id"], self.volume)
        self._wait_for_volume_detach(server["id"], self.volume)


class VolumeTest(VolumeCase):

    def test_attach_detach_and_hard_reboot_with_a_volume(self):
        server = self.boot()
        device = self.attach(server)
        self.assertEqual("written outside", self.inside(server, "dd", f"if={device}", "bs=15", "count=1"))
        self.inside(server, "sh", "-c", f"printf 'written inside.' | dd of={device} conv=fsync")
        with open(self.device, "rb") as data:
            self.assertEqual(b"written inside.", data.read(15))

        server = self.act(server, "ACTIVE", "reboot", {"type": "HARD"})
        self.assertEqual("written inside.", self.inside(server, "dd", f"if={device}", "bs=15", "count=1"))
        self.detach(server)
        self.assertNotIn("volume-", str(self.container(server)["devices"]))
        self.assertNotEqual(0, self.lxd().exec(self.name(server), ["test", "-e", device]).status)
        self.delete(server)
        self.assert_nothing_left()

    def test_a_volume_is_mounted_where_the_flavor_says_so(self):
        if "live_migration" not in self.lxd().get("/1.0")["environment"]:
            self.skipTest("LXD 5.0 cannot give a mounted block device the container's owners")
        daemons.run("mkfs.ext4", "-q", self.device)
        server = self.boot(flavor_id=self.flavor(**{"lxd:volumes": "disk"}))
        folder = self.attach(server).replace("/dev/", "/mnt/")
        self.inside(server, "sh", "-c", f"grep -q ' {folder} ext4 ' /proc/mounts && touch {folder}/there")
        self.detach(server)
        self.assertNotIn(folder, self.inside(server, "cat", "/proc/mounts"))

    def test_deleting_a_server_lets_its_volume_go(self):
        server = self.boot()
        self.attach(server)
        self.delete(server)
        self.assert_nothing_left()
        daemons.run("losetup", "--detach", self.device)
        # A device in use would stay until its last user closes it.
        self.assertNotIn(self.device, daemons.run("losetup", "--list"))

    def test_an_extended_volume_is_larger_inside(self):
        server = self.boot()
        device = self.attach(server)

        def extend_volume(connector, properties):
            # What os-brick does for iSCSI and others; its connector for local devices cannot.
            daemons.run("losetup", "--set-capacity", self.device)
            return int(daemons.run("blockdev", "--getsize64", self.device))

        os.truncate(self.file, 1 << 30)
        with mock.patch.object(local.LocalConnector, "extend_volume", extend_volume):
            self.admin_api.create_server_external_events([{
                "name": "volume-extended", "server_uuid": server["id"], "tag": self.volume}])
            self.eventually(lambda: self.inside(server, "blockdev", "--getsize64", device) == str(1 << 30), "1 GiB")

    def test_an_encrypted_volume_is_refused(self):
        self.cinder.VOLUME_CONNECTION_INFO[self.volume]["data"]["encrypted"] = True
        found = self.api.post_server({"server": {
            "name": "encrypted", "flavorRef": self.flavor(), "networks": "none", "imageRef": self.image_id,
            "block_device_mapping_v2": [
                {"boot_index": 0, "uuid": self.image_id, "source_type": "image", "destination_type": "local"},
                {"boot_index": -1, "uuid": self.volume, "source_type": "volume", "destination_type": "volume"}]}})
        self.eventually(lambda: self.api.get_server(found["id"])["status"] == "ERROR", "the build is refused")
        self.assertIn("encrypted", str(self.api.get_server(found["id"])["fault"]))
        self.assert_nothing_left()


class RestrictedProjectTest(VolumeCase):
    """An administrator who does not trust Nova's containers restricts the project; this much Nova needs."""

    project_config = {
        "restricted": "true", "restricted.devices.nic": "allow", "restricted.devices.disk": "allow",
        "restricted.devices.unix-block": "allow", "restricted.containers.lowlevel": "allow",
        "restricted.snapshots": "allow"}

    def test_a_server_lives_in_a_restricted_project(self):
        server = self.boot()
        device = self.attach(server)
        self.assertEqual("written outside", self.inside(server, "dd", f"if={device}", "bs=15", "count=1"))
        self.detach(server)
        self.snapshot(server)
        server = self.act(server, "RESCUE", "rescue", {"rescue_image_ref": self.image_id})
        server = self.act(server, "ACTIVE", "unrescue")
        server = self.act(server, "VERIFY_RESIZE", "resize", {"flavorRef": self.flavor(memory_mb=192)})
        self.act(server, "ACTIVE", "confirmResize")
        found = self.api.post_server({"server": self._build_server(
            image_uuid=self.image_id, flavor_id=self.flavor(**{"lxd:privileged_allowed": "true"}), networks="none")})
        self.eventually(lambda: self.api.get_server(found["id"])["status"] == "ERROR", "LXD refuses it")
        self.delete(found)
        self.delete(server)
        self.assert_nothing_left()
