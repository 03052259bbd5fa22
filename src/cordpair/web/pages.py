"""What all pages share: templates, built assets under hashed names, and the headers that every answer carries."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import jinja2
import msgspec
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HERE = Path(__file__).parent
BUILT = HERE / "static" / "built"

#: Who may frame a page: Teams, Microsoft 365 and Outlook, as Microsoft's requirements for tabs name them.
FRAMES = (
    "https://*.cloud.microsoft",
    "https://teams.microsoft.com",
    "https://*.teams.microsoft.com",
    "https://*.microsoft365.com",
    "https://*.office.com",
    "https://outlook.office.com",
    "https://outlook.office365.com",
)

#: No inline script or style, nothing from anywhere else.
CONTENT_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        f"frame-ancestors {' '.join(FRAMES)}",
    ]
)

LANGUAGES = ("en", "de")
THEMES = ("dark", "contrast", "light")


class PagesNotBuilt(RuntimeError):
    """The browser's part of the pages is not there. Ends the start with one clear line."""


@cache
def assets() -> dict[str, str]:
    """Built file names by their name without hash. Raises PagesNotBuilt."""
    try:
        return msgspec.json.decode((BUILT / "manifest.json").read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        raise PagesNotBuilt("the pages are not built: run python tools/build_pages.py") from None


def templates() -> jinja2.Environment:
    """The templates: everything is escaped, a name that is not given is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = lambda name: f"/static/{assets()[name]}"
    return environment


def static_files() -> Mount:
    """The built files, cached for good: their names change with their contents. Raises PagesNotBuilt."""
    assets()
    files = StaticFiles(directory=BUILT)
    return Mount("/static", app=SecureHeaders(files, cache="public, max-age=31536000, immutable"))


class SecureHeaders:
    """Middleware: security headers on every answer, errors included. HSTS where `public_url` is https.

    A header that the answer has already stays: a route may be wrapped, and the whole application once more.
    """

    def __init__(self, app: ASGIApp, *, public_url: str = "", cache: str = "no-store") -> None:
        self.app = app
        self.headers = {
            "content-security-policy": CONTENT_POLICY,
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cross-origin-resource-policy": "same-origin",
            "permissions-policy": "camera=(), geolocation=(), microphone=()",
            "cache-control": cache,
        }
        if urlsplit(public_url).scheme == "https":
            self.headers["strict-transport-security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)


def language_of(request: Request) -> str:
    """The page's language: `?lang=`, else the best of Accept-Language, else English."""
    asked = request.query_params.get("lang", "")
    if asked in LANGUAGES:
        return asked
    return best_language(request.headers.get("accept-language", ""))


def best_language(header: str) -> str:
    """The language of ours that an Accept-Language header likes best; English when it names none."""
    wishes = [(quality, -place, tag) for place, (tag, quality) in enumerate(_wishes(header.split(",")[:20]))]
    ours = [(quality, place, tag) for quality, place, tag in wishes if tag in LANGUAGES and quality > 0]
    return max(ours)[2] if ours else "en"


def _wishes(parts: Sequence[str]) -> list[tuple[str, float]]:
    wishes = []
    for part in parts:
        tag, _, weight = part.strip().partition(";q=")
        try:
            wishes.append((tag.split("-")[0].lower(), float(weight or 1)))
        except ValueError:
            continue
    return wishes


def theme_of(request: Request) -> str:
    """The theme asked for by `?theme=` (Teams' own words: default, dark, contrast), or an empty text: the system's."""
    asked = request.query_params.get("theme", "")
    return "light" if asked == "default" else asked if asked in THEMES else ""
