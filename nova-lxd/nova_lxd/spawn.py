"""From a request to a running container, and back to nothing."""

from typing import Any

from nova import exception
from oslo_log import log as logging
from oslo_utils import excutils

from nova_lxd import configdrive, errors, flavor as flavors, image, instance as instances, network, volume
from nova_lxd.client import path
from nova_lxd.host import Host

LOG = logging.getLogger(__name__)

ROOT_DEVICE = "root"
#: Set on a container until its server is whole. One that has it while nobody builds it is left from a build that the
#: daemon or nova-compute did not survive; Nova may have the server on another host by now.
BUILDING_KEY = "user.nova.building"


def spawn(host: Host, cache: image.Cache, context: Any, instance: Any, image_meta: Any, injected_files: Any,
          admin_password: str, network_info: Any, block_device_info: Any, power_on: bool) -> None:
    """Builds a server. When this fails nothing of it is left on the host."""
    volume.check(instance, block_device_info)
    remove_stale(host, instance)
    fingerprint = cache.ensure(context, instance, image_meta)
    network_info = network_info or []
    host.building.add(instance.uuid)
    try:
        # Neutron may report a port as soon as it is plugged, so the wait begins before that.
        with network.wait_plugged(host, instance, network_info, wait=power_on):
            devices = {
                ROOT_DEVICE: flavors.root_device(host, instance.flavor),
                **network.plug(host, instance, network_info),
                **volume.prepare(host, context, instance, block_device_info),
            }
            config = {
                **flavors.config(host, instance.flavor),
                **identity(instance),
                **configdrive.cloud_init(instance, network_info),
                BUILDING_KEY: "true",
            }
            instances.create(host, instance, {"type": "image", "fingerprint": fingerprint}, config, devices)
            configdrive.add(host, context, instance, injected_files, admin_password, network_info)
            if power_on:
                instances.start(host, instance)
        host.client.patch(instances.path_of(instance), {"config": {BUILDING_KEY: ""}})
    except errors.Unavailable as error:
        # The container cannot be removed now: ``remove_interrupted`` does it when the daemon is back.
        network.unplug(host, instance, network_info)
        raise exception.HypervisorUnavailable(host=host.name) from error
    except errors.LXDError as error:
        clean_up_failure(host, context, instance, network_info, block_device_info)
        raise exception.InstanceDeployFailure(reason=error.message) from error
    except BaseException:  # Also the wait's timeout, which before Nova 32 is no Exception.
        with excutils.save_and_reraise_exception():
            clean_up_failure(host, context, instance, network_info, block_device_info)
    finally:
        host.building.discard(instance.uuid)


def identity(instance: Any) -> dict[str, str]:
    """Config keys that mark a container as a server's.

    After a reboot of the host Nova decides what runs, not LXD: the server may have been evacuated meanwhile.
    """
    return {
        "boot.autostart": "false",
        "environment.product_name": "OpenStack Nova",
        instances.UUID_KEY: instance.uuid,
        instances.NAME_KEY: instance.name,
    }


def clean_up_failure(host: Host, context: Any, instance: Any, network_info: Any, block_device_info: Any) -> None:
    """Takes back what a failed build made; a failure here is logged, the build's own is what Nova hears of."""
    try:
        destroy(host, context, instance, network_info, block_device_info)
    except Exception:
        LOG.exception("Could not remove all of a failed build", instance=instance)
        network.unplug(host, instance, network_info)


def remove_stale(host: Host, instance: Any) -> None:
    """Removes what a build left that nova-compute did not survive.

    :raises exception.InstanceExists: The name belongs to somebody else.
    """
    if instances.find(host, instance) is not None:
        LOG.warning("Removing the container of an earlier build", instance=instance)
        with errors.as_nova(instance, "remove the container of an earlier build"):
            instances.remove_containers(host, instance)


