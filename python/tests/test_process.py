"""The life of the server: started once, shared, ended with its last user, started again."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import AT_MOST, servers, wait_until

import mlruns
from mlruns import runfile, transport, uri
from mlruns.process import Identity, key
from mlruns.service import service

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.mark.long
def test_fifty_at_once_share_one(store, scripts):
    store.mkdir()
    started = [
        scripts.start(
            "sys.stdin.readline(); print(new_run(), flush=True); sys.stdin.readline()", store
        )
        for _ in range(50)
    ]
    for script in started:
        script.stdin.write("\n")
        script.stdin.flush()
    runs = {script.stdout.readline().strip() for script in started}
    assert len(runs) == 50
    assert len(servers(store)) == 1
    for script in started:
        scripts.end(script)


def test_its_starter_killed(store, scripts):
    """The server is nobody's child: who started it can be killed, with the whole group."""
    first = scripts.start(
        "print(new_run(), flush=True); time.sleep(600)", store, start_new_session=True
    )
    run_id = first.stdout.readline().strip()
    (pid,) = servers(store)
    second = scripts.start(
        "log(sys.argv[2], 1); print(1, flush=True); sys.stdin.readline(); log(sys.argv[2], 2)",
        store,
        run_id,
    )
    second.stdout.readline()
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    time.sleep(2)  # longer than it stays unused
    assert servers(store) == [pid]
    scripts.end(second)
    assert scripts.run("print(steps(sys.argv[2]))", store, run_id) == "[1, 2]\n"


def test_last_user_killed(store, scripts):
    last = scripts.start("new_run(); print(1, flush=True); time.sleep(600)", store)
    last.stdout.readline()
    assert len(servers(store)) == 1
    last.kill()
    wait_until(lambda: not servers(store), "the server ends")


@pytest.mark.long
def test_nobody_came(store, scripts):
    """A starter that is killed at once leaves a server that ends by itself."""
    store.mkdir()
    for delay in (0.0, 0.02, 0.05, 0.1, 0.2):
        script = scripts.start("new_run(); time.sleep(600)", store)
        time.sleep(0.1 + delay)
        script.kill()
        script.wait()
        assert len(servers(store)) <= 1
    wait_until(lambda: not servers(store), "the server ends")


@pytest.mark.long
def test_server_killed_among_10000_calls(store, scripts):
    """Nothing that was acknowledged is lost, and nothing is doubled."""
    script = scripts.start(
        """
        r = new_run()
        print(r, flush=True)
        from mlflow.entities import Metric
        from mlflow.tracking._tracking_service.utils import _get_store
        ours = _get_store("mlruns:" + store)
        for i in range(10_000):
            ours.log_metric(r, Metric("m", i, 1, i))
            if i % 1000 == 0:
                print(i, flush=True)
        assert steps(r) == list(range(10_000)), len(steps(r))
        """
        if HAS_MLFLOW
        else """
        r = new_run()
        print(r, flush=True)
        for i in range(10_000):
            log(r, i)
            if i % 1000 == 0:
                print(i, flush=True)
        assert sorted(set(steps(r))) == list(range(10_000))
        """,
        store,
    )
    script.stdout.readline()
    killed = set()
    while script.stdout.readline():
        for pid in servers(store):
            killed.add(pid)
            os.kill(pid, signal.SIGKILL)
    scripts.end(script)
    assert len(killed) >= 5


def test_forked_workers_log_to_one_run(store, scripts):
    """As the workers of a DataLoader: made by fork after the first call, with threads about."""
    out = scripts.run(
        """
        import threading
        r = new_run()
        log(r, 0)
        more = threading.Thread(target=lambda: [log(r, i, "thread") for i in range(300)])
        more.start()
        workers = []
        for w in range(8):
            pid = os.fork()
            if not pid:
                for i in range(100):
                    log(r, i, f"worker{w}")
                os._exit(0)
            workers.append(pid)
        codes = [os.waitpid(pid, 0)[1] for pid in workers]
        more.join()
        log(r, 1)
        assert codes == [0] * 8, codes
        assert steps(r) == [0, 1]
        assert steps(r, "thread") == list(range(300))
        for w in range(8):
            assert steps(r, f"worker{w}") == list(range(100))
        print("done")
        """,
        store,
    )
    assert out == "done\n"


def test_a_child_that_does_nothing_holds_nothing(store, scripts):
    parent = scripts.start(
        """
        log(new_run(), 0)
        if not os.fork():
            time.sleep(600)
        print(os.getpid(), flush=True)
        sys.stdin.readline()
        """,
        store,
        start_new_session=True,
    )
    parent.stdout.readline()
    parent.kill()
    try:
        wait_until(lambda: not servers(store), "the server ends")
    finally:
        os.killpg(parent.pid, signal.SIGKILL)


