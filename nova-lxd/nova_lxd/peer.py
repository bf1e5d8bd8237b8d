"""Another compute host's daemon, reached for the length of one migration.

No daemon trusts another for good. For each migration a key pair is made, whose certificate one daemon trusts, for the
project only, under the name ``nova-move-UUID``; the other host's nova-compute then acts with it. It expires by itself
after LIFETIME, is removed at the end of the migration, and what a crash left is swept by the next one.
"""

import contextlib
import dataclasses
import datetime
import json
import os
import tempfile
import urllib.parse
from collections.abc import Iterator
from typing import Any

import nova.conf
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from nova import exception
from oslo_log import log as logging

from nova_lxd import errors
from nova_lxd.client import Client, path
from nova_lxd.endpoint import Endpoint
from nova_lxd.host import Host

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

LIFETIME = datetime.timedelta(hours=1)
#: Clocks of two hosts may differ by this much.
_CLOCK_SKEW = datetime.timedelta(minutes=10)
_NAME_PREFIX = "nova-move-"


@dataclasses.dataclass(frozen=True)
class Address:
    """Where a daemon listens, and the certificate it shows there."""

    url: str
    certificate: str
    project: str


@dataclasses.dataclass(frozen=True)
class Credentials:
    """A certificate and its key, both PEM."""

    certificate: str
    key: str


def address(host: Host) -> Address:
    """How other hosts reach our daemon.

    :raises exception.MigrationError: It listens on no address.
    """
    server = host.server()
    url = host.settings.migration_url or host.settings.url
    if url is None:
        listening = server["environment"].get("addresses") or []
        if not listening:
            raise exception.MigrationError(
                reason=f"LXD of {host.name} listens on no address: set its core.https_address")
        own = [found for found in listening if found.rsplit(":", 1)[0].strip("[]") == CONF.my_ip]
        url = f"https://{(own or listening)[0]}"
    return Address(url.rstrip("/"), server["environment"]["certificate"], host.settings.project)


def make_credentials(name: str) -> Credentials:
    """A new key pair with a certificate of its own that lasts for LIFETIME."""
    key = ec.generate_private_key(ec.SECP384R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name[:64])])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - _CLOCK_SKEW).not_valid_after(now + LIFETIME)
        .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA384()))
    return Credentials(
        certificate.public_bytes(serialization.Encoding.PEM).decode("ascii"),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                          serialization.NoEncryption()).decode("ascii"))


# Trust in our daemon


def trust(host: Host, instance: Any, certificate: str) -> None:
    """Lets the holder of a certificate work in our project, for this migration.

    :raises exception.MigrationError: Our own connection may not do that; see the message.
    """
    sweep(host)
    body = "".join(line for line in certificate.splitlines() if line and not line.startswith("-----"))
    try:
        host.client.post("/1.0/certificates", {
            "name": _NAME_PREFIX + instance.uuid, "type": "client", "certificate": body, "restricted": True,
            "projects": [host.settings.project]}, project=None)
    except errors.Forbidden as error:
        raise exception.MigrationError(
            reason=f"LXD of {host.name} lets nova-compute trust no certificate: connect it by the unix socket") from error
    except errors.LXDError as error:
        raise exception.MigrationError(reason=f"LXD of {host.name}: {error.message}") from error


def distrust(host: Host, instance: Any) -> None:
    """Ends what ``trust`` began; may be called again."""
    _remove(host, lambda entry: entry["name"] == _NAME_PREFIX + instance.uuid)


def sweep(host: Host) -> None:
    """Removes expired certificates of migrations that nova-compute did not survive."""
    _remove(host, lambda entry: entry["name"].startswith(_NAME_PREFIX) and _has_expired(entry["certificate"]))


def _has_expired(certificate: str) -> bool:
    now = datetime.datetime.now(datetime.timezone.utc)
    found = x509.load_pem_x509_certificate(certificate.encode("ascii"))
    # Its successor, which knows its zone, came with cryptography 42; Debian 12 has 38.
    end = getattr(found, "not_valid_after_utc", None) or found.not_valid_after.replace(tzinfo=datetime.timezone.utc)
    return end < now


def _remove(host: Host, chosen: Any) -> None:
    try:
        for entry in host.client.get("/1.0/certificates", recursion=1, project=None):
            if chosen(entry):
                with contextlib.suppress(errors.NotFound):
                    host.client.delete(path("certificates", entry["fingerprint"]), project=None)
    except errors.LXDError as error:
        # It is valid for an hour at most, and the next migration sweeps it.
        LOG.warning("A certificate of a migration is still trusted: %s", error.message)


# The other daemon


@contextlib.contextmanager
def connected(address: Address, credentials: Credentials) -> Iterator[Client]:
    """A client of another host's daemon; its keys are on disk only for the length of the body."""
    if urllib.parse.urlsplit(address.url).scheme != "https":
        raise exception.MigrationError(reason=f"the other host's LXD is at {address.url!r}, which is not https")
    with tempfile.TemporaryDirectory(prefix="nova-lxd-") as folder:
        files = {"client.crt": credentials.certificate, "client.key": credentials.key, "server.crt": address.certificate}
        for name, text in files.items():
            descriptor = os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(text)
        yield Client(Endpoint(
            url=address.url, client_cert=os.path.join(folder, "client.crt"),
            client_key=os.path.join(folder, "client.key"), server_cert=os.path.join(folder, "server.crt")),
            address.project)


def encode(address: Address, **more: Any) -> str:
    """An address, and what else the other host must know, as text for Nova's messages."""
    return json.dumps({"address": dataclasses.asdict(address), **more})


def decode(text: str) -> tuple[Address, dict[str, Any]]:
    """What ``encode`` wrote.

    :raises exception.MigrationError: The text is something else: the other host runs another driver.
    """
    try:
        found = json.loads(text)
        return Address(**found.pop("address")), found
    except (ValueError, TypeError, KeyError) as error:
        raise exception.MigrationError(reason="the other host is no LXD host") from error
