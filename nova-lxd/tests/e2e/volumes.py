"""A volume service for tests: the part of Cinder's API that Nova uses, with files on loop devices behind it.

Usage: volumes.py ADDRESS PORT FOLDER. os-brick's ``local`` connector takes the device as it is, so both hosts of the
all-in-one, which share a kernel, can attach it. It believes every token: it listens inside the test's network only.
"""

import json
import os
import re
import subprocess
import sys
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FOLDER = sys.argv[3]
volumes: dict[str, dict] = {}
attachments: dict[str, dict] = {}
VERSIONS = {"versions": [{"id": "v3.0", "status": "CURRENT", "version": "3.59", "min_version": "3.0",
                          "links": [{"rel": "self", "href": f"http://{sys.argv[1]}:{sys.argv[2]}/v3/"}]}]}


def shown(volume):
    own = [found for found in attachments.values() if found["volume_id"] == volume["id"] and found.get("connector")]
    return {**{key: value for key, value in volume.items() if key != "device"}, "attachments": [{
        "id": volume["id"], "attachment_id": found["id"], "volume_id": volume["id"], "server_id": found["instance"],
        "device": "/dev/vdb", "host_name": None, "attached_at": None} for found in own]}


def connection(attachment):
    volume = volumes[attachment["volume_id"]]
    return {"driver_volume_type": "local", "device_path": volume["device"], "access_mode": "rw", "volume_id": volume["id"],
            "attachment_id": attachment["id"], "encrypted": False, "qos_specs": None, "discard": False}


def show_attachment(attachment):
    return {"attachment": {
        "id": attachment["id"], "volume_id": attachment["volume_id"], "instance": attachment["instance"],
        "status": attachment["status"], "attach_mode": "rw", "attached_at": "", "detached_at": "",
        "connection_info": connection(attachment) if attachment.get("connector") else {}}}


def create_volume(body):
    found = {"id": str(uuid.uuid4()), "size": body["volume"]["size"], "name": body["volume"].get("name"),
             "status": "available", "bootable": "false", "multiattach": False, "volume_type": "loop", "encrypted": False,
             "availability_zone": "nova", "metadata": {}, "created_at": "2020-01-01T00:00:00.000000", "shared_targets": False,
             "service_uuid": None, "description": None, "snapshot_id": None, "source_volid": None}
    os.makedirs(FOLDER, exist_ok=True)
    file = os.path.join(FOLDER, found["id"])
    with open(file, "wb") as data:
        data.truncate(found["size"] << 30)
    found["device"] = subprocess.run(["losetup", "--find", "--show", file], check=True, capture_output=True,
                                     text=True).stdout.strip()
    volumes[found["id"]] = found
    return 202, {"volume": shown(found)}


def create_attachment(body):
    wanted = body["attachment"]
    found = {"id": str(uuid.uuid4()), "volume_id": wanted["volume_uuid"], "instance": wanted.get("instance_uuid"),
             "connector": wanted.get("connector"), "status": "attached" if wanted.get("connector") else "reserved"}
    attachments[found["id"]] = found
    volumes[found["volume_id"]]["status"] = "in-use" if found["connector"] else "reserved"
    return 200, show_attachment(found)


def handle(method, path, body):
    path = re.sub(r"^/v3(/[0-9a-f]{32})?(?=/|$)", "", path.split("?")[0]).rstrip("/")
    parts = path.strip("/").split("/") if path.strip("/") else []
    if not parts:
        return 300 if method == "GET" else 200, VERSIONS
    kind, rest = parts[0], parts[1:]
    if kind == "volumes":
        if not rest:
            return create_volume(body) if method == "POST" else (200, {"volumes": [shown(each) for each in volumes.values()]})
        if rest[0] == "detail":
            return 200, {"volumes": [shown(each) for each in volumes.values()]}
        volume = volumes[rest[0]]
        if method == "DELETE":
            subprocess.run(["losetup", "--detach", volume["device"]], check=True)
            os.remove(os.path.join(FOLDER, volume["id"]))
            del volumes[volume["id"]]
            return 202, None
        return (202, None) if rest[1:] == ["action"] else (200, {"volume": shown(volume)})
    if kind == "attachments":
        if not rest:
            return create_attachment(body)
        attachment = attachments[rest[0]]
        if method == "PUT":
            attachment |= {"connector": body["attachment"]["connector"], "status": "attached"}
            volumes[attachment["volume_id"]]["status"] = "in-use"
        elif method == "DELETE":
            del attachments[rest[0]]
            others = any(each["volume_id"] == attachment["volume_id"] for each in attachments.values())
            volumes[attachment["volume_id"]]["status"] = "in-use" if others else "available"
            return 200, {"attachments": []}
        elif method == "POST":
            return 204, None
        return 200, show_attachment(attachment)
    if kind in ("types", "snapshots"):
        return 200, {"volume_types" if kind == "types" else "snapshots": []}
    return 404, {"itemNotFound": {"code": 404, "message": path}}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _serve(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"null") if length else None
        try:
            status, answer = handle(self.command, self.path, body)
        except KeyError as error:
            status, answer = 404, {"itemNotFound": {"code": 404, "message": str(error)}}
        data = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("OpenStack-API-Version", "volume 3.59")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = _serve


ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
