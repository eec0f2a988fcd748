#!/bin/sh
# Before provisioning: checks what can be checked, and makes the first keys where there are none.
# azd runs it from the project's root with its environment's values as variables.
set -eu

problems=0
newline='
'

problem() {
  echo "error: $1" >&2
  problems=$((problems + 1))
}

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

# Sets $value to that of the variable named by $1, which is a name of our own. JSON may be laid out
# over several lines.
read_value() {
  eval "value=\${$1:-}"
  case "$value" in '['* | '{'*) value="$(printf %s "$value" | tr '\n\r\t' '   ')" ;; esac
}

is_true() {
  read_value "$1"
  case "$value" in [Tt]rue) return 0 ;; *) return 1 ;; esac
}

has_items() {
  read_value "$1"
  case "$value" in *[!\[\]\ ]*) return 0 ;; *) return 1 ;; esac
}

matches() { # value, regular expression, options of grep
  printf '%s\n' "$1" | grep "$3" -e "$2"
}

is_right() { # value, rule
  kind="${2%% *}" rest="${2#* }"
  case "$1" in *"$newline"*) return 1 ;; esac
  case "$kind" in
    required | asked) return 0 ;;
    switch) case "$1" in [Tt]rue | [Ff]alse) return 0 ;; *) return 1 ;; esac ;;
    whole)
      case "${1#-}" in '' | *[!0-9]* | ??????????*) return 1 ;; esac
      [ "$1" -ge "${rest% *}" ] && [ "$1" -le "${rest#* }" ]
      ;;
    one)
      case "$1" in *' '*) return 1 ;; esac
      case " ${rest#of } " in *" $1 "*) return 0 ;; *) return 1 ;; esac
      ;;
    like) matches "$1" "$rest" -Eqx ;;
    unlike) ! matches "$1" "$rest" -Eq ;;
    *) fail "values.txt has a rule that nobody knows: $2" ;;
  esac
}

check_value() { # name, rule, what it is
  read_value "$1"
  case "$2" in
    whole*) span="${2#whole }" should="a whole number from ${span% *} to ${span#* }: $3" ;;
    one*) should="$2: $3" ;;
    switch) should="true or false: $3" ;;
    *) should="$3" ;;
  esac
  if [ -z "$value" ]; then
    case "$2" in
      required) ;;
      asked) [ "$can_ask" = no ] || return 0 ;;
      *) return 0 ;;
    esac
    problem "$1 is not set; it must be $should. Set it: azd env set $1 <value>"
  elif ! is_right "$value" "$2"; then
    # What stands in place of a hash may be the key itself.
    case "$1" in *_KEYS) shown="not of its form" ;; *) shown="'$value'" ;; esac
    problem "$1 is $shown; it must be $should. Set it: azd env set $1 <value>"
  fi
}

for tool in azd az; do
  command -v "$tool" >/dev/null 2>&1 || fail "$tool is not installed; see docs/operations.md, 'Deploy'"
done

if [ -t 0 ] && [ -z "${CI:-}${TF_BUILD:-}" ]; then can_ask=yes; else can_ask=no; fi
while IFS='~' read -r name rule text; do
  case "$name" in '' | '#'*) continue ;; esac
  rule="${rule# }"
  check_value "${name% }" "${rule% }" "${text# }"
done <"$(dirname "$0")/values.txt"
[ "$problems" -eq 0 ] || fail "nothing was changed; what each value means is in docs/operations.md, 'Settings of a deployment'"

# From here on every value is of its form; what is left is what contradicts another.
backend="${DAILIES_DURABLE_BACKEND:-storage}"
if grep -q '"azureManaged"' host.json; then found=scheduler; else found=storage; fi
if [ "$backend" != "$found" ]; then
  problem "DAILIES_DURABLE_BACKEND is '$backend', but host.json is written for '$found'; see docs/operations.md, 'Durable Task Scheduler'"
fi
if [ "${DAILIES_ALWAYS_READY_HTTP:-0}" -gt "${DAILIES_MAXIMUM_INSTANCES:-40}" ]; then
  problem "DAILIES_ALWAYS_READY_HTTP is '${DAILIES_ALWAYS_READY_HTTP:-0}', more than DAILIES_MAXIMUM_INSTANCES, '${DAILIES_MAXIMUM_INSTANCES:-40}'; set one of them"
