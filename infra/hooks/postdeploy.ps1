# After deployment: subscribes the app to the images dropped into the container. The function must
# run before, since Event Grid calls it to ask whether it wants the events.
$ErrorActionPreference = 'Stop'

function Stop-Hook([string] $Message) {
    [Console]::Error.WriteLine("error: $Message")
    exit 1
}

if (-not (Get-Command az -ErrorAction SilentlyContinue)) {
    Stop-Hook "az is not installed; see docs/operations.md, 'Deploy'"
}

$pause = if ($env:DAILIES_HOOK_PAUSE_SECONDS) { [int] $env:DAILIES_HOOK_PAUSE_SECONDS } else { 10 }
$ready = $false
foreach ($try in 1..30) {
    # The key itself stays out of this shell: only whether there is one is asked.
    $answer = az functionapp keys list `
        --subscription $env:AZURE_SUBSCRIPTION_ID `
        --resource-group $env:AZURE_RESOURCE_GROUP `
        --name $env:DAILIES_APP_NAME `
        --query 'systemKeys.eventgrid_extension != null' --output tsv
    if ($answer -eq 'true') { $ready = $true; break }
    Start-Sleep -Seconds $pause
}
if (-not $ready) {
    Stop-Hook "the app $env:DAILIES_APP_NAME has no key 'eventgrid_extension', so its function 'reference_uploaded' is not running; look at its log stream, and check that 'az account show' works; then run: azd hooks run postdeploy"
}

az deployment group create `
    --subscription $env:AZURE_SUBSCRIPTION_ID `
    --resource-group $env:AZURE_RESOURCE_GROUP `
    --name dailies-blob-events `
    --template-file infra/blob-events.bicep `
    --parameters `
    functionAppName=$env:DAILIES_APP_NAME `
    systemTopicName=$env:DAILIES_SYSTEM_TOPIC `
    eventStorageName=$env:DAILIES_EVENT_STORAGE `
    deadLetterContainer=$env:DAILIES_DEAD_LETTER_CONTAINER `
    referencesContainer=$env:DAILIES_REFERENCES_CONTAINER `
    --output none
if ($LASTEXITCODE -ne 0) {
    Stop-Hook "the event subscription was not made; the message above says why; then run: azd hooks run postdeploy"
}

Write-Output "Images dropped into the container '$env:DAILIES_REFERENCES_CONTAINER' of $env:DAILIES_VIDEO_STORAGE now start videos."
Write-Output "Dailies is at $env:DAILIES_BASE_URL"
