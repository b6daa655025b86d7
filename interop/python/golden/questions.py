"""Searches of models and traces, and what MLflow answers."""

import models

from .calls import sorted_sets, store

MODEL_FILTERS = """
name = 'alpha'
name != 'alpha'
name = "alpha"
name = alpha
`name` = 'alpha'
attributes.name = 'alpha'
attribute.name = 'alpha'
attr.name = 'alpha'
run.name = 'alpha'
model.name = 'alpha'
Name = 'alpha'
name LIKE 'al%'
name like 'AL%'
name ILIKE 'AL%'
name ILIKE '%A'
name LIKE '%pha'
name LIKE 'a_pha'
name LIKE 'pending one'
name LIKE '%🚀%'
name LIKE '%z'
name > 'b'
name <= 'beta'
name IN ('alpha', 'beta')
name IN ('alpha')
name IN ('ALPHA')
name IN ('alpha', 'ALPHA')
name NOT IN ('alpha', 'beta')
name not in ('alpha')
name IN ()
name IN (1, 2)
name IN ('alpha', 1)
name IS NULL
name = ''
name = 'it''s'
model_id = '@alpha'
model_id != '@alpha'
model_id IN ('@alpha', '@beta')
model_id LIKE 'm-%'
model_type = 'agent'
model_type != 'agent'
model_type = ''
model_type LIKE '%ent'
model_type ILIKE 'AGENT'
model_type IN ('agent', 'torch')
model_type IS NULL
status = 'READY'
status = 'ready'
status != 'READY'
status = 'LOGGED_MODEL_READY'
status = 'PENDING'
status = 'UNSPECIFIED'
status = 2
status LIKE 'READ%'
status IN ('READY', 'FAILED')
status IN ('ready')
source_run_id = '@one'
source_run_id != '@one'
source_run_id = 'no-such-run'
source_run_id IN ('@one', '@two')
creation_timestamp > 1700000010000
creation_timestamp >= @created
creation_timestamp = @created
creation_timestamp != @created
creation_timestamp < 1.5
creation_timestamp > '5'
creation_timestamp LIKE '1%'
creation_timestamp IN ('1')
attributes.creation_timestamp > 0
creation_time > 0
last_updated_timestamp > @created
last_updated_time > 0
created > 0
experiment_id = '1'
lifecycle_stage = 'active'
artifact_location = 'x'
start_time > 0
run_id = '@one'
status_message = 'x'
metrics.acc > 0.5
metrics.acc >= 0.9
metrics.acc = 0.2
metrics.acc != 0.2
metrics.acc < 100
metrics.acc <= -1
metric.acc > 0.5
metrics.loss > 1e300
metrics.loss < -1e300
metrics.`val/acc` = 0.5
metrics.val/acc = 0.5
metrics."val/acc" = 0.5
metrics.`sp ace` > 1
metrics.`sp ace` = 0
metrics.損失 > 0
metrics.`損失` > 0
metrics.late = 1
metrics.late = 3
metrics.nope = 1
metrics.acc > '0.5'
metrics.acc > abc
metrics.acc LIKE '1'
metrics.acc IN (1)
metrics.acc IS NULL
params.lr = '0.1'
params.lr = "0.1"
params.lr = 0.1
params.lr != '0.1'
params.lr = ''
params.lr LIKE '0.1%'
params.lr ILIKE '1E%'
params.LR = '0.1'
param.lr = '0.1'
parameters.lr = '0.1'
parameter.lr = '0.1'
params.lr > '0.1'
params.lr IN ('0.1')
params.lr IS NULL
params.lr IS NOT NULL
params.`a/b` = 'nested'
params.a/b = 'nested'
params.`sp ace` = 'x'
params.`損失` LIKE 'ü'
params.nl LIKE 'a%'
params.quote LIKE '%q%'
tags.team = 'red'
tags.team != 'red'
tag.team = 'red'
tags.team LIKE 'R%'
tags.team ILIKE 'r%'
tags.team = ''
tags.team IN ('red')
tags.team IS NULL
tags.`mlflow.note.content` LIKE '# %'
tags.mlflow.note.content LIKE '#%'
tags.`t.o/p` = '1'
tags.team = red
datasets.name = 'train'
dataset.name = 'train'
name = 'alpha' AND params.lr = '0.1'
name = 'alpha' and metrics.acc > 0.5 AND tags.team = 'red'
name = 'alpha' OR name = 'beta'
NOT name = 'alpha'
(name = 'alpha')
name = 'alpha' AND
AND name = 'alpha'
name = 'alpha' AND AND status = 'READY'
name = 'alpha'; name = 'beta'
name == 'alpha'
name <> 'alpha'
'alpha' = name
name
name BETWEEN 'a' AND 'b'
foo = 'x'
foo.bar = 'x'
params.lr
= 'x'
'
   
name='alpha'
name  =  'alpha'
""".split("\n")[1:-1]

