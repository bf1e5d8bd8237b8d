/* Kernel calls that Swift's Glibc module lacks. Each returns -errno on failure: errno never crosses into Swift. */
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <termios.h>
#include <unistd.h>

static inline int clxd_result(long r) { return r < 0 ? -errno : (int)r; }
static inline int clxd_pidfd_open(int pid, unsigned flags) { return clxd_result(syscall(SYS_pidfd_open, pid, flags)); }
