# The environment that the ROS processes run in, set in this one place. Source it from bash:
#
#     source scripts/env.sh
#
# Afterwards `python`, `spatial-llava` and colcon are those of .venv/, `import rclpy` and
# `import spatial_llava_ros.msg` work, and Fast DDS carries images through shared memory.
# To start one command inside it:  bash -c 'source scripts/env.sh && exec "$@"' - python -m spatial_llava_ros.nodes.locate
# Whatever you have already set (profile, discovery range, domain) is kept.

_root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
if [ ! -f "$_root/install/setup.bash" ]; then
  echo "env.sh: $_root is not built; run: make build" >&2
  unset _root
  return 1
fi
case ":$PATH:" in
  *":$_root/.venv/bin:"*) ;;
  *) export PATH="$_root/.venv/bin:$PATH" ;;
esac
source "$_root/install/setup.bash"  # chains the ROS it was built with: /opt/ros/<distro> or the wheels in .venv
# An image is larger than the default shared-memory segment, and best-effort streams would lose nearly all of them.
# Fast DDS reads the first name up to Jazzy and the second later on.
_profile="${FASTRTPS_DEFAULT_PROFILES_FILE:-${FASTDDS_DEFAULT_PROFILES_FILE:-$_root/config/fastdds.xml}}"
export FASTRTPS_DEFAULT_PROFILES_FILE="${FASTRTPS_DEFAULT_PROFILES_FILE:-$_profile}"
export FASTDDS_DEFAULT_PROFILES_FILE="${FASTDDS_DEFAULT_PROFILES_FILE:-$_profile}"
# Stay on this machine unless told otherwise: Jazzy and later, then Humble.
export ROS_AUTOMATIC_DISCOVERY_RANGE="${ROS_AUTOMATIC_DISCOVERY_RANGE:-LOCALHOST}"
[ "${ROS_DISTRO:-}" != humble ] || export ROS_LOCALHOST_ONLY="${ROS_LOCALHOST_ONLY:-1}"
unset _root _profile
