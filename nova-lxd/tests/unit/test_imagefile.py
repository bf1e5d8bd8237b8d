import bz2
import gzip
import hashlib
import io
import lzma
import shutil
import subprocess
import tarfile
import tempfile
import unittest

from nova import exception

from nova_lxd.imagefile import ImageFile, metadata_tar


def tar(*names):
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            archive.addfile(entry)
    return output.getvalue()


UNIFIED = tar("rootfs/", "rootfs/bin/", "metadata.yaml")
ROOT = tar("./", "./bin/", "./etc/", "./metadata.yaml.d/")


class ImageFileTest(unittest.TestCase):
    def examine(self, data):
        return ImageFile.examine(io.BytesIO(data), "glance-id", "x86_64")

    def sent(self, data):
        image = self.examine(data)
        body, headers = image.body()
        pieces = []
        while piece := body.read(1000):
            pieces.append(piece)
        content = b"".join(pieces)
        self.assertEqual(int(headers["Content-Length"]), len(content))
        return image, content, headers

    def test_an_image_of_lxd_goes_in_as_it_is_wherever_its_metadata_is(self):
        for data in (UNIFIED, gzip.compress(UNIFIED), lzma.compress(UNIFIED), bz2.compress(UNIFIED),
                     tar("metadata.yaml", "rootfs/"), tar("./metadata.yaml", "./rootfs/")):
            image, content, headers = self.sent(data)
            self.assertIsNone(image.metadata)
            self.assertEqual(hashlib.sha256(data).hexdigest(), image.fingerprint)
            self.assertEqual((data, "application/octet-stream"), (content, headers["Content-Type"]))

    @unittest.skipUnless(shutil.which("zstd"), "zstd is not installed")
    def test_zstd_is_read_by_its_program(self):
        for data, unified in ((UNIFIED, True), (ROOT, False)):
            packed = subprocess.run(["zstd", "-qc"], input=data, capture_output=True, check=True).stdout
            self.assertEqual(unified, self.examine_file(packed).metadata is None)

    def examine_file(self, data):
        with tempfile.TemporaryFile() as file:
            file.write(data)
            return ImageFile.examine(file, "glance-id", "x86_64")

    def test_a_root_file_system_gets_metadata_beside_it(self):
        for data in (ROOT, gzip.compress(ROOT), b"hsqs" + b"\0" * 100, tar("rootfs/bin/", "etc/")):
            image, content, headers = self.sent(data)
            metadata = metadata_tar("x86_64")
            self.assertEqual(hashlib.sha256(metadata + data).hexdigest(), image.fingerprint)
            boundary = headers["Content-Type"].split("boundary=")[1].encode()
            _, first, second, end = content.split(b"--" + boundary)
            self.assertIn(b'name="metadata"', first)
            self.assertTrue(first.endswith(metadata + b"\r\n"))
            self.assertIn(b'name="rootfs"', second)
            self.assertTrue(second.endswith(b"\r\n\r\n" + data + b"\r\n"))
            self.assertEqual(b"--\r\n", end)

    def test_the_metadata_is_the_same_each_time_so_that_equal_images_are_one(self):
        self.assertEqual(metadata_tar("x86_64"), metadata_tar("x86_64"))
        with tarfile.open(fileobj=io.BytesIO(metadata_tar("aarch64"))) as archive:
            self.assertIn(b"architecture: aarch64\n", archive.extractfile("metadata.yaml").read())

    def test_what_is_no_image_is_refused_so_that_no_other_host_is_tried(self):
        for data in (b"", b"QFI\xfb" + b"\0" * 1000, b"\x1f\x8b broken gzip"):
            with self.assertRaises(exception.ImageUnacceptable):
                self.examine(data)
