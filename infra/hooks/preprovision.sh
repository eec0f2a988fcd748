#!/bin/sh
# Before provisioning: checks what can be checked, and makes the first keys where there are none.
# azd runs it from the project's root with its environment's values as variables.
set -eu

fail() {
  echo "error: $1" >&2
  exit 1
}

sha256() {
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum | cut -d ' ' -f 1
  elif command -v shasum >/dev/null 2>&1; then
    shasum -a 256 | cut -d ' ' -f 1
  else
    fail "neither sha256sum nor shasum is installed; install coreutils"
  fi
}

for tool in azd az; do
  command -v "$tool" >/dev/null 2>&1 || fail "$tool is not installed; see docs/operations.md, 'Deploy'"
done

backend="${DAILIES_DURABLE_BACKEND:-storage}"
if grep -q '"azureManaged"' host.json; then found=scheduler; else found=storage; fi
if [ "$backend" != "$found" ]; then
  fail "DAILIES_DURABLE_BACKEND is '$backend', but host.json is written for '$found'; see docs/operations.md, 'Durable Task Scheduler'"
fi

if [ -z "${DAILIES_API_KEYS:-}" ]; then
  # A key printed into the log of a pipeline would be a key made public.
  if [ -n "${CI:-}${TF_BUILD:-}" ]; then
    fail "DAILIES_API_KEYS is not set; in a pipeline give the hashes of keys that you made, see docs/operations.md, 'Keys'"
  fi
  api_key="dailies_$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')"
  azd env set DAILIES_API_KEYS "me=sha256:$(printf %s "$api_key" | sha256)"
  echo "Your API key (shown once; only its hash is kept): $api_key"
  if [ -z "${DAILIES_ADMIN_KEYS:-}" ]; then
    admin_key="dailies_admin_$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')"
    azd env set DAILIES_ADMIN_KEYS "admin=sha256:$(printf %s "$admin_key" | sha256)"
    echo "Your admin key (shown once; only its hash is kept): $admin_key"
  fi
fi

# A budget's first month can't be changed later, so it is written down once.
if [ "${DAILIES_MONTHLY_BUDGET:-0}" != "0" ] && [ -z "${DAILIES_BUDGET_START:-}" ]; then
  azd env set DAILIES_BUDGET_START "$(date -u +%Y-%m-01)"
fi

if [ -z "${AZURE_OPENAI_ENDPOINT:-}${AZURE_OPENAI_ACCOUNT_ID:-}" ] && [ "${AZURE_OPENAI_DEPLOYMENTS:-[]}" = "[]" ]; then
  echo "note: no Azure OpenAI account is named, so no model is served until a provider is; see docs/operations.md, 'Providers'"
fi
