"""The only place that knows differences between Nova 26 and 34."""

import contextlib
import importlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from nova import exception


def _event_timeout() -> type[BaseException]:
    timeout = getattr(exception, "InstanceEventTimeout", None)
    if timeout is not None:
        return timeout
    # Before Nova 32 the wait raises eventlet's own, which is a BaseException; Nova itself has imported eventlet then.
    return importlib.import_module("eventlet.timeout").Timeout


#: Raised when events of Neutron do not arrive in time.
EventTimeout = _event_timeout()


@contextlib.contextmanager
def wait_for_instance_event(virtapi: Any, instance: Any, events: Sequence[tuple[str, str | None]], timeout: int,
                            error_callback: Callable[..., Any] | None = None) -> Iterator[None]:
    """Runs its body, then waits for the events that the body causes.

    :param timeout: Seconds for the wait. Its name is ``deadline`` before Nova 33, hence by position.
    :raises exception.NovaException: An event says that plugging failed (unless the callback decides otherwise).
    :raises EventTimeout: Not all came. It does not derive from Exception before Nova 32: catch it by this name.
    """
    with virtapi.wait_for_instance_event(instance, list(events), timeout, error_callback):
        yield


def resume_block_device_info(arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """``block_device_info`` of resume_state_on_host_boot: since Nova 31 share_info, a list, stands before it."""
    for value in (keywords.get("block_device_info"), *reversed(arguments)):
        if isinstance(value, dict):
            return value
    return None
