// The allocator of this process.
#pragma once

#include <malloc.h>

/// Two arenas for all threads; freed memory above 128 KiB at the top goes back at once.
static inline void clxd_limit_arenas(void) {
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_TRIM_THRESHOLD, 128 << 10);
}
static inline void clxd_trim_memory(void) { malloc_trim(0); }

/// Unmaps the pages of code and constants, of the program and its libraries: those still used come back at the next touch,
/// from the page cache, and those only a start uses do not.
void clxd_forget_code(void);
