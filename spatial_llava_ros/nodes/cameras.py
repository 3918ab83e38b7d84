"""Topic names of common cameras (config/cameras.yaml) as remapping rules for the locate node."""

from __future__ import annotations

from pathlib import Path

import yaml

# The node's own names for what config/cameras.yaml lists.
TOPICS = {
    "color": "rgb/image",
    "color_info": "rgb/camera_info",
    "depth": "depth/image",
    "depth_info": "depth/camera_info",
}


def read_cameras(config: Path) -> dict[str, dict[str, str]]:
    """Topics of each camera by its name.

    Args:
        config: the folder that holds cameras.yaml.
    """
    return yaml.safe_load((config / "cameras.yaml").read_text())


def remappings(
    topics: dict[str, str], prefix: str = "", color_transport: str = "raw", depth_transport: str = "raw"
) -> list[tuple[str, str]]:
    """From the node's names to a camera's.

    Args:
        topics: one entry of cameras.yaml.
        prefix: namespace that is put before the camera's names.
    """
    transports = {"color": color_transport, "depth": depth_transport}
    pairs = []
    for stream, own in TOPICS.items():
        theirs = "/" + "/".join(part.strip("/") for part in (prefix, topics[stream]) if part.strip("/"))
        pairs.append((own, theirs))
        transport = transports.get(stream, "raw")
        if transport != "raw":
            # image_transport publishes a compressed picture under the raw picture's name.
            pairs.append((f"{own}/{transport}", f"{theirs}/{transport}"))
    return pairs
