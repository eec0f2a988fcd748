using './main.bicep'

// Every value comes from the azd environment: `azd env set NAME value`. docs/operations.md says
// what each means.

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME')
param location = readEnvironmentVariable('AZURE_LOCATION')
param resourceGroupName = readEnvironmentVariable('DAILIES_RESOURCE_GROUP', '')
param operatorPrincipalId = readEnvironmentVariable('DAILIES_OPERATOR_PRINCIPAL_ID', '')
param operatorPrincipalType = readEnvironmentVariable('DAILIES_OPERATOR_PRINCIPAL_TYPE', 'User')

param apiKeys = readEnvironmentVariable('DAILIES_API_KEYS', '')
param adminKeys = readEnvironmentVariable('DAILIES_ADMIN_KEYS', '')
param adminClientId = readEnvironmentVariable('DAILIES_ADMIN_CLIENT_ID', '')

param pythonVersion = readEnvironmentVariable('DAILIES_PYTHON_VERSION', '3.11')
param instanceMemoryMB = int(readEnvironmentVariable('DAILIES_INSTANCE_MEMORY_MB', '2048'))
param maximumInstanceCount = int(readEnvironmentVariable('DAILIES_MAXIMUM_INSTANCES', '40'))
param alwaysReadyHttp = int(readEnvironmentVariable('DAILIES_ALWAYS_READY_HTTP', '0'))
param httpPerInstanceConcurrency = int(readEnvironmentVariable('DAILIES_HTTP_CONCURRENCY', '32'))
param contentDelivery = readEnvironmentVariable('DAILIES_CONTENT_DELIVERY', '')
param unresolvedSubmit = readEnvironmentVariable('DAILIES_UNRESOLVED_SUBMIT', 'resend')
param deleteUpstream = bool(readEnvironmentVariable('DAILIES_DELETE_UPSTREAM', 'false'))
param sweepSchedule = readEnvironmentVariable('DAILIES_SWEEP_SCHEDULE', '0 */5 * * * *')
param dropOwner = readEnvironmentVariable('DAILIES_DROP_OWNER', 'drops')
param logLevel = readEnvironmentVariable('DAILIES_LOG_LEVEL', 'INFO')
param extraSettings = json(readEnvironmentVariable('DAILIES_EXTRA_SETTINGS', '{}'))

param videoRetentionDays = int(readEnvironmentVariable('DAILIES_RETENTION_DAYS', '0'))
param videoCoolDays = int(readEnvironmentVariable('DAILIES_COOL_DAYS', '0'))
param referenceRetentionDays = int(readEnvironmentVariable('DAILIES_REFERENCE_RETENTION_DAYS', '0'))
param softDeleteDays = int(readEnvironmentVariable('DAILIES_SOFT_DELETE_DAYS', '7'))
param historyDays = int(readEnvironmentVariable('DAILIES_HISTORY_DAYS', '7'))
param videoStorageSku = readEnvironmentVariable('DAILIES_VIDEO_STORAGE_SKU', 'Standard_ZRS')
param hostStorageSku = readEnvironmentVariable('DAILIES_HOST_STORAGE_SKU', 'Standard_ZRS')

param azureOpenAiEndpoint = readEnvironmentVariable('AZURE_OPENAI_ENDPOINT', '')
param azureOpenAiExistingAccountId = readEnvironmentVariable('AZURE_OPENAI_ACCOUNT_ID', '')
param azureOpenAiDeployments = json(readEnvironmentVariable('AZURE_OPENAI_DEPLOYMENTS', '[]'))
param azureOpenAiLocation = readEnvironmentVariable('AZURE_OPENAI_LOCATION', 'eastus2')
param sora2Deployment = readEnvironmentVariable('AZURE_OPENAI_SORA_2_DEPLOYMENT', 'sora-2')
param sora2ProDeployment = readEnvironmentVariable('AZURE_OPENAI_SORA_2_PRO_DEPLOYMENT', 'sora-2-pro')
param soraDeployment = readEnvironmentVariable('AZURE_OPENAI_SORA_DEPLOYMENT', 'sora')
param azureOpenAiCredential = readEnvironmentVariable('AZURE_OPENAI_CREDENTIAL', 'entra')
param keyVaultEnabled = bool(readEnvironmentVariable('DAILIES_WITH_KEY_VAULT', 'false'))

param contentSafetyEnabled = bool(readEnvironmentVariable('DAILIES_WITH_CONTENT_SAFETY', 'false'))
param contentSafetyExistingAccountId = readEnvironmentVariable('DAILIES_CONTENT_SAFETY_ACCOUNT_ID', '')
param contentSafetyEndpoint = readEnvironmentVariable('DAILIES_CONTENT_SAFETY_ENDPOINT', '')
param contentSafetyLocation = readEnvironmentVariable('DAILIES_CONTENT_SAFETY_LOCATION', '')
param guardFrames = int(readEnvironmentVariable('DAILIES_GUARD_FRAMES', '0'))

param durableBackend = readEnvironmentVariable('DAILIES_DURABLE_BACKEND', 'storage')
param schedulerSku = readEnvironmentVariable('DAILIES_SCHEDULER_SKU', 'Consumption')
param schedulerIpAllowlist = json(readEnvironmentVariable('DAILIES_SCHEDULER_IP_ALLOWLIST', '["0.0.0.0/0"]'))

param vnetEnabled = bool(readEnvironmentVariable('DAILIES_VNET', 'false'))
param allowedIpRanges = json(readEnvironmentVariable('DAILIES_ALLOWED_IP_RANGES', '[]'))

param alertEmails = json(readEnvironmentVariable('DAILIES_ALERT_EMAILS', '[]'))
param paidJobsPerDay = int(readEnvironmentVariable('DAILIES_PAID_JOBS_PER_DAY', '500'))
param monthlyBudget = int(readEnvironmentVariable('DAILIES_MONTHLY_BUDGET', '0'))
param budgetStartDate = readEnvironmentVariable('DAILIES_BUDGET_START', '')
param logRetentionDays = int(readEnvironmentVariable('DAILIES_LOG_RETENTION_DAYS', '30'))
param logDailyCapGb = int(readEnvironmentVariable('DAILIES_LOG_DAILY_CAP_GB', '5'))
param exampleSubscription = bool(readEnvironmentVariable('DAILIES_EXAMPLE_SUBSCRIPTION', 'true'))
