#!/usr/bin/env python
"""Writes mlflow-3.11.json: a small store, and what MLflow 3.11.1 says of it: to every call that it refuses, by the place in its source that refuses it, and to every call on the store
with one file or folder of it removed. Usage, in an environment with mlflow-skinny==3.11.1: python make_texts.py > mlflow-3.11.json"""
import ast, json, logging, os, re, shutil, sys, tempfile, traceback, uuid, warnings
warnings.simplefilter("ignore")
TOP = tempfile.mkdtemp()
ROOT = TOP + "/mlruns"
os.environ["MLFLOW_TRACKING_URI"] = ROOT
import mlflow, sqlparse
from mlflow.entities import Dataset, DatasetInput, ExperimentTag, InputTag, LoggedModelInput, LoggedModelOutput, Metric, Param, RunStatus, RunTag, ViewType
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.tracking import file_store
logging.disable(logging.CRITICAL)
file_store.time.sleep = lambda _: None  # the pauses before an empty meta.yaml is read again
assert mlflow.__version__ == "3.11.1"

# ------------------------------------------------------------------------------------------------------------- the places that raise
PACKAGE = os.path.dirname(mlflow.__file__)
SOURCES = ["store/tracking/file_store.py", "utils/search_utils.py", "utils/validation.py", "utils/yaml_utils.py", "utils/file_utils.py", "entities/run_info.py", "entities/run_status.py",
           "entities/lifecycle_stage.py"]
# Classes and functions of these files that no call of a file store's runs and experiments reaches.
NOT_OURS = re.compile(r"""trace|assessment|logged_model|link_|_model_dict|_model_root|_model_dir|model_metric|_get_model_|search_datasets|create_dataset|delete_dataset
    |Search(Model|Registered|Trace|LoggedModel|Evaluation)\w*\.|registered_model|model_version|model_name|model_renaming|model_alias|_does_model|model_value|db_type|webhook|username|password
    |SearchUtils\.get_sql|SearchUtils\._check_valid_model|batch_log_api_req|tarfile|_check_path_is_safe|ExclusiveFileLock|total_file_size|http|_copy_|make_tarfile|relative_path|_handle_readonly
    |prompt|gateway|scorer|budget|issue|registry|query_trace|_validate_tag_value|_validate_dataset|_validate_input_tag|experiment_id_type|_validate_list_param|_validate_experiment_tag$
    |SourceType|get_sha|chunk|yaml_utils.write_yaml|mkdir|SearchIssues|_resolve_experiment_ids|remove_on_error""", re.X)
# Places that none of these calls reaches, and why.
UNREACHED = {place: why for why, places in {
    "what it looks for was looked for before, with an error of its own": [
        "file_store:FileStore._get_experiment_path:1", "file_store:FileStore._get_run_files:1", "file_store:FileStore.create_run:1", "file_store:FileStore.delete_run:1", "file_store:FileStore.get_run:1",
        "file_store:FileStore.restore_run:1", "lifecycle_stage:LifecycleStage.matches_view_type:2", "search_utils:SearchUtils._get_value:5", "search_utils:SearchUtils._get_value:7",
        "search_utils:SearchUtils._get_identifier:1", "search_utils:SearchUtils._does_run_match_clause:1", "search_utils:SearchExperimentsUtils._does_experiment_match_clause:1"],
    "a comparison of sqlparse has always three tokens, the first of which was looked at before": [
        "search_utils:SearchUtils._validate_comparison:1", "search_utils:SearchUtils._validate_comparison:2", "search_utils:SearchUtils._validate_comparison:4", "search_utils:SearchUtils._validate_comparison:5",
        "search_utils:SearchExperimentsUtils._validate_comparison:1"],
    "nobody calls it": ["search_utils:SearchExperimentsUtils.is_attribute:1"],
    "for traces only": ["search_utils:_join_in_comparison_tokens:1"],
    "b64decode gives another exception": ["search_utils:SearchUtils.parse_start_offset_from_page_token:1"],
    "the client's, not the store's; we give it": ["validation:_validate_experiment_artifact_location:1"],
    "only in a race: the folder was there a moment ago": ["yaml_utils:read_yaml:1"],
    "the types of Go rule it out": ["validation:_validate_experiment_name:2", "validation:_validate_metric:1", "validation:_validate_metric:2", "validation:_validate_metric:4", "validation:_validate_metric_name:1",
        "validation:_validate_param_name:1", "validation:_validate_tag_name:1", "run_info:RunInfo.__init__:1", "run_info:RunInfo.__init__:2", "run_info:RunInfo.__init__:3", "run_info:RunInfo.__init__:4"],
}.items() for place in places}

