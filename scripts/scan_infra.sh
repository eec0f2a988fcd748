#!/bin/sh
# Scans infra/ with checkov and the rules chosen in .checkov.yaml. checkov lives in an environment
# of its own (.cache/checkov), since it pins packages that the app needs newer. Nothing is uploaded.
set -eu
cd "$(dirname "$0")/.."

venv=.cache/checkov
if ! cmp -s requirements-checkov.txt "$venv/requirements.txt"; then
  "${PYTHON:-python3}" -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r requirements-checkov.txt
  cp requirements-checkov.txt "$venv/requirements.txt"
fi

report="$("$venv/bin/checkov" --config-file .checkov.yaml)" || { echo "$report"; exit 1; }
echo "$report"
# A file that checkov can't read would pass unseen.
case "$report" in
  *"Parsing errors"* | *"Error parsing"*) echo "error: checkov could not read every file" >&2; exit 1 ;;
esac
