#include "market/correlation.h"

#include <math.h>

#include "kernels/lanes.h"

enum {
    WINDOW = 20,          /* returns that count at most */
    LEAST_CORRELATED = 5, /* returns below which a correlation says nothing */
    STATE_DOUBLES = 512   /* of one lane and that window; a test of the kernels promises it */
};

static int64_t lesser_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

double za_correlation_of_returns(const za_rows *rows, const za_rows *other)
{
    int64_t returns = lesser_of(WINDOW, lesser_of(rows->count, other->count) - 1);
    if (returns < LEAST_CORRELATED) {
        return NAN;
    }
    _Alignas(64) double state[STATE_DOUBLES];
    za_params params = {{(double)returns}};
    const za_lane_set *one = za_lane_set_one();
    double correlation, varies;
    za_kernel_block block = {.indicator = ZA_INDICATOR_return_correlation,
                             .params = &params,
                             .bars = returns + 1,
                             .from = returns,
                             .in = {rows->figure[ZA_FIGURE_CLOSE] + rows->count - returns - 1,
                                    other->figure[ZA_FIGURE_CLOSE] + other->count - returns - 1},
                             .out = {&correlation - returns, &varies - returns},
                             .state = state};
    one->start(block.indicator, &params, 0, state);
    one->run(&block);
    return varies != 0.0 ? correlation : NAN;
}
