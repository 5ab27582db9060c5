"""What runs cannot show of a text: pragmas, and what stands under conditions."""

import pytest

from hpq_hls.errors import VerificationError
from hpq_hls.verify.certify.unseen import conditional, unseen

HEADER = """#ifndef A_H
#define A_H
#include <b.h>
int seen;
#pragma HLS inline
#ifdef __SYNTHESIS__
int other;
#if 1
int inner;
#endif
#else
int mine;
#endif
int last;
#endif
"""


def test_words_under_conditions_and_pragmas():
    found = " ".join(conditional(HEADER))
    assert "other" in found
    assert "inner" in found
    assert "#pragma HLS inline" in found
    assert "mine" in found
    for word in ("seen", "last", "b.h", "A_H"):
        assert word not in found


def test_verilog_has_conditions_too():
    text = "`ifdef SYNTHESIS\n  assign a = 1;\n`else\n  assign a = 0;\n`endif\nassign b = `WORD;\n"
    assert "".join(conditional(text)) == "`ifdefSYNTHESISassigna=1;`elseassigna=0;`endif"


def test_a_difference_is_named(tmp_path):
    (tmp_path / "src").mkdir()
    printed = {"src/a.h": HEADER, "src/b.inc": "1", "tb/c.h": HEADER}
    (tmp_path / "src" / "a.h").write_text(HEADER.replace("seen", "free"))
    assert unseen(tmp_path, printed, "src").passed
    for old, new in (("other", "others"), ("HLS inline", "HLS inline off"), ("__SYNTHESIS__", "SYNTHESIS")):
        (tmp_path / "src" / "a.h").write_text(HEADER.replace(old, new, 1))
        found = unseen(tmp_path, printed, "src")
        assert not found.passed
        assert "src/a.h is not as generated where other tools read it" in found.first


def test_a_file_that_is_gone_is_named(tmp_path):
    for content, said in ((None, "No such file or directory"), (b"\xff", "no text in UTF-8")):
        if content is not None:
            (tmp_path / "src").mkdir()
            (tmp_path / "src" / "a.h").write_bytes(content)
        with pytest.raises(VerificationError, match=rf"src/a.h cannot be read \(.*{said}\); generate the"):
            unseen(tmp_path, {"src/a.h": HEADER}, "src")
