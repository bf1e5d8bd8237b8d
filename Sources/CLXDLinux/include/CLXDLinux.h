/* Kernel calls that Swift's Glibc module lacks. Each returns -errno on failure: errno never crosses into Swift.
 * Raw system calls and own structures are used where glibc shows a name to _GNU_SOURCE only. */
#pragma once
#include "CLXDLinuxMemory.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <unistd.h>

static inline int clxd_result(long r) { return r < 0 ? -errno : (int)r; }
static inline int clxd_errno(void) { return errno; }

/* ---- open flags, resolution ---- */
#define CLXD_O_PATH 010000000
#define CLXD_O_TMPFILE (020000000 | 0200000)
#define CLXD_O_NOATIME 01000000
#define CLXD_RESOLVE_NO_XDEV 0x01
#define CLXD_RESOLVE_NO_MAGICLINKS 0x02
#define CLXD_RESOLVE_NO_SYMLINKS 0x04
#define CLXD_RESOLVE_BENEATH 0x08
#define CLXD_RESOLVE_IN_ROOT 0x10
#define CLXD_AT_EMPTY_PATH 0x1000
#define CLXD_AT_SYMLINK_NOFOLLOW 0x100
#define CLXD_AT_SYMLINK_FOLLOW 0x400
#define CLXD_AT_REMOVEDIR 0x200
#define CLXD_AT_RECURSIVE 0x8000
#define CLXD_AT_FDCWD (-100)

struct clxd_open_how {
    uint64_t flags;
    uint64_t mode;
    uint64_t resolve;
};

static inline int clxd_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct clxd_open_how how = {flags, mode, resolve};
    return clxd_result(syscall(437, dirfd, path, &how, sizeof how));
}
static inline int clxd_fchownat(int fd, const char *path, uint32_t uid, uint32_t gid, int flags) {
    return clxd_result(fchownat(fd, path, uid, gid, flags));
}
static inline int clxd_linkat(int from, const char *old, int to, const char *name, int flags) {
    return clxd_result(linkat(from, old, to, name, flags));
}
static inline int clxd_renameat2(int from, const char *old, int to, const char *name, unsigned flags) {
    return clxd_result(syscall(SYS_renameat2, from, old, to, name, flags));
}
static inline int clxd_unlinkat(int fd, const char *path, int flags) { return clxd_result(unlinkat(fd, path, flags)); }
static inline int clxd_mkdirat(int fd, const char *path, uint32_t mode) { return clxd_result(mkdirat(fd, path, mode)); }
static inline int clxd_mknodat(int fd, const char *path, uint32_t mode, uint32_t major, uint32_t minor) {
    return clxd_result(mknodat(fd, path, mode, makedev(major, minor)));
}
static inline int clxd_symlinkat(const char *target, int fd, const char *path) {
    return clxd_result(symlinkat(target, fd, path));
}
static inline int clxd_readlinkat(int fd, const char *path, char *buffer, size_t size) {
    return clxd_result(readlinkat(fd, path, buffer, size));
}
static inline int clxd_ficlone(int to, int from) { return clxd_result(ioctl(to, 0x40049409, from)); }
static inline int clxd_flock(int fd, int operation) { return clxd_result(flock(fd, operation)); }
static inline int clxd_fcntl_dupfd(int fd, int least) { return clxd_result(fcntl(fd, F_DUPFD_CLOEXEC, least)); }
static inline int clxd_fcntl_getfl(int fd) { return clxd_result(fcntl(fd, F_GETFL)); }
static inline int clxd_fcntl_setfl(int fd, int flags) { return clxd_result(fcntl(fd, F_SETFL, flags)); }
static inline int clxd_set_cloexec(int fd, int on) { return clxd_result(fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0)); }
static inline int clxd_close_range(unsigned first, unsigned last, unsigned flags) {
    return clxd_result(syscall(436, first, last, flags));
}

/* ---- statx ---- */
struct clxd_status {
    uint32_t mask, mode, uid, gid, nlink, dev_major, dev_minor, rdev_major, rdev_minor;
    uint64_t ino, size, blocks, mount_id;
    int64_t atime_sec, mtime_sec, ctime_sec, btime_sec;
    uint32_t atime_nsec, mtime_nsec, ctime_nsec, btime_nsec;
};

