"""MLflow's client on a plain mlruns folder, and the folder without MLflow.

With MLflow installed, one line is enough::

    mlflow.set_tracking_uri("mlruns:./mlruns")

Without it::

    import mlruns
    mlruns.open("./mlruns").runs("metrics.loss < 0.2 OR tags.keep = 'yes'").to_pandas()
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .direct import Store

__all__ = ["MlrunsError", "__version__", "activate", "open"]

__version__ = "0.1.0"


class MlrunsError(Exception):
    """Something that the store refused or that went wrong; ``code`` is MLflow's error code."""

    def __init__(self, message: str, code: str = "INTERNAL_ERROR") -> None:
        super().__init__(message)
        self.code = code


def open(path: str | os.PathLike[str] = "mlruns", *, index: str | None = None) -> Store:
    """Open a store to read it: a folder, or its ``mlruns:`` or ``file:`` URI. It stays as it is.

    ``index`` is how searches use an index in the user's cache directory: ``none``, ``checked``
    (it never changes an answer) or ``ended``, as ``--index`` of the command; docs/index.md has it.
    """
    from .direct import Store

    return Store(path, index)


def activate(uri: str | os.PathLike[str] | None = None) -> None:
    """Have MLflow use this package for ``file:`` URIs and plain paths too, in this process.

    For programs whose tracking URI cannot be changed; ``MLRUNS_TAKE_FILE=1`` in the environment
    does the same without a line of code. With ``uri``, that becomes the tracking URI.
    """
    from ._plugin import take_files

    take_files()
    if uri is not None:
        import mlflow

        mlflow.set_tracking_uri(os.fspath(uri))
