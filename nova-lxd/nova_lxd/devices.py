"""Devices of a container that exists, added and taken away one at a time while others may do the same."""

from typing import Any

from nova_lxd import errors, instance as instances
from nova_lxd.host import Host

#: Times a change is tried again because somebody else changed the container in between.
_ATTEMPTS = 5


def add(host: Host, instance: Any, name: str, device: dict[str, str]) -> None:
    """Adds a device, or replaces the one of that name; at once in a running container."""
    _change(host, instance, lambda present: {**present, name: device})


def remove(host: Host, instance: Any, name: str) -> dict[str, str]:
    """Takes a device away; returns it as it was, empty if it was not there.

    :raises errors.NotFound: The container is gone.
    """
    removed: dict[str, str] = {}

    def without(present: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        removed.update(present.get(name, {}))
        return {other: device for other, device in present.items() if other != name}

    _change(host, instance, without)
    return removed


def _change(host: Host, instance: Any, change: Any) -> None:
    for attempt in range(_ATTEMPTS):
        answer = host.client.request("GET", instances.path_of(instance))
        record = answer.metadata
        if record["config"].get(instances.UUID_KEY) != instance.uuid:
            raise errors.NotFound(404, f"The container {record['name']} is another server's")
        wanted = change(record["devices"])
        if wanted == record["devices"]:
            return
        body = {key: record[key] for key in ("architecture", "config", "description", "ephemeral", "profiles")}
        try:
            host.client.start("PUT", instances.path_of(instance), {**body, "devices": wanted},
                              headers={"If-Match": answer.etag} if answer.etag else None).wait()
            return
        except errors.PreconditionFailed:
            if attempt + 1 == _ATTEMPTS:
                raise
