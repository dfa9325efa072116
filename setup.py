"""The extension alone; everything else about the package is in pyproject.toml."""

import os
import platform
from pathlib import Path
from typing import Any

import numpy
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ON_X86_64 = platform.machine().lower() in {"x86_64", "amd64"}
FLAGS = ["-std=c11", "-O3", "-fvisibility=hidden", "-ffp-contract=off", "-fno-math-errno", "-pthread"]
WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wmissing-prototypes", "-Werror"]
LANE_FLAGS = {  # the same kernels, compiled once for each width
    "csrc/kernels/lanes4.c": ["-mavx2"],
    "csrc/kernels/lanes8.c": ["-mavx512f", "-mavx512dq", "-mavx512vl", "-mprefer-vector-width=512"],
}


class BuildExt(build_ext):
    """Compiles the lane sets with the flags of their instruction set."""

    def build_extension(self, ext: Extension) -> None:
        compile_one = self.compiler._compile

        def compile_with_lane_flags(target: str, source: str, *rest: Any) -> None:
            suffix, cc_args, extra, macros = rest
            lane_flags = LANE_FLAGS.get(Path(source).as_posix(), []) if ON_X86_64 else []
            compile_one(target, source, suffix, cc_args, [*extra, *lane_flags], macros)

        self.compiler._compile = compile_with_lane_flags
        try:
            super().build_extension(ext)
        finally:
            self.compiler._compile = compile_one


def sources() -> list[str]:
    here = Path(__file__).parent
    return sorted(path.relative_to(here).as_posix() for path in (here / "csrc").glob("*/*.c"))


def headers() -> list[str]:
    here = Path(__file__).parent
    return sorted(path.relative_to(here).as_posix() for path in (here / "csrc").glob("*/*.[hd]*"))


setup(
    ext_modules=[
        Extension(
            "ziggy_async._core",
            sources=sources(),
            depends=headers(),
            include_dirs=["csrc", numpy.get_include()],
            define_macros=[
                ("_GNU_SOURCE", None),
                ("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"),
                ("NPY_TARGET_VERSION", "NPY_1_25_API_VERSION"),
            ],
            extra_compile_args=FLAGS + (WARNINGS if os.environ.get("ZIGGY_ASYNC_WERROR") else []),
            extra_link_args=["-pthread"],
        )
    ],
    cmdclass={"build_ext": BuildExt},
)
