"""Live migration: a container moves to another host's LXD with its memory, its processes and its open connections.

The target's nova-compute prepares ports and volumes and lets the source's act on its daemon; the source then has one
daemon offer the container and the other fetch it, and waits. Which of them has the container afterwards is asked of
the daemons, never guessed from an error.
"""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from nova import exception
from nova.network import model
from nova.objects import migrate_data as migrate_data_objects
from oslo_log import log as logging

from nova_lxd import errors, flavor as flavors, instance as instances, migration as migrations, network, peer, volume
from nova_lxd.client import Client, Operation
from nova_lxd.host import Host

LOG = logging.getLogger(__name__)

#: Times an abort that came early is tried, a tenth of a second apart.
_CANCEL_ATTEMPTS = 100


class Running:
    """The live migrations that leave this host now, so that one can be aborted. Shared by threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._operations: dict[str, list[Operation]] = {}
        self._aborted: set[str] = set()
        #: What this host may act with at the target, from the check to the migration, by the server's uuid. It is in
        #: memory only: if nova-compute ends in between, so does the migration.
        self._credentials: dict[str, peer.Credentials] = {}

    def begin(self, instance: Any, *operations: Operation) -> None:
        with self._lock:
            self._operations[instance.uuid] = list(operations)

    def is_aborted(self, instance: Any) -> bool:
        """Whether somebody wants the migration to end; it may have been before it began."""
        with self._lock:
            return instance.uuid in self._aborted

    def end(self, instance: Any) -> bool:
        """Forgets a migration; returns whether it was aborted."""
        with self._lock:
            self._operations.pop(instance.uuid, None)
            self._credentials.pop(instance.uuid, None)
            aborted = instance.uuid in self._aborted
            self._aborted.discard(instance.uuid)
            return aborted

    def abort(self, instance: Any) -> tuple[bool, list[Operation]]:
        """Whether there is a migration, begun or about to; and its operations, if it has begun."""
        with self._lock:
            there = instance.uuid in self._credentials
            if there:
                self._aborted.add(instance.uuid)
            return there, list(self._operations.get(instance.uuid, ()))

    def keep(self, instance: Any, credentials: peer.Credentials) -> None:
        with self._lock:
            self._credentials[instance.uuid] = credentials
            self._aborted.discard(instance.uuid)

    def credentials(self, instance: Any) -> peer.Credentials | None:
        with self._lock:
            return self._credentials.get(instance.uuid)


# Before: nothing is changed yet


def check_at_target(host: Host, context: Any, instance: Any) -> Any:
    """Whether this host could take a server in while it runs; returns what the source's check fills in.

    :raises exception.MigrationPreCheckError: It cannot; Nova tries another host.
    """
    _check_host(host)
    if instances.find(host, instance) is not None:
        raise exception.MigrationPreCheckError(reason=f"{host.name} has a container of this server already")
    try:
        peer.address(host)
    except exception.MigrationError as error:
        raise exception.MigrationPreCheckError(reason=error.kwargs.get("reason", str(error))) from error
    # Nova's conductor knows no class of ours, so one of its own carries our data.
    return migrate_data_objects.LibvirtLiveMigrateData(
        is_shared_instance_path=False, is_shared_block_storage=False, serial_listen_ports=[],
        supported_perf_events=[])


def check_at_source(host: Host, running: Running, context: Any, instance: Any, dest_check_data: Any) -> Any:
    """Whether a server can leave this host while it runs.

    :raises exception.MigrationPreCheckError: It cannot; the reason names what is in the way.
    """
    _check_host(host)
    record = instances.get(host, instance)
    reason = _obstacle(host, record)
    if reason:
        raise exception.MigrationPreCheckError(reason=reason)
    credentials = peer.make_credentials(instance.uuid)
    running.keep(instance, credentials)
    dest_check_data.target_connect_addr = credentials.certificate
    return dest_check_data


def _check_host(host: Host) -> None:
    if not host.settings.allow_live_migration:
        raise exception.MigrationPreCheckError(reason=f"[lxd]allow_live_migration is off on {host.name}")
    ability = host.server()["environment"].get("live_migration") or {}
    if ability.get("available") == "false":
        raise exception.MigrationPreCheckError(reason=f"LXD of {host.name} cannot: {ability.get('reason')}")


def _obstacle(host: Host, record: dict[str, Any]) -> str | None:
    if record["status_code"] != instances.RUNNING:
        return f"the container is {record['status'].lower()}, not running"
    if record["expanded_config"].get("migration.stateful") != "true":
        return "the container was created with [lxd]allow_live_migration off, or may nest others"
    for name, device in record["devices"].items():
        if name.startswith(volume.EPHEMERAL_PREFIX):
            return "ephemeral disks do not move while they are in use"
        if name.startswith(volume.DEVICE_PREFIX) and device["type"] == "disk":
            return f"a mounted volume ({device['path']}) does not move: use volumes as block devices"
    return None


# At the target


def prepare(host: Host, context: Any, instance: Any, block_device_info: Any, network_info: Any, migrate_data: Any) -> Any:
    """Plugs ports, connects volumes, and lets the source's nova-compute work here."""
    certificate = migrate_data.target_connect_addr
    vifs = network_info
    if "vifs" in migrate_data and migrate_data.vifs:
        vifs = model.NetworkInfo([found.get_dest_vif() for found in migrate_data.vifs])
    devices = {
        migrations.ROOT_DEVICE: flavors.root_device(host, instance.flavor),
        **volume.prepare(host, context, instance, block_device_info),
        **network.plug(host, instance, vifs),
    }
    peer.trust(host, instance, certificate)
    migrate_data.target_connect_addr = peer.encode(peer.address(host), devices=devices)
    return migrate_data


