/* Arguments that several methods take. */
#ifndef ZA_BINDING_ARGUMENTS_H
#define ZA_BINDING_ARGUMENTS_H

#include "binding/types.h"
#include "plan/calendar.h"
#include "pool/pool.h"

/* -1 with a TypeError unless `count` is what `name` takes. */
int za_check_count(const char *name, Py_ssize_t count, Py_ssize_t expected);

/* The floats of a tuple of `count`; -1 with a TypeError. */
int za_doubles_of(PyObject *tuple, Py_ssize_t count, const char *name, double *numbers);

/* A real number, also one of NumPy. -1 with an exception: a TypeError for anything else, which truths and times are
 * though Python and NumPy make numbers of them; an OverflowError for one that no double holds. */
int za_number_of(PyObject *object, double *number);

/* -1 with a TypeError for a keyword that is none of the names, of which the last one is NULL; `keywords` may be NULL.
 */
int za_check_keywords(const char *function, char *const *names, PyObject *keywords);

/* The store behind an argument; NULL with a TypeError. */
za_store_object *za_store_argument(za_state *state, PyObject *object);

/* Urgency and deadline of a job; with a negative urgency the amount of work decides. */
typedef struct za_terms {
    long urgency;
    int64_t deadline_ns; /* on za_clock_ns; 0: none */
} za_terms;

/* Reads them from a tuple (urgency, deadline_ns). 0, or -1 with an exception raised. */
int za_terms_of(PyObject *object, za_terms *terms);
void za_terms_apply(const za_terms *terms, za_job *job);

/* A zone argument: None for UTC, or (since, offset, initial, day_start), whose arrays *zone borrows from the tuple. */
int za_zone_of(PyObject *object, za_zone *zone);

#endif
