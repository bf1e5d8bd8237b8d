import json
import threading
import unittest

from nova.virt import event as virtevent

from nova_lxd import events, instance as instances
from nova_lxd.client import Client
from nova_lxd.endpoint import Endpoint
from nova_lxd.events import STOP_DELAY, Tracker
from tests.unit import fakes
from tests.unit.fake_daemon import HANDLED, FakeDaemon, sync

STARTED, STOPPED = virtevent.EVENT_LIFECYCLE_STARTED, virtevent.EVENT_LIFECYCLE_STOPPED
PAUSED, RESUMED = virtevent.EVENT_LIFECYCLE_PAUSED, virtevent.EVENT_LIFECYCLE_RESUMED


def found(status, name="c", uuid="u"):
    return instances.Found(name, name, uuid, status, {})


class TrackerTest(unittest.TestCase):
    def setUp(self):
        self.tracker = Tracker()
        self.assertEqual([], self.tracker.learn([found(instances.RUNNING)], 0))

    def test_a_stop_is_told_after_a_while(self):
        self.assertEqual([], self.tracker.change("c", instances.STOPPED, 10))
        self.assertEqual([], self.tracker.due(10 + STOP_DELAY - 0.1))
        self.assertEqual([("u", STOPPED)], self.tracker.due(10 + STOP_DELAY))
        self.assertEqual([], self.tracker.due(100), "once only")

    def test_a_reboot_from_inside_is_no_stop(self):
        self.tracker.change("c", instances.STOPPED, 10)
        self.assertEqual([], self.tracker.change("c", instances.RUNNING, 11))
        self.assertEqual([], self.tracker.due(100))

    def test_a_start_after_a_stop_that_was_told_is_told(self):
        self.tracker.change("c", instances.STOPPED, 10)
        self.tracker.due(20)
        self.assertEqual([("u", STARTED)], self.tracker.change("c", instances.RUNNING, 30))

    def test_pause_and_resume(self):
        self.assertEqual([("u", PAUSED)], self.tracker.change("c", instances.FROZEN, 1))
        self.assertEqual([("u", RESUMED)], self.tracker.change("c", instances.RUNNING, 2))

    def test_what_happened_while_nobody_listened_is_found(self):
        self.assertEqual([], self.tracker.learn([found(instances.STOPPED), found(instances.RUNNING, "new", "v")], 50))
        self.assertEqual([("u", STOPPED)], self.tracker.due(60))

    def test_a_deleted_server_is_not_told_to_have_stopped(self):
        self.tracker.change("c", instances.STOPPED, 10)
        self.tracker.forget("c")
        self.assertEqual([], self.tracker.due(100))

    def test_waiting_lasts_until_something_is_due(self):
        self.assertEqual(events.PING_INTERVAL, self.tracker.wait(10))
        self.tracker.change("c", instances.STOPPED, 10)
        self.assertEqual(STOP_DELAY, self.tracker.wait(10))
        self.assertGreater(self.tracker.wait(99), 0)


class ListenerTest(unittest.TestCase):
    """The thread, against a server that drops it."""

    def setUp(self):
        self.daemon = FakeDaemon()
        self.addCleanup(self.daemon.stop)
        self.status = instances.RUNNING
        self.connections = 0
        self.heard = []
        self.told = threading.Event()
        self.hold = threading.Event()
        self.addCleanup(self.hold.set)
        self.daemon.routes["GET", "/1.0/instances"] = lambda request, body: sync([self.record("c", "u")])
        self.daemon.routes["GET", "/1.0/events"] = self.stream
        host = fakes.Host(retry_interval=0.01)
        host.client = Client(Endpoint(self.daemon.socket_path), "nova")
        self.listener = events.Listener(host, self.emit, lambda: None)
        self.addCleanup(self.listener.stop)

    def record(self, name, uuid):
        return {"name": name, "status_code": self.status,
                "config": {instances.UUID_KEY: uuid, instances.NAME_KEY: name}}

    def emit(self, event):
        self.heard.append((event.get_instance_uuid(), event.get_transition()))
        self.told.set()

    def stream(self, request, body):
        self.connections += 1
        request.upgrade()
        if self.connections == 1:
            request.send_frame(1, json.dumps({"type": "lifecycle", "metadata": {
                "action": "instance-paused", "source": "/1.0/instances/c?project=nova"}}).encode())
            request.send_frame(1, json.dumps({"type": "lifecycle", "metadata": {
                "action": "instance-started", "source": "/1.0/instances/stranger?project=nova"}}).encode())
            return HANDLED  # And hangs up.
        self.hold.wait(10)
        return HANDLED

    def test_events_are_told_strangers_are_not_and_a_lost_connection_is_made_again(self):
        self.listener.start()
        self.assertTrue(self.told.wait(10))
        self.assertEqual([("u", PAUSED)], self.heard[:1])
        for _ in range(1000):
            if len(self.heard) > 1:
                break
            threading.Event().wait(0.01)
        self.assertEqual(("u", RESUMED), self.heard[1], "the list after the new connection shows it running")
        self.assertEqual(2, len(self.heard))

    def test_the_thread_ends_when_it_is_told_to(self):
        self.connections = 1
        self.listener.start()
        while self.connections < 2:
            threading.Event().wait(0.01)
        self.listener.stop()
        self.assertFalse(self.listener._thread.is_alive())
