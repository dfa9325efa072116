"""The extension alone; everything else about the package is in pyproject.toml."""

import os
from pathlib import Path

import numpy
from setuptools import Extension, setup

FLAGS = [
    "-std=c11",
    "-O3",
    "-fvisibility=hidden",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-pthread",
]
WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wmissing-prototypes", "-Werror"]


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
)
