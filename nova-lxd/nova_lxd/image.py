"""Glance's images as LXD's: the cache of the host, and snapshots on their way back."""

import datetime
import os
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Iterable
from typing import Any

import nova.conf
from nova import exception
from nova.compute import task_states
from nova.image import glance
from oslo_concurrency import lockutils
from oslo_log import log as logging
from oslo_utils import uuidutils

from nova_lxd import errors, instance as instances
from nova_lxd.client import path
from nova_lxd.host import Host
from nova_lxd.imagefile import ImageFile

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

#: Property of an image that exists only until it has been sent to Glance; its value is the image's id there.
SNAPSHOT_PROPERTY = "nova.snapshot"
#: What Glance calls architectures, in LXD's words, where they differ.
_ARCHITECTURES = {"arm64": "aarch64", "amd64": "x86_64", "i386": "i686", "i486": "i686", "i586": "i686"}


class Cache:
    """Glance's images that LXD has. An alias of the image's id leads to the fingerprint, so two images of Glance with
    the same content are one of LXD's."""

    def __init__(self, host: Host):
        self._host = host
        self._glance = glance.API()

    def ensure(self, context: Any, instance: Any, image_meta: Any) -> str:
        """The fingerprint of a server's image, which is fetched if it is missing.

        :raises exception.ImageUnacceptable: LXD cannot boot it.
        """
        image_id = _id(image_meta) or instance.image_ref
        architecture = image_meta.properties.get("hw_architecture") if image_meta is not None else None
        with errors.as_nova(instance, "look for the image", failure=exception.InstanceDeployFailure):
            fingerprint, _ = self._ensure(context, image_id, architecture, getattr(instance, "trusted_certs", None))
        return fingerprint

    def add(self, context: Any, image_id: str) -> bool:
        """Fetches an image ahead of its first use; whether it had to be fetched."""
        with errors.as_nova(None, "cache the image", failure=exception.InstanceDeployFailure):
            return self._ensure(context, image_id, None, None)[1]

    def _ensure(self, context: Any, image_id: str, architecture: str | None, certs: Any) -> tuple[str, bool]:
        # One thread fetches, the others of this nova-compute wait for it.
        with lockutils.lock(f"lxd-image-{self._host.client.endpoint}-{image_id}"):
            fingerprint = self._find(image_id)
            if fingerprint is not None:
                return fingerprint, False
            return self._fetch(context, image_id, architecture, certs), True

    def _find(self, image_id: str) -> str | None:
        try:
            return self._host.client.get(path("images", "aliases", image_id))["target"]
        except errors.NotFound:
            return None

    def _fetch(self, context: Any, image_id: str, architecture: str | None, certs: Any) -> str:
        os.makedirs(CONF.instances_path, exist_ok=True)
        # The file has no name: whatever happens to nova-compute, nothing of it stays.
        with tempfile.TemporaryFile(dir=CONF.instances_path) as content:
            self._glance.download(context, image_id, data=content, trusted_certs=certs)
            file = ImageFile.examine(content, image_id, self._architecture(architecture))
            client = self._host.client
            if not self._exists(file.fingerprint):
                body, headers = file.body()
                if file.metadata is not None:
                    headers["X-LXD-properties"] = urllib.parse.urlencode({"description": f"Glance image {image_id}"})
                operation = client.start("POST", path("images"), body, headers=headers)
                try:
                    operation.wait()
                except errors.OperationFailed as error:
                    # Another image of Glance with the same content may have been a moment ahead.
                    if not self._exists(file.fingerprint):
                        raise exception.ImageUnacceptable(image_id=image_id, reason=error.message) from error
            try:
                client.post(path("images", "aliases"), {"name": image_id, "target": file.fingerprint,
                                                        "description": "Glance image"})
            except errors.Conflict:
                pass  # Another nova-compute of this daemon was faster.
            return file.fingerprint

    def _exists(self, fingerprint: str) -> bool:
        try:
            self._host.client.get(path("images", fingerprint))
            return True
        except errors.NotFound:
            return False

    def _architecture(self, wanted: str | None) -> str:
        if wanted:
            return _ARCHITECTURES.get(str(wanted), str(wanted))
        return self._host.server()["environment"]["architectures"][0]

    def expire(self, all_instances: Iterable[Any]) -> None:
        """Removes images that no server of this host has, after the age Nova's [image_cache] gives them.

        Images Nova did not bring, which have no alias of an image's id, are left alone.
        """
        if not CONF.image_cache.remove_unused_base_images:
            return
        used = {str(instance.image_ref) for instance in all_instances if instance.image_ref}
        age = CONF.image_cache.remove_unused_original_minimum_age_seconds
        with errors.as_nova(None, "list images", failure=exception.InstanceDeployFailure):
            images = self._host.client.get("/1.0/images", recursion=1)
        for image in images:
            ids = {alias["name"] for alias in image.get("aliases") or () if uuidutils.is_uuid_like(alias["name"])}
            # A snapshot that was interrupted leaves an image nobody will ever ask for.
            left_over = SNAPSHOT_PROPERTY in (image.get("properties") or {})
            if (not ids and not left_over) or ids & used or _idle_seconds(image) < age:
                continue
            LOG.info("Removing the unused image %s (%s)", image["fingerprint"][:12],
                     ", ".join(sorted(ids)) or "snapshot")
            try:
                self._host.client.delete(path("images", image["fingerprint"]))
            except errors.LXDError as error:
                LOG.warning("The image %s stays: %s", image["fingerprint"][:12], error.message)


