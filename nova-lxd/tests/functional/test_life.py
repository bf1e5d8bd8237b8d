"""The life of a server on one host."""

import contextlib
import glob
import time

from oslo_config import cfg

from nova_lxd.client import path
from tests.functional import base
from tests.functional import daemon as daemons


class LifeTest(base.Case):

    def test_whole_life_of_a_busybox_server(self):
        server = self.boot()
        self.assertEqual("Running", self.container(server)["status"])
        self.inside(server, "touch", "/root/kept")

        server = self.act(server, "SHUTOFF", "os-stop")
        self.assertEqual("Stopped", self.container(server)["status"])
        server = self.act(server, "ACTIVE", "os-start")
        for kind in ("SOFT", "HARD"):
            before = self.state(server)["pid"]
            server = self.act(server, "ACTIVE", "reboot", {"type": kind})
            self.assertNotEqual(before, self.state(server)["pid"])
        server = self.act(server, "PAUSED", "pause")
        self.assertEqual("Frozen", self.container(server)["status"])
        server = self.act(server, "ACTIVE", "unpause")
        server = self.act(server, "SUSPENDED", "suspend")
        server = self.act(server, "ACTIVE", "resume")
        self.inside(server, "test", "-e", "/root/kept")

        server = self.act(server, "VERIFY_RESIZE", "resize", {"flavorRef": self.flavor(memory_mb=256)})
        self.assertEqual("256MiB", self.container(server)["config"]["limits.memory"])
        server = self.act(server, "ACTIVE", "revertResize")
        self.assertEqual("128MiB", self.container(server)["config"]["limits.memory"])
        server = self.act(server, "VERIFY_RESIZE", "resize", {"flavorRef": self.flavor(memory_mb=192)})
        server = self.act(server, "ACTIVE", "confirmResize")
        self.assertEqual("192MiB", self.container(server)["config"]["limits.memory"])
        self.inside(server, "test", "-e", "/root/kept")

        server = self.act(server, "RESCUE", "rescue", {"rescue_image_ref": self.image_id})
        server = self.act(server, "ACTIVE", "unrescue")
        self.inside(server, "test", "-e", "/root/kept")

        server = self.act(server, "ACTIVE", "rebuild", {"imageRef": self.image_id})
        self.assertNotEqual(0, self.lxd().exec(self.name(server), ["test", "-e", "/root/kept"]).status)

        self.delete(server)
        self.assert_nothing_left()

    def test_a_snapshot_is_an_image_that_boots(self):
        server = self.boot()
        self.inside(server, "sh", "-c", "echo here > /root/kept; sync")
        image = self.snapshot(server)
        self.assertEqual("Running", self.container(server)["status"])
        copy = self.boot(image)
        self.assertEqual("here", self.inside(copy, "cat", "/root/kept"))
        server = self.act(server, "SHUTOFF", "os-stop")
        self.snapshot(server)
        self.assertEqual("Stopped", self.container(server)["status"])

    def test_shelve_takes_the_server_off_the_host_and_unshelve_brings_it_back(self):
        server = self.boot()
        self.inside(server, "sh", "-c", "echo here > /root/kept; sync")
        self.flags(shelved_offload_time=0)
        server = self.act(server, "SHELVED_OFFLOADED", "shelve")
        self.assert_nothing_left()
        server = self.act(server, "ACTIVE", "unshelve")
        self.assertEqual("here", self.inside(server, "cat", "/root/kept"))

    def test_a_poweroff_inside_shows_in_nova(self):
        server = self.boot()
        self.lxd().start("POST", path("instances", self.name(server), "exec"), {
            "command": ["poweroff"], "wait-for-websocket": False, "interactive": False})
        self.wait_for(server, "SHUTOFF")

    def test_the_console_log_and_diagnostics(self):
        with contextlib.suppress(cfg.NoSuchOptError):
            # Nova's own schema of the answer wants the name of a driver it ships; outside its tests it only warns.
            self.flags(response_validation="ignore", group="api")
        server = self.boot()
        self.inside(server, "sh", "-c", "echo said on the console > /dev/console")
        output = self.api.api_post(f"/servers/{server['id']}/action", {"os-getConsoleOutput": {}}).body["output"]
        self.assertIn("said on the console", output)
        found = self.api.api_get(f"/servers/{server['id']}/diagnostics").body
        self.assertEqual("running", found["state"])
        self.assertGreater(found["memory_details"]["used"] + 1, 0)

    def test_a_failed_build_leaves_nothing_and_says_why(self):
        image = self.upload(__file__, "no image at all")
        found = self.api.post_server({"server": self._build_server(
            image_uuid=image, flavor_id=self.flavor(), networks="none")})
        self.eventually(lambda: self.api.get_server(found["id"])["status"] == "ERROR", "the build fails")
        self.assert_nothing_left()

    def test_booting_from_a_volume_is_refused(self):
        found = self.api.post_server({"server": {
            "name": "from-volume", "flavorRef": self.flavor(), "networks": "none", "imageRef": "",
            "block_device_mapping_v2": [{"boot_index": 0, "uuid": self.cinder.IMAGE_BACKED_VOL,
                                         "source_type": "volume", "destination_type": "volume"}]}})
        self.eventually(lambda: self.api.get_server(found["id"])["status"] == "ERROR", "the build is refused")
        self.assertIn("boot from a volume", str(self.api.get_server(found["id"])["fault"]))
        self.assert_nothing_left()


