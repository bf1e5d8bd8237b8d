"""Options of the [lxd] section, and their values as one immutable object a driver.

Names and defaults of nova-lxd 19 (``root_dir``, ``pool``, ``timeout``, ``allow_live_migration``) are kept.
"""

import dataclasses
import os

from oslo_config import cfg

OPTIONS = [
    cfg.StrOpt(
        "root_dir",
        default="/var/lib/lxd/",
        help="Folder of the LXD daemon on this host; its socket is looked for there."),
    cfg.StrOpt(
        "socket",
        help="Unix socket of the daemon. Default: unix.socket in root_dir."),
    cfg.StrOpt(
        "url",
        help="https://ADDRESS:PORT of the daemon, instead of its socket. Needs client_cert, client_key, server_cert."),
    cfg.StrOpt(
        "client_cert",
        help="PEM file of the certificate the daemon trusts; restrict it to the project (lxc config trust add "
             "--restricted --projects nova)."),
    cfg.StrOpt("client_key", help="PEM file of the key of client_cert."),
    cfg.StrOpt(
        "server_cert",
        help="PEM file of the daemon's own certificate. The connection is refused when the daemon shows another one."),
    cfg.StrOpt(
        "project",
        default="nova",
        help="LXD project that holds everything Nova makes on this host. It is created if the daemon allows it. "
             "Containers of other projects are never listed, counted or touched."),
    cfg.StrOpt(
        "pool",
        help="Storage pool for root disks. Default: the pool called default, or the only one."),
    cfg.IntOpt(
        "timeout",
        default=-1,
        min=-1,
        help="Seconds an operation of the daemon may take; -1 waits as long as the daemon works on it."),
    cfg.IntOpt(
        "shutdown_timeout",
        default=30,
        min=1,
        help="Seconds a container has to shut down in a soft reboot before it is stopped by force. (Powering off "
             "uses Nova's own shutdown_timeout.)"),
    cfg.IntOpt(
        "retry_interval",
        default=5,
        min=1,
        help="Seconds between attempts to reach a daemon that is down, at start and for events."),
    cfg.BoolOpt(
        "allow_live_migration",
        default=False,
        help="Move running containers with their memory. Both daemons need a working CRIU."),
    cfg.StrOpt(
        "migration_url",
        help="https://ADDRESS:PORT under which other compute hosts reach this daemon for resize and migration. "
             "Default: url, or https://MY_IP:8443."),
    cfg.StrOpt(
        "rescue_holder",
        default="/bin/busybox",
        help="Statically linked busybox on the daemon's host. While a server is rescued it keeps the server's own root "
             "file system mounted, without running anything of it."),
    cfg.StrOpt(
        "serial_console_address",
        help="Address the serial console listeners bind to. Default: [serial_console]proxyclient_address."),
]


def register(conf: cfg.ConfigOpts) -> None:
    """Adds the [lxd] section to a configuration; may be called again."""
    conf.register_opts(OPTIONS, group="lxd")


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """What oslo-config-generator asks for."""
    return [("lxd", OPTIONS)]


@dataclasses.dataclass(frozen=True)
class Settings:
    """The [lxd] section as it was when a driver started.

    Each driver keeps its own, so that two compute services of one process can speak to two daemons.
    """

    #: The daemon's folder, on the daemon's machine.
    root_dir: str
    socket: str
    url: str | None
    client_cert: str | None
    client_key: str | None
    server_cert: str | None
    project: str
    pool: str | None
    #: Seconds; None waits without end.
    timeout: float | None
    shutdown_timeout: int
    retry_interval: int
    allow_live_migration: bool
    migration_url: str | None
    rescue_holder: str
    serial_console_address: str | None

    @classmethod
    def read(cls, conf: cfg.ConfigOpts) -> "Settings":
        register(conf)
        section = conf.lxd
        return cls(
            root_dir=os.path.dirname(section.socket) if section.socket else section.root_dir,
            socket=section.socket or os.path.join(section.root_dir, "unix.socket"),
            url=section.url,
            client_cert=section.client_cert,
            client_key=section.client_key,
            server_cert=section.server_cert,
            project=section.project,
            pool=section.pool,
            timeout=None if section.timeout < 0 else float(section.timeout),
            shutdown_timeout=section.shutdown_timeout,
            retry_interval=section.retry_interval,
            allow_live_migration=section.allow_live_migration,
            migration_url=section.migration_url,
            rescue_holder=section.rescue_holder,
            serial_console_address=section.serial_console_address,
        )