def test_spawn_and_exec(store, scripts):
    out = scripts.run(
        """
        r = new_run()
        log(r, 0)
        if len(sys.argv) == 2:
            script = open("/proc/self/cmdline").read().split("\\0")[2]
            again = "print('in between', flush=True)" + script
            os.execv(sys.executable, [sys.executable, "-c", again, store, r])
        log(sys.argv[2], 1)
        print(steps(sys.argv[2]))
        """,
        store,
    )
    assert out == "in between\n[0, 1]\n"


SPAWNING = """
import multiprocessing, sys
from mlruns import uri
from mlruns.service import service

def log(store, run_id, worker):
    s = service(uri.parse(store))
    for step in range(50):
        point = dict(run_id=run_id, key=f"worker{worker}", value=step, timestamp=1, step=step)
        s.post("runs/log-metric", point)

if __name__ == "__main__":
    store = sys.argv[1]
    s = service(uri.parse(store))
    run_id = s.post("runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"]
    for method in ("spawn", "forkserver"):
        context = multiprocessing.get_context(method)
        with context.Pool(3) as pool:
            pool.starmap(log, [(store, run_id, f"{method}{w}") for w in range(3)])
    metrics = s.get("runs/get", run_id=run_id)["run"]["data"]["metrics"]
    print(sorted((m["key"], m["step"]) for m in metrics))
"""


def test_spawned_workers_log_to_one_run(store, folder):
    """As the workers of a DataLoader on macOS and Windows, and those of a forkserver."""
    script = folder / "spawning.py"
    script.write_text(SPAWNING)
    done = subprocess.run([sys.executable, script, store], capture_output=True, text=True)
    wanted = sorted((f"worker{m}{w}", 49) for m in ("spawn", "forkserver") for w in range(3))
    assert done.stdout == f"{wanted}\n", done.stderr


def test_threads_share_few_connections(store, scripts):
    out = scripts.run(
        """
        from concurrent.futures import ThreadPoolExecutor
        r = new_run()
        with ThreadPoolExecutor(32) as pool:
            list(pool.map(lambda i: log(r, i), range(500)))
        assert sorted(steps(r)) == list(range(500))
        print(len(s._pool._idle))
        """,
        store,
    )
    assert 1 <= int(out) <= 6


def test_two_kernels(store, scripts):
    """Two notebooks on one store, one of them restarted, share a server throughout."""
    loop = """
        r = new_run()
        print(r, flush=True)
        for line in sys.stdin:
            log(r, int(line))
            print(steps(r), flush=True)
        """
    one, two = (scripts.start(loop, store) for _ in range(2))
    one.stdout.readline(), two.stdout.readline()
    (pid,) = servers(store)
    for i in range(3):
        for kernel in (one, two):
            kernel.stdin.write(f"{i}\n")
            kernel.stdin.flush()
            assert kernel.stdout.readline() == f"{list(range(i + 1))}\n"
    one.kill()
    again = scripts.start(loop, store)
    again.stdout.readline()
    assert servers(store) == [pid]


def test_another_version_is_running(store, scripts):
    """Two versions of this package on one store: each has its server, both see all."""
    other = scripts.start(
        "import mlruns.process; mlruns.process.__version__ = '0.0.1'\n"
        "r = new_run(); log(r, 0); print(r, flush=True)\n"
        "sys.stdin.readline(); log(r, 2); print(steps(r))",
        store,
    )
    run_id = other.stdout.readline().strip()
    assert (
        scripts.run("log(sys.argv[2], 1); print(steps(sys.argv[2]))", store, run_id) == "[0, 1]\n"
    )
    assert scripts.end(other) == "[0, 1, 2]\n"


def test_who_asks_for_an_index_has_a_server_of_its_own(store, scripts, folder):
    """With some indexes a search can miss something, which nobody gets who did not ask for it."""
    script = "r = new_run(); log(r, 0); print(r, flush=True); sys.stdin.readline(); print(steps(r))"
    env = {"XDG_CACHE_HOME": str(folder / "cache")}
    plain = scripts.start(script, store, env=env)
    by_variable = scripts.start(script, store, env={**env, "MLRUNS_INDEX": "ended"})
    by_uri = scripts.start(script, f"mlruns:{store}?index=ended", env=env)
    for each in (plain, by_variable, by_uri):
        assert each.stdout.readline()
    assert len(servers(store)) == 2
    for each in (plain, by_variable, by_uri):
        assert scripts.end(each) == "[0]\n"


