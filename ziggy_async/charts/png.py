"""A page as a picture, drawn by the Chromium or Chrome that is installed."""

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome", "microsoft-edge")
TIMEOUT = 60.0
"""Seconds that a browser may take."""
SETTLED = 2000
"""Milliseconds of the page's own clock until the picture is taken; they pass at once."""


def write(page: str, path: Path, size: tuple[int, int]) -> None:
    """Draws `page`, which has that width and height in pixels, into the file. Raises `RuntimeError` without a browser,
    and when that fails; `OSError` when the file cannot be written."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise RuntimeError("a PNG needs Chromium or Chrome, and neither is on the PATH; an .html file needs no browser")
    with TemporaryDirectory() as folder:
        source, picture = Path(folder, "chart.html"), Path(folder, "chart.png")
        source.write_text(page, encoding="utf-8")
        options = [
            *("--headless", "--hide-scrollbars", "--disable-gpu", "--no-first-run"),
            *(f"--user-data-dir={folder}/profile", f"--window-size={size[0]},{size[1]}"),
            *(f"--virtual-time-budget={SETTLED}", f"--screenshot={picture}"),
            *(["--no-sandbox"] if os.geteuid() == 0 else []),  # Chromium refuses root its sandbox
        ]
        try:
            done = subprocess.run(
                [browser, *options, source.as_uri()], capture_output=True, text=True, timeout=TIMEOUT, check=False
            )
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"{browser} has not drawn the chart within {TIMEOUT:g} s") from None
        if not picture.exists():
            last = (done.stderr.strip().splitlines() or ["no word"])[-1]
            raise RuntimeError(f"{browser} has not drawn the chart: {last}")
        shutil.copyfile(picture, path)
