// Dailies on Azure, whole: one subscription-level deployment that azd runs (`azd up`). What can't
// be made before the code is there, the subscription to dropped images, is blob-events.bicep.
targetScope = 'subscription'

import { modelDeployment } from 'modules/openai.bicep'

metadata description = 'Dailies: prompts and dropped images become videos.'

// -- where and who
@minLength(1)
@maxLength(64)
@description('Name of the azd environment; tags everything and makes names unique.')
param environmentName string

@minLength(1)
@description('Region of everything but Azure OpenAI. It must offer Flex Consumption.')
@metadata({
  azd: {
    type: 'location'
  }
})
param location string

@description('Name of the resource group; empty for rg-<environment>.')
param resourceGroupName string = ''

@description('Object id of a principal that may drop images, read videos and fill the Key Vault; empty for none.')
param operatorPrincipalId string = ''

@description('What that principal is.')
@allowed([ 'User', 'Group', 'ServicePrincipal' ])
param operatorPrincipalType string = 'User'

// -- callers
@description('Hashes of callers\' keys, owner=sha256:<hex>, comma-separated. The hook makes a first one.')
@secure()
param apiKeys string = ''

@description('Hashes of operators\' keys, in the same form.')
@secure()
param adminKeys string = ''

@description('Client id of an app registration whose app role makes operators, by Microsoft Entra ID; empty for keys alone.')
param adminClientId string = ''

// -- the app
@allowed([ '3.11', '3.12', '3.13' ])
@description('Version of Python that the app runs on.')
param pythonVersion string = '3.11'

@minValue(512)
@maxValue(4096)
@description('Memory of an instance in MB: 512, 2048 or 4096.')
param instanceMemoryMB int = 2048

@minValue(1)
@maxValue(1000)
@description('Most instances at once: the guard on the cost of compute.')
param maximumInstanceCount int = 40

@minValue(0)
@description('HTTP instances that are always running; 0 scales to zero, with cold starts.')
param alwaysReadyHttp int = 0

@minValue(1)
@maxValue(1000)
@description('HTTP requests that one instance takes at once. Python\'s default on Flex Consumption is 1.')
param httpPerInstanceConcurrency int = 32

@allowed([ '', 'redirect', 'stream' ])
@description('How content is handed out; empty for redirect, or stream with a virtual network, since links into a closed account lead nowhere.')
param contentDelivery string = ''

@allowed([ 'resend', 'fail' ])
@description('What happens to a request of which nobody can say whether the provider took it.')
param unresolvedSubmit string = 'resend'

@description('Delete the provider\'s copy as soon as a video is archived.')
param deleteUpstream bool = false

@description('Schedule of the sweep, six-field NCRONTAB in UTC.')
param sweepSchedule string = '0 */5 * * * *'

@description('Owner of the videos that dropped images start.')
param dropOwner string = 'drops'

@allowed([ 'DEBUG', 'INFO', 'WARNING', 'ERROR' ])
@description('Level of the app\'s own log lines; WARNING and above leave the alerts blind.')
param logLevel string = 'INFO'

@description('Further app settings by name (see docs/settings.md), texts, numbers or booleans; they win over those of the template.')
#disable-next-line use-user-defined-types // no type says "any of these three"
param extraSettings object = {}

// -- what is kept, and for how long
@minValue(0)
@description('Days after which the files of videos are deleted; 0 keeps them.')
param videoRetentionDays int = 0

@minValue(0)
@description('Days after which videos move to the cool tier; 0 leaves them.')
param videoCoolDays int = 0

@minValue(0)
@description('Days after which dropped images are deleted; 0 keeps them.')
param referenceRetentionDays int = 0

@minValue(0)
@maxValue(365)
@description('Days for which deleted videos can be brought back.')
param softDeleteDays int = 7

@minValue(1)
@description('Days for which the history of finished orchestrations is kept.')
param historyDays int = 7

@description('Redundancy of the video storage.')
param videoStorageSku string = 'Standard_ZRS'

