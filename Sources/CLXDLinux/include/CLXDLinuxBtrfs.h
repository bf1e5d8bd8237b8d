/* Subvolumes, snapshots and quotas of btrfs by descriptor; included by CLXDLinux.h. */
#pragma once
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <sys/vfs.h>
#include <unistd.h>

#define CLXD_BTRFS_MAGIC 0x9123683EL
#define CLXD_BTRFS_SUBVOLUME_INODE 256

static inline int clxd_is_btrfs(int fd) {
    struct statfs s;
    if (fstatfs(fd, &s) < 0) return -errno;
    return s.f_type == CLXD_BTRFS_MAGIC;
}
static inline int clxd_btrfs_name(char *to, size_t room, const char *name) {
    if (strlen(name) >= room) return -ENAMETOOLONG;
    strcpy(to, name);
    return 0;
}
/* Makes an empty subvolume `name` in the directory. */
static inline int clxd_btrfs_create(int directory, const char *name) {
    struct btrfs_ioctl_vol_args a;
    memset(&a, 0, sizeof a);
    int r = clxd_btrfs_name(a.name, sizeof a.name, name);
    return r < 0 ? r : clxd_result(ioctl(directory, BTRFS_IOC_SUBVOL_CREATE, &a));
}
/* Makes a snapshot `name` in the directory, of the subvolume behind `source`. */
static inline int clxd_btrfs_snapshot(int source, int directory, const char *name, int read_only) {
    struct btrfs_ioctl_vol_args_v2 a;
    memset(&a, 0, sizeof a);
    a.fd = source;
    if (read_only) a.flags |= BTRFS_SUBVOL_RDONLY;
    int r = clxd_btrfs_name(a.name, sizeof a.name, name);
    return r < 0 ? r : clxd_result(ioctl(directory, BTRFS_IOC_SNAP_CREATE_V2, &a));
}
static inline int clxd_btrfs_destroy(int directory, const char *name) {
    struct btrfs_ioctl_vol_args a;
    memset(&a, 0, sizeof a);
    int r = clxd_btrfs_name(a.name, sizeof a.name, name);
    return r < 0 ? r : clxd_result(ioctl(directory, BTRFS_IOC_SNAP_DESTROY, &a));
}
static inline int clxd_btrfs_set_read_only(int subvolume, int read_only) {
    uint64_t flags = 0;
    if (ioctl(subvolume, BTRFS_IOC_SUBVOL_GETFLAGS, &flags) < 0) return -errno;
    flags = read_only ? flags | BTRFS_SUBVOL_RDONLY : flags & ~(uint64_t)BTRFS_SUBVOL_RDONLY;
    return clxd_result(ioctl(subvolume, BTRFS_IOC_SUBVOL_SETFLAGS, &flags));
}
struct clxd_btrfs_subvolume { uint64_t id, generation; uint8_t uuid[16], parent_uuid[16], received_uuid[16]; int read_only; };
static inline int clxd_btrfs_info(int subvolume, struct clxd_btrfs_subvolume *out) {
    struct btrfs_ioctl_get_subvol_info_args a;
    memset(&a, 0, sizeof a);
    if (ioctl(subvolume, BTRFS_IOC_GET_SUBVOL_INFO, &a) < 0) return -errno;
    out->id = a.treeid;
    out->generation = a.generation;
    memcpy(out->uuid, a.uuid, 16);
    memcpy(out->parent_uuid, a.parent_uuid, 16);
    memcpy(out->received_uuid, a.received_uuid, 16);
    out->read_only = (a.flags & BTRFS_ROOT_SUBVOL_RDONLY) != 0;
    return 0;
}
/* Sets the UUID (16 bytes) of the subvolume this one was received from. */
static inline int clxd_btrfs_set_received(int subvolume, const uint8_t *uuid) {
    struct btrfs_ioctl_received_subvol_args a;
    memset(&a, 0, sizeof a);
    memcpy(a.uuid, uuid, 16);
    return clxd_result(ioctl(subvolume, BTRFS_IOC_SET_RECEIVED_SUBVOL, &a));
}
/* The path, from the subvolume, of one of the subvolumes right below it (path of at least 4352 bytes); 0 if there are none.
 * `skip` passes over so many. */
