"""Cinder's volumes and the flavor's ephemeral disks as devices of a container.

os-brick brings a volume to the host (iSCSI, RBD, NVMe, multipath and so on are its business); the container gets the
host's device: as a block device it may format and partition, or, with the flavor's extra spec ``lxd:volumes=disk``,
mounted, since the kernel refuses to let an unprivileged container mount a block device itself.
"""

import os
from collections.abc import Iterable, Mapping
from typing import Any

import nova.conf
import nova.utils
from nova import block_device, exception
from nova.virt import driver
from os_brick import exception as brick_exception
from os_brick.initiator import connector as brick
from oslo_log import log as logging

from nova_lxd import devices as container_devices, errors, instance as instances
from nova_lxd.client import path
from nova_lxd.host import Host

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

#: Prefix of the LXD device of a Cinder volume; Nova's name of the device follows.
DEVICE_PREFIX = "volume-"
#: Prefix of the LXD device of an ephemeral disk; its number follows.
EPHEMERAL_PREFIX = "ephemeral"
#: ``disk`` mounts volumes in the container, anything else gives it block devices.
EXTRA_SPEC = "lxd:volumes"


# os-brick


def connector(host: Host, instance: Any) -> dict[str, Any]:
    """What Cinder must know of this host to export a volume to it: addresses and initiator names."""
    return brick.get_connector_properties(
        nova.utils.get_root_helper(), CONF.my_block_storage_ip, CONF.libvirt.volume_use_multipath,
        enforce_multipath=True, host=CONF.host)


def _initiator(connection_info: Mapping[str, Any]) -> Any:
    protocol = connection_info["driver_volume_type"]
    try:
        return brick.InitiatorConnector.factory(
            protocol, nova.utils.get_root_helper(), use_multipath=CONF.libvirt.volume_use_multipath,
            device_scan_attempts=CONF.libvirt.num_volume_scan_tries)
    except (brick_exception.InvalidConnectorProtocol, ValueError) as error:
        raise exception.VolumeDriverNotFound(driver_type=protocol) from error


def _connect(connection_info: Mapping[str, Any]) -> str:
    """Brings a volume to the host; returns its block device."""
    found = _initiator(connection_info).connect_volume(connection_info["data"])
    source = found.get("path")
    if isinstance(source, bytes):
        source = os.fsdecode(source)
    if not isinstance(source, str):
        # RBD through librbd hands out a handle for a hypervisor; there is none here that could use it.
        raise exception.InvalidVolume(reason="os-brick offers no block device for this volume on the host")
    return source


def _disconnect(connection_info: Mapping[str, Any], source: str | None, *, force: bool = False) -> None:
    _initiator(connection_info).disconnect_volume(
        connection_info["data"], {"path": source} if source else None, force=force, ignore_errors=force)


def _volume_id(connection_info: Mapping[str, Any]) -> str:
    """The volume's id, for messages."""
    return str(connection_info.get("serial") or connection_info.get("volume_id")
               or connection_info["data"].get("volume_id") or "unknown")


# Devices


def device_name(mountpoint: str) -> str:
    """The LXD device of a volume. Nova's name of the device is what every call has; not all tell the volume's id."""
    return DEVICE_PREFIX + block_device.strip_dev(mountpoint)


def device(host: Host, instance: Any, source: str, mountpoint: str) -> dict[str, str]:
    """A block device of the host as an LXD device.

    :param mountpoint: Nova's name of the device, as in /dev/vdb.
    """
    name = block_device.strip_dev(mountpoint)
    if _mounted(instance):
        found = {"type": "disk", "source": source, "path": f"/mnt/{name}"}
        features = host.server()["environment"].get("kernel_features") or {}
        if features.get("idmapped_mounts") == "true":
            found["shift"] = "true"
        return found
    return {"type": "unix-block", "source": source, "path": f"/dev/{name}", "required": "false"}


def _mounted(instance: Any) -> bool:
    return (instance.flavor.extra_specs or {}).get(EXTRA_SPEC) == "disk"


def check(instance: Any, block_device_info: Mapping[str, Any] | None) -> None:
    """Refuses what a container cannot have.

    :raises exception.BuildAbortException: On any LXD host it would be the same, so no other one is tried.
    """
    root = block_device.strip_dev(driver.block_device_info_get_root_device(block_device_info) or "")
    mapping = driver.block_device_info_get_mapping(block_device_info)
    if any(entry.get("boot_index") == 0 or (root and block_device.strip_dev(entry["mount_device"] or "") == root)
           for entry in mapping):
        raise exception.BuildAbortException(
            instance_uuid=instance.uuid, reason="a container's root is an image: LXD cannot boot from a volume")
    if any(_is_encrypted(entry["connection_info"]) for entry in mapping):
        raise exception.BuildAbortException(
            instance_uuid=instance.uuid, reason="LXD has no key manager: it cannot decrypt an encrypted volume")
    if driver.block_device_info_get_swap(block_device_info).get("swap_size"):
        raise exception.BuildAbortException(
            instance_uuid=instance.uuid, reason="containers share the host's swap: use a flavor without a swap disk")


def _is_encrypted(connection_info: Mapping[str, Any] | None) -> bool:
    return bool(((connection_info or {}).get("data") or {}).get("encrypted"))


def prepare(host: Host, context: Any, instance: Any, block_device_info: Mapping[str, Any] | None) -> dict[str, dict[str, str]]:
    """Brings a server's volumes to this host and makes its ephemeral disks; returns the devices for all of them.

    May be called again. When it fails, nothing is connected.
    """
    found: dict[str, dict[str, str]] = {}
    connected: list[tuple[Any, str]] = []
    try:
        for entry in driver.block_device_info_get_mapping(block_device_info):
            connection_info = entry["connection_info"]
            source = _connect(connection_info)
            connected.append((connection_info, source))
            found[device_name(entry["mount_device"])] = device(host, instance, source, entry["mount_device"])
        found |= ephemeral_devices(host, instance, block_device_info)
    except Exception:
        for connection_info, source in connected:
            _disconnect_logged(instance, connection_info, source)
        raise
    return found


