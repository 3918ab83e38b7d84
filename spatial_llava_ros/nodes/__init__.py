"""The package on ROS 2: nodes as thin shells around the library.

Products of matrices here are small: on a robot's busy computer the threads that BLAS would share them out to wait for
one another longer than one alone takes (measured: 10 times). Set before NumPy is imported; your own setting stays.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
