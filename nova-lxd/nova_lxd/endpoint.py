"""Sockets to a daemon: its unix socket, or TLS with both sides' certificates pinned."""

import dataclasses
import hashlib
import http.client
import os
import socket
import ssl
import urllib.parse

from nova_lxd import errors

#: Seconds to connect and to shake hands.
CONNECT_TIMEOUT = 10.0
#: Bytes read from a file and sent at once.
BLOCK_SIZE = 1 << 20


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """Where a daemon is and how we prove who we are. Immutable, so any thread may connect.

    There is no pool of connections: one to the unix socket costs less than 0.1 ms, and a request that failed on a
    kept connection leaves open whether the daemon saw it.
    """

    socket_path: str | None = None
    url: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    server_cert: str | None = None

    def __post_init__(self) -> None:
        if self.url is None:
            return
        if urllib.parse.urlsplit(self.url).scheme != "https":
            raise ValueError(f"[lxd]url must begin with https://, not {self.url!r}")
        missing = [name for name in ("client_cert", "client_key", "server_cert") if not getattr(self, name)]
        if missing:
            raise ValueError(f"[lxd]url needs also {', '.join(missing)}")

    @property
    def host(self) -> str:
        """What goes into the Host header."""
        return urllib.parse.urlsplit(self.url).netloc if self.url else "lxd"

    def __str__(self) -> str:
        return self.url or self.socket_path or "nowhere"

    def connect(self) -> socket.socket:
        """A connected socket, with a timeout of CONNECT_TIMEOUT still set on it.

        :raises errors.Unavailable: Nobody listens, or the daemon shows a certificate that is not the pinned one.
        """
        try:
            return self._connect_tls() if self.url else self._connect_unix()
        except (OSError, ssl.SSLError) as error:
            raise errors.Unavailable(503, f"Cannot reach LXD at {self}: {error}") from error

    def _connect_unix(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(CONNECT_TIMEOUT)
            connection.connect(self.socket_path or "")
        except OSError:
            connection.close()
            raise
        return connection

    def _connect_tls(self) -> socket.socket:
        # __post_init__ has seen to it.
        assert self.url and self.client_cert and self.client_key and self.server_cert
        parts = urllib.parse.urlsplit(self.url)
        plain = socket.create_connection((parts.hostname, parts.port or 8443), CONNECT_TIMEOUT)
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            # The daemon's certificate is its own: it is compared whole below, before the first byte of a request.
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.load_cert_chain(self.client_cert, self.client_key)
            connection = context.wrap_socket(plain, server_hostname=parts.hostname)
        except (OSError, ssl.SSLError):
            plain.close()
            raise
        shown = connection.getpeercert(binary_form=True)
        if shown is None or hashlib.sha256(shown).digest() != pinned_digest(self.server_cert):
            connection.close()
            raise ssl.SSLError(f"the daemon's certificate is not the one in {self.server_cert}")
        return connection

    def http(self, timeout: float | None) -> http.client.HTTPConnection:
        """An HTTP connection that is not connected yet; ``timeout`` seconds bound each wait for the daemon."""
        return _Connection(self, timeout)


def pinned_digest(path: str) -> bytes:
    """SHA-256 of the first certificate in a PEM file."""
    with open(os.fspath(path), encoding="ascii") as file:
        text = file.read(1 << 20)
    begin = text.index("-----BEGIN CERTIFICATE-----")
    end = text.index("-----END CERTIFICATE-----") + len("-----END CERTIFICATE-----")
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(text[begin:end])).digest()


class _Connection(http.client.HTTPConnection):
    def __init__(self, endpoint: Endpoint, timeout: float | None):
        super().__init__(endpoint.host, blocksize=BLOCK_SIZE)
        self._endpoint = endpoint
        self._answer_timeout = timeout

    def connect(self) -> None:
        self.sock = self._endpoint.connect()
        self.sock.settimeout(self._answer_timeout)