def places():
    """Every raise of SOURCES, by file and line, under the name file:function:number in the function."""
    found, counts = {}, {}
    for source in SOURCES:
        path = os.path.join(PACKAGE, source)
        def visit(node, names):
            for child in ast.iter_child_nodes(node):
                if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
                    visit(child, names + [child.name])
                    continue
                if isinstance(child, ast.Raise):
                    name = os.path.basename(source)[:-3] + ":" + ".".join(names)
                    counts[name] = counts.get(name, 0) + 1
                    for line in range(child.lineno, child.end_lineno + 1): found[path, line] = f"{name}:{counts[name]}"
                visit(child, names)
        visit(ast.parse(open(path).read()), [])
    return {k: v for k, v in found.items() if not NOT_OURS.search(v)}

PLACES = places()

def place(e):
    hits = [PLACES.get((f.filename, f.lineno)) for f in traceback.extract_tb(e.__traceback__)]
    hits = [h for h in hits if h]
    return hits[-1] if hits else ""

# ------------------------------------------------------------------------------------------------------------- the store
IDS = ["1", "2", "3"]
RUNS = ["run", "deleted", "bare", "trashed"]

def fresh():
    shutil.rmtree(TOP)
    os.makedirs(TOP)
    return file_store.FileStore(ROOT, ROOT)

def build():
    store, ids, runs = fresh(), iter(IDS), iter(RUNS)
    file_store._generate_unique_integer_id = lambda: next(ids)
    class Hex:
        def __init__(self): self.hex = next(runs)
    real, file_store.uuid = file_store.uuid, type("uuid", (), {"uuid4": Hex})
    file_store.get_current_time_millis = lambda: 1_700_000_000_000
    main = store.create_experiment("main", tags=[ExperimentTag("stage", "prod")])
    run = lambda e, name: store.create_run(e, "alice", 1_700_000_000_000, [], name).info.run_id
    r = run(main, "first")
    store.log_batch(r, [Metric("acc", 0.5, 1, 0), Metric("acc", 0.75, 2, 1), Metric("val/loss", 1.0, 1, 0)], [Param("lr", "0.1"), Param("opt/name", "sgd")], [RunTag("note", "x"), RunTag("a/b", "y")])
    store.log_inputs(r, [DatasetInput(Dataset("data", "d1", "local", "s"), [InputTag("mlflow.data.context", "train")])], [LoggedModelInput("m-1")])
    store.log_outputs(r, [LoggedModelOutput("m-2", 3)])
    os.makedirs(f"{ROOT}/1/run/artifacts/sub")
    open(f"{ROOT}/1/run/artifacts/sub/file", "w").write("artifact")
    store.delete_run(run(main, "second"))
    run(main, "third")
    gone = store.create_experiment("gone")
    run(gone, "fourth")
    store.delete_experiment(gone)
    store.create_experiment("empty")
    file_store.uuid = real
    file_store._generate_unique_integer_id = lambda: uuid.uuid4().int % 10**18
    files = {}
    for folder, subs, names in os.walk(ROOT):
        at = os.path.relpath(folder, ROOT)
        if not subs and not names: files[at + "/"] = ""
        for name in names: files[os.path.normpath(at + "/" + name)] = open(folder + "/" + name).read().replace(ROOT, "<root>")
    return files

def put(path, content):
    path = os.path.join(ROOT, path)
    os.makedirs(path if path.endswith("/") else os.path.dirname(path), exist_ok=True)
    if not path.endswith("/"): open(path, "w").write(content.replace("<root>", ROOT))

def load(files):
    shutil.rmtree(TOP)
    os.makedirs(ROOT)
    for path, content in files.items(): put(path, content)
    return file_store.FileStore(ROOT, ROOT)

