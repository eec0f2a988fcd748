// One private endpoint with its entry in the private DNS zone, which network.bicep has made.
metadata description = 'Private endpoint of one resource.'

@description('Name of the private endpoint.')
param name string

@description('Region of these resources.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Resource id of the subnet that it takes an address of.')
param subnetId string

@description('Resource id of what it leads to.')
param targetId string

@description('Sub-resource: blob, queue, table, account (Azure OpenAI) or vault.')
param groupId string

@description('Name of the private DNS zone of that sub-resource.')
param privateDnsZoneName string

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' existing = {
  name: privateDnsZoneName
}

resource endpoint 'Microsoft.Network/privateEndpoints@2025-09-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    subnet: {
      id: subnetId
    }
    privateLinkServiceConnections: [
      {
        name: groupId
        properties: {
          privateLinkServiceId: targetId
          groupIds: [
            groupId
          ]
        }
      }
    ]
  }
}

resource zoneGroup 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-09-01' = {
  parent: endpoint
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      {
        name: groupId
        properties: {
          privateDnsZoneId: zone.id
        }
      }
    ]
  }
}
