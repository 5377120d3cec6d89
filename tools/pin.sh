#!/usr/bin/env bash
# Pins what is installed: constraints/*.txt, with the hashes of all files of each release and no addresses.
#
#   run.txt     the program, and hatchling to install it
#   dev.txt     run.txt and all that tests and checks need
#   apart.txt   what tests use alone, without its dependencies; tools/venv.sh says why: a witness and what it needs beyond
#               dev.txt
#   lowest.txt  the lowest versions that pyproject.toml allows of the program's own dependencies, newest test tools
#
# Usage: tools/pin.sh [--upgrade]     Without it, pins that still fit stay as they are.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

uv=$(command -v uv || true)
[ -x .venv/bin/uv ] && uv=.venv/bin/uv
if [ -z "$uv" ]; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet uv
  uv=$work/venv/bin/uv
fi

compile() {
  "$uv" pip compile pyproject.toml --quiet --universal --generate-hashes --no-header --no-annotate \
    --no-emit-index-url --no-emit-find-links --python-version 3.11 "$@"
}

mkdir -p constraints
compile --group build --output-file constraints/run.txt "${@}"
compile --group build --group test --group check --constraint constraints/run.txt \
  --output-file constraints/dev.txt "${@}"
compile --resolution lowest-direct --output-file "$work/lowest.txt" --upgrade
compile --group build --group test --constraint "$work/lowest.txt" --output-file constraints/lowest.txt "${@}"
printf '%s\n' 'aics-witness==0.1.0' 'aics-tlog==0.2.1' >"$work/apart.in"
"$uv" pip compile "$work/apart.in" --quiet --universal --no-deps --generate-hashes --no-header --no-annotate \
  --no-emit-index-url --no-emit-find-links --python-version 3.12 --output-file constraints/apart.txt

if grep -nE '://|--(extra-)?index|--find-links' constraints/*.txt; then
  echo "A pin names an address; see above." >&2
  exit 1
fi