def remove_interrupted(host: Host) -> None:
    """Removes containers of builds that were interrupted. Called when the daemon is reached, first or again."""
    for found in instances.list_all(host):
        if not found.record["config"].get(BUILDING_KEY) or found.uuid in host.building:
            continue
        try:
            # A build that ended since the list was made has taken the key away before its server left ``building``.
            if host.client.get(path("instances", found.name))["config"].get(BUILDING_KEY):
                LOG.warning("Removing %s: its build was interrupted", found.name)
                instances.remove(host, found.name)
        except errors.LXDError as error:
            LOG.warning("%s stays: %s", found.name, error.message)


def destroy(host: Host, context: Any, instance: Any, network_info: Any, block_device_info: Any = None,
            destroy_disks: bool = True) -> None:
    """Removes a server from the host. May be called again, and for one that was never there.

    :param destroy_disks: False when the disk is still needed: the container is only stopped then.
    """
    with errors.as_nova(instance, "remove the container", failure=exception.InstanceTerminationFailure):
        if destroy_disks:
            instances.remove_containers(host, instance)
        elif instances.owned(host, instance):
            instances.stop(host, instance)
    cleanup(host, context, instance, network_info, block_device_info, destroy_disks)


def cleanup(host: Host, context: Any, instance: Any, network_info: Any, block_device_info: Any = None,
            destroy_disks: bool = True, destroy_vifs: bool = True) -> None:
    """Removes what a server has beside its container: ports and volumes of the host, the disk if it is still there."""
    if destroy_disks:
        with errors.as_nova(instance, "remove the container", failure=exception.InstanceTerminationFailure):
            instances.remove_containers(host, instance)
    try:
        volume.release(host, context, instance, block_device_info, destroy_disks)
    finally:
        if destroy_vifs:
            network.unplug(host, instance, network_info or [])


def cleanup_lingering(host: Host, instance: Any) -> bool:
    """Removes what an earlier deletion could not; True if nothing is left."""
    try:
        instances.remove_containers(host, instance)
    except (errors.LXDError, exception.NovaException):
        LOG.exception("Something of a deleted server is still there", instance=instance)
        return False
    return True


def power_on(host: Host, context: Any, instance: Any, network_info: Any, block_device_info: Any = None, *,
             fresh: bool = False) -> None:
    """Starts a server with its ports and volumes; a running one is left alone, a frozen one thawed.

    :param fresh: Boot anew even if its memory is kept from a suspend.
    """
    record = instances.get(host, instance)
    if record["status_code"] == instances.FROZEN:
        instances.unpause(host, instance)
        return
    if record["status_code"] == instances.RUNNING:
        return
    with errors.as_nova(instance, "start the container", failure=exception.InstancePowerOnFailure):
        devices = dict(network.plug(host, instance, network_info or []))
        if block_device_info is not None:
            devices |= volume.prepare(host, context, instance, block_device_info)
        instances.apply_devices(host, instance, record, devices)
        instances.start_aside(host, instance)
        instances.start(host, instance, stateful=bool(record.get("stateful")) and not fresh)


def resume(host: Host, context: Any, instance: Any, network_info: Any, block_device_info: Any = None) -> None:
    """Undoes ``suspend``, whichever way it went; a running server is left alone."""
    power_on(host, context, instance, network_info, block_device_info)


def reboot(host: Host, context: Any, instance: Any, network_info: Any, reboot_type: str,
           block_device_info: Any = None) -> None:
    """Restarts a server. SOFT lets it shut down first; HARD, or one that does not come down, is stopped at once and
    started with its ports and volumes wired anew."""
    record = instances.get(host, instance)
    if reboot_type == "SOFT" and record["status_code"] == instances.RUNNING:
        try:
            instances.change_state(host, instance, "restart", timeout=host.settings.shutdown_timeout)
            return
        except errors.Unavailable as error:
            raise exception.HypervisorUnavailable(host=host.name) from error
        except errors.LXDError as error:
            LOG.warning("No soft reboot (%s); trying a hard one", error.message, instance=instance)
    with errors.as_nova(instance, "stop the container", failure=exception.InstanceRebootFailure):
        instances.stop(host, instance)
    # The way out where kept memory cannot be restored.
    power_on(host, context, instance, network_info, block_device_info, fresh=True)
