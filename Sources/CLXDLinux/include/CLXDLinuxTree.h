/* Kernel calls for walking, copying and removing trees by descriptor; included by CLXDLinux.h. */
#pragma once
#include <linux/fs.h>
#include <locale.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>

static inline int clxd_fsetxattr(int fd, const char *name, const void *value, size_t size) {
    return clxd_result(fsetxattr(fd, name, value, size, 0));
}
static inline long clxd_fgetxattr(int fd, const char *name, void *value, size_t size) {
    long r = fgetxattr(fd, name, value, size);
    return r < 0 ? -errno : r;
}
static inline long clxd_flistxattr(int fd, char *list, size_t size) {
    long r = flistxattr(fd, list, size);
    return r < 0 ? -errno : r;
}
static inline int clxd_fchmod(int fd, uint32_t mode) { return clxd_result(fchmod(fd, mode)); }
static inline int clxd_fchmodat(int fd, const char *name, uint32_t mode) { return clxd_result(fchmodat(fd, name, mode, 0)); }
static inline int clxd_fchdir(int fd) { return clxd_result(fchdir(fd)); }
static inline int clxd_chroot(const char *path) { return clxd_result(chroot(path)); }
/* Sets access and modification time; a name of "" means the descriptor itself. Never follows a symlink. */
static inline int clxd_set_times(int fd, const char *name, int64_t asec, uint32_t ansec, int64_t msec, uint32_t mnsec) {
    struct timespec t[2] = {{asec, ansec}, {msec, mnsec}};
    return clxd_result(name[0] ? utimensat(fd, name, t, AT_SYMLINK_NOFOLLOW) : futimens(fd, t));
}
/* Removes the immutable and append-only flags, so that the inode can be unlinked. */
static inline int clxd_clear_inode_flags(int fd) {
    int flags = 0;
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0) return -errno;
    if (!(flags & (FS_IMMUTABLE_FL | FS_APPEND_FL))) return 0;
    flags &= ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
    return clxd_result(ioctl(fd, FS_IOC_SETFLAGS, &flags));
}
#define CLXD_SEEK_DATA 3
#define CLXD_SEEK_HOLE 4
static inline long clxd_seek(int fd, int64_t offset, int whence) {
    long r = lseek(fd, offset, whence);
    return r < 0 ? -errno : r;
}
static inline long clxd_copy_file_range(int from, int64_t *from_offset, int to, int64_t *to_offset, size_t size) {
    long r = syscall(SYS_copy_file_range, from, from_offset, to, to_offset, size, 0);
    return r < 0 ? -errno : r;
}
struct clxd_volume_space { uint64_t total, free, available, inodes, inodes_free; };
static inline int clxd_fstatvfs(int fd, struct clxd_volume_space *out) {
    struct statvfs s;
    if (fstatvfs(fd, &s) < 0) return -errno;
    out->total = s.f_blocks * s.f_frsize;
    out->free = s.f_bfree * s.f_frsize;
    out->available = s.f_bavail * s.f_frsize;
    out->inodes = s.f_files;
    out->inodes_free = s.f_ffree;
    return 0;
}
/* File names are bytes; libarchive converts those of pax headers through the locale. */
static inline int clxd_use_utf8_locale(void) { return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -ENOENT; }
static inline int clxd_renameat_noreplace(int from, const char *old, int to, const char *name) {
    return clxd_result(syscall(SYS_renameat2, from, old, to, name, 1));
}
static inline int clxd_rename_exchange(int from, const char *old, int to, const char *name) {
    return clxd_result(syscall(SYS_renameat2, from, old, to, name, 2));
}