MODEL_ORDERS = [
    [{"field_name": f, "ascending": a}]
    for f in (
        "name",
        "model_id",
        "model_type",
        "status",
        "source_run_id",
        "creation_timestamp",
        "creation_time",
        "last_updated_timestamp",
        "last_updated_time",
        "metrics.acc",
        "metrics.loss",
        "metrics.late",
        "metrics.val/acc",
        "metrics.`val/acc`",
        "metrics.sp ace",
        "metrics.nope",
    )
    for a in (True, False)
] + [
    [{"field_name": " name "}],
    [{"field_name": "Name"}],
    [{"field_name": "metric.acc"}],
    [{"field_name": "params.lr"}],
    [{"field_name": "tags.team"}],
    [{"field_name": "attributes.name"}],
    [{"field_name": ""}],
    [{"field_name": "bogus"}],
    [{"field_name": "experiment_id"}],
    [{"field_name": None}],
    [{}],
    ["name"],
    ["name DESC"],
    [{"field_name": "name", "ascending": "yes"}],
    [{"field_name": "name", "ascending": 1}],
    [{"field_name": "name", "ascending": 0}],
    [{"field_name": "name", "ascending": None}],
    [{"field_name": "name", "dataset_name": "train"}],
    [{"field_name": "metrics.acc", "dataset_name": "train"}],
    [{"field_name": "metrics.acc", "dataset_name": "train", "ascending": False}],
    [{"field_name": "metrics.acc", "dataset_name": "train", "dataset_digest": "d2"}],
    [{"field_name": "metrics.acc", "dataset_name": "test", "dataset_digest": "d1", "ascending": False}],
    [{"field_name": "metrics.late", "dataset_name": "train"}],
    [{"field_name": "metrics.acc", "dataset_name": "nope"}],
    [{"field_name": "metrics.acc", "dataset_digest": "d1"}],
    [{"field_name": "metrics.acc", "dataset_name": "", "dataset_digest": ""}],
    [{"field_name": "name"}, {"field_name": "creation_timestamp"}],
    [{"field_name": "name", "ascending": False}, {"field_name": "model_id", "ascending": False}],
    [{"field_name": "name"}, {"field_name": "metrics.acc"}],
    [{"field_name": "creation_timestamp"}, {"field_name": "model_id", "ascending": False}],
]

DATASETS = [
    (None, [{"dataset_name": "train"}]),
    (None, [{"dataset_name": "train", "dataset_digest": "d2"}]),
    (None, [{"dataset_name": "train", "dataset_digest": None}]),
    (None, [{"dataset_name": "test", "dataset_digest": ""}]),
    (None, [{"dataset_name": "nope"}]),
    (None, [{"dataset_name": "train"}, {"dataset_name": "データ"}]),
    (None, [{"dataset_name": "train"}, {}]),
    (None, [{"dataset_digest": "d1"}]),
    (None, [{"dataset_name": ""}]),
    ("metrics.acc > 0.5", [{"dataset_name": "train"}]),
    ("metrics.acc > 0.5", [{"dataset_name": "test"}]),
    ("metrics.acc > 0.5", [{"dataset_name": "train", "dataset_digest": "d1"}]),
    ("metrics.acc < 0.5", [{"dataset_name": "train", "dataset_digest": "d2"}]),
    ("metrics.acc > 0.5", [{"dataset_name": "test"}, {"dataset_name": "train"}]),
    ("metrics.acc > 0.5 AND metrics.loss < 1", [{"dataset_name": "train"}]),
    ("metrics.loss < 1", [{"dataset_name": "train"}]),
    ("name = 'alpha'", [{"dataset_name": "train"}]),
    ("params.lr = '0.01'", [{"dataset_name": "test"}]),
    ("bogus = 'x'", [{"dataset_name": "train"}]),
]

