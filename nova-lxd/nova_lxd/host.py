"""The LXD host one nova-compute works with: its daemon, project and pool. Modules get it as their first argument."""

import time
from collections.abc import Mapping
from typing import Any

from nova import exception
from oslo_log import log as logging

from nova_lxd import errors
from nova_lxd.client import Client, path
from nova_lxd.conf import Settings
from nova_lxd.endpoint import Endpoint

LOG = logging.getLogger(__name__)


class Host:
    """One daemon, seen from one nova-compute. Threads share it."""

    def __init__(self, settings: Settings, virtapi: Any):
        self.settings = settings
        self.virtapi = virtapi
        #: CONF.host of the compute service, which is also its node's name; set by init_host.
        self.name = ""
        self.client = Client(
            Endpoint(settings.socket, settings.url, settings.client_cert, settings.client_key, settings.server_cert),
            settings.project, settings.timeout)
        #: Whether containers are made so that their memory can be written to disk or moved. Turned off when the
        #: daemon turns out not to know the key; LXD 5.0 knows it for virtual machines alone.
        self.can_checkpoint = settings.allow_live_migration
        #: Uuids of servers that are being built right now.
        self.building: set[str] = set()
        self._pool: str | None = settings.pool
        self._extensions: frozenset[str] | None = None

    def connect(self, name: str) -> None:
        """Waits until the daemon answers, then sees to the project. Called once, when nova-compute starts.

        :raises exception.InvalidConfiguration: The daemon answers, but what is configured cannot work.
        """
        self.name = name
        while True:
            try:
                server = self.client.get("/1.0")
                if server.get("auth") != "trusted":
                    raise exception.InvalidConfiguration(
                        f"LXD at {self.client.endpoint} does not trust the certificate {self.settings.client_cert}")
                self._extensions = frozenset(server.get("api_extensions", ()))
                self._ensure_project()
                LOG.info("LXD %s at %s, project %s, pool %s", server["environment"]["server_version"],
                         self.client.endpoint, self.settings.project, self.pool)
                return
            except errors.Unavailable as error:
                LOG.warning("%s. Trying again in %d s.", error.message, self.settings.retry_interval)
                time.sleep(self.settings.retry_interval)

    def _ensure_project(self) -> None:
        """Makes the project if it is missing.

        It has images of its own, so that the cache's expiry cannot meet an image of somebody else (pools keep the data
        of equal images once all the same); its own profiles, since each container is described whole; its own
        volumes; and the host's networks, because Neutron makes those.
        """
        name = self.settings.project
        try:
            self.client.get(path("projects", name), project=None)
            return
        except errors.NotFound:
            pass
        except errors.Forbidden as error:
            raise exception.InvalidConfiguration(
                f"LXD does not let us see the project {name}: {error.message}") from error
        try:
            self.client.post("/1.0/projects", {
                "name": name, "description": "Servers of OpenStack Nova",
                "config": {"features.images": "true", "features.profiles": "true",
                           "features.storage.volumes": "true", "features.networks": "false"}}, project=None)
        except errors.Conflict:
            pass  # Another nova-compute was faster.
        except errors.Forbidden as error:
            raise exception.InvalidConfiguration(
                f"The project {name} does not exist and LXD does not let us create it: {error.message}") from error

    @property
    def pool(self) -> str:
        """The storage pool of root disks."""
        if self._pool is None:
            names = sorted(url.rsplit("/", 1)[-1] for url in self.client.get("/1.0/storage-pools"))
            if "default" in names:
                self._pool = "default"
            elif len(names) == 1:
                self._pool = names[0]
            else:
                raise exception.InvalidConfiguration(
                    "LXD has no storage pool" if not names else
                    f"Set [lxd]pool to one of LXD's storage pools: {', '.join(names)}")
        return self._pool

    def has_extension(self, name: str) -> bool:
        """Whether the daemon knows an API extension."""
        if self._extensions is None:
            self._extensions = frozenset(self.client.get("/1.0").get("api_extensions", ()))
        return name in self._extensions

    def server(self) -> Mapping[str, Any]:
        """``GET /1.0``: versions, addresses, certificate."""
        return self.client.get("/1.0")
