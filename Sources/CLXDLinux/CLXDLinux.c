#define _GNU_SOURCE
/* Header-only module. */

#include <elf.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

static int forget_object(struct dl_phdr_info *object, size_t size, void *unused) {
    (void)size;
    (void)unused;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < object->dlpi_phnum; i++) {
        if (object->dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
        // Code that the loader has written to is not in the file as it is.
        for (const ElfW(Dyn) *d = (const void *)(object->dlpi_addr + object->dlpi_phdr[i].p_vaddr); d->d_tag != DT_NULL; d++) {
            if (d->d_tag == DT_TEXTREL || (d->d_tag == DT_FLAGS && d->d_un.d_val & DF_TEXTREL)) return 0;
        }
    }
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || part->p_flags & PF_W) continue;
        uintptr_t first = (object->dlpi_addr + part->p_vaddr + page - 1) & ~(page - 1);
        uintptr_t last = (object->dlpi_addr + part->p_vaddr + part->p_filesz) & ~(page - 1);
        // The kernel refuses it for what is no file, such as its own code.
        if (first < last) (void)madvise((void *)first, last - first, MADV_DONTNEED);
    }
    return 0;
}

void clxd_forget_code(void) { dl_iterate_phdr(forget_object, NULL); }
