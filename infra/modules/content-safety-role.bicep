// Lets the app ask a Content Safety account: the one made here, or one that exists elsewhere.
metadata description = 'Cognitive Services User on one account.'

@description('Name of the account, in this resource group.')
param accountName string

@description('Object id of the app\'s identity.')
param principalId string

var roles = {
  cognitiveServicesUser: 'a97b65f3-24c7-4388-baec-2e87135dc908'
}

resource account 'Microsoft.CognitiveServices/accounts@2025-09-01' existing = {
  name: accountName
}

resource user 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, principalId, roles.cognitiveServicesUser)
  scope: account
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.cognitiveServicesUser)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

@description('Address of the account.')
output endpoint string = account.properties.endpoint
