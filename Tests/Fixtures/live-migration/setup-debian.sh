#!/bin/sh
# Runs inside a Debian container that has /usr/local/bin/guest, and gives it what a live migration must not disturb:
# a TCP service, a timer, two services with mount namespaces of their own, a heap that changes, a shell on the console.
# Usage: setup-debian.sh ADDRESS/PREFIX HEAP_MEBIBYTES RATE
set -eu
cat >/etc/systemd/network/10-eth0.network <<END
[Match]
Name=eth0
[Network]
Address=$1
DHCP=ipv4
LinkLocalAddressing=no
IPv6AcceptRA=no
END
unit() { cat >"/etc/systemd/system/$1"; }
unit mt-echo.service <<END
[Service]
ExecStart=/usr/local/bin/guest echo 7777
[Install]
WantedBy=multi-user.target
END
unit mt-heap.service <<END
[Service]
ExecStart=/usr/local/bin/guest heap /run/mt-heap $2 $3
[Install]
WantedBy=multi-user.target
END
unit mt-clock.service <<END
[Service]
ExecStart=/usr/local/bin/guest clock /run/mt-clock
[Install]
WantedBy=multi-user.target
END
unit mt-sandbox-a.service <<END
[Service]
ExecStart=/usr/local/bin/guest clock /tmp/mt-sandbox-a
PrivateTmp=yes
ProtectSystem=strict
ProtectHome=yes
NoNewPrivileges=yes
[Install]
WantedBy=multi-user.target
END
unit mt-sandbox-b.service <<END
[Service]
ExecStart=/usr/local/bin/guest clock /run/mt-sandbox-b/status
RuntimeDirectory=mt-sandbox-b
PrivateTmp=yes
ProtectSystem=full
ReadOnlyPaths=/srv
[Install]
WantedBy=multi-user.target
END
unit mt-tick.service <<END
[Unit]
StartLimitIntervalSec=0
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo tick >>/var/lib/mt-ticks'
END
unit mt-tick.timer <<END
[Timer]
OnBootSec=1s
OnUnitActiveSec=1s
AccuracySec=100ms
[Install]
WantedBy=timers.target
END
mkdir -p /etc/systemd/system/console-getty.service.d
unit console-getty.service.d/shell.conf <<END
[Service]
ExecStart=
ExecStart=-/sbin/agetty --autologin root --noclear --keep-baud console 115200,38400,9600 vt220
END
systemctl daemon-reload
systemctl enable --quiet --now mt-echo mt-heap mt-clock mt-sandbox-a mt-sandbox-b mt-tick.timer
systemctl restart systemd-networkd console-getty
