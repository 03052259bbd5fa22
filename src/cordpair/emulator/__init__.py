"""A Microsoft cloud, an iMIS and a floor of people over real HTTP. Shares no code with the product."""
