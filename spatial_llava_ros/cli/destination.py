"""Where a subcommand writes: checked before the work, so that a name that cannot be written costs none."""

from __future__ import annotations

from pathlib import Path

from spatial_llava_ros.errors import InvalidInputError

PICTURES = (".png", ".jpg", ".jpeg")


def check_destination(path: Path, suffixes: tuple[str, ...], option: str) -> None:
    """Make the folder of a file that is to be written.

    Args:
        suffixes: endings that its name may have.
        option: that named it, for the error.

    Raises:
        InvalidInputError: another ending, a folder of that name, or a place where none can be made.
    """
    if path.suffix.lower() not in suffixes:
        raise InvalidInputError(f"{option} {path}: the name must end in {' or '.join(suffixes)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(f"{option} {path}: cannot make its folder ({error.strerror})") from None
    if path.is_dir():
        raise InvalidInputError(f"{option} {path}: is a folder")
