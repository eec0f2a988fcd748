#!/bin/sh
# After deployment: subscribes the app to the images dropped into the container. The function must
# run before, since Event Grid calls it to ask whether it wants the events.
set -eu

fail() {
  echo "error: $1" >&2
  exit 1
}

command -v az >/dev/null 2>&1 || fail "az is not installed; see docs/operations.md, 'Deploy'"

pause="${DAILIES_HOOK_PAUSE_SECONDS:-10}"
tries=30
while [ "$tries" -gt 0 ]; do
  # The key itself stays out of this shell: only whether there is one is asked.
  ready="$(az functionapp keys list \
    --subscription "$AZURE_SUBSCRIPTION_ID" \
    --resource-group "$AZURE_RESOURCE_GROUP" \
    --name "$DAILIES_APP_NAME" \
    --query 'systemKeys.eventgrid_extension != null' --output tsv || true)"
  case "$ready" in
    true | True) break ;;
  esac
  tries=$((tries - 1))
  sleep "$pause"
done
[ "$tries" -gt 0 ] || fail "the app $DAILIES_APP_NAME has no key 'eventgrid_extension', so its function 'reference_uploaded' is not running; look at its log stream, and check that 'az account show' works; then run: azd hooks run postdeploy"

az deployment group create \
  --subscription "$AZURE_SUBSCRIPTION_ID" \
  --resource-group "$AZURE_RESOURCE_GROUP" \
  --name dailies-blob-events \
  --template-file infra/blob-events.bicep \
  --parameters \
    functionAppName="$DAILIES_APP_NAME" \
    systemTopicName="$DAILIES_SYSTEM_TOPIC" \
    eventStorageName="$DAILIES_EVENT_STORAGE" \
    deadLetterContainer="$DAILIES_DEAD_LETTER_CONTAINER" \
    referencesContainer="$DAILIES_REFERENCES_CONTAINER" \
  --output none

echo "Images dropped into the container '$DAILIES_REFERENCES_CONTAINER' of $DAILIES_VIDEO_STORAGE now start videos."
echo "Dailies is at $DAILIES_BASE_URL"