struct clxd_statx_timestamp { int64_t sec; uint32_t nsec; int32_t pad; };
struct clxd_statx_raw {
    uint32_t mask, blksize;
    uint64_t attributes;
    uint32_t nlink, uid, gid;
    uint16_t mode, pad0;
    uint64_t ino, size, blocks, attributes_mask;
    struct clxd_statx_timestamp atime, btime, ctime, mtime;
    uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
    uint64_t mnt_id, spare[13];
};

static inline int clxd_statx(int fd, const char *path, int flags, struct clxd_status *out) {
    struct clxd_statx_raw x;
    memset(&x, 0, sizeof x);
    /* STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID */
    if (syscall(SYS_statx, fd, path, flags, 0x7ffu | 0x800u | 0x1000u, &x) < 0) return -errno;
    out->mask = x.mask; out->mode = x.mode; out->uid = x.uid; out->gid = x.gid; out->nlink = x.nlink;
    out->dev_major = x.dev_major; out->dev_minor = x.dev_minor;
    out->rdev_major = x.rdev_major; out->rdev_minor = x.rdev_minor;
    out->ino = x.ino; out->size = x.size; out->blocks = x.blocks; out->mount_id = x.mnt_id;
    out->atime_sec = x.atime.sec; out->atime_nsec = x.atime.nsec; out->mtime_sec = x.mtime.sec; out->mtime_nsec = x.mtime.nsec;
    out->ctime_sec = x.ctime.sec; out->ctime_nsec = x.ctime.nsec; out->btime_sec = x.btime.sec; out->btime_nsec = x.btime.nsec;
    return 0;
}

/* ---- mounts ---- */
#define CLXD_OPEN_TREE_CLONE 1
#define CLXD_OPEN_TREE_CLOEXEC 02000000
#define CLXD_MOVE_MOUNT_F_EMPTY_PATH 0x4
#define CLXD_MOVE_MOUNT_T_EMPTY_PATH 0x40
#define CLXD_MOUNT_ATTR_RDONLY 0x1
#define CLXD_MOUNT_ATTR_NOSUID 0x2
#define CLXD_MOUNT_ATTR_NODEV 0x4
#define CLXD_MOUNT_ATTR_NOEXEC 0x8
#define CLXD_MOUNT_ATTR_NOSYMFOLLOW 0x200000
#define CLXD_MOUNT_ATTR_IDMAP 0x100000
#define CLXD_FSCONFIG_SET_FLAG 0
#define CLXD_FSCONFIG_SET_STRING 1
#define CLXD_FSCONFIG_SET_FD 5
#define CLXD_FSCONFIG_CMD_CREATE 6
#define CLXD_FSCONFIG_CMD_RECONFIGURE 7
#define CLXD_MS_RDONLY 1
#define CLXD_MS_NOSUID 2
#define CLXD_MS_NODEV 4
#define CLXD_MS_NOEXEC 8
#define CLXD_MS_REMOUNT 32
#define CLXD_MS_BIND 4096
#define CLXD_MS_MOVE 8192
#define CLXD_MS_REC 16384
#define CLXD_MS_UNBINDABLE (1 << 17)
#define CLXD_MS_PRIVATE (1 << 18)
#define CLXD_MS_SLAVE (1 << 19)
#define CLXD_MS_SHARED (1 << 20)
#define CLXD_MNT_FORCE 1
#define CLXD_MNT_DETACH 2
#define CLXD_UMOUNT_NOFOLLOW 8

struct clxd_mount_attr { uint64_t attr_set, attr_clr, propagation, userns_fd; };

static inline int clxd_mount(const char *source, const char *target, const char *type, uint64_t flags, const char *data) {
    return clxd_result(mount(source, target, type, flags, data));
}
static inline int clxd_umount2(const char *target, int flags) { return clxd_result(umount2(target, flags)); }
static inline int clxd_open_tree(int fd, const char *path, unsigned flags) {
    return clxd_result(syscall(428, fd, path, flags));
}
static inline int clxd_move_mount(int from, const char *old, int to, const char *path, unsigned flags) {
    return clxd_result(syscall(429, from, old, to, path, flags));
}
static inline int clxd_fsopen(const char *type, unsigned flags) { return clxd_result(syscall(430, type, flags)); }
static inline int clxd_fsconfig(int fd, unsigned command, const char *key, const void *value, int aux) {
    return clxd_result(syscall(431, fd, command, key, value, aux));
}
static inline int clxd_fsmount(int fd, unsigned flags, unsigned attributes) {
    return clxd_result(syscall(432, fd, flags, attributes));
}
static inline int clxd_fspick(int fd, const char *path, unsigned flags) {
    return clxd_result(syscall(433, fd, path, flags));
}
static inline int clxd_mount_setattr(
    int fd, const char *path, unsigned flags, uint64_t set, uint64_t clear, uint64_t propagation, uint64_t userns) {
    struct clxd_mount_attr a = {set, clear, propagation, userns};
    return clxd_result(syscall(442, fd, path, flags, &a, sizeof a));
}
static inline int clxd_pivot_root(const char *root, const char *old) { return clxd_result(syscall(SYS_pivot_root, root, old)); }

