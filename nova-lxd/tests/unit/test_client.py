import datetime
import io
import ipaddress
import os
import ssl
import tempfile
import threading
import unittest

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from nova_lxd import client as clients, errors
from nova_lxd.client import Client, path
from nova_lxd.endpoint import Endpoint
from nova_lxd.websocket import Closed, Opcode, WebSocket
from tests.unit.fake_daemon import HANDLED, FakeDaemon, begun, error, operation, sync


class ClientCase(unittest.TestCase):
    def setUp(self):
        self.daemon = FakeDaemon()
        self.addCleanup(self.daemon.stop)
        self.client = Client(Endpoint(self.daemon.socket_path), "nova")


class RequestTest(ClientCase):
    def test_an_answer_is_unwrapped_and_the_project_is_named(self):
        self.daemon.routes["GET", "/1.0/instances/a"] = sync({"name": "a"})
        self.assertEqual({"name": "a"}, self.client.get(path("instances", "a"), recursion=1))
        self.assertEqual("/1.0/instances/a?project=nova&recursion=1", self.daemon.requests[0][1])

    def test_a_query_of_none_leaves_the_parameter_out(self):
        self.daemon.routes["GET", "/1.0"] = sync({})
        self.client.get("/1.0", project=None)
        self.assertEqual("/1.0?", self.daemon.requests[0][1])

    def test_names_are_quoted(self):
        self.assertEqual("/1.0/projects/a%2Fb%3Fc", path("projects", "a/b?c"))

    def test_errors_are_told_apart_by_status(self):
        for status, kind in ((404, errors.NotFound), (409, errors.Conflict), (403, errors.Forbidden),
                             (412, errors.PreconditionFailed), (503, errors.Unavailable), (500, errors.LXDError)):
            self.daemon.routes["GET", "/1.0"] = error(status, "no")
            with self.assertRaises(errors.LXDError) as caught:
                self.client.get("/1.0")
            self.assertIs(kind, type(caught.exception))
            self.assertEqual((status, "no"), (caught.exception.status, caught.exception.message))

    def test_an_answer_that_is_no_json_is_an_error_and_not_a_crash(self):
        for data in (b"<html>", b"[]", b"\xff"):
            self.daemon.routes["GET", "/1.0"] = lambda request, _, data=data: request.reply(200, data) or HANDLED
            with self.assertRaises(errors.LXDError):
                self.client.get("/1.0")

    def test_a_daemon_that_is_down_is_unavailable(self):
        with self.assertRaisesRegex(errors.Unavailable, "Cannot reach LXD at /nowhere"):
            Client(Endpoint("/nowhere")).get("/1.0")

    def test_a_daemon_that_hangs_up_is_unavailable(self):
        self.daemon.routes["GET", "/1.0"] = lambda request, body: request.hang_up() or HANDLED
        with self.assertRaises(errors.Unavailable):
            self.client.get("/1.0")

    def test_threads_share_a_client(self):
        self.daemon.routes["GET", "/1.0/a"] = sync("a")
        self.daemon.routes["GET", "/1.0/b"] = sync("b")
        wrong = []

        def ask(name):
            for _ in range(50):
                if self.client.get(f"/1.0/{name}") != name:
                    wrong.append(name)

        threads = [threading.Thread(target=ask, args=(name,)) for name in "abab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([], wrong)


class OperationTest(ClientCase):
    def setUp(self):
        super().setUp()
        self.daemon.routes["POST", "/1.0/instances"] = begun("7")

    def test_the_end_of_an_operation_is_waited_for(self):
        states = [operation(103), operation(200, {"fingerprint": "f"})]
        self.daemon.routes["GET", "/1.0/operations/7/wait"] = lambda request, body: states.pop(0)
        self.assertEqual({"fingerprint": "f"}, self.client.post("/1.0/instances", {"name": "a"}))

    def test_a_failed_operation_carries_its_own_words(self):
        self.daemon.routes["GET", "/1.0/operations/7/wait"] = operation(400, err="no space left")
        with self.assertRaisesRegex(errors.OperationFailed, "no space left"):
            self.client.post("/1.0/instances", {})

    def test_a_daemon_that_restarts_meanwhile_is_asked_again(self):
        answers = [lambda request: request.hang_up() or HANDLED, lambda request: operation(200)]
        self.daemon.routes["GET", "/1.0/operations/7/wait"] = lambda request, body: answers.pop(0)(request)
        self.assertEqual({}, self.client.post("/1.0/instances", {}))

    def test_an_operation_the_daemon_forgot_has_failed(self):
        with self.assertRaisesRegex(errors.OperationFailed, "was restarted"):
            self.client.post("/1.0/instances", {})

    def test_waiting_ends_after_the_timeout(self):
        self.daemon.routes["GET", "/1.0/operations/7/wait"] = operation(103)
        with self.assertRaises(errors.Timeout):
            self.client.start("POST", "/1.0/instances", {}).wait(0.1)

    def test_an_answer_without_operation_is_refused_where_one_is_needed(self):
        self.daemon.routes["POST", "/1.0/instances"] = sync({})
        with self.assertRaisesRegex(errors.LXDError, "began no operation"):
            self.client.start("POST", "/1.0/instances", {})


class BodyTest(ClientCase):
    def test_an_image_is_sent_as_it_is(self):
        self.daemon.routes["POST", "/1.0/images"] = begun("7")
        self.daemon.routes["GET", "/1.0/operations/7/wait"] = operation(200, {"fingerprint": "abc"})
        data = os.urandom(3 << 20)
        headers = {"X-LXD-properties": "description=x"}
        self.assertEqual("abc", self.client.upload_image(io.BytesIO(data), len(data), headers))
        _, _, sent, body = self.daemon.requests[0]
        self.assertEqual((data, str(len(data))), (body, sent["Content-Length"]))
        self.assertEqual("description=x", sent["X-LXD-properties"])

    def test_a_file_is_pushed_with_owner_and_mode(self):
        self.daemon.routes["POST", "/1.0/instances/a/files"] = sync(None)
        self.client.push_file("a", "/etc/x y", b"\x00content", mode=0o600)
        _, target, sent, body = self.daemon.requests[0]
        self.assertIn("path=%2Fetc%2Fx+y", target)
        self.assertEqual(b"\x00content", body)
        self.assertEqual(("0", "0600", "file"), (sent["X-LXD-uid"], sent["X-LXD-mode"], sent["X-LXD-type"]))

    def test_an_export_is_read_piece_by_piece(self):
        data = os.urandom(200_000)
        self.daemon.routes["GET", "/1.0/images/f/export"] = lambda request, body: request.reply(200, data) or HANDLED
        with self.client.stream("/1.0/images/f/export") as response:
            self.assertEqual(data[:10], response.read(10))
            self.assertEqual(data[10:], response.read())

    def test_an_export_that_is_refused_raises(self):
        with self.assertRaises(errors.NotFound), self.client.stream("/1.0/images/f/export"):
            pass


class WebSocketTest(ClientCase):
    def serve(self, talk):
        def route(request, body):
            request.upgrade()
            talk(request)
            return HANDLED

        self.daemon.routes["GET", "/1.0/events"] = route
        websocket = self.client.events("lifecycle")
        self.addCleanup(websocket.close)
        return websocket

    def test_messages_of_every_length_come_whole(self):
        payloads = [b"", b"a" * 125, b"b" * 126, b"c" * 65535, b"d" * 65536]
        websocket = self.serve(lambda request: [request.send_frame(2, payload) for payload in payloads])
        self.assertEqual(payloads, [websocket.receive(5)[1] for _ in payloads])

    def test_messages_of_every_length_arrive(self):
        arrived = []
        done = threading.Event()

        def talk(request):
            while len(arrived) < 4:
                arrived.append(request.read_frame())
            done.set()

        websocket = self.serve(talk)
        sent = [b"", b"x" * 125, b"y" * 126, b"z" * 70000]
        for payload in sent:
            websocket.send(payload)
        self.assertTrue(done.wait(5))
        self.assertEqual([(2, payload) for payload in sent], arrived)

    def test_a_message_in_pieces_is_put_together_and_pings_are_answered(self):
        answers = []

        def talk(request):
            request.send_frame(1, b"one ", final=False)
            request.send_frame(9, b"still there?")
            answers.append(request.read_frame())
            request.send_frame(0, b"two")

        self.assertEqual((Opcode.TEXT, b"one two"), self.serve(talk).receive(5))
        self.assertEqual([(10, b"still there?")], answers)

    def test_silence_is_not_an_end(self):
        over = threading.Event()
        websocket = self.serve(lambda request: over.wait(5))
        self.assertIsNone(websocket.receive(0.05))
        over.set()

    def test_a_close_ends_the_stream(self):
        websocket = self.serve(lambda request: request.send_frame(8, b"\x03\xe8bye"))
        with self.assertRaisesRegex(Closed, "bye"):
            websocket.receive(5)

    def test_another_thread_wakes_a_reader(self):
        over = threading.Event()
        websocket = self.serve(lambda request: over.wait(5))
        threading.Timer(0.1, websocket.close).start()
        with self.assertRaises(Closed):
            websocket.receive(5)
        over.set()

    def test_frames_no_server_may_send_end_the_stream(self):
        for frame in (b"\x82\xff" + b"\xff" * 8, b"\x82\x81abcdx", b"\xc2\x00", b"\x83\x00",
                      b"\x82\x7f" + b"\x7f" * 8):
            websocket = self.serve(lambda request, frame=frame: request.wfile.write(frame))
            with self.assertRaises(Closed, msg=frame):
                websocket.receive(5)

    def test_a_refused_upgrade_is_an_error_with_the_status(self):
        with self.assertRaises(errors.NotFound):
            WebSocket.connect(self.client.endpoint, "/1.0/nothing")


class ExecTest(ClientCase):
    def test_standard_input_goes_by_the_stream_and_output_comes_back(self):
        typed = []
        ended = threading.Event()

        def stream(request, body):
            request.upgrade()
            secret = request.path.split("secret=")[1]
            if secret == "in":
                while (frame := request.read_frame()) != (1, b""):
                    typed.append(frame[1])
                ended.set()
            elif secret in ("out", "err"):
                request.send_frame(2, secret.encode())
                request.send_frame(1, b"")
            return HANDLED

        self.daemon.routes["POST", "/1.0/instances/a/exec"] = begun(
            "9", {"fds": {"0": "in", "1": "out", "2": "err", "control": "control"}})
        self.daemon.routes["GET", "/1.0/operations/9/websocket"] = stream
        self.daemon.routes["GET", "/1.0/operations/9/wait"] = (
            lambda request, body: operation(200 if ended.wait(5) else 400, {"return": 3}))
        result = self.client.exec("a", ["chpasswd"], stdin=b"root:secret\n")
        self.assertEqual(clients.ExecResult(3, b"out", b"err"), result)
        self.assertEqual([b"root:secret\n"], typed)
        for _, target, _, body in self.daemon.requests:
            self.assertNotIn(b"root:secret", body + target.encode(), "a password belongs on the stream only")


class TLSTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.files = {}
        for name in ("server", "client", "other"):
            self.files[name] = self.make(folder.name, name)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.files["server"])
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(self.files["client"][0])
        self.daemon = FakeDaemon(context)
        self.addCleanup(self.daemon.stop)
        self.daemon.routes["GET", "/1.0"] = sync("trusted")

    def make(self, folder, name):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.timezone.utc)
        certificate = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
            .serial_number(1).not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("10.0.0.1"))]), False)
            .sign(key, hashes.SHA256()))
        paths = os.path.join(folder, f"{name}.crt"), os.path.join(folder, f"{name}.key")
        with open(paths[0], "wb") as file:
            file.write(certificate.public_bytes(serialization.Encoding.PEM))
        with open(paths[1], "wb") as file:
            file.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                         serialization.NoEncryption()))
        return paths

    def endpoint(self, pinned="server"):
        return Endpoint(url=f"https://127.0.0.1:{self.daemon.port}", client_cert=self.files["client"][0],
                        client_key=self.files["client"][1], server_cert=self.files[pinned][0])

    def test_both_sides_show_their_certificates(self):
        self.assertEqual("trusted", Client(self.endpoint()).get("/1.0"))

    def test_another_certificate_than_the_pinned_one_is_refused_before_anything_is_sent(self):
        with self.assertRaisesRegex(errors.Unavailable, "is not the one in"):
            Client(self.endpoint(pinned="other")).get("/1.0")
        self.assertEqual([], self.daemon.requests)

    def test_a_url_without_certificates_is_refused(self):
        with self.assertRaisesRegex(ValueError, "client_cert, client_key, server_cert"):
            Endpoint(url="https://host:8443")
        with self.assertRaisesRegex(ValueError, "https://"):
            Endpoint(url="http://host:8443")


if __name__ == "__main__":
    unittest.main()
