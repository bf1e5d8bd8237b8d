import unittest
from unittest import mock

from nova_lxd import errors, live, peer
from tests.unit import fakes


class AbortTest(unittest.TestCase):

    def setUp(self):
        self.running = live.Running()
        self.instance = fakes.instance()

    def operation(self, *answers):
        found = mock.Mock(path="/1.0/operations/x")
        found.client.delete.side_effect = answers
        return found

    def test_an_abort_before_the_daemons_have_begun_is_not_lost(self):
        self.running.keep(self.instance, peer.Credentials("c", "k"))
        live.abort(fakes.Host(), self.running, self.instance)
        self.assertTrue(self.running.is_aborted(self.instance))
        late = self.operation(errors.LXDError(400, "not yet"), None)
        with mock.patch("time.sleep"):
            live._cancel_early(late)
        self.assertEqual(2, late.client.delete.call_count)
        self.assertTrue(self.running.end(self.instance))

    def test_an_abort_of_nothing_does_not_end_the_next_migration(self):
        live.abort(fakes.Host(), self.running, self.instance)
        self.running.keep(self.instance, peer.Credentials("c", "k"))
        self.assertFalse(self.running.is_aborted(self.instance))

    def test_the_other_daemon_is_asked_where_one_refuses(self):
        self.running.keep(self.instance, peer.Credentials("c", "k"))
        refusing, willing = self.operation(errors.LXDError(400, "no")), self.operation(None)
        self.running.begin(self.instance, refusing, willing)
        live.abort(fakes.Host(), self.running, self.instance)
        willing.client.delete.assert_called_once()
