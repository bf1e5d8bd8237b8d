"""A server's counters, from LXD's state of its container."""

from typing import Any

from nova import exception
from nova.objects import diagnostics as objects, fields
from oslo_utils import timeutils, units

from nova_lxd import errors, instance as instances
from nova_lxd.host import Host

_STATES = {
    instances.RUNNING: fields.InstancePowerState.RUNNING, instances.FROZEN: fields.InstancePowerState.PAUSED,
    instances.STOPPED: fields.InstancePowerState.SHUTDOWN, instances.ERROR: fields.InstancePowerState.CRASHED,
}


def _state(host: Host, instance: Any) -> dict[str, Any]:
    record = instances.get(host, instance)
    with errors.as_nova(instance, "read the container's state", failure=exception.InstanceDeployFailure):
        return {**host.client.get(instances.path_of(instance, "state")), "record": record}


def _ports(state: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, **port} for name, port in sorted((state.get("network") or {}).items()) if name != "lo"]


def legacy(host: Host, instance: Any) -> dict[str, Any]:
    """Counters by name, as the API showed them before its version 2.48."""
    state = _state(host, instance)
    memory = state.get("memory") or {}
    found = {
        "cpu0_time": (state.get("cpu") or {}).get("usage", 0),
        "memory": memory.get("total") or memory.get("usage", 0),
        "memory-used": memory.get("usage", 0),
        "memory-peak": memory.get("usage_peak", 0),
        "processes": state.get("processes", 0),
    }
    for port in _ports(state):
        for direction, letters in (("received", "rx"), ("sent", "tx")):
            found[f"{port['name']}_{letters}"] = port["counters"][f"bytes_{direction}"]
            found[f"{port['name']}_{letters}_packets"] = port["counters"][f"packets_{direction}"]
    for name, disk in sorted((state.get("disk") or {}).items()):
        found[f"{name}_usage"] = disk.get("usage", 0)
    return found


def collect(host: Host, instance: Any) -> objects.Diagnostics:
    """The same as Nova's object. Its field ``driver`` stays unset: the list of drivers is closed and has no LXD."""
    state = _state(host, instance)
    record = state["record"]
    found = objects.Diagnostics(
        state=_STATES.get(state["status_code"], fields.InstancePowerState.NOSTATE), hypervisor="lxd",
        hypervisor_os="linux", config_drive=instance.config_drive in (True, "True"))
    if instance.launched_at:
        found.uptime = max(0, int((timeutils.utcnow() - instance.launched_at.replace(tzinfo=None)).total_seconds()))
    memory = state.get("memory") or {}
    limit = instances.mebibytes(record["expanded_config"].get("limits.memory"))
    found.memory_details = objects.MemoryDiagnostics(
        maximum=limit or 0, used=memory.get("usage", 0) // units.Mi)
    found.add_cpu(id=0, time=(state.get("cpu") or {}).get("usage", 0))
    for port in _ports(state):
        counters = port["counters"]
        found.add_nic(
            mac_address=port["hwaddr"], rx_octets=counters["bytes_received"], rx_packets=counters["packets_received"],
            rx_errors=counters.get("errors_received", 0), rx_drop=counters.get("packets_dropped_inbound", 0),
            tx_octets=counters["bytes_sent"], tx_packets=counters["packets_sent"],
            tx_errors=counters.get("errors_sent", 0), tx_drop=counters.get("packets_dropped_outbound", 0))
    return found
