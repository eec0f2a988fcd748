#!/bin/sh
# Before deployment: builds the package, with a Python of the version that the app will run on.
set -eu

version="${DAILIES_PYTHON_VERSION:-$(sed -n "s/^param pythonVersion string = '\(.*\)'$/\1/p" infra/main.bicep)}"
for name in .venv/bin/python "python$version" python3 python; do
  found="$("$name" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true)"
  if [ "$found" = "$version" ]; then
    exec "$name" -m scripts.build_package out/dailies.zip --for "$version"
  fi
done
echo "error: the app will run on Python $version, and none is on the path to build its package with; install it, or choose the version that you have: azd env set DAILIES_PYTHON_VERSION" >&2
exit 1
