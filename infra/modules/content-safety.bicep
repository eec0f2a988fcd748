// Optional: an account of Azure AI Content Safety, which is asked about prompts and pictures before
// anything is made. Left out where an account is brought along, or none is wanted.
metadata description = 'Azure AI Content Safety account and the role of the app.'

@description('Name of the account, and of its subdomain.')
param name string

@description('Region of these resources.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Object id of the app\'s identity.')
param principalId string

@description('True closes the public endpoint; the app then comes through a private one.')
param restrictNetwork bool

resource account 'Microsoft.CognitiveServices/accounts@2025-09-01' = {
  name: name
  location: location
  tags: tags
  kind: 'ContentSafety'
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

module access 'content-safety-role.bicep' = {
  params: {
    accountName: account.name
    principalId: principalId
  }
}

@description('Resource id.')
output id string = account.id

@description('Address of the account.')
output endpoint string = account.properties.endpoint
