"""Resources and cycles per kernel; the catalogue of parts."""

from hpq_hls.cost.estimate import LayerEstimate, ResourceEstimate, estimate_dataflow
from hpq_hls.cost.fitting import Misfit, Proposal, misfit, misfit_of
from hpq_hls.cost.ledger import Ledger
from hpq_hls.cost.parts import PARTS, Part, find_part

__all__ = [
    "PARTS",
    "LayerEstimate",
    "Ledger",
    "Misfit",
    "Part",
    "Proposal",
    "ResourceEstimate",
    "estimate_dataflow",
    "find_part",
    "misfit",
    "misfit_of",
]
