// The one identity that the app, its deployment storage and its telemetry use.
metadata description = 'User-assigned managed identity of the app.'

@description('Name of the identity.')
param name string

@description('Region of these resources.')
param location string

@description('Tags of every resource.')
param tags { *: string }

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}

@description('Resource id.')
output id string = identity.id

@description('Client id, which code signs in with.')
output clientId string = identity.properties.clientId

@description('Object id, which roles are assigned to.')
output principalId string = identity.properties.principalId
