"""What the host has to give: for the hypervisor's record, for placement, and for monitors."""

import math
from typing import Any

import nova.conf
import os_resource_classes as orc
from nova import exception
from nova.objects import fields
from nova.virt import driver as nova_driver
from oslo_serialization import jsonutils
from oslo_utils import units

from nova_lxd import errors, instance as instances
from nova_lxd.client import path
from nova_lxd.host import Host

CONF = nova.conf.CONF

_VERSION_PARTS = 3


def available_resource(host: Host, nodename: str) -> dict[str, Any]:
    """The host's record in Nova."""
    with errors.as_nova(None, "read the host's resources"):
        server = host.server()
        resources = host.client.get("/1.0/resources", project=None)
        space = host.client.get(path("storage-pools", host.pool, "resources"))["space"]
    memory = resources["memory"]
    records = instances.list_all(host)
    cpu = resources["cpu"]
    return {
        "vcpus": cpu["total"],
        "vcpus_used": sum(_whole_number(found.record["config"].get("limits.cpu")) for found in records),
        "memory_mb": memory["total"] // units.Mi,
        "memory_mb_used": memory["used"] // units.Mi,
        "local_gb": space["total"] // units.Gi,
        "local_gb_used": math.ceil(space.get("used", 0) / units.Gi),
        "disk_available_least": max(0, space["total"] - space.get("used", 0)) // units.Gi,
        "hypervisor_type": "lxd",
        "hypervisor_version": version_number(server["environment"]["server_version"]),
        "hypervisor_hostname": nodename,
        "cpu_info": jsonutils.dumps(cpu_info(cpu)),
        "supported_instances": supported_instances(server["environment"]["architectures"]),
        "numa_topology": None,
    }


def version_number(text: str) -> int:
    """Nova's form of a version: 5.0.2 is 5000002."""
    number = 0
    parts = text.split(".")[:_VERSION_PARTS]
    for part in parts + ["0"] * (_VERSION_PARTS - len(parts)):
        number = number * 1000 + int("".join(character for character in part if character.isdigit()) or 0)
    return number


def supported_instances(architectures: list[str]) -> list[tuple[str, str, str]]:
    """Architectures of the host as the image filter knows them; with these an image that asks for ``hw_vm_mode=exe``
    comes to LXD hosts only."""
    supported = []
    for name in architectures:
        try:
            supported.append((fields.Architecture.canonicalize(name), fields.HVType.LXD, fields.VMMode.EXE))
        except exception.InvalidArchitectureName:
            continue  # LXD knows some that Nova does not.
    return supported


def cpu_info(cpu: dict[str, Any]) -> dict[str, Any]:
    sockets = cpu.get("sockets") or []
    first = sockets[0] if sockets else {}
    cores = first.get("cores") or []
    return {
        "arch": cpu.get("architecture", ""),
        "vendor": first.get("vendor", ""),
        "model": first.get("name", ""),
        "topology": {"sockets": len(sockets), "cores": len(cores),
                     "threads": max((len(core.get("threads") or []) for core in cores), default=0)},
        "features": [],
    }


def update_provider_tree(host: Host, driver: nova_driver.ComputeDriver, tree: Any, nodename: str) -> None:
    """Tells placement what can be scheduled here. Ratios an operator set in placement are kept."""
    resource = available_resource(host, nodename)
    ratios = driver._get_allocation_ratios(tree.data(nodename).inventory)
    totals = {
        orc.VCPU: (resource["vcpus"], CONF.reserved_host_cpus),
        orc.MEMORY_MB: (resource["memory_mb"], CONF.reserved_host_memory_mb),
        orc.DISK_GB: (resource["local_gb"], driver._get_reserved_host_disk_gb_from_config()),
    }
    tree.update_inventory(nodename, {
        name: {"total": total, "min_unit": 1, "max_unit": total, "step_size": 1,
               "allocation_ratio": ratios[name], "reserved": reserved}
        for name, (total, reserved) in totals.items() if total > 0})


def uptime(host: Host) -> str:
    """In the words of uptime(1).

    :raises NotImplementedError: The daemon is on another machine, whose uptime LXD does not tell.
    """
    _require_local(host)
    seconds = int(float(_read("/proc/uptime").split()[0]))
    load = ", ".join(_read("/proc/loadavg").split()[:3])
    days, rest = divmod(seconds, 86400)
    hours, minutes = rest // 3600, rest % 3600 // 60
    return f"up {days} day{'' if days == 1 else 's'}, {hours:2d}:{minutes:02d}, load average: {load}"


def cpu_stats(host: Host) -> dict[str, int]:
    """Nanoseconds the host's processors spent, and their frequency in MHz, as Nova's monitor wants them.

    :raises NotImplementedError: As for ``uptime``.
    """
    _require_local(host)
    user, nice, system, idle, iowait, irq, softirq = (
        int(field) for field in _read("/proc/stat").split("\n", 1)[0].split()[1:8])
    tick = units.G // 100  # /proc counts hundredths of a second whatever the kernel's own rate is.
    sockets = host.client.get("/1.0/resources", project=None)["cpu"].get("sockets") or [{}]
    return {
        "kernel": (system + irq + softirq) * tick,
        "idle": idle * tick,
        "user": (user + nice) * tick,
        "iowait": iowait * tick,
        "frequency": sockets[0].get("frequency") or 0,
    }


def _require_local(host: Host) -> None:
    if host.client.endpoint.url is not None:
        raise NotImplementedError()


def _read(name: str) -> str:
    with open(name, encoding="ascii", errors="replace") as file:
        return file.read(65536)


def _whole_number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0
