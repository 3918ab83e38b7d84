"""How much each part of a phrase counts: what `python -m spatial_llava_ros.fitting` wrote to weights.json.

PARTS are exponents: the more, the more a region that suits this part badly is out of the question. NONE, SEVERAL and
SINGLED_OUT are log odds against one thing: that none is meant, that several fit, and what is added to the latter where
the phrase compares with other things.
"""

from __future__ import annotations

import json
from pathlib import Path

FILE = Path(__file__).with_name("weights.json")
_STORED: dict[str, float] = json.loads(FILE.read_text(encoding="utf-8"))
NONE, SEVERAL, SINGLED_OUT = (_STORED.pop(name) for name in ("NONE", "SEVERAL", "SINGLED_OUT"))
PARTS = _STORED
