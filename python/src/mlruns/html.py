"""What a notebook shows of a store, of a run and of what a search found."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .direct import Experiment, Point, Run

MOST_ROWS = 20
MOST_COLUMNS = 6
MOST_POINTS = 60

_WIDTH, _HEIGHT = 90, 20

# Colours of the notebook itself, so that it can be read on a dark page too.
_STYLE = """<style>
.mlruns { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
.mlruns th, .mlruns td { text-align: left !important; padding: 3px 12px 3px 0;
  border-bottom: 1px solid rgba(128,128,128,.25); vertical-align: middle; white-space: nowrap; }
.mlruns th { font-weight: 600; opacity: .75; }
.mlruns code { background: none; opacity: .7; }
.mlruns svg { vertical-align: middle; margin-left: 8px; overflow: visible; }
.mlruns polyline { fill: none; stroke: #2f7ed8; stroke-width: 1.5; }
.mlruns circle { fill: #2f7ed8; }
.mlruns-note { font-size: 12px; opacity: .7; }
.mlruns-bad { color: #c33; }
</style>"""


def sparkline(points: Sequence[Point]) -> str:
    """The points as a small picture; nothing if there are fewer than two to draw."""
    drawn = [(p.step, p.value) for p in points if math.isfinite(p.value)]
    if len(drawn) < 2:
        return ""
    low, high = min(v for _, v in drawn), max(v for _, v in drawn)
    first, last = min(s for s, _ in drawn), max(s for s, _ in drawn)
    height, width = (high - low) or 1.0, (last - first) or 1
    places = [
        (
            (step - first) / width * _WIDTH,
            # In halves, because the difference of two large numbers is not always a number.
            _HEIGHT - 1 - min(max((value / height - low / height), 0.0), 1.0) * (_HEIGHT - 2)
            if math.isfinite(height)
            else _HEIGHT / 2,
        )
        for step, value in drawn
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    x, y = places[-1]
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" role="img" '
        f'aria-label="from {number(drawn[0][1])} to {number(drawn[-1][1])}">'
        f'<polyline points="{line}"/><circle cx="{x:.1f}" cy="{y:.1f}" r="2"/></svg>'
    )


def number(value: float) -> str:
    return f"{value:.4g}"


def chosen_keys(metrics: Iterable[str]) -> list[str]:
    """The metrics that are drawn for a run: the user's own before those of the system."""
    return sorted(metrics, key=lambda key: (key.startswith("system/"), key))[: 2 * MOST_COLUMNS]


def common_keys(entries: Iterable[Iterable[str]]) -> list[str]:
    """The keys that most of the runs have."""
    counts = Counter(key for entry in entries for key in entry if not key.startswith("system/"))
    most = sorted(counts, key=lambda key: (-counts[key], key))[:MOST_COLUMNS]
    return sorted(most)


def run(run: Run, lines: dict[str, list[Point]]) -> str:
    rows = [
        ("status", _status(run.status) + (" (deleted)" if run.stage == "deleted" else "")),
        ("started", _when(run.start_time) + _took(run)),
        ("id", f"<code>{escape(run.id)}</code>"),
    ]
    rows += [
        (f"metrics.{key}", number(value) + sparkline(lines.get(key, ())))
        for key, value in sorted(run.metrics.items())
    ]
    rows += [(f"params.{key}", _short(value)) for key, value in sorted(run.params.items())]
    rows += [(f"tags.{key}", _short(run.tags[key])) for key in _own_tags(run)]
    body = "".join(f"<tr><th>{escape(name)}</th><td>{text}</td></tr>" for name, text in rows)
    title = f"<b>{escape(run.name or run.id)}</b>"
    return f'{_STYLE}<div>{title}<table class="mlruns">{body}</table></div>'


def runs(
    shown: Sequence[Run], total: int, metrics: list[str], lines: dict[str, dict[str, list[Point]]]
) -> str:
    params = _differing([run.params for run in shown])
    heads = ["run", "status", "started", *metrics, *params]
    rows = []
    for r in shown:
        cells = [
            f'<span title="{escape(r.id)}">{escape(r.name or r.id[:8])}</span>',
            _status(r.status),
            _when(r.start_time),
        ]
        for key in metrics:
            value = r.metrics.get(key)
            cells.append(
                "" if value is None else number(value) + sparkline(lines[key].get(r.id, ()))
            )
        cells += [_short(r.params.get(key, ""), 24) for key in params]
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    note = f"{total} run{'' if total == 1 else 's'}"
    if total > len(shown):
        note += f", the first {len(shown)} shown"
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    return (
        f'{_STYLE}<table class="mlruns"><thead><tr>{head}</tr></thead>'
        f'<tbody>{"".join(rows)}</tbody></table><div class="mlruns-note">{note}</div>'
    )


def store(path: str, experiments: Sequence[Experiment]) -> str:
    rows = "".join(
        f"<tr><td>{escape(e.name)}</td><td><code>{escape(e.id)}</code></td></tr>"
        for e in experiments[:MOST_ROWS]
    )
    note = f"{escape(path)}: {len(experiments)} experiments"
    return (
        f'{_STYLE}<table class="mlruns"><thead><tr><th>experiment</th><th>id</th></tr></thead>'
        f'<tbody>{rows}</tbody></table><div class="mlruns-note">{note}</div>'
    )


def _differing(entries: Sequence[dict[str, str]]) -> list[str]:
    """The params in which the runs differ, which are those that a table is read for."""
    keys = common_keys(entries)
    differing = [key for key in keys if len({entry.get(key) for entry in entries}) > 1]
    return differing or keys[:2]


def _own_tags(run: Run) -> list[str]:
    return sorted(key for key in run.tags if not key.startswith("mlflow."))


def _status(status: str) -> str:
    bad = ' class="mlruns-bad"' if status in ("FAILED", "KILLED") else ""
    return f"<span{bad}>{escape(status.lower())}</span>"


def _when(time: datetime | None) -> str:
    return "" if time is None else time.astimezone().strftime("%Y-%m-%d %H:%M")


def _took(run: Run) -> str:
    if run.start_time is None or run.end_time is None:
        return ""
    seconds = (run.end_time - run.start_time).total_seconds()
    if seconds < 120:
        return f", took {seconds:.1f} s"
    return f", took {seconds / 60:.0f} min" if seconds < 7200 else f", took {seconds / 3600:.1f} h"


def _short(text: str, most: int = 80) -> str:
    return escape(text if len(text) <= most else text[: most - 1] + "…")
