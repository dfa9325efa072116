"""The page itself and its files: from the package, with a content security policy that lets in nothing else."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from fastapi import HTTPException, Request, Response

from ziggy_async.charts.assets import chart_js, lightweight_charts_js

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-cache",  # asks each time whether it is still the same
}
MEDIA_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@dataclass(frozen=True)
class File:
    media_type: str
    content: bytes
    tag: str

    @classmethod
    def of(cls, name: str, text: str) -> "File":
        content = text.encode()
        media_type = MEDIA_TYPES[name.rpartition(".")[2]]
        return cls(media_type, content, f'"{hashlib.sha256(content).hexdigest()[:32]}"')

    def answer(self, request: Request) -> Response:
        """Returns the file, or 304 for a client that has it."""
        headers = HEADERS | {"etag": self.tag}
        if request.headers.get("if-none-match") == self.tag:
            return Response(status_code=304, headers=headers)
        return Response(self.content, headers=headers, media_type=self.media_type)


@cache
def files() -> Mapping[str, File]:
    """Returns the files of the page by name. Raises `ModuleNotFoundError` that names the extra without litecharts."""
    folder = resources.files("ziggy_async.api.dashboard") / "static"
    texts = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir() if path.is_file()}
    texts |= {"lightweight-charts.js": lightweight_charts_js(), "chart.js": chart_js()}
    return {name: File.of(name, text) for name, text in texts.items()}


@cache
def page(read_only: bool) -> File:
    """Returns the page; `read_only`: without what changes something."""
    text = files()["index.html"].content.decode()
    return File.of("index.html", text.replace('data-mode="full"', 'data-mode="read-only"') if read_only else text)


def file_named(name: str) -> File:
    found = files().get(name)
    if found is None or name == "index.html":
        raise HTTPException(404, "no such file")
    return found
