"""What a confirmation says of itself."""

from dataclasses import replace

import pytest

from hpq_hls.search.confirmation import BOOTSTRAP, EXACT, Confirmation

SHOWN = Confirmation(0.9, 0.005, True, 0.0042, 1300, 700, 3, 0.001, None, EXACT)


@pytest.mark.parametrize(
    ("confirmation", "sentence"),
    [
        (
            SHOWN,
            "certified: the drop on unseen data is within the 0.50 points allowed with a probability of "
            "90 %, as 1,300 samples held back from the search show",
        ),
        (
            replace(SHOWN, certified=False, samples=0, searched=360, tested=0, needed=1062),
            "not certified: 360 validation samples are too few to show with 90 % that the drop on unseen "
            "data is within the 0.50 points allowed; about 1,062 validation samples would do",
        ),
        (
            replace(SHOWN, certified=False, confidence=0.995, method=BOOTSTRAP, max_drop=0.25),
            "not certified: 1,300 samples held back from the search do not show with 99.5 % that the drop on "
            "unseen data is within the 0.25 allowed",
        ),
    ],
)
def test_sentence(confirmation: Confirmation, sentence: str) -> None:
    assert confirmation.sentence() == sentence
