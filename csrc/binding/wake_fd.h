/* A file descriptor that wakes a loop: an eventfd, or a pipe where there is none. */
#ifndef ZA_BINDING_WAKE_FD_H
#define ZA_BINDING_WAKE_FD_H

typedef struct za_wake_fd {
    int read_end, write_end; /* the same for an eventfd */
} za_wake_fd;

#define ZA_NO_WAKE_FD ((za_wake_fd){-1, -1})

/* Both ends never block; 0, or -1 with errno. */
int za_wake_fd_open(za_wake_fd *fd);
/* Takes the wake-ups out; nothing to do for ZA_NO_WAKE_FD. */
void za_wake_fd_reset(const za_wake_fd *fd);
void za_wake_fd_close(za_wake_fd *fd);

#endif
