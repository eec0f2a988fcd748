// What this resource group may cost in a month, Azure OpenAI included. A provider that bills
// elsewhere is watched by the alert on submitted videos instead.
metadata description = 'Monthly budget of the resource group.'

@description('US dollars (the currency of the billing account) a month.')
@minValue(1)
param amount int

@description('First day of the month in which the budget begins, yyyy-MM-01. It can\'t be changed later.')
param startDate string

@description('Addresses that are written to, besides the owners.')
param contactEmails string[]

resource budget 'Microsoft.Consumption/budgets@2026-06-01' = {
  name: 'dailies'
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: {
      startDate: startDate
    }
    notifications: {
      actualEighty: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 80
        thresholdType: 'Actual'
        contactEmails: contactEmails
        contactRoles: [
          'Owner'
        ]
      }
      forecastHundred: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 100
        thresholdType: 'Forecasted'
        contactEmails: contactEmails
        contactRoles: [
          'Owner'
        ]
      }
    }
  }
}
