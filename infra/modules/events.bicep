// Events out (a custom topic that speaks CloudEvents, with an example subscriber) and the source of
// events in (the system topic of the video storage; its subscription is blob-events.bicep).
metadata description = 'Event Grid topics, the example subscription and the dead-letter store.'

param location string
param tags object
param topicName string
param systemTopicName string
param videoStorageId string

@description('Account of the example queue and of the dead letters; it holds nothing else.')
param eventStorageName string
param eventsQueueName string
param deadLetterContainer string
param workspaceId string

@description('False leaves the topic without the example subscription.')
param exampleSubscription bool

var roles = {
  storageBlobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  storageQueueDataMessageSender: 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'
}

resource eventStorage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
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
resource topicQueueSender 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
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

output topicEndpoint string = topic.properties.endpoint
output topicId string = topic.id
output systemTopicId string = systemTopic.id
