"""Traces: of the generation that this version writes, in each state, with tags, metadata, assessments and spans."""

import contextlib

import mlflow

from . import T0, V3_TRACES, VERSION, now, seeded
from .calls import do, ops, shown, store, told


def spans(name, **attributes):
    """What traces.json holds, made by MLflow's own spans."""
    mlflow.set_experiment(experiment_id=attributes.pop("experiment"))
    tags = attributes.pop("tags", {})
    bad = attributes.pop("bad", False)
    with mlflow.start_span(name, span_type="CHAIN", attributes=attributes) as root:
        root.set_inputs({"question": "what? ünï 🚀", "n": [1, 2.5, None, True]})
        now[0] += 7
        with mlflow.start_span("child") as child:
            child.set_inputs("in")
            now[0] += 5
            child.set_outputs(["out", {"a": "b\nc"}])
        mlflow.update_current_trace(tags=tags)
        root.set_outputs({"answer": "that" * 3})
        if bad:
            root.set_status("ERROR")
        now[0] += 1
    return root.request_id if VERSION < (3, 2) else root.trace_id


def begin(experiment, at, took, state, metadata=None, tags=None, preview=(None, None), client=None, id=None):
    """A trace of this version's generation, as the server is told of it."""
    if not V3_TRACES:
        from mlflow.entities.trace_status import TraceStatus

        now[0] += 1000
        call = {"op": "start_trace", "args": shown([experiment, at, metadata or {}, dict(tags or {})])}
        ops.append(call)
        try:
            t = store().start_trace(experiment, at, dict(metadata or {}), dict(tags or {}))
        except Exception as e:
            call["error"] = told(e)
            return None
        call["trace"] = t.request_id
        if state != "IN_PROGRESS":
            do("end_trace", t.request_id, at + took, TraceStatus(state.replace("STATE_UNSPECIFIED", "TRACE_STATUS_UNSPECIFIED")), {"ended": "yes"}, {"end": "1"})
        return t.request_id
    from mlflow.entities.trace_info import TraceInfo
    from mlflow.entities.trace_location import TraceLocation
    from mlflow.entities.trace_state import TraceState

    info = TraceInfo(
        trace_id=id or "tr-%032x" % seeded.getrandbits(128),
        trace_location=TraceLocation.from_experiment_id(experiment),
        request_time=at,
        state=TraceState(state),
        request_preview=preview[0],
        response_preview=preview[1],
        client_request_id=client,
        execution_duration=took,
        trace_metadata=dict(metadata or {}),
        tags=dict(tags or {}),
    )
    t = do("start_trace", info)
    return t.trace_id if t else None


def write_traces(E, R):
    T, m = {}, E["traces"]
    T["ok"] = spans("first", experiment=m, tags={"color": "red"}, k="v")
    with contextlib.nullcontext() if VERSION < (3, 2) else mlflow.start_run(R["traced"]):
        T["bad"] = spans("second", experiment=m, bad=True)
    T["plain"] = begin(m, T0 + 100, 50, "OK", {"mlflow.sourceRun": R["traced"], "mlflow.modelId": "m-1", "k": "v"}, {"mlflow.traceName": "third", "color": "red", "size": "L"}, ("in", "out"), "client-1")
    T["same"] = begin(m, T0 + 100, 50, "OK", {"k": "w"}, {"mlflow.traceName": "fourth", "color": "Red", "ünï": "🚀"}, ('{"q": "ü"}', "'"), "client-2")
    T["error"] = begin(m, T0 + 5000, 9, "ERROR", {"k": "v", "multi": "a\nb\n"}, {"mlflow.traceName": "Third", "color": "blue", "empty": ""})
    T["open"] = begin(m, T0 + 123456, None, "IN_PROGRESS", {}, {"mlflow.traceName": "open", "long": "t" * 5000})
    T["nothing"] = begin(m, T0 + 123456, 0, "STATE_UNSPECIFIED")
    T["early"] = begin(m, 1, 2**40, "OK", {"k": "z" * 300}, {"name": "a tag called name", "timestamp_ms": "5", "status": "green", "run_id": "x"})
    T["other"] = begin(E["grid"], T0 + 77, 3, "OK", {"k": "v"}, {"mlflow.traceName": "other", "color": "red"})
    T["located"] = begin(E["located"], T0 + 78, 4, "OK")
    if V3_TRACES:
        T["old"] = do("deprecated_start_trace_v2", m, T0 + 300, {"k": "v"}, {"mlflow.traceName": "old way"}).request_id
        T["odd-id"] = begin(E["odd"], T0, 1, "OK", id="any name")
        begin(E["odd"], T0, 1, "OK", id="any name")
    begin("424242", T0, 1, "OK")
    begin("nope!", T0, 1, "OK")
    begin(E["gone"], T0, 1, "OK")
    begin(E["odd"], T0, 1, "OK", {}, {"bad!": "x"})
    begin(E["odd"], T0, 1, "OK", {"bad!": "x"}, {"good": "x"})
    begin(E["odd"], T0, 1, "OK", {}, {"a/b": "x"})  # no folder is made for a key with a slash, so that half a trace stays
    begin(E["odd"], 2**53 + 1, 1, "OK")
    begin(E["odd"], 253402300799999, 1, "OK")
    begin(E["odd"], -5, 1, "OK")

    do("set_trace_tag", T["plain"], "late", "1")
    do("set_trace_tag", T["plain"], "color", "green")
    do("set_trace_tag", T["plain"], "color", "red")
    do("set_trace_tag", T["plain"], "none", None)
    do("set_trace_tag", T["plain"], "mlflow.artifactLocation", store().get_trace_info(T["plain"]).tags["mlflow.artifactLocation"])
    do("set_trace_tag", T["plain"], "bad!", "1")
    do("set_trace_tag", T["plain"], "a/../b", "1")
    do("set_trace_tag", "nope", "a", "1")
    do("set_trace_tag", T["plain"], "gone", "1")
    do("delete_trace_tag", T["plain"], "gone")
    do("delete_trace_tag", T["plain"], "gone")
    do("delete_trace_tag", T["plain"], "bad!")
    do("delete_trace_tag", "nope", "a")
    for bad in ("nope", "", "..", "tr-" + "0" * 32):
        do("get_trace_info", bad)
    for args in (
        {"max_timestamp_millis": None},
        {"max_timestamp_millis": 5, "trace_ids": ["x"]},
        {"trace_ids": []},
        {"max_traces": 1, "trace_ids": ["x"]},
        {"max_timestamp_millis": 5, "max_traces": 0},
        {"max_timestamp_millis": 5, "max_traces": -1},
    ):
        do("delete_traces", m, **by_version(args))
    d = E["deletions"]
    ids = [begin(d, T0 + i, 1, "OK") for i in (5, 3, 4, 3, 1, 2)]
    do("delete_traces", d, **by_version({"trace_ids": [ids[0], "nope", ids[0]]}))
    do("delete_traces", d, **by_version({"trace_ids": [T["plain"]]}))
    do("delete_traces", d, max_timestamp_millis=T0 + 2, max_traces=1)
    do("delete_traces", d, max_timestamp_millis=0)
    do("delete_traces", d, max_timestamp_millis=T0 + 3)
    do("delete_traces", d, max_timestamp_millis=T0 + 4, max_traces=7)
    do("delete_traces", "424242", max_timestamp_millis=5)
    if V3_TRACES:
        assess(E, T, R)
    return T