def _id(image_meta: Any) -> str | None:
    if image_meta is not None and image_meta.obj_attr_is_set("id"):
        return image_meta.id
    return None


def _idle_seconds(image: dict[str, Any]) -> float:
    """Seconds since an image was brought or a container was made of it, whichever was later."""
    latest = 0.0
    for key in ("last_used_at", "uploaded_at"):
        try:
            latest = max(latest, datetime.datetime.fromisoformat(image.get(key) or "").timestamp())
        except (ValueError, OverflowError):
            continue  # Never used: LXD writes the year 1.
    return time.time() - latest


def snapshot(host: Host, context: Any, instance: Any, image_id: str, update_task_state: Callable[..., Any]) -> None:
    """Sends a server's disk to Glance as an image LXD can boot.

    The server keeps running: it is frozen for the moment in which its disk is snapshotted, then the snapshot is packed.

    :raises exception.InstanceNotRunning: There is no such server here.
    """
    api = glance.API()
    try:
        record = instances.get(host, instance)
    except exception.InstanceNotFound as error:
        raise exception.InstanceNotRunning(instance_id=instance.uuid) from error
    name = f"nova-{image_id}"
    snapshot_path = instances.path_of(instance, "snapshots", name)
    fingerprint = None
    update_task_state(task_state=task_states.IMAGE_PENDING_UPLOAD)
    try:
        with errors.as_nova(instance, "snapshot the container", failure=exception.InstanceDeployFailure):
            _take_snapshot(host, instance, record, name)
            fingerprint = host.client.post(path("images"), {
                "source": {"type": "snapshot", "name": f"{instances.name_of(instance)}/{name}"},
                "properties": {SNAPSHOT_PROPERTY: image_id, "description": f"Snapshot of {instance.display_name}"},
            })["fingerprint"]
            host.client.delete(snapshot_path)
        update_task_state(task_state=task_states.IMAGE_UPLOADING, expected_state=task_states.IMAGE_PENDING_UPLOAD)
        with errors.as_nova(instance, "export the image", failure=exception.InstanceDeployFailure):
            with host.client.stream(path("images", fingerprint, "export")) as data:
                api.update(context, image_id, _glance_metadata(api, context, instance, image_id), data)
    finally:
        _delete(host, snapshot_path)
        if fingerprint is not None:
            _delete(host, path("images", fingerprint))


def _take_snapshot(host: Host, instance: Any, record: dict[str, Any], name: str) -> None:
    running = record["status_code"] == instances.RUNNING
    if running:
        instances.pause(host, instance)
    try:
        host.client.post(instances.path_of(instance, "snapshots"), {"name": name, "stateful": False})
    finally:
        if running:
            instances.unpause(host, instance)


def _delete(host: Host, url: str) -> None:
    try:
        host.client.delete(url)
    except errors.NotFound:
        pass
    except errors.LXDError as error:
        LOG.warning("%s stays: %s", url, error.message)


def _glance_metadata(api: Any, context: Any, instance: Any, image_id: str) -> dict[str, Any]:
    return {
        "status": "active",
        "name": api.get(context, image_id).get("name"),
        "disk_format": "raw",
        "container_format": "bare",
        "properties": {
            "image_location": "snapshot", "image_state": "available", "owner_id": instance.project_id,
            "user_id": instance.user_id},
    }
