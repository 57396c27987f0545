"""Ways of reaching partners that do not speak the sync protocol, one package each."""
