// What leaves the video storage by itself. The app tells callers when a video expires; the rule
// deletes its files a day later, and holds even while the app is stopped.
metadata description = 'Lifecycle rules of the video storage account.'

@description('Name of the video storage account.')
param storageAccountName string

@description('Container of finished videos.')
param videosContainer string

@description('Container that images are dropped into.')
param referencesContainer string

@description('Days after which videos are deleted; 0 keeps them.')
@minValue(0)
param videoRetentionDays int

@description('Days after which dropped images are deleted; 0 keeps them.')
@minValue(0)
param referenceRetentionDays int

@description('Days after which videos move to the cool tier; 0 leaves them where they are.')
@minValue(0)
param videoCoolDays int

resource account 'Microsoft.Storage/storageAccounts@2025-08-01' existing = {
  name: storageAccountName
}

var deleteVideos = {
  enabled: true
  name: 'delete-expired-videos'
  type: 'Lifecycle'
  definition: {
    filters: {
      blobTypes: [ 'blockBlob' ]
      prefixMatch: [ '${videosContainer}/' ]
    }
    actions: {
      baseBlob: {
        delete: {
          daysAfterModificationGreaterThan: videoRetentionDays + 1
        }
      }
    }
  }
}

var coolVideos = {
  enabled: true
  name: 'cool-old-videos'
  type: 'Lifecycle'
  definition: {
    filters: {
      blobTypes: [ 'blockBlob' ]
      prefixMatch: [ '${videosContainer}/' ]
    }
    actions: {
      baseBlob: {
        tierToCool: {
          daysAfterModificationGreaterThan: videoCoolDays
        }
      }
    }
  }
}

var deleteReferences = {
  enabled: true
  name: 'delete-old-references'
  type: 'Lifecycle'
  definition: {
    filters: {
      blobTypes: [ 'blockBlob' ]
      prefixMatch: [ '${referencesContainer}/' ]
    }
    actions: {
      baseBlob: {
        delete: {
          daysAfterModificationGreaterThan: referenceRetentionDays
        }
      }
    }
  }
}

var deletion = videoRetentionDays > 0 ? [ deleteVideos ] : []
var cooling = videoCoolDays > 0 ? [ coolVideos ] : []
var referenceDeletion = referenceRetentionDays > 0 ? [ deleteReferences ] : []
var rules = concat(deletion, cooling, referenceDeletion)

// A policy without rules is refused by the service.
resource policy 'Microsoft.Storage/storageAccounts/managementPolicies@2025-08-01' = if (!empty(rules)) {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: rules
    }
  }
}
