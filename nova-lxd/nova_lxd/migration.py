"""Resize and cold migration.

On one host a resize changes the container's limits. Between two hosts the target's nova-compute pulls the container,
and its ephemeral disks, out of the source's LXD while it is stopped; the source keeps its own until the user confirms,
so that a revert only has to start it.
"""

import json
from typing import Any

import nova.conf
from nova import exception, objects
from oslo_log import log as logging
from oslo_utils import excutils, units

from nova_lxd import errors, flavor as flavors, instance as instances, network, peer, volume
from nova_lxd.client import Client, path
from nova_lxd.host import Host

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

ROOT_DEVICE = "root"
_SAME_HOST = "same host"


# At the source


def migrate_disk_and_power_off(host: Host, context: Any, instance: Any, dest: str, flavor: Any, network_info: Any,
                               block_device_info: Any, timeout: int) -> str:
    """Stops a server; returns what the target needs to take it over.

    :raises exception.InstanceFaultRollback: It cannot be moved or resized; it runs on as if nothing had been.
    """
    record = instances.get(host, instance)
    same_host = _is_same_host(context, instance, dest)
    try:
        _check_shrink(host, instance, flavor)
        source = None if same_host else peer.address(host)
        if source is not None:
            credentials = peer.make_credentials(instance.uuid)
            peer.trust(host, instance, credentials.certificate)
    except (exception.MigrationError, exception.ResizeError) as error:
        raise exception.InstanceFaultRollback(error) from error
    try:
        instances.power_off(host, instance, timeout)
        volume.release(host, context, instance, block_device_info, False)
    except Exception as error:
        peer.distrust(host, instance)
        if record["status_code"] == instances.RUNNING:
            instances.start(host, instance)
        raise exception.InstanceFaultRollback(error) from error
    if source is None:
        return json.dumps(_SAME_HOST)
    return peer.encode(source, certificate=credentials.certificate, key=credentials.key)


def _is_same_host(context: Any, instance: Any, dest: str) -> bool:
    if instance.migration_context is None:
        return dest == CONF.my_ip
    moving = objects.Migration.get_by_id(context, instance.migration_context.migration_id)
    return moving.source_compute == moving.dest_compute


def _check_shrink(host: Host, instance: Any, flavor: Any) -> None:
    """A smaller root disk is fine as long as what is on it fits."""
    if not flavor.root_gb or flavor.root_gb >= (instance.flavor.root_gb or 0):
        return
    with errors.as_nova(instance, "read the disk's usage", failure=exception.ResizeError):
        state = host.client.get(instances.path_of(instance, "state"))
    used = ((state.get("disk") or {}).get(ROOT_DEVICE) or {}).get("usage", 0)
    if used > flavor.root_gb * units.Gi:
        raise exception.ResizeError(
            reason=f"{used / units.Gi:.1f} GiB are in use on the root disk, the new flavor has {flavor.root_gb}")


def confirm_migration(host: Host, context: Any, migration: Any, instance: Any, network_info: Any) -> None:
    """Removes what the source kept for a revert."""
    if migration.source_compute == migration.dest_compute:
        return
    with errors.as_nova(instance, "remove the container", failure=exception.MigrationError):
        instances.remove_containers(host, instance)
        volume.release(host, context, instance, None, True)
    network.unplug(host, instance, network_info or [])
    peer.distrust(host, instance)


def finish_revert_migration(host: Host, context: Any, instance: Any, network_info: Any, migration: Any,
                            block_device_info: Any, power_on: bool) -> None:
    """Starts the server at its source again, with the old flavor's limits."""
    peer.distrust(host, instance)
    same_host = migration.source_compute == migration.dest_compute
    _start_here(host, context, instance, network_info, block_device_info, power_on, wait=not same_host)


# At the target


def finish_migration(host: Host, context: Any, migration: Any, instance: Any, disk_info: str, network_info: Any,
                     image_meta: Any, resize_instance: bool, block_device_info: Any, power_on: bool) -> None:
    """Takes a stopped server over and gives it the new flavor's limits."""
    if migration.source_compute == migration.dest_compute:
        _start_here(host, context, instance, network_info, block_device_info, power_on, wait=False)
        return
    source, more = peer.decode(disk_info)
    try:
        with network.wait_plugged(host, instance, network_info, wait=power_on):
            with peer.connected(source, peer.Credentials(more["certificate"], more["key"])) as client:
                with errors.as_nova(instance, "pull the container", failure=exception.MigrationError):
                    record = client.get(instances.path_of(instance))
                    ephemerals = _pull_ephemerals(host, instance, client, source)
                    nics = network.plug(host, instance, network_info)
                    volumes = volume.prepare(host, context, instance, block_device_info)
                    # What is volatile belongs to the source's host.
                    config = {key: value for key, value in record["config"].items()
                              if not key.startswith("volatile.") or key == "volatile.base_image"}
                    devices = {
                        ROOT_DEVICE: flavors.root_device(host, instance.flavor), **ephemerals, **volumes, **nics}
                    instances.configured(
                        host, {**config, **flavors.config(host, instance.flavor)},
                        lambda known: pull(host, client, source, instances.path_of(instance), "/1.0/instances",
                                           moved_body(record, devices, known)))
            if power_on:
                instances.start(host, instance)
    except BaseException:  # Also the wait's timeout, which before Nova 32 is no Exception.
        with excutils.save_and_reraise_exception():
            _remove_failed(host, context, instance, network_info, block_device_info)