@description('Redundancy of the host\'s storage and of the storage of undelivered events.')
param hostStorageSku string = 'Standard_ZRS'

// -- Azure OpenAI
@description('Endpoint of an account that exists; empty to use the one that is made here, if any.')
param azureOpenAiEndpoint string = ''

@description('Resource id of an account that exists, in this tenant; the app is given its role there and its endpoint is taken.')
param azureOpenAiExistingAccountId string = ''

@description('Video deployments to make in an account of our own: objects with name, model, version, sku and capacity. Empty makes no account.')
param azureOpenAiDeployments modelDeployment[] = []

@description('Region of that account; the models are offered in few.')
param azureOpenAiLocation string = 'eastus2'

@description('Name of the deployment that serves sora-2.')
param sora2Deployment string = 'sora-2'

@description('Name of the deployment that serves sora-2-pro.')
param sora2ProDeployment string = 'sora-2-pro'

@description('Name of the deployment that serves sora, Sora 1.')
param soraDeployment string = 'sora'

@allowed([ 'entra', 'api-key' ])
@description('entra uses the app\'s identity; api-key reads the secret azure-openai-api-key from the Key Vault.')
param azureOpenAiCredential string = 'entra'

@description('Make a Key Vault, for providers that take no Entra token. api-key makes one in any case.')
param keyVaultEnabled bool = false

// -- guards
@description('Make an account of Azure AI Content Safety, which is asked about prompts and pictures before anything is made.')
param contentSafetyEnabled bool = false

@description('Resource id of a Content Safety account that exists, in this tenant; the app is given its role there and its endpoint is taken.')
param contentSafetyExistingAccountId string = ''

@description('Endpoint of a Content Safety account that exists, where the app has its role already.')
param contentSafetyEndpoint string = ''

@description('Region of the account that is made here; empty for that of everything else.')
param contentSafetyLocation string = ''

@minValue(0)
@maxValue(12)
@description('Pictures of each finished video that the guards look at before anybody gets it; 0 for none.')
param guardFrames int = 0

// -- orchestration backend
@allowed([ 'storage', 'scheduler' ])
@description('Where orchestrations live: in host storage, or in the Durable Task Scheduler.')
param durableBackend string = 'storage'

@allowed([ 'Consumption', 'Dedicated' ])
@description('Plan of the Durable Task Scheduler.')
param schedulerSku string = 'Consumption'

@description('CIDR ranges that may call the scheduler; it takes Entra tokens only.')
param schedulerIpAllowlist string[] = [
  '0.0.0.0/0'
]

// -- network
@description('Put the app into a virtual network and close storage, Key Vault, Azure OpenAI and Content Safety to the rest.')
param vnetEnabled bool = false

@description('Public IPv4 addresses or CIDR ranges that may reach the closed video storage and Key Vault.')
param allowedIpRanges string[] = []

// -- watching
@description('Addresses that alerts and budget write to.')
param alertEmails string[] = []

@minValue(1)
@description('Paid jobs within 24 hours above which an alert fires.')
param paidJobsPerDay int = 500

@minValue(0)
@description('Monthly budget of the resource group, in the currency of the billing account; 0 for none.')
param monthlyBudget int = 0

@description('First day of the budget\'s first month, yyyy-MM-01. The hook sets it once.')
param budgetStartDate string = ''

@minValue(30)
@maxValue(730)
@description('Days for which logs are kept.')
param logRetentionDays int = 30

@description('Gigabytes of logs a day; -1 for no cap. Alerts go blind when the cap is reached.')
param logDailyCapGb int = 5

@description('Subscribe a storage queue to the events, as an example.')
param exampleSubscription bool = true

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = {
  'azd-env-name': environmentName
}
var groupName = empty(resourceGroupName) ? 'rg-${environmentName}' : resourceGroupName
var functionAppName = 'func-dailies-${token}'
var hostStorageName = 'sthost${token}'
var videoStorageName = 'stvideo${token}'
var eventStorageName = 'stevent${token}'
var topicName = 'evgt-dailies-${token}'
var systemTopicName = 'evgs-references-${token}'
var applicationInsightsName = 'appi-dailies-${token}'
var openAiName = 'oai-dailies-${token}'
var contentSafetyName = 'cs-dailies-${token}'
var keyVaultName = 'kv-${token}'

