/* Cross-sections: the values of many tickers at one time, compared with each other. */
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

/* One ticker's part in a cross-section: a finite value, and the bar that it is of, for whoever made the list. */
typedef struct za_member {
    double value;
    uint32_t series, bar;
} za_member;

/* Sorts members by value. `spare` has room for as many; the sorted ones lie in it or in `members`, as is returned. */
za_member *za_across_sort(za_member *members, size_t count, za_member *spare);

/* Memory for grouping by labels from 0 on, and the groups that were found. */
typedef struct za_groups {
    size_t *members; /* of each label; all zero before and after */
    int32_t *labels; /* room for as many as there are labels; that of each group */
    size_t *ends;    /* the same; where each group ends: it begins where the one before it does */
    size_t count;
} za_groups;

/* Copies members to `grouped`, those of one label side by side and in their order; label_of[i] is that of members[i],
 * -1 to leave it out. The cost depends on the number of members, not on that of labels. */
void za_across_group(const za_member *members, const int32_t *label_of, size_t count, za_member *grouped,
                     za_groups *groups);

/* Replaces the values of sorted members by their results. Which of two equal ones comes first changes no bit: sums are
 * over the values in their order. */
void za_across_apply(za_across_kind kind, double share, za_member *members, size_t count);

#endif
