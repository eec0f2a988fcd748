"""Which models callers may name, and which deployments serve each; what each can do, and costs."""

from dailies.catalogue.deployment import Deployment
from dailies.catalogue.file import Catalogue
from dailies.catalogue.models import Model
from dailies.catalogue.rules import Credential, Quota

__all__ = ["Catalogue", "Credential", "Deployment", "Model", "Quota"]