// Names that the code knows too.
var videosContainer = 'videos'
var referencesContainer = 'references'
var tableNames = [
  'videos'
  'openvideos'
  'claims'
  'drops'
  'deployments'
  'keys'
  'webhooks'
  'batches'
]
var taskHubName = 'dailies'

// Names of the infrastructure alone.
var deploymentContainer = 'app-package'
var deadLetterContainer = 'deadletters'
var eventsQueueName = 'video-events'

var defaultDelivery = vnetEnabled ? 'stream' : 'redirect'
var withOpenAi = !empty(azureOpenAiDeployments)
var withExistingOpenAi = !empty(azureOpenAiExistingAccountId)
var withExistingContentSafety = !empty(contentSafetyExistingAccountId)
var withKeyVault = keyVaultEnabled || azureOpenAiCredential == 'api-key'
var withScheduler = durableBackend == 'scheduler'
var withBudget = monthlyBudget > 0 && !empty(budgetStartDate)

// /subscriptions/<2>/resourceGroups/<4>/providers/Microsoft.CognitiveServices/accounts/<8>
var existingOpenAi = split(withExistingOpenAi ? azureOpenAiExistingAccountId : '${subscription().id}/resourceGroups/${groupName}/providers/Microsoft.CognitiveServices/accounts/none', '/')
var existingContentSafety = split(withExistingContentSafety ? contentSafetyExistingAccountId : '${subscription().id}/resourceGroups/${groupName}/providers/Microsoft.CognitiveServices/accounts/none', '/')

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: groupName
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  scope: group
  params: {
    name: 'id-dailies-${token}'
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  params: {
    workspaceName: 'log-dailies-${token}'
    applicationInsightsName: applicationInsightsName
    location: location
    tags: tags
    retentionDays: logRetentionDays
    dailyCapGb: logDailyCapGb
  }
}

module hostStorage 'modules/storage-account.bicep' = {
  scope: group
  params: {
    name: hostStorageName
    location: location
    tags: tags
    skuName: hostStorageSku
    containers: [
      deploymentContainer
    ]
    restrictNetwork: vnetEnabled
    trustAzureServices: false
  }
}

module videoStorage 'modules/storage-account.bicep' = {
  scope: group
  params: {
    name: videoStorageName
    location: location
    tags: tags
    skuName: videoStorageSku
    containers: [
      videosContainer
      referencesContainer
    ]
    tables: tableNames
    softDeleteDays: softDeleteDays
    restrictNetwork: vnetEnabled
    trustAzureServices: true
    allowedIpRanges: allowedIpRanges
  }
}

module eventStorage 'modules/storage-account.bicep' = {
  scope: group
  params: {
    name: eventStorageName
    location: location
    tags: tags
    skuName: hostStorageSku
    containers: [
      deadLetterContainer
    ]
    queues: [
      eventsQueueName
    ]
    restrictNetwork: vnetEnabled
    trustAzureServices: true
    allowedIpRanges: allowedIpRanges
  }
}

module lifecycle 'modules/lifecycle.bicep' = {
  scope: group
  params: {
    storageAccountName: videoStorageName
    videosContainer: videosContainer
    referencesContainer: referencesContainer
    videoRetentionDays: videoRetentionDays
    referenceRetentionDays: referenceRetentionDays
    videoCoolDays: videoCoolDays
  }
  dependsOn: [
    videoStorage
  ]
}

module events 'modules/events.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    topicName: topicName
    systemTopicName: systemTopicName
    videoStorageId: videoStorage.outputs.id
    eventStorageName: eventStorageName
    eventsQueueName: eventsQueueName
    deadLetterContainer: deadLetterContainer
    workspaceId: monitoring.outputs.workspaceId
    exampleSubscription: exampleSubscription
  }
  dependsOn: [
    eventStorage
  ]
}

