// The function app on a Flex Consumption plan, and every setting that it runs with.
metadata description = 'Flex Consumption plan, function app and app settings.'

param name string
param planName string
param location string
param tags object

@description('Name of the service in azure.yaml; azd finds the app by it.')
param serviceName string

@allowed([ '3.11', '3.12' ])
param pythonVersion string

@description('Memory of an instance in MB: 512, 2048 or 4096.')
@minValue(512)
@maxValue(4096)
param instanceMemoryMB int

@description('Most instances at once: the guard on cost.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int

@description('Instances of the HTTP group that are always running; 0 scales to zero.')
@minValue(0)
param alwaysReadyHttp int

@description('HTTP requests that one instance takes at once before another is started.')
@minValue(1)
@maxValue(1000)
param httpPerInstanceConcurrency int

param identityId string
param identityClientId string
param hostStorageName string
param hostBlobEndpoint string
param deploymentContainer string
param applicationInsightsConnectionString string

param videoBlobEndpoint string
param videoQueueEndpoint string
param videoTableEndpoint string
param videosContainer string
param referencesContainer string
param topicEndpoint string

@description('Hashes of callers\' keys: owner=sha256:<hex>, comma-separated.')
@secure()
param apiKeys string

@description('Hashes of operators\' keys, in the same form.')
@secure()
param adminKeys string

@description('redirect hands out short-lived links, stream sends the bytes through the app.')
param contentDelivery string

@allowed([ 'resend', 'fail' ])
param unresolvedSubmit string
param deleteUpstream bool

@description('Days after which the files of a video are deleted; 0 keeps them.')
param videoRetentionDays int

@description('Days for which the history of finished orchestrations is kept.')
param historyDays int
param sweepSchedule string
param dropOwner string
param logLevel string

param azureOpenAiEndpoint string
param sora2Deployment string
param sora2ProDeployment string
param soraDeployment string

@allowed([ 'entra', 'api-key' ])
param azureOpenAiCredential string

@description('Name of the Key Vault that holds provider keys; empty where there is none.')
param keyVaultName string

@description('Connection string of the Durable Task Scheduler; empty for the storage task hub.')
param schedulerConnectionString string

@description('Subnet for outbound traffic; empty for none.')
param subnetId string

@description('Further settings, by name; they win over those below.')
param extraSettings object

var baseSettings = {
  // The host's own storage, by identity. One account name instead of the three service addresses,
  // which have been reported flaky on Flex Consumption.
  AzureWebJobsStorage__accountName: hostStorageName
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'

  // HTTP streams: without it, a worker of Python 3.12 or older does not index the app.
  PYTHON_ENABLE_INIT_INDEXING: '1'

  // The connection of the blob trigger and of the app's own clients.
  VideoStorage__blobServiceUri: videoBlobEndpoint
  VideoStorage__queueServiceUri: videoQueueEndpoint
  VideoStorage__tableServiceUri: videoTableEndpoint
  VideoStorage__credential: 'managedidentity'
  VideoStorage__clientId: identityClientId
  AZURE_CLIENT_ID: identityClientId

  DAILIES_API_KEYS: apiKeys
  DAILIES_ADMIN_KEYS: adminKeys
  DAILIES_VIDEOS_CONTAINER: videosContainer
  DAILIES_REFERENCES_CONTAINER: referencesContainer
  DAILIES_EVENT_TOPIC_ENDPOINT: topicEndpoint
  DAILIES_EVENT_SOURCE: '/dailies/${name}'
  DAILIES_CONTENT_DELIVERY: contentDelivery
  DAILIES_UNRESOLVED_SUBMIT: unresolvedSubmit
  DAILIES_DELETE_UPSTREAM: deleteUpstream ? 'true' : 'false'
  DAILIES_HISTORY_DAYS: string(historyDays)
  DAILIES_SWEEP_SCHEDULE: sweepSchedule
  DAILIES_DROP_OWNER: dropOwner
  DAILIES_LOG_LEVEL: logLevel

  // Read by models.yaml.
  AZURE_OPENAI_ENDPOINT: azureOpenAiEndpoint
  AZURE_OPENAI_SORA_2_DEPLOYMENT: sora2Deployment
  AZURE_OPENAI_SORA_2_PRO_DEPLOYMENT: sora2ProDeployment
  AZURE_OPENAI_SORA_DEPLOYMENT: soraDeployment
  AZURE_OPENAI_CREDENTIAL: azureOpenAiCredential
}

var retentionSettings = videoRetentionDays > 0 ? {
  DAILIES_RETENTION_DAYS: string(videoRetentionDays)
} : {}

// A key is the exception that a user must choose; its value is put into the vault by hand.
var providerKeySettings = azureOpenAiCredential == 'api-key' ? {
  AZURE_OPENAI_API_KEY: '@Microsoft.KeyVault(VaultName=${keyVaultName};SecretName=azure-openai-api-key)'
} : {}

var schedulerSettings = empty(schedulerConnectionString) ? {} : {
  DURABLE_TASK_SCHEDULER_CONNECTION_STRING: schedulerConnectionString
}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    tier: 'FlexConsumption'
    name: 'FC1'
  }
  properties: {
    reserved: true
  }
}

resource functionApp 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': serviceName })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    // Callers bring a key that the app checks itself; a client certificate is not asked of them.
    clientCertEnabled: false
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      ftpsState: 'Disabled'
      http20Enabled: true
      remoteDebuggingEnabled: false
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostBlobEndpoint}${deploymentContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: pythonVersion
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReadyHttp > 0 ? [
          {
            name: 'http'
            instanceCount: alwaysReadyHttp
          }
        ] : []
        triggers: {
          http: {
            perInstanceConcurrency: httpPerInstanceConcurrency
          }
        }
      }
    }
  }
}

resource settings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: functionApp
  name: 'appsettings'
  properties: union(baseSettings, retentionSettings, providerKeySettings, schedulerSettings, extraSettings)
}

// Deployment goes by Entra token; publishing passwords are local authentication.
resource noFtpPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: functionApp
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource noScmPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: functionApp
  name: 'scm'
  properties: {
    allow: false
  }
}

output name string = functionApp.name
output baseUrl string = 'https://${functionApp.properties.defaultHostName}'