# ------------------------------------------------------------------------------------------------------------- the calls
def told_run(r):
    return {"experiment": r.info.experiment_id, "name": r.info.run_name, "stage": r.info.lifecycle_stage, "status": r.info.status,
            "metrics": {k: [m.value, m.step] for k in r.data.metrics for m in r.data._metric_objs if m.key == k}, "params": dict(r.data.params), "tags": dict(r.data.tags),
            "datasets": sorted(d.dataset.name for d in r.inputs.dataset_inputs), "models": sorted(m.model_id for m in r.inputs.model_inputs), "outputs": sorted(m.model_id for m in r.outputs.model_outputs)}

def told_experiment(e):
    return e and {"id": e.experiment_id, "name": e.name, "stage": e.lifecycle_stage, "tags": dict(e.tags)}

def tags(a, of): return [of(k, v) for k, v in a.get("tags", [])]
def metric(a): return Metric(a["key"], a.get("value", 0.5), a.get("time", 1), a.get("step", 0), dataset_name=a.get("dataset"), dataset_digest=a.get("digest"))
def view(a): return {"": ViewType.ACTIVE_ONLY, "ALL": ViewType.ALL, "DELETED_ONLY": ViewType.DELETED_ONLY}[a.get("view", "")]
def repo(s, a): return get_artifact_repository(s.get_run(a["id"]).info.artifact_uri)
def record(s, a): return s.record_logged_model(a["id"], Model(artifact_path="model", run_id=a["id"], utc_time_created="2024-01-02 03:04:05.000006", model_uuid=a.get("uuid", "u"), flavors=a.get("flavors", {})))

CALLS = {
    "create_experiment": lambda s, a: s.create_experiment(a["name"], a.get("location"), tags(a, ExperimentTag)) and None,
    "get_experiment": lambda s, a: told_experiment(s.get_experiment(a["id"])),
    "get_experiment_by_name": lambda s, a: told_experiment(s.get_experiment_by_name(a["name"])),
    "search_experiments": lambda s, a: [told_experiment(e) for e in s.search_experiments(view(a), a.get("max", 1000), a.get("filter"), a.get("order"), a.get("token"))],
    "rename_experiment": lambda s, a: s.rename_experiment(a["id"], a["name"]),
    "delete_experiment": lambda s, a: s.delete_experiment(a["id"]),
    "restore_experiment": lambda s, a: s.restore_experiment(a["id"]),
    "set_experiment_tag": lambda s, a: s.set_experiment_tag(a["id"], ExperimentTag(a["key"], a.get("text", "v"))),
    "delete_experiment_tag": lambda s, a: s.delete_experiment_tag(a["id"], a["key"]),
    "create_run": lambda s, a: s.create_run(a["id"], "bob", 1_700_000_000_000, tags(a, RunTag), a.get("name")) and None,
    "get_run": lambda s, a: told_run(s.get_run(a["id"])),
    "update_run": lambda s, a: s.update_run_info(a["id"], RunStatus.from_string(a.get("status", "FINISHED")), 1_700_000_000_001, a.get("name")) and None,
    "delete_run": lambda s, a: s.delete_run(a["id"]),
    "restore_run": lambda s, a: s.restore_run(a["id"]),
    "log_metric": lambda s, a: s.log_metric(a["id"], metric(a)),
    "log_param": lambda s, a: s.log_param(a["id"], Param(a["key"], a.get("text", "v"))) and None,
    "set_tag": lambda s, a: s.set_tag(a["id"], RunTag(a["key"], a.get("text", "v"))),
    "delete_tag": lambda s, a: s.delete_tag(a["id"], a["key"]),
    "log_batch": lambda s, a: s.log_batch(a["id"], [metric(m) for m in a.get("metrics", [])], [Param(k, v) for k, v in a.get("params", [])], tags(a, RunTag)),
    "log_inputs": lambda s, a: s.log_inputs(a["id"], [DatasetInput(Dataset("new", "d2", "local", "s"), [InputTag("k", "v")])], [LoggedModelInput("m-9")]),
    "log_outputs": lambda s, a: s.log_outputs(a["id"], [LoggedModelOutput("m-9", 1)]),
    "record_logged_model": record,
    "get_metric_history": lambda s, a: [[m.value, m.step] for m in s.get_metric_history(a["id"], a["key"])],
    "search_runs": lambda s, a: [told_run(r) for r in s.search_runs(a.get("experiments", ["1"]), a.get("filter", ""), view(a), a.get("max", 1000), a.get("order"), a.get("token"))],
    "list_artifacts": lambda s, a: sorted(f.path for f in repo(s, a).list_artifacts(a.get("path"))),
    "log_artifact": lambda s, a: repo(s, a).log_artifact(__file__, a.get("path")),
}