fi
if [ "${DAILIES_RETENTION_DAYS:-0}" -gt 0 ] && [ "${DAILIES_COOL_DAYS:-0}" -ge "${DAILIES_RETENTION_DAYS:-0}" ]; then
  problem "DAILIES_COOL_DAYS is '${DAILIES_COOL_DAYS:-0}', but videos are deleted after DAILIES_RETENTION_DAYS, '${DAILIES_RETENTION_DAYS:-0}'; set it lower, or 0"
fi
if has_items DAILIES_ALLOWED_IP_RANGES && ! is_true DAILIES_VNET; then
  problem "DAILIES_ALLOWED_IP_RANGES is set, but without DAILIES_VNET the storage is open to every address; set DAILIES_VNET to true, or DAILIES_ALLOWED_IP_RANGES to []"
fi
if [ -n "${AZURE_OPENAI_ACCOUNT_ID:-}" ] && has_items AZURE_OPENAI_DEPLOYMENTS; then
  problem "AZURE_OPENAI_ACCOUNT_ID and AZURE_OPENAI_DEPLOYMENTS are both set, but only one account is used; unset one of them"
fi
if [ -n "${DAILIES_CONTENT_SAFETY_ACCOUNT_ID:-}" ] && is_true DAILIES_WITH_CONTENT_SAFETY; then
  problem "DAILIES_CONTENT_SAFETY_ACCOUNT_ID and DAILIES_WITH_CONTENT_SAFETY are both set, but only one account is asked; unset one of them"
fi
if [ "${AZURE_OPENAI_CREDENTIAL:-entra}" = api-key ] && [ -z "${AZURE_OPENAI_ENDPOINT:-}${AZURE_OPENAI_ACCOUNT_ID:-}" ]; then
  problem "AZURE_OPENAI_CREDENTIAL is 'api-key', but AZURE_OPENAI_ENDPOINT is not set, and an account that is made here takes no keys; set the address, or AZURE_OPENAI_CREDENTIAL to entra"
fi
[ "$problems" -eq 0 ] || exit 1

if is_true DAILIES_VNET && [ "${DAILIES_CONTENT_DELIVERY:-}" = redirect ] && ! has_items DAILIES_ALLOWED_IP_RANGES; then
  echo "note: with DAILIES_VNET and DAILIES_CONTENT_DELIVERY 'redirect', links to videos work inside the network alone"
fi

if [ -z "${DAILIES_API_KEYS:-}" ]; then
  # A key printed into the log of a pipeline would be a key made public.
  if [ -n "${CI:-}${TF_BUILD:-}" ]; then
    fail "DAILIES_API_KEYS is not set; in a pipeline give the hashes of keys that you made, see docs/operations.md, 'Keys'"
  fi
  api_key="dailies_$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')"
  azd env set DAILIES_API_KEYS "me=sha256:$(printf %s "$api_key" | sha256)"
  echo "Your API key (shown once; only its hash is kept): $api_key"
  if [ -z "${DAILIES_ADMIN_KEYS:-}${DAILIES_ADMIN_CLIENT_ID:-}" ]; then
    admin_key="dailies_admin_$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')"
    azd env set DAILIES_ADMIN_KEYS "admin=sha256:$(printf %s "$admin_key" | sha256)"
    echo "Your admin key (shown once; only its hash is kept): $admin_key"
  fi
fi

# A budget's first month can't be changed later, so it is written down once.
if [ "${DAILIES_MONTHLY_BUDGET:-0}" != "0" ] && [ -z "${DAILIES_BUDGET_START:-}" ]; then
  azd env set DAILIES_BUDGET_START "$(date -u +%Y-%m-01)"
fi

if [ -z "${AZURE_OPENAI_ENDPOINT:-}${AZURE_OPENAI_ACCOUNT_ID:-}" ] && ! has_items AZURE_OPENAI_DEPLOYMENTS; then
  echo "note: no Azure OpenAI account is named, so the app refuses every request until a provider is; see docs/operations.md, 'Providers'"
fi
