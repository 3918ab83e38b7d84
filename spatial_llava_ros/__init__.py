"""Tell a robot "the red mug left of the laptop" and get that mug's pose, size and uncertainty."""

import pkgutil

# In a source checkout this folder would hide the msg, srv and action modules that colcon generates
# into the install space; extend_path joins the two.
__path__ = pkgutil.extend_path(__path__, __name__)

__version__ = "0.1.0"