def normal(text):
    text = text.replace(ROOT, "<root>")
    return re.sub(r"\{('[^{}]*')\}", lambda m: "{" + ", ".join(sorted(m[1].split(", "))) + "}", re.sub(r"\{('[^{}']*'(?:, '[^{}']*')*)(?!\})$", lambda m: "{" + ", ".join(sorted(m[1].split(", "))), text))

def ask(store, call, args):
    """MLflow's answer: what it gives, or the code and text of its error, and the type where that is Python's own."""
    try:
        return {"gives": CALLS[call](store, args)}, ""
    except Exception as e:
        answer = {"code": e.error_code if isinstance(e, MlflowException) else "INTERNAL_ERROR", "text": normal(str(e))}
        if not isinstance(e, MlflowException) and type(e) is not Exception: answer["python"] = type(e).__name__
        return answer, place(e)

# ------------------------------------------------------------------------------------------------------------- calls that are refused
def case(call, damage=None, **args): return {"call": call, "args": args, **({"damage": damage} if damage else {})}
def remove(path): return {"remove": path}
def write(path, content): return {"write": path, "content": content}

KEYS = ["", ".", "..", "../a", "./a", "a/../b", "/a", "//a", "a/", "a//b", "a\\b", "a@b", "a\nb", "a'b", 'a"b', "é/../x", "😀"]
LONG = "k" * 251
RUN_FILTERS = [
    "metrics.acc", "metrics.acc >", "metrics.acc > 'x'", "metrics.acc = '0.5'", "metrics.acc = x", "metrics.acc !=", "metrics.acc !", "metric.acc !=", "metrics.acc LIKE 'x'", "metrics.acc ILIKE '1'", "metrics.acc == 1",
    "metrics.acc <> 1", "metrics.acc IS NULL", "metrics.acc IS NOT NULL", "metrics.acc IN (1)", "metrics.acc IN ('a')", "metrics.acc > true", "metrics.acc > -", "metrics.acc > 1 2", "metrics.acc BETWEEN 1 AND 2",
    "params.lr", "params.lr =", "params.lr = 0.1", "params.lr = x", "params.lr = `x`", "params.lr > '1'", "params.lr > 1", "params.lr == '1'", "params.lr = true", "params.lr = ('a')", "params.lr IN ('a')", "params.lr = 'x' OR params.lr = 'y'",
    "NOT params.lr = 'x'", "(params.lr = 'x')", "params.lr = '0.1", "params.lr = 0.1'", 'params.lr = "a', "params.lr LIKE 5", "params.lr NOT LIKE 'a'", "params.lr RLIKE 'a'", "params.lr IS 'x'", "params.lr IS NOT 'x'", "params.lr NULL",
    "tags.note", "tags.note = 5", "tags.note = x", "tags.note > 'a'", "tags.note == 'a'", "tags.note IN ('a')", "tags.note = true", "tags.note LIKE x", "tags. = 'x'",
    "attribute.status = true", "attribute.status = 5", "attribute.status = FINISHED", "attribute.status > 'F'", "attribute.status IN ('a')", "attribute.status NOT IN ('a')", "attribute.status IS NULL", "attribute.status = ('a')", "attribute.status", "status = true",
    "attribute.x = 'a'", "x = 'a'", "attribute.'status = 'a'", "attributes.run_id IN (1)", "attributes.run_id IN ()", "attributes.run_id IN ('a' 1)", "attributes.run_id IN ('a', 1)", "attributes.run_id IN (a)", "attributes.run_id IN ('a',,'b')", "attributes.run_id IN 'a'",
    "attributes.run_id NOT IN (1)", "run_id > 'a'", "run_name IN (1, 2)", "user_id NOT IN ('a')", "start_time = 'x'", "start_time = x", "start_time LIKE '1'", "start_time IN (1)", "start_time = 1.5", "start_time IS NULL", "start_time == 1", "end_time > '5'", "created = 'x'", "attribute.Created LIKE 'a'",
    "dataset.name = 5", "dataset.name = x", "dataset.name > 'a'", "dataset.x = 'a'", "dataset.name IN (1)", "dataset.name IN ()", "dataset.digest == 'a'", "datasets.context = true", "dataset.name IS NULL", "dataset.context IN ('a', 2)",
    "foo.bar = 'x'", "foo.bar = 1", "`metrics`.acc = 'x'", "`foo`.acc = 1", "'metrics'.acc = 1", '"metrics".acc = 1', "Metrics.acc = 1", "METRICS.acc > 1",
    "5 = metrics.acc", "'acc' = 1", "1 = 1", "= 1", "metrics.acc > 1; metrics.acc > 2", "metrics.acc > 1;", "; metrics.acc > 1", ";", "metrics.acc > 1, metrics.acc < 2", "metrics.acc > 1 metrics.acc <", "hello", "hello world", " ", "\t\n", "AND", "OR", "AND AND",
    "metrics.acc > 1 AND", "metrics.acc > 1 AND AND metrics.acc < 2", "metrics.acc > 1 OR metrics.acc < 2", "metrics.acc/x > 1", "metrics.acc-x > 1", "metrics.a:b > 1", "params.lr = 'x' -- c", "params.lr = /* c */ 'x'", "metrics.acc > +1", "metrics.acc > 1e+5", "(", ")", "()", "''", "''''", "(" * 400 + ")" * 400,
]
EXPERIMENT_FILTERS = [
    "name", "name =", "name = 5", "name = x", "name = true", "name > 'a'", "name == 'a'", "name IS NULL", "name IS NOT NULL", "name = ('a')", "attribute.name", "attribute.x = 'a'", "x = 'a'", "attributes.name = 'a'", "experiment_id = '1'", "attribute.experiment_id = '1'",
    "creation_time = 'x'", "creation_time LIKE '1'", "creation_time IS NULL", "creation_time = x", "last_update_time == 5", "last_update_time IN (1)", "tags.stage = 5", "tags.stage = x", "tags.stage > 'a'", "tags.stage IN ('a')", "tag.stage == 'a'", "param.x = 'a'", "metrics.acc > 1", "`tags`.x = 'a'",
    "'tags'.x = 'a'", "foo.bar = 'a'", "5 = name", "1 = 1", "name = 'a' OR name = 'b'", "NOT name = 'a'", "(name = 'a')", "name = 'a'; name = 'b'", "name = 'a", "hello", " ", "AND", ";", "name LIKE 5", "dataset.name = 'a'", "name = 'a' name", "tags.stage IS 'x'",
]
RUN_ORDERS = [
    "", " ", "foo.bar", "metrics.acc foo", "metrics.acc ASC DESC", "metrics.acc ASCENDING", "metrics.acc,", "metrics.acc; params.lr", "metrics.acc asc, params.lr", "x", "attribute.x", "attributes.x DESC", "dataset.name", "5", "'metrics'.acc", '"metrics".acc', "`metrics`.x y", "`foo`.acc", "`foo`.acc DESC",
    "metrics.'acc", "metrics.`acc", "metrics.acc > 1", "'metrics.acc'", '"metrics.acc"', "`metrics.acc`", "run name", "attribute.run name", "Run Name", "Metrics.acc", "metrics", "ASC", "status ASC foo", "tags.a b c", "-metrics.acc", "timestamp", "timestamp ASC", "metrics.acc asc;", "(metrics.acc)", "metrics.acc -- c", "(" * 400 + ")" * 400,
]
EXPERIMENT_ORDERS = ["", " ", "x", "attribute.x", "tags.stage", "tag.stage DESC", "metrics.acc", "foo.bar", "name foo", "name ASC DESC", "name,", "name; name", "'name'", '"name"', "`name`", "'attribute'.name", "`attribute`.name", '"attribute".name DESC', "attributes.name", "5", "name > 1", "timestamp", "lifecycle_stage"]
b64 = lambda text: __import__("base64").b64encode(text.encode()).decode()
TOKENS = ["x", "é", "xyz", "!!!!", "abcd", b64("hello"), b64("5"), b64("[]"), b64("null"), b64("{}"), b64('{"offset": 0}'), b64('{"offset": "x"}'), b64('{"offset": null}'), b64('{"offset": "3"}'), b64('{"offset": 1.5}'), b64('{"offset": []}'), b64('{"offset": -1}'), b64('{"other": 1}'), b64('{"offset": 1'), b64('"offset"')]

