"""A daemon for tests of the client: a real HTTP server on a unix socket or TLS, whose answers a test writes."""

import base64
import hashlib
import http.server
import json
import os
import socket
import socketserver
import ssl
import struct
import tempfile
import threading
from collections.abc import Callable
from typing import Any


class FakeDaemon:
    """Serves what ``routes`` says: (method, path) to an envelope, or to a function that answers by itself."""

    def __init__(self, context: ssl.SSLContext | None = None, socket_path: str | None = None):
        self.routes: dict[tuple[str, str], Any] = {}
        #: Method, path with query, headers and body of every request.
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self._folder = tempfile.TemporaryDirectory()
        self.socket_path = socket_path or os.path.join(self._folder.name, "unix.socket")
        handler = type("Handler", (_Handler,), {"daemon": self})
        if context is None:
            self._server: socketserver.BaseServer = _UnixServer(self.socket_path, handler)
        else:
            self._server = _TCPServer(("127.0.0.1", 0), handler)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = None if context is None else self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._folder.cleanup()


class _UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 32


class _TCPServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # A client that hung up because of our certificate is what a test wanted.


class _Handler(http.server.BaseHTTPRequestHandler):
    daemon: FakeDaemon
    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        body = self._body()
        self.daemon.requests.append((self.command, self.path, dict(self.headers), body))
        answer = self.daemon.routes.get((self.command, self.path.split("?")[0]))
        if callable(answer):
            answer = answer(self, body)
        if answer is None:
            answer = error(404, "not found")
        if answer is not HANDLED:
            self.reply(answer.get("error_code") or answer.get("status_code") or 200, json.dumps(answer).encode())

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def reply(self, status: int, data: bytes, **headers: str) -> None:
        self.send_response(status if status >= 200 else 202)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def upgrade(self) -> None:
        """Makes the connection a websocket."""
        accept = base64.b64encode(hashlib.sha1(
            self.headers["Sec-WebSocket-Key"].encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        self.wfile.flush()
        self.close_connection = True

    def send_frame(self, opcode: int, payload: bytes, final: bool = True) -> None:
        length = len(payload)
        head = bytes([opcode | (0x80 if final else 0)])
        if length < 126:
            head += bytes([length])
        elif length < 1 << 16:
            head += struct.pack("!BH", 126, length)
        else:
            head += struct.pack("!BQ", 127, length)
        self.wfile.write(head + payload)
        self.wfile.flush()

    def read_frame(self) -> tuple[int, bytes]:
        """A client's frame; it must be masked."""
        first, second = self.rfile.read(2)
        assert second & 0x80, "a client must mask"
        length = second & 0x7F
        if length == 126:
            length = struct.unpack("!H", self.rfile.read(2))[0]
        elif length == 127:
            length = struct.unpack("!Q", self.rfile.read(8))[0]
        mask = self.rfile.read(4)
        return first & 0x0F, bytes(byte ^ mask[number % 4] for number, byte in enumerate(self.rfile.read(length)))

    def hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *arguments: Any) -> None:
        pass


#: What a route returns that has answered by itself.
HANDLED = object()

Route = Callable[[_Handler, bytes], Any]


def sync(metadata: Any) -> dict[str, Any]:
    return {"type": "sync", "status": "Success", "status_code": 200, "metadata": metadata}


def begun(id: str, metadata: Any = None) -> dict[str, Any]:
    return {"type": "async", "status": "Operation created", "status_code": 100, "operation": f"/1.0/operations/{id}",
            "metadata": {"id": id, "metadata": metadata}}


def error(code: int, message: str) -> dict[str, Any]:
    return {"type": "error", "error": message, "error_code": code}


def operation(code: int, metadata: Any = None, err: str = "") -> dict[str, Any]:
    return sync({"status_code": code, "status": "?", "description": "Creating instance", "metadata": metadata,
                 "err": err})