TRACE_FILTERS = """
status = 'OK'
status = 'ok'
status != 'OK'
status = 'ERROR'
status = 'IN_PROGRESS'
status = 'STATE_UNSPECIFIED'
status = 'TRACE_STATUS_UNSPECIFIED'
status IN ('OK', 'ERROR')
status IN ('ok')
status NOT IN ('OK')
status LIKE 'O%'
status ILIKE 'o%'
status RLIKE 'O'
status > 'A'
state = 'OK'
trace.status = 'OK'
attributes.status = 'OK'
attribute.status = 'OK'
attr.status = 'OK'
traces.status = 'OK'
`status` = 'OK'
trace.`status` = 'OK'
status = "OK"
status = OK
name = 'third'
name != 'third'
name LIKE 'th%'
name ILIKE 'TH%'
name RLIKE 'th.*'
name IN ('third', 'fourth')
name NOT IN ('third')
name IS NULL
name IS NOT NULL
trace.name = 'third'
NAME = 'third'
tags.name = 'a tag called name'
tags.name = 'third'
tags.`mlflow.traceName` = 'third'
tags.mlflow.traceName = 'third'
tag.mlflow.traceName = 'third'
run_id = '@traced'
trace.run_id = '@traced'
run_id != '@traced'
run_id IN ('@traced')
run_id LIKE '%a%'
tags.run_id = 'x'
metadata.run_id = '@traced'
request_id = '@plain'
request_id != '@plain'
request_id IN ('@plain', '@same')
request_id NOT IN ('@plain')
request_id LIKE '%0%'
trace_id = '@plain'
client_request_id = 'client-1'
client_request_id != 'client-1'
client_request_id IN ('client-1', 'client-2')
client_request_id LIKE 'client%'
timestamp_ms > 1700000000100
timestamp_ms >= 1700000000100
timestamp_ms = 1700000000100
timestamp_ms != 1700000000100
timestamp_ms < 2
timestamp > 1700000000100
timestamp = 1700000000100
timestamp < 1700000005001 AND timestamp > 5
trace.timestamp_ms > 1700000000100
trace.timestamp > 1700000000100
attributes.timestamp < 1700000005000
timestamp_ms > '5'
timestamp_ms > 1.5
trace.timestamp_ms > 1.5
timestamp > 1.5
timestamp_ms > abc
timestamp_ms IN ('5')
timestamp_ms LIKE '5'
timestamp
timestamp_ms >
timestamp > 5 OR status = 'OK'
tags.timestamp_ms = '5'
tags.status = 'green'
execution_time_ms > 10
execution_time > 10
execution_time_ms = 50
execution_time_ms >= 0
execution_time_ms < 5
trace.execution_time_ms <= 50
execution_time_ms > 1.5
execution_time_ms > '10'
end_time_ms > 0
end_time > 0
experiment_id = '1'
tags.color = 'red'
tags.color != 'red'
tag.color = 'red'
trace.tags.color = 'red'
tags.color LIKE 'r%'
tags.color ILIKE 'R%'
tags.color RLIKE '^r'
tags.color IN ('red')
tags.color > 'a'
tags.color = red
tags.color = 5
tags.color IS NULL
tags.color IS NOT NULL
tags.`a/b` = 'x'
tags.a/b = 'x'
tags.`ünï` = '🚀'
tags.empty = ''
tags.late = '1'
tags.nope = 'x'
metadata.k = 'v'
metadata.k != 'v'
request_metadata.k = 'v'
metadata.`k` = 'v'
metadata.k LIKE 'v%'
metadata.k ILIKE 'V'
metadata.k IS NULL
metadata.k IS NOT NULL
metadata.k IN ('v')
metadata.multi LIKE 'a%'
metadata.`mlflow.sourceRun` = '@traced'
metadata.mlflow.modelId = 'm-1'
request_metadata.`mlflow.modelId` = 'm-1'
params.k = 'v'
metrics.k > 1
span.name = 'child'
span.type = 'CHAIN'
span.content LIKE '%x%'
span.attributes.k = 'v'
span.bogus = 'x'
text = 'x'
trace.text LIKE '%x%'
prompt = 'p/1'
feedback.correct = 'true'
feedback.score > 0.5
feedback.score = 0.5
expectation.answer = '42'
issue.id = 'x'
assessment.x = 'y'
foo = 'x'
foo.bar = 'x'
status = 'OK' AND tags.color = 'red'
status = 'OK' and name = 'third' AND timestamp_ms > 5
status = 'OK' OR status = 'ERROR'
NOT status = 'OK'
(status = 'OK')
status = 'OK' AND
AND status = 'OK'
status == 'OK'
'OK' = status
status
status = 'OK'; status = 'ERROR'
timestamp_ms BETWEEN 1 AND 5
   
status='OK'
""".split("\n")[1:-1]

