// Second phase, after the code is deployed: tells the app of every image dropped. Making the
// subscription calls the app's webhook (the handshake), so the function must run already. The key
// in its address is read here and never passes through a shell. Run by infra/hooks/postdeploy.
metadata description = 'Event subscription of the function that dropped images start.'

@description('Name of the function app, in this resource group.')
param functionAppName string

@description('Name of the system topic of the video storage.')
param systemTopicName string

@description('Name of the storage account that takes undelivered events.')
param eventStorageName string

@description('Container in that account.')
param deadLetterContainer string

@description('Container whose new blobs start videos.')
param referencesContainer string

var triggerFunctionName = 'reference_uploaded'

resource functionApp 'Microsoft.Web/sites@2025-03-01' existing = {
  name: functionAppName
}

resource systemTopic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: systemTopicName
}

resource eventStorage 'Microsoft.Storage/storageAccounts@2025-08-01' existing = {
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
        endpointUrl: 'https://${functionApp.properties.defaultHostName}/runtime/webhooks/EventGrid?functionName=${triggerFunctionName}&code=${listKeys('${functionApp.id}/host/default', '2025-03-01').systemKeys.eventgrid_extension}'
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

@description('Name of the event subscription.')
output subscriptionName string = droppedImages.name
