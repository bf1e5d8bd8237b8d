import unittest

from nova_lxd import flavor
from tests.unit import fakes


class ConfigTest(unittest.TestCase):
    def config(self, host=None, **values):
        found = flavor.config(host or fakes.Host(), fakes.flavor(**values))
        return {key: value for key, value in found.items() if value}

    def test_memory_is_mebibytes_and_not_megabytes(self):
        self.assertEqual({"limits.cpu": "2", "limits.memory": "512MiB"}, self.config())

    def test_extra_specs_of_nova_lxd_19_keep_their_names(self):
        config = self.config(extra_specs={
            "lxd:nested_allowed": "True", "lxd:privileged_allowed": "True", "lxd:isolated": "True"})
        self.assertEqual(("true", "true", "true"), (
            config["security.nesting"], config["security.privileged"], config["security.idmap.isolated"]))

    def test_an_extra_spec_that_says_false_is_off(self):
        self.assertNotIn("security.nesting", self.config(extra_specs={"lxd:nested_allowed": "false"}))

    def test_what_a_flavor_does_not_set_is_there_empty_so_that_a_resize_takes_it_away(self):
        config = flavor.config(fakes.Host(), fakes.flavor())
        self.assertEqual("", config["security.nesting"])
        self.assertEqual("", config["migration.stateful"])

    def test_containers_can_be_checkpointed_where_live_migration_is_allowed(self):
        host = fakes.Host(allow_live_migration=True)
        self.assertEqual("true", self.config(host)["migration.stateful"])
        self.assertNotIn("migration.stateful", self.config(host, extra_specs={"lxd:nested_allowed": "1"}))


class DiskTest(unittest.TestCase):
    def device(self, root_gb=10, **specs):
        return flavor.root_device(fakes.Host(), fakes.flavor(
            root_gb=root_gb, extra_specs={name.replace("__", ":"): value for name, value in specs.items()}))

    def test_size_is_gibibytes(self):
        self.assertEqual({"type": "disk", "path": "/", "pool": "default", "size": "10GiB"}, self.device())

    def test_a_flavor_without_root_disk_sets_no_size(self):
        self.assertNotIn("size", self.device(root_gb=0))

    def test_bytes_are_exact_and_win_over_operations(self):
        device = self.device(quota__disk_read_bytes_sec="10485761", quota__disk_read_iops_sec="100",
                             quota__disk_write_iops_sec="200", quota__disk_total_iops_sec="300")
        self.assertEqual(("10485761B", "200iops"), (device["limits.read"], device["limits.write"]))
        self.assertNotIn("limits.max", device)

    def test_a_total_counts_where_nothing_else_is_set(self):
        self.assertEqual("300iops", self.device(quota__disk_total_iops_sec="300")["limits.max"])
        self.assertEqual("1024B", self.device(quota__disk_total_bytes_sec="1024")["limits.max"])


class NicTest(unittest.TestCase):
    def test_kilobytes_become_kilobits_and_the_higher_figure_counts(self):
        self.assertEqual({"limits.ingress": "16000kbit", "limits.egress": "8kbit"}, flavor.nic_limits(fakes.flavor(
            extra_specs={"quota:vif_inbound_average": "1000", "quota:vif_inbound_peak": "2000",
                         "quota:vif_outbound_average": "1"})))

    def test_no_limit_without_extra_specs(self):
        self.assertEqual({}, flavor.nic_limits(fakes.flavor()))
