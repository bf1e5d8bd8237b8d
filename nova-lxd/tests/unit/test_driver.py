import inspect
import unittest

from nova import exception
from nova.virt import driver as nova_driver
from oslo_config import cfg

from nova_lxd import compat, conf, errors, instance as instances, inventory
from nova_lxd.driver import LXDDriver
from tests.unit import fakes


class SignatureTest(unittest.TestCase):
    """Nova calls by position and by keyword; what its own class takes, ours must take in the same places."""

    def test_each_method_takes_what_this_nova_passes(self):
        for name, method in inspect.getmembers(LXDDriver, inspect.isfunction):
            base = getattr(nova_driver.ComputeDriver, name, None)
            if base is None or name.startswith("_") or name not in vars(LXDDriver):
                continue
            ours = inspect.signature(method).parameters
            if any(parameter.kind == parameter.VAR_KEYWORD for parameter in ours.values()):
                continue
            theirs = list(inspect.signature(base).parameters)
            self.assertEqual(theirs, list(ours)[:len(theirs)], name)
            required = [parameter.name for parameter in list(ours.values())[len(theirs):]
                        if parameter.default is parameter.empty]
            self.assertEqual([], required, f"{name} needs what this Nova does not pass")

    def test_the_loader_finds_it(self):
        from nova.virt import lxd
        self.assertIs(LXDDriver, lxd.LXDDriver)

    def test_block_devices_are_found_whatever_stands_before_them(self):
        bdi = {"block_device_mapping": []}
        for arguments, keywords in (((bdi,), {}), ((["share"], bdi), {}), ((["share"],), {"block_device_info": bdi}),
                                    ((), {"share_info": [], "block_device_info": bdi})):
            self.assertIs(bdi, compat.resume_block_device_info(arguments, keywords))
        self.assertIsNone(compat.resume_block_device_info((["share"],), {}))


class ErrorTest(unittest.TestCase):
    def translate(self, error, **more):
        with errors.as_nova(fakes.instance(), "start the container", **more):
            raise error

    def test_a_daemon_that_is_down_is_a_hypervisor_that_is_unavailable(self):
        with self.assertRaises(exception.HypervisorUnavailable):
            self.translate(errors.Unavailable(503, "down"))

    def test_a_missing_container_is_a_missing_instance(self):
        with self.assertRaises(exception.InstanceNotFound):
            self.translate(errors.NotFound(404, "gone"))

    def test_the_daemons_words_reach_the_operator(self):
        with self.assertRaisesRegex(exception.InstancePowerOnFailure, "start the container: no more memory"):
            self.translate(errors.OperationFailed(400, "no more memory"), failure=exception.InstancePowerOnFailure)

    def test_exceptions_of_nova_pass(self):
        with self.assertRaises(exception.InstanceExists):
            self.translate(exception.InstanceExists(name="x"))


class NameTest(unittest.TestCase):
    def test_the_servers_name_is_the_containers(self):
        self.assertEqual("instance-00000001", instances.name_of(fakes.instance()))

    def test_a_name_lxd_cannot_take_is_replaced(self):
        for name in ("1abc", "under_score", "x" * 64, "dot.ted", "a-"):
            self.assertEqual("nova-5a1f7f5e-7b8c-4f0e-9d5e-0d3a0c6f1a11", instances.name_of(fakes.instance(name=name)))

    def test_a_name_aside_is_still_a_name(self):
        self.assertLessEqual(len(instances.aside_name_of(fakes.instance(name="x" * 63))), 63)

    def test_a_stopped_container_with_its_memory_kept_is_suspended(self):
        from nova.compute import power_state
        self.assertEqual(power_state.SUSPENDED, instances.power_state_of({"status_code": 102, "stateful": True}))
        self.assertEqual(power_state.SHUTDOWN, instances.power_state_of({"status_code": 102, "stateful": False}))
        self.assertEqual(power_state.NOSTATE, instances.power_state_of({"status_code": 107}))


class InventoryTest(unittest.TestCase):
    def test_versions_are_numbers_that_sort(self):
        self.assertEqual(5000002, inventory.version_number("5.0.2"))
        self.assertEqual(5021000, inventory.version_number("5.21"))
        self.assertLess(inventory.version_number("5.0.2"), inventory.version_number("5.1"))

    def test_architectures_nova_does_not_know_are_left_out(self):
        self.assertEqual([("x86_64", "lxd", "exe"), ("i686", "lxd", "exe")],
                         inventory.supported_instances(["x86_64", "i686", "no-such-thing"]))


class SettingsTest(unittest.TestCase):
    def read(self, **values):
        configuration = cfg.ConfigOpts()
        conf.register(configuration)
        configuration([])
        for name, value in values.items():
            configuration.set_override(name, value, group="lxd")
        return conf.Settings.read(configuration)

    def test_options_of_nova_lxd_19_keep_names_and_defaults(self):
        settings = self.read()
        self.assertEqual("/var/lib/lxd/unix.socket", settings.socket)
        self.assertIsNone(settings.timeout)
        self.assertIsNone(settings.pool)
        self.assertFalse(settings.allow_live_migration)

    def test_a_socket_tells_where_the_daemon_lives(self):
        self.assertEqual("/srv/lxd", self.read(socket="/srv/lxd/unix.socket").root_dir)

    def test_settings_stay_as_they_were_when_the_driver_started(self):
        with self.assertRaises(AttributeError):
            self.read().pool = "other"
