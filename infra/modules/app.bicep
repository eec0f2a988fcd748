// The function app on a Flex Consumption plan, and every setting that it runs with.
metadata description = 'Flex Consumption plan, function app and app settings.'

@description('Name of the function app.')
param name string

@description('Name of its plan.')
param planName string

@description('Region of these resources.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Name of the service in azure.yaml; azd finds the app by it.')
param serviceName string

@allowed([ '3.11', '3.12', '3.13' ])
@description('Version of Python that the app runs on.')
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

@description('Resource id of the app\'s identity.')
param identityId string

@description('Client id of the app\'s identity.')
param identityClientId string

@description('Name of the host\'s storage account.')
param hostStorageName string

@description('Address of its blob service, with the closing slash.')
param hostBlobEndpoint string

@description('Container in that account that holds the package.')
param deploymentContainer string

@description('Connection string of Application Insights; no secret, since local authentication is off.')
param applicationInsightsConnectionString string

@description('Address of the blob service of the video storage.')
param videoBlobEndpoint string

@description('Address of its queue service.')
param videoQueueEndpoint string

@description('Address of its table service.')
param videoTableEndpoint string

@description('Container of finished videos.')
param videosContainer string

@description('Container that images are dropped into.')
param referencesContainer string

@description('Address that events are published to.')
param topicEndpoint string

@description('Hashes of callers\' keys: owner=sha256:<hex>, comma-separated.')
@secure()
param apiKeys string

@description('Hashes of operators\' keys, in the same form.')
@secure()
param adminKeys string

@description('Client id of the app registration whose app role makes operators; empty for none.')
param adminClientId string

@description('redirect hands out short-lived links, stream sends the bytes through the app.')
param contentDelivery string

@allowed([ 'resend', 'fail' ])
@description('What happens to a request of which nobody can say whether the provider took it.')
param unresolvedSubmit string

@description('Delete the provider\'s copy as soon as a video is archived.')
param deleteUpstream bool

@description('Days after which the files of a video are deleted; 0 keeps them.')
param videoRetentionDays int

@description('Days for which the history of finished orchestrations is kept.')
param historyDays int

@description('Schedule of the sweep, six-field NCRONTAB in UTC.')
param sweepSchedule string

@description('Owner of the videos that dropped images start.')
param dropOwner string

@description('Level of the app\'s own log lines.')
param logLevel string

@description('Resource id of the account of Azure OpenAI; empty for none.')
param azureOpenAiAccountId string

@description('Address of Azure OpenAI, or of another server that speaks its protocol; empty for none.')
param azureOpenAiEndpoint string

@description('Name of the deployment that serves sora-2.')
param sora2Deployment string

@description('Name of the deployment that serves sora-2-pro.')
param sora2ProDeployment string

@description('Name of the deployment that serves sora, Sora 1.')
param soraDeployment string

@allowed([ 'entra', 'api-key' ])
@description('entra uses the app\'s identity, api-key a secret of the Key Vault.')
param azureOpenAiCredential string

@description('Address of the Content Safety account that is asked about prompts and pictures; empty for none.')
param contentSafetyEndpoint string

@description('Pictures of each finished video that the guards look at; 0 for none.')
param guardFrames int

@description('Name of the Key Vault that holds provider keys; empty where there is none.')
param keyVaultName string

@description('Whether orchestrations live in the Durable Task Scheduler, and not in host storage.')
param withScheduler bool

@description('Connection string of the Durable Task Scheduler, without a secret; empty where there is none.')
param schedulerConnectionString string

@description('Subnet for outbound traffic; empty for none.')
param subnetId string

@description('Further settings, by name: texts, numbers or booleans. They win over those below.')
#disable-next-line use-user-defined-types // no type says "any of these three"
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

  // The connection of the app's own clients, and of the blob trigger of an earlier version.
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
  DAILIES_CONTENT_SAFETY_ENDPOINT: contentSafetyEndpoint
  DAILIES_GUARD_FRAMES: string(guardFrames)

  // Read by models.yaml.
  AZURE_OPENAI_ENDPOINT: azureOpenAiEndpoint
  AZURE_OPENAI_SORA_2_DEPLOYMENT: sora2Deployment
  AZURE_OPENAI_SORA_2_PRO_DEPLOYMENT: sora2ProDeployment
  AZURE_OPENAI_SORA_DEPLOYMENT: soraDeployment
  AZURE_OPENAI_CREDENTIAL: azureOpenAiCredential
}

// Whose models' retirement is asked for; the role that videos are made with may read it.
var accountSettings = empty(azureOpenAiAccountId) ? {} : {
  DAILIES_AZURE_OPENAI_ACCOUNT: azureOpenAiAccountId
}

var retentionSettings = videoRetentionDays > 0 ? {
  DAILIES_RETENTION_DAYS: string(videoRetentionDays)
} : {}

// A key is the exception that a user must choose; its value is put into the vault by hand.
var providerKeySettings = azureOpenAiCredential == 'api-key' ? {
  AZURE_OPENAI_API_KEY: '@Microsoft.KeyVault(VaultName=${keyVaultName};SecretName=azure-openai-api-key)'
} : {}

var schedulerSettings = withScheduler ? {
  DURABLE_TASK_SCHEDULER_CONNECTION_STRING: schedulerConnectionString
} : {}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
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

resource functionApp 'Microsoft.Web/sites@2025-03-01' = {
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

resource settings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: functionApp
  name: 'appsettings'
  properties: union(baseSettings, accountSettings, retentionSettings, providerKeySettings, schedulerSettings, extraSettings)
}

// Tokens of operators are checked by the platform. Everything else is let through to the app, which
// checks keys itself. Nobody signs in here, so there is no secret and no store of tokens.
resource authentication 'Microsoft.Web/sites/config@2025-03-01' = if (!empty(adminClientId)) {
  parent: functionApp
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: true
      runtimeVersion: '~1'
    }
    globalValidation: {
      requireAuthentication: false
      unauthenticatedClientAction: 'AllowAnonymous'
    }
    httpSettings: {
      requireHttps: true
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: adminClientId
          openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
        }
        validation: {
          allowedAudiences: [
            adminClientId
            'api://${adminClientId}'
          ]
        }
      }
    }
    login: {
      tokenStore: {
        enabled: false
      }
    }
  }
}

// Deployment goes by Entra token; publishing passwords are local authentication.
resource noFtpPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: functionApp
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource noScmPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: functionApp
  name: 'scm'
  properties: {
    allow: false
  }
}

@description('Name of the function app.')
output name string = functionApp.name

@description('Address of the app, without a closing slash.')
output baseUrl string = 'https://${functionApp.properties.defaultHostName}'
