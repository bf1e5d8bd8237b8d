"""LXD hosts as OpenStack compute nodes."""
