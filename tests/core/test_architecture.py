"""The layers of the design: what may include what, how long a file may be, and that the stub tells the truth."""

import ast
import re
import shutil
import subprocess
from collections.abc import Collection
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "csrc"
MAY_INCLUDE = {
    "base": set(),
    "kernels": {"base"},
    "pool": {"base"},
    "store": {"base", "pool"},
    "plan": {"base", "pool", "store"},
    "live": {"base", "pool", "store", "plan"},
    "market": {"base", "pool", "store", "plan"},
    "binding": {"base", "pool", "store", "plan", "live", "market"},
}
"""What each layer sees besides itself."""
OPEN_KERNELS = {
    "kernels/catalog.h",
    "kernels/lane_set.h",
    "kernels/lanes.h",
    "kernels/operation.h",
}
"""The headers of the kernels that the layers above the store see."""
MOST_LINES = 500
MOST_PARAMETERS = 5

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def files(*suffixes: str) -> list[Path]:
    return sorted(path for path in SOURCES.rglob("*") if path.suffix in suffixes)


def includes(path: Path) -> list[tuple[bool, str]]:
    """(written in quotes, name) of every include."""
    return [(mark == '"', name) for mark, name in INCLUDE.findall(path.read_text(encoding="utf-8"))]


def layer_of(name: str) -> str:
    return name.split("/")[0]


@pytest.mark.parametrize("path", files(".c", ".h", ".def"), ids=lambda path: str(path.relative_to(SOURCES)))
def test_includes_never_point_up(path: Path) -> None:
    layer = layer_of(path.relative_to(SOURCES).as_posix())
    for quoted, name in includes(path):
        if not quoted:
            assert layer_of(name) not in MAY_INCLUDE, f"{name} is ours: in quotes"
            continue
        assert (SOURCES / name).is_file(), f"{name} is not named from the root of the sources"
        if name in OPEN_KERNELS and layer not in ("base", "pool"):
            continue
        assert layer_of(name) in MAY_INCLUDE[layer] | {layer}, f"{name} is above"


@pytest.mark.parametrize("path", files(".c", ".h", ".def"), ids=lambda path: str(path.relative_to(SOURCES)))
def test_python_is_seen_from_the_binding_only(path: Path) -> None:
    if path.relative_to(SOURCES).parts[0] != "binding":
        for _, name in includes(path):
            assert not re.search(r"(^|/)(Python|structmember|datetime|numpy/\w+)\.h$", name)