/* ---- namespaces, credentials ---- */
#define CLXD_CLONE_NEWTIME 0x80
#define CLXD_CLONE_NEWNS 0x00020000
#define CLXD_CLONE_NEWCGROUP 0x02000000
#define CLXD_CLONE_NEWUTS 0x04000000
#define CLXD_CLONE_NEWIPC 0x08000000
#define CLXD_CLONE_NEWUSER 0x10000000
#define CLXD_CLONE_NEWPID 0x20000000
#define CLXD_CLONE_NEWNET 0x40000000

static inline int clxd_setns(int fd, int type) { return clxd_result(syscall(SYS_setns, fd, type)); }
static inline int clxd_unshare(int flags) { return clxd_result(syscall(SYS_unshare, flags)); }
static inline int clxd_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
    return clxd_result(prctl(option, a, b, c, d));
}
static inline int clxd_setresuid(uint32_t r, uint32_t e, uint32_t s) { return clxd_result(syscall(SYS_setresuid, r, e, s)); }
static inline int clxd_setresgid(uint32_t r, uint32_t e, uint32_t s) { return clxd_result(syscall(SYS_setresgid, r, e, s)); }
static inline int clxd_setgroups(size_t count, const uint32_t *groups) {
    return clxd_result(syscall(SYS_setgroups, count, groups));
}
static inline uint32_t clxd_setfsuid(uint32_t id) { return (uint32_t)syscall(SYS_setfsuid, id); }
static inline uint32_t clxd_setfsgid(uint32_t id) { return (uint32_t)syscall(SYS_setfsgid, id); }

/* Capability sets as two 32-bit halves, version 3. */
static inline int clxd_capset(uint64_t effective, uint64_t permitted, uint64_t inheritable) {
    struct { uint32_t version; int pid; } header = {0x20080522, 0};
    struct { uint32_t e, p, i; } data[2] = {
        {(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
        {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32)}};
    return clxd_result(syscall(SYS_capset, &header, data));
}

struct clxd_rlimit { uint64_t soft, hard; };
static inline int clxd_prlimit(int pid, int resource, const struct clxd_rlimit *set, struct clxd_rlimit *old) {
    return clxd_result(syscall(SYS_prlimit64, pid, resource, set, old));
}

/* ---- processes ---- */
static inline int clxd_pidfd_open(int pid, unsigned flags) { return clxd_result(syscall(SYS_pidfd_open, pid, flags)); }
static inline int clxd_pidfd_send_signal(int fd, int signal) {
    return clxd_result(syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0));
}
/* Reaps the child behind a pidfd. Returns 0 when none has exited yet and `block` is 0, else 1;
 * *signalled tells whether *status is an exit status or a signal number. */
static inline int clxd_wait_pidfd(int fd, int block, int *signalled, int *status) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    for (;;) {
        if (waitid((idtype_t)3 /* P_PIDFD */, (id_t)fd, &info, WEXITED | (block ? 0 : WNOHANG)) == 0) break;
        if (errno != EINTR) return -errno;
    }
    if (info.si_pid == 0) return 0;
    *signalled = info.si_code != CLD_EXITED;
    *status = info.si_status;
    return 1;
}
static inline int clxd_fork(void) { return clxd_result(fork()); }
static inline __attribute__((noreturn)) void clxd_exit(int status) {
    for (;;) syscall(SYS_exit_group, status);
}
static inline int clxd_execveat(int fd, const char *path, char *const argv[], char *const envp[], int flags) {
    return clxd_result(syscall(SYS_execveat, fd, path, argv, envp, flags));
}
static inline int clxd_execve(const char *path, char *const argv[], char *const envp[]) {
    return clxd_result(execve(path, argv, envp));
}
static inline int clxd_wifexited(int status) { return WIFEXITED(status); }
static inline int clxd_wexitstatus(int status) { return WEXITSTATUS(status); }
static inline int clxd_wtermsig(int status) { return WTERMSIG(status); }

