#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* CPU sets */
#endif
#include "base/cpu.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#if defined(__linux__)
#include <sched.h>
#endif

static const char *const isa_names[ZA_ISA_COUNT] = {"scalar", "avx2", "avx512"};

const char *za_isa_name(za_isa isa)
{
    return isa_names[isa];
}

bool za_isa_from_name(const char *name, za_isa *isa)
{
    for (int i = 0; i < ZA_ISA_COUNT; ++i) {
        if (strcmp(name, isa_names[i]) == 0) {
            *isa = (za_isa)i;
            return true;
        }
    }
    return false;
}

/* The compiler's checks include that the operating system keeps the wide registers. */
za_isa za_isa_best(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
        return ZA_ISA_AVX512;
    }
    return __builtin_cpu_supports("avx2") ? ZA_ISA_AVX2 : ZA_ISA_SCALAR;
#else
    return ZA_ISA_AVX2;
#endif
}

#if defined(__linux__)

enum { PATH_TEXT = 1024, MOST_CPUS = 8192 /* the kernel's own limit */ };

static int affinity(void)
{
    cpu_set_t sets[MOST_CPUS / CPU_SETSIZE];
    if (sched_getaffinity(0, sizeof sets, sets) != 0) {
        return INT_MAX;
    }
    return CPU_COUNT_S(sizeof sets, sets);
}

/* The file's first line in `text`; false when there is no such file. */
static bool read_line(const char *folder, const char *file, char text[PATH_TEXT])
{
    char path[2 * PATH_TEXT];
    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *stream = fopen(path, "re");
    if (stream == NULL) {
        return false;
    }
    bool read = fgets(text, PATH_TEXT, stream) != NULL;
    (void)fclose(stream);
    return read;
}

/* CPUs that a control group allows, rounded down: a thread more than the quota pays for is throttled in bursts. */
static int quota_of(const char *folder)
{
    char text[PATH_TEXT], period_text[PATH_TEXT];
    long long quota = 0, period = 0;
    bool known = false;
    if (read_line(folder, "cpu.max", text)) { /* v2: "max 100000" or "150000 100000" */
        known = sscanf(text, "%lld %lld", &quota, &period) == 2;
    } else if (read_line(folder, "cpu.cfs_quota_us", text) && read_line(folder, "cpu.cfs_period_us", period_text)) {
        known = sscanf(text, "%lld", &quota) == 1 && sscanf(period_text, "%lld", &period) == 1;
    }
    if (!known || quota <= 0 || period <= 0 || quota / period >= INT_MAX) {
        return INT_MAX;
    }
    return quota < period ? 1 : (int)(quota / period);
}

/* The least quota of the group `path` below `mount` and of its parents. Inside a container the path may belong to the
 * host and not exist here; then the mount itself is the container's group, and it is always looked at. */
static int quota_below(const char *mount, const char *path)
{
    char folder[2 * PATH_TEXT];
    (void)snprintf(folder, sizeof folder, "%s%s", mount, path);
    int least = quota_of(mount);
    for (char *end; (end = strrchr(folder, '/')) >= folder + strlen(mount); *end = '\0') {
        int quota = quota_of(folder);
        least = quota < least ? quota : least;
    }
    return least;
}

/* Lines of /proc/self/cgroup are "number:controllers:path", with no controllers for v2. */
static int quota_of_groups(void)
{
    char line[PATH_TEXT];
    int least = INT_MAX;
    FILE *stream = fopen("/proc/self/cgroup", "re");
    while (stream != NULL && fgets(line, sizeof line, stream) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
        if (path == NULL) {
            continue;
        }
        *path++ = '\0';
        const char *mount = controllers[1] == '\0'                        ? "/sys/fs/cgroup"
                            : strcmp(controllers + 1, "cpu") == 0         ? "/sys/fs/cgroup/cpu"
                            : strcmp(controllers + 1, "cpu,cpuacct") == 0 ? "/sys/fs/cgroup/cpu,cpuacct"
                                                                          : NULL;
        int quota = mount != NULL ? quota_below(mount, path) : INT_MAX;
        least = quota < least ? quota : least;
    }
    if (stream != NULL) {
        (void)fclose(stream);
    }
    return least;
}

#endif

int za_cpu_count(void)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    int count = online > 0 && online < INT_MAX ? (int)online : 1;
#if defined(__linux__)
    int by_affinity = affinity(), by_quota = quota_of_groups();
    count = by_affinity < count ? by_affinity : count;
    count = by_quota < count ? by_quota : count;
#endif
    return count > 0 ? count : 1;
}