TRACE_ORDERS = [
    ["timestamp_ms"], ["timestamp_ms ASC"], ["timestamp_ms DESC"], ["timestamp"], ["timestamp DESC"], ["timestamp asc"], ["trace.timestamp DESC"], ["attributes.timestamp_ms"],
    ["execution_time_ms"], ["execution_time_ms DESC"], ["execution_time DESC"], ["end_time"], ["end_time_ms DESC"], ["status"], ["status DESC"], ["request_id"], ["request_id DESC"],
    ["experiment_id"], ["experiment_id DESC", "timestamp"], ["name"], ["run_id DESC"], ["tags.color"], ["tag.color DESC"], ["metadata.k"], ["client_request_id"], ["state"], ["trace_id"],
    ["bogus"], ["foo.bar"], [""], ["status sideways"], ["status, timestamp_ms"], ["status", "timestamp_ms ASC"], ["status DESC", "request_id DESC"], ["`status`"], ["trace.`status` DESC"],
    ["span.name"], ["timestamp_ms DESC NULLS LAST"], ["Timestamp"], ["TIMESTAMP DESC"],
]  # fmt: skip


def questions(E, R, M, T):
    names = {**{k: v for k, v in M.items() if v}, **R, **{k: v for k, v in T.items() if v}}
    created = str(store().get_logged_model(M["beta"]).creation_timestamp)

    def named(f):
        f = f.replace("@created", created)
        for k in sorted(names, key=len, reverse=True):
            f = f.replace("@" + k + "'", names[k] + "'")
        return f

    m, t, both = [E["main"]], [E["traces"]], [E["main"], E["grid"]]
    asked = [{"of": "models", "experiments": m, "filter": named(f)} for f in MODEL_FILTERS]
    asked += [{"of": "models", "experiments": m, "filter": "params.nl = 'a\nb'"}]
    asked += [{"of": "models", "experiments": m, "order": o} for o in MODEL_ORDERS]
    asked += [{"of": "models", "experiments": m, "filter": f, "datasets": d} for f, d in DATASETS]
    asked += [{"of": "models", "experiments": m, "max": n} for n in (0, 1, 3, -1, 50001)]
    asked += [{"of": "models", "experiments": e} for e in ([], ["424242"], ["nope!"], both, [E["grid"], E["main"]], m + m, [E["gone"]], [E["poison"]], [E["odd"]], [E["located"]])]
    asked += [{"of": "models", "experiments": both, "filter": "name = 'alpha'", "order": [{"field_name": "name"}]}]
    asked += [{"of": "models", "experiments": m, "max": n, "order": o, "filter": f, "pages": 9} for n, o, f in ((4, None, None), (3, [{"field_name": "metrics.acc"}], None), (2, [{"field_name": "name"}], "status = 'READY'"), (5, None, "metrics.acc > 0"))]
    tokens = ("junk", "e30=", "eyJvZmZzZXQiOiAxMDB9", "eyJvZmZzZXQiOiAyfQ==", "eyJvZmZzZXQiOiAieCJ9", "WzFd", "eyJvZmZzZXQiOiAwfQ==", "eyJvZmZzZXQiOiAtMX0=")
    asked += [{"of": "models", "experiments": m, "max": 3, "token": token} for token in tokens]
    asked += [{"of": "traces", "experiments": t, "filter": named(f)} for f in TRACE_FILTERS]
    asked += [{"of": "traces", "experiments": t, "order": o} for o in TRACE_ORDERS]
    asked += [{"of": "traces", "experiments": t, "filter": "execution_time_ms >= 0", "order": o} for o in (["execution_time_ms"], ["execution_time DESC"], ["execution_time", "timestamp DESC"])]
    asked += [{"of": "traces", "experiments": t, "max": n} for n in (1, 3, -1, 500, 501, 50000, 50001)]
    asked += [{"of": "traces", "experiments": e} for e in ([], ["424242"], ["nope!"], t + [E["grid"]], t + t, [E["gone"]], [E["deletions"]], [E["odd"]], [E["located"]])]
    asked += [{"of": "traces", "experiments": t, "max": n, "order": o, "filter": f, "pages": 9} for n, o, f in ((4, None, None), (2, ["timestamp_ms"], "status = 'OK'"), (1, ["status"], "tags.color != 'x'"))]
    asked += [{"of": "traces", "experiments": t, "max": 3, "token": token} for token in tokens]
    return asked


def answers(asked):
    found = []
    for q in asked:
        a = models.pages(store(), {**q, "pages": q.get("pages", 1)})
        if "error" in a:
            a["error"]["message"] = sorted_sets(a["error"]["message"])
        found.append({**q, **a})
    return found
