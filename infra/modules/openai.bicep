// Optional: an Azure OpenAI account with video deployments. Left out where the endpoint is brought
// along, or where another provider serves (Sora 2 on Azure has a retirement date, see the README).
metadata description = 'Azure OpenAI account, its deployments and the role of the app.'

param name string
param location string
param tags object
param principalId string

@description('Deployments: objects with name, model, version, sku and capacity.')
param deployments array

@description('True closes the public endpoint; the app then comes through a private one.')
param restrictNetwork bool

resource account 'Microsoft.CognitiveServices/accounts@2024-10-01' = {
  name: name
  location: location
  tags: tags
  kind: 'OpenAI'
  sku: {
    name: 'S0'
  }
  properties: {
    customSubDomainName: name
    disableLocalAuth: true
    publicNetworkAccess: restrictNetwork ? 'Disabled' : 'Enabled'
    networkAcls: {
      defaultAction: restrictNetwork ? 'Deny' : 'Allow'
    }
  }
}

// One after the other: the account takes one change at a time.
@batchSize(1)
resource modelDeployments 'Microsoft.CognitiveServices/accounts/deployments@2024-10-01' = [for deployment in deployments: {
  parent: account
  name: deployment.name
  sku: {
    name: deployment.sku
    capacity: deployment.capacity
  }
  properties: {
    model: {
      format: 'OpenAI'
      name: deployment.model
      version: deployment.version
    }
    versionUpgradeOption: 'NoAutoUpgrade'
  }
}]

module access 'openai-role.bicep' = {
  name: 'openai-role'
  params: {
    accountName: account.name
    principalId: principalId
  }
}

output id string = account.id
output endpoint string = account.properties.endpoint
