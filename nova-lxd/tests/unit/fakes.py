"""Values of Nova's that tests hand to the driver's functions."""

import types
from typing import Any

from nova.network import model


def flavor(**values: Any) -> Any:
    return types.SimpleNamespace(**{"vcpus": 2, "memory_mb": 512, "root_gb": 10, "extra_specs": {}, **values})


def instance(**values: Any) -> Any:
    return types.SimpleNamespace(**{
        "uuid": "5a1f7f5e-7b8c-4f0e-9d5e-0d3a0c6f1a11", "name": "instance-00000001", "hostname": "web",
        "display_name": "web", "user_data": None, "key_data": None, "image_ref": "i", "host": "host1",
        "flavor": flavor(), **values})


def vif(address: str = "fa:16:3e:00:00:01", subnets: list[Any] | None = None, **meta: Any) -> model.VIF:
    network = model.Network(id="n", bridge="br-int", label="net", subnets=subnets or [], **meta)
    return model.VIF(id="51a9642b-1414-4bd6-9a92-1320ddc55a63", address=address, network=network,
                     type=model.VIF_TYPE_OVS)


def subnet(cidr: str, address: str, gateway: str | None = None, dns: tuple[str, ...] = (), **meta: Any) -> model.Subnet:
    return model.Subnet(
        cidr=cidr, ips=[model.FixedIP(address=address)], dns=[model.IP(address=server, type="dns") for server in dns],
        gateway=model.IP(address=gateway, type="gateway") if gateway else None, **meta)


class Settings(types.SimpleNamespace):
    """The [lxd] section, with what a test sets."""

    def __init__(self, **values: Any):
        super().__init__(**{"allow_live_migration": False, "retry_interval": 1, "project": "nova", **values})


class Host:
    """A host without a daemon, for what only reads settings."""

    def __init__(self, **settings: Any):
        self.settings = Settings(**settings)
        self.can_checkpoint = self.settings.allow_live_migration
        self.pool = "default"
        self.name = "host1"