int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int);
int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *, const char *);
static inline int clxd_spawn_addclosefrom(posix_spawn_file_actions_t *a, int first) {
    return posix_spawn_file_actions_addclosefrom_np(a, first);
}
static inline int clxd_spawn_addchdir(posix_spawn_file_actions_t *a, const char *path) {
    return posix_spawn_file_actions_addchdir_np(a, path);
}
#define CLXD_SPAWN_SETSID 0x80

/* ---- memory files ---- */
#define CLXD_MFD_CLOEXEC 1
#define CLXD_MFD_ALLOW_SEALING 2
static inline int clxd_memfd_create(const char *name, unsigned flags) {
    return clxd_result(syscall(SYS_memfd_create, name, flags));
}
/* No further writing, growing, shrinking or sealing. */
static inline int clxd_seal(int fd) { return clxd_result(fcntl(fd, 1033 /* F_ADD_SEALS */, 1 | 2 | 4 | 8)); }

/* ---- terminals ---- */
static inline int clxd_set_window(int fd, unsigned rows, unsigned columns) {
    struct winsize w = {(unsigned short)rows, (unsigned short)columns, 0, 0};
    return clxd_result(ioctl(fd, TIOCSWINSZ, &w));
}
static inline int clxd_get_window(int fd, unsigned *rows, unsigned *columns) {
    struct winsize w;
    if (ioctl(fd, TIOCGWINSZ, &w) < 0) return -errno;
    *rows = w.ws_row;
    *columns = w.ws_col;
    return 0;
}
static inline int clxd_set_controlling_terminal(int fd) { return clxd_result(ioctl(fd, TIOCSCTTY, 0)); }
/* Opens the peer of a pty master in the master's own devpts instance, whatever is mounted at /dev/pts here. */
static inline int clxd_open_pty_peer(int master, int flags) { return clxd_result(ioctl(master, 0x5441 /* TIOCGPTPEER */, flags)); }
static inline int clxd_unlock_pty(int master) {
    int zero = 0;
    return clxd_result(ioctl(master, 0x40045431 /* TIOCSPTLCK */, &zero));
}
static inline int clxd_openpty(int *master, int *peer) { return clxd_result(openpty(master, peer, NULL, NULL, NULL)); }
/* Bytes waiting to be read. */
static inline int clxd_bytes_readable(int fd, int *count) { return clxd_result(ioctl(fd, FIONREAD, count)); }

