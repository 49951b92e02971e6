"""What an operator decides: the settings file, the cities' profiles, lexicons and prompts."""