def moved_body(record: dict[str, Any], devices: dict[str, dict[str, str]], config: dict[str, str]) -> dict[str, Any]:
    """The request that creates a container as it is elsewhere.

    :param record: LXD's of the container at the source.
    :param devices: Its root disk, ports and disks at the target; what else it has comes along.
    :param config: Its configuration; keys without a value are left out.
    """
    kept = {name: device for name, device in record["devices"].items()
            if device["type"] != "nic" and not name.startswith((volume.DEVICE_PREFIX, volume.EPHEMERAL_PREFIX))}
    return {
        "name": record["name"], "type": "container", "architecture": record["architecture"],
        "description": record["description"], "ephemeral": False, "profiles": [],
        "config": {key: value for key, value in config.items() if value}, "devices": {**kept, **devices},
    }


def pull(host: Host, source: Client, address: peer.Address, source_path: str, target_path: str,
         body: dict[str, Any]) -> None:
    """Has our daemon fetch something out of another one, and waits until it is whole.

    :param source_path: What is fetched, at the source.
    :param target_path: Where the request that creates it here goes.
    """
    offer = source.start("POST", source_path, {"name": body["name"], "migration": True, "live": False})
    try:
        host.client.start("POST", target_path, {**body, "source": source_of(address, offer)}).wait()
    except BaseException:
        with excutils.save_and_reraise_exception():
            offer.cancel()
    offer.wait()


def source_of(address: peer.Address, offer: Any, **more: Any) -> dict[str, Any]:
    """The ``source`` of a request that fetches what an operation of the other daemon offers."""
    return {"type": "migration", "mode": "pull", "operation": f"{address.url}{offer.path}",
            "certificate": address.certificate, "secrets": offer.metadata, **more}


def _pull_ephemerals(host: Host, instance: Any, client: Client, source: peer.Address) -> dict[str, dict[str, str]]:
    """Fetches the server's ephemeral disks; returns their devices."""
    devices = {}
    record = client.get(instances.path_of(instance))
    for name, device in record["devices"].items():
        if not name.startswith(volume.EPHEMERAL_PREFIX):
            continue
        at_source = path("storage-pools", device["pool"], "volumes", "custom", device["source"])
        disk = client.get(at_source)
        pull(host, client, source, at_source, path("storage-pools", host.pool, "volumes", "custom"), {
            "name": device["source"], "type": "custom", "content_type": disk["content_type"],
            "config": {key: value for key, value in disk["config"].items() if key == "size"}})
        devices[name] = {**device, "pool": host.pool}
    return devices


def _remove_failed(host: Host, context: Any, instance: Any, network_info: Any, block_device_info: Any) -> None:
    """Takes back what was made here of a server that could not be taken over; the source still has it whole."""
    try:
        instances.remove_containers(host, instance)
        volume.release(host, context, instance, block_device_info, True)
        network.unplug(host, instance, network_info or [])
    except Exception:
        LOG.exception("Could not remove all of a failed migration", instance=instance)


def _start_here(host: Host, context: Any, instance: Any, network_info: Any, block_device_info: Any, power_on: bool,
                *, wait: bool) -> None:
    """Gives a stopped container that is here already its flavor's limits, its ports and volumes, and starts it."""
    with errors.as_nova(instance, "change the container", failure=exception.MigrationError):
        with network.wait_plugged(host, instance, network_info, wait=wait and power_on):
            record = instances.get(host, instance)
            config = {**record["config"], **flavors.config(host, instance.flavor)}
            kept = {name: device for name, device in record["devices"].items() if device["type"] != "nic"}
            devices = {
                **kept, ROOT_DEVICE: flavors.root_device(host, instance.flavor),
                **network.plug(host, instance, network_info),
                **volume.prepare(host, context, instance, block_device_info),
            }
            instances.configured(host, config, lambda known: instances.put(
                host, instance, {**record, "config": known, "devices": devices}))
            if power_on:
                instances.start(host, instance)


# Whose disk is it? Nova asks before it deletes a disk that another host might use.


def storage_marker(host: Host, instance: Any) -> dict[str, str]:
    """What tells one host's storage from another's: the daemon's own certificate."""
    return {"daemon": host.server()["environment"]["certificate_fingerprint"], "project": host.settings.project}


def shares_storage(host: Host, marker: dict[str, str]) -> bool:
    """Whether the marker of another nova-compute, or of this one, is of our own daemon and project."""
    return marker == storage_marker(host, None)
