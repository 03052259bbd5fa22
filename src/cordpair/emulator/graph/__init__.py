"""The emulated Microsoft Graph: calls, presence, users, subscriptions. Only the operations in `tables`."""
