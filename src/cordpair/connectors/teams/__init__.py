"""Microsoft Teams: calls, presence and users through Graph, chats through the bot connector."""
