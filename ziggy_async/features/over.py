"""The features of a long table, beside its columns."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ziggy_async.features.formula import Formula
from ziggy_async.features.grouping import group
from ziggy_async.features.stages import PlanNodes
from ziggy_async.features.tables import table_of
from ziggy_async.messages import shown
from ziggy_async.reading.columns import distinct
from ziggy_async.reading.spellings import listed, of_role, place_of, spelling_of
from ziggy_async.reading.values import Reader
from ziggy_async.reading.zones import zone_of

Floats = NDArray[np.float64]


def features_over(
    compute: Callable[..., Floats],
    formulas: Mapping[str, Formula],
    made_of: PlanNodes,
    data: Any,
    keys: tuple[str | None, ...],
) -> Any:
    """See `FeatureSet.over`. `compute` is that of the plan, which is made of `made_of`; `keys` are `by` and `time`."""
    by, time = keys
    table = table_of(data, by, time)
    found = [_column_of(name, table.names, formulas.values()) for name in made_of.columns]
    by = key_column("by", by, "symbol", table.names)
    time = key_column("time", time, "timestamp", table.names)
    taken = [name for name in formulas if name in table.names]
    if taken:
        raise ValueError(f"the table has a column {shown(taken[0])}; name that feature otherwise")
    labels = [_labels_of(name, table.names, formulas.values()) for name in made_of.labels]
    keyed = [key for key in (by, time) if key is not None]
    pairs = dict(table.pairs(list(dict.fromkeys([*found, *labels, *keyed]))))
    tickers, codes = ([], None) if by is None else distinct(by, pairs[by], Reader(lambda row: ""))

    def label(row: int) -> str:
        return "" if codes is None or not 0 <= row < len(codes) or codes[row] < 0 else f"{tickers[codes[row]]}: "

    reader = Reader(label).strict
    times = None if time is None else np.asarray(reader.nanoseconds(time, pairs[time]))
    series = [np.asarray(reader.floats(name, pairs[name])) for name in found]
    label_codes = [distinct(name, pairs[name], reader)[1] for name in labels]
    by_name = [(by, codes), (time, times), *zip([*found, *labels], [*series, *label_codes], strict=True)]
    _refuse_lengths(table.rows, dict(by_name))
    grouping = group(table.rows, codes, times, label)
    if by is None and any(formula.compares for formula in formulas.values()):
        raise ValueError("a cross-section compares tickers, and the table has no column of them; give by=")
    groups = _groups_of(made_of.tickers if table.rows else (), formulas.values(), tickers, grouping.firsts(codes))
    if not table.rows:
        return table.beside({name: np.empty(0) for name in formulas})
    values = compute(
        tuple(np.ascontiguousarray(grouping.sorted(column)) for column in series),
        grouping.offsets,
        None if times is None else np.ascontiguousarray(grouping.sorted(times)),
        None if time is None else zone_of(table.zone(time)),
        groups=groups,
        labels=tuple(np.ascontiguousarray(grouping.sorted(each)) for each in label_codes),
    )
    restored = grouping.restored(values)
    return table.beside({name: restored[:, at] for at, name in enumerate(formulas)})


def _column_of(name: str, present: Sequence[str], formulas: Iterable[Formula]) -> str:
    """Returns the table's name of the column `name` of the formulas: the same, or a spelling of it."""
    if present.count(name) == 1:
        return name
    of_name = of_role(name, present)
    alike = [each for each in present if each in of_name or spelling_of(each) == spelling_of(name)]
    if not alike:
        raise next(formula for formula in formulas if name in formula.columns).missing_column(name, present)
    if len(alike) > 1:
        raise ValueError(f"several columns stand for {shown(name)}: {listed(alike)}")
    return alike[0]


def _labels_of(name: str, present: Sequence[str], formulas: Iterable[Formula]) -> str:
    """Returns the column of labels."""
    if name not in present:
        raise next(formula for formula in formulas if name in formula.labels).missing_labels(name, present)
    return name


def _groups_of(
    names: Iterable[str], formulas: Iterable[Formula], tickers: Sequence[Any], firsts: NDArray[np.int32]
) -> tuple[int, ...]:
    """Returns the groups of the tickers that `of()` reads, where `firsts` are the codes of groups in order."""
    groups = {str(tickers[code]): group for group, code in enumerate(firsts.tolist())} if tickers else {}
    for name in names:
        if name not in groups:
            raise next(formula for formula in formulas if name in formula.tickers).missing_ticker(name)
    return tuple(groups[name] for name in names)


def key_column(argument: str, name: str | None, role: str, present: Sequence[str]) -> str | None:
    """Returns the column `name`, or the one whose role it is; None: there is none."""
    found = [each for each in present if (each == name if name is not None else place_of(each) == (role, 0))]
    if name is not None and not found:
        raise ValueError(f"{argument}: no column {shown(name)}; columns found: {listed(present)}")
    if len(found) > 1:
        raise ValueError(f"several columns stand for {role}: {listed(found)}; give {argument}=")
    return found[0] if found else None


def _refuse_lengths(rows: int, columns: Mapping[str | None, Any]) -> None:
    for name, column in columns.items():
        if column is not None and len(column) != rows:
            raise ValueError(f"columns differ in length: {shown(name)} has {len(column)} rows, the first column {rows}")
