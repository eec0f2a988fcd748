// What the app's identity may do, each at the narrowest scope that the service accepts.
// docs/security.md argues for each assignment.
metadata description = 'Role assignments of the app and, where asked for, of an operator.'

@description('Object id of the app\'s identity.')
param principalId string

@description('Name of the host\'s storage account.')
param hostStorageName string

@description('Name of the video storage account.')
param videoStorageName string

@description('Name of the Application Insights resource.')
param applicationInsightsName string

@description('Name of the event topic.')
param topicName string

@description('Whether the task hub is in host storage, and not in the Durable Task Scheduler.')
param taskHubInStorage bool

@description('Object id of a person, group or service principal that may drop images and read videos; empty for none.')
param operatorPrincipalId string = ''

@allowed([ 'User', 'Group', 'ServicePrincipal' ])
@description('What the operator is.')
param operatorPrincipalType string = 'User'

var roles = {
  storageBlobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  storageBlobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  storageQueueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  storageTableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  monitoringMetricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
  eventGridDataSender: 'd5a91429-5739-47e2-a06b-3470a27159e7'
}

resource hostStorage 'Microsoft.Storage/storageAccounts@2025-08-01' existing = {
  name: hostStorageName
}

resource videoStorage 'Microsoft.Storage/storageAccounts@2025-08-01' existing = {
  name: videoStorageName
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource topic 'Microsoft.EventGrid/topics@2025-02-15' existing = {
  name: topicName
}

// Host storage: leases and secrets, the deployment package, the task hub's large messages.
resource hostBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hostStorage.id, principalId, roles.storageBlobDataOwner)
  scope: hostStorage
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageBlobDataOwner)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

// Host storage: control and work-item queues of the task hub, and the internal queue of the blob
// trigger that an earlier version listened with.
resource hostQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hostStorage.id, principalId, roles.storageQueueDataContributor)
  scope: hostStorage
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageQueueDataContributor)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

// Host storage: history and instances of the task hub.
resource hostTables 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (taskHubInStorage) {
  name: guid(hostStorage.id, principalId, roles.storageTableDataContributor)
  scope: hostStorage
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageTableDataContributor)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

// Video storage: writing videos, reading dropped images, and asking for the user delegation keys that
// sign content links. Nothing here sets owners, permissions or tags, which is what Owner adds.
resource videoBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(videoStorage.id, principalId, roles.storageBlobDataContributor)
  scope: videoStorage
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageBlobDataContributor)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

// Video storage: the poison queue of the blob trigger that an earlier version listened with.
resource videoQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(videoStorage.id, principalId, roles.storageQueueDataContributor)
  scope: videoStorage
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageQueueDataContributor)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

// Video storage: the records.
resource videoTables 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(videoStorage.id, principalId, roles.storageTableDataContributor)
  scope: videoStorage
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageTableDataContributor)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

resource telemetry 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(applicationInsights.id, principalId, roles.monitoringMetricsPublisher)
  scope: applicationInsights
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.monitoringMetricsPublisher)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

resource events 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(topic.id, principalId, roles.eventGridDataSender)
  scope: topic
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.eventGridDataSender)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

// Who drops images by hand and looks at videos; off unless a principal is named.
resource operatorBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(operatorPrincipalId)) {
  name: guid(videoStorage.id, operatorPrincipalId, roles.storageBlobDataContributor)
  scope: videoStorage
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageBlobDataContributor)
    principalId: operatorPrincipalId
    principalType: operatorPrincipalType
  }
}