CASES = [case("search_runs", filter=f) for f in RUN_FILTERS] + [case("search_experiments", filter=f) for f in EXPERIMENT_FILTERS]
CASES += [case("search_runs", order=[o]) for o in RUN_ORDERS] + [case("search_experiments", order=[o]) for o in EXPERIMENT_ORDERS]
for call in ["search_runs", "search_experiments"]:
    CASES += [case(call, token=t) for t in TOKENS] + [case(call, max=n) for n in [50000, 50001, 10**9, 0, -1]]
for key in KEYS:
    CASES += [case("log_metric", id="run", key=key), case("log_param", id="run", key=key), case("set_tag", id="run", key=key), case("delete_tag", id="run", key=key), case("get_metric_history", id="run", key=key),
              case("set_experiment_tag", id="1", key=key), case("delete_experiment_tag", id="1", key=key), case("log_batch", id="run", metrics=[{"key": "good"}, {"key": key}]),
              case("log_batch", id="run", params=[["good", "v"], [key, "v"]]), case("log_batch", id="run", tags=[["good", "v"], [key, "v"]]), case("create_run", id="1", tags=[[key, "v"]]),
              case("create_experiment", name="new", tags=[[key, "v"]])]
for id in ["", "../x", "-a", "a b", "a/b", "a.b", "x" * 257, "é", "nobody"]:
    CASES += [case(call, id=id) for call in ["get_run", "delete_run", "restore_run", "update_run", "log_inputs", "log_outputs", "record_logged_model", "log_batch"]]
    CASES += [case(call, id=id, key="k") for call in ["log_metric", "log_param", "set_tag", "delete_tag", "get_metric_history"]]
