"""Containers and images in a daemon whose answers are written here."""

import io
import json
import tarfile
import tempfile
import types
import unittest
from unittest import mock

import nova.conf
from nova import exception

from nova_lxd import image, instance as instances
from nova_lxd.client import Client
from nova_lxd.endpoint import Endpoint
from nova_lxd.imagefile import ImageFile
from tests.unit import fake_daemon, fakes
from tests.unit.fake_daemon import FakeDaemon


class DaemonCase(unittest.TestCase):

    def setUp(self):
        self.daemon = FakeDaemon()
        self.addCleanup(self.daemon.stop)
        self.host = fakes.Host(allow_live_migration=True)
        self.host.client = Client(Endpoint(self.daemon.socket_path), "nova")
        self.host.server = lambda: {"environment": {"architectures": ["x86_64"]}}

    def posted(self, path):
        return [json.loads(body) for method, target, _, body in self.daemon.requests
                if method == "POST" and target.split("?")[0] == path]


class CreateTest(DaemonCase):

    def answer(self, message):
        """Refuses what is created with the key, or all of it if the message is about something else."""
        def refuse(handler, body):
            asked = json.loads(body)["config"].get(instances.CHECKPOINT_KEY)
            return fake_daemon.begun("bad" if asked or instances.CHECKPOINT_KEY not in message else "good")

        self.daemon.routes[("POST", "/1.0/instances")] = refuse
        self.daemon.routes[("GET", "/1.0/operations/bad/wait")] = fake_daemon.operation(400, err=message)
        self.daemon.routes[("GET", "/1.0/operations/good/wait")] = fake_daemon.operation(200, {})

    def create(self):
        instances.create(self.host, fakes.instance(), {"type": "image"}, {
            instances.CHECKPOINT_KEY: "true", "limits.cpu": "1"}, {})

    def test_a_daemon_that_does_not_know_checkpoints_is_asked_without(self):
        self.answer("Unknown configuration key: migration.stateful")
        self.create()
        self.assertEqual([True, False], [instances.CHECKPOINT_KEY in body["config"] for body in self.posted("/1.0/instances")])
        self.assertFalse(self.host.can_checkpoint)

    def test_another_failure_is_no_sign_of_that(self):
        self.answer("No space left on device")
        with self.assertRaisesRegex(exception.InstanceDeployFailure, "No space left"):
            self.create()
        self.assertEqual(1, len(self.posted("/1.0/instances")))
        self.assertTrue(self.host.can_checkpoint)


class CacheTest(DaemonCase):

    def test_an_image_is_fetched_with_the_certificates_the_user_trusts(self):
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w") as archive:
            archive.addfile(tarfile.TarInfo("metadata.yaml"))
        with tempfile.TemporaryDirectory() as folder, mock.patch("nova.image.glance.API") as glance:
            nova.conf.CONF.set_override("instances_path", folder)
            self.addCleanup(nova.conf.CONF.clear_override, "instances_path")
            glance.return_value.download.side_effect = lambda context, id, data, trusted_certs: data.write(content.getvalue())
            fingerprint = ImageFile.examine(io.BytesIO(content.getvalue()), "i", "x86_64").fingerprint
            self.daemon.routes[("GET", f"/1.0/images/{fingerprint}")] = fake_daemon.sync({})
            self.daemon.routes[("POST", "/1.0/images/aliases")] = fake_daemon.sync({})
            certs = types.SimpleNamespace(ids=["mine"])
            found = image.Cache(self.host).ensure(None, fakes.instance(trusted_certs=certs), None)
            self.assertEqual(fingerprint, found)
            self.assertIs(certs, glance.return_value.download.call_args.kwargs["trusted_certs"])
        self.assertEqual([{"name": "i", "target": fingerprint, "description": "Glance image"}],
                         self.posted("/1.0/images/aliases"), "what LXD has already is not uploaded")
