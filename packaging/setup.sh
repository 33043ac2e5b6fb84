#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs what building, testing and running needs on Debian 12. Does nothing, quickly, when nothing is missing.
# Usage: setup.sh [--with-checks]     --with-checks adds what the checks of .ci/run need
set -euo pipefail

packages=(
    # tools
    g++ cmake ninja-build pkg-config ccache mold
    # the window
    qt6-base-dev qt6-svg-dev libqcustomplot-dev fonts-dejavu-core
    # the engine; without OpenBLAS the tensor library multiplies matrices 16 times slower
    libtorch-dev libopenblas-dev libxsmm-dev libhwy-dev
    # what both share
    libboost-dev libcli11-dev libexpected-dev libfmt-dev librandom123-dev libspdlog-dev libsqlite3-dev libsqlitecpp-dev
    libssl-dev libtomlplusplus-dev libprotobuf-dev protobuf-compiler libxxhash-dev libzstd-dev nlohmann-json3-dev
    # tests
    librapidcheck-dev
    # studies (experiments/*/run.sh, report.sh)
    jq gnuplot-nox
)
case "${1:-}" in
    "") ;;
    --with-checks) packages+=(clang-format desktop-file-utils appstream) ;;
    *) echo "usage: setup.sh [--with-checks]" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "setup.sh installs Debian packages, and this system has no apt-get. Needed are: ${packages[*]}" >&2
    exit 1
fi

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "setup.sh needs root or sudo for: $*" >&2
        return 1
    fi
}

# Output of apt is long and of interest only when something goes wrong.
run_quietly() {
    local log
    log=$(mktemp)
    if ! as_root env DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        echo "setup.sh: this failed: $*" >&2
        return 1
    fi
    rm -f "$log"
}

installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null | sed -n 's/^installed //p' || true)
missing=()
for package in "${packages[@]}"; do
    grep -qxF "$package" <<<"$installed" || missing+=("$package")
done

if [ "${#missing[@]}" -gt 0 ]; then
    echo "Installing ${#missing[@]} packages and what they need: ${missing[*]}"
    apt_options=(-q -y -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3)
    run_quietly apt-get "${apt_options[@]}" update
    run_quietly apt-get "${apt_options[@]}" --no-install-recommends install "${missing[@]}"
fi

# Debian chooses the BLAS of the whole system; the reference one may have been chosen by hand earlier.
blas=$(update-alternatives --get-selections | awk '$1 ~ /^libblas\.so\.3-/ { print $1, $3 }')
read -r blas_link blas_file <<<"$blas"
case "$blas_file" in
    */blas/libblas.so.3)
        fast=$(update-alternatives --list "$blas_link" | grep -m1 openblas)
        echo "Choosing OpenBLAS ($fast) instead of the reference BLAS"
        run_quietly update-alternatives --set "$blas_link" "$fast"
        ;;
    *openblas*) ;;
    *) echo "Note: matrices are multiplied by $blas_file and not by OpenBLAS, which is what results were checked with" ;;
esac