def by_version(args):
    if VERSION < (3, 2) and "trace_ids" in args:
        args["request_ids"] = args.pop("trace_ids")
    return args


def assess(E, T, R):
    from mlflow.entities import AssessmentSource, Expectation, Feedback
    from mlflow.entities.assessment_error import AssessmentError

    human, judge = AssessmentSource("HUMAN", "bob@example.org"), AssessmentSource("LLM_JUDGE", "gpt")
    a = {}
    t = T["plain"]
    a["yes"] = do("create_assessment", Feedback("correct", True, source=human, trace_id=t, rationale="it's so: x", metadata={"a": "b", "mlflow.assessment.sourceRunId": R["traced"]}, span_id="s1"))
    a["no"] = do("create_assessment", Feedback("correct", False, source=human, trace_id=t, overrides=a["yes"].assessment_id))
    do("create_assessment", Feedback("score", 0.75, source=judge, trace_id=t))
    do("create_assessment", Feedback("many", {"a": [1, "x", None], "b": {"c": 2.5}}, source=judge, trace_id=t))
    do("create_assessment", Feedback("failed", None, error=AssessmentError("E1", "message", "trace"), source=judge, trace_id=t))
    do("create_assessment", Expectation("answer", "42", source=human, trace_id=t))
    a["list"] = do("create_assessment", Expectation("answers", ["a", {"b": 1}], source=human, trace_id=T["same"]))
    a["gone"] = do("create_assessment", Feedback("gone", "x", source=human, trace_id=T["same"]))
    do("update_assessment", T["same"], a["list"].assessment_id, name="new name", metadata={"k": "v"})
    do("update_assessment", T["same"], a["gone"].assessment_id, expectation=a["list"].expectation)
    do("update_assessment", T["same"], a["list"].assessment_id, feedback=a["gone"].feedback)
    do("update_assessment", T["same"], "a-nope", name="x")
    do("delete_assessment", T["same"], a["gone"].assessment_id)
    do("delete_assessment", T["same"], a["gone"].assessment_id)
    do("delete_assessment", "nope", "a-nope")
    do("get_assessment", T["same"], "a-nope")
    do("get_assessment", "nope", "a-nope")
    do("create_assessment", Feedback("x", 1, source=human, trace_id="nope"))
    do("create_assessment", Feedback("x", 1, source=human, trace_id=T["same"], overrides="a-nope"))
    b = do("create_assessment", Feedback("b", 1, source=human, trace_id=T["error"]))
    c = do("create_assessment", Feedback("b", 2, source=human, trace_id=T["error"], overrides=b.assessment_id))
    do("delete_assessment", T["error"], c.assessment_id)
    do("create_assessment", Feedback("old generation", 1, source=human, trace_id=T["old"]))
