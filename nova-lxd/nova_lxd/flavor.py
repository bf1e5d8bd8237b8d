"""What a flavor means for a container. Extra specs have the names nova-lxd 19 gave them.

Sizes are exact: Nova's memory is MiB, its disks are GiB, ``quota:*_bytes_sec`` are bytes and ``quota:vif_*`` are
kilobytes (1000 bytes) a second.
"""

from typing import Any

from oslo_utils import strutils

from nova_lxd.host import Host


def config(host: Host, flavor: Any) -> dict[str, str]:
    """Configuration keys of a container of this flavor.

    All keys that can come from a flavor are there, empty where it does not set them, so that a resize also takes away.
    """
    specs = flavor.extra_specs or {}
    nested = _is_set(specs, "lxd:nested_allowed")
    return {
        "limits.cpu": str(flavor.vcpus),
        "limits.memory": f"{flavor.memory_mb}MiB",
        "security.nesting": "true" if nested else "",
        "security.privileged": "true" if _is_set(specs, "lxd:privileged_allowed") else "",
        "security.idmap.isolated": "true" if _is_set(specs, "lxd:isolated") else "",
        # What has containers of its own inside cannot be checkpointed.
        "migration.stateful": "true" if host.can_checkpoint and not nested else "",
    }


def root_device(host: Host, flavor: Any) -> dict[str, str]:
    """The root disk of a container of this flavor."""
    device = {"type": "disk", "path": "/", "pool": host.pool, **disk_limits(flavor)}
    if flavor.root_gb > 0:
        device["size"] = f"{flavor.root_gb}GiB"
    return device


def disk_limits(flavor: Any) -> dict[str, str]:
    """Limits of a disk. A device has one limit a direction: bytes win over operations, and one of read and write over
    the total."""
    specs = flavor.extra_specs or {}
    limits: dict[str, str] = {}
    for direction, key in (("read", "limits.read"), ("write", "limits.write")):
        if value := _limit(specs, f"quota:disk_{direction}"):
            limits[key] = value
    if not limits and (value := _limit(specs, "quota:disk_total")):
        limits["limits.max"] = value
    return limits


def nic_limits(flavor: Any) -> dict[str, str]:
    """Limits of a network interface: the higher of average and peak, since LXD knows one figure a direction."""
    specs = flavor.extra_specs or {}
    limits: dict[str, str] = {}
    for direction, key in (("inbound", "limits.ingress"), ("outbound", "limits.egress")):
        kilobytes = max(int(specs.get(f"quota:vif_{direction}_{figure}", 0)) for figure in ("average", "peak"))
        if kilobytes > 0:
            limits[key] = f"{kilobytes * 8}kbit"
    return limits


def _limit(specs: dict[str, str], name: str) -> str | None:
    if int(specs.get(f"{name}_bytes_sec", 0)) > 0:
        return f"{int(specs[f'{name}_bytes_sec'])}B"
    if int(specs.get(f"{name}_iops_sec", 0)) > 0:
        return f"{int(specs[f'{name}_iops_sec'])}iops"
    return None


def _is_set(specs: dict[str, str], name: str) -> bool:
    # nova-lxd took any value for yes; a plain "false" now means what it says.
    return name in specs and strutils.bool_from_string(specs[name], default=True)
