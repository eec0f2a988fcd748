# Before provisioning: checks what can be checked, and makes the first keys where there are none.
# azd runs it from the project's root with its environment's values as variables.
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true

$script:problems = 0

function Add-Problem([string] $Message) {
    [Console]::Error.WriteLine("error: $Message")
    $script:problems++
}

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

# The value of a variable, or another where it is not set or empty. JSON may be laid out over
# several lines.
function Get-Value([string] $Name, [string] $Default = '') {
    $value = [Environment]::GetEnvironmentVariable($Name)
    if (-not $value) { return $Default }
    if ($value -match '^[\[{]') { return $value -replace '[\n\r\t]', ' ' }
    return $value
}

function Test-True([string] $Name) { return (Get-Value $Name) -eq 'true' }

function Test-Items([string] $Name) { return (Get-Value $Name) -match '[^\[\] ]' }

function Test-Value([string] $Value, [string] $Rule) {
    $kind, $rest = $Rule -split ' ', 2
    switch ($kind) {
        { $_ -in 'required', 'asked' } { return $true }
        'switch' { return $Value -cmatch '^[Tt]rue\z|^[Ff]alse\z' }
        'whole' {
            if ($Value -notmatch '^-?[0-9]{1,9}\z') { return $false }
            $low, $high = $rest -split ' '
            return [int] $Value -ge [int] $low -and [int] $Value -le [int] $high
        }
        'one' { return (($rest -replace '^of ') -split ' ') -ccontains $Value }
        'like' { return $Value -cmatch "^(?:$rest)\z" }
        'unlike' { return $Value -cnotmatch $rest }
        default { Stop-Hook "values.txt has a rule that nobody knows: $Rule" }
    }
}

function Test-Setting([string] $Name, [string] $Rule, [string] $What) {
    $value = Get-Value $Name
    $should = switch -Regex ($Rule) {
        '^whole (.+) (.+)$' { "a whole number from $($Matches[1]) to $($Matches[2]): $What"; break }
        '^one of ' { "${Rule}: $What"; break }
        '^switch$' { "true or false: $What"; break }
        default { $What }
    }
    if (-not $value) {
        $canAsk = -not [Console]::IsInputRedirected -and -not $env:CI -and -not $env:TF_BUILD
        if ($Rule -eq 'required' -or ($Rule -eq 'asked' -and -not $canAsk)) {
            Add-Problem "$Name is not set; it must be $should. Set it: azd env set $Name <value>"
        }
    }
    elseif (-not (Test-Value $value $Rule)) {
        # What stands in place of a hash may be the key itself.
        $shown = if ($Name -like '*_KEYS') { 'not of its form' } else { "'$value'" }
        Add-Problem "$Name is $shown; it must be $should. Set it: azd env set $Name <value>"
    }
}

foreach ($tool in 'azd', 'az') {
    if (-not (Get-Command $tool -ErrorAction SilentlyContinue)) {
        Stop-Hook "$tool is not installed; see docs/operations.md, 'Deploy'"
    }
}

foreach ($line in Get-Content (Join-Path $PSScriptRoot 'values.txt')) {
    if (-not $line -or $line.StartsWith('#')) { continue }
    $name, $rule, $what = $line -split ' ~ ', 3
    Test-Setting $name $rule $what
}
if ($script:problems) { Stop-Hook "nothing was changed; what each value means is in docs/operations.md, 'Settings of a deployment'" }

