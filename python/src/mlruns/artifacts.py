"""The artifacts of a store that is only read. Those of others MLflow reads and writes itself."""

from __future__ import annotations

from typing import Any, NoReturn

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from .uri import SCHEME


def read_only_uri(uri: str | None) -> str | None:
    """The URI by which artifacts in a local folder are only read."""
    if uri is None or not uri.startswith("file:"):
        return uri
    return SCHEME + uri[len("file") :]


class ReadOnlyArtifactRepository(LocalArtifactRepository):
    """A local folder of artifacts, without what writes."""

    def __init__(self, artifact_uri: str, *args: Any, **kwargs: Any) -> None:
        super().__init__("file" + artifact_uri[len(SCHEME) :], *args, **kwargs)

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise MlflowException(
            f"The store of {self.artifact_uri} was opened with read_only=1",
            error_code=PERMISSION_DENIED,
        )

    log_artifact = _refuse
    log_artifacts = _refuse
    delete_artifacts = _refuse
