/* What a cross-section does: the values of many tickers at one time, compared with each other. */
#ifndef ZA_PLAN_ACROSS_H
#define ZA_PLAN_ACROSS_H

#include <stddef.h>
#include <stdint.h>

typedef enum za_across_kind {
    ZA_ACROSS_RANK,        /* the average rank of those that are equal, over how many there are: above 0 and up to 1 */
    ZA_ACROSS_SCALE,       /* so that the absolute values sum to 1; zeros stay 0 */
    ZA_ACROSS_DEMEAN,      /* less the mean */
    ZA_ACROSS_STANDARDIZE, /* less the mean, over the population's standard deviation; 0 where all are equal */
    ZA_ACROSS_WINSORIZE,   /* clipped at the quantiles `share` and 1 - share, linear between two values */
    ZA_ACROSS_COUNT
} za_across_kind;

/* "rank", "scale", ... */
const char *za_across_name(za_across_kind kind);

/* One ticker's part in a cross-section. */
typedef struct za_member {
    double value;
    int64_t cell;  /* where its result goes, for whoever made the list */
    int32_t label; /* members are compared with those of the same one */
} za_member;

/* Replaces the values of `count` members by their results; the members may change places. All values are finite.
 * `spare` has room for as many. The order of the members changes no bit: sums are over the values in their order. */
void za_across_apply(za_across_kind kind, double share, za_member *members, size_t count, za_member *spare);

/* Memory for grouping by labels from 0 on, and the groups that were found. */
typedef struct za_groups {
    size_t *members; /* of each label; all zero before and after */
    int32_t *labels; /* room for as many as there are labels; that of each group */
    size_t *ends;    /* the same; where each group ends: it begins where the one before it does */
    size_t count;
} za_groups;

/* Puts members of one label side by side; they keep their order. What it costs depends on the members and not on how
 * many labels there are. */
void za_across_group(za_member *members, size_t count, za_member *spare, za_groups *groups);

#endif