// Azure makes the object id of an identity, and every role assignment is named by it: other names
// would collide with the assignments of a deployment that exists. So a what-if can't foretell these.
module appRoles 'modules/app-roles.bicep' = {
  scope: group
  params: {
    #disable-next-line what-if-short-circuiting
    principalId: identity.outputs.principalId
    hostStorageName: hostStorageName
    videoStorageName: videoStorageName
    applicationInsightsName: applicationInsightsName
    topicName: topicName
    taskHubInStorage: !withScheduler
    operatorPrincipalId: operatorPrincipalId
    operatorPrincipalType: operatorPrincipalType
  }
  dependsOn: [
    hostStorage
    videoStorage
    monitoring
    events
  ]
}

module openAi 'modules/openai.bicep' = if (withOpenAi) {
  scope: group
  params: {
    name: openAiName
    location: azureOpenAiLocation
    tags: tags
    #disable-next-line what-if-short-circuiting
    principalId: identity.outputs.principalId
    deployments: azureOpenAiDeployments
    restrictNetwork: vnetEnabled
  }
}

module existingOpenAiRole 'modules/openai-role.bicep' = if (withExistingOpenAi) {
  scope: resourceGroup(existingOpenAi[2], existingOpenAi[4])
  params: {
    accountName: existingOpenAi[8]
    #disable-next-line what-if-short-circuiting
    principalId: identity.outputs.principalId
  }
}

module contentSafety 'modules/content-safety.bicep' = if (contentSafetyEnabled) {
  scope: group
  params: {
    name: contentSafetyName
    location: empty(contentSafetyLocation) ? location : contentSafetyLocation
    tags: tags
    #disable-next-line what-if-short-circuiting
    principalId: identity.outputs.principalId
    restrictNetwork: vnetEnabled
  }
}

module existingContentSafetyRole 'modules/content-safety-role.bicep' = if (withExistingContentSafety) {
  scope: resourceGroup(existingContentSafety[2], existingContentSafety[4])
  params: {
    accountName: existingContentSafety[8]
    #disable-next-line what-if-short-circuiting
    principalId: identity.outputs.principalId
  }
}

module keyVault 'modules/key-vault.bicep' = if (withKeyVault) {
  scope: group
  params: {
    name: keyVaultName
    location: location
    tags: tags
    #disable-next-line what-if-short-circuiting
    principalId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
    restrictNetwork: vnetEnabled
    allowedIpRanges: allowedIpRanges
    operatorPrincipalId: operatorPrincipalId
    operatorPrincipalType: operatorPrincipalType
  }
}

module scheduler 'modules/scheduler.bicep' = if (withScheduler) {
  scope: group
  params: {
    name: 'dts-dailies-${token}'
    taskHubName: taskHubName
    location: location
    tags: tags
    #disable-next-line what-if-short-circuiting
    principalId: identity.outputs.principalId
    skuName: schedulerSku
    ipAllowlist: schedulerIpAllowlist
  }
}

var storageSuffix = environment().suffixes.storage
var blobZone = 'privatelink.blob.${storageSuffix}'
var queueZone = 'privatelink.queue.${storageSuffix}'
var tableZone = 'privatelink.table.${storageSuffix}'
var openAiZone = 'privatelink.openai.azure.com'
var contentSafetyZone = 'privatelink.cognitiveservices.azure.com'
var keyVaultZone = 'privatelink.vaultcore.azure.net'
var storageZones = [ blobZone, queueZone, tableZone ]
var openAiZones = withOpenAi ? [ openAiZone ] : []
var contentSafetyZones = contentSafetyEnabled ? [ contentSafetyZone ] : []
var keyVaultZones = withKeyVault ? [ keyVaultZone ] : []

module network 'modules/network.bicep' = if (vnetEnabled) {
  scope: group
  params: {
    name: 'vnet-dailies-${token}'
    location: location
    tags: tags
    privateDnsZoneNames: concat(storageZones, openAiZones, contentSafetyZones, keyVaultZones)
  }
}

