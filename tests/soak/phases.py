"""The phases, in their order."""

from tests.soak import chaos, churn, restart, stalled, steady

ALL = {
    "steady": steady.run,
    "stalled": stalled.run,
    "churn": churn.run,
    "restart": restart.run,
    "chaos": chaos.run,
}