/* ---- sockets ---- */
struct clxd_peer { int32_t pid; uint32_t uid, gid; };
static inline int clxd_peer_credentials(int fd, struct clxd_peer *out) {
    socklen_t size = sizeof *out;
    return clxd_result(getsockopt(fd, SOL_SOCKET, 17 /* SO_PEERCRED */, out, &size));
}
/* A pidfd of the peer (Linux 6.5), so that its pid cannot have been reused. */
static inline int clxd_peer_pidfd(int fd) {
    int pidfd = -1;
    socklen_t size = sizeof pidfd;
    if (getsockopt(fd, SOL_SOCKET, 77 /* SO_PEERPIDFD */, &pidfd, &size) < 0) return -errno;
    return pidfd;
}
#define CLXD_DESCRIPTORS_MAX 16
/* Sends one message with up to CLXD_DESCRIPTORS_MAX descriptors. */
static inline long clxd_send_descriptors(int socket, const void *data, size_t size, const int *fds, int count, int flags) {
    union { char bytes[CMSG_SPACE(sizeof(int) * CLXD_DESCRIPTORS_MAX)]; struct cmsghdr header; } control;
    memset(&control, 0, sizeof control);
    struct iovec io = {(void *)data, size};
    struct msghdr m;
    memset(&m, 0, sizeof m);
    m.msg_iov = &io;
    m.msg_iovlen = 1;
    if (count < 0 || count > CLXD_DESCRIPTORS_MAX) return -EINVAL;
    if (count > 0) {
        m.msg_control = control.bytes;
        m.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * count);
    }
    long r;
    do r = sendmsg(socket, &m, MSG_NOSIGNAL | flags); while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : r;
}
/* Receives one message; descriptors come close-on-exec. *count: room in, number out. */
static inline long clxd_receive_descriptors(int socket, void *data, size_t size, int *fds, int *count, int flags) {
    union { char bytes[CMSG_SPACE(sizeof(int) * CLXD_DESCRIPTORS_MAX)]; struct cmsghdr header; } control;
    struct iovec io = {data, size};
    struct msghdr m;
    memset(&m, 0, sizeof m);
    m.msg_iov = &io;
    m.msg_iovlen = 1;
    m.msg_control = control.bytes;
    m.msg_controllen = sizeof control.bytes;
    long r;
    do r = recvmsg(socket, &m, MSG_CMSG_CLOEXEC | flags); while (r < 0 && errno == EINTR);
    int room = *count, got = 0;
    *count = 0;
    if (r < 0) return -errno;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        int n = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        for (int i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
            if (got < room) fds[got++] = fd; else close(fd);
        }
    }
    *count = got;
    return r;
}
static inline int clxd_socketpair(int type, int *first, int *second) {
    int sv[2];
    if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, sv) < 0) return -errno;
    *first = sv[0];
    *second = sv[1];
    return 0;
}
static inline int clxd_pipe(int *reading, int *writing, int flags) {
    int p[2];
    if (syscall(SYS_pipe2, p, O_CLOEXEC | flags) < 0) return -errno;
    *reading = p[0];
    *writing = p[1];
    return 0;
}
/* Binds and listens (listening = 1) or connects a unix socket; `type` is SOCK_STREAM or SOCK_SEQPACKET. */
static inline int clxd_unix_socket(const char *path, int type, int listening) {
    struct sockaddr_un a;
    memset(&a, 0, sizeof a);
    a.sun_family = AF_UNIX;
    if (strlen(path) >= sizeof a.sun_path) return -ENAMETOOLONG;
    strcpy(a.sun_path, path);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int r = listening ? bind(fd, (struct sockaddr *)&a, sizeof a) : connect(fd, (struct sockaddr *)&a, sizeof a);
    if (r == 0 && listening) r = listen(fd, 128);
    if (r < 0) {
        int e = errno;
        close(fd);
        return -e;
    }
    return fd;
}
static inline int clxd_accept(int fd) { return clxd_result(syscall(SYS_accept4, fd, NULL, NULL, SOCK_CLOEXEC)); }

/* ---- waiting ---- */
static inline int clxd_epoll_create(void) { return clxd_result(epoll_create1(EPOLL_CLOEXEC)); }
static inline int clxd_epoll_add(int epoll, int fd, uint32_t events, uint64_t token) {
    struct epoll_event e;
    memset(&e, 0, sizeof e);
    e.events = events;
    e.data.u64 = token;
    return clxd_result(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e));
}
static inline int clxd_epoll_remove(int epoll, int fd) { return clxd_result(epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL)); }
/* Waits for one event; 1 and its token, 0 on timeout. */
static inline int clxd_epoll_wait_one(int epoll, int timeout, uint64_t *token) {
    struct epoll_event e;
    int r;
    do r = epoll_wait(epoll, &e, 1, timeout); while (r < 0 && errno == EINTR);
    if (r < 0) return -errno;
    if (r > 0) *token = e.data.u64;
    return r;
}
#define CLXD_EPOLLIN 1
#define CLXD_EPOLLOUT 4
#define CLXD_EPOLLONESHOT (1u << 30)

/* ---- extended attributes through a descriptor opened with O_PATH ---- */
static inline long clxd_lgetxattr(const char *path, const char *name, void *value, size_t size) {
    long r = lgetxattr(path, name, value, size);
    return r < 0 ? -errno : r;
}
static inline long clxd_getxattr(const char *path, const char *name, void *value, size_t size) {
    long r = getxattr(path, name, value, size);
    return r < 0 ? -errno : r;
}
static inline int clxd_setxattr(const char *path, const char *name, const void *value, size_t size, int flags) {
    return clxd_result(setxattr(path, name, value, size, flags));
}
static inline int clxd_removexattr(const char *path, const char *name) { return clxd_result(removexattr(path, name)); }
static inline long clxd_listxattr(const char *path, char *list, size_t size) {
    long r = listxattr(path, list, size);
    return r < 0 ? -errno : r;
}

