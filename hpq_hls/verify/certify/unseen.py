"""What of the files runs cannot show, because other tools see it and these do not: pragmas, and text that
depends on macros. It must be what the generator prints."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from hpq_hls.errors import VerificationError
from hpq_hls.verify.certify.certificate import KernelCertificate
from hpq_hls.verify.certify.plan import Proof

_SUFFIXES = (".sv", ".h", ".cpp")
_DIRECTIVE = re.compile(r"\s*[#`]\s*(\w+)(.*)")
_OPENS = ("if", "ifdef", "ifndef")
_KINDS = (*_OPENS, "elif", "elsif", "else", "endif", "pragma")


def written(project: Path, path: str) -> str:
    """The text of a generated file.

    Raises:
        VerificationError: it is not there, or is no text.
    """
    try:
        return (project / path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise VerificationError(
            f"{project / path} cannot be read ({said}); generate the project again"
        ) from None


def conditional(text: str) -> Iterator[str]:
    """The words of a text's pragmas, of its conditions, and of what stands under them. A file that is under
    one as a whole, so that it is read once, is not."""
    depth, guard = 0, ""
    rows = text.splitlines()
    for number, row in enumerate(rows):
        found = _DIRECTIVE.match(row)
        word, rest = (found[1], found[2].split()) if found else ("", [])
        if word == "ifndef" and depth == 0 and rows[number + 1 : number + 2] == [f"#define {rest[0]}"]:
            guard = guard or rest[0]
            if guard == rest[0]:
                continue
        depth += word in _OPENS
        if depth > 0 or word in _KINDS[len(_OPENS) :]:
            yield from row.split()
        depth -= word == "endif" and depth > 0


def unseen(project: Path, printed: Mapping[str, str | bytes], folder: str) -> KernelCertificate:
    """Those words of a project's sources in a folder against what was printed."""
    checked = different = 0
    first = ""
    for path in sorted(printed):
        if path.startswith(f"{folder}/") and path.endswith(_SUFFIXES):
            right = list(conditional(str(printed[path])))
            there = list(conditional(written(project, path)))
            wrong = sum(a != b for a, b in zip(right, there, strict=False)) + abs(len(right) - len(there))
            checked, different = checked + len(right), different + wrong
            if wrong and not first:
                at = next((i for i, (a, b) in enumerate(zip(right, there, strict=False)) if a != b), 0)
                around = " ".join((there or right)[max(at - 4, 0) : at + 4])
                first = f"{path} is not as generated where other tools read it: at {around!r}"
    return KernelCertificate(
        f"{folder}/*", "", "text", Proof.ALL_INPUTS.value, "pragmas, conditions", checked, different, first
    )