class LimitsTest(base.Case):
    """What a flavor says is what the kernel enforces."""

    def test_memory_and_processors(self):
        server = self.boot(flavor_id=self.flavor(memory_mb=100, vcpu=1))
        name = f"lxc.payload.nova_{self.name(server)}"
        # One hierarchy, or one a controller with files of other names.
        memory = glob.glob(f"/sys/fs/cgroup/{name}/memory.max") + glob.glob(f"/sys/fs/cgroup/memory/**/{name}/memory.limit_in_bytes",
                                                                            recursive=True)
        processors = glob.glob(f"/sys/fs/cgroup/**/{name}/cpuset.cpus", recursive=True)
        with open(memory[0], encoding="ascii") as file:
            self.assertEqual(100 << 20, int(file.read()))
        with open(processors[0], encoding="ascii") as file:
            self.assertRegex(file.read(), r"^\d+$")

    def test_ephemeral_disks_are_volumes_of_their_own(self):
        server = self.boot(flavor_id=self.flavor(ephemeral=1))
        self.inside(server, "sh", "-c", "grep -q ' /mnt ' /proc/mounts && touch /mnt/there")
        server = self.act(server, "ACTIVE", "reboot", {"type": "HARD"})
        self.inside(server, "test", "-e", "/mnt/there")
        self.delete(server)
        self.assert_nothing_left()


class DaemonTest(base.Case):
    """nova-compute and the daemon come and go independently."""

    def setUp(self):
        if daemons.get().is_given:
            self.skipTest("a given daemon is not ours to restart")
        super().setUp()

    def test_a_restart_of_the_daemon_is_survived(self):
        server = self.boot()
        daemon = daemons.get()
        daemon.kill()
        daemon.start()
        self.assertEqual("Running", self.container(server)["status"])
        time.sleep(CONF_RETRY)
        self.lxd().start("POST", path("instances", self.name(server), "exec"), {
            "command": ["poweroff"], "wait-for-websocket": False, "interactive": False})
        self.wait_for(server, "SHUTOFF")
        self.act(server, "ACTIVE", "os-start")

    def test_after_a_reboot_of_the_host_nova_decides_what_runs(self):
        server = self.boot()
        self.inside(server, "touch", "/root/kept")
        self.services["host1"].stop()
        daemon = daemons.get()
        daemon.shut_down()
        daemon.start()
        self.assertEqual("Stopped", self.container(server)["status"], "it might run elsewhere by now")
        self.flags(resume_guests_state_on_host_boot=True)
        self.services["host1"] = self.restart_compute_service(self.services["host1"])
        self.eventually(lambda: self.container(server)["status"] == "Running", "Nova starts it")
        server = self.wait_for(server, "ACTIVE")
        self.inside(server, "test", "-e", "/root/kept")


#: Longer than [lxd]retry_interval.
CONF_RETRY = 6
