"""The host as Nova and placement see it, and its daemon over the network, late or busy with other things."""

import os
import subprocess
import tempfile
import threading
import time

from tests.functional import base  # isort: skip

from nova import context

from nova_lxd import configdrive
from nova_lxd.client import path
from tests.functional import daemon as daemons


class HostTest(base.Case):

    def test_placement_and_the_hypervisor_know_what_there_is(self):
        hypervisor = self.api.api_get("/os-hypervisors/detail").body["hypervisors"][0]
        self.assertEqual("lxd", hypervisor["hypervisor_type"])
        self.assertGreaterEqual(hypervisor["hypervisor_version"], 5000000)
        provider = self.placement.get("/resource_providers").body["resource_providers"][0]
        self.assertEqual("host1", provider["name"])
        inventories = self.placement.get(f"/resource_providers/{provider['uuid']}/inventories").body["inventories"]
        self.assertEqual({"VCPU", "MEMORY_MB", "DISK_GB"}, set(inventories))
        self.assertEqual(os.cpu_count(), inventories["VCPU"]["total"])
        traits = self.placement.get(f"/resource_providers/{provider['uuid']}/traits", version="1.6").body["traits"]
        self.assertTrue({"COMPUTE_IMAGE_TYPE_RAW", "COMPUTE_NET_ATTACH_INTERFACE", "COMPUTE_VOLUME_EXTEND"} <= set(traits),
                        traits)
        self.assertNotIn("COMPUTE_SAME_HOST_COLD_MIGRATE", traits)  # with it, "migrate" may leave a server where it is

    def test_statistics_of_the_host(self):
        driver = self.drivers["host1"]
        self.assertRegex(driver.get_host_uptime(), r"^up \d+ days?, +\d+:\d\d, load average: ")
        first = driver.get_host_cpu_stats()
        time.sleep(0.3)
        second = driver.get_host_cpu_stats()
        self.assertGreater(sum(second[key] for key in ("kernel", "idle", "user", "iowait")),
                           sum(first[key] for key in ("kernel", "idle", "user", "iowait")))

    def test_containers_of_others_are_never_seen(self):
        server = self.boot()
        nova, plain = self.lxd(), daemons.get().client
        fingerprint = nova.get("/1.0/images", recursion=1)[0]["fingerprint"]
        nova.post("/1.0/instances", {"name": "stranger", "type": "container", "profiles": [], "source": {
            "type": "image", "fingerprint": fingerprint}, "devices": {
                "root": {"type": "disk", "path": "/", "pool": "default"}}})
        self.addCleanup(nova.delete, path("instances", "stranger"))
        self.assertEqual([self.name(server)], self.drivers["host1"].list_instances())
        self.assertEqual([server["id"]], self.drivers["host1"].list_instance_uuids())
        self.assertEqual([], [name for name in plain.get("/1.0/instances") if self.name(server) in name])

    def test_a_container_that_has_the_name_already_is_never_touched(self):
        nova = self.lxd()
        taken = "taken"
        self.flags(instance_name_template=taken)
        self.drivers["host1"].cache_image(context.get_admin_context(), self.image_id)
        fingerprint = nova.get(path("images", "aliases", self.image_id))["target"]
        nova.post("/1.0/instances", {"name": taken, "type": "container", "profiles": [], "source": {
            "type": "image", "fingerprint": fingerprint}, "devices": {
                "root": {"type": "disk", "path": "/", "pool": "default"}}})
        self.addCleanup(nova.delete, path("instances", taken))
        found = self.api.post_server({"server": self._build_server(
            image_uuid=self.image_id, flavor_id=self.flavor(), networks="none")})
        self.eventually(lambda: self.api.get_server(found["id"])["status"] == "ERROR", "the build is refused")
        self.api.delete_server(found["id"])
        self.eventually(lambda: not self.api.get_servers(), "the server is deleted")
        self.assertEqual("Stopped", nova.get(path("instances", taken))["status"])


