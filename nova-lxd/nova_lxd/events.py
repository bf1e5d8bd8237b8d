"""LXD's lifecycle events as Nova's, so that a ``poweroff`` inside shows at once."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

from nova.virt import event as virtevent
from oslo_log import log as logging

from nova_lxd import errors, instance as instances
from nova_lxd.client import path
from nova_lxd.host import Host
from nova_lxd.websocket import Closed, Opcode, WebSocket

LOG = logging.getLogger(__name__)

#: Seconds a stop is held back: a reboot from inside stops and starts the container, and Nova would stop the server for
#: good on hearing of the first half alone.
STOP_DELAY = 3.0
#: Seconds without a word after which the connection is tested.
PING_INTERVAL = 60.0

_TRANSITIONS = {
    instances.RUNNING: virtevent.EVENT_LIFECYCLE_STARTED,
    instances.STOPPED: virtevent.EVENT_LIFECYCLE_STOPPED,
    instances.FROZEN: virtevent.EVENT_LIFECYCLE_PAUSED,
}
#: What the actions in the stream make of a container.
_ACTIONS = {
    "instance-started": instances.RUNNING, "instance-restarted": instances.RUNNING,
    "instance-resumed": instances.RUNNING, "instance-paused": instances.FROZEN,
    "instance-stopped": instances.STOPPED, "instance-shutdown": instances.STOPPED,
}


class Tracker:
    """Decides which events Nova hears. Pure: the clock is an argument."""

    def __init__(self) -> None:
        #: Uuid and status of our containers, by LXD's name.
        self._known: dict[str, tuple[str, int]] = {}
        #: When a stop that is held back is due, by uuid.
        self._due: dict[str, float] = {}

    def learn(self, containers: list[instances.Found], now: float) -> list[tuple[str, int]]:
        """Takes a full list, as after a connection was lost; returns what changed since the last one."""
        before, self._known = self._known, {found.name: (found.uuid, found.status_code) for found in containers}
        changes = []
        for name, (uuid, status) in self._known.items():
            if name in before and before[name] != (uuid, status):
                changes += self._note(uuid, before[name][1], status, now)
        return changes

    def uuid(self, name: str) -> str | None:
        found = self._known.get(name)
        return found[0] if found else None

    def add(self, name: str, uuid: str) -> None:
        self._known[name] = (uuid, instances.STOPPED)

    def forget(self, name: str) -> None:
        found = self._known.pop(name, None)
        if found:
            self._due.pop(found[0], None)

    def change(self, name: str, status: int, now: float) -> list[tuple[str, int]]:
        """Takes one event; returns the transitions to tell Nova of now, as uuid and Nova's code."""
        uuid, before = self._known[name]
        self._known[name] = (uuid, status)
        return self._note(uuid, before, status, now)

    def _note(self, uuid: str, before: int, status: int, now: float) -> list[tuple[str, int]]:
        if status == instances.STOPPED:
            self._due.setdefault(uuid, now + STOP_DELAY)
            return []
        restarted = self._due.pop(uuid, None) is not None
        if restarted and status == instances.RUNNING or status not in _TRANSITIONS:
            return []
        if status == instances.RUNNING and before == instances.FROZEN:
            return [(uuid, virtevent.EVENT_LIFECYCLE_RESUMED)]
        return [(uuid, _TRANSITIONS[status])]

    def due(self, now: float) -> list[tuple[str, int]]:
        """The stops that have been held back long enough."""
        ready = [uuid for uuid, when in self._due.items() if when <= now]
        for uuid in ready:
            del self._due[uuid]
        return [(uuid, virtevent.EVENT_LIFECYCLE_STOPPED) for uuid in ready]

    def wait(self, now: float) -> float:
        """Seconds until something is due, at most PING_INTERVAL."""
        return max(0.01, min([PING_INTERVAL, *(when - now for when in self._due.values())]))


class Listener:
    """One thread that reads the daemon's event stream, and connects again for as long as it takes."""

    def __init__(self, host: Host, emit: Callable[[virtevent.Event], None], reached: Callable[[], None]):
        """:param reached: Called each time the daemon is reached, before events are told."""
        self._host = host
        self._emit = emit
        self._reached = reached
        self._tracker = Tracker()
        self._stopping = threading.Event()
        self._websocket: WebSocket | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="lxd-events", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread; safe without start."""
        self._stopping.set()
        websocket = self._websocket
        if websocket is not None:
            websocket.interrupt()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        lost = False
        while not self._stopping.is_set():
            try:
                self._websocket = self._host.client.events("lifecycle")
                self._reached()
                # What happened while nobody listened is found by looking.
                self._tell(self._tracker.learn(instances.list_all(self._host), time.monotonic()))
                if lost:
                    LOG.info("LXD's events are back")
                lost = False
                self._listen(self._websocket)
            except Exception as error:
                # Whatever it is, this thread must not end: without it states are stale until the periodic check.
                if self._stopping.is_set():
                    return
                if not lost:
                    LOG.warning("No events from LXD (%s); trying again every %d s",
                                error, self._host.settings.retry_interval)
                lost = True
            finally:
                if self._websocket is not None:
                    self._websocket.close()
                    self._websocket = None
            self._stopping.wait(self._host.settings.retry_interval)

    def _listen(self, websocket: WebSocket) -> None:
        silent_since = time.monotonic()
        pinged = False
        while not self._stopping.is_set():
            message = websocket.receive(self._tracker.wait(time.monotonic()))
            now = time.monotonic()
            self._tell(self._tracker.due(now))
            if message is not None:
                silent_since, pinged = now, False
                if message[0] == Opcode.TEXT:
                    self._handle(json.loads(message[1]))
            elif now - silent_since >= PING_INTERVAL:
                if pinged:
                    raise Closed("the daemon does not answer")
                websocket.send(b"", Opcode.PING)
                silent_since, pinged = now, True

    def _handle(self, event: dict[str, Any]) -> None:
        metadata = event.get("metadata") or {}
        action, source = metadata.get("action", ""), metadata.get("source", "")
        name = source.split("?", 1)[0].rsplit("/", 1)[-1]
        if action in ("instance-deleted", "instance-renamed"):
            self._tracker.forget(name if action == "instance-deleted" else
                                 (metadata.get("context") or {}).get("old_name", name))
            return
        if action not in _ACTIONS or not self._known(name):
            return
        self._tell(self._tracker.change(name, _ACTIONS[action], time.monotonic()))

    def _known(self, name: str) -> bool:
        if self._tracker.uuid(name) is not None:
            return True
        try:
            config = self._host.client.get(path("instances", name))["config"]
        except errors.NotFound:
            return False
        if not config.get(instances.UUID_KEY) or config.get(instances.ROLE_KEY):
            return False
        self._tracker.add(name, config[instances.UUID_KEY])
        return True

    def _tell(self, transitions: list[tuple[str, int]]) -> None:
        for uuid, transition in transitions:
            LOG.debug("Container of server %s: %s", uuid, transition)
            self._emit(virtevent.LifecycleEvent(uuid, transition))