@pytest.mark.parametrize("path", files(".h"), ids=lambda path: str(path.relative_to(SOURCES)))
def test_a_header_compiles_alone(path: Path, tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    unit = tmp_path / "alone.c"
    line = f'#include "{path.relative_to(SOURCES).as_posix()}"\n'
    unit.write_text(f"{line}{line}typedef int unit;\n")
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-fsyntax-only"]
    folders = [f"-I{SOURCES}", *interpreter_folders(path)]
    done = subprocess.run([compiler, *flags, *folders, str(unit)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def interpreter_folders(path: Path) -> list[str]:
    """Where the binding finds the headers of Python and NumPy; no other layer gets to know."""
    if path.relative_to(SOURCES).parts[0] != "binding":
        return []
    import sysconfig

    import numpy as np

    include = sysconfig.get_path("include")
    if not (Path(include) / "Python.h").is_file():
        pytest.skip("no headers of Python")
    return ["-isystem", include, "-isystem", np.get_include()]


@pytest.mark.parametrize("folder", ["csrc", "ziggy_async", "tests", "benchmarks"])
def test_files_are_short(folder: str) -> None:
    written = (ROOT / folder).rglob("*")
    paths = [path for path in written if path.suffix in (".c", ".h", ".py", ".pyi") and "results" not in path.parts]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


DEFINITION = re.compile(r"\w[\w *]*?(\w+)\((.*)\)", re.DOTALL)
"""Name and parameters of a function, from the margin to where its body follows."""


def functions(path: Path) -> list[tuple[str, int]]:
    """Name and number of parameters of every function defined there, statics included."""
    at_the_margin = re.split(r"\n(?=\S)", path.read_text(encoding="utf-8"))
    found = []
    for head, body in pairwise(at_the_margin):
        definition = DEFINITION.fullmatch(head) if body.startswith("{") else None
        if definition is not None:
            parameters = re.sub(r"\([^()]*\)", "", definition[2])  # those of a parameter that is a function
            found.append((definition[1], parameters.count(",") + 1))
    return found


def test_functions_are_found() -> None:
    assert ("za_request_wait", 3) in functions(SOURCES / "market" / "request.c")
    assert ("za_symbol_is_index", 1) in functions(SOURCES / "store" / "bars.h")
    assert sum(len(functions(path)) for path in files(".c", ".h")) > 500


@pytest.mark.parametrize("path", files(".c", ".h"), ids=lambda path: str(path.relative_to(SOURCES)))
def test_functions_take_few_parameters(path: Path) -> None:
    assert {name: count for name, count in functions(path) if count > MOST_PARAMETERS} == {}


def module_of(path: Path) -> str:
    """A module in C: the stem of a .c file, its header, or both."""
    return path.relative_to(SOURCES).with_suffix("").as_posix()


PROTOTYPE = re.compile(r"\w[\w *]*?(za_\w+)\([^{}]*\);.*", re.DOTALL)
"""A declaration of a function, from the margin to the next one."""


def declares(path: Path) -> set[str]:
    at_the_margin = re.split(r"\n(?=\S)", path.read_text(encoding="utf-8"))
    found = [PROTOTYPE.fullmatch(piece) for piece in at_the_margin if not piece.startswith("typedef")]
    return {match[1] for match in found if match is not None}


def modules_in_c() -> dict[str, set[str]]:
    """The modules that each module needs: of each header that it includes, and of what this one declares."""
    paths = files(".c", ".h")
    home = {name: module_of(path) for path in paths for name, _ in functions(path) if name.startswith("za_")}
    behind = {path: {home[name] for name in declares(path) if name in home} for path in paths if path.suffix == ".h"}
    needed: dict[str, set[str]] = {module_of(path): set() for path in paths}
    for path in paths:
        headers = [SOURCES / name for quoted, name in includes(path) if quoted and name.endswith(".h")]
        needed[module_of(path)] |= {module_of(header) for header in headers}.union(*(behind[one] for one in headers))
    return {module: others - {module} for module, others in needed.items()}


def without_leaves(needed: dict[str, set[str]]) -> dict[str, set[str]]:
    """The modules that are in a circle, or need one that is."""
    while leaves := {module for module, others in needed.items() if not others}:
        needed = {module: others - leaves for module, others in needed.items() if module not in leaves}
    return needed


def test_declarations_are_found() -> None:
    assert {"za_store_append", "za_store_new", "za_view_release"} <= declares(SOURCES / "store" / "store.h")
    assert modules_in_c()["market/request"] >= {"store/breadth", "plan/run"}


def test_there_is_no_circle_in_c() -> None:
    assert without_leaves(modules_in_c()) == {}


def names_in_stub() -> set[str]:
    """What `_core.pyi` declares beyond its imports and type aliases."""
    tree = ast.parse((ROOT / "ziggy_async" / "_core.pyi").read_text(encoding="utf-8"))
    named = {node.name for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    return named | {
        node.target.id for node in tree.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }


def test_the_stub_and_the_module_have_the_same_names() -> None:
    from ziggy_async import _core

    assert {name for name in dir(_core) if not name.startswith("__")} == names_in_stub()


def test_the_stub_and_the_classes_have_the_same_members() -> None:
    from ziggy_async import _core

    tree = ast.parse((ROOT / "ziggy_async" / "_core.pyi").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            declared = {member.name for member in node.body if isinstance(member, ast.FunctionDef)}
            declared |= {ast.unparse(member.targets[0]) for member in node.body if isinstance(member, ast.Assign)}
            present = {name for name in vars(getattr(_core, node.name)) if not name.startswith("__")}
            assert {name for name in declared if not name.startswith("__")} == present, node.name


ROWS = [
    {"_version", "environment", "lifecycle", "messages", "plain", "windows"},
    {"arguments", "duckdb_thread"},
    {"terms", "tracing"},
    {"runtime"},
    {"queueing"},
    {"dead_letters"},
    {"metrics", "lag"},
    {"bridge", "off_loop", "reading", "indicator_names"},
    {"export"},
    {"store"},
    {"sources", "sample"},
    {"features"},
    {"indicators", "talib", "dask"},
    {"paper", "market_brain"},
    {"charts"},
    {"async_features"},
    {"latency_benchmark"},
    {"regression"},
    {"monitoring"},
    {"api"},
    {"cli"},
]
"""The packages and modules of the Python layer. Each sees the rows above its own, and itself."""


def modules() -> dict[str, ast.Module]:
    found = {}
    for path in (ROOT / "ziggy_async").rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def imports(tree: ast.AST, known: Collection[str]) -> set[str]:
    """The modules of ours that are imported anywhere in `tree`."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                found.add(submodule if submodule in known else node.module)
    return found & set(known)


def row_of(module: str) -> int | None:
    """None for the package itself and for `__main__`, which are on top of all."""
    unit = module.split(".")[1] if "." in module else ""
    return next((number for number, row in enumerate(ROWS) if unit in row), None)


def test_modules_import_from_rows_above_only() -> None:
    trees = modules()
    wrong = []
    for module, tree in trees.items():
        row = row_of(module)
        assert row is not None or module in ("ziggy_async", "ziggy_async.__main__"), f"{module} is in no row"
        for name in imports(tree, trees):
            theirs = row_of(name)
            is_same = name.split(".")[:2] == module.split(".")[:2]
            if row is not None and name != "ziggy_async" and not is_same and (theirs is None or theirs >= row):
                wrong.append(f"{module} imports {name}")
    assert wrong == []


def test_there_is_no_circle_of_imports() -> None:
    trees = modules()
    needed = {module: imports(tree, trees) - {module, "ziggy_async"} for module, tree in trees.items()}
    assert without_leaves(needed) == {}