static inline int clxd_btrfs_child(int subvolume, unsigned skip, char *path) {
    struct btrfs_ioctl_get_subvol_rootref_args refs;
    memset(&refs, 0, sizeof refs);
    unsigned seen = 0;
    for (;;) {
        int r = ioctl(subvolume, BTRFS_IOC_GET_SUBVOL_ROOTREF, &refs);
        int more = r < 0 && errno == EOVERFLOW;
        if (r < 0 && !more) return -errno;
        for (unsigned i = 0; i < refs.num_items; i++, seen++) {
            if (seen < skip) continue;
            struct btrfs_ioctl_ino_lookup_user_args look;
            memset(&look, 0, sizeof look);
            look.dirid = refs.rootref[i].dirid;
            look.treeid = refs.rootref[i].treeid;
            if (ioctl(subvolume, BTRFS_IOC_INO_LOOKUP_USER, &look) < 0) return -errno;
            strcpy(path, look.path);
            strcat(path, look.name);
            return 1;
        }
        if (!more || refs.num_items == 0) return 0;
    }
}
static inline int clxd_btrfs_enable_quota(int fd) {
    struct btrfs_ioctl_quota_ctl_args a = {BTRFS_QUOTA_CTL_ENABLE, 0};
    if (ioctl(fd, BTRFS_IOC_QUOTA_CTL, &a) == 0 || errno == EEXIST) return 0;
    return -errno;
}
/* Limits what the subvolume refers to; 0 lifts the limit. */
static inline int clxd_btrfs_limit(int subvolume, uint64_t bytes) {
    struct btrfs_ioctl_qgroup_limit_args a;
    memset(&a, 0, sizeof a);
    a.lim.flags = BTRFS_QGROUP_LIMIT_MAX_RFER;
    a.lim.max_rfer = bytes ? bytes : (uint64_t)-1;
    return clxd_result(ioctl(subvolume, BTRFS_IOC_QGROUP_LIMIT, &a));
}
/* What a subvolume refers to and what of it is its own; -ENOENT without quotas. */
static inline int clxd_btrfs_usage(int fd, uint64_t id, uint64_t *referenced, uint64_t *exclusive) {
    struct btrfs_ioctl_search_args a;
    memset(&a, 0, sizeof a);
    a.key.tree_id = BTRFS_QUOTA_TREE_OBJECTID;
    a.key.min_type = a.key.max_type = BTRFS_QGROUP_INFO_KEY;
    a.key.min_offset = a.key.max_offset = id;
    a.key.max_transid = (uint64_t)-1;
    a.key.nr_items = 1;
    if (ioctl(fd, BTRFS_IOC_TREE_SEARCH, &a) < 0) return -errno;
    if (a.key.nr_items < 1) return -ENOENT;
    struct btrfs_ioctl_search_header h;
    struct btrfs_qgroup_info_item item;
    memcpy(&h, a.buf, sizeof h);
    if (h.type != BTRFS_QGROUP_INFO_KEY || h.offset != id || h.len < sizeof item) return -ENOENT;
    memcpy(&item, a.buf + sizeof h, sizeof item);
    *referenced = item.rfer;
    *exclusive = item.excl;
    return 0;
}

/* ---- writing out ---- */
static inline int clxd_syncfs(int fd) { return clxd_result(syscall(SYS_syncfs, fd)); }
/* Begins to write a file's pages out without waiting. */
static inline int clxd_start_writing(int fd) { return clxd_result(syscall(SYS_sync_file_range, fd, 0L, 0L, 2 /* SYNC_FILE_RANGE_WRITE */)); }

/* ---- attributes by name in the working directory ---- */
static inline long clxd_llistxattr(const char *path, char *list, size_t size) {
    long r = llistxattr(path, list, size);
    return r < 0 ? -errno : r;
}
static inline int clxd_fremovexattr(int fd, const char *name) { return clxd_result(fremovexattr(fd, name)); }
