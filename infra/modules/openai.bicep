// Optional: an Azure OpenAI account with video deployments. Left out where the endpoint is brought
// along, or where another provider serves (Sora 2 on Azure has a retirement date, see the README).
metadata description = 'Azure OpenAI account, its deployments and the role of the app.'

@export()
@description('A deployment of a model.')
type modelDeployment = {
  @description('Name of the deployment.')
  name: string

  @description('Name of the model, for example sora-2.')
  model: string

  @description('Version of the model, for example 2025-12-08.')
  version: string

  @description('Kind of the deployment, for example GlobalStandard.')
  sku: string

  @description('Quota that it takes, in the units of the model.')
  @minValue(1)
  capacity: int
}

@description('Name of the account, and of its subdomain.')
param name string

@description('Region of these resources.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Object id of the app\'s identity.')
param principalId string

@description('Deployments to make.')
param deployments modelDeployment[]

@description('True closes the public endpoint; the app then comes through a private one.')
param restrictNetwork bool

resource account 'Microsoft.CognitiveServices/accounts@2025-09-01' = {
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
resource modelDeployments 'Microsoft.CognitiveServices/accounts/deployments@2025-09-01' = [for deployment in deployments: {
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
  params: {
    accountName: account.name
    principalId: principalId
  }
}

@description('Resource id.')
output id string = account.id

@description('Address of the account.')
output endpoint string = account.properties.endpoint
