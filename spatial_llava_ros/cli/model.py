"""The options that name a language model, the same for every subcommand that can ask one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any

from spatial_llava_ros.errors import InvalidInputError

if TYPE_CHECKING:
    from spatial_llava_ros.model.grounder import Grounder


def add_model(parser: argparse.ArgumentParser, grounds: bool = True) -> None:
    """Declare --model and what belongs to it.

    Args:
        grounds: it is to find things, in one of the modes; else there is nothing to choose.
    """
    group = parser.add_argument_group("language model", "docs/models.md; geometry alone answers unless one is given")
    group.add_argument("--model", metavar="MODEL", help="checkpoint folder, hub id, or http(s)://host:port/v1#name")
    if grounds:
        mode = "marks, box or both: marks, then a box where needed (default both)"
        group.add_argument("--mode", metavar="MODE", help=mode)
    group.add_argument("--quantization", metavar="BITS", help="of its weights: nf4 (default), int8, bf16, none")
    group.add_argument("--family", metavar="NAME", help="how it is asked and answers (default: by the checkpoint)")
    group.add_argument("--adapter", dest="adapters", metavar="FOLDER", help="LoRA adapter, a folder or hub id")
    group.add_argument("--device", metavar="NAME", help="cpu, cuda, cuda:1 … (default: the first GPU, else cpu)")
    group.add_argument("--revision", metavar="NAME", help="commit, tag or branch on the hub (default: its own)")
    group.add_argument("--online", action="store_true", help="it may be fetched from the hub")


@contextmanager
def chosen_model(args: argparse.Namespace) -> Iterator[Grounder | None]:
    """The grounder of the model that the options of `add_model` name, loaded; None where they name none.

    Raises:
        SpatialLlavaError: as `chosen_backend`.
    """
    with _opened(args) as (grounder, _):
        yield grounder


@contextmanager
def chosen_backend(args: argparse.Namespace) -> Iterator[Any]:
    """The back-end itself, for what is not grounding.

    Raises:
        InvalidInputError: it cannot be loaded, or options of a model without one.
        MissingDependencyError: torch or another library is not installed.
    """
    with _opened(args) as (_, backend):
        yield backend


@contextmanager
def _opened(args: argparse.Namespace) -> Iterator[tuple[Grounder | None, Any]]:
    """Grounder and back-end, both None where no model is named."""
    named = ("mode", "quantization", "family", "adapters", "device", "revision")
    given = {name: getattr(args, name) for name in named if getattr(args, name, None)}
    if not args.model:
        if given or args.online:
            option = "adapter" if "adapters" in given else next(iter(given), "online")
            raise InvalidInputError(f"--{option} is about a model: name one with --model")
        yield None, None
        return
    from spatial_llava_ros.model.opening import ModelChoice

    start = perf_counter()
    grounder, backend = ModelChoice(args.model, **given, offline=not args.online).open(own_process=False)
    memory = getattr(backend, "memory", "")
    print(f"{args.model}: loaded in {perf_counter() - start:.1f} s{', ' + memory if memory else ''}", file=sys.stderr)
    try:
        yield grounder, backend
    finally:
        if hasattr(backend, "close"):
            backend.close()