var storageEndpoints = [
  {
    account: hostStorageName
    groupId: 'blob'
    zone: blobZone
  }
  {
    account: hostStorageName
    groupId: 'queue'
    zone: queueZone
  }
  {
    account: hostStorageName
    groupId: 'table'
    zone: tableZone
  }
  {
    account: videoStorageName
    groupId: 'blob'
    zone: blobZone
  }
  {
    account: videoStorageName
    groupId: 'queue'
    zone: queueZone
  }
  {
    account: videoStorageName
    groupId: 'table'
    zone: tableZone
  }
]

module storagePrivateEndpoints 'modules/private-endpoint.bicep' = [for item in storageEndpoints: if (vnetEnabled) {
  scope: group
  params: {
    name: 'pe-${item.account}-${item.groupId}'
    location: location
    tags: tags
    subnetId: network.?outputs.endpointsSubnetId ?? ''
    targetId: '${subscription().id}/resourceGroups/${groupName}/providers/Microsoft.Storage/storageAccounts/${item.account}'
    groupId: item.groupId
    privateDnsZoneName: item.zone
  }
  dependsOn: [
    hostStorage
    videoStorage
  ]
}]

module openAiPrivateEndpoint 'modules/private-endpoint.bicep' = if (vnetEnabled && withOpenAi) {
  scope: group
  params: {
    name: 'pe-openai-${token}'
    location: location
    tags: tags
    subnetId: network.?outputs.endpointsSubnetId ?? ''
    targetId: openAi.?outputs.id ?? ''
    groupId: 'account'
    privateDnsZoneName: openAiZone
  }
}

module contentSafetyPrivateEndpoint 'modules/private-endpoint.bicep' = if (vnetEnabled && contentSafetyEnabled) {
  scope: group
  params: {
    name: 'pe-content-safety-${token}'
    location: location
    tags: tags
    subnetId: network.?outputs.endpointsSubnetId ?? ''
    targetId: contentSafety.?outputs.id ?? ''
    groupId: 'account'
    privateDnsZoneName: contentSafetyZone
  }
}

module keyVaultPrivateEndpoint 'modules/private-endpoint.bicep' = if (vnetEnabled && withKeyVault) {
  scope: group
  params: {
    name: 'pe-${keyVaultName}'
    location: location
    tags: tags
    subnetId: network.?outputs.endpointsSubnetId ?? ''
    targetId: keyVault.?outputs.id ?? ''
    groupId: 'vault'
    privateDnsZoneName: keyVaultZone
  }
}

// An address that is given goes before that of an account that exists, and that before our own.
var ownOpenAiEndpoint = withOpenAi ? openAi!.outputs.endpoint : ''
var accountEndpoint = withExistingOpenAi ? existingOpenAiRole!.outputs.endpoint : ownOpenAiEndpoint
var ownOpenAiId = withOpenAi ? '${subscription().id}/resourceGroups/${groupName}/providers/Microsoft.CognitiveServices/accounts/${openAiName}' : ''
var openAiAccountId = withExistingOpenAi ? azureOpenAiExistingAccountId : ownOpenAiId
var openAiEndpoint = empty(azureOpenAiEndpoint) ? accountEndpoint : azureOpenAiEndpoint
var ownContentSafety = contentSafetyEnabled ? contentSafety!.outputs.endpoint : ''
var accountContentSafety = withExistingContentSafety ? existingContentSafetyRole!.outputs.endpoint : ownContentSafety

