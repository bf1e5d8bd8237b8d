"""Neutron's ports as network interfaces of a container.

os-vif makes what Neutron's agent expects on the host (a bridge, an Open vSwitch port); LXD makes the veth pair whose
host end carries the name the agent looks for. Neutron reports the port as plugged once that end exists, so it is
waited for while the container starts.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import nova.conf
import os_vif
from nova import exception
from nova.network import model, os_vif_util
from os_vif import exception as os_vif_exception
from os_vif import objects as os_vif_objects
from oslo_log import log as logging

from nova_lxd import compat, devices as container_devices, errors, flavor, instance as instances
from nova_lxd.host import Host

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

#: Prefix of the LXD device of a port; the port's id follows, so that a port is found again whatever its order.
DEVICE_PREFIX = "port-"


def initialize() -> None:
    """Loads os-vif's plugins; once a process."""
    os_vif.initialize()


# Devices


def device_name(vif: Mapping[str, Any]) -> str:
    """The name of a port's device in LXD."""
    return DEVICE_PREFIX + vif["id"]


def device(vif: Mapping[str, Any], name: str, limits: Mapping[str, str] | None = None) -> dict[str, str]:
    """A port as an LXD device.

    :param name: The interface's name inside, as in eth0.
    :param limits: ``limits.*`` keys of the device, from the flavor.
    :raises exception.VirtualInterfacePlugException: No container can be connected to a port of this type.
    """
    found = {
        "type": "nic",
        "name": name,
        "hwaddr": vif["address"],
        "host_name": _host_name(vif),
        **(limits or {}),
    }
    mtu = vif["network"].get_meta("mtu")
    if mtu:
        found["mtu"] = str(mtu)
    converted = _converted(vif)
    if isinstance(converted, os_vif_objects.vif.VIFBridge):
        return {**found, "nictype": "bridged", "parent": converted.bridge_name}
    # The host end stays by itself: Open vSwitch takes it up by its name, for VIF_TYPE_TAP Neutron's agent routes to it.
    return {**found, "nictype": "p2p"}


def devices(instance: Any, network_info: Iterable[Mapping[str, Any]],
            existing: Mapping[str, Mapping[str, str]] | None = None) -> dict[str, dict[str, str]]:
    """All ports of a server as LXD devices.

    :param existing: The container's devices as they are: an interface keeps the name it has inside.
    """
    limits = flavor.nic_limits(instance.flavor)
    vifs = list(network_info or ())
    names = {vif["id"]: (existing or {}).get(device_name(vif), {}).get("name") for vif in vifs}
    used = {name for name in names.values() if name}
    for vif in vifs:
        if not names[vif["id"]]:
            names[vif["id"]] = _free_name(used)
            used.add(names[vif["id"]])
    return {device_name(vif): device(vif, names[vif["id"]], limits) for vif in vifs}


def _free_name(used: Iterable[str]) -> str:
    taken = set(used)
    return next(name for name in (f"eth{number}" for number in range(len(taken) + 1)) if name not in taken)


def _host_name(vif: Mapping[str, Any]) -> str:
    return (vif.get("devname") or "tap" + vif["id"])[:model.NIC_NAME_LEN]


def _converted(vif: Mapping[str, Any]) -> Any:
    """The port as os-vif's object, or None where nothing is to be plugged."""
    if vif["type"] == model.VIF_TYPE_TAP:
        return None
    try:
        converted = os_vif_util.nova_to_osvif_vif(vif)
    except (NotImplementedError, exception.NovaException) as error:
        raise exception.VirtualInterfacePlugException(
            f"Port {vif['id']} has the type {vif['type']}, for which LXD has no interface: {error}") from error
    if isinstance(converted, os_vif_objects.vif.VIFOpenVSwitch):
        # The port's record is os-vif's to make; its interface is LXD's veth, never a tap.
        converted.port_profile.create_port = True
        if "create_tap" in converted.port_profile.fields:
            converted.port_profile.create_tap = False
        return converted
    if isinstance(converted, os_vif_objects.vif.VIFBridge):
        return converted
    raise exception.VirtualInterfacePlugException(
        f"Port {vif['id']} has the type {vif['type']} (vnic_type {vif.get('vnic_type')}), for which LXD has no interface")


