// One hardened storage account with its containers, queues and tables. All accounts of Dailies are
// made by this module, so the rules below hold for each: no shared keys, no public blobs, TLS 1.2.
metadata description = 'Storage account without shared keys, with containers, queues and tables.'

@minLength(3)
@maxLength(24)
@description('Name of the account, unique in Azure.')
param name string

@description('Region of these resources.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Redundancy, for example Standard_LRS, Standard_ZRS or Standard_GZRS.')
param skuName string

@description('Names of its containers.')
param containers string[] = []

@description('Names of its queues.')
param queues string[] = []

@description('Names of its tables.')
param tables string[] = []

@description('Days for which deleted blobs and containers can be brought back; 0 turns soft delete off.')
@minValue(0)
@maxValue(365)
param softDeleteDays int = 0

@description('True closes the public endpoint but for trusted Azure services and allowedIpRanges.')
param restrictNetwork bool

@description('True lets trusted Azure services in (Event Grid) where the network is restricted.')
param trustAzureServices bool

@description('Public IPv4 addresses or CIDR ranges that may reach a restricted account.')
param allowedIpRanges string[] = []

resource account 'Microsoft.Storage/storageAccounts@2025-08-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: skuName
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    // Trusted services and the listed addresses come through the public endpoint, so it is closed
    // wholly only where nobody needs it.
    publicNetworkAccess: restrictNetwork && !trustAzureServices && empty(allowedIpRanges) ? 'Disabled' : 'Enabled'
    networkAcls: {
      defaultAction: restrictNetwork ? 'Deny' : 'Allow'
      bypass: trustAzureServices ? 'AzureServices' : 'None'
      ipRules: [for range in allowedIpRanges: {
        action: 'Allow'
        value: range
      }]
    }
  }
}

resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2025-08-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: softDeleteDays > 0 ? {
      enabled: true
      days: max(softDeleteDays, 1)
    } : {
      enabled: false
    }
    containerDeleteRetentionPolicy: softDeleteDays > 0 ? {
      enabled: true
      days: max(softDeleteDays, 1)
    } : {
      enabled: false
    }
  }
}

resource blobContainers 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-08-01' = [for container in containers: {
  parent: blobService
  name: container
  properties: {
    publicAccess: 'None'
  }
}]

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2025-08-01' = {
  parent: account
  name: 'default'
}

resource storageQueues 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-08-01' = [for queue in queues: {
  parent: queueService
  name: queue
}]

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2025-08-01' = {
  parent: account
  name: 'default'
}

resource storageTables 'Microsoft.Storage/storageAccounts/tableServices/tables@2025-08-01' = [for table in tables: {
  parent: tableService
  name: table
}]

@description('Resource id.')
output id string = account.id

@description('Name of the account.')
output name string = account.name

@description('Address of the blob service, with the closing slash.')
output blobEndpoint string = account.properties.primaryEndpoints.blob

@description('Address of the queue service.')
output queueEndpoint string = account.properties.primaryEndpoints.queue

@description('Address of the table service.')
output tableEndpoint string = account.properties.primaryEndpoints.table
