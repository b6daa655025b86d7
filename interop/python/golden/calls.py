"""Calls of the store, which are kept with their errors."""

import re

from mlflow.entities import LoggedModelStatus
from mlflow.store.tracking.file_store import FileStore

import read

from . import ROOT, now


def store():
    return FileStore(ROOT, ROOT)


def sorted_sets(message):
    message = re.sub(r"\{('[^{}]*')\}", lambda m: "{" + ", ".join(sorted(m[1].split(", "))) + "}", message)
    return re.sub(r"\{('[^{}']*'(?:, '[^{}']*')*)(?!\})$", lambda m: "{" + ", ".join(sorted(m[1].split(", "))), message)


def told(e):
    """An error, with the sets that its text prints in order."""
    e = read.error(e)
    e["message"] = sorted_sets(e["message"])
    return e


def shown(a):
    if isinstance(a, float):
        return repr(a)
    if isinstance(a, str):
        return a if len(a) < 120 else {"len": len(a), "head": a[:20]}
    if a is None or isinstance(a, (int, bool)):
        return a
    if isinstance(a, (list, tuple)):
        return [shown(x) for x in a]
    if isinstance(a, dict):
        return {str(k): shown(v) for k, v in a.items()}
    if isinstance(a, LoggedModelStatus):
        return str(a)
    if hasattr(a, "to_dictionary"):
        return shown(a.to_dictionary())
    if hasattr(a, "__dict__"):
        return {k.lstrip("_"): shown(v) for k, v in vars(a).items()}
    return str(a)


ops = []


def do(op, *args, **kwargs):
    """Makes a call a second after the last one, and keeps it with its error."""
    now[0] += 1000
    call = {"op": op, "args": shown(args), "at": now[0]}
    if kwargs:
        call["kwargs"] = shown(kwargs)
    ops.append(call)
    try:
        found = getattr(store(), op)(*args, **kwargs)
    except Exception as e:
        call["error"] = told(e)
        return None
    if hasattr(found, "model_id"):
        call["model"] = found.model_id
    elif op in ("start_trace", "deprecated_start_trace_v2"):
        call["trace"] = found.request_id
    elif op == "create_assessment":
        call["assessment"] = found.assessment_id
    elif op in ("delete_traces", "create_experiment"):
        call["result"] = found
    elif op == "create_run":
        call["run"] = found.info.run_id
    return found