# Plugging


def plug(host: Host, instance: Any, network_info: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Makes the host's side of ports; returns the devices for the container's. May be called again.

    :raises exception.VirtualInterfacePlugException: os-vif cannot, or a container cannot have such a port.
    """
    vifs = list(network_info or ())
    for vif in vifs:
        _plug(instance, vif)
    record = instances.find(host, instance) if vifs else None
    return devices(instance, vifs, record["devices"] if record else {})


def _plug(instance: Any, vif: Mapping[str, Any]) -> None:
    converted = _converted(vif)
    if converted is None:
        return
    try:
        os_vif.plug(converted, os_vif_util.nova_to_osvif_instance(instance))
    except os_vif_exception.ExceptionBase as error:
        raise exception.VirtualInterfacePlugException(f"Failed to plug port {vif['id']}: {error}") from error


def unplug(host: Host, instance: Any, network_info: Iterable[Mapping[str, Any]]) -> None:
    """Removes the host's side of ports, also of a container that is gone. A failure is logged, and the rest goes on."""
    for vif in network_info or ():
        try:
            converted = _converted(vif)
            if converted is not None:
                os_vif.unplug(converted, os_vif_util.nova_to_osvif_instance(instance))
        except (os_vif_exception.ExceptionBase, exception.NovaException) as error:
            LOG.warning("Port %s stays plugged: %s", vif["id"], error, instance=instance)


@contextlib.contextmanager
def wait_plugged(host: Host, instance: Any, network_info: Iterable[Mapping[str, Any]], *, wait: bool = True) -> Iterator[None]:
    """Runs its body, which plugs the ports and starts the container, then waits until Neutron has wired them.

    :param wait: False when the body does not start the container: without an interface nothing is ever reported.
    :raises exception.VirtualInterfaceCreateException: They were not wired in time, and ``vif_plugging_is_fatal``.
    """
    awaited = [("network-vif-plugged", vif["id"]) for vif in network_info or () if vif.get("active", True) is False]
    if not (wait and awaited and CONF.vif_plugging_timeout):
        yield
        return

    def failed(event: str, subject: Any) -> None:
        LOG.error("Neutron failed to wire a port (%s)", event, instance=instance)
        if CONF.vif_plugging_is_fatal:
            raise exception.VirtualInterfaceCreateException()

    try:
        with compat.wait_for_instance_event(host.virtapi, instance, awaited, CONF.vif_plugging_timeout, failed):
            yield
    except compat.EventTimeout as error:
        LOG.warning("Neutron did not report %s within %d s", ", ".join(port or "" for _, port in awaited),
                    CONF.vif_plugging_timeout, instance=instance)
        if CONF.vif_plugging_is_fatal:
            raise exception.VirtualInterfaceCreateException() from error


# Interfaces of a server that exists


def attach(host: Host, instance: Any, vif: Mapping[str, Any]) -> None:
    """Adds an interface, to a running container at once.

    :raises exception.InterfaceAttachFailed: It could not; the port is unplugged again.
    """
    existing = instances.get(host, instance)["devices"]
    used = [entry.get("name", "") for entry in existing.values() if entry.get("type") == "nic"]
    try:
        _plug(instance, vif)
        name = existing.get(device_name(vif), {}).get("name") or _free_name(used)
        container_devices.add(host, instance, device_name(vif), device(vif, name, flavor.nic_limits(instance.flavor)))
    except (exception.VirtualInterfacePlugException, errors.LXDError) as error:
        LOG.error("Failed to attach port %s: %s", vif["id"], error, instance=instance)
        unplug(host, instance, [vif])
        raise exception.InterfaceAttachFailed(instance_uuid=instance.uuid) from error


def detach(host: Host, instance: Any, vif: Mapping[str, Any]) -> None:
    """Takes an interface away; one that is gone already, with its container even, is no error."""
    try:
        container_devices.remove(host, instance, device_name(vif))
    except errors.NotFound:
        LOG.info("The container of port %s is gone", vif["id"], instance=instance)
    except errors.LXDError as error:
        LOG.error("Failed to detach port %s: %s", vif["id"], error, instance=instance)
        raise exception.InterfaceDetachFailed(instance_uuid=instance.uuid) from error
    unplug(host, instance, [vif])
