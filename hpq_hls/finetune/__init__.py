"""Fine-tuning at chosen precisions: straight-through training in torch, judged by the exact simulation."""

from hpq_hls.finetune.result import Epoch, FinetuneProgress, FinetuneResult
from hpq_hls.finetune.run import finetune
from hpq_hls.finetune.settings import Loss

__all__ = ["Epoch", "FinetuneProgress", "FinetuneResult", "Loss", "finetune"]
