"""What a server is told about itself, and ways into it."""

import base64
import contextlib
import json
import socket
import time
import unittest
from unittest import mock

from tests.functional import base  # isort: skip

from nova import context, objects
from nova.tests.functional.api import client

from nova_lxd import errors


class GuestTest(base.Case):

    def test_user_data_keys_and_config_drive_reach_cloud_init(self):
        self.api.post_keypair({"keypair": {"name": "mine", "type": "ssh", "public_key": PUBLIC_KEY}})
        server = self.boot(
            config_drive=True, key_name="mine", user_data=base64.b64encode(b"#cloud-config\nruncmd: []\n").decode())
        config = self.container(server)["config"]
        self.assertEqual("#cloud-config\nruncmd: []\n", config["cloud-init.user-data"])
        self.assertIn(PUBLIC_KEY, config["user.meta-data"])
        shown = json.loads(self.inside(server, "cat", "/config-drive/openstack/latest/meta_data.json"))
        self.assertEqual((server["id"], PUBLIC_KEY), (shown["uuid"], shown["public_keys"]["mine"]))
        self.assertEqual("#cloud-config\nruncmd: []",
                         self.inside(server, "cat", "/config-drive/openstack/latest/user_data"))
        self.assertEqual("0 600", self.inside(
            server, "stat", "-c", "%u %a", "/config-drive/openstack/latest/meta_data.json"))

    def test_a_server_without_config_drive_has_none(self):
        server = self.boot()
        self.assertRaises(errors.NotFound, self.lxd().pull_file, self.name(server), "/config-drive")

    def test_files_are_injected(self):
        content = base64.b64encode(b"from the user").decode()
        with mock.patch.object(self.api, "microversion", "2.37"):  # Nova's API offers it to 2.56.
            server = self.boot(personality=[{"path": "/srv/new/file", "contents": content}])
        self.assertEqual("from the user", self.inside(server, "cat", "/srv/new/file"))

    def test_a_quiesced_server_stands_still(self):
        server = self.boot()
        admin = context.get_admin_context()
        instance = objects.Instance.get_by_uuid(admin, server["id"])
        driver = self.drivers["host1"]
        driver.quiesce(admin, instance, None)
        self.assertEqual("Frozen", self.container(server)["status"])
        driver.unquiesce(admin, instance, None)
        self.assertEqual("Running", self.container(server)["status"])

    def test_the_password_is_set_inside(self):
        server = self.boot()
        before = self.inside(server, "cat", "/etc/passwd")
        self.api.post_server_action(server["id"], {"changePassword": {"adminPass": "n3w p4ss'word"}})
        self.eventually(lambda: self.inside(server, "cat", "/etc/passwd") != before, "the password is another one")
        self.assertRegex(self.inside(server, "cat", "/etc/passwd"), r"(?m)^root:\$?\S{10,}:0:")

    def test_the_serial_console_is_typed_at(self):
        self.flags(enabled=True, proxyclient_address="127.0.0.1", group="serial_console")
        server = self.boot()
        driver = self.drivers["host1"]
        instance = objects.Instance.get_by_uuid(context.get_admin_context(), server["id"])
        found = driver.get_serial_console(None, instance)
        self.assertEqual(found.port, driver.get_serial_console(None, instance).port, "one listener a server")
        for _ in range(2):  # The second time after the first one hung up.
            with socket.create_connection((found.host, found.port), 5) as console:
                console.settimeout(20)
                console.sendall(b"\n")
                time.sleep(0.5)
                console.sendall(b"echo typed $((6 * 7))\n")
                seen = b""
                while b"typed 42" not in seen:
                    data = console.recv(4096)
                    self.assertTrue(data, f"the console ended after {seen!r}")
                    seen += data
        self.delete(server)
        self.assertRaises(OSError, socket.create_connection, (found.host, found.port), 1)

    def test_a_rescued_server_has_its_own_root_at_mnt_and_keeps_what_is_changed_there(self):
        server = self.boot()
        self.inside(server, "sh", "-c", "echo broken > /etc/inittab.real; rm /sbin/init; echo here > /root/kept; sync")
        server = self.act(server, "RESCUE", "rescue", {"rescue_image_ref": self.image_id})
        self.assertEqual("here", self.inside(server, "cat", "/mnt/root/kept"))
        self.assertNotEqual(0, self.lxd().exec(self.name(server), ["test", "-e", "/root/kept"]).status)
        self.inside(server, "sh", "-c", "ln -s /bin/busybox /mnt/sbin/init; echo repaired > /mnt/root/kept; sync")
        self.assertEqual([self.name(server)], self.drivers["host1"].list_instances(), "what stands aside is no server")
        server = self.act(server, "ACTIVE", "unrescue")
        self.assertEqual("repaired", self.inside(server, "cat", "/root/kept"))
        self.assertEqual("", self.inside(server, "sh", "-c", "ls / | grep rescue || true"))
        self.assertEqual(1, len(self.lxd().get("/1.0/instances")))
        self.assertNotIn("raw.lxc", self.container(server)["config"])

    def test_a_rescued_server_can_be_deleted(self):
        server = self.boot()
        server = self.act(server, "RESCUE", "rescue", {"rescue_image_ref": self.image_id})
        self.delete(server)
        self.assert_nothing_left()

    def test_a_rescue_that_fails_leaves_the_server_as_it_was(self):
        server = self.boot()
        broken = self.upload(__file__, "no image")
        with contextlib.suppress(client.OpenStackApiException):  # Before Nova 34 the cast of this harness is a call.
            self.api.post_server_action(server["id"], {"rescue": {"rescue_image_ref": broken}})
        self.eventually(lambda: self.api.get_server(server["id"])["OS-EXT-STS:task_state"] is None, "it gives up")
        self.assertEqual(1, len(self.lxd().get("/1.0/instances")))
        # Nova itself stops a server before it asks for the rescue.
        self.act(server, "ACTIVE", "reboot", {"type": "HARD"})
        self.assertEqual("Running", self.container(server)["status"])

    def test_memory_is_kept_through_suspend_where_criu_works(self):
        server = self.boot()
        self.inside(server, "sh", "-c", "sleep 31536000 >/dev/null 2>&1 </dev/null &")
        server = self.act(server, "SUSPENDED", "suspend")
        if self.container(server)["status"] != "Stopped":
            self.assertEqual("Frozen", self.container(server)["status"])
            self.act(server, "ACTIVE", "resume")
            raise unittest.SkipTest("this daemon cannot write a container's memory to disk")
        server = self.act(server, "ACTIVE", "resume")
        self.assertIn("sleep 31536000", self.inside(server, "ps"), "the same processes go on")

        # The way out where the memory cannot be restored.
        server = self.act(server, "SUSPENDED", "suspend")
        server = self.act(server, "ACTIVE", "reboot", {"type": "HARD"})
        self.assertNotIn("sleep 31536000", self.inside(server, "ps"), "it has booted")


PUBLIC_KEY = ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9w3o1cPZbQvV8xqkGm2b0cGm0l7gq5b2e7mH1y5o0x nobody@nowhere")
