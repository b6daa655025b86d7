"""Which folder a tracking URI means."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode
from urllib.request import pathname2url

SCHEME = "mlruns"
DEFAULT = "mlruns"
INDEX = ("none", "checked", "ended")

_DRIVE = re.compile(r"/?[A-Za-z]:([\\/]|$)")


@dataclass(frozen=True)
class Location:
    """A store: the absolute path of its folder, whether it may be written, and how searches use an
    index: as ``--index`` of the command says, by default as the command does by itself."""

    path: str
    read_only: bool = False
    index: str = ""

    @property
    def uri(self) -> str:
        """The URI that means this location wherever it is read."""
        path = pathname2url(self.path)
        head = SCHEME + (":" if path.startswith("//") else "://")
        given = {"read_only": "1" if self.read_only else "", "index": self.index}
        query = urlencode({name: value for name, value in given.items() if value})
        return head + path + ("?" + query if query else "")


def parse(uri: str | os.PathLike[str]) -> Location:
    """Read a ``mlruns:`` URI, a ``file:`` URI or a path.

    ``mlruns:`` alone is ``./mlruns``; a relative path is taken from the present folder, ``~`` is
    the home folder, ``%20`` and its like are decoded. A plain path is taken as it stands.
    """
    text = os.fspath(uri)
    if isinstance(uri, os.PathLike):
        return _location(text)
    scheme, colon, rest = text.partition(":")
    if not colon or scheme.lower() not in (SCHEME, "file"):
        return _location(text)
    rest, _, query = rest.partition("?")
    read_only, index = False, ""
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in ("read_only", "index") or scheme.lower() == "file":
            raise ValueError(f"{text!r}: there is no parameter {key!r}")
        if key == "index":
            index = check_index(value)
            continue
        if value.lower() not in ("0", "1", "false", "true"):
            raise ValueError(f"{text!r}: read_only is 0 or 1, not {value!r}")
        read_only = value.lower() in ("1", "true")
    return _location(_path(text, unquote(rest)), read_only, index)


def check_index(mode: str) -> str:
    """Give a mode of the index back if it is one."""
    if mode not in INDEX:
        raise ValueError(f"index is one of {', '.join(INDEX)}, not {mode!r}")
    return mode


def _path(uri: str, rest: str) -> str:
    """The path of what stands after the scheme."""
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        if host in ("", "localhost"):
            rest = slash + path
        elif os.name != "nt":
            raise ValueError(f"{uri!r}: {host!r} is another machine; write {SCHEME}:///{host}/…")
    if os.name == "nt" and rest.startswith("/") and _DRIVE.match(rest):
        rest = rest[1:]
    return rest


def _location(path: str, read_only: bool = False, index: str = "") -> Location:
    return Location(os.path.abspath(Path(path or DEFAULT).expanduser()), read_only, index)
