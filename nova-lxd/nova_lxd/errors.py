"""What can go wrong between us and the daemon, and what Nova is told about it."""

import contextlib
from collections.abc import Iterator
from typing import Any

import nova.conf
from nova import exception


class LXDError(Exception):
    """The daemon refused or failed a request.

    ``status`` is the HTTP status, or the code of the failed operation; decide by it, never by the text.
    """

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status
        self.message = message


class NotFound(LXDError):
    """404: the object does not exist, or is hidden from us."""


class Conflict(LXDError):
    """409: the object exists already, or is busy."""


class Forbidden(LXDError):
    """401 or 403: the certificate or the project does not allow it."""


class PreconditionFailed(LXDError):
    """412: somebody else changed the object since it was read."""


class OperationFailed(LXDError):
    """An operation ended with an error or was cancelled; the request that began it had been accepted."""


class Timeout(LXDError):
    """The operation goes on in the daemon, but we no longer wait for it."""


class Unavailable(LXDError):
    """The daemon cannot be reached, or went away during the request."""


_BY_STATUS: dict[int, type[LXDError]] = {
    401: Forbidden, 403: Forbidden, 404: NotFound, 409: Conflict, 412: PreconditionFailed, 503: Unavailable,
}


def from_answer(status: int, message: str) -> LXDError:
    """The exception for an error answer of the daemon."""
    return _BY_STATUS.get(status, LXDError)(status, message)


@contextlib.contextmanager
def as_nova(instance: Any, doing: str, *, failure: type[exception.NovaException] | None = None) -> Iterator[None]:
    """Turns errors of the daemon into Nova's.

    :param instance: The Nova instance that is worked on.
    :param doing: What is tried, for the message, as in "start".
    :param failure: What a general failure becomes; it must take ``reason``. Default: InstanceDeployFailure, on which
        a build is tried on another host.
    """
    try:
        yield
    except Unavailable as error:
        raise exception.HypervisorUnavailable(host=getattr(instance, "host", None) or nova.conf.CONF.host) from error
    except LXDError as error:
        if failure is None and isinstance(error, NotFound) and instance is not None:
            raise exception.InstanceNotFound(instance_id=instance.uuid) from error
        raise (failure or exception.InstanceDeployFailure)(
            reason=f"Failed to {doing}: {error.message}", instance_id=getattr(instance, "uuid", None)) from error
