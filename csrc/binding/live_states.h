/* Live states as bytes: one record a row, in the byte order of this machine. A record is two int64, bars that have
 * entered and the time of the last one, and the doubles of the states; bars 0: the row has none. */
#ifndef ZA_BINDING_LIVE_STATES_H
#define ZA_BINDING_LIVE_STATES_H

#include "binding/state.h"

/* Method of a Live: take(first, count) -> bytes, the records of these rows; without arguments, the size of one. */
PyObject *za_live_take_states_of(PyObject *self, PyObject *const *arguments, Py_ssize_t count);
/* Method of a Live: put(first, records): states of the rows from `first` on, which have none. ValueError for records of
 * another size, rows that there are not, and bars that the store does not go on from. */
PyObject *za_live_put_states_of(PyObject *self, PyObject *const *arguments, Py_ssize_t count);
/* Method of a Live: take_others() -> bytes, what it holds of the tickers that formulas read beside the rows. */
PyObject *za_live_take_others_of(PyObject *self, PyObject *unused);
/* Method of a Live: put_others(bytes), before any records. ValueError for bytes that cannot be such, and bars that the
 * store does not go on from. */
PyObject *za_live_put_others_of(PyObject *self, PyObject *bytes);

#endif