for id in ["-a", "a b", "a.b", "x" * 65, "é", "nobody"]:
    CASES += [case("get_experiment", id=id), case("create_run", id=id), case("set_experiment_tag", id=id, key="k"), case("delete_experiment_tag", id=id, key="k"), case("rename_experiment", id=id, name="new"),
              case("delete_experiment", id=id), case("restore_experiment", id=id)]
CASES += [case(call, id="deleted") for call in ["update_run", "log_inputs", "log_outputs", "record_logged_model", "log_batch"]]
CASES += [case(call, id="deleted", key="k") for call in ["log_metric", "log_param", "set_tag", "delete_tag"]]
CASES += [case("delete_tag", id="run", key="absent"), case("delete_experiment_tag", id="1", key="absent"), case("delete_experiment_tag", id="2", key="absent"), case("set_experiment_tag", id="2", key="k"),
          case("create_run", id="2"), case("create_run", id="1", name="a", tags=[["mlflow.runName", "b"]]), case("rename_experiment", id="2", name="new"), case("rename_experiment", id="1", name=""), case("rename_experiment", id="1", name="n" * 501),
          case("rename_experiment", id="1", name="empty"), case("rename_experiment", id="1", name="gone"), case("rename_experiment", id="1", name="main"), case("delete_experiment", id="0"), case("delete_experiment", id="2"), case("restore_experiment", id="1"),
          case("create_experiment", name=""), case("create_experiment", name="main"), case("create_experiment", name="gone"), case("create_experiment", name="n" * 501), case("create_experiment", name="new", location="runs:/x/y"),
          case("create_experiment", name="new", location="s3://" + "x" * 2048), case("get_experiment_by_name", name="absent"), case("create_experiment", name="new", location="file:///x#f"), case("create_experiment", name="new", location="file:///x?a=b"),
          case("log_param", id="run", key="lr", text="0.2"), case("log_batch", id="run", params=[["lr", "0.2"]]), case("log_batch", id="run", params=[["a", "1"], ["a", "2"], ["b", "1"], ["b", "1"], ["a", "3"]]),
          case("log_param", id="run", key=LONG), case("log_metric", id="run", key=LONG), case("set_tag", id="run", key=LONG), case("log_batch", id="run", params=[[LONG, "v"]]), case("log_batch", id="run", metrics=[{"key": LONG}]), case("log_batch", id="run", tags=[[LONG, "v"]]),
          case("log_param", id="run", key="k", text="v" * 6001), case("log_batch", id="run", tags=[["k", "v" * 8001]]), case("log_metric", id="run", key="k", time=-1), case("log_metric", id="run", key="k", time=-5, value=0.1), case("log_metric", id="run", key="k", time=-5, value=1e300),
          case("log_batch", id="run", metrics=[{"key": "k", "time": -1}]), case("log_batch", id="run", metrics=[{"key": f"k{i}"} for i in range(1001)]), case("log_batch", id="run", params=[[f"k{i}", "v"] for i in range(101)]),
          case("log_batch", id="run", tags=[[f"k{i}", "v"] for i in range(101)]), case("log_batch", id="run", metrics=[{"key": f"k{i}"} for i in range(950)], params=[[f"k{i}", "v"] for i in range(51)]),
          case("update_run", id="run", status="finished"), case("update_run", id="run", status=""), case("log_metric", id="run", key="k", dataset="d"), case("log_metric", id="run", key="k", digest="d"),
          case("set_tag", id="run", key="note/x"), case("log_param", id="run", key="lr/x"), case("log_metric", id="run", key="acc/x"), case("set_tag", id="run", key="a"), case("log_metric", id="run", key="val"),
          case("record_logged_model", id="run", flavors={"f": "text", "g": {"config": 1, "v": [1, 2]}}), case("list_artifacts", id="run", path="../x"), case("list_artifacts", id="run", path="absent"), case("list_artifacts", id="run", path="sub/file"), case("log_artifact", id="run", path="../x"),
          case("log_artifact", id="run", path="a/../b"), case("log_artifact", id="run", path="/a")]
