"""Where in a TOML text each key stands.

The standard library reads TOML without saying where. A text that it has read is looked through once more here for the
places alone. What is no TOML has been refused before: strings, brackets and keys are all that there is to tell apart.
"""

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator, Mapping

import msgspec

#: Keys of tables and numbers of list items, from the outside in.
KeyPath = tuple[str | int, ...]


class Place(msgspec.Struct, frozen=True):
    """A place in a file. Line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_PART = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|[A-Za-z0-9_-]+')
_BLANKS = re.compile(r"[ \t]+")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'',
    re.DOTALL,
)
_BARE = re.compile(r"[^,\]}\n#]+")


def toml_places(file: str, text: str) -> Mapping[KeyPath, Place]:
    """The place of every key and every list item of a TOML text that `tomllib` can read."""
    scan = _Scan(file, text)
    scan.document()
    return scan.places


class _Scan:
    def __init__(self, file: str, text: str) -> None:
        self._file, self._text, self._at = file, text, 0
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]
        self._lists: dict[KeyPath, int] = {}  # lists of tables, with the number of their newest item
        self.places: dict[KeyPath, Place] = {}

    def document(self) -> None:
        table: KeyPath = ()
        for _ in self._items():
            if self._text.startswith("[", self._at):
                table = self._header()
            else:
                self._entry(table)

    def _header(self) -> KeyPath:
        start = self._at
        is_list = self._text.startswith("[[", start)
        self._at += 2 if is_list else 1
        *outer, last = self._key()
        self._at = self._text.index("]", self._at) + (2 if is_list else 1)
        path = (*self._resolved((), outer), last)
        if is_list:
            self._note(path, start)
            self._lists[path] = self._lists.get(path, -1) + 1
            path = (*path, self._lists[path])
        self._note(path, start)
        return path

    def _entry(self, table: KeyPath) -> None:
        start = self._at
        *outer, last = self._key()
        path = (*self._resolved(table, outer), last)
        self._note(path, start)
        self._at = self._text.index("=", self._at) + 1
        self._skip(_BLANKS)
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        if self._text.startswith("[", self._at):
            self._at += 1
            for number, start in enumerate(self._items("]")):
                self._note((*path, number), start)
                self._value((*path, number))
        elif self._text.startswith("{", self._at):
            self._at += 1
            for _ in self._items("}"):
                self._entry(path)
        elif not self._skip(_STRING):
            self._skip(_BARE)

    def _items(self, end: str = "") -> Iterator[int]:
        """The beginning of each entry or item, up to `end` (of the text, where that is empty), which is passed over."""
        while True:
            self._skip(_SPACE)
            if self._at >= len(self._text):
                return
            if end and self._text[self._at] in f",{end}":
                self._at += 1
                if self._text[self._at - 1] == end:
                    return
                continue
            yield self._at

    def _key(self) -> list[str]:
        parts: list[str] = []
        while True:
            self._skip(_BLANKS)
            match = _PART.match(self._text, self._at)
            if match is None:
                raise ValueError(f"no key at {self._at}")
            self._at = match.end()
            quoted = match[0][0] in "\"'"
            parts.append(next(iter(tomllib.loads(f"{match[0]} = 0"))) if quoted else match[0])
            if not self._skip(_DOT):
                return parts

    def _resolved(self, table: KeyPath, keys: list[str]) -> KeyPath:
        """Where `keys` lead from `table`: into the newest item of each list on the way."""
        for key in keys:
            table = (*table, key)
            self._note(table, self._at)
            if table in self._lists:
                table = (*table, self._lists[table])
        return table

    def _note(self, path: KeyPath, start: int) -> None:
        if path not in self.places:
            line = bisect_right(self._lines, start) - 1
            self.places[path] = Place(self._file, line + 1, start - self._lines[line] + 1)

    def _skip(self, pattern: "re.Pattern[str]") -> bool:
        match = pattern.match(self._text, self._at)
        if match is None or match.end() == self._at:
            return False
        self._at = match.end()
        return True