def release(host: Host, context: Any, instance: Any, block_device_info: Mapping[str, Any] | None,
            destroy_disks: bool) -> None:
    """Takes a server's volumes from this host, and deletes its ephemeral disks if that is wanted.

    The container must be stopped, or gone if disks are deleted. A volume that stays connected is logged and the rest
    goes on.
    """
    for entry in driver.block_device_info_get_mapping(block_device_info):
        _disconnect_logged(instance, entry["connection_info"], None)
    if destroy_disks:
        with errors.as_nova(instance, "remove the ephemeral disks", failure=exception.InstanceTerminationFailure):
            delete_ephemerals(host, instance)


def _disconnect_logged(instance: Any, connection_info: Mapping[str, Any], source: str | None) -> None:
    try:
        _disconnect(connection_info, source, force=True)
    except Exception as error:  # os-brick's connectors raise anything; Cinder ends the export all the same.
        LOG.warning("A volume stays connected to this host: %s", error, instance=instance)


# Volumes of a server that exists


def attach(host: Host, context: Any, connection_info: Mapping[str, Any], instance: Any, mountpoint: str,
           encryption: Any = None) -> None:
    """Gives a volume to a container, running or stopped.

    :raises exception.VolumeAttachFailed: LXD refused; the volume is no longer connected to the host.
    """
    if encryption or _is_encrypted(connection_info):
        raise exception.VolumeEncryptionNotSupported(
            volume_type=connection_info["driver_volume_type"], volume_id=_volume_id(connection_info))
    volume_id = _volume_id(connection_info)
    source = _connect(connection_info)
    try:
        container_devices.add(host, instance, device_name(mountpoint), device(host, instance, source, mountpoint))
    except errors.LXDError as error:
        _disconnect_logged(instance, connection_info, source)
        raise exception.VolumeAttachFailed(volume_id=volume_id, reason=error.message) from error


def detach(host: Host, context: Any, connection_info: Mapping[str, Any], instance: Any, mountpoint: str,
           encryption: Any = None) -> None:
    """Takes a volume from a container and from the host.

    :raises exception.VolumeDetachFailed: The container uses it.
    """
    volume_id = _volume_id(connection_info)
    source = None
    try:
        removed = container_devices.remove(host, instance, device_name(mountpoint))
        source = removed.get("source") if removed else None
    except errors.NotFound:
        LOG.info("The container of volume %s is gone", volume_id, instance=instance)
    except errors.LXDError as error:
        raise exception.VolumeDetachFailed(volume_id=volume_id, reason=error.message) from error
    _disconnect(connection_info, source)


def extend(host: Host, context: Any, connection_info: Mapping[str, Any], instance: Any, requested_size: int) -> None:
    """Lets the host, and so the container, see the new size of a volume.

    :param requested_size: Bytes.
    """
    try:
        size = _initiator(connection_info).extend_volume(connection_info["data"])
    except NotImplementedError as error:
        raise exception.ExtendVolumeNotSupported() from error
    if size is not None and size < requested_size:
        raise exception.VolumeExtendFailed(
            volume_id=_volume_id(connection_info), reason=f"the host sees {size} bytes, not {requested_size}")
    LOG.info("Volume %s has %s bytes now", _volume_id(connection_info), size, instance=instance)


# Ephemeral disks: custom volumes of LXD, beside the root disk in the pool


def ephemeral_name(instance: Any, number: int) -> str:
    return f"{instances.name_of(instance)}-{EPHEMERAL_PREFIX}{number}"


def ephemeral_devices(host: Host, instance: Any, block_device_info: Mapping[str, Any] | None) -> dict[str, dict[str, str]]:
    """Makes the server's ephemeral disks that are missing; returns their devices. The first is at /mnt, as cloud-init has it."""
    found: dict[str, dict[str, str]] = {}
    for number, entry in enumerate(driver.block_device_info_get_ephemerals(block_device_info)):
        name = ephemeral_name(instance, number)
        try:
            host.client.post(path("storage-pools", host.pool, "volumes", "custom"), {
                "name": name, "content_type": "filesystem", "config": {"size": f"{entry['size']}GiB"}})
        except errors.Conflict:
            pass  # It is there from before a rebuild or a restart.
        found[f"{EPHEMERAL_PREFIX}{number}"] = {
            "type": "disk", "pool": host.pool, "source": name,
            "path": "/mnt" if number == 0 else f"/mnt/{EPHEMERAL_PREFIX}{number}"}
    return found


def ephemeral_volumes(host: Host, instance: Any) -> list[str]:
    """The names of a server's ephemeral disks in the pool, whatever Nova still knows of them."""
    prefix = f"{instances.name_of(instance)}-{EPHEMERAL_PREFIX}"
    urls: Iterable[str] = host.client.get(path("storage-pools", host.pool, "volumes", "custom"))
    names = (url.split("?")[0].rsplit("/", 1)[-1] for url in urls)
    return sorted(name for name in names if name.startswith(prefix) and name[len(prefix):].isdigit())


def delete_ephemerals(host: Host, instance: Any) -> None:
    """Removes a server's ephemeral disks; its container must be gone."""
    for name in ephemeral_volumes(host, instance):
        try:
            host.client.delete(path("storage-pools", host.pool, "volumes", "custom", name))
        except errors.NotFound:
            pass