def test_read_only_folder(store, scripts):
    run_id = scripts.run("r = new_run(); log(r, 0); print(r)", store).strip()
    before = sorted((p, p.stat().st_mtime_ns) for p in store.rglob("*"))
    for path in [store, *store.rglob("*")]:
        if path.is_dir():
            path.chmod(0o555)
    try:
        (found,) = mlruns.open(store).runs()
        assert (found.id, found.metrics) == (run_id, {"m": 0.0})
        ours = service(uri.parse(f"mlruns:{store}?read_only=1"))
        with pytest.raises(mlruns.MlrunsError) as refused:
            ours.post("runs/set-tag", {"run_id": run_id, "key": "a", "value": "b"})
        assert refused.value.code == "PERMISSION_DENIED"
    finally:
        for path in [store, *store.rglob("*")]:
            if path.is_dir():
                path.chmod(0o777)
    assert sorted((p, p.stat().st_mtime_ns) for p in store.rglob("*")) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system")
def test_read_only_drive(folder, scripts):
    """A drive on which nothing can be written, and no lock taken."""
    drive = folder / "drive"
    drive.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "none", drive], check=True)
    store = drive / "mlruns"
    try:
        run_id = scripts.run("r = new_run(); log(r, 0); print(r)", store).strip()
        wait_until(lambda: not servers(store), "the server ends")
        subprocess.run(["mount", "-o", "remount,ro", drive], check=True)
        reading = "print(steps(sys.argv[2]))"
        assert scripts.run(reading, f"mlruns:{store}?read_only=1", run_id) == "[0]\n"
        direct = "import mlruns; print([r.metrics for r in mlruns.open(store).runs()])"
        assert scripts.run(direct, store) == "[{'m': 0.0}]\n"
        # Who could write reads as well, and is told why it cannot.
        assert scripts.run(reading, store, run_id) == "[0]\n"
        script = scripts.start("log(sys.argv[2], 1)", store, run_id)
        _, err = script.communicate(timeout=AT_MOST)
        assert "read-only file system" in err.lower()
    finally:
        wait_until(lambda: not servers(store), "the server ends")
        subprocess.run(["umount", drive], check=True)


def test_store_removed_and_made_again(store, scripts):
    """What a notebook does with rm -rf: the next call has a new store, not the old one's server."""
    out = scripts.run(
        """
        import shutil
        r = new_run()
        shutil.rmtree(store)
        r2 = new_run()
        assert os.path.exists(f"{store}/0/{r2}/meta.yaml")
        os.rename(store, store + "2")
        r3 = new_run()
        assert os.path.exists(f"{store}/0/{r3}/meta.yaml")
        assert not os.path.exists(f"{store}2/0/{r3}")
        shutil.rmtree(store + "2")
        print("done")
        """,
        store,
    )
    assert out == "done\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
def test_full_temporary_folder_and_no_home(store, scripts, folder):
    full = folder / "full"
    full.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=20", "none", full], check=True
    )
    try:
        with (
            open(full / "filler", "wb", buffering=0) as filler,
            pytest.raises(OSError, match="space"),
        ):
            while True:
                filler.write(b"x" * 4096)
        env = {"TMPDIR": str(full), "HOME": "/nonexistent", "XDG_RUNTIME_DIR": str(full)}
        for folders in (None, f"lambda: [__import__('pathlib').Path('{full}/m')]"):
            text = "r = new_run(); log(r, 0); print(steps(r))"
            if folders:  # nothing else either: then each process has a server of its own
                text = f"import mlruns.process; mlruns.process.folders = {folders}\n" + text
            assert scripts.run(text, store, env=env) == "[0]\n"
    finally:
        wait_until(lambda: not servers(store), "the server ends")
        subprocess.run(["umount", full], check=True)


def test_not_a_store(folder, scripts):
    (folder / "x").write_text("x")
    script = scripts.start("new_run()", folder)
    _, err = script.communicate(timeout=AT_MOST)
    assert "MlrunsError" in err
    assert f"The store {folder} cannot be served" in err
    assert not servers(folder)


