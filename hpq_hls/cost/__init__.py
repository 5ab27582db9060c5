"""Resources and cycles per kernel; the catalogue of parts."""

from hpq_hls.billing.parts import PARTS, Part, find_part
from hpq_hls.cost.design import build_design
from hpq_hls.cost.estimate import LayerEstimate, ResourceEstimate, estimate_dataflow
from hpq_hls.cost.fifos import size_fifos, with_room_for_pipelines
from hpq_hls.cost.fitting import Misfit, Proposal, misfit, misfit_of
from hpq_hls.cost.folding import Folded, fold
from hpq_hls.cost.ledger import Ledger
from hpq_hls.cost.timing import Timing, time_dataflow

__all__ = [
    "PARTS",
    "Folded",
    "LayerEstimate",
    "Ledger",
    "Misfit",
    "Part",
    "Proposal",
    "ResourceEstimate",
    "Timing",
    "build_design",
    "estimate_dataflow",
    "find_part",
    "fold",
    "misfit",
    "misfit_of",
    "size_fifos",
    "time_dataflow",
    "with_room_for_pipelines",
]
