/* Kernel calls by which lxd-helper becomes a process of a container. Each returns -errno when it fails. For one thread only. */
#pragma once
#include <errno.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define CLXC_DEVPTS_MAGIC 0x1cd1

static inline int clxc_clone(uint64_t flags, int cgroup, uint64_t exit_signal) {
    struct { uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup; } a;
    memset(&a, 0, sizeof a);
    a.flags = flags;
    a.exit_signal = exit_signal;
    if (cgroup >= 0) {
        a.flags |= 0x200000000ULL; /* CLONE_INTO_CGROUP, Linux 5.7 */
        a.cgroup = (uint64_t)cgroup;
    }
    long r = syscall(435 /* clone3 */, &a, sizeof a);
    return r < 0 ? -errno : (int)r;
}
/* dup3, to a close-on-exec descriptor of that number. */
static inline int clxc_move(int from, int to) {
    return from == to || syscall(SYS_dup3, from, to, 02000000 /* O_CLOEXEC */) >= 0 ? 0 : -errno;
}
/* As fork; the child is born in the unified group that `cgroup` refers to, unless that is -1. */
static inline int clxc_fork_into(int cgroup) { return clxc_clone(0, cgroup, SIGCHLD); }
/* As fork, but the child is the parent's, who has to wait for it. */
static inline int clxc_fork_sibling(void) { return clxc_clone(CLONE_PARENT, -1, 0); }

static inline int clxc_set_personality(unsigned long value) { return syscall(SYS_personality, value) < 0 ? -errno : 0; }
/* A session keyring of its own instead of the one inherited. */
static inline int clxc_leave_keyring(void) { return syscall(SYS_keyctl, 1 /* JOIN_SESSION_KEYRING */, 0L) < 0 ? -errno : 0; }

/* Whether a descriptor is of the file system with terminals. */
static inline int clxc_is_devpts(int fd) {
    struct { long type; long rest[32]; } s;
    memset(&s, 0, sizeof s);
    return syscall(SYS_fstatfs, fd, &s) == 0 && s.type == CLXC_DEVPTS_MAGIC;
}

/* Installs a filter of `count` instructions of 8 bytes. */
static inline int clxc_install_filter(const void *instructions, unsigned short count) {
    struct { unsigned short count; const void *filter; } program = {count, instructions};
    return syscall(SYS_seccomp, 1 /* SECCOMP_SET_MODE_FILTER */, 0, &program) < 0 ? -errno : 0;
}

/* Reads the only filter of a child that waits for nothing else: 8 bytes an instruction. Returns how many there are,
 * -E2BIG for more than `max` or for more than one filter. The child is stopped by it, and stays so until it is killed. */
static inline int clxc_filter_of(int pid, void *instructions, int max) {
    int status;
    if (ptrace((enum __ptrace_request)0x4206 /* PTRACE_SEIZE */, pid, 0L, 0L) < 0) return -errno;
    if (ptrace((enum __ptrace_request)0x4207 /* PTRACE_INTERRUPT */, pid, 0L, 0L) < 0) return -errno;
    while (waitpid(pid, &status, __WALL) < 0) if (errno != EINTR) return -errno;
    if (!WIFSTOPPED(status)) return -ESRCH;
    /* 0 is the oldest. */
    if (ptrace((enum __ptrace_request)0x420c /* PTRACE_SECCOMP_GET_FILTER */, pid, 1L, 0L) >= 0) return -E2BIG;
    long count = ptrace((enum __ptrace_request)0x420c, pid, 0L, 0L);
    if (count < 0) return -errno;
    if (count > max) return -E2BIG;
    count = ptrace((enum __ptrace_request)0x420c, pid, 0L, instructions);
    return count < 0 ? -errno : (int)count;
}

/* Becomes the program, looked for in the PATH of `environment`; returns -errno. */
static inline int clxc_execute(char *const *arguments, char **environment) {
    environ = environment;
    execvp(arguments[0], arguments);
    return -errno;
}
