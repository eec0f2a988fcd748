"""Which models callers may name, and which deployments serve each; what each can do, and costs."""

from dailies.catalogue.deployment import Credential, Deployment, Quota
from dailies.catalogue.file import Catalogue
from dailies.catalogue.models import Model

__all__ = ["Catalogue", "Credential", "Deployment", "Model", "Quota"]
