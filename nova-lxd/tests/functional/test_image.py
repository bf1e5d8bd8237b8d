"""Images on their way from Glance to LXD."""

import os
import subprocess
import tempfile

from tests.functional import base  # isort: skip

from nova import context, objects

from nova_lxd.client import path


class ImageTest(base.Case):

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def unpacked(self):
        """The busybox image's root, as a folder."""
        subprocess.run(["tar", "-C", self.folder, "-xf", os.environ["NOVA_LXD_BUSYBOX"]], check=True)
        return os.path.join(self.folder, "rootfs")

    def test_a_bare_root_file_system_boots(self):
        file = os.path.join(self.folder, "root.tar.gz")
        subprocess.run(["tar", "-C", self.unpacked(), "-czf", file, "."], check=True)
        server = self.boot(self.upload(file, "root"))
        self.assertEqual("busybox", self.inside(server, "cat", "/etc/hostname"))

    def test_a_squashfs_boots(self):
        file = os.path.join(self.folder, "root.squashfs")
        subprocess.run(["mksquashfs", self.unpacked(), file, "-quiet", "-no-progress"], check=True,
                       stdout=subprocess.DEVNULL)
        server = self.boot(self.upload(file, "root"))
        self.assertEqual("busybox", self.inside(server, "cat", "/etc/hostname"))

    def test_equal_images_of_glance_are_one_of_lxds(self):
        self.boot()
        self.boot(self.upload(os.environ["NOVA_LXD_BUSYBOX"], "the same again"))
        images = self.lxd().get("/1.0/images", recursion=1)
        self.assertEqual(1, len(images))
        self.assertEqual(2, len(images[0]["aliases"]))

    def test_an_image_can_be_fetched_ahead(self):
        driver = self.drivers["host1"]
        self.assertTrue(driver.cache_image(context.get_admin_context(), self.image_id))
        self.assertFalse(driver.cache_image(context.get_admin_context(), self.image_id), "it is there already")

    def test_unused_images_go_after_their_time_and_no_others(self):
        driver, admin = self.drivers["host1"], context.get_admin_context()
        server = self.boot()
        mine = self.lxd().get(path("images", "aliases", self.image_id))["target"]
        file = os.path.join(self.folder, "root.tar")
        subprocess.run(["tar", "-C", self.unpacked(), "-cf", file, "."], check=True)
        other = self.upload(file, "other")
        driver.cache_image(admin, other)
        instances = objects.InstanceList.get_by_host(admin, "host1")
        driver.manage_image_cache(admin, instances)
        self.assertEqual(2, len(self.lxd().get("/1.0/images")), "both are young")
        self.flags(remove_unused_original_minimum_age_seconds=0, group="image_cache")
        driver.manage_image_cache(admin, instances)
        self.assertEqual([mine], [image["fingerprint"] for image in self.lxd().get("/1.0/images", recursion=1)])
        self.delete(server)
        driver.manage_image_cache(admin, objects.InstanceList())
        self.assertEqual([], self.lxd().get("/1.0/images"))
