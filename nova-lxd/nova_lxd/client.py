"""LXD's REST API: requests, operations, files, exec, images, websockets. The one door to the daemon.

Threads share a client: it keeps no connection and no state. It imports no eventlet; where Nova patches the standard
library (before Nova 34) the same code runs on green threads.
"""

import contextlib
import dataclasses
import http.client
import json
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from nova_lxd import errors
from nova_lxd.endpoint import Endpoint
from nova_lxd.websocket import Closed, Opcode, WebSocket

#: Seconds the daemon may keep us waiting for the answer to a request that is no operation.
ANSWER_TIMEOUT = 300.0
#: Seconds one request for the end of an operation lasts at most; then it is asked again.
WAIT_ROUND = 30
#: Seconds an operation is looked for in a daemon that went away while we waited.
RECONNECT_TIMEOUT = 30.0
_ANSWER_SIZE_MAX = 256 << 20

Query = Mapping[str, str | int | bool | None]


@dataclasses.dataclass(frozen=True)
class Answer:
    """What the daemon said to a request: its envelope without the outer layer."""

    status: int
    metadata: Any
    #: Id of the operation that was begun, or None.
    operation: str | None
    etag: str | None


@dataclasses.dataclass(frozen=True)
class ExecResult:
    status: int
    stdout: bytes
    stderr: bytes


def path(*segments: str) -> str:
    """``/1.0/a/b`` from names that may hold any character."""
    return "/1.0/" + "/".join(urllib.parse.quote(segment, safe="") for segment in segments)


class Operation:
    """A task that goes on in the daemon."""

    def __init__(self, client: "Client", id: str, metadata: Mapping[str, Any]):
        self.client = client
        self.id = id
        #: The operation's own metadata as of its begin: secrets of websockets, for example.
        self.metadata: Mapping[str, Any] = metadata

    @property
    def path(self) -> str:
        return path("operations", self.id)

    def wait(self, timeout: float | None = None) -> dict[str, Any]:
        """Waits for the end; returns the operation's metadata.

        :param timeout: Seconds; None uses the client's, which may be without end.
        :raises errors.OperationFailed: It failed, was cancelled, or the daemon was restarted and knows it no longer.
        :raises errors.Timeout: It still runs.
        :raises errors.Unavailable: The daemon has been away for RECONNECT_TIMEOUT.
        """
        timeout = self.client.timeout if timeout is None else timeout
        deadline = None if timeout is None else time.monotonic() + timeout
        away_since: float | None = None
        while True:
            round_ = WAIT_ROUND if deadline is None else min(WAIT_ROUND, max(0, round(deadline - time.monotonic())))
            try:
                state = self.client.get(self.path + "/wait", timeout=round_)
            except errors.NotFound as error:
                raise errors.OperationFailed(500, "LXD no longer knows the operation: it was restarted") from error
            except errors.Unavailable:
                away_since = away_since or time.monotonic()
                if time.monotonic() - away_since > RECONNECT_TIMEOUT:
                    raise
                time.sleep(0.5)
                continue
            away_since = None
            if state["status_code"] >= 400:
                raise errors.OperationFailed(state["status_code"], state.get("err") or state["status"])
            if state["status_code"] >= 200:
                return state.get("metadata") or {}
            if deadline is not None and time.monotonic() >= deadline:
                raise errors.Timeout(504, f"{state['description']} still runs after {timeout:g} s")

    def cancel(self) -> None:
        """Asks the daemon to give up; an operation that has ended or cannot be cancelled is left as it is."""
        with contextlib.suppress(errors.LXDError):
            self.client.delete(self.path)

    def websocket(self, secret: str) -> WebSocket:
        """One of the operation's streams."""
        query = urllib.parse.urlencode({"secret": secret})
        return WebSocket.connect(self.client.endpoint, f"{self.path}/websocket?{query}")


