"""Measurements in an SQLite file, each as it is made, so that a search survives its process.

Open it with any SQLite tool, even while the search runs::

    sqlite3 search.sqlite "SELECT cost, accuracy, precision FROM evaluations ORDER BY cost LIMIT 5"
"""

from __future__ import annotations

import contextlib
import json
import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType

from hpq_hls.errors import OutputError
from hpq_hls.search.measurement import Measurement, Price, Seen
from hpq_hls.search.space import Combination, Space

APPLICATION = 0x68707131
"""SQLite's application_id of such a file ("hpq1")."""
_SCHEMA = f"""
BEGIN IMMEDIATE;
PRAGMA application_id = {APPLICATION};
CREATE TABLE IF NOT EXISTS searches (
    id INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE,
    started TEXT NOT NULL,
    about TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS evaluations (
    search INTEGER NOT NULL REFERENCES searches (id),
    combination TEXT NOT NULL,
    precision TEXT NOT NULL,
    accuracy REAL NOT NULL,
    error REAL NOT NULL,
    cost REAL NOT NULL,
    excess REAL NOT NULL,
    weight_bits INTEGER NOT NULL,
    finished TEXT NOT NULL,
    slacks TEXT NOT NULL DEFAULT '[]',
    noise REAL NOT NULL DEFAULT 0,
    risk REAL NOT NULL DEFAULT 0,
    PRIMARY KEY (search, combination)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS readings (
    view TEXT NOT NULL,
    combination TEXT NOT NULL,
    accuracy REAL NOT NULL,
    error REAL NOT NULL,
    noise REAL NOT NULL,
    risk REAL NOT NULL,
    PRIMARY KEY (view, combination)
) WITHOUT ROWID;
COMMIT;
"""
_COLUMNS = (
    "search",
    "combination",
    "precision",
    "accuracy",
    "error",
    "cost",
    "excess",
    "weight_bits",
    "finished",
    "slacks",
    "noise",
    "risk",
)
_ADD = f"INSERT OR REPLACE INTO evaluations ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_READ = "combination, accuracy, error, noise, risk, cost, weight_bits, slacks"
_KNOWN = f"SELECT {_READ} FROM evaluations WHERE search = ?"
_ADD_READING = "INSERT OR REPLACE INTO readings VALUES (?, ?, ?, ?, ?, ?)"
_SEEN = "SELECT combination, accuracy, error, noise, risk FROM readings WHERE view = ?"
_ADDED = {
    "slacks": "TEXT NOT NULL DEFAULT '[]'",
    "noise": "REAL NOT NULL DEFAULT 0",
    "risk": "REAL NOT NULL DEFAULT 0",
}
"""Columns that files of earlier versions lack. Their evaluations stay, and belong to searches of another
fingerprint."""
BUSY_S = 30.0
"""How long a reader of the file may keep a writer waiting."""


