# Before provisioning: checks what can be checked, and makes the first keys where there are none.
# azd runs it from the project's root with its environment's values as variables.
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true

function Stop-Hook([string] $Message) {
    [Console]::Error.WriteLine("error: $Message")
    exit 1
}

function New-Key([string] $Prefix) {
    $bytes = [byte[]]::new(32)
    [System.Security.Cryptography.RandomNumberGenerator]::Fill($bytes)
    return $Prefix + [Convert]::ToHexString($bytes).ToLowerInvariant()
}

function Get-Hash([string] $Key) {
    $digest = [System.Security.Cryptography.SHA256]::HashData([Text.Encoding]::UTF8.GetBytes($Key))
    return [Convert]::ToHexString($digest).ToLowerInvariant()
}

foreach ($tool in 'azd', 'az') {
    if (-not (Get-Command $tool -ErrorAction SilentlyContinue)) {
        Stop-Hook "$tool is not installed; see docs/operations.md, 'Deploy'"
    }
}

$backend = if ($env:DAILIES_DURABLE_BACKEND) { $env:DAILIES_DURABLE_BACKEND } else { 'storage' }
$found = if (Select-String -Path host.json -Pattern '"azureManaged"' -Quiet) { 'scheduler' } else { 'storage' }
if ($backend -ne $found) {
    Stop-Hook "DAILIES_DURABLE_BACKEND is '$backend', but host.json is written for '$found'; see docs/operations.md, 'Durable Task Scheduler'"
}

if (-not $env:DAILIES_API_KEYS) {
    # A key printed into the log of a pipeline would be a key made public.
    if ($env:CI -or $env:TF_BUILD) {
        Stop-Hook "DAILIES_API_KEYS is not set; in a pipeline give the hashes of keys that you made, see docs/operations.md, 'Keys'"
    }
    $apiKey = New-Key 'dailies_'
    azd env set DAILIES_API_KEYS "me=sha256:$(Get-Hash $apiKey)"
    Write-Output "Your API key (shown once; only its hash is kept): $apiKey"
    if (-not $env:DAILIES_ADMIN_KEYS) {
        $adminKey = New-Key 'dailies_admin_'
        azd env set DAILIES_ADMIN_KEYS "admin=sha256:$(Get-Hash $adminKey)"
        Write-Output "Your admin key (shown once; only its hash is kept): $adminKey"
    }
}

# A budget's first month can't be changed later, so it is written down once.
if ($env:DAILIES_MONTHLY_BUDGET -and $env:DAILIES_MONTHLY_BUDGET -ne '0' -and -not $env:DAILIES_BUDGET_START) {
    azd env set DAILIES_BUDGET_START ([DateTime]::UtcNow.ToString('yyyy-MM-01'))
}

$deployments = if ($env:AZURE_OPENAI_DEPLOYMENTS) { $env:AZURE_OPENAI_DEPLOYMENTS } else { '[]' }
if (-not $env:AZURE_OPENAI_ENDPOINT -and -not $env:AZURE_OPENAI_ACCOUNT_ID -and $deployments -eq '[]') {
    Write-Output "note: no Azure OpenAI account is named, so no model is served until a provider is; see docs/operations.md, 'Providers'"
}
