#include "binding/wake_fd.h"

#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/eventfd.h>
#endif

#if defined(__linux__)
int za_wake_fd_open(za_wake_fd *fd)
{
    fd->read_end = fd->write_end = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return fd->read_end < 0 ? -1 : 0;
}
#else
static int never_block(int fd)
{
    return fcntl(fd, F_SETFL, O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -1 : 0;
}

int za_wake_fd_open(za_wake_fd *fd)
{
    int ends[2];
    if (pipe(ends) < 0) {
        return -1;
    }
    *fd = (za_wake_fd){.read_end = ends[0], .write_end = ends[1]};
    return never_block(ends[0]) < 0 || never_block(ends[1]) < 0 ? -1 : 0;
}
#endif

void za_wake_fd_reset(const za_wake_fd *fd)
{
    uint64_t taken[16];
    while (fd->read_end >= 0 && read(fd->read_end, taken, sizeof taken) == (ssize_t)sizeof taken) {
    }
}

void za_wake_fd_close(za_wake_fd *fd)
{
    if (fd->read_end >= 0) {
        (void)close(fd->read_end);
    }
    if (fd->write_end >= 0 && fd->write_end != fd->read_end) {
        (void)close(fd->write_end);
    }
    *fd = ZA_NO_WAKE_FD;
}
