// Events out (a custom topic that speaks CloudEvents, with an example subscriber) and the source of
// events in (the system topic of the video storage; its subscription is blob-events.bicep).
metadata description = 'Event Grid topics, the example subscription and the dead-letter store.'

@description('Region of these resources.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Name of the topic that the app publishes to.')
param topicName string

@description('Name of the system topic of the video storage.')
param systemTopicName string

@description('Resource id of the video storage account.')
param videoStorageId string

@description('Account of the example queue and of the dead letters; it holds nothing else.')
param eventStorageName string

@description('Queue of the example subscription.')
param eventsQueueName string

@description('Container of undelivered events.')
param deadLetterContainer string

@description('Resource id of the Log Analytics workspace.')
param workspaceId string

@description('False leaves the topic without the example subscription.')
param exampleSubscription bool

var roles = {
  storageBlobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  storageQueueDataMessageSender: 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'
}

resource eventStorage 'Microsoft.Storage/storageAccounts@2025-08-01' existing = {
  name: eventStorageName
}

resource topic 'Microsoft.EventGrid/topics@2025-02-15' = {
  name: topicName
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    inputSchema: 'CloudEventSchemaV1_0'
    disableLocalAuth: true
    minimumTlsVersionAllowed: '1.2'
    publicNetworkAccess: 'Enabled'
  }
}

resource systemTopic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: systemTopicName
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    source: videoStorageId
    topicType: 'Microsoft.Storage.StorageAccounts'
  }
}

// Event Grid checks these roles at the scope of the account when a subscription is made, which is
// why dead letters and the example queue have an account of their own.
resource topicQueueSender 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (exampleSubscription) {
  name: guid(eventStorage.id, topic.id, roles.storageQueueDataMessageSender)
  scope: eventStorage
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageQueueDataMessageSender)
    principalId: topic.identity.principalId
    principalType: 'ServicePrincipal'
  }
}

resource topicDeadLetters 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(eventStorage.id, topic.id, roles.storageBlobDataContributor)
  scope: eventStorage
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageBlobDataContributor)
    principalId: topic.identity.principalId
    principalType: 'ServicePrincipal'
  }
}

resource systemTopicDeadLetters 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(eventStorage.id, systemTopic.id, roles.storageBlobDataContributor)
  scope: eventStorage
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageBlobDataContributor)
    principalId: systemTopic.identity.principalId
    principalType: 'ServicePrincipal'
  }
}

resource toQueue 'Microsoft.EventGrid/topics/eventSubscriptions@2025-02-15' = if (exampleSubscription) {
  parent: topic
  name: 'finished-videos'
  properties: {
    eventDeliverySchema: 'CloudEventSchemaV1_0'
    filter: {
      includedEventTypes: [
        'dailies.video.completed'
        'dailies.video.failed'
        'dailies.video.cancelled'
        'dailies.video.rejected'
      ]
    }
    retryPolicy: {
      maxDeliveryAttempts: 30
      eventTimeToLiveInMinutes: 1440
    }
    deliveryWithResourceIdentity: {
      identity: {
        type: 'SystemAssigned'
      }
      destination: {
        endpointType: 'StorageQueue'
        properties: {
          resourceId: eventStorage.id
          queueName: eventsQueueName
          queueMessageTimeToLiveInSeconds: 604800
        }
      }
    }
    deadLetterWithResourceIdentity: {
      identity: {
        type: 'SystemAssigned'
      }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: {
          resourceId: eventStorage.id
          blobContainerName: deadLetterContainer
        }
      }
    }
  }
  dependsOn: [
    topicQueueSender
    topicDeadLetters
  ]
}

// The only stable version is of 2016 and knows less than this one.
#disable-next-line use-recent-api-versions
resource topicLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'failures'
  scope: topic
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'DeliveryFailures'
        enabled: true
      }
      {
        category: 'PublishFailures'
        enabled: true
      }
    ]
  }
}

// The only stable version is of 2016 and knows less than this one.
#disable-next-line use-recent-api-versions
resource systemTopicLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'failures'
  scope: systemTopic
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'DeliveryFailures'
        enabled: true
      }
    ]
  }
}

@description('Address that events are published to.')
output topicEndpoint string = topic.properties.endpoint

@description('Resource id of the event topic.')
output topicId string = topic.id

@description('Resource id of the system topic.')
output systemTopicId string = systemTopic.id
