/* What this kernel can do, asked by doing it; included by CLXDLinux.h. Each returns 1 or 0 and leaves nothing behind.
 * They fork and change namespaces of the child: for processes with one thread. */
#pragma once
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/socket.h>

/* Runs a probe in a child and tells whether it ended well; one that hangs is ended after five seconds. */
static inline int clxd_probe_in_child(int (*probe)(void)) {
    int child = (int)fork();
    if (child < 0) return 0;
    if (child == 0) {
        alarm(5);
        _exit(probe() ? 0 : 1);
    }
    int status;
    while (waitpid(child, &status, 0) < 0) if (errno != EINTR) return 0;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Interfaces of another network namespace can be asked for. Linux 4.20. */
static inline int clxd_probe_strict_netlink(void) {
    int one = 1, fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0 /* NETLINK_ROUTE */);
    if (fd < 0) return 0;
    int r = setsockopt(fd, 270 /* SOL_NETLINK */, 12 /* NETLINK_GET_STRICT_CHK */, &one, sizeof one);
    close(fd);
    return r == 0;
}

/* Device events can be sent into a network namespace. Linux 4.18. */
static inline int clxd_probe_uevent_child(void) {
    if (syscall(SYS_unshare, CLXD_CLONE_NEWNET) < 0) return 0;
    struct { struct nlmsghdr header; char text[12]; } message;
    struct sockaddr_nl kernel;
    memset(&message, 0, sizeof message);
    memset(&kernel, 0, sizeof kernel);
    kernel.nl_family = AF_NETLINK;
    memcpy(message.text, "probe@lxd", 10);
    message.header.nlmsg_len = NLMSG_LENGTH(10);
    message.header.nlmsg_flags = NLM_F_REQUEST;
    message.header.nlmsg_type = 16 /* UEVENT_SEND */;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 15 /* NETLINK_KOBJECT_UEVENT */);
    return fd >= 0 && sendto(fd, &message, message.header.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof kernel) >= 0;
}
static inline int clxd_probe_uevent(void) { return clxd_probe_in_child(clxd_probe_uevent_child); }

/* System calls can be decided by another process. Linux 5.0. */
static inline int clxd_probe_seccomp_listener(void) {
    uint32_t action = 0x7fc00000 /* SECCOMP_RET_USER_NOTIF */;
    return syscall(SYS_seccomp, 2 /* SECCOMP_GET_ACTION_AVAIL */, 0, &action) == 0;
}

/* And be let through by it. Linux 5.5. */
static inline int clxd_probe_seccomp_continue_child(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_dup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0x7fc00000),
        BPF_STMT(BPF_RET | BPF_K, 0x7fff0000 /* SECCOMP_RET_ALLOW */),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    int listener = (int)syscall(SYS_seccomp, 1 /* SECCOMP_SET_MODE_FILTER */, 8 /* NEW_LISTENER */, &program);
    if (listener < 0) return 0;
    int child = (int)fork();
    if (child < 0) return 0;
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        _exit(syscall(SYS_dup, 0) > 0 ? 0 : 1);
    }
    struct { uint64_t id; uint32_t pid, flags; struct seccomp_data data; } request;
    struct { uint64_t id; int64_t value; int32_t error; uint32_t flags; } answer;
    memset(&request, 0, sizeof request);
    memset(&answer, 0, sizeof answer);
    int ok = ioctl(listener, 0xc0502100 /* SECCOMP_IOCTL_NOTIF_RECV */, &request) == 0;
    answer.id = request.id;
    answer.flags = 1 /* SECCOMP_USER_NOTIF_FLAG_CONTINUE */;
    ok = ok && ioctl(listener, 0xc0182101 /* SECCOMP_IOCTL_NOTIF_SEND */, &answer) == 0;
    if (!ok) kill(child, SIGKILL);
    int status;
    while (waitpid(child, &status, 0) < 0) if (errno != EINTR) return 0;
    return ok && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
static inline int clxd_probe_seccomp_continue(void) {
    return clxd_probe_seccomp_listener() && clxd_probe_in_child(clxd_probe_seccomp_continue_child);
}

/* Mounts can show files with other owners: the flag is looked at before the descriptor of the map. Linux 5.12. */
static inline int clxd_probe_idmapped_mounts(void) {
    int tree = clxd_open_tree(CLXD_AT_FDCWD, "/", CLXD_OPEN_TREE_CLONE | CLXD_OPEN_TREE_CLOEXEC);
    if (tree < 0) return 0;
    int r = clxd_mount_setattr(tree, "", CLXD_AT_EMPTY_PATH, CLXD_MOUNT_ATTR_IDMAP, 0, 0, 0x7fffffff);
    close(tree);
    return r == -EBADF;
}

/* The file system is there or its module could be loaded. */
static inline int clxd_probe_file_system(const char *name) {
    int fd = clxd_fsopen(name, 1);
    if (fd >= 0) close(fd);
    return fd >= 0;
}

/* Capabilities of files can belong to a user namespace. Linux 4.14. */
static inline int clxd_probe_namespaced_capabilities(void) {
    /* Revision 3: two pairs of permitted and inheritable, then the root's id. */
    uint32_t set[6] = {0x03000000, 0, 0, 0, 0, 1000000}, got[6] = {0};
    int fd = (int)syscall(SYS_memfd_create, "probe", 1);
    if (fd < 0) return 0;
    int ok = fsetxattr(fd, "security.capability", set, sizeof set, 0) == 0 &&
             fgetxattr(fd, "security.capability", got, sizeof got) == sizeof got && got[0] >> 24 == 3;
    close(fd);
    return ok;
}
