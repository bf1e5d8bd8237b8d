import base64
import unittest

import yaml
from nova.network import model

from nova_lxd import configdrive
from tests.unit import fakes


class CloudInitTest(unittest.TestCase):
    def test_user_data_and_keys_are_shown(self):
        config = configdrive.cloud_init(fakes.instance(
            user_data=base64.b64encode(b"#cloud-config\n").decode(), key_data="ssh-rsa AAAA it's me\n"), [])
        self.assertEqual("#cloud-config\n", config["cloud-init.user-data"])
        self.assertEqual({"local-hostname": "web", "public-keys": ["ssh-rsa AAAA it's me"]},
                         yaml.safe_load(config["user.meta-data"]))

    def test_user_data_that_is_no_text_is_left_to_the_config_drive(self):
        config = configdrive.cloud_init(fakes.instance(user_data=base64.b64encode(b"\x1f\x8b\xff").decode()), [])
        self.assertNotIn("cloud-init.user-data", config)

    def test_a_name_cannot_add_lines(self):
        config = configdrive.cloud_init(fakes.instance(hostname="a'\nruncmd: [x]"), [])
        self.assertEqual({"local-hostname": "a'runcmd: [x]"}, yaml.safe_load(config["user.meta-data"]))

    def test_addresses_of_neutron_are_given_statically(self):
        vif = fakes.vif(subnets=[
            fakes.subnet("10.0.0.0/24", "10.0.0.5", "10.0.0.1", ("9.9.9.9",), version=4),
            fakes.subnet("fd00::/64", "fd00::5", "fd00::1", version=6)], mtu=1450)
        config = yaml.safe_load(configdrive.network_config(model.NetworkInfo([vif])))
        self.assertEqual({"version": 1, "config": [{
            "type": "physical", "name": "eth0", "mac_address": "fa:16:3e:00:00:01", "mtu": 1450, "subnets": [
                {"type": "static", "address": "10.0.0.5/24", "gateway": "10.0.0.1", "dns_nameservers": ["9.9.9.9"]},
                {"type": "static6", "address": "fd00::5/64", "gateway": "fd00::1"}]}]}, config)

    def test_a_subnet_with_dhcp_is_left_to_dhcp(self):
        vif = fakes.vif(subnets=[fakes.subnet("10.0.0.0/24", "10.0.0.5", version=4, dhcp_server="10.0.0.2")])
        config = yaml.safe_load(configdrive.network_config([vif]))
        self.assertEqual([{"type": "dhcp4"}], config["config"][0]["subnets"])

    def test_no_ports_no_configuration(self):
        self.assertEqual("", configdrive.network_config([]))
