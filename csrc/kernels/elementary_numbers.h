/* Numbers of elementary.h and circular.h; written by tests/write_elementary_numbers.py, which says how. */
/* clang-format off */
#ifndef ZA_KERNELS_ELEMENTARY_NUMBERS_H
#define ZA_KERNELS_ELEMENTARY_NUMBERS_H

#include <stdint.h>

/* (sin r - r) / r^3 from 0 to 0.62. */
static const double sine[] = {
    -0x1.5555555555555p-3,
    0x1.1111111111110p-7,
    -0x1.a01a01a01990ap-13,
    0x1.71de3a545b148p-19,
    -0x1.ae6454093c147p-26,
    0x1.61217781a8ccdp-33,
    -0x1.ab13654fd392ap-41,
};

/* (cos r - 1 + r^2 / 2) / r^4 from 0 to 0.62. */
static const double cosine[] = {
    0x1.5555555555555p-5,
    -0x1.6c16c16c16955p-10,
    0x1.a01a019f4a826p-16,
    -0x1.27e4fa1272706p-22,
    0x1.1eeb634b132cdp-29,
    -0x1.907999e6897e2p-37,
};

/* (sinh r - r) / r^3 from 0 to 0.121. */
static const double hyperbolic_sine[] = {
    0x1.5555555555556p-3,
    0x1.111111111097cp-7,
    0x1.a01a01a7eeb57p-13,
    0x1.71de0d0985b3ep-19,
    0x1.af3a306392ed7p-26,
};

/* (cosh r - 1 - r^2 / 2) / r^4 from 0 to 0.121. */
static const double hyperbolic_cosine[] = {
    0x1.5555555555555p-5,
    0x1.6c16c16c167c2p-10,
    0x1.a01a01a4935adp-16,
    0x1.27e4e1965509cp-22,
    0x1.1f67beb3fa3d8p-29,
};

/* 2 (atanh s - s) / s^3 from 0 to 0.0295. */
static const double logarithm[] = {
    0x1.5555555555558p-1,
    0x1.99999999951f5p-2,
    0x1.2492492e0b70cp-2,
    0x1.c71c62c42db89p-3,
    0x1.7462be245eae3p-3,
    0x1.39fd25d62ab23p-3,
    0x1.2b6776a1bf0b9p-3,
};

/* (atan w - w) / w^3 from 0 to 0.141. */
static const double arc_tangent[] = {
    -0x1.5555555555555p-2,
    0x1.9999999999895p-3,
    -0x1.24924924802c5p-3,
    0x1.c71c71b76024fp-4,
    -0x1.745d13c1e9592p-4,
    0x1.3b133b852cd36p-4,
    -0x1.11076aca0d861p-4,
    0x1.e0db9eca6239cp-5,
    -0x1.a615ee1c841b2p-5,
    0x1.52c69f67c0c4fp-5,
    -0x1.69155b7826793p-6,
};

/* (asin s - s) / s^3 from 0 to 0.25. */
static const double arc_sine[] = {
    0x1.5555555555556p-3,
    0x1.3333333332ecap-4,
    0x1.6db6db6e31f13p-5,
    0x1.f1c71c1db0623p-6,
    0x1.6e8bb1c8209a2p-6,
    0x1.1c4d35cf95421p-6,
    0x1.c9cf07674736ap-7,
    0x1.782651caa6547p-7,
    0x1.52420b04b37bep-7,
    0x1.65a9c4dfcf8b2p-8,
    0x1.1d189408314eep-6,
    -0x1.e6aaa8a0a04ccp-7,
    0x1.d72b2bc8155f8p-6,
};

/* Pi / 2 in parts. */
static const double half_pi[] = {
    0x1.921fb54400000p+0,
    0x1.0b4611a600000p-34,
    0x1.3198a2e037073p-69,
};

/* The logarithm of 2 in parts. */
static const double ln_2[] = {
    0x1.62e42fee00000p-1,
    0x1.a39ef35793c76p-33,
};

/* 1 / the logarithm of 10 in parts. */
static const double decades[] = {
    0x1.bcb7b10000000p-2,
    0x1.49b9438ca9aaep-28,
};

/* Pi / 2 and what is missing. */
static const double quarter[] = {
    0x1.921fb54442d18p+0,
    0x1.1a62633145c07p-54,
};

/* The arc tangents of 1/2, 1 and 2. */
static const double arcs[] = {
    0x1.dac670561bb4fp-2,
    0x1.921fb54442d18p-1,
    0x1.1b6e192ebbe44p+0,
};

/* The parts that are missing of them. */
static const double arcs_rest[] = {
    0x1.a2b7f222f65e2p-56,
    0x1.1a62633145c07p-55,
    0x1.b1b466a88828ep-54,
};

static const double ln_2_inverse = 0x1.71547652b82fep+0, half_pi_inverse = 0x1.45f306dc9c883p-1;

/* The digits of 2 / pi, behind 64 zeros, and those of pi / 2, whose first is a one. */
enum { TWO_OVER_PI_ZEROS = 64 };
static const uint64_t two_over_pi[] = {
    UINT64_C(0x0000000000000000),
    UINT64_C(0xa2f9836e4e441529),
    UINT64_C(0xfc2757d1f534ddc0),
    UINT64_C(0xdb6295993c439041),
    UINT64_C(0xfe5163abdebbc561),
    UINT64_C(0xb7246e3a424dd2e0),
    UINT64_C(0x06492eea09d1921c),
    UINT64_C(0xfe1deb1cb129a73e),
    UINT64_C(0xe88235f52ebb4484),
    UINT64_C(0xe99c7026b45f7e41),
    UINT64_C(0x3991d639835339f4),
    UINT64_C(0x9c845f8bbdf9283b),
    UINT64_C(0x1ff897ffde05980f),
    UINT64_C(0xef2f118b5a0a6d1f),
    UINT64_C(0x6d367ecf27cb09b7),
    UINT64_C(0x4f463f669e5fea2d),
    UINT64_C(0x7527bac7ebe5f17b),
    UINT64_C(0x3d0739f78a5292ea),
    UINT64_C(0x6bfb5fb11f8d5d08),
    UINT64_C(0x56033046fc7b6bab),
    UINT64_C(0xf0cfbc209af4361d),
};
static const uint64_t half_pi_digits = UINT64_C(0xc90fdaa22168c234);

#endif