def finish_at_target(host: Host, context: Any, instance: Any, network_info: Any) -> None:
    """The server is ours now."""
    peer.distrust(host, instance)
    instances.get(host, instance)


def rollback_at_target(host: Host, context: Any, instance: Any, network_info: Any, block_device_info: Any,
                       destroy_disks: bool) -> None:
    """Removes all of a server that stayed at its source."""
    peer.distrust(host, instance)
    with errors.as_nova(instance, "remove the container", failure=exception.MigrationError):
        instances.remove_containers(host, instance)
    volume.release(host, context, instance, block_device_info, False)
    network.unplug(host, instance, network_info or [])


# At the source


def migrate(host: Host, running: Running, context: Any, instance: Any, dest: str, post_method: Callable[..., Any],
            recover_method: Callable[..., Any], block_migration: bool, migrate_data: Any) -> None:
    """Moves a running server; returns when it runs at one of the two hosts and Nova knows at which.

    :raises exception.MigrationError: It runs at neither, or nobody can say.
    """
    failure: Exception | None = None
    moved = False
    try:
        if "target_connect_addr" not in migrate_data:
            raise exception.MigrationError(reason="the migration was not prepared by this driver")
        target, more = peer.decode(migrate_data.target_connect_addr)
        credentials = running.credentials(instance)
        if credentials is None:
            raise exception.MigrationError(reason="nova-compute was restarted since the migration was checked")
        with peer.connected(target, credentials) as client:
            try:
                _move(host, running, client, instance, more)
                moved = True
            except errors.LXDError as error:
                failure = error
                moved = not _runs(host.client, instance) and _runs(client, instance)
    except (exception.NovaException, errors.LXDError) as error:
        failure = error
    aborted = running.end(instance)
    if moved:
        if failure is not None:
            LOG.warning("The server moved, though the migration ended with: %s", failure, instance=instance)
        post_method(context, instance, dest, block_migration, migrate_data)
        return
    LOG.error("Live migration to %s %s: %s", dest, "was aborted" if aborted else "failed", failure, instance=instance)
    if not _runs(host.client, instance):
        raise exception.MigrationError(reason=f"the server runs neither here nor at {dest}: {failure}")
    recover_method(context, instance, dest, migrate_data, migration_status="cancelled" if aborted else "failed")


def _move(host: Host, running: Running, client: Client, instance: Any, wanted: dict[str, Any]) -> None:
    """One daemon offers, the other fetches; returns when both say that it is done."""
    record = host.client.get(instances.path_of(instance))
    name = instances.name_of(instance)
    own = peer.address(host)
    body = migrations.moved_body(record, wanted["devices"], record["config"])
    offer = host.client.start("POST", instances.path_of(instance), {"name": name, "migration": True, "live": True})
    try:
        fetch = client.start("POST", "/1.0/instances", {
            **body, "source": migrations.source_of(own, offer, live=True)})
    except BaseException:
        offer.cancel()
        raise
    running.begin(instance, offer, fetch)
    try:
        if running.is_aborted(instance):
            _cancel_early(offer, fetch)
        fetch.wait()
    finally:
        try:
            offer.wait()
        except errors.LXDError as error:
            # The source knows best what stopped it: which process, and why.
            LOG.info("The source's LXD: %s", error.message, instance=instance)


def _cancel_early(*operations: Operation) -> None:
    """Cancels what has just begun; the daemons may need a moment until they let it be."""
    for _ in range(_CANCEL_ATTEMPTS):
        if _cancel(operations) is None:
            return
        time.sleep(0.1)


def _cancel(operations: Iterable[Operation]) -> errors.LXDError | None:
    """Cancels a migration by either daemon's operation; returns the last refusal if neither lets it be."""
    refusal: errors.LXDError | None = None
    for operation in operations:
        try:
            operation.client.delete(operation.path)
            return None
        except errors.LXDError as error:
            refusal = error
    return refusal


def _runs(client: Client, instance: Any) -> bool:
    """Whether a daemon has the server's container running.

    :raises errors.LXDError: It does not answer; then nothing may be assumed.
    """
    try:
        record = client.get(instances.path_of(instance))
    except errors.NotFound:
        return False
    return record["config"].get(instances.UUID_KEY) == instance.uuid and \
        record["status_code"] in (instances.RUNNING, instances.FROZEN)


def abort(host: Host, running: Running, instance: Any) -> None:
    """Ends a live migration that is under way; the server stays. One that has ended already is no error."""
    there, operations = running.abort(instance)
    if not there:
        LOG.info("No live migration is under way", instance=instance)
        return
    refusal = _cancel(operations)
    if refusal is not None:
        raise exception.MigrationError(reason=f"LXD does not abort it: {refusal.message}") from refusal


def release_source(host: Host, context: Any, instance: Any, block_device_info: Any) -> None:
    """Takes the volumes of a server that moved away from this host."""
    volume.release(host, context, instance, block_device_info, False)
