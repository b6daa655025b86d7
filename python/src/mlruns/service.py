"""The calls of a store: whatever happens to its server, each is answered by one."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from . import MlrunsError
from .process import Identity, dial
from .transport import Connection, ConnectionLost, Pool
from .uri import Location

API = "/api/2.0/mlflow/"

# How often a call is tried when servers go away under it.
ATTEMPTS = 4
# How long a call waits for locks that somebody holds, which the server answers with 503.
PATIENCE = 120.0


class Service:
    """The calls of one store, from any thread and any child of this process."""

    def __init__(self, location: Location, instead: Location | None = None) -> None:
        self.location = location
        self._instead = instead
        self._identity: Identity | None = None
        self._pool = Pool(self._dial)

    def get(self, call: str, **query: Any) -> Any:
        """Ask a call of MLflow's interface; a parameter that is None is left out."""
        given = {name: value for name, value in query.items() if value is not None}
        return self.send("GET", f"{API}{call}?{urlencode(given, doseq=True, quote_via=quote)}")

    def post(self, call: str, body: dict[str, Any], repeatable: bool = True) -> Any:
        return self.send("POST", API + call, body, repeatable)

    def send(
        self, method: str, target: str, body: dict[str, Any] | None = None, repeatable: bool = True
    ) -> Any:
        """Send a call and give the JSON of its answer.

        It is sent again when the server went away before it answered. One that is not repeatable
        is so only if it cannot have been carried out; otherwise ``ConnectionLost`` is raised.
        """
        data = None if body is None else json.dumps(body).encode()
        deadline = time.monotonic() + PATIENCE
        attempt, pause = 0, 0.5
        while True:
            self._check_identity()
            try:
                response = self._pool.request(method, target, data)
            except ConnectionLost as err:
                self._pool.close()
                attempt += 1
                if err.sent and not repeatable:
                    raise
                if attempt == ATTEMPTS:
                    raise MlrunsError(
                        f"The server of {self.location.path} goes away: {err}"
                    ) from err
                continue
            if response.status == 503 and response.retry_after and time.monotonic() < deadline:
                time.sleep(pause)
                pause = min(2 * pause, 8.0)
                continue
            if response.status != 200:
                raise _refusal(response.status, response.body)
            return json.loads(response.body)

    def _dial(self) -> Connection:
        assert self._identity is not None
        return dial(self.location, self._identity, self._instead)

    def _check_identity(self) -> None:
        """Leave the server of a folder that is not the one at the store's path any more."""
        path = self.location.path
        try:
            identity = Identity.of(path)
        except FileNotFoundError:
            if self.location.read_only:
                message = f"There is no store at {path}"
                raise MlrunsError(message, "RESOURCE_DOES_NOT_EXIST") from None
            os.makedirs(path, exist_ok=True)
            identity = Identity.of(path)
        if identity != self._identity:
            self._identity = identity
            self._pool.close()


def _refusal(status: int, body: bytes) -> MlrunsError:
    try:
        told = json.loads(body)
        return MlrunsError(told["message"], told["error_code"])
    except (ValueError, KeyError, TypeError):
        return MlrunsError(f"answered {status} {body[:200]!r}")


_services: dict[tuple[Location, bool], Service] = {}
_lock = threading.Lock()


def service(location: Location) -> Service:
    """The service of a store, one for the whole process."""
    with _lock:
        return _services.setdefault((location, False), Service(location))


def reader(location: Location) -> Service:
    """A service that is only asked to read, of whichever server of the store there is."""
    read_only = replace(location, read_only=True)
    writing = replace(location, read_only=False)
    with _lock:
        return _services.setdefault((read_only, True), Service(read_only, writing))


def _after_fork() -> None:
    global _lock  # noqa: PLW0603 (another thread may have held it)
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
