"""What a search found, column by column: how the server tells it, and what a table is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

KINDS = ("metrics", "params", "tags")


@dataclass
class Column:
    """The values of one key, those of metrics with their times and steps. Row ``rows[i]`` has the
    i-th of them."""

    rows: Sequence[int]
    values: list[Any]
    timestamps: list[int]
    steps: list[int]

    def append(self, other: Column) -> None:
        if isinstance(self.rows, range) and isinstance(other.rows, range):
            adjacent = self.rows.stop == other.rows.start
        else:
            adjacent = False
        self.rows = (
            range(self.rows[0], other.rows[-1] + 1) if adjacent else [*self.rows, *other.rows]
        )
        self.values += other.values
        self.timestamps += other.timestamps
        self.steps += other.steps

    def take(self, at: dict[int, int]) -> Column:
        """What it has of some rows, by their new numbers."""
        chosen = [i for i, row in enumerate(self.rows) if row in at]
        chosen.sort(key=lambda i: at[self.rows[i]])
        return Column(
            [at[self.rows[i]] for i in chosen],
            [self.values[i] for i in chosen],
            [self.timestamps[i] for i in chosen] if self.timestamps else [],
            [self.steps[i] for i in chosen] if self.steps else [],
        )


class Table:
    """Runs as columns."""

    def __init__(self) -> None:
        self.size = 0
        self.info: dict[str, list[Any]] = {}
        self.columns: dict[str, dict[str, Column]] = {kind: {} for kind in KINDS}
        # What few runs have, by row: data sets, models, and points that name one of them.
        self.rest: dict[int, dict[str, Any]] = {}

    def append(self, told: dict[str, Any]) -> None:
        """Add the rows that an answer of the server has."""
        before, self.size = self.size, self.size + told["rows"]
        for name, values in told["info"].items():
            self.info.setdefault(name, []).extend(values)
        for kind in KINDS:
            columns = self.columns[kind]
            for read in told[kind]:
                values = read["value"]
                if kind == "metrics":
                    values = list(map(float, values))  # it reads "NaN" and "Infinity" too
                rows: Sequence[int] = range(before, self.size)
                if "rows" in read:
                    rows = [before + row for row in read["rows"]]
                column = Column(rows, values, read.get("timestamp", []), read.get("step", []))
                if read["key"] in columns:
                    columns[read["key"]].append(column)
                else:
                    columns[read["key"]] = column
        for rest in told["rest"]:
            self.rest[before + rest["row"]] = rest

    def take(self, rows: range) -> Table:
        """Some of the rows, as a table of their own."""
        taken = Table()
        taken.size = len(rows)
        taken.info = {name: [values[row] for row in rows] for name, values in self.info.items()}
        at = {row: i for i, row in enumerate(rows)}
        for kind in KINDS:
            parts = {key: column.take(at) for key, column in self.columns[kind].items()}
            taken.columns[kind] = {key: part for key, part in parts.items() if part.rows}
        taken.rest = {at[row]: rest for row, rest in self.rest.items() if row in at}
        return taken

    def dense(self, kind: str, key: str) -> list[Any]:
        """The values of a key, None where a run has none."""
        column = self.columns[kind][key]
        if len(column.rows) == self.size:
            return column.values
        values: list[Any] = [None] * self.size
        for row, value in zip(column.rows, column.values):
            values[row] = value
        return values

    def entries(self, kind: str) -> list[dict[str, Any]]:
        """What each run has of a kind."""
        found: list[dict[str, Any]] = [{} for _ in range(self.size)]
        for key, column in self.columns[kind].items():
            for row, value in zip(column.rows, column.values):
                found[row][key] = value
        return found
