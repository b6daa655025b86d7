from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlruns.uri import Location, parse


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("mlruns:", "HERE/mlruns"),
        ("mlruns:./mlruns", "HERE/mlruns"),
        ("mlruns:.", "HERE"),
        ("mlruns:a/../b", "HERE/b"),
        ("mlruns:my runs", "HERE/my runs"),
        ("mlruns:my%20runs", "HERE/my runs"),
        ("mlruns:100%", "HERE/100%"),
        ("mlruns:///abs/path", "/abs/path"),
        ("mlruns:/abs/path/", "/abs/path"),
        ("mlruns://localhost/abs", "/abs"),
        ("MLRUNS:x", "HERE/x"),
        ("file:///abs/my%20runs", "/abs/my runs"),
        ("file:x", "HERE/x"),
        ("./mlruns", "HERE/mlruns"),
        ("/abs/100%20", "/abs/100%20"),
        ("", "HERE/mlruns"),
        ("mlruns:~/x", os.path.expanduser("~/x")),
        (Path("a"), "HERE/a"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="paths of POSIX")
def test_paths(text, path):
    assert parse(text) == Location(path.replace("HERE", os.getcwd()))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (r"mlruns:C:\data\mlruns", r"C:\data\mlruns"),
        ("mlruns:C:/data/mlruns", r"C:\data\mlruns"),
        ("mlruns:///C:/data/my%20runs", r"C:\data\my runs"),
        ("mlruns:/C:/data", r"C:\data"),
        (r"C:\data", r"C:\data"),
        (r"mlruns:\\server\share\m", r"\\server\share\m"),
        ("mlruns://server/share/m", r"\\server\share\m"),
    ],
)
def test_paths_of_windows(text, path, monkeypatch):
    if os.name != "nt":
        import ntpath
        import pathlib

        monkeypatch.setattr("mlruns.uri.os.name", "nt")
        monkeypatch.setattr("mlruns.uri.os.path.abspath", lambda p: ntpath.normpath(str(p)))
        monkeypatch.setattr("mlruns.uri.Path", pathlib.PureWindowsPath)
        monkeypatch.setattr(pathlib.PureWindowsPath, "expanduser", lambda self: self, raising=False)
    assert parse(text) == Location(path)


@pytest.mark.parametrize("value", ["1", "true", "True"])
def test_read_only(value):
    assert parse(f"mlruns:x?read_only={value}").read_only
    assert not parse("mlruns:x?read_only=0").read_only


def test_index():
    assert parse("mlruns:x?index=checked").index == "checked"
    both = parse("mlruns:x?index=ended&read_only=1")
    assert (both.index, both.read_only) == ("ended", True)
    assert parse("mlruns:x").index == ""
    assert parse(both.uri) == both


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("mlruns:x?index=1", "index is one of none, checked, ended, not '1'"),
        ("mlruns:x?read_only=yes", "read_only is 0 or 1, not 'yes'"),
        ("mlruns:x?readonly=1", "no parameter 'readonly'"),
        ("mlruns://host/x", "'host' is another machine"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="hosts are shares there")
def test_what_is_refused(text, named):
    with pytest.raises(ValueError, match=named):
        parse(text)