EVERY = [("get_run", dict(id="run")), ("search_runs", {}), ("log_metric", dict(id="run", key="k")), ("get_experiment", dict(id="1")), ("search_experiments", dict(view="ALL"))]
META = "1/meta.yaml"
RUN_META = "1/run/meta.yaml"
DAMAGES = {META: ["", "[]\n", "a\n", "name: main\n", "a: b: c\n", "artifact_location: x\nexperiment_id: '9'\nlifecycle_stage: active\nname: main\n", "artifact_location: x\nexperiment_id: '1'\nlifecycle_stage: odd\nname: main\n"],
           RUN_META: ["", "[]\n", "a: b: c\n", "run_id: run\n"] + [f"artifact_uri: x\nend_time: null\nexperiment_id: '{e}'\nlifecycle_stage: {l}\nrun_id: {r}\nrun_name: n\nstart_time: 5\nstatus: {s}\nuser_id: u\n" for e, l, r, s in
                     [("9", "active", "run", 1), ("1", "odd", "run", 1), ("1", "active", "other", 1), ("1", "active", "run", 9), ("1", "active", "run", "x")]],
           "1/run/metrics/acc": ["", "x\n", "1 2 3 4\n", "x 1 1\n", "1 x 1\n", "1 1 x\n", "1 1 1\n\n2 2 2\n"], "1/run/metrics/b@d": ["1 1 1\n"], "1/run/params/b@d": ["v"], "1/run/tags/b@d": ["v"], "1/tags/b@d": ["v"],
           "1/run/tags/mlflow.log-model.history": ["{not json", "{}", "5"], "1/run/inputs/x/meta.yaml": ["", "a: 1\n"], "1/datasets/x/meta.yaml": [""]}
for path, contents in DAMAGES.items():
    for content in contents:
        CASES += [case(call, write(path, content), **args) for call, args in EVERY]
        if "history" in path: CASES += [case("record_logged_model", write(path, content), id="run")]
        if "acc" in path: CASES += [case("get_metric_history", write(path, content), id="run", key="acc")]
        if path == META: CASES += [case(call, write(path, content), id="1", **({"name": "new"} if "rename" in call else {"key": "k"})) for call in ["rename_experiment", "delete_experiment", "set_experiment_tag", "create_run"]]
        if path == RUN_META: CASES += [case(call, write(path, content), id="run") for call in ["update_run", "delete_run", "restore_run"]]
CASES += [case("restore_experiment", {"mkdir": "2"}, id="2"), case("restore_experiment", write(".trash/2/meta.yaml", ""), id="2")]
CASES += [case(call, {"file": ""}, **args) for call, args in EVERY + [("create_experiment", dict(name="new"))]]

