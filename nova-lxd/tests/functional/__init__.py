"""Nova's own services in one process, with our driver and a real LXD daemon."""