class SqliteJournal:
    """The evaluations of one search in a file that may hold others. It implements ``Journal``.

    A process that is killed at any moment leaves a whole file with every evaluation that ``add`` was
    given before. Searches of other fingerprints in the same file never mix. Equal fingerprints measure
    equal values, so a search that is started over replaces earlier rows by equal ones.

    Parameters
    ----------
    path : the file; it and its folder are made where they are missing.
    fingerprint : identifies what is measured.
    space : what the combinations mean, for the column ``precision``.
    views : marks of the samples that are looked at, this search's own first (see ``View``). Searches with the
        same own view see the same of a combination, whatever it costs, and share that.
    about : what people may want to know of the search; any plain data.
    resume : whether earlier evaluations are ``known`` and ``seen``.

    Raises OutputError where the file cannot be used, is of another kind, or another search writes to it.
    """

    def __init__(
        self,
        path: str | Path,
        fingerprint: str,
        space: Space,
        about: Mapping[str, object],
        *,
        resume: bool,
        views: Sequence[str] = (),
    ) -> None:
        self._path, self._space, self._resume, self._views = Path(path), space, resume, tuple(views)
        with contextlib.ExitStack() as undo, self._sentences():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = undo.enter_context(_Lock(self._path))
            self._file = undo.enter_context(contextlib.closing(_opened(self._path)))
            self._search = self._begin(fingerprint, about)
            count = self._file.execute("SELECT COUNT(*) FROM evaluations WHERE search = ?", (self._search,))
            self.held = int(count.fetchone()[0])
            self._close = undo.pop_all()

    def _begin(self, fingerprint: str, about: Mapping[str, object]) -> int:
        values = (fingerprint, _now(), json.dumps(about, default=str))
        with self._file:
            self._file.execute(
                "INSERT OR IGNORE INTO searches (fingerprint, started, about) VALUES (?, ?, ?)", values
            )
        found = self._file.execute("SELECT id FROM searches WHERE fingerprint = ?", (fingerprint,))
        (identifier,) = found.fetchone()
        return int(identifier)

    def __enter__(self) -> SqliteJournal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close.close()

    def known(self) -> Mapping[Combination, Measurement]:
        """What earlier runs of the same search measured, exactly; nothing unless it is resumed."""
        if not self._resume:
            return {}
        with self._sentences():
            rows = self._file.execute(_KNOWN, (self._search,)).fetchall()
        return {
            _combination(text): Measurement(
                accuracy, error, noise, risk, Price(cost, bits, tuple(map(float, json.loads(slacks))))
            )
            for text, accuracy, error, noise, risk, cost, bits, slacks in rows
        }

    def seen(self) -> dict[Combination, Seen]:
        """What was seen of combinations on the samples of this search, by whatever search."""
        if not self._resume or not self._views:
            return {}
        with self._sentences():
            rows = self._file.execute(_SEEN, self._views[:1]).fetchall()
        return {_combination(text): Seen(*numbers) for text, *numbers in rows}

    def add(self, measured: Mapping[Combination, Measurement]) -> None:
        """Keep these; once this returns they outlive the process.

        Raises:
            OutputError: they cannot be written, or hold a value that is no number.
        """
        now = _now()
        rows = [self._row(combination, found, now) for combination, found in measured.items()]
        with self._sentences(), self._file:
            self._file.executemany(_ADD, rows)
            self._file.executemany(_ADD_READING, self._readings(measured))

    def _row(self, combination: Combination, found: Measurement, now: str) -> tuple[object, ...]:
        price = found.price
        numbers = (found.accuracy, found.error, price.cost, price.excess)
        precision = json.dumps(self._space.precision(combination).to_dict())
        if not all(map(math.isfinite, (*numbers, found.noise, found.risk, *price.slacks))):
            raise OutputError(
                f"accuracy {found.accuracy}, error {found.error} and cost {price.cost} of {precision} are "
                "not all finite and cannot be kept; correct the metric or the objective"
            )
        return (
            self._search,
            _text(combination),
            precision,
            *numbers,
            price.weight_bits,
            now,
            json.dumps(price.slacks),
            found.noise,
            found.risk,
        )

    def _readings(self, measured: Mapping[Combination, Measurement]) -> Iterator[tuple[object, ...]]:
        """Of each combination, what this search sees of it, and what the others will."""
        for combination, found in measured.items():
            for view, seen in zip(self._views, (found.seen, *found.others), strict=False):
                yield view, _text(combination), seen.accuracy, seen.error, seen.noise, seen.risk

    @contextlib.contextmanager
    def _sentences(self) -> Iterator[None]:
        """Mishaps of files as what a user can act on."""
        try:
            yield
        except sqlite3.Error as error:
            foreign = isinstance(error, sqlite3.DatabaseError) and "not a database" in str(error)
            if foreign or "malformed" in str(error):
                raise OutputError(
                    f"{self._path} is no journal of a search ({error}); name another file, or remove it"
                ) from error
            raise OutputError(
                f"journal {self._path} cannot be written ({error}); name another place"
            ) from error
        except OSError as error:
            raise OutputError(
                f"journal {self._path} cannot be written ({error.strerror or error}); name another place"
            ) from error


class _Lock:
    """One search at a time writes to a file. The lock is SQLite's own, on an empty file beside it: it goes
    with the process however that ends, and readers of the journal are not in its way."""

    def __init__(self, path: Path) -> None:
        self._journal, self._path = path, path.with_name(f".{path.name}.lock")

    def __enter__(self) -> _Lock:
        self._held = sqlite3.connect(self._path, timeout=0, isolation_level=None)
        try:
            self._held.execute("PRAGMA journal_mode = OFF")  # nothing is ever written that could be undone
            self._held.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            self._held.close()
            if "locked" not in str(error):
                raise
            raise OutputError(
                f"another search is writing to {self._journal}; wait for its end, or name another journal"
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._path.unlink(missing_ok=True)
        self._held.close()


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_S)
    try:
        (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        if tables and application != APPLICATION:
            raise OutputError(f"{path} belongs to another program; name another file for the journal")
        # Ahead of the file itself, changes go to a log: a killed process loses nothing that was committed,
        # and no commit waits for the disk.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_SCHEMA)
        present = {row[1] for row in connection.execute("PRAGMA table_info(evaluations)")}
        for name, kind in _ADDED.items():
            if name not in present:
                connection.execute(f"ALTER TABLE evaluations ADD COLUMN {name} {kind}")
    except BaseException:
        connection.close()
        raise
    return connection


def _text(combination: Combination) -> str:
    return " ".join(map(str, combination))


def _combination(text: str) -> Combination:
    return tuple(map(int, text.split()))


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")
