"""Limits of a flavor, read where the kernel keeps them."""

import glob
import os

from tests.functional import base


class DiskLimitsTest(base.Case):

    def limits(self, server):
        """File and value of each limit on a block device, version 1 or 2 of the control groups."""
        folders = glob.glob(f"/sys/fs/cgroup/**/lxc.payload.nova_{self.name(server)}", recursive=True)
        found = {}
        for folder in folders:
            for file in glob.glob(f"{folder}/blkio.throttle.*_device") + glob.glob(f"{folder}/io.max"):
                with open(file, encoding="ascii") as content:
                    for line in content:
                        words = line.split()[1:]
                        pairs = (word.split("=") for word in words) if file.endswith("io.max") else [
                            (NAMES[os.path.basename(file)], words[0])]
                        found.update({name: int(value) for name, value in pairs if value != "max"})
        return found

    def test_bytes_and_operations_are_exact(self):
        server = self.boot(flavor_id=self.flavor(
            **{"quota:disk_read_bytes_sec": "10485761", "quota:disk_write_iops_sec": "200"}))
        self.assertEqual({"rbps": 10485761, "wiops": 200}, self.limits(server))
        server = self.act(server, "VERIFY_RESIZE", "resize", {"flavorRef": self.flavor(
            memory_mb=192, **{"quota:disk_total_bytes_sec": "2097152"})})
        self.assertEqual({"rbps": 2097152, "wbps": 2097152}, self.limits(server))
        server = self.act(server, "ACTIVE", "revertResize")
        self.assertEqual({"rbps": 10485761, "wiops": 200}, self.limits(server))

    def test_without_extra_specs_there_is_no_limit(self):
        self.assertEqual({}, self.limits(self.boot()))


NAMES = {f"blkio.throttle.{direction}_{unit}_device": direction[0] + unit
         for direction in ("read", "write") for unit in ("bps", "iops")}