module app 'modules/app.bicep' = {
  scope: group
  params: {
    name: functionAppName
    planName: 'plan-dailies-${token}'
    location: location
    tags: tags
    serviceName: 'app'
    pythonVersion: pythonVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyHttp: alwaysReadyHttp
    httpPerInstanceConcurrency: httpPerInstanceConcurrency
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    hostStorageName: hostStorage.outputs.name
    hostBlobEndpoint: hostStorage.outputs.blobEndpoint
    deploymentContainer: deploymentContainer
    applicationInsightsConnectionString: monitoring.outputs.connectionString
    videoBlobEndpoint: videoStorage.outputs.blobEndpoint
    videoQueueEndpoint: videoStorage.outputs.queueEndpoint
    videoTableEndpoint: videoStorage.outputs.tableEndpoint
    videosContainer: videosContainer
    referencesContainer: referencesContainer
    topicEndpoint: events.outputs.topicEndpoint
    apiKeys: apiKeys
    adminKeys: adminKeys
    adminClientId: adminClientId
    contentDelivery: empty(contentDelivery) ? defaultDelivery : contentDelivery
    unresolvedSubmit: unresolvedSubmit
    deleteUpstream: deleteUpstream
    videoRetentionDays: videoRetentionDays
    historyDays: historyDays
    sweepSchedule: sweepSchedule
    dropOwner: dropOwner
    logLevel: logLevel
    azureOpenAiAccountId: openAiAccountId
    azureOpenAiEndpoint: openAiEndpoint
    sora2Deployment: sora2Deployment
    sora2ProDeployment: sora2ProDeployment
    soraDeployment: soraDeployment
    azureOpenAiCredential: azureOpenAiCredential
    contentSafetyEndpoint: empty(contentSafetyEndpoint) ? accountContentSafety : contentSafetyEndpoint
    guardFrames: guardFrames
    keyVaultName: withKeyVault ? keyVaultName : ''
    withScheduler: withScheduler
    schedulerConnectionString: withScheduler ? 'Endpoint=${scheduler!.outputs.endpoint};Authentication=ManagedIdentity;ClientID=${identity.outputs.clientId}' : ''
    subnetId: network.?outputs.appSubnetId ?? ''
    extraSettings: extraSettings
  }
  dependsOn: [
    appRoles
    keyVault
    storagePrivateEndpoints
    keyVaultPrivateEndpoint
    openAiPrivateEndpoint
    contentSafetyPrivateEndpoint
  ]
}

module alerts 'modules/alerts.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    applicationInsightsId: monitoring.outputs.applicationInsightsId
    topicId: events.outputs.topicId
    systemTopicId: events.outputs.systemTopicId
    emails: alertEmails
    paidJobsPerDay: paidJobsPerDay
  }
}

module workbook 'modules/workbook.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    applicationInsightsId: monitoring.outputs.applicationInsightsId
  }
}

module budget 'modules/budget.bicep' = if (withBudget) {
  scope: group
  params: {
    amount: max(monthlyBudget, 1)
    startDate: budgetStartDate
    contactEmails: alertEmails
  }
}

// azd keeps these in its environment; the hooks and docs/operations.md read them.
@description('Name of the resource group.')
output AZURE_RESOURCE_GROUP string = group.name

@description('Name of the function app.')
output DAILIES_APP_NAME string = app.outputs.name

@description('Address of the app, without a closing slash.')
output DAILIES_BASE_URL string = app.outputs.baseUrl

@description('Name of the video storage account.')
output DAILIES_VIDEO_STORAGE string = videoStorage.outputs.name

@description('Name of the account of the example queue and the dead letters.')
output DAILIES_EVENT_STORAGE string = eventStorage.outputs.name

@description('Queue of the example subscription.')
output DAILIES_EVENTS_QUEUE string = eventsQueueName

@description('Container of undelivered events.')
output DAILIES_DEAD_LETTER_CONTAINER string = deadLetterContainer

@description('Container that images are dropped into.')
output DAILIES_REFERENCES_CONTAINER string = referencesContainer

@description('Name of the system topic of the video storage.')
output DAILIES_SYSTEM_TOPIC string = systemTopicName

@description('Address that providers see; empty without a virtual network.')
output DAILIES_OUTBOUND_IP string = network.?outputs.outboundIp ?? ''

@description('Name of the Key Vault; empty where there is none.')
output DAILIES_KEY_VAULT string = withKeyVault ? keyVaultName : ''
