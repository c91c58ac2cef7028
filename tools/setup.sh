#!/bin/sh
# Makes the virtual environment: finds a Python, installs what the lock file pins (hashes checked), then this package.
# Usage: tools/setup.sh VENV. Run by `make setup`; running it again repairs or updates the environment.
set -eu

venv=${1:?usage: tools/setup.sh VENV}

usable() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for name in ${PYTHON:-python3.11 python3.12 python3.13 python3 python}; do
        if command -v "$name" >/dev/null 2>&1 && usable "$name"; then
            echo "$name"
            return
        fi
    done
}

explain() {
    for name in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        version=$("$name" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
        case $version in
        2.* | 3.[0-9] | 3.10) ;;
        *)
            echo "EyeFlow: $name is Python $version without the modules venv and ensurepip." >&2
            echo "On Debian or Ubuntu: sudo apt-get install python$version-venv" >&2
            return
            ;;
        esac
    done
    echo "EyeFlow needs Python 3.11 or later with venv, and found none${PYTHON:+ (PYTHON=$PYTHON)}." >&2
    echo "On Debian 12 or later, Ubuntu 24.04 or later: sudo apt-get install python3 python3-venv" >&2
    echo "Elsewhere: install it, and name it: make setup PYTHON=/path/to/python3.11" >&2
}

if ! usable "$venv/bin/python"; then
    python=$(find_python)
    if [ -z "$python" ]; then
        explain
        exit 1
    fi
    echo "Making $venv with $("$python" --version 2>&1)"
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi

echo "Installing what requirements-dev.lock pins"
export PIP_DISABLE_PIP_VERSION_CHECK=1
"$venv/bin/python" -m pip install --quiet --require-hashes --requirement requirements-dev.lock
# The build back end is among the pinned packages, so nothing unpinned is fetched for the package itself.
"$venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation --editable .
