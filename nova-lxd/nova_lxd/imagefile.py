"""What kind of image a file from Glance is, and the metadata LXD wants beside one that is a bare root file system."""

import contextlib
import dataclasses
import hashlib
import io
import os
import subprocess
import tarfile
from collections.abc import Iterator
from typing import BinaryIO

from nova import exception

_BLOCK_SIZE = 1 << 20
#: Entries looked at before a tar without metadata.yaml is taken for a root file system.
_ENTRIES_MAX = 1_000_000
_SQUASHFS_MAGIC = b"hsqs"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
#: What lies at the top of a unified image. Anything else beside or instead of it means a root file system.
_UNIFIED_NAMES = frozenset({"metadata.yaml", "rootfs", "templates"})


@dataclasses.dataclass(frozen=True)
class ImageFile:
    """A file that LXD can take."""

    file: BinaryIO
    #: The metadata tarball to send beside it, or None where the file holds its own.
    metadata: bytes | None
    #: LXD's name of the image: SHA-256 of all that is sent.
    fingerprint: str

    @classmethod
    def examine(cls, file: BinaryIO, image_id: str, architecture: str) -> "ImageFile":
        """Looks at an open file.

        :param architecture: LXD's name of the architecture a bare root file system is for.
        :raises exception.ImageUnacceptable: It is neither a tar nor a squashfs.
        """
        file.seek(0)
        magic = file.read(4)
        metadata: bytes | None = None
        if magic == _SQUASHFS_MAGIC or not _is_unified(file, magic, image_id):
            metadata = metadata_tar(architecture)
        digest = hashlib.sha256(metadata or b"")
        file.seek(0)
        while block := file.read(_BLOCK_SIZE):
            digest.update(block)
        return cls(file, metadata, digest.hexdigest())

    def body(self) -> tuple["Body", dict[str, str]]:
        """What is posted to LXD, and its headers. To be used once."""
        size = self.file.seek(0, os.SEEK_END)
        self.file.seek(0)
        if self.metadata is None:
            return Body([self.file]), {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        boundary = self.fingerprint
        head = (_part(boundary, "metadata", "metadata.tar") + self.metadata + b"\r\n"
                + _part(boundary, "rootfs", "rootfs"))
        tail = f"\r\n--{boundary}--\r\n".encode("ascii")
        return Body([io.BytesIO(head), self.file, io.BytesIO(tail)]), {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(head) + size + len(tail))}


class Body:
    """Files one after another, as one to read."""

    def __init__(self, files: list[BinaryIO]):
        self._files = files

    def read(self, size: int = -1) -> bytes:
        while self._files:
            data = self._files[0].read(_BLOCK_SIZE if size < 0 else size)
            if data:
                return data
            self._files.pop(0)
        return b""


def _part(boundary: str, name: str, filename: str) -> bytes:
    return (f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n").encode("ascii")


def metadata_tar(architecture: str) -> bytes:
    """A metadata tarball that depends on nothing but its argument, so that equal root file systems stay one image."""
    content = (f"architecture: {architecture}\ncreation_date: 1\nproperties:\n"
               f"  architecture: {architecture}\n  description: Root file system from Glance\n").encode("ascii")
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        entry = tarfile.TarInfo("metadata.yaml")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return output.getvalue()


def _is_unified(file: BinaryIO, magic: bytes, image_id: str) -> bool:
    """Whether a tar has metadata.yaml at its top.

    Entries are read until that is certain: the first of a bare root file system tells already.
    """
    try:
        with _opened(file, magic) as archive:
            for count, entry in enumerate(archive):
                top = entry.name.removeprefix("./").split("/", 1)[0]
                if top == "metadata.yaml":
                    return True
                if top not in _UNIFIED_NAMES and top not in ("", ".") or count > _ENTRIES_MAX:
                    return False
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise exception.ImageUnacceptable(
            image_id=image_id, reason=f"it is neither a tar archive nor a squashfs: {error}") from error
    return False


@contextlib.contextmanager
def _opened(file: BinaryIO, magic: bytes) -> Iterator[tarfile.TarFile]:
    file.seek(0)
    if magic != _ZSTD_MAGIC:
        with tarfile.open(fileobj=file, mode="r:*") as archive:
            yield archive
        return
    # Python's tarfile knows no zstd before 3.14. The program gets the file with a position of its own.
    try:
        with open(f"/proc/self/fd/{file.fileno()}", "rb") as packed:
            unpacker = subprocess.Popen(
                ["zstd", "-dcq"], stdin=packed, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise ValueError("the program zstd is missing on this host") from error
    try:
        with tarfile.open(fileobj=unpacker.stdout, mode="r|") as archive:
            yield archive
    finally:
        unpacker.kill()
        unpacker.communicate()