# ------------------------------------------------------------------------------------------------------------- every call on a store that has lost something
LOST = ["", ".trash", "0", "1", META, "1/tags", "1/tags/stage", "1/run", RUN_META, "1/run/metrics", "1/run/metrics/acc", "1/run/metrics/val", "1/run/params", "1/run/params/lr", "1/run/tags", "1/run/tags/note", "1/run/artifacts", "1/run/artifacts/sub",
        "1/run/artifacts/sub/file", "1/run/inputs", "1/run/inputs/*", "1/run/inputs/*/meta.yaml", "1/run/outputs", "1/run/outputs/*", "1/run/outputs/*/meta.yaml", "1/datasets", "1/datasets/*", "1/datasets/*/meta.yaml", ".trash/2", ".trash/2/meta.yaml",
        ".trash/2/trashed/meta.yaml", "1/deleted/meta.yaml", "0/meta.yaml"]
ON_RUN = [("get_run", {}), ("get_metric_history", dict(key="acc")), ("log_metric", dict(key="acc")), ("log_metric", dict(key="k")), ("log_param", dict(key="lr", text="0.1")), ("log_param", dict(key="k")), ("set_tag", dict(key="k")), ("delete_tag", dict(key="note")),
          ("log_batch", dict(metrics=[{"key": "k"}], params=[["k", "v"]], tags=[["k", "v"]])), ("log_inputs", {}), ("log_outputs", {}), ("record_logged_model", {}), ("update_run", {}), ("delete_run", {}), ("restore_run", {}), ("list_artifacts", {}), ("log_artifact", dict(path="a"))]
ON_EXPERIMENT = [("get_experiment", {}), ("rename_experiment", dict(name="new")), ("delete_experiment", {}), ("restore_experiment", {}), ("set_experiment_tag", dict(key="k")), ("delete_experiment_tag", dict(key="stage")), ("create_run", {})]
ON_STORE = [("create_experiment", dict(name="new")), ("create_experiment", dict(name="main")), ("get_experiment_by_name", dict(name="main")), ("search_experiments", {}), ("search_experiments", dict(view="ALL")), ("search_runs", dict(experiments=["0", "1", "3"], view="ALL"))]

def every(lost):
    run, experiment = "run", "1"
    if lost.startswith(".trash/"): run, experiment = "trashed", "2"
    if lost.startswith("1/deleted"): run = "deleted"
    if lost.startswith("0"): experiment = "0"
    return [(c, dict(id=run, **a)) for c, a in ON_RUN] + [(c, dict(id=experiment, **a)) for c, a in ON_EXPERIMENT] + ON_STORE

def paths(pattern):
    import glob
    found = glob.glob(os.path.join(ROOT, pattern)) if pattern else [ROOT]
    assert found, pattern
    return found

def drop(pattern):
    for path in paths(pattern):
        shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)

def harm(damage):
    if damage is None: return
    if "write" in damage: put(damage["write"], damage["content"])
    if "mkdir" in damage: put(damage["mkdir"] + "/", "")
    if "remove" in damage: drop(damage["remove"])
    if "file" in damage:
        shutil.rmtree(ROOT)
        open(ROOT, "w").write("a file")

def main():
    files = build()
    reached = {}
    for c in CASES:
        store = load(files)
        harm(c.get("damage"))
        c["answer"], at = ask(store, c["call"], c["args"])
        if at:
            c["place"] = at
            reached.setdefault(at, 0)
    lost = []
    for pattern in LOST:
        for call, args in every(pattern):
            store = load(files)
            harm(remove(pattern))
            answer, at = ask(store, call, args)
            if at: reached.setdefault(at, 0)
            lost.append({"lost": pattern, "call": call, "args": args, "answer": answer, **({"place": at} if at else {})})
    missed = sorted(set(PLACES.values()) - set(reached) - set(UNREACHED))
    stale = sorted(set(UNREACHED) & set(reached))
    print("\n".join(["not reached: " + m for m in missed] + ["reached: " + s for s in stale]), file=sys.stderr)
    print(f"{len(reached)} places, {len(UNREACHED)} not reached, {len(CASES)} cases, {len(lost)} of what is lost", file=sys.stderr)
    lines = lambda list: ",\n".join(json.dumps(x, ensure_ascii=True) for x in list)
    print('{"mlflow": "3.11.1", "sqlparse": "%s", "files": %s,\n"unreached": %s,\n"cases": [\n%s\n],\n"lost": [\n%s\n]}' % (sqlparse.__version__, json.dumps(files), json.dumps(UNREACHED, indent=1), lines(CASES), lines(lost)))
    sys.exit(bool(missed or stale))

try: main()
finally: shutil.rmtree(TOP)