class Client:
    """Requests to one daemon on behalf of one project."""

    def __init__(self, endpoint: Endpoint, project: str = "default", timeout: float | None = None):
        self.endpoint = endpoint
        self.project = project
        #: Seconds an operation may take where the caller gives no other; None waits without end.
        self.timeout = timeout

    # Requests. A path begins with /1.0; keyword arguments are the query. Where the daemon begins an operation, these
    # wait for its end and return its metadata; ``start`` does not wait.

    def get(self, path: str, /, **query: str | int | bool | None) -> Any:
        return self.request("GET", path, query=query).metadata

    def post(self, path: str, body: Any = None, /, **query: str | int | bool | None) -> Any:
        return self._finish("POST", path, body, query)

    def put(self, path: str, body: Any = None, /, **query: str | int | bool | None) -> Any:
        return self._finish("PUT", path, body, query)

    def patch(self, path: str, body: Any = None, /, **query: str | int | bool | None) -> Any:
        return self._finish("PATCH", path, body, query)

    def delete(self, path: str, /, **query: str | int | bool | None) -> Any:
        return self._finish("DELETE", path, None, query)

    def start(self, method: str, path: str, body: Any = None, *, query: Query | None = None,
              headers: Mapping[str, str] | None = None) -> Operation:
        """Sends a request that begins an operation; returns without waiting for it."""
        answer = self.request(method, path, body, query=query, headers=headers)
        if answer.operation is None:
            raise errors.LXDError(500, f"LXD began no operation for {method} {path}")
        return Operation(self, answer.operation, (answer.metadata or {}).get("metadata") or {})

    def _finish(self, method: str, path: str, body: Any, query: Query) -> Any:
        answer = self.request(method, path, body, query=query)
        if answer.operation is None:
            return answer.metadata
        return Operation(self, answer.operation, {}).wait()

    def request(self, method: str, path: str, body: Any = None, *, query: Query | None = None,
                headers: Mapping[str, str] | None = None) -> Answer:
        """One request and its answer.

        :param body: An open binary file is sent as it is (its length in ``headers``, or in chunks), all else as JSON.
        :raises errors.LXDError: The daemon answered with an error.
        """
        with self._response(method, path, body, query, headers) as response:
            data = self._read(response)
            etag = response.getheader("ETag")
        envelope = _decode(data)
        if envelope.get("type") == "error" or response.status >= 400:
            raise errors.from_answer(
                envelope.get("error_code") or response.status, envelope.get("error") or response.reason)
        operation = envelope.get("operation") or ""
        return Answer(response.status, envelope.get("metadata"), operation.rsplit("/", 1)[-1] or None, etag)

    @contextlib.contextmanager
    def stream(self, path: str, /, **query: str | int | bool | None) -> Iterator[http.client.HTTPResponse]:
        """The body of an answer that is no JSON, read piece by piece; a file and a readable for Glance."""
        with self._response("GET", path, None, query, None) as response:
            if response.status >= 400:
                envelope = _decode(self._read(response))
                raise errors.from_answer(
                    envelope.get("error_code") or response.status, envelope.get("error") or response.reason)
            yield response

    @contextlib.contextmanager
    def _response(self, method: str, path: str, body: Any, query: Query | None,
                  headers: Mapping[str, str] | None) -> Iterator[http.client.HTTPResponse]:
        values = {"project": self.project, **(query or {})}
        text = urllib.parse.urlencode({
            name: str(value).lower() if isinstance(value, bool) else value
            for name, value in values.items() if value is not None})
        sent = {"User-Agent": "nova-compute-lxd", **(headers or {})}
        if body is None:
            payload: Any = None
        elif isinstance(body, (bytes, bytearray)) or hasattr(body, "read"):
            payload = body
            sent.setdefault("Content-Type", "application/octet-stream")
        else:
            payload = json.dumps(body).encode("utf-8")
            sent["Content-Type"] = "application/json"
        connection = self.endpoint.http(ANSWER_TIMEOUT)
        try:
            chunked = hasattr(payload, "read") and "Content-Length" not in sent
            with self._lost(f"{method} {path}"):
                connection.request(method, f"{path}?{text}", payload, sent, encode_chunked=chunked)
                response = connection.getresponse()
            yield response
        finally:
            connection.close()

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        with self._lost("an answer"):
            return response.read(_ANSWER_SIZE_MAX)

    @contextlib.contextmanager
    def _lost(self, during: str) -> Iterator[None]:
        try:
            yield
        except (OSError, http.client.HTTPException) as error:
            raise errors.Unavailable(503, f"Lost LXD at {self.endpoint} during {during}: {error!r}") from error

    # Files of an instance, running or stopped. Paths are the instance's own, absolute.

    def push_file(self, instance: str, target: str, content: bytes, *, mode: int = 0o644) -> None:
        """Writes a file of root's, in place of one that is there."""
        self.request("POST", path("instances", instance, "files"), bytes(content), query={"path": target}, headers={
            "X-LXD-uid": "0", "X-LXD-gid": "0", "X-LXD-mode": f"{mode:04o}", "X-LXD-type": "file",
            "X-LXD-write": "overwrite"})

    def make_directory(self, instance: str, target: str, *, mode: int = 0o755) -> None:
        """Makes a directory of root's; one that is there already is left."""
        self.request("POST", path("instances", instance, "files"), b"", query={"path": target}, headers={
            "X-LXD-uid": "0", "X-LXD-gid": "0", "X-LXD-mode": f"{mode:04o}", "X-LXD-type": "directory"})

    def pull_file(self, instance: str, source: str, size_max: int = 1 << 20) -> bytes:
        """The first ``size_max`` bytes of a file."""
        with self.stream(path("instances", instance, "files"), path=source) as response:
            return response.read(size_max)

    # Programs

    def exec(self, instance: str, command: list[str], *, stdin: bytes = b"", timeout: float = 60.0) -> ExecResult:
        """Runs a program in a running instance and waits for its end. For programs that print little."""
        operation = self.start("POST", path("instances", instance, "exec"), {
            "command": command, "wait-for-websocket": True, "interactive": False})
        secrets = operation.metadata["fds"]
        sockets: dict[str, WebSocket] = {}
        try:
            for name in ("control", "0", "1", "2"):
                if name in secrets:
                    sockets[name] = operation.websocket(secrets[name])
            if stdin:
                sockets["0"].send(stdin)
            sockets["0"].send(b"", Opcode.TEXT)  # An empty text message is the end of a stream.
            deadline = time.monotonic() + timeout
            stdout, stderr = (_read_stream(sockets[name], deadline) for name in ("1", "2"))
            result = operation.wait(max(1.0, deadline - time.monotonic()))
        except Closed as error:
            raise errors.OperationFailed(500, f"{command[0]} lost its streams: {error}") from error
        except errors.Timeout:
            operation.cancel()
            raise
        finally:
            for websocket in sockets.values():
                websocket.close()
        return ExecResult(int(result.get("return", -1)), stdout, stderr)

    # Images

    def upload_image(self, file: BinaryIO, size: int, headers: Mapping[str, str]) -> str:
        """Adds an image; returns its fingerprint. ``headers`` may hold Content-Type and X-LXD-properties."""
        operation = self.start("POST", path("images"), file, headers={"Content-Length": str(size), **headers})
        return operation.wait()["fingerprint"]

    # Websockets

    def events(self, *types: str) -> WebSocket:
        """The event stream of the project."""
        query = urllib.parse.urlencode({"project": self.project, "type": ",".join(types)})
        return WebSocket.connect(self.endpoint, path("events") + "?" + query)


def _read_stream(websocket: WebSocket, deadline: float, size_max: int = 1 << 20) -> bytes:
    output = bytearray()
    while True:
        try:
            message = websocket.receive(max(0.1, deadline - time.monotonic()))
        except Closed:
            return bytes(output[:size_max])
        if message is None:
            raise errors.Timeout(504, "the program still runs")
        opcode, payload = message
        if opcode == Opcode.TEXT and not payload:
            return bytes(output[:size_max])
        if len(output) < size_max:
            output += payload


def _decode(data: bytes) -> dict[str, Any]:
    try:
        envelope = json.loads(data)
    except ValueError as error:
        raise errors.LXDError(500, f"LXD's answer is no JSON: {data[:200]!r}") from error
    if not isinstance(envelope, dict):
        raise errors.LXDError(500, "LXD's answer is no object")
    return envelope
