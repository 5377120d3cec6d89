#!/usr/bin/env bash
# Makes a virtual environment and installs consentgate and one pinned set into it. Run again, it only updates.
#
# Usage: tools/venv.sh SET [FOLDER]     SET is the name of a file in constraints/; FOLDER is .venv unless given.
# PYTHON names the interpreter, 3.11 or newer; without it the usual names are tried.
set -euo pipefail
cd "$(dirname "$0")/.."

pins=constraints/$1.txt
venv=${2:-.venv}
[ -f "$pins" ] || { echo "There is no $pins." >&2; exit 2; }

python=
for candidate in ${PYTHON:-python3.11 python3 python3.12 python3.13 python3.14}; do
  if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$candidate
    break
  fi
done
[ -n "$python" ] || { echo "Python 3.11 or newer is needed. On Debian: apt-get install python3" >&2; exit 2; }

# Debian ships the part of Python that brings pip into an environment as a package of its own.
if [ ! -x "$venv/bin/python" ] && ! "$python" -c 'import ensurepip' 2>/dev/null; then
  package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing $package, without which Python makes no environments."
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null
  elif ! "$python" -m pip --version >/dev/null 2>&1; then
    echo "Python cannot make an environment here. As root: apt-get install $package" >&2
    exit 2
  fi
fi

if [ ! -x "$venv/bin/python" ]; then
  echo "Making $venv with $("$python" --version)."
  if "$python" -c 'import ensurepip' 2>/dev/null; then
    "$python" -m venv "$venv"
  else
    "$python" -m venv --without-pip "$venv"
  fi
fi

# An environment without a pip of its own is served by the interpreter's.
if "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
  pip=("$venv/bin/python" -m pip)
else
  pip=("$python" -m pip --python "$venv/bin/python")
fi

echo "Installing what $pins pins."
"${pip[@]}" install --quiet --quiet --disable-pip-version-check --require-hashes -r "$pins"
if [ "$1" != run ]; then
  # The witness declares Python 3.12 and runs on 3.11, which a resolver does not believe; what else it needs is pinned
  # above.
  "${pip[@]}" install --quiet --quiet --disable-pip-version-check --no-deps --ignore-requires-python --require-hashes \
    -r constraints/apart.txt
fi
# The build tool is pinned too and lies in the environment by now: nothing else is fetched.
"${pip[@]}" install --quiet --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
