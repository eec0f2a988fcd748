// Second phase, after the code is deployed: tells the app of every image dropped. Making the
// subscription calls the app's webhook (the handshake), so the function must run already. The key
// in its address is read here and never passes through a shell. Run by infra/hooks/postdeploy.
metadata description = 'Event subscription of the function that dropped images start.'

param functionAppName string
param systemTopicName string
param eventStorageName string
param deadLetterContainer string

@description('Container whose new blobs start videos.')
param referencesContainer string

var triggerFunctionName = 'reference_uploaded'

resource functionApp 'Microsoft.Web/sites@2024-04-01' existing = {
  name: functionAppName
}

resource systemTopic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: systemTopicName
}

resource eventStorage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: eventStorageName
}

resource droppedImages 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: systemTopic
  name: 'reference-dropped'
  properties: {
    eventDeliverySchema: 'EventGridSchema'
    destination: {
      endpointType: 'WebHook'
      properties: {
        endpointUrl: 'https://${functionApp.properties.defaultHostName}/runtime/webhooks/EventGrid?functionName=${triggerFunctionName}&code=${listKeys('${functionApp.id}/host/default', '2024-04-01').systemKeys.eventgrid_extension}'
      }
    }
    filter: {
      includedEventTypes: [
        'Microsoft.Storage.BlobCreated'
      ]
      subjectBeginsWith: '/blobServices/default/containers/${referencesContainer}/blobs/'
      // One event for each upload, whichever tool wrote the blob, and only when it is whole.
      advancedFilters: [
        {
          operatorType: 'StringIn'
          key: 'data.api'
          values: [
            'PutBlob'
            'PutBlockList'
            'CopyBlob'
            'FlushWithClose'
            'SftpCommit'
          ]
        }
      ]
    }
    retryPolicy: {
      maxDeliveryAttempts: 30
      eventTimeToLiveInMinutes: 1440
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
}

output subscriptionName string = droppedImages.name
