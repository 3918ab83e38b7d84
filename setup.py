"""pip install: the library and the `spatial-llava` command, without ROS. colcon uses CMakeLists.txt instead."""

import re
from pathlib import Path

from setuptools import find_packages, setup

root = Path(__file__).parent
version = re.search(r'__version__ = "(.+)"', (root / "spatial_llava_ros" / "__init__.py").read_text()).group(1)
readme = root / "README.md"

# The simulator's ray caster. Every machine has it from the same release; on x86-64 Linux the build without CUDA is
# the same library at a quarter of the download. 0.20 is the first with wheels for 64-bit ARM (Jetson, glibc 2.35).
sim = [
    "open3d-cpu>=0.20,<0.21; platform_machine == 'x86_64' and sys_platform == 'linux'",
    "open3d>=0.20,<0.21; platform_machine != 'x86_64' or sys_platform != 'linux'",
]

# Multimodal language models. Pinned to what the tests ran with: transformers changes its caches between releases.
model = [
    "torch==2.13.*",  # a Jetson takes NVIDIA's own build: docs/models.md
    "transformers==5.23.*; python_version >= '3.11'",
    "transformers==5.20.*; python_version < '3.11'",  # the last for Python 3.10, which JetPack 6 has
    "bitsandbytes==0.50.*",
    "peft==0.21.*",
    "accelerate==1.15.*",
    "safetensors==0.8.*",
    "sentencepiece==0.2.*",
    "pillow>=12,<14",  # 13 needs Python 3.11
    "num2words==0.5.*",  # SmolVLM's processor asks for it
]

# Recordings for the Rerun viewer. The last release for Python 3.10. It needs NumPy 2, which ROS distributions up to
# Jazzy do not have. 0.x: any minor release may change its interface.
rerun = ["rerun-sdk==0.39.*"]

setup(
    name="spatial_llava_ros",
    version=version,
    description="From a referring expression to a 3D pose and a scene graph, with one RGB-D camera",
    long_description=readme.read_text() if readme.exists() else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    author="spatial_llava_ros developers",
    classifiers=[
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Topic :: Scientific/Engineering :: Image Recognition",
    ],
    python_requires=">=3.10",
    # "" puts the checkout itself on the path of an editable install, so that files added later are found at once.
    package_dir={"": "."},
    packages=find_packages(include=["spatial_llava_ros", "spatial_llava_ros.*"]),
    package_data={
        "": ["*.lark", "*.json", "*.npz", "*.yaml", "*.xml", "py.typed"],
        "spatial_llava_ros.output": ["page/*"],
    },
    entry_points={"console_scripts": ["spatial-llava = spatial_llava_ros.cli.main:main"]},
    install_requires=[
        "numpy>=1.26,<3",  # ROS distributions up to Jazzy need 1.x, their generated messages are built against it
        "opencv-python>=4.8,<6",
        "lark>=1.1,<2",
        "rosbags>=0.10,<0.12",  # 0.x: any minor release may change its interface
        "mcap>=1.1,<2",
    ],
    extras_require={
        "sim": sim,
        "model": model,
        "rerun": rerun,
        "test": ["pytest>=8", "hypothesis>=6.100", "ruff>=0.9", "catkin-pkg>=1.0", *sim],
    },
)
