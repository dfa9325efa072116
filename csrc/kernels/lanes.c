#include "kernels/lanes.h"

#include <pthread.h>
#include <stdlib.h>

#include "kernels/lane_sets.h"

const za_lane_set *za_lane_set_of(za_isa isa)
{
    if (isa > za_isa_best()) {
        return NULL;
    }
    switch (isa) {
    case ZA_ISA_SCALAR:
        return &za_lane_set_1;
    case ZA_ISA_AVX2:
        return &za_lane_set_4;
#if defined(__x86_64__)
    case ZA_ISA_AVX512:
        return &za_lane_set_8;
#endif
    default:
        return NULL;
    }
}

static pthread_once_t choosing = PTHREAD_ONCE_INIT;
static const za_lane_set *widest; /* written once, under `choosing` */

static void choose(void)
{
    const char *name = getenv("ZIGGY_ASYNC_ISA");
    za_isa isa;
    if (name != NULL && za_isa_from_name(name, &isa)) {
        widest = za_lane_set_of(isa);
    }
    if (widest == NULL) {
        widest = za_lane_set_of(za_isa_best());
    }
}

const za_lane_set *za_lane_set_widest(void)
{
    (void)pthread_once(&choosing, choose);
    return widest;
}

const za_lane_set *za_lane_set_one(void)
{
    return &za_lane_set_1;
}
