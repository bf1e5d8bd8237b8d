"""A server's console: what it printed, and a TCP port to type at."""

import selectors
import socket
import threading
from typing import Any

import nova.conf
from nova import exception
from nova.console import type as ctype
from oslo_log import log as logging

from nova_lxd import errors, instance as instances
from nova_lxd.client import Operation
from nova_lxd.host import Host
from nova_lxd.websocket import Closed, Opcode, WebSocket

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

#: Bytes of the log that are read.
LOG_SIZE_MAX = 1 << 20


def output(host: Host, instance: Any) -> str:
    """The console's log. A byte is a character: Nova turns it back by Latin-1."""
    instances.get(host, instance)
    with errors.as_nova(instance, "read the console", failure=exception.ConsoleLogOutputException):
        try:
            with host.client.stream(instances.path_of(instance, "console")) as response:
                data = response.read(LOG_SIZE_MAX)
        except errors.NotFound:
            return ""
        except errors.LXDError as error:
            # LXD 5.0 answers 500 for a container that has printed nothing yet.
            if error.status == 500 and "no such file" in error.message:
                return ""
            raise
    return data.decode("latin-1")


class SerialConsoles:
    """A listener for each server whose serial console was asked for, until the server goes or nova-compute ends.

    Nova's serial proxy connects to it; the console itself is opened in LXD only while somebody is connected.
    """

    def __init__(self, host: Host):
        self._host = host
        self._lock = threading.Lock()
        self._listeners: dict[str, _Listener] = {}

    def open(self, instance: Any) -> ctype.ConsoleSerial:
        """The address of a server's console.

        :raises exception.ConsoleTypeUnavailable: [serial_console]enabled is off.
        :raises exception.InstanceNotReady: The server does not run.
        """
        if not CONF.serial_console.enabled:
            raise exception.ConsoleTypeUnavailable(console_type="serial")
        if instances.get(self._host, instance)["status_code"] != instances.RUNNING:
            raise exception.InstanceNotReady(instance_id=instance.uuid)
        with self._lock:
            listener = self._listeners.get(instance.uuid)
            if listener is None or listener.closed:
                address = self._host.settings.serial_console_address or CONF.serial_console.proxyclient_address
                listener = _Listener(self._host, instances.path_of(instance, "console"), instance.uuid, address)
                self._listeners[instance.uuid] = listener
        return ctype.ConsoleSerial(listener.address, listener.port)

    def forget(self, instance: Any) -> None:
        """Closes a server's listener; safe without one."""
        with self._lock:
            listener = self._listeners.pop(instance.uuid, None)
        if listener is not None:
            listener.close()

    def close(self) -> None:
        with self._lock:
            listeners = list(self._listeners.values())
            self._listeners.clear()
        for listener in listeners:
            listener.close()


class _Listener:
    def __init__(self, host: Host, console_path: str, uuid: str, address: str):
        self._host = host
        self._path = console_path
        self._uuid = uuid
        self.address = address
        self._socket = _bound(address)
        self.port: int = self._socket.getsockname()[1]
        self._client: socket.socket | None = None
        self.closed = False
        self._thread = threading.Thread(target=self._run, name=f"lxd-console-{uuid}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.closed = True
        for connection in (self._socket, self._client):
            if connection is None:
                continue
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # Never connected, or closed by the other side.
            connection.close()

    def _run(self) -> None:
        while not self.closed:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return  # Closed.
            self._client = client
            try:
                self._serve(client)
            except (errors.LXDError, Closed, OSError) as error:
                if not self.closed:
                    LOG.info("The console of %s ended: %s", self._uuid, error)
            finally:
                self._client = None
                client.close()

    def _serve(self, client: socket.socket) -> None:
        operation = self._host.client.start(
            "POST", self._path, {"type": "console", "width": 80, "height": 24})
        secrets = operation.metadata["fds"]
        control = operation.websocket(secrets["control"])
        try:
            data = operation.websocket(secrets["0"])
            try:
                _relay(client, data)
            finally:
                data.close()
        finally:
            control.close()
            _end(operation)


def _end(operation: Operation) -> None:
    try:
        operation.wait(5)
    except errors.LXDError:
        operation.cancel()


def _bound(address: str) -> socket.socket:
    """A listening socket on a free port of [serial_console]port_range, or any if all are taken."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    first, _, last = CONF.serial_console.port_range.partition(":")
    for port in [*range(int(first), int(last)), 0]:
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, port))
            listener.listen(1)
            return listener
        except OSError as error:
            listener.close()
            if port == 0:
                raise exception.SocketPortRangeExhaustedException(host=address) from error
    raise exception.SocketPortRangeExhaustedException(host=address)


def _relay(client: socket.socket, console: WebSocket) -> None:
    """Copies bytes both ways until either side ends."""
    with selectors.DefaultSelector() as selector:
        selector.register(client, selectors.EVENT_READ)
        selector.register(console, selectors.EVENT_READ)
        _relay_selected(client, console, selector)


def _relay_selected(client: socket.socket, console: WebSocket, selector: selectors.BaseSelector) -> None:
    while True:
        waiting = [] if console.has_buffered else [key.fileobj for key, _ in selector.select()]
        if console.has_buffered or console in waiting:
            message = console.receive_nowait()
            if message is not None and message[0] in (Opcode.BINARY, Opcode.TEXT):
                if message[0] == Opcode.TEXT and not message[1]:
                    return
                client.sendall(message[1])
        if client in waiting:
            typed = client.recv(4096)
            if not typed:
                return
            console.send(typed)
