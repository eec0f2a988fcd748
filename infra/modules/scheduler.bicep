// Optional: the Durable Task Scheduler in place of the task hub in host storage. It needs
// infra/host.scheduler.json as the app's host.json (see docs/operations.md).
metadata description = 'Durable Task Scheduler, its task hub and the role of the app.'

@description('Name of the scheduler.')
param name string

@description('Name of its task hub, the one in host.json.')
param taskHubName string

@description('Region of these resources.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Object id of the app\'s identity.')
param principalId string

@allowed([ 'Consumption', 'Dedicated' ])
@description('Plan of the scheduler.')
param skuName string

@description('CIDR ranges that may call the scheduler; it takes Entra tokens only.')
param ipAllowlist string[]

var roles = {
  durableTaskDataContributor: '0ad04412-c4d5-4796-b79c-f76d14c8d402'
}

var skus = {
  Consumption: {
    name: 'Consumption'
  }
  Dedicated: {
    name: 'Dedicated'
    capacity: 1
  }
}

resource scheduler 'Microsoft.DurableTask/schedulers@2025-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    ipAllowlist: ipAllowlist
    sku: skus[skuName]
  }
}

resource taskHub 'Microsoft.DurableTask/schedulers/taskHubs@2025-11-01' = {
  parent: scheduler
  name: taskHubName
  properties: {}
}

resource dataContributor 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(taskHub.id, principalId, roles.durableTaskDataContributor)
  scope: taskHub
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.durableTaskDataContributor)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

@description('Address of the scheduler.')
output endpoint string = scheduler.properties.endpoint
