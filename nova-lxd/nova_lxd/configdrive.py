"""What a server is told about itself: user data and keys for cloud-init, config drive, injected files, password.

cloud-init's ConfigDrive source looks into a folder ``/config-drive`` before it looks for disks, so the drive's files
are put there: no image is built or mounted, and they move with the container. The same facts are in LXD's
``cloud-init.*`` keys for images whose cloud-init reads those (NoCloud templates, or its LXD source).
"""

import base64
import posixpath
from collections.abc import Iterable, Mapping
from typing import Any

import nova.conf
from nova import exception
from nova.api.metadata import base as metadata
from nova.virt import configdrive
from oslo_log import log as logging

from nova_lxd import errors, instance as instances
from nova_lxd.host import Host

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

FOLDER = "/config-drive"


def cloud_init(instance: Any, network_info: Any) -> dict[str, str]:
    """Configuration keys of a container that LXD shows to cloud-init."""
    config = {
        "user.meta-data": f"local-hostname: {_quoted(instance.hostname or instance.name)}\n",
        "cloud-init.network-config": network_config(network_info),
    }
    if instance.user_data:
        try:
            config["cloud-init.user-data"] = base64.b64decode(instance.user_data).decode("utf-8")
        except UnicodeDecodeError:
            pass  # LXD's keys are text: compressed user data reaches the server by the config drive only.
    if instance.key_data:
        config["user.meta-data"] += f"public-keys:\n  - {_quoted(instance.key_data.strip())}\n"
    return config


def network_config(network_info: Iterable[Mapping[str, Any]]) -> str:
    """The ports as cloud-init's network configuration, version 1."""
    lines = ["version: 1", "config:"]
    for number, vif in enumerate(network_info or ()):
        lines += ["  - type: physical", f"    name: eth{number}", f"    mac_address: {_quoted(vif['address'])}"]
        mtu = vif["network"].get_meta("mtu")
        if mtu:
            lines.append(f"    mtu: {int(mtu)}")
        subnets = list(_subnets(vif))
        if subnets:
            lines.append("    subnets:")
            lines += subnets
    return "\n".join(lines) + "\n" if len(lines) > 2 else ""


def _subnets(vif: Mapping[str, Any]) -> Iterable[str]:
    for subnet in vif["network"]["subnets"]:
        family = "6" if subnet["version"] == 6 else "4"
        if subnet.get_meta("dhcp_server"):
            yield f"      - type: dhcp{family}"
            continue
        prefix = str(subnet["cidr"]).rpartition("/")[2]
        gateway = (subnet["gateway"] or {}).get("address")
        servers = [server["address"] for server in subnet["dns"] or ()]
        for address in subnet["ips"] or ():
            yield f"      - type: static{'6' if family == '6' else ''}"
            yield f"        address: {_quoted(address['address'] + '/' + prefix)}"
            if gateway:
                yield f"        gateway: {_quoted(gateway)}"
            if servers:
                yield f"        dns_nameservers: [{', '.join(map(_quoted, servers))}]"


def _quoted(text: str) -> str:
    """A YAML scalar that holds any text of one line."""
    cleaned = "".join(character for character in str(text) if character.isprintable())
    return "'" + cleaned.replace("'", "''") + "'"


def files(context: Any, instance: Any, injected_files: Any, admin_password: str | None,
          network_info: Any) -> dict[str, bytes]:
    """The config drive's files by their path below FOLDER."""
    extra = {"admin_pass": admin_password} if admin_password else {}
    found = metadata.InstanceMetadata(
        instance, content=injected_files or (), extra_md=extra, network_info=network_info)
    return {
        path: data.encode("utf-8") if isinstance(data, str) else bytes(data)
        for path, data in found.metadata_for_config_drive()}


def add(host: Host, context: Any, instance: Any, injected_files: Any, admin_password: str | None,
        network_info: Any) -> None:
    """Puts the config drive into a stopped container, if its server is to have one, and the files to be injected."""
    name = instances.name_of(instance)
    try:
        for target, content in injected_files or ():
            data = content.encode("utf-8") if isinstance(content, str) else bytes(content)
            # Two slashes at the begin would stay: POSIX lets them mean something else than one.
            _push(host, name, {posixpath.normpath("/" + target.lstrip("/")): data}, 0o644, made=set())
        if configdrive.required_by(instance):
            made: set[str] = set()
            host.client.make_directory(name, FOLDER, mode=0o700)
            made.add(FOLDER)
            drive = files(context, instance, injected_files, admin_password, network_info)
            _push(host, name, {f"{FOLDER}/{path}": data for path, data in drive.items()}, 0o600, made)
    except errors.Unavailable:
        raise
    except errors.LXDError as error:
        raise exception.InstanceDeployFailure(reason=f"Failed to write the config drive: {error.message}") from error


def _push(host: Host, name: str, content: Mapping[str, bytes], mode: int, made: set[str]) -> None:
    for target, data in content.items():
        parents = []
        parent = posixpath.dirname(target)
        while parent not in ("/", "") and parent not in made:
            parents.append(parent)
            parent = posixpath.dirname(parent)
        for parent in reversed(parents):
            host.client.make_directory(name, parent)
            made.add(parent)
        host.client.push_file(name, target, data, mode=mode)


def set_password(host: Host, instance: Any, password: str) -> None:
    """Sets root's password in a running server.

    :raises exception.SetAdminPasswdNotSupported: The server has no program for it.
    :raises exception.InstancePasswordSetFailed: Its program refused.
    """
    if any(ord(character) < 32 for character in password):
        raise exception.InstancePasswordSetFailed(
            instance=instance.uuid, reason="a password has no control characters")
    name = instances.name_of(instance)
    if instances.get(host, instance)["status_code"] != instances.RUNNING:
        raise exception.InstanceNotRunning(instance_id=instance.uuid)
    # The password goes by standard input: it is in no list of processes and in no file.
    secret = password.encode("utf-8")
    for command, stdin in ((["chpasswd"], b"root:" + secret + b"\n"),
                           (["passwd", "root"], secret + b"\n" + secret + b"\n")):
        try:
            result = host.client.exec(name, command, stdin=stdin)
        except errors.Unavailable as error:
            raise exception.HypervisorUnavailable(host=host.name) from error
        except errors.LXDError as error:
            if isinstance(error, errors.OperationFailed) and "ommand not found" in error.message:
                continue
            raise exception.InstancePasswordSetFailed(instance=instance.uuid, reason=error.message) from error
        if result.status == 0:
            return
        if result.status not in (126, 127):
            LOG.warning("%s failed: %r", command[0], result.stderr[-200:], instance=instance)
            raise exception.InstancePasswordSetFailed(
                instance=instance.uuid, reason=f"{command[0]} exited with {result.status}")
    raise exception.SetAdminPasswdNotSupported()
