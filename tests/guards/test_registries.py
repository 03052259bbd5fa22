"""No committed file names a package registry: each machine brings its own."""

import json
import re
from pathlib import Path

from tests.guards.sources import ROOT, committed, name

#: Written in two pieces, so that this file does not name them either.
REGISTRIES = [
    "py" + "pi.org",
    "python" + "hosted.org",
    "registry." + "npmjs",
    "registry." + "yarnpkg",
    "deb." + "debian.org",
    "security." + "debian.org",
]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def test_no_file_names_a_registry() -> None:
    found = [f"{name(path)}: {host}" for path in committed() for host in REGISTRIES if host in text(path)]
    assert found == []


def test_python_locks_hold_no_address_and_a_hash_for_everything() -> None:
    assert LOCKS
    for path in LOCKS:
        assert "://" not in text(path), name(path)
        for entry in re.split(r"\n(?=\w)", text(path)):
            assert "--hash=sha256:" in entry, f"{name(path)}: {entry.splitlines()[0]}"


def test_all_locks_agree_on_every_version() -> None:
    pins: dict[str, set[str]] = {}
    for path in LOCKS:
        for package, version in re.findall(r"^([\w.-]+)==(\S+)", text(path), re.MULTILINE):
            pins.setdefault(package, set()).add(version)
    assert {package: versions for package, versions in pins.items() if len(versions) > 1} == {}


def test_the_lock_of_the_pages_holds_a_hash_and_no_address_of_a_package() -> None:
    packages = json.loads(text(ROOT / "pages" / "package-lock.json"))["packages"]
    assert [path for path, entry in packages.items() if "resolved" in entry] == []
    assert [
        path for path, entry in packages.items() if path and not entry.get("link") and "integrity" not in entry
    ] == []
