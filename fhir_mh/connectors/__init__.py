"""Ways of reaching partners that are no gateways, a package for each."""
