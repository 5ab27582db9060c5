"""Fine-tuning at chosen precisions: straight-through training in torch, judged by the exact simulation."""

from hpq_hls.finetune.result import Epoch, FinetuneProgress, FinetuneResult
from hpq_hls.finetune.run import finetune
from hpq_hls.finetune.settings import Loss
from hpq_hls.namesakes import unite_namesakes

__all__ = ["Epoch", "FinetuneProgress", "FinetuneResult", "Loss", "finetune"]

unite_namesakes(__name__)
