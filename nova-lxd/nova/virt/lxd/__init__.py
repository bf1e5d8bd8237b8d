"""Where Nova looks for ``compute_driver = lxd.LXDDriver``."""

from nova_lxd.driver import LXDDriver

__all__ = ["LXDDriver"]
