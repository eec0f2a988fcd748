// Lets the app call an Azure OpenAI account: the one made here, or one that exists elsewhere.
metadata description = 'Cognitive Services OpenAI User on one account.'

@description('Name of the account, in this resource group.')
param accountName string

@description('Object id of the app\'s identity.')
param principalId string

var roles = {
  cognitiveServicesOpenAiUser: '5e0bd9bd-7b93-4f28-af87-19fc36ad61bd'
}

resource account 'Microsoft.CognitiveServices/accounts@2025-09-01' existing = {
  name: accountName
}

resource openAiUser 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, principalId, roles.cognitiveServicesOpenAiUser)
  scope: account
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.cognitiveServicesOpenAiUser)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

@description('Address of the account.')
output endpoint string = account.properties.endpoint
