"""What the soak samples of a process, and what the samples prove: nothing grows."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, linear_regression
from typing import Final

#: A leak of this much shows in months; less than this is noise of half an hour.
MB_PER_MINUTE_MAX: Final = 1.0
PART_PER_TEN_MINUTES_MAX: Final = 0.02
#: In a shorter run the beginning is all there is: nothing can be said of memory.
MINUTES_MIN: Final = 10.0
SPARE: Final = 2
_LINE: Final = re.compile(r"^(stocksync_\w+?)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The process at one moment; counters are sums over all stores."""

    minutes: float
    memory_mb: float
    files: int
    threads: int
    database_mb: float
    movements: int
    writes: int
    requests: int
    failed: int


def process_state(number: int) -> tuple[float, int, int]:
    """Return resident memory in MB, open files and threads of a process (proc(5))."""
    status = Path(f"/proc/{number}/status").read_text()
    fields = dict(re.findall(r"^(\w+):\s+(\d+)", status, re.MULTILINE))
    files = sum(1 for _ in Path(f"/proc/{number}/fd").iterdir())
    return int(fields["VmRSS"]) / 1024, files, int(fields["Threads"])


def total(exposition: str, name: str, having: str = "") -> int:
    """Add up every series of a metric whose labels hold a text."""
    return round(
        sum(
            float(value)
            for metric, labels, value in _LINE.findall(exposition)
            if metric == f"stocksync_{name}" and having in labels
        )
    )


def after_warming_up(samples: Sequence[Sample]) -> Sequence[Sample]:
    """Return the last two thirds."""
    return samples[len(samples) // 3 :]


def slope(samples: Sequence[Sample], of: Callable[[Sample], float]) -> float:
    """Return how fast something grows, in its unit per minute."""
    return linear_regression([at.minutes for at in samples], [of(at) for at in samples]).slope


def faults_in(samples: Sequence[Sample]) -> list[str]:
    """Say what grew that should not; `samples` are the whole run."""
    late = after_warming_up(samples)
    faults = []
    if samples[-1].minutes - samples[0].minutes >= MINUTES_MIN:
        growth = slope(late, lambda at: at.memory_mb)
        part = 10 * growth / fmean(at.memory_mb for at in late)
        if growth > MB_PER_MINUTE_MAX or part > PART_PER_TEN_MINUTES_MAX:
            faults.append(f"memory grows by {growth:.2f} MB a minute, {part:.1%} in ten")
    half = len(late) // 2
    kinds: dict[str, Callable[[Sample], int]] = {
        "open files": lambda at: at.files,
        "threads": lambda at: at.threads,
    }
    for what, of in kinds.items():
        # What is used for a moment goes away again; a leak raises the least there ever is.
        before, after = min(map(of, late[:half])), min(map(of, late[half:]))
        if after > before + SPARE:
            faults.append(f"{what} grow: never fewer than {before}, then never than {after}")
    if late[-1].movements <= late[0].movements or late[-1].writes <= late[0].writes:
        faults.append("nothing was sold or nothing was written: the soak proves nothing")
    if samples[-1].failed == 0:
        faults.append("no job failed: the faults did not reach the service")
    return faults


def table(samples: Sequence[Sample], *, rows: int = 24) -> str:
    """Draw some of the samples, the first and the last among them."""
    step = max(1, len(samples) // rows)
    shown = [*samples[:-1:step], samples[-1]]
    heads = ("minute", "memory MB", "files", "threads", "books MB", "movements", "writes")
    lines = ["".join(f"{head:>11}" for head in (*heads, "requests", "failed"))]
    lines += [
        f"{at.minutes:11.1f}{at.memory_mb:11.1f}{at.files:11}{at.threads:11}{at.database_mb:11.2f}"
        f"{at.movements:11}{at.writes:11}{at.requests:11}{at.failed:11}"
        for at in shown
    ]
    late = after_warming_up(samples)
    growth = slope(late, lambda at: at.memory_mb)
    part = 10 * growth / fmean(at.memory_mb for at in late)
    lines.append(f"memory over the last two thirds: {growth:+.3f} MB a minute, {part:+.2%} in ten")
    return "\n".join(lines)
