"""Rescue: a server started from another image, with its own root file system at /mnt.

The server's container is renamed and stands aside; a new one of its name, with its ports, boots the rescue image. LXD
gives a container no other's root, and a pool may have a stopped container's root nowhere mounted. So the container
aside is started with a static busybox that sleeps as its only process: nothing of the broken system runs, but its root
is mounted, and the new container gets that folder as a disk.
"""

import json
import posixpath
from typing import Any

from nova import exception
from oslo_log import log as logging
from oslo_utils import excutils

from nova_lxd import configdrive, errors, flavor as flavors, image, instance as instances, network, spawn
from nova_lxd.client import path
from nova_lxd.host import Host

LOG = logging.getLogger(__name__)

_ROLE = "rescued"
_DEVICE = "rescued-root"
#: Where the container aside keeps its ports meanwhile.
_DEVICES_KEY = "user.nova.devices"
_HOLDER_DEVICE = "rescue-holder"
# busybox goes by the name it is called with, which must begin like its own.
_HOLDER = "/busybox-nova-rescue"
_HOLDER_CONFIG = f"lxc.init.cmd = {_HOLDER} sleep 2147483647\n"
#: What the nobody of a user namespace shows for owners it has no number for.
_OVERFLOW_ID = b"65534"


def rescue(host: Host, cache: image.Cache, context: Any, instance: Any, network_info: Any, image_meta: Any,
           rescue_password: str, block_device_info: Any) -> None:
    """Boots the rescue image in the server's place.

    :raises exception.InstanceNotRescuable: It did not work; the server is as it was.
    """
    record = instances.get(host, instance)
    fingerprint = cache.ensure(context, instance, image_meta)
    was_running = record["status_code"] == instances.RUNNING
    try:
        _set_aside(host, instance, record)
        devices = {
            spawn.ROOT_DEVICE: flavors.root_device(host, instance.flavor),
            **network.plug(host, instance, network_info or []),
            _DEVICE: {"type": "disk", "source": _root_of(host, instances.aside_name_of(instance)), "path": "/mnt"},
        }
        config = {**flavors.config(host, instance.flavor), **spawn.identity(instance),
                  **configdrive.cloud_init(instance, network_info)}
        instances.create(host, instance, {"type": "image", "fingerprint": fingerprint}, config, devices)
        configdrive.add(host, context, instance, [], rescue_password, network_info)
        instances.start(host, instance)
        _shift_if_needed(host, instance)
    except errors.LXDError as error:
        _give_up(host, instance, was_running)
        raise exception.InstanceNotRescuable(instance_id=instance.uuid, reason=error.message) from error
    except BaseException:
        with excutils.save_and_reraise_exception():
            _give_up(host, instance, was_running)
    if rescue_password:
        try:
            configdrive.set_password(host, instance, rescue_password)
        except exception.NovaException as error:
            LOG.warning("The rescue system has no password: %s", error, instance=instance)


def unrescue(host: Host, instance: Any) -> None:
    """Puts the server's own container back and starts it; one that is not rescued is left alone."""
    with errors.as_nova(instance, "end the rescue", failure=exception.InstancePowerOnFailure):
        if _put_back(host, instance):
            instances.start(host, instance)


def _set_aside(host: Host, instance: Any, record: dict[str, Any]) -> None:
    instances.stop(host, instance)
    config = {**record["config"], instances.ROLE_KEY: _ROLE, "raw.lxc": _HOLDER_CONFIG}
    # It sleeps without ports, which the rescue system has meanwhile; they come back with the server.
    kept = {name: device for name, device in record["devices"].items() if device["type"] != "nic"}
    config[_DEVICES_KEY] = json.dumps(
        {name: device for name, device in record["devices"].items() if device["type"] == "nic"})
    holder = {"type": "disk", "source": host.settings.rescue_holder, "path": _HOLDER}
    aside = instances.aside_name_of(instance)
    host.client.post(instances.path_of(instance), {"name": aside})
    host.client.put(path("instances", aside), {
        **instances.configurable(record), "config": config, "devices": {**kept, _HOLDER_DEVICE: holder}})
    host.client.put(path("instances", aside, "state"), {"action": "start", "timeout": -1})


def _put_back(host: Host, instance: Any) -> bool:
    """Removes the rescue system and gives the container aside its name and devices back; whether there was one.

    Each step may have been done already: it is what a failed rescue, or one that was interrupted, is repaired with.
    """
    aside = instances.aside_name_of(instance)
    try:
        record = host.client.get(path("instances", aside))
    except errors.NotFound:
        return False
    if record["config"].get(instances.UUID_KEY) != instance.uuid:
        return False
    if instances.owned(host, instance):
        instances.stop(host, instance)
        host.client.delete(instances.path_of(instance))
    if record["status_code"] != instances.STOPPED:
        host.client.put(path("instances", aside, "state"), {"action": "stop", "timeout": -1, "force": True})
    if _HOLDER_DEVICE in record["devices"]:
        devices = {name: device for name, device in record["devices"].items() if name != _HOLDER_DEVICE}
        devices |= json.loads(record["config"].get(_DEVICES_KEY) or "{}")
        config = {key: value for key, value in record["config"].items()
                  if key not in (instances.ROLE_KEY, "raw.lxc", _DEVICES_KEY)}
        host.client.put(path("instances", aside), {
            **instances.configurable(record), "config": config, "devices": devices})
        try:
            host.client.delete(path("instances", aside, "files"), path=_HOLDER)
        except errors.LXDError as error:
            LOG.info("%s stays in the server: %s", _HOLDER, error.message, instance=instance)
    host.client.post(path("instances", aside), {"name": instances.name_of(instance)})
    return True


def _give_up(host: Host, instance: Any, was_running: bool) -> None:
    try:
        _put_back(host, instance)
        if was_running:
            instances.start(host, instance)
    except Exception:
        LOG.exception("Could not undo a failed rescue", instance=instance)


def _root_of(host: Host, name: str) -> str:
    """The folder, on the daemon's machine, where a running container's root is."""
    project = host.settings.project
    folder = name if project == "default" else f"{project}_{name}"
    return posixpath.join(host.settings.root_dir, "storage-pools", host.pool, "containers", folder, "rootfs")


def _shift_if_needed(host: Host, instance: Any) -> None:
    """Lets LXD translate owners where the mounted root has the numbers of the disk, not those of the container."""
    shown = host.client.exec(instances.name_of(instance), ["stat", "-c", "%u", "/mnt"])
    if shown.stdout.strip() != _OVERFLOW_ID:
        return
    instances.stop(host, instance)
    record = host.client.get(instances.path_of(instance))
    device = {**record["devices"][_DEVICE], "shift": "true"}
    instances.put(host, instance, {**record, "devices": {**record["devices"], _DEVICE: device}})
    instances.start(host, instance)
