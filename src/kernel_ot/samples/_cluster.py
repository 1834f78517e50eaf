"""Tasks on Dask: on the cluster whose client is connected, or where Dask says without one."""

from __future__ import annotations

import sys
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias

from kernel_ot.samples._clouds import Ask, never_late

if TYPE_CHECKING:
    from dask.delayed import Delayed
    from distributed import Client, Future

# Dask's tasks do not say what they return.
_Result: TypeAlias = Any
# Blocks whose results may be under way at once: bounds the memory of the one who collects.
_AT_ONCE = 64
_SECONDS_BETWEEN_QUESTIONS = 0.5
# A cluster that grows when there is work needs a while; nobody should wait for longer unaware.
_SECONDS_WITHOUT_WORKERS = 30.0


def connected_client() -> Client | None:
    """Return the Dask client that computes; None inside of a task, which must not wait for others.

    `dask.config.set(scheduler=...)` can choose another scheduler although a client is connected.
    """
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        distributed.get_worker()
    except ValueError:
        pass
    else:
        return None
    from dask.base import get_scheduler

    client = getattr(get_scheduler(), "__self__", None)
    return client if isinstance(client, distributed.Client) else None


def computed(tasks: Sequence[Delayed], purpose: str, ask: Ask = never_late) -> tuple[_Result, ...]:
    """Return the results of Dask tasks, see `in_order`."""
    return tuple(in_order(tasks, purpose, ask))


def in_order(tasks: Sequence[Delayed], purpose: str, ask: Ask) -> Iterator[_Result]:
    """Yield the results of Dask tasks in their order.

    Parameters
    ----------
    tasks : sequence of Delayed
    purpose : str
        What they are for, as it reads after "went away during ...".
    ask : callable
        Called at least once a second on a cluster; what it raises cancels the tasks.

    Raises
    ------
    RuntimeError
        The cluster is gone, or its workers die of a task.
    """
    import dask

    client = connected_client()
    with naming_a_lost_cluster(purpose):
        if client is not None:
            yield from _on_cluster(client, tasks, ask)
            return
        for first in range(0, len(tasks), _AT_ONCE):
            ask()
            yield from dask.compute(*tasks[first : first + _AT_ONCE])


@contextmanager
def naming_a_lost_cluster(purpose: str) -> Iterator[None]:
    """Raise a RuntimeError that says so where a cluster goes away in this block.

    Parameters
    ----------
    purpose : str
        As it reads after "went away during ...".
    """
    try:
        yield
    except Exception as error:
        # What was persisted on a cluster that is gone is missing for the scheduler that is left.
        gone = type(error).__module__.split(".")[0] == "distributed"
        if not gone and "Missing dependency" not in str(error):
            raise
        raise RuntimeError(
            f"The Dask cluster went away during {purpose} ({type(error).__name__}: {error}). "
            "Nothing was fitted; start the cluster anew and fit again."
        ) from error


def _on_cluster(client: Client, tasks: Sequence[Delayed], ask: Ask) -> Iterator[_Result]:
    under_way: deque[Future] = deque()
    submitted = 0
    try:
        while submitted < len(tasks) or under_way:
            # In halves, so that no worker is without work while the last of a part is awaited.
            if len(under_way) <= _AT_ONCE // 2 and submitted < len(tasks):
                part = tasks[submitted : submitted + _AT_ONCE // 2]
                under_way.extend(client.compute(part))
                submitted += len(part)
            _await(client, under_way[0], ask)
            yield under_way.popleft().result()
    finally:
        with suppress(Exception):  # a cluster that is gone has nothing to cancel
            client.cancel(under_way)


def _await(client: Client, future: Future, ask: Ask) -> None:
    """Return once a task has ended, well or not."""
    from distributed import wait

    seen = perf_counter()
    while True:
        ask()
        try:
            wait(future, timeout=_SECONDS_BETWEEN_QUESTIONS)
        except TimeoutError:
            pass
        else:
            return
        if client.scheduler_info()["workers"]:
            seen = perf_counter()
        elif perf_counter() - seen > _SECONDS_WITHOUT_WORKERS:
            warnings.warn(
                "The Dask cluster has no workers, and the fit waits for them; start some, or "
                "interrupt it.",
                stacklevel=2,
            )
            seen = float("inf")