class NetworkedTest(base.Case):
    """nova-compute over TLS, with a certificate that is restricted to its project."""

    def setUp(self):
        if daemons.get().is_given:
            self.skipTest("a given daemon need not listen")
        super().setUp()

    def start_host(self, host, number):
        daemon = daemons.get(number)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        certificate, key = os.path.join(folder.name, "client.crt"), os.path.join(folder.name, "client.key")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp384r1", "-nodes",
                        "-days", "2", "-keyout", key, "-out", certificate, "-subj", "/CN=nova"],
                       check=True, stderr=subprocess.DEVNULL)
        client = daemon.client
        client.patch("/1.0", {"config": {"core.https_address": "127.0.0.1:18443"}})
        self.addCleanup(client.patch, "/1.0", {"config": {"core.https_address": ""}})
        daemon.make_project()
        with open(certificate, encoding="ascii") as file:
            body = "".join(line.strip() for line in file if "-----" not in line)
        client.post("/1.0/certificates", {"name": "nova", "type": "client", "certificate": body, "restricted": True,
                                          "projects": [daemons.PROJECT]})
        for entry in client.get("/1.0/certificates", recursion=1):
            if entry["name"] == "nova":
                self.addCleanup(client.delete, path("certificates", entry["fingerprint"]))
        self.flags(url="https://127.0.0.1:18443", client_cert=certificate, client_key=key,
                   server_cert=os.path.join(daemon.folder, "server.crt"), pool="default", group="lxd")
        return super().start_host(host, number)

    def test_the_life_of_a_server_over_the_network(self):
        server = self.boot(config_drive=True)
        self.assertIn(server["id"], self.inside(server, "cat", "/config-drive/openstack/latest/meta_data.json"))
        server = self.act(server, "ACTIVE", "reboot", {"type": "HARD"})
        self.lxd().start("POST", path("instances", self.name(server), "exec"), {
            "command": ["poweroff"], "wait-for-websocket": False, "interactive": False})
        self.wait_for(server, "SHUTOFF")
        server = self.act(server, "ACTIVE", "os-start")
        self.delete(server)
        self.assert_nothing_left()


class LateDaemonTest(base.Case):

    def setUp(self):
        if daemons.get().is_given:
            self.skipTest("a given daemon is not ours to stop")
        super().setUp()

    def start_host(self, host, number):
        self.flags(retry_interval=1, group="lxd")
        daemon = daemons.get(number)
        daemon.kill()
        back = threading.Timer(3, daemon.start)
        begun = time.monotonic()
        back.start()
        try:
            service = super().start_host(host, number)
        finally:
            back.join()
        self.waited = time.monotonic() - begun
        return service

    def test_nova_compute_waits_for_a_daemon_that_is_down(self):
        self.assertGreaterEqual(self.waited, 3)
        server = self.boot()
        self.assertEqual("Running", self.container(server)["status"])


class InterruptedBuildTest(base.Case):

    def setUp(self):
        if daemons.get().is_given:
            self.skipTest("a given daemon is not ours to stop")
        super().setUp()

    def test_a_build_the_daemon_did_not_survive_leaves_nothing(self):
        self.flags(retry_interval=1, group="lxd")
        daemon = daemons.get()

        def kill_instead(*arguments):
            daemon.kill()
            return original(*arguments)

        original = configdrive.add
        self.stub_out("nova_lxd.configdrive.add", kill_instead)
        found = self.api.post_server({"server": self._build_server(
            image_uuid=self.image_id, flavor_id=self.flavor(), networks="none")})
        self.eventually(lambda: self.api.get_server(found["id"])["status"] == "ERROR", "the build fails")
        self.stub_out("nova_lxd.configdrive.add", original)
        daemon.start()
        self.eventually(lambda: not self.lxd().get("/1.0/instances"), "the half-built container is removed")
        self.assertEqual([], self.drivers["host1"].list_instances())
        server = self.boot()
        self.assertNotIn("user.nova.building", self.container(server)["config"])
