"""What MLflow finds by its entry points. It is imported in the middle of MLflow's own import."""

from __future__ import annotations

import os
import sys
from typing import Any

_UTILS = "mlflow.tracking._tracking_service.utils"


def tracking_store(store_uri: str, artifact_uri: str | None = None) -> Any:
    """Make the tracking store of an ``mlruns:`` URI, or of what ``activate`` took over."""
    from .store import MlrunsStore

    return MlrunsStore(store_uri)


def artifact_repository(artifact_uri: str, *args: Any, **kwargs: Any) -> Any:
    """Make the artifact repository of a run of a store that is only read."""
    from .artifacts import ReadOnlyArtifactRepository

    return ReadOnlyArtifactRepository(artifact_uri, *args, **kwargs)


def take_files() -> None:
    """Have ``file:`` URIs and plain paths mean this package's store."""
    import mlflow.tracking  # noqa: F401 (it makes the table of stores)

    _take_files()


def _take_files() -> None:
    registry = sys.modules[_UTILS]._tracking_store_registry
    for scheme in ("file", ""):
        registry.register(scheme, tracking_store)
    # Stores that were made before for such a URI.
    type(registry)._get_store_with_resolved_uri.cache_clear()


if os.environ.get("MLRUNS_TAKE_FILE", "").lower() in ("1", "true") and _UTILS in sys.modules:
    _take_files()
