"""Node parameters as a table: declared with their descriptors and ranges from the same rows that the docs print."""

from __future__ import annotations

from dataclasses import dataclass

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import ParameterException
from rclpy.node import Node

from spatial_llava_ros.errors import InvalidInputError


@dataclass(frozen=True)
class Setting:
    """One parameter. The type of `default` is the parameter's; low and high bound numbers, inclusive."""

    name: str
    default: bool | int | float | str
    meaning: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    fixed: bool = False  # can be given at the start only


def declare(node: Node, settings: tuple[Setting, ...]) -> None:
    """Declare all settings on a node.

    Raises:
        InvalidInputError: a value given at the start that is of another type, out of range or no choice.
    """
    for s in settings:
        text = s.meaning + (f"; one of {', '.join(c or repr(c) for c in s.choices)}" if s.choices else "")
        descriptor = ParameterDescriptor(description=text, read_only=s.fixed)
        if s.low is not None and s.high is not None:
            if isinstance(s.default, float):
                descriptor.floating_point_range = [FloatingPointRange(from_value=s.low, to_value=s.high)]
            else:
                descriptor.integer_range = [IntegerRange(from_value=int(s.low), to_value=int(s.high), step=1)]
        try:
            node.declare_parameter(s.name, s.default, descriptor)
        except ParameterException as error:
            raise InvalidInputError(f"parameter {s.name}: {error}") from None
        value = node.get_parameter(s.name).value
        if s.choices and value not in s.choices:
            raise InvalidInputError(f"parameter {s.name} must be one of {', '.join(s.choices)}, got '{value}'")