# From here on every value is of its form; what is left is what contradicts another.
$backend = Get-Value DAILIES_DURABLE_BACKEND 'storage'
$found = if (Select-String -Path host.json -Pattern '"azureManaged"' -Quiet) { 'scheduler' } else { 'storage' }
if ($backend -ne $found) {
    Add-Problem "DAILIES_DURABLE_BACKEND is '$backend', but host.json is written for '$found'; see docs/operations.md, 'Durable Task Scheduler'"
}
$ready = Get-Value DAILIES_ALWAYS_READY_HTTP '0'
$most = Get-Value DAILIES_MAXIMUM_INSTANCES '40'
if ([int] $ready -gt [int] $most) {
    Add-Problem "DAILIES_ALWAYS_READY_HTTP is '$ready', more than DAILIES_MAXIMUM_INSTANCES, '$most'; set one of them"
}
$kept = Get-Value DAILIES_RETENTION_DAYS '0'
$cool = Get-Value DAILIES_COOL_DAYS '0'
if ([int] $kept -gt 0 -and [int] $cool -ge [int] $kept) {
    Add-Problem "DAILIES_COOL_DAYS is '$cool', but videos are deleted after DAILIES_RETENTION_DAYS, '$kept'; set it lower, or 0"
}
if ((Test-Items DAILIES_ALLOWED_IP_RANGES) -and -not (Test-True DAILIES_VNET)) {
    Add-Problem "DAILIES_ALLOWED_IP_RANGES is set, but without DAILIES_VNET the storage is open to every address; set DAILIES_VNET to true, or DAILIES_ALLOWED_IP_RANGES to []"
}
$address = Get-Value AZURE_OPENAI_ENDPOINT
$account = Get-Value AZURE_OPENAI_ACCOUNT_ID
if ($account -and (Test-Items AZURE_OPENAI_DEPLOYMENTS)) {
    Add-Problem "AZURE_OPENAI_ACCOUNT_ID and AZURE_OPENAI_DEPLOYMENTS are both set, but only one account is used; unset one of them"
}
if ((Get-Value DAILIES_CONTENT_SAFETY_ACCOUNT_ID) -and (Test-True DAILIES_WITH_CONTENT_SAFETY)) {
    Add-Problem "DAILIES_CONTENT_SAFETY_ACCOUNT_ID and DAILIES_WITH_CONTENT_SAFETY are both set, but only one account is asked; unset one of them"
}
if ((Get-Value AZURE_OPENAI_CREDENTIAL 'entra') -eq 'api-key' -and -not $address -and -not $account) {
    Add-Problem "AZURE_OPENAI_CREDENTIAL is 'api-key', but AZURE_OPENAI_ENDPOINT is not set, and an account that is made here takes no keys; set the address, or AZURE_OPENAI_CREDENTIAL to entra"
}
if ($script:problems) { exit 1 }

if ((Test-True DAILIES_VNET) -and (Get-Value DAILIES_CONTENT_DELIVERY) -eq 'redirect' -and -not (Test-Items DAILIES_ALLOWED_IP_RANGES)) {
    Write-Output "note: with DAILIES_VNET and DAILIES_CONTENT_DELIVERY 'redirect', links to videos work inside the network alone"
}

if (-not $env:DAILIES_API_KEYS) {
    # A key printed into the log of a pipeline would be a key made public.
    if ($env:CI -or $env:TF_BUILD) {
        Stop-Hook "DAILIES_API_KEYS is not set; in a pipeline give the hashes of keys that you made, see docs/operations.md, 'Keys'"
    }
    $apiKey = New-Key 'dailies_'
    azd env set DAILIES_API_KEYS "me=sha256:$(Get-Hash $apiKey)"
    Write-Output "Your API key (shown once; only its hash is kept): $apiKey"
    if (-not $env:DAILIES_ADMIN_KEYS -and -not $env:DAILIES_ADMIN_CLIENT_ID) {
        $adminKey = New-Key 'dailies_admin_'
        azd env set DAILIES_ADMIN_KEYS "admin=sha256:$(Get-Hash $adminKey)"
        Write-Output "Your admin key (shown once; only its hash is kept): $adminKey"
    }
}

# A budget's first month can't be changed later, so it is written down once.
if ($env:DAILIES_MONTHLY_BUDGET -and $env:DAILIES_MONTHLY_BUDGET -ne '0' -and -not $env:DAILIES_BUDGET_START) {
    azd env set DAILIES_BUDGET_START ([DateTime]::UtcNow.ToString('yyyy-MM-01'))
}

if (-not $address -and -not $account -and -not (Test-Items AZURE_OPENAI_DEPLOYMENTS)) {
    Write-Output "note: no Azure OpenAI account is named, so the app refuses every request until a provider is; see docs/operations.md, 'Providers'"
}
