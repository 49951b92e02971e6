"""The citizens' page (市民网页) and the interface for the city's own app: a matter, a conversation, how it stands."""
