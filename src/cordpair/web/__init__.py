"""HTTP: webhooks, the bot endpoint, pages and live updates."""
