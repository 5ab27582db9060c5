"""What the examples with data of your own share: arguments, training, and the steps to hardware."""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from rich.console import Group
from torch import nn
from torch.nn import functional

from hpq_hls import workflow
from hpq_hls.errors import HpqError
from hpq_hls.report import write_report
from hpq_hls.report.tables import report_table, verify_table
from hpq_hls.tools.console import TerminalReporter, make_console
from hpq_hls.workflow.plain import plain


def arguments(description: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, required=True, help="the .npz file described in the README")
    parser.add_argument("--weights", type=Path, help="a state dict to load instead of training")
    parser.add_argument("--epochs", type=int, help="to train for")
    return parser.parse_args()


def load(path: Path, *names: str) -> list[np.ndarray]:
    """Arrays of an .npz file by name."""
    with np.load(path, allow_pickle=False) as held:
        missing = [name for name in names if name not in held]
        if missing:
            sys.exit(f"{path} has no array {missing[0]}; it must hold {', '.join(names)}")
        return [held[name] for name in names]


def train(net: nn.Module, x: np.ndarray, y: np.ndarray, epochs: int, rate: float, decay: float) -> None:
    """Adam with a one-cycle schedule; the same weights every time."""
    torch.manual_seed(0)
    inputs, labels = torch.from_numpy(x), torch.from_numpy(y)
    steps = epochs * -(-len(x) // 128)
    optimizer = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    net.train()
    for epoch in range(epochs):
        for batch in torch.randperm(len(x)).split(128):
            optimizer.zero_grad()
            loss = functional.cross_entropy(net(inputs[batch]), labels[batch])
            loss.backward()
            optimizer.step()
            schedule.step()
        print(f"epoch {epoch + 1} of {epochs}, loss {loss.item():.3f}", file=sys.stderr)
    net.eval()


def save_splits(folder: Path, **splits: tuple[np.ndarray, np.ndarray]) -> None:
    """One .npz file per split, as project.yaml names them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (x, y) in splits.items():
        np.savez_compressed(folder / f"{name}.npz", x=x, y=y)


def to_hardware(project: Path) -> None:
    """Search, generate, verify and report, as ``hpq`` does with a project.yaml."""
    show = TerminalReporter()
    try:
        work = workflow.open_workspace(project)
        workflow.run_search(work, show)
        workflow.run_generate(work, force=True, reporter=show)
        verified = workflow.run_verify(work, reporter=show)
        report = write_report(work, reporter=show)
        make_console(stderr=False).print(Group(verify_table(plain(verified)), report_table(plain(report))))
        verified.check()
    except HpqError as error:
        sys.exit(f"Error: {error}")
