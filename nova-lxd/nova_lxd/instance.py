"""Nova's servers as LXD's containers: names, states, power."""

import dataclasses
import re
import time
from collections.abc import Callable
from typing import Any

from nova import exception
from nova.compute import power_state
from nova.virt import hardware
from oslo_log import log as logging

from nova_lxd import errors
from nova_lxd.client import path
from nova_lxd.host import Host

LOG = logging.getLogger(__name__)

#: Config keys that say which server a container is. Only containers with both are Nova's.
UUID_KEY = "user.nova.uuid"
NAME_KEY = "user.nova.name"
#: LXD's key for containers whose memory can be written to disk.
CHECKPOINT_KEY = "migration.stateful"
#: Set on a container that stands aside while its server is being rescued, resized or moved: the value says why. Such a
#: container is no server of its own and is not listed.
ROLE_KEY = "user.nova.role"

# LXD's status codes of instances.
STOPPED, RUNNING, FROZEN, ERROR = 102, 103, 110, 112
# Starting and stopping are left out: Nova ignores NOSTATE in its periodic check and asks again later.
_POWER_STATES = {
    STOPPED: power_state.SHUTDOWN, RUNNING: power_state.RUNNING, FROZEN: power_state.PAUSED,
    ERROR: power_state.CRASHED, 113: power_state.RUNNING,
}
#: Times a removal is tried, a second apart.
_ATTEMPTS = 5
_NAME = re.compile(r"[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


@dataclasses.dataclass(frozen=True)
class Found:
    """A container of ours."""

    name: str
    nova_name: str
    uuid: str
    status_code: int
    record: dict[str, Any]


def name_of(instance: Any) -> str:
    """The container's name: the server's, or its uuid where ``instance_name_template`` gives what LXD cannot take."""
    return instance.name if _NAME.fullmatch(instance.name) else f"nova-{instance.uuid}"


def aside_name_of(instance: Any) -> str:
    """The name of the container that stands aside while the server is rescued."""
    return f"{name_of(instance)[:56]}-rescue"


def path_of(instance: Any, *more: str) -> str:
    """The container's URL."""
    return path("instances", name_of(instance), *more)


def list_all(host: Host) -> list[Found]:
    """Our containers. Others in the project, and those that stand aside, are left out."""
    found = []
    with errors.as_nova(None, "list instances"):
        records = host.client.get("/1.0/instances", recursion=1)
    for record in records:
        config = record["config"]
        if config.get(UUID_KEY) and config.get(NAME_KEY) and not config.get(ROLE_KEY):
            found.append(Found(record["name"], config[NAME_KEY], config[UUID_KEY], record["status_code"], record))
    return found


def find(host: Host, instance: Any) -> dict[str, Any] | None:
    """LXD's record of a server's container, or None.

    :raises exception.InstanceExists: The name is taken by a container that is not this server's.
    """
    with errors.as_nova(instance, "look for the container"):
        try:
            record = host.client.get(path_of(instance))
        except errors.NotFound:
            return None
    if record["config"].get(UUID_KEY) != instance.uuid:
        raise exception.InstanceExists(name=name_of(instance))
    return record


def get(host: Host, instance: Any) -> dict[str, Any]:
    """LXD's record of a server's container.

    :raises exception.InstanceNotFound: There is none.
    """
    try:
        record = find(host, instance)
    except exception.InstanceExists:
        record = None
    if record is None:
        raise exception.InstanceNotFound(instance_id=instance.uuid)
    return record


def exists(host: Host, instance: Any) -> bool:
    try:
        get(host, instance)
    except exception.InstanceNotFound:
        return False
    return True


def power_state_of(record: dict[str, Any]) -> int:
    """Nova's power state of a container. A stopped one whose memory is kept is suspended."""
    if record["status_code"] == STOPPED and record.get("stateful"):
        return power_state.SUSPENDED
    return _POWER_STATES.get(record["status_code"], power_state.NOSTATE)


def info(host: Host, instance: Any) -> hardware.InstanceInfo:
    record = get(host, instance)
    return hardware.InstanceInfo(state=power_state_of(record), internal_id=record["name"])


def change_state(host: Host, instance: Any, action: str, *, timeout: int = -1, force: bool = False,
                 stateful: bool = False) -> None:
    """Asks for ``start``, ``stop``, ``restart``, ``freeze`` or ``unfreeze`` and waits for it.

    :param timeout: Seconds the container has for it; -1 waits without end.
    """
    host.client.put(path_of(instance, "state"),
                    {"action": action, "timeout": timeout, "force": force, "stateful": stateful})


def start(host: Host, instance: Any, *, stateful: bool = False) -> None:
    """Starts a container; one that runs is left alone."""
    with errors.as_nova(instance, "start the container"):
        try:
            change_state(host, instance, "start", stateful=stateful)
        except errors.Unavailable:
            raise
        except errors.LXDError:
            if get(host, instance)["status_code"] not in (RUNNING, FROZEN):
                raise


def start_aside(host: Host, instance: Any) -> None:
    """Starts the container that stands aside during a rescue, if there is one: it holds the server's own root."""
    aside = path("instances", aside_name_of(instance))
    try:
        record = host.client.get(aside)
        if record["config"].get(UUID_KEY) == instance.uuid and record["status_code"] == STOPPED:
            host.client.put(path("instances", record["name"], "state"), {"action": "start", "timeout": -1})
    except errors.NotFound:
        return


def stop(host: Host, instance: Any) -> None:
    """Stops a container at once; one that is stopped or gone is left alone."""
    try:
        _force_stop(host, name_of(instance))
    except errors.NotFound:
        return


def power_off(host: Host, instance: Any, timeout: int = 0) -> None:
    """Shuts a server down, for ``timeout`` seconds in its own way (0: not at all), then by force."""
    record = get(host, instance)
    with errors.as_nova(instance, "stop the container", failure=exception.InstancePowerOffFailure):
        if record["status_code"] == STOPPED:
            return
        if timeout > 0 and record["status_code"] == RUNNING:
            try:
                change_state(host, instance, "stop", timeout=timeout)
                return
            except errors.Unavailable:
                raise
            except errors.LXDError as error:
                LOG.info("No shutdown within %d s (%s); stopping by force", timeout, error.message, instance=instance)
        stop(host, instance)


def pause(host: Host, instance: Any) -> None:
    """Freezes the processes; a frozen container is left alone."""
    if get(host, instance)["status_code"] != FROZEN:
        with errors.as_nova(instance, "freeze the container", failure=exception.InstanceSuspendFailure):
            change_state(host, instance, "freeze")


def unpause(host: Host, instance: Any) -> None:
    """Thaws the processes; a running container is left alone."""
    if get(host, instance)["status_code"] == FROZEN:
        with errors.as_nova(instance, "thaw the container", failure=exception.InstanceResumeFailure):
            change_state(host, instance, "unfreeze")


def suspend(host: Host, instance: Any) -> None:
    """Writes the memory to disk and stops the container, where it was started so that it can be
    (``migration.stateful``); otherwise, or if that fails, freezes it."""
    record = get(host, instance)
    if record["status_code"] == STOPPED and record.get("stateful"):
        return
    if record["expanded_config"].get(CHECKPOINT_KEY) == "true" and record["status_code"] == RUNNING:
        try:
            change_state(host, instance, "stop", stateful=True)
            return
        except errors.Unavailable as error:
            raise exception.HypervisorUnavailable(host=host.name) from error
        except errors.LXDError as error:
            LOG.warning("The memory cannot be kept on disk (%s); freezing instead", error.message, instance=instance)
    pause(host, instance)


def create(host: Host, instance: Any, source: dict[str, Any], config: dict[str, str],
           devices: dict[str, dict[str, str]]) -> None:
    """Makes the container, stopped. It has no profiles: what it is lies in its own record alone."""
    body = {"name": name_of(instance), "type": "container", "profiles": [], "source": source, "devices": devices}
    with errors.as_nova(instance, "create the container", failure=exception.InstanceDeployFailure):
        configured(host, config, lambda known: host.client.post("/1.0/instances", {**body, "config": known}))


def configured(host: Host, config: dict[str, str], send: Callable[[dict[str, str]], Any]) -> None:
    """Sends a container's configuration without keys that have no value; once more without the key for checkpoints when
    the daemon does not know it for containers."""
    config = {key: value for key, value in config.items() if value}
    try:
        send(config)
    except errors.Unavailable:
        raise
    except errors.LXDError as error:
        # There is no other sign of it than that the refusal names the key.
        if CHECKPOINT_KEY not in error.message or not config.pop(CHECKPOINT_KEY, None):
            raise
        send(config)
        host.can_checkpoint = False
        LOG.warning("This LXD does not know %s for containers: suspend freezes, and nothing moves while it runs",
                    CHECKPOINT_KEY)


def owned(host: Host, instance: Any) -> bool:
    """Whether the container of this name exists and is this server's."""
    try:
        return find(host, instance) is not None
    except exception.InstanceExists:
        return False


def remove_containers(host: Host, instance: Any) -> None:
    """Stops and deletes the server's container, and the one that stands aside during a rescue."""
    for name in (name_of(instance), aside_name_of(instance)):
        try:
            record = host.client.get(path("instances", name))
            if record["config"].get(UUID_KEY) != instance.uuid:
                continue
        except errors.NotFound:
            continue
        remove(host, name)


def remove(host: Host, name: str) -> None:
    """Stops a container and deletes it; one that is gone is no error."""
    for attempt in range(_ATTEMPTS):
        try:
            _force_stop(host, name)
            host.client.delete(path("instances", name))
            return
        except errors.NotFound:
            return
        except errors.Unavailable:
            raise
        except errors.LXDError:
            # After a start that failed LXD may be busy for a moment with clearing up.
            if attempt + 1 == _ATTEMPTS:
                raise
            time.sleep(1)


def _force_stop(host: Host, name: str) -> None:
    """Stops a container at once. One that ends by itself in the same moment is stopped too."""
    try:
        host.client.put(path("instances", name, "state"), {"action": "stop", "timeout": -1, "force": True})
    except errors.Unavailable:
        raise
    except errors.LXDError:
        if host.client.get(path("instances", name))["status_code"] != STOPPED:
            raise


def apply_devices(host: Host, instance: Any, record: dict[str, Any], devices: dict[str, dict[str, str]]) -> None:
    """Gives a stopped container the network interfaces in ``devices`` and no others, and adds the disks in it."""
    kept = {name: device for name, device in record["devices"].items() if device["type"] != "nic"}
    wanted = {**kept, **devices}
    if wanted != record["devices"]:
        put(host, instance, {**record, "devices": wanted})


def put(host: Host, instance: Any, record: dict[str, Any]) -> None:
    """Replaces what can be configured of a container by what ``record`` says."""
    host.client.put(path_of(instance), configurable(record))


def configurable(record: dict[str, Any]) -> dict[str, Any]:
    """The part of a record that a PUT takes."""
    return {key: record[key] for key in ("architecture", "config", "description", "devices", "ephemeral", "profiles")
            if key in record}


def mebibytes(limit: str | None) -> int | None:
    """``limits.memory`` as we write it, in MiB; None where somebody wrote it otherwise."""
    number = (limit or "").removesuffix("MiB")
    return int(number) if number.isdigit() and limit != number else None
