"""What the testbench is told from outside, through environment variables."""

from __future__ import annotations

import enum
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class Driver(enum.Enum):
    """Who drives the streams."""

    AUTO = "auto"  # cocotbext-axi for short runs, our own for long ones
    AXI = "axi"  # cocotbext-axi
    LEAN = "lean"  # hw_sim.drivers


@dataclass(frozen=True)
class Settings:
    """The settings of one simulation, each with its environment variable.

    design: HPQ_DESIGN, path of design.json.
    inputs: HPQ_INPUT, raw input frames (.npz with one array per port, or .npy for one port).
    expected: HPQ_EXPECTED, raw output frames likewise; without it the first scenario sets the standard.
    results: HPQ_RESULTS, folder that receives <scenario>.json and <scenario>.npz.
    seed: HPQ_SEED, of all that is random.
    driver: HPQ_DRIVER, auto, axi or lean.
    watchdog: HPQ_WATCHDOG, clock cycles without a handshake on any port that count as a deadlock.
    pace: HPQ_PACE, clock cycles from the start of one packet to the next in back_to_back, its beats evenly
    spread; 0 for no gaps.
    """

    design: Path
    inputs: Path
    expected: Path | None
    results: Path
    seed: int = 0
    driver: Driver = Driver.AUTO
    watchdog: int = 1_000_000
    pace: int = 0

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings.

        Raises
        ------
        ValueError
            A variable is missing or malformed.
        """
        missing = [name for name in ("HPQ_DESIGN", "HPQ_INPUT") if not env.get(name)]
        if missing:
            raise ValueError(f"set {' and '.join(missing)}; hw_sim/README.md explains the variables")
        expected = env.get("HPQ_EXPECTED")
        return cls(
            design=Path(env["HPQ_DESIGN"]),
            inputs=Path(env["HPQ_INPUT"]),
            expected=Path(expected) if expected else None,
            results=Path(env.get("HPQ_RESULTS") or "results"),
            seed=int(env.get("HPQ_SEED") or cls.seed),
            driver=Driver(env.get("HPQ_DRIVER") or cls.driver.value),
            watchdog=int(env.get("HPQ_WATCHDOG") or cls.watchdog),
            pace=int(env.get("HPQ_PACE") or cls.pace),
        )
