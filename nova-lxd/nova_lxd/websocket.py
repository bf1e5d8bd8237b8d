"""The client half of RFC 6455 as far as LXD uses it: text, binary, ping, close; no extensions."""

import base64
import enum
import hashlib
import os
import socket
import ssl
import struct

from nova_lxd import errors
from nova_lxd.endpoint import Endpoint

#: Bytes of one message; the daemon's are far smaller.
MESSAGE_SIZE_MAX = 16 << 20
_HEADER_SIZE_MAX = 64 << 10
_ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Opcode(enum.IntEnum):
    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class Closed(Exception):
    """The other side closed the websocket, or the connection ended."""


class WebSocket:
    """One connection. Used by one thread at a time, except ``close``, which any thread may call to wake a reader."""

    def __init__(self, connection: socket.socket, left_over: bytes = b""):
        self._socket = connection
        self._buffer = bytearray(left_over)
        self._fragments = bytearray()
        self._fragments_opcode = Opcode.BINARY

    @classmethod
    def connect(cls, endpoint: Endpoint, target: str) -> "WebSocket":
        """Opens ``target`` (a path with its query) as a websocket.

        :raises errors.LXDError: The daemon answered with something else than an upgrade.
        """
        connection = endpoint.connect()
        try:
            key = base64.b64encode(os.urandom(16))
            connection.sendall(
                b"GET " + target.encode("ascii") + b" HTTP/1.1\r\nHost: " + endpoint.host.encode("ascii")
                + b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
                + key + b"\r\n\r\n")
            head, left_over = _read_head(connection)
        except OSError as error:
            connection.close()
            raise errors.Unavailable(503, f"Lost LXD at {endpoint}: {error}") from error
        except BaseException:
            connection.close()
            raise
        lines = head.decode("latin-1").split("\r\n")
        fields = (line.partition(":") for line in lines[1:])
        headers = {name.strip().lower(): value.strip() for name, _, value in fields}
        expected = base64.b64encode(hashlib.sha1(key + _ACCEPT).digest()).decode("ascii")
        words = lines[0].split(" ", 2)
        if len(words) < 2 or words[1] != "101" or headers.get("sec-websocket-accept") != expected:
            connection.close()
            status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 500
            # Without the query: it holds a secret.
            raise errors.from_answer(
                status, f"LXD at {endpoint} refused the websocket {target.split('?')[0]}: {lines[0]}")
        return cls(connection, left_over)

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def has_buffered(self) -> bool:
        """Whether bytes wait here that select() on the socket does not show."""
        pending = getattr(self._socket, "pending", None)
        return bool(self._buffer) or bool(pending and pending())

    def send(self, payload: bytes, opcode: Opcode = Opcode.BINARY) -> None:
        """Sends one message; blocks while the daemon does not read."""
        mask = os.urandom(4)
        length = len(payload)
        if length < 126:
            header = struct.pack("!BB", 0x80 | opcode, 0x80 | length)
        elif length < 1 << 16:
            header = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, length)
        else:
            header = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, length)
        repeated = (mask * (length // 4 + 1))[:length]
        masked = (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(length, "big")
        try:
            self._socket.settimeout(None)
            self._socket.sendall(header + mask + masked)
        except OSError as error:
            raise Closed(str(error)) from error

    def receive(self, timeout: float | None = None) -> tuple[Opcode, bytes] | None:
        """The next message, text or binary (or a pong); None if ``timeout`` seconds bring nothing.

        Pings are answered on the way. :raises Closed: The websocket has ended.
        """
        while True:
            frame = self._take_frame()
            if frame is None:
                if not self._fill(timeout):
                    return None
                continue
            final, opcode, payload = frame
            if opcode == Opcode.PING:
                self.send(payload, Opcode.PONG)
            elif opcode == Opcode.CLOSE:
                raise Closed(payload[2:].decode("utf-8", "replace"))
            elif opcode == Opcode.PONG:
                return Opcode.PONG, payload
            else:
                if opcode != Opcode.CONTINUATION:
                    self._fragments_opcode = opcode
                    self._fragments.clear()
                self._fragments += payload
                if len(self._fragments) > MESSAGE_SIZE_MAX:
                    raise Closed("message too large")
                if final:
                    return self._fragments_opcode, bytes(self._fragments)

    def receive_nowait(self) -> tuple[Opcode, bytes] | None:
        """A message if one is complete after reading once; for callers that saw the socket readable."""
        return self.receive(timeout=0.001)

    def interrupt(self) -> None:
        """Ends the connection for a reader in another thread, which gets Closed and then closes the websocket itself.

        A green thread would wait on for a descriptor that was closed under it.
        """
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # It was closed by the other side: what we want.

    def close(self) -> None:
        """Ends the connection. Safe to call twice."""
        self.interrupt()
        self._socket.close()

    def _fill(self, timeout: float | None) -> bool:
        try:
            self._socket.settimeout(timeout)
            data = self._socket.recv(65536)
        except TimeoutError:
            return False
        except ssl.SSLError as error:
            # eventlet's sockets say so when nothing came in time; the standard library's raise TimeoutError.
            if error.args == ("timed out",):
                return False
            raise Closed(str(error)) from error
        except (OSError, ValueError) as error:  # ValueError: an SSL socket that another thread closed.
            raise Closed(str(error)) from error
        if not data:
            raise Closed("end of connection")
        self._buffer += data
        return True

    def _take_frame(self) -> tuple[bool, Opcode, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        length, offset = buffer[1] & 0x7F, 2
        if length == 126:
            if len(buffer) < 4:
                return None
            length, offset = struct.unpack_from("!H", buffer, 2)[0], 4
        elif length == 127:
            if len(buffer) < 10:
                return None
            length, offset = struct.unpack_from("!Q", buffer, 2)[0], 10
        if length > MESSAGE_SIZE_MAX or buffer[1] & 0x80 or buffer[0] & 0x70:
            raise Closed("frame not understood")  # Too large, masked by a server, or an extension we did not ask for.
        if len(buffer) < offset + length:
            return None
        try:
            opcode = Opcode(buffer[0] & 0x0F)
        except ValueError:
            raise Closed("frame not understood") from None
        final = bool(buffer[0] & 0x80)
        payload = bytes(buffer[offset:offset + length])
        del buffer[:offset + length]
        return final, opcode, payload


def _read_head(connection: socket.socket) -> tuple[bytes, bytes]:
    data = bytearray()
    while (end := data.find(b"\r\n\r\n")) < 0:
        if len(data) > _HEADER_SIZE_MAX:
            raise errors.LXDError(500, "LXD's answer to a websocket request is too long")
        part = connection.recv(4096)
        if not part:
            raise errors.Unavailable(503, "LXD closed the connection")
        data += part
    return bytes(data[:end]), bytes(data[end + 4:])
