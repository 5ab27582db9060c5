"""A .pt2 file, as torch.export.save writes it, read without unpickling anything.

``torch.export.load`` unpickles the sample inputs, weights that are marked so, and objects among the
constants, and evaluates text of the description. Here the file is taken apart first: a new archive, in
memory, gets the description as ``plain_program`` lets it through, the weights and constants that are raw
numbers, and nothing else, and that is what torch reads. Nothing is believed of the file that is not checked,
sizes included.
"""

from __future__ import annotations

import io
import json
import math
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpq_hls.errors import DataError, HpqError
from hpq_hls.frontends.pt2_program import plain_program
from hpq_hls.frontends.quiet import quiet
from hpq_hls.reading import regular

if TYPE_CHECKING:  # torch takes seconds to import
    import torch

AGAIN = "write it again with torch.export.save"
MAX_DESCRIPTION = 1 << 28
"""Bytes of the JSON of a network."""
MAX_SPREAD = 1 << 20
"""Elements that a weight may have beyond those that are stored (one number for all of a row, say)."""
_OLD = (
    "keeps its weights in pickles, as torch before 2.9 did, which are never unpickled; load it with "
    f"the torch that wrote it, and {AGAIN} of torch 2.9 or later"
)
_PICKLED = f"never unpickled; export a network whose weights and constants are plain tensors, and {AGAIN}"


def load_exported(path: str | os.PathLike[str]) -> torch.export.ExportedProgram:
    """The exported program in a file that ``torch.export.save`` wrote. No code of the file is run.

    Sample inputs are left out.

    Raises:
        DataError: it is no such file, is damaged, or needs to be unpickled.
        UnsupportedOperatorError: it calls what is no operator of torch or of an extension.
    """
    import torch

    path = Path(path)
    try:
        archive = _rebuilt(path)
        with quiet():
            return torch.export.load(archive)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}); check the file") from error
    except HpqError as error:
        raise type(error)(f"{path} is not read: {error}; {AGAIN}") from error
    except _Known as error:
        raise DataError(f"{path} {error}") from error
    except zipfile.BadZipFile as error:
        raise DataError(f"{path} is no exported program ({error}); {AGAIN}") from error
    except Exception as error:  # torch raises many kinds on a foreign file
        reason = str(error).strip().partition("\n")[0].rstrip(".")[:200] or type(error).__name__
        raise DataError(f"{path} is no exported program that this torch reads ({reason}); {AGAIN}") from error


class _Known(Exception):  # noqa: N818  (the rest of a sentence that starts with the file)
    """What keeps a file from being read."""


def _rebuilt(path: Path) -> io.BytesIO:
    """The archive that torch may read."""
    made = io.BytesIO()
    with zipfile.ZipFile(regular(path)) as given, zipfile.ZipFile(made, "w") as kept:
        reader = _Members(given, path.stat().st_size)
        kept.writestr("model/archive_format", "pt2")
        kept.writestr("model/archive_version", reader.text("archive_version"))
        kept.writestr("model/.data/version", "6\n")
        kept.writestr("model/byteorder", reader.text("byteorder", "little"))
        kept.writestr("model/models/model.json", plain_program(reader.read("models/model.json")))
        kept.writestr("model/data/sample_inputs/model.pt", b"")
        for kind in ("weights", "constants"):
            name = f"data/{kind}/model_{kind}_config.json"
            config = _payload(reader.read(name), kind)
            kept.writestr(f"model/{name}", json.dumps({"config": config}))
            for member in dict.fromkeys(entry["path_name"] for entry in config.values()):
                content = reader.read(f"data/{kind}/{member}", most=None)
                for key, entry in config.items():
                    if entry["path_name"] == member:
                        _check_size(key, entry["tensor_meta"], len(content))
                kept.writestr(f"model/data/{kind}/{member}", content)
    made.seek(0)
    return made


class _Members:
    """The files in an archive, as torch stores them: not compressed, in one folder."""

    def __init__(self, archive: zipfile.ZipFile, size: int) -> None:
        self._archive, self._size, self._taken = archive, size, 0
        names = archive.namelist()
        self._root = names[0].partition("/")[0] if names else ""
        if "serialized_exported_program.json" in names or self._has("data/weights/model.pt"):
            raise _Known(_OLD)
        if not self._has("archive_format") or self.text("archive_format") != "pt2":
            raise _Known(f"is no exported program; {AGAIN}")
        if not self._has("models/model.json"):
            raise _Known(f"holds no network called model; {AGAIN}")

    def _has(self, name: str) -> bool:
        return f"{self._root}/{name}" in self._archive.NameToInfo

    def text(self, name: str, otherwise: str = "") -> str:
        """A short word."""
        word = self.read(name, most=16).decode("ascii", "replace") if self._has(name) else otherwise
        return word.strip()

    def read(self, name: str, most: int | None = MAX_DESCRIPTION) -> bytes:
        """A member. most: bytes; None: those of the file itself."""
        try:
            info = self._archive.getinfo(f"{self._root}/{name}")
        except KeyError:
            raise _Known(f"lacks {name}; {AGAIN}") from None
        self._taken += info.file_size
        if info.compress_type != zipfile.ZIP_STORED or info.file_size > (most or self._size):
            raise _Known(f"has {name} compressed or too large; {AGAIN}, which stores it as it is")
        if self._taken > 2 * self._size:  # members that overlap
            raise _Known(f"says that it holds more than its own size; {AGAIN}")
        return self._archive.read(info)


def _payload(text: bytes, kind: str) -> dict[str, Mapping[str, Any]]:
    """The list of weights or constants: name of each, where its numbers are, and their layout."""
    config = json.loads(text)["config"]
    for name, entry in config.items():
        if entry["use_pickle"] or entry["tensor_meta"] is None:
            raise _Known(f"has {name!r:.80} among its {kind} as a Python object, which is {_PICKLED}")
        member = entry["path_name"]
        if not isinstance(member, str) or "/" in member or not member.startswith(("weight_", "tensor_")):
            raise _Known(f"has {name!r:.80} among its {kind} as a Python object, which is {_PICKLED}")
    return {
        name: {
            "path_name": entry["path_name"],
            "is_param": bool(entry["is_param"]),
            "use_pickle": False,
            "tensor_meta": entry["tensor_meta"],
        }
        for name, entry in config.items()
    }


def _check_size(name: str, meta: Mapping[str, Any], stored: int) -> None:
    """A tensor has the elements that are stored for it; torch makes as many as it is told."""
    numbers = [*meta["sizes"], *meta["strides"], meta["storage_offset"]]
    values = [item.get("as_int") for item in numbers]
    if any(not isinstance(value, int) or not 0 <= value < 1 << 48 for value in values):
        raise _Known(f"has a tensor {name!r:.80} without a fixed shape; {AGAIN}")
    count = math.prod(values[: len(meta["sizes"])])
    if count > stored + MAX_SPREAD:
        raise _Known(f"has a tensor {name!r:.80} of {count:,} elements in {stored:,} bytes; {AGAIN}")
