# Before deployment: builds the package, with a Python of the version that the app will run on.
$ErrorActionPreference = 'Stop'

$default = (Select-String -Path infra/main.bicep -Pattern "^param pythonVersion string = '(.*)'$").Matches[0].Groups[1].Value
$version = if ($env:DAILIES_PYTHON_VERSION) { $env:DAILIES_PYTHON_VERSION } else { $default }
foreach ($name in '.venv/Scripts/python.exe', '.venv/bin/python', "python$version", 'python3', 'python') {
    if (-not (Get-Command $name -ErrorAction SilentlyContinue)) { continue }
    $found = & $name -c 'import sys; print(''%d.%d'' % sys.version_info[:2])' 2>$null
    if ($found -eq $version) {
        & $name -m scripts.build_package out/dailies.zip --for $version
        exit $LASTEXITCODE
    }
}
[Console]::Error.WriteLine("error: the app will run on Python $version, and none is on the path to build its package with; install it, or choose the version that you have: azd env set DAILIES_PYTHON_VERSION")
exit 1