def test_run_file_is_private(store, scripts):
    script = scripts.start("new_run(); print(1, flush=True); sys.stdin.readline()", store)
    script.stdout.readline()
    name = key(uri.parse(store), Identity.of(str(store)))
    found = [f for f in (runfile.RunFile(d, name) for d in runfile.folders()) if f.path.exists()]
    assert len(found) == 1
    (run_file,) = found
    assert stat.S_IMODE(run_file.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(run_file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(run_file.socket.stat().st_mode) == 0o600
    # The token is nobody's argument.
    endpoint = run_file.read()
    (pid,) = servers(store)
    assert endpoint.token not in Path(f"/proc/{pid}/cmdline").read_text()
    scripts.end(script)


def test_a_folder_of_somebody_else_is_not_used(folder):
    theirs = folder / f"mlruns-{os.getuid()}"
    theirs.mkdir(mode=0o777)
    theirs.chmod(0o777)
    with pytest.raises(PermissionError, match="others can enter"):
        runfile.RunFile(theirs, "k").lock()
    link = folder / "link"
    link.symlink_to(theirs)
    with pytest.raises(PermissionError):
        runfile.RunFile(link, "k").lock()
    (theirs / "k.run").write_text('{"uri": "http://127.0.0.1:1", "token": "x"}')
    assert runfile.RunFile(theirs, "k").read() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_a_second_user_cannot_use_it(store, scripts, folder):
    for socket in (True, False):
        text = "new_run(); print(1, flush=True); sys.stdin.readline()"
        if not socket:  # the loopback port of Windows, and of paths too long for a socket
            text = "import mlruns.process; mlruns.process.LONGEST_SOCKET = 0\n" + text
        script = scripts.start(text, store)
        script.stdout.readline()
        name = key(uri.parse(store), Identity.of(str(store)))
        (run_file,) = [
            f for f in (runfile.RunFile(d, name) for d in runfile.folders()) if f.path.exists()
        ]
        endpoint = run_file.read()
        tries = f"""
import encodings.idna, os, socket, sys
os.setgid(65534); os.setgroups([]); os.setuid(65534)
def refused(f):
    try:
        f()
    except OSError:
        return
    sys.exit("it could " + f.__name__)
def read(): open({str(run_file.path)!r})
def listing(): os.listdir({str(run_file.folder)!r})
refused(read); refused(listing)
where = {endpoint.uri!r}
if where.startswith("unix:"):
    def connect(): socket.socket(socket.AF_UNIX).connect(where[5:])
    refused(connect)
else:
    host, _, port = where[len("http://"):].rpartition(":")
    for header in ("", "Authorization: Bearer wrong\\r\\n"):
        c = socket.create_connection((host, int(port)))
        ask = "GET /api/2.0/mlflow/experiments/get?experiment_id=0 HTTP/1.1\\r\\n"
        c.sendall((ask + "Host: localhost\\r\\n" + header + "\\r\\n").encode())
        answer = c.recv(9999)
        assert b" 401 " in answer.partition(b"\\r\\n")[0], answer
print("kept out")
"""
        done = subprocess.run([sys.executable, "-c", tries], capture_output=True, text=True)
        assert done.stdout == "kept out\n", done.stderr
        scripts.end(script)
        wait_until(lambda: not servers(store), "the server ends")


def test_a_connection_of_the_old_folder_is_not_used_for_the_new(store, monkeypatch):
    """A call under way while the store is removed and made again, in another thread."""
    import shutil
    import threading

    s = service(uri.parse(store))
    s.post("experiments/create", {"name": "old"})
    under_way, go_on = threading.Event(), threading.Event()
    whole = transport.Connection._response

    def slow(self):
        response = whole(self)
        if threading.current_thread() is thread:
            under_way.set()
            go_on.wait(AT_MOST)
        return response

    monkeypatch.setattr(transport.Connection, "_response", slow)
    thread = threading.Thread(target=lambda: s.get("experiments/get", experiment_id="0"))
    thread.start()
    under_way.wait(AT_MOST)
    shutil.rmtree(store)
    s.post("experiments/create", {"name": "new"})
    go_on.set()
    thread.join()
    for _ in range(3):
        found = s.post("experiments/search", {"max_results": 10})["experiments"]
        assert {e["name"] for e in found} == {"Default", "new"}


def test_without_a_shell(store, scripts):
    out = scripts.run(
        "import mlruns.process; mlruns.process.SHELL = '/none'\nnew_run(); print('done')", store
    )
    assert out == "done\n"


def test_what_servers_left_is_swept(store, scripts):
    folder = next(f for f in runfile.folders() if runfile.is_private(f) or not f.exists())
    runfile.make_private(folder)
    dead = runfile.RunFile(folder, "0" * 20)
    dead.path.write_text('{"uri": "unix:/nowhere", "token": "x"}')
    dead.log.write_text("")
    scripts.run("new_run()", store)
    assert not dead.path.exists()
    assert not dead.log.exists()


def _has_mlflow() -> bool:
    from importlib.util import find_spec

    return find_spec("mlflow") is not None


HAS_MLFLOW = _has_mlflow()
