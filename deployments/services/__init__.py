from deployments.services.configuring import CONFIGURABLE, configure
from deployments.services.deploying import deploy, validate_deployment
from deployments.services.ending import stop_deployment
from deployments.services.rolling_back import roll_back, rollback_target

__all__ = [
    "CONFIGURABLE",
    "configure",
    "deploy",
    "roll_back",
    "rollback_target",
    "stop_deployment",
    "validate_deployment",
]
