"""What a user does in the all-in-one, through OpenStack's own API and client library, with the time each step takes."""

import contextlib
import subprocess
import sys
import threading
import time

import openstack

ADDRESS = "10.98.0.1"
begun = time.monotonic()
failures = []
cloud = openstack.connect(
    auth_url=f"http://{ADDRESS}:5000/v3", username="admin", password="pw", project_name="admin",
    user_domain_name="Default", project_domain_name="Default", region_name="RegionOne")
# The oldest that names hosts in live migration and takes a rescue image by name.
cloud.compute.default_microversion = "2.87"


@contextlib.contextmanager
def step(name):
    since = time.monotonic()
    try:
        yield
    except Exception as error:
        failures.append(name)
        print(f"{time.monotonic() - since:6.1f} s  FAILED {name}: {error}", flush=True)
        raise
    print(f"{time.monotonic() - since:6.1f} s  {name}", flush=True)


def until(holds, what, seconds=120):
    deadline = time.monotonic() + seconds
    while True:
        found = holds()
        if found:
            return found
        if time.monotonic() > deadline:
            raise RuntimeError(f"not in {seconds} s: {what}")
        time.sleep(0.5)


def server():
    return cloud.compute.get_server(vm)


def settled(status):
    def check():
        found = server()
        if found.status == "ERROR" and status != "ERROR":
            raise RuntimeError(f"the server is in ERROR: {cloud.compute.get(f'/servers/{vm}').json()['server'].get('fault')}")
        return found if found.status == status and found.task_state is None else None
    return until(check, f"{status}, now {server().status}/{server().task_state}")


def ping(seconds=100):
    until(lambda: subprocess.run(["ping", "-c1", "-W1", address], capture_output=True).returncode == 0,
          f"{address} answers", seconds)


def act(name, /, **body):
    answer = cloud.compute.post(f"/servers/{vm}/action", json={name: body or None},
                                microversion="2.87", headers={"Content-Type": "application/json"})
    if answer.status_code >= 400:
        raise RuntimeError(f"{name}: {answer.text}")


with step("image, flavors, network"):
    # A fresh neutron answers 500 to a first list of ports; a network comes before.
    network = cloud.network.create_network(
        name="net1", provider_network_type="flat", provider_physical_network="phys", port_security_enabled=False)
    cloud.network.create_subnet(network_id=network.id, cidr="10.99.0.0/24", ip_version=4, gateway_ip="10.99.0.1",
                                allocation_pools=[{"start": "10.99.0.50", "end": "10.99.0.99"}])
    image = cloud.create_image("busybox", filename="/aio/image.tar.xz", disk_format="raw", container_format="bare",
                               wait=True)
    small = cloud.compute.create_flavor(name="small", ram=128, vcpus=1, disk=1)
    large = cloud.compute.create_flavor(name="large", ram=256, vcpus=1, disk=1)
with step("both hosts have resources in placement"):
    until(lambda: len([host for host in cloud.compute.hypervisors(details=True) if host.state == "up"]) == 2, "two hosts")
with step("server create to ACTIVE, its port reported by Neutron's agent"):
    vm = cloud.compute.create_server(name="s1", image_id=image.id, flavor_id=small.id, networks=[{"uuid": network.id}]).id
    found = settled("ACTIVE")
    port = next(cloud.network.ports(device_id=vm))
    address = port.fixed_ips[0]["ip_address"]
with step(f"ping of {address} through the port, its address from Neutron's DHCP"):
    ping()
with step("console log"):
    answer = cloud.compute.post(f"/servers/{vm}/action", json={"os-getConsoleOutput": {}}, microversion="2.87")
    assert answer.status_code == 200, answer.text
with step("snapshot to Glance"):
    act("createImage", name="snap")
    snapshot = until(lambda: next((i for i in cloud.image.images(name="snap") if i.status == "active"), None), "active")
    settled("ACTIVE")
    assert snapshot.size > 100_000, snapshot.size
with step("stop, start"):
    act("os-stop")
    settled("SHUTOFF")
    act("os-start")
    settled("ACTIVE")
    ping()
with step("reboot, soft"):
    act("reboot", type="SOFT")
    settled("ACTIVE")
    ping()
with step("resize to the other host, ping, confirm"):
    host = server().compute_host
    act("resize", flavorRef=large.id)
    assert settled("VERIFY_RESIZE").compute_host != host
    ping()
    act("confirmResize")
    settled("ACTIVE")
with step("cold migration back, revert"):
    host = server().compute_host
    act("migrate")
    assert settled("VERIFY_RESIZE").compute_host != host
    act("revertResize")
    assert settled("ACTIVE").compute_host == host
    ping()
with step("rescue, unrescue"):
    act("rescue", rescue_image_ref=image.id)
    settled("RESCUE")
    act("unrescue")
    settled("ACTIVE")
    ping()
with step("volume attach, detach"):
    answer = cloud.block_storage.post("/volumes", json={"volume": {"size": 1, "name": "v1"}})
    volume = answer.json()["volume"]["id"]
    cloud.compute.post(f"/servers/{vm}/os-volume_attachments", json={"volumeAttachment": {"volumeId": volume}},
                       microversion="2.60")
    status = lambda: cloud.block_storage.get(f"/volumes/{volume}").json()["volume"]["status"]  # noqa: E731
    until(lambda: status() == "in-use", "in-use")
    cloud.compute.delete(f"/servers/{vm}/os-volume_attachments/{volume}")
    until(lambda: status() == "available", "available")
    cloud.block_storage.delete(f"/volumes/{volume}")
with step("live migration to the other host, pinged all the time"):
    host = server().compute_host
    seen = []
    ended = threading.Event()

    def watch():
        while not ended.is_set():
            since = time.monotonic()
            if subprocess.run(["ping", "-c1", "-W1", address], capture_output=True).returncode == 0:
                seen.append(since)
            time.sleep(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        act("os-migrateLive", host=None, block_migration="auto")
        time.sleep(1)
        settled("ACTIVE")
        assert server().compute_host != host, "it is where it was"
        ping()
    finally:
        ended.set()
        watcher.join()
    print(f"          longest time without an answer: {max(b - a for a, b in zip(seen, seen[1:])):.2f} s")
with step("delete"):
    cloud.compute.delete_server(vm)
    until(lambda: not any(each.id == vm for each in cloud.compute.servers()), "it is gone")
    cloud.image.delete_image(snapshot.id)
print(f"scenario passed in {time.monotonic() - begun:.0f} s")
sys.exit(0)