/* ---- directories ---- */
static inline unsigned clxd_major(uint64_t device) { return major(device); }
static inline unsigned clxd_minor(uint64_t device) { return minor(device); }

#include "CLXDLinuxTree.h"
#include "CLXDLinuxBtrfs.h"
#include "CLXDLinuxProbe.h"

/* ---- other processes ---- */
/* A copy of another process's descriptor; Linux 5.6. */
static inline int clxd_pidfd_getfd(int pidfd, int number) { return clxd_result(syscall(438, pidfd, number, 0)); }

/* ---- signals ---- */
static inline void clxd_no_handler(int number) { (void)number; }
/* A child that ends interrupts a wait, and nothing else happens. */
static inline void clxd_ignore_interrupts(void) {
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_handler = clxd_no_handler;
    sigaction(SIGCHLD, &a, NULL);
}
static inline void clxd_restore_interrupts(void) { signal(SIGCHLD, SIG_DFL); }

/* ---- threads ---- */
/* Starts a detached thread with all signals blocked: signals belong to the threads that expect them. */
static inline int clxd_start_thread(void *(*entry)(void *), void *argument, size_t stack) {
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    if (pthread_attr_init(&attributes) != 0) return -ENOMEM;
    pthread_attr_setstacksize(&attributes, stack);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = pthread_create(&thread, &attributes, entry, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return -r;
}

/* ---- user namespaces as id maps ---- */
/* A descriptor of a new user namespace with these maps (text of uid_map and gid_map); nothing stays in it. */
static inline int clxd_id_map_namespace(const char *uids, const char *gids) {
    int ready[2];
    if (syscall(SYS_pipe2, ready, O_CLOEXEC) < 0) return -errno;
    int child = (int)fork();
    if (child < 0) {
        int e = errno;
        close(ready[0]);
        close(ready[1]);
        return -e;
    }
    if (child == 0) {
        int r = syscall(SYS_unshare, CLXD_CLONE_NEWUSER) < 0 ? errno : 0;
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (write(ready[1], &r, sizeof r) != sizeof r) syscall(SYS_exit_group, 1);
        for (;;) pause();
    }
    close(ready[1]);
    int r = 0, result = -EIO;
    if (read(ready[0], &r, sizeof r) == sizeof r) result = -r;
    close(ready[0]);
    const char *texts[2] = {uids, gids};
    const char *names[2] = {"uid_map", "gid_map"};
    char path[64];
    for (int i = 0; i < 2 && result == 0; i++) {
        path[0] = 0;
        char digits[16], *d = digits + 15;
        *d = 0;
        for (int n = child; n > 0; n /= 10) *--d = (char)('0' + n % 10);
        strcat(path, "/proc/");
        strcat(path, d);
        strcat(path, "/");
        strcat(path, names[i]);
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0) { result = -errno; break; }
        size_t size = strlen(texts[i]);
        if (size > 0 && write(fd, texts[i], size) != (ssize_t)size) result = -errno;
        close(fd);
        if (i == 1 && result == 0) {
            *strrchr(path, '/') = 0;
            strcat(path, "/ns/user");
            result = open(path, O_RDONLY | O_CLOEXEC);
            if (result < 0) result = -errno;
        }
    }
    kill(child, SIGKILL);
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    return result;
}

/* Permissions and times of a descriptor that may be an O_PATH one (fchmodat2 needs Linux 6.6; /proc before). */
static inline int clxd_chmod_descriptor(int fd, uint32_t mode) {
    long r = syscall(452 /* fchmodat2 */, fd, "", mode, CLXD_AT_EMPTY_PATH);
    if (r == 0) return 0;
    if (errno != ENOSYS && errno != EOPNOTSUPP) return -errno;
    if (fchmod(fd, mode) == 0) return 0;
    char path[32] = "/proc/self/fd/", digits[16], *d = digits + 15;
    *d = 0;
    for (int n = fd; n > 0; n /= 10) *--d = (char)('0' + n % 10);
    strcat(path, fd == 0 ? "0" : d);
    return clxd_result(chmod(path, mode));
}
static inline int clxd_set_descriptor_times(int fd, int64_t access, int64_t modification) {
    struct timespec times[2] = {{access, 0}, {modification, 0}};
    return clxd_result(syscall(SYS_utimensat, fd, "", times, CLXD_AT_EMPTY_PATH));
}
