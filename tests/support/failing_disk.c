// A disk that fails when it is told to: loaded before libc (LD_PRELOAD), for files below one folder.
//
// FAILING_DISK names a file of three native ints, which may be changed at any time: the errno of each write (0: it
// works), the errno of each sync, and whether nothing can be opened for writing, made or removed (EROFS), as on a disk
// that the kernel has remounted read-only. FAILING_DISK_BELOW is the folder, as programs write its path.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

enum { MOST_FILES = 4096 };

static volatile int *told;
static const char *below;
static char watched[MOST_FILES];

static __attribute__((constructor)) void begin(void) {
  const char *name = getenv("FAILING_DISK");
  below = getenv("FAILING_DISK_BELOW");
  int (*usual)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
  int fd = name && below ? usual(name, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) abort();
  void *shared = mmap(NULL, 3 * sizeof(int), PROT_READ, MAP_SHARED, fd, 0);
  if (shared == MAP_FAILED) abort();
  told = shared;
  close(fd);
}

static int is_below(const char *path) { return told && strncmp(path, below, strlen(below)) == 0; }

static int refused(int failure) {
  errno = failure;
  return -1;
}

static int fails(int fd, int which) {
  int failure = told && fd >= 0 && fd < MOST_FILES && watched[fd] ? told[which] : 0;
  if (failure) errno = failure;
  return failure;
}

static int opened(const char *name, const char *path, int flags, mode_t mode) {
  int (*usual)(const char *, int, ...) = dlsym(RTLD_NEXT, name);
  int here = is_below(path), changes = (flags & O_ACCMODE) != O_RDONLY;
  if (here && changes && told[2]) {
    // What stands there already is found first, also on such a disk.
    if ((flags & O_CREAT) && (flags & O_EXCL) && access(path, F_OK) == 0) return refused(EEXIST);
    return refused(EROFS);
  }
  int fd = usual(path, flags, mode);
  if (fd >= 0 && fd < MOST_FILES) watched[fd] = here && changes;
  return fd;
}

static mode_t mode_in(int flags, va_list rest) { return flags & O_CREAT ? (mode_t)va_arg(rest, int) : 0; }

#define OPEN(name)                                 \
  int name(const char *path, int flags, ...) {     \
    va_list rest;                                  \
    va_start(rest, flags);                         \
    mode_t mode = mode_in(flags, rest);            \
    va_end(rest);                                  \
    return opened(#name, path, flags, mode);       \
  }
OPEN(open)
OPEN(open64)

#define WRITES(name, kind, which, parameters, arguments)     \
  kind name parameters {                                     \
    if (fails(fd, which)) return -1;                         \
    kind(*usual) parameters = dlsym(RTLD_NEXT, #name);       \
    return usual arguments;                                  \
  }
WRITES(write, ssize_t, 0, (int fd, const void *data, size_t size), (fd, data, size))
WRITES(pwrite, ssize_t, 0, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
WRITES(pwrite64, ssize_t, 0, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at))
WRITES(ftruncate, int, 0, (int fd, off_t size), (fd, size))
WRITES(ftruncate64, int, 0, (int fd, off64_t size), (fd, size))
WRITES(fsync, int, 1, (int fd), (fd))
WRITES(fdatasync, int, 1, (int fd), (fd))

int close(int fd) {
  int (*usual)(int) = dlsym(RTLD_NEXT, "close");
  if (fd >= 0 && fd < MOST_FILES) watched[fd] = 0;
  return usual(fd);
}

int unlink(const char *path) {
  int (*usual)(const char *) = dlsym(RTLD_NEXT, "unlink");
  return is_below(path) && told[2] ? refused(EROFS) : usual(path);
}

int rename(const char *from, const char *to) {
  int (*usual)(const char *, const char *) = dlsym(RTLD_NEXT, "rename");
  return is_below(from) && told[2] ? refused(EROFS) : usual(from, to);
}
